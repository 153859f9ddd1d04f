"""What the gate knows, in one SQLite file: the queue, what is held, who agreed to what, and the log whose entries are chained by hash.

A step and its log entry are one transaction, so neither is ever there without the other. Every method that changes something is to be
called inside `transaction`. The service and the commands of approvers are processes of their own, and SQLite keeps them apart.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from scanner.outbound.disk import Disk, Identity

SCHEMA: Final = 1
FILE: Final = "state.sqlite"
DESK_LOCK: Final = "desk"
"""Locked while an order is carried out. The gate makes it, so that it is the service's own whoever decides."""
_BUSY_SECONDS: Final = 60.0

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS queue (
    item TEXT PRIMARY KEY, path BLOB NOT NULL UNIQUE, state TEXT NOT NULL,
    device INTEGER, inode INTEGER, size INTEGER, mtime_ns INTEGER, ctime_ns INTEGER,
    seen REAL NOT NULL, found_by TEXT NOT NULL, sent TEXT, digest TEXT, decision TEXT, fault TEXT, tries INTEGER NOT NULL DEFAULT 0,
    retry_at REAL NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS held (
    item TEXT PRIMARY KEY, path BLOB NOT NULL, state TEXT NOT NULL, since REAL NOT NULL, sent TEXT NOT NULL, digest TEXT NOT NULL,
    decision TEXT NOT NULL, order_ TEXT, fault TEXT);
CREATE TABLE IF NOT EXISTS approvals (
    item TEXT NOT NULL, who TEXT NOT NULL, at REAL NOT NULL, reason TEXT NOT NULL, expires REAL, PRIMARY KEY (item, who));
CREATE TABLE IF NOT EXISTS notes (path BLOB PRIMARY KEY, item TEXT NOT NULL, digest TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS published (item TEXT PRIMARY KEY, run_id TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS pending (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, item TEXT NOT NULL, decided INTEGER NOT NULL DEFAULT 0, rows TEXT, batch BLOB, file TEXT);
CREATE INDEX IF NOT EXISTS pending_items ON pending (item);
CREATE TABLE IF NOT EXISTS provisions (item TEXT PRIMARY KEY, told TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS deliveries (seq INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL, tries INTEGER NOT NULL DEFAULT 0,
    next_at REAL NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS log (
    seq INTEGER PRIMARY KEY, at TEXT NOT NULL, what TEXT NOT NULL, item TEXT, who TEXT, told TEXT NOT NULL, prev TEXT NOT NULL,
    hash TEXT NOT NULL);
"""

FOUND, STAGED, RELEASING, HOLDING = "found", "staged", "releasing", "holding"
STUCK, ALERTED, RETURNED = "stuck", "alerted", "returned"
STAYING: Final = (STUCK, ALERTED, RETURNED)
"""States of the queue. Files in the last three stay in the transfer folder, and are looked at again when they change."""

HELD, SENDING, RETURNING, DESTROYING = "held", "sending", "returning", "destroying"
"""States of a held file."""


class StateUnusable(Exception):
    """The gate's state cannot be opened or is another version's. The message is for the user."""


@dataclass(frozen=True, slots=True)
class Sent:
    """Who dropped a file and what it was like: what must survive its being held. Times in nanoseconds since the epoch."""

    uid: int
    gid: int
    mode: int
    mtime_ns: int
    atime_ns: int
    size: int
    owner: str | None
    sender: str | None  # whom the policy takes for the sender; None: unknown
    attributes: tuple[str, ...] = ()  # names of its extended attributes (rights beyond the mode too), which do not survive

    @classmethod
    def load(cls, text: str) -> Sent:
        told = json.loads(text)
        return cls(**{**told, "attributes": tuple(told.get("attributes", ()))})

    def dump(self) -> str:
        return json.dumps({name: getattr(self, name) for name in self.__slots__})


@dataclass(slots=True)
class Queued:
    """A file of the transfer folder that is on its way through the gate."""

    item: str
    path: bytes
    state: str
    identity: Identity
    seen: float
    found_by: str
    sent: Sent | None = None
    digest: str | None = None
    decision: Mapping[str, Any] | None = None
    fault: str | None = None
    tries: int = 0
    retry_at: float = 0.0


@dataclass(slots=True)
class Held:
    """A file that waits for an approver, or is on its way out of the hold folder. `order`: who ordered that, and why."""

    item: str
    path: bytes
    state: str
    since: float
    sent: Sent
    digest: str
    decision: Mapping[str, Any]
    order: Mapping[str, Any] | None = None
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class Approval:
    """Somebody's agreement to a release. `expires`: seconds since the epoch, None for never."""

    who: str
    at: float
    reason: str
    expires: float | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One step in the log. `hash` covers everything else, `prev` (the hash of the entry before) among it."""

    seq: int
    at: str
    what: str
    item: str | None
    who: str | None
    told: Mapping[str, Any] = field(default_factory=dict)
    prev: str = ""
    hash: str = ""

    def computed(self) -> str:
        """SHA-256 of the entry, in hexadecimal."""
        return hashlib.sha256(plain_json([self.seq, self.at, self.what, self.item, self.who, self.told, self.prev]).encode()).hexdigest()


def plain_json(value: Any) -> str:
    """The one way to write a value: sorted keys, no blanks, ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


class GateState:
    """The state in `folder`. For one thread."""

    def __init__(self, folder: Path, disk: Disk | None = None) -> None:
        """Raises StateUnusable."""
        self._disk = disk or Disk()
        try:
            self._db = sqlite3.connect(folder / FILE, timeout=_BUSY_SECONDS, isolation_level=None)
            self._db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA trusted_schema=OFF;")
            if self._version() is None:
                with self.transaction():
                    for statement in _TABLES.split(";\n"):
                        self._db.execute(statement)
                    self.set_meta("schema", str(SCHEMA))
            if self._version() != str(SCHEMA):
                raise StateUnusable("the hold folder was written by another version of this program")
        except sqlite3.Error as error:
            raise StateUnusable(f"the gate's state cannot be opened ({type(error).__name__}): {folder / FILE}") from None

    def _version(self) -> str | None:
        """Of the tables that are there; None if there are none. Nothing is written: one can look even where the disk is full."""
        there = self._db.execute("SELECT count(*) FROM sqlite_master WHERE name = 'meta'").fetchone()[0]
        return self.meta("schema") if there else None

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """What is done inside is there wholly or not at all, whatever ends the process. Raises sqlite3.Error."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._disk.step("before commit")
            self._db.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):  # a full disk may have ended it already
                self._db.execute("ROLLBACK")
            raise
        self._disk.step("after commit")

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """What is read inside is of one moment."""
        self._db.execute("BEGIN")
        try:
            yield
        finally:
            self._db.execute("ROLLBACK")

    # ------------------------------------------------------------------ settings

    def meta(self, key: str) -> str | None:
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def set_meta(self, key: str, value: str) -> None:
        self._db.execute("INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", (key, value))

    # ------------------------------------------------------------------ the queue

    def put(self, one: Queued) -> None:
        """Insert, or replace what is known of the item; another item of the same path has its place taken."""
        who = one.identity
        self._db.execute("DELETE FROM queue WHERE path = ? AND item <> ?", (one.path, one.item))
        self._db.execute(
            "INSERT OR REPLACE INTO queue VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(one.item, one.path, one.state, who.device, _signed(who.inode), who.size, who.mtime_ns, who.ctime_ns, one.seen),
                *(one.found_by, None if one.sent is None else one.sent.dump(), one.digest),
                *(None if one.decision is None else plain_json(one.decision), one.fault, one.tries, one.retry_at),
            ),
        )

    def drop(self, item: str) -> None:
        self._db.execute("DELETE FROM queue WHERE item = ?", (item,))

    def queue(self, *states: str) -> list[Queued]:
        """Those in these states (none named: all), in the order in which they were first seen."""
        where = f"WHERE state IN ({','.join('?' * len(states))})" if states else ""
        return [_queued(row) for row in self._db.execute(f"SELECT * FROM queue {where} ORDER BY seen, rowid", states)]

    def queued_at(self, path: bytes) -> Queued | None:
        row = self._db.execute("SELECT * FROM queue WHERE path = ?", (path,)).fetchone()
        return None if row is None else _queued(row)

    def queued_item(self, item: str) -> Queued | None:
        row = self._db.execute("SELECT * FROM queue WHERE item = ?", (item,)).fetchone()
        return None if row is None else _queued(row)

    # ------------------------------------------------------------------ what is held

    def put_held(self, one: Held) -> None:
        order = None if one.order is None else plain_json(one.order)
        self._db.execute(
            "INSERT OR REPLACE INTO held VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (one.item, one.path, one.state, one.since, one.sent.dump(), one.digest, plain_json(one.decision), order, one.fault),
        )

    def drop_held(self, item: str) -> None:
        self._db.execute("DELETE FROM held WHERE item = ?", (item,))
        self._db.execute("DELETE FROM approvals WHERE item = ?", (item,))

    def held(self, *states: str) -> list[Held]:
        where = f"WHERE state IN ({','.join('?' * len(states))})" if states else ""
        return [_held(row) for row in self._db.execute(f"SELECT * FROM held {where} ORDER BY since, item", states)]

    def held_count(self) -> int:
        return int(self._db.execute("SELECT count(*) FROM held").fetchone()[0])

    def held_item(self, item: str) -> Held | None:
        row = self._db.execute("SELECT * FROM held WHERE item = ?", (item,)).fetchone()
        return None if row is None else _held(row)

    def approve(self, item: str, approval: Approval) -> None:
        values = (item, approval.who, approval.at, approval.reason, approval.expires)
        self._db.execute("INSERT OR REPLACE INTO approvals VALUES (?, ?, ?, ?, ?)", values)

    def approved(self) -> list[tuple[str, str]]:
        """(item, who) of every agreement, those that have expired too."""
        return list(self._db.execute("SELECT item, who FROM approvals ORDER BY item, who"))

    def approvals(self, item: str, now: float) -> list[Approval]:
        """Those that hold at this moment, oldest first."""
        rows = self._db.execute("SELECT who, at, reason, expires FROM approvals WHERE item = ? ORDER BY at, who", (item,))
        return [one for one in (Approval(*row) for row in rows) if one.expires is None or one.expires > now]

    # ------------------------------------------------------------------ notes in the transfer folder

    def put_note(self, path: bytes, item: str, digest: str) -> None:
        """`digest`: BLAKE3 of the note's text, so that what somebody puts in its place is not taken for it."""
        self._db.execute("INSERT OR REPLACE INTO notes VALUES (?, ?, ?)", (path, item, digest))

    def drop_note(self, path: bytes) -> None:
        self._db.execute("DELETE FROM notes WHERE path = ?", (path,))

    def note_digest(self, path: bytes) -> str | None:
        row = self._db.execute("SELECT digest FROM notes WHERE path = ?", (path,)).fetchone()
        return None if row is None else str(row[0])

    def notes(self, item: str | None = None) -> list[bytes]:
        """Paths of the notes (of one item)."""
        rows = self._db.execute("SELECT path FROM notes WHERE ? IS NULL OR item = ? ORDER BY path", (item, item))
        return [bytes(row[0]) for row in rows]

    # ------------------------------------------------------------------ findings on their way to the store

    def add_pending(self, item: str, rows: Mapping[str, Any], batch: bytes | None, file: str | None) -> None:
        self._db.execute("INSERT INTO pending (item, rows, batch, file) VALUES (?, ?, ?, ?)", (item, plain_json(rows), batch, file))

    def pending_decided(self, item: str) -> None:
        self._db.execute("UPDATE pending SET decided = 1 WHERE item = ?", (item,))

    def forget_pending(self, item: str) -> None:
        """Rows of a scan that came to no decision."""
        self._db.execute("DELETE FROM pending WHERE item = ? AND NOT decided", (item,))

    def pending(self) -> Iterator[tuple[int, str, dict[str, Any], bytes | None, str | None]]:
        """(seq, item, rows, batch of values as Arrow IPC, file of values) of what was decided, oldest first."""
        for seq, item, rows, batch, file in self._db.execute("SELECT seq, item, rows, batch, file FROM pending WHERE decided ORDER BY seq"):
            yield seq, item, json.loads(rows), batch, file

    def pending_count(self) -> int:
        return int(self._db.execute("SELECT count(*) FROM pending WHERE decided").fetchone()[0])

    def pending_files(self) -> set[str]:
        return {row[0] for row in self._db.execute("SELECT file FROM pending WHERE file IS NOT NULL")}

    def put_published(self, items: Iterable[str], run_id: str) -> None:
        """In which run the findings of these stand."""
        self._db.executemany("INSERT OR REPLACE INTO published VALUES (?, ?)", ((item, run_id) for item in items))

    def published(self, item: str) -> str | None:
        row = self._db.execute("SELECT run_id FROM published WHERE item = ?", (item,)).fetchone()
        return None if row is None else str(row[0])

    def drop_pending(self, last: int) -> None:
        """Everything decided up to this `seq`."""
        self._db.execute("DELETE FROM pending WHERE decided AND seq <= ?", (last,))

    # ------------------------------------------------------------------ provisions to third parties

    def put_provision(self, item: str, told: Mapping[str, Any]) -> None:
        self._db.execute("INSERT OR REPLACE INTO provisions VALUES (?, ?)", (item, plain_json(told)))

    def provisions(self) -> list[dict[str, Any]]:
        return [json.loads(row[0]) for row in self._db.execute("SELECT told FROM provisions ORDER BY rowid")]

    # ------------------------------------------------------------------ what is still to be told

    def add_delivery(self, body: str) -> None:
        self._db.execute("INSERT INTO deliveries (body) VALUES (?)", (body,))

    def deliveries(self, now: float, most: int) -> list[tuple[int, str, int]]:
        """(seq, body, tries) of what is due, oldest first."""
        return list(self._db.execute("SELECT seq, body, tries FROM deliveries WHERE next_at <= ? ORDER BY seq LIMIT ?", (now, most)))

    def delivered(self, seq: int) -> None:
        self._db.execute("DELETE FROM deliveries WHERE seq = ?", (seq,))

    def deliver_later(self, seq: int, next_at: float) -> None:
        self._db.execute("UPDATE deliveries SET tries = tries + 1, next_at = ? WHERE seq = ?", (next_at, seq))

    def deliveries_waiting(self) -> int:
        return int(self._db.execute("SELECT count(*) FROM deliveries").fetchone()[0])

    # ------------------------------------------------------------------ the log

    def log(self, what: str, item: str | None = None, who: str | None = None, **told: Any) -> Entry:
        """Append an entry; it holds no values."""
        last = self._db.execute("SELECT seq, hash FROM log ORDER BY seq DESC LIMIT 1").fetchone() or (0, "")
        at = datetime.datetime.fromtimestamp(time.time(), datetime.UTC).isoformat(timespec="microseconds")
        entry = Entry(last[0] + 1, at, what, item, who, json.loads(plain_json(told)), last[1])
        values = (entry.seq, at, what, item, who, plain_json(told), entry.prev, entry.computed())
        self._db.execute("INSERT INTO log VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)
        return Entry(*values[:5], entry.told, entry.prev, values[7])

    def entries(self, after: int = 0) -> Iterator[Entry]:
        """In the order of their numbers. What cannot be read as JSON stands as it is, under "unreadable"."""
        for seq, at, what, item, who, told, prev, digest in self._db.execute("SELECT * FROM log WHERE seq > ? ORDER BY seq", (after,)):
            yield Entry(seq, at, what, item, who, _told(told), prev, digest)

    def head(self) -> tuple[int, str]:
        """Number and hash of the last entry: what to send out, since root can rewrite a chain but not what is elsewhere."""
        row = self._db.execute("SELECT seq, hash FROM log ORDER BY seq DESC LIMIT 1").fetchone()
        return (0, "") if row is None else (int(row[0]), str(row[1]))


def broken_chain(entries: Iterator[Entry] | Sequence[Entry], heads: Mapping[int, str]) -> list[str]:
    """What is wrong with a log, as sentences; nothing if it is whole. `heads`: number -> hash, known from elsewhere."""
    faults: list[str] = []
    number, before = 0, ""
    hashes: dict[int, str] = {}
    for entry in entries:
        if entry.seq != number + 1:
            faults.append(f"entries {number + 1} to {entry.seq - 1} are missing")
        elif entry.prev != before:
            faults.append(f"entry {entry.seq} does not follow the one before it")
        if entry.hash != entry.computed():
            faults.append(f"entry {entry.seq} was changed")
        number, before = entry.seq, entry.hash
        if entry.seq in heads:
            hashes[entry.seq] = entry.hash
    for seq, digest in sorted(heads.items()):
        if seq not in hashes:
            faults.append(f"the log ends before entry {seq}, which was told outside")
        elif hashes[seq] != digest:
            faults.append(f"entry {seq} is not the one that was told outside")
    return faults


def _told(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return {"unreadable": text}


def _signed(number: int) -> int:
    """SQLite's integers are signed, and some file systems number up to 2**64."""
    return number - 2**64 if number >= 2**63 else number


def _queued(row: Sequence[Any]) -> Queued:
    item, path, state, device, inode, size, mtime, ctime, seen, by, sent, digest, decision, fault, tries, retry_at = row
    identity = Identity(device, inode % 2**64, size, mtime, ctime)
    plain = None if decision is None else json.loads(decision)
    return Queued(
        item, bytes(path), state, identity, seen, by, None if sent is None else Sent.load(sent), digest, plain, fault, tries, retry_at
    )


def _held(row: Sequence[Any]) -> Held:
    item, path, state, since, sent, digest, decision, order, fault = row
    plain = None if order is None else json.loads(order)
    return Held(item, bytes(path), state, since, Sent.load(sent), digest, json.loads(decision), plain, fault)


def private_folder(path: Path) -> None:
    """Make a folder that only this account can enter. Raises OSError, StateUnusable if others can enter one that is there."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = path.stat()
    if found.st_uid != os.geteuid():
        raise StateUnusable(f"{path} belongs to another account: the hold folder must be the service's own")
    if found.st_mode & 0o077:
        path.chmod(0o700)
