"""Markup as a flat stream of events, from expat, with limits on nesting and without ever fetching or expanding an entity."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import BinaryIO
from xml.parsers import expat

from scanner.extract.ooxml_runs import Feeder
from scanner.model import Reason, Unreadable

START, END, TEXT, RUN = 0, 1, 2, 3

_CUT = {
    expat.errors.codes[expat.errors.XML_ERROR_NO_ELEMENTS],
    expat.errors.codes[expat.errors.XML_ERROR_UNCLOSED_TOKEN],
    expat.errors.codes[expat.errors.XML_ERROR_PARTIAL_CHAR],
    expat.errors.codes[expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION],
}
_AMPLIFICATION = 43  # XML_ERROR_AMPLIFICATION_LIMIT_BREACH; pyexpat of 3.11 has no name for it


def fault_of(error: expat.ExpatError) -> Reason:
    """What an expat error says of the bytes."""
    if error.code == _AMPLIFICATION:
        return Reason.RATIO
    return Reason.TRUNCATED if error.code in _CUT else Reason.DAMAGED


def local(name: str) -> str:
    """An element's name without its namespace."""
    return name.rpartition(" ")[2]


def attributes_of(flat: list[str]) -> dict[str, str]:
    """Attributes by local name; one in a namespace is ``:name`` too if a plain one of that name is there (``id``, ``r:id``)."""
    found: dict[str, str] = {}
    for index in range(0, len(flat), 2):
        _, space, name = flat[index].rpartition(" ")
        if space:
            found[":" + name] = flat[index + 1]
            found.setdefault(name, flat[index + 1])
        else:
            found[name] = flat[index + 1]
    return found


def new_parser(encoding: str | None = None) -> expat.XMLParserType:
    """An expat parser with namespaces and buffered text that refuses entity declarations (no office part has one)."""
    parser = expat.ParserCreate(encoding, " ")
    parser.buffer_text = True
    parser.buffer_size = 1 << 16
    parser.ordered_attributes = True

    def refuse(*_: object) -> None:
        raise Unreadable(Reason.RATIO)

    parser.EntityDeclHandler = refuse
    return parser


def events(
    stream: BinaryIO, depth_limit: int, runs: tuple[re.Pattern[str], bytes] | None = None
) -> Iterator[tuple[int, str, dict[str, str]]]:
    """``(START, name, attributes)``, ``(END, name, {})``, ``(TEXT, text, {})`` with local names, 64 kB read at a time.

    `runs`: a pattern of `ooxml_runs` and the tag that ends each piece; what it matches in the root comes as ``(RUN, markup, {})``.

    Raises `Unreadable` after the events before the fault: TOO_DEEP, RATIO (entities declared), TRUNCATED, DAMAGED.
    """
    parser = new_parser()
    queue: list[tuple[int, str, dict[str, str]]] = []
    depth = 0
    nothing: dict[str, str] = {}

    def start(name: str, flat: list[str]) -> None:
        nonlocal depth
        depth += 1
        if depth > depth_limit:
            raise Unreadable(Reason.TOO_DEEP)
        queue.append((START, local(name), attributes_of(flat) if flat else nothing))

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        queue.append((END, local(name), nothing))

    parser.StartElementHandler = start  # attributes come as a list: ordered_attributes
    parser.EndElementHandler = end

    def run(markup: str) -> bool:
        if depth != 1:
            return False
        queue.append((RUN, markup, nothing))
        return True

    parser.CharacterDataHandler = lambda text: queue.append((TEXT, text, nothing))
    feed: Callable[[bytes], object] = Feeder(parser, *runs, run).feed if runs else lambda chunk: parser.Parse(chunk, not chunk)
    fault: Reason | None = None
    while fault is None:
        try:
            chunk = stream.read(1 << 16)
            feed(chunk)
        except Unreadable as error:
            chunk, fault = b"", error.reason
        except expat.ExpatError as error:
            chunk, fault = b"", fault_of(error)
        except (LookupError, ValueError):  # it declares an encoding that expat does not know
            chunk, fault = b"", Reason.DAMAGED
        yield from queue
        queue.clear()
        if not chunk:
            break
    if fault is not None:
        raise Unreadable(fault)
