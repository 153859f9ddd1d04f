"""Names of our own people, read from the files that the policy's `known: people:` names."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from scanner.config import PipelineConfig
from scanner.extract import registry, sniff
from scanner.extract.budget import FileBudget
from scanner.model import Blob, Location, Table, Text

if TYPE_CHECKING:
    from scanner.pipeline.walk import Pipeline


def known_names(pipeline: Pipeline, config: PipelineConfig) -> Iterator[int]:
    """Tags of every person's name in the files, found as the scan itself would find them. OSError if a file cannot be read."""
    for name in config.known.people_files:
        path = Path(name)
        blob = Blob(Location(str(path.parent), path.name), path.stat().st_size, lambda path=path: _opened(path))  # type: ignore[misc]
        media_type = sniff.identify(blob)
        reader = registry.for_media_type(media_type)
        budget = FileBudget(config.limits, config.staging)
        for item in reader.extract(blob, media_type, budget) if reader else ():
            if isinstance(item, Table):
                yield from _in_table(pipeline, item)
            elif isinstance(item, Text):
                found = pipeline.detectors.find(item.text)
                yield from (
                    pipeline.fingerprints.one("PERSON", item.text[hit.start : hit.end]) for hit in found if hit.entity_type == "PERSON"
                )


def _in_table(pipeline: Pipeline, table: Table) -> Iterator[int]:
    judge = pipeline.detectors.table(table.header, table.place)
    hits = [hit for batch in table.batches for hit in judge.feed(batch) if hit.slot.entity_type == "PERSON"]
    standing = judge.close()
    for hit in hits:
        if hit.slot in standing:
            yield from pipeline.fingerprints.many("PERSON", hit.values).tolist()


def _opened(path: Path) -> BinaryIO:
    return io.BytesIO(path.read_bytes())
