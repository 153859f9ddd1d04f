"""How quick the questions of an analyst are: `python benchmarks/answers.py 10_000_000`.

Constructs a store with so many findings, written with the project's own writers: a first run that met everything, and nightly runs in which
most objects are unchanged, a few are read again and a few are gone. Then opens it as a notebook does, lists and groups by department, asks
each of the questions of `scanner.findings.questions`, and writes the exports. Each step runs in a process of its own, and its time and peak memory are told.
"""

from __future__ import annotations

import argparse
import datetime
import json
import multiprocessing
import os
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from scanner import api
from scanner.findings.schema import FINDINGS, OBJECTS
from scanner.findings.store import open_store

KEY_ID = "00112233aabbccdd"
ROOT = "/srv/share"
BLOCK = 100_000
PER_OBJECT = 5
KINDS = ("PERSON", "ADDRESS", "PHONE_NUMBER", "EMAIL_ADDRESS", "DATE_OF_BIRTH")
DEPARTMENTS = tuple(f"Department {number:02d}" for number in range(40))
SEVERITIES = ("critical", "high", "medium", "low")
EXPOSURES = ("everyone", "group", "private", "unknown")
START = datetime.datetime(2026, 1, 5, 20, 0, tzinfo=datetime.UTC)


def _pick(words: tuple[str, ...], draws: Any) -> Any:
    return pa.DictionaryArray.from_arrays(pa.array(draws.astype(np.int32)), pa.array(words)).cast(pa.string())


def _hex(numbers: Any, salt: int) -> Any:
    """32 hex digits each, spread as a hash spreads them."""
    mixed = (numbers.astype(np.uint64) + np.uint64(salt)) * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(29)
    return pa.array([f"{a:016x}{b:016x}" for a, b in zip(mixed.tolist(), (mixed * np.uint64(0xBF58476D1CE4E5B9)).tolist(), strict=True)])


def _filled(schema: pa.Schema, rows: int, columns: dict[str, Any]) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays(
        [columns[field.name] if field.name in columns else pa.nulls(rows, field.type) for field in schema], schema=schema
    )


def _where(numbers: Any) -> dict[str, Any]:
    paths = pa.array([f"dept{n % 40:02d}/project {n // 40 % 500}/file {n}.xlsx" for n in numbers.tolist()])
    return {
        "object_id": _hex(numbers, 1),
        "root": pa.repeat(ROOT, len(numbers)),
        "path": paths,
        "department": _pick(DEPARTMENTS, numbers % 40),
    }


def objects(run_id: str, numbers: Any, unchanged: bool, at: datetime.datetime) -> pa.RecordBatch:
    rows, draws = len(numbers), np.random.default_rng(int(numbers[0])).integers(0, 1000, len(numbers))
    unread = draws < 10
    status = np.where(unread, 1, 2 if unchanged else 0)
    return _filled(
        OBJECTS,
        rows,
        {
            **_where(numbers),
            "run_id": pa.repeat(run_id, rows),
            "media_type": pa.repeat("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", rows),
            "size_bytes": pa.array(draws * 1000 + 1),
            "bytes_read": pa.array(draws * 1000 + 1),
            "modified_at": pa.array((1_600_000_000 + numbers * 7 % 150_000_000) * 1_000_000).cast(OBJECTS.field("modified_at").type),
            "scanned_at": pa.repeat(pa.scalar(at, OBJECTS.field("scanned_at").type), rows),
            "owner": _pick(tuple(f"user{n:03d}" for n in range(300)), numbers % 300),
            "exposure": _pick(EXPOSURES, draws % 4),
            "status": _pick(("scanned", "unreadable", "unchanged"), status),
            "reason": pa.array(np.where(unread, "encrypted", None), pa.string()),
            "excused": pa.array(np.zeros(rows, bool)),
            "persons": pa.array(draws * 3),
            "verdict": _pick(("stray", "unread"), unread.astype(int)),
            "severity": _pick(SEVERITIES, draws % 4),
        },
    )


