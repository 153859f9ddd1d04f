"""Japanese names by their place on the page: in a table's column, beside their reading, in a sentence of a mail, after a full name.

What a line does not say by itself, the lines around it do: a bare surname is a person's where the column holds surnames or where the same
text names that person in full.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from detectors import name_columns
from detectors.claims import Claim
from detectors.lexicon_ja import KANJI, LETTERS, JapaneseLexicon
from detectors.names_data import JapaneseNames, katakana, romaji_key
from detectors.person_ja_forms import DARED, LONGEST, NAMED, FormNames
from detectors.person_ja_titles import COMMON, KANA_NEXT, LAST, OF_PLACES, TITLE
from detectors.text_tables import items, line_spans, lists_in_blanks, tables

READ: Final = 0.88  # scores: beside its reading,
AGAIN: Final = 0.65  # a surname whose bearer is named in full,
TITLED: Final = 0.82  # before a title, which a tagger may take for a part of the name
SURE: Final = 0.7  # the least score of a full name that its surname is taken from
_MOST_SURNAMES: Final = 40
_LONGEST_RUN: Final = 7
_LONGEST_SURNAME: Final = 5
_REACH: Final = 24
_OTHER, _SURNAME = 0, -1
_DOTS: Final = ("・", "＝", "=", "&", "＆")
_KEPT: Final = 50_000  # runs of kanji remembered before memory is let go

_RUN_BEFORE: Final = re.compile(
    rf"([{KANJI}]{{1,4}}[ 　]?[{LETTERS}]{{1,4}})(?:[ 　]?(?:様|さん|氏))?[ 　]{{0,4}}(?:\r?\n|[,，、/／|\t　 （(［\[]|"
    rf"[\"][,\t|;][\"])[ 　]{{0,4}}$"
)
_RUN_AFTER: Final = re.compile(
    rf"[ 　]{{0,4}}(?:\r?\n(?:[ 　]{{0,4}}[{LETTERS} 　]{{1,6}}[:： 　])?|[,，、/／|\t　 （(）)]|"
    rf"[\"][,\t|;][\"])[ 　]{{0,4}}([{KANJI}]{{1,4}}[ 　]?[{LETTERS}]{{1,4}})(?![{LETTERS}])"
)
_KANA_RUN: Final = re.compile(  # between marks: searched for by the mark, which is rarer than kana
    r"(?:\A|[\s\u3000(（,，、:：/／|\"「\[］])(?P<kana>[ァ-ヴー]{1,9}[ 　]?[ァ-ヴー]{1,9}|[ぁ-んー]{1,9}[ 　]?[ぁ-んー]{1,9}|"
    r"[ｦ-ﾟ]{1,12}[ 　]?[ｦ-ﾟ]{1,12})(?![ァ-ヴーぁ-んｦ-ﾟ々一-龠・･])"
)
_BEFORE_ROMAJI: Final = re.compile("[A-Za-z0-9@._-]")
_ROMAJI_RUN: Final = re.compile(r"([A-Z][A-Za-z'-]{1,15}),? ([A-Z][A-Za-z'-]{1,15})(?![A-Za-z0-9@_-])")
_GIVEN: Final = re.compile(rf"[{KANJI}]+|[ぁ-ゖー]+|[ァ-ヴー]+|[{KANJI}]+[ノヶ][{KANJI}]+")
_KANJI_RUN: Final = re.compile(rf"[{KANJI}]+")
_JOINED: Final = re.compile("[0-9０-９第ァ-ヴーA-Za-zＡ-Ｚａ-ｚ㈱㈲]")
_OPENS: Final = frozenset("\n。、・")  # before a name that opens a sentence, a clause or an item
_INTRODUCED: Final = re.compile(r"(?:です|でございます|と申します|と言います|といいます)(?=[。、.,!！\s]|$)")
_GREETING_BEFORE: Final = re.compile(
    r"(?:世話に|お疲れ|おつかれ|はじめまして|初めまして|おはよう|こんにち|こんばん|突然の|失礼(?:いた)?します|ご無沙汰|ごぶさた|恐れ入り)"
)
_OURS: Final = re.compile(
    rf"(?:[{KANJI}](?:部|課|室|係|長|員|役|務|事)|担当|弊社|当社|当方|当店|営業|窓口|責任者|貴社|御社|同僚|上司|部下|後任|前任|先方)の$"
)
_SURELY_OURS: Final = re.compile("(?:部長|課長|係長|主任|担当|弊社|当社|当方|当店|責任者|貴社|御社|同僚|上司|部下|後任|前任)の$")
_OURS_NEXT: Final = re.compile("まで|が|より|から|に|へ|と|も|は|宛|あて|です|でござ|、")
_IS: Final = re.compile(
    r"(?:担当|対応|責任|窓口|受付|作成|記録|確認|報告|申込|依頼|発信|運転)(?:者|係|先)?は[、 　]?(?:[^\s、。は]{1,14}の)?$"
)
_IS_NEXT: Final = re.compile(r"です|でした|でござ|。|、|\s|$")
_ACTS: Final = re.compile(rf"[がはも](?![{KANJI}]{{0,2}}[、。]?(?:\n|$))|から[、は]|より[、は]")
_TITLE_NEXT: Final = re.compile(r"[がはのをにもとへ、。 　\n\r（(:：]|から|より|さん|様|です|まで|$")
_COMPANY_BEFORE: Final = re.compile(r"(?:株式会社|有限会社|合同会社|\(株\)|（株）|㈱|\(有\)|（有）|㈲|法人)$")
_AFTER_AGAIN: Final = re.compile(
    r"[ 　]?(?:様|さま|さん|殿|氏|君|先生|部長|課長|係長|主任|次長|社長|専務|常務|室長|店長|所長|局長|マネージャー|リーダー|"
    r"委員|議員|教授|弁護士)"
    r"|(?:が|は|も|を|と|に|へ|の|より|から|まで|宛|あて|です|だ|で)|[、。,.:：;；)）\]】」』\s|/／<＜・…]|$"
)
_BEFORE_AGAIN: Final = re.compile(rf"[{KANJI}ァ-ヴーA-Za-z0-9㈱㈲]")
_JAPANESE: Final = re.compile(r"[々\u3041-\u30ff\u4e00-\u9fff\uff66-\uff9f\uf900-\ufaff\u3400-\u4dbf]")


class PageNames:
    """What stands on a page beyond its lines. Pure but for its memory of words met."""

    def __init__(self, names: JapaneseNames) -> None:
        self._names = names
        self._lexicon = JapaneseLexicon(names)
        self._forms = FormNames(self._lexicon)
        self._runs: dict[str, int] = {}
        self._bearers: dict[str, tuple[str, ...]] = {}

    def claims(self, text: str, found: Sequence[Claim]) -> list[Claim]:
        """Claims about a window, besides those `found` line by line."""
        if not _JAPANESE.search(text):
            return []
        lists = (*tables(text), *lists_in_blanks(text, self._lexicon.joins), *items(text))
        raw = [
            *name_columns.claims(text, lists, self._lexicon),
            *self._readings(text),
            *self._romaji_readings(text),
            *self._forms.claims(text),
            *self._surnames(text),
        ]
        known = {(claim.start, claim.end) for claim in found if claim.score >= AGAIN}
        return [claim for claim in (*raw, *self._again(text, [*found, *raw])) if claim[:2] not in known or claim.score > TITLED]

    # ------------------------------------------------------------------ beside its reading

    def _readings(self, text: str) -> Iterator[Claim]:
        """A name in kanji and its reading in kana, side by side or one above the other, whichever comes first."""
        for match in (match for start, end in line_spans(text) for match in _kana_runs(text, start, end)):
            kana = match["kana"]
            if len(kana) < 4:
                continue
            parts = re.split("[ 　]", katakana(kana))
            pairs = [(parts[0], parts[1])] if len(parts) == 2 else list(self._names.read(kana))
            if not pairs:
                continue
            for start, end in self._beside(text, *match.span("kana")):
                span = self._read_as(text, start, end, pairs)
                if span:
                    yield Claim(*span, READ)
                    yield Claim(*match.span("kana"), READ)
                    break

    def _romaji_readings(self, text: str) -> Iterator[Claim]:
        short = ((start, end) for start, end in line_spans(text) if end - start <= LONGEST)
        for match in (match for start, end in short for match in _ROMAJI_RUN.finditer(text, start, end)):
            if match.start() and _BEFORE_ROMAJI.match(text, match.start() - 1):
                continue
            one, two = romaji_key(match[1]), romaji_key(match[2])
            for start, end in self._beside(text, match.start(), match.end()):
                span = self._read_in_latin(text, start, end, {(one, two), (two, one)})
                if span:
                    yield Claim(*span, READ)
                    yield Claim(*match.span(), READ)
                    break

    def _beside(self, text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
        """Characters [start, end) of what may be a name, before and behind a reading."""
        before = _RUN_BEFORE.search(text, max(0, start - _REACH), start)
        if before:
            yield before.span(1)
        after = _RUN_AFTER.match(text, end)
        if after:
            yield after.span(1)

    def _read_as(self, text: str, start: int, end: int, pairs: Sequence[tuple[str, str]]) -> tuple[int, int] | None:
        """The part of [start, end) that is read as one of the pairs."""
        for first in range(start, max(start + 1, end - 1)):
            if first > start and _KANJI_RUN.match(text, first - 1) and text[first - 1] not in " 　":
                continue
            name = text[first:end]
            if any(self._is_read(surname, given, pair) for surname, given in _cuts(name) for pair in pairs):
                return first, end
        return None

    def _is_read(self, surname: str, given: str, pair: tuple[str, str]) -> bool:
        names = self._names
        by_surname = pair[0] in names.spoken(surname, "姓")
        by_given = pair[1] in names.spoken(given, "名") or katakana(given) == pair[1]
        if not _GIVEN.fullmatch(given):
            return False
        may_be = names.given(given) or (not names.kinds(given) and len(surname) > 1)
        return (by_surname and (by_given or may_be)) or (by_given and names.surname(surname))

    def _read_in_latin(self, text: str, start: int, end: int, pairs: set[tuple[str, str]]) -> tuple[int, int] | None:
        for surname, given in _cuts(text[start:end]):
            surnames = self._names.latin(surname, "姓")
            if not surnames:
                continue
            givens = self._names.latin(given, "名")
            for one, two in pairs:
                if one in surnames and (two in givens or not self._names.kinds(given)):
                    return start, end
        return None

    # ------------------------------------------------------------------ surnames in sentences

    def _surnames(self, text: str) -> Iterator[Claim]:
        """Surnames by themselves where the words around say that they are somebody's, and surnames before a title."""
        seen = self._runs
        for match in _KANJI_RUN.finditer(text):
            run = match[0]
            kind = seen.get(run)
            if kind is None:
                if run[-1] not in LAST and not (len(run) <= _LONGEST_SURNAME and _may_be_spoken_of(text, *match.span())):
                    continue  # whatever it is
                kind = self._learn(run)
            if kind == _OTHER:
                continue
            start, end = match.span()
            if kind == _SURNAME:
                score = self._spoken_of(text, start, end)
                if score:
                    yield Claim(start, end, score)
            elif _TITLE_NEXT.match(text, end) and not self._is_joined(text, start):
                yield Claim(start, start + kind, TITLED)

    def _learn(self, run: str) -> int:
        """What a run of kanji is: a surname, a surname of so many characters and a title, or neither."""
        if len(self._runs) >= _KEPT:
            self._runs.clear()
        kind = _OTHER
        if len(run) <= _LONGEST_SURNAME and "姓" in self._names.kinds(run):
            kind = _SURNAME
        elif 1 < len(run) <= _LONGEST_RUN and run[-1] in LAST:
            kind = self._titled(run)
        self._runs[run] = kind
        return kind

    @staticmethod
    def _is_joined(text: str, start: int) -> bool:
        return start > 0 and _JOINED.match(text, start - 1) is not None

    def _spoken_of(self, text: str, start: int, end: int) -> float:
        """How sure it is that a surname alone in [start, end) is a person's; 0 for not at all."""
        before, after = text[start - 1] if start else "\n", text[end : end + 1]
        ours = (_OURS if end - start > 1 else _SURELY_OURS) if before == "の" else None
        if ours and ours.search(text, max(0, start - 8), start) and _OURS_NEXT.match(text, end):
            return AGAIN
        if after in ("で", "と") and (before in _OPENS or before in "の ,，!！") and self._is_introduced(text, start, end):
            return NAMED
        if before in "はの、 　" and _IS_NEXT.match(text, end) and _IS.search(text, max(0, start - 24), start):
            return AGAIN
        opens = before in _OPENS or (before == " " and start > 1 and text[start - 2].isdigit())
        if opens and after in ("が", "は", "も", "か", "よ") and _ACTS.match(text, end) and self._is_nothing_else(text[start:end]):
            return DARED
        if KANA_NEXT.match(text, end) and not self._is_joined(text, start) and self._lexicon.surname(text[start:end]):
            return TITLED
        return 0.0

    def _is_nothing_else(self, surname: str) -> bool:
        return self._lexicon.pure(surname) and self._names.kinds(surname) <= {"姓", "名", "人名"}

    def _is_introduced(self, text: str, start: int, end: int) -> bool:
        """お世話になっております。…の佐藤です: a greeting in the line or the one above."""
        said = _INTRODUCED.match(text, end)
        if said is None:
            return False
        line = text.rfind("\n", 0, max(0, start - 1))
        return "申します" in said[0] or _GREETING_BEFORE.search(text, max(0, line - 20, start - 60), start) is not None

    def _titled(self, run: str) -> int:
        """Characters of the surname in 佐藤主査; 0 where it is none."""
        if self._lexicon.other(run):
            return 0
        for size in range(min(4, len(run) - 1), 0, -1):
            surname, title = run[:size], run[size:]
            if not TITLE.fullmatch(title) or OF_PLACES.match(title) or not (title in COMMON or self._lexicon.other(title)):
                continue
            if size == 1:
                good = self._lexicon.surname(surname) and len(title) > 1
            else:
                good = self._lexicon.pure(surname) and (title in COMMON or "他" not in self._names.kinds(surname))
            if good:
                return size
        return 0

    # ------------------------------------------------------------------ again

    def _again(self, text: str, found: Sequence[Claim]) -> Iterator[Claim]:
        """A surname standing alone, where a full name with it stands in the same text."""
        names = {text[start:end] for start, end, score in found if score >= SURE}
        surnames = {surname for name in names for surname in self._surnames_of(name)}
        for surname in sorted(surnames)[:_MOST_SURNAMES]:
            start = -1
            while (start := text.find(surname, start + 1)) >= 0:
                end = start + len(surname)
                if len(surname) == 1 and text[end : end + 1] == "氏":  # a clan
                    continue
                if (start and _BEFORE_AGAIN.match(text, start - 1)) or self._is_of_another(text, start, end):
                    continue
                if _AFTER_AGAIN.match(text, end) and not _COMPANY_BEFORE.search(text, max(0, start - 6), start):
                    yield Claim(start, end, AGAIN)

    @staticmethod
    def _is_of_another(text: str, start: int, end: int) -> bool:
        """A part in katakana of a longer foreign name: ユン in ユン・モウ."""
        return (
            text[start] >= "ァ" and not _KANJI_RUN.match(text, start) and (text[start - 1 : start] in _DOTS or text[end : end + 1] in _DOTS)
        )

    def _surnames_of(self, name: str) -> tuple[str, ...]:
        known = self._bearers.get(name)
        if known is None:
            if len(self._bearers) >= _KEPT:
                self._bearers.clear()
            known = self._bearers[name] = tuple(self._surname(name))
        return known

    def _surname(self, name: str) -> Iterator[str]:
        """The surname of a full name that has one in kanji or katakana, the longest that the dictionary knows."""
        if len(name) < 2 or name.isascii():
            return
        words = re.split("[ 　]", name)
        if len(words) == 2:
            if words[0] and _KANJI_RUN.match(words[0]):
                yield words[0]
            return
        foreign = re.split("[・＝]", name)
        if len(foreign) > 1:
            yield from (part for part in foreign if len(part) > 1 and not self._names.kinds(part) & {"他", "地名"})
            return
        if not _KANJI_RUN.match(name) or (len(name) == 2 and (self._names.kinds(name) or not self._names.given(name[1]))):
            return
        for size in (3, 2, 1):
            if len(name) > size and "姓" in self._names.kinds(name[:size]) and self._may_be_given(name[size:]):
                yield name[:size]
                return

    def _may_be_given(self, rest: str) -> bool:
        return not self._names.kinds(rest) or self._names.given(rest)


def _may_be_spoken_of(text: str, start: int, end: int) -> bool:
    """Whether `_spoken_of` can be sure of a surname that stands here, by the characters beside it."""
    before, after = text[start - 1] if start else "\n", text[end : end + 1]
    return before in "はの、 　" or (after != "" and after in "でとがはもかよ") or KANA_NEXT.match(text, end) is not None


def _kana_runs(text: str, start: int, end: int) -> Iterator[re.Match[str]]:
    return iter(()) if text[start:end].isascii() else _KANA_RUN.finditer(text, max(0, start - 1), end)


def _cuts(name: str) -> Iterator[tuple[str, str]]:
    """A name in its two parts: at its blank, else anywhere."""
    words = re.split("[ 　]", name)
    if len(words) == 2:
        yield words[0], words[1]
    elif len(words) == 1:
        yield from ((name[:cut], name[cut:]) for cut in range(1, len(name)))
