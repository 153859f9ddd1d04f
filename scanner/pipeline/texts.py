"""Running text of one object: windows, detection, lines, and who belongs together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from detectors.windows import Window, Windower
from scanner.model import Detection, Text
from scanner.pipeline.blocks import REACH, Blocks
from scanner.pipeline.gathering import Claim, Gathering, Judged
from scanner.pipeline.name_parts import NameParts
from scanner.pipeline.text_prints import TextPrints

if TYPE_CHECKING:
    from detectors.engine import Engine

PENDING = 1_000  # hits before they are fingerprinted together


@dataclass
class _Hits:
    values: list[str] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    records: list[int] = field(default_factory=list)
    score: float = 0.0


class TextReader:
    """Takes the texts of one object in order. Pieces that continue one another are one stream, so a value may straddle them."""

    def __init__(self, engine: Engine, gathering: Gathering, excerpts: TextPrints | None = None) -> None:
        self._engine = engine
        self._excerpts = excerpts
        self._gathering = gathering
        self._names = NameParts()
        self._pending: dict[tuple[Claim, bool], _Hits] = {}
        self._count = 0
        self._stream: _Stream | None = None

    def feed(self, text: Text) -> None:
        if self._stream is None or not text.continues or text.place != self._stream.place:
            self._end_stream()
            self._stream = _Stream(text.place, text.first_line, Blocks(self._gathering.records))
        if self._excerpts is not None:
            self._excerpts.feed(text)
        self._windows(self._stream, self._stream.windower.feed(text.text))

    def flush(self) -> None:
        """End the stream and hand over all hits."""
        self._end_stream()
        self._hand_over()

    def _end_stream(self) -> None:
        if self._stream is not None:
            self._windows(self._stream, self._stream.windower.close())
            self._gathering.reserve(self._stream.blocks.finish())
            self._stream = None

    def _windows(self, stream: _Stream, windows: Iterator[Window]) -> None:
        for window, detections in self._engine.find_many(windows):
            for found in detections:
                start, end = window.offset + found.start, window.offset + found.end
                if start >= stream.last_end:  # else a find of the window before reaches over the border
                    self._take(stream, window, found, start)
                    stream.last_end = end
            stream.line += window.text.count("\n", window.own_start, window.own_end)

    def _take(self, stream: _Stream, window: Window, found: Detection, start: int) -> None:
        value = window.text[found.start : found.end]
        line = stream.line + window.text.count("\n", window.own_start, found.start)
        since = stream.last_end - window.offset
        between = window.text[since : found.start] if since >= 0 and start - stream.last_end <= REACH else None
        before = stream.blocks.next_record
        record = stream.blocks.record(found, start, value, line, between)
        if record != before and self._count >= PENDING:
            self._hand_over()
        claim = Claim(found.entity_type, found.rule_id, found.detector, stream.place, None)
        hits = self._pending.setdefault((claim, stream.has_lines), _Hits())
        hits.values.append(value)
        hits.lines.append(line)
        hits.records.append(record)
        hits.score = max(hits.score, found.score)
        self._count += 1

    def _hand_over(self) -> None:
        """Between two blocks: what was found goes into the gathering; values of a type are judged at once, since each page is a place."""
        for (claim, _), hits in self._pending.items():
            for value in hits.values if claim.entity_type == "PERSON" else ():
                self._names.learn(value)
        judged = self._judged()
        for (claim, has_lines), hits in self._pending.items():
            lines, records = np.array(hits.lines, np.int64), np.array(hits.records, np.int64)
            values, said = next(judged[claim.entity_type])
            slot = self._gathering.slot(claim)
            self._gathering.add(slot, values, hits.score, None, lines if has_lines else None, records, where=lines, judged=said)
            if claim.entity_type == "PERSON":
                meant = [
                    (full, record) for value, record in zip(hits.values, hits.records, strict=True) if (full := self._names.full(value))
                ]
                full_names = pa.array([full for full, _ in meant], pa.string())
                self._gathering.add_aliases(slot, full_names, np.array([record for _, record in meant], np.int64))
        self._pending.clear()
        self._count = 0
        self._gathering.seal()

    def _judged(self) -> dict[str, Iterator[tuple[Any, Judged]]]:
        """Type -> values and what is said of them, for one pending claim after another."""
        by_type: dict[str, list[list[str]]] = {}
        for (claim, _), hits in self._pending.items():
            by_type.setdefault(claim.entity_type, []).append(hits.values)
        return {entity: self._parts(entity, lists) for entity, lists in by_type.items()}

    def _parts(self, entity: str, lists: list[list[str]]) -> Iterator[tuple[Any, Judged]]:
        values = pa.array(list(chain.from_iterable(lists)), pa.string())
        kinds, known, tags = self._gathering.judge(entity, values)
        end = 0
        for part in lists:
            start, end = end, end + len(part)
            yield values[start:end], (kinds[start:end], known[start:end], tags[start:end])


class _Stream:
    """Consecutive pieces of text of one place."""

    def __init__(self, place: str | None, first_line: int | None, blocks: Blocks) -> None:
        self.place = place
        self.has_lines = first_line is not None
        self.line = 1 if first_line is None else first_line
        self.blocks = blocks
        self.windower = Windower()
        self.last_end = 0
