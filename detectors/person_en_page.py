"""English names by their place on the page: in a table's column, before an e-mail address made of them, as a speaker, after a full name.

What a line does not say by itself, the lines around it do: a given name by itself is a person's where the same text names that person in
full.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from detectors import name_columns
from detectors.claims import Claim
from detectors.lexicon_en import FREQUENT_GIVEN, LOWER, PARTICLE, UPPER, WORD, EnglishLexicon
from detectors.names_data import EnglishNames, word_sections
from detectors.text_tables import items, line_spans, tables

MAILED: Final = 0.88  # scores: beside an e-mail address made of the name,
CARD: Final = 0.88
FORM: Final = 0.75  # behind a label,
LISTED: Final = 0.82  # in a list of given names behind a label,
SPOKEN: Final = 0.7  # as a speaker,
AGAIN: Final = 0.65  # a part of a name that stands in full
SURE: Final = 0.75  # the least score of a full name that its parts are taken from
_MOST_PARTS: Final = 60
_LEAST_LINES: Final = 2
_KEPT: Final = 50_000  # names remembered before memory is let go
_REACH: Final = 120  # characters between a name and its e-mail address

_MIXED: Final = re.compile(rf"[{UPPER}][{LOWER}]")
_NAME: Final = rf"{WORD}(?: [{UPPER}]\.?)?(?: {PARTICLE})? {WORD}(?: {WORD})?"
_CAPITALISED: Final = re.compile(rf"(?<![\w@./\\'’&-]){_NAME}(?![\w@\\-])")
_TWO: Final = re.compile(rf"[{LOWER}]\.? (?:[{LOWER}]{{1,3}} )*[{UPPER}][{LOWER}]|[{UPPER}]\. [{UPPER}]")
_LOCAL: Final = re.compile(r"[A-Za-z][A-Za-z0-9._+-]{1,60}$")
_PIECE: Final = re.compile("[a-z]+")
_SPEAKER: Final = re.compile(
    rf"^[ \t]*(?P<time>[\[(]?(?:\d{{4}}-\d\d-\d\d[ T])?\d{{1,2}}:\d\d(?::\d\d)?(?: ?[AaPp]\.?[Mm]\.?)?[\])]?[ \t-]*)?"
    rf"(?:<(?P<quoted>{WORD}(?: {WORD})?)>:?|[-*•]?[ ]?(?P<name>{WORD}(?: {WORD})?):)[ \t]",
    re.M,
)
_CARD: Final = re.compile(r"^N(?:;[^:\n]{0,60})?:(?P<surname>[^;\n]{1,30});(?P<given>[^;\n]{1,30})?(?=;|\r?$)", re.M)
_CARD_NAME: Final = re.compile(r"^FN(?:;[^:\n]{0,60})?:(?P<name>[^;\n\r]{1,40})\r?$", re.M)
_LABELLED: Final = re.compile(
    rf"(?:^|(?<=[|;\t] )|(?<=\. )|(?<=, ))[ \t]*(?P<label>[A-Z][A-Za-z'()/&., -]{{1,48}}):[ \t]+(?:(?:Mr|Mrs|Ms|Miss|Dr|Prof)\.? )?"
    rf"(?P<names>{_NAME}(?:(?:, | and |; |, and ){_NAME}){{0,12}})",
    re.M,
)
_PERSON_LABEL: Final = re.compile(
    r"\b(?:name|by|of kin|driver|witness|party|passenger|present|apologies|absent|attendees?|participants?|visitors?|guests?|host|tenant|"
    r"landlord|buyer|seller|insured|claimant|patient|doctor|nurse|physician|teacher|student|parent|guardian|contact|to|from|cc|bcc|attn|"
    r"attention|owner|manager|supervisor|employee|applicant|candidate|signed|for|customer|client|recipient|sender|author|reviewer|spouse|referee|signature|cashier|guarantor|"
    r"approver|assignee|reporter|chair|secretary|speaker|instructor|trainer|lead|member|officer|agent|representative|beneficiary)\b",
    re.I,
)
_PART_LABEL: Final = re.compile(
    rf"(?:^|(?<=[|;,\t ]))(?i:(?:first|last|given|family|middle|maiden|fore|sur)[ _-]?name(?:\(s\)|s)?|surname|forename)"
    rf"[ \t]*(?::|=|[ ]{{2,}}|\t)[ \t]*"
    rf"[\"']?(?P<name>{WORD}(?: {WORD})?)(?=[\"']?[ \t]*(?:[,;|\r\n]|\Z| {{2}}))",
    re.M,
)
_LIST_LABEL: Final = re.compile(
    rf"^[ \t*•-]{{0,4}}(?P<label>[A-Z][A-Za-z'()/&., -]{{1,28}}):[ \t]+(?P<names>{WORD}(?:(?:, | and |; | & ){WORD}){{0,12}})[ \t]*\r?$",
    re.M,
)
_LABEL_HINT: Final = re.compile(rf":[ \t]+[{UPPER}]")  # stands in every match of the two patterns of labels
_PART_HINT: Final = re.compile(r"[aA][mM][eE](?:\([sSſ]\)|[sSſ])?[ \t]*(?:[:=\t]|  )")
_MENTIONED: Final = re.compile(rf"@(?P<name>{WORD})(?![\w.@-])")
_WROTE: Final = re.compile(rf"^[> ]{{0,6}}On [^\n]{{4,60}}, (?P<name>{_NAME})(?: <[^>\n]+>)? wrote:", re.M)
_SALUTED: Final = re.compile(rf"(?:\A|\n\n)(?P<name>{WORD}),[ \t]*\r?\n(?=[ \t\r]*\n|[A-Z])")
_THERE: Final = re.compile(" (?:at|from|in|on) (?:the|our|your|my) ")
_THERE_BEFORE: Final = re.compile(rf"(?:^|[:.>] )(?P<name>{WORD})$", re.M)
_BY: Final = re.compile(rf" (?:by|to) (?P<name>{WORD}(?: {WORD})?)(?=[.,;)\n]|$| (?:at|on|in|for)\b)")
_DONE: Final = re.compile(
    r"\b(?:handled|approved|signed|prepared|written|reviewed|submitted|requested|received|checked|issued|taken|assigned|served|seen|"
    r"reported|raised|closed|opened|referred|completed|recorded|processed)$",
    re.I,
)
_SIGNATURE: Final = re.compile(rf"^(?P<name>{_NAME})[ \t]*(?:\||,|–|—|-(?= )|•)[ \t]*[{UPPER}]", re.M)
_LINE: Final = re.compile(rf"^[> \t]{{0,3}}(?P<name>{_NAME})(?=[ \t]*\r?(?:\n|\Z))", re.M)
_BELOW: Final = re.compile(
    r"[ \t]*\r?\n[> \t]*(?:\d{1,6}[\w-]* [A-Z]|P\.?O\.? Box|[\w.+-]+@|\+?\(?\d{2,4}[-). ]|(?:Tel|Phone|Email|E-mail|Mobile)\b)"
)
_CONTACT_NEXT: Final = re.compile(
    r"[\"']?[ \t]*[,;|(<\t-]{1,3}[ \t(]{0,2}(?:[\w.+-]+@|(?:tel|phone)?\.? ?\+?\(?\d{2,4}[-). ])|[ \t]on \+?\(?\d", re.I
)
_WORD_BEFORE: Final = re.compile(rf"(?:\b[{UPPER}][\w'’-]*|&|\bthe|\bThe|\bof|\bin|\bat|\bfrom|\btowards?) $")
_WORD_NEXT: Final = re.compile(rf" (?:[{UPPER}]|&|and [{UPPER}]|Inc|Ltd|Co\b)|['’]?[\w@]|-\w|, [A-Z]{{2}}\b|\.\w|[,;] (?:Inc|Ltd)|/")
_LABELS: Final = frozenset(  # no speakers, though a time stands before them
    "error warning warn info debug note start end time date status total subject from to cc re fw break lunch meeting call system".split()  # noqa: SIM905
)
_TITLES: Final = frozenset(
    [
        "capt",
        "sgt",
        "lt",
        "col",
        "gen",
        "gov",
        "rep",
        "sen",
        "mr",
        "mrs",
        "ms",
        "miss",
        "mx",
        "dr",
        "prof",
        "professor",
        "rev",
        "sir",
        "hon",
        "madam",
        "jr",
        "sr",
        "phd",
        "captain",
        "judge",
        "senator",
    ]
)
_STRICTLY: Final = re.compile(
    r"\b(?:present|apologies|absent|attendees?|participants?|driver|witness|of kin|patient|passenger|visitors?|guests?|authors?|signed|"
    r"signature|tenant|parents?|guardians?|spouse|referee|student|teacher|doctor|nurse|full name|your name|applicant|employee|manager|"
    r"supervisor|chair|secretary|emergency contact|cashier|instructor|guarantor)\b",
    re.I,
)
_ROLE: Final = re.compile(  # of somebody at work, by its ending
    r"\b(?!(?:number|order|center|color|error|router|folder|printer|paper|water|weather|header|footer|parameter|counter|monitor|container|"
    r"carrier|publisher|vendor|supplier|manufacturer|charger|filter|adapter|browser|computer|calendar|event|department|document|equipment|"
    r"payment|shipment|statement|amount|content|comment|current|letter|quarter|power|layer|user|factor|sensor|motor|floor|door)$)"
    r"(?:[a-z]+(?:er|or|ist|ant|ent|eer|man|woman)|clerk|staff|rep|by|crew|host|coach|chef|nurse|mentor)$",
    re.I,
)
_SPEAKS_FIRST: Final = re.compile(
    rf"^(?P<name>{_NAME}|{WORD})[ \t]{{1,4}}[\[(]?\d{{1,2}}:\d\d(?::\d\d)?(?: ?[AaPp]\.?[Mm]\.?)?[\])]?[ \t]*\r?$", re.M
)
_GENERIC: Final = word_sections("words_en.txt")["generic"]


class PageNames:
    """What stands on a page beyond its words. Pure but for its memory of names met."""

    def __init__(self, names: EnglishNames) -> None:
        self._names = names
        self.lexicon = EnglishLexicon(names)
        self._known: dict[str, tuple[str, ...]] = {}

    def claims(self, text: str, found: Sequence[Claim]) -> list[Claim]:
        """Claims about a window, besides those `found` in its words."""
        if not _MIXED.search(text):
            return []
        raw = [
            *name_columns.claims(text, (*tables(text), *items(text)), self.lexicon),
            *self._labelled(text),
            *self._single(text),
            *self._placed(text),
        ]
        if "@" in text:
            raw += self._mailed(text)
        if "N:" in text:
            raw += self._cards(text)
        if ":" in text or "<" in text:
            raw += [*self._speakers(text), *self._speak_first(text)]
        return [*raw, *self._again(text, [*found, *raw])]

    def _labelled(self, text: str) -> Iterator[Claim]:
        """Witness: Mark Banks, Present: …, …: names behind a label, surnames that are ordinary words too."""
        lexicon = self.lexicon
        for match in hinted_lines(_LABEL_HINT, _LABELLED, text):
            if not _PERSON_LABEL.search(match["label"]):
                continue
            strictly = _STRICTLY.search(match["label"]) is not None
            for one in re.finditer(_NAME, match["names"]):
                if strictly and lexicon.fits(one[0]) and not lexicon.other(one[0]):
                    start = match.start("names") + one.start()
                    yield Claim(start, start + len(one[0]), AGAIN)
                if lexicon.ordinary(one[0]) or lexicon.opens(one[0]):
                    start = match.start("names") + one.start()
                    yield Claim(start, start + len(one[0]), FORM)
        for by in _BY.finditer(text):
            name = by["name"]
            if not _DONE.search(text, max(0, by.start() - 12), by.start()):
                continue
            if lexicon.opens(name) or lexicon.ordinary(name) or (" " not in name and self._names.given_rank(name)):
                yield Claim(*by.span("name"), FORM)

    def _single(self, text: str) -> Iterator[Claim]:
        """First name: Mei, Cashier: Lucia, Early: Mei, Steven: one word behind a label."""
        for match in _PART_LABEL.finditer(text) if _PART_HINT.search(text) else ():
            name = match["name"]
            if not self.lexicon.other(name):
                yield Claim(*match.span("name"), FORM)
        for match in hinted_lines(_LABEL_HINT, _LIST_LABEL, text):
            names = list(re.finditer(WORD, match["names"]))
            listed = [self._names.given_rank(name[0]) is not None and not self.lexicon.elsewhere(name[0]) for name in names]
            strictly = _STRICTLY.search(match["label"]) is not None or _ROLE.search(match["label"]) is not None
            if (len(names) > 1 and sum(listed) * 3 >= 2 * len(names)) or (strictly and all(listed)):
                for name in names:
                    if not self.lexicon.other(name[0]) or (self._names.given_rank(name[0]) or 9_999) <= FREQUENT_GIVEN:
                        start = match.start("names") + name.start()
                        yield Claim(start, start + len(name[0]), LISTED)
        for match in _MENTIONED.finditer(text) if "@" in text else ():
            before = text[match.start() - 1] if match.start() else " "
            if not before.isalnum() and before not in "._" and self._names.given_rank(match["name"]):
                yield Claim(*match.span("name"), AGAIN)
        for match in _WROTE.finditer(text) if " wrote:" in text else ():
            if self.lexicon.fits(match["name"]):
                yield Claim(*match.span("name"), FORM)
        for there in _THERE.finditer(text):
            name = _THERE_BEFORE.search(text, max(0, there.start() - 24), there.start())
            if name and (self._names.given_rank(name[1]) or 9_999) <= FREQUENT_GIVEN and not self.lexicon.elsewhere(name[1]):
                yield Claim(*name.span(1), AGAIN)
        for match in _SALUTED.finditer(text) if ",\n" in text or ",\r\n" in text else ():
            if self.lexicon.given(match["name"]) and not self.lexicon.elsewhere(match["name"]):
                yield Claim(*match.span("name"), SPOKEN)

    def _placed(self, text: str) -> Iterator[Claim]:
        """A line that is a name over an address, a signature's first field, a name before a phone or e-mail address."""
        lexicon = self.lexicon
        for match in _at_lines(_LINE, text):
            if (lexicon.ordinary(match["name"]) or lexicon.opens(match["name"])) and _BELOW.match(text, match.end()):
                yield Claim(*match.span("name"), FORM)
        for match in _at_lines(_SIGNATURE, text):
            if lexicon.ordinary(match["name"]) or lexicon.opens(match["name"]):
                yield Claim(*match.span("name"), AGAIN)

    def _mailed(self, text: str) -> Iterator[Claim]:
        """Kwame Hill before kwame.hill@…: the address spells the name."""
        mails = list(_mails(text))
        if not mails:
            return
        ranges = ((low, high) for low, high in _around(mails) if _TWO.search(text, low, high))
        for match in (found for low, high in ranges for found in _CAPITALISED.finditer(text, low, high)):
            words = [word.lower().replace("'", "").replace("’", "") for word in match[0].split()]
            near = [local for at, local in mails if abs(at - match.start()) < _REACH]
            if near and not set(words) & _GENERIC and any(_spells(local, words) for local in near):
                yield Claim(*match.span(), MAILED)
            elif _CONTACT_NEXT.match(text, match.end()) and self.lexicon.ordinary(match[0]):
                yield Claim(*match.span(), FORM)

    def _speakers(self, text: str) -> Iterator[Claim]:
        """Who says what in a conversation: [10:25] Wei: …"""
        spoken = [(match, "quoted" if match["quoted"] else "name") for match in _at_lines(_SPEAKER, text)]
        names = [match[part] for match, part in spoken]
        listed = [self._is_listed(name) and name.lower() not in _GENERIC for name in names]
        if len(spoken) < _LEAST_LINES or not any(listed):
            return
        for (match, part), name, known in zip(spoken, names, listed, strict=True):
            marked = match["time"] or part == "quoted"
            if (marked and name.lower() not in _LABELS) or (known and sum(listed) >= _LEAST_LINES and not self.lexicon.elsewhere(name)):
                yield Claim(*match.span(part), SPOKEN)

    def _speak_first(self, text: str) -> Iterator[Claim]:
        """Lines that are a name and a time, over what was said."""
        found = list(_at_lines(_SPEAKS_FIRST, text))
        if len(found) < _LEAST_LINES or sum(self._is_listed(match["name"]) for match in found) * 2 < len(found):
            return
        for match in found:
            if not self.lexicon.other(match["name"]):
                yield Claim(*match.span("name"), SPOKEN)

    def _is_listed(self, name: str) -> bool:
        return self._names.given_rank(name.split(maxsplit=1)[0]) is not None

    def _cards(self, text: str) -> Iterator[Claim]:
        """N:Taylor;Mason;;; of a vCard."""
        for match in _CARD.finditer(text):
            for part in ("surname", "given"):
                if match[part] and self.lexicon.fits_part(match[part]):
                    yield Claim(*match.span(part), CARD)
        for match in _CARD_NAME.finditer(text):
            if self.lexicon.fits(match["name"]):
                yield Claim(*match.span("name"), CARD)

    def _again(self, text: str, found: Sequence[Claim]) -> Iterator[Claim]:
        """A given name or surname standing alone, where a full name with it stands in the same text."""
        names = {text[start:end] for start, end, score in found if score >= SURE}
        parts = {part for name in names for part in self._parts_of(name)}
        for part in sorted(parts)[:_MOST_PARTS]:
            at = -1
            while (at := text.find(part, at + 1)) >= 0:
                end = at + len(part)
                if at and (text[at - 1].isalnum() or text[at - 1] in "@._-/'’&"):
                    continue
                if _WORD_NEXT.match(text, end) or _WORD_BEFORE.search(text, max(0, at - 24), at):
                    continue
                yield Claim(at, end, AGAIN)

    def _parts_of(self, name: str) -> tuple[str, ...]:
        known = self._known.get(name)
        if known is None:
            if len(self._known) >= _KEPT:
                self._known.clear()
            known = self._known[name] = tuple(self._parts(name))
        return known

    def _parts(self, name: str) -> Iterator[str]:
        """The given name and the surname of a full name, where they are no ordinary words."""
        words = [word for word in re.findall(WORD, name) if word.lower() not in _TITLES]
        if len(words) < 2 or " " not in name:
            return
        for word in (words[0], words[-1]):
            if len(word) > 1 and word.lower() not in _GENERIC and not self.lexicon.elsewhere(word):
                yield word


