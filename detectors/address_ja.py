"""Japanese postal addresses in all written forms, found by place names and block numbers, scored by how deep they match.

An address is read from left to right: prefecture, municipality, town (each may be missing, but not all), block and house number, building.
The levels follow the public normalisers (prefecture 1, municipality 2, town 3, number 8): a place name alone is no address.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from presidio_analyzer import EntityRecognizer, RecognizerResult

from detectors import address_index
from detectors.address_index import AddressIndex, Municipality, plain
from detectors.fold import fold
from detectors.presidio import result
from detectors.rule import words_pattern
from scanner.model import DetectSettings

_N: Final = r"(?:[0-9]{1,5}|[〇一二三四五六七八九十百千壱弐参]{1,5})"
_KANJI_DASH: Final = re.compile(r"[‐‑‒–—―−─━﹣ｰー⁃](?<=[〇一二三四五六七八九十百0-9].)(?=[〇一二三四五六七八九十0-9])")
_HALF_KANA: Final = {chr(code): unicodedata.normalize("NFKC", chr(code)) for code in range(0xFF66, 0xFF9E)}
_HALF: Final = re.compile("[\uff66-\uff9d]")
_BLOCK_LETTER: Final = "甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申酉戌亥イロハニホヘトチリヌルヲ"
_PART: Final = rf"""(?:
    {_N}[ ]?(?:丁目|丁(?=[0-9〇一二三四五六七八九十])|番地|番町?|地割|号棟?|線(?=[東西南北0-9])|条(?=[東西南北0-9])|組)
  | 無番地 | 番外地
  | (?:字)?[{_BLOCK_LETTER}][ ]?(?:{_N})(?:-{_N}){{0,4}}
  | {_N}(?:-[0-9]{{1,5}}){{0,4}}
)"""
_GLUE: Final = r"(?:[ ]?(?:の|ノ|-)[ ]?)?"
_NUMBER: Final = re.compile(rf"{_PART}(?:{_GLUE}(?:(?<=[目割番条線])[ ])?[東西南北]?{_PART}){{0,5}}(?![0-9])", re.X)
_NAMED: Final = re.compile(r"丁目|番|地割|号|無番地")  # the number says itself that it is a block
_STRONG: Final = re.compile(r"番町?[0-9地]|丁目?.*[0-9〇一二三四五六七八九十]|[0-9]の[0-9]|地割|無番地|番.*号|番地?$|-")
_CHOME_ONLY: Final = re.compile(rf"{_N}[ ]?丁目?")
# what follows a number that counts something
_COUNTER: Final = re.compile(
    r"[ ]?(?:人|名(?!古)|年|月|日|時|分|秒|円|件|個|回|歳|才|台|冊|枚|本(?!町)|%|億|万|点|度|倍|位|世帯|社|戸|頭|匹"
    r"|[ヶかカケ]月|か所|箇所|週|系統|便|期|章|条|項|世紀)"
)
_BUILDING_WORD: Final = (
    "ビルディング|ビル|マンション|ハイツ|コーポラス|コーポ|荘|アパート|タワー|ハウス|レジデンス|プラザ|メゾン|パレス|ヒルズ|コート|ガーデン|テラス|団地|寮"
    "|会館|センター|ヴィラ|ビラ|ハイム|シティ|スクエア|住宅|社宅|レジデンシア|グランデ|フラット|カーサ|エステート|ドーム|館|棟|ホームズ|ホーム|スカイ|アーバン|キャッスル|ステージ"
)
_ROOM: Final = (
    r"(?:[A-Za-z]?[0-9]{1,4}(?:号室|号棟|号館|号|階|[FＦ](?![a-z])|棟|室)?(?:[ -]?[0-9]{1,4}(?:号室|号|室)?)?|地下[0-9]階|B[0-9]F?)"
)
# names of buildings that may go on behind the word (パークタワー芝, コーポ青葉) and end where the field ends
_BUILDING_KIND: Final = (
    "マンション|ハイツ|コーポラス|コーポ|アパート|タワー|レジデンス|メゾン|パレス|ヒルズ|コート|ガーデン|テラス|ヴィラ|ハイム|グランデ|カーサ"
    "|アーバン|エステート|キャッスル|ルミエール|サンライズ|フォレスト|リバーサイド|ロイヤル|スカイ|シティ|グリーン|プラザ"
)
_RUN: Final = "[一-龥々ァ-ヶー・A-Za-z]"
_NOT_NAME: Final = "付近|在住|気付|様|宛|御中"
_COMPANY: Final = "会社|商会|産業|工業|製作所|病院|学校|組合|不動産|管理|銀行"
_BUILDING_END: Final = rf"(?=[\s、。,;|\"'()\[\]「」]|$|[ぁ-ん]|{_NOT_NAME})"
_NAME: Final = r"[^\s、。,;:|\"'<>()「」『』【】\t]"
_BUILDING: Final = re.compile(
    rf"""[ ]?(?!(?i:tel|fax|phone|mobile|e?-?mail|電話|携帯|担当|内線|〒))(?:
        (?!{_RUN}{{1,18}}?(?:{_COMPANY})){_RUN}{{0,10}}?(?:{_BUILDING_KIND})(?:(?!{_NOT_NAME}){_RUN}){{1,8}}(?:[ ]?{_ROOM})?{_BUILDING_END}
      | {_NAME}{{1,20}}?(?:{_BUILDING_WORD})(?:[A-Za-z0-9]{{1,3}}棟|[A-Z](?![a-z])|[ⅠⅡⅢⅣIVX]{{1,3}}(?![a-z]))?(?:[ ]?{_ROOM})?内?(?![0-9])
      | {_NAME}{{2,20}}?[ ]?(?:[0-9]{{1,2}}(?:[F階](?![a-z])))(?:[ ]?{_ROOM})?
      | (?:{_BUILDING_WORD}){_NAME}{{1,12}}?[ ]?[0-9]{{2,4}}(?:号室|号)?(?![0-9-])
      | [ァ-ヶー・A-Za-z]{{3,20}}[ ]?[0-9]{{2,4}}(?:号室|号)?(?![0-9-])
      | [A-Z]?[0-9]{{1,4}}(?:号室|階)(?![0-9])
    )""",
    re.X,
)
_BUILDING_ROOM: Final = re.compile(rf"[ ]?{_ROOM}(?=[\s、。,;|\"'()「」]|$)")
_PREFECTURE: Final = re.compile("東京都|北海道|(?:京都|大阪)府|(?:神奈川|和歌山|鹿児島|[一-龥]{2})[県縣]")
_PREFECTURE_END: Final = re.compile("[都道府県縣]")
_MUNICIPAL_END: Final = re.compile("[市区町村]")
_UNKNOWN_CITY: Final = re.compile(r"(?:[一-龥ぁ-んァ-ヶ々]{1,5}郡)?[一-龥ぁ-んァ-ヶ々]{1,6}?(?:市(?:[一-龥ぁ-んァ-ヶ々]{1,3}区)?|区|町|村)")
_WORD: Final = "[一-龥々〆ヵヶァ-ヴー仝〇]"
# what may stand between town and number: kanji and katakana, the particles of place names, Kyoto's street words; no prose
_BETWEEN: Final = re.compile(
    rf"[ ]?(?:大字|字)|上る|下る|上が?る|下が?る|西入る?|東入る?|通り|入る|{_WORD}|(?<={_WORD})[がのつケツノ・、](?={_WORD})"
)
_DIGIT: Final = re.compile("[0-9〇一二三四五六七八九十]|[甲乙丙丁イロハ]|無番地")
_SECTION: Final = re.compile("(?<!大)字")
_TOWN_BEFORE: Final = re.compile(rf"[一-龥々ぁ-んァ-ヶー](?=[ ]?{_N}(?:丁目|丁|番|-|[^0-9]|$))")
_LETTER: Final = re.compile(r"[一-龥々〆ぁ-んァ-ヴーA-Za-z0-9]")
_CELL_EDGE: Final = re.compile(r"[,\t|\"\n]")
_ADDRESS_WORDS: Final = words_pattern(
    [
        "住所",
        "所在地",
        "居所",
        "本籍",
        "勤務地",
        "届け先",
        "届先",
        "送付先",
        "配送先",
        "お届け",
        "設置場所",
        "所在",
        "address",
        "addr",
        "jusho",
        "juusho",
        "本店",
        "宛先",
        "〒",
    ]
)
_SCORES: Final = {9: 0.55, 8: 0.95, 7: 0.9, 6: 0.85, 5: 0.7, 4: 0.45, 3: 0.45, 2: 0.3}


@dataclass(frozen=True, slots=True)
class Found:
    """An address in a text. `level`: 8 municipality, known town and number; 7 the same without a strong number; 6 an unknown town;
    9 prefecture to 丁目 without a house number; 5 a known town and number alone; 4 the same with a weak number; 3 no number; 2 no town."""

    start: int
    end: int
    level: int


class AddressReader:
    """Reads addresses in one folded text."""

    def __init__(self, folded: str, index: AddressIndex) -> None:
        self.text = _KANJI_DASH.sub("-", _HALF.sub(lambda match: _HALF_KANA[match[0]], folded))
        self.keys = plain(self.text)
        self.index = index

    def all(self) -> list[Found]:
        """Every address, left to right, none overlapping."""
        found: list[Found] = []
        end = 0
        for item in self._candidates():
            if item.start >= end:
                found.append(item)
                end = item.end
        return found

    def _candidates(self) -> Iterator[Found]:
        anchored = sorted(self._from_places(), key=lambda item: (item.start, -item.end))
        anchored.extend(self._from_sections())
        anchored.extend(self._from_towns())
        strong = [item for item in anchored if item.level >= 4]
        taken = bytearray(len(self.text))
        for item in strong:
            taken[item.start : item.end] = b"\1" * (item.end - item.start)
        weak = [item for item in anchored if item.level < 4 and taken.find(1, item.start, item.end) < 0]
        yield from sorted((*strong, *weak), key=lambda item: (item.start, -item.level, -item.end))

    def _from_places(self) -> Iterator[Found]:
        """Addresses that begin with a prefecture or a municipality."""
        done = 0
        covered = bytearray(len(self.keys))
        for match in _PREFECTURE.finditer(self.keys) if _PREFECTURE_END.search(self.keys) else ():
            if match.start() < done:
                continue
            cities = self.index.prefectures.get(match[0])
            if cities is None:
                continue
            found = self._after_prefecture(match.start(), match.end(), cities)
            if found:
                done = found.end
                covered[found.start : found.end] = b"\1" * (found.end - found.start)
                yield found
        for match in _MUNICIPAL_END.finditer(self.keys):
            if covered[match.end() - 1]:
                continue
            known = self._municipality_ending(match.end())
            if known is not None:
                found = self._after_city(known[0], match.end(), known[1], known=True)
                if found:
                    yield found

    def _after_prefecture(self, start: int, at: int, cities: dict[str, Municipality]) -> Found | None:
        at = self._blank(at)
        for length in range(min(self.index.longest, len(self.keys) - at), 1, -1):
            city = cities.get(self.keys[at : at + length])
            if city is not None:
                return self._after_city(start, at + length, city, known=True)
        unknown = _UNKNOWN_CITY.match(self.text, at)
        if unknown:
            found = self._after_city(start, unknown.end(), Municipality([]), known=False)
            if found:
                return found
        if self.index.country.town_end(self.keys, at) >= at + 2:  # the municipality is left out: 静岡県下小田1-5
            return self._after_city(start, at, self.index.country, known=False)
        return None

    def _municipality_ending(self, end: int) -> tuple[int, Municipality] | None:
        """(start, towns) of the longest known municipality that ends here."""
        for length in range(min(self.index.longest, end), 1, -1):
            city = self.index.municipalities.get(self.keys[end - length : end])
            if city is not None:
                return self._prefecture_before(end - length), city
        return None

    def _prefecture_before(self, start: int) -> int:
        """A prefecture without its last character before the municipality belongs to the address: 岩手花巻市."""
        for length in (3, 2):
            if start >= length and self.keys[start - length : start] in self.index.prefecture_stems:
                return start - length
        return start

    def _after_city(self, start: int, at: int, city: Municipality, known: bool) -> Found | None:
        at, city = self._ward(at, city)
        town_from = self._skip(self._blank(at), ("大字", "字"))
        town_to = city.town_end(self.keys, town_from)
        has_town = town_to > town_from
        number = self._number(town_to if has_town else self._blank(at), loose=has_town)
        if number is None and has_town:  # a shorter town may leave the number free: 三 of 三番町 is no number
            number = self._number(self._blank(at), loose=False)
        if number is not None:
            written = self.text[slice(*number)]
            strong = _STRONG.search(written) is not None or _CHOME_ONLY.fullmatch(written) is not None
            if _CHOME_ONLY.fullmatch(written) and "条" not in self.keys[town_from:town_to]:  # 北1条西2丁目 is a block
                return Found(start, number[1], 9 if has_town and _PREFECTURE.match(self.keys, start) else 3)
            if has_town or strong:
                level = (8 if strong else 7) if has_town else 6
                return Found(start, self._building(number[1]), level)
        if has_town:
            return Found(start, town_to, 3)
        weak = self._number(self._blank(at), loose=True) if known else None
        if weak is not None:
            return Found(start, weak[1], 4)
        return Found(start, at, 2) if known else None

    def _ward(self, at: int, city: Municipality) -> tuple[int, Municipality]:
        """A ward set apart from its city by a blank: 京都市 下京区."""
        if self.keys[at - 1 : at] == "市" and self.text[at : at + 1] == " ":
            end = self.keys.find("区", at + 2, at + 7) + 1
            ward = self.index.municipalities.get(self.keys[at + 1 : end]) if end else None
            if ward is not None:
                return end, ward
        return at, city

    def _number(self, at: int, loose: bool) -> tuple[int, int] | None:
        """(start, end) of the block number after `at`, with what stands between read over. `loose`: a bare number will do."""
        direct = self._number_at(at, loose)
        if direct:
            return direct
        for end in self._digits_after(at):
            number = self._number_at(end, loose and end - at <= 8)
            if number:
                return number
        return None

    def _number_at(self, at: int, loose: bool) -> tuple[int, int] | None:
        match = _NUMBER.match(self.text, self._blank(at))
        if match is None:
            return None
        named = _NAMED.search(match[0]) is not None
        if not named and match[0].count("-") < 2 and _COUNTER.match(self.text, match.end()):
            return None
        return match.span() if loose or _STRONG.search(match[0]) else None

    def _digits_after(self, at: int) -> Iterator[int]:
        """Where a number may begin, reading over what can stand between a town and its number."""
        end = at
        for match in _BETWEEN.finditer(self.text, at, at + 32):
            if match.start() != end or (
                match[0] in "、・" and _PREFECTURE.match(self.keys, match.end())
            ):  # the next of a list of addresses
                return
            end = match.end()
            if _DIGIT.match(self.text, self._blank(end)):
                yield end

    def _from_towns(self) -> Iterator[Found]:
        """Addresses that begin with the town: 神南1-2-3."""
        towns = self.index.all_towns
        for mark in _TOWN_BEFORE.finditer(self.text):
            end = mark.start() + 1
            number = self._number_at(end, loose=True)
            if number is None:
                continue
            start = self._town_start(end, towns)
            if start is None:
                continue
            written = self.text[slice(*number)]
            if _CHOME_ONLY.fullmatch(written):
                yield Found(start, number[1], 3)
            else:
                yield Found(start, self._building(number[1]), 5 if _STRONG.search(written) else 4)

    def _from_sections(self) -> Iterator[Found]:
        """Addresses that begin with the town and name a section of it: 下江留字中1402-1."""
        for mark in _SECTION.finditer(self.text):
            start = self._town_start(mark.start(), self.index.all_towns)
            number = self._number(mark.end(), loose=True) if start is not None else None
            if start is not None and number is not None:
                yield Found(start, self._building(number[1]), 5)

    def _town_start(self, end: int, towns: frozenset[str]) -> int | None:
        for length in range(min(12, end), 1, -1):
            start = end - length
            if self.keys[start:end] in towns and (start == 0 or not _LETTER.match(self.text, start - 1)):
                return start
        return None

    def _building(self, end: int) -> int:
        match = _BUILDING.match(self.text, end)
        if match is None:
            return end
        end = match.end()
        room = _BUILDING_ROOM.match(self.text, end)
        return room.end() if room else end

    def _blank(self, at: int) -> int:
        return at + 1 if self.text[at : at + 1] == " " else at

    def _skip(self, at: int, words: Sequence[str]) -> int:
        return next((at + len(word) for word in words if self.text.startswith(word, at)), at)


class AddressJaRecognizer(EntityRecognizer):
    """Japanese addresses for the engine and for any Presidio user."""

    SIGNS: ClassVar[tuple[str, ...]] = (r"[都道府県縣市区區町村郡]|無番地|番外地", rf"[一-龥々ぁ-んァ-ヶーｦ-ﾝ][ ]?{_N}")

    def __init__(self, settings: DetectSettings | None = None, language: str = "ja") -> None:
        del settings
        super().__init__(supported_entities=["ADDRESS"], name="address_ja", supported_language=language, version="1")
        self._id = self.name

    def load(self) -> None:
        """The index is read on first use."""

    def analyze(self, text: str, entities: Sequence[str], nlp_artifacts: Any = None) -> list[RecognizerResult]:
        """Addresses in running text."""
        del entities, nlp_artifacts
        folded = fold(text)
        return [_result(item, _score(item, folded)) for item in AddressReader(folded, address_index.load()).all()]

    def analyze_cell(self, value: str, header: Sequence[str]) -> list[RecognizerResult]:
        """Addresses in a cell; under a header that says "address" a weak number, or none, is enough."""
        folded = fold(value)
        labelled = _ADDRESS_WORDS is not None and _ADDRESS_WORDS.search(fold(" ".join(header)).lower()) is not None
        found = AddressReader(folded, address_index.load()).all()
        return [_result(item, max(_score(item, folded), 0.75 if labelled and item.level > 2 else 0.0)) for item in found]


RECOGNIZERS: Final = (AddressJaRecognizer,)


def _result(item: Found, score: float) -> RecognizerResult:
    return result("ADDRESS", item.start, item.end, score, f"jp.address.level{item.level}", "address_ja", identifier="address_ja")


def _score(item: Found, folded: str) -> float:
    score = _SCORES[item.level]
    if item.level in (3, 4):
        before = folded[max(0, item.start - 12) : item.start]
        if _ADDRESS_WORDS is not None and _ADDRESS_WORDS.search(before):
            return 0.65
        if item.level == 4 and _fills_field(item, folded):
            return 0.55
    return score


def _fills_field(item: Found, folded: str) -> bool:
    """Whether the address is all there is between two delimiters, as in a line of CSV, with a number of two digits or more."""
    left = item.start == 0 or _CELL_EDGE.match(folded, item.start - 1) is not None
    right = item.end == len(folded) or _CELL_EDGE.match(folded, item.end) is not None
    return left and right and "," in folded and re.search("[0-9]{2}$", folded[item.start : item.end]) is not None
