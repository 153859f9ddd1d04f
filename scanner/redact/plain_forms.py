"""Plain forms of many values at once: Arrow kernels where these give what `normalise` gives, `normalise` itself for the rest.

Each shortcut knows a class of ordinary spellings by one regex; what lies outside is normalised in Python, once per distinct value.
tests/property/test_plain_forms.py holds both ways against each other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from scanner.redact.kanji import COMMON_FORMS
from scanner.redact.normalise import LONGEST, normalise

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class _Shortcut:
    """`apply(values, pyarrow.compute)` gives the plain forms of values in which the RE2 pattern `fits` is found and `unless` is not."""

    fits: str
    apply: Callable[[Any, Any], Any]
    unless: str | None = None


def plain_forms(entity_type: str, values: pa.StringArray) -> Any:
    """`normalise` of every value (a null counts as ""), as a string array of the same length."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    return _through(_SHORTCUTS.get(entity_type, ()), entity_type, pc.fill_null(values.cast(pa.string()), ""), pc)


def strings(values: list[str]) -> Any:
    import pyarrow as pa

    return pa.array(values, pa.string())


def _through(shortcuts: tuple[_Shortcut, ...], entity_type: str, values: Any, pc: Any) -> Any:
    if not shortcuts or not len(values):
        return _one_by_one(entity_type, values)
    first, others = shortcuts[0], shortcuts[1:]
    fits = pc.and_(pc.match_substring_regex(values, first.fits), pc.less_equal(pc.binary_length(values), LONGEST))
    if first.unless:
        fits = pc.and_not(fits, pc.match_substring_regex(values, first.unless))
    if pc.all(fits).as_py():
        return first.apply(values, pc)
    if not pc.any(fits).as_py():
        return _through(others, entity_type, values, pc)
    misfits = pc.invert(fits)
    done = pc.replace_with_mask(values, fits, first.apply(values.filter(fits), pc))
    return pc.replace_with_mask(done, misfits, _through(others, entity_type, values.filter(misfits), pc))


def _one_by_one(entity_type: str, values: Any) -> Any:
    encoded = values.dictionary_encode()
    return strings([normalise(entity_type, value) for value in encoded.dictionary.to_pylist()]).take(encoded.indices)


def _lower(values: Any, pc: Any) -> Any:
    return pc.ascii_lower(values)


def _without_hyphens(values: Any, pc: Any) -> Any:
    return pc.replace_substring(values, "-", "")


def _slashes_as_hyphens(values: Any, pc: Any) -> Any:
    return pc.replace_substring(values, "/", "-")


# --------------------------------------------------------------------------- names

_OLD_FORMS: Final = "".join(map(chr, COMMON_FORMS))
_BREAKS: Final = " \u3000・"
_NAME_JA: Final = rf"^(?:[ァ-ヺ][ァ-ヺー{_BREAKS}]*|[ぁ-ゖァ-ヺー々{_BREAKS}]*[一-鿿][ぁ-ゖァ-ヺー々一-鿿{_BREAKS}]*)$"
_CHANGING: Final = rf"[{_OLD_FORMS}]|(?:[様氏殿]|[さサ][{_BREAKS}]*[んまンマ])[{_BREAKS}]*$"
_TITLED: Final = r"(?i)^(?:mr|mrs|ms|miss|mx|dr|prof|sir) "


def _joined(values: Any, pc: Any) -> Any:
    return pc.replace_substring_regex(values, f"[{_BREAKS}]", "")


def _in_order(values: Any, pc: Any) -> Any:
    """Two words in ASCII letters, the lesser first."""
    lower = pc.ascii_lower(values)
    first, last = pc.replace_substring_regex(lower, " .*$", ""), pc.replace_substring_regex(lower, "^.* ", "")
    ascending = pc.less_equal(first, last)
    return pc.binary_join_element_wise(pc.if_else(ascending, first, last), pc.if_else(ascending, last, first), "")


# --------------------------------------------------------------------------- addresses

_POSTAL: Final = r"〒?[0-9]{3}-?[0-9]{4}[ \x{3000}]*"
_DIGITS: Final = r"[0-9０-９]+"
_WIDE_DIGIT: Final = b"\xef\xbc[\x90-\x99]"  # in UTF-8
_STEP: Final = r"(?:(?:丁目|番地|丁|番|号)[のノ]?|[のノ]|[-－‐−–ー])"
_BUILDING_FIRST: Final = "ァ-ネハ-ヺA-Za-z"  # a ノ could be the one between numbers
_BUILDING: Final = rf"[{_BUILDING_FIRST}][ァ-ヺーA-Za-z \x{{3000}}]*[0-9０-９]{{0,5}}(?:号室|階|[Ff])?"
_ADDRESS_JA: Final = (
    rf"^(?s)(?:{_POSTAL}[一-鿿][^0-9０-９]*|[^0-9０-９]+){_DIGITS}(?:{_STEP}{_DIGITS})*"
    rf"(?:丁目|番地|番|号)?[ \x{{3000}}]*(?:{_BUILDING})?$"
)
_ADDRESS_EN: Final = r"^(?:[0-9]{1,6}[ ,.]|[A-Za-z])[A-Za-z0-9 ,.'#/&]*$"
_DIGITS_APART: Final = r"[0-9][ ,.]+[0-9]"


