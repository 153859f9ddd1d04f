"""Papers of the gate: the receipt of a held file, and the draft record of a provision to a third party."""

from __future__ import annotations

import datetime
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from scanner.findings.publish import atomic_bytes
from scanner.outbound.state import Held, Sent
from scanner.outbound.tell import shown

if TYPE_CHECKING:
    import pyarrow as pa

PARQUET, CSV = "provisions.parquet", "provisions.csv"
COLUMNS: Final = (
    "provision_id", "provided_at", "recipient", "country", "purpose", "contract", "path", "size_bytes", "content_hash", "entity_types",
    "persons", "approved_by", "reason", "sender", "held",
)  # fmt: skip
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\0")


def receipt(item: str, path: bytes, outbox: str, sent: Sent, digest: str, told: Mapping[str, Any]) -> bytes:
    """What is known of a held file, as JSON: masked samples, no values. Times in UTC."""
    plain = {
        "item": item,
        "path": shown(path),
        "outbox": outbox,
        "dropped_by": {"owner": sent.owner, "uid": sent.uid, "gid": sent.gid, "sender": sent.sender},
        "modified_at": _moment(sent.mtime_ns),
        "mode": f"{sent.mode:04o}",
        "times_ns": [sent.atime_ns, sent.mtime_ns],
        "held_at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "attributes_not_kept": list(sent.attributes),
        "size_bytes": sent.size,
        "blake3": digest,
        "decision": {name: value for name, value in told.items() if name != "findings"},
        "findings": told.get("findings", []),
    }
    return json.dumps(plain, ensure_ascii=False, indent=1).encode("utf-8", "backslashreplace") + b"\n"


def provision(
    item: str, path: bytes, sent: Sent, digest: str, told: Mapping[str, Any], approvals: Sequence[Mapping[str, Any]], *, held: bool
) -> dict[str, Any] | None:
    """A draft of what Japan's law asks to be recorded of a provision to a third party (APPI article 29, and its rules, article 20): when,
    to whom, of how many, which data. None if nothing personal was found. Who the persons are stands in the findings, as fingerprints."""
    if not told.get("kinds"):
        return None
    recipient = told.get("recipient") or {}
    return {
        "provision_id": item,
        "provided_at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        **{name: recipient.get(name) for name in ("recipient", "country", "purpose", "contract")},
        "path": shown(path),
        "size_bytes": sent.size,
        "content_hash": digest,
        "entity_types": sorted(told["kinds"]),
        "persons": int(told.get("persons") or 0),
        "approved_by": [one["who"] for one in approvals],
        "reason": "; ".join(str(one["reason"]) for one in approvals) or None,
        "sender": sent.sender or sent.owner,
        "held": held,
    }


def provisions_table(records: Iterable[Mapping[str, Any]]) -> pa.Table:
    """The records as a table of `COLUMNS`; `provided_at` in UTC."""
    import pyarrow as pa

    texts = pa.list_(pa.string())
    kinds = {"provided_at": pa.timestamp("us", tz="UTC"), "size_bytes": pa.int64(), "persons": pa.int64(), "held": pa.bool_()}
    schema = pa.schema(
        [pa.field(name, texts if name in ("entity_types", "approved_by") else kinds.get(name, pa.string())) for name in COLUMNS]
    )
    rows = [{**one, "provided_at": datetime.datetime.fromisoformat(one["provided_at"])} for one in records]
    return pa.Table.from_pylist(rows, schema)


def provisions_csv(records: Iterable[Mapping[str, Any]]) -> str:
    """The same as CSV; what a spreadsheet would take for a formula gets an apostrophe (OWASP ASVS 1.2.10)."""
    import csv

    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for one in records:
        writer.writerow([_cell(one.get(name)) for name in COLUMNS])
    return out.getvalue()


def write_provisions(hold: Path, records: Sequence[Mapping[str, Any]]) -> None:
    """Both files in the hold folder anew. Raises OSError."""
    import pyarrow as pa
    from pyarrow import parquet

    sink = pa.BufferOutputStream()
    parquet.write_table(provisions_table(records), sink, compression="zstd")
    atomic_bytes(hold / PARQUET, sink.getvalue().to_pybytes())
    atomic_bytes(hold / CSV, provisions_csv(records).encode("utf-8-sig", "backslashreplace"))


def held_json(one: Held) -> dict[str, Any]:
    """A held file in short, as `hold list --json` tells it."""
    return {
        "item": one.item,
        "path": shown(one.path),
        "state": one.state,
        "since": datetime.datetime.fromtimestamp(one.since, datetime.UTC).isoformat(timespec="seconds"),
        "sender": one.sent.sender,
        "owner": one.sent.owner,
        "size_bytes": one.sent.size,
        "blake3": one.digest,
        **{name: one.decision.get(name) for name in ("reasons", "kinds", "persons", "unread", "copies", "recipient", "approvals")},
        **({"fault": one.fault} if one.fault else {}),
    }


def _cell(value: Any) -> str:
    text = "; ".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)
    return "'" + text if text.startswith(_FORMULA) else text


def _moment(nanoseconds: int) -> str | None:
    try:
        return datetime.datetime.fromtimestamp(nanoseconds / 1e9, datetime.UTC).isoformat(timespec="seconds")
    except (OverflowError, ValueError, OSError):
        return None
