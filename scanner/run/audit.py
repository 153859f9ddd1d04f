"""An append-only log in the store, one JSON line an entry, each with the hash of the one before: a changed or missing entry shows.

Whoever may write to the store could write the whole chain anew; the number and hash of its last entry, kept elsewhere, tell.
"""

from __future__ import annotations

import datetime
import fcntl
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from scanner.findings.errors import storing

FOLDER: Final = "audit"


def append(out: Path, name: str, entry: Mapping[str, Any]) -> int:
    """Write one entry and wait until it is on the disk; its number. Raises `StoreError`. `entry` holds no value of the share."""
    with storing(out):
        folder = out / FOLDER
        folder.mkdir(mode=0o700, exist_ok=True)
        handle = os.open(folder / f"{name}.jsonl", os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            lines = file.read().splitlines()
            seq, before = len(lines) + 1, _hash_of(lines[-1]) if lines else ""
            told = {"seq": seq, "at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"), **entry, "prev": before}
            file.write(json.dumps({**told, "hash": _digest(told)}, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n")
            file.flush()
            os.fsync(file.fileno())
            return seq


@dataclass(frozen=True, slots=True)
class Log:
    """A log as it lies there. `entries`: those that can be read; `head`: the hash of the last; `faults`: what is wrong with it, as
    sentences; `lines`: how many there are."""

    entries: tuple[Mapping[str, Any], ...] = ()
    lines: int = 0
    head: str = ""
    faults: tuple[str, ...] = ()


def names(out: Path) -> list[str]:
    """The logs of a store."""
    return sorted(file.stem for file in (out / FOLDER).glob("*.jsonl"))


def read(out: Path, name: str) -> Log:
    """A log with its chain checked; an empty one if there is none. Raises `StoreError`."""
    path = out / FOLDER / f"{name}.jsonl"
    with storing(out):
        lines = path.read_bytes().splitlines() if path.exists() else []
    entries: list[Mapping[str, Any]] = []
    faults, before = [], ""
    for number, line in enumerate(lines, 1):
        try:
            told = json.loads(line)
            stated = told.pop("hash")
            whole = stated == _digest(told)
        except (ValueError, KeyError, AttributeError):
            faults.append(f"entry {number} cannot be read")
            before = ""
            continue
        if not whole:
            faults.append(f"entry {number} was changed")
        elif told.get("seq") != number or told.get("prev") != before:
            faults.append(f"entry {number} does not follow the one before it")
        entries.append(told)
        before = stated
    return Log(tuple(entries), len(lines), before, tuple(faults))


def check(out: Path, name: str) -> tuple[int, str, list[str]]:
    """(entries, hash of the last, what is wrong with the log as sentences). Raises `StoreError`."""
    log = read(out, name)
    return log.lines, log.head, list(log.faults)


def _hash_of(line: bytes) -> str:
    try:
        return str(json.loads(line)["hash"])
    except (ValueError, KeyError, TypeError):
        return "damaged"


def _digest(told: Mapping[str, Any]) -> str:
    return hashlib.blake2b(json.dumps(told, sort_keys=True, ensure_ascii=True).encode(), digest_size=16).hexdigest()
