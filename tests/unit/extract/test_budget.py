"""The purse: output, ratio, members and temporary bytes."""

from __future__ import annotations

import gc
import io
import os
from collections.abc import Callable, Iterator
from typing import BinaryIO, cast

import pytest

from scanner.extract.budget import ChunkStream, FileBudget, open_slice, views
from scanner.model import Reason, Unreadable


def zeros(total: int) -> BinaryIO:
    def chunks() -> Iterator[bytes]:
        left = total
        while left:
            count = min(left, 1 << 20)
            left -= count
            yield bytes(count)

    return cast(BinaryIO, ChunkStream(chunks()))


def test_small_streams_stay_in_memory_and_large_ones_go_to_an_unnamed_file(make_budget: Callable[..., FileBudget]) -> None:
    budget = make_budget(spool_bytes=1000)
    small = budget.spool(io.BytesIO(b"a" * 1000))
    assert budget.temp_bytes == 0
    large = budget.spool(io.BytesIO(b"b" * 5000))
    assert budget.temp_bytes == 5000
    assert os.listdir(budget.temp_dir) == []
    assert small.read() == b"a" * 1000
    assert large.read() == b"b" * 5000
    large.seek(4990)
    assert large.read() == b"b" * 10
    large.close()
    assert budget.temp_bytes == 0
    assert budget.output_bytes == 6000


def test_a_forgotten_spool_is_freed(make_budget: Callable[..., FileBudget]) -> None:
    budget = make_budget(spool_bytes=10)
    stream = budget.spool(io.BytesIO(bytes(100)))
    assert budget.temp_bytes == 100
    del stream
    gc.collect()
    assert budget.temp_bytes == 0


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"ratio_floor": 1 << 20, "ratio": 10.0}, Reason.RATIO),
        ({"output_bytes": 1 << 20}, Reason.TOO_LARGE),
        ({"temp_bytes": 1 << 20, "spool_bytes": 100}, Reason.TOO_LARGE),
    ],
)
def test_limits_stop_a_stream_and_free_what_it_held(
    make_budget: Callable[..., FileBudget], limits: dict[str, float], reason: Reason
) -> None:
    budget = make_budget(**limits)
    with pytest.raises(Unreadable) as caught:
        budget.spool(zeros(100 << 20), packed_size=1000)
    assert caught.value.reason is reason
    assert budget.output_bytes < 4 << 20
    assert budget.temp_bytes == 0


def test_the_ratio_is_not_asked_of_small_output(make_budget: Callable[..., FileBudget]) -> None:
    assert len(make_budget().spool(zeros(1 << 20), packed_size=10).read()) == 1 << 20


def test_members_are_counted(make_budget: Callable[..., FileBudget]) -> None:
    budget = make_budget(members=2)
    budget.enter_member()
    budget.enter_member()
    with pytest.raises(Unreadable) as caught:
        budget.enter_member()
    assert caught.value.reason is Reason.TOO_MANY_MEMBERS


def test_slices_of_one_stream_keep_their_own_places() -> None:
    base = io.BytesIO(b"0123456789")
    one, two = open_slice(base, 2, 5), open_slice(base, 4, 100)
    assert one.read(2) == b"23"
    assert two.read() == b"456789"
    assert one.read() == b"456"
    one.seek(-1, os.SEEK_END)
    assert one.read() == b"6"
    one.close()
    assert not base.closed


def test_views_open_afresh() -> None:
    size, opener = views(io.BytesIO(b"abc"))
    assert size == 3
    assert opener().read() == opener().read() == b"abc"
