"""What lies in the transfer folder: events of the file system are hints, a walk is the truth.

A walk runs at the start, on a timer, after the kernel or watchdog says that events were lost, and below every new folder. Where events do
not tell what other hosts do (network and FUSE mounts), the timer is all there is, and it is short.
"""

from __future__ import annotations

import logging
import os
import stat
import threading
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from scanner.outbound.disk import ASIDE, Identity
from scanner.sources.exposure import Mounts
from scanner.sources.filesystem import open_folder

EVENT, WALK, START, AGAIN = "event", "walk", "start", "again"
"""How a file was found. AGAIN: by a walk, but it may have been met before, when too many waited to remember it."""

WHOLE: Final = b""
FOLDER_AGAIN_SECONDS: Final = 1.0  # a new folder is walked twice: files come while the watch on it is being set
_LOCAL_WORDS: Final = "ext2 ext3 ext4 xfs btrfs zfs tmpfs ramfs f2fs jfs reiserfs bcachefs nilfs2 overlay ubifs"
_LOCAL: Final = frozenset(_LOCAL_WORDS.split())
_BATCH: Final = 250
MOST_HINTS: Final = 100_000  # paths that something happened to; beyond, it is as if the kernel had lost the event


@dataclass(frozen=True, slots=True)
class Sight:
    """A regular file as it was met. `complete`: closed after writing, or moved into place. `identity` None: no regular file."""

    path: bytes
    identity: Identity | None
    by: str
    complete: bool = False


@dataclass(frozen=True, slots=True)
class WalkEnded:
    """A walk over `below` has ended. `folders_unread`: folders that could not be listed, so that files may lie there unseen."""

    below: bytes
    seen: int
    folders_unread: int
    began: float  # `time.monotonic`


def must_poll(folder: bytes, mounts: Mounts | None = None) -> bool:
    """Do events of this folder not tell everything? By the types of its mount and of those inside: local ones alone are known to."""
    mounts = mounts or Mounts()
    return any(mount.fstype not in _LOCAL for mount in (mounts.of(os.stat(folder).st_dev, folder), *mounts.inside(folder)))


