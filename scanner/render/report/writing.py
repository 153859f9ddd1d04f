"""Writing the report: one page, or a folder with one page for each department and an index."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from scanner.findings.publish import atomic_bytes
from scanner.findings.read import Findings, open_findings
from scanner.render.messages import Messages
from scanner.render.report.actions import MOST
from scanner.render.report.facts import Facts, Scope, Source
from scanner.render.report.page import index_page, report_page
from scanner.render.report.rows import pack
from scanner.render.visible import visible

INDEX: Final = "index.html"
_MODE: Final = 0o600  # pages name files and people
_LONGEST: Final = 60  # characters of a file's name
_NOBODY: Final = "no-department"


class ReportError(Exception):
    """A report that cannot be made as asked. The message is one sentence."""


@dataclass(frozen=True, slots=True)
class Written:
    """`file`: the page, or the index. `problems`: what of the findings could not be used. `listed`: of the `stray` objects, how many the
    pages list."""

    file: Path
    pages: int
    size: int
    problems: tuple[str, ...]
    stray: int
    listed: int

    @property
    def exit_status(self) -> int:
        """3 if the page lacks something because part of the findings could not be used; it says so itself."""
        return 3 if self.problems else 0


def write_page(out: Path, file: Path, say: Messages, today: datetime.date, department: str | None = None) -> Written:
    """One page: of everything, or of one department. Raises `StoreError`, `ReportError`; what was at `file` stays unless all went well."""
    if file.is_dir():
        raise ReportError(f"{file} is a folder: name a file, or ask for a page of each department")
    with open_findings(out, today) as found:
        return _asked(found, lambda source: _write_page(source, file, say, today, department))


def _write_page(source: Source, file: Path, say: Messages, today: datetime.date, department: str | None) -> Written:
    if department is not None and department not in source.departments():
        raise ReportError(_unknown(department, source.departments()))
    scope = Scope() if department is None else Scope(False, department)
    facts, rows = source.facts(scope, MOST), pack(source, scope)
    size = _write(file, report_page(facts, rows, str(source.out), today, say))
    return Written(file, 1, size, source.problems, facts.stray, rows.listed)


def write_pages(out: Path, folder: Path, say: Messages, today: datetime.date) -> Written:
    """A page for each department in `folder`, made if need be, and an index of them. Raises `StoreError`, `ReportError`."""
    if folder.exists() and not folder.is_dir():
        raise ReportError(f"{folder} is not a folder: with a page of each department, name a folder")
    with open_findings(out, today) as found:
        return _asked(found, lambda source: _write_pages(source, folder, say, today))


def _write_pages(source: Source, folder: Path, say: Messages, today: datetime.date) -> Written:
    departments = source.departments()
    pages: list[tuple[Facts, str]] = []
    listed = size = 0
    _make(folder)
    for department, name in zip(departments, file_names(departments), strict=True):
        scope = Scope(False, department)
        facts, rows = source.facts(scope, MOST), pack(source, scope)
        size += _write(folder / name, report_page(facts, rows, str(source.out), today, say, index=INDEX))
        pages.append((facts, name))
        listed += rows.listed
    whole = source.facts(Scope(), MOST)
    size += _write(folder / INDEX, index_page(pages, whole, str(source.out), today, say))
    return Written(folder / INDEX, len(pages), size, source.problems, whole.stray, listed)


def _asked(found: Findings, work: Callable[[Source], Written]) -> Written:
    """Should a file turn out damaged in a column that only the details read, it is left out, said, and all is asked again."""
    import duckdb

    try:
        return work(Source(found))
    except duckdb.Error:
        known = found.problems
        if found.verify() == known:
            raise
        return work(Source(found))


def file_names(departments: Iterable[str | None]) -> list[str]:
    """A file name for each department: its letters and digits, and no two alike, whatever the file system makes of capitals."""
    taken = {INDEX.removesuffix(".html")}
    names = []
    for department in departments:
        plain = _NOBODY if department is None else "".join(char if char.isalnum() else "-" for char in department)[:_LONGEST].strip("-")
        name = base = plain or "department"
        number = 2
        while name.casefold() in taken:
            name, number = f"{base}-{number}", number + 1
        taken.add(name.casefold())
        names.append(f"{name}.html")
    return names


def _unknown(department: str, known: Iterable[str | None]) -> str:
    names = ", ".join(visible(name) for name in known if name is not None)
    return (
        f"no department is named {visible(department)}: there is {names}"
        if names
        else f"no department is named {visible(department)}: there is none"
    )


def _make(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as fault:
        raise ReportError(f"{folder}: cannot be made: {fault.strerror}") from None


def _write(file: Path, page: str) -> int:
    whole = page.encode("utf-8", "backslashreplace")
    try:
        atomic_bytes(file, whole, _MODE)
    except OSError as fault:
        raise ReportError(f"{file}: cannot be written: {fault.strerror}") from None
    return len(whole)
