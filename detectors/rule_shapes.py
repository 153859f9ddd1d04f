"""Which values of a column a rule might find something in: all distinct values asked in one pass, none left out.

A rule reports what matches its pattern if its score suffices, by itself or with a context word. In a cell the word stands in the header,
the same for every row, or beside the value. So the rules that suffice under a header are screened over all values, and a cell with
another rule's word (beside a digit, if that rule finds numbers) is taken without a further look. Both take in more than the rules
find, never less.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from detectors.fold import fold
from detectors.rule import CompiledRule, Rule
from detectors.screen import Screen

if TYPE_CHECKING:
    from detectors.cells import Cells, Mask

_BEHIND: Final = 4  # a sign may take in characters that its rule only looks at


class _Engine(Protocol):
    def threshold(self, entity_type: str) -> float: ...


class RuleShapes:
    """The shipped rules of an engine over a column under one header (None: without)."""

    def __init__(self, engine: _Engine, header: str | None) -> None:
        rules = [item for item in rules_of(engine) if item.trusted and item.entity]
        least = {str(item.entity): engine.threshold(str(item.entity)) for item in rules}
        weak = [item for item in rules if item.score < least[str(item.entity)] <= item.context_score]
        strong = [item for item in rules if item.score >= least[str(item.entity)]]
        spoken_for = [item for item in weak if header and _compiled(item).header_speaks_for((header,))]
        self._lines = _Lines(tuple(sorted(item.pattern for item in (*strong, *spoken_for))), guarded=True)
        self._words = _any_word(_context(item for item in weak if _of_digits(item)))
        self._words_alone = _any_word(_context(item for item in weak if not _of_digits(item)))

    def of(self, cells: Cells) -> Mask:
        """The distinct values that a rule may find something in."""
        mask = self._lines.holding(cells.dashed)
        if cells.plain is not cells.dashed:
            mask |= self._lines.holding(cells.plain)
        if self._words and not cells.is_numeric:
            mask |= cells.matches(self._words) & cells.matches(r"\d")
        if self._words_alone and not cells.is_numeric:
            mask |= cells.matches(self._words_alone)
        return mask


class OwnRules:
    """A user's rules, which report wherever they match, whatever a header says."""

    def __init__(self, engine: object) -> None:
        rules = [item for item in rules_of(engine) if not item.trusted and item.entity]
        self.ids = frozenset(item.id for item in rules)
        self._lines = _Lines(tuple(sorted(item.pattern for item in rules)), guarded=False)

    def of(self, cells: Cells) -> Mask:
        """The distinct values that one of them may find something in."""
        return self._lines.holding(cells.dashed) | self._lines.holding(cells.values) | self._lines.holding(cells.plain)


def rules_of(engine: object) -> Sequence[Rule]:
    return tuple(getattr(engine, "rules", ()))


class _Lines:
    """Values as lines of one text, so that Hyperscan is asked once and not once a value."""

    def __init__(self, patterns: tuple[str, ...], *, guarded: bool) -> None:
        self._screen = _screen(patterns, guarded) if patterns else None

    def holding(self, values: Any) -> Mask:
        """The values that hold a sign. One that ends in the first characters of a line may belong to the line before."""
        import pyarrow as pa
        import pyarrow.compute as pc

        mask = np.zeros(len(values), np.bool_)
        if self._screen is None or not len(values):
            return mask
        if self._screen.always:  # a pattern without a sign
            return ~mask
        borders = np.cumsum(pc.binary_length(values).to_numpy(zero_copy_only=False).astype(np.int64) + 1)
        joined = pc.binary_join(pa.LargeListArray.from_arrays([0, len(values)], values), "\n")
        found = self._screen.ends(joined[0].as_buffer().to_pybytes())
        ends = np.unique(np.array([end for each in found.values() for end in each], np.int64))
        for back in range(_BEHIND + 1):
            mask[np.minimum(np.searchsorted(borders, np.maximum(ends - back, 0), "right"), len(values) - 1)] = True
        return mask


@lru_cache(maxsize=64)
def _screen(patterns: tuple[str, ...], guarded: bool) -> Screen:
    return Screen([(item,) for item in patterns], located=[True] * len(patterns), guarded=[guarded] * len(patterns))


@lru_cache(maxsize=256)
def _compiled(item: Rule) -> CompiledRule:
    return CompiledRule(item)


def _of_digits(item: Rule) -> bool:
    """Whether what a shipped rule finds holds a digit, by its own examples."""
    return all(any(map(str.isdigit, example.value or "")) for example in item.match)


def _context(rules: Iterable[Rule]) -> tuple[str, ...]:
    return tuple(sorted({word for item in rules for word in item.context}))


@lru_cache(maxsize=8)
def _any_word(words: tuple[str, ...]) -> str:
    """An RE2 pattern for any of the words, ASCII ones not inside a longer one."""
    return f"(?i)(?:{'|'.join(map(_word, words))})" if words else ""


def _word(word: str) -> str:
    word = fold(word).lower()
    left = "(?:^|[^a-z])" if word[0].isascii() and word[0].isalpha() else ""
    right = "(?:$|[^a-z])" if word[-1].isascii() and word[-1].isalpha() else ""
    return left + re.escape(word).replace(r"\ ", "[ _-]?") + right
