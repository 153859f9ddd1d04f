"""A recognizer written for Presidio finds the same with and without the screen, whatever its pattern looks like."""

from __future__ import annotations

from typing import Any

import presidio_analyzer.predefined_recognizers as shipped
import pytest
import regex
from hypothesis import example, given, settings
from hypothesis import strategies as st
from presidio_analyzer import Pattern, PatternRecognizer, RecognizerResult

from detectors import presidio
from detectors.engine import Engine
from detectors.fold import encodable, fold
from detectors.gate import Finder, Gate
from detectors.presidio_signs import signs_of
from scanner.model import DetectSettings

presidio.quiet()
NAMES = (
    *("CreditCard", "Crypto", "Date", "Email", "Ip", "Uuid", "UsSsn", "UsPassport", "UkPostcode", "AuTfn", "KrPassport"),
    *("ItFiscalCode", "DeKfz"),
)
RECOGNIZERS: dict[str, PatternRecognizer] = {name: getattr(shipped, f"{name}Recognizer")() for name in NAMES}


def own(*patterns: str, flags: int = 26, name: str = "own", deny: list[str] | None = None) -> PatternRecognizer:
    made = [Pattern(f"p{number}", source, 0.9) for number, source in enumerate(patterns)]
    return PatternRecognizer("X", name=name, patterns=made, deny_list=deny, global_regex_flags=flags)


OWN = [
    own(r"\b社員番号[:：]\s*\d{4}\b", name="kanji beside a border"),
    own(r"kilo-?stein", name="letters with forms beyond ASCII"),
    own(r"\w+@ｅxample\.com", name="full width in the pattern"),
    own(r"[^a-z]\d\D", name="what is not"),
    own(r"(?<=№ )[Α-Ω]{2}\S", name="Greek capitals"),
    own(r"[ぁ-ん]{3}", r"(?P<a>[x-z])-(?P=a)", name="kana, and a group again"),
    own(r"^ab.c$", flags=int(regex.M | regex.S), name="case counts"),
    own(r"(?x) q [ ] (?# a note) [1-3]{2,} # digits", name="with notes"),
    own(r"a++(?>bc|b)", name="possessive"),
    own(deny=["O'Neill & Co.", "株式会社ＡＢＣ", "straße", "S-1"], name="a list"),
]
EVERY = [*RECOGNIZERS.values(), *OWN]
SCREENS = [(one, Gate([Finder(one.name, signs_of(one), lambda *_: [])])) for one in EVERY]
PIECES = (
    *(
        "4111",
        "1111",
        "４１１１",
        "123",
        "45",
        "6789",
        "536-22-8712",
        "4012888888881881",
        "a@example.com",
        "a@ｅxample.com",
        "é@ＥＸＡＭＰＬＥ.com",
    ),
    *("2026-11-28", "11/28/26", "192.168.0.1", "::1", "fe80::1%eth0", "SW1A 1AA", "M12345678", "RSSMRA85T10A562S", "B-AB 1234"),
    *("-", "ー", "－", "‐", " ", "\u3000", "\n", ".", "/", "社員番号：１２３４", "社員番号:5678", "Kilostein", "\u212aiLo\u017ftein"),
    *("kİlo-stein", "№ ΑΒΓ", "№ αω5", "ｘ-ｘ", "x-x", "z-y", "あいう", "\nab\nc\n", "AB.C", "q 12", "Ｑ　13", "aabc", "o'neill & co."),
    *("株式会社ＡＢＣ", "株式会社ABC", "STRASSE", "straße", "STRAẞE", "S‐1", "S－1", "s-1", "\ud800", "x", "1", "_", "²", "٣"),
    *("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "123e4567-e89b-12d3-a456-426614174000", "876 543 210", "AA1234567"),
)


def found(recognizer: PatternRecognizer, text: str) -> bool:
    """Does it report something, or fail over what it has matched?"""
    try:
        return bool(recognizer.analyze(text, recognizer.supported_entities, None))
    except KeyError:  # one of Presidio's: digits of another script, where its check sum knows only ours
        return True


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
@example("\u212aİLO-\u017ftein")
@example("社員番号：１２３４です")
@example("№ ΑΒx")
@example("Ｑ　13")
@example("1ー2 ab\nc")
def test_a_sign_is_there_wherever_something_is_found(text: str) -> None:
    folded, data = encodable(fold(text))
    for recognizer, gate in SCREENS:
        if found(recognizer, text):
            assert gate.open(folded, data), recognizer.name


def test_the_patterns_do_match() -> None:
    """Else the test above would say nothing."""
    text = " ".join(PIECES)
    silent = {one.name for one in EVERY if not found(one, text)}
    assert silent <= {"KrPassportRecognizer", "what is not"}
    assert own(r"kilo-?stein").analyze("\u212aiLo\u017ftein", ["X"], None), "regex knows these letters"


SOURCES = [pattern.regex for one in EVERY for pattern in one.patterns if "lookbehind" not in pattern.regex]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_what_a_pattern_matches_has_its_sign(data: st.DataObject) -> None:
    """Texts made from the patterns themselves, letters of other widths among them."""
    recognizer, gate = data.draw(st.sampled_from(SCREENS))
    pattern = data.draw(st.sampled_from([one.regex for one in recognizer.patterns]))
    try:
        made = data.draw(st.from_regex(pattern))
    except Exception:  # hypothesis does not know all that `regex` does
        return
    wide = "".join(chr(ord(letter) + 0xFEE0) if "!" <= letter <= "~" and data.draw(st.booleans()) else letter for letter in made[:40])
    for text in (made, wide):
        if found(recognizer, text):
            assert gate.open(*encodable(fold(text))), (recognizer.name, text)


def engine(screened: bool) -> Engine:
    return Engine(DetectSettings(thresholds={"default": 0.01}), (), EVERY, screened=screened)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=40).map(" ".join))
