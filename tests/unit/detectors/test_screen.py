"""The screen never changes a result: a relaxed pattern matches wherever the pattern does."""

from __future__ import annotations

import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors import rule, rule_packs
from detectors.fold import encodable, fold
from detectors.pattern import NotExpressible, compile_foreign, plain, relaxed
from detectors.screen import Screen

RULES = rule_packs.load_shipped()
SCREEN = Screen([(item.pattern,) for item in RULES])
COMPILED = [rule.CompiledRule(item) for item in RULES]
SAMPLES = sorted({example.text for item in RULES for example in (*item.match, *item.no_match)})
TEXT = st.lists(
    st.one_of(st.sampled_from(SAMPLES), st.text("0123456789-. ()+@aTELxx年月日番号電話〒：ｱＡ０ー\n", max_size=12)), max_size=6
).map("".join)


@settings(max_examples=150, deadline=None)
@given(TEXT)
def test_whatever_a_rule_finds_the_screen_has_seen(text: str) -> None:
    folded, data = encodable(fold(text))
    seen = SCREEN.seen(data)
    for number, compiled in enumerate(COMPILED):
        if any(True for _ in compiled.finds(folded)):
            assert number in seen, RULES[number].id


PATTERNS = [
    r"(?<!\d)\d{3}(?!\d)", r"(?i)fax[ :]+(?P<value>\d+)", r"a{2,40}b", r"(?P<q>['\"])x(?P=q)", r"[^\d]\d\b", r"\W\d", r"^ab|cd$",
    r"(?s)a.b",
    r"(?>ab*)c", r"a*+b", r"[〒年]\d{1,3}", r"x(?=y)", r"(?m)^\d+$", r"[^年]\s",
]  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(PATTERNS), st.text("ab cdxyABFAXfax:0123'\"〒年\n\u3000é", max_size=14))
def test_relaxed_matches_wherever_the_pattern_does(pattern: str, text: str) -> None:
    screen = Screen([(pattern,)])
    if regex.search(pattern, text, regex.ASCII):
        assert screen.seen(text.encode()) == {0}


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"(?<!\d)\d{3}(?!\d)", "a123b"), (r"x(?=y)", "xy"), (r"x(?!y)", "xz"), (r"(?<=y)x", "yx"), (r"a{2,40}b", "a" * 40 + "b"),
        (r"(?P<q>['\"])x(?P=q)", "'x'"), (r"\W\d", "é1"), (r"[^\d]\d\b", "年1"), (r"(?i)FAX", "fax"), (r"a*+b", "aab"),
        (r"(?>ab*)c", "abbc"),
        (r"a*?b", "aab"), (r"[^年]\s", "é "), (r"(?s)a.b", "a\nb"), (r"(?m)^b$", "a\nb\nc"), (r"(?:ab|a)(?:c|bd)", "abbd"),
    ],
)  # fmt: skip
def test_relaxed_matches_what_the_pattern_was_written_for(pattern: str, text: str) -> None:
    assert regex.search(pattern, text, regex.ASCII)
    screen = Screen([(pattern,)])
    assert screen.always == frozenset() and screen.seen(text.encode()) == {0}
    assert screen.seen(b"~") == set()


@pytest.mark.parametrize("pattern", [r"\p{Lu}x", r"(?L:a)", "("])
def test_what_cannot_be_relaxed_runs_always(pattern: str) -> None:
    with pytest.raises(NotExpressible):
        relaxed(pattern)
    assert Screen([(pattern,)]).always == {0}


def test_unknown_signs_run_always_and_an_empty_text_is_safe() -> None:
    screen = Screen([None, ("abc",)])
    assert screen.seen(b"") == {0}
    assert screen.seen(b"xabcx") == {0, 1}


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from([p for p in PATTERNS if "(?<" not in p.replace("(?P<", "") and "(?=" not in p]),
    st.text("ab cdxy0123〒年\n", max_size=14),
)
def test_re2_finds_what_the_back_tracking_engine_finds(pattern: str, text: str) -> None:
    try:
        plain(pattern)
    except NotExpressible:
        return
    compiled = regex.compile(pattern, regex.ASCII)
    group = "value" if "value" in compiled.groupindex else 0
    assert list(compile_foreign(pattern).spans(text)) == [match.span(group) for match in compiled.finditer(text)]
