"""Which entity types there are, so that a misspelt one in a policy is an error and not a silent hole."""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from scanner.redact import REGULATED

RETENTION = "RETENTION"

CONTRACT = REGULATED | {
    "ADDRESS",
    "DATE_OF_BIRTH",
    "EMAIL_ADDRESS",
    "FAX_NUMBER",
    "JP_BANK_ACCOUNT",
    "JP_POSTAL_CODE",
    "PERSON",
    "PHONE_NUMBER",
}

IMPLIED = {"ADDRESS": "JP_POSTAL_CODE", "PHONE_NUMBER": "FAX_NUMBER"}
"""What a store that allows one kind allows with it."""

_SENSITIVE = re.compile(r"SENSITIVE_[A-Z][A-Z0-9_]*")
_ENTITY_LINE = re.compile(r"^[ \t]*(?:-[ \t]+)?entity:[ \t]*[\"']?([A-Z][A-Z0-9_]*)", re.MULTILINE)
_RULE_FILES = (".yaml", ".yml")


def is_sensitive(entity_type: str) -> bool:
    return entity_type.startswith("SENSITIVE_")


def weighs_most(entity_type: str) -> bool:
    """Sensitive or regulated: no threshold hides it, and it lifts the severity."""
    return is_sensitive(entity_type) or entity_type in REGULATED


def looks_sensitive(entity_type: str) -> bool:
    """Well-formed ``SENSITIVE_<CATEGORY>``: the categories are open."""
    return _SENSITIVE.fullmatch(entity_type) is not None


def known_entities(user_rules: Iterable[str] = ()) -> frozenset[str]:
    """The contract's entity types and those that rule files, ours and the user's, declare."""
    declared: set[str] = set()
    for text in (*_texts(resources.files("rules")), *_user_texts(user_rules)):
        declared.update(_ENTITY_LINE.findall(text))
    return frozenset(CONTRACT | declared)


def _texts(folder: Traversable) -> Iterable[str]:
    for child in folder.iterdir():
        if child.is_dir():
            yield from _texts(child)
        elif child.name.endswith(_RULE_FILES):
            yield child.read_bytes().decode("utf-8", "replace")


def _user_texts(places: Iterable[str]) -> Iterable[str]:
    for place in map(Path, places):
        if place.is_dir():
            yield from _texts(place)
        elif place.is_file():
            yield place.read_bytes().decode("utf-8", "replace")
