"""The log of a run as JSON lines: one object an event, fields instead of sentences, no value and no path but the roots."""

from __future__ import annotations

import datetime
import json
import time
from dataclasses import asdict
from typing import IO, Any

from scanner.run.progress import RunProgress

PROGRESS_SECONDS = 30.0


class RunLog:
    """Writes events to `stream`, or nowhere. A stream that is gone ends the log, not the run."""

    def __init__(self, stream: IO[str] | None) -> None:
        self._stream = stream
        self._told_at = time.monotonic()

    def __call__(self, event: str, level: str = "info", **fields: Any) -> None:
        if self._stream is None:
            return
        line = {"time": datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds"), "level": level, "event": event, **fields}
        try:
            self._stream.write(json.dumps(line, default=str) + "\n")
            self._stream.flush()
        except (OSError, ValueError):
            self._stream = None

    def progress(self, now: RunProgress) -> None:
        """Twice a minute."""
        if time.monotonic() - self._told_at >= PROGRESS_SECONDS:
            self._told_at = time.monotonic()
            self("progress", **asdict(now))
