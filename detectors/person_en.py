"""English person names: census name lists for the words, and labels, titles, greetings and signatures for the place they stand in.

A listed given name with a listed surname .85, a title or label .85, `Last, First` .75, a listed given name with an unknown surname .55.
Names of months, places, streets and companies are what the lists are full of, so what follows a name can take it away.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any, Final, NamedTuple

from presidio_analyzer import EntityRecognizer, RecognizerResult

from detectors.claims import Claim, best
from detectors.names_data import WORLD, EnglishNames, word_sections
from detectors.person_en_page import PageNames, hinted_lines
from detectors.person_spacy import SpacyPersons
from detectors.person_tagger import BEGIN, INSIDE, NEAR, Asking, Run, Tagger, Traits, run_of
from detectors.presidio import result
from detectors.sign_places import ODD
from detectors.word_groups import WordGroups
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
    r"assignee|reporter|manager|member|"
    r"supervisor|requested by|customer|client|employee|patient|applicant|recipient|sender|organizer|attendees?)"
    rf"(?-i:[\"']?[ \t]*[:=][ \t]*[\"']?(?:(?:Mr|Mrs|Ms|Miss|Dr|Prof)\.? )?{_NAME_VALUE})",
    re.IGNORECASE | re.MULTILINE,
)
_TOLD: Final = re.compile(
    rf"(?i:\b(?:(?:my|his|her|full|maiden|last|first) name (?:is|was)|signed by|on behalf of|calls? me|named (?:him|her))) {_NAME_VALUE}"
)
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
    r"League|Orchestra|Weekly|Restaurant|Caf[eé]\b|Division|Committee|Council|Agency|Authority|Union|Party|Army|Navy|Project|Program|Server|Cloud|Platform|Mail\b|Pro\b|"
    r"Plus\b|Suite|GmbH|AG\b|S\.?A\b|PLC|plc|K\.K)"
)
_STATE_NEXT: Final = re.compile(r", [A-Z]{2}\b|,? [A-Z]{2} \d{5}|,? (?:United States|USA|Canada)\b")
_STATE_CELL_NEXT: Final = re.compile(r'"?[,\t|;]"?[A-Z]{2}"?(?:[,\t|;]|$)')
_SENTENCE_OPENS: Final = re.compile(r"(?:^|[.!?:;*•>–-])[\s\"'“(]*$")
_ITEM_OPENS: Final = re.compile(r"\s*(?:[-*•·–]|\d+[.)])\s+")
_THE_BEFORE: Final = re.compile(r"\b(?:[Tt]he|[Ii]n|[Aa]t|[Nn]ear|[Oo]f|[Ee]ach|[Ee]very|[Tt]owards?) $")
_OPENING: Final = re.compile(
    r"[\"“ -]+|(?:(?:Hi|Hello|Hey|Dear|Thanks|Senator|Representative|Congressman|Congresswoman|President|Governor|Mayor|Judge|Justice|"
    r"Professor|Captain|Mr\.?|Mrs\.?|Ms\.?|Miss|Dr\.?|Prof\.?) )+(?=[A-Z])"
)
_YOUNGER: Final = re.compile(r",? (?:Jr|Sr)\b\.?|,? (?:II|III|IV)\b")
_FIELD_END: Final = re.compile(r"  |(?<=[a-z]{3})\. (?=[A-Z])|(?<=[a-z])[?!] ")
_ROOMS: Final = frozenset(["suite", "room", "floor", "unit", "apt", "building", "box", "route"])
_CELL_WORD: Final = rf"(?:{_WORD}|[{_UP}]\.?|{_PARTICLE}|[{_UP}]{{2,}})"
_CELL: Final = re.compile(
    rf'(?:^|(?<=[,\t|;"])|(?<=\| ))(?P<name>(?:[{_UP}]\. )?{_WORD}(?:[ -]{_CELL_WORD}){{0,3}}(?:,? (?:Jr|Sr|II|III|IV)\b\.?)?)'
    r'(?= ?"?(?:[,\t|;]|$))',
    re.MULTILINE,
)
_TITLED_CELLS: Final = re.compile(
    rf'(?:^|[,\t|;])"?(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof)\.?"?[,\t|;]"?(?P<given>{_WORD}(?:[ -]{_CELL_WORD}){{0,2}})"?[,\t|;]'
    rf'(?:"?[{_UP}]?\.?"?[,\t|;])?"?(?P<surname>(?:{_PARTICLE} )?{_WORD}(?:[ -]{_CELL_WORD}){{0,2}})(?="?[,\t|;\n]|"?$)',
    re.MULTILINE,
)
_NUMBER_BEFORE: Final = re.compile(r"\d[\w-]* (?:[NSEW]\.? )?$")
# what stands wherever the pattern of the same place matches, looked for first since it costs little
_OPENS_PAIR: Final = re.compile(  # where a title, a run, `Last, First` or CAPITALS can begin
    rf"[{_UP}](?<!\w.)(?=[^\s,]*,? (?:{_PARTICLE} )?[{_UP}]|\.[{_UP}])"
)
_VALUE_HINT: Final = re.compile(rf"[:=][ \t\"']*[{_UP}]")
_TOLD_WORDS: Final = ("name is ", "name was ", "signed by ", "on behalf of ", "call me ", "calls me ", "named him ", "named her ")
_GREETINGS: Final = ("Dear ", "Dear,", "Hi ", "Hi,", "Hello ", "Hello,", "Hey ", "Hey,", "Good morning", "Good afternoon", "Good evening")
_CLOSINGS: Final = ("egards", "Best", "Sincerely", "Yours ", "Cheers", "Thanks", "Thank you", "Many thanks", "Respectfully")
_TITLED_HINT: Final = re.compile(r'(?:Mr|Ms|Miss|Mx|Dr|Prof)s?\.?"?[,\t|;]')
_CAPITAL: Final = re.compile("[A-Z]")
_MIXED: Final = rf"[{_UP}][{_LOW}]"
_TWO_WORDS: Final = r"[A-Za-z]{2} [A-Za-z]{2,}[ ,.;:!?]"
_TWO_CAPITALS: Final = rf"[{_UP}]{{2}},? [{_UP}]"
_FIELD: Final = re.compile(r"(?:^|\t)[\w.-]+: ")
_SPOKEN: Final = re.compile(f"{_MIXED}|{_TWO_WORDS}")
_LISTS: Final = word_sections("words_en.txt")
_GENERIC: Final = _LISTS["generic"]  # capitalised words that are no names
_PLACES: Final = _LISTS["places"]
_TOWNS: Final = _LISTS["towns"]
_TOWN_PLACE: Final = re.compile(  # where a town stands rather than a person
    r"(?:^|[,|\t:;>/]|\b(?:in|from|to|for|at|near|towards?|via|of|leaves?|visit|our|the|each|per|a|an|this|that|[Ss]hip|branch))[ ]*$"
)
_TOWN_END: Final = re.compile(
    r"[ ]*(?:$|[,|\t;/.]|\d|from\b|to\b|for\b|on\b|at\b|when\b|has \d|is short|(?!said|says|told|was|is|has|had|will)[a-z]+s?\b)"
)
_WORDS_TOO: Final = _LISTS["words"]  # good only with a listed partner or a label
_NO_NAMES: Final = _GENERIC | _PLACES
_WORDS_OR_PLACES: Final = _NO_NAMES | _WORDS_TOO


TAGGED: Final = 0.8
DOUBTED: Final = 0.45
DOUBT_BELOW: Final = 0.8
OTHER_COUNTRIES: Final = 0.8  # a name of which the census knows one half at most; a street, where a house number follows
_HOUSE_NEXT: Final = re.compile(r",? \d{1,5}[A-Za-z]?(?![\w.:-])")
SURE: Final = 0.85  # of the lists: both words listed
FAVOUR: Final = 0.3  # added to a name's score by the tagger: a missed name costs more than a false one
COMMON: Final = 1_200  # rank of a given name
LEAST_BLANKS: Final = 3  # of a line that the tagger reads
CLOSED, OPEN, HOPEFUL = 0, 1, 2
_KEPT: Final = 50_000  # words remembered before memory is let go
_LINES_KEPT: Final = 4_000  # lines, of at most MEMORABLE characters
MEMORABLE: Final = 400
_JOINING: Final = frozenset(". ' ’ - \" de da di do dos du la le van von der den del della bin ibn al el ter ten y".split())  # noqa: SIM905
_SEPARATOR: Final = re.compile(r",(?=[^\s\d])|[\t|]")
_TOKEN: Final = re.compile(r"[^\W\d_]+(?:['’-](?!s\b)[^\W\d_]+)*|\d[\d.,:]*|['’]s\b|\S")
_HONORED: Final = frozenset(
    [
        "mr",
        "mrs",
        "ms",
        "miss",
        "mx",
        "dr",
        "prof",
        "professor",
        "sir",
        "madam",
        "rev",
        "capt",
        "captain",
        "sgt",
        "lt",
        "col",
        "gen",
        "judge",
        "justice",
        "senator",
        "sen",
    ]
)


_LETTERED_LISTS: Final = (("g", _GENERIC), ("p", _PLACES), ("w", _WORDS_TOO), ("t", _HONORED))


class Token(NamedTuple):
    """A word, number or mark: characters [start, end) of the line, and what the tagger sees of it."""

    start: int
    end: int
    text: str
    traits: Traits
    role: int


class EnglishPersonRecognizer(EntityRecognizer):
    """PERSON in English text."""

    SIGNS: Final = (_MIXED, _TWO_CAPITALS, ("[A-Z]", _TWO_WORDS))

    def __init__(self, settings: DetectSettings) -> None:
        self._spacy = SpacyPersons.wanted(settings, "en")
        super().__init__(supported_entities=["PERSON"], name="person_en", supported_language="en")
        self._id = "person.en"

    def load(self) -> None:
        """Load the name lists (30 ms)."""
        self.names = EnglishNames()
        self._known: dict[str, Traits] = {}
        self._roles: dict[str, int] = {}
        self._page = PageNames(self.names)
        self._groups = WordGroups("words_en.bin.gz")
        self._tagger = Tagger("names_en_prose.bin.gz")
        self._read: dict[str, tuple[Claim, ...]] = {}

    def analyze(self, text: str, entities: Sequence[str], nlp_artifacts: Any = None) -> list[RecognizerResult]:
        """PERSON results; exact spans, without title."""
        del nlp_artifacts
        if entities and "PERSON" not in entities:
            return []
        found = [result("PERSON", claim.start, claim.end, claim.score, "person.en", "person_en") for claim in self.claims(text)]
        return [*found, *self._spacy.analyze(text)] if self._spacy else found

    def claims(self, text: str) -> list[Claim]:
        """Claims about a text, none overlapping another, in order."""
        if not _CAPITAL.search(text):
            return []
        if not text.isascii():
            text = text.replace("\u3000", " ").replace("\xa0", " ")
        pairs = [match.start() for match in _OPENS_PAIR.finditer(text)]
        placed = [*self._placed(text, pairs), *self._cells(text)]
        listed = [claim for find in (self._last_first, self._runs, self._capitals) for claim in find(text, pairs)] if pairs else []
        tagged, doubted = self._in_prose(text, placed, listed)
        found = [*placed, *tagged, *doubted]
        return best([_mended(text, claim) for claim in (*found, *self._page.claims(text, found))])

    # ------------------------------------------------------------------ running text

    def _in_prose(self, text: str, placed: list[Claim], listed: list[Claim]) -> tuple[list[Claim], list[Claim]]:
        """(what the tagger finds in sentences, claims of the lists as it leaves them)."""
        lines = [(start, line) for start, line in _lines(text) if _is_prose(line)]
        if not lines:
            return [], listed
        tagged = [
            claim._replace(start=start + claim.start, end=start + claim.end)
            for (start, _), claims in zip(lines, self._tagged([line for _, line in lines]), strict=True)
            for claim in claims
        ]
        sentences = [(start, start + len(line)) for start, line in lines]
        return tagged, [self._doubted(claim, tagged, sentences) for claim in listed]

    def _doubted(self, claim: Claim, tagged: list[Claim], sentences: list[tuple[int, int]]) -> Claim:
        """A claim of the lists in a sentence: where the tagger has a name its ends count, where it has none the claim counts less."""
        beside = [other for other in tagged if claim.start < other.end and claim.end > other.start]
        if beside and claim.score >= SURE and all(claim.start <= other.start and other.end <= claim.end for other in beside):
            return claim
        if beside:
            return claim._replace(score=min(claim.score, TAGGED - 0.02))
        if any(start <= claim.start < end for start, end in sentences):
            return claim._replace(score=min(claim.score, DOUBTED if claim.score < DOUBT_BELOW else 1.0))
        return claim

    def _tagged(self, lines: Sequence[str]) -> list[tuple[Claim, ...]]:
        """Claims of the tagger in lines; lines come again, in the margins of windows and in text made from templates."""
        read = self._read
        new = [line for line in dict.fromkeys(lines) if line not in read]
        if len(read) + len(new) >= _LINES_KEPT:
            read.clear()
            new = list(dict.fromkeys(lines))
        hopeful = [line for line in new if self._is_hopeful(line)]
        fresh = {**dict.fromkeys(new, ()), **dict(zip(hopeful, self._tagger.answer([self._tag(line) for line in hopeful]), strict=True))}
        read.update((line, claims) for line, claims in fresh.items() if len(line) <= MEMORABLE)
        return [read[line] if line in read else fresh[line] for line in lines]

    def _is_hopeful(self, line: str) -> bool:
        """Whether a token of the line is a reason to look."""
        roles = self._roles
        for text in _TOKEN.findall(line):
            role = roles.get(text)
            if (self._learn_role(text) if role is None else role) == HOPEFUL:
                return True
        return False

    def _learn_role(self, text: str) -> int:
        if len(self._roles) >= _KEPT:
            self._roles.clear()
        role = self._roles[text] = self._role(text)
        return role

    def _role(self, text: str) -> int:
        """Whether a name can hold the token (OPEN), and whether it is a reason to look (HOPEFUL): a capitalised word that is not just the
        first of a sentence; of words all in capitals only what the census lists."""
        if text[0].isupper():
            if len(text) < 2 or text.lower() in _GENERIC:
                return OPEN
            return HOPEFUL if not text.isupper() or self.names.given_rank(text) or self.names.surname_rank(text) else OPEN
        if text[0].isalpha() and text not in _GENERIC and text not in _WORDS_TOO and (self.names.given_rank(text) or 9_999) <= COMMON:
            return HOPEFUL  # in chats names are written small
        return OPEN if text in _JOINING else CLOSED

    def _traits_of(self, text: str) -> Traits:
        traits = self._known.get(text)
        if traits is None:
            if len(self._known) >= _KEPT:
                self._known.clear()
            traits = self._known[text] = self._seen(text)
        return traits

    def _tag(self, line: str) -> Asking[tuple[Claim, ...]]:
        texts = _TOKEN.findall(line)
        segments = list(_segments([self._roles[text] if text in self._roles else self._learn_role(text) for text in texts]))
        spans = [match.span() for match in _TOKEN.finditer(line)]
        found = []
        for (first, _), labels in zip(segments, (yield [self._run(texts, *segment) for segment in segments], FAVOUR), strict=True):
            start = None
            for at, label in enumerate([*labels, 0], first):
                if start is not None and label != INSIDE:
                    claim = _in_one_field(line, Claim(spans[start][0], spans[at - 1][1], TAGGED))
                    if not self._is_thing(line, claim):
                        found.append(claim)
                    start = None
                if label == BEGIN:
                    start = at
        return tuple(found)

    def _run(self, texts: Sequence[str], first: int, last: int) -> Run:
        """Tokens [first, last) of a line, of which no more is made known than the tagger looks at."""
        low = max(0, first - NEAR)
        seen = [self._traits_of(text) for text in texts[low : last + NEAR]]
        return run_of(seen, first - low, last - low)

    def tokens(self, line: str) -> list[Token]:
        """All words, numbers and marks of a line."""
        return [Token(*match.span(), match[0], self._traits_of(match[0]), self._role(match[0])) for match in _TOKEN.finditer(line)]

    def _seen(self, text: str) -> Traits:
        """What the tagger is told of a token: its word, shape, ends, what is used like it, how frequent a name the lists say it is."""
        low, shape = text.lower(), _shape(text)
        lettered = text[0].isalpha()
        listed = f"{_bucket(self.names.given_rank(text))}{_bucket(self.names.surname_rank(text))}" if lettered else ""
        lists = "".join([letter for letter, words in _LETTERED_LISTS if low in words])
        plain = "0" if text[0].isdigit() else low
        kind = f"{shape}{listed}{lists}"
        small, middle, large = self._groups.of(low) or ("-", "-", "-")
        single = (
            *(f"w{plain}", f"s{shape}", f"k{kind}", f"n{listed}", f"e{low[-3:]}", f"d{low[-2:]}", f"f{low[:3]}", f"W{plain}{shape}"),
            *(f"g{small}", f"h{middle}", f"i{middle}{shape}", f"j{large}{shape}"),
        )
        return Traits(single, (plain, kind, f"{shape}{large}"))

    def _is_thing(self, line: str, claim: Claim) -> bool:
        """A company, street or place by what stands in it or behind it, or a town before its state."""
        name = line[claim.start : claim.end]
        if self._page.lexicon.ordinary(name) and not _THING_AFTER.match(line, claim.end) and not _THE_BEFORE.search(line, 0, claim.start):
            return False
        if _THING_AFTER.search(name) or _THING_AFTER.match(line, claim.end) or _STATE_NEXT.match(line, claim.end):
            return True
        words = name.lower().split()
        if len(words) > 1:
            return words[0] in _ROOMS
        if words[0] in _TOWNS and _TOWN_PLACE.search(line, 0, claim.start) and _TOWN_END.match(line, claim.end):
            return True
        if words[0] in _WORDS_TOO:
            return bool(_SENTENCE_OPENS.search(line, 0, claim.start))
        if not self.names.given_rank(name) and _ITEM_OPENS.fullmatch(line, 0, claim.start):
            return True
        return words[0] in _GENERIC or words[0] in _PLACES or _town_before(line, claim.start)

    # ------------------------------------------------------------------ cells of a row that is read as text

    def _cells(self, text: str) -> Iterator[Claim]:
        """Given name and surname in two cells side by side, behind a title or both listed; a whole name in a cell of its own."""
        if _TITLED_HINT.search(text):
            for match in _TITLED_CELLS.finditer(text):
                yield from (Claim(*match.span(part), 0.8) for part in ("given", "surname"))
        for start, line in _lines(text):
            if line.count(",") + line.count("\t") + line.count("|") > 2 and len(_SEPARATOR.findall(line)) > 2:
                yield from (claim._replace(start=start + claim.start, end=start + claim.end) for claim in self._row(line))

    def _row(self, line: str) -> Iterator[Claim]:
        cells = [match for match in _CELL.finditer(line) if match["name"]]
        for cell in cells:
            if " " in cell["name"] and not _STATE_CELL_NEXT.match(line, cell.end()) and self._whole(cell["name"]):
                yield Claim(*cell.span("name"), 0.6)
        for one, two in pairwise(cells):
            if line[one.end() : two.start()].strip(' "') not in (",", "\t", "|", ";"):
                continue
            given, surname = one["name"], two["name"]
            for one_word, other in ((given, surname), (surname, given)):
                if " " in one_word or " " in other or {one_word.lower(), other.lower()} & _NO_NAMES:
                    continue
                if (self.names.given_rank(one_word) or 9_999) <= 1_500 and (self.names.surname_rank(other) or 99_999) <= 30_000:
                    if {one_word.lower(), other.lower()} <= _WORDS_TOO or _STATE_CELL_NEXT.match(line, two.end()):
                        continue
                    yield Claim(*one.span("name"), 0.6)
                    yield Claim(*two.span("name"), 0.6)
                    break

    def _whole(self, cell: str) -> bool:
        """A given name and a surname of which one is listed, and neither a place, nor both ordinary words."""
        words = [word.strip(".,").lower() for word in cell.split() if word.strip(".,") not in ("Jr", "Sr", "II", "III", "IV")]
        if len(words) < 2 or _THING_AFTER.search(cell) or set(words) & _GENERIC or {words[0], words[-1]} & _PLACES:
            return False
        given, surname = self.names.given_rank(words[0]) or 9_999, self.names.surname_rank(words[-1]) or 99_999
        if words[-1] in _WORDS_TOO:
            return given <= 300 and words[0] not in _WORDS_TOO
        if words[0] in _WORDS_TOO:
            return given <= 1_500 and (surname > 20_000 or surname <= 5_000)
        return given <= 1_500 or surname <= 20_000

    # ------------------------------------------------------------------ the place it stands in

    def _placed(self, text: str, pairs: Sequence[int]) -> Iterator[Claim]:
        for match in _matches_at(_TITLE, text, pairs):
            start, end = match.span("name")
            end = self._until_thing(text, start, end)
            if end > start and self._plausible(text[start:end]):
                yield Claim(start, end, 0.85)
        yield from self._told(text, hinted_lines(_VALUE_HINT, _LABEL, text), 0.75, 0.45)
        for hinted, pattern, alone, unlisted in (
            (_says(text, _TOLD_WORDS), _TOLD, 0.75, 0.6),
            (any(word in text for word in _GREETINGS), _GREETING, 0.85, 0.45),
            (any(word in text for word in _CLOSINGS), _CLOSING, 0.75, 0.45),
        ):
            if hinted:
                yield from self._told(text, pattern.finditer(text), alone, unlisted)

    def _told(self, text: str, matches: Iterable[re.Match[str]], alone: float, unlisted: float) -> Iterator[Claim]:
        for match in matches:
            start, end = match.span("name")
            if self._plausible(text[start:end]) and not _THING_AFTER.match(text, end):
                yield Claim(start, end, self._placed_score(text[start:end], alone, unlisted))

    def _placed_score(self, name: str, alone: float, unlisted: float) -> float:
        words = re.findall(rf"[{_UP}{_LOW}'’-]{{2,}}", name)
        listed = [bool(self.names.given_rank(word) or self.names.surname_rank(word)) for word in words]
        if len(words) == 1:
            return alone if listed[0] and words[0].lower() not in _PLACES else unlisted
        return 0.9 if any(listed) else 0.6

    def _plausible(self, name: str) -> bool:
        words = [word.lower().strip(".,") for word in name.split()]
        if self._page.lexicon.ordinary(name):
            return True
        if any(word in _GENERIC for word in words) or not any(len(word) > 1 for word in words):
            return False
        return not _THING_AFTER.search(name)

    def _until_thing(self, text: str, start: int, end: int) -> int:
        """A title's name ends before `Street` and the like; a company behind it takes it away."""
        return start if _THING_AFTER.match(text, end) or _THING_AFTER.search(text[start:end]) else end

    # ------------------------------------------------------------------ words of the lists

    def _runs(self, text: str, pairs: Sequence[int]) -> Iterator[Claim]:
        for match in _matches_at(_RUN, text, pairs):
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
            if _NUMBER_BEFORE.search(text, max(0, begin - 12), begin) or (score <= OTHER_COUNTRIES and _HOUSE_NEXT.match(text, stop)):
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
            if WORLD in (given, surname):
                return OTHER_COUNTRIES if not wordy else 0.4
            return 0.85 if not wordy else 0.65
        if given and given <= 1_500 and not wordy and low_last not in _PLACES:
            return 0.6 if count == 2 else 0.55
        if surname and surname <= 3_000 and not wordy and low_last not in _PLACES:
            return 0.35
        return 0.0

    def _last_first(self, text: str, pairs: Sequence[int]) -> Iterator[Claim]:
        for match in _matches_at(_LAST_FIRST, text, pairs):
            last, first = match["last"], match["first"]
            surname, given = self.names.surname_rank(last), self.names.given_rank(first)
            if not surname or not given or {last.lower(), first.lower()} & _NO_NAMES or _THING_AFTER.match(text, match.end()):
                continue
            rather_given = self.names.given_rank(last)
            likely = rather_given is None or rather_given > 300
            if last.lower() in _WORDS_TOO or first.lower() in _WORDS_TOO:
                likely = False
            end = match.end("middle") if match["middle"] else match.end("first")
            yield Claim(match.start(), end, 0.75 if likely and _alone(text, match.start(), end) else (0.6 if likely else 0.3))

    def _capitals(self, text: str, pairs: Sequence[int]) -> Iterator[Claim]:
        """MARY SMITH: where both words are frequent names."""
        for match in _matches_at(_CAPITALS, text, pairs):
            words = match[0].split()
            given, surname = self.names.given_rank(words[0]), self.names.surname_rank(words[-1])
            plain = not {word.lower() for word in words} & _WORDS_OR_PLACES
            if given and surname and given <= 1_500 and surname <= 20_000 and plain and not _THING_AFTER.match(text.title(), match.end()):
                yield Claim(match.start(), match.end(), 0.7)


