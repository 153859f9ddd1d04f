"""Properties of the door for values: masks give nothing away, plain forms are stable, shortcuts change nothing."""

from __future__ import annotations

import unicodedata

from hypothesis import example, given, settings
from hypothesis import strategies as st

from scanner.redact import is_mask, mask, normalise
from scanner.redact.mask import MAX_LENGTH

KINDS = (
    "PERSON", "ADDRESS", "PHONE_NUMBER", "FAX_NUMBER", "EMAIL_ADDRESS", "JP_POSTAL_CODE", "DATE_OF_BIRTH", "CREDIT_CARD", "JP_MY_NUMBER",
    "JP_PASSPORT", "JP_RESIDENCE_CARD", "JP_BANK_ACCOUNT", "SENSITIVE_HEALTH", "RETENTION",
)  # fmt: skip

_PIECES = st.sampled_from([
    "090", "-", "−", "ー", "０", "９", "1", "23", " ", "　", "+81", "(0)", "山", "田", "髙", "﨑", "様", "さん", "殿", "氏",
    "丁目", "番地", "番", "号", "の", "ヶ", "が", "ツ", "一", "二十", "百", "東京都", "区", "市", "〒", "100-0013", "昭和", "S",
    "60", "年", "4", "月", "日", "元", "/", ".", ",", "@", "a", "Ab", "Ｔ", "example", ".com", ".jp", "ﾔﾏ", "ﾀﾞ", "やま", "ヴ",
    "・", "mr. ", "é", "ō", "\u0301", "ß", "İ", "ﬁ", "㈱", "㌔", "①", "\x1b[31m", "\n", "\t", "\u202e", "\u200b", "\ufe0f",
    "\U000e0100", "ς", "ᾼ", "٣", "Jan", "May ", "1985", "内線", "ext.", "x", "#", "°", "Ⅳ",
])  # fmt: skip
VALUES = st.one_of(st.lists(_PIECES, max_size=14).map("".join), st.text(max_size=40))
_FEW = settings(max_examples=150, deadline=None)


def _telling(c: str) -> bool:
    return c.isalnum()


@_FEW
@given(st.sampled_from(KINDS), VALUES)
@example("DATE_OF_BIRTH", "May 1, 1985")
@example("ADDRESS", "1丁目番地番号")
@example("PERSON", "様様様様様")
@example("EMAIL_ADDRESS", "a@b.info")
@example("DATE_OF_BIRTH", "年月日年月日")
def test_no_three_characters_of_a_value_survive_in_a_row(kind: str, value: str) -> None:
    shown = mask(kind, value)
    if kind == "EMAIL_ADDRESS" and "@" in shown:
        shown = shown.rpartition(".")[0]  # the top-level domain
    plain = unicodedata.normalize("NFKC", value)
    runs = {plain[i : i + 3] for i in range(len(plain) - 2) if all(map(_telling, plain[i : i + 3]))}
    assert not [run for run in runs if run in shown]


@_FEW
@given(st.sampled_from(KINDS), st.one_of(VALUES, st.text(min_size=70, max_size=300)))
def test_masks_are_short_printable_and_recognised(kind: str, value: str) -> None:
    shown = mask(kind, value)
    assert len(shown) <= MAX_LENGTH
    assert all(c.isprintable() for c in shown)
    assert is_mask(shown)


@_FEW
@given(st.sampled_from(KINDS), VALUES, st.data())
def test_a_mask_does_not_tell_digits_or_letters_apart(kind: str, value: str, data: st.DataObject) -> None:
    """Values of one shape have one mask: nothing but the shape can be read from it."""
    if kind in {"EMAIL_ADDRESS", "DATE_OF_BIRTH"}:  # their words have meaning: domain, month
        return
    draw = st.sampled_from("0123456789")
    other = "".join(data.draw(draw) if c in "0123456789" else c for c in value)
    assert mask(kind, other) == mask(kind, value)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(KINDS), VALUES)
@example("PERSON", "가")
@example("PERSON", "김 민수")
@example("PERSON", "・é")
@example("ADDRESS", "May \u0301")
@example("DATE_OF_BIRTH", "May \u0301")
def test_plain_forms_are_stable(kind: str, value: str) -> None:
    plain = normalise(kind, value)
    assert normalise(kind, plain) == plain
