"""Our rules as Presidio recognizers, and any Presidio recognizer run safely: quiet, offline, and costing only itself when it fails."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import Any, Final

from presidio_analyzer import AnalysisExplanation, EntityRecognizer, Pattern, PatternRecognizer, RecognizerResult

from detectors.fold import fold
from detectors.rule import CompiledRule, Rule
from scanner.model import Detection

_LOUD: Final = ("presidio-analyzer", "presidio_analyzer", "decision_process")


def quiet() -> None:
    """Silence Presidio's loggers, which print values they failed to check, and keep tldextract from fetching its suffix list."""
    for name in _LOUD:
        logger = logging.getLogger(name)
        logger.setLevel(logging.CRITICAL + 1)
        logger.propagate = False
        if not logger.handlers:
            logger.addHandler(logging.NullHandler())
    import tldextract.tldextract

    tldextract.tldextract.TLD_EXTRACTOR.suffix_list_urls = ()


class RuleRecognizer(PatternRecognizer):
    """A YAML rule as a recognizer for any Presidio user: its validator, its value group, its own cheap look at the words around."""

    def __init__(self, rule: Rule, language: str = "en") -> None:
        if rule.entity is None:
            raise ValueError(f"{rule.id} subtracts; it finds nothing by itself")
        super().__init__(
            supported_entity=rule.entity,
            name=rule.id,
            supported_language=language,
            patterns=[Pattern(rule.id, rule.pattern, rule.score)],
        )
        self._id = rule.id  # Presidio's holds a memory address, new in every run
        self.rule = rule
        self.compiled = CompiledRule(rule)

    def analyze(
        self, text: str, entities: Sequence[str], nlp_artifacts: Any = None, regex_flags: int | None = None
    ) -> list[RecognizerResult]:
        """Results of the rule in a text. A pattern that takes too long raises TimeoutError: silence would read as "nothing there"."""
        del nlp_artifacts, regex_flags
        return [self._result(start, end, score) for start, end, score in self.compiled.finds(fold(text)) if score > 0]

    def _result(self, start: int, end: int, score: float) -> RecognizerResult:
        explanation = AnalysisExplanation(recognizer=self.name, original_score=score, pattern_name=self.rule.id)
        return result(str(self.rule.entity), start, end, score, self.rule.id, "rule", explanation)


def result(
    entity: str,
    start: int,
    end: int,
    score: float,
    rule_id: str,
    detector: str,
    explanation: AnalysisExplanation | None = None,
    identifier: str = "",
) -> RecognizerResult:
    """A Presidio result that carries its rule id and detector. `identifier` is the recognizer's `id` where that is not the rule's id:
    Presidio drops results whose identifier belongs to no recognizer it knows."""
    metadata = {
        RecognizerResult.RECOGNIZER_NAME_KEY: detector,
        RecognizerResult.RECOGNIZER_IDENTIFIER_KEY: identifier or rule_id,
        "rule_id": rule_id,
    }
    return RecognizerResult(entity, start, end, score, explanation, metadata)


def detections(results: Iterable[RecognizerResult], recognizer: EntityRecognizer) -> list[Detection]:
    """Presidio's results as ours."""
    found = []
    for item in results:
        metadata = item.recognition_metadata or {}
        rule_id = str(metadata.get("rule_id") or f"presidio.{recognizer.name.lower()}")
        detector = str(metadata.get(RecognizerResult.RECOGNIZER_NAME_KEY) or recognizer.name)
        found.append(Detection(item.entity_type, item.start, item.end, float(item.score), rule_id, detector))
    return found


def recognizers(rules: Iterable[Rule], language: str = "en") -> list[RuleRecognizer]:
    """The rules as recognizers for a Presidio registry of this language."""
    quiet()
    return [RuleRecognizer(rule, language) for rule in rules if rule.entity is not None]
