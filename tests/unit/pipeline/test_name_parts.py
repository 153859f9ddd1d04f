"""Parts of names: whose surname or given name stands alone."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from scanner import api
from scanner.pipeline import name_parts
from scanner.pipeline.gathering import _kinds
from scanner.pipeline.name_parts import NameParts
from scanner.tally.atoms import Kind


@pytest.mark.parametrize(
    ("full", "part", "is_meant"),
    [
        ("山田 太郎", "山田", True), ("山田　太郎", "太郎", True), ("山田太郎", "山田", True), ("長谷川健太", "長谷川", True),
        ("森太郎", "森", True),
        ("森山太郎", "森", False),  # one character begins many longer surnames
        ("山田太郎", "山田太郎", False), ("Jane Carter", "carter", True), ("Jane Carter", "JANE", True), ("Carter, Jane", "Jane", True),
        ("J. Carter", "J", False), ("ジョン・スミス", "スミス", True), ("Jane Carter", "Cart", False),
    ],
)  # fmt: skip
def test_whose_part_it_is(full: str, part: str, is_meant: bool) -> None:
    names = NameParts()
    names.learn(full)
    assert names.full(part) == (full if is_meant else None)


def test_of_two_with_one_surname_the_first_is_meant() -> None:
    names = NameParts()
    names.learn("山田 太郎")
    names.learn("山田 花子")
    assert names.full("山田") == "山田 太郎"


def test_a_long_list_is_not_remembered_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(name_parts, "MOST", 4)
    names = NameParts()
    for number in range(9):
        names.learn(f"佐藤{number} 花{number}")
    assert names.full("佐藤1") is not None and names.full("佐藤8") is None


def test_persons_of_a_letter_are_counted_once(tmp_path: Path) -> None:
    """The real detectors: a surname in the greeting, a letterhead's phone, two phones beneath a name."""
    (tmp_path / "in").mkdir()
    text = "株式会社みなと電機\n電話 03-2234-5678\n\n山田様\n\nお世話になっております。\n\n"
    text += "担当者 佐藤健太\n電話 03-2234-5679\n携帯 090-1234-5678\n\n氏名 山田太郎\n"
    (tmp_path / "in" / "letter.txt").write_text(text, encoding="utf-8")
    api.scan([str(tmp_path / "in")], out=tmp_path / "out")
    assert api.open_findings(tmp_path / "out").objects()["persons"].tolist() == [2]


def test_an_american_number_is_no_japanese_mobile() -> None:
    values = pa.array(["(608) 555-0123", "608-555-0123", "+1 703.555.0123", "90-1234-5678", "090-1234-5678", "+81 90 1234 5678"])
    mobile = [kind == Kind.MOBILE for kind in _kinds("PHONE_NUMBER", values).tolist()]
    assert mobile == [False, False, False, True, True, True]
