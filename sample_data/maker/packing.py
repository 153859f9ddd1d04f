"""Packing and mending of packages so that the same input gives the same bytes: fixed times, fixed order."""

from __future__ import annotations

import gzip
import io
import re
import tarfile
import zipfile
from collections.abc import Mapping

STAMP = (2026, 4, 1, 9, 0, 0)
EPOCH = 1_775_001_600  # the same moment, in seconds
ISO = "2026-04-01T00:00:00Z"
_SECOND = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z?")


def zipped(members: Mapping[str, bytes], *, stored: tuple[str, ...] = ()) -> bytes:
    """A zip of these members, deflated unless named in `stored`."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in members.items():
            info = zipfile.ZipInfo(name, STAMP)
            info.create_system, info.external_attr = 3, 0o644 << 16
            archive.writestr(info, data, zipfile.ZIP_STORED if name in stored else zipfile.ZIP_DEFLATED, 9)
    return buffer.getvalue()


def zipped_cp932(members: Mapping[str, bytes]) -> bytes:
    """A zip as Windows in Japan writes it: names in CP932, and no flag that tells."""
    stand_ins = {name: f"{at:03}".ljust(len(name.encode("cp932")), "_") for at, name in enumerate(members)}
    data = zipped({stand_ins[name]: content for name, content in members.items()})
    for name, stand_in in stand_ins.items():
        data = data.replace(stand_in.encode(), name.encode("cp932"))
    return data


def unzipped(package: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        return {info.filename: archive.read(info) for info in archive.infolist()}


def repacked(package: bytes, changed: Mapping[str, bytes] | None = None) -> bytes:
    """An office package with fixed times, in its own order, some parts changed or added."""
    parts = {**unzipped(package), **(changed or {})}
    dated = {name: _SECOND.sub(ISO.encode(), data) for name, data in parts.items() if name.endswith(("core.xml", "comments.xml"))}
    return zipped({**parts, **dated})


def tarred(members: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(data), EPOCH
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def gzipped(data: bytes) -> bytes:
    return gzip.compress(data, 9, mtime=EPOCH)
