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
        browser = playwright.chromium.launch(executable_path=path, args=[*FLAGS, *flags])
        yield browser
        browser.close()


def move(page: Page, point: tuple[float, float], steps: int = 1) -> None:
    """Move the mouse to `point` of the page's first canvas, in parts of its width and height."""
    box = page.locator("canvas").first.bounding_box()
    x, y = point
    page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=steps)


def draw(page: Page, strokes: list[list[tuple[float, float]]], steps: int = 6) -> None:
    """Draw strokes on the first canvas, each line between two points in `steps` moves."""
    for start, *others in strokes:
        move(page, start)
        page.mouse.down()
        for point in others:
            move(page, point, steps)
        page.mouse.up()
