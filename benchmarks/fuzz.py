"""Send a served page what no browser would, and see that it refuses it in words and goes on.

    python app.py
    python benchmarks/fuzz.py
    python benchmarks/fuzz.py --requests 100000 --seed 7

Malformed drawings, pictures, envelopes, paths, headers and bytes that are no HTTP go to every
endpoint, and a good drawing in between. Prints how often each gave which status and the
server's memory before and after. Exit code 1, with what was sent, when the server failed
(HTTP 5xx), showed a traceback, took too long, misread the good drawing, or grew by more than
5 %; 2 when nothing is served. For servers of your own only.
"""

import argparse
import asyncio
import base64
import io
import json
import random
import sys
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # so that the script runs from a clone, nothing installed

from benchmarks.load import gauges
from mnist_core.tables import table

GOOD = {"strokes": [[[30, 22], [70, 22], [45, 80]]]}  # a 7
EVERY = 50  # requests between two good ones
CLIENTS = 4
SLOW_SECONDS = 15
GROWTH = 0.05
WARM_UP = 0.2  # of the requests come before the first look at the memory: caches fill

ODD = [None, True, 0, -1, 1.5, 1e308, 10**400, "", "7", "${1+1}", "<script>alert(1)</script>",
       "../../../etc/passwd", "\x00", "\ud800", "é" * 5000, [], {}, [[]], [[[]]], [[[1]]],
       [[[1, 2, 3]]], [[["1", "2"]]], [[[None, 1]]], [[[True, False]]], [[1, 2]], {"0": 1},
       [[[1e7, 0]]], [[[0, 0]]] * 101, [[[0, 0]] * 8001], [[[1, 2], [3]]]]  # fmt: skip
RAW = [b"NaN", b"[[[Infinity, 1]]]", b"[" * 100_000, b'{"strokes": ' + b"[" * 5000, b"",
       b"\xff\xfe", b"{", b'"' + b"a" * 2_000_000, b"\x1f\x8b\x08\x00", b'{"strokes": 1e99999}',
       b'{"strokes": ' + b"9" * 10_000 + b"}"]  # fmt: skip
PATHS = ["gradio_api/upload", "gradio_api/component_server", "gradio_api/file=/etc/passwd",
         "gradio_api/proxy=http://127.0.0.1:1/", "gradio_api/process_recording", "monitoring",
         "gradio_api/run/predict", "gradio_api/reset", "gradio_api/cancel", "gradio_api/vibe-code/",
         "assets/..%2f..%2f..%2fetc%2fpasswd", "static/%2e%2e/%2e%2e/etc/passwd",
         "file=/etc/passwd", "?deep_link=../../etc/passwd", "gradio_api/stream/1",
         "gradio_api/heartbeat/../x", "gradio_api/dev/reload", "%00", "\u202e",
         "gradio_api/custom_component/1/client/component/x",
         "gradio_api/deep_link?session_hash=x", "login", "logout", "docs", "redoc",
         "svelte/%00", "assets/a%5c..%5cb",
         "gradio_api/queue/data?session_hash=nobody"]  # fmt: skip
NOT_HTTP = [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"GET\r\n\r\n", b"\x00" * 4096,
            b"POST /recognize HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
            b"POST /recognize HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{",
            b"POST /recognize HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
            b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 20_000 + b"\r\n"]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Send a served page malformed requests.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--address", default="http://127.0.0.1:7860/", help="of the page")
    parser.add_argument("--requests", type=int, default=20_000, help="malformed ones")
    parser.add_argument("--seed", type=int, default=0, help="of what is sent")
    args = parser.parse_args()
    try:
        faults = asyncio.run(fuzz(args.address, args.requests, args.seed))
    except httpx.HTTPError as error:
        parser.exit(2, f"fuzz.py: no page answers at {args.address}: {error!r}\n")
    for fault in faults[:10]:
        print(fault, file=sys.stderr)
    sys.exit(bool(faults))


