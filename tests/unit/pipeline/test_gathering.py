"""Kinds of phone numbers: the short way for national writing agrees with the long one."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
from hypothesis import example, given, settings
from hypothesis import strategies as st

from scanner.pipeline import gathering

WRITTEN = st.one_of(
    st.from_regex(r"0[0-9-]{0,13}", fullmatch=True),
    st.from_regex(r"0?[6-9]0-?[0-9]{4}-?[0-9]{4}", fullmatch=True),
    st.text("0123456789-+() ０９.x", max_size=18),
)


@given(st.lists(WRITTEN, min_size=1, max_size=8))
@example(["090-1234-5678", "９０-1234-5678", "+81 90 1234 5678", "808-555-1234", "03-1234-5678"])
@settings(max_examples=150, deadline=None)
def test_mobiles_are_told_alike_in_every_company(values: list[str]) -> None:
    plain = pc.utf8_normalize(pa.array(values), "NFKC")
    digits = pc.replace_substring_regex(plain, r"[^0-9]", "")
    american = pc.match_substring_regex(plain, gathering.NORTH_AMERICAN)
    expected = pc.and_not(pc.match_substring_regex(digits, gathering.MOBILE), american)
    assert gathering._mobile(pa.array(values)).tolist() == expected.to_pylist()
