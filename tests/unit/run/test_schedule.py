"""Runs that end by the clock, and what they tell when they end."""

from __future__ import annotations

import datetime
import io
import json
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from email.message import Message
from pathlib import Path
from typing import Any

import pytest

from scanner.api import open_findings
from scanner.run import afterwards, scan
from scanner.run.pace import Pace
from scanner.run.runlog import RunLog
from scanner.run.summary import RunSummary
from scanner.run.window import Deadline, Window, seconds_allowed
from tests.unit.run.quick_pipeline import reads
from tests.unit.run.quick_run import quick, run, write

UTC = datetime.UTC


@pytest.fixture
def share(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    quick(monkeypatch)
    for number in range(6):
        write(tmp_path / "share" / f"f{number}.txt", f"sleep 0.15\np{number}@example.com\n")
    return tmp_path / "share"


# --------------------------------------------------------------------------- the end


def test_stopped_by_time_and_gone_on(share: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = run(share, out, max_seconds=0.4)
    assert (first.outcome, first.exit_status) == ("stopped", 3)
    done = len(reads(out))
    assert 0 < done < 6
    assert first.objects == done
    second = run(share, out)
    assert (second.outcome, second.exit_status) == ("complete", 1)
    assert len(reads(out)) == 6 - done
    assert second.by_status == {"unchanged": done, "scanned": 6 - done}
    assert len(open_findings(out).findings()) == 6


def test_outside_its_window_nothing_is_read(share: Path, tmp_path: Path) -> None:
    now = datetime.datetime.now().astimezone()
    since, until = now + datetime.timedelta(hours=2), now + datetime.timedelta(hours=3)
    summary = run(share, tmp_path / "out", window=f"{since:%H:%M}-{until:%H:%M}")
    assert (summary.outcome, summary.exit_status) == ("stopped", 3)
    assert len(reads(tmp_path / "out")) <= 1


@pytest.mark.parametrize(
    ("window", "now", "left"),
    [
        ("22:00-06:00", "21:59", 0),
        ("22:00-06:00", "22:00", 8 * 3600),
        ("22:00-06:00", "05:59", 60),
        ("22:00-06:00", "06:00", 0),
        ("9:30-12:00", "11:00", 3600),
        ("9:30-12:00", "12:00", 0),
        ("20:00-24:00", "23:00", 3600),
        ("00:00-01:00", "00:30", 1800),
    ],
)
def test_window(window: str, now: str, left: float, monkeypatch: pytest.MonkeyPatch) -> None:
    moment = datetime.datetime.combine(datetime.date(2026, 1, 15), datetime.time.fromisoformat(now)).astimezone()
    assert Window.parse(window).seconds_left(moment) == left


@pytest.mark.parametrize("text", ["", "22:00", "22-06", "25:00-06:00", "22:60-06:00", "22:00-22:00", "22:00-06:00:00", "２２:00-06:00"])
def test_no_window(text: str) -> None:
    with pytest.raises(ValueError, match="window"):
        Window.parse(text)


def test_the_nearer_end_counts() -> None:
    noon = datetime.datetime(2026, 1, 15, 12, 0).astimezone()
    assert seconds_allowed(None, None, noon) is None
    assert seconds_allowed(Window.parse("11:00-13:00"), 60.0, noon) == 60
    assert seconds_allowed(Window.parse("11:00-13:00"), 9999.0, noon) == 3600


def test_deadline_without_an_end() -> None:
    with Deadline(None, lambda: pytest.fail("never")) as deadline:
        assert not deadline.passed


def test_pace() -> None:
    now, naps, alive = [100.0], [], []

    def sleep(seconds: float) -> None:
        naps.append(seconds)
        now[0] += seconds

    pace = Pace(1000.0, lambda: now[0], sleep)
    pace.spend(500, lambda: None)
    assert naps == [], "a second's worth may be read at once"
    pace.spend(2500, lambda: alive.append(1))
    assert sum(naps) == pytest.approx(2.0)
    assert len(alive) >= 4, "whoever waits still says that it lives"


# --------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    "settings",
    [{"window": "late"}, {"log_format": "xml"}, {"notify_command": "no-such-program-here"}, {"notify_command": "'"}]
    + [{"webhook": url} for url in ("ftp://example.com", "http://", "example.com", "https://example.com/a b", "file:///etc/passwd")],
)
def test_settings_that_make_no_sense_are_told_first(share: Path, tmp_path: Path, settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        run(share, tmp_path / "out", **settings)
    assert not (tmp_path / "out").exists()


# --------------------------------------------------------------------------- what is told


def test_metrics_command_and_log(share: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRAYSCAN_KEY", "a key of the test")
    program = (
        "import os, pathlib, sys; pathlib.Path(sys.argv[1]).write_bytes(sys.stdin.buffer.read()); assert 'STRAYSCAN_KEY' not in os.environ"
    )
    told = tmp_path / "told.json"
    command = f'{sys.executable} -c "{program}" {told}'
    out, metrics = tmp_path / "out", tmp_path / "strayscan.prom"
    summary = run(share, out, metrics=metrics, notify_command=command, log_format="json")
    assert summary.notes == ()
    assert json.loads(told.read_text())["run_id"] == summary.run_id
    lines = metrics.read_text().splitlines()
    assert 'strayscan_objects{status="scanned"} 6' in lines
    assert "strayscan_findings 6" in lines
    assert "strayscan_last_complete_run_age_seconds 0" in lines
    assert all(re.fullmatch(r'# (HELP|TYPE) .+|strayscan_[a-z_]+(\{[a-z]+="[a-z_]+"\})? [0-9.e+-]+', line) for line in lines)
    events = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [event["event"] for event in events if event["event"] != "checkpoint"] == ["run_started", "run_ended"]
    assert events[-1]["exit_status"] == 1
    everything = told.read_text() + metrics.read_text() + json.dumps(events)
    assert "@example.com" not in everything


def test_what_fails_is_said_and_changes_nothing(share: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(request: urllib.request.Request) -> int:
        raise urllib.error.URLError("no route")

    monkeypatch.setattr(scan, "post", lambda url, summary: afterwards.post(url, summary, refuse, lambda seconds: None))
    summary = run(
        share,
        tmp_path / "out",
        metrics=tmp_path / "no" / "such" / "folder" / "m.prom",
        notify_command=f"{sys.executable} -c 'raise SystemExit(7)'",
        webhook="https://example.com/hook",
    )
    assert summary.exit_status == 1
    assert [note.partition(":")[0] for note in summary.notes] == ["metrics", "notify command", "webhook"]
    assert "status 7" in summary.notes[1]


def _http_error(code: int) -> urllib.error.HTTPError:
    return urllib.error.HTTPError("https://example.com", code, "told by the server", Message(), io.BytesIO())


@pytest.mark.parametrize(("answers", "calls"), [([200], 1), ([503, 200], 2), ([429, "gone", 200], 3)])
def test_webhook_is_tried_again(answers: list[int | str], calls: int) -> None:
    seen: list[urllib.request.Request] = []
    naps: list[float] = []

    def send(request: urllib.request.Request) -> int:
        seen.append(request)
        answer = answers[len(seen) - 1]
        if isinstance(answer, str):
            raise ConnectionResetError
        if answer != 200:
            raise _http_error(answer)
        return answer

    afterwards.post("https://example.com/hook", {"objects": 1}, send, naps.append)
    assert len(seen) == calls
    assert len(naps) == calls - 1
    assert seen[0].get_method() == "POST"
    assert json.loads(seen[0].data or b"") == {"objects": 1}  # type: ignore[arg-type]


@pytest.mark.parametrize(("code", "calls"), [(404, 1), (302, 1), (500, 3)])
def test_webhook_gives_up(code: int, calls: int) -> None:
    seen = []

    def send(request: urllib.request.Request) -> int:
        seen.append(1)
        raise _http_error(code)

    with pytest.raises(RuntimeError, match=str(code)) as fault:
        afterwards.post("https://example.com/hook", {}, send, lambda seconds: None)
    assert len(seen) == calls
    assert "told by the server" not in str(fault.value)


def test_redirects_are_not_followed() -> None:
    assert afterwards._NoRedirect().redirect_request(None, None, 302, "", {}, "https://elsewhere.example.com") is None  # type: ignore[func-returns-value]


def test_the_last_complete_run_of_the_same_roots(share: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    whole = run(share, out)
    other = run(write(tmp_path / "other" / "x.txt", "x").parent, out)
    assert afterwards.last_complete(out, whole) == whole.ended
    assert afterwards.last_complete(out, other) == other.ended
    assert "last_complete" not in afterwards.metrics(RunSummary("r", "o", (), datetime.datetime.now(UTC)), None)


def test_a_log_whose_reader_is_gone_ends_quietly() -> None:
    stream = io.StringIO()
    stream.close()
    log = RunLog(stream)
    log("one")
    log("two")


# --------------------------------------------------------------------------- the units of the how-to

HOW_TO = Path(__file__).parents[3] / "docs" / "how-to" / "schedule.md"


def units(page: Path = HOW_TO) -> dict[str, str]:
    """The unit files that the page shows: each block is preceded by its name in bold code."""
    return dict(re.findall(r"\*\*`([\w.-]+)`\*\*\n\n```ini\n(.*?)```", page.read_text(encoding="utf-8"), re.S))


def test_units_are_sound(tmp_path: Path) -> None:
    shown = units()
    assert set(shown) == {"strayscan.service", "strayscan.timer"}
    for name, text in shown.items():
        keys = [line for line in text.splitlines() if line and not line.startswith(("#", "["))]
        assert all(re.fullmatch(r"[A-Z][A-Za-z]+=(\S.*)?", line) for line in keys), name
        (tmp_path / name).write_text(text.replace("/opt/strayscan/bin/strayscan", sys.executable), encoding="utf-8")
    assert {"[Unit]", "[Service]"} <= set(shown["strayscan.service"].splitlines())
    assert {"[Timer]", "[Install]"} <= set(shown["strayscan.timer"].splitlines())
    verify = shutil.which("systemd-analyze")
    if verify is not None:
        done = subprocess.run([verify, "verify", *map(str, tmp_path.glob("strayscan.*"))], capture_output=True, text=True, check=False)
        faults = [line for line in done.stderr.splitlines() if "strayscan" in line]
        assert not faults


def test_options_of_the_units_exist() -> None:
    from scanner.cli.scan import command

    known = {option for parameter in command.params for option in parameter.opts}
    lines = [*units()["strayscan.service"].splitlines(), *HOW_TO.read_text(encoding="utf-8").splitlines()]
    used = {word for line in lines if "strayscan scan" in line for word in re.findall(r"(?<=\s)--[a-z-]+", line)}
    assert len(used) >= 5
    assert used <= known
