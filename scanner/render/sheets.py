"""The register as people keep it: an Excel workbook or a CSV file, written anew with what they wrote in columns of their own.

Only the column of identifiers and the columns that are not ours are read back. A file that cannot be understood is never overwritten.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from scanner.findings.publish import atomic_bytes
from scanner.obligations.register import KINDS, NOT_COMPLETE, PROBLEM, Change, Entry, Register
from scanner.render.messages import Messages

COLUMNS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "id": "No.", "state": "State", "name": "Name", "items": "Items", "purpose": "Purpose of use", "place": "Place of storage",
        "method": "Method of storage", "access": "Who has access", "retention": "Retention period", "sensitive": "Sensitive data",
        "regulated": "Identity and card numbers", "objects": "Files", "records": "Records", "persons": "Persons", "owner": "Responsible",
        "department": "Department", "approved_by": "Approved by", "review_by": "Review by", "not_allowed": "Items not allowed",
        "overrun": "Files past retention", "unread": "Files not read", "as_of": "As of", "changes": "To be looked at",
    },
    "ja": {
        "id": "管理番号", "state": "状態", "name": "台帳名", "items": "個人情報の項目", "purpose": "利用目的", "place": "保管場所",
        "method": "保管方法", "access": "アクセス権を有する者", "retention": "保管期間", "sensitive": "要配慮個人情報",
        "regulated": "個人識別符号・カード番号", "objects": "ファイル数", "records": "レコード数", "persons": "本人の数",
        "owner": "管理責任者", "department": "部門", "approved_by": "承認者", "review_by": "見直し期限", "not_allowed": "許可外の項目",
        "overrun": "保管期間を超えたファイル", "unread": "読み取れないファイル", "as_of": "確認日", "changes": "確認事項",
    },
}  # fmt: skip
BY_HAND: Final[Mapping[str, Sequence[str]]] = {
    "en": ("Time limit of use", "How acquired", "How the purpose was told", "Outsourcing", "Third parties", "Remarks"),
    "ja": ("利用期限", "取得方法", "利用目的の通知方法", "委託", "第三者提供", "備考"),
}
"""Columns that are there for people from the beginning; they may add others."""

_OURS: Final = {name: key for names in COLUMNS.values() for key, name in names.items()}
_A3: Final = 8  # as Excel numbers paper
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\0")

Hand = dict[str, dict[str, str]]
"""Identifier of a row -> column -> text; under "" what the row calls itself."""


class SheetError(Exception):
    """A register file that cannot be read back. The message is one sentence with the file; nothing was overwritten."""


def read_hand(file: Path) -> Hand:
    """What people wrote into a register file; nothing where there is none. Raises SheetError."""
    if not file.exists():
        return {}
    rows = _csv_rows(file) if _is_csv(file) else _xlsx_rows(file)
    header = [str(cell).strip() for cell in rows[0]] if rows else []
    keys = [_OURS.get(name, name) for name in header]
    if "id" not in keys:
        wanted = " or ".join(COLUMNS[lang]["id"] for lang in COLUMNS)
        raise SheetError(f"{file}: no column is named {wanted}, so what people wrote cannot be kept; nothing was overwritten")
    twice = [name for name, count in Counter(name for name in keys if name).items() if count > 1]
    if twice:
        raise SheetError(f"{file}: two columns have one name ({header[keys.index(twice[0])]}); nothing was overwritten")
    hand: Hand = {}
    for number, row in enumerate(rows[1:], 2):
        cells = {key: text for key, cell in zip(keys, row, strict=False) if (text := _text(cell))}
        if not cells:
            continue
        id = cells.get("id")
        if id is None:
            raise SheetError(f"{file}, row {number}: it has no number; give a row of yours one that is not taken; nothing was overwritten")
        if id in hand:
            raise SheetError(f"{file}, row {number}: the number {_short(id)} stands in two rows; nothing was overwritten")
        own = {key: text for key, text in cells.items() if key not in _OURS.values()}
        hand[id] = own | ({"": cells["name"]} if "name" in cells else {})
    return hand


def write_sheet(file: Path, register: Register, say: Messages) -> None:
    """Write the register as CSV (by the ending ``.csv``: UTF-8 with BOM, formulas defused) or as an Excel workbook. Raises OSError."""
    header, rows = _table(register, say)
    data = _to_csv(header, rows) if _is_csv(file) else _to_xlsx(header, rows, register, say)
    atomic_bytes(file, data, 0o600)


def _table(register: Register, say: Messages) -> tuple[list[str], list[list[str | int]]]:
    extra = [name for entry in register.entries for name in entry.hand if name and name not in BY_HAND["en"] and name not in BY_HAND["ja"]]
    lang = say.lang
    spoken = {other: own for language in BY_HAND for other, own in zip(BY_HAND[language], BY_HAND[lang], strict=True)}
    by_hand = [*BY_HAND[lang], *dict.fromkeys(extra)]
    rows = []
    for entry in register.entries:
        hand = {spoken.get(name, name): text for name, text in entry.hand.items()}
        rows.append([*_cells(entry, register, say), *(hand.get(name, "") for name in by_hand)])
    return [*COLUMNS[lang].values(), *by_hand], rows


def _cells(entry: Entry, register: Register, say: Messages) -> list[str | int]:
    access = ", ".join(f"{say(f'exposure_{name}')} {count}" for name, count in entry.access.items())
    return [
        entry.id,
        say(f"register_state_{entry.state}"),
        entry.name,
        _kinds(entry.items, say),
        entry.purpose or "",
        entry.place,
        ", ".join(entry.method),
        access,
        say("register_days", count=entry.retention_days) if entry.retention_days is not None else "",
        say("register_yes") if entry.sensitive else say("register_unknown") if entry.unread else say("register_no"),
        _kinds(entry.regulated, say),
        entry.objects,
        entry.records,
        entry.persons,
        entry.owner or "",
        entry.department or "",
        entry.approved_by or "",
        entry.review_by.isoformat() if entry.review_by else "",
        _kinds(entry.not_allowed, say),
        entry.overrun,
        entry.unread,
        register.as_of.date().isoformat(),
        "; ".join(told(change, say) for change in entry.changes),
    ]


def _kinds(kinds: Sequence[str], say: Messages) -> str:
    return ", ".join(say.word("entity", kind) for kind in kinds)


def told(change: Change, say: Messages) -> str:
    """A difference as a sentence."""
    if change.what in ("grown", "shrunk", "emptied", "opened"):
        return say(f"register_{change.what}", before=int(change.about[0]), now=int(change.about[1]))
    if change.what in ("overrun", "unread"):
        return say(f"register_{change.what}", count=int(change.about[0]))
    return say(f"register_{change.what}", what=_kinds(change.about, say) if change.what == KINDS else ", ".join(change.about))


def _lack(why: Change, say: Messages) -> str:
    """Why a register may lack something, as a sentence."""
    if why.what == NOT_COMPLETE:
        run, outcome = why.about
        return say("register_not_complete", run=run, outcome=say(f"report_outcome_{outcome}"))
    return why.about[0] if why.what == PROBLEM else told(why, say)


# --------------------------------------------------------------------------- files


def _is_csv(file: Path) -> bool:
    return file.suffix.lower() == ".csv"


def _to_csv(header: Sequence[str], rows: Sequence[Sequence[str | int]]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(header)
    writer.writerows([[_defused(cell) for cell in row] for row in rows])
    return out.getvalue().encode("utf-8-sig", "backslashreplace")


def _defused(cell: str | int) -> str | int:
    """What a spreadsheet would take for a formula gets an apostrophe (OWASP ASVS 1.2.10)."""
    return "'" + cell if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


def _to_xlsx(header: Sequence[str], rows: Sequence[Sequence[str | int]], register: Register, say: Messages) -> bytes:
    import xlsxwriter

    sink = io.BytesIO()
    book = xlsxwriter.Workbook(sink, {"in_memory": True})
    bold = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bg_color": "#e8edf3", "border": 1})
    cell_format = book.add_format({"text_wrap": True, "valign": "top", "border": 1})
    sheet = book.add_worksheet(say("register_sheet"))
    for column, name in enumerate(header):
        sheet.write_string(0, column, name, bold)
        longest = max((len(str(row[column])) for row in rows), default=0)
        sheet.set_column(column, column, min(max(10, len(name) * 1.8, longest), 36))
    for line, row in enumerate(rows, 1):
        for column, cell in enumerate(row):
            if isinstance(cell, int):
                sheet.write_number(line, column, cell, cell_format)
            else:
                sheet.write_string(line, column, _xml(cell), cell_format)
    sheet.freeze_panes(1, 3)
    sheet.autofilter(0, 0, max(len(rows), 1), len(header) - 1)
    sheet.set_landscape()
    sheet.set_paper(_A3)
    sheet.set_footer("&L&A&R&P / &N")
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)
    notes = book.add_worksheet(say("register_notes"))
    notes.set_column(0, 0, 110)
    for line, text in enumerate(notes_of(register, say)):
        notes.write_string(line, 0, _xml(text))
    book.close()
    return sink.getvalue()


def notes_of(register: Register, say: Messages) -> list[str]:
    """What is to be said beside the table: of when it is, and what it may lack."""
    lines = [say("register_as_of", date=register.as_of.date().isoformat(), run=register.run_id)]
    lines += [say("register_incomplete", why=_lack(why, say)) for why in register.incomplete]
    return [*lines, say("register_kept")]


def _xml(text: str) -> str:
    """XML has no control characters; a name may."""
    return "".join(char if char >= " " or char in "\t\n" else f"\\x{ord(char):02x}" for char in text)


def _csv_rows(file: Path) -> list[list[object]]:
    from scanner.extract.charset import decode

    try:
        text, _, undecoded = decode(file.read_bytes())
        if undecoded:
            raise ValueError("not text of one encoding")
        return [list(row) for row in csv.reader(io.StringIO(text, newline=""))]
    except (OSError, ValueError, csv.Error) as fault:
        raise SheetError(f"{file}: it cannot be read as CSV; nothing was overwritten") from fault


def _xlsx_rows(file: Path) -> list[list[object]]:
    import python_calamine

    try:
        with python_calamine.CalamineWorkbook.from_path(str(file)) as book:
            return [list(row) for row in book.get_sheet_by_index(0).to_python()]
    except (OSError, IndexError, python_calamine.CalamineError) as fault:
        raise SheetError(f"{file}: it cannot be read as an Excel workbook; nothing was overwritten") from fault


def _text(cell: object) -> str:
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return "" if cell is None else str(cell).strip()


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "…"
