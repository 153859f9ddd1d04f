"""A linear-chain tagger for persons in running text: which of a run of tokens open or continue a name, by the words around them.

A conditional random field (Lafferty, McCallum and Pereira, 2001). Its features are properties of one token or of two neighbours, each at a
few distances, so what a token adds is summed once for every distance and kept. Many runs are tagged together: their scores are sums of
arrays, and only the runs in which a name can gain anything are searched for the best sequence. Weights are bytes keyed by the CRC-32 of the
feature's text; `detectors/build/person_weights.py` makes them.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Generator, Iterable, Sequence
from importlib.resources import files
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

LABELS: Final = ("O", "B", "I", "X")  # no name, its first token, a later one, part of another entity (place, company, work)
BEGIN, INSIDE = 1, 2  # places in LABELS
NEAR: Final = 3  # a token is seen from as many tokens away, on either side
SINGLE_PLACES: Final = 2 * NEAR + 1
PAIR_NEAR: Final = 2
PAIR_PLACES: Final = 2 * PAIR_NEAR
_KEPT: Final = 50_000  # tokens remembered before memory is let go
_RUNS_KEPT: Final = 20_000
_LONGEST: Final = 40  # characters of a word that count together with its neighbour
_SLACK: Final = 1e-3  # far above what sums of floats differ by in another order

_Row = tuple[float, float, float]  # scores of B, I and X; those of O are 0


class Traits:
    """What the tagger sees of a kind of token: `single`, features of it alone, and `joined` (word, class, shape) with its neighbours.

    Compared by identity: whoever makes them keeps one for each kind of token.
    """

    __slots__ = ("joined", "single")

    def __init__(self, single: tuple[str, ...], joined: tuple[str, str, str]) -> None:
        self.single = single
        self.joined = (joined[0][:_LONGEST], *joined[1:])


class LateTraits(Traits):
    """Traits that are made when first asked for: most kinds of tokens stand near no name."""

    __slots__ = ("_make",)

    def __init__(self, make: Callable[[], tuple[tuple[str, ...], tuple[str, str, str]]]) -> None:
        self._make = make

    def __getattr__(self, name: str) -> Any:  # called where `single` or `joined` was never set
        if name not in Traits.__slots__:
            raise AttributeError(name)
        super().__init__(*self._make())
        return object.__getattribute__(self, name)


def pair_features(left: Traits, right: Traits) -> list[str]:
    """Features of two neighbours: word with class, class with word, word with word, class with class."""
    return [a + b for a, b in zip(_left_parts(left), _right_parts(right), strict=True)]


def _left_parts(left: Traits) -> tuple[str, ...]:
    """What a token puts into the features of the pairs that it opens; `_right_parts` end them."""
    word, kind, shape = left.joined
    return f"a{word}\t", f"b{kind}\t", f"c{word}\t", f"d{kind}\t", f"e{shape}\t"


def _right_parts(right: Traits) -> tuple[str, ...]:
    word, kind, shape = right.joined
    return kind, word, word, kind, shape


_PAIRED: Final = 5  # features of a pair

EDGE: Final = Traits(("edge",), ("", "edge", ""))


class Run(NamedTuple):
    """Tokens to be tagged: `seen` are they and `NEAR` more on either side (`EDGE` beyond the ends); `opens`, `closes`: whether they begin
    and end their line. Outside of a line's ends, what stands around is taken to be no name."""

    seen: tuple[Traits, ...]
    opens: bool
    closes: bool


def run_of(traits: Sequence[Traits], first: int, last: int) -> Run:
    """Tokens [first, last) of a line."""
    size = len(traits)
    seen = traits[max(0, first - NEAR) : last + NEAR]
    left, right = (EDGE,) * max(0, NEAR - first), (EDGE,) * max(0, last + NEAR - size)
    return Run((*left, *seen, *right), first == 0, last == size)


_T = TypeVar("_T")
Asking = Generator[tuple[list[Run], float], list[list[int]], _T]  # work that yields runs and a favour, and goes on with their labels


