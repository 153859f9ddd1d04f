"""The policy's `reveal:`: who may have a finding's value shown on a terminal, and of which kinds. Without it nobody may, and nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from scanner.policy.document import Value
from scanner.redact import REGULATED


@dataclass(frozen=True, slots=True)
class RevealPolicy:
    """`accounts`: names of accounts, or `*`. `kinds`: entity types that may be shown; None: all but regulated ones, which must be named."""

    accounts: frozenset[str] = frozenset()
    kinds: frozenset[str] | None = None

    def allows_account(self, name: str) -> bool:
        return "*" in self.accounts or name in self.accounts

    def allows_kind(self, entity_type: str) -> bool:
        return entity_type not in REGULATED if self.kinds is None else entity_type in self.kinds


def reveal_policy(value: Value | None, entity: Callable[[Value], str]) -> RevealPolicy:
    """`entity` reads an entity type. Raises `PolicyError`."""
    if value is None or value.is_null:
        return RevealPolicy()
    given = value.fields(("accounts", "kinds"))
    if "accounts" not in given:
        value.fail('`accounts` is missing: the accounts that may have values shown, or "*"')
    kinds = given.get("kinds")
    return RevealPolicy(
        accounts=frozenset(given["accounts"].texts(single=True)),
        kinds=None if kinds is None else frozenset(entity(item) for item in kinds.text_items(single=True)),
    )
