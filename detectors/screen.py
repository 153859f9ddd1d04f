"""The fast first pass: one Hyperscan database over many patterns says which of them occur in a text, and where they end.

Never changes the result: a pattern is screened by a sign that matches wherever the pattern does, and what has no sign runs always.
Start offsets are never asked for, which is what Hyperscan does fastest.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from detectors.kept_databases import kept_or_made
from detectors.pattern import NotExpressible, Sign, sign


@dataclass(frozen=True, slots=True)
class _Entry:
    owner: int
    sign: Sign
    located: bool


class Screen:
    """Asks many patterns at once. Detector number i is screened if every one of its patterns is."""

    def __init__(
        self,
        patterns: Sequence[tuple[str, ...] | None],
        *,
        located: Sequence[bool] = (),
        guarded: Sequence[bool] = (),
        kept: bool = True,
    ) -> None:
        """`patterns[i]`: regexes of which one must match wherever detector i finds something; None where that is not known, () where it
        finds nothing. `located[i]`: every end of a match is wanted, not only whether there is one. `guarded[i]`: see `pattern.sign`.
        `kept`: whether the database is worth a place among those kept between runs."""
        self._lock = threading.Lock()  # one scratch space, which two scans must not share
        always: set[int] = set()
        entries: list[_Entry] = []
        for number, group in enumerate(patterns):
            try:
                made = None if group is None else [sign(pattern, not guarded or guarded[number]) for pattern in group]
            except NotExpressible:
                made = None
            if made is None:
                always.add(number)
            else:
                entries.extend(_Entry(number, item, bool(located) and located[number]) for item in made)
        self._database, refused = _compiled(entries, kept)
        self._stopped = _stopped()
        self.always = frozenset(always | refused)
        self._owners = [entry.owner for entry in entries if entry.owner not in refused]

    def seen(self, data: bytes) -> set[int]:
        """Numbers of the detectors that may find something in this text (valid UTF-8)."""
        return {*self.always, *self.ends(data)}

    def ends(self, data: bytes, stop_below: int = 0) -> dict[int, list[int]]:
        """Detector -> byte offsets at which a match of a sign of it ends: all of them where they are wanted, else some. Detectors that run
        always are left out. `stop_below`: look no further once a detector with a number below this is found."""
        found: dict[int, list[int]] = {}
        if self._database is None or not data:
            return found
        owners = self._owners

        def note(pattern: int, start: int, end: int, flags: int, context: Any) -> bool:
            owner = owners[pattern]
            found.setdefault(owner, []).append(end)
            return owner < stop_below

        with self._lock, contextlib.suppress(self._stopped):
            self._database.scan(data, match_event_handler=note)
        return found


def in_characters(found: Mapping[int, Sequence[int]], folded: str, data: bytes) -> dict[int, list[int]]:
    """Byte offsets as character offsets, each once, ascending."""
    unique = {number: sorted(set(ends)) for number, ends in found.items()}
    if len(folded) == len(data):
        return unique
    places: dict[int, int] = {}
    done = characters = 0
    for end in sorted({end for ends in unique.values() for end in ends}):
        # a sign may end within a character; what is left of it counts with the next piece
        piece = data[done:end].decode("utf-8", "ignore")
        characters += len(piece)
        done += len(piece.encode())
        places[end] = characters
    return {number: [places[end] for end in ends] for number, ends in unique.items()}


def _compiled(entries: Sequence[_Entry], kept: bool) -> tuple[Any, frozenset[int]]:
    """(database, owners of patterns that Hyperscan does not take). One by one only where it refuses them together."""
    import hyperscan

    if not entries:
        return None, frozenset()
    try:
        return _compile(entries, kept), frozenset()
    except hyperscan.error:
        refused = frozenset(entry.owner for entry in entries if not _compiles(entry))
        rest = [entry for entry in entries if entry.owner not in refused]
        return (_compile(rest, kept) if rest else None), refused


def _stopped() -> type[Exception]:
    import hyperscan

    kind: type[Exception] = hyperscan.ScanTerminated
    return kind


def _compiles(entry: _Entry) -> bool:
    import hyperscan

    try:
        _compile([entry], kept=False)
    except hyperscan.error:
        return False
    return True


def _compile(entries: Sequence[_Entry], kept: bool) -> Any:
    import hyperscan

    def flags(entry: _Entry) -> int:
        mode = hyperscan.HS_FLAG_UTF8 if entry.sign.wide else 0
        return int(hyperscan.HS_FLAG_ALLOWEMPTY | mode | (0 if entry.located else hyperscan.HS_FLAG_SINGLEMATCH))

    expressions, modes = [entry.sign.expression.encode() for entry in entries], [flags(entry) for entry in entries]

    def make() -> Any:
        database = hyperscan.Database()
        database.compile(expressions=expressions, ids=list(range(len(entries))), elements=len(entries), flags=modes)
        return database

    return kept_or_made(expressions, modes, make) if kept else make()
