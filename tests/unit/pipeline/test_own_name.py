"""What a file's own name decides: `run.contents` lets one file take over the facts of another because of what is asserted here."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from scanner.config import KnownContacts, PipelineConfig
from scanner.extract import registry
from scanner.model import DetectSettings, Finished, Limits, Location, ObjectFacts
from scanner.pipeline import Pipeline
from scanner.run.contents import NAMED_AFTER, any_name_will_do
from tests.contract.extractor_samples import BUILDERS
from tests.unit.pipeline.conftest import PlainEngine, Scan


def told(scan: Scan, data: bytes, name: str) -> list[tuple[ObjectFacts, object]]:
    found = [event for event in scan(data, name) if isinstance(event, Finished)]
    return [(replace(one.facts, duration_ms=0), None if one.values is None else one.values.drop_columns(["object_id"])) for one in found]  # type: ignore[union-attr]


@pytest.mark.parametrize("media_type", [pytest.param(one, id=one.rsplit("/", 1)[-1]) for one in BUILDERS])
def test_of_the_name_the_suffix_alone_decides(scan: Scan, media_type: str) -> None:
    name, build = BUILDERS[media_type]
    data, suffix = build(), "".join(Path(name).suffixes)
    first, second = told(scan, data, f"first{suffix}"), told(scan, data, f"another one (2){suffix}")
    assert first[-1][0].media_type == media_type
    if media_type in NAMED_AFTER:
        assert not any_name_will_do(first[-1][0])
    else:
        assert any_name_will_do(first[-1][0])
        assert first == second


def test_every_reader_is_among_them() -> None:
    assert {one for one in BUILDERS if registry.for_media_type(one)} >= NAMED_AFTER


@pytest.mark.parametrize(
    ("name", "found"), [("report.txt", False), ("taro@example.com.txt", True), ("taro@example.com_explode", True), ("explode", True)]
)
def test_what_is_in_a_name(tmp_path: Path, scan: Scan, name: str, found: bool) -> None:
    """A detector that raised says nothing about the name, so that it may hold something."""
    config = PipelineConfig("run-1", Limits(), DetectSettings(), KnownContacts(), tmp_path, b"k" * 32)
    pipeline = Pipeline(config, PlainEngine())  # type: ignore[arg-type]
    assert pipeline.finds_in_name(Location("/share", f"taro@example.com/{name}"), tmp_path) is found
    assert not pipeline.finds_in_name(Location("/share", "plain.txt"), tmp_path), "nothing stays behind"
    (own,) = told(scan, b"nothing", name)
    assert any_name_will_do(own[0]) or found
