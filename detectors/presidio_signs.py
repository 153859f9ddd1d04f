"""Signs of a foreign `PatternRecognizer`, so that a recognizer written for Presidio is screened like a rule of ours.

Such a recognizer matches text as it stands, with `regex`, Unicode classes and its own flags; a sign is looked for in folded text by
Hyperscan, which knows bytes and ASCII. So each character of a pattern becomes the set of all that fold to what it can match: a class like
``\\w`` takes every character outside ASCII with it, a letter whose case does not count its other forms, a negated class anything. Word
borders and look-arounds are dropped. What a validator or a context word says afterwards only takes matches away.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from re import _constants as sre  # type: ignore[attr-defined]
from typing import Any, Final

import regex
from presidio_analyzer import EntityRecognizer, Pattern, PatternRecognizer

from detectors.fold import DASHES, PLAIN
from detectors.pattern import NotExpressible, Writer, parsed

Range = tuple[int, int]

_FLAGS: Final = {regex.I: re.I, regex.M: re.M, regex.S: re.S, regex.X: re.X, regex.A: 0, regex.U: 0, regex.V0: 0}
"""Of `regex`, and what the standard library calls them. ASCII classes match less than the Unicode ones: these signs are theirs too."""

_BEYOND: Final = (0x80, 0x10FFFF)
_ANY: Final = (0, 0x10FFFF)
_CATEGORIES: Final[dict[Any, tuple[Range, ...]]] = {
    sre.CATEGORY_DIGIT: ((0x30, 0x39), _BEYOND),
    # a long-vowel mark is a letter, and a dash where it is folded
    sre.CATEGORY_WORD: ((0x2D, 0x2D), (0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A), _BEYOND),
    sre.CATEGORY_SPACE: ((0x09, 0x0D), (0x1C, 0x20), _BEYOND),
}
_OTHER_CASES: Final = {"k": "\u212a", "s": "\u017f", "i": "\u0130\u0131"}  # beyond ASCII, of letters within
_LETTERS: Final = ((0x41, 0x5A), (0x61, 0x7A))
_MOST_LOOKED_AT: Final = 0x8000  # characters of a range that are asked for their case; a wider one is taken to have some

_ESCAPED: Final = re.compile(r"\\.", re.DOTALL)
_NESTED: Final = re.compile(r"\[\^?\]?[^\]]*(?:\[|--|&&|\|\||~~)")  # sets in sets, sums of sets, POSIX classes
_SET: Final = re.compile(r"\[\^?\]?[^\]]*\]")
_VERBOSE: Final = re.compile(r"\(\?[A-Za-z]*x")
_FUZZY: Final = re.compile(r"\{(?!\d+(?:,\d*)?\}|,\d+\})")


def signs_of(recognizer: EntityRecognizer) -> tuple[str, ...] | None:
    """One regex on folded text for each pattern, deny lists among them; None where the recognizer is more than its patterns, or one of
    them says what only `regex` understands."""
    if not isinstance(recognizer, PatternRecognizer) or not _by_patterns_alone(recognizer):
        return None
    flags = _flags(recognizer.global_regex_flags)
    if flags is None or regex.DEFAULT_VERSION != regex.V0:
        return None
    try:
        return tuple(sign_source(pattern.regex, flags) for pattern in recognizer.patterns)
    except NotExpressible:
        return None


def _by_patterns_alone(recognizer: PatternRecognizer) -> bool:
    """Does it report matches of its patterns and nothing else? A class may have its own way of analysing, and an object too."""
    names = ("analyze", "_PatternRecognizer__analyze_patterns")
    own = any(getattr(type(recognizer), name, None) is not getattr(PatternRecognizer, name) or name in vars(recognizer) for name in names)
    return not own and all(type(pattern) is Pattern and _as_written(pattern) for pattern in recognizer.patterns)


def _as_written(pattern: Pattern) -> bool:
    return pattern.compiled_regex is None or pattern.compiled_regex.pattern == pattern.regex


def _flags(given: int | None) -> int | None:
    """The standard library's flags for those of `regex`; None if there are others among them."""
    if not given or given & ~int(sum(_FLAGS)):
        return None
    return sum(theirs for ours, theirs in _FLAGS.items() if given & ours)


