"""What English names look like, for columns and pages: `name_columns.Lexicon` by the census lists."""

from __future__ import annotations

import re
from typing import Final

from detectors.names_data import EnglishNames, word_sections

UPPER: Final = "A-ZÀ-ÖØ-ÞĀ-Ž"
LOWER: Final = "a-zß-öø-ÿā-ž"
WORD: Final = rf"(?:(?:O['’]|Mc|Mac|D['’]|De|Le|La|Van|Di|Du)?[{UPPER}][{LOWER}]+(?:['’-][{UPPER}]?[{LOWER}]+)*)"
PARTICLE: Final = (
    r"(?:de la|de los|van der|van den|von der|van|von|der|den|del|della|de|da|di|dos|du|la|le|bin|ibn|al|el|ter|ten|y|"
    r"Van der|Van|Von|De la|De|Del|Di|Da|La|Le|St\.)"
)
_LISTS: Final = word_sections("words_en.txt")
_GENERIC: Final = _LISTS["generic"]
_PLACES: Final = _LISTS["places"]
_TOWNS: Final = _LISTS["towns"]
_ORDINARY: Final = _LISTS["words"]
_PLACES_OR_ORDINARY: Final = _PLACES | _ORDINARY
_PLACES_OR_TOWNS: Final = _PLACES | _TOWNS
_TITLE: Final = re.compile(r"(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Professor|Rev|Sir|Hon)\.? ")
_LED: Final = re.compile(r"(?:to see|see|to|for|visiting|host:?|with|by|c/o|attn:?|contact:?) (?=[A-Z])", re.I)
_TAIL: Final = re.compile(r",? (?:Jr|Sr|II|III|IV|PhD|MD|DDS|Esq|CPA|MBA)\.?$")
_LAST: Final = rf"(?:{PARTICLE} )?{WORD}"
_FITS: Final = re.compile(
    rf"(?:{WORD}|[{UPPER}]\.)(?: (?:[{UPPER}]\.?|{WORD}))?(?: [\"“(]{WORD}[\")”])? {_LAST}|{_LAST}, {WORD}(?: [{UPPER}]\.?| {WORD})?"
)
_FITS_PART: Final = re.compile(rf"{_LAST}(?: {WORD})?")
_COMPANY: Final = re.compile(
    r"\b(?:Inc|Ltd|LLC|LLP|Corp|Corporation|Co|Company|Group|Holdings|Partners|Associates|Bank|University|College|School|Hospital|Clinic|"
    r"Department|Office|Team|Sales|Service|Services|Support|Systems|Street|Avenue|Road|Lane|Drive|Suite|Center|Centre|Room|Manager|"
    r"Director|Engineer|Officer|Analyst|Assistant|Coordinator|Executive|President|Resources|Payable|Care|North|South|East|West|New|San|Los|"
    r"Las|St|Saint|Fort|Mount|Port|City|Town|County|Island)\b\.?"
)
FREQUENT_GIVEN: Final = 1_500  # ranks up to which a name is an everyday one
FREQUENT_SURNAME: Final = 20_000
_SURELY: Final = 3_000


class EnglishLexicon:
    """Implements `name_columns.Lexicon`."""

    bare = False  # a surname alone is an ordinary word too often

    def __init__(self, names: EnglishNames) -> None:
        self._names = names

    def trim(self, text: str, start: int, end: int) -> tuple[int, int]:
        words = _LED.match(text, start, end)  # to see Mary Smith
        start = words.end() if words else start
        title = _TITLE.match(text, start, end)
        start = title.end() if title else start
        tail = _TAIL.search(text, start, end)
        return start, tail.start() if tail else end

    def whole(self, value: str) -> bool:
        first, last = self._ends(value)
        if not first or not last or not _FITS.fullmatch(value) or _COMPANY.search(value):
            return False
        given, surname = self._names.given_rank(first), self._names.surname_rank(last)
        if not given or not surname or {first.lower(), last.lower()} <= _ORDINARY or first.lower() in _PLACES:
            return False
        return given <= FREQUENT_GIVEN or surname <= FREQUENT_SURNAME

    def opens(self, value: str) -> bool:
        if self.whole(value):
            return True
        first, last = self._ends(value)
        if not self.fits(value) or not first or first.lower() in _PLACES_OR_ORDINARY:
            return False
        return (self._names.given_rank(first) or 9_999) <= FREQUENT_GIVEN or (self._names.surname_rank(last) or 99_999) <= _SURELY

    @staticmethod
    def _ends(value: str) -> tuple[str, str]:
        """(given name, surname) of a name, wherever its comma stands."""
        words = value.replace(",", " , ").split()
        if "," in words:
            at = words.index(",")
            return (words[at + 1], words[at - 1]) if 0 < at < len(words) - 1 else ("", "")
        return (words[0], words[-1]) if len(words) > 1 else ("", "")

    def surname(self, value: str) -> bool:
        rank = self._names.surname_rank(value.rsplit(" ", maxsplit=1)[-1]) if _FITS_PART.fullmatch(value) else None
        return rank is not None and rank <= FREQUENT_SURNAME and value.lower() not in _GENERIC

    def given(self, value: str) -> bool:
        return self._names.given_rank(value.split(" ", maxsplit=1)[0]) is not None and value.lower() not in _GENERIC

    def reading(self, value: str) -> bool:
        del value
        return False

    def place(self, value: str) -> bool:
        return value.lower() in _PLACES_OR_TOWNS

    def elsewhere(self, value: str) -> bool:
        """A place that hardly anybody is named after."""
        return value.lower() in _PLACES

    def other(self, value: str) -> bool:
        words = {word.lower().strip(".,") for word in value.split()}
        return bool(words & _GENERIC) or _COMPANY.search(value) is not None or (value.lower() in _PLACES)

    def pure(self, value: str) -> bool:
        return self.surname(value) and value.lower() not in _PLACES_OR_ORDINARY and self._names.given_rank(value) is None

    def fits(self, value: str) -> bool:
        return _FITS.fullmatch(value) is not None and not _COMPANY.search(value)

    def fits_part(self, value: str) -> bool:
        return _FITS_PART.fullmatch(value) is not None and not _COMPANY.search(value)

    def ordinary(self, name: str) -> bool:
        """A given name and a surname that is a word for places and things too, such as Church, Hill or Banks."""
        first, last = self._ends(name)
        if not first or not last or not _FITS.fullmatch(name):
            return False
        given, surname = self._names.given_rank(first), self._names.surname_rank(last)
        return bool(given and surname and surname <= _SURELY and first.lower() not in _PLACES) and not (
            first.lower() in _ORDINARY and given is not None and given > FREQUENT_GIVEN
        )
