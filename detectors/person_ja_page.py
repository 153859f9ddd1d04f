"""Japanese names by their place on the page: in a table's column, beside their reading, behind a role, as a speaker, after a full name.

What a line does not say by itself, the lines around it do: a bare surname is a person's where the column holds surnames or where the same
text names that person in full.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from detectors import name_columns
from detectors.claims import Claim
from detectors.names_data import JapaneseNames, katakana, romaji_key
from detectors.text_tables import lists_in_blanks, tables

READ: Final = 0.88  # scores: beside its reading,
NAMED: Final = 0.7  # behind a role, or as a speaker,
AGAIN: Final = 0.65  # a surname whose bearer is named in full
SURE: Final = 0.7  # the least score of a full name that its surname is taken from
_SINGLE_LEAST: Final = 2  # speakers' lines in a text, from which they are a conversation
_MOST_SURNAMES: Final = 40

_KANJI: Final = "々〆一-龠\uf900-\ufaff\u3400-\u4dbfヶ"
_ANY: Final = rf"{_KANJI}ぁ-んァ-ヴー"
_FITS: Final = re.compile(
    rf"[{_KANJI}]{{1,4}}[ 　]?[{_ANY}]{{1,4}}|[ァ-ヴー]{{2,10}}(?:[ 　・･＝=][ァ-ヴー]{{1,10}}){{1,3}}|[ぁ-ゖー]{{1,10}}(?:[ 　・･][ぁ-ゖー]{{1,10}}){{1,3}}"
    r"|[ｦ-ﾟ]{1,14}(?:[ ･・][ｦ-ﾟ]{1,14}){1,3}|[ァ-ヴー]{4,12}|[ぁ-んー]{4,12}|[ｦ-ﾟ]{4,18}|[A-Z][A-Za-z'-]+,? [A-Z][A-Za-z'-]+"
)
_FITS_PART: Final = re.compile(rf"[{_KANJI}]{{1,5}}|[{_ANY}]{{2,6}}|[ァ-ヴー・＝]{{2,14}}|[ｦ-ﾟ･]{{2,14}}|[A-Z][a-z]{{1,14}}")
_HONORIFIC: Final = re.compile(
    r"[ 　]?(?:様|さま|さん|殿|氏|先生|君|くん|ちゃん|(?:代表取締役|取締役|部長|課長|係長|主任|社長|専務|常務|室長|店長|所長|次長)様?)$"
)
_THING_END: Final = re.compile(
    r"(?:部|課|室|係|局|科|店|社|市|県|府|区|駅|館|所|業|商事|物産|電機|建設|食品|薬品|銀行|病院|学校|大学|センター|クリニック|ビル|荘|会|"
    r"法人|者|名|様|組|製|品|書|線|庫|日|月|年|円|個|本|台|枚|式|中|済|可|否|無|有|係|男|女)$"
)
_RUN_BEFORE: Final = re.compile(
    rf"([{_KANJI}]{{1,4}}[ 　]?[{_ANY}]{{1,4}})(?:[ 　]?(?:様|さん|氏))?[ 　]{{0,4}}(?:\r?\n|[,，、/／|\t　 （(［\[]|[\"][,\t|;][\"])[ 　]{{0,4}}$"
)
_RUN_AFTER: Final = re.compile(rf"[ 　]{{0,4}}(?:\r?\n|[,，、/／|\t　 （(）)]|[\"][,\t|;][\"])[ 　]{{0,4}}([{_KANJI}]{{1,4}}[ 　]?[{_ANY}]{{1,4}})")
_KANA_RUN: Final = re.compile(
    r"(?<![ァ-ヴーぁ-んｦ-ﾟ々一-龠・])(?:[ァ-ヴー]{1,9}[ 　]?[ァ-ヴー]{1,9}|[ぁ-んー]{1,9}[ 　]?[ぁ-んー]{1,9}|[ｦ-ﾟ]{1,12}[ 　]?[ｦ-ﾟ]{1,12})(?![ァ-ヴーぁ-んｦ-ﾟ々一-龠・･])"
)
_ROMAJI_RUN: Final = re.compile(r"(?<![A-Za-z0-9@._-])([A-Z][A-Za-z'-]{1,15}),? ([A-Z][A-Za-z'-]{1,15})(?![A-Za-z0-9@_-])")
_REACH: Final = 24

_SURNAME: Final = rf"[{_KANJI}]{{1,5}}|[ァ-ヴー]{{3,8}}"
_FOREIGN: Final = r"[ァ-ヴー]{2,10}(?:[・＝][ァ-ヴー]{1,10}){1,3}"
_NAME: Final = rf"[{_KANJI}]{{1,4}}[ 　][{_ANY}]{{1,4}}|[{_KANJI}]{{1,4}}[{_ANY}]{{0,4}}|{_FOREIGN}|[ァ-ヴー]{{3,8}}"
_UNIT: Final = rf"[{_ANY}A-Za-zＡ-Ｚ0-9]{{0,14}}(?:部|課|室|係|局|科|支店|営業所|本部|センター|グループ|チーム|店|班)"
_ROLE_WORDS: Final = (
    rf"(?:[{_KANJI}ァ-ヴー]{{0,6}}(?:者|担当|係員|医師|看護師|責任者|作成|起票|起案|記入|記録|承認|確認|受付|対応|応対|検印|報告|審査|決裁|相手方|先方|連絡先|"
    r"幹事|講師|司会|書記|議長|会計|監査|代理|代表|担任|顧問|本人|名義|主任|班長|委員長|担当医|主治医|執刀医|世帯主|上司|部下|通報者|受領|検収|配達|集金)|"
    rf"[{_KANJI}]{{0,6}}(?:氏名|名前|名))"
)
_LINE_END: Final = r"[ 　]*(?:\r?$|[（(、,／/]|(?:内線|電話|TEL|Tel|携帯|℡|印|連絡先)|[ 　]{2}|\t)"
_ROLE: Final = re.compile(
    rf"(?:^|(?<=[ 　\t,、;；/／|]))[ 　・●■□◆◇*-]{{0,3}}{_ROLE_WORDS}(?:[（(][^）)\n]{{0,8}}[）)])?(?:[ 　]*[:：][ 　\t]*|[ 　\t]+)"
    rf"(?:(?:{_UNIT})[ 　]?)?(?P<name>{_NAME})(?=(?:様|さん|氏|殿)?(?:{_LINE_END}|[ 　]+{_ROLE_WORDS}[ 　:：]))",
    re.M,
)
_UNIT_NAME: Final = re.compile(rf"(?:^|(?<=[ 　,、:：\t|(（]))(?:{_UNIT})[ 　]+(?P<name>{_NAME})(?={_LINE_END})", re.M)
_LABEL_LINE: Final = re.compile(
    rf"^[ 　]*(?:(?:ご|お|御)?(?:氏[ 　]?名|名[ 　]?前|芳名|姓名)|フリガナ|ふりがな|ﾌﾘｶﾞﾅ|{_ROLE_WORDS})(?:[（(][^）)\n]{{0,8}}[）)])?[ 　]*[:：]?[ 　]*\r?\n"
    rf"[ 　]*(?P<name>[{_ANY}ｦ-ﾟ・･][{_ANY}ｦ-ﾟ・･ 　]{{0,16}}?)(?:様|さん|殿)?[ 　]*\r?$",
    re.M,
)
_POINTED: Final = re.compile(rf"(?:→|⇒|=>|[@＠])[ 　]*(?P<name>[{_KANJI}]{{1,5}})(?=(?:さん|様|氏)?(?:[ 　\t、,\r\n→(（]|$))")
_BESIDE_PHONE: Final = re.compile(
    rf"(?:^|(?<=[ 　\t,、・→|(（。.:：;；/／\"*-]))(?P<name>[{_KANJI}]{{1,5}}|[ァ-ヴー]{{3,8}})(?:さん|様|氏)?[ 　\t:：,(（;；|/\"→…‥.]{{1,4}}"
    r"(?=\+?[0-9０-９][0-9０-９‐‑‒–—―−ー－() （）-]{8,18}(?![0-9０-９])|(?:内線|携帯|TEL|Tel|tel|電話|℡)[ 　:：]*[0-9０-９+])",
    re.M,
)
_LISTED: Final = re.compile(rf"(?:^|[:：])[ 　]*(?P<list>[{_ANY}]{{1,8}}(?:[、,，・／/][ 　]?[{_ANY}]{{1,8}}){{1,20}})[ 　]*\r?$", re.M)
_SPEAKER_FIRST: Final = re.compile(
    rf"^(?P<name>{_SURNAME})(?:さん|様)?[ 　]+[\[(（]?(?P<time>(?:(?:今日|昨日)の?[ 　]?)?(?:AM|PM|午前|午後)?[ 　]?\d{{1,2}}[:：時]\d{{2}}分?[ 　]?(?:AM|PM)?)[\])）]?[ 　]*\r?$", re.M
)
_SPEAKER: Final = re.compile(
    rf"^[ 　\[(（>・-]{{0,3}}(?P<time>(?:\d{{2,4}}[-/年]\d{{1,2}}[-/月]\d{{1,2}}日?[ 　T])?\d{{1,2}}[:：時]\d{{2}}(?:[:：分]\d{{2}})?分?)?[\])）]?[ 　\t]*"
    rf"(?P<name>{_SURNAME})(?:さん|様|氏)?[ 　]?(?:[:：>＞]|「)(?![/／])",
    re.M,
)
_INTRODUCED: Final = re.compile(
    rf"(?:^|(?<=[。、，,\n !！]))(?:[^\n。、，,]{{0,30}}の)?(?P<name>{_SURNAME})(?:です|でございます|と申します|と言います|といいます)(?=[。、.,!！\s]|$)",
    re.M,
)
_GREETING_BEFORE: Final = re.compile(
    r"(?:世話に|お疲れ|おつかれ|はじめまして|初めまして|おはよう|こんにち|こんばん|突然の|失礼(?:いた)?します|ご無沙汰|ごぶさた|恐れ入り)"
)
_OUR: Final = re.compile(
    rf"(?:担当|弊社|当社|当方|当店|営業|窓口|責任者|貴社|御社|同僚|上司|部下|後任|前任|先方|課長|部長|主任|係長)の(?P<name>{_SURNAME})"
    r"(?=(?:まで|が|より|から|に|へ|と|も|は|宛|あて|です|でござ|、))"
)
_CARD_VALUE: Final = re.compile(r"^(?:FN|SOUND|X-PHONETIC-[A-Z-]+)(?:;[^:\n]{0,60})?:(?P<name>[^;\n\r]{1,40})\r?$", re.M)
_CARD: Final = re.compile(r"^N(?:;[^:\n]{0,60})?:(?P<surname>[^;\n]{1,30});(?P<given>[^;\n]{1,30})?(?=;|\r?$)", re.M)

_BEFORE_AGAIN: Final = re.compile(rf"[{_KANJI}ァ-ヴーA-Za-z0-9㈱㈲]$")
_COMPANY_BEFORE: Final = re.compile(r"(?:株式会社|有限会社|合同会社|\(株\)|（株）|㈱|\(有\)|（有）|㈲|法人)$")
_AFTER_AGAIN: Final = re.compile(
    r"[ 　]?(?:様|さま|さん|殿|氏|君|先生|部長|課長|係長|主任|次長|社長|専務|常務|室長|店長|所長|局長|マネージャー|リーダー|委員|議員|教授|弁護士)"
    r"|(?:が|は|も|を|と|に|へ|の|より|から|まで|宛|あて|です|だ|で)|[、。,.:：;；)）\]】」』\s|/／<＜・…]|$"
)
_JAPANESE: Final = re.compile(r"[々\u3041-\u30ff\u4e00-\u9fff\uff66-\uff9f\uf900-\ufaff\u3400-\u4dbf]")
_KANJI_FIRST: Final = re.compile(rf"[{_KANJI}]+")


class JapaneseLexicon:
    """Implements `name_columns.Lexicon`."""

    def __init__(self, names: JapaneseNames) -> None:
        self._names = names

    def trim(self, text: str, start: int, end: int) -> tuple[int, int]:
        honorific = _HONORIFIC.search(text, start, end)
        return (start, honorific.start()) if honorific and honorific.start() > start else (start, end)

    def whole(self, value: str) -> bool:
        parts = re.split("[ 　]", value)
        if len(parts) == 2:
            surname, given = parts
            return bool(surname and given and self._names.surname(surname) and self._is_given(given) and not _THING_END.search(given))
        if not _FITS.fullmatch(value) or not _KANJI_FIRST.match(value):
            return bool(re.search("[・･＝]", value)) and any(self._names.kinds(part) & {"人名", "名", "姓"} for part in re.split("[・･＝]", value))
        if self._names.kinds(value) & {"他", "地名", "固有"}:
            return False
        return any(self._names.surname(value[:cut]) and self._names.given(value[cut:]) for cut in range(1, len(value)))

    def _is_given(self, value: str) -> bool:
        kinds = self._names.kinds(value)
        return not kinds or self._names.given(value)

    def surname(self, value: str) -> bool:
        return "姓" in self._names.kinds(value) or (not _KANJI_FIRST.match(value) and katakana(value) in self._names.surname_readings)

    def given(self, value: str) -> bool:
        return self._names.given(value)

    def reading(self, value: str) -> bool:
        if _KANJI_FIRST.search(value) or not _JAPANESE.match(value):
            return False
        parts = re.split("[ 　]", katakana(value))
        if len(parts) == 2:
            return self._names.surname(parts[0]) and self._names.given(parts[1])
        return len(value) > 3 and not self._names.kinds(value) & {"他", "地名"} and any(self._names.read(value))

    def place(self, value: str) -> bool:
        return "地名" in self._names.kinds(value)

    def other(self, value: str) -> bool:
        kinds = self._names.kinds(value)
        return bool(kinds) and not kinds & {"姓", "名", "人名"}

    def pure(self, value: str) -> bool:
        kinds = self._names.kinds(value)
        return kinds <= {"姓", "名", "人名"} and self.surname(value)

    def fits(self, value: str) -> bool:
        if not _FITS.fullmatch(value):
            return False
        return not _THING_END.search(value) or any(self._names.surname(value[:cut]) and self._names.given(value[cut:]) for cut in (1, 2, 3))

    def fits_part(self, value: str) -> bool:
        return bool(_FITS_PART.fullmatch(value)) and (not _THING_END.search(value) or self._names.surname(value) or self._names.given(value))


class PageNames:
    """What stands on a page beyond its lines. Pure."""

    def __init__(self, names: JapaneseNames) -> None:
        self._names = names
        self._lexicon = JapaneseLexicon(names)

    def claims(self, text: str, found: Sequence[Claim]) -> list[Claim]:
        """Claims about a window, besides those `found` line by line."""
        if not _JAPANESE.search(text):
            return []
        raw = [
            *name_columns.claims(text, (*tables(text), *lists_in_blanks(text, self._joins)), self._lexicon),
            *self._readings(text),
            *self._romaji_readings(text),
            *self._roles(text),
            *self._speakers(text),
            *self._introduced(text),
            *self._beside_phones(text),
            *self._lists(text),
            *self._cards(text),
        ]
        return [*raw, *self._again(text, [*found, *raw])]

    def _joins(self, first: str, second: str) -> bool:
        """Two words with a blank between that are one name."""
        if not _FITS_PART.fullmatch(first) or not self._lexicon.surname(first):
            return False
        given = _HONORIFIC.sub("", second) or second
        kana = not _KANJI_FIRST.match(first)
        if kana:
            return not _KANJI_FIRST.match(given) and self._names.given(given)
        return bool(_FITS_PART.fullmatch(given)) and self._names.given(given)

    # ------------------------------------------------------------------ beside its reading

    def _readings(self, text: str) -> Iterator[Claim]:
        """A name in kanji and its reading in kana, side by side or one above the other, whichever comes first."""
        for match in _KANA_RUN.finditer(text):
            if match.end() - match.start() < 4:
                continue
            parts = re.split("[ 　]", katakana(match[0]))
            pairs = [(parts[0], parts[1])] if len(parts) == 2 else list(self._names.read(match[0]))
            if not pairs:
                continue
            for start, end in self._beside(text, match.start(), match.end()):
                span = self._read_as(text, start, end, pairs)
                if span:
                    yield Claim(*span, READ)
                    yield Claim(*match.span(), READ)
                    break

    def _romaji_readings(self, text: str) -> Iterator[Claim]:
        for match in _ROMAJI_RUN.finditer(text):
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
            if first > start and _KANJI_FIRST.match(text, first - 1) and text[first - 1] not in " 　":
                continue
            name = text[first:end]
            if any(self._is_read(surname, given, pair) for surname, given in _cuts(name) for pair in pairs):
                return first, end
        return None

    def _is_read(self, surname: str, given: str, pair: tuple[str, str]) -> bool:
        names = self._names
        by_surname = pair[0] in names.spoken(surname, "姓")
        by_given = pair[1] in names.spoken(given, "名") or katakana(given) == pair[1]
        return (by_surname and (by_given or not names.kinds(given) or names.given(given))) or (by_given and names.surname(surname))

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

    # ------------------------------------------------------------------ lines of forms, of a conversation, of a greeting

    def _roles(self, text: str) -> Iterator[Claim]:
        """報告者 総務部 野口: a role, perhaps a department, and a name that ends the line."""
        for pattern in (_ROLE, _UNIT_NAME):
            for match in pattern.finditer(text):
                start, end = self._lexicon.trim(text, *match.span("name"))
                if self._is_name(text[start:end]):
                    yield Claim(start, end, NAMED)
        for match in _LABEL_LINE.finditer(text):
            name = match["name"]
            if self._lexicon.whole(name) or self._lexicon.reading(name) or self._joins(*(re.split("[ 　]", name, maxsplit=1) * 2)[:2]):
                yield Claim(*match.span("name"), NAMED)
        for match in _POINTED.finditer(text):
            if self._lexicon.pure(match["name"]):
                yield Claim(*match.span("name"), AGAIN)

    def _alike(self, values: Sequence[str]) -> bool:
        """Values of the same place in several lines or items: most are surnames, one at least surely, and hardly one is only a place."""
        known = sum(map(self._lexicon.surname, values))
        others = sum(bool(self._names.kinds(value)) and not self._lexicon.surname(value) for value in values)
        return known * 5 >= len(values) * 3 and others * 5 <= len(values) and any(map(self._lexicon.pure, values))

    def _beside_phones(self, text: str) -> Iterator[Claim]:
        """酒井 080-…: a surname by itself before a phone."""
        found = [match for match in _BESIDE_PHONE.finditer(text) if self._lexicon.fits_part(match["name"])]
        if found and self._alike([match["name"] for match in found]):
            for match in found:
                if self._lexicon.surname(match["name"]) or not self._names.kinds(match["name"]):
                    yield Claim(*match.span("name"), AGAIN)

    def _lists(self, text: str) -> Iterator[Claim]:
        """出席:佐藤、林、原田課長: items of a list that are all names."""
        for match in _LISTED.finditer(text):
            start = match.start("list")
            spans = [self._lexicon.trim(text, start + item.start(), start + item.end()) for item in re.finditer("[^、,，・／/ 　]+", match["list"])]
            values = [text[low:high] for low, high in spans]
            surnames = [value for value in values if not self._lexicon.whole(value)]
            if all(map(self._lexicon.surname, surnames)) and (len(surnames) < len(values) or self._alike(values)):
                yield from (Claim(low, high, AGAIN) for low, high in spans if text[low:high] in surnames)

    def _is_name(self, value: str) -> bool:
        return bool(value) and (self._lexicon.surname(value) or self._lexicon.whole(value) or bool(re.fullmatch(_FOREIGN, value)))

    def _speakers(self, text: str) -> Iterator[Claim]:
        spoken = [match for match in _SPEAKER.finditer(text) if self._lexicon.surname(match["name"])]
        spoken += [match for match in _SPEAKER_FIRST.finditer(text) if self._lexicon.surname(match["name"])]
        names = [match["name"] for match in spoken]
        for match in spoken:
            if match["time"] or names.count(match["name"]) >= _SINGLE_LEAST:
                if len(spoken) >= _SINGLE_LEAST and not (len(set(names)) == 1 and self._lexicon.place(match["name"])):
                    yield Claim(*match.span("name"), NAMED)

    def _introduced(self, text: str) -> Iterator[Claim]:
        for match in _INTRODUCED.finditer(text):
            start, end = match.span("name")
            if not self._lexicon.surname(text[start:end]):
                continue
            line = text.rfind("\n", 0, max(0, start - 1))
            if "申します" in match[0] or _GREETING_BEFORE.search(text, max(0, line - 20, start - 60), start):
                yield Claim(start, end, NAMED)
        for match in _OUR.finditer(text):
            if self._lexicon.surname(match["name"]):
                yield Claim(*match.span("name"), AGAIN)

    def _cards(self, text: str) -> Iterator[Claim]:
        """N:山田;太郎;;; of a vCard."""
        for match in _CARD.finditer(text):
            for part in ("surname", "given"):
                if match[part] and self._lexicon.fits_part(match[part].replace(" ", "")):
                    yield Claim(*match.span(part), READ)
        for match in _CARD_VALUE.finditer(text):
            if self._lexicon.fits(match["name"]) and (self._lexicon.reading(match["name"]) or not self._lexicon.other(match["name"])):
                yield Claim(*match.span("name"), READ)

    # ------------------------------------------------------------------ again

    def _again(self, text: str, found: Sequence[Claim]) -> Iterator[Claim]:
        """A surname standing alone, where a full name with it stands in the same text."""
        surnames = {surname for claim in found if claim.score >= SURE for surname in self._surname(text[claim.start : claim.end])}
        for surname in sorted(surnames)[:_MOST_SURNAMES]:
            for match in re.finditer(re.escape(surname), text):
                start, end = match.span()
                if start and _BEFORE_AGAIN.match(text, start - 1):
                    continue
                if _AFTER_AGAIN.match(text, end) and not _COMPANY_BEFORE.search(text, max(0, start - 6), start):
                    yield Claim(start, end, AGAIN)

    def _surname(self, name: str) -> Iterator[str]:
        """The surname of a full name that has one in kanji or katakana, the longest that the dictionary knows."""
        if len(name) < 2 or name.isascii():
            return
        words = re.split("[ 　]", name)
        if len(words) == 2:
            if words[0] and _KANJI_FIRST.match(words[0]):
                yield words[0]
            return
        foreign = re.split("[・＝]", name)
        if len(foreign) > 1:
            yield from (part for part in foreign if len(part) > 1)
            return
        if not _KANJI_FIRST.match(name) or len(name) < 3:
            return
        for size in (3, 2, 1):
            if len(name) > size and "姓" in self._names.kinds(name[:size]) and self._may_be_given(name[size:]):
                yield name[:size]
                return

    def _may_be_given(self, rest: str) -> bool:
        return not self._names.kinds(rest) or self._names.given(rest)


def _cuts(name: str) -> Iterator[tuple[str, str]]:
    """A name in its two parts: at its blank, else anywhere."""
    words = re.split("[ 　]", name)
    if len(words) == 2:
        yield words[0], words[1]
    elif len(words) == 1:
        yield from ((name[:cut], name[cut:]) for cut in range(1, len(name)))
