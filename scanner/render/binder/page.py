"""The binder's page: first what it is and what it lacks, then its sections, last its pieces. It has no script, and prints as it is."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from typing import Any, Final

from scanner import __version__
from scanner.obligations.binder.model import NOT_IN_PERIOD, RECORDED, Binder, Gap
from scanner.obligations.binder.pieces import Piece
from scanner.render.binder.parts import nothing, part
from scanner.render.messages import Messages
from scanner.render.report import sections
from scanner.render.report.markup import Child, Markup, document, element, fragment, page_head
from scanner.render.visible import file_size, short

_GAPS: Final = 40


def binder_page(binder: Binder, pieces: Sequence[Piece], say: Messages) -> str:
    """The HTML. `pieces`: the tables behind it, with their hashes."""
    title = say("audit_title")
    period = say("audit_period", first=binder.period.first.isoformat(), last=binder.period.last.isoformat())
    numbered = list(enumerate(binder.sections, 1))
    body = fragment(
        element("header", element("p", "Strayscan", class_="brand"), element("h1", title), element("p", period, class_="period")),
        element(
            "main",
            _gaps(binder, say),
            _figures(binder, say),
            _facts(binder, say),
            _contents(binder, say),
            [_section(number, one.name, binder, say) for number, one in numbered],
            _pieces(len(numbered) + 1, pieces, say),
        ),
        element("footer", element("p", say("audit_no_value"))),
    )
    return document(say.lang, page_head(f"{title}, {period}", style(title, period)), body)


def style(title: str, period: str) -> str:
    """The report's style, the binder's own, and running heads for its pages in print."""
    own = (files("scanner.render.binder") / "binder.css").read_text(encoding="utf-8")
    report = (files("scanner.render.report") / "page.css").read_text(encoding="utf-8")
    return f"{report}{own}".replace('"<title>"', _css(title)).replace('"<period>"', _css(period))


def _css(text: str) -> str:
    """A string of CSS: all but letters and digits of ASCII is written by its number."""
    return '"' + "".join(char if char.isascii() and char.isalnum() else f"\\{ord(char):06x}" for char in text) + '"'


# --------------------------------------------------------------------------- the first page


def gap_text(gap: Gap, say: Messages) -> str:
    told = {name: short(value) if isinstance(value, str) else value for name, value in gap.about.items()}
    if "outcome" in told:
        told["outcome"] = say(f"report_outcome_{told['outcome']}")
    return say(f"audit_gap_{gap.what}", **told)


def _gaps(binder: Binder, say: Messages) -> Markup:
    if not binder.gaps:
        return element("p", say("audit_gaps_none"), class_="good")
    items = [element("li", gap_text(gap, say)) for gap in binder.gaps[:_GAPS]]
    if len(binder.gaps) > _GAPS:
        items.append(element("li", say("copies_more", count=len(binder.gaps) - _GAPS)))
    title = element("p", say("audit_gaps"), class_="box-title")
    return element("div", title, element("ul", items), element("p", say("audit_gaps_more")), class_="box", role="alert")


def _figures(binder: Binder, say: Messages) -> Markup:
    runs = binder.rows("runs")
    last = {row["last_run"] for row in binder.rows("roots") if row["in_period"]}
    bad = sum(run["outcome"] != "complete" for run in runs)
    unread = next((gap.about["count"] for gap in binder.gaps if gap.what == "unread"), 0)
    measures = len({row["decision_id"] for row in binder.rows("measures") if row["outcome"] in ("pending", "overdue", "recurred")})
    told: list[tuple[Child, str, str, bool]] = [
        (len(runs), say("audit_figure_runs", bad=bad), "runs", bad > 0 or not runs),
        (sum(run["stray"] or 0 for run in runs if run["run_id"] in last), say("audit_figure_stray"), "runs", False),
        (unread, say("audit_figure_unread"), "unread", bool(unread)),
        (measures, say("audit_figure_measures"), "measures", False),
        (len(binder.section("provisions").rows), say("audit_figure_provisions"), "provisions", False),
    ]
    items = [
        element("li", element("a", element("strong", count), element("span", text), href=f"#{name}"), class_="bad" if is_bad else None)
        for count, text, name, is_bad in told
    ]
    return element("ul", items, class_="figures", aria_label=say("report_summary"))


def _facts(binder: Binder, say: Messages) -> Markup:
    period, policy = binder.period, binder.policy
    made = f"{period.local(binder.made_at):%Y-%m-%d %H:%M}"
    facts: list[tuple[str, Child]] = [
        ("period", [say("audit_period", first=period.first.isoformat(), last=period.last.isoformat()), element("div", _zone(binder, say))]),
        ("out", binder.out),
        ("key", ", ".join(binder.key_ids) or "–"),
        ("runs", len(binder.runs)),
        ("policy", say("audit_state_not_given_policy") if policy is None else _policy(policy)),
        ("hold", binder.hold or say("audit_state_not_given_hold")),
        ("made", made),
        ("by", binder.made_by),
        ("program", f"strayscan {__version__}"),
    ]
    rows = [element("div", element("dt", say(f"audit_fact_{name}")), element("dd", told)) for name, told in facts]
    return sections.section("facts", say("audit_facts"), element("dl", rows, class_="facts"))


def _zone(binder: Binder, say: Messages) -> str:
    offsets = "UTC" + ", ".join(binder.period.offsets)
    zone = binder.period.zone
    return say("audit_zone_machine", offsets=offsets) if zone is None else say("audit_zone_named", zone=zone, offsets=offsets)


def _policy(policy: Any) -> Child:
    return [policy["digest"], [element("div", file["path"], class_="nothing") for file in policy["files"]]]


def _contents(binder: Binder, say: Messages) -> Markup:
    rows: list[list[Child]] = [
        [
            str(number),
            element("a", say(f"audit_section_{section.name}"), href=f"#{section.name}"),
            len(section.rows),
            _state(section.name, section.state, say),
            element("span", f"{section.name}.parquet", class_="where"),
        ]
        for number, section in enumerate(binder.sections, 1)
    ]
    title = say("audit_contents")
    head = [say(f"audit_col_{name}") for name in ("number", "section", "rows", "state", "file")]
    return sections.section("contents", title, sections.table(title, head, rows))


def _state(name: str, state: str, say: Messages) -> Child:
    if state == RECORDED:
        return say("audit_state_recorded")
    text = nothing(name, state, say)
    return element("span", text, class_="late" if name in ("roots", "runs") and state == NOT_IN_PERIOD else "nothing")


# --------------------------------------------------------------------------- the rest


def _section(number: int, name: str, binder: Binder, say: Messages) -> Markup:
    return sections.section(name, f"{number}. {say(f'audit_section_{name}')}", part(name, binder, say))


def _pieces(number: int, pieces: Sequence[Piece], say: Messages) -> Markup:
    head = [say(f"audit_col_{name}") for name in ("piece", "rows", "size")] + ["BLAKE3"]
    rows: list[list[Child]] = [
        [
            one.path,
            one.rows or 0,
            element("span", file_size(one.size_bytes), class_="keep"),
            element("span", one.blake3, class_="where hash"),
        ]
        for one in pieces
    ]
    title = say("audit_pieces")
    intro = element("p", say("audit_pieces_intro"), class_="intro")
    return sections.section("pieces", f"{number}. {title}", intro, sections.table(title, head, rows))
