"""A run's name and its manifest: the file that, written last, makes the run one that happened."""

from __future__ import annotations

import datetime
import json
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scanner.findings.errors import StoreError

FOLDER = "runs"
OUTCOMES = frozenset({"complete", "incomplete", "stopped", "failed"})
_RUN_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,79}")
_STAMP = "%Y%m%dT%H%M%S.%fZ"


@dataclass(frozen=True, slots=True)
class Part:
    """One Parquet file of a run: path below the store, rows, bytes, BLAKE3 of its bytes."""

    table: str
    path: str
    rows: int
    size_bytes: int
    blake3: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """``runs/<run_id>.json``. `told` is everything it says; the rest is what readers go by."""

    run_id: str
    schema: int
    key_id: str
    outcome: str
    reached: tuple[str, ...]
    parts: tuple[Part, ...]
    told: Mapping[str, Any]


def new_run_id(after: str | None = None) -> str:
    """``20261124T031500.123456Z-a1b2c3``: UTC start and six random hex digits, sorting by time.

    `after`: the newest run there is; should the clock have been set back, the new name still sorts behind it.
    """
    now = datetime.datetime.now(datetime.UTC)
    if after is not None and (newest := started(after)) is not None and newest >= now:
        now = newest + datetime.timedelta(microseconds=1)
    return f"{now.strftime(_STAMP)}-{secrets.token_hex(3)}"


def stamp(moment: datetime.datetime) -> str:
    """What sorts behind the name of every run that began earlier."""
    return moment.astimezone(datetime.UTC).strftime(_STAMP)


def started(run_id: str) -> datetime.datetime | None:
    """The time a run's name begins with; None if it was named otherwise."""
    try:
        return datetime.datetime.strptime(run_id.partition("-")[0], _STAMP).replace(tzinfo=datetime.UTC)
    except ValueError:
        return None


def check_run_id(run_id: str) -> None:
    if not _RUN_ID.fullmatch(run_id):
        raise StoreError("a run's name is letters, digits, points and hyphens, at most 80")


def manifest_path(out: Path, run_id: str) -> Path:
    return out / FOLDER / f"{run_id}.json"


def committed(out: Path) -> list[str]:
    """Names of the runs that happened, oldest first."""
    folder = out / FOLDER
    return sorted(p.stem for p in folder.glob("*.json") if not p.name.startswith(".")) if folder.is_dir() else []


def check(told: Mapping[str, Any]) -> None:
    """What a manifest must say for readers to make sense of it: an outcome, and the roots asked for, reached and not reached."""
    if told.get("outcome") not in OUTCOMES:
        raise StoreError(f"a run's outcome is one of {', '.join(sorted(OUTCOMES))}")
    roots = told.get("roots")
    if not isinstance(roots, Mapping) or not all(_texts(roots.get(k)) for k in ("asked", "reached", "not_reached")):
        raise StoreError("a run's roots are told as three lists: asked, reached, not_reached")


def _texts(value: object) -> bool:
    return isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value)


def to_json(told: Mapping[str, Any], run_id: str, schema: int, key_id: str, parts: Iterable[Part]) -> bytes:
    rows: dict[str, int] = {}
    listed = []
    for part in parts:
        rows[part.table] = rows.get(part.table, 0) + part.rows
        listed.append({"table": part.table, "path": part.path, "rows": part.rows, "size_bytes": part.size_bytes, "blake3": part.blake3})
    full = {**told, "run_id": run_id, "schema": schema, "key_id": key_id, "rows": rows, "parts": listed}
    return json.dumps(full, ensure_ascii=False, indent=1).encode("utf-8", "backslashreplace") + b"\n"


def read(path: Path) -> Manifest:
    """Raises ValueError (not a manifest) and OSError."""
    told = json.loads(path.read_bytes())
    try:
        check(told)
        parts = tuple(Part(p["table"], p["path"], int(p["rows"]), int(p["size_bytes"]), str(p["blake3"])) for p in told["parts"])
        return Manifest(
            str(told["run_id"]), int(told["schema"]), str(told["key_id"]), told["outcome"], tuple(told["roots"]["reached"]), parts, told
        )
    except (KeyError, TypeError, AttributeError, StoreError):
        raise ValueError("not a manifest of this program") from None
