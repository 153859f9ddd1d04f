"""What is handed to other systems: one row per finding and one per object that was not fully read, piece by piece.

An unread object is a record of its own, so that what could not be looked into never passes for clean in the system that receives it.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scanner.findings.errors import StoreError
from scanner.findings.latest import UNREAD

if TYPE_CHECKING:
    from scanner.findings.read import Findings

VERDICTS = ("stray", "approved", "info")
_ROWS = 16_384

COLUMNS = (
    "record", "activity", "time", "run_id", "finding_id", "object_id", "root", "path", "member", "store", "department", "owner", "exposure",
    "media_type", "size_bytes", "modified_at", "status", "status_reason", "excused", "persons", "severity", "copy_of", "entity_type",
    "rule_id", "detector", "score", "place", "column", "count", "distinct", "first_row", "first_line", "samples", "verdict", "reason",
    "state", "assigned_to", "due", "first_seen", "last_seen", "closed_at",
)  # fmt: skip
"""Of a record, in order (docs/reference/export.md)."""

LOCATORS = ("root", "path", "member", "place", "column", "owner")


@dataclass(frozen=True, slots=True)
class Choice:
    """Which records. `run`: as that run wrote them, instead of what holds now. `since`: only what was first found, found anew, closed, or
    not read since then, closed findings among it. `departments`: empty for all; "" stands for what belongs to none."""

    verdicts: Sequence[str] = ("stray",)
    closed: bool = False
    run: str | None = None
    since: datetime.datetime | None = None
    departments: Sequence[str] = ()


def moment(store: Findings, text: str) -> datetime.datetime:
    """The start of a run of the store named by its id, or a day or time as ISO 8601 writes it (UTC where no zone is said).

    Raises `StoreError` for anything else.
    """
    named = store.runs()
    found = named[named["run_id"] == text]
    if len(found):
        started: datetime.datetime = found["started_at"].iloc[0].to_pydatetime()
        return started
    try:
        given = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise StoreError(f"{text} is neither a run in {store.out} nor a date such as 2026-11-28") from None
    return given if given.tzinfo else given.replace(tzinfo=datetime.UTC)


def shortfalls(store: Findings) -> list[tuple[str, str, str]]:
    """(root, run, outcome) of each root of which the newest run is not complete: its list may be short."""
    newest: dict[str, tuple[str, str]] = {}
    for run in store.runs(arrow=True).to_pylist():
        newest |= dict.fromkeys(run["roots_asked"], (run["run_id"], run["outcome"]))
    return sorted((root, run, outcome) for root, (run, outcome) in newest.items() if outcome != "complete")


def records(store: Findings, choice: Choice, order: str = "place") -> Iterator[Mapping[str, Any]]:
    """Rows with the keys `COLUMNS`, times in UTC, in order of their place or (`order="time"`) of their time.

    Memory does not grow with their number: DuckDB sorts on disk. Raises `StoreError` if there is no such run.
    """
    if choice.run is not None:
        store.check_run(choice.run)
    by = (
        '"time", record, finding_id, object_id'
        if order == "time"
        else 'root, path, member NULLS FIRST, record, place, "column", finding_id'
    )
    return _rows(store, f"SELECT * FROM ({_query(choice)}) ORDER BY {by}")


def _rows(store: Findings, query: str) -> Iterator[Mapping[str, Any]]:
    for batch in store.batches(query, _ROWS):
        for row in batch.to_pylist():
            yield {name: _utc(value) if isinstance(value, datetime.datetime) else value for name, value in row.items()}


def _utc(moment: datetime.datetime) -> datetime.datetime:
    return moment.astimezone(datetime.UTC)


_UNDECIDED = "NULL::VARCHAR AS state, NULL::VARCHAR AS assigned_to, NULL::DATE AS due"


def _query(choice: Choice) -> str:
    run = None if choice.run is None else _quoted(choice.run)
    objects = "objects" if run is None else f"(SELECT *, {_UNDECIDED} FROM all_objects WHERE run_id = {run})"
    sources = ["findings"] if run is None else [f"(SELECT * FROM all_findings WHERE run_id = {run})"]
    if run is None and (choice.closed or choice.since is not None):
        sources.append("closed_findings")
    copies = "copies" if run is None else f"(SELECT * FROM all_copies WHERE run_id = {run})"
    wanted = [f"verdict IN ({', '.join(map(_quoted, choice.verdicts))})"] if choice.verdicts else ["false"]
    unread = [UNREAD]
    if choice.departments:
        listed = f"coalesce(department, '') IN ({', '.join(map(_quoted, choice.departments))})"
        wanted.append(listed)
        unread.append(listed)
    since_found = since_unread = ""
    if choice.since is not None:
        at = f"{_quoted(choice.since.isoformat())}::TIMESTAMPTZ"
        since_found = f"WHERE f.first_seen >= {at} OR r.started_at >= {at} OR n.closed_at >= {at}"
        since_unread = f"AND r.started_at >= {at}"
    found = " UNION ALL BY NAME ".join(f"SELECT * FROM {source} WHERE {' AND '.join(wanted)}" for source in sources)
    seen = "f.last_seen" if run is None else "r.started_at"
    activity = f"CASE WHEN f.state = 'closed' THEN 'close' WHEN f.state = 'open' AND f.first_seen >= {seen} THEN 'create' ELSE 'update' END"
    return f"""
