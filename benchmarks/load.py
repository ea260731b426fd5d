"""Let many people draw at once on a served page and say how long they wait.

    python app.py
    python benchmarks/load.py --people 30
    python benchmarks/load.py --people 10 30 60 120
    python benchmarks/load.py --people 30 --seconds 600

Each person draws a real digit again and again, 20 states of it in 2 seconds, then pauses
for 3. As the page does, each has one request under way at most, with explanations, and then
sends the newest state. Prints Markdown: a row for each number of people says what came of
it, the last line where the server saturates. Exit code 1 when a request failed or was
refused, 2 when nothing is served. For servers of your own only.

The client is httpx, which Gradio brings: it is slower than others, so each row also says how
many cores this script took beside the server.
"""

import argparse
import asyncio
import contextlib
import json
import random
import ssl
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles

import httpx
from prometheus_client.parser import text_string_to_metric_families

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # so that the script runs from a clone, nothing installed

from mnist_core.tables import row, table

DRAWINGS = ROOT / "ui" / "files" / "examples.jsonl"

UPDATES = 20
DRAWING_SECONDS = 2
PAUSE_SECONDS = 3
GOOD_SECONDS = 0.2  # at the 95th percentile: a server that takes longer is called saturated
HEADER = (
    "people", "answers a second", "median", "p95", "p99", "most", "refused", "failed",
    "server's MiB", "its open files", "its cores", "client's cores",
)  # fmt: skip


@dataclass
class Result:
    """What came of a crowd: seconds until each answer, and what was not answered."""

    seconds: list[float] = field(default_factory=list)
    refused: int = 0
    failed: int = 0

    def is_good(self) -> bool:
        """All were answered, and soon."""
        return not self.refused and not self.failed and self.percentile(95) <= GOOD_SECONDS

    def percentile(self, percent: int) -> float:
        """Seconds within which so many of 100 answers came; 0 without any."""
        return quantiles(self.seconds or [0, 0], n=100, method="inclusive")[percent - 1]


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Let many people draw at once on a served page.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--address", default="http://127.0.0.1:7860/", help="of the page")
    parser.add_argument("--people", type=int, nargs="+", default=[30], help="at once")
    parser.add_argument("--seconds", type=float, default=60, help="for each number of people")
    parser.add_argument("--seed", type=int, default=0, help="of who begins when and draws what")
    args = parser.parse_args()
    print(f"Milliseconds; {UPDATES} states in {DRAWING_SECONDS} s, {PAUSE_SECONDS} s of pause.\n")
    print(table(HEADER), end="", flush=True)
    results = {}
    try:
        for people in args.people:
            results[people] = asyncio.run(crowd(args.address, people, args.seconds, args.seed))
    except httpx.HTTPError as error:
        parser.exit(2, f"load.py: no page answers at {args.address}: {error!r}\n")
    saturated = [people for people, result in results.items() if not result.is_good()]
    limit = f"a 95th percentile of {1000 * GOOD_SECONDS:.0f} ms without refusals"
    print(f"\nBeyond {limit}: {min(saturated)} people." if saturated else f"\nAll within {limit}.")
    sys.exit(any(result.failed or result.refused for result in results.values()))


async def crowd(address: str, people: int, seconds: float, seed: int) -> Result:
    """Let `people` draw for `seconds`, print their row and return what came of it."""
    drawings = read_drawings()
    chance = random.Random(seed)
    result = Result()
    # A client for each person: one with many connections looks through all of them each time.
    tls = ssl.create_default_context()
    async with contextlib.AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(
                httpx.AsyncClient(base_url=address, verify=tls, timeout=30)
            )
            for _ in range(people + 1)
        ]
        observer = clients.pop()
        before, start, own = await gauges(observer), time.perf_counter(), time.process_time()
        end = start + seconds
        await asyncio.gather(*(person(client, drawings, chance, end, result) for client in clients))
        took = time.perf_counter() - start
        own = time.process_time() - own
        after = await gauges(observer)
    waits = [*map(result.percentile, (50, 95, 99)), max(result.seconds, default=0)]
    processor = after["cpu_seconds_total"] - before["cpu_seconds_total"]
    cells = (
        people,
        f"{len(result.seconds) / took:.1f}",
        *(f"{1000 * wait:.0f}" for wait in waits),
        result.refused,
        result.failed,
        f"{after['resident_memory_bytes'] / 2**20:.0f}",
        f"{after['open_fds']:.0f}",
        f"{processor / took:.2f}",
        f"{own / took:.2f}",
    )
    print(row(cells), flush=True)
    return result


def read_drawings() -> list[list[bytes]]:
    """The page's examples, each as the UPDATES requests of somebody who draws it."""
    lines = DRAWINGS.read_text("utf-8").splitlines()
    return [
        [json.dumps({"strokes": drawn}).encode() for drawn in states(strokes)]
        for strokes in (json.loads(line)["strokes"] for line in lines)
    ]


async def gauges(client: httpx.AsyncClient) -> dict[str, float]:
    """What /metrics says of the server's process, by name without "process_"."""
    text = (await client.get("metrics")).raise_for_status().text
    samples = [s for family in text_string_to_metric_families(text) for s in family.samples]
    return {sample.name.removeprefix("process_"): sample.value for sample in samples}


async def person(
    client: httpx.AsyncClient,
    drawings: list[list[bytes]],
    chance: random.Random,
    end: float,
    result: Result,
) -> None:
    """Draw and pause until `end`."""
    await asyncio.sleep(chance.uniform(0, DRAWING_SECONDS + PAUSE_SECONDS))
    while time.perf_counter() < end:
        await draw(client, chance.choice(drawings), result)
        await asyncio.sleep(PAUSE_SECONDS)


def states(strokes: list) -> Iterator[list]:
    """A drawing as it grows, UPDATES times, up to the whole."""
    total = sum(map(len, strokes))
    for update in range(1, UPDATES + 1):
        left = -(-total * update // UPDATES)
        drawn = []
        for points in strokes:
            if left > 0:
                drawn.append(points[:left])
            left -= len(points)
        yield drawn


async def draw(client: httpx.AsyncClient, requests: list[bytes], result: Result) -> None:
    """Send them in their time; when an answer was slow, the newest and none between."""
    step = DRAWING_SECONDS / UPDATES
    start, sent = time.perf_counter(), 0
    while sent < UPDATES:
        await asyncio.sleep(max(0, start + sent * step - time.perf_counter()))
        newest = min(UPDATES, 1 + int((time.perf_counter() - start) / step))
        await ask(client, requests[newest - 1], result)
        sent = newest


async def ask(client: httpx.AsyncClient, request: bytes, result: Result) -> None:
    """Send one request and note what came of it."""
    start = time.perf_counter()
    try:
        response = await client.post("recognize", content=request)
    except httpx.HTTPError:
        result.failed += 1
        return
    if response.status_code == 503:
        result.refused += 1
    elif response.status_code != 200 or b'"verdict"' not in response.content:
        result.failed += 1
    else:
        result.seconds.append(time.perf_counter() - start)


if __name__ == "__main__":
    main()
