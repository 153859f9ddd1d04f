"""The pictures of the report as inline SVG: stacked bars, a timeline, and circles in the table of stores and places."""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping, Sequence
from typing import Final

from scanner.policy import SEVERITIES
from scanner.render.messages import Messages
from scanner.render.report.facts import PLACES, Facts
from scanner.render.report.markup import Child, Markup, element, fragment, path
from scanner.render.report.texts import joined

BARS: Final = 12
_WEEKS: Final = 53  # more than a year of weeks is told by months
_HEIGHT: Final = 130  # of the timeline's bars, in pixels
_RADIUS: Final = 15


def legend(say: Messages) -> Markup:
    items = [
        element("li", element("svg", element("rect", width=12, height=12, class_=f"sev-{name}"), width=12, height=12, aria_hidden="true"),
                " ", say.word("severity", name))
        for name in SEVERITIES
    ]  # fmt: skip
    return element("ul", items, class_="legend")


def shares(facts: Facts, say: Messages) -> Markup | None:
    """One bar for each department (of one department: each folder), worst severity at the left. None where there is nothing to show."""
    if not facts.shares:
        return None
    shown = list(facts.shares[:BARS])
    rest = facts.shares[BARS:]
    most = max(sum(counts.values()) for _, counts in shown)
    bars = [_bar(_name(name, facts, say), counts, most, say) for name, counts in shown]
    if rest:
        merged = {severity: sum(counts.get(severity, 0) for _, counts in rest) for severity in SEVERITIES}
        bars.append(_bar(say("report_share_rest", count=len(rest)), merged, most, say))
    return element("div", bars, class_="bars")


def _name(name: str | None, facts: Facts, say: Messages) -> Child:
    if facts.scope.whole:
        return name if name is not None else say("report_department_none")
    return path(name or "/")


def _bar(label: Child, counts: Mapping[str, int], most: int, say: Messages) -> Markup:
    total = sum(counts.values())
    told = joined((f"{say.word('severity', name)} {counts[name]:,}" for name in SEVERITIES if counts.get(name)), say.lang)
    pieces: list[Markup] = []
    at = 0.0
    whole = max(most, total)
    for name in SEVERITIES:
        width = 100 * counts.get(name, 0) / whole
        if width:
            title = element("title", f"{say.word('severity', name)} {counts[name]:,}")
            pieces.append(_rect(title, x=f"{at:.3f}%", width=f"{width:.3f}%", height="100%", class_=f"sev-{name}"))
            at += width
    picture = element("svg", pieces, class_="bar", role="img", aria_label=told, width="100%", height=20)
    return element(
        "div",
        element("div", label, class_="bar-name"),
        element("div", picture),
        element("div", total, element("span", told, class_="only-print"), class_="bar-total"),
        class_="bar-row",
    )


def _rect(title: Markup, **attributes: str | int) -> Markup:
    return element("g", title, element("rect", **attributes))


def weeks(facts: Facts, say: Messages) -> tuple[str, Markup] | None:
    """(the unit of time, the timeline): a bar for each week or month, quiet ones too."""
    if not facts.weeks:
        return None
    counted: Mapping[datetime.date, Mapping[str, int]] = dict(facts.weeks)
    unit = "week"
    if (max(counted) - min(counted)).days > _WEEKS * 7:
        unit = "month"
        months: dict[datetime.date, dict[str, int]] = {}
        for week, counts in counted.items():
            month = months.setdefault(week.replace(day=1), {})
            for severity, count in counts.items():
                month[severity] = month.get(severity, 0) + count
        counted = months
    begins = list(_every(unit, min(counted), max(counted)))
    most = max(sum(counts.values()) for counts in counted.values())
    slots = max(len(begins), 12)  # a single week is a bar, not a wall
    columns = [_column(at, slots, begin, counted.get(begin, {}), most, say) for at, begin in enumerate(begins)]
    labels = _labels(begins, slots, unit)
    scale = [
        element("line", x1="0", x2="100%", y1=20, y2=20, class_="grid"),
        element("line", x1="0", x2="100%", y1=20 + _HEIGHT, y2=20 + _HEIGHT, class_="axis"),
        element("text", most, x=0, y=14, class_="scale"),
    ]
    summary = joined((f"{begin.isoformat()}: {sum(counts.values()):,}" for begin, counts in sorted(counted.items())[-8:]), say.lang)
    picture = element("svg", scale, columns, labels, class_="weeks", role="img", aria_label=summary, width="100%", height=_HEIGHT + 46)
    return say(f"report_weeks_{unit}"), picture


