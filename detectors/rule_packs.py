"""Packs of shipped rules, by region and by law: `rules/<pack>.yaml` says what a pack is, its version and its dates of force.

A pack holds the rules of the folder of its name, or those it lists by id, which then belong to packs of their own as well.
"""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import yaml

from detectors.rule import Rule
from detectors.rule_files import SHIPPED, RuleError, join_rules, load_file

_TEXTS: Final = ("name", "region", "law", "version", "description")
_KEYS: Final = frozenset((*_TEXTS, "valid_from", "valid_until", "sources", "rules"))


@dataclass(frozen=True, slots=True)
class Pack:
    """What `rules/<id>.yaml` says. `valid_from` and `valid_until` (included) are the days between which its law is in force, None for
    always; `listed`: ids of the rules it takes from other packs."""

    id: str
    name: str
    region: str
    law: str
    version: str
    description: str
    sources: tuple[str, ...]
    valid_from: datetime.date | None = None
    valid_until: datetime.date | None = None
    listed: tuple[str, ...] = ()

    def in_force(self, day: datetime.date) -> bool:
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_until is None or day <= self.valid_until)

    def holds(self, item: Rule) -> bool:
        return item.pack == self.id or item.id in self.listed


def packs() -> tuple[Pack, ...]:
    """The shipped packs, by id."""
    return tuple(_pack(file) for file in sorted(SHIPPED.glob("*.yaml")))


def load_shipped(chosen: Sequence[str] | None = None) -> tuple[Rule, ...]:
    """The rules in the `rules` package, sorted by id; with `chosen`, only those of these packs, and all that take false claims away.
    Raises RuleError for a pack there is not."""
    everything = _everything()
    if chosen is None:
        return everything
    known = {pack.id: pack for pack in packs()}
    unknown = sorted(set(chosen) - known.keys())
    if unknown:
        raise RuleError(str(SHIPPED), 1, f"packs: no pack is named `{unknown[0]}`; known are {', '.join(known)}")
    return tuple(item for item in everything if item.entity is None or any(known[name].holds(item) for name in chosen))


def versions(rules: Iterable[Rule], chosen: Sequence[str] | None = None) -> Mapping[str, str]:
    """Pack -> its version and a hash of those of its rules that are in use, for packs of which any is; a user's own are one pack `user`."""
    own = tuple(rules)
    used: dict[str, str] = {}
    for pack in packs():
        mine = [item for item in own if item.trusted and pack.holds(item)]
        if mine and (chosen is None or pack.id in chosen):
            used[pack.id] = f"{pack.version}+{_digest(mine)}"
    foreign = [item for item in own if not item.trusted]
    return {**used, "user": f"+{_digest(foreign)}"} if foreign else used


def _digest(rules: Iterable[Rule]) -> str:
    return hashlib.blake2b("".join(item.digest for item in rules).encode(), digest_size=4).hexdigest()


@lru_cache(maxsize=1)
def _everything() -> tuple[Rule, ...]:
    return join_rules([item for file in sorted(SHIPPED.glob("*/*.yaml")) for item in load_file(file, trusted=True)])


def _pack(file: Path) -> Pack:
    data = yaml.safe_load(file.read_text(encoding="utf-8"))
    if not isinstance(data, dict) or not set(_TEXTS) <= set(data) <= _KEYS:
        raise RuleError(str(file), 1, f"a pack has the keys {', '.join(_TEXTS)}, and may have valid_from, valid_until, sources, rules")
    texts: dict[str, Any] = {key: str(data[key]) for key in _TEXTS}
    return Pack(
        id=file.stem,
        **texts,
        sources=tuple(data.get("sources") or ()),
        valid_from=data.get("valid_from"),
        valid_until=data.get("valid_until"),
        listed=tuple(data.get("rules") or ()),
    )
