"""Files of one content: it is parsed and searched once in a run, and a file of the same bytes takes over what was found.

A size that was met before makes a worker hash a file before it reads it; it is judged at its own place like any other. Facts depend on
little beside the bytes. The suffix helps to tell what a text is, so that only files of one suffix are compared. What is found in the
file's own name is among the facts, so that another name has to hold nothing, and so had the first. What a compressed file holds is called
after it. Nothing is taken over from a file that was not read to its end.
"""

from __future__ import annotations

import uuid
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from scanner.extract.compressed import CompressedStream
from scanner.judge import is_unread
from scanner.model import Entry, Finished, Location, ObjectFacts
from scanner.run.remembered import BESIDE

if TYPE_CHECKING:
    import pyarrow as pa

T = TypeVar("T")

MOST_OBJECTS = 2_000
"""Objects of one file that are kept; a container of more is read at each of its paths."""

KEPT_OBJECTS = 20_000
KEPT_VALUES = 64 * 2**20  # bytes of values in memory, those met longest ago go first
KEPT_FILES = 2 * 2**30  # bytes of values in files of the staging folder

OFFERED = 32
"""Hashes that a worker compares a file with at most."""

LARGE = 64 * 2**10
"""Bytes from which on equal sizes hint at equal contents, so that it is worth to wait for the one being read."""

MOST_WAITING = 64

NAMED_AFTER = CompressedStream.media_types
"""What a file of these types holds is called after the file itself."""

Shape = tuple[int, str]
"""Size and suffix of a file."""

Key = tuple[str, str]
"""Hash of a content, and the only name that will do."""


def shape_of(entry: Entry) -> Shape | None:
    """What files of one content have in common before they are opened; None: it is not looked for (nothing in it, or no size known)."""
    return (entry.size, suffix_of(entry.location.name)) if entry.size else None


def suffix_of(name: str) -> str:
    return name.rpartition(".")[2].lower() if "." in name else ""  # as `extract.sniff` takes it


def any_name_will_do(own: ObjectFacts) -> bool:
    """May a file of another name take over these facts of a file and its members, if nothing is found in that name?"""
    return own.media_type not in NAMED_AFTER and all(one.place != "name" for one in own.found)


def whole(facts: Iterable[ObjectFacts]) -> bool:
    """Are these facts of a file and its members all that there is, and do they depend on its own bytes alone?"""
    return all(not is_unread(one.status, one.reason) and one.media_type not in BESIDE for one in facts)


@dataclass(slots=True, eq=False)
class Content:
    """What was read from a file of this hash and name: in this run (`events`), or in one before (`known`: the file's id in the state)."""

    hash: str
    name: str
    any_name: bool
    events: list[Finished]
    known: int | None = None
    users: int = 0
    dropped: bool = False

    @property
    def key(self) -> Key:
        return self.hash, "" if self.any_name else self.name

    @property
    def in_memory(self) -> int:
        return sum(event.values.nbytes for event in self.events if event.values is not None and not isinstance(event.values, Path))

    @property
    def in_files(self) -> int:
        return sum(event.values.stat().st_size for event in self.events if isinstance(event.values, Path))


