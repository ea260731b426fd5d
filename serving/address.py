"""Whether the page can be served at an address, asked before anything is started for it."""

import socket

from mnist_core.errors import UserError

REMEDY = "Choose another with --port or --host"


def check_address(host: str, port: int) -> None:
    """Raise UserError where nobody can listen: a busy port, or not an address of this machine.

    Only asking first tells that apart from what else can fail when a server starts; Ray would
    even share the port with another Ray.
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
