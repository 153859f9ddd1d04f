"""Which extractor reads a media type: every module of this folder that has `EXTRACTORS` is asked, none is listed by hand."""

from __future__ import annotations

import importlib
import pkgutil
from functools import lru_cache

import scanner.extract
from scanner.model import Extractor


@lru_cache(maxsize=1)
def all_extractors() -> tuple[Extractor, ...]:
    """Every extractor, in order of module name. Importing a reader is cheap: it imports its library when it reads."""
    found: list[Extractor] = []
    for info in pkgutil.iter_modules(scanner.extract.__path__):
        module = importlib.import_module(f"{scanner.extract.__name__}.{info.name}")
        found.extend(getattr(module, "EXTRACTORS", ()))
    return tuple(found)


@lru_cache(maxsize=1)
def _by_media_type() -> dict[str, Extractor]:
    return index(all_extractors())


def index(extractors: tuple[Extractor, ...]) -> dict[str, Extractor]:
    """Media type -> extractor. Two that claim one type are a mistake of ours: ValueError names the type."""
    table: dict[str, Extractor] = {}
    for extractor in extractors:
        for media_type in extractor.media_types:
            if media_type in table:
                raise ValueError(f"two extractors read {media_type}: {type(table[media_type]).__name__}, {type(extractor).__name__}")
            table[media_type] = extractor
    return table


def for_media_type(media_type: str) -> Extractor | None:
    """The extractor of a media type as `sniff.identify` names it, None if no reader knows it."""
    return _by_media_type().get(media_type)
