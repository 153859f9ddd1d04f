"""Reads docx documents: body, tables, headers, footers, notes, comments, text boxes, deleted text, links, properties."""

from __future__ import annotations

from collections.abc import Iterator

from scanner.extract.ooxml_package import Package, guarded, leftovers, links, properties
from scanner.extract.ooxml_story import diagrams, story
from scanner.model import Blob, Budget, Extractor, Gap, Item, Reason

_PLACES = {
    "header": "header",
    "footer": "footer",
    "footnotes": "footnotes",
    "endnotes": "endnotes",
    "comments": "comments",
    "glossaryDocument": "glossary",
}


class OoxmlDocuments:
    """Documents of Word 2007 and later (ECMA-376): docx, docm and their templates.

    Places: "page N" for the body if the file tells its page breaks (else None), "table N" behind it within tables, and
    "header", "footer", "footnotes", "endnotes", "comments", "glossary", "diagram", "authors", "links", "properties".
    """

    media_types = frozenset(
        {
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.template",
            "application/vnd.ms-word.document.macroenabled.12",
            "application/vnd.ms-word.template.macroenabled.12",
        }
    )

    def extract(self, blob: Blob, media_type: str, budget: Budget) -> Iterator[Item]:
        with Package(blob, budget) as package:
            main = next((link.target for link in package.relationships("") if link.kind == "officeDocument"), "word/document.xml")
            if main in package:
                yield from guarded(story(package, main, None), None)
            else:
                yield Gap(Reason.DAMAGED)
            yield from guarded(links(package, main, "links"), "links")
            yield from _beside(package, main)
            yield from diagrams(package)
            yield from properties(package)
            yield from leftovers(package)


def _beside(package: Package, main: str) -> Iterator[Item]:
    """What hangs on the body: headers, notes, comments, each with its own links."""
    for link in package.relationships(main):
        place = _PLACES.get(link.kind)
        if place is None or link.external or link.target not in package or link.target in package.read:
            continue
        yield from guarded(story(package, link.target, place), place)
        yield from guarded(links(package, link.target, f"{place} links"), f"{place} links")


EXTRACTORS: tuple[Extractor, ...] = (OoxmlDocuments(),)
