"""What earlier runs learnt of each file, in one SQLite file (WAL) beside the tables, so that a run need not look at it again.

    DIR/.state.sqlite      made again from the tables whenever it is missing, damaged, or of another version

Nothing in it is believed beyond the store: a file whose rows lie in a run that the store does not hold whole is not known. It also
keeps the checkpoints of the run in progress, so that one that dies can be taken up again (`scanner.run.resume`).
"""

from __future__ import annotations

import json
import os
import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scanner.findings import runs
from scanner.findings.errors import StateFailed

NAME = ".state.sqlite"
VERSION = 3
_APPLICATION = 0x53545259
_TABLES = """
CREATE TABLE roots (id INTEGER PRIMARY KEY, root TEXT NOT NULL UNIQUE);
CREATE TABLE runs (id INTEGER PRIMARY KEY, run_id TEXT NOT NULL UNIQUE);
CREATE TABLE digests (
    id INTEGER PRIMARY KEY, reading TEXT NOT NULL, judging TEXT NOT NULL, readers TEXT NOT NULL, UNIQUE (reading, judging, readers));
CREATE TABLE files (
    id INTEGER PRIMARY KEY, root INTEGER NOT NULL, path TEXT NOT NULL,
    file_id TEXT, size INTEGER, modified INTEGER, changed INTEGER, fresh INTEGER NOT NULL, owner TEXT, exposure TEXT,
    digest INTEGER NOT NULL, run INTEGER NOT NULL, read_run INTEGER NOT NULL, kind INTEGER NOT NULL, valid_until REAL,
    hash TEXT, stores TEXT, kept TEXT, found TEXT, has_facts INTEGER NOT NULL, crc INTEGER NOT NULL);
CREATE UNIQUE INDEX files_by_path ON files (root, path);
CREATE INDEX files_by_size ON files (size) WHERE has_facts AND found IS NULL;
CREATE TABLE facts (id INTEGER PRIMARY KEY, facts TEXT NOT NULL, crc INTEGER NOT NULL);
CREATE TABLE pending (run_id TEXT PRIMARY KEY, told TEXT NOT NULL);
"""

FINE, EXCUSED, AGAIN = range(3)
"""`kind`: read to its end (or without text), unread with the policy's consent, to be tried again in any case."""

_COLUMNS = (
    *(
        "file_id",
        "size",
        "modified",
        "changed",
        "fresh",
        "owner",
        "exposure",
        "digest",
        "run",
        "read_run",
        "kind",
        "valid_until",
        "hash",
        "stores",
    ),
    *("kept", "found", "has_facts"),
)
_LISTED = ", ".join(f"f.{name}" for name in (*_COLUMNS, "crc"))


@dataclass(frozen=True, slots=True)
class Known:
    """A file as the state has it. Times in microseconds since the epoch; `fresh`: it had changed just before it was read, so that
    they do not tell of a later change.

    `kept`: JSON of its `objects` rows (scanner.run.remembered), members before the file; `found`: JSON of what was found, None if
    nothing was; `valid_until`: seconds since the epoch at which the passing of time alone may change its verdict.
    """

    id: int
    file_id: str | None
    size: int | None
    modified: int | None
    changed: int | None
    fresh: int
    owner: str | None
    exposure: str | None
    digest: int
    run: int
    read_run: int
    kind: int
    valid_until: float | None
    hash: str | None
    stores: str | None
    kept: str | None
    found: str | None
    has_facts: int


@dataclass(frozen=True, slots=True)
class Decides:
    """Hashes of what decides how any file is read, of what decides how its facts are judged, and of the readers, by media type."""

    reading: str
    judging: str
    readers: Mapping[str, str]

    def of(self, media_types: Iterable[str]) -> str:
        """JSON of the readers of these types; "" stands for none: one may come."""
        return json.dumps({one: self.readers.get(one, "") for one in sorted(media_types)})

    def reads_as(self, told: str) -> bool:
        """Are the readers of `of` the same ones here?"""
        return all(self.readers.get(one, "") == digest for one, digest in json.loads(told).items())


@dataclass(frozen=True, slots=True)
class Record:
    """What is to be remembered of a file: the columns of `Known`, where it is, and its facts as JSON (None: judged only by reading)."""

    root: str
    path: str
    file_id: str | None
    size: int | None
    modified: int | None
    changed: int | None
    fresh: bool
    owner: str | None
    exposure: str | None
    kind: int
    valid_until: float | None
    hash: str | None
    stores: str | None
    kept: str | None
    found: str | None
    facts: str | None
    media_types: frozenset[str]  # of the file and of everything in it: their readers decided
    read_run: int | None = None  # None: this run read it


