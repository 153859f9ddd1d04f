"""Plain forms by Arrow kernels are those of `normalise`, value by value."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from scanner.redact import normalise
from scanner.redact import plain_forms as module
from scanner.redact.kanji import COMMON_FORMS
from scanner.redact.plain_forms import plain_forms
from tests.property.test_masking import KINDS, VALUES


def check(kind: str, values: list[str]) -> None:
    assert plain_forms(kind, pa.array(values, pa.string())).to_pylist() == [normalise(kind, value) for value in values]


def encodable(values: list[str]) -> list[str]:
    return [value.encode("utf-8", "ignore").decode() for value in values]


NUMBERS = st.lists(
    st.sampled_from([*"0123456789", "0", "-", "--", "ー", "０", "+", "81", "010", "0081", "(", ")", " ", "〒"]), max_size=16
).map("".join)
PLACES = st.sampled_from([
    "", "東京都千代田区丸の内", "大阪府大阪市北区梅田", "芝公園四丁目", "霞ヶ関", "霞が関三", "日本", "東京都", "東京都 港区",
        "千代田区神田錦町",
    "六番町", "百二十三丁目", "百二十三四五六七番", "〒", "〒100-0005 東京都港区", "1000005港区", "100-0005　港区", "100-0005-港区",
        "100-0005の港区",
    "100-0005 ①", "〒45674567", "①②③", "①②③-④⑤⑥", "①の", "東の", "東之", "東ノ", "南町ー", "Flat ", "Chome ", "髙﨑町", "ぬ\u3099",
        "\u200b", " ", "\n", "貳", "二三", "丁", "番地", "号", "一-", "㈱",
])  # fmt: skip
BLOCKS = st.lists(
    st.sampled_from([
        "1", "23", "456", "4567", "０", "９", "-", "－", "−", "ー", "丁目", "番地", "番", "丁", "号", "の", "ノ", "番地の", "号の",
        " ", "　", "町", "室", "館", "二", "十",
    ]),
    max_size=9,
).map("".join)  # fmt: skip
BUILDINGS = st.lists(
    st.sampled_from(["サンハイツ", "ノース", "ー", "タワー", "ヶ", "ケ", "ツ", "Ｂ", "A", "b", "Room", " ", "　", "101", "１", "5",
        "号室", "階", "F", "\u3099", "ビル", "棟"]), max_size=5
).map("".join)  # fmt: skip
ADDRESSES = st.one_of(
    st.tuples(PLACES, BLOCKS, BUILDINGS).map("".join),
    st.lists(
        st.sampled_from(["12", "Main", "Street", "St.", "IL", "62701", "#5", "1234567", ",", " ", "-", ".", "A&B", "\n", "ſ"]), max_size=10
    ).map("".join),
)
NAMES = st.lists(
    st.sampled_from([
        "山", "田", "髙", "﨑", "樣", "々", " ", "　", "・", "･", "様", "さ", "ん", "さん", "サン", "サマ", "ま", "殿", "氏",
        "ヤマ", "ー", "ヴ", "ヽ", "ゟ", "ヿ", "ﾔﾏ", "ﾀﾞ", "\u3099",
        "はな", "mr ", "Dr ", "dr.", "John", "o'Neil", "Ann-", "é", "\u200b", "\n", ",", "=", "〇", "仝", "ヶ",
    ]),
    max_size=8,
).map("".join)  # fmt: skip
DATES = st.lists(
    st.sampled_from(["1985", "2024", "1799", "02", "4", "29", "30", "31", "-", "/", ".", "年", "月", "日", " ", "0", "昭和",
        "T10:00", "Z"]), max_size=8
).map("".join)  # fmt: skip
ORDINARY = {"ADDRESS": ADDRESSES, "PERSON": NAMES, "DATE_OF_BIRTH": DATES, "EMAIL_ADDRESS": VALUES}


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(KINDS), st.data())
def test_shortcuts_give_what_normalise_gives(kind: str, data: st.DataObject) -> None:
    check(kind, encodable(data.draw(st.lists(st.one_of(ORDINARY.get(kind, NUMBERS), VALUES), max_size=8))))


@settings(max_examples=300, deadline=None)
@given(st.lists(ADDRESSES, max_size=12))
@example(["東京都千代田区丸の内１丁目２番３号　サンハイツ１０１号室", "大阪府大阪市北区梅田1-2-3"])
@example(["〒45674567", "日本100-0005", "〒 1-2", "①②③4567", "百二十三丁目4567", "1000005①1"])
@example(["丸の内1-2ノース5", "丸の内3番ノース5", "丸の内1-2 3", "丸の内1-2ー", "六番町5", "丸の内5番町"])
def test_addresses(values: list[str]) -> None:
    check("ADDRESS", encodable(values))


@settings(max_examples=300, deadline=None)
@given(st.lists(NAMES, max_size=12))
@example(["山田さ ん", "サン サン", "々々", "鵜殿", "やまだ はな", "・", "ヤマ・ダ　"])
@example(["John Smith", "smith john", "Dr Who", "SIR X", "John  Smith", "O'Neil Ann-"])
def test_names(values: list[str]) -> None:
    check("PERSON", encodable(values))


@pytest.mark.parametrize("old", [chr(c) for c in COMMON_FORMS])
def test_every_old_form_meets_its_common_one(old: str) -> None:
    check("PERSON", [f"{old} 太郎", f"{old}田", old])
    check("ADDRESS", [f"{old}町1-2", f"東京都港区{old}3番4号"])


@pytest.mark.parametrize("kind", sorted(module._SHORTCUTS))
def test_a_value_too_long_for_its_kind_is_treated_alike(kind: str) -> None:
    check(kind, ["山田" * 300 + "1-2", "山田" * 501 + "1-2", "0" * 1_200, "A" * 1_001 + " B", "Ab@x." * 300])


def test_ordinary_spellings_need_no_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """The shortcuts are there to be taken: but for places, nothing ordinary is normalised one by one."""
    asked: list[str] = []
    monkeypatch.setattr(module, "normalise", lambda kind, value: asked.append(value) or normalise(kind, value))
    plain_forms("ADDRESS", pa.array([f"東京都港区芝公園{i}丁目{i}番{i}号 サンハイツ{i}号室" for i in range(1, 50)] + ["芝公園４－２－８"]))
    assert asked == ["東京都港区芝公園0", "芝公園0"]
    for kind, values in {
        "PERSON": ["山田 太郎", "ヤマダ　タロウ", "佐々木 はな", "John Smith"],
        "ADDRESS": ["12 Main Street, Springfield, IL"],
        "DATE_OF_BIRTH": ["1985-04-01", "1985/04/01"],
        "EMAIL_ADDRESS": ["A@example.com"],
        "PHONE_NUMBER": ["090-0000-0000"],
    }.items():
        asked.clear()
        plain_forms(kind, pa.array(values))
        assert not asked
