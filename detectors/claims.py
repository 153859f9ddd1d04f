"""Claims of a recognizer about a text, and which of them stand where they overlap."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Claim(NamedTuple):
    """Characters [start, end), and how sure it is."""

    start: int
    end: int
    score: float


def best(claims: list[Claim]) -> list[Claim]:
    """Claims that do not overlap: the better score first, then the longer."""
    if len(claims) < 2:
        return claims
    kept: list[Claim] = []
    taken = bytearray(max(claim.end for claim in claims))
    for claim in sorted(claims, key=_rank):
        if taken.find(1, claim.start, claim.end) < 0:
            kept.append(claim)
            taken[claim.start : claim.end] = b"\1" * (claim.end - claim.start)
    return sorted(kept)


def _rank(claim: Claim) -> tuple[float, int, int]:
    start, end, score = claim
    return -score, start - end, start


def first_come(matches: Iterable[tuple[str, float, int, int]]) -> list[tuple[str, float, int, int]]:
    """Matches (form, score, start, end) in the order of their forms, without those that overlap an earlier one."""
    found: list[tuple[str, float, int, int]] = []
    for match in matches:
        _, _, start, end = match
        if not any(start < b and a < end for _, _, a, b in found):
            found.append(match)
    return found
