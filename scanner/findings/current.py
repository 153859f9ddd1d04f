"""What stands now, kept beside the store by whoever writes runs, so that a store of millions of findings opens in a second.

    DIR/.current/<digest>/findings.parquet   the newest row of every finding, with what is known of it from all runs
    DIR/.current/<digest>/objects.parquet    the newest row of every object that is still there
    DIR/.current/<digest>/folders.parquet    folders that complete runs could not read
    DIR/.current/<digest>/written.json       size and BLAKE3 of these, written before the folder gets its name

A cache. The digest is of everything it was made from: the runs, the hashes of their files, and the SQL that decides. Whoever finds no
folder of that name computes what stands from the tables, and gets the same.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from scanner.findings import compact, latest
from scanner.findings.publish import sync_file
from scanner.findings.runs import Part

if TYPE_CHECKING:
    from scanner.findings.snapshot import Snapshot

FOLDER: Final = ".current"
LEAST_ROWS: Final = 200_000  # findings; fewer are computed in a moment
QUERIES: Final = {
    "findings": "SELECT * FROM newest_findings",
    "objects": "SELECT * FROM newest_objects",
    "folders": "SELECT * FROM closed_folders",
}
_TOLD: Final = "written.json"
_MEMORY: Final = "2GB"  # of DuckDB's, while it is written; the rest goes through a private folder on the disk


def kept(snapshot: Snapshot) -> Mapping[str, Path] | None:
    """The files that were made from exactly this, by name; None if there are none."""
    folder = snapshot.out / FOLDER / _digest(snapshot)
    with suppress(OSError, ValueError, KeyError, TypeError):
        told = json.loads((folder / _TOLD).read_bytes())
        files = {name: folder / f"{name}.parquet" for name in QUERIES}
        if all(path.stat().st_size == told[name]["size_bytes"] for name, path in files.items()):
            return files
    return None


def is_whole(files: Mapping[str, Path]) -> bool:
    """Whether the files have the content that was written. Reads them."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        told = json.loads((next(iter(files.values())).parent / _TOLD).read_bytes())
        return all(_hash(path) == told[name]["blake3"] for name, path in files.items())
    return False


def write(out: Path, least_rows: int | None = None) -> bool:
    """Keep what stands now, and remove what was kept before. Whether it was: a small store needs none. A cache, so that nothing fails for
    want of it: a full disk, a damaged store or a store that is written meanwhile leave none."""
    import duckdb

    from scanner.findings.errors import StoreError
    from scanner.findings.read import Findings
    from scanner.findings.snapshot import take

    least = LEAST_ROWS if least_rows is None else least_rows
    made: Path | None = None
    try:
        snapshot = take(out.resolve())
        folder = snapshot.out / FOLDER / _digest(snapshot)
        _discard(snapshot.out, folder.name)
        if folder.is_dir():
            return True
        if sum(compact.told_rows(manifest.told, "findings") for manifest in snapshot.manifests) < least:
            return False
        folder.parent.mkdir(mode=0o700, exist_ok=True)
        made = folder.parent / f".{secrets.token_hex(6)}"
        made.mkdir(mode=0o700)
        with Findings(snapshot, memory=_MEMORY) as found:
            for name, query in QUERIES.items():
                found.write(query, made / f"{name}.parquet")
        told = {}
        for name in QUERIES:
            path = made / f"{name}.parquet"
            sync_file(path)
            told[name] = {"size_bytes": path.stat().st_size, "blake3": _hash(path)}
        (made / _TOLD).write_text(json.dumps(told), encoding="ascii")
        sync_file(made / _TOLD)
        made.rename(folder)
    except (OSError, StoreError, duckdb.Error):
        if made is not None:
            shutil.rmtree(made, ignore_errors=True)
        return False
    return True


def discard(out: Path) -> None:
    """Remove all that is kept, as when rows are taken out of the store."""
    shutil.rmtree(out / FOLDER, ignore_errors=True)


def _discard(out: Path, but: str) -> None:
    with suppress(OSError):
        for folder in (out / FOLDER).iterdir():
            if folder.name != but:
                shutil.rmtree(folder, ignore_errors=True)


def _digest(snapshot: Snapshot) -> str:
    hashes = {str(snapshot.out / part.path): part.blake3 for part in _parts(snapshot)}
    made = hashlib.blake2b(digest_size=16)
    made.update(repr((latest.STANDING, latest.FINDING_STATES, latest.CLOSED_FOLDERS, latest.NEWEST)).encode())
    for manifest in snapshot.manifests:
        made.update(
            repr((manifest.run_id, manifest.outcome, manifest.reached, manifest.told.get("start"))).encode("utf-8", "backslashreplace")
        )
    for table in ("objects", "findings"):
        for path in snapshot.files[table]:
            made.update(repr((table, hashes.get(str(path)))).encode())
    return made.hexdigest()


def _parts(snapshot: Snapshot) -> list[Part]:
    replaced = compact.replacements(snapshot.out)
    return [part for manifest in snapshot.manifests for part in compact.apply(manifest.parts, replaced)]


def _hash(path: Path) -> str:
    from blake3 import blake3

    return blake3().update_mmap(path).hexdigest()
