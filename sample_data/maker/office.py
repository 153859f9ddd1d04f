"""Office documents and PDF: sheets, letters and slides, with data in the parts that a reader easily forgets."""

from __future__ import annotations

import datetime
import io
from collections.abc import Iterator
from typing import Any

from .packing import repacked, unzipped, zipped
from .people import CLIENTS, ITO, KIMURA, KOBAYASHI, NAKAMURA, PEOPLE, SAITO, SASAKI, SHIMIZU, TAKAHASHI, YAMAGUCHI
from .share import Made, Plant, columns, marked
from .tables import HEADER, KINDS, person_rows

DAY = datetime.datetime(2026, 4, 1)
SHEET_KINDS = {name: KINDS[name] for name in ("氏名", "電話番号", "メールアドレス", "住所")}


def made() -> Iterator[Made]:
    yield _workbook()
    yield _workbook_by_another_name()
    yield _sparse()
    yield _xls()
    yield _ods()
    yield _docx()
    yield _author()
    yield _pptx()
    yield _odt()
    yield _pdf_japanese()
    yield _pdf_english()


def saved(document: Any) -> bytes:
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def new_workbook() -> Any:
    import openpyxl

    book = openpyxl.Workbook()
    book.properties.creator, book.properties.created = "", DAY
    return book


def workbook(sheets: dict[str, list[list[Any]]]) -> bytes:
    """A plain workbook: sheet name -> rows."""
    book = new_workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    return repacked(saved(book))


# --------------------------------------------------------------------------- sheets


def _workbook() -> Made:
    """A table that starts at C4, a comment, and a hidden sheet."""
    from openpyxl.comments import Comment

    book = new_workbook()
    sheet = book.active
    sheet.title = "社員名簿"
    sheet["C2"] = "社員名簿(総務課)"
    rows = person_rows(PEOPLE[:7])
    for at, row in enumerate([list(HEADER), *rows], 4):
        for column, value in enumerate(row, 3):
            sheet.cell(at, column, value)
    remark, commented = marked(f"退職済み。連絡は [[EMAIL_ADDRESS:{KIMURA.email}]]", "社員名簿 comments")
    sheet["D6"].comment = Comment(remark, "総務")
    hidden = book.create_sheet("旧データ")
    hidden.sheet_state = "hidden"
    old = [[p.name, p.mobile] for p in PEOPLE[7:]]
    for row in [["氏名", "携帯電話"], *old]:
        hidden.append(row)
    plants = columns(HEADER, rows, KINDS, "社員名簿") + commented + columns(("氏名", "携帯電話"), old, KINDS, "旧データ")
    return Made("leaky/総務/社員名簿.xlsx", repacked(saved(book)), plants, made_with=("openpyxl", "zlib"))


def _workbook_by_another_name() -> Made:
    header = ("氏名", "メールアドレス")
    rows = [[p.name, p.email] for p in PEOPLE[:5]]
    data = workbook({"Sheet1": [list(header), *rows]})
    return Made("leaky/基幹/BACKUP.DAT", data, columns(header, rows, KINDS, "Sheet1"), 5, made_with=("openpyxl", "zlib"))


def _sparse() -> Made:
    """Two cells at opposite corners: read as two cells, not as seventeen billion."""
    book = new_workbook()
    book.active.title = "端"
    book.active["A1"] = f"担当 {ITO.name} {ITO.mobile}"
    book.active["XFD1048576"] = ITO.email
    plants = (
        Plant("PERSON", (ITO.name,), "端", "column 1"),
        Plant("PHONE_NUMBER", (ITO.mobile,), "端", "column 1"),
        Plant("EMAIL_ADDRESS", (ITO.email,), "端", "column 16384"),
    )
    return Made("leaky/営業/sparse.xlsx", repacked(saved(book)), plants, made_with=("openpyxl", "zlib"))


def _xls() -> Made:
    import xlwt

    header = ("得意先", "氏名", "電話番号", "住所")
    rows = [["見本商事", p.name, p.phone, p.address] for p in PEOPLE]
    book = xlwt.Workbook()
    sheet = book.add_sheet("得意先担当")
    for at, row in enumerate([header, *rows]):
        for column, value in enumerate(row):
            sheet.write(at, column, value)
    return Made("leaky/営業/得意先.xls", saved(book), columns(header, rows, SHEET_KINDS, "得意先担当"), len(rows), made_with=("xlwt",))


