"""The documentation keeps its promises: blocks run, generated pages are current, links lead somewhere, tables name every column."""

from __future__ import annotations

import datetime
import importlib.util
import re
import shutil
import subprocess
import urllib.parse
from collections.abc import Iterator
from functools import cache
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from scanner.extract import registry
from scanner.extract.budget import FileBudget
from scanner.findings.schema import DECIDED, TABLES
from scanner.model import Blob, Extractor, Limits, Location, Reason, Status, Text
from scanner.obligations.binder.schema import SECTIONS
from tests.docs.blocks import ROOT, Block, blocks, run, run_page

DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
TUTORIAL = DOCS / "tutorial" / "first-scan.md"
EXPORTING = DOCS / "how-to" / "export-findings.md"
READING = DOCS / "how-to" / "read-the-findings.md"
NOTEBOOK = DOCS / "how-to" / "work-in-a-notebook.md"
AUDITOR = DOCS / "how-to" / "auditors-visit.md"
TRIAGE = DOCS / "how-to" / "triage-findings.md"
DETECTOR = DOCS / "how-to" / "add-a-detector.md"
REFERENCE = DOCS / "reference"


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[tuple[Block, str]]]:
    """The folder in which the tutorial was followed to its end, and what each of its steps printed."""
    folder = tmp_path_factory.mktemp("tutorial")
    return folder, list(run_page(TUTORIAL, folder))


# --------------------------------------------------------------------------- what can run does run


def test_the_tutorial_prints_what_it_says(finished: tuple[Path, list[tuple[Block, str]]]) -> None:
    _, steps = finished
    assert len(steps) >= 5
    for block, printed in steps:
        got = {line.rstrip() for line in printed.splitlines()}
        missing = [line for line in block.text.splitlines() if line.strip() and line.rstrip() not in got]
        assert not missing, f"{block.name}: not printed: {missing}\nprinted:\n{printed}"


def test_the_tutorial_shows_no_value_of_the_share(finished: tuple[Path, list[tuple[Block, str]]]) -> None:
    for block, printed in finished[1]:
        for value in ("Yamada", "Suzuki", "山田", "090-0000-1234", "03-0000-0001", "hanako.yamada"):
            assert value not in printed, block.name


def test_the_examples_of_reading_the_findings_run(finished: tuple[Path, list[tuple[Block, str]]]) -> None:
    """In one process: each block is a program of its own, and they share nothing but the folder."""
    folder, _ = finished
    python = [block for block in blocks(READING) if block.language == "python"]
    assert len(python) >= 4
    code = "\n".join(f"exec(compile({block.text!r}, {block.name!r}, 'exec'), {{}})" for block in python)
    printed = run(Block(python[0].page, python[0].line, "python", code), folder)
    assert "sales/old/list.bak" in printed
    assert "image_only" in printed


def test_the_examples_for_a_notebook_run(finished: tuple[Path, list[tuple[Block, str]]]) -> None:
    folder, _ = finished
    python = [block for block in blocks(NOTEBOOK) if block.language == "python"]
    assert len(python) == 2
    printed = "".join(run(block, folder) for block in python)
    assert "sales/old/list.bak" in printed and "image_only" in printed
    assert "<svg" in (folder / "by-department.svg").read_text(encoding="utf-8")


def test_the_examples_of_exporting_run(finished: tuple[Path, list[tuple[Block, str]]]) -> None:
    folder, _ = finished
    shell = [block for block in blocks(EXPORTING) if block.language == "sh"]
    (python,) = [block for block in blocks(EXPORTING) if block.language == "python"]
    run(Block(shell[0].page, shell[0].line, "sh", "".join(block.text for block in shell)), folder)
    assert "sales/old/list.bak" in (folder / "findings.csv").read_text(encoding="utf-8")
    assert "sales/old/list.bak" not in (folder / "masked.jsonl").read_text(encoding="utf-8")
    assert list((folder / "lake").rglob("*.parquet"))
    assert run(python, folder).split()[-1] == "True"


