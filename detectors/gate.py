"""Decides which detectors run on a window, and near which of its characters: those that could report anything there.

Three sieves, none of which changes a result. A rule runs where its pattern can match. A rule whose matches do not reach the threshold by
themselves runs only where one of its context words stands in the same text. A block of many windows is passed over at once where it
holds no sign of anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from detectors.fold import fold
from detectors.screen import Screen, in_characters
from scanner.model import Detection

if TYPE_CHECKING:
    from detectors.rule import Rule

_WORD_REACH: Final = 100 + 160 + 60  # characters: a rule's widest reach, its longest match, a long word
_FEW: Final = 2  # rules with a word in the text up to which each is asked by itself
_UNUSUAL: Final = ("\u212a", "\u0130")  # characters whose small letters are ASCII ones (Kelvin sign, dotted I): no byte pattern knows them


Sign = str | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Finder:
    """One rule or recognizer as the engine runs it. `run(text, folded, header, ends)` gives raw detections; `header` is None in running
    text; `ends`: where matches can end, None for anywhere.

    `signs`: regexes on folded text, one of which must match wherever it finds something (a tuple of regexes: all of them must); None: it
    runs always; (): it can report nothing. `cell_signs`: the same for the cells of a table, where a header may say what a value is.
    `words`: context words of which one must stand in the text for it to report anything; () for no such need. In a cell they are not
    asked for.
    `narrow`: every find of it ends where a sign matches, and is at most 160 characters long.
    """

    name: str
    signs: tuple[Sign, ...] | None
    run: Callable[[str, str, tuple[str, ...] | None, Sequence[int] | None], list[Detection]]
    words: tuple[str, ...] = ()
    narrow: bool = False
    cell_signs: tuple[Sign, ...] | None = None


def needed_words(rule: Rule, threshold: float) -> tuple[str, ...]:
    """The context words without one of which a match of the rule stays below the threshold; () where it may do without."""
    if rule.score >= threshold or (rule.contrary and rule.contrary_score >= threshold):
        return ()
    return rule.context if all(_screenable(word) for word in rule.context) else ()


def can_report(rule: Rule, threshold: float) -> bool:
    """Whether any match of the rule reaches the threshold."""
    scores = (rule.score, *((rule.context_score,) if rule.context else ()), *((rule.contrary_score,) if rule.contrary else ()))
    return bool(max(scores) >= threshold)


class Gate:
    """Knows the signs of all finders. The databases that not every text needs are compiled when one does (0.4 s)."""

    def __init__(self, finders: Sequence[Finder]) -> None:
        self._finders = finders
        self._count = len(finders)
        self._narrow = [finder.narrow for finder in finders]
        wordy = [bool(finder.words) and finder.signs is not None for finder in finders]
        self._wordy = frozenset(number for number, has in enumerate(wordy) if has)
        self._extras = _Extras(self._count)
        for number, finder in enumerate(finders):
            parts = [sign for sign in finder.signs or () if not isinstance(sign, str)]
            self._extras.add(number, finder.words if wordy[number] else (), parts)
        # only signs of limited length may be guarded: a block is read with the same database, and must not hide what a window shows (the
        # parts of a sign stand well within a margin of what they are the sign of)
        plain = [() if wordy[number] else _single(finder.signs) for number, finder in enumerate(finders)]
        extras = self._extras.patterns
        located, guarded = (
            [*self._narrow, *(self._extras.is_word(pattern) for (pattern,) in extras)],
            [*self._narrow, *(True for _ in extras)],
        )
        self._strong = Screen([*plain, *extras], located=located, guarded=guarded)
        self.always = frozenset(number for number in self._strong.always if number < self._count)
        self._single_screens: dict[int, Screen] = {}

    @cached_property
    def _weak(self) -> Screen:
        """The rules that need a context word."""
        signs = [_single(finder.signs) if number in self._wordy else () for number, finder in enumerate(self._finders)]
        return Screen(signs, located=self._narrow)

    @cached_property
    def _cells(self) -> Screen:
        """The signs that differ in cells."""
        return Screen([() if finder.cell_signs == finder.signs else _single(finder.cell_signs) for finder in self._finders])

    def idle(self, block: str) -> bool:
        """Whether no window of this run of text can hold anything; never so sure of a text that is not ASCII."""
        if self.always or not block.isascii():
            return False
        data = block.encode()
        found = self._strong.ends(data, stop_below=self._count)
        if any(key < self._count for key in found) or self._extras.complete(found):
            return False
        return not self._near_words(found, data)

    def open(self, folded: str, data: bytes, in_cell: bool = False) -> list[tuple[int, Sequence[int] | None]]:
        """(finder, where its matches can end or None for anywhere) of those that may report something, in order."""
        found = self._strong.ends(data)
        runs = {*self.always, *self._extras.complete(found)}
        if in_cell:
            runs |= self._cells.seen(data)
        speaking = self._wordy if in_cell or _has_unusual(folded) else self._near_words(found, data)
        if speaking:
            runs |= self._weak.always & speaking
            found.update((number, ends) for number, ends in self._weak.ends(data).items() if number in speaking)
        mine = {number: ends for number, ends in found.items() if number < self._count and number not in runs}
        located = in_characters({number: ends for number, ends in mine.items() if self._narrow[number]}, folded, data)
        return [(number, located.get(number)) for number in sorted(runs | mine.keys())]

    def _near_words(self, found: Mapping[int, list[int]], data: bytes) -> set[int]:
        """Of the rules that need a word, those that have one in this text, and a sign of a match within reach of some such word."""
        speaking = self._extras.spoken_for(found)
        if not speaking:
            return speaking
        near: set[int] = set()
        for low, high in _regions(self._extras.word_ends(found), data):
            if len(speaking) > _FEW:
                near |= self._weak.seen(data[low:high])
            else:  # all signs of numbers at once are slow where numbers are what the text is full of
                near.update(number for number in speaking - near if self._alone(number).seen(data[low:high]))
        return speaking & near

    def _alone(self, number: int) -> Screen:
        """The signs of one rule that needs a context word."""
        known = self._single_screens.get(number)
        if known is None:
            known = self._single_screens[number] = Screen([_single(self._finders[number].signs)], kept=False)
        return known


def _regions(ends: Sequence[int], data: bytes) -> Iterator[tuple[int, int]]:
    """Byte ranges, on characters' borders, that hold every value with one of the words that end there within its reach."""
    reach = _WORD_REACH * (1 if data.isascii() else 4)
    low = high = None
    for end in ends:
        if high is None or end - reach > high:
            if low is not None and high is not None:
                yield low, high
            low = _border(data, max(0, end - reach))
        high = _border(data, end + reach)
    if low is not None and high is not None:
        yield low, high


