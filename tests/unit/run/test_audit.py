"""The chained log, and what is left of the proof when its head is cut off."""

from __future__ import annotations

import datetime
import json
import os
import threading
from pathlib import Path

import pytest

from scanner.run import audit

FUTURE = datetime.datetime(2999, 1, 1, tzinfo=datetime.UTC)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    for number in range(5):
        audit.append(tmp_path, "log", {"what": "done", "n": number})
    return tmp_path


def lines(out: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (out / "audit" / "log.jsonl").read_bytes().splitlines()]


def test_a_cut_keeps_numbers_hashes_and_the_chain(out: Path) -> None:
    before = lines(out)
    head = audit.check(out, "log")
    audit.cut(out, "log", 3, "alice")
    sealed, *rest = lines(out)
    assert rest == before[3:]
    assert {name: sealed[name] for name in ("seq", "what", "entries", "head", "who", "at")} == {
        **{"seq": 3, "what": "sealed", "entries": 3, "who": "alice"},
        **{"head": before[2]["hash"], "at": before[2]["at"]},
    }
    assert audit.check(out, "log") == head, "as a head that was told outside says"
    assert audit.append(out, "log", {"what": "later"}) == 6
    assert audit.check(out, "log")[::2] == (6, [])
    audit.cut(out, "log", 5, "alice")
    assert [line["seq"] for line in lines(out)] == [5, 6]
    assert audit.check(out, "log")[::2] == (6, [])


def test_a_log_may_be_cut_to_its_seal(out: Path) -> None:
    head = audit.check(out, "log")
    audit.cut(out, "log", 5, "alice")
    assert audit.check(out, "log") == head
    before = (out / "audit" / "log.jsonl").read_bytes()
    audit.cut(out, "log", 5, "bob")
    audit.cut(out, "log", 2, "bob")
    assert (out / "audit" / "log.jsonl").read_bytes() == before, "it is cut already"
    assert audit.append(out, "log", {}) == 6
    assert audit.check(out, "log")[::2] == (6, [])


@pytest.mark.parametrize("which", [0, 1, 2])
def test_tampering_shows_behind_a_seal(out: Path, which: int) -> None:
    audit.cut(out, "log", 3, "alice")
    file = out / "audit" / "log.jsonl"
    found = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(found[:which] + found[which + 1 :]))
    faults = audit.check(out, "log")[2]
    assert bool(faults) == (which < 2), "the last entry is missed by whoever knows the head alone"
    file.write_bytes(b"".join(found).replace(b'"entries": 3', b'"entries": 2').replace(b'"n": 4', b'"n": 5'))
    assert audit.check(out, "log")[2] == ["entry 3 was changed", "entry 5 was changed"]


def test_a_seal_counts_at_the_head_alone(out: Path) -> None:
    audit.cut(out, "log", 3, "alice")
    file = out / "audit" / "log.jsonl"
    sealed, *rest = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(rest[0] + sealed + rest[1])
    assert audit.check(out, "log")[2]


def test_which_entries_are_old(out: Path) -> None:
    assert audit.last_before(out, "log", FUTURE) == (5, 5)
    assert audit.last_before(out, "log", datetime.datetime.fromisoformat(str(lines(out)[0]["at"]))) is None
    audit.cut(out, "log", 3, "alice")
    assert audit.last_before(out, "log", FUTURE) == (5, 2), "the seal is no entry"
    assert audit.names(out) == ["log"]


def test_an_author_who_waited_for_a_cut_loses_nothing(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The log that he had opened is another file by the time he has the lock."""
    monkeypatch.setattr(os, "fsync", lambda handle: None)
    authors = [threading.Thread(target=lambda: [audit.append(out, "log", {"what": "x"}) for _ in range(20)]) for _ in range(3)]
    for author in authors:
        author.start()
    while any(author.is_alive() for author in authors):
        audit.cut(out, "log", audit.check(out, "log")[0] - 1, "alice")
    for author in authors:
        author.join()
    assert audit.check(out, "log")[::2] == (65, [])
