"""What else was written down in a period: registers, moves and deletions, the outbound gate, drills, values shown, other logs."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from scanner.obligations import cleanup as cleaning
from scanner.obligations import own_records
from scanner.obligations import register as registers
from scanner.obligations.binder.model import NOT_GIVEN, BinderError, Gap, Period, Section, state_of
from scanner.obligations.binder.people import moment
from scanner.obligations.binder.runs import as_table
from scanner.run import audit, drill, reveal

if TYPE_CHECKING:
    from scanner.outbound.state import Entry

HOLD_LOG: Final = "hold"
_JUDGEMENTS: Final = ("hold", "release", "alert")
_MOST_DAYS: Final = 100_000


def register(out: Path, period: Period) -> Section:
    """The rows of every register written in the period, without what people wrote beside them."""
    written, faults = registers.history(out)
    rows = []
    for one in written:
        if period.holds(one.written):
            rows += [_register_row(one.written, entry) for entry in one.entries.values()]
    table = as_table("register", rows)
    return Section("register", table, state_of(table, bool(written)), tuple(_unreadable(f"{registers.FOLDER}/*.parquet", faults)))


def _register_row(written: datetime.datetime, entry: registers.Entry) -> dict[str, Any]:
    names = ("id", "state", "name", "place", "sensitive", "objects", "records", "persons", "owner", "department", "retention_days")
    told = {name: getattr(entry, name) for name in (*names, "review_by", "overrun", "unread")}
    changes = json.dumps([[change.what, *change.about] for change in entry.changes], ensure_ascii=False)
    return {"written_at": written, **told, "items": list(entry.items), "changes": changes}


def cleanup(out: Path, period: Period) -> Section:
    found, faults = cleaning.records_and_faults(out)
    gaps = [*_unreadable(f"{cleaning.FOLDER}/{cleaning.RECORDS}/*.json", faults)]
    if waiting := cleaning.open_orders(out):
        gaps.append(Gap("orders_open", {"count": waiting}))
    names = ("item", "action", "path", "to", "who", "reason", "how", "source", "digest")
    rows = [
        {
            **{name: _text(one.get(name)) for name in names},
            "done_at": moment(one["done_at"]),
            "ordered_at": _moment(one.get("at")),
            "kinds": [str(kind) for kind in one.get("kinds") or ()],
            "persons": _number(one.get("persons")),
        }
        for one in found
        if period.holds(moment(one["done_at"]))
    ]
    table = as_table("cleanup", rows)
    return Section("cleanup", table, state_of(table, bool(found)), tuple(gaps))


# --------------------------------------------------------------------------- the outbound gate


def outbound(hold: Path | None, period: Period) -> tuple[Section, Section, dict[str, Any] | None]:
    """The gate's log, its provisions to third parties, and the state of the log's chain. Raises BinderError where there is no gate."""
    if hold is None:
        return (*(Section(name, as_table(name, ()), NOT_GIVEN) for name in ("outbound", "provisions")), None)  # type: ignore[return-value]
    import sqlite3

    from scanner.outbound.records import provisions_table
    from scanner.outbound.state import FILE, GateState, StateUnusable, broken_chain

    if not (hold / ".gate" / FILE).is_file():
        raise BinderError(f"{hold}: no watch has held files here")
    try:
        with closing(GateState(hold / ".gate")) as state, state.snapshot():
            entries = list(state.entries())
            provided = state.provisions()
            head = state.head()[1]
    except (StateUnusable, sqlite3.Error, ValueError) as fault:
        raise BinderError(f"{hold}: the gate's state cannot be read ({type(fault).__name__})") from None
    faults = broken_chain(entries, {})
    inside = [entry for entry in entries if period.holds(_moment(entry.at))]
    judged = {entry.item: entry.told for entry in entries if entry.what in _JUDGEMENTS and isinstance(entry.told, Mapping)}
    log = as_table("outbound", (_entry_row(entry, judged.get(entry.item, {})) for entry in inside))
    given = [one for one in provided if period.holds(_moment(one.get("provided_at")))]
    provisions = as_table("provisions", provisions_table(given).to_pylist())
    chain = _chain(HOLD_LOG, len(entries), len(inside), head, faults)
    gaps = [Gap("chain", {"log": HOLD_LOG, "fault": fault}) for fault in faults]
    gaps += [Gap("desk", {"fault": fault}) for fault in _desk_faults(hold, faults)]
    sections = (
        Section("outbound", log, state_of(log, bool(entries)), tuple(gaps)),
        Section("provisions", provisions, state_of(provisions, bool(provided))),
    )
    return (*sections, chain)


def _desk_faults(hold: Path, known: Sequence[str]) -> list[str]:
    """What `hold verify` says beyond the chain: held files, receipts and agreements against the log."""
    from scanner.outbound.desk import Desk, DeskError
    from scanner.policy import PolicyError

    try:
        with Desk(hold) as desk:
            return [fault for fault in desk.verify().faults if fault not in known]
    except (DeskError, PolicyError, OSError) as fault:
        return [f"held files were not checked: {fault if isinstance(fault, (DeskError, PolicyError)) else type(fault).__name__}"]


def _entry_row(entry: Entry, judged: Mapping[str, Any]) -> dict[str, Any]:
    """`judged`: what the gate wrote down when it judged the file; later steps of it do not repeat that."""
    told = {**judged, **entry.told} if isinstance(entry.told, Mapping) else judged
    recipient = told.get("recipient")
    return {
        "seq": entry.seq,
        "at": _moment(entry.at),
        "what": entry.what,
        "item": entry.item,
        "who": entry.who,
        "path": _text(told.get("path")),
        "recipient": _text(recipient.get("recipient")) if isinstance(recipient, Mapping) else None,
        "kinds": _texts(told.get("kinds")),
        "persons": _number(told.get("persons")),
        "reasons": _texts(told.get("reasons")),
        "why": _text(told.get("reason") or told.get("why")),
        "by": [str(one.get("who") if isinstance(one, Mapping) else one) for one in told.get("by") or ()],
        "digest": _text(told.get("digest")),
        "policy": _text(told.get("policy")),
        "hash": entry.hash,
    }


# --------------------------------------------------------------------------- logs of the store


def logs(out: Path, period: Period) -> tuple[Section, Section, Section, list[dict[str, Any]]]:
    """Drills, values shown, the entries of every other log, and what the chain of each is worth."""
    drills: list[dict[str, Any]] = []
    shown: list[dict[str, Any]] = []
    others: list[dict[str, Any]] = []
    chains: list[dict[str, Any]] = []
    ever: set[str] = set()
    gaps: dict[str, list[Gap]] = {}
    for name in audit.names(out):
        log = audit.read(out, name)
        section = {drill.LOG: "drills", reveal.LOG: "reveals"}.get(name, "logs")
        inside = [entry for entry in log.entries if period.holds(_moment(entry.get("at")))]
        ever.update([section] if log.count else [])
        chains.append(_chain(f"{audit.FOLDER}/{name}", log.count, len(inside), log.head, log.faults))
        gaps.setdefault(section, []).extend(_removed(name, log, period))
        gaps[section].extend(Gap("chain", {"log": f"{audit.FOLDER}/{name}", "fault": fault}) for fault in log.faults)
        if section == "drills":
            drills += map(_drill_row, (entry for entry in inside if not audit.is_seal(entry)))
        elif section == "reveals":
            shown += map(_reveal_row, (entry for entry in inside if not audit.is_seal(entry)))
        others += [_other_row(name, entry) for entry in inside if section == "logs" or audit.is_seal(entry)]
    found = {"drills": drills, "reveals": shown, "logs": others}
    tables = {name: as_table(name, rows) for name, rows in found.items()}
    made = {name: Section(name, table, state_of(table, name in ever), tuple(gaps.get(name, ()))) for name, table in tables.items()}
    return made["drills"], made["reveals"], made["logs"], chains


def _removed(name: str, log: audit.Log, period: Period) -> Iterator[Gap]:
    """What a purge took away of the period: entries at the head of the log and, as the purge's own log tells, rows of the store."""
    for entry in log.entries:
        at = _moment(entry.get("at"))
        if at is None:
            continue
        if audit.is_seal(entry) and at >= period.start:
            yield Gap("log_cut", {"log": f"{audit.FOLDER}/{name}", "count": _number(entry.get("seq")) or 0, "day": _day(at, period)})
    if name != own_records.LOG:
        return
    limits: dict[str, datetime.datetime] = {}
    for entry in log.entries:
        at, told = _moment(entry.get("at")), entry.get("limits")
        if entry.get("what") != "done" or at is None or not isinstance(told, Mapping):
            continue
        for limit, counted in _PURGED.items():
            days = _number(told.get(limit))
            if days is not None and 0 <= days < _MOST_DAYS and any(entry.get(count) for count in counted):
                before = at - datetime.timedelta(days=days)
                limits[limit] = max(before, limits.get(limit, before))
    for limit, before in sorted(limits.items()):
        if before > period.start:
            yield Gap(f"purged_{limit.removesuffix('_days')}", {"day": _day(before, period)})


