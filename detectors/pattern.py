"""Regular expressions of rules: compiling them so that they cannot hang a scan, and rewriting them for RE2 and Hyperscan.

A pattern is parsed with the standard library's own parser and written out again in the plain syntax both engines share. For Hyperscan it
is *relaxed* on the way (look-around, word borders and group names dropped, repeats opened): the relaxed pattern matches wherever the
pattern does, and perhaps elsewhere, which is what a screen needs.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from re import _constants as sre  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any, Final, Protocol

import regex

WINDOW_SECONDS: Final = 0.5  # a back-tracking pattern may take this long on one window of 2,000 characters
_LONGEST: Final = 160  # a pattern is looked for around its sign only if it can match no more than this; less than a window's margin
_BRACED: Final = re.compile(r"\\x\{([0-9A-Fa-f]{1,6})\}")  # a character as Hyperscan and RE2 spell it
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
    """Finds a pattern in a folded window. `narrow`: `spans_ending` gains by its hint."""

    narrow: bool

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        """(start, end) of every value: of the group `value` where the pattern has one. May raise TimeoutError."""

    def spans_ending(self, text: str, ends: Sequence[int]) -> Iterator[tuple[int, int]]:
        """The same, knowing that every match, with what it looks at behind its end, ends within a character of one of `ends`."""


class BacktrackingMatcher:
    """`regex` with ASCII classes (``\\b`` beside kanji works then) and a clock. Compiled at first need: most rules never run."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._reach = reach(source)
        self.narrow = self._reach is not None

    @cached_property
    def _compiled(self) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return regex.compile(self._source, regex.ASCII)

    @cached_property
    def _group(self) -> int | str:
        return "value" if "value" in self._compiled.groupindex else 0

    def check(self) -> None:
        """Raises what `regex` does for a pattern it does not understand."""
        self._compiled  # noqa: B018

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        for match in self._compiled.finditer(text, timeout=WINDOW_SECONDS):
            if match.start(self._group) >= 0:
                yield match.span(self._group)

    def spans_ending(self, text: str, ends: Sequence[int]) -> Iterator[tuple[int, int]]:
        if self._reach is None:
            yield from self.spans(text)
            return
        longest, ahead = self._reach
        for first, last in _clusters(ends, 2 * (longest + ahead) + 4):
            # no match begins earlier, and none that begins before `last` can look further than this
            low, high = max(0, first - longest - ahead - 1), last + longest + ahead + 2
            for match in self._compiled.finditer(text, low, high, timeout=WINDOW_SECONDS):
                if match.start() <= last and match.start(self._group) >= 0:
                    yield match.span(self._group)


@cache
def compiled_form(parts: str, form: str) -> Any:
    """A verbose pattern behind the definitions it calls, when a text first asks for it: all forms of addresses take a second of CPU."""
    return regex.compile(f"{parts}{form}", regex.X)


def _clusters(ends: Sequence[int], gap: int) -> Iterator[tuple[int, int]]:
    """(first, last) of runs of numbers no further than `gap` from one to the next."""
    first = last = ends[0]
    for end in ends:
        if end - last > gap:
            yield first, last
            first = end
        last = end
    yield first, last


class LinearMatcher:
    """google-re2: time linear in the text, whatever the pattern."""

    narrow = False

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

    def spans_ending(self, text: str, ends: Sequence[int]) -> Iterator[tuple[int, int]]:
        del ends  # a linear pass needs no hint
        return self.spans(text)


def compile_trusted(source: str) -> Matcher:
    """A shipped rule's pattern, which has been reviewed."""
    return BacktrackingMatcher(source)


def compile_foreign(source: str) -> Matcher:
    """A user's pattern: linear where RE2 can express it, else back-tracking under a clock."""
    matcher = BacktrackingMatcher(source)
    matcher.check()
    try:
        return LinearMatcher(plain(source))
    except Exception:  # RE2 has its own limits on size and syntax and no exported error class; the clock remains
        return matcher


def plain(source: str) -> str:
    """The same pattern in RE2's syntax, without comments. Raises NotExpressible."""
    return Writer(relaxed=False).write(_parse(source))


