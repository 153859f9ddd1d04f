"""What people decided about findings, and what still asks for somebody, for a terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import IO

from scanner.findings.decide import Decided
from scanner.findings.overview import Item, Overview
from scanner.render.messages import Messages
from scanner.render.visible import visible

SHOWN = 12
"""Characters of a number that are shown, and enough to be told apart."""


def print_decided(done: Decided, stream: IO[str], say: Messages, *, as_json: bool) -> None:
    """What became of an order."""
    if as_json:
        stream.write(json.dumps(done.to_json(), ensure_ascii=False) + "\n")
        return
    lines = [say("triage_none")]
    if done.findings or done.objects:
        ending = "would" if done.decision_id is None else "done"
        lines = [say(f"triage_{ending}", action=say(f"triage_did_{done.action}"), what=_what(done, say))]
    lines += [say(f"triage_left_{word}", count=count) for word, count in done.left_out.items() if count]
    lines += [visible(problem) for problem in done.problems]
    stream.write("\n".join(lines) + "\n")


def _what(done: Decided, say: Messages) -> str:
    findings, objects = say("triage_findings", count=done.findings), say("triage_objects", count=done.objects)
    if done.findings and done.objects:
        return say("triage_both", findings=findings, objects=objects)
    return findings if done.findings else objects


def print_overview(told: Overview, stream: IO[str], say: Messages) -> None:
    """Names are shown with their control characters written out; no value is in an overview."""
    stream.write("\n".join(_lines(told, say)) + "\n")


def _lines(told: Overview, say: Messages) -> Iterator[str]:
    yield say("triage_open", count=told.states.get("open", 0)) + _words(told.states, ("ignored", "accepted", "closed"), say)
    yield say("triage_unread", count=told.unread.get("open", 0)) + _words(told.unread, ("ignored", "accepted", "excused"), say)
    if told.reopened:
        yield say("triage_again", what=", ".join(f"{say.word('reopened', word)} {count:,}" for word, count in told.reopened.items()))
    if told.measures:
        yield say("triage_measures", what=", ".join(f"{say.word('measure', word)} {count:,}" for word, count in told.measures.items()))
    if told.assigned:
        yield say("triage_assigned", count=told.assigned, overdue=told.overdue)
    if told.ending_soon:
        yield say("triage_ending", count=told.ending_soon)
    for root in told.incomplete:
        yield say("triage_incomplete", root=visible(root))
    yield from map(visible, told.problems)
    if told.items:
        yield ""
    yield from (_item(item, say) for item in told.items)
    if told.more:
        yield say("triage_more", count=told.more)
    yield ""
    yield say(f"triage_exit_{told.exit_status}")


def _words(counts: object, words: tuple[str, ...], say: Messages) -> str:
    assert isinstance(counts, dict)
    told = [f"{say.word('state', word)} {counts[word]:,}" for word in words if counts.get(word)]
    return f" ({', '.join(told)})" if told else ""


def _item(item: Item, say: Messages) -> str:
    what = item.entity_type if item.is_finding else say.word("reason", item.unread_reason or "")
    name = visible(f"{item.root.rstrip('/')}/{item.path}" + (f"!{item.member}" if item.member else ""))
    where = ", ".join(visible(part) for part in (item.place, item.column) if part)
    facts = [say.word("severity", item.severity)] if item.severity else []
    facts += [say("triage_for", who=visible(item.assigned_to))] if item.assigned_to else []
    due = item.measure_due if item.urgency == "measure_overdue" or item.due is None else item.due
    facts += [say("triage_due", date=due.isoformat())] if due else []
    why = item.reopened if item.urgency == "reopened" and item.reopened else None
    urgency = say.word("reopened", why) if why else say(f"triage_urgency_{item.urgency}")
    return f"{item.id[:SHOWN]}  {urgency}: {what} {name}" + (f" [{where}]" if where else "") + (f" ({', '.join(facts)})" if facts else "")
