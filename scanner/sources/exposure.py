"""Who owns a file and who may read it, as far as the mount really tells; else `unknown`, never a guess.

`private`: the owner (and administrators) alone. `group`: some others, named or by group. `everyone`: any account.

On POSIX file systems a file is no more exposed than the folders above it inside the root let it be: a 0644 file in a
0700 folder is `private`. Folders above the root are not looked at, since a share is often mounted below a closed folder
on the scanning host while its users reach it another way. Windows rights are taken file by file: Windows grants every
account the right to pass through folders ("bypass traverse checking").
"""

from __future__ import annotations

import os
import pwd
import stat
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

PRIVATE, GROUP, EVERYONE, UNKNOWN = "private", "group", "everyone", "unknown"

_POSIX_TYPES = frozenset(
    [
        "ext2",
        "ext3",
        "ext4",
        "xfs",
        "btrfs",
        "zfs",
        "tmpfs",
        "ramfs",
        "f2fs",
        "jfs",
        "reiserfs",
        "bcachefs",
        "overlay",
        "aufs",
        "nfs",
        "nfs4",
        "ceph",
        "gfs2",
        "ocfs2",
        "lustre",
        "gpfs",
        "virtiofs",
        "erofs",
        "squashfs",
        "nilfs2",
        "ubifs",
        "rootfs",
    ]
)
_PSEUDO_TYPES = frozenset(
    [
        "proc",
        "sysfs",
        "cgroup",
        "cgroup2",
        "devpts",
        "devtmpfs",
        "debugfs",
        "tracefs",
        "securityfs",
        "bpf",
        "configfs",
        "pstore",
        "mqueue",
        "fusectl",
        "binfmt_misc",
        "efivarfs",
        "hugetlbfs",
        "rpc_pipefs",
        "nsfs",
        "selinuxfs",
    ]
)
_CIFS_TYPES = frozenset({"cifs", "smb3", "smb2"})


@dataclass(frozen=True, slots=True)
class Mount:
    """What a mount can tell. `rights`: posix (bits and ACLs are real), cifs (ask for the security descriptor), or none."""

    fstype: str
    rights: str

    @property
    def pseudo(self) -> bool:
        """True for proc, sysfs and their like: windows into the kernel, not files."""
        return self.fstype in _PSEUDO_TYPES


def classify(fstype: str, options: frozenset[str] = frozenset()) -> Mount:
    """Which kind of rights a file system type really keeps. SMB mounts with POSIX extensions keep real bits."""
    if fstype in _CIFS_TYPES:
        return Mount(fstype, "posix" if options & {"posix", "unix"} else "cifs")
    return Mount(fstype, "posix" if fstype in _POSIX_TYPES else "none")


class Mounts:
    """The mount table by device number, read again when a device appears that it does not know (automounts)."""

    def __init__(self, table: Callable[[], str] | None = None) -> None:
        self._table = table or _read_mountinfo
        self._known: dict[int, Mount] = {}
        self._points: list[tuple[bytes, Mount]] = []
        self._load()

    def _load(self) -> None:
        self._points = []
        for line in self._table().splitlines():
            left, _, right = line.partition(" - ")
            fields, kind = left.split(" "), right.split(" ")
            if len(fields) < 6 or len(kind) < 3:
                continue
            major, _, minor = fields[2].partition(":")
            mount = classify(kind[0], frozenset((fields[5] + "," + kind[2]).split(",")))
            self._known[os.makedev(int(major), int(minor))] = mount
            self._points.append((_unoctal(fields[4]), mount))

    def of(self, device: int, directory: bytes) -> Mount:
        """The mount that `directory` (absolute) on `device` belongs to; Btrfs shows other numbers, so the path is the fallback."""
        found = self._known.get(device)
        if found is None:
            self._load()
            found = self._known.get(device) or self._by_path(directory)
            self._known[device] = found
        return found

    def inside(self, directory: bytes) -> list[Mount]:
        """The mounts below `directory` (absolute, without links), as the table was when it was last read."""
        return [mount for point, mount in self._points if point.startswith(directory.rstrip(b"/") + b"/")]

    def _by_path(self, directory: bytes) -> Mount:
        inside = [(point, mount) for point, mount in self._points if (directory + b"/").startswith(point.rstrip(b"/") + b"/")]
        return max(inside, key=lambda pair: len(pair[0]))[1] if inside else Mount("", "none")


def _read_mountinfo() -> str:
    try:
        with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as table:
            return table.read()
    except OSError:
        return ""


