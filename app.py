"""Draw a digit in the browser and see how sure the network is of each of the ten.

    python app.py
    python app.py --share

Builds the page, wires its events and serves it. Exit code 2 when the network
can't be loaded or the address can't be used.
"""

import argparse
import functools
from pathlib import Path
from typing import Any

import gradio as gr
import torch

from mnist_core import Prediction, Recognizer
from mnist_core.framing import frame_strokes, shrink_picture, shrink_strokes
from mnist_core.pictures import decode_picture, open_picture
from mnist_core.strokes import parse_strokes
from ui import I18N, About, Chart, Examples, Heading, Insight, Sketchpad
from ui.sketchpad import PEN_WIDTH, SIDE

WEIGHTS = Path(__file__).parent / "weights"
PAGE_STYLE = Path(__file__).parent / "ui" / "page.css"


def build(recognizer: Recognizer) -> gr.Blocks:
    """The page and its HTTP endpoints, /predict and /predict_image."""

    def recognize(paper: Any) -> dict[str, Any]:
        try:
            return read_paper(recognizer, paper)
        except ValueError as error:
            return {"error": sentence(error)}

    def predict(strokes: list[list[list[float]]]) -> dict[str, float]:
        """How probable each digit is for a drawing: strokes, lists of [x, y] points, y down."""
        try:
            return by_digit(recognizer.predict_strokes(strokes))
        except ValueError as error:
            raise gr.Error(sentence(error), print_exception=False) from error

    def predict_image(path: str | None) -> dict[str, float]:
        """How probable each digit is for a picture of one, dark on light or light on dark."""
        try:
            return by_digit(recognizer.predict_image(open_picture(path)))
        except ValueError as error:
            raise gr.Error(sentence(error), print_exception=False) from error

    # Uploaded pictures are looked at once and deleted within the hour, or when the app ends.
    with gr.Blocks(title="Draw a digit", analytics_enabled=False, delete_cache=(600, 3600)) as page:
        # Where each stands is for page.css to say: gr.Markdown and gr.Row would load more scripts.
        Heading(elem_id="title")
        Sketchpad(recognize, elem_id="sketchpad")
        Chart(elem_id="chart")
        Examples(elem_id="examples")
        Insight(elem_id="insight")
        About(recognizer.config, elem_id="about")
        gr.api(predict, concurrency_limit=None)
        # gr.Image would open the file itself, and say nothing useful of one that is no picture.
        picture = gr.File(label="Picture", visible=False)
        picture.upload(predict_image, picture, gr.JSON(visible=False), concurrency_limit=None)
    return page


def read_paper(recognizer: Recognizer, paper: Any) -> dict[str, Any]:
    """What the page shows for its paper, as `Sketchpad` describes both. Raises ValueError."""
    if not isinstance(paper, dict) or not {"strokes", "picture"} & paper.keys():
        raise ValueError('expected {"strokes": ...} or {"picture": ...}')
    if "picture" in paper:
        picture = decode_picture(paper["picture"])
        prediction = recognizer.predict_image(picture)
        shrink = functools.partial(shrink_picture, picture)
    else:
        strokes = parse_strokes(paper["strokes"])
        prediction = recognizer.predict_pixels(frame_strokes(strokes))
        shrink = functools.partial(shrink_strokes, strokes, SIDE, PEN_WIDTH)
    answer = {
        "probabilities": prediction.probabilities.tolist(),
        "digit": prediction.digit,
        "runner_up": prediction.runner_up,
        "verdict": prediction.verdict,
        "pixels": prediction.pixels.ravel().tolist(),
    }
    if paper.get("details") is True and prediction.digit is not None:
        shrunk = recognizer.predict_pixels(shrink())
        answer["shrunk"] = {
            "pixels": shrunk.pixels.ravel().tolist(),
            "probabilities": shrunk.probabilities.tolist(),
        }
        contributions, constant = recognizer.explain(prediction)
        rounded = contributions.astype(float).round(4)  # to half the bytes
        answer["why"] = {"contributions": rounded.ravel().tolist(), "constant": constant}
    return answer


def serve(
    page: gr.Blocks, host: str = "127.0.0.1", port: int | None = None, share: bool = False
) -> tuple[Any, str, str | None]:
    """Serve `page` from a thread of its own: the app, its address and its public one, if shared.

    Without a port it takes a free one from 7860 on. Raises OSError when the
    address can't be used.
    """
    return page.launch(
        server_name=host,
        server_port=port,
        share=share,
        max_file_size="20mb",
        quiet=True,
        prevent_thread_lock=True,
        # Soft's subdued grey is too faint to read; its background would be lost in `set`.
        theme=gr.themes.Soft(font="system-ui").set(
            body_text_color_subdued="*neutral_500", background_fill_primary="*neutral_50"
        ),
        css_paths=PAGE_STYLE,
        i18n=I18N,
    )


def by_digit(prediction: Prediction) -> dict[str, float]:
    """A prediction as the HTTP API gives it: {"0": p, ..., "9": p}."""
    return {str(digit): float(p) for digit, p in enumerate(prediction.probabilities)}


def sentence(error: ValueError) -> str:
    """An error's message for a person: with a capital and a full stop."""
    text = str(error)
    return f"{text[:1].upper()}{text[1:]}."


def main() -> None:
    parser = argument_parser()
    args = parser.parse_args()
    torch.set_num_threads(1)  # the network is small: threads would only wait for each other
    try:
        page = build(Recognizer.load(args.weights))
    except (ValueError, OSError) as error:
        parser.exit(2, f"app.py: {error}\n")
    try:
        _, address, public_address = serve(page, args.host, args.port, args.share)
    except OSError:
        parser.exit(
            2,
            f"app.py: can't serve on {args.host}, port {args.port}: the port is busy or the "
            "address is not this machine's. Choose another with --port or --host\n",
        )
    except Exception as error:  # Gradio asks itself for the page, which a proxy can prevent
        parser.exit(2, f"app.py: can't serve: {error}\n")
    print(f"Draw at {address}")
    if args.share:
        print(
            f"Shared at {public_address}"
            if public_address
            else "There is no public link, for the reason above: the page is served here alone."
        )
    page.block_thread()


def argument_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Serve a page on which a digit is drawn and read by a neural network.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--host", default="127.0.0.1", help="0.0.0.0 lets other machines in")
    parser.add_argument("--port", type=port, default=7860, help="1 to 65535")
    parser.add_argument("--share", action="store_true", help="make a public link for a week")
    parser.add_argument(
        "--weights", default=WEIGHTS, help="folder with the network, or hf://USER/NAME on the Hub"
    )
    return parser


def port(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 65535:
        raise argparse.ArgumentTypeError(f"{number} is not a port: expected 1 to 65535")
    return number


if __name__ == "__main__":
    main()
