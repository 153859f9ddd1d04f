"""What Japanese names look like, for columns and lines: `name_columns.Lexicon` by Sudachi's dictionary and its readings."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from detectors.names_data import JapaneseNames, katakana

KANJI: Final = "々〆一-龠\uf900-\ufaff\u3400-\u4dbfヶ"
LETTERS: Final = rf"{KANJI}ぁ-んァ-ヴー"
FOREIGN: Final = r"[ァ-ヴー]{2,10}(?:[・＝][ァ-ヴー]{1,10}){1,3}"
KANJI_RUN: Final = re.compile(rf"[{KANJI}]+")
_FITS: Final = re.compile(
    rf"[{KANJI}]{{1,4}}[ 　]?[{LETTERS}]{{1,4}}|[ァ-ヴー]{{2,10}}(?:[ 　・･＝=][ァ-ヴー]{{1,10}}){{1,3}}|"
    rf"[ぁ-ゖー]{{1,10}}(?:[ 　・･][ぁ-ゖー]{{1,10}}){{1,3}}"
    r"|[ｦ-ﾟ]{1,14}(?:[ ･・][ｦ-ﾟ]{1,14}){1,3}|[ァ-ヴー]{4,12}|[ぁ-んー]{4,12}|[ｦ-ﾟ]{4,18}|[A-Z][A-Za-z'-]+,? [A-Z][A-Za-z'-]+"
)
_FITS_PART: Final = re.compile(rf"[{KANJI}]{{1,5}}|[{LETTERS}]{{2,6}}|[ァ-ヴー・＝]{{2,14}}|[ｦ-ﾟ･]{{2,14}}|[A-Z][a-z]{{1,14}}")
_HONORIFIC: Final = re.compile(
    r"[ 　]?(?:様|さま|さん|殿|氏|先生|君|くん|ちゃん|(?:代表取締役|取締役|部長|課長|係長|主任|社長|専務|常務|室長|店長|所長|次長)様?)$"
)
_THING_END: Final = re.compile(
    r"(?:部|課|室|係|局|科|店|社|市|県|府|区|駅|館|所|業|商事|物産|電機|建設|食品|薬品|銀行|病院|学校|大学|センター|クリニック|ビル|荘|会|"
    r"法人|者|名|様|組|製|品|書|線|庫|日|月|年|円|個|本|台|枚|式|中|済|可|否|無|有|係|男|女)$"
)
_KANA_TITLE: Final = re.compile(
    "(?:リーダー|チーフ|マネージャー|マネジャー|ディレクター|ドクター|コーチ|スタッフ|メンバー|オーナー|サブ|アシスタント)$"
)
_JAPANESE: Final = re.compile(r"[々\u3041-\u30ff\u4e00-\u9fff\uff66-\uff9f\uf900-\ufaff\u3400-\u4dbf]")


class JapaneseLexicon:
    """Implements `name_columns.Lexicon`."""

    bare = True

    def __init__(self, names: JapaneseNames) -> None:
        self._names = names

    def trim(self, text: str, start: int, end: int) -> tuple[int, int]:
        honorific = _HONORIFIC.search(text, start, end)
        return (start, honorific.start()) if honorific and honorific.start() > start else (start, end)

    def whole(self, value: str) -> bool:
        if value.isascii():
            words = re.split(",? ", value)
            return len(words) == 2 and any(
                self._names.surname_romaji(one) and self._names.given_romaji(two) for one, two in (words, words[::-1])
            )
        parts = re.split("[ 　]", value)
        if len(parts) == 2:
            surname, given = parts
            return bool(surname and given and self._names.surname(surname) and self._is_given(given) and not _THING_END.search(given))
        if not _FITS.fullmatch(value) or not KANJI_RUN.match(value):
            kinds = [self._names.kinds(part) for part in re.split("[・･＝]", value)]
            return (
                len(kinds) > 1 and any(item & {"人名", "名", "姓"} for item in kinds) and not any(item & {"他", "地名"} for item in kinds)
            )
        if self._names.kinds(value) & {"姓", "他", "地名", "固有"}:
            return False
        cuts = range(1, len(value) - (self._names.kinds(value[-2:]) == {"他"}))  # 平座金 is a washer
        return any(self._names.surname(value[:cut]) and self._names.given(value[cut:]) for cut in cuts)

    def opens(self, value: str) -> bool:
        """A whole name of which the given name may be unlisted."""
        if self.whole(value):
            return True
        parts = re.split("[ 　]", value)
        if not self.fits(value) or len(parts) > 2 or not KANJI_RUN.match(value) or self._names.kinds(value):
            return False
        cuts = [(parts[0], parts[1])] if len(parts) == 2 else [(value[:cut], value[cut:]) for cut in (3, 2) if 0 < len(value) - cut < 4]
        return any("姓" in self._names.kinds(surname) and self._is_given(given) and not _THING_END.search(given) for surname, given in cuts)

    def _is_given(self, value: str) -> bool:
        kinds = self._names.kinds(value)
        return not kinds or self._names.given(value)

    def surname(self, value: str) -> bool:
        return "姓" in self._names.kinds(value) or (not KANJI_RUN.match(value) and katakana(value) in self._names.surname_readings)

    def given(self, value: str) -> bool:
        return self._names.given(value)

    def reading(self, value: str) -> bool:
        if KANJI_RUN.search(value) or not _JAPANESE.match(value):
            return False
        parts = re.split("[ 　]", katakana(value))
        if len(parts) == 2:
            return self._names.surname(parts[0]) and self._names.given(parts[1])
        return len(value) > 3 and not self._names.kinds(value) & {"他", "地名"} and any(self._names.read(value))

    def place(self, value: str) -> bool:
        return "地名" in self._names.kinds(value) and value in self._names.cities

    def other(self, value: str) -> bool:
        kinds = self._names.kinds(value)
        return bool(kinds) and not kinds & {"姓", "名", "人名"}

    def pure(self, value: str) -> bool:
        kinds = self._names.kinds(value)
        return "姓" in kinds and (kinds <= {"姓", "名", "人名"} or (len(value) > 1 and value not in self._names.cities))

    def fits(self, value: str) -> bool:
        if not _FITS.fullmatch(value):
            return False
        return not _THING_END.search(value) or any(self._names.surname(value[:cut]) and self._names.given(value[cut:]) for cut in (1, 2, 3))

    def fits_part(self, value: str) -> bool:
        return bool(_FITS_PART.fullmatch(value)) and (
            not _THING_END.search(value) or self._names.surname(value) or self._names.given(value)
        )

    def is_name(self, value: str) -> bool:
        """A surname, a whole name, a reading or a foreign name: behind a label that says it is somebody."""
        return bool(value) and (self.surname(value) or self.opens(value) or self.reading(value) or self.is_foreign(value))

    def is_foreign(self, value: str) -> bool:
        """By a dot between its parts, or by the dictionary: ジョン・スミス, スミス."""
        if re.fullmatch(FOREIGN, value):
            return True
        listed = (
            re.fullmatch("[ァ-ヴー]{3,}", value) is not None
            and "他" not in (kinds := self._names.kinds(value))
            and bool(kinds & {"人名", "姓"})
        )
        return listed and not _KANA_TITLE.search(value)

    def joins(self, first: str, second: str) -> bool:
        """Two words with a blank between are one name."""
        if not _FITS_PART.fullmatch(first) or not self.surname(first):
            return False
        given = _HONORIFIC.sub("", second) or second
        if not KANJI_RUN.match(first):
            return not KANJI_RUN.match(given) and self._names.given(given)
        return bool(_FITS_PART.fullmatch(given)) and self._names.given(given)

    def alike(self, values: Sequence[str]) -> bool:
        """Values of the same place in several lines or items: most are surnames, one at least surely, and hardly one is only a place."""
        known = sum(map(self.surname, values))
        others = sum(bool(self._names.kinds(value)) and not self.surname(value) for value in values)
        return known * 5 >= len(values) * 3 and others * 5 <= len(values) and any(map(self.pure, values))
