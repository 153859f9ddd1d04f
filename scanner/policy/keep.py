"""The policy's `keep:`: for how many days the program's own records are kept. What it does not name is kept."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from scanner.policy.document import Value


@dataclass(frozen=True, slots=True)
class KeepPolicy:
    """Days; None: for good. `findings_days`: what runs wrote that no longer holds; `cases_days`: persons' requests, from the check that
    found all gone; `register_days`: earlier registers; `audit_days`: entries of the logs in ``DIR/audit``."""

    findings_days: int | None = None
    cases_days: int | None = None
    register_days: int | None = None
    audit_days: int | None = None

    def limits(self) -> dict[str, int]:
        """Those that are set, by their keys."""
        return {name: days for name, days in dataclasses.asdict(self).items() if days is not None}


LONGEST = 36_500


def keep_policy(value: Value | None) -> KeepPolicy:
    """Raises `PolicyError`."""
    if value is None or value.is_null:
        return KeepPolicy()
    given = value.fields(KeepPolicy.__slots__)
    for item in given.values():
        if item.whole(1) > LONGEST:
            item.fail(f"must be {LONGEST} or less; leave the key out to keep for good")
    return KeepPolicy(**{name: item.whole(1) for name, item in given.items()})
