"""The files of a binder: written as a whole folder or not at all, told of in a manifest with the hash of each, and checked by it later.

FOLDER/binder.html           what people read and print
FOLDER/<section>.parquet     the rows behind each section
FOLDER/manifest.json         every piece with its BLAKE3, size and rows; the period, the key, the runs used
"""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from scanner import __version__
from scanner.findings.errors import storing
from scanner.findings.publish import sync_folder, temporary_name
from scanner.obligations.binder.model import Binder, BinderError, Section

VERSION: Final = 1
MANIFEST, PAGE = "manifest.json", "binder.html"
WHOLE, DIFFERS, MISSING, EXTRA = "whole", "differs", "missing", "extra"
"""What can be said of a piece."""

_FOLDER_MODE, _FILE_MODE = 0o700, 0o600  # pieces name files and people


@dataclass(frozen=True, slots=True)
class Piece:
    """A file of the binder. `rows`: None for what is no table."""

    path: str
    size_bytes: int
    blake3: str
    rows: int | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check of a binder says. `manifest`: BLAKE3 of the manifest, to be compared with what was noted when it was made, None if it
    cannot be read; `complete`: what the manifest says of the binder; `pieces`: path -> see WHOLE."""

    folder: str
    manifest: str | None
    complete: bool | None
    pieces: Mapping[str, str]

    @property
    def exit_status(self) -> int:
        return 0 if self.manifest is not None and set(self.pieces.values()) <= {WHOLE} else 3

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "exit_status": self.exit_status}


# --------------------------------------------------------------------------- writing


def parquet(section: Section) -> bytes:
    import pyarrow as pa
    from pyarrow import parquet as files

    sink = pa.BufferOutputStream()
    files.write_table(section.rows, sink, compression="zstd")
    return bytes(sink.getvalue().to_pybytes())


def piece(path: str, data: bytes, rows: int | None = None) -> Piece:
    return Piece(path, len(data), _hash(data), rows)


def manifest(binder: Binder, pieces: list[Piece], lang: str) -> bytes:
    told = {
        "version": VERSION,
        "program": f"strayscan {__version__}",
        "made_at": binder.made_at.isoformat(timespec="seconds"),
        "made_by": binder.made_by,
        "language": lang,
        "out": binder.out,
        "hold": binder.hold,
        "period": binder.period.to_json(),
        "policy": binder.policy,
        "key_ids": list(binder.key_ids),
        "complete": not binder.gaps,
        "gaps": [gap.to_json() for gap in binder.gaps],
        "sections": {section.name: {"state": section.state, "rows": len(section.rows)} for section in binder.sections},
        "runs": [{"run_id": run, "manifest_blake3": digest} for run, digest in binder.runs.items()],
        "pieces": [asdict(one) for one in pieces],
    }
    return json.dumps(told, ensure_ascii=False, indent=1).encode("utf-8", "backslashreplace") + b"\n"


def check_free(folder: Path) -> None:
    """Raises BinderError if the folder exists already: a binder is never changed."""
    if os.path.lexists(folder):
        raise BinderError(f"{folder} exists already: a binder is never changed, so name a folder that is not there")


def publish(folder: Path, files: Mapping[str, bytes]) -> None:
    """The files as a folder that appears whole, by one rename. Raises StoreError; nothing is left then."""
    temporary = temporary_name(folder)
    with storing(folder.parent):
        folder.parent.mkdir(parents=True, exist_ok=True)
        try:
            temporary.mkdir(mode=_FOLDER_MODE)
            for name, data in files.items():
                _write(temporary / name, data)
            sync_folder(temporary)
            check_free(folder)
            temporary.rename(folder)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        sync_folder(folder.parent)


def _write(path: Path, data: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _FILE_MODE)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


# --------------------------------------------------------------------------- checking


def check(folder: Path) -> Checked:
    """Every file of the folder against the manifest. Raises BinderError where there is no folder."""
    if not folder.is_dir():
        raise BinderError(f"{folder} is no folder: name that of a binder")
    there = {entry.name for entry in os.scandir(folder)}
    told, digest, complete = _read(folder / MANIFEST)
    pieces = {name: WHOLE if _is(folder / name, one) else DIFFERS if name in there else MISSING for name, one in told.items()}
    extra = dict.fromkeys(sorted(there - told.keys() - {MANIFEST}), EXTRA)
    return Checked(str(folder), digest, complete, pieces | (extra if digest is not None else {}))


def _read(path: Path) -> tuple[dict[str, Piece], str | None, bool | None]:
    data = _content(path)
    try:
        told = json.loads(data or b"")
        pieces = {str(one["path"]): Piece(str(one["path"]), int(one["size_bytes"]), str(one["blake3"])) for one in told["pieces"]}
        if any(name in (".", "..", MANIFEST) or "/" in name or "\0" in name for name in pieces) or told["version"] > VERSION:
            raise ValueError
        return pieces, _hash(data or b""), bool(told["complete"])
    except (ValueError, KeyError, TypeError):
        return {}, None, None


def _is(path: Path, one: Piece) -> bool:
    data = _content(path)
    return data is not None and len(data) == one.size_bytes and _hash(data) == one.blake3


def _content(path: Path) -> bytes | None:
    """Of a regular file; what is put in its place, a link or a pipe among it, is none."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as file:
            return file.read() if stat.S_ISREG(os.fstat(file.fileno()).st_mode) else None
    except OSError:
        return None


def _hash(data: bytes) -> str:
    from blake3 import blake3

    return blake3(data).hexdigest()
