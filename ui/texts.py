"""The page's texts, by language code: one file of texts/ for each language."""

import json
from pathlib import Path

FOLDER = Path(__file__).parent / "texts"
LANGUAGES = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in sorted(FOLDER.glob("*.json"))
}
ENGLISH, CHINESE = LANGUAGES["en"], LANGUAGES["zh"]
