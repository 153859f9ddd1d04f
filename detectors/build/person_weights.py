"""Trains the weights of `detectors.person_tagger` from labelled public sets; run by hand, the results are kept.

    python -m detectors.build.person_weights ja EVAL_FOLDER
    python -m detectors.build.person_weights en EVAL_FOLDER

EVAL_FOLDER holds the labelled sets, one folder each with `*.jsonl` ({"text", "spans": [{"start", "end", "label"}]}). Only texts of the
development half are read (`is_for_checking` says which are not); `benchmarks/accuracy.py` publishes figures of the other half.
Needs `python-crfsuite` (MIT) beside the development dependencies. What is trained on is listed in `SETS` with its licence, which the
weights carry: see the LICENSE notes beside them in `detectors/data`.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from detectors.person_tagger import EDGE, LABELS, NEAR, PAIR_NEAR, PAIR_PLACES, SINGLE_PLACES, Traits, feature_key, pair_features

SETS: Final = {
    "ja": ("ja_gsd_ne/train", "ja_gsd_ne/dev", "ja_stockmark/all", "ja_wikiac/train", "ja_wikiac/dev"),  # CC BY-SA 4.0, 3.0, 4.0
    "en": ("en_wikigold/all", "en_wnut17/train", "en_wnut17/dev", "en_btc/all"),  # CC BY 4.0
}
PARAMETERS: Final = {
    "ja": {"c1": 0.015, "c2": 0.12, "max_iterations": 110},
    "en": {"c1": 0.05, "c2": 0.05, "max_iterations": 100},
}
_NEVER_CHECKED: Final = frozenset({"en_wnut17/train", "en_btc/all"})  # no figures are published of these: all of them is trained on
_OTHER: Final = frozenset({"LOCATION", "ORG", "FACILITY", "PRODUCT", "OTHER", "ADDRESS"})
DATA: Final = Path(__file__).parent.parent / "data"


def is_for_checking(text: str) -> bool:
    """Whether a text belongs to the half that is kept for checking."""
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=1).digest()[0] >= 128


def texts(folder: Path, language: str) -> Iterator[dict[str, Any]]:
    for name in SETS[language]:
        with (folder / f"{name}.jsonl").open(encoding="utf-8") as lines:
            for line in lines:
                row = json.loads(line)
                if name in _NEVER_CHECKED or not is_for_checking(row["text"]):
                    yield row


def labels_of(places: list[tuple[int, int]], spans: list[dict[str, Any]]) -> list[str]:
    """The label of each token, given as (start, end)."""
    labels = ["O"] * len(places)
    for span in spans:
        inside = [number for number, (start, end) in enumerate(places) if start < span["end"] and end > span["start"]]
        for order, number in enumerate(inside):
            if span["label"] == "PERSON":
                labels[number] = "I" if order else "B"
            elif span["label"] in _OTHER and labels[number] == "O":
                labels[number] = "X"
    return labels


def features(traits: list[Traits]) -> list[list[str]]:
    """Features of each token as `place:feature`, as `Tagger` sums them."""
    size = len(traits)

    def token(at: int) -> Traits:
        return traits[at] if 0 <= at < size else EDGE

    found = []
    for at in range(size):
        row = [f"s{NEAR - place}:{name}" for place in range(-NEAR, NEAR + 1) for name in token(at + place).single]
        row += [
            f"p{place}:{name}"
            for place in range(PAIR_PLACES)
            for name in pair_features(token(at - PAIR_NEAR + place), token(at - PAIR_NEAR + place + 1))
        ]
        found.append(row)
    return found


def lines_of(row: dict[str, Any]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """(line, its spans), offsets in the line."""
    start = 0
    for line in row["text"].split("\n"):
        end = start + len(line)
        yield (
            line,
            [{**s, "start": s["start"] - start, "end": s["end"] - start} for s in row["spans"] if start <= s["start"] and s["end"] <= end],
        )
        start = end + 1


def train(folder: Path, language: str, model: Path, **options: Any) -> None:
    import pycrfsuite  # type: ignore[import-not-found,import-untyped,unused-ignore]  # needed here only

    seen = _ja_traits() if language == "ja" else _en_traits()
    trainer = pycrfsuite.Trainer(verbose=False)
    for row in texts(folder, language):
        for line, spans in lines_of(row):
            places, traits = seen(line)
            if places:
                trainer.append(features(traits), labels_of(places, spans))
    trainer.set_params({**PARAMETERS[language], "feature.minfreq": 2, **options})
    trainer.train(str(model))


def _ja_traits() -> Any:
    from detectors.person_ja import JapanesePersonRecognizer
    from scanner.model import DetectSettings

    recognizer = JapanesePersonRecognizer(DetectSettings())

    def traits(line: str) -> tuple[list[tuple[int, int]], list[Traits]]:
        tokens = recognizer._tokens(line)
        return [(token.start, token.end) for token in tokens], [token.traits for token in tokens]

    return traits


def _en_traits() -> Any:
    from detectors.person_en import EnglishPersonRecognizer
    from scanner.model import DetectSettings

    recognizer = EnglishPersonRecognizer(DetectSettings())

    def traits(line: str) -> tuple[list[tuple[int, int]], list[Traits]]:
        tokens = recognizer.tokens(line)
        return [(token.start, token.end) for token in tokens], [token.traits for token in tokens]

    return traits


def pack(model: Path, target: Path) -> None:
    """Write a CRFsuite model as the bytes that `Tagger` reads; scores count against the label O's, which changes no ranking."""
    import numpy as np
    import pycrfsuite

    tagger = pycrfsuite.Tagger()
    tagger.open(str(model))
    info = tagger.info()
    tables: dict[str, dict[int, Any]] = {"s": {}, "p": {}}
    widths = {"s": SINGLE_PLACES, "p": PAIR_PLACES}
    for (name, label), weight in info.state_features.items():
        place, _, feature = name.partition(":")
        table = tables[place[0]]
        row = table.setdefault(feature_key(feature), np.zeros((widths[place[0]], len(LABELS)), "float32"))
        row[int(place[1:]), LABELS.index(label)] += weight
    transitions = np.zeros((len(LABELS), len(LABELS)), "<f4")
    for (before, after), weight in info.transitions.items():
        transitions[LABELS.index(before), LABELS.index(after)] = weight
    transitions[LABELS.index("O"), LABELS.index("I")] = transitions[LABELS.index("X"), LABELS.index("I")] = -20  # never seen
    for table in tables.values():
        for row in table.values():
            row -= row[:, :1].copy()
    scale = max(float(np.abs(row).max()) for table in tables.values() for row in table.values()) / 127
    parts = [np.array([len(tables["s"]), len(tables["p"])], "<u4").tobytes(), np.array([scale], "<f4").tobytes(), transitions.tobytes()]
    for table in tables.values():
        keep = sorted(table)
        rows = np.stack([np.rint(table[key] / scale).astype("i1").ravel() for key in keep])
        parts += [np.array(keep, "<u4").tobytes(), rows.tobytes()]
    target.write_bytes(gzip.compress(b"".join(parts), 9, mtime=0))


def main() -> None:
    language, folder = sys.argv[1], Path(sys.argv[2])
    with tempfile.TemporaryDirectory() as temp:
        model = Path(temp) / "model"
        train(folder, language, model)
        pack(model, DATA / f"names_{language}_prose.bin.gz")


if __name__ == "__main__":
    main()
