"""Nothing that comes in as text leaves as markup."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import html

from scanner.render.report.markup import data, element, fragment, own, packed, path
from tests.unit.render.report.stores import NASTY


@pytest.mark.parametrize("text", NASTY)
def test_text_stays_text(text: str) -> None:
    parsed = html.fragment_fromstring(element("p", text, title=text))
    assert (len(parsed), set(parsed.attrib)) == (0, {"title"})
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u2028\u2029\x00\x1b\ufeff]", str(element("p", text, title=text)))


@given(st.text())
def test_any_text_stays_text(text: str) -> None:
    whole = element("div", element("p", path(text)), element("i", text, data_find=text))
    assert [node.tag for node in html.fragment_fromstring(whole).iter() if node.tag != "wbr"] == ["div", "p", "i"]


@given(st.text())
def test_data_can_be_read_and_ends_nowhere_else(text: str) -> None:
    block = str(data("config", {"name": text}))
    assert block.count("<") == 2
    inner = block[block.index(">") + 1 : block.rindex("<")]
    assert json.loads(inner) == {"name": text}
    assert not set(inner) & set("<>&\u2028\u2029")


def test_markup_is_not_escaped_twice() -> None:
    assert element("p", element("b", "a&b"), "<", 1234) == "<p><b>a&amp;b</b>&lt;1,234</p>"
    assert fragment(None, [element("wbr"), ["x"]]) == "<wbr>x"
    assert element("td", "x", class_="a", hidden=True, scope=None, data_at=3) == '<td class="a" hidden data-at="3">x</td>'


def test_packed_rows_and_our_own_script_cannot_end_their_block() -> None:
    with pytest.raises(ValueError, match="base64"):
        packed("rows", "abc</script>")
    with pytest.raises(ValueError, match="end itself"):
        own("script", "x = '</SCRIPT>'")
