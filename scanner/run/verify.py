"""Is a findings store what was written: every file by its hash, every log by its chain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scanner.findings.errors import StoreError
from scanner.findings.read import open_findings
from scanner.run import audit


@dataclass(frozen=True, slots=True)
class StoreCheck:
    """`files`: Parquet files that are whole; `logs`: name -> number and hash of the last entry; `problems`: sentences, none if all is
    whole."""

    runs: int
    files: int
    logs: Mapping[str, tuple[int, str]]
    problems: tuple[str, ...]

    @property
    def exit_status(self) -> int:
        return 3 if self.problems else 0

    def to_json(self) -> dict[str, Any]:
        logs = {name: {"entries": entries, "head": head} for name, (entries, head) in self.logs.items()}
        return {"runs": self.runs, "files": self.files, "logs": logs, "problems": list(self.problems), "exit_status": self.exit_status}


def verify(out: Path) -> StoreCheck:
    """Reads the whole store. Raises `StoreError` if `out` holds none."""
    with open_findings(out) as found:
        problems = found.verify()
        if not found.manifests and not problems:
            raise StoreError(f"there are no findings in {out}")
        runs, files = len(found.manifests), sum(map(len, found.files.values()))
    logs = {}
    for name in audit.names(out):
        log = audit.read(out, name)
        logs[name] = log.count, log.head
        problems += [f"{audit.FOLDER}/{name}.jsonl: {fault}" for fault in log.faults]
    return StoreCheck(runs, files, logs, tuple(problems))
