"""Globs over absolute path texts, and an index that finds the globs a path matches without trying them all.

The language, also told in docs/reference/policy.md: `*` any characters of one step, `?` one character, `[abc]` `[a-z]` `[!a]` one of
a set, `{a,b}` alternatives, all within one step; `**` as a whole step stands for any number of steps, at the end for everything below. A
trailing `/` means `/**`. Case counts. Names in composed and decomposed Unicode (NFC, NFD) are equal. A backslash takes the next special
character as it is; `\\\\` and `\\xHH` are a backslash and a byte that is not UTF-8, as the `path` column shows them.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar
from urllib.parse import unquote_to_bytes

from scanner.model import path_text

SPECIAL = frozenset("*?[]{},!\\")
_URI = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://(.*)", re.DOTALL)
_SPECIAL_AHEAD = re.compile(r"[*?\[\]{}]")
_ONE = r"(?:[^/\\]|\\x[0-9A-Fa-f]{2}|\\\\)"  # one character of a name, in the escaped text of the `path` column

ANY_NAME = "\x00"
"""Stands for whatever lies in a folder: no file has this name, so only a glob that covers everything below matches it."""

T = TypeVar("T")


class GlobError(ValueError):
    """The glob means nothing; the message says why."""


def composed(text: str) -> str:
    """The text in NFC, in which equal names compare equal."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


@dataclass(frozen=True, slots=True)
class Glob:
    """A glob made absolute. `literal` is the text before its first special character; `folder` the whole steps of it."""

    source: str
    absolute: str
    literal: str
    folder: str
    regex: re.Pattern[str]
    below: bool  # ends in `**`: covers everything below

    def matches(self, path: str) -> bool:
        """Is this path (absolute, as the `path` column escapes it) covered?"""
        return self.regex.fullmatch(composed(path)) is not None

    def covers_folder(self, folder: str) -> bool:
        """Is everything below this folder covered, whatever its name?"""
        return self.below and self.matches(folder.rstrip("/") + "/" + ANY_NAME)

    def within(self, outer: Glob) -> bool:
        """Can it be shown that whatever this glob covers, `outer` covers too? False where it cannot be shown."""
        if not outer.below:
            return self.absolute == outer.absolute
        return self.absolute.startswith(outer.absolute[:-2]) or outer.covers_folder(self.folder)


def compile_glob(source: str, base: str) -> Glob:
    """The glob `source`, relative to the folder `base` (escaped text), as absolute. Raises `GlobError`."""
    text = _absolute(composed(source), base)
    if text.endswith("/"):
        text += "**"
    steps = text.split("/")
    pattern, literal = _translate(steps)
    return Glob(
        source=source,
        absolute=text,
        literal=literal,
        folder=literal.rpartition("/")[0],
        regex=re.compile(pattern, re.DOTALL),
        below=steps[-1] == "**",
    )


def _absolute(source: str, base: str) -> str:
    if not source:
        raise GlobError("an empty glob")
    uri = _URI.fullmatch(source)
    if uri is not None and uri[1].lower() == "file":
        return _resolved(_local_path(uri[2]))
    if uri is not None:
        return source
    if source.startswith("/"):
        return _resolved(_tidy(source))
    return _tidy(quote(composed(base)).rstrip("/") + "/" + source)


def _local_path(rest: str) -> str:
    """The path of a file URI, percent signs decoded; the host may be empty or localhost."""
    host, slash, path = rest.partition("/")
    if host not in {"", "localhost"} or not slash:
        raise GlobError("a file URI must begin with file:/// (another machine's files are reached through a mount)")
    decoded = re.sub(r"(?:%[0-9A-Fa-f]{2})+", lambda found: quote(path_text(unquote_to_bytes(found[0]))), path)
    return _tidy("/" + decoded)


def quote(text: str) -> str:
    """Escaped path text as a glob that matches exactly it."""
    shown = re.sub(r"[*?\[\]{},!]", r"\\\g<0>", text)
    return composed(shown)


