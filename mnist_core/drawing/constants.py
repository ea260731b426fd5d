"""Constants that the page's JavaScript shares, read from constants.json, which both read."""

import json
from pathlib import Path
from typing import Any

CONSTANTS: dict[str, Any] = json.loads(Path(__file__).with_suffix(".json").read_text("utf-8"))
FRAME, LIMITS, NUMBER = (CONSTANTS[name] for name in ("frame", "limits", "number"))
