"""Hands files to isolated workers, and sees to it that a reader which aborts, hangs, eats memory or forks costs one object, never the run.

This module keeps the workers busy, its ear to their pipes and an eye on the clock; `job` says what becomes of a file whose worker
died, and the `nursery` process watches memory, since it has nothing else to do.
"""

from __future__ import annotations

import os
import selectors
import shutil
import socket
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType

from scanner.model import Reason
from scanner.run.frames import Decoder, Frame, GarbageFrame, Task, WorkerConfig, encode, event_of, order_frame
from scanner.run.job import Death, Job, Outcome, TaskDone, TaskEvent
from scanner.run.link import NURSERY, NurseryLink, WorkersFailed
from scanner.run.workspace import make_workspace, sweep_workspaces

__all__ = ["Outcome", "Supervisor", "Task", "TaskDone", "TaskEvent", "WorkerConfig", "WorkersFailed"]

_PATIENCE = 32  # files waiting for their second attempt before the others are held up for them
_RETRY_SECONDS = 5.0  # that the first of them waits at most
_RECYCLE_SHARE = 0.6  # of the memory limit, still held after a file
_LOST_NURSERIES = 3
_LOOK_EVERY = 0.25  # seconds
_UNDYING = 30.0  # seconds after SIGKILL: a worker that waits for a dead network mount cannot even die


class _StoppedEarly(Exception):
    """`stop` was called while the rules were still being loaded."""


@dataclass(slots=True, eq=False)
class _Slot:
    """A worker as the supervisor sees it."""

    number: int
    connection: socket.socket
    temp_dir: Path
    decoder: Decoder = field(default_factory=Decoder)
    job: Job | None = None
    began: float = 0.0
    heard: float = 0.0
    served: int = 0
    doomed: Reason | None = None  # we asked for its death, for this reason
    killed_at: float | None = None
    crash: tuple[Reason, str] | None = None  # its own last words
    leaving: bool = False

    @property
    def free(self) -> bool:
        return self.job is None and self.doomed is None and not self.leaving


