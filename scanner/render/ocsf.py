"""Records as events of OCSF 1.8, class Data Security Finding (2006); docs/reference/export.md tells the mapping field by field.

The schema is at https://schema.ocsf.io/1.8.0/classes/data_security_finding; tests hold every event against a pinned copy of it.
No event has `discovery_details.value` or `pattern_match`: a value has no place in another system's log.
"""

from __future__ import annotations

import datetime
import hashlib
import re
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import scanner

if TYPE_CHECKING:
    import pyarrow as pa

VERSION = "1.8.0"
CLASS_UID = 2006
_CLASS = "Data Security Finding"
_ACTIVITIES = {"create": (1, "Create"), "update": (2, "Update"), "close": (3, "Close")}
_SEVERITIES = {"critical": (5, "Critical"), "high": (4, "High"), "medium": (3, "Medium"), "low": (2, "Low"), "info": (1, "Informational")}
_NOT_KNOWN = (0, "Unknown")
_SUPPRESSED, _RESOLVED = (3, "Suppressed"), (4, "Resolved")
_STATES = {"closed": _RESOLVED, "ignored": _SUPPRESSED, "accepted": _SUPPRESSED, "excused": _SUPPRESSED}
_NEW, _IN_PROGRESS = (1, "New"), (2, "In Progress")
_GOVERNMENTAL = re.compile("JP_(?:MY_NUMBER|DRIVER_LICENSE|PASSPORT|PENSION_NUMBER|RESIDENCE_CARD|RESIDENT_RECORD)|PASSPORT|US_SSN")
_FINANCIAL = re.compile("CREDIT_CARD|.*BANK_ACCOUNT|IBAN.*")
_ANALYTICS = {"column": (3, "Statistical"), "rule": (8, "Regular Expressions"), "policy": (1, "Rule")}
_NAMES, _ADDRESSES = (4, "Learning (ML/DL)"), (7, "Keyword Match")
_FILE_TYPES = {"symlink": 7, "fifo": 6, "socket": 5}
_PAGE = re.compile(r"(?:page|slide) (\d+)")
_CELL = re.compile(r"column (\d+)")
_WHY = {
    "outside_store": "outside every approved store",
    "kind_not_allowed": "of a kind that its store does not allow",
    "retention": "kept longer than its store allows",
    "known": "our own contact data",
    "no_combination": "of kinds that the policy reports only together with others",
    "below_report_from": "of fewer persons than are reported",
    "property": "in a document property alone",
}


def event(row: Mapping[str, Any]) -> dict[str, Any]:
    """The event that tells a record (`scanner.findings.records`); absent attributes are left out, not null."""
    told: dict[str, Any] = _pruned(_finding(row) if row["record"] == "finding" else _unread(row))
    return told


def _finding(row: Mapping[str, Any]) -> dict[str, Any]:
    kind, why = row["entity_type"], _WHY.get(row["reason"], "in an approved store" if row["verdict"] == "approved" else row["verdict"])
    severity = _SEVERITIES.get(row["severity"], _NOT_KNOWN) if row["verdict"] == "stray" else _SEVERITIES["info"]
    occurrence = {
        "column_name": row["column"],
        "column_number": _number(_CELL, row["column"]),
        "row_number": row["first_row"],
        "start_line": row["first_line"],
        "page_number": _number(_PAGE, row["place"]),
    }
    score = row["score"]
    return {
        **_base(row, row["finding_id"], f"{kind}, {why}", severity),
        "confidence_score": None if score is None else round(score * 100),
        "finding_info": {
            "uid": row["finding_id"],
            "title": f"{kind}, {why}",
            "types": [kind],
            "created_time": _millis(row["first_seen"]),
            "first_seen_time": _millis(row["first_seen"]),
            "last_seen_time": _millis(max(row["first_seen"], row["last_seen"])),  # a run's start lies before what it saw first
            "modified_time": _millis(row["time"]),
            "analytic": _analytic(row),
        },
        "data_security": {
            **_data_security(row),
            "category_id": _category(kind)[0],
            "category": _category(kind)[1],
            "discovery_details": [{"type": kind, "count": row["count"], "occurrences": [occurrence]}],
            "total": row["count"],
        },
    }


