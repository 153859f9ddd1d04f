"""The index on disk: what enters it, how it grows, and that it is never trusted where it cannot be."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import numpy as np
import pytest

from scanner.config import StoreTracing
from scanner.copies import index as copies_index
from scanner.copies.index import Index, IndexUnusable, SourceObject, remove_store, store_folder, update
from tests.unit.copies.conftest import FINGERPRINTS, KEY, Cell, Share, people


def test_cells_are_sorted_counted_and_small(share: Share) -> None:
    counts = share.update("master", {"a": people(500)})
    assert (counts.records, counts.cells, counts.sources) == (500, 2000, 1)
    (segment,) = Index.open(share.folder, KEY, ["master"]).stores["master"].segments
    assert (np.diff(segment.tags.astype(np.float64)) >= 0).all()
    assert sorted({column.label for column in segment.column_list}) == ["メール", "住所", "氏名", "電話"]
    size = sum(file.stat().st_size for file in store_folder(share.folder, "master").iterdir() if file.suffix != ".json")
    assert size == 14 * 2000
    tag = np.uint64(FINGERPRINTS.one("EMAIL_ADDRESS", "USER7@example.com"))
    assert segment.records[int(np.searchsorted(segment.tags, tag))] == 9  # the row


def test_cells_of_one_value_are_in_the_order_of_records(share: Share) -> None:
    share.update("master", {"a": people(400, names=3)})
    (segment,) = Index.open(share.folder, KEY, ["master"]).stores["master"].segments
    tag = np.uint64(FINGERPRINTS.one("PERSON", "試験太郎1"))
    low, high = np.searchsorted(segment.tags, tag, "left"), np.searchsorted(segment.tags, tag, "right")
    records = segment.records[low:high].astype(np.int64)
    assert len(records) == 133
    assert (np.diff(records) > 0).all()


def test_regulated_and_unidentifying_kinds_never_enter(share: Share) -> None:
    cells: list[Cell] = [("JP_POSTAL_CODE", "郵便番号", 2, "1000001"), ("SENSITIVE_HEALTH", "病歴", 2, "x")]
    counts = share.update("master", {"a": [*cells, ("JP_MY_NUMBER", "番号", 2, "0")]})
    assert counts.cells == 0


def test_columns_can_be_named_and_left_out(share: Share) -> None:
    counts = share.update("master", {"a": people(5)}, StoreTracing(keys=("ﾒｰﾙ",), leave_out=("無い列",)))
    assert (counts.cells, counts.unknown_columns) == (5, ("無い列",))
    counts = share.update("master", {"a": people(5)}, StoreTracing(leave_out=("氏 名", "住所")))
    assert (counts.cells, counts.unknown_columns) == (10, ())


def test_a_name_in_two_columns_is_left_out_by_either(share: Share) -> None:
    cells: list[Cell] = [("PERSON", "姓 + 名", 2, "試験太郎"), ("EMAIL_ADDRESS", "mail", 2, "a@example.com")]
    assert share.update("master", {"a": cells}, StoreTracing(leave_out=("名",))).cells == 1


def test_nothing_changed_reads_nothing_and_writes_nothing(share: Share) -> None:
    share.update("master", {"a": people(5), "b": people(5, 50)})
    before = {file: file.stat().st_mtime_ns for file in store_folder(share.folder, "master").iterdir()}
    share.asked.clear()
    counts = share.update("master", {"a": people(5), "b": people(5, 50)})
    assert (counts.read, share.asked) == (0, [])
    assert before == {file: file.stat().st_mtime_ns for file in store_folder(share.folder, "master").iterdir()}


def test_only_the_large_source_that_changed_is_read(share: Share) -> None:
    big = copies_index.LARGE
    share.update("master", {"a": people(5), "b": people(5, 50)}, rows=big)
    share.asked.clear()
    sources = [SourceObject("a", "/s/a", "1", "hash of a", 1_000, big), SourceObject("b", "/s/b", "2", "hash of b", 1_000, big)]
    update(share.folder, "master", KEY, StoreTracing(), sources, share.read, share.folder)
    assert set(share.asked) == {"b"}
    assert Index.open(share.folder, KEY, ["master"]).stores["master"].records == 10


def test_a_source_that_is_gone_leaves_the_index(share: Share) -> None:
    share.update("master", {"a": people(5), "b": people(5, 50)})
    assert share.update("master", {"a": people(5)}).records == 5


def test_files_are_private_and_old_ones_go(share: Share) -> None:
    share.update("master", {"a": people(5)})
    share.update("master", {"a": people(6)}, versions="2")
    files = list(store_folder(share.folder, "master").iterdir())
    assert len(files) == 4
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_a_reader_keeps_the_index_it_opened(share: Share) -> None:
    share.update("master", {"a": people(5)})
    opened = Index.open(share.folder, KEY, ["master"]).stores["master"].segments[0]
    before = opened.tags.copy()
    share.update("master", {"a": people(6)}, versions="2")
    assert (opened.tags == before).all()


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda home: (home / "index.json").unlink(), "missing"),
        (lambda home: (home / "index.json").write_bytes(b"{"), "damaged"),
        (lambda home: next(home.glob("*.tags")).write_bytes(b"123"), "damaged"),
        (lambda home: next(home.glob("*.records")).unlink(), "damaged"),
        (lambda home: _told(home, format=99), "other_version"),
        (lambda home: _told(home, key_id="another"), "other_key"),
        (lambda home: _told(home, segments=[{"name": "../x"}]), "damaged"),
    ],
)
def test_an_index_that_cannot_be_trusted_is_refused_and_made_anew(share: Share, spoil: object, reason: str) -> None:
    share.update("master", {"a": people(5)})
    spoil(store_folder(share.folder, "master"))  # type: ignore[operator]
    with pytest.raises(IndexUnusable) as caught:
        Index.open(share.folder, KEY, ["master"])
    assert caught.value.reason == reason
    assert share.update("master", {"a": people(5)}).read == 1
    assert Index.open(share.folder, KEY, ["master"]).stores["master"].records == 5


def _told(home: Path, **changes: object) -> None:
    manifest = home / "index.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), **changes}))


def test_a_crash_before_the_manifest_leaves_the_old_index(share: Share, monkeypatch: pytest.MonkeyPatch) -> None:
    share.update("master", {"a": people(5)})

    def die(*_: object) -> None:
        raise OSError("no space")

    with monkeypatch.context() as patch:
        patch.setattr(copies_index, "_publish", die)
        with pytest.raises(OSError, match="no space"):
            share.update("master", {"a": people(9)}, versions="2")
    assert Index.open(share.folder, KEY, ["master"]).stores["master"].records == 5
    share.update("master", {"a": people(9)}, versions="2")
    assert len(list(store_folder(share.folder, "master").iterdir())) == 4  # what the crash left is gone


def test_a_store_is_forgotten(share: Share) -> None:
    share.update("master", {"a": people(5)})
    remove_store(share.folder, "master")
    assert not store_folder(share.folder, "master").exists()


def test_records_of_a_text_begin_with_a_name(share: Share) -> None:
    text: list[Cell] = [
        ("ADDRESS", None, 1, "見本市例町1-1"),
        ("PERSON", None, 2, "試験太郎"),
        ("EMAIL_ADDRESS", None, 3, "a@example.com"),
        ("PERSON", None, 4, "見本花子"),
        ("EMAIL_ADDRESS", None, 5, "b@example.com"),
        ("EMAIL_ADDRESS", None, 40, "c@example.com"),
    ]
    assert share.update("letters", {"a": text}).records == 3


def test_no_value_is_in_any_file_of_the_index(share: Share) -> None:
    share.update("master", {"a": people(50)})
    data = b"".join(file.read_bytes() for file in share.folder.rglob("*") if file.is_file())
    for _, _, _, value in people(50):
        assert value.encode() not in data
        assert value.replace(" ", "").encode() not in data
