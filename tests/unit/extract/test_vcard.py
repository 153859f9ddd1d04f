"""Cards of three versions, each a row."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from scanner.extract import sniff
from scanner.extract.budget import FileBudget
from scanner.model import Blob
from tests.unit.extract.reading import Reading, read

Make = Callable[..., Blob]


@pytest.fixture
def cards(blob: Make, budget: FileBudget) -> Callable[[bytes], Reading]:
    return lambda data: read(blob(data, "x.vcf"), sniff.VCARD, budget)


def row(reading: Reading, at: int) -> dict[str, str]:
    assert reading.sheet.header is not None
    return {name: cell for name, cell in zip(reading.sheet.header, reading.sheet.cells[at], strict=True) if cell}


def test_version_2(cards: Callable[[bytes], Reading]) -> None:
    reading = cards(
        b"BEGIN:VCARD\r\nVERSION:2.1\r\nN;CHARSET=SHIFT_JIS;ENCODING=QUOTED-PRINTABLE:=8ER=93c;=91=BE=98Y\r\n"
        b"SOUND;X-IRMC-N;CHARSET=SHIFT_JIS:\xd4\xcf\xc0\xde;\xc0\xdb\xb3;;;\r\n"
        b"ADR;HOME;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:;;1-2-3=\r\n=E6=B8=AF=E5=8C=BA;;=E6=9D=B1=E4=BA=AC;105-0000\r\n"
        b"TEL;CELL:090-0000-0001\r\nTEL;HOME:03-0000-0000\r\nPHOTO;ENCODING=BASE64;TYPE=JPEG:AAAA\r\n BBBB\r\n\r\nEND:VCARD\r\n"
    )
    assert row(reading, 0) == {
        "N": "山田 太郎",
        "KANA": "ﾔﾏﾀﾞ ﾀﾛｳ",
        "ADR": "1-2-3港区 東京 105-0000",
        "TEL": "090-0000-0001\n03-0000-0000",
    }


def test_version_4_and_lines(cards: Callable[[bytes], Reading]) -> None:
    reading = cards(
        "BEGIN:VCARD\nVERSION:3.0\nFN:A\nEND:VCARD\n\nBEGIN:VCARD\nVERSION:4.0\nFN:山田\n 太郎\n"
        'item1.TEL;TYPE="voice:x,home":tel:+81-3-0000-0000\n'
        "EMAIL:taro@example.com\nNOTE:a\\nb\\, c\nX-SKYPE:taro.y\nEND:VCARD\n".encode()
    )
    assert reading.sheet.rows == [1, 2]
    assert reading.sheet.lines == [1, 6]
    assert row(reading, 1) == {
        "FN": "山田太郎",
        "TEL": "+81-3-0000-0000",
        "EMAIL": "taro@example.com",
        "NOTE": "a\nb, c",
        "OTHER": "taro.y",
    }


@pytest.mark.parametrize("codec", ["utf-8", "utf-16", "cp932", "euc_jp"])
def test_whole_files_in_one_encoding(cards: Callable[[bytes], Reading], codec: str) -> None:
    card = "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:山田太郎\r\nNOTE:よろしくお願いします\r\nEND:VCARD\r\n"
    reading = cards(card.encode(codec))
    assert row(reading, 0) == {"FN": "山田太郎", "NOTE": "よろしくお願いします"}
    assert reading.undecoded == 0


def test_what_stands_outside_and_cards_that_never_end(cards: Callable[[bytes], Reading]) -> None:
    reading = cards(b"BEGIN:VCARD\nFN:A\nBEGIN:VCARD\nFN:B\nno property\nEND:VCARD\nloose@example.com\nBEGIN:VCARD\nFN:C")
    assert [row(reading, at)["FN"] for at in range(3)] == ["A", "B", "C"]
    assert row(reading, 1)["OTHER"] == "no property"
    assert reading.texts == [(7, "loose@example.com")]
