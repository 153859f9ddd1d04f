"""A pipeline that loads nothing: every line with an ``@`` is a hit, and so is a name with one; ``member NAME TEXT`` is a member, ``gap
REASON`` something unread, ``packed TEXT`` what is in a compressed file, called after it. A suffix in `TYPES` makes a media type.

It writes the path of whatever it reads to `LOG` beside the store: see `reads`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
from blake3 import blake3

from scanner.config import PipelineConfig
from scanner.extract.compressed import inner_name
from scanner.findings.schema import VALUES
from scanner.model import Begun, Blob, Budget, Event, Finished, FoundFact, Location, ObjectFacts, Reason, Status, stable_id

LOG = "reads.log"
TYPES = {"pdf": "application/pdf", "zip": "application/zip", "png": "image/png"}


class QuickPipeline:
    def __init__(self, config: PipelineConfig) -> None:
        self._config = config
        self._log = config.staging.parents[3] / LOG  # beside the store

    def finds_in_name(self, location: Location, temp_dir: Path) -> bool:
        return "@" in location.name

    def scan_file(
        self, blob: Blob, budget: Budget, *, skip: frozenset[tuple[str, ...]] = frozenset(), careful: bool = False
    ) -> Iterator[Event]:
        yield Begun(())
        handle = os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.write(handle, f"{blob.location.path}{' careful' if careful else ''}\n".encode())
        os.close(handle)
        with blob.open() as stream:
            data = stream.read()
        reason, own, media_type = None, [], "text/plain"
        for line in data.decode().splitlines():
            word, _, rest = line.partition(" ")
            if word == "member":
                name, _, text = rest.partition(" ")
                yield Begun((name,))
                yield self._finished(blob, (name,), [text], text.encode(), None)
            elif word == "packed":
                media_type = "application/gzip"
                name = inner_name(blob.location.name)
                yield Begun((name,))
                yield self._finished(blob, (name,), [rest], rest.encode(), None)
            elif word == "gap":
                reason = Reason(rest)
            elif word == "sleep":
                time.sleep(float(rest))
            elif word == "kill":
                os.kill(os.getpid(), 9)
            else:
                own.append(line)
        yield self._finished(blob, (), own, data, reason, media_type)

    def _finished(
        self, blob: Blob, member: tuple[str, ...], lines: list[str], data: bytes, reason: Reason | None, media_type: str = "text/plain"
    ) -> Finished:
        hits = [line for line in lines if "@" in line]
        found = []
        if hits:
            found.append(FoundFact("EMAIL_ADDRESS", "test.at", "test", 1.0, None, None, len(hits), len(set(hits)), None, 1, ("**@**",)))
        name = member[-1] if member else blob.location.name
        if "@" in name:
            found.append(FoundFact("EMAIL_ADDRESS", "test.at", "test", 1.0, "name", None, 1, 1, None, None, ("**@**",)))
            hits.append(name)
        facts = ObjectFacts(
            member=member,
            media_type=TYPES.get(name.rpartition(".")[2], media_type),
            encoding="utf-8",
            undecoded=0,
            size_bytes=len(data),
            bytes_read=len(data),
            rows_read=0,
            content_hash=blake3(data).hexdigest(),
            status=Status.PARTIAL if reason else Status.SCANNED,
            reason=reason,
            persons=len(set(hits)),
            duration_ms=1,
            found=tuple(found),
        )
        return Finished(facts, self._values(blob, member, hits) if hits else None)

    def _values(self, blob: Blob, member: tuple[str, ...], hits: list[str]) -> pa.RecordBatch:
        object_id = stable_id(blob.location.root, blob.location.path, "!".join(member) or None)
        rows = [
            {
                "run_id": self._config.run_id,
                "object_id": object_id,
                "entity_type": "EMAIL_ADDRESS",
                "fingerprint": int.from_bytes(blake3(hit.encode()).digest(8), "little"),
                "place": None,
                "column": None,
                "rows": [1],
                "count": 1,
            }
            for hit in sorted(set(hits))
        ]
        return pa.RecordBatch.from_pylist(rows, VALUES)


def reads(out: Path) -> list[str]:
    """Paths that pipelines of runs into the store `out` have read since the last call, sorted."""
    log = out.parent / LOG
    found = sorted(log.read_text().splitlines()) if log.exists() else []
    log.unlink(missing_ok=True)
    return found
