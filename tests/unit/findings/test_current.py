"""What stands, kept by whoever writes runs: the same answers, and never those of another state of the store."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.findings import compact, current, snapshot
from scanner.findings.read import Findings, open_findings
from tests.unit.findings.samples import finding_row, object_row, publish

VIEWS = ("objects", "findings", "closed_findings", "standing_findings", "all_findings", "copies", "values", "decisions")
STATUSES = ("absent", "scanned", "empty", "unreadable", "partial", "unchanged", "excluded")
RUNS = st.tuples(
    st.sampled_from(("complete", "complete", "incomplete")),
    st.fixed_dictionaries({name: st.sampled_from(STATUSES) for name in ("a", "d/b", "d/c")}),
    st.booleans(),
)


@pytest.fixture(autouse=True, scope="module")
def _no_waiting_for_the_disk() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda handle: None)
        yield


def answers(store: Findings) -> dict[str, list[dict[str, Any]]]:
    """Every row of every view, sorted; the same text for the same thing."""
    return {view: sorted(map(repr, _plain(store.sql(f'SELECT * FROM "{view}"')))) for view in VIEWS}


def _plain(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{name: row[name] for name in sorted(row)} for row in frame.astype(object).where(frame.notna(), None).to_dict("records")]


def computed(out: Path) -> dict[str, list[dict[str, Any]]]:
    with Findings(snapshot.take(out), memory="1GB") as store:
        assert store._kept is None
        return answers(store)


def opened(out: Path) -> tuple[dict[str, list[dict[str, Any]]], bool]:
    """What a reader gets, and whether it came from what was kept."""
    with open_findings(out) as store:
        return answers(store), store._kept is not None


def one_run(out: Path, **told: Any) -> None:
    publish(out, [object_row("a"), object_row("b")], [finding_row("a"), finding_row("b"), finding_row("b", "s")], **told)


@settings(max_examples=25, deadline=None)
@given(st.lists(RUNS, min_size=1, max_size=5))
def test_kept_and_computed_are_the_same(runs: list[tuple[str, dict[str, str], bool]]) -> None:
    with tempfile.TemporaryDirectory(prefix="current-") as folder:
        out = Path(folder)
        for outcome, files, closed in runs:
            objects = [
                object_row(path, status={"empty": "scanned"}.get(status, status)) for path, status in files.items() if status != "absent"
            ]
            objects += [object_row("d/", status="unreadable")] if closed else []
            found = [finding_row(path) for path, status in files.items() if status in ("scanned", "partial")]
            publish(out, objects, found, outcome=outcome, fingerprints=[1, 2])
        expected = computed(out)
        assert current.write(out, 0)
        assert opened(out) == (expected, True)


def test_another_run_is_not_answered_from_what_was_kept(tmp_path: Path) -> None:
    one_run(tmp_path)
    assert current.write(tmp_path, 0)
    publish(tmp_path, [object_row("a")], [])
    got, kept = opened(tmp_path)
    assert not kept
    assert got == computed(tmp_path)
    assert len(got["findings"]) == 0
    assert current.write(tmp_path, 0)
    assert opened(tmp_path) == (got, True)
    assert len(list((tmp_path / current.FOLDER).iterdir())) == 1


def test_merged_files_are_another_state(tmp_path: Path) -> None:
    one_run(tmp_path)
    one_run(tmp_path)
    assert current.write(tmp_path, 0)
    expected = computed(tmp_path)
    compact.compact(tmp_path, older_than=pd.Timedelta(0).to_pytimedelta())
    assert opened(tmp_path)[0] == expected


def test_a_small_store_keeps_nothing(tmp_path: Path) -> None:
    one_run(tmp_path)
    assert not current.write(tmp_path)
    assert current.write(tmp_path, 3)
    assert (tmp_path / current.FOLDER).stat().st_mode & 0o777 == 0o700


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-30])


def _zeros(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:4] + bytes(len(data) - 8) + data[-4:])


@pytest.mark.parametrize("name", [f"{name}.parquet" for name in current.QUERIES] + ["written.json"])
@pytest.mark.parametrize("spoil", [_cut, _zeros, Path.unlink], ids=["cut", "zeros", "gone"])
def test_what_is_spoilt_is_computed(tmp_path: Path, name: str, spoil: Any) -> None:
    one_run(tmp_path)
    expected = computed(tmp_path)
    assert current.write(tmp_path, 0)
    (folder,) = (tmp_path / current.FOLDER).iterdir()
    spoil(folder / name)
    with open_findings(tmp_path) as store:
        assert answers(store) == expected
        assert store.problems == []
        assert store.verify() == []


def test_verify_does_not_trust_what_reads_well(tmp_path: Path) -> None:
    """Rows of another store, whole in themselves."""
    one_run(tmp_path / "one")
    publish(tmp_path / "other", [object_row("x"), object_row("y")], [finding_row("x"), finding_row("y"), finding_row("y", "s")])
    assert current.write(tmp_path / "one", 0) and current.write(tmp_path / "other", 0)
    (mine,), (theirs,) = ((tmp_path / name / current.FOLDER).iterdir() for name in ("one", "other"))
    for name in current.QUERIES:
        size = (mine / f"{name}.parquet").stat().st_size
        (mine / f"{name}.parquet").write_bytes((theirs / f"{name}.parquet").read_bytes().ljust(size, b"\0")[:size])
    with open_findings(tmp_path / "one") as store:
        store.verify()
        assert answers(store) == computed(tmp_path / "one")


def test_a_reader_survives_the_next_run(tmp_path: Path) -> None:
    one_run(tmp_path)
    assert current.write(tmp_path, 0)
    with open_findings(tmp_path) as store:
        expected = answers(store)
        publish(tmp_path, [object_row("a")], [])
        assert current.write(tmp_path, 0)
        assert answers(store) == expected


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one_run(tmp_path)

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Findings, "write", full)
    assert not current.write(tmp_path, 0)
    assert list((tmp_path / current.FOLDER).iterdir()) == []
    assert not opened(tmp_path)[1]


def test_a_damaged_run_is_left_out_of_what_is_kept(tmp_path: Path) -> None:
    one_run(tmp_path)
    assert current.write(tmp_path, 0)
    (part,) = (tmp_path / "findings").rglob("*.parquet")
    part.unlink()
    got, kept = opened(tmp_path)
    assert not kept
    assert got["findings"] == []


def test_the_writers_keep_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from scanner import api

    monkeypatch.setattr(current, "LEAST_ROWS", 0)
    monkeypatch.setenv("STRAYSCAN_KEY", "a key")
    share, out = tmp_path / "share", tmp_path / "out"
    share.mkdir()
    (share / "a.txt").write_text("mail to a@example.com")
    api.scan([share], out=out, jobs=1)
    expected = computed(out)
    assert opened(out) == (expected, True)
    api.scan([share], out=out, jobs=1)
    api.compact(out, older_than_days=0)
    assert opened(out) == (computed(out), True)
