"""Which thresholds of the laws a leak meets, as far as findings can tell, and by when what is due. No legal advice.

The laws are YAML files in `law/`, each rule with its sources and the day from which it is in force. A rule is *met*, *not met*, or *to be
judged* by people: what findings do not tell is never guessed. Persons are counted between bounds, and a rule about their number that
the bounds leave open is to be judged too.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from importlib import resources
from typing import Any, Final

import yaml

MET, NOT_MET, OPEN = "met", "not_met", "to_be_judged"
CIRCUMSTANCES: Final = ("wrongful_purpose", "property_damage", "public", "strongly_encrypted")
"""What people know and findings do not tell."""

Texts = Mapping[str, str]
"""Language -> text."""


@dataclass(frozen=True, slots=True)
class Range:
    """A number known between bounds. `most` None: nobody knows, since not everything was read."""

    least: int
    most: int | None

    def over(self, limit: int) -> str:
        if self.least > limit:
            return MET
        return NOT_MET if self.most is not None and self.most <= limit else OPEN


@dataclass(frozen=True, slots=True)
class Facts:
    """What findings tell of a leak. `kinds`: entity type -> distinct values; `complete`: all of it was read."""

    persons: Range
    kinds: Mapping[str, Range]
    complete: bool
    circumstances: Mapping[str, bool] = field(default_factory=dict)  # those that are known


@dataclass(frozen=True, slots=True)
class Deadline:
    """`due`: the day, or the moment for one in hours, where the beginning is known; `days`, `hours`: from knowing of it. The first day
    counts (guideline of Japan's commission, 3-5-3-4); a day on which offices are closed is not moved, so that nothing is late."""

    name: Texts
    days: int | None = None
    hours: int | None = None
    note: Texts | None = None
    due: datetime.date | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """What became of one rule. `why`: words for people, see the catalogue of messages (`assess_why_...`), with what they are about."""

    law: str
    law_name: Texts
    to: Texts
    rule_id: str
    name: Texts
    outcome: str
    why: tuple[tuple[str, tuple[str, ...]], ...]
    deadlines: tuple[Deadline, ...]
    sources: tuple[str, ...]
    exempt: Texts | None = None


def judge(facts: Facts, *, learned: datetime.datetime | datetime.date | None = None, laws: Iterable[str] = ()) -> list[Judgement]:
    """Every rule in force on the day it became known (today where that is not given), law by law. `laws`: only these."""
    day = _day(learned) if learned is not None else datetime.datetime.now(datetime.UTC).date()
    wanted = frozenset(laws)
    judged = []
    for law in read_laws():
        if wanted and law["law"] not in wanted:
            continue
        if (only := law.get("only_with")) and not any(_there(facts, kind) for kind in only) and facts.complete:
            continue
        judged += [_judged(law, rule, facts, learned) for rule in law["rules"] if _in_force(rule, day)]
    return judged


def read_laws() -> list[dict[str, Any]]:
    """The laws that are shipped, in their order."""
    files = (child for child in resources.files("scanner.obligations.law").iterdir() if child.name.endswith(".yaml"))
    return sorted((yaml.safe_load(child.read_text("utf-8")) for child in files), key=lambda law: int(law["order"]))


def law_names() -> list[str]:
    return [law["law"] for law in read_laws()]


def _judged(law: Mapping[str, Any], rule: Mapping[str, Any], facts: Facts, learned: datetime.datetime | datetime.date | None) -> Judgement:
    outcome, why = _outcome(rule, facts)
    exempt = rule.get("exempt", law.get("exempt"))
    if exempt is not None and outcome != NOT_MET and facts.circumstances.get(exempt["circumstance"]):
        outcome, why = OPEN, [*why, ("exempt", ())]
    deadlines = tuple(_deadline(told, learned) for told in rule["deadlines"]) if outcome != NOT_MET else ()
    texts = None if exempt is None or outcome == NOT_MET else {lang: exempt[lang] for lang in ("en", "ja")}
    return Judgement(
        law["law"], law["name"], law["to"], rule["id"], rule["name"], outcome, tuple(why), deadlines, tuple(rule["sources"]), texts
    )


def _outcome(rule: Mapping[str, Any], facts: Facts) -> tuple[str, list[tuple[str, tuple[str, ...]]]]:
    outcome, why = _condition(rule.get("meets", {}), facts)
    if outcome == MET or "perhaps" not in rule:
        return outcome, why
    maybe, about = _condition(rule["perhaps"], facts)
    if maybe == NOT_MET:
        return outcome, why
    if maybe == MET and rule["perhaps"].get("circumstance") and any(word == "known" for word, _ in about):
        return MET, about
    return OPEN, [*(why if outcome == OPEN else []), *about]


def _condition(told: Mapping[str, Any], facts: Facts) -> tuple[str, list[tuple[str, tuple[str, ...]]]]:
    """Met if any of its parts is."""
    parts: list[tuple[str, tuple[str, tuple[str, ...]]]] = []
    if kinds := told.get("kinds"):
        there = sorted(kind for kind in facts.kinds if any(fnmatchcase(kind, pattern) for pattern in kinds))
        if there:
            parts.append((MET, ("kinds", tuple(there))))
        else:
            parts.append((NOT_MET if facts.complete else OPEN, ("none_found" if facts.complete else "unread", tuple(kinds))))
    if (limit := told.get("persons_over")) is not None:
        parts.append((facts.persons.over(limit), ("persons", (str(limit), *_bounds(facts.persons)))))
    for kind, limit in (told.get("distinct_over") or {}).items():
        found = facts.kinds.get(kind, Range(0, 0 if facts.complete else None))
        parts.append((found.over(limit), ("distinct", (kind, str(limit), *_bounds(found)))))
    if word := told.get("circumstance"):
        known = facts.circumstances.get(word)
        outcome = OPEN if known is None else MET if known else NOT_MET
        parts.append((outcome, ("asked" if known is None else "known", (word,))))
    for wanted in (MET, OPEN, NOT_MET):
        if met := [why for outcome, why in parts if outcome == wanted]:
            return wanted, met
    return NOT_MET, []


def _bounds(found: Range) -> Sequence[str]:
    return str(found.least), "" if found.most is None else str(found.most)


def _there(facts: Facts, kind: str) -> bool:
    return kind in facts.kinds


def _in_force(rule: Mapping[str, Any], day: datetime.date) -> bool:
    span = rule["in_force"]
    begins, ends = span["from"], span.get("until")
    return bool(begins <= day and (ends is None or day <= ends))


def _deadline(told: Mapping[str, Any], learned: datetime.datetime | datetime.date | None) -> Deadline:
    days, hours, due = told.get("days"), told.get("hours"), None
    if learned is not None and days is not None:
        due = _day(learned) + datetime.timedelta(days=days - 1)
    elif learned is not None and hours is not None:
        begins = learned if isinstance(learned, datetime.datetime) else datetime.datetime.combine(learned, datetime.time())
        due = begins + datetime.timedelta(hours=hours)
    return Deadline(told["name"], days, hours, told.get("note"), due)


def _day(moment: datetime.datetime | datetime.date) -> datetime.date:
    return moment.date() if isinstance(moment, datetime.datetime) else moment
