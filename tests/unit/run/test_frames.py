"""Frames carry orders and events unchanged, and nothing but frames gets through."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.model import Begun, DetectSettings, Dictionary, Finished, FoundFact, Location, ObjectFacts, Progress, Reason, Snapshot, Status
from scanner.run import frames
from scanner.run.frames import Decoder, Frame, GarbageFrame, Order, WorkerConfig, encode, event_frame, event_of, order_frame, order_of
from scanner.sources.filesystem import OpenSpec
from tests.unit.run.share import config

FOUND = FoundFact("PHONE_NUMBER", "jp.phone", "rules", 0.85, "Sheet1", "電話", 3, 2, 4, None, ("0**-****-**00",), 1)
FACTS = ObjectFacts(("a.zip", "b\udc93!.csv"), "text/csv", "cp932", 1, 2, 3, 4, "ab", Status.PARTIAL, Reason.TRUNCATED, 2, 7, (FOUND,), 1.5)


def through(frame: Frame, piece: int = 7) -> Frame:
    decoder, data = Decoder(), encode(frame)
    found = [one for at in range(0, len(data), piece) for one in decoder.feed(data[at : at + piece])]
    (only,) = found
    return only


@pytest.mark.parametrize("event", [Begun(("a", "b")), Progress(12), Snapshot(FACTS), Finished(FACTS)])
def test_events_come_back(event: object, tmp_path: Path) -> None:
    assert event_of(through(event_frame(event)), tmp_path) == event  # type: ignore[arg-type]


def test_values_travel_as_arrow(tmp_path: Path) -> None:
    batch = pa.record_batch({"fingerprint": pa.array([1, 2**63], pa.uint64()), "rows": pa.array([[1], [2, 3]], pa.list_(pa.int32()))})
    back = event_of(through(event_frame(Finished(FACTS, batch)), 1000), tmp_path)
    assert isinstance(back, Finished)
    assert isinstance(back.values, pa.RecordBatch)
    assert back.values.equals(batch)


def test_staged_values_travel_as_a_name_within_the_staging_folder(tmp_path: Path) -> None:
    back = event_of(through(event_frame(Finished(FACTS, tmp_path / "v1.parquet"))), tmp_path)
    assert isinstance(back, Finished)
    assert back.values == tmp_path / "v1.parquet"


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "/etc/x", "a\0b", 7, None])
def test_a_staged_name_cannot_leave_the_folder(tmp_path: Path, name: object) -> None:
    good = event_frame(Finished(FACTS))
    with pytest.raises(GarbageFrame):
        event_of(Frame("finished", {**good.body, "staged": name}), tmp_path)


def test_numbers_of_numpy_become_plain(tmp_path: Path) -> None:
    back = event_of(through(event_frame(Progress(np.int64(5)))), tmp_path)  # type: ignore[arg-type]
    assert back == Progress(5)


def test_orders_come_back() -> None:
    spec = OpenSpec(b"/sh\xffare", b"d/\x93.csv", 1, 2, 3, 10**18)
    order = Order(Location("/sh\\xffare", "d/\\x93.csv"), spec, frozenset({("a", "b"), ("c",)}), True)
    assert order_of(through(order_frame(order))) == order


def test_the_configuration_comes_back(tmp_path: Path) -> None:
    made = config(tmp_path, nice=5, limits={"seconds": 3.0})
    assert WorkerConfig.from_json(through(Frame("config", made.to_json()), 1000).body) == made
    own = DetectSettings(dictionaries=(Dictionary("PROJECT_NAME", ("Blue Heron",), 0.8),))
    wider = dataclasses.replace(made, pipeline=dataclasses.replace(made.pipeline, detect=own))
    assert WorkerConfig.from_json(through(Frame("config", wider.to_json()), 1000).body) == wider


def test_the_key_is_not_shown(tmp_path: Path) -> None:
    assert "key of the test" not in repr(config(tmp_path))


# --------------------------------------------------------------------------- garbage


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=40), max_size=5), st.booleans())
def test_random_bytes_are_garbage_and_nothing_worse(pieces: list[bytes], after_magic: bool) -> None:
    decoder = Decoder()
    try:
        for piece in ([b"SSF1"] if after_magic else []) + pieces:
            for frame in decoder.feed(piece):
                event_of(frame, Path("/staging"))
    except GarbageFrame:
        pass


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=80, deadline=None)
@given(
    st.sampled_from(["finished", "snapshot", "begun", "progress", "other"]),
    st.sampled_from(["facts", "member", "bytes_read", "staged"]),
    JSON,
)
def test_wrong_shapes_are_garbage_and_nothing_worse(kind: str, key: str, value: object) -> None:
    good = {**event_frame(Finished(FACTS)).body, "member": ["a"], "bytes_read": 1}
    with contextlib.suppress(GarbageFrame):
        event_of(through(Frame(kind, {**good, key: value}), 4096), Path("/staging"))


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(event_frame(Finished(FACTS)).body["facts"])), JSON)
def test_facts_of_a_wrong_type_do_not_reach_the_store(name: str, value: object) -> None:
    good = event_frame(Finished(FACTS)).body["facts"]
    try:
        event = event_of(Frame("finished", {"facts": {**json.loads(json.dumps(good)), name: value}}), Path("/staging"))
    except GarbageFrame:
        return
    assert isinstance(event, Finished)
    for item in dataclasses.fields(ObjectFacts):
        told, known = getattr(event.facts, item.name), getattr(FACTS, item.name)
        assert told is None or isinstance(told, type(known)), item.name
        assert type(told) is not bool


@pytest.mark.parametrize(
    ("name", "value"), [("count", "3"), ("score", None), ("entity_type", 5), ("samples", "abc"), ("first_row", 1.5), ("more", 1)]
)
def test_finds_of_a_wrong_type_do_not_reach_the_store(name: str, value: object) -> None:
    body = json.loads(json.dumps(event_frame(Finished(FACTS)).body))
    body["facts"]["found"][0][name] = value
    with pytest.raises(GarbageFrame):
        event_of(Frame("finished", body), Path("/staging"))


@pytest.mark.parametrize("data", [b"not arrow", b"\xff" * 64, b"ARROW1\0\0"])
def test_broken_arrow_is_garbage(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(GarbageFrame):
        event_of(Frame("finished", event_frame(Finished(FACTS)).body, data), tmp_path)


def test_a_frame_that_claims_to_be_enormous_is_refused_before_it_is_gathered() -> None:
    with pytest.raises(GarbageFrame):
        list(Decoder().feed(b"SSF1" + b"\xff" * 8))


def test_a_frame_too_large_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "MAX_DATA", 10)
    with pytest.raises(ValueError, match="too large"):
        encode(Frame("finished", {}, b"x" * 11))


def test_json_nested_too_deep_is_garbage() -> None:
    body = b"[" * 100_000
    with pytest.raises(GarbageFrame):
        list(Decoder().feed(frames._HEADER.pack(b"SSF1", len(body), 0) + body))
