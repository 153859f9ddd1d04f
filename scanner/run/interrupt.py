"""Ctrl-C and SIGTERM end a run cleanly: what was done so far is written, and the run says that it was cut short."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any


class Interrupts:
    """While it is open, the first Ctrl-C or SIGTERM calls `stop`; a second Ctrl-C breaks off at once. Only in the main thread."""

    def __init__(self, stop: Callable[[], None]) -> None:
        self._stop = stop
        self._before: dict[int, Any] = {}
        self.word: str | None = None
        """`interrupted` after Ctrl-C, `stopped` after SIGTERM, else None."""

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.word is not None and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.word = "interrupted" if number == signal.SIGINT else "stopped"
        self._stop()
