"""Mails and mail folders: names as they were meant, bodies and attachments at any depth, broken and hostile ones."""

from __future__ import annotations

import base64
import io
import quopri
from collections.abc import Callable
from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.extract.budget import FileBudget
from scanner.extract.mail import Mail, MailFolder
from scanner.extract.mime import decode_words, parameters
from scanner.model import Blob, Gap, Limits, Location, Reason, Text, Unread, Unreadable

Make = Callable[..., Blob]


def read(blob: Blob, budget: FileBudget, reader: Mail | MailFolder | None = None) -> list[tuple[str, Any]]:
    seen: list[tuple[str, Any]] = []
    for item in (reader or Mail()).extract(blob, "", budget):
        if isinstance(item, Blob):
            with item.open() as stream:
                data = stream.read()
            assert len(data) == item.size
            seen.append((item.location.member[-1], data))
        elif isinstance(item, Unread):
            seen.append((item.location.member[-1], item.reason))
        elif isinstance(item, Gap):
            seen.append(("gap", item.reason))
        else:
            assert isinstance(item, Text)
            seen.append((str(item.place), item.text))
    return seen


# --------------------------------------------------------------------------- words


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"plain", "plain"),
        (b"=?ISO-2022-JP?B?GyRCOzNFREJATzobKEI=?= <taro@example.jp>", "山田太郎 <taro@example.jp>"),
        (b"=?utf-8?q?M=C3=BCller_Hans?=", "Müller Hans"),
        (b"=?Shift_JIS?B?" + base64.b64encode("①髙橋".encode("cp932")) + b"?=", "①髙橋"),
        ("山田太郎".encode("cp932") + b" <taro@example.jp>", "山田太郎 <taro@example.jp>"),
        ("山田太郎さん".encode(), "山田太郎さん"),
        (b"\x1b$B;3EDB@O:\x1b(B", "山田太郎"),
        (b"a =?utf-8?q?b?= =?utf-8?q?c?= d", "a bc d"),
        (b"=?utf-8?B?!!!?=", ""),
        (b"=?no-such-charset?B?YWJj?=", "abc"),
    ],
)
def test_headers_say_what_was_meant(value: bytes, text: str) -> None:
    assert decode_words(value) == text


def test_a_character_cut_between_two_words_is_made_whole() -> None:
    raw = "山田太郎".encode()
    words = b" ".join(b"=?UTF-8?B?" + base64.b64encode(piece) + b"?=" for piece in (raw[:4], raw[4:]))
    assert decode_words(words) == "山田太郎"


@pytest.mark.parametrize(
    "value",
    [
        b'attachment; filename="=?UTF-8?B?' + base64.b64encode("顧客表.csv".encode()) + b'?="',
        b"attachment; filename*=UTF-8''%E9%A1%A7%E5%AE%A2%E8%A1%A8.csv",
        b"attachment; filename*0*=UTF-8''%E9%A1%A7%E5; filename*1*=%AE%A2%E8%A1%A8; filename*2=.csv",
        b"attachment; filename*=Shift_JIS'ja'" + "".join(f"%{byte:02X}" for byte in "顧客表.csv".encode("cp932")).encode(),
        b'attachment; filename="' + "顧客表.csv".encode("cp932") + b'"; size=3',
        b'attachment; filename="' + "顧客表.csv".encode() + b'"',
        b'attachment; filename="' + "顧客表.csv".encode("iso2022_jp") + b'"; size=3',
        b'attachment; size=3; filename="=?ISO-2022-JP?B?' + base64.b64encode("顧客表.csv".encode("iso2022_jp")) + b'?="',
    ],
)
def test_file_names_in_every_spelling(value: bytes) -> None:
    assert parameters(value)["filename"] == "顧客表.csv"


def test_a_backslash_that_is_half_a_character_escapes_nothing() -> None:
    value = b'attachment; filename="' + "顧客表".encode("cp932") + b'"; size=3'
    assert parameters(value) == {"filename": "顧客表", "size": "3"}


def test_quotes_and_semicolons_inside_values() -> None:
    assert parameters(rb'a/b; name="x;\"y\".txt"; charset = UTF-8 ; boundary=q') == {
        "name": 'x;"y".txt',
        "charset": "UTF-8",
        "boundary": "q",
    }


# --------------------------------------------------------------------------- mails


