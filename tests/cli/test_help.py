"""Help on every level, and the version."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import scanner
from tests.cli.command import strayscan

COMMANDS = ("init", "scan", "compact", "trace", "report", "policy", "policy check", "policy explain", "rules", "rules list", "rules check")
LEVELS = [[], *(command.split() for command in (*COMMANDS, "stores", "stores refresh", "stores list"))]
HEAVY = ("pyarrow", "pandas", "presidio_analyzer", "spacy", "duckdb", "hyperscan", "sudachipy", "rich", "yaml", "lxml", "numpy")


@pytest.mark.parametrize("level", LEVELS, ids=" ".join)
def test_help(level: list[str]) -> None:
    done = strayscan(*level, "--help")
    assert done.returncode == 0
    assert done.stderr == ""
    assert f"Usage: strayscan {' '.join(level)}".rstrip() in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 100


def test_help_names_every_command() -> None:
    text = strayscan("--help").stdout
    for name in ("init", "scan", "compact", "stores", "trace", "policy", "rules", "Exit status"):
        assert name in text


def test_version() -> None:
    assert strayscan("--version").stdout == f"strayscan {scanner.__version__}\n"


@pytest.mark.parametrize("level", [[], ["policy"], ["rules"]], ids=" ".join)
def test_no_command_is_wrong_usage_with_help(level: list[str]) -> None:
    done = strayscan(*level)
    assert done.returncode == 2
    assert "Usage: strayscan" in done.stderr


@pytest.mark.parametrize("level", LEVELS, ids=" ".join)
def test_help_imports_nothing_heavy(level: list[str]) -> None:
    code = f"import sys; from scanner.cli._door import run; run({[*level, '--help']!r}); print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True)
    assert ast.literal_eval(done.stdout.splitlines()[-1]) == []