WITH found AS ({found}),
here AS (SELECT * FROM {objects}),
copied AS (SELECT object_id, list(DISTINCT store ORDER BY store) AS copy_of FROM {copies} GROUP BY object_id),
away AS (
    SELECT f.object_id, max(r.started_at) AS closed_at
    FROM (SELECT DISTINCT object_id, rtrim(root, '/') || '/' || path AS place FROM found WHERE state = 'closed') f
    JOIN covering c ON starts_with(f.place, c.prefix) JOIN runs r ON r.run_id = c.run_id GROUP BY f.object_id),
ended AS (
    SELECT f.finding_id, f.run_id,
        CASE WHEN r.started_at > f.last_seen THEN r.started_at WHEN a.closed_at > f.last_seen THEN a.closed_at END AS closed_at
    FROM found f LEFT JOIN here o USING (object_id) LEFT JOIN runs r ON r.run_id = o.run_id LEFT JOIN away a ON a.object_id = f.object_id
    WHERE f.state = 'closed')
SELECT 'finding' AS record, {activity} AS activity,
    CASE {activity} WHEN 'create' THEN f.first_seen WHEN 'update' THEN {seen} ELSE coalesce(n.closed_at, f.last_seen) END AS "time",
    f.run_id, f.finding_id, f.object_id, f.root, f.path, f.member, f.store, f.department, o.owner, o.exposure, o.media_type, o.size_bytes,
    o.modified_at, o.status, o.reason AS status_reason, o.excused, o.persons,
    CASE f.verdict WHEN 'stray' THEN o.severity ELSE 'info' END AS severity, c.copy_of,
    f.entity_type, f.rule_id, f.detector, f.score, f.place, f."column", f."count", f."distinct", f.first_row, f.first_line,
    f.samples, f.verdict, f.reason, f.state, f.assigned_to, f.due, f.first_seen, f.last_seen, n.closed_at
FROM found f LEFT JOIN here o USING (object_id) LEFT JOIN copied c ON c.object_id = f.object_id JOIN runs r ON r.run_id = f.run_id
LEFT JOIN ended n ON n.finding_id = f.finding_id AND n.run_id = f.run_id {since_found}
UNION ALL BY NAME
SELECT 'unread' AS record, 'create' AS activity, coalesce(o.scanned_at, r.started_at) AS "time", o.run_id, o.object_id, o.root, o.path,
    o.member, o.store, o.department, o.owner, o.exposure, o.media_type, o.size_bytes, o.modified_at, o.status, o.reason AS status_reason,
    o.excused, o.persons, c.copy_of, 'unread' AS verdict, o.state, o.assigned_to, o.due,
    r.started_at AS last_seen
FROM here o LEFT JOIN copied c USING (object_id) JOIN runs r ON r.run_id = o.run_id WHERE {" AND ".join(unread)} {since_unread}"""


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
