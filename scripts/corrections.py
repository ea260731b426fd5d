"""Look at the corrections that people gave; mend, remove, review, export and import them.

    python scripts/corrections.py list --picture corrections.png
    python scripts/corrections.py review
    python scripts/corrections.py relabel 17 4
    python scripts/corrections.py export corrections.jsonl.gz

They are in data/corrections.sqlite, or where --database or the environment variable
DATABASE_URL says. Exit code 2 when that, a file or an argument is wrong.
"""

import argparse
import contextlib
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # so that the script runs from a clone, nothing installed

from mnist_core import exports, figures, review
from mnist_core.corrections import URL_KINDS, Correction, Corrections
from mnist_core.data import load_mnist, render_drawings
from mnist_core.strokes import read_drawings, write_drawings

HEADER = "    id  given (UTC)       label  read as  network           whose"


def main() -> None:
    parser = argument_parser()
    given = vars(parser.parse_args())
    command, database = given.pop("command"), given.pop("database")
    torch.set_num_threads(1)  # the page may be served on the same machine
    try:
        with contextlib.closing(Corrections.open(database)) as store:
            COMMANDS[command](store, **given)
    except (ValueError, OSError) as error:
        parser.exit(2, f"corrections.py: {error}\n")


def argument_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Look at people's corrections; mend, remove, review, export, import them."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    database = argparse.ArgumentParser(add_help=False)
    database.add_argument(
        "--database",
        metavar="URL",
        help=f"{URL_KINDS} (default: DATABASE_URL, else data/corrections.sqlite)",
    )
    add_looking(commands, database)
    add_files(commands, database)
    add_mending(commands, database)
    return parser


def add_looking(commands: argparse._SubParsersAction, database: argparse.ArgumentParser) -> None:
    listing = add(commands, database, "list", "show them in a table, the oldest first")
    listing.add_argument("--last", type=positive, metavar="N", help="only the N newest")
    reviewing = add(
        commands,
        database,
        "review",
        "find doubtful labels: each correction is read by a small network fitted on MNIST and "
        "the others; about 12 seconds for 500 on one core",
    )
    reviewing.add_argument(
        "--data", type=Path, default=ROOT / "data", metavar="DIR", help="holds MNIST/raw"
    )
    reviewing.add_argument("--seed", type=int, default=0, metavar="N", help="default: %(default)s")
    for command in (listing, reviewing):
        command.add_argument(
            "--picture",
            type=Path,
            metavar="FILE.png",
            help=f"draw them too, at most {figures.CONTACTS}",
        )


def add_files(commands: argparse._SubParsersAction, database: argparse.ArgumentParser) -> None:
    exporting = add(commands, database, "export", "write all of them to a file")
    exporting.add_argument(
        "file",
        type=Path,
        metavar="FILE",
        help="its ending says what: .jsonl or .jsonl.gz, drawings to train on; .csv or .csv.gz, "
        f"label and pixels; {exports.IMAGES}, with .gz or without, MNIST's format, the labels "
        "beside it",
    )
    importing = add(commands, database, "import", "add the drawings of files")
    importing.add_argument(
        "files", type=Path, nargs="+", metavar="FILE", help="drawing files, .jsonl or .jsonl.gz"
    )


def add_mending(commands: argparse._SubParsersAction, database: argparse.ArgumentParser) -> None:
    relabelling = add(commands, database, "relabel", "say which digit one is")
    relabelling.add_argument("id", type=int, metavar="ID", help="as list shows it")
    relabelling.add_argument("digit", type=int, choices=range(10), metavar="DIGIT", help="0 to 9")
    deleting = add(commands, database, "delete", "remove some for good")
    deleting.add_argument("ids", type=int, nargs="+", metavar="ID", help="as list shows them")


def add(
    commands: argparse._SubParsersAction, database: argparse.ArgumentParser, name: str, text: str
) -> argparse.ArgumentParser:
    return commands.add_parser(name, parents=[database], help=text, description=f"{text}.")


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number}: expected at least 1")
    return number


# The commands ----------------------------------------------------------------


