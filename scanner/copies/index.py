"""The index of the approved stores on disk: sorted keyed tags of every identifying cell, mapped into memory when it is searched.

    INDEX/stores/<id of the store's name>/index.json     what there is, replaced by rename as the last step
                                          <name>.tags     uint64, ascending
                                          <name>.records  uint32, record of each tag, ascending among equal tags
                                          <name>.columns  uint16, column of each tag
                                          <name>.texts, <name>.origins: documents (scanner.copies.texts)

14 bytes a cell, 12 a fingerprint of a document. Large sources have a segment of their own, which is kept while they do not change; all
small ones share one. Nothing here can be undone without the key, which lies elsewhere; docs/explanation/threat-model.md tells what can be
learnt without it.
"""

from __future__ import annotations

import datetime
import itertools
import json
import os
import secrets
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from scanner.config import StoreTracing
from scanner.copies import texts
from scanner.copies.cells import CELL, Column, Numbering, plain_name
from scanner.copies.texts import TextIndex
from scanner.model import stable_id
from scanner.tally.atoms import Spool, partitioned

FORMAT = 1
FOLDER = "stores"
MANIFEST = "index.json"
LARGE = 50_000
"""Rows of a source that gets a segment of its own."""

PARTITION = 2_000_000
"""Cells sorted at once: 28 MB, about 100 with the sort's own arrays."""

SMALLEST = 64
"""Bytes of the smallest object that is told by its content hash: shorter ones are equal by chance."""

Read = Callable[[Collection[str]], Iterator[pa.Table]]
"""Gives the `values` rows of some objects, in tables of a bounded size; may be called more than once."""


class IndexUnusable(Exception):
    """The index of a store cannot be searched. `reason`: missing, other_key, other_version or damaged; the message is one sentence."""

    def __init__(self, store: str, reason: str) -> None:
        told = {
            "missing": "has no index yet",
            "other_key": "has an index that was made under another key",
            "other_version": "has an index that another version of the program made",
            "damaged": "has an index that is damaged",
        }
        super().__init__(f"the store {store} {told[reason]}")
        self.store, self.reason = store, reason


@dataclass(frozen=True, slots=True)
class SourceObject:
    """An object of a store. `path`: root, path and member as `copies.source_path` shows them. `version`: equal while its values are."""

    object_id: str
    path: str
    version: str
    content_hash: str | None = None
    size_bytes: int | None = None
    rows_read: int = 0


@dataclass(frozen=True, slots=True)
class Source:
    """What an index knows of an object of its store."""

    object_id: str
    path: str
    version: str
    content_hash: str | None
    size_bytes: int | None
    first_record: int
    records: int
    skipped: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StoreCounts:
    """What an update came to. `unknown_columns`: names in the policy's `keys` and `leave_out` that no source has."""

    records: int
    cells: int
    sources: int
    read: int  # sources whose values were read anew
    unknown_columns: tuple[str, ...] = ()


# --------------------------------------------------------------------------- searching


