"""Accuracy on labelled public sets, beside the obvious alternatives in the same run: `python benchmarks/accuracy.py [EVAL_FOLDER]`.

    python benchmarks/accuracy.py ../shared/eval --sample 800 --write docs/reference/accuracy.md
    python benchmarks/accuracy.py ../shared/eval --sample 60 --only-ours --check tests/regression/accuracy-sample.json

Each set falls into two halves by a hash of the text: one to develop on (weights are trained on it), one to check with; figures are of the
checking half. Exact: same offsets. Overlap: at least one shared character (precision over what was found, recall over what was there).
Gold labelled `X_WEAK`, `X_KANA` or `IGNORE` is not counted for X, nor are places for ADDRESS. Intervals: bootstrap over texts, 95 %.
The sets label a fax number as PHONE_NUMBER; we report FAX_NUMBER where a label says so, and it counts as PHONE_NUMBER here.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np

from detectors.build.person_weights import is_for_checking

Span = tuple[int, int]
Found = list[tuple[int, int, str]]
Finder = Callable[[str], Found]

ENTITIES: Final = ("PERSON", "ADDRESS", "PHONE_NUMBER", "EMAIL_ADDRESS")
NOT_COUNTED: Final = {
    "PERSON": {"PERSON_WEAK", "PERSON_KANA", "TITLE_AFFIX"},
    "ADDRESS": {"ADDRESS_WEAK", "LOCATION", "FACILITY"},
    "PHONE_NUMBER": {"PHONE_NUMBER_WEAK"},
    "EMAIL_ADDRESS": {"EMAIL_ADDRESS_WEAK"},
}
SETS: Final = {
    "ja_gsd_ne/dev": ("PERSON",), "ja_gsd_ne/train": ("PERSON",), "ja_stockmark/all": ("PERSON",),
    "ja_wikiac/dev": ("PERSON",), "ja_wikiac/train": ("PERSON",), "ja_giin_table/rows.csvline": ("PERSON",),
    "ja_addr_geolonia/all": ("ADDRESS",), "ja_yaizu_tables/rows.csvline": ("ADDRESS", "PHONE_NUMBER"),
    "en_uner_ewt/dev.docs": ("PERSON",), "en_wikigold/all": ("PERSON",), "en_wnut17/dev": ("PERSON",),
    "en_fakename_table/rows.csvline": ENTITIES, "en_presidio_synth/all": ENTITIES,
    "en_congress_offices/docs": ("PERSON", "ADDRESS", "PHONE_NUMBER"),
    "en_congress_offices/rows.csvline": ("PERSON", "ADDRESS", "PHONE_NUMBER"),
    "en_names_probablepeople/all": ("PERSON",), "en_addr_usaddress/labeled_train": ("ADDRESS",),
    "en_ewt_contact/dev.docs": ENTITIES, "en_ewt_contact/trainmail.docs": ("ADDRESS", "PHONE_NUMBER", "EMAIL_ADDRESS"),
    "phone_matcher_cases/all": ("PHONE_NUMBER",),
}  # fmt: skip
MOST_LOST: Final = 0.01  # a figure may fall by this much before `--check` fails
BEGIN, END = "<!-- figures: benchmarks/accuracy.py writes from here -->", "<!-- to here -->"


@dataclass(frozen=True)
class Figures:
    """What was measured of one finder, set and entity type. Ratios from 0 to 1; `low` and `high` bound F2."""

    finder: str
    set: str
    entity: str
    texts: int
    gold: int
    precision: float
    recall: float
    f1: float
    f2: float
    f2_low: float
    f2_high: float
    f1_low: float
    f1_high: float
    exact_f1: float
    exact_low: float
    exact_high: float
    char_recall: float
    false_per_100k: float
    mb_per_s: float


# ---------------------------------------------------------------------- counting


def touches(span: Span, others: Iterable[Span]) -> bool:
    return any(span[0] < end and span[1] > start for start, end in others)


def counts(row: dict[str, Any], found_all: Found, entity: str) -> tuple[int, ...]:
    """(gold, found, exact, found that touch gold, gold touched, characters touched, gold characters, characters) of one text."""
    gold = [(s["start"], s["end"]) for s in row["spans"] if s["label"] == entity]
    passed = [(s["start"], s["end"]) for s in row["spans"] if s["label"] in NOT_COUNTED[entity] | {"IGNORE"}]
    found = sorted({(start, end) for start, end, name in found_all if name == entity and end > start})
    found = [span for span in found if touches(span, gold) or not touches(span, passed)]
    gold_chars = {at for start, end in gold for at in range(start, end)}
    found_chars = {at for start, end in found for at in range(start, end)}
    return (
        len(gold),
        len(found),
        len(set(found) & set(gold)),
        sum(touches(span, gold) for span in found),
        sum(touches(span, found) for span in gold),
        len(gold_chars & found_chars),
        len(gold_chars),
        len(row["text"]),
    )


def f_score(precision: Any, recall: Any, beta: float) -> Any:
    below = beta * beta * precision + recall
    return np.divide((1 + beta * beta) * precision * recall, below, out=np.zeros_like(below), where=below > 0)


def ratios(total: Any) -> dict[str, Any]:
    """Figures of sums over texts; `total` has shape (..., 8)."""
    gold, found, exact, hit_found, hit_gold, char_true, char_gold, chars = np.moveaxis(np.asarray(total, float), -1, 0)

    def part(above: Any, below: Any) -> Any:
        return np.divide(above, below, out=np.zeros_like(above), where=below > 0)

    precision, recall = part(hit_found, found), part(hit_gold, gold)
    return {
        "precision": precision, "recall": recall, "f1": f_score(precision, recall, 1), "f2": f_score(precision, recall, 2),
        "exact_f1": f_score(part(exact, found), part(exact, gold), 1), "char_recall": part(char_true, char_gold),
        "false_per_100k": part(found - hit_found, chars) * 1e5,
    }  # fmt: skip


def figures(finder: str, name: str, entity: str, rows: list[dict[str, Any]], found: list[Found], speed: float) -> Figures:
    table = np.array([counts(row, spans, entity) for row, spans in zip(rows, found, strict=True)])
    total = ratios(table.sum(axis=0))
    draws = np.random.default_rng(7).multinomial(len(rows), np.full(len(rows), 1 / len(rows)), size=1_000)
    spread = ratios(draws @ table)
    low, high = ({key: float(np.percentile(values, at)) for key, values in spread.items()} for at in (2.5, 97.5))
    return Figures(
        finder, name, entity, len(rows), int(table[:, 0].sum()),
        **{key: round(float(value), 4) for key, value in total.items()},
        f2_low=round(low["f2"], 4), f2_high=round(high["f2"], 4), f1_low=round(low["f1"], 4), f1_high=round(high["f1"], 4),
        exact_low=round(low["exact_f1"], 4), exact_high=round(high["exact_f1"], 4), mb_per_s=round(speed, 3),
    )  # fmt: skip


# ---------------------------------------------------------------------- finders


def ours() -> Finder:
    from scanner.api import find_spans

    def find(text: str) -> Found:
        return [(start, end, "PHONE_NUMBER" if name == "FAX_NUMBER" else name) for start, end, name in find_spans([text])[0]]

    find(
        "山田 太郎 Yamada Taro ヤマダ タロウ 東京都千代田区 1-1 03-0000-0000 taro@example.com"
    )  # before the clock: dictionaries load on first use
    return find


def presidio(model: str | None = None) -> Finder:
    """Presidio's own recognizers with JP and US phones; without a model it knows no persons and no addresses."""
    import logging

    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
    from presidio_analyzer.nlp_engine import NoOpNlpEngine, SpacyNlpEngine
    from presidio_analyzer.predefined_recognizers import PhoneRecognizer, SpacyRecognizer

    logging.getLogger("presidio-analyzer").setLevel(logging.CRITICAL)
    language = "ja" if model else "en"
    models = [{"lang_code": language, "model_name": model or "none"}]
    engine: Any = SpacyNlpEngine(models=models) if model else NoOpNlpEngine(models=models)
    engine.load()
    registry = RecognizerRegistry(supported_languages=[language])
    registry.load_predefined_recognizers(languages=[language])
    registry.remove_recognizer("PhoneRecognizer")
    registry.remove_recognizer("SpacyRecognizer")
    registry.add_recognizer(PhoneRecognizer(supported_language=language, supported_regions=("JP", "US")))
    if model:
        registry.add_recognizer(SpacyRecognizer(supported_language=language))
    analyzer = AnalyzerEngine(registry=registry, nlp_engine=engine, supported_languages=[language])
    names = {"LOCATION": "ADDRESS"}

    def find(text: str) -> Found:
        return [(r.start, r.end, names.get(r.entity_type, r.entity_type)) for r in analyzer.analyze(text, language)]

    return find


