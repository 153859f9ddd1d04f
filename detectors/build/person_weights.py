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
import random
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from detectors.names_data import section_lists
from detectors.person_tagger import EDGE, LABELS, NEAR, PAIR_NEAR, PAIR_PLACES, SINGLE_PLACES, Traits, feature_key, pair_features

SETS: Final = {
    "ja": ("ja_gsd_ne/train", "ja_gsd_ne/dev", "ja_stockmark/all", "ja_wikiac/train", "ja_wikiac/dev"),  # CC BY-SA 4.0, 3.0, 4.0
    "en": ("en_wikigold/all", "en_wnut17/train", "en_wnut17/dev", "en_btc/all"),  # CC BY 4.0
}
PARAMETERS: Final = {
    "ja": {"c1": 0.015, "c2": 0.12, "max_iterations": 90},
    "en": {"c1": 0.05, "c2": 0.05, "max_iterations": 80},
}
_EACH_FRAME: Final = 12  # sentences made of a frame
_EACH_LINE: Final = 3  # lines of the constructed documents that differ by their values only
_THINGS: Final = {  # what stands in a frame beside names
    "town": (
        "Springfield Lyon Bergen Austin Kyoto Leeds Porto Utrecht Nairobi Lima Denver Gdansk Perth Izmir Quito Malmo Boise Tampa Graz Oulu "
        "Bristol Cairo Hanoi Bogota Tallinn Riga Cork Essen Parma Nantes Kigali Osaka Mumbai Fresno Dayton Salem Lublin Brno Split Varna"
    ).split(),
    "firm": [
        *"Microsoft Amazon Toyota Siemens Nestle Shell Target Sony Oracle".split(),
        *"PayPal Visa Lidl Bosch Ryanair Intel Spotify Uber Xerox IKEA".split(),
        *("Morgan Stanley", "General Electric", "Wells Fargo", "Johnson & Johnson", "Baker Tools Ltd", "Northwind Traders", "Acme Corp"),
        *("Harris Media Group", "Blue River Bank", "Carter and Sons", "Deutsche Bank", "Royal Mail", "Lakeside Motors", "Marks & Spencer"),
    ],
    "thing": [
        *("Grand Hotel", "Lincoln High School", "Central Library", "Victoria Station", "Washington Bridge", "Green Park", "City Hall"),
        *("St James Hospital", "Kennedy Airport", "Windows", "Premier League", "Python", "Red Cross", "Internet", "Java", "Harbour Museum"),
    ],
}
_NEVER_CHECKED: Final = frozenset({"en_wnut17/train", "en_btc/all"})  # no figures are published of these: all of them is trained on
_OTHER: Final = frozenset({"LOCATION", "ORG", "ORGANIZATION", "FACILITY", "PRODUCT", "OTHER", "ADDRESS"})
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


class OtherNames:
    """Draws names for the names of a text: half from the census by rank, half from the lists of other countries."""

    def __init__(self, seed: int) -> None:
        self._draw = random.Random(seed)
        self._lists = [section_lists(name) for name in ("names_en.txt.gz", "names_world.txt.gz")]
        self._given = frozenset(self._lists[0]["given"])

    def part(self, kind: str) -> str:
        census = self._draw.random() < 0.5
        names = self._lists[0 if census else 1][kind]
        at = int(len(names) * self._draw.random() ** (3 if census else 1))  # the frequent ones more often
        return names[at].capitalize()

    def full(self) -> str:
        middle = f" {self._draw.choice('ABCDEFGHJKLMNPRSTW')}." if self._draw.random() < 0.1 else ""
        return f"{self.part('given')}{middle} {self.part('surname')}"

    def of(self, name: str) -> str:
        """A name for a name; written small or all in capitals it stays."""
        if not name[:1].isupper() or name.isupper():
            return name
        return self.full() if " " in name else self.part("given" if name.lower() in self._given else "surname")

    def word(self, kind: str) -> str:
        return self._draw.choice(_THINGS[kind])


