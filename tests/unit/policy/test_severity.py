"""The policy's `severity:` block."""

from __future__ import annotations

from pathlib import Path

import pytest

from scanner.policy import PolicyError, load
from scanner.policy.severity import SeverityRule


def rule_of(tmp_path: Path, block: str) -> SeverityRule:
    path = tmp_path / "policy.yaml"
    path.write_text(f"version: 1\nseverity:\n{block}")
    return load(path).severity


def test_without_a_block_the_shipped_rule_holds(tmp_path: Path) -> None:
    assert load(None).severity == SeverityRule()
    assert rule_of(tmp_path, "") == SeverityRule()


def test_what_is_named_differs_and_the_rest_stays(tmp_path: Path) -> None:
    rule = rule_of(tmp_path, "  exposure: {everyone: 5}\n  levels: {critical: 9}\n  copy_of_store: 7\n")
    assert rule.exposure == {"everyone": 5, "group": 0, "unknown": 0, "private": -1}
    assert rule.levels == ((9, "critical"), (3, "high"), (2, "medium"))
    assert (rule.copy_of_store, rule.sensitive_or_regulated) == (7, 2)
    assert rule.severity(1, ["PERSON"], "everyone") == "high"
    assert rule.severity(1000, ["PERSON"], "everyone") == "critical"


def test_steps_of_persons_in_any_order(tmp_path: Path) -> None:
    rule = rule_of(tmp_path, "  persons: [{from: 50, points: 3}, {from: 1, points: 1}]\n  sensitive_or_regulated: 0\n")
    assert rule.persons == ((50, 3), (1, 1))
    assert [rule.severity(n, ["JP_MY_NUMBER"], "group") for n in (0, 1, 49, 50)] == ["low", "low", "low", "high"]


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ("  levels: {critical: 2}\n", "critical > high > medium"),
        ("  levels: {low: 2}\n", "unknown key"),
        ("  exposure: {public: 2}\n", "unknown key"),
        ("  persons: [{from: 1}]\n", '"points" is missing'),
        ("  persons: [{from: 1, points: 1}, {from: 1, points: 2}]\n", "two steps"),
        ("  copy_of_store: 1000\n", "100 or fewer"),
        ("  weight: 1\n", "unknown key"),
    ],
)
def test_a_wrong_block_is_one_sentence(block: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(PolicyError) as error:
        rule_of(tmp_path, block)
    assert words in str(error.value)
    assert "policy.yaml:3" in str(error.value)


def test_the_rule_is_part_of_the_digest(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    digests = set()
    for points in (1, 2):
        path.write_text(f"version: 1\nseverity: {{copy_of_store: {points}}}\n")
        digests.add(load(path).digest)
    assert len(digests) == 2
