"""Columns whose header says what every cell of them is (病歴, 信条, disability): the words are those of the rules' own `headers`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, Protocol

from detectors.fold import fold
from detectors.rule import Rule, words_pattern
from scanner.model import Hits, Slot

if TYPE_CHECKING:
    from detectors.cells import Cells

_LONGEST: Final = 40  # a longer header is a sentence that speaks of many things
_SCORE: Final = 0.9
_NONE: Final = (
    r"(?i)^(?:[-‐–—―ー*.×✕✖]+|無し?|なし|ナシ|無い|ない|特に?(?:なし|無し)|特記(?:事項)?(?:なし|無し)|該当(?:なし|無し|せず|しない)|"
    r"異常(?:なし|無し|を認めず)|健康|良好|いいえ|否|不明|未(?:記入|回答|確認|受診|実施)|対象外|非該当|"
    r"no|none|nil|n|n/?a|null|nan|false|0|unknown|not (?:stated|known|given|disclosed)|prefer not to say|nothing|healthy)[。.]?$"
)
"""A cell that says that there is nothing to say, which tells of nobody's history. RE2, on NFKC text."""


class Asked(Protocol):
    """What is asked of the engine."""

    def wants(self, entity_type: str) -> bool: ...


def near_columns(rules: Sequence[Rule], header: Sequence[str], engine: Asked) -> Mapping[int, tuple[Rule, ...]]:
    """Column -> the rules whose header words stand above it."""
    speaking = [(item, pattern) for item in rules if item.headers and (pattern := words_pattern(item.headers)) is not None]
    found: dict[int, tuple[Rule, ...]] = {}
    for column, title in enumerate(header):
        words = fold(title).lower()
        if len(words) <= _LONGEST:
            mine = tuple(item for item, pattern in speaking if pattern.search(words) and engine.wants(str(item.entity)))
            if mine:
                found[column] = mine
    return found


class NearColumn:
    """One such column under one rule: every cell is a hit that does not say "none"."""

    def __init__(self, item: Rule, column: int) -> None:
        self.columns: tuple[int, ...] = (column,)
        self._slot = Slot(self.columns, str(item.entity), item.id, "column")
        self._found = False

    def feed(self, cells: Sequence[Cells]) -> list[Hits]:
        here = cells[self.columns[0]]
        if not here.filled:
            return []
        rows = here.rows(~(here.nothing() | here.matches(_NONE)))
        self._found |= bool(len(rows))
        return [Hits(self._slot, rows, here.surfaces(rows, None), _SCORE)] if len(rows) else []

    def close(self) -> Mapping[Slot, float]:
        return {self._slot: _SCORE} if self._found else {}
