"""Code blocks of a Markdown page, and running them as a reader would: in order, in one folder, with the real command."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.cli.command import COMMAND

ROOT = Path(__file__).parents[2]
_FENCE = re.compile(r"^([ ]*)```(\w*)\n(.*?)^[ ]*```[ ]*$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """One fenced block of a page: its language, its text without indentation, and the line it begins on."""

    page: str
    line: int
    language: str
    text: str

    @property
    def name(self) -> str:
        return f"{self.page}:{self.line}"


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    name = page.relative_to(ROOT).as_posix()
    return [
        Block(name, text.count("\n", 0, found.start()) + 1, found[2], textwrap.dedent(found[3]) if found[1] else found[3])
        for found in _FENCE.finditer(text)
    ]


def run_page(page: Path, folder: Path) -> Iterator[tuple[Block, str]]:
    """Runs the `sh` and `python` blocks of a page in the folder; yields each `text` block with what was printed since the one before."""
    printed = ""
    for block in blocks(page):
        if block.language in ("sh", "python"):
            printed += run(block, folder)
        elif block.language == "text":
            yield block, printed
            printed = ""


def run(block: Block, folder: Path) -> str:
    """Standard output and error of one block; a block that fails fails the test."""
    shell = ["bash", "-eu", "-c", f"umask 022\n{block.text}"]
    done = subprocess.run(
        shell if block.language == "sh" else [sys.executable, "-c", block.text],
        cwd=folder,
        env=environment(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, f"{block.name} ended with {done.returncode}:\n{done.stdout}"
    return done.stdout


def environment(folder: Path) -> dict[str, str]:
    """As the tests of the command have it, with `strayscan` and `python` on the path that are the ones under test."""
    binaries = folder / ".bin"
    if not binaries.exists():
        binaries.mkdir()
        _script(binaries / "strayscan", COMMAND)
        _script(binaries / "python", [sys.executable])
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG", "STRAYSCAN_"))}
    return kept | {
        "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}",
        "LC_ALL": "C.UTF-8",
        "PYTHONPATH": str(ROOT),
        "XDG_CONFIG_HOME": str(folder / ".config"),
        "XDG_DATA_HOME": str(folder / ".data"),
        "COLUMNS": "200",
    }


def _script(path: Path, command: list[str]) -> None:
    words = " ".join(f"'{word}'" for word in command)
    path.write_text(f'#!/bin/sh\nexec {words} "$@"\n', encoding="utf-8")
    path.chmod(0o755)
