"""Folding keeps every offset and touches dashes only between digits."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.fold import encodable, fold


@settings(max_examples=200, deadline=None)
@given(st.text())
def test_length_never_changes(text: str) -> None:
    assert len(fold(text)) == len(text)


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("０３ー１２３４−５６７８", "03-1234-5678"),
        ("（０６）１２３４‐５６７８", "(06)1234-5678"),
        ("コーヒー3杯", "コーヒー3杯"),
        ("１－２　ー　３", "1-2 - 3"),
        ("ｔａｒｏ＠ｅｘａｍｐｌｅ．ｊｐ", "taro@example.jp"),
        ("plain ascii", "plain ascii"),
    ],
)
def test_examples(text: str, folded: str) -> None:
    assert fold(text) == folded


def test_lone_surrogates_become_encodable() -> None:
    text, data = encodable("a\ud800b")
    assert text == "a\ufffdb" and data.decode() == text