class Tagger:
    """Tags runs of tokens with shipped weights. Pure but for its memory of tokens met."""

    def __init__(self, name: str) -> None:
        """Load `detectors/data/<name>`."""
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
        self._single, at = _table(data, at, singles, SINGLE_PLACES)
        self._pair, at = _table(data, at, pairs, PAIR_PLACES)
        self._tokens = _Tokens(self._single)
        self._runs_known: dict[tuple[Run, float], list[int]] = {}

    def tag(self, traits: Sequence[Traits], first: int, last: int, favour: float = 0.0) -> list[int]:
        """The most likely labels of tokens [first, last), those around taken to be outside; `favour` is added to names' scores. All O where
        none of them is a name's, what else they are."""
        return self.tag_all([run_of(traits, first, last)], favour)[0]

    def tag_all(self, runs: Sequence[Run], favour: float = 0.0) -> list[list[int]]:
        """`tag` of many runs at once: much faster than one after another."""
        known = self._runs_known
        keys = [(run, favour) for run in runs]
        new = {key: None for key in keys if key not in known}
        if new:
            if len(known) + len(new) >= _RUNS_KEPT:
                kept = {key: known[key] for key in keys if key in known}
                known.clear()
                known.update(kept)
            fresh = [run for run, _ in new]
            known.update(zip(new, self._likeliest(fresh, favour), strict=True))
        return [known[key] for key in keys]

    def answer(self, works: Sequence[Asking[_T]]) -> list[_T]:
        """The results of works that ask for labels, what they ask for at the same time tagged together."""
        results: dict[int, _T] = {}
        waiting: list[tuple[int, list[list[int]] | None]] = [(number, None) for number in range(len(works))]
        while waiting:
            asked: dict[float, list[tuple[int, list[Run]]]] = {}
            for number, labels in waiting:
                try:
                    runs, favour = works[number].send(labels) if labels is not None else next(works[number])
                except StopIteration as done:
                    results[number] = done.value
                else:
                    asked.setdefault(favour, []).append((number, runs))
            waiting = []
            for favour, questions in asked.items():
                told = iter(self.tag_all([run for _, runs in questions for run in runs], favour))
                waiting += [(number, [next(told) for _ in runs]) for number, runs in questions]
        return [results[number] for number in range(len(works))]

    def scores(self, traits: Sequence[Traits], first: int, last: int) -> list[_Row]:
        """Scores of B, I and X for tokens [first, last), transitions apart."""
        rows: list[_Row] = self._score([run_of(traits, first, last)])[NEAR : NEAR + last - first].tolist()
        return [(begin, inside, other) for begin, inside, other in rows]

    def _likeliest(self, runs: Sequence[Run], favour: float) -> list[list[int]]:
        scores = self._score(runs)
        lengths = np.fromiter((len(run.seen) for run in runs), np.intp, len(runs))
        ends = np.cumsum(lengths)
        hopeful = self._may_name(scores, ends - lengths + NEAR, ends - NEAR, favour)
        labels = []
        for run, start, end, hope in zip(runs, (ends - lengths + NEAR).tolist(), (ends - NEAR).tolist(), hopeful.tolist(), strict=True):
            labels.append(self._best(scores[start:end].tolist(), run, favour) if hope else [0] * (end - start))
        return labels

    def _best(self, rows: Sequence[Sequence[float]], run: Run, favour: float) -> list[int]:
        """The best path through the scores of a run (Viterbi)."""
        if not self._gains_by_name(rows, favour):
            return [0] * len(rows)
        begin, inside, other = rows[0]
        best: Sequence[float] = (0.0, begin + favour, inside + favour, other)
        if not run.opens:
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
        if not run.closes:
            best = [a + b for a, b in zip(best, self._to_outside, strict=True)]
        path = [best.index(max(best))]
        for sources_of in reversed(back):
            path.append(sources_of[path[-1]])
        return path[::-1]

    def _gains_by_name(self, rows: Sequence[Sequence[float]], favour: float) -> bool:
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

    def _may_name(
        self, scores: npt.NDArray[np.float64], starts: npt.NDArray[np.intp], ends: npt.NDArray[np.intp], favour: float
    ) -> npt.NDArray[np.bool_]:
        """`_gains_by_name` of many runs, rather too often than not: True for those of [start, end) that are worth a search."""
        further = np.maximum(scores[:, 1] + (favour + self._further), 0.0)
        before = np.concatenate(([0.0], np.cumsum(further)))  # of all tokens before
        gains = scores[:, 0] + (favour + self._in_and_out) - before[1:]
        bounds = np.column_stack((starts, ends)).ravel()
        best = np.maximum.reduceat(np.append(gains, -np.inf), bounds)[::2]  # the odd ones lie between runs
        return np.asarray(best + before[ends] > -_SLACK, np.bool_)

    def _score(self, runs: Sequence[Run]) -> npt.NDArray[np.float64]:
        """Scores of B, I and X for every token of the runs, one run after another; those in the margins mean nothing."""
        tokens = self._tokens
        seen = [token for run in runs for token in run.seen]
        ids = tokens.ids(seen)
        size = len(ids)
        total = np.zeros((size, len(LABELS) - 1), np.int32)
        inner = total[NEAR : size - NEAR]
        own = tokens.singles[ids]
        for place in range(SINGLE_PLACES):  # a token that stands `place - NEAR` further on
            inner += own[place : size - 2 * NEAR + place, SINGLE_PLACES - 1 - place]
        pairs = self._pair.sums(tokens.pair_keys(ids))
        for place in range(PAIR_PLACES):
            first = NEAR - PAIR_NEAR + place
            inner += pairs[first : first + size - 2 * NEAR, place]
        return np.asarray(total * self._scale, np.float64)


