"""Names of the census and of other countries' lists: marks, double names, and that a frequent word is no name of the world."""

from __future__ import annotations

import pytest

from detectors.names_data import WORLD, EnglishNames, unmarked

NAMES = EnglishNames()


@pytest.mark.parametrize(
    ("word", "plain"), [("szöllősy", "szollosy"), ("łukasz", "lukasz"), ("søren", "soren"), ("straße", "strasse"), ("smith", "smith")]
)
def test_marks_are_dropped(word: str, plain: str) -> None:
    assert unmarked(word) == plain


def test_the_census_comes_first_and_other_countries_last() -> None:
    assert NAMES.given_rank("James") == 1
    assert NAMES.surname_rank("Smith") == 1
    assert NAMES.given_rank("Gökhan") == NAMES.surname_rank("Wiśniewska") == WORLD
    assert NAMES.given_rank("José") == NAMES.given_rank("Jose") != WORLD


@pytest.mark.parametrize("word", ["the", "please", "invoice", "meeting", "xqzv"])
def test_words_are_no_names(word: str) -> None:
    assert NAMES.given_rank(word) is None
    assert NAMES.surname_rank(word) in (None, *range(20_000, 100_000))
