"""Pure functions that accept or reject a matched value: check digits, issuer prefixes, calendar and numbering plans.

Every public function takes the folded surface (ASCII digits, ``-``) and answers True or False; a rule names one in `validator`.
"""

from __future__ import annotations

import re
import sys
from datetime import date
from functools import lru_cache
from typing import Final

_NOT_DIGIT: Final = re.compile(r"[^0-9]")


def names() -> tuple[str, ...]:
    """The validators a rule may name: the public functions of this module that answer True or False."""
    module = sys.modules[__name__]
    found = (name for name in dir(module) if not name.startswith("_") and name != "names")
    return tuple(name for name in found if getattr(getattr(module, name), "__annotations__", {}).get("return") == "bool")


def _digits(value: str) -> str:
    return _NOT_DIGIT.sub("", value)


def my_number(value: str) -> bool:
    """Individual number, 12 digits: Ministry of Internal Affairs order 85 of 2014, art. 5; weights 6 to 2, 7 to 2 from the left."""
    digits = _digits(value)
    if len(digits) != 12 or len(set(digits)) == 1:
        return False
    rest = sum(int(d) * w for d, w in zip(digits[:11], (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2), strict=True)) % 11
    return int(digits[11]) == (0 if rest <= 1 else 11 - rest)


def corporate_number(value: str) -> bool:
    """Corporate number, 13 digits, the first a check digit 1 to 9: 9 - (sum of P*Q mod 9), Q = 1, 2, 1, ... from the right."""
    digits = _digits(value)
    if len(digits) != 13:
        return False
    total = sum(int(d) * (1 if place % 2 == 0 else 2) for place, d in enumerate(reversed(digits[1:])))
    return int(digits[0]) == 9 - total % 9


_LICENCE_CODES: Final = frozenset(
    f"{code:02d}"
    for span in (range(10, 15), range(20, 26), (30,), range(40, 50), range(50, 56), range(60, 66), range(70, 75), range(80, 84))
    for code in span
) | frozenset(f"{code:02d}" for code in (*range(90, 98), 0))


def driver_license(value: str) -> bool:
    """Driver's licence, 12 digits: commission code, year, serial, check digit (weights 5 to 2, 7 to 2; 11 -> 1, 10 -> 0), reissues."""
    digits = _digits(value)
    if len(digits) != 12 or digits[:2] not in _LICENCE_CODES or len(set(digits)) == 1:
        return False
    rest = sum(int(d) * w for d, w in zip(digits[:10], (5, 4, 3, 2, 7, 6, 5, 4, 3, 2), strict=True)) % 11
    return int(digits[10]) == (11 - rest) % 10


def pension_number(value: str) -> bool:
    """Basic pension number, 4-6 digits; no published check digit, but never all the same."""
    digits = _digits(value)
    return len(digits) == 10 and len(set(digits)) > 1


_INSURER_LAWS: Final = frozenset(("01", "02", "03", "04", "06", "07", "31", "32", "33", "34", "39", "63", "67", "72", "73", "74", "75"))


def insurer_number(value: str) -> bool:
    """Health insurer number: 8 digits (law 2, prefecture 2, insurer 3, check) or 6 (national health, no law). Luhn-like check digit."""
    digits = _digits(value)
    if len(digits) not in (6, 8) or (len(digits) == 8 and digits[:2] not in _INSURER_LAWS):
        return False
    prefecture = int(digits[-6:-4])
    return 1 <= prefecture <= 47 and luhn(digits)


def public_payer_number(value: str) -> bool:
    """Number of a public payer of medical costs: 8 digits (law 2, prefecture 2, payer 3, check), checked as an insurer's number is."""
    digits = _digits(value)
    return len(digits) == 8 and 1 <= int(digits[2:4]) <= 47 and luhn(digits)


def public_recipient_number(value: str) -> bool:
    """Number of somebody whose medical costs a public payer bears: 6 digits and a check digit, made as that of an insurer's number."""
    digits = _digits(value)
    return len(digits) == 7 and luhn(digits)


def not_all_same(value: str) -> bool:
    """For numbers without a published check digit: more than one digit occurs in it."""
    return len(set(_digits(value))) > 1


_IBAN_LENGTHS: Final = {  # SWIFT's registry of IBANs, release 99
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BR": 29, "BY": 28, "CH": 21, "CR": 22,
    "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "DO": 28, "EE": 20, "EG": 29, "ES": 24, "FI": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22,
    "GI": 23, "GL": 18, "GR": 27, "GT": 28, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30,
    "KZ": 20, "LB": 28, "LC": 32, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MR": 27,
    "MT": 31, "MU": 30, "NL": 18, "NO": 15, "PK": 24, "PL": 28, "PS": 29, "PT": 25, "QA": 29, "RO": 24, "RS": 22, "SA": 24, "SC": 31,
    "SE": 24, "SI": 19, "SK": 24, "SM": 27, "ST": 25, "SV": 28, "TL": 23, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20,
}  # fmt: skip


