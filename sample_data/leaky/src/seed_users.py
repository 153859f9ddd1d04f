"""Fills the test database (with what should have been invented data)."""

import pytest

USERS = [
    {"name": "渡辺 真理", "mail": "watanabe-m@example.jp", "tel": "070-0000-0104"},
    {"name": "Olivia Bexley", "mail": "olivia.bexley@example.net", "tel": "+44 161 496 0113"},
]


@pytest.fixture
def users():
    return list(USERS)
