"""The fast first pass: one Hyperscan database over all patterns says which detectors can find anything in a window.

Never changes the result: a pattern is screened by a relaxed form that matches wherever the pattern does, and what cannot be relaxed
runs always. Only "does it occur" is asked (single match, no start offsets), which is what Hyperscan does fastest.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from detectors.pattern import NotExpressible, relaxed


class Screen:
    """Asks many patterns at once. Detector number i is screened if every one of its patterns is."""

    def __init__(self, patterns: Sequence[tuple[str, ...] | None]) -> None:
        """`patterns[i]`: regexes of which one must match wherever detector i finds something; None where that is not known."""
        self._lock = threading.Lock()  # one scratch space, which two scans must not share
        expressions: list[str] = []
        owners: list[int] = []
        always: set[int] = set()
        for number, group in enumerate(patterns):
            try:
                mine = [_screenable(pattern) for pattern in group] if group else []
            except NotExpressible:
                mine = []
            if not mine:
                always.add(number)
            expressions.extend(mine)
            owners.extend([number] * len(mine))
        self.always = frozenset(always)
        self._owners = owners
        self._database = _compile(expressions) if expressions else None

    def seen(self, data: bytes) -> set[int]:
        """Numbers of the detectors that may find something in this text (valid UTF-8)."""
        found = set(self.always)
        if self._database is None or not data:
            return found
        owners = self._owners

        def note(pattern: int, start: int, end: int, flags: int, context: Any) -> None:
            found.add(owners[pattern])

        with self._lock:
            self._database.scan(data, match_event_handler=note)
        return found


def _screenable(pattern: str) -> str:
    """The relaxed pattern, if Hyperscan takes it and it does not match everything."""
    import hyperscan

    expression = relaxed(pattern)
    try:
        _compile([expression])
    except hyperscan.error as error:
        raise NotExpressible from error
    return expression


def _compile(expressions: Sequence[str]) -> Any:
    import hyperscan

    flags = hyperscan.HS_FLAG_UTF8 | hyperscan.HS_FLAG_SINGLEMATCH | hyperscan.HS_FLAG_ALLOWEMPTY
    database = hyperscan.Database()
    database.compile(
        expressions=[expression.encode() for expression in expressions],
        ids=list(range(len(expressions))),
        elements=len(expressions),
        flags=[flags] * len(expressions),
    )
    return database
