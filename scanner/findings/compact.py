"""Merges the small files of earlier runs. At every moment a reader sees all rows, once.

1. New files appear under names that no manifest tells. 2. ``DIR/.compacted.json`` says which files stand for which: from this one rename
on, readers take the new ones. 3. Each manifest is rewritten, by rename. 4. The old files go. 5. The record goes. Whoever dies in between
leaves a store that reads the same; the next `compact` brings it to its end.
`purge` replaces files in the same way.
"""

from __future__ import annotations

import datetime
import fcntl
import json
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from scanner.findings import decisions, lock, merge, runs
from scanner.findings.errors import StoreError, storing
from scanner.findings.publish import SUFFIX, atomic_bytes, sync_folder
from scanner.findings.runs import Manifest, Part

RECORD = ".compacted.json"
PREFIX = "compact-"
_TABLES = ("objects", "findings", "copies", "values")


@dataclass(frozen=True, slots=True)
class Compacted:
    """What became of the store's files."""

    files_before: int
    files_after: int
    runs: int


def compact(out: Path, older_than: datetime.timedelta) -> Compacted:
    """Merge the small files of runs that began longer ago than that, and of decisions. Raises `StoreError`; the store reads the same in any
    case."""
    if not (out / runs.FOLDER).is_dir():
        raise StoreError(f"there are no findings in {out}")
    with storing(out), alone(out):
        finish(out)
        sweep(out)
        manifests = list(_manifests(out, datetime.datetime.now(datetime.UTC) - older_than))
        before = _count(out)
        replaced: dict[str, Part | None] = {}
        for group in _groups(out, manifests):
            new = _merged(out, group)
            replaced |= {part.path: new for part in group}
        publish(out, replaced)
        decisions.compact(out)
        touched = sum(any(part.path in replaced for part in manifest.parts) for manifest in manifests)
        return Compacted(before, _count(out), touched)


def publish(out: Path, replaced: Mapping[str, Part | None]) -> None:
    """Let the new files stand for the old ones (None: nothing does), and tidy up. What `finish` needs to know is on the disk first."""
    if replaced:
        told = {path: None if part is None else asdict(part) for path, part in replaced.items()}
        atomic_bytes(out / RECORD, json.dumps(told).encode())
        finish(out)


def replacements(out: Path) -> dict[str, Part | None]:
    """Path of a file -> the file that stands for it (None: its rows were purged), while files are being replaced. A record that cannot be
    read raises `StoreError`."""
    try:
        told = json.loads((out / RECORD).read_bytes())
        return {str(path): None if part is None else Part(**part) for path, part in told.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, AttributeError):
        raise StoreError(f"{out / RECORD} cannot be read") from None


def apply(parts: Sequence[Part], replaced: Mapping[str, Part | None]) -> list[Part]:
    """The parts with those that others stand for replaced, each once."""
    standing = (replaced.get(part.path, part) for part in parts)
    return list({found.path: found for found in standing if found is not None}.values())


def finish(out: Path) -> None:
    """Carry out what the record says, if there is one."""
    replaced = replacements(out)
    if not replaced:
        return
    for run_id in runs.committed(out):
        _rewrite(out, run_id, replaced)
    for path in replaced:
        (out / path).unlink(missing_ok=True)
        with suppress(OSError):
            (out / path).parent.rmdir()
    for table in _TABLES:
        if (out / table).is_dir():
            sync_folder(out / table)
    (out / RECORD).unlink()
    sync_folder(out)


def _rewrite(out: Path, run_id: str, replaced: Mapping[str, Part | None]) -> None:
    path = runs.manifest_path(out, run_id)
    try:
        manifest = runs.read(path)
    except ValueError:
        return
    if any(part.path in replaced for part in manifest.parts):
        told = {**manifest.told, "parts": [asdict(part) for part in apply(manifest.parts, replaced)]}
        atomic_bytes(path, json.dumps(told, ensure_ascii=False, indent=1).encode("utf-8", "backslashreplace") + b"\n")


