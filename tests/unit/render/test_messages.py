"""The two catalogues say the same things."""

from __future__ import annotations

import string

import pytest

from scanner.model import Reason, Status
from scanner.policy import SEVERITIES
from scanner.render.messages import CATALOGUES, SINGULAR, Messages, choose_language

EN, JA = CATALOGUES["en"], CATALOGUES["ja"]


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_the_catalogues_have_the_same_keys() -> None:
    assert {key for key in EN if not key.endswith(SINGULAR)} == set(JA)
    assert all(key.removesuffix(SINGULAR) in EN for key in EN)


@pytest.mark.parametrize("key", sorted(JA))
def test_the_catalogues_have_the_same_placeholders(key: str) -> None:
    assert placeholders(EN[key]) == placeholders(JA[key])


def test_no_sentence_has_blanks_around_it() -> None:
    for catalogue in CATALOGUES.values():
        assert not [key for key, text in catalogue.items() if text != text.strip()]


@pytest.mark.parametrize("lang", sorted(CATALOGUES))
def test_every_word_of_the_contract_is_told(lang: str) -> None:
    catalogue = CATALOGUES[lang]
    words = [f"reason_{reason.value}" for reason in Reason] + [f"status_{status.value}" for status in Status]
    words += [f"severity_{severity}" for severity in SEVERITIES]
    words += [f"exposure_{exposure}" for exposure in ("private", "group", "everyone", "unknown")]
    words += [f"exit_{status}" for status in (0, 1, 2, 3, 130)]
    words += [f"head_outcome_{outcome}" for outcome in ("complete", "incomplete", "stopped", "failed", "interrupted")]
    assert [word for word in words if word not in catalogue] == []


def test_numbers_and_singular() -> None:
    say = Messages("en")
    assert say("unread_count", count=1) == "1 object was not fully read"
    assert say("unread_count", count=12345) == "12,345 objects were not fully read"
    assert Messages("ja")("unread_count", count=1).startswith("1件")
    assert say.word("reason", "something_new") == "something_new"


@pytest.mark.parametrize(
    ("asked", "environ", "expected"),
    [
        (None, {}, "en"),
        (None, {"LANG": "ja_JP.UTF-8"}, "ja"),
        (None, {"LANG": "ja_JP.UTF-8", "LC_ALL": "C"}, "en"),
        (None, {"LANG": "C", "LC_MESSAGES": "ja_JP"}, "ja"),
        (None, {"LC_ALL": "", "LANG": "ja"}, "ja"),
        ("en", {"LANG": "ja_JP.UTF-8"}, "en"),
    ],
)
def test_choose_language(asked: str | None, environ: dict[str, str], expected: str) -> None:
    assert choose_language(asked, environ) == expected
