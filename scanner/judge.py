"""Gives verdicts: what the pipeline found in an object, and what the policy says of its place, become rows of the findings store."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from scanner.model import Entry, FoundFact, ObjectFacts, Reason, Status, escape_step, stable_id
from scanner.policy import RETENTION, SEVERITIES, Policy, weighs_most

STRAY, UNREAD, APPROVED, CLEAN, INFO = "stray", "unread", "approved", "clean", "info"
VERDICTS = (STRAY, UNREAD, APPROVED, CLEAN)  # worst first: a container's is the worst of its own and its members'

OUTSIDE_STORE, KIND_NOT_ALLOWED, KEPT_TOO_LONG = "outside_store", "kind_not_allowed", "retention"
KNOWN, BELOW_REPORT_FROM, PROPERTY, DRILL = "known", "below_report_from", "property", "drill"
NO_COMBINATION = "no_combination"

UNREAD_STATUSES = frozenset({Status.PARTIAL, Status.UNREADABLE, Status.UNSUPPORTED})
PROPERTIES_PLACE = "properties"
RETENTION_RULE = "policy.retention"

Row = dict[str, Any]


def worst(order: Sequence[str], *values: str | None) -> str | None:
    """The worst of the values that are not None, by an order that begins with the worst."""
    found = [value for value in values if value is not None]
    return min(found, key=order.index) if found else None


# --------------------------------------------------------------------------- judging one file


@dataclass(slots=True)
class _Below:
    """What the members finished so far mean for the container that holds them."""

    verdict: str | None = None
    severity: str | None = None
    unread: bool = False
    unexcused: bool = False


class FileJudge:
    """Judges one file and its members as they finish, members before their container.

    `scanned_at`: the moment of the scan, in UTC; its day decides whether an excuse or a retention period has run out.
    `first_seen`: when a finding of this id was first written, None if never.
    """

    def __init__(
        self,
        policy: Policy,
        entry: Entry,
        run_id: str,
        engine_digest: str,
        scanned_at: datetime.datetime,
        *,
        first_seen: Callable[[str], datetime.datetime | None] = lambda finding_id: None,
    ) -> None:
        self._policy = policy
        self._entry = entry
        self._run_id = run_id
        self._engine_digest = engine_digest
        self._now = scanned_at
        self._first_seen = first_seen
        self._severity = policy.severity
        self._path = absolute_path(entry)
        self.placement = policy.place(self._path)
        self._is_drill = policy.drill is not None and policy.drill.covers(self._path)
        self._below: dict[tuple[str, ...], _Below] = {}

    def object(self, facts: ObjectFacts, copy_of_store: bool = False) -> tuple[Row, list[Row]]:
        """The `objects` row and the `findings` rows of an object that has finished."""
        judged = [(found, *self._judge(found, facts)) for found in facts.found]
        if self._kept_too_long(facts, judged):
            judged.append((_retention_fact(facts), STRAY, KEPT_TOO_LONG))
        below = self._below.pop(facts.member, _Below())
        unread = is_unread(facts.status, facts.reason)
        excused = unread and self._excused(facts, below)
        verdict = worst(VERDICTS, _own_verdict(judged, unread), below.verdict)
        severity = worst(SEVERITIES, self._own_severity(facts, judged, copy_of_store), below.severity)
        if facts.status is Status.EXCLUDED:
            verdict, severity = None, None
        self._tell_containers(facts.member, verdict, severity, unread, excused)
        row = self._object_row(facts, verdict, severity, excused)
        return row, [self._finding_row(row, found, verdict, reason) for found, verdict, reason in judged]

    def is_stray(self, facts: ObjectFacts) -> bool:
        """Has the object a stray finding of its own, retention apart?"""
        return any(self._judge(found, facts)[0] == STRAY for found in facts.found)

    def entry_row(self) -> Row:
        """The `objects` row of something that was met and is not scanned: a link, a FIFO, excluded, without permission, ..."""
        entry = self._entry
        return self.object(ObjectFacts.nothing_read((), entry.reason, entry.size, status=entry.status or Status.UNREADABLE))[0]

    # ------------------------------------------------------------------ findings

    def _judge(self, found: FoundFact, facts: ObjectFacts) -> tuple[str, str | None]:
        """Verdict and reason of one finding."""
        if self._is_drill:
            return INFO, DRILL
        if self.placement.allows(found.entity_type):
            return APPROVED, None
        reason = self._why_info(found, facts)
        if reason is not None:
            return INFO, reason
        return STRAY, (OUTSIDE_STORE if self.placement.store is None else KIND_NOT_ALLOWED)

    def _why_info(self, found: FoundFact, facts: ObjectFacts) -> str | None:
        if found.known >= found.count > 0:
            return KNOWN
        if weighs_most(found.entity_type):
            return None
        if in_properties(found):
            return PROPERTY
        least = self._policy.report_from_persons
        if least is not None and facts.persons < least:
            return BELOW_REPORT_FROM
        return None if self._comes_together(facts) else NO_COMBINATION

    def _comes_together(self, facts: ObjectFacts) -> bool:
        """Whether the object meets one of the policy's combinations; known contacts and document properties do not count."""
        if not self._policy.combinations:
            return True
        kinds = frozenset(found.entity_type for found in facts.found if found.known < found.count and not in_properties(found))
        return any(combination.met(facts.persons, kinds) for combination in self._policy.combinations)

    def _kept_too_long(self, facts: ObjectFacts, judged: Sequence[tuple[FoundFact, str, str | None]]) -> bool:
        """Is the store's personal data older than it may get? Our own contact data and document properties do not count."""
        days = None if self.placement.store is None else self.placement.store.retention_days
        modified = timestamp(self._modified_at(facts))
        if days is None or modified is None:
            return False
        held = any(verdict != INFO and found.known < found.count and not in_properties(found) for found, verdict, _ in judged)
        return held and self._now - modified > datetime.timedelta(days=days)

    def _finding_row(self, row: Row, found: FoundFact, verdict: str, reason: str | None) -> Row:
        location = (row["root"], row["path"], row["member"])
        finding_id = stable_id(*location, found.place, found.column, found.entity_type, found.rule_id)
        return {
            "run_id": self._run_id,
            "finding_id": finding_id,
            "object_id": row["object_id"],
            "root": row["root"],
            "path": row["path"],
            "member": row["member"],
            "store": row["store"],
            "department": row["department"],
            "entity_type": found.entity_type,
            "rule_id": found.rule_id,
            "detector": found.detector,
            "score": found.score,
            "place": found.place,
            "column": found.column,
            "count": found.count,
            "distinct": found.distinct,
            "first_row": found.first_row,
            "first_line": found.first_line,
            "samples": list(found.samples),
            "verdict": verdict,
            "reason": reason,
            "first_seen": self._first_seen(finding_id) or self._now,
        }

    # ------------------------------------------------------------------ the object

    def _excused(self, facts: ObjectFacts, below: _Below) -> bool:
        """A container that is unread only through members is excused if each of those is."""
        if facts.reason is Reason.MEMBER_UNREAD and below.unread and not below.unexcused:
            return True
        reason = "" if facts.reason is None else facts.reason.value
        return self._policy.excuse_for(self._path, reason, self._now.date()) is not None

    def _own_severity(self, facts: ObjectFacts, judged: Sequence[tuple[FoundFact, str, str | None]], copy_of_store: bool) -> str | None:
        stray = [found for found, verdict, _ in judged if verdict == STRAY]
        if stray:
            persons = facts.persons or max(found.distinct for found in stray)
            kinds = [found.entity_type for found in stray]
            if kinds == [RETENTION]:
                kinds = [found.entity_type for found, _, _ in judged]
            return self._severity.severity(persons, kinds, self._entry.exposure, copy_of_store)
        return INFO if any(verdict == INFO and reason != DRILL for _, verdict, reason in judged) else None

    def _tell_containers(self, member: tuple[str, ...], verdict: str | None, severity: str | None, unread: bool, excused: bool) -> None:
        """Every container on the way up hears of it, so that one whose end is never reported still counts its members."""
        for depth in range(len(member)):
            below = self._below.setdefault(member[:depth], _Below())
            below.verdict = worst(VERDICTS, below.verdict, verdict)
            below.severity = worst(SEVERITIES, below.severity, severity)
            below.unread |= unread
            below.unexcused |= unread and not excused

    def _object_row(self, facts: ObjectFacts, verdict: str | None, severity: str | None, excused: bool) -> Row:
        entry = self._entry
        member = "!".join(map(escape_step, facts.member)) if facts.member else None
        return {
            "run_id": self._run_id,
            "object_id": stable_id(entry.location.root, entry.location.path, member),
            "root": entry.location.root,
            "path": entry.location.path,
            "member": member,
            "store": self.placement.store_name,
            "department": self.placement.department_name,
            "media_type": facts.media_type,
            "encoding": facts.encoding,
            "undecoded": facts.undecoded,
            "size_bytes": facts.size_bytes,
            "bytes_read": facts.bytes_read,
            "rows_read": facts.rows_read,
            "modified_at": timestamp(self._modified_at(facts)),
            "changed_at": timestamp(entry.changed_at),
            "scanned_at": self._now,
            "file_id": entry.file_id,
            "owner": entry.owner,
            "exposure": entry.exposure,
            "content_hash": facts.content_hash,
            "engine_digest": self._engine_digest,
            "status": facts.status.value,
            "reason": None if facts.reason is None else facts.reason.value,
            "excused": excused,
            "persons": facts.persons,
            "verdict": verdict,
            "severity": severity,
            "duration_ms": facts.duration_ms,
        }

    def _modified_at(self, facts: ObjectFacts) -> float | None:
        return self._entry.modified_at if facts.modified_at is None else facts.modified_at


