"""English-language postal addresses: house number, street, unit, city, state, ZIP; post office boxes; British postcodes.

The parts follow USPS Publication 28 and the UK postcode format; a house number and a street are enough, a city alone is not.
"""

# ruff: noqa: E501 - the parts of an address are one line each

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final

import regex
from presidio_analyzer import EntityRecognizer, RecognizerResult

from detectors.claims import first_come
from detectors.fold import fold
from detectors.pattern import WINDOW_SECONDS, compiled_form
from detectors.presidio import result
from detectors.rule import words_pattern
from detectors.sign_places import Copy, Places, Range, found_in
from scanner.model import DetectSettings

_SUFFIX: Final = (
    "alley|avenue|ave|av|boulevard|blvd|bluff|bend|bypass|center|centre|circle|cir|close|court|ct|cove|creek|crescent|cres|crossing|xing|drive|dr"
    "|esplanade|estates|expressway|expy|extension|freeway|fwy|gardens|gate|glen|green|grove|heights|highway|hwy|hill|hills|island|junction"
    "|landing|lane|ln|loop|mall|manor|meadows|mews|motorway|parade|park|parkway|pkwy|pass|path|pike|place|pl|plaza|plz|point|pointe|promenade"
    "|byway|causeway|chase|commons|hollow|knoll|overlook|pier|spur"
    "|terr|strt|pky|aly|cswy|holw|mdws|mnr|rdg|vly|vlg|byp|cyn|hts|jct|lndg|mtn|trfy|spgs|shrs|ctr"
    "|quay|ridge|rise|road|rd|route|row|run|square|sq|street|str|st|terrace|ter|trace|trail|trl|turnpike|tpke|valley|view|village|vista|walk|way|wharf|yard"
)
_STRONG_SUFFIX: Final = (
    "avenue|ave|boulevard|blvd|street|st|road|rd|lane|ln|drive|dr|court|ct|circle|cir|parkway|pkwy|highway|hwy|terrace|terr"
)
_STATE: Final = (
    "A[LKZR]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINSOT]|N[CDEHJMVY]|O[HKR]|P[AR]|RI|S[CD]|T[NX]|UT|V[AIT]|W[AIVY]|GU|A[AEP]"
)
_STATE_NAME: Final = (
    "Alabama|Alaska|Arizona|Arkansas|California|Colorado|Connecticut|Delaware|Florida|Georgia|Hawaii|Idaho|Illinois|Indiana|Iowa|Kansas|Kentucky"
    "|Louisiana|Maine|Maryland|Massachusetts|Michigan|Minnesota|Mississippi|Missouri|Montana|Nebraska|Nevada|New[ ]Hampshire|New[ ]Jersey"
    "|New[ ]Mexico|New[ ]York|North[ ]Carolina|North[ ]Dakota|Ohio|Oklahoma|Oregon|Pennsylvania|Rhode[ ]Island|South[ ]Carolina|South[ ]Dakota"
    "|Tennessee|Texas|Utah|Vermont|Virginia|Washington|West[ ]Virginia|Wisconsin|Wyoming|Ontario|Quebec|British[ ]Columbia|Alberta|Manitoba"
)
_NUMBER_WORD: Final = "one|two|three|four|five|six|seven|eight|nine|ten"
_PARTS: Final = rf"""
(?(DEFINE)
  (?P<gap> [ ]{{0,2}}(?:,[ ]|\.[ ]|,?\r?\n[ ]{{0,2}}>?[ ]?|[ ]-[ ])[ ]? | [ ]{{1,2}} )
  (?P<dir> (?i: (?: [NSEW] | So | NE | NW | SE | SW | N\.[EW]\. | S\.[EW]\. | North(?:east|west)? | South(?:east|west)? | East | West ) (?![A-Za-z]) \.? ) )
  (?P<no> (?: (?: [0-9]{{1,5}} [ ] (?=[0-9]) )? [0-9]{{1,6}} (?:-[0-9]{{1,4}}(?![/0-9]))? (?:-?[A-Z])? (?:[ -][0-9]/[0-9]|/[0-9]{{1,5}})? | (?i:{_NUMBER_WORD}) ) (?![\p{{Latin}}0-9]) )
  (?P<ordinal> [0-9]{{1,3}}(?i:st|nd|rd|th) )
  (?P<cap> (?:[\p{{Lu}}][\p{{Latin}}'’.&-]* | ['"][A-Z]['"] | (?:de|la|le|du|del|of|the|von|van|der|los|las|el)\b) )
  (?P<low> [\p{{Latin}}][\p{{Latin}}'’.&-]* )
  (?P<suffix> (?i:{_SUFFIX}) (?![\p{{Latin}}0-9]) \.? )
  (?P<named> (?i:avenue|ave|highway|hwy|route|rte|county[ ]road|county[ ]rd|state[ ]road|state[ ]route|us[ ]highway|interstate|fm|cr|sr)\.? [ ] (?: [A-Z0-9]{{1,4}} (?![A-Za-z0-9]) | of[ ]the[ ]\p{{Lu}}\p{{Latin}}+ ) | (?i:broadway)(?!\p{{Latin}}) (?: [ ] (?&suffix) )? )
  (?P<numbered> (?: (?&cap) [ ] ){{0,3}}? (?i: (?: (?: state | county | co | us | u\.s\. | \p{{L}}{{2}} )[ ] )? (?: hwy | highway | route | rte | rt | expressway | expy | freeway | fwy | cr | sr | fm ) | us | u\.s\. | county[ ]road | county[ ]rd | state[ ]road ) \.? [ ] \#? [ ]? (?i: no\.?[ ] )? [0-9]{{1,4}}[A-Z]? (?![A-Za-z0-9-]) )
  (?P<grid> (?&dir) [ ] [0-9]{{2,5}} [ ] (?&dir) (?: [ ] (?&suffix) )? )
  (?P<street> (?&grid) | (?: (?&dir) [ ] )? (?: (?&numbered) | (?&named) | (?: (?:(?&ordinal)|(?&cap)) [ ] ){{1,5}} (?&suffix) | (?&ordinal) [ ] (?&suffix) | (?<= (?:[NSEW]|[tThH])[.]?[ ] ) [0-9]{{1,3}} [ ] (?&suffix) ) (?: ,? [ ] (?&dir) )? | (?&dir) [ ] (?: (?&low) [ ] ){{1,3}}? (?&suffix) )
  (?P<lowstreet> (?: (?&dir) [ ] )? (?: (?: (?&ordinal) | (?&low) ) [ ] ){{1,4}}? (?&suffix) (?: ,? [ ] (?&dir) )? )
  (?P<unit> (?i: (?: apt | apartment | suite | ste | unit | room | rm | floor | fl | bldg | building | lot | trailer | trlr | dept | flat | box | flr | spc | space | annex | penthouse | ph | \#) (?![\p{{Latin}}]) \.? [ ]? \#? [ ]? [A-Za-z]?-?[0-9]{{0,5}}(?:[.-]?[A-Za-z0-9]{{1,4}})?(?:(?<=[ ][A-Z])[ ][0-9]{{1,4}}(?![0-9]))? (?:[ ][A-Z](?![\p{{Latin}}.]))?
                | (?:[0-9]{{1,3}}(?:st|nd|rd|th) | first | second | third | fourth | ground | bottom | top | main ) [ ] (?: floor | fl | flr ) (?![\p{{Latin}}]) \.? | lower[ ]level | upstairs | basement | mezzanine | rear
                  | (?: no | dept | department | mail[ ]code | mc | client[ ]code | file | lockbox | substation | condo | interim[ ]unit ) \.? [ ] \#? [ ]? (?=[A-Z]{{0,2}}[0-9]) [A-Z0-9-]{{1,10}} (?![\p{{Latin}}0-9]) ) )
  (?P<units> (?: (?&gap) | [ ]?[/&][ ]? ) (?&unit) (?: [ ] \( [^()\n]{{2,25}} \) )? )
  (?P<short> ,[ ] [A-Z]{{1,2}}-?[0-9]{{0,4}} (?=,[ ]) )
  (?P<city> (?:\p{{Lu}}[\p{{Latin}}'’.-]*|\bof\b|\bla\b|\bde\b)(?:[ ](?:(?:d['’])?\p{{Lu}}[\p{{Latin}}'’.-]*|of|la|de|the)){{0,3}} )
  (?P<lowcity> \p{{Latin}}[\p{{Latin}}'’.-]*(?:[ ]\p{{Latin}}[\p{{Latin}}'’.-]*){{0,3}} )
  (?P<state> (?:{_STATE})(?![\p{{Latin}}0-9]) | (?i:D\.C\. | N\.[YJCHMD]\. | N\.Y(?!\p{{Latin}}) | S\.[CD]\. | R\.I\. | W\.[ ]?Va\.) | District[ ]of[ ]Columbia | (?i:{_STATE_NAME})(?!\p{{Latin}}) )
  (?P<anystate> (?i: {_STATE} | {_STATE_NAME} )(?![\p{{Latin}}0-9]) )
  (?P<zip> [0-9]{{5}}(?:-?[0-9]{{4}})?(?![0-9-]) )
  (?P<postcode> [A-Z]{{1,2}}[0-9][A-Z0-9]? [ ]? [0-9][ABD-HJLNP-UW-Z]{{2}} (?![A-Za-z0-9]) | [A-Z][0-9][A-Z] [ ] [0-9][A-Z][0-9] (?![A-Za-z0-9]) )
  (?P<country> (?: USA | U\.S\.A\. | United[ ]States(?:[ ]of[ ]America)? | UK | United[ ]Kingdom | England | Canada | Australia | Scotland | Wales | Ireland )(?![\p{{Latin}}]) )
  (?P<tail> (?&gap) (?&lowcity) (?&gap) (?&anystate) (?&gap) (?&zip) | (?&gap) (?&city) (?&gap) (?&state) (?: (?&gap) (?&zip) )? | (?&gap) (?&state) (?&gap) (?&zip) | (?&gap) (?&city) (?&gap) (?&zip) | (?: (?&gap) (?&city) ){{1,3}} (?&gap) (?&postcode) | (?&gap) (?&postcode) )
)
"""
_LEFT: Final = r"(?<![\p{Latin}0-9#.,$-])(?<![0-9],)"
_LEFT_LOOSE: Final = r"(?<![\p{Latin}0-9#$])(?<![0-9][.,:-])"
_FORMS: Final = (
    # rule id, score, pattern
    (
        "full",
        0.95,
        rf"{_LEFT_LOOSE}(?: (?&unit) (?&gap) )? (?: (?&no) [ ] (?: (?&street) | (?&lowstreet) ) | (?&street) (?&gap) (?&no) (?![0-9]) ) (?: (?&units) ){{0,2}} (?&short)? (?: (?&tail) | (?&gap) (?&lowcity) [ ] (?&zip) ) (?: (?&gap) (?&country) )?",
    ),
    ("street_unit", 0.85, rf"{_LEFT_LOOSE} (?&no) [ ] (?: (?&street) | (?&lowstreet) ) (?: (?&units) ){{1,2}}"),
    ("street", 0.75, rf"{_LEFT_LOOSE} (?&no) [ ] (?&street) (?![\p{{Latin}}0-9])"),
    (
        "box",
        0.85,
        rf"{_LEFT_LOOSE} (?: (?i: dept | department | client | customer | lockbox ) \.? [ ] \#? [ ]? [0-9-]{{3,12}} ,? [ ] )? (?i: P\.? [ ]? O\.? [ ]? Box | Post [ ] Office [ ] Box | lock[ ]?box | (?: rr[0-9]? | hcr? | hc | rural[ ]route | route | rt ) (?: [ ] \#? [ ]? [0-9]{{1,4}} )? [ ] box ) [ ] \#? [ ]? [0-9]{{1,6}}[A-Z]?(?![\p{{Latin}}0-9]) (?: (?&gap) (?i: p\.?o\.? [ ] box ) [ ] [0-9]+ )? (?: (?&units) (?: [ ] [0-9]{{4,12}} )? )? (?: (?&tail) | (?&gap) (?&lowcity) (?&gap) (?&anystate) (?&gap) (?&zip) )? (?: (?&gap) (?&country) )?",
    ),
    (
        "numbered_zip",
        0.85,
        rf"{_LEFT_LOOSE} (?&no) [ ] (?: (?&dir) [ ] )? (?: (?: (?&ordinal) | (?&low) | \#?[ ]? [0-9]{{1,6}} ) ,? [ ] ){{1,8}}? (?: (?&unit) (?&gap) )? (?: (?&anystate) | (?&city) ) ,? [ ] (?&zip) (?: (?&gap) (?&country) )?",
    ),
    (
        "military",
        0.9,
        r"(?<![\p{Latin}0-9]) (?i: (?:PSC|Unit|CMR)[ ][0-9]{1,5},?[ ]Box[ ][0-9]{1,5} | US(?:NV|NS|CGC|S)[ ]\p{L}\p{Latin}+ ) (?&gap) (?i:[AFD]PO[ ]A[AEP])[ ](?&zip)",
    ),
    (
        "direction",
        0.6,
        rf"{_LEFT_LOOSE} (?&no) [ ] (?: (?&grid) | (?&dir) [ ] (?: (?&ordinal) | (?&cap) ) ) (?: [ ] (?&cap) )?? (?: (?&units) (?: (?&tail) )? | (?&tail) | (?= [ ]* (?: [,;\t|\r\n] | \Z ) ) )",
    ),
    (
        "road_zip",
        0.8,
        r"(?<![\p{Latin}0-9]) (?: (?i: box ) [ ] \# [ ]? [0-9]{1,6} | (?: (?&dir) [ ] )? (?: (?&numbered) (?: [ ] (?&dir) )? | (?: (?&cap) [ ] ){1,3} (?&suffix) | County[ ]Road[ ][A-Z]{1,2} ) ) , [ ]? (?&city) , [ ]? (?&state) [ ] (?&zip) (?: (?&gap) (?&country) )?",
    ),
    (
        "field",
        0.6,
        rf"(?<! [^\n] ) (?: (?&unit) ,? [ ] ){{0,2}} (?=[0-9]) (?&no) [ ] (?: (?&dir) [ ] )? (?: (?: (?&ordinal) | (?&low) ) [ ] ){{1,4}}? (?i: {_STRONG_SUFFIX} ) (?![\p{{Latin}}0-9]) \.? (?: ,? [ ] (?&dir) )? (?: (?&units) )? (?: ,? [ ] (?&lowcity) (?: ,? [ ] (?&anystate) )? | [ ] (?&zip) | [ ] attn:? [ ] [^\n]{{3,40}} )?? (?= [ ]* (?: \n | \Z ) )",
    ),
    (
        "field_state",
        0.6,
        r"(?<! [^\n] ) (?=[0-9]{2}) (?&no) [ ] (?![\p{Ll}]+s[ ,]) (?: (?&dir) [ ] )? (?: (?: (?&ordinal) | (?&low) | \# ) ,? [ ] ){2,6}? (?: (?! (?:OK|OR|ME|IN|HI|MD|MS|PA|MA)\b ) (?&state) | (?<=,[ ]) (?&anystate) ) (?= [ ]* (?: \n | \Z ) )",
    ),
    ("city_zip", 0.6, r"(?<![\p{Latin}0-9]) (?&city) , [ ]? (?&state) [ ] (?&zip) (?: (?&gap) (?&country) )?"),
)
_PROSE: Final = frozenset(
    (
        "a",
        "an",
        "on",
        "in",
        "down",
        "up",
        "for",
        "from",
        "with",
        "to",
        "people",
        "miles",
        "per",
        "years",
        "months",
        "days",
        "hours",
        "minutes",
        "hour",
        "minute",
        "day",
        "mile",
        "km",
        "week",
    )
) | frozenset(("percent", "men", "women", "times", "more", "less", "other", "different", "or", "was", "were", "is", "i", "am"))
_CLOCK: Final = frozenset(("am", "pm", "a.m.", "p.m."))
_PLACE_SUFFIXES: Final = frozenset(
    ("green", "island", "park", "point", "center", "centre", "hill", "hills", "valley", "village", "heights", "square", "view")
) | frozenset(
    (
        "run",
        "chase",
        "commons",
        "hollow",
        "overlook",
        "knoll",
        "spur",
        "pier",
        "pass",
        "row",
        "gate",
        "gardens",
        "glen",
        "grove",
        "junction",
        "landing",
        "mall",
        "rise",
        "yard",
        "close",
        "trace",
        "extension",
        "path",
        "walk",
    )
)
_LOOSE_FORMS: Final = frozenset(("street_unit", "numbered_zip", "full", "direction", "field", "field_state"))
_ADDRESS_WORDS: Final = words_pattern(
    ["address", "addr", "street", "streetaddress", "住所", "所在地", "address1", "address line", "mailing"]
)
_BARE_CELL: Final = regex.compile(r"(?=.*\p{Latin}{2})(?=.*[0-9])[\p{Latin}\p{M}0-9 .,'’#/&()ºª°-]{5,120}")
# where an address can begin, and what must follow soon: trying a form only there is many times faster than letting it search
_NUMBER_START: Final = regex.compile(
    r"(?<![\p{Latin}0-9])(?:[0-9]{1,6}[A-Z]?(?:-[0-9]{1,4})?(?:[ -][0-9]/[0-9]|/[0-9]{1,5})? (?=[\p{Latin}0-9'\"])|(?i:suite|ste|apt|unit|flat|room|floor|"
    + _NUMBER_WORD
    + ") )"
)
_STREET_START: Final = regex.compile(rf"(?i)(?<![\p{{Latin}}])(?:{_SUFFIX}|broadway|rte|rt|cr|sr|fm|us|u\.s\.|interstate)(?![\p{{Latin}}])")
_BOX_START: Final = regex.compile(
    r"(?i)(?<![\p{Latin}0-9])(?:(?:dept|department|client|customer|lockbox)\.? #? ?[0-9-]{3,12},? )?(?:p\.? ?o\.? ?box|post office box|lock ?box|(?:rr[0-9]?|hcr?|hc|rural route|route|rt)(?: #? ?[0-9]{1,4})? box) "
)
_DIRECTION_START: Final = regex.compile(
    r"(?<![\p{Latin}0-9])[0-9]{1,6}[A-Z]? (?=(?i:[NSEW]|NE|NW|SE|SW|N\.[EW]\.|S\.[EW]\.|north|south|east|west|so)\.? [\p{Lu}0-9])"
)
_MILITARY_START: Final = regex.compile(r"(?<![\p{Latin}0-9])(?:(?i:(?:PSC|Unit|CMR) (?=[0-9])|US(?:NV|NS|CGC|S) ))")
_PLACE_START: Final = regex.compile(r"(?<![\p{Latin}0-9.'’-])(?<!\p{Lu}[\p{Latin}.]{0,20} )\p{Lu}\p{Latin}+")
_ZIP: Final = regex.compile(r"(?<=[A-Za-z.] )[0-9]{5}(?![0-9])")
# what a text must hold for a form to match anywhere in it, loosely: all the screen asks
_NUMBER_SIGN: Final = r"[0-9][A-Z]? |(?i:suite|ste|apt|unit|flat|room|floor|" + _NUMBER_WORD + ") "
_STREET_SIGN: Final = rf"(?<![A-Za-z])(?i:{_SUFFIX}|broadway|rte|rt|cr|sr|fm|us|u\.s\.|interstate)(?![A-Za-z])"
_ZIP_SIGN: Final = r"[A-Za-z.] [0-9]{5}(?![0-9])"
_HOUSE: Final = regex.compile(  # the name of a house, right before its number, as its own part of the line
    r"(?:^|[\n,:;|\t\"])[ ]?(?P<house>(?:[\p{Lu}0-9][\p{Latin}0-9.'’&-]*[ ]|of[ ]|the[ ]|and[ ]){0,5}"
    r"(?:Building|Bldg\.?|Hall|Courthouse|Plaza|Tower|Towers|House|Gateway),[ ])$"
)
_COPIES: Final = {
    "number": (Copy(r"[0-9][A-Z]? ", 24), Copy(rf"(?<![A-Za-z0-9])(?i:suite|ste|apt|unit|flat|room|floor|{_NUMBER_WORD}) ", 8)),
    "street": (Copy(_STREET_SIGN, 16),),
    "box": (Copy(r"(?i)box ", 72),),
    "military": (Copy(r"(?i)(?:PSC|Unit|CMR) [0-9]|US(?:NV|NS|CGC|S) ", 8),),
}
_SIGN_AHEAD: Final = 90  # characters from the start of a sign to the last it looks at
_REACH: Final = 120  # characters from a house number to its street's last word, or to the ZIP