def _every(unit: str, first: datetime.date, last: datetime.date) -> Sequence[datetime.date]:
    begins = [first]
    while begins[-1] < last:
        now = begins[-1]
        begins.append(now + datetime.timedelta(days=7) if unit == "week" else (now + datetime.timedelta(days=31)).replace(day=1))
    return begins


def _column(at: int, slots: int, begin: datetime.date, counts: Mapping[str, int], most: int, say: Messages) -> Markup:
    left, width = 100 * (at + 0.12) / slots, 100 * 0.76 / slots
    bottom = 20.0 + _HEIGHT
    pieces: list[Markup] = []
    for name in SEVERITIES:
        height = _HEIGHT * counts.get(name, 0) / most
        if height:
            bottom -= height
            title = element("title", f"{begin.isoformat()}: {say.word('severity', name)} {counts[name]:,}")
            pieces.append(
                _rect(title, x=f"{left:.3f}%", width=f"{width:.3f}%", y=f"{bottom:.1f}", height=f"{height:.1f}", class_=f"sev-{name}")
            )
    return fragment(pieces)


def _labels(begins: Sequence[datetime.date], slots: int, unit: str) -> list[Markup]:
    """Few enough dates that they never overlap on a narrow screen."""
    step = max(1, math.ceil(slots / 6))
    shown = begins[::step]
    digits = 10 if unit == "week" else 7
    return [
        element("text", begin.isoformat()[:digits], x=f"{100 * (at * step + 0.12) / slots:.3f}%", y=_HEIGHT + 38, class_="scale")
        for at, begin in enumerate(shown)
    ]


def matrix(facts: Facts, say: Messages) -> Markup | None:
    """Stores by places, a circle in each cell; the rarest places are added up."""
    if not facts.matrix:
        return None
    stores = list(dict.fromkeys(store for store, *_ in facts.matrix))
    totals: dict[str, int] = {}
    for _, place, objects, _ in facts.matrix:
        totals[place] = totals.get(place, 0) + objects
    places = sorted(totals, key=lambda place: (-totals[place], place))
    shown = places if len(places) <= PLACES else places[: PLACES - 1]
    cells: dict[tuple[str, str | None], int] = {}
    for store, place, objects, _ in facts.matrix:
        key = (store, place if place in shown else None)
        cells[key] = cells.get(key, 0) + objects
    columns: list[str | None] = [*shown, *([None] if len(shown) < len(places) else [])]
    most = max(cells.values())
    head = [element("th", say("report_where"), scope="col"), *(element("th", store, scope="col", class_="circle") for store in stores)]
    body = [
        element(
            "tr",
            element("th", say("report_matrix_rest") if place is None else path(place) if place else say("report_matrix_top"), scope="row"),
            *(element("td", _circle(cells.get((store, place), 0), most), class_="circle") for store in stores),
        )
        for place in columns
    ]
    return element("table", element("thead", element("tr", head)), element("tbody", body), class_="matrix")


def _circle(count: int, most: int) -> Markup:
    if not count:
        return element("span", "–", class_="nothing")
    radius = max(3.0, _RADIUS * math.sqrt(count / most))
    middle = _RADIUS + 1
    picture = element(
        "svg", element("circle", cx=middle, cy=middle, r=f"{radius:.1f}"), width=2 * middle, height=2 * middle, aria_hidden="true"
    )
    return fragment(picture, element("span", count, class_="number"))
