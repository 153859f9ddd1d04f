"""Findings for other systems: OCSF events, CSV and JSON lines, written while they are read."""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from scanner.findings.errors import StoreError
from scanner.findings.records import LOCATORS, Choice, records, shortfalls
from scanner.render.flat import csv_lines, json_line, json_lines

if TYPE_CHECKING:
    from scanner.findings.read import Findings
    from scanner.redact import Key

Row = Mapping[str, Any]
SHEET_ROWS = 1_048_576
"""A spreadsheet takes no more rows, its header among them."""
PARQUET = "ocsf-parquet"
_EVENTS = 16_384  # of a piece of Parquet, kept as dicts, which are large
_FILE_EVENTS = 2_000_000


def ocsf_lines(rows: Iterable[Row]) -> Iterator[bytes]:
    from scanner.render import ocsf

    return (json_line(ocsf.event(row)) for row in rows)


TEXTS: Mapping[str, Callable[[Iterable[Row]], Iterator[bytes]]] = {"ocsf": ocsf_lines, "csv": csv_lines, "jsonl": json_lines}
FORMATS = (*TEXTS, PARQUET)


@dataclass(slots=True)
class Exported:
    """What was handed over. `problems`: what of the store could not be used; `short`: (root, run, outcome) of roots whose newest run is not
    complete. Either means that there may be more than was exported."""

    findings: int = 0
    unread: int = 0
    problems: tuple[str, ...] = ()
    short: tuple[tuple[str, str, str], ...] = ()

    @property
    def whole(self) -> bool:
        return not self.problems and not self.short


def export(store: Findings, target: BinaryIO | Path, fmt: str, choice: Choice, mask_key: Key | None = None) -> Exported:
    """Write the records of a choice into a binary stream, or a file that appears when it is whole; `ocsf-parquet` wants a folder that is
    empty or not there. `mask_key`: mask locators under this key. Raises `StoreError`, ValueError for a format that does not exist."""
    if fmt not in FORMATS:
        raise ValueError(f"there is no format {fmt}; known are {', '.join(FORMATS)}")
    told = Exported()
    store.verify()  # a file that is damaged inside would end the stream halfway: it is left out, and named
    rows = _counted(records(store, choice, "time" if fmt.startswith("ocsf") else "place"), told)
    masked = map(_masking(mask_key), rows) if mask_key is not None else rows
    if fmt == PARQUET:
        if not isinstance(target, Path):
            raise ValueError(f"{PARQUET} is written into a folder")
        with _writing(target):
            _write_parquet(masked, target)
    elif isinstance(target, Path):
        with _writing(target), _appearing(target) as stream:
            stream.writelines(TEXTS[fmt](masked))
    else:
        target.writelines(TEXTS[fmt](masked))
    told.problems, told.short = tuple(store.problems), tuple(shortfalls(store))
    return told


def _counted(rows: Iterable[Row], told: Exported) -> Iterator[Row]:
    for row in rows:
        if row["record"] == "finding":
            told.findings += 1
        else:
            told.unread += 1
        yield row


def _masking(key: Key) -> Callable[[Row], Row]:
    """Every locator of a record, and the ids that are hashes of locators."""
    from scanner.redact.locators import LocatorMask

    mask = LocatorMask(key)
    ways = {"root": mask.path, "path": mask.path, "member": mask.member}
    changed = {**{name: ways.get(name, mask.label) for name in LOCATORS}, "finding_id": mask.id, "object_id": mask.id}
    return lambda row: {name: changed[name](value) if name in changed else value for name, value in row.items()}


@contextlib.contextmanager
def _writing(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as fault:
        raise StoreError(f"cannot write {target}: {fault.strerror or 'input/output error'}") from None


@contextlib.contextmanager
def _appearing(target: Path) -> Iterator[BinaryIO]:
    """A file of this account's own (0600: locators may name people) that takes its name when it is whole."""
    from scanner.findings.publish import sync_folder, temporary_name

    temporary = temporary_name(target)
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        temporary.rename(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(target.parent)


def _write_parquet(rows: Iterable[Row], folder: Path) -> None:
    """``eventDay=YYYYMMDD/data_security_finding-00001.parquet``: one event class, sorted by time, as data lakes ask for it."""
    import pyarrow as pa

    from scanner.findings.publish import PartWriter
    from scanner.render import ocsf

    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise StoreError(f"{folder} is not an empty folder: give a folder that is empty or not there")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    schema = ocsf.parquet_schema()
    for day, dated in itertools.groupby(rows, lambda row: row["time"].strftime("%Y%m%d")):
        (folder / f"eventDay={day}").mkdir()
        of_the_day = _pieces(dated)
        for number in itertools.count(1):
            pieces = itertools.islice(of_the_day, _FILE_EVENTS // _EVENTS)
            first = next(pieces, None)
            if first is None:
                break
            with PartWriter(folder / f"eventDay={day}" / f"data_security_finding-{number:05d}.parquet", schema) as part:
                for piece in itertools.chain([first], pieces):
                    part.write(pa.Table.from_pylist([ocsf.event(row) for row in piece], schema))


def _pieces(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while piece := list(itertools.islice(rows, _EVENTS)):
        yield piece
