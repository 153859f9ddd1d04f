"""Windows cover a stream once, whatever pieces it comes in, and lose no value at a border."""

from __future__ import annotations

import re
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.windows import MAX_WINDOW, Windower, windows

LINES = st.lists(st.sampled_from(["", "a" * 90, "あ" * 700, "x y z " * 40, "b" * 2_500, "03-1234-5678 です。" * 9]), max_size=12).map(
    "\n".join
)


@settings(max_examples=60, deadline=None)
@given(text=LINES, cuts=st.lists(st.integers(0, 12_000), max_size=8))
def test_pieces_do_not_matter_and_every_character_is_owned_once(text: str, cuts: list[int]) -> None:
    whole = list(windows(text))
    windower = Windower()
    edges = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    pieces = [window for a, b in pairwise(edges) for window in windower.feed(text[a:b])]
    pieces.extend(windower.close())
    assert pieces == whole
    own = [(window.offset + window.own_start, window.offset + window.own_end) for window in whole]
    assert "".join(text[a:b] for a, b in own) == text
    assert all(b == c for (_, b), (c, _) in pairwise(own))
    assert all(len(window.text) <= MAX_WINDOW for window in whole)
    assert all(text[window.offset : window.offset + len(window.text)] == window.text for window in whole)


def test_a_value_at_a_border_is_found_once() -> None:
    for shift in range(1_380, 1_620, 7):
        text = "x" * shift + " 03-1234-5678 " + "y" * 3_000
        found = [
            window.offset + match.start()
            for window in windows(text)
            for match in re.finditer(r"(?<!\d)\d\d-\d{4}-\d{4}(?!\d)", window.text)
            if window.owns(match.start())
        ]
        assert found == [shift + 1]


def test_cuts_fall_on_line_ends_where_there_are_some() -> None:
    text = ("line of text\n" * 400)[:-1]
    assert all(text[window.offset + window.own_end - 1] == "\n" for window in list(windows(text))[:-1])


def test_a_reused_windower_starts_anew_after_close() -> None:
    windower = Windower()
    first = [*windower.feed("abc"), *windower.close()]
    assert [window.text for window in first] == ["abc"]
    assert list(windower.close()) == []
