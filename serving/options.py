"""The options of app.py and scripts/serve_ray.py, without slow imports."""

import argparse
import os

from serving.server import TRUSTED

PASSWORDS = "DRAW_A_DIGIT_AUTH"  # environment variable
AUTH = (
    "require this name and password; may be repeated. Other users of this machine can see it in "
    f"the list of processes; {PASSWORDS}, a variable with one USER:PASSWORD a line, is safer"
)
PROXIES = (
    "addresses or networks, separated by commas, of trusted reverse proxies, as in the variable "
    f"{TRUSTED} (none; with --share its tunnel)"
)
CORRECTIONS = (
    "store drawings that people correct, if they agree (yes, but no if the page is public, with "
    "--share or on a Space, or for a class)"
)


def argument_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Serve a page on which a network reads digits.")
    add = parser.add_argument
    # Hugging Face Spaces and containers set Gradio's variables.
    host = os.environ.get("GRADIO_SERVER_NAME")
    text = "0.0.0.0 for access from other machines (127.0.0.1; with --class alone 0.0.0.0)"
    add("--host", default=host, help=text)
    port = os.environ.get("GRADIO_SERVER_PORT", "7860")
    add("--port", type=int, metavar="N", default=port, help="1 to 65535 (%(default)s)")
    add("--share", action="store_true", help="make a public link for a week")
    add("--share-or-exit", action="store_true", help="the same, with exit code 3 if that fails")
    add("--auth", action="append", default=[], metavar="USER:PASSWORD", help=AUTH)
    text = "path of the page behind a reverse proxy, or its whole address"
    add("--root-path", type=root_path, default="", metavar="/PATH", help=text)
    add("--forwarded-allow-ips", default="", metavar="ADDRESSES", help=PROXIES)
    text = "let a class send drawings to a wall; prints the pupils' and the teacher's address"
    add("--class", dest="classroom", action="store_true", help=text)
    add("--mcp", action="store_true", help="offer recognition over MCP at /mcp")
    add("--corrections", action=argparse.BooleanOptionalAction, help=CORRECTIONS)
    text = "do not offer training on the page (offered only if no other machine can reach it)"
    add("--no-train", action="store_true", help=text)
    text = "folder or hf://USER/NAME (the installed network, else the shipped one)"
    add("--weights", metavar="NETWORK", help=text)
    return parser


def root_path(text: str) -> str:
    """Return `text` without a slash at its end. Raises ArgumentTypeError for no path or address."""
    if text and not text.startswith(("/", "http://", "https://")):
        raise argparse.ArgumentTypeError(f"expected /{text} or https://NAME/PATH, found {text}")
    return text.rstrip("/")