def _starts(folded: str, ranges: Mapping[str, Sequence[Range]]) -> dict[str, list[int]]:
    """Form -> where in the text it is worth trying, by the ranges in which its signs can start."""

    def at(sign: str, pattern: Any) -> list[int]:
        return [match.start() for match in found_in(pattern, folded, ranges[sign], _SIGN_AHEAD)]

    numbers = at("number", _NUMBER_START)
    zips = [match.start() for match in _ZIP.finditer(folded)]
    near_street = _followed(numbers, at("street", _STREET_START)) if numbers else []
    towns = _followed([match.start() for match in _PLACE_START.finditer(folded)], zips) if zips else []
    return {
        **dict.fromkeys(("full", "street_unit", "street"), near_street),
        "numbered_zip": _followed(numbers, zips),
        "box": at("box", _BOX_START),
        "direction": [match.start() for match in _DIRECTION_START.finditer(folded)],
        "military": at("military", _MILITARY_START),
        **dict.fromkeys(("road_zip", "city_zip"), towns),
        "field": [start for start in near_street if not start or folded[start - 1] == "\n"],
        "field_state": [start for start in numbers if not start or folded[start - 1] == "\n"],
    }


def _followed(starts: list[int], marks: list[int]) -> list[int]:
    """The starts after which a mark comes within reach; both lists ascend."""
    return [start for start in starts if (at := bisect_right(marks, start)) < len(marks) and marks[at] - start <= _REACH]


