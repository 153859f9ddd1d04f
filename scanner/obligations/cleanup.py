"""Cleaning up: stray files are moved into an approved place or deleted, from an explicit list, and never another file than the one scanned.

A move makes a verified copy first, never over anything; a file that changed since its scan is not touched. What is about to be done stands
in an order on disk before the first change, and an order whose process died is carried out by the next clean-up (`finish`). What was done
stands in a record for good: when, what kinds of data, of how many persons, who, how.
"""

from __future__ import annotations

import csv
import datetime
import fcntl
import io
import json
import os
import secrets
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from scanner.extract.charset import decode
from scanner.findings.errors import StoreError, storing
from scanner.findings.publish import atomic_bytes
from scanner.model import path_text
from scanner.outbound.disk import ASIDE, Broken, Changed, Disk, Identity, NameTaken, Place, copy_over, hash_of, missing
from scanner.outbound.moves import GONE as NOT_THERE
from scanner.outbound.moves import REMOVED, is_there, is_what_was_scanned, leave_note, put_back, take_away
from scanner.outbound.notes import DELETED, MOVED
from scanner.person import person_here
from scanner.policy import Policy, weighs_most
from scanner.run.resume import raw_path
from scanner.sources.exposure import Mounts
from scanner.sources.filesystem import open_beneath

if TYPE_CHECKING:
    import pyarrow as pa

    from scanner.findings.read import Findings

FOLDER, ORDERS, RECORDS, LOCK = "cleanup", "orders", "records", "lock"
MOVE, DELETE = "move", "delete"
COLUMNS: Final = ("action", "path", "to", "department", "severity", "persons", "kinds")
"""Of a list. The first three are read; the others are there for whoever fills it in."""

BEGUN, TAKEN_ASIDE = "begun", "taken_aside"
DONE, WOULD = "done", "would"
NOT_KNOWN, NOT_HASHED, SOURCE_CHANGED, GONE, LINKED, NOT_APPROVED, NOT_ALLOWED, TAKEN, REFUSED = (
    "not_known", "not_hashed", "changed", "gone", "linked", "not_approved", "kind_not_allowed", "name_taken", "refused",
)  # fmt: skip
"""Why a line of the list is not carried out; nothing was changed then."""

IN_PLACE, COPY_ON_WRITE, REMOTE, UNSURE = "in_place", "copy_on_write", "remote", "unsure"
"""What overwriting a file does to its bytes on a file system."""

_COPY_ON_WRITE: Final = frozenset(["btrfs", "zfs", "bcachefs", "f2fs", "nilfs2", "overlay"])
_OVERWRITES: Final = frozenset(["ext2", "ext3", "ext4", "xfs", "jfs", "tmpfs", "ramfs", "vfat", "exfat"])
_ROOT: Final = b"/"


