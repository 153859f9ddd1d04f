"""The whole story of one file: identify, extract, detect, gather; its members the same way, depth first."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from scanner.config import PipelineConfig
from scanner.copies.index import Index
from scanner.copies.texts import TextIndex
from scanner.extract import registry, sniff
from scanner.model import (
    Begun,
    Blob,
    Budget,
    Decoded,
    Event,
    Finished,
    Gap,
    Item,
    Location,
    ObjectFacts,
    Progress,
    Reason,
    Snapshot,
    Status,
    Table,
    Text,
    Unread,
    Unreadable,
)
from scanner.pipeline.content import Content
from scanner.pipeline.gathering import Gathering
from scanner.pipeline.known import KnownValues
from scanner.pipeline.tables import TableReader
from scanner.pipeline.text_prints import TextPrints
from scanner.pipeline.texts import TextReader
from scanner.pipeline.values import ValueRows
from scanner.redact import Fingerprinter, Key

if TYPE_CHECKING:
    from detectors.engine import Engine

SNAPSHOT_SECONDS = 2.0
PROGRESS_SECONDS = 0.5
LINE_FORMATS = frozenset({"application/x-ndjson", "application/json", "application/sql", "message/rfc822", "application/mbox"})
UNREAD = frozenset({Status.UNREADABLE, Status.PARTIAL, Status.UNSUPPORTED})
NOT_HASHED = frozenset({Reason.TOO_LARGE, Reason.IO_ERROR, Reason.PERMISSION, Reason.VANISHED})
OS_REASONS = {
    errno.EACCES: Reason.PERMISSION,
    errno.EPERM: Reason.PERMISSION,
    errno.ENOENT: Reason.VANISHED,
    errno.ESTALE: Reason.VANISHED,
    errno.EAGAIN: Reason.LOCKED,
    errno.EBUSY: Reason.LOCKED,
}


class Pipeline:
    """Built once a worker, used for file after file. Pure but for the bytes it reads and the values files it writes to staging."""

    def __init__(self, config: PipelineConfig, detectors: Engine | None = None) -> None:
        self.config = config
        self.detectors = detectors or _load_detectors(config)
        self.fingerprints = Fingerprinter(Key.from_secret(config.secret))
        self._text_indexes: tuple[TextIndex, ...] = ()
        if config.excerpts is not None:
            self._text_indexes = Index.open(config.excerpts.index, self.fingerprints.key_id, config.excerpts.stores).texts
        self.known = KnownValues.of(self.fingerprints, (), config.known.phones, config.known.emails)
        if config.known.people_files:
            from scanner.pipeline.people import known_names

            self.known = KnownValues.of(self.fingerprints, known_names(self, config), config.known.phones, config.known.emails)

    def gathering(self, location: Location, temp_dir: Path, alive: Callable[[], None]) -> Gathering:
        """What takes the hits of one object."""
        del location
        return Gathering(self.fingerprints, self.known, temp_dir, alive)

    def text_prints(self, gathering: Gathering) -> TextPrints | None:
        """What takes the fingerprints of an object's running text; None where nobody wants them."""
        config = self.config
        if not self._text_indexes and not config.keep_texts:
            return None
        chars = 0 if config.excerpts is None else config.excerpts.chars
        return TextPrints(self._text_indexes, chars, self.fingerprints, gathering if config.keep_texts else None)

    @property
    def digest(self) -> str:
        """Of everything here that decides what is found (contract: objects.engine_digest, with the policy's)."""
        return self.detectors.digest

    def scan_file(
        self, blob: Blob, budget: Budget, *, skip: frozenset[tuple[str, ...]] = frozenset(), careful: bool = False
    ) -> Iterator[Event]:
        """Facts of a file and everything in it. Members whose path is in `skip` ended a worker before: they are passed over, and the
        container is told so. `careful`: a snapshot after every item, for a file that has ended a worker before."""
        walk = _Walk(self, budget, skip, 0.0 if careful else SNAPSHOT_SECONDS)
        yield from walk.scan(blob, 0)

    def finds_in_name(self, location: Location, temp_dir: Path) -> bool:
        """May anything be found in the object's own name? If not, its facts depend on its bytes and suffix alone."""
        gathering = self.gathering(location, temp_dir, lambda: None)
        try:
            texts = TextReader(self.detectors, gathering)
            texts.feed(_own_name(location))
            texts.flush()
            return bool(self.detectors.take_problems()) or not gathering.is_empty()
        finally:
            gathering.close()