def sign_source(source: str, flags: int) -> str:
    """A pattern without flags that matches in the folded text wherever `source` matches in the text itself. Raises NotExpressible."""
    bare = _ESCAPED.sub("", source)
    commented = bool(flags & re.X) or _VERBOSE.search(bare) is not None  # where brackets of a comment must not pass for a set
    if _NESTED.search(bare) or _FUZZY.search(bare if commented else _SET.sub("", bare)):
        raise NotExpressible
    return _Unfolding().write(parsed(source, flags))


class _Unfolding(Writer):
    """Writes every character as a class of all that it may stand for."""

    def __init__(self) -> None:
        super().__init__(relaxed=True)
        self._any_case = False

    def write(self, tree: Any, items: Any = None) -> str:
        self._any_case = bool(tree.state.flags & re.I)
        return self.sequence(tree if items is None else items)

    def _subpattern(self, value: Any) -> str:
        group, add, _, items = value
        self._any_case |= bool(add & re.I)  # from here on, also behind the group: that matches more
        body = self.sequence(items)
        self._bodies[group] = body
        return f"(?:{body})"

    def _literal(self, value: int) -> str:
        return self._class([(value, value)])

    def _not_literal(self, value: int) -> str:
        return _written([_ANY])

    def _any(self, value: Any) -> str:
        return _written([_ANY])

    def _in(self, items: Any) -> str:
        if items[0][0] is sre.NEGATE:
            return _written([_ANY])
        named = [each for code, value in items if code is sre.CATEGORY for each in _CATEGORIES.get(value, (_ANY,))]
        return self._class([(value, value) if code is sre.LITERAL else value for code, value in items if code is not sre.CATEGORY], named)

    def _class(self, ranges: list[Range], named: Iterable[Range] = ()) -> str:
        """`named`: ranges that are complete already."""
        folded = _folded(ranges)
        return _written([*(_in_any_case(folded) if self._any_case else folded), *named])


def _in_any_case(ranges: list[Range]) -> list[Range]:
    found = list(ranges)
    for low, high in ranges:
        for code in range(low, min(high, 0x7F) + 1):
            letter = chr(code)
            found += [(ord(other), ord(other)) for other in letter.lower() + letter.upper() + _OTHER_CASES.get(letter.lower(), "")]
        if high > 0x7F and _has_case(max(low, 0x80), high):
            return [*found, *_LETTERS, _BEYOND]  # which letters Unicode takes for one is more than is asked here
    return found


def _has_case(low: int, high: int) -> bool:
    return high - low > _MOST_LOOKED_AT or any(_cased(chr(code)) for code in range(low, high + 1))


def _cased(letter: str) -> bool:
    return not letter == letter.lower() == letter.upper() == letter.casefold()


def _folded(ranges: list[Range]) -> list[Range]:
    """The characters, and what they are once folded."""

    def has(code: int) -> bool:
        return any(low <= code <= high for low, high in ranges)

    plain = [(ord(to), ord(to)) for letter, to in PLAIN.items() if has(ord(letter))]
    return [*ranges, *plain, *([(0x2D, 0x2D)] if any(has(ord(dash)) for dash in DASHES) else [])]


def _merged(ranges: Iterable[Range]) -> Iterator[Range]:
    low = high = None
    for first, last in sorted(ranges):
        if high is not None and low is not None and first <= high + 1:
            high = max(high, last)
        else:
            if low is not None and high is not None:
                yield low, high
            low, high = first, last
    if low is not None and high is not None:
        yield low, high


def _written(ranges: Iterable[Range]) -> str:
    return f"[{''.join(f'{_char(low)}-{_char(high)}' if low < high else _char(low) for low, high in _merged(ranges))}]"


def _char(code: int) -> str:
    return rf"\U{code:08x}"
