"""The server's address, trusted proxies, and its end."""

import os
import signal
import socket
import sys
import threading

from mnist_core.errors import UserError

TRUSTED = "FORWARDED_ALLOW_IPS"  # uvicorn's own environment variable
REMEDY = "Choose another with --port or --host"
EXIT_SECONDS = 9  # Docker kills a process 10 s after SIGTERM


def check_address(host: str, port: int) -> None:
    """Raise UserError if the port is busy or `host` is not an address of this machine."""
    if not 1 <= port <= 65535:
        raise UserError(f"{port} is not a port: expected 1 to 65535. {REMEDY}")
    try:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host.strip("[]"), port))
    except OSError as error:
        raise UserError(
            f"port {port} of {host} is busy or the address is not this machine's. {REMEDY}"
        ) from error


def trust_proxies(addresses: str, share: bool) -> None:
    """Set the proxies that uvicorn trusts; by default the tunnel of a public link."""
    tunnel = "127.0.0.1" if share else ""
    os.environ[TRUSTED] = addresses or os.environ.get(TRUSTED, tunnel)


def install_signal_handlers() -> None:
    """Raise SystemExit on SIGTERM, which process 1 would ignore, and on Ctrl-C.

    Connections that are still open after EXIT_SECONDS are dropped.
    """

    def end(*_: object) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        guard = threading.Timer(EXIT_SECONDS, os._exit, [0])
        guard.daemon = True
        guard.start()
        sys.exit(0)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