def _load_detectors(config: PipelineConfig) -> Engine:
    from detectors.engine import load

    return load(config.detect)


@dataclass
class _State:
    """What is known of the object in hand."""

    blob: Blob
    content: Content
    gathering: Gathering
    texts: TextReader
    started: float
    prints: TextPrints | None = None
    tables: TableReader | None = None
    media_type: str | None = None
    encoding: str | None = None
    undecoded: int = 0
    rows_read: int = 0
    got: bool = False  # anything of its content came out
    gaps: list[Reason] = field(default_factory=list)
    unread_members: bool = False


class _Walk:
    """One file's walk: the recursion over its members and the clock of its snapshots."""

    def __init__(self, pipeline: Pipeline, budget: Budget, skip: frozenset[tuple[str, ...]], snapshot_seconds: float) -> None:
        self._pipeline = pipeline
        self._budget = budget
        self._skip = skip
        self._snapshot_seconds = snapshot_seconds
        self._last_snapshot = self._last_progress = time.monotonic()

    def scan(self, blob: Blob, depth: int) -> Generator[Event, None, Status]:
        """Facts of the object and, before them, of its members. Returns its status for the container's sake."""
        yield Begun(blob.location.member)
        content = Content(blob)
        gathering = self._pipeline.gathering(content.blob.location, self._budget.temp_dir, self._alive)
        prints = self._pipeline.text_prints(gathering)
        texts = TextReader(self._pipeline.detectors, gathering, prints)
        state = _State(content.blob, content, gathering, texts, time.monotonic(), prints)
        try:
            texts.feed(_own_name(blob.location))
            status, reason = yield from self._read(state, depth)
            yield from self._finish(state, status, reason)
            return status
        finally:
            gathering.close()

    # ------------------------------------------------------------------ reading

    def _read(self, state: _State, depth: int) -> Generator[Event, None, tuple[Status, Reason | None]]:
        blob, limits = state.blob, self._budget.limits
        without_reader: tuple[Status, Reason | None] | None = None
        try:
            if depth > limits.depth:
                raise Unreadable(Reason.TOO_DEEP)
            if blob.size is not None and blob.size > limits.file_bytes:
                raise Unreadable(Reason.TOO_LARGE)
            state.media_type = sniff.identify(blob)
            extractor = registry.for_media_type(state.media_type)
            if extractor is None:
                without_reader = _without_reader(state.media_type)
            else:
                by_lines = state.media_type.startswith("text/") or state.media_type in LINE_FORMATS
                state.tables = TableReader(self._pipeline.detectors, state.gathering, by_lines=by_lines)
                for item in extractor.extract(blob, state.media_type, self._budget):
                    yield from self._take(state, item, depth)
                    yield from self._tick(state)
        except Unreadable as fault:
            state.gaps.append(fault.reason)
        except OSError as fault:
            state.gaps.append(OS_REASONS.get(fault.errno or 0, Reason.IO_ERROR))
        except MemoryError:
            state.gaps.append(Reason.MEMORY)
        except Exception:  # a reader met hostile bytes: whatever it raises costs this object alone, and its row says so
            state.gaps.append(Reason.DAMAGED)
        if blob.fault is not None:
            state.gaps.insert(0, blob.fault)
        state.texts.flush()
        if state.tables is not None:
            state.tables.finish()
        if self._pipeline.detectors.take_problems():
            state.gaps.append(Reason.DETECTOR_ERROR)
            state.got = True
        return without_reader if without_reader and not state.gaps else _outcome(state)

    def _take(self, state: _State, item: Item, depth: int) -> Iterator[Event]:
        match item:
            case Text():
                state.got |= item.place != "properties" and bool(item.text.strip())
                state.texts.feed(item)
            case Table():
                state.texts.flush()
                yield from self._table(state, item)
            case Blob():
                state.got = True
                yield from self._member(state, item, depth)
            case Unread():
                state.got |= item.status not in UNREAD
                state.unread_members |= item.status in UNREAD
                yield Finished(ObjectFacts.nothing_read(item.location.member, item.reason, item.size, status=item.status))
            case Decoded():
                state.encoding = state.encoding or item.encoding
                state.undecoded += item.undecoded
                state.got = True
            case Gap():
                state.gaps.append(item.reason)

    def _table(self, state: _State, table: Table) -> Iterator[Event]:
        if state.tables is not None:
            for rows in state.tables.read(table):
                state.got = True
                state.rows_read += rows
                yield from self._tick(state)

    def _member(self, state: _State, blob: Blob, depth: int) -> Iterator[Event]:
        if blob.location.member in self._skip:
            state.unread_members = True
            return
        state.texts.flush()
        status = yield from self.scan(blob, depth + 1)
        state.unread_members |= status in UNREAD

    def _tick(self, state: _State) -> Iterator[Event]:
        now = time.monotonic()
        if now - self._last_progress >= PROGRESS_SECONDS:
            self._last_progress = now
            yield Progress(state.content.bytes_read)
        if now - self._last_snapshot >= self._snapshot_seconds:
            state.texts.flush() if not self._snapshot_seconds else None
            if state.tables is not None:
                state.tables.hand_over()
            yield Snapshot(self._facts(state, Status.PARTIAL, None, 0, None, None))
            self._last_snapshot = time.monotonic()

    def _alive(self) -> None:
        """Counting hundreds of millions of hits takes minutes and yields nothing: nothing more is spent, and the clock hears of it."""
        self._budget.spend_output(0)

    # ------------------------------------------------------------------ closing

    def _finish(self, state: _State, status: Status, reason: Reason | None) -> Iterator[Event]:
        digest = None
        if reason not in NOT_HASHED:
            try:
                for _ in state.content.rest():
                    yield from self._tick(state)
                digest = state.content.digest
            except (OSError, Unreadable):
                status, reason = (Status.PARTIAL if state.got else Status.UNREADABLE), reason or Reason.IO_ERROR
        if state.prints is not None:
            state.prints.finish()
        distinct: dict[int, int] = {}
        location = state.blob.location
        rows = ValueRows(self._pipeline.config.run_id, location.object_id, self._pipeline.config.staging)
        values = rows.collect(state.gathering.values(distinct))
        persons = state.gathering.persons()
        yield Finished(self._facts(state, status, reason, persons, digest, distinct), values)

    def _facts(
        self, state: _State, status: Status, reason: Reason | None, persons: int, digest: str | None, distinct: dict[int, int] | None
    ) -> ObjectFacts:
        return ObjectFacts(
            member=state.blob.location.member,
            media_type=state.media_type,
            encoding=state.encoding,
            undecoded=state.undecoded,
            size_bytes=state.blob.size,
            bytes_read=state.content.bytes_read,
            rows_read=state.rows_read,
            content_hash=digest,
            status=status,
            reason=reason,
            persons=persons,
            duration_ms=round((time.monotonic() - state.started) * 1000),
            found=state.gathering.facts(distinct),
            excerpts=() if state.prints is None or distinct is None else state.prints.copies(persons),
        )


def _own_name(location: Location) -> Text:
    """The object's own name with `_` as the blank it stands for."""
    return Text(location.name.replace("_", " "), "name", None)


def _outcome(state: _State) -> tuple[Status, Reason | None]:
    if state.gaps:
        return (Status.PARTIAL if state.got else Status.UNREADABLE), state.gaps[0]
    if state.unread_members:
        return Status.PARTIAL, Reason.MEMBER_UNREAD
    return Status.SCANNED, None


def _without_reader(media_type: str) -> tuple[Status, Reason | None]:
    """What is said of a media type that nothing here reads."""
    if media_type == sniff.EMPTY:
        return Status.SCANNED, None
    match sniff.kind(media_type):
        case "image":
            return Status.UNREADABLE, Reason.IMAGE_ONLY
        case "no_text":
            return Status.NO_TEXT, Reason.BINARY
        case _:
            return Status.UNSUPPORTED, Reason.UNKNOWN_FORMAT