def iban(value: str) -> bool:
    """International bank account number: the country's length, and ISO/IEC 7064 mod 97-10 over the rearranged letters and digits."""
    plain = value.replace(" ", "").upper()
    if not plain.isascii() or not plain.isalnum() or len(plain) != _IBAN_LENGTHS.get(plain[:2], 0):
        return False
    return int("".join(str(int(char, 36)) for char in plain[4:] + plain[:4])) % 97 == 1


def nhs_number(value: str) -> bool:
    """National Health Service number, 10 digits: weights 10 to 2, 11 less the remainder by 11; 10 is never given out, 11 is 0."""
    digits = _digits(value)
    if len(digits) != 10 or len(set(digits)) == 1:
        return False
    check = 11 - sum(int(d) * w for d, w in zip(digits[:9], range(10, 1, -1), strict=True)) % 11
    return check != 10 and int(digits[9]) == check % 11


def luhn(value: str) -> bool:
    """ISO/IEC 7812-1 annex B: every second digit from the right doubled, digits summed, total divisible by ten."""
    digits = _digits(value)
    if not digits or len(set(digits)) == 1:
        return False
    total = 0
    for place, digit in enumerate(reversed(digits)):
        number = int(digit) * (2 if place % 2 else 1)
        total += number - 9 if number > 9 else number
    return total % 10 == 0


_ISSUERS: Final = (  # prefix range, lengths (ISO/IEC 7812 issuer identification ranges in public use)
    (re.compile(r"4"), (13, 16, 19)),  # Visa
    (re.compile(r"5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720"), (16,)),  # Mastercard
    (re.compile(r"3[47]"), (15,)),  # American Express
    (re.compile(r"35(2[89]|[3-8])"), (16, 17, 18, 19)),  # JCB
    (re.compile(r"30[0-5]|309|3[689]"), (14, 16, 19)),  # Diners Club
    (re.compile(r"6011|64[4-9]|65"), (16, 19)),  # Discover
    (re.compile(r"62|81"), (16, 17, 18, 19)),  # UnionPay
    (re.compile(r"50|5[6-9]|6[0-9]"), (12, 13, 14, 15, 16, 17, 18, 19)),  # Maestro
)


def credit_card(value: str) -> bool:
    """Luhn's check digit, and a length that an issuer of that prefix uses."""
    digits = _digits(value)
    known = any(prefix.match(digits) and len(digits) in lengths for prefix, lengths in _ISSUERS[:-1])
    maestro = len(digits) == 16 and _ISSUERS[-1][0].match(digits) is not None
    return (known or maestro) and luhn(digits)


def us_ssn(value: str) -> bool:
    """Social security number: area not 000, 666 or 9xx, group not 00, serial not 0000 (SSA, 2011 randomisation); no advertised ones."""
    digits = _digits(value)
    if len(digits) != 9 or digits in ("078051120", "219099999", "123456789"):
        return False
    area, group, serial = digits[:3], digits[3:5], digits[5:]
    return area not in ("000", "666") and area[0] != "9" and group != "00" and serial != "0000" and len(set(digits)) > 1


def _mrz_check(field: str) -> int:
    total = 0
    for place, char in enumerate(field):
        number = 0 if char == "<" else int(char, 36)
        total += number * (7, 3, 1)[place % 3]
    return total % 10


def passport_mrz(value: str) -> bool:
    """Second line of a passport's machine-readable zone (ICAO 9303-4): check digits of number, birth, expiry, and the whole."""
    line = value.upper()
    if len(line) != 44:
        return False
    try:
        parts = ((line[0:9], line[9]), (line[13:19], line[19]), (line[21:27], line[27]))
        good = all(_mrz_check(field) == int(check) for field, check in parts)
        whole = line[0:10] + line[13:20] + line[21:43]
        return good and _mrz_check(whole) == int(line[43])
    except ValueError:
        return False


