"""Runs killed at any moment are taken up again: the same run in the end, nothing lost and nothing twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from scanner.api import open_findings
from scanner.findings.store import RunWriter, Store
from scanner.run.scan import RunFailed
from tests.unit.run.quick_pipeline import reads
from tests.unit.run.quick_run import InProcess, quick, run, write

HERE = Path(__file__).resolve().parents[2]


def content(out: Path) -> dict[str, list[tuple[Any, ...]]]:
    """What the newest run of a store says, without its name and times."""
    with open_findings(out) as found:
        assert found.verify() == []
        newest = str(found.runs()["run_id"].max())
        objects = found.objects(run=newest)[["path", "member", "status", "reason", "verdict", "severity", "persons", "content_hash"]]
        findings = found.findings(run=newest)[["path", "member", "finding_id", "count", "distinct", "verdict"]]
        values = found.values(run=newest)[["object_id", "fingerprint", "count"]]
        frames = {"objects": objects, "findings": findings, "values": values}
        return {name: sorted(tuple(map(str, row)) for row in frame.itertuples(index=False)) for name, frame in frames.items()}


def many(folder: Path, count: int) -> Path:
    for number in range(count):
        text = f"sleep 0.01\nperson{number}@example.com\n"
        if number % 7 == 0:
            text += f"member inner.txt member{number}@example.com\nmember other.txt nothing\n"
        if number % 31 == 0:
            text += "gap truncated\n"
        write(folder / f"{number // 40}" / f"f{number:04}.txt", text)
    (folder / "link").symlink_to("f0001.txt")
    os.link(folder / "0" / "f0003.txt", folder / "0" / "second-name.txt")
    return folder


def test_killed_at_random_moments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    share = many(tmp_path / "share", 200)
    quick(monkeypatch)
    run(share, tmp_path / "undisturbed")
    wanted = content(tmp_path / "undisturbed")
    for moment in (0.2, 0.6, 1.0, 1.5):  # seconds after the first file was read
        home = tmp_path / str(moment)
        home.mkdir()
        kill_after(share, home / "out", moment)
        subprocess.run([sys.executable, "-m", "tests.crash.resumed", share, home / "out"], cwd=HERE, check=True, timeout=60)
        assert content(home / "out") == wanted
        assert not list((home / "out" / ".staging").iterdir())
        assert len(open_findings(home / "out").runs()) >= 1


def kill_after(share: Path, out: Path, moment: float) -> None:
    victim = subprocess.Popen([sys.executable, "-m", "tests.crash.resumed", share, out], cwd=HERE)
    until = time.monotonic() + 30
    while not reads(out) and victim.poll() is None and time.monotonic() < until:
        time.sleep(0.01)
    time.sleep(moment)
    victim.send_signal(signal.SIGKILL)
    victim.wait()


# --------------------------------------------------------------------------- in one process, at chosen moments


class Died(BaseException):
    """Stands for the end of the process."""


@pytest.fixture
def share(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    quick(monkeypatch)
    monkeypatch.setattr(os, "fsync", lambda handle: None)
    for number in range(20):
        write(tmp_path / "share" / f"f{number:02}.txt", f"p{number}@example.com\nmember in.txt m{number}@example.com\n")
    return tmp_path / "share"


def die_after(monkeypatch: pytest.MonkeyPatch, files: int, share: Path, out: Path, **settings: Any) -> None:
    """Run, and die when so many files are done, each after a checkpoint."""
    count = 0
    real = InProcess.run

    def dying(self: InProcess, tasks: Any, **more: Any) -> Any:
        nonlocal count
        for task, event in real(self, tasks, **more):
            if type(event).__name__ == "Finished" and not event.facts.member:  # type: ignore[union-attr]
                count += 1
                if count > files:
                    raise Died
            yield task, event

    with monkeypatch.context() as patch, pytest.raises(Died):
        patch.setattr(InProcess, "run", dying)
        patch.setattr(RunWriter, "suspend", let_go)
        patch.setattr(RunWriter, "abort", lambda self: None)
        run(share, out, checkpoint_seconds=0.0, **settings)


def let_go(writer: RunWriter) -> None:
    """What the kernel does for a dead process."""
    path = writer._held.path
    os.close(writer._held._handle)  # type: ignore[arg-type]
    writer._held._handle = None
    assert path.exists()


@pytest.mark.parametrize("deaths", [1, 2])
def test_deaths_before_a_worker_had_the_file_are_not_counted_against_it(
    share: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deaths: int
) -> None:
    """Rules take seconds to load: a run that is killed while they do has begun nothing."""
    run(share, tmp_path / "undisturbed")
    out = tmp_path / "out"

    def loading(self: InProcess, tasks: Any, **more: Any) -> Any:
        next(iter(tasks))
        raise Died
        yield

    die_after(monkeypatch, 3, share, out)
    for _ in range(deaths):
        with monkeypatch.context() as patch, pytest.raises(Died):
            patch.setattr(InProcess, "run", loading)
            patch.setattr(RunWriter, "suspend", let_go)
            patch.setattr(RunWriter, "abort", lambda self: None)
            run(share, out, checkpoint_seconds=0.0)
    run(share, out)
    assert content(out) == content(tmp_path / "undisturbed")


@pytest.mark.parametrize("files", [0, 1, 7, 19])
def test_goes_on_where_it_died(share: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: int) -> None:
    run(share, tmp_path / "undisturbed")
    reads(tmp_path / "undisturbed")
    out = tmp_path / "out"
    die_after(monkeypatch, files, share, out)
    assert len(reads(out)) == files + 1
    summary = run(share, out)
    again = reads(out)
    assert len(again) == 20 - files, "what was done is not read again"
    assert again[0].endswith(" careful"), "what was in hand is tried alone"
    assert content(out) == content(tmp_path / "undisturbed")
    assert summary.objects == 40
    assert summary.stray_by_entity == {"EMAIL_ADDRESS": 40}
    assert any("taken up again" in note for note in summary.notes)
    assert len(open_findings(out).runs()) == 1


def test_what_changed_meanwhile_is_done_again(share: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    die_after(monkeypatch, 10, share, out)
    write(share / "f03.txt", "new@example.com\n")
    (share / "f04.txt").unlink()
    reads(out)
    summary = run(share, out)
    assert "f03.txt" in reads(out)
    assert summary.objects == 37
    run(share, tmp_path / "undisturbed")
    assert content(out) == content(tmp_path / "undisturbed")


def test_a_file_that_ends_the_machine_is_tried_twice(share: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    die_after(monkeypatch, 5, share, out)
    assert reads(out)[-1] == "f05.txt"
    die_after(monkeypatch, 0, share, out)
    assert reads(out) == ["f05.txt careful"]
    summary = run(share, out)
    unread = {group.reason: group.examples for group in summary.unread}
    assert [path for _, path, _ in unread["parser_crash"]] == ["f05.txt"]
    assert summary.objects == 39
    assert summary.exit_status == 3
    assert run(share, out).exit_status == 1, "the next run tries it again"


@pytest.mark.parametrize("how", ["policy", "key", "roots", "full"])
def test_another_run_does_not_go_on(share: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    out = tmp_path / "out"
    die_after(monkeypatch, 5, share, out)
    (dead,) = (out / ".staging").iterdir()
    reads(out)
    if how == "policy":
        summary = run(share, out, write(tmp_path / "policy.yaml", "version: 1\nreport_from: {persons: 2}\n"))
    elif how == "roots":
        summary = run(share.parent / "share" / "f01.txt", out)
    elif how == "full":
        summary = run(share, out, full=True)
    else:
        monkeypatch.setenv("STRAYSCAN_KEY", "another key")
        with pytest.raises(Exception, match="key"):
            run(share, out)
        return
    assert len(reads(out)) == (1 if how == "roots" else 20)
    assert summary.run_id != dead.name
    assert not list((out / ".staging").iterdir())
    assert len(open_findings(out).runs()) == 1


@pytest.mark.parametrize("damage", ["part cut", "part gone", "part changed", "state gone", "state damaged", "journal damaged"])
def test_damaged_leftovers_are_not_gone_on_with(share: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str) -> None:
    out = tmp_path / "out"
    die_after(monkeypatch, 5, share, out)
    part = next((out / ".staging").glob("*/objects/*.parquet"))
    if damage == "part cut":
        part.write_bytes(part.read_bytes()[:-9])
    elif damage == "part gone":
        part.unlink()
    elif damage == "part changed":
        data = bytearray(part.read_bytes())
        data[len(data) // 2] ^= 1
        part.write_bytes(data)
    elif damage == "journal damaged":
        next((out / ".staging").glob("*/in_hand")).write_bytes(b'["+", "x"]\n\xff\n[')
    else:
        for file in out.glob(".state.sqlite*"):
            file.write_bytes(b"x" * 100) if damage == "state damaged" else file.unlink()
    reads(out)
    assert run(share, out).objects == 40
    assert len(reads(out)) == (15 if damage == "journal damaged" else 20)
    assert not list((out / ".staging").iterdir())


def test_died_while_it_published(share: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    run(share, tmp_path / "undisturbed")

    def half(self: RunWriter, tables: set[str]) -> None:
        (self._root / "objects").rename(self._store.out / "objects" / f"run={self.run_id}")
        raise Died

    with monkeypatch.context() as patch, pytest.raises(Died):
        patch.setattr(RunWriter, "_move_out", half)
        patch.setattr(RunWriter, "suspend", let_go)
        patch.setattr(RunWriter, "abort", lambda self: None)
        run(share, out)
    assert open_findings(out).objects().empty
    reads(out)
    run(share, out)
    assert reads(out) == [], "everything was done"
    assert content(out) == content(tmp_path / "undisturbed")
    assert [path.name for path in (out / "objects").iterdir()] == [f"run={open_findings(out).runs()['run_id'][0]}"]


def test_a_full_disk_keeps_what_was_done(share: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from scanner.findings.errors import StoreError

    out, real, count = tmp_path / "out", RunWriter.objects, 0

    def full(self: RunWriter, rows: Any) -> None:
        nonlocal count
        count += 1
        if count > 25:
            raise StoreError("the disk is full")
        real(self, rows)

    with monkeypatch.context() as patch, pytest.raises(RunFailed, match="disk is full"):
        patch.setattr(RunWriter, "objects", full)
        run(share, out, checkpoint_seconds=0.0)
    reads(out)
    assert run(share, out).objects == 40
    assert len(reads(out)) == 8


def test_a_living_run_is_not_taken_up(share: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from scanner.findings.errors import RootBusy

    out = tmp_path / "out"
    die_after(monkeypatch, 5, share, out)
    (dead,) = (out / ".staging").iterdir()
    from scanner.redact import load_key

    living = Store(out, load_key(None).key_id).begin(dead.name, [str(share.resolve())], adopt=[])
    with pytest.raises(RootBusy):
        run(share, out)
    living.suspend()
    assert run(share, out).objects == 40


@pytest.mark.parametrize("files", [1, 4, 8, 11])
def test_copies_of_one_content_over_a_death(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: int) -> None:
    """What the dead run had read is not in memory any more: the tables are the same as ever."""
    quick(monkeypatch)
    monkeypatch.setattr(os, "fsync", lambda handle: None)
    share, out = tmp_path / "share", tmp_path / "out"
    for number in range(12):
        text = ("nothing", "a@example.com\n", "member in.txt m@example.com\n")[number % 3]
        write(share / f"f{number:02}.txt", text)
    run(share, tmp_path / "undisturbed")
    assert len(reads(tmp_path / "undisturbed")) == 3
    die_after(monkeypatch, files, share, out)
    reads(out)
    summary = run(share, out)
    assert len(reads(out)) <= 2, "what holds nothing is known from the state"
    assert content(out) == content(tmp_path / "undisturbed")
    assert summary.objects == 16
    assert len(open_findings(out).runs()) == 1
