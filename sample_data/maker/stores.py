"""The approved stores, and `hr-old`, which looks like one and is none."""

from __future__ import annotations

from collections.abc import Iterator

from .databases import KINDS as CODED_KINDS
from .office import workbook
from .people import CLIENTS, PEOPLE, my_number
from .share import Made, columns
from .tables import CLIENT_HEADER, HEADER, KINDS, client_rows, delimited, person_rows


def made() -> Iterator[Made]:
    rows = person_rows()
    yield Made("stores/crm/customers.csv", delimited(HEADER, rows).encode(), columns(HEADER, rows, KINDS), len(rows), encoding="utf-8")
    clients = client_rows()
    data = workbook({"Clients": [list(CLIENT_HEADER), *clients]})
    yield Made(
        "stores/crm/clients.xlsx", data, columns(CLIENT_HEADER, clients, KINDS, "Clients"), len(clients), made_with=("openpyxl", "zlib")
    )
    yield _support_desk()

    header = ("社員番号", "氏名", "生年月日", "個人番号", "住所")
    staff = [[f"E{at:04}", p.name, p.born, my_number(f"{12345678901 + 1_234_567 * at}"), p.address] for at, p in enumerate(PEOPLE)]
    text = delimited(header, staff)
    yield Made("stores/hr/社員台帳.csv", text.encode("cp932"), columns(header, staff, KINDS), len(staff), encoding="cp932")
    trap = columns(header, staff, KINDS)
    yield Made("stores/hr-old/社員台帳_控え.csv", text.encode("cp932"), trap, len(staff), encoding="cp932", verdict="stray")


def _support_desk() -> Made:
    header = ("ticket", "full_name", "phone", "email")
    rows = [[f"T-{at:04}", c.name, c.phone, c.email] for at, c in enumerate(CLIENTS, 1)]
    kinds = {"full_name": "PERSON", **CODED_KINDS, "phone": "PHONE_NUMBER"}
    return Made("stores/crm/tickets.tsv", delimited(header, rows, "\t").encode(), columns(header, rows, kinds), len(rows), encoding="utf-8")
