"""SQLite databases: every table and cell, logs beside them, broken and hostile ones; the source is never touched."""

from __future__ import annotations

import hashlib
import io
import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from scanner.extract.budget import FileBudget
from scanner.extract.sqlite_database import SqliteDatabase
from scanner.model import Blob, Gap, Location, Reason, Table, Unreadable

Make = Callable[..., Blob]


def database(path: Path, *statements: str, values: tuple[Any, ...] = ()) -> bytes:
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement, values if "?" in statement else ())
        connection.commit()
    return path.read_bytes()


def read(blob: Blob, budget: FileBudget) -> list[Any]:
    """(table, header, {row number: cells}), (member, bytes), reasons of gaps."""
    seen: list[Any] = []
    for item in SqliteDatabase().extract(blob, "application/vnd.sqlite3", budget):
        if isinstance(item, Table):
            rows: dict[int, list[str | None]] = {}
            for batch in item.batches:
                assert all(str(field.type) == "string" for field in batch.columns.schema)
                cells = zip(*[column.to_pylist() for column in batch.columns.columns], strict=True)
                rows |= dict(zip(batch.rows.tolist(), map(list, cells), strict=True))
            seen.append((item.place, item.header, rows))
        elif isinstance(item, Blob):
            seen.append((item.location.member[-1], item.open().read()))
        else:
            assert isinstance(item, Gap)
            seen.append((item.reason, item.place))
    return seen


def test_tables_with_their_columns_and_rows(blob: Make, budget: FileBudget, tmp_path: Path) -> None:
    data = database(
        tmp_path / "a.db",
        'CREATE TABLE 顧客(氏名, "tel ""1""" REAL, n INTEGER, upper GENERATED ALWAYS AS (n + 1))',
        "INSERT INTO 顧客 VALUES ('山田太郎', 9000000000.0, 7), (NULL, 1.5, NULL)",
        "CREATE TABLE empty(a)",
        "CREATE VIEW v AS SELECT * FROM 顧客",
    )
    assert read(blob(data), budget) == [
        ("顧客", ("氏名", 'tel "1"', "n", "upper"), {2: ["山田太郎", "9000000000", "7", "8"], 3: [None, "1.5", None, None]}),
        ("empty", ("a",), {}),
    ]
    assert list(budget.temp_dir.iterdir()) == []


def test_text_that_is_not_utf8_and_blobs_that_are_text(blob: Make, budget: FileBudget, tmp_path: Path) -> None:
    name = "山田太郎 東京都千代田区"
    data = database(
        tmp_path / "a.db",
        "CREATE TABLE t(a, b, c)",
        "INSERT INTO t VALUES (CAST(? AS TEXT), ?, ?)",
        values=(name.encode("cp932"), name.encode(), random.Random(4).randbytes(16)),
    )
    assert read(blob(data), budget) == [("t", ("a", "b", "c"), {2: [name, name, None]})]


def test_files_in_cells_are_members_and_other_bytes_are_a_gap(blob: Make, budget: FileBudget, tmp_path: Path) -> None:
    pdf = b"%PDF-1.7\n" + bytes(200)
    data = database(tmp_path / "a.db", "CREATE TABLE t(a, f)", "INSERT INTO t VALUES (1, x'00'), (2, ?)", values=(pdf,))
    assert read(blob(data), budget) == [("t", ("a", "f"), {2: ["1", None], 3: ["2", None]}), ("t/f/row 3", pdf)]
    noise = random.Random(1).randbytes(500)
    data = database(tmp_path / "b.db", "CREATE TABLE t(f)", "INSERT INTO t VALUES (?)", values=(noise,))
    assert read(blob(data), budget)[1:] == [(Reason.UNKNOWN_FORMAT, "t")]


def test_full_text_tables_are_read_once(blob: Make, budget: FileBudget, tmp_path: Path) -> None:
    data = database(tmp_path / "a.db", "CREATE VIRTUAL TABLE notes USING fts5(body)", "INSERT INTO notes VALUES ('taro@example.jp')")
    assert read(blob(data), budget) == [("notes", ("body",), {2: ["taro@example.jp"]})]


def test_many_rows_come_in_batches(blob: Make, budget: FileBudget, tmp_path: Path) -> None:
    data = database(
        tmp_path / "a.db",
        "CREATE TABLE t(a)",
        "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 40001) INSERT INTO t SELECT 'v' || i FROM n",
    )
    (table,) = SqliteDatabase().extract(blob(data), "", budget)
    assert isinstance(table, Table)
    ((_, _, rows),) = read(blob(data), budget)
    assert len(rows) == 40_000
    assert all(cells == [f"v{row}"] for row, cells in rows.items())


