"""One scan of sample_data/ with the real command: all that is planted is found, nothing else is, and what is unread is said."""

from __future__ import annotations

import datetime
import json
import os
import shutil
import subprocess
import sys
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from scanner import api
from scanner.api import open_findings
from scanner.findings.decide import Wanted
from scanner.obligations.binder.schema import SECTIONS
from tests.cli.test_scan import COMMAND, NO_SOCKETS, stamps

SAMPLE = Path(__file__).parents[2] / "sample_data"
FOLDERS = ("stores", "leaky", "clean", "broken")
GOLDEN = Path(__file__).with_name("golden.jsonl")
EXPECTED: list[dict[str, Any]] = [json.loads(line) for line in (SAMPLE / "expected.jsonl").read_text(encoding="utf-8").splitlines()]
FILES = {line["file"]: line for line in EXPECTED if "status" in line}
PLANTS = [line for line in EXPECTED if "values" in line]
UNREAD = {"partial", "unreadable", "unsupported"}
FOUND_AS = ["path", "member", "place", "column", "entity_type", "count", "distinct", "first_row", "first_line", "verdict"]
LOCATORS = ["root", "path", "member", "place", "column", "owner", "store", "department"]


@dataclass(frozen=True)
class Scan:
    """What one scan said and wrote."""

    objects: pd.DataFrame
    findings: pd.DataFrame
    values: pd.DataFrame
    out: Path
    status: int
    stdout: str
    stderr: str
    untouched: bool


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with nulls as None, and names as the script wrote them where a file system takes them apart."""
    frame = frame.astype(object).where(frame.notna(), None)
    return frame.assign(path=frame["path"].map(lambda path: unicodedata.normalize("NFC", path)))


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Scan:
    folder = tmp_path_factory.mktemp("golden")
    (folder / "sitecustomize.py").write_text(NO_SOCKETS)
    env = {**os.environ, "PYTHONPATH": str(folder), "STRAYSCAN_KEY": "a key for tests", "PYTHONIOENCODING": "utf-8", "LC_ALL": "C.UTF-8"}
    out = folder / "out"
    command = [COMMAND, "scan", str(SAMPLE), "--policy", str(SAMPLE / "policy.yaml"), "--out", str(out), "--jobs", "2"]
    before = _stamps()
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", env=env, timeout=170, check=False)
    assert done.returncode in (0, 1, 3), done.stderr
    found = open_findings(out)
    objects, findings = _plain(found.objects()), _plain(found.findings())
    return Scan(objects, findings, found.values(), out, done.returncode, done.stdout, done.stderr, _stamps() == before)


def _stamps() -> list[dict[str, tuple[object, ...]]]:
    return [stamps(SAMPLE / name) for name in FOLDERS]


def _objects(scan: Scan) -> dict[str, dict[str, Any]]:
    """Every file's own row; the tools beside the share are excluded by its policy."""
    rows = scan.objects[scan.objects["member"].isna() & (scan.objects["status"] != "excluded")]
    return {row["path"]: row for row in rows.to_dict("records")}


# --------------------------------------------------------------------------- what is planted is found


def test_every_file_has_a_row_and_the_run_ends_with_3(scan: Scan) -> None:
    assert set(_objects(scan)) == set(FILES)
    assert len(FILES) >= 45
    assert scan.status == 3, scan.stderr


def _miscounted(scan: Scan) -> Iterator[str]:
    counts: dict[tuple[Any, ...], int] = defaultdict(int)
    for row in scan.findings.to_dict("records"):
        counts[tuple(row[name] for name in FOUND_AS[:5])] += row["count"]
    for plant in PLANTS:
        where = (plant["file"], plant.get("member"), plant.get("place"), plant.get("column"), plant["entity_type"])
        if counts[where] != len(plant["values"]):
            yield f"{where}: found {counts[where]} of {plant['values']}"


def test_every_planted_value_is_found_once(scan: Scan) -> None:
    assert list(_miscounted(scan)) == []


