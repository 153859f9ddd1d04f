"""A linear-chain tagger for persons in running text: which of a run of tokens open or continue a name, by the words around them.

A conditional random field (Lafferty, McCallum and Pereira, 2001). Its features are properties of one token or of two neighbours, each at a
few distances, so what a token adds is summed once for every distance and kept; tagging a run is then a few additions a token. Weights are
bytes keyed by the CRC-32 of the feature's text; `detectors/build/person_weights.py` makes them.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Sequence
from importlib.resources import files
from typing import Any, Final

LABELS: Final = ("O", "B", "I", "X")  # no name, its first token, a later one, part of another entity (place, company, work)
BEGIN, INSIDE = 1, 2  # places in LABELS
NEAR: Final = 3  # a token is seen from as many tokens away, on either side
SINGLE_PLACES: Final = 2 * NEAR + 1
PAIR_NEAR: Final = 2
PAIR_PLACES: Final = 2 * PAIR_NEAR
_KEPT: Final = 50_000  # tokens and pairs remembered before memory is let go
_RUNS_KEPT: Final = 20_000

_Row = tuple[float, float, float]  # scores of B, I and X; those of O are 0
_ZERO: Final[_Row] = (0.0, 0.0, 0.0)


class Traits:
    """What the tagger sees of a kind of token: `single`, features of it alone, and `joined` (word, class, shape) with its neighbours.

    Compared by identity: whoever makes them keeps one for each kind of token.
    """

    __slots__ = ("joined", "single")

    def __init__(self, single: tuple[str, ...], joined: tuple[str, str, str]) -> None:
        self.single = single
        self.joined = joined


def pair_features(left: Traits, right: Traits) -> list[str]:
    """Features of two neighbours: word with class, class with word, word with word, class with class."""
    word, kind, shape = left.joined
    next_word, next_kind, next_shape = right.joined
    return [
        f"a{word}\t{next_kind}",
        f"b{kind}\t{next_word}",
        f"c{word}\t{next_word}",
        f"d{kind}\t{next_kind}",
        f"e{shape}\t{next_shape}",
    ]


EDGE: Final = Traits(("edge",), ("", "edge", ""))


class Tagger:
    """Tags runs of tokens with shipped weights. Pure but for its memory of tokens met."""

    def __init__(self, name: str) -> None:
        """Load `detectors/data/<name>`."""
        import numpy as np

        data = gzip.decompress((files("detectors") / "data" / name).read_bytes())
        singles, pairs = (int(size) for size in np.frombuffer(data, "<u4", 2))
        labels, at = len(LABELS), 8
        self._scale = float(np.frombuffer(data, "<f4", 1, at)[0])
        transitions = np.frombuffer(data, "<f4", labels * labels, at + 4).reshape(labels, labels)
        at += 4 + 4 * labels * labels
        self._transitions: list[tuple[float, ...]] = [tuple(row) for row in transitions.T.tolist()]  # [to][from]
        self._from_outside: tuple[float, ...] = tuple(transitions[0].tolist())
        self._to_outside: tuple[float, ...] = tuple(transitions[:, 0].tolist())
        self._in_and_out, self._further = _gains(transitions.tolist())
        self._single, self._single_rows, at = _table(data, at, singles, SINGLE_PLACES * labels)
        self._pair, self._pair_rows, at = _table(data, at, pairs, PAIR_PLACES * labels)
        self._no_pair: tuple[_Row, ...] = (_ZERO,) * PAIR_PLACES
        self._singles_known: dict[Traits, tuple[_Row, ...]] = {}
        self._pairs_known: dict[tuple[Traits, Traits], tuple[_Row, ...]] = {}
        self._runs_known: dict[tuple[tuple[Traits, ...], int, int, float], list[int]] = {}

    def tag(self, traits: Sequence[Traits], first: int, last: int, favour: float = 0.0) -> list[int]:
        """The most likely labels of tokens [first, last), those around taken to be outside; `favour` is added to names' scores. All O where
        none of them is a name's, what else they are."""
        low, high = max(0, first - NEAR), min(len(traits), last + NEAR)
        key = (tuple(traits[low:high]), first - low, high - last, favour)
        known = self._runs_known.get(key)
        if known is None:
            if len(self._runs_known) >= _RUNS_KEPT:
                self._runs_known.clear()
            known = self._runs_known[key] = self._likeliest(traits, first, last, favour)
        return known

    def _likeliest(self, traits: Sequence[Traits], first: int, last: int, favour: float) -> list[int]:
        rows = self.scores(traits, first, last)
        if not self._may_name(rows, favour):
            return [0] * len(rows)
        begin, inside, other = rows[0]
        best: Sequence[float] = (0.0, begin + favour, inside + favour, other)
        if first:
            best = [a + b for a, b in zip(best, self._from_outside, strict=True)]
        back: list[tuple[int, ...]] = []
        into = self._transitions
        for begin, inside, other in rows[1:]:
            zero, one, two, three = best
            sources, scores = [], []
            for (a, b, c, d), score in zip(into, (0.0, begin + favour, inside + favour, other), strict=True):
                routes = (zero + a, one + b, two + c, three + d)
                top = max(routes)
                sources.append(routes.index(top))
                scores.append(top + score)
            back.append(tuple(sources))
            best = scores
        if last < len(traits):
            best = [a + b for a, b in zip(best, self._to_outside, strict=True)]
        path = [best.index(max(best))]
        for sources_of in reversed(back):
            path.append(sources_of[path[-1]])
        return path[::-1]

    def _may_name(self, rows: Sequence[_Row], favour: float) -> bool:
        """Whether the most likely labels can hold a name: whether a path can gain by one over the same path with O in its place."""
        gain = favour + self._in_and_out
        further = favour + self._further
        rest = 0.0
        for begin, inside, _ in reversed(rows):
            if begin + gain + rest > 0.0:
                return True
            if inside + further > 0.0:
                rest += inside + further
        return False

    def scores(self, traits: Sequence[Traits], first: int, last: int) -> list[_Row]:
        """Scores of B, I and X for tokens [first, last), transitions apart."""
        size = len(traits)
        low, high = first - NEAR, last + NEAR
        seen = [traits[at] if 0 <= at < size else EDGE for at in range(low, high)]
        one = [self._of_token(token) for token in seen]
        two = [self._of_pair(left, right) for left, right in zip(seen[NEAR - PAIR_NEAR :], seen[NEAR - PAIR_NEAR + 1 :], strict=False)]
        found: list[_Row] = []
        for at in range(last - first):
            begin = inside = other = 0.0
            for place in range(SINGLE_PLACES):
                row = one[at + place][SINGLE_PLACES - 1 - place]
                if row is not _ZERO:
                    begin += row[0]
                    inside += row[1]
                    other += row[2]
            for place in range(PAIR_PLACES):
                row = two[at + place][place]
                if row is not _ZERO:
                    begin += row[0]
                    inside += row[1]
                    other += row[2]
            found.append((begin, inside, other))
        return found

    def _of_token(self, token: Traits) -> tuple[_Row, ...]:
        """Scores that a token adds at each distance; the index is NEAR + (place of the tagged token - place of this one)."""
        known = self._singles_known.get(token)
        if known is None:
            if len(self._singles_known) >= _KEPT:
                self._singles_known.clear()
            known = self._singles_known[token] = self._sum(self._single, self._single_rows, token.single) or (_ZERO,) * SINGLE_PLACES
        return known

    def _of_pair(self, left: Traits, right: Traits) -> tuple[_Row, ...]:
        key = (left, right)
        known = self._pairs_known.get(key)
        if known is None:
            if len(self._pairs_known) >= _KEPT:
                self._pairs_known.clear()
            known = self._pairs_known[key] = self._sum(self._pair, self._pair_rows, pair_features(left, right)) or self._no_pair
        return known

    def _sum(self, table: dict[int, int], rows: Any, features: Sequence[str]) -> tuple[_Row, ...] | None:
        found = [table[key] for key in map(feature_key, features) if key in table]
        if not found:
            return None
        total = (rows[found].sum(axis=0, dtype="float32") * self._scale).reshape(-1, len(LABELS))
        return tuple((row[1], row[2], row[3]) if any(row) else _ZERO for row in total.tolist())


def _gains(transitions: Sequence[Sequence[float]]) -> tuple[float, float]:
    """(the most that entering and leaving a name adds, the most that a later token of it adds) over outside; `transitions[from][to]`."""
    begin, inside, every = BEGIN, INSIDE, range(len(LABELS))
    outside = transitions[0]
    enter = max(transitions[before][begin] - transitions[before][0] for before in every)
    leave = max(transitions[last][after] - outside[after] for last in (begin, inside) for after in every if after != inside)
    further = max(transitions[before][inside] - outside[0] for before in (begin, inside))
    return max(0.0, enter) + max(0.0, leave), further


def feature_key(feature: str) -> int:
    return zlib.crc32(feature.encode("utf-8", "replace"))


def _table(data: bytes, at: int, size: int, width: int) -> tuple[dict[int, int], Any, int]:
    import numpy as np

    keys = np.frombuffer(data, "<u4", size, at)
    rows = np.frombuffer(data, "i1", size * width, at + 4 * size).reshape(size, width)
    return {int(key): row for row, key in enumerate(keys.tolist())}, rows, at + 4 * size + size * width