@dataclass(frozen=True)
class Segment:
    """Some sources of a store. `tags` ascending; `records` and `columns` belong to them one by one."""

    name: str
    tags: npt.NDArray[np.uint64]
    records: npt.NDArray[np.uint32]
    columns: npt.NDArray[np.uint16]
    column_list: tuple[Column, ...]
    sources: tuple[Source, ...]
    extent: int  # record numbers given out

    @property
    def cells(self) -> int:
        return len(self.tags)

    def source_of(self, records: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
        """The number of the source in which each record lies."""
        firsts = np.array([source.first_record for source in self.sources], np.int64)
        return np.searchsorted(firsts, records, side="right").astype(np.int64) - 1


@dataclass(frozen=True)
class StoreIndex:
    """The index of one store, open for searching."""

    name: str
    segments: tuple[Segment, ...]
    updated_at: datetime.datetime
    digest: str
    folder: Path | None = None
    texts: TextIndex | None = None

    @property
    def records(self) -> int:
        return sum(source.records for segment in self.segments for source in segment.sources)

    @property
    def cells(self) -> int:
        return sum(segment.cells for segment in self.segments)

    @property
    def sources(self) -> int:
        return sum(len(segment.sources) for segment in self.segments)

    @property
    def bytes(self) -> int:
        """On disk, the manifest included."""
        return 0 if self.folder is None else sum(file.stat().st_size for file in self.folder.iterdir())


@dataclass(frozen=True)
class Index:
    """The indexes of some stores."""

    stores: Mapping[str, StoreIndex]

    @classmethod
    def open(cls, folder: Path, key_id: str, stores: Sequence[str]) -> Index:
        """The index of these stores. Raises IndexUnusable for the first that cannot be searched."""
        return cls({name: open_store_index(folder, key_id, name) for name in stores})

    @classmethod
    def of_values(cls, name: str, read: Callable[[], Iterator[pa.Table]], object_ids: Sequence[str], temp_dir: Path) -> Index:
        """An index in `temp_dir` of the values of some objects, to look for them elsewhere. `read` is called twice."""
        sources = [SourceObject(object_id, "", "") for object_id in object_ids]
        segment = _build(temp_dir, sources, StoreTracing(), lambda _: read(), temp_dir, lambda: None)
        return cls({name: StoreIndex(name, (_open_segment(temp_dir, segment),), datetime.datetime.now(datetime.UTC), "")})

    @property
    def texts(self) -> tuple[TextIndex, ...]:
        """Fingerprints of the documents, of the stores that have any."""
        return tuple(store.texts for store in self.stores.values() if store.texts is not None)

    @property
    def texts_digest(self) -> str:
        """Equal while the documents are: their objects and versions."""
        told = (part for text in self.texts for part in (text.store, *text.documents))
        return stable_id(*told)

    @property
    def digest(self) -> str:
        """Equal while all of it is."""
        return stable_id(*(part for name in sorted(self.stores) for part in (name, self.stores[name].digest)))


def store_folder(folder: Path, store: str) -> Path:
    """Where the index of a store lies below the index folder."""
    return folder / FOLDER / stable_id(store)[:16]


def open_store_index(folder: Path, key_id: str, store: str) -> StoreIndex:
    """Raises IndexUnusable."""
    home = store_folder(folder, store)
    try:
        data = (home / MANIFEST).read_bytes()
    except OSError:
        raise IndexUnusable(store, "missing") from None
    try:
        told = json.loads(data)
        if told["format"] != FORMAT:
            raise IndexUnusable(store, "other_version")
        if told["key_id"] != key_id:
            raise IndexUnusable(store, "other_key")
        segments = tuple(_open_segment(home, segment) for segment in told["segments"])
        updated = datetime.datetime.fromisoformat(told["updated_at"])
        return StoreIndex(store, segments, updated, stable_id(data.decode()), home, _open_texts(home, store, told["texts"], segments))
    except IndexUnusable:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, OSError):
        raise IndexUnusable(store, "damaged") from None


def _open_segment(home: Path, told: Mapping[str, Any]) -> Segment:
    """Raises ValueError where a file has not the length it should have."""
    cells, name = int(told["cells"]), str(told["name"])
    if "/" in name:
        raise ValueError
    tags, records, labels = (_mapped(home / f"{name}.{part}", CELL[field_], cells) for part, field_ in _FILES)
    sources = tuple(Source(**{**source, "skipped": tuple(source["skipped"])}) for source in told["sources"])
    columns = tuple(Column(kind, label) for kind, label in told["columns"])
    return Segment(name, tags, records, labels, columns, sources, int(told["extent"]))


_FILES = (("tags", "tag"), ("records", "record"), ("columns", "column"))


def _open_texts(home: Path, store: str, told: Mapping[str, Any] | None, segments: Sequence[Segment]) -> TextIndex | None:
    """Raises ValueError where a file has not the length it should have."""
    if told is None:
        return None
    counts = tuple(map(int, told["counts"]))
    tags, origins = (_mapped(home / f"{told['name']}.{part}", texts.PRINT[field_], sum(counts)) for part, field_ in texts.FILES)
    sources = [source for segment in segments for source in segment.sources]
    documents = tuple(f"{source.object_id} {source.version}" for source, count in zip(sources, counts, strict=True) if count)
    paths = tuple(source.path for source in sources)
    return TextIndex(store, tags, origins, paths, counts, sum(source.records for source in sources), documents)


