"""Outlook messages: properties of both widths, bodies of three kinds, attachments, messages inside messages."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sample_data.maker.compound_file import attachment, compound_file, message
from scanner.extract.budget import FileBudget
from scanner.extract.mail import Mail
from scanner.extract.outlook import OutlookMessage
from scanner.extract.outlook_rtf import decompress, rtf_text
from scanner.model import Blob, Gap, Limits, Location, Reason, Text, Unread, Unreadable

Make = Callable[..., Blob]
RTF = (
    rb"{\rtf1\ansi\ansicpg932{\fonttbl{\f0\fcharset128 \'82\'6c;}{\f1 Arial;}}{\info{\author taro}}"
    rb"\f0 \'8e\'52\'93\'63\\\par \u23665?\u-10179?\u-8704?\tab{\*\generator x;}end}"
)


def read(blob: Blob, budget: FileBudget) -> list[tuple[str, Any]]:
    seen: list[tuple[str, Any]] = []
    for item in OutlookMessage().extract(blob, "application/vnd.ms-outlook", budget):
        if isinstance(item, Blob):
            with item.open() as stream:
                seen.append((item.location.member[-1], stream.read()))
        elif isinstance(item, Unread):
            seen.append((item.location.member[-1], item.reason))
        elif isinstance(item, Gap):
            seen.append(("gap", item.reason))
        else:
            assert isinstance(item, Text)
            seen.append((str(item.place), item.text))
    return seen


def test_headers_bodies_and_attachments(blob: Make, budget: FileBudget) -> None:
    large = bytes(range(256)) * 40
    texts = {
        "0037": "名簿の件", "0C1A": "山田太郎", "5D01": "taro@example.jp", "0E04": "鈴木花子",
        "007D": "Received: x\r\nX-Phone: 03-0000-0000", "1000": "本文です\r\n090-0000-0000",
    }  # fmt: skip
    data = compound_file(
        message(
            texts,
            html=b"<p>body</p>",
            recipients=[("鈴木花子", "hanako@example.jp"), ("佐藤", "/O=EX/CN=SATO")],
            attachments=[attachment("名簿.csv", b"a,b\n"), attachment("..\\large.bin", large)],
        )
    )
    seen = read(blob(data), budget)
    assert seen[0] == (
        "headers",
        "Subject: 名簿の件\nFrom: 山田太郎 <taro@example.jp>\nTo: 鈴木花子\nRecipient: 鈴木花子 <hanako@example.jp>\nRecipient: 佐藤\n"
        "Received: x\nX-Phone: 03-0000-0000",
    )
    assert seen[1:] == [
        ("body.txt", "本文です\r\n090-0000-0000".encode()),
        ("body.html", b"<p>body</p>"),
        ("名簿.csv", b"a,b\n"),
        ("large.bin", large),
    ]
    assert budget.members == 4


def test_a_message_of_before_unicode_has_a_code_page(blob: Make, budget: FileBudget) -> None:
    data = compound_file(message({"0037": "表", "1000": "ｱｲｳ 山田"}, narrow="cp932", page=932, html="<p>表</p>".encode("cp932")))
    seen = read(blob(data), budget)
    assert seen[0][1] == "Subject: 表"
    assert seen[1] == ("body.txt", "ｱｲｳ 山田".encode())
    html = next(
        item for item in OutlookMessage().extract(blob(data), "", budget) if isinstance(item, Blob) and item.location.name == "body.html"
    )
    assert html.declared_charset == "cp932"


def test_a_large_attachment_is_read_sector_by_sector(blob: Make, budget: FileBudget, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scanner.extract.outlook._HELD", 4096)
    content = bytes(range(251)) * 100
    data = compound_file(message({}, attachments=[attachment("a.bin", content)]))
    assert read(blob(data), budget)[1:] == [("a.bin", content)]


def test_messages_inside_messages_become_mails(blob: Make, budget: FileBudget) -> None:
    innermost = message({"0037": "最も内側", "1000": "090-0000-0000"}, header=24)
    inner = message(
        {"0037": "内側", "1000": "本文"},
        header=24,
        attachments=[attachment("表.csv", b"x" * 5000), attachment("m", innermost, 5), attachment("away", None, 2)],
    )
    seen = dict(read(blob(compound_file(message({"0037": "外側"}, attachments=[attachment("m", inner, 5)]))), budget))
    mail = list(Mail().extract(blob(seen["message-1.eml"]), "", budget))
    assert isinstance(mail[0], Text)
    assert "Subject: 内側" in mail[0].text
    shape = [item.location.name if isinstance(item, Blob) else item.reason for item in mail[1:] if isinstance(item, Blob | Gap)]
    assert shape == ["body.txt", "表.csv", "message-1.eml", Reason.REMOTE_REFERENCE]
    for item in Mail().extract(blob(seen["message-1.eml"]), "", budget):
        if isinstance(item, Blob) and item.location.name == "message-1.eml":
            deepest = list(Mail().extract(Blob(item.location, None, lambda item=item: io.BytesIO(item.open().read())), "", budget))  # type: ignore[misc]
    assert isinstance(deepest[0], Text)
    assert "Subject: 最も内側" in deepest[0].text


def test_what_an_attachment_only_points_to_is_not_fetched(blob: Make, budget: FileBudget) -> None:
    data = compound_file(message({}, attachments=[attachment("share.xlsx", None, 2)]))
    assert read(blob(data), budget)[1:] == [("share.xlsx", Reason.REMOTE_REFERENCE)]


# --------------------------------------------------------------------------- RTF


def pack(rtf: bytes) -> bytes:
    """LZFu of literals only."""
    body = b"".join(b"\0" + rtf[start : start + 8] for start in range(0, len(rtf), 8))
    return struct.pack("<LL4sL", len(body) + 12, len(rtf), b"LZFu", 0) + body


def test_the_published_example_of_compressed_rtf() -> None:
    # MS-OXRTFCP 4.2.1 (text that refers to itself)
    crossing = bytes.fromhex("1a0000001c0000004c5a4675e2d44b51410004205758595a0d6e7d010eb0")
    assert decompress(crossing, 10**6) == b"{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}"


def test_rtf_is_text_once_its_codes_are_gone() -> None:
    assert rtf_text(RTF) == "taro山田\\\n山\U0001f600\tend"


def test_rtf_is_read_where_it_is_the_only_body(blob: Make, budget: FileBudget) -> None:
    assert ("body.txt", "taro山田\\\n山\U0001f600\tend".encode()) in read(blob(compound_file(message({}, rtf=pack(RTF)))), budget)
    both = read(blob(compound_file(message({"1000": "plain"}, rtf=pack(RTF)))), budget)
    assert [name for name, _ in both] == ["headers", "body.txt"]


def test_broken_rtf_is_a_gap(blob: Make, budget: FileBudget) -> None:
    for rtf in (b"short", pack(RTF).replace(b"LZFu", b"XXXX")):
        assert read(blob(compound_file(message({}, rtf=rtf))), budget)[1][0] == "gap"
    with pytest.raises(Unreadable) as caught:
        decompress(pack(b"x" * 10_000)[:16] + b"\xff" + b"\0\x0f" * 8 + (b"\xff" + b"\0\x0f" * 8) * 100, 5_000)
    assert caught.value.reason is Reason.TOO_LARGE


# --------------------------------------------------------------------------- broken files


def test_no_compound_file_at_all(blob: Make, budget: FileBudget) -> None:
    for data in (b"", bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600), compound_file(message({"1000": "x" * 3000}))[:1200]):
        with pytest.raises(Unreadable):
            read(blob(data), budget)


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 10**6), st.binary(min_size=1, max_size=8))
def test_no_damage_raises_anything_but_unreadable(tmp_path_factory: pytest.TempPathFactory, at: int, noise: bytes) -> None:
    inner = message({"0037": "内側", "1000": "本文"}, header=24)
    data = bytearray(
        compound_file(message({"0037": "x", "1000": "y" * 5000}, attachments=[attachment("a", b"z" * 200), attachment("m", inner, 5)]))
    )
    at %= len(data)
    data[at : at + len(noise)] = noise
    try:
        read(Blob(Location("/share", "x.msg"), len(data), lambda: io.BytesIO(data)), FileBudget(Limits(), tmp_path_factory.getbasetemp()))
    except Unreadable as stop:
        assert stop.reason in (Reason.DAMAGED, Reason.TOO_LARGE, Reason.MEMORY)
