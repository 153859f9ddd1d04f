from __future__ import annotations

import pytest

from scanner.extract.number_format import date_text, is_date, pictured, plain


@pytest.mark.parametrize(
    ("text", "shown"),
    [("3", "3"), ("3.0", "3"), ("9.012345678E9", "9012345678"), ("4.5", "4.5"), ("-2.0", "-2"), ("x", "x"), ("1e400", "1e400")],
)
def test_plain_numbers(text: str, shown: str) -> None:
    assert plain(text) == shown


@pytest.mark.parametrize(
    ("digits", "code", "shown"),
    [
        ("9012345678", "000-0000-0000", "090-1234-5678"),
        ("1500001", "000-0000", "150-0001"),
        ("1500001", "[<=999]000;[<=9999]000\\-00;000\\-0000", "150-0001"),
        ("312345678", "[<=99999999]####\\-####;\\(00\\)\\ ####\\-####", "(03) 1234-5678"),
        ("12", "00000", "00012"),
        ("12345678901", "0000", "12345678901"),
        ("1234", "#,##0", "1234"),
        ("12", "General", "12"),
    ],
)
def test_digits_under_a_picture(digits: str, code: str, shown: str) -> None:
    assert pictured(digits, code) == shown


@pytest.mark.parametrize(
    ("serial", "code", "shown"),
    [
        ("29222", None, "1980-01-02"),
        ("1", None, "1900-01-01"),
        ("59", None, "1900-02-28"),
        ("61", None, "1900-03-01"),
        ("45000.5", None, "2023-03-15 12:00:00"),
        ("0.25", "h:mm", "06:00:00"),
    ],
)
def test_serial_numbers_are_dates(serial: str, code: str | None, shown: str) -> None:
    assert date_text(serial, code) == shown


def test_the_epoch_of_1904() -> None:
    assert date_text("0.0", None, epoch_1904=True) == "00:00:00"
    assert date_text("1", None, epoch_1904=True) == "1904-01-02"


@pytest.mark.parametrize(
    ("code", "dates"),
    [
        ("yyyy/m/d", True),
        ("ggge年m月d日", True),
        ("[$-411]ge.m.d", True),
        ("0.00", False),
        ("General", False),
        ('0"日"', False),
        ("0.00E+00", False),
        ("h:mm", True),
        ("#,##0_);[Red](#,##0)", False),
    ],
)
def test_which_formats_show_dates(code: str, dates: bool) -> None:
    assert is_date(164, code) is dates
