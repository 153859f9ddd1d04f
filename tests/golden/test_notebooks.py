"""The worked examples in notebooks/: they run, give what is kept in them, and show no value."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.golden.test_sample_data import PLANTS

FOLDER = Path(__file__).parents[2] / "notebooks"
KEPT = {path.name: path for path in sorted(FOLDER.glob("*.ipynb"))}
VALUES = {value for plant in PLANTS for value in plant["values"] if len(value) > 3}


@pytest.fixture(scope="module")
def tools() -> Any:
    path = list(sys.path)
    yield runpy.run_path(str(FOLDER / "execute.py"))
    sys.path[:] = path


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("notebooks")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(folder / "data"))
        made: Path = runpy.run_path(str(FOLDER / "prepare.py"))["make"](folder)
    return made


@pytest.mark.filterwarnings("ignore")  # Jupyter's own, about its ports and its event loop
@pytest.mark.parametrize("name", KEPT)
def test_it_gives_what_is_kept_in_it(name: str, tools: Any, store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRAYSCAN_NOTEBOOK_STORE", str(store))
    made = tools["texts"](tools["executed"](KEPT[name]))
    assert made == tools["texts"](nbformat.read(KEPT[name], as_version=4))
    assert sum(map(bool, made)) >= 5


@pytest.mark.parametrize("name", KEPT)
def test_no_value_and_no_place_of_a_machine_is_in_it(name: str) -> None:
    text = KEPT[name].read_text(encoding="utf-8")
    assert len(VALUES) > 150
    assert [value for value in VALUES if value in text] == []
    assert not any(f"/{place}/" in text for place in ("tmp", "home", "root", "work"))
