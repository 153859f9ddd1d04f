"""An append-only log in the store, one JSON line an entry, each with the hash of the one before: a changed or missing entry shows.

Whoever may write to the store could write the whole chain anew; the number and hash of its last entry, kept elsewhere, tell.

A log that grew old is cut at its head: one entry, `sealed`, stands for those that went, with the number and hash of the last of them, which
the next entry follows. All later numbers and hashes stay what they were.
"""

from __future__ import annotations

import datetime
import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from scanner.findings.errors import storing
from scanner.findings.publish import atomic_bytes

FOLDER: Final = "audit"


def append(out: Path, name: str, entry: Mapping[str, Any]) -> int:
    """Write one entry and wait until it is on the disk; its number. Raises `StoreError`. `entry` holds no value of the share."""
    with storing(out):
        (out / FOLDER).mkdir(mode=0o700, exist_ok=True)
        with _alone(_path(out, name)) as file:
            lines = file.read().splitlines()
            seq, before = _next(lines)
            told = {"seq": seq, "at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"), **entry, "prev": before}
            file.write(_line(told))
            file.flush()
            os.fsync(file.fileno())
            return seq


def cut(out: Path, name: str, last: int, who: str) -> None:
    """Let one entry stand for all up to the one with this number. Raises `StoreError`."""
    path = _path(out, name)
    with storing(out), _alone(path) as file:
        lines = file.read().splitlines()
        numbers = [_seq(line) for line in lines]
        if last not in numbers or (_is_sealed(lines[0]) and numbers[0] == last):
            return
        at = numbers.index(last)
        told = json.loads(lines[at])
        sealed = {"seq": last, "at": told["at"], "what": "sealed", "entries": last, "head": told["hash"], "who": who, "prev": ""}
        atomic_bytes(path, _line(sealed) + b"".join(line + b"\n" for line in lines[at + 1 :]), 0o600)


@dataclass(frozen=True, slots=True)
class Log:
    """A log as it lies there. `entries`: those that can be read, a seal among them; `head`: the hash of the last; `faults`: what is wrong
    with it, as sentences; `count`: how many were written, those that a seal stands for among them."""

    entries: tuple[Mapping[str, Any], ...] = ()
    count: int = 0
    head: str = ""
    faults: tuple[str, ...] = ()


def names(out: Path) -> list[str]:
    """The logs of a store."""
    return sorted(file.stem for file in (out / FOLDER).glob("*.jsonl"))


def read(out: Path, name: str) -> Log:
    """A log with its chain checked; an empty one if there is none. Raises `StoreError`."""
    path = _path(out, name)
    with storing(out):
        lines = path.read_bytes().splitlines() if path.exists() else []
    entries: list[Mapping[str, Any]] = []
    faults: list[str] = []
    before, number = "", 0
    for line in lines:
        number += 1
        try:
            told = json.loads(line)
            stated = told.pop("hash")
            whole = stated == _digest(told)
            sealed = number == 1 and is_seal(told)
            if sealed:
                number, follows = int(told["seq"]), str(told["head"])
        except (ValueError, KeyError, AttributeError, TypeError):
            faults.append(f"entry {number} cannot be read")
            before = ""
            continue
        if not whole:
            faults.append(f"entry {number} was changed")
        elif told.get("seq") != number or told.get("prev") != before:
            faults.append(f"entry {number} does not follow the one before it")
        entries.append(told)
        before = follows if sealed else stated
    return Log(tuple(entries), number, before, tuple(faults))


def check(out: Path, name: str) -> tuple[int, str, list[str]]:
    """(entries, hash of the last, what is wrong with the log as sentences). Raises `StoreError`."""
    log = read(out, name)
    return log.count, log.head, list(log.faults)


def last_before(out: Path, name: str, limit: datetime.datetime) -> tuple[int, int] | None:
    """Of a log that is whole: the number of the last entry of those at its head that are older than that, and how many they are. None if
    there are none."""
    with storing(out):
        lines = _path(out, name).read_bytes().splitlines()
    last, count = 0, 0
    for line in lines:
        told = json.loads(line)
        if datetime.datetime.fromisoformat(told["at"]) >= limit:
            break
        if not is_seal(told):
            last, count = int(told["seq"]), count + 1
    return (last, count) if count else None


def _path(out: Path, name: str) -> Path:
    return out / FOLDER / f"{name}.jsonl"


@contextmanager
def _alone(path: Path) -> Iterator[BinaryIO]:
    """The log, locked. One that was cut while it was waited for is another file by then."""
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            try:
                same = os.path.samestat(os.fstat(handle), path.stat())
            except FileNotFoundError:
                same = False
            if same:
                yield file
                return


def _next(lines: list[bytes]) -> tuple[int, str]:
    """Number and `prev` of the entry to come."""
    if not lines:
        return 1, ""
    first = _seq(lines[0]) if _is_sealed(lines[0]) else 1
    told = _told(lines[-1])
    before = told.get("head") if len(lines) == 1 and _is_sealed(lines[0]) else told.get("hash")
    return first + len(lines), str(before) if before else "damaged"


def is_seal(entry: Mapping[str, Any]) -> bool:
    """Does it stand for entries that were cut off?"""
    return entry.get("what") == "sealed" and entry.get("prev") == ""


def _is_sealed(line: bytes) -> bool:
    return is_seal(_told(line))


def _seq(line: bytes) -> int:
    seq = _told(line).get("seq")
    return seq if isinstance(seq, int) else 0


def _told(line: bytes) -> Mapping[str, Any]:
    try:
        told = json.loads(line)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _line(told: Mapping[str, Any]) -> bytes:
    return json.dumps({**told, "hash": _digest(told)}, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"


def _digest(told: Mapping[str, Any]) -> str:
    return hashlib.blake2b(json.dumps(told, sort_keys=True, ensure_ascii=True).encode(), digest_size=16).hexdigest()
