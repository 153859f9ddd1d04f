"""Stubs of tiered storage are told from ordinary sparse files, and never opened."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import pytest

from scanner.model import Reason, Status
from scanner.sources import offline
from scanner.sources.filesystem import crawl
from scanner.sources.offline import is_offline


@pytest.fixture
def sparse(tmp_path: Path) -> Path:
    path = tmp_path / "stub"
    with path.open("wb") as out:
        out.truncate(10 * 2**20)
    return path


def test_a_sparse_file_is_no_stub(sparse: Path) -> None:
    assert not is_offline(sparse.stat(), str(sparse))


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("user.cifs.dosattrib", struct.pack("<I", 0x1020), True),
        ("user.cifs.dosattrib", struct.pack("<I", 0x400020), True),
        ("user.cifs.dosattrib", struct.pack("<I", 0x220), False),  # sparse, archive
        ("system.ntfs_attrib", struct.pack("<I", 0x40000), True),
        ("user.DOSATTRIB", b"0x1020\0", True),
        ("user.DOSATTRIB", b"0x20", False),
        ("user.DOSATTRIB", b"0xzz", False),
        ("trusted.hsm", struct.pack("<II", 0, 0x4 | 0x8), True),
        ("trusted.hsm", struct.pack("<II", 0, 0x8), False),  # archived, and still here
        ("trusted.hsm", b"", False),
        ("dmapi.IBMObj", b"x", True),
        ("user.tier.offline", b"1", True),
        ("user.tier.offline", b"no", False),
        ("user.comment", b"offline", False),
    ],
)
def test_what_attributes_say(sparse: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: bytes, said: bool) -> None:
    monkeypatch.setattr(os, "listxattr", lambda path, follow_symlinks: [name])
    monkeypatch.setattr(offline, "xattr", lambda path, wanted: value if wanted == name else None)
    assert is_offline(sparse.stat(), str(sparse)) is said


def test_a_file_whose_blocks_are_here_is_no_stub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "f").write_bytes(b"x" * 8192)
    (tmp_path / "f").open().close()
    monkeypatch.setattr(offline, "xattr", lambda path, wanted: struct.pack("<I", 0x1000))
    found = (tmp_path / "f").stat()
    if found.st_blocks == 0:
        os.sync()
        found = (tmp_path / "f").stat()
    assert not is_offline(found, str(tmp_path / "f"))


def test_a_stub_is_recorded_and_not_opened(sparse: Path) -> None:
    try:
        os.setxattr(sparse, "user.hsm.offline", b"1")
    except OSError:
        pytest.skip("this file system keeps no user attributes")
    (entry,) = crawl([sparse.parent], lambda path, is_dir: False)
    assert (entry.status, entry.reason, entry.size) == (Status.UNREADABLE, Reason.OFFLINE, 10 * 2**20)
