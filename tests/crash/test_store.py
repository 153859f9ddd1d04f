"""Whatever step of a run is its last, the store reads as before or with the whole run, and the next run works."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from scanner.findings import runs, snapshot
from scanner.findings.errors import StoreError
from scanner.findings.read import open_findings
from scanner.findings.store import open_store
from tests.crash.killed_writer import NEW, write_new_run
from tests.unit.findings.samples import KEY_ID, ROOT, finding_row, object_row, publish, told

_HERE = Path(__file__).resolve().parents[2]


def _first_run(out: Path) -> str:
    return publish(out, [object_row("a"), object_row("b")], [finding_row("a"), finding_row("b")], fingerprints=[1, 2, 3])


def _check_before_or_after(out: Path, first: str) -> bool:
    """The store is sound, by every hash, with the new run whole or not at all. Whether it is there."""
    found = snapshot.take(out)
    assert [problem for problem in found.problems if "it was not finished" not in problem] == []
    assert snapshot.damaged(found) == {}
    rows = {m.run_id: dict(m.told["rows"]) for m in found.manifests}
    assert rows.pop(first) == {"objects": 2, "findings": 2, "values": 3}
    assert rows in ({}, {NEW: {"objects": 2, "findings": 1, "values": 3}})
    return bool(rows)


def _check_answers(out: Path) -> None:
    with open_findings(out) as found:
        there = NEW in found.runs()["run_id"].tolist()
        assert found.findings()["path"].tolist() == (["new"] if there else ["a", "b"])


def _litter(out: Path) -> list[str]:
    """What no run accounts for."""
    happened = set(runs.committed(out))
    found = (
        [p.name for p in out.rglob("*.tmp")]
        + [p.name for p in (out / ".staging").iterdir()]
        + [p.name for p in (out / ".locks").glob("*.lock")]
    )
    return found + [p.name for t in ("objects", "findings", "copies", "values") for p in (out / t).iterdir() if p.name[4:] not in happened]


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda handle: None)


def test_kill_at_every_step(tmp_path: Path) -> None:
    base, folder = tmp_path / "base", tmp_path / "killed"
    folder.mkdir()
    first = _first_run(base)
    subprocess.run([sys.executable, "-m", "tests.crash.killed_writer", base, folder], cwd=_HERE, check=True, timeout=120)
    outs = sorted(folder.iterdir())
    assert len(outs) > 30
    there = []
    for out in outs:
        there.append(_check_before_or_after(out, first))
        if len(there) % 12 == 0:
            _check_answers(out)
        store = open_store(out, KEY_ID)
        with store.begin("29990202T000000.000000Z-bbbbbb", [ROOT]) as writer:
            writer.objects([object_row("a")])
            writer.commit(told())
        assert _litter(out) == []
        assert snapshot.take(out).problems == ()
    assert not there[0] and there[-1]
    assert there == sorted(there)  # once it has happened it stays so


# --------------------------------------------------------------------------- failing instead of dying

_CALLS = ("open", "rename", "mkdir", "fsync")


class _Fault:
    """Makes the n-th call of the given functions of ``os`` fail, and no other."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
        self.calls = 0
        self.fatal = 0
        for name in _CALLS:
            monkeypatch.setattr(os, name, self._wrapped(getattr(os, name), code))

    def _wrapped(self, real: Callable[..., Any], code: int) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            self.calls += 1
            if self.calls == self.fatal:
                raise OSError(code, os.strerror(code))
            return real(*arguments, **named)

        return call


@pytest.fixture
def fault(monkeypatch: pytest.MonkeyPatch) -> Iterator[_Fault]:
    yield _Fault(monkeypatch, errno.ENOSPC)


def test_full_disk_at_every_step(tmp_path: Path, fault: _Fault) -> None:
    step, failed = 0, 0
    while True:
        step += 1
        out = tmp_path / f"{step:03d}"
        first = _first_run(out)
        fault.calls, fault.fatal = 0, step
        try:
            write_new_run(out)
        except StoreError as error:
            failed += 1
            assert "the disk is full" in str(error)
            if NEW not in runs.committed(out):  # the sync after the last rename may fail as well
                assert list(out.glob(f"*/run={NEW}")) == []
        reached, fault.fatal = fault.calls, 0
        _check_before_or_after(out, first)
        publish(out, [object_row("a")])
        assert _litter(out) == []
        if reached < step:
            break
    assert failed > 15


def test_a_file_that_outgrows_its_limit(tmp_path: Path) -> None:
    """A real refusal by the kernel in the middle of a Parquet file."""
    first = _first_run(tmp_path)
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000))
        try:
            store = open_store(tmp_path, KEY_ID)
            with store.begin(NEW, [ROOT]) as writer:
                writer.objects(object_row(os.urandom(20).hex()) for _ in range(20_000))
                writer.commit(told())
        except StoreError as error:
            os._exit(7 if "run again" in str(error) else 8)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert not _check_before_or_after(tmp_path, first)
    assert _litter(tmp_path) == []


def test_an_open_file_goes_on_being_read(tmp_path: Path) -> None:
    _first_run(tmp_path)
    with open_findings(tmp_path) as before:
        old = pq.ParquetFile(next((tmp_path / "objects").glob("*/*.parquet")))
        write_new_run(tmp_path)
        assert old.read().num_rows == 2
        assert sorted(before.findings()["path"]) == ["a", "b"]
        old.close()
    with open_findings(tmp_path) as after:
        assert after.findings()["path"].tolist() == ["new"]


def test_leaving_without_commit_leaves_nothing(tmp_path: Path) -> None:
    first = _first_run(tmp_path)
    store = open_store(tmp_path, KEY_ID)
    with pytest.raises(KeyboardInterrupt), store.begin(NEW, [ROOT]) as writer:
        writer.objects(object_row(str(n)) for n in range(5000))
        raise KeyboardInterrupt
    assert _litter(tmp_path) == []
    assert not _check_before_or_after(tmp_path, first)


def test_tidying_up_spares_the_living(tmp_path: Path) -> None:
    store = open_store(tmp_path, KEY_ID)
    with store.begin(NEW, ["/elsewhere"]) as living:
        living.objects([object_row("x", root="/elsewhere")])
        _first_run(tmp_path)
        living.commit(told(roots=["/elsewhere"]))
    with open_findings(tmp_path) as found:
        assert len(found.runs()) == 2
        assert found.problems == []
