"""Words in groups of like meaning: what the taggers know of a word beyond the texts they were trained on.

Made by `detectors/build/word_groups.py`, which names the sources.
"""

from __future__ import annotations

import gzip
import zlib
from importlib.resources import files

import numpy as np


class WordGroups:
    """The groups of a language's words, three for each: one of many small, of fewer, of few large ones."""

    def __init__(self, name: str) -> None:
        """Load `detectors/data/<name>`."""
        data = gzip.decompress((files("detectors") / "data" / name).read_bytes())
        words, groups = (int(size) for size in np.frombuffer(data, "<u4", 2))
        self._keys = np.frombuffer(data, "<u4", words, 8)
        self._group = np.frombuffer(data, "<u2", words, 8 + 4 * words)
        parents = np.frombuffer(data, "<u2", 2 * groups, 8 + 6 * words).reshape(2, groups)
        self._parents: list[tuple[int, int]] = [(int(middle), int(coarse)) for middle, coarse in parents.T]

    def of(self, word: str) -> tuple[int, int, int] | None:
        """(small, middle, large group) of a word, None if it is not known. English words in small letters."""
        key = np.uint32(zlib.crc32(word.encode("utf-8", "surrogatepass")))  # of a plain number NumPy casts all keys first
        at = int(self._keys.searchsorted(key))
        if at == len(self._keys) or self._keys[at] != key:
            return None
        group = int(self._group[at])
        return (group, *self._parents[group])
