"""The report in a real headless Chromium: nothing leaves the page, nothing in it runs but our own script, and people can use it.

Skipped where no Chromium is installed (`apt-get install chromium`); `.ci/run` installs one.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from scanner import api
from tests.browser.chromium import NEEDS_CHROMIUM, WAIT, playwright
from tests.unit.render.report.stores import NASTY, TODAY, company, copy, publish, stray, unread

pytestmark = NEEDS_CHROMIUM


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Reports of a small company in both languages, of one with hostile names, of nothing, and of each department."""
    folder = tmp_path_factory.mktemp("pages")
    company(folder / "store")
    for lang in ("en", "ja"):
        api.report(folder / "store", folder / f"{lang}.html", lang=lang, today=TODAY)
    api.report(folder / "store", folder / "departments", all_departments=True, today=TODAY)
    (folder / "none").mkdir()
    api.report(folder / "none", folder / "empty.html", today=TODAY)
    hostile(folder / "nasty-store")
    api.report(folder / "nasty-store", folder / "nasty.html", today=TODAY)
    return folder


def hostile(out: Path) -> None:
    """Each nasty name as everything that has a name."""
    some = [
        stray(f"{n}/{name}/{name}.csv", member=name, department=name, kinds=["PERSON"], owner=name, store=name, column=name,
              why="kind_not_allowed", persons=n)
        for n, name in enumerate(NASTY)
    ]  # fmt: skip
    some += [stray(f"plain/{n}.csv", department=None) for n in range(30)]
    copied = [copy(f"plain/{n}.csv", name, 3, 9) for n, name in enumerate(NASTY)]
    told = {
        "departments": [{"name": name, "manager": name, "contact": name} for name in NASTY],
        "stores": [{"name": name, "owner": name, "traced": False, "why": name, "reason": "unread"} for name in NASTY],
        "overdue": [{"store": name, "review_by": "2026-01-01"} for name in NASTY],
    }
    publish(
        out, some, others=[unread(f"u/{name}") for name in NASTY], copies=copied, told=told, outcome="stopped", roots=["/share", *NASTY]
    )


def test_filters_change_what_is_shown(look: Any, pages: Path) -> None:
    seen = look(pages / "en.html").ready()
    page = seen.page
    assert seen.count() == "8 of 8 objects"
    page.select_option("#department", label="London office")
    assert (seen.count(), sorted(seen.column(3))) == ("2 of 8 objects", ["crm/old.csv", "london/clients.csv"])
    page.select_option("#kind", label="e-mail address")
    assert (seen.count(), seen.column(3)) == ("1 of 8 objects", ["london/clients.csv"])
    page.click("#reset")
    page.select_option("#store", label="customer-master")
    assert (seen.count(), seen.column(9)) == ("2 of 8 objects", ["customer-master (60 of 100)", "customer-master (20 of 100)"])
    page.select_option("#store", label="Lies in customer-master")
    assert seen.count() == "2 of 8 objects"
    page.select_option("#store", label="no copy of a store")
    assert seen.count() == "6 of 8 objects"
    page.click("#reset")
    page.select_option("#age", "old-90")
    assert seen.column(3) == ["sales/memo.txt"]
    page.select_option("#age", "new-7")
    assert seen.count() == "7 of 8 objects"
    page.select_option("#severity", label="critical")
    page.select_option("#exposure", label="everyone")
    assert seen.count() == "2 of 8 objects"
    page.click("#reset")
    page.fill("#find", "NAMES/a")
    seen.wait("#matching", "1 of 8 objects")
    assert "inside it: names/a.csv" in seen.column(3)[0]
    page.fill("#find", "nothing is named so")
    page.wait_for_selector("text=No object matches these filters.", timeout=WAIT)
    seen.quiet()


def test_sorting_and_the_keyboard(look: Any, pages: Path) -> None:
    seen = look(pages / "en.html").ready()
    page = seen.page
    assert seen.column(2) == ["critical", "critical", "high", "high", "medium", "medium", "medium", "low"]
    page.focus("button[data-sort=persons]")
    page.keyboard.press("Enter")
    assert seen.column(5) == ["120", "40", "15", "8", "5", "3", "3", "1"]
    page.keyboard.press("Space")
    assert seen.column(5)[0] == "1"
    assert page.get_attribute("th:has(button[data-sort=persons])", "aria-sort") == "descending"
    page.click("button[data-sort=file]")
    assert seen.column(3) == sorted(seen.column(3))
    page.keyboard.press("Tab")
    for name in ("department", "persons", "kind", "exposure", "since", "copy"):
        assert page.evaluate("document.activeElement.dataset.sort") == name
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # the first row's details
    page.wait_for_selector("tr.detail", timeout=WAIT)
    assert page.evaluate("document.activeElement.getAttribute('aria-expanded')") == "true"
    told = page.inner_text("tr.detail")
    assert "outside every approved store" in told
    assert "Sheet1" in told
    assert "row 2" in told
    page.keyboard.press("Enter")
    page.wait_for_selector("tr.detail", state="detached", timeout=WAIT)
    seen.quiet()


