"""English addresses: street, unit, city, state, ZIP, boxes; and prose that only looks like one."""

from __future__ import annotations

import pytest

from detectors.address_en import AddressEnRecognizer
from detectors.fold import encodable, fold
from detectors.gate import Finder, Gate

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
    ("text", "address"),
    [
        ("Sample Point Road, Deale, MD 20751", "Sample Point Road, Deale, MD 20751"),  # a road without a house number
        ("US Highway 22, Sample City, MT 59301", "US Highway 22, Sample City, MT 59301"),
        ("see Box # 63, Cordova, AK 99574 too", "Box # 63, Cordova, AK 99574"),
        ("1101 U.S. Highway No. 130 North, Burlington, NJ 08016", "1101 U.S. Highway No. 130 North, Burlington, NJ 08016"),
        ("po box 4869 dept 541 houston tx 77210", "po box 4869 dept 541 houston tx 77210"),
        ("lockbox 809675, po box 4192 kansas city mo 64141", "lockbox 809675, po box 4192 kansas city mo 64141"),
        ("4949 Sample Ave. No. 102", "4949 Sample Ave. No. 102"),
        ("253 Broadway, 2nd Floor, New York, N.Y. 10007", "253 Broadway, 2nd Floor, New York, N.Y. 10007"),
        ("The restaurant is at 704 1436 Sample Drive", "704 1436 Sample Drive"),  # a unit before the house number
        ("5536 West 103 Place", "5536 West 103 Place"),
        ("7924 sample oaks cir 22182", "7924 sample oaks cir 22182"),  # small letters, but the line holds nothing else
        ("suite 200, 7000 sample road, n.e.", "suite 200, 7000 sample road, n.e."),
        ("Sample Ltd\n100 main los angeles, ca\nno phone", "100 main los angeles, ca"),
    ],
)  # fmt: skip
def test_found_inside(text: str, address: str) -> None:
    assert [found_one.rstrip(".") for found_one in found(text)] == [address.rstrip(".")]
    assert Gate([Finder("en", READER.SIGNS, lambda *_: [])]).open(*encodable(fold(text)))


@pytest.mark.parametrize(
    "text",
    [
        "3 days in LA", "5 hour drive", "10 minute drive to Denver, CO", "24 Bottles Lot 184", "12 Monkeys OK", "50 states of ME",
        "250 employees, CA", "our 7924 sample oaks cir 22182 went",
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
