"""Owner and exposure: what the mount really tells, and `unknown` where it tells nothing."""

from __future__ import annotations

import os
import pwd
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.sources import exposure
from scanner.sources.exposure import (
    EVERYONE,
    GROUP,
    PRIVATE,
    UNKNOWN,
    Mounts,
    Rights,
    acl_exposure,
    classify,
    nfs4_exposure,
    rights_of,
    search_bound,
    security_descriptor,
    tighter,
    user_name,
)
from scanner.sources.filesystem import crawl

POSIX = classify("ext4")


def of(path: Path, bound: str = EVERYONE) -> Rights:
    return rights_of(path.lstat(), str(path), POSIX, bound)


# --------------------------------------------------------------------------- bits


@pytest.mark.parametrize(
    ("mode", "said"), [(0o600, PRIVATE), (0o640, GROUP), (0o644, EVERYONE), (0o604, EVERYONE), (0o611, PRIVATE), (0o620, PRIVATE)]
)
def test_mode_bits(tmp_path: Path, mode: int, said: str) -> None:
    path = tmp_path / "f"
    path.write_text("x")
    path.chmod(mode)
    assert of(path) == Rights(pwd.getpwuid(os.geteuid()).pw_name, said)


def test_folders_above_bound_it(tmp_path: Path) -> None:
    for name, mode in (("open", 0o755), ("group", 0o750), ("closed", 0o700), ("closed/inner", 0o755), ("unlisted", 0o711)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "f").write_text("x")
        (tmp_path / name / "f").chmod(0o644)
        (tmp_path / name).chmod(mode)
    tmp_path.chmod(0o755)
    said = {entry.location.path: entry.exposure for entry in crawl([tmp_path], lambda path, is_dir: False)}
    assert said == {"open/f": EVERYONE, "group/f": GROUP, "closed/f": PRIVATE, "closed/inner/f": PRIVATE, "unlisted/f": EVERYONE}


def test_an_account_without_a_name_is_its_number() -> None:
    assert user_name(3_999_999_999) == "3999999999"


# --------------------------------------------------------------------------- POSIX ACLs


def acl(*entries: tuple[int, int]) -> bytes:
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", tag, bits, 1000) for tag, bits in entries)


OWNER, USER, GROUP_OBJ, NAMED_GROUP, MASK, OTHER = 1, 2, 4, 8, 16, 32


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (acl((OWNER, 6), (GROUP_OBJ, 0), (OTHER, 0)), PRIVATE),
        (acl((OWNER, 6), (GROUP_OBJ, 4), (OTHER, 0)), GROUP),
        (acl((OWNER, 6), (USER, 4), (GROUP_OBJ, 0), (MASK, 4), (OTHER, 0)), GROUP),
        (acl((OWNER, 6), (GROUP_OBJ, 0), (NAMED_GROUP, 6), (MASK, 6), (OTHER, 0)), GROUP),
        (acl((OWNER, 6), (USER, 4), (GROUP_OBJ, 4), (MASK, 0), (OTHER, 0)), PRIVATE),
        (acl((OWNER, 6), (GROUP_OBJ, 0), (OTHER, 4)), EVERYONE),
        (b"\x03\0\0\0", UNKNOWN),
        (b"", UNKNOWN),
    ],
)
def test_posix_acl(raw: bytes, said: str) -> None:
    assert acl_exposure(raw, 4) == said


def test_a_real_acl(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text("x")
    path.chmod(0o600)
    entries = [(OWNER, 6), (USER, 4), (GROUP_OBJ, 0), (MASK, 4), (OTHER, 0)]
    try:
        os.setxattr(path, "system.posix_acl_access", acl(*entries))
    except OSError:
        pytest.skip("this file system keeps no ACLs")
    assert of(path).exposure == GROUP
    entries[3] = (MASK, 0)
    os.setxattr(path, "system.posix_acl_access", acl(*entries))
    assert of(path).exposure == PRIVATE
    assert search_bound(tmp_path.stat(), str(tmp_path), POSIX, EVERYONE) == PRIVATE  # pytest's folders are 0700


# --------------------------------------------------------------------------- NFSv4 ACLs


def nfs4(*entries: tuple[int, int, int, bytes]) -> bytes:
    body = b"".join(
        struct.pack(">4I", kind, flags, mask, len(who)) + who.ljust((len(who) + 3) // 4 * 4, b"\0") for kind, flags, mask, who in entries
    )
    return struct.pack(">I", len(entries)) + body


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (nfs4((0, 0, 1, b"OWNER@")), PRIVATE),
        (nfs4((0, 0, 1, b"OWNER@"), (0, 0x40, 1, b"GROUP@")), GROUP),
        (nfs4((0, 0, 1, b"OWNER@"), (0, 0, 1, b"clerk@example.com")), GROUP),
        (nfs4((0, 0, 1, b"OWNER@"), (0, 0, 1, b"EVERYONE@")), EVERYONE),
        (nfs4((1, 0, 1, b"EVERYONE@"), (0, 0, 1, b"EVERYONE@")), PRIVATE),
        (nfs4((0, 0x08, 1, b"EVERYONE@")), PRIVATE),  # only for what is made inside
        (nfs4((0, 0, 0x20, b"EVERYONE@")), PRIVATE),  # may run it, not read it
        (b"\0\0\0\x02\0\0", UNKNOWN),
    ],
)
def test_nfs4_acl(raw: bytes, said: str) -> None:
    assert nfs4_exposure(raw, 1) == said


# --------------------------------------------------------------------------- Windows


def sid(text: str) -> bytes:
    _, revision, authority, *parts = text.split("-")
    return (
        struct.pack("<BB", int(revision), len(parts))
        + int(authority).to_bytes(6, "big")
        + b"".join(struct.pack("<I", int(part)) for part in parts)
    )