def _mapped(path: Path, kind: Any, count: int) -> npt.NDArray[Any]:
    if path.stat().st_size != count * kind.itemsize:
        raise ValueError
    return np.memmap(path, kind, "r", shape=(count,)) if count else np.empty(0, kind)


# --------------------------------------------------------------------------- building


def update(
    folder: Path,
    store: str,
    key_id: str,
    tracing: StoreTracing,
    sources: Sequence[SourceObject],
    read: Read,
    temp_dir: Path,
    alive: Callable[[], None] = lambda: None,
) -> StoreCounts:
    """Bring the index of a store up to date: only what changed is read, and a reader sees the old index or the new one. Raises OSError,
    and TooLarge if the store has more records or columns than can be numbered."""
    home = store_folder(folder, store)
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    former, former_texts = _former(folder, store, key_id, tracing)
    large = [source for source in sources if source.rows_read >= LARGE]
    small = sorted((source for source in sources if source.rows_read < LARGE), key=lambda source: source.object_id)
    groups = [[source] for source in large] + ([small] if small else [])
    segments, fresh = [], 0
    for group in groups:
        kept = former.get(_identity(group))
        if kept is None:
            kept = _build(home, group, tracing, read, temp_dir, alive)
            fresh += len(group)
        segments.append(kept)
    manifest = {
        "format": FORMAT,
        "key_id": key_id,
        "store": store,
        "tracing": _tracing_digest(tracing),
        "updated_at": datetime.datetime.now(datetime.UTC).isoformat(),
        "segments": segments,
    }
    if fresh or not former or set(former) != {_identity_told(segment) for segment in segments}:
        _publish(home, {**manifest, "texts": _build_texts(home, segments, former_texts, read, temp_dir)})
    return StoreCounts(
        records=sum(source["records"] for segment in segments for source in segment["sources"]),
        cells=sum(segment["cells"] for segment in segments),
        sources=len(sources),
        read=fresh,
        unknown_columns=_unknown(tracing, segments),
    )


def remove_store(folder: Path, store: str) -> None:
    """Forget a store: its index is removed, the manifest first."""
    home = store_folder(folder, store)
    (home / MANIFEST).unlink(missing_ok=True)
    with suppress(FileNotFoundError):
        for file in home.iterdir():
            file.unlink(missing_ok=True)
        home.rmdir()


def _identity(group: Sequence[SourceObject]) -> str:
    return stable_id(*(part for source in group for part in (source.object_id, source.version, source.path)))


def _identity_told(segment: Mapping[str, Any]) -> str:
    return stable_id(*(part for source in segment["sources"] for part in (source["object_id"], source["version"], source["path"])))


def _former(folder: Path, store: str, key_id: str, tracing: StoreTracing) -> tuple[dict[str, dict[str, Any]], StoreIndex | None]:
    """Segments of the index as it is, by what they were made from, and the index; nothing where it cannot be used."""
    try:
        index = open_store_index(folder, key_id, store)
        told = json.loads((store_folder(folder, store) / MANIFEST).read_bytes())
    except (IndexUnusable, OSError, ValueError):
        return {}, None
    if told["tracing"] != _tracing_digest(tracing):
        return {}, None
    return {_identity_told(segment): segment for segment in told["segments"]}, index


def _tracing_digest(tracing: StoreTracing) -> str:
    return stable_id(*tracing.keys, None, *tracing.leave_out)


def _build(
    home: Path, group: Sequence[SourceObject], tracing: StoreTracing, read: Read, temp_dir: Path, alive: Callable[[], None]
) -> dict[str, Any]:
    """Write a segment's files; what the manifest says of it."""
    ids = [source.object_id for source in group]
    numbering = Numbering(ids, tracing)
    numbering.survey(read(ids), alive)
    name = secrets.token_hex(8)
    count = _write(home, name, numbering, lambda: numbering.cells(read(ids), alive), temp_dir)
    told = [
        asdict(
            Source(
                s.object_id,
                s.path,
                s.version,
                s.content_hash,
                s.size_bytes,
                numbering.first_records[number],
                numbering.records_of(number),
                tuple(sorted(numbering.skipped_columns)) if number == 0 else (),
            )
        )
        for number, s in enumerate(group)
    ]
    columns = [[column.entity_type, column.name] for column in numbering.columns]
    return {"name": name, "cells": count, "extent": numbering.total, "columns": columns, "sources": told}


