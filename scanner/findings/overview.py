"""What of a store still asks for somebody: counts by state, and what comes first."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from scanner.findings.errors import StoreError
from scanner.findings.read import Findings, open_findings

if TYPE_CHECKING:
    import pyarrow as pa

SOON: Final = 14
"""Days before its end from which on an ignore or acceptance counts as running out."""

URGENT: Final = ("recurred", "measure_overdue", "overdue", "reopened", "open", "in_hand")
"""Why something asks for attention, the most pressing first; `in_hand`: assigned or with a measure, and in time."""


@dataclass(frozen=True, slots=True)
class Item:
    """An open stray finding, an unread object, or something whose measure is not closed. `id`: a finding_id or an object_id."""

    id: str
    is_finding: bool
    urgency: str
    reopened: str | None
    severity: str | None
    entity_type: str | None
    unread_reason: str | None
    root: str
    path: str
    member: str | None
    place: str | None
    column: str | None
    department: str | None
    assigned_to: str | None
    due: datetime.date | None
    measure_due: datetime.date | None
    state: str


@dataclass(frozen=True, slots=True)
class Overview:
    """`states`: state -> stray findings in it; `unread`: state -> objects not fully read; `reopened`, `measures`: word -> findings and
    objects; `incomplete`: roots whose newest run did not come to its end; `more`: how many items are not in `items`."""

    states: Mapping[str, int]
    unread: Mapping[str, int]
    reopened: Mapping[str, int]
    measures: Mapping[str, int]
    assigned: int
    overdue: int
    ending_soon: int
    incomplete: tuple[str, ...]
    items: tuple[Item, ...]
    more: int
    problems: tuple[str, ...]

    @property
    def exit_status(self) -> int:
        """0: nothing is open; 1: open stray findings; 3: something was not read, or may be missing, that nobody has decided about."""
        if self.unread.get("open") or self.incomplete or self.problems:
            return 3
        return 1 if self.states.get("open") else 0

    def to_json(self) -> dict[str, Any]:
        items = [{name: _plain(value) for name, value in asdict(item).items()} for item in self.items]
        return {**{name: _plain(getattr(self, name)) for name in self.__slots__}, "items": items, "exit_status": self.exit_status}


def overview(
    out: Path, *, department: str | None = None, to: str | None = None, most: int = 20, today: datetime.date | None = None
) -> Overview:
    """As of `today`, of one department or of what is assigned to somebody. At most `most` items. Raises `StoreError`."""
    import pyarrow as pa

    if not (out / "runs").is_dir():
        raise StoreError(f"there are no findings in {out}")
    with open_findings(out, today) as found:
        asked = pa.table({"department": pa.array([department], pa.string()), "person": pa.array([to], pa.string()), "most": [most]})
        (counts,) = _rows(found, _COUNTS, asked)
        items = tuple(Item(**row) for row in _rows(found, _ITEMS, asked))
        incomplete = tuple(row["root"] for row in _rows(found, _INCOMPLETE, asked))
        return Overview(
            states=_counted(counts["states"]),
            unread=_counted(counts["unread"]),
            reopened=_counted(counts["reopened"]),
            measures=_counted(counts["measures"]),
            assigned=counts["assigned"],
            overdue=counts["overdue"],
            ending_soon=counts["ending_soon"],
            incomplete=incomplete,
            items=items,
            more=max(0, counts["items"] - len(items)),
            problems=tuple(found.problems),
        )


def _rows(found: Findings, query: str, asked: pa.Table) -> list[dict[str, Any]]:
    import duckdb

    try:
        return [row for batch in found.batches(query, asked=asked) for row in batch.to_pylist()]
    except duckdb.Error:
        found.verify()
        return [row for batch in found.batches(query, asked=asked) for row in batch.to_pylist()]


_RELEVANT: Final = """
WITH stray AS (
    SELECT * FROM (SELECT * FROM findings UNION ALL SELECT * FROM closed_findings) f, asked a
    WHERE f.verdict = 'stray' AND (a.department IS NULL OR f.department = a.department)
        AND (a.person IS NULL OR f.assigned_to = a.person)),
