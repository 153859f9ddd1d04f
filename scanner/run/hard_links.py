"""Hard links: a file of several names is read once and reported at each of them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scanner.model import Entry, Finished

if TYPE_CHECKING:
    import pyarrow as pa

KEPT = 20_000  # finished objects kept for names still to come; beyond it, further files are read at each of their names


@dataclass
class _Shared:
    """What is known of one inode with several names."""

    names_left: int
    events: list[Finished] = field(default_factory=list)
    waiting: list[Any] = field(default_factory=list)
    done: bool = False


class HardLinks:
    """Remembers files with more than one name, and nothing of the others."""

    def __init__(self, kept: int = KEPT) -> None:
        self._shared: dict[str, _Shared] = {}
        self._room = kept

    def take(self, entry: Entry, file: Any) -> bool:
        """Is this a further name of a file already met? Then it needs no reading: it waits, or `outcome` has its facts."""
        if entry.links < 2 or entry.file_id is None:
            return False
        shared = self._shared.get(entry.file_id)
        if shared is None:
            if self._room > 0:
                self._shared[entry.file_id] = _Shared(entry.links - 1)
            return False
        if not shared.done:
            shared.waiting.append(file)
        return True

    def add(self, entry: Entry, event: Finished) -> None:
        """One of the first name's objects has finished. A values file keeps a second name until the run's end."""
        shared = self._of(entry)
        if shared is None or shared.done:
            return
        if isinstance(event.values, Path):
            kept = event.values.with_suffix(".kept")
            kept.hardlink_to(event.values)
            event = replace(event, values=kept)
        shared.events.append(event)
        self._room -= 1

    def done(self, entry: Entry) -> Iterator[tuple[Any, list[Finished]]]:
        """The first name is done: the names that waited, each with the facts."""
        shared = self._of(entry)
        if shared is None or shared.done:
            return
        shared.done = True
        for file in shared.waiting:
            yield file, shared.events
        shared.waiting.clear()

    def outcome(self, entry: Entry) -> list[Finished] | None:
        """The facts for a further name met after the first was done."""
        shared = self._of(entry)
        return shared.events if shared is not None and shared.done else None

    @staticmethod
    def values_at(entry: Entry, event: Finished) -> pa.RecordBatch | Path | None:
        """The values of an object, as those of the same object under another name."""
        location = entry.location
        for step in event.facts.member:
            location = location.inside(step)
        if isinstance(event.values, Path):
            return _renamed_file(event.values, location.object_id)
        return None if event.values is None else _renamed(event.values, location.object_id)

    def _of(self, entry: Entry) -> _Shared | None:
        return self._shared.get(entry.file_id) if entry.file_id is not None and entry.links > 1 else None


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
