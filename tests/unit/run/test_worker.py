"""The worker's view of one file: fresh streams over one descriptor, what was read, and what changed meanwhile."""

from __future__ import annotations

import errno
import io
import os
import socket
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from scanner.model import Limits, Location, ObjectFacts, Reason, Status, Unreadable
from scanner.run import worker
from scanner.run.frames import Decoder, Order
from scanner.run.worker import BLOCK, Channel, SourceFile, where
from tests.unit.run.share import tasks, write_share

FACTS = ObjectFacts((), None, None, 0, 1, 1, 1, None, Status.SCANNED, None, 0, 0)


@pytest.fixture
def wire() -> Iterator[tuple[Channel, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield Channel(ours), theirs


def opened(tmp_path: Path, wire: tuple[Channel, socket.socket], content: bytes = b"0123456789", limits: Limits | None = None) -> SourceFile:
    share = write_share(tmp_path, {"f": ""})
    (share / "f").write_bytes(content)
    (task,) = tasks(share)
    return SourceFile(Order(Location("/share", "f"), task.spec), wire[0], limits or Limits())


def test_streams_are_independent(tmp_path: Path, wire: tuple[Channel, socket.socket]) -> None:
    source = opened(tmp_path, wire)
    with source.open() as one, source.open() as other:
        assert one.read(4) == b"0123"
        assert other.read() == b"0123456789"
        assert one.read() == b"456789"
        one.seek(-2, os.SEEK_END)
        assert one.read() == b"89"
        assert not one.writable()
    source.close()


def test_a_zip_can_be_read_through_it(tmp_path: Path, wire: tuple[Channel, socket.socket]) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a", "inside")
    source = opened(tmp_path, wire, packed.getvalue())
    with source.open() as stream, zipfile.ZipFile(stream) as archive:
        assert archive.read("a") == b"inside"
    source.close()


def test_reading_a_part_twice_counts_once(tmp_path: Path, wire: tuple[Channel, socket.socket]) -> None:
    source = opened(tmp_path, wire, bytes(3 * BLOCK + 5))
    buffer = bytearray(BLOCK)
    for _ in range(3):
        source.read_at(buffer, BLOCK)
    assert source.bytes_read == BLOCK
    source.read_at(buffer, 3 * BLOCK)
    source.read_at(buffer, 0)
    source.read_at(buffer, 2 * BLOCK)
    assert source.bytes_read == 3 * BLOCK + 5
    source.close()


def test_reading_tells_the_supervisor_that_work_moves(
    tmp_path: Path, wire: tuple[Channel, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "_PROGRESS_EVERY", 0.0)
    source = opened(tmp_path, wire, bytes(4 * BLOCK))
    with source.open() as stream:
        while stream.read(BLOCK):
            pass
        stream.seek(0)
        stream.read()  # a reader that goes round in circles makes no progress
    source.close()
    frames = list(Decoder().feed(wire[1].recv(65_536)))
    assert [frame.body["bytes_read"] for frame in frames] == [BLOCK, 2 * BLOCK, 3 * BLOCK, 4 * BLOCK]


def test_a_growing_file_ends_where_it_ended_when_opened(tmp_path: Path, wire: tuple[Channel, socket.socket]) -> None:
    source = opened(tmp_path, wire)
    with (tmp_path / "share" / "f").open("ab") as out:
        out.write(b"more")
    with source.open() as stream:
        assert stream.read() == b"0123456789"
    assert (source.amend(FACTS).status, source.amend(FACTS).reason) == (Status.PARTIAL, Reason.CHANGED)
    source.close()


def test_a_file_cut_while_it_is_read(tmp_path: Path, wire: tuple[Channel, socket.socket]) -> None:
    source = opened(tmp_path, wire)
    os.truncate(tmp_path / "share" / "f", 3)
    with source.open() as stream:
        assert stream.read() == b"012"
    damaged = ObjectFacts((), None, None, 0, 1, 1, 1, None, Status.UNREADABLE, Reason.TRUNCATED, 0, 0)
    assert source.amend(FACTS).reason is Reason.CHANGED
    assert (source.amend(damaged).status, source.amend(damaged).reason) == (Status.UNREADABLE, Reason.CHANGED), "the change explains it"
    source.close()


def test_an_unchanged_file_keeps_its_facts(tmp_path: Path, wire: tuple[Channel, socket.socket]) -> None:
    source = opened(tmp_path, wire)
    with source.open() as stream:
        stream.read()
    assert source.amend(FACTS) == FACTS
    source.close()


@pytest.mark.parametrize(("code", "reason"), [(errno.EIO, Reason.IO_ERROR), (errno.EACCES, Reason.LOCKED), (errno.ESTALE, Reason.VANISHED)])
def test_a_read_that_fails_is_told_even_if_a_reader_swallows_it(
    tmp_path: Path, wire: tuple[Channel, socket.socket], monkeypatch: pytest.MonkeyPatch, code: int, reason: Reason
) -> None:
    def refuse(*_: object) -> int:
        raise OSError(code, "")

    source = opened(tmp_path, wire)
    monkeypatch.setattr(os, "preadv", refuse)
    with source.open() as stream, pytest.raises(Unreadable, match=reason.value):
        stream.read()
    assert (source.amend(FACTS).status, source.amend(FACTS).reason) == (Status.PARTIAL, reason)
    source.close()


def test_a_file_beyond_the_limit_is_not_read(tmp_path: Path, wire: tuple[Channel, socket.socket]) -> None:
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(Unreadable, match="too_large"):
        opened(tmp_path, wire, limits=Limits(file_bytes=5))
    assert len(os.listdir("/proc/self/fd")) == before


def test_an_exception_is_described_without_its_message() -> None:
    try:
        raise ValueError("03-0000-0000")
    except ValueError as error:
        assert where(error).startswith("ValueError at test_worker.py:")
        assert "0000" not in where(error)