def _unread(row: Mapping[str, Any]) -> dict[str, Any]:
    """Of unknown severity: what was not read is not called clean."""
    uid, title = f"unread-{row['object_id']}", f"Not {'fully ' if row['status'] == 'partial' else ''}read: {row['status_reason']}"
    return {
        **_base(row, uid, title, _NOT_KNOWN),
        "finding_info": {
            "uid": uid,
            "title": title,
            "types": ["unread"],
            "last_seen_time": _millis(row["last_seen"]),
            "analytic": {"uid": "strayscan.reading", "name": "strayscan.reading", "type_id": 1, "type": "Rule"},
        },
        "data_security": {**_data_security(row), "category_id": 0, "category": "Unknown"},
    }


def _base(row: Mapping[str, Any], uid: str, title: str, severity: tuple[int, str]) -> dict[str, Any]:
    status = _SUPPRESSED if row["excused"] and row["record"] == "unread" else _STATES.get(row["state"])
    open_status = _NEW if row["assigned_to"] is None else _IN_PROGRESS
    activity = _ACTIVITIES[row["activity"]]
    time = _millis(row["time"])
    return {
        "activity_id": activity[0],
        "activity_name": activity[1],
        "category_uid": 2,
        "category_name": "Findings",
        "class_uid": CLASS_UID,
        "class_name": _CLASS,
        "type_uid": CLASS_UID * 100 + activity[0],
        "type_name": f"{_CLASS}: {activity[1]}",
        "time": time,
        "severity_id": severity[0],
        "severity": severity[1],
        "status_id": (status or open_status)[0],
        "status": (status or open_status)[1],
        "is_alert": status is None and row["verdict"] in ("stray", "unread"),
        "status_code": row["state"] or row["status"],
        "status_detail": row["reason"] or row["status_reason"],
        "message": title,
        "metadata": {
            "version": VERSION,
            "uid": hashlib.blake2b(f"{uid}|{activity[0]}|{time}".encode(), digest_size=16).hexdigest(),
            "correlation_uid": row["object_id"],
            "event_code": row["record"],
            "log_name": "findings",
            "product": {"name": "Strayscan", "vendor_name": "Strayscan", "uid": "strayscan", "version": scanner.__version__},
        },
        "file": _file(row),
        "resources": [_resource(row)],
        "unmapped": {
            "run_id": row["run_id"],
            "root": row["root"],
            "path": row["path"],
            "member": row["member"],
            "place": row["place"],
            "verdict": row["verdict"],
            "assigned_to": row["assigned_to"],
            "due": None if row["due"] is None else row["due"].isoformat(),
            "exposure": row["exposure"],
            "persons": row["persons"],
            "distinct": row["distinct"],
            "masks": row["samples"],
            "copy_of": row["copy_of"],
        },
    }


def _analytic(row: Mapping[str, Any]) -> dict[str, Any]:
    detector = row["detector"] or ""
    named = _NAMES if detector.startswith("person") else _ADDRESSES if detector.startswith("address") else (99, detector or "Unknown")
    type_id, kind = _ANALYTICS.get(detector, named)
    rule = row["rule_id"] or "unknown"
    return {"uid": rule, "name": rule, "category": detector or None, "type_id": type_id, "type": kind}


def _data_security(row: Mapping[str, Any]) -> dict[str, Any]:
    """How far the object was read stands beside what was found in it."""
    status = row["status"]
    read = (2, "Partial") if status == "partial" else (3, "Fail") if status in ("unreadable", "unsupported") else (1, "Complete")
    if status is None or (status == "unchanged" and row["status_reason"] is not None):
        read = (2, "Partial") if row["record"] == "unread" else _NOT_KNOWN
    return {
        "detection_system_id": 4,
        "detection_system": "Data Discovery & Classification",
        "data_lifecycle_state_id": 1,
        "data_lifecycle_state": "Data at-Rest",
        "classifier_details": {"type": row["detector"] or "reader", "name": row["rule_id"], "uid": row["rule_id"]},
        "policy": {"name": row["store"], "type": "approved store"} if row["store"] is not None else None,
        "size": row["size_bytes"],
        "status_id": read[0],
        "status": read[1],
        "status_details": [row["status_reason"]] if row["status_reason"] is not None else None,
    }


