"""Hard links: a file that has one name in several folders is read once and reported in each of them.

Under another name something else may be found (in the name itself, to begin with): that is for `contents` to decide.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from scanner.model import Entry, Finished
from scanner.run.contents import kept

KEPT = 20_000  # finished objects kept for names still to come; beyond it, further files are read at each of their names


@dataclass
class _Shared:
    """What is known of one inode under one of its names."""

    events: list[Finished] = field(default_factory=list)
    waiting: list[Any] = field(default_factory=list)
    done: bool = False


class HardLinks:
    """Remembers files with more than one name, and nothing of the others."""

    def __init__(self, room: int = KEPT) -> None:
        self._shared: dict[tuple[str, str], _Shared] = {}
        self._room = room

    def take(self, entry: Entry, file: Any) -> bool:
        """Is this a further place of a file already met? Then it needs no reading: it waits, or `outcome` has its facts."""
        if entry.links < 2 or entry.file_id is None:
            return False
        shared = self._of(entry)
        if shared is None:
            if self._room > 0:
                self._shared[entry.file_id, entry.location.name] = _Shared()
            return False
        if not shared.done:
            shared.waiting.append(file)
        return True

    def add(self, entry: Entry, event: Finished) -> None:
        """One of the first name's objects has finished. A values file keeps a second name until the run's end."""
        shared = self._of(entry)
        if shared is None or shared.done:
            return
        shared.events.append(kept(event))
        self._room -= 1

    def done(self, entry: Entry) -> Iterator[tuple[Any, list[Finished]]]:
        """The first name is done: the names that waited, each with the facts."""
        shared = self._of(entry)
        if shared is None or shared.done:
            return
        shared.done = True
        for file in shared.waiting:
            yield file, shared.events
        shared.waiting.clear()

    def outcome(self, entry: Entry) -> list[Finished] | None:
        """The facts for a further name met after the first was done."""
        shared = self._of(entry)
        return shared.events if shared is not None and shared.done else None

    def _of(self, entry: Entry) -> _Shared | None:
        return self._shared.get((entry.file_id, entry.location.name)) if entry.file_id is not None and entry.links > 1 else None