def test_an_action_shows_its_files(look: Any, pages: Path) -> None:
    seen = look(pages / "ja.html").ready()
    first = seen.page.locator(".actions > li").first
    assert "customer-master の複製 2件を取り除く" in first.inner_text()
    assert "営業部長" in first.inner_text()
    first.locator("a.show").click()
    assert seen.count() == "8件中 2件"
    assert seen.page.evaluate("document.documentElement.lang") == "ja"
    seen.quiet()


def test_hostile_names_are_text(look: Any, pages: Path) -> None:
    seen = look(pages / "nasty.html").ready()
    page = seen.page
    assert seen.count() == f"{len(NASTY) + 30} of {len(NASTY) + 30} objects"
    page.click("button[data-sort=persons]")
    for number in range(3):
        page.locator("button.more").nth(number).click()
        playwright.expect(page.locator("tr.detail")).to_have_count(number + 1, timeout=WAIT)
    page.click("#next")
    seen.wait("#paging", "Page 2 of 2")
    page.fill("#find", "<script>")
    seen.wait("#matching", f"3 of {len(NASTY) + 30} objects")
    assert (
        page.evaluate("document.querySelectorAll('main script, main img, main svg[onload], main style, main iframe, [onmouseover]').length")
        == 0
    )
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u2028\u2029\u0000\u001b\ufeff\u200b]", page.content())
    page.fill("#find", "u202e")
    seen.wait("#matching", f"1 of {len(NASTY) + 30} objects")
    assert "abc\\u202etxt.exe.csv" in seen.column(3)[0]
    assert "stopped before its end" in page.inner_text(".box")
    seen.quiet()


@pytest.mark.parametrize(
    ("name", "scheme"), [("en", "dark"), ("ja", "light"), ("nasty", "light"), ("empty", "light"), ("departments/index", "dark")]
)
def test_axe_finds_nothing_serious(look: Any, pages: Path, name: str, scheme: str) -> None:
    seen = look(pages / f"{name}.html", color_scheme=scheme, bypass_csp=True)  # bypassed so that axe itself may run
    if name not in ("empty", "departments/index"):
        seen.ready().page.locator("button.more").first.click()
        seen.page.wait_for_selector("tr.detail", timeout=WAIT)
    assert seen.axe() == []


def test_a_narrow_screen_does_not_scroll_sideways(look: Any, pages: Path) -> None:
    for name in ("en", "nasty"):
        seen = look(pages / f"{name}.html").ready()
        seen.page.set_viewport_size({"width": 360, "height": 700})
        assert seen.page.evaluate("document.documentElement.scrollWidth") <= 360, name


def test_it_prints(look: Any, pages: Path, tmp_path: Path) -> None:
    seen = look(pages / "ja.html").ready()
    printed = seen.page.pdf(format="A4")
    assert printed.startswith(b"%PDF")
    (tmp_path / "page.pdf").write_bytes(printed)
    import pypdfium2

    with pypdfium2.PdfDocument(tmp_path / "page.pdf") as document:
        text = "".join(document[number].get_textpage().get_text_range() for number in range(len(document)))
    assert "金曜日" in text
    assert "list2.xlsx" in text
    assert "すべて表示" not in text  # filters are not printed
    seen.quiet()


def test_the_index_leads_to_each_department(look: Any, pages: Path) -> None:
    seen = look(pages / "departments" / "index.html")
    assert seen.page.locator("tbody tr").count() == 3
    seen.quiet()
    seen.page.click("text=営業部")
    seen.page.wait_for_selector("html[data-ready]", timeout=WAIT)
    assert seen.page.inner_text("h1").startswith("営業部")
    assert seen.page.inner_text("#matching") == "4 of 4 objects"
    assert seen.page.locator("#department").count() == 0
    assert seen.said == []


def test_without_script_the_page_still_tells(look: Any, pages: Path) -> None:
    seen = look(pages / "en.html", java_script_enabled=False)
    assert "The table needs JavaScript" in seen.page.inner_text("noscript")
    assert "Remove 2 copies of customer-master" in seen.page.inner_text("#friday")
    assert not seen.page.is_visible("#browser")


def test_the_policy_of_the_page_forbids_everything_else(look: Any, pages: Path) -> None:
    """Were a name ever to become markup, it could still neither run nor load nor send."""
    seen = look(pages / "en.html").ready()
    seen.page.evaluate(
        """() => { const s = document.createElement('script'); s.textContent = "console.log('ran')"; document.body.append(s);
        const i = new Image(); i.src = 'http://192.0.2.1/x.png'; document.body.append(i);
        document.body.setAttribute('style', 'color: red'); fetch('http://192.0.2.1/').catch(() => {}); }"""
    )
    seen.page.wait_for_timeout(300)
    assert not [said for said in seen.said if said == "ran"]
    directives = {said.removeprefix("violation: ") for said in seen.said if said.startswith("violation")}
    assert {"script-src-elem", "img-src", "connect-src"} <= directives
    assert [address for address in seen.asked if address.startswith("http")] == [] or "violation: img-src" in seen.said
