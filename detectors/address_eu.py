"""Postal addresses of continental Europe and its kin: the street's kind before or behind its name, the number before or behind both.

Three things make one, never a name and a number alone: a word that means street, a flat or suite behind, or a city and country or postal
code below. In a line that also holds an e-mail address a field of words and a number beside a field with a postal code is one as well.
Forms follow the national annexes of UPU S42 and EN 14142-1.
"""

# ruff: noqa: E501 - the parts of an address are one line each

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Final

import regex
from presidio_analyzer import EntityRecognizer, RecognizerResult

from detectors.claims import first_come
from detectors.fold import fold
from detectors.pattern import WINDOW_SECONDS, compiled_form
from detectors.presidio import result
from detectors.sign_places import Copy, Places, Range, found_in, loose
from scanner.model import DetectSettings

# glued to the name: Musterstraße, Voorbeeldlaan, Exempelvägen, Esimerkkikatu; then as a word of its own behind it
_GLUED: Final = (
    "straße|strasse|straat|gasse|platz|allee|laan|weg|gracht|plein|dijk|kade|singel|gatan|gata|götu|vägen|väg|gränd|stigen|stien|vegen|veien|vei|vej|(?<!bri)gade"
    "|stræde|stien|krogen|kroken|bakken|haugen|vænget|katu|(?:in|an|en|on|un|yn|än|by|ä|maa)ntie|kuja|polku|kaari|damm|ufer|steig|brücke|parken|parkring|heiligengeistbrücke"
)
_BEHIND: Final = "straße|strasse|str\\.|utca|út|útja|u\\.|tér|tere|rkp\\.|krt\\.|köz|ulica|ul\\.|cesta|trg|terrasse|allé|väg|vei|vej|gate|platz|weg|laan|straat|mnt|tee"
_BEFORE: Final = (
    "Rua|Avenida|Av|Avda|Travessa|Praça|Calle|C/|Paseo|Pasaje|Plaza|Camino|Carrer|Ronda|Via|Viale|Piazza|Piazzetta|Piazzale|Corso|Largo|Vicolo"
    "|Strada|Contrada|ul|al|Aleja|pl|Trg|Ulica|náměstí|nám|tř|Λεωφόρος|Λεωφ|Οδός"
)
_FRENCH: Final = "rue|avenue|av|boulevard|boul|bd|place|chemin|quai|impasse|allée|cours|ruelle|faubourg|sentier"
_BOX: Final = r"postbox|postboks|postfach|apartado|p\.?[ ]?o\.?[ ]?box"
_COUNTRIES: Final = (
    "Argentina|Australia|Austria|Belgium|Brazil|Bulgaria|Canada|Chile|China|Colombia|Croatia|Cyprus(?:[ ]\\(Greek\\))?|Czech[ ]Republic|Denmark"
    "|Estonia|Finland|France|Germany|Greece|Greenland(?:er)?|Hungary|Iceland|India|Ireland|Israel|Italy|Latvia|Lithuania|Luxembourg|Malta|Mexico"
    "|Morocco|Netherlands|New[ ]Zealand|Norway|Peru|Poland|Portugal|Romania|Serbia|Slovakia|Slovenia|South[ ]Africa|Spain|Sweden|Switzerland"
    "|Tunisia|Turkey|Ukraine|United[ ]Kingdom|United[ ]States|Uruguay|Deutschland|Österreich|Schweiz|Suisse|España|Italia|Polska|Magyarország|Sverige|Norge|Danmark|Suomi|Nederland|België|Belgique"
)
_PARTS: Final = rf"""
(?(DEFINE)
  (?P<no> [0-9]{{1,4}}(?:[ ]?[-/][ ]?[0-9]{{1,4}})?[a-zA-Z]? (?![\p{{L}}0-9]) \.? (?![0-9]) )
  (?P<front> [0-9]{{1,6}} [ ] )
  (?P<cap> \p{{Lu}}[\p{{L}}\p{{M}}'’.-]* )
  (?P<word> [\p{{L}}][\p{{L}}\p{{M}}'’.-]* )
  (?P<part> (?: (?i: de | del | della | delle | dei | degli | di | da | do | dos | das | du | des | la | las | los | le | les | el | al | y | e | et | a | o | von | van | der | den | am | im | an | in | auf | pod | na | nad | u | af ) [ ] | [dl]['’] ) )
  (?P<named> (?&part){{0,3}} (?&cap) (?: [ ] (?&part){{0,3}} (?&cap) ){{0,4}} )
  (?P<glued> [\p{{L}}][\p{{L}}\p{{M}}-]{{1,30}}(?i:{_GLUED})(?!\p{{L}}) )
  (?P<typed> (?: (?: (?&cap) [ ] ){{0,2}} (?&glued) | (?: (?&cap) [ ] ){{1,3}} (?: (?&word) [ ] )? (?i:{_BEHIND})(?!\p{{L}}) | (?&front)? (?<!\p{{L}}) (?:{_BEFORE})\.? [ ] (?: (?&named) ) ),? [ ] (?&no)
             | [0-9]{{1,4}}(?:[ ]?(?:bis|ter))?,? [ ] (?i:{_FRENCH})\.? [ ] (?&named) )
  (?P<street> (?&typed) | (?i: {_BOX} ) [ ] [0-9]{{1,6}} (?![0-9]) | (?: (?&word) [ ] ){{1,5}}? (?&no) (?: [ ] (?&cap) ){{0,3}} | [0-9]{{1,5}} [ ] (?: (?&word) [ ] ){{0,4}}? (?&word) )
  (?P<gap> ,?[ ]{{1,3}} | [ ]?,?[ ]?\r?\n[ >?]{{0,8}}(?:,[ ])? )
  (?P<newline> [ ]?,?[ ]?\r?\n[ >?]{{0,8}}(?:\r?\n[ >?]{{0,8}})?(?:,[ ])? )
  (?P<unit> (?i: apt | apartment | suite | ste | unit | flat )\.? [ ] \#? [0-9]{{1,4}}[A-Za-z]? (?![\p{{L}}0-9]) )
  (?P<place> (?&word) (?: [ ] \(? (?&word) \)? ){{0,4}} )
  (?P<state> (?: [A-Za-z]{{2,3}} | [0-9]{{2}} ) (?![\p{{L}}0-9]) )
  (?P<country> (?i: {_COUNTRIES} )(?!\p{{L}}) )
  (?P<code> [0-9]{{2}}-[0-9]{{3}} | [0-9]{{3,4}}[ -]?[0-9]{{2,3}} | [0-9]{{5}}-[0-9]{{3}} | [0-9]{{4,6}} | [A-Z][0-9][A-Z][ ][0-9][A-Z][0-9] )
  (?P<end> (?&code)(?![\p{{L}}0-9-]) )
  (?P<city> (?&gap) (?: [A-Z]{{1,2}}-)? (?&end) [ ] (?&cap) (?: [ -] (?&cap) ){{0,2}} (?: (?&gap) (?&country) )? )
  (?P<tail> (?&city) | (?&gap) (?&place) (?: (?&gap) (?&state) )? (?&newline)? (?&gap)? (?: (?&country) (?: (?&gap) (?&end) )? | (?&end) )
            | (?&newline) (?&place) (?: (?&newline) | (?&gap) ) (?&state) (?: (?&newline) | [ ] ) (?: (?&country) (?: [ ] (?&end) )? | (?&end) )
            | (?&newline) (?&place) (?: (?&newline){{1,2}} (?&country) (?: [ ] (?&end) )? ) )
)
"""
_LEFT: Final = r"(?<![\p{L}\p{M}0-9#$./-])(?<![0-9][:,](?=[0-9]))"
_AT: Final = r"(?: lives? | living | resid(?:es|ing) | located | situated )[ ](?:on|at|in)[ ] | address(?:[ ]is)?:?[ ]"
_FORMS: Final = (
    # rule id, score, what its start must be, pattern
    (
        "corner",
        0.83,
        r"(?<!\p{L}) (?i:the[ ])? (?i:corner|intersection)[ ]of[ ] (?=[^.\n]{0,60}[0-9]) (?: (?&word)\.? [ ] | [0-9]{1,5}[ ] ){1,6} (?:and|&)[ ] (?: (?&cap) (?: [ ](?&cap) ){0,3} (?: [ ] (?&no) )? )",
    ),
    ("unit", 0.8, rf"{_LEFT} (?: (?&front)? (?&street) ) (?&gap) (?&unit) (?: (?&gap) (?&unit) )? (?&tail)?"),
    ("full", 0.8, rf"{_LEFT} (?&front)? (?: (?&typed) | (?: (?&word) [ ] ){{1,4}} (?&no) ) (?&tail)"),
    ("typed", 0.82, rf"{_LEFT} (?&typed) (?&city)?"),
    ("box", 0.6, r"(?<![\p{L}0-9]) (?i:postbox|postboks|postfach|apartado) [ ] [0-9]{1,6} (?![0-9]) (?&tail)?"),
    ("lives", 0.6, rf"(?<= {_AT} ) (?: (?&front)? (?&named) [ ] (?&no) | [0-9]{{1,4}} [ ] (?&named) )"),
    (
        "record",
        0.83,
        r"""(?<= [,;\t|"] ) (?: (?&word)\.? (?:[ ](?&word)\.?){0,5} [ ] (?&no) | [0-9]{1,5} [ ] (?&word) (?:[ ](?&word)){0,5} | (?i: postbox | p\.o\.[ ]box ) [ ] [0-9]{1,6} ) (?= "? (?P<bar>[,;\t|]) "? (?&place) (?:[ ][0-9]{1,2})? "? (?P=bar) (?: [\p{L}0-9 ]{0,4} (?P=bar) )? "? [A-Z]{0,3}[ -]?(?: [0-9]{2,6} (?:[ -][0-9A-Z]{2,4})? | [A-Z][0-9][A-Z] [ ] [0-9][A-Z][0-9] ) "? (?P=bar) [^\n]{0,80} @ )""",
    ),
)
_PROSE: Final = frozenset(("bedroom", "bed", "bedrooms", "rooms", "room", "was", "were", "is", "are", "has", "have", "for", "per", "with", "from", "to", "you", "we", "they", "he", "she", "at", "on", "this", "that", "and"))  # fmt: skip
_COUNTRY: Final = regex.compile(rf"(?i)(?<!\p{{L}})(?:{_COUNTRIES})(?!\p{{L}})")
_CODE: Final = regex.compile(r"[ ,-][0-9]{4,6}(?![0-9])")
_OPENING: Final = frozenset(("in", "on", "at", "by", "since", "from", "until", "the", "of", "version", "chapter", "page", "part", "type", "article", "phase", "group", "class", "level"))  # fmt: skip
_MONTHS: Final = frozenset(("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december", "jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec"))  # fmt: skip
_LOOSE: Final = frozenset(("unit", "full", "record", "lives"))
_DATED: Final = _LOOSE | {"corner"}
# characters near which a form may begin: a line, a field, or after a word of place
_UNIT_SIGN: Final = r"(?i:(?<![a-z])(?:apt|apartment|suite|ste|unit|flat)\.?[ ]#?[0-9])"
_START: Final = regex.compile(r"(?<![\p{L}\p{M}0-9#$./'-])(?<![0-9][:,](?=[0-9]))[\p{Lu}0-9ut](?=[^\n]{2})")
_STATE_CODE: Final = r",[ ]?\n?[ ]?[A-Za-z]{2,3}[ ]?\n?[ ]?[0-9]{4,6}"
_SIGNS: Final = {
    "unit": regex.compile(_UNIT_SIGN),
    "typed": regex.compile(
        rf"(?i)(?:{_GLUED}|(?<!\p{{L}})(?:{_BEHIND})),?[ ][0-9]|(?<!\p{{L}})(?-i:{_BEFORE})\.?[ ][^\n]{{2,60}}?[0-9]|[0-9],?[ ](?:bis[ ]|ter[ ])?(?:{_FRENCH})\.?[ ]"
    ),
    "full": regex.compile(rf"(?i)(?<!\p{{L}})(?:{_COUNTRIES})(?!\p{{L}})|{_STATE_CODE}"),
    "box": regex.compile(r"(?i)(?<!\p{L})(?:postbox|postboks|postfach|apartado)[ ][0-9]"),
    "corner": regex.compile(r"(?i)(?:corner|intersection)[ ]of[ ]"),
    "lives": regex.compile(rf"(?i)(?<!\p{{L}})(?:{_AT})", regex.X),
    "record": regex.compile("@"),
}
_REACH: Final[dict[str, int]] = {"unit": 90, "typed": 60, "full": 110, "box": 0, "corner": 4, "lives": 0, "record": 250}
_COPIES: Final = {
    "unit": (Copy(_UNIT_SIGN, 16),),
    "typed": (
        Copy(loose(rf"(?i:{_GLUED}|{_BEHIND}),?[ ][0-9]"), 26),
        Copy(loose(rf"(?<![A-Za-z])(?:{_BEFORE})\.?[ ]"), 18),
        Copy(loose(rf"(?i)[0-9],?[ ](?:bis[ ]|ter[ ])?(?:{_FRENCH})\.?[ ]"), 24),
    ),
    "full": (Copy(loose(rf"(?i)(?:{_COUNTRIES})"), 24), Copy(_STATE_CODE, 20)),
    "box": (Copy(r"(?i)(?:postbox|postboks|postfach|apartado)[ ][0-9]", 14),),
    "corner": (Copy(r"(?i)(?:corner|intersection)[ ]of[ ]", 20),),
    "lives": (Copy(r"(?i)(?:lives?|living|resid(?:es|ing)|located|situated)[ ](?:on|at|in)[ ]|address(?:[ ]is)?:?[ ]", 24),),
    "record": (Copy("@", 1),),
}
_SIGN_AHEAD: Final = 90  # characters from the start of a sign to the last it looks at
_HAS_NUMBER: Final = regex.compile(  # whether the form `full` can begin here: words, then a number; or a number before a French street
    rf"(?:[0-9]{{1,6}}[ ])?+(?:[0-9]|[\p{{L}}\p{{M}}'’.,/ -]++(?<=[ ])[0-9])|[0-9]{{1,4}}(?:[ ]?(?i:bis|ter))?,?[ ](?i:{_FRENCH})"
)
_FIELD: Final = regex.compile(r"(?<=[,;\t|\"])[\p{L}0-9](?=[^,;\t|\n]{4,60}[,;\t|\"])")


