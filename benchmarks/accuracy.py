"""Accuracy on labelled sets, beside the obvious alternatives in the same run: `python benchmarks/accuracy.py [EVAL_FOLDER]`.

    python benchmarks/accuracy.py ../shared/eval --write docs/reference/accuracy.md
    python benchmarks/accuracy.py --set documents/                 # the constructed documents alone; needs nothing beside the project
    python benchmarks/accuracy.py ../shared/eval --sample 60 --only-ours --check tests/regression/accuracy-sample.json

Each public set falls into two halves by a hash of the text: one to develop on (weights are trained on it), one to check with. The
constructed documents (`benchmarks/documents`) come in two halves that share neither templates nor values. Figures are of the checking
half. How things are counted: `scoring.py`. Processor time, not the clock on the wall, so that other work does not matter.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import page
from finders import ENTITIES, Finder, finders
from scoring import Figures, figures

from detectors.build.person_weights import is_for_checking

DOCUMENTS: Final = Path(__file__).parent / "documents"
SETS: Final = {
    "documents/ja": (*ENTITIES, "FAX_NUMBER"), "documents/en": (*ENTITIES, "FAX_NUMBER"),
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


def read(folder: Path, name: str, sample: int, half: str) -> list[dict[str, Any]]:
    """Texts of a half of a set, in its order, none if the set is not there; a sample is the same on every machine."""
    if name.startswith("documents/"):
        language = name.removeprefix("documents/")
        halves = ("development", "checking") if half == "all" else (half,)
        rows = [row for each in halves for row in _rows(DOCUMENTS / f"{language}.{each}.jsonl")]
    else:
        rows = [row for row in _rows(folder / f"{name}.jsonl") if half == "all" or is_for_checking(row["text"]) == (half == "checking")]
    if sample and len(rows) > sample:
        rows.sort(key=lambda row: hashlib.blake2b(row["text"].encode("utf-8", "replace")).digest())
        rows = rows[:sample]
    return rows


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line] if path.is_file() else []


def measure(folder: Path, sample: int, half: str, only: Sequence[str], only_ours: bool) -> list[Figures]:
    measured: list[Figures] = []
    loaded: dict[str, Finder] = {}
    for name, entities in SETS.items():
        if only and not any(name.startswith(start) for start in only):
            continue
        rows = read(folder, name, sample, half)
        size = sum(len(row["text"].encode("utf-8", "replace")) for row in rows) / 1e6
        for finder, (known, load) in finders("ja" if "ja" in name.split("_")[0] else "en", only_ours).items():
            wanted = [entity for entity in entities if entity in known]
            if not rows or not wanted:
                continue
            find = loaded.setdefault(finder, load()) if finder not in loaded else loaded[finder]
            began = time.process_time()
            found = [find(row["text"]) for row in rows]
            cost = (time.process_time() - began) / size
            measured += [figures(finder, name, entity, rows, found, cost) for entity in wanted]
            print("\n".join(line(item) for item in measured[-len(wanted) :]), file=sys.stderr, flush=True)
    return measured


HEAD: Final = (
    "| set | entity | finder | gold | P | R | F1 | F2 | exact F1 | char. recall | false per 100k | CPU s/MB |\n"
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
        f"{item.seconds_per_mb:.1f} |"
    )


def machine() -> str:
    name = next((x.partition(":")[2].strip() for x in _cpu_lines() if x.startswith("model name")), platform.machine())
    return f"{name}, {os.cpu_count()} cores (one used), Python {platform.python_version()}"


def _cpu_lines() -> list[str]:
    try:
        return Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return []


def table(measured: Sequence[Figures], half: str, sample: int) -> str:
    said = f"Of the {half} half" + (f", at most {sample} texts of a set" if sample else "") + f". Machine: {machine()}."
    return "\n".join((said, "", HEAD, *map(line, measured)))


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
    parser.add_argument("--set", dest="only", action="append", default=[], metavar="NAME", help="only sets whose name begins so")
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
        page.write(options.write, "accuracy.py", table(measured, options.half, options.sample))
    if not options.json and not options.write:
        print("\n".join((HEAD, *map(line, measured))))
    lost = losses(measured, json.loads(options.check.read_text(encoding="utf-8"))) if options.check else []
    print("\n".join(lost), file=sys.stderr)
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
