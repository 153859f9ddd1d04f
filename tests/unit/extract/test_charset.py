"""Encodings are told right, also late, cut, mixed and declared wrongly; what cannot be decoded is counted."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.extract import charset

JAPANESE = "氏名,住所,電話\r\n山田太郎,東京都港区芝公園1-2-3,090-0000-0001\r\nさくら商店,大阪市北区梅田,06-0000-0000\r\n"
HALF_KANA = "12,ﾔﾏﾀﾞ ﾀﾛｳ,090-0000-0000\r\n13,ｻﾄｳ ﾊﾅｺ,090-0000-0001\r\n"
EXTENSIONS = "①㈱髙橋商店,﨑山,Ⅲ号室,№5\r\nさくら\r\n"


def streamed(data: bytes, declared: str | None = None, size: int = 1 << 18) -> tuple[str, str, int]:
    stream = charset.TextStream(io.BytesIO(data), declared)
    text = "".join(stream.chunks(size))
    return text, stream.encoding, stream.undecoded


@pytest.mark.parametrize(
    ("text", "codec", "recorded"),
    [
        (JAPANESE, "utf-8", "utf-8"),
        (JAPANESE, "utf-8-sig", "utf-8-sig"),
        (JAPANESE, "cp932", "cp932"),
        (JAPANESE, "euc_jp", "euc-jp"),
        (JAPANESE, "iso-2022-jp", "iso-2022-jp"),
        (JAPANESE, "utf-16-le", "utf-16-le"),
        (JAPANESE, "utf-16-be", "utf-16-be"),
        (JAPANESE, "utf-32", "utf-32-le"),
        (HALF_KANA, "cp932", "cp932"),
        (HALF_KANA, "euc_jp", "euc-jp"),
        (HALF_KANA, "iso2022_jp_ext", "iso-2022-jp"),
        (EXTENSIONS, "cp932", "cp932"),
        ("id,name\r\n1,Taro\r\n", "ascii", "utf-8"),
        ("José García, Müller & Søn", "latin-1", "latin-1"),
        ("it’s “quoted” – 5 € café", "cp1252", "windows-1252"),
        ("café", "latin-1", "latin-1"),
        ("", "utf-8", "utf-8"),
    ],
)
def test_each_encoding_is_known(text: str, codec: str, recorded: str) -> None:
    data = text.encode(codec)
    assert charset.decode(data) == (text, recorded, 0)
    assert streamed(data) == (text, recorded, 0)


def test_utf16_with_a_mark_of_either_order() -> None:
    assert charset.decode(b"\xff\xfe" + JAPANESE.encode("utf-16-le")) == (JAPANESE, "utf-16-le", 0)
    assert charset.decode(b"\xfe\xff" + JAPANESE.encode("utf-16-be")) == (JAPANESE, "utf-16-be", 0)


def test_nec_and_ibm_characters_in_euc_and_mail() -> None:
    # Python's own codecs know neither: CP51932 puts NEC's row 13 into EUC-JP, CP50221 into ISO-2022-JP.
    assert charset.decode("山田さくら".encode("euc_jp") + b"\xad\xa1\xad\xea")[0] == "山田さくら①㈱"
    assert charset.decode(b"\x1b$B\x2d\x21\x2d\x6a\x1b(B.\r\n") == ("①㈱.\r\n", "iso-2022-jp", 0)


def test_a_line_end_returns_iso_2022_jp_to_ascii() -> None:
    assert charset.decode(b"\x1b$B;3ED\nplain")[0] == "山田\nplain"


@pytest.mark.parametrize("codec", ["cp932", "euc_jp", "utf-8", "iso-2022-jp"])
def test_a_megabyte_of_ascii_before_the_first_kanji(codec: str) -> None:
    text = "0123456789,abc\r\n" * 70_000 + JAPANESE
    got, encoding, undecoded = streamed(text.encode(codec))
    assert got == text
    assert undecoded == 0
    assert encoding == {"euc_jp": "euc-jp"}.get(codec, codec)


@pytest.mark.parametrize("at", range(60_000, 60_006))
@pytest.mark.parametrize("codec", ["cp932", "euc_jp", "utf-8"])
def test_a_character_cut_by_the_heads_end_does_not_matter(codec: str, at: int) -> None:
    text = "a" * (charset.HEAD_BYTES - 1 - (at - 60_000)) + "山田太郎の住所は東京都港区です。" * 20
    assert streamed(text.encode(codec))[0] == text


def test_a_declared_charset_is_a_hint_that_content_overrules() -> None:
    data = JAPANESE.encode("cp932")
    assert charset.decode(data, "utf-8")[:2] == (JAPANESE, "cp932")
    assert charset.decode(data, "iso-8859-1")[:2] == (JAPANESE, "cp932")
    assert charset.decode("Привет".encode("koi8-r"), "koi8-r")[:2] == ("Привет", "koi8-r")
    assert charset.decode("你好世界".encode("gb18030"), "gb2312")[0] == "你好世界"


@pytest.mark.parametrize("name", ["unicode_escape", "rot13", "hex", "zip", "punycode", "undefined", "no such", "\x00", "x" * 5000])
def test_a_declared_charset_that_is_none_is_ignored(name: str) -> None:
    assert charset.decode(JAPANESE.encode("cp932"), name)[:2] == (JAPANESE, "cp932")


def test_broken_bytes_are_counted() -> None:
    text, encoding, undecoded = charset.decode((JAPANESE * 3).encode() + b"\xff\xfe\xff" + JAPANESE.encode())
    assert encoding == "utf-8"
    assert undecoded == text.count("\ufffd") == 3


def test_a_replacement_character_of_the_source_is_not_ours() -> None:
    assert charset.decode("壊れた\ufffd文字".encode()) == ("壊れた\ufffd文字", "utf-8", 0)


def test_a_decision_on_little_is_taken_anew_and_counted() -> None:
    data = "caf\xe9 \xa9\r\n".encode("latin-1") + b"ascii,only\r\n" * 60_000 + (JAPANESE * 50).encode("cp932")
    text, encoding, undecoded = streamed(data)
    assert encoding == "cp932"
    assert text.endswith(JAPANESE)
    assert undecoded > 0


def test_chunks_cut_neither_characters_nor_line_ends() -> None:
    data = ("あ\r\n" * 50_000).encode("utf-8")
    stream = charset.TextStream(io.BytesIO(data))
    chunks = list(stream.chunks(1001))
    assert "".join(chunks) == data.decode()
    assert not any(chunk.endswith("\r") for chunk in chunks)
    assert stream.undecoded == 0


def test_binaries_are_no_text() -> None:
    assert not charset.is_text(bytes(range(256)) * 20)
    assert not charset.is_text(b"\x00" * 500)
    assert not charset.is_text(b"ab\x00\x01\x02\x00\x00" * 100)
    assert charset.is_text(b"a,b\x00\r\n" + b"1,2\r\n" * 50)
    for codec in ("utf-8", "cp932", "euc_jp", "iso-2022-jp", "utf-16", "utf-16-le", "utf-16-be"):
        assert charset.is_text(JAPANESE.encode(codec)), codec


SENTENCES = st.lists(
    st.sampled_from(
        ["山田太郎", "東京都港区", "お電話ください。", "ご確認のほど", "さくらんぼ", "会議室", "1-2-3", "090-0000-0000", "Tokyo", ","]
    ),
    min_size=3,
    max_size=30,
).map(lambda parts: "連絡先：" + " ".join(parts) + "\r\n")


@given(
    text=SENTENCES,
    codec=st.sampled_from(["utf-8", "utf-8-sig", "cp932", "euc_jp", "iso-2022-jp", "utf-16", "utf-16-le", "utf-16-be"]),
    size=st.integers(1, 40),
)
@settings(max_examples=150, deadline=None, derandomize=True)
def test_japanese_makes_the_round_trip(text: str, codec: str, size: int) -> None:
    data = text.encode(codec)
    assert charset.decode(data)[0] == text
    assert streamed(data, size=size)[0] == text


@given(data=st.binary(max_size=400), declared=st.sampled_from([None, "cp932", "utf-16", "iso-2022-jp", "utf-7", "hz", "big5"]))
@settings(max_examples=150, deadline=None, derandomize=True)
def test_any_bytes_are_decoded_somehow(data: bytes, declared: str | None) -> None:
    text, encoding, undecoded = charset.decode(data, declared)
    assert encoding
    assert undecoded <= text.count("\ufffd")
    text.encode()
    charset.is_text(data)


@pytest.mark.parametrize("size", [7, 64, 1 << 16])
@pytest.mark.parametrize(("first", "second"), [("utf-8", "cp932"), ("cp932", "utf-8")])
def test_lines_of_another_encoding_are_read(first: str, second: str, size: int) -> None:
    """Two logs joined: no line of either may be lost as undecodable."""
    lines = ["担当は山田太郎、連絡先は taro@example.com です。\n"] * 30, ["次は佐藤花子さんへお電話ください。\n"] * 20
    data = "".join(lines[0]).encode(first) + "".join(lines[1]).encode(second)
    text, encoding, undecoded = charset.decode(data)
    assert (text, undecoded) == ("".join(lines[0] + lines[1]), 0)
    assert encoding in (first, second)
    if size > 100:  # a chunk that cuts a line of the other encoding may cost it a character
        assert streamed(data, size=size)[0] == text


def test_a_late_line_of_another_encoding_is_read() -> None:
    data = b"2026-01-01 plain line of a log\n" * 4000 + "連絡先は山田太郎です\n".encode() * 30 + "担当は山田太郎です\n".encode("cp932")
    text, _, undecoded = streamed(data, size=1 << 18)
    assert text.endswith("担当は山田太郎です\n")
    assert undecoded == 0


def test_a_damaged_line_stays_what_it_is() -> None:
    data = "連絡先は山田太郎です\n".encode() * 30 + "連絡先".encode()[:-1] + "は山田太郎です\n".encode()
    text, encoding, undecoded = charset.decode(data)
    assert (encoding, undecoded) == ("utf-8", 1)
    assert "\ufffdは山田太郎です" in text
