"""Private temporary folders: 0700, locked while alive, swept up once dead."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from scanner.run.workspace import make_workspace, sweep_workspaces


def test_private(tmp_path: Path) -> None:
    folder, lock = make_workspace(tmp_path)
    assert folder.stat().st_mode & 0o777 == 0o700
    os.close(lock)


def test_only_the_dead_are_swept_up(tmp_path: Path) -> None:
    alive, alive_lock = make_workspace(tmp_path)
    dead, dead_lock = make_workspace(tmp_path)
    (dead / "1").mkdir()
    (dead / "1" / "left").write_text("x")
    os.close(dead_lock)  # as the kernel does at the end of a process
    young = tmp_path / "strayscan-work-young"  # made, not yet locked
    young.mkdir()
    other = tmp_path / "other"
    other.mkdir()
    link = tmp_path / "strayscan-work-link"
    link.symlink_to(other)
    (other / "lock").write_text("")
    sweep_workspaces(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {alive.name, young.name, "other", link.name}
    assert (other / "lock").exists()
    os.close(alive_lock)


def test_no_place_for_temporary_files(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        make_workspace(tmp_path / "none")
