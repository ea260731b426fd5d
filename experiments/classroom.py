"""Let many phones send drawings to a class's wall at once, and say when the wall has them.

    python -m experiments.classroom --phones 40 --rounds 10

Serves a class on this machine and listens as its wall does. In each round all phones, which follow
the task as pupils' pages do, send an example within two seconds, and half of them at the same
moment. Prints Markdown. Exit code 1 when anything was refused.
"""

import argparse
import asyncio
import contextlib
import json
import random
import sys
import time
from statistics import median, quantiles

import httpx

from experiments.common import ROOT, machine, served
from mnist_core.tables import row, table
from serving.classroom import Classroom

EXAMPLES = ROOT / "ui" / "files" / "examples.jsonl"
SECONDS = 2  # in which a round is sent
HEADER = ("phones", "drawings", "on the wall, median", "p95", "most", "refused")


def main() -> None:
    parser = argparse.ArgumentParser(description="Let a class send drawings at once.")
    parser.add_argument("--phones", type=int, nargs="+", default=[40], help="(%(default)s)")
    parser.add_argument("--rounds", type=int, default=10, help="(%(default)s)")
    args = parser.parse_args()
    print(f"Milliseconds from a phone's request to its event on the wall; {machine()}.\n")
    print(table(HEADER), end="", flush=True)
    refused = 0
    for phones in args.phones:
        classroom = Classroom()
        with served(classroom=classroom) as address, contextlib.closing(classroom):
            delays, missed = asyncio.run(lesson(address, classroom.secret, phones, args.rounds))
        shown = [median(delays), quantiles(delays, n=20, method="inclusive")[18], max(delays)]
        cells = [phones, len(delays), *(f"{1000 * delay:.0f}" for delay in shown), missed]
        print(row(cells), flush=True)
        refused += missed
    sys.exit(refused > 0)


async def lesson(address: str, secret: str, phones: int, rounds: int) -> tuple[list[float], int]:
    """Return the seconds until each drawing was on the wall, and how many requests were refused."""
    seen: dict[int, float] = {}  # by the first coordinate, which counts the drawings
    sent: dict[int, float] = {}
    refused, chance = 0, random.Random(0)
    drawings = [json.loads(line) for line in EXAMPLES.read_text("utf-8").splitlines()]
    async with contextlib.AsyncExitStack() as stack:
        make = lambda: httpx.AsyncClient(base_url=address, timeout=60)  # noqa: E731
        clients = [await stack.enter_async_context(make()) for _ in range(phones + 1)]
        listening = [asyncio.create_task(follow(clients[-1], f"wall/{secret}/stream", seen))]
        listening += [asyncio.create_task(follow(each, "class/stream")) for each in clients[:-1]]
        await asyncio.sleep(2)

        async def send(client: httpx.AsyncClient, number: int, delay: float) -> None:
            nonlocal refused
            await asyncio.sleep(delay)
            drawing = chance.choice(drawings)
            strokes = [[[number, 0]], *drawing["strokes"]]
            sent[number] = time.perf_counter()
            content = {"label": drawing["label"], "strokes": strokes}
            refused += (await client.post("class", json=content)).status_code != 200

        for turn in range(rounds):
            delays = [chance.uniform(0, SECONDS) if i % 2 else SECONDS / 2 for i in range(phones)]
            sends = [send(c, turn * phones + i, delays[i]) for i, c in enumerate(clients[:-1])]
            await asyncio.gather(*sends)
        await asyncio.sleep(1)
        for task in listening:
            task.cancel()
        await asyncio.gather(*listening, return_exceptions=True)
    return [seen[number] - sent[number] for number in sent if number in seen], refused


async def follow(client: httpx.AsyncClient, path: str, seen: dict | None = None) -> None:
    """Read events until cancelled; note in `seen` when each drawing came first."""
    async with client.stream("GET", path) as answer:
        answer.raise_for_status()
        async for line in answer.aiter_lines():
            if seen is not None and line.startswith("data: "):
                for drawing in json.loads(line[6:])["changed"]:
                    seen.setdefault(drawing["strokes"][0][0][0], time.perf_counter())


if __name__ == "__main__":
    main()
