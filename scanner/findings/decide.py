"""What a person decides about findings and unread objects: which ones are meant, and the rows that say so for good."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

from scanner.findings import decisions
from scanner.findings.decisions import Action
from scanner.findings.errors import StoreError
from scanner.findings.read import Findings, open_findings
from scanner.findings.store import check_version
from scanner.person import Person, person_here

if TYPE_CHECKING:
    import pyarrow as pa

_SHORTEST = 4  # characters of a number that are enough, if only one begins with them
_MOST_TEXT = 2_000  # characters of a reason, a cause, a measure


class DecisionError(StoreError):
    """What was to be decided cannot be. The message is one sentence for the user."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which findings and unread objects are meant.

    `ids`: finding_id or object_id, or the beginning of one, if nothing else begins so. Without ids: all open stray findings of which the
    path matches one of `paths` (globs as in a policy; relative ones begin at the root), the kind is one of `entities` and the department
    one of `departments`, an empty tuple being no condition; with `unread`, open unread objects instead, by path and department alone.
    """

    ids: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    entities: tuple[str, ...] = ()
    departments: tuple[str, ...] = ()
    unread: bool = False

    @property
    def is_filter(self) -> bool:
        return bool(self.paths or self.entities or self.departments or self.unread)


@dataclass(frozen=True, slots=True)
class Decided:
    """What became of an order. `decision_id` is None for a rehearsal. `left_out`: fixed word -> how many of what was not taken."""

    action: str
    decision_id: str | None
    findings: int
    objects: int
    left_out: Mapping[str, int] = field(default_factory=dict)
    problems: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        told = {"action": self.action, "decision_id": self.decision_id, "findings": self.findings, "objects": self.objects}
        return {**told, "left_out": dict(self.left_out), "problems": list(self.problems)}


@dataclass(frozen=True, slots=True)
class _Targets:
    findings: tuple[str, ...] = ()
    objects: tuple[str, ...] = ()


class Triage:
    """Decisions about what the store in `out` holds, as `person`. Use as a context manager; each call is one decision, on disk when it
    returns. Every method raises `DecisionError`, and `StoreError` if the store cannot be read or written."""

    def __init__(self, out: Path, *, person: Person | None = None, today: datetime.date | None = None) -> None:
        if not (out / "runs").is_dir():
            raise StoreError(f"there are no findings in {out}")
        check_version(out)
        self.out = out.resolve()
        self.person = person or person_here()
        self.found: Findings = open_findings(self.out, today)

    def __enter__(self) -> Triage:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.found.close()

    def ignore(self, wanted: Wanted, why: str, until: datetime.date | None = None, *, dry_run: bool = False) -> Decided:
        """Put aside as no concern, to the end of the day `until`: for the values that are there now, and no others."""
        return self._put_aside("ignore", wanted, why, until, dry_run)

    def accept(self, wanted: Wanted, why: str, until: datetime.date | None = None, *, dry_run: bool = False) -> Decided:
        """Put aside as a risk that is known and borne, to the end of the day `until`: for the values that are there now."""
        return self._put_aside("accept", wanted, why, until, dry_run)

    def reopen(self, wanted: Wanted, why: str, *, dry_run: bool = False) -> Decided:
        """Take back what put them aside."""
        targets = self._targets(wanted, _ASIDE, "neither ignored nor accepted")
        return self._write("reopen", targets, dry_run, {"why": _text(why, "reason")})

    def assign(
        self, wanted: Wanted, to: str, due: datetime.date | None = None, why: str | None = None, *, dry_run: bool = False
    ) -> Decided:
        """Somebody is to see to them, by the end of the day `due`."""
        row = {"assigned_to": _text(to, "name"), "due": self._coming(due, "the due date"), "why": _optional(why)}
        return self._write("assign", self._targets(wanted), dry_run, row)

    def unassign(self, wanted: Wanted, why: str | None = None, *, dry_run: bool = False) -> Decided:
        targets = self._targets(wanted, "assigned_to", "assigned to nobody")
        return self._write("unassign", targets, dry_run, {"why": _optional(why)})

    def measure(self, wanted: Wanted, cause: str, measure: str, due: datetime.date, *, dry_run: bool = False) -> Decided:
        """What is done so that they go and stay away. Closed by no one but a later complete scan."""
        row = {"cause": _text(cause, "cause"), "measure": _text(measure, "measure"), "due": self._coming(due, "the due date")}
        return self._write("measure", self._targets(wanted), dry_run, row)

    def unmeasure(self, wanted: Wanted, why: str, *, dry_run: bool = False) -> Decided:
        """Take a measure back that was not the right one."""
        targets = self._targets(wanted, "measure", "without a measure")
        return self._write("unmeasure", targets, dry_run, {"why": _text(why, "reason")})

    def baseline(self, why: str, until: datetime.date | None = None, *, dry_run: bool = False) -> Decided:
        """Ignore every open stray finding that a complete run has met, so that from now on only new ones are open. What was not read is
        not covered: unread objects, findings that no complete run has met, findings of objects that cannot be read any more."""
        row = {"why": _text(why, "reason"), "until": self._coming(until, "the end")}
        told = self._ask(_BASELINE)
        taken = [one["finding_id"] for one in told if one["met"] and one["readable"]]
        left_out = {
            "not_in_a_complete_run": sum(not one["met"] for one in told),
            "no_longer_readable": sum(one["met"] and not one["readable"] for one in told),
            "unread_objects": int(self._ask("SELECT count(*) AS n FROM objects WHERE state = 'open'")[0]["n"]),
        }
        return self._write("ignore", _Targets(tuple(taken)), dry_run, row, left_out)

    # ------------------------------------------------------------------ which ones

    def _put_aside(self, action: Action, wanted: Wanted, why: str, until: datetime.date | None, dry_run: bool) -> Decided:
        row = {"why": _text(why, "reason"), "until": self._coming(until, "the end")}
        return self._write(action, self._targets(wanted), dry_run, row)

    def _targets(self, wanted: Wanted, needed: str | None = None, lacking: str = "") -> _Targets:
        """`needed`: a column that must not be null, of what the order takes back; `lacking` says it of one where it is."""
        if bool(wanted.ids) == wanted.is_filter:
            raise DecisionError("give the numbers of findings, or conditions that choose them, and not both")
        if wanted.ids:
            return self._by_id(wanted.ids, needed, lacking)
        return self._by_condition(wanted, needed)

    def _by_id(self, ids: Sequence[str], needed: str | None, lacking: str) -> _Targets:
        import pyarrow as pa

        short = next((one for one in ids if len(one) < _SHORTEST), None)
        if short is not None:
            raise DecisionError(f"{short!r} is too short: give at least {_SHORTEST} characters of a finding's number")
        asked = pa.table({"prefix": pa.array(list(dict.fromkeys(ids)), pa.string())})
        met: dict[str, list[dict[str, Any]]] = {}
        for row in self._ask(_BY_ID, asked=asked):
            met.setdefault(str(row["prefix"]), []).append(row)
        findings: list[str] = []
        objects: list[str] = []
        for prefix in asked["prefix"].to_pylist():
            one = _the_one(prefix, met.get(prefix, []), self.out)
            if one["state"] == "closed":
                raise DecisionError(f"{prefix} is closed: it is not there any more")
            if needed is not None and one[needed] is None:
                raise DecisionError(f"{prefix} is {lacking}")
            (findings if one["is_finding"] else objects).append(one["id"])
        return _Targets(tuple(dict.fromkeys(findings)), tuple(dict.fromkeys(objects)))

    def _by_condition(self, wanted: Wanted, needed: str | None) -> _Targets:
        if wanted.unread and wanted.entities:
            raise DecisionError("an unread object has no kinds of data: choose it by path or department")
        condition = {None: "state = 'open'", _ASIDE: "state IN ('ignored', 'accepted') AND decided_by IS NOT NULL"}
        query = (_UNREAD if wanted.unread else _STRAY).format(condition=condition.get(needed, f"{needed} IS NOT NULL"))
        rows = [row for row in self._ask(query) if _fits(row, wanted)]
        ids = tuple(row["id"] for row in _matching(rows, wanted.paths))
        return _Targets(objects=ids) if wanted.unread else _Targets(ids)

    # ------------------------------------------------------------------ writing it down

    def _write(
        self, action: Action, targets: _Targets, dry_run: bool, row: Mapping[str, object], left_out: Mapping[str, int] | None = None
    ) -> Decided:
        import pyarrow as pa

        problems = tuple(self.found.problems)
        told = Decided(action, None, len(targets.findings), len(targets.objects), left_out or {}, problems)
        if dry_run or not (targets.findings or targets.objects):
            return told
        decision_id = decisions.new_id(self.out)
        fixed = {
            "decision_id": decision_id,
            "decided_at": datetime.datetime.now(datetime.UTC),
            "author": str(self.person),
            "action": action,
            **row,
        }
        wanted = {"wanted": pa.table({"id": pa.array(targets.findings, pa.string())})}
        covers = action in ("ignore", "accept")
        rows = [*self._pieces(_FINDINGS.format(held=_HELD if covers else _NO_VALUES), wanted)]
        if targets.objects:
            rows += self._pieces(_OBJECTS, {"wanted": pa.table({"id": pa.array(targets.objects, pa.string())})})
        covered = self._pieces(_COVERED.format(decision_id=decision_id), wanted) if covers else iter(())
        decisions.publish(self.out, decision_id, _with_columns(rows, fixed), covered)
        return Decided(action, decision_id, told.findings, told.objects, told.left_out, problems)

    def _coming(self, day: datetime.date | None, what: str) -> datetime.date | None:
        if day is not None and day < self.found.today:
            raise DecisionError(f"{what} {day.isoformat()} has passed")
        return day

    def _ask(self, query: str, **tables: pa.Table) -> list[dict[str, Any]]:
        return [row for piece in self._pieces(query, tables) for row in piece.to_pylist()]

    def _pieces(self, query: str, tables: Mapping[str, pa.Table]) -> Iterator[pa.RecordBatch]:
        import duckdb

        try:
            yield from self.found.batches(query, **tables)
        except duckdb.Error:
            faults = [one for one in self.found.verify() if "damaged" in one] or ["a query failed"]
            raise StoreError(f"{self.out} cannot be read as it should: {faults[0]}") from None


_ASIDE: Final = "aside_by"

_STRAY: Final = """
SELECT finding_id AS id, entity_type, root, path, department
FROM (SELECT * FROM findings UNION ALL SELECT * FROM closed_findings WHERE state IN ('ignored', 'accepted'))
WHERE verdict = 'stray' AND {condition}
"""
_UNREAD: Final = "SELECT object_id AS id, NULL AS entity_type, root, path, department FROM objects WHERE state IS NOT NULL AND {condition}"

_BY_ID: Final = """
SELECT a.prefix, s.finding_id AS id, true AS is_finding,
    CASE WHEN s.state = 'open' THEN coalesce(g.put_aside, 'open') ELSE s.state END AS state,
    CASE WHEN g.put_aside IS NOT NULL THEN g.decided_by END AS aside_by, g.assigned_to, g.measure