unread AS (
    SELECT * FROM objects o, asked a
    WHERE o.state IS NOT NULL AND (a.department IS NULL OR o.department = a.department) AND (a.person IS NULL OR o.assigned_to = a.person)),
item AS (
    SELECT s.finding_id AS id, true AS is_finding, s.reopened, o.severity, s.entity_type, NULL::VARCHAR AS unread_reason,
        s.root, s.path, s.member, s.place, s."column", s.department, s.assigned_to, s.due, s.measure_due, s.state,
        s.overdue, s.measure_state
    FROM stray s LEFT JOIN objects o USING (object_id)
    WHERE s.state = 'open' OR s.measure_state IN ('pending', 'overdue', 'recurred')
    UNION ALL
    SELECT u.object_id, false, u.reopened, u.severity, NULL, u.reason, u.root, u.path, u.member, NULL, NULL, u.department, u.assigned_to,
        u.due, u.measure_due, u.state, u.overdue, u.measure_state
    FROM unread u WHERE u.state = 'open'),
ordered AS (
    SELECT *, CASE WHEN measure_state = 'recurred' THEN 'recurred' WHEN measure_state = 'overdue' THEN 'measure_overdue'
        WHEN overdue THEN 'overdue' WHEN reopened IS NOT NULL AND state = 'open' THEN 'reopened'
        WHEN assigned_to IS NULL AND measure_state IS DISTINCT FROM 'pending' THEN 'open' ELSE 'in_hand' END AS urgency
    FROM item)
"""

_COUNTS: Final = (
    _RELEVANT
    + f"""
SELECT
    (SELECT map_from_entries(list((state, n))) FROM (SELECT state, count(*) AS n FROM stray GROUP BY state)) AS states,
    (SELECT map_from_entries(list((state, n))) FROM (SELECT state, count(*) AS n FROM unread GROUP BY state)) AS unread,
    (SELECT map_from_entries(list((reopened, n))) FROM (
        SELECT reopened, count(*) AS n FROM item WHERE state = 'open' AND reopened IS NOT NULL GROUP BY reopened)) AS reopened,
    (SELECT map_from_entries(list((measure_state, n))) FROM (
        SELECT measure_state, count(*) AS n FROM (SELECT measure_state FROM stray UNION ALL SELECT measure_state FROM unread)
        WHERE measure_state IS NOT NULL GROUP BY measure_state)) AS measures,
    (SELECT count(*) FROM item WHERE assigned_to IS NOT NULL) AS assigned,
    (SELECT count(*) FROM item WHERE overdue) AS overdue,
    (SELECT count(*) FROM (SELECT state, until FROM stray UNION ALL SELECT state, until FROM unread)
        WHERE state IN ('ignored', 'accepted') AND until <= (SELECT today FROM clock) + {SOON}) AS ending_soon,
    (SELECT count(*) FROM item) AS items
"""
)

_ITEMS: Final = (
    _RELEVANT
    + f"""
SELECT id, is_finding, urgency, reopened, severity, entity_type, unread_reason, root, path, member, place, "column", department,
    assigned_to, due, measure_due, state
FROM ordered
ORDER BY list_position({list(URGENT)!r}, urgency), list_position(['critical', 'high', 'medium', 'low', 'info'], severity) NULLS LAST,
    is_finding DESC, root, path, member NULLS FIRST, place NULLS FIRST, "column" NULLS FIRST, id
LIMIT (SELECT most FROM asked)
"""
)

_INCOMPLETE: Final = """
SELECT root FROM (SELECT unnest(roots_asked) AS root, run_id, outcome FROM runs)
GROUP BY root HAVING arg_max(outcome, run_id) <> 'complete' ORDER BY root
"""


def _counted(pairs: Sequence[tuple[str, int]] | None) -> dict[str, int]:
    """A DuckDB map, as Arrow gives it."""
    return dict(sorted(pairs or ()))


def _plain(value: Any) -> Any:
    if isinstance(value, datetime.date):
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value
