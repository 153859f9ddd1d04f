"""Writing a run into the store: staged out of sight, moved into place as whole folders, made to have happened by its manifest.

    DIR/.strayscan.json            which key and schema the store is of
    DIR/.locks/                    who is writing (scanner.findings.lock)
    DIR/.staging/<run_id>/         private (0700); becomes DIR/<table>/run=<run_id>/ at the commit
    DIR/runs/<run_id>.json         the last thing written

Wherever a writer dies, the earlier runs stand as they were. What it leaves behind is removed when the next run begins.
"""

from __future__ import annotations

import errno
import json
import os
import secrets
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from scanner.findings import lock, merge, runs
from scanner.findings.errors import NotWhole, StoreError, storing
from scanner.findings.parts import RowPart, SortedParts
from scanner.findings.publish import SUFFIX, atomic_bytes, sync_file, sync_folder
from scanner.findings.runs import Part

if TYPE_CHECKING:
    import pyarrow as pa

MARKER = ".strayscan.json"
STAGING = ".staging"
_PROBE = ".probe-"
_TABLES = ("objects", "findings", "copies", "values")
_GATHERED_FROM = 8  # files of a table, beyond which a run merges its own
_ROW_TABLES = ("objects", "findings", "copies")


def open_store(out: Path, key_id: str) -> Store:
    """The store in folder `out`, made if it is not there (mode 0700, since locators may name people).

    Raises `StoreError` before anything is written if the folder cannot be written, holds findings under another key, or
    was written by a newer version of the program.
    """
    _check_writable(out)
    check_key(out, key_id)
    with storing(out):
        if not out.is_dir():
            out.mkdir(mode=0o700, parents=True)
    return Store(out.resolve(), key_id)


class Store:
    """A folder of findings that this process may write runs into."""

    def __init__(self, out: Path, key_id: str) -> None:
        self.out = out
        self.key_id = key_id

    def new_run_id(self) -> str:
        """A name for a run that sorts behind every run in the store."""
        return runs.new_run_id(max(runs.committed(self.out), default=None))

    def begin(self, run_id: str, roots: Sequence[str], *, adopt: Sequence[Part] | None = None) -> RunWriter:
        """Take the lock on `roots`, tidy up after dead runs, and start. Raises `RootBusy`, `StoreError`.

        `adopt`: files that a dead run of this name had finished (`RunWriter.checkpoint`); the run goes on with them. Raises `NotWhole` if
        they are not all there as they were; the dead run is then as any other.
        """
        runs.check_run_id(run_id)
        with storing(self.out):
            for folder in (lock.FOLDER, STAGING, runs.FOLDER, *_TABLES):
                (self.out / folder).mkdir(exist_ok=True)
            with lock.mutex(self.out):
                check_key(self.out, self.key_id)
                if runs.manifest_path(self.out, run_id).exists():
                    raise StoreError(f"there is a run {run_id} already")
                if adopt is not None and lock.is_held(lock.lock_path(self.out, run_id)) is None:
                    lock.lock_path(self.out, run_id).unlink(missing_ok=True)
                held = lock.take(self.out, run_id, roots)
                try:
                    _mark(self.out, self.key_id)
                    _remove_dead_runs(self.out)
                    if adopt is not None:
                        _recover(self.out, run_id, adopt)
                    return RunWriter(self, run_id, held, adopt)
                except BaseException:
                    held.release()
                    raise


