"""Decides which of several overlapping claims stand."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable

from scanner.model import Detection

CONTAINS = 0.2  # a claim that contains another stands even with a score that much lower


def resolve(detections: Iterable[Detection]) -> list[Detection]:
    """The detections that stand, in order of start, none overlapping another.

    The higher score wins, a longer claim counting a little more than a shorter inside it (a name in an address, a number in an e-mail);
    ties go to the longer, then the earlier, then the entity type and rule in alphabetical order: input order never decides.
    """
    ranked = sorted(set(detections), key=_rank)
    kept: list[tuple[int, int, Detection]] = []
    for item in ranked:
        place = bisect_left(kept, (item.start, -1))
        before_clear = place == 0 or kept[place - 1][1] <= item.start
        after_clear = place == len(kept) or kept[place][0] >= item.end
        if before_clear and after_clear:
            insort(kept, (item.start, item.end, item), key=lambda entry: entry[0])
    return [entry[2] for entry in kept]


def _rank(item: Detection) -> tuple[float, int, int, str, str]:
    length = item.end - item.start
    weight = item.score + CONTAINS * min(length, 100) / 100
    return (-weight, -length, item.start, item.entity_type, item.rule_id)


def subtract(detections: Iterable[Detection], claims: Iterable[Detection], covered: dict[str, frozenset[str] | None]) -> list[Detection]:
    """`detections` without those that overlap a claim of a subtracting rule with a higher or equal score.

    `covered`: rule id of the claim -> entity types it takes away (None: all).
    """
    taken = list(claims)
    return [item for item in detections if not any(_takes(claim, item, covered[claim.rule_id]) for claim in taken)]


def _takes(claim: Detection, item: Detection, entities: frozenset[str] | None) -> bool:
    overlaps = claim.start < item.end and item.start < claim.end
    return overlaps and claim.score >= item.score and (entities is None or item.entity_type in entities)
