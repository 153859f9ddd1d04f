"""Decides which detectors run on a window, and near which of its characters: those that could report anything there.

Three sieves, none of which changes a result. A rule runs where its pattern can match. A rule whose matches do not reach the threshold by
themselves runs only where one of its context words stands in the same text. A block of many windows is passed over at once where it
holds no sign of anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from detectors.fold import fold
from detectors.screen import Screen
from scanner.model import Detection

if TYPE_CHECKING:
    from detectors.rule import Rule

_UNUSUAL: Final = ("\u212a", "\u0130")  # characters whose small letters are ASCII ones (Kelvin sign, dotted I): no byte pattern knows them


@dataclass(frozen=True, slots=True)
class Finder:
    """One rule or recognizer as the engine runs it. `run(text, folded, header, ends)` gives raw detections; `header` is None in running
    text; `ends`: where matches can end, None for anywhere.

    `signs`: regexes on folded text, one of which must match wherever it finds something; None: it runs always; (): it can report nothing.
    `words`: context words of which one must stand in the text (or the header) for it to report anything; () for no such need.
    `narrow`: it finds nothing far from where its signs match.
    """

    name: str
    signs: tuple[str, ...] | None
    run: Callable[[str, str, tuple[str, ...] | None, Sequence[int] | None], list[Detection]]
    words: tuple[str, ...] = ()
    narrow: bool = False


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
    """Knows the signs of all finders."""

    def __init__(self, finders: Sequence[Finder]) -> None:
        signs = [finder.signs for finder in finders]
        narrow = [finder.narrow for finder in finders]
        wordy = [bool(finder.words) and finder.signs is not None for finder in finders]
        owners: dict[str, set[int]] = {}
        for number, finder in enumerate(finders):
            for word in finder.words if wordy[number] else ():
                owners.setdefault(fold(word).lower(), set()).add(number)
        words = [(_word_pattern(word),) for word in owners]
        self._count = len(finders)
        self._numbers = [frozenset(numbers) for numbers in owners.values()]
        plain = [() if wordy[number] else group for number, group in enumerate(signs)]
        self._strong = Screen([*plain, *words], located=[*narrow, *(False for _ in words)])
        self._weak = Screen([group if wordy[number] else () for number, group in enumerate(signs)], located=narrow)
        self._block = Screen([*plain, *words], guarded=[*narrow, *(False for _ in words)])
        self.always = self._strong.always | self._weak.always
        self._everything = frozenset(number for number, need in enumerate(wordy) if need)

    def idle(self, block: str) -> bool:
        """Whether no window of this run of text can hold anything; never so sure of a text that is not ASCII."""
        return block.isascii() and not self._block.any(block.encode())

    def open(self, folded: str, data: bytes, in_cell: bool) -> list[tuple[int, list[int] | None]]:
        """(finder, where its matches can end) of those that may report something, in order. `in_cell`: a header may hold context words."""
        found = self._strong.ends(data)
        speaking = self._everything if in_cell or _has_unusual(folded) else self._spoken_for(found)
        if speaking:
            found.update((number, ends) for number, ends in self._weak.ends(data).items() if number in speaking)
        runs = dict.fromkeys(self.always)
        located = {number: ends for number, ends in found.items() if number < self._count}
        return sorted({**runs, **_in_characters(located, folded, data)}.items())

    def _spoken_for(self, found: dict[int, list[int]]) -> set[int]:
        return {number for key in found if key >= self._count for number in self._numbers[key - self._count]}


def _in_characters(found: dict[int, list[int]], folded: str, data: bytes) -> dict[int, list[int] | None]:
    """Byte offsets as character offsets, each once, ascending."""
    unique = {number: sorted(set(ends)) for number, ends in found.items()}
    if len(folded) == len(data):
        return {**unique}
    places: dict[int, int] = {}
    done = characters = 0
    for end in sorted({end for ends in unique.values() for end in ends}):
        # a sign may end within a character; what is left of it counts with the next piece
        piece = data[done:end].decode("utf-8", "ignore")
        characters += len(piece)
        done += len(piece.encode())
        places[end] = characters
    return {number: [places[end] for end in ends] for number, ends in unique.items()}


def _has_unusual(folded: str) -> bool:
    return not folded.isascii() and any(char in folded for char in _UNUSUAL)


def _screenable(word: str) -> bool:
    """Whether a byte pattern that ignores the case of ASCII letters finds this word in any case."""
    return all(char.isascii() or char.lower() == char.upper() for char in fold(word).lower())


def _word_pattern(word: str) -> str:
    """The word in any case, anywhere: where a word begins and ends is for the rule to say, which looks at a few characters only."""
    return "(?i:" + re.escape(word).replace(r"\ ", "[ _-]?") + ")"
