"""A whole run that is killed, starved of disk or met by a second one: the store stays readable and a new run works."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from scanner.api import open_findings
from tests.cli.test_scan import COMMAND, strayscan


@pytest.fixture
def share(tmp_path: Path) -> Path:
    folder = tmp_path / "share"
    folder.mkdir()
    for number in range(60):
        body = "本日の会議では生産計画を確認した。\n" * 300
        (folder / f"{number:02}.txt").write_text(f"{body}担当: 山田太郎 電話 090-1234-56{number:02}\n", encoding="utf-8")
    return folder


def start(share: Path, out: Path, prepare: Callable[[], None] | None = None) -> subprocess.Popen[str]:
    command = [COMMAND, "scan", str(share), "--out", str(out), "--json", "--jobs", "2"]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, start_new_session=True, preexec_fn=prepare)  # noqa: PLW1509


def processes_of(group: int) -> list[int]:
    """Living processes whose environment or session came from the run: the nursery and workers have sessions of their own."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes()
                parent = (entry / "stat").read_text().rsplit(")", 1)[1].split()[1]
            except OSError:
                continue
            if b"scanner.run.nursery" in command and int(parent) == group:
                found.append(int(entry.name))
    return found


@pytest.mark.parametrize("delay", [0.3, 1.5, 2.5, 3.5])
def test_kill_9_leaves_a_readable_store_and_a_new_run_works(share: Path, tmp_path: Path, delay: float) -> None:
    out = tmp_path / "out"
    process = start(share, out)
    time.sleep(delay)
    nursery = processes_of(process.pid)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=30)
    deadline = time.monotonic() + 20
    while any(Path(f"/proc/{pid}").exists() for pid in nursery) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(Path(f"/proc/{pid}").exists() for pid in nursery), "workers outlived the run"
    before = len(open_findings(out).runs()) if out.exists() else 0
    again = strayscan("scan", share, "--out", out, "--json")
    assert again.returncode == 1, again.stderr
    found = open_findings(out)
    assert len(found.runs()) == before + 1
    assert len(found.objects()) == 60
    assert found.problems == []
    assert not list((out / ".staging").iterdir())


def test_full_disk_is_one_sentence_and_no_run(share: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = strayscan("scan", share / "01.txt", "--out", out, "--json")
    assert first.returncode == 1, first.stderr

    def starve() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4_000, 4_000))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    process = start(share, out, starve)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 3
    assert "Traceback" not in stderr
    assert len(stderr.strip().splitlines()) == 1
    assert len(open_findings(out).runs()) == 1  # the run before, and no other
    assert strayscan("scan", share, "--out", out, "--json").returncode == 1


def test_a_second_scan_of_an_overlapping_root_is_refused(share: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    process = start(share, out)
    deadline = time.monotonic() + 30
    while not list(out.glob(".locks/*.lock")) and time.monotonic() < deadline:
        time.sleep(0.05)
    second = strayscan("scan", share.parent / "share" / "01.txt", "--out", out)
    assert second.returncode == 2
    assert "already running" in second.stderr
    other = tmp_path / "other"
    other.mkdir()
    (other / "x.txt").write_text("nothing")
    assert strayscan("scan", other, "--out", out).returncode == 0  # another root may be scanned into the same store meanwhile
    stdout, stderr = process.communicate(timeout=90)
    assert process.returncode == 1, stderr
    assert json.loads(stdout)["objects"] == 60
    assert len(open_findings(out).runs()) == 2
