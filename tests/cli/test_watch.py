"""`strayscan watch` and `strayscan hold`, the real commands: a day at the gate, from its start as a service to SIGTERM."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import COMMAND, one_sentence, strayscan

HOSTILE = b"a\nb\x1b[31m\xff.txt"
VALUES = ("hanako.sato@partner.example", "090-1234-5678")
POLICY = "version: 1\ndetect: {entities: [EMAIL_ADDRESS, PHONE_NUMBER]}\noutbound: {settle_seconds: 0.5, ask: Information Security}\n"
ROOT = Path(__file__).parents[2]


class Service:
    """The watch as a service manager starts it, with everything that it says."""

    def __init__(self, home: Path) -> None:
        self.home = home
        for name in ("out", "release"):
            (home / name).mkdir()
        (home / "policy.yaml").write_text(POLICY)
        self.manager, self.syslog = self._socket("notify"), self._socket("log")
        self.notified: list[bytes] = []
        self.events: list[dict[str, Any]] = []
        folders = ["watch", "out", "--policy", "policy.yaml", "--release", "release", "--hold", "hold", "--jobs", "1"]
        told = ["--events", "json", "--syslog", str(home / "log"), "--health-file", "health.json"]
        environ = os.environ | {"NOTIFY_SOCKET": str(home / "notify"), "PYTHONPATH": str(ROOT)}
        with (home / "stdout").open("wb") as out, (home / "stderr").open("wb") as errors:
            self.process = subprocess.Popen([*COMMAND, *folders, *told], cwd=home, env=environ, stdout=out, stderr=errors)

    def _socket(self, name: str) -> socket.socket:
        made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        made.setblocking(False)
        made.bind(str(self.home / name))
        return made

    def until(self, said: Callable[[], Any], what: str) -> None:
        end = time.monotonic() + 90
        while not said():
            assert time.monotonic() < end and self.process.poll() is None, (what, self.told(), (self.home / "stderr").read_text())
            self._listen()
            time.sleep(0.05)

    def _listen(self) -> None:
        try:
            while True:
                self.notified.append(self.manager.recv(4_096))
        except BlockingIOError:
            pass

    def told(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.home / "stdout").read_text().splitlines()]

    def happened(self, event: str, path: str | None = None) -> bool:
        return any(one["event"] == event and (path is None or one.get("path") == path) for one in self.told())

    def everything(self) -> bytes:
        """Every byte that it told anybody, but the hold folder's."""
        parts = [(self.home / name).read_bytes() for name in ("stdout", "stderr", "health.json")]
        self._listen()
        try:
            while True:
                parts.append(self.syslog.recv(65_536))
        except BlockingIOError:
            pass
        return b"\n".join([*parts, *self.notified])


@contextmanager
def _service(home: Path) -> Iterator[Service]:
    service = Service(home)
    try:
        yield service
    finally:
        service.process.kill()
        service.process.wait()
        service.manager.close()
        service.syslog.close()


