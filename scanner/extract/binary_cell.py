"""The text in a binary cell of a database or a columnar file, if it is one."""

from __future__ import annotations

import re

from scanner.extract import charset

KEY_BYTES = 64
"""A cell up to this size that is no text is a key, a hash or a flag: nothing that anybody could read."""

_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1f]")


def cell_text(cell: bytes) -> str | None:
    """The text, None if the bytes are none. UTF-8 if valid, else as `charset` sees it, where that is certain.

    Short noise can be read as some Western text or other, but hardly as Japanese without a single fault.
    """
    try:
        text = cell.decode("utf-8")
    except UnicodeDecodeError:
        return _other_text(cell)
    return None if _CONTROLS.search(text) else text


def _other_text(cell: bytes) -> str | None:
    if len(cell) < 4 or not charset.is_text(cell[: charset.HEAD_BYTES]):
        return None
    text, encoding, undecoded = charset.decode(cell)
    certain = undecoded == 0 and not _CONTROLS.search(text) and encoding != "windows-1252"
    return text if certain or len(cell) > 4 * KEY_BYTES else None
