"""A user's own files: in the clone, ignored by git, or in the folder DRAW_A_DIGIT_HOME."""

import os
from pathlib import Path

HOME_VARIABLE = "DRAW_A_DIGIT_HOME"
CLONE = Path(__file__).resolve().parents[1]


def home() -> Path:
    """The folder of all user files."""
    return Path(os.environ.get(HOME_VARIABLE) or CLONE).expanduser()


def installed() -> Path:
    """The folder of the installed network; the shipped one is used if it is empty."""
    return home() / "installed"


def runs() -> Path:
    """The folder with a folder for each training."""
    return home() / "runs"


def corrections() -> Path:
    """The SQLite file of people's corrections, unless DATABASE_URL names another database."""
    return home() / "data" / "corrections.sqlite"
