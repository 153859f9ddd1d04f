"""`strayscan watch` and `strayscan hold` as typed, with real workers: pages, JSON, statuses, and no value in anything but what is held."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from scanner.cli._door import run
from scanner.outbound.desk import person_here
from tests.cli.command import one_sentence, strayscan
from tests.unit.extract.hostile import encrypted_zip

PEOPLE = [("山田 太郎", "090-1234-5678", "taro.yamada@example.co.jp"), ("佐藤 花子", "080-8765-4321", "hanako.sato@example.co.jp")]
MY_NUMBER = "123456789018"
VALUES = [value for person in PEOPLE for value in person] + [MY_NUMBER]
LEAK = "氏名,携帯電話,メールアドレス,個人番号\n" + "".join(f"{','.join(person)},{MY_NUMBER}\n" for person in PEOPLE)
POLICY = """\
version: 1
outbound:
  settle_seconds: 0
  ask: 情報管理課 内線 1234
  sender: folder
  most_bytes: 200000
  rules:
    - {paths: ["partner/**"], recipient: Partner A, country: JP, purpose: delivery, contract: C-1, allow: [PERSON], approvals: 1}
    - {paths: ["two/**"], recipient: Partner B, approvals: 2}
"""
DROPPED = {
    "partner/leak.csv": LEAK.encode(),
    "partner/clean.txt": b"the meeting is at three\n",
    "partner/closed.zip": encrypted_zip(),
    "partner/broken.xlsx": b"PK\x03\x04 and no more",
    "partner/large.txt": b"words and words\n" * 20_000,
    "two/leak.csv": LEAK.encode(),
}


class Home:
    """A transfer folder that was watched once, by the command."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.hold = folder, folder / "hold"
        for name in ("out", "release", "hold"):
            (folder / name).mkdir()
        (folder / "policy.yaml").write_text(POLICY, encoding="utf-8")
        (folder / "key").write_text("a key of the tests' own", encoding="utf-8")
        (folder / "key").chmod(0o600)
        own = f"{person_here().name}/own.csv"
        for name, data in {**DROPPED, own: LEAK.encode()}.items():
            file = folder / "out" / name
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(data)
        self.first = self.watch("--events", "json")

    def watch(self, *args: str) -> Any:
        places = ("--policy", self.folder / "policy.yaml", "--release", self.folder / "release", "--hold", self.hold)
        rest = ("--key-file", self.folder / "key", "--once", "--settle", "0", "--jobs", "1", *args)
        return strayscan("watch", self.folder / "out", *places, *rest)

    def items(self) -> dict[str, str]:
        """Path -> number of what is held."""
        done = strayscan("hold", "list", "--hold", self.hold, "--json")
        assert done.returncode == 0
        return {one["path"]: one["item"] for one in json.loads(done.stdout)}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return Home(tmp_path_factory.mktemp("gate"))


@pytest.fixture(scope="module")
def items(home: Home) -> dict[str, str]:
    return home.items()


class Typed:
    """Runs a command in this process."""

    def __init__(self, home: Home, capsys: pytest.CaptureFixture[str]) -> None:
        self._hold, self._capsys = home.hold, capsys

    def __call__(self, *args: str) -> tuple[int, str, str]:
        self._capsys.readouterr()
        status = run(["hold", args[0], "--hold", str(self._hold), *args[1:]])
        told = self._capsys.readouterr()
        return status, told.out, told.err


@pytest.fixture
def hold(home: Home, capsys: pytest.CaptureFixture[str]) -> Typed:
    return Typed(home, capsys)


def events(home: Home) -> dict[str, dict[str, Any]]:
    return {one["path"]: one for one in map(json.loads, home.first.stdout.splitlines()) if one.get("path")}


def test_the_watch_itself(home: Home) -> None:
    assert home.first.returncode == 0, home.first.stderr
    told = events(home)
    assert told["partner/clean.txt"]["event"] == "released"
    assert {path: one["reasons"] for path, one in told.items() if one["event"] == "held"} == {
        "partner/leak.csv": ["kind_not_allowed"],
        "partner/closed.zip": ["unread"],
        "partner/broken.xlsx": ["unread"],
        "partner/large.txt": ["unread"],
        "two/leak.csv": ["personal_data"],
        f"{person_here().name}/own.csv": ["personal_data"],
    }
    released = [str(path.relative_to(home.folder)) for path in (home.folder / "release").rglob("*") if path.is_file()]
    assert released == ["release/partner/clean.txt"]
    notes = [path.name for path in (home.folder / "out" / "partner").iterdir()]
    assert sorted(notes) == ["broken.xlsx.held.txt", "closed.zip.held.txt", "large.txt.held.txt", "leak.csv.held.txt"]
    note = (home.folder / "out" / "partner" / "leak.csv.held.txt").read_text("utf-8-sig")
    assert "情報管理課 内線 1234" in note
    assert "保留" in note
    assert "held" in note


