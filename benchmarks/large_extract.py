"""A very large customer extract, scanned under the worker's memory limit: `python benchmarks/large_extract.py 10` for 10 GB.

Every row is another invented person, so nothing is easy to merge. Prints rate, the peak resident memory of the worker as the supervisor's side
sees it, and whether rows, distinct values and persons came out as written.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from material import GIVEN, GIVEN_KANA, HEADER, SURNAME_KANA, SURNAMES, TOWNS

BLOCK = 200_000


def digits(values: np.ndarray, width: int) -> pa.Array:
    return pc.utf8_lpad(pa.array(values).cast(pa.string()), width, "0")


def block(first: int, rng: np.random.Generator) -> bytes:
    """`BLOCK` rows of CSV beginning with customer `first`."""
    numbers = np.arange(first, first + BLOCK)
    s, g = rng.integers(0, len(SURNAMES), BLOCK), rng.integers(0, len(GIVEN), BLOCK)

    def named(surnames: list[str], givens: list[str]) -> pa.Array:
        return pc.binary_join_element_wise(pa.array(surnames).take(pa.array(s)), pa.array(givens).take(pa.array(g)), " ")

    def joined(*parts: pa.Array, by: str) -> pa.Array:
        return pc.binary_join_element_wise(*parts, by)

    ints = {name: rng.integers(low, high, BLOCK) for name, low, high in (("a", 1, 9), ("b", 1, 30), ("c", 1, 3000), ("z", 100, 999))}
    town = pa.array(TOWNS).take(pa.array(rng.integers(0, len(TOWNS), BLOCK)))
    house = joined(*(pa.array(ints[n]).cast(pa.string()) for n in "abc"), by="-")
    landline = joined(pa.scalar("03"), digits(3000 + numbers // 10_000 % 4000, 4), digits(numbers % 10_000, 4), by="-")
    mobile = joined(pa.scalar("090"), digits(1000 + numbers // 10_000 % 9000, 4), digits(numbers % 10_000, 4), by="-")
    mail = joined(pa.scalar("user"), joined(pa.array(numbers).cast(pa.string()), pa.scalar("example.co.jp"), by="@"), by=".")
    rows = joined(
        pc.binary_join_element_wise(pa.scalar("C"), digits(numbers, 9), ""),
        named(SURNAMES, GIVEN),
        named(SURNAME_KANA, GIVEN_KANA),
        joined(digits(ints["z"], 3), digits(numbers % 10_000, 4), by="-"),
        pc.binary_join_element_wise(town, house, ""),
        landline,
        mobile,
        mail,
        by=",",
    )
    return ("\n".join(rows.to_pylist()) + "\n").encode()


def write(path: Path, size: int) -> int:
    """The number of rows."""
    rng = np.random.default_rng(1)
    rows = 0
    with path.open("wb") as out:
        out.write((",".join(HEADER) + "\n").encode())
        while out.tell() < size:
            out.write(block(rows, rng))
            rows += BLOCK
    return rows


def workers() -> Iterator[Path]:
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and b"scanner.run.nursery" in (entry / "cmdline").read_bytes():
                yield entry
        except OSError:
            continue


class Watch(threading.Thread):
    """The largest resident size of any worker, looked at four times a second."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak = 0
        self.done = threading.Event()

    def run(self) -> None:
        while not self.done.wait(0.25):
            for process in workers():
                try:
                    self.peak = max(self.peak, int((process / "statm").read_text().split()[1]) * 4096)
                except (OSError, IndexError):
                    continue


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("gb", type=float)
    options.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()), help="where there is room for twice the size")
    asked = options.parse_args()
    with tempfile.TemporaryDirectory(dir=asked.folder) as name:
        folder = Path(name)
        (folder / "share").mkdir()
        path = folder / "share" / "extract.csv"
        rows = write(path, int(asked.gb * 1e9))
        watch = Watch()
        watch.start()
        began = time.monotonic()
        command = [
            str(Path(sys.executable).parent / "strayscan"),
            "scan",
            str(folder / "share"),
            "--out",
            str(folder / "out"),
            "--jobs",
            "1",
            "--json",
        ]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        seconds = time.monotonic() - began
        watch.done.set()
        summary = json.loads(result.stdout)
        size = path.stat().st_size
        print(f"{size / 1e9:.2f} GB, {rows:,} rows, status {result.returncode}, {seconds:.0f} s, {size / seconds / 1e6:.1f} MB/s")
        print(f"persons found {summary['persons']:,} of {rows:,}; peak resident memory of the worker {watch.peak / 2**20:.0f} MiB")
        report(folder / "out")


def report(out: Path) -> None:
    from scanner.api import open_findings

    found = open_findings(out)
    print(found.objects()[["status", "reason", "rows_read", "persons", "bytes_read"]].to_string())
    print(found.findings()[["entity_type", "column", "count", "distinct"]].to_string())


if __name__ == "__main__":
    main()
