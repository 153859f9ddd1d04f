"""Cells of a column: the short ways judge as the long ones do."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from detectors import cells
from detectors.cells import Cells

PHONES = st.one_of(
    st.from_regex(r"0[0-9]{1,4}-[0-9]{1,4}-[0-9]{3,4}", fullmatch=True),
    st.text("0123456789-() .+０ー電話", max_size=16),
)
ADDRESSES = st.one_of(
    st.from_regex(r"[東京都港区一丁目ヶのー]{2,8}[0-9][0-9-]*", fullmatch=True),
    st.text("東京都港区市ヶのー0123-./:@なし不明x々〆 ", max_size=10),
)


@given(st.lists(PHONES, min_size=1, max_size=6))
@example(["03-1234-5678", "0000-0000-0000", "00-0000-0000", "03-1234-5678 (内線 12)"])
@example(["012-34-5678"])
@settings(max_examples=150, deadline=None)
def test_a_phone_of_ordinary_shape_is_judged_as_any_other(values: list[str]) -> None:
    here = Cells.of(pa.array(values))
    assert here.phone_headed().tolist() == here._phone_like().tolist()


@given(st.lists(ADDRESSES, min_size=1, max_size=6))
@example(["東京都千代田区丸の内1-2-3", "東京都", "なし", "12-3", "港区芝1"])
@settings(max_examples=150, deadline=None)
def test_an_address_of_ordinary_shape_is_judged_as_any_other(values: list[str]) -> None:
    here = Cells.of(pa.array(values))
    assert here.address_headed().tolist() == here._address_like().tolist()


@pytest.mark.parametrize("text", ["@", "＠"])
def test_a_text_is_found_in_the_values_that_hold_it(text: str) -> None:
    values = pa.array(["a", f"b{text}c", "", "ア", text])
    assert Cells.of(values).contains(text).tolist() == [False, True, False, True]
    assert Cells.of(values.slice(2, 2)).contains(text).tolist() == [False]


def test_shapes_are_ordinary_for_whole_values_only() -> None:
    assert Cells.of(pa.array(["03-1234-5678\n", "x03-1234-5678"])).matches(cells._PHONE_ORDINARY).tolist() == [True, False]
