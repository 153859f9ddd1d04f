"""How stray data is weighed (docs/reference/severity.md), as shipped or as the policy's `severity:` sets it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from scanner.policy.document import Value
from scanner.policy.entities import weighs_most

SEVERITIES = ("critical", "high", "medium", "low", "info")  # worst first
EXPOSURES = ("everyone", "group", "unknown", "private")
SET_LEVELS = SEVERITIES[:3]  # `low` is what is left, `info` is no level of the rule
POINTS = 100  # no rule needs more, and a slip of the pen shows


@dataclass(frozen=True, slots=True)
class SeverityRule:
    """Points are added up, and the sum is looked up in `levels`.

    `persons`: (at least so many persons, points), largest first. `levels`: (at least so many points, severity), largest first.
    """

    persons: tuple[tuple[int, int], ...] = ((1000, 4), (100, 3), (10, 2), (0, 1))
    sensitive_or_regulated: int = 2
    exposure: Mapping[str, int] = field(default_factory=lambda: {"everyone": 1, "group": 0, "unknown": 0, "private": -1})
    copy_of_store: int = 1
    levels: tuple[tuple[int, str], ...] = ((4, "critical"), (3, "high"), (2, "medium"))
    otherwise: str = "low"

    def severity(self, persons: int, entity_types: Sequence[str], exposure: str, copy_of_store: bool = False) -> str:
        """The severity of an object that holds stray data of these kinds about so many persons."""
        points = next((points for least, points in self.persons if persons >= least), 0)
        points += self.sensitive_or_regulated * any(map(weighs_most, entity_types))
        points += self.exposure.get(exposure, 0)
        points += self.copy_of_store * copy_of_store
        return next((level for least, level in self.levels if points >= least), self.otherwise)


def severity_rule(value: Value | None) -> SeverityRule:
    """The policy's `severity:` block; what it does not name stays as shipped. Raises `PolicyError`."""
    rule = SeverityRule()
    if value is None or value.is_null:
        return rule
    fields = value.fields(("persons", "sensitive_or_regulated", "exposure", "copy_of_store", "levels"))
    if "persons" in fields:
        rule = replace(rule, persons=_steps(fields["persons"]))
    if "exposure" in fields:
        given = {name: _points(points) for name, points in fields["exposure"].fields(EXPOSURES).items()}
        rule = replace(rule, exposure={**rule.exposure, **given})
    if "levels" in fields:
        rule = replace(rule, levels=_levels(fields["levels"], rule))
    if "sensitive_or_regulated" in fields:
        rule = replace(rule, sensitive_or_regulated=_points(fields["sensitive_or_regulated"]))
    if "copy_of_store" in fields:
        rule = replace(rule, copy_of_store=_points(fields["copy_of_store"]))
    return rule


def _points(value: Value) -> int:
    points = value.whole(-POINTS)
    if points > POINTS:
        value.fail(f"must be {POINTS} or fewer")
    return points


def _steps(value: Value) -> tuple[tuple[int, int], ...]:
    """`[{from: 1, points: 1}, {from: 100, points: 3}]`"""
    steps: dict[int, int] = {}
    for item in value.items():
        fields = item.fields(("from", "points"))
        for name in ("from", "points"):
            if name not in fields:
                item.fail(f'"{name}" is missing')
        least = fields["from"].whole()
        if least in steps:
            fields["from"].fail("two steps begin at one number of persons")
        steps[least] = _points(fields["points"])
    return tuple(sorted(steps.items(), reverse=True))


def _levels(value: Value, rule: SeverityRule) -> tuple[tuple[int, str], ...]:
    """`{critical: 5, high: 3}`: the points from which on an object is of this severity, falling from level to level."""
    shipped = {level: points for points, level in rule.levels}
    given = {**shipped, **{level: _points(points) for level, points in value.fields(SET_LEVELS).items()}}
    levels = tuple((given[level], level) for level in SET_LEVELS)
    if any(worse <= milder for (worse, _), (milder, _) in pairwise(levels)):
        value.fail("a worse level needs more points than a milder one: critical > high > medium")
    return levels
