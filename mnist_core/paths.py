"""Where a user's own files are: the installed network, training runs and the corrections.

They are in the clone, where git ignores them, or in the folder that the environment variable
DRAW_A_DIGIT_HOME names. What the clone or a wheel came with is never written.
"""

import os
from pathlib import Path

HOME_VARIABLE = "DRAW_A_DIGIT_HOME"
CLONE = Path(__file__).resolve().parents[1]


def home() -> Path:
    """The folder that holds all of them."""
    return Path(os.environ.get(HOME_VARIABLE) or CLONE).expanduser()


def installed() -> Path:
    """The folder of the installed network; without one there, the shipped network is used."""
    return home() / "installed"


def runs() -> Path:
    """The folder in which each training makes a folder of its own."""
    return home() / "runs"


def corrections() -> Path:
    """The SQLite file of what people corrected, where DATABASE_URL names no other database."""
    return home() / "data" / "corrections.sqlite"