def sudachi() -> Finder:
    """What SudachiPy tags 人名, pieces that touch joined."""
    from sudachipy import Dictionary, SplitMode

    tokenizer: Any = Dictionary().tokenizer(mode=SplitMode.C)

    def find(text: str) -> Found:
        found: Found = []
        offset = 0
        for line in text.split("\n"):
            for piece in tokenizer.tokenize(line[:12_000]):
                if piece.part_of_speech()[2] == "人名":
                    start, end = offset + piece.begin(), offset + piece.end()
                    if found and found[-1][1] == start:
                        start = found.pop()[0]
                    found.append((start, end, "PERSON"))
            offset += len(line) + 1
        return found

    return find


def finders(language: str, only_ours: bool) -> dict[str, tuple[tuple[str, ...], Callable[[], Finder]]]:
    """name -> (entity types it knows, how to load it)."""
    found: dict[str, tuple[tuple[str, ...], Callable[[], Finder]]] = {"Strayscan": (ENTITIES, ours)}
    if only_ours:
        return found
    found["Presidio"] = (("PHONE_NUMBER", "EMAIL_ADDRESS"), presidio)
    if language == "ja":
        found["SudachiPy 人名"] = (("PERSON",), sudachi)
        if find_spec("ja_ginza"):
            found["Presidio with ja_ginza"] = (("PERSON", "ADDRESS"), lambda: presidio("ja_ginza"))
    return found


