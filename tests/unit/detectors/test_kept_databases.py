"""Databases kept between runs: the same answers, and nothing trusted that somebody else could have written."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from detectors import kept_databases
from detectors.screen import Screen

PATTERNS = (("ab+",), ("c[0-9]{2}",), (r"電話",))
TEXT = "abb 電話 c12".encode()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "strayscan" / "screens"


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """An entry for every database that was compiled, not read."""
    made: list[int] = []
    original = kept_databases.kept_or_made

    def counted(expressions: list[bytes], flags: list[int], make: Callable[[], object]) -> object:
        def noted() -> object:
            made.append(len(expressions))
            return make()

        return original(expressions, flags, noted)

    monkeypatch.setattr("detectors.screen.kept_or_made", counted)
    return made


def kept(folder: Path) -> Path:
    (only,) = folder.iterdir()
    return only


def test_what_is_read_back_answers_the_same(folder: Path, compiled: list[int]) -> None:
    first = Screen(PATTERNS, located=[True] * 3).ends(TEXT)
    assert first == {0: [2, 3], 1: [14], 2: [10]}
    assert Screen(PATTERNS, located=[True] * 3).ends(TEXT) == first
    assert compiled == [3]
    assert kept(folder).stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700


def test_other_patterns_or_flags_are_another_database(folder: Path, compiled: list[int]) -> None:
    Screen(PATTERNS)
    Screen(PATTERNS, located=[True] * 3)
    Screen(PATTERNS[:2])
    Screen(PATTERNS[1::-1])
    assert compiled == [3, 3, 2, 2]
    assert len(list(folder.iterdir())) == 4


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:100])


def _change(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _link(path: Path) -> None:
    real = path.parent.parent / "elsewhere"
    path.rename(real)
    path.symlink_to(real)


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path, 0o600)


@pytest.mark.parametrize("spoil", [_cut, _change, _empty, _link, _pipe], ids=lambda item: item.__name__)
def test_a_spoilt_file_is_passed_over_and_written_anew(folder: Path, compiled: list[int], spoil: Callable[[Path], None]) -> None:
    first = Screen(PATTERNS).ends(TEXT)
    spoil(kept(folder))
    assert Screen(PATTERNS).ends(TEXT) == first
    assert Screen(PATTERNS).ends(TEXT) == first
    assert compiled == [3, 3]
    assert kept(folder).is_file() and not kept(folder).is_symlink()


def test_nothing_is_read_that_others_could_have_written(folder: Path, compiled: list[int]) -> None:
    Screen(PATTERNS)
    kept(folder).chmod(0o620)
    Screen(PATTERNS)
    assert compiled == [3, 3]
    kept(folder).chmod(0o600)
    folder.chmod(0o777)
    Screen(PATTERNS)
    assert compiled == [3, 3, 3]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
@pytest.mark.parametrize("of", ["file", "folder"])
def test_nothing_is_read_of_another_owner(folder: Path, compiled: list[int], of: str) -> None:
    Screen(PATTERNS)
    os.chown(kept(folder) if of == "file" else folder, 12345, 12345)
    Screen(PATTERNS)
    assert compiled == [3, 3]


def test_a_cache_that_cannot_be_written_costs_time_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compiled: list[int]) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert Screen(PATTERNS).ends(TEXT) == Screen(PATTERNS).ends(TEXT)
    assert compiled == [3, 3]


def test_the_least_used_go(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_databases, "_MOST_FILES", 3)
    for number in range(3):
        Screen([(f"a{number}",)])
        for age, path in enumerate(sorted(folder.iterdir(), key=lambda item: item.stat().st_mtime)):
            os.utime(path, (1_000 + age, 1_000 + age))
    oldest = min(folder.iterdir(), key=lambda item: item.stat().st_mtime)
    Screen([("a0",)])  # used again
    Screen([("b",)])
    left = set(folder.iterdir())
    assert len(left) == 3
    assert oldest in left