def _matches_at(pattern: re.Pattern[str], text: str, starts: Sequence[int]) -> Iterator[re.Match[str]]:
    """Matches that begin at one of these ascending places, as `finditer` gives them if it finds none elsewhere."""
    done = 0
    for start in starts:
        if start >= done:
            match = pattern.match(text, start)
            if match:
                done = match.end()
                yield match


def _says(text: str, words: Sequence[str]) -> bool:
    """Whether one of these words may stand in the text in any case."""
    low = text.lower()
    return any(word in low for word in words) or (not text.isascii() and ODD.search(text) is not None)


def _mended(text: str, claim: Claim) -> Claim:
    """A claim without a title or quotes at its ends, and with the `Jr.` behind it."""
    start, end, _ = claim
    opening = _OPENING.match(text, start, end)
    if opening and opening.end() < end:
        start = opening.end()
    while end - start > 1 and text[end - 1] in '"“”':
        end -= 1
    if text[end - 2 : end] in ("'s", "’s") and end - start > 3:
        end -= 2
    younger = _YOUNGER.match(text, end)
    if younger and " " in text[start:end]:
        end = younger.end()
    return claim if (start, end) == claim[:2] else claim._replace(start=start, end=end)


def _in_one_field(line: str, claim: Claim) -> Claim:
    """A tagged name up to where two blanks end the field, or a full stop the sentence."""
    gap = _FIELD_END.search(line, claim.start, claim.end)
    return claim._replace(end=gap.start()) if gap and gap.start() > claim.start else claim


