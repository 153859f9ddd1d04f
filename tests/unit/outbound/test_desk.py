"""The desk: who may decide, when a file goes, what is written down, and what a check finds."""

from __future__ import annotations

import csv
import io
import os
import shutil
import sqlite3
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from scanner.outbound.desk import DeskError, NotNow, Person
from scanner.outbound.disk import Disk
from scanner.outbound.state import broken_chain
from tests.unit.outbound.gated import LEAK, SATO, SENDER, TANAKA, Gated


class FullDisk(Disk):
    """Refuses steps of one kind."""

    def __init__(self, what: str) -> None:
        self._what = what

    def step(self, what: str) -> None:
        if what == f"before {self._what}":
            raise sqlite3.OperationalError("database or disk is full") if self._what == "commit" else OSError(28, "No space left on device")


def refused(gated: Gated, person: Person, words: str, order: str = "release") -> None:
    """The order fails, in one sentence, and nothing has moved."""
    before = gated.files("release", "hold/held")
    with gated.desk(person) as desk:
        (one,) = desk.held()
        with pytest.raises(DeskError, match=words) as caught:
            desk.release(one.item, "why") if order == "release" else desk.reject(one.item, "why")
        assert "\n" not in str(caught.value)
        assert [each.state for each in desk.held()] == ["held"]
    assert gated.files("release", "hold/held") == before


# --------------------------------------------------------------------------- who may decide


def test_a_release_that_one_person_agrees_to(gated: Gated) -> None:
    item = gated.hold_one("sub/leak.txt")
    with gated.desk() as desk:
        answer = desk.release(item[:12], "  contract\n C-1 ")
        assert (answer.state, answer.path, desk.held()) == ("sent", "sub/leak.txt", [])
    assert gated.files() == {"release/sub/leak.txt": LEAK}
    assert gated.notes() == []
    told = dict(gated.log())
    assert told["approve"]["reason"] == "contract C-1"
    assert told["sent"]["by"] == ["sato (4321)"]
    assert (gated.hold / "receipts" / f"{item}.json").exists()


def test_nobody_releases_a_file_of_their_own(gated: Gated) -> None:
    gated.hold_one()
    refused(gated, SENDER, "of their own")
    assert ("refused", {"order": "release", "why": "own file"}) in gated.log()


def test_the_sender_may_be_told_by_the_folder(gated: Gated) -> None:
    gated.say("sender: folder")
    gated.hold_one("sato/leak.txt")
    refused(gated, SATO, "of their own")
    with gated.desk(SENDER) as desk:
        assert desk.release(desk.held()[0].item, "why").state == "sent"


