"""A constructed share in which it is known what was copied from where: stores, copies of them in every disguise, and people who only look alike.

Nobody in it exists: names are put together at random, telephone numbers lie in blocks that are not given out, domains are reserved ones.
"""

from __future__ import annotations

import base64
import io
import json
import random
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from material import ENGLISH, GIVEN, GIVEN_KANA, SURNAME_KANA, SURNAMES, TOWNS
from pyarrow import parquet

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from sample_data.maker.office import canvas, open_document, workbook
from sample_data.maker.packing import zipped

FIRST = "Alice Brian Carol Derek Ellen Frank Grace Henry Irene James Karen Louis Marie Nigel Olive Peter Rosie Simon Tessa Victor".split()
LAST = "Ashworth Bradley Calloway Dunmore Eastwick Fairbourne Garrison Hathaway Ingleby Kirkwood Langdale Merriton Northcote Oakhurst Pemberton".split()
STREETS = "Maple Oak Cedar Birch Walnut Chestnut Juniper Linden".split()
HEADER = ("会員番号", "氏名", "フリガナ", "生年月日", "郵便番号", "住所", "携帯電話", "メールアドレス")
ENGLISH_HEADER = ("Member ID", "Full name", "Address", "Phone", "Email")
SWITCHBOARD = "03-0000-1000"


@dataclass(frozen=True, slots=True)
class Person:
    """One invented person. `number` makes phone and e-mail unique; names and towns repeat as they do among people."""

    number: int
    surname: str
    given: str
    surname_kana: str
    given_kana: str
    born: str
    postal: str
    address: str
    mobile: str
    email: str

    @property
    def name(self) -> str:
        return f"{self.surname} {self.given}"

    @property
    def kana(self) -> str:
        return f"{self.surname_kana} {self.given_kana}"

    @property
    def row(self) -> tuple[str, ...]:
        return (f"M{self.number:06}", self.name, self.kana, self.born, self.postal, self.address, self.mobile, self.email)


def japanese(count: int, first: int = 0, seed: int = 1) -> list[Person]:
    rng = random.Random(seed)
    people = []
    for number in range(first, first + count):
        s, g = rng.randrange(len(SURNAMES)), rng.randrange(len(GIVEN))
        people.append(
            Person(
                number,
                SURNAMES[s],
                GIVEN[g],
                SURNAME_KANA[s],
                GIVEN_KANA[g],
                f"19{rng.randrange(50, 99)}/{rng.randrange(1, 13):02}/{rng.randrange(1, 29):02}",
                f"{rng.randrange(100, 999)}-{rng.randrange(10_000):04}",
                f"{rng.choice(TOWNS)}{rng.randrange(1, 9)}-{rng.randrange(1, 30)}-{rng.randrange(1, 30)}",
                f"090-{number // 10_000:04}-{number % 10_000:04}",
                f"member{number}@example.co.jp",
            )
        )
    return people


def english(count: int, first: int = 0, seed: int = 2) -> list[Person]:
    rng = random.Random(seed)
    return [
        Person(
            number,
            rng.choice(LAST),
            rng.choice(FIRST),
            "",
            "",
            f"19{rng.randrange(50, 99)}-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}",
            "",
            f"{rng.randrange(1, 999)} {rng.choice(STREETS)} Street, Springfield, IL {rng.randrange(62700, 62799)}",
            f"+1 217-555-{100 + number % 100:04}"
            if number < 100
            else f"+1 {200 + number // 10_000 % 700}-{200 + number % 700}-{number % 10_000:04}",
            f"client{number}@example.com",
        )
        for number in range(first, first + count)
    ]


# --------------------------------------------------------------------------- disguises

Rows = Sequence[Sequence[str]]


def delimited(rows: Rows, delimiter: str = ",") -> str:
    """CSV in which only what needs it is quoted."""

    def cell(value: str) -> str:
        return '"' + value.replace('"', '""') + '"' if delimiter in value or '"' in value else value

    return "\r\n".join(delimiter.join(map(cell, row)) for row in rows) + "\r\n"


def _table(people: Sequence[Person]) -> list[tuple[str, ...]]:
    return [HEADER, *(person.row for person in people)]


def _picked(people: Sequence[Person], columns: Sequence[int], header: Sequence[str] | None = None) -> list[tuple[str, ...]]:
    names = header or [HEADER[at] for at in columns]
    return [tuple(names), *(tuple(person.row[at] for at in columns) for person in people)]


def _full_width(text: str) -> str:
    return "".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in text)