def test_list(hold: Typed, items: dict[str, str]) -> None:
    status, out, err = hold("list", "--lang", "en")
    assert (status, err) == (0, "")
    line = next(line for line in out.splitlines() if "partner/closed.zip" in line)
    assert line.startswith(items["partner/closed.zip"])
    assert line.endswith("(not fully read)")
    assert "完全に" in hold("list", "--lang", "ja")[1]


def test_show(hold: Typed, items: dict[str, str]) -> None:
    status, out, _ = hold("show", items["partner/leak.csv"][:17], "--lang", "en")
    assert status == 0
    assert "Partner A" in out
    assert "JP_MY_NUMBER" in out
    assert "a kind of data that may not go there" in out
    plain = json.loads(hold("show", items["partner/leak.csv"], "--json")[1])
    assert (plain["approvals_needed"], plain["approvals_given"], plain["sender"]) == (1, [], "name:partner")
    assert {one["entity_type"] for one in plain["findings"]} >= {"PERSON", "PHONE_NUMBER", "EMAIL_ADDRESS", "JP_MY_NUMBER"}
    assert "個人番号 に 2 件" in hold("show", items["partner/leak.csv"], "--lang", "ja")[1]


def test_what_cannot_be_done_is_one_sentence(hold: Typed, home: Home, items: dict[str, str], tmp_path: Path) -> None:
    own = items[f"{person_here().name}/own.csv"]
    for args, words in (
        (("show", "20990101"), "no held file has a number that begins so"),
        (("release", own, "--reason", "mine"), "of their own"),
        (("release", items["two/leak.csv"], "--reason", " "), "a reason is needed"),
        (("release", items["two/leak.csv"], "--reason", "x", "--expires", "2000-01-01"), "has passed"),
        (("release", items["two/leak.csv"], "--reason", "x", "--expires", "soon"), "2h or 3d"),
        (("release", items["two/leak.csv"]), "--reason"),
        (("reject", items["two/leak.csv"]), "--reason"),
        (("verify", "--head", "abc"), "NUMBER:HASH"),
    ):
        status, out, err = hold(*args)
        assert (status, out) == (2, ""), args
        (line,) = err.splitlines()
        assert words in line
    assert "no watch has held files here" in one_sentence(strayscan("hold", "list", "--hold", tmp_path))
    assert items == home.items()