def open_document(kind: str, body: str) -> bytes:
    """A minimal OpenDocument package (1.3, part 2)."""
    spaces = "".join(f' xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "text", "table"))
    content = f'<?xml version="1.0" encoding="UTF-8"?>\n<office:document-content{spaces} office:version="1.3"><office:body>{body}</office:body></office:document-content>'
    kind = f"application/vnd.oasis.opendocument.{kind}"
    manifest = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
        f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{kind}"/>'
        '<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/></manifest:manifest>'
    )
    parts = {"mimetype": kind.encode(), "content.xml": content.encode(), "META-INF/manifest.xml": manifest.encode()}
    return zipped(parts, stored=("mimetype",))


def _ods() -> Made:
    header = ("氏名", "電話番号", "メールアドレス", "住所")
    rows = [[p.name, p.phone, p.email, p.address] for p in PEOPLE[:9]]

    def cells(row: Any) -> str:
        return "".join(f'<table:table-cell office:value-type="string"><text:p>{value}</text:p></table:table-cell>' for value in row)

    lines = "".join(f"<table:table-row>{cells(row)}</table:table-row>" for row in [header, *rows])
    data = open_document("spreadsheet", f'<office:spreadsheet><table:table table:name="寄付者">{lines}</table:table></office:spreadsheet>')
    return Made("leaky/総務/寄付者.ods", data, columns(header, rows, KINDS, "寄付者"), len(rows), made_with=("zlib",))


# --------------------------------------------------------------------------- letters and slides

_W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_FOOTNOTE = "application/vnd.openxmlformats-officedocument.wordprocessingml.footnotes+xml"
_RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/footnotes"


def _docx() -> Made:
    import docx

    document = docx.Document()
    document.core_properties.author = ""
    plants: tuple[Plant, ...] = ()

    def told(text: str, place: str | None) -> str:
        nonlocal plants
        plain, found = marked(text, place)
        plants += found
        return plain

    section = document.sections[0]
    section.header.paragraphs[0].text = told(f"作成者: [[PERSON:{NAKAMURA.name}]]", "header")
    section.footer.paragraphs[0].text = told(f"連絡先 [[PHONE_NUMBER:{NAKAMURA.phone}]]", "footer")
    paragraph = document.add_paragraph(told(f"お客様 [[PERSON:{SASAKI.name}]] 様のご住所は [[ADDRESS:{SASAKI.address}]] です。", None))
    document.add_comment(
        paragraph.runs, text=told(f"本人確認の電話 [[PHONE_NUMBER:{SASAKI.mobile}]]", "comments"), author="総務", initials="S"
    )
    header = ("氏名", "電話番号", "メールアドレス")
    rows = [[p.name, p.phone, p.email] for p in PEOPLE[2:8]]
    table = document.add_table(len(rows) + 1, len(header))
    for line, row in zip(table.rows, [header, *rows], strict=True):
        for cell, value in zip(line.cells, row, strict=True):
            cell.text = value
    plants += columns(header, rows, KINDS, "table 1")
    parts = unzipped(saved(document))
    note = told(f"紹介者: [[PERSON:{SHIMIZU.name}]]([[EMAIL_ADDRESS:{SHIMIZU.email}]])", "footnotes")
    return Made("leaky/営業/提案書.docx", repacked(zipped(parts), _with_footnote(parts, note)), plants, made_with=("python-docx", "zlib"))


def _with_footnote(parts: dict[str, bytes], note: str) -> dict[str, bytes]:
    """The parts that change when the first paragraph gets a footnote; python-docx makes none."""
    types, relations, body = parts["[Content_Types].xml"], parts["word/_rels/document.xml.rels"], parts["word/document.xml"]
    override = f'<Override PartName="/word/footnotes.xml" ContentType="{_FOOTNOTE}"/></Types>'
    relation = f'<Relationship Id="rIdNote" Type="{_RELATION}" Target="footnotes.xml"/></Relationships>'
    return {
        "[Content_Types].xml": types.replace(b"</Types>", override.encode()),
        "word/_rels/document.xml.rels": relations.replace(b"</Relationships>", relation.encode()),
        "word/document.xml": body.replace(b"</w:p>", b'<w:r><w:footnoteReference w:id="2"/></w:r></w:p>', 1),
        "word/footnotes.xml": (
            f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<w:footnotes {_W}>'
            f'<w:footnote w:id="2"><w:p><w:r><w:t>{note}</w:t></w:r></w:p></w:footnote></w:footnotes>'
        ).encode(),
    }