class State:
    """The open state file. Used from one thread."""

    def __init__(self, connection: sqlite3.Connection, fresh: bool, problem: str | None) -> None:
        self._connection = connection
        self.fresh = fresh
        """It was made just now, and is to be filled from the tables."""
        self.problem = problem
        """Why a former one was given up, as a sentence; None if all is well."""
        self._roots: dict[str, int] = dict(connection.execute("SELECT root, id FROM roots"))
        self._trusted: frozenset[int] = frozenset()
        self._met = bytearray()
        self._waiting: list[Record] = []
        self.damaged = 0
        """Rows met whose check sum is wrong: they count as not known."""

    @classmethod
    def open(cls, out: Path) -> State:
        """The state of the store in `out`, which must be there. Raises `StateFailed` if it can neither be used nor made."""
        path = out / NAME
        problem = None
        try:
            if path.exists():
                try:
                    return cls(_opened(path), False, None)
                except (sqlite3.Error, ValueError, UnicodeDecodeError):
                    problem = f"the state file {path} was damaged or of another version; it was made again from the findings"
                    _remove(path)
            return cls(_made(path), True, problem)
        except (sqlite3.Error, OSError) as error:
            raise StateFailed(f"cannot write {path} ({type(error).__name__}): is the disk full or read-only?") from None

    def close(self) -> None:
        with suppress(sqlite3.Error):
            self._connection.close()

    # ------------------------------------------------------------------ what may be believed

    def trust(self, run_ids: Iterable[str]) -> None:
        """Only rows of these runs are believed from now on."""
        wanted = set(run_ids)
        self._trusted = frozenset(i for i, run_id in self._connection.execute("SELECT id, run_id FROM runs") if run_id in wanted)

    def believes(self, known: Known) -> bool:
        return known.run in self._trusted and known.read_run in self._trusted

    @property
    def trusted(self) -> frozenset[int]:
        return self._trusted

    def digests(self) -> dict[int, tuple[str, str, str]]:
        """id -> (reading, judging, what `Decides.of` told of the readers)."""
        return {row[0]: row[1:] for row in self._connection.execute("SELECT id, reading, judging, readers FROM digests")}

    def run_number(self, run_id: str) -> int:
        """The id of a run, given now if it has none."""
        with self._connection:
            return self._number("runs", ("run_id",), (run_id,))

    def holds(self, roots: Iterable[str]) -> bool:
        """Is anything known below these roots?"""
        ids = [self._roots[root] for root in roots if root in self._roots]
        return any(self._connection.execute("SELECT 1 FROM files WHERE root = ? LIMIT 1", (i,)).fetchone() for i in ids)

    # ------------------------------------------------------------------ looking up

    def lookup(self, root: str, paths: Sequence[str]) -> dict[str, tuple[Any, ...]]:
        """path -> the columns of `Known` as a plain tuple, for those that are known; marks them as met."""
        number = self._roots.get(root)
        if number is None or not paths:
            return {}
        query = f"SELECT f.path, f.id, {_LISTED} FROM json_each(?) j CROSS JOIN files f ON f.root = ? AND f.path = j.value"
        found = {}
        for row in self._asked(query, (json.dumps(paths), number)):
            columns = row[2:-1]
            if _crc(columns) == row[-1]:
                found[row[0]] = row[1:-1]
            else:
                self.damaged += 1
        self._mark(found.values())
        return found

    def alike(self, size: int, most: int) -> list[tuple[str, Known]]:
        """Files of this size in which nothing was found, with their paths: `most` of them, those met last first."""
        query = f"SELECT f.path, f.id, {_LISTED} FROM files f WHERE size = ? AND has_facts AND found IS NULL ORDER BY id DESC LIMIT ?"
        rows = self._asked(query, (size, most))
        return [(row[0], Known(*row[1:-1])) for row in rows if _crc(row[2:-1]) == row[-1]]

    def _mark(self, rows: Iterable[tuple[Any, ...]]) -> None:
        met = self._met
        for row in rows:
            if row[0] >= len(met):
                met.extend(bytes(max(row[0] + 1 - len(met), 65_536)))
            met[row[0]] = 1

    def facts(self, number: int) -> str | None:
        """JSON of the facts of the file with this id."""
        for text, crc in self._asked("SELECT facts, crc FROM facts WHERE id = ?", (number,)):
            if _crc(text) == crc:
                return str(text)
            self.damaged += 1
        return None

    # ------------------------------------------------------------------ writing

    def remember(self, record: Record) -> None:
        """Take in what this run learnt of a file; it counts from the next `save` on."""
        self._waiting.append(record)

    @property
    def waiting(self) -> int:
        """Records that are not saved yet."""
        return len(self._waiting)

    def save(self, run_id: str, decides: Decides, told: Mapping[str, Any] | None) -> None:
        """Make what is remembered outlast a crash, at one moment, with the checkpoint of the run (None: it has none any more).

        Another run may write at the same time: it is waited for. Raises `StateFailed`.
        """
        try:
            with self._connection:
                self._connection.execute("BEGIN IMMEDIATE")
                self._write(run_id, decides)
                if told is None:
                    self._connection.execute("DELETE FROM pending WHERE run_id = ?", (run_id,))
                else:
                    self._connection.execute("INSERT OR REPLACE INTO pending VALUES (?, ?)", (run_id, json.dumps(told)))
        except sqlite3.Error as error:
            raise _broken(error) from None
        self._waiting.clear()

    def _write(self, run_id: str, decides: Decides) -> None:
        run = self._number("runs", ("run_id",), (run_id,))
        numbers: dict[frozenset[str], int] = {}
        names = ("root", "path", *_COLUMNS, "crc")
        update = ", ".join(f"{name} = excluded.{name}" for name in (*_COLUMNS, "crc"))
        marks = ", ".join("?" * len(names))
        upsert = f"INSERT INTO files ({', '.join(names)}) VALUES ({marks}) ON CONFLICT (root, path) DO UPDATE SET {update} RETURNING id"
        for one in self._waiting:
            read_run = run if one.read_run is None else one.read_run
            if one.media_types not in numbers:
                told = (decides.reading, decides.judging, decides.of(one.media_types))
                numbers[one.media_types] = self._number("digests", ("reading", "judging", "readers"), told)
            columns: tuple[Any, ...] = (
                one.file_id,
                one.size,
                one.modified,
                one.changed,
                int(one.fresh),
                one.owner,
                one.exposure,
                numbers[one.media_types],
                run,
                read_run,
                one.kind,
            )
            columns += (one.valid_until, one.hash, one.stores, one.kept, one.found, int(one.facts is not None))
            row = (self._root(one.root), one.path, *columns, _crc(columns))
            (number,) = self._connection.execute(upsert, row).fetchone()
            self._mark([(number,)])
            if one.facts is not None:
                self._connection.execute("INSERT OR REPLACE INTO facts VALUES (?, ?, ?)", (number, one.facts, _crc(one.facts)))

    def pending(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Runs that were not finished, with their checkpoints, newest first."""
        for run_id, told in self._connection.execute("SELECT run_id, told FROM pending ORDER BY run_id DESC").fetchall():
            with suppress(ValueError):
                yield run_id, json.loads(told)

    def drop_pending(self, run_id: str) -> None:
        with self._connection:
            self._connection.execute("DELETE FROM pending WHERE run_id = ?", (run_id,))

    def forget_unmet(self, roots: Iterable[str]) -> None:
        """After a complete run: what was not met below these roots is gone."""
        with self._connection:
            for root in roots:
                ids = [i for (i,) in self._asked("SELECT id FROM files WHERE root = ?", (self._roots.get(root, -1),))]
                gone = [(i,) for i in ids if i >= len(self._met) or not self._met[i]]
                self._connection.executemany("DELETE FROM facts WHERE id = ?", gone)
                self._connection.executemany("DELETE FROM files WHERE id = ?", gone)

    def _asked(self, query: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        try:
            return self._connection.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise _broken(error) from None

    def _root(self, root: str) -> int:
        if root not in self._roots:
            self._roots[root] = self._number("roots", ("root",), (root,))
        return self._roots[root]

    def _number(self, table: str, columns: Sequence[str], values: Sequence[str]) -> int:
        same = " AND ".join(f"{column} = ?" for column in columns)
        row = self._connection.execute(f"SELECT id FROM {table} WHERE {same}", tuple(values)).fetchone()
        if row is None:
            marks = ", ".join("?" * len(values))
            row = self._connection.execute(
                f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks}) RETURNING id", tuple(values)
            ).fetchone()
        return int(row[0])


def whole_runs(out: Path, key_id: str) -> frozenset[str]:
    """Runs of the store that happened under this key and whose files are all there, by name and size."""
    found = set()
    for run_id in runs.committed(out):
        with suppress(OSError, ValueError):
            manifest = runs.read(runs.manifest_path(out, run_id))
            if manifest.key_id == key_id and all((out / part.path).stat().st_size == part.size_bytes for part in manifest.parts):
                found.add(run_id)
    return frozenset(found)


def _crc(content: object) -> int:
    """SQLite has no check sums of its own: a flipped bit must not become a row of the findings."""
    return zlib.crc32(repr(content).encode("utf-8", "backslashreplace"))


def _broken(error: sqlite3.Error) -> StateFailed:
    return StateFailed(f"the state file {NAME} in the store fails ({type(error).__name__}): remove it, and it is made again")


def _opened(path: Path) -> sqlite3.Connection:
    """Raises sqlite3.Error or ValueError if it is not sound. The look at every page costs about a second a gigabyte."""
    connection = _connect(path)
    try:
        if connection.execute("PRAGMA application_id").fetchone() != (_APPLICATION,):
            raise ValueError("not a state file")
        if connection.execute("PRAGMA user_version").fetchone() != (VERSION,):
            raise ValueError("of another version")
        if connection.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
            raise ValueError("damaged")
    except BaseException:
        connection.close()
        raise
    return connection


def _made(path: Path) -> sqlite3.Connection:
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))  # it repeats locators and masks, like the tables
    connection = _connect(path)
    connection.executescript(_TABLES)
    connection.execute(f"PRAGMA application_id = {_APPLICATION}")
    connection.execute(f"PRAGMA user_version = {VERSION}")
    return connection


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=60.0, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA cache_size = -65536")
    connection.execute("PRAGMA mmap_size = 1073741824")
    return connection


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