def test_the_examples_of_triage_run(finished: tuple[Path, list[tuple[Block, str]]], tmp_path: Path) -> None:
    """In the order of the page, on a copy of the store. `triage` ends with its own status, so no block may end in an error of usage."""
    shutil.copytree(finished[0] / "findings", tmp_path / "findings")
    steps = [block for block in blocks(TRIAGE) if block.language in ("sh", "python")]
    assert len(steps) >= 7
    printed = run(Block(steps[0].page, steps[0].line, "sh", f"{steps[0].text.rstrip()} || test $? -ne 2"), tmp_path)
    assert "stray findings are open" in printed
    printed = "".join(run(block, tmp_path) for block in steps[1:])
    assert "findings would be ignored" in printed
    assert "state of our first scan" in printed


def test_the_examples_of_an_auditor_s_visit_run(finished: tuple[Path, list[tuple[Block, str]]], tmp_path: Path) -> None:
    """Over a period that ends today; the tutorial's share has an object that nobody can read, so the binder says so with status 3."""
    shutil.copytree(finished[0] / "findings", tmp_path / "findings")
    shutil.copy(finished[0] / "policy.yaml", tmp_path)
    made, verified = [block for block in blocks(AUDITOR) if block.language == "sh"]
    today = f"--to {datetime.datetime.now(datetime.timezone(datetime.timedelta(hours=9))).date().isoformat()}"
    command = made.text.replace("--to 2026-11-28", today).rstrip()
    assert today in command
    printed = run(Block(made.page, made.line, "sh", f"{command} || test $? -eq 3"), tmp_path)
    printed += run(verified, tmp_path)
    assert printed.count("BLAKE3") == 2


@pytest.mark.parametrize("name", ["README.md", "README.ja.md"])
def test_the_readme_shows_findings_as_it_says(finished: tuple[Path, list[tuple[Block, str]]], name: str) -> None:
    code = [block for block in blocks(ROOT / name) if block.language != "text"]
    shown = [block for block in code if "findings" in block.text and "verdict" in block.text]
    assert [block.language for block in shown] == ["python", "sh"]
    for block in shown:
        assert "sales/old/list.bak" in run(block, finished[0])


def test_the_example_reader_reads(tmp_path: Path) -> None:
    (block,) = [block for block in blocks(ROOT / "CONTRIBUTING.md") if block.language == "python"]
    names: dict[str, Any] = {}
    exec(compile(block.text, block.name, "exec"), names)
    (reader,) = names["EXTRACTORS"]
    blob = Blob(Location("/", "a"), 8, lambda: BytesIO(b"ONE\nTWO\n"))
    items = list(reader.extract(blob, "text/x-upper", FileBudget(Limits(), tmp_path)))
    assert isinstance(reader, Extractor)
    assert items == [Text("ONE\n"), Text("TWO\n", first_line=2, continues=True)]


def test_the_example_rule_passes_its_own_examples(tmp_path: Path) -> None:
    rule, check, printed = blocks(DETECTOR)[:3]
    (tmp_path / "staff.yaml").write_text(rule.text, encoding="utf-8")
    assert run(check, tmp_path).strip() == printed.text.strip()


def test_the_policy_of_the_example_rule_allows_its_entity(tmp_path: Path) -> None:
    from scanner.policy import load

    found = blocks(DETECTOR)
    rule, policy = (next(block for block in found if block.language == "yaml" and word in block.text) for word in ("- id:", "rules: ["))
    (tmp_path / "staff.yaml").write_text(rule.text, encoding="utf-8")
    (tmp_path / "policy.yaml").write_text(
        f'version: 1\nstores:\n  - {{name: hr, paths: ["hr/**"], allow: [STAFF_NUMBER]}}\n{policy.text}', encoding="utf-8"
    )
    assert load(tmp_path / "policy.yaml").detect.rules == (str(tmp_path / "staff.yaml"),)


def test_the_example_recognizer_is_found_where_the_page_puts_it(tmp_path: Path) -> None:
    """A second folder of the package `detectors` stands for the source's own."""
    found = blocks(DETECTOR)
    module = next(block for block in found if block.language == "python")
    at = found.index(module)
    (tmp_path / "ticket.py").write_text(module.text, encoding="utf-8")
    code = found[at + 1].text.split("'", 1)[1].rsplit("'", 1)[0]
    there = Block(module.page, module.line, "python", f"import detectors\ndetectors.__path__.append({str(tmp_path)!r})\n{code}")
    assert run(there, tmp_path).strip() == found[at + 2].text.strip()