def _author() -> Made:
    import docx

    document = docx.Document()
    document.core_properties.author = CLIENTS[2].name
    document.core_properties.title = "Price list"
    document.add_paragraph("Pumps from 120 EUR, valves from 15 EUR, delivery within ten days.")
    plants = (Plant("PERSON", (CLIENTS[2].name,), "properties"),)  # an author alone is `info`
    return Made("leaky/london/price-list.docx", repacked(saved(document)), plants, made_with=("python-docx", "zlib"), verdict="clean")


def _pptx() -> Made:
    import pptx
    from pptx.util import Cm

    deck = pptx.Presentation()
    deck.core_properties.author, deck.core_properties.last_modified_by = "", ""
    first = deck.slides.add_slide(deck.slide_layouts[5])
    title, plants = marked(f"担当: [[PERSON:{SAITO.name}]]", "slide 1")
    first.shapes.title.text = title
    second = deck.slides.add_slide(deck.slide_layouts[5])
    second.shapes.title.text = "紹介先"
    header = ("氏名", "電話番号")
    rows = [[p.name, p.phone] for p in PEOPLE[:4]]
    table = second.shapes.add_table(5, 2, Cm(2), Cm(5), Cm(20), Cm(6)).table
    for at, row in enumerate([header, *rows]):
        for column, value in enumerate(row):
            table.cell(at, column).text = value
    plants += columns(header, rows, KINDS, "slide 2 table 1")
    notes, spoken = marked(f"当日の連絡は [[PERSON:{YAMAGUCHI.name}]] さん、携帯 [[PHONE_NUMBER:{YAMAGUCHI.mobile}]]", "slide 2 notes")
    second.notes_slide.notes_text_frame.text = notes
    return Made("leaky/営業/キックオフ.pptx", repacked(saved(deck)), plants + spoken, made_with=("python-pptx", "zlib"))


def _odt() -> Made:
    text, plants = marked(
        f"[[PERSON:{TAKAHASHI.name}]] 様\n〒[[JP_POSTAL_CODE:{TAKAHASHI.postal}]] [[ADDRESS:{TAKAHASHI.address}]]\nTEL [[PHONE_NUMBER:{TAKAHASHI.phone}]] FAX [[FAX_NUMBER:06-1234-5699]]"
    )
    lines = "".join(f"<text:p>{line}</text:p>" for line in text.splitlines())
    return Made("leaky/総務/礼状.odt", open_document("text", f"<office:text>{lines}</office:text>"), plants, made_with=("zlib",))


# --------------------------------------------------------------------------- PDF


def canvas(**settings: Any) -> tuple[Any, io.BytesIO]:
    """A page to draw on that carries no date and no id of its making."""
    from reportlab.pdfgen.canvas import Canvas

    buffer = io.BytesIO()
    page = Canvas(buffer, invariant=1, **settings)
    page.setAuthor("")
    page.setTitle("")
    return page, buffer


def _pdf_japanese() -> Made:
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont

    pdfmetrics.registerFont(UnicodeCIDFont("HeiseiMin-W3"))
    page, buffer = canvas()
    first, plants = marked(f"申込書\n氏名 [[PERSON:{KOBAYASHI.name}]]\n電話 [[PHONE_NUMBER:{KOBAYASHI.mobile}]]", "page 1")
    second, more = marked(
        f"住所 [[ADDRESS:{KOBAYASHI.address}]]\n生年月日 [[DATE_OF_BIRTH:1991年7月23日]]\nメール [[EMAIL_ADDRESS:{KOBAYASHI.email}]]",
        "page 2",
    )
    for text in (first, second):
        page.setFont("HeiseiMin-W3", 12)
        for at, line in enumerate(text.splitlines()):
            page.drawString(72, 760 - 24 * at, line)
        page.showPage()
    page.save()
    return Made("leaky/営業/申込書.pdf", buffer.getvalue(), plants + more, made_with=("reportlab", "zlib"))


def _pdf_english() -> Made:
    text, plants = marked(
        f"Dear Ms. [[PERSON:{CLIENTS[6].name}]],\n\nwe deliver to [[ADDRESS:{CLIENTS[6].address}]].\n"
        f"Please call [[PHONE_NUMBER:{CLIENTS[6].phone}]] or write to [[EMAIL_ADDRESS:{CLIENTS[6].email}]].",
        "page 1",
    )
    page, buffer = canvas()
    for at, line in enumerate(text.splitlines()):
        page.drawString(72, 760 - 18 * at, line)
    page.save()
    return Made("leaky/london/letter.pdf", buffer.getvalue(), plants, made_with=("reportlab", "zlib"))
