"""Takes the pictures of the report and of the audit binder in docs/pictures: scans sample_data/, looks at the pages in Chromium.

python docs/screenshots.py    needs Chromium (apt-get install chromium fonts-noto-cjk) and the extra `dev`
"""

from __future__ import annotations

import datetime
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SAMPLE = ROOT / "sample_data"
PICTURES = ROOT / "docs" / "pictures"
SHOWN = "/srv/share"  # instead of where the source lies on this machine
WIDTH, HEIGHT = 1160, 780
FLAGS = (
    "no-sandbox",
    "disable-gpu",
    "disable-quic",
    "no-first-run",
    "disable-background-networking",
    "disable-component-update",
    "disable-sync",
)


def main() -> int:
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.stderr.write("no Chromium is installed: apt-get install chromium\n")
        return 1
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as running:
        pages = written(Path(folder))
        browser = running.chromium.launch(executable_path=chromium, args=[f"--{flag}" for flag in FLAGS])
        for lang, page in pages.items():
            shown = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
            shown.goto(page.as_uri())
            shown.wait_for_selector("html[data-ready]")
            shown.screenshot(path=PICTURES / f"report-{lang}.png")
            if lang == "en":
                parts(shown)
        first = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        first.goto(bound(Path(folder)).as_uri())
        first.screenshot(path=PICTURES / "binder.png")
        browser.close()
    return 0


def parts(page: Any) -> None:
    """The pictures and the list, further down."""
    page.locator("#pictures").screenshot(path=PICTURES / "report-pictures.png")
    page.locator("button.more").nth(1).click()
    page.wait_for_selector("tr.detail")
    page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
    page.locator("#files-title").scroll_into_view_if_needed()
    page.evaluate("document.getElementById('files-title').scrollIntoView({behavior: 'instant'})")
    page.screenshot(path=PICTURES / "report-list.png")


def written(folder: Path) -> dict[str, Path]:
    """A page in each language, with a neutral place for this machine's. The script's hash is of the script alone, and stays."""
    from scanner.api import report, scan

    key = folder / "key"
    key.touch(mode=0o600)
    key.write_text("only for the documentation", encoding="utf-8")
    scan(SAMPLE, SAMPLE / "policy.yaml", out=folder / "findings", key_file=key)
    pages = {}
    for lang in ("en", "ja"):
        pages[lang] = folder / f"{lang}.html"
        report(folder / "findings", pages[lang], lang=lang)
        text = pages[lang].read_text(encoding="utf-8")
        pages[lang].write_text(text.replace(str(SAMPLE), SHOWN).replace(str(folder), "/srv"), encoding="utf-8")
    return pages


def bound(folder: Path) -> Path:
    """The audit binder of the same findings, after a little work on them."""
    from scanner.api import audit, open_triage
    from scanner.findings.decide import Wanted

    today = datetime.datetime.now(datetime.UTC).date()
    with open_triage(folder / "findings") as triage:
        triage.accept(Wanted(paths=("leaky/web/**",)), "until the log platform is replaced", today + datetime.timedelta(days=90))
        triage.measure(Wanted(paths=("leaky/london/**",)), "exports kept on the share", "export into the store", today)
    first = today - datetime.timedelta(days=180)
    audit(folder / "findings", folder / "binder", first=first, last=today, zone="UTC", policy=SAMPLE / "policy.yaml")
    page = folder / "binder" / "binder.html"
    text = page.read_text(encoding="utf-8").replace(str(SAMPLE), SHOWN).replace(str(folder), "/srv")
    page.write_text(re.sub(r"\w+ \(\d+\)", "privacy-office (1001)", text), encoding="utf-8")
    return page


if __name__ == "__main__":
    sys.exit(main())
