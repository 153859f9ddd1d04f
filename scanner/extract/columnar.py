"""Columnar files (Parquet, Arrow, Feather, ORC): their rows as batches of strings, nested values by dotted column names."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np

from scanner.extract import charset
from scanner.extract.binary_cell import KEY_BYTES, cell_text
from scanner.model import Batch, Blob, Budget, Gap, Item, Reason, Table, Text, Unreadable

_PARQUET = "application/vnd.apache.parquet"
_ARROW_FILE = "application/vnd.apache.arrow.file"
_ARROW_STREAM = "application/vnd.apache.arrow.stream"
_ORC = "application/vnd.apache.orc"
_BATCH_ROWS = 32_768
_BATCH_BYTES = 8 * 2**20
_PROPERTIES_BYTES = 2**20
_TECHNICAL = frozenset(
    {"ARROW:schema", "pandas", "org.apache.spark.sql.parquet.row.metadata", "org.apache.spark.version", "writer.model.name"}
)
"""Metadata that programs write about types; a person writes none of it."""


class ColumnarFile:
    """Reader of Parquet, Arrow (file, which Feather 2 is, and stream) and ORC: one table without a place."""

    media_types = frozenset({_PARQUET, _ARROW_FILE, _ARROW_STREAM, _ORC})

    def extract(self, blob: Blob, media_type: str, budget: Budget) -> Iterator[Item]:
        with blob.open() as stream:
            source = _open(stream, media_type)
            text = _properties(source.metadata)
            if text:
                yield Text(text, "properties", None)
            try:
                rows = _Rows(source, budget)
            except _faults() as error:  # a column name that is no text
                raise Unreadable(_reason(error)) from None
            yield Table(rows.header, rows.batches(), None)
            yield from (Gap(reason) for reason in sorted(rows.faults))


class _Source:
    """An open file: its Arrow schema, its key-value metadata, and its record batches."""

    def __init__(self, schema: Any, metadata: dict[bytes, bytes] | None, batches: Iterator[Any], fault: Reason | None = None) -> None:
        self.schema = schema
        self.metadata = metadata or {}
        self.batches = batches
        self.fault = fault  # of the file as a whole, known before a row is read


def _open(stream: BinaryIO, media_type: str) -> _Source:
    """Raises `Unreadable`: ENCRYPTED for a Parquet file with an encrypted footer, TRUNCATED or DAMAGED for what is none."""
    import pyarrow as pa

    opener = {_PARQUET: _parquet, _ARROW_FILE: _arrow_file, _ARROW_STREAM: _arrow_stream, _ORC: _orc}[media_type]
    try:
        return opener(stream)
    except _faults() as error:
        raise Unreadable(_reason(error)) from None
    except pa.ArrowException:
        raise Unreadable(Reason.DAMAGED) from None


def _faults() -> tuple[type[BaseException], ...]:
    """What Arrow says of bytes it cannot read. `ArrowInvalid` is a ValueError, `ArrowIOError` an OSError."""
    import pyarrow as pa

    return (
        pa.ArrowException,
        OSError,
        ValueError,
        KeyError,
        IndexError,
        TypeError,
        NotImplementedError,
        MemoryError,
        UnicodeError,
        OverflowError,
    )


def _reason(error: BaseException) -> Reason:
    """The kind of fault. Arrow tells encryption by its message alone; the message itself goes no further."""
    message = str(error).lower()
    if isinstance(error, MemoryError):
        return Reason.MEMORY
    if "encrypt" in message or "decrypt" in message:
        return Reason.ENCRYPTED
    if "end of" in message or "truncated" in message or "too short" in message or "unexpectedly" in message:
        return Reason.TRUNCATED
    return Reason.DAMAGED


def _parquet(stream: BinaryIO) -> _Source:
    import pyarrow.parquet as pq

    stream.seek(0)
    if stream.read(4) == b"PARE":  # the magic of an encrypted footer
        raise Unreadable(Reason.ENCRYPTED)
    stream.seek(0)
    if not _ends_with(stream, b"PAR1"):
        raise Unreadable(Reason.TRUNCATED)
    # Without a pre-buffer and with a small read buffer, a row group of gigabytes is read page by page.
    file = pq.ParquetFile(stream, pre_buffer=False, buffer_size=1 << 20)
    return _Source(file.schema_arrow, file.metadata.metadata, _parquet_batches(stream, file))


def _parquet_batches(stream: BinaryIO, file: Any) -> Iterator[Any]:
    for index in range(file.metadata.num_row_groups):
        group = file.metadata.row_group(index)
        row_bytes = group.total_byte_size / max(group.num_rows, 1) + group.num_columns + _longest_in_dictionaries(stream, group, index)
        rows = max(16, min(_BATCH_ROWS, int(_BATCH_BYTES / row_bytes)))
        yield from file.iter_batches(batch_size=rows, row_groups=[index])


def _longest_in_dictionaries(stream: BinaryIO, group: Any, index: int) -> int:
    """Sum of the longest values in the dictionaries of a row group's plain columns.

    A value of a megabyte, stored once and meant by every row, is a bomb of 50 kB: the rows to read at a time must be told by
    its length, not by the bytes stored. Reading one row as codes brings the dictionary along, and no more.
    """
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    chunks = [group.column(column) for column in range(group.num_columns)]
    names = [
        chunk.path_in_schema
        for chunk in chunks
        if chunk.physical_type == "BYTE_ARRAY" and chunk.has_dictionary_page and "." not in chunk.path_in_schema
    ]
    if not names:
        return 0
    coded = pq.ParquetFile(stream, read_dictionary=names, pre_buffer=False, buffer_size=1 << 20)
    first = next(coded.iter_batches(batch_size=1, row_groups=[index], columns=names), None)
    lengths = [pc.max(pc.binary_length(column.dictionary)).as_py() for column in first.columns] if first is not None else []
    return sum(length or 0 for length in lengths)


def _ends_with(stream: BinaryIO, magic: bytes) -> bool:
    """Whether the last bytes are `magic`; leaves the stream at 0."""
    size = stream.seek(0, 2)
    stream.seek(max(0, size - len(magic)))
    found = stream.read(len(magic)) == magic
    stream.seek(0)
    return found


def _arrow_file(stream: BinaryIO) -> _Source:
    import pyarrow as pa

    head = stream.read(4)
    stream.seek(0)
    if head == b"FEA1":  # Feather version 1 is a format of its own
        import pyarrow.feather

        table = pyarrow.feather.read_table(stream, memory_map=False)
        return _Source(table.schema, table.schema.metadata, iter(table.to_batches(max_chunksize=_BATCH_ROWS)))
    try:
        reader = pa.ipc.open_file(stream)
    except pa.ArrowInvalid:
        # The footer is lost; what stands before it is a stream (Arrow's format says so), up to where it was cut.
        stream.seek(8)
        reader = pa.ipc.open_stream(stream)
        return _Source(reader.schema, reader.schema.metadata, iter(reader), Reason.TRUNCATED)
    return _Source(reader.schema, reader.schema.metadata, (reader.get_batch(index) for index in range(reader.num_record_batches)))


def _arrow_stream(stream: BinaryIO) -> _Source:
    import pyarrow as pa

    reader = pa.ipc.open_stream(stream)
    return _Source(reader.schema, reader.schema.metadata, iter(reader))


def _orc(stream: BinaryIO) -> _Source:
    from pyarrow import orc

    file = orc.ORCFile(stream)
    return _Source(
        file.schema, dict(file.metadata.items()) if file.metadata else None, (file.read_stripe(index) for index in range(file.nstripes))
    )


def _properties(metadata: dict[bytes, bytes]) -> str:
    lines = []
    for key, value in metadata.items():
        name = charset.decode(key)[0]
        if name not in _TECHNICAL:
            lines.append(f"{name}: {charset.decode(value[:_PROPERTIES_BYTES])[0]}")
    return "\n".join(lines)[:_PROPERTIES_BYTES]


# --------------------------------------------------------------------------- rows as strings


class _Rows:
    """The rows of a source as batches of strings; `faults` are known once they are read."""

    def __init__(self, source: _Source, budget: Budget) -> None:
        self.faults = {source.fault} if source.fault is not None else set()
        self._source = source
        self._budget = budget
        self.header = tuple(name for field in source.schema for name in _names(field.name, field.type))

    def batches(self) -> Iterator[Batch]:
        first = 2  # the header is row 1
        for piece in self._pieces():
            try:
                batch = self._strings(piece)
            except _faults() as error:
                self.faults.add(_reason(error))
                return
            yield Batch(batch, np.arange(first, first + len(piece), dtype=np.int64))
            first += len(piece)

    def _pieces(self) -> Iterator[Any]:
        """Record batches small enough to be written out as text: a dictionary of long values may grow a thousandfold."""
        try:
            for batch in self._source.batches:
                rows = max(1, min(_BATCH_ROWS, int(_BATCH_BYTES / _text_width(batch))))
                for start in range(0, batch.num_rows, rows):
                    yield batch.slice(start, rows)
        except _faults() as error:
            self.faults.add(_reason(error))

    def _strings(self, batch: Any) -> Any:
        import pyarrow as pa

        batch.validate()  # offsets of a hostile file may point anywhere
        leaves = [leaf for column in batch.columns for leaf in _leaves(column)]
        texts = [_as_text(leaf) for leaf in leaves]
        if any(map(_holds_unread, leaves, texts)):
            self.faults.add(Reason.UNKNOWN_FORMAT)
        strings = pa.RecordBatch.from_arrays(texts, names=[str(index) for index in range(len(texts))])
        self._budget.spend_output(strings.nbytes)
        return strings


def _holds_unread(leaf: Any, text: Any) -> bool:
    """Whether bytes that are no text, and too long for a key or a hash, were left out."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if text.null_count == leaf.null_count or not (pa.types.is_binary(leaf.type) or pa.types.is_large_binary(leaf.type)):
        return False
    return bool((pc.max(pc.binary_length(leaf.filter(text.is_null()))).as_py() or 0) > KEY_BYTES)


