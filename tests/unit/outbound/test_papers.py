"""Notes, receipts, records and the log's text: names that fit, formulas that do not run, chains that hold."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.outbound.notes import SUFFIXES, is_note_name, note_name, note_text, reference
from scanner.outbound.records import COLUMNS, provision, provisions_csv, provisions_table, receipt
from scanner.outbound.state import GateState, Sent, StateUnusable, broken_chain

ITEM = "20260101-abcdef012345"
SENT = Sent(1_000, 1_000, 0o640, 2_000_000_002, 1_000_000_001, 7, "sato", "uid:1000", ("user.origin",))
TOLD = {"verdict": "hold", "reasons": ["personal_data"], "kinds": {"PERSON": 2}, "persons": 2, "findings": [{"samples": ["山*"]}]}
SPREADSHEET = ("=", "+", "-", "@", "\t", "\r")


@settings(deadline=None)
@given(
    st.binary(min_size=1, max_size=255).filter(lambda name: b"/" not in name and b"\0" not in name),
    st.sampled_from(SUFFIXES),
    st.integers(0, 999),
)
def test_a_note_s_name_fits_and_is_known(name: bytes, suffix: str, number: int) -> None:
    made = note_name(name, suffix, number)
    assert len(made) <= 255
    assert is_note_name(made)
    assert made.endswith((f".{number}" if number else "").encode() + suffix.encode())


@settings(deadline=None)
@given(st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=200), st.sampled_from(SUFFIXES))
def test_a_note_s_name_is_cut_at_a_whole_character(name: str, suffix: str) -> None:
    raw = name.encode()[:255].decode("utf-8", "ignore").encode()
    head = note_name(raw, suffix)[: -len(suffix)]
    assert raw.startswith(head)
    head.decode("utf-8")
    assert head == raw or len(raw) + len(suffix) > 255


@settings(deadline=None)
@given(st.sampled_from(SUFFIXES), st.one_of(st.none(), st.text(max_size=80)))
def test_a_note_names_its_item_and_two_languages(suffix: str, ask: str | None) -> None:
    text = note_text(suffix, ITEM, ask)
    assert reference(text) == ITEM
    words = text.decode("utf-8-sig")
    assert "受付番号: " + ITEM in words
    assert "Reference: " + ITEM in words
    assert ("Ask: " in words) == bool(ask)


def test_a_receipt_says_what_does_not_survive() -> None:
    told = json.loads(receipt(ITEM, "部署/名簿\udcff.csv".encode("utf-8", "surrogateescape"), "/srv/out", SENT, "digest", TOLD))
    assert told["attributes_not_kept"] == ["user.origin"]
    assert (told["mode"], told["dropped_by"]["uid"], told["path"]) == ("0640", 1_000, "部署/名簿\\xff.csv")
    assert told["findings"] == [{"samples": ["山*"]}]
    assert "findings" not in told["decision"]


def record(reason: str) -> dict[str, object]:
    told = {**TOLD, "recipient": {"recipient": reason, "country": reason, "purpose": reason, "contract": reason}}
    made = provision(ITEM, b"a/" + reason.encode("utf-8", "replace"), SENT, "digest", told, [{"who": "sato", "reason": reason}], held=True)
    assert made is not None
    return made


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), st.sampled_from(("", *SPREADSHEET)))
def test_no_cell_is_a_formula(text: str, first: str) -> None:
    made = record(first + text)
    (row,) = csv.DictReader(io.StringIO(provisions_csv([made]), newline=""))
    assert list(row) == list(COLUMNS)
    assert [value for value in row.values() if value and value.startswith(SPREADSHEET)] == []
    assert row["recipient"].removeprefix("'") == (first + text).removeprefix("'")
    assert provisions_table([made]).num_rows == 1


def test_nothing_personal_makes_no_record() -> None:
    assert provision(ITEM, b"a", SENT, "digest", {**TOLD, "kinds": {}}, (), held=False) is None


def test_a_sender_s_marks_survive_the_state() -> None:
    assert Sent.load(SENT.dump()) == SENT


@settings(deadline=None, max_examples=15)
@given(
    st.lists(st.tuples(st.sampled_from(["hold", "approve"]), st.text(max_size=20), st.integers(-(2**60), 2**60)), min_size=1, max_size=5)
)
def test_the_chain_of_any_entries_is_whole(tmp_path_factory: pytest.TempPathFactory, entries: list[tuple[str, str, int]]) -> None:
    state = GateState(tmp_path_factory.mktemp("state"))
    try:
        with state.transaction():
            for what, text, number in entries:
                state.log(what, ITEM, text, reason=text, number=number, half=number / 3, nothing=None)
        kept = list(state.entries())
        assert broken_chain(kept, {}) == []
        assert [(entry.who, entry.told["number"]) for entry in kept] == [(text, number) for _, text, number in entries]
        assert state.head() == (len(entries), kept[-1].hash)
        assert broken_chain(kept, {len(entries): kept[-1].hash}) == []
        assert broken_chain(kept[:-1], {len(entries): kept[-1].hash}) == [
            f"the log ends before entry {len(entries)}, which was told outside"
        ]
    finally:
        state.close()


def test_a_transaction_is_whole_or_not_at_all(tmp_path: Path) -> None:
    state = GateState(tmp_path)
    with pytest.raises(KeyboardInterrupt), state.transaction():
        state.log("hold", ITEM)
        raise KeyboardInterrupt
    assert list(state.entries()) == []
    with state.transaction():
        state.log("hold", ITEM)
    assert len(list(state.entries())) == 1
    state.close()


def test_another_version_s_state_and_what_is_none(tmp_path: Path) -> None:
    GateState(tmp_path).close()
    with sqlite3.connect(tmp_path / "state.sqlite") as database:
        database.execute("UPDATE meta SET value = '99' WHERE key = 'schema'")
    database.close()
    with pytest.raises(StateUnusable, match="another version"):
        GateState(tmp_path)
    for path in tmp_path.glob("state.sqlite*"):
        path.unlink()
    (tmp_path / "state.sqlite").write_bytes(b"not a database" * 100)
    with pytest.raises(StateUnusable, match="cannot be opened"):
        GateState(tmp_path)
