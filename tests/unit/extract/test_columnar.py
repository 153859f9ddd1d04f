"""Parquet, Arrow, Feather and ORC: every kind of value as text, in batches, and broken files."""

from __future__ import annotations

import datetime
import decimal
import io
import random
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
from pyarrow import orc

from scanner.extract.budget import FileBudget
from scanner.extract.columnar import ColumnarFile
from scanner.model import Blob, Gap, Reason, Table, Text, Unreadable

Make = Callable[..., Blob]
PARQUET = "application/vnd.apache.parquet"
ARROW_FILE = "application/vnd.apache.arrow.file"
ARROW_STREAM = "application/vnd.apache.arrow.stream"
ORC = "application/vnd.apache.orc"


def parquet(table: pa.Table, **options: Any) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table, buffer, **options)
    return buffer.getvalue()


def arrow(table: pa.Table, opener: Callable[..., Any] = pa.ipc.new_file, **options: Any) -> bytes:
    buffer = io.BytesIO()
    with opener(buffer, table.schema) as writer:
        writer.write_table(table, **options)
    return buffer.getvalue()


def orc_file(table: pa.Table) -> bytes:
    buffer = io.BytesIO()
    orc.write_table(table, buffer)
    return buffer.getvalue()


def feather(table: pa.Table) -> bytes:
    buffer = io.BytesIO()
    pyarrow.feather.write_feather(table, buffer)
    return buffer.getvalue()


WRITERS = [
    (PARQUET, parquet),
    (ARROW_FILE, arrow),
    (ARROW_FILE, feather),
    (ARROW_STREAM, lambda table: arrow(table, pa.ipc.new_stream)),
    (ORC, orc_file),
]


def read(blob: Blob, media_type: str, budget: FileBudget) -> tuple[tuple[str, ...], dict[int, list[str | None]], list[Any]]:
    """Header, {row number: cells}, and what else came: (place, text), reasons."""
    header: tuple[str, ...] = ()
    rows: dict[int, list[str | None]] = {}
    others: list[Any] = []
    for item in ColumnarFile().extract(blob, media_type, budget):
        if isinstance(item, Table):
            assert item.header is not None
            header = item.header
            for batch in item.batches:
                assert batch.columns.num_rows <= 65_536
                assert batch.columns.nbytes <= 32 << 20
                assert all(field.type == pa.string() for field in batch.columns.schema)
                cells = zip(*[column.to_pylist() for column in batch.columns.columns], strict=True)
                rows |= dict(zip(batch.rows.tolist(), map(list, cells), strict=True))
        elif isinstance(item, Text):
            others.append((item.place, item.text))
        else:
            assert isinstance(item, Gap)
            others.append(item.reason)
    return header, rows, others


@pytest.mark.parametrize(("media_type", "write"), WRITERS)
def test_rows_and_columns_of_every_format(blob: Make, budget: FileBudget, media_type: str, write: Callable[[pa.Table], bytes]) -> None:
    table = pa.table(
        {
            "氏名": ["山田太郎", None],
            "tel": pa.array([9000000000.0, 0.5]),
            "n": pa.array([3, None], pa.int64()),
            "born": [datetime.date(1980, 1, 2), None],
            "raw": ["鈴木".encode(), "山田花子 東京都".encode("cp932")],
        }
    )
    header, rows, others = read(blob(write(table)), media_type, budget)
    assert header == ("氏名", "tel", "n", "born", "raw")
    assert rows == {2: ["山田太郎", "9000000000", "3", "1980-01-02", "鈴木"], 3: [None, "0.5", None, None, "山田花子 東京都"]}
    assert others == []


def test_nested_values_by_dotted_names_and_json(blob: Make, budget: FileBudget) -> None:
    kind = pa.struct([("name", pa.string()), ("home", pa.struct([("city", pa.string())]))])
    table = pa.table(
        {
            "person": pa.array([{"name": "山田", "home": {"city": "千代田区"}}, None], kind),
            "mails": pa.array([["taro@example.jp"], None], pa.list_(pa.string())),
            "tags": pa.array([[("電話", b"03")], None], pa.map_(pa.string(), pa.binary())),
        }
    )
    header, rows, _ = read(blob(parquet(table)), PARQUET, budget)
    assert header == ("person.name", "person.home.city", "mails", "tags")
    assert rows == {2: ["山田", "千代田区", '["taro@example.jp"]', '{"電話": "03"}'], 3: [None] * 4}


def test_other_kinds_of_columns(blob: Make, budget: FileBudget) -> None:
    table = pa.table(
        {
            "dict": pa.array(["a", "b", "a"]).dictionary_encode(),
            "when": pa.array([datetime.datetime(2020, 1, 2, 3, 4, 5)] * 3, pa.timestamp("s")),
            "zone": pa.array([0] * 3, pa.timestamp("s", "Asia/Tokyo")),
            "null": pa.nulls(3),
            "large": pa.array(["x"] * 3, pa.large_string()),
            "view": pa.array(["y"] * 3, pa.string_view()),
            "yes": [True, False, None],
            "money": pa.array([decimal.Decimal("1.00")] * 3, pa.decimal128(10, 2)),
        }
    )
    _, rows, others = read(blob(arrow(table)), ARROW_FILE, budget)
    assert rows[2] == ["a", "2020-01-02 03:04:05", rows[2][2], None, "x", "y", "true", "1.00"]
    assert str(rows[2][2]).startswith("1970-01-01 09:00:00")
    assert [cells[0] for cells in rows.values()] == ["a", "b", "a"]
    assert others == []


