"""Hundreds of files in every way at once, while the watch is killed and restarted: each is decided exactly once, and as it is.

benchmarks/watch.py does the same with the real scanner and as many files as one likes.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

from tests.crash.bursts import account, drop_all, expected_files, wait_for

EACH = 120
ROOT = Path(__file__).parents[2]


def _watch(home: Path) -> subprocess.Popen[bytes]:
    environ = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen([sys.executable, "-m", "tests.crash.bursts", str(home)], cwd=ROOT, env=environ)


def _released(home: Path) -> int:
    return sum(len(names) for _, _, names in os.walk(home / "release"))


def _done(home: Path) -> bool:
    try:
        queue = json.loads((home / "health.json").read_bytes())["queue"]
    except (OSError, ValueError):
        return False
    left = [name for _, _, names in os.walk(home / "out") for name in names if not name.endswith(".held.txt")]
    return queue == 0 and not left


def test_every_file_of_a_burst_is_decided_once_whatever_happens_to_the_watch(tmp_path: Path) -> None:
    home = tmp_path
    for name in ("out", "release"):
        (home / name).mkdir()
    (home / "policy.yaml").write_text("version: 1\noutbound: {settle_seconds: 1}\n")
    watch = _watch(home)
    try:
        assert wait_for((home / "health.json").exists, 60)
        dropping = threading.Thread(target=drop_all(home / "out", EACH))
        dropping.start()
        for number, last in ((signal.SIGKILL, 40), (signal.SIGTERM, 150)):
            assert wait_for(lambda last=last: _released(home) > last, 60, every=0.01)  # type: ignore[misc]
            watch.send_signal(number)
            assert watch.wait(60) == (0 if number == signal.SIGTERM else -number)
            watch = _watch(home)
        dropping.join()
        assert wait_for(lambda: _done(home), 60)
        watch.terminate()
        assert watch.wait(60) == 0
    finally:
        watch.kill()
        watch.wait()
    found = account(home / "out", home / "release", home / "hold", expected_files(EACH))
    assert not found.faults, found.examples
    assert (found.files, found.held) == (4 * EACH, 4 * EACH // 10)
