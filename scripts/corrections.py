"""Look at the corrections that people gave; mend, remove, review, export and import them.

    python scripts/corrections.py list --picture corrections.png
    python scripts/corrections.py review
    python scripts/corrections.py relabel 17 4
    python scripts/corrections.py export corrections.jsonl.gz

They are in data/corrections.sqlite, or where --database or the environment variable
DATABASE_URL says; data/ is in the clone, or in the folder that DRAW_A_DIGIT_HOME names.
Exit code 2 when the database, a file or an argument is wrong.
"""

import argparse
import contextlib
import sys
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # so that the script runs from a clone, nothing installed

from mnist_core.corrections.database import URL_FORMS

DATABASE = f"{URL_FORMS} (default: DATABASE_URL, else data/corrections.sqlite)"
ENDINGS = (
    "its ending says what: .jsonl or .jsonl.gz, drawings to train on; .csv or .csv.gz, label and "
    "pixels; NAME-images-idx3-ubyte, with .gz or without, MNIST's format, the labels beside it"
)


def argument_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Look at people's corrections; mend, remove, review, export, import them."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="command")

    def add(name: str, text: str) -> Callable:
        added = commands.add_parser(name, help=text, description=f"{text}.")
        added.add_argument("--database", metavar="URL", help=DATABASE)
        return added.add_argument

    option = add("list", "show them in a table, the oldest first")
    option("--last", type=int, metavar="N", help="only the N newest")
    option("--picture", type=Path, metavar="FILE.png", help="draw at most 1,000 too")
    option = add("review", "find doubtful labels: those that a network does not read")
    text = "the network that judges (default: the one in use)"
    option("--weights", type=Path, metavar="DIR", help=text)
    option("--picture", type=Path, metavar="FILE.png", help="draw at most 1,000 too")
    option = add("export", "write all of them to a file")
    option("file", type=Path, metavar="FILE", help=ENDINGS)
    option = add("import", "add the drawings of files")
    option("files", type=Path, nargs="+", metavar="FILE", help=".jsonl or .jsonl.gz")
    option = add("relabel", "say which digit one is")
    option("id", type=int, metavar="ID", help="as list shows it")
    option("digit", type=int, choices=range(10), metavar="DIGIT", help="0 to 9")
    option = add("delete", "remove some for good")
    option("ids", type=int, nargs="+", metavar="ID", help="as list shows them")
    return parser


if __name__ == "__main__":  # what is mistyped is told at once: the imports below take seconds
    argument_parser().parse_args()

import torch

from mnist_core.corrections import export
from mnist_core.corrections.store import Correction, Corrections
from mnist_core.drawing.strokes import read_drawings, write_drawings
from mnist_core.errors import UserError
from mnist_core.network.weights import in_use, load
from mnist_core.training import plots
from mnist_core.training.data import Dataset, render_drawings
from mnist_core.training.trainer import predict


def main() -> None:
    parser = argument_parser()
    given = vars(parser.parse_args())
    command, database = given.pop("command"), given.pop("database")
    torch.set_num_threads(1)  # the page may be served on the same machine
    try:
        store = Corrections(database, create=command == "import")
        with contextlib.closing(store):
            COMMANDS[command](store, **given)
    except UserError as error:
        parser.exit(2, f"corrections.py: {error}\n")


# The commands ----------------------------------------------------------------


def list_all(store: Corrections, last: int | None, picture: Path | None) -> None:
    if last is not None and last < 1:
        raise UserError(f"--last is {last}; expected at least 1")
    shown = 0
    print("    id  given (UTC)       label  read as  network           whose")
    for one in store.all(last):
        answer = "-" if one.answer is None else one.answer
        print(f"{one.id:6}  {one.created:%Y-%m-%d %H:%M}  {one.label:5}  {answer:>7}", end="  ")
        print(f"{one.network:16.16}  {one.token[:6]}…")
        shown += 1
    print(f"{shown} of {store.count()} corrections")
    if picture:
        newest = list(store.all(min(shown, plots.CONTACTS)))
        draw(picture, newest, [f"#{one.id}: {one.label}\n{reading(one)}" for one in newest])


