"""Write the page and its network as one HTML file that needs no server.

    python scripts/export_page.py digit.html
    python scripts/export_page.py digit.html --weights runs/... or hf://USER/NAME
    python scripts/export_page.py --space space

It opens offline with a double click, and from any static host. --space writes it as index.html
into a folder that is a static Hugging Face Space as it is. Exit code 2: the network can't be used,
the file can't be written, or the folder holds other files of these names.
"""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # so that the script runs from a clone, nothing installed


def argument_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Write the page as one file.")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("file", type=Path, nargs="?", metavar="FILE", help="such as digit.html")
    text = "write a folder for a static Hugging Face Space instead"
    where.add_argument("--space", type=Path, metavar="DIR", help=text)
    text = "folder or hf://USER/NAME (default: the network in use)"
    parser.add_argument("--weights", metavar="NETWORK", help=text)
    return parser


if __name__ == "__main__":  # Parse arguments before slow imports
    argument_parser().parse_args()

from mnist_core.errors import UserError
from mnist_core.files import atomic_write, make_directory
from mnist_core.network import weights
from mnist_core.network.model_card import model_card
from mnist_core.network.quantize import compressed_file
from ui.document import document, files

MADE_BY = "Made by `python scripts/export_page.py --space`"
# The metadata are Hugging Face's: https://huggingface.co/docs/hub/spaces-config-reference
SPACE = f"""---
title: Draw a digit
emoji: ✏️
colorFrom: indigo
colorTo: yellow
sdk: static
license: cc-by-4.0
short_description: A small network reads your handwriting while you draw
---

# Draw a digit

Draw a digit in the browser and see, while the pen moves, how sure a small neural network is of
each of the ten. It runs in your browser, and nothing that you draw is sent anywhere.

The network's data, licence (CC BY 4.0) and limits are in its [model card](model_card.md).
{MADE_BY}.
"""


def main() -> None:
    parser = argument_parser()
    args = parser.parse_args()
    try:
        model, config = weights.load(args.weights)
        embedded = {"network": compressed_file(model, config), **files()}
        page = document({"card": config}, embedded).html.encode()
        if args.space:
            write_space(args.space, page, config)
        else:
            write(args.file, page)
    except UserError as error:
        parser.exit(2, f"export_page.py: {error}\n")
    print(f"{args.file or args.space}: {len(page) / 1e6:.2f} MB, network {config['name']}")


def write(path: Path, content: bytes) -> None:
    with atomic_write(path) as file:
        file.write(content)


def write_space(folder: Path, page: bytes, config: dict) -> None:
    """Write a static Space. Raises UserError rather than replace what is not this script's."""
    card = model_card(config).encode()
    files = {"index.html": page, "model_card.md": card, "README.md": SPACE.encode()}
    make_directory(folder)
    readme = folder / "README.md"
    is_ours = readme.exists() and MADE_BY in readme.read_text("utf-8", errors="replace")
    foreign = [name for name in files if (folder / name).exists() and not is_ours]
    if foreign:
        raise UserError(
            f"{folder} has another {', '.join(foreign)}, which would be overwritten: "
            "remove them, or name another folder"
        )
    for name, content in files.items():
        write(folder / name, content)


if __name__ == "__main__":
    main()