def _segments(roles: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Runs of tokens between words that no name holds, where a run holds a capitalised word."""
    first, hopeful = 0, False
    for at, role in enumerate(roles):
        if role == CLOSED:
            if hopeful:
                yield first, at
            first, hopeful = at + 1, False
        elif role == HOPEFUL:
            hopeful = True
    if hopeful:
        yield first, len(roles)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    start = 0
    for line in text.split("\n"):
        yield start, line
        start += len(line) + 1


def _is_prose(line: str) -> bool:
    """Some words, and not a table's row (hardly a separator without a blank) nor a record of `key: value` fields."""
    if "\t" in line and len(_FIELD.findall(line)) > 1:
        return False
    return line.strip().count(" ") >= LEAST_BLANKS and len(_SEPARATOR.findall(line)) <= 2 and _SPOKEN.search(line) is not None


def _town_before(line: str, start: int) -> bool:
    """The word stands behind a town in a list: `Paris, Sydney, Florence`."""
    before = re.search(rf"([{_UP}][{_LOW}]+)(?:,|,? and) $", line[max(0, start - 30) : start])
    return before is not None and before[1].lower() in _PLACES


def _shape(text: str) -> str:
    if not text[0].isalpha():
        return "0" if text[0].isdigit() else text[0]
    if text.islower():
        return "x"
    if len(text) == 1:
        return "X"
    if text.isupper():
        return "XX"
    if text[0].isupper():
        return "Xx" if text[1:].islower() else ("X-X" if "-" in text else "XxX")
    return "xX"


_LIMITS: Final = (50, 250, 1_200, 6_000, 30_000, WORLD - 1)
_BUCKETS: Final = "abcdefw"


def _bucket(rank: int | None) -> str:
    """How frequent a listed name is, on a scale of powers of about five."""
    if rank is None or rank == WORLD:  # the weights were estimated without the lists of other countries
        return "-"
    return _BUCKETS[bisect_left(_LIMITS, rank)]


def _alone(text: str, start: int, end: int) -> bool:
    """The span fills its line or quoted cell."""
    return (start == 0 or text[start - 1] in '\n\t;|"') and (end == len(text) or text[end] in '\r\n\t;|"')


RECOGNIZERS: tuple[type[EntityRecognizer], ...] = (EnglishPersonRecognizer,)
