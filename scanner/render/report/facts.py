"""What the report tells, asked of a findings store: stray objects, copies, what is unread, and the state of the runs."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from scanner.findings.latest import UNREAD
from scanner.policy import SEVERITIES
from scanner.render.visible import short

if TYPE_CHECKING:
    import pyarrow as pa

    from scanner.findings.read import Findings

EXAMPLES: Final = 5
PLACES: Final = 14  # columns of the matrix; the rest are added up
_DEEPEST: Final = 3

_RANK: Final = (
    "CASE severity " + " ".join(f"WHEN '{name}' THEN {len(SEVERITIES) - 1 - at}" for at, name in enumerate(SEVERITIES)) + " ELSE 0 END"
)
_EXPOSED: Final = "CASE exposure WHEN 'everyone' THEN 3 WHEN 'group' THEN 2 WHEN 'private' THEN 0 ELSE 1 END"
_STRAY: Final = f"""
WITH found AS (
    SELECT object_id, min(first_seen) AS first_seen, count(*)::BIGINT AS findings, max("distinct")::BIGINT AS most,
        list(DISTINCT entity_type ORDER BY entity_type) AS kinds, list(DISTINCT reason ORDER BY reason) AS reasons,
        any_value(assigned_to) AS assigned_to, min(due) AS due, coalesce(bool_or(overdue), false) AS overdue,
        coalesce(bool_or(measure_state = 'recurred'), false) AS recurred
    FROM findings WHERE verdict = 'stray' GROUP BY object_id),
copied AS (
    SELECT object_id, list({{'store': store, 'matched': matched, 'records': records}} ORDER BY matched DESC, store) AS copies
    FROM (SELECT object_id, store, max(matched_records)::BIGINT AS matched, max(store_records)::BIGINT AS records
        FROM copies GROUP BY ALL) GROUP BY object_id)
SELECT o.object_id, o.root, o.path, o.member, o.store, o.department, o.owner, coalesce(o.exposure, 'unknown') AS exposure,
    coalesce(o.severity, 'info') AS severity, coalesce(o.persons, 0)::BIGINT AS persons, o.modified_at, {UNREAD} AS unread,
    found.* EXCLUDE (object_id), copied.copies
