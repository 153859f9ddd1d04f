"""When a run has to end: a time window of the day, a longest duration, or both."""

from __future__ import annotations

import datetime
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass

_WINDOW = re.compile(r"(\d{1,2}):(\d{2})-(\d{1,2}):(\d{2})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Window:
    """Hours of the day, in local time, in which a run may work; `until` before `since` lies on the next day."""

    since: datetime.time
    until: datetime.time

    @classmethod
    def parse(cls, text: str) -> Window:
        """``22:00-06:00``. Raises ValueError with a sentence for the user."""
        found = _WINDOW.fullmatch(text.strip())
        try:
            if found is None:
                raise ValueError
            hours = [int(part) for part in found.groups()]
            window = cls(datetime.time(hours[0], hours[1]), datetime.time(hours[2] % 24 if hours[2:] == [24, 0] else hours[2], hours[3]))
        except ValueError:
            raise ValueError("a window is two times of the day, as in 22:00-06:00") from None
        if window.since == window.until:
            raise ValueError("a window begins and ends at different times")
        return window

    def seconds_left(self, now: datetime.datetime) -> float:
        """Until the window closes, 0 outside of it. `now` is aware; a change of the clock (summer time) is taken into account."""
        local = now.astimezone()
        time = local.time().replace(tzinfo=None)
        inside = self.since <= time < self.until if self.since < self.until else time >= self.since or time < self.until
        if not inside:
            return 0.0
        day = local.date() + datetime.timedelta(days=self.until <= time)
        end = datetime.datetime.combine(day, self.until).astimezone()
        return max((end - local).total_seconds(), 0.0)


def check_window(text: str) -> None:
    """Raises ValueError, with a sentence for the user, if it is no window."""
    Window.parse(text)


class Deadline:
    """While it is open, calls `stop` once the time is up."""

    def __init__(self, seconds: float | None, stop: Callable[[], None]) -> None:
        self.passed = False
        self._stop = stop
        self._timer = None if seconds is None else threading.Timer(min(seconds, threading.TIMEOUT_MAX), self._end)

    def __enter__(self) -> Deadline:
        if self._timer is not None:
            self._timer.daemon = True
            self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer.join()

    def _end(self) -> None:
        self.passed = True
        self._stop()


def seconds_allowed(window: Window | None, max_seconds: float | None, now: datetime.datetime) -> float | None:
    """How long a run that begins now may take, None without an end."""
    ends = [] if max_seconds is None else [max_seconds]
    if window is not None:
        ends.append(window.seconds_left(now))
    return min(ends, default=None)
