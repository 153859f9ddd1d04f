"""`strayscan report` as typed: the file, what is said, the status."""

from __future__ import annotations

from pathlib import Path

import pytest

from scanner.findings import runs
from tests.cli.command import one_sentence, strayscan
from tests.unit.render.report.stores import company, publish


@pytest.fixture
def store(tmp_path: Path) -> Path:
    company(tmp_path / "store")
    return tmp_path / "store"


def test_a_page(store: Path, tmp_path: Path) -> None:
    done = strayscan("report", store, "--html", tmp_path / "r.html", "--lang", "ja")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith(f"作成: {tmp_path / 'r.html'}")
    assert "金曜日" in (tmp_path / "r.html").read_text(encoding="utf-8")


def test_departments(store: Path, tmp_path: Path) -> None:
    done = strayscan("report", store, "--html", tmp_path / "pages", "--all-departments")
    assert (done.returncode, done.stderr) == (0, f"Written: 3 pages and {tmp_path / 'pages' / 'index.html'}\n")
    sentence = one_sentence(strayscan("report", store, "--html", tmp_path / "r.html", "--department", "Sales\x1b[31m"))
    assert "no department is named Sales\\x1b[31m" in sentence
    assert "give one of them" in one_sentence(strayscan("report", store, "--html", "x", "--department", "a", "--all-departments"))


def test_problems_are_said_and_end_in_3(store: Path, tmp_path: Path) -> None:
    dead = publish(store, roots=["/other"])
    runs.manifest_path(store, dead).write_text("{")
    done = strayscan("report", store, "--html", tmp_path / "r.html")
    assert done.returncode == 3
    assert f"strayscan: runs/{dead}.json cannot be read: the run is left out" in done.stderr
    assert (tmp_path / "r.html").is_file()


def test_a_missing_folder_and_a_missing_option_end_in_2(tmp_path: Path) -> None:
    assert "not a folder" in one_sentence(strayscan("report", tmp_path / "nowhere", "--html", tmp_path / "r.html"))
    assert "--html" in one_sentence(strayscan("report", tmp_path))
