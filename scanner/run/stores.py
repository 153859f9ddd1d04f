"""The index of the approved stores, brought up to date: stores are scanned as everything else is, into a findings store of the index's own.

    INDEX/findings/        findings store of the scans of the approved stores alone
    INDEX/stores/<id>/     what is searched (scanner.copies.index)
    INDEX/refreshed.json   what the stores looked like when all of it was made
    INDEX/lock             held while it is brought up to date

So resuming, isolation, coverage and the reading of what changed alone are those of every scan.
"""

from __future__ import annotations

import dataclasses
import datetime
import fcntl
import hashlib
import json
import os
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scanner import __version__
from scanner.config import Settings
from scanner.findings.errors import StoreError, storing
from scanner.judge import absolute_path, is_unread
from scanner.model import Entry, Reason, Status, path_text, stable_id
from scanner.policy import Policy, Store, load
from scanner.redact import Key, check_key_apart, load_key
from scanner.run.digests import Digests
from scanner.run.ledger import deciding
from scanner.run.progress import OnProgress
from scanner.run.remembered import is_fresh
from scanner.run.resume import raw_path
from scanner.run.scan import RunFailed, checked, run_scan, with_overrides
from scanner.run.summary import RunSummary, StoreState
from scanner.run.supervisor import WorkersFailed
from scanner.run.tracing import Traced
from scanner.sources.filesystem import crawl, resolve_roots

if TYPE_CHECKING:
    import pyarrow as pa

    from scanner.findings.read import Findings

FINDINGS, REFRESHED, LOCK = "findings", "refreshed.json", "lock"
VARIABLE = "XDG_DATA_HOME"


class IndexFailed(StoreError):
    """The index folder cannot be used as asked."""


@dataclass(frozen=True, slots=True)
class StoreIndexed:
    """A store and its index, as `strayscan stores list` shows it. `columns`: what is fingerprinted; `bytes` on disk."""

    state: StoreState
    purpose: str | None = None
    paths: tuple[str, ...] = ()
    sources: int = 0
    cells: int = 0
    bytes: int = 0
    columns: tuple[str, ...] = ()
    updated_at: datetime.datetime | None = None
    unknown_columns: tuple[str, ...] = ()  # names in the policy that no source has

    def to_json(self) -> dict[str, Any]:
        plain = {**dataclasses.asdict(self.state), **dataclasses.asdict(self)}
        plain.pop("state")
        return {**plain, "updated_at": None if self.updated_at is None else self.updated_at.isoformat()}


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What a refresh came to. `read`: sources whose fingerprints were made anew."""

    folder: Path
    stores: tuple[StoreIndexed, ...]
    read: int = 0

    @property
    def exit_status(self) -> int:
        return 3 if any(store.state.counts_as_unread for store in self.stores) else 0

    def to_json(self) -> dict[str, Any]:
        listed = [store.to_json() for store in self.stores]
        return {"index": str(self.folder), "stores": listed, "read": self.read, "exit_status": self.exit_status}


def index_folder(policy: Policy, key_id: str) -> Path:
    """Where the index of a policy's stores lies."""
    if policy.copies.index is not None:
        return policy.copies.index
    home = os.environ.get(VARIABLE, "")
    base = Path(home) if Path(home).is_absolute() else Path.home() / ".local" / "share"
    return base / "strayscan" / "stores" / stable_id(os.path.realpath(policy.file or ""), key_id)[:16]


def scan_with_stores(
    roots: Sequence[Path], policy_file: Path | None, out: Path, settings: Settings, *, on_progress: OnProgress | None = None
) -> RunSummary:
    """A scan that traces copies: the stores' index is brought up to date first. See `scanner.api.scan`."""
    policy = load(policy_file)
    began = time.monotonic()
    traced = Traced()
    if policy_file is not None and _traced_stores(policy):
        checked(roots, policy, out, settings)
        traced = traced_by(policy, policy_file, out, settings)
        if settings.max_seconds is not None:
            settings = dataclasses.replace(settings, max_seconds=max(1.0, settings.max_seconds - (time.monotonic() - began)))
    elif policy.stores:
        traced = Traced(tuple(_untraced(store) for store in policy.stores))
    return run_scan(roots, policy_file, out, settings, on_progress=on_progress, traced=traced)


