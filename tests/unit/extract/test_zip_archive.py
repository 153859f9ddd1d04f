"""Zip archives: names, nesting, and everything that a hostile or broken one can say."""

from __future__ import annotations

import bz2
import contextlib
import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.extract.budget import FileBudget
from scanner.extract.zip_archive import ZipArchive
from scanner.model import Blob, Gap, Item, Reason, Status, Text, Unread, Unreadable
from tests.unit.extract import hostile

Make = Callable[..., Blob]


def read(blob: Blob, budget: FileBudget) -> list[tuple[str, Any]]:
    """What comes out, in order: (step, content | reason) of members, ("gap", reason), (place, text)."""
    seen: list[tuple[str, Any]] = []
    for item in ZipArchive().extract(blob, "application/zip", budget):
        seen.append(_shape(item))
    return seen


def _shape(item: Item) -> tuple[str, Any]:
    if isinstance(item, Blob):
        with item.open() as stream:
            data = stream.read()
        assert item.size == len(data)
        return item.location.member[-1], data
    if isinstance(item, Unread):
        return item.location.member[-1], item.reason
    if isinstance(item, Gap):
        return "gap", item.reason
    assert isinstance(item, Text)
    return str(item.place), item.text


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_members_in_order_with_their_bytes(blob: Make, budget: FileBudget, method: int) -> None:
    members = {"a/名簿.csv": "氏名\n山田太郎\n".encode() * 1000, "empty": b"", "b.txt": bytes(range(256)) * 2000}
    assert read(blob(hostile.zip_of(members, method)), budget) == list(members.items())
    assert budget.members == 3
    assert budget.temp_bytes == 0


def test_folders_are_no_members_and_repeated_names_stay_apart(blob: Make, budget: FileBudget) -> None:
    data = hostile.raw_zip([(b"dir/", b""), (b"a", b"1"), (b"a", b"2"), (b"a#2", b"3"), (b"a", b"4")])
    assert read(blob(data), budget) == [("a", b"1"), ("a#2", b"2"), ("a#2#2", b"3"), ("a#3", b"4")]


@pytest.mark.parametrize(
    ("raw", "flags", "step"),
    [
        ("名簿.csv".encode("cp932"), 0, "名簿.csv"),
        ("名簿.csv".encode(), 0, "名簿.csv"),
        ("名簿.csv".encode(), 0x800, "名簿.csv"),
        (b"caf\x82.txt\xff", 0, "café.txt\u00a0"),
        (b"bad\xff.txt", 0x800, "bad\\xFF.txt"),
    ],
)
def test_names_are_read_as_they_were_written(blob: Make, budget: FileBudget, raw: bytes, flags: int, step: str) -> None:
    assert read(blob(hostile.raw_zip([(raw, b"x")], flags=flags)), budget) == [(step, b"x")]


def test_the_unicode_path_field_counts_only_for_its_own_name(blob: Make, budget: FileBudget) -> None:
    raw, true = b"??.csv", "鈴木.csv".encode()
    field = struct.pack("<BL", 1, zlib.crc32(raw)) + true
    extra = struct.pack("<HH", 0x7075, len(field)) + field
    assert read(blob(hostile.raw_zip([(raw, b"x")], extra=extra)), budget) == [("鈴木.csv", b"x")]
    assert read(blob(hostile.raw_zip([(b"other", b"x")], extra=extra)), budget) == [("other", b"x")]


def test_a_name_that_climbs_is_only_a_name(blob: Make, budget: FileBudget) -> None:
    steps = [step for step, _ in read(blob(hostile.traversal_zip()), budget)]
    assert steps == ["/etc/cron.d/evil", "../../outside.txt", "C:\\\\Windows\\\\evil.dll"]
    assert list(budget.temp_dir.iterdir()) == []


def test_the_comment_is_a_property(blob: Make, budget: FileBudget) -> None:
    data = hostile.zip_of({"a": b"1"}, comment="担当 山田".encode("cp932"))
    assert read(blob(data), budget)[0] == ("properties", "担当 山田")


