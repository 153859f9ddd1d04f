"""Messages between the supervisor and its workers: JSON and Arrow IPC in frames of a bounded size, never pickle.

A worker has read hostile bytes, so nothing it sends is trusted to be well formed: whatever does not decode is a GarbageFrame,
which the supervisor treats as a crash of the reader.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scanner.config import PipelineConfig
from scanner.model import Begun, CopyFact, Entry, Event, Finished, FoundFact, Location, ObjectFacts, Progress, Reason, Snapshot, Status
from scanner.sources.filesystem import OpenSpec, open_spec

if TYPE_CHECKING:
    import pyarrow as pa

MAX_BODY = 32 * 2**20
MAX_DATA = 64 * 2**20
"""Bytes of one frame's JSON and of its Arrow data. Values that are more than a few MB belong into a staged file."""

_HEADER = struct.Struct("<4sII")  # magic, bytes of JSON, bytes of data
_MAGIC = b"SSF1"


class GarbageFrame(Exception):
    """What came from a worker is no frame, or one that makes no sense. Carries nothing of what came."""


@dataclass(frozen=True, slots=True)
class WorkerConfig:
    """What a worker is made of. It travels through a pipe (it holds the key), never through arguments, environment or files."""

    pipeline: PipelineConfig
    factory: str = "scanner.pipeline:Pipeline"  # called with `pipeline`; what it returns has `scan_file`
    modules: tuple[str, ...] = ("numpy", "pyarrow", "pandas")  # imported once, before workers are forked
    temp: Path | None = None  # where private temporary folders are made; None: the system's place
    nice: int | None = None
    bytes_per_second: float | None = None  # that one worker may read from the share
    recycle_after: int = 1_000  # files
    preload: bool = True  # build the pipeline once and fork; else every worker builds its own

    def to_json(self) -> dict[str, Any]:
        plain = {name: getattr(self, name) for name in ("factory", "modules", "nice", "bytes_per_second", "recycle_after", "preload")}
        return {**plain, "temp": str(self.temp) if self.temp else None, "pipeline": self.pipeline.to_json()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> WorkerConfig:
        temp = Path(data["temp"]) if data["temp"] else None
        changed = {"pipeline": PipelineConfig.from_json(data["pipeline"]), "modules": tuple(data["modules"]), "temp": temp}
        return cls(**{**data, **changed})


@dataclass(frozen=True, slots=True)
class Task:
    """One regular file to be scanned. `cookie` is the caller's and stays on his side.

    `known_hash`: BLAKE3 that it had; if it still has it, it is not parsed, and its only facts are that it is `unchanged`.
    `alike`: hashes of other files that were read; with one of these it is not parsed either, and its facts tell which. True beside
    a hash: only if nothing is found in the file's own name.
    `careful`: it was in hand when an earlier run died, so it runs alone.
    """

    location: Location
    spec: OpenSpec
    cookie: Any = None
    known_hash: str | None = None
    careful: bool = False
    alike: Mapping[str, bool] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        entry: Entry,
        cookie: Any = None,
        *,
        known_hash: str | None = None,
        careful: bool = False,
        alike: Mapping[str, bool] | None = None,
    ) -> Task:
        """The task of scanning a regular file that the crawl met."""
        return cls(entry.location, open_spec(entry), cookie, known_hash, careful, alike or {})


@dataclass(frozen=True, slots=True)
class Order:
    """A task as a worker gets it; `known_hash` and `alike` as there. `skip`: members that ended a worker before, not to be read again."""

    location: Location
    spec: OpenSpec
    skip: frozenset[tuple[str, ...]] = frozenset()
    careful: bool = False
    known_hash: str | None = None
    alike: Mapping[str, bool] = field(default_factory=dict)

    @property
    def hashes(self) -> frozenset[str]:
        """With one of these the file need not be parsed."""
        return frozenset(self.alike) if self.known_hash is None else frozenset((self.known_hash, *self.alike))


@dataclass(frozen=True, slots=True)
class Frame:
    """One message: what it is, plain data, and bytes (Arrow IPC) or none."""

    kind: str
    body: Mapping[str, Any] = field(default_factory=dict)
    data: bytes = b""


def encode(frame: Frame) -> bytes:
    """The bytes of a frame. Raises ValueError if it is larger than a frame may be."""
    body = json.dumps({"kind": frame.kind, **frame.body}, separators=(",", ":"), default=_numpy).encode("ascii")
    if len(body) > MAX_BODY or len(frame.data) > MAX_DATA:
        raise ValueError("a frame is too large")
    return b"".join((_HEADER.pack(_MAGIC, len(body), len(frame.data)), body, frame.data))


def _numpy(value: Any) -> Any:
    """A number of NumPy's as Python's own."""
    return value.item()


