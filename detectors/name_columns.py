"""Judges the columns of tables that stand in running text: which hold surnames, given names, whole names or readings of them.

The same judgement as `columns.py` makes of a real table, on the few rows of a window: the header and the values together, and each
column by its neighbours, since a column of surnames is a column of places until one of given names stands beside it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple, Protocol

from detectors.claims import Claim
from detectors.header import UNKNOWN, HeaderMeaning, meaning
from detectors.text_tables import BLANKS, Column, TextTable

AGREED: Final = 0.88  # scores: header and values agree,
SHOWN: Final = 0.8  # values alone,
SHAPED: Final = 0.81  # for those of such a column that are only written like names, against half a name,
PARTS: Final = 0.75  # a column of surnames beside one of given names,
ALONE: Final = 0.65  # a column of surnames in rows with a phone, an e-mail address or a time
_SURNAME_HEADERS: Final = frozenset({"氏", "姓", "苗字", "名字"})
LONG: Final = 40  # characters of the longest cell that is looked at
_STRONG: Final = 0.8
_NUMBER: Final = re.compile("[0-9０-９@]")  # in no cell of names
_EVIDENCE: Final = re.compile(  # of a row about a person: a phone, an e-mail address, a time, an honorific, a department
    r"(?<!\d)\+?\d{1,4}[-‐−–(). ]{1,2}\d{1,4}[-‐−–). ]{1,2}\d{3,4}(?!\d)|(?<!\d)0\d{9,10}(?!\d)|[\w.]@[\w-]|"
    r"(?<!\d)\d{1,2}[:：時]\d{2}(?!\d)|内線|様|さん|[部課室係科](?=[ \u3000,\t;|\"]|$)"
)


class Lexicon(Protocol):
    """What a language knows of names; a value is the text of a cell without honorific. `bare`: whether a column of surnames alone is told
    from one of words by its values."""

    bare: bool

    def trim(self, text: str, start: int, end: int) -> tuple[int, int]:
        """The name in a cell, less what does not belong to it."""

    def whole(self, value: str) -> bool:
        """A surname and a given name, surely."""

    def opens(self, value: str) -> bool:
        """A whole name of which the given name may be unlisted."""

    def surname(self, value: str) -> bool: ...

    def given(self, value: str) -> bool: ...

    def reading(self, value: str) -> bool:
        """The reading of a whole name, in kana."""

    def place(self, value: str) -> bool:
        """Can be a place."""

    def other(self, value: str) -> bool:
        """Known to be something else than a name."""

    def pure(self, value: str) -> bool:
        """A surname that is nothing else."""

    def fits(self, value: str) -> bool:
        """Written as a whole name can be."""

    def fits_part(self, value: str) -> bool:
        """Written as a surname or given name can be."""


class _Seen(NamedTuple):
    column: Column
    meant: HeaderMeaning
    spans: list[tuple[int, int]]
    values: list[str]


def claims(text: str, found: Sequence[TextTable], lexicon: Lexicon) -> Iterator[Claim]:
    for table in found:
        yield from _Judge(text, table, lexicon).claims()


class _Judge:
    def __init__(self, text: str, table: TextTable, lexicon: Lexicon) -> None:
        self._text, self._table, self._lexicon = text, table, lexicon
        self._columns = {column.place: self._seen(column) for column in table.columns}

    def _seen(self, column: Column) -> _Seen:
        meant = _meaning(column.header)
        numbers = sum(_NUMBER.search(self._text, start, end) is not None for start, end in column.cells)
        if numbers * 2 > len(column.cells):
            return _Seen(column, meant, [], [])
        spans = [self._lexicon.trim(self._text, start, end) for start, end in column.cells if end - start <= LONG]
        spans = [(start, end) for start, end in spans if start < end]
        return _Seen(column, meant, spans, [self._text[start:end] for start, end in spans])

    def claims(self) -> Iterator[Claim]:
        done: set[int] = set()
        for place, seen in self._columns.items():
            for claimed, score in self._whole(place, seen):
                done.add(place)
                yield from _of(seen, claimed, score)
        for left, right in self._pairs():
            if left not in done and right not in done:
                done |= {left, right}
                if self._is_reversed():
                    yield from self._reversed(left, right)
                    continue
                for place in (left, right):
                    seen = self._columns[place]
                    yield from _of(seen, self._lexicon.fits_part, AGREED if seen.meant.entity_type == "PERSON" else PARTS)
        for place, seen in self._columns.items():
            if place not in done:
                yield from self._by_itself(seen, bool(done))

    # ------------------------------------------------------------------ whole names

    def _whole(self, place: int, seen: _Seen) -> Iterator[tuple[Callable[[str], bool], float]]:
        """(which values, their score) of a column of whole names."""
        lexicon, values, meant = self._lexicon, seen.values, seen.meant
        share = _share(values, lexicon.whole)
        if not values or (self._barred(meant) and share < 0.6):  # a host is a machine, unless its name is Mary Smith
            return
        full = meant.entity_type == "PERSON" and meant.part in ("full", "name", "full_kana", "name_kana")
        if full and not (meant.part == "name" and self._given_beside(place)):
            loose = max(share, _share(values, lambda value: lexicon.surname(value) or lexicon.reading(value)))
            if max(loose, _share(values, self._opens)) >= (0.3 if meant.confidence >= _STRONG else 0.5):
                yield lambda value: lexicon.fits(value) or lexicon.surname(value), AGREED
            return
        if meant.entity_type == "PERSON" or len(values) < 2:
            return
        if share >= 0.5:
            yield lexicon.whole, SHOWN
            if share == 0.5 and lexicon.bare:
                return
            shaped = self._table.mark != "" or (share >= 0.7 and not lexicon.bare)
            yield (lambda value: lexicon.fits(value) and not lexicon.other(value)) if shaped else lexicon.opens, SHAPED

    def _opens(self, value: str) -> bool:
        """A whole name of which only the surname is known."""
        return self._lexicon.fits(value) and any(self._lexicon.surname(value[:size]) for size in (3, 2, 1) if len(value) > size)

    def _given_beside(self, place: int) -> bool:
        return any(other in self._columns and "surname" in self._columns[other].meant.part for other in (place - 1, place + 1))

    def _barred(self, meant: HeaderMeaning) -> bool:
        return meant.bars("PERSON") or (meant.entity_type not in (None, "PERSON") and meant.confidence >= _STRONG)

    # ------------------------------------------------------------------ surname and given name in two columns

    def _pairs(self) -> Iterator[tuple[int, int]]:
        if self._table.mark == BLANKS:
            return
        for left in sorted(self._columns):
            right = left + 1
            if right in self._columns and self._is_pair(self._columns[left], self._columns[right]):
                yield left, right

    def _is_pair(self, left: _Seen, right: _Seen) -> bool:
        if not left.values or not right.values or self._barred(left.meant) or self._barred(right.meant):
            return False
        lexicon = self._lexicon
        for surnames, given in ((left, right), (right, left)):
            known = (_share(surnames.values, lexicon.surname), _share(given.values, lexicon.given))
            named = surnames.meant.part.startswith("surname"), given.meant.part.startswith(("given", "name"))
            if all(named):
                if max(known) >= 0.3:
                    return True
            elif surnames.meant.entity_type is None and given.meant.entity_type is None and len(surnames.values) > 1:
                places = _share(given.values, lexicon.place)
                if (
                    min(known) > 0.5 - 0.1 * lexicon.bare
                    and sum(known) >= 1.3
                    and places < 0.4
                    and _distinct(surnames.values)
                    and _distinct(given.values)
                ):
                    return True
        return False

    def _is_reversed(self) -> bool:
        """Lines that are `Smith, Mary` and nothing else."""
        table = self._table
        return len(table.columns) == 2 and table.mark == "," and all(", " in self._text[start:end] for start, end in table.lines)

    def _reversed(self, left: int, right: int) -> Iterator[Claim]:
        ends = {end: end for _, end in self._columns[right].spans}
        for (start, _), (low, high) in zip(self._columns[left].spans, self._table.lines, strict=False):
            if low <= start < high:
                yield Claim(start, ends.get(high, high), AGREED)

    # ------------------------------------------------------------------ one column of a part of names

    def _by_itself(self, seen: _Seen, beside_names: bool) -> Iterator[Claim]:
        lexicon, values, meant = self._lexicon, seen.values, seen.meant
        if not values or self._barred(meant):
            return
        if meant.entity_type == "PERSON" and meant.part.startswith(("surname", "given", "middle")) and meant.confidence >= _STRONG:
            known = lexicon.given if meant.part.startswith("given") else lexicon.surname
            if _share(values, known) >= 0.4:
                yield from _of(seen, lexicon.fits_part, SHOWN)
            return
        if meant.entity_type is not None and meant.entity_type != "PERSON":
            return
        if _share(values, lexicon.reading) >= (0.5 if beside_names else 0.8) and (beside_names or len(values) > 2):
            yield from _of(seen, lambda value: lexicon.reading(value) or (beside_names and lexicon.fits(value)), SHOWN)
            return
        if not lexicon.bare and meant.entity_type != "PERSON":
            return
        enough = len(values) > (0 if beside_names or self._table.has_header else 1)
        if enough and self._are_surnames(values) and _distinct(values) and self._rows_of_persons(seen):
            yield from _of(seen, lambda value: lexicon.fits_part(value) and not lexicon.other(value), ALONE)

    def _are_surnames(self, values: Sequence[str]) -> bool:
        """Most are listed, one at least is nothing else, and what is not listed is no place or thing."""
        lexicon = self._lexicon
        if _share(values, lexicon.surname) < 0.6 or _share(values, lexicon.place) >= 0.8 or _share(values, lexicon.other) > 0.1:
            return False
        return _share(values, lexicon.fits_part) >= 0.9 and any(map(lexicon.pure, values))

    def _rows_of_persons(self, seen: _Seen) -> bool:
        lines = [self._table.lines[row] for row in seen.column.rows]
        return sum(_EVIDENCE.search(self._text, start, end) is not None for start, end in lines) * 3 >= 2 * len(lines)


def _meaning(header: str) -> HeaderMeaning:
    if header in _SURNAME_HEADERS:  # by itself 氏 is no word of a real table's header
        return HeaderMeaning("PERSON", "surname", 0.9)
    return meaning(header) if header else UNKNOWN


def _of(seen: _Seen, claimed: Callable[[str], bool], score: float) -> Iterator[Claim]:
    for (start, end), value in zip(seen.spans, seen.values, strict=True):
        if claimed(value):
            yield Claim(start, end, score)


def _share(values: Sequence[str], is_so: Callable[[str], bool]) -> float:
    return sum(map(is_so, values)) / len(values) if values else 0.0


def _distinct(values: Sequence[str]) -> bool:
    """Names differ from row to row; a word of a vocabulary comes again and again."""
    return len(set(values)) * 2 > len(values) or len(values) < 4