def _mails(text: str) -> Iterator[tuple[int, str]]:
    """(start, local part in small letters) of what is an e-mail address by its sign."""
    at = -1
    while (at := text.find("@", at + 1)) >= 0:
        local = _LOCAL.search(text, max(0, at - 61), at)
        if local and text[at + 1 : at + 2].isalnum():
            yield local.start(), local[0].lower()


def _around(mails: Sequence[tuple[int, str]]) -> Iterator[tuple[int, int]]:
    """Ranges of characters within reach of an address, apart from each other."""
    low = high = 0
    for at, _ in mails:
        if at - _REACH > high:
            if high:
                yield low, high
            low = at - _REACH
        high = at + _REACH
    if high:
        yield max(0, low), high


def hinted_lines(hint: re.Pattern[str], pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """Matches of a pattern that never leaves its line, in the lines that hold its hint: one is in every match."""
    done = -1
    for hinted in hint.finditer(text):
        if hinted.start() >= done:
            start = text.rfind("\n", 0, hinted.start()) + 1
            done = text.find("\n", hinted.start())
            done = len(text) if done < 0 else done
            yield from pattern.finditer(text, start, done)


def _at_lines(pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """Matches at the starts of lines."""
    for start, end in line_spans(text):
        if end - start > 1:
            match = pattern.match(text, start)
            if match:
                yield match


def _spells(local: str, words: Sequence[str]) -> bool:
    """Whether the local part of an address is made of the first and last word of a name, or of an initial and the other."""
    first, last = words[0], words[-1]
    pieces = _PIECE.findall(local)
    if first in pieces and last in pieces:
        return True
    joined = "".join(pieces)
    return len(last) > 2 and joined in (first + last, last + first, first[0] + last, last + first[0], first + last[0])
