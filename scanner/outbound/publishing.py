"""The gate's findings on their way into the findings store: rows wait in the state until a run that holds them has happened."""

from __future__ import annotations

import datetime
import getpass
import socket
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from scanner import __version__
from scanner.findings import runs
from scanner.findings.store import RunWriter, Store
from scanner.outbound.state import GateState
from scanner.run.digests import Digests
from scanner.run.summary import Tally

if TYPE_CHECKING:
    import pyarrow as pa

_CLOSING: Final = "closing_run"
_MOMENTS: Final = frozenset({"modified_at", "changed_at", "scanned_at", "first_seen"})
_ROWS: Final = 1_024


def plain_rows(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows as JSON can hold them: moments as ISO text."""
    return [{name: value.isoformat() if isinstance(value, datetime.datetime) else value for name, value in row.items()} for row in rows]


def batch_bytes(batch: pa.RecordBatch) -> bytes:
    """A batch as an Arrow IPC stream."""
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return bytes(sink.getvalue())


def finish_interrupted(state: GateState, out: Path) -> None:
    """If the process died between a run's publication and the entry of that in the state, enter it now."""
    told = state.meta(_CLOSING)
    if not told:
        return
    run_id, _, last = told.partition(" ")
    with state.transaction():
        if runs.manifest_path(out, run_id).exists():
            _entered(state, run_id, int(last))
        state.set_meta(_CLOSING, "")


def publish_run(
    state: GateState, store: Store, outbox: str, policy_file: str, digests: Digests, began: datetime.datetime, most: int = 100_000
) -> str | None:
    """Write what is pending as one run; its id, None if nothing was. Raises StoreError.

    The run reaches no root: that a file has left the transfer folder closes no finding.
    """
    pending = state.pending()
    first = next(pending, None)
    if first is None:
        return None
    run_id = store.new_run_id()
    tally, last, objects, files = Tally(), 0, 0, []
    with store.begin(run_id, ()) as writer:
        one: tuple[int, str, dict[str, Any], bytes | None, str | None] | None = first
        while one is not None and objects < most:
            last, _, rows, batch, file = one
            objects += _write(writer, run_id, rows, tally)
            if batch is not None:
                _values(writer, run_id, _batches(batch))
            if file is not None:
                files.append(Path(file))
                _values(writer, run_id, _file_batches(Path(file)))
            one = next(pending, None)
        pending.close()  # type: ignore[attr-defined]
        with state.transaction():
            state.set_meta(_CLOSING, f"{run_id} {last}")
        writer.commit(_manifest(outbox, policy_file, digests, began, objects, tally.counts))
    with state.transaction():
        _entered(state, run_id, last)
        state.set_meta(_CLOSING, "")
    for path in files:
        path.unlink(missing_ok=True)
    return run_id


def _entered(state: GateState, run_id: str, last: int) -> None:
    state.put_published({item for seq, item, _, _, _ in state.pending() if seq <= last}, run_id)
    state.drop_pending(last)


def _write(writer: RunWriter, run_id: str, rows: Mapping[str, Any], tally: Tally) -> int:
    objects = [_restored(row, run_id) for row in rows["objects"]]
    findings = [_restored(row, run_id) for row in rows["findings"]]
    by_object: dict[str, list[dict[str, Any]]] = {}
    for finding in findings:
        by_object.setdefault(finding["object_id"], []).append(finding)
    writer.objects(objects)
    writer.findings(findings)
    writer.copies([_restored(row, run_id) for row in rows["copies"]])
    for row in objects:
        tally.add(row, by_object.get(row["object_id"], []))
    return len(objects)


def _restored(row: Mapping[str, Any], run_id: str) -> dict[str, Any]:
    full = {**row, "run_id": run_id}
    for name in _MOMENTS & full.keys():
        if full[name] is not None:
            full[name] = datetime.datetime.fromisoformat(full[name])
    return full


def _values(writer: RunWriter, run_id: str, batches: Iterable[pa.RecordBatch]) -> None:
    import pyarrow as pa

    for batch in batches:
        at = batch.schema.get_field_index("run_id")
        writer.values(batch.set_column(at, "run_id", pa.repeat(pa.scalar(run_id, pa.string()), batch.num_rows)))


def _batches(data: bytes) -> Iterable[pa.RecordBatch]:
    import pyarrow as pa

    with pa.ipc.open_stream(data) as reader:
        yield from reader


def _file_batches(path: Path) -> Iterable[pa.RecordBatch]:
    from pyarrow import parquet

    for file in sorted(path.glob("*.parquet")) if path.is_dir() else [path]:
        yield from parquet.ParquetFile(file).iter_batches(_ROWS * 64)


def _manifest(
    outbox: str, policy_file: str, digests: Digests, began: datetime.datetime, objects: int, counts: Mapping[str, Any]
) -> dict[str, Any]:
    account = ""
    with suppress(KeyError, OSError):
        account = getpass.getuser()
    reached: Sequence[str] = []
    return {
        "program": f"strayscan {__version__}",
        "kind": "watch",
        "digests": digests.told(),
        "packs": dict(digests.packs),
        "policy": policy_file,
        "host": socket.gethostname(),
        "account": account,
        "roots": {"asked": [outbox], "reached": list(reached), "not_reached": []},
        "start": began.isoformat(),
        "end": datetime.datetime.now(datetime.UTC).isoformat(),
        "outcome": "complete",
        "interrupted": False,
        "objects_met": objects,
        "counts": counts,
    }