FROM finding_states s JOIN asked a ON starts_with(s.finding_id, a.prefix) LEFT JOIN finding_triage g USING (finding_id)
UNION ALL
SELECT a.prefix, o.object_id, false, coalesce(o.state, 'closed'),
    CASE WHEN g.put_aside IS NOT NULL THEN g.decided_by END, g.assigned_to, g.measure
FROM objects o JOIN asked a ON starts_with(o.object_id, a.prefix) LEFT JOIN object_triage g USING (object_id)
WHERE o.state IS NOT NULL OR g.object_id IS NOT NULL
"""

_CHOSEN: Final = """
WITH chosen AS (
    SELECT f.* FROM every_finding f JOIN finding_states t ON f.finding_id = t.finding_id AND f.run_id = t.run_id
    SEMI JOIN wanted w ON f.finding_id = w.id),
reads AS (
    SELECT c.finding_id, max(o.run_id) AS values_run, arg_max(o.content_hash, o.run_id) AS content_hash,
        arg_max(o.engine_digest, o.run_id) AS engine_digest
    FROM chosen c JOIN every_object o ON o.object_id = c.object_id
    WHERE o.run_id <= c.run_id AND o.status IN ('scanned', 'no_text', 'partial') GROUP BY c.finding_id),
held AS (
    SELECT c.finding_id, v.fingerprint FROM chosen c JOIN reads r USING (finding_id)
    JOIN every_value v ON v.run_id = r.values_run AND v.object_id = c.object_id AND v.entity_type = c.entity_type
        AND v.place IS NOT DISTINCT FROM c.place AND v."column" IS NOT DISTINCT FROM c."column")
