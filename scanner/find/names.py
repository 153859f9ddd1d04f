"""The ways a person's name is written: what the index's own plain form does not already bring together, so that the query has to.

The plain form (`scanner.redact.normalise`) makes one of blanks, honorifics, old forms of kanji, hiragana and katakana, widths, case,
accents and the order of names in Latin letters. Here come readings, kanji for a reading, systems of romanisation, and middle names.
"""

from __future__ import annotations

import gzip
import itertools
import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cached_property
from importlib.resources import files
from typing import Final

from detectors.names_data import JapaneseNames
from scanner.find.romaji import readings, spellings
from scanner.redact import normalise

EXACT, VARIANT, READING, LATIN, MIDDLE, KANJI = "exact", "variant", "reading", "latin", "middle", "kanji"
"""How a form was come by: as given; with a character people confuse; its kana; its kana in Latin letters; without, or with the initial
of, a middle name; kanji that can be read so."""

MOST_SPLITS = 4  # of a name without a blank into surname and given name
MOST_READINGS = 12  # of a surname with a given name
MOST_COMPOSED = 4  # readings of a given name that no dictionary lists
MOST_KANJI = 4_000  # spellings of a reading


_CONFUSED: Final = ("斎", "斉")
"""Two characters of surnames that the table of old forms rightly keeps apart, and letters do not."""

_KANA: Final = re.compile("[ァ-ヺー]+")
_WORD: Final = re.compile(r"[a-z][a-z'\-]*")
_HONORIFIC: Final = re.compile(r"(?<=.)[\s　]*(?:様|さま|サマ|さん|サン|氏|殿)[\s　]*$")
_TITLE: Final = re.compile(r"^(?:(?:mr|mrs|ms|miss|mx|dr|prof|sir)(?:\.\s*|\s+)(?=\S))+", re.IGNORECASE)
_BLANK: Final = re.compile(r"[\s　・･.,、，=＝·•]+")


