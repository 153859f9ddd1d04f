"""Decisions: what was found, and how far a file was read, against the rule of its recipient; closed where anything is unsure."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.judge import KNOWN, PROPERTY
from scanner.model import CopyFact, ObjectFacts, Reason, Status
from scanner.outbound.decide import COPY, HOLD, KIND, PERSONAL, PERSONS, PLAIN, RELEASE, TYPE, UNREAD, Found, decide
from scanner.policy.outbound import Excused, RecipientRule

FILE = ObjectFacts((), "text/csv", "utf-8", 0, 10, 10, 1, "digest", Status.SCANNED, None, 0, 1)
PARTNER = RecipientRule(allow=frozenset({"PERSON", "PHONE_NUMBER"}), persons=10)


def finding(kind: str, distinct: int = 1, reason: str | None = "outside_store") -> dict[str, Any]:
    where = dict.fromkeys(("place", "column", "first_row", "first_line"))
    return {"entity_type": kind, "distinct": distinct, "count": distinct, "reason": reason, "samples": ["山*"], **where}


def found(*findings: dict[str, Any], copies: tuple[str, ...] = (), members: tuple[ObjectFacts, ...] = (), **changes: Any) -> Found:
    gathered = Found()
    for member in members:
        gathered.add(member, {"member": "!".join(member.member)}, [], [])
    facts = replace(FILE, **{"persons": len(findings), **changes})
    copied = [CopyFact(name, None, 3, 3, 9, (), "records", 1.0) for name in copies]
    gathered.add(facts, {"member": None}, findings, copied)
    return gathered


def unread(reason: Reason, **changes: Any) -> Found:
    return found(status=Status.UNREADABLE, reason=reason, **changes)


def reasons(gathered: Found, rule: RecipientRule) -> tuple[str, ...]:
    decision = decide(gathered, rule)
    assert decision.verdict == (HOLD if decision.reasons else RELEASE)
    return decision.reasons


@pytest.mark.parametrize(
    ("gathered", "rule", "why"),
    [
        (found(), RecipientRule(), ()),
        (found(finding("PERSON")), RecipientRule(), (PERSONAL,)),
        (found(finding("PERSON", reason=KNOWN)), RecipientRule(), ()),
        (found(finding("PERSON", reason=PROPERTY)), RecipientRule(), ()),
        (found(finding("PERSON", reason="below_report_from")), RecipientRule(), (PERSONAL,)),
        (found(finding("PERSON")), PARTNER, ()),
        (found(finding("FAX_NUMBER")), PARTNER, ()),  # allowed with PHONE_NUMBER
        (found(finding("JP_POSTAL_CODE")), PARTNER, (KIND,)),  # allowed with ADDRESS alone
        (found(finding("PERSON"), finding("JP_MY_NUMBER")), PARTNER, (KIND,)),
        (found(finding("JP_MY_NUMBER")), RecipientRule(allow=frozenset({"*"})), ()),
        (found(finding("PERSON"), persons=10), PARTNER, ()),
        (found(finding("PERSON"), persons=11), PARTNER, (PERSONS,)),
        (found(finding("PERSON"), persons=1), replace(PARTNER, persons=0), (PERSONS,)),
        (found(finding("PERSON"), persons=10**6), replace(PARTNER, persons=None), ()),
        (found(copies=("crm",)), RecipientRule(), (COPY,)),
        (found(copies=("crm",)), RecipientRule(from_stores=frozenset({"crm"})), ()),
        (found(copies=("crm", "hr")), RecipientRule(from_stores=frozenset({"crm"})), (COPY,)),
        (found(copies=("crm", "hr")), RecipientRule(from_stores=frozenset({"*"})), ()),
        (found(media_type="image/png"), RecipientRule(hold_types=("image/*",)), (TYPE,)),
        (found(media_type="image/png"), RecipientRule(hold_types=("image/jpeg",)), ()),
        (found(members=(replace(FILE, member=("a",), media_type="image/png"),)), RecipientRule(hold_types=("image/*",)), (TYPE,)),
        (found(), RecipientRule(encrypted="always"), (PLAIN,)),
        (found(), RecipientRule(encrypted="personal"), ()),
        (found(finding("PERSON")), replace(PARTNER, encrypted="personal"), (PLAIN,)),
        (found(finding("JP_MY_NUMBER"), persons=99), replace(PARTNER, encrypted="always"), (KIND, PERSONS, PLAIN)),
    ],
)
def test_rules(gathered: Found, rule: RecipientRule, why: tuple[str, ...]) -> None:
    assert reasons(gathered, rule) == why


@pytest.mark.parametrize(
    "reason",
    [Reason.ENCRYPTED, Reason.TRUNCATED, Reason.TOO_LARGE, Reason.TIMEOUT, Reason.PARSER_CRASH, Reason.TOO_DEEP, Reason.PERMISSION],
)
def test_what_was_not_read_is_held(reason: Reason) -> None:
    assert reasons(unread(reason), RecipientRule(allow=frozenset({"*"}))) == (UNREAD,)
    assert reasons(found(status=Status.PARTIAL, reason=reason), RecipientRule()) == (UNREAD,)
    member = replace(FILE, member=("a.doc",), status=Status.UNREADABLE, reason=reason)
    container = {"status": Status.PARTIAL, "reason": Reason.MEMBER_UNREAD}
    assert reasons(found(members=(member,), **container), RecipientRule()) == (UNREAD,)
    assert reasons(unread(reason), RecipientRule(release_unread=(Excused(frozenset({reason.value})),))) == ()


def test_a_file_of_which_nothing_was_told_is_held() -> None:
    """Whatever ended its scan without a word."""
    assert reasons(Found(), RecipientRule(allow=frozenset({"*"}))) == (UNREAD,)
    members_only = Found()
    members_only.add(replace(FILE, member=("a",)), {"member": "a"}, [], [])
    assert reasons(members_only, RecipientRule(allow=frozenset({"*"}))) == (UNREAD,)


def test_unread_is_excused_by_reason_and_type() -> None:
    rule = RecipientRule(release_unread=(Excused(frozenset({"image_only"}), ("image/*", "application/pdf")),))
    assert reasons(unread(Reason.IMAGE_ONLY, media_type="image/png"), rule) == ()
    assert reasons(unread(Reason.IMAGE_ONLY, media_type="application/pdf"), rule) == ()
    assert reasons(unread(Reason.IMAGE_ONLY, media_type="application/msword"), rule) == (UNREAD,)
    assert reasons(unread(Reason.ENCRYPTED, media_type="application/pdf"), rule) == (UNREAD,)
    assert reasons(unread(Reason.IMAGE_ONLY, media_type=None), rule) == (UNREAD,)


def test_encryption_of_the_whole() -> None:
    """A file that is encrypted, or in which every file is; folders and inner containers do not count."""
    rule = RecipientRule(encrypted="always", release_unread=(Excused(frozenset({"encrypted"})),))
    closed = replace(FILE, member=("a",), status=Status.UNREADABLE, reason=Reason.ENCRYPTED)
    opened = replace(FILE, member=("b",))
    inner = replace(FILE, member=("in.zip",), status=Status.PARTIAL, reason=Reason.MEMBER_UNREAD)
    whole = {"status": Status.PARTIAL, "reason": Reason.MEMBER_UNREAD}
    assert reasons(unread(Reason.ENCRYPTED), rule) == ()
    assert reasons(found(members=(closed, closed), **whole), rule) == ()
    assert reasons(found(members=(closed, inner), **whole), rule) == ()
    assert reasons(found(members=(closed, opened), **whole), rule) == (PLAIN,)
    assert reasons(found(members=(opened,)), rule) == (PLAIN,)


def test_what_is_told_of_a_decision() -> None:
    rule = replace(PARTNER, recipient="Partner A", approvals=2)
    told = decide(found(finding("PERSON", 3), finding("JP_MY_NUMBER"), copies=("crm",), persons=4), rule).told()
    assert told["verdict"] == HOLD
    assert told["reasons"] == [KIND, COPY]
    assert (told["kinds"], told["persons"], told["copies"], told["approvals"]) == ({"PERSON": 3, "JP_MY_NUMBER": 1}, 4, {"crm": 3}, 2)
    assert told["recipient"] == {"recipient": "Partner A", "country": None, "purpose": None, "contract": None}
    assert [each["samples"] for each in told["findings"]] == [["山*"], ["山*"]]


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["PERSON", "ADDRESS", "JP_MY_NUMBER"]), st.integers(1, 9)), max_size=6), st.integers(0, 20))
def test_a_wider_rule_never_holds_more(kinds: list[tuple[str, int]], persons: int) -> None:
    gathered = found(*(finding(kind, count) for kind, count in kinds), persons=persons)
    narrow, wide = RecipientRule(allow=frozenset({"PERSON"}), persons=5), RecipientRule(allow=frozenset({"*"}), persons=10)
    assert set(reasons(gathered, wide)) <= set(reasons(gathered, narrow))
    assert not kinds or reasons(gathered, RecipientRule()) == (PERSONAL,)
