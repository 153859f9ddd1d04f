"""How large is the page of a large store, and how long does it take? `python benchmarks/report.py [FINDINGS]`

Writes an invented store with the project's own writer: objects with one to seven findings, names of folders and files made of words, so that
paths compress as those of a share do, departments, owners, copies. Then writes the page, and, where Chromium is installed, times it in the browser.
"""

from __future__ import annotations

import argparse
import datetime
import random
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from scanner import api
from scanner.findings.schema import TABLES
from scanner.findings.store import open_store

WORDS: Final = (
    "sales hr legal support backup archive old project export report list customer member staff contract invoice meeting minutes draft final copy data 2023 2024 2025 "
    "顧客 名簿 会員 契約 請求 議事録 見積 提案 営業 人事 総務 経理 発送 問合せ 一覧 控え 旧 共有 資料 集計"
).split()
KINDS: Final = ("PERSON", "PHONE_NUMBER", "EMAIL_ADDRESS", "ADDRESS", "JP_POSTAL_CODE", "DATE_OF_BIRTH", "CREDIT_CARD")
MASKS: Final = ("○○ ○○", "###-####-####", "*****.***@*******.co.jp", "○○○○○○○#-##-##", "###-####", "####-##-##", "####-****-****-####")
COLUMNS: Final = ("氏名", "電話番号", "メールアドレス", "住所", "郵便番号", "生年月日", "備考")
ENDINGS: Final = (".xlsx", ".csv", ".docx", ".pdf", ".txt", ".eml", ".zip")
END: Final = datetime.datetime(2026, 11, 27, tzinfo=datetime.UTC)
FLAGS: Final = ("no-sandbox", "disable-gpu", "disable-background-networking", "disable-component-update", "disable-sync")


def build(out: Path, findings: int, each: int | None, seed: int = 7) -> int:
    """An invented store; how many objects it has. `each`: findings of an object, one to seven if None."""
    store = open_store(out, "00112233aabbccdd")
    run_id = store.new_run_id()
    objects = 0
    with store.begin(run_id, ["/share"]) as writer:
        rows: list[dict[str, Any]] = []
        found: list[dict[str, Any]] = []
        copies: list[dict[str, Any]] = []
        for one, its, copied in _objects(random.Random(seed), findings, each):
            objects += 1
            rows.append(one)
            found += its
            copies += copied
            if len(rows) == 5_000:
                _flush(writer, rows, found, copies)
        _flush(writer, rows, found, copies)
        asked = {"asked": ["/share"], "reached": ["/share"], "not_reached": []}
        people = [{"name": f"Department {n}", "manager": f"Manager {n}", "contact": None} for n in range(20)]
        writer.commit({"outcome": "complete", "roots": asked, "end": END.isoformat(), "departments": people})
    return objects


def _flush(writer: Any, *tables: list[dict[str, Any]]) -> None:
    for name, rows in zip(("objects", "findings", "copies"), tables, strict=True):
        getattr(writer, name)(rows)
        rows.clear()


def _objects(
    chance: random.Random, findings: int, each: int | None
) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]], list[dict[str, Any]]]]:
    folders = ["/".join(chance.choice(WORDS) for _ in range(chance.randint(2, 6))) for _ in range(max(10, findings // 60))]
    made = 0
    while made < findings:
        wanted = min(each or chance.randint(1, 7), findings - made)
        path = f"{chance.choice(folders)}/{'_'.join(chance.choice(WORDS) for _ in range(3))}_{made:06d}{chance.choice(ENDINGS)}"
        where = {"object_id": f"{made:032x}", "root": "/share", "path": path, "department": f"Department {chance.randint(0, 19)}"}
        persons = int(chance.paretovariate(0.8))
        since = END - datetime.timedelta(days=chance.randint(0, 700))
        told = {"owner": f"user{chance.randint(0, 400)}", "exposure": chance.choice(("everyone", "group", "private", "unknown"))}
        told |= {"status": "scanned", "verdict": "stray", "severity": chance.choice(("critical", "high", "medium", "medium", "low", "low"))}
        one = _row("objects", **where, **told, persons=persons, scanned_at=END.timestamp(), modified_at=since.timestamp() - 86400)
        kinds = chance.sample(range(len(KINDS)), wanted)
        its = [
            _row("findings", **where, finding_id=f"{made + at:032x}", entity_type=KINDS[kind], rule_id="r", place=f"Sheet{chance.randint(1, 3)}",
                 column=COLUMNS[kind], count=persons + chance.randint(0, persons), distinct=persons, first_row=2, samples=[MASKS[kind]] * chance.randint(1, 3),
                 verdict="stray", reason="outside_store", first_seen=since)
            for at, kind in enumerate(kinds)
        ]  # fmt: skip
        copied = []
        if chance.random() < 0.1:
            counts = {"matched_records": persons, "object_records": persons, "store_records": 100_000}
            place = {name: where[name] for name in ("object_id", "root", "path")}
            copied = [
                _row("copies", **place, **counts, store=f"store {chance.randint(1, 5)}", columns=["氏名"], evidence="records", score=1.0)
            ]
        made += wanted
        yield one, its, copied


def _row(table: str, **given: Any) -> dict[str, Any]:
    return dict.fromkeys(name for name in TABLES[table].names if name != "run_id") | given


def in_browser(page: Path) -> str:
    """Milliseconds until the list stands, for a search, a filter and a sort, as the page itself measures them."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium")
    if chromium is None:
        return "no Chromium is installed"
    with sync_playwright() as running:
        browser = running.chromium.launch(executable_path=chromium, args=[f"--{flag}" for flag in FLAGS])
        shown = browser.new_page()
        shown.goto(page.as_uri())
        shown.wait_for_selector("html[data-ready]", timeout=120_000)
        ready = shown.evaluate("performance.now()")
        timed = []
        for name, act in (
            ("filter by kind", "const s = document.getElementById('kind'); s.value = 'CREDIT_CARD'; s.dispatchEvent(new Event('change'))"),
            ("sort by persons", "document.querySelector('[data-sort=persons]').click()"),
            ("show all", "document.getElementById('reset').click()"),
            ("sort by path", "document.querySelector('[data-sort=file]').click()"),
        ):
            took = shown.evaluate(f"() => {{ const begin = performance.now(); {act}; return performance.now() - begin; }}")
            timed.append(f"{name} {took:.0f} ms")
        listed = shown.inner_text("#matching")
        browser.close()
    return f"{listed}; shown after {ready:.0f} ms; " + ", ".join(timed)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("findings", nargs="?", type=int, default=100_000)
    parser.add_argument("--each", type=int, help="findings of each object; one to seven if not given")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        objects = build(Path(folder) / "store", given.findings, given.each)
        wall, cpu = time.perf_counter(), time.process_time()
        written = api.report(Path(folder) / "store", Path(folder) / "r.html", today=END.date())
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{given.findings:,} findings in {objects:,} objects: {written.size:,} bytes, {written.listed:,} listed; {wall:.1f} s, {cpu:.1f} s of "
              f"processor time, peak {peak:.0f} MiB")  # fmt: skip
        print(in_browser(Path(folder) / "r.html"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
