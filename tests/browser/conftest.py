"""One Chromium for the tests of a module, and its pages closed behind each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from tests.browser.chromium import launched

    with launched() as started:
        yield started


@pytest.fixture
def look(browser: Any) -> Iterator[Any]:
    from tests.browser.chromium import Watched

    opened: list[Watched] = []

    def open_page(file: Path, **how: Any) -> Watched:
        opened.append(Watched(browser, file, **how))
        return opened[-1]

    yield open_page
    for one in opened:
        one.context.close()
