"""Findings stores of invented persons, written without a scan."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from scanner.findings.schema import VALUES
from scanner.findings.store import open_store
from scanner.redact import Fingerprinter, Key
from tests.unit.findings.samples import ROOT, object_row, row, told

KEY_TEXT = "a key for tests, longer than any that is guessed"
KEY = Key.from_text(KEY_TEXT)
PRINTS = Fingerprinter(KEY)

Cell = tuple[str, str, str | None, Sequence[int]]  # entity type, value, column (None: text), rows


def key_file(folder: Path, text: str = KEY_TEXT) -> Path:
    path = folder / "key.txt"
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    return path


def publish(
    out: Path,
    objects: dict[str, Iterable[Cell]],
    *,
    status: dict[str, str] | None = None,
    outcome: str = "complete",
    verdict: dict[str, str] | None = None,
    place: str | None = None,
    roots: Sequence[str] = (ROOT,),
    count: int | None = None,
) -> str:
    """One run over `ROOT` that met these objects; its name. `status`: of objects that were not read whole. `count`: of
    every value, if not its rows."""
    store = open_store(out, KEY.key_id)
    run_id = store.new_run_id()
    states, verdicts = status or {}, verdict or {}
    with store.begin(run_id, list(roots)) as writer:
        for path, cells in objects.items():
            state = states.get(path, "scanned")
            said = verdicts.get(path, "stray" if state == "scanned" else "unread")
            reason = None if state in ("scanned", "unchanged") else "encrypted"
            writer.objects(
                [object_row(path, status=state, reason=reason) | {"verdict": said, "excused": False, "content_hash": f"h-{path}"}]
            )
            values: list[dict[str, Any]] = []
            for entity, value, column, rows in cells:
                name = f"{ROOT}|{path}|None"
                tag = PRINTS.one(entity, value)
                values.append(
                    row("values", object_id=name, entity_type=entity, fingerprint=tag, place=place, column=column)
                    | {"run_id": run_id, "rows": list(rows), "count": count or len(rows)}
                )
                finding = row("findings", finding_id=f"{path}|{entity}|{column}", object_id=name, root=ROOT, path=path, entity_type=entity)
                writer.findings([finding | {"place": place, "column": column, "rule_id": "r", "verdict": said, "samples": []}])
            if values:
                writer.values(pa.RecordBatch.from_pylist(values, VALUES))
        writer.commit(told(outcome, roots))
    return run_id
