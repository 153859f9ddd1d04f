"""Files of what people decided about findings: one command, one file, whole or not there at all, and none ever edited.

    DIR/decisions/<decision_id>-<hash>.parquet   one row per finding or unread object that the command was about
    DIR/covered/<decision_id>-<hash>.parquet     the fingerprints it was given for, published before the file that tells of them
    DIR/.locks/decisions                         shared by authors, alone by whoever merges the files of many commands

The hash in a name is the beginning of the file's BLAKE3, so that damage is known without a manifest. A row that stands in two files,
because a merge died between its two steps, counts once.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from scanner.findings import lock, merge, runs
from scanner.findings.errors import StoreError, storing
from scanner.findings.publish import SUFFIX, PartWriter, sync_folder

if TYPE_CHECKING:
    import numpy.typing as npt
    import pyarrow as pa

Action = Literal["ignore", "accept", "reopen", "assign", "unassign", "measure", "unmeasure"]

TABLES = ("covered", "decisions")  # in the order in which they are published
MERGED = "merged-"
MERGED_FROM = 64  # files of a table, beyond which the next author merges them
_HASH = 16  # hex digits


def listed(out: Path, table: str) -> list[Path]:
    """The files of a table at one moment: the folder is looked at until it twice tells the same, so that a merge cannot hide rows."""
    before: list[Path] | None = None
    while True:
        found = sorted(p for p in (out / table).glob("*.parquet") if not p.name.startswith("."))
        if found == before:
            return found
        before = found


def is_whole(path: Path) -> bool:
    """Has the file the content that its name tells? Raises OSError."""
    return path.stem.rpartition("-")[2] == _hash(path)


def new_id(out: Path) -> str:
    """A name for a decision that sorts behind every decision in the store, as a run's does behind every run."""
    return runs.new_run_id(max(map(_newest, listed(out, "decisions")), default=None))


def _newest(path: Path) -> str:
    """The newest decision in a file; nothing of a file that cannot be read."""
    if not path.name.startswith(MERGED):
        return path.stem.rpartition("-")[0]
    with suppress(OSError, ValueError):
        return max(_ids(path), default="")
    return ""


def publish(out: Path, decision_id: str, rows: pa.Table, covered: Iterable[pa.Table | pa.RecordBatch]) -> None:
    """Write down one decision: its `rows` in the schema `DECISIONS`, and what they cover in the schema `COVERED`. Raises `StoreError`;
    nothing of it can then be seen."""
    import pyarrow as pa

    from scanner.findings.schema import COVERED, DECISIONS

    with storing(out):
        for folder in (lock.FOLDER, *TABLES):
            (out / folder).mkdir(exist_ok=True)
        with _locked(out, fcntl.LOCK_SH):
            pieces = (pa.Table.from_batches([one]) if isinstance(one, pa.RecordBatch) else one for one in covered)
            _write(out / "covered", decision_id, COVERED, pieces)
            _write(out / "decisions", decision_id, DECISIONS, [rows])
        if any(len(listed(out, table)) > MERGED_FROM for table in TABLES):
            compact(out)


def _write(folder: Path, decision_id: str, schema: pa.Schema, pieces: Iterable[pa.Table]) -> None:
    """A file, or none if there are no rows."""
    writer: PartWriter | None = None
    try:
        for piece in pieces:
            if len(piece):
                if writer is None:
                    writer = PartWriter(
                        folder / f"{decision_id}.parquet", schema, named=lambda path: f"{decision_id}-{_hash(path)}.parquet"
                    )
                writer.write(piece.cast(schema))
    except BaseException:
        if writer is not None:
            writer.abort()
        raise
    if writer is not None:
        writer.close()