def absolute_path(entry: Entry) -> str:
    """Root and path in one, as the policy's globs are matched against it; a file that is its own root has no path."""
    root, path = entry.location.root, entry.location.path
    path = "" if path in {".", "./"} else path
    joined = f"{root.rstrip('/')}/{path}" if path else root
    return joined + "/" if entry.is_dir and not joined.endswith("/") else joined


def in_properties(found: FoundFact) -> bool:
    """Does it stand in a document's properties (author, company, ...)?"""
    return found.place is not None and found.place.split(" ", 1)[0].rstrip(":") == PROPERTIES_PLACE


def is_unread(status: Status, reason: Reason | None) -> bool:
    """Was it not fully read? An unchanged object repeats the reason for which it was not."""
    if status is Status.UNCHANGED:
        return reason is not None and reason is not Reason.BINARY
    return status in UNREAD_STATUSES


def timestamp(seconds: float | None) -> datetime.datetime | None:
    """Seconds since the epoch as a moment in UTC; None for what no calendar holds (file systems may say anything)."""
    if seconds is None:
        return None
    try:
        return datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC) + datetime.timedelta(seconds=seconds)
    except (OverflowError, ValueError):
        return None


def exit_status(*, stray: bool, unread: bool, outcome: str = "complete") -> int:
    """0: nothing stray; 1: stray data; 3: something unread without excuse, or no complete run. So 1 means "this list is the list"."""
    if unread or outcome != "complete":
        return 3
    return 1 if stray else 0


def _own_verdict(judged: Sequence[tuple[FoundFact, str, str | None]], unread: bool) -> str:
    verdicts = {verdict for _, verdict, _ in judged}
    if STRAY in verdicts:
        return STRAY
    if unread:
        return UNREAD
    return APPROVED if APPROVED in verdicts else CLEAN


def _retention_fact(facts: ObjectFacts) -> FoundFact:
    return FoundFact(
        entity_type=RETENTION,
        rule_id=RETENTION_RULE,
        detector="policy",
        score=1.0,
        place=None,
        column=None,
        count=max(1, facts.persons),
        distinct=max(1, facts.persons),
        first_row=None,
        first_line=None,
        samples=(),
    )