def _prose(people: Sequence[Person]) -> str:
    lines = ["本日の連絡事項です。", ""]
    for at, person in enumerate(people):
        lines.append(f"{at + 1}件目は{person.name}様です。ご住所は{person.address}、携帯電話は{person.mobile}とのことでした。")
        lines.append("至急の対応をお願いします。")
        lines.append("")
    return "\n".join(lines)


def _pdf(people: Sequence[Person]) -> bytes:
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont

    pdfmetrics.registerFont(UnicodeCIDFont("HeiseiMin-W3"))
    page, buffer = canvas()
    for start in range(0, len(people), 12):
        page.setFont("HeiseiMin-W3", 9)
        for at, person in enumerate(people[start : start + 12]):
            page.drawString(50, 780 - 60 * at, f"氏名 {person.name}   電話 {person.mobile}")
            page.drawString(50, 766 - 60 * at, f"住所 {person.address}")
            page.drawString(50, 752 - 60 * at, f"メール {person.email}")
        page.showPage()
    page.save()
    return buffer.getvalue()


def mail(body: str, attachment: tuple[str, bytes] | None = None) -> bytes:
    """A mail with a text and at most one attachment."""
    head = "From: staff@example.com\r\nTo: partner@example.com\r\nSubject: data\r\nMIME-Version: 1.0\r\n"
    text = base64.encodebytes(body.encode()).decode().replace("\n", "\r\n")
    if attachment is None:
        return f"{head}Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n{text}".encode()
    name, data = attachment
    held = base64.encodebytes(data).decode().replace("\n", "\r\n")
    return (
        f'{head}Content-Type: multipart/mixed; boundary="=_0"\r\n\r\n--=_0\r\nContent-Type: text/plain; charset=utf-8\r\n'
        f"Content-Transfer-Encoding: base64\r\n\r\n{text}\r\n--=_0\r\nContent-Type: application/octet-stream\r\n"
        f'Content-Disposition: attachment; filename="{name}"\r\nContent-Transfer-Encoding: base64\r\n\r\n{held}\r\n--=_0--\r\n'
    ).encode()


