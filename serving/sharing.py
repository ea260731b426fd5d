"""Show the page's addresses as text and QR codes."""

import contextlib
import socket
import sys

import segno

# Hosts that mean all addresses of this machine, and a reserved address of the same kind.
EVERYWHERE = {"0.0.0.0": "192.0.2.1", "::": "2001:db8::1"}


def qr_picture(address: str) -> str:
    """Return a QR code of `address`, black on white, as a data URL of an SVG."""
    return segno.make(address, micro=False).svg_data_uri(scale=4, dark="#000", light="#fff")


def network_address(host: str, port: int) -> str | None:
    """Return the address for other machines if `host` means all addresses, else None."""
    with contextlib.suppress(KeyError, OSError):  # OSError: there is no network
        beyond = EVERYWHERE[host]
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as way:
            way.connect((beyond, port))  # sends nothing, but chooses this machine's address
            name = way.getsockname()[0]
        return f"http://[{name}]:{port}/" if ":" in name else f"http://{name}:{port}/"
    return None


def print_address(where: str, address: str) -> None:
    print(f"{where} at\n{address}", flush=True)
    if sys.stdout.isatty():
        segno.make(address, micro=False).terminal(compact=True)


def print_missing_link(said: str) -> None:
    """Explain that there is no public link; `said` is what Gradio printed."""
    reason = " ".join(said.split()) or "Gradio does not say why."
    print(
        f"app.py: there is no public link; only this machine can reach the page. {reason}\n"
        "A link needs access to Gradio's servers: check proxy and firewall, then start again. "
        "Without it, --host 0.0.0.0 serves your own network.",
        file=sys.stderr,
    )