def findings(run_id: str, numbers: Any, at: datetime.datetime) -> pa.RecordBatch:
    """Five kinds in each of the objects."""
    each = np.repeat(numbers, PER_OBJECT)
    kind = np.tile(np.arange(PER_OBJECT), len(numbers))
    rows = len(each)
    return _filled(
        FINDINGS,
        rows,
        {
            **_where(each),
            "run_id": pa.repeat(run_id, rows),
            "finding_id": _hex(each * PER_OBJECT + kind, 2),
            "entity_type": _pick(KINDS, kind),
            "rule_id": _pick(tuple(f"rule.{k.lower()}" for k in KINDS), kind),
            "detector": pa.repeat("column", rows),
            "score": pa.array(np.full(rows, 0.9)),
            "place": pa.repeat("Sheet1", rows),
            "column": _pick(("氏名", "住所", "電話番号", "メール", "生年月日"), kind),
            "count": pa.array(each % 997 + 1),
            "distinct": pa.array(each % 991 + 1),
            "first_row": pa.array(np.full(rows, 2)),
            "samples": pa.array([["○○ ○○"]] * rows, FINDINGS.field("samples").type),
            "verdict": _pick(("stray", "approved"), (each % 10 == 9).astype(int)),
            "reason": pa.array(np.where(each % 10 == 9, None, "outside_store"), pa.string()),
            "first_seen": pa.repeat(pa.scalar(at, FINDINGS.field("first_seen").type), rows),
        },
    )


def build(out: Path, rows: int, nights: int) -> dict[str, Any]:
    """A first run over all, then nights in which 1 of 100 objects is read again, as many are new, and the rest are unchanged."""
    store = open_store(out, KEY_ID)
    count = rows // PER_OBJECT
    written = 0
    for night in range(nights + 1):
        at = START + datetime.timedelta(days=night)
        run_id = f"{at.strftime('%Y%m%dT%H%M%S.%fZ')}-{night:06x}"
        with store.begin(run_id, [ROOT]) as run:
            for start in range(0, count, BLOCK):
                numbers = np.arange(start, min(start + BLOCK, count))
                again = numbers if night == 0 else numbers[numbers % 100 == night]
                rest = numbers[:0] if night == 0 else numbers[numbers % 100 != night]
                for some, unchanged in ((again, False), (rest, True)):
                    if len(some):
                        run.objects_batch(objects(run_id, some, unchanged, at))
                if len(again):
                    run._rows["findings"].add_batch(findings(run_id, again, at))  # as the store itself adds what it has made of dicts
                    written += len(again) * PER_OBJECT
            roots = {"asked": [ROOT], "reached": [ROOT], "not_reached": []}
            run.commit({"outcome": "complete", "roots": roots, "start": at.isoformat(), "end": at.isoformat()})
    size = sum(file.stat().st_size for file in out.rglob("*.parquet"))
    return {"findings_rows": written, "objects": count, "runs": nights + 1, "megabytes": size / 1e6}


def _timed(ask: Callable[[], Any]) -> tuple[float, float, Any]:
    began, used = time.perf_counter(), time.process_time()
    answer = ask()
    return time.perf_counter() - began, time.process_time() - used, answer


BY_DEPARTMENT = """SELECT department, count(*) AS findings, count(DISTINCT object_id) AS objects, sum("count") AS hits
    FROM findings WHERE verdict = 'stray' GROUP BY department ORDER BY findings DESC"""
LIST = "SELECT * FROM findings WHERE department = 'Department 07' AND verdict = 'stray' ORDER BY path, finding_id LIMIT 1000"


def ask(out: Path) -> Iterator[dict[str, Any]]:
    with api.open_findings(out) as store:
        steps: list[tuple[str, Callable[[], Any]]] = [
            ("open and count", lambda: store.sql("SELECT count(*) FROM findings")),
            ("group by department (SQL)", lambda: store.sql(BY_DEPARTMENT)),
            ("list 1,000 of a department (SQL)", lambda: store.sql(LIST)),
        ]
        for name, question in steps:
            wall, cpu, answer = _timed(question)
            yield {"step": name, "rows": len(answer), "wall_s": wall, "cpu_s": cpu}


def answer(out: Path) -> list[dict[str, Any]]:
    told = list(ask(out))
    told.append({"step": "all of it", "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024})
    return told


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("findings", type=int, nargs="?", default=10_000_000)
    options.add_argument("--nights", type=int, default=3)
    options.add_argument("--store", type=Path, help="keep the constructed store here, or take the one that is there")
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        out = asked.store or Path(folder) / "store"
        context = multiprocessing.get_context("spawn")
        if not out.is_dir():
            with context.Pool(1) as pool:
                _tell(pool.apply(build, (out, asked.findings, asked.nights)))
        with context.Pool(1) as pool:
            for step in pool.apply(answer, (out,)):
                _tell(step)
        _tell({"load": os.getloadavg()[0]})


def _tell(step: dict[str, Any]) -> None:
    print(json.dumps({name: round(value, 2) if isinstance(value, float) else value for name, value in step.items()}), flush=True)


if __name__ == "__main__":
    main()
