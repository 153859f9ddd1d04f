"""`strayscan reveal`: on a terminal only, where the policy allows it, logged before it is shown, and written nowhere."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from pathlib import Path

import pytest

from scanner import api
from scanner.run.reveal import RevealError
from tests.cli.command import COMMAND, one_sentence, strayscan

ALLOWED = 'version: 1\nreveal: {accounts: "*"}\n'
SECRETS = ("090-1111-0003", "09011110003", "7777", "山田")


@pytest.fixture(scope="module")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A share with one table, an archive and a My Number, scanned."""
    import zipfile

    folder = tmp_path_factory.mktemp("reveal")
    share = folder / "share"
    share.mkdir()
    numbers = [f"山田 花子,090-1111-{n:04}" for n in range(20)]
    (share / "list.csv").write_text("氏名,携帯電話\n" + "\n".join(numbers) + "\n", encoding="utf-8")
    (share / "my.txt").write_text("個人番号 1234 5678 9018\n", encoding="utf-8")
    with zipfile.ZipFile(share / "a.zip", "w") as archive:
        archive.writestr("in\x1b[31m.txt", "担当 山田 花子\n携帯電話: 090-7777-7777\n")
    policy = folder / "policy.yaml"
    policy.write_text(ALLOWED)
    done = strayscan("scan", share, "--policy", policy, "--out", folder / "out", "--key-file", _key(folder))
    assert done.returncode == 1, done.stderr
    return folder


def _key(folder: Path) -> Path:
    (folder / "key").write_text("the key of these tests, long enough to be one")
    (folder / "key").chmod(0o600)
    return folder / "key"


def _finding(folder: Path, path: str, entity: str) -> str:
    with api.open_findings(folder / "out") as findings:
        frame = findings.findings()
    return str(frame[(frame["path"] == path) & (frame["entity_type"] == entity)]["finding_id"].iloc[0])


def on_a_terminal(*args: str | Path) -> tuple[int, str, str]:
    """Status, what the terminal showed, and standard error."""
    ours, theirs = pty.openpty()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG", "STRAYSCAN_"))}
    environ = kept | {"LC_ALL": "C.UTF-8", "PYTHONPATH": str(Path(__file__).parents[2])}
    child = subprocess.Popen([*COMMAND, *map(str, args)], stdin=theirs, stdout=theirs, stderr=subprocess.PIPE, env=environ)
    os.close(theirs)
    shown = b""
    try:
        while chunk := os.read(ours, 65_536):
            shown += chunk
    except OSError:  # Linux says EIO when the other side has hung up
        pass
    finally:
        os.close(ours)
    _, errors = child.communicate(timeout=120)
    return child.returncode, shown.decode(), errors.decode()


