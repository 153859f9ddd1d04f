from __future__ import annotations

import pytest

from scanner.extract import sniff
from scanner.extract.budget import FileBudget
from scanner.model import Decoded, Text
from tests.unit.extract.documents import read

_PAGE = """<!DOCTYPE html>
<html><head><meta charset="Shift_JIS"><title>名簿</title>
<meta name="author" content="meta@example.com"></head>
<body><p>山田<b>太郎</b>さん</p><p>次</p>
<!-- comment@example.com -->
<a href="mailto:link%40example.com">連絡</a>
<table><tr><th>氏名</th><th>電話</th></tr>
<tr><td>佐藤花子</td><td>090-0000-0001</td></tr>
<tr><td>鈴木&#x4E00;郎</td><td>090-0000-0002<table><tr><td>inner@example.com</td></tr></table></td></tr>
</table>
<input value="value@example.com" data-mail="data@example.com">
<script>var x = "script@example.com";</script>
<p>line 13 &lt;e&gt;</p>
</body></html>
<html><body>second@example.com</body></html>
"""


@pytest.mark.parametrize("encoding", ["cp932", "utf-8-sig", "utf-16"])
def test_a_page(encoding: str, budget: FileBudget) -> None:
    found = read(_PAGE.encode(encoding), sniff.HTML, budget)
    shown = found.texts[None]
    assert "山田太郎さん\t次" in shown
    assert "second@example.com" in shown
    assert "line 13 <e>" in shown
    assert found.headers["table 1"] == ("氏名", "電話")
    assert found.cells[("table 1", 3, 1)] == "鈴木一郎"
    assert found.cells[("table 1", 3, 2)] == "090-0000-0002"
    assert found.lines[("table 1", 3)] == 9
    assert "inner@example.com" in shown
    assert found.texts["links"] == "link@example.com"
    assert all(word in found.texts["attributes"] for word in ("meta@example.com", "value@example.com", "data@example.com"))
    assert "comment@example.com" in found.texts["comments"]
    assert "script@example.com" in found.texts["script"]
    assert [item.undecoded for item in found.items if isinstance(item, Decoded)] == [0]


@pytest.mark.parametrize(
    "word", ["山田", "連絡", "line 13", "second@example.com", "script@example.com", "value@example.com", "comment@example.com"]
)
def test_lines_are_those_of_the_file(word: str, budget: FileBudget) -> None:
    found = read(_PAGE.encode(), sniff.HTML, budget)
    expected = next(number for number, line in enumerate(_PAGE.split("\n"), 1) if word in line)
    text = next(item for item in found.items if isinstance(item, Text) and word in item.text)
    assert text.first_line is not None
    assert text.first_line + text.text[: text.text.index(word)].count("\n") == expected


def test_values_across_pieces_of_the_file_are_whole(budget: FileBudget) -> None:
    data = ("<p>" + "x" * 65_530 + " straddle@example.com</p>").encode()
    assert "straddle@example.com" in read(data, sniff.HTML, budget).everything


@pytest.mark.parametrize(
    "page",
    [
        "<div>" * 200_000 + "last@example.com" + "</div>" * 200_000,
        "<table><tr><td>" * 2_000 + "last@example.com",
        "<!-- " + "x" * 5_000_000 + " last@example.com",
        "<a " * 100_000 + "last@example.com",
        "<script>" + "x" * 100_000 + "last@example.com",
        '<p title="' + "x" * 5_000_000 + "last@example.com",
    ],
    ids=["deep", "tables", "comment", "tag", "script", "quote"],
)
def test_markup_without_end_is_read_to_its_end(page: str, budget: FileBudget) -> None:
    assert "last@example.com" in read(page.encode(), sniff.HTML, budget).everything
