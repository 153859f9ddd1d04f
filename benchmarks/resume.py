"""kill -9 at random moments of a scan, resumed to the same findings as an undisturbed run: how many times of how many.

    python benchmarks/resume.py [--files 5000] [--times 50] [--kills 1]

Uses the real detectors and workers. Each time, a scan in a process of its own is killed at a moment drawn evenly from the time that the
undisturbed one takes, and as many times more as asked while it goes on; then it is run to its end. A file that is in a worker's hands at two
deaths is recorded as one that cannot be read, as it should: with two kills that may happen, by chance.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
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


def killed(victim: subprocess.Popen[bytes], moment: float) -> bool:
    """False if it had ended by itself before."""
    time.sleep(moment)
    victim.send_signal(signal.SIGKILL)
    return victim.wait() == -signal.SIGKILL


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=5_000)
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument("--kills", type=int, default=1)
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
            while not all(killed(scan(share, out), chance.uniform(0, whole)) for _ in range(asked.kills)):
                shutil.rmtree(out)  # it had ended before: other work on the machine makes `whole` too long
            scan(share, out).wait()
            found = content(out)
            same += found == wanted
            print(f"{same} of {number + 1}", flush=True)
            for name, rows in found.items():
                if rows != wanted[name]:
                    print(f"  {name}: lacking {sorted(set(wanted[name]) - set(rows))[:3]}, new {sorted(set(rows) - set(wanted[name]))[:3]}")
            shutil.rmtree(out)


if __name__ == "__main__":
    main()