@dataclass(frozen=True, slots=True)
class Sign:
    """A pattern for Hyperscan (without UCP) that matches in every text the original matches in, and ends where that ends, or within what
    that looks at behind its end."""

    expression: str
    wide: bool  # needs UTF-8 mode; else it may run on bare bytes, which is faster and comes to the same


def relaxed(source: str) -> str:
    """The loosest sign of a pattern, look-around left out. Raises NotExpressible."""
    return Writer(relaxed=True).write(_parse(source))


def sign(source: str, guarded: bool = True) -> Sign:
    """The sign of a pattern. `guarded`: with the characters that must not stand next to a match, so that it seldom matches in vain; such
    a sign holds only for the very text that the pattern will search, not for a longer one around it. Raises NotExpressible."""
    writer, tree = Writer(relaxed=True), _parse(source)
    if not guarded:
        return Sign(writer.write(tree), writer.wide)
    left, items = _left_guard(tree, writer)
    right, items = _right_guard(items, writer)
    return Sign(left + writer.write(tree, items) + right, writer.wide)


def reach(source: str) -> tuple[int, int] | None:
    """(most characters a match can have, most it looks at behind its end); None where there is no small bound."""
    try:
        tree = _parse(source)
        longest = int(tree.getwidth()[1])
        ahead = max((_width_of(sub) for sub in _looks_ahead(tree)), default=0)
    except (NotExpressible, OverflowError, TypeError):
        return None
    return (longest, ahead + 1) if longest <= _LONGEST and ahead <= _LONGEST else None


def _width_of(sub: Any) -> int:
    return int(sub.getwidth()[1])


def _looks_ahead(items: Any) -> Iterator[Any]:
    for code, value in items:
        if code in (sre.ASSERT, sre.ASSERT_NOT) and value[0] > 0:
            yield value[1]
        for part in _inside(code, value):
            yield from _looks_ahead(part)


def _inside(code: Any, value: Any) -> Sequence[Any]:
    """The sequences that an item of a parsed pattern holds."""
    if code is sre.BRANCH:
        return list(value[1])
    if code in (sre.ASSERT, sre.ASSERT_NOT):
        return [value[1]]
    if code is sre.SUBPATTERN:
        return [value[3]]
    if code in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
        return [value[2]]
    if code is sre.ATOMIC_GROUP:
        return [value]
    return []


def _left_guard(tree: Any, writer: Writer) -> tuple[str, list[Any]]:
    """(what must stand before a match, the rest of the pattern) from the look-behinds it opens with."""
    items = list(tree)
    banned: set[int] = set()
    while items:
        code, value = items[0]
        if code is sre.ASSERT_NOT and value[0] < 0:
            banned |= _single(value[1])
        elif choice := _choice_behind(items[0]):
            # the last word: either some text stands before, or another set of characters does not
            options = [_not_after(banned | _single(sub)) if negative else f"(?:{writer.write(tree, sub)})" for negative, sub in choice]
            return ("" if "" in options else f"(?:{'|'.join(options)})"), items[1:]
        else:
            break
        items.pop(0)
    return _not_after(banned), items


def _right_guard(items: list[Any], writer: Writer) -> tuple[str, list[Any]]:
    banned: set[int] = set()
    if items and items[-1][0] is sre.ASSERT and items[-1][1][0] > 0:  # what must follow is read as part of the match
        return writer.sequence(items[-1][1][1]), items[:-1]
    while items and items[-1][0] is sre.ASSERT_NOT and items[-1][1][0] > 0:
        banned |= _single(items.pop()[1][1])
    return (rf"(?:[^{_ranges(banned)}]|\z)" if banned else ""), items


def _choice_behind(item: Any) -> list[tuple[bool, Any]]:
    """(negative, what) of every option, where an item is a choice of look-behinds; else nothing."""
    code, value = item
    if code is sre.SUBPATTERN and not value[1] and not value[2] and len(value[3]) == 1:
        code, value = value[3][0]
    if code is not sre.BRANCH or not all(len(option) == 1 for option in value[1]):
        return []
    inner = [option[0] for option in value[1]]
    if not all(kind in (sre.ASSERT, sre.ASSERT_NOT) and what[0] < 0 for kind, what in inner):
        return []
    return [(kind is sre.ASSERT_NOT, what[1]) for kind, what in inner]


def _not_after(banned: set[int]) -> str:
    return f"(?:^|[^{_ranges(banned)}])" if banned else ""


