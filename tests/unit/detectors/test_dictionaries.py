"""Words of a user's own: whatever case and width, apart from longer words of an alphabet, inside Japanese ones."""

from __future__ import annotations

import pytest

from detectors import engine
from scanner.model import DetectSettings, Dictionary

SETTINGS = DetectSettings(
    entities=("PROJECT_NAME", "EMAIL_ADDRESS"),
    dictionaries=(Dictionary("PROJECT_NAME", ("Blue Heron", "青鷺計画", "ｱｵｻｷﾞ", "X-7", "a(b"), 0.8),),
)
ENGINE = engine.load(SETTINGS)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The Blue Heron budget", ["Blue Heron"]),
        ("BLUE HERON, blue heron", ["BLUE HERON", "blue heron"]),
        ("Ｂｌｕｅ Ｈｅｒｏｎ", ["Ｂｌｕｅ Ｈｅｒｏｎ"]),
        ("新青鷺計画書", ["青鷺計画"]),
        ("a(b and X-7", ["a(b", "X-7"]),
        ("Blue Herons", []),
        ("MX-70", []),
        ("nothing of that", []),
    ],
)
def test_words(text: str, found: list[str]) -> None:
    assert [text[item.start : item.end] for item in ENGINE.find(text) if item.entity_type == "PROJECT_NAME"] == found
    assert [text[item.start : item.end] for item in ENGINE.find_cell(text) if item.entity_type == "PROJECT_NAME"] == found


def test_the_digest_knows_the_words_and_thresholds_hold() -> None:
    other = DetectSettings(entities=SETTINGS.entities, dictionaries=(Dictionary("PROJECT_NAME", ("Grey Heron",), 0.8),))
    assert engine.digest(other) != engine.digest(SETTINGS)
    strict = DetectSettings(entities=SETTINGS.entities, dictionaries=SETTINGS.dictionaries, thresholds={"PROJECT_NAME": 0.9})
    assert engine.load(strict).find("Blue Heron") == []


def test_without_dictionaries_there_is_no_such_detector() -> None:
    assert "dictionaries" not in {finder.name for finder in engine.load(DetectSettings(entities=("EMAIL_ADDRESS",)))._finders}
