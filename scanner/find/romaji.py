"""Japanese readings in Latin letters: the spellings people use for a reading in katakana, and the readings a spelling can be of.

Hepburn and Kunrei-shiki (Cabinet notice 1 of 1954, tables 1 and 2), word-processor spelling, and passport habits: long vowels dropped,
doubled, as `ou` or as `oh` (Ministry of Foreign Affairs, passport romanisation). Macrons and circumflexes need no spelling of their own:
the plain form of a name has lost them.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from typing import Final

_ROWS: Final = (
    ("アイウエオ", " ".join("aiueo")),
    ("カキクケコ", "ka ki ku ke ko"),
    ("ガギグゲゴ", "ga gi gu ge go"),
    ("サシスセソ", "sa shi,si su se so"),
    ("ザジズゼゾ", "za ji,zi zu ze zo"),
    ("タチツテト", "ta chi,ti tsu,tu te to"),
    ("ダヂヅデド", "da ji,zi,di zu,zu,du de do"),
    ("ナニヌネノ", "na ni nu ne no"),
    ("ハヒフヘホ", "ha hi fu,hu he ho"),
    ("バビブベボ", "ba bi bu be bo"),
    ("パピプペポ", "pa pi pu pe po"),
    ("マミムメモ", "ma mi mu me mo"),
    ("ラリルレロ", "ra ri ru re ro"),
    ("ヤユヨワヰヱヲヴ", "ya yu yo wa i e o vu"),
)
_GLIDES: Final = {
    "キ": "ky", "ギ": "gy", "シ": "sh,sy", "ジ": "j,zy,jy", "チ": "ch,ty,cy", "ヂ": "j,zy", "ニ": "ny", "ヒ": "hy", "ビ": "by",
    "ピ": "py", "ミ": "my", "リ": "ry",
}  # fmt: skip
_SMALL: Final = {"ャ": "a", "ュ": "u", "ョ": "o", "ェ": "e"}
_FOREIGN: Final = {"ファ": "fa", "フィ": "fi", "フェ": "fe", "フォ": "fo", "ティ": "ti", "ディ": "di", "ウィ": "wi", "ウェ": "we"}


def _table() -> Mapping[str, tuple[str, ...]]:
    """Morae of one or two katakana -> their spellings, Hepburn first, Kunrei second where it differs."""
    table: dict[str, tuple[str, ...]] = {}
    for kana, spellings in _ROWS:
        table |= {mora: tuple(each.split(",")) for mora, each in zip(kana, spellings.split(), strict=True)}
    for kana, stems in _GLIDES.items():
        table |= {kana + small: tuple(stem + vowel for stem in stems.split(",")) for small, vowel in _SMALL.items()}
    return table | {kana: (latin,) for kana, latin in _FOREIGN.items()}


_MORAE: Final = _table()
_LONG: Final = {"o": "ウオ", "u": "ウ", "a": "ア", "i": "イ", "e": "エ"}
"""Vowel -> the kana that make it long."""

_STYLES: Final = ("dropped", "written", "doubled", "oh")
_MOST: Final = 24  # spellings of one part of a name


def spellings(reading: str) -> list[str]:
    """Latin spellings of a reading in katakana, in small letters, the most usual first; empty if it is no reading."""
    morae = _cut(reading)
    if morae is None:
        return []
    found = {
        _written(morae, system, style, n)
        for system, style, n in itertools.product((0, 1, 2), _STYLES, ("n", "m", "n'", "n-"))
        if n in ("n", "m") or "ン" in morae
    }
    first = _written(morae, 0, "dropped", "n")
    return [first, *sorted(found - {first}, key=lambda word: (len(word), word))][:_MOST]


def _cut(reading: str) -> list[str] | None:
    morae: list[str] = []
    at = 0
    while at < len(reading):
        pair = reading[at : at + 2]
        if len(pair) == 2 and pair in _MORAE:
            morae.append(pair)
        elif reading[at] in _MORAE or (reading[at] in "ンッー" and (at or reading[at] == "ン")):
            morae.append(reading[at])
        else:
            return None
        at += len(morae[-1])
    return morae


def _written(morae: list[str], system: int, style: str, n: str) -> str:
    """`n`: how ン is written, `m` before b, m, p and `n'`, `n-` before a vowel or y."""
    text = ""
    doubled = False
    for mora, after in zip(morae, [*morae[1:], ""], strict=True):
        if mora == "ッ":
            doubled = True
        elif mora == "ン":
            following = _latin(after, system)[:1]
            text += n if (n == "m" and following in ("b", "m", "p")) or (n[1:] and following and following in "aiueoy") else "n"
        elif mora == "ー" or (text and mora in _LONG.get(text[-1], "") and not doubled):
            text += _long(text[-1], mora, style, last=not after)
        else:
            latin = _latin(mora, system)
            if doubled:
                latin = ("t" if latin.startswith("ch") and system == 0 else latin[0]) + latin
            text, doubled = text + latin, False
    return text


def _latin(mora: str, system: int) -> str:
    known = _MORAE.get(mora, ("",))
    return known[min(system, len(known) - 1)]


def _long(vowel: str, mora: str, style: str, *, last: bool) -> str:
    """What is added to a vowel for its second half. Long a, i and e are usually written out (Iida, Niiyama)."""
    if style == "oh":
        return "h" if vowel == "o" else _long(vowel, mora, "dropped", last=last)
    if style == "dropped":
        return vowel if vowel in "aie" and mora != "ー" else ""
    if style == "doubled" or mora == "ー":
        return vowel
    return "u" if mora == "ウ" else vowel


# --------------------------------------------------------------------------- from Latin letters

_STEPS: Final = 500  # readings that one spelling is followed through


def readings(word: str) -> Iterator[str]:
    """Readings in katakana that a Latin spelling (small letters) can be of, whether or not some name is read so."""
    by_latin = _by_latin()
    stack = [("", word.replace("'", "").replace("-", ""))]
    given = 0
    while stack and given < _STEPS:
        done, rest = stack.pop()
        if not rest:
            given += 1
            yield done
            continue
        stack.extend((done + kana, rest[cut:]) for kana, cut in _next(rest, by_latin, bool(done)))


def _by_latin() -> Mapping[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for kana, spelled in _MORAE.items():
        if kana not in ("ヰ", "ヱ", "ヲ"):
            for latin in dict.fromkeys(spelled):
                found.setdefault(latin, []).append(kana)
    return {latin: tuple(kana) for latin, kana in found.items()}


def _next(rest: str, by_latin: Mapping[str, tuple[str, ...]], begun: bool) -> Iterator[tuple[str, int]]:
    """(katakana, Latin letters it takes) with which `rest` can begin. Long vowels that are not written are tried too."""
    if begun and re.match(r"([kstpgzdbjcfh])\1|tch", rest):
        yield "ッ", 1
    if rest[0] == "n":  # before a vowel as well: Junichi
        yield "ン", 1
    if begun and rest[0] == "m" and rest[1:2] in ("b", "m", "p"):
        yield "ン", 1
    for length in (1, 2, 3, 4):
        for kana in by_latin.get(rest[:length], ()) if len(rest) >= length else ():
            vowel = rest[length - 1]
            yield kana, length
            for long in _LONG[vowel] if vowel in "ou" else ():
                yield kana + long, length
                if vowel == "o" and rest[length : length + 1] == "h" and rest[length + 1 : length + 2] not in tuple("aiueoy"):
                    yield kana + long, length + 1
                if vowel == "o" and rest[length : length + 1] == "o" and long == "ウ":
                    yield kana + long, length + 1
