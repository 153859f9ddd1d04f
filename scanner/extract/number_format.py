"""What a spreadsheet's number looks like under its number format, as far as persons are concerned: dates, leading zeros, phones."""

from __future__ import annotations

import datetime
import math
import re

_BUILT_IN_DATES = {*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)}
_QUOTED = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!h+\]|m+\]|s+\])[^\]]*\]', re.IGNORECASE)
_DATE_LETTERS = re.compile(r"[ymdhsg年月日時分秒]|e(?![+\-])|\[[hms]+\]", re.IGNORECASE)
_DAY_LETTERS = re.compile(r"[ydg年月日]|e(?![+\-])", re.IGNORECASE)
_PICTURE = re.compile(r'(?:[0#]|"[^"]*"|\\.|[\-() +])+')
_CONDITION = re.compile(r"\[(<=|>=|<>|<|>|=)(\d+)\]")


def is_date(format_id: int, code: str | None) -> bool:
    """Whether a number format (ECMA-376 part 1, 18.8.30) shows dates or times."""
    if code is None:
        return format_id in _BUILT_IN_DATES
    plain = _QUOTED.sub("", code.partition(";")[0])
    return "General" not in plain and bool(_DATE_LETTERS.search(plain)) and not re.search(r"[0#]", re.sub(r"s\.0+", "", plain))


def plain(text: str) -> str:
    """A number as the file holds it (``9.0123456789E10``, ``3.0``) in digits, at most 15 of them significant, as Excel shows."""
    if text.isdecimal():
        return text
    try:
        number = float(text)
    except ValueError:
        return text
    if not math.isfinite(number) or abs(number) >= 1e21:
        return text
    if number == int(number):
        return str(int(number))
    return f"{number:.15g}"


def date_text(text: str, code: str | None, *, epoch_1904: bool = False) -> str:
    """An Excel serial number as ``yyyy-mm-dd``, with ``hh:mm:ss`` if it has a time; the number itself if it is no date."""
    try:
        serial = float(text)
    except ValueError:
        return text
    if not 0 <= serial < 2_958_466:  # 9999-12-31
        return plain(text)
    seconds = round((serial - math.floor(serial)) * 86_400)
    time = str(datetime.timedelta(seconds=seconds % 86_400)).rjust(8, "0")
    if serial < 1 or (code is not None and not _DAY_LETTERS.search(_QUOTED.sub("", code))):
        return time if serial < 1 else plain(text)
    days = math.floor(serial) + (seconds == 86_400)
    first = datetime.date(1899, 12, 30 if days > 60 else 31)  # Excel takes 1900 for a leap year
    origin = datetime.date(1904, 1, 1) if epoch_1904 else first
    day = (origin + datetime.timedelta(days=days)).isoformat()
    return f"{day} {time}" if seconds % 86_400 else day


def pictured(text: str, code: str) -> str:
    """Digits under a picture of digits: ``000-0000`` makes 1500001 the postal code 150-0001, zeros at the front come back.

    Formats that are no such picture (decimals, thousands, currency) leave the digits plain.
    """
    digits = plain(text)
    section = _section(digits, code)
    if not digits.isdecimal() or section is None or "0" not in section or not _PICTURE.fullmatch(section):
        return digits
    marks = re.findall(r'[0#]|"[^"]*"|\\.|.', section)
    left = list(digits)
    shown: list[str] = []
    slots = sum(mark in "0#" for mark in marks)
    for mark in reversed(marks):
        if mark in ("0", "#"):
            slots -= 1
            taken = "".join(left) if not slots else left[-1:]
            left = left[:-1] if slots else []
            shown.append("".join(taken) or ("0" if mark == "0" else ""))
        else:
            shown.append(mark.strip('"') if mark[0] == '"' else mark[-1])
    return "".join(reversed(shown)).strip()


def _section(digits: str, code: str) -> str | None:
    """The part of a format that goes for this number: sections may carry conditions (``[<=99999999]####-####;...``)."""
    for section in code.split(";"):
        condition = _CONDITION.match(section)
        if condition is None:
            return re.sub(r"^\[[^\]]*\]", "", section)
        if not digits.isdecimal():
            return None
        number, limit = int(digits), int(condition[2])
        tests = {"<=": number <= limit, ">=": number >= limit, "<": number < limit, ">": number > limit, "=": number == limit}
        if tests.get(condition[1], number != limit):
            return section[condition.end() :]
    return None
