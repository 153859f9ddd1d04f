"""What a run came to, counted as its rows are written: the summary that the command prints and the API returns."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from scanner.judge import DRILL, STRAY, exit_status, is_unread
from scanner.model import Reason, Status
from scanner.policy import SEVERITIES
from scanner.run.drill import DrillResult

WORST_SHOWN = 20
EXAMPLES_SHOWN = 3


@dataclass(frozen=True, slots=True)
class StrayObject:
    """One of the worst objects: what a person should look at first. `entity_types`: the stray kinds, most frequent first."""

    root: str
    path: str
    member: str | None
    severity: str
    department: str | None
    store: str | None
    entity_types: tuple[str, ...]
    persons: int
    findings: int
    exposure: str


@dataclass(frozen=True, slots=True)
class UnreadGroup:
    """Objects unread for one reason; `examples`: root, path and member of the first few that nothing excuses."""

    reason: str
    count: int
    excused: int
    examples: tuple[tuple[str, str, str | None], ...]


@dataclass(frozen=True, slots=True)
class StoreState:
    """An approved store in this run: were copies of it traced, and if not (or not of all of it) why.

    `reason`: a word for `why`: `missing` (its paths match nothing), `unread` (part of it could not be read), `failed`, `stopped`, `policy`
    (the policy does not want it traced). All but the last make the run one that ends in status 3.
    """

    name: str
    traced: bool = False
    why: str | None = None
    reason: str | None = None
    records: int = 0  # in its index
    owner: str | None = None

    @property
    def missing(self) -> bool:
        return self.reason == "missing"

    @property
    def counts_as_unread(self) -> bool:
        return self.reason not in (None, "policy")


@dataclass(frozen=True, slots=True)
class FoundCopy:
    """An object that holds records or text of an approved store."""

    root: str
    path: str
    member: str | None
    store: str
    source_path: str | None
    matched_records: int
    object_records: int
    store_records: int
    columns: tuple[str, ...]
    evidence: str
    exposure: str


@dataclass(frozen=True, slots=True)
class OverdueReview:
    """A store whose approval should have been looked at again by this day."""

    store: str
    review_by: datetime.date


@dataclass(frozen=True)
class RunSummary:
    """A run in short. Persons and findings are summed over objects: someone in two files counts twice.

    `outcome`: `complete`, `incomplete`, `stopped`, `interrupted` or `failed`. Counts are keyed by the contract's words; objects excluded
    have no verdict and are in `by_status` alone.
    """

    run_id: str
    out: str
    roots_asked: tuple[str, ...]
    started: datetime.datetime
    roots_reached: tuple[str, ...] = ()
    roots_not_reached: tuple[str, ...] = ()
    ended: datetime.datetime | None = None
    outcome: str = "complete"
    objects: int = 0
    by_status: Mapping[str, int] = field(default_factory=dict)
    by_verdict: Mapping[str, int] = field(default_factory=dict)
    by_severity: Mapping[str, int] = field(default_factory=dict)
    stray_by_entity: Mapping[str, int] = field(default_factory=dict)  # stray findings by entity type
    findings: int = 0
    persons: int = 0
    persons_stray: int = 0
    bytes_read: int = 0
    unread_unexcused: int = 0
    unread: tuple[UnreadGroup, ...] = ()
    stray_with_findings: int = 0  # stray objects but for containers that are so through their members alone
    worst: tuple[StrayObject, ...] = ()
    stores: tuple[StoreState, ...] = ()
    copies: Mapping[str, int] = field(default_factory=dict)  # store -> objects that hold a copy of it
    worst_copies: tuple[FoundCopy, ...] = ()  # most records first
    overdue: tuple[OverdueReview, ...] = ()
    drill: DrillResult | None = None  # where the policy has a drill and it is planted
    notes: tuple[str, ...] = ()  # anything else worth a line, already worded
    policy: str | None = None  # the policy file

    @property
    def stray(self) -> int:
        """Objects with a stray verdict, containers of such among them."""
        return self.by_verdict.get(STRAY, 0)

    @property
    def seconds(self) -> float:
        return 0.0 if self.ended is None else max(0.0, (self.ended - self.started).total_seconds())

    @property
    def exit_status(self) -> int:
        """What the command ends with (docs/reference/exit-status.md)."""
        if self.outcome == "interrupted":
            return 130
        unread = self.unread_unexcused > 0 or bool(self.roots_not_reached) or any(store.counts_as_unread for store in self.stores)
        # `incomplete` says that a root or a folder was not read: both are counted above, unless the policy excuses the folder
        outcome = "complete" if self.outcome == "incomplete" else self.outcome
        return exit_status(stray=self.stray > 0, unread=unread, outcome=outcome)

    def to_json(self) -> dict[str, Any]:
        """Plain data for `--json`: moments as ISO text in UTC, everything else as it is named here."""
        data = {name: _plain(value) for name, value in asdict(self).items()}
        return {**data, "seconds": self.seconds, "exit_status": self.exit_status}


class Tally:
    """Counts rows as they come, in memory that does not grow with them, and makes the summary."""

    def __init__(self, worst_shown: int = WORST_SHOWN) -> None:
        self._worst_shown = worst_shown
        self._statuses: Counter[str] = Counter()
        self._verdicts: Counter[str] = Counter()
        self._severities: Counter[str] = Counter()
        self._stray_kinds: Counter[str] = Counter()
        self._unread: dict[str, UnreadGroup] = {}
        self._worst: list[_Weighed] = []
        self._objects = self._findings = self._persons = self._persons_stray = self._bytes = self._unexcused = self._stray_objects = 0

    def add(self, row: Mapping[str, Any], findings: Sequence[Mapping[str, Any]] = ()) -> None:
        """One `objects` row with its `findings` rows."""
        self._objects += 1
        self._statuses[row["status"]] += 1
        self._verdicts.update([row["verdict"]] if row["verdict"] else [])
        self._severities.update([row["severity"]] if row["severity"] else [])
        self._findings += sum(finding.get("reason") != DRILL for finding in findings)
        if row["member"] is None:
            self._bytes += row["bytes_read"] or 0
        if any(finding.get("reason") != DRILL for finding in findings):
            self._persons += row["persons"] or 0
        if is_unread(Status(row["status"]), None if row["reason"] is None else Reason(row["reason"])):
            self._add_unread(row)
        stray = [finding for finding in findings if finding["verdict"] == STRAY]
        if stray:
            self._stray_objects += 1
            self._persons_stray += row["persons"] or 0
            self._stray_kinds.update(finding["entity_type"] for finding in stray)
            self._add_stray(row, stray)

    def add_plain(self, counted: Mapping[tuple[str | None, str | None], int], status: str) -> None:
        """Many rows of one status that were read and hold nothing, by verdict and severity."""
        for (verdict, severity), count in counted.items():
            if not count:
                continue
            self._objects += count
            self._statuses[status] += count
            if verdict is not None:
                self._verdicts[verdict] += count
            if severity is not None:
                self._severities[severity] += count

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """Counts by status, verdict and severity, as the run's JSON has them."""
        return {"status": dict(self._statuses), "verdict": dict(self._verdicts), "severity": dict(self._severities)}

    @property
    def objects(self) -> int:
        return self._objects

    def summary(self, begun: RunSummary) -> RunSummary:
        """What `begun` says of the run, with everything counted so far filled in."""
        return replace(
            begun,
            objects=self._objects,
            by_status=dict(self._statuses),
            by_verdict=dict(self._verdicts),
            by_severity={level: self._severities[level] for level in SEVERITIES if self._severities[level]},
            stray_by_entity=dict(self._stray_kinds.most_common()),
            findings=self._findings,
            persons=self._persons,
            persons_stray=self._persons_stray,
            bytes_read=self._bytes,
            unread_unexcused=self._unexcused,
            unread=tuple(sorted(self._unread.values(), key=lambda group: (-(group.count - group.excused), group.reason))),
            stray_with_findings=self._stray_objects,
            worst=tuple(found for _, found in self._heaviest()),
        )

    def _add_unread(self, row: Mapping[str, Any]) -> None:
        reason = row["reason"] or row["status"]
        group = self._unread.get(reason) or UnreadGroup(reason, 0, 0, ())
        examples = group.examples
        if not row["excused"]:
            self._unexcused += 1
            if len(examples) < EXAMPLES_SHOWN:
                examples = (*examples, (row["root"], row["path"], row["member"]))
        self._unread[reason] = UnreadGroup(reason, group.count + 1, group.excused + bool(row["excused"]), examples)

    def _add_stray(self, row: Mapping[str, Any], stray: Sequence[Mapping[str, Any]]) -> None:
        kinds: Counter[str] = Counter()
        for finding in stray:
            kinds[finding["entity_type"]] += finding["distinct"] or finding["count"] or 1
        found = StrayObject(
            root=row["root"],
            path=row["path"],
            member=row["member"],
            severity=row["severity"],
            department=row["department"],
            store=row["store"],
            entity_types=tuple(kind for kind, _ in sorted(kinds.items(), key=lambda item: (-item[1], item[0]))),
            persons=row["persons"] or 0,
            findings=len(stray),
            exposure=row["exposure"],
        )
        weight = (-SEVERITIES.index(found.severity), found.persons, sum(kinds.values()))
        self._keep((weight, found))

    def _keep(self, item: _Weighed) -> None:
        """Keeps the heaviest; sorts only when twice as many have gathered as are shown."""
        self._worst.append(item)
        if len(self._worst) >= 2 * self._worst_shown:
            self._worst = self._heaviest()

    def _heaviest(self) -> list[_Weighed]:
        return sorted(self._worst, key=_heaviest_first)[: self._worst_shown]


_Weighed = tuple[tuple[int, int, int], StrayObject]


def _heaviest_first(item: _Weighed) -> tuple[int, int, int, str, str, str]:
    (severity, persons, values), found = item
    return (-severity, -persons, -values, found.root, found.path, found.member or "")


def _plain(value: Any) -> Any:
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.UTC).isoformat()
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value
