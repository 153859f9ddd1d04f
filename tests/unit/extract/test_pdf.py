from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import pypdfium2
import pytest
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen import canvas

from scanner.extract import sniff
from scanner.extract.budget import FileBudget
from scanner.extract.pdf import joined
from scanner.model import Reason, Unreadable
from tests.unit.extract.documents import read


def _picture() -> ImageReader:
    rows = b"".join(b"\x00" + bytes([200, 30, 30]) * 8 for _ in range(8))

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return ImageReader(io.BytesIO(data))


def _pdf(encrypt: Any = None) -> bytes:
    pdfmetrics.registerFont(UnicodeCIDFont("HeiseiMin-W3"))
    stream = io.BytesIO()
    page = canvas.Canvas(stream, encrypt=encrypt)
    page.setAuthor("田中一郎")
    page.setFont("HeiseiMin-W3", 12)
    for line, text in enumerate(["氏名 山田太郎 電話 03-0000-", "0001 メール one@", "example.com"]):
        page.drawString(72, 700 - 16 * line, text)
    page.bookmarkPage("a")
    page.addOutlineEntry("bookmark@example.com", "a")
    page.showPage()
    page.showPage()  # a blank one
    page.drawImage(_picture(), 0, 0, 595, 842)
    page.showPage()
    page.drawImage(_picture(), 0, 0, 595, 842)
    page.drawString(72, 700, "4")
    page.showPage()
    page.drawString(72, 700, "last@example.com")
    page.drawImage(_picture(), 0, 0, 20, 20)
    page.acroForm.textfield(name="mail", value="field@example.com", x=100, y=500)
    page.linkURL("mailto:link@example.com", (0, 0, 100, 100))
    page.textAnnotation("annotation@example.com", (10, 10, 50, 50))
    page.showPage()
    page.save()
    return stream.getvalue()


def test_text_by_page_and_what_lies_beside_it(budget: FileBudget) -> None:
    found = read(_pdf(), sniff.PDF, budget)
    assert found.texts["page 1"] == "氏名 山田太郎 電話 03-0000-0001 メール one@example.com"
    assert found.texts["page 5"] == "last@example.com"
    assert "field@example.com" in found.texts["page 5 fields"]
    assert "annotation@example.com" in found.texts["page 5 annotations"]
    assert found.texts["page 5 links"] == "link@example.com"
    assert found.texts["bookmarks"] == "bookmark@example.com"
    assert "author: 田中一郎" in found.texts["properties"]


def test_pages_without_a_text_layer_are_said_and_blank_ones_are_not(budget: FileBudget) -> None:
    assert read(_pdf(), sniff.PDF, budget).gaps == [("image_only", "page 3"), ("image_only", "page 4")]


def test_characters_that_pdfium_leaves_out_are_said(budget: FileBudget) -> None:
    pdfmetrics.registerFont(UnicodeCIDFont("HeiseiMin-W3"))
    stream = io.BytesIO()
    page = canvas.Canvas(stream)
    page.setFont("HeiseiMin-W3", 12)
    for index, char in enumerate("山田太郎"):
        page.drawString(100, 700 - 14 * index, char)
    page.showPage()
    page.save()
    # an ordering that no font of the machine can stand in for: with Japan1, an installed Japanese font would give the characters back
    unknown = stream.getvalue().replace(b"(Japan1)", b"(Strang)").replace(b"/UniJIS-UCS2-H", b"/Identity-H")
    assert read(unknown, sniff.PDF, budget).gaps == [("damaged", "page 1")]


def test_an_owner_password_alone_does_not_hinder(budget: FileBudget) -> None:
    assert "one@example.com" in read(_pdf(StandardEncryption("", "owner")), sniff.PDF, budget).everything


def test_attached_files_are_members(budget: FileBudget) -> None:
    document = pypdfium2.PdfDocument(io.BytesIO(_pdf()))
    attachment = document.new_attachment("名簿.csv")
    attachment.set_data(b"a@example.com")
    stream = io.BytesIO()
    document.save(stream)
    document.close()
    assert read(stream.getvalue(), sniff.PDF, budget).members == {"名簿.csv": b"a@example.com"}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (_pdf(StandardEncryption("user", "owner")), Reason.ENCRYPTED),
        (_pdf()[:3_000], Reason.TRUNCATED),
        (b"%PDF-1.7\n" + bytes(range(256)) * 20 + b"\n%%EOF", Reason.DAMAGED),
    ],
)
def test_what_cannot_be_opened(data: bytes, reason: Reason, budget: FileBudget) -> None:
    with pytest.raises(Unreadable) as caught:
        read(data, sniff.PDF, budget)
    assert caught.value.reason is reason


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("03-1234-\r\n5678", "03-1234-5678"),
        ("a@\nexample.com", "a@example.com"),
        ("a@example.\nco.jp", "a@example.co.jp"),
        ("山田\n太郎", "山田\n太郎"),
        ("10\n20", "10\n20"),
        ("03-1234\ufffe\r\n5678", "03-1234-5678"),
    ],
)
def test_only_values_that_are_plainly_cut_are_joined(text: str, line: str) -> None:
    assert joined(text) == line
