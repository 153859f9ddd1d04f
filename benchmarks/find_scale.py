"""How long a person search takes: a findings store of invented fingerprints as the writer writes it, then searches in it.

    python -m benchmarks.find_scale make FOLDER --values 30000000 --objects 300000
    python -m benchmarks.find_scale ask FOLDER

`make` writes the store once (about 30 bytes a value); `ask` opens it anew for every search, as the command does, in a process of its own.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa

from scanner.findings.schema import VALUES
from scanner.findings.store import open_store
from scanner.redact import Fingerprinter, Key

ROOT = Path(__file__).resolve().parents[1]
KEY_TEXT = "a key of the benchmark, which protects nothing"
SHARE = "/share"
KINDS = ("PERSON", "PHONE_NUMBER", "EMAIL_ADDRESS", "ADDRESS")
COLUMNS = ("氏名", "電話番号", "メールアドレス", "住所")
PLANTED = {"name": "山田 花子", "phone": "090-0000-1234", "email": "hanako.yamada@example.co.jp", "address": "東京都千代田区丸の内1-2-3"}
ROWS_PER_OBJECT = 100
BATCH_OBJECTS = 500


def object_id(number: int) -> str:
    return hashlib.blake2b(str(number).encode(), digest_size=16).hexdigest()


def make(folder: Path, values: int, objects: int) -> None:
    """Tables of four columns; the planted person stands in a thousandth of the objects, at row 7."""
    key = Key.from_text(KEY_TEXT)
    prints = Fingerprinter(key)
    mine = [prints.one(kind, PLANTED[name]) for kind, name in zip(KINDS, ("name", "phone", "email", "address"), strict=True)]
    store = open_store(folder, key.key_id)
    rng = np.random.default_rng(7)
    rows_each = values // (objects * len(KINDS))
    run_id = store.new_run_id()
    started = time.monotonic()
    with store.begin(run_id, [SHARE]) as writer:
        for first in range(0, objects, BATCH_OBJECTS):
            numbers = range(first, min(first + BATCH_OBJECTS, objects))
            ids = [object_id(number) for number in numbers]
            writer.objects(_object(number, one) for number, one in zip(numbers, ids, strict=True))
            for kind, column, planted in zip(KINDS, COLUMNS, mine, strict=True):
                tags = rng.integers(0, 2**64, rows_each * len(ids), dtype=np.uint64)
                for at, number in enumerate(numbers):
                    if number % 1000 == 0:
                        tags[at * rows_each] = planted
                writer.values(_batch(run_id, ids, kind, column, tags, rows_each))
        told = {"asked": [SHARE], "reached": [SHARE], "not_reached": []}
        writer.commit({"outcome": "complete", "roots": told})
    parts = list((folder / "values").glob("run=*/*.parquet"))
    print(f"{objects:,} objects, {rows_each * objects * len(KINDS):,} values in {len(parts)} files, "
          f"{sum(p.stat().st_size for p in parts) / 1e6:,.0f} MB, {time.monotonic() - started:.0f} s")  # fmt: skip


def _object(number: int, name: str) -> dict[str, object]:
    from scanner.findings.schema import OBJECTS

    plain = dict.fromkeys(column for column in OBJECTS.names if column != "run_id")
    verdict = "approved" if number % 10 == 0 else "stray"
    where = {"object_id": name, "root": SHARE, "path": f"d{number // 1000:04}/f{number}.csv"}
    return plain | where | {"status": "scanned", "verdict": verdict, "excused": False, "persons": ROWS_PER_OBJECT}


def _batch(run_id: str, ids: list[str], kind: str, column: str, tags: np.ndarray, rows_each: int) -> pa.RecordBatch:
    count = len(tags)
    each = np.repeat(np.arange(len(ids)), rows_each)
    rows = np.tile(np.arange(7, 7 + rows_each, dtype=np.int32), len(ids))
    columns = [
        pa.array([run_id] * count),
        pa.array(ids).take(pa.array(each)),
        pa.array([kind] * count),
        pa.array(tags),
        pa.nulls(count, pa.string()),
        pa.array([column] * count),
        pa.ListArray.from_arrays(pa.array(np.arange(count + 1, dtype=np.int32)), pa.array(rows)),
        pa.array(np.ones(count, np.int64)),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=VALUES)


# --------------------------------------------------------------------------- asking

QUESTIONS = {
    "a mobile number": {"phone": PLANTED["phone"]},
    "name, phone, e-mail, address": PLANTED,
    "somebody who is not there, 20 forms of a name": {"name": "大野 裕子", "phone": "03-0000-0009"},
    "a name in Latin letters and a phone": {"name": "Hanako Yamada", "phone": PLANTED["phone"]},
}


def ask(folder: Path) -> None:
    """Each question in a process of its own, three times; the best wall clock, and the processor time of that try."""
    print("| asked | forms | matches | row groups read | wall | processor | memory |\n|---|---|---|---|---|---|---|")
    for asked in QUESTIONS:
        tries = [_told_by_a_process(folder, asked) for _ in range(3)]
        best = min(tries, key=lambda told: float(told["wall"]))
        print(
            f"| {asked} | {best['forms']} | {best['matches']} | {best['read']} of {best['groups']} | {best['wall']:.2f} s "
            f"| {best['processor']:.2f} s | {best['memory']:.0f} MB |"
        )


def _told_by_a_process(folder: Path, asked: str) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.find_scale", "one", folder, "--asked", asked], cwd=ROOT, capture_output=True, check=True
    )
    told: dict[str, float] = json.loads(done.stdout)
    return told


def one(folder: Path, asked: str) -> None:
    """The search alone: what Python takes to start and to load its libraries is left out."""
    import tempfile

    from scanner.find.query import Subject
    from scanner.find.search import search

    with tempfile.NamedTemporaryFile("w") as key:
        key.write(KEY_TEXT)
        key.flush()
        import scanner.findings.read
        import scanner.redact.plain_forms  # noqa: F401

        wall, processor = time.perf_counter(), time.process_time()
        answer = search(folder, Subject(**QUESTIONS[asked]), Path(key.name))
        wall, processor = time.perf_counter() - wall, time.process_time() - processor
    told = {"wall": wall, "processor": processor, "forms": sum(answer.forms.values()), "matches": len(answer.matches)}
    told |= {"groups": answer.row_groups, "read": answer.row_groups_read}
    print(json.dumps(told | {"memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["make", "ask", "one"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--values", type=int, default=30_000_000)
    parser.add_argument("--objects", type=int, default=300_000)
    parser.add_argument("--asked", default="", help="for `one`")
    args = parser.parse_args()
    match args.what:
        case "make":
            make(args.folder, args.values, args.objects)
        case "ask":
            ask(args.folder)
        case _:
            one(args.folder, args.asked)


if __name__ == "__main__":
    main()
