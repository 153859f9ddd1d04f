"""The gate: what it keeps from running could have reported nothing, on the material of the benchmarks and on text meant to mislead it."""

from __future__ import annotations

import random
from itertools import islice

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from benchmarks.material import extract_lines, log_lines, prose_lines
from detectors import engine, rule, rule_files, rule_packs
from detectors.fold import encodable, fold
from detectors.gate import Finder, Gate, can_report, needed_words
from detectors.pattern import compile_trusted, reach
from detectors.person_en import EnglishPersonRecognizer
from detectors.person_ja import JapanesePersonRecognizer
from detectors.screen import Screen
from scanner.model import DetectSettings

SHIPPED = rule_packs.load_shipped()
ENTITIES = tuple(sorted({item.entity for item in SHIPPED if item.entity} | {"ADDRESS"}))
LOUD = {"default": 0.15, "PHONE_NUMBER": 0.5}
QUICK = {None: engine.load(DetectSettings(entities=ENTITIES)), 1: engine.load(DetectSettings(entities=ENTITIES, thresholds=LOUD))}
WHOLE = {
    None: engine.load(DetectSettings(entities=ENTITIES), screened=False),
    1: engine.load(DetectSettings(entities=ENTITIES, thresholds=LOUD), screened=False),
}


@pytest.mark.parametrize("lines", [log_lines, prose_lines, extract_lines])
@pytest.mark.parametrize("loud", [None, 1])
def test_the_benchmarks_material_gives_the_same_with_and_without(lines: object, loud: int | None) -> None:
    text = "\n".join(islice(lines(5), 80))  # type: ignore[operator]
    assert QUICK[loud].find(text) == WHOLE[loud].find(text)


ATOMS = (
    *("電話", "TEL ", "Fax:", "fax ", "携帯 ", "住所 ", "〒", "マイナンバー ", "card ", "passport ", "zip ", "account no ", "SSN ",
        "Kouza", "\u212aouza no ", "\u0130d "),
    *("0", "1", "2", "45", "078", "090", "0120", "1234", "4155", "5678", "62701", "123456", "1234567", "12345678", "4111111111111111"),
    *("-", "-", "-", " ", " ", ".", ",", "(", ")", "+", "/", ":", "\n", "ー", "－", "　", "年", "月", "日", "é", "\ud800", "x", "A", "_"),
    *("生年月日", "1980", "Main Street", " Ave ", "IL ", "Box ", "市", "東京都千代田区丸の内", "３", "品番 ",
        "order no ", "注文番号", "a@example.com", "@"),
)  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(ATOMS), max_size=40).map("".join), st.sampled_from([None, 1]))
def test_misleading_text_gives_the_same_with_and_without(text: str, loud: int | None) -> None:
    assert QUICK[loud].find(text) == WHOLE[loud].find(text)
    assert QUICK[loud].find_cell(text[:60], context=("電話番号",)) == WHOLE[loud].find_cell(text[:60], context=("電話番号",))


@pytest.mark.parametrize("seed", range(2))
def test_a_value_anywhere_in_a_long_quiet_text_is_found(seed: int) -> None:
    rng = random.Random(seed)
    lines = list(islice(log_lines(seed), 600))
    values = ("a@example.com", "call 415-555-2671 now", "tel 0612345678", "card 4111111111111111", "12 Main Street, Springfield, IL 62701")
    for _ in range(9):
        at = rng.randrange(len(lines))
        cut = rng.randrange(len(lines[at]))
        lines[at] = f"{lines[at][:cut]} {rng.choice(values)} {lines[at][cut:]}"
    text = "\n".join(lines)
    quick = QUICK[None].find(text)
    assert quick == WHOLE[None].find(text)
    assert len(quick) >= 6


def test_a_log_is_quiet() -> None:
    rules = [item for item in SHIPPED if item.entity and can_report(item, 0.5)]
    finders = [Finder(item.id, (item.pattern,), lambda *_: [], needed_words(item, 0.5), bool(reach(item.pattern))) for item in rules]
    gate = Gate(finders)
    assert gate.idle("\n".join(islice(log_lines(), 400)))
    assert not gate.idle("\n".join(islice(log_lines(), 400)) + "a@example.com")
    assert not gate.idle("何も")


