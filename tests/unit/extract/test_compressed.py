"""gzip, bzip2, xz: one member, several streams on end, bombs and cut files."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from scanner.extract.budget import FileBudget
from scanner.extract.compressed import CompressedStream, inner_name
from scanner.model import Blob, Gap, Reason, Unread, Unreadable

Make = Callable[..., Blob]
TEXT = b"".join(b"%d,taro%d@example.jp\n" % (number, number * 7919) for number in range(40_000))
FAMILIES = [("application/gzip", gzip.compress), ("application/x-bzip2", bz2.compress), ("application/x-xz", lzma.compress)]


def read(blob: Blob, media_type: str, budget: FileBudget) -> list[tuple[str, Any]]:
    seen: list[tuple[str, Any]] = []
    for item in CompressedStream().extract(blob, media_type, budget):
        if isinstance(item, Blob):
            with item.open() as stream:
                seen.append((item.location.member[-1], stream.read()))
        elif isinstance(item, Unread):
            seen.append((item.location.member[-1], item.reason))
        else:
            assert isinstance(item, Gap)
            seen.append(("gap", item.reason))
    return seen


@pytest.mark.parametrize(("media_type", "pack"), FAMILIES)
def test_one_member_however_many_streams(blob: Make, budget: FileBudget, media_type: str, pack: Callable[[bytes], bytes]) -> None:
    assert read(blob(pack(TEXT), "a.csv.gz"), media_type, budget) == [("a.csv", TEXT)]
    assert read(blob(pack(TEXT) + pack(b"") + bytes(512) + pack(b"end"), "a.csv.gz"), media_type, budget) == [("a.csv", TEXT + b"end")]


@pytest.mark.parametrize(("media_type", "pack"), FAMILIES)
def test_a_cut_stream_gives_what_it_has(blob: Make, budget: FileBudget, media_type: str, pack: Callable[[bytes], bytes]) -> None:
    text = TEXT * 4  # bzip2 gives nothing before a block of 900 kB is whole
    packed = pack(text)
    member, gap = read(blob(packed[: len(packed) * 9 // 10], "a.csv.xz"), media_type, budget)
    assert len(member[1]) > 100_000
    assert text.startswith(member[1])
    assert gap == ("gap", Reason.TRUNCATED)
    (first, _) = CompressedStream().extract(blob(packed[: len(packed) * 9 // 10]), media_type, budget)
    assert isinstance(first, Blob)
    assert first.fault is Reason.TRUNCATED


@pytest.mark.parametrize(("media_type", "pack"), FAMILIES)
def test_noise_inside_and_behind_is_said(blob: Make, budget: FileBudget, media_type: str, pack: Callable[[bytes], bytes]) -> None:
    packed = bytearray(pack(TEXT * 4))
    assert read(blob(bytes(packed) + b"taro@example.jp"), media_type, budget)[1] == ("gap", Reason.DAMAGED)
    packed[-200:-100] = bytes(100)
    try:
        seen = read(blob(bytes(packed)), media_type, budget)
    except Unreadable as stop:
        assert stop.reason is Reason.DAMAGED
    else:
        assert seen[1] == ("gap", Reason.DAMAGED)


@pytest.mark.parametrize(("media_type", "pack"), FAMILIES)
def test_nothing_but_a_magic_number_is_unreadable(blob: Make, budget: FileBudget, media_type: str, pack: Callable[[bytes], bytes]) -> None:
    for data in (pack(TEXT)[:12], pack(TEXT)[:6] + b"\xff" * 100, b"", b"plain"):
        with pytest.raises(Unreadable):
            read(blob(data), media_type, budget)


@pytest.mark.parametrize(
    ("media_type", "packer"), [("application/gzip", zlib.compressobj(9, zlib.DEFLATED, 31)), ("application/x-bzip2", bz2.BZ2Compressor())]
)
def test_a_bomb_stops_at_the_ratio(blob: Make, make_budget: Callable[..., FileBudget], media_type: str, packer: Any) -> None:
    packed = b"".join(packer.compress(bytes(1 << 20)) for _ in range(24)) + packer.flush()
    budget = make_budget(ratio_floor=8 << 20)
    assert read(blob(packed, "zeros.gz"), media_type, budget) == [("zeros", Reason.RATIO)]
    assert budget.output_bytes <= 10 << 20
    assert budget.temp_bytes == 0


def test_an_lzma_dictionary_of_gigabytes_is_refused(blob: Make, budget: FileBudget) -> None:
    header = b"]" + (0xC0000000).to_bytes(4, "little") + b"\xff" * 8 + bytes(100)
    with pytest.raises(Unreadable):
        read(blob(header), "application/x-xz", budget)


def test_the_name_comes_from_the_gzip_header(blob: Make, budget: FileBudget) -> None:
    buffer = io.BytesIO()
    with gzip.GzipFile("/home/x/list.csv", "wb", fileobj=buffer) as stream:
        stream.write(b"x")
    assert read(blob(buffer.getvalue(), "renamed.gz"), "application/gzip", budget) == [("list.csv", b"x")]
    named = gzip.compress(b"x")
    named = named[:3] + b"\x08" + named[4:10] + "名簿.csv".encode("cp932") + b"\0" + named[10:]
    assert read(blob(named, "renamed.gz"), "application/gzip", budget) == [("名簿.csv", b"x")]


@pytest.mark.parametrize(
    ("name", "inner"),
    [
        ("a.csv.gz", "a.csv"),
        ("data.tar.GZ", "data.tar"),
        ("data.tgz", "data.tar"),
        ("x.tbz2", "x.tar"),
        ("noext", "content"),
        (".gz", "content"),
    ],
)
def test_names_lose_their_suffix(name: str, inner: str) -> None:
    assert inner_name(name) == inner
