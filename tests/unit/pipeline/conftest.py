"""A pipeline over a plain detector, so that these tests are about the walk and not about detection."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from detectors.windows import Window
from scanner.config import KnownContacts, PipelineConfig
from scanner.extract.budget import FileBudget
from scanner.model import Batch, Blob, Detection, DetectSettings, Event, Hits, Limits, Location, Slot
from scanner.pipeline import Pipeline

MAIL = re.compile(r"[a-z0-9.]+@[a-z.]+")


class PlainEngine:
    """Finds e-mail addresses, in texts and in every cell."""

    digest = "plain"

    def __init__(self) -> None:
        self.problems: list[str] = []

    def find_many(self, stream: Iterable[Window]) -> Iterator[tuple[Window, list[Detection]]]:
        for window in stream:
            yield window, [hit for hit in self.find_cell(window.text) if window.owns(hit.start)]

    def find_cell(self, value: str, entity_types: object = None, context: Sequence[str] = (), *, settled: bool = True) -> list[Detection]:
        if "explode" in value:
            self.problems.append("plain.mail")
        return [Detection("EMAIL_ADDRESS", m.start(), m.end(), 0.9, "plain.mail", "rule") for m in MAIL.finditer(value)]

    def table(self, header: Sequence[str] | None, place: str | None) -> PlainJudge:
        return PlainJudge()

    def take_problems(self) -> list[str]:
        problems, self.problems = self.problems, []
        return problems


class PlainJudge:
    """A column stands if it has two addresses."""

    def __init__(self) -> None:
        self.counts: dict[Slot, int] = {}

    def feed(self, batch: Batch) -> list[Hits]:
        out = []
        for index, column in enumerate(batch.columns.columns):
            cells = [(at, m) for at, cell in enumerate(column.to_pylist()) for m in MAIL.findall(cell or "")]
            if cells:
                slot = Slot((index,), "EMAIL_ADDRESS", "plain.column", "columns")
                self.counts[slot] = self.counts.get(slot, 0) + len(cells)
                positions = np.array([at for at, _ in cells], np.int64)
                out.append(Hits(slot, positions, pa.array([m for _, m in cells], pa.string()), 0.7))
        return out

    def close(self) -> Mapping[Slot, float]:
        return {slot: 0.95 for slot, count in self.counts.items() if count >= 2}


Scan = Callable[..., list[Event]]


@pytest.fixture
def scan(tmp_path: Path) -> Scan:
    def run(data: bytes, name: str = "a.txt", limits: Limits | None = None, known: KnownContacts | None = None, **how: Any) -> list[Event]:
        limits = limits or Limits()
        config = PipelineConfig("run-1", limits, DetectSettings(), known or KnownContacts(), tmp_path, b"k" * 32)
        pipeline = Pipeline(config, PlainEngine())  # type: ignore[arg-type]
        blob = Blob(Location("/share", name), len(data), lambda: io.BytesIO(data))
        return list(pipeline.scan_file(blob, FileBudget(limits, tmp_path), **how))

    return run
