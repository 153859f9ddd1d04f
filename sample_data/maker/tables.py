"""Tables as text: delimited, fixed width, JSON, XML, HTML and vCard."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence

from .people import CARDS, CLIENTS, PEOPLE, Client, Person, my_number
from .share import Made, Plant, columns, marked

Rows = Sequence[Sequence[str]]
KINDS = {
    "氏名": "PERSON", "フリガナ": "PERSON", "電話番号": "PHONE_NUMBER", "携帯電話": "PHONE_NUMBER", "メールアドレス": "EMAIL_ADDRESS",
    "郵便番号": "JP_POSTAL_CODE", "住所": "ADDRESS", "生年月日": "DATE_OF_BIRTH", "個人番号": "JP_MY_NUMBER", "カード番号": "CREDIT_CARD",
    "Name": "PERSON", "Phone": "PHONE_NUMBER", "E-mail": "EMAIL_ADDRESS", "Address": "ADDRESS", "Date of birth": "DATE_OF_BIRTH",
}  # fmt: skip
HEADER = ("会員番号", "氏名", "フリガナ", "電話番号", "メールアドレス", "郵便番号", "住所", "生年月日")
CLIENT_HEADER = ("Client no.", "Name", "Phone", "E-mail", "Address", "Date of birth")


def person_rows(people: Sequence[Person] = PEOPLE) -> list[list[str]]:
    """Rows under `HEADER`."""
    return [[f"M{at:05}", p.name, p.kana, p.phone, p.email, p.postal, p.address, p.born] for at, p in enumerate(people, 1)]


def client_rows(clients: Sequence[Client] = CLIENTS) -> list[list[str]]:
    """Rows under `CLIENT_HEADER`."""
    return [[f"C-{at:04}", c.name, c.phone, c.email, c.address, c.born] for at, c in enumerate(clients, 1)]


def delimited(header: Sequence[str] | None, rows: Rows, delimiter: str = ",", newline: str = "\r\n") -> str:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, delimiter=delimiter, lineterminator=newline)
    writer.writerows([header, *rows] if header else rows)
    return buffer.getvalue()


def made() -> Iterator[Made]:
    yield from _delimited_files()
    yield _broken_rows()
    yield _coded_names()
    yield _name_in_two_columns()
    yield _one_among_many_remarks()
    yield _regulated()
    yield _fixed_width()
    yield from _json_files()
    yield _xml()
    yield _html()
    yield _nested_tags()
    yield _vcard()


def _delimited_files() -> Iterator[Made]:
    rows = person_rows()
    plants = columns(HEADER, rows, KINDS)
    yield Made("leaky/営業/顧客一覧.csv", delimited(HEADER, rows).encode("utf-8-sig"), plants, len(rows), encoding="utf-8-sig")
    yield Made("leaky/営業/会員.tsv", delimited(HEADER, rows, "\t").encode("cp932"), plants, len(rows), encoding="cp932")
    clients = client_rows()
    told = columns(CLIENT_HEADER, clients, KINDS)
    yield Made("leaky/london/clients", delimited(CLIENT_HEADER, clients, newline="\n").encode(), told, len(clients), encoding="utf-8")
    title = "顧客別売上(営業部外秘)\r\n作成: 2026年4月1日\r\n\r\n"
    text = title + delimited(HEADER, rows[:6], ";")
    yield Made("leaky/営業/売上_見出しは4行目.csv", text.encode("euc_jp"), columns(HEADER, rows[:6], KINDS), 6, encoding="euc-jp")
    yield _no_header()
    yield _payroll()


def _payroll() -> Made:
    header = ("Employee", "Home phone", "SSN", "Start date")
    rows = [[CLIENTS[4].name, CLIENTS[4].phone, "536-22-8712", "2026-04-01"], [CLIENTS[5].name, CLIENTS[5].phone, "", "2026-04-01"]]
    kinds = {"Employee": "PERSON", "Home phone": "PHONE_NUMBER", "SSN": "US_SSN"}
    return Made("leaky/london/payroll.csv", delimited(header, rows).encode("cp1252"), columns(header, rows, kinds), 2)


def _no_header() -> Made:
    rows = [[p.name, p.mobile, p.email, p.address] for p in PEOPLE]
    names = ("column 1", "column 2", "column 3", "column 4")
    kinds = dict(zip(names, ("PERSON", "PHONE_NUMBER", "EMAIL_ADDRESS", "ADDRESS"), strict=True))
    return Made("leaky/営業/見出しなし.csv", delimited(None, rows).encode(), columns(names, rows, kinds), len(rows), encoding="utf-8")


def _broken_rows() -> Made:
    """A row in the middle that has not as many cells as the others."""
    odd = PEOPLE[6]
    rows = person_rows()
    text = delimited(HEADER, rows[:5]) + f"備考,{odd.name} 様の行が崩れている,{odd.mobile}\r\n" + delimited(None, rows[7:])
    plants = columns(HEADER, [*rows[:5], *rows[7:]], KINDS)
    return Made("leaky/営業/崩れた行.csv", text.encode(), (*plants, Plant("PHONE_NUMBER", (odd.mobile,)), Plant("PERSON", (odd.name,))))


def _coded_names() -> Made:
    """Column names as an old system coded them, and numbers without hyphens."""
    header = ("kaiin_cd", "shimei", "nm_kana", "tel1", "ml", "yubin", "jusho", "birth_dt")
    rows = [
        [f"M{at:05}", p.name, p.half_kana, p.mobile.replace("-", ""), p.email, p.postal, p.address, p.born.replace("-", "")]
        for at, p in enumerate(PEOPLE, 1)
    ]
    kinds = dict(zip(header[1:], [KINDS[name] for name in HEADER[1:]], strict=True))
    data = delimited(header, rows).encode("cp932")
    return Made("leaky/基幹/KAIIN_MST.csv", data, columns(header, rows, kinds), len(rows), encoding="cp932")


def _name_in_two_columns() -> Made:
    header = ("No", "姓", "名", "セイ", "メイ", "勤務地")
    rows = [[str(at), p.surname, p.given, p.surname_kana, p.given_kana, "千葉工場"] for at, p in enumerate(PEOPLE, 1)]
    plants = (
        Plant("PERSON", tuple(p.name for p in PEOPLE), None, "姓 + 名"),
        Plant("PERSON", tuple(p.kana for p in PEOPLE), None, "セイ + メイ"),
    )
    return Made("leaky/人事/出張者.csv", delimited(header, rows).encode(), plants, len(rows), encoding="utf-8")


def _one_among_many_remarks() -> Made:
    header = ("受付番号", "備考")
    rows = [[f"R{at:05}", "部品交換のうえ再発送済み" if at % 3 else "在庫なし、入荷待ち"] for at in range(1, 401)]
    email = PEOPLE[8].email
    rows[287][1] = f"返信は {email} へ希望"
    plant = Plant("EMAIL_ADDRESS", (email,), None, "備考")
    return Made("leaky/営業/修理備考.csv", delimited(header, rows).encode(), (plant,), 1, encoding="utf-8")


def _regulated() -> Made:
    header = ("氏名", "個人番号", "カード番号")
    rows = [[p.name, my_number(f"{12345678901 + 7_654_321 * at}"), CARDS[at]] for at, p in enumerate(PEOPLE[:6])]
    return Made("leaky/人事/支払調書.csv", delimited(header, rows).encode(), columns(header, rows, KINDS), 6, encoding="utf-8")


def _fixed_width() -> Made:
    """CP932, columns counted in bytes, as a host prints it; half-width kana."""
    header = ("会員CD", "氏名", "フリガナ", "電話番号", "メールアドレス")
    widths = (8, 14, 18, 15, 30)
    rows = [[f"{at:06}", p.name, p.half_kana, p.mobile, p.email] for at, p in enumerate(PEOPLE, 1)]
    lines = [
        b"".join(cell.encode("cp932").ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in [header, *rows]
    ]
    return Made("leaky/基幹/TOKUISAKI.DAT", b"\r\n".join(lines) + b"\r\n", columns(header, rows, KINDS), len(rows), encoding="cp932")


def _json_files() -> Iterator[Made]:
    tree = {
        "exported": "2026-04-01",
        "office": "London",
        "contacts": [{"name": c.name, "phones": [{"type": "direct", "number": c.phone}], "email": c.email} for c in CLIENTS],
    }
    kinds = {"name": "PERSON", "phones.number": "PHONE_NUMBER", "email": "EMAIL_ADDRESS"}
    rows = [[c.name, c.phone, c.email] for c in CLIENTS]
    yield Made(
        "leaky/web/contacts.json",
        json.dumps(tree, indent=1).encode(),
        columns(tuple(kinds), rows, kinds, "$.contacts"),
        len(rows),
        encoding="utf-8",
    )

    header = ("氏名", "電話番号", "メールアドレス")
    records = [[p.name, p.mobile, p.email] for p in PEOPLE]
    lines = [
        json.dumps({"event": "signup", "user": dict(zip(header, row, strict=True)), "at": 1_775_001_600 + at})
        for at, row in enumerate(records)
    ]
    under = {f"user.{name}": KINDS[name] for name in header}
    yield Made("leaky/web/events.jsonl", "\n".join(lines).encode() + b"\n", columns(tuple(under), records, under), len(records))


def _xml() -> Made:
    header = ("name", "tel", "mail")
    rows = [[p.name, p.phone, p.email] for p in PEOPLE[:8]]
    body = "".join(
        f'  <customer no="{at}"><name>{name}</name><tel>{tel}</tel><mail>{mail}</mail></customer>\n'
        for at, (name, tel, mail) in enumerate(rows, 1)
    )
    text = f'<?xml version="1.0" encoding="EUC-JP"?>\n<customers>\n{body}</customers>\n'
    kinds = {"name": "PERSON", "tel": "PHONE_NUMBER", "mail": "EMAIL_ADDRESS"}
    return Made("leaky/web/export.xml", text.encode("euc_jp"), columns(header, rows, kinds), encoding="euc-jp")


def _html() -> Made:
    a, b, c = PEOPLE[1], PEOPLE[9], CLIENTS[4]
    text, plants = marked(f"""<!DOCTYPE html>
