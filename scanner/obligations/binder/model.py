"""What a binder is made of: a period of days, sections with their rows, and what is missing of them."""

from __future__ import annotations

import datetime
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from scanner.findings.errors import StoreError

if TYPE_CHECKING:
    import pyarrow as pa

RECORDED, NOT_IN_PERIOD, NEVER, NOT_GIVEN = "recorded", "not_in_period", "never", "not_given"
"""What a section holds: rows; nothing in the period, but something outside of it; nothing ever; its source was not named."""

_DAY: Final = datetime.timedelta(days=1)


class BinderError(StoreError):
    """A binder that cannot be made, or checked, as asked. The message is one sentence for the user."""


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days, `last` among them, of a time zone (None: this machine's): moments from `start` up to, and without, `end`, in UTC."""

    first: datetime.date
    last: datetime.date
    zone: str | None
    start: datetime.datetime
    end: datetime.datetime

    @classmethod
    def of(cls, first: datetime.date, last: datetime.date, zone: str | None, now: datetime.datetime) -> Period:
        """Raises BinderError: no such zone, an end before the beginning, or after today."""
        if last < first:
            raise BinderError(f"the period ends on {last.isoformat()}, before it begins on {first.isoformat()}")
        try:
            start, end = _midnight(first, zone), _midnight(last + _DAY, zone)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            raise BinderError(f"{zone!r} is no time zone: give one such as Asia/Tokyo") from None
        except OverflowError:
            raise BinderError("no calendar holds this period") from None
        period = cls(first, last, zone, start, end)
        if last > period.local(now).date():
            raise BinderError(f"the period ends on {last.isoformat()}, which is still to come: nobody knows what will be recorded")
        return period

    def holds(self, moment: datetime.datetime | None) -> bool:
        return moment is not None and self.start <= moment < self.end

    def local(self, moment: datetime.datetime) -> datetime.datetime:
        """The moment by the clocks of the period's zone."""
        return moment.astimezone(None if self.zone is None else zoneinfo.ZoneInfo(self.zone))

    @property
    def offsets(self) -> tuple[str, ...]:
        """What its clocks are ahead of UTC, as ``+09:00``: at its beginning, and at its end where that differs."""
        told = [f"{self.local(moment):%z}" for moment in (self.start, self.end)]
        return tuple(dict.fromkeys(f"{text[:3]}:{text[3:5]}" for text in told))

    def to_json(self) -> dict[str, Any]:
        moments = {name: getattr(self, name).isoformat() for name in ("start", "end")}
        return {"first": self.first.isoformat(), "last": self.last.isoformat(), "zone": self.zone, "offsets": list(self.offsets), **moments}


def _midnight(day: datetime.date, zone: str | None) -> datetime.datetime:
    plain = datetime.datetime.combine(day, datetime.time.min)
    # without a zone the machine's own rules of that day hold, summer time among them
    local = plain if zone is None else plain.replace(tzinfo=zoneinfo.ZoneInfo(zone))
    return local.astimezone(datetime.UTC)


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that belongs in the binder and is missing, or not whole: a word, and what it is about."""

    what: str
    about: Mapping[str, str | int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {"what": self.what, **self.about}


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the binder: its rows in the schema of `scanner.obligations.binder.schema`, and what of them is missing."""

    name: str
    rows: pa.Table
    state: str
    gaps: tuple[Gap, ...] = ()


@dataclass(frozen=True, slots=True)
class Binder:
    """Everything that is known before it is written. `runs`: run -> BLAKE3 of its manifest; `key_ids`: of these runs, or
    of the store where there are none."""

    out: str
    hold: str | None
    period: Period
    made_at: datetime.datetime
    made_by: str
    policy: Mapping[str, Any] | None
    key_ids: tuple[str, ...]
    runs: Mapping[str, str]
    sections: tuple[Section, ...]
    gaps: tuple[Gap, ...]

    def rows(self, name: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.section(name).rows.to_pylist()
        return rows

    def section(self, name: str) -> Section:
        return next(one for one in self.sections if one.name == name)


def state_of(rows: pa.Table, ever: bool) -> str:
    """`ever`: is there anything of it outside the period?"""
    if len(rows):
        return RECORDED
    return NOT_IN_PERIOD if ever else NEVER
