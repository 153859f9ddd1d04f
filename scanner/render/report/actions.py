"""The Friday list: at most ten things to do, worst first; what, where, whose, whom to ask, and by which steps."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from scanner.redact import REGULATED
from scanner.render.messages import Messages
from scanner.render.report.facts import Facts, Group, Scope, Unread
from scanner.render.report.texts import joined
from scanner.render.visible import short, visible

MOST: Final = 10
_OTHERS: Final = 2  # places on the list that what is unread and stores without a trace may take
_FRIDAY: Final = 4
_SHOWN: Final = 160


@dataclass(frozen=True, slots=True)
class Action:
    """One thing to do, in words. `find`: what to type into the page's search to see its files; `steps` in their order."""

    severity: str | None
    title: str
    where: str
    facts: tuple[str, ...]
    ask: tuple[str, ...]
    steps: tuple[str, ...]
    find: str | None = None
    due: str | None = None
    late: bool = False


def friday(today: datetime.date) -> datetime.date:
    """The Friday of this week; on a weekend, of the next."""
    return today + datetime.timedelta(days=(_FRIDAY - today.weekday()) % 7)


def friday_list(facts: Facts, say: Messages) -> list[Action]:
    others = list(_others(facts, say))[:_OTHERS]
    groups = [_group(group, facts, say) for group in facts.groups[: MOST - len(others)]]
    return groups + others


def left_out(facts: Facts, listed: Sequence[Action]) -> int:
    """Groups of files that ask for a step and are not on the list."""
    shown = sum(action.find is not None for action in listed)
    return len(facts.groups) + facts.groups_left - shown


def _group(group: Group, facts: Facts, say: Messages) -> Action:
    place = group.file if group.file is not None else group.folder
    stores = ", ".join(visible(store) for store in group.stores)
    title = say(f"report_do_{group.task}", count=group.files, stores=stores)
    return Action(
        severity=group.severity,
        title=title,
        where=short(place, _SHOWN) or "/",
        facts=tuple(_facts(group, say)),
        ask=_ask(group, facts, say),
        steps=tuple(_steps(group, say)),
        find=place,
        due=_due(group, say),
        late=group.overdue,
    )


def _facts(group: Group, say: Messages) -> Iterator[str]:
    if group.recurred:
        yield say("report_recurred")
    if group.persons:
        yield say("report_persons", count=group.persons)
    ordered = sorted(group.kinds, key=_gravity)
    more = " " + say("report_kinds_more", count=len(group.kinds) - 4) if len(group.kinds) > 4 else ""
    yield joined((say.word("entity", kind) for kind in ordered[:4]), say.lang) + more
    if group.everyone and group.everyone < group.files:
        yield say("report_some_everyone", count=group.everyone)
    else:
        yield say("report_open_to", who=say(f"exposure_{group.exposure}"))
    yield say("report_since", date=group.since.isoformat())


def _gravity(kind: str) -> tuple[int, str]:
    """What must not lie about at all comes first, then whom it is about."""
    if kind.startswith("SENSITIVE_") or kind in REGULATED:
        return 0, kind
    return (1, kind) if kind == "PERSON" else (2, kind)


def _due(group: Group, say: Messages) -> str | None:
    if group.assigned_to is None:
        return None
    name = visible(group.assigned_to)
    if group.due is None:
        return say("report_assigned", name=name)
    return say("report_assigned_late" if group.overdue else "report_assigned_due", name=name, date=group.due.isoformat())


def _ask(group: Group, facts: Facts, say: Messages) -> tuple[str, ...]:
    """The department's manager; without one, whoever the files belong to. Of a copy the store's owner decides too."""
    person = facts.runs.people.get(group.department or "")
    asked: list[str] = []
    if person is not None and (person.manager or person.contact):
        names = [visible(name) for name in (person.manager, person.contact) if name]
        asked.append(say("report_ask_manager", names=", ".join(names), department=visible(group.department or "")))
    elif group.department is not None:
        asked.append(say("report_ask_department", department=visible(group.department)))
    elif group.owners:
        names = [visible(owner) for owner in group.owners[:3]]
        more = " " + say("report_ask_more", count=len(group.owners) - 3) if len(group.owners) > 3 else ""
        asked.append(say("report_ask_owner", names=", ".join(names) + more))
    else:
        asked.append(say("report_ask_nobody"))
    if group.task in ("copy", "not_allowed", "retention"):
        owners = {store.name: store.owner for store in facts.runs.stores}
        asked += [
            say("report_ask_store", store=visible(name), owner=visible(owner)) for name in group.stores if (owner := owners.get(name))
        ]
    return tuple(asked)


def _steps(group: Group, say: Messages) -> Iterator[str]:
    if group.everyone:
        yield say("report_step_close")
    yield say(f"report_step_{group.task}", count=group.files)


def _others(facts: Facts, say: Messages) -> Iterator[Action]:
    """What is to be done beside stray files: the worst thing first."""
    broken = [store for store in facts.runs.stores if store.reason not in (None, "policy")] if facts.scope == Scope() else []
    if broken:
        names = ", ".join(visible(store.name) for store in broken)
        owners = ", ".join(visible(store.owner) for store in broken if store.owner)
        yield Action(
            severity=None,
            title=say("report_do_store", count=len(broken)),
            where=short(names, _SHOWN),
            facts=(say("report_fact_store"),),
            ask=(owners or say("report_ask_office"),),
            steps=(say("report_step_store"),),
        )
    unread = [group for group in facts.unread if group.count > group.excused]
    if unread:
        yield _unread(unread[0], facts, say)
    if facts.scope == Scope() and facts.runs.overdue:
        names = ", ".join(visible(name) for name, _ in facts.runs.overdue)
        yield Action(
            severity=None,
            title=say("report_do_review", count=len(facts.runs.overdue)),
            where=short(names, _SHOWN),
            facts=(say("report_since_due", date=min(date for _, date in facts.runs.overdue).isoformat()),),
            ask=(say("report_ask_office"),),
            steps=(say("report_step_review"),),
        )


def _unread(group: Unread, facts: Facts, say: Messages) -> Action:
    count = group.count - group.excused
    return Action(
        severity=None,
        title=say("report_do_unread", count=count, why=say.word("reason", group.reason)),
        where=short(group.examples[0], _SHOWN) if group.examples else "",
        facts=(say("report_fact_unread"),),
        ask=(say("report_ask_office" if facts.scope == Scope() else "report_ask_files"),),
        steps=(say("report_step_unread"),),
    )
