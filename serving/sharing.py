"""Tell where the page is: an address in text and as a QR code that a phone's camera reads."""

import sys

import segno


def qr_picture(address: str) -> str:
    """A QR code of `address` as an SVG picture in a data URL; black on white in every theme."""
    return segno.make(address, micro=False).svg_data_uri(scale=4, dark="#000", light="#fff")


def print_public_address(address: str) -> None:
    print(f"Shared for a week at\n{address}", flush=True)
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
