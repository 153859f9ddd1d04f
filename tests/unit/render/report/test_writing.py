"""Files: whole, private, of any department's name; and what is wrong with the findings is said on the page."""

from __future__ import annotations

import base64
import datetime
import os
import re
import zlib
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from lxml import html

from scanner import api
from scanner.findings import runs
from scanner.findings.decide import Triage, Wanted
from scanner.findings.errors import StoreError
from scanner.person import Person
from scanner.render.report.writing import ReportError, file_names
from tests.unit.render.report.stores import NASTY, PEOPLE, TODAY, company, copy, publish, stray, unread


def text(page: Path) -> str:
    """What a reader without script sees."""
    parsed = html.document_fromstring(page.read_text(encoding="utf-8"))
    for node in parsed.xpath("//script|//style"):
        node.getparent().remove(node)
    return " ".join(parsed.text_content().split())


def everything(page: Path) -> bytes:
    """Every byte of the page, what is packed in it unpacked."""
    whole = page.read_bytes()
    packed = re.findall(rb'<script type="text/plain" id="\w+">([^<]*)<', whole)
    return whole + b"".join(zlib.decompress(base64.b64decode(block), -15) for block in packed)


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_the_page_is_whole_and_private(tmp_path: Path, lang: str) -> None:
    company(tmp_path / "store")
    before = os.umask(0)
    try:
        written = api.report(tmp_path / "store", tmp_path / "r.html", lang=lang, today=TODAY)
    finally:
        os.umask(before)
    assert (written.exit_status, written.stray, written.listed, written.pages) == (0, 8, 8, 1)
    assert (tmp_path / "r.html").stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["r.html", "store"]
    parsed = html.document_fromstring((tmp_path / "r.html").read_text(encoding="utf-8"))
    assert parsed.get("lang") == lang
    assert not parsed.xpath("//@src | //link | //@style | //base | //iframe | //form | //object")
    assert [address for address in parsed.xpath("//@href") if not address.startswith("#")] == []
    (policy,) = parsed.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert len(parsed.xpath("//h1")) == 1


def test_an_open_reader_keeps_the_old_page(tmp_path: Path) -> None:
    company(tmp_path / "store")
    (tmp_path / "r.html").write_text("old")
    with open(tmp_path / "r.html") as reader:
        api.report(tmp_path / "store", tmp_path / "r.html", today=TODAY)
        assert reader.read() == "old"
    assert "customer-master" in text(tmp_path / "r.html")


def test_no_planted_value_is_in_any_byte(tmp_path: Path) -> None:
    """A row that holds values where masks belong is masked by the store; the page unpacks to no other."""
    values = ("山田太郎", "090-1234-5678", "taro@example.co.jp", "4111111111111111")
    some = [stray(f"a/{n}.csv", kinds=[kind], sample=value) for n, (kind, value) in enumerate(zip(
        ("PERSON", "PHONE_NUMBER", "EMAIL_ADDRESS", "CREDIT_CARD"), values, strict=True))]  # fmt: skip
    publish(tmp_path / "store", some)
    api.report(tmp_path / "store", tmp_path / "r.html", today=TODAY)
    whole = everything(tmp_path / "r.html")
    assert b"###-####-####" in whole
    assert [value for value in values if value.encode() in whole] == []


def test_reviews_stores_and_runs_that_are_not_complete_are_said(tmp_path: Path) -> None:
    publish(tmp_path / "store", [stray("a.csv")], told=PEOPLE, outcome="stopped")
    api.report(tmp_path / "store", tmp_path / "r.html", today=TODAY)
    told = text(tmp_path / "r.html")
    assert "The last scan did not see everything" in told
    assert "/share: the last scan is stopped before its end" in told
    assert "review was due on 2026-10-31" in told
    assert "copies not, or not wholly, traced: its paths match nothing" in told
    assert "Mend a store whose copies cannot be traced" in told


