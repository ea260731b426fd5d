"""Markdown tables, and how measurements spread: for model cards, evaluations and benchmarks.

A `spec` is how a number is written, as `format` takes it: ".1f", or ".2%" for a share.
"""

import math
from collections.abc import Iterable, Sequence
from statistics import mean, stdev


def table(header: Sequence[object], rows: Iterable[Sequence[object]] = ()) -> str:
    """A Markdown table, with a line break after its last row."""
    return "\n".join([row(header), "|" + "---|" * len(header), *map(row, rows), ""])


def row(cells: Sequence[object]) -> str:
    """One line of a table, for those that are printed while the rest is being measured."""
    return f"| {' | '.join(map(str, cells))} |"


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
