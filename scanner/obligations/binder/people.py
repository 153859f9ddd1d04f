"""What people did about findings in a period: decisions, corrective measures, requests of persons."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from scanner.findings.runs import started
from scanner.findings.triage import CLOSED_BY
from scanner.obligations.binder.model import Gap, Section, state_of
from scanner.obligations.binder.runs import Source, as_table

if TYPE_CHECKING:
    import pyarrow as pa

_KINDS = """(SELECT f.finding_id, any_value(f.entity_type) AS entity_type FROM all_findings f
    SEMI JOIN all_decisions USING (finding_id) GROUP BY f.finding_id)"""
_JOINED = f"""
FROM all_decisions d CROSS JOIN asked p
LEFT JOIN decisions n ON n.decision_id = d.decision_id AND n.object_id = d.object_id AND n.finding_id IS NOT DISTINCT FROM d.finding_id
LEFT JOIN {_KINDS} k ON k.finding_id = d.finding_id
"""

_DECISIONS = f"""
SELECT d.decision_id, d.decided_at, d.author, d.action, d.why, d.until, d.assigned_to, d.due, d.finding_id, d.object_id, d.root, d.path,
    d.member, k.entity_type, n.decision_id IS NOT NULL AS stands, n.state AS state_now, n.reopened, d.decided_at >= p.start AS in_period
{_JOINED}
WHERE d.action <> 'measure' AND d.decided_at < p."end"
    AND (d.decided_at >= p.start OR (d.action IN ('ignore', 'accept') AND n.state IN ('ignored', 'accepted')))
ORDER BY d.decision_id, d.root, d.path, d.member, d.finding_id
"""

_MEASURES = f"""
SELECT d.decision_id, d.decided_at, d.author, d.finding_id, d.object_id, d.root, d.path, d.member, k.entity_type, d.cause, d.measure,
    d.due, CASE WHEN n.decision_id IS NULL OR n.measure_state IS NULL THEN 'replaced' ELSE n.measure_state END AS outcome,
    CASE WHEN n.measure_state = 'closed' THEN c.run_id END AS closed_by, NULL::TIMESTAMPTZ AS closed_at,
    d.decided_at >= p.start AS in_period
{_JOINED}
LEFT JOIN ({CLOSED_BY}) c ON c.object_id = d.object_id AND c.finding_id IS NOT DISTINCT FROM d.finding_id
WHERE d.action = 'measure' AND d.decided_at < p."end"
ORDER BY d.decision_id, d.root, d.path, d.member, d.finding_id
"""


def decisions(source: Source) -> Section:
    """Those made in the period, and ignores and acceptances from before it that still hold."""
    ever = _ever(source, "action <> 'measure'")
    table = source.table("decisions", _DECISIONS, asked=_asked(source)) if ever else as_table("decisions", ())
    return Section("decisions", table, state_of(table, ever))


def measures(source: Source) -> Section:
    """Those written down in the period, and those from before it that were not closed when it began. The outcome is that of today."""
    ever = _ever(source, "action = 'measure'")
    if not ever:
        return Section("measures", as_table("measures", ()), state_of(as_table("measures", ()), ever))
    begun = {run.run_id: run.started_at for run in source.every}
    rows = []
    for row in source.table("measures", _MEASURES, asked=_asked(source)).to_pylist():
        row["closed_at"] = begun.get(row["closed_by"] or "") or (started(row["closed_by"]) if row["closed_by"] else None)
        ended = row["outcome"] == "replaced" or (row["closed_at"] is not None and row["closed_at"] < source.period.start)
        if row["in_period"] or not ended:
            rows.append(row)
    table = as_table("measures", rows)
    return Section("measures", table, state_of(table, ever))


def _ever(source: Source, which: str) -> bool:
    return bool(next(source.rows(f"SELECT count(*) AS n FROM all_decisions WHERE {which}"))["n"])


def _asked(source: Source) -> pa.Table:
    import pyarrow as pa

    time = pa.timestamp("us", tz="UTC")
    return pa.table({"start": pa.array([source.period.start], time), "end": pa.array([source.period.end], time)})


# --------------------------------------------------------------------------- requests of persons


def requests(source: Source) -> Section:
    """Requests that came in, or were checked, in the period: numbers alone, for a case's name may be a person's."""
    from scanner.find.cases import FOLDER

    rows, gaps, ever = [], [], False
    for file in sorted((source.found.out / FOLDER).glob("*.json")):
        ever = True
        try:
            row = _request(json.loads(file.read_bytes()), source)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            gaps.append(Gap("record_unreadable", {"records": f"{FOLDER}/*.json", "count": 1}))
            continue
        if row is not None:
            rows.append(row)
    rows.sort(key=lambda row: row["opened_at"])
    table = as_table("requests", ({"number": at, **row} for at, row in enumerate(rows, 1)))
    return Section("requests", table, state_of(table, ever), _added_up(gaps))


def _request(told: Mapping[str, Any], source: Source) -> dict[str, Any] | None:
    opened = moment(told["opened_at"])
    checks = [check for check in told["checks"] if moment(check["checked_at"]) < source.period.end]
    if opened >= source.period.end or not (
        source.period.holds(opened) or any(source.period.holds(moment(c["checked_at"])) for c in checks)
    ):
        return None
    last = checks[-1] if checks else None
    counts = last["counts"] if last is not None else {}
    names = ("gone_value", "gone_object", "left", "unread", "not_looked", "new")
    return {
        "opened_at": opened,
        "places": len(told["matches"]),
        "checks": len(checks),
        "checked_at": None if last is None else moment(last["checked_at"]),
        **{name: None if last is None else int(counts.get(name, 0)) for name in names},
    }


def _added_up(gaps: list[Gap]) -> tuple[Gap, ...]:
    return (Gap("record_unreadable", {**gaps[0].about, "count": len(gaps)}),) if gaps else ()


def moment(text: object) -> datetime.datetime:
    """A moment as records write it; UTC where they do not say. Raises ValueError, TypeError."""
    if not isinstance(text, str):
        raise TypeError("no moment")
    found = datetime.datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=datetime.UTC)
