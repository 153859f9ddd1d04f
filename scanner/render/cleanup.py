"""What a clean-up did, or would do, a line a file."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scanner.model import path_text
from scanner.obligations.cleanup import DONE, WOULD, Outcome
from scanner.render.messages import Messages
from scanner.render.visible import visible


def outcome_line(outcome: Outcome, say: Messages) -> str:
    """Names are shown with their control characters written out."""
    line = outcome.line
    detail = outcome.detail or ""
    words: dict[str, Any] = {
        "path": _shown(line.path),
        "to": "" if line.to is None else _shown(line.to),
        "kinds": ", ".join(say.word("entity", kind) for kind in outcome.kinds),
        "persons": outcome.persons,
        "how": say(f"resolve_how_{outcome.how}") if outcome.how else "",
        "detail": visible(detail),
    }
    if outcome.what in (DONE, WOULD):
        words["detail"] = say(f"resolve_detail_{detail}") if detail else ""
        return say(f"resolve_{outcome.what}_{line.action}", **words)
    return say(f"resolve_{outcome.what}", **words)


def to_json(outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    """Outcomes as plain data."""
    told = []
    for outcome in outcomes:
        plain = dataclasses.asdict(outcome)
        line = plain.pop("line")
        paths = {name: None if line[name] is None else path_text(os.fsencode(line[name])) for name in ("path", "to")}
        told.append({**line, **paths, **plain, "kinds": list(outcome.kinds)})
    return told


def _shown(path: Path) -> str:
    return visible(path_text(os.fsencode(path)))