@pytest.mark.parametrize("way", ["unknown", "folder", "squashed"])
def test_where_the_sender_is_unknown_two_people_must_agree(gated: Gated, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    if way == "squashed":  # as an NFS server maps everybody to one account
        monkeypatch.setattr("scanner.outbound.gate._SQUASHED", frozenset({os.geteuid()}))
    else:
        gated.say(f"sender: {way}")
    item = gated.hold_one()
    with gated.desk(SENDER) as desk:
        answer = desk.release(item, "mine")
        assert (answer.state, answer.missing) == ("waiting", 1)
        assert (desk.release(item, "once more").state, len(desk.approvals(item))) == ("waiting", 1)
    assert gated.files() == {}
    with gated.desk(SATO) as desk:
        assert desk.release(item, "ours").state == "sent"
    assert dict(gated.log())["sent"]["by"] == [str(SENDER), str(SATO)]


def test_a_rule_may_ask_for_more_people(gated: Gated) -> None:
    gated.say("default: {approvals: 3}")
    item = gated.hold_one()
    for person, missing in ((SATO, 2), (TANAKA, 1)):
        with gated.desk(person) as desk:
            assert desk.release(item, "why").missing == missing
    with gated.desk(Person(9_999, "suzuki")) as desk:
        assert desk.release(item, "why").state == "sent"


def test_an_agreement_that_has_expired_counts_no_more(gated: Gated, monkeypatch: pytest.MonkeyPatch) -> None:
    gated.say("default: {approvals: 2}")
    item = gated.hold_one()
    now = time.time()
    with gated.desk(SATO) as desk:
        with pytest.raises(DeskError, match="has passed"):
            desk.release(item, "why", now - 1)
        assert desk.release(item, "why", now + 3_600).state == "waiting"
    monkeypatch.setattr(time, "time", lambda: now + 3_601)
    with gated.desk(TANAKA) as desk:
        assert desk.release(item, "why").missing == 1, "the first one is void"
        assert [each.who for each in desk.approvals(item)] == [str(TANAKA)]
    with gated.desk(SATO) as desk:
        assert desk.release(item, "again").state == "sent"


@pytest.mark.parametrize("order", ["release", "reject"])
def test_only_approvers_that_the_policy_names(gated: Gated, order: str) -> None:
    gated.say("approvers: [sato]")
    gated.hold_one()
    refused(gated, TANAKA, "none of the approvers", order)
    assert ("refused", {"order": "decide", "why": "no approver"}) in gated.log()
    with gated.desk(SATO) as desk:
        assert desk.release(desk.held()[0].item, "why").state == "sent"


@pytest.mark.parametrize("reason", ["", " \n\t"])
def test_a_reason_is_needed(gated: Gated, reason: str) -> None:
    item = gated.hold_one()
    with gated.desk() as desk, pytest.raises(DeskError, match="reason"):
        desk.release(item, reason)
    with gated.desk() as desk, pytest.raises(DeskError, match="reason"):
        desk.reject(item, reason)
    assert len(gated.held()) == 1
    assert gated.files() == {}


def test_a_number_that_fits_none_or_several(gated: Gated) -> None:
    gated.hold_one("a.txt")
    gated.hold_one("b.txt")
    with gated.desk() as desk:
        for number, words in (("x", "no held file"), ("2", "more than one")):
            with pytest.raises(DeskError, match=words):
                desk.find(number)


# --------------------------------------------------------------------------- what becomes of it


def test_a_rejected_file_goes_back_and_is_not_taken_again(gated: Gated) -> None:
    item = gated.hold_one()
    with gated.desk() as desk:
        answer = desk.reject(item, "not theirs to have")
    assert (answer.state, answer.path) == ("returned", "leak.txt")
    assert gated.files() == {"out/leak.txt": LEAK}
    assert gated.notes() == ["leak.txt.returned.txt"]
    gated.watch()
    assert gated.held() == []
    gated.drop(data=LEAK + b"changed\n")
    gated.watch()
    assert len(gated.held()) == 1, "what was changed is a new file"


def test_a_rejected_file_may_be_destroyed_with_a_record_of_it(gated: Gated) -> None:
    gated.say("rejected: destroy")
    item = gated.hold_one()
    with gated.desk() as desk:
        assert desk.reject(item, "never").state == "destroyed"
    assert gated.files("out", "release", "hold/held") == {}
    assert gated.notes() == ["leak.txt.removed.txt"]
    told = dict(gated.log())["destroyed"]
    assert (told["kinds"], told["persons"], told["path"], told["size"]) == ({"PERSON": 1}, 1, "leak.txt", len(LEAK))
    assert told["by"] == [{"who": "sato (4321)", "reason": "never"}]


def test_a_taken_name_keeps_it_held(gated: Gated) -> None:
    item = gated.hold_one()
    (gated.release / "leak.txt").write_bytes(b"another")
    with gated.desk() as desk:
        with pytest.raises(DeskError, match="stays held"):
            desk.release(item, "why")
        assert [(one.state, one.fault) for one in desk.held()] == [("held", "name_taken")]
        assert desk.verify().faults == ()
    assert gated.files("release") == {"release/leak.txt": b"another"}
    (gated.release / "leak.txt").unlink()
    with gated.desk() as desk:
        assert desk.release(item, "why").state == "sent"


@pytest.mark.parametrize("order", ["release", "reject"])
def test_what_was_tampered_with_stays_held(gated: Gated, order: str) -> None:
    item = gated.hold_one()
    (gated.hold / "held" / item / "content").write_bytes(b"other bytes")
    refused(gated, SATO, "not what was scanned", order)


@pytest.mark.parametrize(("order", "step"), [("release", "link"), ("release", "rename"), ("reject", "create"), ("reject", "renameat2")])
def test_an_order_that_the_disk_refuses_is_carried_out_later(gated: Gated, order: str, step: str) -> None:
    item = gated.hold_one()
    with gated.desk(disk=FullDisk(step)) as desk:
        with pytest.raises(NotNow, match="No space left"):
            desk.release(item, "why") if order == "release" else desk.reject(item, "why")
        assert desk.held()[0].state in ("sending", "returning")
        with pytest.raises(DeskError, match="another order"):
            desk.reject(item, "why")
    gated.watch()
    assert gated.held() == []
    assert gated.files() == {"release/leak.txt" if order == "release" else "out/leak.txt": LEAK}
    with gated.desk() as desk:
        assert desk.verify().faults == ()


def test_a_state_that_cannot_be_written_decides_nothing(gated: Gated) -> None:
    item = gated.hold_one()
    with gated.desk(disk=FullDisk("commit")) as desk:
        assert [one.item for one in desk.held()] == [item]
        with pytest.raises(NotNow, match="disk is full"):
            desk.release(item, "why")
    with gated.desk() as desk:
        assert desk.approvals(item) == []
        assert desk.release(item, "why").state == "sent"


def test_no_hold_folder(tmp_path: Path) -> None:
    from scanner.outbound.desk import Desk

    with pytest.raises(DeskError, match="no watch has held files here"):
        Desk(tmp_path)


def test_a_hold_folder_of_another_account(gated: Gated) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can be somebody else")
    gated.hold_one()
    os.seteuid(12_345)
    try:
        with pytest.raises(DeskError, match="cannot be entered: Permission denied"):
            gated.desk()
    finally:
        os.seteuid(0)


def test_a_state_that_is_damaged_is_one_sentence(gated: Gated) -> None:
    gated.hold_one()
    with pytest.raises(NotNow, match="cannot be read"), gated.desk() as desk:
        desk.state._db.execute("DROP TABLE held")
        desk.held()


# --------------------------------------------------------------------------- checking


def faults_after(gated: Gated, change: Callable[[str], object], heads: dict[int, str] | None = None) -> tuple[str, tuple[str, ...]]:
    """What a check finds of two held files after one was tampered with; its item."""
    item = gated.hold_one()
    gated.hold_one("other.txt")
    with gated.desk() as desk:
        assert desk.verify().faults == ()
    change(item)
    with gated.desk() as desk:
        return item, desk.verify(heads).faults


def in_state(gated: Gated, sql: str, *values: Any) -> None:
    with sqlite3.connect(gated.hold / ".gate" / "state.sqlite") as database:
        assert database.execute(sql, values).rowcount >= 1
    database.close()


def content(gated: Gated, item: str) -> Path:
    return gated.hold / "held" / item / "content"


def receipt(gated: Gated, item: str) -> Path:
    return gated.hold / "held" / item / "receipt.json"


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda gated, item: content(gated, item).write_bytes(b"x"), "the content of {item} is not what was scanned"),
        (lambda gated, item: content(gated, item).unlink(), "the content of {item} is missing"),
        (lambda gated, item: receipt(gated, item).unlink(), "the receipt of {item} is missing"),
        (lambda gated, item: receipt(gated, item).write_bytes(b"{}"), "the receipt of {item} was changed"),
        (lambda gated, item: shutil.rmtree(gated.hold / "held"), "the content of {item} is missing"),
        (lambda gated, item: (gated.hold / "held" / "planted").mkdir(), "planted lies in the hold folder, and nothing is known of it"),
        (lambda gated, item: in_state(gated, "DELETE FROM held WHERE item = ?", item), "{item} was held and is not among the held files"),
        (
            lambda gated, item: in_state(gated, "INSERT INTO approvals VALUES (?, 'sato (4321)', 1.0, 'forged', NULL)", item),
            "sato (4321) agreed to the release of {item}, and the log does not say so",
        ),
        (
            lambda gated, item: in_state(gated, "UPDATE held SET sent = replace(sent, 'uid:', 'uid:1') WHERE item = ?", item),
            "what is known of {item} is not what the log says",
        ),
        (lambda gated, item: in_state(gated, "UPDATE log SET who = 'nobody' WHERE seq = 2"), "entry 2 was changed"),
        (lambda gated, item: in_state(gated, "UPDATE log SET told = '{}' WHERE seq = 3"), "entry 3 was changed"),
        (lambda gated, item: in_state(gated, "UPDATE log SET told = '{' WHERE seq = 3"), "entry 3 was changed"),
        (lambda gated, item: in_state(gated, "DELETE FROM log WHERE seq = 2"), "entries 2 to 2 are missing"),
        (lambda gated, item: in_state(gated, "DELETE FROM log WHERE seq = 1"), "entries 1 to 1 are missing"),
        (
            lambda gated, item: in_state(gated, "DELETE FROM log WHERE what = 'held' AND item = ?", item),
            "{item} is held, and the log does not say so",
        ),
    ],
)
def test_a_check_finds_what_was_tampered_with(gated: Gated, change: Callable[[Gated, str], object], fault: str) -> None:
    item, faults = faults_after(gated, lambda item: change(gated, item))
    assert fault.format(item=item) in faults


