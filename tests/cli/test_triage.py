"""`strayscan ignore`, `accept`, `reopen`, `assign`, `measure`, `baseline` and `triage` as typed; scans, and one order, as processes of
their own, the rest in this one, which is quicker."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scanner import api
from scanner.cli._door import run
from scanner.findings.schema import FINDINGS
from tests.cli.command import COMMAND, one_sentence, strayscan

VALUES = ("taro.yamada@example.co.jp", "hanako.suzuki@example.co.jp", "090-0000-1234")
MAILS = "メール\n{}\n"
NEXT_YEAR = "2999-01-01"


@pytest.fixture(scope="module")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scanned")
    share = folder / "share"
    (share / "sales").mkdir(parents=True)
    (share / "sales" / "list.csv").write_text(MAILS.format("\n".join(VALUES[:2])), encoding="utf-8")
    (share / "note.txt").write_text(f"電話は{VALUES[2]}です\n", encoding="utf-8")
    (share / "broken.xlsx").write_bytes(b"PK\x03\x04" + bytes(60))
    (folder / "key").write_text("a key of these tests, and of no one else")
    (folder / "key").chmod(0o600)
    assert strayscan("scan", share, "--out", folder / "out", "--key-file", folder / "key").returncode == 3
    return folder


@pytest.fixture
def place(scanned: Path, tmp_path: Path) -> Path:
    """A copy of the store; the share it was made from stays where it was."""
    shutil.copytree(scanned / "out", tmp_path / "out")
    return tmp_path


def typed(*args: str | Path) -> subprocess.CompletedProcess[str]:
    """As `strayscan`, without a process."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = run([*map(str, args), *(() if "--lang" in args else ("--lang", "en"))])
    return subprocess.CompletedProcess(args, status, out.getvalue(), err.getvalue())


def told(*args: str | Path, status: int = 0) -> Any:
    done = typed(*args, "--json")
    assert (done.returncode, done.stderr) == (status, ""), done
    return json.loads(done.stdout)


def ids(out: Path) -> dict[str, str]:
    """Path -> number of an open finding or unread object."""
    return {Path(item["path"]).name: item["id"] for item in told("triage", out, status=3)["items"]}


def test_from_finding_to_nothing_open(place: Path) -> None:
    out = place / "out"
    found = ids(out)
    assert set(found) == {"list.csv", "note.txt", "broken.xlsx"}
    done = typed("ignore", found["list.csv"][:10], "--out", out, "--reason", "test data", "--until", NEXT_YEAR)
    assert (done.returncode, done.stdout, done.stderr) == (0, "1 finding: ignored.\n", "")
    done = strayscan("accept", found["note.txt"], "--out", out, "--reason", "on the wall anyway", "--lang", "ja")
    assert done.stdout == "検出 1件: リスクを受容しました。\n"
    assert told("triage", out, status=3)["states"] == {"accepted": 1, "ignored": 1}
    assert told("ignore", "--unread", "--out", out, "--reason", "empty")["objects"] == 1
    shown = typed("triage", out)
    assert shown.returncode == 0
    assert "0 stray findings are open (ignored 1, accepted 1)" in shown.stdout
    assert "Status 0: nothing is open." in shown.stdout
    done = typed("reopen", found["note.txt"][:12], "--out", out, "--reason", "off the wall")
    assert done.stdout == "1 finding: opened again.\n"
    shown = typed("triage", out, "--lang", "ja")
    assert shown.returncode == 1
    assert f"{found['note.txt'][:12]}  取り消し: PHONE_NUMBER" in shown.stdout