FROM objects o JOIN found USING (object_id) LEFT JOIN copied USING (object_id)
"""
_GONE_THROUGH: Final = f"""
SELECT o.root, o.path, o.member, o.department, o.owner, o.reason, coalesce(o.excused, false) AS excused, o.state
FROM objects o WHERE {UNREAD}
"""


@dataclass(frozen=True, slots=True)
class Scope:
    """What a page is about: everything, or what one department answers for (`department` None: what no department does)."""

    whole: bool = True
    department: str | None = None

    def where(self) -> str:
        if self.whole:
            return "TRUE"
        if self.department is None:
            return "department IS NULL"
        return "department = '" + self.department.replace("'", "''") + "'"


@dataclass(frozen=True, slots=True)
class Person:
    """Who answers for a department, as the policy of the run named them."""

    manager: str | None = None
    contact: str | None = None


@dataclass(frozen=True, slots=True)
class Store:
    """An approved store as the last run over it left it. `why`: it was not, or not wholly, traced."""

    name: str
    owner: str | None
    traced: bool
    why: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Runs:
    """The state of the runs. `unfinished`: root -> outcome of its newest run, where that is not `complete`."""

    newest: str | None = None
    as_of: datetime.datetime | None = None
    roots: tuple[str, ...] = ()
    unfinished: Mapping[str, str] = field(default_factory=dict)
    not_reached: tuple[str, ...] = ()
    stores: tuple[Store, ...] = ()
    overdue: tuple[tuple[str, datetime.date], ...] = ()
    people: Mapping[str, Person] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Group:
    """Stray objects of one folder that ask for the same step. `task`: `copy`, `retention`, `not_allowed` or `outside`."""

    task: str
    department: str | None
    folder: str
    file: str | None  # where it is one file alone
    severity: str
    files: int
    persons: int
    kinds: tuple[str, ...]
    everyone: int
    exposure: str
    since: datetime.date
    owners: tuple[str, ...]
    stores: tuple[str, ...]  # copied, or lain in
    assigned_to: str | None
    due: datetime.date | None
    overdue: bool
    recurred: bool


@dataclass(frozen=True, slots=True)
class Unread:
    """Objects not fully read for one reason; `examples` as shown."""

    reason: str
    count: int
    excused: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Copied:
    """What became of the records of one store."""

    store: str
    objects: int
    most: int  # records in the fullest copy
    records: int  # of the store
    everyone: int
    since: datetime.date
    departments: int


@dataclass(frozen=True, slots=True)
class Facts:
    """All that one page tells; counts are of objects unless they say files."""

    scope: Scope
    runs: Runs
    problems: tuple[str, ...]
    objects: int
    files: int
    stray: int
    persons: int
    everyone: int  # files
    copied: int  # files
    oldest: datetime.date | None
    severities: Mapping[str, int]
    exposures: Mapping[str, int]
    shares: tuple[tuple[str | None, Mapping[str, int]], ...]  # department (of one department: folder) -> objects by severity
    weeks: tuple[tuple[datetime.date, Mapping[str, int]], ...]
    matrix: tuple[tuple[str, str, int, int], ...]  # store, place, objects, records
    groups: tuple[Group, ...]
    groups_left: int
    copies: tuple[Copied, ...]
    unread: tuple[Unread, ...]
    put_aside: Mapping[str, int]  # ignored, accepted: findings
    unread_aside: Mapping[str, int]  # ignored, accepted: objects

    @property
    def unread_count(self) -> int:
        return sum(group.count for group in self.unread)

    @property
    def unexcused(self) -> int:
        return sum(group.count - group.excused for group in self.unread)


class Source:
    """A store opened for reporting: its stray objects are gathered once and asked for every page."""

    def __init__(self, found: Findings) -> None:
        self._found = found
        self.out = found.out
        self._stray = _gathered(found, _STRAY)
        self._unread = _gathered(found, _GONE_THROUGH)
        self.runs = _runs(self._rows("SELECT run_id, started_at, ended_at, outcome, manifest FROM runs ORDER BY run_id"))
        roots = {row["root"] for row in self._rows("SELECT DISTINCT root FROM objects")}
        prefix = "rtrim(root, '/') || '/' || path" if len(roots) > 1 else "path"
        self._shown = f"{prefix} AS shown"

    @property
    def problems(self) -> tuple[str, ...]:
        return tuple(self._found.problems)

    def departments(self) -> list[str | None]:
        """Every department that anything met belongs to, or that the policy of the last run names; None last, if anything has none."""
        met = {row["department"] for row in self._rows("SELECT DISTINCT department FROM objects WHERE status <> 'excluded'")}
        named = sorted(met - {None} | set(self.runs.people))
        return [*named, None] if None in met else [*named]

    def details(self, object_ids: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Stray findings of these objects, those of one object together, in the order of the objects."""
        import pyarrow as pa

        wanted = pa.table({"object_id": pa.array(object_ids, pa.string()), "at": pa.array(range(len(object_ids)), pa.int64())})
        query = """SELECT w.at, f.place, f."column", f.entity_type, f."count", f."distinct", f.first_row, f.first_line, f.samples,
            f.first_seen FROM findings f JOIN wanted w USING (object_id) WHERE f.verdict = 'stray'
            ORDER BY w.at, f."count" DESC, f.finding_id"""
        for batch in self._found.batches(query, wanted=wanted):
            yield from batch.to_pylist()

    def objects(self, scope: Scope, most: int) -> Iterator[dict[str, Any]]:
        """Stray objects, worst first."""
        return self._of(
            f"""SELECT *, {_RANK} AS rank FROM stray WHERE {scope.where()}
            ORDER BY rank DESC, {_EXPOSED} DESC, greatest(persons, most) DESC, object_id LIMIT {most}"""
        )

    def facts(self, scope: Scope, actions: int) -> Facts:
        where = scope.where()
        (total,) = self._of(
            f"""SELECT count(*) AS stray, count(DISTINCT (root, path)) AS files, coalesce(sum(persons), 0)::BIGINT AS persons,
            count(DISTINCT (root, path)) FILTER (exposure = 'everyone') AS everyone,
            count(DISTINCT (root, path)) FILTER (copies IS NOT NULL) AS copied, min(first_seen) AS oldest
            FROM stray WHERE {where}"""
        )
        objects = self._one(f"SELECT count(*) AS n FROM objects WHERE status <> 'excluded' AND {where}")
        groups = [_group(row) for row in self._of(_GROUPS.format(where=where, shown=self._shown))]
        return Facts(
            scope=scope,
            runs=self.runs,
            problems=self.problems,
            objects=objects,
            files=total["files"],
            stray=total["stray"],
            persons=total["persons"],
            everyone=total["everyone"],
            copied=total["copied"],
            oldest=_day(total["oldest"]),
            severities=self._counts(f"SELECT severity, count(*) AS n FROM stray WHERE {where} GROUP BY severity", "severity"),
            exposures=self._counts(f"SELECT exposure, count(*) AS n FROM stray WHERE {where} GROUP BY exposure", "exposure"),
            shares=self._shares(scope),
            weeks=self._weeks(where),
            matrix=self._matrix(where),
            groups=tuple(groups[:actions]),
            groups_left=max(0, len(groups) - actions),
            copies=self._copies(where),
            unread=self._unread_groups(where),
            put_aside=self._counts(
                f"""SELECT state, count(*) AS n FROM closed_findings
                WHERE state IN ('ignored', 'accepted') AND verdict = 'stray' AND {where} GROUP BY state""",
                "state",
            ),
            unread_aside=self._counts(
                f"SELECT state, count(*) AS n FROM unread WHERE state IN ('ignored', 'accepted') AND {where} GROUP BY state", "state"
            ),
        )

    # ----------------------------------------------------------------- parts

    def _shares(self, scope: Scope) -> tuple[tuple[str | None, Mapping[str, int]], ...]:
        by = "department" if scope.whole else "regexp_replace(shown, '[^/]*$', '')"
        shares: dict[str | None, dict[str, int]] = {}
        for row in self._of(
            f"""SELECT {by} AS name, severity, count(*) AS n FROM (SELECT *, {self._shown} FROM stray WHERE {scope.where()}) GROUP BY ALL"""
        ):
            shares.setdefault(row["name"], {})[row["severity"]] = row["n"]
        return tuple(sorted(shares.items(), key=lambda item: (-_weight(item[1]), item[0] or "")))

    def _weeks(self, where: str) -> tuple[tuple[datetime.date, Mapping[str, int]], ...]:
        weeks: dict[datetime.date, dict[str, int]] = {}
        for row in self._of(
            f"SELECT date_trunc('week', first_seen)::DATE AS week, severity, count(*) AS n FROM stray WHERE {where} "
            "GROUP BY ALL ORDER BY week"
        ):
            weeks.setdefault(row["week"], {})[row["severity"]] = row["n"]
        return tuple(weeks.items())

    def _matrix(self, where: str) -> tuple[tuple[str, str, int, int], ...]:
        """Places are as deep in the tree as leaves few enough of them to be looked at."""
        for depth in range(_DEEPEST, 0, -1):
            rows = list(self._of(_MATRIX.format(where=where, shown=self._shown, depth=depth)))
            if len({row["place"] for row in rows}) <= PLACES or depth == 1:
                break
        return tuple((row["store"], row["place"], row["objects"], row["records"]) for row in rows)

    def _copies(self, where: str) -> tuple[Copied, ...]:
        rows = self._of(
            f"""SELECT c.store AS store, count(*) AS objects, max(c.matched)::BIGINT AS most, max(c.records)::BIGINT AS records,
            count(*) FILTER (exposure = 'everyone') AS everyone, min(first_seen) AS since, count(DISTINCT department) AS departments
            FROM (SELECT *, unnest(copies) AS c FROM stray WHERE {where}) GROUP BY c.store ORDER BY objects DESC, store"""
        )
        return tuple(Copied(**row | {"since": _day(row["since"])}) for row in rows)

    def _unread_groups(self, where: str) -> tuple[Unread, ...]:
        named = f"{self._shown.removesuffix(' AS shown')} || coalesce('!' || member, '')"
        rows = self._of(
            f"""SELECT coalesce(reason, 'damaged') AS reason, count(*) AS count, count(*) FILTER (excused) AS excused,
            list({named} ORDER BY excused, {named})[:{EXAMPLES}] AS examples
            FROM unread WHERE state NOT IN ('ignored', 'accepted') AND {where}
            GROUP BY ALL ORDER BY count(*) - count(*) FILTER (excused) DESC, count DESC, reason"""
        )
        return tuple(Unread(row["reason"], row["count"], row["excused"], tuple(map(short, row["examples"]))) for row in rows)

    # ----------------------------------------------------------------- asking

    def _of(self, query: str) -> Iterator[dict[str, Any]]:
        """Rows of a question to the gathered objects."""
        for batch in self._found.batches(query, stray=self._stray, unread=self._unread):
            yield from batch.to_pylist()

    def _rows(self, query: str) -> Iterator[dict[str, Any]]:
        rows: list[dict[str, Any]] = self._found.sql(query, arrow=True).to_pylist()
        return iter(rows)

    def _one(self, query: str) -> int:
        return int(next(self._rows(query))["n"])

    def _counts(self, query: str, key: str) -> dict[str, int]:
        return {row[key]: row["n"] for row in self._of(query)}


