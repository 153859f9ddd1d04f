"""Making a binder: everything is gathered and hashed in memory, and appears as one folder or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scanner.obligations.binder import pieces
from scanner.obligations.binder.model import Binder
from scanner.render.binder.page import binder_page
from scanner.render.messages import Messages


@dataclass(frozen=True, slots=True)
class Bound:
    """A binder that was written. `manifest`: BLAKE3 of its manifest, to be noted elsewhere."""

    folder: Path
    manifest: str
    pieces: int
    binder: Binder

    @property
    def exit_status(self) -> int:
        """3 if something that belongs in it is missing or not whole; its first page says what."""
        return 3 if self.binder.gaps else 0

    def to_json(self) -> dict[str, Any]:
        sections = {one.name: {"state": one.state, "rows": len(one.rows)} for one in self.binder.sections}
        gaps = [gap.to_json() for gap in self.binder.gaps]
        told: Mapping[str, Any] = {"folder": str(self.folder), "manifest_blake3": self.manifest, "pieces": self.pieces}
        return {**told, "period": self.binder.period.to_json(), "sections": sections, "gaps": gaps, "exit_status": self.exit_status}


def bind(binder: Binder, folder: Path, say: Messages) -> Bound:
    """Write a binder into `folder`, which must not exist. Raises StoreError."""
    tables = {f"{section.name}.parquet": (pieces.parquet(section), len(section.rows)) for section in binder.sections}
    listed = [pieces.piece(name, data, rows) for name, (data, rows) in tables.items()]
    page = binder_page(binder, listed, say).encode("utf-8", "backslashreplace")
    manifest = pieces.manifest(binder, [pieces.piece(pieces.PAGE, page), *listed], say.lang)
    files = {pieces.PAGE: page, **{name: data for name, (data, _) in tables.items()}, pieces.MANIFEST: manifest}
    pieces.publish(folder, files)
    return Bound(folder, pieces.piece(pieces.MANIFEST, manifest).blake3, len(files) - 1, binder)
