"""The register on a terminal: what is to be looked at. The whole of it stands in its file."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from scanner.obligations.register import UNREGISTERED, Register
from scanner.render.messages import Messages
from scanner.render.sheets import notes_of, told
from scanner.render.visible import visible


def print_register(register: Register, written: Sequence[Path], stream: IO[str], say: Messages) -> None:
    """Names are shown with their control characters written out."""
    stream.write("\n".join(_lines(register, written, say)) + "\n")


def _lines(register: Register, written: Sequence[Path], say: Messages) -> Iterator[str]:
    strays = sum(entry.state == UNREGISTERED for entry in register.entries)
    yield say("register_rows", count=len(register.entries), stores=len(register.entries) - strays, strays=strays)
    yield say("register_since", date=register.since.date().isoformat()) if register.since else say("register_first")
    yield from (visible(note) for note in notes_of(register, say)[:-1])
    yield ""
    if register.changed:
        yield say("register_changes", count=register.changed)
    for entry in register.entries:
        if entry.changes:
            yield f"  {entry.id}  {visible(entry.name)} ({say(f'register_state_{entry.state}')}), {visible(entry.place)}"
            yield from (f"      {visible(told(change, say))}" for change in entry.changes)
    if written:
        yield say("register_written", files=visible(", ".join(map(str, written))))
    yield say(f"register_exit_{register.exit_status}")


def to_json(register: Register) -> dict[str, Any]:
    """The register as plain data."""
    told_as: dict[str, Any] = _plain(dataclasses.asdict(register))
    return {**told_as, "exit_status": register.exit_status}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime.date):  # moments are dates too
        return value.isoformat()
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value
