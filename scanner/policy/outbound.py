"""The policy's `outbound:`: what may leave through a transfer folder, for which recipient, and who decides on the rest."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any, Final, NoReturn

import yaml

from scanner.model import Reason
from scanner.policy.document import Value, did_you_mean, shown
from scanner.policy.entities import IMPLIED
from scanner.policy.globs import Glob, GlobError, GlobIndex, compile_glob

OUTBOX: Final = "/.strayscan-outbox"
"""Stands for the transfer folder in globs, whose paths begin there."""

PARTIAL_NAMES: Final = (
    "*.part", "*.partial", "*.filepart", "*.crdownload", "*.download", "*.opdownload", "*.tmp", "*.temp", "*.!ut", "*.aria2",
    "~$*", ".~lock.*#", ".goutputstream-*", "*.swp", ".nfs*", ".smbdelete*", ".fuse_hidden*",
)  # fmt: skip
"""Names under which programs write a file that is not finished (browsers, FTP clients, office programs, network file systems)."""

_MEDIA_TYPE = re.compile(r"[a-z]+/(\*|[a-z0-9.+-]+)")


@dataclass(frozen=True, slots=True)
class Excused:
    """Unread objects that may leave all the same: for these reasons, and of these media types (`image/*`; none named: of all)."""

    reasons: frozenset[str]
    types: tuple[str, ...] = ()

    def covers(self, reason: str, media_type: str | None) -> bool:
        return reason in self.reasons and (not self.types or any(is_of(media_type, one) for one in self.types))


@dataclass(frozen=True, slots=True)
class RecipientRule:
    """What may leave for one recipient. A file that meets no rule may leave only if nothing personal was found in it."""

    paths: tuple[Glob, ...] = ()
    recipient: str | None = None
    country: str | None = None
    purpose: str | None = None
    contract: str | None = None
    allow: frozenset[str] = frozenset()
    persons: int | None = None  # at most, where kinds are allowed; None: any number
    encrypted: str | None = None  # "personal": what holds personal data must be encrypted; "always": everything
    release_unread: tuple[Excused, ...] = ()
    hold_types: tuple[str, ...] = ()  # media types that always wait for an approver
    from_stores: frozenset[str] = frozenset()  # approved stores of which copies may leave; "*": of all
    approvals: int = 1  # people who must agree to the release of a held file

    def allows(self, entity_type: str) -> bool:
        return bool({"*", entity_type} & self.allow) or any(
            entity_type == implied and kind in self.allow for kind, implied in IMPLIED.items()
        )


@dataclass(frozen=True)
class OutboundPolicy:
    """How a transfer folder is gated."""

    rules: tuple[RecipientRule, ...] = ()
    ask: str | None = None  # whom a sender may ask about a held file
    settle_seconds: float = 5.0  # a file nobody closed or moved in is complete when unchanged for so long
    marker: bool = False  # a file is complete only when `NAME.done` lies beside it
    partial: tuple[str, ...] = PARTIAL_NAMES
    approvers: tuple[str, ...] = ()  # accounts that may decide; none named: all that can reach the hold folder
    sender: str = "owner"  # who sent a file: "owner" of the file, "folder" (its first folder), "unknown"
    rejected: str = "return"  # what becomes of a rejected file: "return" it to the sender, or "destroy" it
    most_bytes: int = 0  # larger files are held unread; 0: the policy's `limits.file_bytes`
    default: RecipientRule = field(default_factory=RecipientRule)

    def rule_for(self, path: str) -> RecipientRule:
        """The rule of a file, by its path below the transfer folder: the longest literal prefix wins, then the first listed."""
        return next((rule for _, rule in self._index.matches(f"{OUTBOX}/{path}")), self.default)

    @cached_property
    def _index(self) -> GlobIndex[RecipientRule]:
        return GlobIndex((glob, rule) for rule in self.rules for glob in rule.paths)


def is_of(media_type: str | None, wanted: str) -> bool:
    """Is it of this media type (`image/*` for any image)?"""
    if media_type is None:
        return False
    return media_type.startswith(wanted[:-1]) if wanted.endswith("/*") else media_type == wanted


def outbound_policy(value: Value | None, entity: Callable[..., str], stores: list[str]) -> OutboundPolicy:
    """The `outbound:` block. `entity` reads an entity type, `stores`: names of the policy's stores. Raises `PolicyError`."""
    if value is None or value.is_null:
        return OutboundPolicy()
    reading: dict[str, Callable[[Value], Any]] = {
        "rules": lambda item: tuple(_rule(rule, entity, stores, bound=True) for rule in item.items()),
        "default": lambda item: _rule(item, entity, stores, bound=False),
        "ask": Value.text,
        "settle_seconds": Value.number,
        "marker": Value.truth,
        "partial": lambda item: item.texts(),
        "approvers": lambda item: item.texts(single=True),
        "sender": lambda item: _one_of(item, ("owner", "folder", "unknown")),
        "rejected": lambda item: _one_of(item, ("return", "destroy")),
        "most_bytes": lambda item: item.whole(1),
    }
    given = value.fields(reading)
    return OutboundPolicy(**{name: reading[name](item) for name, item in given.items() if not item.is_null})


