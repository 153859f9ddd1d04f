"""A worker: reads one file after another in its own process and tells the supervisor what it saw. It may die at any moment."""

from __future__ import annotations

import io
import os
import shutil
import socket
import tempfile
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol, cast

from blake3 import blake3

from scanner.extract.budget import FileBudget
from scanner.model import Begun, Blob, Budget, Event, Finished, Limits, Location, ObjectFacts, Progress, Reason, Status, Unreadable
from scanner.run.frames import Decoder, Frame, Order, WorkerConfig, encode, event_frame, order_of
from scanner.run.pace import Pace
from scanner.run.resources import resident_bytes
from scanner.sources.filesystem import open_descriptor, open_sibling, reason_of

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

BLOCK = 2**20
"""Grain in which it is noted how much of a file has been read."""

_PROGRESS_EVERY = 0.5  # seconds
_SEND_AT = 64 * 1024


class ScansFiles(Protocol):
    """What the factory of a WorkerConfig makes; `scanner.pipeline.Pipeline` is one."""

    def scan_file(
        self, blob: Blob, budget: Budget, *, skip: frozenset[tuple[str, ...]] = frozenset(), careful: bool = False
    ) -> Iterator[Event]: ...

    def finds_in_name(self, location: Location, temp_dir: Path) -> bool:
        """May anything be found in the file's own name?"""
        ...


class Channel:
    """The worker's end of its connection. Several threads may send; a process that a reader forked off may not."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._decoder = Decoder()
        self._pending = bytearray()
        self._lock = threading.Lock()
        self._owner = os.getpid()

    def receive(self) -> Frame | None:
        """The next frame; None when the supervisor is done with this worker."""
        while chunk := self._connection.recv(65_536):
            for frame in self._decoder.feed(chunk):  # the supervisor sends one order at a time
                return frame
        return None

    def send(self, frame: Frame, *, now: bool = True) -> None:
        """Send a frame; with `now` false it may wait for the next that cannot."""
        if os.getpid() != self._owner:
            os._exit(1)
        with self._lock:
            self._pending += encode(frame)
            if now or len(self._pending) >= _SEND_AT:
                self._connection.sendall(self._pending)
                self._pending.clear()


class SourceFile:
    """One open file of the share: gives fresh streams over one descriptor, and knows how much was read and what went wrong.

    Never reads beyond the size the file had when it was opened, so that a growing log comes to an end.
    """

    def __init__(self, order: Order, channel: Channel, limits: Limits, pace: Pace | None = None) -> None:
        self.descriptor = open_descriptor(order.spec)
        self._channel = channel
        self._before = os.fstat(self.descriptor)
        self.size = self._before.st_size
        if self.size > limits.file_bytes:
            self.close()
            raise Unreadable(Reason.TOO_LARGE)
        self.fault: Reason | None = None
        self._seen = bytearray()
        self._blocks = 0
        self._told_at = time.monotonic()
        self._pace = pace

    def open(self) -> BinaryIO:
        return cast(BinaryIO, io.BufferedReader(_Stream(self), 256 * 1024))

    def read_at(self, buffer: WriteableBuffer, position: int) -> int:
        """Fill `buffer` from `position`; the number of bytes, 0 at the end. Raises Unreadable."""
        room = memoryview(buffer).cast("B")[: max(self.size - position, 0)]
        if not room:
            return 0
        try:
            count = os.preadv(self.descriptor, [room], position)
        except OSError as error:
            self.fault = reason_of(error, reading=True)
            raise Unreadable(self.fault) from None
        self._note(position, count)
        return count

    def _note(self, position: int, count: int) -> None:
        first, last = position // BLOCK, (position + max(count, 1) - 1) // BLOCK
        if last >= len(self._seen):
            self._seen.extend(bytes(last + 1 - len(self._seen)))
        for block in range(first, last + 1):
            if not self._seen[block]:
                self._seen[block] = 1
                self._blocks += 1
                self.tell()
                if self._pace is not None:
                    self._pace.spend(min(BLOCK, self.size - block * BLOCK), self.tell)

    @property
    def bytes_read(self) -> int:
        """How much of the file was read, in whole blocks; reading a part twice does not count twice."""
        return min(self._blocks * BLOCK, self.size)

    def tell(self, _: int = 0) -> None:
        """Say that work moves, but not too often."""
        now = time.monotonic()
        if now - self._told_at >= _PROGRESS_EVERY:
            self._told_at = now
            self._channel.send(event_frame(Progress(self.bytes_read)))

    @property
    def changed(self) -> bool:
        """Is the file, by its size or time, not what it was when it was opened?"""
        now = os.fstat(self.descriptor)
        return (now.st_size, now.st_mtime_ns) != (self._before.st_size, self._before.st_mtime_ns)

    def amend(self, facts: ObjectFacts) -> ObjectFacts:
        """The file's own facts in the light of what happened to it meanwhile: a failed read, a change of size or time."""
        reason = self.fault or (Reason.CHANGED if self.changed else None)
        if reason is None or facts.status is Status.NO_TEXT or facts.status is Status.UNSUPPORTED:
            return facts
        if facts.status is Status.SCANNED:
            return replace(facts, status=Status.PARTIAL, reason=reason)
        if facts.reason in (Reason.TRUNCATED, Reason.DAMAGED):  # the change explains it
            return replace(facts, reason=reason)
        return facts

    def close(self) -> None:
        os.close(self.descriptor)