class Contents:
    """Contents read in this run, the latest of them, by shape and hash. Used from one thread."""

    def __init__(self, objects: int = KEPT_OBJECTS, in_memory: int = KEPT_VALUES, in_files: int = KEPT_FILES) -> None:
        self._room = [objects, in_memory, in_files]
        self._kept: OrderedDict[tuple[Shape, Key], Content] = OrderedDict()  # latest use last
        self._by_shape: dict[Shape, dict[Key, Content]] = {}
        self._in_hand: Counter[Shape] = Counter()

    def offer(self, entry: Entry, before: Callable[[Entry], list[Content]] | None = None) -> dict[str, Content]:
        """hash -> what the file may turn out to hold: what was read in this run, latest first, then what `before` knows of it.
        To be given back."""
        shape = shape_of(entry)
        if shape is None:
            return {}
        read = list(reversed(self._by_shape.get(shape, {}).values()))
        found = fitting(read, entry.location.name)
        if before is not None and len(found) < OFFERED:
            found = fitting([*found.values(), *before(entry)], entry.location.name)
        for content in found.values():
            content.users += 1
        return found

    def give_back(self, contents: Iterable[Content]) -> None:
        for content in contents:
            content.users -= 1
            if content.dropped and not content.users:
                forget(content.events)

    def add(self, entry: Entry, events: Sequence[Finished]) -> None:
        """A file was read to its end: `events` of its objects, its own last, with values that are `kept`."""
        shape, own = shape_of(entry), events[-1].facts
        if shape is None or own.content_hash is None or own.size_bytes != shape[0] or not whole(event.facts for event in events):
            forget(events)
            return
        content = Content(own.content_hash, entry.location.name, any_name_will_do(own), list(events))
        self._drop((shape, content.key))
        self._kept[shape, content.key] = content
        self._by_shape.setdefault(shape, {})[content.key] = content
        self._spend(content, 1)
        while self._kept and min(self._room) < 0:
            self._drop(next(iter(self._kept)))

    def used(self, entry: Entry, content: Content) -> None:
        """It was taken over once more, so it stays longer."""
        shape = shape_of(entry)
        if shape is not None and (shape, content.key) in self._kept:
            self._kept.move_to_end((shape, content.key))

    def _spend(self, content: Content, sign: int) -> None:
        for number, cost in enumerate((len(content.events), content.in_memory, content.in_files)):
            self._room[number] -= sign * cost

    def _drop(self, which: tuple[Shape, Key]) -> None:
        content = self._kept.pop(which, None)
        if content is None:
            return
        shape, key = which
        self._spend(content, -1)
        del self._by_shape[shape][key]
        if not self._by_shape[shape]:
            del self._by_shape[shape]
        content.dropped = True
        if not content.users:
            forget(content.events)

    # ------------------------------------------------------------------ those in hand

    def begin(self, entry: Entry) -> None:
        """The file is being read from now on."""
        if (shape := shape_of(entry)) is not None:
            self._in_hand[shape] += 1

    def end(self, entry: Entry) -> None:
        shape = shape_of(entry)
        if shape is not None:
            self._in_hand[shape] -= 1
            if not self._in_hand[shape]:
                del self._in_hand[shape]

    def may_be_in_hand(self, entry: Entry) -> bool:
        """Is a file read at this moment that may well have the same content?"""
        shape = shape_of(entry)
        return shape is not None and shape[0] >= LARGE and shape in self._in_hand

    def in_turn(self, work: Iterable[T], entry_of: Callable[[T], Entry]) -> Iterator[T]:
        """`work` in its order, but what may be a copy of something in hand waits a while. As lazy as `work`."""
        later: deque[T] = deque()
        for item in work:
            if self.may_be_in_hand(entry_of(item)):
                later.append(item)
            else:
                yield item
            while later and (len(later) > MOST_WAITING or not self.may_be_in_hand(entry_of(later[0]))):
                yield later.popleft()
        yield from later


def forget(events: Iterable[Finished]) -> None:
    """Nobody will ask for these any more: remove the files that `kept` made."""
    for event in events:
        if isinstance(event.values, Path):
            event.values.unlink(missing_ok=True)


# --------------------------------------------------------------------------- values under another name


def kept(event: Finished) -> Finished:
    """The event with values that stay: the run's tables take over a file, so that it gets a second name."""
    if not isinstance(event.values, Path):
        return event
    second = event.values.with_name(f"values-{uuid.uuid4().hex}.kept")
    second.hardlink_to(event.values)
    return replace(event, values=second)


def values_at(entry: Entry, event: Finished) -> pa.RecordBatch | Path | None:
    """The values of an object, as those of the same object in another file."""
    location: Location = entry.location
    for step in event.facts.member:
        location = location.inside(step)
    if isinstance(event.values, Path):
        return _renamed_file(event.values, location.object_id)
    return None if event.values is None else _renamed(event.values, location.object_id)


def _renamed(batch: pa.RecordBatch, object_id: str) -> pa.RecordBatch:
    import pyarrow as pa

    own = pa.repeat(pa.scalar(object_id), batch.num_rows)
    at = batch.schema.get_field_index("object_id")
    return batch.set_column(at, batch.schema.field(at), own)


def _renamed_file(path: Path, object_id: str) -> Path:
    from pyarrow import parquet

    target = path.with_name(f"values-{uuid.uuid4().hex}.parquet")
    with parquet.ParquetFile(path) as source, parquet.ParquetWriter(target, source.schema_arrow, compression="zstd") as writer:
        for batch in source.iter_batches():
            writer.write_batch(_renamed(batch, object_id))
    return target


def fitting(contents: Sequence[Content], name: str) -> dict[str, Content]:
    """hash -> content that a file of this name may take over, the first of each hash and at most so many as a worker is offered."""
    found: dict[str, Content] = {}
    for content in contents:
        if (content.any_name or content.name == name) and len(found) < OFFERED:
            found.setdefault(content.hash, content)
    return found
