"""Train the network and save it, with its metrics and pictures: python scripts/train.py

recipes:
{recipes}

losses:
{losses}

A run's directory holds the network of the epoch that read validation images best,
metrics.csv, pictures, and the state that --resume continues from. Needs no network:
MNIST is in the repository.

Exit code 2 when data or settings are wrong, the training diverges or its result can't
be saved; 4 when the network is not installed, as the one in use reads over 0.1 points
more of MNIST's validation images; 130 after Ctrl-C. To learn from what people
corrected: python scripts/finetune.py

examples:
  python scripts/train.py --recipe tutorial --install
  python scripts/train.py --drawings data/pendigits-train.jsonl.gz
  python scripts/train.py --hidden 300 100 --epochs 5 --output /tmp/mine
  python scripts/train.py --resume runs/2026-11-23-101500-best
  torchrun --nproc_per_node=2 scripts/train.py
"""

import argparse
import dataclasses
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # so that the script runs from a clone, nothing installed

from mnist_core.training.recipes import DEFAULT, LOSSES, RECIPES, describe_recipes

DEVICES = ("auto", "cpu", "cuda", "mps")


def argument_parser() -> argparse.ArgumentParser:
    losses = "\n".join(f"  {name:21} {loss.formula}: {loss.note}" for name, loss in LOSSES.items())
    text = __doc__.format(recipes=describe_recipes(), losses=losses)
    summary, _, more = text.partition("\n\n")
    plain = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=summary, epilog=more, formatter_class=plain)
    # The run's own options are in the namespace only where they are given.
    group = parser.add_argument_group("what to train", argument_default=argparse.SUPPRESS)
    add, number = group.add_argument, {"type": int, "metavar": "N"}
    place = {"type": Path, "metavar": "DIR"}
    default = "(default: the recipe's)"
    add("--recipe", choices=RECIPES, help=f"settings, described below (default: {DEFAULT})")
    add("--hidden", **number, nargs="*", help=f"widths of the hidden layers {default}")
    add("--epochs", **number, help=f"passes over the images {default}")
    add("--batch-size", **number, help=f"images a step {default}")
    add("--learning-rate", type=float, metavar="X", help=f"Adam's step size {default}")
    add("--loss", choices=LOSSES, help="a way to write it, described below (default: the recipe's)")
    add("--seed", **number, help="of the first weights, the order and the changes (default: 0)")
    text = "drawing files to train on as well (default: none)"
    add("--drawings", type=Path, nargs="+", metavar="FILE", help=text)
    text = "drawing files of letters and signs, to be unsure of (default: none)"
    add("--not-digits", type=Path, nargs="+", metavar="FILE", help=text)
    text = "folders of networks whose answers it learns instead of the labels (default: none)"
    add("--teachers", type=Path, nargs="+", metavar="DIR", help=text)
    text = "own digits beside MNIST: pictures in folders 0 to 9, CSV, idx, .npz, .npy, drawings"
    add("--data", type=Path, nargs="+", metavar="PLACE", help=text)
    add("--output", **place, help="the run's directory (default: runs/<date-time>-<recipe>)")
    add = parser.add_argument_group("how to run").add_argument
    add("--device", choices=DEVICES, help="(default: auto, a GPU where there is one)")
    text = "on the CPU (default: 1 for `tutorial` and `quick`, which more would slow down; for "
    add("--threads", **number, help=f"{text}layers of 512 units or more PyTorch's choice)")
    text = "continue the run in DIR with its own settings, to the same weights"
    add("--resume", **place, help=text)
    add("--tensorboard", action="store_true", help="log to the run's directory for TensorBoard too")
    add = parser.add_argument_group("where the result goes").add_argument
    text = "use the network from now on, page and scripts alike, unless the one in use reads more"
    add("--install", action="store_true", help=text)
    add("--force", action="store_true", help="install it even so")
    add("--push-to-hub", metavar="USER/NAME", help="publish the network on the Hugging Face Hub")
    return parser


if __name__ == "__main__":  # what is mistyped is told at once: the imports below take seconds
    argument_parser().parse_args()
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # threads that spin wait long for a core

from mnist_core import paths
from mnist_core.errors import UserError
from mnist_core.network import weights
from mnist_core.training import distributed, run, trainer
from mnist_core.training.checkpoint import Run, Settings
from mnist_core.training.finish import NotInstalled, finish, install


def main() -> None:
    parser = argument_parser()
    given = vars(parser.parse_args())
    wanted, force, tensorboard = (given.pop(name) for name in ("install", "force", "tensorboard"))
    current = None
    distributed.join()
    try:
        writer = run.summary_writer() if tensorboard else None
        current = distributed.broadcast_from_rank_0(start, **given)
        run.train(current, writer)
        distributed.broadcast_from_rank_0(finish, current, given["push_to_hub"])
        if wanted:
            held_out = current.data.validation["validation"]
            distributed.broadcast_from_rank_0(install, current.directory, held_out, force)
    except KeyboardInterrupt:
        stop(parser, 130, "stopped", current)
    except NotInstalled as error:
        stop(parser, 4, str(error), None)
    except trainer.Diverged as error:
        stop(parser, 2, f"{error}. {run.what_is_left(current, diverged=True)}", None)
    except UserError as error:
        stop(parser, 2, str(error), current)
    finally:
        distributed.leave()


def start(
    resume: Path | None,
    device: str | None,
    threads: int | None,
    push_to_hub: str | None,
    **own: Any,
) -> Run:
    """Begin or resume a run; `own` are the options that were given of those `begin` takes."""
    if resume and own:
        wrong = " ".join(f"--{name.replace('_', '-')}" for name in own)
        raise UserError(f"--resume continues with the run's own settings: leave out {wrong}")
    if push_to_hub:
        weights.check_token(push_to_hub)
    if resume:
        return run.resume(resume, device, threads)
    return begin(device, threads, **own)


def begin(
    device: str | None,
    threads: int | None,
    recipe: str = DEFAULT,
    seed: int = 0,
    drawings: Sequence[Path] = (),
    not_digits: Sequence[Path] = (),
    teachers: Sequence[Path] = (),
    data: Sequence[Path] = (),
    output: Path | None = None,
    **changes: Any,
) -> Run:
    """Begin a run; `changes` are to the recipe, `data` the places with own digits and MNIST."""
    root = next((place for place in data if (place / "MNIST").is_dir()), ROOT / "data")
    strokes = [place for place in data if place.name.endswith((".jsonl", ".jsonl.gz"))]
    changed = dataclasses.replace(RECIPES[recipe], **changes)
    settings = Settings(
        name=recipe,
        recipe=changed,
        seed=seed,
        data=str(root.resolve()),
        drawings=[str(path.resolve()) for path in (*drawings, *strokes)],
        not_digits=[str(path.resolve()) for path in not_digits],
        teachers=[str(path.resolve()) for path in teachers],
        device=distributed.choose_device(device or "auto"),
        threads=distributed.choose_threads(threads, changed.hidden),
        own=[str(path.resolve()) for path in data if path not in (root, *strokes)],
    )
    return run.begin(settings, output, Path(os.path.relpath(paths.runs())))


def stop(parser: argparse.ArgumentParser, code: int, why: str, current: Run | None) -> None:
    """End with `code`, saying why and what is left, in the first process alone."""
    if distributed.rank():
        parser.exit(code)
    parser.exit(code, f"train.py: {why}{f'. {run.what_is_left(current)}' if current else ''}\n")


if __name__ == "__main__":
    main()
