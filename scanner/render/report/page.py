"""The page as one file: head with its content security policy, sections, packed rows, the page's own style and script."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any, Final

from scanner import __version__
from scanner.policy import SEVERITIES
from scanner.render.messages import Messages
from scanner.render.report import sections
from scanner.render.report.facts import Facts
from scanner.render.report.markup import Child, Markup, data, document, element, fragment, own, packed, page_head
from scanner.render.report.rows import Packed, day
from scanner.render.report.texts import joined

_AGES: Final = (("new", 7), ("new", 30), ("old", 30), ("old", 90), ("old", 365))
_SCRIPT_SAYS: Final = (
    *("all", "department_none", "details", "details_left", "first_line", "first_row", "lies_in", "listed_all", "matching", "member"),
    *("none_match", "not_copy", "of_page", "old_browser", "sort_by", "copy_of", "copy_of_text", "unread_mark", "assigned", "assigned_due"),
    *("assigned_late", "recurred", "owner", "store", "col_copy", "col_why"),
)
_COLUMNS: Final = ("severity", "file", "department", "persons", "kind", "exposure", "since", "copy")
_DETAIL_COLUMNS: Final = ("kind", "place", "column", "count", "distinct", "first", "masked", "since")


def report_page(facts: Facts, rows: Packed, out: str, today: datetime.date, say: Messages, index: str | None = None) -> str:
    """The HTML of a page. `index`: the address of the page that lists the departments."""
    title = _title(facts, say)
    empty = facts.runs.newest is None
    body: list[Child] = [
        element("a", say("report_skip"), href="#files", class_="skip") if facts.stray else None,
        _header(facts, title, say, index),
        element("main", _empty(facts, say) if empty else _parts(facts, rows, out, today, say)),
        _footer(out, today, say),
    ]
    if facts.stray:
        body += [data("config", _config(facts, today, say)), packed("rows", rows.rows), packed("details", rows.details), _script()]
    return document(say.lang, _head(title), fragment(*body))


def index_page(pages: Sequence[tuple[Facts, str]], whole: Facts, out: str, today: datetime.date, say: Messages) -> str:
    """The list of the departments' pages, each with its file name, worst first."""
    title = say("report_index_title")
    ordered = sorted(pages, key=lambda page: [-page[0].severities.get(name, 0) for name in SEVERITIES])
    head = [
        say("report_department"),
        *(say.word("severity", name) for name in SEVERITIES[:4]),
        say("col_persons"),
        say("report_section_unread"),
    ]
    rows: list[list[Child]] = [
        [
            element("a", facts.scope.department or say("report_scope_none"), href=_address(file)),
            *(facts.severities.get(name, 0) for name in SEVERITIES[:4]),
            facts.persons,
            facts.unread_count,
        ]
        for facts, file in ordered
    ]
    body = fragment(
        _header(whole, title, say, None),
        element(
            "main",
            sections.warnings(whole, say),
            element("p", say("report_index_intro"), class_="intro"),
            sections.table(title, head, rows),
        ),
        _footer(out, today, say),
    )
    return document(say.lang, _head(title), body)


# --------------------------------------------------------------------------- parts


def _title(facts: Facts, say: Messages) -> str:
    if facts.scope.whole:
        return say("report_title")
    return f"{facts.scope.department or say('report_scope_none')}: {say('report_title')}"


def _head(title: str) -> Markup:
    return page_head(title, _text("page.css"), _text("page.js"))


def _header(facts: Facts, title: str, say: Messages, index: str | None) -> Markup:
    runs = facts.runs
    lines: list[Child] = []
    if runs.as_of is not None:
        roots = ", ".join(runs.roots)
        lines = [
            say("report_as_of", date=sections.date_of(runs.as_of.date(), say)),
            " · ",
            say("report_scanned", count=facts.objects, roots=roots),
        ]
    back = element("a", f"← {say('report_index_title')}", href=_address(index)) if index else None
    return element("header", element("p", "Strayscan", class_="brand"), element("h1", title), element("p", lines, class_="meta"), back)


def _empty(facts: Facts, say: Messages) -> Child:
    return [
        sections.warnings(facts, say),
        element("div", element("h2", say("report_empty_run")), element("p", say("report_empty_run_more")), class_="empty"),
    ]


def _parts(facts: Facts, rows: Packed, out: str, today: datetime.date, say: Messages) -> Child:
    calm = element("p", say(f"report_clean_{_cleanness(facts)}"), class_="good")
    return [
        sections.warnings(facts, say),
        sections.figures(facts, say) if facts.stray else calm,
        sections.put_aside(facts, say),
        sections.friday_section(facts, today, say),
        sections.pictures_section(facts, say),
        sections.copies_section(facts, say) if facts.stray else None,
        _files(facts, rows, out, say) if facts.stray else None,
        sections.unread_section(facts, say),
        sections.stores_section(facts, say) if facts.scope.whole else None,
        sections.notes(say),
    ]


