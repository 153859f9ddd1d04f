"""`strayscan find` as typed, after a scan with real workers: pages in two languages, JSON, statuses; the query is nowhere."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.cli.command import COMMAND, one_sentence, strayscan

POLICY = """version: 1
stores:
  - {name: crm, paths: ["share/crm/**"], allow: ["*"]}
"""
QUERY = "name: 山田花子\nphone: 03-0000-0001\naddress: 東京都千代田区丸の内1-2-3\n"
SECRETS = ("山田", "花子", "ヤマダ", "ハナコ", "Hanako", "YAMADA", "hanako", "0000-0001", "0000-1234", "丸の内", "丸ノ内", "000000001")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A share that was scanned, and beside it a key."""
    folder = tmp_path_factory.mktemp("find")
    crm = folder / "share" / "crm"
    crm.mkdir(parents=True)
    others = [f"鈴木 一郎,090-1111-{n:04},03-1111-{n:04},東京都港区芝{n + 1}-2-3" for n in range(20)]
    her = "山田 花子,090-0000-1234,03-0000-0001,東京都千代田区丸の内1-2-3"
    (crm / "master.csv").write_text("氏名,携帯電話,自宅電話,住所\n" + "\n".join([*others, her]) + "\n", encoding="utf-8")
    (folder / "share" / "memo.txt").write_text("ご連絡\n\n担当 山田花子様\n電話 ０３（００００）０００１\n", encoding="utf-8")
    english = [f"Ichiro Suzuki,+81 90-1111-{n:04}" for n in range(20)]
    (folder / "share" / "en.csv").write_text("Name,Phone\n" + "\n".join([*english, "Hanako YAMADA,+81 3-0000-0001"]) + "\n")
    (folder / "policy.yaml").write_text(POLICY, encoding="utf-8")
    (folder / "key").write_text("the key of these tests, long enough to be one")
    (folder / "key").chmod(0o600)
    done = strayscan("scan", folder / "share", "--policy", folder / "policy.yaml", "--out", folder / "out", "--key-file", folder / "key")
    assert done.returncode == 1, done.stderr
    return folder


def ask(place: Path, *args: str, query: str = QUERY) -> subprocess.CompletedProcess[str]:
    environ = os.environ | {"LC_ALL": "C.UTF-8", "PYTHONPATH": str(Path(__file__).parents[2]), "PYTHONIOENCODING": "utf-8"}
    command = [*COMMAND, "find", "--out", str(place / "out"), "--key-file", str(place / "key"), "--query-file", "-", *args]
    return subprocess.run(command, input=query, capture_output=True, text=True, timeout=120, check=False, env=environ)


def test_a_page_a_json_and_nothing_of_the_query(place: Path) -> None:
    before = {path: path.read_bytes() for path in (place / "out").rglob("*") if path.is_file()}
    page, japanese, as_json = ask(place), ask(place, "--lang", "ja"), ask(place, "--json")
    for done in (page, japanese, as_json):
        assert (done.returncode, done.stderr) == (1, "")
        assert not [value for value in SECRETS if value in done.stdout]
    assert "This person (3 objects)" in page.stdout
    assert "STRAY  " + str(place / "share" / "memo.txt") in page.stdout
    assert "approved  " + str(place / "share" / "crm" / "master.csv") in page.stdout
    assert "never fingerprinted" in page.stdout
    assert "本人 (3件)" in japanese.stdout
    told = json.loads(as_json.stdout)
    strong = {(m["path"], m["column"]): m["rows"] for m in told["matches"] if m["strength"] == "strong"}
    assert strong[("crm/master.csv", "氏名")] == [22]
    assert strong[("en.csv", "Phone")] == [22]
    assert strong[("memo.txt", None)] in ([3], [4])
    assert {path: path.read_bytes() for path in (place / "out").rglob("*") if path.is_file()} == before, "a search writes nothing"


def test_values_may_be_given_as_options(place: Path) -> None:
    done = strayscan("find", "--out", place / "out", "--key-file", place / "key", "--phone", "090-0000-1234", "--json")
    (match,) = json.loads(done.stdout)["matches"]
    assert (done.returncode, match["path"], match["strength"], match["verdict"]) == (1, "crm/master.csv", "strong", "approved")


def test_nobody_found(place: Path) -> None:
    done = ask(place, query="email: nobody@example.com\n")
    assert done.returncode == 0
    assert "Nothing found, and everything was read." in done.stdout


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("find",), "--out"),
        (("find", "--out", "{out}"), "nothing to look for"),
        (("find", "--out", "nowhere", "--name", "x", "--key-file", "{key}"), "not a folder"),
        (("find", "--out", "{out}", "--name", "x", "--key-file", "nowhere"), "no key file"),
        (("find", "--out", "{out}", "--query-file", "nowhere", "--key-file", "{key}"), "cannot be read"),
        (("find", "--out", "{out}", "--query-file", "-", "--name", "x"), "not both"),
        (("find", "--out", "{out}", "--address", "secret", "--key-file", "{key}"), "house number"),
    ],
)
def test_what_is_wrong_is_one_sentence(place: Path, args: tuple[str, ...], said: str) -> None:
    sentence = one_sentence(strayscan(*(arg.format(out=place / "out", key=place / "key") for arg in args)))
    assert said in sentence
    assert "secret" not in sentence


def test_another_key(place: Path, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("a key that the findings were not written under")
    (tmp_path / "key").chmod(0o600)
    assert "holds findings under key" in one_sentence(
        strayscan("find", "--out", place / "out", "--name", "x", "--key-file", tmp_path / "key")
    )
