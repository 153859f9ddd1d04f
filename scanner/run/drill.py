"""Does the scan still see? After a run, what was planted is looked up in the findings: found, traced to its store, judged as planted."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from scanner.findings.errors import StoreError
from scanner.judge import DRILL
from scanner.policy.drill import MANIFEST, STORE, Drill
from scanner.run import audit

if TYPE_CHECKING:
    from scanner.findings.read import Findings

LOG: Final = "drills"

NOT_SCANNED, NOT_READ, NOT_FOUND, NOT_TRACED, MISJUDGED = "not_scanned", "not_read", "not_found", "not_traced", "misjudged"
"""What can be wrong of a planted file, the first that is."""


@dataclass(frozen=True, slots=True)
class Canary:
    """A planted file, `path` below the drill's folder. `kinds`: entity type -> distinct values at least; `copied`: records of the store."""

    path: str
    kinds: Mapping[str, int]
    copied: int


@dataclass(frozen=True, slots=True)
class Missed:
    """A planted file that the scan did not deal with as it should. `what`: see NOT_SCANNED; `kinds` that were not found."""

    path: str
    what: str
    kinds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DrillResult:
    """How many of the planted files were found, traced and judged."""

    planted: int
    missed: tuple[Missed, ...] = ()

    @property
    def found(self) -> int:
        return self.planted - len(self.missed)


def planted(drill: Drill) -> list[Canary]:
    """What was planted. Raises StoreError."""
    try:
        told = json.loads((drill.folder / MANIFEST).read_bytes())
        return [Canary(str(one["path"]), dict(one["kinds"]), int(one["copied"])) for one in told["canaries"]]
    except FileNotFoundError:
        raise StoreError(f"{drill.text}: nothing is planted there; see `strayscan drill plant`") from None
    except (OSError, ValueError, KeyError, TypeError) as fault:
        raise StoreError(f"{drill.text}/{MANIFEST}: cannot be read; plant the drill anew") from fault


def check(out: Path, drill: Drill) -> DrillResult:
    """Compare what was planted with what the findings at `out` hold now. Raises StoreError."""
    from scanner.findings.read import open_findings

    canaries = planted(drill)
    with open_findings(out) as found:
        objects, findings, copies = (_by_file(found, query, drill) for query in (_OBJECTS, _FINDINGS, _COPIES))
    missed = [_missed(one, *(rows.get(one.path, ()) for rows in (objects, findings, copies))) for one in canaries]
    return DrillResult(len(canaries), tuple(one for one in missed if one is not None))


def remember(out: Path, run_id: str, result: DrillResult) -> None:
    """Write down what came of the drill after a run, in the log `LOG` of the store. Raises StoreError."""
    missed = [{"path": one.path, "what": one.what, "kinds": list(one.kinds)} for one in result.missed]
    audit.append(out, LOG, {"run_id": run_id, "planted": result.planted, "found": result.found, "missed": missed})


_PLACE = "rtrim(root, '/') || '/' || path"
_OBJECTS = f"SELECT {_PLACE} AS place, verdict FROM objects JOIN wanted ON starts_with({_PLACE}, folder)"
_FINDINGS = f"""SELECT {_PLACE} AS place, entity_type, verdict, reason, sum("distinct")::BIGINT AS "distinct"
    FROM standing_findings AS findings JOIN wanted ON starts_with({_PLACE}, folder)
    GROUP BY {_PLACE}, entity_type, member, findings.place, "column", verdict, reason"""
_COPIES = f"SELECT {_PLACE} AS place, store, matched_records FROM copies JOIN wanted ON starts_with({_PLACE}, folder)"


def _by_file(found: Findings, query: str, drill: Drill) -> Mapping[str, Sequence[Mapping[str, Any]]]:
    import pyarrow as pa

    rows: dict[str, list[Mapping[str, Any]]] = {}
    prefix = drill.text + "/"
    for row in _rows(found, query, folder=pa.array([prefix], pa.string())):
        rows.setdefault(row["place"][len(prefix) :], []).append(row)
    return rows


def _rows(found: Findings, query: str, folder: Any) -> Iterator[dict[str, Any]]:
    import pyarrow as pa

    for batch in found.batches(query, wanted=pa.table({"folder": folder})):
        yield from batch.to_pylist()


def _missed(
    one: Canary, objects: Sequence[Mapping[str, Any]], findings: Sequence[Mapping[str, Any]], copies: Sequence[Mapping[str, Any]]
) -> Missed | None:
    if not objects:
        return Missed(one.path, NOT_SCANNED)
    if any(row["verdict"] == "unread" for row in objects):
        return Missed(one.path, NOT_READ)
    most = {kind: max((row["distinct"] for row in findings if row["entity_type"] == kind), default=0) for kind in one.kinds}
    lacking = tuple(kind for kind, count in one.kinds.items() if most[kind] < count)
    if lacking:
        return Missed(one.path, NOT_FOUND, lacking)
    if any((row["verdict"], row["reason"]) != ("info", DRILL) for row in findings):
        return Missed(one.path, MISJUDGED)
    traced = max((row["matched_records"] for row in copies if row["store"] == STORE), default=0)
    return Missed(one.path, NOT_TRACED) if traced < one.copied else None