class _Table:
    """Weights by the key of a feature: for every place at which it is seen from, those of B, I and X."""

    def __init__(self, keys: npt.NDArray[np.uint32], rows: npt.NDArray[np.int8]) -> None:
        order = np.argsort(keys)
        self._keys = keys[order]
        self._rows = rows[order]
        self._shift = 32 - max(8, (4 * len(keys)).bit_length())
        self._known = np.zeros(1 << (32 - self._shift), np.bool_)
        self._known[self._keys >> self._shift] = True

    def sums(self, keys: npt.NDArray[np.uint32]) -> npt.NDArray[np.int32]:
        """Of every row of keys (n, features) the sum of their weights: (n, places, 3)."""
        count, features = keys.shape
        flat = keys.ravel()
        total = np.zeros((count, *self._rows.shape[1:]), np.int32)
        if not len(self._keys):
            return total
        asked = self._known[flat >> self._shift].nonzero()[0]  # most are met nowhere
        sought = flat[asked]
        at = self._keys.searchsorted(sought)
        at[at == len(self._keys)] = 0
        good = self._keys[at] == sought
        at, owners = at[good], asked[good] // features
        if len(owners):
            opens = np.ones(len(owners), np.bool_)
            np.not_equal(owners[1:], owners[:-1], out=opens[1:])
            firsts = opens.nonzero()[0]
            total[owners[firsts]] = np.add.reduceat(self._rows[at], firsts, axis=0, dtype=np.int32)
        return total


