"""Hands files to isolated workers, and sees to it that a reader which aborts, hangs, eats memory or forks costs one object, never the run.

A file whose worker died is tried once more, alone and carefully. If its worker dies again, what was known of the object in hand
counts as `partial` (or it is `unreadable`); if that object was a member, the container goes on without it.
"""

from __future__ import annotations

import hashlib
import os
import selectors
import shutil
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Any

from scanner.model import Begun, Finished, ObjectFacts, Progress, Reason, Snapshot, Status
from scanner.run.frames import Decoder, Frame, GarbageFrame, Order, Task, WorkerConfig, encode, event_of, order_frame
from scanner.run.worker import nothing_read
from scanner.run.workspace import make_workspace, sweep_workspaces

_PATIENCE = 32  # files waiting for their second attempt before the others are held up for them
_SKIPS = 5  # members of one file that may end a worker before the file is given up
_RECYCLE_SHARE = 0.6  # of the memory limit, still held after a file
_START_SECONDS = 300.0
_LOST_NURSERIES = 3
_LOOK_EVERY = 0.25  # seconds


class WorkersFailed(Exception):
    """Workers cannot be started: a fault of the run, not of a file. The message names the place, never data."""


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


@dataclass(slots=True, eq=False)
class _Job:
    """A task on its way through one or more attempts."""

    task: Task
    attempt: int = 1
    skip: frozenset[tuple[str, ...]] = frozenset()
    open_objects: list[tuple[str, ...]] = field(default_factory=lambda: [()])  # begun and not finished, outermost first
    snapshots: dict[tuple[str, ...], ObjectFacts] = field(default_factory=dict)
    told: set[int] = field(default_factory=set)  # members whose facts were handed out by earlier attempts
    telling: set[int] = field(default_factory=set)  # and by this one
    spent: float = 0.0  # seconds of earlier attempts
    finished: bool = False
    reason: Reason | None = None
    where: str | None = None

    @property
    def careful(self) -> bool:
        return self.attempt > 1

    def again(self) -> None:
        self.attempt += 1
        self.open_objects = [()]
        self.told |= self.telling
        self.telling = set()


@dataclass(slots=True, eq=False)
class _Slot:
    """A worker as the supervisor sees it."""

    number: int
    connection: socket.socket
    temp_dir: Path
    decoder: Decoder = field(default_factory=Decoder)
    job: _Job | None = None
    began: float = 0.0
    heard: float = 0.0
    served: int = 0
    doomed: Reason | None = None  # we asked for its death, for this reason
    crash: tuple[Reason, str] | None = None  # its own last words
    leaving: bool = False


