"""Check digits: every generated number passes, and one changed digit fails wherever the standard promises it.

Where a standard leaves holes, they are named here, and nothing else passes: a modulus of 11 or 9 with one decimal digit cannot tell
everything.
"""

from __future__ import annotations

import string
from collections.abc import Callable

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from detectors import validators

SETTINGS = settings(max_examples=150, deadline=None)


def numbers(length: int) -> st.SearchStrategy[str]:
    return st.text(string.digits, min_size=length, max_size=length)


def changed(number: str, place: int, shift: int) -> str:
    """The number with the digit at `place` moved on by `shift` (1 to 9)."""
    return number[:place] + str((int(number[place]) + shift) % 10) + number[place + 1 :]


PLACE, SHIFT = st.integers(0, 43), st.integers(1, 9)


# --------------------------------------------------------------------------- the numbers, as their standards make them


def my_number(head: str) -> str:
    rest = my_number_rest(head)
    return head + str(0 if rest <= 1 else 11 - rest)


def my_number_rest(head: str) -> int:
    """Order 85 of 2014, article 5: P_n from the lowest digit, Q_n = n + 1 up to 6, then n - 5."""
    return sum(int(digit) * (n + 1 if n <= 6 else n - 5) for n, digit in enumerate(reversed(head), 1)) % 11


def licence(head: str, reissued: str) -> str:
    return head + str((11 - licence_rest(head)) % 10) + reissued


def licence_rest(head: str) -> int:
    return sum(int(digit) * weight for digit, weight in zip(head, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2), strict=True)) % 11


def corporate(tail: str) -> str:
    odd, even = sum(map(int, tail[::-1][0::2])), sum(map(int, tail[::-1][1::2]))
    return str(9 - (odd + 2 * even) % 9) + tail


def luhn(head: str) -> str:
    """ISO/IEC 7812-1, by table instead of by sum of digits."""
    doubled = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
    total = sum(doubled[int(digit)] if n % 2 == 0 else int(digit) for n, digit in enumerate(reversed(head)))
    return head + str(-total % 10)


def iban(country: str, body: str) -> str:
    as_number = int("".join(str(int(char, 36)) for char in body + country + "00"))
    return f"{country}{98 - as_number % 97:02d}{body}"


def nhs_rest(head: str) -> int:
    return sum(int(digit) * (10 - n) for n, digit in enumerate(head)) % 11


def mrz_digit(field: str) -> str:
    values = {"<": 0, **{char: n for n, char in enumerate(string.digits + string.ascii_uppercase)}}
    return str(sum(values[char] * (7, 3, 1)[n % 3] for n, char in enumerate(field)) % 10)


def mrz(number: str, country: str, birth: str, expiry: str, optional: str) -> str:
    first, second, third = number + mrz_digit(number), birth + mrz_digit(birth), expiry + mrz_digit(expiry)
    fourth = optional + mrz_digit(optional)
    return f"{first}{country}{second}F{third}{fourth}{mrz_digit(first + second + third + fourth)}"


# --------------------------------------------------------------------------- they pass, and a changed digit fails


@SETTINGS
@given(numbers(11), PLACE, SHIFT)
def test_my_number(head: str, place: int, shift: int) -> None:
    number = my_number(head)
    assume(len(set(number)) > 1)
    assert validators.my_number(number)
    other = changed(number, place % 12, shift)
    told = not validators.my_number(other)
    # the hole: remainders 0 and 1 have one check digit
    assert told or (number[-1] == other[-1] == "0" and {my_number_rest(number[:11]), my_number_rest(other[:11])} == {0, 1})


@SETTINGS
@given(numbers(8), st.sampled_from(sorted(validators._LICENCE_CODES)), st.sampled_from("0123456789"), st.integers(2, 10), SHIFT)
def test_driver_license(serial: str, code: str, reissued: str, place: int, shift: int) -> None:
    number = licence(code + serial, reissued)
    assume(len(set(number)) > 1)
    assert validators.driver_license(number)
    other = changed(number, place, shift)
    # the hole: remainder 0 gives 11 and remainder 10 gives 1, both written 1
    assert not validators.driver_license(other) or {licence_rest(number[:10]), licence_rest(other[:10])} == {0, 10}
    assert validators.driver_license(changed(number, 11, shift)), "the count of reissues is not part of it"


@SETTINGS
@given(numbers(12), PLACE, SHIFT)
def test_corporate_number(tail: str, place: int, shift: int) -> None:
    number = corporate(tail)
    assert validators.corporate_number(number)
    other = changed(number, place % 13, shift)
    # the hole: modulo 9, a 0 is as good as a 9
    assert not validators.corporate_number(other) or {number[place % 13], other[place % 13]} == {"0", "9"}


@SETTINGS
@given(st.sampled_from(("4", "51", "2221", "35")), numbers(15), PLACE, SHIFT)
def test_credit_card(prefix: str, body: str, place: int, shift: int) -> None:
    number = luhn((prefix + ("28" if prefix == "35" else "") + body)[:15])
    assert validators.luhn(number) and validators.credit_card(number)
    other = changed(number, place % 16, shift)
    assert not validators.luhn(other) and not validators.credit_card(other)


