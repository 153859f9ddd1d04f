"""Our own house: the program's records are facts about people too, and go when the policy's `keep:` says so.

    DIR/audit/purge.jsonl    what was purged: an entry before the first change, one after the last

What is still held, asked for or decided about stays, however old. A purge whose process died is brought to its end by the next one.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from scanner.find import cases
from scanner.findings import purge, runs
from scanner.findings.errors import StoreError, storing
from scanner.findings.publish import sync_folder
from scanner.obligations import register
from scanner.person import person_here
from scanner.policy import Policy
from scanner.run import audit

LOG: Final = "purge"
_TRIES: Final = 5


class NothingToKeep(StoreError):
    """The policy sets no limit."""


@dataclass(frozen=True, slots=True)
class Purged:
    """What went, or would go. `rows`: table -> rows; `logs`: log -> entries; `open_cases`: cases older than the limit that stay because no
    check found everything gone; `bytes`: what the findings' files are less, None where nothing was done; `entry`: number of its entry in
    the log; `problems`: what was left alone because it is damaged, as sentences."""

    applied: bool
    limits: Mapping[str, int]
    rows: Mapping[str, int] = field(default_factory=dict)
    runs: int = 0
    cases: int = 0
    open_cases: int = 0
    registers: int = 0
    logs: Mapping[str, int] = field(default_factory=dict)
    bytes: int | None = None
    entry: int | None = None
    problems: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not (any(self.rows.values()) or self.runs or self.cases or self.registers or any(self.logs.values()))

    @property
    def exit_status(self) -> int:
        return 3 if self.problems else 0

    def counts(self) -> dict[str, Any]:
        return {
            "rows": dict(self.rows),
            "runs": self.runs,
            "cases": self.cases,
            "registers": self.registers,
            "log_entries": dict(self.logs),
        }

    def to_json(self) -> dict[str, Any]:
        return {
            "applied": self.applied,
            "limits": dict(self.limits),
            **self.counts(),
            "open_cases": self.open_cases,
            "bytes": self.bytes,
            "entry": self.entry,
            "problems": list(self.problems),
            "exit_status": self.exit_status,
        }


@dataclass(frozen=True, slots=True)
class _Planned:
    findings: purge.Plan
    cases: tuple[Path, ...]
    open_cases: int
    registers: tuple[Path, ...]
    logs: Mapping[str, int]  # log -> number of the last entry that goes
    entries: Mapping[str, int]
    problems: tuple[str, ...]


def purge_records(out: Path, policy: Policy, *, apply: bool = False, now: datetime.datetime | None = None) -> Purged:
    """What goes from the store at `out` by the policy's limits; with `apply` it goes. Raises `StoreError`, NothingToKeep."""
    limits = policy.keep.limits()
    if not limits:
        raise NothingToKeep("the policy's `keep` sets no limit, so everything is kept: see docs/reference/policy.md")
    now = now or datetime.datetime.now(datetime.UTC)
    before = {name: now - datetime.timedelta(days=days) for name, days in limits.items()}
    with purge.purging(out) if apply else nullcontext():
        planned = _planned(out, before, verify=apply)
        if not apply:
            return _told(planned, limits)
        if (told := _told(planned, limits)).is_empty:
            return _told(planned, limits, applied=True, freed=0)
        person = str(person_here())
        who = {"who": person, "policy": policy.digest, "limits": limits}
        audit.append(out, LOG, {"what": "begun", **who, "planned": told.counts()})
        freed = purge.carry_out(out, planned.findings)
        with storing(out):
            for path in (*planned.cases, *planned.registers):
                path.unlink(missing_ok=True)
            for folder in {path.parent for path in (*planned.cases, *planned.registers)}:
                sync_folder(folder)
        for name, last in planned.logs.items():
            audit.cut(out, name, last, person)
        entry = audit.append(out, LOG, {"what": "done", **who, **told.counts(), "bytes": freed})
        return _told(planned, limits, applied=True, freed=freed, entry=entry)


def _planned(out: Path, before: Mapping[str, datetime.datetime], *, verify: bool) -> _Planned:
    closed: list[Path] = []
    waiting = 0
    if (limit := before.get("cases_days")) is not None:
        closed, waiting = cases.closed_before(out, limit)
    findings = _plan_of_findings(out, before.get("findings_days"), cases.objects_asked(out, but=closed), verify=verify)
    registers = register.kept_before(out, limit) if (limit := before.get("register_days")) is not None else []
    logs, entries, problems = {}, {}, []
    if (limit := before.get("audit_days")) is not None:
        for name in audit.names(out):
            faults = audit.check(out, name)[2]
            if faults:
                problems.append(f"{audit.FOLDER}/{name}.jsonl is left as it is: {faults[0]}")
            elif (last := audit.last_before(out, name, limit)) is not None:
                logs[name], entries[name] = last
    return _Planned(findings, tuple(closed), waiting, tuple(registers), logs, entries, tuple(problems))


def _plan_of_findings(out: Path, before: datetime.datetime | None, asked: list[str], *, verify: bool) -> purge.Plan:
    """Planned over the runs that there are when it is carried out: a run may end while the store is looked at."""
    if before is None:
        return purge.Plan()
    for _ in range(_TRIES):
        planned = purge.plan(out, before, purge.Keep(objects=asked), verify=verify)
        if list(planned.seen) == runs.committed(out):
            return planned
    raise StoreError(f"runs end in {out} faster than it can be looked at: purge it when no scan runs")


def _told(
    planned: _Planned, limits: Mapping[str, int], *, applied: bool = False, freed: int | None = None, entry: int | None = None
) -> Purged:
    return Purged(
        applied=applied,
        limits=limits,
        rows=planned.findings.rows,
        runs=len(planned.findings.runs),
        cases=len(planned.cases),
        open_cases=planned.open_cases,
        registers=len(planned.registers),
        logs=planned.entries,
        bytes=freed,
        entry=entry,
        problems=planned.problems,
    )
