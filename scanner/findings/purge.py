"""Removes what old runs wrote and nothing needs any more. What holds now reads the same before, after, and at every moment between.

Of an object that still stands, or was last met within the limit, the runs stay that say what it is: the newest, the last full reading and
all readings since, the run that judged it last, the runs of its findings and of the values behind them. All else that runs before the
limit wrote of it goes, and so does everything about an object that is gone and was last met before the limit, what was decided about it
among it. Where a measure is not closed, all stays.

Files are replaced as `compact` does it. A run that no row is left of goes last, unless what is gone, or not seen, is concluded from it.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from scanner.findings import compact, current, decisions, runs
from scanner.findings.errors import StoreError, storing
from scanner.findings.latest import FULL
from scanner.findings.publish import LOOK_UP_GROUP, ROW_GROUP, PartWriter, sync_folder
from scanner.findings.runs import Manifest, Part

if TYPE_CHECKING:
    import numpy.typing as npt

TABLES: Final = ("objects", "findings", "copies", "values")
_TRIES: Final = 5


@dataclass(frozen=True, slots=True)
class Plan:
    """What goes. `files`: path below the store -> numbers of the rows that go from it; `parts`: the same files as their manifests tell of
    them; `runs`: manifests that nothing needs any more; `seen`: the runs there were when this was planned."""

    files: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)
    parts: Mapping[str, Part] = field(default_factory=dict)
    hosts: Mapping[str, str] = field(default_factory=dict)
    decided: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)
    runs: tuple[str, ...] = ()
    rows: Mapping[str, int] = field(default_factory=dict)
    seen: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not (self.files or self.decided or self.runs)


@dataclass(frozen=True, slots=True)
class Keep:
    """What stays beyond the rule. `objects`: ids of which the newest row stays (a case asks for them); `ended`: a root below which what
    was last met before the limit counts as gone though no run shows it, but for paths of `held`."""

    objects: Collection[str] = ()
    ended: str | None = None
    held: Collection[str] = ()


@contextmanager
def purging(out: Path) -> Iterator[None]:
    """Alone with the store, and after what a dead merge or purge left is brought to its end. Raises `StoreError`."""
    if not (out / runs.FOLDER).is_dir():
        raise StoreError(f"there are no findings in {out}")
    with storing(out), compact.alone(out):
        compact.finish(out)
        compact.sweep(out)
        yield


def plan(out: Path, before: datetime.datetime, keep: Keep = Keep(), *, verify: bool = False) -> Plan:  # frozen
    """What a purge of everything that runs begun before `before` wrote comes to. `verify`: read every file of the store first, so that
    nothing is concluded from a damaged one. Raises `StoreError` if the store is not whole: a purge would take it for what holds."""
    from scanner.findings.read import open_findings

    with open_findings(out) as found:
        problems = found.verify() if verify else found.problems
        if faults := [text for text in problems if "was not finished" not in text]:
            raise StoreError(f"{out} is not whole, so nothing is purged: {faults[0]}")
        manifests = found.manifests
        old = [m.run_id for m in manifests if _is_old(m, before) and (keep.ended is not None or not _is_gates(m))]
        if not old:
            return Plan(seen=tuple(m.run_id for m in manifests))
        connection = found.working()
        try:
            return _planned(connection, found.out, manifests, old, before, keep, found.files, found.key_id)
        finally:
            connection.close()


def _planned(
    connection: Any,
    out: Path,
    manifests: tuple[Manifest, ...],
    old: list[str],
    before: datetime.datetime,
    keep: Keep,
    files: Mapping[str, tuple[Path, ...]],
    found_key: str | None,
) -> Plan:
    import pyarrow as pa

    covering = _newest_by_root(manifests)
    for name, values in (("old_runs", old), ("covering_runs", covering), ("asked_objects", keep.objects), ("held_paths", keep.held)):
        connection.register("incoming", pa.table({"name": pa.array(sorted(values), pa.string())}))
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT * FROM incoming")
        connection.unregister("incoming")
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE purge_limit AS SELECT ? AS stamp, ?::VARCHAR AS ended", [runs.stamp(before), keep.ended]
    )
    for statement in _PLAN:
        connection.execute(statement)
    import numpy as np

    found: dict[str, Any] = {}
    rows: Counter[str] = Counter()
    for table in TABLES:
        for path, numbers in _numbered(connection, files[table], _GOES[table]):
            found[path.relative_to(out).as_posix()] = numbers
            rows[table] += len(numbers)
    decided: dict[str, Any] = {}
    for name, part in _of_former_keys(manifests, set(old), found_key):
        found[name] = np.arange(part.rows)
        rows["values"] += part.rows
    for table in decisions.TABLES:
        for path, numbers in _numbered(connection, files[table], _GOES[table]):
            decided[path.relative_to(out).as_posix()] = numbers
            rows[table] += len(numbers)
    parts = {part.path: part for m in manifests for part in m.parts if part.path in found}
    needed = {row[0] for row in connection.execute(_NEEDED).fetchall()} | covering
    return Plan(
        files=found,
        parts=parts,
        hosts=_hosts(connection, out, found, files),
        decided=decided,
        runs=tuple(sorted(set(old) - needed)),
        rows=dict(rows),
        seen=tuple(m.run_id for m in manifests),
    )


def _is_old(manifest: Manifest, before: datetime.datetime) -> bool:
    began = runs.started(manifest.run_id)
    return began is not None and began < before


def _is_gates(manifest: Manifest) -> bool:
    """The runs of an outbound gate walk no root: each tells of files that have left since, and their records ask for it."""
    return manifest.told.get("kind") == "watch"


def _of_former_keys(manifests: tuple[Manifest, ...], old: set[str], key_id: str | None) -> Iterator[tuple[str, Part]]:
    """Files of values of old runs under a former key, which nobody reads any more: their roots have been read under the present one, else
    the store would not count as whole. A file that a younger run shares stays."""
    parts = {part.path: part for m in manifests if m.key_id != key_id for part in m.parts if part.table == "values"}
    young = {part.path for m in manifests if m.run_id not in old for part in m.parts}
    yield from ((path, part) for path, part in parts.items() if path not in young)


def _newest_by_root(manifests: tuple[Manifest, ...]) -> set[str]:
    """Runs that tell what is gone from a root, and what of one that was asked for could not be seen; and the newest."""
    newest = {("reached", root.rstrip("/")): m.run_id for m in manifests if m.outcome == "complete" for root in m.reached}
    newest |= {("asked", root.rstrip("/")): m.run_id for m in manifests for root in m.told["roots"]["asked"]}
    return {*newest.values(), manifests[-1].run_id}


def _numbered(connection: Any, files: tuple[Path, ...], condition: str) -> Iterator[tuple[Path, npt.NDArray[Any]]]:
    """Each file with the numbers of its rows that go, if any do."""
    for path in files:
        quoted = str(path).replace("'", "''")
        source = f"read_parquet('{quoted}', file_row_number = true, hive_partitioning = false)"
        numbers = connection.execute(f"SELECT file_row_number AS n FROM {source} t WHERE {condition} ORDER BY n").fetchnumpy()["n"]
        if len(numbers):
            yield path, numbers


def _hosts(connection: Any, out: Path, found: Mapping[str, Any], files: Mapping[str, tuple[Path, ...]]) -> dict[str, str]:
    """The newest run of which rows are left in a file: the new file lies in its folder, since that run stays."""
    hosts = {}
    read = {path for paths in files.values() for path in paths}
    for path in (path for path in found if out / path in read):
        quoted = str(out / path).replace("'", "''")
        source = f"read_parquet('{quoted}', hive_partitioning = false)"
        left = connection.execute(f"SELECT max(run_id) FROM {source} t WHERE NOT ({_GOES[path.partition('/')[0]]})").fetchone()[0]
        if left is not None:
            hosts[path] = left
    return hosts


_READ: Final = "status IN ('scanned', 'no_text', 'partial')"

_PLAN: Final = (
    f"""CREATE OR REPLACE TEMP TABLE newest AS
    SELECT object_id, any_value(root) AS root, any_value(path) AS path, any_value(member) AS member, max(run_id) AS run_id,
        max(run_id) FILTER ({FULL}) AS full_run, max(run_id) FILTER ({_READ}) AS read_run,
        max(run_id) FILTER (status <> 'unchanged') AS other_run,
        max(run_id) FILTER (run_id IN (SELECT run_id FROM complete_runs)) AS complete_run
    FROM every_object GROUP BY object_id""",
    # what is decided about, and not closed
    """CREATE OR REPLACE TEMP TABLE measured_now AS
    SELECT d.decision_id, d.object_id, d.root, d.path, d.member, coalesce(f.measure_state, o.measure_state, 'pending') AS measure_state
    FROM latest_decisions d LEFT JOIN finding_triage f ON d.finding_id = f.finding_id
    LEFT JOIN object_triage o ON d.finding_id IS NULL AND d.object_id = o.object_id
    WHERE d.part = 'measure' AND d.action = 'measure'""",
    """CREATE OR REPLACE TEMP TABLE purged_objects AS
    SELECT n.object_id, n.object_id IN (SELECT name FROM asked_objects) AS asked
    FROM newest n LEFT JOIN standing s USING (object_id)
    WHERE n.run_id IN (SELECT name FROM old_runs)
        AND n.object_id NOT IN (SELECT object_id FROM measured_now WHERE measure_state <> 'closed')
        AND (s.object_id IS NULL OR (n.root = (SELECT ended FROM purge_limit) AND n.path NOT IN (SELECT name FROM held_paths)))""",
    "CREATE OR REPLACE TEMP TABLE kept_objects AS SELECT * FROM newest WHERE object_id NOT IN (SELECT object_id FROM purged_objects)",
    """CREATE OR REPLACE TEMP TABLE judged_runs AS
    SELECT DISTINCT o.object_id, o.run_id FROM every_object o SEMI JOIN every_finding f ON o.object_id = f.object_id AND o.run_id = f.run_id
    WHERE o.status = 'unchanged'""",
    """CREATE OR REPLACE TEMP TABLE needed_findings AS
    SELECT t.finding_id, e.object_id, t.run_id FROM finding_states t
    JOIN (SELECT DISTINCT finding_id, object_id FROM every_finding) e USING (finding_id) SEMI JOIN kept_objects k USING (object_id)""",
    f"""DELETE FROM needed_findings d WHERE (SELECT state FROM finding_states t WHERE t.finding_id = d.finding_id) = 'closed' AND EXISTS (
        SELECT 1 FROM (SELECT object_id, run_id FROM every_object WHERE {FULL} UNION ALL FROM judged_runs) c
        WHERE c.object_id = d.object_id AND c.run_id > d.run_id AND c.run_id IN (SELECT name FROM old_runs))""",
    f"""CREATE OR REPLACE TEMP TABLE kept AS
    WITH pairs AS (
        SELECT object_id, unnest([run_id, full_run, read_run, other_run, complete_run]) AS run_id FROM kept_objects
        UNION ALL SELECT object_id, max(run_id) FROM judged_runs GROUP BY object_id
        UNION ALL SELECT object_id, max(run_id) FROM every_copy GROUP BY object_id
        UNION ALL SELECT v.object_id, v.run_id FROM (SELECT DISTINCT object_id, run_id FROM every_value) v JOIN newest n USING (object_id)
            WHERE v.run_id >= coalesce(n.full_run, n.read_run, '')
        UNION ALL SELECT object_id, run_id FROM needed_findings
        UNION ALL SELECT f.object_id, max(o.run_id) FROM needed_findings f JOIN every_object o USING (object_id)
            WHERE o.run_id <= f.run_id AND o.{_READ} GROUP BY f.finding_id, f.object_id
        UNION ALL SELECT o.object_id, o.run_id FROM (SELECT object_id, run_id FROM every_object UNION ALL SELECT object_id, run_id
            FROM every_finding UNION ALL SELECT object_id, run_id FROM every_value) o SEMI JOIN measured_now m USING (object_id))
    SELECT DISTINCT object_id, run_id FROM pairs SEMI JOIN kept_objects USING (object_id) WHERE run_id IS NOT NULL""",
    # a newer row says since when; where none does, the one that knows stays, of `findings` alone
    """CREATE OR REPLACE TEMP TABLE kept_findings AS
    WITH dated AS (
        SELECT f.finding_id, f.object_id, f.run_id, coalesce(f.first_seen, r.started_at) AS since,
            f.run_id NOT IN (SELECT name FROM old_runs) OR k.run_id IS NOT NULL AS stays
        FROM every_finding f JOIN runs r ON r.run_id = f.run_id SEMI JOIN needed_findings n ON n.finding_id = f.finding_id
        LEFT JOIN kept k ON k.object_id = f.object_id AND k.run_id = f.run_id)
    SELECT any_value(object_id) AS object_id, arg_min(run_id, since) AS run_id FROM dated GROUP BY finding_id
    HAVING min(since) < coalesce(min(since) FILTER (stays), 'infinity'::TIMESTAMPTZ)
    UNION FROM kept""",
    # rows of `objects` alone: of cases, of files around members, of folders and files from which something is concluded
    """CREATE OR REPLACE TEMP TABLE kept_rows AS
    SELECT DISTINCT object_id, run_id FROM (
        FROM kept
        UNION ALL SELECT n.object_id, n.run_id FROM newest n JOIN purged_objects p USING (object_id) WHERE p.asked
        UNION ALL SELECT f.object_id, f.run_id FROM newest f
            SEMI JOIN (SELECT root, path FROM kept_objects WHERE member IS NOT NULL) m ON f.root = m.root AND f.path = m.path
            WHERE f.member IS NULL
        UNION ALL SELECT o.object_id, o.run_id FROM every_object o WHERE o.path LIKE '%/' AND (o.run_id IN (SELECT name FROM covering_runs)
            OR o.run_id > (SELECT min(decision_id) FROM measured_now SEMI JOIN kept_objects USING (object_id)))
        UNION ALL SELECT o.object_id, o.run_id FROM every_object o SEMI JOIN
            (SELECT root, path FROM measured_now SEMI JOIN kept_objects USING (object_id)) m ON o.root = m.root AND o.path = m.path
            WHERE o.member IS NULL)""",
    # decisions: about what is gone, now or since an earlier purge; covered values that no decision in force needs
    """CREATE OR REPLACE TEMP TABLE purged_decisions AS
    SELECT DISTINCT d.decision_id, d.object_id, d.finding_id FROM every_decision d
    LEFT JOIN kept_objects k USING (object_id)
    WHERE d.object_id IS NOT NULL AND k.object_id IS NULL AND d.decision_id < (SELECT stamp FROM purge_limit)
        AND d.object_id NOT IN (SELECT object_id FROM measured_now WHERE measure_state <> 'closed')""",
    """CREATE OR REPLACE TEMP TABLE covered_needed AS
    SELECT decision_id, finding_id FROM latest_decisions WHERE part = 'aside' AND action <> 'reopen' AND finding_id IS NOT NULL
    EXCEPT SELECT decision_id, finding_id FROM purged_decisions""",
)


def _not_in(table: str) -> str:
    return f"""t.run_id IN (SELECT name FROM old_runs)
        AND NOT EXISTS (SELECT 1 FROM {table} k WHERE k.object_id = t.object_id AND k.run_id = t.run_id)"""


_GOES: Final = {
    "objects": _not_in("kept_rows"),
    "findings": _not_in("kept_findings"),
    "copies": _not_in("kept"),
    "values": _not_in("kept"),
    "decisions": """EXISTS (SELECT 1 FROM purged_decisions p WHERE p.decision_id = t.decision_id AND p.object_id = t.object_id
        AND p.finding_id IS NOT DISTINCT FROM t.finding_id)""",
    "covered": """t.decision_id < (SELECT stamp FROM purge_limit)
        AND NOT EXISTS (SELECT 1 FROM covered_needed n WHERE n.decision_id = t.decision_id AND n.finding_id = t.finding_id)""",
}
"""Table -> which of its rows `t` go."""

_NEEDED: Final = """
SELECT run_id FROM kept_rows
UNION SELECT run_id FROM kept_findings
UNION SELECT run_id FROM latest_decisions WHERE run_id IS NOT NULL
UNION SELECT run_id FROM complete_runs
    WHERE run_id > (SELECT min(decision_id) FROM measured_now SEMI JOIN kept_objects USING (object_id))