class _Stream(io.RawIOBase):
    """An independent position in a SourceFile."""

    def __init__(self, source: SourceFile) -> None:
        super().__init__()
        self._source = source
        self._position = 0

    def readinto(self, buffer: WriteableBuffer) -> int:
        count = self._source.read_at(buffer, self._position)
        self._position += count
        return count

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = (0, self._position, self._source.size)[whence]
        if base + offset < 0:
            raise OSError("negative seek position")
        self._position = base + offset
        return self._position

    def tell(self) -> int:
        return self._position

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True


# --------------------------------------------------------------------------- the work


def serve(connection: socket.socket, pipeline: ScansFiles, config: WorkerConfig, temp_dir: Path) -> None:
    """Carry out orders until the supervisor hangs up."""
    tempfile.tempdir = os.fspath(temp_dir)
    os.environ["TMPDIR"] = os.fspath(temp_dir)
    channel = Channel(connection)
    channel.send(Frame("hello"))
    pace = None if config.bytes_per_second is None else Pace(config.bytes_per_second)
    while (frame := channel.receive()) is not None:
        _carry_out(order_of(frame), channel, pipeline, config.pipeline.limits, temp_dir, pace)
        _empty(temp_dir)
        channel.send(Frame("done", {"strays": _left_children(), "resident": resident_bytes(os.getpid())}))


def _carry_out(order: Order, channel: Channel, pipeline: ScansFiles, limits: Limits, temp_dir: Path, pace: Pace | None = None) -> None:
    began = time.monotonic()
    try:
        _scan(order, channel, pipeline, limits, temp_dir, pace)
    except Unreadable as fault:
        facts = ObjectFacts.nothing_read((), fault.reason, order.spec.size, int((time.monotonic() - began) * 1000))
        channel.send(event_frame(Finished(facts)), now=False)
    except MemoryError:
        channel.send(Frame("crash", {"reason": Reason.MEMORY.value, "where": "MemoryError"}))
        os._exit(70)
    except Exception as error:  # a fault of ours, or of a reader that raised what it must not: this object pays, not the run
        channel.send(Frame("crash", {"reason": Reason.PARSER_CRASH.value, "where": where(error)}))
        os._exit(70)


def _scan(order: Order, channel: Channel, pipeline: ScansFiles, limits: Limits, temp_dir: Path, pace: Pace | None) -> None:
    source = SourceFile(order, channel, limits, pace)
    began = time.monotonic()
    try:
        if order.hashes and (found := _known(order, source, pipeline, temp_dir)) is not None:
            facts = ObjectFacts.nothing_read((), Reason.CHANGED, source.size, int((time.monotonic() - began) * 1000))
            same = replace(facts, status=Status.UNCHANGED, reason=None, bytes_read=source.size, content_hash=found)
            channel.send(event_frame(Finished(same)))
            return
        blob = Blob(order.location, source.size, source.open, sibling=lambda suffix: open_sibling(order.spec, suffix))
        budget = FileBudget(limits, temp_dir, source.tell)
        for event in pipeline.scan_file(blob, budget, skip=order.skip, careful=order.careful):
            if isinstance(event, Begun) and not event.member:
                continue  # the order itself says that the file has begun
            if isinstance(event, Finished) and not event.facts.member:
                event = replace(event, facts=source.amend(event.facts))
            channel.send(event_frame(event), now=order.careful or not isinstance(event, Finished))
    finally:
        source.close()


def _known(order: Order, source: SourceFile, pipeline: ScansFiles, temp_dir: Path) -> str | None:
    """The file's hash, if what it stands for is known; else the file is to be read."""
    found = content_hash(source)
    if found not in order.hashes or source.changed:
        return None
    look_at_name = found != order.known_hash and order.alike[found]
    return None if look_at_name and pipeline.finds_in_name(order.location, temp_dir) else found


def content_hash(source: SourceFile) -> str:
    """BLAKE3 of a file's bytes in hexadecimal, as the pipeline has it. Raises Unreadable."""
    hasher = blake3()
    with source.open() as stream:
        while data := stream.read(BLOCK):
            hasher.update(data)
    return hasher.hexdigest()


def where(error: BaseException) -> str:
    """Kind and place of an exception without its message, which may quote what was read."""
    frames = traceback.extract_tb(error.__traceback__)[-3:]
    places = (f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames)
    return f"{type(error).__name__} at {' > '.join(places)}"


def _left_children() -> bool:
    """Has a reader left a living process behind? Dead ones are put to rest on the way."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
        return True
    return False


def _empty(folder: Path) -> None:
    """Remove everything in the private temporary folder."""
    with os.scandir(folder) as listing:
        for item in listing:
            if item.is_dir(follow_symlinks=False):
                shutil.rmtree(item.path, ignore_errors=True)
            else:
                with suppress(OSError):
                    os.unlink(item.path)
