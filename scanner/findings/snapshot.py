"""What a store holds at this moment: the runs that happened, their files as far as they are whole, and what is wrong with the rest."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scanner.findings import compact, decisions, runs
from scanner.findings.errors import StoreError
from scanner.findings.runs import Manifest, Part
from scanner.findings.schema import DECIDED, SCHEMA_VERSION, TABLES, VERSION_KEY
from scanner.findings.store import MARKER, former_keys

_MISSING = "it is missing"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """`files`: table -> whole files of it, absolute; of values those under `key_id`. `problems`: sentences on what does not count, or
    counts in part."""

    out: Path
    manifests: tuple[Manifest, ...]
    files: dict[str, tuple[Path, ...]]
    problems: tuple[str, ...]
    key_id: str | None = None  # of the values


_TRIES = 5


def take(out: Path, key_id: str | None = None) -> Snapshot:
    """Look at the store in `out`; reads every manifest and every file's footer. Raises `StoreError` if `out` is no folder.

    `key_id`: of a former key of the store (scanner.findings.rotation), whose values are then the ones that count.

    Files may be merged meanwhile (`compact`): where one is missing, all is looked at once more.
    """
    if not out.is_dir():
        raise StoreError(f"there are no findings in {out}: it is not a folder")
    for _ in range(_TRIES - 1):
        found = _look(out, key_id)
        if not any(problem.endswith(_MISSING) for problem in found.problems):
            return found
    return _look(out, key_id)


def _look(out: Path, asked: str | None) -> Snapshot:
    problems: list[str] = []
    manifests = _manifests(out, problems)
    replaced = compact.replacements(out)
    seen: set[str] = set()
    _orphans(out, {m.run_id for m in manifests}, problems)
    former = former_keys(out)
    key_id = asked or _key_id(out, manifests)
    if asked is None:
        problems += _not_read_since(manifests, former, key_id)
    files: dict[str, list[Path]] = {table: [] for table in TABLES}
    for manifest in manifests:
        same_key = manifest.key_id == key_id
        if not same_key and asked is None and manifest.key_id not in former:
            problems.append(f"run {manifest.run_id} is under key {manifest.key_id}, the store under {key_id}: its values are left out")
        for part in compact.apply(manifest.parts, replaced):
            if part.path in seen:  # it holds rows of several runs
                continue
            seen.add(part.path)
            if part.table in files and (same_key or part.table != "values"):
                fault, missing = _looked_at(out, part)
                if fault is None:
                    files[part.table].append(out / part.path)
                else:
                    problems.append(f"{part.path} is left out: {fault}")
                if missing:
                    problems.append(f"{part.path} has no column {', '.join(missing)}: it is read as empty")
    for table in DECIDED:
        files[table] = _decided(out, table, problems)
    return Snapshot(out, tuple(manifests), {table: tuple(paths) for table, paths in files.items()}, tuple(problems), key_id)


def _not_read_since(manifests: list[Manifest], former: Sequence[str], key_id: str | None) -> Iterator[str]:
    """Roots of which runs under a former key tell, and that no complete run under the present one has read: what is in them cannot be
    looked up."""
    now = [f"{root.rstrip('/')}/" for m in manifests if m.key_id == key_id and m.outcome == "complete" for root in m.reached]
    before = {root: m.key_id for m in manifests if m.key_id in former for root in m.reached}
    for root, former_id in sorted(before.items()):
        if not any(f"{root.rstrip('/')}/".startswith(prefix) for prefix in now):
            yield f"{root} was last read under the former key {former_id}: its values are left out until a scan of it is complete"


def _decided(out: Path, table: str, problems: list[str]) -> list[Path]:
    """The files of people's decisions; one that cannot be used is named, and what it decided does not count."""
    found = []
    for path in decisions.listed(out, table):
        fault = _decided_fault(path, table) if path.resolve().is_relative_to(out.resolve()) else "it lies outside the store"
        if fault is None:
            found.append(path)
        else:
            problems.append(f"{table}/{path.name} is left out: {fault}")
    return found


def _decided_fault(path: Path, table: str) -> str | None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        schema = pq.read_schema(path)
    except FileNotFoundError:
        return _MISSING
    except (OSError, pa.ArrowException, ValueError):
        return "it is damaged"
    version = (schema.metadata or {}).get(VERSION_KEY, b"0")
    if not version.isdigit() or int(version) > SCHEMA_VERSION:
        return f"it was written by a newer version (schema {version.decode(errors='replace')})"
    return _other_type(schema, table)