def _rule(value: Value, entity: Callable[..., str], stores: list[str], *, bound: bool) -> RecipientRule:
    reading: dict[str, Callable[[Value], Any]] = {
        "recipient": Value.text,
        "country": Value.text,
        "purpose": Value.text,
        "contract": Value.text,
        "allow": lambda item: frozenset(entity(one, star=True) for one in item.text_items()),
        "persons": Value.whole,
        "encrypted": lambda item: _one_of(item, ("personal", "always")),
        "release_unread": lambda item: tuple(_excused(one) for one in item.items()),
        "hold_types": lambda item: tuple(_media_type(one) for one in item.text_items(single=True)),
        "from_stores": lambda item: frozenset(_store(one, stores) for one in item.text_items(single=True)),
        "approvals": lambda item: item.whole(1),
    }
    if bound:
        reading = {"paths": lambda item: tuple(_glob(one) for one in item.text_items(single=True)), **reading}
    given = value.fields([item.name for item in fields(RecipientRule) if bound or item.name != "paths"])
    if bound and not (given.get("paths") and not given["paths"].is_null and given["paths"].text_items(single=True)):
        value.fail("`paths` is missing: the folders below the transfer folder that this rule is for")
    return RecipientRule(**{name: reading[name](item) for name, item in given.items() if not item.is_null})


def _excused(value: Value) -> Excused:
    """A reason alone, or reasons with media types."""
    if isinstance(value.node, yaml.ScalarNode):
        return Excused(frozenset({_reason(value)}))
    given = value.fields(("reasons", "types"))
    if "reasons" not in given:
        value.fail("`reasons` is missing")
    types = tuple(_media_type(item) for item in given["types"].text_items(single=True)) if "types" in given else ()
    return Excused(frozenset(_reason(item) for item in given["reasons"].text_items(single=True)), types)


def _reason(value: Value) -> str:
    word, known = value.text(), [reason.value for reason in Reason]
    return word if word in known else _unknown(value, "reason", word, known)


def _one_of(value: Value, known: tuple[str, ...]) -> str:
    word = value.text()
    return word if word in known else _unknown(value, "word", word, known)


def _store(value: Value, stores: list[str]) -> str:
    name = value.text()
    return name if name == "*" or name in stores else _unknown(value, "store", name, stores)


def _unknown(value: Value, what: str, word: str, known: tuple[str, ...] | list[str]) -> NoReturn:
    value.fail(f'unknown {what} "{shown(word)}"' + (did_you_mean(word, known) or f"; known are {', '.join(known)}"))


def _media_type(value: Value) -> str:
    text = value.text()
    if not _MEDIA_TYPE.fullmatch(text):
        value.fail("expected a media type such as application/pdf or image/*")
    return text


def _glob(value: Value) -> Glob:
    text = value.text()
    if text.startswith("/") or "://" in text:
        value.fail("paths of outbound rules start at the transfer folder: write them without a leading /")
    if ".." in text.split("/"):
        value.fail("paths of outbound rules do not leave the transfer folder")
    try:
        return compile_glob(text, OUTBOX)
    except GlobError as error:
        value.fail(f"invalid glob: {error}")
