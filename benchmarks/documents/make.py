"""Makes the constructed documents: `python benchmarks/documents/make.py` writes the four JSONL files beside it anew, byte for byte.

A document is a template (`templates/`) filled with values (`values/`); the development and the checking half share neither. Addresses join
places of the shipped Japanese index, or invented American and British streets, with invented blocks. Every choice comes from one seed.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

HERE: Final = Path(__file__).parent
sys.path.insert(0, str(HERE))

import fill  # noqa: E402
import values_en  # noqa: E402
import values_ja  # noqa: E402

DOCUMENTS: Final = 750  # of each language and half
HALVES: Final = ("development", "checking")
SEED: Final = 20261124


def documents(language: str, half: str) -> Iterator[dict[str, Any]]:
    """Every document of one file: text, gold spans, how many persons it names, which template it came from."""
    source = values_ja.Source if language == "ja" else values_en.Source
    lists = fill.read_values(HERE / "values" / f"{language}.{half}.toml")
    templates = fill.read_templates(HERE / "templates" / f"{language}.{half}.txt")
    chance = random.Random(f"{SEED} {language} {half}")
    for number in range(DOCUMENTS):
        name, body = templates[number % len(templates)]
        text, spans = fill.fill(body, source(lists, half, chance), chance)
        yield {
            "id": f"{language}-{half}-{number:03}", "lang": language, "template": name, "text": text,
            "persons": len({span["person"] for span in spans if "person" in span}), "spans": spans,
        }  # fmt: skip


def write(folder: Path) -> None:
    for language in ("ja", "en"):
        for half in HALVES:
            lines = (json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in documents(language, half))
            (folder / f"{language}.{half}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write(HERE)