@pytest.fixture(scope="module")
def decided(home: Home, items: dict[str, str]) -> Iterator[dict[str, Any]]:
    """Two released, one rejected, one agreed to by one of two."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("STRAYSCAN_HOLD", str(home.hold))
        told: dict[str, Any] = {}
        for name, args in (
            ("sent", ("release", items["partner/leak.csv"], "--reason", "=contract C-1", "--expires", "2h")),
            ("waiting", ("release", items["two/leak.csv"], "--reason", "for the first", "--expires", "3d")),
            ("returned", ("reject", items["partner/closed.zip"], "--reason", "send it open")),
        ):
            stream = io.StringIO()
            patched.setattr("sys.stdout", stream)
            assert run(["hold", *args, "--json"]) == 0
            told[name] = json.loads(stream.getvalue())
    yield told


def test_release_and_reject(home: Home, decided: dict[str, Any], hold: Typed) -> None:
    assert {name: (one["state"], one["path"], one["missing_approvals"]) for name, one in decided.items()} == {
        "sent": ("sent", "partner/leak.csv", 0),
        "waiting": ("waiting", "two/leak.csv", 1),
        "returned": ("returned", "partner/closed.zip", 0),
    }
    assert (home.folder / "release" / "partner" / "leak.csv").read_bytes() == LEAK.encode()
    assert (home.folder / "out" / "partner" / "closed.zip").read_bytes() == DROPPED["partner/closed.zip"]
    assert (home.folder / "out" / "partner" / "closed.zip.returned.txt").exists()
    assert "1 of 2" in hold("show", decided["waiting"]["item"], "--lang", "en")[1]
    status, out, _ = hold("release", decided["waiting"]["item"], "--reason", "again", "--lang", "ja")
    assert status == 0
    assert "あと 1 名" in out


def test_provisions_by_recipient_and_person(home: Home, decided: dict[str, Any], hold: Typed) -> None:
    key = ("--key-file", str(home.folder / "key"))
    (record,) = json.loads(hold("provisions", "--json")[1])
    assert (record["path"], record["recipient"], record["persons"], record["held"]) == ("partner/leak.csv", "Partner A", 2, True)
    status, out, _ = hold("provisions", "--recipient", "partner a")
    (row,) = csv.DictReader(io.StringIO(out))
    assert (status, row["purpose"], row["reason"]) == (0, "delivery", "'=contract C-1")
    for args, found in (
        (("--recipient", "Partner B"), 0),
        (("--name", "山田太郎"), 1),
        (("--phone", "09012345678"), 1),
        (("--email", "hanako.sato@example.co.jp", "--name", "佐藤花子"), 1),
        (("--name", "鈴木一郎"), 0),
        (("--name", "山田太郎", "--phone", "03-0000-0000"), 0),
    ):
        assert len(json.loads(hold("provisions", "--json", *args, *key)[1])) == found, args
    assert parquet.read_table(home.hold / "provisions.parquet").num_rows == 1


def test_verify(home: Home, decided: dict[str, Any], hold: Typed, tmp_path: Path) -> None:
    status, out, _ = hold("verify", "--json")
    told = json.loads(out)
    assert (status, told["faults"]) == (0, [])
    head = f"{told['head']['seq']}:{told['head']['hash']}"
    assert hold("verify", "--head", head, "--lang", "en")[0] == 0
    assert "全" in hold("verify", "--lang", "ja")[1] or "ログ" in hold("verify", "--lang", "ja")[1]
    status, out, _ = hold("verify", "--head", f"{told['head']['seq'] + 5}:{'0' * 64}", "--lang", "en")
    assert status == 1
    assert "was told outside" in out
    tampered = tmp_path / "hold"
    shutil.copytree(home.hold, tampered)
    (tampered / "held" / decided["waiting"]["item"] / "content").write_bytes(b"x")
    done = strayscan("hold", "verify", "--hold", tampered)
    assert (done.returncode, done.stderr) == (1, "")
    assert "is not what was scanned" in done.stdout


def test_no_value_anywhere_but_in_what_is_held(home: Home, decided: dict[str, Any], hold: Typed, items: dict[str, str]) -> None:
    """Every byte of the hold folder, of the findings unpacked, of names, notes and what the commands print."""
    texts = {"watch": home.first.stdout + home.first.stderr}
    show = ("show", decided["waiting"]["item"])
    for args in (("list",), ("list", "--json"), show, (*show, "--json"), ("provisions",), ("verify",)):
        texts[" ".join(args)] = "".join(hold(*args)[1:])
    content = {home.hold / "held" / item / "content" for item in items.values()}
    met = 0
    for path in [*home.hold.rglob("*"), *(home.folder / "out").rglob("*.txt"), *(home.folder / "release").rglob("*")]:
        texts[f"name of {path}"] = str(path)
        if path.is_file() and path not in content and path.name != "leak.csv":
            met += 1
            data = path.read_bytes()
            texts[str(path)] = data.decode("utf-8", "replace") + data.decode("utf-16-le", "replace")
            if path.suffix == ".parquet":
                texts[f"columns of {path}"] = str(parquet.read_table(path, partitioning=None).to_pydict())
    assert met > 15
    assert sum(path.suffix == ".parquet" for path in home.hold.rglob("*")) >= 4
    forms = {form for value in VALUES for form in (value, value.replace(" ", ""), value.replace("-", ""))}
    found = [(where, form) for where, text in texts.items() for form in forms if form in text]
    assert found == []


def test_events_in_words(home: Home, decided: dict[str, Any]) -> None:
    """A second watch takes nothing twice: not what came back, not the notes."""
    again = home.watch("--lang", "ja")
    assert again.returncode == 0, again.stderr
    assert "監視開始" in again.stdout
    assert "保留  " not in again.stdout
