"""How many people a second may open a served page for the first time.

    python app.py
    python benchmarks/visits.py --visitors 8 --seconds 30

A headless Chromium opens the page once and notes all that it asks for, the network included;
then so many visitors ask for the same, six things at once as a browser does, again and again.
Prints Markdown. Exit code 1 when something was not answered with 200, 2 when nothing is served.
For servers of your own only.
"""

import argparse
import asyncio
import sys
import time
from pathlib import Path
from statistics import quantiles

import httpx

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # so that the script runs from a clone, nothing installed

from benchmarks.load import gauges
from mnist_core.tables import table
from tests.browser import chromium

AT_ONCE = 6  # connections of a browser to one host, over HTTP/1.1
HEADER = ("visitors", "visits a second", "median", "p95", "MB a visit", "requests a visit",
          "server's cores", "client's cores")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Let many people open a served page.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--address", default="http://127.0.0.1:7860/", help="of the page")
    parser.add_argument("--visitors", type=int, default=8, help="at once")
    parser.add_argument("--seconds", type=float, default=30, help="how long")
    args = parser.parse_args()
    try:
        httpx.get(args.address).raise_for_status()
        wanted = first_visit(args.address)
        row, failed = asyncio.run(visits(args.address, wanted, args.visitors, args.seconds))
    except httpx.HTTPError as error:
        parser.exit(2, f"visits.py: no page answers at {args.address}: {error!r}\n")
    print(f"Milliseconds.\n\n{table(HEADER, [row])}")
    sys.exit(failed > 0)


def first_visit(address: str) -> list[str]:
    """The addresses that a browser asks for, in its order."""
    asked = []
    with chromium() as browser:
        page = browser.new_page()
        page.on("request", lambda request: request.method == "GET" and asked.append(request.url))
        page.goto(address)
        page.wait_for_event("response", lambda response: response.url.endswith(".bin"))
        page.wait_for_load_state("networkidle")
    return [url for url in asked if url.startswith(address)]


async def visits(
    address: str, wanted: list[str], visitors: int, seconds: float
) -> tuple[tuple, int]:
    """The table's row for so many `visitors` over `seconds`, and how many requests failed."""
    times, sizes, failed = [], [], 0

    async def visit() -> None:
        nonlocal failed
        limits = httpx.Limits(max_connections=AT_ONCE)
        async with httpx.AsyncClient(limits=limits, timeout=60) as client:
            start = time.perf_counter()
            answers = await asyncio.gather(*(client.get(url) for url in wanted))
        times.append(time.perf_counter() - start)
        sizes.append(sum(answer.num_bytes_downloaded for answer in answers))
        failed += sum(answer.status_code != 200 for answer in answers)

    async def visitor(end: float) -> None:
        while time.perf_counter() < end:
            await visit()

    async with httpx.AsyncClient(base_url=address) as observer:
        before, start, own = await gauges(observer), time.perf_counter(), time.process_time()
        await asyncio.gather(*(visitor(start + seconds) for _ in range(visitors)))
        took, own = time.perf_counter() - start, time.process_time() - own
        after = await gauges(observer)
    processor = after["cpu_seconds_total"] - before["cpu_seconds_total"]
    percentiles = quantiles(times * 2, n=20)  # one visit has no spread
    cells = (
        visitors,
        f"{len(times) / took:.1f}",
        *(f"{1000 * percentiles[index]:.0f}" for index in (9, 18)),
        f"{sum(sizes) / len(sizes) / 1e6:.2f}",
        len(wanted),
        f"{processor / took:.2f}",
        f"{own / took:.2f}",
    )
    return cells, failed


if __name__ == "__main__":
    main()
