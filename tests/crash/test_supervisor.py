"""Readers that abort, hang, eat memory, fork or talk nonsense cost one object; the run goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from scanner.model import Finished, Reason, Status
from scanner.run import supervisor as supervisor_module
from scanner.run.job import Outcome
from scanner.run.link import NurseryLink
from scanner.run.supervisor import Supervisor, Task, TaskDone, WorkersFailed
from tests.unit.run.share import config, run, tasks, write_share


def gone(pid: int, seconds: float = 5.0) -> bool:
    """Has the process ended (a zombie counts as ended)?"""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            if ") Z" in Path(f"/proc/{pid}/stat").read_text():
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.02)
    return False


def test_ordinary_files(tmp_path: Path) -> None:
    told = run(tmp_path, {f"f{number}": "x\n" for number in range(50)}, jobs=2)
    assert all(end.outcome is Outcome.DONE and end.attempts == 1 for end in told.ends.values())
    assert all(told.own(name).status is Status.SCANNED for name in told.ends)


@pytest.mark.parametrize("command", ["segfault", "abort", "exit 0", "exit 3", "garbage", "flood", "raise"])
def test_a_reader_that_ends_its_process(tmp_path: Path, command: str) -> None:
    told = run(tmp_path, {"a": "x", "bad": command, "c": "x"}, jobs=2)
    assert (told.own("bad").status, told.own("bad").reason) == (Status.UNREADABLE, Reason.PARSER_CRASH)
    assert (told.ends["bad"].outcome, told.ends["bad"].attempts) == (Outcome.CRASHED, 2)
    assert told.own("a").status is told.own("c").status is Status.SCANNED


def test_an_exception_is_told_by_kind_and_place_not_by_message(tmp_path: Path) -> None:
    told = run(tmp_path, {"bad": "raise 090-0000-0000"})
    where = told.ends["bad"].where
    assert where is not None
    assert where.startswith("RuntimeError at ")
    assert "mock_pipeline.py" in where
    assert "secret" not in where
    assert "0000" not in where


def test_second_chance_succeeds(tmp_path: Path) -> None:
    told = run(tmp_path, {"moody": "crash-first-time", "x": "x"})
    assert told.own("moody").status is Status.SCANNED
    assert (told.ends["moody"].outcome, told.ends["moody"].attempts, told.ends["moody"].reason) == (Outcome.DONE, 2, Reason.PARSER_CRASH)
    assert told.order[-1] == "moody", "the second attempt waits until the others are through"


def test_second_attempt_runs_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor_module, "_PATIENCE", 1)
    log = tmp_path / "log"
    files = {f"f{number:02}": f"sleep 0.05\nsay {log} x" for number in range(12)}
    told = run(tmp_path, files | {"a-moody": f"crash-first-time\nsay {log} begin\nsleep 0.3\nsay {log} end"}, jobs=3)
    said = log.read_text().split()
    assert told.own("a-moody").status is Status.SCANNED
    assert said.index("end") == said.index("begin") + 1
    assert said[-1] == "x", "the others go on afterwards"


def test_a_hanging_reader(tmp_path: Path) -> None:
    told = run(tmp_path, {"bad": "hang", "good": "x"}, limits={"seconds": 0.5})
    assert (told.own("bad").status, told.own("bad").reason) == (Status.UNREADABLE, Reason.TIMEOUT)
    assert told.own("good").status is Status.SCANNED


def test_a_worker_that_cannot_die_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that waits for a dead network mount does not even obey SIGKILL; here it is never sent."""
    monkeypatch.setattr(NurseryLink, "kill", lambda link, number: None)
    monkeypatch.setattr(supervisor_module, "_UNDYING", 0.2)
    told = run(tmp_path, {"bad": f"pid {tmp_path}/pids\nhang", "good": "x"}, limits={"seconds": 0.3})
    assert (told.own("bad").status, told.own("bad").reason) == (Status.PARTIAL, Reason.TIMEOUT)
    assert told.own("good").status is Status.SCANNED
    assert all(gone(int(pid)) for pid in (tmp_path / "pids").read_text().split()), "the end of the run ends them"


def test_slow_but_moving_is_not_stopped(tmp_path: Path) -> None:
    told = run(tmp_path, {"slow": "progress 8"}, limits={"seconds": 0.8})
    assert told.own("slow").status is Status.SCANNED
    assert told.ends["slow"].attempts == 1
    assert told.progress == 8


def test_total_time_ends_even_what_moves_and_is_not_tried_again(tmp_path: Path) -> None:
    told = run(tmp_path, {"slow": "snapshot 7\nprogress 100"}, limits={"total_seconds": 1.0})
    assert (told.own("slow").status, told.own("slow").reason, told.own("slow").rows_read) == (Status.PARTIAL, Reason.TIMEOUT, 7)
    assert told.ends["slow"].attempts == 1