def test_encrypted_members_have_rows_and_a_wholly_encrypted_archive_is_unreadable(blob: Make, budget: FileBudget) -> None:
    assert read(blob(hostile.encrypted_zip({b"plain.txt": b"x"})), budget) == [("secret.csv", Reason.ENCRYPTED), ("plain.txt", b"x")]
    items = ZipArchive().extract(blob(hostile.encrypted_zip()), "application/zip", budget)
    first = next(items)
    assert isinstance(first, Unread)
    assert (first.location.member, first.reason) == (("名簿.csv",), Reason.ENCRYPTED)
    with pytest.raises(Unreadable) as caught:
        next(items)
    assert caught.value.reason is Reason.ENCRYPTED


def test_a_symbolic_link_is_recorded_not_read(blob: Make, budget: FileBudget) -> None:
    data = hostile.raw_zip([(b"link", b"/etc/passwd")], made_by=3, attributes=0o120777)
    (item,) = ZipArchive().extract(blob(data), "application/zip", budget)
    assert isinstance(item, Unread)
    assert (item.reason, item.status) == (Reason.SYMLINK, Status.NO_TEXT)


def test_600_mb_of_zeros_stop_at_the_ratio(blob: Make, budget: FileBudget) -> None:
    data = hostile.bomb_zip(600)
    assert read(blob(data), budget) == [("zeros.csv", Reason.RATIO)]
    assert budget.output_bytes < 600 << 20
    assert budget.temp_bytes == 0


def test_an_overlap_bomb_is_not_unfolded(blob: Make, budget: FileBudget) -> None:
    data = hostile.quoted_overlap_bomb()
    assert len(data) < 160_000
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert sum(info.file_size for info in archive.infolist()) > 1 << 30
    seen = read(blob(data), budget)
    assert len(seen) == 1500
    assert {result for _, result in seen[:-1]} == {Reason.DAMAGED}
    assert seen[-1][1] == bytes(1 << 20)
    assert budget.output_bytes < 4 << 20


def test_two_entries_that_share_one_header_are_an_overlap(blob: Make, budget: FileBudget) -> None:
    data = bytearray(hostile.raw_zip([(b"aa", b"1"), (b"bb", b"2")]))
    second = data.rfind(b"PK\x01\x02")
    data[second + 42 : second + 46] = bytes(4)
    assert read(blob(bytes(data)), budget) == [("aa", Reason.DAMAGED), ("bb", Reason.DAMAGED)]


def test_one_level_of_a_deep_nest_is_one_member(blob: Make, budget: FileBudget) -> None:
    ((step, inner),) = read(blob(hostile.nested_zip(200)), budget)
    assert step == "level198.zip"
    assert read(blob(inner), budget)[0][0] == "level197.zip"


def test_more_members_than_allowed(blob: Make, make_budget: Callable[..., FileBudget]) -> None:
    data = hostile.raw_zip([(b"%d" % number, b"") for number in range(20)])
    with pytest.raises(Unreadable) as caught:
        read(blob(data), make_budget(members=10))
    assert caught.value.reason is Reason.TOO_MANY_MEMBERS


def test_an_unknown_method_costs_its_member_only(blob: Make, budget: FileBudget) -> None:
    data = bytearray(hostile.raw_zip([(b"a", b"1"), (b"b", b"2")]))
    data[data.find(b"PK\x01\x02") + 10] = 97
    assert read(blob(bytes(data)), budget) == [("a", Reason.UNKNOWN_FORMAT), ("b", b"2")]


