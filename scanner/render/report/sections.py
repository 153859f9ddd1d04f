"""The parts of the page that need no script: what is wrong with the findings, the Friday list, pictures, copies, what is unread, stores."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from typing import Final

from scanner.render.messages import Messages
from scanner.render.report import pictures
from scanner.render.report.actions import Action, friday, friday_list, left_out
from scanner.render.report.facts import Facts
from scanner.render.report.markup import Child, Markup, element, path

_PROBLEMS: Final = 20
_KEPT: Final = 40  # a fact shorter than this stays on one line


def date_of(day: datetime.date, say: Messages) -> str:
    """A date as people write it; tables have ISO dates."""
    return f"{day.year}年{day.month}月{day.day}日" if say.lang == "ja" else f"{day.day} {day:%B} {day.year}"


def section(name: str, title: str, *children: Child) -> Markup:
    return element("section", element("h2", title, id=f"{name}-title"), children, id=name, aria_labelledby=f"{name}-title")


def warnings(facts: Facts, say: Messages) -> list[Markup]:
    """What the reader must know before anything else: parts of the findings that are missing, and runs that did not see everything."""
    boxes: list[Markup] = []
    if facts.problems:
        shown = [element("li", problem) for problem in facts.problems[:_PROBLEMS]]
        if len(facts.problems) > _PROBLEMS:
            shown.append(element("li", say("copies_more", count=len(facts.problems) - _PROBLEMS)))
        boxes.append(_box(say("report_problem"), shown, say("report_problem_more")))
    runs = facts.runs
    lines = [say("report_run_unreached", root=root) for root in runs.not_reached]
    lines += [
        say("report_run_root", root=root, outcome=say(f"report_outcome_{outcome}"))
        for root, outcome in runs.unfinished.items()
        if root not in runs.not_reached
    ]
    if lines:
        boxes.append(_box(say("report_run_unfinished"), [element("li", line) for line in lines], say("report_run_unfinished_more")))
    return boxes


def _box(title: str, items: Iterable[Markup], more: str) -> Markup:
    return element("div", element("p", title, class_="box-title"), element("ul", items), element("p", more), class_="box", role="alert")


def figures(facts: Facts, say: Messages) -> Markup:
    told = [
        (facts.files, "files", "files", facts.files > 0),
        (facts.persons, "persons", "files", False),
        (facts.everyone, "everyone", "files", facts.everyone > 0),
        (facts.copied, "copies", "copies", False),
        (facts.unread_count, "unread", "unread", facts.unexcused > 0),
    ]
    items = [
        element(
            "li",
            element("a", element("strong", count), element("span", say(f"report_figure_{key}")), href=f"#{target}"),
            class_="bad" if bad else None,
        )
        for count, key, target, bad in told
    ]
    return element("ul", items, class_="figures", aria_label=say("report_summary"))


def put_aside(facts: Facts, say: Messages) -> Markup | None:
    """What is not on the page because somebody decided so."""
    if not facts.put_aside and not facts.unread_aside:
        return None
    counts = {name: facts.put_aside.get(name, 0) for name in ("ignored", "accepted")}
    return element("p", say("report_put_aside", **counts, unread=sum(facts.unread_aside.values())), class_="aside")


def friday_section(facts: Facts, today: datetime.date, say: Messages) -> Markup:
    actions = friday_list(facts, say)
    title = say("report_friday", date=date_of(friday(today), say))
    if not actions:
        return section("friday", title, element("p", say("report_friday_none"), class_="good"))
    left = left_out(facts, actions)
    return section(
        "friday",
        title,
        element("p", say("report_friday_intro"), class_="intro"),
        element("ol", [_action(action, say) for action in actions], class_="actions"),
        element("p", say("report_friday_more", count=left)) if left else None,
    )


def _action(action: Action, say: Messages) -> Markup:
    mark = element("span", say.word("severity", action.severity), class_=f"chip chip-{action.severity}") if action.severity else None
    show = element("a", say("report_show_files"), href="#files", class_="show", data_find=action.find) if action.find is not None else None
    due = element("p", action.due, class_="due late" if action.late else "due") if action.due else None
    facts = [
        element("span", fact, " ·" if at < len(action.facts) else None, class_="keep" if len(fact) < _KEPT else None)
        for at, fact in enumerate(action.facts, 1)
    ]
    return element(
        "li",
        element(
            "div",
            element("h3", mark, " " if mark else None, action.title),
            element("p", path(action.where), class_="where"),
            element("p", [[fact, " "] for fact in facts], class_="what"),
            due,
            show,
        ),
        element(
            "div",
            element("b", say("report_ask")),
            element("ul", [element("li", who) for who in action.ask]),
            element("b", say("report_steps")),
            element("ol", [element("li", step) for step in action.steps]),
            class_="how",
        ),
    )


def pictures_section(facts: Facts, say: Messages) -> Markup | None:
    bars = pictures.shares(facts, say)
    if bars is None:
        return None
    parts: list[Child] = [
        element("h3", say("report_share_departments" if facts.scope.whole else "report_share_folders")),
        pictures.legend(say),
        bars,
    ]
    weeks = pictures.weeks(facts, say)
    if weeks is not None:
        parts += [element("h3", say("report_weeks")), element("p", say("report_weeks_intro", unit=weeks[0]), class_="intro"), weeks[1]]
    return section("pictures", say("report_pictures"), parts)


def copies_section(facts: Facts, say: Messages) -> Markup:
    if not facts.copies:
        return section("copies", say("report_section_copies"), element("p", say("report_copies_none")))
    owners = {store.name: store.owner for store in facts.runs.stores}
    rows: list[list[Child]] = [
        [
            one.store,
            owners.get(one.store) or say("no_owner"),
            one.objects,
            say("report_copies_records", most=one.most, records=one.records) if one.most else say("report_copies_text"),
            one.everyone,
            one.since.isoformat(),
        ]
        for one in facts.copies
    ]
    head = [say(f"report_col_{name}") for name in ("store", "owner", "objects", "records", "everyone", "oldest")]
    matrix = pictures.matrix(facts, say)
    return section(
        "copies",
        say("report_section_copies"),
        table(say("report_section_copies"), head, rows),
        element("h3", say("report_matrix")),
        element("p", say("report_matrix_intro"), class_="intro"),
        _scroll(matrix, say("report_matrix")),
    )


def unread_section(facts: Facts, say: Messages) -> Markup:
    title = say("report_section_unread")
    if not facts.unread:
        return section("unread", title, element("p", say("unread_none"), class_="good"))
    head = [say(f"report_col_{name}") for name in ("why", "objects", "excused", "example")]
    rows: list[list[Child]] = [
        [
            say.word("reason", group.reason),
            group.count,
            group.excused,
            element("ul", [element("li", path(example)) for example in group.examples], class_="examples"),
        ]
        for group in facts.unread
    ]
    return section("unread", title, element("p", say("report_unread_intro"), class_="intro"), table(title, head, rows))


def stores_section(facts: Facts, say: Messages) -> Markup:
    title = say("report_section_stores")
    if not facts.runs.stores:
        return section("stores", title, element("p", say("report_stores_none")))
    overdue = dict(facts.runs.overdue)
    rows: list[list[Child]] = []
    for store in facts.runs.stores:
        states = [
            element("span", say("report_store_traced"))
            if store.reason is None and store.traced
            else element("span", say("report_store_untraced", why=store.why or ""), class_="late")
        ]
        if store.name in overdue:
            states.append(element("span", say("report_store_overdue", date=overdue[store.name].isoformat()), class_="late"))
        rows.append([store.name, store.owner or say("no_owner"), element("ul", [element("li", s) for s in states], class_="examples")])
    return section("stores", title, table(title, [say(f"report_col_{name}") for name in ("store", "owner", "state")], rows))


def notes(say: Messages) -> Markup:
    told = ("report_note_count", "report_note_seen", "report_note_masks")
    return section("notes", say("report_notes"), element("ul", [element("li", say(key)) for key in told]))


def table(caption: str, head: list[str], rows: Iterable[Iterable[Child]]) -> Markup:
    shown = [list(row) for row in rows]
    cells = [
        element(
            "tr",
            *(
                element("td" if at else "th", cell, class_="number" if isinstance(cell, int) else None, scope=None if at else "row")
                for at, cell in enumerate(row)
            ),
        )
        for row in shown
    ]
    whole = element(
        "table",
        element("caption", caption, class_="hidden"),
        element("thead", element("tr", *(element("th", name, scope="col", class_=_number(shown, at)) for at, name in enumerate(head)))),
        element("tbody", cells),
    )
    return _scroll(whole, caption)


def _number(rows: list[list[Child]], at: int) -> str | None:
    return "number" if rows and isinstance(rows[0][at], int) else None


def _scroll(wide: Markup | None, label: str) -> Markup:
    """A wide table scrolls by itself on a narrow screen, also with the keyboard."""
    return element("div", wide, class_="scroll", tabindex=0, role="region", aria_label=label)
