"""How quick and how heavy the page is, beside what Gradio's own components give.

    python benchmarks/page.py
    python benchmarks/page.py --strokes 50 --loads 20

Prints Markdown: the time from the last pointer move to moved bars, how often they move while
the pen does and what is asked meanwhile, near the server and far from it, here and on
gr.Sketchpad with gr.Label; how long the browser takes to read and explain a drawing; the time from
opening the page to a pen that draws, beside the load of an empty Gradio page, here and on a slow
link, with how much that asks for; and what an idle page does. All are served from this process,
with the same network, to one headless Chromium on this machine
(pip install -r requirements-dev.txt).
"""

import argparse
import json
import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from tempfile import mkdtemp
from typing import NamedTuple

import gradio as gr
import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # so that the script runs from a clone, nothing installed

from playwright.sync_api import Browser, Page

from mnist_core import Recognizer
from mnist_core.corrections.store import Corrections
from mnist_core.errors import UserError
from mnist_core.tables import table
from serving.app import PageServer, launch
from serving.reloader import ModelReloader
from tests.browser import chromium, draw
from ui.document import CONSTANTS, EXAMPLES, FOLDER
from ui.joiner import join

LATENCIES = (0, 100, 400)  # milliseconds of the link, as Chromium emulates it
# Notes when the pointer went down, last moved and went up, and each time that anything inside
# `selector` changed. A move counts from when the browser got it, which then waits for a frame.
WATCH = """selector => {
    window.times = { down: 0, move: 0, up: 0, change: 0, changes: [] };
    addEventListener("pointerdown", (event) => {
        times.down = event.timeStamp;
        times.changes = [];
    }, true);
    addEventListener("pointermove", (event) => (times.move = event.timeStamp), true);
    addEventListener("pointerup", (event) => (times.up = event.timeStamp), true);
    new MutationObserver(() => times.changes.push(times.change = performance.now())).observe(
        document.querySelector(selector),
        { subtree: true, childList: true, characterData: true, attributes: true });
}"""
UPDATES_A_SECOND = """() => 1000 * times.changes.filter((change) => change < times.up).length /
    (times.up - times.down)"""
# Reads and explains each drawing `count` times, after as many to warm up.
READ = """async ([drawings, count]) => {
    %s
    const { readNetwork } = modules["recognizer/network.js"];
    const { attribute } = modules["recognizer/reasons.js"];
    const { predictStrokes } = modules["recognizer/recognizer.js"];
    const { name } = await (await fetch("network")).json();
    const file = await (await fetch(`network/${name}.bin`)).arrayBuffer();
    const reader = readNetwork(file);
    const times = [];
    for (let i = 0; i < 2 * count; i++) {
        for (const strokes of drawings) {
            await new Promise(requestAnimationFrame); // once a frame, as the page does it
            const start = performance.now();
            const { pixels, digit, runner_up } = predictStrokes(reader, strokes);
            attribute(reader, pixels, digit, runner_up, 4); // points, as while somebody draws
            if (i >= count) times.push(performance.now() - start);
        }
    }
    return times;
}"""
# Notes when the page has become useful: `test` is asked once a frame.
READY = """(() => {
    const test = %s;
    const ask = () => test() ? (window.ready = performance.now()) : requestAnimationFrame(ask);
    requestAnimationFrame(ask);
})()"""
HAS_FOOTER = "() => document.querySelector('footer')"
PEN_DRAWS = """() => {
    const canvas = document.querySelector(".paper canvas");
    if (!canvas) return false;
    canvas.setPointerCapture = () => {};  // this pointer is not the browser's
    const { x, y } = canvas.getBoundingClientRect();
    for (const type of ["pointerdown", "pointerup"]) {
        canvas.dispatchEvent(new PointerEvent(type, { pointerId: 1, clientX: x, clientY: y }));
    }
    return document.querySelector(".undo")?.ariaDisabled === "false";
}"""
IDLE_SECONDS = 5
SPEED = 200_000  # bytes a second of a slow link: 1.6 Mbit/s
SLOW = {"offline": False, "latency": 150, "downloadThroughput": SPEED, "uploadThroughput": SPEED}
QUIET = 4000  # milliseconds in which what follows a stroke is over
SETTLED = "times.change > times.move && performance.now() - times.change > 300 &&"
Served = tuple[gr.Blocks, str]  # and its address
STROKE = [(0.3, 0.25), (0.7, 0.25), (0.45, 0.8)]
LONG_STROKE_STEPS = 20  # between two of its points


class Drawn(NamedTuple):
    """Milliseconds after each stroke; bars' updates a second and requests during a long one."""

    times: list[float]
    updates: float
    requests: int


