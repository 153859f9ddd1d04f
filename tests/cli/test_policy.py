"""`strayscan init`, `policy check` and `policy explain`."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from scanner.policy import load
from tests.cli.command import one_sentence, strayscan

POLICY = """\
version: 1
stores:
  - {name: hr, paths: ["hr/**"], allow: [PERSON], owner: People Dept., retention_days: 1825, review_by: 2020-01-01}
departments: [{name: People, paths: ["hr/**"], manager: M}]
exclude: ["**/.git/**"]
excuse: [{reason: image_only, paths: ["hr/photos/**"], why: pass photos, until: 2020-01-01}]
examples:
  - {path: hr/x.csv, store: hr}
  - {path: hr-old/x.csv, store: null}
"""


@pytest.fixture
def share(tmp_path: Path) -> Path:
    for folder in ("hr", "hr-old", "sales/.git"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "list.csv").write_text("x\n")
    (tmp_path / "policy.yaml").write_text(POLICY)
    return tmp_path


# --------------------------------------------------------------------------- check


def test_check(share: Path) -> None:
    done = strayscan("policy", "check", "policy.yaml", "--root", ".", cwd=share)
    assert done.returncode == 0
    assert "is a valid policy (stores: 1, departments: 1, excludes: 1, excuses: 1)" in done.stdout
    assert "The review of store hr was due on 2020-01-01." in done.stdout
    assert "The excuse for image_only (pass photos) ran out on 2020-01-01." in done.stdout
    assert "Every example holds (2)." in done.stdout
    assert "match nothing" not in done.stdout


def test_check_in_japanese(share: Path) -> None:
    assert "正しいポリシー" in strayscan("policy", "check", share / "policy.yaml", "--lang", "ja").stdout
    assert "正しいポリシー" in strayscan("policy", "check", share / "policy.yaml", lang="ja_JP.UTF-8").stdout


def test_check_an_example_that_does_not_hold(share: Path) -> None:
    (share / "policy.yaml").write_text(POLICY.replace('"hr/**"], allow', '"hr*/**"], allow'))
    done = strayscan("policy", "check", share / "policy.yaml")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f'{share}/policy.yaml:9: example hr-old/x.csv: store is "hr", expected none\n'


def test_check_json(share: Path) -> None:
    data = json.loads(strayscan("policy", "check", share / "policy.yaml", "--json").stdout)
    assert data["failures"] == []
    assert len(data["notes"]) == 2
    assert data["digest"] == load(share / "policy.yaml").digest


def test_check_a_store_that_matches_nothing(share: Path) -> None:
    (share / "hr" / "list.csv").unlink()
    done = strayscan("policy", "check", share / "policy.yaml", "--root", share)
    assert done.returncode == 0
    assert "Store hr: its paths match nothing today (hr/**)" in done.stdout


def test_check_a_glob_that_names_a_folder(share: Path) -> None:
    (share / "policy.yaml").write_text("version: 1\nstores: [{name: hr, paths: [hr], allow: [PERSON]}]\n")
    assert 'did you mean "hr/**"?' in strayscan("policy", "check", share / "policy.yaml").stdout


# --------------------------------------------------------------------------- explain


def explained(share: Path, path: str | Path) -> dict[str, object]:
    done = strayscan("policy", "explain", path, "--policy", share / "policy.yaml", "--json", cwd=share)
    assert done.returncode == 0
    data: dict[str, object] = json.loads(done.stdout)
    return data


def test_explain(share: Path) -> None:
    text = strayscan("policy", "explain", "hr/list.csv", "--policy", "policy.yaml", cwd=share).stdout
    for words in (f"{share}/hr/list.csv", "hr, by hr/**", "People Dept.", "PERSON", "1,825 days", "People, M"):
        assert words in text


def test_explain_does_not_fall_into_the_classic_trap(share: Path) -> None:
    assert explained(share, "hr/list.csv")["store"] == "hr"
    assert explained(share, "hr-old/list.csv")["store"] is None
    assert explained(share, "hr")["store"] == "hr"


def test_explain_a_path_below_an_excluded_folder(share: Path) -> None:
    assert explained(share, "sales/.git/list.csv")["excluded_by"] == "**/.git/**"
    assert explained(share, "sales/.git")["excluded_by"] == "**/.git/**"
    assert explained(share, "sales")["excluded_by"] is None


def test_explain_takes_links_on_the_way_as_a_scan_does(share: Path) -> None:
    (share / "link").symlink_to("hr")
    assert explained(share, "link/list.csv")["path"] == f"{share}/hr/list.csv"
    assert explained(share, "link")["path"] == f"{share}/link"


def test_explain_a_path_that_is_not_there(share: Path) -> None:
    assert explained(share, "hr/2030/new.csv")["store"] == "hr"


# --------------------------------------------------------------------------- init


def shouted(draft: str) -> str:
    """The draft with its candidate stores and examples taken in, as a person does who approves all of them."""
    lines = [line.removeprefix("#") if line.startswith(("#  - {path", "#  - name", "#    ")) else line for line in draft.splitlines()]
    return "\n".join(line[1:] if line == "# examples:" else line for line in lines).replace("\n examples:", "\nexamples:") + "\n"


def test_init_drafts_a_policy_that_approves_nothing(share: Path) -> None:
    (share / "営業" / "顧客名簿").mkdir(parents=True)
    (share / "営業" / "顧客名簿" / "list.csv").write_bytes("氏名,電話番号\n".encode("cp932"))
    done = strayscan("init", ".", "--policy", "draft.yaml", cwd=share)
    assert done.returncode == 0
    draft = (share / "draft.yaml").read_text()
    policy = load(share / "draft.yaml")
    assert policy.stores == ()
    assert [department.name for department in policy.departments] == ["hr", "hr-old", "sales", "営業"]
    assert "hr-old is named alike and is not covered" in draft
    assert "columns for names, phone numbers" in draft
    assert "2 candidate stores" in done.stdout


def test_an_inits_candidates_hold_when_taken_in(share: Path) -> None:
    hostile = share / "a[b]{c}*\x1b\n#'\""
    (hostile / "crm").mkdir(parents=True)
    os.mkdir(os.fsencode(share) + b"/\xff\\hr")
    strayscan("init", share, "--policy", share / "draft.yaml")
    (share / "draft.yaml").write_text(shouted((share / "draft.yaml").read_text()))
    policy = load(share / "draft.yaml")
    assert {"hr", "a[b]{c}*\x1b\n#'\"/crm"} <= {store.name for store in policy.stores}
    assert policy.failing_examples() == ()
    assert policy.place(f"{hostile}/crm/x").store is not None


def test_init_outside_the_share(share: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    draft = tmp_path_factory.mktemp("policies") / "draft.yaml"
    strayscan("init", share, "--policy", draft)
    assert load(draft).place(f"{share}/hr/x").department_name == "hr"


def test_init_overwrites_nothing(share: Path) -> None:
    assert "is there already" in one_sentence(strayscan("init", share, "--policy", share / "policy.yaml"))
    assert (share / "policy.yaml").read_text() == POLICY
    assert "cannot be written" in one_sentence(strayscan("init", share, "--policy", share / "none" / "policy.yaml"))
    assert "no such folder" in one_sentence(strayscan("init", share / "none", "--policy", share / "new.yaml"))
    assert not (share / "new.yaml").exists()


# --------------------------------------------------------------------------- rules


def test_rules_list_and_check() -> None:
    data = json.loads(strayscan("rules", "list", "--json").stdout)
    assert "jp.my_number" in {rule["id"] for rule in data["rules"]}
    assert "jp.my_number" in strayscan("rules", "list").stdout
    done = strayscan("rules", "check")
    assert (done.returncode, done.stderr) == (0, "")
    assert ": 0 failures" in done.stdout


def test_rules_check_tells_failures_without_their_text(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(
        "- id: own.badge\n  entity: STAFF_BADGE\n  description: A badge.\n  pattern: 'B-\\d{4}'\n  score: 0.9\n"
        "  match:\n    - {text: 'badge B-1234', value: 'B-123'}\n"
    )
    done = strayscan("rules", "check", tmp_path)
    assert done.returncode == 2
    assert f"{tmp_path}/own.yaml:1: own.badge-match-1" in done.stderr
    assert "B-123" not in done.stdout + done.stderr
