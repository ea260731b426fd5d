"""Let many programs ask a server for readings at once, and say how long they wait.

    python app.py
    python -m experiments.load --people 10 30 60 120 --seconds 15

Each person draws a real digit again and again, 20 states of it in 2 seconds, and then pauses for 3;
each has at most one request under way, and then sends the newest state. Prints Markdown, a row for
each number of people. Exit code 1 when a request failed or was refused, 2 when nothing is served.
For servers of your own only. The client is slower than the server, so each row also says how many
cores it took.
"""

import argparse
import asyncio
import json
import random
import sys
import time
from collections.abc import Iterator
from statistics import quantiles

import httpx
from prometheus_client.parser import text_string_to_metric_families

from experiments.common import ROOT
from mnist_core.tables import row, table

UPDATES = 20  # requests for a drawing
DRAWING_SECONDS, PAUSE_SECONDS = 2.0, 3.0
HEADER = ("people", "answers a second", "median", "p95", "p99", "most", "refused", "failed")
HEADER += ("server's MiB", "its open files", "its cores", "client's cores")


def main() -> None:
    parser = argparse.ArgumentParser(description="Let many draw at once on a served page.")
    parser.add_argument("--address", default="http://127.0.0.1:7860/", help="(%(default)s)")
    parser.add_argument("--people", type=int, nargs="+", default=[30], help="(%(default)s)")
    parser.add_argument("--seconds", type=float, default=60, help="for each row (%(default)s)")
    args = parser.parse_args()
    print(f"Milliseconds; {UPDATES} states in {DRAWING_SECONDS:g} s, {PAUSE_SECONDS:g} s pause.\n")
    print(table(HEADER), end="", flush=True)
    unanswered = 0
    try:
        for people in args.people:
            unanswered += asyncio.run(crowd(args.address, people, args.seconds))
    except httpx.HTTPError as error:
        parser.exit(2, f"load.py: no page answers at {args.address}: {error!r}\n")
    sys.exit(unanswered > 0)


async def crowd(address: str, people: int, seconds: float) -> int:
    """Let `people` draw for `seconds` and print their row; how many requests had no answer."""
    chance, waits, problems = random.Random(0), [0.0], {"refused": 0, "failed": 0}
    # A client for each: one with many connections searches all of them for each request.
    clients = [httpx.AsyncClient(base_url=address, timeout=30) for _ in range(people + 1)]
    observer = clients.pop()
    before, start, own = await gauges(observer), time.perf_counter(), time.process_time()
    end = start + seconds
    await asyncio.gather(*(person(client, chance, end, waits, problems) for client in clients))
    took, own = time.perf_counter() - start, time.process_time() - own
    after = await gauges(observer)
    for client in (*clients, observer):
        await client.aclose()
    percentiles = quantiles(waits, n=100, method="inclusive")
    waited = [percentiles[49], percentiles[94], percentiles[98], max(waits)]
    processor = after["cpu_seconds_total"] - before["cpu_seconds_total"]
    cells = [people, f"{(len(waits) - 1) / took:.1f}", *(f"{1000 * wait:.0f}" for wait in waited)]
    cells += [*problems.values(), f"{after['resident_memory_bytes'] / 2**20:.0f}"]
    cells += [f"{after['open_fds']:.0f}", f"{processor / took:.2f}", f"{own / took:.2f}"]
    print(row(cells), flush=True)
    return sum(problems.values())


async def gauges(client: httpx.AsyncClient) -> dict[str, float]:
    """What /metrics says about the server's process, by name without "process_"."""
    text = (await client.get("metrics")).raise_for_status().text
    samples = [s for family in text_string_to_metric_families(text) for s in family.samples]
    return {sample.name.removeprefix("process_"): sample.value for sample in samples}


async def person(
    client: httpx.AsyncClient, chance: random.Random, end: float, waits: list, problems: dict
) -> None:
    """Draw and pause until `end`; of a drawing whose answers are slow, send the newest state."""
    drawings = [json.loads(line)["strokes"] for line in EXAMPLES.read_text("utf-8").splitlines()]
    await asyncio.sleep(chance.uniform(0, DRAWING_SECONDS + PAUSE_SECONDS))
    step = DRAWING_SECONDS / UPDATES
    while time.perf_counter() < end:
        requests = [json.dumps({"strokes": s}).encode() for s in states(chance.choice(drawings))]
        start, sent = time.perf_counter(), 0
        while sent < UPDATES:
            await asyncio.sleep(max(0, start + sent * step - time.perf_counter()))
            sent = min(UPDATES, 1 + int((time.perf_counter() - start) / step))
            await ask(client, requests[sent - 1], waits, problems)
        await asyncio.sleep(PAUSE_SECONDS)


EXAMPLES = ROOT / "ui" / "files" / "examples.jsonl"


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


async def ask(client: httpx.AsyncClient, content: bytes, waits: list, problems: dict) -> None:
    start = time.perf_counter()
    try:
        response = await client.post("recognize", content=content)
    except httpx.HTTPError:
        problems["failed"] += 1
        return
    if response.status_code == 503:
        problems["refused"] += 1
    elif response.status_code != 200 or b'"verdict"' not in response.content:
        problems["failed"] += 1
    else:
        waits.append(time.perf_counter() - start)


if __name__ == "__main__":
    main()
