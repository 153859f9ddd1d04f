"""A gate with an instant scanner."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.outbound.gated import Gated, install


@pytest.fixture
def gated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gated:
    install(monkeypatch)
    return Gated(tmp_path)
