"""Makes the state again from the findings tables, so that a lost or damaged state file costs no full scan.

Facts cannot be made again (the tables do not say how many hits were known contacts), so a changed policy reads such files once more.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from scanner.findings.read import Findings, open_findings
from scanner.model import Reason, Status
from scanner.policy import Policy
from scanner.run.remembered import BESIDE, MOST_OBJECTS, TRANSIENT, is_fresh, kept_of, micros, told_of, valid_until
from scanner.run.state import AGAIN, EXCUSED, FINE, Decides, Record, State

_OBJECTS = """
SELECT o.*, s.full_run FROM objects o JOIN standing s ON o.object_id = s.object_id
WHERE o.file_id IS NOT NULL AND o.path NOT LIKE '%/' ORDER BY o.run_id, o.root, o.path, o.member IS NULL, o.member
"""
_FINDINGS = 'SELECT object_id, entity_type, verdict, rule_id, coalesce("distinct", count, 1) AS weight FROM standing_findings'


def fill(state: State, out: Path, policy: Policy) -> None:
    """Everything that stands in the store, as far as its runs say under which digests they were made."""
    with open_findings(out) as found:
        digests = _digests(found)
        findings = _findings(found)
        rows = _rows(found)
        for run_id, of_run in itertools.groupby(rows, key=lambda row: str(row["run_id"])):
            if run_id not in digests:
                continue
            for record in _records(of_run, findings, policy, state):
                state.remember(record)
            state.save(run_id, digests[run_id], None)


def _digests(found: Findings) -> dict[str, Decides]:
    known = {}
    for row in found.runs(arrow=True).to_pylist():
        told = json.loads(row["manifest"]).get("digests")
        if isinstance(told, dict) and isinstance(told.get("by_type"), dict):
            known[row["run_id"]] = Decides(told["reading"], told["judging"], told["by_type"])
    return known


def _findings(found: Findings) -> dict[str, list[dict[str, Any]]]:
    held: dict[str, list[dict[str, Any]]] = {}
    for row in found.sql(_FINDINGS, arrow=True).to_pylist():
        told = {"entity_type": row["entity_type"], "verdict": row["verdict"], "rule_id": row["rule_id"]}
        held.setdefault(row["object_id"], []).append({**told, "distinct": row["weight"], "count": row["weight"]})
    return held


def _rows(found: Findings) -> Iterator[dict[str, Any]]:
    for batch in found.sql(_OBJECTS, arrow=True).to_batches(max_chunksize=4_096):
        yield from batch.to_pylist()


def _records(
    rows: Iterable[dict[str, Any]], findings: Mapping[str, list[dict[str, Any]]], policy: Policy, state: State
) -> Iterator[Record]:
    for _, group in itertools.groupby(rows, key=lambda row: (row["root"], row["path"])):
        objects = list(group)
        if objects[-1]["member"] is None and objects[-1]["full_run"] is not None:
            yield _record(objects, [findings.get(row["object_id"], []) for row in objects], policy, state)


def _record(objects: list[dict[str, Any]], findings: list[list[dict[str, Any]]], policy: Policy, state: State) -> Record:
    row = objects[-1]
    kind = AGAIN if row["media_type"] in BESIDE or len(objects) > MOST_OBJECTS else max(map(_kind, objects))
    stores = policy.place(f"{row['root'].rstrip('/')}/{row['path']}").stores
    return Record(
        root=row["root"],
        path=row["path"],
        file_id=row["file_id"],
        size=row["size_bytes"],
        modified=micros(row["modified_at"]),
        changed=micros(row["changed_at"]),
        fresh=is_fresh(micros(row["changed_at"]), micros(row["scanned_at"])),
        owner=row["owner"],
        exposure=row["exposure"],
        kind=kind,
        valid_until=valid_until(list(zip(objects, findings, strict=True)), policy),
        hash=row["content_hash"],
        stores=json.dumps(list(stores), ensure_ascii=False) if stores else None,
        kept=None if kind == AGAIN else kept_of(objects),
        found=None if kind == AGAIN else told_of(findings),
        facts=None,
        media_types=frozenset(one["media_type"] for one in objects if one["media_type"] is not None),
        read_run=state.run_number(row["full_run"]),
    )


def _kind(row: Mapping[str, Any]) -> int:
    """An unchanged row repeats the reason for which it was not read."""
    status, reason = Status(row["status"]), None if row["reason"] is None else Reason(row["reason"])
    if status in (Status.SCANNED, Status.NO_TEXT) or (status is Status.UNCHANGED and reason in (None, Reason.BINARY)):
        return FINE
    return EXCUSED if row["excused"] and reason not in TRANSIENT else AGAIN
