"""The extras of pyproject.toml, and a sentence where one is missing. Imports nothing of them.

Recognising strokes needs no extra.
"""

import sys
from importlib.util import find_spec

from mnist_core.errors import UserError

TRAIN = ("torchvision", "matplotlib", "tqdm", "sqlalchemy", "huggingface_hub")
PAGE = (
    *("gradio", "starlette", "anyio", "orjson", "prometheus_client", "segno", "markdown_it"),
    *("latex2mathml", "itsdangerous", "mcp"),
)
PACKAGES = {"pictures": ("cv2",), "train": TRAIN, "page": (*PAGE, *TRAIN)}  # as Python imports them


def check(extra: str) -> None:
    """Raise UserError that says how to install an extra unless all of its packages are there."""
    for package in PACKAGES[extra]:
        if find_spec(package) is None:
            raise UserError(
                f"{package} is missing, a package of the extra [{extra}]. Install them: "
                f'pip install "draw-a-digit[{extra}]", or in a clone: sh install.sh'
            )


def exit_without(extra: str) -> None:
    """End a script, before its slow imports, with the sentence of `check` and exit code 2."""
    try:
        check(extra)
    except UserError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
