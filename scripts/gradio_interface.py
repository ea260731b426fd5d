"""python scripts/gradio_interface.py [--share]: a Gradio interface, sketchpad and bars"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # so that it runs from a clone
import gradio as gr

from serving.digit_pad import DigitPad, Drawn


def predict(drawing: Drawn | None) -> dict[str, float] | None:
    return drawing and drawing["probabilities"]


if __name__ == "__main__":
    sys.argv[1:] in ([], ["--share"]) or sys.exit(f"usage: {__doc__}")
    page = gr.Interface(predict, DigitPad(), gr.Label(), live=True, flagging_mode="never")
    page.launch(share="--share" in sys.argv)
