"""What is quoted of tables, kept in docs/figures.json, and how a spread is written.

    python -m experiments.tables evaluate docs/evaluation/README.md docs/figures.json

keeps the figures of an evaluation of the shipped network; other experiments keep their own.
README.md, the lessons and docs quote the file, and tests/release/test_figures.py compares them.
"""

import argparse
import io
import json
import re
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, stdev

from mnist_core.errors import UserError
from mnist_core.files import atomic_write, open_checked
from mnist_core.network import weights


def main() -> None:
    parser = argparse.ArgumentParser(description="Keep the figures of an evaluation.")
    parser.add_argument("command", help="what made the page, e.g. evaluate")
    parser.add_argument("page", type=Path, help="its tables before the first section are kept")
    parser.add_argument("figures", type=Path, help="the JSON file")
    args = parser.parse_args()
    try:
        with open_checked(args.page, "rt") as file:
            summary = file.read().partition("\n## ")[0]
        config = weights.load(weights.SHIPPED)[1]
        write_figures(args.figures, args.command, summary, config)
    except UserError as error:
        parser.exit(2, f"tables.py: {error}\n")


def figures_of(page: str) -> dict[str, dict[str, str]]:
    """The cells of a Markdown page's tables: {first cell of a row: {column: cell}}.

    Where several tables have a row of the same name, the first with a column counts. Shares are
    written as in running text, 99.44 %.
    """
    figures: dict[str, dict[str, str]] = {}
    header: list[str] = []
    for line in page.splitlines():
        name, *cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if not line.startswith("|"):
            header = []
        elif not header:
            header = cells
        elif not line.startswith("|---"):
            for column, cell in zip(header, cells, strict=True):
                share = re.sub(r"(?<=\d)%", " %", cell)
                figures.setdefault(name, {}).setdefault(column, share)
    return figures


def write_figures(path: Path, command: str, page: str, network: dict | None = None) -> None:
    """Keep the figures of `page` in the JSON file `path`, under the `command` that made them.

    `network` is the config of the network that was measured, where one was loaded. Raises
    UserError where the file can't be written.
    """
    figures: dict[str, object] = {**figures_of(page)}
    if network:
        figures |= {"network": network["name"], "scores": network["provenance"]["scores"]}
    with open_checked(path, "rt") if path.exists() else io.StringIO("{}") as file:
        known = json.load(file)
    with atomic_write(path, "wt") as file:
        sections = dict(sorted({**known, command: figures}.items()))
        json.dump(sections, file, indent=1, ensure_ascii=False)
        file.write("\n")


def mean_and_deviation(values: Sequence[float], spec: str = ".2f") -> str:
    """Mean ± standard deviation of a sample, e.g. 96.71 ± 0.20; of one value, that value."""
    deviation = f" ± {stdev(values):{spec}}" if len(values) > 1 else ""
    return f"{mean(values):{spec}}{deviation}"


def least_to_most(values: Sequence[float], spec: str = ".1f") -> str:
    """E.g. 2.9 to 4.0."""
    return f"{min(values):{spec}} to {max(values):{spec}}"


if __name__ == "__main__":
    main()
