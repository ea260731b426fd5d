"""Turn the pen digits and UNIPEN's release into drawing files, as weights/ was trained on.

    python -m experiments.unipen
    python -m experiments.unipen --release train_r01_v07

By itself it downloads the UCI pen digits: Alpaydin and Alimoglu, "Pen-Based Recognition of
Handwritten Digits", 1998, CC BY 4.0; 10,992 digits by 44 writers. The 14 writers of the test part
are in no other part: train on the training part alone. --release is the unpacked folder of
UNIPEN's train_r01_v07, doi.org/10.5281/zenodo.1195803 (Guyon et al., 1994, CC BY 4.0).
"""

import argparse
import tempfile
from pathlib import Path

from torch.hub import download_url_to_file

from experiments import common
from experiments.unipen_format import read_unipen
from mnist_core.drawing.strokes import Drawing, write_drawings
from mnist_core.errors import UserError

SOURCE = (
    "https://raw.githubusercontent.com/choucavalier/pendigits-hmm/"
    "03382e1457941714439d40b67e53eaf117fe4d08/data/"
)
SHA256 = {
    "pendigits-train": "a66225d68d7d68591e62944df1ad33b3f5aa608e2df2505844b41f5568a80da4",
    "pendigits-test": "ddb1c19e277a56c7ffe682cc024d6ab73696f9adcc1643ef9ed5aa753007e081",
}
SINGLE = "data/1[abcd]/*/*.dat"  # a release's digits, capitals, small letters and symbols


def main() -> None:
    parser = argparse.ArgumentParser(description="Make drawing files of pen collections.")
    parser.add_argument("--release", type=Path, help="UNIPEN's folder, to convert that instead")
    parser.add_argument("--output", type=Path, default=Path("data"), help="folder to write to")
    common.run(parser, convert)


def convert(args: argparse.Namespace) -> None:
    files = read_release(args.release) if args.release else download_pen_digits()
    for name, drawings in files.items():
        path = args.output / f"{name}.jsonl.gz"
        write_drawings(path, drawings)
        print(f"wrote {len(drawings)} drawings to {path}")


def download_pen_digits() -> dict[str, list[Drawing]]:
    """The pen digits' two parts."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, checksum in SHA256.items():
            path = Path(folder) / name
            try:
                download_url_to_file(SOURCE + name, str(path), checksum, progress=False)
            except (OSError, RuntimeError) as error:
                raise UserError(f"{SOURCE}{name} can't be downloaded: {error}") from error
            found[name] = read_unipen(path)
    return found


def read_release(folder: Path) -> dict[str, list[Drawing]]:
    """A release's single digits, and its single letters and symbols."""
    paths = sorted(folder.rglob(SINGLE))
    if not paths:
        raise UserError(f"{folder} holds no {SINGLE}: give UNIPEN's train_r01_v07, unpacked")
    digits, characters = [], []
    for drawing in (one for path in paths for one in read_unipen(path)):
        (characters if drawing.label is None else digits).append(drawing)
    return {"unipen-digits": digits, "unipen-characters": characters}


if __name__ == "__main__":
    main()
