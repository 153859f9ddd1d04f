"""The engine: screened equals unscreened, thresholds, cells, failures that are told, and values in no message."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from presidio_analyzer import AnalyzerEngine, EntityRecognizer, RecognizerRegistry, RecognizerResult
from presidio_analyzer.nlp_engine import NoOpNlpEngine
from presidio_analyzer.predefined_recognizers import CreditCardRecognizer, EmailRecognizer, IbanRecognizer

from detectors import engine, presidio, rule_packs
from detectors.address_en import AddressEnRecognizer
from detectors.address_ja import AddressJaRecognizer
from scanner.model import DetectSettings

CONTACT = DetectSettings(
    entities=("ADDRESS", "PHONE_NUMBER", "FAX_NUMBER", "EMAIL_ADDRESS", "JP_POSTAL_CODE", "JP_MY_NUMBER", "CREDIT_CARD")
)
ENGINE = engine.load(CONTACT)
UNSCREENED = engine.load(CONTACT, screened=False)
LETTER = "〒123-4567 東京都千代田区丸の内1-2-3 見本ビル5F\n担当 taro@example.co.jp TEL 03-1234-5678 FAX 03-1234-5679\n"


def found(text: str, used: engine.Engine = ENGINE) -> list[tuple[str, str]]:
    return [(item.entity_type, text[item.start : item.end]) for item in used.find(text)]


def test_a_letterhead() -> None:
    assert found(LETTER) == [
        ("JP_POSTAL_CODE", "123-4567"),
        ("ADDRESS", "東京都千代田区丸の内1-2-3 見本ビル5F"),
        ("EMAIL_ADDRESS", "taro@example.co.jp"),
        ("PHONE_NUMBER", "03-1234-5678"),
        ("FAX_NUMBER", "03-1234-5679"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "注文番号 123456789018 を出荷", "品番 03-1234-5678", "icon@2x.png", "2026-11-24 10:20:30", "123e4567-e89b-12d3-a456-426614174000",
        "法人番号 8700110005901", "石川県の千葉さん", "東京都渋谷区では3人が", "v1.2.3.4", "4111111111111111",
    ],
)  # fmt: skip
def test_traps(text: str) -> None:
    assert found(text) == []


PIECES = st.sampled_from(
    [
        LETTER,
        "電話",
        "12-3456-7890 ",
        "123456789018",
        "マイナンバー ",
        "札幌市中央区北1条西2丁目",
        "3 Main Street, Springfield, IL 62701 ",
        "ＦＡＸ：",
        "\n",
        "住所,",
        "\ud800",
        "下江留字中無番地",
        "鰯ｹ島136-26",
        "新宿區1-2-3",
        "12 Éxample Street",
        "USNV Doe\nFPO AA 68422",
        "ｱｲ12-3",
    ]
)


@settings(max_examples=60, deadline=None)
@given(st.lists(PIECES | st.text(max_size=8), max_size=12).map("".join))
def test_screened_equals_unscreened(text: str) -> None:
    assert ENGINE.find(text) == UNSCREENED.find(text)
    assert ENGINE.take_problems() == UNSCREENED.take_problems() == []


def test_a_long_text_finds_each_value_once_and_where_it_is() -> None:
    text = "".join(f"行 {number} の連絡先は 03-1234-{number:04d} です。" + "本文" * (number % 7) + "\n" for number in range(900))
    numbers = [text[item.start : item.end] for item in ENGINE.find(text)]
    assert numbers == [f"03-1234-{number:04d}" for number in range(900)]


def test_a_cell_takes_its_header_as_context() -> None:
    assert ENGINE.find_cell("0612345678") == []
    (item,) = ENGINE.find_cell("0612345678", context=("tel", "1"))
    assert (item.entity_type, item.start, item.end) == ("PHONE_NUMBER", 0, 10)
    (item,) = ENGINE.find_cell("03-1234-5678", context=("FAX",))
    assert item.entity_type == "FAX_NUMBER"
    assert ENGINE.find_cell("03-1234-5678", frozenset({"EMAIL_ADDRESS"}), ("FAX",)) == []
    assert ENGINE.find_cell("03-1234-5678", context=("品番",)) == []
    assert ENGINE.find_cell("0120-123-456", context=("電話番号",)) == []
    (item,) = ENGINE.find_cell("神南1", context=("住所",))
    assert item.entity_type == "ADDRESS"


def test_thresholds_allow_list_and_disabled_rules() -> None:
    loud = engine.load(DetectSettings(entities=("PHONE_NUMBER",), thresholds={"PHONE_NUMBER": 0.3}))
    assert found("0120-123-456", loud) == [("PHONE_NUMBER", "0120-123-456")]
    assert found("0120-123-456") == []
    quiet = engine.load(DetectSettings(entities=("EMAIL_ADDRESS",), allow=("Info@example.com",), disabled_rules=("intl.email.idn",)))
    assert found("info@example.com b@example.com a@例え.jp", quiet) == [("EMAIL_ADDRESS", "b@example.com")]


def test_packs() -> None:
    only_us = engine.load(DetectSettings(packs=("us",)))
    assert {item.pack for item in only_us.rules if item.entity} == {"us"}
    assert any(item.subtracts for item in only_us.rules), "what takes false claims away serves every pack"


def test_digest_follows_the_settings_and_is_stable() -> None:
    assert engine.load(CONTACT).digest == ENGINE.digest
    assert engine.load(DetectSettings(entities=("ADDRESS",))).digest != ENGINE.digest


OWN = """\
- {id: acme.slow, entity: SLOW, description: back-tracks, pattern: '(?<!x)(?:a|a|aa)+$', score: 0.9, match: [{text: aa, value: aa}]}
- {id: acme.linear, entity: LINEAR, description: would, pattern: '(?P<value>(?:b|b|bb)+c)', score: 0.9, match: [{text: bc, value: bc}]}
"""


def test_a_users_pattern_cannot_hang_a_scan_and_its_failure_is_told(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(OWN)
    own = engine.load(DetectSettings(entities=("SLOW", "LINEAR"), rules=(str(tmp_path),)))
    text = "a" * 1_500 + "! " + "b" * 300 + "c"
    assert found(text, own) == [("LINEAR", "b" * 300 + "c")]
    assert own.take_problems() == ["acme.slow"]
    assert own.take_problems() == []


class Failing(EntityRecognizer):
    """A plug-in with a bug."""

    def __init__(self) -> None:
        super().__init__(supported_entities=["PERSON"], name="failing")

    def load(self) -> None:
        """Nothing."""

    def analyze(self, text: str, entities: Any, nlp_artifacts: Any = None) -> list[RecognizerResult]:
        raise ValueError(f"cannot parse {text}")


class Sloppy(Failing):
    """Claims characters that are not there."""

    def analyze(self, text: str, entities: Any, nlp_artifacts: Any = None) -> list[RecognizerResult]:
        return [RecognizerResult("PERSON", 0, 10_000, 0.9), RecognizerResult("PERSON", 2, 2, 0.9), RecognizerResult("PERSON", 0, 2, 0.9)]


def test_a_failing_recognizer_costs_itself_only(caplog: pytest.LogCaptureFixture) -> None:
    used = engine.Engine(DetectSettings(), rule_packs.load_shipped(), [Failing(), Sloppy()])
    assert found("to a@example.com", used) == [("PERSON", "to"), ("EMAIL_ADDRESS", "a@example.com")]
    assert used.take_problems() == ["failing"]
    assert "example" not in caplog.text


def test_foreign_presidio_recognizers_run_quietly(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    used = engine.Engine(DetectSettings(), (), [EmailRecognizer(), CreditCardRecognizer(), IbanRecognizer()])
    presidio.quiet()
    text = "a@example.com 4111 1111 1111 1111 IBAN GB00WEST12345698765432"
    assert ("EMAIL_ADDRESS", "a@example.com") in found(text, used)
    assert "4111" not in caplog.text and "WEST" not in caplog.text


def test_our_recognizers_serve_a_plain_presidio_engine() -> None:
    nlp = NoOpNlpEngine(models=[{"lang_code": "ja", "model_name": "none"}])
    nlp.load()
    ours = [*presidio.recognizers(rule_packs.load_shipped(), "ja"), AddressJaRecognizer(language="ja"), AddressEnRecognizer(language="ja")]
    analyzer = AnalyzerEngine(
        registry=RecognizerRegistry(recognizers=ours, supported_languages=["ja"]), nlp_engine=nlp, supported_languages=["ja"]
    )
    results = analyzer.analyze(LETTER, "ja", score_threshold=0.5)
    surfaces = {(item.entity_type, LETTER[item.start : item.end]) for item in results}
    assert {
        ("EMAIL_ADDRESS", "taro@example.co.jp"),
        ("FAX_NUMBER", "03-1234-5679"),
        ("ADDRESS", "東京都千代田区丸の内1-2-3 見本ビル5F"),
    } <= surfaces
    mail = next(item for item in results if item.entity_type == "EMAIL_ADDRESS")
    assert mail.recognition_metadata["rule_id"] == "intl.email"


@pytest.mark.parametrize("recognizer", engine.load(DetectSettings()).recognizers, ids=lambda item: item.name)
def test_every_recognizer_keeps_its_results_in_presidio(recognizer: EntityRecognizer) -> None:
    text = LETTER + "氏名：山田 太郎 様\nDear Ms. Jane Doe, 12 Main Street, Springfield, IL 62701\nMusterstraße 8\n"
    results = recognizer.analyze(text, recognizer.supported_entities, None)
    assert results, "finds something in the letter"
    identifiers = {item.recognition_metadata[RecognizerResult.RECOGNIZER_IDENTIFIER_KEY] for item in results}
    assert identifiers == {recognizer.id}, "Presidio drops results whose identifier is not the recognizer's id"
    assert type(recognizer)(DetectSettings()).id == recognizer.id, "the same in every run"


def test_ids_are_stable() -> None:
    assert [item.id for item in presidio.recognizers(rule_packs.load_shipped())] == [
        item.id for item in presidio.recognizers(rule_packs.load_shipped())
    ]