def main() -> None:
    parser = argparse.ArgumentParser(description="Time the page beside the stock sketchpad.")
    parser.add_argument("--strokes", type=int, default=20, help="on each page (%(default)s)")
    parser.add_argument("--loads", type=int, default=10, help="of each page (%(default)s)")
    args = parser.parse_args()
    torch.set_num_threads(1)
    try:
        reloader = ModelReloader(ROOT / "weights")
        with chromium() as browser:
            measure(browser, reloader, max(2, args.strokes), max(2, args.loads))
    except UserError as error:  # no network, or no Chromium
        parser.exit(2, f"page.py: {error}\n")


def measure(browser: Browser, reloader: ModelReloader, strokes: int, loads: int) -> None:
    """Serve the three pages, one after the other or in turn, and print what was measured."""
    mine, theirs = partial(serve_ours, reloader), partial(serve_stock, reloader.current)
    ours = time_strokes(browser, mine, clear_ours, ".bars", strokes)
    stock = time_strokes(browser, theirs, clear_stock, "#bars", strokes)
    print(f"Milliseconds, {os.cpu_count()} cores, headless.\n")
    pages = {
        f"{name}, {latency} ms away": drawn
        for latency in LATENCIES
        for name, drawn in (("this page", ours[latency]), ("gr.Sketchpad", stock[latency]))
    }
    times = {name: drawn.times for name, drawn in pages.items()}
    print(times_table("from the last move to moved bars", times))
    rows = [(name, f"{drawn.updates:.0f}", drawn.requests) for name, drawn in pages.items()]
    print(table(["while drawing a long stroke", "updates a second", "requests"], rows))
    read = {"one drawing": time_reading(browser, mine, strokes)}
    print(times_table("to frame, read and explain in the browser", read, digits=2))
    for link, settings in (("here", None), ("1.6 Mbit/s, 150 ms away", SLOW)):
        ours, empty = time_loads(browser, mine, serve_nothing, loads, settings)
        pages = {f"this page, {link}": ours, f"empty page, {link}": empty}
        print(times_table("from opening to a pen that draws, or to a footer", pages))
        print(
            f"This page takes {median(ours) / median(empty):.2f} times as long as an empty one.\n"
        )
    served = (("this page", mine), ("empty page", serve_nothing))
    weights = [(name, *weigh(browser, serve)) for name, serve in served]
    print(table(["a first visit", "requests", "kB of them without the network"], weights))
    idle = [
        (name, *watch_idle(browser, serve))
        for name, serve in (("this page", mine), ("empty page", serve_nothing))
    ]
    print(table([f"idle for {IDLE_SECONDS} s", "requests", "ms of work"], idle))


def times_table(what: str, pages: dict[str, list[float]], digits: int = 0) -> str:
    """How the milliseconds of each page spread."""
    rows = []
    for name, times in pages.items():
        numbers = (median(times), quantiles(times, n=20)[-1], min(times), max(times))
        rows.append((name, *(f"{number:.{digits}f}" for number in numbers), len(times)))
    return table([what, "median", "p95", "least", "most", "n"], rows)


def time_strokes(
    browser: Browser,
    serve: Callable[[], Served],
    clear: Callable[[Page], None],
    selector: str,
    strokes: int,
) -> dict[int, Drawn]:
    """Serve a page and draw on it at each of LATENCIES, one stroke to warm up, `strokes` that
    count and a long one.

    The times are from the last move of a stroke to the last change inside `selector`; `clear`
    makes the page ready for the next one.
    """
    blocks, address = serve()
    page = browser.new_page()
    page.goto(address, wait_until="networkidle")  # and so with its network
    page.locator(selector).wait_for()
    page.evaluate(WATCH, selector)
    link = page.context.new_cdp_session(page)
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    drawn = {}
    for latency in LATENCIES:
        settings = {"offline": False, "downloadThroughput": -1, "uploadThroughput": -1}
        link.send("Network.emulateNetworkConditions", {**settings, "latency": latency})
        times = [time_stroke(page, clear) for _ in range(strokes + 1)][1:]
        clear(page)
        page.wait_for_timeout(QUIET)
        before = len(requests)
        draw(page, [STROKE], LONG_STROKE_STEPS)
        drawn[latency] = Drawn(times, page.evaluate(UPDATES_A_SECOND), len(requests) - before)
        page.wait_for_timeout(QUIET)
    page.close()
    blocks.close(verbose=False)
    return drawn


def time_stroke(page: Page, clear: Callable[[Page], None]) -> float:
    clear(page)
    draw(page, [STROKE])
    return wait_for(page, f"{SETTLED} times.change - times.move")


def time_reading(browser: Browser, serve: Callable[[], Served], count: int) -> list[float]:
    """Milliseconds that the browser takes to read and explain each example, `count` times."""
    drawings = [json.loads(line)["strokes"] for line in EXAMPLES.read_text().splitlines()]
    blocks, address = serve()
    page = browser.new_page()
    page.goto(address)
    paths = [*(FOLDER / "recognizer").glob("*.js"), FOLDER / CONSTANTS]
    modules = {os.path.relpath(path, FOLDER): path.read_text(encoding="utf-8") for path in paths}
    times = page.evaluate(READ % join(modules), [drawings, count])
    page.close()
    blocks.close(verbose=False)
    return times


