"""Time from the last pointer move to moved bars: this page beside Gradio's stock sketchpad.

    python scripts/benchmark_page.py
    python scripts/benchmark_page.py --strokes 50

Serves both from this process, with the same network, and draws on both in one
headless Chromium on this machine (pip install -r requirements-dev.txt).
"""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median, quantiles

import gradio as gr
import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # so that the script runs from a clone, nothing installed

from playwright.sync_api import Browser, Page

import app
from mnist_core import Recognizer
from scripts.browser import chromium, draw

# Notes when the pointer last moved and when anything inside `selector` last changed.
WATCH = """selector => {
    window.times = { move: 0, change: 0 };
    addEventListener("pointermove", () => (times.move = performance.now()), true);
    new MutationObserver(() => (times.change = performance.now())).observe(
        document.querySelector(selector),
        { subtree: true, childList: true, characterData: true, attributes: true });
}"""
SETTLED = "times.change > times.move && performance.now() - times.change > 300 &&"
STROKE = [(0.3, 0.25), (0.7, 0.25), (0.45, 0.8)]


def main() -> None:
    parser = argparse.ArgumentParser(description="Time the page beside the stock sketchpad.")
    parser.add_argument("--strokes", type=int, default=20, help="on each page (%(default)s)")
    strokes = max(2, parser.parse_args().strokes)
    torch.set_num_threads(1)
    try:
        recognizer = Recognizer.load(ROOT / "weights")
        with chromium() as browser:
            ours = time_strokes(browser, app.build(recognizer), clear_ours, ".result", strokes)
            stock = time_strokes(browser, build_stock(recognizer), clear_stock, "#bars", strokes)
    except (ValueError, OSError) as error:
        parser.exit(2, f"benchmark_page.py: {error}\n")
    print(f"milliseconds from the last move to moved bars, {os.cpu_count()} cores, headless")
    print(f"{'page':14} {'median':>7} {'p95':>7} {'least':>7} {'most':>7} {'n':>4}")
    for name, times in (("this page", ours), ("gr.Sketchpad", stock)):
        p95 = quantiles(times, n=20)[-1]
        print(
            f"{name:14} {median(times):7.0f} {p95:7.0f} {min(times):7.0f} {max(times):7.0f}"
            f" {len(times):4}"
        )
    print(f"ratio of the medians: {median(stock) / median(ours):.0f}")


def time_strokes(
    browser: Browser,
    blocks: gr.Blocks,
    clear: Callable[[Page], None],
    selector: str,
    strokes: int,
) -> list[float]:
    """Serve `blocks` and draw on it, one stroke to warm up and `strokes` that count.

    Gives milliseconds from the last move of each stroke to the last change inside
    `selector`; `clear` makes the page ready for the next one.
    """
    _, address, _ = app.serve(blocks)
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


def clear_ours(page: Page) -> None:
    clear = page.get_by_role("button", name="Clear")
    if clear.is_enabled():
        clear.click()


def clear_stock(page: Page) -> None:
    page.get_by_label("Clear canvas").click()
    page.wait_for_timeout(2000)  # the change event of clearing comes late
    page.get_by_label("Brush", exact=True).click()  # its pen is not armed until then
    page.wait_for_timeout(500)


def build_stock(recognizer: Recognizer) -> gr.Blocks:
    """The page that Gradio's own components give: gr.Sketchpad and gr.Label."""

    def predict(drawing: dict) -> dict[str, float]:
        if drawing["composite"] is None:
            return {}
        return app.by_digit(recognizer.predict_image(drawing["composite"]))

    with gr.Blocks(analytics_enabled=False) as blocks:
        sketchpad = gr.Sketchpad(canvas_size=(400, 400), fixed_canvas=True, width=440, height=500)
        label = gr.Label(num_top_classes=10, elem_id="bars")
        sketchpad.change(predict, sketchpad, label, show_progress="hidden")
    return blocks


if __name__ == "__main__":
    main()