async def fuzz(address: str, requests: int, seed: int) -> list[str]:
    """Send `requests` malformed ones, print what came back and return what is wrong with it."""
    chance, statuses, faults = random.Random(seed), Counter(), []
    start = time.perf_counter()
    async with httpx.AsyncClient(base_url=address, timeout=SLOW_SECONDS) as client:
        right = (await client.post("recognize", json=GOOD)).raise_for_status().json()
        memory = []
        for part in (WARM_UP, 1 - WARM_UP):
            left = iter(range(round(part * requests)))
            await asyncio.gather(
                *(send_some(client, chance, left, right, statuses, faults) for _ in range(CLIENTS))
            )
            memory.append((await gauges(client))["resident_memory_bytes"])
    took = time.perf_counter() - start
    rows = [(*key, count) for key, count in sorted(statuses.items())]
    print(table(["endpoint", "status", "answers"], rows))
    before, after = memory
    print(
        f"{sum(statuses.values())} requests in {took:.0f} s; memory {before / 2**20:.0f} MiB after "
        f"{WARM_UP:.0%} of them, {after / 2**20:.0f} MiB at the end ({after / before - 1:+.1%})"
    )
    if after > (1 + GROWTH) * before:
        faults.append(f"the server's memory grew by {after / before - 1:.1%}")
    return faults


async def send_some(
    client: httpx.AsyncClient,
    chance: random.Random,
    left: Iterator[int],
    right: dict,
    statuses: Counter,
    faults: list[str],
) -> None:
    """Take numbers from `left`, shared with others, and send a malformed request for each."""
    for number in left:
        endpoint, request = malformed(chance)
        status, text = await send(client, request)
        statuses[endpoint, status] += 1
        wrong = status in ("too slow", "cut off") or status.startswith("5")
        if wrong or "Traceback" in text or "root:" in text:
            faults.append(f"{endpoint}: {status} {text[:200]!r} for {str(request)[:300]}")
        if number % EVERY == 0:
            response = await client.post("recognize", json=GOOD)
            statuses["a good drawing", str(response.status_code)] += 1
            if response.json() != right:
                faults.append(f"a good drawing was answered with {response.text[:200]}")


async def send(client: httpx.AsyncClient, request: dict | bytes) -> tuple[str, str]:
    """The status that came back, or what came instead, and the text with it."""
    if isinstance(request, bytes):
        return await send_bytes(client.base_url, request), ""
    try:
        response = await client.request(**request)
    except httpx.TimeoutException:
        return "too slow", ""
    except httpx.HTTPError:
        return "cut off", ""
    return str(response.status_code), response.text


def malformed(chance: random.Random) -> tuple[str, dict | bytes]:
    """The name of an endpoint and a request to it, as `httpx.request` takes it, or bytes."""
    kinds = [drawing, picture, body, correction, envelope, path, headers, not_http]
    return chance.choices(kinds, weights=[8, 4, 2, 3, 4, 2, 1, 0.5])[0](chance)


def drawing(chance: random.Random) -> tuple[str, dict]:
    """A good drawing in which one place, or what is around it, is something odd."""
    paper = json.loads(json.dumps(GOOD))
    holder, key = chance.choice(
        [(paper, "strokes"), (paper["strokes"], 0), (paper["strokes"][0], 1),
         (paper["strokes"][0][0], 0)]
    )  # fmt: skip
    holder[key] = chance.choice([odd for odd in ODD if odd not in ([], [[]], 0, -1, 1.5)])
    if chance.random() < 0.2:
        paper = chance.choice([None, [], 7, "x", {"details": True}, [paper]])
    return "/recognize strokes", post("recognize", json.dumps(paper))


def picture(chance: random.Random) -> tuple[str, dict]:
    """A data URL that is none, or a picture that is damaged, enormous or another format's."""
    file = io.BytesIO()
    kind = chance.choice(["PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP"])
    Image.new("L", (chance.choice([1, 28, 2000]), 28), 255).save(file, kind)
    content = bytearray(file.getvalue())
    if kind in ("PNG", "JPEG", "WEBP") and len(content) > 20:  # the others are refused as they are
        del content[chance.randrange(4, 12) :]
    if chance.random() < 0.2:
        content = bytearray(png_of(60_000, 60_000))
    url = f"data:image/png;base64,{base64.b64encode(content).decode()}"
    url = chance.choice([url, url[:-3] + "*", url.replace("base64", "base32"), "http://127.0.0.1/"])
    return "/recognize picture", post("recognize", json.dumps({"picture": url}))