def _border(data: bytes, at: int) -> int:
    """The offset, or the next one at which a character begins."""
    while at < len(data) and data[at] & 0xC0 == 0x80:
        at += 1
    return at


def _single(signs: tuple[Sign, ...] | None) -> tuple[str, ...] | None:
    return None if signs is None else tuple(sign for sign in signs if isinstance(sign, str))


class _Extras:
    """Patterns that make no finder run by themselves: context words, and the parts of signs that must all be there."""

    def __init__(self, first: int) -> None:
        self._first = first
        self._keys: dict[str, int] = {}
        self._words: dict[int, set[int]] = {}  # pattern -> finders whose context word it is
        self._whole: list[tuple[frozenset[int], int]] = []  # (patterns, the finder that runs where all of them match)

    @property
    def patterns(self) -> list[tuple[str, ...]]:
        return [(pattern,) for pattern in self._keys]

    def add(self, finder: int, words: Sequence[str], together: Sequence[tuple[str, ...]]) -> None:
        for word in words:
            self._words.setdefault(self._key(_word_pattern(fold(word).lower())), set()).add(finder)
        self._whole.extend((frozenset(map(self._key, parts)), finder) for parts in together)

    def _key(self, pattern: str) -> int:
        return self._keys.setdefault(pattern, self._first + len(self._keys))

    def is_word(self, pattern: str) -> bool:
        """Whether the pattern is that of a context word: its places matter."""
        return self._keys[pattern] in self._words

    def word_ends(self, found: Mapping[int, list[int]]) -> list[int]:
        """Where context words end, ascending."""
        return sorted({end for key, ends in found.items() if key in self._words for end in ends})

    def spoken_for(self, found: Collection[int]) -> set[int]:
        """The finders of which a context word is there."""
        return {finder for key in found if key in self._words for finder in self._words[key]}

    def complete(self, found: Collection[int]) -> set[int]:
        """The finders of which all parts of a sign are there."""
        return {finder for parts, finder in self._whole if all(part in found for part in parts)}


def _has_unusual(folded: str) -> bool:
    return not folded.isascii() and any(char in folded for char in _UNUSUAL)


def _screenable(word: str) -> bool:
    """Whether a byte pattern that ignores the case of ASCII letters finds this word in any case."""
    return all(char.isascii() or char.lower() == char.upper() for char in fold(word).lower())


def _word_pattern(word: str) -> str:
    """The word in any case, anywhere: where a word begins and ends is for the rule to say, which looks at a few characters only."""
    return "(?i:" + re.escape(word).replace(r"\ ", "[ _-]?") + ")"