def test_an_empty_store_gives_a_pleasant_page(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    written = api.report(tmp_path / "store", tmp_path / "r.html", today=TODAY)
    assert (written.exit_status, written.stray) == (0, 0)
    assert "No scan has written into this store yet." in text(tmp_path / "r.html")


def test_nothing_stray_is_clean_only_if_all_was_read(tmp_path: Path) -> None:
    publish(tmp_path / "a")
    publish(tmp_path / "b", others=[unread("x.zip")])
    publish(tmp_path / "c", outcome="stopped")
    for name in "abc":
        api.report(tmp_path / name, tmp_path / f"{name}.html", today=TODAY)
    said = "Nothing stray was found, and everything was read."
    assert [said in text(tmp_path / f"{name}.html") for name in "abc"] == [True, False, False]


def test_what_was_put_aside_is_not_called_clean(tmp_path: Path) -> None:
    publish(tmp_path / "store", [stray("a.csv", kinds=["PERSON"])])
    with Triage(tmp_path / "store", person=Person(1, "aoki"), today=TODAY) as desk:
        desk.ignore(Wanted(("/share|a.csv|None|PERSON",)), "test data")
    api.report(tmp_path / "store", tmp_path / "r.html", today=TODAY)
    told = text(tmp_path / "r.html")
    assert "Nothing stray is left but what somebody decided to leave." in told
    assert "1 findings ignored, 0 accepted" in told
    assert "everything was read" not in told


def test_what_of_the_findings_is_damaged_is_said_and_the_rest_answers(tmp_path: Path) -> None:
    store = tmp_path / "store"
    publish(store, [stray("kept.csv")], roots=["/one"])
    damaged = publish(store, [stray("lost.csv")], roots=["/two"])
    newer = publish(store, roots=["/three"])
    unfinished = publish(store, roots=["/four"])
    (part,) = (store / "findings" / f"run={damaged}").glob("*.parquet")
    part.write_bytes(part.read_bytes()[:-40])
    manifest = runs.manifest_path(store, newer)
    manifest.write_text(manifest.read_text().replace('"schema": 1', '"schema": 99').replace('"schema":1', '"schema":99'))
    (store / "findings" / f"run={unfinished}").mkdir(exist_ok=True)
    runs.manifest_path(store, unfinished).unlink()
    written = api.report(store, tmp_path / "r.html", today=TODAY)
    told = text(tmp_path / "r.html")
    assert (written.exit_status, written.stray) == (3, 1)
    assert "Part of the findings could not be used" in told
    for problem in (f"{part.relative_to(store)} is left out", "newer version (schema 99)", f"run {unfinished} has no manifest"):
        assert problem in told
        assert any(problem in one for one in written.problems)
    assert "kept.csv" in told


@pytest.mark.parametrize("column", ["object_id", "entity_type", "samples"])
def test_a_file_damaged_inside_is_said_too(tmp_path: Path, column: str) -> None:
    """Some columns are read for the first figures, others for the details alone."""
    store = tmp_path / "store"
    run = publish(store, [stray(f"{n}.csv") for n in range(200)])
    (part,) = (store / "findings" / f"run={run}").glob("*.parquet")
    group = pq.read_metadata(part).row_group(0)
    (chunk,) = [group.column(n) for n in range(group.num_columns) if group.column(n).path_in_schema.split(".")[0] == column]
    begin = chunk.dictionary_page_offset or chunk.data_page_offset
    whole = bytearray(part.read_bytes())
    whole[begin : begin + chunk.total_compressed_size] = b"\xff" * chunk.total_compressed_size
    part.write_bytes(whole)
    written = api.report(store, tmp_path / "r.html", today=TODAY)
    assert written.exit_status == 3
    assert "its content is damaged" in text(tmp_path / "r.html")


def test_pages_of_departments(tmp_path: Path) -> None:
    company(tmp_path / "store")
    written = api.report(tmp_path / "store", tmp_path / "pages", all_departments=True, today=TODAY, lang="ja")
    assert sorted(path.name for path in (tmp_path / "pages").iterdir()) == [
        "London-office.html",
        "index.html",
        "no-department.html",
        "営業部.html",
    ]
    assert (tmp_path / "pages").stat().st_mode & 0o777 == 0o700
    assert (written.pages, written.stray, written.listed, written.file.name) == (3, 8, 8, "index.html")
    assert "clients.csv" not in everything(tmp_path / "pages" / "営業部.html").decode()
    assert "clients.csv" in everything(tmp_path / "pages" / "London-office.html").decode()
    one = api.report(tmp_path / "store", tmp_path / "one.html", department="営業部", today=TODAY, lang="ja")
    assert (one.stray, "営業部長" in text(tmp_path / "one.html")) == (4, True)


def test_names_of_files_are_harmless_and_different() -> None:
    names = file_names([*NASTY, "..", "/", "a/b", "A-B", "index", "no-department", None])
    assert len({name.casefold() for name in names}) == len(names)
    assert all(re.fullmatch(r"[\w-]{1,66}\.html", name) for name in names)
    assert file_names(["index", None, "営業部"]) == ["index-2.html", "no-department.html", "営業部.html"]


def test_what_cannot_be_done_is_one_sentence(tmp_path: Path) -> None:
    company(tmp_path / "store")
    with pytest.raises(StoreError, match="not a folder"):
        api.report(tmp_path / "nowhere", tmp_path / "r.html")
    with pytest.raises(ReportError, match="no department is named Sales: there is London office, 営業部"):
        api.report(tmp_path / "store", tmp_path / "r.html", department="Sales")
    with pytest.raises(ReportError, match="is a folder"):
        api.report(tmp_path / "store", tmp_path)
    with pytest.raises(ReportError, match="cannot be written"):
        api.report(tmp_path / "store", tmp_path / "no" / "r.html")
    (tmp_path / "file").touch()
    with pytest.raises(ReportError, match="name a folder"):
        api.report(tmp_path / "store", tmp_path / "file", all_departments=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "store"]


def test_more_than_a_year_is_told_by_months(tmp_path: Path) -> None:
    since = datetime.datetime(2025, 1, 15, tzinfo=datetime.UTC)
    publish(tmp_path / "store", [stray("a"), stray("b", since=since)], copies=[copy("a", "s", 0, 0)])
    api.report(tmp_path / "store", tmp_path / "r.html", today=TODAY)
    told = text(tmp_path / "r.html")
    assert "by the month in which" in told
    assert "text or the same bytes" in told
