"""Runs and decisions in any order: the states that SQL derives are those of a simple model that remembers everything."""

from __future__ import annotations

import datetime
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.findings import current, decisions
from scanner.findings.decide import DecisionError
from tests.unit.findings.deciding import TODAY, desk, one_or_none, scan, wanted

PATHS = ("a", "b")
CONTENTS = st.one_of(st.none(), st.just("permission"), st.sets(st.integers(1, 3)))
"""Not there; there and unreadable; there with these values."""

SCANS = st.tuples(
    st.just("scan"),
    st.sampled_from(("complete", "complete", "incomplete")),
    st.fixed_dictionaries(dict.fromkeys(PATHS, CONTENTS)),
    st.sampled_from(("PERSON", "PERSON", "JP_MY_NUMBER")),
)
ORDERS = st.tuples(
    st.sampled_from(("ignore", "accept", "reopen", "assign", "unassign", "measure", "unmeasure", "compact", "keep")),
    st.sampled_from(PATHS),
    st.integers(0, 4),
)
DAYS = st.tuples(st.just("days"), st.integers(1, 3))


@dataclass
class Model:
    """One path: what a person would know who kept a diary."""

    values: set[int] = field(default_factory=set)
    number: int = 0  # distinct values, all there is to know of a regulated kind
    prints: bool = True  # the newest row has fingerprints
    had: bool = False  # when it was last read
    stands: bool = False
    aside: tuple[str, set[int], int, bool, datetime.date] | None = None
    withdrawn: bool = False
    whose: datetime.date | None = None
    measure: datetime.date | None = None
    measure_state: str | None = None

    def scan(self, outcome: str, held: set[int] | str | None, kind: str) -> None:
        complete = outcome == "complete"
        if isinstance(held, str):
            self.stands = self.stands or self.had  # it is there, and nobody has seen it without
            return
        if held is None:
            if complete:
                self.stands = False
        elif held:
            self.values, self.number, self.prints = held, len(held), kind == "PERSON"
            self.stands = self.had = True
            if self.measure_state == "closed":
                self.measure_state = "recurred"
            return
        else:
            self.stands = self.had = False
        if complete and self.measure_state in ("pending", "recurred"):
            self.measure_state = "closed"

    def told(self, today: datetime.date) -> tuple[str, str | None]:
        if not self.stands:
            return "closed", None
        reopened = self._reopened(today)
        if self.aside and reopened is None:
            return {"ignore": "ignored", "accept": "accepted"}[self.aside[0]], None
        return "open", "recurred" if self.measure_state == "recurred" else reopened

    def _reopened(self, today: datetime.date) -> str | None:
        if self.withdrawn:
            return "withdrawn"
        if self.aside is None:
            return None
        _, covered, number, prints, until = self.aside
        if until < today:
            return "expired"
        if prints != self.prints:
            return "cannot_compare"
        if not prints:
            return "grown" if self.number > number else None
        return None if self.values <= covered else "new_values"


@pytest.fixture(autouse=True, scope="module")
def _no_waiting_for_the_disk() -> None:
    patch = pytest.MonkeyPatch()
    patch.setattr(os, "fsync", lambda handle: None)


@settings(max_examples=12, deadline=None)
@given(st.lists(st.one_of(SCANS, ORDERS, DAYS), min_size=3, max_size=8))
def test_states_are_those_of_the_model(steps: list[tuple[object, ...]]) -> None:
    models = {path: Model() for path in PATHS}
    today = TODAY
    with tempfile.TemporaryDirectory(prefix="triage-") as folder:
        out = Path(folder)
        scan(out, {"a": {1}, "b": {1, 2}, "other": set()})
        models["a"].scan("complete", {1}, "PERSON")
        models["b"].scan("complete", {1, 2}, "PERSON")
        for step in steps:
            today = _take(out, step, models, today)
        for path, model in models.items():
            row = one_or_none(out, path, today)
            assert row is not None
            assert (row["state"], row["reopened"] if row["state"] == "open" else None) == model.told(today), (path, steps)
            due = model.measure
            overdue = model.measure_state == "pending" and due is not None and due < today
            assert row["measure_state"] == ("overdue" if overdue else model.measure_state), (path, steps)
            assert (row["due"], bool(row["overdue"])) == (
                model.whose,
                model.whose is not None and model.whose < today and row["state"] == "open",
            )


def _take(out: Path, step: tuple[object, ...], models: dict[str, Model], today: datetime.date) -> datetime.date:
    match step:
        case ("days", int(number)):
            return today + datetime.timedelta(days=number)
        case ("scan", str(outcome), dict(contents), str(kind)):
            there = {path: held for path, held in contents.items() if held is not None}
            scan(out, {"other": set(), **there}, outcome=outcome, kind=kind)
            for path, held in contents.items():
                models[path].scan(outcome, held, kind)
        case ("compact", str(), int()):
            decisions.compact(out)
        case ("keep", str(), int()):
            assert current.write(out, 0)
        case (str(action), str(path), int(days)):
            _decide(out, action, path, models[path], today, today + datetime.timedelta(days=days))
    return today


def _decide(out: Path, action: str, path: str, model: Model, today: datetime.date, day: datetime.date) -> None:
    state, _ = model.told(today)
    allowed = state != "closed" and {
        "reopen": state in ("ignored", "accepted"),
        "unassign": model.whose is not None,
        "unmeasure": model.measure is not None,
    }.get(action, True)
    with desk(out, today) as order:
        calls = {
            "ignore": lambda: order.ignore(wanted(path), "r", day),
            "accept": lambda: order.accept(wanted(path), "r", day),
            "reopen": lambda: order.reopen(wanted(path), "r"),
            "assign": lambda: order.assign(wanted(path), "someone", day),
            "unassign": lambda: order.unassign(wanted(path)),
            "measure": lambda: order.measure(wanted(path), "c", "m", day),
            "unmeasure": lambda: order.unmeasure(wanted(path), "r"),
        }
        if not allowed:
            with pytest.raises(DecisionError):
                calls[action]()
            return
        calls[action]()
    match action:
        case "ignore" | "accept":
            model.aside, model.withdrawn = (action, set(model.values), model.number, model.prints, day), False
        case "reopen":
            model.aside, model.withdrawn = None, True
        case "assign" | "unassign":
            model.whose = day if action == "assign" else None
        case "measure":
            model.measure, model.measure_state = day, "pending"
        case "unmeasure":
            model.measure = model.measure_state = None
