"""Where uvicorn listens, which proxies it trusts, and how the server ends."""

import os
import signal
import socket
import sys
import threading

from mnist_core.errors import UserError

TRUSTED = "FORWARDED_ALLOW_IPS"  # uvicorn's own environment variable
REMEDY = "Choose another with --port or --host"
# Docker kills a process 10 s after it was told to end.
EXIT_SECONDS = 9


def check_address(host: str, port: int) -> None:
    """Raise UserError where nobody can listen: a busy port, or not an address of this machine.

    Asked first, as Ray would share the port with another Ray.
    """
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
    """Have uvicorn believe these proxies who their clients are, or the tunnel of a public link."""
    tunnel = "127.0.0.1" if share else ""  # where it ends on this machine
    os.environ[TRUSTED] = addresses or os.environ.get(TRUSTED, tunnel)


def install_signal_handlers() -> None:
    """On SIGTERM, which process 1 would not notice, and Ctrl-C, raise SystemExit.

    Connections that hold on then are dropped after EXIT_SECONDS.
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
