"""Tell where the page is: an address in text and as a QR code that a phone's camera reads."""

import contextlib
import socket
import sys

import segno

# Hosts that stand for all addresses of this machine, each with an address outside (for examples).
EVERYWHERE = {"0.0.0.0": "192.0.2.1", "::": "2001:db8::1"}


def qr_picture(address: str) -> str:
    """A QR code of `address` as an SVG picture in a data URL; black on white in every theme."""
    return segno.make(address, micro=False).svg_data_uri(scale=4, dark="#000", light="#fff")


def network_address(host: str, port: int) -> str | None:
    """Where other machines find what listens on all addresses; None where it listens on one."""
    with contextlib.suppress(KeyError, OSError):  # or where there is no network
        beyond = EVERYWHERE[host]
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as way:
            way.connect((beyond, port))  # sends nothing: it finds out which address would send
            name = way.getsockname()[0]
        return f"http://[{name}]:{port}/" if ":" in name else f"http://{name}:{port}/"
    return None


def print_address(where: str, address: str) -> None:
    print(f"{where} at\n{address}", flush=True)
    if sys.stdout.isatty():
        segno.make(address, micro=False).terminal(compact=True)


def print_missing_link(said: str) -> None:
    """Explain that there is no public link; `said` is what Gradio printed, the reason in it."""
    reason = " ".join(said.split()) or "Gradio does not say why."
    print(
        f"app.py: there is no public link; the page is served here alone. {reason}\n"
        "A link needs a way out to Gradio's servers: look whether a proxy or firewall is in "
        "between, then start again. Without one, --host 0.0.0.0 lets in your own network.",
        file=sys.stderr,
    )
