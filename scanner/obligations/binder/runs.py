"""What the runs of a period say: roots, coverage, what stayed unread, rules and policies by hash, approved stores."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scanner.findings.latest import UNREAD
from scanner.obligations.binder.model import NEVER, NOT_GIVEN, NOT_IN_PERIOD, RECORDED, Gap, Period, Section, state_of
from scanner.obligations.binder.schema import SECTIONS
from scanner.policy.drill import STORE as DRILL_STORE

if TYPE_CHECKING:
    import pyarrow as pa

    from scanner.findings.read import Findings
    from scanner.policy import Excuse, Policy


@dataclass(frozen=True, slots=True)
class Run:
    """A run that happened, with its manifest."""

    run_id: str
    started_at: datetime.datetime
    ended_at: datetime.datetime | None
    outcome: str
    key_id: str
    told: Mapping[str, Any]

    def roots(self, how: str) -> list[str]:
        """`how`: asked, reached, not_reached."""
        return list(self.told["roots"][how])


class Source:
    """A store opened for a binder. Runs belong to the period in which they began, so that two periods side by side share none."""

    def __init__(self, found: Findings, period: Period, policy: Policy | None, hashes: Mapping[str, str]) -> None:
        """`hashes`: run -> BLAKE3 of its manifest."""
        self.found = found
        self.period = period
        self.policy = policy
        self.hashes = hashes
        self.every = [
            _run(row) for row in self.rows("SELECT run_id, started_at, ended_at, outcome, key_id, manifest FROM runs ORDER BY run_id")
        ]
        self.runs = [run for run in self.every if period.holds(run.started_at)]
        self.last = {root: run for run in self.runs for root in run.roots("asked")}

    def rows(self, query: str, **tables: pa.Table) -> Iterator[dict[str, Any]]:
        for batch in self.found.batches(query, **tables):
            yield from batch.to_pylist()

    def table(self, section: str, query: str, **tables: pa.Table) -> pa.Table:
        """The answer to a query in the schema of a section."""
        import pyarrow as pa

        schema = SECTIONS[section]
        batches = [batch for batch in self.found.batches(query, **tables) if len(batch)]
        return pa.Table.from_batches(batches).select(schema.names).cast(schema) if batches else schema.empty_table()


def _run(row: Mapping[str, Any]) -> Run:
    return Run(row["run_id"], row["started_at"], row["ended_at"], row["outcome"], row["key_id"], json.loads(row["manifest"]))


def as_table(section: str, rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    import pyarrow as pa

    return pa.Table.from_pylist(list(rows), SECTIONS[section])


# --------------------------------------------------------------------------- scope


def roots(source: Source) -> Section:
    """One row for every root that was ever asked for up to the end of the period."""
    known = [run for run in source.every if run.started_at < source.period.end]
    rows: dict[str, dict[str, Any]] = {}
    for run in known:
        for root in run.roots("asked"):
            row = rows.setdefault(root, {"root": root, "runs": 0, "complete": 0, "not_reached": 0})
            inside = source.period.holds(run.started_at)
            row["runs"] += inside
            row["complete"] += inside and run.outcome == "complete"
            row["not_reached"] += inside and root in run.roots("not_reached")
            row |= {"last_run": run.run_id, "last_at": run.started_at, "last_outcome": run.outcome, "in_period": inside}
            row["last_reached"] = root not in run.roots("not_reached")
    gaps = [Gap("no_run")] if not source.runs else []
    for root, run in sorted(source.last.items()):
        if root in run.roots("not_reached"):
            gaps.append(Gap("root_not_reached", {"root": root, "run": run.run_id}))
        elif run.outcome != "complete":
            gaps.append(Gap("run_not_complete", {"root": root, "run": run.run_id, "outcome": run.outcome}))
    table = as_table("roots", (rows[root] for root in sorted(rows)))
    state = RECORDED if source.runs else NOT_IN_PERIOD if source.every else NEVER
    return Section("roots", table, state, tuple(gaps))


def runs(source: Source) -> Section:
    table = as_table("runs", (_run_row(run, source.hashes.get(run.run_id)) for run in source.runs))
    return Section("runs", table, state_of(table, bool(source.every)))


def _run_row(run: Run, digest: str | None) -> dict[str, Any]:
    verdicts = run.told.get("counts", {}).get("verdict", {})
    return {
        "run_id": run.run_id,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
        "outcome": run.outcome,
        **{how: run.roots(how) for how in ("asked", "reached", "not_reached")},
        **{name: _text(run.told.get(name)) for name in ("host", "account", "program", "policy")},
        "key_id": run.key_id,
        "objects": run.told.get("objects_met"),
        "bytes_read": run.told.get("bytes_read"),
        **{name: int(verdicts.get(name, 0)) if verdicts or run.told.get("counts") else None for name in _VERDICTS},
        "manifest_blake3": digest,
    }


_VERDICTS = ("stray", "unread", "approved", "clean")


def _text(value: object) -> str | None:
    return None if value is None else str(value)


# --------------------------------------------------------------------------- coverage

_COVERAGE = """
SELECT o.run_id, o.root, o.status, o.reason, coalesce(o.excused, false) AS excused, count(*)::BIGINT AS objects,
    coalesce(sum(o.size_bytes) FILTER (o.member IS NULL), 0)::BIGINT AS size_bytes,
    coalesce(sum(o.bytes_read) FILTER (o.member IS NULL), 0)::BIGINT AS bytes_read, any_value(w.last) AS last
