"""The drill over a real scan: all found, none counted, and each way to miss one is said."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from scanner import api
from scanner.findings.errors import StoreError
from scanner.obligations.canaries import FORMS, RECORDS
from scanner.policy import PolicyError, load
from scanner.policy.drill import MANIFEST, Drill
from scanner.render.messages import Messages
from scanner.render.terminal import drill_lines
from scanner.run import audit
from scanner.run.afterwards import metrics
from scanner.run.drill import LOG, Missed
from scanner.run.summary import RunSummary
from tests.cli.command import strayscan

POLICY = "version: 1\ndrill: {folder: share/drill}\n"


@pytest.fixture(scope="module")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, RunSummary]]:
    folder = tmp_path_factory.mktemp("drill")
    kept = {name: os.environ.get(name) for name in ("STRAYSCAN_KEY", "XDG_DATA_HOME")}
    os.environ |= {"STRAYSCAN_KEY": "a key", "XDG_DATA_HOME": str(folder / "data")}
    try:
        (folder / "share").mkdir()
        (folder / "share/own.csv").write_text("mail\nuser1@example.co.jp\n")
        (folder / "policy.yaml").write_text(POLICY)
        assert api.plant_drill(folder / "policy.yaml") == (str(folder / "share/drill"), len(FORMS))
        yield folder, api.scan(folder / "share", folder / "policy.yaml", out=folder / "out", jobs=1)
    finally:
        for name, value in kept.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def told(folder: Path) -> list[Missed]:
    return list(api.check_drill(folder / "out", folder / "policy.yaml").missed)


def test_everything_is_found_traced_and_judged_and_nothing_counts(scanned: tuple[Path, RunSummary]) -> None:
    folder, summary = scanned
    assert summary.drill is not None
    assert (summary.drill.planted, summary.drill.found, summary.drill.missed) == (20, 20, ())
    assert (summary.persons, summary.findings, summary.stray, dict(summary.copies)) == (1, 1, 1, {})
    assert summary.exit_status == 1  # of own.csv
    with api.open_findings(folder / "out") as found:
        kinds = found.sql("SELECT DISTINCT verdict, reason FROM findings WHERE path LIKE 'drill/%'").to_numpy().tolist()
    assert kinds == [["info", "drill"]]


def test_what_came_of_it_is_kept_in_a_log_of_the_store(scanned: tuple[Path, RunSummary]) -> None:
    folder, summary = scanned
    log = audit.read(folder / "out", LOG)
    (entry,) = log.entries
    assert {name: entry[name] for name in ("run_id", "planted", "found", "missed")} == {
        "run_id": summary.run_id, "planted": 20, "found": 20, "missed": []}  # fmt: skip
    assert log.faults == ()


def test_its_numbers_are_metrics_and_lines(scanned: tuple[Path, RunSummary]) -> None:
    _, summary = scanned
    text = metrics(summary, None)
    assert "\nstrayscan_drill_planted 20\n" in text and "\nstrayscan_drill_found 20\n" in text
    assert summary.drill is not None
    missed = dataclasses.replace(summary.drill, missed=(Missed("planted/\x1b[1m.csv", "not_found", ("PERSON",)),))
    lines = drill_lines(missed, Messages("en"))
    assert lines[0].startswith("19 of 20 found") and lines[1] == r"  planted/\x1b[1m.csv: not found: name"
    assert drill_lines(missed, Messages("ja"))[0].startswith("20件中 19件")


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"path": "planted/never.csv"}, "not_scanned"),
        ({"kinds": {"EMAIL_ADDRESS": 5}}, "not_found"),
        ({"kinds": {"JP_MY_NUMBER": 1}}, "not_found"),
        ({"copied": 5}, "not_traced"),
    ],
)
def test_what_is_missed_is_named(scanned: tuple[Path, RunSummary], change: dict[str, object], what: str) -> None:
    folder, _ = scanned
    manifest = folder / "share/drill" / MANIFEST
    before = manifest.read_bytes()
    canaries = json.loads(before)
    canaries["canaries"][3] |= change
    try:
        manifest.write_text(json.dumps(canaries))
        assert [one.what for one in told(folder)] == [what]
        done = strayscan("drill", "check", folder / "out", "--policy", folder / "policy.yaml")
        assert (done.returncode, done.stdout.splitlines()[0][:8]) == (1, "19 of 20")
    finally:
        manifest.write_bytes(before)
    assert told(folder) == []


def test_no_planted_value_is_in_the_findings(scanned: tuple[Path, RunSummary]) -> None:
    folder, _ = scanned
    written = b"".join(path.read_bytes() for path in (folder / "out").rglob("*") if path.is_file())
    for record in RECORDS:
        assert not any(value.encode() in written for value in record[1:])


def test_planting_touches_only_its_own(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(POLICY)
    folder = tmp_path / "share/drill"
    folder.mkdir(parents=True)
    (folder / "theirs.txt").write_text("x")
    with pytest.raises(StoreError, match="holds something else"):
        api.plant_drill(tmp_path / "policy.yaml")
    (folder / "theirs.txt").unlink()
    api.plant_drill(tmp_path / "policy.yaml")
    (folder / "theirs.txt").write_text("x")
    api.plant_drill(tmp_path / "policy.yaml")  # again
    api.plant_drill(tmp_path / "policy.yaml", remove=True)
    assert [path.name for path in folder.iterdir()] == ["theirs.txt"]


def test_every_planted_file_is_the_same_each_time(tmp_path: Path) -> None:
    made = [{name: make(RECORDS[:4]) for name, make in FORMS.items()} for _ in range(2)]
    differ = {name for name in FORMS if made[0][name] != made[1][name]}
    assert differ <= {"nested.zip", "letter.docx", "members.xlsx"}  # which hold the time of their making


def test_the_policy_says_where(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text("version: 1\ndrill: {folder: 'a[b', other: 1}\n")
    with pytest.raises(PolicyError, match=r"drill\.other"):
        load(file)
    file.write_text("version: 1\ndrill: {folder: 'a[b'}\n")
    policy = load(file)
    assert policy.drill == Drill(tmp_path / "a[b", f"{tmp_path}/a[b")
    assert policy.stores == ()
    api.plant_drill(file)
    (store,) = load(file).stores
    assert load(file).place(f"{tmp_path}/a[b/store/members.csv").store == store
    file.write_text("version: 1\nstores: [{name: strayscan drill, paths: [x], allow: ['*']}]\ndrill: {folder: d}\n")
    with pytest.raises(PolicyError, match="give yours another"):
        load(file)


@pytest.mark.parametrize(("policy", "said"), [("version: 1\n", "has no drill"), (POLICY, "nothing is planted there")])
def test_what_is_wrong_is_one_sentence(tmp_path: Path, policy: str, said: str) -> None:
    (tmp_path / "policy.yaml").write_text(policy)
    (tmp_path / "out").mkdir()
    done = strayscan("drill", "check", "out", "--policy", "policy.yaml", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr and len(done.stderr.splitlines()) == 1