def _text_width(batch: Any) -> float:
    """Bytes of text a row may come to, about: what is stored, and for dictionaries the mean length of their values."""
    import pyarrow as pa

    width: float = batch.nbytes / max(batch.num_rows, 1)
    for column in batch.columns:
        if pa.types.is_dictionary(column.type):
            width += column.dictionary.nbytes / max(len(column.dictionary), 1)
    return max(width, 1.0)


def _names(name: str, kind: Any) -> list[str]:
    """Column names of a field: a struct's fields by dotted names, anything else by its own."""
    import pyarrow as pa

    if pa.types.is_struct(kind) and kind.num_fields:
        return [inner for index in range(kind.num_fields) for inner in _names(f"{name}.{kind.field(index).name}", kind.field(index).type)]
    return [name]


def _leaves(array: Any) -> Iterator[Any]:
    """The arrays behind `_names`, in its order; a null struct's fields are null."""
    import pyarrow as pa

    if pa.types.is_struct(array.type) and array.type.num_fields:
        for leaf in array.flatten():
            yield from _leaves(leaf)
    else:
        yield array


def _as_text(array: Any) -> Any:
    """An array as strings: dates and times in ISO 8601, numbers plain, bytes as the text they are, lists and maps as JSON."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = array.type
    if isinstance(array, pa.ExtensionArray):
        return _as_text(array.storage)
    if pa.types.is_dictionary(kind):
        # Cast before decoding: each value is written out once.
        return _as_text(array.dictionary).take(array.indices)
    if pa.types.is_string(kind):
        return _valid(array)
    if pa.types.is_large_string(kind) or kind == pa.string_view():
        return _valid(array.cast(pa.string()))
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind) or kind == pa.binary_view():
        return pa.array([value and cell_text(value) for value in array.to_pylist()], pa.string())
    if pa.types.is_null(kind):
        return pa.nulls(len(array), pa.string())
    if pa.types.is_nested(kind):
        array.validate(full=True)
        return pa.array([None if value is None else _json(value) for value in array.to_pylist(maps_as_pydicts="lossy")], pa.string())
    if pa.types.is_floating(kind):
        return pa.array([_number(value) for value in array.to_pylist()], pa.string())
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        return _zoned(array)
    return pc.cast(array, pa.string())


def _zoned(array: Any) -> Any:
    """Times with a zone as that zone's clock shows them; in UTC where the machine does not know the zone."""
    import pyarrow as pa

    try:
        return array.cast(pa.string())
    except pa.ArrowInvalid:
        return array.cast(pa.timestamp(array.type.unit, "UTC")).cast(pa.timestamp(array.type.unit)).cast(pa.string())


def _valid(array: Any) -> Any:
    """Strings that claim to be UTF-8 and are: Arrow does not look when it reads."""
    import pyarrow as pa

    try:
        array.validate(full=True)
    except pa.ArrowInvalid:
        raw = array.view(pa.binary())
        raw.validate(full=True)
        return pa.array([value and _written(value) for value in raw.to_pylist()], pa.string())
    return array


def _written(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return charset.decode(value)[0]


def _number(value: float | None) -> str | None:
    """A float as a person writes it: a phone number that became one (9012345678.0) keeps its digits."""
    if value is None or math.isnan(value):
        return None
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else str(value)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=_json_value)


def _json_value(value: Any) -> str | None:
    return cell_text(value) if isinstance(value, bytes) else str(value)


EXTRACTORS = (ColumnarFile(),)