<html lang="ja"><head><meta charset="Shift_JIS"><title>お問い合わせ</title></head>
<body>
<p>担当: [[PERSON:{a.name}]] <a href="mailto:{a.email}?subject=hello">メールはこちら</a></p>
<p>代理: [[PERSON:{b.name}]] 電話 <b>090</b>-0000-0110</p>
<img src="staff.jpg" alt="Ms. {c.name}, {c.phone}">
<!-- 予備の連絡先 {b.email} -->
</body></html>
""")
    plants += (
        Plant("PHONE_NUMBER", ("090-0000-0110",)),
        Plant("EMAIL_ADDRESS", (a.email,), "links"),
        Plant("PERSON", (c.name,), "attributes"),
        Plant("PHONE_NUMBER", (c.phone,), "attributes"),
        Plant("EMAIL_ADDRESS", (b.email,), "comments"),
    )
    return Made("leaky/web/contact.html", text.encode("cp932"), plants, encoding="cp932")


def _nested_tags() -> Made:
    """200,000 tags within each other, and an address at the bottom: read to the end, however deep."""
    email = PEOPLE[7].email
    text = "<html><body>" + "<b>" * 200_000 + email
    return Made("leaky/web/nested-tags.html", text.encode(), (Plant("EMAIL_ADDRESS", (email,)),), 1)


def _vcard() -> Made:
    cards = "".join(
        "BEGIN:VCARD\r\nVERSION:3.0\r\n"
        f"N:{p.surname};{p.given};;;\r\nFN:{p.name}\r\nTEL;TYPE=CELL:{p.mobile}\r\nEMAIL:{p.email}\r\n"
        f"ADR;TYPE=HOME:;;{p.address};;;{p.postal};Japan\r\nBDAY:{p.born}\r\nEND:VCARD\r\n"
        for p in PEOPLE[:5]
    )
    five = PEOPLE[:5]
    plants = (
        Plant("PERSON", tuple(p.name for p in five), None, "N"),
        Plant("PERSON", tuple(p.name for p in five), None, "FN"),
        Plant("PHONE_NUMBER", tuple(p.mobile for p in five), None, "TEL"),
        Plant("EMAIL_ADDRESS", tuple(p.email for p in five), None, "EMAIL"),
        Plant("ADDRESS", tuple(p.address for p in five), None, "ADR"),
        Plant("DATE_OF_BIRTH", tuple(p.born for p in five), None, "BDAY"),
    )
    return Made("leaky/総務/名刺.vcf", cards.encode(), plants, 5, encoding="utf-8")
