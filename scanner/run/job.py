"""One file's way through one or more attempts: what is told of it, and what becomes of it when a worker dies. No I/O but unlinking.

First death: once more, alone and carefully. Second death: the object in hand is given up with what was known of it, and if it was
a member, its container is tried again without it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from scanner.model import Begun, Event, Finished, ObjectFacts, Progress, Reason, Snapshot, Status
from scanner.run.frames import GarbageFrame, Order, Task

SKIPS = 5
"""Members of one file that may end a worker before the file is given up."""


class Outcome(StrEnum):
    """How the work on a file ended."""

    DONE = "done"
    CRASHED = "crashed"  # its worker died, twice for at least one object; `Finished` events tell what was saved
    STOPPED = "stopped"  # the run was stopped first; the file itself has no `Finished`


@dataclass(frozen=True, slots=True)
class TaskDone:
    """The last event of a task. Unless STOPPED, exactly one `Finished` of the file itself came before it."""

    outcome: Outcome
    attempts: int = 1
    reason: Reason | None = None  # of the last death of a worker
    where: str | None = None  # kind and place of the exception that ended it, if it was one
    seconds: float = 0.0


TaskEvent = Finished | Progress | TaskDone
"""What the supervisor tells of a task."""


@dataclass(frozen=True, slots=True)
class Death:
    """How a worker ended while it had the file. `seconds`: of this attempt. `last`: there is no time for another."""

    reason: Reason
    where: str | None = None
    seconds: float = 0.0
    last: bool = False


@dataclass(slots=True, eq=False)
class Job:
    """A task and the state of its attempts."""

    task: Task
    attempt: int = 1
    over: bool = False  # a TaskDone was told
    finished: bool = False  # the file's own facts were told
    spent: float = 0.0  # seconds of earlier attempts
    _skip: frozenset[tuple[str, ...]] = frozenset()
    _open: list[tuple[str, ...]] = field(default_factory=lambda: [()])  # begun and not finished, outermost first
    _snapshots: dict[tuple[str, ...], ObjectFacts] = field(default_factory=dict)
    # Facts of members are handed out at once, since a huge archive must not pile up here; a later attempt does not repeat them.
    _told: set[int] = field(default_factory=set)  # by earlier attempts
    _telling: set[int] = field(default_factory=set)  # by this one
    _death: Death | None = None

    @property
    def careful(self) -> bool:
        """Is this an attempt after a death?"""
        return self.attempt > 1

    @property
    def pressing(self) -> bool:
        """Is the next attempt one that goes on with a container already given its second chance?"""
        return self.attempt > 2

    def order(self) -> Order:
        return Order(self.task.location, self.task.spec, self._skip, self.careful, self.task.known_hash, self.task.alike)

    def heard(self, event: Event) -> Iterator[TaskEvent]:
        """Take in an event of the worker; yields what is to be told of it. Raises GarbageFrame for an answer to what was not asked."""
        if isinstance(event, Begun):
            if event.member:
                self._open.append(event.member)
        elif isinstance(event, Snapshot):
            self._snapshots[event.facts.member] = event.facts
        elif isinstance(event, Progress):
            yield event
        else:
            yield from self._finish(event)

    def _finish(self, event: Finished) -> Iterator[TaskEvent]:
        member = event.facts.member
        if event.facts.status is Status.UNCHANGED and (member or event.facts.content_hash not in self.order().hashes):
            raise GarbageFrame
        if member and member in self._open:
            del self._open[self._open.index(member) :]
        self._snapshots.pop(member, None)
        mark = _mark(member)
        if mark in self._told or (not member and self.finished):
            if isinstance(event.values, Path):  # told by an earlier attempt; nobody will read this file
                event.values.unlink(missing_ok=True)
            return
        if member:
            self._telling.add(mark)
        else:
            self.finished = True
        yield event

    def done(self, seconds: float) -> TaskDone:
        """The worker has said that it is through, after `seconds` of this attempt."""
        self.over = True
        self.spent += seconds
        return self._end(Outcome.CRASHED if self._skip else Outcome.DONE)

    def stopped(self) -> TaskDone:
        """The run ends first."""
        self.over = True
        return self._end(Outcome.STOPPED)

    def died(self, death: Death) -> Iterator[TaskEvent]:
        """The worker died. Unless `over` then, the job is to be tried again."""
        self._death = death
        self.spent += death.seconds
        if self.finished:  # it died after its last word
            yield self.done(0.0)
        elif not self.careful and not death.last:
            self._again()
        else:
            yield from self._give_up_object(death)

    def _give_up_object(self, death: Death) -> Iterator[TaskEvent]:
        *outer, culprit = self._open
        yield from self._finish(Finished(self._casualty(culprit, death.reason)))
        self._skip |= {culprit}
        if culprit and not death.last and len(self._skip) <= SKIPS:
            self._again()
            return
        for member in reversed(outer):
            facts = self._casualty(member, Reason.TIMEOUT if death.last else Reason.MEMBER_UNREAD)
            yield from self._finish(Finished(replace(facts, status=Status.PARTIAL)))
        self.over = True
        yield self._end(Outcome.CRASHED)

    def _again(self) -> None:
        self.attempt += 1
        self._open = [()]
        self._told |= self._telling
        self._telling = set()

    def _casualty(self, member: tuple[str, ...], reason: Reason) -> ObjectFacts:
        """What is known of an object whose reader died: its last snapshot as `partial`, else nothing."""
        known = self._snapshots.get(member)
        if known is not None and (known.bytes_read or known.rows_read or known.found):
            return replace(known, status=Status.PARTIAL, reason=reason)
        return ObjectFacts.nothing_read(member, reason, None if member else self.task.spec.size, int(self.spent * 1000))

    def _end(self, outcome: Outcome) -> TaskDone:
        death = self._death or Death(Reason.PARSER_CRASH)
        return TaskDone(outcome, self.attempt, death.reason if self._death else None, death.where, self.spent)


def _mark(member: tuple[str, ...]) -> int:
    """Eight bytes that stand for a member, so that a million of them can be remembered while their archive is read."""
    text = "\0".join(member).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little")
