"""Every reader keeps the promises of `model.Extractor`: write one, and it is run through this suite."""

from __future__ import annotations

import io
import os
import random
import sys
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scanner.extract import registry, sniff
from scanner.extract.budget import FileBudget
from scanner.model import Blob, Decoded, Extractor, Gap, Item, Limits, Location, Reason, Status, Table, Text, Unread, Unreadable
from tests.contract.extractor_samples import BUILDERS

READERS = [pytest.param(extractor, id=type(extractor).__name__) for extractor in registry.all_extractors()]
SAMPLED = [pytest.param(media_type, id=media_type.rsplit("/", 1)[-1].rsplit(".", 1)[-1]) for media_type in BUILDERS]
MOST_TEXT = 5 << 18  # "about 1 MB" of characters


@lru_cache
def sample(media_type: str) -> tuple[str, bytes]:
    name, build = BUILDERS[media_type]
    return name, build()


def reader_of(media_type: str) -> Extractor:
    found = registry.for_media_type(media_type)
    if found is None:
        pytest.skip("no reader takes this type")
    return found


def blob_of(data: bytes, name: str = "x") -> Blob:
    return Blob(Location("/share", name), len(data), lambda: io.BytesIO(data))


@pytest.fixture
def make_budget(tmp_path: Path) -> Callable[[], FileBudget]:
    def make() -> FileBudget:
        folder = tmp_path / "private"
        folder.mkdir(mode=0o700, exist_ok=True)
        return FileBudget(Limits(output_bytes=1 << 26, temp_bytes=1 << 26, members=1000), folder)

    return make


def check_table(table: Table) -> int:
    width = None if table.header is None else len(table.header)
    last = count = 0
    for batch in table.batches:
        columns = batch.columns
        assert isinstance(columns, pa.RecordBatch)
        assert all(kind in (pa.string(), pa.large_string()) for kind in columns.schema.types)
        width = columns.num_columns if width is None else width
        assert columns.num_columns == width
        columns.validate(full=True)  # offsets and UTF-8 are sound
        assert batch.rows.dtype == np.int64 and len(batch.rows) == columns.num_rows > 0
        assert batch.rows[0] > last and (np.diff(batch.rows) > 0).all()
        last = int(batch.rows[-1])
        if batch.lines is not None:
            assert batch.lines.dtype == np.int64 and len(batch.lines) == columns.num_rows and (np.diff(batch.lines) >= 0).all()
        count += columns.num_rows
    return count


def check_item(item: Item) -> int:
    """What an item may be; how much it holds (rows or characters)."""
    assert isinstance(item, Text | Table | Blob | Gap | Unread | Decoded), item
    if isinstance(item, Table):
        return check_table(item)
    if isinstance(item, Text):
        assert isinstance(item.text, str) and 0 < len(item.text) <= MOST_TEXT
        item.text.encode()  # no lone surrogate
        assert item.first_line is None or item.first_line >= 1
        return len(item.text)
    if isinstance(item, Gap | Unread):
        assert isinstance(item.reason, Reason)
        assert not isinstance(item, Unread) or isinstance(item.status, Status)
    if isinstance(item, Decoded):
        assert item.encoding and item.undecoded >= 0
    if isinstance(item, Blob):
        try:
            with item.open() as stream:
                return len(stream.read(1 << 16))
        except Unreadable:
            return 0
    return 0


def read(extractor: Extractor, data: bytes, name: str, media_type: str, budget: FileBudget) -> int:
    """Everything the reader gives, checked; only `Unreadable` may come instead."""
    total = 0
    try:
        for item in extractor.extract(blob_of(data, name), media_type, budget):
            total += check_item(item)
    except Unreadable as error:
        assert isinstance(error.reason, Reason)
    return total


def test_the_registry_gives_every_reader_for_what_it_takes() -> None:
    for extractor in registry.all_extractors():
        assert extractor.media_types
        for media_type in extractor.media_types:
            assert registry.for_media_type(media_type) is extractor


@pytest.mark.parametrize("media_type", SAMPLED)
def test_a_sound_sample_is_known_by_content_and_read(media_type: str, make_budget: Callable[[], FileBudget]) -> None:
    name, data = sample(media_type)
    assert sniff.identify(blob_of(data, "nameless")) == media_type
    assert read(reader_of(media_type), data, name, media_type, make_budget()) > 0


@pytest.mark.parametrize("extractor", READERS)
def test_foreign_bytes_are_refused_or_read(extractor: Extractor, make_budget: Callable[[], FileBudget]) -> None:
    noise = random.Random(7)
    heads = [b"", *(data[:8] for _, data in (sample(each) for each in BUILDERS))]
    for media_type in sorted(extractor.media_types):
        for head in [*heads, *heads[:1] * 5]:
            read(extractor, head + noise.randbytes(noise.choice((0, 3, 400, 5000))), "x", media_type, make_budget())
        for data in (
            b"\x00" * 3000,
            b"\xff" * 3000,
            b"\r\r\n\n\r",
            b"\xef\xbb\xbf",
            b"\xff\xfe",
            b"[" * 50_000,
            b"<a>" * 20_000,
            b'"' * 3001,
        ):
            read(extractor, data, "x", media_type, make_budget())


