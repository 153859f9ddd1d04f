"""Telling others what the gate does: terminal, JSON lines, syslog, webhook. Paths and numbers, never a value.

A webhook's events wait in the gate's state until they are taken, whatever dies; the other ways are told once, at the time.
"""

from __future__ import annotations

import datetime
import json
import os
import socket
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, TextIO

from scanner.model import path_text

FACILITY: Final = 13  # "log audit" of RFC 5424, table 1
ENTERPRISE: Final = "strayscan@32473"  # the number that RFC 5612 reserves for documentation; collectors know it by its name
DEAF_SECONDS: Final = 5.0  # a receiver that does not answer is left alone for so long: the gate must not wait for it at each event
_PATIENCE: Final = 2.0
_SEVERITIES: Final = {"error": 3, "warning": 4, "notice": 5, "info": 6}
RETRY_SECONDS: Final = (5.0, 30.0, 120.0, 600.0, 3_600.0)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened. `what`: released, held, ...; `told`: words and numbers."""

    what: str
    severity: str = "info"
    path: str | None = None
    item: str | None = None
    told: Mapping[str, Any] = field(default_factory=dict)
    at: datetime.datetime = field(default_factory=lambda: datetime.datetime.now(datetime.UTC))

    def to_json(self) -> dict[str, Any]:
        plain = {"at": self.at.isoformat(timespec="milliseconds"), "event": self.what, "severity": self.severity}
        named = {"path": self.path, "item": self.item}
        return {**plain, **{name: value for name, value in named.items() if value is not None}, **self.told}


def shown(path: bytes) -> str:
    """A path as outputs show it."""
    return path_text(path)


Teller = Callable[[Event], None]
"""A way of telling. It never raises: what cannot be told must not stop the gate."""


class JsonLines:
    """One JSON object a line."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __call__(self, event: Event) -> None:
        with suppress(OSError, ValueError):
            self._stream.write(json.dumps(event.to_json()) + "\n")  # ASCII: no name can end a line or move a terminal's cursor
            self._stream.flush()


class Syslog:
    """RFC 5424 to `udp://host:port` (RFC 5426), `tcp://host:port` (octet counting, RFC 6587) or a Unix datagram socket's path."""

    def __init__(self, address: str, hostname: str | None = None) -> None:
        """Raises ValueError, with a sentence for the user, for what is no such address."""
        self.address = address
        self._host = _printable(hostname or socket.gethostname(), 255) or "-"
        self._socket: socket.socket | None = None
        if address.startswith("/"):
            self._kind, self._where = "unix", (address,)
            return
        parts = urllib.parse.urlsplit(address)
        try:
            port = parts.port or 514
        except ValueError:
            port = 0
        if parts.scheme not in ("udp", "tcp") or not parts.hostname or not port:
            raise ValueError("a syslog address is udp://HOST:PORT, tcp://HOST:PORT or the path of a socket such as /dev/log")
        self._kind, self._where = parts.scheme, (parts.hostname, port)  # type: ignore[assignment]

    faults = 0
    """Events that could not be told."""
    _deaf_until = 0.0

    def __call__(self, event: Event) -> None:
        if time.monotonic() < self._deaf_until:
            self.faults += 1
            return
        data = syslog_line(event, self._host, os.getpid())
        for _ in range(2):  # a connection that was closed meanwhile is made anew once
            try:
                self._send(data)
                return
            except OSError:
                self.close()
        self.faults += 1
        self._deaf_until = time.monotonic() + DEAF_SECONDS

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _send(self, data: bytes) -> None:
        if self._socket is None:
            self._socket = self._connected()
        if self._kind == "tcp":
            self._socket.sendall(b"%d " % len(data) + data)
        else:
            self._socket.send(data)

    def _connected(self) -> socket.socket:
        address: Any = self._where[0]
        family, kind, proto = socket.AF_UNIX, socket.SOCK_DGRAM, 0
        if self._kind != "unix":
            host, port = self._where  # type: ignore[misc]
            if self._kind == "tcp":
                return socket.create_connection((host, port), timeout=_PATIENCE)
            family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
        made = socket.socket(family, kind, proto)
        try:
            made.settimeout(_PATIENCE)
            made.connect(address)
        except OSError:
            made.close()
            raise
        return made


def syslog_line(event: Event, host: str, pid: int) -> bytes:
    """One message: header, the event as structured data, and what happened as text. ASCII controls never get through."""
    priority = FACILITY * 8 + _SEVERITIES.get(event.severity, 6)
    at = event.at.astimezone(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    told = {"path": event.path, "item": event.item, **event.told}
    params = " ".join(f'{_printable(name, 32)}="{_param(value)}"' for name, value in told.items() if value is not None)
    data = f"[{ENTERPRISE}{' ' + params if params else ''}]"
    header = f"<{priority}>1 {at} {host} strayscan {pid} {_printable(event.what, 32)} {data}"
    return header.encode() + b" \xef\xbb\xbf" + f"{event.what} {_text(event.path or '')}".rstrip().encode()


def _printable(text: str, most: int) -> str:
    """PRINTUSASCII without what ends a name in structured data."""
    return "".join(letter for letter in text if "!" <= letter <= "~" and letter not in '="]')[:most]


def _param(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return _text(text).replace("\\", "\\\\").replace('"', '\\"').replace("]", "\\]")


def _text(text: str) -> str:
    return "".join(letter if letter.isprintable() else f"\\x{ord(letter):02x}" for letter in text)


# --------------------------------------------------------------------------- webhook


class Webhook:
    """Posts what waits in the state, from a thread of its own with a connection of its own; a fault is tried again, ever later."""

    def __init__(self, url: str, open_state: Callable[[], Any], send: Callable[[urllib.request.Request], Any] | None = None) -> None:
        """`open_state` gives a `GateState` for the thread. Raises ValueError for what is no web address."""
        from scanner.run.afterwards import check_url, open_request

        self._url = check_url(url)
        self._send = send or open_request
        self._open_state = open_state
        self._news = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._post_on, name="strayscan-webhook", daemon=True)
        self.last_fault: str | None = None

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        self._news.set()

    def stop(self) -> None:
        self._stopping = True
        self._news.set()
        if self._thread.is_alive():
            self._thread.join(15.0)

    def _post_on(self) -> None:
        state = self._open_state()
        try:
            while not self._stopping:
                self._news.wait(1.0)
                self._news.clear()
                while not self._stopping and self._post_due(state):
                    pass
        finally:
            state.close()

    def _post_due(self, state: Any) -> bool:
        """Post the oldest that is due; False if there was none or it failed."""
        for seq, body, tries in state.deliveries(time.time(), 1):
            request = urllib.request.Request(  # noqa: S310  # check_url
                self._url, body.encode(), {"Content-Type": "application/json", "User-Agent": "strayscan"}, method="POST"
            )
            try:
                self._send(request)
            except (OSError, ValueError) as error:
                self.last_fault = type(error).__name__
                with state.transaction():
                    state.deliver_later(seq, time.time() + RETRY_SECONDS[min(tries, len(RETRY_SECONDS) - 1)])
                return False
            self.last_fault = None
            with state.transaction():
                state.delivered(seq)
            return True
        return False
