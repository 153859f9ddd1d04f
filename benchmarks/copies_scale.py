"""How large, how fast and how flat the index of an approved store is: `python benchmarks/copies_scale.py 10_000_000`.

Rows of invented fingerprints stand for a store of five columns (name, address, phone, e-mail, date of birth), so that the index alone is
measured, not the reading of the store. Names and birth dates repeat as they do among people. A copy of a part of it, with as many strangers,
is then compared with the index. Each step runs in a process of its own, and its peak memory is told.

`--scan` scans extracts of strangers and prose with and without a store of so many rows (a real CSV this time), by turns, and tells
the ratio of their times.
"""

from __future__ import annotations

import argparse
import itertools
import json
import multiprocessing
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from material import extract_lines, prose_lines, write_lines
from pyarrow import parquet

from scanner import api
from scanner.config import CopySettings, StoreTracing
from scanner.copies.index import Index, SourceObject, update
from scanner.copies.matching import Matcher
from scanner.findings.schema import VALUES

BLOCK = 1 << 17
COLUMNS = (("PERSON", "name"), ("ADDRESS", "address"), ("PHONE_NUMBER", "phone"), ("EMAIL_ADDRESS", "mail"), ("DATE_OF_BIRTH", "born"))
NAMES = 400_000  # different full names at most; a few stand very often
DAYS = 25_000
FILES = 10