def _tidy(text: str) -> str:
    """Takes `.`, `..` and doubled slashes out of the part before the first special character."""
    steps: list[str] = []
    literal = True
    for step in text.split("/")[1:]:
        if step == ".." and not literal:
            raise GlobError("`..` after a wildcard")
        if step == "..":
            steps = steps[:-1]
        elif step not in {"", "."}:
            literal = literal and not _has_wildcard(step)
            steps.append(step)
    tail = "/" if text.endswith("/") else ""
    return "/" + "/".join(steps) + tail


def _has_wildcard(step: str) -> bool:
    return _SPECIAL_AHEAD.search(re.sub(r"\\.", "", step, flags=re.DOTALL)) is not None


def _resolved(text: str) -> str:
    """Links in the folder part of an absolute glob resolved, as roots are, so that the two meet."""
    steps = text.split("/")
    plain = 0
    while plain < len(steps) - 1 and "\\" not in steps[plain] and not _has_wildcard(steps[plain]):
        plain += 1
    folder = "/".join(steps[:plain])
    if not folder:
        return text
    real = quote(composed(path_text(os.fsencode(os.path.realpath(folder)))))
    return "/".join([real.rstrip("/"), *steps[plain:]])


# --------------------------------------------------------------------------- translation


def _translate(steps: list[str]) -> tuple[str, str]:
    """The regular expression of the steps, and the literal text before the first special character."""
    parts: list[str] = []
    literal: list[str] = []
    open_end = True  # the literal text still grows
    last = len(steps) - 1
    for number, step in enumerate(steps):
        if step == "**":
            parts.append(".+" if number == last else "(?:[^/]+/)*")
            open_end = False
            continue
        if "**" in step.replace("\\*", ""):
            raise GlobError("`**` must be a whole step, as in crm/**")
        tokens = list(_tokens(step))
        parts.append(_step_pattern(tokens) + ("/" if number < last else ""))
        if open_end:
            head = _literal_head(tokens)
            literal.append(head.text + ("/" if head.whole and number < last else ""))
            open_end = head.whole
    return "".join(parts), "".join(literal)