def test_the_caller_may_keep_the_supervisor_waiting(tmp_path: Path) -> None:
    share = write_share(tmp_path, {f"f{number}": "x" for number in range(2)})
    ends = []
    with Supervisor(config(tmp_path, limits={"seconds": 0.3}), 1) as supervisor:
        for _, event in supervisor.run(tasks(share)):
            time.sleep(0.4)  # longer than a worker may be silent
            if isinstance(event, TaskDone):
                ends.append(event)
    assert [end.attempts for end in ends] == [1, 1]


def test_a_reader_that_eats_memory(tmp_path: Path) -> None:
    told = run(tmp_path, {"bad": "eat", "good": "x"}, limits={"resident_bytes": 150 * 2**20})
    assert (told.own("bad").status, told.own("bad").reason) == (Status.UNREADABLE, Reason.MEMORY)
    assert told.own("good").status is Status.SCANNED


def test_memory_of_children_counts(tmp_path: Path) -> None:
    told = run(tmp_path, {"bad": f"eat-in-child {200 * 2**20}"}, limits={"resident_bytes": 150 * 2**20})
    assert told.own("bad").reason is Reason.MEMORY


def test_memory_is_watched_while_the_caller_is_busy(tmp_path: Path) -> None:
    share = write_share(tmp_path, {"a": f"pid {tmp_path}/pid\nprogress 1\neat"})
    with Supervisor(config(tmp_path, limits={"resident_bytes": 150 * 2**20}), 1) as supervisor:
        events = supervisor.run(tasks(share))
        next(events)
        assert gone(int((tmp_path / "pid").read_text()))
        supervisor.stop()
        list(events)


def test_address_space_is_limited_as_a_backstop(tmp_path: Path) -> None:
    told = run(tmp_path, {"bad": "eat"}, limits={"address_bytes": 300 * 2**20, "resident_bytes": 2**40})
    assert (told.own("bad").reason, told.ends["bad"].where) == (Reason.MEMORY, "MemoryError")


@pytest.mark.parametrize("how", ["", "daemon"])
def test_processes_a_reader_left_are_killed(tmp_path: Path, how: str) -> None:
    child, workers, alive = tmp_path / "child", tmp_path / "workers", tmp_path / "alive"
    told = run(tmp_path, {"a": f"fork {child} {how}\npid {workers}", "b": f"sleep 1\nalive {child} {alive}\npid {workers}"})
    assert told.own("a").status is told.own("b").status is Status.SCANNED
    assert alive.read_text() == "False", "killed at once, not only at the end of the run"
    if not how:  # a worker that left a child is replaced
        assert len(set(workers.read_text().split())) == 2