class Supervisor:
    """Runs `jobs` workers. Use as a context manager, from one thread; `stop` may be called from a signal handler or another thread."""

    def __init__(self, config: WorkerConfig, jobs: int, *, main: str = "scanner.run.nursery") -> None:
        self.config = config
        self.limits = config.pipeline.limits
        self.jobs = max(jobs, 1)
        self._main = main
        self._slots: dict[int, _Slot] = {}
        self._retries: deque[_Job] = deque()
        self._numbers = 0
        self._stopping = False
        self._losses = 0
        self._nursery: _Nursery | None = None
        self._selector = selectors.DefaultSelector()
        self._wake_end, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._wake = wake
        self._selector.register(self._wake_end, selectors.EVENT_READ, None)
        sweep_workspaces(config.temp)
        self._base, self._base_lock = make_workspace(config.temp)

    def __enter__(self) -> Supervisor:
        self._start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def stop(self) -> None:
        """End `run` soon: workers are killed, and the tasks in hand end as STOPPED."""
        self._stopping = True
        with suppress(OSError):
            os.write(self._wake, b".")

    def close(self) -> None:
        """End all workers and remove their temporary folders."""
        if self._wake < 0:
            return
        self._drop_nursery()
        self._selector.close()
        os.close(self._wake_end)
        os.close(self._wake)
        self._wake = -1
        shutil.rmtree(self._base, ignore_errors=True)
        os.close(self._base_lock)

    # ------------------------------------------------------------------ the run

    def run(self, tasks: Iterable[Task]) -> Iterator[tuple[Task, TaskEvent]]:
        """Work through `tasks`, taken one at a time as workers become free. Yields events of tasks in any interleaving.

        While the caller holds an event, workers go on until their pipes are full; their memory is watched all the time.
        Raises WorkersFailed.
        """
        source = iter(tasks)
        more = True
        try:
            while not self._stopping:
                more = self._hand_out(source, more)
                if not more and not self._retries and not self._busy():
                    return
                yield from self._listen()
            yield from self._stopped()
        finally:
            self._abandon()

    def _busy(self) -> list[_Slot]:
        return [slot for slot in self._slots.values() if slot.job]

    def _hand_out(self, source: Iterator[Task], more: bool) -> bool:
        """Give work to free workers; False once `source` has run dry."""
        busy = self._busy()
        if any(slot.job and slot.job.careful for slot in busy):
            return more
        if self._retries and (not more or len(self._retries) >= _PATIENCE or self._retries[0].attempt > 2):
            if not busy:
                self._assign(self._fresh_slot(), self._retries.popleft())
            return more
        while more and not self._stopping and (slot := self._free_slot()):
            task = next(source, None)
            if task is None:
                return False
            self._assign(slot, _Job(task))
        return more

    def _free_slot(self) -> _Slot | None:
        living = [slot for slot in self._slots.values() if not slot.leaving]
        free = next((slot for slot in living if not slot.job and not slot.doomed), None)
        return free or (self._fork() if len(living) < self.jobs else None)

    def _fresh_slot(self) -> _Slot:
        """A new worker for a careful attempt, so that nothing an earlier file left behind plays a part."""
        for slot in list(self._slots.values()):
            if not slot.job and not slot.doomed and slot.served:
                self._retire(slot)
        return self._free_slot() or self._fork()

    def _assign(self, slot: _Slot, job: _Job) -> None:
        slot.job = job
        slot.began = slot.heard = time.monotonic()
        slot.served += 1
        order = Order(job.task.location, job.task.spec, job.skip, job.careful)
        with suppress(OSError):  # if it is dead already, its exit is on the way
            slot.connection.sendall(encode(order_frame(order)))

    # ------------------------------------------------------------------ listening

    def _listen(self) -> Iterator[tuple[Task, TaskEvent]]:
        heard: set[int] = set()
        control: list[Frame] | None = []
        for key, _ in self._selector.select(_LOOK_EVERY):
            if isinstance(key.data, _Slot):
                heard.add(key.data.number)
                yield from self._read(key.data)
            elif key.data is not None and control is not None:
                control = key.data.read()
        if control is None:
            yield from self._nursery_lost()
        for frame in control or ():
            yield from self._heard_of(frame)
        now = time.monotonic()
        for slot in self._busy():
            if slot.number not in heard and not slot.doomed and self._overdue(slot, now):
                self._doom(slot, Reason.TIMEOUT)

    def _overdue(self, slot: _Slot, now: float) -> bool:
        assert slot.job is not None
        return now - slot.heard > self.limits.seconds or slot.job.spent + now - slot.began > self.limits.total_seconds

    def _read(self, slot: _Slot) -> Iterator[tuple[Task, TaskEvent]]:
        """What one worker has sent: one piece, so that no worker holds up the others."""
        try:
            chunk = slot.connection.recv(2**20, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        except OSError:
            chunk = b""
        if not chunk:
            self._silence(slot)
            return
        slot.heard = time.monotonic()
        try:
            for frame in slot.decoder.feed(chunk):
                yield from self._take(slot, frame)
        except GarbageFrame:
            slot.doomed = Reason.PARSER_CRASH
            self._silence(slot)

    def _silence(self, slot: _Slot) -> None:
        """The connection is over (or not to be trusted); the nursery will tell how the worker ended."""
        with suppress(KeyError, ValueError):
            self._selector.unregister(slot.connection)
        self._kill(slot)

    def _take(self, slot: _Slot, frame: Frame) -> Iterator[tuple[Task, TaskEvent]]:
        job = slot.job
        if frame.kind == "hello":
            return
        if job is None or slot.doomed:
            if job is None:
                raise GarbageFrame
            return  # what a doomed worker says meanwhile is not waited for
        if frame.kind == "crash":
            slot.crash = _last_words(frame)
        elif frame.kind == "done":
            yield from self._done(slot, job, frame)
        else:
            yield from self._event(job, event_of(frame, self.config.pipeline.staging))

    def _event(self, job: _Job, event: Begun | Progress | Snapshot | Finished) -> Iterator[tuple[Task, TaskEvent]]:
        if isinstance(event, Begun):
            if event.member:
                job.open_objects.append(event.member)
        elif isinstance(event, Snapshot):
            job.snapshots[event.facts.member] = event.facts
        elif isinstance(event, Progress):
            yield job.task, event
        else:
            yield from self._finished(job, event)

    def _finished(self, job: _Job, event: Finished) -> Iterator[tuple[Task, TaskEvent]]:
        member = event.facts.member
        if member in job.open_objects and member:
            del job.open_objects[job.open_objects.index(member) :]
        job.snapshots.pop(member, None)
        mark = _mark(member)
        if mark in job.told or (not member and job.finished):
            if isinstance(event.values, Path):  # an earlier attempt has told it; nobody will read this file
                event.values.unlink(missing_ok=True)
            return
        if member:
            job.telling.add(mark)
        else:
            job.finished = True
        yield job.task, event

    def _done(self, slot: _Slot, job: _Job, frame: Frame) -> Iterator[tuple[Task, TaskEvent]]:
        if not job.finished:
            raise GarbageFrame
        self._losses = 0
        crashed = Outcome.CRASHED if job.skip else Outcome.DONE
        seconds = job.spent + time.monotonic() - slot.began
        slot.job = None
        if frame.body.get("strays"):
            self._doom(slot, Reason.PARSER_CRASH)  # a worker that left processes behind is not to be trusted further
        elif slot.served >= self.config.recycle_after or self._swollen(frame):
            self._retire(slot)
        yield job.task, TaskDone(crashed, job.attempt, job.reason, job.where, seconds)

    def _swollen(self, frame: Frame) -> bool:
        resident = frame.body.get("resident")
        return not isinstance(resident, int) or resident > _RECYCLE_SHARE * self.limits.resident_bytes

    # ------------------------------------------------------------------ deaths

    def _heard_of(self, frame: Frame) -> Iterator[tuple[Task, TaskEvent]]:
        """The nursery says that a worker has ended."""
        slot = self._slots.get(frame.body["number"]) if frame.kind == "exit" else None
        if slot is None:
            return
        if not slot.doomed:
            yield from self._last_data(slot)
        self._bury(slot)
        if slot.job is not None:
            yield from self._died(slot.job, slot, self._cause(slot, frame))

    def _last_data(self, slot: _Slot) -> Iterator[tuple[Task, TaskEvent]]:
        """What a worker had sent before it died counts."""
        with suppress(OSError, GarbageFrame):
            while chunk := slot.connection.recv(2**20, socket.MSG_DONTWAIT):
                for frame in slot.decoder.feed(chunk):
                    yield from self._take(slot, frame)

    def _cause(self, slot: _Slot, frame: Frame) -> Reason:
        if frame.body.get("memory"):
            return Reason.MEMORY
        if slot.doomed:
            return slot.doomed
        if slot.crash:
            return slot.crash[0]
        # A SIGKILL that is not ours: the kernel's, short of memory, if the worker was large.
        swollen = frame.body.get("peak", 0) > self.limits.resident_bytes / 2
        return Reason.MEMORY if frame.body.get("signal") == 9 and swollen else Reason.PARSER_CRASH

    def _died(self, job: _Job, slot: _Slot, reason: Reason) -> Iterator[tuple[Task, TaskEvent]]:
        job.spent += time.monotonic() - slot.began
        job.reason, job.where = reason, slot.crash[1] if slot.crash else None
        late = job.spent > self.limits.total_seconds
        if job.finished:  # it died after its last word
            yield job.task, TaskDone(Outcome.DONE, job.attempt, reason, job.where, job.spent)
        elif not job.careful and not late:
            job.again()
            self._retries.append(job)
        else:
            yield from self._lost(job, reason, late)

    def _lost(self, job: _Job, reason: Reason, late: bool) -> Iterator[tuple[Task, TaskEvent]]:
        """A second death: the object in hand is given up; its container goes on without it, unless that is hopeless."""
        *outer, culprit = job.open_objects
        yield from self._finished(job, Finished(_casualty(job, culprit, reason)))
        if not culprit:
            yield job.task, TaskDone(Outcome.CRASHED, job.attempt, reason, job.where, job.spent)
            return
        job.skip |= {culprit}
        if not late and len(job.skip) <= _SKIPS:
            job.again()
            self._retries.appendleft(job)
            return
        for member in reversed(outer):
            facts = replace(_casualty(job, member, Reason.TIMEOUT if late else Reason.MEMBER_UNREAD), status=Status.PARTIAL)
            yield from self._finished(job, Finished(facts))
        yield job.task, TaskDone(Outcome.CRASHED, job.attempt, reason, job.where, job.spent)

    def _stopped(self) -> Iterator[tuple[Task, TaskEvent]]:
        jobs = [slot.job for slot in self._slots.values() if slot.job] + list(self._retries)
        self._abandon()
        for job in jobs:
            yield job.task, TaskDone(Outcome.STOPPED, job.attempt, job.reason, job.where, job.spent)

    def _abandon(self) -> None:
        """Kill the workers that still have work; nobody waits for it any more."""
        self._retries.clear()
        for slot in self._busy():
            slot.job = None
            if not slot.doomed:
                self._doom(slot, Reason.TIMEOUT)

    # ------------------------------------------------------------------ workers

    def _start(self) -> _Nursery:
        if self._nursery is None:
            self._nursery = _Nursery(self._main, self.config, self._base)
            self._selector.register(self._nursery.control, selectors.EVENT_READ, self._nursery)
        return self._nursery

    def _ready(self) -> _Nursery:
        nursery = self._start()
        threads = nursery.wait_ready()
        if threads > 1 and self.config.preload:
            # Forking a process with threads may copy a locked lock. Then every worker loads for itself, slower but sound.
            self.config = replace(self.config, preload=False)
            self._drop_nursery()
            return self._ready()
        return nursery

    def _fork(self) -> _Slot:
        nursery = self._ready()
        self._numbers += 1
        temp_dir = self._base / str(self._numbers)
        temp_dir.mkdir(mode=0o700)
        ours, theirs = socket.socketpair()
        slot = _Slot(self._numbers, ours, temp_dir)
        try:
            nursery.fork(slot.number, temp_dir, theirs)
        finally:
            theirs.close()
        self._slots[slot.number] = slot
        self._selector.register(ours, selectors.EVENT_READ, slot)
        return slot

    def _doom(self, slot: _Slot, reason: Reason) -> None:
        slot.doomed = reason
        self._kill(slot)

    def _kill(self, slot: _Slot) -> None:
        if self._nursery is not None:
            self._nursery.kill(slot.number)

    def _retire(self, slot: _Slot) -> None:
        """Let a worker go in peace: it ends when its connection does."""
        slot.leaving = True
        with suppress(KeyError, ValueError):
            self._selector.unregister(slot.connection)
        with suppress(OSError):
            slot.connection.shutdown(socket.SHUT_RDWR)

    def _bury(self, slot: _Slot) -> None:
        with suppress(KeyError, ValueError):
            self._selector.unregister(slot.connection)
        slot.connection.close()
        self._slots.pop(slot.number, None)
        shutil.rmtree(slot.temp_dir, ignore_errors=True)

    def _nursery_lost(self) -> Iterator[tuple[Task, TaskEvent]]:
        """The nursery itself ended (killed by the kernel, perhaps), and every worker with it."""
        self._losses += 1
        slots = list(self._slots.values())
        self._drop_nursery()
        if self._losses > _LOST_NURSERIES:
            raise WorkersFailed("the process that workers are started from keeps ending; is the machine out of memory?")
        for slot in slots:
            if slot.job is not None:
                yield from self._died(slot.job, slot, Reason.PARSER_CRASH)

    def _drop_nursery(self) -> None:
        nursery, self._nursery = self._nursery, None
        if nursery is not None:
            with suppress(KeyError, ValueError):
                self._selector.unregister(nursery.control)
            nursery.close()
        for slot in list(self._slots.values()):
            self._bury(slot)


class _Nursery:
    """The connection to the process that workers are forked from."""

    def __init__(self, main: str, config: WorkerConfig, base: Path) -> None:
        self.control, theirs = socket.socketpair()
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", main, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,  # whatever a native library prints may hold data
                stderr=subprocess.DEVNULL,
                cwd="/",
                env=_environment(),
                start_new_session=True,
            )
        finally:
            theirs.close()
        self._decoder = Decoder()
        self._threads: int | None = None
        self._send(Frame("config", {"worker": config.to_json(), "base": os.fspath(base)}))

    def wait_ready(self) -> int:
        """Block until rules and dictionaries are loaded; the number of threads there are then. Raises WorkersFailed."""
        self.control.settimeout(_START_SECONDS)
        try:
            while self._threads is None:
                self._await_one()
        finally:
            self.control.settimeout(None)
        return self._threads

    def _await_one(self) -> None:
        try:
            chunk = self.control.recv(65_536)
        except OSError:
            chunk = b""
        if not chunk:
            raise WorkersFailed("workers did not start")
        for frame in self._decoder.feed(chunk):
            if frame.kind == "failed":
                raise WorkersFailed(f"workers could not load: {frame.body['where']}")
            if frame.kind == "ready":
                self._threads = int(frame.body["threads"])

    def read(self) -> list[Frame] | None:
        """Frames that have come; None when the nursery is gone. Raises WorkersFailed."""
        try:
            chunk = self.control.recv(65_536, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return []
        except OSError:
            return None
        if not chunk:
            return None
        frames = list(self._decoder.feed(chunk))
        for frame in frames:
            if frame.kind == "ready":
                self._threads = int(frame.body["threads"])
            elif frame.kind == "failed":
                raise WorkersFailed(f"workers could not load: {frame.body['where']}")
        return frames

    def fork(self, number: int, temp_dir: Path, channel: socket.socket) -> None:
        frame = encode(Frame("fork", {"number": number, "temp": os.fspath(temp_dir)}))
        with suppress(OSError):
            socket.send_fds(self.control, [frame], [channel.fileno()])

    def kill(self, number: int) -> None:
        self._send(Frame("kill", {"number": number}))

    def _send(self, frame: Frame) -> None:
        with suppress(OSError):  # a nursery that is gone is noticed where its connection is read
            self.control.sendall(encode(frame))

    def close(self) -> None:
        """Hang up; the nursery kills what it has and ends. While it still loads it has no workers and is not waited for."""
        self.control.close()
        if self._threads is None:
            self._process.kill()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _environment() -> dict[str, str]:
    """The nursery's environment: our import path, no key, and no threads that libraries would start when they are loaded."""
    path = os.pathsep.join(os.path.abspath(entry or ".") for entry in sys.path)
    quiet = {
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "JE_ARROW_MALLOC_CONF": "background_thread:false",
        "MALLOC_ARENA_MAX": "2",
    }
    kept = {name: value for name, value in os.environ.items() if name != "STRAYSCAN_KEY"}
    return {**kept, **quiet, "PYTHONPATH": path, "PYTHONSAFEPATH": "1"}


def _casualty(job: _Job, member: tuple[str, ...], reason: Reason) -> ObjectFacts:
    """What is known of an object whose reader died: its last snapshot as `partial`, else nothing."""
    known = job.snapshots.get(member)
    if known is not None and (known.bytes_read or known.rows_read or known.found):
        return replace(known, status=Status.PARTIAL, reason=reason)
    size = job.task.spec.size if not member else None
    return nothing_read(member, reason, size, int(job.spent * 1000))


def _mark(member: tuple[str, ...]) -> int:
    """Eight bytes that stand for a member, so that a million of them can be remembered while their archive is read."""
    text = "\0".join(member).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little")


def _last_words(frame: Frame) -> tuple[Reason, str]:
    words: dict[str, Any] = dict(frame.body)
    try:
        return Reason(words["reason"]), str(words["where"])[:500]
    except (KeyError, ValueError):
        raise GarbageFrame from None


__all__ = ["Outcome", "Supervisor", "Task", "TaskDone", "TaskEvent", "WorkerConfig", "WorkersFailed"]
