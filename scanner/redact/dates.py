"""Dates as people write them in Japan and in English, as ISO 8601."""

from __future__ import annotations

import datetime
import re
import unicodedata

from scanner.redact.kanji import number

_ERAS = {"明治": 1867, "大正": 1911, "昭和": 1925, "平成": 1988, "令和": 2018}
_ERA_YEARS = _ERAS | {k[0]: v for k, v in _ERAS.items()} | dict(zip("mtshr", _ERAS.values(), strict=True))
_MONTHS = {m: i for i, m in enumerate(("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1)}
_KANJI_RUN = re.compile(r"[〇零一二三四五六七八九十百千]+(?=[年月日])")
_TIME = re.compile(r"(?:t|\s+)[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]*)?)?\s*(?:z|[+-][0-9]{2}:?[0-9]{2})?$")
_WEEKDAY = re.compile(r"\([日月火水木金土]\)$|^(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?[.,]?\s+")

_YMD = re.compile(r"([0-9]{4})\s*(?:年|[-/.\s])\s*([0-9]{1,2})\s*(?:月|[-/.\s])\s*([0-9]{1,2})\s*日?")
_ERA = re.compile(
    rf"({'|'.join(_ERAS)}|[明大昭平令]|[mtshr])\s*\.?\s*([0-9]{{1,2}}|元)\s*(?:年|[-/.\s])\s*([0-9]{{1,2}})\s*(?:月|[-/.\s])\s*([0-9]{{1,2}})\s*日?"
)
_COMPACT = re.compile(r"((?:18|19|20)[0-9]{2})([0-9]{2})([0-9]{2})")
_MDY = re.compile(r"([0-9]{1,2})[-/.]([0-9]{1,2})[-/.]([0-9]{4})")
_NAMED_MDY = re.compile(r"([a-z]{3,9})\.?\s+([0-9]{1,2})(?:st|nd|rd|th)?,?\s+([0-9]{4})")
_NAMED_DMY = re.compile(r"([0-9]{1,2})(?:st|nd|rd|th)?[\s-]+([a-z]{3,9})\.?,?[\s-]+([0-9]{4})")


def iso(value: str) -> str:
    """``YYYY-MM-DD`` of `value` (NFKC already); what is no date of the calendar: case-folded, without blanks.

    Western years, the five eras since Meiji by name or letter (元 is year 1), kanji digits, compact ``YYYYMMDD``, English months.
    ``1/2/1990`` is read month first unless that cannot be.
    """
    text = _TIME.sub("", " ".join(unicodedata.normalize("NFKC", value).casefold().split()))
    text = _KANJI_RUN.sub(lambda m: number(m.group()), _WEEKDAY.sub("", text)).strip()
    date = _ymd(text) or _era(text) or _month_first(text) or _named(text)
    return date.isoformat() if date else "".join(unicodedata.normalize("NFKC", value).casefold().split())


def _date(year: int, month: int, day: int) -> datetime.date | None:
    try:
        return datetime.date(year, month, day)
    except ValueError:
        return None


def _ymd(text: str) -> datetime.date | None:
    match = _YMD.fullmatch(text) or _COMPACT.fullmatch(text)
    return _date(*map(int, match.groups())) if match else None


def _era(text: str) -> datetime.date | None:
    match = _ERA.fullmatch(text)
    if not match:
        return None
    era, year, month, day = match.groups()
    return _date(_ERA_YEARS[era] + (1 if year == "元" else int(year)), int(month), int(day))


def _month_first(text: str) -> datetime.date | None:
    match = _MDY.fullmatch(text)
    if not match:
        return None
    first, second, year = map(int, match.groups())
    return _date(year, first, second) or _date(year, second, first)


def _named(text: str) -> datetime.date | None:
    if match := _NAMED_MDY.fullmatch(text):
        month, day, year = match.groups()
    elif match := _NAMED_DMY.fullmatch(text):
        day, month, year = match.groups()
    else:
        return None
    return _date(int(year), _MONTHS[month[:3]], int(day)) if month[:3] in _MONTHS else None