class Arrivals:
    """Watches `outbox` (a real path; `root` is a path that stays good) from threads of its own. `wake` is called when there is news.
    `every`: seconds between two walks over everything."""

    def __init__(self, outbox: bytes, root: bytes, *, events: bool, every: float, wake: Callable[[], None]) -> None:
        self._outbox = outbox
        self._root = root
        self.every = every
        self._wake = wake
        self._hints: dict[bytes, bool] = {}  # path -> complete
        self._walks: dict[bytes, float] = {}  # folder -> when
        self._found: deque[list[Sight] | WalkEnded] = deque()
        self._lock = threading.Lock()
        self._news = threading.Condition(self._lock)
        self._stopping = False
        self._observer: Any = None
        self._events = events
        self._walker = threading.Thread(target=self._walk_on, name="strayscan-walk", daemon=True)
        self._rest_until = 0.0
        self.overflows = 0
        self.last_whole_walk: float | None = None

    def start(self) -> None:
        """Watch first, walk then, so that nothing falls between. Raises OSError (no more watches, no such folder)."""
        if self._events:
            self._observe()
        self.walk(WHOLE)
        self._walker.start()

    def stop(self) -> None:
        with self._news:
            self._stopping = True
            self._news.notify_all()
        if self._observer is not None:
            logging.getLogger("watchdog").removeHandler(self._log)
            self._observer.stop()
            self._observer.join(10.0)
        if self._walker.is_alive():
            self._walker.join(10.0)

    def walk(self, below: bytes, after: float = 0.0) -> None:
        """Walk over a folder of the outbox soon."""
        due = time.monotonic() + after
        with self._news:
            self._walks[below] = min(self._walks.get(below, due), due)
            self._news.notify_all()

    def walk_again(self) -> None:
        """Over everything, soon; not at once where the last walk took long, since what it met has to be dealt with too."""
        self.walk(WHOLE, max(0.0, self._rest_until - time.monotonic()))

    def hints(self, most: int) -> list[tuple[bytes, bool]]:
        """Paths that something happened to, and whether they are complete; taken away from here."""
        with self._lock:
            taken: list[tuple[bytes, bool]] = []
            while self._hints and len(taken) < most:
                path = next(iter(self._hints))
                taken.append((path, self._hints.pop(path)))
            return taken

    def walked(self) -> Iterator[list[Sight] | WalkEnded]:
        """What walks have met since."""
        while self._found:
            yield self._found.popleft()

    def look(self, path: bytes, by: str, *, complete: bool = False) -> Sight | None:
        """What lies at a path now; None if nothing does. A folder is walked."""
        *steps, name = path.split(b"/")
        try:
            handle = open_folder(self._root, steps)
            try:
                found = os.stat(name, dir_fd=handle, follow_symlinks=False)
            finally:
                os.close(handle)
        except OSError:
            return None
        if stat.S_ISDIR(found.st_mode):
            self.walk(path)
            self.walk(path, FOLDER_AGAIN_SECONDS)
            return None
        return Sight(path, Identity.of(found) if stat.S_ISREG(found.st_mode) else None, by, complete)

    # ------------------------------------------------------------------ events

    def _observe(self) -> None:
        from watchdog import events
        from watchdog.observers.inotify import InotifyObserver

        arrivals = self

        class Handler(events.FileSystemEventHandler):
            def on_any_event(self, event: events.FileSystemEvent) -> None:
                arrivals._hear(event)

        # Neither opening nor reading: a walk over many folders would fill the kernel's queue by itself, and the overflow ask for another.
        files: list[type[events.FileSystemEvent]] = [
            *(events.FileCreatedEvent, events.FileModifiedEvent, events.FileClosedEvent, events.FileMovedEvent),
            *(events.DirCreatedEvent, events.DirMovedEvent),
        ]

        self._log = _Overflow(self._overflowed)
        logging.getLogger("watchdog").addHandler(self._log)
        # said, with a dump of all watched paths, whenever a folder is created while its parent is being read: the watch is the same
        warnings.filterwarnings("ignore", message="Callback with id", category=RuntimeWarning)
        self._observer = InotifyObserver(generate_full_events=True)  # else a file moved in from outside looks like one being written
        self._observer.schedule(Handler(), os.fsdecode(self._outbox), recursive=True, event_filter=files)
        self._observer.start()

    def _hear(self, event: Any) -> None:
        kind = event.event_type
        if kind in ("opened", "closed_no_write", "deleted"):
            return
        if kind == "moved":
            self._hint(event.dest_path, complete=not event.is_directory)
        elif not (event.is_directory and kind == "modified"):
            self._hint(event.src_path, complete=kind == "closed")

    def _hint(self, path: str | bytes, *, complete: bool) -> None:
        raw = os.fsencode(path)
        if not raw.startswith(self._outbox + b"/"):
            return
        raw = raw[len(self._outbox) + 1 :]
        if raw.rpartition(b"/")[2].startswith(ASIDE):
            return
        with self._lock:
            news = not self._hints
            full = len(self._hints) >= MOST_HINTS and raw not in self._hints
            if not full:
                self._hints[raw] = self._hints.get(raw, False) or complete
        if full:
            self._overflowed()
        elif news or complete:
            self._wake()

    def _overflowed(self) -> None:
        self.overflows += 1
        self.walk_again()

    # ------------------------------------------------------------------ walks

    def _walk_on(self) -> None:
        first = True
        while (below := self._next_walk()) is not None:
            began = time.monotonic()
            seen = unread = 0
            batch: list[Sight] = []
            for sight in self._files(below, START if first else WALK):
                if isinstance(sight, Sight):
                    seen += 1
                    batch.append(sight)
                    if len(batch) >= _BATCH:
                        self._deliver(batch)
                        batch = []
                else:
                    unread += 1
            self._deliver(batch)
            now = time.monotonic()
            if below == WHOLE:
                first = False
                self.last_whole_walk = time.time()
                self._rest_until = now + 5 * (now - began)  # a folder that takes long is not walked all the time
                self.walk(WHOLE, max(self.every, self._rest_until - now))
            self._found.append(WalkEnded(below, seen, unread, began))
            self._wake()

    def _next_walk(self) -> bytes | None:
        with self._news:
            while not self._stopping:
                now = time.monotonic()
                due = sorted((when, path) for path, when in self._walks.items())
                if due and due[0][0] <= now:
                    del self._walks[due[0][1]]
                    return due[0][1]
                self._news.wait(due[0][0] - now if due else None)
            return None

    def _deliver(self, batch: list[Sight]) -> None:
        """Waits while much is undelivered: a walk over millions of files must not fill the memory."""
        while len(self._found) > 800 and not self._stopping:
            time.sleep(0.05)
        if batch:
            self._found.append(batch)
            self._wake()

    def _files(self, below: bytes, by: str) -> Iterator[Sight | None]:
        """Every thing below a folder that is no folder, and None for a folder that cannot be listed. No link is followed."""
        waiting = [below]
        while waiting and not self._stopping:
            folder = waiting.pop()
            try:
                handle = open_folder(self._root, folder.split(b"/") if folder else [])
            except OSError:
                if _still_there(self._root, folder):
                    yield None
                continue
            try:
                with os.scandir(handle) as listing:
                    for one in listing:
                        path = folder + b"/" + os.fsencode(one.name) if folder else os.fsencode(one.name)
                        if one.name.startswith(os.fsdecode(ASIDE)):
                            continue
                        if one.is_dir(follow_symlinks=False):
                            waiting.append(path)
                            continue
                        with suppress(OSError):
                            found = os.stat(one.name, dir_fd=handle, follow_symlinks=False)
                            yield Sight(path, Identity.of(found) if stat.S_ISREG(found.st_mode) else None, by)
            except OSError:
                yield None
            finally:
                os.close(handle)


def _still_there(root: bytes, folder: bytes) -> bool:
    try:
        *steps, name = folder.split(b"/")
        handle = open_folder(root, steps, os.O_PATH)
        try:
            return stat.S_ISDIR(os.stat(name, dir_fd=handle, follow_symlinks=False).st_mode) if name else True
        finally:
            os.close(handle)
    except OSError:
        return False


class _Overflow(logging.Handler):
    """watchdog tells of lost events, and of folders that it could not watch, in its log alone."""

    def __init__(self, call: Callable[[], None]) -> None:
        super().__init__(logging.WARNING)
        self._call = call

    def emit(self, record: logging.LogRecord) -> None:
        self._call()
