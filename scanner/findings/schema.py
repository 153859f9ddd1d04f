"""The tables of the findings store as Arrow schemas; docs/reference tells what each column means."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

SCHEMA_VERSION = 1
"""Raised when a column changes its meaning or type. A new column does not raise it: readers fill it with nulls."""

_TIME = pa.timestamp("us", tz="UTC")
_WHERE = (("root", pa.string()), ("path", pa.string()), ("member", pa.string()))


def _schema(*fields: tuple[str, Any]) -> Any:
    return pa.schema([pa.field(name, kind) for name, kind in fields])


OBJECTS = _schema(
    ("run_id", pa.string()),
    ("object_id", pa.string()),
    *_WHERE,
    ("store", pa.string()),
    ("department", pa.string()),
    ("media_type", pa.string()),
    ("encoding", pa.string()),
    ("undecoded", pa.int64()),
    ("size_bytes", pa.int64()),
    ("bytes_read", pa.int64()),
    ("rows_read", pa.int64()),
    ("modified_at", _TIME),
    ("changed_at", _TIME),
    ("scanned_at", _TIME),
    ("file_id", pa.string()),
    ("owner", pa.string()),
    ("exposure", pa.string()),
    ("content_hash", pa.string()),
    ("engine_digest", pa.string()),
    ("status", pa.string()),
    ("reason", pa.string()),
    ("excused", pa.bool_()),
    ("persons", pa.int64()),
    ("verdict", pa.string()),
    ("severity", pa.string()),
    ("duration_ms", pa.int64()),
)

FINDINGS = _schema(
    ("run_id", pa.string()),
    ("finding_id", pa.string()),
    ("object_id", pa.string()),
    *_WHERE,
    ("store", pa.string()),
    ("department", pa.string()),
    ("entity_type", pa.string()),
    ("rule_id", pa.string()),
    ("detector", pa.string()),
    ("score", pa.float64()),
    ("place", pa.string()),
    ("column", pa.string()),
    ("count", pa.int64()),
    ("distinct", pa.int64()),
    ("first_row", pa.int64()),
    ("first_line", pa.int64()),
    ("samples", pa.list_(pa.string())),
    ("verdict", pa.string()),
    ("reason", pa.string()),
    ("first_seen", _TIME),
)

COPIES = _schema(
    ("run_id", pa.string()),
    ("object_id", pa.string()),
    *_WHERE,
    ("store", pa.string()),
    ("source_path", pa.string()),
    ("matched_records", pa.int64()),
    ("object_records", pa.int64()),
    ("store_records", pa.int64()),
    ("columns", pa.list_(pa.string())),
    ("evidence", pa.string()),
    ("score", pa.float64()),
)

VALUES = _schema(
    ("run_id", pa.string()),
    ("object_id", pa.string()),
    ("entity_type", pa.string()),
    ("fingerprint", pa.uint64()),
    ("place", pa.string()),
    ("column", pa.string()),
    ("rows", pa.list_(pa.int32())),
    ("count", pa.int64()),
)

VALUES_REPEATED = ["run_id", "object_id", "entity_type", "place", "column", "count"]
"""Columns of `values` worth a dictionary in a file; to try one with fingerprints takes longer than all the rest of writing."""

TABLES = {"objects": OBJECTS, "findings": FINDINGS, "copies": COPIES, "values": VALUES}
"""Folder of the store -> schema of its files."""

VERSION_KEY = b"strayscan.schema"
"""Where a file of people's decisions, which no run's manifest tells of, says the version of its schema."""
_VERSIONED = {VERSION_KEY: str(SCHEMA_VERSION).encode()}

DECISIONS = _schema(
    ("decision_id", pa.string()),
    ("decided_at", _TIME),
    ("author", pa.string()),
    ("action", pa.string()),
    ("why", pa.string()),
    ("finding_id", pa.string()),
    ("object_id", pa.string()),
    *_WHERE,
    ("until", pa.date32()),
    ("assigned_to", pa.string()),
    ("due", pa.date32()),
    ("cause", pa.string()),
    ("measure", pa.string()),
    ("run_id", pa.string()),
    ("distinct", pa.int64()),
    ("fingerprints", pa.int64()),
    ("unread_reason", pa.string()),
    ("content_hash", pa.string()),
    ("engine_digest", pa.string()),
    ("size_bytes", pa.int64()),
    ("modified_at", _TIME),
).with_metadata(_VERSIONED)

COVERED = _schema(
    ("decision_id", pa.string()),
    ("finding_id", pa.string()),
    ("fingerprint", pa.uint64()),
).with_metadata(_VERSIONED)

DECIDED = {"decisions": DECISIONS, "covered": COVERED}
"""Folder of the store -> schema of its files: what people decided, outside of every run."""
