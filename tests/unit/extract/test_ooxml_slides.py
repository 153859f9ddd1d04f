from __future__ import annotations

import pptx
import pytest
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches

from scanner.extract import sniff
from scanner.extract.budget import FileBudget
from tests.unit.extract.documents import Read, read, saved


@pytest.fixture
def slides(budget: FileBudget) -> Read:
    made = pptx.Presentation()
    first = made.slides.add_slide(made.slide_layouts[5])
    first.shapes.title.text = "first@example.com"
    second = made.slides.add_slide(made.slide_layouts[5])
    second.shapes.title.text = "second"
    table = second.shapes.add_table(2, 2, 0, 0, Inches(4), Inches(2)).table
    for row, values in enumerate([["氏名", "電話"], ["山田太郎", "090-0000-0001"]]):
        for column, value in enumerate(values):
            table.cell(row, column).text = value
    second.notes_slide.notes_text_frame.text = "notes@example.com"
    group = second.shapes.add_group_shape()
    group.shapes.add_textbox(0, 0, 1, 1).text_frame.text = "group@example.com"
    run = second.shapes.add_textbox(0, 0, 1, 1).text_frame.paragraphs[0].add_run()
    run.text = "link"
    run.hyperlink.address = "mailto:link@example.com"
    data = CategoryChartData()
    data.categories = ["山田太郎", "佐藤花子"]
    data.add_series("chart@example.com", (1, 2))
    second.shapes.add_chart(XL_CHART_TYPE.BAR_CLUSTERED, 0, 0, 1, 1, data)
    second._element.set("show", "0")
    order = made.slides._sldIdLst
    order.append(order[0])  # the second slide is shown first
    made.slide_masters[0].placeholders[0].text_frame.text = "master@example.com"
    return read(saved(made), sniff.PPTX, budget)


def test_slides_are_counted_as_they_are_shown(slides: Read) -> None:
    assert slides.texts["slide 2"] == "first@example.com"
    assert "group@example.com" in slides.texts["slide 1"]


def test_tables_notes_charts_links_and_masters(slides: Read) -> None:
    assert slides.headers["slide 1 table 1"] == ("氏名", "電話")
    assert slides.cells[("slide 1 table 1", 2, 2)] == "090-0000-0001"
    assert slides.texts["slide 1 notes"].split("\n")[0] == "notes@example.com"
    assert "chart@example.com" in slides.texts["slide 1 chart"]
    assert slides.texts["slide 1 links"] == "link@example.com"
    assert "master@example.com" in slides.texts["master"]
    assert [name.endswith(".xlsx") for name in slides.members] == [True]
    assert slides.gaps == []