def _sqlite(people: Sequence[Person]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.sqlite3"
        base = sqlite3.connect(path)
        base.execute("create table kaiin (id text, name text, addr text, tel text, mail text)")
        base.executemany("insert into kaiin values (?,?,?,?,?)", [(p.row[0], p.name, p.address, p.mobile, p.email) for p in people])
        base.commit()
        base.close()
        return path.read_bytes()


def _sql(people: Sequence[Person]) -> bytes:
    values = ",\n".join(f"('{p.row[0]}','{p.name}','{p.address}','{p.mobile}','{p.email}')" for p in people)
    return f"INSERT INTO `members` (`id`,`name`,`address`,`tel`,`email`) VALUES\n{values};\n".encode()


def _parquet(people: Sequence[Person]) -> bytes:
    buffer = io.BytesIO()
    columns = {name: [p.row[at] for p in people] for at, name in ((1, "c1"), (5, "c2"), (7, "c3"))}
    parquet.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


def _ods(people: Sequence[Person]) -> bytes:
    def line(row: Sequence[str]) -> str:
        cells = "".join(f'<table:table-cell office:value-type="string"><text:p>{value}</text:p></table:table-cell>' for value in row)
        return f"<table:table-row>{cells}</table:table-row>"

    body = "".join(map(line, _picked(people, (1, 5, 6))))
    return open_document("spreadsheet", f'<office:spreadsheet><table:table table:name="S">{body}</table:table></office:spreadsheet>')


def _html(people: Sequence[Person]) -> bytes:
    rows = "".join("<tr>" + "".join(f"<td>{value}</td>" for value in row) + "</tr>" for row in _picked(people, (1, 6, 7)))
    return f"<html><meta charset=utf-8><body><p>一覧</p><table>{rows}</table></body></html>".encode()


def _shuffled(people: Sequence[Person]) -> list[Person]:
    people = list(people)
    random.Random(9).shuffle(people)
    return people


def _split(people: Sequence[Person]) -> list[tuple[str, ...]]:
    return [("姓", "名", "携帯電話"), *((p.surname, p.given, p.mobile) for p in people)]


def _international(people: Sequence[Person]) -> list[tuple[str, ...]]:
    return [("氏名", "TEL"), *((p.name + "様", "+81 " + p.mobile[1:]) for p in people)]


DISGUISES: dict[str, tuple[str, Callable[[Sequence[Person]], bytes]]] = {
    "as it is": ("csv", lambda p: delimited(_table(p)).encode()),
    "column order": ("csv", lambda p: delimited(_picked(p, (7, 5, 1, 6, 3))).encode()),
    "fewer columns": ("csv", lambda p: delimited(_picked(p, (1, 7))).encode()),
    "mobile numbers alone": ("csv", lambda p: delimited(_picked(p, (6,))).encode()),
    "renamed headers": ("csv", lambda p: delimited(_picked(p, (1, 6, 7), ("A", "B", "C"))).encode()),
    "no header": ("csv", lambda p: delimited(_table(p)[1:]).encode()),
    "CP932": ("csv", lambda p: delimited(_table(p)).encode("cp932")),
    "UTF-16, tabs": ("txt", lambda p: delimited(_table(p), "\t").encode("utf-16")),
    "full-width digits": ("csv", lambda p: delimited([HEADER[1:7:5], *((x.name, _full_width(x.mobile)) for x in p)]).encode()),
    "surname and given name apart": ("csv", lambda p: delimited(_split(p)).encode()),
    "name joined, +81": ("csv", lambda p: delimited(_international(p)).encode()),
    "name and address alone": ("csv", lambda p: delimited(_picked(p, (1, 5))).encode()),
    "name and birth date alone": ("csv", lambda p: delimited(_picked(p, (1, 3))).encode()),
    "shuffled rows": ("csv", lambda p: delimited(_table(_shuffled(p))).encode()),
    "Excel": ("xlsx", lambda p: workbook({"一覧": [list(row) for row in _picked(p, (1, 5, 6, 7))]})),
    "OpenDocument": ("ods", _ods),
    "JSON": ("json", lambda p: json.dumps([{"name": x.name, "contact": {"mail": x.email}} for x in p], ensure_ascii=False).encode()),
    "JSON lines": ("jsonl", lambda p: "\n".join(json.dumps({"n": x.name, "t": x.mobile}, ensure_ascii=False) for x in p).encode()),
    "HTML table": ("html", _html),
    "SQL dump": ("sql", _sql),
    "SQLite": ("sqlite3", _sqlite),
    "Parquet": ("parquet", _parquet),
    "prose": ("txt", lambda p: _prose(p).encode()),
    "PDF": ("pdf", _pdf),
    "mail": ("eml", lambda p: mail(_prose(p))),
    "CSV in a zip in a mail": ("eml", lambda p: mail("ご確認ください。", ("x.zip", zipped({"list.csv": delimited(_table(p)).encode()})))),
}
"""Name -> (ending, people -> bytes)."""

WEAK = frozenset({"name and address alone", "name and birth date alone"})
"""Disguises of which one record alone is, by default, no copy."""


# --------------------------------------------------------------------------- documents

_SUBJECTS = "甲は 乙は 受託者は 委託者は 当社は 納入者は 検査員は 担当部門は".split()
_OBJECTS = "契約書の条件を 製品の仕様を 納期の変更を 検査の結果を 支払の期日を 秘密情報の管理を 損害の範囲を 図面の改訂を 試作品の評価を 見積の内訳を".split()
_VERBS = (
    "書面で通知する 速やかに協議する 翌月末までに確認する 承諾なく変更しない 別紙のとおり定める 相手方に報告する 記録して保管する".split()
)


def contract(seed: int, sentences: int = 120) -> str:
    """A document of about 40 characters a sentence."""
    rng = random.Random(1000 + seed)
    parts = []
    for number in range(1, sentences + 1):
        if seed % 3 == 2:
            parts.append(" ".join(rng.choices(ENGLISH, k=9)) + f" under item {rng.randrange(1000)}.")
        else:
            parts.append(
                f"第{number}項 {rng.choice(_SUBJECTS)}{rng.choice(_OBJECTS)}{rng.randrange(1, 999)}号に基づき{rng.choice(_VERBS)}。"
            )
    return "\n".join(parts)


FORM = "この文書は社外秘です。許可なく複製または転載することを禁じます。ご不明な点は総務部までお問い合わせください。" * 8


def lightly_changed(text: str, seed: int = 0) -> str:
    """A change in every hundred characters, other line breaks, other widths."""
    rng = random.Random(seed)
    chars = list(text)
    for at in range(60, len(chars) - 40, 100):
        chars[at + rng.randrange(10)] = rng.choice("改訂版新")
    joined = "".join(chars).replace("\n", "")
    wrapped = "\n".join(joined[at : at + 35] for at in range(0, len(joined), 35))
    return wrapped.translate({ord(c): ord(c) + 0xFEE0 for c in "0123456789"})