def _hold(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return strayscan("hold", *words, "--hold", home / "hold", cwd=home)


def test_a_day_at_the_gate(tmp_path: Path) -> None:
    with _service(tmp_path) as service:
        service.until(lambda: b"READY=1" in service.notified, "ready")
        out = tmp_path / "out"
        (out / "agenda.txt").write_text("meeting at ten\n")
        (out / "list.csv").write_text(f"mail,phone\n{VALUES[0]},{VALUES[1]}\n")
        (out / "big.zip.part").write_text("half\n")
        (out / os.fsdecode(HOSTILE)).write_text("harmless\n")
        service.until(lambda: service.happened("released", "agenda.txt"), "released")
        service.until(lambda: service.happened("held", "list.csv"), "held")
        service.until(lambda: service.happened("released", "a\nb\x1b[31m\\xff.txt"), "hostile name")
        assert (tmp_path / "release" / os.fsdecode(HOSTILE)).read_text() == "harmless\n"
        assert (tmp_path / "release" / "agenda.txt").read_text() == "meeting at ten\n"
        assert sorted(os.listdir(out)) == ["big.zip.part", "list.csv.held.txt"]

        (tmp_path / "policy.yaml").write_text("version: 1\noutbound: {unheard: of}\n")
        service.process.send_signal(signal.SIGHUP)
        service.until(lambda: service.happened("policy_refused"), "bad policy")
        (tmp_path / "policy.yaml").write_text(POLICY.replace("ask:", "default: {allow: [EMAIL_ADDRESS, PHONE_NUMBER]}, ask:"))
        service.process.send_signal(signal.SIGHUP)
        service.until(lambda: service.happened("policy_taken"), "good policy")
        (out / "list2.csv").write_text(f"mail,phone\n{VALUES[0]},{VALUES[1]}\n")
        service.until(lambda: service.happened("released", "list2.csv"), "by the new policy")
        service.until(lambda: any(one.startswith(b"RELOADING=1\nMONOTONIC_USEC=") for one in service.notified), "reloading")
        service.until(lambda: b"WATCHDOG=1" in service.notified, "watchdog")

        assert "another watch is running" in one_sentence(
            strayscan("watch", "out", "--policy", "policy.yaml", "--release", "release", "--hold", "hold", cwd=tmp_path)
        )
        health = json.loads((tmp_path / "health.json").read_text())
        assert (health["ok"], health["stuck"], health["held"], health["unfinished"]) == (True, 0, 1, 1)
        service.process.terminate()
        assert service.process.wait(60) == 0
        assert service.happened("stopped")
        everything = service.everything()
    assert b"STOPPING=1" in service.notified
    assert not [value for value in VALUES if value.encode() in everything]
    assert b"\x1b" not in everything

    # the approver's turn
    shown = _hold(tmp_path, "list")
    assert shown.returncode == 0 and "list.csv" in shown.stdout
    (one,) = json.loads(_hold(tmp_path, "list", "--json").stdout)
    told = _hold(tmp_path, "show", one["item"])
    assert told.returncode == 0 and "EMAIL_ADDRESS" in told.stdout
    assert not [value for value in VALUES if value in told.stdout + shown.stdout]
    assert _hold(tmp_path, "verify").returncode == 0


def test_what_lies_there_is_decided_and_unfinished_uploads_end_in_status_3(tmp_path: Path) -> None:
    for name in ("out", "release"):
        (tmp_path / name).mkdir()
    (tmp_path / "policy.yaml").write_text(POLICY)
    (tmp_path / "out" / "a.txt").write_text(f"write to {VALUES[0]}\n")
    (tmp_path / "out" / "b.crdownload").write_text("half")
    alert = ["watch", "out", "--policy", "policy.yaml", "--alert-only", "--out", "findings", "--once", "--jobs", "1"]
    done = strayscan(*alert, cwd=tmp_path)
    assert done.returncode == 3, done
    assert "WOULD HOLD a.txt" in done.stdout
    assert VALUES[0] not in done.stdout + done.stderr
    assert sorted(os.listdir(tmp_path / "out")) == ["a.txt", "b.crdownload"]
    assert os.listdir(tmp_path / "release") == []


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--alert-only", "--release", "r", "--hold", "h"], "--alert-only moves nothing"),
        (["--alert-only"], "--out"),
        (["--release", "r"], "needs --release and --hold"),
        (["--release", "r", "--hold", "r/h"], "lies in"),
        (["--release", "nowhere", "--hold", "h"], "no such folder"),
        (["--release", "r", "--hold", "h", "--syslog", "http://x"], "syslog address"),
        (["--release", "r", "--hold", "h", "--webhook", "file:///x"], "http"),
    ],
)
def test_refusals(tmp_path: Path, words: list[str], sentence: str) -> None:
    for name in ("out", "r"):
        (tmp_path / name).mkdir()
    (tmp_path / "policy.yaml").write_text(POLICY)
    assert sentence in one_sentence(strayscan("watch", "out", "--policy", "policy.yaml", *words, cwd=tmp_path))