_ERAS: Final = {"明治": 1867, "大正": 1911, "昭和": 1925, "平成": 1988, "令和": 2018, "M": 1867, "T": 1911, "S": 1925, "H": 1988, "R": 2018}
_ERA_DATE: Final = re.compile(
    r"(明治|大正|昭和|平成|令和|[MTSHR])\s*\.?\s*(元|[0-9]{1,2})[年./-]\s*([0-9]{1,2})[月./-]\s*([0-9]{1,2})", re.I
)
_MONTHS: Final = {
    name: number for number, name in enumerate(("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1)
}
_WORD_DATE: Final = re.compile(r"([a-z]{3})[a-z]*\.?", re.I)


def birth_date(value: str) -> bool:
    """A real calendar date between 1868 and today, in Western or Japanese years and any usual order."""
    return any(_is_birth(*parts) for parts in _readings(value))


def _is_birth(year: int, month: int, day: int) -> bool:
    try:
        return date(1868, 1, 1) <= date(year, month, day) <= date(2100, 1, 1)
    except ValueError:
        return False


def _readings(value: str) -> list[tuple[int, int, int]]:
    era = _ERA_DATE.search(value)
    if era:
        year = 1 if era[2] == "元" else int(era[2])
        return [(_ERAS[era[1].upper()] + year, int(era[3]), int(era[4]))]
    word = _WORD_DATE.search(value)
    numbers = [int(part) for part in re.findall(r"[0-9]+", value)]
    if word and word[1].lower() in _MONTHS and len(numbers) == 2:
        return [(_four(numbers[1]), _MONTHS[word[1].lower()], numbers[0])]
    if len(numbers) == 1 and len(str(numbers[0])) == 8:
        digits = str(numbers[0])
        return [(int(digits[:4]), int(digits[4:6]), int(digits[6:]))]
    if len(numbers) != 3:
        return []
    a, b, c = numbers
    if a > 31:
        return [(_four(a), b, c)]
    return [(_four(c), a, b), (_four(c), b, a)]


def _four(year: int) -> int:
    return year if year >= 100 else 1900 + year if year > 30 else 2000 + year


# --------------------------------------------------------------------------- phones


def jp_phone(value: str) -> bool:
    """A Japanese number of a person or office: 0AB-J by the numbering plan, 050, 060 to 090; not freephone or premium lines."""
    digits = _national(value)
    if digits.startswith(("050", "060", "070", "080", "090")):
        return len(digits) == 11 and _groups_fit(value, digits)
    return len(digits) == 10 and not jp_service_phone(digits) and _groups_fit(value, digits) and _jp_area(digits)


def jp_phone_lost_zero(value: str) -> bool:
    """A Japanese number that lost its leading zero, as spreadsheets do to it."""
    return jp_phone("0" + value)


def phone_length(value: str) -> bool:
    """Seven to fifteen digits (ITU-T E.164), not all the same, and no Japanese freephone number."""
    digits = _digits(value)
    return 7 <= len(digits) <= 15 and len(set(digits)) > 1 and not jp_service_phone(value) and not _DATE_SHAPE.fullmatch(value)


_DATE_SHAPE: Final = re.compile(
    r"(?:18|19|20)[0-9]{2}([ ./-])(?:0?[1-9]|1[0-2])\1[0-3]?[0-9]|[0-3]?[0-9]([ ./-])[0-3]?[0-9]\2(?:18|19|20)[0-9]{2}"
)


def jp_service_phone(value: str) -> bool:
    """0120, 0800 (freephone), 0570 (navi dial), 0990 and the like: a line of a company, never of a person."""
    digits = _national(value)
    return (len(digits) == 10 and digits.startswith(("0120", "0570", "0990", "0180", "0170"))) or (
        len(digits) == 11 and digits.startswith("0800")
    )


def _national(value: str) -> str:
    plain = re.sub(r"^\s*(?:\+|00|010-?)\s*81[\s-]*(?:\(0\))?", "0", value)
    digits = _digits(plain)
    return digits[1:] if digits.startswith("00") else digits


def _groups_fit(value: str, digits: str) -> bool:
    """Written groups are those of a phone: the last has four digits, and two digits alone are an area code only as 03, 04 or 06."""
    groups = [part for part in re.split(r"[^0-9]+", value) if part]
    if len(groups) == 1:
        return True
    if len(groups[0]) == 2 and groups[0][0] == "0" and groups[0] not in ("03", "04", "06"):
        return False
    return len(groups[-1]) == 4 or (len(groups) == 2 and len(groups[-1]) in (6, 7, 8))


@lru_cache(maxsize=4096)
def _jp_area(digits: str) -> bool:
    import phonenumbers

    number = phonenumbers.PhoneNumber(country_code=81, national_number=int(digits))
    # made-up numbers of a real area (03-0000-...) count as well: what stands in a list as a phone is one
    return bool(phonenumbers.is_valid_number(number)) or digits[:2] in ("03", "04", "06") or digits[1:3] in _AREA_STARTS


_AREA_STARTS: Final = frozenset(
    f"{start:02d}"
    for span in (range(11, 20), range(22, 30), range(42, 50), range(52, 60), range(72, 80), range(82, 90), range(92, 100))
    for start in span
)


_EXTENSION: Final = re.compile(r"[ ,]*(?:x|extn?|extension)[ .:]*[0-9]+$", re.I)


def nanp_phone(value: str) -> bool:
    """North American Numbering Plan: area code and exchange begin with 2 to 9 and are no N11 service code."""
    digits = _digits(_EXTENSION.sub("", value))
    if len(digits) == 11 and digits[0] == "1":
        digits = digits[1:]
    if len(digits) != 10 or digits[0] in "01" or digits[3] in "01" or digits[1:3] == "11":
        return False
    return len(set(digits)) > 1


def nanp_assigned(value: str) -> bool:
    """A number of the North American plan whose area code is in use (libphonenumber)."""
    return nanp_phone(value) and _possible(_EXTENSION.sub("", value), "US")


def international_phone(value: str) -> bool:
    """A number with its country code, valid in the country's plan (libphonenumber), or of a length it uses if written in groups."""
    plain = _EXTENSION.sub("", value).replace("(0)", "").strip()
    plain = plain if plain.startswith("+") else "+" + _digits(plain)
    return _possible(plain, None) or (len(_GROUPS.findall(plain)) >= 3 and _has_length(plain))


def double_zero_phone(value: str) -> bool:
    """A number that begins with 00 and a country code, valid in the country's plan (libphonenumber)."""
    return not jp_phone(value) and _possible("+" + _digits(value.replace("(0)", ""))[2:], None)


def country_code(value: str) -> bool:
    """A plus sign and an assigned country code (ITU-T E.164, libphonenumber), six to fifteen digits in all."""
    import phonenumbers

    digits = _digits(value)
    known = phonenumbers.COUNTRY_CODE_TO_REGION_CODE
    return 6 <= len(digits) <= 15 and any(int(digits[:length]) in known for length in (1, 2, 3))


_POSTAL: Final = re.compile(r"[0-9]{5}-[0-9]{3,4}|[0-9]{4}-[0-9]{3}|[0-9]{3}-[0-9]{4}|[0-9]{3}-[0-9]{2}-[0-9]{4}")


def phone_in_record(value: str) -> bool:
    """Seven to twelve digits in groups that are no postal code, date or social security number by their form."""
    return len(_digits(value)) <= 12 and phone_length(value) and not _POSTAL.fullmatch(value)


def gb_phone(value: str) -> bool:
    """A British number in national form (Ofcom plan, libphonenumber; mobile numbers of any range, Ofcom's drama numbers among them)."""
    return _possible(value, "GB") or re.fullmatch(r"07[1-9][0-9]{8}", _digits(value)) is not None


@lru_cache(maxsize=4096)
def _possible(value: str, region: str | None) -> bool:
    import phonenumbers

    try:
        number = phonenumbers.parse(value, region)
    except phonenumbers.NumberParseException:
        return False
    return bool(phonenumbers.is_valid_number(number)) or (
        region is None and number.country_code in (1, 81) and bool(phonenumbers.is_possible_number(number))
    )


_GROUPS: Final = re.compile(r"[0-9]+")


@lru_cache(maxsize=4096)
def _has_length(value: str) -> bool:
    import phonenumbers

    try:
        return bool(phonenumbers.is_possible_number(phonenumbers.parse(value)))
    except phonenumbers.NumberParseException:
        return False


# --------------------------------------------------------------------------- e-mail

_FILE_ENDINGS: Final = frozenset(
    ("png", "jpg", "jpeg", "gif", "svg", "webp", "bmp", "ico", "css", "scss", "js", "ts", "jsx", "tsx", "json", "xml", "html", "htm", "php")
) | frozenset(("pdf", "txt", "csv", "yaml", "yml", "gz", "exe", "dll", "tif", "tiff", "avif", "map", "woff", "ttf"))


def email(value: str) -> bool:
    """An address of RFC 5322 in everyday form: lengths of RFC 5321, no doubled or outer dots, a last label that is no file ending."""
    local, _, domain = value.rpartition("@")
    if not local or len(local) > 64 or len(domain) > 253 or ".." in value or local[0] == "." or local[-1] == ".":
        return False
    labels = domain.split(".")
    last = labels[-1].lower()
    if len(labels) < 2 or any(not label or len(label) > 63 or label[0] == "-" or label[-1] == "-" for label in labels):
        return False
    if last in _FILE_ENDINGS:
        return False
    return not last.isascii() or last.startswith("xn--") or (last.isalpha() and 2 <= len(last) <= 24)