def _unoctal(text: str) -> bytes:
    raw = os.fsencode(text)
    for code, byte in ((rb"\040", b" "), (rb"\011", b"\t"), (rb"\012", b"\n"), (rb"\134", b"\\")):
        raw = raw.replace(code, byte)
    return raw


# --------------------------------------------------------------------------- owner and exposure of one thing


@dataclass(frozen=True, slots=True)
class Rights:
    """Owner (user name, else number or Windows SID; None where the mount makes one up) and exposure."""

    owner: str | None
    exposure: str


def rights_of(status: os.stat_result, path: str, mount: Mount, bound: str = EVERYONE) -> Rights:
    """Owner and exposure of the thing at `path` (any path that reaches it, not followed), at most as exposed as `bound`."""
    if mount.rights == "cifs":
        return _windows_rights(xattr(path, "system.cifs_acl"))
    if mount.rights != "posix":
        return Rights(None, UNKNOWN)
    return Rights(user_name(status.st_uid), tighter(posix_exposure(status, path, mount, stat.S_IROTH), bound))


def search_bound(status: os.stat_result, path: str, mount: Mount, bound: str) -> str:
    """Who may pass through the folder at `path`, itself inside folders that let `bound` pass. No bound where POSIX rights do not rule."""
    if mount.rights != "posix":
        return EVERYONE
    return tighter(posix_exposure(status, path, mount, stat.S_IXOTH), bound)


def tighter(one: str, other: str) -> str:
    """The less exposed of two; `unknown` stays unknown unless the other is private."""
    order = (PRIVATE, UNKNOWN, GROUP, EVERYONE)
    return min(one, other, key=order.index)


def posix_exposure(status: os.stat_result, path: str, mount: Mount, permission: int) -> str:
    """Who holds `permission` (one of the "others" bits: 4 read, 1 search) by mode bits and ACL (POSIX.1e draft 17, or NFSv4)."""
    if mount.fstype == "nfs4" and (nfs4 := xattr(path, "system.nfs4_acl")) is not None:
        # NFSv4: READ_DATA is 1, EXECUTE (search) is 0x20 (RFC 7530, 6.2.1.3.1)
        return nfs4_exposure(nfs4, 0x1 if permission == 4 else 0x20)
    if status.st_mode & permission:
        return EVERYONE
    acl = None if mount.fstype == "nfs4" or stat.S_ISLNK(status.st_mode) else xattr(path, "system.posix_acl_access")
    if acl is not None:
        return acl_exposure(acl, permission)
    return GROUP if status.st_mode & (permission << 3) else PRIVATE


def xattr(path: str, name: str) -> bytes | None:
    """An extended attribute of the thing itself (a link is not followed), None if it has none or will not tell."""
    try:
        return os.getxattr(path, name, follow_symlinks=False)
    except (OSError, ValueError):
        return None


@lru_cache(maxsize=4096)
def user_name(uid: int) -> str:
    """The account's name, or its number where this host has no name for it."""
    try:
        return pwd.getpwuid(uid).pw_name
    except (KeyError, OSError):
        return str(uid)


# --------------------------------------------------------------------------- access lists

_ACL_USER, _ACL_GROUP_OBJ, _ACL_GROUP, _ACL_MASK, _ACL_OTHER = 0x02, 0x04, 0x08, 0x10, 0x20


