"""What a sender reads in the place of a file that is held, or beside one that came back, in Japanese and English."""

from __future__ import annotations

import re
from typing import Final

HELD, RETURNED, REMOVED = ".held.txt", ".returned.txt", ".removed.txt"
SUFFIXES: Final = (HELD, RETURNED, REMOVED)
MOVED, DELETED = ".moved.txt", ".deleted.txt"
"""What a clean-up leaves (`scanner.obligations.cleanup`)."""

_LONGEST_NAME: Final = 255
_REFERENCE = re.compile(r"^\[([0-9a-z-]{10,60})\]$", re.MULTILINE)

_TEXTS: Final = {
    HELD: (
        "このファイルは送信を保留しています。個人情報を含むか、内容を完全に確認できなかったためです。ファイルは失われていません。",
        "This file is held and was not sent: it may hold personal data, or could not be read completely. Nothing is lost.",
    ),
    RETURNED: (
        "このファイルの送信は承認されませんでした。ファイルは元の場所に戻しました。",
        "The release of this file was refused. The file is back in its place.",
    ),
    MOVED: (
        "このファイルは個人情報を含むため、承認された保管場所へ移動しました。ファイルは失われていません。",
        "This file held personal data and was moved to an approved place. Nothing is lost.",
    ),
    DELETED: (
        "このファイルは個人情報を含み、この場所に置く必要がないため、規程に従って削除しました。",
        "This file held personal data that need not lie here, and was deleted as the rules say. There is a record of it.",
    ),
    REMOVED: (
        "このファイルの送信は承認されず、規程に従ってファイルは削除されました。",
        "The release of this file was refused, and the file was deleted as the policy says.",
    ),
}
_ASK: Final = ("問い合わせ先: {ask}", "Ask: {ask}")
_NUMBER: Final = ("受付番号: {item}", "Reference: {item}")


def note_name(name: bytes, suffix: str, number: int = 0) -> bytes:
    """The note's file name beside `name`; cut at a whole character where it would get too long. `number`: when others are taken."""
    tail = (f".{number}" if number else "").encode() + suffix.encode()
    head = name[: _LONGEST_NAME - len(tail)]
    while head != name and head and (head[-1] & 0xC0) == 0x80:
        head = head[:-1]
    if head != name and head and head[-1] >= 0xC0:
        head = head[:-1]
    return head + tail


def note_text(suffix: str, item: str, ask: str | None) -> bytes:
    """UTF-8 with a byte order mark, since an editor on a Windows desktop opens it."""
    blocks = []
    for language, words in enumerate(_TEXTS[suffix]):
        lines = [words, _NUMBER[language].format(item=item)]
        if ask:
            lines.append(_ASK[language].format(ask=" ".join(ask.split())))
        blocks.append("\r\n".join(lines))
    return ("\r\n\r\n".join(blocks) + f"\r\n\r\n[{item}]\r\n").encode("utf-8-sig")


def is_note_name(name: bytes) -> bool:
    return name.endswith(tuple(suffix.encode() for suffix in SUFFIXES))


def reference(text: bytes) -> str | None:
    """The item that a note speaks of."""
    found = _REFERENCE.search(text.decode("utf-8-sig", "replace").replace("\r", ""))
    return found[1] if found else None