def test_a_log_that_was_cut_off_or_rewritten_shows_against_what_was_told_outside(gated: Gated) -> None:
    gated.watch()
    gated.watch()
    with gated.desk() as desk:
        seq, digest = desk.verify().head
        assert seq >= 2
        assert desk.verify({seq: digest}).faults == ()
        in_state(gated, "DELETE FROM log WHERE seq = ?", seq)
        assert desk.verify().faults == (), "a cut cannot be seen from within"
        assert desk.verify({seq: digest}).faults == (f"the log ends before entry {seq}, which was told outside",)
        with desk.state.transaction():
            desk.state.log("start", None, None, forged=True)
        assert desk.verify({seq: digest}).faults == (f"entry {seq} is not the one that was told outside",)


def test_the_chain_itself(gated: Gated) -> None:
    gated.hold_one()
    with gated.desk() as desk:
        entries = list(desk.state.entries())
    assert broken_chain(entries, {}) == []
    assert len(entries) >= 3
    for place, entry in enumerate(entries):
        rewritten = replace(entry, who="forged")
        sealed = replace(rewritten, hash=rewritten.computed())
        forged = [*entries[:place], sealed, *entries[place + 1 :]]
        assert broken_chain(forged, {}) == (
            [f"entry {entry.seq + 1} does not follow the one before it"] if place < len(entries) - 1 else []
        )
        assert broken_chain([*entries[:place], rewritten, *entries[place + 1 :]], {}) == [f"entry {entry.seq} was changed"]
        if place < len(entries) - 1:  # tied to the next one again, which shows there
            tied = replace(entries[place + 1], prev=sealed.hash)
            assert broken_chain([*forged[: place + 1], tied, *entries[place + 2 :]], {}) == [f"entry {entry.seq + 1} was changed"]


