"""Reads PDF page by page: text layer, fields, annotations, links, bookmarks, properties, attached files; says which pages lack text."""

from __future__ import annotations

import contextlib
import ctypes
import io
import re
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from scanner.extract.budget import views
from scanner.extract.ooxml_package import link_text
from scanner.extract.prose import pieces
from scanner.model import Blob, Budget, Extractor, Gap, Item, Reason, Unread, Unreadable

_EVERYWHERE = (-1e6, -1e6, 1e6, 1e6)
_FEW_CHARACTERS = 32
_COVERING = 0.6
_DRAWN_SEGMENTS = 64
"""A page without text whose paths have fewer segments than this is taken as blank with rules or a frame; more may be outlined letters."""
_ANNOTATIONS = 20_000
_ANNOTATION_TEXTS = (b"Contents", b"V", b"DV", b"TU", b"T", b"Subj")
_PROPERTIES = ("Title", "Author", "Subject", "Keywords", "Creator", "Producer")
_TAIL = 2_048
_SOFT_HYPHEN = re.compile("[\ufffe\u0002]\r?\n?")
_LINE_CUT = re.compile(
    r"(?<=\d[-‐‑–−－ー])[ \t]*\n[ \t]*(?=\d)|(?<=[\w.+-]@)[ \t]*\n[ \t]*(?=[A-Za-z0-9])|(?<=[A-Za-z0-9]\.)\n(?=[a-z]{2,4}\b)"
)


class Pdf:
    """Portable Document Format (ISO 32000), through PDFium.

    Places: "page N", "page N annotations", "page N fields", "page N links"; "bookmarks", "properties". A page that shows
    something but has no text layer, or hardly any under a picture that covers it, is a `Gap(IMAGE_ONLY)`.
    """

    media_types = frozenset({"application/pdf"})

    def extract(self, blob: Blob, media_type: str, budget: Budget) -> Iterator[Item]:
        import pypdfium2

        stream = blob.open()
        try:
            cut = _is_cut(stream)
            try:
                document = pypdfium2.PdfDocument(stream)
            except pypdfium2.PdfiumError as error:
                raise Unreadable(_why(error, cut)) from None
            try:
                yield from _document(document, blob, budget)
            finally:
                document.close()
            if cut:
                yield Gap(Reason.TRUNCATED)
        finally:
            stream.close()


def _is_cut(stream: BinaryIO) -> bool:
    """A whole file ends with ``%%EOF`` (some writers add blanks or zeros)."""
    size = stream.seek(0, io.SEEK_END)
    stream.seek(max(0, size - _TAIL))
    tail = stream.read(_TAIL)
    stream.seek(0)
    return b"%%EOF" not in tail


def _why(error: Exception, cut: bool) -> Reason:
    """PDFium's error number: 4 is a wrong password, 5 an unknown security scheme."""
    if getattr(error, "err_code", None) in (4, 5):
        return Reason.ENCRYPTED
    return Reason.TRUNCATED if cut else Reason.DAMAGED


def _document(document: Any, blob: Blob, budget: Budget) -> Iterator[Item]:
    import pypdfium2
    import pypdfium2.raw as pdfium

    with contextlib.suppress(pypdfium2.PdfiumError):  # a broken form must not cost the pages; its fields' texts are read without it
        document.init_forms()
    for index in range(len(document)):
        yield from _page(document, index, budget)
    yield from _bookmarks(document)
    lines: list[str] = []
    for key in _PROPERTIES:
        value = _wide(lambda buffer, size, key=key: pdfium.FPDF_GetMetaText(document, key.encode(), buffer, size))  # type: ignore[misc]
        if value:
            lines.append(f"{key.lower()}: {value}")
    yield from pieces("\n".join(lines), "properties")
    yield from _attachments(document, blob, budget)


def _page(document: Any, index: int, budget: Budget) -> Iterator[Item]:
    import pypdfium2

    place = f"page {index + 1}"
    try:
        page = document[index]
    except pypdfium2.PdfiumError:
        yield Gap(Reason.DAMAGED, place)
        return
    try:
        text_page = page.get_textpage()
        try:
            text = _page_text(text_page)
        finally:
            text_page.close()
        budget.spend_output(len(text))
        yield from pieces(text, place)
        if (reason := _unseen(page, text)) is not None:
            yield Gap(reason, place)
        yield from _annotations(document, page, place)
    except pypdfium2.PdfiumError:
        yield Gap(Reason.DAMAGED, place)
    finally:
        page.close()


def _page_text(text_page: Any) -> str:
    """The page's text, a line a line. PDFium's plain call drops characters beyond U+FFFF (𠮷): then the other one is asked."""
    text: str = text_page.get_text_range()
    if len(text) < text_page.count_chars():
        whole: str = text_page.get_text_bounded(*_EVERYWHERE)
        if len(whole) > len(text):
            text = whole
    return joined(text)


def joined(text: str) -> str:
    """Line ends as ``\\n``; a phone number or mail address cut at its hyphen, ``@`` or dot goes on in one line."""
    text = _SOFT_HYPHEN.sub("-", text).replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")
    return _LINE_CUT.sub("", text)


