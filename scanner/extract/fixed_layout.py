"""Where the columns of a fixed-width text lie, seen from blank columns, a ruler, or places where every line changes its kind."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from scanner.extract import charset
from scanner.extract.dialect import is_header

_SAMPLE_LINES = 400
_MIN_LINES = 4
_RULER = re.compile(r"^[ |+]*[-=]{2,}(?:[ |+]+[-=]{2,})+[ |+]*$")


@dataclass(frozen=True, slots=True)
class Layout:
    """`starts`: where each column begins, in bytes of `encoding`, or in characters if `by_character` (an UTF-8 file padded
    by characters). `preamble`: lines before the table; `header`: the names, None if the first line is data;
    `skip`: lines between the first of the table and its data (the header and a ruler)."""

    starts: tuple[int, ...]
    by_character: bool
    preamble: int
    header: tuple[str, ...] | None
    skip: int


def cells(line: bytes | str, starts: Sequence[int]) -> list[bytes | str]:
    """A line cut at the column starts; a column past the line's end is empty."""
    ends = [*starts[1:], len(line)]
    return [line[start:end] for start, end in zip(starts, ends, strict=True)]


def detect(head: bytes, encoding: str, whole: bool, named: bool = False) -> Layout | None:
    """The layout of a text that begins with `head`, None if it is no fixed-width table. `named`: its name says that it is."""
    codec = charset.codec_of(encoding)
    if codec == "iso-2022-jp" or codec.startswith(("utf-16", "utf-32")) or b"\t" in head[:4096]:
        return None
    raw = head.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    if not whole or not raw[-1]:
        raw.pop()
    lines = [line.rstrip(b"\r") for line in raw[:_SAMPLE_LINES]]
    while lines and not lines[-1].strip():
        lines.pop()
    if len(lines) < (2 if named else _MIN_LINES):
        return None
    for by_character in (False, True) if codec == "utf-8" and not head.isascii() else (False,):
        found = _detect(lines, codec, by_character, named)
        if found is not None:
            return found
    return None


def _kinds(line: bytes, codec: str, by_character: bool) -> str:
    """One mark for each byte (or character): ``_`` blank, ``9`` digit, ``a`` other ASCII, ``x`` the rest."""
    text = line.decode(codec, "replace")
    marks = []
    for char in text:
        mark = "_" if char in " \u3000" else "9" if char.isdigit() else "a" if char.isascii() else "x"
        width = 1 if by_character or char.isascii() else max(1, len(char.encode(codec, "ignore")))
        marks.append(mark * width)
    return "".join(marks)


def _detect(lines: Sequence[bytes], codec: str, by_character: bool, named: bool) -> Layout | None:
    ruler = next((at for at, line in enumerate(lines[:30]) if at and _RULER.match(line.decode(codec, "replace"))), None)
    if ruler is not None:
        text = lines[ruler].decode("ascii", "replace")
        starts = tuple(match.start() for match in re.finditer(r"[-=]+", text))
        return _with_header(lines, codec, by_character, starts, first=ruler - 1, data=ruler + 1)
    body = [line for line in lines if line.strip()]
    marks = [_kinds(line, codec, by_character) for line in body]
    lengths = [len(mark) for mark in marks]
    usual = max(set(lengths), key=lengths.count)
    same = lengths.count(usual) * 10 >= 9 * len(lengths) and usual >= 10
    starts = _boundaries(marks if not same else [mark for mark in marks if len(mark) == usual], same, named)
    if len(starts) < (2 if same or named else 3):
        return None
    return _with_header(lines, codec, by_character, starts, first=0, data=1)


def _boundaries(marks: Sequence[str], same: bool, named: bool) -> tuple[int, ...]:
    """Column starts. Lines of one length tell by mostly blank columns and changes of kind; others by wholly blank gaps."""
    data = marks[1:] if len(marks) > 2 else marks  # the first line may be a header of another make
    width = max(map(len, data))
    padded = [mark.ljust(width, "_") for mark in data]
    columns = ["".join(column) for column in zip(*padded, strict=True)]
    blank = [column.count("_") for column in columns]
    count = len(padded)
    starts = [0]
    for at in range(1, width):
        filled_here = count - blank[at]
        gap = blank[at - 1] == count and (same or named or (at > 1 and blank[at - 2] == count))
        ragged = same and blank[at - 1] * 10 >= 6 * count and filled_here * 100 >= 95 * count
        turn = same and _turns(columns[at - 1], columns[at])
        if filled_here * 10 >= 3 * count and (gap or ragged or turn):
            starts.append(at)
    return tuple(starts)


def _turns(left: str, right: str) -> bool:
    """Every line goes from a digit to something that is neither digit nor blank nor punctuation."""
    return set(left) == {"9"} and set(right) == {"x"}


def _with_header(
    lines: Sequence[bytes], codec: str, by_character: bool, starts: tuple[int, ...], *, first: int, data: int
) -> Layout | None:
    def cut(line: bytes) -> list[str]:
        if by_character:
            return [str(cell).strip() for cell in cells(line.decode(codec, "replace"), starts)]
        return [cell.decode(codec, "replace").strip() for cell in cells(line, starts) if isinstance(cell, bytes)]

    below = [cut(line) for line in lines[data : data + 100] if line.strip()]
    names = cut(lines[first])
    if data - first > 1 or is_header(names, below):
        return Layout(starts, by_character, first, tuple(names), data - first)
    return Layout(starts, by_character, first, None, 0)