def list_all(store: Corrections, last: int | None, picture: Path | None) -> None:
    found = store.all()
    shown = found[-last:] if last else found
    print(HEADER)
    for correction in shown:
        print(line(correction))
    print(f"{len(shown)} of {len(found)} corrections")
    if picture:
        newest = shown[-figures.CONTACTS :]
        draw(picture, newest, [f"#{one.id}: {one.label}\n{reading(one)}" for one in newest])


def line(correction: Correction) -> str:
    answer = "-" if correction.answer is None else correction.answer
    return (
        f"{correction.id:6}  {correction.created:%Y-%m-%d %H:%M}  {correction.label:5}  "
        f"{answer:>7}  {correction.network:16.16}  {correction.token[:6]}…"
    )


def reading(correction: Correction) -> str:
    if correction.answer is None:
        return "not read"
    if correction.probabilities is None:
        return f"read as {correction.answer}"
    return f"read as {correction.answer}, {correction.probabilities[correction.answer]:.0%}"


def draw(picture: Path, corrections: Sequence[Correction], titles: Sequence[str]) -> None:
    if not corrections:
        raise ValueError(f"there are no corrections to draw: {picture} was not written")
    images, _ = render_drawings([one.drawing() for one in corrections])
    figures.save(figures.contact_sheet(images, titles), picture)
    print(f"drew {len(corrections)} of them: {picture}")


def show_review(store: Corrections, data: Path, seed: int, picture: Path | None) -> None:
    found = store.all()
    drawings = [one.drawing() for one in found]
    probabilities = review.cross_validate(drawings, load_mnist(data, train=True), seed)
    labels = torch.tensor([one.label for one in found])
    choices = probabilities.argmax(1)
    doubtful = review.order(probabilities, labels)[: int((choices != labels).sum())].tolist()
    print("    id  label  its probability  rather")
    for i in doubtful:
        own, other = probabilities[i, labels[i]], probabilities[i, choices[i]]
        print(f"{found[i].id:6}  {labels[i]:5}  {own:15.1%}  {choices[i]}, {other:.1%}")
    print(f"{len(doubtful)} of {len(found)} corrections are read otherwise than labelled")
    if picture and doubtful:
        titles = [f"#{found[i].id}: {labels[i]}\nrather {choices[i]}" for i in doubtful]
        chosen = [found[i] for i in doubtful[: figures.CONTACTS]]
        draw(picture, chosen, titles)


def export(store: Corrections, file: Path) -> None:
    drawings = [one.drawing() for one in store.all()]
    if not drawings:
        raise ValueError(f"there are no corrections to export: {file} was not written")
    name = file.name.removesuffix(".gz")
    if name.endswith(".jsonl"):
        write_drawings(file, drawings)
    elif name.endswith(".csv"):
        exports.write_csv(file, render_drawings(drawings))
    elif name.endswith(exports.IMAGES):
        print(f"labels: {exports.write_idx(file, render_drawings(drawings))}")
    else:
        raise ValueError(
            f"{file}: expected a name that ends in .jsonl, .csv or {exports.IMAGES}, "
            "each with .gz or without"
        )
    print(f"wrote {len(drawings)} corrections to {file}")


def import_files(store: Corrections, files: Sequence[Path]) -> None:
    for file, drawings in [(file, read_drawings(file)) for file in files]:  # all, before any
        try:
            print(f"added {store.add_drawings(drawings)} drawings of {file}")
        except ValueError as error:
            raise ValueError(f"{file}: {error}") from error


def relabel(store: Corrections, id: int, digit: int) -> None:
    if not store.relabel(id, digit):
        raise ValueError(f"there is no correction {id}: corrections.py list shows them")
    print(f"correction {id} is a {digit}")


def delete(store: Corrections, ids: Iterable[int]) -> None:
    ids = dict.fromkeys(ids)  # each once
    if missing := [str(id) for id in ids if not store.delete(id)]:
        raise ValueError(
            f"there is no correction {', '.join(missing)} (any others are removed): "
            "corrections.py list shows them"
        )
    print(f"removed {len(ids)}")


COMMANDS: dict[str, Callable] = {
    "list": list_all,
    "review": show_review,
    "export": export,
    "import": import_files,
    "relabel": relabel,
    "delete": delete,
}


if __name__ == "__main__":
    main()
