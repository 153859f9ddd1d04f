"""What the state keeps of a file, as JSON: its `objects` rows, what was found, and the facts behind them, to be judged again unread."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping, Sequence
from typing import Any

from scanner.judge import RETENTION_RULE, Row, is_unread
from scanner.model import Entry, FoundFact, ObjectFacts, Reason, Status
from scanner.policy import Policy
from scanner.run.state import AGAIN, EXCUSED, FINE, Record

MOST_OBJECTS = 20_000
"""Objects of one file that are remembered; a container of more is read in every run."""

KEPT = (
    *("object_id", "member", "store", "department", "media_type", "encoding", "undecoded", "size_bytes", "rows_read", "modified_at"),
    *("changed_at", "content_hash", "reason", "excused", "persons", "verdict", "severity"),
)
"""Columns of an `objects` row that an unchanged object repeats; times as microseconds since the epoch."""

AT = {name: number for number, name in enumerate(KEPT)}

BESIDE = frozenset({"application/vnd.sqlite3", "application/x-sqlite3"})
"""Formats whose content is partly in a file beside them (a database's log), so that their own bytes do not tell whether they changed."""

TRANSIENT = frozenset({Reason.CHANGED, Reason.VANISHED, Reason.LOCKED, Reason.IO_ERROR, Reason.OFFLINE, Reason.MEMORY, Reason.TIMEOUT})
FRESH = 2_000_000
"""Microseconds: a file changed so shortly before it was read may change again without its times telling (git calls it racy)."""

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_MICROSECOND = datetime.timedelta(microseconds=1)

Judged = tuple[ObjectFacts, Row, Sequence[Mapping[str, Any]]]
"""An object as it was judged: its facts, its `objects` row, its `findings` rows."""


def micros(moment: datetime.datetime | None) -> int | None:
    return None if moment is None else (moment - _EPOCH) // _MICROSECOND


def record(
    entry: Entry,
    judged: Sequence[Judged],
    policy: Policy,
    stores: Sequence[str],
    now: datetime.datetime,
    read_run: int | None = None,
) -> Record | None:
    """What is to be remembered of a file whose objects are `judged`, its own last. None: of this one nothing is.

    `now`: when it was taken up for reading.
    """
    if not judged or judged[-1][0].member or entry.file_id is None:
        return None
    changed = _micros_of(entry.changed_at)
    again = changed is None or len(judged) > MOST_OBJECTS
    own = judged[-1][0]
    rows = [row for _, row, _ in judged]
    findings = [found for _, _, found in judged]
    kind = AGAIN if again or own.media_type in BESIDE else max(_kind(facts, one) for facts, one, _ in judged)
    return Record(
        root=entry.location.root,
        path=entry.location.path,
        file_id=entry.file_id,
        size=entry.size,
        modified=_micros_of(entry.modified_at),
        changed=changed,
        fresh=is_fresh(changed, micros(now)),
        owner=None if entry.owner is None else entry.owner.encode("utf-8", "backslashreplace").decode(),
        exposure=entry.exposure,
        kind=kind,
        valid_until=valid_until(list(zip(rows, findings, strict=True)), policy),
        hash=own.content_hash,
        stores=json.dumps(list(stores)) if stores else None,
        kept=None if kind == AGAIN else kept_of(rows),
        found=None if kind == AGAIN else told_of(findings),
        facts=json.dumps([_facts_out(facts) for facts, _, _ in judged]) if kind == FINE else None,
        media_types=frozenset(facts.media_type for facts, _, _ in judged if facts.media_type is not None),
        read_run=read_run,
    )


def is_fresh(changed: int | None, read: int | None) -> bool:
    """Had a file read at `read` changed (microseconds) too short a time before for its times to tell of a later change?"""
    return changed is None or read is None or changed > read - FRESH


def _micros_of(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1_000_000)


def _kind(facts: ObjectFacts, row: Row) -> int:
    if not is_unread(facts.status, facts.reason):
        return FINE
    return EXCUSED if row["excused"] and facts.reason not in TRANSIENT else AGAIN


def _kept(row: Mapping[str, Any]) -> list[Any]:
    full = {**row, "modified_at": micros(row["modified_at"]), "changed_at": micros(row["changed_at"])}
    return [full[name] for name in KEPT]


def kept_of(rows: Sequence[Mapping[str, Any]]) -> str:
    """JSON of the `objects` rows of a file."""
    return json.dumps([_kept(row) for row in rows])


def told_of(findings: Sequence[Sequence[Mapping[str, Any]]]) -> str | None:
    """What the summary counts of each object's findings: [number of the object, [entity type, verdict, distinct or count], ...]."""
    found = [
        [number, *([one["entity_type"], one["verdict"], one["distinct"] or one["count"] or 1] for one in of_object)]
        for number, of_object in enumerate(findings)
        if of_object
    ]
    return json.dumps(found) if found else None


def findings_told(told: Sequence[Sequence[Any]]) -> list[dict[str, Any]]:
    """The inverse of what `record` keeps of findings, as `summary.Tally` reads them."""
    return [{"entity_type": kind, "verdict": verdict, "distinct": weight, "count": weight} for kind, verdict, weight in told]


def valid_until(judged: Sequence[tuple[Mapping[str, Any], Sequence[Mapping[str, Any]]]], policy: Policy) -> float | None:
    """When the calendar alone may change the verdict of a file with these rows and findings: a retention period or an excuse runs out."""
    moments = []
    row = judged[-1][0]
    store = next((store for store in policy.stores if store.name == row["store"]), None)
    if store is not None and store.retention_days is not None:
        term = datetime.timedelta(days=store.retention_days)
        for one, findings in judged:
            if findings and one["modified_at"] is not None and not any(found["rule_id"] == RETENTION_RULE for found in findings):
                moments.append(_end(one["modified_at"], term))
    if any(one["excused"] for one, _ in judged):
        until = [excuse.until for excuse in policy.excuses_at(f"{row['root'].rstrip('/')}/{row['path']}") if excuse.until is not None]
        moments += [datetime.datetime.combine(day, datetime.time(), datetime.UTC).timestamp() + 86_400 for day in until]
    return min(moments, default=None)


def _end(moment: datetime.datetime, term: datetime.timedelta) -> float:
    try:
        return (moment + term).timestamp()
    except OverflowError:
        return float("inf")


# --------------------------------------------------------------------------- facts


_FACT = ("media_type", "encoding", "undecoded", "size_bytes", "bytes_read", "rows_read", "content_hash", "persons", "modified_at")
_FOUND = (
    *("entity_type", "rule_id", "detector", "score", "place", "column", "count", "distinct", "first_row", "first_line", "samples"),
    "known",
)


def _facts_out(facts: ObjectFacts) -> list[Any]:
    found = [[getattr(one, name) for name in _FOUND] for one in facts.found]
    reason = None if facts.reason is None else facts.reason.value
    return [list(facts.member), facts.status.value, reason, [getattr(facts, name) for name in _FACT], found]


def facts_in(text: str) -> list[ObjectFacts]:
    """The facts that `record` wrote down. Raises ValueError if they are none."""
    try:
        return [_facts_of(*one) for one in json.loads(text)]
    except (TypeError, KeyError) as error:
        raise ValueError("no facts") from error


def _facts_of(member: list[str], status: str, reason: str | None, plain: list[Any], found: list[list[Any]]) -> ObjectFacts:
    facts = [FoundFact(**{**dict(zip(_FOUND, one, strict=True)), "samples": tuple(one[_FOUND.index("samples")])}) for one in found]
    return ObjectFacts(
        member=tuple(member),
        status=Status(status),
        reason=None if reason is None else Reason(reason),
        duration_ms=0,
        found=tuple(facts),
        **dict(zip(_FACT, plain, strict=True)),
    )
