"""English names by their place on a page: columns, labels, e-mail addresses, conversations; and what stands there but is nobody."""

from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies

from detectors import engine
from detectors.person_en import EnglishPersonRecognizer
from scanner.model import DetectSettings

RECOGNIZER = EnglishPersonRecognizer(DetectSettings())
ENGINES = tuple(engine.load(DetectSettings(entities=("PERSON",)), screened=screened) for screened in (True, False))


def found(text: str, least: float = 0.5) -> list[str]:
    return [text[r.start : r.end] for r in RECOGNIZER.analyze(text, ["PERSON"]) if r.score >= least]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("id,first_name,last_name\n1,Sanjay,Lee\n2,Chloe,King", ["Sanjay", "Lee", "Chloe", "King"]),
        ("Harris,Steven,a@example.com\nMiller,Karen,b@example.com", ["Harris", "Steven", "Miller", "Karen"]),
        ("Name\tDepartment\nPark, Mei\tSales\nVan Dyke, Lucia\tFacilities", ["Park, Mei", "Van Dyke, Lucia"]),
        ("9:40  Olga J. White  Acme Inc.\n9:55  Kwame Martin  Acme Inc.", ["Olga J. White", "Kwame Martin"]),
        ("Name | Company | Host\nMary Smith | Acme | Paul Jones\nRuth Hill | Acme | Mark Young", [
            "Mary Smith", "Paul Jones", "Ruth Hill", "Mark Young"]),
        ("Harris, Karen\nMiller, Steven\nTaylor, Carlos", ["Harris, Karen", "Miller, Steven", "Taylor, Carlos"]),
    ],
)  # fmt: skip
def test_columns_of_tables_in_text(text: str, names: list[str]) -> None:
    assert found(text) == names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Witness: Mark Banks ((415) 555-0130)", ["Mark Banks"]),
        ("Name: Grace Church", ["Grace Church"]),
        ("Present: Susan Park, Eric Stone", ["Susan Park", "Eric Stone"]),
        ("First name: Mei\nLast name: Lindqvist", ["Mei", "Lindqvist"]),
        ("Cashier: Linda", ["Linda"]),
        ("Handled by Karen.", ["Karen"]),
        ("Kwame Hill,kwame.hill@example.org", ["Kwame Hill"]),
        ("Ship to:\nPriya Stone\npstone@example.com", ["Priya Stone"]),
        ("[10:25] Wei: morning\n[12:10] Mary: hello", ["Wei", "Mary"]),
        ("N:Taylor;Mason;;;\nFN:Mason Taylor", ["Taylor", "Mason", "Mason Taylor"]),
        ("Early: Karen, Steven", ["Karen", "Steven"]),
        ("Hi Karen,\n\nplease call.", ["Karen"]),
        ("Karen,\n\nplease call.", ["Karen"]),
        ("Minutes. Present: Fatima Jones\n1. Fatima reported.", ["Fatima Jones", "Fatima"]),
    ],
)
def test_labels_addresses_and_conversations(text: str, names: list[str]) -> None:
    assert found(text) == names


@pytest.mark.parametrize(
    "text",
    [
        "Part,City,Stock\nA-1,Boston,3\nB-2,Denver,4",
        "Hex bolt | Jackson | 17\nStapler | Madison | 31",
        "Trucks leave Jackson for Leeds on Monday.",
        "Error: Timeout\nStatus: Open",
        "10:00 Error: failed\n10:01 Warning: slow",
        "Server: Apache\nHost: localhost",
        "Subject: Quarterly Review",
        "Hello,\n\nplease call.",
    ],
)
def test_places_and_things_on_a_page_are_nobody(text: str) -> None:
    assert found(text) == []


def test_titles_are_no_part_of_a_name_and_its_junior_is() -> None:
    assert found("To reach Representative Cory A. Booker, write to us.") == ["Cory A. Booker"]
    assert found("Staff contact sheet | Frank Pallone, Jr. | 67 Church St.") == ["Frank Pallone, Jr."]


LINES = strategies.sampled_from(
    ["first,last", "Mary,Smith", "Paul,Jones,1", "Hi Karen,", "[9:00] Wei: hi", "[9:01] Mary: yes", "Driver: Mark Banks", "", "MARY SMITH",
     "Mary Smith", "kwame.hill@example.org Kwame Hill", "N:Taylor;Mason;;;", "Handled by Karen.", "a / Mary Smith / b", "@Karen hello",
     "\ud800"]
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(strategies.lists(LINES, max_size=8).map("\n".join))
def test_pages_screened_and_unscreened_agree(text: str) -> None:
    screened, unscreened = (each.find(text) for each in ENGINES)
    assert screened == unscreened
    assert [each.take_problems() for each in ENGINES] == [[], []]


@settings(max_examples=60, deadline=None)
@given(strategies.lists(LINES, max_size=8).map("\n".join))
def test_claims_of_a_page_do_not_overlap(text: str) -> None:
    end = 0
    for claim in sorted(RECOGNIZER.claims(text)):
        assert end <= claim.start < claim.end <= len(text)
        end = claim.end