_PURGED: Final[Mapping[str, Sequence[str]]] = {"findings_days": ("rows", "runs"), "cases_days": ("cases",), "register_days": ("registers",)}
"""Limit of the policy -> what of a purge's entry counts what went by it."""


def _day(moment: datetime.datetime, period: Period) -> str:
    return period.local(moment).date().isoformat()


def _drill_row(entry: Mapping[str, Any]) -> dict[str, Any]:
    missed = [f"{one.get('path')}: {one.get('what')}" for one in entry.get("missed") or () if isinstance(one, Mapping)]
    counts = {name: _number(entry.get(name)) for name in ("seq", "planted", "found")}
    return {**counts, "at": _moment(entry.get("at")), "run_id": _text(entry.get("run_id")), "missed": missed}


def _reveal_row(entry: Mapping[str, Any]) -> dict[str, Any]:
    texts = ("who", "why", "finding_id", "entity_type", "root", "path", "member", "policy")
    counts = {name: _number(entry.get(name)) for name in ("seq", "shown")}
    refused = bool(entry.get("refused"))
    return {**counts, "at": _moment(entry.get("at")), **{name: _text(entry.get(name)) for name in texts}, "refused": refused}


def _other_row(name: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    told = {key: value for key, value in entry.items() if key not in ("seq", "at", "prev")}
    return {"log": name, "seq": _number(entry.get("seq")), "at": _moment(entry.get("at")), "entry": json.dumps(told, ensure_ascii=False)}


def chains(found: Iterable[Mapping[str, Any]]) -> Section:
    table = as_table("chains", found)
    return Section("chains", table, state_of(table, False))


def _chain(log: str, entries: int, inside: int, head: str, faults: Sequence[str]) -> dict[str, Any]:
    return {"log": log, "entries": entries, "in_period": inside, "head": head, "whole": not faults, "faults": list(faults)}


# --------------------------------------------------------------------------- reading records that may be anything


def _unreadable(what: str, faults: Sequence[str]) -> list[Gap]:
    return [Gap("record_unreadable", {"records": what, "count": len(faults)})] if faults else []


def _moment(text: object) -> datetime.datetime | None:
    try:
        return moment(text)
    except (ValueError, TypeError):
        return None


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _texts(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, (list, tuple, Mapping)) else []


def _number(value: object) -> int | None:
    return value if type(value) is int and abs(value) < 2**63 else None
