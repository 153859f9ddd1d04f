"""What a service manager and a monitor want to know: readiness and a watchdog (sd_notify), health as a file or on loopback."""

from __future__ import annotations

import http.server
import json
import os
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from scanner.findings.publish import atomic_bytes

_EVERY: Final = 1.0
STALE_SECONDS: Final = 30.0
"""Health that is older says that the loop does not turn any more."""


def notify(message: str) -> None:
    """Tell the service manager (sd_notify(3)), where there is one. Never raises."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
        out.connect("\0" + address[1:] if address.startswith("@") else address)
        out.send(message.encode())


class Health:
    """The gate's state in numbers, written to a file and served on loopback. `set` by the gate, read by anybody."""

    def __init__(self, file: Path | None = None, port: int | None = None) -> None:
        """`port` 0: a free one, told as `port`. Raises OSError if it is taken."""
        self._file = None if file is None else file.absolute()
        self._numbers: dict[str, Any] = {}
        self._at = 0.0
        self._next = 0.0
        self._server: http.server.ThreadingHTTPServer | None = None
        self.port: int | None = None
        if port is not None:
            self._server = http.server.ThreadingHTTPServer(("127.0.0.1", port), _handler(self))
            self.port = self._server.server_address[1]
            threading.Thread(target=self._server.serve_forever, name="strayscan-health", daemon=True).start()

    def due(self, now: float) -> bool:
        """Is it time for new numbers? Infinity: the end."""
        if now == float("inf"):
            if self._server is not None:
                self._server.shutdown()
                self._server.server_close()
            return False
        if now < self._next:
            return False
        self._next = now + _EVERY
        return True

    def set(self, **numbers: Any) -> None:
        self._numbers, self._at = numbers, time.time()
        if self._file is not None:
            with suppress(OSError):
                atomic_bytes(self._file, json.dumps(self.told()).encode() + b"\n")

    def told(self) -> dict[str, Any]:
        """The numbers, with `at` in seconds since the epoch and `ok`: fresh, and nothing stuck."""
        fresh = time.time() - self._at < STALE_SECONDS
        return {"ok": fresh and not self._numbers.get("stuck"), "at": round(self._at, 3), **self._numbers}

    def metrics(self) -> str:
        """In Prometheus' text format, version 0.0.4."""
        lines = []
        for name, value in self.told().items():
            if isinstance(value, bool | int | float):
                lines += [f"# TYPE strayscan_watch_{name} gauge", f"strayscan_watch_{name} {float(value):.15g}"]
        return "\n".join(lines) + "\n"


def _handler(health: Health) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        """GET /health and /metrics; nothing else."""

        server_version, sys_version = "strayscan", ""

        def do_GET(self) -> None:
            if self.path == "/metrics":
                self._answer(200, "text/plain; version=0.0.4", health.metrics())
            elif self.path in ("/", "/health"):
                told = health.told()
                self._answer(200 if told["ok"] else 503, "application/json", json.dumps(told) + "\n")
            else:
                self._answer(404, "text/plain", "not found\n")

        def _answer(self, status: int, kind: str, text: str) -> None:
            data = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:  # the base class's name
            """A monitor's requests are no news."""

    return Handler