def _unseen(page: Any, text: str) -> Reason | None:
    """What the page shows beyond its text layer: pictures in place of text, or text that PDFium could not turn into characters."""
    import pypdfium2.raw as pdfium

    written = len(text.strip())
    count = pdfium.FPDFPage_CountObjects(page)
    if count == 0 or (written >= _FEW_CHARACTERS and written >= 2 * count):
        return None
    width, height = page.get_size()
    pictures = covered = segments = texts = lost = 0.0
    for item in page.get_objects(max_depth=4):
        if item.type in (pdfium.FPDF_PAGEOBJ_IMAGE, pdfium.FPDF_PAGEOBJ_SHADING):
            pictures += 1
            left, bottom, right, top = item.get_bounds()
            covered += abs(right - left) * abs(top - bottom)
        elif item.type == pdfium.FPDF_PAGEOBJ_PATH:
            segments += max(0, pdfium.FPDFPath_CountSegments(item))
        elif item.type == pdfium.FPDF_PAGEOBJ_TEXT:
            texts += 1
            lost += _without_extent(item)
    if lost >= max(1, texts / 2) and written < texts:
        return Reason.DAMAGED
    if written == 0 and (pictures or segments >= _DRAWN_SEGMENTS):
        return Reason.IMAGE_ONLY
    if written < _FEW_CHARACTERS and covered >= _COVERING * width * height:
        return Reason.IMAGE_ONLY
    return None


def _without_extent(item: Any) -> bool:
    """A text object of no area, in a font the file lacks: PDFium leaves it out of the text in silence."""
    import pypdfium2.raw as pdfium

    left, bottom, right, top = item.get_bounds()
    if right > left and top > bottom:
        return False
    return not pdfium.FPDFFont_GetIsEmbedded(pdfium.FPDFTextObj_GetFont(item))


def _wide(call: Callable[[Any, int], int]) -> str:
    """A UTF-16 string from a PDFium call that first tells its length in bytes."""
    size = call(None, 0)
    if not 2 < size < 16 * 2**20:
        return ""
    buffer = (ctypes.c_ushort * (size // 2 + 1))()
    call(buffer, size)
    return bytes(buffer)[: size - 2].decode("utf-16-le", "replace")


def _annotations(document: Any, page: Any, place: str) -> Iterator[Item]:
    """Form fields with their values, comments, and where links lead."""
    import pypdfium2.raw as pdfium

    said: dict[str, dict[str, None]] = {"fields": {}, "annotations": {}, "links": {}}
    count = pdfium.FPDFPage_GetAnnotCount(page)
    for index in range(min(count, _ANNOTATIONS)):
        annotation = pdfium.FPDFPage_GetAnnot(page, index)
        if not annotation:
            continue
        try:
            kind = "fields" if pdfium.FPDFAnnot_GetSubtype(annotation) == pdfium.FPDF_ANNOT_WIDGET else "annotations"
            said[kind].update(dict.fromkeys(_annotation_texts(document, annotation)))
            if uri := _uri(document, annotation):
                said["links"][link_text(uri)] = None
        finally:
            pdfium.FPDFPage_CloseAnnot(annotation)
    for kind, lines in said.items():
        yield from pieces("\n".join(lines), f"{place} {kind}")
    if count > _ANNOTATIONS:
        yield Gap(Reason.TOO_LARGE, f"{place} annotations")


def _annotation_texts(document: Any, annotation: Any) -> Iterator[str]:
    import pypdfium2.raw as pdfium

    form = document.formenv
    if form and (value := _wide(lambda buffer, size: pdfium.FPDFAnnot_GetFormFieldValue(form, annotation, buffer, size))):
        yield value
    for key in _ANNOTATION_TEXTS:
        text = _wide(lambda buffer, size, key=key: pdfium.FPDFAnnot_GetStringValue(annotation, key, buffer, size))  # type: ignore[misc]
        if text.strip():
            yield text.replace("\r\n", "\n").replace("\r", "\n")


def _uri(document: Any, annotation: Any) -> str:
    import pypdfium2.raw as pdfium

    link = pdfium.FPDFAnnot_GetLink(annotation)
    action = pdfium.FPDFLink_GetAction(link) if link else None
    size = pdfium.FPDFAction_GetURIPath(document, action, None, 0) if action else 0
    if not 1 < size < 1 << 20:
        return ""
    buffer = ctypes.create_string_buffer(size)
    pdfium.FPDFAction_GetURIPath(document, action, buffer, size)
    return buffer.value.decode("utf-8", "replace")


def _bookmarks(document: Any) -> Iterator[Item]:
    import pypdfium2
    import pypdfium2.raw as pdfium

    titles: list[str] = []
    try:
        for bookmark in document.get_toc(max_depth=15):
            titles.append(_wide(lambda buffer, size, mark=bookmark: pdfium.FPDFBookmark_GetTitle(mark, buffer, size)))  # type: ignore[misc]
            if len(titles) >= 100_000:
                yield Gap(Reason.TOO_LARGE, "bookmarks")
                break
    except pypdfium2.PdfiumError:
        yield Gap(Reason.DAMAGED, "bookmarks")
    yield from pieces("\n".join(titles), "bookmarks")


def _attachments(document: Any, blob: Blob, budget: Budget) -> Iterator[Item]:
    """Embedded files as members; one without bytes is said to be damaged."""
    import pypdfium2
    import pypdfium2.raw as pdfium

    for index in range(document.count_attachments()):
        budget.enter_member()
        name = f"attachment {index + 1}"
        try:
            attachment = document.get_attachment(index)
            name = _wide(lambda buffer, size, held=attachment: pdfium.FPDFAttachment_GetName(held, buffer, size)) or name  # type: ignore[misc]
            data = bytes(attachment.get_data())
        except pypdfium2.PdfiumError:
            yield Unread(blob.location.inside(name), Reason.DAMAGED)
            continue
        budget.spend_output(len(data))
        size, opener = views(io.BytesIO(data))
        yield Blob(blob.location.inside(name), size, opener)


EXTRACTORS: tuple[Extractor, ...] = (Pdf(),)