def png_of(width: int, height: int) -> bytes:
    """The head of a PNG that promises width x height pixels."""
    file = io.BytesIO()
    Image.new("L", (1, 1)).save(file, "PNG")
    content = file.getvalue()
    head = b"IHDR" + width.to_bytes(4, "big") + height.to_bytes(4, "big") + content[24:29]
    return content[:12] + head + zlib.crc32(head).to_bytes(4, "big") + content[33:]


def body(chance: random.Random) -> tuple[str, dict]:
    """Bytes that are not JSON, or too many of them, to any endpoint that takes some."""
    address = chance.choice(
        ["recognize", "corrections", "gradio_api/call/predict", "gradio_api/queue/join", "login"]
    )
    content = chance.choice([*RAW, chance.randbytes(chance.randrange(1, 300))])
    return f"/{address} bytes", post(address, content)


def correction(chance: random.Random) -> tuple[str, dict]:
    """A correction that is odd, or of nobody, or an odd address of one."""
    content = {**GOOD, "label": chance.choice([odd for odd in ODD if odd != 0])}
    address = chance.choice(["corrections"] * 3 + ["corrections/1", "corrections/99999999999"])
    method = chance.choice(["POST", "POST", "POST", "GET", "DELETE"])
    token = chance.choice(["0" * 32, "", "../x", "a" * 9000, "'; DROP TABLE corrections; --"])
    headers = {"x-token": token}
    request = {**post(address, json.dumps(content)), "method": method, "headers": headers}
    return "/corrections", request


def envelope(chance: random.Random) -> tuple[str, dict]:
    """JSON that Gradio's own endpoints do not expect."""
    address = chance.choice(
        ["gradio_api/call/predict", "gradio_api/call/predict_image", "gradio_api/call/other",
         "gradio_api/call/v2/predict", "gradio_api/queue/join"]
    )  # fmt: skip
    content = {
        "data": chance.choice([*ODD, [1], [[[[1]]]], ["x", "y"]]),
        "fn_index": chance.choice([0, 1, 99, -1, "0", None, {}]),
        "session_hash": chance.choice(["x", 7, None, "../x", "y" * 9000, {}]),
        "strokes": [[[1, 2]]],
    }
    for key in chance.sample(list(content), chance.randrange(2)):
        del content[key]
    if isinstance(content.get("data"), list) and len(content["data"]) == 1:
        content["data"] = [*content["data"], 1]  # one value would be read, later and elsewhere
    return f"/{address} JSON", post(address, json.dumps(content))


def path(chance: random.Random) -> tuple[str, dict]:
    """What this page does not serve, or not to anybody."""
    address = chance.choice(PATHS)
    method = chance.choice(["GET", "POST", "PUT", "DELETE", "PATCH", "TRACE"])
    content = chance.choice(RAW[:6])
    return "other addresses", {"method": method, "url": address, "content": content}


def headers(chance: random.Random) -> tuple[str, dict]:
    """A good drawing with headers that are not."""
    name, value = chance.choice(
        [("content-type", "multipart/form-data; boundary=x"), ("content-encoding", "gzip"),
         ("cookie", "a=" + "b" * 60_000), ("x-forwarded-host", "<script>"),
         ("content-type", "text/html"), ("range", "bytes=0-0,1-1"), ("accept", "*" * 30_000)]
    )  # fmt: skip
    return "/recognize headers", {**post("recognize", json.dumps(GOOD)), "headers": {name: value}}


def not_http(chance: random.Random) -> tuple[str, bytes]:
    """Bytes on the wire that are no request, or half of one."""
    return "not HTTP", chance.choice(NOT_HTTP)


def post(address: str, content: str | bytes) -> dict:
    """What `httpx.request` takes to post it as JSON."""
    content = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
    head = {"content-type": "application/json"}
    return {"method": "POST", "url": address, "content": content, "headers": head}


async def send_bytes(address: httpx.URL, content: bytes) -> str:
    """Send bytes over a connection of their own and close it; "closed" whatever comes back."""
    split = urlsplit(str(address))
    reader, writer = await asyncio.open_connection(split.hostname, split.port)
    try:
        writer.write(content)
        await writer.drain()
        await asyncio.wait_for(reader.read(1000), 0.2)
    except (TimeoutError, asyncio.TimeoutError, ConnectionError):
        pass  # it waits for the rest, or has hung up
    finally:
        writer.close()
    return "closed"


if __name__ == "__main__":
    main()
