"""Who can get at a store: what is said, and what is not."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scanner.findings import privacy


@pytest.fixture
def reached() -> Iterator[Path]:
    """A folder that others can come to; those of pytest are closed."""
    folder = Path(tempfile.mkdtemp(prefix="privacy-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def store(at: Path, mode: int) -> Path:
    for name in ("runs", "cases"):
        (at / name).mkdir(parents=True)
    (at / "cases").chmod(0o700)
    at.chmod(mode)
    return at


@pytest.mark.parametrize(("mode", "said"), [(0o700, False), (0o750, True), (0o705, True), (0o711, True), (0o770, True)])
def test_modes(reached: Path, mode: int, said: bool) -> None:
    found = list(privacy.exposed_in(store(reached / "out", mode)))
    assert [one.mode for one in found] == ([mode] if said else [])
    assert all("run chmod 700" in str(one) and f"{mode:04o}" in str(one) for one in found)


@pytest.mark.parametrize(
    ("above", "mode", "said"), [(0o700, 0o777, False), (0o710, 0o750, True), (0o710, 0o705, False), (0o701, 0o705, True)]
)
def test_a_closed_folder_above_closes_it(reached: Path, above: int, mode: int, said: bool) -> None:
    out = store(reached / "home" / "out", mode)
    (reached / "home").chmod(above)
    assert bool(privacy.exposed(out)) == said


def test_cases_in_an_open_store(reached: Path) -> None:
    out = store(reached / "out", 0o755)
    (out / "cases").chmod(0o755)
    assert [one.path for one in privacy.exposed_in(out)] == [out, out / "cases"]
    out.chmod(0o700)
    assert list(privacy.exposed_in(out)) == []


def test_a_link_is_followed(reached: Path) -> None:
    store(reached / "out", 0o755)
    (reached / "link").symlink_to(reached / "out")
    assert privacy.exposed(reached / "link") is not None


def test_what_is_no_store_or_not_there(reached: Path) -> None:
    (reached / "folder").mkdir(mode=0o755)
    assert list(privacy.exposed_in(reached / "folder")) == []
    assert list(privacy.exposed_in(reached / "nothing")) == []
    (reached / "folder" / ".gate").mkdir()
    assert len(list(privacy.exposed_in(reached / "folder"))) == 1


def test_of_another_account(reached: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = store(reached / "out", 0o700)
    mine: Any = out.stat().st_uid
    monkeypatch.setattr(os, "geteuid", lambda: mine + 1)
    if mine == 0:
        os.chown(out, 12345, -1)
        mine = 12345
    (told,) = privacy.exposed_in(out)
    assert f"another account (uid {mine})" in str(told)
