"""Make the README's picture, the running page with a digit drawn on it, and two more.

    python -m experiments.screenshot

Needs requirements-dev.txt and a Chromium. Writes runs/page.png, and beside it inside.png, the
network at work, and preview.png, which chats show with a link; --output docs/page.png writes
those of docs/.
"""

import argparse
from pathlib import Path
from tempfile import mkdtemp

from PIL import Image
from playwright.sync_api import Page, expect

from experiments import common
from mnist_core.corrections.store import Corrections
from mnist_core.errors import UserError
from mnist_core.files import make_directory
from tests.browser import chromium, draw

# A 4 with an open top, in parts of the paper's side.
FOUR = [
    [(0.4, 0.2), (0.34, 0.33), (0.3, 0.46), (0.31, 0.53), (0.38, 0.56), (0.48, 0.55), (0.6, 0.52)],
    [(0.64, 0.26), (0.62, 0.45), (0.6, 0.66), (0.59, 0.87)],
]


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the README's picture of the page.")
    parser.add_argument("--output", type=Path, default=common.ROOT / "runs" / "page.png")
    args = parser.parse_args()
    try:
        make_directory(args.output.parent)
        photograph(args.output)
    except UserError as error:  # no Chromium
        parser.exit(2, f"{parser.prog}: {error}\n")
    print(f"wrote {args.output}")


def photograph(output: Path) -> None:
    """Serve the page, draw a 4 on it and write the pictures."""
    store = Corrections(f"sqlite:///{mkdtemp()}/corrections.sqlite")
    with common.served(store=store) as address, chromium() as browser:
        window = browser.new_page(viewport={"width": 1100, "height": 750}, device_scale_factor=1.5)
        window.goto(address)
        window.locator(".hint strong:not(:empty)").wait_for()
        draw(window, FOUR, steps=6)
        expect(window.locator(".bar.leading")).to_have_attribute("data-digit", "4")
        window.wait_for_timeout(500)  # the bars' movement
        window.screenshot(path=output)
        window.set_viewport_size({"width": 1200, "height": 630})
        hide_below(window, True)
        preview = output.with_name("preview.png")
        window.screenshot(path=preview, scale="css")
        Image.open(preview).quantize(64).save(preview, optimize=True)
        hide_below(window, False)
        window.set_viewport_size({"width": 1280, "height": 800})
        window.locator("#stage [value=inside]").click()
        window.wait_for_timeout(1500)  # the wave through the layers
        window.screenshot(path=output.with_name("inside.png"), scale="css")


def hide_below(window: Page, hidden: bool) -> None:
    """Hide what the preview would show a part of, or show it again."""
    for name in ("examples", "about"):
        section = window.locator(f"#{name}")
        section.evaluate("(section, hidden) => (section.hidden = hidden)", hidden)


if __name__ == "__main__":
    main()
