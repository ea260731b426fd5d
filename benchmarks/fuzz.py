"""Send a served page what no browser would, and see that it refuses it in words and goes on.

    python app.py --mcp 2> log.txt
    python benchmarks/fuzz.py --log log.txt
    python benchmarks/fuzz.py --requests 100000 --seed 7 --auth ann:chalk
    python benchmarks/fuzz.py --seed 7 --start 4711 --requests 1

What is sent is in fuzz_shapes.py: malformed drawings, envelopes, paths, headers and bytes that
are no HTTP, values that name files and addresses, costly pictures, other sites' requests, wrong
passwords, connections on which hardly anything comes; and a good drawing in between. Prints how
often each was answered how, and the server's memory before and after.

Exit code 1, with what was sent, when an answer was none of those that are right to it: every 5xx
but a 503 with Retry-After, for one. When it showed a traceback or echoed what was sent, or a page
of another site could have read it. When one took too long, or a connection was waited for without
end; when the good drawing was misread; when the server failed (/metrics), asked an address that
it was sent, left a file in its temporary folder or grew by more than 5 %. When what was sent, or
a traceback, is in the server's log. 2 when nothing is served. For servers of your own only.
"""

import argparse
import asyncio
import os
import random
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # so that the script runs from a clone, nothing installed

from benchmarks.fuzz_pictures import costly_pictures, photograph
from benchmarks.fuzz_shapes import (
    GOOD,
    KINDS,
    OF_A_LOGIN,
    Attack,
    Given,
    attack,
    costly_picture,
    data_url,
)
from benchmarks.fuzz_wire import SLOW_SECONDS, Answer, listener, send, send_bytes
from mnist_core.tables import table

EVERY = 50  # requests between two good ones
CLIENTS = 4
HELD_SECONDS = 25  # for a connection on which hardly anything comes
HELD_AT_ONCE = 20
GROWTH = 0.05
MAX_COST = 40  # photographs of the same size: 20 at most, 70 to 200 where nothing is bounded
WARM_UP = 4000  # requests, half of fewer, come before the first look at the memory: caches fill
ALL = [kind.__name__ for kind in KINDS | OF_A_LOGIN]
MEMORY, PROCESSOR = "process_resident_memory_bytes", "process_cpu_seconds_total"
ERRORS = "digit_errors_total"
TEMPORARY = Path(os.environ.get("GRADIO_TEMP_DIR") or Path(tempfile.gettempdir()) / "gradio")


