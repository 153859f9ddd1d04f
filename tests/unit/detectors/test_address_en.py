"""English addresses: street, unit, city, state, ZIP, boxes; and prose that only looks like one."""

from __future__ import annotations

import pytest

from detectors.address_en import AddressEnRecognizer

READER = AddressEnRecognizer()


def found(text: str) -> list[str]:
    return [text[item.start : item.end] for item in READER.analyze(text, ["ADDRESS"]) if item.score >= 0.5]


@pytest.mark.parametrize(
    "address",
    [
        "123 Main Street, Springfield, IL 62701",
        "123 N. Main St., Suite 200, Springfield, IL 62701-1234",
        "45 W 5th Ave Apt 10A New York NY 10012",
        "1251 Avenue of the Americas 7th Floor New York, NY 10016",
        "1 Example Way, Washington, DC 20005",
        "29 Sample Rd",
        "800 Broadway",
        "P.O. Box 1234, Springfield, IL 62701",
        "PSC 2721, Box 8637\nAPO AA 06259",
        "10 High Street, London SW1A 1AA",
    ],
)
def test_exact_spans(address: str) -> None:
    assert found(address) == [address]
    assert found(f"Please write to {address}.")[0].rstrip(".") == address.rstrip(".")


@pytest.mark.parametrize(
    "text",
    [
        "10:00 AM CST the place", "12 months on the road", "The 2007 Bowling Green team", "3 Long Island", "5 people per street",
        "Houston, Texas",
        "version 3 Drive letter C",
        "2026-11-24 Main Street",
    ],
)  # fmt: skip
def test_no_address(text: str) -> None:
    assert found(text) == []


def test_cells_of_a_line_stay_apart() -> None:
    assert found("Doe,29 Sample St.,Suite 375,,Springfield,IL,62701") == ["29 Sample St."]


def test_under_an_address_header_foreign_streets_count() -> None:
    (item,) = READER.analyze_cell("Musterstraße 8", ("StreetAddress",))
    assert (item.start, item.end) == (0, 14)
    assert READER.analyze_cell("Musterstraße 8", ("remarks",)) == []
