"""Runs the real command; STRAYSCAN_COMMAND points the tests at an installed one."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

COMMAND = shlex.split(os.environ.get("STRAYSCAN_COMMAND", "")) or [sys.executable, "-m", "scanner"]


def strayscan(*args: str | Path, cwd: Path | None = None, lang: str = "C.UTF-8") -> subprocess.CompletedProcess[str]:
    """The finished process, with standard output and error as text."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG", "STRAYSCAN_"))}
    environ = kept | {"LC_ALL": lang, "PYTHONPATH": str(Path(__file__).parents[2]), "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(
        [*COMMAND, *map(str, args)],
        cwd=cwd,
        env=environ,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def one_sentence(done: subprocess.CompletedProcess[str]) -> str:
    """The one line on standard error of a command that refused; nothing on standard output, no traceback."""
    assert done.returncode == 2, done
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("strayscan: ")
    return line
