"""The sections of the binder as tables that people read: bounded, with what is left out said; Parquet has every row."""

from __future__ import annotations

import datetime
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from scanner.obligations.binder.model import NOT_GIVEN, RECORDED, Binder
from scanner.obligations.register import Change
from scanner.render.messages import Messages
from scanner.render.report import sections
from scanner.render.report.markup import Child, element, path
from scanner.render.report.texts import joined
from scanner.render.sheets import told as change_told
from scanner.render.visible import file_size, short

SHOWN: Final = 150
"""Rows of a table on the page."""
_EXAMPLES: Final = 3
_LISTED: Final = ("approve", "reject", "refused", "sent", "returned", "destroyed", "held", "stays_held", "order_waits")
"""Steps of the gate that the page lists; the others, one for every file that passes, are counted."""

Row = Mapping[str, Any]
Part = Callable[[list[dict[str, Any]], Binder, Messages], Child]


def part(name: str, binder: Binder, say: Messages) -> Child:
    """What stands under the title of a section."""
    section = binder.section(name)
    intro = element("p", say(f"audit_intro_{name}"), class_="intro")
    told = None if section.state == RECORDED else element("p", nothing(name, section.state, say), class_="nothing")
    return [intro, told, PARTS[name](binder.rows(name), binder, say) if section.state == RECORDED or len(section.rows) else None]


def nothing(name: str, state: str, say: Messages) -> str:
    """Why a section has no rows; never silence."""
    if state == NOT_GIVEN:
        return say(f"audit_state_not_given_{'policy' if name == 'excuses' else 'hold'}")
    return say(f"audit_state_{state}")


# --------------------------------------------------------------------------- tables


def _table(name: str, columns: str, rows: Iterable[Sequence[Child]], say: Messages, count: int | None = None) -> Child:
    """At most `SHOWN` rows. `columns`: keys of their heads; `count`: rows there are, where not all were made."""
    made = [list(row) for row in rows]
    whole = len(made) if count is None else count
    title = say(f"audit_section_{name}")
    table = sections.table(title, [say(f"audit_col_{column}") for column in columns.split()], made[:SHOWN])
    more = say("audit_more", shown=min(len(made), SHOWN), count=whole, file=f"{name}.parquet") if whole > min(len(made), SHOWN) else None
    return [table, element("p", more, class_="intro") if more else None]


def _when(moment: datetime.datetime | None, binder: Binder) -> Child:
    return "–" if moment is None else element("span", f"{binder.period.local(moment):%Y-%m-%d %H:%M}", class_="date")


def _day(day: datetime.date | None) -> Child:
    return "–" if day is None else element("span", day.isoformat(), class_="date")


def _place(row: Row) -> str:
    return f"{str(row['root']).rstrip('/')}/{row['path']}" + (f"!{row['member']}" if row.get("member") else "")


def _path(text: str | None) -> Child:
    return "–" if text is None else element("span", path(short(text)), class_="where")


def _list(items: Iterable[Child]) -> Child:
    return element("ul", [element("li", item) for item in items], class_="examples")


def _text(text: str | None) -> str:
    return "–" if text is None else short(text, 400)


def _late(text: str) -> Child:
    return element("span", text, class_="late")


def _hash(text: str | None) -> Child:
    return "–" if not text else element("span", text, class_="where")


def _kinds(kinds: Sequence[str] | None, say: Messages) -> str:
    return joined((say.word("entity", kind) for kind in kinds or ()), say.lang) or "–"


def _number(value: int | None) -> Child:
    return "–" if value is None else value


# --------------------------------------------------------------------------- runs


def _roots(rows: list[dict[str, Any]], binder: Binder, say: Messages) -> Child:
    return _table("roots", "root runs complete not_reached last_run outcome", (_root(row, binder, say) for row in rows), say)


