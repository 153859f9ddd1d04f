"""What may be shown of a value: its shape, and none of its characters.

| in the value | in the mask |
|---|---|
| a digit | ``#`` |
| a letter, Latin or any other alphabet | ``*`` |
| kanji | ``○`` |
| hiragana, katakana | ``△`` |
| blanks, also line ends | one blank |
| ``- . , / ( ) : + @ _ 〒 ・`` | stays |
| anything else: controls, direction marks, symbols | ``·`` |

Kept besides: an e-mail's top-level domain if it is one of everybody's (``.com``, ``.jp``), a closing 様 of a name, 年月日 of a date and
丁目, 番地, 番, 号 straight after a number of an address. A mask has at most 80 characters.
"""

from __future__ import annotations

import re
import unicodedata

MAX_LENGTH = 80

_KEPT = frozenset("-.,/():+@_〒・")
_TLD = re.compile(r"\.(?:com|net|org|edu|gov|int|info|biz|example|[a-z]{2})$", re.IGNORECASE)
_BLOCK = re.compile(r"丁目|番地|番|号")
_DASHES = frozenset("‐‑‒–—―−─ー")


def mask(entity_type: str, value: str) -> str:
    """The shape of `value`. No character of it survives but separators, and the few words the module's table names."""
    text = unicodedata.normalize("NFKC", value[: 8 * MAX_LENGTH]).strip()
    shape = _MASKS.get(entity_type, _shape)(text)
    return shape if len(shape) <= MAX_LENGTH else shape[: MAX_LENGTH - 1] + "…"


_MASK = re.compile(r"(?:[-.,/():+@_〒・ #*○△·…]|年|月|日|丁目|番地|番|号|様$)*")


def is_mask(text: str) -> bool:
    """Whether `text` could have come from `mask`: placeholders, separators and the words that masks keep, nothing else."""
    tld = _TLD.search(text) if "@" in text else None
    return len(text) <= MAX_LENGTH and _MASK.fullmatch(text[: tld.start()] if tld else text) is not None


def _shape(text: str) -> str:
    return "".join(map(_symbol, text))


def _symbol(c: str) -> str:
    if c in _KEPT:
        return c
    if c.isspace():
        return " "
    kind = unicodedata.category(c)
    if kind[0] == "N":
        return "#" if kind == "Nd" else "·"
    if "\u3041" <= c <= "\u30ff":
        return "△"
    if c in "々〆〇" or "\u3400" <= c <= "\u9fff" or "\uf900" <= c <= "\ufaff" or "\U00020000" <= c <= "\U0003ffff":
        return "○"
    if kind[0] == "L":
        return "*"
    return "" if kind[0] == "M" else "·"


def _email(text: str) -> str:
    """``*****.****@*******.**.jp``"""
    tld = _TLD.search(text) if "@" in text else None
    return _shape(text[: tld.start()]) + tld.group().lower() if tld else _shape(text)


def _digits(text: str) -> str:
    """Numbers are dashed with whatever the keyboard gives; each is shown as ``-``."""
    return "".join("-" if c in _DASHES else _symbol(c) for c in text)


def _person(text: str) -> str:
    return _shape(text[:-1]) + "様" if len(text) > 1 and text.endswith("様") else _shape(text)


_WORD = re.compile("([A-Za-z]{2,})")
_YEAR_MONTH_DAY = re.compile("(?<![年月日])([年月日])|.", re.DOTALL)


def _date(text: str) -> str:
    """An English month loses its length too, since May gives itself away by it."""
    parts = _WORD.split(text)
    return "".join(
        "***" if odd % 2 else _YEAR_MONTH_DAY.sub(lambda m: m[0] if m[1] else _symbol(m[0]), part) for odd, part in enumerate(parts)
    )


def _address(text: str) -> str:
    shown: list[str] = []
    at = 0
    while at < len(text):
        block = _BLOCK.match(text, at) if at and text[at - 1].isdigit() else None
        shown.append(block.group() if block else "-" if text[at] in _DASHES and shown[-1:] == ["#"] else _symbol(text[at]))
        at = block.end() if block else at + 1
    return "".join(shown)


_MASKS = {
    "EMAIL_ADDRESS": _email,
    "PERSON": _person,
    "ADDRESS": _address,
    "DATE_OF_BIRTH": _date,
    "PHONE_NUMBER": _digits,
    "FAX_NUMBER": _digits,
    "JP_POSTAL_CODE": _digits,
    "CREDIT_CARD": _digits,
    "JP_MY_NUMBER": _digits,
}
