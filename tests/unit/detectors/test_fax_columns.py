"""Fax and phone in tables as text: the header of the column decides, and nothing else in the text changes."""

from __future__ import annotations

import pytest

from detectors import engine
from scanner.model import DetectSettings

ENGINE = engine.load(DetectSettings(entities=("PHONE_NUMBER", "FAX_NUMBER")))


def kinds(text: str) -> list[tuple[str, str]]:
    return [(text[item.start : item.end], item.entity_type) for item in ENGINE.find(text)]


@pytest.mark.parametrize(
    ("phone", "fax", "mark"), [("TEL", "FAX", ","), ("電話番号", "ファックス", "\t"), ("電話", "ＦＡＸ", ","), ("Phone", "Fax number", ",")]
)
def test_the_header_tells_fax_from_phone(phone: str, fax: str, mark: str) -> None:
    rows = [("支店", phone, fax), ("A", "03-3000-1111", "03-3000-2222"), ("B", "06-6000-3333", "06-6000-4444")]
    found = kinds("\n".join(mark.join(row) for row in rows) + "\n")
    assert found == [
        ("03-3000-1111", "PHONE_NUMBER"),
        ("03-3000-2222", "FAX_NUMBER"),
        ("06-6000-3333", "PHONE_NUMBER"),
        ("06-6000-4444", "FAX_NUMBER"),
    ]


def test_the_word_in_a_sentence_says_nothing_of_a_table() -> None:
    text = "The fax is broken.\nname,phone,city\nA,03-3000-1111,X\nB,06-6000-3333,Y\n"
    assert {kind for _, kind in kinds(text)} == {"PHONE_NUMBER"}


def test_a_phone_stays_one_where_fax_is_not_asked_for() -> None:
    finder = engine.load(DetectSettings(entities=("PHONE_NUMBER",)))
    text = "支店,TEL,FAX\nA,03-3000-1111,03-3000-2222\nB,06-6000-3333,06-6000-4444\n"
    assert {item.entity_type for item in finder.find(text)} == {"PHONE_NUMBER"}
