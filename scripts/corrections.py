"""List, review, relabel, delete, export and import the corrections that people gave.

    python scripts/corrections.py list --picture corrections.png
    python scripts/corrections.py review
    python scripts/corrections.py relabel 17 4
    python scripts/corrections.py export corrections.jsonl.gz

The database is data/corrections.sqlite (in the clone or in the folder DRAW_A_DIGIT_HOME), unless
--database or the environment variable DATABASE_URL names another. Exit code 2: the database, a file
or an argument is wrong.
"""

import argparse
import contextlib
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # so that the script runs from a clone, nothing installed

from mnist_core.extras import exit_without

if __name__ == "__main__":
    exit_without("train")

from mnist_core.corrections.database import URL_FORMS

DATABASE = f"{URL_FORMS} (default: DATABASE_URL, else data/corrections.sqlite)"
ENDINGS = ".jsonl or .jsonl.gz: drawings to train on; .csv or .csv.gz: label and pixels"


def argument_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="List, review, relabel, delete, export and import people's corrections."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="command")

    def command(name: str, text: str) -> Callable:
        added = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        added.add_argument("--database", metavar="URL", help=DATABASE)
        return added.add_argument

    add = command("list", "show the corrections in a table, oldest first")
    add("--picture", type=Path, metavar="FILE.png", help="also draw the newest 1,000 as a picture")
    add = command("review", "list the corrections that a network reads differently")
    add("--weights", type=Path, metavar="DIR", help="the network (default: the one in use)")
    add("--picture", type=Path, metavar="FILE.png", help="also draw the first 1,000 as a picture")
    add = command("export", "write all corrections to a file")
    add("file", type=Path, metavar="FILE", help=ENDINGS)
    add = command("import", "add the drawings of files as corrections")
    add("files", type=Path, nargs="+", metavar="FILE", help=".jsonl or .jsonl.gz")
    add = command("relabel", "change the digit of a correction")
    add("id", type=int, metavar="ID", help="as list shows it")
    add("digit", type=int, choices=range(10), metavar="DIGIT", help="0 to 9")
    add = command("delete", "delete corrections for good")
    add("ids", type=int, nargs="+", metavar="ID", help="as list shows them")
    return parser


if __name__ == "__main__":  # Parse arguments before slow imports
    argument_parser().parse_args()

import numpy as np
import torch

from mnist_core.corrections.store import Correction, Corrections
from mnist_core.drawing.framing import PIXELS
from mnist_core.drawing.strokes import read_drawings, write_drawings
from mnist_core.errors import UserError
from mnist_core.files import atomic_write
from mnist_core.network.weights import in_use, load
from mnist_core.training import plots
from mnist_core.training.data import Dataset, render_drawings
from mnist_core.training.trainer import predict


def main() -> None:
    parser = argument_parser()
    options = vars(parser.parse_args())
    command, database = options.pop("command"), options.pop("database")
    torch.set_num_threads(1)  # a page may be served on the same machine
    try:
        with contextlib.closing(Corrections(database, create=command == "import")) as store:
            COMMANDS[command](store, **options)
    except UserError as error:
        parser.exit(2, f"corrections.py: {error}\n")


def list_all(store: Corrections, picture: Path | None) -> None:
    shown = store.all()
    print("    id  given (UTC)       label  read as  network           whose")
    for one in shown:
        answer = "-" if one.answer is None else one.answer
        print(f"{one.id:6}  {one.created:%Y-%m-%d %H:%M}  {one.label:5}  {answer:>7}", end="  ")
        print(f"{one.network:16.16}  {one.token[:6]}…")
    print(f"{len(shown)} corrections")
    if picture:
        newest = shown[-plots.MAX_IMAGES :]
        draw(picture, newest, [f"#{one.id}: {one.label}\n{answer_of(one)}" for one in newest])


def answer_of(correction: Correction) -> str:
    if correction.answer is None:
        return "not read"
    sure = correction.probabilities and f", {correction.probabilities[correction.answer]:.0%}"
    return f"read as {correction.answer}{sure or ''}"


