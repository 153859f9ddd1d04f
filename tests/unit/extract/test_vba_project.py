"""Macros: the compressed source of modules is read, whatever the document around it is."""

from __future__ import annotations

import struct

import pytest

from sample_data.maker.compound_file import compound_file
from scanner.extract import sniff
from scanner.extract.vba_project import decompress
from scanner.model import Budget, Reason, Unreadable
from tests.unit.extract.documents import blob_of, read

SOURCE = 'Attribute VB_Name = "Module1"\r\nSub Send()\r\n  \' 連絡先 山田太郎\r\n  Mail "taro@example.com"\r\nEnd Sub\r\n'


def raw_container(data: bytes) -> bytes:
    """A compressed container of literal tokens only."""
    out = b"\x01"
    for start in range(0, len(data), 3000):
        chunk = data[start : start + 3000]
        body = b"".join(b"\0" + chunk[at : at + 8] for at in range(0, len(chunk), 8))
        out += struct.pack("<H", 0xB000 | (len(body) - 1)) + body
    return out


def record(kind: int, data: bytes, size: int | None = None) -> bytes:
    return struct.pack("<HI", kind, len(data) if size is None else size) + data


def project(source: str = SOURCE, *, offset: int = 7, name: str = "Module1") -> dict[str, object]:
    raw = name.encode("cp932")
    directory = record(3, b"\xa4\x03") + record(9, bytes(6), 4) + record(0x19, raw) + record(0x1A, raw)
    directory += record(0x32, name.encode("utf-16-le")) + record(0x31, struct.pack("<I", offset)) + record(0x2B, b"")
    return {"VBA": {"dir": raw_container(directory), name: b"\xff" * offset + raw_container(source.encode("cp932"))}, "PROJECT": b"x"}


def test_source_of_a_module_is_read(budget: Budget) -> None:
    data = compound_file(project())
    assert sniff.identify(blob_of(data)) == sniff.VBA
    found = read(data, sniff.VBA, budget)
    assert found.texts["macro Module1"] == SOURCE.replace("\r\n", "\n")
    assert found.gaps == []


def test_example_of_the_specification() -> None:
    """[MS-OVBA] 3.2.2, normal compression."""
    packed = bytes.fromhex(
        "01 2F B0 00 23 61 61 61 62 63 64 65 82 66 00 70 61 67 68 69 6A 01 38 08 "
        "61 6B 6C 00 30 6D 6E 6F 70 06 71 02 70 04 10 72 73 74 75 76 10 77 78 79 7A 00 3C"
    )
    assert decompress(packed) == b"#aaabcdefaaaaghijaaaaaklaaamnopqaaaaaaaaaaaarstuvwxyzaaa"


@pytest.mark.parametrize("packed", [b"", b"\x02abc", b"\x01\x03\x10ab", b"\x01\x05\xb0\xff\x00\x00\x00\x00"])
def test_broken_containers_are_said(packed: bytes) -> None:
    with pytest.raises(Unreadable):
        decompress(packed)


def test_a_cut_container_is_truncated() -> None:
    with pytest.raises(Unreadable) as caught:
        decompress(raw_container(SOURCE.encode("cp932"))[:-9])
    assert caught.value.reason is Reason.TRUNCATED


def test_an_unreadable_module_is_a_gap(budget: Budget) -> None:
    found = read(compound_file(project(offset=9) | {"PROJECT": b""}), sniff.VBA, budget)
    assert found.gaps == []
    broken = project()
    broken["VBA"]["Module1"] = b"\xff" * 100  # type: ignore[index]
    assert read(compound_file(broken), sniff.VBA, budget).gaps == [("damaged", "macro Module1")]


def test_words_of_a_form_are_read(budget: Budget) -> None:
    form = b"\x00\x02\x18\x00" + "担当 hanako@example.com".encode("cp932") + b"\0\0\1"
    found = read(compound_file(project() | {"UserForm1": {"f": form, "o": b"\1\2"}}), sniff.VBA, budget)
    assert "hanako@example.com" in (found.texts["form UserForm1"])
