"""The constructed persons of benchmarks/find.py, few of them: found in every writing form, and no decoy taken for them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

BENCHMARK = Path(__file__).resolve().parents[2] / "benchmarks" / "find.py"


def test_persons_are_found_in_every_form_and_no_decoy_is() -> None:
    """The names of the half that may be looked at; docs/reference/accuracy.md has the figures of the other."""
    done = subprocess.run(
        [sys.executable, str(BENCHMARK), "--persons", "8", "--half", "development", "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