# ---------------------------------------------------------------------- the run


def read(path: Path, sample: int, half: str) -> list[dict[str, Any]]:
    """Texts of a half of a set, in its order; a sample is the same on every machine."""
    with path.open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    rows = [row for row in rows if half == "all" or is_for_checking(row["text"]) == (half == "checking")]
    if sample and len(rows) > sample:
        rows.sort(key=lambda row: hashlib.blake2b(row["text"].encode("utf-8", "replace")).digest())
        rows = rows[:sample]
    return rows


def measure(folder: Path, sample: int, half: str, only: Sequence[str], only_ours: bool) -> list[Figures]:
    measured: list[Figures] = []
    loaded: dict[str, Finder] = {}
    for name, entities in SETS.items():
        path = folder / f"{name}.jsonl"
        if not path.is_file() or (only and not any(name.startswith(start) for start in only)):
            continue
        rows = read(path, sample, half)
        size = sum(len(row["text"].encode("utf-8", "replace")) for row in rows) / 1e6
        for finder, (known, load) in finders(name[:2], only_ours).items():
            wanted = [entity for entity in entities if entity in known]
            if not rows or not wanted:
                continue
            find = loaded.setdefault(finder, load()) if finder not in loaded else loaded[finder]
            began = time.perf_counter()
            found = [find(row["text"]) for row in rows]
            speed = size / max(time.perf_counter() - began, 1e-9)
            measured += [figures(finder, name, entity, rows, found, speed) for entity in wanted]
            print("\n".join(line(item) for item in measured[-len(wanted) :]), file=sys.stderr, flush=True)
    return measured