def draw(picture: Path, corrections: Sequence[Correction], titles: Sequence[str]) -> None:
    if not corrections:
        raise UserError(f"there are no corrections to draw: {picture} was not written")
    plots.save(plots.image_grid(render(corrections)[0], titles), picture)
    print(f"drew {len(corrections)} of them: {picture}")


def render(corrections: Sequence[Correction]) -> Dataset:
    """Render images and labels one by one, as a list of all drawings takes far more memory."""
    pairs = [render_drawings([one.drawing()]) for one in corrections]
    return tuple(map(torch.cat, zip(*pairs, strict=True)))


def review(store: Corrections, weights: Path | None, picture: Path | None) -> None:
    """List those that the network reads differently, the least probable label first."""
    found = store.all()
    if not found:
        raise UserError("there are no corrections to review")
    weights = weights or in_use()
    model, config = load(weights)
    print(f"compared with network {config['name']} of {config['provenance']['date']}, {weights}")
    if learned := config["provenance"].get("corrections"):
        print(f"it was trained on {learned} corrections itself: choose another with --weights")
    images, labels = render(found)
    probabilities = predict(model, images).exp()  # (N, 10)
    own = probabilities[torch.arange(len(found)), labels]  # (N,)
    answers = probabilities.argmax(1)
    doubtful = [i for i in own.argsort().tolist() if answers[i] != labels[i]]
    print("    id  label  its probability  answer")
    for i in doubtful:
        answer = f"{answers[i]}, {probabilities[i, answers[i]]:.1%}"
        print(f"{found[i].id:6}  {labels[i]:5}  {own[i]:15.1%}  {answer}")
    print(f"{len(doubtful)} of {len(found)} corrections differ from the network's answer")
    if picture and doubtful:
        titles = [f"#{found[i].id}: {labels[i]}\nread as {answers[i]}" for i in doubtful]
        draw(picture, [found[i] for i in doubtful[: plots.MAX_IMAGES]], titles)


def export_all(store: Corrections, file: Path) -> None:
    found, name = store.all(), file.name.removesuffix(".gz")
    if not found:
        raise UserError(f"there are no corrections to export: {file} was not written")
    if name.endswith(".jsonl"):
        write_drawings(file, (one.drawing() for one in found))
    elif name.endswith(".csv"):
        write_csv(file, render(found))
    else:
        raise UserError(f"{file}: expected a name that ends in .jsonl or .csv, with or without .gz")
    print(f"wrote {len(found)} corrections to {file}")


def write_csv(path: Path, dataset: Dataset) -> None:
    """Write label,pixel0,...,pixel783, as Kaggle's digit recognizer has it. Raises UserError."""
    images, labels = dataset
    rows = np.column_stack([labels.numpy().astype(np.uint8), images.reshape(-1, PIXELS).numpy()])
    header = ",".join(["label", *(f"pixel{number}" for number in range(PIXELS))])
    with atomic_write(path) as file:
        np.savetxt(file, rows, fmt="%d", delimiter=",", header=header, comments="")


def import_files(store: Corrections, files: Sequence[Path]) -> None:
    # Read every file before adding any.
    for file, drawings in [(file, read_drawings(file)) for file in files]:
        try:
            print(f"added {store.add_drawings(drawings)} drawings of {file}")
        except UserError as error:
            raise UserError(f"{file}: {error}") from error


def relabel(store: Corrections, id: int, digit: int) -> None:
    if not store.relabel(id, digit):
        raise UserError(f"there is no correction {id}: corrections.py list shows them")
    print(f"correction {id} is a {digit}")


def delete(store: Corrections, ids: Sequence[int]) -> None:
    ids = dict.fromkeys(ids)  # without repetitions
    if missing := [str(id) for id in ids if not store.delete(id)]:
        raise UserError(
            f"there is no correction {', '.join(missing)} (any others are deleted): "
            "corrections.py list shows them"
        )
    print(f"deleted {len(ids)}")


COMMANDS = {
    "list": list_all,
    "review": review,
    "export": export_all,
    "import": import_files,
    "relabel": relabel,
    "delete": delete,
}

if __name__ == "__main__":
    main()
