"""The gate and the approver's desk, killed or refused at every step that changes something: nothing is lost, nothing doubled."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.crash.gate_child import FLOWS

pytestmark = pytest.mark.timeout(900)  # all lives are lived by the first test; seconds, where nothing else runs

MEMORY = Path("/dev/shm")


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, list[dict[str, Any]]]]:
    """What the lives of each flow told. In memory where there is a place for that, since every life syncs many times."""
    other = tmp_path_factory.mktemp("other")
    base = Path(tempfile.mkdtemp(prefix="strayscan-", dir=MEMORY if os.access(MEMORY, os.W_OK) else None))
    flows = [name for name in FLOWS if not name.endswith("-across") or os.stat(base).st_dev != os.stat(other).st_dev]
    environ = {**os.environ, "XDG_CONFIG_HOME": str(other / "config"), "PYTHONPATH": str(Path(__file__).parents[2])}
    try:
        done = subprocess.run(
            [sys.executable, "-m", "tests.crash.gate_child", base, other, *flows], env=environ, capture_output=True, text=True, check=False
        )
        left = sorted(path.name for path in base.iterdir())
    finally:
        shutil.rmtree(base)
    assert done.returncode == 0, (done.stderr[-2_000:], left)
    assert done.stderr == ""
    by_flow: dict[str, list[dict[str, Any]]] = {}
    for line in done.stdout.splitlines():
        one = json.loads(line)
        by_flow.setdefault(one["flow"], []).append(one)
    yield by_flow


@pytest.mark.parametrize("name", FLOWS)
def test_death_or_refusal_at_every_step(told: dict[str, list[dict[str, Any]]], name: str) -> None:
    if name.endswith("-across") and name not in told:
        pytest.skip("there is one file system here only")
    first, *lives = told[name]
    steps, every = first["steps"], FLOWS[name].every
    assert steps >= (10 if FLOWS[name].order else 40), "the flow has lost its steps"
    assert {one["number"] for one in lives} == set(range(1, steps + 1, every))
    if not FLOWS[name].refused:  # threads differ by a step or two
        assert sum(bool(one["step"][0]) for one in lives) >= len(lives) - 3, "few lives were ended"
    assert [one for one in lives if one["faults"]] == []


def test_the_steps_are_what_they_were_thought_to_be(told: dict[str, list[dict[str, Any]]]) -> None:
    """Moves that no longer go through `Disk` would die nowhere."""
    met = {name: set(lives[0]["met"]) for name, lives in told.items()}
    assert {"before create", "before link", "before renameat2", "before unlink", "before rename", "after commit"} <= met["watch"]
    assert {"before link", "before unlink", "before rename", "before rmdir", "after commit"} <= met["approve"]
    assert {"before create", "before renameat2", "before unlink", "before rmdir"} <= met["return"]
    assert {"before write", "before unlink", "before rmdir"} <= met["destroy"]