def test_what_a_native_library_prints_reaches_nobody(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run(tmp_path, {"a": "spam"})
    assert capfd.readouterr() == ("", "")


def test_the_key_is_in_no_argument_and_no_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRAYSCAN_KEY", "hunter2")
    run(tmp_path, {"a": f"env {tmp_path}/env"})
    seen = (tmp_path / "env").read_text()
    assert "hunter2" not in seen
    assert b"key of the test".hex() not in seen


# --------------------------------------------------------------------------- archives


def test_a_member_that_kills_its_reader_costs_only_itself(tmp_path: Path) -> None:
    told = run(tmp_path, {"zip": "member a x\nmember b segfault\nmember c x"})
    members = told.members("zip")
    assert [members[name].status for name in "abc"] == [Status.SCANNED, Status.UNREADABLE, Status.SCANNED]
    assert members["b"].reason is Reason.PARSER_CRASH
    assert (told.own("zip").status, told.own("zip").reason) == (Status.PARTIAL, Reason.MEMBER_UNREAD)
    assert told.ends["zip"].outcome is Outcome.CRASHED


def test_many_bad_members_end_the_container(tmp_path: Path) -> None:
    told = run(tmp_path, {"zip": "".join(f"member m{number} abort\n" for number in range(9))})
    members = told.members("zip")
    assert set(members) == {f"m{number}" for number in range(6)}
    assert all(facts.status is Status.UNREADABLE for facts in members.values())
    assert (told.own("zip").status, told.own("zip").reason) == (Status.PARTIAL, Reason.MEMBER_UNREAD)


def test_nested_containers_all_get_a_row(tmp_path: Path) -> None:
    script = "open in.zip\n" + "".join(f"member in.zip!m{number} abort\n" for number in range(9)) + "close in.zip"
    told = run(tmp_path, {"zip": script})
    assert (told.members("zip")["in.zip"].status, told.members("zip")["in.zip"].reason) == (Status.PARTIAL, Reason.MEMBER_UNREAD)
    assert told.own("zip").reason is Reason.MEMBER_UNREAD


def test_what_was_read_before_the_crash_counts(tmp_path: Path) -> None:
    told = run(tmp_path, {"book": "x\nx\nx\nabort"})
    assert (told.own("book").status, told.own("book").reason, told.own("book").rows_read) == (Status.PARTIAL, Reason.PARSER_CRASH, 3)


# --------------------------------------------------------------------------- files of the share


def test_a_file_that_vanished(tmp_path: Path) -> None:
    share = write_share(tmp_path, {"a": "x"})
    listed = tasks(share)
    (share / "a").unlink()
    with Supervisor(config(tmp_path), 1) as supervisor:
        facts = [event.facts for _, event in supervisor.run(listed) if isinstance(event, Finished)]
    assert [(one.status, one.reason) for one in facts] == [(Status.UNREADABLE, Reason.VANISHED)]


def test_a_file_that_grows_while_read(tmp_path: Path) -> None:
    share = write_share(tmp_path, {})
    told = run(tmp_path, {"log": f"append {share}/log"})
    assert (told.own("log").status, told.own("log").reason) == (Status.PARTIAL, Reason.CHANGED)


def test_the_file_beside(tmp_path: Path) -> None:
    share = write_share(tmp_path, {"db": "sibling", "lone": "sibling", "other": "sibling", "db-wal": "log"})
    (share / "other-wal").symlink_to(share / "db-wal")
    listed = [task for task in tasks(share) if not task.location.path.endswith("-wal")]
    with Supervisor(config(tmp_path), 1) as supervisor:
        ends = {task.location.path: event.where for task, event in supervisor.run(listed) if isinstance(event, TaskDone)}
    assert ends["db"] is None
    assert "RuntimeError" in str(ends["lone"])
    assert "RuntimeError" in str(ends["other"]), "a link beside it is not followed"


# --------------------------------------------------------------------------- workers


def test_temporary_folders_are_private_and_emptied(tmp_path: Path) -> None:
    run(tmp_path, {"a": "litter", "b": f"look {tmp_path}/seen"})
    folder, *left = (tmp_path / "seen").read_text().splitlines()
    assert left == []
    assert not Path(folder).exists()


def test_temporary_folder_is_removed_after_a_kill(tmp_path: Path) -> None:
    run(tmp_path, {"a": f"litter\nlook {tmp_path}/seen\nabort"})  # run() looks that nothing is left
    assert len((tmp_path / "seen").read_text().splitlines()) == 3


def test_a_task_has_begun_when_a_worker_has_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = tasks(write_share(tmp_path, {"a": "crash-first-time", "b": "x"}))
    begun: list[str] = []
    with Supervisor(config(tmp_path), 1) as supervisor:
        for task, event in supervisor.run(listed, on_begin=lambda task: begun.append(task.location.path)):
            assert not isinstance(event, TaskDone) or task.location.path in begun
    assert sorted(begun) == ["a", "a", "b"], "each attempt"
    monkeypatch.setattr(NurseryLink, "wait_ready", lambda *_: None)  # stopped before they are loaded
    with Supervisor(config(tmp_path), 1) as supervisor:
        list(supervisor.run(listed, on_begin=lambda _: begun.append("while rules were being loaded")))
    assert len(begun) == 3


def test_workers_are_replaced_after_so_many_files(tmp_path: Path) -> None:
    run(tmp_path, {f"f{number}": f"pid {tmp_path}/pids" for number in range(7)}, recycle_after=3)
    assert len(set((tmp_path / "pids").read_text().split())) == 3


def test_workers_without_preloading(tmp_path: Path) -> None:
    told = run(tmp_path, {"a": "x", "bad": "abort"}, preload=False)
    assert told.own("a").status is Status.SCANNED
    assert told.own("bad").reason is Reason.PARSER_CRASH


def test_the_staged_library_set_starts_no_thread(tmp_path: Path) -> None:
    with Supervisor(config(tmp_path, modules=("numpy", "pyarrow", "pandas")), 1) as supervisor:
        list(supervisor.run(tasks(write_share(tmp_path, {"a": "x"}))))
        assert supervisor.config.preload, "a thread appeared before the fork"


def test_a_nursery_that_was_started_before_it_was_known_what_workers_are_made_of(tmp_path: Path) -> None:
    share = write_share(tmp_path, {"a": f"pid {tmp_path}/pid"})
    early = Supervisor.warmed()
    with Supervisor(config(tmp_path), 1, warm=early) as supervisor:
        told = list(supervisor.run(tasks(share)))
        worker = int((tmp_path / "pid").read_text().split()[0])
        parent = int(Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2].split()[1])
        assert parent == early._process.pid
    assert isinstance(told[-1][1], TaskDone)
    assert early._process.poll() is not None
    early.close()  # as its starter does


