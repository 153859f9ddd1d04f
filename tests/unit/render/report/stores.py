"""Constructed findings for tests of the report, with names that attack whatever shows them."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from scanner.findings.store import open_store
from tests.unit.findings.samples import KEY_ID, ROOT, row

TODAY = datetime.date(2026, 11, 28)
NOW = datetime.datetime(2026, 11, 27, 9, tzinfo=datetime.UTC)

NASTY = (
    "<script>alert(1)</script>",
    "</script><script>alert(2)</script>",
    '"><img src=x onerror=alert(3)>',
    "' onmouseover='alert(4)",
    "{{constructor.constructor('alert(5)')()}}${alert(6)}",
    "<!--<script>",
    "]]><svg onload=alert(7)>",
    "&lt;b&gt;&#60;",
    "javascript:alert(8)",
    "=HYPERLINK(\"http://evil.example\")",
    "a\u2028alert(9)\u2029b",
    "abc\u202etxt.exe",
    "\u2066iso\u2069late",
    "nul\u0000 esc\u001b[31m bell\u0007",
    "tab\tand\nnewline",
    "\ufeff\u200bzero width",
    "</title></style></textarea></noscript>",
    "長い" * 200,
)  # fmt: skip


def stray(
    path: str,
    *,
    member: str | None = None,
    severity: str = "high",
    persons: int = 3,
    department: str | None = "営業部",
    kinds: Iterable[str] = ("PERSON", "PHONE_NUMBER"),
    since: datetime.datetime = NOW,
    root: str = ROOT,
    **of_object: Any,
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """An object and its stray findings, one for each kind."""
    name = f"{root}|{path}|{member}"
    where = {"object_id": name, "root": root, "path": path, "member": member, "department": department, "store": of_object.get("store")}
    reason = of_object.pop("why", "outside_store")
    sample, column = of_object.pop("sample", "○○"), of_object.pop("column", "氏名")
    told = {"exposure": "group", "owner": "tanaka", "status": "scanned", "scanned_at": NOW.timestamp(), "verdict": "stray"}
    one = row("objects", **where | told | of_object, severity=severity, persons=persons)
    found = [
        row("findings", finding_id=f"{name}|{kind}", **where, entity_type=kind, rule_id="r", place="Sheet1", column=column, count=persons,
            distinct=persons, first_row=2, samples=[sample], verdict="stray", reason=reason, first_seen=since)
        for kind in kinds
    ]  # fmt: skip
    return one, found


def copy(path: str, store: str, matched: int, records: int, root: str = ROOT) -> dict[str, Any]:
    counts = {"matched_records": matched, "object_records": matched, "store_records": records}
    where = {"object_id": f"{root}|{path}|None", "root": root, "path": path}
    return row("copies", **where, **counts, store=store, source_path="crm/a.csv", columns=["氏名"], evidence="records", score=1.0)


def unread(path: str, reason: str = "encrypted", department: str | None = "営業部", excused: bool = False) -> dict[str, Any]:
    return row("objects", object_id=f"{ROOT}|{path}|None", root=ROOT, path=path, status="unreadable", reason=reason, verdict="unread",
               department=department, excused=excused, scanned_at=NOW.timestamp())  # fmt: skip


def publish(
    out: Path,
    some: Iterable[tuple[dict[str, Any], list[dict[str, Any]]]] = (),
    *,
    others: Iterable[dict[str, Any]] = (),
    copies: Iterable[dict[str, Any]] = (),
    told: Mapping[str, Any] | None = None,
    outcome: str = "complete",
    roots: Iterable[str] = (ROOT,),
) -> str:
    """One whole run of these rows; its name."""
    store = open_store(out, KEY_ID)
    run_id = store.new_run_id()
    asked = list(roots)
    with store.begin(run_id, asked) as writer:
        given = list(some)
        writer.objects([one for one, _ in given])
        writer.objects(others)
        writer.findings([finding for _, findings in given for finding in findings])
        writer.copies(copies)
        manifest = {"outcome": outcome, "roots": {"asked": asked, "reached": asked, "not_reached": []}, "end": NOW.isoformat()}
        writer.commit(manifest | dict(told or {}))
    return run_id


PEOPLE = {
    "departments": [{"name": "営業部", "manager": "営業部長", "contact": "sales@example.co.jp"}, {"name": "London office"}],
    "stores": [
        {"name": "customer-master", "owner": "Sales Planning", "traced": True, "why": None, "reason": None, "records": 100},
        {"name": "人事台帳", "owner": "人事課", "traced": False, "why": "its paths match nothing", "reason": "missing", "records": 0},
    ],
    "overdue": [{"store": "customer-master", "review_by": "2026-10-31"}],
}


def company(out: Path) -> None:
    """A share with something of everything."""
    publish(
        out,
        [
            stray("sales/old/list.xlsx", severity="critical", persons=120, exposure="everyone"),
            stray("sales/old/list2.xlsx", severity="high", persons=40, exposure="everyone"),
            stray("sales/memo.txt", severity="low", persons=1, kinds=["PERSON"], since=NOW - datetime.timedelta(days=200), owner="suzuki"),
            stray("london/clients.csv", severity="medium", persons=8, department="London office", kinds=["EMAIL_ADDRESS"]),
            stray("tmp/cards.csv", severity="critical", persons=5, department=None, kinds=["CREDIT_CARD", "PERSON"], exposure="everyone"),
            stray(
                "crm/old.csv", severity="medium", store="customer-master", why="retention", kinds=["RETENTION"], department="London office"
            ),
            stray("crm/x.csv", severity="medium", store="customer-master", why="kind_not_allowed", kinds=["JP_MY_NUMBER"]),
            stray("backup/all.zip", member="names/a.csv", severity="high", persons=15, department=None),
        ],
        others=[unread("sales/locked.xlsx"), unread("photos/a.png", "image_only", None, excused=True)],
        copies=[copy("sales/old/list.xlsx", "customer-master", 60, 100), copy("sales/old/list2.xlsx", "customer-master", 20, 100)],
        told=PEOPLE,
    )
