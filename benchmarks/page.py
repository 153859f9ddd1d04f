"""Figures on a page of the documentation: what stands between two markers is the script's, the rest is written by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Final

END: Final = "<!-- to here -->"


def write(page: Path, script: str, body: str) -> None:
    """Replace what `script` wrote before. ValueError if the page has no place for it."""
    begin = f"<!-- figures: benchmarks/{script} writes from here -->"
    before, found, rest = page.read_text(encoding="utf-8").partition(begin)
    if not found:
        raise ValueError(f"{page} has no line {begin}")
    page.write_text(f"{before}{begin}\n\n{body}\n\n{END}{rest.partition(END)[2]}", encoding="utf-8")
