"""What counts only beside a person's data: claims of rules with `near: person`, settled in running text and in the rows of tables.

In running text such a claim stands if somebody's name, birth date, e-mail address or personal number is found within the rule's reach,
or a phone or fax number in the same line: a brochure of a clinic has its phone number at the foot. In a table it stands if a cell of
its row holds any of these. In a form, whose labels stand in cells, a person spreads over rows, so rows close by count.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from detectors import overlap
from detectors.rule import Rule
from scanner.model import Detection, Hits, Slot

if TYPE_CHECKING:
    import numpy.typing as npt

PERSONAL: Final = frozenset({
    "PERSON", "DATE_OF_BIRTH", "EMAIL_ADDRESS", "CREDIT_CARD", "US_SSN", "UK_NHS", "UK_NINO", "JP_MY_NUMBER", "JP_DRIVER_LICENSE",
    "JP_PASSPORT", "JP_PENSION_NUMBER", "JP_HEALTH_INSURANCE", "JP_RESIDENCE_CARD", "JP_RESIDENT_RECORD", "JP_EMPLOYMENT_INSURANCE",
    "JP_CARE_INSURANCE", "PASSPORT",
})  # fmt: skip
CONTACT: Final = frozenset({"PHONE_NUMBER", "FAX_NUMBER"})
FORM_ROWS: Final = 10  # rows of a form between a person and what is said of them


class Near:
    """The rules with `near: person` among those of an engine."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._within = {item.id: item.within for item in rules if item.near is not None}

    def __bool__(self) -> bool:
        return bool(self._within)

    def __contains__(self, rule_id: str) -> bool:
        return rule_id in self._within

    def settle(self, detections: Iterable[Detection], text: str) -> list[Detection]:
        """The detections that stand in a text, overlaps resolved: of the claims of these rules, those beside a person's data."""
        claims: list[Detection] = []
        others: list[Detection] = []
        for item in detections:
            (claims if item.rule_id in self._within else others).append(item)
        standing = overlap.resolve(others)
        if not claims:
            return standing
        good = [item for item in claims if any(self._vouches(other, item, text) for other in standing)]
        return overlap.resolve([*standing, *good]) if good else standing

    def _vouches(self, other: Detection, claim: Detection, text: str) -> bool:
        first, last = (other, claim) if other.start <= claim.start else (claim, other)
        gap = last.start - first.end
        if gap < 0 or gap > self._within[claim.rule_id]:  # one inside the other says nothing of a person
            return False
        return other.entity_type in PERSONAL or (other.entity_type in CONTACT and "\n" not in text[first.end : last.start])


class RowsOfPersons:
    """Settles the claims of such rules in one table, batch by batch. A slot that a claim stood by may fall when all rows are known: a claim
    stands as long as one of those that vouched for it does."""

    def __init__(self, near: Near, *, is_form: bool) -> None:
        self._near = near
        self._reach = FORM_ROWS if is_form else 0
        self._vouchers: dict[Slot, set[Slot]] = {}

    def settle(self, hits: list[Hits], rows: int) -> list[Hits]:
        """The hits of a batch of so many rows, those of such rules only at rows that hold a person's data."""
        claims = [item for item in hits if item.slot.rule_id in self._near]
        if not claims:
            return hits
        vouching = [item for item in hits if item.slot.entity_type in PERSONAL | CONTACT and item.slot.rule_id not in self._near]
        masks = [(item.slot, self._widened(_mask(item, rows))) for item in vouching]
        found = [kept for item in claims if (kept := self._kept(item, masks, rows)) is not None]
        return [*(item for item in hits if item.slot.rule_id not in self._near), *found]

    def close(self, standing: Mapping[Slot, float]) -> dict[Slot, float]:
        """The slots that stand, less those of which every voucher fell."""
        return {
            slot: score
            for slot, score in standing.items()
            if slot.rule_id not in self._near or any(voucher in standing for voucher in self._vouchers.get(slot, ()))
        }

    def _kept(self, claim: Hits, masks: Sequence[tuple[Slot, npt.NDArray[np.bool_]]], rows: int) -> Hits | None:
        import pyarrow as pa

        beside = np.zeros(rows, np.bool_)
        for slot, mask in masks:
            if mask[claim.positions].any():
                self._vouchers.setdefault(claim.slot, set()).add(slot)
                beside |= mask
        keep = beside[claim.positions]
        if not keep.any():
            return None
        return replace(claim, positions=claim.positions[keep], values=claim.values.filter(pa.array(keep)))

    def _widened(self, mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        if not self._reach or not mask.any():
            return mask
        wide = np.convolve(mask, np.ones(2 * self._reach + 1), "full")[self._reach : self._reach + len(mask)]
        return np.asarray(wide > 0.5, np.bool_)


def _mask(hits: Hits, rows: int) -> npt.NDArray[np.bool_]:
    mask = np.zeros(rows, np.bool_)
    mask[hits.positions] = True
    return mask
