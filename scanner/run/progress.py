"""How far a run is, as it tells whoever watches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RunProgress:
    """A moment of a run. `met_*`: files and their bytes seen by the crawl so far; `crawling` until it has seen all."""

    met_files: int = 0
    met_bytes: int = 0
    crawling: bool = True
    done_files: int = 0
    done_bytes: int = 0
    stray: int = 0
    unread: int = 0


OnProgress = Callable[[RunProgress], None]
"""Called from the run's own thread, at most a few times a second."""
