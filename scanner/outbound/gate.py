"""The gate itself: from a file's arrival to its release or its place in the hold folder, one loop over events, scans and moves.

The order is always: decide, write the decision into the state (with its log entry), move, write that the move is done. A process that dies
between two of these begins anew from what the state says (`_recover`).
"""

from __future__ import annotations

import datetime
import fcntl
import heapq
import os
import re
import secrets
import shutil
import signal
import sqlite3
import stat
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from blake3 import blake3

from scanner.config import KnownContacts, PipelineConfig, Settings
from scanner.findings.errors import StoreError
from scanner.findings.store import Store, open_store
from scanner.judge import FileJudge
from scanner.model import Entry, Finished, Location, path_text
from scanner.outbound import moves
from scanner.outbound.arrivals import AGAIN, EVENT, WALK, WHOLE, Arrivals, Sight, WalkEnded, must_poll
from scanner.outbound.decide import HOLD, RELEASE, TAKEN, Decision, Found, decide
from scanner.outbound.desk import Desk, DeskError
from scanner.outbound.disk import Broken, Changed, Disk, Identity, NameTaken, Place, missing
from scanner.outbound.moves import Folders, Moved, Staged
from scanner.outbound.notes import HELD as HELD_NOTE
from scanner.outbound.notes import SUFFIXES, is_note_name, note_text, reference
from scanner.outbound.publishing import batch_bytes, finish_interrupted, plain_rows, publish_run
from scanner.outbound.records import provision, receipt, write_provisions
from scanner.outbound.service import Health, notify
from scanner.outbound.state import (
    ALERTED,
    DESK_LOCK,
    DESTROYING,
    FOUND,
    HELD,
    HOLDING,
    RELEASING,
    RETURNING,
    SENDING,
    STAGED,
    STAYING,
    STUCK,
    GateState,
    Held,
    Queued,
    Sent,
    StateUnusable,
    private_folder,
)
from scanner.outbound.tell import Event, Teller, Webhook, shown
from scanner.policy import PolicyError, load
from scanner.policy.globs import compile_glob, composed
from scanner.redact import Key, check_key_apart, load_key
from scanner.run.digests import Digests
from scanner.run.first_seen import FirstSeen
from scanner.run.frames import Task, WorkerConfig
from scanner.run.scan import with_overrides
from scanner.run.stores import traced_by
from scanner.run.supervisor import Outcome, Supervisor, TaskDone
from scanner.run.tracing import Traced, Tracing, copy_row
from scanner.sources.exposure import Mounts, rights_of
from scanner.sources.filesystem import OpenSpec, open_beneath

MOST_IN_HAND: Final = 128  # files staged, being scanned or being moved at a time
MOVERS: Final = 16  # threads that copy and move: most of the time they wait for the disk, which takes many at once
GROUP_SECONDS: Final = 0.05  # while there is other work, what is to be entered into the state waits so long for company
RETRY_SECONDS: Final = (2.0, 10.0, 60.0, 300.0)
WRITERS_AGAIN: Final = 0.5  # seconds until a file that somebody has open for writing is looked at again
_ROWS_AT_ONCE: Final = 500
_AT_A_ROUND: Final = 250  # paths looked at between two looks at everything else
MOST_WAITING: Final = 50_000  # files remembered before they enter the queue: beyond, the folder keeps them and a later walk finds them
_GIVE_WAY_EVERY: Final = 5.0  # seconds between two looks at which of them are not ready
_APPEARS_WITHIN: Final = 60.0  # seconds from the entry that a file is given back to its being there
_STATE_AGAIN: Final = 5.0  # seconds until the state is tried again
_ORDERS_EVERY: Final = 30.0  # seconds until orders that the disk refused are tried again
_PIECES: Final = 100  # of a scan's rows, and
_PIECES_BYTES: Final = 4 * 2**20  # bytes of its values, that are kept in memory until its decision
MARKER: Final = b".done"  # beside a file: it is complete
_PIPE: Final = b"/proc/self/fd/%d"
_SQUASHED: Final = frozenset({65_534})  # nobody: whom NFS servers map strangers to


class GateError(Exception):
    """The gate cannot begin, or not go on. The message is one sentence for the user."""


@dataclass(frozen=True)
class GateSettings:
    """How a transfer folder is watched. `release` and `hold` None: only alert, nothing is moved."""

    outbox: Path
    policy: Path
    release: Path | None = None
    hold: Path | None = None
    out: Path | None = None  # the findings store; None: `findings` in the hold folder
    poll: float | None = None  # seconds between walks where events are not to be trusted; None: chosen by the mount
    reconcile: float = 60.0  # seconds between walks where events are heard
    settle: float | None = None  # instead of the policy's
    once: bool = False  # end when nothing is left to decide
    run_seconds: float = 60.0  # a run of the findings store is closed after so long
    run_objects: int = 1_000  # or so many objects
    heads_every: float = 86_400.0  # seconds between two tellings of the log's last entry
    scan: Settings = field(default_factory=Settings)

    @property
    def alert_only(self) -> bool:
        return self.release is None


@dataclass(slots=True)
class _Waiting:
    """A file that is not complete yet. `due`: when it is to be looked at next, as `_due` has it; infinity: not before something happens."""

    identity: Identity
    since: float
    seen: float
    by: str
    complete: bool
    due: float = float("inf")


@dataclass(slots=True)
class _Scan:
    """A file in a worker's hands."""

    one: Queued
    judge: FileJudge
    entry: Entry
    found: Found = field(default_factory=Found)
    rows: dict[str, list[Any]] = field(default_factory=lambda: {"objects": [], "findings": [], "copies": []})
    pieces: list[tuple[dict[str, list[Any]], bytes | None, str | None]] = field(default_factory=list)  # of its rows, not in the state yet