class RunWriter:
    """One run being written. Nothing of it can be seen until `commit`; leaving the ``with`` block without it aborts.

    Every method raises `StoreError` if the disk is full or fails; the run is then to be aborted.
    """

    def __init__(self, store: Store, run_id: str, held: lock.RunLock, adopted: Sequence[Part] | None = None) -> None:
        from scanner.findings.schema import TABLES

        self.run_id = run_id
        self._store = store
        self._held = held
        self._root = store.out / STAGING / run_id
        self._open = True
        self._root.mkdir(mode=0o700, exist_ok=adopted is not None)
        self.staging: Path = self._root / "incoming"
        for folder in ("incoming", *_TABLES):
            (self._root / folder).mkdir(exist_ok=adopted is not None)
        name = "part" if adopted is None else f"part-{secrets.token_hex(3)}"
        self._rows = {t: RowPart(self._root / t, TABLES[t], run_id, _masked if t == "findings" else dict, name) for t in _ROW_TABLES}
        self._values = SortedParts(self._root / "values", name)
        self._moved: list[Path] = []
        self._worker_name = name.replace("part", "worker")
        self._closed: dict[Path, Part] = {}
        for part in adopted or ():
            self._take_over(part, self._root / part.table / Path(part.path).name)

    def objects(self, rows: Iterable[Mapping[str, Any]]) -> None:
        self._add("objects", rows)

    def objects_batch(self, batch: pa.RecordBatch) -> None:
        """Rows in the schema `OBJECTS`, all of this run."""
        self._check_open()
        with storing(self._store.out):
            self._rows["objects"].add_batch(batch)

    def findings(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Samples that are no masks are masked here: the last guard, not the one to rely on."""
        self._add("findings", rows)

    def copies(self, rows: Iterable[Mapping[str, Any]]) -> None:
        self._add("copies", rows)

    def values(self, batch: pa.RecordBatch) -> None:
        """Rows in the schema `VALUES`."""
        with storing(self._store.out):
            self._values.add(batch)

    def values_file(self, path: Path) -> None:
        """Take over a Parquet file of `VALUES`, sorted by fingerprint, that a worker wrote under `staging`, or a folder of such files."""
        with storing(self._store.out):
            for file in sorted(path.glob("*.parquet")) if path.is_dir() else [path]:
                self._move_in(file)

    @property
    def folder(self) -> Path:
        """The run's private folder: what lies in it is gone once the run is over."""
        return self._root

    def checkpoint(self) -> list[Part]:
        """Finish the files being written, on disk; what is there now of the run, for `Store.begin` to adopt should this process die."""
        self._check_open()
        with storing(self._store.out):
            for rows in self._rows.values():
                rows.close()
            self._values.close()
            for table in _TABLES:
                sync_folder(self._root / table)
            return self._parts()

    def gather(self) -> None:
        """Merge the small files that many checkpoints made; `checkpoint` then tells of the new ones, and `sweep` removes the old."""
        self.checkpoint()
        with storing(self._store.out):
            for table in _TABLES:
                paths = self._list(table)
                if len(paths) <= _GATHERED_FROM:
                    continue
                for group in merge.groups(list(paths), lambda path: (path.stat().st_size, self._closed[path].rows)):
                    target = self._root / table / f"gathered-{secrets.token_hex(6)}.parquet"
                    merge.merge(group, target, table)
                    at = paths.index(group[0])
                    paths[:] = [path for path in paths if path not in group]
                    paths.insert(at, target)

    def replace(self, old: Part, new: Path | None) -> None:
        """Put the file `new`, in the same folder, in the place of an adopted one, which is left there (None: nothing of it is wanted)."""
        paths = self._list(old.table)
        former = self._root / old.table / Path(old.path).name
        at = paths.index(former)
        self._closed.pop(former, None)
        paths[at : at + 1] = [] if new is None else [new]

    def suspend(self) -> None:
        """Let go of the run, and leave what there is of it for one that goes on with its last checkpoint, or tidies it away."""
        if not self._open:
            return
        self._open = False
        for rows in self._rows.values():
            rows.abort()
        self._held.release()

    def adopted(self, table: str) -> list[Path]:
        """The files of a table that are finished so far."""
        return list(self._list(table))

    def sweep(self) -> None:
        """Remove what earlier lives of the run left in its folder beside the files it goes on with."""
        kept = {path for table in _TABLES for path in self._list(table)} | set(self._moved)
        for table in _TABLES:
            for path in (self._root / table).iterdir():
                if path not in kept:
                    path.unlink()
        for path in self.staging.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    def _list(self, table: str) -> list[Path]:
        return self._values.paths if table == "values" else self._rows[table].paths

    def _take_over(self, part: Part, path: Path) -> None:
        self._list(part.table).append(path)
        self._closed[path] = part

    def commit(self, manifest: Mapping[str, Any]) -> None:
        """Publish the run. `manifest` says what `runs.check` asks for and whatever else is to be told; it holds no values."""
        runs.check(manifest)
        self._check_open()
        with storing(self._store.out):
            for rows in self._rows.values():
                rows.close()
            self._values.close()
            parts = self._parts()
            data = runs.to_json(manifest, self.run_id, _schema_version(), self._store.key_id, parts)
            self._move_out({part.table for part in parts})
            atomic_bytes(runs.manifest_path(self._store.out, self.run_id), data)
        self._close()

    def abort(self) -> None:
        """Remove everything of this run. Harmless after `commit`."""
        if not self._open:
            return
        for rows in self._rows.values():
            rows.abort()
        if not runs.manifest_path(self._store.out, self.run_id).exists():
            _remove_run(self._store.out, self.run_id)
        self._close()

    def __enter__(self) -> RunWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.abort()

    def _add(self, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
        self._check_open()
        with storing(self._store.out):
            self._rows[table].add(rows)

    def _check_open(self) -> None:
        if not self._open:
            raise StoreError("the run is over")

    def _move_in(self, file: Path) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        from scanner.findings.schema import VALUES

        if not file.resolve().is_relative_to(self.staging.resolve()):
            raise StoreError("a worker's file of values lies outside the run's staging folder")
        try:
            fits = pq.read_schema(file).equals(VALUES)
        except pa.ArrowInvalid:
            fits = False
        if not fits:
            raise StoreError("a worker's file of values is not in the schema of its table")
        sync_file(file)
        target = self._root / "values" / f"{self._worker_name}-{len(self._moved) + 1:05d}.parquet"
        file.rename(target)
        self._moved.append(target)

    def _parts(self) -> list[Part]:
        paths = {table: rows.paths for table, rows in self._rows.items()} | {"values": self._values.paths + self._moved}
        for table, files in paths.items():
            for path in files:
                if path not in self._closed:
                    self._closed[path] = _part(table, path, f"{table}/run={self.run_id}/{path.name}")
        return [self._closed[path] for files in paths.values() for path in files]

    def _move_out(self, tables: set[str]) -> None:
        """Each table's folder appears whole, by one rename."""
        for table in sorted(tables):
            sync_folder(self._root / table)
            (self._root / table).rename(self._store.out / table / f"run={self.run_id}")
            sync_folder(self._store.out / table)

    def _close(self) -> None:
        self._open = False
        shutil.rmtree(self._root, ignore_errors=True)
        self._held.release()


def _masked(row: dict[str, Any]) -> dict[str, Any]:
    from scanner.redact import is_mask, mask

    samples = list(row["samples"] or ())[:3]
    row["samples"] = [text if is_mask(text) else mask(row["entity_type"], text) for text in samples]
    return row


def _part(table: str, path: Path, published: str) -> Part:
    import pyarrow.parquet as pq
    from blake3 import blake3

    rows = pq.read_metadata(path).num_rows
    return Part(table, published, rows, path.stat().st_size, blake3().update_mmap(path).hexdigest())


def _schema_version() -> int:
    from scanner.findings.schema import SCHEMA_VERSION

    return SCHEMA_VERSION


# --------------------------------------------------------------------------- what the folder is


def _check_writable(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise StoreError(f"{out} is not a folder: give --out a folder, or a name that is not taken")
    place = next(p for p in (out, *out.absolute().parents) if p.exists())
    if not place.is_dir():
        raise StoreError(f"cannot make the folder {out}: {place} is not a folder")
    with storing(out):
        _try_a_file(place)


def _try_a_file(folder: Path) -> None:
    """Permissions do not tell all (root, read-only mounts, quotas), so a file is made: without a name where Linux can do that."""
    try:
        os.close(os.open(folder, os.O_WRONLY | os.O_TMPFILE | os.O_CLOEXEC, 0o600))
    except OSError as error:
        if error.errno not in (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL):
            raise
        probe = folder / f"{_PROBE}{secrets.token_hex(6)}{SUFFIX}"
        os.close(os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        probe.unlink(missing_ok=True)


def former_keys(out: Path) -> tuple[str, ...]:
    """Ids of the keys that the store was under before its present one, oldest first."""
    try:
        told = json.loads((out / MARKER).read_bytes())
        return tuple(str(one["key_id"]) for one in told.get("former", ()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return ()


def rotate(out: Path, old: str, new: str) -> None:
    """Put the store under the key `new`: runs under `old` stay what they are, later ones are under `new`. Raises `StoreError`: another key
    than `old`, a former one as the new, a run in progress."""
    check_key(out, old)
    with storing(out):
        (out / lock.FOLDER).mkdir(exist_ok=True)
        with lock.mutex(out):
            check_key(out, old)
            if (holder := next(lock.living(out), None)) is not None:
                raise StoreError(f"a scan is running into {out} since {holder.started}: rotate the key when it has ended")
            former = former_keys(out)
            check_new_key(out, old, new)
            told = {"schema": _schema_version(), "key_id": new, "former": [{"key_id": one} for one in (*former, old)]}
            atomic_bytes(out / MARKER, json.dumps(told).encode() + b"\n")


def check_new_key(out: Path, old: str, new: str) -> None:
    """Raises `StoreError` if the store is or was under the key `new`."""
    if new == old or new in former_keys(out):
        raise StoreError(f"{out} is or was under the key {new}: give a new one")


def check_version(out: Path) -> None:
    """Raises `StoreError` if the store in `out` was written by a newer version of the program."""
    for schema, _ in _marks(out):
        if schema > _schema_version():
            raise StoreError(
                f"{out} was written by a newer version (schema {schema}, this program knows {_schema_version()}): "
                "update the program, or give another --out"
            )


def check_key(out: Path, key_id: str) -> None:
    """Raises `StoreError` if the store was written under another key, or by a newer version."""
    check_version(out)
    for _, found in _marks(out):
        if found != key_id and key_id in former_keys(out):
            raise StoreError(f"the key of {out} was rotated: {key_id} was its key, {found} is; give that with --key-file")
        if found != key_id:
            raise StoreError(
                f"{out} holds findings under key {found}, and the key given is {key_id}: "
                "give the former key with --key-file, or another --out"
            )


def _marks(out: Path) -> list[tuple[int, str]]:
    """Schema and key id as the marker tells; without it (a store put together by hand), as the manifests do."""
    try:
        told = json.loads((out / MARKER).read_bytes())
        return [(int(told["schema"]), str(told["key_id"]))]
    except FileNotFoundError:
        pass
    except (OSError, ValueError, KeyError, TypeError):
        raise StoreError(f"{out / MARKER} cannot be read: remove it, and it is made again from the runs") from None
    found = set()
    for run_id in runs.committed(out):
        try:
            manifest = runs.read(runs.manifest_path(out, run_id))
        except (OSError, ValueError):
            continue
        found.add((manifest.schema, manifest.key_id))
    return sorted(found)


def _mark(out: Path, key_id: str) -> None:
    if not (out / MARKER).exists():
        atomic_bytes(out / MARKER, json.dumps({"schema": _schema_version(), "key_id": key_id}).encode() + b"\n")


# --------------------------------------------------------------------------- tidying up


def _remove_dead_runs(out: Path) -> None:
    """Remove what runs without a manifest and without a living writer left; to be called under the mutex."""
    happened = set(runs.committed(out))
    for leftover in (*out.glob(f".{MARKER}.*{SUFFIX}"), *out.glob(f"{_PROBE}*{SUFFIX}")):
        leftover.unlink(missing_ok=True)
    for run_id in _traces(out):
        path = lock.lock_path(out, run_id)
        if lock.is_held(path) is None:
            if run_id not in happened and not runs.manifest_path(out, run_id).exists():
                _remove_run(out, run_id)
            shutil.rmtree(out / STAGING / run_id, ignore_errors=True)
            path.unlink(missing_ok=True)


def _traces(out: Path) -> set[str]:
    """Names of runs that have a lock file, a staging folder, or data without a manifest."""
    happened = set(runs.committed(out))
    found = {path.stem for path in (out / lock.FOLDER).glob("*.lock")} | {path.name for path in (out / STAGING).iterdir()}
    for table in _TABLES:
        found |= {path.name.removeprefix("run=") for path in (out / table).glob("run=*")} - happened
    return found


def _recover(out: Path, run_id: str, parts: Sequence[Part]) -> None:
    """Bring back the files of a dead run to its staging folder (it may have died while it published). Raises `NotWhole`."""
    from blake3 import blake3

    staging = out / STAGING / run_id
    staging.mkdir(mode=0o700, exist_ok=True)
    for table in _TABLES:
        published = out / table / f"run={run_id}"
        if published.is_dir() and not any((staging / table).glob("*")):
            (staging / table).mkdir(exist_ok=True)
            (staging / table).rmdir()
            published.rename(staging / table)
    for part in parts:
        path = staging / part.table / Path(part.path).name
        try:
            whole = path.stat().st_size == part.size_bytes and blake3().update_mmap(path).hexdigest() == part.blake3
        except OSError:
            whole = False
        if part.table not in _TABLES or not whole:
            raise NotWhole(f"run {run_id} cannot be taken up again: a file of it is missing or damaged")


def _remove_run(out: Path, run_id: str) -> None:
    shutil.rmtree(out / STAGING / run_id, ignore_errors=True)
    for table in _TABLES:
        shutil.rmtree(out / table / f"run={run_id}", ignore_errors=True)
    for leftover in (out / runs.FOLDER).glob(f".{run_id}.json.*{SUFFIX}"):
        leftover.unlink(missing_ok=True)
