"""Reads fixed-width tables by slicing bytes, then decoding: in CP932 a count of characters would shift the columns."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO

from scanner.extract import charset, fixed_layout, sniff
from scanner.extract.fixed_layout import Layout
from scanner.extract.text import PIECE, pieces
from scanner.model import Batch, Blob, Budget, Decoded, Item, Table, Text

if TYPE_CHECKING:
    import numpy as np

_BLOCK = 1 << 20
_MAX_LINE = 1 << 20
_MAX_ODD = 4 << 20
_WORD = re.compile(rb"[0-9A-Za-z@._%+-]")


@dataclass(slots=True)
class _Lines:
    """Whole lines of a block, the first of them at line `first`; `tail` continues a line too long to be one."""

    first: int
    lines: list[bytes]
    continued: bytes | None = None  # the first thing in the block: more of an over-long line


@dataclass(slots=True)
class _State:
    encoding: str
    undecoded: int = 0
    odd: list[tuple[int, bytes, bool]] = field(default_factory=list)
    odd_size: int = 0

    def keep(self, line: int, data: bytes, continues: bool = False) -> None:
        self.odd.append((line, data, continues))
        self.odd_size += len(data)

    def decode(self, data: bytes) -> str:
        text = data.decode(charset.codec_of(self.encoding), "replace")
        if "\ufffd" in text:
            text, undecoded = charset.mend(data, charset.codec_of(self.encoding))
            self.undecoded += undecoded
        return text


class FixedWidth:
    """One table; lines of another make (titles, rules, totals) as text."""

    media_types = frozenset({sniff.FIXED_WIDTH})

    def extract(self, blob: Blob, media_type: str, budget: Budget) -> Iterator[Item]:
        with blob.open() as raw:
            head = charset.read(raw, charset.HEAD_BYTES)
            found = charset.guess(head, blob.declared_charset, len(head) < charset.HEAD_BYTES)
            whole = len(head) < charset.HEAD_BYTES
            layout = fixed_layout.detect(head[found.bom :], found.encoding, whole, named=True)
            raw.seek(0)
            if layout is None:
                stream = charset.TextStream(raw, blob.declared_charset)
                yield from pieces(stream.chunks())
                yield Decoded(stream.encoding, stream.undecoded)
                return
            raw.seek(found.bom)
            state = _State(found.encoding)
            yield from _items(raw, layout, state)
            yield Decoded(state.encoding, state.undecoded)


def _items(raw: BinaryIO, layout: Layout, state: _State) -> Iterator[Item]:
    data_line = layout.preamble + layout.skip + 1
    blocks = _blocks(raw)
    for block in blocks:
        batch = _batch(block, layout, state, data_line)
        if batch is not None:
            batches = _batches(batch, blocks, layout, state, data_line)
            yield Table(layout.header, batches)
            for _ in batches:
                pass
        yield from _odd_texts(state)


def _blocks(raw: BinaryIO) -> Iterator[_Lines]:
    """Blocks of whole lines; a line beyond reason comes in pieces."""
    rest, line, long = b"", 1, False
    while data := raw.read(_BLOCK):
        data = rest + data
        continued = None
        if long:
            end = data.find(b"\n") + 1
            continued, data = (data[:end], data[end:]) if end else (data, b"")
            long = not end
        lines = data.split(b"\n")
        rest = lines.pop()
        yield _Lines(line, lines, continued)
        line += len(lines) + (continued is not None and not long)
        if len(rest) > _MAX_LINE:
            yield _Lines(line, [], rest)
            rest, long = b"", True
    if rest:
        yield _Lines(line, [rest])


def _batches(first: Batch, blocks: Iterator[_Lines], layout: Layout, state: _State, data_line: int) -> Iterator[Batch]:
    yield first
    while state.odd_size < _MAX_ODD:
        block = next(blocks, None)
        if block is None:
            return
        batch = _batch(block, layout, state, data_line)
        if batch is not None:
            yield batch


def _batch(block: _Lines, layout: Layout, state: _State, data_line: int) -> Batch | None:
    import numpy as np
    import pyarrow as pa

    number = block.first
    if block.continued is not None:
        state.keep(number, block.continued, continues=True)
        number += block.continued.endswith(b"\n")
    good: list[bytes] = []
    rows: list[int] = []
    for at, line in enumerate(block.lines, number):
        if at >= data_line and line.strip() and _fits(line, layout):
            good.append(line.rstrip(b"\r"))
            rows.append(at)
        elif line.strip() and not (layout.header is not None and layout.preamble < at < data_line):
            state.keep(at, line + b"\n")
    if not good:
        return None
    columns = _columns(good, layout, state)
    numbers: np.ndarray[Any, np.dtype[np.int64]] = np.array(rows, np.int64)
    return Batch(pa.RecordBatch.from_arrays(columns, names=[str(at) for at in range(len(columns))]), numbers)


def _fits(line: bytes, layout: Layout) -> bool:
    """No column start stands within a word of this line: a title or a total would be cut to pieces unseen."""
    if layout.by_character or len(line) > _MAX_LINE:
        return len(line) <= _MAX_LINE
    return not any(
        _WORD.match(line, start) and _WORD.match(line, start - 1) and line[start : start + 1].isdigit() == line[start - 1 : start].isdigit()
        for start in layout.starts[1:]
        if start < len(line)
    )


def _columns(lines: list[bytes], layout: Layout, state: _State) -> list[Any]:
    import pyarrow as pa
    import pyarrow.compute as pc

    sliced: list[list[str]]
    ends: list[int | None] = [*layout.starts[1:], None]
    if layout.by_character:
        texts = [state.decode(line) for line in lines]
        sliced = [[text[start:end] for text in texts] for start, end in zip(layout.starts, ends, strict=True)]
    else:
        sliced = [_decoded([line[start:end] for line in lines], state) for start, end in zip(layout.starts, ends, strict=True)]
    return [pc.utf8_trim_whitespace(pa.array(cells, pa.string())) for cells in sliced]


def _decoded(cells: list[bytes], state: _State) -> list[str]:
    """All cells of a column in one decoding; one by one where a broken cell would swallow its separator."""
    texts = state.decode(b"\n".join(cells)).split("\n")
    return texts if len(texts) == len(cells) else [state.decode(cell) for cell in cells]


def _odd_texts(state: _State) -> Iterator[Text]:
    odd, state.odd, state.odd_size = state.odd, [], 0
    run: list[bytes] = []
    start = after = size = 0
    joined = False
    for line, data, continues in odd:
        if run and (line != after or size + len(data) > PIECE):
            yield from pieces((state.decode(b"".join(run)),), None, start, joined)
            run, size = [], 0
        if not run:
            start, joined = line, continues
        run.append(data)
        size += len(data)
        after = line + data.count(b"\n")
    if run:
        yield from pieces((state.decode(b"".join(run)),), None, start, joined)


EXTRACTORS = (FixedWidth(),)
