"""Where a user's own files are: in the clone, ignored by git, or where DRAW_A_DIGIT_HOME says."""

import os
from pathlib import Path

HOME_VARIABLE = "DRAW_A_DIGIT_HOME"
CLONE = Path(__file__).resolve().parents[1]


def home() -> Path:
    """The folder that holds all of them."""
    return Path(os.environ.get(HOME_VARIABLE) or CLONE).expanduser()


def installed() -> Path:
    """The installed network's folder; without one there, the shipped network is used."""
    return home() / "installed"


def runs() -> Path:
    """The folder in which each training makes a folder of its own."""
    return home() / "runs"


def corrections() -> Path:
    """The SQLite file of people's corrections, where DATABASE_URL names no other database."""
    return home() / "data" / "corrections.sqlite"
