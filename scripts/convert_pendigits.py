"""Turn the UCI pen-digit collection into drawing files, fetching it first if need be.

    python scripts/convert_pendigits.py
    python scripts/train.py --drawings data/pendigits-train.jsonl.gz

Alpaydin and Alimoglu, "Pen-Based Recognition of Handwritten Digits", UCI Machine
Learning Repository, 1998, CC BY 4.0: the pen's full path for 10,992 digits by 44
writers. The 14 writers of the test part are in no other part: train on the
training part alone. Exit code 2 when a file can't be had or is not the collection's.
"""

import argparse
import hashlib
import http.client
import sys
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # so that the script runs from a clone, nothing installed

from mnist_core.drawing.strokes import Drawing, parse_strokes, write_drawings
from mnist_core.errors import UserError
from mnist_core.files import make_directory

SOURCE = (
    "https://raw.githubusercontent.com/choucavalier/pendigits-hmm/"
    "03382e1457941714439d40b67e53eaf117fe4d08/data/"
)
SHA256 = {
    "pendigits-train": "a66225d68d7d68591e62944df1ad33b3f5aa608e2df2505844b41f5568a80da4",
    "pendigits-test": "ddb1c19e277a56c7ffe682cc024d6ab73696f9adcc1643ef9ed5aa753007e081",
}
BOX = 500  # the tablet's units to a side


def main() -> None:
    parser = argparse.ArgumentParser(description="Make drawing files of the UCI pen digits.")
    parser.add_argument("--source", default=SOURCE, help="folder or address with the two files")
    parser.add_argument("--output", type=Path, default=ROOT / "data", help="folder to write to")
    args = parser.parse_args()
    try:
        for name, sha256 in SHA256.items():
            path = args.output / f"{name}.jsonl.gz"
            drawings = parse_unipen(fetch(args.source, name, sha256).decode("ascii"))
            make_directory(args.output)
            write_drawings(path, drawings)
            print(f"wrote {len(drawings)} drawings to {path}")
    except UserError as error:
        parser.exit(2, f"convert_pendigits.py: {error}\n")


def fetch(source: str, name: str, sha256: str) -> bytes:
    """The file `name` from a folder or an address. Raises UserError, with a remedy."""
    place = source + name if "://" in source else (Path(source) / name).resolve().as_uri()
    try:
        with urllib.request.urlopen(place, timeout=60) as response:
            content = response.read()
    except (OSError, http.client.HTTPException) as error:
        raise UserError(
            f"can't fetch {place} ({error}). Without a network, give the folder that holds the "
            "two files: --source FOLDER"
        ) from error
    if (found := hashlib.sha256(content).hexdigest()) != sha256:
        raise UserError(
            f"{place} is not the collection's file: its sha256 is {found}, expected {sha256}"
        )
    return content


def parse_unipen(text: str) -> list[Drawing]:
    """The drawings of a UNIPEN file, y turned to grow downwards, each with its writer's number.

    A drawing begins with `.SEGMENT DIGIT <number> ? "<label>"`, its first comment
    is `.COMMENT <label> <writer> <serial>`; lines `x y` stand between .PEN_DOWN and .PEN_UP.
    """
    drawings = []
    for segment in text.split(".SEGMENT DIGIT")[1:]:
        lines = segment.splitlines()
        label = int(lines[0].split('"')[1])
        writer = next(line for line in lines if line.startswith(".COMMENT")).split()[2]
        strokes: list[list[list[int]]] = []
        for line in lines:
            if line.startswith(".PEN_DOWN"):
                strokes.append([])
            elif line and not line.startswith(".") and strokes:
                x, y = map(int, line.split())
                strokes[-1].append([x, BOX - y])
        drawings.append(Drawing(label, parse_strokes(strokes), {"writer": writer}))
    return drawings


if __name__ == "__main__":
    main()