def test_names_of_mails_are_nobodys_mailbox(blob: Make, budget: FileBudget) -> None:
    noise = b"Message-ID: <1@example.com>\r\nReferences: <2@example.com>\r\n <3@example.com>\r\n"
    data = b"From: a@example.com\r\n" + noise + b"To: b@example.com\r\n\r\nx"
    text = next(item for item in Mail().extract(blob(data, "m.eml"), "message/rfc822", budget) if isinstance(item, Text)).text
    assert text.splitlines() == ["From: a@example.com", "", "", "", "To: b@example.com"]


def test_bodies_and_attachments_are_members_with_what_the_mail_says_of_them(blob: Make, budget: FileBudget) -> None:
    mail = EmailMessage()
    mail["From"] = "山田太郎 <taro@example.jp>"
    mail["Subject"] = "名簿"
    mail.set_content("電話 03-0000-0000\n", charset="iso-2022-jp", cte="7bit")
    mail.add_alternative("<p>こんにちは</p>", subtype="html", cte="quoted-printable")
    mail.add_attachment("氏名\n山田\n".encode("cp932"), maintype="text", subtype="csv", filename="名簿.csv")
    mail.add_attachment(b"x", maintype="application", subtype="pdf")
    items = list(Mail().extract(blob(mail.as_bytes()), "message/rfc822", budget))
    headers = items[0]
    assert isinstance(headers, Text)
    assert headers.place == "headers"
    assert "From: 山田太郎 <taro@example.jp>\nSubject: 名簿\n" in headers.text
    described = {item.location.member[-1]: (item.declared_type, item.declared_charset) for item in items[1:] if isinstance(item, Blob)}
    assert described == {
        "body.txt": ("text/plain", "iso-2022-jp"),
        "body.html": ("text/html", "utf-8"),
        "名簿.csv": ("text/csv", None),
        "attachment-2.pdf": ("application/pdf", None),
    }
    seen = dict(read(blob(mail.as_bytes()), budget))
    assert seen["body.txt"] == "電話 03-0000-0000\n".encode("iso2022_jp")
    assert seen["body.html"].strip() == "<p>こんにちは</p>".encode()
    assert seen["名簿.csv"] == "氏名\n山田\n".encode("cp932")


def test_header_lines_keep_their_numbers(blob: Make, budget: FileBudget) -> None:
    data = b"From: a@example.jp\r\nTo: b@example.jp,\r\n\tc@example.jp\r\nCc: d@example.jp\r\n\r\nbody"
    seen = read(blob(data), budget)
    assert seen == [("headers", "From: a@example.jp\nTo: b@example.jp,\tc@example.jp\n\nCc: d@example.jp"), ("body.txt", b"body")]


def test_what_stands_before_the_headers_does_not_hide_them(blob: Make, budget: FileBudget) -> None:
    (headers, _) = Mail().extract(blob(b"\xef\xbb\xbf\r\n\nSubject: x\n\nbody"), "message/rfc822", budget)
    assert headers == Text("Subject: x", "headers", 3)


def test_forwarded_mails_are_members(blob: Make, budget: FileBudget) -> None:
    inner = EmailMessage()
    inner["Subject"] = "inner"
    inner.set_content("inner body")
    outer = EmailMessage()
    outer["Subject"] = "outer"
    outer.set_content("outer body")
    outer.add_attachment(inner)
    seen = dict(read(blob(outer.as_bytes()), budget))
    assert set(seen) == {"headers", "body.txt", "message-1.eml"}
    assert dict(read(blob(seen["message-1.eml"]), budget))["body.txt"] == b"inner body\n"


def multipart(*parts: bytes, closing: bytes = b"--B--\r\n", kind: bytes = b"mixed") -> bytes:
    head = b"From: a@example.jp\r\nContent-Type: multipart/" + kind + b'; boundary="B"\r\n\r\n'
    return head + b"".join(b"--B\r\n" + part + b"\r\n" for part in parts) + closing


def test_text_outside_the_parts_is_read_too(blob: Make, budget: FileBudget) -> None:
    data = multipart(b"\r\none").replace(b"\r\n\r\n--B", b"\r\n\r\ntaro@example.jp\r\n--B", 1) + b"jiro@example.jp"
    assert read(blob(data), budget)[1:] == [
        ("preamble.txt", b"taro@example.jp"),
        ("body.txt", b"one"),
        ("epilogue.txt", b"jiro@example.jp"),
    ]
    stock = multipart(b"\r\none").replace(b"\r\n\r\n--B", b"\r\n\r\nThis is a multi-part message in MIME format.\r\n--B", 1)
    assert read(blob(stock), budget)[1:] == [("body.txt", b"one")]


