"""A small, sound sample of every media type that a reader takes, built in memory: (file name, bytes)."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import sqlite3
import tarfile
import zipfile
from collections.abc import Callable
from functools import partial

from scanner.extract import sniff

ROWS = [("1", "山田太郎", "090-0000-0001", "taro@example.com"), ("2", "佐藤花子", "090-0000-0002", "hanako@example.co.jp")]
HEADER = ("id", "氏名", "電話", "メール")
TEXT = "お世話になっております。\r\n山田太郎の電話は 090-0000-0001 です。\r\nmail: taro@example.com\r\n"
CSV = "\r\n".join([",".join(HEADER), *(",".join(row) for row in ROWS), '3,"鈴木\r\n一郎",,"x ""y"" z"', "broken"]) + "\r\n"
SQL = "CREATE TABLE `c` (`id` int, `n` text);\nINSERT INTO `c` VALUES (1,'山田\\'太郎'),(2,'taro@example.com');\n-- end\n"
VCARD = "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:山田太郎\r\nTEL;TYPE=CELL:090-0000-0001\r\nNOTE:a\\nb\r\nEND:VCARD\r\n"
EML = (
    b"From: a@example.com\r\nTo: b@example.com\r\nSubject: =?ISO-2022-JP?B?GyRCOzNFRBsoQg==?=\r\nDate: Mon, 1 Jan 2024 00:00:00 +0900\r\n"
    b'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\nContent-Type: text/plain; charset=iso-2022-jp\r\n\r\n'
    + "山田太郎".encode("iso-2022-jp")
    + b'\r\n--b\r\nContent-Type: text/csv; name="x.csv"\r\nContent-Disposition: attachment; filename="x.csv"\r\n\r\na,b\r\n1,2\r\n--b--\r\n'
)


def _zip(members: dict[str, str | bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data, zipfile.ZIP_STORED if name == "mimetype" else zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _tar() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        info = tarfile.TarInfo("名簿.csv")
        info.size = len(CSV.encode())
        archive.addfile(info, io.BytesIO(CSV.encode()))
    return buffer.getvalue()


def _xlsx() -> bytes:
    import openpyxl

    book = openpyxl.Workbook()
    for row in (HEADER, *ROWS):
        book.active.append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def _xls() -> bytes:
    import xlwt

    book = xlwt.Workbook()
    sheet = book.add_sheet("名簿")
    for at, row in enumerate((HEADER, *ROWS)):
        for column, value in enumerate(row):
            sheet.write(at, column, value)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def _docx() -> bytes:
    import docx

    document = docx.Document()
    document.add_paragraph(TEXT)
    table = document.add_table(2, 2)
    table.cell(0, 0).text, table.cell(1, 1).text = "氏名", "山田太郎"
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def _pptx() -> bytes:
    import pptx

    deck = pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[0])
    slide.shapes.title.text = "山田太郎"
    slide.notes_slide.notes_text_frame.text = "090-0000-0001"
    buffer = io.BytesIO()
    deck.save(buffer)
    return buffer.getvalue()


def _pdf() -> bytes:
    from reportlab.pdfgen import canvas

    buffer = io.BytesIO()
    page = canvas.Canvas(buffer)
    page.drawString(72, 720, "taro@example.com 090-0000-0001")
    page.save()
    return buffer.getvalue()


def _open_document(kind: str, body: str) -> bytes:
    spaces = "".join(f' xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "text", "table", "drawing"))
    content = f'<?xml version="1.0"?><office:document-content{spaces}><office:body>{body}</office:body></office:document-content>'
    return _zip({"mimetype": f"application/vnd.oasis.opendocument.{kind}", "content.xml": content})


def _ods() -> bytes:
    cells = "".join(f'<table:table-cell office:value-type="string"><text:p>{value}</text:p></table:table-cell>' for value in ROWS[0])
    row = f"<table:table-row>{cells}</table:table-row>"
    return _open_document("spreadsheet", f'<office:spreadsheet><table:table table:name="S">{row * 3}</table:table></office:spreadsheet>')


def _odt() -> bytes:
    return _open_document("text", "<office:text><text:p>山田太郎 090-0000-0001</text:p></office:text>")


def _odp() -> bytes:
    return _open_document("presentation", "<office:presentation><text:p>山田太郎</text:p></office:presentation>")


def _sqlite() -> bytes:
    connection = sqlite3.connect(":memory:")
    connection.execute("create table c (id integer, name text)")
    connection.executemany("insert into c values (?, ?)", [(row[0], row[1]) for row in ROWS])
    connection.commit()
    data = bytes(connection.serialize())
    connection.close()
    return data


def _arrow(write: Callable[[object, io.BytesIO], None]) -> bytes:
    import pyarrow as pa

    buffer = io.BytesIO()
    write(pa.table({name: [row[at] for row in ROWS] for at, name in enumerate(HEADER)}), buffer)
    return buffer.getvalue()


def _parquet() -> bytes:
    import pyarrow.parquet as pq

    return _arrow(pq.write_table)


def _orc() -> bytes:
    from pyarrow import orc

    return _arrow(orc.write_table)


def _arrow_file() -> bytes:
    import pyarrow as pa

    def write(table: object, buffer: io.BytesIO) -> None:
        with pa.ipc.new_file(buffer, table.schema) as writer:
            writer.write_table(table)

    return _arrow(write)


def _arrow_stream() -> bytes:
    import pyarrow as pa

    def write(table: object, buffer: io.BytesIO) -> None:
        with pa.ipc.new_stream(buffer, table.schema) as writer:
            writer.write_table(table)

    return _arrow(write)


def _fixed_width() -> bytes:
    def cell(value: str, width: int) -> bytes:
        return value.encode("cp932").ljust(width)

    rows = [*ROWS, ("3", "長谷川由美子", "03-0000-0000", "y@example.jp"), ("4", "林愛", "03-0000-0001", "ai@example.jp")]
    return b"".join(cell(a, 4) + cell(b, 16) + cell(c, 14) + cell(d, 24) + b"\r\n" for a, b, c, d in rows)


BUILDERS: dict[str, tuple[str, Callable[[], bytes]]] = {
    sniff.PLAIN: ("memo.txt", lambda: TEXT.encode("cp932")),
    sniff.CSV: ("list.csv", lambda: CSV.encode("euc-jp")),
    sniff.FIXED_WIDTH: ("list.dat", _fixed_width),
    sniff.JSON: ("list.json", '[{"a":"山田","b":{"c":[1,2]}},\n{"a":"\\u5c71"}, 3]'.encode),
    sniff.NDJSON: ("list.jsonl", '{"a":"山田"}\n{"a":2}\nbroken\n{"b":[{"c":1}]}\n'.encode),
    sniff.SQL: ("dump.sql", SQL.encode),
    sniff.VCARD: ("cards.vcf", VCARD.encode),
    sniff.HTML: ("page.html", f"<!DOCTYPE html><html><body><a href='mailto:taro@example.com'>{TEXT}</a></body></html>".encode),
    sniff.XML: ("data.xml", f"<?xml version='1.0'?><r><p n='x'>{TEXT}</p></r>".encode),
    sniff.EML: ("mail.eml", lambda: EML),
    sniff.MBOX: ("mail.mbox", lambda: b"From a@example.com Mon Jan  1 00:00:00 2024\n" + EML.replace(b"\r\n", b"\n") + b"\n"),
    sniff.ZIP: ("a.zip", lambda: _zip({"名簿.csv": CSV, "b/c.txt": TEXT})),
    sniff.TAR: ("a.tar", _tar),
    sniff.GZIP: ("a.csv.gz", partial(gzip.compress, CSV.encode())),
    sniff.BZIP2: ("a.csv.bz2", partial(bz2.compress, CSV.encode())),
    sniff.XZ: ("a.csv.xz", partial(lzma.compress, CSV.encode())),
    sniff.XLSX: ("a.xlsx", _xlsx),
    sniff.XLS: ("a.xls", _xls),
    sniff.DOCX: ("a.docx", _docx),
    sniff.PPTX: ("a.pptx", _pptx),
    sniff.PDF: ("a.pdf", _pdf),
    sniff.ODS: ("a.ods", _ods),
    sniff.ODT: ("a.odt", _odt),
    sniff.ODP: ("a.odp", _odp),
    sniff.SQLITE: ("a.db", _sqlite),
    sniff.PARQUET: ("a.parquet", _parquet),
    sniff.ORC: ("a.orc", _orc),
    sniff.ARROW_FILE: ("a.arrow", _arrow_file),
    sniff.ARROW_STREAM: ("a.arrows", _arrow_stream),
}
