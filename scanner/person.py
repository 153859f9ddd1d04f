"""Who is at the keyboard: the author of what a person orders or decides."""

from __future__ import annotations

import os
import pwd
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_NO_LOGIN: Final = 2**32 - 1


@dataclass(frozen=True, slots=True)
class Person:
    """The account logged in, also behind sudo."""

    uid: int
    name: str

    @property
    def marks(self) -> frozenset[str]:
        """As a file's sender is named."""
        return frozenset({f"uid:{self.uid}", f"name:{self.name}"})

    def __str__(self) -> str:
        return f"{self.name} ({self.uid})"


def person_here() -> Person:
    """The login's audit number, which sudo and su leave as it is (proc_pid_loginuid(5)); else whom sudo names; else the account."""
    with suppress(OSError, ValueError):
        login = int(Path("/proc/self/loginuid").read_text())
        if login != _NO_LOGIN:
            return _person(login)
    with suppress(ValueError):
        return _person(int(os.environ.get("SUDO_UID", "")))
    return _person(os.getuid())


def _person(uid: int) -> Person:
    try:
        return Person(uid, pwd.getpwuid(uid).pw_name)
    except KeyError:
        return Person(uid, str(uid))
