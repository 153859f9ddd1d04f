"""kill -9 at random moments of a scan, resumed to the same findings as an undisturbed run: how many times of how many.

    python benchmarks/resume.py [--files 5000] [--times 50]

Uses the real detectors and workers. Each time, a scan in a process of its own is killed at a moment drawn evenly from the time that the
undisturbed one takes, and killed once more while it goes on; then it is run to its end.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HOME = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(HOME))

from tests.crash.test_resume import content, many  # noqa: E402  # the same comparison as the test's

PROGRAM = "import sys; from scanner import api; api.scan(sys.argv[1], out=sys.argv[2], checkpoint_seconds=1.0)"


def scan(share: Path, out: Path) -> subprocess.Popen[bytes]:
    environ = {**os.environ, "PYTHONPATH": str(HOME)}
    return subprocess.Popen([sys.executable, "-c", PROGRAM, str(share), str(out)], env=environ)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=5_000)
    parser.add_argument("--times", type=int, default=50)
    asked = parser.parse_args()
    chance = random.Random(4)
    with tempfile.TemporaryDirectory() as temporary:
        home = Path(temporary)
        share = many(home / "share", asked.files)
        began = time.monotonic()
        scan(share, home / "undisturbed").wait()
        whole = time.monotonic() - began
        wanted = content(home / "undisturbed")
        same = 0
        for number in range(asked.times):
            out = home / f"out{number}"
            for _ in range(2):
                victim = scan(share, out)
                time.sleep(chance.uniform(0, whole))
                victim.send_signal(signal.SIGKILL)
                victim.wait()
            scan(share, out).wait()
            same += content(out) == wanted
            print(f"{same} of {number + 1}", flush=True)


if __name__ == "__main__":
    main()