def test_numbers_from_standard_input_and_a_rehearsal(place: Path) -> None:
    out = place / "out"
    done = told("ignore", "--path", "sales/**", "--out", out, "--reason", "test data", "--dry-run")
    assert (done["findings"], done["decision_id"]) == (1, None)
    shown = typed("ignore", "--path", "sales/**", "--out", out, "--reason", "test data", "--dry-run")
    assert shown.stdout == "1 finding would be ignored; nothing was written.\n"
    assert not (out / "decisions").exists()
    shown = typed("ignore", "--path", "nowhere/**", "--out", out, "--reason", "test data")
    assert (shown.returncode, shown.stdout) == (0, "Nothing fits; nothing was written.\n")
    piped = subprocess.run(
        [*COMMAND, "ignore", "-", "--out", str(out), "--reason", "test data", "--json"],
        input="\n".join(ids(out).values()), capture_output=True, text=True, check=True, timeout=120, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert json.loads(piped.stdout)["findings"] == 2
    assert json.loads(piped.stdout)["objects"] == 1


def test_assignments_and_measures(place: Path) -> None:
    out = place / "out"
    number = ids(out)["list.csv"]
    told("assign", number, "--to", "Sales \x1b[31mteam", "--due", NEXT_YEAR, "--out", out)
    told("measure", number, "--cause", "left behind", "--measure", "delete after sending", "--due", NEXT_YEAR, "--out", out)
    shown = typed("triage", out, "--to", "Sales \x1b[31mteam")
    assert "\x1b" not in shown.stdout and "for Sales \\x1b[31mteam" in shown.stdout
    assert f"{number[:12]}  in hand: EMAIL_ADDRESS" in shown.stdout
    assert "Measures: pending 1" in shown.stdout
    (item,) = told("triage", out, "--to", "Sales \x1b[31mteam", status=1)["items"]
    assert (item["due"], item["urgency"]) == (NEXT_YEAR, "in_hand")
    told("assign", number, "--nobody", "--out", out)
    told("measure", number, "--withdraw", "--reason", "wrong one", "--out", out)
    (row,) = [row for row in api.open_findings(out).findings(arrow=True).to_pylist() if row["finding_id"] == number]
    assert row["assigned_to"] is None and row["measure"] is None
    actions = api.open_findings(out).decisions(every=True)["action"].tolist()
    assert actions == ["assign", "measure", "unassign", "unmeasure"]


def test_a_baseline_and_what_comes_after_it(scanned: Path, place: Path) -> None:
    share, out = scanned / "share", place / "out"
    done = typed("baseline", out, "--reason", "first look")
    assert (done.returncode, done.stdout) == (0, "2 findings: ignored.\n1 object was not fully read and is not covered\n")
    (share / "note.txt").write_text(f"\n\nこちらの電話は{VALUES[2]}です\n", encoding="utf-8")
    (share / "sales" / "list.csv").write_text(MAILS.format(f"{VALUES[1]}\nnew.one@example.co.jp"), encoding="utf-8")
    done = strayscan("scan", share, "--out", out, "--key-file", scanned / "key")
    assert done.returncode == 3, "the status of a scan is the policy's, not triage's"
    states = api.open_findings(out).sql("SELECT path, state, reopened FROM all_findings", arrow=True).to_pylist()
    assert {(row["path"], row["state"], row["reopened"]) for row in states} == {
        ("sales/list.csv", "open", "new_values"),
        ("note.txt", "ignored", None),
    }


def test_no_value_is_in_any_byte(place: Path) -> None:
    out = place / "out"
    found = ids(out)
    told("ignore", found["list.csv"], "--out", out, "--reason", "test data")
    told("measure", found["note.txt"], "--cause", "c", "--measure", "m", "--due", NEXT_YEAR, "--out", out)
    printed = [typed("triage", out, *more).stdout for more in ((), ("--json",), ("--lang", "ja"))]
    tables = [str(pq.read_table(path).to_pylist()) for table in ("decisions", "covered") for path in (out / table).glob("*.parquet")]
    assert len(tables) == 3
    raw = [path.read_bytes() for path in out.rglob("*") if path.is_file()]
    for value in VALUES:
        for form in (value, value.replace("-", ""), value.split("@")[0]):
            assert not [text for text in [*printed, *tables] if form in text]
            assert not [data for data in raw if form.encode() in data]


# --------------------------------------------------------------------------- what is wrong


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (
            ["ignore", "0123456789ab", "--reason", "r"],
            "holds no finding and no unread object with a number that begins with '0123456789ab'",
        ),
        (["ignore", "ab", "--reason", "r"], "'ab' is too short"),
        (["ignore", "--reason", "r"], "give the numbers of findings, or conditions that choose them"),
        (["ignore", "0123456789ab", "--path", "**", "--reason", "r"], "and not both"),
        (["ignore", "0123456789ab"], "Missing option '--reason'"),
        (["ignore", "--path", "**", "--reason", " "], "a reason is needed"),
        (["ignore", "--path", "**", "--reason", "r", "--until", "2020-01-01"], "the end 2020-01-01 has passed"),
        (["ignore", "--path", "**", "--reason", "r", "--until", "soon"], "'soon' does not match the format"),
        (["ignore", "--path", "[x", "--reason", "r"], "invalid glob"),
        (["ignore", "--unread", "--entity", "PERSON", "--reason", "r"], "no kinds of data"),
        (["assign", "0123456789ab"], "give either --to"),
        (["assign", "0123456789ab", "--to", "x", "--nobody"], "give either --to"),
        (["assign", "--path", "**", "--to", "x", "--due", "2020-01-01"], "the due date 2020-01-01 has passed"),
        (["measure", "0123456789ab", "--cause", "c"], "a measure has --cause, --measure and --due"),
        (["measure", "0123456789ab", "--withdraw"], "--withdraw takes --reason"),
    ],
)
def test_wrong_usage_is_one_sentence_and_writes_nothing(scanned: Path, args: list[str], words: str) -> None:
    assert words in one_sentence(typed(*args, "--out", scanned / "out"))
    assert not (scanned / "out" / "decisions").exists()