def _root(row: Row, binder: Binder, say: Messages) -> list[Child]:
    outcome = "not_reached" if not row["last_reached"] else row["last_outcome"]
    shown: Child = say(f"audit_outcome_{outcome}") if outcome == "complete" and row["in_period"] else _late(say(f"audit_outcome_{outcome}"))
    if not row["in_period"]:
        shown = _late(say("audit_not_in_period"))
    return [_path(row["root"]), row["runs"], row["complete"], row["not_reached"], _when(row["last_at"], binder), shown]


def _runs(rows: list[dict[str, Any]], binder: Binder, say: Messages) -> Child:
    newest = rows[::-1]
    return _table(
        "runs", "at outcome objects bytes stray unread who run", (_run(row, binder, say) for row in newest[:SHOWN]), say, len(rows)
    )


def _run(row: Row, binder: Binder, say: Messages) -> list[Child]:
    outcome: Child = say(f"audit_outcome_{row['outcome']}")
    who = " @ ".join(filter(None, (row["account"], row["host"]))) or "–"
    read = "–" if row["bytes_read"] is None else file_size(row["bytes_read"])
    return [
        _when(row["started_at"], binder),
        outcome if row["outcome"] == "complete" else _late(str(outcome)),
        *(_number(row["objects"]), element("span", read, class_="keep"), _number(row["stray"]), _number(row["unread"])),
        *(who, _hash(row["run_id"])),
    ]


def _coverage(rows: list[dict[str, Any]], _: Binder, say: Messages) -> Child:
    last = [row for row in rows if row["last"]]
    several = len({row["root"] for row in last}) > 1
    columns = ("root " if several else "") + "status reason objects excused size"
    excused = sum(row["objects"] for row in last if row["excused"])
    size = element("span", file_size(sum(row["size_bytes"] for row in last)), class_="keep")
    total: list[Child] = [element("b", say("audit_total")), "", sum(row["objects"] for row in last), excused, size]
    rows_told = (_covered(row, several, say) for row in last)
    return _table("coverage", columns, [["", *total] if several else total, *rows_told], say)


def _covered(row: Row, several: bool, say: Messages) -> list[Child]:
    told: list[Child] = [say.word("status", row["status"]), say.word("reason", row["reason"]) if row["reason"] else "–"]
    told += [row["objects"], row["objects"] if row["excused"] else 0, element("span", file_size(row["size_bytes"]), class_="keep")]
    return [_path(row["root"]), *told] if several else told


def _unread(rows: list[dict[str, Any]], _: Binder, say: Messages) -> Child:
    if not rows:
        return element("p", say("audit_unread_none"), class_="good")
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(row["reason"] or row["status"], []).append(row)
    ordered = sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
    return _table("unread", "why objects excused put_aside examples", (_unread_group(*item, say) for item in ordered), say)


def _unread_group(reason: str, rows: list[dict[str, Any]], say: Messages) -> list[Child]:
    excused = sum(row["excused"] for row in rows)
    aside = [row for row in rows if row["state_now"] in ("ignored", "accepted")]
    examples: list[Child] = [_path(_place(row)) for row in rows[:_EXAMPLES]]
    whys = dict.fromkeys(_text(row["decided_why"]) for row in aside if row["decided_why"])
    put: list[Child] = [len(aside), element("div", joined(list(whys)[:_EXAMPLES], say.lang), class_="nothing") if whys else None]
    return [say.word("reason", reason), len(rows), excused, put, _list(examples)]


def _excuses(rows: list[dict[str, Any]], _: Binder, say: Messages) -> Child:
    return _table("excuses", "why paths reason until objects", (_excuse(row, say) for row in rows), say)


def _excuse(row: Row, say: Messages) -> list[Child]:
    until = [_day(row["until"]), " ", _late(say("audit_expired"))] if row["expired"] else _day(row["until"])
    reasons = joined((say.word("reason", reason) for reason in row["reasons"]), say.lang)
    return [_text(row["why"]), _list(_path(one) for one in row["paths"]), reasons, until, row["objects"]]


def _rules(rows: list[dict[str, Any]], binder: Binder, say: Messages) -> Child:
    several = len({tuple(row["roots"]) for row in rows}) > 1
    columns = ("root " if several else "") + "component hash first_run last_run runs before"
    return _table("rules", columns, (_rule(row, several, binder, say) for row in rows), say)