"""


# --------------------------------------------------------------------------- carrying it out


def carry_out(out: Path, planned: Plan) -> int:
    """Remove what was planned, inside `purging`; how many bytes the files of the store are less. Raises `StoreError`."""
    with storing(out):
        current.discard(out)  # it repeats rows
        before = _size(out)
        compact.publish(out, {path: _without(out, planned, path) for path in planned.files})
        for run_id in planned.runs:
            if not any((out / table / f"run={run_id}").exists() for table in TABLES):  # else a file that others share lies there
                runs.manifest_path(out, run_id).unlink(missing_ok=True)
        sync_folder(out / runs.FOLDER)
        decisions.purge(out, {out / path: numbers for path, numbers in planned.decided.items()})
        return before - _size(out)


def _without(out: Path, planned: Plan, path: str) -> Part | None:
    """A file without the rows that go; None if none is left."""
    import pyarrow as pa

    host = planned.hosts.get(path)
    if host is None:
        return None
    table = planned.parts[path].table
    target = Path(table) / f"run={host}" / compact.new_name()
    (out / target).parent.mkdir(exist_ok=True)
    try:
        rows = write_without(out / path, out / target, table, planned.files[path]).rows
    except pa.ArrowException:
        raise StoreError(f"{out / path} cannot be read") from None
    return compact.told_part(out, table, target, rows)


def write_without(source: Path, target: Path, table: str, numbers: npt.NDArray[Any], named: Any = None) -> PartWriter:
    """Write the rows of `source` into `target` but for those with these numbers. Raises OSError and pyarrow.ArrowException."""
    import numpy as np
    import pyarrow as pa
    from pyarrow import parquet

    from scanner.findings.merge import in_schema
    from scanner.findings.schema import DECIDED, TABLES, VALUES_REPEATED

    schema = (TABLES | DECIDED)[table]
    repeated, group = (VALUES_REPEATED, LOOK_UP_GROUP) if table == "values" else (None, ROW_GROUP)
    with PartWriter(target, schema, repeated, named, group) as part, parquet.ParquetFile(source) as file:
        start = 0
        for batch in file.iter_batches(ROW_GROUP):
            stays = np.ones(len(batch), np.bool_)
            first, last = np.searchsorted(numbers, [start, start + len(batch)])
            stays[numbers[first:last] - start] = False
            start += len(batch)
            if stays.any():
                part.write(in_schema(pa.Table.from_batches([batch]).filter(pa.array(stays)), schema))
    return part


def _size(out: Path) -> int:
    files = [path for table in (*TABLES, *decisions.TABLES) for path in (out / table).rglob("*.parquet")]
    return sum(path.stat().st_size for path in [*files, *(out / runs.FOLDER).glob("*.json")])
