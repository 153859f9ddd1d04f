"""Which files are being read at this moment, in a file that outlives the process: a file that ends the machine is known by it.

Lines of JSON are appended: ``["+", root, path, attempts]`` when a file is begun, ``["-", root, path]`` when it is done. After a kill
all of them are there; after a loss of power those of the last second may be missing.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path

from scanner.findings.publish import atomic_bytes
from scanner.model import Location

NAME = "in_hand"
MOST_DEATHS = 2
"""So often a file may be in hand when the run dies; then it is recorded as one that cannot be read."""

_SYNC_SECONDS = 1.0
_LEAST_SECONDS = 5.0  # between two checkpoints, however many objects there were

Where = tuple[str, str]
"""Root and path of a file, as the tables have them."""


class Journal:
    """Written by one run; begun anew at each checkpoint."""

    def __init__(self, folder: Path, before: Mapping[Where, int]) -> None:
        """`before`: files that were in hand when the run died, and how often by now."""
        self._path = folder / NAME
        self._before = dict(before)
        self._in_hand: dict[Where, int] = {}
        self._handle = -1
        self._synced = time.monotonic()
        self.renew()

    def attempts(self, location: Location) -> int:
        """How often the file was in hand when the run died."""
        return self._before.get((location.root, location.path), 0)

    def begin(self, location: Location) -> None:
        where = (location.root, location.path)
        self._in_hand[where] = self._before.get(where, 0) + 1
        self._append(["+", *where, self._in_hand[where]])

    def end(self, location: Location) -> None:
        where = (location.root, location.path)
        self._before.pop(where, None)
        if self._in_hand.pop(where, None) is not None:
            self._append(["-", *where])

    def renew(self) -> None:
        """Write the file anew, as short as it can be. Raises OSError."""
        lines = [["+", *where, count] for where, count in {**self._before, **self._in_hand}.items()]
        atomic_bytes(self._path, b"".join(json.dumps(line).encode() + b"\n" for line in lines))
        self.close()
        self._handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)

    def close(self) -> None:
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def _append(self, line: list[object]) -> None:
        os.write(self._handle, json.dumps(line).encode() + b"\n")
        if time.monotonic() - self._synced > _SYNC_SECONDS:
            self._synced = time.monotonic()
            os.fdatasync(self._handle)


class Checkpoints:
    """When the next one is due: after so many seconds, or so many objects."""

    def __init__(self, seconds: float, objects: int) -> None:
        self._seconds = seconds
        self._objects = objects
        self._written = 0
        self._at = time.monotonic()

    def due(self, written: int) -> bool:
        """`written`: rows of the run so far."""
        new, passed = written - self._written, time.monotonic() - self._at
        return new > 0 and (passed >= self._seconds or (new >= self._objects and passed >= min(_LEAST_SECONDS, self._seconds)))

    def made(self, written: int) -> None:
        self._written = written
        self._at = time.monotonic()


def left_in_hand(folder: Path) -> dict[Where, int]:
    """What a dead run had in hand, and how often; a torn last line is passed over."""
    found: dict[Where, int] = {}
    try:
        lines = (folder / NAME).read_bytes().splitlines()
    except OSError:
        return found
    for line in lines:
        try:
            sign, root, path, *count = json.loads(line)
            if sign == "+":
                found[str(root), str(path)] = int(count[0])
            else:
                found.pop((str(root), str(path)), None)
        except (ValueError, TypeError, IndexError):
            continue
    return found
