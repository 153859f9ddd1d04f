"""An iterator that runs ahead of its reader in a thread, so that a crawl knows the size of a share before the scan has read it."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Generator, Iterator
from typing import TypeVar

T = TypeVar("T")

AHEAD = 10_000  # entries, about ten megabytes
PIECE = 512
PIECES_AHEAD = AHEAD // PIECE
_PIECE_SECONDS = 0.2


def in_pieces(source: Iterator[T], size: int = PIECE) -> Iterator[list[T]]:
    """The items of `source` as lists of at most `size`, shorter where they come slowly, so that nobody waits for a piece to fill."""
    piece: list[T] = []
    began = time.monotonic()
    for item in source:
        piece.append(item)
        if len(piece) >= size or time.monotonic() - began > _PIECE_SECONDS:
            yield piece
            piece, began = [], time.monotonic()
    if piece:
        yield piece


class _End:
    """The source is exhausted, or ended with `error`."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


def ahead(source: Iterator[T], size: int = AHEAD) -> Generator[T, None, None]:
    """The items of `source`, up to `size` of them taken in advance. Closing the generator ends the thread."""
    ready: queue.Queue[T | _End] = queue.Queue(size)
    closed = threading.Event()

    def put(item: T | _End) -> bool:
        while not closed.is_set():
            try:
                ready.put(item, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def work() -> None:
        try:
            for item in source:
                if not put(item):
                    return
        except BaseException as error:  # handed to the reader, whose error it is
            put(_End(error))
            return
        put(_End())

    thread = threading.Thread(target=work, name="ahead", daemon=True)
    thread.start()
    try:
        while not isinstance(item := ready.get(), _End):
            yield item
        if item.error is not None:
            raise item.error
    finally:
        closed.set()
        thread.join()
