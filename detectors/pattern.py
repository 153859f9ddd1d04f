"""Regular expressions of rules: compiling them so that they cannot hang a scan, and rewriting them for RE2 and Hyperscan.

A pattern is parsed with the standard library's own parser and written out again in the plain syntax both engines share. For Hyperscan it
is *relaxed* on the way (look-around, word borders and group names dropped, repeats opened): the relaxed pattern matches wherever the
pattern does, and perhaps elsewhere, which is what a screen needs.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from re import _constants as sre  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any, Final, Protocol

import regex

WINDOW_SECONDS: Final = 0.5  # a back-tracking pattern may take this long on one window of 2,000 characters
_OPEN_REPEAT: Final = 8  # relaxed: a repeat with a higher upper bound is left open ("Pattern is too large" otherwise)
_CATEGORIES: Final = {
    sre.CATEGORY_DIGIT: "0-9",
    sre.CATEGORY_WORD: "A-Za-z0-9_",
    sre.CATEGORY_SPACE: r"\x09-\x0d\x20",
}
_NEGATED: Final = {
    sre.CATEGORY_NOT_DIGIT: r"\x00-\x2f\x3a-\x{10ffff}",
    sre.CATEGORY_NOT_WORD: r"\x00-\x2f\x3a-\x40\x5b-\x5e\x60\x7b-\x{10ffff}",
    sre.CATEGORY_NOT_SPACE: r"\x00-\x08\x0e-\x1f\x21-\x{10ffff}",
}


class NotExpressible(Exception):
    """The other engine has no words for this pattern."""


class Matcher(Protocol):
    """Finds a pattern in a folded window."""

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        """(start, end) of every value: of the group `value` where the pattern has one. May raise TimeoutError."""


class BacktrackingMatcher:
    """`regex` with ASCII classes (``\\b`` beside kanji works then) and a clock."""

    def __init__(self, source: str) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._compiled = regex.compile(source, regex.ASCII)
        self._group: int | str = "value" if "value" in self._compiled.groupindex else 0

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        for match in self._compiled.finditer(text, timeout=WINDOW_SECONDS):
            if match.start(self._group) >= 0:
                yield match.span(self._group)


class LinearMatcher:
    """google-re2: time linear in the text, whatever the pattern."""

    def __init__(self, plain: str) -> None:
        import re2

        options = re2.Options()
        options.log_errors = False  # its log would print the pattern, and later the text
        self._compiled = re2.compile(plain, options)
        self._group = int(self._compiled.groupindex.get("value", 0))  # its match objects know groups by number only

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        for match in self._compiled.finditer(text):
            if match.start(self._group) >= 0:
                yield match.span(self._group)


def compile_trusted(source: str) -> Matcher:
    """A shipped rule's pattern, which has been reviewed."""
    return BacktrackingMatcher(source)


def compile_foreign(source: str) -> Matcher:
    """A user's pattern: linear where RE2 can express it, else back-tracking under a clock."""
    matcher = BacktrackingMatcher(source)  # says what is wrong with the pattern
    try:
        return LinearMatcher(plain(source))
    except Exception:  # RE2 has its own limits on size and syntax and no exported error class; the clock remains
        return matcher


def plain(source: str) -> str:
    """The same pattern in RE2's syntax, without comments. Raises NotExpressible."""
    return _Writer(relaxed=False).write(_parse(source))


def relaxed(source: str) -> str:
    """A pattern for Hyperscan (UTF-8, without UCP) that matches in every text the given one matches in. Raises NotExpressible."""
    return _Writer(relaxed=True).write(_parse(source))


def _parse(source: str) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _parser.parse(source, re.ASCII)
    except (re.error, RecursionError, OverflowError) as error:
        raise NotExpressible from error


