"""Which kinds of values identify a record, and which are left out of an index altogether."""

from __future__ import annotations

from scanner.redact import REGULATED

TEXT = "TEXT"
"""The entity type under which fingerprints of running text stand among the values."""

NOT_IDENTIFYING = frozenset({"JP_POSTAL_CODE", "IP_ADDRESS", "URL", "DATE_TIME", "NRP", "LOCATION", "ORGANIZATION", TEXT})
"""Shared by too many people to tell whose record it is, even beside a name."""


def identifies(entity_type: str) -> bool:
    """Does a value of this kind help to tell whose record it stands in? Regulated and sensitive kinds never enter an index."""
    return entity_type not in REGULATED and entity_type not in NOT_IDENTIFYING and not entity_type.startswith("SENSITIVE_")