def time_loads(
    browser: Browser,
    mine: Callable[[], Served],
    empty: Callable[[], Served],
    loads: int,
    link: dict | None,
) -> tuple[list[float], list[float]]:
    """Open both in turn, each time with nothing cached: milliseconds until each is useful."""
    pages = [(*mine(), PEN_DRAWS), (*empty(), HAS_FOOTER)]
    times = []
    for _ in range(loads + 1):  # the first is to warm up
        times.append([time_load(browser, address, test, link) for _, address, test in pages])
    for blocks, _, _ in pages:
        blocks.close(verbose=False)
    ours, others = zip(*times[1:], strict=True)
    return list(ours), list(others)


def time_load(browser: Browser, address: str, test: str, link: dict | None) -> float:
    """Open a page in a context of its own: milliseconds until `test` is true."""
    context = browser.new_context()
    page = context.new_page()
    if link:
        context.new_cdp_session(page).send("Network.emulateNetworkConditions", link)
    page.add_init_script(READY % test)
    page.goto(address, wait_until="commit")
    time = wait_for(page, "window.ready")
    context.close()
    return time


def wait_for(page: Page, expression: str) -> float:
    """The value of `expression`, once it is true."""
    while not (value := page.evaluate(expression)):
        page.wait_for_timeout(20)
    return value


def weigh(browser: Browser, serve: Callable[[], Served]) -> tuple[int, str]:
    """Requests of a first visit, and their compressed kilobytes without the network's file."""
    blocks, address = serve()
    context = browser.new_context()
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    asked, sizes = {}, {}
    session.on(
        "Network.requestWillBeSent", lambda e: asked.update({e["requestId"]: e["request"]["url"]})
    )
    session.on(
        "Network.loadingFinished", lambda e: sizes.update({e["requestId"]: e["encodedDataLength"]})
    )
    page.goto(address)
    page.wait_for_timeout(QUIET)
    context.close()
    blocks.close(verbose=False)
    urls = {name: url for name, url in asked.items() if url.startswith("http")}
    total = sum(sizes.get(name, 0) for name, url in urls.items() if not url.endswith(".bin"))
    return len(urls), f"{total / 1000:.0f}"


def watch_idle(browser: Browser, serve: Callable[[], Served]) -> tuple[int, str]:
    """Requests, and milliseconds of the page's main thread, while nobody does anything."""
    blocks, address = serve()
    page = browser.new_page()
    page.goto(address)
    page.wait_for_timeout(5000)  # what loads late
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")

    def work() -> float:
        metrics = session.send("Performance.getMetrics")["metrics"]
        return next(1000 * m["value"] for m in metrics if m["name"] == "TaskDuration")

    before = work()
    page.wait_for_timeout(1000 * IDLE_SECONDS)
    result = len(requests), f"{work() - before:.1f}"
    page.close()
    blocks.close(verbose=False)
    return result


def clear_ours(page: Page) -> None:
    """Clear this page's paper, if there is ink."""
    clear = page.get_by_role("button", name="Clear")
    if clear.is_enabled():
        clear.click()


def clear_stock(page: Page) -> None:
    """Clear gr.Sketchpad and take up its pen again."""
    page.get_by_label("Clear canvas").click()
    page.wait_for_timeout(2000)  # the change event of clearing comes late
    page.get_by_label("Brush", exact=True).click()  # its pen is not armed until then
    page.wait_for_timeout(500)


def serve_ours(reloader: ModelReloader) -> Served:
    """This page, with its middleware and routes."""
    store = Corrections(f"sqlite:///{mkdtemp()}/corrections.sqlite")
    server = PageServer(reloader, store)
    address = launch(server).address
    return server.get_blocks(), address


def serve_stock(recognizer: Recognizer) -> Served:
    """The page that Gradio's own components give: gr.Sketchpad and gr.Label."""

    def predict(drawing: dict) -> dict[str, float]:
        if drawing["composite"] is None:
            return {}
        probabilities = recognizer.predict_image(drawing["composite"]).probabilities
        return {str(digit): float(p) for digit, p in enumerate(probabilities)}

    with gr.Blocks(analytics_enabled=False) as blocks:
        sketchpad = gr.Sketchpad(canvas_size=(400, 400), fixed_canvas=True, width=440, height=500)
        label = gr.Label(num_top_classes=10, elem_id="bars")
        sketchpad.change(predict, sketchpad, label, show_progress="hidden")
    return serve_blocks(blocks)


def serve_nothing() -> Served:
    """An empty page of Gradio's."""
    with gr.Blocks(analytics_enabled=False) as blocks:
        pass
    return serve_blocks(blocks)


def serve_blocks(blocks: gr.Blocks) -> Served:
    """As Gradio serves what has no middleware and no routes."""
    _, address, _ = blocks.launch(quiet=True, prevent_thread_lock=True)
    return blocks, address


if __name__ == "__main__":
    main()
