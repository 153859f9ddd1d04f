"""The nouns of the scanner and its plug points, with no behaviour to speak of.

The story, one stage an arrow (docs/explanation/architecture.md tells it at length)::

    source -> extraction -> detection -> judgement -> findings
    Entry     Text | Table   Detection   verdict      objects, findings, values
              | Blob | Gap   Hits

Everything here is frozen and typed. ``scanner`` and ``detectors`` both depend on this module; it depends on nothing of ours.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa


# --------------------------------------------------------------------------- where


def escape_step(step: str) -> str:
    """One step of a member path as the `member` column shows it: a ``!`` in a name is ``\\!``."""
    return step.replace("!", "\\!")


def path_text(raw: bytes) -> str:
    """Bytes of a path as the contract writes them: what is not UTF-8 as ``\\xHH``, a backslash as ``\\\\``, all else as it is."""
    return raw.replace(b"\\", b"\\\\").decode("utf-8", "backslashreplace")


@dataclass(frozen=True, slots=True)
class Location:
    """Where an object is. It survives nesting: every container adds a step, nothing overwrites one.

    `root` is absolute with links resolved, `path` is relative to it with ``/``, both already escaped by the source
    (bytes that are not UTF-8 as ``\\xHH``, a backslash as ``\\\\``). `member` holds raw step names.
    """

    root: str
    path: str
    member: tuple[str, ...] = ()

    def inside(self, step: str) -> Location:
        return dataclasses.replace(self, member=(*self.member, step))

    @property
    def member_text(self) -> str | None:
        """The `member` column: steps joined by ``!``; None for the file itself."""
        return "!".join(map(escape_step, self.member)) if self.member else None

    @property
    def name(self) -> str:
        """The object's own name: the last part of the innermost step."""
        return (self.member[-1] if self.member else self.path).rsplit("/", 1)[-1]

    @property
    def object_id(self) -> str:
        """32 hex digits: BLAKE2b of root, path and member (contract: objects.object_id)."""
        return stable_id(self.root, self.path, self.member_text)


def stable_id(*parts: str | None) -> str:
    """32 hex digits that depend on nothing but the parts, in order; None and "" differ."""
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        data = b"" if part is None else part.encode("utf-8", "surrogatepass")
        digest.update(b"%d:" % (-1 if part is None else len(data)))
        digest.update(data)
    return digest.hexdigest()


# --------------------------------------------------------------------------- how far it was read


class Status(StrEnum):
    """How far an object was read (contract: objects.status)."""

    SCANNED = "scanned"
    PARTIAL = "partial"
    UNREADABLE = "unreadable"
    UNSUPPORTED = "unsupported"
    NO_TEXT = "no_text"
    EXCLUDED = "excluded"
    UNCHANGED = "unchanged"


class Reason(StrEnum):
    """Why an object was not (fully) read: the kind of error, never its message, since messages quote the data."""

    ENCRYPTED = "encrypted"
    TRUNCATED = "truncated"  # ends before its format says it does
    DAMAGED = "damaged"  # a reader rejected the bytes
    TIMEOUT = "timeout"
    TOO_LARGE = "too_large"  # a byte limit of the policy
    TOO_DEEP = "too_deep"  # nesting
    TOO_MANY_MEMBERS = "too_many_members"
    RATIO = "ratio"  # expands beyond the allowed ratio: a bomb
    MEMORY = "memory"
    PARSER_CRASH = "parser_crash"  # the reader ended its process
    DETECTOR_ERROR = "detector_error"  # a detector raised
    PERMISSION = "permission"
    LOCKED = "locked"
    VANISHED = "vanished"
    CHANGED = "changed"  # grew or shrank while it was read
    IO_ERROR = "io_error"
    IMAGE_ONLY = "image_only"  # a picture or a page without a text layer
    MEMBER_UNREAD = "member_unread"  # a member could not be read; it has its own row
    UNKNOWN_FORMAT = "unknown_format"  # binary, and no reader knows it
    REMOTE_REFERENCE = "remote_reference"  # points outside itself (XXE, linked data): never fetched
    OFFLINE = "offline"  # a stub of tiered storage: reading would recall it
    SYMLINK = "symlink"
    FIFO = "fifo"
    SOCKET = "socket"
    DEVICE = "device"
    POLICY = "policy"  # excluded by the policy
    BINARY = "binary"  # a font, program, sound or film: holds no text
    LIVE_DATABASE = "live_database"  # a database in use; its newest pages may be missing


