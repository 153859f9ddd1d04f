"""How soon a scan of one small file has its first finding: from the start of the process until its row reaches the supervisor.

    python benchmarks/first_finding.py [--runs 5] [--write docs/reference/performance.md]

Processor seconds are those of the supervisor so far, and of all processes of the whole scan. `cold`: an empty cache of compiled rules;
`warm`: that of the scan before. Files of the program itself are in the memory of the machine either way.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from page import write

SCAN = """
import json, sys, time
from scanner.findings.store import RunWriter
from scanner import api
real = RunWriter.findings
def told(self, rows):
    print(json.dumps([time.time(), time.process_time(), [name for name in ("presidio_analyzer", "spacy") if name in sys.modules]]))
    real(self, rows)
RunWriter.findings = told
api.scan(sys.argv[1], out=sys.argv[2], jobs=1)
"""


def first(share: Path, out: Path, cache: Path) -> tuple[float, float, float, list[str]]:
    """(seconds by the clock, processor seconds of the supervisor, of all processes to the end, what the supervisor had imported)."""
    spent, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.time()
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    done = subprocess.run([sys.executable, "-c", SCAN, str(share), str(out)], env=environment, check=True, stdout=subprocess.PIPE)
    now = resource.getrusage(resource.RUSAGE_CHILDREN)
    moment, own, imported = json.loads(done.stdout.splitlines()[0])
    return moment - began, own, now.ru_utime + now.ru_stime - spent.ru_utime - spent.ru_stime, imported


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--write", type=Path)
    asked = parser.parse_args()
    lines = [
        "| cache | to the first finding, clock, s | processor of the supervisor by then, s | of all processes to the end, s |",
        "|---|---|---|---|",
    ]
    with tempfile.TemporaryDirectory() as temporary:
        home = Path(temporary)
        (home / "share").mkdir()
        (home / "share" / "note.txt").write_text("担当は山田太郎様、電話 090-0000-1234\n", encoding="utf-8")
        for cache in ("cold", "warm"):
            runs = []
            for run in range(asked.runs):
                kept = home / (f"cache-{run}" if cache == "cold" else "cache-0")
                runs.append(first(home / "share", home / f"{cache}-{run}", kept))
            columns = [
                f"{statistics.median(column):.2f} ({min(column):.2f} to {max(column):.2f})" for column in list(zip(*runs, strict=True))[:3]
            ]
            lines.append(f"| {cache} | {' | '.join(columns)} |")
            print(cache, runs[-1][3])
    told = "\n".join(lines)
    print(told)
    if asked.write:
        write(asked.write, "first_finding.py", told)


if __name__ == "__main__":
    main()