"""
_HELD: Final = "LEFT JOIN (SELECT finding_id, count(*) AS fingerprints FROM held GROUP BY finding_id) h USING (finding_id)"
_NO_VALUES: Final = "CROSS JOIN (SELECT NULL::BIGINT AS fingerprints) h"

_FINDINGS: Final = (
    _CHOSEN
    + """
SELECT c.finding_id, c.object_id, c.root, c.path, c.member, c.run_id, c."distinct", h.fingerprints, r.content_hash, r.engine_digest
FROM chosen c LEFT JOIN reads r USING (finding_id) {held} ORDER BY c.root, c.path, c.member, c.finding_id
"""
)

_COVERED: Final = _CHOSEN + "SELECT '{decision_id}' AS decision_id, finding_id, fingerprint FROM held ORDER BY finding_id, fingerprint"

_OBJECTS: Final = """
SELECT o.object_id, o.root, o.path, o.member, o.run_id, o.reason AS unread_reason,
    o.content_hash, o.engine_digest, o.size_bytes, o.modified_at
FROM objects o SEMI JOIN wanted w ON o.object_id = w.id ORDER BY o.root, o.path, o.member
"""

_BASELINE: Final = """
WITH met AS (
    SELECT DISTINCT f.finding_id FROM findings f JOIN every_object o ON o.object_id = f.object_id AND o.run_id >= f.run_id
    SEMI JOIN complete_runs c ON o.run_id = c.run_id
    WHERE f.verdict = 'stray')
