"""Makes names safe to show: whatever could steer a terminal or turn the reading direction is written out."""

from __future__ import annotations

import unicodedata

_WRITTEN_OUT = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp", "Co", "Cn"})


def visible(text: str) -> str:
    """The text with control, format and unassigned characters as ``\\xNN``, ``\\uNNNN`` or ``\\UNNNNNNNN``; all else as it is."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_written_out(char) if unicodedata.category(char) in _WRITTEN_OUT else char for char in text)


def short(text: str, most: int = 240) -> str:
    """The text with its middle left out where it is longer than `most`: a name is known by its two ends."""
    return text if len(text) <= most else f"{text[: most // 2]} … {text[-most // 2 :]}"


def _written_out(char: str) -> str:
    code = ord(char)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def file_size(count: int) -> str:
    """A number of bytes as people read it: ``1.4 MB``, in powers of 1,000."""
    size = float(count)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if size < 999.5:
            return f"{size:.0f} {unit}" if unit == "B" or size >= 99.95 else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} PB"