def _manifests(out: Path, until: datetime.datetime) -> Iterator[Manifest]:
    from scanner.findings.schema import SCHEMA_VERSION

    for run_id in runs.committed(out):
        with suppress(OSError, ValueError):
            manifest = runs.read(runs.manifest_path(out, run_id))
            began = runs.started(run_id)
            if manifest.run_id == run_id and manifest.schema == SCHEMA_VERSION and began is not None and began <= until:
                yield manifest


def _groups(out: Path, manifests: Sequence[Manifest]) -> Iterator[list[Part]]:
    """Files that become one: of one table and one key, small, and whole."""
    for key_id in sorted({manifest.key_id for manifest in manifests}):
        for table in _TABLES:
            parts = {p.path: p for m in manifests if m.key_id == key_id for p in m.parts if p.table == table}
            whole = (part for part in parts.values() if part.size_bytes < merge.SMALL and _is_whole(out, part))
            yield from merge.groups(whole, lambda part: (part.size_bytes, part.rows))


def _is_whole(out: Path, part: Part) -> bool:
    from blake3 import blake3

    path = out / part.path
    try:
        inside = path.resolve().is_relative_to(out.resolve())
        return inside and blake3().update_mmap(path).hexdigest() == part.blake3
    except OSError:
        return False


def _merged(out: Path, group: Sequence[Part]) -> Part:
    """The new file lies with the newest run of the group, whose folder no run tidies away."""
    import pyarrow as pa

    table = group[0].table
    folder = Path(group[-1].path).parent
    target = folder / new_name()
    try:
        merge.merge([out / part.path for part in group], out / target, table)
    except pa.ArrowException:
        raise StoreError(f"files of {table} in {out} cannot be merged") from None
    return told_part(out, table, target, sum(part.rows for part in group))


def new_name() -> str:
    """Of a file that stands for others."""
    return f"{PREFIX}{secrets.token_hex(6)}.parquet"


def told_part(out: Path, table: str, target: Path, rows: int) -> Part:
    """A file just written, `target` below the store, as manifests tell of it."""
    from blake3 import blake3

    path = out / target
    return Part(table, target.as_posix(), rows, path.stat().st_size, blake3().update_mmap(path).hexdigest())


def sweep(out: Path) -> None:
    """Remove new files that a dead `compact` or `purge` left before any manifest or record told of them, and its temporary files."""
    leftovers = [path for run_id in runs.committed(out) for path in (out / runs.FOLDER).glob(f".{run_id}.json.*{SUFFIX}")]
    for path in (*leftovers, *out.glob(f".{RECORD}.*{SUFFIX}")):
        path.unlink(missing_ok=True)
    told = set()
    for run_id in runs.committed(out):
        with suppress(OSError, ValueError):
            told |= {part.path for part in runs.read(runs.manifest_path(out, run_id)).parts}
    for table in _TABLES:
        for path in [*(out / table).glob(f"run=*/{PREFIX}*.parquet"), *(out / table).glob(f"run=*/.{PREFIX}*{SUFFIX}")]:
            if path.relative_to(out).as_posix() not in told:
                path.unlink(missing_ok=True)


def _count(out: Path) -> int:
    found = sum(1 for table in _TABLES for _ in (out / table).glob("run=*/*.parquet"))
    return found + sum(len(decisions.listed(out, table)) for table in decisions.TABLES)


@contextmanager
def alone(out: Path) -> Iterator[None]:
    """One merge or purge at a time; runs may be written meanwhile."""
    (out / lock.FOLDER).mkdir(exist_ok=True)
    handle = os.open(out / lock.FOLDER / "compact", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise StoreError(f"{out} is being compacted or purged already") from None
    finally:
        os.close(handle)


def told_rows(told: Mapping[str, Any], table: str) -> int:
    """Rows of a run in a table, which its files do not tell once they are shared with other runs."""
    rows = told.get("rows")
    count = rows.get(table, 0) if isinstance(rows, Mapping) else 0
    return count if isinstance(count, int) else 0
