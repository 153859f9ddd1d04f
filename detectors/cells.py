"""A column of one batch as its distinct values, and the kernels that judge whole values without a Python loop."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pyarrow as pa

Mask = npt.NDArray[np.bool_]

_JA: Final = r"\p{Han}\p{Hiragana}\p{Katakana}々〆ヶー"
EMAIL: Final = r"^(?:mailto:)?[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,24}$"
NOT_EMAIL: Final = r"(?i)\.(?:png|jpe?g|gif|svg|webp|bmp|ico|css|js|ts|json|xml|html?|txt|csv|pdf|zip|mp[34])$|@[0-9.]+x?\.|\.\.|^\.|\.@"
_DASHES: Final = "[‐‑‒–—―−─━﹣－ー]"
_PHONE_CHARS: Final = r"^(?i)(?:tel[.: ]*|電話[: ]*|☎ *|fax[.: ]*)?[+(]?[\d][\d\-\s()./]{5,22}(?:\(代表?\)|(?:x|ext\.?|内線) ?\d{1,6})?$"
_JP_DIGITS: Final = r"^(?:(?:\+81|0081)0?[1-9]\d{8,9}|0[56789]0\d{8}|0120\d{6}|0800\d{7}|0[1-9]\d{8})$"
_JP_WRITTEN: Final = (
    r"^(?:\(0\d{1,4}\) ?\d{1,4}[- ]\d{4}|0\d{1,4}[- ]\d{1,4}[- ]\d{3,4}|0\d{1,4}\(\d{1,4}\)\d{4}|"
    r"\+81[- ]?(?:\(0\))?\d{1,4}[- ]\d{1,4}[- ]\d{3,4})$"
)
_WORLD_WRITTEN: Final = (
    r"^(?:\+\d{1,3}[-. ]?(?:\(\d{1,4}\)|\d{1,4})(?:[-. ]\d{2,4}){1,4}|(?:\+?1[-. ])?(?:\(\d{3}\) ?|\d{3}[-.])\d{3}[-.]\d{4})$"
)
_MOBILE_DIGITS: Final = r"^0[789]0\d{8}$"
_DATE: Final = (
    r"^(?:(?:18|19|20)\d{2}[-/.年] ?\d{1,2}[-/.月] ?\d{1,2}日?|(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])|"
    r"\d{1,2}[-/.]\d{1,2}[-/.](?:18|19|20)\d{2}"
    r"|(?:明治|大正|昭和|平成|令和|[MTSHR])\.? ?(?:\d{1,2}|元)[-/.年] ?\d{1,2}[-/.月] ?\d{1,2}日?"
    r"|(?:\d{1,2} )?(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.? (?:\d{1,2},? )?(?:19|20)\d{2})(?:[ "
    r"T]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?Z?)?$"
)
_NUMBER: Final = r"^[-+¥$€£]? ?[\d.,:%/\s-]*[%円]?$"
_PLACE: Final = (
    r"(?:北海道|東京都|京都府|大阪府|(?:青森|岩手|宮城|秋田|山形|福島|茨城|栃木|群馬|埼玉|千葉|神奈川|新潟|富山|石川|福井|山梨|長野|"
    r"岐阜|静岡|愛知|三重|滋賀|兵庫|奈良|和歌山|鳥取|島根|"
    r"岡山|広島|山口|徳島|香川|愛媛|高知|福岡|佐賀|長崎|熊本|大分|宮崎|鹿児島|沖縄)県)"
)
_ADDRESS_JA: Final = rf"^(?:〒? ?\d{{3}}-?\d{{4}} ?)?{_PLACE}\s?[{_JA}]{{1,12}}?[市区町村郡].{{1,80}}$"
_PLACE_ALONE: Final = rf"^(?:{_PLACE})?(?:[{_JA}]{{1,8}}[市区町村郡]){{0,2}}$"
_TOWN_JA: Final = rf"^[{_JA}]{{1,8}}?[市区町村郡][{_JA}]{{1,16}}?(?:[\d一二三四五六七八九十]+(?:丁目|番地?|号|-)|\d).{{0,60}}$"
_STREET_EN: Final = (
    r"^\d{1,6}[A-Za-z]? (?:[NSEW]\.? )?[A-Z0-9][\w.'-]*(?: [A-Z0-9][\w.'-]*){0,4} "
    r"(?i:street|st|avenue|ave|road|rd|lane|ln|drive|dr|boulevard|blvd|court|ct|place|pl|way|highway|hwy|parkway|pkwy|terrace|ter|"
    r"circle|cir|trail|square|sq)\b"
)
_NOTHING: Final = (
    r"(?i)^(?:[-‐–—―ー*.?？]+|なし|無し?|不明|未定|未登録|同上|非公開|匿名|該当なし|その他|他|"
    r"n/?a|none|null|nil|unknown|same|tbd|nan|xxx+|test|テスト)$"
)
_ORGANISATION: Final = (
    r"(?i)株式会社|有限会社|合同会社|法人|\(株\)|㈱|㈲|\(有\)|製作所|工業|商事|商店|商会|産業|建設|電機|事務所|事務局|営業所|センター|"
    r"病院|医院|クリニック|薬局|大学|学校|学園|高校|小学|"
    r"中学|幼稚園|保育園|公園|神社|会館|[^\s]駅$|銀行|組合|協会|財団|グループ|ホールディングス|ビル$|マンション|店$|館$|役所$|役場$|"
    r"支店|本社|工場|[部課室]$|"
    r"\b(?:inc|ltd|llc|corp|corporation|company|co|gmbh|plc|university|college|school|hospital|bank|center|centre|department|dept|"
    r"team|group|association|"
    r"foundation|institute|store|shop|hotel|services?|systems?|solutions|technologies)\b"
)
_NAME_JA: Final = rf"^[{_JA}･・＝= \x{{FF66}}-\x{{FF9F}}]{{1,24}}$"
_NAME_LATIN: Final = r"^\p{L}[\p{L}'’.-]*(?:,? \p{L}[\p{L}'’.-]*){0,5}$"
_KANA: Final = r"^[\p{Hiragana}\p{Katakana}ー・ ]{1,30}$"
_HONORIFIC: Final = r"[\s]*(?:様|さま|さん|殿|氏|先生|御中)$"

# Shapes that `_phone_like` and `_address_like` accept whatever the digits and letters: one look instead of five (test_cells.py)
_PHONE_ORDINARY: Final = r"^0[1-9][0-9]{0,2}-[0-9]{2,4}-[0-9]{4}$"
_ADDRESS_ORDINARY: Final = r"^[\p{Han}\p{Hiragana}\p{Katakana}]{3,}[0-9][0-9-]*$"

_FEW: Final = 512  # Arrow compiles a pattern anew in every call (about a millisecond), RE2 itself once


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> Callable[[str], Any]:
    """RE2's search, as Arrow's kernel runs it."""
    import re2

    options = re2.Options()
    options.log_errors = False
    compiled = re2.compile(pattern, options)
    search: Callable[[str], Any] = compiled.search
    return search


def _matching(values: pa.StringArray, pattern: str) -> Mask:
    import pyarrow.compute as pc

    if len(values) < _FEW:
        search = _compiled(pattern)
        return np.fromiter((search(value) is not None for value in values.to_pylist()), dtype=np.bool_, count=len(values))
    return np.asarray(pc.match_substring_regex(values, pattern).to_numpy(zero_copy_only=False), dtype=np.bool_)


def _may_hold(values: pa.StringArray, text: str) -> bool:
    """False where no value holds the text: one look at the bytes of all of them, far quicker than one value after another."""
    data = values.buffers()[2]
    return data is not None and re.search(re.escape(text.encode()), data) is not None


@dataclass(frozen=True)
class Cells:
    """The cells of one column in one batch.

    `values`: distinct surfaces, trimmed, none empty. `codes`: for each row the index into `values`, -1 where the cell is empty.
    """

    values: pa.StringArray
    codes: npt.NDArray[np.int32]

    @classmethod
    def of(cls, column: Any) -> Cells:
        import pyarrow as pa
        import pyarrow.compute as pc

        if not pa.types.is_string(column.type):
            column = column.cast(pa.string())
        encoded = (
            column.dictionary_encode()
            if column.null_count < len(column)
            else pa.array([""]).take(pa.array([0] * len(column))).dictionary_encode()
        )
        codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int32, copy=False)
        values = pc.utf8_trim_whitespace(encoded.dictionary)
        empty = pc.equal(pc.binary_length(values), 0).to_numpy(zero_copy_only=False)
        if empty.any():
            renumber = np.full(len(values) + 1, -1, dtype=np.int32)
            renumber[:-1][~empty] = np.arange(len(values) - int(empty.sum()), dtype=np.int32)
            codes = renumber[codes]
            values = values.filter(pa.array(~empty))
        return cls(values, codes)

    @cached_property
    def plain(self) -> pa.StringArray:
        """NFKC of the values: full width and half-width kana made plain."""
        import pyarrow.compute as pc

        if pc.all(pc.string_is_ascii(self.values)).as_py() in (True, None):
            return self.values
        return pc.utf8_normalize(self.values, "NFKC")

    @cached_property
    def dashed(self) -> pa.StringArray:
        """`plain` with dash-like characters, the long vowel mark too, as ``-``: for numbers only."""
        import pyarrow.compute as pc

        return pc.replace_substring_regex(self.plain, _DASHES, "-") if self.plain is not self.values else self.plain

    @cached_property
    def digits(self) -> pa.StringArray:
        """`dashed` without blanks, dashes, dots and brackets."""
        import pyarrow.compute as pc

        return pc.replace_substring_regex(self.dashed, r"[\s().\-]", "")

    @cached_property
    def filled(self) -> int:
        """Rows whose cell is not empty."""
        return int((self.codes >= 0).sum())

    def matches(self, pattern: str, of: pa.StringArray | None = None) -> Mask:
        """Which distinct values the RE2 pattern finds something in."""
        values = self.plain if of is None else of
        known = self._matched.get((pattern, id(values)))
        if known is None:
            known = self._matched[pattern, id(values)] = _matching(values, pattern)
        return known.copy()

    @cached_property
    def _matched(self) -> dict[tuple[str, int], Mask]:
        """What was asked before; the arrays live as long as this does, so that their ids stand for them."""
        return {}

    @cached_property
    def is_numeric(self) -> bool:
        """Digits, blanks and ASCII punctuation only: no pattern that wants a letter need be tried."""
        return not self.matches(r"[^!-@ \[-`{-~]").any()

    def rows(self, mask: Mask) -> npt.NDArray[np.int64]:
        """The rows, ascending, whose value is in the mask."""
        padded = np.append(mask, False)
        return np.flatnonzero(padded[self.codes]).astype(np.int64)

    def surfaces(self, rows: npt.NDArray[np.int64], values: pa.StringArray | None = None) -> pa.StringArray:
        """The values at these rows."""
        import pyarrow as pa

        return (self.values if values is None else values).take(pa.array(self.codes[rows]))

    # ------------------------------------------------------------------ whole-value kinds

    def none(self) -> Mask:
        return np.zeros(len(self.values), dtype=np.bool_)

    def contains(self, text: str) -> Mask:
        """Which distinct values hold this text: far quicker than a pattern."""
        import pyarrow.compute as pc

        if not _may_hold(self.values, text):
            return self.none()
        return np.asarray(pc.match_substring(self.values, text).to_numpy(zero_copy_only=False), dtype=np.bool_)

    def email(self) -> Mask:
        if not (_may_hold(self.values, "@") or _may_hold(self.values, "＠")):
            return self.none()
        found = self.matches(EMAIL)
        return found & ~self.matches(NOT_EMAIL) if found.any() else found

    def part(self, mask: Mask) -> Cells:
        """Only these distinct values, as if the other cells were empty."""
        import pyarrow as pa

        if mask.all():
            return self
        renumber = np.full(len(mask) + 1, -1, dtype=np.int32)
        renumber[:-1][mask] = np.arange(int(mask.sum()), dtype=np.int32)
        return Cells(self.values.filter(pa.array(mask)), renumber[self.codes])

    def phone_headed(self) -> Mask:
        """Numbers that may be phones where the header says so: 7 to 15 digits in a phone's characters."""
        return self._beyond(_PHONE_ORDINARY, Cells._phone_like)

    def _beyond(self, ordinary: str, judge: Callable[[Cells], Mask]) -> Mask:
        """`judge` of every value, spared those of an ordinary shape that it is known to accept."""
        mask = self.matches(ordinary)
        if not mask.all():
            others = ~mask
            mask[others] = judge(self.part(others))
        return mask

    def _phone_like(self) -> Mask:
        return (
            self.matches(_PHONE_CHARS, self.dashed)
            & self.matches(r"^\D{0,8}\d{7,15}(?:\D|$)", self.digits)
            & ~self.matches(r"(?:^|\D)0{7}", self.digits)
        )

    def phone_written(self) -> Mask:
        """Numbers written as phones are, with area code and separators."""
        japanese = self.matches(_JP_WRITTEN, self.dashed) & self.matches(_JP_DIGITS, self.digits)
        return japanese | self.matches(_WORLD_WRITTEN, self.dashed)

    def phone_digits(self) -> Mask:
        """Eleven digits of a mobile phone, ten of a fixed one."""
        return self.matches(_MOBILE_DIGITS) | self.matches(r"^0[1-9]\d{8}$")

    def date(self) -> Mask:
        return self.matches(_DATE)

    def number(self) -> Mask:
        """Amounts, dates, times, plain numbers: digits and punctuation only."""
        return self.matches(_NUMBER, self.dashed)

    def nothing(self) -> Mask:
        """Placeholders: なし, N/A, -."""
        return self.matches(_NOTHING)

    def address_shaped(self) -> Mask:
        """Complete postal addresses by themselves."""
        if self.is_numeric:
            return self.none()
        return self.matches(_ADDRESS_JA) | self.matches(_TOWN_JA) | self.matches(_STREET_EN)

    def address_headed(self) -> Mask:
        """What may be an address where the header says so."""
        return self._beyond(_ADDRESS_ORDINARY, Cells._address_like)

    def _address_like(self) -> Mask:
        text = self.matches(r"\p{L}{2}|\d") & self.matches(r".{3}")
        return text & ~self.matches(r"@|://|^[\d.:/-]+$") & ~self.matches(_PLACE_ALONE) & ~self.nothing()

    def name_shaped(self) -> Mask:
        """May be a person's name: letters, blanks, a dot or two, no organisation's word."""
        if self.is_numeric:
            return self.none()
        shape = self.matches(_NAME_JA)
        if not shape.all():
            shape |= self.matches(_NAME_LATIN) & self.matches(r"^.{2,60}$")
        return shape & ~self.matches(_ORGANISATION) & ~self.nothing()

    def kana(self) -> Mask:
        return self.matches(_KANA) & ~self.nothing()

    def unhonored(self) -> pa.StringArray:
        """The surfaces without an honorific behind them."""
        import pyarrow.compute as pc

        return pc.utf8_trim_whitespace(pc.replace_substring_regex(self.values, _HONORIFIC, ""))

    def my_number(self) -> tuple[Mask, Mask]:
        """(12 digits, those that pass the check digit): weights 6,5,4,3,2,7,6,5,4,3,2; 11 less the rest of the sum by 11, 0 if that "
        "is over 9."""
        shape, table = self._digit_table(r"^\d{12}$", 12)
        rest = (table[:, :11] @ np.array([6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2])) % 11
        good = shape.copy()
        good[shape] = np.where(rest <= 1, 0, 11 - rest) == table[:, 11]
        return shape, good

    def card(self) -> tuple[Mask, Mask]:
        """(13 to 19 digits of a known scheme, those that pass Luhn's check)."""
        shape, good = self.none(), self.none()
        if not self.matches(r"^[3-6]\d{12,18}$", self.digits).any():
            return shape, good
        for size in (13, 14, 15, 16, 19):
            here, table = self._digit_table(rf"^[3-6]\d{{{size - 1}}}$", size)
            if here.any():
                doubled = table[:, ::-1].copy()
                doubled[:, 1::2] *= 2
                doubled[doubled > 9] -= 9
                shape |= here
                good[here] = doubled.sum(axis=1) % 10 == 0
        return shape, good

    def _digit_table(self, pattern: str, size: int) -> tuple[Mask, npt.NDArray[np.int64]]:
        """Mask of the values whose digits match, and those digits as a table."""
        import pyarrow as pa

        shape = self.matches(pattern, self.digits)
        if not shape.any():
            return shape, np.zeros((0, size), dtype=np.int64)
        chosen = self.digits.filter(pa.array(shape))
        data = "".join(chosen.to_pylist()).encode("ascii")
        return shape, (np.frombuffer(data, dtype=np.uint8).reshape(-1, size) - 48).astype(np.int64)