def traced_by(policy: Policy, policy_file: Path, out: Path, settings: Settings, *, up_to_date: bool = True) -> Traced:
    """The index of a policy's stores, brought up to date or as it is, and for every store without one why there is none."""
    from scanner.copies.index import Index, IndexUnusable

    key = load_key(settings.key_file)
    try:
        refreshed = refresh(policy, policy_file, settings, apart_from=out) if up_to_date else listed(policy, settings)
        states = tuple(indexed.state for indexed in refreshed.stores)
    except (StoreError, RunFailed, WorkersFailed) as fault:
        states = tuple(_failed(store, str(fault)) if store in _traced_stores(policy) else _untraced(store) for store in policy.stores)
    usable, final = [], []
    folder = index_folder(policy, key.key_id)
    for state in states:
        try:
            if state.reason not in ("policy", "missing"):
                Index.open(folder, key.key_id, [state.name])
                usable.append(state.name)
                state = dataclasses.replace(state, traced=True)
        except IndexUnusable as fault:
            state = dataclasses.replace(state, traced=False, why=state.why or str(fault), reason=state.reason or "failed")
        final.append(state)
    return Traced(tuple(final), Index.open(folder, key.key_id, usable) if usable else None, folder)


# --------------------------------------------------------------------------- refreshing


def refresh(
    policy: Policy,
    policy_file: Path,
    settings: Settings,
    *,
    on_progress: OnProgress | None = None,
    apart_from: Path | None = None,
) -> Refreshed:
    """Bring the index up to date. What is unchanged since the last time costs a look at the stores' folders.

    Raises IndexFailed, StoreError, KeyFileError, RunFailed, WorkersFailed.
    """
    key = load_key(settings.key_file)
    folder = index_folder(policy, key.key_id)
    _check_folder(folder, key, policy, apart_from)
    with _locked(folder):
        return _Refresh(policy, policy_file, folder, key, settings).carry_out(on_progress)


