"""English names: from the lists and from the place they stand in, and not in months, places, streets and companies."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import spacy
from hypothesis import given, settings, strategies

from detectors import person_en
from detectors.person_en import EnglishPersonRecognizer
from scanner.model import DetectSettings

RECOGNIZER = EnglishPersonRecognizer(DetectSettings())


def found(text: str, least: float = 0.5) -> list[str]:
    return [text[r.start : r.end] for r in RECOGNIZER.analyze(text, ["PERSON"]) if r.score >= least]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Mary Smith called", ["Mary Smith"]),
        ("John Q. Public", ["John Q. Public"]),
        ("Call Mary Smith at noon", ["Mary Smith"]),
        ("Smith, John", ["Smith, John"]),
        ("Dr. Watson arrived with Mr. O'Brien.", ["Watson", "O'Brien"]),
        ("Dear Karen,\nthanks", ["Karen"]),
        ("Best regards,\nAlice Johnson\nSales Manager", ["Alice Johnson"]),
        ("Regards,\nTom", ["Tom"]),
        ("Name: Priya Raghunathan", ["Priya Raghunathan"]),
        ("My name is Rubija Novak.", ["Rubija Novak"]),
        ("Attn: Linda Brown", ["Linda Brown"]),
        ("From: Brown, Linda", ["Brown, Linda"]),
        ("name=John Smith", ["John Smith"]),
        ("George Washington", ["George Washington"]),
        ("Thank you James Wilson for the call", ["James Wilson"]),
        ("MARY JOHNSON", ["MARY JOHNSON"]),
        ("連絡は John Smith まで", ["John Smith"]),
        ("Kate Winslet and Leonardo DiCaprio", ["Kate Winslet", "Leonardo DiCaprio"]),
        ("Anna Kato", ["Anna Kato"]),
    ],
)
def test_names_with_exact_spans(text: str, names: list[str]) -> None:
    assert found(text) == names


@pytest.mark.parametrize(
    "text",
    [
        "June April", "May Day", "Washington Street 5", "123 Martin Luther King Blvd", "Smith Inc.", "Johnson & Johnson",
        "Virginia Beach", "Jordan Peterson Ltd", "New York", "Microsoft Word", "TOTAL PRICE", "The Grace Hopper Award",
        "Paris, Texas", "Austin, Texas", "Hi All,", "Dear Sir,", "Dear Team,", "Contact: Sales", "Page Price", "Madison Avenue",
        "Robert E. Lee Bridge", "customer: Acme Corp", "St. Louis",
        "P.O. Box 104", "Springfield, PA 19047", "Lake Michigan", "Charlotte, North Carolina", "john smith",
        "class Will extends Art", "mary.smith@example.com", "https://example.com/John-Smith", "Monday March", "Smith",
    ],
)  # fmt: skip
def test_other_capitals_are_no_persons(text: str) -> None:
    assert found(text) == []


def test_other_entities_are_not_answered() -> None:
    assert RECOGNIZER.analyze("Mary Smith", ["PHONE_NUMBER"]) == []


@settings(max_examples=60, deadline=None)
@given(strategies.text(alphabet=strategies.sampled_from("MarySmith JohnDr.,:'-\nNameQé\ud800"), max_size=60))
def test_any_text_gives_spans_inside_it_that_do_not_overlap(text: str) -> None:
    end = 0
    for start, stop in sorted((r.start, r.end) for r in RECOGNIZER.analyze(text, ["PERSON"])):
        assert end <= start < stop <= len(text)
        end = stop


def test_a_model_that_is_not_installed_is_said_at_load() -> None:
    with pytest.raises(ValueError, match=r"'en_no_such_model' .for 'en'. is not installed"):
        EnglishPersonRecognizer(DetectSettings(spacy_models={"en": "en_no_such_model"}))


def test_an_installed_model_is_plugged_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = spacy.blank("en")
    model.add_pipe("entity_ruler").add_patterns([{"label": "PERSON", "pattern": "Zorblax"}])
    package = tmp_path / "en_tiny_model"
    package.mkdir()
    model.to_disk(package / "data")
    (package / "__init__.py").write_text(
        "from pathlib import Path\nimport spacy\n\ndef load(**kw):\n    return spacy.load(Path(__file__).parent / 'data', **kw)\n",
        encoding="utf-8",
    )
    info = tmp_path / "en_tiny_model-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: en-tiny-model\nVersion: 1.0\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    recognizer = EnglishPersonRecognizer(DetectSettings(spacy_models={"en": "en_tiny_model"}))
    text = "Ask Zorblax, or Mary Smith"
    assert {text[r.start : r.end] for r in recognizer.analyze(text, ["PERSON"])} == {"Zorblax", "Mary Smith"}
    sys.modules.pop("en_tiny_model", None)


@pytest.mark.parametrize("pattern", ["_RUN", "_LAST_FIRST", "_CAPITALS", "_TITLE"])
@settings(max_examples=100, deadline=None)
@given(
    strategies.lists(
        strategies.sampled_from(["Mary", "Smith", "MARY", "Dr", "J", "Émile", "van", "de la", "O'Brien", ".", ",", " ", "-", "\n", "x"]),
        max_size=8,
    ).map("".join)
)
def test_a_name_of_two_words_is_found_where_its_capitals_stand_as_over_the_whole_text(pattern: str, text: str) -> None:
    compiled = getattr(person_en, pattern)
    starts = [match.start() for match in person_en._OPENS_PAIR.finditer(text)]
    assert [match.span() for match in person_en._matches_at(compiled, text, starts)] == [match.span() for match in compiled.finditer(text)]


def test_the_fields_of_a_record_are_no_sentence() -> None:
    assert found("script: Cans\ttypeface: Euphemia\t\nscript: Syrc\ttypeface: Estrangelo Edessa\t") == []
    assert found("Yesterday I asked Karen about it") == ["Karen"]


def test_a_line_that_comes_again_gives_the_same() -> None:
    line = "Yesterday I asked Karen about it"
    assert found(f"{line}\n{line}\n") == ["Karen"] * 2
    assert found(f"{line} \n  {line}") == ["Karen"] * 2
