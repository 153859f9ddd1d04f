"""Loading rules: what is right becomes a Rule, what is wrong is one sentence with file, line and key."""

from __future__ import annotations

from pathlib import Path

import pytest

from detectors import rule, rule_examples, rule_files, rule_packs

GOOD = """\
- id: acme.customer
  entity: CUSTOMER_ID
  description: A customer number of ours.
  pattern: '(?P<value>C[0-9]{6})'
  score: 0.8
  match:
    - {text: "no. C123456", value: "C123456"}
  no_match:
    - {text: "C12345", why: too short}
  known_misses:
    - {text: "c123456", value: "c123456"}
"""


def test_a_good_rule_loads_and_holds_its_examples() -> None:
    (item,) = rule_files.parse(GOOD, "own.yaml")
    assert (item.id, item.entity, item.line, item.trusted) == ("acme.customer", "CUSTOMER_ID", 1, False)
    assert [(result.name, result.ok) for result in rule_examples.check([item])] == [
        ("acme.customer-match-1", True),
        ("acme.customer-no_match-1", True),
        ("acme.customer-known_miss-1", True),
    ]


@pytest.mark.parametrize(
    ("old", "new", "failing"),
    [
        ('value: "C123456"', 'value: "123456"', "acme.customer-match-1"),  # finds more than the value
        ('C12345"', 'C123456"', "acme.customer-no_match-1"),
        ('"c123456", value: "c123456"', '"C123456", value: "C123456"', "acme.customer-known_miss-1"),  # found now
    ],
)
def test_a_broken_example_fails_by_name(old: str, new: str, failing: str) -> None:
    results = rule_examples.check(rule_files.parse(GOOD.replace(old, new), "own.yaml"))
    assert [result.name for result in results if not result.ok] == [failing]


@pytest.mark.parametrize(
    ("old", "new", "line", "key"),
    [
        ("entity: CUSTOMER_ID", "entity: customer", 2, "entity"),
        ("entity: CUSTOMER_ID", "entiti: CUSTOMER_ID", 2, "entiti"),
        ("score: 0.8", "score: much", 5, "score"),
        ("score: 0.8", "score: true", 5, "score"),
        ("score: 0.8", "score: 0.8\n  score: 0.9", 6, "score"),
        ("'(?P<value>C[0-9]{6})'", "'(C['", 4, "pattern"),
        ("score: 0.8", "score: 0.8\n  validator: os.system", 6, "validator"),
        ("id: acme.customer", "id: Customer", 1, "id"),
        ("  description: A customer number of ours.\n", "", 1, "description"),
        ('{text: "C12345", why: too short}', '{text: "C12345"}', 8, "no_match"),
        ('value: "C123456"', 'value: "D123456"', 6, "match"),
        ("score: 0.8", "score: 0.8\n  before: 5000", 6, "before"),
    ],
)
def test_a_fault_names_its_line_and_key(old: str, new: str, line: int, key: str) -> None:
    assert old in GOOD
    with pytest.raises(rule_files.RuleError) as caught:
        rule_files.parse(GOOD.replace(old, new), "own.yaml")
    assert str(caught.value).startswith(f"own.yaml:{line}: {key}: ")


@pytest.mark.parametrize("text", ["a: b", "- [", "- &a {id: *a}", "- x", "[" * 5_000, "- id: 'a\x00'"])
def test_other_yaml_is_one_clear_error(text: str) -> None:
    with pytest.raises(rule_files.RuleError, match=r"^own\.yaml:\d+: "):
        rule_files.parse(text, "own.yaml")


def test_two_rules_of_one_id(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(GOOD)
    (tmp_path / "b.yml").write_text(GOOD)
    with pytest.raises(rule_files.RuleError, match=r"b\.yml:1: id: `acme.customer` is taken by .*a\.yaml:1"):
        rule_files.load_folder(tmp_path)


def test_an_empty_folder_or_none_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(rule_files.RuleError, match="holds no"):
        rule_files.load_folder(tmp_path)
    with pytest.raises(rule_files.RuleError, match="no such"):
        rule_files.load_folder(tmp_path / "missing")


def test_context_is_by_token_for_ascii_and_by_substring_for_japanese() -> None:
    words = rule.words_pattern(["cid", "電話", "part no"])
    assert words is not None
    assert words.search("cid:") and words.search("代表電話番号") and words.search("part_no") and words.search("x cid2")
    assert not words.search("acid") and not words.search("cider")


@pytest.mark.parametrize(
    ("text", "is_context"),
    [
        ("電話 0612345678", True), ("電話\n0612345678", True), ("電話番号,メール\n0612345678,a", False),
        ("氏名\t電話\n0612345678\t山田", False),
        ("氏名,電話\n山田,電話0612345678", True),
    ],
)  # fmt: skip
def test_words_of_a_header_row_say_nothing_of_the_first_field_below(text: str, is_context: bool) -> None:
    (bare,) = [item for item in rule_packs.load_shipped(["jp"]) if item.id == "jp.phone.bare"]
    scores = [score for _, _, score in rule.CompiledRule(bare).finds(text)]
    assert scores == [bare.context_score if is_context else bare.score]


def test_digest_changes_with_what_decides() -> None:
    (one,) = rule_files.parse(GOOD, "own.yaml")
    (two,) = rule_files.parse(GOOD.replace("0.8", "0.7"), "own.yaml")
    (three,) = rule_files.parse(GOOD.replace("too short", "short"), "own.yaml")
    assert one.digest != two.digest
    assert one.digest == three.digest