_GROUPS: Final = f"""
WITH one AS (
    SELECT *, {{shown}}, {_RANK} AS rank, {_EXPOSED} AS open_to,
        CASE WHEN reasons = ['retention'] THEN 'retention' WHEN copies IS NOT NULL THEN 'copy' WHEN store IS NOT NULL THEN 'not_allowed'
            ELSE 'outside' END AS task,
        CASE WHEN reasons <> ['retention'] AND copies IS NOT NULL THEN list_transform(copies, lambda c: c.store)
            WHEN store IS NOT NULL THEN [store] ELSE [] END AS stores
    FROM stray WHERE {{where}})
SELECT task, department, regexp_replace(shown, '[^/]*$', '') AS folder, max(rank) AS rank, max(open_to) AS open_to,
    count(DISTINCT shown) AS files, any_value(shown) AS file, sum(persons)::BIGINT AS persons,
    list_sort(list_distinct(flatten(list(kinds)))) AS kinds, count(*) FILTER (exposure = 'everyone') AS everyone,
    arg_max(exposure, open_to) AS exposure, min(first_seen) AS since, list(DISTINCT owner ORDER BY owner) AS owners,
    list_sort(list_distinct(flatten(list(stores)))) AS stores, assigned_to, min(due) AS due,
    bool_or(overdue) AS overdue, bool_or(recurred) AS recurred
FROM one GROUP BY task, department, folder, assigned_to
ORDER BY recurred DESC, overdue DESC, rank DESC, open_to DESC, persons DESC, files DESC, folder, task
"""

