"""Time the page in Chromium beside Gradio's own sketchpad and an empty Gradio page.

    python -m experiments.page
    python -m experiments.page --strokes 50 --loads 20

Measures the time from the last pointer move to moved bars, with a server that is near and far, and
the time from opening the page to a pen that draws, here and on a slow link. One process serves all
of it, with the same network, to one headless Chromium. Writes page.md to runs/experiments, for
docs/page.md.
"""

import argparse
from collections.abc import Callable
from functools import partial
from statistics import median, quantiles
from tempfile import mkdtemp

import gradio as gr
from playwright.sync_api import Browser, Page

from experiments import common
from mnist_core import Recognizer
from mnist_core.corrections.store import Corrections
from mnist_core.tables import table
from serving.app import PageServer, launch
from serving.reloader import ModelReloader
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
# Notes when `test`, asked once a frame, became true.
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
SPEED = 200_000  # bytes a second of a slow link: 1.6 Mbit/s
UNLIMITED = {"offline": False, "downloadThroughput": -1, "uploadThroughput": -1}
SLOW = {"offline": False, "latency": 150, "downloadThroughput": SPEED, "uploadThroughput": SPEED}
STROKE = [(0.3, 0.25), (0.7, 0.25), (0.45, 0.8)]
Served = tuple[gr.Blocks, str]  # and its address


def main() -> None:
    parser = common.argument_parser("Time the page beside Gradio's own.")
    parser.add_argument("--strokes", type=int, default=20, help="on each page (%(default)s)")
    parser.add_argument("--loads", type=int, default=10, help="of each page (%(default)s)")
    common.write_page(parser, "page", "page.md", measure)


def measure(args: argparse.Namespace) -> common.Measured:
    """The tables of docs/page.md."""
    reloader = ModelReloader(common.ROOT / "weights")
    ours, stock = partial(serve_ours, reloader), partial(serve_stock, reloader.current)
    with chromium() as browser:
        bars = {
            **time_strokes(browser, ours, clear_ours, ".bars", "this page", args.strokes),
            **time_strokes(browser, stock, clear_stock, "#bars", "gr.Sketchpad", args.strokes),
        }
        parts = [times_table("from the last move to moved bars", bars)]
        for link, settings in (("here", None), ("1.6 Mbit/s, 150 ms away", SLOW)):
            loads = time_loads(browser, ours, args.loads, settings)
            parts.append(times_table(f"from opening to a pen that draws, {link}", loads))
    return "\n".join([f"Milliseconds; {common.machine()}, headless.\n", *parts]), None


def times_table(what: str, times: dict[str, list[float]]) -> str:
    rows = []
    for name, values in times.items():
        numbers = (median(values), quantiles(values, n=20)[-1], min(values), max(values))
        rows.append((name, *(f"{number:.0f}" for number in numbers), len(values)))
    return table([what, "median", "p95", "least", "most", "n"], rows)


def time_strokes(
    browser: Browser,
    serve: Callable[[], Served],
    clear: Callable[[Page], None],
    selector: str,
    name: str,
    strokes: int,
) -> dict[str, list[float]]:
    """Milliseconds from a stroke's last move to the last change inside `selector`, by latency."""
    blocks, address = serve()
    page = browser.new_page()
    page.goto(address, wait_until="networkidle")  # and so with its network
    page.locator(selector).wait_for()
    page.evaluate(WATCH, selector)
    link = page.context.new_cdp_session(page)
    times: dict[str, list[float]] = {}
    for latency in LATENCIES:
        link.send("Network.emulateNetworkConditions", {**UNLIMITED, "latency": latency})
        taken = times[f"{name}, {latency} ms away"] = []
        for _ in range(strokes + 1):
            clear(page)
            draw(page, [STROKE], steps=6)
            taken.append(wait_for(page, SETTLED))
        del taken[0]  # to warm up
    page.close()
    blocks.close(verbose=False)
    return times


def time_loads(
    browser: Browser, ours: Callable[[], Served], loads: int, link: dict | None
) -> dict[str, list[float]]:
    """Open this page and an empty one in turn, nothing cached: milliseconds until each is ready."""
    served = {"this page": (*ours(), PEN_DRAWS), "empty page": (*serve_empty(), HAS_FOOTER)}
    times: dict[str, list[float]] = {name: [] for name in served}
    for _ in range(loads + 1):
        for name, (_, address, test) in served.items():
            context = browser.new_context()
            page = context.new_page()
            if link:
                context.new_cdp_session(page).send("Network.emulateNetworkConditions", link)
            page.add_init_script(READY % test)
            page.goto(address, wait_until="commit")
            times[name].append(wait_for(page, "window.ready"))
            context.close()
    for blocks, *_ in served.values():
        blocks.close(verbose=False)
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


def serve_ours(reloader: ModelReloader) -> Served:
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
    return blocks, blocks.launch(quiet=True, prevent_thread_lock=True)[1]


def serve_empty() -> Served:
    with gr.Blocks(analytics_enabled=False) as blocks:
        pass
    return blocks, blocks.launch(quiet=True, prevent_thread_lock=True)[1]


if __name__ == "__main__":
    main()
