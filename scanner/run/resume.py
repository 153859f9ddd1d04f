"""Takes up a run that died: what it had finished stays, what has changed since or was half done is done again.

A checkpoint names the finished files of the tables; the state has the identity of every file whose rows are in them. Rows of files
that are no longer what they were, and of everything that is no file, are taken out, so that nothing is in the run twice.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scanner.findings.publish import PartWriter
from scanner.findings.runs import Part
from scanner.findings.store import RunWriter
from scanner.run.state import Known, State

if TYPE_CHECKING:
    import pyarrow as pa

_ESCAPED = re.compile(r"\\x([0-9a-fA-F]{2})|\\\\")
_LOOKED_UP = 500


@dataclass(frozen=True, slots=True)
class TakenUp:
    """`done`: object ids (their first 8 bytes) of the files that stay; `rows`: their `objects` rows with their `findings` rows."""

    done: frozenset[int]
    rows: Callable[[], Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]]


def short(object_id: str) -> int:
    """The first 8 bytes of an object id."""
    return int(object_id[:16], 16)


def parts_of(told: Mapping[str, Any]) -> list[Part]:
    """The parts that a checkpoint names. Raises ValueError."""
    try:
        return [Part(p["table"], p["path"], int(p["rows"]), int(p["size_bytes"]), str(p["blake3"])) for p in told["parts"]]
    except (KeyError, TypeError) as error:
        raise ValueError("not a checkpoint") from error


def take_up(writer: RunWriter, state: State, parts: Sequence[Part], save: Callable[[], None]) -> TakenUp:
    """Leave of the adopted `parts` what still holds. `save` makes a new checkpoint, before anything is removed."""
    kept = _kept_objects(writer, state, [part for part in parts if part.table == "objects"])
    for part in parts:
        _filter(writer, part, kept)
    save()
    writer.sweep()
    done = frozenset(short(object_id) for object_id, is_file in kept.items() if is_file)
    return TakenUp(done, lambda: _rows(writer))


def _path(writer: RunWriter, part: Part) -> Path:
    return writer.folder / part.table / Path(part.path).name


def _kept_objects(writer: RunWriter, state: State, parts: Sequence[Part]) -> dict[str, bool]:
    """object_id -> is it a file's own, of everything that stays."""
    from pyarrow import parquet

    columns = ["object_id", "root", "path", "member"]
    files: dict[str, list[str]] = {}
    for part in parts:
        for row in parquet.read_table(_path(writer, part), columns=columns, partitioning=None).to_pylist():
            if row["member"] is None:
                files.setdefault(row["root"], []).append(row["path"])
    whole = {(root, path) for root, paths in files.items() for path in _still_there(state, writer.run_id, root, paths)}
    kept: dict[str, bool] = {}
    for part in parts:
        for row in parquet.read_table(_path(writer, part), columns=columns, partitioning=None).to_pylist():
            if (row["root"], row["path"]) in whole:
                kept[row["object_id"]] = row["member"] is None
    return kept


def _still_there(state: State, run_id: str, root: str, paths: Sequence[str]) -> Iterator[str]:
    """The files that the state knows of this run (or knew before), and that are still what they were."""
    own = state.run_number(run_id)
    for start in range(0, len(paths), _LOOKED_UP):
        for path, columns in state.lookup(root, paths[start : start + _LOOKED_UP]).items():
            known = Known(*columns)
            if (known.run == own or state.believes(known)) and _same(root, path, known):
                yield path


def _same(root: str, path: str, known: Known) -> bool:
    try:
        found = os.lstat(raw_path(root) + b"/" + raw_path(path))
    except (OSError, ValueError):
        return False
    identity = (f"{found.st_dev}:{found.st_ino}", found.st_size)
    times = (found.st_mtime_ns / 1e9 * 1_000_000, found.st_ctime_ns / 1e9 * 1_000_000)
    known_times = (known.modified, known.changed)
    return identity == (known.file_id, known.size) and all(
        then is not None and -1 <= then - now <= 1 for then, now in zip(known_times, times, strict=True)
    )


def raw_path(text: str) -> bytes:
    """The bytes that `model.path_text` shows as `text`."""
    at, raw = 0, b""
    for found in _ESCAPED.finditer(text):
        raw += text[at : found.start()].encode()
        raw += bytes([int(found[1], 16)]) if found[1] else b"\\"
        at = found.end()
    return raw + text[at:].encode()


def _filter(writer: RunWriter, part: Part, kept: Mapping[str, bool]) -> None:
    """Write `part` anew without the rows of what does not stay; as it is if all of it does."""
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyarrow import parquet

    wanted = pa.array(kept.keys(), pa.string())
    path = _path(writer, part)
    with parquet.ParquetFile(path) as source:
        inside = [pc.is_in(batch["object_id"], value_set=wanted) for batch in source.iter_batches(columns=["object_id"])]
        count = sum(pc.sum(mask).as_py() or 0 for mask in inside)
        if count == part.rows:
            return
        if not count:
            writer.replace(part, None)
            return
        with PartWriter(path.with_name(f"kept-{secrets.token_hex(6)}.parquet"), source.schema_arrow) as target:
            for batch in source.iter_batches():
                rows = batch.filter(pc.is_in(batch["object_id"], value_set=wanted))
                target.write(_table(rows))
    writer.replace(part, target.path)


def _table(batch: pa.RecordBatch) -> pa.Table:
    import pyarrow as pa

    return pa.Table.from_batches([batch])


def _rows(writer: RunWriter) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]:
    from pyarrow import parquet

    found: dict[str, list[dict[str, Any]]] = {}
    names = ["object_id", "entity_type", "verdict", "distinct", "count"]
    for path in writer.adopted("findings"):
        for row in parquet.read_table(path, columns=names, partitioning=None).to_pylist():
            found.setdefault(row["object_id"], []).append(row)
    for path in writer.adopted("objects"):
        with parquet.ParquetFile(path) as source:
            for batch in source.iter_batches(8_192):
                for row in batch.to_pylist():
                    yield row, found.get(row["object_id"], [])
