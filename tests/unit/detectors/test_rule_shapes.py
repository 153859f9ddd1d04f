"""No value a rule would report is kept from it, wherever in a column it stands; a user's rules are barred by no header."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from detectors.cells import Cells
from detectors.engine import Engine, load
from detectors.fold import fold
from detectors.rule import CompiledRule, Rule
from detectors.rule_shapes import RuleShapes
from scanner.model import DetectSettings
from tests.unit.detectors.test_columns import scan

NUMBERS = [str(31_234_567 + 7 * n) for n in range(100_000)]
FEWER = NUMBERS[:3_000]  # of remarks, each of which is read


@pytest.fixture(scope="module")
def engine() -> Engine:
    return load(DetectSettings())


def examples(engine: Engine) -> list[tuple[Rule, str, str | None]]:
    return [
        (item, example.text, example.column[0] if example.column else None)
        for item in engine.rules
        if item.entity
        for example in item.match
    ]


def test_every_example_of_every_rule_is_seen_among_numbers(engine: Engine) -> None:
    """Alone as the rule tells it, between numbers, at the start and at the end."""
    for item, text, header in examples(engine):
        scores = [score for _, _, score in CompiledRule(item).finds(fold(text), (header,) if header else None)]
        if max(scores) < engine.threshold(str(item.entity)) or "\n" in text:
            continue
        for values in ([text], [*NUMBERS[:3], text], [text, *NUMBERS[:3]], [NUMBERS[0], text, NUMBERS[1]]):
            cells = Cells.of(pa.array(values, pa.string()))
            seen = RuleShapes(engine, header).of(cells)
            assert seen[cells.values.to_pylist().index(text.strip())], (item.id, text)


def test_few_plain_numbers_are_looked_at(engine: Engine) -> None:
    cells = Cells.of(pa.array(NUMBERS))
    assert not RuleShapes(engine, None).of(cells).any()
    assert not RuleShapes(engine, "値").of(cells).any()


@pytest.mark.parametrize(
    ("header", "value", "entity"),
    [
        ("値", "電話 090-0000-0001", "PHONE_NUMBER"),
        ("値", "090-0000-0001", "PHONE_NUMBER"),
        ("値", "card 4111111111111111", "CREDIT_CARD"),
        ("値", "マイナンバー 123456789018", "JP_MY_NUMBER"),
        ("備考", "マイナンバー 123456789018", "JP_MY_NUMBER"),
        ("備考", "03-3123-4567", "PHONE_NUMBER"),
        (None, "電話 090-0000-0001", "PHONE_NUMBER"),
        ("ssn", "536-22-1234", "US_SSN"),
    ],
)
def test_one_value_at_the_end_of_many_numbers(engine: Engine, header: str | None, value: str, entity: str) -> None:
    numbers = FEWER if header == "備考" else NUMBERS
    rows = [[number] for number in numbers] + [[value]]
    found = scan(None if header is None else (header,), rows, engine, size=60_000)[1]  # type: ignore[arg-type]
    assert [row for row, _ in found.get(((0,), entity), [])] == [len(numbers)]


USER = """
- id: own.staff
  entity: STAFF_CODE
  description: A code of ours.
  pattern: "^ST[0-9]{5}\\\\b"
  score: 0.9
  match: [{text: "ST12345", value: "ST12345"}]
"""


@pytest.mark.parametrize("header", ["品番", "社員番号", "氏名", "メールアドレス", "備考", "姓", "電話番号", None])
def test_a_users_rule_reports_under_every_header(tmp_path: Path, header: str | None) -> None:
    (tmp_path / "own.yaml").write_text(USER, encoding="utf-8")
    engine = load(DetectSettings(rules=(str(tmp_path),), entities=("STAFF_CODE", "PERSON", "EMAIL_ADDRESS")))
    values = ["ST00001", *(f"AB-{n}" for n in range(600)), "ST99999", "taro@example.com", "XST12345"]
    headers = None if header is None else (header, "名")
    found = scan(headers, [[value, ""] for value in values], engine)[1]  # type: ignore[arg-type]
    assert found[(0,), "STAFF_CODE"] == [(0, "ST00001"), (601, "ST99999")]


def test_a_users_rule_reports_in_values_that_are_something_else_too(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(
        USER.replace("^ST[0-9]{5}\\\\b", "[a-z]@example[.]com$").replace("ST12345", "a@example.com").replace("0.9", "1.0"), encoding="utf-8"
    )
    engine = load(DetectSettings(rules=(str(tmp_path),)))
    found = scan(("メールアドレス",), [["a@example.com"], ["b@example.jp"], ["c@example.com"]], engine)[1]  # type: ignore[arg-type]
    assert [row for row, _ in found[(0,), "STAFF_CODE"]] == [0, 2]
    assert len(found[(0,), "EMAIL_ADDRESS"]) == 3