def _starts(form: str, folded: str, ranges: Sequence[Range]) -> Iterator[int]:
    """Where a form is worth trying: what begins a word or a number shortly before its sign, which stands in one of these ranges."""
    signs = found_in(_SIGNS[form], folded, ranges, _SIGN_AHEAD)
    if form in ("box", "corner", "lives"):
        for match in signs:
            yield match.end() if form == "lives" else max(0, match.start() - 4) if form == "corner" else match.start()
            if form == "corner":
                yield match.start()
        return
    done = 0
    for match in signs:
        low = max(done, match.start() - _REACH[form])
        done = match.end()
        if form == "record":
            yield from (at.start() for at in _FIELD.finditer(folded, low, done))
        elif form == "full":
            yield from (at.start() for at in _START.finditer(folded, low, done) if _HAS_NUMBER.match(folded, at.start()))
        else:
            yield from (at.start() for at in _START.finditer(folded, low, done))


class AddressEuRecognizer(EntityRecognizer):
    """Addresses written the way of continental Europe, South America and the Maghreb, alone or in English text."""

    SIGNS: ClassVar[tuple[str | tuple[str, ...], ...]] = (
        r"(?i)(?<![a-z])(?:apt|apartment|suite|ste|unit|flat)\.?[ ]#?[0-9]",
        rf"(?i:{_GLUED.replace('(?<!bri)', '')}),?[ ][0-9]",
        rf"(?<![A-Za-z])(?i:{_BEHIND}),?[ ][0-9]",
        rf"(?<![A-Za-z])(?:{_BEFORE})\.?[ ]",
        rf"(?i)[0-9],?[ ](?:bis[ ]|ter[ ])?(?:{_FRENCH})\.?[ ]",
        rf"(?i)(?<![a-z])(?:{_COUNTRIES})(?![a-z])",
        _STATE_CODE,
        r"(?i)(?:postbox|postboks|postfach|apartado)[ ][0-9]",
        r"(?i)(?:corner|intersection)[ ]of[ ]",
        r"(?i)(?:lives?|living|resid(?:es|ing)|located|situated)[ ](?:on|at|in)[ ]|address(?:[ ]is)?:?[ ]",
        ("@", r"[0-9][a-z]?\.?\"?[,;\t|]|[0-9] [A-Za-z]"),  # kept loose: what must stand before doubles the time of the whole screen
    )

    def __init__(self, settings: DetectSettings | None = None, language: str = "en") -> None:
        del settings
        super().__init__(supported_entities=["ADDRESS"], name="address_eu", supported_language=language, version="1")
        self._id = self.name

    def load(self) -> None:
        """Compile the signs (kept between runs)."""
        self._places = Places(_COPIES)

    def analyze(self, text: str, entities: Sequence[str], nlp_artifacts: Any = None) -> list[RecognizerResult]:
        """Addresses in running text, the fullest form of each."""
        del entities, nlp_artifacts
        return [
            result("ADDRESS", start, end, score, f"eu.address.{name}", "address_eu", identifier="address_eu")
            for name, score, start, end in first_come(self._matches(fold(text)))
        ]

    def _matches(self, folded: str) -> Iterator[tuple[str, float, int, int]]:
        ranges = self._places.near(folded)
        for name, score, source in _FORMS:
            done = 0
            for start in _starts(name, folded, ranges[name]) if ranges[name] else ():
                match = compiled_form(_PARTS, source).match(folded, start, timeout=WINDOW_SECONDS) if start >= done else None
                if match is not None and not _is_prose(name, match[0]):
                    done = match.end()
                    yield name, score, start, len(folded[:done].rstrip(" ,\r\n"))


def _is_prose(form: str, surface: str) -> bool:
    words = surface.split()
    is_bare = form == "full" and not surface[0].isdigit() and "\n" not in surface and _SIGNS["typed"].search(surface) is None
    if is_bare and not (_COUNTRY.search(surface) and _CODE.search(surface)):  # a norm and a norm, a flight and a town
        return True
    if form in _LOOSE and (_PROSE.intersection(words) or words[0].lower() in _OPENING):
        return True
    return form in _DATED and any(word.strip(",.").lower() in _MONTHS for word in words)


RECOGNIZERS: Final = (AddressEuRecognizer,)
