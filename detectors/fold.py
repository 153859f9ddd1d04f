"""One-to-one folding of a text before matching: full width to ASCII, dashes between digits to ``-``; offsets stay those of the original.

NFKC changes lengths (㈱, ｶﾞ) and leaves ー − ‐ alone, so it serves neither offsets nor Japanese phone numbers.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_FULL_WIDTH: Final = {0xFF01 + i: 0x21 + i for i in range(94)}
DASHES: Final = "‐‑‒–—―−─━﹣ｰー⁃─－"
_SPACES: Final = dict.fromkeys((12288, 160, 8194, 8195, 8196, 8197, 8198, 8199, 8201, 8202, 8239, 8287), 32)
_SURROGATES: Final = dict.fromkeys(range(55296, 57344), 65533)
PLAIN: Final = {chr(code): chr(plain) for code, plain in {**_FULL_WIDTH, **_SPACES}.items()}
_FOLDABLE: Final = re.compile(f"[{''.join(PLAIN)}]")
# U+30FC and the box lines are letters or art elsewhere ("コーヒー"), so a dash is folded only where a digit or bracket stands on both sides
_DASH_BETWEEN_DIGITS: Final = re.compile(f"[{DASHES}](?:(?<=[0-9)].)|(?<=[0-9)] .))(?= ?[0-9(])")


def fold(text: str) -> str:
    """The text with full-width ASCII, wide blanks and dashes between digits made plain. Same length, so offsets hold."""
    return text if text.isascii() else _folded(text)


@lru_cache(maxsize=4)  # every detector of a window folds the same text
def _folded(text: str) -> str:
    return _DASH_BETWEEN_DIGITS.sub("-", _FOLDABLE.sub(lambda match: PLAIN[match[0]], text))


def encodable(folded: str) -> tuple[str, bytes]:
    """(text, its UTF-8 bytes), lone surrogates replaced one-to-one by U+FFFD: Hyperscan must never see invalid UTF-8."""
    try:
        return folded, folded.encode()
    except UnicodeEncodeError:
        clean = folded.translate(_SURROGATES)
        return clean, clean.encode()
