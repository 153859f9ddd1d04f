"""What `strayscan audit` says: sections and their rows, what is missing, and the hash to note down."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

from scanner.obligations.binder.model import RECORDED
from scanner.obligations.binder.pieces import WHOLE, Checked
from scanner.render.binder.page import gap_text
from scanner.render.binder.parts import nothing
from scanner.render.binder.writing import Bound
from scanner.render.messages import Messages
from scanner.render.visible import visible


def print_bound(bound: Bound, stream: IO[str], say: Messages) -> None:
    """Names are shown with their control characters written out."""
    stream.write("".join(f"{line}\n" for line in _bound(bound, say)))


def _bound(bound: Bound, say: Messages) -> Iterator[str]:
    for section in bound.binder.sections:
        rows = f"{len(section.rows):>8,}" if section.state == RECORDED else " " * 7 + "–"
        note = "" if section.state == RECORDED else f"  {nothing(section.name, section.state, say)}"
        yield f"{rows}  {say(f'audit_section_{section.name}')}{note}"
    yield ""
    if bound.binder.gaps:
        yield say("audit_gaps")
        yield from (f"  {visible(gap_text(gap, say))}" for gap in bound.binder.gaps)
    else:
        yield say("audit_gaps_none")
    yield say("audit_written", folder=visible(str(bound.folder)), count=bound.pieces)
    yield say("audit_manifest", hash=bound.manifest)
    yield say("audit_manifest_note")


def print_checked(checked: Checked, stream: IO[str], say: Messages) -> None:
    stream.write("".join(f"{line}\n" for line in _checked(checked, say)))


def _checked(checked: Checked, say: Messages) -> Iterator[str]:
    if checked.manifest is None:
        yield say("audit_check_manifest")
        return
    yield from (visible(say(f"audit_check_{state}", path=name)) for name, state in checked.pieces.items() if state != WHOLE)
    yield say("audit_check_whole", count=sum(state == WHOLE for state in checked.pieces.values()))
    yield say("audit_check_complete" if checked.complete else "audit_check_incomplete")
    yield say("audit_manifest", hash=checked.manifest)
