"""Write the page and its network as one HTML file that needs no server.

    python scripts/export_page.py digit.html
    python scripts/export_page.py digit.html --weights runs/... or hf://USER/NAME

It opens offline with a double click, and from any static host. Exit code 2: the network can't be
used or the file can't be written.
"""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # so that the script runs from a clone, nothing installed


def argument_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Write the page as one file.")
    parser.add_argument("file", type=Path, help="where to write it, digit.html")
    parser.add_argument("--weights", help="folder or hf://USER/NAME (the network in use)")
    return parser


if __name__ == "__main__":  # Parse arguments before slow imports
    argument_parser().parse_args()

from mnist_core.errors import UserError
from mnist_core.files import atomic_write
from mnist_core.network import weights
from mnist_core.network.quantize import compressed_file
from ui.document import document, files


def main() -> None:
    parser = argument_parser()
    args = parser.parse_args()
    try:
        model, config = weights.load(args.weights)
        embedded = {"network": compressed_file(model, config), **files()}
        page = document({"card": config}, embedded).html.encode()
        with atomic_write(args.file) as file:
            file.write(page)
    except UserError as error:
        parser.exit(2, f"export_page.py: {error}\n")
    print(f"{args.file}: {len(page) / 1e6:.2f} MB, network {config['name']}")


if __name__ == "__main__":
    main()