def test_a_boundary_that_begins_another_is_not_taken_for_it(blob: Make, budget: FileBudget) -> None:
    inner = b'Content-Type: multipart/alternative; boundary="B2"\r\n\r\n--B2\r\n\r\ntext\r\n--B2--'
    assert read(blob(multipart(inner, b"\r\nlast --B not a line\r\nx--B\r\ny")), budget)[1:] == [
        ("body.txt", b"text"),
        ("body.txt#2", b"last --B not a line\r\nx--B\r\ny"),
    ]


def test_a_cut_mail_says_so(blob: Make, budget: FileBudget) -> None:
    assert read(blob(multipart(b"\r\none", b"\r\ntwo", closing=b"")), budget)[1:] == [
        ("body.txt", b"one"),
        ("body.txt#2", b"two\r\n"),
        ("gap", Reason.TRUNCATED),
    ]
    assert read(blob(multipart(closing=b"taro@example.jp")), budget)[1:] == [("gap", Reason.TRUNCATED), ("body.txt", b"taro@example.jp")]


def test_broken_base64_gives_what_it_has_and_says_so(blob: Make, budget: FileBudget) -> None:
    coded = base64.encodebytes(b"taro@example.jp\n" * 100)
    head = b"Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    assert read(blob(multipart(head + coded)), budget)[1:] == [("body.txt", b"taro@example.jp\n" * 100)]
    broken = read(blob(multipart(head + coded[:400] + b"***" + coded[400:])), budget)[1:]
    assert broken == [("body.txt", b"taro@example.jp\n" * 100), ("gap", Reason.DAMAGED)]
    assert read(blob(multipart(head + b"YWJj=ZGVm\r\nYQ==YWI=")), budget)[1:] == [("body.txt", b"abcdefaab")]
    assert read(blob(multipart(head + b"YWJjY===")), budget)[1:] == [("body.txt", b"abc"), ("gap", Reason.DAMAGED)]
    assert read(blob(multipart(head + b"YWJj====")), budget)[1:] == [("body.txt", b"abc")]
    assert read(blob(multipart(head + b"!")), budget)[1:] == [("body.txt", Reason.DAMAGED), ("gap", Reason.DAMAGED)]


def test_quoted_printable_and_uuencoded_payloads(blob: Make, budget: FileBudget) -> None:
    text = ("名前=山田\n" * 50_000).encode()
    quoted = b"Content-Transfer-Encoding: Quoted-Printable\r\n\r\n" + quopri.encodestring(text).rstrip(b"\n")
    assert read(blob(multipart(quoted)), budget)[1][1] == text.rstrip(b"\n")
    uu = b"Content-Transfer-Encoding: x-uuencode\r\nContent-Disposition: attachment; filename=a.txt\r\n\r\n"
    uu += b"begin 644 a.txt\r\n#86)C\r\n`\r\nend"
    assert read(blob(multipart(uu)), budget)[1:] == [("a.txt", b"abc")]


def test_an_unknown_transfer_encoding_is_a_gap(blob: Make, budget: FileBudget) -> None:
    part = b"Content-Transfer-Encoding: x-secret\r\n\r\ntaro@example.jp"
    assert read(blob(multipart(part)), budget)[1:] == [("body.txt", b"taro@example.jp"), ("gap", Reason.UNKNOWN_FORMAT)]


def test_encrypted_mail_is_said_to_be_so(blob: Make, budget: FileBudget) -> None:
    pgp = multipart(
        b"Content-Type: application/pgp-encrypted\r\n\r\nVersion: 1", b"Content-Type: application/octet-stream\r\n\r\nxx", kind=b"encrypted"
    )
    assert read(blob(pgp), budget)[1:] == [("attachment-1.bin", Reason.ENCRYPTED)]
    inline = b"From: a@example.jp\n\n-----BEGIN PGP MESSAGE-----\n\nxx\n-----END PGP MESSAGE-----\n"
    assert read(blob(inline), budget)[1:] == [("body.txt", Reason.ENCRYPTED)]
    der = base64.b64encode(bytes.fromhex("3080") + bytes.fromhex("06092a864886f70d010703") + bytes(50))
    smime = b"Content-Type: application/pkcs7-mime; name=smime.p7m\nContent-Transfer-Encoding: base64\n\n" + der
    assert read(blob(smime), budget)[1:] == [("smime.p7m", Reason.ENCRYPTED)]