@dataclass
class Run:
    """One run against a server: its clients, what came back and what is wrong with it."""

    client: httpx.AsyncClient
    stranger: httpx.AsyncClient  # never logs in
    seed: int
    kinds: list[str]
    trap: str
    auth: str = ""
    right: dict = field(default_factory=dict)
    answers: Counter = field(default_factory=Counter)
    faults: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    held: list[asyncio.Task] = field(default_factory=list)
    places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(HELD_AT_ONCE))

    async def begin(self) -> None:
        """Log in, where that was said, and ask for what a good drawing is answered with."""
        if self.auth:
            user, _, password = self.auth.partition(":")
            form = {"username": user, "password": password}
            (await self.client.post("login", data=form)).raise_for_status()
        self.right = (await self.client.post("recognize", json=GOOD)).raise_for_status().json()

    async def send_all(self, numbers: range) -> None:
        """Send the malformed requests of `numbers`, and wait until no connection is held."""
        shared = iter(numbers)
        await asyncio.gather(*(self.send_some(shared) for _ in range(CLIENTS)))
        await asyncio.gather(*self.held)

    async def send_some(self, numbers: Iterator[int]) -> None:
        """Take `numbers`, shared with others, and send the malformed request of each."""
        for number in numbers:
            mark, chance = self.mark(number), random.Random(f"{self.seed} {number}")
            trap = f"{self.trap}/{mark}"
            sent = attack(Given(chance, mark, trap, bool(self.auth)), self.kinds)
            if sent.more is None:
                client = self.stranger if sent.stranger else self.client
                self.note(number, sent, await send(client, sent))
            else:
                self.held.append(asyncio.create_task(self.hold(number, sent)))
            if number % EVERY == 0 or sent.ends_login:
                await self.send_good()

    def mark(self, number: int) -> str:
        """A word that is in nothing but request `number` of this run."""
        return f"q{random.Random(f'{number} {self.seed}').getrandbits(48):012x}z"

    async def hold(self, number: int, sent: Attack) -> None:
        """Hold a connection until the server has enough of it."""
        async with self.places:
            answer = await send_bytes(self.client, sent.request, HELD_SECONDS, sent.more)
        self.note(number, sent, answer)

    async def send_good(self) -> None:
        """See that a good drawing is read as before; log in again where that was lost."""
        response = await self.client.post("recognize", json=GOOD)
        self.answers["a good drawing", str(response.status_code)] += 1
        if response.status_code == 200 and response.json() == self.right:
            return
        self.faults["a good drawing was misread"].append(response.text[:200])
        if response.status_code == 401:
            await self.begin()

    def note(self, number: int, sent: Attack, answer: Answer) -> None:
        """Count an answer, and keep it with what was sent where it is not right."""
        self.answers[sent.endpoint, str(answer.status)] += 1
        mark = self.mark(number)
        if why := answer.wrong(sent, mark):
            at = max(0, answer.whole.lower().find(mark) - 100)
            self.faults[f"{sent.endpoint}: {answer.status}, which {why}"].append(
                f"request {number}: {str(sent.request)[:500]}\n"
                f"  was answered with {answer.whole[at : at + 300]!r}"
            )

    async def find_costly(self) -> None:
        """Send the costly pictures one by one, and photographs to compare them with."""
        honest = await self.cost(photograph(), 10)
        for name, content in costly_pictures().items():
            times = await self.cost(content, 2) / honest
            if times > MAX_COST:
                self.faults[f"costly pictures, {name}: cost too much"].append(
                    f"as much as {times:.0f} photographs"
                )

    async def cost(self, picture: bytes, times: int) -> float:
        """The processor seconds that the server takes for a picture, on average."""
        content = {"picture": data_url(picture)}
        before = (await metrics(self.client))[PROCESSOR]
        for _ in range(times):
            await self.client.post("recognize", json=content)
        return ((await metrics(self.client))[PROCESSOR] - before) / times

    def read_log(self, text: str, numbers: range) -> None:
        """Find in the server's log what may not be there."""
        sent = [f"request {number}" for number in numbers if self.mark(number) in text]
        self.faults["what was sent is in the log"] += sent
        tracebacks = ["Traceback (most"] * text.count("Traceback (most")
        self.faults["a traceback is in the log"] += tracebacks

    def compare(self, before: Counter, warm: Counter, after: Counter) -> None:
        """Find in what the server says of itself what may not be."""
        if failed := after[ERRORS] - before[ERRORS]:
            self.faults["the server failed"].append(f"{failed:.0f} times, it says")
        growth = after[MEMORY] / warm[MEMORY] - 1
        if growth > GROWTH:
            self.faults["the server's memory grew"].append(f"by {growth:.1%}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Send a served page malformed requests.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--address", default="http://127.0.0.1:7860/", help="of the page")
    add("--requests", type=int, default=20_000, help="malformed ones")
    add("--seed", type=int, default=0, help="of what is sent")
    add("--start", type=int, default=0, help="number of the first request, to send one again")
    add("--only", nargs="+", choices=ALL, default=ALL, metavar="KIND", help="of attack")
    add("--auth", default="", metavar="USER:PASSWORD", help="to log in with")
    add("--temporary", type=Path, default=TEMPORARY, help="folder of the server, on this machine")
    add("--log", type=Path, help="the server's standard error, on this machine")
    args = parser.parse_args()
    numbers = range(args.start, args.start + args.requests)
    try:
        faults = asyncio.run(
            fuzz(args.address, numbers, args.seed, args.only, args.auth, args.temporary, args.log)
        )
    except httpx.HTTPError as error:
        parser.exit(2, f"fuzz.py: no page answers at {args.address}: {error!r}\n")
    for fault, examples in faults.items():
        print(f"{len(examples)} times: {fault}\n  {examples[0]}\n", file=sys.stderr)
    sys.exit(bool(faults))


async def fuzz(
    address: str,
    numbers: range,
    seed: int = 0,
    kinds: list[str] = ALL,
    auth: str = "",
    temporary: Path = TEMPORARY,
    log: Path | None = None,
) -> dict[str, list[str]]:
    """Send the requests of `numbers`, print what came back and return what is wrong with it."""
    start = time.perf_counter()
    files, logged = files_in(temporary), log.stat().st_size if log else 0
    async with (
        listener() as (trap, asked),
        httpx.AsyncClient(base_url=address, timeout=SLOW_SECONDS) as client,
        httpx.AsyncClient(base_url=address, timeout=SLOW_SECONDS) as stranger,
    ):
        run = Run(client, stranger, seed, kinds, trap, auth)
        await run.begin()
        counts = [await metrics(client)]
        warm_up = min(WARM_UP, len(numbers) // 2)
        for part in (numbers[:warm_up], numbers[warm_up:]):
            await run.send_all(part)
            counts.append(await metrics(client))
        if costly_picture.__name__ in kinds:
            await run.find_costly()
    run.faults["a file was left"] += map(str, files_in(temporary) - files)
    run.faults["an address that was sent was asked"] += asked
    if log:
        run.read_log(log.read_bytes()[logged:].decode(errors="replace"), numbers)
    run.compare(*counts)
    answers = [(*key, number) for key, number in sorted(run.answers.items())]
    print(table(["endpoint", "status", "answers"], answers))
    memory = [count[MEMORY] / 2**20 for count in counts[1:]]
    print(
        f"{run.answers.total()} requests in {time.perf_counter() - start:.0f} s; memory "
        f"{memory[0]:.0f} MiB after the first {warm_up}, {memory[1]:.0f} MiB at the end"
    )
    return {fault: examples for fault, examples in run.faults.items() if examples}


async def metrics(client: httpx.AsyncClient) -> Counter:
    """What /metrics says, by name, the sum of all labels."""
    text, sums = (await client.get("metrics")).raise_for_status().text, Counter()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            sums[sample.name] += sample.value
    return sums


def files_in(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


if __name__ == "__main__":
    main()
