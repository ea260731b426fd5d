"""Markdown tables, and the confidence interval of a share."""

import math
from collections.abc import Iterable, Sequence


def table(header: Sequence[object], rows: Iterable[Sequence[object]] = ()) -> str:
    """Return a Markdown table that ends with a line break."""
    return "\n".join([row(header), "|" + "---|" * len(header), *map(row, rows), ""])


def row(cells: Sequence[object]) -> str:
    """Return one line of a Markdown table."""
    return f"| {' | '.join(map(str, cells))} |"


def wilson_interval(right: int, count: int) -> tuple[float, float]:
    """Return the 95 % interval of `right` / `count` (Wilson, "Probable Inference", 1927)."""
    z = 1.96
    share = right / count
    middle = share + z * z / (2 * count)
    spread = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return (middle - spread) / (1 + z * z / count), (middle + spread) / (1 + z * z / count)
