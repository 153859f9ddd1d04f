"""JSON's arrays of objects come as tables, the rest as text with its own lines; nothing breaks on broken JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.extract import json_documents, sniff
from scanner.extract.budget import FileBudget
from scanner.model import Blob
from tests.unit.extract.reading import Reading, read

Make = Callable[..., Blob]
Read = Callable[..., Reading]


@pytest.fixture
def document(blob: Make, budget: FileBudget) -> Read:
    return lambda text, codec="utf-8": read(blob(text.encode(codec), "x.json"), sniff.JSON, budget)


@pytest.fixture
def lines(blob: Make, budget: FileBudget) -> Read:
    return lambda text: read(blob(text.encode(), "x.jsonl"), sniff.NDJSON, budget)


def test_an_array_of_objects_is_a_table(document: Read) -> None:
    reading = document(
        '[{"name": "山田", "tel": {"home": "03", "cell": ["090", "080"]}},\n {"name": "\\u4f50\\u85e4", "age": 20, "ok": true, "no": null}]'
    )
    assert reading.sheet.header == ("name", "tel.home", "tel.cell", "age", "ok", "no")
    assert reading.sheet.cells == [["山田", "03", "090\n080", "", "", ""], ["佐藤", "", "", "20", "true", ""]]
    assert reading.sheet.rows == reading.sheet.lines == [1, 2]


def test_numbers_keep_every_digit(document: Read) -> None:
    assert document('[{"a": 1.10, "b": 123456789018, "c": 1e5}, {"c": ' + "9" * 5000 + "}]").sheet.cells == [
        ["1.10", "123456789018", "1e5"],
        ["", "", "9" * 5000],
    ]


def test_equal_keys_are_all_kept(document: Read) -> None:
    assert document('[{"a": "x", "a": "y"}]').sheet.cells == [["x\ny"]]


def test_a_table_within_a_document_has_its_pointer(document: Read) -> None:
    reading = document('{"mail": "a\\u0040example.com",\n "data": {"users": [\n{"n": "a"},\n{"n": "b"}]},\n "after": "x\\ny"}')
    assert reading.sheet.place == "$.data.users"
    assert reading.sheet.lines == [3, 4]
    assert [line for line, _ in reading.texts] == [1, 4]
    assert "a@example.com" in reading.texts[0][1]
    assert '"x y"' in reading.texts[1][1]


def test_places_hold_no_values(document: Read) -> None:
    reading = document('{"taro@example.com": [{"a": "b"}], "09000000001": [{"a": "c"}]}')
    assert {sheet.place for sheet in reading.sheets} == {"$.*"}
    assert "taro@example.com" in reading.all_text


def test_keys_that_come_later_are_text_or_a_new_table(document: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_documents, "_SCHEMA_RECORDS", 2)
    reading = document('[{"a": "1"}, {"a": "2"},\n {"a": "3", "b": {"c": "late"}}]')
    assert reading.sheet.cells == [["1"], ["2"], ["3"]]
    assert reading.texts == [(2, "b.c: late\n")]


def test_what_is_no_record_between_records_is_text(document: Read) -> None:
    reading = document('[{"a": "1"}, "taro@example.com", 5, {"a": "2"}, ["x", "y"], {"a": "3"}]')
    assert [row for sheet in reading.sheets for row in sheet.cells] == [["1"], ["2"], ["3"]]
    assert [row for sheet in reading.sheets for row in sheet.rows] == [1, 2, 3]
    assert "taro@example.com" in reading.all_text and '"x", "y"' in reading.all_text


@pytest.mark.parametrize("deep", ["[" * 3000 + "]" * 3000, '{"a":' * 3000 + "1" + "}" * 3000, "[" * 100_000])
def test_deep_nesting_is_told(document: Read, deep: str) -> None:
    assert document(deep).gaps == ["too_deep"]


def test_a_cut_document_is_told_and_read(document: Read) -> None:
    reading = document('{"users": [{"n": "a"}, {"n": "taro@exa')
    assert reading.gaps == ["truncated"]
    assert reading.sheet.cells == [["a"]]
    assert "taro@exa" in reading.all_text


def test_broken_json_is_text(document: Read) -> None:
    text = '{"a": taro@example.com, // comment\n "b": [1, 2,, }] "x'
    assert document(text).all_text == text


def test_lone_surrogates(document: Read) -> None:
    assert document('[{"a": "\\ud800x"}, {"a": "\\ud83d\\ude00"}]').sheet.cells == [["\ufffdx"], ["😀"]]
    assert document('{"a": "\\ud83d\\ude00 \\udc00"}').all_text == '{"a": "😀 \ufffd"}'


def test_lines(lines: Read) -> None:
    reading = lines('{"a": 1}\n\n{"a": 2, "b": "x"}\nbroken {"a" \\u5c71\n[1, 2]\n{"a": 3}')
    assert reading.sheet.header == ("a", "b")
    assert reading.sheet.rows == [1, 3, 6]
    assert reading.texts == [(4, 'broken {"a" 山\n[1, 2]\n')]


def test_a_long_document_is_read_in_a_window(blob: Make, budget: FileBudget, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_documents, "_LOOK", 1000)
    monkeypatch.setattr(json_documents, "_LONGEST", 5000)
    records = [
        {"n": f"山田{number}", "x": "y" * (4000 if number % 100 == 50 else 300_000 if number == 333 else 10)} for number in range(1000)
    ]
    reading = read(blob(json.dumps({"head": "h" * 9000, "all": records}, ensure_ascii=False).encode()), sniff.JSON, budget)
    found = [row[0] for sheet in reading.sheets for row in sheet.cells]
    assert len(found) == 999
    assert "山田333" in reading.all_text
    assert [row for sheet in reading.sheets for row in sheet.rows] == sorted(row for sheet in reading.sheets for row in sheet.rows)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(alphabet='ab山"\\\n{[,', max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(alphabet="kq", max_size=2), inner, max_size=4),
    max_leaves=20,
)


@given(value=VALUES, ascii_only=st.booleans())
@settings(max_examples=150, deadline=None, derandomize=True)
def test_every_text_of_a_document_is_seen(value: Any, ascii_only: bool) -> None:
    items = list(json_documents._Walker(iter([json.dumps(value, ensure_ascii=ascii_only)]), 100).items())
    seen = ""
    for item in items:
        if hasattr(item, "text"):
            seen += item.text
    # Tables were walked past here: what they held is counted by reading them as the pipeline does.
    seen += "".join(_cells(json_documents._Walker(iter([json.dumps(value, ensure_ascii=ascii_only)]), 100)))
    assert seen.count("山") >= json.dumps(value, ensure_ascii=False).count("山") - _keys(value).count("山")


def _cells(walker: json_documents._Walker) -> list[str]:
    return [
        cell
        for item in walker.items()
        if hasattr(item, "batches")
        for batch in item.batches
        for column in batch.columns.columns
        for cell in column.to_pylist()
    ]


def _keys(value: Any) -> str:
    if isinstance(value, dict):
        return "".join(value) + "".join(map(_keys, value.values()))
    return "".join(map(_keys, value)) if isinstance(value, list) else ""


@given(data=st.text(alphabet='{}[]",:\\ab1\n ', max_size=60))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_no_letter_of_broken_json_is_lost(data: str) -> None:
    texts = "".join(item.text for item in json_documents._Walker(iter([data]), 100).items() if hasattr(item, "text"))
    cells = "".join(_cells(json_documents._Walker(iter([data]), 100)))
    headers = "".join("".join(item.header or ()) for item in json_documents._Walker(iter([data]), 100).items() if hasattr(item, "header"))
    assert (texts + cells + headers).count("1") >= data.count("1")
