"""Standard output that is closed or full is no reason for a traceback."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest

from tests.cli.command import COMMAND


def shell(redirection: str, *args: str) -> subprocess.CompletedProcess[str]:
    line = f"{shlex.join([*COMMAND, *args])} {redirection}"
    return subprocess.run(["/bin/sh", "-c", line], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("redirection", [">&-", "2>&-", ">&- 2>&-", "<&-"])
def test_closed_streams(redirection: str) -> None:
    done = shell(redirection, "--version")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_full_output() -> None:
    done = shell(">/dev/full", "rules", "list")
    assert done.returncode == 3
    assert done.stderr.startswith("strayscan: cannot write to standard output: ")
    assert len(done.stderr.splitlines()) == 1
