"""Winnowing: the guarantee, pieces, spellings."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.copies import winnow
from scanner.copies.winnow import SURE, K, Winnower, normalised, rolling

TEXTS = st.text(st.sampled_from("あいうえ漢字検査契約甲乙abcXYZ 019、。\nｱｶﾞ"), max_size=600)


def prints(text: str, cuts: tuple[int, ...] = ()) -> set[tuple[int, int]]:
    found, winnower, edges = set(), Winnower(), [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    for start, end in itertools.pairwise(edges):
        for at, hashes in winnower.feed(text[start:end]):
            found |= set(zip(at.tolist(), hashes.tolist(), strict=True))
    for at, hashes in winnower.close():
        found |= set(zip(at.tolist(), hashes.tolist(), strict=True))
    return found


@settings(max_examples=60, deadline=None)
@given(TEXTS, st.lists(st.integers(0, 600), max_size=5))
def test_a_text_in_pieces_has_the_fingerprints_of_the_whole(text: str, cuts: list[int]) -> None:
    assert prints(text, tuple(cuts)) == prints(text)


@settings(max_examples=60, deadline=None)
@given(TEXTS, TEXTS, TEXTS, TEXTS, st.integers(0, 10_000))
def test_texts_that_share_enough_share_a_fingerprint(a: str, b: str, c: str, d: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    shared = "".join(rng.choice(list("契約条件納期検査支払変更協議0123456789abcdef"), SURE))
    one, other = {h for _, h in prints(a + shared + b)}, {h for _, h in prints(c + shared + d)}
    assert one & other


def test_the_smallest_run_of_every_window_is_kept() -> None:
    rng = np.random.default_rng(5)
    text = "".join(rng.choice(list("abcdefghijklmnop"), 2_000))
    hashes = rolling(normalised(text))
    kept = {at for at, _ in prints(text)}
    for start in range(len(hashes) - winnow.W + 1):
        window = hashes[start : start + winnow.W]
        assert kept & {start + int(at) for at in np.flatnonzero(window == window.min())}
    assert len(kept) < 2.6 * len(hashes) / (winnow.W + 1)


def test_chunks_join_without_a_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "".join(np.random.default_rng(3).choice(list("検査契約甲乙abcdef123"), 5_000))
    whole = prints(text)
    monkeypatch.setattr(winnow, "CHUNK", 300)
    winnow._powers.cache_clear()
    assert prints(text) == whole
    winnow._powers.cache_clear()


def test_spellings_do_not_matter() -> None:
    one = "契約番号ＡＢＣ１２３、カタカナ、Hello World! " * 5
    other = "契約番号abc123 ｶﾀｶﾅ\nHELLO, world -- " * 5
    assert (normalised(one) == normalised(other)).all()
    assert (normalised("Abc-9 é") == normalised("ABC9É")).all()


def test_the_hash_is_of_the_characters_and_not_of_their_place() -> None:
    hashes = rolling(normalised("abcdefghijklmnopqrstuvwxyz0123456789" * 3))
    assert hashes[0] == hashes[36] == hashes[72]
    assert len(set(hashes[:36].tolist())) == 36


def test_short_texts_have_none() -> None:
    assert prints("a" * (SURE - 1)) == set()
    assert K < SURE