@SETTINGS
@given(numbers(14), st.integers(0, 13))
def test_luhn_sees_neighbours_exchanged_but_for_0_and_9(head: str, place: int) -> None:
    number = luhn(head)
    left, right = number[place], number[place + 1]
    assume(left != right and len(set(number)) > 1)
    exchanged = number[:place] + right + left + number[place + 2 :]
    assert validators.luhn(exchanged) == ({left, right} == {"0", "9"})


@SETTINGS
@given(st.sampled_from(sorted(validators._INSURER_LAWS)), st.integers(1, 47), numbers(3), PLACE, SHIFT)
def test_insurer_number(law: str, prefecture: int, insurer: str, place: int, shift: int) -> None:
    for head in (f"{law}{prefecture:02d}{insurer}", f"{prefecture:02d}{insurer}"):
        number = luhn(head)
        assume(len(set(number)) > 1)
        assert validators.insurer_number(number)
        assert not validators.insurer_number(changed(number, place % len(number), shift))


@SETTINGS
@given(st.integers(10, 99), st.integers(1, 47), numbers(3), PLACE, SHIFT)
def test_public_payer_and_recipient(law: int, prefecture: int, payer: str, place: int, shift: int) -> None:
    for check, number in (
        (validators.public_payer_number, luhn(f"{law}{prefecture:02d}{payer}")),
        (validators.public_recipient_number, luhn(f"{law}{prefecture % 10}{payer}")),
    ):
        assume(len(set(number)) > 1)
        assert check(number)
        assert not check(changed(number, place % len(number), shift))


@SETTINGS
@given(st.sampled_from(sorted(validators._IBAN_LENGTHS.items())), st.data(), PLACE, st.sampled_from(string.digits + string.ascii_uppercase))
def test_iban(country: tuple[str, int], data: st.DataObject, place: int, char: str) -> None:
    code, length = country
    body = data.draw(st.text(string.digits + string.ascii_uppercase, min_size=length - 4, max_size=length - 4))
    number = iban(code, body)
    assert validators.iban(number)
    assert validators.iban(" ".join(number[at : at + 4] for at in range(0, length, 4)).lower())
    at = 4 + place % (length - 4)
    assume(number[at] != char and number[at].isdigit() == char.isdigit())
    assert not validators.iban(number[:at] + char + number[at + 1 :])
    assert not validators.iban(number + "0")


@SETTINGS
@given(numbers(9), PLACE, SHIFT)
def test_nhs_number(head: str, place: int, shift: int) -> None:
    rest = nhs_rest(head)
    if rest == 1:  # its check digit would be 10: never given out
        assert not any(validators.nhs_number(head + digit) for digit in string.digits)
        return
    number = head + str((11 - rest) % 11)
    assume(len(set(number)) > 1)
    assert validators.nhs_number(number)
    assert not validators.nhs_number(changed(number, place % 10, shift))


FIELD = string.digits + string.ascii_uppercase + "<"


@SETTINGS
@given(st.text(FIELD, min_size=9, max_size=9), numbers(6), numbers(6), st.text(FIELD, min_size=14, max_size=14), PLACE, SHIFT)
def test_passport_mrz(number: str, birth: str, expiry: str, optional: str, place: int, shift: int) -> None:
    line = mrz(number, "UTO", birth, expiry, optional)
    assert len(line) == 44 and validators.passport_mrz(line)
    checked = [at for at in range(44) if line[at].isdigit() and not 10 <= at <= 12]
    assert not validators.passport_mrz(changed(line, checked[place % len(checked)], shift))


@pytest.mark.parametrize(("one", "other"), [("0", "A"), ("0", "K"), ("1", "B"), ("<", "0")])
def test_passport_mrz_cannot_tell_characters_ten_apart(one: str, other: str) -> None:
    """ICAO 9303-3, 4.9: values are taken modulo 10, so these weigh alike."""
    first, second = (mrz(f"TR12{char}4567", "JPN", "750505", "310202", "<" * 14) for char in (one, other))
    assert validators.passport_mrz(first) and validators.passport_mrz(second)
    assert [a for a, b in zip(first, second, strict=True) if a != b] == [one]


@pytest.mark.parametrize("check", [validators.pension_number, validators.not_all_same, validators.us_ssn])
def test_kinds_without_a_check_digit_take_any_last_digit(check: Callable[[str], bool]) -> None:
    assert all(check("536228712"[:8] + digit) if check is validators.us_ssn else check("123456789" + digit) for digit in "123456789")


CHECKED = frozenset((
    "my_number", "driver_license", "corporate_number", "credit_card", "luhn", "insurer_number", "public_payer_number", "iban",
    "public_recipient_number", "nhs_number", "passport_mrz",
))  # fmt: skip
UNCHECKED = frozenset((
    "pension_number", "not_all_same", "us_ssn", "birth_date", "email", "jp_phone", "jp_phone_lost_zero", "jp_service_phone",
    "nanp_phone", "nanp_assigned", "international_phone", "double_zero_phone", "country_code", "phone_in_record", "phone_length",
    "gb_phone",
))  # fmt: skip


def test_every_validator_is_known_to_have_a_check_digit_or_none() -> None:
    assert set(validators.names()) == CHECKED | UNCHECKED
    assert not CHECKED & UNCHECKED