class Names:
    """Expands names. Building it opens the dictionary, about 0.1 s; holds nothing of what it was asked."""

    @cached_property
    def _japanese(self) -> JapaneseNames:
        return JapaneseNames()

    def forms(self, name: str) -> dict[str, str]:
        """Plain form -> how it was come by, the given one first. Forms in kanji for a reading are not among them: see `kanji`."""
        found = {normalise("PERSON", name): EXACT}
        for plain, how in self._expanded(name):
            if plain:
                found.setdefault(plain, how)
        return found

    def is_whole(self, name: str) -> bool:
        """Does it hold a given name beside the surname, as far as can be seen?"""
        parts = _parts(name)
        if len(parts) != 1:
            return len(parts) > 1
        word = parts[0]
        if _KANA.fullmatch(word):
            return next(self._japanese.read(word), None) is not None
        return len(word) > 2 and not _WORD.fullmatch(word) and not self._japanese.spoken(word, "姓")

    def kanji(self, name: str) -> dict[str, str]:
        """Spellings in kanji of a name given in kana or Latin letters; thousands of them, so good only beside something else."""
        found: dict[str, str] = {}
        for surname, given in self._spoken(name):
            for written in itertools.product(self._written("surname", surname), self._written("given", given)):
                found.setdefault(normalise("PERSON", "".join(written)), KANJI)
                if len(found) >= MOST_KANJI:
                    return found
        return found

    # ------------------------------------------------------------------ from what was given

    def _expanded(self, name: str) -> Iterator[tuple[str, str]]:
        parts = _parts(name)
        if not parts:
            return
        if all(_WORD.fullmatch(part) for part in parts):
            spoken = list(self._spoken(name))
            yield from () if spoken else _western(parts)
            yield from ((normalise("PERSON", "".join(pair)), READING) for pair in spoken)
            yield from ((plain, LATIN) for pair in spoken for plain in _latin(*pair))
        elif all(_KANA.fullmatch(part) for part in parts):
            pairs = list(self._spoken(name))
            yield from ((normalise("PERSON", "".join(each)), VARIANT) for pair in pairs for each in _same_sound(*pair))
            yield from ((plain, LATIN) for pair in pairs for plain in _latin(*pair))
        else:
            whole = "".join(parts)
            plain = normalise("PERSON", whole)
            for old, new in (_CONFUSED, _CONFUSED[::-1]):
                if old in plain:
                    yield plain.replace(old, new), VARIANT
            if len(parts) == 1 and len(whole) <= 2 and (bare := self._japanese.spoken(whole, "姓")):
                yield from ((reading, READING) for reading in sorted(bare))
                yield from ((word, LATIN) for reading in sorted(bare) for word in spellings(reading))
                return
            pairs = list(dict.fromkeys(itertools.islice(self._read(parts), MOST_READINGS)))
            yield from ((normalise("PERSON", "".join(each)), READING) for pair in pairs for each in _same_sound(*pair))
            yield from ((plain, LATIN) for pair in pairs for plain in _latin(*pair))

    def _spoken(self, name: str) -> Iterator[tuple[str, str]]:
        """(surname, given name) in katakana of a name in kana or Latin letters."""
        parts = _parts(name)
        known = self._japanese
        if parts and all(_KANA.fullmatch(part) for part in parts):
            if len(parts) == 2:
                yield parts[0], parts[1]
                if parts[1] in known.surname_readings and parts[0] in known.given_readings:
                    yield parts[1], parts[0]
            elif len(parts) == 1:
                yield from itertools.islice(known.read(parts[0]), MOST_SPLITS)
        elif len(parts) == 2 and all(_WORD.fullmatch(part) for part in parts):
            for surname, given in (parts, parts[::-1]):
                yield from itertools.product(
                    dict.fromkeys(r for r in readings(surname) if r in known.surname_readings),
                    dict.fromkeys(r for r in readings(given) if r in known.given_readings),
                )

    def _read(self, parts: list[str]) -> Iterator[tuple[str, str]]:
        """Readings of a name in kanji (and kana)."""
        pairs = [(parts[0], parts[1])] if len(parts) == 2 else list(self._splits("".join(parts)))
        for surname, given in pairs:
            yield from itertools.product(self._readings(surname, "姓"), self._readings(given, "名"))

    def _splits(self, whole: str) -> Iterator[tuple[str, str]]:
        """Where both halves are known names, best first: two characters of surname are the most usual."""
        cuts = sorted(range(1, len(whole)), key=lambda cut: (abs(cut - 2), cut))
        known = [(whole[:cut], whole[cut:]) for cut in cuts if self._is(whole[:cut], "姓") and self._is(whole[cut:], "名")]
        yield from known[:MOST_SPLITS]

    def _is(self, text: str, kind: str) -> bool:
        return bool(self._japanese.spoken(text, kind)) or _KANA.fullmatch(_katakana(text)) is not None

    def _readings(self, text: str, kind: str) -> list[str]:
        """How a part is read as a name; a part that no dictionary lists, as its words are."""
        if _KANA.fullmatch(_katakana(text)):
            return [_katakana(text)]
        found = sorted(self._japanese.spoken(text, kind))
        if kind == "名":
            found += [reading for reading in self._composed(text) if reading not in found]
        if not found:
            tokens = self._japanese.dictionary.tokenizer().tokenize(text)
            read = "".join(token.reading_form() for token in tokens)
            found = [read] if _KANA.fullmatch(read) else []
        return found

    def _composed(self, given: str) -> list[str]:
        """Readings that the listed given names suggest for one of several kanji: of the first as other names begin, of the rest as others
        end (陽翔 as 陽斗 and 大翔 are read: ハルト). Parents are free in this, and dictionaries late."""
        if not re.fullmatch("[一-鿿々]{2,3}", given):
            return []
        text = self._spellings["given"]
        begins = _tight(self._read_so(text, rf"{given[0]}[一-鿿々]{{1,2}}"), first=True)
        ends = _tight(self._read_so(text, rf"[一-鿿々]{{1,2}}{given[1:]}"), first=False)
        found = {
            one + other: count * times
            for one, count in begins.items()
            for other, times in ends.items()
            if one + other in self._japanese.given_readings
        }
        return sorted(found, key=lambda reading: -found[reading])[:MOST_COMPOSED]

    @staticmethod
    def _read_so(text: str, pattern: str) -> list[str]:
        """Readings of the names of this shape, one for each name."""
        found = []
        for match in re.finditer(rf"(?<=[\t ]){pattern}(?=[ \n])", text):
            start = text.rfind("\n", 0, match.start()) + 1
            found.append(text[start : text.index("\t", start)])
        return found

    @cached_property
    def _spellings(self) -> dict[str, str]:
        """Section -> its lines as one text: of 75,000 lines a search wants two."""
        data = gzip.decompress((files("detectors") / "data" / "spellings_ja.txt.gz").read_bytes()).decode()
        surnames, _, given = data.partition("[given]\n")
        return {"surname": surnames, "given": "\n" + given}

    def _written(self, section: str, reading: str) -> list[str]:
        text = self._spellings[section]
        at = text.find(f"\n{reading}\t")
        return [] if at < 0 else text[at + len(reading) + 2 : text.index("\n", at + 1)].split(" ")


