"""The model card of a network: the Hugging Face Hub's metadata and a page of Markdown."""

from mnist_core import extras
from mnist_core.drawing.framing import PIXELS
from mnist_core.network import DIGITS
from mnist_core.tables import table

SOURCES = {  # of training data, by how its files' names begin
    "mnist": "MNIST (LeCun, Cortes, Burges, 1998): scanned digits of adults and pupils in the USA",
    "pendigits": "UCI pen digits (Alpaydin, Alimoglu, 1998; CC BY 4.0): 30 adults, one tablet",
    "unipen": "part of UNIPEN train_r01_v07 (Guyon et al., 1994; doi 10.5281/zenodo.1195803; "
    "CC BY 4.0): tablets of the 1990s, mostly right-handed adults of a few countries",
}

LIMITS = """Reads one digit, drawn or in a picture, in MNIST's frame
(`mnist_core/drawing/framing.py`). People whose handwriting differs from the above, children or
people of other countries for example, are read less well than the scores say. Not for cheques,
exams or anything that nobody checks.

A letter that resembles no digit should be called "no digit" or be unsure; where letters were held
out, the scores say how many were called a sure digit. O, I, l, Z, S, b, q and the like are read as
the digits that they resemble."""


def model_card(config: dict) -> str:
    """Return the card of a network with `config`, which `weights.save` has checked."""
    provenance, thresholds = config["provenance"], config["thresholds"]
    seed = provenance["seed"]
    sizes = " -> ".join(map(str, (PIXELS, *config["hidden"], DIGITS)))
    files = [] if seed is None else ["mnist", *provenance.get("files", [])]
    known = [text for name, text in SOURCES.items() if any(f.startswith(name) for f in files)]
    sources = "\n".join(f"- {text}" for text in known)
    trained = "" if seed is None else f" Seed {seed}. Trained {provenance['date']}."
    command = f"Made by `{provenance['command']}`." if "command" in provenance else ""
    tables = ""
    for key in ("recipe", "scores", "versions"):
        rows = [(name.replace("_", " "), value) for name, value in provenance[key].items()]
        tables += f"\n## {key.title()}\n\n{table(('what', 'value'), rows)}"
    return f"""---
{_metadata(provenance["scores"])}
---

# Handwritten digits: a multilayer perceptron

28x28 pixels, flattened: {sizes}, ReLU between layers, log-probabilities out. Weights: CC BY 4.0.

Data: {provenance["data"]}.{trained}
{command}

{sources}

## Use and limits

{LIMITS}

## Verdicts

An answer is called sure when its probability is at least {thresholds["sure"]:.1%} above the
runner-up's; a drawing is called no digit when the sum of the two is less than
{thresholds["digit"]:.1%}. Both thresholds were chosen on held-out data
(`mnist_core/network/calibration.py`).
{tables}"""


def _metadata(scores: dict[str, float]) -> str:
    """Return the Hub's metadata as YAML."""
    extras.check("train")
    from huggingface_hub import EvalResult, ModelCardData

    kind = "image-classification"
    accuracy = scores.get("test_accuracy")
    result = EvalResult(kind, "mnist", "MNIST", "accuracy", accuracy, dataset_split="test")
    data = ModelCardData(
        library_name="pytorch",
        license="cc-by-4.0",
        pipeline_tag=kind,
        datasets=["mnist"],
        metrics=["accuracy"],
        model_name="Handwritten digits",
        eval_results=[] if accuracy is None else [result],
    )
    return data.to_yaml()