@pytest.mark.parametrize("page", [*PAGES], ids=lambda page: page.relative_to(ROOT).as_posix())
def test_yaml_blocks_are_yaml(page: Path) -> None:
    for block in blocks(page):
        if block.language == "yaml":
            yaml.safe_load(block.text)


@pytest.mark.parametrize("page", [*PAGES], ids=lambda page: page.relative_to(ROOT).as_posix())
def test_commands_on_the_pages_exist(page: Path) -> None:
    """Every `strayscan` with words after it, in a block or in running text, is a command there is; its options are too."""
    for words in re.findall(r"(?:^|[`$(]\s*)strayscan ([^`|>&\n]*)", "\n".join(_code(page)), re.MULTILINE):
        command, rest = _command(words.split())
        assert command is not None, words
        known = {option for parameter in command.params for option in [*parameter.opts, *parameter.secondary_opts]}
        for option in re.findall(r"(?<!\S)--[a-z-]+", rest):
            assert option in known | {"--help", "--version"}, words


@pytest.mark.parametrize("name", ["README.md", "README.ja.md"])
def test_commands_that_the_readme_says_are_missing_are_missing(name: str) -> None:
    import click

    from scanner.cli._door import strayscan

    there = strayscan.list_commands(click.Context(strayscan))
    wanted = ["stores", "trace", "watch", "hold", "find", "report", "export"]
    text = (ROOT / name).read_text(encoding="utf-8")
    assert [word for word in wanted if f"`{word}`" in text] == [word for word in wanted if word not in there]


def _code(page: Path) -> Iterator[str]:
    text = page.read_text(encoding="utf-8")
    yield from (block.text for block in blocks(page) if block.language == "sh")
    yield from (f"`{inline}`" for inline in re.findall(r"(?<!`)`([^`\n]+)`(?!`)", text))


def _command(words: list[str]) -> tuple[object, str] | tuple[None, str]:  # type: ignore[valid-type]
    import click

    from scanner.cli._door import strayscan

    command: click.Command | None = strayscan
    at = 0
    while isinstance(command, click.Group) and at < len(words) and not words[at].startswith("-"):
        command = command.get_command(click.Context(command), words[at])
        at += 1
    return command, " ".join(words[at:])


# --------------------------------------------------------------------------- the reference is complete


@cache
def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_generate", DOCS / "generate.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_generated_pages_are_current() -> None:
    assert generator().stale() == [], "run python docs/generate.py"