def _file(row: Mapping[str, Any]) -> dict[str, Any]:
    path = f"{(row['root'] or '').rstrip('/')}/{row['path']}"
    inner = f"{path}!{row['member']}" if row["member"] is not None else path
    last = re.split(r"(?<!\\)!|/", inner.rstrip("/"))[-1]
    folder = (row["path"] or "").endswith("/") and row["member"] is None
    return {
        "name": last,
        "path": inner,
        "parent_folder": path.rstrip("/").rpartition("/")[0] or "/",
        "uid": row["object_id"],
        "type_id": 2 if folder else _FILE_TYPES.get(row["status_reason"] or "", 1),
        "mime_type": row["media_type"],
        "size": row["size_bytes"],
        "modified_time": _millis(row["modified_at"]),
        "owner": {"name": row["owner"]} if row["owner"] is not None else None,
    }


def _resource(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "uid": row["object_id"],
        "name": f"{(row['root'] or '').rstrip('/')}/{row['path']}",
        "type": "File",
        "namespace": row["root"],
        "role_id": 3,
        "role": "Affected",
        "owner": {"name": row["owner"]} if row["owner"] is not None else None,
        "group": {"name": row["department"], "type": "department"} if row["department"] is not None else None,
    }


def _category(entity_type: str) -> tuple[int, str]:
    if _GOVERNMENTAL.fullmatch(entity_type):
        return 2, "Governmental"
    return (3, "Financial") if _FINANCIAL.fullmatch(entity_type) else (1, "Personal")


def _number(pattern: re.Pattern[str], text: str | None) -> int | None:
    found = pattern.match(text or "")
    return int(found[1]) if found and len(found[1]) < 10 else None


def _millis(moment: datetime.datetime | None) -> int | None:
    return None if moment is None else round(moment.timestamp() * 1000)


def _pruned(value: Any) -> Any:
    """Without what is null, and without what is empty after that: an attribute that is not known is absent."""
    if isinstance(value, dict):
        kept = {name: _pruned(inner) for name, inner in value.items()}
        return {name: inner for name, inner in kept.items() if inner is not None and inner not in ({}, [])}
    if isinstance(value, list):
        return [inner for inner in map(_pruned, value) if inner not in (None, {})]
    return value


@cache
def parquet_schema() -> pa.Schema:
    """The events' attributes as nested columns; the same names and types as in JSON."""
    import pyarrow as pa

    text, number, long = pa.string(), pa.int32(), pa.int64()

    def struct(**fields: Any) -> Any:
        return pa.struct([pa.field(name, kind) for name, kind in fields.items()])

    user, group = struct(name=text), struct(name=text, type=text)
    occurrence = struct(column_name=text, column_number=number, row_number=long, start_line=long, page_number=number)
    finding_info = struct(
        uid=text, title=text, types=pa.list_(text), created_time=long, first_seen_time=long, last_seen_time=long, modified_time=long,
        analytic=struct(uid=text, name=text, category=text, type_id=number, type=text),
    )  # fmt: skip
    metadata = struct(
        version=text, uid=text, correlation_uid=text, event_code=text, log_name=text,
        product=struct(name=text, vendor_name=text, uid=text, version=text),
    )  # fmt: skip
    file = struct(
        name=text, path=text, parent_folder=text, uid=text, type_id=number, mime_type=text, size=long, modified_time=long, owner=user
    )
    data_security = struct(
        detection_system_id=number, detection_system=text, data_lifecycle_state_id=number, data_lifecycle_state=text,
        classifier_details=struct(type=text, name=text, uid=text), policy=struct(name=text, type=text), size=long, status_id=number,
        status=text, status_details=pa.list_(text), category_id=number, category=text,
        discovery_details=pa.list_(struct(type=text, count=long, occurrences=pa.list_(occurrence))), total=long,
    )  # fmt: skip
    resource = struct(uid=text, name=text, type=text, namespace=text, role_id=number, role=text, owner=user, group=group)
    unmapped = struct(
        run_id=text, root=text, path=text, member=text, place=text, verdict=text, assigned_to=text, due=text, exposure=text,
        persons=long, distinct=long, masks=pa.list_(text), copy_of=pa.list_(text),
    )  # fmt: skip
    columns: dict[str, Any] = {
        "activity_id": number, "activity_name": text, "category_uid": number, "category_name": text, "class_uid": number,
        "class_name": text, "type_uid": long, "type_name": text, "time": long, "severity_id": number, "severity": text,
        "status_id": number, "status": text, "status_code": text, "status_detail": text, "message": text, "metadata": metadata,
        "file": file, "resources": pa.list_(resource), "unmapped": unmapped, "is_alert": pa.bool_(), "confidence_score": number,
        "finding_info": finding_info, "data_security": data_security,
    }  # fmt: skip
    return pa.schema([pa.field(name, kind) for name, kind in columns.items()])
