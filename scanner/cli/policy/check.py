"""`strayscan policy check`: is the policy right, and does it still say what its examples expect?"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scanner.cli._options import file_type, json_option, lang_option
from scanner.render.messages import Messages
from scanner.render.visible import visible

if TYPE_CHECKING:
    from scanner.policy import ExampleFailure, Policy, Store

USAGE = 2


@click.command("check")
@click.argument("file", type=file_type())
@click.option("--root", "roots", multiple=True, type=file_type(), metavar="DIR", help="Also look which stores match nothing below DIR.")
@json_option
@lang_option
def command(file: Path, roots: tuple[Path, ...], as_json: bool, say: Messages) -> int:
    """Check a policy file.

    Reads FILE and its includes, runs the policy's own examples, and tells of overdue reviews, excuses that ran out and stores whose
    paths match nothing. Ends with 0 if the policy can be used and every example holds, else with 2.
    """
    from scanner.policy import load

    policy = load(file)
    failures = policy.failing_examples()
    missing = policy.stores_matching_nothing(_matched(policy, roots), [str(root.resolve()) for root in roots])
    notes = list(_notes(policy, missing, say))
    if as_json:
        wrong = [_failure_sentence(failure, say) for failure in failures]
        click.echo(json.dumps({"file": str(file), "digest": policy.digest, "failures": wrong, "notes": notes}, ensure_ascii=False))
        return USAGE if failures else 0
    for failure in failures:
        click.echo(_failure_sentence(failure, say), err=True)
    if failures:
        return USAGE
    _say_ok(file, policy, notes, say)
    return 0


def _say_ok(file: Path, policy: Policy, notes: list[str], say: Messages) -> None:
    shown = visible(str(file))
    counts = {"stores": len(policy.stores), "departments": len(policy.departments)}
    click.echo(say("policy_ok", file=shown, **counts, excludes=len(policy.exclude), excuses=len(policy.excuses)))
    for note in notes:
        click.echo(f"  {note}")
    count = len(policy.examples)
    click.echo(say("policy_examples_ok", count=count) if count else say("policy_no_examples"))
    click.echo(say("policy_next", file=shown))


def _matched(policy: Policy, roots: tuple[Path, ...]) -> set[str]:
    """The stores that some path below the roots belongs to; the walk ends early when all have been met."""
    if not roots:
        return set()
    from scanner.judge import absolute_path
    from scanner.sources.filesystem import crawl, resolve_roots

    met: set[str] = set()
    for entry in crawl(resolve_roots(roots), policy.excluded):
        met.update(policy.place(absolute_path(entry)).stores)
        if len(met) == len(policy.stores):
            break
    return met


def _notes(policy: Policy, missing: tuple[Store, ...], say: Messages) -> Iterator[str]:
    today = datetime.datetime.now(datetime.UTC).date()
    for store in policy.overdue_reviews(today):
        yield say("note_overdue", store=visible(store.name), date=str(store.review_by))
    for excuse in policy.expired_excuses(today):
        yield say("policy_excuse_expired", reasons=", ".join(sorted(excuse.reasons)), why=visible(excuse.why), date=str(excuse.until))
    for store in missing:
        yield say("policy_matches_nothing", store=visible(store.name), paths=", ".join(visible(glob.source) for glob in store.paths))
    for store in policy.stores:
        for glob in store.paths:
            if glob.literal == glob.absolute and Path(glob.literal).is_dir():
                yield say("policy_try_below", store=visible(store.name), glob=visible(glob.source), better=visible(glob.source + "/**"))


def _failure_sentence(failure: ExampleFailure, say: Messages) -> str:
    example = failure.example
    expected, found = (say("policy_nothing") if name is None else f'"{visible(name)}"' for name in (failure.expected, failure.found))
    place = {"file": visible(example.file), "line": str(example.line), "path": visible(example.source)}
    return say("policy_example_bad", **place, what=failure.what, expected=expected, found=found)
