"""Telling: what receivers get, byte for byte, from names that are meant to break lines; and that a deaf one does no harm."""

from __future__ import annotations

import http.server
import io
import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scanner.outbound import tell
from scanner.outbound.state import GateState
from scanner.outbound.tell import Event, JsonLines, Syslog, Webhook, shown, syslog_line
from scanner.render.messages import Messages
from scanner.render.outbound import EventLines

HOSTILE = b'a\nb\x1b[31m\x00\x7f"]\\c\xff \xc2\x85\xe2\x80\xae.txt'
_RFC5424 = re.compile(
    rb"<(\d{1,3})>1 (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) ([!-~]{1,255}) (strayscan) (\d+) ([!-~]{1,32}) "
    rb'\[strayscan@32473((?: [!-~]+="(?:[^"\\\]]|\\["\\\]])*")*)\] \xef\xbb\xbf(.+)',
    re.DOTALL,
)


@pytest.fixture
def loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests talk to receivers of their own on 127.0.0.1, and to nobody else."""

    def connect(self: socket.socket, address: Any) -> None:
        assert self.family == socket.AF_UNIX or address[0] == "127.0.0.1", address
        super(socket.socket, self).connect(address)

    monkeypatch.setattr(socket.socket, "connect", connect)


def _event(path: bytes = b"partner/list.csv", **told: Any) -> Event:
    told = told or {"reasons": ["personal_data"], "kinds": {"PERSON": 3}, "persons": 3}
    return Event("held", "warning", shown(path), "20261128-0123456789ab", told)


# --------------------------------------------------------------------------- lines


def test_a_syslog_message_is_rfc_5424() -> None:
    found = _RFC5424.fullmatch(syslog_line(_event(), "gate.example", 42))
    assert found is not None
    assert found[1] == b"108"  # 13 (log audit) * 8 + 4 (warning)
    assert found[6] == b"held"
    assert b' path="partner/list.csv" item="20261128-0123456789ab"' in found[7]
    assert found[8] == b"held partner/list.csv"


@pytest.mark.parametrize("path", [HOSTILE, b'"]', b"\\", b"\n<11>1 - forged", "名簿.csv".encode()])
def test_no_name_breaks_out_of_a_line(path: bytes) -> None:
    event = _event(path)
    line = syslog_line(event, "h", 1)
    assert _RFC5424.fullmatch(line) is not None
    assert not re.search(rb"[\x00-\x1f\x7f]", line)
    assert "\u0085" not in line.decode() and "\u202e" not in line.decode()
    out, words = io.StringIO(), io.StringIO()
    JsonLines(out)(event)
    (text,) = out.getvalue().splitlines()
    assert text.isascii() and text.isprintable()
    assert json.loads(text)["path"] == shown(path)
    for lang in ("en", "ja"):
        words = io.StringIO()
        EventLines(words, Messages(lang))(event)
        assert words.getvalue().count("\n") == 1
        assert words.getvalue().rstrip("\n").isprintable()


@pytest.mark.parametrize(
    "what",
    [
        "started",
        "released",
        "held",
        "would_hold",
        "would_release",
        "not_a_file",
        "fault",
        "policy_taken",
        "policy_refused",
        "log_head",
        "stopped",
    ],
)
@pytest.mark.parametrize("lang", ["en", "ja"])
def test_every_event_has_a_line_in_both_languages(what: str, lang: str) -> None:
    out = io.StringIO()
    EventLines(out, Messages(lang))(
        Event(what, path="a.txt", item="i", told={"fault": "f", "seq": 1, "hash": "abc", "reasons": ["unread"]})
    )
    assert out.getvalue().strip()


def test_an_output_that_nobody_reads_any_more_does_no_harm() -> None:
    closed = io.StringIO()
    closed.close()
    JsonLines(closed)(_event())
    EventLines(closed, Messages("en"))(_event())


# --------------------------------------------------------------------------- syslog receivers


def test_syslog_by_udp(loopback: None) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(5)
        syslog = Syslog(f"udp://127.0.0.1:{receiver.getsockname()[1]}")
        syslog(_event(HOSTILE))
        syslog(_event())
        got = [receiver.recv(65_536) for _ in range(2)]
        syslog.close()
    assert all(_RFC5424.fullmatch(one) for one in got)


def test_syslog_by_tcp_counts_octets_and_survives_a_restart_of_the_receiver(loopback: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tell, "DEAF_SECONDS", 0.0)
    with socket.create_server(("127.0.0.1", 0)) as receiver:
        syslog = Syslog(f"tcp://127.0.0.1:{receiver.getsockname()[1]}")
        syslog(_event("名簿.csv".encode()))
        syslog(_event(HOSTILE))
        first, _ = receiver.accept()
        first.settimeout(5)
        with first:
            messages = list(_counted(first, 2))
        assert all(_RFC5424.fullmatch(one) for one in messages)
        heard = b""
        for _ in range(20):  # the first after the close may go nowhere, as TCP has it
            syslog(_event())
            receiver.settimeout(0.2)
            try:
                second, _ = receiver.accept()
            except TimeoutError:
                continue
            with second:
                second.settimeout(5)
                heard = next(iter(_counted(second, 1)))
            break
        syslog.close()
    assert _RFC5424.fullmatch(heard)


def _counted(connection: socket.socket, count: int) -> Iterator[bytes]:
    with connection.makefile("rb") as stream:
        for _ in range(count):
            size = b""
            while (digit := stream.read(1)) != b" ":
                size += digit
            yield stream.read(int(size))


def test_syslog_by_a_unix_socket(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(str(tmp_path / "log"))
        receiver.settimeout(5)
        syslog = Syslog(str(tmp_path / "log"))
        syslog(_event())
        assert _RFC5424.fullmatch(receiver.recv(65_536))
        syslog.close()


def test_a_syslog_that_is_not_there_is_counted_and_does_no_harm(tmp_path: Path) -> None:
    syslog = Syslog(str(tmp_path / "nobody"))
    syslog(_event())
    assert syslog.faults == 1
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as late:
        late.bind(str(tmp_path / "nobody"))
        syslog(_event())  # it is left alone for a while
        assert syslog.faults == 2


@pytest.mark.parametrize("address", ["http://host", "udp://", "tcp://host:99999", "host:514", ""])
def test_what_is_no_syslog_address_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="syslog address"):
        Syslog(address)


# --------------------------------------------------------------------------- webhook


class Receiver(http.server.BaseHTTPRequestHandler):
    """Fails the first two times."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        got: list[bytes] = self.server.got  # type: ignore[attr-defined]
        got.append(body)
        self.send_response(503 if len(got) <= 2 else 204)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Not in the tests' output."""


