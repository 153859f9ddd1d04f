"""Rows of four makes of dumps, with their columns' names; whatever is no row is text."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.extract import sniff, sql_dump
from scanner.extract.budget import FileBudget
from scanner.extract.text import Aside
from scanner.model import Blob
from tests.unit.extract.reading import Reading, Sheet, read

Make = Callable[..., Blob]
Read = Callable[..., Reading]

MYSQL = r"""-- MySQL dump 10.13 for admin@example.com
/*!40101 SET NAMES utf8 */;
CREATE TABLE `users` (
  `id` int(11) NOT NULL, -- user's id
  `name` varchar(50) DEFAULT '(none), x',
  `price` decimal(10,2),
  PRIMARY KEY (`id`),
  KEY `k` (`name`)
) ENGINE=InnoDB COMMENT='call 03-0000-0000';
LOCK TABLES `users` WRITE;
INSERT INTO `users` VALUES (1,'O\'Brien; (x), \\',1.5),(2,'山田\n太郎',NULL),
(3,_binary 'bin',0xE5B1B1E794B0);
INSERT INTO `users` VALUES (4,'a"b',-1.5e3),(5,'short');
UNLOCK TABLES;
"""
POSTGRES = r"""-- PostgreSQL database dump
SET standard_conforming_strings = on;
CREATE TABLE public.customers (
    id integer NOT NULL,
    name character varying(50),
    "Birth Date" date,
    CONSTRAINT c CHECK (id > 0)
);
COPY public.customers (id, name, "Birth Date") FROM stdin;
1	山田\t太郎	1990-01-01
2	\N	c:\\x
3	too few
\.

