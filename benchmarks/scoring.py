"""Counting what a finder found against what is labelled: precision, recall, F1, F2, exact F1, character recall, intervals.

Exact: same offsets. Overlap: at least one shared character (precision over what was found, recall over what was there).
Gold labelled `X_WEAK`, `X_KANA` or `IGNORE` is not counted for X, nor are places for ADDRESS. Intervals: bootstrap over texts, 95 %.
A fax number counts as PHONE_NUMBER, since most sets and tools know no other word for it, and by itself where FAX_NUMBER is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

Span = tuple[int, int]
Found = list[tuple[int, int, str]]

NOT_COUNTED: Final = {
    "PERSON": {"PERSON_WEAK", "PERSON_KANA", "TITLE_AFFIX"},
    "ADDRESS": {"ADDRESS_WEAK", "LOCATION", "FACILITY"},
    "PHONE_NUMBER": {"PHONE_NUMBER_WEAK"},
    "FAX_NUMBER": {"PHONE_NUMBER_WEAK"},
    "EMAIL_ADDRESS": {"EMAIL_ADDRESS_WEAK"},
}


@dataclass(frozen=True)
class Figures:
    """What was measured of one finder, set and entity type. Ratios from 0 to 1; `low` and `high` bound what they
    stand behind. `seconds_per_mb`: seconds of processor time a megabyte."""

    finder: str
    set: str
    entity: str
    texts: int
    gold: int
    precision: float
    recall: float
    f1: float
    f2: float
    f2_low: float
    f2_high: float
    f1_low: float
    f1_high: float
    exact_f1: float
    exact_low: float
    exact_high: float
    char_recall: float
    false_per_100k: float
    seconds_per_mb: float


def touches(span: Span, others: Iterable[Span]) -> bool:
    return any(span[0] < end and span[1] > start for start, end in others)


def counts(row: dict[str, Any], found_all: Found, entity: str) -> tuple[int, ...]:
    """(gold, found, exact, found that touch gold, gold touched, characters touched, gold characters, characters) of one text."""
    as_phone = {"FAX_NUMBER"} if entity == "PHONE_NUMBER" else set()
    counted = {entity} | as_phone
    gold = [(s["start"], s["end"]) for s in row["spans"] if s["label"] in counted]
    passed = [(s["start"], s["end"]) for s in row["spans"] if s["label"] in NOT_COUNTED[entity] | {"IGNORE"}]
    found = sorted({(start, end) for start, end, name in found_all if name in counted and end > start})
    found = [span for span in found if touches(span, gold) or not touches(span, passed)]
    gold_chars = {at for start, end in gold for at in range(start, end)}
    found_chars = {at for start, end in found for at in range(start, end)}
    return (
        len(gold),
        len(found),
        len(set(found) & set(gold)),
        sum(touches(span, gold) for span in found),
        sum(touches(span, found) for span in gold),
        len(gold_chars & found_chars),
        len(gold_chars),
        len(row["text"]),
    )


def f_score(precision: Any, recall: Any, beta: float) -> Any:
    below = beta * beta * precision + recall
    return np.divide((1 + beta * beta) * precision * recall, below, out=np.zeros_like(below), where=below > 0)


def ratios(total: Any) -> dict[str, Any]:
    """Figures of sums over texts; `total` has shape (..., 8)."""
    gold, found, exact, hit_found, hit_gold, char_true, char_gold, chars = np.moveaxis(np.asarray(total, float), -1, 0)

    def part(above: Any, below: Any) -> Any:
        return np.divide(above, below, out=np.zeros_like(above), where=below > 0)

    precision, recall = part(hit_found, found), part(hit_gold, gold)
    return {
        "precision": precision, "recall": recall, "f1": f_score(precision, recall, 1), "f2": f_score(precision, recall, 2),
        "exact_f1": f_score(part(exact, found), part(exact, gold), 1), "char_recall": part(char_true, char_gold),
        "false_per_100k": part(found - hit_found, chars) * 1e5,
    }  # fmt: skip


def figures(finder: str, name: str, entity: str, rows: list[dict[str, Any]], found: list[Found], cost: float) -> Figures:
    table = np.array([counts(row, spans, entity) for row, spans in zip(rows, found, strict=True)])
    total = ratios(table.sum(axis=0))
    draws = np.random.default_rng(7).multinomial(len(rows), np.full(len(rows), 1 / len(rows)), size=1_000)
    spread = ratios(draws @ table)
    low, high = ({key: float(np.percentile(values, at)) for key, values in spread.items()} for at in (2.5, 97.5))
    return Figures(
        finder, name, entity, len(rows), int(table[:, 0].sum()),
        **{key: round(float(value), 4) for key, value in total.items()},
        f2_low=round(low["f2"], 4), f2_high=round(high["f2"], 4), f1_low=round(low["f1"], 4), f1_high=round(high["f1"], 4),
        exact_low=round(low["exact_f1"], 4), exact_high=round(high["exact_f1"], 4), seconds_per_mb=round(cost, 2),
    )  # fmt: skip