HEAD: Final = (
    "| set | entity | finder | gold | P | R | F1 | F2 | exact F1 | char. recall | false per 100k | MB/s |\n"
    "|---|---|---|---|---|---|---|---|---|---|---|---|"
)


def line(item: Figures) -> str:
    def short(value: float) -> str:
        return f"{value:.3f}".removeprefix("0")

    def ranged(value: float, low: float, high: float) -> str:
        return f"{short(value)} ({short(low)} to {short(high)})"

    return (
        f"| {item.set} | {item.entity} | {item.finder} | {item.gold:,} | {short(item.precision)} | {short(item.recall)} | "
        f"{ranged(item.f1, item.f1_low, item.f1_high)} | {ranged(item.f2, item.f2_low, item.f2_high)} | "
        f"{ranged(item.exact_f1, item.exact_low, item.exact_high)} | {short(item.char_recall)} | {item.false_per_100k:.1f} | "
        f"{item.mb_per_s:.2f} |"
    )


def machine() -> str:
    name = next((x.partition(":")[2].strip() for x in _cpu_lines() if x.startswith("model name")), platform.machine())
    return f"{name}, {os.cpu_count()} cores (one used), Python {platform.python_version()}"


def _cpu_lines() -> list[str]:
    try:
        return Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return []


def write(page: Path, measured: Sequence[Figures], half: str, sample: int) -> None:
    """Replace what stands between the markers of the page."""
    text = page.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    said = f"Of the {half} half" + (f", at most {sample} texts of a set" if sample else "") + f". Machine: {machine()}.\n"
    body = "\n".join((HEAD, *map(line, measured)))
    page.write_text(f"{before}{BEGIN}\n\n{said}\n{body}\n\n{END}{after}", encoding="utf-8")


def losses(measured: Sequence[Figures], reference: Sequence[dict[str, Any]]) -> list[str]:
    """What fell by more than a point against the reference, one sentence each; a missing figure is a loss."""
    now = {(item.finder, item.set, item.entity): asdict(item) for item in measured}
    lost = []
    for old in reference:
        if old["finder"] != "Strayscan":
            continue
        key = (old["finder"], old["set"], old["entity"])
        for figure in ("f1", "f2", "exact_f1", "char_recall"):
            value = now[key][figure] if key in now else 0.0
            if value < old[figure] - MOST_LOST:
                lost.append(f"{old['set']} {old['entity']}: {figure} fell from {old[figure]:.3f} to {value:.3f}")
    return lost


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=Path(__file__).parents[2] / "shared" / "eval")
    parser.add_argument("--sample", type=int, default=0, help="at most so many texts of each set, the same on every machine")
    parser.add_argument("--half", choices=("checking", "development", "all"), default="checking")
    parser.add_argument("--only", action="append", default=[], help="sets whose name begins so")
    parser.add_argument("--only-ours", action="store_true", help="leave the alternatives out")
    parser.add_argument("--write", type=Path, help="the page whose table is replaced")
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--check", type=Path, help="figures to compare with; status 1 on a loss of more than a point")
    options = parser.parse_args(arguments)
    measured = measure(options.folder, options.sample, options.half, options.only, options.only_ours)
    if not measured:
        print(f"no labelled sets in {options.folder}", file=sys.stderr)
        return 2
    if options.json:
        options.json.write_text(json.dumps([asdict(item) for item in measured], indent=1) + "\n", encoding="utf-8")
    if options.write:
        write(options.write, measured, options.half, options.sample)
    if not options.json and not options.write:
        print("\n".join((HEAD, *map(line, measured))))
    lost = losses(measured, json.loads(options.check.read_text(encoding="utf-8"))) if options.check else []
    print("\n".join(lost), file=sys.stderr)
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