class Supervisor:
    """Runs `jobs` workers. Use as a context manager, from one thread; `stop` may be called from a signal handler or another thread."""

    def __init__(
        self, config: WorkerConfig, jobs: int, *, main: str = NURSERY, eager: bool = True, warm: NurseryLink | None = None
    ) -> None:
        """`eager`: load rules and dictionaries at once, not when the first file asks for a worker (there may be none). `warm`: a nursery
        that was started before; the caller closes it where this is never entered."""
        self._eager = eager
        self._warm = warm
        self.config = config
        self.limits = config.pipeline.limits
        self.jobs = max(jobs, 1)
        self._main = main
        self._slots: dict[int, _Slot] = {}
        self._retries: deque[Job] = deque()
        self._numbers = 0
        self._losses = 0
        self._retrying_since: float | None = None
        self._stopping = False
        self._on_begin: Callable[[Task], None] | None = None
        self._closed = False
        self._nursery: NurseryLink | None = None
        sweep_workspaces(config.temp)
        self._base, self._base_lock = make_workspace(config.temp)
        self._selector = selectors.DefaultSelector()
        self._woken, self._wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._selector.register(self._woken, selectors.EVENT_READ, None)

    @staticmethod
    def warmed() -> NurseryLink:
        """A nursery that imports libraries, for a supervisor whose configuration is not known yet. To be closed."""
        return NurseryLink(warm=True)

    def __enter__(self) -> Supervisor:
        """Starts to load rules and dictionaries if it is `eager`, without waiting for it."""
        if self._eager:
            self._start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def load(self) -> bool:
        """Wait until rules and dictionaries are loaded; False if `stop` was called meanwhile. Raises WorkersFailed."""
        try:
            self._ready()
        except _StoppedEarly:
            return False
        return True

    def stop(self) -> None:
        """End `run` soon: workers are killed, and the tasks in hand end as STOPPED."""
        self._stopping = True
        if not self._closed:
            with suppress(OSError):
                os.write(self._wake, b".")

    def wake(self) -> None:
        """There is work again: what `run` takes its tasks from is asked at once. From any thread."""
        if not self._closed:
            with suppress(OSError):
                os.write(self._wake, b".")

    def close(self) -> None:
        """End all workers and remove their temporary folders."""
        if self._closed:
            return
        self._closed = True
        self._drop_nursery()
        self._selector.close()
        os.close(self._woken)
        os.close(self._wake)
        shutil.rmtree(self._base, ignore_errors=True)
        os.close(self._base_lock)

    # ------------------------------------------------------------------ the run

    def run(
        self,
        tasks: Iterable[Task | None],
        on_round: Callable[[], None] | None = None,
        on_begin: Callable[[Task], None] | None = None,
    ) -> Iterator[tuple[Task, TaskEvent]]:
        """Work through `tasks`, taken one at a time as workers become free. Yields events of tasks in any interleaving.

        A None among them says that there is no work at the moment: it is asked again after `wake`, an event, or a quarter of a second.
        `on_round` is called at least that often, also while all workers are busy. While the caller holds an event, workers go on until
        their pipes are full; their memory is watched all the time.
        `on_begin` is called just before a worker is given a task, at each attempt: one that was taken may wait for long until there is
        a worker. Raises WorkersFailed.
        """
        source = iter(tasks)
        self._on_begin = on_begin
        more = True
        try:
            while not self._stopping:
                if on_round is not None:
                    on_round()
                try:
                    more = self._hand_out(source, more)
                except _StoppedEarly:
                    break
                if not more and not self._retries and not self._busy():
                    return
                yield from self._listen()
            yield from self._stopped()
        finally:
            self._abandon()

    def _busy(self) -> list[_Slot]:
        return [slot for slot in self._slots.values() if slot.job]

    def _hand_out(self, source: Iterator[Task | None], more: bool) -> bool:
        """Give work to free workers; False once `source` has run dry. Careful attempts run alone."""
        busy = self._busy()
        if any(slot.job and slot.job.careful for slot in busy):
            return more
        if self._retries and (not more or self._retry_is_due()):
            if not busy:
                self._assign(self._fresh_slot(), self._retries.popleft())
                self._retrying_since = time.monotonic() if self._retries else None
            return more
        while more and not self._stopping and self._has_room():
            try:
                task = next(source)  # before a worker is asked for: where nothing has changed, none is ever needed
            except StopIteration:
                return False
            if task is None:
                return True
            self._retries.appendleft(Job(task, attempt=1 + task.careful))  # should the run be stopped before a worker is there
            if not task.careful and (slot := self._free_slot()):
                self._assign(slot, self._retries.popleft())
            elif task.careful:
                self._retries.rotate(-1)
        return more

    def _retry_is_due(self) -> bool:
        """Should the others be held up for the second attempt of a file that ended a worker?"""
        waited = time.monotonic() - (self._retrying_since or time.monotonic())
        return len(self._retries) >= _PATIENCE or self._retries[0].pressing or waited > _RETRY_SECONDS

    def _has_room(self) -> bool:
        return any(slot.free for slot in self._slots.values()) or sum(not slot.leaving for slot in self._slots.values()) < self.jobs

    def _free_slot(self) -> _Slot | None:
        free = next((slot for slot in self._slots.values() if slot.free), None)
        if free is None and sum(not slot.leaving for slot in self._slots.values()) < self.jobs:
            return self._fork()
        return free

    def _fresh_slot(self) -> _Slot:
        """A new worker for a careful attempt, so that nothing an earlier file left behind plays a part."""
        for slot in self._slots.values():
            if slot.free and slot.served:
                self._retire(slot)
        return self._free_slot() or self._fork()

    def _assign(self, slot: _Slot, job: Job) -> None:
        if self._on_begin is not None:
            self._on_begin(job.task)
        slot.job = job
        slot.began = slot.heard = time.monotonic()
        slot.served += 1
        with suppress(OSError):  # if it is dead already, its exit is on the way
            slot.connection.sendall(encode(order_frame(job.order())))

    def _stopped(self) -> Iterator[tuple[Task, TaskEvent]]:
        jobs = [slot.job for slot in self._slots.values() if slot.job] + list(self._retries)
        self._abandon()
        for job in jobs:
            yield job.task, job.stopped()

    def _abandon(self) -> None:
        """Kill the workers that still have work; nobody waits for it any more."""
        self._retries.clear()
        for slot in self._busy():
            slot.job = None
            if not slot.doomed:
                self._doom(slot, Reason.TIMEOUT)

    # ------------------------------------------------------------------ listening

    def _listen(self) -> Iterator[tuple[Task, TaskEvent]]:
        heard: set[int] = set()
        news: list[Frame] | None = []
        for key, _ in self._selector.select(_LOOK_EVERY):
            if isinstance(key.data, _Slot):
                heard.add(key.data.number)
                yield from self._read(key.data)
            elif isinstance(key.data, NurseryLink):
                news = key.data.read()
            elif not self._stopping:
                with suppress(BlockingIOError):
                    os.read(self._woken, 4_096)
        if news is None:
            yield from self._nursery_lost()
        for frame in news or ():
            yield from self._heard_of(frame)
        # Only a worker that had nothing to say in this very round is late: the caller may have kept us away for long.
        now = time.monotonic()
        for slot in self._busy():
            silent = slot.number not in heard and now - slot.heard > self.limits.seconds
            if not slot.doomed and (silent or self._total(slot, now)):
                self._doom(slot, Reason.TIMEOUT)
        for slot in list(self._slots.values()):
            if slot.killed_at is not None and now - slot.killed_at > _UNDYING:
                self._bury(slot)
                yield from self._died(slot, slot.doomed or Reason.PARSER_CRASH)

    def _total(self, slot: _Slot, now: float) -> bool:
        """Has the file in hand used up its whole time, all attempts together?"""
        return slot.job is not None and slot.job.spent + now - slot.began > self.limits.total_seconds

    def _read(self, slot: _Slot) -> Iterator[tuple[Task, TaskEvent]]:
        """What one worker has sent: one piece at a time, so that no worker holds up the others."""
        try:
            chunk = slot.connection.recv(2**20, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        except OSError:
            chunk = b""
        if not chunk:
            self._hang_up(slot)
            return
        slot.heard = time.monotonic()
        try:
            yield from self._take(slot, chunk)
        except GarbageFrame:
            slot.doomed = Reason.PARSER_CRASH
            self._hang_up(slot)

    def _hang_up(self, slot: _Slot) -> None:
        """The connection is over (or not to be trusted); the nursery will tell how the worker ended."""
        self._unhear(slot)
        self._kill(slot)

    def _take(self, slot: _Slot, chunk: bytes) -> Iterator[tuple[Task, TaskEvent]]:
        for frame in slot.decoder.feed(chunk):
            job = slot.job
            if frame.kind == "hello" or slot.doomed:  # what a doomed worker says meanwhile is not waited for
                continue
            if job is None:
                raise GarbageFrame
            if frame.kind == "crash":
                slot.crash = _last_words(frame)
            elif frame.kind == "done":
                yield job.task, self._done(slot, job, frame)
            else:
                for event in job.heard(event_of(frame, self.config.pipeline.staging)):
                    yield job.task, event

    def _done(self, slot: _Slot, job: Job, frame: Frame) -> TaskDone:
        if not job.finished:
            raise GarbageFrame
        self._losses = 0
        slot.job = None
        if frame.body.get("strays"):
            self._doom(slot, Reason.PARSER_CRASH)  # a worker that left processes behind is not to be trusted further
        elif slot.served >= self.config.recycle_after or self._swollen(frame):
            self._retire(slot)
        return job.done(time.monotonic() - slot.began)

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
        yield from self._died(slot, self._cause(slot, frame))

    def _last_data(self, slot: _Slot) -> Iterator[tuple[Task, TaskEvent]]:
        """What a worker had sent before it died counts."""
        with suppress(OSError, GarbageFrame):
            while chunk := slot.connection.recv(2**20, socket.MSG_DONTWAIT):
                yield from self._take(slot, chunk)

    def _cause(self, slot: _Slot, frame: Frame) -> Reason:
        if frame.body["memory"]:
            return Reason.MEMORY
        if slot.doomed:
            return slot.doomed
        if slot.crash:
            return slot.crash[0]
        # A SIGKILL that is not ours is the kernel's, short of memory, if the worker was large.
        swollen = frame.body["peak"] > self.limits.resident_bytes / 2
        return Reason.MEMORY if frame.body["signal"] == 9 and swollen else Reason.PARSER_CRASH

    def _died(self, slot: _Slot, reason: Reason) -> Iterator[tuple[Task, TaskEvent]]:
        job = slot.job
        if job is None:
            return
        now = time.monotonic()
        death = Death(reason, slot.crash[1] if slot.crash else None, now - slot.began, self._total(slot, now))
        for event in job.died(death):
            yield job.task, event
        if job.over:
            return
        if job.pressing:
            self._retries.appendleft(job)
        else:
            self._retries.append(job)
        self._retrying_since = self._retrying_since or now

    def _nursery_lost(self) -> Iterator[tuple[Task, TaskEvent]]:
        """The nursery itself ended (killed by the kernel, perhaps), and every worker with it."""
        self._losses += 1
        slots = list(self._slots.values())
        self._drop_nursery()
        if self._losses > _LOST_NURSERIES:
            raise WorkersFailed("the process that workers are started from keeps ending; is the machine out of memory?")
        for slot in slots:
            yield from self._died(slot, Reason.PARSER_CRASH)

    # ------------------------------------------------------------------ workers

    def _start(self) -> NurseryLink:
        if self._nursery is None:
            self._nursery, self._warm = self._warm or NurseryLink(self._main), None
            self._nursery.configure(self.config, self._base)
            self._selector.register(self._nursery.control, selectors.EVENT_READ, self._nursery)
        return self._nursery

    def _ready(self) -> NurseryLink:
        nursery = self._start()
        threads = nursery.wait_ready(lambda: self._stopping)
        if threads is None:
            raise _StoppedEarly
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
        with theirs:
            nursery.fork(self._numbers, temp_dir, theirs)
        slot = _Slot(self._numbers, ours, temp_dir)
        self._slots[slot.number] = slot
        self._selector.register(ours, selectors.EVENT_READ, slot)
        return slot

    def _doom(self, slot: _Slot, reason: Reason) -> None:
        slot.doomed = reason
        self._kill(slot)

    def _kill(self, slot: _Slot) -> None:
        slot.killed_at = slot.killed_at or time.monotonic()
        if self._nursery is not None:
            self._nursery.kill(slot.number)

    def _retire(self, slot: _Slot) -> None:
        """Let a worker go in peace: it ends when its connection does."""
        slot.leaving = True
        self._unhear(slot)
        with suppress(OSError):
            slot.connection.shutdown(socket.SHUT_RDWR)

    def _bury(self, slot: _Slot) -> None:
        self._unhear(slot)
        slot.connection.close()
        self._slots.pop(slot.number, None)
        shutil.rmtree(slot.temp_dir, ignore_errors=True)

    def _unhear(self, slot: _Slot) -> None:
        with suppress(KeyError, ValueError):
            self._selector.unregister(slot.connection)

    def _drop_nursery(self) -> None:
        nursery, self._nursery = self._nursery, None
        if nursery is not None:
            with suppress(KeyError, ValueError):
                self._selector.unregister(nursery.control)
            nursery.close()
        for slot in list(self._slots.values()):
            self._bury(slot)


def _last_words(frame: Frame) -> tuple[Reason, str]:
    try:
        return Reason(frame.body["reason"]), str(frame.body["where"])[:500]
    except (KeyError, ValueError):
        raise GarbageFrame from None
