"""Words in groups of like use: what is near is near, and what is unknown is said to be."""

from __future__ import annotations

import pytest

from detectors.build.word_groups import pack
from detectors.word_groups import WordGroups

ENGLISH = WordGroups("words_en.bin.gz")
JAPANESE = WordGroups("words_ja.bin.gz")


def shared(groups: WordGroups, *words: str) -> int:
    """In how many of the three groups all of them meet."""
    found = [groups.of(word) for word in words]
    assert None not in found
    return sum(len({group[level] for group in found if group}) == 1 for level in range(3))


@pytest.mark.parametrize(
    "words",
    [("monday", "tuesday", "wednesday"), ("london", "manchester"), ("invoice", "receipt"), ("january", "february"), ("doctor", "nurse")],
)
def test_english_words_of_a_kind_meet(words: tuple[str, ...]) -> None:
    assert shared(ENGLISH, *words) >= 1


@pytest.mark.parametrize("words", [("月曜", "火曜"), ("林檎", "蜜柑"), ("部長", "課長"), ("鈴木", "佐藤")])
def test_japanese_words_of_a_kind_meet(words: tuple[str, ...]) -> None:
    assert shared(JAPANESE, *words) >= 1


@pytest.mark.parametrize(("groups", "words"), [(ENGLISH, ("monday", "invoice")), (JAPANESE, ("月曜", "部長"))])
def test_others_do_not(groups: WordGroups, words: tuple[str, ...]) -> None:
    assert shared(groups, *words) == 0


@pytest.mark.parametrize("word", ["xqzvbbk", "", "\ud800", "山田電工甲乙丙"])
def test_what_is_unknown_has_none(word: str) -> None:
    assert ENGLISH.of(word) is None
    assert JAPANESE.of(word) is None


def test_what_is_packed_is_read(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    from pathlib import Path

    import numpy as np

    target = Path(str(tmp_path)) / "words.bin.gz"
    pack(["a", "b", "c"], np.array([2, 0, 1]), [np.array([5, 6, 7]), np.array([1, 1, 0])], target)
    monkeypatch.setattr("detectors.word_groups.files", lambda _: Path(str(tmp_path)))
    (target.parent / "data").mkdir()
    target.rename(target.parent / "data" / "words.bin.gz")
    read = WordGroups("words.bin.gz")
    assert [read.of(word) for word in "abcd"] == [(2, 7, 0), (0, 5, 1), (1, 6, 1), None]