def sibling_of(path: Path) -> Callable[[str], BinaryIO | None]:
    def sibling(suffix: str) -> BinaryIO | None:
        beside = path.with_name(path.name + suffix)
        return beside.open("rb") if beside.exists() else None

    return sibling


def live(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA wal_autocheckpoint=0")
    connection.execute("CREATE TABLE t(a)")
    connection.execute("INSERT INTO t VALUES ('only in the log')")
    connection.commit()
    return connection


def test_a_live_databases_log_is_read_and_neither_file_is_touched(budget: FileBudget, tmp_path: Path) -> None:
    path = tmp_path / "live.db"
    with closing(live(path)):
        before = {
            item: (hashlib.sha256(item.read_bytes()).digest(), item.stat().st_mtime_ns) for item in tmp_path.iterdir() if item.is_file()
        }
        blob = Blob(Location("/share", "live.db"), None, lambda: path.open("rb"), sibling=sibling_of(path))
        assert read(blob, budget) == [("t", ("a",), {2: ["only in the log"]})]
        after = {
            item: (hashlib.sha256(item.read_bytes()).digest(), item.stat().st_mtime_ns) for item in tmp_path.iterdir() if item.is_file()
        }
        assert before == after


def test_without_its_log_a_live_database_is_partial(blob: Make, budget: FileBudget, tmp_path: Path) -> None:
    path = tmp_path / "live.db"
    with closing(live(path)):
        data = path.read_bytes()
    assert read(blob(data), budget)[-1] == (Reason.LIVE_DATABASE, None)


def test_a_log_that_grows_while_it_is_copied_is_said(blob: Make, budget: FileBudget, tmp_path: Path) -> None:
    class Growing(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            data = super().read(size)
            if not data:
                self.write(b"more")
            return data

    path = tmp_path / "live.db"
    with closing(live(path)):
        data, log = path.read_bytes(), path.with_name("live.db-wal").read_bytes()
    seen = read(blob(data, sibling=lambda suffix: Growing(log) if suffix == "-wal" else None), budget)
    assert seen == [("t", ("a",), {2: ["only in the log"]}), (Reason.LIVE_DATABASE, None)]


def test_a_closed_database_in_log_mode_misses_nothing(budget: FileBudget, tmp_path: Path) -> None:
    path = tmp_path / "closed.db"
    live(path).close()
    blob = Blob(Location("/share", "closed.db"), None, lambda: path.open("rb"), sibling=sibling_of(path))
    assert read(blob, budget) == [("t", ("a",), {2: ["only in the log"]})]


def test_broken_databases(blob: Make, budget: FileBudget, tmp_path: Path) -> None:
    data = database(
        tmp_path / "a.db",
        "CREATE TABLE t(a)",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) "
        "INSERT INTO t SELECT 'taro' || i || '@example.jp' FROM n",
    )
    cut = read(blob(data[: len(data) // 2]), budget)
    assert len(cut[0][2]) > 500
    assert cut[1:] == [(Reason.DAMAGED, "t"), (Reason.TRUNCATED, None)]
    noisy = bytearray(data)
    noisy[len(data) // 2 : len(data) // 2 + 4096] = random.Random(2).randbytes(4096)
    seen = read(blob(bytes(noisy)), budget)
    assert len(seen[0][2]) > 500
    assert (Reason.DAMAGED, "t") in seen
    assert read(blob(data[:100] + random.Random(3).randbytes(5000)), budget) == [(Reason.TRUNCATED, None)]
    for broken in (b"", data[:50], b"x" * 200, data[:100] + random.Random(3).randbytes(len(data))):
        with pytest.raises(Unreadable):
            read(blob(broken), budget)
    assert list(budget.temp_dir.iterdir()) == []


def test_a_copy_larger_than_the_temp_limit_is_refused(blob: Make, make_budget: Callable[..., FileBudget], tmp_path: Path) -> None:
    data = database(tmp_path / "a.db", "CREATE TABLE t(a)")
    with pytest.raises(Unreadable) as caught:
        read(blob(data), make_budget(temp_bytes=4096))
    assert caught.value.reason is Reason.TOO_LARGE