def test_what_lies_elsewhere_is_not_fetched(blob: Make, budget: FileBudget) -> None:
    part = b'Content-Type: message/external-body; access-type=URL; URL="http://example.com/x"\r\n\r\nContent-Type: text/plain\r\n\r\n'
    assert read(blob(multipart(part)), budget)[1:] == [("gap", Reason.REMOTE_REFERENCE)]


def test_endless_nesting_ends_at_the_depth(blob: Make, make_budget: Callable[..., FileBudget]) -> None:
    data = b"X: y\n" + b"".join(b'Content-Type: multipart/mixed; boundary="B%d"\n\n--B%d\n' % (level, level) for level in range(100))
    assert ("gap", Reason.TOO_DEEP) in read(blob(data), make_budget(depth=8))


def test_names_of_attachments_cannot_be_paths(blob: Make, budget: FileBudget) -> None:
    part = b'Content-Disposition: attachment; filename="../../etc/passwd"\r\n\r\nx'
    assert read(blob(multipart(part, part)), budget)[1:] == [("passwd", b"x"), ("passwd#2", b"x")]


def test_no_mail_at_all(blob: Make, budget: FileBudget) -> None:
    for data in (b"", b"\n\n", bytes(range(128, 256)) * 100):
        with pytest.raises(Unreadable):
            read(blob(data), budget)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 5000), st.binary(max_size=10), st.booleans())
def test_no_damage_raises_anything_but_unreadable(tmp_path_factory: pytest.TempPathFactory, at: int, noise: bytes, cut: bool) -> None:
    mail = EmailMessage()
    mail["Subject"] = "名簿"
    mail.set_content("本文", charset="iso-2022-jp")
    mail.add_attachment(b"x" * 300, maintype="application", subtype="octet-stream", filename="表.csv")
    data = bytearray(mail.as_bytes())
    at %= len(data)
    data[at : at + len(noise)] = noise
    damaged = bytes(data[:at] if cut else data)
    try:
        read(
            Blob(Location("/share", "x.eml"), len(damaged), lambda: io.BytesIO(damaged)),
            FileBudget(Limits(), tmp_path_factory.getbasetemp()),
        )
    except Unreadable as stop:
        assert stop.reason is Reason.DAMAGED


# --------------------------------------------------------------------------- folders


def test_a_folder_is_split_where_messages_begin(blob: Make, budget: FileBudget) -> None:
    first = b"Subject: 1\n\nHello\nFrom here on, prose.\n\nFrom there, prose too.\n"
    quoted = b"Subject: 2\n\n>From the start\n>>From quoted\n> plain\n"
    last = b"Subject: 3\n\nend"
    line = b"From taro@example.jp Mon Jan  1 00:00:00 2024\n"
    data = line + first + b"\n" + line + quoted + b"\n" + b"From - Tue Feb 13 09:10:11 2024\n" + last
    assert read(blob(data), budget, MailFolder()) == [
        ("message-1.eml", first + b"\n"),
        ("message-2.eml", b"Subject: 2\n\nFrom the start\n>From quoted\n> plain\n\n"),
        ("message-3.eml", last),
    ]


def test_separators_across_chunks_are_seen(blob: Make, budget: FileBudget, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scanner.extract.mime.CHUNK", 17)
    message = b"From a@example.jp Mon Jan  1 00:00:00 2024\r\nSubject: x\r\n\r\nbody\r\n\r\n"
    seen = read(blob(message * 50), budget, MailFolder())
    assert seen == [(f"message-{number}.eml", b"Subject: x\r\n\r\nbody\r\n\r\n") for number in range(1, 51)]


def test_unquoting_across_chunks(blob: Make, budget: FileBudget, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scanner.extract.mail.CHUNK", 7)
    data = b"From a@example.jp Mon Jan  1 00:00:00 2024\nSubject: x\n\n" + b"line\n>From x\n" * 20
    assert read(blob(data), budget, MailFolder()) == [("message-1.eml", b"Subject: x\n\n" + b"line\nFrom x\n" * 20)]


def test_a_file_that_is_no_folder(blob: Make, budget: FileBudget) -> None:
    with pytest.raises(Unreadable):
        read(blob(b"Subject: x\n\nbody"), budget, MailFolder())
