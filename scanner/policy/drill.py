"""The drill: a folder of invented records, planted to see whether a scan still finds, traces and judges what it should."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

MANIFEST: Final = "strayscan-drill.json"
"""In the drill's folder: what was planted, and what must be found of it."""

STORE_FOLDER: Final = "store"
STORE: Final = "strayscan drill"
"""The approved store that the planted copies are traced to; there while the folder is planted."""


@dataclass(frozen=True, slots=True)
class Drill:
    """`folder`: absolute, links resolved; `text`: the same as the `path` column has it."""

    folder: Path
    text: str

    def covers(self, path: str) -> bool:
        """Is it in the drill's folder? What is there is never reported as personal data."""
        return path.startswith(self.text + "/")

    @property
    def is_planted(self) -> bool:
        return os.path.isfile(self.folder / MANIFEST)
