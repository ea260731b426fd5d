"""Letting others in: passwords, and an address as a picture that a phone's camera reads."""

import io
import os

import segno

PASSWORDS = "DRAW_A_DIGIT_AUTH"  # environment variable: what it holds is in no process list


def credentials(given: list[str]) -> list[tuple[str, str]] | None:
    """USER:PASSWORD texts, and those in the environment, a line each; None without any.

    Raises ValueError for a text of another form.
    """
    lines = [*given, *os.environ.get(PASSWORDS, "").splitlines()]
    return [_credential(line) for line in lines if line.strip()] or None


def _credential(text: str) -> tuple[str, str]:
    user, _, password = text.strip().partition(":")
    if not user or not password:
        raise ValueError("--auth takes USER:PASSWORD, neither of them empty")
    return user, password


def qr_text(address: str) -> str:
    """A QR code of `address` in block characters, for a terminal."""
    out = io.StringIO()
    segno.make(address, micro=False).terminal(out, compact=True)
    return out.getvalue()


def qr_picture(address: str) -> str:
    """A QR code of `address` as an SVG picture in a data URL; black on white in every theme."""
    return segno.make(address, micro=False).svg_data_uri(scale=4, dark="#000", light="#fff")
