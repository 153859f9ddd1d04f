"""The policy's `outbound:` block: rules of recipients, and faults that name file, line and key."""

from __future__ import annotations

from pathlib import Path

import pytest

from scanner.policy import PolicyError, load
from scanner.policy.outbound import PARTIAL_NAMES, Excused, OutboundPolicy, is_of

FULL = """\
version: 1
stores:
  - {name: crm, paths: ["crm/**"], allow: ["*"]}
outbound:
  ask: 情報管理課 内線 1234
  settle_seconds: 2.5
  marker: yes
  partial: ["*.half"]
  approvers: [sato, tanaka]
  sender: folder
  rejected: destroy
  most_bytes: 1000000
  default: {approvals: 2}
  rules:
    - paths: ["partner-a/**"]
      recipient: Partner A
      country: JP
      purpose: delivery
      contract: C-1
      allow: [PERSON, ADDRESS]
      persons: 100
      encrypted: personal
      release_unread: [image_only, {reasons: [encrypted, too_large], types: [application/zip, "image/*"]}]
      hold_types: [application/x-sqlite3]
      from_stores: [crm]
      approvals: 3
    - {paths: "partner-a/open/**", recipient: Partner A in the open, allow: ["*"]}
    - {paths: ["**/日本/*.csv", b/], recipient: Either}
"""


def outbound_of(folder: Path, text: str) -> OutboundPolicy:
    file = folder / "policy.yaml"
    file.write_text(text, encoding="utf-8")
    return load(file).outbound


def test_everything_is_read(tmp_path: Path) -> None:
    policy = outbound_of(tmp_path, FULL)
    assert (policy.ask, policy.settle_seconds, policy.marker, policy.partial) == ("情報管理課 内線 1234", 2.5, True, ("*.half",))
    assert (policy.approvers, policy.sender, policy.rejected, policy.most_bytes) == (("sato", "tanaka"), "folder", "destroy", 1_000_000)
    rule = policy.rules[0]
    assert (rule.recipient, rule.country, rule.purpose, rule.contract) == ("Partner A", "JP", "delivery", "C-1")
    assert (rule.allow, rule.persons, rule.encrypted, rule.approvals) == (frozenset({"PERSON", "ADDRESS"}), 100, "personal", 3)
    excused = (Excused(frozenset({"image_only"})), Excused(frozenset({"encrypted", "too_large"}), ("application/zip", "image/*")))
    assert (rule.release_unread, rule.hold_types, rule.from_stores) == (excused, ("application/x-sqlite3",), frozenset({"crm"}))
    assert rule.allows("JP_POSTAL_CODE")
    assert not rule.allows("PHONE_NUMBER")


def test_the_rule_of_a_path(tmp_path: Path) -> None:
    policy = outbound_of(tmp_path, FULL)
    found = {
        path: policy.rule_for(path).recipient for path in ("partner-a/x", "partner-a/open/x", "z/日本/a.csv", "b/c", "partner-ab/x", "x")
    }
    expected = ["Partner A", "Partner A in the open", "Either", "Either", None, None]
    assert found == dict(zip(found, expected, strict=True))
    assert policy.rule_for("x").approvals == 2


@pytest.mark.parametrize(
    "text", ["version: 1\n", "version: 1\noutbound:\n", "version: 1\noutbound: {}\n", "version: 1\noutbound: {rules: []}\n"]
)
def test_nothing_said_is_the_strictest(tmp_path: Path, text: str) -> None:
    policy = outbound_of(tmp_path, text)
    assert policy == OutboundPolicy()
    rule = policy.rule_for("a/b")
    assert (rule.allow, rule.release_unread, rule.from_stores, rule.approvals) == (frozenset(), (), frozenset(), 1)
    assert (policy.rejected, policy.sender, policy.partial) == ("return", "owner", PARTIAL_NAMES)


@pytest.mark.parametrize(
    ("line", "instead", "number", "key", "words"),
    [
        ("  marker: yes", "  markers: yes", 7, "outbound.markers", 'did you mean "marker"?'),
        ("  marker: yes", "  marker: 3", 7, "outbound.marker", "expected yes/no"),
        ("  settle_seconds: 2.5", "  settle_seconds: -1", 6, "outbound.settle_seconds", "0 or more"),
        ("  settle_seconds: 2.5", "  settle_seconds: .nan", 6, "outbound.settle_seconds", "finite"),
        ("  rejected: destroy", "  rejected: keep", 11, "outbound.rejected", "known are return, destroy"),
        ("  most_bytes: 1000000", "  most_bytes: 0", 12, "outbound.most_bytes", "1 or more"),
        ("  approvers: [sato, tanaka]", "  approvers: [1234]", 9, "outbound.approvers[0]", "put it in quotes"),
        ("  default: {approvals: 2}", "  default: {approvals: 0}", 13, "outbound.default.approvals", "1 or more"),
        ("  default: {approvals: 2}", "  default: [1]", 13, "outbound.default", "a block of keys"),
        ("      persons: 100", "      person: 100", 21, "outbound.rules[0].person", 'did you mean "persons"?'),
        ("      persons: 100", "      persons: ten", 21, "outbound.rules[0].persons", "a whole number"),
        ("      allow: [PERSON, ADDRESS]", "      allow: [PERSONS]", 20, "outbound.rules[0].allow[0]", "PERSON"),
        ("      encrypted: personal", "      encrypted: yes", 22, "outbound.rules[0].encrypted", "expected text"),
        ("      hold_types: [application/x-sqlite3]", "      hold_types: [zip]", 24, "outbound.rules[0].hold_types[0]", "a media type"),
        ("      from_stores: [crm]", "      from_stores: [crn]", 25, "outbound.rules[0].from_stores[0]", 'did you mean "crm"?'),
        ("    - paths: [\"partner-a/**\"]", "    - paths: []", 15, "outbound.rules[0]", "`paths` is missing"),
        ("    - paths: [\"partner-a/**\"]", "    - paths: [\"a/{b\"]", 15, "outbound.rules[0].paths[0]", "invalid glob"),
        ("    - paths: [\"partner-a/**\"]", "    - paths: [\"../x\"]", 15, "outbound.rules[0].paths[0]", "do not leave"),
    ],
)  # fmt: skip
def test_a_fault_names_file_line_and_key(tmp_path: Path, line: str, instead: str, number: int, key: str, words: str) -> None:
    assert FULL.count(line + "\n") == 1
    with pytest.raises(PolicyError) as caught:
        outbound_of(tmp_path, FULL.replace(line + "\n", instead + "\n"))
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'policy.yaml'}:{number}: {key}: ")
    assert words in message
    assert "\n" not in message


def test_media_types() -> None:
    assert is_of("image/png", "image/*")
    assert is_of("image/png", "image/png")
    assert not is_of("imagery/png", "image/*")
    assert not is_of("image/png2", "image/png")
    assert not is_of(None, "image/*")
