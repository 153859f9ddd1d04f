"""Japanese names in lines of forms, lists, signatures and conversations: what a label, a phone or a time beside them says.

Reads lines that are short and no sentences; `person_ja_page.py` does the rest of a page.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from detectors.claims import Claim
from detectors.lexicon_ja import FOREIGN, KANJI, LETTERS, JapaneseLexicon
from detectors.person_ja_titles import TITLE
from detectors.text_tables import line_spans

NAMED: Final = 0.7  # scores: behind a role, or as a speaker,
BESIDE: Final = 0.65  # beside a phone, in a list of names, over a signature's address,
DARED: Final = 0.55  # a surname by itself where little else is likely
CARD: Final = 0.88
LONGEST: Final = 160  # characters of a line that is no paragraph
_LEAST_LINES: Final = 2  # speakers' lines in a text, from which they are a conversation

_SURNAME: Final = rf"[{KANJI}]{{1,5}}|[ァ-ヴー]{{3,8}}"
_NAME: Final = rf"[{KANJI}]{{1,4}}[ 　][{LETTERS}]{{1,4}}|[{KANJI}]{{1,4}}[{LETTERS}]{{0,4}}|{FOREIGN}|[ァ-ヴー]{{3,14}}"
_UNIT: Final = rf"[{LETTERS}A-Za-zＡ-Ｚ0-9]{{0,14}}(?:部|課|室|係|局|科|支店|営業所|本部|センター|グループ|チーム|店|班)(?!長)"
_ROLE_WORDS: Final = (
    rf"(?:[{KANJI}ァ-ヴー]{{0,6}}(?:者|担当|係員|医師|看護師|責任者|作成|起票|起案|記入|記録|承認|確認|受付|対応|応対|検印|"
    rf"報告|審査|決裁|相手方|先方|連絡先|"
    r"幹事|講師|司会|書記|議長|会計|監査|代理|代表|担任|顧問|本人|名義|主任|班長|委員長|担当医|主治医|執刀医|世帯主|上司|部下|"
    r"通報者|受領|検収|配達|集金|人|印)|"
    rf"[{KANJI}]{{0,6}}(?:氏名|名前|名))"
)
_LINE_END: Final = r"[ 　]*(?:\r?$|[（(、,／/]|(?:内線|電話|TEL|Tel|携帯|℡|印|連絡先)|[ 　]{2}|\t)"
_ROLE: Final = re.compile(
    rf"(?:^|(?<=[ 　\t,、;；/／|]))[ 　・●■□◆◇*-]{{0,3}}{_ROLE_WORDS}(?:[（(][^）)\n]{{0,8}}[）)])?(?:[ 　]*[:：][ 　\t]*|[ 　\t]+)"
    rf"(?:(?:{_UNIT})[ 　]?)?(?P<name>{_NAME})(?=[ 　]?(?:様|さん|氏|殿)?(?:{_LINE_END}|[ 　]+{_ROLE_WORDS}[ 　:：]))",
    re.M,
)
_UNIT_NAME: Final = re.compile(rf"(?:^|(?<=[ 　,、:：\t|(（]))(?:{_UNIT})[ 　]+(?P<name>{_NAME})(?={_LINE_END})", re.M)
_LABEL_LINE: Final = re.compile(
    rf"^[ 　]*(?:(?:ご|お|御)?(?:氏[ 　]?名|名[ 　]?前|芳名|姓名)|フリガナ|ふりがな|ﾌﾘｶﾞﾅ|"
    rf"{_ROLE_WORDS})(?:[（(][^）)\n]{{0,8}}[）)])?[ 　]*[:：]?[ 　]*\r?\n"
    rf"[ 　]*(?P<name>[{LETTERS}ｦ-ﾟ・･][{LETTERS}ｦ-ﾟ・･ 　]{{0,16}}?)(?:様|さん|殿)?[ 　]*\r?$",
    re.M,
)
_POINTED: Final = re.compile(rf"[→⇒>@＠][ 　]*(?P<name>[{KANJI}]{{1,5}})(?=(?:さん|様|氏)?(?:[ 　\t、,\r\n→(（]|$))")
_BESIDE_PHONE: Final = re.compile(
    rf"(?:^|(?<=[ 　\t,、・→|(（。.:：;；/／\"*-]))(?P<name>[{KANJI}]{{1,5}}|[ァ-ヴー]{{3,8}})(?:さん|様|"
    rf"氏)?[ 　\t:：,(（;；|/\"→…‥.]{{1,4}}"
    r"(?=\+?[0-9０-９][0-9０-９‐‑‒–—―−ー－() （）-]{8,18}(?![0-9０-９])|(?:内線|携帯|TEL|Tel|tel|電話|℡)[ 　:：]*[0-9０-９+])",
    re.M,
)
_LISTED: Final = re.compile(
    rf"(?:^|[:：])[ 　]*(?P<list>[{LETTERS}]{{1,8}}(?:[、,，・／/][ 　]?[{LETTERS}]{{1,8}}){{1,20}})[ 　]*\r?$", re.M
)
_SPEAKER_FIRST: Final = re.compile(
    rf"^(?P<name>{_NAME})(?:さん|様)?[ 　]+[\[(（]?(?P<time>(?:(?:今日|昨日)の?[ 　]?)?(?:AM|PM|午前|"
    rf"午後)?[ 　]?\d{{1,2}}[:：時]\d{{2}}分?[ 　]?(?:AM|PM)?)[\])）]?[ 　]*\r?$",
    re.M,
)
_SPEAKER: Final = re.compile(
    rf"^[ 　\[(（>・-]{{0,3}}(?P<time>(?:\d{{2,4}}[-/年]\d{{1,2}}[-/月]\d{{1,2}}日?[ 　T])?"
    rf"\d{{1,2}}[:：時]\d{{2}}(?:[:：分]\d{{2}})?分?)?[\])）]?[ 　\t]*"
    rf"(?P<name>{_SURNAME})(?:さん|様|氏)?[ 　]?(?:[:：>＞]|「)(?![/／])",
    re.M,
)
_ADDRESSEE: Final = re.compile(rf"^[ 　]*(?P<name>[{KANJI}]{{2,5}}|[{KANJI}]{{1,4}}[ 　][{LETTERS}]{{1,4}})[ 　]?(?:様|殿)[ 　]*\r?$", re.M)
_NOT_ADDRESSEE: Final = re.compile(r"[者社店部主客位方々課員中長会員神王奥御各皆貴]$|^[皆各御貴両]")
_SIGNED: Final = re.compile(
    rf"(?:^|(?<=[ 　]))(?P<name>{_NAME})[ 　]*\r?\n[ 　]*(?:〒|TEL|Tel|tel|電話|携帯|E-?[Mm]ail|[Mm]ail|メール|[\w.+-]+@|住所)", re.M
)
_PARTY: Final = re.compile(rf"(?:^|(?<=[ 　と]))(?P<name>{_NAME})(?=[（(]以下)", re.M)
_SHORT_FORM: Final = re.compile(rf"(?:^|(?<=[ 　]))[{KANJI}ァ-ヴー]{{2,12}}[ 　:：]+(?P<name>[{KANJI}]{{2,5}})[ 　]*\r?$", re.M)
_PLACE_LABEL: Final = re.compile(r"[地所市町駅店県区産元先品社線川山橋着発行方面州国部課]$|出身|本籍|支店|会場|経由|方面")
_MAIL_NAME: Final = re.compile(rf"(?:^|(?<=[:,;：、]))[ 　]*\"?(?P<name>{_NAME})(?:様|さん)?\"?[ 　]*<[^>\s@]+@[^>\s]+>", re.M)
_CARD_VALUE: Final = re.compile(r"^(?:FN|SOUND|X-PHONETIC-[A-Z-]+)(?:;[^:\n]{0,60})?:(?P<name>[^;\n\r]{1,40})\r?$", re.M)
_CARD: Final = re.compile(r"^N(?:;[^:\n]{0,60})?:(?P<surname>[^;\n]{1,30});(?P<given>[^;\n]{1,30})?(?=;|\r?$)", re.M)
_JAPANESE: Final = re.compile(r"[々\u3041-\u30ff\u4e00-\u9fff\uff66-\uff9f\uf900-\ufaff\u3400-\u4dbf]")


class FormNames:
    """Claims about the lines of a text that are no sentences. Pure."""

    def __init__(self, lexicon: JapaneseLexicon) -> None:
        self._lexicon = lexicon

    def claims(self, text: str) -> Iterator[Claim]:
        for start, end in _blocks(text):
            yield from self._roles(text, start, end)
            yield from self._alone(text, start, end)
            yield from self._beside_phones(text, start, end)
            yield from self._lists(text, start, end)
        yield from self._speakers(text)
        yield from self._marked(text)

    def _roles(self, text: str, low: int, high: int) -> Iterator[Claim]:
        """報告者 総務部 野口: a role, perhaps a department, and a name that ends the line."""
        lexicon = self._lexicon
        for pattern in (_ROLE, _UNIT_NAME):
            for match in pattern.finditer(text, low, high):
                start, end = lexicon.trim(text, *match.span("name"))
                if lexicon.is_name(text[start:end]):
                    yield Claim(start, end, NAMED)
        for match in _LABEL_LINE.finditer(text, low, high):
            name = match["name"]
            if lexicon.whole(name) or lexicon.reading(name) or lexicon.joins(*(re.split("[ 　]", name, maxsplit=1) * 2)[:2]):
                yield Claim(*match.span("name"), NAMED)
        for match in _SHORT_FORM.finditer(text, low, high):
            label = match[0][: match.start("name") - match.start()].strip(" 　:：")
            if lexicon.pure(match["name"]) and not _PLACE_LABEL.search(label):
                yield Claim(*match.span("name"), DARED)

    def _alone(self, text: str, low: int, high: int) -> Iterator[Claim]:
        """The name over an address or phone in a signature, and the one a letter is sent to."""
        lexicon = self._lexicon
        for match in _SIGNED.finditer(text, low, high):
            name = match["name"]
            if lexicon.opens(name) or lexicon.is_foreign(name) or lexicon.pure(name):
                yield Claim(*match.span("name"), BESIDE)
        for match in _ADDRESSEE.finditer(text, low, high):
            name, start = match["name"], match.start("name")
            size = next((n for n in (4, 3, 2, 1) if TITLE.fullmatch(name[n:]) and lexicon.surname(name[:n])), 0)
            if size:
                yield Claim(start, start + size, CARD)
            elif not _NOT_ADDRESSEE.search(name) and not lexicon.other(name) and (len(name) > 2 or lexicon.fits_part(name)):
                yield Claim(start, match.end("name"), BESIDE)

    def _beside_phones(self, text: str, low: int, high: int) -> Iterator[Claim]:
        """酒井 080-…: a surname by itself before a phone."""
        lexicon = self._lexicon
        found = [match for match in _BESIDE_PHONE.finditer(text, low, high) if lexicon.fits_part(match["name"])]
        if found and lexicon.alike([match["name"] for match in found]):
            for match in found:
                if lexicon.surname(match["name"]) or not lexicon.other(match["name"]):
                    yield Claim(*match.span("name"), BESIDE)

    def _lists(self, text: str, low: int, high: int) -> Iterator[Claim]:
        """出席:佐藤、林、原田課長: items of a list that are all names."""
        lexicon = self._lexicon
        for match in _LISTED.finditer(text, low, high):
            start = match.start("list")
            items = re.finditer("[^、,，・／/ 　]+", match["list"])
            spans = [lexicon.trim(text, start + item.start(), start + item.end()) for item in items]
            values = [text[first:last] for first, last in spans]
            surnames = [value for value in values if not lexicon.whole(value)]
            if all(map(lexicon.surname, surnames)) and (len(surnames) < len(values) or lexicon.alike(values)):
                yield from (Claim(first, last, BESIDE if text[first:last] in surnames else NAMED) for first, last in spans)

    def _speakers(self, text: str) -> Iterator[Claim]:
        """Who says what in a conversation: 13:51 水野: …, or a line with a name and a time alone."""
        lexicon = self._lexicon
        spoken = [match for match in _at_lines(_SPEAKER, text) if lexicon.surname(match["name"])]
        spoken += [match for match in _at_lines(_SPEAKER_FIRST, text) if lexicon.is_name(match["name"])]
        names = [match["name"] for match in spoken]
        if len(spoken) < _LEAST_LINES or (len(set(names)) == 1 and lexicon.place(names[0])):
            return
        for match in spoken:
            if match["time"] or names.count(match["name"]) >= _LEAST_LINES:
                yield Claim(*match.span("name"), NAMED)

    def _marked(self, text: str) -> Iterator[Claim]:
        """What rare marks point at, in any line: a mail's address in angle brackets, an arrow, a party of a contract, a vCard."""
        lexicon = self._lexicon
        if "<" in text and "@" in text:
            found = (match for match in _MAIL_NAME.finditer(text) if lexicon.is_name(match["name"]))
            yield from (Claim(*match.span("name"), BESIDE) for match in found)
        if any(mark in text for mark in "→⇒@＠"):
            pointed = (match for match in _POINTED.finditer(text) if lexicon.pure(match["name"]))
            yield from (Claim(*match.span("name"), BESIDE) for match in pointed)
        if "以下" in text:
            for match in _PARTY.finditer(text):
                name = match["name"]
                if lexicon.opens(name) or (lexicon.fits(name) and not lexicon.other(name)) or lexicon.pure(name):
                    yield Claim(*match.span("name"), BESIDE)
        if "N:" in text or "SOUND" in text:
            yield from self._cards(text)

    def _cards(self, text: str) -> Iterator[Claim]:
        """N:山田;太郎;;; of a vCard."""
        lexicon = self._lexicon
        for match in _CARD.finditer(text):
            for part in ("surname", "given"):
                if match[part] and lexicon.fits_part(match[part].replace(" ", "")):
                    yield Claim(*match.span(part), CARD)
        for match in _CARD_VALUE.finditer(text):
            if lexicon.fits(match["name"]) and (lexicon.reading(match["name"]) or not lexicon.other(match["name"])):
                yield Claim(*match.span("name"), CARD)


def _at_lines(pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """Matches at the starts of lines."""
    for start, _ in line_spans(text):
        match = pattern.match(text, start)
        if match:
            yield match


def _blocks(text: str) -> Iterator[tuple[int, int]]:
    """Characters [start, end) of consecutive lines that are short and hold no full stop, where they hold something Japanese."""
    first, last = -1, 0
    for start, end in line_spans(text):
        if end - start <= LONGEST and text.find("。", start, end) < 0:
            first = start if first < 0 else first
            last = end
        elif first >= 0:
            if _JAPANESE.search(text, first, last):
                yield first, last
            first = -1
    if first >= 0 and _JAPANESE.search(text, first, last):
        yield first, last
