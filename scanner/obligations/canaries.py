"""Plants the drill: files of invented records in many forms, copies of a small store of their own, with what a scan must say of each.

The people do not exist: e-mail addresses lie under ``.example`` (RFC 2606), telephone numbers in blocks that are not given out.
"""

from __future__ import annotations

import base64
import csv
import gzip
import io
import json
import shutil
import sqlite3
import tempfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from scanner.findings.errors import StoreError, storing
from scanner.findings.publish import atomic_bytes
from scanner.policy.drill import MANIFEST, STORE_FOLDER, Drill

PLANTED: Final = "planted"
NOTE: Final = "README.txt"
HEADER: Final = ("会員番号", "氏名", "フリガナ", "住所", "携帯電話", "メールアドレス")
_PEOPLE: Final = (
    ("佐藤 訓一", "サトウ クンイチ", "東京都千代田区丸の内1-9-1"), ("鈴木 練子", "スズキ レンコ", "大阪府大阪市北区梅田3-1-1"),
    ("高橋 試郎", "タカハシ シロウ", "愛知県名古屋市中村区名駅1-1-4"), ("田中 験美", "タナカ ケンミ", "北海道札幌市北区北6条西4丁目1-1"),
    ("伊藤 検太", "イトウ ケンタ", "福岡県福岡市博多区博多駅中央街1-1"), ("渡辺 知世", "ワタナベ トモヨ", "宮城県仙台市青葉区中央1-1-1"),
    ("山本 見平", "ヤマモト ケンペイ", "広島県広島市南区松原町2-37"), ("中村 探子", "ナカムラ タンコ", "京都府京都市下京区東塩小路町901"),
    ("小林 査介", "コバヤシ サスケ", "兵庫県神戸市中央区加納町6-5-1"), ("加藤 明代", "カトウ アキヨ", "静岡県静岡市葵区追手町5-1"),
    ("吉田 照夫", "ヨシダ テルオ", "新潟県新潟市中央区学校町通1-602-1"), ("山田 合子", "ヤマダ アイコ", "岡山県岡山市北区大供1-1-1"),
)  # fmt: skip
Record = tuple[str, ...]
RECORDS: Final[Sequence[Record]] = tuple(
    (f"DRILL-{n:03}", name, kana, address, f"090-0000-{9000 + n:04}", f"canary{n:02}@drill.strayscan.example")
    for n, (name, kana, address) in enumerate(_PEOPLE, 1)
)
EACH: Final = 4  # records in a planted file
_TEXT: Final = (
    "This folder holds a drill of Strayscan: invented people, planted to see whether a scan finds them. Nothing in it is about anybody.\n"
    "ここにあるのは Strayscan の訓練用ファイルです。実在の人の情報は含まれていません。\n"
)


def plant(drill: Drill) -> int:
    """Plant the drill anew; how many files a scan must find. What stands in the folder and is not ours is never touched.

    Raises StoreError: the folder holds something else, or cannot be written to.
    """
    folder = drill.folder
    if folder.is_dir() and any(folder.iterdir()) and not drill.is_planted:
        raise StoreError(f"{drill.text}: the folder holds something else; the drill wants one of its own")
    with storing(folder):
        remove(drill)
        (folder / STORE_FOLDER).mkdir(parents=True)
        (folder / PLANTED).mkdir()
        canaries = []
        for number, (name, make) in enumerate(FORMS.items()):
            some = [RECORDS[(number + step) % len(RECORDS)] for step in range(EACH)]
            (folder / PLANTED / name).write_bytes(make(some))
            canaries.append({"path": f"{PLANTED}/{name}", "kinds": dict.fromkeys(KINDS.get(name, _ALWAYS), EACH), "copied": EACH})
        (folder / NOTE).write_text(_TEXT, encoding="utf-8")
        (folder / STORE_FOLDER / "members.csv").write_bytes(_csv(HEADER, RECORDS).encode("cp932"))
        atomic_bytes(folder / MANIFEST, json.dumps({"canaries": canaries}, indent=1).encode() + b"\n")
    return len(canaries)


