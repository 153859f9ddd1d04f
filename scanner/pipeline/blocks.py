"""Which finds of a running text belong to one person: the text's counterpart of a table's row."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from scanner.model import Detection

BLANK_LINE = re.compile(r"\n[ \t\u3000\r]*\n")
KANJI = re.compile(r"[\u3400-\u9fff\uf900-\ufaff々〆]")
KANA = re.compile(r"[\u3040-\u30ff\uff66-\uff9f]")
REACH = 2_000  # characters between two finds of one block

SINGLE = frozenset({"EMAIL_ADDRESS", "PHONE_NUMBER", "FAX_NUMBER", "ADDRESS", "DATE_OF_BIRTH"})

_LINES = frozenset({"PHONE_NUMBER", "FAX_NUMBER"})  # who is named may have several, one a line


def writing(name: str) -> str:
    """The script of a name: a kanji name and its kana reading are one person's."""
    if KANJI.search(name):
        return "kanji"
    return "kana" if KANA.search(name) else "latin"


@dataclass
class Blocks:
    """Numbers the blocks of one text stream. A new block begins after a blank line, at a second name of the same script, and where
    a kind that a person has once a line comes again on another line (a list of addresses is many people; home, office and mobile phone
    beneath a name are one person's)."""

    next_record: int
    _last_end: int = -REACH
    _line_of: dict[str, int] = field(default_factory=dict)
    _started: bool = False

    def record(self, detection: Detection, start: int, value: str, line: int, between: str | None) -> int:
        """The record number of a find at `start` of the stream. `between` is the text since the last find, None if too far."""
        kind = f"PERSON {writing(value)}" if detection.entity_type == "PERSON" else detection.entity_type
        if self._begins(kind, line, between):
            self.next_record += self._started
            self._line_of.clear()
        self._started = True
        if kind.startswith("PERSON") or kind in SINGLE:
            self._line_of.setdefault(kind, line)
        return self.next_record

    def _begins(self, kind: str, line: int, between: str | None) -> bool:
        if not self._started or between is None or BLANK_LINE.search(between):
            return True
        if kind not in self._line_of or (kind in _LINES and self._named_above(kind)):
            return False
        return kind.startswith("PERSON") or self._line_of[kind] != line or kind == "EMAIL_ADDRESS"

    def _named_above(self, kind: str) -> bool:
        """A name opened the block, on a line of its own: in a list it shares its line with the phone, and the next phone is another's."""
        names = [line for other, line in self._line_of.items() if other.startswith("PERSON")]
        return bool(names) and self._line_of[kind] not in names

    def finish(self) -> int:
        """The first free record number after this stream."""
        return self.next_record + self._started