def _alone(folded: str, start: int, end: int) -> bool:
    """Whether it stands between delimiters, as a field of a line does."""
    left, right = folded[start - 1 : start] if start else "", folded[end : end + 1]
    return (not left or left in ',\t"|\n') and (not right or right in ',\t"|\r\n') and bool(left or right)


class AddressEnRecognizer(EntityRecognizer):
    """Addresses written the American or British way."""

    SIGNS: ClassVar[tuple[str | tuple[str, ...], ...]] = (
        (_NUMBER_SIGN, _STREET_SIGN),
        r"[0-9][A-Z]?[ ](?i:[NSEW]|NE|NW|SE|SW|N\.[EW]\.|S\.[EW]\.|north|south|east|west|so)\.?[ ][A-Z0-9]",
        (_NUMBER_SIGN, _ZIP_SIGN),
        (_NUMBER_SIGN, rf"[ ](?i:{_STATE}|{_STATE_NAME})(?![A-Za-z])"),
        r"(?i)box[ #]{1,3}[0-9]",
        rf",[ ]?(?:{_STATE}|(?i:D\.C\.|{_STATE_NAME}))[ ][0-9]{{5}}",
        r"(?i:[AFD]PO[ ]A[AEP])[ ][0-9]{5}",
    )
    CELL_SIGNS: ClassVar[tuple[str, ...]] = (r"[0-9][A-Z]? ", r"(?i)box[ #]{1,3}[0-9]", r"[A-Za-z.] [0-9]{5}")

    def __init__(self, settings: DetectSettings | None = None, language: str = "en") -> None:
        del settings
        super().__init__(supported_entities=["ADDRESS"], name="address_en", supported_language=language, version="1")
        self._id = self.name

    def load(self) -> None:
        """Compile the signs (kept between runs)."""
        self._places = Places(_COPIES)

    def analyze(self, text: str, entities: Sequence[str], nlp_artifacts: Any = None) -> list[RecognizerResult]:
        """Addresses in running text, the fullest form of each."""
        del entities, nlp_artifacts
        return [
            result("ADDRESS", start, end, score, f"en.address.{name}", "address_en", identifier="address_en")
            for name, score, start, end in first_come(self._matches(fold(text)))
        ]

    def analyze_cell(self, value: str, header: Sequence[str]) -> list[RecognizerResult]:
        """Addresses in a cell; under a header that says "address" any words with a number are one."""
        found = self.analyze(value, ["ADDRESS"])
        if (
            not found
            and _ADDRESS_WORDS is not None
            and _ADDRESS_WORDS.search(fold(" ".join(header)).lower())
            and _BARE_CELL.fullmatch(value)
        ):
            found = [result("ADDRESS", 0, len(value), 0.6, "en.address.cell", "address_en", identifier="address_en")]
        return found

    def _matches(self, folded: str) -> Iterator[tuple[str, float, int, int]]:
        starts = _starts(folded, self._places.near(folded))
        for name, score, source in _FORMS:
            done = 0
            for start in starts.get(name, ()):
                match = compiled_form(_PARTS, source).match(folded, start, timeout=WINDOW_SECONDS) if start >= done else None
                if match is not None and not self._is_prose(name, match[0], _alone(folded, *match.span())):
                    done = match.end()
                    house = _HOUSE.search(folded[max(0, start - 80) : start]) if name == "full" else None
                    begin = start - len(house["house"]) if house else start
                    yield name, score, begin, len(folded[:done].rstrip(" ,\r\n"))

    def _is_prose(self, form: str, surface: str, alone: bool) -> bool:
        words = surface.split()
        inner = set(words[1:-1])  # as written: OR and IN are states
        if {word.lower() for word in inner} & _CLOCK or words[1:2] == ["and"]:
            return True
        if (
            form == "street" and not alone and words[-1].lower().rstrip(".") in _PLACE_SUFFIXES
        ):  # Bowling Green, Long Island: no street without more
            return True
        return form in _LOOSE_FORMS and bool(inner & _PROSE)


RECOGNIZERS: Final = (AddressEnRecognizer,)
