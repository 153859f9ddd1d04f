"""A leak assessed by the findings of real scans."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from scanner import api
from scanner.findings.errors import StoreError
from scanner.obligations.assess import Assessment, Range
from scanner.render.assess import draft, write_drafts
from scanner.render.messages import Messages
from tests.cli.command import strayscan

MAILS = [f"user{n}@example.co.jp" for n in range(30)]
POLICY = 'version: 1\nstores: [{name: 顧客台帳, paths: ["share/crm/**"], allow: ["*"]}]\n'


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("leak")
    os.environ["STRAYSCAN_KEY"], before = "a key", os.environ.get("STRAYSCAN_KEY")
    os.environ["XDG_DATA_HOME"], home = str(folder / "data"), os.environ.get("XDG_DATA_HOME")
    try:
        share = folder / "share"
        for name in ("crm", "tmp", "old"):
            (share / name).mkdir(parents=True)
        (share / "crm/master.csv").write_text("氏名,メールアドレス\n" + "".join(f"田中 太郎,{mail}\n" for mail in MAILS), encoding="utf-8")
        (share / "tmp/list.csv").write_text("mail\n" + "".join(f"{mail.upper()}\n" for mail in MAILS[:20]), encoding="utf-8")
        (share / "tmp/<b>|`x`.csv").write_text("mail\n" + "".join(f"{mail}\n" for mail in MAILS[10:25]), encoding="utf-8")
        (share / "old/gone.csv").write_text("mail\n" + "".join(f"{mail}\n" for mail in MAILS[:7]), encoding="utf-8")
        (share / "tmp/broken.docx").write_bytes(b"PK\x03\x04 cut off")
        (folder / "policy.yaml").write_text(POLICY, encoding="utf-8")
        for _ in range(2):
            api.scan(share, folder / "policy.yaml", out=folder / "out", jobs=1)
            (share / "old/gone.csv").unlink(missing_ok=True)
        yield folder
    finally:
        for name, value in (("STRAYSCAN_KEY", before), ("XDG_DATA_HOME", home)):
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def assess(place: Path, *paths: str, **more: object) -> Assessment:
    return api.assess(place / "out", paths=[place / "share" / path for path in paths], **more)  # type: ignore[arg-type]


def test_each_person_counts_once_over_files(place: Path) -> None:
    found = assess(place, "tmp/list.csv", "tmp/<b>|`x`.csv")
    assert (found.persons, found.persons_range, found.complete, found.exit_status) == (25, Range(25, 25), True, 1)
    assert {kind.entity_type: kind.distinct for kind in found.kinds} == {"EMAIL_ADDRESS": Range(25, 25)}
    assert found.as_of is not None and found.first_seen is not None and found.first_seen <= found.as_of


def test_what_was_not_read_leaves_the_numbers_open(place: Path) -> None:
    found = assess(place, "tmp")
    assert [one.path for one in found.objects if one.unread] == ["tmp/broken.docx"]
    assert (found.persons, found.persons_range, found.exit_status) == (25, Range(25, None), 3)
    assert {one.rule_id: one.outcome for one in found.judgements}["appi.many"] == "to_be_judged"


def test_an_approved_store_can_be_what_leaked(place: Path) -> None:
    found = api.assess(place / "out", stores=["顧客台帳"])
    assert ([one.path for one in found.objects], found.persons) == (["crm/master.csv"], 30)


def test_a_path_that_left_the_share_is_told_by_its_last_findings(place: Path) -> None:
    found = assess(place, "old/gone.csv")
    assert (found.persons, [one.gone for one in found.objects]) == (7, [True])


def test_what_is_not_in_the_findings_is_said(place: Path) -> None:
    found = api.assess(place / "out", paths=[place / "share/nowhere.csv"], stores=["none"])
    assert found.not_found == (str(place / "share/nowhere.csv"), "none")
    assert (found.exit_status, found.complete) == (3, False)
    with pytest.raises(StoreError, match="give --out"):
        api.assess(None, stores=["x"])


def test_a_sister_folder_is_not_below(place: Path) -> None:
    assert assess(place, "tm").not_found == (str(place / "share/tm"),)


def test_no_value_is_in_a_draft_and_names_of_files_are_text(place: Path) -> None:
    found = assess(place, "", learned=None)
    folder = place / "papers"
    files = write_drafts(found, folder, [Messages("en"), Messages("ja")])
    assert [path.name for path in files] == ["report-en.md", "report-ja.md", "assessment.json"]
    written = b"".join(path.read_bytes() for path in files)
    for mail in MAILS:
        assert mail.encode() not in written.lower()
    assert (folder.stat().st_mode & 0o077, files[0].stat().st_mode & 0o077) == (0, 0)
    assert json.loads(files[2].read_bytes())["persons"] == 30
    page = draft(found, Messages("en"))
    assert "## 3. Number of persons" in page
    assert "`x`" not in page  # it cannot end the code that it stands in


def test_the_command(place: Path) -> None:
    name = str(place / "share/tmp/list.csv")
    done = strayscan(
        "assess", "--path", name, "--out", place / "out", "--learned", "2026-11-28", "--no-wrongful-purpose", "--no-property-damage"
    )
    assert done.returncode == 1, done.stderr
    assert "1 object, personal data of 20 persons" in done.stdout
    assert "not met       more than 1,000 persons" in done.stdout
    assert "72" not in done.stdout and "2026-12-01 00:00" in done.stdout
    told = strayscan("assess", "--path", name, "--out", place / "out", "--json", "--lang", "ja", "--law", "APPI", "--draft", place / "d")
    assert json.loads(told.stdout)["persons"] == 20
    assert "報告の下書き" in told.stderr
    for one in (done, told):
        assert "user1@" not in (one.stdout + one.stderr).lower()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "say what leaked"),
        (("--path", "x", "--learned", "soon"), "a day such as"),
        (("--path", "x", "--law", "HIPAA"), "no law is called"),
        (("--path", "x"), "give --out"),
        (("--path", "x", "--out", "nowhere"), "nowhere"),
        (("--release", "x"), "give --hold"),
        (("--release", "x", "--hold", "nowhere"), "no watch has held files"),
    ],
)
def test_what_is_wrong_is_one_sentence(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    done = strayscan("assess", *arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr and len(done.stderr.splitlines()) == 1
