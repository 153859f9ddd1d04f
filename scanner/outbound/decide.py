"""Whether a scanned file may leave: what was found in it against the rule of its recipient. What was not read is held."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from scanner.judge import KNOWN, PROPERTY, is_unread
from scanner.model import CopyFact, ObjectFacts, Reason
from scanner.policy import RETENTION
from scanner.policy.outbound import RecipientRule, is_of

RELEASE, HOLD = "release", "hold"

PERSONAL, KIND, PERSONS, UNREAD, PLAIN, COPY, TYPE, TAKEN = (
    "personal_data", "kind_not_allowed", "too_many_persons", "unread", "not_encrypted", "copy_of_store", "media_type", "name_taken",
)  # fmt: skip
"""Why a file is held."""

SAMPLES_KEPT: Final = 50


@dataclass
class Found:
    """What a scan found in one file, gathered object by object."""

    kinds: Counter[str] = field(default_factory=Counter)  # entity type -> distinct values, summed over objects
    persons: int = 0  # summed over objects: an upper bound, since one person may stand in several
    unread: Counter[tuple[str, str | None]] = field(default_factory=Counter)  # (reason, media type) -> objects
    types: set[str] = field(default_factory=set)
    copies: dict[str, int] = field(default_factory=dict)  # store -> most records of it in one object (0: its text or bytes)
    samples: list[dict[str, Any]] = field(default_factory=list)
    objects: int = 0
    digest: str | None = None
    whole: bool = False  # the file itself was told of, after all that is in it
    _leaves: int = 0
    _encrypted_leaves: int = 0
    _encrypted: bool = False

    def add(self, facts: ObjectFacts, row: Mapping[str, Any], findings: Sequence[Mapping[str, Any]], copies: Iterable[CopyFact]) -> None:
        """Take in one object, members before their container."""
        self.objects += 1
        if facts.media_type:
            self.types.add(facts.media_type)
        if is_unread(facts.status, facts.reason) and facts.reason is not Reason.MEMBER_UNREAD:
            self.unread[(facts.reason.value if facts.reason else "unknown", facts.media_type)] += 1
        if facts.member:
            self._leaves += facts.reason is not Reason.MEMBER_UNREAD
            self._encrypted_leaves += facts.reason is Reason.ENCRYPTED
        else:
            self.digest, self.whole = facts.content_hash, True
            self._encrypted = facts.reason is Reason.ENCRYPTED
        counted = [one for one in findings if one["reason"] not in (KNOWN, PROPERTY) and one["entity_type"] != RETENTION]
        for one in counted:
            self.kinds[one["entity_type"]] += one["distinct"]
        if counted:
            self.persons += facts.persons
        for one in counted[: SAMPLES_KEPT - len(self.samples)]:
            told = {name: one[name] for name in ("entity_type", "place", "column", "count", "distinct", "first_row", "first_line")}
            self.samples.append({"member": row["member"], **told, "samples": list(one["samples"])})
        for copy in copies:
            self.copies[copy.store] = max(self.copies.get(copy.store, 0), copy.matched_records)

    @property
    def encrypted(self) -> bool:
        """Is the file encrypted as a whole, or every file in it?"""
        return self._encrypted or 0 < self._leaves == self._encrypted_leaves


@dataclass(frozen=True, slots=True)
class Decision:
    """May it leave, and if not, why. Words and numbers only, no values but masked samples."""

    verdict: str
    reasons: tuple[str, ...]
    rule: RecipientRule
    found: Found

    def told(self) -> dict[str, Any]:
        """As plain data, for the state, the log and the receipt."""
        found, rule = self.found, self.rule
        return {
            "verdict": self.verdict,
            "reasons": list(self.reasons),
            "kinds": dict(found.kinds.most_common()),
            "persons": found.persons,
            "unread": [{"reason": reason, "media_type": kind, "objects": count} for (reason, kind), count in found.unread.most_common(20)],
            "copies": dict(found.copies),
            "objects": found.objects,
            "encrypted": found.encrypted,
            "findings": list(found.samples),
            "recipient": {name: getattr(rule, name) for name in ("recipient", "country", "purpose", "contract")},
            "approvals": rule.approvals,
        }


def decide(found: Found, rule: RecipientRule) -> Decision:
    """The decision on a file that was scanned."""
    reasons = [word for word, holds in _REASONS.items() if holds(found, rule)]
    return Decision(HOLD if reasons else RELEASE, tuple(reasons), rule, found)


def _kind_refused(found: Found, rule: RecipientRule) -> bool:
    return bool(rule.allow) and any(not rule.allows(kind) for kind in found.kinds)


def _personal_refused(found: Found, rule: RecipientRule) -> bool:
    return not rule.allow and bool(found.kinds)


def _too_many(found: Found, rule: RecipientRule) -> bool:
    return rule.persons is not None and found.persons > rule.persons


def _not_read(found: Found, rule: RecipientRule) -> bool:
    return not found.whole or any(not any(excused.covers(reason, kind) for excused in rule.release_unread) for reason, kind in found.unread)


def _not_encrypted(found: Found, rule: RecipientRule) -> bool:
    wanted = rule.encrypted == "always" or (rule.encrypted == "personal" and bool(found.kinds))
    return wanted and not found.encrypted


def _copied(found: Found, rule: RecipientRule) -> bool:
    return "*" not in rule.from_stores and bool(found.copies.keys() - rule.from_stores)


def _of_held_type(found: Found, rule: RecipientRule) -> bool:
    return any(is_of(kind, wanted) for kind in found.types for wanted in rule.hold_types)


_REASONS = {
    PERSONAL: _personal_refused,
    KIND: _kind_refused,
    PERSONS: _too_many,
    UNREAD: _not_read,
    PLAIN: _not_encrypted,
    COPY: _copied,
    TYPE: _of_held_type,
}
