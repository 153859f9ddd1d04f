"""The pages on the gate keep their word: the unit is sound, its options exist, every key and every number of health is told."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import yaml

from scanner.outbound.gate import Gate
from scanner.policy import load
from scanner.policy.outbound import OutboundPolicy, RecipientRule
from tests.unit.run.test_schedule import units

DOCS = Path(__file__).parents[3] / "docs"
HOW_TO = DOCS / "how-to" / "watch-an-outbound-folder.md"
NAME = "strayscan-watch.service"


def test_the_unit_is_sound(tmp_path: Path) -> None:
    text = units(HOW_TO)[NAME]
    keys = [line for line in text.splitlines() if line and not line.startswith(("#", "["))]
    assert all(re.fullmatch(r"[A-Z][A-Za-z]+=(\S.*)?", line) for line in keys)
    assert {"Type=notify", "ExecReload=/bin/kill -HUP $MAINPID", "NoNewPrivileges=yes", "ProtectSystem=strict"} <= set(keys)
    (tmp_path / NAME).write_text(text.replace("/opt/strayscan/bin/strayscan", sys.executable), encoding="utf-8")
    verify = shutil.which("systemd-analyze")
    if verify is not None:
        done = subprocess.run([verify, "verify", str(tmp_path / NAME)], capture_output=True, text=True, check=False)
        assert not [line for line in done.stderr.splitlines() if "strayscan" in line]


def test_options_of_the_unit_exist() -> None:
    from scanner.cli.watch import command

    known = {option for parameter in command.params for option in parameter.opts}
    (line,) = [line for line in units(HOW_TO)[NAME].splitlines() if line.startswith("ExecStart=")]
    used = set(re.findall(r"(?<=\s)--[a-z-]+", line))
    assert len(used) >= 5
    assert used <= known


def test_what_the_unit_may_write_is_what_the_watch_is_given() -> None:
    text = units(HOW_TO)[NAME]
    start = re.search(r"^ExecStart=\S+ watch (\S+) .*--release (\S+) --hold (\S+)", text, re.MULTILINE)
    writable = re.search(r"^ReadWritePaths=(.+)$", text, re.MULTILINE)
    assert start is not None and writable is not None
    assert writable[1].split() == list(start.groups())


def test_every_key_of_the_outbound_block_is_told() -> None:
    text = (DOCS / "reference" / "policy.md").read_text(encoding="utf-8").split("## Outbound")[1].split("\n## ")[0]
    told = set(re.findall(r"`(\w+)`", "\n".join(line.split("|")[1] for line in text.splitlines() if line.startswith("| `"))))
    assert told == {one.name for one in (*fields(OutboundPolicy), *fields(RecipientRule))}


def test_the_policies_on_the_pages_are_taken(tmp_path: Path) -> None:
    """Those with an outbound block."""
    met = 0
    for page in (HOW_TO, DOCS / "reference" / "policy.md"):
        for text in re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.S):
            if "outbound" in (yaml.safe_load(text) or {}):
                (tmp_path / "policy.yaml").write_text(text, encoding="utf-8")
                assert load(tmp_path / "policy.yaml").outbound.rules
                met += 1
    assert met == 2


def test_every_number_to_alert_on_is_one_that_health_tells() -> None:
    import inspect

    given = set(re.findall(r"^\s+(\w+)=", inspect.getsource(Gate._report), re.MULTILINE)) | {"ok", "at"}
    section = HOW_TO.read_text(encoding="utf-8").split("## Watch the watch")[1]
    told = {word for line in section.splitlines() if line.startswith("| `") for word in re.findall(r"`(\w+)`", line) if word != "ok"}
    assert told <= given
    assert {"queue", "oldest_seconds", "found_by_reconciling", "last_error"} <= told