class Pinned:
    """A folder held open, so that it stays the same one whatever is renamed or mounted over it."""

    def __init__(self, path: Path) -> None:
        """Raises GateError."""
        try:
            self.real = path.resolve(strict=True)
            self._handle = os.open(self.real, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except (OSError, RuntimeError) as error:
            raise GateError(f"{path_text(os.fsencode(path))}: there is no such folder, or it cannot be entered") from error
        found = os.fstat(self._handle)
        self._number = (found.st_dev, found.st_ino)

    @property
    def path(self) -> bytes:
        """A path that stays good in this process."""
        return _PIPE % self._handle

    @property
    def in_place(self) -> bool:
        """Does its name still lead to it?"""
        try:
            found = os.stat(self.real)
        except OSError:
            return False
        return (found.st_dev, found.st_ino) == self._number

    def close(self) -> None:
        os.close(self._handle)


def check_apart(folders: Mapping[str, Path]) -> None:
    """Raises GateError where one of the folders lies in another."""
    real = {name: Path(os.path.realpath(path)) for name, path in folders.items()}
    for name, path in real.items():
        for other, outer in real.items():
            if name != other and (path == outer or outer in path.parents):
                raise GateError(f"the {name} folder lies in the {other} folder: a file would be met twice, or be sent unseen")


class Gate:
    """Gates one transfer folder. `run` returns when asked to stop, or with `once` when nothing is left to decide."""

    def __init__(
        self,
        settings: GateSettings,
        tellers: Sequence[Teller],
        *,
        webhook: str | None = None,
        health: Health | None = None,
        disk: Disk | None = None,
    ) -> None:
        """Raises GateError, PolicyError, RuleError, StoreError, KeyFileError, ValueError for a webhook that is no address."""
        self.settings = settings
        self._disk = disk or Disk()
        self._tellers = tellers
        self.health = health or Health()
        self.webhook = None if webhook is None else Webhook(webhook, self._another_state)
        self._stack = ExitStack()
        self._stopping = self._reload = False
        self._supervisor: Supervisor | None = None
        self._policy = load(settings.policy)
        self._digests = Digests.of(self._policy)
        self._key: Key = load_key(settings.scan.key_file)
        try:
            self._open()
        except BaseException:
            self._stack.close()
            raise
        self._waiting: dict[bytes, _Waiting] = {}
        self._due: list[tuple[float, bytes]] = []
        self._missed_at = 0.0  # when a file was last passed over since so many waited
        self._more = self._more_asked = False  # more lies there than is remembered; a walk for the rest was asked for
        self._give_way_at = 0.0
        self._active: dict[bytes, Queued] = {}
        self._again: set[bytes] = set()  # paths that something happened to while they were in hand
        self._to_stage: deque[Queued] = deque()
        self._to_scan: deque[Queued] = deque()
        self._scanning = 0
        self._complete: dict[bytes, None] = {}  # files to be entered into the queue
        self._decidable: list[_Scan] = []
        self._entered_at = 0.0
        self._moving: dict[Future[Any], tuple[Queued, str]] = {}  # to which file, and which step
        self._retry: list[Queued] = []
        self._odd: set[bytes] = set()  # links, pipes and the like, which were told once
        self._told: list[Event] = []
        self._counts: Counter[str] = Counter()
        self._pending_objects = 0
        self._run_began = datetime.datetime.now(datetime.UTC)
        self._first_walk_over = False
        self._last_fault: str | None = None
        self._heads_at = self._orders_at = 0.0
        self._orders: Future[Any] | None = None
        self._provisions_stale = True  # a process may have died before it wrote them

    # ------------------------------------------------------------------ opening

    def _open(self) -> None:
        settings = self.settings
        if (settings.release is None) != (settings.hold is None):
            raise GateError("a gate needs both a release folder and a hold folder; one that only alerts needs neither")
        if settings.hold is None and settings.out is None:
            raise GateError("a watch that only alerts needs a findings store: give --out")
        named = {"transfer": settings.outbox, "release": settings.release, "hold": settings.hold}
        check_apart({name: path for name, path in named.items() if path is not None})
        if settings.out is not None:  # in the hold folder is where it is without --out
            check_apart({"findings": settings.out, **{name: path for name, path in named.items() if path is not None and name != "hold"}})
        self._outbox = self._pin(settings.outbox)
        self._release = None if settings.release is None else self._pin(settings.release)
        home = settings.hold if settings.hold is not None else Path(settings.out or "") / ".watch"
        try:
            private_folder(home)
            for name in (b".gate", moves.STAGING, moves.VALUES, *(() if settings.alert_only else (moves.HELD_FOLDER, moves.RECEIPTS))):
                private_folder(home / os.fsdecode(name))
        except (OSError, StateUnusable) as error:
            reason = str(error) if isinstance(error, StateUnusable) else os.strerror(error.errno or 0)
            raise GateError(f"the hold folder cannot be used: {reason}") from None
        self._home = self._pin(home)
        self._lock_home()
        out = settings.out or home / "findings"
        if self._key.path is not None:
            check_key_apart(self._key.path, out)
        self._store: Store = open_store(out, self._key.key_id)
        self._folders = Folders(self._outbox.path, None if self._release is None else self._release.path, self._home.path)
        self._shown_outbox = path_text(os.fsencode(self._outbox.real))
        try:
            self.state = GateState(self._home.real / ".gate", self._disk)
        except StateUnusable as error:
            raise GateError(str(error)) from None
        self._stack.callback(self.state.close)
        self._mounts = Mounts()

    def _another_state(self) -> GateState:
        """For another thread."""
        return GateState(self._home.real / ".gate")

    def _pin(self, path: Path) -> Pinned:
        pinned = Pinned(path)
        self._stack.callback(pinned.close)
        return pinned

    def _lock_home(self) -> None:
        os.close(os.open(self._home.real / ".gate" / DESK_LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        handle = os.open(self._home.real / ".gate" / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._stack.callback(os.close, handle)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise GateError("another watch is running with this hold folder") from None

    def close(self) -> None:
        self._stack.close()

    # ------------------------------------------------------------------ the loop

    def stop(self) -> None:
        """End soon, and cleanly: what is half done is finished or left for the next start. From any thread or a signal handler."""
        self._stopping = True
        if self._supervisor is not None:
            self._supervisor.stop()

    def reload(self) -> None:
        """Read the policy again; an invalid one is told, and the old one stays. From any thread or a signal handler."""
        self._reload = True
        if self._supervisor is not None:
            self._supervisor.wake()

    def run(self) -> int:
        """Gate until `stop`; exit status: 0 when everything was decided, 3 when something was left in the transfer folder unread."""
        with suppress(ValueError):  # not the main thread: then no lease signal of ours can come to it either
            signal.signal(signal.SIGIO, signal.SIG_IGN)  # a lease that is broken in the moment we hold it
        try:
            return self._run()
        except sqlite3.Error as error:
            raise GateError(f"the gate's state cannot be written ({error})") from None

    def _run(self) -> int:
        finish_interrupted(self.state, self._store.out)
        self._remember_settings()
        self._first_seen = FirstSeen.of(self._store.out, "")
        with ThreadPoolExecutor(MOVERS, "strayscan-move") as self._pool:
            self._recover()
            self._polling = self._must_poll()
            arrivals = Arrivals(
                os.fsencode(self._outbox.real), self._outbox.path, events=not self._polling, every=self._walk_seconds, wake=self._wake
            )
            self._arrivals = arrivals
            try:
                arrivals.start()
            except OSError as error:
                raise GateError(f"the transfer folder cannot be watched: {os.strerror(error.errno or 0)} (try --poll)") from None
            if self.webhook is not None:
                self.webhook.start()
            try:
                self._tell("started", polling=self._polling, alert_only=self.settings.alert_only)
                while not self._stopping:
                    try:
                        self._watch()
                    except sqlite3.Error as error:
                        if self.settings.once:
                            raise
                        self._begin_anew(error)
                        continue
                    if self.settings.once and self._idle:
                        break
                notify("STOPPING=1")
            finally:
                arrivals.stop()
            self._finish()
        return 3 if self.settings.once and (self._waiting or self._retry) else 0

    def _watch(self) -> None:
        """One life of the workers: until the policy changes or the end."""
        config = self._worker_config()
        with Supervisor(config, self.settings.scan.jobs) as supervisor:
            self._supervisor = supervisor
            if self._stopping or not supervisor.load():
                return
            notify("READY=1")  # from here on a file is decided as soon as it is complete
            try:
                for task, event in supervisor.run(self._tasks(), self._round):
                    self._take(task.cookie, event)
            finally:
                self._supervisor = None

    def _begin_anew(self, error: sqlite3.Error) -> None:
        """The state could not be written (a full disk): what is in memory is worth nothing, so go on as after a death. Says so, waits."""
        wait(self._moving)
        for known in (self._waiting, self._due, self._active, self._again, self._complete, self._to_stage, self._to_scan):
            known.clear()
        for in_hand in (self._decidable, self._moving, self._retry):
            in_hand.clear()
        self._scanning = 0
        self._more = self._more_asked = False
        while not self._stopping:
            self._fault(f"the gate's state cannot be written ({error})")
            for teller in self._tellers:  # not the webhook: its events wait in the state
                teller(Event("fault", "error", told={"fault": self._last_fault, "step": "state"}))
            for _ in range(int(_STATE_AGAIN * 10)):
                if not self._stopping:
                    time.sleep(0.1)
            try:
                self._recover()
            except sqlite3.Error as again:
                error = again
            else:
                break
        self._arrivals.walk(WHOLE)

    def _wake(self) -> None:
        supervisor = self._supervisor
        if supervisor is not None:
            supervisor.wake()

    def _tasks(self) -> Iterator[Task | None]:
        while not self._stopping:
            if self._to_scan:
                yield self._task(self._to_scan.popleft())
            elif self.settings.once and self._idle:
                return
            else:
                yield None

    @property
    def _idle(self) -> bool:
        """Is nothing left but files that are not complete, and is it certain that the folder has been looked through?"""
        waits = {one.path for one in self._retry}  # in vain, it may be: the next start goes on with it
        busy = (
            self._active.keys() - waits or self._moving or self._to_stage or self._to_scan or self._scanning or self._told or self._complete
        )
        ready = any(not self._is_barred(path) for path in self._waiting)
        return self._first_walk_over and not self._more and not busy and not ready

    def _round(self) -> None:
        """What is to be done at every turn, scans apart."""
        if self._reload:
            self._reload = False
            self._take_policy()
        self._hear()
        self._settle()
        self._steps_done()
        self._enter()
        self._stage_more()
        self._finish_orders_aside()
        self._flush()
        self._close_run()
        self._report()

    # ------------------------------------------------------------------ arrivals

    def _hear(self) -> None:
        """A bounded part of the news: the end, the service manager and the files in hand must not wait until a million files are met."""
        hints = self._arrivals.hints(_AT_A_ROUND)
        for path, complete in hints:
            if path.endswith(MARKER):
                self._marked(path[: -len(MARKER)])
            elif len(self._waiting) >= MOST_WAITING and path not in self._waiting and path not in self._active:
                self._miss()  # without a look at each: there are many
                continue
            sight = self._arrivals.look(path, EVENT, complete=complete)
            if sight is None:
                self._waiting.pop(path, None)
            else:
                self._meet(sight)
        news = next(self._arrivals.walked(), None)
        if isinstance(news, WalkEnded):
            self._walk_ended(news)
        elif news is not None:
            for sight in news:
                self._meet(sight)
        if news is not None or len(hints) == _AT_A_ROUND:
            self._wake()
        if self._more and not self._more_asked and len(self._waiting) <= MOST_WAITING // 2:
            self._more_asked = True
            self._arrivals.walk_again()

    def _marked(self, path: bytes) -> None:
        """A marker has come, or gone."""
        known = self._waiting.get(path)
        if known is not None:
            self._expect(path, known)
        elif (sight := self._arrivals.look(path, EVENT)) is not None:  # it was not remembered while it waited
            self._meet(sight)

    def _miss(self) -> None:
        """A file is passed over: the folder keeps it, and a walk is asked for as soon as there is room."""
        self._missed_at, self._more = time.monotonic(), True

    def _has_room(self, path: bytes) -> bool:
        """May one more file be remembered? Those that had time and are not ready give way, else unfinished uploads could keep all out."""
        if len(self._waiting) < MOST_WAITING:
            return True
        if self._is_barred(path):
            return False  # a rename, or the marker's arrival, is an event of its own, and the walk comes by
        now = time.monotonic()
        if now >= self._give_way_at:
            self._give_way_at = now + _GIVE_WAY_EVERY
            met_before = time.time() - 2 * self._settle_seconds - _GIVE_WAY_EVERY
            for other, one in list(self._waiting.items()):
                if other in self._complete:
                    continue
                if one.due == float("inf"):  # only an event will bring it on
                    del self._waiting[other]
                elif one.due > now and one.seen < met_before:
                    del self._waiting[other]
                    self._miss()
        if len(self._waiting) >= MOST_WAITING:
            self._miss()
            return False
        return True

    def _meet(self, sight: Sight) -> None:
        """A file was seen: is it new, and is it complete?"""
        path, identity = sight.path, sight.identity
        if path in self._active:
            if sight.by == EVENT:
                self._again.add(path)
            return
        if identity is None:
            self._tell_odd(path)
            return
        known = self._waiting.get(path)
        now = time.monotonic()
        if known is not None:
            if known.identity != identity:
                known.identity, known.since, known.complete = identity, now, False
            known.complete |= sight.complete
            known.by = EVENT if sight.by == EVENT else known.by
            self._expect(path, known)
            return
        if self._is_settled(path, identity) or self._is_note(path) or not self._has_room(path):
            return
        # The kernel sets the time of a change, so on a local file system it tells how long the file has been quiet already.
        quiet = 0.0 if self._polling else max(0.0, time.time() - identity.ctime_ns / 1e9)
        by = AGAIN if self._more and sight.by == WALK else sight.by
        waiting = _Waiting(identity, now - quiet, time.time(), by, sight.complete)
        self._waiting[path] = waiting
        self._expect(path, waiting)

    def _is_settled(self, path: bytes, identity: Identity) -> bool:
        """Is this very file known to stay where it is: told about already, given back, or beyond our power?"""
        known = self.state.queued_at(path)
        if known is None or known.state not in STAYING:
            return False
        same = known.identity.same_content_as(identity)
        return same and not (known.state == STUCK and known.retry_at <= time.time())

    def _is_note(self, path: bytes) -> bool:
        """Is it a note of ours, unchanged? Anything else of such a name is a file like any other."""
        if not is_note_name(path):
            return False
        try:
            handle = open_beneath(self._outbox.path, path)
            try:
                text = os.pread(handle, 65_536, 0)
            finally:
                os.close(handle)
        except OSError:
            return False
        item = reference(text)
        if item is not None and any(text == note_text(suffix, item, self._policy.outbound.ask) for suffix in SUFFIXES):
            return True
        return self.state.note_digest(path) == blake3(text).hexdigest()

    def _is_barred(self, path: bytes) -> bool:
        """Does its name say that it is not finished, or does its marker lack?"""
        name = path.rpartition(b"/")[2]
        if self._partial is not None and self._partial.fullmatch("/" + composed(path_text(name))):
            return True
        if name.endswith(MARKER) and self._is_marker(path):
            return True
        return self._policy.outbound.marker and not self._has_marker(path)

    def _has_marker(self, path: bytes) -> bool:
        return self._arrivals.look(path + MARKER, EVENT) is not None

    def _is_marker(self, path: bytes) -> bool:
        sight = self._arrivals.look(path, EVENT)
        return sight is not None and sight.identity is not None and sight.identity.size == 0

    def _expect(self, path: bytes, waiting: _Waiting) -> None:
        """When to look at it next: a barred one not before something happens to it."""
        now = time.monotonic()
        if waiting.due > now and not self._is_barred(path):
            quick = waiting.complete or self._has_marker(path)
            self._look_at(path, waiting, now if quick else waiting.since + self._settle_seconds)

    def _look_at(self, path: bytes, waiting: _Waiting, due: float) -> None:
        """At this time at the latest. Events come by the dozen for a file, and each walk sees it again: only what is earlier is entered."""
        if due < waiting.due:
            waiting.due = due
            heapq.heappush(self._due, (due, path))

    @property
    def _settle_seconds(self) -> float:
        return self._policy.outbound.settle_seconds if self.settings.settle is None else self.settings.settle

    def _settle(self) -> None:
        """Files that have been quiet for long enough, or were closed, are complete."""
        now = time.monotonic()
        while self._due and self._due[0][0] <= now and len(self._complete) < _AT_A_ROUND and len(self._to_stage) < 2 * MOST_IN_HAND:
            due, path = heapq.heappop(self._due)
            waiting = self._waiting.get(path)
            if waiting is None or waiting.due != due:
                continue
            waiting.due = float("inf")
            if path in self._active or path in self._complete:
                continue
            if self._is_barred(path):
                continue
            if not waiting.complete and not self._has_marker(path) and now - waiting.since < self._settle_seconds - 0.001:
                self._look_at(path, waiting, waiting.since + self._settle_seconds)
                continue
            sight = self._arrivals.look(path, waiting.by)
            if sight is None or sight.identity is None:
                del self._waiting[path]
            elif sight.identity != waiting.identity:
                waiting.identity, waiting.since, waiting.complete = sight.identity, now, False
                self._look_at(path, waiting, now + self._settle_seconds)
            else:
                self._complete[path] = None

    def _enqueue(self, path: bytes) -> None:
        waiting = self._waiting.pop(path, None)
        if waiting is None:  # gone again
            return
        self._counts["found_by_reconciling"] += waiting.by == WALK  # no event told of it until now
        one = Queued(new_item(), path, FOUND, waiting.identity, waiting.seen, waiting.by)
        self.state.put(one)
        self._active[path] = one
        self._to_stage.append(one)

    def _enter(self) -> None:
        """Everything that is to be entered into the state, in one transaction: each waits for the disk, so files share it."""
        done = [future for future in self._moving if future.done()]
        if not (done or self._complete or self._decidable):
            return
        now = time.monotonic()
        idle = not self._scanning and len(done) == len(self._moving)
        if not idle and now - self._entered_at < GROUP_SECONDS:
            return
        self._entered_at = now
        ended = [(future, *self._moving.pop(future)) for future in done]
        complete, self._complete = self._complete, {}
        decidable, self._decidable = self._decidable, []
        follow: list[Callable[[], None]] = []
        with self.state.transaction():
            for path in complete:
                self._enqueue(path)
            for scan in decidable:
                follow += self._decide(scan)
            for future, one, step in ended:
                follow += self._step_done(one, future, step)
        for job in follow:
            job()

    def _walk_ended(self, walk: WalkEnded) -> None:
        self._counts["folders_unread"] = walk.folders_unread if walk.below == WHOLE else self._counts["folders_unread"]
        if walk.folders_unread:
            self._fault(f"{walk.folders_unread} folders of the transfer folder cannot be listed")
        if walk.below != WHOLE:
            return
        self._first_walk_over = True
        if not self._polling and self._must_poll():  # something was mounted inside since
            self._polling = True
            self._arrivals.every = self._walk_seconds
            self._tell("polling", "notice")
        self._more_asked = False
        self._more = self._more and self._missed_at >= walk.began
        for path, one in list(self._waiting.items()):  # markers and renames may have gone unheard
            if one.due == float("inf"):
                self._expect(path, one)
        before = time.time() - _APPEARS_WITHIN
        gone = [one for one in self.state.queue(*STAYING) if one.seen < before and self._arrivals.look(one.path, EVENT) is None]
        if gone:
            with self.state.transaction():
                for queued in gone:
                    self.state.drop(queued.item)

    def _check_in_place(self) -> None:
        """A folder that was renamed, unmounted or mounted over is not the one that people see. Raises GateError."""
        for name, folder in (("transfer", self._outbox), ("release", self._release), ("hold", self._home)):
            if folder is not None and not folder.in_place:
                raise GateError(f"the {name} folder was moved away or replaced by another one: start the watch again")

    def _tell_odd(self, path: bytes) -> None:
        if path not in self._odd and len(self._odd) < 100_000:
            self._odd.add(path)
            self._tell("not_a_file", "warning", path=shown(path))

    # ------------------------------------------------------------------ staging

    def _stage_more(self) -> None:
        while self._to_stage and len(self._moving) + len(self._to_scan) + self._scanning < MOST_IN_HAND:
            one = self._to_stage.popleft()
            job: Callable[[], Staged] = partial(self._look_only, one)
            if not self.settings.alert_only:
                job = partial(moves.stage, self._disk, self._folders, one.path, one.identity, one.item)
            self._hand_over(one, job, "stage")

    def _look_only(self, one: Queued) -> Staged:
        """Where nothing is moved, the file is scanned where it lies."""
        handle = open_beneath(self._outbox.path, one.path)
        try:
            found = os.fstat(handle)
        finally:
            os.close(handle)
        if not one.identity.same_content(found):
            raise Changed
        sent = Sent(found.st_uid, found.st_gid, found.st_mode & 0o7777, found.st_mtime_ns, found.st_atime_ns, found.st_size, None, None)
        return Staged("", sent, Identity.of(found))

    def _staged(self, one: Queued, staged: Staged) -> None:
        one.sent, one.digest, one.state = self._with_sender(one, staged.sent), staged.digest, STAGED
        self._to_scan.append(one)

    def _with_sender(self, one: Queued, sent: Sent) -> Sent:
        path = one.path
        mount = self._mounts.of(os.stat(self._outbox.path).st_dev, os.fsencode(self._outbox.real))
        owner = None
        with suppress(OSError):
            whole = self._outbox.path + b"/" + path
            status = os.stat(whole, follow_symlinks=False)
            if Identity.of(status).same_content_as(one.identity):  # a folder on the way may be a link by now
                owner = rights_of(status, os.fsdecode(whole), mount).owner
        way = self._policy.outbound.sender
        sender = None
        if way == "folder" and b"/" in path:
            sender = f"name:{path_text(path.partition(b'/')[0])}"
        elif way == "owner" and mount.rights == "posix" and sent.uid not in _SQUASHED:
            sender = f"uid:{sent.uid}"
        return replace(sent, owner=owner, sender=sender)

    # ------------------------------------------------------------------ scanning

    def _task(self, one: Queued) -> Task:
        assert one.sent is not None, "only staged files are scanned"
        location = Location(self._shown_outbox, path_text(one.path))
        entry = Entry(
            location=location,
            raw_path=one.path,
            size=one.sent.size,
            modified_at=one.sent.mtime_ns / 1e9,
            changed_at=one.identity.ctime_ns / 1e9,
            file_id=f"{one.identity.device}:{one.identity.inode}",
            links=1,
            owner=one.sent.owner,
            exposure="unknown",
            extra={"mtime_ns": one.sent.mtime_ns},
        )
        self._scanning += 1
        now = datetime.datetime.now(datetime.UTC)
        judge = FileJudge(self._policy, entry, "", self._digests.engine, now, first_seen=self._first_seen)
        return Task(location, self._spec(one), _Scan(one, judge, entry), careful=one.tries > 0)

    def _spec(self, one: Queued) -> OpenSpec:
        """What the worker opens: our own copy; without one, the file where it lies."""
        if self.settings.alert_only:
            who = one.identity
            return OpenSpec(os.fsencode(self._outbox.real), one.path, who.device, who.inode, who.size, who.mtime_ns)
        found = os.stat(self._home.path + b"/" + moves.STAGING + b"/" + one.item.encode())
        return OpenSpec(
            os.fsencode(self._home.real),
            moves.STAGING + b"/" + one.item.encode(),
            found.st_dev,
            found.st_ino,
            found.st_size,
            found.st_mtime_ns,
        )

    def _take(self, scan: _Scan, event: Any) -> None:
        if isinstance(event, Finished):
            self._object(scan, event)
        elif isinstance(event, TaskDone):
            self._scanning -= 1
            if event.outcome is Outcome.STOPPED:
                scan.one.tries = 0
                with self.state.transaction():
                    self.state.forget_pending(scan.one.item)
                self._to_scan.appendleft(scan.one)
            else:
                self._scanned(scan)

    def _object(self, scan: _Scan, event: Finished) -> None:
        values = event.values
        copies = self._tracing.of(scan.judge.placement.store, event.facts, values, stray=scan.judge.is_stray(event.facts))
        row, findings = scan.judge.object(event.facts, copy_of_store=bool(copies))
        scan.found.add(event.facts, row, findings, copies)
        scan.rows["objects"] += plain_rows([row])
        scan.rows["findings"] += plain_rows(findings)
        scan.rows["copies"] += [copy_row(row, fact) for fact in copies]
        batch = file = None
        if isinstance(values, Path):
            file = self._keep_values(values)
        elif values is not None and values.num_rows:
            batch = batch_bytes(values)
        if batch or file or len(scan.rows["objects"]) >= _ROWS_AT_ONCE:
            self._store_rows(scan, batch, file)

    def _keep_values(self, path: Path) -> str:
        kept = self._home.real / os.fsdecode(moves.VALUES) / secrets.token_hex(8)
        path.rename(kept)
        return str(kept)

    def _store_rows(self, scan: _Scan, batch: bytes | None, file: str | None) -> None:
        scan.pieces.append((scan.rows, batch, file))
        scan.rows = {"objects": [], "findings": [], "copies": []}
        if sum(len(batch or b"") for _, batch, _ in scan.pieces) > _PIECES_BYTES or len(scan.pieces) > _PIECES:
            with self.state.transaction():
                self._enter_rows(scan)

    def _enter_rows(self, scan: _Scan) -> None:
        for rows, batch, file in scan.pieces:
            self.state.add_pending(scan.one.item, rows, batch, file)
        scan.pieces = []

    def _scanned(self, scan: _Scan) -> None:
        if any(scan.rows.values()):
            scan.pieces.append((scan.rows, None, None))
        self._decidable.append(scan)

    def _decide(self, scan: _Scan) -> list[Callable[[], None]]:
        """Everything in the file is known: decide, and write that down before anything moves. Inside a transaction; what follows it."""
        one, found = scan.one, scan.found
        decision = decide(found, self._policy.outbound.rule_for(path_text(one.path)))
        if not self.settings.alert_only and found.digest is not None and found.digest != one.digest:
            self._fault("a staged copy is not what was copied; the file is taken anew")
            self._start_over(one)
            return []
        self._counts["decided"] += 1
        self._pending_objects += found.objects
        self._enter_rows(scan)
        self.state.pending_decided(one.item)
        if self.settings.alert_only:
            self._alert(one, decision)
            return []
        if decision.verdict == RELEASE:
            one.state, one.decision = RELEASING, decision.told()
            self.state.put(one)
            self.state.log("release", one.item, None, path=shown(one.path), digest=one.digest, **_logged(one.decision))
        else:
            self._to_hold(one, decision)
        return [lambda: self._move(one)]

    def _to_hold(self, one: Queued, decision: Decision) -> None:
        one.state, one.decision = HOLDING, decision.told()
        self.state.put(one)
        self.state.log("hold", one.item, None, path=shown(one.path), digest=one.digest, **_logged(one.decision))

    def _alert(self, one: Queued, decision: Decision) -> None:
        told = decision.told()
        one.state, one.decision = ALERTED, told
        self.state.put(one)
        self.state.log("alert", one.item, None, path=shown(one.path), **_logged(told))
        self._active.pop(one.path, None)
        what, severity = ("would_hold", "warning") if decision.verdict == HOLD else ("would_release", "info")
        self._tell(what, severity, path=shown(one.path), item=one.item, seconds=round(time.time() - one.seen, 3), **_brief(told))
        if one.path in self._again:
            self._again.discard(one.path)
            self._look_again(one.path)

    # ------------------------------------------------------------------ moving

    def _move(self, one: Queued) -> None:
        assert one.sent is not None and one.digest is not None and one.decision is not None, "what moves was decided"
        what = (self._disk, self._folders, one.path, one.identity)
        job: Callable[[], Moved]
        if one.state == RELEASING:
            job = partial(moves.release, *what, one.sent, one.digest, one.item)
        else:
            paper = receipt(one.item, one.path, self._shown_outbox, one.sent, one.digest, one.decision)
            job = partial(moves.hold, *what, one.digest, one.item, receipt=paper, ask=self._policy.outbound.ask)
        self._hand_over(one, job, "move")

    def _hand_over(self, one: Queued, job: Callable[[], Any], step: str) -> None:
        future = self._pool.submit(job)
        self._moving[future] = (one, step)
        future.add_done_callback(lambda _: self._wake())

    def _steps_done(self) -> None:
        """Copies that are there: the state need not know, since a process that begins anew throws them away."""
        for future, (one, step) in list(self._moving.items()):
            if step == "stage" and future.done() and future.exception() is None:
                del self._moving[future]
                self._staged(one, future.result())

    def _step_done(self, one: Queued, future: Future[Any], step: str) -> list[Callable[[], None]]:
        """Inside a transaction; what is to be done once that is on disk."""
        try:
            result = future.result()
        except Changed:
            self._changed(one)
        except (OSError, Broken, NameTaken, sqlite3.Error) as error:
            self._failed(one, error, step)
        else:
            if not isinstance(result, Staged):
                return self._moved(one, result)
            self._staged(one, result)
        return []

    def _changed(self, one: Queued) -> None:
        """It is not what it was, or somebody writes to it still: it waits until it is quiet."""
        self.state.drop(one.item)
        self._active.pop(one.path, None)
        self._again.discard(one.path)
        sight = self._arrivals.look(one.path, one.found_by)
        if sight is not None and sight.identity is not None:
            now = time.monotonic()
            again = WRITERS_AGAIN if sight.identity == one.identity else self._settle_seconds
            since = now + again - self._settle_seconds if sight.identity == one.identity else now  # quiet, but open for writing
            waiting = self._waiting[one.path] = _Waiting(sight.identity, since, one.seen, one.found_by, False)
            self._look_at(one.path, waiting, now + again)

    def _failed(self, one: Queued, error: Exception, step: str) -> None:
        """A step that the disk refused: the file stays where it is, and is tried again."""
        if step == "stage" and isinstance(error, OSError) and missing(error):
            self.state.drop(one.item)
            self._forget(one)
            return
        word = error.strerror if isinstance(error, OSError) else type(error).__name__
        one.fault, one.tries = word or "input/output error", one.tries + 1
        one.retry_at = time.time() + RETRY_SECONDS[min(one.tries, len(RETRY_SECONDS)) - 1]
        self._fault(one.fault)
        self._tell("fault", "error", path=shown(one.path), item=one.item, fault=one.fault, step=step)
        if step == "stage":
            one.state = STUCK
            self._active.pop(one.path, None)
        # A move that was begun keeps its path: what lies there must not be taken for a new file and be decided once more.
        self.state.put(one)
        self._retry.append(one)

    def _try_again(self) -> None:
        now = time.time()
        due = [one for one in self._retry if one.retry_at <= now]
        for one in due:
            self._retry.remove(one)
            if one.state != STUCK:
                self._move(one)
            elif one.path not in self._active:
                self._active[one.path] = one
                one.state = FOUND
                self._to_stage.append(one)

    def _moved(self, one: Queued, moved: Moved) -> list[Callable[[], None]]:
        """A move has come to its end: enter it. Returns what is to be done once that is on disk."""
        assert one.decision is not None and one.sent is not None and one.digest is not None, "what moved was decided"
        decision = dict(one.decision)
        if moved.name_taken:
            decision["verdict"], decision["reasons"] = HOLD, [*decision["reasons"], TAKEN]
            one.state, one.decision = HOLDING, decision
            self.state.put(one)
            self.state.log("hold", one.item, None, path=shown(one.path), digest=one.digest, **_logged(decision))
            return [lambda: self._move(one)]
        self.state.drop(one.item)
        seconds = round(time.time() - one.seen, 3)
        if one.state == RELEASING:
            self.state.log("released", one.item, None, path=shown(one.path), digest=one.digest, source=moved.source)
            self._counts["released"] += 1
            record = provision(one.item, one.path, one.sent, one.digest, decision, (), held=False)
            if record is not None:
                self.state.put_provision(one.item, record)
                self._provisions_stale = True
            self._tell("released", path=shown(one.path), item=one.item, seconds=seconds, source=moved.source, **_brief(decision))
        else:
            self.state.put_held(Held(one.item, one.path, HELD, time.time(), one.sent, one.digest, decision))
            if moved.note is not None:
                text = note_text(HELD_NOTE, one.item, self._policy.outbound.ask)
                self.state.put_note(moved.note, one.item, blake3(text).hexdigest())
            whose = {"sender": one.sent.sender, "owner": one.sent.owner}
            how = {"source": moved.source, "note": moved.note is not None, "receipt": moved.receipt}
            self.state.log("held", one.item, None, path=shown(one.path), digest=one.digest, **whose, **how)
            self._counts["held"] += 1
            if moved.note is None and moved.source == moves.REMOVED:
                self._fault("no note could be left in the place of a held file")
                self._tell("fault", "error", path=shown(one.path), item=one.item, fault=self._last_fault, step="note")
            self._tell("held", "warning", path=shown(one.path), item=one.item, seconds=seconds, source=moved.source, **_brief(decision))
        self._forget(one, look=moved.source == moves.CHANGED)
        marked = moved.source == moves.REMOVED and (self._policy.outbound.marker or one.path + MARKER in self._waiting)
        return [partial(self._remove_marker, one.path + MARKER)] if marked else []

    def _remove_marker(self, path: bytes) -> None:
        """A marker goes with its file; one that is not empty is a file like any other."""
        place = Place(self._outbox.path, path)
        with suppress(OSError), self._disk.folder(place) as folder:
            found = os.stat(place.name, dir_fd=folder, follow_symlinks=False)
            if stat.S_ISREG(found.st_mode) and found.st_size == 0:
                self._disk.remove(folder, place.name)
        self._waiting.pop(path, None)

    def _forget(self, one: Queued, *, look: bool = False) -> None:
        self._active.pop(one.path, None)
        if look or one.path in self._again:
            self._again.discard(one.path)
            self._look_again(one.path)

    def _look_again(self, path: bytes) -> None:
        sight = self._arrivals.look(path, EVENT)
        if sight is not None:
            self._meet(sight)

    def _start_over(self, one: Queued) -> None:
        with suppress(OSError):
            moves.unstage(self._disk, self._folders, one.item)
        self.state.forget_pending(one.item)
        self._changed(one)

    # ------------------------------------------------------------------ after a death

    def _recover(self) -> None:
        """Go on where a process that died left off."""
        if not self.settings.alert_only:
            kept = {one.item.encode() for one in self.state.queue(RELEASING, HOLDING)}
            staging = self._home.path + b"/" + moves.STAGING
            for name in os.listdir(staging):
                if name not in kept:
                    os.unlink(staging + b"/" + name)
            self._finish_orders()
            self._leave_missing_notes()
        with self.state.transaction():
            for one in self.state.queue(FOUND, STAGED):
                self.state.forget_pending(one.item)
                self.state.drop(one.item)  # the walk finds it again, where it still lies
        known = self.state.pending_files()
        values = self._home.real / os.fsdecode(moves.VALUES)
        for path in values.iterdir():
            if str(path) not in known:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        self._retry = [replace(one, retry_at=0.0) for one in self.state.queue(STUCK)]
        for one in self.state.queue(RELEASING, HOLDING):
            self._active[one.path] = one
            self._move(one)

    def _leave_missing_notes(self) -> None:
        """Where a held file has no note, since the disk refused it or the process died before it was entered."""
        ask = self._policy.outbound.ask
        for one in self.state.held(HELD):
            if not self.state.notes(one.item):
                with suppress(OSError):
                    if note := moves.leave_note(self._disk, Place(self._outbox.path, one.path), HELD_NOTE, one.item, ask):
                        with self.state.transaction():
                            self.state.put_note(note, one.item, blake3(note_text(HELD_NOTE, one.item, ask)).hexdigest())

    def _finish_orders(self) -> None:
        """What an approver ordered and the disk refused, or a process that died left. From any thread."""
        with suppress(DeskError, PolicyError), Desk(self._home.real, policy=self.settings.policy, disk=self._disk) as desk:
            desk.finish_orders()

    def _finish_orders_aside(self) -> None:
        if self.settings.alert_only or time.monotonic() < self._orders_at or (self._orders is not None and not self._orders.done()):
            return
        self._orders_at = time.monotonic() + _ORDERS_EVERY
        if self.state.held(SENDING, RETURNING, DESTROYING):
            self._orders = self._pool.submit(self._finish_orders)

    # ------------------------------------------------------------------ policy

    def _take_policy(self) -> None:
        from detectors.rule_files import RuleError

        notify(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1_000}")
        try:
            policy = load(self.settings.policy)
            digests = Digests.of(policy)
        except (PolicyError, RuleError) as fault:
            self._fault(str(fault))
            self._tell("policy_refused", "error", fault=str(fault))
            notify("READY=1")
            return
        with self.state.transaction():
            self.state.log("policy", None, None, digest=policy.digest)
        self._policy, self._digests = policy, digests
        self._tell("policy_taken")
        if self._supervisor is not None:
            self._supervisor.stop()  # the workers have the old one; files in their hands are scanned anew

    def _remember_settings(self) -> None:
        """For the commands of approvers, which are given the hold folder alone."""
        with self.state.transaction():
            release = None if self._release is None else self._release.real
            for key, path in (("outbox", self._outbox.real), ("release", release), ("out", self._store.out)):
                self.state.set_meta(key, "" if path is None else str(path))
            self.state.set_meta("policy", str(self.settings.policy.resolve()))
            self.state.log("start", None, None, policy=self._policy.digest, outbox=self._shown_outbox)

    def _worker_config(self) -> WorkerConfig:
        policy, settings = self._policy, self.settings.scan
        patterns = [compile_glob(pattern, "/").regex.pattern for pattern in policy.outbound.partial]
        self._partial = re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.DOTALL) if patterns else None
        limits = with_overrides(policy.limits, settings.limits)
        if policy.outbound.most_bytes:
            limits = replace(limits, file_bytes=policy.outbound.most_bytes)
        traced = Traced()
        if policy.stores:
            traced = traced_by(policy, self.settings.policy, self._store.out, settings, up_to_date=False)
            missing_ones = [state.name for state in traced.states if state.counts_as_unread]
            if missing_ones:
                self._fault(f"copies of {len(missing_ones)} stores cannot be traced: run `strayscan stores refresh`")
        values = self._home.real / os.fsdecode(moves.VALUES)
        self._tracing = Tracing(traced, policy, values)
        known = KnownContacts(tuple(map(str, policy.known.people_files)), policy.known.phones, policy.known.emails)
        pipeline = PipelineConfig("", limits, policy.detect, known, values, self._key.secret, False, self._tracing.excerpts)
        return WorkerConfig(pipeline, nice=settings.nice)

    def _must_poll(self) -> bool:
        return self.settings.poll is not None or must_poll(os.fsencode(self._outbox.real), Mounts())

    @property
    def _walk_seconds(self) -> float:
        return (self.settings.poll or 2.0) if self._polling else self.settings.reconcile

    # ------------------------------------------------------------------ telling

    def _tell(self, what: str, severity: str = "info", *, path: str | None = None, item: str | None = None, **told: Any) -> None:
        """At the end of this round, when what it tells of is on disk."""
        self._told.append(Event(what, severity, path, item, told))

    def _fault(self, sentence: str) -> None:
        self._last_fault = sentence
        self._counts["faults"] += 1

    def _flush(self) -> None:
        self._try_again()
        told, self._told = self._told, []
        if self.webhook is not None and told:
            with self.state.transaction():
                for event in told:
                    self.state.add_delivery(_json(event))
            self.webhook.wake()
        for event in told:
            for teller in self._tellers:
                teller(event)

    def _close_run(self, *, now: bool = False) -> None:
        age = (datetime.datetime.now(datetime.UTC) - self._run_began).total_seconds()
        if not now and self._pending_objects < self.settings.run_objects and age < self.settings.run_seconds:
            return
        began, self._run_began = self._run_began, datetime.datetime.now(datetime.UTC)
        self._pending_objects = 0
        try:
            while publish_run(self.state, self._store, self._shown_outbox, str(self.settings.policy), self._digests, began):
                self._counts["runs"] += 1
        except StoreError as fault:  # the rows wait in the state
            self._fault(str(fault))
            self._tell("fault", "error", fault=str(fault), step="findings")
        if self._provisions_stale and self.settings.hold is not None:
            self._provisions_stale = False
            try:
                if records := self.state.provisions():
                    write_provisions(self._home.real, records)
            except OSError as error:
                self._provisions_stale = True
                self._fault(error.strerror or "input/output error")

    def _report(self) -> None:
        """Health, the service manager's watchdog, and once a day the log's head."""
        now = time.time()
        if now - self._heads_at >= self.settings.heads_every:
            self._heads_at = now
            seq, digest = self.state.head()
            self._tell("log_head", "notice", seq=seq, hash=digest)
        if not self.health.due(now):
            return
        self._check_in_place()
        waiting = [one.seen for path, one in self._waiting.items()]
        active = [one.seen for one in self._active.values()]
        barred = sum(self._is_barred(path) for path in list(self._waiting)[:1_000])
        oldest = min([*waiting, *active], default=now)
        self.health.set(
            queue=len(self._waiting) + len(self._active),
            more=self._more,
            unfinished=barred,
            in_hand=len(self._active),
            oldest_seconds=round(now - oldest, 1),
            stuck=len(self._retry),
            held=self.state.held_count(),
            findings_waiting=self.state.pending_count(),
            deliveries_waiting=self.state.deliveries_waiting(),
            last_error=self._last_fault,
            untold=sum(getattr(teller, "faults", 0) for teller in self._tellers),
            polling=self._polling,
            overflows=self._arrivals.overflows,
            last_walk=self._arrivals.last_whole_walk,
            released=self._counts["released"],
            held_since_start=self._counts["held"],
            decided=self._counts["decided"],
            found_by_reconciling=self._counts["found_by_reconciling"],
            faults=self._counts["faults"],
        )
        notify("WATCHDOG=1")

    def _finish(self) -> None:
        """What is in the hands of the movers is finished; all else is left as it is in the state."""
        self._complete = {}
        self._moving = {future: what for future, what in self._moving.items() if what[1] != "stage" or not future.cancel()}
        while self._moving or self._decidable:
            self._steps_done()
            self._enter()
            time.sleep(0.005)
        self._close_run(now=True)
        self._tell("stopped")
        self._flush()
        self.health.due(float("inf"))
        if self.webhook is not None:
            self.webhook.stop()


def new_item() -> str:
    """A name for a file on its way, sorting by day: ``20261124-9f3a2c51b07d``."""
    return f"{datetime.datetime.now(datetime.UTC):%Y%m%d}-{secrets.token_hex(6)}"


def _logged(told: Mapping[str, Any]) -> dict[str, Any]:
    return {name: told[name] for name in ("verdict", "reasons", "kinds", "persons", "unread", "copies", "recipient")}


def _brief(told: Mapping[str, Any]) -> dict[str, Any]:
    brief = {name: told[name] for name in ("reasons", "kinds", "persons", "copies") if told.get(name)}
    recipient = (told.get("recipient") or {}).get("recipient")
    return brief | ({"recipient": recipient} if recipient else {})


def _json(event: Event) -> str:
    import json

    return json.dumps(event.to_json())
