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
        "403-1/2 NE Example Street, Springfield, IL 62701",
        "67/69 Church St., Springfield, NJ 08901",
        "100 North U.S. HWY 1, Suite 217, Springfield, FL 34950",
        "200 North Third St, Suite 14A/14th Floor, Springfield, PA 17101",
        "83 Glenn Street, SE",
        "2885 sample ave sw # 33031 springfield mi 49418-1342",
        "15 N. Example Unit 1S",
        "rr # 3 box 273 springfield il 61951",
        "psc 5420, box 2708\napo aa 33879",
        "3870 N. 3000 W. Road",
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
        "5 N Korean ships left",
        "In 1990 South Africa won",
        "one way street",
        "ISO 29500, 376 part 2",
        "two of the three floors",
    ],
)  # fmt: skip
def test_no_address(text: str) -> None:
    assert found(text) == []


def test_the_name_of_the_house_belongs_to_it() -> None:
    assert found("Jane Doe, Sample Federal Building, 12 Main St, Springfield, IL 62701") == [
        "Sample Federal Building, 12 Main St, Springfield, IL 62701"
    ]


def test_cells_of_a_line_stay_apart() -> None:
    assert found("Doe,29 Sample St.,Suite 375,,Springfield,IL,62701") == ["29 Sample St."]


def test_under_an_address_header_foreign_streets_count() -> None:
    (item,) = READER.analyze_cell("Musterstraße 8", ("StreetAddress",))
    assert (item.start, item.end) == (0, 14)
    assert READER.analyze_cell("Musterstraße 8", ("remarks",)) == []
