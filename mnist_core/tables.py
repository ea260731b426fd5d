"""Markdown tables, and how measurements spread: for model cards, evaluations and benchmarks.

A `spec` is how a number is written, as `format` takes it: ".1f", or ".2%" for a share.
"""

import io
import json
import math
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import mean, stdev

from mnist_core.files import reading, replacing


def table(header: Sequence[object], rows: Iterable[Sequence[object]] = ()) -> str:
    """A Markdown table, with a line break after its last row."""
    return "\n".join([row(header), "|" + "---|" * len(header), *map(row, rows), ""])


def row(cells: Sequence[object]) -> str:
    """One line of a table, for those that are printed while the rest is being measured."""
    return f"| {' | '.join(map(str, cells))} |"


def figures_of(page: str) -> dict[str, dict[str, str]]:
    """What stands in the tables of a Markdown page: {first cell of a row: {column: cell}}.

    Of rows of the same name in several tables the first with a column counts. A share is written
    as running text has it, 99.44 %.
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
    """Keep the figures of a page in the JSON file `path`, under the `command` that made them.

    docs/figures.json is such a file: README.md, the lessons and docs quote it, and
    tests/release/test_figures.py compares them. `network` is the config of the network that was
    measured, where it is one that was loaded. Raises UserError where the file can't be written.
    """
    figures: dict[str, object] = {**figures_of(page)}
    if network:
        figures |= {"network": network["name"], "scores": network["provenance"]["scores"]}
    with reading(path, "rt") if path.exists() else io.StringIO("{}") as file:
        known = json.load(file)
    with replacing(path, "wt") as file:
        json.dump(
            dict(sorted({**known, command: figures}.items())), file, indent=1, ensure_ascii=False
        )
        file.write("\n")


def mean_and_deviation(values: Sequence[float], spec: str = ".2f") -> str:
    """Mean ± standard deviation of a sample, e.g. 96.71 ± 0.20; of one value, that value."""
    deviation = f" ± {stdev(values):{spec}}" if len(values) > 1 else ""
    return f"{mean(values):{spec}}{deviation}"


def least_to_most(values: Sequence[float], spec: str = ".1f") -> str:
    """E.g. 2.9 to 4.0."""
    return f"{min(values):{spec}} to {max(values):{spec}}"


def wilson_interval(right: int, count: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson, "Probable Inference", 1927)."""
    z = 1.96
    share = right / count
    middle = share + z * z / (2 * count)
    spread = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return (middle - spread) / (1 + z * z / count), (middle + spread) / (1 + z * z / count)