@pytest.mark.parametrize("table", TABLES | DECIDED)
def test_tables_page_names_every_column_in_order_with_its_type(table: str) -> None:
    text = (REFERENCE / "tables.md").read_text(encoding="utf-8")
    section = re.search(rf"^## {table}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert section is not None
    _tells(section[1], (TABLES | DECIDED)[table])


@pytest.mark.parametrize("name", SECTIONS)
def test_tables_page_names_every_column_in_order_of_the_binder(name: str) -> None:
    text = (REFERENCE / "tables.md").read_text(encoding="utf-8")
    section = re.search(rf"^### {name}.parquet\n(.*?)(?=^##|\Z)", text, re.MULTILINE | re.DOTALL)
    assert section is not None
    _tells(section[1], SECTIONS[name])


def _tells(text: str, schema: Any) -> None:
    told = re.findall(r"^\| `(\w+)` \| ([^|]+?) \|", text, re.MULTILINE)
    kinds = {"timestamp[us, tz=UTC]": "timestamp", "list<element: string>": "list of string", "list<item: string>": "list of string"}
    kinds |= {"list<element: int32>": "list of int32", "list<item: int32>": "list of int32", "date32[day]": "date"}
    assert told == [(field.name, kinds.get(str(field.type), str(field.type))) for field in schema]


def test_tables_page_names_every_status_and_reason() -> None:
    text = (REFERENCE / "tables.md").read_text(encoding="utf-8")
    missing = [word.value for word in [*Status, *Reason] if f"| `{word.value}` |" not in text]
    assert not missing


def test_tables_page_names_every_key_of_a_run(finished: tuple[Path, list[tuple[Block, str]]]) -> None:
    text = (REFERENCE / "tables.md").read_text(encoding="utf-8")
    manifest = yaml.safe_load(next((finished[0] / "findings" / "runs").glob("*.json")).read_text(encoding="utf-8"))
    assert not [key for key in manifest if f"| `{key}` |" not in text]


def test_formats_page_names_every_media_type_that_is_read() -> None:
    text = (REFERENCE / "formats.md").read_text(encoding="utf-8")
    assert not [media_type for media_type in sorted(_read()) if f"`{media_type}`" not in text]


def _read() -> set[str]:
    return {media_type for extractor in registry.all_extractors() for media_type in extractor.media_types}


# --------------------------------------------------------------------------- links, languages, privacy


@pytest.mark.parametrize("page", [*PAGES], ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_inside_the_repository_lead_somewhere(page: Path) -> None:
    text = re.sub(r"^[ ]*```.*?^[ ]*```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = urllib.parse.unquote(target).partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), f"{target} of {page.name}"
        if anchor:
            assert anchor in _anchors(file), f"{target} of {page.name}"


def _anchors(page: Path) -> set[str]:
    """As GitHub makes them of headings."""
    text = re.sub(r"^[ ]*```.*?^[ ]*```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower().strip()).replace(" ", "-") for heading in headings}


def test_the_two_readmes_have_the_same_shape() -> None:
    """Headings by level, tables by their rows, and the same blocks of code."""
    shapes = []
    for name in ("README.md", "README.ja.md"):
        text = re.sub(r"^[ ]*```.*?^[ ]*```", "", (ROOT / name).read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
        headings = [len(marks) for marks in re.findall(r"^(#+) ", text, re.MULTILINE)]
        shapes.append((headings, len(re.findall(r"^\|", text, re.MULTILINE)), [block.language for block in blocks(ROOT / name)]))
    assert shapes[0] == shapes[1]


@pytest.mark.parametrize("name", ["README.md", "README.ja.md"])
def test_the_summary_in_the_readme_names_files_of_the_sample(name: str) -> None:
    summary = max((block.text for block in blocks(ROOT / name) if block.language == "text"), key=len)
    paths = [line.split()[-1].split("!")[0] for line in summary.splitlines() if re.match(r"(critical|high|重大|高) +\d", line)]
    assert len(paths) >= 3
    assert not [path for path in paths if not (ROOT / "sample_data" / path).is_file()]


def test_exit_statuses_in_the_readme_are_those_of_the_reference() -> None:
    def statuses(page: Path) -> list[str]:
        return re.findall(r"^\| (\d+) \|", page.read_text(encoding="utf-8"), re.MULTILINE)

    assert statuses(ROOT / "README.md") == statuses(ROOT / "README.ja.md") == statuses(REFERENCE / "exit-status.md")


_MACHINE = re.compile(
    r"/wor[k]/(?:main|shared)\b|/hom[e]/[a-z]{2}|/roo[t]/|/User[s]/|C:\\User[s]"  # folders of a machine
    r"|--(?:extra-)?index-ur[l]|\bhttps?://(?:localhost|10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.)"  # where packages came from
    r"|\bhttps?://[\w.-]*(?:artifactor[y]|nexu[s]|devp[i])[\w.-]*"
)


def test_no_machine_path_or_host_is_in_the_repository() -> None:
    found = [f"{path.relative_to(ROOT)}: {match[0]}" for path in _texts() if (match := _MACHINE.search(path.read_text("utf-8", "replace")))]
    assert not found


def _texts() -> Iterator[Path]:
    """Files that git tracks, and are text. A source archive without git has nothing to look through."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False).stdout
    for name in filter(None, listed.split(b"\0")):
        path = ROOT / name.decode("utf-8", "surrogateescape")
        if path.is_file() and not path.is_symlink() and path.stat().st_size < 2_000_000 and b"\0" not in path.read_bytes()[:8192]:
            yield path
