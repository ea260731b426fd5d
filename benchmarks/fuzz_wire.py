"""How benchmarks/fuzz.py sends, and what it makes of an answer."""

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import httpx

from benchmarks.fuzz_shapes import Attack

SLOW_SECONDS = 15  # for an answer
READ_SECONDS = 0.3  # of an answer that goes on: streams of events never end
PACE = 0.3  # seconds between two bytes of a slow request, and to answer what may be none


@dataclass
class Answer:
    """What came back: a status, or what came instead of one; head and text as they were sent."""

    status: int | str
    text: str = ""
    headers: httpx.Headers = field(default_factory=httpx.Headers)

    @property
    def whole(self) -> str:
        """Text and headers in one."""
        lines = (f"{name.decode()}: {value.decode()}" for name, value in self.headers.raw)
        return "\n".join([self.text, *lines])

    def wrong(self, attack: Attack, mark: str) -> str:
        """Why it is none that is right; empty where it is."""
        if self.status not in attack.right:
            return "is not right"
        if self.status == 503 and "retry-after" not in self.headers:
            return "does not say when to come again"
        if "Traceback" in self.text or "root:" in self.text:
            return "shows what is inside"
        if mark in self.whole.lower():
            return "echoes what was sent"
        allowed = self.headers.get("access-control-allow-origin")
        if attack.origin and allowed in (attack.origin, "*"):
            return "may be read by another site"
        return ""


@contextlib.asynccontextmanager
async def listener() -> AsyncIterator[tuple[str, list[str]]]:
    """An address of this machine at which nobody has a reason to ask, and who asked what."""
    asked = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer):
            asked.append((await reader.read(1000)).decode(errors="replace"))
            head = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\n"
            writer.write(head + b"fetched")

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", asked


async def send(client: httpx.AsyncClient, attack: Attack) -> Answer:
    """What comes back to an attack that is sent at once."""
    if isinstance(attack.request, bytes):
        seconds = PACE if "no answer" in attack.right else SLOW_SECONDS
        return await send_bytes(client, attack.request, seconds)
    try:
        async with client.stream(**attack.request) as response:
            text = await read_some(response)
        return Answer(response.status_code, text, response.headers)
    except (asyncio.TimeoutError, httpx.TimeoutException):
        return Answer("too slow")
    except httpx.HTTPError:
        return Answer("cut off")


async def read_some(response: httpx.Response) -> str:
    """The text of an answer; of a stream of events what comes in a moment, as if one had left."""
    parts = []

    async def read() -> None:
        async for part in response.aiter_bytes():
            parts.append(part)

    if "event-stream" in response.headers.get("content-type", ""):
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(read(), READ_SECONDS)
    else:
        await asyncio.wait_for(read(), SLOW_SECONDS)
    return b"".join(parts).decode(errors="replace")


async def send_bytes(
    client: httpx.AsyncClient, content: bytes, seconds: float, more: bytes = b""
) -> Answer:
    """Send bytes over a connection of their own, and then `more` until something comes back."""
    address = client.base_url
    reader, writer = await asyncio.open_connection(address.host, address.port)
    try:
        writer.write(content)
        for _ in range(math.ceil(seconds / PACE)):
            with contextlib.suppress(asyncio.TimeoutError):
                answer = await asyncio.wait_for(reader.read(65536), PACE)
                return parsed(answer + await read_rest(reader)) if answer else Answer("cut")
            writer.write(more)
    except ConnectionError:
        return Answer("cut")
    finally:
        writer.close()
    return Answer("no answer")


async def read_rest(reader: asyncio.StreamReader) -> bytes:
    """What comes within a moment after the first part."""
    rest = b""
    with contextlib.suppress(asyncio.TimeoutError, ConnectionError):
        while part := await asyncio.wait_for(reader.read(65536), PACE):
            rest += part
    return rest


def parsed(content: bytes) -> Answer:
    """The answer on the wire; several are never right, as there was one request at most."""
    text = content.decode("latin-1")
    if text.count("HTTP/1.1 ") != 1:
        return Answer("several answers" if "HTTP/1.1 " in text else "no HTTP", text)
    head, _, body = text.partition("\r\n\r\n")
    status, *lines = head.split("\r\n")
    fields = [tuple(line.split(": ", 1)) for line in lines if ": " in line]
    return Answer(int(status.split(" ")[1]), body, httpx.Headers(fields))