def acl_exposure(raw: bytes, permission: int) -> str:
    """A POSIX ACL attribute (linux/posix_acl_xattr.h: version 2, then tag u16, permissions u16, id u32). Named users and
    groups count as `group`; the mask limits them and the owning group."""
    if len(raw) < 4 or struct.unpack_from("<I", raw)[0] != 2:
        return UNKNOWN
    entries = [(tag, bits) for tag, bits, _ in struct.iter_unpack("<HHI", raw[4 : 4 + (len(raw) - 4) // 8 * 8])]
    if any(tag == _ACL_OTHER and bits & permission for tag, bits in entries):
        return EVERYONE
    mask = next((bits for tag, bits in entries if tag == _ACL_MASK), 0o7)
    shared = (_ACL_USER, _ACL_GROUP_OBJ, _ACL_GROUP)
    return GROUP if any(tag in shared and bits & mask & permission for tag, bits in entries) else PRIVATE


def nfs4_exposure(raw: bytes, wanted: int) -> str:
    """An NFSv4 ACL attribute (XDR: count, then type, flags, mask, who), walked in order as the server would."""
    denied_all = False
    shared = False
    try:
        for kind, flags, mask, who in _nfs4_entries(raw):
            if flags & 0x08 or not mask & wanted:  # INHERIT_ONLY
                continue
            if who == b"EVERYONE@":
                if kind == 0 and not denied_all:
                    return EVERYONE
                denied_all = denied_all or kind == 1
            elif kind == 0 and who != b"OWNER@" and not denied_all:
                shared = True
    except struct.error:
        return UNKNOWN
    return GROUP if shared else PRIVATE


def _nfs4_entries(raw: bytes) -> Iterator[tuple[int, int, int, bytes]]:
    (count,) = struct.unpack_from(">I", raw)
    at = 4
    for _ in range(count):
        kind, flags, mask, length = struct.unpack_from(">4I", raw, at)
        yield kind, flags, mask, raw[at + 16 : at + 16 + length]
        at += 16 + (length + 3) // 4 * 4


_ANYONE = frozenset({"S-1-1-0", "S-1-5-11", "S-1-5-7", "S-1-5-32-545", "S-1-5-32-546", "S-1-5-4", "S-1-5-2"})
_ADMINISTRATION = frozenset({"S-1-5-18", "S-1-5-32-544", "S-1-5-32-551", "S-1-3-0", "S-1-3-4", "S-1-5-32-549"})
_DOMAIN_WIDE = ("513", "514", "515")  # Domain Users, Domain Guests, Domain Computers
_DOMAIN_ADMINISTRATION = ("500", "512", "519")
_READ = 0x1 | 0x8000_0000 | 0x1000_0000  # FILE_READ_DATA, GENERIC_READ, GENERIC_ALL
_SE_DACL_PRESENT = 0x0004


def _windows_rights(raw: bytes | None) -> Rights:
    if raw is None:
        return Rights(None, UNKNOWN)
    try:
        return security_descriptor(raw)
    except (struct.error, IndexError):
        return Rights(None, UNKNOWN)


def security_descriptor(raw: bytes) -> Rights:
    """Owner SID and exposure of a self-relative Windows security descriptor ([MS-DTYP] 2.4.6).

    Everyone, Authenticated Users, Users and Domain Users count as `everyone`; administrators and the system do not count,
    as root does not under POSIX. A descriptor without a DACL lets everyone in.
    """
    control, owner_at, _, _, dacl_at = struct.unpack_from("<2xH4I", raw)
    owner = _sid(raw, owner_at) if owner_at else None
    if not control & _SE_DACL_PRESENT or not dacl_at:
        return Rights(owner, EVERYONE)
    return Rights(owner, _dacl_exposure(raw, dacl_at, owner))


def _dacl_exposure(raw: bytes, start: int, owner: str | None) -> str:
    shared = denied_all = False
    for kind, sid in _readers(raw, start):
        everyone = sid in _ANYONE or _ends(sid, _DOMAIN_WIDE)
        if kind in (1, 6):  # a denial stands for what comes after it
            denied_all = denied_all or sid in ("S-1-1-0", "S-1-5-11")
        elif denied_all:
            continue
        elif everyone:
            return EVERYONE
        elif sid != owner and sid not in _ADMINISTRATION and not _ends(sid, _DOMAIN_ADMINISTRATION):
            shared = True
    return GROUP if shared else PRIVATE


def _readers(raw: bytes, start: int) -> Iterator[tuple[int, str]]:
    """(ACE type, SID) of the entries about reading data, in order."""
    (count,) = struct.unpack_from("<4xH", raw, start)
    at = start + 8
    for _ in range(count):
        kind, flags, size, mask = struct.unpack_from("<BBHI", raw, at)
        if size < 8:
            raise struct.error
        if kind in (0, 1, 9) and mask & _READ and not flags & 0x08:  # allowed, denied, allowed by callback; not inherit-only
            yield kind, _sid(raw, at + 8)
        at += size


def _sid(raw: bytes, at: int) -> str:
    """A SID as text ([MS-DTYP] 2.4.2): S-1-<authority>-<sub-authorities>."""
    revision, count = struct.unpack_from("<BB", raw, at)
    authority = int.from_bytes(raw[at + 2 : at + 8], "big")
    parts = struct.unpack_from(f"<{count}I", raw, at + 8)
    return "-".join(map(str, ("S", revision, authority, *parts)))


def _ends(sid: str, last: tuple[str, ...]) -> bool:
    return sid.startswith("S-1-5-21-") and sid.rsplit("-", 1)[-1] in last
