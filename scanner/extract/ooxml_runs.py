"""Rows and strings in the form that nearly every program writes them, taken out of the markup by regular expression before expat reads it.

A workbook repeats one form millions of times, and expat calls Python for every element and every text of each. What is taken out is
well-formed by the grammar of the expressions here, which is narrower than XML: no references, no comments, no line ends but LF, UTF-8. All
else, and everything behind the first ``<!`` or ``<?`` of a part, is expat's.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final
from xml.parsers import expat

_BARE: Final = r"[^<>&\r\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]"
_TEXT: Final = _BARE + "{0,32767}+"  # what Excel allows in a cell
_T: Final = '<t(?: xml:space="preserve")?>'
_VALUE: Final = r'="[^"<>&\r\n\t]{0,200}"'
_ATTRIBUTES: Final = rf"(?: [A-Za-z]{{1,20}}{_VALUE})*+(?: [A-Za-z0-9]{{1,20}}:[A-Za-z]{{1,20}}{_VALUE})?+"  # one in a namespace, the last
_CELL: Final = (
    r'<c(?: r="[A-Z]{1,3}[0-9]{1,7}")?+(?: s="[0-9]{1,6}")?+(?: t="(?:s|str|n|b|e|inlineStr)")?+'
    rf"(?:/>|></c>|>(?:<f>[^<>&\"\r\x00-\x1f]{{0,8192}}+</f>)?+<v>{_TEXT}</v></c>|><is>{_T}{_TEXT}</t></is></c>)"
)
_BLANK: Final = r"[ \t\n]{0,100}+"
_HEAD: Final = re.compile(rb"""(?:\xef\xbb\xbf)?\s*(?:<\?xml version=["']1\.0["'](?: encoding=["'](?i:utf-8)["'])?[^?<>]{0,40}\?>)?""")

STRINGS: Final = re.compile(rf"(?:<si>(?:{_T}{_TEXT}</t>|<t/>)</si>{_BLANK})++")
"""Shared strings of one run each, without furigana."""
STRING: Final = re.compile("<si><t(?:/|[^>]*>([^<]*)</t)></si>")
"""The text of one of them."""
ROWS: Final = re.compile(rf"(?:<row{_ATTRIBUTES}(?:/>|>(?:{_CELL}{_BLANK})*+</row>){_BLANK})++")
"""Rows of a sheet whose cells hold a value, or a formula without words in it and its value."""
ROW: Final = re.compile("<row([^>]*?)(?:/>|>(.*?)</row>)", re.DOTALL)
"""Attributes and cells of one of them."""
PREFIX: Final = re.compile("<row[^>]* ([A-Za-z0-9]+):")
"""The namespace that an attribute of a row is in."""
ROW_NUMBER: Final = re.compile(' r="([0-9]{1,7})"')
CELL: Final = re.compile(
    r'<c(?: r="([A-Z]+)[0-9]+")?(?: s="([0-9]+)")?(?: t="([a-zA-Z]+)")?'
    r"(?:/>|></c>|>(?:<f>[^<]*</f>)?(?:<v>|<is><t[^>]*>)([^<]*)(?:</v>|</t></is>)</c>)"
)
"""Letters of the column (none: the one behind the last), style, type and value of a cell."""


class Feeder:
    """Feeds a part to expat, but for runs that `take` accepts. What expat and `take` see is in the order of the part."""

    def __init__(self, parser: expat.XMLParserType, runs: re.Pattern[str], end: bytes, take: Callable[[str], bool]) -> None:
        """`runs`: one of this module's; `end`: the tag that ends each of its pieces. `take` returns False for what expat is to read."""
        self._parser, self._runs, self._end, self._take = parser, runs, end, take
        self._held = b""
        self._begun = self._simple = False

    def feed(self, chunk: bytes) -> None:
        """The next bytes of the part; none at its end. Raises what expat raises."""
        data = self._held + chunk
        self._held = b""
        head = 0
        if not self._begun:
            self._begun = True
            found = _HEAD.match(data)
            head = found.end() if found else 0
            self._simple = True
        self._simple = self._simple and b"<!" not in data and b"<?" not in data[head:]
        if self._simple and chunk:
            cut = data.rfind(self._end) + len(self._end)
            if cut < len(self._end):
                cut = len(data) - data.endswith(b"<")  # what makes it other than simple may be cut in two
            data, self._held = data[:cut], data[cut:]
        if not (self._simple and self._without(data)):
            self._parser.Parse(data, False)
        if not chunk:
            self._parser.Parse(b"", True)

    def _without(self, data: bytes) -> bool:
        """Feed all but the runs; False, and nothing fed, if this is not UTF-8 throughout."""
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            return False
        at = 0
        for run in self._runs.finditer(text):
            self._parser.Parse(text[at : run.start()].encode("utf-8"), False)
            at = run.start()
            if self._take(run[0]):
                at = run.end()
        self._parser.Parse(text[at:].encode("utf-8"), False)
        return True
