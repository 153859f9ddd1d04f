"""Builds detectors/data/spellings_ja.txt.gz: the kanji of names by their reading, from the installed sudachidict-core (Apache-2.0).

    python -m detectors.build.spellings_ja

Asked for a person by kana or in Latin letters, a search needs the kanji that can be read so; the dictionary itself answers only the
other way round.
"""

from __future__ import annotations

import gzip
import re
from importlib.metadata import version
from pathlib import Path

KATAKANA = re.compile("[ァ-ヴー]{1,12}")
KANJI = re.compile("[一-鿿々ヶノ〆ぁ-ん]{0,5}[一-鿿々][一-鿿々ヶノぁ-ん]{0,4}")


def spellings() -> dict[str, dict[str, set[str]]]:
    """`surname` and `given`: katakana reading -> spellings with kanji."""
    from sudachipy import Dictionary

    found: dict[str, dict[str, set[str]]] = {"surname": {}, "given": {}}
    for entry in Dictionary().entries():
        kind = entry.part_of_speech()
        if kind[2] == "人名" and kind[3] in ("姓", "名"):
            reading, written = entry.reading_form(), entry.surface()
            if KATAKANA.fullmatch(reading) and KANJI.fullmatch(written):
                found["surname" if kind[3] == "姓" else "given"].setdefault(reading, set()).add(written)
    return found


def build(target: Path) -> None:
    head = (
        f"# Readings and spellings of names in sudachidict-core {version('sudachidict-core')} (Works Applications, Apache-2.0).\n"
        "# Built by detectors/build/spellings_ja.py.\n"
    )
    text = head
    for section, lines in spellings().items():
        text += f"[{section}]\n" + "".join(f"{reading}\t{' '.join(sorted(lines[reading]))}\n" for reading in sorted(lines))
    target.write_bytes(gzip.compress(text.encode(), 9, mtime=0))


if __name__ == "__main__":
    build(Path(__file__).parent.parent / "data" / "spellings_ja.txt.gz")