def test_leaky_and_clean_are_read_whole(scan: Scan) -> None:
    rows = scan.objects[~scan.objects["path"].str.startswith("broken/")]
    wrong = rows[~rows["status"].isin(["scanned", "no_text", "excluded"])]
    assert wrong[["path", "member", "status", "reason"]].to_dict("records") == []
    assert rows["undecoded"].map(lambda count: count or 0).sum() == 0


def test_encodings_and_persons(scan: Scan) -> None:
    rows = _objects(scan)
    told = {(path, fact): line[fact] for path, line in FILES.items() for fact in ("encoding", "persons") if fact in line}
    assert {(path, fact): rows[path][fact] for path, fact in told} == told


# --------------------------------------------------------------------------- and nothing else


def test_nothing_is_reported_in_clean(scan: Scan) -> None:
    found = scan.findings[scan.findings["path"].str.startswith("clean/")]
    assert found[[*FOUND_AS, "samples"]].to_dict("records") == []


def test_nothing_unplanted_is_reported(scan: Scan) -> None:
    """A finding of a kind that nobody planted at that place is a false one."""
    told = {(p["file"], p.get("member"), p.get("place"), p.get("column"), p["entity_type"]) for p in PLANTS}
    rows = scan.findings[scan.findings["path"].str.startswith(("leaky/", "stores/"))]
    found = {tuple(row[name] for name in FOUND_AS[:5]) for row in rows.to_dict("records")}
    assert sorted(found - told, key=str) == []


def test_verdicts_follow_the_policy(scan: Scan) -> None:
    verdicts = {path: row["verdict"] for path, row in _objects(scan).items()}
    assert verdicts == {path: line["verdict"] for path, line in FILES.items()}
    assert verdicts["stores/hr/社員台帳.csv"] == "approved"
    assert verdicts["stores/hr-old/社員台帳_控え.csv"] == "stray"  # `stores/hr/**` does not approve it


def test_reasons_of_findings_follow_the_policy(scan: Scan) -> None:
    reasons = scan.findings.groupby("path")["reason"].agg(set)
    assert reasons["leaky/london/press-release.txt"] == {"known"}
    assert reasons["leaky/london/price-list.docx"] == {"property"}
    assert reasons["stores/hr/社員台帳.csv"] == {None}
    assert reasons["stores/hr-old/社員台帳_控え.csv"] == {"outside_store"}


# --------------------------------------------------------------------------- what is unread is said


def test_every_broken_file_is_said_to_be_unread(scan: Scan) -> None:
    rows = _objects(scan)
    expected = {path: (line["status"], line.get("reason")) for path, line in FILES.items()}
    assert {status for path, (status, _) in expected.items() if path.startswith("broken/")} <= UNREAD
    assert {path: (rows[path]["status"], rows[path]["reason"]) for path in expected} == expected
    assert not any(rows[path]["excused"] for path in expected)
    assert {line["verdict"] for path, line in FILES.items() if path.startswith("broken/")} <= {"unread", "stray"}


# --------------------------------------------------------------------------- nothing leaks, nothing is touched


def _values(scan: Scan) -> set[str]:
    """What is planted and is in no locator, with and without its separators."""
    locators = "\n".join(
        {str(value) for frame in (scan.objects, scan.findings) for name in LOCATORS if name in frame for value in frame[name]}
    )
    values = {value for plant in PLANTS for value in plant["values"] if len(value.encode()) > 7}  # seven digits may come about by chance
    values |= {value.translate(str.maketrans("", "", " -　")) for value in values}
    values = {value for value in values if value not in locators}
    assert len(values) > 150
    return values


def test_no_planted_value_in_any_output(scan: Scan) -> None:
    values = _values(scan)
    frames = [frame.drop(columns=LOCATORS, errors="ignore") for frame in (scan.objects, scan.findings, scan.values)]
    texts = [scan.stdout, scan.stderr, *(frame.to_json(force_ascii=False, date_format="iso") for frame in frames)]
    outputs = [text.encode() for text in texts] + [path.read_bytes() for path in scan.out.rglob("*") if path.is_file()]
    assert [value for value in values for data in outputs if value.encode() in data or value.encode("cp932", "replace") in data] == []