FROM all_objects o JOIN wanted w ON o.run_id = w.run_id AND starts_with(rtrim(o.root, '/') || '/', w.prefix)
GROUP BY o.run_id, o.root, o.status, o.reason, coalesce(o.excused, false)
ORDER BY o.run_id, o.root, objects DESC, o.status, o.reason
"""

_UNREAD = f"""
SELECT o.run_id, o.root, o.path, o.member, o.department, o.status, o.reason, o.size_bytes, coalesce(o.excused, false) AS excused,
    NULL::VARCHAR AS excused_why, n.state AS state_now, n.decided_by, n.decided_at, n.decided_why, n.until
FROM all_objects o JOIN wanted w ON w.last AND o.run_id = w.run_id AND starts_with(rtrim(o.root, '/') || '/', w.prefix)
LEFT JOIN objects n ON n.object_id = o.object_id
WHERE {UNREAD} ORDER BY o.root, o.path, o.member
"""


def coverage(source: Source) -> Section:
    table = source.table("coverage", _COVERAGE, wanted=_wanted(source))
    return Section("coverage", table, state_of(table, bool(source.every)))


def unread(source: Source) -> Section:
    """Objects that the last run over each root did not read in full, with what the policy and people say of them."""
    rows = list(source.table("unread", _UNREAD, wanted=_wanted(source)).to_pylist())
    for row in rows if source.policy is not None else ():
        excuse = excuse_for(source.policy, row, source.period.last) if source.policy is not None and row["excused"] else None
        row["excused_why"] = None if excuse is None else excuse.why
    left = sum(not row["excused"] and row["state_now"] not in ("ignored", "accepted") for row in rows)
    table = as_table("unread", rows)
    gaps = (Gap("unread", {"count": left}),) if left else ()
    # nothing unread is a good thing to be told of a period that has runs, and not that nothing was recorded
    return Section("unread", table, RECORDED if source.runs else state_of(table, bool(source.every)), gaps)


def excuse_for(policy: Policy, row: Mapping[str, Any], day: datetime.date) -> Excuse | None:
    place = f"{row['root'].rstrip('/')}/{row['path']}"
    fitting = [excuse for excuse in policy.excuses_at(place) if row["reason"] in excuse.reasons]
    return next((excuse for excuse in fitting if excuse.holds(row["reason"], day)), fitting[0] if fitting else None)


def _wanted(source: Source) -> pa.Table:
    """Each run with each root that it was asked for. `last`: no later run of the period was asked for it."""
    import pyarrow as pa

    rows = [(run.run_id, root, source.last[root] is run) for run in source.runs for root in run.roots("asked")]
    return pa.table(
        {
            "run_id": pa.array([run for run, _, _ in rows], pa.string()),
            "prefix": pa.array([root.rstrip("/") + "/" for _, root, _ in rows], pa.string()),
            "last": pa.array([last for _, _, last in rows], pa.bool_()),
        }
    )


def excuses(source: Source, unread_rows: Sequence[Mapping[str, Any]]) -> Section:
    """What the policy lets be unread, and how many objects that is."""
    policy = source.policy
    if policy is None:
        return Section("excuses", as_table("excuses", ()), NOT_GIVEN)
    counts: dict[int, int] = {}
    for row in unread_rows:
        excuse = excuse_for(policy, row, source.period.last) if row["excused"] else None
        if excuse is not None:
            at = policy.excuses.index(excuse)
            counts[at] = counts.get(at, 0) + 1
    rows = [
        {
            "reasons": sorted(excuse.reasons),
            "paths": [glob.source for glob in excuse.paths],
            "why": excuse.why,
            "until": excuse.until,
            "expired": excuse.until is not None and excuse.until < source.period.last,
            "objects": counts.get(at, 0),
        }
        for at, excuse in enumerate(policy.excuses)
    ]
    return Section("excuses", as_table("excuses", rows), RECORDED if rows else NEVER)


# --------------------------------------------------------------------------- rules


def rules(source: Source) -> Section:
    """What decided the outcomes, by hash: for each component, and the roots asked together, the stretches over which it was the same. The
    last run before the period is looked at too, so that a change at its beginning is one."""
    series: dict[tuple[str, ...], list[Run]] = {}
    before: dict[tuple[str, ...], Run] = {}
    for run in source.every:
        asked = tuple(sorted(run.roots("asked")))
        if source.period.holds(run.started_at):
            series.setdefault(asked, []).append(run)
        elif run.started_at < source.period.start:
            before[asked] = run
    rows = [row for asked in sorted(series) for row in _stretches(asked, before.get(asked), series[asked])]
    table = as_table("rules", rows)
    return Section("rules", table, state_of(table, bool(source.every)), tuple(_policy_gaps(source)))


def _stretches(asked: Sequence[str], before: Run | None, some: Sequence[Run]) -> Iterator[dict[str, Any]]:
    told = [_components(run) for run in some]
    former = _components(before) if before is not None else {}
    for component in sorted(former.keys() | {name for one in told for name in one}):
        stretch: dict[str, Any] = {}
        value = former.get(component)
        known = before is not None  # of what is first seen nobody can say that it changed
        for run, one in zip(some, told, strict=True):
            now = one.get(component)
            if not stretch or now != value:
                if stretch:
                    yield stretch
                stretch = {"component": component, "value": now, "roots": list(asked), "runs": 0, "changed": known and now != value}
                stretch |= {"first_run": run.run_id, "first_at": run.started_at}
            stretch |= {"last_run": run.run_id, "last_at": run.started_at, "runs": stretch["runs"] + 1}
            value, known = now, True
        yield stretch


def _components(run: Run) -> dict[str, str]:
    digests = run.told.get("digests", {})
    told = {"program": run.told.get("program"), "schema": run.told.get("schema"), "policy_file": run.told.get("policy")}
    told |= {name: digests.get(name) for name in ("policy", "detectors", "readers", "engine")}
    told |= {f"pack {name}": version for name, version in run.told.get("packs", {}).items()}
    return {name: str(value) for name, value in told.items() if value not in (None, "")} | {"key": run.key_id}


def _policy_gaps(source: Source) -> Iterator[Gap]:
    if source.policy is None or not source.runs:
        return
    used = source.runs[-1].told.get("digests", {}).get("policy")
    if used != source.policy.digest:
        yield Gap("policy_differs", {"given": source.policy.digest, "used": used or "-", "run": source.runs[-1].run_id})


# --------------------------------------------------------------------------- approved stores


def stores(source: Source) -> Section:
    """The approved stores: what the policy says of them, and how the last run of the period that speaks of them left them."""
    run = next((run for run in reversed(source.runs) if isinstance(run.told.get("stores"), list)), None)
    told = {one["name"]: one for one in run.told["stores"]} if run is not None else {}
    late = {one["store"]: one["review_by"] for one in run.told.get("overdue", ())} if run is not None else {}
    named = {store.name: store for store in source.policy.stores if store.name != DRILL_STORE} if source.policy is not None else {}
    rows, gaps = [], []
    for name in [*named, *(name for name in told if name not in named and name != DRILL_STORE)]:
        store, state = named.get(name), told.get(name, {})
        review = store.review_by if store is not None else datetime.date.fromisoformat(late[name]) if name in late else None
        rows.append(
            {
                "name": name,
                "owner": store.owner if store is not None else state.get("owner"),
                "purpose": None if store is None else store.purpose,
                "paths": [] if store is None else [glob.source for glob in store.paths],
                "allow": [] if store is None else sorted(store.allow),
                "retention_days": None if store is None else store.retention_days,
                "approved_by": None if store is None else store.approved_by,
                "review_by": review,
                "overdue": review is not None and review < source.period.last,
                **{key: state.get(key) for key in ("traced", "reason", "why", "records")},
                "run_id": run.run_id if run is not None and state else None,
            }
        )
        if state.get("reason") not in (None, "policy"):
            gaps.append(Gap("store_not_traced", {"store": name, "why": str(state.get("why") or state["reason"])}))
    table = as_table("stores", rows)
    return Section("stores", table, state_of(table, bool(source.every)), tuple(gaps))