def descriptor(owner: str, *entries: tuple[int, int, int, str], dacl: bool = True) -> bytes:
    aces = b"".join(struct.pack("<BBHI", kind, flags, 8 + len(sid(who)), mask) + sid(who) for kind, flags, mask, who in entries)
    acl_part = struct.pack("<BBHHH", 2, 0, 8 + len(aces), len(entries), 0) + aces
    owner_part = sid(owner)
    at = 20
    head = struct.pack("<BBHIIII", 1, 0, 0x8000 | (4 if dacl else 0), at, 0, 0, at + len(owner_part) if dacl else 0)
    return head + owner_part + (acl_part if dacl else b"")


CLERK = "S-1-5-21-1-2-3-1105"
FULL, READ = 0x1F01FF, 0x120089


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ([(0, 0, FULL, CLERK), (0, 0, FULL, "S-1-5-18"), (0, 0, FULL, "S-1-5-32-544"), (0, 0, FULL, "S-1-5-21-1-2-3-512")], PRIVATE),
        ([(0, 0, READ, "S-1-5-21-1-2-3-2001")], GROUP),
        ([(0, 0, READ, "S-1-1-0")], EVERYONE),
        ([(0, 0, READ, "S-1-5-11")], EVERYONE),
        ([(0, 0, 0x80000000, "S-1-5-21-1-2-3-513")], EVERYONE),
        ([(0, 0, READ, "S-1-5-32-545")], EVERYONE),
        ([(0, 0x0B, READ, "S-1-1-0")], PRIVATE),  # inherit only
        ([(0, 0, 0x100020, "S-1-1-0")], PRIVATE),  # traverse, synchronise
        ([(1, 0, READ, "S-1-1-0"), (0, 0, READ, "S-1-5-11")], PRIVATE),
        ([], PRIVATE),
    ],
)
def test_security_descriptor(entries: list[tuple[int, int, int, str]], said: str) -> None:
    assert security_descriptor(descriptor(CLERK, *entries)) == Rights(CLERK, said)


def test_a_descriptor_without_a_list_lets_everyone_in() -> None:
    assert security_descriptor(descriptor(CLERK, dacl=False)) == Rights(CLERK, EVERYONE)


@given(st.binary(max_size=80), st.integers(0, 3))
def test_broken_descriptors_are_unknown_not_an_error(raw: bytes, kind: int) -> None:
    exposure._windows_rights(raw)
    nfs4_exposure(raw, 1)
    acl_exposure(raw, 4)
    whole = descriptor(CLERK, (0, 0, READ, "S-1-1-0"))
    assert exposure._windows_rights(whole[: len(raw)]).exposure in (UNKNOWN, EVERYONE, PRIVATE)


def test_smb_mounts_ask_for_the_descriptor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "f"
    path.write_text("x")
    told: dict[str, bytes] = {}
    monkeypatch.setattr(exposure, "xattr", lambda reach, name: told.get(name))
    cifs = classify("cifs", frozenset({"rw", "vers=3.1.1"}))
    assert rights_of(path.stat(), str(path), cifs) == Rights(None, UNKNOWN), "a mount without ACLs shows bits that it made up"
    told["system.cifs_acl"] = descriptor(CLERK, (0, 0, READ, "S-1-5-11"))
    assert rights_of(path.stat(), str(path), cifs, PRIVATE) == Rights(CLERK, EVERYONE)


# --------------------------------------------------------------------------- mounts


@pytest.mark.parametrize("fstype", ["vfat", "exfat", "ntfs3", "fuseblk", "fuse.sshfs", "9p", "hfsplus", "something-new"])
def test_made_up_bits_are_unknown(tmp_path: Path, fstype: str) -> None:
    assert rights_of(tmp_path.stat(), str(tmp_path), classify(fstype)) == Rights(None, UNKNOWN)


@pytest.mark.parametrize("fstype", ["ext4", "xfs", "btrfs", "nfs", "nfs4", "tmpfs", "overlay"])
def test_real_bits_are_believed(fstype: str) -> None:
    assert classify(fstype).rights == "posix"


def test_smb_with_posix_extensions_has_real_bits() -> None:
    assert classify("smb3", frozenset({"posix"})).rights == "posix"


TABLE = r"""22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw,discard
40 27 0:50 / /mnt/the\040share rw - cifs //server/share rw,vers=3.1.1
41 27 0:60 /@home /home rw shared:1 - btrfs /dev/sdb rw,subvol=/@home
nonsense
"""


def test_mount_table() -> None:
    mounts = Mounts(lambda: TABLE)
    assert mounts.of(os.makedev(0, 21), b"/proc").pseudo
    assert mounts.of(os.makedev(8, 1), b"/srv").rights == "posix"
    assert mounts.of(os.makedev(0, 50), b"/mnt/the share/x").rights == "cifs"
    assert mounts.of(os.makedev(0, 77), b"/home/x").fstype == "btrfs", "Btrfs sub-volumes have numbers of their own"
    assert mounts.of(os.makedev(0, 78), b"/mnt/the share").fstype == "cifs"


def test_a_mount_made_later_is_seen() -> None:
    tables = iter(["", TABLE])
    assert Mounts(lambda: next(tables)).of(os.makedev(0, 50), b"/mnt/the share").rights == "cifs"


def test_no_mount_table_means_unknown() -> None:
    assert Mounts(lambda: "").of(1, b"/x").rights == "none"


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [(EVERYONE, GROUP, GROUP), (GROUP, PRIVATE, PRIVATE), (UNKNOWN, EVERYONE, UNKNOWN), (UNKNOWN, PRIVATE, PRIVATE)],
)
def test_tighter(one: str, other: str, said: str) -> None:
    assert tighter(one, other) == tighter(other, one) == said