def _cleanness(facts: Facts) -> str:
    """Which sentence is true where nothing stray is left: what was not read is never called clean."""
    seen = not (facts.problems or facts.runs.unfinished or facts.runs.not_reached or facts.unread or facts.unread_aside)
    if facts.put_aside:
        return "aside"
    return "all" if seen else "read"


def _files(facts: Facts, rows: Packed, out: str, say: Messages) -> Markup:
    """Filters and an empty table for the script, and what of the list is not on this page."""
    left = facts.stray - rows.listed
    told = [
        say("report_listed_part", listed=rows.listed, count=facts.stray, left=left, out=out)
        if left
        else say("report_listed_all", count=facts.stray)
    ]
    if rows.detailed < rows.listed:
        told.append(say("report_listed_detail", detailed=rows.detailed))
    head = [
        element("th", element("button", _heading(name, say), type="button", data_sort=name,
                class_="sort"), scope="col", class_=f"col-{name}")
        for name in _COLUMNS
    ]  # fmt: skip
    table = element(
        "table",
        element("caption", say("report_section_files"), class_="hidden"),
        element("thead", element("tr", element("th", element("span", say("report_col_action"), class_="hidden"), scope="col"), head)),
        element("tbody", id="list"),
        class_="list",
    )
    return sections.section(
        "files",
        say("report_section_files"),
        element("p", " ".join(told), class_="box" if left else "intro"),
        element("noscript", element("p", say("report_csp_script"), class_="box")),
        element(
            "div",
            _filters(facts, say),
            element("p", id="matching", role="status", aria_live="polite"),
            table,
            element(
                "nav",
                element("button", say("report_previous"), type="button", id="previous"),
                element("span", id="paging"),
                element("button", say("report_next"), type="button", id="next"),
                class_="paging",
                aria_label=say("report_section_files"),
            ),
            id="browser",
            hidden=True,
        ),
    )


def _heading(name: str, say: Messages) -> str:
    return say("col_persons") if name == "persons" else say(f"report_col_{name}" if name in ("file", "since", "copy") else f"report_{name}")


def _filters(facts: Facts, say: Messages) -> Markup:
    ages = [element("option", say("report_age_any"), value="")]
    ages += [element("option", say(f"report_age_{way}", days=days), value=f"{way}-{days}") for way, days in _AGES]
    chosen = [
        _select("department", []) if facts.scope.whole else None,
        _select("store", []),
        _select("kind", []),
        _select("severity", []),
        _select("exposure", []),
    ]
    labelled = [
        element("label", element("span", say("report_kind" if name == "kind" else f"report_{name}")), select)
        for name, select in zip(("department", "store", "kind", "severity", "exposure"), chosen, strict=True)
        if select is not None
    ]
    search = element(
        "label", element("span", say("report_find")), element("input", type="search", id="find", autocomplete="off", spellcheck="false")
    )
    age = element("label", element("span", say("report_age")), element("select", ages, id="age"))
    reset = element("button", say("report_filter_reset"), type="button", id="reset")
    return element("fieldset", element("legend", say("report_filters"), class_="hidden"), search, labelled, age, reset, class_="filters")


def _select(name: str, options: Sequence[Markup]) -> Markup:
    return element("select", options, id=name)


def _config(facts: Facts, today: datetime.date, say: Messages) -> Mapping[str, Any]:
    """What the script says and knows. All of it is text for `textContent`."""
    kinds = sorted({key.removeprefix("entity_") for key in _catalogue(say) if key.startswith("entity_")})
    return {
        "lang": say.lang,
        "today": day(today),
        "total": facts.stray,
        "severities": [[name, say.word("severity", name)] for name in SEVERITIES],
        "exposures": [say(f"exposure_{name}") for name in ("private", "unknown", "group", "everyone")],
        "entities": {kind: say.word("entity", kind) for kind in kinds},
        "why": {name: say(f"report_why_{name}") for name in ("outside_store", "kind_not_allowed", "retention")},
        "heads": [_heading(name, say) for name in _COLUMNS],
        "details": [say(f"report_col_{name}") for name in _DETAIL_COLUMNS],
        "and": joined(("", ""), say.lang),
        "say": {key: _catalogue(say)[f"report_{key}"] for key in _SCRIPT_SAYS},
    }


def _catalogue(say: Messages) -> Mapping[str, str]:
    from scanner.render.messages import CATALOGUES

    return CATALOGUES[say.lang]


def _footer(out: str, today: datetime.date, say: Messages) -> Markup:
    text = say("report_footer", program=f"strayscan {__version__}", date=today.isoformat(), out=out)
    return element("footer", element("p", text))


def _script() -> Markup:
    return own("script", _text("page.js"))


def _text(name: str) -> str:
    return (files("scanner.render.report") / name).read_text(encoding="utf-8")


def _address(file: str) -> str:
    from urllib.parse import quote

    return quote(file)