def _at_first_digit(values: Any, pc: Any) -> tuple[Any, Any]:
    """What stands before the first digit and what begins with it, of values that fit `_ADDRESS_JA`: each has a digit, and no line end
    behind it."""
    import numpy as np
    import pyarrow as pa

    _, offsets, data = values.buffers()
    if re.search(_WIDE_DIGIT, data):
        return pc.replace_substring_regex(values, r"[0-9０-９][^\n]*$", ""), pc.replace_substring_regex(values, "^[^0-9０-９]+", "")
    bounds = np.frombuffer(offsets, np.int32)[values.offset : values.offset + len(values) + 1]
    text = np.frombuffer(data, np.uint8)[: bounds[-1]]
    digits = np.flatnonzero((text >= ord("0")) & (text <= ord("9")))
    cuts = np.empty(2 * len(values) + 1, np.int32)
    cuts[::2], cuts[1::2] = bounds, digits[np.searchsorted(digits, bounds[:-1])]
    both = pa.StringArray.from_buffers(2 * len(values), pa.py_buffer(cuts), data)
    even = np.arange(0, len(both), 2)
    return both.take(pa.array(even)), both.take(pa.array(even + 1))


def _address_ja(values: Any, pc: Any) -> Any:
    """A place, the numbers in it, a building.

    A table has few places, so each is normalised once, with a 0 for the numbers behind it: they begin with a digit, and nothing
    else of them can change what becomes of the place. A place whose form might be taken for part of a postal code is not risked.
    """
    if pc.any(pc.match_substring_regex(values, "^[0-9〒]")).as_py():
        values = pc.replace_substring_regex(values, f"^{_POSTAL}([一-鿿])", r"\1")
    before, numbers = _at_first_digit(values, pc)
    places = before.dictionary_encode()
    forms = strings([normalise("ADDRESS", place + "0") for place in places.dictionary.to_pylist()])
    building = None
    if pc.any(pc.match_substring_regex(numbers, f"[{_BUILDING_FIRST}]")).as_py():
        building = pc.replace_substring_regex(numbers, f"^[^{_BUILDING_FIRST}]+", "")
        building = pc.ascii_lower(pc.replace_substring_regex(pc.utf8_normalize(building, "NFKC"), " ", ""))
        numbers = pc.replace_substring_regex(numbers, f"[{_BUILDING_FIRST}].*$", "")
    if not pc.all(pc.match_substring_regex(numbers, "^[0-9-]*$")).as_py():
        numbers = pc.replace_substring_regex(pc.utf8_normalize(numbers, "NFKC"), rf"([0-9]){_STEP}", r"\1-")
        numbers = pc.utf8_rtrim(numbers, "- ")
    parts = [pc.utf8_slice_codeunits(forms, 0, -1).take(places.indices), numbers, *([] if building is None else [building])]
    done = pc.binary_join_element_wise(*parts, "")
    risky = pc.match_substring_regex(forms, "^(?:[0-9〒-]|.?$)|[^0]$").take(places.indices)
    if not pc.any(risky).as_py():
        return done
    return pc.replace_with_mask(done, risky, _one_by_one("ADDRESS", values.filter(risky)))


def _address_en(values: Any, pc: Any) -> Any:
    return pc.ascii_lower(pc.replace_substring_regex(values, "[ ,.]+", ""))


# --------------------------------------------------------------------------- which shortcuts a kind has

_CODES: Final = (_Shortcut("^[0-9-]*$", _without_hyphens),)
_PHONES: Final = (_Shortcut("^0(?:[2-9]|1[1-9])[0-9-]*$", _without_hyphens),)  # 010 is the way out of Japan
_SHORTCUTS: Final[Mapping[str, tuple[_Shortcut, ...]]] = {
    "EMAIL_ADDRESS": (_Shortcut("^[!-~]*$", _lower),),
    "PHONE_NUMBER": _PHONES,
    "FAX_NUMBER": _PHONES,
    "PERSON": (
        _Shortcut(_NAME_JA, _joined, unless=_CHANGING),
        _Shortcut("^[A-Za-z'-]+ +[A-Za-z'-]+$", _in_order, unless=_TITLED),
    ),
    "ADDRESS": (_Shortcut(_ADDRESS_JA, _address_ja), _Shortcut(_ADDRESS_EN, _address_en, unless=_DIGITS_APART)),
    "DATE_OF_BIRTH": (_Shortcut("^(?:18|19|20)[0-9]{2}[-/](?:0[1-9]|1[0-2])[-/](?:0[1-9]|1[0-9]|2[0-8])$", _slashes_as_hyphens),),
    "JP_POSTAL_CODE": _CODES,
    "CREDIT_CARD": _CODES,
    "JP_MY_NUMBER": _CODES,
    "JP_DRIVER_LICENSE": _CODES,
    "JP_PENSION_NUMBER": _CODES,
    "JP_HEALTH_INSURANCE": _CODES,
    "JP_RESIDENT_RECORD": _CODES,
    "JP_EMPLOYMENT_INSURANCE": _CODES,
    "JP_CARE_INSURANCE": _CODES,
    "JP_BANK_ACCOUNT": _CODES,
}
