"""Whatever step of writing down or merging decisions is the last, each is there whole or not at all, and the next one works."""

from __future__ import annotations

import errno
import multiprocessing
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scanner.findings import decisions
from scanner.findings.errors import StoreError
from scanner.findings.read import open_findings
from scanner.findings.schema import COVERED, DECISIONS
from tests.crash.killed_writer import die_at
from tests.unit.findings.deciding import TODAY, desk, number, scan, states, wanted


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda handle: None)


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """a was ignored for {1}, and is read again with {1}: what it covers is needed."""
    out = tmp_path / "base"
    scan(out, {"a": {1}, "b": {2, 3}})
    with desk(out) as order:
        order.ignore(wanted("a"), "known")
    return out


def killed(base: Path, folder: Path, act: Callable[[Path], None]) -> list[Path]:
    """Stores in which a forked writer died at its first, second, ... step; in the last it came to its end."""
    outs: list[Path] = []
    for step in range(1, 200):
        out = folder / f"{step:03d}"
        shutil.copytree(base, out)
        outs.append(out)
        child = os.fork()
        if child == 0:
            try:
                die_at(step, out)
                act(out)
            finally:
                os._exit(0)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            return outs
        assert os.WTERMSIG(status) == signal.SIGKILL
    raise AssertionError("it never came to its end")


def told(out: Path) -> list[str]:
    """Decisions whose rows are there."""
    ids: set[str] = set()
    for path in decisions.listed(out, "decisions"):
        assert decisions.is_whole(path)
        ids |= set(pq.read_table(path, columns=["decision_id"], partitioning=None)["decision_id"].to_pylist())
    return sorted(ids)


def litter(out: Path) -> list[str]:
    """What no decision accounts for."""
    known = set(told(out))
    found = [path.name for path in out.rglob("*.tmp")]
    for path in decisions.listed(out, "covered"):
        if not set(pq.read_table(path, columns=["decision_id"], partitioning=None)["decision_id"].to_pylist()) <= known:
            found.append(path.name)
    return found


def test_an_author_killed_at_every_step(base: Path, tmp_path: Path) -> None:
    (tmp_path / "killed").mkdir()
    outs = killed(base, tmp_path / "killed", _write)
    assert len(outs) > 8
    there = [len(told(out)) == 2 for out in outs]
    assert not there[0] and there[-1]
    assert there == sorted(there)
    for place, (out, decided) in enumerate(zip(outs, there, strict=True)):
        assert place % 3 or states(out) == {"a": ("ignored", None), "b": ("ignored" if decided else "open", None)}
        decisions.compact(out)
        assert litter(out) == []
    last_before = outs[there.index(True) - 1]
    with desk(last_before) as order:
        order.ignore(wanted("b"), "known")
    scan(last_before, {"a": {1}, "b": {3}})
    assert states(last_before) == {"a": ("ignored", None), "b": ("ignored", None)}


def _write(out: Path) -> None:
    """An ignore of b as `Triage` publishes it; without DuckDB, which starts threads in a forked process."""
    decision_id = decisions.new_id(out)
    rows = pa.Table.from_pylist(
        [{"decision_id": decision_id, "action": "ignore", "finding_id": number("b"), "object_id": number("b")[:-2], "fingerprints": 2}],
        DECISIONS,
    )
    covered = pa.Table.from_pylist(
        [{"decision_id": decision_id, "finding_id": number("b"), "fingerprint": value} for value in (2, 3)], COVERED
    )
    decisions.publish(out, decision_id, rows, [covered])


def test_a_merge_killed_at_every_step(base: Path, tmp_path: Path) -> None:
    for path in "bab":
        with desk(base) as order:
            order.ignore(wanted(path), "again")
    scan(base, {"a": {1}, "b": {2, 3}})
    before = told(base)
    expected = {"a": ("ignored", None), "b": ("ignored", None)}
    assert states(base) == expected
    (tmp_path / "killed").mkdir()
    outs = killed(base, tmp_path / "killed", lambda out: decisions.compact(out) and None)
    assert len(outs) > 15
    assert len(list((outs[-1] / "decisions").iterdir())) == 1
    for place, out in enumerate(outs):
        assert told(out) == before
        if place % 4 == 0:
            with open_findings(out, TODAY) as found:
                assert found.problems == []
                assert len(found.decisions(every=True)) == 4, "a row that stands in two files counts once"
            assert states(out) == expected
        decisions.compact(out)
        assert told(out) == before
        assert litter(out) == []
        assert [len(list((out / table).iterdir())) for table in decisions.TABLES] == [1, 1]


def test_a_full_disk_is_said_and_nothing_of_the_decision_is_there(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with desk(base) as order:
        monkeypatch.setattr("scanner.findings.publish.sync_file", full)
        with pytest.raises(StoreError, match="the disk is full"):
            order.ignore(wanted("b"), "known")
    assert len(told(base)) == 1
    assert litter(base) == []
    assert states(base)["b"] == ("open", None)


def _author(out: Path, path: str) -> None:
    for _ in range(6):
        with desk(out) as order:
            order.assign(wanted(path), path)


def test_authors_at_the_same_time_lose_nothing(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While files are merged under them all the time."""
    monkeypatch.setattr(decisions, "MERGED_FROM", 1)
    spawned = multiprocessing.get_context("fork")
    authors = [spawned.Process(target=_author, args=(base, path)) for path in "ab"]
    for author in authors:
        author.start()
    while any(author.is_alive() for author in authors):
        with open_findings(base, TODAY) as found:
            assert found.problems == []
            assert set(found.decisions(every=True)["action"]) <= {"ignore", "assign"}
        decisions.compact(base)
    for author in authors:
        author.join()
        assert author.exitcode == 0
    with open_findings(base, TODAY) as found:
        assert len(found.decisions(every=True)) == 13
        assert found.verify() == []
    assert litter(base) == []
