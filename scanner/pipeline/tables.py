"""Tables of one object: judged by column over all rows, one judge a table however many pieces it comes in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from scanner.model import Batch, Hits, Slot, Table, TableDetector
from scanner.pipeline.gathering import Claim, Gathering

if TYPE_CHECKING:
    from detectors.engine import Engine

OPEN_TABLES = 32  # tables that may come back (the statements of an SQL dump take turns)
PENDING = 200_000  # hits held back until their table is judged; beyond, they are handed over and taken back if they do not stand

Places = npt.NDArray[np.int64]


@dataclass
class _Sitting:
    """One table being judged."""

    judge: TableDetector
    names: tuple[str, ...]
    place: str | None
    pending: list[tuple[Hits, Places, Places | None, Places]] = field(default_factory=list)
    held: int = 0
    handed: dict[Slot, int] = field(default_factory=dict)

    def claim(self, slot: Slot) -> Claim:
        column = " + ".join(self.names[index] for index in slot.columns)
        return Claim(slot.entity_type, slot.rule_id, slot.detector, self.place, column)


class TableReader:
    """Takes the tables of one object in order; `finish` closes all that are still open."""

    def __init__(self, engine: Engine, gathering: Gathering, *, by_lines: bool) -> None:
        self._engine = engine
        self._gathering = gathering
        self._by_lines = by_lines  # rows of this format are physical lines unless a batch says otherwise
        self._open: dict[tuple[str | None, tuple[str, ...]], _Sitting] = {}
        self._standing: set[int] = set()

    def read(self, table: Table) -> Iterator[int]:
        """Judge the batches; yields the number of rows after each."""
        sitting: _Sitting | None = None
        for batch in table.batches:
            if sitting is None:
                sitting = self._sit(table, batch)
            self._batch(sitting, batch)
            yield batch.columns.num_rows
        if sitting is not None and table.header is None:
            self._close(sitting)

    def hand_over(self) -> None:
        """Hand over what is held back, for a snapshot."""
        for sitting in self._open.values():
            self._hand_over(sitting)

    def finish(self) -> None:
        while self._open:
            self._close(self._open.pop(next(iter(self._open))))

    def _sit(self, table: Table, batch: Batch) -> _Sitting:
        width = batch.columns.num_columns
        if table.header is None:
            return _Sitting(self._engine.table(None, table.place), _numbered(table.first_column, width), table.place)
        key = (table.place, table.header)
        if key not in self._open:
            while len(self._open) >= OPEN_TABLES:
                self._close(self._open.pop(next(iter(self._open))))
            names, values = self._names(table, width)
            sitting = _Sitting(self._engine.table(table.header, table.place), names, table.place)
            self._open[key] = sitting
            for claim, value, score in values:
                row = max(int(batch.rows[0]) - 1, 1) if len(batch.rows) else 1
                self._header_value(claim, value, score, row)
        return self._open[key]

    def _names(self, table: Table, width: int) -> tuple[tuple[str, ...], list[tuple[Claim, str, float]]]:
        """Column names as findings show them, and the header cells that are values themselves: those become `column N`."""
        names: list[str] = []
        values: list[tuple[Claim, str, float]] = []
        header = [*(table.header or ()), *[""] * width][:width]
        for number, cell in enumerate(header, table.first_column):
            found = self._engine.find_cell(cell) if cell else []
            name = cell.strip() if cell.strip() and not found else f"column {number}"
            name = f"{name} (column {number})" if name in names else name
            names.append(name)
            for hit in found:
                claim = Claim(hit.entity_type, hit.rule_id, hit.detector, table.place, name)
                values.append((claim, cell[hit.start : hit.end], hit.score))
        return tuple(names), values

    def _header_value(self, claim: Claim, value: str, score: float, row: int) -> None:
        place = np.array([row], np.int64)
        record = np.array([self._gathering.reserve_next(1)], np.int64)
        slot = self._gathering.slot(claim)
        self._standing.add(slot)
        self._gathering.add(slot, pa.array([value], pa.string()), score, place, place if self._by_lines else None, record)

    def _batch(self, sitting: _Sitting, batch: Batch) -> None:
        first = self._gathering.reserve_next(batch.columns.num_rows)
        lines = batch.lines if batch.lines is not None else batch.rows if self._by_lines else None
        for hits in sitting.judge.feed(batch):
            at = hits.positions
            sitting.pending.append((hits, batch.rows[at], None if lines is None else lines[at], at + first))
            sitting.held += len(at)
        if sitting.held >= PENDING or sitting.handed:
            self._hand_over(sitting)

    def _hand_over(self, sitting: _Sitting) -> None:
        for hits, rows, lines, records in sitting.pending:
            slot = sitting.handed.setdefault(hits.slot, self._gathering.slot(sitting.claim(hits.slot)))
            self._gathering.add(slot, hits.values, hits.score, rows, lines, records)
        sitting.pending, sitting.held = [], 0
        self._gathering.seal()

    def _close(self, sitting: _Sitting) -> None:
        standing = sitting.judge.close()
        sitting.pending = [held for held in sitting.pending if held[0].slot in standing]
        self._hand_over(sitting)
        for slot, number in sitting.handed.items():
            if slot in standing:
                self._standing.add(number)
                self._gathering.set_score(number, standing[slot])
            elif number not in self._standing:
                self._gathering.drop(number)


def _numbered(first: int, width: int) -> tuple[str, ...]:
    return tuple(f"column {number}" for number in range(first, first + width))
