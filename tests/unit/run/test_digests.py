"""Which reader depends on which source: a change of one must not pass for a change of none, nor of all."""

from __future__ import annotations

import ast
import shutil
import sys
from pathlib import Path

import pytest

import scanner
from scanner.extract import registry
from scanner.policy import Policy
from scanner.run import digests
from scanner.run.digests import LIBRARIES, Digests, closure, imported

HOME = Path(scanner.__file__).parent
SOURCES = {path.stem: path.read_text(encoding="utf-8") for path in (HOME / "extract").glob("*.py")}


IMPORTS = {name: imported(text, SOURCES) for name, text in SOURCES.items()}


def by_syntax(text: str) -> tuple[set[str], set[str]]:
    """(modules of scanner.extract, first names of all modules) that a source imports, by Python's own parser."""
    ours, theirs = set(), set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            theirs.add(node.module.split(".")[0])
            if node.module == "scanner.extract":
                ours |= {alias.name for alias in node.names}
            elif node.module.startswith("scanner.extract."):
                ours.add(node.module.split(".")[2])
        elif isinstance(node, ast.Import):
            theirs |= {alias.name.split(".")[0] for alias in node.names}
            ours |= {alias.name.split(".")[2] for alias in node.names if alias.name.startswith("scanner.extract.")}
    return ours & SOURCES.keys(), theirs


@pytest.mark.parametrize("name", sorted(SOURCES))
def test_imports_are_seen(name: str) -> None:
    ours, theirs = by_syntax(SOURCES[name])
    assert imported(SOURCES[name], SOURCES) == ours
    assert {found[1] for found in digests._THEIRS.finditer(SOURCES[name])} >= theirs & LIBRARIES.keys()


def test_no_library_is_left_out() -> None:
    packages = [HOME / name for name in ("extract", *digests.PACKAGES)]
    used = {name for folder in packages for path in folder.glob("*.py") for name in by_syntax(path.read_text(encoding="utf-8"))[1]}
    assert used - set(sys.stdlib_module_names) - {"scanner", "detectors", "_typeshed"} <= LIBRARIES.keys() | {"numpy", "pandas", "blake3"}


def test_imports_in_all_their_forms() -> None:
    known = ("pdf", "html", "text", "mime")
    text = "from scanner.extract import (\n    pdf,\n    html as page,\n)\n"
    text += "    from scanner.extract.text import x\nimport scanner.extract.mime\n"
    assert imported(text, known) == {"pdf", "html", "text", "mime"}
    assert closure({"a": {"b"}, "b": {"a", "c"}, "c": set(), "d": {"a"}}, {"a"}) == {"a", "b", "c"}


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for package in ("extract", *digests.PACKAGES):
        shutil.copytree(HOME / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr("scanner.run.digests.scanner.__file__", str(tmp_path / "__init__.py"))
    return tmp_path


def changed(before: Digests, after: Digests) -> set[str]:
    return {media_type for media_type, digest in before.by_type.items() if after.by_type[media_type] != digest}


def test_a_change_of_one_reader_is_that_readers(copied: Path) -> None:
    before = Digests.of(Policy())
    readers = {media_type: type(reader).__module__ for reader in registry.all_extractors() for media_type in reader.media_types}
    assert before.by_type.keys() == readers.keys()
    for module, wanted in (("pdf", {"pdf"}), ("zip_archive", {"zip_archive"}), ("ooxml_package", None), ("markup", None)):
        with (copied / "extract" / f"{module}.py").open("a") as source:
            source.write("# changed\n")
        after = Digests.of(Policy())
        of_modules = {readers[one].rpartition(".")[2] for one in changed(before, after)}
        expected = wanted or {name for name in {one.rpartition(".")[2] for one in readers.values()} if module in closure(IMPORTS, {name})}
        assert of_modules == expected
        assert 0 < len(of_modules) < 12
        assert after.common == before.common
        assert after.engine != before.engine
        before = after


@pytest.mark.parametrize("file", ["extract/sniff.py", "extract/charset.py", "pipeline/walk.py", "tally/atoms.py", "redact/key.py"])
def test_what_all_share_is_everybodys(copied: Path, file: str) -> None:
    before = Digests.of(Policy())
    with (copied / file).open("a") as source:
        source.write("# changed\n")
    after = Digests.of(Policy())
    assert after.common != before.common
    assert changed(before, after) == set()


def test_a_new_version_of_a_library(monkeypatch: pytest.MonkeyPatch) -> None:
    from detectors import engine

    before = Digests.of(Policy())
    real = engine.library_version
    monkeypatch.setattr(engine, "library_version", lambda library: "0" if library == "pypdfium2" else real(library))
    after = Digests.of(Policy())
    assert changed(before, after) == {"application/pdf"}
    assert (after.common, after.readers == before.readers) == (before.common, False)
