"""Cuts a stream of text into overlapping windows of at most 2,000 characters, the same however the text arrives.

Detection is defined on these windows, so neither its result nor its cost per byte depends on a text's length. Each character belongs to
exactly one window's own region; a detection counts in the window that owns its first character.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

MAX_WINDOW: Final = 2_000
MARGIN: Final = 200  # characters seen before and after the own region: longer than any value with its label
OWN: Final = MAX_WINDOW - 2 * MARGIN
_CUT_FROM: Final = OWN // 2  # a cut is looked for in the second half of the own region


@dataclass(frozen=True, slots=True)
class Window:
    """`text` starts at character `offset` of the stream; it owns the detections that start in [own_start, own_end) of `text`."""

    text: str
    offset: int
    own_start: int
    own_end: int

    def owns(self, start: int) -> bool:
        return self.own_start <= start < self.own_end


class Windower:
    """Feed a stream in pieces of any size, get its windows; `close` gives what is left."""

    def __init__(self) -> None:
        self._buffer = ""
        self._offset = 0  # of the buffer's first character in the stream
        self._own = 0  # start of the next own region, in the buffer

    def feed(self, text: str) -> Iterator[Window]:
        # a huge piece is taken in slices, so that dropping what is done stays linear
        for at in range(0, len(text), 65_536):
            self._buffer += text[at : at + 65_536]
            yield from self._ready()

    def close(self) -> Iterator[Window]:
        if self._own < len(self._buffer):
            yield self._window(len(self._buffer))
        self._buffer, self._own = "", 0

    def _ready(self) -> Iterator[Window]:
        while len(self._buffer) - self._own > OWN + MARGIN:
            end = _cut(self._buffer, self._own)
            yield self._window(end)
            self._own = end
        drop = max(0, self._own - MARGIN)
        self._buffer = self._buffer[drop:]
        self._offset += drop
        self._own -= drop

    def _window(self, own_end: int) -> Window:
        start = max(0, self._own - MARGIN)
        text = self._buffer[start : own_end + MARGIN]
        return Window(text, self._offset + start, self._own - start, own_end - start)


def _cut(buffer: str, own: int) -> int:
    """Where the own region that starts at `own` ends: after a line end, else after a blank or full stop, else hard."""
    low, high = own + _CUT_FROM, own + OWN
    for mark in ("\n", "。", " ", "　"):
        found = buffer.rfind(mark, low, high)
        if found >= 0:
            return found + 1
    return high


def windows(text: str) -> Iterator[Window]:
    """The windows of a whole text."""
    windower = Windower()
    yield from windower.feed(text)
    yield from windower.close()
