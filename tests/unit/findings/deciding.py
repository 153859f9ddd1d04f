"""Runs over an invented share for tests of decisions: each file is given by the values that stand in it."""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scanner.findings.decide import Triage, Wanted
from scanner.findings.read import Findings, open_findings
from scanner.findings.store import open_store
from scanner.person import Person
from tests.unit.findings.samples import KEY_ID, ROOT, finding_row, object_row, told, value_batch

TODAY = datetime.date(2026, 5, 1)
ALICE = Person(1001, "alice")

Contents = Mapping[str, set[int] | str]
"""Path -> fingerprints of what is found in it, or the reason for which it cannot be read."""


def scan(
    out: Path, contents: Contents, *, outcome: str = "complete", kind: str = "PERSON", hashes: Mapping[str, str] = {}, root: str = ROOT
) -> str:
    """One whole run over the share; its name. `kind` JP_MY_NUMBER leaves no fingerprints; `hashes`: what the content of a file is told to
    be (else nothing), so that two runs may have read the same bytes."""
    store = open_store(out, KEY_ID)
    run_id = store.new_run_id()
    with store.begin(run_id, [root]) as writer:
        for path, held in contents.items():
            how = {"status": "unreadable", "reason": held} if isinstance(held, str) else {}
            told_hash = {"content_hash": hashes.get(path), "engine_digest": "engine", "severity": "high"}
            writer.objects([object_row(path, root=root, **how) | told_hash])
            if isinstance(held, set) and held:
                found = {"entity_type": kind, "column": "c", "distinct": len(held), "count": len(held), "verdict": "stray"}
                writer.findings([finding_row(path, root=root) | found | {"department": path.split("/")[0]}])
                if kind == "PERSON":
                    writer.values(value_batch(run_id, sorted(held), path, root=root))
        writer.commit(told(outcome, [root]))
    return run_id


def number(path: str, root: str = ROOT) -> str:
    """The finding_id of what `scan` finds in a file."""
    return f"{root}|{path}|None|r"


def object_number(path: str, root: str = ROOT) -> str:
    return f"{root}|{path}|None"


def wanted(*paths: str) -> Wanted:
    return Wanted(tuple(map(number, paths)))


def desk(out: Path, today: datetime.date = TODAY) -> Triage:
    return Triage(out, person=ALICE, today=today)


def states(out: Path, today: datetime.date = TODAY) -> dict[str, tuple[str, str | None]]:
    """Path -> state and why it is open again, of every finding there ever was."""
    with open_findings(out, today) as found:
        assert found.problems == []
        return {row["path"]: (row["state"], row["reopened"]) for row in rows(found)}


def rows(found: Findings) -> list[dict[str, Any]]:
    frames = (found.findings(arrow=True), found.findings(closed=True, arrow=True))
    return list(itertools.chain.from_iterable(frame.to_pylist() for frame in frames))


def one(out: Path, path: str, today: datetime.date = TODAY) -> dict[str, Any]:
    with open_findings(out, today) as found:
        (row,) = [row for row in rows(found) if row["path"] == path]
        return row


def one_object(out: Path, path: str, today: datetime.date = TODAY) -> dict[str, Any]:
    with open_findings(out, today) as found:
        (row,) = [row for row in found.objects(arrow=True).to_pylist() if row["path"] == path]
        return row


def one_or_none(out: Path, path: str, today: datetime.date = TODAY) -> dict[str, Any] | None:
    with open_findings(out, today) as found:
        return next((row for row in rows(found) if row["path"] == path), None)
