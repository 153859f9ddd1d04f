"""Names of members as steps of a location: never a path to write to, never a byte that cannot be shown, never twice the same."""

from __future__ import annotations

from collections.abc import Iterable


def shown(name: bytes | str) -> str:
    """A member's name as a step: UTF-8, other bytes (or surrogates standing for them) as ``\\xHH``, a backslash doubled.

    A NUL or a lone surrogate of a broken name becomes ``\\xHH`` too, so that every step can be encoded as UTF-8.
    """
    text = name.decode("utf-8", "surrogateescape") if isinstance(name, bytes) else name
    text = text.replace("\\", "\\\\").replace("\0", "\\x00")
    if text.isascii():
        return text
    return "".join(_shown_character(character) for character in text)


def _shown_character(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02X}"
    if 0xD800 <= code <= 0xDFFF:
        return "".join(f"\\x{byte:02X}" for byte in character.encode("utf-8", "surrogatepass"))
    return character


def japanese_name(raw: bytes) -> str:
    """A name whose encoding nobody told: UTF-8 if it is that, else CP932, else CP437 (which takes any byte)."""
    for encoding in ("utf-8", "cp932"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return raw.decode("cp437")


class Steps:
    """Gives every member of one container a step of its own: a name met before gets ``#2``, ``#3``, ...

    Holds 64-bit hashes, not names, so that a directory of a million members costs tens of megabytes.
    """

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = {hash(name) for name in taken}
        self._repeats: dict[int, int] = {}

    def unique(self, name: str) -> str:
        step = name
        while hash(step) in self._taken:
            count = self._repeats.get(hash(name), 1) + 1
            self._repeats[hash(name)] = count
            step = f"{name}#{count}"
        self._taken.add(hash(step))
        return step