def test_it_is_shown_on_a_terminal_and_logged_and_nowhere_else(scanned: Path) -> None:
    finding = _finding(scanned, "list.csv", "PHONE_NUMBER")
    args = ("reveal", finding[:12], "--out", scanned / "out", "--policy", scanned / "policy.yaml", "--reason", "is it a test number?")
    status, shown, errors = on_a_terminal(*args, "--most", "4")
    assert (status, errors) == (0, "")
    assert "090-1111-0003  (row 5)" in shown
    assert "090-1111-0004" not in shown
    assert "not what the scan read" not in shown
    log = scanned / "out" / "audit" / "reveals.jsonl"
    entry = json.loads(log.read_text(encoding="utf-8").splitlines()[-1])
    assert (entry["finding_id"], entry["why"], entry["shown"], entry["refused"]) == (finding, "is it a test number?", 4, False)
    assert entry["who"] and entry["at"] and entry["policy"]
    assert (log.stat().st_mode & 0o777, log.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    for path in (scanned / "out").rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert not [value for value in SECRETS if value.encode() in data], path


def test_a_member_of_an_archive(scanned: Path) -> None:
    finding = _finding(scanned, "a.zip", "PHONE_NUMBER")
    args = ("reveal", finding, "--out", scanned / "out", "--policy", scanned / "policy.yaml", "--reason", "whose?")
    status, shown, _ = on_a_terminal(*args)
    assert status == 0
    assert "090-7777-7777  (line 2)" in shown
    assert "\x1b" not in shown


def test_no_terminal_no_value(scanned: Path) -> None:
    finding = _finding(scanned, "list.csv", "PHONE_NUMBER")
    before = (scanned / "out" / "audit" / "reveals.jsonl").read_bytes() if (scanned / "out" / "audit").exists() else b""
    sentence = one_sentence(
        strayscan("reveal", finding, "--out", scanned / "out", "--policy", scanned / "policy.yaml", "--reason", "to keep it")
    )
    assert "on a terminal only" in sentence
    after = (scanned / "out" / "audit" / "reveals.jsonl").read_bytes() if (scanned / "out" / "audit").exists() else b""
    assert before == after


@pytest.mark.parametrize(
    ("policy", "entity", "path", "said"),
    [
        ("version: 1\n", "PHONE_NUMBER", "list.csv", "reveal.accounts"),
        ("version: 1\nreveal: {accounts: [nobody-here]}\n", "PHONE_NUMBER", "list.csv", "reveal.accounts"),
        ('version: 1\nreveal: {accounts: "*", kinds: [EMAIL_ADDRESS]}\n', "PHONE_NUMBER", "list.csv", "reveal.kinds"),
        (ALLOWED, "JP_MY_NUMBER", "my.txt", "reveal.kinds"),
    ],
)
def test_what_the_policy_does_not_allow_is_refused_and_logged(
    scanned: Path, tmp_path: Path, policy: str, entity: str, path: str, said: str
) -> None:
    (tmp_path / "policy.yaml").write_text(policy)
    count = api.reveals_log(scanned / "out")[0]
    with pytest.raises(RevealError, match=said):
        api.reveal(scanned / "out", _finding(scanned, path, entity), tmp_path / "policy.yaml", reason="let me see")
    entries, _, faults = api.reveals_log(scanned / "out")
    assert (entries, faults) == (count + 1, [])


def test_a_regulated_kind_that_the_policy_names(scanned: Path, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text('version: 1\nreveal: {accounts: "*", kinds: [JP_MY_NUMBER]}\n')
    shown = api.reveal(scanned / "out", _finding(scanned, "my.txt", "JP_MY_NUMBER"), tmp_path / "policy.yaml", reason="a customer number?")
    assert [seen.value for seen in shown.values] == ["1234 5678 9018"]
    assert "9018" not in repr(shown)


def test_reasons_that_will_not_do(scanned: Path) -> None:
    finding = _finding(scanned, "list.csv", "PHONE_NUMBER")
    for reason, said in (("  ", "a reason is needed"), ("x" * 300, "at most"), ("is 090 1111 0000 hers?", "holds the value")):
        with pytest.raises(RevealError, match=said) as fault:
            api.reveal(scanned / "out", finding, scanned / "policy.yaml", reason=reason)
        assert "0000 hers" not in str(fault.value)
    assert b"090 1111 0000" not in (scanned / "out" / "audit" / "reveals.jsonl").read_bytes()


def test_findings_that_cannot_be(scanned: Path) -> None:
    for finding, said in (("' OR 1=1 --", "finding_id"), ("abc", "six characters"), ("0" * 32, "no open finding")):
        with pytest.raises(RevealError, match=said):
            api.reveal(scanned / "out", finding, scanned / "policy.yaml", reason="why not")


def test_a_source_that_changed_or_is_gone(scanned: Path) -> None:
    source = scanned / "share" / "list.csv"
    finding, data = _finding(scanned, "list.csv", "PHONE_NUMBER"), source.read_bytes()
    try:
        source.write_bytes(data.replace(b"090-1111-0000", b"090-2222-0000"))
        shown = api.reveal(scanned / "out", finding, scanned / "policy.yaml", reason="now?", most=1)
        assert (shown.changed, shown.values[0].value) == (True, "090-2222-0000")
        source.unlink()
        with pytest.raises(RevealError, match="cannot be read"):
            api.reveal(scanned / "out", finding, scanned / "policy.yaml", reason="now?")
    finally:
        source.write_bytes(data)


def test_a_log_that_was_tampered_with_is_told(scanned: Path, tmp_path: Path) -> None:
    from scanner.run import audit

    for number in range(4):
        audit.append(tmp_path, "reveals", {"who": "a", "why": f"reason {number}"})
    assert api.reveals_log(tmp_path)[2] == []
    log = tmp_path / "audit" / "reveals.jsonl"
    lines = log.read_text().splitlines(keepends=True)
    for tampered, said in (
        ([lines[0], lines[1].replace("reason 1", "reason x"), *lines[2:]], "entry 2 was changed"),
        ([lines[0], *lines[2:]], "entry 2 does not follow"),
        ([*lines[:3], "{\n"], "entry 4 cannot be read"),
    ):
        log.write_text("".join(tampered))
        done = strayscan("reveal", "--out", tmp_path, "--check-log")
        assert (done.returncode, said in done.stdout) == (1, True)