def compact(out: Path) -> int:
    """Put the files of many commands into few, and remove what dead writers left; how many files there are less. Does nothing while
    somebody is writing a decision. Readers see every row at every moment. Raises `StoreError`."""
    import pyarrow as pa

    if not any((out / table).is_dir() for table in TABLES):
        return 0
    with storing(out):
        try:
            with _locked(out, fcntl.LOCK_EX | fcntl.LOCK_NB):
                before = sum(len(listed(out, table)) for table in TABLES)
                told = _sweep(out, "decisions", None)
                _sweep(out, "covered", told)
                for table in TABLES:
                    _merge(out, table)
                return before - sum(len(listed(out, table)) for table in TABLES)
        except BlockingIOError:
            return 0
        except pa.ArrowException:
            raise StoreError(f"files of decisions in {out} cannot be merged") from None


def purge(out: Path, gone: Mapping[Path, npt.NDArray[Any]]) -> None:
    """Remove rows, by file and number. Waits for authors. A file that was merged since is left as it is: the next purge comes by. Readers
    see every row that stays at every moment. Raises `StoreError`."""
    import pyarrow as pa

    from scanner.findings.purge import write_without

    if not any((out / table).is_dir() for table in TABLES):
        return
    with storing(out), _locked(out, fcntl.LOCK_EX):
        for leftover in (path for table in TABLES for path in (out / table).glob(f".*{SUFFIX}")):
            leftover.unlink(missing_ok=True)
        for path, numbers in sorted(gone.items()):
            if not path.exists() or not is_whole(path):
                continue
            table = path.parent.name
            if len(numbers) < _rows(path):
                try:
                    write_without(path, path.parent / f"{MERGED}.parquet", table, numbers, lambda new: f"{MERGED}{_hash(new)}.parquet")
                except pa.ArrowException:
                    raise StoreError(f"files of decisions in {out} cannot be purged") from None
            path.unlink()
            sync_folder(path.parent)


def _merge(out: Path, table: str) -> None:
    folder = out / table
    small = [path for path in listed(out, table) if path.stat().st_size < merge.SMALL and is_whole(path)]
    for group in merge.groups(small, lambda path: (path.stat().st_size, _rows(path))):
        merge.merge(group, folder / f"{MERGED}.parquet", table, lambda path: f"{MERGED}{_hash(path)}.parquet")
        for path in group:
            path.unlink()
        sync_folder(folder)


def _sweep(out: Path, table: str, told: set[str] | None) -> set[str] | None:
    """Remove temporary files, files whose rows stand in others as well, and, with `told`, those of decisions that were never made. The
    decisions that the table tells of; None if a file of it, which stays, cannot be read."""
    folder = out / table
    for leftover in folder.glob(f".*{SUFFIX}"):
        leftover.unlink(missing_ok=True)
    found: dict[Path, set[str]] = {}
    every = listed(out, table)
    for path in every:
        with suppress(OSError, ValueError, KeyError):  # pyarrow's errors among them
            found[path] = _ids(path)
    kept: set[str] = set()
    for path, ids in sorted(found.items(), key=lambda item: (-len(item[1]), item[0].name)):
        if ids <= kept or (told is not None and not ids & told):
            path.unlink()
        else:
            kept |= ids
    return kept if len(found) == len(every) else None


def _ids(path: Path) -> set[str]:
    from pyarrow import parquet

    with parquet.ParquetFile(path) as file:
        return {one for batch in file.iter_batches(columns=["decision_id"]) for one in batch["decision_id"].unique().to_pylist()}


def _rows(path: Path) -> int:
    from pyarrow import parquet

    return int(parquet.read_metadata(path).num_rows)


def _hash(path: Path) -> str:
    from blake3 import blake3

    return blake3().update_mmap(path).hexdigest()[:_HASH]


@contextmanager
def _locked(out: Path, how: int) -> Iterator[None]:
    (out / lock.FOLDER).mkdir(exist_ok=True)
    handle = os.open(out / lock.FOLDER / "decisions", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        fcntl.flock(handle, how)
        yield
    finally:
        os.close(handle)