class _Refresh:
    def __init__(self, policy: Policy, policy_file: Path, folder: Path, key: Key, settings: Settings) -> None:
        self._policy = policy
        self._file = policy_file
        self._folder = folder
        self._key = key
        self._settings = settings
        self._stores = {store.name: store for store in _traced_stores(policy)}

    def carry_out(self, on_progress: OnProgress | None) -> Refreshed:
        roots = self._roots()
        seen = self._seen(roots)
        if seen is not None and (told := self._told()).get("seen") == seen and (known := self._known(told)) is not None:
            return Refreshed(self._folder, known)
        reasons: dict[str, str] = {}
        if roots:
            settings = dataclasses.replace(
                self._settings, full=False, metrics=None, notify_command=None, webhook=None, log_format="text", recheck=0.0
            )
            summary = run_scan(
                roots,
                self._file,
                self._folder / FINDINGS,
                settings,
                on_progress=on_progress,
                keep=self._keep,
                keep_texts=self._policy.copies.texts,
            )
            if summary.outcome == "interrupted":
                raise KeyboardInterrupt
            if summary.outcome not in ("complete", "incomplete"):
                reasons = dict.fromkeys(self._stores, "stopped")
        with storing(self._folder):
            indexed, read = self._update(reasons)
            if not reasons:
                self._remember(seen, indexed)
        return Refreshed(self._folder, indexed, read)

    # ------------------------------------------------------------------ what the stores look like

    def _roots(self) -> list[Path]:
        """The folders in which the stores lie, as far as they are there."""
        found = []
        for store in self._stores.values():
            for glob in store.paths:
                path = Path(os.fsdecode(raw_path(glob.folder or "/")))
                with suppress(OSError, ValueError):
                    if path.is_dir():
                        found.append(path)
        return resolve_roots(found)

    def _keep(self, entry: Entry) -> bool:
        placed = self._policy.place(absolute_path(entry)).store
        return placed is not None and placed.name in self._stores

    def _seen(self, roots: Sequence[Path]) -> str | None:
        """A hash of every file of the stores with its times, and of everything that decides what is fingerprinted. None: something changed
        so recently that its times may not tell of a further change."""
        now = int(time.time() * 1_000_000)
        limits = with_overrides(self._policy.limits, self._settings.limits)
        digests = Digests.of(self._policy)
        hasher = hashlib.blake2b(digest_size=16)
        decides = deciding(digests, self._policy, limits)
        made_by = (__version__, self._key.key_id, self._policy.digest, digests.readers, decides.reading, decides.judging)
        hasher.update(stable_id(*made_by).encode())
        for entry in crawl(roots, lambda path, is_dir: self._policy.excluded(path, is_dir) or path.rstrip("/") == str(self._folder)):
            if not self._keep(entry):
                continue
            if entry.status is None and is_fresh(None if entry.changed_at is None else int(entry.changed_at * 1_000_000), now):
                return None
            told = [entry.location.root, entry.location.path, entry.file_id, entry.size, entry.modified_at, entry.changed_at]
            told += [entry.status, entry.reason, entry.exposure]
            hasher.update(json.dumps(told).encode())
        return hasher.hexdigest()

    def _told(self) -> Mapping[str, Any]:
        try:
            told = json.loads((self._folder / REFRESHED).read_bytes())
        except (OSError, ValueError):
            return {}
        return told if isinstance(told, dict) else {}

    def _known(self, told: Mapping[str, Any]) -> tuple[StoreIndexed, ...] | None:
        """The state that was written down, if every index is still there to be searched."""
        try:
            states = {name: StoreState(**state) for name, state in told["states"].items()}
            unknown = {name: tuple(columns) for name, columns in told["unknown_columns"].items()}
            return tuple(
                _indexed(store, states[store.name], self._folder, self._key.key_id, unknown.get(store.name, ()))
                for store in self._policy.stores
            )
        except (KeyError, TypeError, AttributeError, _Unusable):
            return None

    def _remember(self, seen: str | None, indexed: Sequence[StoreIndexed]) -> None:
        from scanner.findings.publish import atomic_bytes

        states = {one.state.name: dataclasses.asdict(one.state) for one in indexed}
        unknown = {one.state.name: one.unknown_columns for one in indexed}
        _private(self._folder / FINDINGS, self._folder / "stores")
        atomic_bytes(self._folder / REFRESHED, json.dumps({"seen": seen, "states": states, "unknown_columns": unknown}).encode())

    # ------------------------------------------------------------------ from findings to the index

    def _update(self, reasons: Mapping[str, str]) -> tuple[tuple[StoreIndexed, ...], int]:
        from scanner.findings.read import open_findings

        read = 0
        indexed = []
        with open_findings(self._folder / FINDINGS) if (self._folder / FINDINGS).is_dir() else _nothing() as found:
            for store in self._policy.stores:
                if store.name not in self._stores:
                    indexed.append(StoreIndexed(_untraced(store), store.purpose, _paths(store)))
                    continue
                state, unknown, fresh = self._update_store(store, found, reasons.get(store.name))
                read += fresh
                indexed.append(_indexed(store, state, self._folder, self._key.key_id, unknown))
        return tuple(indexed), read

    def _update_store(self, store: Store, found: Findings | None, reason: str | None) -> tuple[StoreState, tuple[str, ...], int]:
        from scanner.copies.cells import TooLarge
        from scanner.copies.index import remove_store, update

        objects = [] if found is None else self._objects(found, store)
        if not objects:
            remove_store(self._folder, store.name)
            return StoreState(store.name, why="its paths match nothing", reason="missing", owner=store.owner), (), 0
        try:
            counts = update(
                self._folder,
                store.name,
                self._key.key_id,
                self._policy.copies.of(store.name),
                [_source(row) for row in objects],
                lambda ids: _values(found, ids),
                self._folder,
            )
        except TooLarge:
            remove_store(self._folder, store.name)
            return _failed(store, "it has more records or columns than an index can number"), (), 0
        unread = [row["reason"] or row["status"] for row in objects if not row["excused"] and _unread(row)]
        state = StoreState(store.name, True, records=counts.records, owner=store.owner)
        if reason is not None:
            state = dataclasses.replace(state, why="the refresh was stopped before its end", reason=reason)
        elif unread:
            state = dataclasses.replace(
                state, why=f"{len(unread)} of its objects could not be fully read ({', '.join(sorted(set(unread)))})", reason="unread"
            )
        return state, counts.unknown_columns, counts.read

    @staticmethod
    def _objects(found: Findings, store: Store) -> list[dict[str, Any]]:
        import pyarrow as pa

        query = """SELECT object_id, root, path, member, content_hash, size_bytes, rows_read, status, reason, excused, engine_digest,
            o.run_id FROM objects o SEMI JOIN wanted w ON o.store = w.store WHERE status <> 'excluded' ORDER BY object_id"""
        return [row for batch in found.batches(query, wanted=pa.table({"store": [store.name]})) for row in batch.to_pylist()]


