"""How quick and how heavy the page is, beside what Gradio's own components give.

    python benchmarks/page.py
    python benchmarks/page.py --strokes 50 --loads 20

Prints Markdown: the time from the last pointer move to moved bars, here and on gr.Sketchpad
with gr.Label; from opening the page to a pen that draws, beside the load of an empty Gradio
page; and what an idle page does. All are served from this process, with the same network, to
one headless Chromium on this machine (pip install -r requirements-dev.txt).
"""

import argparse
import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from tempfile import mkdtemp

import gradio as gr
import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # so that the script runs from a clone, nothing installed

from playwright.sync_api import Browser, Page

import app
from mnist_core import Recognizer
from mnist_core.corrections.store import Corrections
from mnist_core.errors import UserError
from mnist_core.tables import table
from serving.reloader import ModelReloader
from tests.browser import chromium, draw
from ui.page import launch

# Notes when the pointer last moved and when anything inside `selector` last changed.
WATCH = """selector => {
    window.times = { move: 0, change: 0 };
    addEventListener("pointermove", () => (times.move = performance.now()), true);
    new MutationObserver(() => (times.change = performance.now())).observe(
        document.querySelector(selector),
        { subtree: true, childList: true, characterData: true, attributes: true });
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
    return document.querySelector(".undo").ariaDisabled === "false";
}"""
IDLE_SECONDS = 5
SETTLED = "times.change > times.move && performance.now() - times.change > 300 &&"
Served = tuple[gr.Blocks, str]  # and its address
STROKE = [(0.3, 0.25), (0.7, 0.25), (0.45, 0.8)]


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
    ours = time_strokes(browser, mine, clear_ours, ".result", strokes)
    stock = time_strokes(browser, theirs, clear_stock, "#bars", strokes)
    print(f"Milliseconds, {os.cpu_count()} cores, headless.\n")
    pages = {"this page": ours, "gr.Sketchpad": stock}
    print(times_table("from the last move to moved bars", pages))
    print(f"gr.Sketchpad takes {median(stock) / median(ours):.0f} times as long as this page.\n")
    ours, empty = time_loads(browser, mine, serve_nothing, loads)
    pages = {"this page": ours, "empty page": empty}
    print(times_table("from opening to a pen that draws, or to a footer", pages))
    print(f"This page takes {median(ours) / median(empty):.2f} times as long as an empty one.\n")
    idle = [
        (name, *watch_idle(browser, serve))
        for name, serve in (("this page", mine), ("empty page", serve_nothing))
    ]
    print(table([f"idle for {IDLE_SECONDS} s", "requests", "ms of work"], idle))


def times_table(what: str, pages: dict[str, list[float]]) -> str:
    """How the milliseconds of each page spread."""
    rows = []
    for name, times in pages.items():
        numbers = (median(times), quantiles(times, n=20)[-1], min(times), max(times))
        rows.append((name, *(f"{number:.0f}" for number in numbers), len(times)))
    return table([what, "median", "p95", "least", "most", "n"], rows)


def time_strokes(
    browser: Browser,
    serve: Callable[[], Served],
    clear: Callable[[Page], None],
    selector: str,
    strokes: int,
) -> list[float]:
    """Serve a page and draw on it, one stroke to warm up and `strokes` that count.

    Gives milliseconds from the last move of each stroke to the last change inside
    `selector`; `clear` makes the page ready for the next one.
    """
    blocks, address = serve()
    page = browser.new_page()
    page.goto(address)
    page.locator(selector).wait_for()
    page.evaluate(WATCH, selector)
    times = []
    for _ in range(strokes + 1):
        clear(page)
        draw(page, [STROKE])
        settled = page.wait_for_function(f"{SETTLED} times.change - times.move")
        times.append(settled.json_value())
    page.close()
    blocks.close(verbose=False)
    return times[1:]


def time_loads(
    browser: Browser, mine: Callable[[], Served], empty: Callable[[], Served], loads: int
) -> tuple[list[float], list[float]]:
    """Open both in turn, each time with nothing cached: milliseconds until each is useful."""
    pages = [(*mine(), PEN_DRAWS), (*empty(), HAS_FOOTER)]
    times = []
    for _ in range(loads + 1):  # the first is to warm up
        times.append([time_load(browser, address, test) for _, address, test in pages])
    for blocks, _, _ in pages:
        blocks.close(verbose=False)
    ours, others = zip(*times[1:], strict=True)
    return list(ours), list(others)


def time_load(browser: Browser, address: str, test: str) -> float:
    """Open a page in a context of its own: milliseconds until `test` is true."""
    context = browser.new_context()
    page = context.new_page()
    page.add_init_script(READY % test)
    page.goto(address)
    time = page.wait_for_function("window.ready").json_value()
    context.close()
    return time


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
    store = Corrections.open(f"sqlite:///{mkdtemp()}/corrections.sqlite")
    blocks, settings = app.create_page(reloader, store)
    return blocks, launch(blocks, settings).address


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
