"""A clean-up that is killed at every step: the next one ends it, no file is lost, none is in two places, every end has one record."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest
from blake3 import blake3

from scanner.obligations import cleanup as cleaning
from scanner.obligations.cleanup import Cleanup, Line, records
from scanner.outbound.disk import Disk
from scanner.policy import load

DATA = b"name,mail\n" + b"somebody,user@example.co.jp\n" * 50
POLICY = 'version: 1\nstores: [{name: crm, paths: ["share/crm/**"], owner: Sales, allow: ["*"]}]\n'


class DyingDisk(Disk):
    """Ends the process at the step of that number."""

    def __init__(self, last: int) -> None:
        self._left = last

    def step(self, what: str) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def prepare(home: Path) -> None:
    (home / "share/tmp").mkdir(parents=True)
    (home / "share/crm").mkdir()
    (home / "share/tmp/list.csv").write_bytes(DATA)
    (home / "policy.yaml").write_text(POLICY)
    (home / "out").mkdir()


def clean(home: Path, action: str, disk: Disk | None = None) -> None:
    line = Line(2, action, home / "share/tmp/list.csv", home / "share/crm/new/list.csv" if action == "move" else None)
    with Cleanup(home / "out", load(home / "policy.yaml"), disk=disk) as cleanup:
        done = cleanup.finish()
        if not done and not records(home / "out"):
            done = cleanup.carry_out([line], "a test")
    assert all(one.what == "done" for one in done), done


def in_child(call: Callable[[], None]) -> int:
    child = os.fork()
    if child == 0:
        status = 1
        try:
            call()
            status = 0
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def faults(home: Path, action: str) -> list[str]:
    files = {path.relative_to(home / "share").as_posix(): path.read_bytes() for path in (home / "share").rglob("*") if path.is_file()}
    whole = [name for name, data in files.items() if data == DATA]
    wanted = ["crm/new/list.csv"] if action == "move" else []
    note = "tmp/list.csv.moved.txt" if action == "move" else "tmp/list.csv.deleted.txt"
    told = [] if whole == wanted else [f"whole copies at {whole}"]
    told += [] if sorted(files) == sorted([*wanted, note]) else [f"files {sorted(files)}"]
    told += [] if len(records(home / "out")) == 1 else [f"{len(records(home / 'out'))} records"]
    return told + [f"left: {path.name}" for path in (home / "out/cleanup/orders").iterdir()]


@pytest.fixture
def kinds(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the findings know of the file, without a database in each of a hundred processes."""
    told: list[str] = []

    def known(_: object, paths: list[Path]) -> dict[str, cleaning._Known]:
        return {str(path): cleaning._Known(blake3(DATA).hexdigest(), tuple(told), 50) for path in paths}

    monkeypatch.setattr(cleaning, "_known", known)
    monkeypatch.setattr("scanner.findings.read.open_findings", nullcontext)
    return told


@pytest.mark.parametrize(("action", "kind"), [("move", "PERSON"), ("delete", "PERSON"), ("delete", "JP_MY_NUMBER")])
def test_killed_at_every_step(tmp_path: Path, kinds: list[str], action: str, kind: str) -> None:
    kinds.append(kind)
    for number in range(1, 200):
        home = tmp_path / str(number)
        prepare(home)
        status = in_child(lambda home=home, number=number: clean(home, action, DyingDisk(number)))  # type: ignore[misc]
        if action == "move":
            there = [path for path in (home / "share").rglob("*") if path.is_file() and path.read_bytes() == DATA]
            assert there, f"lost at step {number}"
        if status == 0:
            assert number > 15, "so few steps"
            assert faults(home, action) == []
            return
        assert status == -signal.SIGKILL
        clean(home, action)
        assert faults(home, action) == [], f"after a death at step {number}"
    raise AssertionError("it never ended by itself")


def test_a_deleted_number_is_overwritten_first(tmp_path: Path, kinds: list[str]) -> None:
    kinds.append("JP_MY_NUMBER")
    prepare(tmp_path)
    other = os.open(tmp_path / "share/tmp/list.csv", os.O_RDONLY)  # whoever has it open sees what became of its bytes
    clean(tmp_path, "delete")
    assert os.pread(other, len(DATA) + 1, 0) == bytes(len(DATA))
    os.close(other)
    (record,) = records(tmp_path / "out")
    assert (record["kinds"], record["persons"], record["reason"], record["source"]) == (["JP_MY_NUMBER"], 50, "a test", "removed")
    assert record["how"] in ("in_place", "copy_on_write", "unsure", "remote")
    assert json.dumps(record).count("user@") == 0
