"""One suite for every pack of rules: what it says of itself, what it holds, and that its rules carry their proof."""

from __future__ import annotations

import datetime

import pytest

from detectors import rule_packs
from detectors.engine import Engine, load, pack_versions
from detectors.rule import Rule
from detectors.rule_files import SHIPPED, RuleError
from scanner.model import DetectSettings

PACKS = rule_packs.packs()
RULES = rule_packs.load_shipped()
NEAR = [item for item in RULES if item.near]


@pytest.fixture(scope="module")
def engine() -> Engine:
    return load(DetectSettings())


@pytest.mark.parametrize("pack", PACKS, ids=[pack.id for pack in PACKS])
def test_a_pack_says_what_it_is(pack: rule_packs.Pack) -> None:
    assert all((pack.name, pack.region, pack.law, pack.version, pack.description))
    assert pack.sources and all(source.startswith("https://") for source in pack.sources)
    assert pack.valid_until is None or (pack.valid_from is not None and pack.valid_from < pack.valid_until)


@pytest.mark.parametrize("pack", PACKS, ids=[pack.id for pack in PACKS])
def test_a_pack_holds_rules_that_there_are(pack: rule_packs.Pack) -> None:
    assert set(pack.listed) <= {item.id for item in RULES}
    assert any(pack.holds(item) for item in RULES)
    assert (SHIPPED / pack.id).is_dir() != bool(pack.listed), "a folder of rules, or a list of others' rules"


def test_every_folder_of_rules_is_a_pack() -> None:
    assert {folder.name for folder in SHIPPED.iterdir() if folder.is_dir() and any(folder.glob("*.yaml"))} <= {pack.id for pack in PACKS}


@pytest.mark.parametrize("item", RULES, ids=[item.id for item in RULES])
def test_a_rule_shows_what_it_finds_what_it_does_not_and_what_it_misses(item: Rule) -> None:
    assert item.match and item.no_match and item.known_misses


@pytest.mark.parametrize("item", [item for item in RULES if item.validator], ids=lambda item: item.id)
def test_no_number_is_reported_for_its_check_digit_alone(item: Rule) -> None:
    """One random number in ten passes a check digit: a plain run of digits needs a label. What is written in groups, begins with letters
    or has two check digits or more tells enough by itself."""
    for example in item.match:
        if example.value is not None and example.value.isdigit() and item.entity not in ("PHONE_NUMBER", "FAX_NUMBER", None):
            assert item.score < 0.5 <= item.context_score


@pytest.mark.parametrize("item", NEAR, ids=[item.id for item in NEAR])
def test_what_counts_beside_a_person_counts_there_and_not_alone(item: Rule, engine: Engine) -> None:
    for example in item.match:
        found = [hit for hit in engine.find(example.text) if hit.entity_type == item.entity]
        assert found, f"its example needs a person that is found: {example.text}"
        assert not [hit for hit in engine.find(str(example.value)) if hit.entity_type == item.entity]


def test_the_identification_codes_changed_when_insurance_cards_ended() -> None:
    before, after = (next(pack for pack in PACKS if pack.id == name) for name in ("jp_codes_2017", "jp_codes_2024"))
    assert before.valid_until is not None and after.valid_from is not None
    assert after.valid_from - before.valid_until == datetime.timedelta(days=1)
    assert after.valid_from == datetime.date(2024, 12, 2)
    assert set(before.listed) - set(after.listed) == {"jp.health_insurance.number", "jp.health_insurance.insurer"}
    assert before.in_force(datetime.date(2024, 12, 1)) and not before.in_force(datetime.date(2024, 12, 2))
    assert after.in_force(datetime.date(2024, 12, 2)) and not after.in_force(datetime.date(2024, 12, 1))


def test_chosen_packs_and_all_that_takes_false_claims_away() -> None:
    chosen = rule_packs.load_shipped(["jp_codes_2024"])
    assert {item.id for item in chosen if item.entity} == set(next(p for p in PACKS if p.id == "jp_codes_2024").listed)
    assert [item.id for item in chosen if item.entity is None] == [item.id for item in RULES if item.entity is None]
    assert len(rule_packs.load_shipped(["jp", "jp_codes_2024"])) > len(chosen)


def test_an_unknown_pack_is_an_error() -> None:
    with pytest.raises(RuleError, match="no pack is named `japan`"):
        rule_packs.load_shipped(["jp", "japan"])


def test_versions_in_use_change_with_the_rules() -> None:
    everything = pack_versions(DetectSettings())
    assert everything.keys() == {pack.id for pack in PACKS}
    fewer = pack_versions(DetectSettings(disabled_rules=("jp.my_number",)))
    assert {name for name in everything if everything[name] != fewer[name]} == {"jp", "jp_codes_2017", "jp_codes_2024"}
    assert pack_versions(DetectSettings(packs=("us",))).keys() == {"us"} | set()
