"""Can others get at what lies here? The store, its cases and the hold folder hold facts about people, and are for one account."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scanner.findings import runs

_GROUP, _OTHERS = 0o070, 0o007


@dataclass(frozen=True, slots=True)
class Exposed:
    """A folder that others can get at. `mode`: its permissions, where those let them; `uid`: whose it is, where it is another account's."""

    path: Path
    mode: int | None = None
    uid: int | None = None

    def __str__(self) -> str:
        if self.mode is None:
            return f"{self.path} holds facts about people and belongs to another account (uid {self.uid}): check who that is"
        return f"{self.path} holds facts about people and is open to others (mode {self.mode:04o}): run chmod 700 on it"


def exposed(path: Path) -> Exposed | None:
    """None too where nothing is there, or nobody else can come that far because a folder above is closed."""
    try:
        real = path.resolve(strict=True)
        found = real.stat()
        above = [folder.stat().st_mode for folder in real.parents]
    except OSError:
        return None
    if found.st_uid not in (os.geteuid(), 0):
        return Exposed(path, uid=found.st_uid)
    mode = stat.S_IMODE(found.st_mode)
    to_others = mode & _OTHERS and all(folder & 0o001 for folder in above)
    to_group = mode & _GROUP and all(folder & 0o011 for folder in above)
    return Exposed(path, mode=mode) if to_others or to_group else None


def exposed_in(folder: Path) -> Iterator[Exposed]:
    """Of a findings store the folder itself, and its cases if the store is open; of a hold folder likewise; nothing of any other."""
    if not any((folder / name).is_dir() for name in (runs.FOLDER, ".gate")):
        return
    outer = exposed(folder)
    if outer is not None:
        yield outer
        if (cases := exposed(folder / "cases")) is not None:
            yield cases
