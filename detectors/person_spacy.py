"""A spaCy model that the user has installed, plugged in through Presidio's own NLP engine; nothing is ever downloaded."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any, Final

from presidio_analyzer import RecognizerResult

from detectors.presidio import result
from scanner.model import DetectSettings

_LABELS: Final = {"PERSON": "PERSON", "PER": "PERSON", "Person": "PERSON"}


class SpacyPersons:
    """PERSON as an installed spaCy pipeline finds it."""

    @classmethod
    def wanted(cls, settings: DetectSettings, language: str) -> SpacyPersons | None:
        """The pipeline that the settings name for a language, None if they name none. ValueError if it is not installed."""
        package = settings.spacy_models.get(language)
        return cls(package, language) if package else None

    def __init__(self, package: str, language: str) -> None:
        # Presidio's engine would download what is missing, so look first
        if not package.isidentifier() or find_spec(package) is None:
            raise ValueError(
                f"the spaCy model '{package}' (for '{language}') is not installed: pip install it, or take it out of the settings"
            )
        from presidio_analyzer.nlp_engine import NerModelConfiguration, SpacyNlpEngine
        from presidio_analyzer.predefined_recognizers import SpacyRecognizer

        self._language = language
        self._package = package
        self._engine: Any = SpacyNlpEngine(
            models=[{"lang_code": language, "model_name": package}],
            ner_model_configuration=NerModelConfiguration(model_to_presidio_entity_mapping=dict(_LABELS)),
        )
        self._engine.load()
        self._recognizer: Any = SpacyRecognizer(supported_language=language, supported_entities=["PERSON"])

    def analyze(self, text: str) -> list[RecognizerResult]:
        """PERSON results of a window."""
        artifacts = self._engine.process_text(text, self._language)
        found = self._recognizer.analyze(text, ["PERSON"], artifacts)
        return [result("PERSON", r.start, r.end, r.score, f"person.spacy.{self._language}", self._package) for r in found]
