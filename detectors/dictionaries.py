"""Words of a user's own: the dictionaries of the policy's `detect:` block."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

import regex
from presidio_analyzer import EntityRecognizer, RecognizerResult

from detectors.fold import fold
from detectors.presidio import result
from scanner.model import DetectSettings

_RULE: Final = "dictionary"


class DictionaryRecognizer(EntityRecognizer):
    """Finds the words of the policy's dictionaries, whatever their case and width. A word that begins or ends with a letter or digit of an
    alphabet stands apart from others there; Japanese is written without blanks, so its words are found inside longer ones too."""

    def __init__(self, settings: DetectSettings, language: str = "en") -> None:
        kinds = sorted({dictionary.entity for dictionary in settings.dictionaries})
        super().__init__(supported_entities=kinds, name="dictionaries", supported_language=language, version="1")
        self._id = self.name
        words: defaultdict[tuple[str, float], set[str]] = defaultdict(set)
        for dictionary in settings.dictionaries:
            words[dictionary.entity, dictionary.score] |= {fold(word).strip().casefold() for word in dictionary.words}
        self._patterns = [(*kind, _pattern(found - {""})) for kind, found in sorted(words.items())]

    def load(self) -> None:
        """Nothing to load."""

    def analyze(self, text: str, entities: Sequence[str], nlp_artifacts: Any = None) -> list[RecognizerResult]:
        """Every word that stands in the text, the longest where several begin at one place."""
        del nlp_artifacts
        folded = fold(text)
        return [
            result(entity, match.start(), match.end(), score, f"{_RULE}.{entity.lower()}", self.name)
            for entity, score, pattern in self._patterns
            if not entities or entity in entities
            for match in pattern.finditer(folded)
        ]


def _pattern(words: set[str]) -> Any:
    apart = r"(?<![\p{Latin}\p{Cyrillic}\p{Greek}\p{Nd}]){}(?![\p{Latin}\p{Cyrillic}\p{Greek}\p{Nd}])"
    spaced = [word for word in words if _is_spaced(word[0]) or _is_spaced(word[-1])]
    joined = [word for word in words if not (_is_spaced(word[0]) or _is_spaced(word[-1]))]
    parts = [apart.replace("{}", r"\L<spaced>", 1)] * bool(spaced) + [r"\L<joined>"] * bool(joined)
    lists = {name: found for name, found in (("spaced", spaced), ("joined", joined)) if found}
    return regex.compile("|".join(parts) or r"(?!)", regex.IGNORECASE, **lists)


def _is_spaced(char: str) -> bool:
    return regex.fullmatch(r"[\p{Latin}\p{Cyrillic}\p{Greek}\p{Nd}]", char) is not None


RECOGNIZERS: Final = (DictionaryRecognizer,)
