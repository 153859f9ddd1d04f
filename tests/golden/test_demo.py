"""The demonstration ends well, tells why its scan ends with 3, and what it proposes to type works."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "sample_data" / "demo.py"


def test_the_demo_and_its_next_steps(tmp_path: Path) -> None:
    env = {**os.environ, "LC_ALL": "C.UTF-8", "PYTHONIOENCODING": "utf-8", "STRAYSCAN_KEY": "a key for tests"}
    out = tmp_path / "out"
    done = subprocess.run(
        [sys.executable, str(DEMO), str(out)], cwd=ROOT, env=env, capture_output=True, encoding="utf-8", timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ended with status 3" in done.stdout
    steps = re.findall(r"^    (\S*bin/(?:python[0-9.]*|strayscan) .+)$", done.stdout, re.MULTILINE)
    assert "holds 12 of the 28 records of the store customer-master (owner: Sales Planning Dept.)" in done.stdout
    assert len(steps) == 5
    for step, word in zip(steps[:4], ("entity_type", "hits", "customer-master: 12 of its 28 records", "hr-old"), strict=True):
        shown = subprocess.run(step, shell=True, cwd=ROOT, env=env, capture_output=True, encoding="utf-8", timeout=60, check=False)
        assert shown.returncode == (1 if " trace " in step else 0), shown.stderr
        assert word in shown.stdout


@pytest.mark.parametrize("argument", ["out", ""])
def test_a_scan_that_cannot_start_fails_the_demo(argument: str, tmp_path: Path) -> None:
    """The folder for the findings is a file, or lies in one."""
    (tmp_path / "file").write_text("x")
    done = subprocess.run(
        [sys.executable, str(DEMO), str(tmp_path / "file" / argument)], capture_output=True, encoding="utf-8", timeout=60, check=False
    )
    assert done.returncode == 1
    assert "should end with 3" in done.stdout
