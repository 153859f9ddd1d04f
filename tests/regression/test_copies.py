"""The constructed share of benchmarks/copies.py, small: in every disguise copies are found, and nothing else is taken for one."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def test_copies_are_found_in_every_disguise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    benchmark = importlib.import_module("copies")
    try:
        expected = benchmark.build(tmp_path, (1, 10, 60), 400, 20)
        scores, told = benchmark.scored(tmp_path, expected)
    finally:
        for name in ("copies", "copies_material", "material"):
            sys.modules.pop(name, None)
    assert len(scores) > 30
    short = {name: (score.recall, score.precision) for name, score in scores.items() if score.recall < 0.99 or score.precision < 0.999}
    assert not short
    assert sum(score.copied for score in scores.values()) > 1_500
    assert told["stores"] == {"members": 400, "clients": 200, "contracts": 0}