def _rule(row: Row, several: bool, binder: Binder, say: Messages) -> list[Child]:
    name = say.word("audit_component", row["component"])
    before: Child = _late(say("audit_changed")) if row["changed"] else "–"
    told = [name, _hash(row["value"]), _when(row["first_at"], binder), _when(row["last_at"], binder), row["runs"], before]
    return [_list(_path(root) for root in row["roots"]), *told] if several else told


def _stores(rows: list[dict[str, Any]], _: Binder, say: Messages) -> Child:
    return _table("stores", "store owner purpose allow retention review traced", (_store(row, say) for row in rows), say)


def _store(row: Row, say: Messages) -> list[Child]:
    allowed = "*" if "*" in (row["allow"] or ()) else _kinds(row["allow"], say)
    retention = "–" if row["retention_days"] is None else say("audit_days", count=row["retention_days"])
    review = [_day(row["review_by"]), " ", _late(say("audit_overdue"))] if row["overdue"] else _day(row["review_by"])
    traced: Child = "–" if row["traced"] is None else say("audit_traced_yes")
    if row["traced"] is False or row["reason"] not in (None, "policy"):
        traced = _late(say("audit_traced_no", why=_text(row["why"])))
    return [row["name"], _text(row["owner"]), _text(row["purpose"]), allowed, retention, review, traced]


# --------------------------------------------------------------------------- people


def _decisions(rows: list[dict[str, Any]], binder: Binder, say: Messages) -> Child:
    commands = _by_command(rows)
    shown = (_decision(some, binder, say) for some in commands[:SHOWN])
    return _table("decisions", "at who action why until objects what", shown, say, len(commands))