def _values(found: Findings | None, object_ids: Collection[str]) -> Iterator[pa.Table]:
    import pyarrow as pa

    if found is not None:
        query = 'SELECT v.* FROM "values" v SEMI JOIN wanted w ON v.object_id = w.object_id'
        wanted = pa.table({"object_id": pa.array(list(object_ids), pa.string())})
        yield from (pa.Table.from_batches([batch]) for batch in found.batches(query, wanted=wanted))


def _source(row: Mapping[str, Any]) -> Any:
    from scanner.copies.index import SourceObject

    path = f"{row['root'].rstrip('/')}/{row['path']}" + ("" if row["member"] is None else f"!{row['member']}")
    version = stable_id(row["content_hash"] or row["run_id"], row["engine_digest"])
    return SourceObject(row["object_id"], path, version, row["content_hash"], row["size_bytes"], row["rows_read"] or 0)


def _unread(row: Mapping[str, Any]) -> bool:
    return is_unread(Status(row["status"]), None if row["reason"] is None else Reason(row["reason"]))


# --------------------------------------------------------------------------- states


def listed(policy: Policy, settings: Settings) -> Refreshed:
    """The stores and their indexes as they are, without a look at the stores themselves."""
    key = load_key(settings.key_file)
    folder = index_folder(policy, key.key_id)
    told = _Refresh(policy, policy.file or Path(), folder, key, settings)._told()
    states = told.get("states", {})
    stores = []
    for store in policy.stores:
        state = _untraced(store)
        if policy.copies.of(store.name).trace:
            known = states.get(store.name)
            state = StoreState(**known) if known else _failed(store, "it has no index yet")
        try:
            stores.append(_indexed(store, state, folder, key.key_id, tuple(told.get("unknown_columns", {}).get(store.name, ()))))
        except _Unusable as fault:
            stores.append(StoreIndexed(_failed(store, str(fault)), store.purpose, _paths(store)))
    return Refreshed(folder, tuple(stores))


class _Unusable(Exception):
    """An index that should be there cannot be searched."""


def _indexed(store: Store, state: StoreState, folder: Path, key_id: str, unknown: tuple[str, ...]) -> StoreIndexed:
    from scanner.copies.index import IndexUnusable, open_store_index

    if not state.traced:
        return StoreIndexed(state, store.purpose, _paths(store), unknown_columns=unknown)
    try:
        index = open_store_index(folder, key_id, store.name)
    except IndexUnusable as fault:
        raise _Unusable(str(fault)) from None
    columns = sorted({column.label for segment in index.segments for column in segment.column_list})
    counts = {"sources": index.sources, "cells": index.cells, "bytes": index.bytes}
    return StoreIndexed(
        state, store.purpose, _paths(store), **counts, columns=tuple(columns), updated_at=index.updated_at, unknown_columns=unknown
    )


def _paths(store: Store) -> tuple[str, ...]:
    return tuple(glob.source for glob in store.paths)


def _traced_stores(policy: Policy) -> list[Store]:
    return [store for store in policy.stores if policy.copies.of(store.name).trace]


def _untraced(store: Store) -> StoreState:
    return StoreState(store.name, why="the policy does not want its copies traced", reason="policy", owner=store.owner)


def _failed(store: Store, why: str) -> StoreState:
    return StoreState(store.name, why=why, reason="failed", owner=store.owner)


# --------------------------------------------------------------------------- the folder


def _check_folder(folder: Path, key: Key, policy: Policy, out: Path | None) -> None:
    """Raises IndexFailed for a place that would mix the index with something else."""
    if key.path is not None:
        check_key_apart(key.path, folder)
    shown = path_text(os.fsencode(folder))
    if policy.place(os.path.realpath(folder) + "/").store is not None:
        raise IndexFailed(f"the index folder {shown} lies inside an approved store; choose another with copies: index:")
    if out is not None and _inside(folder, out):
        raise IndexFailed(f"the index folder {shown} and the findings store lie inside one another; choose another with copies: index:")
    with storing(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.stat().st_mode & 0o077:
            raise IndexFailed(f"the index folder {shown} can be read or changed by others: run chmod 700 on it")


def _inside(one: Path, other: Path) -> bool:
    a, b = Path(os.path.realpath(one)), Path(os.path.realpath(other))
    return a == b or a in b.parents or b in a.parents


def _private(*folders: Path) -> None:
    for folder in folders:
        with suppress(FileNotFoundError):
            folder.chmod(0o700)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One refresh at a time; the next waits. A dead process keeps no lock."""
    handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@contextmanager
def _nothing() -> Iterator[None]:
    yield None
