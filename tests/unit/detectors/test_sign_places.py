"""A slow pattern is looked for in ranges alone, and has the same matches as over the whole text."""

from __future__ import annotations

import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors import address_en, address_eu
from detectors.fold import fold
from detectors.sign_places import Copy, Places, found_in, loose

PIECES = [
    "12",
    "4A",
    "90210",
    "Musterstraße",
    "MUSTERSTRASSE",
    "ẞ",
    "ſtreet",
    "Av.",
    "Via",
    "Roma",
    "C/",
    "al",
    "ul.",
    "5,",
    "5bis",
    "rue",
    "Paix",
    "Chinas",
    "China",
    "United",
    "Kingdom",
    ",",
    "NSW",
    "2000",
    "Suite",
    "#4",
    "unit",
    "P.O.",
    "PO",
    "Box",
    "box",
    "rr",
    "#",
    "corner",
    "of",
    "lives",
    "living",
    "at",
    "in",
    "address",
    "is:",
    "Street",
    "st",
    "Rd",
    "one",
    "two",
    "ten",
    "PSC",
    "Unit",
    "uscgc",
    "USS",
    "N.",
    "12-3",
    "1/2",
    "Apt",
    "MA",
    "北",
    "K",
    "İ",
    "ı",
    "é",
    "Ö",
    "u.",
    "út",
    "köz",
    "Λεωφόρος",
    "-",
    "'",
    '"',
    "@",
    ";",
]
TEXTS = st.lists(st.tuples(st.sampled_from(PIECES), st.sampled_from(("", " ", " ", " ", ", ", "\n"))), min_size=3, max_size=60).map(
    lambda parts: "".join(piece + gap for piece, gap in parts)
)
EUROPEAN = Places(address_eu._COPIES)
ENGLISH = Places(address_en._COPIES)
ENGLISH_SIGNS = {
    "number": address_en._NUMBER_START,
    "street": address_en._STREET_START,
    "box": address_en._BOX_START,
    "military": address_en._MILITARY_START,
}


@settings(max_examples=150)
@given(TEXTS)
def test_the_same_matches_as_over_the_whole_text(text: str) -> None:
    folded = fold(text)
    for places, signs in ((EUROPEAN, address_eu._SIGNS), (ENGLISH, ENGLISH_SIGNS)):
        near = places.near(folded)
        for name, pattern in signs.items():
            everywhere = [match.span() for match in pattern.finditer(folded)]
            assert [match.span() for match in found_in(pattern, folded, near[name], 90)] == everywhere, name


@settings(max_examples=60)
@given(TEXTS)
def test_where_no_number_can_follow_the_full_form_does_not_match(text: str) -> None:
    from detectors.pattern import compiled_form

    folded = fold(text)
    full = next(compiled_form(address_eu._PARTS, source) for name, _, source in address_eu._FORMS if name == "full")
    for start in (match.start() for match in address_eu._START.finditer(folded)):
        if address_eu._HAS_NUMBER.match(folded, start) is None:
            assert full.match(folded, start) is None


@pytest.mark.parametrize("text", ["", "nothing here", "x" * 3_000])
def test_a_text_without_signs_has_no_ranges(text: str) -> None:
    assert Places({"one": (Copy("straße", 6),)}).near(text) == {"one": []}


def test_ranges_are_in_characters_and_joined() -> None:
    places = Places({"one": (Copy("ab", 2), Copy("bc", 3))})
    assert places.near("日本abc 日本 ab") == {"one": [(2, 5), (9, 11)]}


def test_a_letter_that_only_one_engine_knows_leaves_the_whole_text() -> None:
    text = "in the ſtreet"
    assert Places({"one": (Copy("(?i)street", 6),)}).near(text) == {"one": [(0, len(text))]}


def test_a_loose_pattern_takes_any_letter_beyond_ascii() -> None:
    assert regex.fullmatch(loose("straße"), "straẞe")
    assert loose("plain") == "plain"


def test_a_match_beyond_the_range_is_left_out_and_none_is_given_twice() -> None:
    pattern = regex.compile("a+b?")
    assert [match.span() for match in found_in(pattern, "aaab ab ab", [(0, 2), (1, 4), (5, 6)], 10)] == [(0, 4), (5, 7)]