class _Tokens:
    """What is remembered of kinds of tokens, in arrays by their number: their own weights, and their halves of the keys of pairs."""

    def __init__(self, single: _Table) -> None:
        self._single = single
        self._shifts = _Shifts()
        self._clear(256)

    def _clear(self, room: int) -> None:
        self._numbers: dict[Traits, int] = {}
        self.singles = np.zeros((room, SINGLE_PLACES, len(LABELS) - 1), np.int16)
        self._left = np.zeros((room, _PAIRED), np.uint32)
        self._right = np.zeros((room, _PAIRED), np.uint32)
        self._right_shift = np.zeros((room, _PAIRED), np.intp)

    def ids(self, tokens: Sequence[Traits]) -> npt.NDArray[np.intp]:
        """Numbers of these tokens, good until the next call."""
        numbers = self._numbers
        new = {token: None for token in tokens if token not in numbers}
        if new:
            if len(numbers) + len(new) > _KEPT:
                self._clear(max(256, len(new)))
                new = dict.fromkeys(tokens)
            self._learn(list(new))
            numbers = self._numbers
        return np.fromiter((numbers[token] for token in tokens), np.intp, len(tokens))

    def _learn(self, tokens: Sequence[Traits]) -> None:
        first = len(self._numbers)
        last = first + len(tokens)
        self._numbers.update(zip(tokens, range(first, last), strict=True))
        if last > len(self.singles):
            room = max(last, 2 * len(self.singles))
            self.singles, self._left, self._right = (_grown(a, room) for a in (self.singles, self._left, self._right))
            self._right_shift = _grown(self._right_shift, room)
        widest = max(len(token.single) for token in tokens)
        texts = [  # "" is no feature: each has its letter
            (*token.single, *("",) * (widest - len(token.single)), *_left_parts(token), *_right_parts(token)) for token in tokens
        ]
        encoded = _encoded(chain.from_iterable(texts))
        keys = np.fromiter(map(zlib.crc32, encoded), np.uint32, len(encoded)).reshape(len(tokens), widest + 2 * _PAIRED)
        self.singles[first:last] = self._single.sums(keys[:, :widest])
        self._left[first:last] = keys[:, widest : widest + _PAIRED]
        self._right[first:last] = keys[:, widest + _PAIRED :]
        number, every = self._shifts.number, widest + 2 * _PAIRED
        self._right_shift[first:last] = [
            [number(len(part)) for part in encoded[end - _PAIRED : end]] for end in range(every, len(encoded) + 1, every)
        ]

    def pair_keys(self, ids: npt.NDArray[np.intp]) -> npt.NDArray[np.uint32]:
        """Keys of the features of every two neighbours, (n - 1, 5): that of a text in two parts from those of the parts."""
        left, right = ids[:-1], ids[1:]
        return self._shifts.apply(self._left[left], self._right_shift[right]) ^ self._right[right]


class _Shifts:
    """CRC-32 of joined texts: crc(a + b) = shift(crc(a), len(b)) ^ crc(b), where the shift is linear, so four look-ups for four bytes."""

    def __init__(self) -> None:
        self._numbers: dict[int, int] = {}
        self._tables = np.zeros((0, 4, 256), np.uint32)

    def number(self, length: int) -> int:
        """The number of the shift by so many bytes."""
        known = self._numbers.get(length)
        if known is None:
            known = self._numbers[length] = len(self._numbers)
            zeros = bytes(length)
            nothing = zlib.crc32(zeros, 0)
            table = [[zlib.crc32(zeros, byte << (8 * place)) ^ nothing for byte in range(256)] for place in range(4)]
            self._tables = np.concatenate((self._tables, np.array([table], np.uint32)))
        return known

    def apply(self, keys: npt.NDArray[np.uint32], shifts: npt.NDArray[np.intp]) -> npt.NDArray[np.uint32]:
        flat = self._tables.ravel()
        base = shifts * 1024
        found = flat[base + (keys & 0xFF)]
        for place in (1, 2, 3):
            found = found ^ flat[base + (256 * place + ((keys >> (8 * place)) & 0xFF))]
        return found


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


def _encoded(texts: Iterable[str]) -> list[bytes]:
    """UTF-8 of many texts, "?" for half of a character."""
    many = list(texts)
    try:
        return list(map(str.encode, many))
    except UnicodeEncodeError:
        return [text.encode("utf-8", "replace") for text in many]


def _grown(array: npt.NDArray[Any], room: int) -> npt.NDArray[Any]:
    return np.concatenate((array, np.zeros((room - len(array), *array.shape[1:]), array.dtype)))


def _table(data: bytes, at: int, size: int, places: int) -> tuple[_Table, int]:
    """(the table that stands at `at`, where it ends). The weights of O are 0 and left out."""
    keys = np.frombuffer(data, "<u4", size, at)
    rows = np.frombuffer(data, "i1", size * places * len(LABELS), at + 4 * size).reshape(size, places, len(LABELS))
    return _Table(keys, np.ascontiguousarray(rows[:, :, 1:])), at + 4 * size + rows.size
