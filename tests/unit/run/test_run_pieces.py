"""The small pieces of a run: running ahead, hard links, first sights, interrupts, overrides of limits."""

from __future__ import annotations

import datetime
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from scanner.findings.schema import VALUES
from scanner.model import Entry, Finished, Limits, Location, ObjectFacts, Status
from scanner.run.ahead import ahead
from scanner.run.contents import values_at
from scanner.run.first_seen import FirstSeen
from scanner.run.hard_links import HardLinks
from scanner.run.interrupt import Interrupts
from scanner.run.scan import with_overrides


def entry(path: str, links: int = 2, file_id: str = "1:7") -> Entry:
    return Entry(Location("/share", path), path.encode(), 3, 0.0, 0.0, file_id, links, "me", "private")


def facts(*member: str) -> ObjectFacts:
    return ObjectFacts(member, "text/plain", "utf-8", 0, 3, 3, 0, "aa", Status.SCANNED, None, 0, 1)


def values(object_id: str) -> pa.RecordBatch:
    row = {"run_id": "r", "object_id": object_id, "entity_type": "PERSON", "fingerprint": 5, "place": None, "column": None}
    return pa.RecordBatch.from_pylist([{**row, "rows": [1], "count": 1}], schema=VALUES)


# --------------------------------------------------------------------------- ahead


def test_ahead_gives_everything_in_order() -> None:
    assert list(ahead(iter(range(1000)), size=10)) == list(range(1000))


def test_ahead_runs_ahead_but_not_without_bound() -> None:
    taken: list[int] = []

    def source() -> Iterator[int]:
        for number in range(100):
            taken.append(number)
            yield number

    items = ahead(source(), size=10)
    next(items)
    deadline = time.monotonic() + 5
    while len(taken) < 11 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.1)
    assert 11 <= len(taken) <= 13
    items.close()
    assert all(thread.name != "ahead" for thread in threading.enumerate())


def test_an_error_of_the_source_reaches_the_reader() -> None:
    def source() -> Iterator[int]:
        yield 1
        raise OSError("gone")

    items = ahead(source())
    assert next(items) == 1
    with pytest.raises(OSError, match="gone"):
        next(items)


# --------------------------------------------------------------------------- hard links


def test_one_name_is_read_and_the_others_wait_or_are_told_later() -> None:
    links = HardLinks()
    first, second, third = entry("n", 3), entry("b/n", 3), entry("c/n", 3)
    assert not links.take(first, "A")
    assert links.take(second, "B")
    assert links.outcome(second) is None
    links.add(first, Finished(facts("x")))
    links.add(first, Finished(facts()))
    assert [(file, [e.facts.member for e in events]) for file, events in links.done(first)] == [("B", [("x",), ()])]
    assert links.take(third, "C")
    outcome = links.outcome(third)
    assert outcome is not None
    assert len(outcome) == 2
    assert list(links.done(first)) == []


def test_another_name_of_a_file_is_for_its_content_to_tell() -> None:
    links = HardLinks()
    assert not links.take(entry("a/report.txt"), "A")
    assert not links.take(entry("a/Taro Yamada.txt"), "B")
    assert links.take(entry("b/report.txt"), "C")


def test_files_of_one_name_are_not_remembered() -> None:
    links = HardLinks()
    assert not links.take(entry("a", 1), "A")
    assert not links.take(entry("b", 1), "B")
    assert links.outcome(entry("a", 1)) is None


def test_without_room_every_name_is_read() -> None:
    links = HardLinks(room=0)
    assert not links.take(entry("n"), "A")
    assert not links.take(entry("b/n"), "B")


def test_values_are_repeated_under_the_other_names_object(tmp_path: Path) -> None:
    one, other = entry("n"), entry("b/n")
    event = Finished(facts("x"), values(one.location.inside("x").object_id))
    batch = values_at(other, event)
    assert isinstance(batch, pa.RecordBatch)
    assert batch["object_id"].to_pylist() == [other.location.inside("x").object_id]
    path = tmp_path / "values.parquet"
    parquet.write_table(pa.Table.from_batches([values(one.location.object_id)]), path)
    links = HardLinks()
    links.take(one, "A")
    links.add(one, Finished(facts(), path))
    path.unlink()  # the store took the file over
    list(links.done(one))
    kept = links.outcome(other)
    assert kept is not None
    copied = values_at(other, kept[0])
    assert isinstance(copied, Path)
    assert parquet.read_table(copied)["object_id"].to_pylist() == [other.location.object_id]


# --------------------------------------------------------------------------- the rest


def test_first_seen_is_the_earliest_moment() -> None:
    ids = np.array([3, 7], np.uint64)
    seen = FirstSeen(ids, np.array([1_000_000, 2_000_000]))
    assert seen(f"{7:016x}" + "0" * 16) == datetime.datetime(1970, 1, 1, 0, 0, 2, tzinfo=datetime.UTC)
    assert seen(f"{5:016x}" + "0" * 16) is None
    assert FirstSeen(np.empty(0, np.uint64), np.empty(0, np.int64))("0" * 32) is None


def test_no_store_means_nothing_was_seen(tmp_path: Path) -> None:
    assert FirstSeen.of(tmp_path / "none", "run")("a" * 32) is None


@pytest.mark.parametrize(("number", "word"), [(signal.SIGINT, "interrupted"), (signal.SIGTERM, "stopped")])
def test_a_signal_stops_and_names_the_end(number: int, word: str) -> None:
    stopped: list[bool] = []
    before = signal.getsignal(number)
    with Interrupts(lambda: stopped.append(True)) as interrupts:
        os.kill(os.getpid(), number)
        time.sleep(0.01)
        assert (interrupts.word, stopped) == (word, [True])
        if number == signal.SIGINT:
            with pytest.raises(KeyboardInterrupt):
                os.kill(os.getpid(), number)
                time.sleep(0.5)
    assert signal.getsignal(number) is before


def test_limits_are_overridden_by_name_and_kind() -> None:
    limits = with_overrides(Limits(), {"seconds": 5, "members": 3.0})
    assert (limits.seconds, limits.members) == (5.0, 3)
    assert isinstance(limits.members, int)
    with pytest.raises(ValueError, match="no limit is named second;"):
        with_overrides(Limits(), {"second": 5})