# --------------------------------------------------------------------------- provisions to third parties


RULE = 'rules: [{paths: ["partner/**"], recipient: \'=Partner\', country: JP, purpose: "-1+1", contract: C-1}]'


def test_records_of_what_was_provided(gated: Gated) -> None:
    gated.say(RULE)
    first, second = gated.hold_one("partner/leak.txt"), gated.hold_one("leak.txt")
    with gated.desk() as desk:
        desk.release(first, "@agreed")
        desk.release(second, "agreed")
        assert len(desk.provisions()) == 2
        (record,) = desk.provisions("partner")
        assert desk.provisions("another") == []
    expected = {
        "provision_id": first, "recipient": "=Partner", "country": "JP", "purpose": "-1+1", "contract": "C-1", "path": "partner/leak.txt",
        "size_bytes": len(LEAK), "entity_types": ["PERSON"], "persons": 1, "approved_by": ["sato (4321)"], "reason": "@agreed",
    }  # fmt: skip
    assert {name: record[name] for name in expected} == expected
    table = parquet.read_table(gated.hold / "provisions.parquet")
    assert table.num_rows == 2
    assert str(table.schema.field("provided_at").type) == "timestamp[us, tz=UTC]"
    assert table.column("entity_types").to_pylist() == [["PERSON"], ["PERSON"]]
    text = (gated.hold / "provisions.csv").read_text("utf-8-sig")
    row = next(iter(csv.DictReader(io.StringIO(text))))
    assert (row["recipient"], row["purpose"], row["reason"]) == ("'=Partner", "'-1+1", "'@agreed")


def test_a_file_without_personal_data_makes_no_record(gated: Gated) -> None:
    gated.drop("clean.txt", b"nothing\n")
    item = gated.hold_one("closed.zip", b"encrypted file")
    with gated.desk() as desk:
        desk.release(item, "opened by hand")
        assert desk.provisions() == []