INSERT INTO public.customers VALUES (3, 'It''s', '1990-01-01'::date);
INSERT INTO customers (id, name) VALUES (4, E'a\'b\nc'), (5, 'multi
line \'), (6, 'x');
SELECT pg_catalog.setval('x', 1);
"""
SQL_SERVER = """USE [db]
GO
SET IDENTITY_INSERT [dbo].[Customers] ON
INSERT [dbo].[Customers] ([Id], [Full Name], [Created]) VALUES (1, N'山田 太郎', CAST(N'2020-01-01T00:00:00.000' AS DateTime))
INSERT [dbo].[Customers] ([Id], [Full Name], [Created]) VALUES (2, N'O''Neil', NULL)
GO
INSERT [dbo].[Orders] ([Id]) VALUES (7)
PRINT 'taro@example.com'
"""
ORACLE = """REM INSERTING into HR.EMP
SET DEFINE OFF;
Insert into HR.EMP ("ID",NAME,BORN,NOTE) values (1,'山田',to_date('90-01-01','RR-MM-DD'),q'[it's (ok)]');
INSERT ALL
  INTO t (a, b) VALUES (1, 'x')
  INTO t (a, b) VALUES (2, 'y' || 'z')
  INTO u (c) VALUES (UNISTR('\\5C71'))
SELECT * FROM dual;
"""


@pytest.fixture
def dump(blob: Make, budget: FileBudget) -> Read:
    return lambda text, codec="utf-8": read(blob(text.encode(codec), "x.sql"), sniff.SQL, budget)


def sheet(reading: Reading, place: str) -> Sheet:
    (found,) = (each for each in reading.sheets if each.place == place)
    return found


def test_mysql(dump: Read) -> None:
    reading = dump(MYSQL)
    assert reading.sheet.header == ("id", "name", "price")
    assert reading.sheet.place == "users"
    assert reading.sheet.cells == [["1", "O'Brien; (x), \\", "1.5"], ["2", "山田\n太郎", ""], ["3", "bin", "山田"], ["4", 'a"b', "-1.5e3"]]
    assert reading.sheet.rows == [1, 2, 3, 4]
    assert reading.sheet.lines == [11, 11, 12, 13]
    for piece in ("admin@example.com", "call 03-0000-0000", "(5,'short')", "user's id"):
        assert piece in reading.all_text


def test_postgres(dump: Read) -> None:
    reading = dump(POSTGRES)
    first = sheet(reading, "public.customers")
    assert first.header == ("id", "name", "Birth Date")
    assert first.cells == [["1", "山田\t太郎", "1990-01-01"], ["2", "", "c:\\x"], ["3", "It's", "1990-01-01"]]
    assert first.lines == [10, 11, 15]
    second = sheet(reading, "customers")
    assert second.header == ("id", "name")
    assert second.cells == [["4", "a'b\nc"], ["5", "multi\nline \\"], ["6", "x"]]
    assert second.lines == [16, 16, 17]
    assert "3\ttoo few" in reading.all_text


def test_sql_server(dump: Read) -> None:
    reading = dump(SQL_SERVER, codec="utf-16")
    first = sheet(reading, "dbo.Customers")
    assert first.header == ("Id", "Full Name", "Created")
    assert first.cells == [["1", "山田 太郎", "2020-01-01T00:00:00.000"], ["2", "O'Neil", ""]]
    assert first.lines == [4, 5]
    assert sheet(reading, "dbo.Orders").cells == [["7"]]
    assert "taro@example.com" in reading.all_text


def test_oracle(dump: Read) -> None:
    reading = dump(ORACLE)
    assert sheet(reading, "HR.EMP").header == ("ID", "NAME", "BORN", "NOTE")
    assert sheet(reading, "HR.EMP").cells == [["1", "山田", "90-01-01", "it's (ok)"]]
    assert sheet(reading, "t").cells == [["1", "x"], ["2", "yz"]]
    assert sheet(reading, "u").cells == [["山"]]


def test_a_backslash_escapes_in_mysql_only(dump: Read) -> None:
    assert dump("SET x = 1;\nINSERT INTO t (a, b) VALUES ('c:\\', 'd');\n").sheet.cells == [["c:\\", "d"]]
    assert dump("-- MySQL dump\nINSERT INTO `t` (a, b) VALUES ('c\\'', 'd\\\\');\n").sheet.cells == [["c'", "d\\"]]


def test_tables_filled_by_turns_are_each_one(dump: Read) -> None:
    text = "".join(f"INSERT INTO t{number % 3} (a, b) VALUES ({number}, 'v{number}');\n" for number in range(900))
    reading = dump(text)
    assert sorted(str(each.place) for each in reading.sheets) == ["t0", "t1", "t2"]
    assert all(each.rows == list(range(1, 301)) for each in reading.sheets)
    assert sheet(reading, "t2").lines[:2] == [3, 6]
    assert not reading.texts


def test_a_long_dump_in_a_small_window(dump: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql_dump, "_LOOK", 500)
    rows = ",\n".join(f"({number},'名前{number}',NULL)" for number in range(3000))
    reading = dump(f"-- MySQL dump\nINSERT INTO `t` (a, b, c) VALUES {rows};\n")
    cells = [row for each in reading.sheets for row in each.cells]
    assert cells == [[str(number), f"名前{number}", ""] for number in range(3000)]
    assert [line for each in reading.sheets for line in each.lines] == list(range(2, 3002))


@pytest.mark.parametrize(
    "text", ["INSERT INTO t VALUES (1, 'open", "INSERT INTO t VALUES (", "COPY t FROM stdin;\n1\t2", "CREATE TABLE t (a", "/* open", "'"]
)
def test_what_is_cut_is_kept(dump: Read, text: str) -> None:
    reading = dump(f"SET a = 1;\n{text}")
    kept = reading.all_text + "".join(cell for each in reading.sheets for row in each.cells for cell in row)
    for word in ("open", "1"):
        assert kept.count(word) >= f"SET a = 1;{text}".count(word)


VALUES = st.lists(st.text(alphabet="a'\\\n,();-山", max_size=8), min_size=2, max_size=2)


@given(rows=st.lists(VALUES, min_size=1, max_size=8), mysql=st.booleans())
@settings(max_examples=150, deadline=None, derandomize=True)
def test_any_string_is_read_back(rows: list[list[str]], mysql: bool) -> None:
    def literal(value: str) -> str:
        if not mysql:
            return "'" + value.replace("'", "''") + "'"
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") + "'"

    values = ",".join("(" + ",".join(map(literal, row)) + ")" for row in rows)
    head = "-- MySQL dump\n" if mysql else "-- PostgreSQL database dump\n"
    aside = Aside()
    script = sql_dump._Script(iter([f"{head}INSERT INTO t (a, b) VALUES {values};\n"]), aside)
    got = [row for group in script.groups() if group is not None for row in group.cells]
    assert got == rows