@pytest.fixture
def receiver(loopback: None) -> Iterator[http.server.ThreadingHTTPServer]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    server.got = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_webhook_that_fails_twice_gets_every_event_once_and_in_order(
    receiver: http.server.ThreadingHTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tell, "RETRY_SECONDS", (0.05,))
    state = GateState(tmp_path)
    with state.transaction():
        state.add_delivery('{"event": "held"}')
    hook = Webhook(f"http://127.0.0.1:{receiver.server_address[1]}/hook", lambda: GateState(tmp_path))
    hook.start()
    end = time.monotonic() + 20
    while state.deliveries_waiting():
        assert time.monotonic() < end
        time.sleep(0.02)
    hook.stop()
    state.close()
    assert receiver.got == [b'{"event": "held"}'] * 3  # type: ignore[attr-defined]


def test_what_a_webhook_did_not_take_waits_for_the_next_start(tmp_path: Path) -> None:
    def deaf(_: Any) -> None:
        raise OSError

    state = GateState(tmp_path)
    with state.transaction():
        state.add_delivery("{}")
    hook = Webhook("http://127.0.0.1:9/", lambda: GateState(tmp_path), send=deaf)
    hook.start()
    hook.wake()
    end = time.monotonic() + 20
    while hook.last_fault is None:
        assert time.monotonic() < end
        time.sleep(0.02)
    hook.stop()
    assert hook.last_fault == "OSError"
    assert state.deliveries_waiting() == 1
    state.close()


def test_a_webhook_is_no_file() -> None:
    with pytest.raises(ValueError):  # the sentence is another module's
        Webhook("file:///etc/passwd", lambda: None)
