"""Tar archives: where members lie, what is not a file, and broken ends."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.extract.budget import FileBudget
from scanner.extract.tar_archive import TarArchive
from scanner.model import Blob, Gap, Limits, Location, Reason, Status, Unread, Unreadable
from tests.unit.extract import hostile

Make = Callable[..., Blob]


def read(blob: Blob, budget: FileBudget) -> list[tuple[str, Any]]:
    seen: list[tuple[str, Any]] = []
    for item in TarArchive().extract(blob, "application/x-tar", budget):
        if isinstance(item, Blob):
            with item.open() as stream:
                seen.append((item.location.member[-1], stream.read()))
        elif isinstance(item, Unread):
            seen.append((item.location.member[-1], (item.status, item.reason)))
        else:
            assert isinstance(item, Gap)
            seen.append(("gap", item.reason))
    return seen


@pytest.mark.parametrize("fmt", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_members_in_order(blob: Make, budget: FileBudget, fmt: int) -> None:
    long = "深い/" * 20 + "名簿.csv" if fmt != tarfile.USTAR_FORMAT else "dir/名簿.csv"
    members = {"a.txt": b"1" * 1000, long: b"2" * 70_000, "empty": b"", "../../x": b"3"}
    assert read(blob(hostile.tar_of(members, fmt=fmt)), budget) == list(members.items())
    assert budget.members == 4
    assert budget.output_bytes == 0  # read where they lie


def test_a_name_that_is_not_utf8_shows_its_bytes(blob: Make, budget: FileBudget) -> None:
    data = hostile.tar_of({"XXXX.csv": b"1"}, fmt=tarfile.USTAR_FORMAT)
    raw = bytearray(data)
    raw[:4] = "名簿".encode("cp932")
    checksum = sum(raw[:148]) + 8 * 32 + sum(raw[156:512])
    raw[148:156] = b"%06o\0 " % checksum
    assert read(blob(bytes(raw)), budget) == [("\\x96\\xBC\\x95\\xEB.csv", b"1")]


def test_links_and_devices_are_recorded_never_followed(blob: Make, budget: FileBudget) -> None:
    no_text = Status.NO_TEXT
    assert read(blob(hostile.tar_with_specials()), budget) == [
        ("a.txt", b"hello"),
        ("link", (no_text, Reason.SYMLINK)),
        ("hard", (no_text, Reason.SYMLINK)),
        ("pipe", (no_text, Reason.FIFO)),
        ("disk", (no_text, Reason.DEVICE)),
        ("tty", (no_text, Reason.DEVICE)),
    ]


def test_a_sparse_file_is_written_out_within_limits(blob: Make, budget: FileBudget) -> None:
    assert read(blob(hostile.sparse_tar(1000)), budget) == [("holes.csv", b"taro@example.jp\n" + bytes(984))]
    assert read(blob(hostile.sparse_tar(10**15)), budget) == [("holes.csv", (Status.UNREADABLE, Reason.RATIO))]


def test_a_cut_archive_gives_what_it_has_and_says_so(blob: Make, budget: FileBudget) -> None:
    data = hostile.tar_of({"a.txt": b"a" * 1000, "b.txt": b"b" * 10_000}, fmt=tarfile.USTAR_FORMAT)
    seen = read(blob(data[:5000]), budget)
    assert seen == [("a.txt", b"a" * 1000), ("b.txt", b"b" * (5000 - 2048)), ("gap", Reason.TRUNCATED)]
    assert read(blob(data[: 512 + 1024 + 200]), budget) == [("a.txt", b"a" * 1000), ("gap", Reason.TRUNCATED)]
    assert read(blob(data[: 512 + 1024]), budget) == [("a.txt", b"a" * 1000), ("gap", Reason.TRUNCATED)]


def test_the_fault_of_a_cut_member_is_its_own(blob: Make, budget: FileBudget) -> None:
    data = hostile.tar_of({"a.txt": b"a" * 1000}, fmt=tarfile.USTAR_FORMAT)
    first = next(TarArchive().extract(blob(data[:800]), "application/x-tar", budget))
    assert isinstance(first, Blob)
    assert first.fault is Reason.TRUNCATED


def test_a_damaged_header_is_not_taken_for_the_end(blob: Make, budget: FileBudget) -> None:
    data = bytearray(hostile.tar_of({"a.txt": b"1", "b.txt": b"2"}, fmt=tarfile.USTAR_FORMAT))
    data[1024 + 20] ^= 0xFF
    assert read(blob(bytes(data)), budget) == [("a.txt", b"1"), ("gap", Reason.DAMAGED)]
    data[1536:2048] = bytes(512)  # nothing but zeros after the damaged header
    assert read(blob(bytes(data)), budget) == [("a.txt", b"1"), ("gap", Reason.DAMAGED)]


def test_archives_on_end_are_all_read(blob: Make, budget: FileBudget) -> None:
    data = hostile.tar_of({"a.txt": b"1"}) + hostile.tar_of({"b.txt": b"2"})
    assert read(blob(data), budget) == [("a.txt", b"1"), ("b.txt", b"2")]
    assert read(blob(hostile.tar_of({"a.txt": b"1"}) + b"taro@example.jp" * 100), budget) == [("a.txt", b"1"), ("gap", Reason.DAMAGED)]


def test_a_negative_size_does_not_run_in_circles(blob: Make, budget: FileBudget) -> None:
    data = bytearray(hostile.tar_of({"a.txt": b"1", "b.txt": b"2"}, fmt=tarfile.USTAR_FORMAT))
    data[124:136] = (-1024).to_bytes(12, "big", signed=True)
    data[148:156] = b"%06o\0 " % (sum(data[:148]) + 8 * 32 + sum(data[156:512]))
    assert read(blob(bytes(data)), budget) == [("gap", Reason.DAMAGED)]


def test_a_long_name_of_gigabytes_is_not_read(budget: FileBudget) -> None:
    class Measured(io.BytesIO):
        largest = 0

        def read(self, size: int | None = -1) -> bytes:
            self.largest = max(self.largest, size if size is not None and size >= 0 else 1 << 62)
            return super().read(size)

    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 3 << 30
    stream = Measured(info.tobuf(tarfile.GNU_FORMAT) + bytes(4096))
    with pytest.raises(Unreadable) as caught:
        read(Blob(Location("/share", "x.tar"), None, lambda: stream), budget)
    assert caught.value.reason is Reason.DAMAGED
    assert stream.largest < 32 << 20


def test_random_bytes_are_unreadable(blob: Make, budget: FileBudget) -> None:
    for data in (b"", b"ustar", bytes(range(256)) * 4):
        with pytest.raises(Unreadable):
            read(blob(data), budget)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 4000), st.binary(max_size=12), st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT]))
def test_no_damage_raises_anything_but_unreadable(tmp_path_factory: pytest.TempPathFactory, at: int, noise: bytes, fmt: int) -> None:
    data = bytearray(hostile.tar_of({"長" * 60: b"x" * 600, "b": b"y"}, fmt=fmt))
    data[at : at + len(noise)] = noise
    for start in range(0, len(data), 512):  # checksums put right, so that the noise reaches the fields
        if data[start + 257 : start + 262] == b"ustar":
            total = sum(data[start : start + 148]) + 8 * 32 + sum(data[start + 156 : start + 512])
            data[start + 148 : start + 156] = b"%06o\0 " % total
    blob = Blob(Location("/share", "x.tar"), len(data), lambda: io.BytesIO(data))
    try:
        read(blob, FileBudget(Limits(), tmp_path_factory.getbasetemp()))
    except Unreadable as stop:
        assert stop.reason in (Reason.DAMAGED, Reason.TRUNCATED)
