"""Make the README's moving picture: a 4 is written on the real page, and one line makes it a 9.

    python -m experiments.animation

Needs requirements-dev.txt and a Chromium. Writes runs/reading.gif; --output docs/reading.gif writes
that of docs/.
"""

import argparse
import io
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from playwright.sync_api import Page

from experiments.common import ROOT
from experiments.screenshot import FOUR
from mnist_core.errors import UserError
from mnist_core.files import make_directory
from mnist_core.network import weights
from mnist_core.network.quantize import compressed_file
from tests.browser import chromium, move
from ui.document import document, files

SIZE = {"width": 1000, "height": 640}
WIDTH = 800  # of the picture
MOVES = 3  # between two points
MILLISECONDS, AT_REST = 90, 2500  # of a frame


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the README's moving picture.")
    parser.add_argument("--output", type=Path, default=ROOT / "runs" / "reading.gif")
    output = parser.parse_args().output
    try:
        make_directory(output.parent)
        frames = film()
    except UserError as error:  # no Chromium
        parser.exit(2, f"animation.py: {error}\n")
    durations = [MILLISECONDS] * (len(frames) - 2) + [AT_REST] * 2
    first, *others = frames
    first.save(output, save_all=True, append_images=others, duration=durations, loop=0)
    print(f"wrote {output}: {len(frames)} frames, {output.stat().st_size / 1e3:.0f} kB")


def film() -> list[Image.Image]:
    """Write FOUR on the page as one file, with a frame for each move of the pen.

    The last two frames are the ghost of another digit, and that digit.
    """
    model, config = weights.load(weights.SHIPPED)
    page = document({"card": config}, {"network": compressed_file(model, config), **files()})
    with TemporaryDirectory() as folder, chromium() as browser:
        file = Path(folder, "digit.html")
        file.write_text(page.html, encoding="utf-8")
        window = browser.new_page(viewport=SIZE)
        window.goto(file.as_uri())
        window.locator(".hint strong:not(:empty)").wait_for()  # its own example has faded
        frames = [frame(window)]
        for start, *others in FOUR:
            move(window, start)
            window.mouse.down()
            for before, point in zip([start, *others], others, strict=False):
                for part in range(1, MOVES + 1):
                    pairs = zip(before, point, strict=True)
                    move(window, tuple(a + (b - a) * part / MOVES for a, b in pairs))
                    window.wait_for_timeout(MILLISECONDS)
                    frames.append(frame(window))
            window.mouse.up()
        window.locator(".badge").wait_for()
        window.wait_for_timeout(1500)  # the search for a better change, and the bars' movement
        frames.append(frame(window))
        window.locator("#change .sentence").click()
        window.wait_for_timeout(500)
        return [*frames, frame(window)]


def frame(window: Page) -> Image.Image:
    shown = Image.open(io.BytesIO(window.screenshot())).convert("RGB")
    height = round(shown.height * WIDTH / shown.width)
    return shown.resize((WIDTH, height), Image.Resampling.LANCZOS).quantize(32)


if __name__ == "__main__":
    main()