def _single(items: Any) -> set[int]:
    """The ASCII characters that a look-around forbids by themselves; what it forbids in longer sequences is left out."""
    options = items[0][1][1] if len(items) == 1 and items[0][0] is sre.BRANCH else [items]
    return {code for option in options if len(option) == 1 for code in _codes(*option[0])}


def _codes(code: Any, value: Any) -> Iterator[int]:
    if code is sre.LITERAL and value < 128:
        yield value
    elif code is sre.IN and value[0][0] is not sre.NEGATE:
        for kind, member in value:
            if kind is sre.LITERAL and member < 128:
                yield member
            elif kind is sre.RANGE:
                yield from range(member[0], min(member[1], 127) + 1)


def _ranges(codes: set[int]) -> str:
    return "".join(f"\\x{code:02x}" for code in sorted(codes))


def _parse(source: str) -> Any:
    return parsed(_BRACED.sub(lambda match: re.escape(chr(int(match[1], 16))), source), re.ASCII)


def parsed(source: str, flags: int) -> Any:
    """A pattern as the standard library's parser sees it. Raises NotExpressible."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _parser.parse(source, flags)
    except (re.error, RecursionError, OverflowError, ValueError) as error:
        raise NotExpressible from error


class Writer:
    """Writes a parsed pattern out again, `relaxed` for a screen."""

    def __init__(self, relaxed: bool) -> None:
        self._relaxed = relaxed
        self._bodies: dict[int | None, str] = {}
        self.wide = False  # wrote something that is more than one byte of UTF-8, or may be

    def write(self, tree: Any, items: Any = None) -> str:
        """The pattern; or, with its flags, those of its items that are given."""
        flags = tree.state.flags
        if flags & (re.LOCALE | re.TEMPLATE if hasattr(re, "TEMPLATE") else re.LOCALE):
            raise NotExpressible
        self._names = {number: name for name, number in tree.state.groupdict.items()}
        return self._in_flags(self.sequence(tree if items is None else items), flags)

    def _in_flags(self, body: str, flags: int) -> str:
        letters = "".join(letter for letter, flag in (("i", re.I), ("m", re.M), ("s", re.S)) if flags & flag)
        return f"(?{letters}:{body})" if letters else body

    def sequence(self, items: Any) -> str:
        return "".join(self._item(code, value) for code, value in items)

    def _item(self, code: Any, value: Any) -> str:
        name = str(code)
        method = getattr(self, "_" + name.lower(), None)
        if method is None:
            raise NotExpressible(name)
        return str(method(value))

    def _literal(self, value: int) -> str:
        self.wide |= value > 127
        return _char(value)

    def _not_literal(self, value: int) -> str:
        self.wide = True
        return f"[^{_char(value)}]"

    def _any(self, value: Any) -> str:
        self.wide = True
        return "."

    def _in(self, items: Any) -> str:
        negate = items[0][0] is sre.NEGATE
        self.wide |= negate
        return f"[{'^' if negate else ''}{''.join(self._member(*item) for item in items[negate:])}]"

    def _member(self, code: Any, value: Any) -> str:
        if code is sre.LITERAL:
            self.wide |= value > 127
            return _char(value)
        if code is sre.RANGE:
            self.wide |= value[1] > 127
            return f"{_char(value[0])}-{_char(value[1])}"
        if code is sre.CATEGORY and value in _CATEGORIES:
            return _CATEGORIES[value]
        if code is sre.CATEGORY and value in _NEGATED:
            self.wide = True
            return _NEGATED[value]
        raise NotExpressible

    def _branch(self, value: Any) -> str:
        return f"(?:{'|'.join(self.sequence(option) for option in value[1])})"

    def _subpattern(self, value: Any) -> str:
        group, add, drop, items = value
        if drop:
            raise NotExpressible
        body = self._in_flags(self.sequence(items), add)
        self._bodies[group] = body
        if self._relaxed or group is None:
            return f"(?:{body})"
        return f"(?P<{self._names[group]}>{body})" if group in self._names else f"({body})"

    def _max_repeat(self, value: Any) -> str:
        low, high, items = value
        body = f"(?:{self.sequence(items)})"
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
        return self._only_relaxed(lambda items: f"(?:{self.sequence(items)})", value)

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
