"""The gate for people: events as lines of a terminal, held files, what became of an order."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping, Sequence
from typing import IO, Any

from scanner.outbound.desk import BACK, DESTROYED, SENT, Answer, Check, Desk
from scanner.outbound.records import held_json
from scanner.outbound.state import Held
from scanner.outbound.tell import Event, shown
from scanner.render.messages import Messages
from scanner.render.visible import file_size, short, visible

_FINDINGS_SHOWN = 20


class EventLines:
    """Events as they come, a line each."""

    def __init__(self, stream: IO[str], say: Messages) -> None:
        self._stream = stream
        self._say = say

    def __call__(self, event: Event) -> None:
        told = dict(event.told)
        words = {
            "time": event.at.astimezone().strftime("%H:%M:%S"),
            "path": visible(event.path or ""),
            "item": event.item or "",
            "why": reasons(told.get("reasons", ()), self._say),
            "fault": visible(str(told.get("fault", ""))),
            "how": self._say("gate_how_polling" if told.get("polling") else "gate_how_events"),
            "seq": told.get("seq", 0),
            "hash": str(told.get("hash", ""))[:16],
        }
        try:
            self._stream.write(self._say(f"gate_event_{event.what}", **words).rstrip() + "\n")
            self._stream.flush()
        except (OSError, ValueError):  # nobody reads it any more; the gate goes on
            pass


def reasons(words: Sequence[str], say: Messages) -> str:
    return ", ".join(say(f"gate_why_{word}") for word in words)


def print_held(desk: Desk, stream: IO[str], say: Messages, *, as_json: bool) -> None:
    """The held files, a line each, the longest waiting first."""
    held = desk.held()
    if as_json:
        stream.write(json.dumps([held_json(one) for one in held], ensure_ascii=False) + "\n")
        return
    for one in held:
        why = reasons(one.decision.get("reasons", ()), say)
        stream.write(f"{one.item}  {_day(one.since)}  {visible(shown(one.path))}  ({why})\n")
    if not held:
        stream.write(say("gate_list_none") + "\n")


def print_one(desk: Desk, one: Held, stream: IO[str], say: Messages, *, as_json: bool) -> None:
    """Everything an approver needs to decide."""
    findings = one.decision.get("findings", [])
    approvals = desk.approvals(one.item)
    if as_json:
        given = [{"who": each.who, "reason": each.reason, "expires": each.expires} for each in approvals]
        plain = {**held_json(one), "approvals_given": given, "approvals_needed": desk.needed(one), "findings": findings}
        stream.write(json.dumps(plain, ensure_ascii=False) + "\n")
        return
    told = one.decision
    recipient = (told.get("recipient") or {}).get("recipient")
    size = file_size(one.sent.size)
    lines = [
        one.item,
        say("gate_show_file", path=visible(shown(one.path)), size=size, digest=one.digest),
        say("gate_show_sender", owner=visible(one.sent.owner or "?"), date=_day(one.since)),
        say("gate_show_why", why=reasons(told.get("reasons", ()), say)),
    ]
    if told.get("kinds"):
        lines.append(say("gate_show_kinds", kinds=", ".join(f"{kind} {count}" for kind, count in told["kinds"].items())))
        lines.append(say("gate_show_persons", count=told.get("persons", 0)))
    if told.get("unread"):
        lines.append(say("gate_show_unread", what=", ".join(f"{each['reason']} ({each['objects']})" for each in told["unread"])))
    if told.get("copies"):
        lines.append(say("gate_show_copies", stores=visible(", ".join(f"{name} ({count})" for name, count in told["copies"].items()))))
    if recipient:
        lines.append(say("gate_show_recipient", recipient=visible(recipient)))
    lines.append(say("gate_show_needed", have=len(approvals), needed=desk.needed(one)))
    for each in approvals:
        lines.append(say("gate_show_approval", who=visible(each.who), date=_day(each.at), reason=visible(each.reason)))
    lines += [_finding(each, say) for each in findings[:_FINDINGS_SHOWN]]
    stream.write("\n  ".join(lines) + "\n")


def _finding(each: Mapping[str, Any], say: Messages) -> str:
    where = [each["member"], each["place"], each["column"]]
    place = " ".join(str(part) for part in where if part) or "-"
    sample = next(iter(each["samples"]), "-")
    return say("gate_show_finding", entity=each["entity_type"], count=each["count"], place=visible(short(place)), sample=visible(sample))


def print_answer(answer: Answer, stream: IO[str], say: Messages, *, as_json: bool) -> None:
    if as_json:
        plain = {"item": answer.item, "state": answer.state, "path": answer.path, "missing_approvals": answer.missing}
        stream.write(json.dumps(plain, ensure_ascii=False) + "\n")
        return
    sentences = {SENT: "gate_sent", BACK: "gate_returned", DESTROYED: "gate_destroyed"}
    name = sentences.get(answer.state, "gate_approved_missing")
    stream.write(say(name, item=answer.item, path=visible(answer.path), count=answer.missing) + "\n")


def print_check(check: Check, stream: IO[str], say: Messages, *, as_json: bool) -> None:
    seq, digest = check.head
    if as_json:
        head = {"seq": seq, "hash": digest}
        plain = {"entries": check.entries, "head": head, "held": check.held, "faults": list(check.faults)}
        stream.write(json.dumps(plain, ensure_ascii=False) + "\n")
        return
    for fault in check.faults:
        stream.write(visible(fault) + "\n")
    if not check.faults:
        stream.write(say("gate_verify_whole", held=check.held) + "\n")
    stream.write(say("gate_verify_head", count=check.entries, seq=seq, hash=digest) + "\n")


def _day(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M")