_MATRIX: Final = """
SELECT c.store AS store, place, count(*) AS objects, sum(c.matched)::BIGINT AS records FROM (
    SELECT *, unnest(copies) AS c, array_to_string(string_split(shown, '/')[:-2][:{depth}], '/') AS place
    FROM (SELECT *, {shown} FROM stray WHERE copies IS NOT NULL AND {where}))
GROUP BY ALL ORDER BY store, place
"""


def _gathered(found: Findings, query: str) -> pa.Table:
    return found.sql(query, arrow=True)


def _weight(counts: Mapping[str, int]) -> int:
    return sum(counts.values())


def _day(moment: datetime.datetime | None) -> datetime.date | None:
    return None if moment is None else moment.date()


def _group(row: Mapping[str, Any]) -> Group:
    since = _day(row["since"])
    assert since is not None  # a finding has been seen
    return Group(
        task=row["task"],
        department=row["department"],
        folder=row["folder"],
        file=row["file"] if row["files"] == 1 else None,
        severity=SEVERITIES[len(SEVERITIES) - 1 - row["rank"]],
        files=row["files"],
        persons=row["persons"],
        kinds=tuple(row["kinds"]),
        everyone=row["everyone"],
        exposure=row["exposure"],
        since=since,
        owners=tuple(owner for owner in row["owners"] if owner),
        stores=tuple(row["stores"]),
        assigned_to=row["assigned_to"],
        due=row["due"],
        overdue=row["overdue"],
        recurred=row["recurred"],
    )


# --------------------------------------------------------------------------- the runs


def _runs(rows: Iterator[dict[str, Any]]) -> Runs:
    """Of each root the newest run counts, and of each store the newest run that speaks of it."""
    outcomes: dict[str, str] = {}
    missed: dict[str, bool] = {}
    stores: dict[str, Store] = {}
    told: dict[str, Any] = {}
    newest: dict[str, Any] | None = None
    for row in rows:
        newest, told = row, json.loads(row["manifest"])
        for root in told["roots"]["asked"]:
            outcomes[root] = row["outcome"]
            missed[root] = root in told["roots"]["not_reached"]
        if isinstance(told.get("stores"), list):
            stores = {one["name"]: _store(one) for one in told["stores"]}
    if newest is None:
        return Runs()
    return Runs(
        newest=newest["run_id"],
        as_of=newest["ended_at"] or newest["started_at"],
        roots=tuple(sorted(outcomes)),
        unfinished={root: outcome for root, outcome in sorted(outcomes.items()) if outcome != "complete"},
        not_reached=tuple(sorted(root for root, was in missed.items() if was)),
        stores=tuple(stores.values()),
        overdue=tuple((one["store"], datetime.date.fromisoformat(one["review_by"])) for one in told.get("overdue", ())),
        people={one["name"]: Person(one.get("manager"), one.get("contact")) for one in told.get("departments", ())},
    )


def _store(told: Mapping[str, Any]) -> Store:
    return Store(told["name"], told.get("owner"), bool(told["traced"]), told.get("why"), told.get("reason"))
