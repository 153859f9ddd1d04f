"""Stubs of tiered storage: files whose content lies elsewhere and would be recalled, at a cost, by reading."""

from __future__ import annotations

import errno
import os
import stat
import struct

from scanner.sources.exposure import xattr

_OFFLINE_BITS = 0x1000 | 0x40000 | 0x400000  # FILE_ATTRIBUTE_OFFLINE, _RECALL_ON_OPEN, _RECALL_ON_DATA_ACCESS
_DOS_ATTRIBUTES = ("user.cifs.dosattrib", "system.ntfs_attrib", "user.DOSATTRIB")
_LUSTRE_RELEASED = 0x4


def is_offline(status: os.stat_result, path: str) -> bool:
    """Is this a stub of tiered storage, whose content would be recalled by reading?

    Only a file with fewer blocks than its size can be one, and a sparse file is not: an attribute must say so (DOS
    attributes of SMB and NTFS mounts, Lustre's `trusted.hsm`, DMAPI regions, a `user.*offline` flag).
    """
    if not stat.S_ISREG(status.st_mode) or status.st_blocks * 512 >= status.st_size:
        return False
    try:
        names = os.listxattr(path, follow_symlinks=False)
    except OSError as error:
        if error.errno not in (errno.ENOTSUP, errno.EACCES, errno.EPERM, errno.ENOENT):
            return False
        names = []
    # Neither cifs nor ntfs lists its virtual attributes, so they are asked for by name.
    return any(_says_offline(name, xattr(path, name), status) for name in {*names, *_DOS_ATTRIBUTES})


def _says_offline(name: str, value: bytes | None, status: os.stat_result) -> bool:
    if value is None:
        return False
    if name in _DOS_ATTRIBUTES:
        return bool(_dos_attributes(value) & _OFFLINE_BITS)
    if name == "trusted.hsm":
        return len(value) >= 8 and bool(struct.unpack_from("<I", value, 4)[0] & _LUSTRE_RELEASED)
    if name.startswith("dmapi.") or name == "trusted.SGI_DMI_REGION":
        return status.st_blocks == 0
    return name.startswith("user.") and name.lower().endswith("offline") and value.strip().lower() not in (b"", b"0", b"no", b"false")


def _dos_attributes(value: bytes) -> int:
    """The attribute word: four bytes (cifs, ntfs), or Samba's text form ``0x1020``."""
    if value.lower().startswith(b"0x"):
        try:
            return int(value.rstrip(b"\0").split(b"\0")[0], 16)
        except ValueError:
            return 0
    return int.from_bytes(value[:4], "little") if len(value) == 4 else 0
