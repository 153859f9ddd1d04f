"""How long reading takes with and without people's decisions, and how long decisions take: invented findings, one process.

    python benchmarks/triage.py [FINDINGS] [DECIDED]

Prints processor and wall-clock seconds. The second run reads every object again, so that each ignore is compared value by value.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from scanner.api import open_findings, open_triage, triage
from scanner.findings.decide import Wanted
from scanner.findings.schema import FINDINGS, OBJECTS, VALUES
from scanner.findings.store import open_store
from scanner.model import stable_id

VALUES_EACH = 3
PIECE = 100_000
ROOT = "/share"


def main(findings: int, decided: int) -> None:
    with tempfile.TemporaryDirectory(prefix="strayscan-triage-") as folder:
        out = Path(folder)
        _run(out, findings)
        _timed("open, list, group by department; nothing decided", lambda: _read(out))
        ids = [_finding(number) for number in range(decided)]
        with open_triage(out) as order:
            order.found.sql("SELECT 1")
            for start in range(0, decided, 1_000):
                piece = Wanted(tuple(ids[start : start + 1_000]))
                _timed("ignore 1,000 findings", lambda piece=piece: order.ignore(piece, "known"), quiet=start > 0)  # type: ignore[misc]
            few = Wanted(tuple(ids[-1_000:]))
            _timed("give 1,000 findings a measure", lambda: order.measure(few, "cause", "measure", order.found.today))
        _timed(f"the same with {decided:,} decided", lambda: _read(out))
        _run(out, findings)
        _timed("the same after every object was read again", lambda: _read(out))
        _timed("triage", lambda: triage(out))
        with open_triage(out) as order:
            order.found.sql("SELECT 1")
            _timed("a baseline of the rest", lambda: order.baseline("first look"))
        _timed("open, list, group by department; all decided", lambda: _read(out))
        _run(out, findings)
        _timed("the same after every object was read again", lambda: _read(out))
        print(f"peak resident memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MiB")


def _read(out: Path) -> None:
    with open_findings(out) as found:
        found.sql("SELECT department, state, count(*) AS n FROM findings GROUP BY ALL")
        found.sql("SELECT finding_id, path, entity_type, state, due FROM findings LIMIT 1000")


def _timed(what: str, act: Callable[[], Any], *, quiet: bool = False) -> None:
    wall, processor = time.perf_counter(), time.process_time()
    act()
    if not quiet:
        print(f"{what}: {time.process_time() - processor:.2f} s of processor, {time.perf_counter() - wall:.2f} s", flush=True)


def _finding(number: int) -> str:
    return stable_id(ROOT, f"{number:07d}", "r")


def _run(out: Path, count: int) -> None:
    """One complete run: each object one finding of three values; the same in every run."""
    store = open_store(out, "0011223344556677")
    run_id = store.new_run_id()
    with store.begin(run_id, [ROOT]) as writer:
        for start in range(0, count, PIECE):
            numbers = range(start, min(start + PIECE, count))
            paths = [f"{number:07d}" for number in numbers]
            objects = [stable_id(ROOT, path, None) for path in paths]
            same = {"run_id": run_id, "root": ROOT, "entity_type": "PERSON", "verdict": "stray", "count": 3, "distinct": 3}
            department = [f"department {number % 40}" for number in numbers]
            writer.objects_batch(
                _batch(OBJECTS, len(paths), {**same, "object_id": objects, "path": paths, "status": "scanned", "department": department})
            )
            ids = [_finding(number) for number in numbers]
            rows = _batch(
                FINDINGS,
                len(paths),
                {**same, "finding_id": ids, "object_id": objects, "path": paths, "column": "c", "department": department},
            )
            writer.findings(_dicts(rows))
            prints = pa.array(sorted(hash((number, place)) % 2**64 for number in numbers for place in range(VALUES_EACH)), pa.uint64())
            owners = [object_id for object_id in objects for _ in range(VALUES_EACH)]
            writer.values(_batch(VALUES, len(prints), {**same, "object_id": owners, "fingerprint": prints, "column": "c"}))
        writer.commit({"outcome": "complete", "roots": {"asked": [ROOT], "reached": [ROOT], "not_reached": []}})


def _dicts(batch: pa.RecordBatch) -> Iterator[dict[str, Any]]:
    for piece in range(0, len(batch), 10_000):
        yield from batch.slice(piece, 10_000).to_pylist()


def _batch(schema: pa.Schema, count: int, given: dict[str, Any]) -> pa.RecordBatch:
    columns = []
    for field in schema:
        value = given.get(field.name)
        listed = isinstance(value, list | pa.Array)
        columns.append(pa.array(value, field.type) if listed else pa.repeat(pa.scalar(value, field.type), count))
    return pa.RecordBatch.from_arrays(columns, schema=schema)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000, int(sys.argv[2]) if len(sys.argv) > 2 else 10_000)
