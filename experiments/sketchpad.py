"""What Gradio's own components give, gr.Sketchpad and gr.Label, to measure the page beside it."""

import gradio as gr

from mnist_core import Recognizer


def sketchpad(recognizer: Recognizer) -> gr.Blocks:
    """The page, whose label has the id "bars"."""

    def predict(drawing: dict) -> dict[str, float]:
        if drawing["composite"] is None:
            return {}
        probabilities = recognizer.predict_image(drawing["composite"]).probabilities
        return {str(digit): float(p) for digit, p in enumerate(probabilities)}

    with gr.Blocks(analytics_enabled=False) as blocks:
        pad = gr.Sketchpad(canvas_size=(400, 400), fixed_canvas=True, width=440, height=500)
        label = gr.Label(num_top_classes=10, elem_id="bars")
        pad.change(predict, pad, label, show_progress="hidden")
    return blocks
