"""Mails: one in ISO-2022-JP with an attachment, a folder of them, and an Outlook message."""

from __future__ import annotations

import base64
from collections.abc import Iterator

from .compound_file import attachment, compound_file, message
from .people import CLIENTS, ITO, MATSUMOTO, NAKAMURA, PEOPLE, YAMAGUCHI
from .share import Made, Plant, columns, marked
from .tables import HEADER, KINDS, delimited, person_rows


def made() -> Iterator[Made]:
    yield _eml()
    yield _mbox()
    yield _msg()


def _word(text: str) -> str:
    return f"=?ISO-2022-JP?B?{base64.b64encode(text.encode('iso2022_jp')).decode()}?="


def _eml() -> Made:
    body, plants = marked(f"[[PERSON:{ITO.name}]]です。\n名簿を送ります。電話は [[PHONE_NUMBER:{ITO.mobile}]] です。\n", member="body.txt")
    rows = person_rows(PEOPLE[:6])
    table = delimited(HEADER, rows).encode("cp932")
    name = "会員名簿.csv"
    head = (
        f"From: {_word(ITO.name)} <{ITO.email}>\r\nTo: {_word(NAKAMURA.name)} <{NAKAMURA.email}>\r\nSubject: {_word('会員名簿の件')}\r\n"
        "Date: Wed, 01 Apr 2026 09:00:00 +0900\r\nMessage-ID: <20260401@example.com>\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/mixed; boundary="=_0"\r\n\r\n'
        "--=_0\r\nContent-Type: text/plain; charset=iso-2022-jp\r\nContent-Transfer-Encoding: 7bit\r\n\r\n"
    )
    tail = (
        f'\r\n--=_0\r\nContent-Type: text/csv; name="{_word(name)}"\r\nContent-Transfer-Encoding: base64\r\n'
        f'Content-Disposition: attachment; filename="{_word(name)}"\r\n\r\n{base64.encodebytes(table).decode()}\r\n--=_0--\r\n'
    )
    data = head.encode() + body.replace("\n", "\r\n").encode("iso2022_jp") + tail.replace("\r\n", "\n").replace("\n", "\r\n").encode()
    headers = (Plant("PERSON", (ITO.name, NAKAMURA.name), "headers"), Plant("EMAIL_ADDRESS", (ITO.email, NAKAMURA.email), "headers"))
    return Made("leaky/mail/名簿の件.eml", data, headers + plants + columns(HEADER, rows, KINDS, member=name))


def _mbox() -> Made:
    mails: list[str] = []
    plants: tuple[Plant, ...] = ()
    for at, client in enumerate(CLIENTS[:3], 1):
        name = f"message-{at}.eml"
        head, in_headers = marked(
            f"From: [[PERSON:{client.name}]] <[[EMAIL_ADDRESS:{client.email}]]>\nTo: [[EMAIL_ADDRESS:info@strayscan-sample.example]]\n"
            f"Subject: Question {at}\nDate: Wed, 1 Apr 2026 09:0{at}:00 +0000\nMessage-ID: <{at}@example.com>\n",
            "headers",
            name,
        )
        body, in_body = marked(
            f"Hello,\n\nmy number is [[PHONE_NUMBER:{client.phone}]].\n\nKind regards,\n[[PERSON:{client.name}]]\n",
            member=f"{name}!body.txt",
        )
        mails.append(f"From {client.email} Wed Apr  1 09:0{at}:00 2026\n{head}\n{body}\n")
        plants += in_headers + in_body
    return Made("leaky/mail/enquiries.mbox", "".join(mails).encode(), plants)


def _msg() -> Made:
    body, plants = marked(
        f"お世話になります。\r\n[[PERSON:{YAMAGUCHI.name}]]\r\n携帯 [[PHONE_NUMBER:{YAMAGUCHI.mobile}]]\r\n", member="body.txt"
    )
    rows = person_rows(PEOPLE[:4])
    table = delimited(HEADER, rows).encode("utf-8-sig")
    data = compound_file(
        message(
            {"001A": "IPM.Note", "0037": "名簿", "0C1A": YAMAGUCHI.name, "0C1F": YAMAGUCHI.email, "5D01": YAMAGUCHI.email, "1000": body},
            recipients=[(MATSUMOTO.name, MATSUMOTO.email)],
            attachments=[attachment("名簿.csv", table)],
        )
    )
    headers = (
        Plant("EMAIL_ADDRESS", (YAMAGUCHI.email, MATSUMOTO.email), "headers"),
        Plant("PERSON", (YAMAGUCHI.name, MATSUMOTO.name), "headers"),
    )
    return Made("leaky/mail/名簿.msg", data, headers + plants + columns(HEADER, rows, KINDS, member="名簿.csv"))
