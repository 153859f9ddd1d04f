"""What becomes of a file whose worker died, and what is told of it: each object once, the file itself last."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.model import Begun, Finished, Location, ObjectFacts, Progress, Reason, Snapshot, Status
from scanner.run.frames import Task
from scanner.run.job import SKIPS, Death, Job, Outcome, TaskDone, TaskEvent
from scanner.sources.filesystem import OpenSpec

CRASH = Death(Reason.PARSER_CRASH, None, 1.0)


def job() -> Job:
    return Job(Task(Location("/share", "a.zip"), OpenSpec(b"/share", b"a.zip", 1, 2, 300, 4)))


def facts(*member: str, rows: int = 1) -> ObjectFacts:
    return ObjectFacts(member, None, None, 0, 9, 0, rows, None, Status.SCANNED, None, 0, 0)


def rows(events: list[TaskEvent]) -> list[tuple[tuple[str, ...], Status, Reason | None]]:
    return [(e.facts.member, e.facts.status, e.facts.reason) for e in events if isinstance(e, Finished)]


def test_the_way_of_most_files() -> None:
    one = job()
    assert list(one.heard(Begun(()))) == []
    assert list(one.heard(Progress(5))) == [Progress(5)]
    assert list(one.heard(Finished(facts()))) == [Finished(facts())]
    assert one.done(0.5) == TaskDone(Outcome.DONE, 1, None, None, 0.5)
    assert one.over


def test_first_death_asks_for_a_careful_attempt() -> None:
    one = job()
    assert list(one.died(CRASH)) == []
    assert (one.over, one.careful, one.pressing, one.order().careful) == (False, True, False, True)


def test_second_death_gives_the_file_up() -> None:
    one = job()
    list(one.died(CRASH))
    told = list(one.died(CRASH))
    assert rows(told) == [((), Status.UNREADABLE, Reason.PARSER_CRASH)]
    assert told[-1] == TaskDone(Outcome.CRASHED, 2, Reason.PARSER_CRASH, None, 2.0)
    assert isinstance(told[0], Finished)
    assert told[0].facts.size_bytes == 300
    assert one.over


def test_a_snapshot_saves_what_was_read_even_one_of_the_first_attempt() -> None:
    one = job()
    list(one.heard(Snapshot(facts(rows=41))))
    list(one.died(CRASH))
    told = list(one.died(Death(Reason.TIMEOUT)))
    assert rows(told) == [((), Status.PARTIAL, Reason.TIMEOUT)]
    assert isinstance(told[0], Finished)
    assert told[0].facts.rows_read == 41


def test_an_empty_snapshot_saves_nothing() -> None:
    one = job()
    list(one.heard(Snapshot(facts(rows=0))))
    list(one.died(CRASH))
    assert rows(list(one.died(CRASH))) == [((), Status.UNREADABLE, Reason.PARSER_CRASH)]


def test_members_told_by_the_first_attempt_are_not_told_again(tmp_path: Path) -> None:
    one, staged = job(), tmp_path / "values"
    for event in (Begun(("a",)), Finished(facts("a")), Begun(("b",))):
        list(one.heard(event))
    list(one.died(CRASH))
    list(one.heard(Begun(("a",))))
    staged.write_text("rows")
    assert list(one.heard(Finished(facts("a"), staged))) == []
    assert not staged.exists(), "nobody else would remove it"
    assert list(one.heard(Finished(facts("b")))) == [Finished(facts("b"))]


def test_two_members_of_one_name_are_both_told_within_an_attempt() -> None:
    one = job()
    for _ in range(2):
        list(one.heard(Begun(("a",))))
        assert list(one.heard(Finished(facts("a")))) == [Finished(facts("a"))]


def test_the_culprit_is_skipped_and_its_container_goes_on() -> None:
    one = job()
    list(one.died(CRASH))
    list(one.heard(Begun(("in.zip",))))
    list(one.heard(Begun(("in.zip", "bad"))))
    told = list(one.died(Death(Reason.MEMORY)))
    assert rows(told) == [(("in.zip", "bad"), Status.UNREADABLE, Reason.MEMORY)]
    assert not one.over
    assert one.pressing
    assert one.order().skip == {("in.zip", "bad")}
    list(one.heard(Finished(facts())))
    assert one.done(0.0).outcome is Outcome.CRASHED


def test_a_container_with_too_many_culprits_is_given_up() -> None:
    one = job()
    list(one.died(CRASH))
    told: list[TaskEvent] = []
    for number in range(SKIPS + 1):
        list(one.heard(Begun(("in.zip",))))
        list(one.heard(Begun(("in.zip", str(number)))))
        told += one.died(CRASH)
    assert rows(told)[-2:] == [(("in.zip",), Status.PARTIAL, Reason.MEMBER_UNREAD), ((), Status.PARTIAL, Reason.MEMBER_UNREAD)]
    assert len(rows(told)) == SKIPS + 3
    assert one.over


@pytest.mark.parametrize("members", [(), (("a",),)])
def test_no_time_left_means_no_further_attempt(members: tuple[tuple[str, ...], ...]) -> None:
    one = job()
    for member in members:
        list(one.heard(Begun(member)))
    told = list(one.died(Death(Reason.TIMEOUT, last=True)))
    assert {reason for _, _, reason in rows(told)} == {Reason.TIMEOUT}
    assert rows(told)[-1][0] == ()
    assert one.over


def test_death_after_the_last_word_changes_nothing() -> None:
    one = job()
    list(one.heard(Finished(facts())))
    told = list(one.died(CRASH))
    assert [type(event) for event in told] == [TaskDone]
    assert one.over


NAMES = st.sampled_from(["a", "b", "c"])
STEPS = st.lists(st.tuples(st.sampled_from(["begin", "finish", "snapshot", "die"]), NAMES), max_size=30)


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_whatever_happens_the_file_is_told_exactly_once_and_last(steps: list[tuple[str, str]]) -> None:
    one = job()
    told: list[TaskEvent] = []
    for what, name in steps:
        if one.over:
            break
        if what == "begin":
            told += one.heard(Begun((name,)))
        elif what == "finish":
            told += one.heard(Finished(facts(name)))
        elif what == "snapshot":
            told += one.heard(Snapshot(facts(name)))
        else:
            told += one.died(CRASH)
    if not one.over:
        told += one.heard(Finished(facts()))
        told.append(one.done(0.0))
    assert [member for member, _, _ in rows(told)].count(()) == 1
    assert rows(told)[-1][0] == ()
    assert isinstance(told[-1], TaskDone)
