"""The tables of a binder as Arrow schemas, one a section, in its order; docs/reference/tables.md tells what each column means."""

from __future__ import annotations

from typing import Any, Final

import pyarrow as pa

_TIME = pa.timestamp("us", tz="UTC")
_TEXTS = pa.list_(pa.string())
_WHERE = {"root": pa.string(), "path": pa.string(), "member": pa.string()}


def _schema(texts: str = "", **kinds: Any) -> Any:
    """Columns in the order given; `texts` names columns of strings that come first."""
    return pa.schema([pa.field(name, pa.string()) for name in texts.split()] + [pa.field(name, kind) for name, kind in kinds.items()])


_INT, _BOOL, _DATE = pa.int64(), pa.bool_(), pa.date32()

SECTIONS: Final[dict[str, Any]] = {
    "roots": _schema(
        "root", runs=_INT, complete=_INT, not_reached=_INT, last_run=pa.string(), last_at=_TIME, last_outcome=pa.string(),
        last_reached=_BOOL, in_period=_BOOL,
    ),
    "runs": _schema(
        "run_id", started_at=_TIME, ended_at=_TIME, outcome=pa.string(), asked=_TEXTS, reached=_TEXTS, not_reached=_TEXTS, host=pa.string(),
        account=pa.string(), program=pa.string(), policy=pa.string(), key_id=pa.string(), objects=_INT, bytes_read=_INT, stray=_INT,
        unread=_INT, approved=_INT, clean=_INT, manifest_blake3=pa.string(),
    ),
    "coverage": _schema("run_id root status reason", excused=_BOOL, objects=_INT, size_bytes=_INT, bytes_read=_INT, last=_BOOL),
    "unread": _schema(
        "run_id", **_WHERE, department=pa.string(), status=pa.string(), reason=pa.string(), size_bytes=_INT, excused=_BOOL,
        excused_why=pa.string(), state_now=pa.string(), decided_by=pa.string(), decided_at=_TIME, decided_why=pa.string(), until=_DATE,
    ),
    "excuses": _schema("", reasons=_TEXTS, paths=_TEXTS, why=pa.string(), until=_DATE, expired=_BOOL, objects=_INT),
    "rules": _schema("component value", roots=_TEXTS, first_run=pa.string(), first_at=_TIME, last_run=pa.string(), last_at=_TIME,
                     runs=_INT, changed=_BOOL),
    "stores": _schema(
        "name owner purpose", paths=_TEXTS, allow=_TEXTS, retention_days=_INT, approved_by=pa.string(), review_by=_DATE, overdue=_BOOL,
        traced=_BOOL, reason=pa.string(), why=pa.string(), records=_INT, run_id=pa.string(),
    ),
    "decisions": _schema(
        "decision_id", decided_at=_TIME, author=pa.string(), action=pa.string(), why=pa.string(), until=_DATE, assigned_to=pa.string(),
        due=_DATE, finding_id=pa.string(), object_id=pa.string(), **_WHERE, entity_type=pa.string(), stands=_BOOL, state_now=pa.string(),
        reopened=pa.string(), in_period=_BOOL,
    ),
    "measures": _schema(
        "decision_id", decided_at=_TIME, author=pa.string(), finding_id=pa.string(), object_id=pa.string(), **_WHERE,
        entity_type=pa.string(), cause=pa.string(), measure=pa.string(), due=_DATE, outcome=pa.string(), closed_by=pa.string(),
        closed_at=_TIME, in_period=_BOOL,
    ),
    "register": _schema(
        "", written_at=_TIME, id=pa.string(), state=pa.string(), name=pa.string(), place=pa.string(), items=_TEXTS, sensitive=_BOOL,
        objects=_INT, records=_INT, persons=_INT, owner=pa.string(), department=pa.string(), retention_days=_INT, review_by=_DATE,
        overrun=_INT, unread=_INT, changes=pa.string(),
    ),
    "cleanup": _schema(
        "item action", done_at=_TIME, path=pa.string(), to=pa.string(), kinds=_TEXTS, persons=_INT, who=pa.string(), reason=pa.string(),
        ordered_at=_TIME, how=pa.string(), source=pa.string(), digest=pa.string(),
    ),
    "outbound": _schema(
        "", seq=_INT, at=_TIME, what=pa.string(), item=pa.string(), who=pa.string(), path=pa.string(), recipient=pa.string(), kinds=_TEXTS,
        persons=_INT, reasons=_TEXTS, why=pa.string(), by=_TEXTS, digest=pa.string(), policy=pa.string(), hash=pa.string(),
    ),
    "provisions": _schema(
        "provision_id", provided_at=_TIME, recipient=pa.string(), country=pa.string(), purpose=pa.string(), contract=pa.string(),
        path=pa.string(), size_bytes=_INT, content_hash=pa.string(), entity_types=_TEXTS, persons=_INT, approved_by=_TEXTS,
        reason=pa.string(), sender=pa.string(), held=_BOOL,
    ),
    "drills": _schema("", seq=_INT, at=_TIME, run_id=pa.string(), planted=_INT, found=_INT, missed=_TEXTS),
    "reveals": _schema(
        "", seq=_INT, at=_TIME, who=pa.string(), why=pa.string(), finding_id=pa.string(), entity_type=pa.string(), **_WHERE,
        shown=_INT, refused=_BOOL, policy=pa.string(),
    ),
    "requests": _schema(
        "", number=_INT, opened_at=_TIME, places=_INT, checks=_INT, checked_at=_TIME, gone_value=_INT, gone_object=_INT, left=_INT,
        unread=_INT, not_looked=_INT, new=_INT,
    ),
    "logs": _schema("log", seq=_INT, at=_TIME, entry=pa.string()),
    "chains": _schema("log", entries=_INT, in_period=_INT, head=pa.string(), whole=_BOOL, faults=_TEXTS),
}  # fmt: skip
"""Section -> schema of `<section>.parquet`."""
