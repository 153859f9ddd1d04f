"""A rule's own examples, run against that rule alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from detectors.fold import fold
from detectors.rule import CompiledRule, Example, Rule


@dataclass(frozen=True, slots=True)
class ExampleResult:
    """Whether one example holds. `kind`: match, no_match or known_miss (a known miss that is found has to move to `match`: not ok)."""

    rule_id: str
    kind: str
    number: int  # 1-based, within its kind
    ok: bool
    message: str  # says what is wrong without repeating the text
    file: str
    line: int

    @property
    def name(self) -> str:
        return f"{self.rule_id}-{self.kind}-{self.number}"


def check(rules: Sequence[Rule], thresholds: Mapping[str, float] | None = None) -> list[ExampleResult]:
    """Run every rule's own examples against that rule alone; what scores below the threshold of its entity does not count as found."""
    least = {"default": 0.5, **(thresholds or {})}
    return [result for rule in rules for result in _check(rule, least.get(rule.entity or "", least["default"]))]


def _check(rule: Rule, threshold: float) -> Iterator[ExampleResult]:
    compiled = CompiledRule(rule)
    # a rule whose matches never reach the threshold by design (told apart, not reported) is held to its own score
    reach = max(rule.score, rule.context_score)
    least = min(threshold, reach) if reach > 0 else threshold
    for kind, examples in (("match", rule.match), ("no_match", rule.no_match), ("known_miss", rule.known_misses)):
        for number, example in enumerate(examples, 1):
            found = _found(compiled, example, least)
            ok, message = _verdict(kind, example, found)
            yield ExampleResult(rule.id, kind, number, ok, message, rule.file, rule.line)


def _found(compiled: CompiledRule, example: Example, least: float) -> list[str] | None:
    try:
        return [example.text[start:end] for start, end, score in compiled.finds(fold(example.text), example.column) if score >= least]
    except TimeoutError:
        return None


def _verdict(kind: str, example: Example, found: list[str] | None) -> tuple[bool, str]:
    if found is None:
        return False, "the pattern took too long"
    if kind == "match":
        ok = found == [example.value]
        return ok, "" if ok else ("nothing was found" if not found else "something else or more than the value was found")
    if kind == "no_match":
        return not found, "" if not found else f"was found, although: {example.why}"
    missed = example.value not in found
    return missed, "" if missed else "is found now: move it to `match`"
