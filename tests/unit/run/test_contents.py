"""Files of one content are read once, and nobody can tell from the tables."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from scanner.api import open_findings
from scanner.findings.schema import VALUES
from scanner.model import Entry, Finished, Location, ObjectFacts, Reason, Status
from scanner.run.contents import LARGE, MOST_WAITING, Contents, kept, shape_of
from scanner.run.frames import GarbageFrame, Task
from scanner.run.job import Job
from scanner.run.ledger import Ledger
from scanner.sources.filesystem import OpenSpec
from tests.unit.run.quick_pipeline import reads
from tests.unit.run.quick_run import quick, run, write

HITS = "a@example.com\nb@example.com\n"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda handle: None)
    quick(monkeypatch)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def tables(out: Path) -> dict[str, Counter[tuple[tuple[str, str], ...]]]:
    """Every row of the newest run, without its name and clock."""
    differs = {"run_id", "scanned_at", "duration_ms", "first_seen"}
    newest = max(path.stem for path in (out / "runs").glob("*.json"))
    read = {}
    for table in ("objects", "findings", "values"):
        parts = [parquet.read_table(path, partitioning=None) for path in (out / table).glob(f"run={newest}/*.parquet")]
        rows = [row for part in parts for row in part.to_pylist()]
        read[table] = Counter(tuple((name, str(value)) for name, value in row.items() if name not in differs) for row in rows)
    return read


def without_look_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Contents, "offer", lambda *_: {})


NAMES = ("a.txt", "b.txt", "B.TXT", "c.csv", "plain", "x@example.com.txt", "y@example.com.txt", "p.csv.gz", "q.csv.gz", "z@example.com.gz")
CONTENTS = (
    *("", "nothing", "gnihton", HITS, "c@example.com\nd@example.com\n", "packed e@example.com\n", "gap truncated\n"),
    *("member in.txt f@example.com\nmember out.txt nothing\n", "member x@example.com.txt nothing\n"),
    "member in.txt nothing\ngap encrypted\n",
)


@settings(max_examples=6, deadline=None)
@given(st.dictionaries(st.tuples(st.sampled_from("abc"), st.sampled_from(NAMES)), st.sampled_from(CONTENTS), min_size=8, max_size=25))
def test_rows_are_those_of_a_scan_that_reads_everything(share: dict[tuple[str, str], str]) -> None:
    with tempfile.TemporaryDirectory() as temporary, pytest.MonkeyPatch.context() as patch:
        home = Path(temporary)
        for (folder, name), text in share.items():
            write(home / "share" / folder / name, text)
        policy = write(home / "policy.yaml", 'version: 1\nstores:\n  - {name: crm, paths: ["share/b/**"], allow: [EMAIL_ADDRESS]}\n')
        run(home / "share", home / "once", policy)
        again = run(home / "share", home / "once", policy)  # the state has of each file what it would have
        without_look_up(patch)
        run(home / "share", home / "each", policy)
        repeated = run(home / "share", home / "each", policy)
        assert tables(home / "once") == tables(home / "each")
        assert again.by_status == repeated.by_status


def test_a_content_is_read_once(tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    share = tmp_path / "share"
    for folder in "abc":
        write(share / folder / "hits.txt", HITS)
        write(share / folder / f"clean {folder}.txt", "nothing")
        write(share / folder / f"box {folder}.zip", "member in.txt c@example.com\nmember out.txt nothing\n")
    summary = run(share, out)
    assert len(reads(out)) == 3
    assert summary.by_status == {"scanned": 15}
    assert summary.stray_by_entity == {"EMAIL_ADDRESS": 6}
    without_look_up(monkeypatch)
    run(share, tmp_path / "each")
    assert tables(out) == tables(tmp_path / "each")
    with open_findings(out) as found:
        assert len(found.values()) == 9


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("a/report.txt", HITS), ("b/x@example.com.txt", HITS)),  # something is found in the second name
        (("a/x@example.com.txt", HITS), ("b/report.txt", HITS)),  # or was in the first
        (("a/report.txt", HITS), ("b/report.csv", HITS)),  # a suffix tells what a text is
        (("a/p.gz", "packed nothing"), ("b/q.gz", "packed nothing")),  # its member is called after it
        (("a/r.txt", "gap truncated"), ("b/r.txt", "gap truncated")),  # unread, and tried again
        (("a/e.txt", ""), ("b/e.txt", "")),  # nothing to spare
    ],
)
def test_what_may_differ_is_read(tmp_path: Path, out: Path, first: tuple[str, str], second: tuple[str, str]) -> None:
    for name, text in (first, second):
        write(tmp_path / "share" / name, text)
    run(tmp_path / "share", out)
    assert len(reads(out)) == 2


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("a/x@example.com.txt", HITS), ("b/x@example.com.txt", HITS)),
        (("a/p.gz", "packed c@example.com"), ("b/p.gz", "packed c@example.com")),
        (("a/r.TXT", HITS), ("b/s.txt", HITS)),
    ],
)
def test_of_one_name_all_is_taken_over(tmp_path: Path, out: Path, first: tuple[str, str], second: tuple[str, str]) -> None:
    for name, text in (first, second):
        write(tmp_path / "share" / name, text)
    run(tmp_path / "share", out)
    assert len(reads(out)) == 1


def test_hard_links_of_another_name_are_looked_at(tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = write(tmp_path / "share" / "a" / "plain.txt", HITS)
    for other in ("b/plain.txt", "c/x@example.com.txt", "d/x@example.com.txt", "e/other.txt"):
        (tmp_path / "share" / other).parent.mkdir()
        os.link(first, tmp_path / "share" / other)
    run(tmp_path / "share", out)
    assert reads(out) == ["a/plain.txt", "c/x@example.com.txt"]
    without_look_up(monkeypatch)
    run(tmp_path / "share", tmp_path / "each")
    assert tables(out) == tables(tmp_path / "each")


# --------------------------------------------------------------------------- known from a run before


@pytest.fixture
def known(tmp_path: Path, out: Path) -> Path:
    share = tmp_path / "share"
    write(share / "clean.txt", "nothing")
    write(share / "box.zip", "member one.txt nothing\n")
    write(share / "hits.txt", HITS)
    write(share / "packed.gz", "packed nothing")
    run(share, out)
    reads(out)
    return share


def test_what_holds_nothing_is_known_from_before(known: Path, out: Path) -> None:
    for name in ("clean.txt", "other.txt", "box.zip", "crate.zip", "hits.txt", "more.txt", "packed.gz"):
        old = {"other.txt": "clean.txt", "crate.zip": "box.zip", "more.txt": "hits.txt"}.get(name, name)
        write(known / "copies" / name, (known / old).read_text())
    write(known / "other.gz", "packed nothing")
    summary = run(known, out)
    assert len(reads(out)) == 2, "what has hits is read once more, and what is called after its file"
    assert summary.by_status == {"unchanged": 6, "scanned": 12}
    with open_findings(out) as found:
        rows = {row["path"]: row for row in found.objects(arrow=True).to_pylist() if row["member"] is None}
        assert rows["copies/other.txt"]["content_hash"] == rows["clean.txt"]["content_hash"]
        assert len(found.values()) == 6


def test_a_touched_copy_of_something_else(known: Path, out: Path) -> None:
    """What is compared with its own hash is compared with the others at the same time."""
    write(known / "clean.txt", "gnihton")
    run(known, out)
    reads(out)
    write(known / "other.txt", "nothing")
    run(known, out)
    reads(out)
    write(known / "other.txt", "gnihton")
    assert run(known, out).by_status == {"unchanged": 6, "scanned": 1}
    assert reads(out) == []


@pytest.mark.parametrize("how", ["full", "detectors", "readers"])
def test_nothing_is_taken_over_from_another_way_of_reading(known: Path, out: Path, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    write(known / "copy.txt", "nothing")
    if how != "full":
        quick(monkeypatch, **{how: "new"})  # type: ignore[arg-type]
    run(known, out, full=how == "full")
    assert len(reads(out)) == 4, "each content, once"


def test_facts_that_cannot_be_read_after_all(known: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(known / "copy.txt", "nothing")
    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "facts", lambda *_: None)
        summary = run(known, out)
    assert summary.exit_status == 3
    assert [(group.reason, group.count) for group in summary.unread] == [("io_error", 1)]
    assert run(known, out).by_status == {"unchanged": 6, "scanned": 1}


# --------------------------------------------------------------------------- the memory


def entry(path: str, size: int = 7) -> Entry:
    return Entry(Location("/share", path), path.encode(), size, 0.0, 0.0, f"1:{path}", 1, "me", "private")


def events(digest: str, size: int = 7, values: Any = None, status: Status = Status.SCANNED) -> list[Finished]:
    reason = None if status is Status.SCANNED else Reason.TRUNCATED
    return [Finished(ObjectFacts((), "text/plain", "utf-8", 0, size, size, 0, digest, status, reason, 0, 1), values)]


def batch(rows: int) -> pa.RecordBatch:
    row = {"run_id": "r", "object_id": "o", "entity_type": "PERSON", "fingerprint": 5, "place": None, "column": None}
    return pa.RecordBatch.from_pylist([{**row, "rows": [1], "count": 1}] * rows, VALUES)


def test_the_memory_is_bounded_and_the_latest_stay() -> None:
    contents = Contents(objects=2)
    for number in range(3):
        contents.add(entry(f"{number}.txt"), events(f"h{number}"))
    assert list(contents.offer(entry("x.txt"))) == ["h2", "h1"]
    contents.used(entry("x.txt"), contents.offer(entry("x.txt"))["h1"])
    contents.add(entry("3.txt"), events("h3"))
    assert set(contents.offer(entry("x.txt"))) == {"h3", "h1"}
    heavy = Contents(in_memory=batch(10).nbytes)
    heavy.add(entry("a.txt"), events("a", values=batch(10)))
    assert list(heavy.offer(entry("x.txt"))) == ["a"]
    heavy.add(entry("b.txt"), events("b", values=batch(1)))
    assert list(heavy.offer(entry("x.txt"))) == ["b"]


def test_kept_files_go_when_nobody_needs_them(tmp_path: Path) -> None:
    path = tmp_path / "values.parquet"
    parquet.write_table(pa.Table.from_batches([batch(1)]), path)
    contents = Contents(objects=1)
    contents.add(entry("a.txt"), [kept(event) for event in events("a", values=path)])
    path.unlink()
    offered = contents.offer(entry("b.txt"))
    contents.add(entry("c.txt"), events("c"))
    assert len(list(tmp_path.iterdir())) == 1, "it is on offer"
    contents.give_back(offered.values())
    assert list(tmp_path.iterdir()) == []


def test_nothing_half_read_is_kept() -> None:
    contents = Contents()
    contents.add(entry("a.txt"), events("a", status=Status.PARTIAL))
    contents.add(entry("b.txt"), events("b", size=6))  # it changed while it was read
    assert contents.offer(entry("x.txt")) == {}
    assert shape_of(entry("empty.txt", 0)) is None


def test_what_may_be_a_copy_waits_a_while() -> None:
    contents = Contents()
    work = [*(entry(f"{name}.txt", LARGE + (name == "c")) for name in "abcd"), entry("e.txt", 5), entry("f.txt", 5)]
    taken = []
    for one in contents.in_turn(iter(work), lambda one: one):
        taken.append(one.location.path)
        contents.begin(one)
        if one.location.path == "c.txt":
            contents.end(work[0])
    assert taken == ["a.txt", "c.txt", "b.txt", "e.txt", "f.txt", "d.txt"]
    contents = Contents()
    many = [entry(f"{number}.txt", LARGE) for number in range(MOST_WAITING + 3)]
    order = []
    for one in contents.in_turn(iter(many), lambda one: one):
        order.append(one)
        contents.begin(one)
    assert order == many


def test_a_worker_may_not_name_a_content_that_it_was_not_asked_about() -> None:
    spec = OpenSpec.__new__(OpenSpec)
    job = Job(Task(Location("/share", "a.txt"), spec, known_hash="k", alike={"x": True}))
    same = events("x", status=Status.UNCHANGED)[0]
    for lie in ("y", None):
        with pytest.raises(GarbageFrame):
            list(job.heard(replace(same, facts=replace(same.facts, content_hash=lie))))
    assert list(job.heard(same)) == [same]
