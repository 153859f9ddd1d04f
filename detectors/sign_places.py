"""Where in a text the signs of slow patterns stand: such a pattern is searched there and nowhere else, with the same matches.

A pattern of many words in any case costs a look at every character, many times what Hyperscan needs to say where one of them ends. Loose
copies of the patterns are asked first; each names the most characters between the start of a true match and the end of its copy.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from detectors.fold import encodable
from detectors.screen import Screen, in_characters

Range = tuple[int, int]
ODD: Final = re.compile("[ıİſ\u212a]")  # letters that are an ASCII letter in any case to `regex`, and none to Hyperscan
_BEYOND: Final = "[\u0080-\U0010ffff]"


class Copy(NamedTuple):
    """A regular expression that matches wherever the pattern does, at most `before` characters behind where the true match starts."""

    expression: str
    before: int


def loose(pattern: str) -> str:
    """The pattern with any character beyond ASCII for each that it names: what counts as the same letter there is not for a copy to say."""
    return re.sub(r"[^\x00-\x7f]", lambda _: _BEYOND, pattern)


class Places:
    """Finds ranges of characters in which matches of patterns can start."""

    def __init__(self, copies: Mapping[str, Sequence[Copy]]) -> None:
        self._names = list(copies)
        flat = [(name, copy) for name, group in copies.items() for copy in group]
        self._owners = [(name, copy.before) for name, copy in flat]
        self._screen = Screen([(copy.expression,) for _, copy in flat], located=[True] * len(flat))

    def near(self, folded: str) -> dict[str, list[Range]]:
        """Pattern -> ranges [low, high) that its matches start in, ascending and apart."""
        if not folded.isascii() and ODD.search(folded):
            return {name: [(0, len(folded))] for name in self._names}
        clean, data = encodable(folded)
        found: dict[str, list[Range]] = {name: [] for name in self._names}
        for number, ends in in_characters(self._screen.ends(data), clean, data).items():
            name, before = self._owners[number]
            found[name] += [(max(0, end - before), end) for end in ends]
        return {name: ranges if len(ranges) < 2 else list(_joined(ranges)) for name, ranges in found.items()}


def found_in(pattern: Any, folded: str, ranges: Iterable[Range], ahead: int) -> Iterator[Any]:
    """Matches of a pattern that start in these ranges, as `finditer` gives them. `ahead`: characters behind the start that a match and what
    it looks at behind itself can reach."""
    done = 0
    for low, high in ranges:
        for match in pattern.finditer(folded, max(low, done), high + ahead):
            if match.start() >= high:
                break
            done = match.end()
            yield match


def _joined(ranges: list[Range]) -> Iterator[Range]:
    ranges.sort()
    low, high = ranges[0]
    for start, end in ranges:
        if start > high:
            yield low, high
            low, high = start, end
        high = max(high, end)
    yield low, high
