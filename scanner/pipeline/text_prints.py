"""Fingerprints of an object's running text: compared with the stores' documents, and kept where an index is to be made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from scanner.copies.texts import Excerpts
from scanner.judge import PROPERTIES_PLACE
from scanner.model import CopyFact, Text
from scanner.pipeline.gathering import Gathering

if TYPE_CHECKING:
    from scanner.copies.texts import TextIndex
    from scanner.redact import Fingerprinter

NO_TEXT = ("name", PROPERTIES_PLACE)
"""Places whose words are about the object, not of it."""


class TextPrints:
    """Takes the texts of one object in order."""

    def __init__(self, indexes: tuple[TextIndex, ...], chars: int, fingerprints: Fingerprinter, keep_in: Gathering | None) -> None:
        self._excerpts = Excerpts(indexes, chars, fingerprints.texts)
        self._keep_in = keep_in

    def feed(self, text: Text) -> None:
        if text.place in NO_TEXT:
            return
        for at, tags in self._excerpts.feed(text.text, continues=text.continues):
            self._keep(at, tags)

    def finish(self) -> None:
        for at, tags in self._excerpts.end():
            self._keep(at, tags)

    def copies(self, persons: int) -> tuple[CopyFact, ...]:
        """What the object holds of the stores' documents, once it is finished."""
        return self._excerpts.copies(persons)

    def _keep(self, at: npt.NDArray[np.int64], tags: npt.NDArray[np.uint64]) -> None:
        if self._keep_in is not None and len(tags):
            self._keep_in.add_text(at, tags)