def _build_texts(
    home: Path, segments: Sequence[Mapping[str, Any]], former: StoreIndex | None, read: Read, temp_dir: Path
) -> dict[str, Any] | None:
    """The documents' fingerprints: of what is as it was from the former index, of the rest from its values. None if there are none."""
    sources = [source for segment in segments for source in segment["sources"]]
    numbers = {source["object_id"]: number for number, source in enumerate(sources)}
    old = [] if former is None else [source for segment in former.segments for source in segment.sources]
    versions = {source["object_id"]: source["version"] for source in sources}
    same = {source.object_id for source in old if versions.get(source.object_id) == source.version}
    renumbered = np.array([numbers[source.object_id] if source.object_id in same else -1 for source in old], np.int64)
    kept = texts.renumbered(former.texts, renumbered) if former is not None and former.texts is not None else iter(())
    changed = [object_id for object_id in numbers if object_id not in same]
    name = secrets.token_hex(8)
    blocks = itertools.chain(kept, texts.prints(read(changed), numbers) if changed else ())
    counts = texts.write(home, name, blocks, len(sources), temp_dir, _private)
    return {"name": name, "counts": counts} if any(counts) else None


def _write(home: Path, name: str, numbering: Numbering, cells: Callable[[], Iterator[npt.NDArray[Any]]], temp_dir: Path) -> int:
    """Sort the cells and write them column by column; how many there are."""
    spool = Spool(temp_dir, CELL)
    files = []
    try:
        for block in cells():
            spool.append(block)
        for part, _ in _FILES:
            files.append(_private(home / f"{name}.{part}"))
        for block in partitioned(spool.blocks(PARTITION), spool.count, PARTITION, temp_dir):
            block = _by_tag_and_record(block)
            for file, (_, field_) in zip(files, _FILES, strict=True):
                file.write(np.ascontiguousarray(block[field_]).data)
        for file in files:
            file.flush()
            os.fsync(file.fileno())
        return spool.count
    finally:
        spool.close()
        for file in files:
            file.close()


def _by_tag_and_record(block: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """`block` is sorted by tag; cells of one tag are put in the order of their records."""
    same = block["tag"][1:] == block["tag"][:-1]
    tied = np.flatnonzero(np.append(same, False) | np.append(False, same))
    if len(tied):
        block = block.copy()
        among = block[tied]
        block[tied] = among[np.lexsort((among["record"], among["tag"]))]
    return block


def _private(path: Path) -> Any:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb", buffering=1 << 20)


def _publish(home: Path, manifest: Mapping[str, Any]) -> None:
    """Make the new manifest the one that counts, then remove what it does not name. Whoever has the old files mapped keeps them."""
    temporary = home / f".{MANIFEST}.{secrets.token_hex(8)}"
    with _private(temporary) as file:
        file.write(json.dumps(manifest, separators=(",", ":")).encode())
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(home / MANIFEST)
    handle = os.open(home, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    kept = {MANIFEST, *(f"{segment['name']}.{part}" for segment in manifest["segments"] for part, _ in _FILES)}
    if manifest["texts"] is not None:
        kept |= {f"{manifest['texts']['name']}.{part}" for part, _ in texts.FILES}
    for file in home.iterdir():
        if file.name not in kept:
            file.unlink(missing_ok=True)


def _unknown(tracing: StoreTracing, segments: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    met = {column for segment in segments for _, column in segment["columns"] if column}
    met |= {column for segment in segments for source in segment["sources"] for column in source["skipped"]}
    plain = {plain_name(part) for column in met for part in (column, *column.split(" + "))}
    return tuple(name for name in (*tracing.keys, *tracing.leave_out) if plain_name(name) not in plain)