def _by_command(rows: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """The rows of each command together, newest first."""
    commands: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        commands.setdefault(row["decision_id"], []).append(row)
    return [commands[name] for name in sorted(commands, reverse=True)]


def _decision(rows: list[dict[str, Any]], binder: Binder, say: Messages) -> list[Child]:
    first = rows[0]
    action: list[Child] = [say.word("audit_action", first["action"])]
    if first["assigned_to"]:
        action += [": ", _text(first["assigned_to"])]
    if first["action"] in ("ignore", "accept"):
        stand = sum(row["state_now"] in ("ignored", "accepted") and row["stands"] for row in rows)
        action.append(element("div", say("audit_stands", count=stand), class_="nothing"))
    if not first["in_period"]:
        action.append(element("div", say("audit_before"), class_="nothing"))
    until = _day(first["until"] or first["due"])
    return [_when(first["decided_at"], binder), first["author"], action, _text(first["why"]), until, len(rows), _what(rows, say)]


def _what(rows: list[dict[str, Any]], say: Messages) -> Child:
    kinds = sorted({row["entity_type"] for row in rows if row["entity_type"]})
    places = list(dict.fromkeys(map(_place, rows)))
    shown: list[Child] = [_kinds(kinds, say)] if kinds else []
    shown += [_path(place) for place in places[:_EXAMPLES]]
    if len(places) > _EXAMPLES:
        shown.append(say("copies_more", count=len(places) - _EXAMPLES))
    return _list(shown)


def _measures(rows: list[dict[str, Any]], binder: Binder, say: Messages) -> Child:
    commands = _by_command(rows)
    shown = (_measure(some, binder, say) for some in commands[:SHOWN])
    return _table("measures", "at who cause measure due outcome what", shown, say, len(commands))


def _measure(rows: list[dict[str, Any]], binder: Binder, say: Messages) -> list[Child]:
    first = rows[0]
    counts = Counter(row["outcome"] for row in rows)
    outcomes: list[Child] = []
    for outcome in ("recurred", "overdue", "pending", "closed", "replaced"):
        if counts[outcome]:
            word = say(f"audit_outcome_{outcome}") + (f": {counts[outcome]:,}" if len(rows) > 1 else "")
            outcomes.append(_late(word) if outcome in ("recurred", "overdue") else word)
    closed = max((row["closed_at"] for row in rows if row["closed_at"]), default=None)
    outcomes += [_when(closed, binder)] if closed else []
    who = first["author"] if first["in_period"] else [first["author"], element("div", say("audit_before"), class_="nothing")]
    told = [_text(first["cause"]), _text(first["measure"]), _day(first["due"]), _list(outcomes), _what(rows, say)]
    return [_when(first["decided_at"], binder), who, *told]


def _requests(rows: list[dict[str, Any]], binder: Binder, say: Messages) -> Child:
    return _table("requests", "number opened places checked gone left unknown new", (_request(row, binder) for row in rows), say)


def _request(row: Row, binder: Binder) -> list[Child]:
    checked = row["checked_at"] is not None
    gone = row["gone_value"] + row["gone_object"] if checked else None
    unknown = row["unread"] + row["not_looked"] if checked else None
    dates = [_when(row["opened_at"], binder), row["places"], _when(row["checked_at"], binder)]
    return [str(row["number"]), *dates, *map(_number, (gone, row["left"], unknown, row["new"]))]


# --------------------------------------------------------------------------- records


def _register(rows: list[dict[str, Any]], binder: Binder, say: Messages) -> Child:
    written: dict[datetime.datetime, list[dict[str, Any]]] = {}
    for row in rows:
        written.setdefault(row["written_at"], []).append(row)
    told: list[list[Child]] = []
    for moment in sorted(written, reverse=True):
        some = written[moment]
        changed = [row for row in some if row["changes"] != "[]"]
        told.append([_when(moment, binder), len(some), _register_changes(changed, say)])
    return _table("register", "at rows changes", told, say)


def _register_changes(rows: list[dict[str, Any]], say: Messages) -> Child:
    if not rows:
        return say("audit_register_none")
    items: list[Child] = []
    for row in rows[: SHOWN // 5]:
        changes = [Change(what, tuple(about)) for what, *about in json.loads(row["changes"])]
        said = "; ".join(change_told(change, say) for change in changes)
        items.append([element("b", short(row["name"])), f" ({say.word('register_state', row['state'])}): {said}"])
    if len(rows) > len(items):
        items.append(say("copies_more", count=len(rows) - len(items)))
    return _list(items)


def _cleanup(rows: list[dict[str, Any]], binder: Binder, say: Messages) -> Child:
    newest = rows[::-1]
    return _table("cleanup", "at action file kinds persons who why", (_cleaned(row, binder, say) for row in newest[:SHOWN]), say, len(rows))


def _cleaned(row: Row, binder: Binder, say: Messages) -> list[Child]:
    action: list[Child] = [say.word("audit_action", row["action"])]
    if row["how"]:
        action.append(element("div", say.word("audit_how", row["how"]), class_="nothing"))
    file = [_path(row["path"]), element("div", "→ ", _path(row["to"])) if row["to"] else None]
    return [
        _when(row["done_at"], binder),
        action,
        file,
        _kinds(row["kinds"], say),
        _number(row["persons"]),
        _text(row["who"]),
        _text(row["reason"]),
    ]


def _outbound(rows: list[dict[str, Any]], binder: Binder, say: Messages) -> Child:
    counts = Counter(row["what"] for row in rows)
    told = joined((f"{say.word('audit_out', what)} {count:,}" for what, count in counts.most_common()), say.lang)
    listed = [row for row in reversed(rows) if row["what"] in _LISTED]
    shown = (_gate_step(row, binder, say) for row in listed[:SHOWN])
    table = _table("outbound", "at action file kinds persons who why", shown, say, len(listed)) if listed else None
    return [element("p", told), table]


def _gate_step(row: Row, binder: Binder, say: Messages) -> list[Child]:
    file = [_path(row["path"]) if row["path"] else _hash(row["item"]), element("div", row["recipient"]) if row["recipient"] else None]
    who = joined([*([row["who"]] if row["who"] else []), *row["by"]], say.lang) or "–"
    action = say.word("audit_out", row["what"])
    reasons = joined((say.word("gate_why", word) for word in row["reasons"]), say.lang) if row["what"] == "held" else None
    why = _text(reasons or row["why"])
    return [_when(row["at"], binder), action, file, _kinds(row["kinds"], say), _number(row["persons"]), who, why]


def _provisions(rows: list[dict[str, Any]], binder: Binder, say: Messages) -> Child:
    newest = rows[::-1]
    shown = (_provision(row, binder, say) for row in newest[:SHOWN])
    return _table("provisions", "at recipient kinds persons file approved_by why", shown, say, len(rows))


def _provision(row: Row, binder: Binder, say: Messages) -> list[Child]:
    recipient = joined(filter(None, (row["recipient"], row["country"], row["purpose"], row["contract"])), say.lang) or "–"
    approved = joined(row["approved_by"], say.lang) or "–"
    told = [recipient, _kinds(row["entity_types"], say), _number(row["persons"]), _path(row["path"]), approved, _text(row["reason"])]
    return [_when(row["provided_at"], binder), *told]


def _drills(rows: list[dict[str, Any]], binder: Binder, say: Messages) -> Child:
    newest = rows[::-1]
    return _table("drills", "at found missed run", (_drill(row, binder) for row in newest[:SHOWN]), say, len(rows))


def _drill(row: Row, binder: Binder) -> list[Child]:
    found = f"{row['found']} / {row['planted']}"
    missed = _list(map(_path, row["missed"])) if row["missed"] else "–"
    return [_when(row["at"], binder), _late(found) if row["found"] != row["planted"] else found, missed, _hash(row["run_id"])]


def _reveals(rows: list[dict[str, Any]], binder: Binder, say: Messages) -> Child:
    newest = rows[::-1]
    return _table("reveals", "at who why kinds where shown", (_reveal(row, binder, say) for row in newest[:SHOWN]), say, len(rows))


def _reveal(row: Row, binder: Binder, say: Messages) -> list[Child]:
    shown: Child = _late(say("audit_refused")) if row["refused"] else _number(row["shown"])
    kind = say.word("entity", row["entity_type"] or "–")
    return [_when(row["at"], binder), _text(row["who"]), _text(row["why"]), kind, _path(_place(row)) if row["path"] else "–", shown]


def _logs(rows: list[dict[str, Any]], binder: Binder, say: Messages) -> Child:
    newest = sorted(rows, key=lambda row: (row["at"], row["seq"] or 0), reverse=True)
    return _table("logs", "at log number entry", (_log_entry(row, binder) for row in newest[:SHOWN]), say, len(rows))


def _log_entry(row: Row, binder: Binder) -> list[Child]:
    told = json.loads(row["entry"])
    pairs = [f"{name}: {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}" for name, value in told.items()]
    return [_when(row["at"], binder), row["log"], _number(row["seq"]), _list(map(_text, pairs))]


def _chains(rows: list[dict[str, Any]], _: Binder, say: Messages) -> Child:
    return _table("chains", "log entries in_period state head", (_chain(row, say) for row in rows), say)


def _chain(row: Row, say: Messages) -> list[Child]:
    state: Child = say("audit_whole") if row["whole"] else _list(_late(fault) for fault in row["faults"][:SHOWN])
    return [row["log"], row["entries"], row["in_period"], state, _hash(row["head"])]


PARTS: Final[Mapping[str, Part]] = {
    "roots": _roots,
    "runs": _runs,
    "coverage": _coverage,
    "unread": _unread,
    "excuses": _excuses,
    "rules": _rules,
    "stores": _stores,
    "decisions": _decisions,
    "measures": _measures,
    "register": _register,
    "cleanup": _cleanup,
    "outbound": _outbound,
    "provisions": _provisions,
    "drills": _drills,
    "reveals": _reveals,
    "requests": _requests,
    "logs": _logs,
    "chains": _chains,
}
"""Section -> what makes its table."""
