"""What a service manager and a monitor hear: sd_notify datagrams, the health file, the page on loopback."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scanner.outbound import service
from scanner.outbound.service import Health, notify


def test_notify_reaches_the_managers_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for address in (str(tmp_path / "notify"), f"@strayscan-test-{tmp_path.name}"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind("\0" + address[1:] if address.startswith("@") else address)
            manager.settimeout(5)
            monkeypatch.setenv("NOTIFY_SOCKET", address)
            notify("READY=1")
            assert manager.recv(100) == b"READY=1"


@pytest.mark.parametrize("address", ["", "/nowhere/at/all", "relative"])
def test_without_a_manager_nothing_happens(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    notify("READY=1")


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Health]:
    health = Health(tmp_path / "health.json", 0)
    yield health
    health.due(float("inf"))


def _get(health: Health, path: str) -> tuple[int, str]:
    """Without the modules whose `connect` is guarded: over a bare socket."""
    assert health.port is not None
    with socket.socket(socket.AF_INET) as one:
        super(socket.socket, one).connect(("127.0.0.1", health.port))
        one.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
        with one.makefile("rb") as stream:
            head, _, body = stream.read().partition(b"\r\n\r\n")
    return int(head.split()[1]), body.decode()


def test_the_page_and_the_file_tell_the_same(served: Health, tmp_path: Path) -> None:
    served.set(queue=3, oldest_seconds=1.5, found_by_reconciling=0, last_error=None, stuck=0)
    status, body = _get(served, "/health")
    told = json.loads(body)
    assert status == 200
    assert told == json.loads((tmp_path / "health.json").read_text())
    assert told["ok"] is True
    assert told["queue"] == 3
    status, body = _get(served, "/metrics")
    assert status == 200
    assert "strayscan_watch_queue 3\n" in body
    assert "strayscan_watch_oldest_seconds 1.5\n" in body
    assert _get(served, "/../etc/passwd")[0] == 404


def test_it_listens_on_loopback_alone(served: Health) -> None:
    assert served._server is not None
    assert served._server.server_address[0] == "127.0.0.1"


def test_what_is_stuck_or_old_is_not_well(served: Health, monkeypatch: pytest.MonkeyPatch) -> None:
    served.set(queue=0, stuck=1)
    assert _get(served, "/health")[0] == 503
    served.set(queue=0, stuck=0)
    assert _get(served, "/health")[0] == 200
    later = time.time() + service.STALE_SECONDS + 1
    monkeypatch.setattr(service.time, "time", lambda: later)
    assert _get(served, "/health")[0] == 503


def test_numbers_are_due_once_a_second() -> None:
    health = Health()
    assert [health.due(now) for now in (100.0, 100.5, 101.1)] == [True, False, True]


def test_a_health_file_that_cannot_be_written_does_no_harm(tmp_path: Path) -> None:
    health = Health(tmp_path / "nowhere" / "health.json")
    health.set(queue=0)
    told: dict[str, Any] = health.told()
    assert told["queue"] == 0
