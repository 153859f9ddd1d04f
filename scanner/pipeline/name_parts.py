"""Who is meant by a surname or a given name that stands alone in running text: somebody whose full name stands in it too."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

MOST: Final = 20_000  # parts of names that are remembered; a text with more people is a list, where parts stand for nobody in particular

_BLANK: Final = re.compile(r"[\s\u3000・,.]+")
_JAPANESE: Final = re.compile(r"[\u3400-\u9fff\uf900-\ufaff々〆\u3040-\u30ff]{3,8}")


class NameParts:
    """Learns full names, and answers with the full name that a part belongs to. It forgets nothing within one object."""

    def __init__(self) -> None:
        self._full_of: dict[str, str] = {}

    def learn(self, name: str) -> None:
        if len(self._full_of) < MOST:
            for part in _parts(name):
                self._full_of.setdefault(part, name)

    def full(self, name: str) -> str | None:
        """The full name behind a part, None for what is a part of nothing (and for a full name)."""
        return self._full_of.get(name.casefold())


def _parts(name: str) -> Iterator[str]:
    """Surname and given name: the words of a spaced name; of one written in one piece, what it may begin with. A surname of one character
    is taken from names of three at most, since it begins many longer ones."""
    words = [word for word in _BLANK.split(name.casefold()) if word]
    if len(words) > 1:
        yield from (word for word in words if len(word) > 1 or not word.isascii())
    elif _JAPANESE.fullmatch(name):
        yield from (name[:size] for size in range(1 if len(name) == 3 else 2, min(len(name), 4)))