def test_detection_is_the_same_with_and_without_the_screen(text: str) -> None:
    assert SCREENED.find(text) == WHOLE.find(text)
    assert SCREENED.find_cell(text[:50]) == WHOLE.find_cell(text[:50])


SCREENED, WHOLE = engine(True), engine(False)


def test_nothing_of_these_runs_everywhere() -> None:
    assert SCREENED.unscreened == ()
    plain = [gate for recognizer, gate in SCREENS if recognizer.name not in ("what is not",)]
    assert sum(bool(gate.open(*encodable("nothing of the kind here"))) for gate in plain) <= 2


class Elsewhere(PatternRecognizer):
    """Finds by something else than its patterns."""

    def analyze(self, text: str, entities: list[str], nlp_artifacts: Any = None, regex_flags: int | None = None) -> list[RecognizerResult]:
        return [RecognizerResult("X", 0, 1, 1.0)]


FOREIGN = (
    *(r"(?:hello){e<=1}", r"[[:alpha:]]+x", r"[[a-z]--[aeiou]]", r"\p{Lu}\d", r"(?<name>x)\d", r"(?|(a)|(b))", r"(?V1)x"),
    *(r"(x)?(?(1)y|z)", "(?x) # [\n (?:hello){e<=1} # ]"),
)


@pytest.mark.parametrize("source", FOREIGN)
def test_what_the_standard_parser_reads_otherwise_runs_always(source: str) -> None:
    assert signs_of(own(source)) is None
    assert Engine(DetectSettings(), (), [own(source)]).unscreened == ("own",)


def test_more_than_patterns_runs_always() -> None:
    assert signs_of(shipped.IbanRecognizer()) is None
    assert signs_of(shipped.PhoneRecognizer()) is None
    assert signs_of(Elsewhere("X", patterns=[Pattern("p", "never", 0.9)])) is None
    patched = own("never")
    patched.analyze = lambda *_: [RecognizerResult("X", 0, 1, 1.0)]  # type: ignore[method-assign]
    assert signs_of(patched) is None
    other = own("never")
    other.patterns[0].compiled_regex, other.patterns[0].compiled_with_flags = regex.compile("often", 26), 26
    assert signs_of(other) is None
    assert signs_of(own("x", flags=int(regex.FULLCASE | regex.I))) is None
