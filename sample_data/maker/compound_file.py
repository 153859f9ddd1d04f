"""A small writer of compound files (MS-CFB, version 3) and of Outlook messages (MS-OXMSG) in them."""

from __future__ import annotations

import itertools
import struct
from dataclasses import dataclass, field
from typing import Any

_FREE, _END = 0xFFFFFFFF, 0xFFFFFFFE
_SECTOR, _MINI = 512, 64

Storage = dict[str, Any]
"""Name -> bytes of a stream, or a storage."""


@dataclass
class _Node:
    name: str
    kind: int
    data: bytes = b""
    child: int = _FREE
    right: int = _FREE
    start: int = _END
    kids: list[int] = field(default_factory=list)


def compound_file(root: Storage) -> bytes:
    nodes = [_Node("Root Entry", 5)]
    _add(nodes, 0, root)
    fat: list[int] = []
    body = bytearray()
    mini_fat: list[int] = []
    mini = bytearray()
    for node in nodes[1:]:
        if node.kind == 2 and len(node.data) >= 4096:
            node.start = _chain(fat, body, node.data, _SECTOR)
        elif node.kind == 2 and node.data:
            node.start = _chain(mini_fat, mini, node.data, _MINI)
    if mini:
        nodes[0].start = _chain(fat, body, bytes(mini), _SECTOR)
        nodes[0].data = bytes(mini)
    mini_start = _chain(fat, body, b"".join(struct.pack("<L", entry) for entry in mini_fat), _SECTOR, b"\xff") if mini_fat else _END
    directory = b"".join(map(_entry, nodes))
    directory_start = _chain(fat, body, directory, _SECTOR)
    sectors = 1
    while (len(fat) + sectors) * 4 > sectors * _SECTOR:
        sectors += 1
    first = len(fat)
    fat += [0xFFFFFFFD] * sectors
    table = b"".join(struct.pack("<L", entry) for entry in fat).ljust(sectors * _SECTOR, b"\xff")
    difat = [*range(first, first + sectors), *[_FREE] * (109 - sectors)]
    header = struct.pack(
        "<8s16s5H6s9L",
        bytes.fromhex("d0cf11e0a1b11ae1"), bytes(16), 0x3E, 3, 0xFFFE, 9, 6, bytes(6),
        0, sectors, directory_start, 0, 4096, mini_start, (len(mini_fat) * 4 + 511) // 512, _END, 0,
    )  # fmt: skip
    return header + struct.pack("<109L", *difat) + bytes(body) + table


def _add(nodes: list[_Node], parent: int, storage: Storage) -> None:
    kids = []
    for name, content in storage.items():
        nodes.append(_Node(name, 2, content) if isinstance(content, bytes) else _Node(name, 1))
        kids.append((len(nodes) - 1, content))
    for (index, _), (following, _) in itertools.pairwise(kids):
        nodes[index].right = following
    if kids:
        nodes[parent].child = kids[0][0]
    for index, content in kids:
        if not isinstance(content, bytes):
            _add(nodes, index, content)


def _chain(fat: list[int], body: bytearray, data: bytes, size: int, filler: bytes = b"\0") -> int:
    start = len(fat)
    count = -(-len(data) // size)
    body += data.ljust(count * size, filler)
    fat += [*range(start + 1, start + count), _END]
    return start


def _entry(node: _Node) -> bytes:
    name = node.name.encode("utf-16-le") + b"\0\0"
    head = name.ljust(64, b"\0") + struct.pack("<HBBLLL", len(name), node.kind, 1, _FREE, node.right, node.child)
    return head + bytes(36) + struct.pack("<LQ", node.start if node.kind != 1 else 0, len(node.data))


def properties(values: dict[int, int], header: int) -> bytes:
    return bytes(header) + b"".join(struct.pack("<LLq", number << 16 | 3, 6, value) for number, value in values.items())


def message(
    texts: dict[str, str],
    *,
    narrow: str | None = None,
    page: int = 0,
    html: bytes | None = None,
    rtf: bytes | None = None,
    recipients: list[tuple[str, str]] | None = None,
    attachments: list[Storage] | None = None,
    header: int = 32,
) -> Storage:
    """A message storage. `texts`: property tag ("0037") -> value, UTF-16, or in the codec `narrow`."""
    storage: Storage = {"__properties_version1.0": properties({0x3FFD: page, 0x3FDE: page} if page else {}, header)}
    for tag, value in texts.items():
        storage[f"__substg1.0_{tag}001E" if narrow else f"__substg1.0_{tag}001F"] = value.encode(narrow or "utf-16-le")
    if html is not None:
        storage["__substg1.0_10130102"] = html
    if rtf is not None:
        storage["__substg1.0_10090102"] = rtf
    for index, (name, mail) in enumerate(recipients or []):
        storage[f"__recip_version1.0_#{index:08X}"] = {
            "__properties_version1.0": properties({}, 8),
            "__substg1.0_3001001F": name.encode("utf-16-le"),
            "__substg1.0_39FE001F": mail.encode("utf-16-le"),
        }
    for index, attachment in enumerate(attachments or []):
        storage[f"__attach_version1.0_#{index:08X}"] = attachment
    return storage


def attachment(name: str, data: bytes | Storage | None, method: int = 1) -> Storage:
    storage: Storage = {"__properties_version1.0": properties({0x3705: method}, 8), "__substg1.0_3707001F": name.encode("utf-16-le")}
    if isinstance(data, bytes):
        storage["__substg1.0_37010102"] = data
    elif data is not None:
        storage["__substg1.0_3701000D"] = data
    return storage