def remove(drill: Drill) -> None:
    """Take away what was planted, and the folder if nothing else is in it. Raises OSError."""
    folder = drill.folder
    (folder / MANIFEST).unlink(missing_ok=True)
    (folder / NOTE).unlink(missing_ok=True)
    for name in (STORE_FOLDER, PLANTED):
        if (folder / name).is_dir():
            shutil.rmtree(folder / name)
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


# --------------------------------------------------------------------------- the forms


def _csv(header: Sequence[str], rows: Sequence[Record], separator: str = ",") -> str:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator)
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue()


def _shuffled(rows: Sequence[Record]) -> str:
    order = (5, 1, 4)
    return _csv([("E-mail", "お名前", "連絡先")[index] for index in range(3)], [tuple(row[at] for at in order) for row in rows], "\t")


def _wide(rows: Sequence[Record]) -> str:
    digits = str.maketrans("0123456789-", "０１２３４５６７８９－")
    return _csv(HEADER, [(*row[:3], row[3].translate(digits), row[4].translate(digits), row[5]) for row in rows])


def _split(rows: Sequence[Record]) -> str:
    return _csv(("姓", "名", "メール"), [(*row[1].split(), row[5]) for row in rows])


def _letter(rows: Sequence[Record]) -> str:
    people = "\n\n".join(f"{row[1]} 様\n〒000-0000 {row[3]}\n電話: {row[4]}\nメール: {row[5]}" for row in rows)
    return f"お客様各位\n\n訓練のお知らせ\n\n{people}\n\n以上\n"


def _log(rows: Sequence[Record]) -> str:
    return "".join(f"2026-11-28T09:00:0{n} INFO login user={row[5]} tel={row[4]} status=200\n" for n, row in enumerate(rows))


def _json_lines(rows: Sequence[Record]) -> str:
    keys = ("id", "name", "kana", "address", "phone", "email")
    return "".join(json.dumps(dict(zip(keys, row, strict=True)), ensure_ascii=False) + "\n" for row in rows)


def _xml(rows: Sequence[Record]) -> str:
    people = "".join(f"<member><name>{row[1]}</name><phone>{row[4]}</phone><email>{row[5]}</email></member>" for row in rows)
    return f'<?xml version="1.0" encoding="UTF-8"?><members>{people}</members>\n'


def _html(rows: Sequence[Record]) -> str:
    lines = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    head = "".join(f"<th>{name}</th>" for name in HEADER)
    return f'<!DOCTYPE html><meta charset="utf-8"><title>drill</title><table><tr>{head}</tr>{lines}</table>\n'


def _sql(rows: Sequence[Record]) -> str:
    values = ",\n".join("(" + ",".join(f"'{cell}'" for cell in row) + ")" for row in rows)
    table = "CREATE TABLE members (id text, name text, kana text, address text, phone text, email text);"
    return f"{table}\nINSERT INTO members VALUES\n{values};\n"


def _vcards(rows: Sequence[Record]) -> str:
    return "".join(
        f"BEGIN:VCARD\r\nVERSION:3.0\r\nN:{';'.join(row[1].split())};;;\r\nFN:{row[1]}\r\nTEL:{row[4]}\r\nEMAIL:{row[5]}\r\nEND:VCARD\r\n"
        for row in rows
    )


def _mail(rows: Sequence[Record]) -> bytes:
    attached = base64.encodebytes(_csv(HEADER, rows).encode("cp932")).decode()
    return (
        "From: drill@strayscan.example\r\nTo: drill@strayscan.example\r\nSubject: drill\r\nDate: Sat, 28 Nov 2026 09:00:00 +0900\r\n"
        'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="part"\r\n\r\n'
        "--part\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
        'A drill.\r\n--part\r\nContent-Type: text/csv; name="list.csv"\r\nContent-Transfer-Encoding: base64\r\n'
        f'Content-Disposition: attachment; filename="list.csv"\r\n\r\n{attached}\r\n--part--\r\n'
    ).encode()


