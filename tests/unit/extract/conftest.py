"""What every reader's test needs: a budget with small limits in a private folder, and a blob from bytes."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scanner.extract.budget import FileBudget
from scanner.model import Blob, Limits, Location


@pytest.fixture
def make_budget(tmp_path: Path) -> Callable[..., FileBudget]:
    """`make_budget(ratio=10.0, ...)`: a budget whose other limits are the defaults."""

    def make(**limits: Any) -> FileBudget:
        folder = tmp_path / "private"
        folder.mkdir(mode=0o700, exist_ok=True)
        return FileBudget(Limits(**limits), folder)

    return make


@pytest.fixture
def budget(make_budget: Callable[..., FileBudget]) -> FileBudget:
    return make_budget()


@pytest.fixture
def blob() -> Callable[..., Blob]:
    """`blob(data, "name.zip")`: the file itself, as a source yields it."""

    def make(data: bytes, name: str = "file.bin", **fields: Any) -> Blob:
        return Blob(Location("/share", name), len(data), lambda: io.BytesIO(data), **fields)

    return make
