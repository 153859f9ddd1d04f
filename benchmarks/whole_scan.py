"""The command from outside: a mixed share with one worker and with two, memory, how soon help and the first scan come.

    python benchmarks/whole_scan.py [--mb 200] [--runs 3] [--write docs/reference/performance.md]

The share is half Office and PDF, half text and tables, by size (`material.mixed_share`). Rates are of the whole command, from start to exit,
by the clock. The memory is that of the largest process that the command ended. Beside two workers stands what two processes of plain Python
that share nothing gain on this machine: cores of a virtual machine are not always whole ones.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from material import mixed_share
from page import write

COMMAND = (str(Path(sys.executable).with_name("strayscan")),)


def seconds(*arguments: str) -> float:
    """Of one call by the clock. A scan that finds stray data ends with 1."""
    began = time.perf_counter()
    done = subprocess.run([*COMMAND, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    taken = time.perf_counter() - began
    if done.returncode not in (0, 1):
        sys.exit(done.stderr.decode())
    return taken


def by_two() -> float:
    """Times the work of one process that two do at once, of plain Python that touches little memory."""
    spin = [sys.executable, "-c", "sum(number * number % 7 for number in range(20_000_000))"]
    took = []
    for count in (1, 2):
        began = time.perf_counter()
        for process in [subprocess.Popen(spin) for _ in range(count)]:
            process.wait()
        took.append(time.perf_counter() - began)
    return 2 * took[0] / took[1]


def middle(values: list[float]) -> str:
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mb", type=float, default=200, help="size of the share")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--write", type=Path, help="page to write the table into")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        home = Path(temporary)
        share = mixed_share(home / "share", int(asked.mb * 1e6))
        size = sum(path.stat().st_size for path in share.rglob("*") if path.is_file())
        small = home / "small"
        small.mkdir()
        (small / "note.txt").write_text("担当は山田太郎様、電話 090-0000-1234\n", encoding="utf-8")

        def scans(root: Path, workers: int) -> list[float]:
            return [
                seconds("scan", str(root), "--out", str(home / f"{root.name}-{workers}-{run}"), "--jobs", str(workers))
                for run in range(asked.runs)
            ]

        machine = [by_two() for _ in range(asked.runs)]
        help_ = [seconds("--help") for _ in range(5)]
        first, one, two = scans(small, 1), scans(share, 1), scans(share, 2)
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    start = statistics.median(first)
    rates = [[size / taken * 3.6e-6 for taken in taken_by] for taken_by in (one, two)]
    told = "\n".join(
        (
            "| what | median (least to most) |",
            "|---|---|",
            f"| mixed share of {size / 1e6:.0f} MB, one worker, GB/h | {middle(rates[0])} |",
            f"| the same, two workers, GB/h | {middle(rates[1])} |",
            f"| two workers, times one | {statistics.median(one) / statistics.median(two):.2f} |",
            f"| the same, the start of a small scan taken off both | {(statistics.median(one) - start) / (statistics.median(two) - start):.2f} |",
            f"| two processes of plain Python, times one | {middle(machine)} |",
            f"| `strayscan --help`, s | {middle(help_)} |",
            f"| scan of one small file, from start to exit, s | {middle(first)} |",
            f"| largest process, MB | {peak:.0f} |",
        )
    )
    print(told)
    if asked.write:
        write(asked.write, "whole_scan.py", told)


if __name__ == "__main__":
    main()