# --------------------------------------------------------------------------- pure pieces


def _tight(readings: list[str], *, first: bool) -> dict[str, int]:
    """Beginnings (ends) that two or more of the readings share and most do not share a longer one of -> how many have them."""
    counts: dict[str, int] = {}
    for reading in readings:
        for length in range(1, len(reading)):
            part = reading[:length] if first else reading[-length:]
            counts[part] = counts.get(part, 0) + 1
    longer: dict[str, int] = {}  # part -> how many of its readings go on in the most usual way
    for part, count in counts.items():
        shorter = part[:-1] if first else part[1:]
        longer[shorter] = max(longer.get(shorter, 0), count)
    return {part: count for part, count in counts.items() if count > 1 and longer.get(part, 0) * 2 <= count}


def _parts(name: str) -> list[str]:
    """The words of a name without titles, kana as katakana, Latin letters small and without accents."""
    text = unicodedata.normalize("NFKC", name).strip()
    text = _TITLE.sub("", text)
    while (shorter := _HONORIFIC.sub("", text)) != text:
        text = shorter
    text = _katakana(text) if not re.search("[一-鿿]", text) else text
    if text.isascii() or not re.search("[\u3040-\u9fff]", text):
        text = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    return [part for part in _BLANK.split(text) if part]


def _katakana(text: str) -> str:
    return "".join(chr(ord(c) + 0x60) if "ぁ" <= c <= "ゖ" else c for c in text)


def _same_sound(surname: str, given: str) -> Iterable[tuple[str, str]]:
    """The reading, and the same with ヅ for ズ and ヂ for ジ where either stands: people hear no difference."""
    yield surname, given
    for old, new in (("ヅ", "ズ"), ("ヂ", "ジ")):
        if old in surname + given:
            yield surname.replace(old, new), given.replace(old, new)


def _latin(surname: str, given: str) -> Iterator[str]:
    """Plain forms of a reading in Latin letters: the plain form of two words knows no order, that of one word does."""
    for first, second in itertools.product(spellings(surname), spellings(given)):
        yield "".join(sorted((first, second)))
        yield first + second
        yield second + first


def _western(parts: list[str]) -> Iterator[tuple[str, str]]:
    """First and last name alone; with a middle name of three, and its initial; of two, with any initial between them."""
    if len(parts) > 2:
        yield "".join(sorted((parts[0], parts[-1]))), MIDDLE
        yield "".join(sorted((parts[0], *(part[0] for part in parts[1:-1]), parts[-1]))), MIDDLE
    elif len(parts) == 2:
        for initial in "abcdefghijklmnopqrstuvwxyz":
            yield "".join(sorted((*parts, initial))), MIDDLE