@pytest.mark.parametrize("media_type", SAMPLED)
@given(data=st.data())
@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_a_damaged_sample_is_refused_or_read(media_type: str, data: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    name, sound = sample(media_type)
    broken = bytearray(sound[: data.draw(st.integers(0, len(sound)))] if data.draw(st.booleans()) else sound)
    for at in data.draw(st.lists(st.integers(0, max(0, len(broken) - 1)), max_size=8)) if broken else ():
        broken[at] = data.draw(st.integers(0, 255))
    folder = tmp_path_factory.getbasetemp() / "damaged"
    folder.mkdir(exist_ok=True)
    budget = FileBudget(Limits(output_bytes=1 << 26, temp_bytes=1 << 26, members=1000), folder)
    assert sniff.identify(blob_of(bytes(broken), name))
    read(reader_of(media_type), bytes(broken), name, media_type, budget)


# --------------------------------------------------------------------------- nothing else is opened

_WATCHED: list[tuple[str, Any]] | None = None


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if _WATCHED is not None and (event in ("open", "subprocess.Popen", "os.system", "os.fork") or event.startswith("socket.")):
        _WATCHED.append((event, arguments))


@pytest.fixture
def watched() -> Iterator[list[tuple[str, Any]]]:
    """Events of opening, starting and connecting, as the interpreter itself tells them."""
    global _WATCHED  # noqa: PLW0603 - an audit hook cannot be removed, so it is only switched
    if not getattr(sys, "_strayscan_audit", False):
        sys.addaudithook(_audit)
        sys._strayscan_audit = True
    _WATCHED = seen = []
    yield seen
    _WATCHED = None


@pytest.mark.parametrize("media_type", SAMPLED)
def test_nothing_but_the_blob_is_opened(
    media_type: str, make_budget: Callable[[], FileBudget], watched: list[tuple[str, Any]], tmp_path: Path
) -> None:
    name, data = sample(media_type)
    extractor = reader_of(media_type)
    watched.clear()
    read(extractor, data, name, media_type, make_budget())
    own = (
        str(tmp_path),
        sys.prefix,
        sys.base_prefix,
        str(Path(os.__file__).parent),
        str(Path(sniff.__file__).parents[1]),
        "/usr/share/zoneinfo",
    )
    foreign = [
        arguments
        for event, arguments in watched
        if event != "open" or not (isinstance(arguments[0], int) or os.fsdecode(arguments[0]).startswith(own))
    ]
    assert not foreign


# --------------------------------------------------------------------------- streaming


class Endless(io.RawIOBase):
    """A head, then the same lines again and again up to `size` bytes; counts what was read."""

    def __init__(self, head: bytes, line: bytes, size: int) -> None:
        self._head, self._lines, self._size = head, line * (1 + 65_536 // len(line)), size
        self.read_bytes = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.read_bytes

    def seek(self, offset: int, whence: int = 0) -> int:
        self.read_bytes = offset if whence == 0 else self._size + offset
        return self.read_bytes

    def readinto(self, buffer: Any) -> int:
        count = max(0, min(len(buffer), self._size - self.read_bytes, 65_536))
        if self.read_bytes < len(self._head):
            piece = self._head[self.read_bytes : self.read_bytes + count]
        else:
            start = (self.read_bytes - len(self._head)) % len(self._lines)
            piece = self._lines[start : start + count]
        buffer[: len(piece)] = piece
        self.read_bytes += len(piece)
        return len(piece)


STREAMS = {
    sniff.PLAIN: (b"", "山田太郎 090-0000-0001\n".encode()),
    sniff.CSV: (b"id,name,tel\n", "1,山田太郎,090-0000-0001\n".encode("cp932")),
    sniff.FIXED_WIDTH: (b"", b"0001  " + "山田太郎".encode("cp932") + b"    090-0000-0001 \n"),
    sniff.JSON: (b"[", '{"a": "山田太郎", "b": 1},\n'.encode()),
    sniff.NDJSON: (b"", '{"a": "山田太郎", "b": 1}\n'.encode()),
    sniff.SQL: (b"-- dump\n", "INSERT INTO t (a, b) VALUES (1, '山田太郎');\n".encode()),
    sniff.VCARD: (b"", "BEGIN:VCARD\nVERSION:3.0\nFN:山田太郎\nEND:VCARD\n".encode()),
}


@pytest.mark.parametrize("media_type", STREAMS)
def test_the_first_results_come_before_much_is_read(media_type: str, make_budget: Callable[[], FileBudget]) -> None:
    head, line = STREAMS[media_type]
    stream = Endless(head, line, 1 << 30)
    blob = Blob(Location("/share", "big"), 1 << 30, lambda: stream)  # type: ignore[arg-type,return-value]
    for item in reader_of(media_type).extract(blob, media_type, make_budget()):
        if isinstance(item, Table):
            assert next(item.batches).columns.num_rows > 100
        break
    assert 0 < stream.read_bytes < 48 << 20
