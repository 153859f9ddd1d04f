"""Runs and decisions of any kind, then a purge at any limit: what holds reads the same, and so it does after a further run."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.findings import compact, purge, runs
from scanner.findings.decide import DecisionError
from scanner.findings.read import open_findings
from scanner.findings.store import open_store
from tests.unit.findings.deciding import TODAY, desk, wanted
from tests.unit.findings.samples import KEY_ID, ROOT, finding_row, object_row, row, told, value_batch
from tests.unit.findings.test_purge import after

NAMES = (("f/a", None), ("f/b", None), ("z", None), ("z", "in"), ("f/", None))
HOW = st.one_of(
    st.none(),
    st.tuples(
        st.sampled_from(("scanned", "partial", "unchanged", "judged", "unreadable", "excluded")), st.sets(st.integers(1, 3), max_size=2)
    ),
)
"""Not met; or met so, with these values in it where it was read, and findings of the rules that their numbers name."""
LOOKED_INTO = ("scanned", "partial", "unchanged", "judged")
RUNS = st.tuples(
    st.just("run"),
    st.sampled_from(("complete", "complete", "complete", "incomplete")),
    st.sampled_from((ROOT, ROOT, f"{ROOT}/f")),
    st.fixed_dictionaries(dict.fromkeys(NAMES, HOW)),
)
ORDERS = st.tuples(st.sampled_from(("ignore", "reopen", "assign", "measure", "compact")), st.sampled_from(("f/a", "z")))
Step = tuple[Any, ...]


@pytest.fixture(autouse=True, scope="module")
def _no_waiting_for_the_disk() -> None:
    patch = pytest.MonkeyPatch()
    patch.setattr(os, "fsync", lambda handle: None)


@settings(max_examples=5, deadline=None)
@given(st.lists(st.one_of(RUNS, RUNS, ORDERS), min_size=3, max_size=7), st.integers(0, 6), RUNS)
def test_what_holds_is_the_same(steps: list[Step], limit: int, later: Step) -> None:
    with tempfile.TemporaryDirectory(prefix="purge-") as folder:
        whole, out = Path(folder) / "whole", Path(folder) / "out"
        _run(whole, "complete", ROOT, dict.fromkeys(NAMES[:4], ("scanned", {1, 2})))
        for step in steps:
            if step[0] == "run":
                _run(whole, *step[1:])
            else:
                _decide(whole, *step)
        shutil.copytree(whole, out)
        known = runs.committed(out)
        with purge.purging(out):
            purge.carry_out(out, purge.plan(out, after(known[limit % len(known)]), verify=True))
        before, now = _told(whole), _told(out)
        assert {name: list(rows.values()) for name, rows in now.items()} == {name: list(rows.values()) for name, rows in before.items()}
        left = _ids(whole) - _ids(out)
        run_id = open_store(whole, KEY_ID).new_run_id()
        for store in (whole, out):
            _run(store, *later[1:], run_id=run_id)
        before, now = _told(whole), _told(out)
        for name, rows in before.items():
            kept = {one: told for one, told in rows.items() if not left & set(one)}
            assert {one: told for one, told in now[name].items() if not left & set(one)} == kept, "but for what was gone for long"


def _run(out: Path, outcome: str, root: str, held: Mapping[tuple[str, str | None], tuple[str, set[int]] | None], run_id: str = "") -> None:
    """The files are named from the root of all, also by a run over a folder in it. A member is met where its file was looked into."""
    store = open_store(out, KEY_ID)
    run_id = run_id or store.new_run_id()
    with store.begin(run_id, [root]) as writer:
        for (path, member), how in held.items():
            if how is None or not f"{ROOT}/{path}".startswith(root):
                continue
            if member is not None and (held[path, None] or ("not met",))[0] not in LOOKED_INTO:
                continue
            status, numbers = how
            if path.endswith("/"):
                status, numbers = "unreadable", set()
            reason = {"partial": "timeout", "unreadable": "permission"}.get(status)
            writer.objects([object_row(path, member, "unchanged" if status == "judged" else status, reason=reason) | {"scanned_at": 0}])
            if status in ("scanned", "partial", "judged"):
                writer.findings([finding_row(path, f"r{n}", member=member) | {"verdict": "stray", "column": "c"} for n in numbers])
            if status in ("scanned", "partial") and numbers:
                batch = value_batch(run_id, sorted(numbers), path)
                at = batch.schema.get_field_index("object_id")
                import pyarrow as pa

                writer.values(batch.set_column(at, "object_id", pa.array([f"{ROOT}|{path}|{member}"] * len(batch), pa.string())))
                copied = {"object_id": f"{ROOT}|{path}|{member}", "root": ROOT, "path": path, "member": member}
                writer.copies([row("copies", **copied, store="s", matched_records=len(numbers))])
        writer.commit(told(outcome, [root]))


def _decide(out: Path, action: str, path: str) -> None:
    if action == "compact":
        import datetime

        compact.compact(out, datetime.timedelta(0))
        return
    which = wanted()
    which = type(which)(tuple(f"{ROOT}|{path}|None|r{n}" for n in (1,)))
    with desk(out) as order, suppress(DecisionError):
        if action == "ignore":
            order.ignore(which, "r")
        elif action == "reopen":
            order.reopen(which, "r")
        elif action == "assign":
            order.assign(which, "someone", TODAY)
        else:
            order.measure(which, "c", "m", TODAY)


def _told(out: Path) -> dict[str, dict[tuple[Any, ...], str]]:
    """Table -> ids of a row -> the row, of all that holds now."""
    with open_findings(out, TODAY) as found:
        assert found.problems == []
        tables = {}
        for name, query in (
            *((table, f'SELECT * FROM "{table}"') for table in ("objects", "findings", "copies", "values")),
            ("aside", "SELECT * FROM closed_findings WHERE state <> 'closed'"),
        ):
            rows = found.sql(query, arrow=True).to_pylist()
            ids = ("object_id", "finding_id", "run_id", "fingerprint", "store")
            tables[name] = dict(sorted((tuple(str(one.get(i)) for i in ids), str(one)) for one in rows))
        return tables


def _ids(out: Path) -> set[str]:
    """Of objects and findings of which there is a row."""
    with open_findings(out) as found:
        query = "SELECT object_id AS id FROM all_objects UNION SELECT finding_id FROM all_findings"
        return {row["id"] for row in found.sql(query, arrow=True).to_pylist()}
