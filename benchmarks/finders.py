"""Who is measured: Strayscan, and the obvious alternatives where they are installed."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, Final

from scoring import Found

Finder = Callable[[str], Found]

ENTITIES: Final = ("PERSON", "ADDRESS", "PHONE_NUMBER", "EMAIL_ADDRESS")


def ours() -> Finder:
    from scanner.api import find_spans

    def find(text: str) -> Found:
        return find_spans([text])[0]

    find("山田 太郎 Yamada Taro 東京都千代田区 1-1 03-0000-0000 taro@example.com")  # before the clock: dictionaries load on first use
    return find


def presidio(model: str | None = None) -> Finder:
    """Presidio's own recognizers with JP and US phones; without a model it knows no persons and no addresses."""
    import logging

    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
    from presidio_analyzer.nlp_engine import NoOpNlpEngine, SpacyNlpEngine
    from presidio_analyzer.predefined_recognizers import PhoneRecognizer, SpacyRecognizer

    logging.getLogger("presidio-analyzer").setLevel(logging.CRITICAL)
    language = "ja" if model else "en"
    models = [{"lang_code": language, "model_name": model or "none"}]
    engine: Any = SpacyNlpEngine(models=models) if model else NoOpNlpEngine(models=models)
    engine.load()
    registry = RecognizerRegistry(supported_languages=[language])
    registry.load_predefined_recognizers(languages=[language])
    registry.remove_recognizer("PhoneRecognizer")
    registry.remove_recognizer("SpacyRecognizer")
    registry.add_recognizer(PhoneRecognizer(supported_language=language, supported_regions=("JP", "US")))
    if model:
        registry.add_recognizer(SpacyRecognizer(supported_language=language))
    analyzer = AnalyzerEngine(registry=registry, nlp_engine=engine, supported_languages=[language])
    names = {"LOCATION": "ADDRESS"}

    def find(text: str) -> Found:
        return [(r.start, r.end, names.get(r.entity_type, r.entity_type)) for r in analyzer.analyze(text, language)]

    return find


def sudachi() -> Finder:
    """What SudachiPy tags 人名, pieces that touch joined."""
    from sudachipy import Dictionary, SplitMode

    tokenizer: Any = Dictionary().tokenizer(mode=SplitMode.C)

    def find(text: str) -> Found:
        found: Found = []
        offset = 0
        for line in text.split("\n"):
            for piece in tokenizer.tokenize(line[:12_000]):
                if piece.part_of_speech()[2] == "人名":
                    start, end = offset + piece.begin(), offset + piece.end()
                    if found and found[-1][1] == start:
                        start = found.pop()[0]
                    found.append((start, end, "PERSON"))
            offset += len(line) + 1
        return found

    return find


def finders(language: str, only_ours: bool) -> dict[str, tuple[tuple[str, ...], Callable[[], Finder]]]:
    """name -> (entity types it knows, how to load it)."""
    found: dict[str, tuple[tuple[str, ...], Callable[[], Finder]]] = {"Strayscan": ((*ENTITIES, "FAX_NUMBER"), ours)}
    if only_ours:
        return found
    found["Presidio"] = (("PHONE_NUMBER", "EMAIL_ADDRESS"), presidio)
    if language == "ja":
        found["SudachiPy 人名"] = (("PERSON",), sudachi)
        if find_spec("ja_ginza"):
            found["Presidio with ja_ginza"] = (("PERSON", "ADDRESS"), lambda: presidio("ja_ginza"))
    return found
