"""A store with what an export must not stumble over: hostile names, unread objects, findings that were closed."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from scanner.findings.read import open_findings
from scanner.findings.records import Choice
from scanner.redact import Key
from scanner.render.export import Exported, export
from tests.unit.findings.samples import finding_row, object_row, publish

NASTY = (
    '=cmd|" /C calc"!A0.csv',
    "+1+1.txt",
    "-2.txt",
    "@SUM(1).txt",
    "\t=tab.txt",
    " =blank.txt",
    "a;=cmd().txt",
    'a",=b.txt',
    "＝full width.txt",
    "new\nline\r\n=x.txt",
    "esc\x1b[31mred\x9b2J.txt",
    "txt.\u202egpj\u2066.exe",
    "not\\xffutf8\\\\.txt",
    "'quote' \"double\".txt",
    "<script>alert(1)</script>.html",
    "\u2028line\u2029.txt",
    "\ufeffbom\u200b.txt",
    "\U000e0041tag.txt",
)


def hostile(out: Path) -> str:
    """One run over the nasty names; each also as member, sheet, column and owner. Its id."""
    objects, findings = [], []
    for number, name in enumerate(NASTY):
        objects.append(object_row(name) | {"owner": name, "persons": 3, "severity": "high", "verdict": "stray", "department": "営業部"})
        findings.append(stray(name, f"r{number}") | {"place": name, "column": name, "department": "営業部"})
        objects.append(object_row(name, f"in\\!side!{name}", status="unreadable", reason="encrypted") | {"verdict": "unread"})
    return publish(out, objects, findings)


def stray(path: str, rule: str = "r", member: str | None = None) -> dict[str, Any]:
    more = {"verdict": "stray", "reason": "outside_store", "detector": "column", "score": 0.9, "count": 4, "distinct": 3, "first_row": 2}
    return finding_row(path, rule, member=member) | more


def written(out: Path, fmt: str, choice: Choice | None = None, key: Key | None = None) -> tuple[bytes, Exported]:
    stream = io.BytesIO()
    with open_findings(out) as store:
        told = export(store, stream, fmt, choice or Choice(), key)
    return stream.getvalue(), told
