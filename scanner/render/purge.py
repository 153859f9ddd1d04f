"""What a purge removed, or would remove, in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TextIO

from scanner.obligations.own_records import Purged
from scanner.render.messages import Messages
from scanner.render.visible import file_size


def print_purged(done: Purged, stream: TextIO, say: Messages) -> None:
    stream.write("".join(f"{line}\n" for line in _lines(done, say)))


def _lines(done: Purged, say: Messages) -> Iterator[str]:
    if done.is_empty:
        yield say("purge_nothing")
    else:
        yield say("purge_done" if done.applied else "purge_would")
        yield from (f"  {say('purge_rows', table=table, count=count)}" for table, count in done.rows.items() if count)
        for name in ("runs", "cases", "registers"):
            if count := getattr(done, name):
                yield f"  {say(f'purge_{name}', count=count)}"
        yield from (f"  {say('purge_log', log=log, count=count)}" for log, count in done.logs.items())
        if done.bytes is not None:
            yield say("purge_freed", size=file_size(max(done.bytes, 0)), entry=done.entry)
    if done.open_cases:
        yield say("purge_open_cases", count=done.open_cases)
    yield from done.problems
    if not done.applied and not done.is_empty:
        yield say("resolve_rehearsal")
