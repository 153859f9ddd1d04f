"""Adds up."""

import functools

import pytest


@functools.lru_cache(maxsize=4096)
def total(first: int, second: int = 1234567890) -> int:
    return first + second


@pytest.fixture
def numbers():
    return [1, 2, 3]


@pytest.mark.parametrize("given", ["a@b", "user@host", "git@localhost:repo"])
def test_total(given):
    assert total(2026, 401) == 2427
