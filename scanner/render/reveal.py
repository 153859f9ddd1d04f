"""Values on a terminal: the one place of the program that shows any."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

from scanner.render.messages import Messages
from scanner.render.visible import visible
from scanner.run.reveal import Revealed, Seen


def print_revealed(revealed: Revealed, stream: IO[str], say: Messages) -> None:
    """Control characters are written out: a hostile value must not steer the terminal."""
    stream.write("\n".join(_lines(revealed, say)) + "\n")


def _lines(revealed: Revealed, say: Messages) -> Iterator[str]:
    where = ", ".join(visible(part) for part in (revealed.where, revealed.place, revealed.column) if part)
    yield say("reveal_where", entity=revealed.entity_type, where=where)
    if revealed.changed:
        yield say("reveal_changed")
    yield from (f"  {visible(seen.value)}  ({_at(seen, say)})" for seen in revealed.values)
    if not revealed.values:
        yield "  " + say("reveal_none")
    if revealed.reason is not None:
        yield say("reveal_unread", reason=say.word("reason", revealed.reason))
    yield say("reveal_log_entry", entry=revealed.entry)


def _at(seen: Seen, say: Messages) -> str:
    return say("reveal_line", line=seen.line) if seen.row is None else say("reveal_row", row=seen.row)