def damaged(snapshot: Snapshot) -> dict[Path, str]:
    """Files whose bytes are no longer those that were written, by hash; reads everything."""
    from blake3 import blake3

    found: dict[Path, str] = {}
    seen: set[Path] = set()
    replaced = compact.replacements(snapshot.out)
    for manifest in snapshot.manifests:
        for part in compact.apply(manifest.parts, replaced):
            path = snapshot.out / part.path
            if path in seen:
                continue
            seen.add(path)
            of_former_key = part.table == "values" and manifest.key_id != snapshot.key_id
            if path not in snapshot.files.get(part.table, ()) and not of_former_key:
                continue
            try:
                whole = blake3().update_mmap(path).hexdigest() == part.blake3
            except OSError:
                whole = False
            fault = f"{part.path} is left out: its content is damaged"
            if not whole and fault not in snapshot.problems:
                found[path] = fault
    for table in DECIDED:
        for path in snapshot.files.get(table, ()):
            try:
                whole = decisions.is_whole(path)
            except OSError:
                whole = False
            if not whole:
                found[path] = f"{table}/{path.name} is left out: its content is damaged"
    return found


def without(snapshot: Snapshot, faults: dict[Path, str]) -> Snapshot:
    files = {table: tuple(p for p in paths if p not in faults) for table, paths in snapshot.files.items()}
    return Snapshot(snapshot.out, snapshot.manifests, files, (*snapshot.problems, *faults.values()), snapshot.key_id)


def _manifests(out: Path, problems: list[str]) -> list[Manifest]:
    found = []
    for run_id in runs.committed(out):
        try:
            manifest = runs.read(runs.manifest_path(out, run_id))
        except FileNotFoundError:  # purged since it was listed
            continue
        except (OSError, ValueError):
            problems.append(f"runs/{run_id}.json cannot be read: the run is left out")
            continue
        if manifest.run_id != run_id:
            problems.append(f"runs/{run_id}.json is of another run: it is left out")
        elif manifest.schema > SCHEMA_VERSION:
            problems.append(f"run {run_id} was written by a newer version (schema {manifest.schema}): it is left out")
        else:
            found.append(manifest)
    return found


def _orphans(out: Path, happened: set[str], problems: list[str]) -> None:
    """A run whose manifest is there but unreadable was named already."""
    named = happened | set(runs.committed(out))
    dead = {p.name.removeprefix("run=") for table in TABLES for p in (out / table).glob("run=*")} - named
    problems += [f"run {run_id} has no manifest: it was not finished, and is left out" for run_id in sorted(dead)]


def _key_id(out: Path, manifests: list[Manifest]) -> str | None:
    try:
        return str(json.loads((out / MARKER).read_bytes())["key_id"])
    except (OSError, ValueError, KeyError, TypeError):
        return manifests[-1].key_id if manifests else None


def _looked_at(out: Path, part: Part) -> tuple[str | None, list[str]]:
    """Why a file cannot be used, by what its size and footer tell, None if it can; and the columns that it lacks."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = out / part.path
    if not path.resolve().is_relative_to(out.resolve()):
        return "it lies outside the store", []
    try:
        size = path.stat().st_size
        if size != part.size_bytes:
            return f"it has {size} bytes of {part.size_bytes}", []
        with pq.ParquetFile(path) as file:
            rows, schema = file.metadata.num_rows, file.schema_arrow
    except FileNotFoundError:
        return _MISSING, []
    except (OSError, pa.ArrowException, ValueError):
        return "it is damaged", []
    if rows != part.rows:
        return f"it has {rows} rows of {part.rows}", []
    fault = _other_type(schema, part.table)
    return fault, [] if fault else [name for name in TABLES[part.table].names if name not in schema.names]


def _other_type(schema: Any, table: str) -> str | None:
    return next((f"column {f.name} is of another type" for f in (TABLES | DECIDED)[table] if not _fits(schema, f)), None)


def _fits(schema: Any, field: Any) -> bool:
    index = schema.get_field_index(field.name)
    return bool(index < 0 or schema.field(index).type.equals(field.type))
