"""Fine-tune the network on people's corrections.

    python scripts/finetune.py --install
    python scripts/finetune.py --corrections mine.jsonl --drawings data/pendigits-train.jsonl.gz

Trains the network in use for some seconds, and scores it before and after. Exit code 2: wrong data
or settings, or the result can't be saved; 4: not installed, as it is over 0.1 points less accurate
than the network in use or than the one before its first fine-tuning; 130: Ctrl-C.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # so that the script runs from a clone, nothing installed

from mnist_core.extras import exit_without


def argument_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Fine-tune the network on people's corrections.")
    add, place = parser.add_argument, {"type": Path, "metavar": "DIR"}
    text = "a drawing file (.jsonl, .jsonl.gz) or a database's URL (default: the page's database)"
    add("--corrections", default="", metavar="SOURCE", help=text)
    add("--from", **place, dest="parent", help="the network to train (default: the one in use)")
    text = "drawing files to rehearse beside MNIST (default: none)"
    add("--drawings", type=Path, nargs="+", default=[], metavar="FILE", help=text)
    text = "the folder that holds MNIST/raw (default: the repository's data/)"
    add("--data", **place, default=ROOT / "data", help=text)
    add("--output", **place, help="where to save (default: runs/<date-time>-corrections)")
    text = "use the network from now on, unless it is less accurate"
    add("--install", action="store_true", help=text)
    add("--force", action="store_true", help="install it even if it is less accurate")
    return parser


if __name__ == "__main__":  # Parse arguments before slow imports
    argument_parser().parse_args()
    exit_without("train")
    print("Starting: this takes some seconds", flush=True)
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as train.py does

from mnist_core import paths
from mnist_core.corrections import finetune
from mnist_core.drawing.framing import PIXELS
from mnist_core.drawing.strokes import read_drawings
from mnist_core.errors import UserError
from mnist_core.network import weights
from mnist_core.training import finish
from mnist_core.training.data import mnist_validation
from mnist_core.training.run import create_run_directory, print_row


def main() -> None:
    parser = argument_parser()
    args = parser.parse_args()
    try:
        parent = args.parent or Path(os.path.relpath(weights.in_use()))
        directory = learn(parent, args.corrections, args.drawings, args.data, args.output)
        if args.install:
            finish.install(directory, mnist_validation(args.data), args.force)
            way_back = "python scripts/weights.py restore previous"
            print(f"installed in {paths.installed()}; the one before: {way_back}")
    except KeyboardInterrupt:
        parser.exit(130, "finetune.py: stopped\n")
    except finish.NotInstalled as error:
        anyway = f"python scripts/weights.py install --force {directory}"
        advice = (
            f"look for wrong labels among the corrections, or install it all the same: {anyway}"
        )
        parser.exit(4, f"finetune.py: {error}; {advice}\n")
    except UserError as error:
        parser.exit(2, f"finetune.py: {error}\n")


def learn(
    parent: Path, source: str, drawings: Sequence[Path], data: Path, output: Path | None
) -> Path:
    """Fine-tune the network in `parent`, print its scores, and return where it is saved."""
    model, config = weights.load(parent)
    corrections = finetune.read_corrections(source)
    others = [drawing for path in drawings for drawing in read_drawings(path)]
    directory = create_run_directory(output, Path(os.path.relpath(paths.runs())), "corrections")
    print_row("network", f"{parent}, {'-'.join(map(str, (PIXELS, *model.hidden, 10)))}")
    settings = finetune.FineTuning()
    learned = finetune.learn(model, corrections, others, data, settings)
    held_out = f"{learned.held_out} held out" if learned.held_out else "too few to hold some out"
    print_row("corrections", f"{learned.count} learned from, {held_out}")
    print(f"\n{'accuracy':24}   before    after  of")
    for name, (before, after, count) in learned.scores.items():
        shown = f"MNIST {name}" if name in ("validation", "test") else name
        print(f"{shown:24} {before:8.2%} {after:8.2%}  {count:,}")
    finetune.save(learned, directory, parent, config, settings)
    print(f"saved to {directory}; try it: python app.py --weights {directory}")
    return directory


if __name__ == "__main__":
    main()
