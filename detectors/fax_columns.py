"""Tells fax from phone in tables that stand in running text: what the header of its column calls fax is one.

A label speaks for what follows it in its line, which a rule can see; a header speaks for the lines below it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from detectors.header import meaning
from detectors.text_tables import tables
from scanner.model import Detection

_NAMED: Final = re.compile("fax|facsimile|ファックス|ファクス|ファクシミリ", re.IGNORECASE)
_ENTITY: Final = "FAX_NUMBER"


def told_apart(text: str, found: list[Detection]) -> list[Detection]:
    """`found` with the phones of a text's fax columns as FAX_NUMBER. `text`: a window, normalised."""
    if not any(item.entity_type == "PHONE_NUMBER" for item in found) or not _NAMED.search(text):
        return found
    cells = _cells(text)
    return [_fax(item) if item.entity_type == "PHONE_NUMBER" and _within(item, cells) else item for item in found] if cells else found


def _cells(text: str) -> list[tuple[int, int]]:
    """Characters [start, end) of the cells under a header that means fax."""
    return [
        cell
        for table in tables(text)
        for column in table.columns
        if column.header and _NAMED.search(column.header) and meaning(column.header).entity_type == _ENTITY
        for cell in column.cells
    ]


def _within(item: Detection, cells: Sequence[tuple[int, int]]) -> bool:
    return any(start <= item.start and item.end <= end for start, end in cells)


def _fax(item: Detection) -> Detection:
    return Detection(_ENTITY, item.start, item.end, item.score, "column.fax", item.detector)