class Unreadable(Exception):
    """A reader gives up on an object. Carries the kind of fault only; the message is the reason word."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


# --------------------------------------------------------------------------- limits


@dataclass(frozen=True, slots=True)
class Limits:
    """What one file of the share (with everything inside it) may cost. Every default lives here; `limits:` in the policy sets them."""

    seconds: float = 120.0  # without any progress; a long file that keeps moving is not stopped
    total_seconds: float = 86_400.0
    resident_bytes: int = 600 * 2**20  # of a worker, policed by the supervisor
    address_bytes: int = 16 * 2**30  # RLIMIT_AS, a backstop only: Arrow reserves far more than it uses
    output_bytes: int = 64 * 2**30  # text and table bytes that come out of one file's members
    ratio: float = 200.0  # output to input bytes of one compressed stream, looked at after `ratio_floor` bytes
    ratio_floor: int = 32 * 2**20
    members: int = 1_000_000  # in one file, at all depths
    depth: int = 16  # of nested containers
    markup_depth: int = 1_000  # nested tags or brackets
    file_bytes: int = 2**44  # larger files are not opened
    spool_bytes: int = 8 * 2**20  # a member up to this size is kept in memory, else in the private temporary folder
    temp_bytes: int = 64 * 2**30  # in the private temporary folder
    cells: int = 2**40  # of one sheet, blank ones included only if a reader must pad


class Budget(Protocol):
    """What is left of the limits for the file in hand. Readers spend; `Unreadable` is raised when a limit is passed."""

    limits: Limits
    temp_dir: Path  # private (0700), emptied after each file

    def spend_output(self, count: int) -> None:
        """`count` bytes came out of a compressed or encoded stream."""

    def enter_member(self) -> None:
        """One more member was met."""

    def spool(self, stream: BinaryIO, *, packed_size: int | None = None) -> BinaryIO:
        """Copy a one-way stream into a seekable one (memory, then private temporary file), within output, ratio and temp limits."""


# --------------------------------------------------------------------------- what a source and an extractor yield


@dataclass(frozen=True, slots=True)
class Blob:
    """Something readable, never all its bytes at once. `open` gives a fresh seekable read-only binary stream at 0.

    A member blob is valid until its extractor is asked for the next item. `declared_type` and `declared_charset` are
    hints of a container (a mail part's headers); the content decides. `fault`: the container could give only part of the
    bytes (a truncated or damaged member), so that the object is `partial` at best. `sibling` opens the file whose name is
    this one's plus a suffix (a database's "-wal"), None if there is none; members have no siblings.
    """

    location: Location
    size: int | None
    open: Callable[[], BinaryIO]
    declared_type: str | None = None
    declared_charset: str | None = None
    sibling: Callable[[str], BinaryIO | None] | None = None
    fault: Reason | None = None


@dataclass(frozen=True, slots=True)
class Text:
    """A piece of text of one place, at most about 1 MB; a longer one comes in pieces with `continues`.

    `place`: None for a plain file's body; "page 3", "slide 2", "slide 2 notes", "header", "comments", "properties", ...
    `first_line`: 1-based physical line of the first character in the file, None where lines mean nothing.
    `continues`: True if this piece follows the one before without a break, so that a value may straddle both.
    """

    text: str
    place: str | None = None
    first_line: int | None = 1
    continues: bool = False


@dataclass(frozen=True, slots=True)
class Batch:
    """Some rows of a table. `columns`: string columns only (null or "" where empty), the same number in every batch.

    `rows`: int64, 1-based row number of each row in its sheet or file, the header counting as a row.
    `lines`: int64 physical line of each row where that differs from `rows`, else None.
    """

    columns: pa.RecordBatch
    rows: npt.NDArray[np.int64]
    lines: npt.NDArray[np.int64] | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A table of one place (sheet, SQL table), streamed in batches of at most about 64,000 rows or 16 MB.

    `header`: the column names as they stand (one per column, "" where blank), None if it has none.
    `first_column`: 1-based number of the leftmost column (a table may start at C4), for "column N" names.
    """

    header: tuple[str, ...] | None
    batches: Iterator[Batch]
    place: str | None = None
    first_column: int = 1


@dataclass(frozen=True, slots=True)
class Gap:
    """Part of the object was not read: the object is `partial`, or `unreadable` if nothing else came out of it."""

    reason: Reason
    place: str | None = None


@dataclass(frozen=True, slots=True)
class Unread:
    """A member that exists but cannot be opened (encrypted, a link, ...): it gets its own row."""

    location: Location
    reason: Reason
    size: int | None = None
    status: Status = Status.UNREADABLE


@dataclass(frozen=True, slots=True)
class Decoded:
    """What charset an object's text was in and how many characters could not be decoded; yielded after its texts."""

    encoding: str
    undecoded: int = 0


Item = Text | Table | Blob | Gap | Unread | Decoded
"""What an extractor yields. A `Blob` or `Unread` is a member; the pipeline deals with it before asking for the next item."""


@runtime_checkable
class Extractor(Protocol):
    """A reader of one format family: one method, and the media types it takes.

    Contract (tests/contract/test_extractors.py runs every one through it): never raises anything but `Unreadable` on
    hostile bytes it recognises as broken; streams; opens nothing but the blob; what it leaves out it says as a `Gap`.
    """

    media_types: frozenset[str]

    def extract(self, blob: Blob, media_type: str, budget: Budget) -> Iterator[Item]: ...


# --------------------------------------------------------------------------- detection


@dataclass(frozen=True, slots=True)
class Detection:
    """A claim about a text: characters [start, end) are of this entity type. Holds no value."""

    entity_type: str
    start: int
    end: int
    score: float
    rule_id: str
    detector: str


