"""Check digits: generated numbers pass, and a changed digit fails where the standard promises it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors import validators

DIGITS = st.text("0123456789", min_size=11, max_size=11)


def completions(check: object, head: str, tail: str = "") -> list[str]:
    return [head + str(digit) + tail for digit in range(10) if check(head + str(digit) + tail)]  # type: ignore[operator]


@settings(max_examples=100, deadline=None)
@given(DIGITS)
def test_my_number_has_exactly_one_check_digit(head: str) -> None:
    found = completions(validators.my_number, head)
    assert len(found) == 1 or len(set(head)) == 1


@settings(max_examples=100, deadline=None)
@given(st.text("0123456789", min_size=15, max_size=15), st.integers(0, 14), st.integers(1, 9))
def test_luhn_rejects_every_single_changed_digit(head: str, place: int, shift: int) -> None:
    for number in completions(validators.luhn, head):
        changed = number[:place] + str((int(number[place]) + shift) % 10) + number[place + 1 :]
        assert not validators.luhn(changed)


@settings(max_examples=100, deadline=None)
@given(st.text("0123456789", min_size=12, max_size=12))
def test_corporate_number_has_exactly_one_check_digit(tail: str) -> None:
    assert len([digit for digit in range(10) if validators.corporate_number(f"{digit}{tail}")]) == 1
    assert not validators.corporate_number(f"0{tail}")


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        (validators.my_number, ["123456789018", "1234 5678 9018"], ["123456789012", "12345678901", "111111111111"]),
        (validators.corporate_number, ["8700110005901"], ["8700110005902", "0700110005901"]),
        (validators.driver_license, ["301234567810"], ["301234567820", "991234567810"]),
        (validators.insurer_number, ["33120015"], ["33120016", "99120015"]),
        (
            validators.credit_card,
            ["4111111111111111", "5555-5555-5555-4444", "378282246310005", "3530111333300000"],
            ["4111111111111112", "9111111111111111"],
        ),
        (validators.us_ssn, ["536-22-8712"], ["000-22-8712", "666-22-8712", "936-22-8712", "536-00-8712", "536-22-0000", "078-05-1120"]),
        (validators.passport_mrz, ["L898902C36UTO7408122F1204159ZE184226B<<<<<10"], ["L898902C46UTO7408122F1204159ZE184226B<<<<<10"]),
        (
            validators.birth_date,
            ["昭和55年4月1日", "S55.4.1", "1980/4/1", "4/1/1980", "April 1, 1980", "19800401", "平成元年1月8日"],
            ["1980/13/1", "2月30日", "1980/2/30", "1700/1/1"],
        ),
        (
            validators.jp_phone,
            [
                "03-1234-5678",
                "(06)1234-5678",
                "090-0000-1234",
                "0612345678",
                "+81-6-1234-5678",
                "+81 (0)90-1234-5678",
                "0123-45-6789",
                "050-1234-5678",
            ],
            ["0120-123-456", "03-1234-567", "01-1234-5678", "0570-012-345", "00-1234-5678", "090-1234-567"],
        ),
        (validators.jp_service_phone, ["0120-123-456", "0800-123-4567", "0570-012-345"], ["03-1234-5678", "080-1234-5678"]),
        (validators.nanp_phone, ["(415) 555-2671", "+1 415 555 2671"], ["115-555-2671", "415-155-2671", "411-555-26711"]),
        (validators.international_phone, ["+44 20 7946 0958", "+49 (0)30 901820"], ["+99 1234", "+1 23"]),
        (
            validators.email,
            ["a@example.com", "a.b+c@x.example.co.jp"],
            ["icon@2x.png", "a..b@example.com", "a@localhost", ".a@example.com", "a@-x.example"],
        ),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_examples(check: object, good: list[str], bad: list[str]) -> None:
    assert [value for value in good if not check(value)] == []  # type: ignore[operator]
    assert [value for value in bad if check(value)] == []  # type: ignore[operator]


def test_only_public_checks_have_names() -> None:
    assert "my_number" in validators.names()
    assert "names" not in validators.names()
    assert not [name for name in validators.names() if name.startswith("_")]