def test_a_nursery_that_is_never_needed_ends_at_once() -> None:
    early = Supervisor.warmed()
    early.close()
    assert early._process.poll() is not None


def test_a_pipeline_that_cannot_be_built(tmp_path: Path) -> None:
    share = write_share(tmp_path, {"a": "x"})
    with (
        Supervisor(config(tmp_path, factory="tests.unit.run.mock_pipeline:Broken"), 1) as supervisor,
        pytest.raises(WorkersFailed, match="ValueError at "),
    ):
        list(supervisor.run(tasks(share)))


def test_a_nursery_that_is_killed(tmp_path: Path) -> None:
    share = write_share(tmp_path, {"a": f"pid {tmp_path}/pid\nprogress-first-time 100"} | {f"f{number}": "x" for number in range(5)})
    ends = []
    with Supervisor(config(tmp_path), 1) as supervisor:
        for _, event in supervisor.run(tasks(share)):
            if isinstance(event, TaskDone):
                ends.append(event.outcome)
            elif not isinstance(event, Finished) and len(ends) == 0:
                worker = int((tmp_path / "pid").read_text().split()[0])
                os.kill(int(Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2].split()[1]), signal.SIGKILL)
                assert gone(worker)
    assert ends == [Outcome.DONE] * 6


def test_tasks_are_taken_lazily(tmp_path: Path) -> None:
    listed = tasks(write_share(tmp_path, {f"f{number}": "x" for number in range(50)}))
    taken = 0

    def source() -> object:
        nonlocal taken
        for task in listed:
            taken += 1
            yield task

    with Supervisor(config(tmp_path), 2) as supervisor:
        events = supervisor.run(source())  # type: ignore[arg-type]
        next(events)
        assert taken <= 4
        events.close()  # type: ignore[attr-defined]


# --------------------------------------------------------------------------- the end


def test_stop_ends_quickly_and_says_what_was_in_hand(tmp_path: Path) -> None:
    share = write_share(tmp_path, {"a": "hang", "b": "x", "c": "hang"})
    ends = {}
    began = time.monotonic()
    with Supervisor(config(tmp_path), 2) as supervisor:
        for task, event in supervisor.run(tasks(share)):
            if isinstance(event, TaskDone):
                ends[task.location.path] = event.outcome
                if event.outcome is Outcome.DONE:
                    threading.Timer(0.3, supervisor.stop).start()
    assert ends == {"a": Outcome.STOPPED, "b": Outcome.DONE, "c": Outcome.STOPPED}
    assert time.monotonic() - began < 8


def test_stop_does_not_wait_for_rules_to_load(tmp_path: Path) -> None:
    share = write_share(tmp_path, {"a": "x"})
    began = time.monotonic()
    with Supervisor(config(tmp_path, factory="tests.unit.run.mock_pipeline:Slow"), 1) as supervisor:
        threading.Timer(0.3, supervisor.stop).start()
        assert [event.outcome for _, event in supervisor.run(tasks(share)) if isinstance(event, TaskDone)] == [Outcome.STOPPED]
    assert time.monotonic() - began < 8


def test_everything_dies_with_the_supervisor(tmp_path: Path) -> None:
    """kill -9: workers, what they forked, and the temporary folder are gone."""
    share = write_share(tmp_path, {"a": f"fork {tmp_path}/child\npid {tmp_path}/worker\nhang"})
    program = (
        "import pathlib; from tests.unit.run.share import *\n"
        f"tmp = pathlib.Path({str(tmp_path)!r})\n"
        f"with Supervisor(config(tmp), 1) as s: list(s.run(tasks(pathlib.Path({str(share)!r}))))"
    )
    victim = subprocess.Popen([sys.executable, "-c", program], cwd=Path(__file__).parents[2])
    try:
        until = time.monotonic() + 20
        while not (tmp_path / "worker").exists() and time.monotonic() < until:
            time.sleep(0.02)
    finally:
        victim.kill()
        victim.wait()
    assert gone(int((tmp_path / "worker").read_text()))
    assert gone(int((tmp_path / "child").read_text()))
    until = time.monotonic() + 5
    while list((tmp_path / "temp").iterdir()) and time.monotonic() < until:
        time.sleep(0.02)
    assert list((tmp_path / "temp").iterdir()) == []


def test_task_of_an_entry_keeps_the_cookie(tmp_path: Path) -> None:
    (task,) = tasks(write_share(tmp_path, {"a": "x"}))
    assert Task(task.location, task.spec, cookie="mine").cookie == "mine"
