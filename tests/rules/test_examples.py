"""Every example of every shipped rule is a test with a name: ``pytest tests/rules -k jp.my_number``."""

from __future__ import annotations

import pytest

from detectors import rule, rule_examples, rule_packs

RULES = rule_packs.load_shipped()
RESULTS = rule_examples.check(RULES)


@pytest.mark.parametrize("result", RESULTS, ids=[result.name for result in RESULTS])
def test_example(result: rule_examples.ExampleResult) -> None:
    assert result.ok, f"{result.file}:{result.line}: {result.message}"


@pytest.mark.parametrize("item", RULES, ids=[item.id for item in RULES])
def test_rule_is_documented(item: rule.Rule) -> None:
    assert item.references, "says where its form comes from"
    assert item.no_match, "says what it must not match"
    assert all(example.why for example in item.no_match)
    assert item.id.split(".")[0] in (item.pack, "intl"), "the id begins with its pack"