def renamed(line: str, spans: list[dict[str, Any]], new_name: Callable[[str], str]) -> tuple[str, list[dict[str, Any]]]:
    """The same line about other people; one who is named twice keeps one name."""
    known: dict[str, str] = {}
    parts, moved, done, size = [], [], 0, 0
    for span in sorted(spans, key=lambda each: (each["start"], -each["end"])):
        if span["start"] < done:
            continue
        old = new = line[span["start"] : span["end"]]
        if span["label"] == "PERSON":
            new = known[old] = known.get(old) or new_name(old)
        parts += [line[done : span["start"]], new]
        size += span["start"] - done
        moved.append({**span, "start": size, "end": size + len(new)})
        size += len(new)
        done = span["end"]
    return "".join([*parts, line[done:]]), moved


class ExchangedNames:
    """Draws names for the names of Japanese texts from those texts: of the same writing and about the same length."""

    def __init__(self, rows: list[dict[str, Any]], seed: int) -> None:
        self._draw = random.Random(seed)
        self._kinds: dict[str, list[str]] = {}
        for row in rows:
            for span in row["spans"]:
                if span["label"] == "PERSON":
                    name = row["text"][span["start"] : span["end"]]
                    self._kinds.setdefault(self._kind(name), []).append(name)

    @staticmethod
    def _kind(name: str) -> str:
        if re.fullmatch("[一-鿿々ヶケ]+", name):
            return "kanji" + ("short" if len(name) < 3 else "long")
        return re.sub(r"(.)\1+", r"\1", re.sub("[ァ-ヺー]", "ア", re.sub("[ぁ-ゖ]", "あ", re.sub("[一-鿿々]", "漢", name))))

    def of(self, name: str) -> str:
        return self._draw.choice(self._kinds[self._kind(name)])


def framed(frame: str, names: OtherNames) -> tuple[str, list[dict[str, Any]]]:
    """A sentence of `person_frames_en.txt` with names and other words put in."""
    text, spans, done = "", [], 0
    for match in re.finditer(r"\{(\w+)\}", frame):
        kind = match[1]
        value = names.full() if kind == "full" else names.word(kind) if kind in _THINGS else names.part(kind)
        text += frame[done : match.start()]
        label = {"town": "LOCATION", "firm": "ORG", "thing": "FACILITY"}.get(kind, "PERSON")
        spans.append({"start": len(text), "end": len(text) + len(value), "label": label})
        text += value
        done = match.end()
    return text + frame[done:], spans


def constructed() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Lines of sentences in the development half of the constructed documents (`benchmarks/documents`, CC0), and the frames."""
    from detectors.person_en import _is_prose

    names, seen = OtherNames(3), Counter[str]()
    for frame in (Path(__file__).parent / "person_frames_en.txt").read_text(encoding="utf-8").splitlines():
        if frame and not frame.startswith("#"):
            yield from (framed(frame, names) for _ in range(_EACH_FRAME))
    with (DATA.parents[1] / "benchmarks" / "documents" / "en.development.jsonl").open(encoding="utf-8") as rows:
        for row in map(json.loads, rows):
            for line, spans in lines_of(row):
                if not _is_prose(line):
                    continue
                frame = re.sub(r"[A-Z]\w*|\d+", "_", line)  # lines that differ by what was put in only
                seen[frame] += 1
                if seen[frame] <= _EACH_LINE:
                    yield line, spans


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


def material(folder: Path, language: str) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """(line, its spans) of all that is trained on."""
    rows = list(texts(folder, language))
    names = OtherNames(2) if language == "en" else ExchangedNames(rows, 2)
    for row in rows:
        for line, spans in lines_of(row):
            yield line, spans
            if any(span["label"] == "PERSON" for span in spans):
                yield renamed(line, spans, names.of)
    if language == "en":
        yield from constructed()


def train(folder: Path, language: str, model: Path, **options: Any) -> None:
    import pycrfsuite  # type: ignore[import-not-found,import-untyped,unused-ignore]  # needed here only

    seen = _ja_traits() if language == "ja" else _en_traits()
    trainer = pycrfsuite.Trainer(verbose=False)
    for line, spans in material(folder, language):
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
