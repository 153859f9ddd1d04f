"""The usual questions of an analyst, each answered by one call: `open_findings(out).questions.by_department()`.

Every answer is a pandas frame; docs/how-to/work-in-a-notebook.md tells its columns. With `run=` most of them answer as of one past
run. What was not read is counted beside what was found, never left out.
"""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

from scanner.findings.latest import UNREAD

if TYPE_CHECKING:
    import pandas as pd

    from scanner.findings.read import Findings

_COUNTS = """count(*) FILTER (o.verdict = 'stray') AS objects,
    coalesce(sum(o.persons) FILTER (o.verdict = 'stray'), 0)::BIGINT AS persons,
    count(*) FILTER (o.verdict = 'stray' AND o.severity = 'critical') AS critical,
    count(*) FILTER (o.verdict = 'stray' AND o.severity = 'high') AS high,
    count(*) FILTER (o.verdict = 'stray' AND o.exposure = 'everyone') AS open_to_everyone,
    count(*) FILTER (UNREAD AND o.excused IS DISTINCT FROM true) AS unread""".replace("UNREAD", UNREAD)


class Questions:
    """Answers from one opened store. Persons are summed over objects: someone in two files counts twice."""

    def __init__(self, store: Findings) -> None:
        self._store = store

    def by_department(self, run: str | None = None) -> pd.DataFrame:
        """department (null: of none), objects, persons, critical, high, open_to_everyone, unread; most persons first."""
        return self._grouped("o.department", run)

    def by_store(self, run: str | None = None) -> pd.DataFrame:
        """store (null: outside every approved store), and the counts of `by_department`: what a store holds that it may not."""
        return self._grouped("o.store", run)

    def by_folder(self, depth: int = 1, run: str | None = None) -> pd.DataFrame:
        """root, folder (the first `depth` steps of the path; "" for files at the root), and the counts of `by_department`."""
        steps = int(depth)
        parts = "string_split(o.path, '/')"
        folder = f"array_to_string(list_slice({parts}, 1, least({steps}, len({parts}) - 1)), '/') AS folder"
        return self._grouped(f"o.root, {folder}", run, "root, folder")

    def by_kind(self, run: str | None = None) -> pd.DataFrame:
        """entity_type, findings, objects, hits of stray findings; most objects first."""
        return self._store.sql(f"""SELECT entity_type, count(*) AS findings, count(DISTINCT object_id) AS objects,
                coalesce(sum("count"), 0)::BIGINT AS hits
            FROM {self._table("findings", run)} WHERE verdict = 'stray' GROUP BY entity_type ORDER BY objects DESC, entity_type""")

    def exposure(self, run: str | None = None) -> pd.DataFrame:
        """exposure, severity, objects, persons of stray objects: who can read how much of how bad."""
        return self._store.sql(f"""SELECT * FROM (
                SELECT coalesce(exposure, 'unknown') AS exposure, severity, count(*) AS objects,
                    coalesce(sum(persons), 0)::BIGINT AS persons
                FROM {self._table("objects", run)} WHERE verdict = 'stray' GROUP BY ALL)
            ORDER BY list_position(['everyone', 'group', 'unknown', 'private'], exposure),
                list_position(['critical', 'high', 'medium', 'low', 'info'], severity)""")

    def new_since(self, since: str | datetime.datetime) -> pd.DataFrame:
        """Open stray findings first found since then (a run's id, a time in ISO 8601, or a moment): department, root, path, member, place,
        column, entity_type, count, severity, first_seen. Raises `StoreError` for anything else."""
        from scanner.findings.records import moment

        at = since if isinstance(since, datetime.datetime) else moment(self._store, since)
        if at.tzinfo is None:
            at = at.replace(tzinfo=datetime.UTC)
        return self._store.sql(f"""SELECT f.department, f.root, f.path, f.member, f.place, f."column", f.entity_type, f."count", o.severity,
                f.first_seen
            FROM findings f LEFT JOIN objects o USING (object_id)
            WHERE f.verdict = 'stray' AND f.first_seen >= '{at.isoformat()}'::TIMESTAMPTZ
            ORDER BY list_position(['critical', 'high', 'medium', 'low', 'info'], o.severity), f.root, f.path, f.member, f.finding_id""")

    def oldest_copies(self, limit: int = 20) -> pd.DataFrame:
        """Objects that hold copies of approved stores, the oldest file first: store, root, path, member, matched_records, store_records,
        evidence, owner, exposure, modified_at, first_seen (of what is stray in it)."""
        return self._store.sql(f"""WITH seen AS (
                SELECT object_id, min(first_seen) AS first_seen FROM findings WHERE verdict = 'stray' GROUP BY object_id)
            SELECT c.store, c.root, c.path, c.member, c.matched_records, c.store_records, c.evidence, o.owner, o.exposure, o.modified_at,
                s.first_seen
            FROM copies c JOIN objects o USING (object_id) LEFT JOIN seen s USING (object_id)
            ORDER BY o.modified_at NULLS LAST, c.matched_records DESC, c.root, c.path, c.member, c.store LIMIT {int(limit)}""")

    def unread(self, run: str | None = None) -> pd.DataFrame:
        """status, reason, excused, objects, bytes, example (a path and member): what was not fully read, and why."""
        return self._store.sql(f"""SELECT o.status, o.reason, o.excused IS NOT DISTINCT FROM true AS excused, count(*) AS objects,
                coalesce(sum(o.size_bytes), 0)::BIGINT AS bytes, min(o.path || coalesce('!' || o.member, '')) AS example
            FROM {self._table("objects", run)} o WHERE {UNREAD} GROUP BY 1, 2, 3 ORDER BY 3, objects DESC, 1, 2""")

    def trend(self) -> pd.DataFrame:
        """One row per run, oldest first: run_id, started_at, outcome, roots, objects, stray, unread, persons, new (findings first found by
        it). Runs over different roots, or that are not `complete`, do not compare: look at `roots` and `outcome`."""
        return self._store.sql(f"""WITH met AS (
                SELECT o.run_id, count(*) AS objects, count(*) FILTER (o.verdict = 'stray') AS stray,
                    count(*) FILTER ({UNREAD} AND o.excused IS DISTINCT FROM true) AS unread,
                    coalesce(sum(o.persons) FILTER (o.verdict = 'stray'), 0)::BIGINT AS persons
                FROM all_objects o GROUP BY o.run_id),
            first AS (SELECT finding_id, min(run_id) AS run_id FROM all_findings WHERE verdict = 'stray' GROUP BY finding_id),
            found AS (SELECT run_id, count(*) AS new FROM first GROUP BY run_id)
            SELECT r.run_id, r.started_at, r.outcome, r.roots_asked AS roots,
                coalesce(m.objects, 0) AS objects, coalesce(m.stray, 0) AS stray,
                coalesce(m.unread, 0) AS unread, coalesce(m.persons, 0) AS persons, coalesce(n.new, 0) AS new
            FROM runs r LEFT JOIN met m USING (run_id) LEFT JOIN found n USING (run_id) ORDER BY r.run_id""")

    def _grouped(self, keys: str, run: str | None, names: str | None = None) -> pd.DataFrame:
        return self._store.sql(f"""SELECT * FROM (SELECT {keys}, {_COUNTS} FROM {self._table("objects", run)} o GROUP BY ALL)
            WHERE objects > 0 OR unread > 0
            ORDER BY persons DESC, objects DESC, unread DESC, {names or keys.removeprefix("o.")}""")

    def _table(self, table: str, run: str | None) -> str:
        """Raises `StoreError` if there is no such run."""
        if run is None:
            return table
        self._store.check_run(run)
        return f"(SELECT * FROM all_{table} WHERE run_id = '{run}')"