def mixed(keys: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """SplitMix64's finalizer: invented tags."""
    with np.errstate(over="ignore"):
        keys = (keys ^ (keys >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        keys = (keys ^ (keys >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return keys ^ (keys >> np.uint64(31))


def tags(kind: int, people: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """The fingerprints of one column of these people."""
    draws = mixed(people + np.uint64(kind << 56))
    if COLUMNS[kind][0] == "PERSON":
        share = (draws >> np.uint64(11)).astype(np.float64) / 2**53
        draws = (NAMES * share**3).astype(np.uint64)  # the most frequent name is that of one in seventy
    elif COLUMNS[kind][0] == "DATE_OF_BIRTH":
        draws %= np.uint64(DAYS)
    return mixed(draws + np.uint64((kind + 100) << 50))


def tables(object_id: str, people: npt.NDArray[np.uint64]) -> Iterator[pa.Table]:
    """Rows of `values` of an object in which these people stand, one a row."""
    for start in range(0, len(people), BLOCK):
        some = people[start : start + BLOCK]
        rows = np.arange(start + 2, start + 2 + len(some), dtype=np.int32)
        for kind, (entity, column) in enumerate(COLUMNS):
            yield pa.table(
                {
                    "run_id": pa.repeat("r", len(some)),
                    "object_id": pa.repeat(object_id, len(some)),
                    "entity_type": pa.repeat(entity, len(some)),
                    "fingerprint": pa.array(tags(kind, some)),
                    "place": pa.nulls(len(some), pa.string()),
                    "column": pa.repeat(column, len(some)),
                    "rows": pa.ListArray.from_arrays(np.arange(len(some) + 1, dtype=np.int32), rows),
                    "count": pa.array(np.ones(len(some), np.int64)),
                },
                schema=VALUES,
            )


def build(folder: Path, rows: int) -> dict[str, Any]:
    people = np.arange(rows, dtype=np.uint64)

    def read(_: Collection[str]) -> Iterator[pa.Table]:
        return tables("store", people)

    began, used = time.perf_counter(), time.process_time()
    for _ in read(()):
        pass
    made = time.process_time() - used  # the invention of the data, which both passes pay for
    began, used = time.perf_counter(), time.process_time()
    counts = update(folder, "store", "key", StoreTracing(), [SourceObject("store", "store.csv", "1", rows_read=rows)], read, folder)
    cpu, wall = time.process_time() - used - 2 * made, time.perf_counter() - began
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    return {
        "rows": rows,
        "cells": counts.cells,
        "bytes_a_cell": size / counts.cells,
        "cpu_s": cpu,
        "wall_s": wall,
        "rows_a_cpu_second": rows / cpu,
    }


def match(folder: Path, rows: int, copied: int) -> dict[str, Any]:
    """An object that holds `copied` of the store's people and as many others."""
    people = (
        np.random.default_rng(7)
        .permutation(np.concatenate([np.arange(copied) * (rows // copied), rows + np.arange(copied)]))
        .astype(np.uint64)
    )
    path = folder / "object.parquet"
    with parquet.ParquetWriter(path, VALUES, compression="zstd") as writer:
        for table in tables("object", people):
            writer.write_table(table)
    used, began = time.process_time(), time.perf_counter()
    (fact,) = Matcher(Index.open(folder, "key", ["store"]), CopySettings(), folder).match(path, object_records=2 * copied)
    return {
        "copied": copied,
        "found": fact.matched_records,
        "cpu_s": time.process_time() - used,
        "wall_s": time.perf_counter() - began,
        "object_rows_a_second": 2 * copied / (time.process_time() - used),
    }


POLICY = """version: 1
stores:
  - {name: master, paths: ["store/**"], allow: ["*"]}
copies: {stores: {master: {trace: %s}}}
"""


def scan_ratio(folder: Path, rows: int, megabytes: int, runs: int) -> dict[str, Any]:
    """Seconds of a scan with an index of a store of `rows` rows loaded, and without: medians of turns."""
    os.environ["XDG_DATA_HOME"], os.environ["XDG_CONFIG_HOME"] = str(folder / "data"), str(folder / "config")
    for name in ("store", "share"):
        (folder / name).mkdir()
    with (folder / "store" / "master.csv").open("w", encoding="utf-8") as out:
        out.writelines(line + "\n" for line in itertools.islice(extract_lines(11), rows + 1))
    for number in range(FILES):
        write_lines(folder / "share" / f"extract{number}.csv", extract_lines(12 + number), megabytes * 10**6 // FILES)
        write_lines(folder / "share" / f"prose{number}.txt", prose_lines(12 + number), megabytes * 10**5 // FILES)
    used = time.perf_counter()
    for name, trace in (("with", "yes"), ("without", "no")):
        (folder / f"{name}.yaml").write_text(POLICY % trace, encoding="utf-8")
    refreshed = api.refresh_stores(folder / "with.yaml", jobs=1)
    told: dict[str, Any] = {"store_rows": refreshed.stores[0].state.records, "refresh_s": time.perf_counter() - used}
    seconds: dict[str, list[float]] = {"with": [], "without": []}
    for run in range(runs):
        for name, taken in seconds.items():
            began = time.perf_counter()
            api.scan(folder / "share", folder / f"{name}.yaml", out=folder / f"out-{name}-{run}", jobs=1)
            taken.append(time.perf_counter() - began)
    medians = {name: statistics.median(taken) for name, taken in seconds.items()}
    return {**told, **{f"{name}_s": value for name, value in medians.items()}, "ratio": medians["with"] / medians["without"]}


def _apart(work: Any, *arguments: Any) -> dict[str, Any]:
    """The figures of `work` with the peak memory of the process it ran in."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_with_peak, (work, *arguments))


def _with_peak(work: Any, *arguments: Any) -> dict[str, Any]:
    told: dict[str, Any] = work(*arguments)
    return {**told, "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("rows", type=int, nargs="?", default=1_000_000)
    options.add_argument("--copied", type=int, default=10_000)
    options.add_argument("--scan", action="store_true", help="measure scans with and without the index instead")
    options.add_argument("--megabytes", type=int, default=30)
    options.add_argument("--runs", type=int, default=3)
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if asked.scan:
            steps = [_apart(scan_ratio, Path(folder), asked.rows, asked.megabytes, asked.runs)]
        else:
            steps = [_apart(build, Path(folder), asked.rows), _apart(match, Path(folder), asked.rows, asked.copied)]
        for step in steps:
            print(json.dumps({name: round(value, 2) if isinstance(value, float) else value for name, value in step.items()}))


if __name__ == "__main__":
    main()
