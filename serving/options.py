"""The options of app.py and of scripts/serve_ray.py. Imports nothing that takes time."""

import argparse
import os

from serving.server import TRUSTED

PASSWORDS = "DRAW_A_DIGIT_AUTH"  # environment variable, which no list of processes shows
AUTH = (
    "let in only who knows this; may be given again. Other people on this machine can read it in "
    f"the list of processes, but not the variable {PASSWORDS}, which holds the same, a line each"
)
PROXIES = (
    "addresses or networks, with commas between them, of reverse proxies that are believed who "
    f"their clients are; as in the variable {TRUSTED} (nobody; with --share its tunnel)"
)
CORRECTIONS = (
    "keep drawings that people correct, if they agree; where the page is public, with --share or "
    "on a Space, only if this is given"
)


def argument_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Serve a page on which a network reads digits.")
    add = parser.add_argument
    # Hugging Face Spaces and containers say where to listen in Gradio's own variables.
    host = os.environ.get("GRADIO_SERVER_NAME", "127.0.0.1")
    add("--host", default=host, help="0.0.0.0 lets other machines in (%(default)s)")
    port = os.environ.get("GRADIO_SERVER_PORT", "7860")
    add("--port", type=int, default=port, help="1 to 65535 (%(default)s)")
    add("--share", action="store_true", help="make a public link for a week")
    add("--share-or-exit", action="store_true", help="the same, or end with exit code 3")
    add("--auth", action="append", default=[], metavar="USER:PASSWORD", help=AUTH)
    text = "where a reverse proxy shows the page, or its whole address"
    add("--root-path", type=root_path, default="", metavar="/PATH", help=text)
    add("--forwarded-allow-ips", default="", metavar="ADDRESSES", help=PROXIES)
    add("--mcp", action="store_true", help="offer recognition over MCP too, at mcp")
    add("--corrections", action=argparse.BooleanOptionalAction, help=CORRECTIONS)
    text = "offer no training, which a page has that nobody but this machine can reach"
    add("--no-train", action="store_true", help=text)
    text = "folder or hf://USER/NAME (the installed network, else the shipped one)"
    add("--weights", help=text)
    return parser


def root_path(text: str) -> str:
    """`text` without a slash at its end. Raises ArgumentTypeError where a page can't be."""
    if text and not text.startswith(("/", "http://", "https://")):
        raise argparse.ArgumentTypeError(f"expected /{text} or https://NAME/PATH, found {text}")
    return text.rstrip("/")