@dataclass(frozen=True, slots=True)
class _Token:
    """A piece of one step: kind `literal`, `star` or `pattern` (a regular expression that never matches a slash)."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class _Head:
    text: str
    whole: bool


def _literal_head(tokens: list[_Token]) -> _Head:
    head: list[str] = []
    for token in tokens:
        if token.kind != "literal":
            return _Head("".join(head), False)
        head.append(token.text)
    return _Head("".join(head), True)


def _step_pattern(tokens: list[_Token]) -> str:
    """Between two stars the shortest match is as good as any, so those are atomic: no glob can make matching slow."""
    pieces: list[list[_Token]] = [[]]
    for token in tokens:
        if token.kind == "star":
            pieces.append([])
        else:
            pieces[-1].append(token)
    bodies = ["".join(re.escape(token.text) if token.kind == "literal" else token.text for token in piece) for piece in pieces]
    middle = [f"(?>[^/]*?{body})" if _fixed(piece) else f"[^/]*{body}" for piece, body in zip(pieces[1:-1], bodies[1:-1], strict=True)]
    tail = ["[^/]*" + bodies[-1]] if len(bodies) > 1 else []
    return "".join([bodies[0], *middle, *tail])


def _fixed(piece: list[_Token]) -> bool:
    return not any(token.kind == "pattern" and token.text.startswith("(?:") and token.text != _ONE for token in piece)


def _tokens(step: str) -> Iterator[_Token]:
    index = 0
    while index < len(step):
        char = step[index]
        if char == "\\":
            text, index = _escaped(step, index)
            yield _Token("literal", text)
        elif char == "*":
            index += 1
            yield _Token("star", "")
        elif char == "?":
            index += 1
            yield _Token("pattern", _ONE)
        elif char == "[":
            text, index = _char_class(step, index)
            yield _Token("pattern", text)
        elif char == "{":
            text, index = _alternatives(step, index)
            yield _Token("pattern", text)
        elif char in "]}":
            raise GlobError(f"`{char}` without its opening bracket")
        else:
            index += 1
            yield _Token("literal", char)


def _escaped(step: str, index: int) -> tuple[str, int]:
    """The literal behind a backslash, and where to go on: path text keeps ``\\\\`` and ``\\xHH`` as they are."""
    following = step[index + 1 : index + 2]
    if re.match(r"\\x[0-9A-Fa-f]{2}", step[index:]):
        return step[index : index + 2] + step[index + 2 : index + 4].lower(), index + 4
    if following == "\\":
        return "\\\\", index + 2
    if following in SPECIAL and following:
        return following, index + 2
    raise GlobError("a backslash that takes nothing as it is (steps are separated by /; a backslash in a name is \\\\)")


def _char_class(step: str, index: int) -> tuple[str, int]:
    end = index + 1
    if step[end : end + 1] in {"!", "^"}:
        end += 1
    end = step.find("]", end + 1)
    if end < 0:
        raise GlobError("`[` without `]`")
    body = step[index + 1 : end]
    negated = body[0] in "!^"
    members = re.sub(r"[\\\[\]&~|^]", r"\\\g<0>", body[negated:])
    pattern = f"[^/{members}]" if negated else f"(?!/)[{members}]"
    try:
        re.compile(pattern)
    except re.error:
        raise GlobError("a set of characters in [...] that cannot be (is a range turned round?)") from None
    return pattern, end + 1


def _alternatives(step: str, index: int) -> tuple[str, int]:
    depth, start, branches = 0, index + 1, []
    position = index
    while position < len(step):
        char = step[position]
        if char == "\\":
            position += 1
        elif char == "{":
            depth += 1
        elif char == "}" or (char == "," and depth == 1):
            depth -= char == "}"
            if depth == 0 or char == ",":
                branches.append(step[start:position])
                start = position + 1
            if depth == 0:
                inner = "|".join(_step_pattern(list(_tokens(branch))) for branch in branches)
                return f"(?:{inner})", position + 1
        position += 1
    raise GlobError("`{` without `}` in the same step")


# --------------------------------------------------------------------------- index


class GlobIndex(Generic[T]):
    """Owners of globs, found by path: only globs whose literal folder is an ancestor of the path are tried.

    Order of the matches: the longest literal prefix first, then as listed.
    """

    def __init__(self, entries: Iterable[tuple[Glob, T]]) -> None:
        buckets: dict[str, list[tuple[int, int, Glob, T]]] = {}
        for order, (glob, owner) in enumerate(entries):
            buckets.setdefault(glob.folder, []).append((-len(glob.literal), order, glob, owner))
        self._buckets = {
            folder: [(glob, owner) for _, _, glob, owner in sorted(found, key=lambda item: item[:2])] for folder, found in buckets.items()
        }

    def matches(self, path: str) -> Iterator[tuple[Glob, T]]:
        """Every glob that covers the path, best first."""
        text = composed(path)
        return ((glob, owner) for glob, owner in self._near(text) if glob.regex.fullmatch(text))

    def folder_matches(self, folder: str) -> Iterator[tuple[Glob, T]]:
        """Every glob that covers all that lies below this folder, best first."""
        text = composed(folder).rstrip("/") + "/" + ANY_NAME
        return ((glob, owner) for glob, owner in self._near(text) if glob.below and glob.regex.fullmatch(text))

    def _near(self, path: str) -> Iterator[tuple[Glob, T]]:
        """The globs whose literal folder is an ancestor of the path, deepest folder first."""
        end = path.rfind("/") if self._buckets else -1
        while end >= 0:
            yield from self._buckets.get(path[:end], ())
            end = path.rfind("/", 0, end)