def test_metadata_of_a_person_is_a_property(blob: Make, budget: FileBudget) -> None:
    table = pa.table({"a": ["x"]}).replace_schema_metadata({"owner": "山田太郎", "pandas": "{}"})
    assert read(blob(parquet(table)), PARQUET, budget)[2] == [("properties", "owner: 山田太郎")]


def test_large_row_groups_come_in_small_batches(blob: Make, budget: FileBudget) -> None:
    count = 100_000
    table = pa.table({"a": [f"taro{number}@example.jp" for number in range(count)]})
    for media_type, write in WRITERS:
        _, rows, _ = read(blob(write(table)), media_type, budget)
        assert len(rows) == count
        assert rows[count + 1] == [f"taro{count - 1}@example.jp"]


def test_a_dictionary_of_long_values_is_not_written_out_at_once(blob: Make, budget: FileBudget) -> None:
    table = pa.table({"a": pa.DictionaryArray.from_arrays(pa.array([0] * 300, pa.int32()), pa.array(["x" * (1 << 18)]))})
    header, rows, others = read(blob(arrow(table)), ARROW_FILE, budget)
    assert (header, len(rows), others) == (("a",), 300, [])


def test_a_value_stored_once_and_meant_by_every_row_is_read_a_few_rows_at_a_time(blob: Make, budget: FileBudget) -> None:
    table = pa.table({"a": pa.DictionaryArray.from_arrays(pa.array([0] * 300, pa.int32()), pa.array(["x" * (1 << 19)])), "b": ["y"] * 300})
    data = parquet(table, store_schema=False)
    assert len(data) < 100_000
    header, rows, others = read(blob(data), PARQUET, budget)  # which looks at the size of each batch
    assert (header, len(rows), others) == (("a", "b"), 300, [])


def test_bytes_that_are_no_text_are_a_gap_unless_they_are_keys(blob: Make, budget: FileBudget) -> None:
    noise = random.Random(1).randbytes(500)
    assert read(blob(parquet(pa.table({"a": [noise]}))), PARQUET, budget)[2] == [Reason.UNKNOWN_FORMAT]
    assert read(blob(parquet(pa.table({"a": [noise[:32]]}))), PARQUET, budget)[2] == []


def test_strings_that_are_not_utf8_are_read_by_their_look(blob: Make, budget: FileBudget) -> None:
    raw = pa.array(["山田太郎 東京都千代田区".encode("cp932"), b"plain"])
    table = pa.table({"a": pa.StringArray.from_buffers(2, raw.buffers()[1], raw.buffers()[2])})
    assert [cells[0] for cells in read(blob(arrow(table)), ARROW_FILE, budget)[1].values()] == ["山田太郎 東京都千代田区", "plain"]


@pytest.mark.parametrize(("media_type", "write"), WRITERS)
def test_a_cut_file_is_never_taken_for_whole(blob: Make, budget: FileBudget, media_type: str, write: Callable[[pa.Table], bytes]) -> None:
    data = write(pa.table({"a": [f"taro{number}@example.jp" for number in range(10_000)]}))
    for part in (0.1, 0.5, 0.99):
        try:
            _, _, others = read(blob(data[: int(len(data) * part)]), media_type, budget)
        except Unreadable as stop:
            assert stop.reason in (Reason.TRUNCATED, Reason.DAMAGED)
        else:
            assert others


@pytest.mark.parametrize(("media_type", "write"), WRITERS)
def test_damage_is_said_or_raised_as_unreadable(
    blob: Make, budget: FileBudget, media_type: str, write: Callable[[pa.Table], bytes]
) -> None:
    data = write(pa.table({"a": [f"taro{number}@example.jp" for number in range(1000)]}))
    with pytest.raises(Unreadable):
        read(blob(data[:8] + b"\xff" * (len(data) - 16) + data[-8:]), media_type, budget)
    for at in range(0, len(data), max(1, len(data) // 40)):
        damaged = bytearray(data)
        damaged[at : at + 4] = b"\xff\x7f\xff\x7f"
        try:
            read(blob(bytes(damaged)), media_type, budget)
        except Unreadable as stop:
            assert stop.reason in (Reason.TRUNCATED, Reason.DAMAGED, Reason.MEMORY)


def test_rows_before_a_cut_of_an_arrow_file_count(blob: Make, budget: FileBudget) -> None:
    data = arrow(pa.table({"a": [f"taro{number}@example.jp" for number in range(10_000)]}), max_chunksize=1000)
    _, rows, others = read(blob(data[: len(data) // 2]), ARROW_FILE, budget)
    assert 3000 < len(rows) < 6000
    assert Reason.TRUNCATED in others


def test_an_encrypted_footer_is_said(blob: Make, budget: FileBudget) -> None:
    with pytest.raises(Unreadable) as caught:
        read(blob(b"PARE" + bytes(100) + b"PARE"), PARQUET, budget)
    assert caught.value.reason is Reason.ENCRYPTED
