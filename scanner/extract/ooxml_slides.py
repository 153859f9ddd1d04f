"""Reads pptx presentations: slides in the order they are shown, hidden ones too, with tables, charts, notes, comments, masters."""

from __future__ import annotations

from collections.abc import Iterator

from scanner.extract.markup import START
from scanner.extract.ooxml_package import Package, guarded, leftovers, links, part_text, properties
from scanner.extract.ooxml_story import diagrams, story
from scanner.extract.prose import pieces
from scanner.model import Blob, Budget, Extractor, Gap, Item, Reason, Text

_MASTERS = ("ppt/slideMasters/", "ppt/slideLayouts/", "ppt/notesMasters/", "ppt/handoutMasters/")
_PEOPLE = ("ppt/commentAuthors.xml", "ppt/authors.xml")


class OoxmlSlides:
    """Presentations of PowerPoint 2007 and later (ECMA-376): pptx, pptm, ppsx and their templates.

    Places: "slide N", and with it "table N", "notes", "comments", "chart", "diagram", "links"; "master", "properties".
    """

    media_types = frozenset(
        {
            "application/vnd.openxmlformats-officedocument.presentationml.presentation",
            "application/vnd.openxmlformats-officedocument.presentationml.slideshow",
            "application/vnd.openxmlformats-officedocument.presentationml.template",
            "application/vnd.ms-powerpoint.presentation.macroenabled.12",
            "application/vnd.ms-powerpoint.slideshow.macroenabled.12",
            "application/vnd.ms-powerpoint.template.macroenabled.12",
        }
    )

    def extract(self, blob: Blob, media_type: str, budget: Budget) -> Iterator[Item]:
        with Package(blob, budget) as package:
            main = next((link.target for link in package.relationships("") if link.kind == "officeDocument"), "ppt/presentation.xml")
            if main not in package:
                yield Gap(Reason.DAMAGED)
            order: list[str] = []
            yield from guarded(_slide_order(package, main, order), None)
            for number, part in enumerate(order, 1):
                yield from _slide(package, part, f"slide {number}")
            for name in package.names:
                if name in _PEOPLE:
                    yield from guarded(part_text(package, name, "comments authors"), "comments authors")
            yield from _masters(package)
            yield from diagrams(package)
            yield from properties(package)
            yield from leftovers(package)


def _slide_order(package: Package, main: str, order: list[str]) -> Iterator[Item]:
    """Part names of the slides as ``sldIdLst`` lists them; slides it forgets follow, so that none is lost."""
    if main in package:
        targets = {link.id: link.target for link in package.relationships(main)}
        for kind, tag, attributes in package.events(main):
            if kind == START and tag == "sldId" and (part := targets.get(attributes.get(":id", ""), "")) in package:
                order.append(part)
    rest = [name for name in package.names if name.startswith("ppt/slides/slide") and name.endswith(".xml") and name not in order]
    order.extend(sorted(rest, key=lambda name: (len(name), name)))
    yield from ()


def _slide(package: Package, part: str, place: str) -> Iterator[Item]:
    """One slide and what hangs on it."""
    yield from guarded(story(package, part, place), place)
    yield from guarded(links(package, part, f"{place} links"), f"{place} links")
    for link in package.relationships(part):
        if link.external or link.target not in package or link.target in package.read:
            continue
        if link.kind == "notesSlide":
            yield from guarded(story(package, link.target, f"{place} notes"), f"{place} notes")
            yield from guarded(links(package, link.target, f"{place} notes links"), f"{place} notes links")
        elif link.kind == "comments":
            yield from guarded(story(package, link.target, f"{place} comments"), f"{place} comments")
        elif link.kind == "diagramData":
            yield from guarded(story(package, link.target, f"{place} diagram"), f"{place} diagram")
        elif link.kind == "chart":
            yield from guarded(part_text(package, link.target, f"{place} chart"), f"{place} chart")


def _masters(package: Package) -> Iterator[Item]:
    """Masters and layouts; what the same placeholder says in each of them is told once."""
    said: set[str] = set()
    for name in package.names:
        if not name.startswith(_MASTERS) or not name.endswith(".xml"):
            continue
        for item in guarded(story(package, name, "master"), "master"):
            if not isinstance(item, Text):
                yield item
                continue
            fresh = [line for line in item.text.split("\n") if line not in said]
            said.update(fresh)
            yield from pieces("\n".join(fresh), "master")


EXTRACTORS: tuple[Extractor, ...] = (OoxmlSlides(),)
