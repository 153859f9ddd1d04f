"""The register: rows from policy and findings, what changed, what people wrote, and files edited wrongly."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from python_calamine import CalamineWorkbook

from scanner.findings.errors import StoreError
from scanner.obligations.register import Register, build, keep, last_written, table
from scanner.policy import Policy, load
from scanner.policy.drill import MANIFEST, STORE
from scanner.render.messages import Messages
from scanner.render.register import print_register, to_json
from scanner.render.sheets import SheetError, read_hand, write_sheet
from tests.cli.command import strayscan
from tests.unit.findings.samples import finding_row, object_row, publish

TODAY = datetime.date(2026, 11, 28)
POLICY = """version: 1
stores:
  - {name: 顧客台帳, paths: ["/share/crm/**"], owner: 営業企画部, purpose: 受注, allow: [PERSON], retention_days: 365,
     review_by: 2026-03-31}
  - {name: empty, paths: ["/share/none/**"], allow: ["*"]}
departments: [{name: 営業部, paths: ["/share/sales/**"], manager: 営業部長}]
"""
EN, JA = Messages("en"), Messages("ja")


@pytest.fixture
def policy(tmp_path: Path) -> Policy:
    (tmp_path / "policy.yaml").write_text(POLICY, encoding="utf-8")
    return load(tmp_path / "policy.yaml")


def thing(path: str, persons: int, *kinds: str, store: str | None = None, **more: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    known = {"persons": persons, "store": store, "verdict": "approved" if store else "stray", "exposure": "group", "rows_read": 2 * persons}
    row = object_row(path) | known | {"excused": False, "media_type": "text/csv"} | more
    verdict = "approved" if store else "stray"
    reason = None if store else "outside_store"
    told = {"count": persons, "distinct": persons, "store": store}
    found = [finding_row(path, kind) | told | {"entity_type": kind, "verdict": verdict, "reason": reason} for kind in kinds]
    return row, found


def scanned(out: Path, *things: tuple[dict[str, Any], list[dict[str, Any]]], outcome: str = "complete") -> None:
    publish(out, [row for row, _ in things], [one for _, found in things for one in found], outcome=outcome)


def by_name(register: Register) -> dict[str, Any]:
    return {entry.name: entry for entry in register.entries}


def told(register: Register) -> dict[str, list[str]]:
    return {entry.name: [change.what for change in entry.changes] for entry in register.entries if entry.changes}


@pytest.fixture
def out(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "out"
    master = thing("crm/master.csv", 30, "PERSON", "SENSITIVE_HEALTH", store="顧客台帳")
    scanned(folder, master, thing("sales/tmp/list.csv", 5, "PERSON", department="営業部"), thing("sales/own.csv", 0))
    yield folder


def test_one_row_a_store_and_one_a_place_in_no_register(out: Path, policy: Policy) -> None:
    rows = by_name(build(policy, out, TODAY))
    assert set(rows) == {"顧客台帳", "empty", "sales/tmp/"}
    store = rows["顧客台帳"]
    assert (store.state, store.persons, store.records, store.objects, store.owner) == ("registered", 30, 60, 1, "営業企画部")
    assert (store.sensitive, store.access, store.method) == (True, {"group": 1}, ("CSV",))
    assert rows["empty"].state == "empty"
    stray = rows["sales/tmp/"]
    assert (stray.state, stray.department, stray.owner, stray.place) == ("unregistered", "営業部", "営業部長", "/share/sales/tmp/")


def test_the_first_register_tells_strays_and_reviews(out: Path, policy: Policy) -> None:
    assert told(build(policy, out, TODAY)) == {"顧客台帳": ["review_overdue"], "sales/tmp/": ["new"]}
    assert told(build(policy, out, datetime.date(2026, 3, 31))) == {"sales/tmp/": ["new"]}


def test_differences_since_last_time(out: Path, policy: Policy) -> None:
    keep(out, build(policy, out, TODAY))
    grown = thing("crm/master.csv", 40, "PERSON", "ADDRESS", "RETENTION", store="顧客台帳", exposure="everyone")
    for finding in grown[1]:
        if finding["entity_type"] == "ADDRESS":
            finding |= {"verdict": "stray", "reason": "kind_not_allowed"}
    scanned(out, grown, thing("new/a.csv", 3, "PERSON"))
    register = build(policy, out, TODAY)
    assert told(register) == {
        "顧客台帳": ["grown", "new_kinds", "opened", "overrun", "review_overdue"],
        "new/": ["new"],
        "sales/tmp/": ["gone"],
    }
    rows = by_name(register)
    assert (rows["顧客台帳"].not_allowed, rows["顧客台帳"].overrun) == (("ADDRESS",), 1)
    assert (rows["sales/tmp/"].state, register.exit_status) == ("not_in_policy", 1)
    keep(out, register)
    assert told(build(policy, out, TODAY)) == {"顧客台帳": ["overrun", "review_overdue"]}  # told once, but for what still stands


def test_a_store_that_was_emptied_and_numbers_that_stay(out: Path, policy: Policy) -> None:
    before = build(policy, out, TODAY)
    keep(out, before)
    scanned(out, thing("sales/tmp/list.csv", 5, "PERSON", department="営業部"))
    after = build(policy, out, TODAY)
    assert told(after)["顧客台帳"] == ["emptied", "review_overdue"]
    assert {one.id for one in before.entries} == {one.id for one in after.entries}


def test_what_was_not_read_is_said_on_the_paper(out: Path, policy: Policy) -> None:
    unread = object_row("crm/locked.xlsx", status="unreadable", reason="encrypted") | {
        "store": "顧客台帳",
        "verdict": "unread",
        "excused": False,
    }
    scanned(out, (unread, []), outcome="incomplete")
    register = build(policy, out, TODAY)
    assert register.exit_status == 3
    assert [(why.what, why.about[-1]) for why in register.incomplete] == [("not_complete", "incomplete"), ("unread", "1")]
    assert by_name(register)["顧客台帳"].unread == 1
    file = out.parent / "r.xlsx"
    write_sheet(file, register, EN)
    book = CalamineWorkbook.from_path(str(file))
    notes = [str(row[0]) for row in book.get_sheet_by_index(1).to_python()]
    assert sum(note.startswith("May lack something") for note in notes) == 2
    write_sheet(file, register, JA)
    notes = [str(row[0]) for row in CalamineWorkbook.from_path(str(file)).get_sheet_by_index(1).to_python()]
    assert notes[1:3] == [f"漏れの可能性: 最後の実行 ({register.run_id}) は「不完全」", "漏れの可能性: 完全には読み取れないファイル 1件"]


def test_the_store_of_the_drill_is_no_row(tmp_path: Path, out: Path) -> None:
    (tmp_path / "drill").mkdir()
    (tmp_path / "drill" / MANIFEST).write_text("{}")
    (tmp_path / "policy.yaml").write_text(POLICY + "drill: {folder: drill}\n", encoding="utf-8")
    policy = load(tmp_path / "policy.yaml")
    assert STORE in {store.name for store in policy.stores}
    assert set(by_name(build(policy, out, TODAY))) == {"顧客台帳", "empty", "sales/tmp/"}


@pytest.mark.parametrize("name", ["r.xlsx", "r.csv"])
@pytest.mark.parametrize("second", [EN, JA])
def test_what_people_wrote_survives(tmp_path: Path, out: Path, policy: Policy, name: str, second: Messages) -> None:
    file = tmp_path / name
    write_sheet(file, build(policy, out, TODAY), EN)
    assert file.stat().st_mode & 0o077 == 0
    _edit(file, {"Time limit of use": "=1+1", "Our column": "自由記述"})
    hand = read_hand(file)
    register = build(policy, out, TODAY, hand)
    write_sheet(file, register, second)
    again = read_hand(file)
    texts = next(texts for texts in again.values() if "Our column" in texts)
    limit = "Time limit of use" if second is EN else "利用期限"
    assert (texts["Our column"], texts[limit].lstrip("'")) == ("自由記述", "=1+1")
    assert again["X-1"][""] == "paper files"  # a row of their own
    assert {row.id for row in register.entries} >= {"X-1"}


def _edit(file: Path, columns: dict[str, str]) -> None:
    """As a person would: text into the first row, a new column, a new row."""
    if file.suffix == ".csv":
        import csv

        with file.open(encoding="utf-8-sig", newline="") as source:
            header, *rows = csv.reader(source)
    else:
        sheet = openpyxl.load_workbook(file).worksheets[0]
        header, *rows = [["" if cell is None else str(cell) for cell in row] for row in sheet.iter_rows(values_only=True)]
    for name, text in columns.items():
        if name not in header:
            header.append(name)
            rows = [[*row, ""] for row in rows]
        rows[0][header.index(name)] = text
    rows.append(["X-1", "", "paper files", *[""] * (len(header) - 3)])
    if file.suffix == ".csv":
        with file.open("w", encoding="cp932", newline="") as target:  # as Excel in Japan saves it
            csv.writer(target).writerows([header, *rows])
    else:
        book = openpyxl.Workbook()
        for line in [header, *rows]:
            book.worksheets[0].append(["'" + cell if cell.startswith("=") else cell for cell in line])
        book.save(file)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("a,b\n1,2\n", "no column is named"),
        ("No.,Name,Name\nR-1,x,y\n", "two columns have one name"),
        ("No.,Remarks\nR-1,x\nR-1,y\n", "row 3: the number R-1 stands in two rows"),
        ("No.,Remarks\n,x\n", "row 2: it has no number"),
    ],
)
def test_a_file_edited_wrongly_is_never_overwritten(tmp_path: Path, out: Path, content: str, said: str) -> None:
    file = tmp_path / "r.csv"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(SheetError, match=said.replace(".", r"\.")):
        read_hand(file)
    done = strayscan("register", out, "--policy", tmp_path / "policy.yaml", "--write", file)
    assert (done.returncode, file.read_text(encoding="utf-8")) == (2, content)


def test_a_workbook_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "r.xlsx").write_bytes(b"PK\x03\x04")
    with pytest.raises(SheetError, match="cannot be read as an Excel workbook"):
        read_hand(tmp_path / "r.xlsx")


def test_names_of_files_are_no_formulas_and_no_escapes(tmp_path: Path, policy: Policy) -> None:
    out = tmp_path / "out"
    scanned(out, thing("=cmd|' /C calc'!A0/x\x1b[31m.csv", 2, "PERSON"))
    register = build(policy, out, TODAY)
    write_sheet(tmp_path / "r.csv", register, EN)
    assert b",'=cmd" in (tmp_path / "r.csv").read_bytes()
    write_sheet(tmp_path / "r.xlsx", register, EN)
    sheet = openpyxl.load_workbook(tmp_path / "r.xlsx").worksheets[0]
    assert all(cell.data_type != "f" for row in sheet.iter_rows() for cell in row)
    import io

    shown = io.StringIO()
    print_register(register, [], shown, JA)
    assert "\x1b" not in shown.getvalue()


def test_kept_registers_come_back_whole(out: Path, policy: Policy) -> None:
    register = build(policy, out, TODAY, {"X-9": {"Remarks": "by hand", "": "paper"}})
    keep(out, register)
    found = last_written(out)
    assert found is not None
    assert {**found.entries} == {entry.id: entry for entry in register.entries}
    assert table(register).num_rows == len(register.entries) == len(to_json(register)["entries"])
    (out / "register" / "99991231T000000.000000Z.parquet").write_bytes(b"damaged")
    with pytest.raises(StoreError, match="cannot be read"):
        build(policy, out, TODAY)


def test_the_command(tmp_path: Path, out: Path, policy: Policy) -> None:
    files = ("--write", tmp_path / "台帳.xlsx", "--write", tmp_path / "r.csv", "--parquet", tmp_path / "r.parquet")
    dry = strayscan("register", out, "--policy", tmp_path / "policy.yaml", *files, "--dry-run")
    assert (dry.returncode, (out / "register").exists(), (tmp_path / "r.csv").exists()) == (1, False, False), dry.stderr
    done = strayscan("register", out, "--policy", tmp_path / "policy.yaml", *files, "--lang", "ja")
    assert done.returncode == 1
    assert "見直し期限 2026-03-31 を経過" in done.stdout
    assert {path.name for path in tmp_path.iterdir()} >= {"台帳.xlsx", "r.csv", "r.parquet"}
    assert (tmp_path / "r.csv").read_bytes().startswith(b"\xef\xbb\xbf" + "管理番号".encode())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(("nowhere", "--policy", "p.yaml"), "nowhere"), (("out", "--policy", "p.yaml", "--write", "r.doc"), "the ending tells")],
)
def test_what_is_wrong_is_one_sentence(tmp_path: Path, out: Path, arguments: tuple[str, ...], said: str) -> None:
    (tmp_path / "p.yaml").write_text("version: 1\n")
    done = strayscan("register", *arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
    assert said in done.stderr
