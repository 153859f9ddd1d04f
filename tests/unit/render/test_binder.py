"""The binder's page: hostile names stay text, nothing is in clear, tables are bounded and say so, both languages say the same."""

from __future__ import annotations

import base64
import datetime
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from scanner import api
from scanner.findings.decide import Triage, Wanted
from scanner.obligations.binder.pieces import PAGE
from scanner.obligations.binder.schema import SECTIONS
from scanner.render.binder import parts
from scanner.render.binder.page import style
from scanner.render.binder.writing import Bound
from scanner.render.messages import CATALOGUES
from scanner.run import audit
from tests.unit.render.report.stores import NASTY, publish, stray, unread

UTC = datetime.UTC
PLANTED = ("山田太郎", "090-1234-5678", "taro@example.co.jp", "4111111111111111")


def made(out: Path, lang: str = "en", name: str = "binder") -> Bound:
    now = datetime.datetime.now(UTC)
    days = {"first": now.date() - datetime.timedelta(days=2), "last": now.date()}
    return api.audit(out, out.parent / f"{name}-{lang}", **days, zone="UTC", lang=lang, now=now)


def hostile(out: Path) -> None:
    """Each nasty name as everything that has a name, and as every reason that people type."""
    told = {
        "stores": [{"name": name, "owner": name, "traced": False, "why": name, "reason": "unread", "records": 1} for name in NASTY],
        "program": NASTY[0], "policy": NASTY[1], "host": NASTY[2], "account": NASTY[3], "digests": {"policy": NASTY[4]},
        "packs": {name: name for name in NASTY}, "start": datetime.datetime.now(UTC).isoformat(),
    }  # fmt: skip
    things = [stray(f"{number}/{name}.csv", kinds=["PERSON"]) for number, name in enumerate(NASTY)]
    others = [unread(f"u/{name}", reason="encrypted") for name in NASTY]
    publish(out, things, others=others, told=told, outcome="stopped", roots=["/share", *NASTY])
    with Triage(out) as triage:
        for number, name in enumerate(NASTY):
            triage.ignore(Wanted(paths=(f"{number}/**",)), name.replace("\0", ""))
    for name in NASTY:
        audit.append(out, "purge", {"who": name, "why": name, name: name})
        audit.append(
            out, "reveals", {"who": name, "why": name, "root": name, "path": name, "member": name, "entity_type": name, "shown": 1}
        )
        audit.append(out, "drills", {"run_id": name, "planted": 2, "found": 1, "missed": [{"path": name, "what": name}]})


class Read(HTMLParser):
    """Tags and attributes of a page, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_hostile_names_are_text(tmp_path: Path, lang: str) -> None:
    hostile(tmp_path / "store")
    bound = made(tmp_path / "store", lang)
    page = (bound.folder / PAGE).read_text(encoding="utf-8")
    read = Read(page)
    assert {tag for tag, _ in read.tags} <= {
        *("html", "head", "meta", "title", "style", "body", "header", "main", "footer", "section", "div", "p", "h1", "h2", "ul", "li", "a"),
        *("strong", "b", "span", "dl", "dt", "dd", "table", "caption", "thead", "tbody", "tr", "th", "td", "wbr"),
    }
    assert {name for _, attributes in read.tags for name in attributes} <= {
        *("lang", "charset", "http-equiv", "content", "name", "class", "href", "id", "scope", "tabindex", "role", "aria-label"),
        "aria-labelledby",
    }
    assert all(str(attributes["href"]).startswith("#") for _, attributes in read.tags if "href" in attributes)
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u2028\u2029\u0000\u001b\u0007\ufeff\u200b]", page)
    assert "<script>alert(1)</script>" in read.text and r"esc\x1b[31m" in read.text


def test_the_page_may_load_and_run_nothing(tmp_path: Path) -> None:
    publish(tmp_path / "store", [stray("a.csv")])
    page = (made(tmp_path / "store").folder / PAGE).read_text(encoding="utf-8")
    (own,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(own.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert f'content="{policy}"'.replace("'", "&#x27;") in page
    assert "<script" not in page and "http://" not in page and "https://" not in page and "url(" not in own and "@import" not in own


def test_running_heads_cannot_end_their_string() -> None:
    told = style('a"; } body { display: none } \\', "</style>\n")
    assert 'a"; }' not in told and "</style>" not in told and '"a\\000022\\00003b' in told


def test_nothing_planted_is_in_any_byte(tmp_path: Path) -> None:
    """A row that holds values where masks belong is masked by the store; no section has a column for either."""
    things = [stray(f"a/{n}.csv", kinds=["PERSON"], sample=value) for n, value in enumerate(PLANTED)]
    publish(tmp_path / "store", things, told={"start": datetime.datetime.now(UTC).isoformat()})
    with Triage(tmp_path / "store") as triage:
        triage.baseline("first scan")
    bound = made(tmp_path / "store")
    assert len(bound.binder.rows("decisions")) == len(PLANTED)
    whole = (
        b"".join(file.read_bytes() for file in bound.folder.iterdir())
        + json.dumps({name: bound.binder.rows(name) for name in SECTIONS}, ensure_ascii=False, default=str).encode()
    )
    assert [value for value in PLANTED if value.encode() in whole] == []
    assert not {"samples", "fingerprint", "hand"} & {column for schema in SECTIONS.values() for column in schema.names}


def test_long_tables_are_cut_and_say_so(tmp_path: Path) -> None:
    things = [stray(f"{number}.csv", kinds=["PERSON"]) for number in range(5)]
    publish(tmp_path / "store", things, told={"start": datetime.datetime.now(UTC).isoformat()})
    for number in range(parts.SHOWN + 7):
        audit.append(tmp_path / "store", "purge", {"number": number})
    bound = made(tmp_path / "store")
    page = (bound.folder / PAGE).read_text(encoding="utf-8")
    assert f"{parts.SHOWN} of {parts.SHOWN + 7} rows are shown; all of them stand in logs.parquet." in page
    assert page.count("<li>number: ") == parts.SHOWN
    assert len(bound.binder.rows("logs")) == parts.SHOWN + 7


def test_every_section_has_its_texts_and_its_part() -> None:
    for lang in ("en", "ja"):
        assert [name for name in SECTIONS if f"audit_section_{name}" not in CATALOGUES[lang]] == []
        assert [name for name in SECTIONS if f"audit_intro_{name}" not in CATALOGUES[lang]] == []
    assert list(parts.PARTS.keys() ^ SECTIONS.keys()) == []
