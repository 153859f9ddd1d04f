"""Readers are found in their folder; two for one type are a mistake that is told."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from scanner.extract import registry, sniff
from scanner.model import Blob, Budget, Item


class Reader:
    media_types = frozenset({"text/x-test"})

    def extract(self, blob: Blob, media_type: str, budget: Budget) -> Iterator[Item]:
        return iter(())


class Rival(Reader):
    pass


def test_readers_are_found_by_type() -> None:
    reader = registry.for_media_type(sniff.PLAIN)
    assert type(reader).__name__ == "PlainText"
    assert reader in registry.all_extractors()
    assert registry.for_media_type("application/x-nobody-reads-this") is None


def test_two_readers_of_one_type_are_refused() -> None:
    assert registry.index((Reader(),)).keys() == {"text/x-test"}
    with pytest.raises(ValueError, match="text/x-test: Reader, Rival"):
        registry.index((Reader(), Rival()))
