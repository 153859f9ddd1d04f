"""The audit binder in a real headless Chromium: nothing leaves it or runs in it, people can read it, it prints with page numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.browser.chromium import NEEDS_CHROMIUM
from tests.unit.render.report.stores import NASTY, company
from tests.unit.render.test_binder import hostile, made

pytestmark = NEEDS_CHROMIUM


@pytest.fixture(scope="module")
def binders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("binders")
    company(folder / "company")
    hostile(folder / "nasty")
    (folder / "empty/runs").mkdir(parents=True)
    named = {"en": ("company", "en"), "ja": ("company", "ja"), "nasty": ("nasty", "en"), "empty": ("empty", "ja")}
    return {name: made(folder / store, lang, name).folder / "binder.html" for name, (store, lang) in named.items()}


@pytest.mark.parametrize(("name", "scheme"), [("en", "dark"), ("ja", "light"), ("nasty", "light"), ("empty", "light")])
def test_axe_finds_nothing_serious(look: Any, binders: dict[str, Path], name: str, scheme: str) -> None:
    assert look(binders[name], color_scheme=scheme, bypass_csp=True).axe() == []


def test_it_is_quiet_and_fits_a_narrow_screen(look: Any, binders: dict[str, Path]) -> None:
    for name in ("en", "nasty"):
        seen = look(binders[name])
        seen.page.set_viewport_size({"width": 360, "height": 700})
        assert seen.page.evaluate("document.documentElement.scrollWidth") <= 360, name
        seen.quiet()


def test_hostile_names_are_text(look: Any, binders: dict[str, Path]) -> None:
    seen = look(binders["nasty"])
    assert seen.page.evaluate("document.querySelectorAll('script, img, svg, iframe, [onmouseover], [style], main style').length") == 0
    assert NASTY[0] in seen.page.inner_text("#logs")
    seen.quiet()


def test_it_prints_with_running_heads_and_page_numbers(look: Any, binders: dict[str, Path], tmp_path: Path) -> None:
    import pypdfium2

    seen = look(binders["ja"])
    (tmp_path / "page.pdf").write_bytes(seen.page.pdf(prefer_css_page_size=True))
    with pypdfium2.PdfDocument(tmp_path / "page.pdf") as document:
        pages = [document[number].get_textpage().get_text_range() for number in range(len(document))]
        assert [round(side) for side in document[0].get_size()] == [595, 842]  # A4, in points
    assert len(pages) >= 4
    assert all(f"{number} / {len(pages)}" in text for number, text in enumerate(pages, 1))
    assert all("個人データ監査資料" in text for text in pages)
    assert "この資料には欠けているものがあります" in pages[0] and "目次" in pages[1]