@dataclass(frozen=True, slots=True)
class Slot:
    """What hits in a table are gathered under: column(s), entity type and rule.

    `columns`: 0-based indices; two for a surname and a given name in neighbouring columns.
    """

    columns: tuple[int, ...]
    entity_type: str
    rule_id: str
    detector: str


@dataclass(frozen=True, slots=True)
class Hits:
    """Hits of one slot in one batch: `positions` int64 into the batch's rows (ascending, repeats where a cell holds
    several values), `values` a pa.StringArray of the surfaces, one per position. `scores` is the score of the slot so far."""

    slot: Slot
    positions: npt.NDArray[np.int64]
    values: pa.StringArray
    score: float


class TableDetector(Protocol):
    """Judges one table. `feed` every batch in order, then `close` says which slots stand (slot -> final score)."""

    def feed(self, batch: Batch) -> list[Hits]: ...

    def close(self) -> Mapping[Slot, float]: ...


@dataclass(frozen=True, slots=True)
class Dictionary:
    """Words of a user's own that are data of a kind; `score` from 0 to 1."""

    entity: str
    words: tuple[str, ...]
    score: float


@dataclass(frozen=True, slots=True)
class DetectSettings:
    """What the policy's `detect:` decides, as plain data; the detectors are built from this alone."""

    entities: tuple[str, ...] | None = None  # None: every entity type there is
    packs: tuple[str, ...] | None = None  # rule packs (folders of rules/); None: all
    thresholds: Mapping[str, float] = field(default_factory=dict)  # entity type (or "default") -> least score
    rules: tuple[str, ...] = ()  # a user's own rule folders or files, absolute
    allow: tuple[str, ...] = ()  # exact values never to report
    spacy_models: Mapping[str, str] = field(default_factory=dict)  # language -> installed spaCy package
    disabled_rules: tuple[str, ...] = ()
    dictionaries: tuple[Dictionary, ...] = ()


# --------------------------------------------------------------------------- what comes out, still without a verdict


@dataclass(frozen=True, slots=True)
class FoundFact:
    """Hits of one rule at one place and column of an object; masked samples only."""

    entity_type: str
    rule_id: str
    detector: str
    score: float
    place: str | None
    column: str | None
    count: int
    distinct: int
    first_row: int | None
    first_line: int | None
    samples: tuple[str, ...]
    known: int = 0  # how many of `count` are our own contact data


@dataclass(frozen=True, slots=True)
class CopyFact:
    """That an object holds records or text of an approved store (contract: copies)."""

    store: str
    source_path: str | None  # the store's file that most of it came from
    matched_records: int  # distinct records of the store found; of `bytes` and `text` 0
    object_records: int
    store_records: int
    columns: tuple[str, ...]  # columns of the store that left
    evidence: str  # bytes, records, text
    score: float  # 0 to 1


@dataclass(frozen=True, slots=True)
class ObjectFacts:
    """What the pipeline says of one object (a file or a member): how far it was read and what was found. No verdict yet:
    the policy gives it, so that hard links, unchanged files and equal content can be judged at each of their places."""

    member: tuple[str, ...]
    media_type: str | None
    encoding: str | None
    undecoded: int
    size_bytes: int | None
    bytes_read: int
    rows_read: int
    content_hash: str | None
    status: Status
    reason: Reason | None
    persons: int
    duration_ms: int
    found: tuple[FoundFact, ...] = ()
    modified_at: float | None = None  # seconds since the epoch, where a container tells it of a member
    excerpts: tuple[CopyFact, ...] = ()  # text of the stores' documents found in it, wherever it lies

    @classmethod
    def nothing_read(
        cls, member: tuple[str, ...], reason: Reason | None, size: int | None, duration_ms: int = 0, status: Status = Status.UNREADABLE
    ) -> ObjectFacts:
        """Of something that was met and of which nothing was read."""
        return cls(member, None, None, 0, size, 0, 0, None, status, reason, 0, duration_ms)


@dataclass(frozen=True, slots=True)
class Begun:
    """The pipeline starts an object; if the worker dies now, it died of this one."""

    member: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Progress:
    """Work moves: `bytes_read` of the whole file so far. Resets the supervisor's clock."""

    bytes_read: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What is known so far of an object still being read; counts (as `partial`) if the worker dies."""

    facts: ObjectFacts


@dataclass(frozen=True, slots=True)
class Finished:
    """An object is done. `values`: rows of the `values` table in its final schema, or the path of a Parquet file of such
    rows that the worker wrote into the run's staging folder (too many for a message), or None."""

    facts: ObjectFacts
    values: pa.RecordBatch | Path | None = None


Event = Begun | Progress | Snapshot | Finished
"""What `pipeline.scan_file` yields. Objects finish depth first: members before their container."""


# --------------------------------------------------------------------------- sources


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing met while crawling a root. `status` is None for a regular file to be scanned."""

    location: Location
    raw_path: bytes  # relative to the root, as the file system gives it
    size: int | None
    modified_at: float | None
    changed_at: float | None
    file_id: str | None  # device:inode
    links: int
    owner: str | None
    exposure: str  # private, group, everyone, unknown
    status: Status | None = None
    reason: Reason | None = None
    is_dir: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)
