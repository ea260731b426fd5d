"""Time the page in Chromium beside Gradio's own sketchpad and an empty Gradio page.

    python -m experiments.page

Measures the time from the last pointer move to moved bars, with a server that is near and far, and
the time from opening the page to a pen that draws. One process serves all of it, with the same
network, to one headless Chromium. Writes page.md to runs/experiments, for docs/page.md.
"""

import argparse
import contextlib
from collections.abc import Iterator
from statistics import median

import gradio as gr
from playwright.sync_api import Browser, Page

from experiments import common
from experiments.sketchpad import sketchpad
from experiments.tables import least_to_most
from mnist_core import Recognizer
from mnist_core.network import weights
from mnist_core.tables import table
from tests.browser import chromium, draw

LATENCIES = (0, 100, 400)  # milliseconds of the link, as Chromium emulates it
# Notes when the pointer last moved and when anything inside `selector` last changed.
WATCH = """selector => {
    window.times = { move: 0, change: 0 };
    addEventListener("pointermove", (event) => (times.move = event.timeStamp), true);
    new MutationObserver(() => (times.change = performance.now())).observe(
        document.querySelector(selector),
        { subtree: true, childList: true, characterData: true, attributes: true });
}"""
SETTLED = """times.change > times.move && performance.now() - times.change > 300 &&
    times.change - times.move"""
# Notes when a test, asked once a frame, became true.
READY = """(() => {
    const test = %s;
    const ask = () => test() ? (window.ready = performance.now()) : requestAnimationFrame(ask);
    requestAnimationFrame(ask);
})()"""
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
UNLIMITED = {"offline": False, "downloadThroughput": -1, "uploadThroughput": -1}
STROKE = [(0.3, 0.25), (0.7, 0.25), (0.45, 0.8)]
Times = dict[str, list[float]]  # by what was measured


def main() -> None:
    parser = common.argument_parser("Time the page beside Gradio's own.")
    parser.add_argument("--times", type=int, default=20, help="each is measured (%(default)s)")
    common.write_page(parser, "page", "page.md", measure)


def measure(args: argparse.Namespace) -> common.Measured:
    """The table of docs/page.md."""
    with chromium() as browser, common.served() as ours:
        times = time_strokes(browser, "this page", ours, args.times)
        with launched(sketchpad(Recognizer.load(weights.SHIPPED))) as stock:
            times |= time_strokes(browser, "gr.Sketchpad", stock, args.times)
        with launched(gr.Blocks(analytics_enabled=False)) as empty:
            times |= time_loads(browser, ours, empty, args.times)
    rows = []
    for name, each in times.items():
        rows.append((name, f"{median(each):.0f}", least_to_most(each, ".0f"), len(each)))
    header = ("from the last move to moved bars, or to a pen that draws", "median")
    page = table((*header, "least to most", "n"), rows)
    return f"Milliseconds; {common.machine()}, headless.\n\n{page}", None


def time_strokes(browser: Browser, name: str, address: str, strokes: int) -> Times:
    """Milliseconds from a stroke's last move to the last change of the bars, by latency."""
    selector, clear = PAGES[name]
    page = browser.new_page()
    page.goto(address, wait_until="networkidle")  # and so with its network
    page.locator(selector).wait_for()
    page.evaluate(WATCH, selector)
    link = page.context.new_cdp_session(page)
    times: Times = {}
    for latency in LATENCIES:
        link.send("Network.emulateNetworkConditions", {**UNLIMITED, "latency": latency})
        taken = times[f"{name}, {latency} ms away"] = []
        for _ in range(strokes + 1):
            clear(page)
            draw(page, [STROKE], steps=6)
            taken.append(wait_for(page, SETTLED))
        del taken[0]  # to warm up
    page.close()
    return times


def time_loads(browser: Browser, ours: str, empty: str, loads: int) -> Times:
    """Open this page and an empty one in turn, nothing cached: milliseconds until each is ready."""
    has_footer = "() => document.querySelector('footer')"
    pages = {"this page, opened": (ours, PEN_DRAWS), "empty page, opened": (empty, has_footer)}
    times: Times = {name: [] for name in pages}
    for _ in range(loads + 1):
        for name, (address, test) in pages.items():
            page = browser.new_context().new_page()
            page.add_init_script(READY % test)
            page.goto(address, wait_until="commit")
            times[name].append(wait_for(page, "window.ready"))
            page.context.close()
    return {name: values[1:] for name, values in times.items()}  # the first is to warm up


def wait_for(page: Page, expression: str) -> float:
    """The value of `expression`, once it is true."""
    while not (value := page.evaluate(expression)):
        page.wait_for_timeout(20)
    return value


def clear_ours(page: Page) -> None:
    clear = page.get_by_role("button", name="Clear")
    if clear.is_enabled():
        clear.click()


def clear_stock(page: Page) -> None:
    """Clear gr.Sketchpad and take up its pen again."""
    page.get_by_label("Clear canvas").click()
    page.wait_for_timeout(2000)  # the change event of clearing comes late
    page.get_by_label("Brush", exact=True).click()  # its pen is not armed until then
    page.wait_for_timeout(500)


PAGES = {"this page": (".bars", clear_ours), "gr.Sketchpad": ("#bars", clear_stock)}


@contextlib.contextmanager
def launched(blocks: gr.Blocks) -> Iterator[str]:
    yield blocks.launch(quiet=True, prevent_thread_lock=True)[1]
    blocks.close(verbose=False)


if __name__ == "__main__":
    main()