def test_damaged_data_is_kept_as_far_as_it_goes_and_said(blob: Make, budget: FileBudget) -> None:
    text = b"".join(b"%d taro%d@example.jp\n" % (number, number) for number in range(40_000))
    data = bytearray(hostile.zip_of({"a.txt": text, "b.txt": b"fine"}))
    data[len(data) // 2 : len(data) // 2 + 64] = b"\xff" * 64
    seen = read(blob(bytes(data)), budget)
    assert seen[0][0] == "a.txt"
    assert seen[0][1][:10_000] == text[:10_000]
    assert seen[1] == ("gap", Reason.DAMAGED)
    assert seen[2] == ("b.txt", b"fine")


def test_a_wrong_size_is_said(blob: Make, budget: FileBudget) -> None:
    data = bytearray(hostile.zip_of({"a.txt": b"hello world" * 10}))
    central = data.find(b"PK\x01\x02")
    data[central + 24 : central + 28] = struct.pack("<L", 5)
    assert read(blob(bytes(data)), budget) == [("a.txt", b"hello world" * 10), ("gap", Reason.DAMAGED)]


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("streamed", [False, True])
def test_a_lost_directory_is_made_up_for_by_local_headers(blob: Make, budget: FileBudget, method: int, streamed: bool) -> None:
    class OneWay(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def seek(self, *_: int) -> int:
            raise io.UnsupportedOperation

        def tell(self) -> int:
            raise io.UnsupportedOperation

    buffer = OneWay() if streamed else io.BytesIO()
    text = b"taro@example.jp\n" * 500
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name in ("a.txt", "b.txt", "c.txt"):
            archive.writestr(name, text)
    data = buffer.getvalue()
    cut = data[: data.rfind(b"PK\x03\x04") + 60]
    seen = read(blob(cut), budget)
    assert seen[:2] == [("a.txt", text), ("b.txt", text)]
    assert seen[-1] == ("gap", Reason.TRUNCATED)


def test_bytes_behind_the_archive_are_not_passed_over(blob: Make, budget: FileBudget) -> None:
    data = hostile.zip_of({"a": b"1"})
    assert read(blob(data + b"\0" * 100), budget) == [("a", b"1")]
    assert read(blob(data + b"taro@example.jp"), budget) == [("a", b"1"), ("gap", Reason.DAMAGED)]


def test_bytes_before_the_archive_do_not_shift_it(blob: Make, budget: FileBudget) -> None:
    assert read(blob(b"#!/bin/sh\n" * 50 + hostile.zip_of({"a": b"1"})), budget) == [("a", b"1")]


def test_zip64_sizes_are_read(blob: Make, budget: FileBudget) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive, archive.open(zipfile.ZipInfo("wide.txt"), "w", force_zip64=True) as member:
        member.write(b"x" * 1000)
    assert read(blob(buffer.getvalue()), budget) == [("wide.txt", b"x" * 1000)]
    extra = struct.pack("<HH3Q", 1, 24, 4, 4, 0)
    data = bytearray(hostile.raw_zip([(b"a", b"data")], extra=extra))
    central = data.find(b"PK\x01\x02")
    data[central + 20 : central + 28] = b"\xff" * 8  # both sizes, and
    data[central + 42 : central + 46] = b"\xff" * 4  # the offset of the local header
    assert read(blob(bytes(data)), budget) == [("a", b"data")]


def test_random_bytes_behind_the_magic_are_unreadable(blob: Make, budget: FileBudget) -> None:
    with pytest.raises(Unreadable):
        read(blob(b"PK\x03\x04" + bz2.compress(bytes(100))), budget)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.binary(max_size=8), st.booleans())
def test_no_damage_raises_anything_but_unreadable(tmp_path_factory: pytest.TempPathFactory, at: int, noise: bytes, cut: bool) -> None:
    from scanner.model import Limits, Location

    data = bytearray(hostile.zip_of({"a.txt": b"taro@example.jp " * 20, "b.bin": bytes(range(200))}))
    at %= len(data)
    data[at : at + len(noise)] = noise
    damaged = bytes(data[:at] if cut else data)
    blob = Blob(Location("/share", "x.zip"), len(damaged), lambda: io.BytesIO(damaged))
    with contextlib.suppress(Unreadable):
        read(blob, FileBudget(Limits(), tmp_path_factory.getbasetemp()))


def test_an_archive_in_front_of_the_archive_is_said(blob: Make, budget: FileBudget) -> None:
    """`cat a.zip b.zip`: only the last directory counts, and the members of the first must not be passed over in silence."""
    both = hostile.zip_of({"a.txt": b"first"}) + hostile.zip_of({"b.txt": b"second"})
    assert read(blob(both), budget) == [("b.txt", b"second"), ("gap", Reason.DAMAGED)]