class _Writer:
    def __init__(self, relaxed: bool) -> None:
        self._relaxed = relaxed
        self._bodies: dict[int | None, str] = {}

    def write(self, tree: Any) -> str:
        flags = tree.state.flags
        if flags & (re.LOCALE | re.TEMPLATE if hasattr(re, "TEMPLATE") else re.LOCALE):
            raise NotExpressible
        self._names = {number: name for name, number in tree.state.groupdict.items()}
        return self._in_flags(self._sequence(tree), flags)

    def _in_flags(self, body: str, flags: int) -> str:
        letters = "".join(letter for letter, flag in (("i", re.I), ("m", re.M), ("s", re.S)) if flags & flag)
        return f"(?{letters}:{body})" if letters else body

    def _sequence(self, items: Any) -> str:
        return "".join(self._item(code, value) for code, value in items)

    def _item(self, code: Any, value: Any) -> str:
        name = str(code)
        method = getattr(self, "_" + name.lower(), None)
        if method is None:
            raise NotExpressible(name)
        return str(method(value))

    def _literal(self, value: int) -> str:
        return _char(value)

    def _not_literal(self, value: int) -> str:
        return f"[^{_char(value)}]"

    def _any(self, value: Any) -> str:
        return "."

    def _in(self, items: Any) -> str:
        negate = items[0][0] is sre.NEGATE
        return f"[{'^' if negate else ''}{''.join(self._member(*item) for item in items[negate:])}]"

    def _member(self, code: Any, value: Any) -> str:
        if code is sre.LITERAL:
            return _char(value)
        if code is sre.RANGE:
            return f"{_char(value[0])}-{_char(value[1])}"
        if code is sre.CATEGORY and value in _CATEGORIES:
            return _CATEGORIES[value]
        if code is sre.CATEGORY and value in _NEGATED:
            return _NEGATED[value]
        raise NotExpressible

    def _branch(self, value: Any) -> str:
        return f"(?:{'|'.join(self._sequence(option) for option in value[1])})"

    def _subpattern(self, value: Any) -> str:
        group, add, drop, items = value
        if drop:
            raise NotExpressible
        body = self._in_flags(self._sequence(items), add)
        self._bodies[group] = body
        if self._relaxed or group is None:
            return f"(?:{body})"
        return f"(?P<{self._names[group]}>{body})" if group in self._names else f"({body})"

    def _max_repeat(self, value: Any) -> str:
        low, high, items = value
        body = f"(?:{self._sequence(items)})"
        return body + self._bounds(int(low), None if high is sre.MAXREPEAT else int(high))

    def _bounds(self, low: int, high: int | None) -> str:
        if self._relaxed:
            low = min(low, 64)
            high = None if high is None or (high > _OPEN_REPEAT and high != low) else high
        if (low, high) in ((0, None), (1, None), (0, 1)):
            return {(0, None): "*", (1, None): "+", (0, 1): "?"}[low, high]
        return f"{{{low}}}" if low == high else f"{{{low},{'' if high is None else high}}}"

    def _min_repeat(self, value: Any) -> str:
        return self._max_repeat(value) + ("" if self._relaxed else "?")

    def _possessive_repeat(self, value: Any) -> str:
        return self._only_relaxed(self._max_repeat, value)

    def _atomic_group(self, value: Any) -> str:
        return self._only_relaxed(lambda items: f"(?:{self._sequence(items)})", value)

    def _assert(self, value: Any) -> str:
        return self._only_relaxed(lambda _: "", value)

    def _assert_not(self, value: Any) -> str:
        return self._only_relaxed(lambda _: "", value)

    def _at(self, value: Any) -> str:
        if self._relaxed:
            return ""
        words = {
            sre.AT_BEGINNING: "^",
            sre.AT_BEGINNING_STRING: r"\A",
            sre.AT_END_STRING: r"\z",
            sre.AT_BOUNDARY: r"\b",
            sre.AT_NON_BOUNDARY: r"\B",
        }
        if value not in words:  # "$" also matches before a last line end in Python, not in RE2
            raise NotExpressible
        return words[value]

    def _groupref(self, value: Any) -> str:
        """Relaxed: anything the group could match, where the pattern wants the same again."""
        return self._only_relaxed(lambda group: f"(?:{self._bodies[group]})", value)

    def _only_relaxed(self, write: Any, value: Any) -> str:
        if not self._relaxed:
            raise NotExpressible
        return str(write(value))


def _char(code: int) -> str:
    if 0xD800 <= code < 0xE000:
        raise NotExpressible
    return chr(code) if chr(code).isalnum() and code < 128 else f"\\x{{{code:x}}}"
