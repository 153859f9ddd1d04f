"""The printed summary: what it says, what it never lets through, how it lines up."""

from __future__ import annotations

import datetime
import io
import shlex
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from scanner.render.messages import CATALOGUES, Messages
from scanner.render.progress import ProgressBar
from scanner.render.terminal import duckdb_command, lasted, print_summary
from scanner.render.visible import file_size, visible
from scanner.run.progress import RunProgress
from scanner.run.summary import OverdueReview, RunSummary, StoreState, StrayObject, UnreadGroup

START = datetime.datetime(2026, 6, 1, tzinfo=datetime.UTC)


def stray(path: str, **changes: Any) -> StrayObject:
    basis: dict[str, Any] = {"root": "/srv", "path": path, "member": None, "severity": "high", "department": "Sales", "store": None}
    basis |= {"entity_types": ("PERSON", "ADDRESS"), "persons": 1200, "findings": 2, "exposure": "everyone"}
    return StrayObject(**(basis | changes))


def summary(**changes: Any) -> RunSummary:
    basis: dict[str, Any] = {
        "run_id": "20260601T000000Z-1",
        "out": "/out",
        "roots_asked": ("/srv",),
        "started": START,
        "ended": START + datetime.timedelta(seconds=75),
        "objects": 1234,
        "by_status": {"scanned": 1230, "unreadable": 4},
        "by_verdict": {"stray": 2, "unread": 4},
        "by_severity": {"high": 2},
        "persons_stray": 2400,
        "bytes_read": 5_300_000,
        "unread_unexcused": 3,
        "unread": (UnreadGroup("encrypted", 4, 1, (("/srv", "a.zip", "b!c"),)),),
        "worst": (stray("leak.csv"), stray("営業/顧客名簿.xlsx", department="営業部")),
        "stray_with_findings": 25,
        "stores": (StoreState("crm"), StoreState("hr", reason="missing")),
        "overdue": (OverdueReview("crm", datetime.date(2026, 1, 31)),),
        "policy": "policy.yaml",
    }
    return RunSummary(**(basis | changes))


def printed(of: RunSummary, lang: str = "en") -> str:
    stream = io.StringIO()
    print_summary(of, stream, lang)
    return stream.getvalue()


def test_it_says_what_a_person_needs() -> None:
    text = printed(summary())
    for words in (
        "1,234 objects met, 5.3 MB read in 1 min 15 s",
        "2 objects hold stray personal data, of 2,400 persons",
        "leak.csv",
        "... and 23 more",
        "4 objects were not fully read, 1 excused",
        "encrypted (encrypted)",
        "a.zip!b!c",
        "hr: its paths match nothing",
        "Copies were not traced of: crm",
        "The review of store crm was due on 2026-01-31",
        "The findings lie in /out",
        "Status 3",
        "strayscan policy explain /srv/leak.csv --policy policy.yaml",
    ):
        assert words in text


@pytest.mark.parametrize("lang", sorted(CATALOGUES))
@pytest.mark.parametrize("outcome", ["complete", "incomplete", "stopped", "failed", "interrupted"])
def test_every_outcome_in_every_language(lang: str, outcome: str) -> None:
    assert "20260601T000000Z-1" in printed(summary(outcome=outcome), lang)


def test_nothing_to_tell() -> None:
    clean = summary(by_verdict={}, by_severity={}, worst=(), unread=(), unread_unexcused=0, stores=(), overdue=(), policy=None)
    text = printed(clean)
    assert "No stray personal data was found." in text
    assert "Everything was read." in text
    assert "Status 0" in text
    assert "explain" not in text


def test_a_pipe_gets_plain_text() -> None:
    assert "\x1b" not in printed(summary())


HOSTILE = "a\x1b[2Jb\nc\u202ed\u200be\x9bf[bold]g:smile:\x7f"


def test_names_cannot_steer_the_terminal() -> None:
    text = printed(
        summary(
            worst=(stray(HOSTILE, department=HOSTILE, member=HOSTILE),),
            unread=(UnreadGroup("encrypted", 1, 0, (("/srv", HOSTILE, None),)),),
            stores=(StoreState(HOSTILE), StoreState(HOSTILE, reason="missing")),
            out="/" + HOSTILE,
            roots_not_reached=(HOSTILE,),
            notes=(HOSTILE,),
            overdue=(OverdueReview(HOSTILE, datetime.date(2026, 1, 1)),),
        )
    )
    assert not [char for char in text if char != "\n" and not char.isprintable()]
    assert "[bold]g:smile:" in text


def test_a_name_of_thousands_of_characters_leaves_room_for_the_others() -> None:
    """Paths may be longer than 4,096 bytes; the summary is to be read all the same."""
    text = printed(summary(worst=(stray("deep/" + "d/" * 3000 + "list.csv"),)))
    assert "list.csv" in text
    assert "deep/d/d" in text
    assert len(text.splitlines()) < 50


def test_wide_characters_line_up() -> None:
    lines = printed(summary()).splitlines()
    columns = [
        cell_len(line[: line.index(name)])
        for name in ("Object", "leak.csv", "営業/顧客")
        for line in lines
        if name in line and "explain" not in line
    ]
    assert len(columns) == 3
    assert len(set(columns)) == 1


def test_several_roots_are_told_apart() -> None:
    text = printed(summary(roots_asked=("/srv", "/other"), worst=(stray("x", root="/other"),)))
    assert "/other/x" in text


def test_the_next_step_can_be_typed() -> None:
    command = duckdb_command(summary(out='/it\'s "here" $HOME'))
    python, option, script = shlex.split(command)
    assert (python, option) == ("python", "-c")
    compile(script, "script", "exec")


@given(st.text(max_size=30))
def test_visible_is_printable_and_keeps_what_is(text: str) -> None:
    shown = visible(text)
    assert "\x1b" not in shown
    assert shown.isprintable() or all(char.isprintable() or char.isspace() for char in shown)
    if text.isascii() and text.isprintable():
        assert shown == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (99_940, "99.9 kB"), (250_000, "250 kB"), (1_500_000, "1.5 MB"), (3 * 10**15, "3.0 PB")],
)
def test_file_size(count: int, text: str) -> None:
    assert file_size(count) == text


@pytest.mark.parametrize(("seconds", "text"), [(0.04, "0.0 s"), (42, "42 s"), (59.7, "1 min 0 s"), (3725, "1 h 2 min")])
def test_lasted(seconds: float, text: str) -> None:
    assert lasted(seconds, Messages("en")) == text


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_silent_in_a_pipe() -> None:
    stream = io.StringIO()
    with ProgressBar(stream, "en") as progress:
        progress(RunProgress(10, 100, False, 5, 50))
    assert stream.getvalue() == ""


def test_progress_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    with ProgressBar(stream, "en") as progress:
        progress(RunProgress(10, 100, True, 5, 50, stray=1))
        progress(RunProgress(10, 100, False, 10, 100, stray=2, unread=1))
    assert "10 of 10 files" in stream.getvalue()
    assert "2 stray, 1 unread" in stream.getvalue()
