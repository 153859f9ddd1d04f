"""Hyperscan databases kept between runs. Compiling the shipped rules takes four seconds of one CPU; reading them back, a millisecond.

A database holds patterns of rules and their context words, and nothing of what is scanned. It lies in the user's cache folder
($XDG_CACHE_HOME/strayscan/screens, XDG Base Directory Specification), under a name that is a hash of everything it was made from, so a
stale one cannot be met. It is read by native code: a file or folder that anybody else can write to is passed over. Whatever goes wrong
with the cache, the database is compiled.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import stat
import tempfile
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

VARIABLE: Final = "XDG_CACHE_HOME"
_ENDING: Final = ".hs"
_MOST_FILES: Final = 32  # of about 1 MB
_MOST_BYTES: Final = 64 << 20
_SHARED: Final = stat.S_IWGRP | stat.S_IWOTH


def kept_or_made(expressions: Sequence[bytes], flags: Sequence[int], make: Callable[[], Any]) -> Any:
    """The database of these expressions, each with its flags and its place as number: from the cache, else what `make` gives."""
    folder = _folder()
    if folder is None:
        return make()
    name = _name(expressions, flags)
    with contextlib.suppress(OSError):
        if (database := _read(folder / name)) is not None:
            return database
    database = make()
    with contextlib.suppress(OSError):
        _write(folder, name, database)
    return database


def _folder() -> Path | None:
    given = os.environ.get(VARIABLE, "")
    try:
        base = Path(given) if Path(given).is_absolute() else Path.home() / ".cache"
    except RuntimeError:  # no home
        return None
    return base / "strayscan" / "screens"


def _name(expressions: Sequence[bytes], flags: Sequence[int]) -> str:
    made = hashlib.blake2b(digest_size=20)
    for part in (version("hyperscan").encode(), platform.machine().encode()):
        made.update(b"%d:%s" % (len(part), part))
    for expression, flag in zip(expressions, flags, strict=True):
        made.update(b"%d:%d:%s" % (flag, len(expression), expression))
    return made.hexdigest() + _ENDING


def _is_ours(found: os.stat_result) -> bool:
    return found.st_uid == os.geteuid() and not found.st_mode & _SHARED


def _read(path: Path) -> Any:
    """None for a file that is not to be trusted, is damaged (Hyperscan's checksum) or was made for another processor."""
    import hyperscan

    if not _is_ours(os.lstat(path.parent)):
        return None
    with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK), "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode) or not _is_ours(found) or found.st_size > _MOST_BYTES:
            return None
        data = file.read()
        with contextlib.suppress(OSError):
            os.utime(file.fileno())  # the least used goes first
    try:
        database = hyperscan.loadb(data, hyperscan.HS_MODE_BLOCK)
        database.scratch = hyperscan.Scratch(database)
    except hyperscan.error:
        return None
    return database


def _write(folder: Path, name: str, database: Any) -> None:
    import hyperscan

    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not _is_ours(os.lstat(folder)):
        return
    handle, made = tempfile.mkstemp(dir=folder, suffix=".part")
    try:
        with open(handle, "wb") as file:
            file.write(hyperscan.dumpb(database))
        Path(made).rename(folder / name)
    except BaseException:
        Path(made).unlink()
        raise
    _tidy(folder)


def _tidy(folder: Path) -> None:
    mine = [path for path in folder.iterdir() if path.name.endswith((_ENDING, ".part"))]
    for path in sorted(mine, key=lambda path: -path.stat().st_mtime)[_MOST_FILES:]:
        path.unlink()
