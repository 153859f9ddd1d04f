"""A share of which three tenths are copies: a scan that reads each content once against one that reads every file, in one run.

    python benchmarks/duplicates.py [--mb 40] [--runs 3] [--write docs/reference/performance.md]

The share is that of `whole_scan.py` (half Office and PDF, half text and tables), and of its files so many are copied under other names into
another folder that they are 30 % of the bytes. `without`: the same program with the look-up taken out. Both scans start with an empty
store, take turns, and must give the same rows. Processor seconds are those of all processes of a scan.
"""

from __future__ import annotations

import argparse
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from material import mixed_share
from page import write

WITHOUT = "from scanner.run.contents import Contents; Contents.offer = lambda *_: {}; Contents.add = lambda *_: None; "
SCAN = "import sys; from scanner import api; print(api.scan(sys.argv[1], out=sys.argv[2], jobs=1).findings)"


def copies(share: Path, part: float) -> int:
    """Copy files of the share until the copies are `part` of it; their bytes."""
    files = [path for path in sorted(share.rglob("*")) if path.is_file()]
    wanted = sum(path.stat().st_size for path in files) * part / (1 - part)
    chance, done = random.Random(1), 0
    chance.shuffle(files)
    (share / "copies").mkdir()
    for number, path in enumerate(files):
        if done + path.stat().st_size > wanted:
            continue
        (share / "copies" / f"copy {number}{path.suffix}").write_bytes(path.read_bytes())
        done += path.stat().st_size
    return done


def scan(share: Path, out: Path, before: str) -> tuple[float, float, str]:
    """(processor seconds, seconds by the clock, what it found)."""
    spent, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run([sys.executable, "-c", before + SCAN, str(share), str(out)], check=True, stdout=subprocess.PIPE)
    now = resource.getrusage(resource.RUSAGE_CHILDREN)
    taken = now.ru_utime + now.ru_stime - spent.ru_utime - spent.ru_stime
    return taken, time.perf_counter() - began, done.stdout.decode()


def rows(out: Path) -> str:
    from scanner.api import open_findings

    with open_findings(out) as found:
        told = [found.objects()[["object_id", "status", "persons"]], found.findings()[["finding_id", "count", "distinct"]]]
        told.append(found.values()[["object_id", "fingerprint", "count"]])
        return "".join(frame.sort_values(list(frame.columns)).to_csv(index=False) for frame in told)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mb", type=float, default=40)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--write", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        home = Path(temporary)
        share = mixed_share(home / "share", int(asked.mb * 1e6))
        copied = copies(share, 0.3)
        size = sum(path.stat().st_size for path in share.rglob("*") if path.is_file())
        taken: dict[str, list[tuple[float, float, str]]] = {"": [], WITHOUT: []}
        for run in range(asked.runs):
            for before, done in taken.items():
                done.append(scan(share, home / f"{run}{bool(before)}", before))
        if rows(home / "0False") != rows(home / "0True"):
            sys.exit("the two scans differ")
    with_it, without = ([statistics.median(one[at] for one in done) for at in (0, 1)] for done in taken.values())
    told = "\n".join(
        (
            f"| {size / 1e6:.0f} MB, of which {copied / 1e6:.0f} are copies; one worker | processor, s | clock, s |",
            "|---|---|---|",
            f"| each content read once | {with_it[0]:.1f} | {with_it[1]:.1f} |",
            f"| every file read | {without[0]:.1f} | {without[1]:.1f} |",
            f"| ratio | {with_it[0] / without[0]:.2f} | {with_it[1] / without[1]:.2f} |",
        )
    )
    print(told)
    if asked.write:
        write(asked.write, "duplicates.py", told)


if __name__ == "__main__":
    main()
