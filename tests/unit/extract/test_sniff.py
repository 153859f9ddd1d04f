"""Types are told by content: names lie, and only settle what the content leaves open."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable

import pytest

from scanner.extract import sniff
from scanner.model import Blob, Location

Make = Callable[..., Blob]


def identify(data: bytes | str, name: str = "x") -> str:
    raw = data.encode() if isinstance(data, str) else data
    return sniff.identify(Blob(Location("/share", name), len(raw), lambda: io.BytesIO(raw)))


def zipped(**members: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in members.items():
            archive.writestr(name.replace("__", "/"), data)
    return buffer.getvalue()


def office(main: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("[Content_Types].xml", f'<Types><Override PartName="/x" ContentType="application/vnd.{main}+xml"/></Types>')
        archive.writestr("any.xml", "<x/>")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (b"", sniff.EMPTY),
        (b"\x89PNG\r\n\x1a\n" + bytes(20), sniff.PNG),
        (b"\xff\xd8\xff\xe0" + bytes(20), sniff.JPEG),
        (b"GIF89a" + bytes(20), sniff.GIF),
        (b"BM" + struct.pack("<IHHII", 100, 0, 0, 54, 40) + bytes(40), sniff.BMP),
        (b"II*\x00" + bytes(20), sniff.TIFF),
        (b"RIFF\x00\x00\x00\x00WEBP" + bytes(20), sniff.WEBP),
        (b"\x00\x00\x00\x18ftypheic" + bytes(20), sniff.HEIC),
        (b"\x00\x00\x00\x18ftypmp42" + bytes(20), "video/mp4"),
        (b"RIFF\x00\x00\x00\x00WAVE" + bytes(20), "audio/vnd.wave"),
        (b"ID3\x03\x00" + bytes(20), "audio/mpeg"),
        (b"wOF2\x00\x01\x00\x00" + bytes(20), "font/woff2"),
        (b"\x7fELF\x02\x01" + bytes(20), sniff.ELF),
        (b"MZ" + bytes(58) + struct.pack("<I", 64) + b"PE\x00\x00" + bytes(20), sniff.PE),
        (b"\xca\xfe\xba\xbe\x00\x00\x00\x34\x00\x10", sniff.JAVA_CLASS),
        (b"\x00asm\x01\x00\x00\x00", sniff.WASM),
        (b"{\\rtf1\\ansi hello}", sniff.RTF),
        (b"%PDF-1.7\n", sniff.PDF),
        (b"\r\n\xef\xbb\xbf%PDF-1.4\n", sniff.PDF),
        (b"7z\xbc\xaf\x27\x1c" + bytes(20), sniff.SEVEN_ZIP),
        (b"Rar!\x1a\x07\x01\x00" + bytes(20), sniff.RAR),
        (b"PK\x05\x06" + bytes(18), sniff.ZIP),
        (bytes(range(256)) * 10, sniff.OCTET_STREAM),
        (bytes(5000), sniff.OCTET_STREAM),
    ],
)
def test_magic(data: bytes, media_type: str) -> None:
    assert identify(data, "liar.csv") == media_type


def test_programs_are_not_told_by_two_letters() -> None:
    assert identify("MZ Corporation\nBM Trading\n") == sniff.PLAIN
    assert identify("ORC is a monster\n") == sniff.PLAIN
    assert identify("PAR1".ljust(3)[:3] + "TY list\n") == sniff.PLAIN


def test_zips_are_told_by_what_they_hold() -> None:
    assert identify(zipped(a="x"), "book.xlsx") == sniff.ZIP
    assert identify(zipped(xl__workbook="x"), "book.xlsx") == sniff.ZIP
    assert identify(office("openxmlformats-officedocument.spreadsheetml.sheet.main"), "a.dat") == sniff.XLSX
    assert identify(office("ms-excel.sheet.macroEnabled.main"), "a.zip") == sniff.XLSX
    assert identify(office("ms-excel.sheet.binary.macroEnabled.main"), "a.xlsx") == sniff.XLSB
    assert identify(office("openxmlformats-officedocument.wordprocessingml.document.main")) == sniff.DOCX
    assert identify(office("openxmlformats-officedocument.presentationml.presentation.main")) == sniff.PPTX
    assert identify(zipped(mimetype="application/vnd.oasis.opendocument.text", content="x")) == sniff.ODT
    assert identify(zipped(mimetype="application/epub+zip", content="x")) == sniff.ZIP


def test_a_cut_office_file_is_still_told() -> None:
    whole = zipped(mimetype="application/vnd.oasis.opendocument.spreadsheet", content="x" * 500)
    assert identify(whole[:200]) == sniff.ODS


JSON_LINES = '{"a": 1}\n{"a": 2}\n'


@pytest.mark.parametrize(
    ("text", "name", "media_type"),
    [
        ("id,氏名\n1,山田\n2,佐藤\n", "noextension", sniff.CSV),
        ("id\t氏名\n1\t山田\n2\t佐藤\n", "x.csv", sniff.CSV),
        ("title\n\nid;name;tel\n1;a;2\n2;b;3\n", "x", sniff.CSV),
        ("email\na@example.com\nb@example.com\n", "x.csv", sniff.CSV),
        ("email\na@example.com\nb@example.com\n", "x.txt", sniff.PLAIN),
        ("Dear Mr Smith,\n\nthank you for yours, which came,\nI think, on Monday.\nBye,\nJohn\n", "x.txt", sniff.PLAIN),
        ("import os, sys\n\ndef f(a, b):\n    return a, b\n\nprint(f(1, 2))\n", "x.py", sniff.PLAIN),
        ("2024-01-01 12:00:00,123 INFO start\n2024-01-01 12:00:01,456 INFO user x, y\n" * 5, "x.log", sniff.PLAIN),
        ("[section]\nkey=1\nother=2,3\n", "x.ini", sniff.PLAIN),
        ("[2024-01-01 10:00] started\n[2024-01-01 10:01] stopped\n", "x", sniff.PLAIN),
        ("<!DOCTYPE html><p>x</p>", "x.csv", sniff.HTML),
        ("<!-- c --><HTML lang=ja><body>x</body></HTML>", "x", sniff.HTML),
        ('<?xml version="1.0"?><a/>', "x", sniff.XML),
        ("<root><a>1</a></root>", "x", sniff.XML),
        ("<name> wrote: hello\n", "x", sniff.PLAIN),
        ('{"a": [1, 2], "b": null}', "x", sniff.JSON),
        ('[{"a": 1},\n {"a": 2}]', "x", sniff.JSON),
        (JSON_LINES, "x", sniff.NDJSON),
        ("{'a': 1}\n", "x", sniff.PLAIN),
        ("BEGIN:VCARD\nVERSION:3.0\nEND:VCARD\n", "x", sniff.VCARD),
        ("From: a@example.com\nTo: b@example.com\nSubject: x\n\nbody\n", "x", sniff.EML),
        ("From a@example.com Mon Jan  1 10:00:00 2024\nFrom: a@example.com\nSubject: x\n\nbody\n", "x", sniff.MBOX),
        ("Date: tomorrow\nPlace: Tokyo\n\nPlease come.\n", "x", sniff.PLAIN),
        ("-- MySQL dump 10.13\nINSERT INTO `a` VALUES (1,'x');\n", "x", sniff.SQL),
        ("-- PostgreSQL database dump\n\nSET x = 1;\nCOPY a (b) FROM stdin;\n1\n\\.\n", "x", sniff.SQL),
        ("USE [db]\nGO\nINSERT [dbo].[a] ([b]) VALUES (N'x')\n", "x", sniff.SQL),
        ("REM x\nSET DEFINE OFF;\nInsert into A (B) values ('x');\n", "x", sniff.SQL),
        ("Insert the disk, then\nselect a drive.\n", "x", sniff.PLAIN),
        (
            "0001  Ann       Paris   \n0002  Bob       Rome    \n0003  Carla     Oslo    \n0004  Dora      Lima    \n",
            "x",
            sniff.FIXED_WIDTH,
        ),
        (" \n\n", "x", sniff.PLAIN),
    ],
)
def test_kinds_of_text(text: str, name: str, media_type: str) -> None:
    assert identify(text, name) == media_type
    assert identify(text.encode("utf-16"), name) in (media_type, sniff.PLAIN if media_type == sniff.FIXED_WIDTH else media_type)


def test_tables_are_known_in_every_encoding() -> None:
    text = "番号,氏名,住所\r\n1,山田太郎,東京都港区\r\n2,佐藤さくら,大阪市\r\n"
    for codec in ("cp932", "euc_jp", "iso-2022-jp", "utf-8-sig", "utf-16-le", "utf-16-be"):
        assert identify(text.encode(codec)) == sniff.CSV, codec


def test_what_is_done_where_no_reader_is() -> None:
    assert sniff.kind(sniff.PNG) == "image"
    assert {sniff.kind(each) for each in ("audio/mpeg", "video/mp4", "font/ttf", sniff.ELF, sniff.PE, sniff.EMPTY)} == {"no_text"}
    assert {sniff.kind(each) for each in (sniff.DOC, sniff.PPT, sniff.RTF, sniff.RAR, sniff.OCTET_STREAM, sniff.OLE)} == {"unsupported"}
    assert {sniff.kind(each) for each in (sniff.CSV, sniff.SQLITE, sniff.GZIP, sniff.XLSX)} == {"read"}


def program(behind: bytes) -> bytes:
    """A program of one section of 64 bytes, and what was put behind it."""
    header = b"MZ" + bytes(58) + struct.pack("<I", 64) + b"PE\x00\x00" + struct.pack("<HH12xHH", 0x14C, 1, 0, 0x102)
    section = b".text\0\0\0" + struct.pack("<IIII", 64, 4096, 64, 512) + bytes(16)
    return (header + section).ljust(512, b"\0") + bytes(64) + behind


@pytest.mark.parametrize(
    ("behind", "media_type"),
    [
        (b"", sniff.PE),
        (b"signature " * 9, sniff.PE),
        (zipped(**{"a.csv": "x"}), sniff.ZIP),
        (b"stub" + b"7z\xbc\xaf\x27\x1c" + bytes(40), sniff.SEVEN_ZIP),
        (b"Rar!\x1a\x07\x00" + bytes(40), sniff.RAR),
        (b"\x22\x32-lh5-" + bytes(40), sniff.LZH),
    ],
)
def test_a_self_extracting_program_is_its_archive(behind: bytes, media_type: str) -> None:
    assert identify(program(behind), "\u81ea\u5df1\u89e3\u51cd.exe") == media_type


def test_kinds_of_archives_nobody_reads_are_unsupported() -> None:
    assert identify(b"\x22\x32-lh5-" + bytes(13) + b"\x02" + bytes(range(256))) == sniff.LZH
    assert identify("ls -lh5- is no archive\n") == sniff.PLAIN
    assert {sniff.kind(each) for each in (sniff.LZH, sniff.CAB, sniff.RAR, sniff.SEVEN_ZIP)} == {"unsupported"}


def test_a_mysql_dump_is_one_whatever_its_name() -> None:
    """Its head is versioned comments, each ended by a semicolon."""
    dump = "-- MySQL dump 10.13\n/*!40101 SET NAMES utf8mb4 */;\n/*!40103 SET TIME_ZONE='+00:00' */;\n\nDROP TABLE IF EXISTS `a`;\n"
    dump += "CREATE TABLE `a` (`id` int, `b` text);\nINSERT INTO `a` VALUES (1,'x, y'),(2,'z, w');\n"
    assert identify(dump, "backup.dat") == sniff.SQL