def test_a_log_is_quiet_for_all_detectors_together() -> None:
    """Recognizers' signs too: one that is too loose costs a log fifty times its time, and no result shows it."""
    gate = QUICK[None]._gate
    assert gate is not None
    assert gate.idle("\n".join(islice(log_lines(), 400)))
    assert not gate.idle("\n".join(islice(log_lines(), 400)) + " 12 Main Street, Springfield, IL")


def test_a_rule_that_needs_a_word_runs_only_where_it_stands() -> None:
    finder = Finder("x", (r"[0-9]{7}",), lambda *_: [], ("account no", "口座"), True, (r"[0-9]{7}",))
    gate = Gate([finder])
    for text, runs in {"1234567": False, "account 1234567": False, "Account_No 1234567": True, "口座 1234567": True, "口座": False}.items():
        folded, data = encodable(fold(text))
        assert bool(gate.open(folded, data)) is runs, text
        assert bool(gate.open(folded, data, in_cell=True)) is ("1" in text)


def test_words_that_bytes_cannot_tell_are_not_asked_for() -> None:
    source = "{id: a.b, entity: X, description: d, pattern: 'x[0-9]', score: 0.1, context_score: 0.9, "
    source += "match: [{text: x1, value: x1}], context: "
    (own,) = rule_files.parse(f"- {source}[Éa]}}", "f")
    (other,) = rule_files.parse(f"- {source}[ea]}}", "f")
    assert needed_words(own, 0.5) == () and needed_words(other, 0.5) == ("ea",)
    assert needed_words(other, 0.05) == (), "a match counts by itself"


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from([item for item in SHIPPED if reach(item.pattern)]),
    st.lists(st.sampled_from(ATOMS), max_size=60).map("".join),
)
def test_looking_only_near_the_signs_finds_all(item: rule.Rule, text: str) -> None:
    folded, data = encodable(fold(text))
    found = Gate([Finder(item.id, (item.pattern,), lambda *_: [], narrow=True)]).open(folded, data)
    matcher = compile_trusted(item.pattern)
    near = [span for _, ends in found if ends for span in matcher.spans_ending(folded, ends)]
    assert near == list(matcher.spans(folded))


def test_a_sign_is_guarded_by_what_must_not_stand_beside() -> None:
    screen = Screen([(r"(?<![0-9A-Z]|[0-9]-)(?:(?<![a-z])|(?<=tel))[0-9]{3}(?![0-9]|-[0-9])",)])
    assert [bool(screen.seen(text)) for text in (b"123", b"x123", b"tel123", b"A123", b"1234", b"a 123-4", "年123年".encode())] == [
        True, False, True, False, False, True, True,
    ]  # fmt: skip


JA = JapanesePersonRecognizer(DetectSettings())
JA_SCREEN = Screen([JA.SIGNS])


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.sampled_from(("Satō", "Ken", "YAMADA", "Tarō", "T", ".", ",", " ", "山田", "ﾔﾏﾀﾞ", "Jun'ichi", "x", "1", "INFO", "Z", "\n")),
        max_size=14,
    ).map("".join)
)
def test_the_signs_of_japanese_names_miss_none(text: str) -> None:
    if JA.analyze(text, ["PERSON"]):
        assert JA_SCREEN.seen(fold(text).encode()) == {0}, text


def test_a_log_line_holds_no_sign_of_a_japanese_name() -> None:
    assert JA_SCREEN.always == frozenset()
    assert JA_SCREEN.seen("\n".join(islice(log_lines(), 50)).encode()) == set()


EN = EnglishPersonRecognizer(DetectSettings())
EN_GATE = Gate([Finder("en", EN.SIGNS, lambda *_: [])])
EN_PIECES = (
    "Mary", "Smith", "MARY", "SMITH", "O'Brien", "John", "john", "JOHN", "Dr.", "T", "Name: ", ".", ",", " ", "\u00a0", "\u3000", "-", "\t",
    "called", "us", "at", "x", "1", "=", "[", "INFO", "Émile", "\n",
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(EN_PIECES), max_size=14).map("".join))
@example("MARY SMITH")
@example("1 SMITH, MARY 2")
@example("HE SAID john came along")
def test_the_signs_of_english_names_miss_none(text: str) -> None:
    if EN.analyze(text, ["PERSON"]):
        assert EN_GATE.open(*encodable(fold(text))), text


def test_a_log_line_holds_no_sign_of_an_english_name() -> None:
    assert EN_GATE.always == frozenset()
    assert EN_GATE.idle("\n".join(islice(log_lines(), 50)))
    assert not EN_GATE.idle("INFO the caller JOHN said no to it all")
