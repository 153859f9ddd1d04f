"""A request kept and checked again: gone only where a run proves it, and no value in any byte of it."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from scanner import api
from scanner.find.cases import Verified
from scanner.find.query import Subject
from scanner.findings.errors import StoreError
from scanner.findings.store import open_store
from tests.unit.find.samples import KEY, Cell, key_file, publish
from tests.unit.findings.samples import ROOT, object_row, told

MAIL: Cell = ("EMAIL_ADDRESS", "h@example.jp", "mail", [2])
PHONE: Cell = ("PHONE_NUMBER", "090-0000-1234", "tel", [2])
NAME: Cell = ("PERSON", "山田花子", "name", [2])
HERS = (MAIL, PHONE, NAME)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def keep(out: Path, case: str = "2026-001") -> None:
    api.search(out, Subject("ヤマダハナコ", "090-0000-1234", "h@example.jp"), key_file=key_file(out.parent), case=case)


def states(found: Verified) -> set[tuple[str, str, str | None]]:
    return {(place.match["path"], place.state, place.why) for place in found.places}


def test_every_state_is_told_apart(out: Path) -> None:
    names = ("left", "same", "changed", "deleted", "locked", "excluded")
    publish(out, dict.fromkeys(names, HERS))
    keep(out)
    publish(
        out,
        {"left": HERS, "same": [], "changed": [("EMAIL_ADDRESS", "x@example.jp", "mail", [2])], "locked": [], "excluded": []},
        status={"same": "unchanged", "locked": "unreadable", "excluded": "excluded"},
        verdict={"same": "stray"},
    )
    found = api.verify_case(out, "2026-001")
    assert states(found) == {
        ("left", "left", None), ("same", "left", None), ("changed", "gone_value", None), ("deleted", "gone_object", None),
        ("locked", "unread", "encrypted"), ("excluded", "not_looked", "excluded"),
    }  # fmt: skip
    assert (found.counts["left"], found.exit_status) == (6, 3)
    assert {place.run_id for place in found.places} == {found.newest_run}


def test_nothing_is_gone_before_somebody_looked(out: Path) -> None:
    publish(out, {"a": HERS})
    keep(out)
    assert states(api.verify_case(out, "2026-001")) == {("a", "not_looked", "no_run_since")}
    publish(out, {}, outcome="stopped")
    publish(out, {}, roots=["/other"])
    found = api.verify_case(out, "2026-001")
    assert (states(found), found.exit_status) == ({("a", "not_looked", "no_run_since")}, 3)
    publish(out, {})
    found = api.verify_case(out, "2026-001")
    assert (states(found), found.exit_status) == ({("a", "gone_object", None)}, 0)


def test_a_folder_that_the_policy_leaves_out_now_proves_nothing(out: Path) -> None:
    publish(out, {"hr/a": HERS})
    keep(out)
    publish(out, {"hr/": []}, status={"hr/": "excluded"})
    assert states(api.verify_case(out, "2026-001")) == {("hr/a", "not_looked", "excluded")}


def test_members_go_with_their_container_only_if_it_was_read(out: Path) -> None:
    def run(status: str, member: bool) -> None:
        store = open_store(out, KEY.key_id)
        run_id = store.new_run_id()
        with store.begin(run_id, [ROOT]) as writer:
            writer.objects([object_row("a.zip", status=status, reason=None if status == "scanned" else "encrypted")])
            if member:
                writer.objects([object_row("a.zip", "in.csv")])
                writer.values(_member_values(run_id))
            writer.commit(told())

    run("scanned", True)
    keep(out)
    run("unreadable", False)
    assert {place.state for place in api.verify_case(out, "2026-001").places} <= {"unread", "not_looked"}
    run("excluded", False)
    assert {place.state for place in api.verify_case(out, "2026-001").places} == {"not_looked"}
    run("scanned", False)
    assert {place.state for place in api.verify_case(out, "2026-001").places} == {"gone_object"}


def _member_values(run_id: str) -> object:
    import pyarrow as pa

    from scanner.findings.schema import VALUES
    from tests.unit.find.samples import PRINTS

    tag = PRINTS.one("EMAIL_ADDRESS", "h@example.jp")
    row = {
        "run_id": run_id,
        "object_id": f"{ROOT}|a.zip|in.csv",
        "entity_type": "EMAIL_ADDRESS",
        "fingerprint": tag,
        "rows": [2],
        "count": 1,
    }
    return pa.RecordBatch.from_pylist([row | {"place": None, "column": "mail"}], VALUES)


def test_a_correction_shows_which_old_values_stand(out: Path) -> None:
    """The phone was corrected in one file of two; a copy was made meanwhile."""
    publish(out, {"crm": HERS, "list": HERS})
    keep(out)
    corrected: Cell = ("PHONE_NUMBER", "090-9999-9999", "tel", [2])
    publish(out, {"crm": [MAIL, corrected, NAME], "list": HERS, "copy": [PHONE]})
    found = api.verify_case(out, "2026-001")
    assert [(p.match["path"], p.match["found"]) for p in found.places if p.state == "gone_value"] == [("crm", "phone")]
    assert found.standing["phone (exact)"] == 1
    assert [(m.path, m.found, m.strength) for m in found.new] == [("copy", "phone", "strong")]
    assert found.exit_status == 1


def test_a_damaged_store_proves_nothing(out: Path) -> None:
    publish(out, {"a": HERS, "b": HERS})
    keep(out)
    run_id = publish(out, {"a": HERS, "b": HERS})
    next((out / "values" / f"run={run_id}").glob("*.parquet")).unlink()
    found = api.verify_case(out, "2026-001")
    assert {place.state for place in found.places} == {"not_looked"}
    assert found.exit_status == 3


def test_the_file_is_private_whole_and_holds_no_value(out: Path) -> None:
    publish(out, {"a.csv": HERS})
    keep(out)
    api.verify_case(out, "2026-001")
    path = out / "cases" / "2026-001.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [p.name for p in path.parent.iterdir()] == ["2026-001.json"]
    text = path.read_text(encoding="utf-8")
    secrets = ("山田", "花子", "ヤマダ", "hanako", "h@", "example.jp", "0000-1234", "09000001234", "00001234")
    assert not [value for value in secrets if value in text]
    data = json.loads(text)
    assert [(m["path"], m["rows"]) for m in data["matches"]] == [("a.csv", [2])] * 3
    assert (len(data["checks"]), data["key_id"]) == (1, KEY.key_id)


def test_names_and_files_of_cases_that_cannot_be(out: Path) -> None:
    publish(out, {"a": HERS})
    for name in ("", "../x", "a/b", ".hidden", "山田", "x" * 65):
        with pytest.raises(StoreError, match="a case's name"):
            keep(out, name)
    keep(out)
    with pytest.raises(StoreError, match="already"):
        keep(out)
    with pytest.raises(StoreError, match="no case"):
        api.verify_case(out, "2026-002")
    path = out / "cases" / "2026-001.json"
    for text in ("", "{}", "[]", path.read_text().replace('"fingerprint": "', '"fingerprint": "zz'), '{"version": 1}'):
        path.with_name("bad.json").write_text(text)
        with pytest.raises(StoreError, match="damaged"):
            api.verify_case(out, "bad")
    path.with_name("new.json").write_text('{"version": 99}')
    with pytest.raises(StoreError, match="newer version"):
        api.verify_case(out, "new")
    path.write_text(path.read_text().replace(KEY.key_id, "0123456789abcdef"))
    with pytest.raises(StoreError, match=f"{KEY.key_id}.*0123456789abcdef"):
        api.verify_case(out, "2026-001")
