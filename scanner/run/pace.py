"""Keeps reading below a rate, so that a scan at work leaves a file server to its users."""

from __future__ import annotations

import time
from collections.abc import Callable

_LONGEST_NAP = 0.5  # seconds: whoever waits still says that it lives
_BURST = 1.0  # seconds of the rate that may be read at once after a rest


class Pace:
    """A bucket of bytes that fills at `rate` bytes a second."""

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep) -> None:
        if not rate > 0:
            raise ValueError("a rate is more than 0")
        self._rate = rate
        self._clock = clock
        self._sleep = sleep
        self._free_at = clock() - _BURST

    def spend(self, count: int, alive: Callable[[], None]) -> None:
        """`count` bytes were read: wait until they are within the rate, calling `alive` at least every half second."""
        self._free_at = max(self._free_at, self._clock() - _BURST) + count / self._rate
        while (wait := self._free_at - self._clock()) > 0:
            self._sleep(min(wait, _LONGEST_NAP))
            alive()
