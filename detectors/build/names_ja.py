"""Builds detectors/data/names_ja.txt.gz: the readings of surnames and given names in the installed sudachidict-core (Apache-2.0).

    python -m detectors.build.names_ja

The dictionary can be asked for a spelling but not for a reading, which kana and romaji names need.
"""

from __future__ import annotations

import gzip
import re
from importlib.metadata import version
from pathlib import Path

KATAKANA = re.compile("[ァ-ヴー]{1,12}")


def readings() -> tuple[list[str], list[str]]:
    """Katakana readings of all surnames and of all given names."""
    from sudachipy import Dictionary

    surnames: set[str] = set()
    given: set[str] = set()
    for entry in Dictionary().entries():
        kind = entry.part_of_speech()
        reading = entry.reading_form()
        if kind[2] == "人名" and kind[3] in ("姓", "名") and KATAKANA.fullmatch(reading):
            (surnames if kind[3] == "姓" else given).add(reading)
    return sorted(surnames), sorted(given)


def build(target: Path) -> None:
    surnames, given = readings()
    head = (
        f"# Readings of surnames and given names in sudachidict-core {version('sudachidict-core')} (Works Applications, Apache-2.0).\n"
        "# Built by detectors/build/names_ja.py.\n"
    )
    text = head + "[surname]\n" + "\n".join(surnames) + "\n[given]\n" + "\n".join(given) + "\n"
    target.write_bytes(gzip.compress(text.encode(), 9, mtime=0))


if __name__ == "__main__":
    build(Path(__file__).parent.parent / "data" / "names_ja.txt.gz")