def reading(correction: Correction) -> str:
    if correction.answer is None:
        return "not read"
    sure = correction.probabilities and f", {correction.probabilities[correction.answer]:.0%}"
    return f"read as {correction.answer}{sure or ''}"


def draw(picture: Path, corrections: Collection[Correction], titles: Sequence[str]) -> None:
    if not corrections:
        raise UserError(f"there are no corrections to draw: {picture} was not written")
    images, _ = render(corrections)
    plots.save(plots.image_grid(images, titles), picture)
    print(f"drew {len(corrections)} of them: {picture}")


def render(corrections: Iterable[Correction]) -> Dataset:
    """Images and labels of at least one; drawn one by one, as drawings take far more room."""
    pairs = [render_drawings([one.drawing()]) for one in corrections]
    return tuple(map(torch.cat, zip(*pairs, strict=True)))


def review(store: Corrections, weights: Path | None, picture: Path | None) -> None:
    """List what the network reads otherwise, the least probable label first."""
    found = list(store.all())
    if not found:
        raise UserError("there are no corrections to review")
    weights = weights or in_use()
    model, config = load(weights)
    print(f"judge: the network {config['name']} of {config['provenance']['date']} in {weights}")
    if learned := config["provenance"].get("corrections"):
        print(f"which learned from {learned} corrections itself: --weights names another")
    images, labels = render(found)
    probabilities = predict(model, images).exp()  # (N, 10)
    own = probabilities[torch.arange(len(found)), labels]  # (N,)
    rather = probabilities.argmax(1)
    doubtful = [i for i in own.argsort().tolist() if rather[i] != labels[i]]
    print("    id  label  its probability  rather")
    for i in doubtful:
        other = f"{rather[i]}, {probabilities[i, rather[i]]:.1%}"
        print(f"{found[i].id:6}  {labels[i]:5}  {own[i]:15.1%}  {other}")
    print(f"{len(doubtful)} of {len(found)} corrections are read otherwise than labelled")
    if picture and doubtful:
        titles = [f"#{found[i].id}: {labels[i]}\nrather {rather[i]}" for i in doubtful]
        draw(picture, [found[i] for i in doubtful[: plots.CONTACTS]], titles)


def export_all(store: Corrections, file: Path) -> None:
    count = store.count()
    if not count:
        raise UserError(f"there are no corrections to export: {file} was not written")
    name = file.name.removesuffix(".gz")
    if name.endswith(".jsonl"):
        write_drawings(file, (one.drawing() for one in store.all()))
    elif name.endswith(".csv"):
        export.write_csv(file, render(store.all()))
    elif name.endswith(export.IMAGES):
        print(f"labels: {export.write_idx(file, render(store.all()))}")
    else:
        raise UserError(f"{file}: expected a name that ends in .jsonl, .csv or {export.IMAGES}")
    print(f"wrote {count} corrections to {file}")


def import_files(store: Corrections, files: Sequence[Path]) -> None:
    for file, drawings in [(file, read_drawings(file)) for file in files]:  # all, before any
        try:
            print(f"added {store.add_drawings(drawings)} drawings of {file}")
        except UserError as error:
            raise UserError(f"{file}: {error}") from error


def relabel(store: Corrections, id: int, digit: int) -> None:
    if not store.relabel(id, digit):
        raise UserError(f"there is no correction {id}: corrections.py list shows them")
    print(f"correction {id} is a {digit}")


def delete(store: Corrections, ids: Iterable[int]) -> None:
    ids = dict.fromkeys(ids)  # each once
    if missing := [str(id) for id in ids if not store.delete(id)]:
        raise UserError(
            f"there is no correction {', '.join(missing)} (any others are removed): "
            "corrections.py list shows them"
        )
    print(f"removed {len(ids)}")


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