SELECT f.finding_id, m.finding_id IS NOT NULL AS met, s.status NOT IN ('unreadable', 'unsupported') AS readable
FROM findings f JOIN standing s USING (object_id) LEFT JOIN met m USING (finding_id) WHERE f.verdict = 'stray'
"""


def _the_one(prefix: str, met: Sequence[Mapping[str, Any]], out: Path) -> Mapping[str, Any]:
    exact = [row for row in met if row["id"] == prefix]
    found = exact or met
    if not found:
        raise DecisionError(f"{out} holds no finding and no unread object with a number that begins with {prefix!r}")
    if len(found) > 1:
        raise DecisionError(f"{prefix!r} is ambiguous: the numbers of {len(found)} findings or unread objects begin so; give more of it")
    return found[0]


def _fits(row: Mapping[str, Any], wanted: Wanted) -> bool:
    entity = not wanted.entities or row["entity_type"] in wanted.entities
    return entity and (not wanted.departments or row["department"] in wanted.departments)


def _matching(rows: Sequence[dict[str, Any]], sources: Sequence[str]) -> list[dict[str, Any]]:
    from scanner.policy.globs import GlobError, compile_glob

    if not sources:
        return list(rows)
    try:
        globs = {root: [compile_glob(source, root) for source in sources] for root in {row["root"] for row in rows} or {"/"}}
    except GlobError as fault:
        raise DecisionError(f"invalid glob: {fault}") from None
    return [row for row in rows if any(glob.matches(f"{row['root'].rstrip('/')}/{row['path']}") for glob in globs[row["root"]])]


def _with_columns(pieces: Sequence[pa.RecordBatch], fixed: Mapping[str, object]) -> pa.Table:
    import pyarrow as pa

    from scanner.findings.schema import DECISIONS

    tables = []
    for piece in pieces:
        count, there = len(piece), dict(zip(piece.schema.names, piece.columns, strict=True))
        columns = [
            there[f.name].cast(f.type) if f.name in there else pa.repeat(pa.scalar(fixed.get(f.name), f.type), count) for f in DECISIONS
        ]
        tables.append(pa.table(columns, schema=DECISIONS))
    return pa.concat_tables(tables) if tables else DECISIONS.empty_table()


def _text(given: str, what: str) -> str:
    """In one line; raises `DecisionError` if it says nothing."""
    text = " ".join(given.split())
    if not text:
        raise DecisionError(f"a {what} is needed")
    if len(text) > _MOST_TEXT:
        raise DecisionError(f"the {what} is too long: {_MOST_TEXT} characters are the most")
    return text


def _optional(given: str | None) -> str | None:
    return None if given is None else _text(given, "reason")