class Decoder:
    """Cuts a stream of bytes into frames, keeping at most one unfinished frame."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, chunk: bytes) -> Iterator[Frame]:
        """The frames that `chunk` completes. Raises GarbageFrame."""
        self._buffer += chunk
        while len(self._buffer) >= _HEADER.size:
            magic, body_size, data_size = _HEADER.unpack_from(self._buffer)
            if magic != _MAGIC or body_size > MAX_BODY or data_size > MAX_DATA:
                raise GarbageFrame
            end = _HEADER.size + body_size + data_size
            if len(self._buffer) < end:
                return
            body = bytes(self._buffer[_HEADER.size : _HEADER.size + body_size])
            data = bytes(self._buffer[_HEADER.size + body_size : end])
            del self._buffer[:end]
            yield _frame(body, data)


def _frame(body: bytes, data: bytes) -> Frame:
    try:
        plain = json.loads(body)
        kind = plain.pop("kind")
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError):
        raise GarbageFrame from None
    return Frame(str(kind), plain, data)


# --------------------------------------------------------------------------- orders


def order_frame(order: Order) -> Frame:
    location = {"root": order.location.root, "path": order.location.path}
    skip = [list(member) for member in sorted(order.skip)]
    plain = {"location": location, "spec": order.spec.to_json(), "skip": skip, "careful": order.careful}
    return Frame("order", {**plain, "hash": order.known_hash, "alike": dict(order.alike)})


def order_of(frame: Frame) -> Order:
    body = frame.body
    skip = frozenset(tuple(member) for member in body["skip"])
    spec = OpenSpec.from_json(body["spec"])
    return Order(Location(**body["location"]), spec, skip, bool(body["careful"]), body["hash"], dict(body["alike"]))


# --------------------------------------------------------------------------- events


def event_frame(event: Event) -> Frame:
    """An event as a frame. A staged file of values goes by its name alone: the staging folder is known to both sides."""
    if isinstance(event, Finished):
        body: dict[str, Any] = {"facts": asdict(event.facts)}
        if isinstance(event.values, Path):
            return Frame("finished", {**body, "staged": event.values.name})
        return Frame("finished", body, b"" if event.values is None else _ipc(event.values))
    if isinstance(event, Snapshot):
        return Frame("snapshot", {"facts": asdict(event.facts)})
    if isinstance(event, Begun):
        return Frame("begun", {"member": event.member})
    return Frame("progress", {"bytes_read": event.bytes_read})


def event_of(frame: Frame, staging: Path) -> Event:
    """The event in a frame. Raises GarbageFrame if it holds none."""
    try:
        if frame.kind == "finished":
            return Finished(_facts(frame.body["facts"]), _values(frame, staging))
        if frame.kind == "snapshot":
            return Snapshot(_facts(frame.body["facts"]))
        if frame.kind == "begun":
            return Begun(_strings(frame.body["member"]))
        if frame.kind == "progress":
            return Progress(int(frame.body["bytes_read"]))
    except (KeyError, TypeError, ValueError, AttributeError):
        pass
    raise GarbageFrame


_WORD, _COUNT, _NUMBER = (str,), (int,), (int, float)
_TYPES: Mapping[str, tuple[type, ...]] = {
    **dict.fromkeys(("status", "entity_type", "rule_id", "detector"), _WORD),
    **dict.fromkeys(("media_type", "encoding", "content_hash", "reason", "place", "column"), (*_WORD, type(None))),
    **dict.fromkeys(("undecoded", "bytes_read", "rows_read", "persons", "duration_ms", "count", "distinct", "known"), _COUNT),
    **dict.fromkeys(("size_bytes", "first_row", "first_line"), (*_COUNT, type(None))),
    "modified_at": (*_NUMBER, type(None)),
    "score": _NUMBER,
    **dict.fromkeys(("member", "samples", "found", "excerpts", "columns"), (list,)),
    **dict.fromkeys(("store", "evidence"), _WORD),
    "source_path": (*_WORD, type(None)),
    **dict.fromkeys(("matched_records", "object_records", "store_records"), _COUNT),
}
"""What the fields of ObjectFacts and FoundFact are in JSON: a wrong type must not get as far as the store's writer."""


def _typed(plain: Mapping[str, Any]) -> Mapping[str, Any]:
    if any(type(value) not in _TYPES[name] for name, value in plain.items()):
        raise TypeError
    return plain


def _facts(plain: Mapping[str, Any]) -> ObjectFacts:
    changed: dict[str, Any] = {
        "member": _strings(plain["member"]),
        "status": Status(plain["status"]),
        "reason": None if plain["reason"] is None else Reason(plain["reason"]),
        "found": tuple(FoundFact(**{**_typed(found), "samples": _strings(found["samples"])}) for found in plain["found"]),
    }
    changed["excerpts"] = tuple(CopyFact(**{**_typed(copy), "columns": _strings(copy["columns"])}) for copy in plain["excerpts"])
    if (moment := plain["modified_at"]) is not None:
        changed["modified_at"] = float(moment)
    return ObjectFacts(**{**_typed(plain), **changed})


def _strings(steps: Any) -> tuple[str, ...]:
    if not isinstance(steps, list) or not all(isinstance(step, str) for step in steps):
        raise ValueError
    return tuple(steps)


def _values(frame: Frame, staging: Path) -> pa.RecordBatch | Path | None:
    if "staged" in frame.body:
        name = frame.body["staged"]
        if name in ("", ".", "..") or "/" in name or "\0" in name:
            raise GarbageFrame
        return staging / name
    return _batch(frame.data) if frame.data else None


def _ipc(batch: pa.RecordBatch) -> bytes:
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return bytes(sink.getvalue())


def _batch(data: bytes) -> pa.RecordBatch:
    import pyarrow as pa

    try:
        with pa.ipc.open_stream(data) as reader:
            batch = reader.read_next_batch()
        batch.validate(full=True)
    except (pa.ArrowException, StopIteration, EOFError, OSError):
        raise GarbageFrame from None
    return batch
