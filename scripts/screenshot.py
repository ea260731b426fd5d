"""Make the README's picture: the running page with a digit drawn on it.

    python scripts/screenshot.py

Needs requirements-dev.txt and a Chromium; writes docs/page.png.
"""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # so that the script runs from a clone, nothing installed

from playwright.sync_api import expect

import app
from scripts.browser import chromium, draw
from serving.metrics import Metrics
from serving.networks import Networks

# A 4 with an open top, in parts of the paper's side.
FOUR = [
    [(0.36, 0.2), (0.33, 0.35), (0.29, 0.52), (0.33, 0.56), (0.5, 0.55), (0.72, 0.53)],
    [(0.62, 0.24), (0.6, 0.45), (0.58, 0.66), (0.57, 0.85)],
]


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the README's picture of the page.")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "page.png")
    output = parser.parse_args().output
    try:
        photograph(Networks(ROOT / "weights"), output)
    except (ValueError, OSError) as error:
        parser.exit(2, f"screenshot.py: {error}\n")
    print(f"wrote {output}")


def photograph(networks: Networks, output: Path) -> None:
    """Serve the page, draw a 4 on it and write the picture."""
    metrics = Metrics()
    page = app.build(networks, metrics, teach=True)
    _, address, _ = app.serve(page, app.settings(networks, metrics))
    with chromium() as browser:
        window = browser.new_page(viewport={"width": 1100, "height": 780}, device_scale_factor=1.5)
        window.goto(address)
        window.get_by_text("reads along").wait_for()
        draw(window, FOUR)
        expect(window.locator(".bar.leading")).to_have_attribute("data-digit", "4")
        window.wait_for_timeout(500)  # the bars' movement
        window.screenshot(path=output)
    page.close(verbose=False)


if __name__ == "__main__":
    main()
