"""`strayscan policy explain`: which store, department and rules of a policy apply to a path?"""

from __future__ import annotations

import datetime
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scanner.cli._options import file_type, json_option, lang_option
from scanner.render.messages import Messages
from scanner.render.visible import visible

if TYPE_CHECKING:
    from scanner.policy import Policy


@click.command("explain")
@click.argument("path", type=file_type())
@click.option("--policy", "file", type=file_type(), metavar="FILE", required=True, help="The policy to ask.")
@json_option
@lang_option
def command(path: Path, file: Path, as_json: bool, say: Messages) -> int:
    """Say what a policy makes of a path.

    Tells the store and the department that PATH belongs to, by which glob, which kinds of personal data may live there, and whether it
    is excluded. PATH need not exist.
    """
    from scanner.policy import load

    facts = explain(load(file), path)
    if as_json:
        click.echo(json.dumps(facts, ensure_ascii=False))
    else:
        for line in _lines(facts, say):
            click.echo(line)
    return 0


def explain(policy: Policy, path: Path) -> dict[str, Any]:
    """What the policy says of a path, as plain data. The folder's links are resolved as a scan does; the path itself is not followed."""
    from scanner.model import path_text

    here = os.path.join(os.path.realpath(path.parent), path.name) if path.name not in {"", ".."} else os.path.realpath(path)
    folder = Path(here).is_dir() and not Path(here).is_symlink()
    shown = path_text(os.fsencode(here))
    placement = policy.place(shown + "/" if folder and shown != "/" else shown)
    above = (policy.excluded_by(outer, True) for outer in _above(shown))
    excluded = policy.excluded_by(shown, folder) or next((glob for glob in above if glob is not None), None)
    store, department = placement.store, placement.department
    today = datetime.datetime.now(datetime.UTC).date()
    return {
        "path": shown,
        "excluded_by": None if excluded is None else excluded.source,
        "store": None if store is None else store.name,
        "glob": None if placement.glob is None else placement.glob.source,
        "also": list(placement.also),
        "owner": None if store is None else store.owner,
        "purpose": None if store is None else store.purpose,
        "allow": [] if store is None else sorted(store.allow),
        "retention_days": None if store is None else store.retention_days,
        "department": None if department is None else department.name,
        "manager": None if department is None else department.manager,
        "contact": None if department is None else department.contact,
        "report_from_persons": policy.report_from_persons,
        "excuses": [
            {"reasons": sorted(excuse.reasons), "why": excuse.why, "until": None if excuse.until is None else excuse.until.isoformat()}
            for excuse in policy.excuses_at(shown)
            if excuse.until is None or today <= excuse.until
        ],
    }


def _above(path: str) -> Iterator[str]:
    """The folders a path lies in, innermost first: a scan does not enter one that is excluded."""
    while "/" in path.rstrip("/")[1:]:
        path = path.rstrip("/").rpartition("/")[0]
        yield path


def _lines(facts: dict[str, Any], say: Messages) -> Iterator[str]:
    yield say("explain_path", path=visible(facts["path"]))
    if facts["excluded_by"] is not None:
        yield say("explain_excluded", glob=visible(facts["excluded_by"]))
    yield from _store_lines(facts, say)
    if facts["department"] is None:
        yield say("department_none")
    else:
        answerable = ", ".join(visible(part) for part in (facts["department"], facts["manager"], facts["contact"]) if part)
        yield say("department_line", name=answerable)
    for excuse in facts["excuses"]:
        key = "explain_excuse" if excuse["until"] is None else "explain_excuse_until"
        yield say(key, reasons=", ".join(excuse["reasons"]), why=visible(excuse["why"]), until=excuse["until"])
    if facts["report_from_persons"]:
        yield say("explain_below", persons=facts["report_from_persons"])


def _store_lines(facts: dict[str, Any], say: Messages) -> Iterator[str]:
    if facts["store"] is None:
        yield say("store_none")
        yield say("explain_stray_all")
        return
    yield say("store_line", name=visible(facts["store"]), glob=visible(facts["glob"]))
    if facts["also"]:
        yield say("explain_also", stores=visible(", ".join(facts["also"])))
    for name in ("owner", "purpose"):
        if facts[name] is not None:
            yield say(f"store_{name}", **{name: visible(facts[name])})
    every = "*" in facts["allow"]
    yield say("explain_allowed_all") if every else say("explain_allowed", kinds=", ".join(facts["allow"]) or say("policy_nothing"))
    if facts["retention_days"] is not None:
        yield say("explain_retention", days=facts["retention_days"])
    if not every:
        yield say("explain_stray_other")
