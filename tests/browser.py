"""Chromium for the scripts and tests that drive the page; not a script itself."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, sync_playwright

from mnist_core.errors import UserError

# Without the network a Chromium from a distribution asks its maker's hosts again and again.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
# What no window needs. The lists below an address that nobody types and panels that nobody opens
# are pages too, made for each window: more work than a small page. The others are in Playwright's
# own list, which this one replaces.
WITHOUT = [
    "WebUIOmniboxPopup",
    "WebUIOmniboxAimPopup",
    "PreloadTopChromeWebUI",
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "HttpsUpgrades",
    "HttpsFirstBalancedModeAutoEnable",
    "PaintHolding",
    "ThirdPartyStoragePartitioning",
    "OptimizationHints",
    "NetworkTimeServiceQuerying",
    "PreconnectToSearch",
]
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@contextmanager
def chromium(*flags: str) -> Iterator[Browser]:
    """Start a headless Chromium, with more `flags`: Playwright's own, else one that is installed.

    Raises UserError, with what to do, where there is none.
    """
    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
        path = own if os.path.exists(own) else next(filter(None, map(shutil.which, NAMES)), None)
        if path is None:
            raise UserError(
                "no Chromium here: run 'playwright install chromium', or install your system's"
            )
        without = f"--disable-features={','.join(WITHOUT)}"
        args = [*FLAGS, without, *flags]
        browser = playwright.chromium.launch(executable_path=path, args=args)
        yield browser
        browser.close()


def move(page: Page, point: tuple[float, float], steps: int = 1) -> None:
    """Move the mouse to `point` of the page's first canvas, in parts of its width and height."""
    page.mouse.move(*_place(page.locator("canvas").first.bounding_box(), point), steps=steps)


def draw(page: Page, strokes: list[list[tuple[float, float]]], steps: int = 1) -> None:
    """Draw strokes on the first canvas, each line between two points in `steps` moves.

    Each move waits for a frame, and in each frame the page reads the drawing.
    """
    for stroke in strokes:
        box = page.locator("canvas").first.bounding_box()
        start, *others = [_place(box, point) for point in stroke]
        page.mouse.move(*start)
        page.mouse.down()
        for place in others:
            page.mouse.move(*place, steps=steps)
        page.mouse.up()


def _place(box: dict[str, float], point: tuple[float, float]) -> tuple[float, float]:
    x, y = point
    return box["x"] + x * box["width"], box["y"] + y * box["height"]
