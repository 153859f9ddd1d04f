"""Fingerprints of running text by winnowing, so that excerpts are recognised inside other texts.

Text is normalised (NFKC, case folded, letters and digits alone), cut into all its runs of `K` characters, and of every `W` consecutive runs
the one with the smallest hash is kept (Schleimer, Wilkerson, Aiken: Winnowing, SIGMOD 2003). So two texts that share `SURE` = W + K - 1
normalised characters share a fingerprint: the W runs of that stretch are the same in both, and so is the smallest. Nothing shorter than
`K` characters is ever shared. With one change in every 100 characters each stretch between two changes is still longer than `SURE`.
About 2 in W + 1 characters become a fingerprint.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

K, W = 24, 49
SURE = W + K - 1
"""Normalised characters that two texts must share to share a fingerprint for certain."""

CHUNK = 1 << 15
HELD = 8
"""Characters held back at the end of a piece: they may combine with what comes next."""

Hashes = npt.NDArray[np.uint64]

_BASE = 0x9E3779B97F4A7C15  # odd, so that it has an inverse modulo 2^64
_ASCII = bytes(c + 32 if 65 <= c <= 90 else c for c in range(256))
_DROPPED = bytes(c for c in range(128) if not chr(c).isalnum())


def normalised(text: str) -> npt.NDArray[np.uint32]:
    """The code points that count, in their plain form."""
    if text.isascii():
        return np.frombuffer(text.encode("ascii").translate(_ASCII, _DROPPED), np.uint8).astype(np.uint32)
    plain = unicodedata.normalize("NFKC", text).casefold()
    points = np.frombuffer(plain.encode("utf-32-le", "surrogatepass"), np.uint32)
    return points[_counts()[np.minimum(points, 0xFFFF)]]


@lru_cache(maxsize=1)
def _counts() -> npt.NDArray[np.bool_]:
    """Of each code point of the basic plane: is it a letter or digit? The last stands for all planes beyond."""
    table = np.fromiter((chr(point).isalnum() for point in range(0x10000)), np.bool_, 0x10000)
    table[0xFFFF] = True
    return table


class Winnower:
    """Winnows one text that comes in pieces. The fingerprints are those of the whole text, however it is cut."""

    def __init__(self) -> None:
        self._held = ""
        self._points = np.empty(0, np.uint32)
        self._start = 0  # of `_points` in the text

    def feed(self, text: str) -> Iterator[tuple[npt.NDArray[np.int64], Hashes]]:
        """Positions (normalised characters from the start) and hashes of fingerprints; one that lies at a cut may come twice."""
        text = self._held + text
        self._held = text[-HELD:]
        yield from self._take(text[:-HELD])

    def close(self) -> Iterator[tuple[npt.NDArray[np.int64], Hashes]]:
        """The rest."""
        held, self._held = self._held, ""
        yield from self._take(held)
        if len(self._points) >= SURE:
            yield self._select(self._points)

    @property
    def length(self) -> int:
        """Normalised characters so far."""
        return self._start + len(self._points)

    def _take(self, text: str) -> Iterator[tuple[npt.NDArray[np.int64], Hashes]]:
        points = normalised(text)
        self._points = points if not len(self._points) else np.concatenate([self._points, points])
        while len(self._points) >= CHUNK + SURE:
            yield self._select(self._points[: CHUNK + SURE - 1])
            self._points = self._points[CHUNK:]
            self._start += CHUNK

    def _select(self, points: npt.NDArray[np.uint32]) -> tuple[npt.NDArray[np.int64], Hashes]:
        hashes = rolling(points)
        least = _sliding(hashes, W, np.minimum)
        of_windows = np.concatenate([np.zeros(W - 1, np.uint64), least, np.zeros(W - 1, np.uint64)])
        chosen = np.flatnonzero(_sliding(of_windows, W, np.maximum) == hashes)
        return chosen + self._start, hashes[chosen]


def rolling(points: npt.NDArray[np.uint32]) -> Hashes:
    """Hash of each run of `K` code points: polynomial modulo 2^64 by prefix sums, then mixed. Not keyed: it only selects."""
    powers, inverses = _powers()
    count = len(points)
    with np.errstate(over="ignore"):
        terms = (points.astype(np.uint64) + np.uint64(1)) * np.uint64(0xD6E8FEB86659FD93) * powers[:count]
        sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(terms, dtype=np.uint64)])
        hashes = (sums[K:] - sums[:-K]) * inverses[: count - K + 1]
        hashes = (hashes ^ (hashes >> np.uint64(32))) * np.uint64(0xD6E8FEB86659FD93)
    hashes = hashes ^ (hashes >> np.uint64(32))
    least: Hashes = np.maximum(hashes, np.uint64(1))  # 0 stands for no window
    return least


@lru_cache(maxsize=1)
def _powers() -> tuple[Hashes, Hashes]:
    size = CHUNK + 2 * SURE
    powers, inverses = np.full(size, _BASE, np.uint64), np.full(size, pow(_BASE, -1, 2**64), np.uint64)
    powers[0] = inverses[0] = 1
    with np.errstate(over="ignore"):
        return np.cumprod(powers, dtype=np.uint64), np.cumprod(inverses, dtype=np.uint64)


def _sliding(values: Hashes, width: int, of: Any) -> Hashes:
    """The least (or greatest) of every `width` consecutive values: doubling spans, then one step back."""
    span, reach = values, 1
    while 2 * reach <= width:
        span = of(span[:-reach], span[reach:])
        reach *= 2
    rest = width - reach
    result: Hashes = of(span[: len(span) - rest], span[rest:]) if rest else span
    return result