def test_a_number_that_several_have(place: Path) -> None:
    out = place / "out"
    told_part = next((out / "runs").glob("*.json"))
    manifest = json.loads(told_part.read_text())
    for number, one in enumerate(part for part in manifest["parts"] if part["table"] == "findings"):
        rows = pq.read_table(out / one["path"], partitioning=None).to_pylist()
        named = [row | {"finding_id": f"abcdef{number}{place}{row['finding_id'][8:]}"} for place, row in enumerate(rows)]
        pq.write_table(pa.Table.from_pylist(named, FINDINGS), out / one["path"])
        one["size_bytes"] = (out / one["path"]).stat().st_size
    told_part.write_text(json.dumps(manifest))
    assert "'abcdef' is ambiguous: the numbers of 2" in one_sentence(typed("ignore", "abcdef", "--out", out, "--reason", "r"))
    assert told("ignore", "abcdef00", "--out", out, "--reason", "r")["findings"] == 1


def test_stores_that_cannot_be_decided_about(place: Path) -> None:
    assert "there are no findings in" in one_sentence(typed("ignore", "--path", "**", "--out", place, "--reason", "r"))
    assert "there are no findings in" in one_sentence(typed("triage", place))
    assert "there are no findings in" in one_sentence(typed("baseline", place, "--reason", "r"))
    (place / "out" / ".strayscan.json").write_text('{"schema": 7, "key_id": "x"}')
    sentence = one_sentence(typed("baseline", place / "out", "--reason", "r"))
    assert "was written by a newer version (schema 7" in sentence


def test_a_damaged_file_is_said_and_the_rest_answers(place: Path) -> None:
    out = place / "out"
    told("ignore", "--path", "note.txt", "--out", out, "--reason", "r")
    (damaged,) = (out / "decisions").glob("*.parquet")
    damaged.write_bytes(damaged.read_bytes()[:50])
    shown = typed("triage", out)
    assert shown.returncode == 3
    assert f"decisions/{damaged.name} is left out: it is damaged" in shown.stdout
    assert "2 stray findings are open" in shown.stdout
