"""Which of overlapping claims stand."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.overlap import resolve, subtract
from scanner.model import Detection


def claim(start: int, end: int, score: float, entity: str = "X", rule: str = "r") -> Detection:
    return Detection(entity, start, end, score, rule, "d")


CLAIMS = st.lists(
    st.builds(
        lambda a, n, s, e: claim(a, a + n, s, e),
        st.integers(0, 40),
        st.integers(1, 12),
        st.sampled_from([0.5, 0.75, 0.95]),
        st.sampled_from("XYZ"),
    ),
    max_size=20,
)


@settings(max_examples=150, deadline=None)
@given(CLAIMS, st.randoms())
def test_what_stands_is_disjoint_ordered_and_independent_of_input_order(claims: list[Detection], random: object) -> None:
    standing = resolve(claims)
    assert all(a.end <= b.start for a, b in pairwise(standing))
    shuffled = list(claims)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert resolve(shuffled) == standing
    for item in claims:  # nothing is dropped without something standing in its place
        assert any(item == kept or (kept.start < item.end and item.start < kept.end) for kept in standing)


def test_the_better_score_wins_and_the_container_at_equal_score() -> None:
    assert resolve([claim(0, 10, 0.6), claim(2, 5, 0.9)]) == [claim(2, 5, 0.9)]
    assert resolve([claim(0, 20, 0.85), claim(2, 5, 0.85, "Y")]) == [claim(0, 20, 0.85)]


def test_subtracting_claims_take_only_what_they_cover() -> None:
    phone, mail = claim(0, 5, 0.8, "PHONE_NUMBER"), claim(2, 6, 0.8, "EMAIL_ADDRESS")
    order = claim(0, 8, 1.0, "", "order")
    assert subtract([phone, mail], [order], {"order": frozenset({"PHONE_NUMBER"})}) == [mail]
    assert subtract([phone, mail], [order], {"order": None}) == []
    assert subtract([claim(9, 12, 0.8)], [order], {"order": None}) == [claim(9, 12, 0.8)]
