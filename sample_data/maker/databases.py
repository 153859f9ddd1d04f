"""Extracts of databases: SQLite, Parquet, Arrow, ORC, and dumps of four dialects of SQL."""

from __future__ import annotations

import io
import sqlite3
import struct
from collections.abc import Iterator

from .people import CLIENTS, PEOPLE
from .share import Made, columns

HEADER = ("id", "shimei", "tel", "email", "jusho")
KINDS = {"shimei": "PERSON", "tel": "PHONE_NUMBER", "email": "EMAIL_ADDRESS", "jusho": "ADDRESS"}
EN_HEADER = ("id", "full_name", "phone", "email")
EN_KINDS = {"full_name": "PERSON", "phone": "PHONE_NUMBER", "email": "EMAIL_ADDRESS"}


def made() -> Iterator[Made]:
    rows = [[str(at), p.name, p.mobile, p.email, p.address] for at, p in enumerate(PEOPLE, 1)]
    english = [[str(at), c.name, c.phone, c.email] for at, c in enumerate(CLIENTS, 1)]
    yield _sqlite(rows, english)
    yield from _columnar(rows)
    yield from _dumps(rows, english)


def _sqlite(rows: list[list[str]], english: list[list[str]]) -> Made:
    connection = sqlite3.connect(":memory:")
    connection.execute("create table kaiin (id integer primary key, shimei text, tel text, email text, jusho text)")
    connection.execute("create table clients (id integer primary key, full_name text, phone text, email text)")
    connection.executemany("insert into kaiin values (?, ?, ?, ?, ?)", rows)
    connection.executemany("insert into clients values (?, ?, ?, ?)", english)
    connection.commit()
    data = bytearray(connection.serialize())
    connection.close()
    struct.pack_into(">L", data, 96, 3_040_000)  # which SQLite wrote it last, whatever wrote it
    plants = columns(HEADER, rows, KINDS, "kaiin") + columns(EN_HEADER, english, EN_KINDS, "clients")
    return Made("leaky/基幹/app.sqlite3", bytes(data), plants, len(rows) + len(english), made_with=("sqlite",))


def _columnar(rows: list[list[str]]) -> Iterator[Made]:
    import pyarrow as pa
    import pyarrow.parquet as pq
    from pyarrow import orc

    table = pa.table({name: [row[at] for row in rows] for at, name in enumerate(HEADER)})
    plants = columns(HEADER, rows, KINDS)
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="snappy")
    yield Made("leaky/analytics/members.parquet", buffer.getvalue(), plants, len(rows), made_with=("pyarrow",))
    buffer = io.BytesIO()
    with pa.ipc.new_file(buffer, table.schema) as writer:
        writer.write_table(table)
    yield Made("leaky/analytics/members.arrow", buffer.getvalue(), plants, len(rows), made_with=("pyarrow",))
    buffer = io.BytesIO()
    orc.write_table(table, buffer, compression="zlib")
    yield Made("leaky/analytics/members.orc", buffer.getvalue(), plants, len(rows), made_with=("pyarrow",))


def _dumps(rows: list[list[str]], english: list[list[str]]) -> Iterator[Made]:
    plants = columns(HEADER, rows, KINDS, "kaiin")
    yield Made("leaky/基幹/mysqldump.sql", _mysql(rows).encode(), plants, len(rows), encoding="utf-8")
    plants = columns(EN_HEADER, english, EN_KINDS, "public.clients")
    yield Made("leaky/基幹/pg_dump.sql", _postgres(english).encode(), plants, len(english))
    plants = columns(HEADER, rows, KINDS, "dbo.Kaiin")
    text = _sql_server(rows)
    yield Made("leaky/基幹/sqlserver.sql", b"\xff\xfe" + text.encode("utf-16-le"), plants, len(rows), encoding="utf-16-le")
    upper = {name.upper(): kind for name, kind in KINDS.items()}
    plants = columns(tuple(map(str.upper, HEADER)), rows, upper, "SALES.KAIIN")
    yield Made("leaky/基幹/oracle.sql", _oracle(rows).encode("cp932"), plants, len(rows), encoding="cp932")


def _quoted(row: list[str], mark: str = "") -> str:
    number, *texts = row
    quoted = [mark + "'" + text.replace("'", "''") + "'" for text in texts]
    return f"({number},{','.join(quoted)})"


def _mysql(rows: list[list[str]]) -> str:
    made = ",\n".join(f"  `{name}` " + ("int NOT NULL" if name == "id" else "varchar(255)") for name in HEADER)
    values = ",".join(map(_quoted, rows))
    return (
        "-- MySQL dump 10.13  Distrib 8.0.36\n--\n-- Host: localhost    Database: crm\n/*!40101 SET NAMES utf8mb4 */;\n"
        f"DROP TABLE IF EXISTS `kaiin`;\nCREATE TABLE `kaiin` (\n{made}\n) ENGINE=InnoDB;\nINSERT INTO `kaiin` VALUES {values};\n"
    )


def _postgres(rows: list[list[str]]) -> str:
    lines = "".join("\t".join(row) + "\n" for row in rows)
    return (
        "--\n-- PostgreSQL database dump\n--\n\nSET client_encoding = 'UTF8';\n\n"
        "CREATE TABLE public.clients (\n    id integer NOT NULL,\n    full_name text,\n    phone text,\n    email text\n);\n\n"
        f"COPY public.clients (id, full_name, phone, email) FROM stdin;\n{lines}\\.\n\n"
    )


def _sql_server(rows: list[list[str]]) -> str:
    inserts = "".join(f"INSERT [dbo].[Kaiin] ([{'], ['.join(HEADER)}]) VALUES {_quoted(row, 'N')}\r\n" for row in rows)
    return f"USE [Crm]\r\nGO\r\nSET IDENTITY_INSERT [dbo].[Kaiin] ON\r\n{inserts}GO\r\n"


def _oracle(rows: list[list[str]]) -> str:
    names = '","'.join(name.upper() for name in HEADER)
    inserts = "".join(f'Insert into SALES.KAIIN ("{names}") values {_quoted(row)};\n' for row in rows)
    return f"REM INSERTING into SALES.KAIIN\nSET DEFINE OFF;\n{inserts}COMMIT;\n"
