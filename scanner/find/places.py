"""The ways an address is written, beyond what its plain form makes one: with and without the building, the room as one more number, words
of English addresses short and long.

The plain form (`scanner.redact.normalise`) leaves out postal code, prefecture and blanks, and makes block numbers `1-2-3`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from scanner.redact import normalise

_BLOCK: Final = re.compile(r"^(?P<place>.*?[^\d-])(?P<numbers>\d+(?:-\d+)*)(?P<building>\D.*)?$", re.DOTALL)
_ROOM: Final = re.compile(r"^(?P<name>.*?)(?P<room>\d{1,5})(?:号室|号|室|f|階)?$", re.DOTALL)
_LEFT_OUT: Final = re.compile("大字|字(?=[一-鿿])")
_COUNTRY: Final = re.compile(r"[\s,]+(?:u\.?s\.?a?|united states(?: of america)?|u\.?k|united kingdom|england|japan)\.?\s*$", re.IGNORECASE)
_ZIP: Final = re.compile(r"[\s,]+(?:\d{5}(?:-\d{4})?|[A-Z]{1,2}\d[A-Z\d]?\s*\d[A-Z]{2})\s*$", re.IGNORECASE)
_SHORT: Final = {
    "street": "st", "avenue": "ave", "road": "rd", "boulevard": "blvd", "drive": "dr", "lane": "ln", "court": "ct", "place": "pl",
    "square": "sq", "terrace": "ter", "highway": "hwy", "parkway": "pkwy", "apartment": "apt", "suite": "ste", "floor": "fl",
    "north": "n", "south": "s", "east": "e", "west": "w",
}  # fmt: skip
"""Street suffixes and secondary units of the US Postal Service, Publication 28, appendices C1 and C2, as far as they are usual."""
_LONG: Final = {short: long for long, short in _SHORT.items()}
_WORD: Final = re.compile(r"[A-Za-z]+\.?")


def forms(address: str) -> list[str]:
    """Plain forms of an address, the given one first."""
    plain = normalise("ADDRESS", address)
    more = _japanese(plain) if re.search("[\u3040-\u9fff]", plain) else _english(address)
    return list(dict.fromkeys(form for form in (plain, *more) if form))


def is_whole(plain: str) -> bool:
    """Does it tell a house, not only a town? A plain form without a number is a place where thousands live."""
    return bool(re.search(r"\d", plain))


def _japanese(plain: str) -> Iterator[str]:
    shorter = _LEFT_OUT.sub("", plain)
    for base in dict.fromkeys((plain, shorter)):
        yield base
        block = _BLOCK.match(base)
        if block is None:
            continue
        outside, building = block["place"] + block["numbers"], block["building"]
        yield outside
        if building and (room := _ROOM.match(building)):
            yield f"{outside}-{room['room']}"
            yield from (outside + name + room["room"] + end for name in (room["name"],) for end in ("", "号室", "号", "室"))
            yield outside + room["name"] if room["name"] else outside
        elif not building and block["numbers"].count("-") == 3:  # 1-2-3-405: the last may be the room
            yield outside.rpartition("-")[0]


def _english(address: str) -> Iterator[str]:
    text = address.strip()
    bare = _COUNTRY.sub("", text)
    for base in dict.fromkeys((text, bare, _ZIP.sub("", bare))):
        yield from (normalise("ADDRESS", form) for form in (base, _swapped(base, _SHORT), _swapped(base, _LONG)))


def _swapped(address: str, table: dict[str, str]) -> str:
    """Every word of the table by its other spelling."""
    return _WORD.sub(lambda word: table.get(word[0].rstrip(".").lower(), word[0]), address)
