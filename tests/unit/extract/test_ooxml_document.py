from __future__ import annotations

import docx
import pytest
from docx.enum.text import WD_BREAK

from scanner.extract import sniff
from scanner.extract.budget import FileBudget
from tests.unit.extract.documents import Read, read, saved, zipped

_W = (
    'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" xmlns:mc="urn:mc" '
    'xmlns:wps="urn:wps" xmlns:v="urn:schemas-microsoft-com:vml"'
)


def _hand_made(body: str, **parts: str) -> bytes:
    return zipped({"word/document.xml": f"<w:document {_W}><w:body>{body}</w:body></w:document>", **parts})


@pytest.fixture
def document(budget: FileBudget) -> Read:
    made = docx.Document()
    paragraph = made.add_paragraph("氏名 山")
    paragraph.add_run("田太郎").bold = True
    made.sections[0].header.paragraphs[0].text = "header@example.com"
    made.sections[0].footer.paragraphs[0].text = "footer@example.com"
    table = made.add_table(3, 3)
    rows = [["氏名", "電話", "メール"], ["山田太郎", "090-0000-0001", "a@example.com"], ["佐藤花子", "090-0000-0002", "b@example.com"]]
    for row, values in enumerate(rows):
        for column, value in enumerate(values):
            table.cell(row, column).text = value
    table.cell(2, 2).add_table(1, 1).cell(0, 0).text = "nested@example.com"
    made.add_paragraph("end of one").add_run().add_break(WD_BREAK.PAGE)
    made.add_paragraph("two@example.com")
    made.add_comment(paragraph.runs, text="comment@example.com", author="鈴木")
    made.core_properties.author = "田中一郎"
    return read(saved(made), sniff.DOCX, budget)


def test_pages_and_words_over_runs(document: Read) -> None:
    assert document.texts["page 1"] == "氏名 山田太郎\nend of one"
    assert document.texts["page 2"] == "two@example.com"


def test_tables_with_their_places(document: Read) -> None:
    assert document.headers["page 1 table 1"] == ("氏名", "電話", "メール")
    assert document.cells[("page 1 table 1", 3, 2)] == "090-0000-0002"
    assert document.cells[("page 1 table 1", 3, 3)] == "b@example.com"
    assert document.cells[("page 1 table 2", 1, 1)] == "nested@example.com"


def test_what_hangs_on_the_body(document: Read) -> None:
    assert document.texts["header"] == "header@example.com"
    assert document.texts["footer"] == "footer@example.com"
    assert document.texts["comments"] == "comment@example.com"
    assert document.texts["comments authors"] == "鈴木"
    assert "creator: 田中一郎" in document.texts["properties"]
    assert document.gaps == []


def test_a_text_box_is_told_once(budget: FileBudget) -> None:
    box = "<w:txbxContent><w:p><w:r><w:t>box@example.com</w:t></w:r></w:p></w:txbxContent>"
    body = (
        f"<w:p><w:r><w:t>before</w:t></w:r><w:r><mc:AlternateContent><mc:Choice Requires='wps'><wps:txbx>{box}</wps:txbx></mc:Choice>"
        f"<mc:Fallback><w:pict><v:textbox>{box}</v:textbox></w:pict></mc:Fallback></mc:AlternateContent></w:r><w:r><w:t>after</w:t></w:r></w:p>"
    )
    assert read(_hand_made(body), sniff.DOCX, budget).texts[None] == "box@example.com\nbeforeafter"


def test_deleted_words_fields_and_furigana_do_not_split_or_join_others(budget: FileBudget) -> None:
    body = (
        "<w:p><w:r><w:t>山</w:t></w:r><w:del w:author='鈴木'><w:r><w:delText>old@exam</w:delText></w:r>"
        "<w:r><w:delText>ple.com</w:delText></w:r></w:del>"
        "<w:r><w:t>田</w:t></w:r><w:r><w:fldChar w:fldCharType='begin'/></w:r><w:r><w:instrText>HYPERLINK \"mailto:fi</w:instrText></w:r>"
        "<w:r><w:instrText>eld@example.com\"</w:instrText></w:r><w:r><w:fldChar w:fldCharType='separate'/></w:r>"
        "<w:r><w:ruby><w:rt><w:r><w:t>たろう</w:t></w:r></w:rt><w:rubyBase><w:r><w:t>太郎</w:t></w:r></w:rubyBase></w:ruby></w:r></w:p>"
    )
    found = read(_hand_made(body), sniff.DOCX, budget)
    assert found.texts[None] == '山田太郎\nold@example.com\nHYPERLINK "field@example.com"\nたろう'
    assert found.texts["authors"] == "鈴木"


def test_merged_cells_keep_the_columns_behind_them(budget: FileBudget) -> None:
    def cell(text: str, extra: str = "") -> str:
        return f"<w:tc>{extra}<w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:tc>"

    wide = '<w:tcPr><w:gridSpan w:val="2"/></w:tcPr>'
    rows = [
        cell("氏名") + cell("電話") + cell("メール"),
        cell("山田太郎", wide) + cell("a@example.com"),
        cell("佐藤") + cell("090-0000-0001") + cell("b@example.com"),
    ]
    body = "<w:tbl>" + "".join(f"<w:tr>{row}</w:tr>" for row in rows) + "</w:tbl>"
    assert read(_hand_made(body), sniff.DOCX, budget).cells[("table 1", 2, 3)] == "a@example.com"


def test_footnotes_links_and_embedded_documents(budget: FileBudget) -> None:
    rels = (
        '<Relationships><Relationship Id="a" Type="x/footnotes" Target="footnotes.xml"/>'
        '<Relationship Id="b" Type="x/hyperlink" Target="mailto:link%40example.com" TargetMode="External"/></Relationships>'
    )
    parts = {
        "word/_rels/document.xml.rels": rels,
        "word/footnotes.xml": f"<w:footnotes {_W}><w:footnote><w:p><w:r><w:t>foot@example.com</w:t></w:r></w:p></w:footnote></w:footnotes>",
        "word/embeddings/book.xlsx": "PK",
    }
    found = read(_hand_made("<w:p/>", **parts), sniff.DOCX, budget)
    assert found.texts["footnotes"] == "foot@example.com"
    assert found.texts["links"] == "link@example.com"
    assert list(found.members) == ["word/embeddings/book.xlsx"]


def test_nesting_without_end_is_said_after_what_came_before(budget: FileBudget) -> None:
    body = "<w:p><w:r><w:t>first@example.com</w:t></w:r></w:p>" + "<w:x>" * 5_000
    found = read(zipped({"word/document.xml": f"<w:document {_W}>{body}"}), sniff.DOCX, budget)
    assert found.texts[None] == "first@example.com"
    assert found.gaps == [("too_deep", None)]


def test_a_body_that_is_cut(budget: FileBudget) -> None:
    found = read(zipped({"word/document.xml": f"<w:document {_W}><w:p><w:r><w:t>first@example.com"}), sniff.DOCX, budget)
    assert found.texts[None] == "first@example.com"
    assert found.gaps == [("truncated", None)]