class CleanupError(StoreError):
    """A list that cannot be used, or a clean-up that cannot begin. The message is one sentence for the user."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the list: what is to become of a file. `number` is where it stands."""

    number: int
    action: str
    path: Path
    to: Path | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a line. `what`: DONE, WOULD, or why nothing was done; `how`: of a deletion, see IN_PLACE."""

    line: Line
    what: str
    kinds: tuple[str, ...] = ()
    persons: int = 0
    how: str | None = None
    item: str | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """What is being done, as it stands on disk before the first change."""

    item: str
    action: str
    path: str  # absolute, as the `path` column escapes it
    to: str | None
    digest: str
    identity: tuple[int, int, int, int, int]
    kinds: tuple[str, ...]
    persons: int
    who: str
    reason: str
    at: str
    erase: bool
    how: str | None
    ask: str | None = None
    phase: str = BEGUN

    @property
    def seen(self) -> Identity:
        return Identity(*self.identity)

    @property
    def source(self) -> Place:
        return _place(self.path)


# --------------------------------------------------------------------------- the list


def read_list(file: Path) -> list[Line]:
    """The lines of a CSV list whose action is `move` or `delete`; lines without an action are left alone. Raises CleanupError."""
    try:
        text, _, _ = decode(file.read_bytes())
        rows = list(csv.reader(io.StringIO(text, newline="")))
    except (OSError, csv.Error) as fault:
        raise CleanupError(f"{file}: this list cannot be read") from fault
    header = [cell.strip().lower() for cell in rows[0]] if rows else []
    if not {"action", "path"} <= set(header):
        raise CleanupError(f"{file}: the first line names the columns, `action`, `path` and `to`")
    lines = []
    for number, row in enumerate(rows[1:], 2):
        cells = {name: cell.strip() for name, cell in zip(header, row, strict=False)}
        action = cells.get("action", "").lower()
        if not action:
            continue
        path, to = _undefused(cells.get("path", "")), _undefused(cells.get("to", ""))
        if action not in (MOVE, DELETE):
            raise CleanupError(f"{file}, line {number}: the action is `move` or `delete`, or nothing")
        if not path.startswith("/") or (to and not to.startswith("/")):
            raise CleanupError(f"{file}, line {number}: paths are absolute")
        if (action == MOVE) != bool(to):
            raise CleanupError(f"{file}, line {number}: a move says where to in `to`, and a deletion does not")
        lines.append(Line(number, action, _path(path), _path(to) if to else None))
    twice = {line.path for line in lines if sum(other.path == line.path for other in lines) > 1}
    if twice:
        raise CleanupError(f"{file}: {path_text(os.fsencode(min(twice)))} stands in it twice")
    return lines


def draft(out: Path, below: Sequence[Path] = ()) -> str:
    """A list of the stray files at `out` (of those below some paths) as CSV, worst first, with no action yet. Raises StoreError."""
    from scanner.findings.read import open_findings

    with open_findings(out) as found:
        rows = list(_rows(found, _STRAY))
    prefixes = tuple(path_text(os.fsencode(os.path.realpath(path))).rstrip("/") + "/" for path in below)
    sink = io.StringIO()
    writer = csv.writer(sink)
    writer.writerow(COLUMNS)
    for row in rows:
        if not prefixes or f"{row['place']}/".startswith(prefixes):
            told = [row["place"], "", row["department"], row["severity"], row["persons"], ", ".join(row["kinds"])]
            writer.writerow(["", *(_defused("" if cell is None else str(cell)) for cell in told)])
    return sink.getvalue()


_STRAY = """SELECT rtrim(o.root, '/') || '/' || o.path AS place, any_value(o.department) AS department,
    any_value(o.severity) FILTER (o.member IS NULL) AS severity, max(o.persons) AS persons,
    list_sort(list_distinct(flatten(list(f.kinds)))) AS kinds
    FROM objects o JOIN (SELECT object_id, list(DISTINCT entity_type) AS kinds FROM findings WHERE verdict = 'stray' GROUP BY object_id) f
    USING (object_id) GROUP BY ALL ORDER BY persons DESC, place"""
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\0")


def _defused(cell: str) -> str:
    return "'" + cell if cell.startswith(_FORMULA) else cell


def _undefused(cell: str) -> str:
    return cell[1:] if cell.startswith("'/") else cell


# --------------------------------------------------------------------------- carrying it out


class Cleanup:
    """Carries out lists over the findings at `out`. Use as a context manager: one at a time."""

    def __init__(self, out: Path, policy: Policy, *, disk: Disk | None = None) -> None:
        self.out = out
        self._policy = policy
        self._disk = disk or Disk()
        self._mounts = Mounts()
        self._home = out / FOLDER
        self._lock = -1

    def __enter__(self) -> Cleanup:
        """Raises CleanupError where another clean-up is at work, StoreError."""
        with storing(self.out):
            for name in (ORDERS, RECORDS):
                (self._home / name).mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = os.open(self._home / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            raise CleanupError("another clean-up of these findings is at work") from None
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._lock)

    def carry_out(self, lines: Sequence[Line], reason: str, *, erase: bool = False, rehearse: bool = False) -> list[Outcome]:
        """What becomes of each line. `erase`: overwrite before removing (regulated and sensitive kinds always are). Raises StoreError."""
        from scanner.findings.read import open_findings

        if not " ".join(reason.split()) and not rehearse:
            raise CleanupError("a reason is needed")
        with open_findings(self.out) as found:
            known = _known(found, [line.path for line in lines])
        outcomes = []
        for line in lines:
            checked = self._checked(line, known.get(path_text(os.fsencode(line.path))), reason, erase)
            if isinstance(checked, Outcome):
                outcomes.append(checked)
            elif rehearse:
                outcomes.append(Outcome(line, WOULD, checked.kinds, checked.persons, checked.how))
            else:
                self._write_order(checked)
                outcomes.append(self._done(line, checked))
        return outcomes

    def finish(self) -> list[Outcome]:
        """Carry out the orders of a clean-up that died."""
        outcomes = []
        for file in sorted((self._home / ORDERS).glob("*.json")):
            order = _order_of(file)
            to = None if order.to is None else _path(order.to)
            outcomes.append(self._done(Line(0, order.action, _path(order.path), to), order))
        return outcomes

    # ------------------------------------------------------------------ is it the file that was scanned?

    def _checked(self, line: Line, known: _Known | None, reason: str, erase: bool) -> Order | Outcome:
        if known is None:
            return Outcome(line, NOT_KNOWN)
        refused = Outcome(line, "", known.kinds, known.persons)
        if known.digest is None:
            return replace(refused, what=NOT_HASHED)
        place = _place(path_text(os.fsencode(line.path)))
        try:
            handle = open_beneath(place.root, place.path)
        except OSError as error:
            return replace(refused, what=GONE if missing(error) else REFUSED, detail=error.strerror)
        try:
            found = os.fstat(handle)
            if not stat.S_ISREG(found.st_mode) or hash_of(handle) != known.digest:
                return replace(refused, what=SOURCE_CHANGED)
        except OSError as error:
            return replace(refused, what=REFUSED, detail=error.strerror)
        finally:
            os.close(handle)
        if found.st_nlink > 1:  # the bytes would stay under the other name
            return replace(refused, what=LINKED)
        store = self._policy.place(path_text(os.fsencode(line.to))) if line.to is not None else None
        if store is not None:
            if store.store is None:
                return replace(refused, what=NOT_APPROVED)
            if lacking := [kind for kind in known.kinds if not store.allows(kind)]:
                return replace(refused, what=NOT_ALLOWED, detail=", ".join(lacking))
            if os.path.lexists(line.to or ""):
                return replace(refused, what=TAKEN)
        erases = line.action == DELETE and (erase or any(map(weighs_most, known.kinds)))
        mount = self._mounts.of(found.st_dev, os.fsencode(line.path.parent)).fstype
        owner = self._policy.place(path_text(os.fsencode(line.path))).department
        ask = store.store.owner if store is not None and store.store is not None else None
        return Order(
            item=f"{datetime.datetime.now(datetime.UTC):%Y%m%d}-{secrets.token_hex(6)}",
            action=line.action,
            path=path_text(os.fsencode(line.path)),
            to=None if line.to is None else path_text(os.fsencode(line.to)),
            digest=known.digest,
            identity=(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns),
            kinds=known.kinds,
            persons=known.persons,
            who=str(person_here()),
            reason=" ".join(reason.split()),
            at=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            erase=erases,
            how=overwriting(mount) if erases else None,
            ask=ask or (owner.contact or owner.manager if owner is not None else None),
        )

    # ------------------------------------------------------------------ the steps

    def _done(self, line: Line, order: Order) -> Outcome:
        outcome = Outcome(line, DONE, order.kinds, order.persons, order.how, order.item)
        try:
            source = self._move(order) if order.action == MOVE else self._delete(order)
        except NameTaken:
            return self._given_up(order, replace(outcome, what=TAKEN))
        except Changed:
            return self._given_up(order, replace(outcome, what=SOURCE_CHANGED))
        except (Broken, OSError) as error:  # the order stays, and the next clean-up tries again
            return replace(outcome, what=REFUSED, detail=getattr(error, "strerror", None) or type(error).__name__)
        self._record(order, source)
        return outcome if source == REMOVED else replace(outcome, detail=source)

    def _move(self, order: Order) -> str:
        """Copy, verify, name; then the note, then the source goes. Raises NameTaken, Changed, Broken, OSError."""
        assert order.to is not None, "a move says where to"
        target = _place(order.to)
        with self._disk.folder(target, make=True) as folder, self._disk.folder(order.source) as here:
            aside = ASIDE + order.item.encode()
            name = aside if is_there(here, aside) else order.source.name
            if is_there(here, name):
                if not is_what_was_scanned(here, name, order.seen, order.digest):
                    raise Changed
                copy_over(self._disk, here, name, folder, target.name, order.digest, order.item)
                self._disk.sync(folder)
            elif not _holds(folder, target.name, order.digest):
                raise Changed
        leave_note(self._disk, order.source, MOVED, order.item, order.ask)
        return take_away(self._disk, order.source, order.seen, order.digest, order.item)

    def _delete(self, order: Order) -> str:
        """The file gets a name of our own, so that one that is put in its place is never the one removed; then it is overwritten, if it
        is to be, and goes. Raises Changed, OSError."""
        aside = ASIDE + order.item.encode()
        source = order.source
        with self._disk.folder(source) as folder:
            if order.phase == BEGUN:
                if not is_there(folder, aside):
                    if not is_there(folder, source.name):
                        return NOT_THERE  # somebody else was quicker
                    if not order.seen.same_content(os.stat(source.name, dir_fd=folder, follow_symlinks=False)):
                        raise Changed
                    self._disk.move_new(folder, source.name, folder, aside)
                if not is_what_was_scanned(folder, aside, order.seen, order.digest):
                    put_back(self._disk, folder, aside, source.name, order.item)
                    raise Changed
                self._write_order(replace(order, phase=TAKEN_ASIDE))
            if is_there(folder, aside):
                if order.erase:
                    self._erase(folder, aside)
                self._disk.remove(folder, aside)
                self._disk.sync(folder)
        leave_note(self._disk, source, DELETED, order.item, order.ask)
        return REMOVED

    def _erase(self, folder: int, name: bytes) -> None:
        flags = os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            handle = os.open(name, flags, dir_fd=folder)
        except PermissionError:  # its own mode may not let us write
            os.chmod(name, 0o600, dir_fd=folder)
            handle = os.open(name, flags, dir_fd=folder)
        try:
            self._disk.overwrite(handle, os.fstat(handle).st_size)
            self._disk.sync(handle)
        finally:
            os.close(handle)

    # ------------------------------------------------------------------ orders and records

    def _write_order(self, order: Order) -> None:
        self._disk.step("before order")
        with storing(self.out):
            atomic_bytes(self._home / ORDERS / f"{order.item}.json", _json(asdict(order)), 0o600)
        self._disk.step("after order")

    def _given_up(self, order: Order, outcome: Outcome) -> Outcome:
        with storing(self.out):
            (self._home / ORDERS / f"{order.item}.json").unlink(missing_ok=True)
        return outcome

    def _record(self, order: Order, source: str) -> None:
        """`source`: what became of it; `changed` if it was written to after its copy was made, and stands there anew."""
        told = {name: value for name, value in asdict(order).items() if name not in ("identity", "phase", "ask", "erase")}
        told |= {"done_at": datetime.datetime.now(datetime.UTC).isoformat(timespec="microseconds"), "source": source}
        self._disk.step("before record")
        with storing(self.out):
            atomic_bytes(self._home / RECORDS / f"{order.item}.json", _json(told), 0o600)
            self._disk.step("after record")
            (self._home / ORDERS / f"{order.item}.json").unlink(missing_ok=True)
        self._disk.step("after order's end")


def overwriting(fstype: str) -> str:
    """What overwriting does on a file system of this type: nothing is promised of flash memory, snapshots and backups."""
    if fstype in _OVERWRITES:
        return IN_PLACE
    if fstype in _COPY_ON_WRITE:
        return COPY_ON_WRITE
    return REMOTE if fstype.startswith(("nfs", "cifs", "smb", "fuse", "9p", "ceph", "lustre")) else UNSURE


def records(out: Path) -> list[dict[str, Any]]:
    """What was moved and deleted, oldest first. Raises StoreError."""
    found, faults = records_and_faults(out)
    if faults:
        raise StoreError(f"{out / FOLDER / RECORDS}: a record cannot be read")
    return found


def records_and_faults(out: Path) -> tuple[list[dict[str, Any]], list[str]]:
    """The records that can be read, oldest first, and the names of those that cannot."""
    found, faults = [], []
    for file in sorted((out / FOLDER / RECORDS).glob("*.json")):
        try:
            told = json.loads(file.read_bytes())
            moment = datetime.datetime.fromisoformat(told["done_at"]).astimezone(datetime.UTC)
            found.append((moment, str(told["item"]), told))
        except (OSError, ValueError, KeyError, TypeError):
            faults.append(file.name)
    return [told for _, _, told in sorted(found, key=lambda one: one[:2])], faults


def open_orders(out: Path) -> int:
    """How many orders were begun and not finished: the next clean-up carries them out."""
    return sum(1 for _ in (out / FOLDER / ORDERS).glob("*.json"))


def _order_of(file: Path) -> Order:
    try:
        told = json.loads(file.read_bytes())
        return Order(**told | {"identity": tuple(told["identity"]), "kinds": tuple(told["kinds"])})
    except (OSError, ValueError, KeyError, TypeError) as fault:
        raise CleanupError(f"{file}: this order cannot be read; see what lies at its path before you remove it") from fault


def _holds(folder: int, name: bytes, digest: str) -> bool:
    try:
        handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    except OSError:
        return False
    try:
        return stat.S_ISREG(os.fstat(handle).st_mode) and hash_of(handle) == digest
    finally:
        os.close(handle)


def _json(told: Mapping[str, Any]) -> bytes:
    return json.dumps(told, ensure_ascii=False, indent=1).encode("utf-8", "backslashreplace") + b"\n"


def _path(text: str) -> Path:
    return Path(os.fsdecode(raw_path(text)))


def _place(text: str) -> Place:
    """Of an absolute path: no step of it is followed as a link."""
    return Place(_ROOT, raw_path(text).lstrip(b"/"))


# --------------------------------------------------------------------------- what the findings know


@dataclass(frozen=True, slots=True)
class _Known:
    digest: str | None
    kinds: tuple[str, ...]
    persons: int


_FILES = """SELECT rtrim(o.root, '/') || '/' || o.path AS place, max(o.content_hash) FILTER (o.member IS NULL) AS digest,
    sum(o.persons)::BIGINT AS persons, list(f.kinds) AS kinds FROM objects o JOIN wanted w ON rtrim(o.root, '/') || '/' || o.path = w.place
    LEFT JOIN (SELECT object_id, list(DISTINCT entity_type) AS kinds FROM findings GROUP BY object_id) f USING (object_id) GROUP BY ALL"""


def _known(found: Findings, paths: Sequence[Path]) -> dict[str, _Known]:
    import pyarrow as pa

    places = pa.table({"place": pa.array([path_text(os.fsencode(path)) for path in paths], pa.string())})
    known = {}
    for row in _rows(found, _FILES, wanted=places):
        kinds = {kind for some in row["kinds"] if some for kind in some}
        known[row["place"]] = _Known(row["digest"], tuple(sorted(kinds)), row["persons"] or 0)
    return known


def _rows(found: Findings, query: str, **tables: pa.Table) -> Iterator[dict[str, Any]]:
    for batch in found.batches(query, **tables):
        yield from batch.to_pylist()
