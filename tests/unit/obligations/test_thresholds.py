"""The rules of the laws: what is met, what is left to people, and by when."""

from __future__ import annotations

import datetime
from collections.abc import Mapping

import pytest

from scanner.obligations.thresholds import CIRCUMSTANCES, MET, NOT_MET, OPEN, Facts, Range, judge, law_names, read_laws

DAY = datetime.date(2026, 11, 28)


def facts(persons: Range | int, *kinds: str, complete: bool = True, **known: bool) -> Facts:
    counted = Range(persons, persons) if isinstance(persons, int) else persons
    return Facts(counted, {kind: Range(1, 1 if complete else None) for kind in kinds}, complete, known)


def outcomes(found: Facts) -> Mapping[str, str]:
    return {one.rule_id: one.outcome for one in judge(found, learned=DAY)}


@pytest.mark.parametrize(
    ("found", "rule", "outcome"),
    [
        (facts(1, "PERSON", "SENSITIVE_HEALTH"), "appi.sensitive", MET),
        (facts(1, "PERSON"), "appi.sensitive", NOT_MET),
        (facts(1, "PERSON", complete=False), "appi.sensitive", OPEN),
        (facts(1, "CREDIT_CARD"), "appi.property", MET),
        (facts(1, "JP_BANK_ACCOUNT"), "appi.property", OPEN),
        (facts(1, "PERSON"), "appi.property", OPEN),  # nobody has said that there is no such danger
        (facts(1, "PERSON", property_damage=True), "appi.property", MET),
        (facts(1, "PERSON", property_damage=False), "appi.property", NOT_MET),
        (facts(1, "PERSON"), "appi.wrongful", OPEN),
        (facts(1, "PERSON", wrongful_purpose=True), "appi.wrongful", MET),
        (facts(1, "PERSON", wrongful_purpose=False), "appi.wrongful", NOT_MET),
        (facts(1_000, "PERSON"), "appi.many", NOT_MET),
        (facts(1_001, "PERSON"), "appi.many", MET),
        (facts(Range(990, 1_010), "PERSON"), "appi.many", OPEN),
        (facts(Range(3, None), "PERSON", complete=False), "appi.many", OPEN),
        (facts(Range(1_001, None), "PERSON", complete=False), "appi.many", MET),
        (facts(1, "PERSON"), "gdpr.authority", OPEN),
        (facts(0), "gdpr.authority", NOT_MET),
        (facts(1, "SENSITIVE_HEALTH"), "gdpr.authority", MET),
        (facts(1, "SENSITIVE_HEALTH"), "gdpr.persons", OPEN),
        (facts(1, "JP_MY_NUMBER", public=True), "my_number.public", MET),
        (facts(1, "JP_MY_NUMBER"), "my_number.many", NOT_MET),
    ],
)
def test_outcome(found: Facts, rule: str, outcome: str) -> None:
    assert outcomes(found)[rule] == outcome


def test_my_number_has_rules_of_its_own_where_one_is_or_may_be() -> None:
    assert not any(rule.startswith("my_number") for rule in outcomes(facts(5, "PERSON")))
    assert outcomes(facts(5, "PERSON", complete=False))["my_number.many"] == OPEN
    hundred_and_one = Facts(Range(0, 0), {"JP_MY_NUMBER": Range(101, 101)}, True)
    assert outcomes(hundred_and_one)["my_number.many"] == MET


def test_strong_encryption_leaves_it_to_people() -> None:
    judged = {one.rule_id: one for one in judge(facts(2_000, "SENSITIVE_HEALTH", strongly_encrypted=True), learned=DAY)}
    assert judged["appi.many"].outcome == judged["appi.sensitive"].outcome == OPEN
    assert ("exempt", ()) in judged["appi.many"].why
    assert judged["gdpr.authority"].outcome == MET  # a loss of availability is a breach too


def test_deadlines_count_from_the_day_it_became_known() -> None:
    judged = {one.rule_id: one for one in judge(facts(1, "SENSITIVE_HEALTH", wrongful_purpose=True), learned=DAY)}
    assert [one.due for one in judged["appi.sensitive"].deadlines] == [datetime.date(2026, 12, 2), datetime.date(2026, 12, 27), None]
    assert judged["appi.wrongful"].deadlines[1].due == datetime.date(2027, 1, 26)
    moment = datetime.datetime(2026, 11, 28, 9, 30)
    (authority,) = [one for one in judge(facts(1, "SENSITIVE_HEALTH"), learned=moment) if one.rule_id == "gdpr.authority"]
    assert authority.deadlines[0].due == datetime.datetime(2026, 12, 1, 9, 30)


def test_what_is_not_met_has_no_deadline_and_a_rule_binds_only_from_its_day() -> None:
    judged = judge(facts(1, "PERSON", wrongful_purpose=False, property_damage=False), learned=DAY)
    assert all(not one.deadlines for one in judged if one.outcome == NOT_MET)
    early = {one.rule_id for one in judge(facts(1, "PERSON"), learned=datetime.date(2022, 3, 31))}
    assert early == {"gdpr.authority", "gdpr.persons"}


def test_one_law_can_be_asked_for() -> None:
    assert {one.law for one in judge(facts(1, "PERSON"), learned=DAY, laws=["GDPR"])} == {"GDPR"}


def test_every_rule_says_its_source_its_day_and_both_languages() -> None:
    assert law_names() == ["APPI", "My Number Act", "GDPR"]
    ids = []
    for law in read_laws():
        for texts in (law["name"], law["to"], *(part for part in (law.get("exempt"),) if part)):
            assert texts["en"] and texts["ja"]
        for rule in law["rules"]:
            ids.append(rule["id"])
            assert rule["sources"] and isinstance(rule["in_force"]["from"], datetime.date)
            assert set(rule["name"]) == {"en", "ja"}
            assert rule.keys() <= {"id", "name", "in_force", "meets", "perhaps", "deadlines", "sources", "exempt"}
            for condition in (rule.get("meets", {}), rule.get("perhaps", {})):
                assert condition.keys() <= {"kinds", "persons_over", "distinct_over", "circumstance"}
                assert condition.get("circumstance") in (None, *CIRCUMSTANCES)
            for deadline in rule["deadlines"]:
                assert set(deadline["name"]) == {"en", "ja"}
                assert {"days", "hours", "note"} & deadline.keys()
    assert len(ids) == len(set(ids))