def _zipped(name: str, data: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return out.getvalue()


def _sqlite(rows: Sequence[Record]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "members.sqlite"
        with sqlite3.connect(path) as database:
            database.execute("CREATE TABLE members (id, name, kana, address, phone, email)")
            database.executemany("INSERT INTO members VALUES (?, ?, ?, ?, ?, ?)", rows)
        database.close()
        return path.read_bytes()


def _workbook(rows: Sequence[Record]) -> bytes:
    import xlsxwriter

    sink = io.BytesIO()
    book = xlsxwriter.Workbook(sink, {"in_memory": True})
    sheet = book.add_worksheet("名簿")
    for line, row in enumerate([HEADER, *rows]):
        for column, cell in enumerate(row):
            sheet.write_string(line, column, cell)
    book.close()
    return sink.getvalue()


def _word(rows: Sequence[Record]) -> bytes:
    """The least that ECMA-376 asks of a document."""
    lines = "".join(f"<w:p><w:r><w:t>{line}</w:t></w:r></w:p>" for line in _letter(rows).split("\n"))
    space = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"
    parts = {
        "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/word/document.xml" ContentType="{kind}"/></Types>',
        "_rels/.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f'<Relationship Id="r1" Type="{office}" Target="word/document.xml"/></Relationships>',
        "word/document.xml": f'<w:document xmlns:w="{space}"><w:body>{lines}</w:body></w:document>',
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>{text}')
    return out.getvalue()


def _pdf(rows: Sequence[Record]) -> bytes:
    """One page in Helvetica, which has no Japanese: phones and e-mail addresses (ISO 32000-1, 7.5)."""
    lines = "".join(f"(Phone {row[4]}  Email {row[5]}) Tj T*\n" for row in rows)
    content = f"BT /F1 11 Tf 14 TL 60 760 Td\n{lines}ET"
    bodies = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        f"<< /Length {len(content)} >>\nstream\n{content}\nendstream",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    out, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(bodies, 1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n".encode()
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    size = len(bodies) + 1
    end = f"xref\n0 {size}\n0000000000 65535 f \n{table}trailer << /Size {size} /Root 1 0 R >>\nstartxref\n{len(out)}\n%%EOF\n"
    return out + end.encode()


def _encoded(make: Callable[[Sequence[Record]], str], encoding: str = "utf-8") -> Callable[[Sequence[Record]], bytes]:
    return lambda rows: make(rows).encode(encoding)


def _plain(rows: Sequence[Record]) -> str:
    return _csv(HEADER, rows)


FORMS: Final[Mapping[str, Callable[[Sequence[Record]], bytes]]] = {
    "cp932.csv": _encoded(_plain, "cp932"),
    "utf16.csv": _encoded(_plain, "utf-16"),
    "euc.csv": _encoded(_plain, "euc-jp"),
    "wide.csv": _encoded(_wide),
    "columns.tsv": _encoded(_shuffled),
    "split.csv": _encoded(_split),
    "letter.txt": _encoded(_letter),
    "access.log": _encoded(_log),
    "members.jsonl": _encoded(_json_lines),
    "members.xml": _encoded(_xml),
    "members.html": _encoded(_html),
    "dump.sql": _encoded(_sql),
    "contacts.vcf": _encoded(_vcards),
    "message.eml": _mail,
    "nested.zip": lambda rows: _zipped("inner.zip", _zipped("list.csv", _csv(HEADER, rows).encode("cp932"))),
    "packed.csv.gz": lambda rows: gzip.compress(_csv(HEADER, rows).encode(), mtime=0),
    "members.sqlite": _sqlite,
    "members.xlsx": _workbook,
    "letter.docx": _word,
    "page.pdf": _pdf,
}
"""Name of a planted file -> how it is made."""

_ALWAYS: Final = ("EMAIL_ADDRESS", "PHONE_NUMBER", "PERSON")
KINDS: Final[Mapping[str, Sequence[str]]] = {
    "access.log": ("EMAIL_ADDRESS", "PHONE_NUMBER"),
    "page.pdf": ("EMAIL_ADDRESS", "PHONE_NUMBER"),
    "split.csv": ("EMAIL_ADDRESS", "PERSON"),
}
"""Kinds that must be found where they are not `_ALWAYS`."""
