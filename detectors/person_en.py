"""English person names: census name lists for the words, and labels, titles, greetings and signatures for the place they stand in.

A listed given name with a listed surname .85, a title or label .85, `Last, First` .75, a listed given name with an unknown surname .55.
Names of months, places, streets and companies are what the lists are full of, so what follows a name can take it away.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from presidio_analyzer import EntityRecognizer, RecognizerResult

from detectors.names_data import EnglishNames, word_sections
from detectors.person_spacy import SpacyPersons
from detectors.presidio import result
from scanner.model import DetectSettings

_UP: Final = "A-ZÀ-ÖØ-ÞĀ-Ž"
_LOW: Final = "a-zß-öø-ÿā-ž"
_WORD: Final = rf"(?:(?:O['’]|Mc|Mac|D['’]|De|Le|La|Van|Di|Du)?[{_UP}][{_LOW}]+(?:['’-][{_UP}]?[{_LOW}]+)*)"
_PARTICLE: Final = r"(?:de la|de los|van der|van den|von der|van|von|der|den|del|della|de|da|di|dos|du|la|le|bin|ibn|al|el|ter|ten|y)"
_RUN: Final = re.compile(
    rf"(?<![\w@./\\'’&-]){_WORD}(?:(?: [{_UP}]\.?(?=[ ,]))|(?: [{_UP}]\.(?: ?[{_UP}]\.)*)|(?: {_PARTICLE})? {_WORD}){{1,3}}(?![\w@\\-])"
    rf"|(?<![\w@./\\'’&-])(?:[{_UP}]\. ?){{1,3}}{_WORD}(?![\w@\\-])"
)
_LAST_FIRST: Final = re.compile(
    rf"(?<![\w@.'’-])(?P<last>{_WORD}|[{_UP}]{{2,}}), (?P<first>{_WORD}|[{_UP}]{{3,}})(?P<middle> [{_UP}]\.?)?(?![\w@-])"
)
_CAPITALS: Final = re.compile(rf"(?<![\w@./-])[{_UP}]{{2,}}(?: [{_UP}]\.?)? [{_UP}]{{2,}}(?:-[{_UP}]{{2,}})?(?![\w@./-])")
_TITLE: Final = re.compile(
    rf"(?<!\w)(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Professor|Sir|Madam|Rev|Capt|Captain|Sgt|Lt|Col|Gen|Judge|Justice|Senator|Sen|Rep|"
    rf"Congressman|Congresswoman|President|"
    rf"Governor|Gov|Mayor|Hon)\.? (?P<name>(?:{_WORD}|[{_UP}]\.?)(?: (?:{_WORD}|[{_UP}]\.|{_PARTICLE} {_WORD})){{0,3}})(?![\w@])"
)
_NAME_VALUE: Final = (
    rf"(?P<name>{_WORD}(?:,? (?:{_PARTICLE} )?{_WORD}| [{_UP}]\.?(?![{_LOW}])){{0,3}}|[{_UP}]{{2,}}(?:,? [{_UP}]{{1,}}\.?){{1,3}})(?![\w@])"
)
_LABEL: Final = re.compile(
    r"(?:^|(?<=[\s,;|\"(>*-]))(?:(?:(?:full|first|last|given|family|middle|customer|client|contact|employee|patient|applicant|member|"
    r"owner|guest|account|cardholder|"
    r"recipient|sender|student|parent|spouse|emergency|primary|billing|shipping|your|my|bill to|ship to)[ _]?)*(?:name|contact|person)|"
    r"attn|attention|c/o|from|to|cc|bcc|author|prepared by|written by|submitted by|approved by|reviewed by|signed|assigned to|"
    r"assignee|reporter|manager|"
    r"supervisor|requested by|customer|client|employee|patient|applicant|recipient|sender|organizer|attendees?)"
    rf"(?-i:[ \t]*[:=][ \t]*(?:(?:Mr|Mrs|Ms|Miss|Dr|Prof)\.? )?[\"']?{_NAME_VALUE})",
    re.IGNORECASE | re.MULTILINE,
)
_TOLD: Final = re.compile(rf"(?i:\b(?:(?:my|his|her|full) name is|signed by|on behalf of|calls? me)) {_NAME_VALUE}")
_GREETING: Final = re.compile(
    rf"(?:^|(?<=[\n.!?>]))[ \t]*(?:Dear|Hi|Hello|Hey|Good (?:morning|afternoon|evening)),? (?:(?:Mr|Mrs|Ms|Miss|Dr|Prof)\.? "
    rf")?(?P<name>{_WORD}(?: {_WORD}| [{_UP}]\.){{0,2}})(?=[ ]*[,:!.\n—-]|$)"
)
_CLOSING: Final = re.compile(
    r"(?:(?:Best|Kind|Warm|Warmest)? ?[Rr]egards|Best(?: wishes)?|Sincerely(?: yours)?|Yours (?:sincerely|truly|faithfully)|Cheers|"
    r"Thanks(?: again)?|Thank you|Many thanks|Respectfully),?"
    rf"[ \t]*(?:\r?\n[ \t]*){{1,3}}[-–—]? ?(?P<name>{_WORD}(?: (?:{_WORD}|[{_UP}]\.)){{0,3}})(?=[ \t]*(?:,[^\n]*)?(?:\r?\n|$))"
)
_THING_AFTER: Final = re.compile(
    r"(?:,? |-)(?:Inc|Incorporated|Ltd|Limited|LLC|LLP|L\.L|Corp|Corporation|Co\b|Company|Companies|Group|Holdings|Partners|"
    r"Associates|Brothers|Bros|& |and (?:Sons?|Co\b|Associates)|Bank|"
    r"University|College|School|Academy|Institute|Hospital|Clinic|Medical|Center|Centre|Foundation|Trust|Fund|Church|Museum|Library|"
    r"Hotel|Inn|Resort|Airport|Station|"
    r"Street|St\b|Avenue|Ave\b|Road|Rd\b|Lane|Ln\b|Drive|Dr\b(?!\.? [A-Z])|Boulevard|Blvd|Court|Ct\b|Place|Pl\b|Plaza|Square|Sq\b|"
    r"Way\b|Highway|Hwy|Parkway|Pkwy|Terrace|Circle|Trail|"
    r"Bridge|Tower|Building|Bldg|House\b|Hall|Park|Gardens?|Lake|River|Creek|Bay|Beach|Island|Islands|Mountains?|Mount|Hills?|Valley|"
    r"Falls|Springs?|County|City|Town|Village|"
    r"Township|Stadium|Arena|Field\b|Theatre|Theater|Award|Prize|Cup|Bowl|Act\b|Law\b|Series|Edition|Motors?|Electric|Energy|"
    r"Technologies|Technology|Systems|Software|Solutions|"
    r"Services|Industries|International|Records|Pictures|Entertainment|Studios?|Press|Books|Times|Post|News|Journal|Magazine|Games|"
    r"Airlines|Railway|Department|Office|Team|Club|FC\b|"
    r"League|Division|Committee|Council|Agency|Authority|Union|Party|Army|Navy|Project|Program|Server|Cloud|Platform|Mail\b|Pro\b|"
    r"Plus\b|Suite|GmbH|AG\b|S\.?A\b|PLC|plc|K\.K)"
)
_NUMBER_BEFORE: Final = re.compile(r"\d[\w-]* (?:[NSEW]\.? )?$")
_LISTS: Final = word_sections("words_en.txt")
_GENERIC: Final = _LISTS["generic"]  # capitalised words that are no names
_PLACES: Final = _LISTS["places"]
_WORDS_TOO: Final = _LISTS["words"]  # good only with a listed partner or a label


class Claim(NamedTuple):
    start: int
    end: int
    score: float


class EnglishPersonRecognizer(EntityRecognizer):
    """PERSON in English text."""

    SIGNS: Final = (r"[A-Z]",)

    def __init__(self, settings: DetectSettings) -> None:
        self._spacy = SpacyPersons.wanted(settings, "en")
        super().__init__(supported_entities=["PERSON"], name="person_en", supported_language="en")
        self._id = "person.en"

    def load(self) -> None:
        """Load the name lists (30 ms)."""
        self.names = EnglishNames()

    def analyze(self, text: str, entities: Sequence[str], nlp_artifacts: Any = None) -> list[RecognizerResult]:
        """PERSON results; exact spans, without title."""
        del nlp_artifacts
        if entities and "PERSON" not in entities:
            return []
        found = [result("PERSON", claim.start, claim.end, claim.score, "person.en", "person_en") for claim in self.claims(text)]
        return [*found, *self._spacy.analyze(text)] if self._spacy else found

    def claims(self, text: str) -> list[Claim]:
        """Claims about a text, none overlapping another, in order."""
        raw = [*self._placed(text), *self._last_first(text), *self._runs(text), *self._capitals(text)]
        return _best(raw)

    # ------------------------------------------------------------------ the place it stands in

    def _placed(self, text: str) -> Iterator[Claim]:
        for match in _TITLE.finditer(text):
            start, end = match.span("name")
            end = self._until_thing(text, start, end)
            if end > start and self._plausible(text[start:end]):
                yield Claim(start, end, 0.85)
        for pattern, alone in ((_LABEL, 0.75), (_TOLD, 0.75), (_GREETING, 0.75), (_CLOSING, 0.75)):
            for match in pattern.finditer(text):
                start, end = match.span("name")
                if self._plausible(text[start:end]) and not _THING_AFTER.match(text, end):
                    yield Claim(start, end, self._placed_score(text[start:end], alone))

    def _placed_score(self, name: str, alone: float) -> float:
        words = re.findall(rf"[{_UP}{_LOW}'’-]{{2,}}", name)
        listed = [bool(self.names.given_rank(word) or self.names.surname_rank(word)) for word in words]
        if len(words) == 1:
            return alone if listed[0] and words[0].lower() not in _PLACES else 0.45
        return 0.9 if any(listed) else 0.6

    def _plausible(self, name: str) -> bool:
        words = [word.lower().strip(".,") for word in name.split()]
        if any(word in _GENERIC for word in words) or not any(len(word) > 1 for word in words):
            return False
        return not _THING_AFTER.search(name)

    def _until_thing(self, text: str, start: int, end: int) -> int:
        """A title's name ends before `Street` and the like; a company behind it takes it away."""
        return start if _THING_AFTER.match(text, end) or _THING_AFTER.search(text[start:end]) else end

    # ------------------------------------------------------------------ words of the lists

    def _runs(self, text: str) -> Iterator[Claim]:
        for match in _RUN.finditer(text):
            start, end = match.span()
            if _THING_AFTER.match(text, end) or _THING_AFTER.search(match[0]):
                continue
            words = [(m.start(), m.end(), m[0]) for m in re.finditer(rf"[{_UP}]\.|[{_UP}{_LOW}][{_UP}{_LOW}'’-]*", match[0])]
            while words and words[0][2].lower() in _GENERIC:  # a sentence opens with a capital too
                words = words[1:]
            while words and words[-1][2].lower() in _GENERIC:
                words = words[:-1]
            if len(words) < 2 or any(word.lower() in _GENERIC for _, _, word in words):
                continue
            score, first, last = self._best_pair([word for _, _, word in words])
            begin, stop = start + words[first][0], start + words[last][1]
            if _NUMBER_BEFORE.search(text, max(0, begin - 12), begin):
                score = min(score, 0.4)
            if score:
                yield Claim(begin, stop, score)

    def _best_pair(self, words: list[str]) -> tuple[float, int, int]:
        """(score, first, last) of the best name in a run of capitals: `Call Mary Smith` opens with a word that is none."""
        cuts = [
            (0, len(words) - 1),
            *((first, len(words) - 1) for first in range(1, len(words) - 1)),
            *((0, last) for last in range(1, len(words) - 1)),
        ]
        scored = [(self._pair(words[first], words[last], last - first + 1), first, last) for first, last in cuts]
        return max(scored, key=lambda item: item[0])

    def _pair(self, first: str, last: str, count: int) -> float:
        """The score of a given name (or initial) and a surname."""
        given, surname = self.names.given_rank(first), self.names.surname_rank(last)
        low_first, low_last = first.lower(), last.lower()
        wordy = (low_first in _WORDS_TOO) + (low_last in _WORDS_TOO)
        if len(first.rstrip(".")) == 1:
            return 0.6 if surname and surname <= 20_000 and not wordy and low_last not in _PLACES else 0.3
        if low_first in _PLACES:
            return 0.6 if surname and surname <= 2_000 and low_last not in _PLACES and not wordy else 0.2
        if given and surname:
            if wordy == 2:
                return 0.4
            return 0.85 if not wordy else 0.65
        if given and given <= 1_500 and not wordy and low_last not in _PLACES:
            return 0.6 if count == 2 else 0.55
        if surname and surname <= 3_000 and not wordy and low_last not in _PLACES:
            return 0.35
        return 0.0

    def _last_first(self, text: str) -> Iterator[Claim]:
        for match in _LAST_FIRST.finditer(text):
            last, first = match["last"], match["first"]
            surname, given = self.names.surname_rank(last), self.names.given_rank(first)
            if not surname or not given or {last.lower(), first.lower()} & (_GENERIC | _PLACES) or _THING_AFTER.match(text, match.end()):
                continue
            rather_given = self.names.given_rank(last)
            likely = rather_given is None or rather_given > 300
            if last.lower() in _WORDS_TOO or first.lower() in _WORDS_TOO:
                likely = False
            end = match.end("middle") if match["middle"] else match.end("first")
            yield Claim(match.start(), end, 0.75 if likely and _alone(text, match.start(), end) else (0.6 if likely else 0.3))

    def _capitals(self, text: str) -> Iterator[Claim]:
        """MARY SMITH: where both words are frequent names."""
        for match in _CAPITALS.finditer(text):
            words = match[0].split()
            given, surname = self.names.given_rank(words[0]), self.names.surname_rank(words[-1])
            plain = not {word.lower() for word in words} & (_GENERIC | _PLACES | _WORDS_TOO)
            if given and surname and given <= 1_500 and surname <= 20_000 and plain and not _THING_AFTER.match(text.title(), match.end()):
                yield Claim(match.start(), match.end(), 0.7)


def _alone(text: str, start: int, end: int) -> bool:
    """The span fills its line or quoted cell."""
    return (start == 0 or text[start - 1] in '\n\t;|"') and (end == len(text) or text[end] in '\r\n\t;|"')


def _best(claims: list[Claim]) -> list[Claim]:
    """Claims that do not overlap: the better score first, then the longer."""
    kept: list[Claim] = []
    for claim in sorted(claims, key=lambda c: (-c.score, c.start - c.end, c.start)):
        if all(claim.end <= other.start or claim.start >= other.end for other in kept):
            kept.append(claim)
    return sorted(kept)


RECOGNIZERS: tuple[type[EntityRecognizer], ...] = (EnglishPersonRecognizer,)
