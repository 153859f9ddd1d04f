"""Invented rows for tests of the store."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa

from scanner.findings.schema import TABLES, VALUES
from scanner.findings.store import Store, open_store

KEY_ID = "00112233aabbccdd"
ROOT = "/share"


def row(table: str, **given: Any) -> dict[str, Any]:
    return dict.fromkeys(name for name in TABLES[table].names if name != "run_id") | given


def object_row(
    path: str, member: str | None = None, status: str = "scanned", root: str = ROOT, reason: str | None = None
) -> dict[str, Any]:
    name = f"{root}|{path}|{member}"
    return row("objects", object_id=name, root=root, path=path, member=member, status=status, reason=reason, scanned_at=time.time())


def finding_row(path: str, rule: str = "r", root: str = ROOT, member: str | None = None) -> dict[str, Any]:
    name = f"{root}|{path}|{member}"
    return row(
        "findings",
        finding_id=f"{name}|{rule}",
        object_id=name,
        root=root,
        path=path,
        member=member,
        rule_id=rule,
        entity_type="PERSON",
        samples=["○○"],
    )


def value_batch(run_id: str, fingerprints: Iterable[int], path: str = "a", root: str = ROOT) -> pa.RecordBatch:
    rows = [
        {
            "run_id": run_id,
            "object_id": f"{root}|{path}|None",
            "entity_type": "PERSON",
            "fingerprint": f,
            "place": None,
            "column": "c",
            "rows": [1, 2],
            "count": 2,
        }
        for f in fingerprints
    ]
    return pa.RecordBatch.from_pylist(rows, VALUES)


def told(outcome: str = "complete", roots: Iterable[str] = (ROOT,), **more: Any) -> dict[str, Any]:
    asked = list(roots)
    return {"outcome": outcome, "roots": {"asked": asked, "reached": asked, "not_reached": []}, **more}


def publish(
    out: Path,
    objects: Iterable[dict[str, Any]] = (),
    findings: Iterable[dict[str, Any]] = (),
    *,
    outcome: str = "complete",
    root: str = ROOT,
    fingerprints: Iterable[int] = (),
    store: Store | None = None,
    key_id: str = KEY_ID,
) -> str:
    """One whole run; its name."""
    store = store or open_store(out, key_id)
    run_id = store.new_run_id()
    with store.begin(run_id, [root]) as writer:
        writer.objects(objects)
        writer.findings(findings)
        writer.values(value_batch(run_id, fingerprints, root=root))
        writer.commit(told(outcome, [root]))
    return run_id