def test_the_audit_binder_of_the_sample(scan: Scan, tmp_path: Path) -> None:
    """Made after a day's work on the findings, it holds no planted value, and is read in a browser where there is one."""
    now = datetime.datetime.now(datetime.UTC)
    store = tmp_path / "store"
    shutil.copytree(scan.out, store)
    with api.open_triage(store) as triage:
        triage.accept(Wanted(paths=("leaky/web/**",)), "until the log platform is replaced", now.date() + datetime.timedelta(days=90))
        triage.ignore(Wanted(paths=("broken/**",), unread=True), "broken on purpose")
        triage.measure(Wanted(paths=("leaky/営業/**",)), "exports kept on the share", "export into the store", now.date())
    api.register(store, SAMPLE / "policy.yaml")
    days = {"first": now.date() - datetime.timedelta(days=2), "last": datetime.datetime.now(datetime.UTC).date(), "zone": "UTC"}
    for lang in ("en", "ja"):
        made = api.audit(store, tmp_path / lang, policy=SAMPLE / "policy.yaml", lang=lang, **days)
        assert (made.exit_status, made.binder.gaps) == (0, ())
        assert api.verify_audit(tmp_path / lang).exit_status == 0
        assert {row["name"] for row in made.binder.rows("stores")} == {"customer-master", "人事台帳"}
        assert len(made.binder.rows("unread")) > 60
        tables = [json.dumps(made.binder.rows(name), ensure_ascii=False, default=str).encode() for name in SECTIONS]
        outputs = tables + [path.read_bytes() for path in (tmp_path / lang).iterdir()]
        assert [value for value in _values(scan) for data in outputs if value.encode() in data] == []
    if shutil.which("chromium"):
        from tests.browser.chromium import Watched, launched

        with launched() as browser:
            for lang in ("en", "ja"):
                seen = Watched(browser, tmp_path / lang / "binder.html", bypass_csp=True)
                assert seen.axe() == []
                seen.quiet()


def test_nothing_of_the_share_is_changed(scan: Scan) -> None:
    assert scan.untouched


# --------------------------------------------------------------------------- the golden file


def test_findings_are_those_of_the_golden_file(scan: Scan, update_golden: bool) -> None:
    rows = scan.findings[FOUND_AS].to_dict("records")
    lines = sorted(json.dumps({name: value for name, value in row.items() if value is not None}, ensure_ascii=False) for row in rows)
    if update_golden:
        GOLDEN.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert lines == GOLDEN.read_text(encoding="utf-8").splitlines()


def test_the_files_are_those_that_the_script_makes(tmp_path: Path) -> None:
    """Bytes that a library's version decides are compared where that version is here; all others always."""
    subprocess.run([sys.executable, str(SAMPLE / "make.py"), str(tmp_path)], check=True, capture_output=True)
    noted, now = (json.loads((folder / "made_with.json").read_text(encoding="utf-8")) for folder in (SAMPLE, tmp_path))
    other = {name for name, version in noted["versions"].items() if now["versions"].get(name) != version}
    compared = [path for path in FILES if not other & set(noted["files"].get(path, []))]
    assert [path for path in compared if (SAMPLE / path).read_bytes() != (tmp_path / path).read_bytes()] == []
    assert (SAMPLE / "expected.jsonl").read_bytes() == (tmp_path / "expected.jsonl").read_bytes()
    made = {path.relative_to(SAMPLE).as_posix() for name in FOLDERS for path in (SAMPLE / name).rglob("*") if path.is_file()}
    assert made == set(FILES)
    if other:
        pytest.skip(f"{len(FILES) - len(compared)} files not compared: other versions of {', '.join(sorted(other))}")
