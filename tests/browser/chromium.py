"""A real headless Chromium for tests of pages, and a page that tells everything it said, asked for or was refused.

Skipped where none is installed (`apt-get install chromium`); `.ci/run` installs one.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install -e '.[dev]'")

CHROMIUM = (
    os.environ.get("STRAYSCAN_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)
FLAGS = ("no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking", "disable-component-update",
         "disable-sync")  # fmt: skip
WAIT = 30_000  # milliseconds; a busy machine is slow to start a page

NEEDS_CHROMIUM = [
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed: apt-get install chromium"),
    pytest.mark.timeout(300),
]


@contextmanager
def launched() -> Iterator[Any]:
    with playwright.sync_playwright() as running:
        started = running.chromium.launch(executable_path=CHROMIUM, args=[f"--{flag}" for flag in FLAGS])
        yield started
        started.close()


class Watched:
    """A page, and everything that it said, asked for or was refused."""

    def __init__(self, browser: Any, file: Path, **how: Any) -> None:
        self.context = browser.new_context(viewport={"width": 1280, "height": 900}, **how)
        self.page = self.context.new_page()
        self.said: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda fault: self.said.append(str(fault)))
        self.page.on("dialog", lambda dialog: (self.said.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.add_init_script(
            "document.addEventListener('securitypolicyviolation', e => console.log('violation: ' + e.violatedDirective))"
        )
        self.page.goto(file.as_uri(), timeout=WAIT)
        self.address = self.page.url

    def ready(self) -> Watched:
        self.page.wait_for_selector("html[data-ready]", timeout=WAIT)
        return self

    def count(self) -> str:
        return str(self.page.inner_text("#matching"))

    def wait(self, where: str, text: str) -> None:
        """Playwright's own waiting for a condition evaluates strings, which the page's policy forbids."""
        playwright.expect(self.page.locator(where)).to_have_text(text, timeout=WAIT)

    def column(self, number: int) -> list[str]:
        return [text.strip() for text in self.page.locator(f"#list > tr > td:nth-child({number})").all_inner_texts()]

    def quiet(self) -> None:
        assert self.said == []
        assert [address for address in self.asked if address != self.address] == []

    def axe(self) -> list[Any]:
        """Serious and critical faults of accessibility; the page must have been opened with `bypass_csp`, so that axe itself may run."""
        self.page.evaluate((files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8"))
        found = self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
        serious = [fault for fault in found if fault["impact"] in ("serious", "critical")]
        return [(fault["id"], [node["target"] for node in fault["nodes"]][:3]) for fault in serious]
