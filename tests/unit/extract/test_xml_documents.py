from __future__ import annotations

import pytest

from scanner.extract import sniff, xml_documents
from scanner.extract.budget import FileBudget
from scanner.model import Decoded
from tests.unit.extract.documents import read

_LIST = """<?xml version="1.0" encoding="{}"?>
<list by="head@example.com">
 <title>名簿</title>
 <m id="1"><name>山田太郎</name>
   <tel>090-0000-0001</tel></m>
 <m id="2"><name>佐藤</name><tel>090-0000-0002</tel><adr><city>東京</city></adr></m>
 <!-- comment@example.com -->
 <foot>foot@example.com</foot>
</list>
"""


@pytest.mark.parametrize("encoding", ["utf-8", "EUC-JP", "Shift_JIS", "UTF-16", "ISO-2022-JP"])
def test_records_are_a_table_in_any_encoding(encoding: str, budget: FileBudget) -> None:
    found = read(_LIST.format(encoding).encode(encoding), sniff.XML, budget)
    assert found.headers[None] == ("id", "name", "tel", "adr/city")
    assert found.cells[(None, 1, 2)] == "山田太郎"
    assert found.cells[(None, 2, 4)] == "東京"
    assert [found.lines[(None, row)] for row in (1, 2)] == [4, 6]
    assert "foot: foot@example.com" in found.texts[None]
    assert "by: head@example.com" in found.texts[None]
    assert "comment@example.com" in found.texts["comments"]
    assert found.gaps == []
    assert [item.undecoded for item in found.items if isinstance(item, Decoded)] == [0]


def test_lines_of_text_are_those_of_the_file(budget: FileBudget) -> None:
    found = read(_LIST.format("utf-8").encode(), sniff.XML, budget)
    text = found.texts[None]
    assert found.first_lines[None] == 2
    assert 2 + text[: text.index("foot@")].count("\n") == 8


def test_a_table_goes_on_and_new_fields_start_another(budget: FileBudget, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xml_documents, "_ROWS", 2)
    rows = "".join(f"<r><a>{number}</a><b>x</b></r>" for number in range(5)) + "<r><a>5</a><late>late@example.com</late></r>"
    found = read(f"<x>{rows}</x>".encode(), sniff.XML, budget)
    assert [found.cells[(None, row, 1)] for row in range(1, 7)] == ["0", "1", "2", "3", "4", "5"]
    assert "late@example.com" in found.cells.values()


def test_mixed_text_is_read_in_its_order(budget: FileBudget) -> None:
    found = read("<p>山田<b>太郎</b>様 a@example.com</p>".encode(), sniff.XML, budget)
    assert found.texts[None] == "p: 山田\tb: 太郎\tp: 様 a@example.com"


def test_nothing_is_fetched(budget: FileBudget) -> None:
    data = b'<!DOCTYPE l [<!ENTITY x SYSTEM "file:///etc/hostname">]><l><a>x@example.com</a>&x;</l>'
    found = read(data, sniff.XML, budget)
    assert found.everything == "a: x@example.com"
    assert found.gaps == [("remote_reference", None)]


def test_a_dtd_elsewhere_matters_only_if_its_words_are_used(budget: FileBudget) -> None:
    assert read(b'<!DOCTYPE l SYSTEM "l.dtd"><l>x&nbsp;y</l>', sniff.XML, budget).gaps == []
    assert read(b'<!DOCTYPE l SYSTEM "l.dtd"><l>x&mine;y</l>', sniff.XML, budget).gaps == [("remote_reference", None)]


@pytest.mark.parametrize(
    ("data", "gap"),
    [
        ('<!DOCTYPE l [<!ENTITY a "lol"><!ENTITY b "&a;&a;">]><l>x@example.com&b;</l>', "ratio"),
        ('<!DOCTYPE l [<!ENTITY a "' + "A" * 100_000 + '">]><l>x@example.com' + "&a;" * 100_000 + "</l>", "ratio"),
        ("<r>x@example.com" + "<a>" * 200_000, "too_deep"),
        ("<r><a>x@example.com</a><b>cut", "truncated"),
        ("<r><a>first</a>\n<c & d>x@example.com</a>", "damaged"),
    ],
    ids=["laughs", "quadratic", "deep", "cut", "not well-formed"],
)
def test_hostile_or_broken_markup(data: str, gap: str, budget: FileBudget) -> None:
    found = read(data.encode(), sniff.XML, budget)
    assert found.gaps == [(gap, None)]
    assert len(found.everything) < 20_000_000


def test_what_came_before_and_after_a_fault_is_read(budget: FileBudget) -> None:
    found = read(b"<r><a>one@example.com</a>\n<c & d>two@example.com</a>", sniff.XML, budget)
    assert "one@example.com" in found.texts[None]
    assert "two@example.com" in found.texts[None]
    assert "cut@example.com" in read(b"<r><a>cut@example.com", sniff.XML, budget).everything
