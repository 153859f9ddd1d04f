"""The answer of `strayscan find` on a page: strongest first, by object. Nothing of the query is on it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import IO

from scanner.find.cases import STATES, Place, Verified
from scanner.find.query import STRENGTHS
from scanner.find.search import Answer, Match
from scanner.render.messages import Messages
from scanner.render.visible import visible

OBJECTS_SHOWN = 20  # of each strength
ROWS_SHOWN = 8


def print_answer(answer: Answer, stream: IO[str], say: Messages) -> None:
    """Names of files and columns are shown with their control characters written out."""
    stream.write("\n".join(_lines(answer, say)) + "\n")


def _lines(answer: Answer, say: Messages) -> Iterator[str]:
    for kind, count in answer.forms.items():
        yield say("find_forms", count=count, what=say(f"find_kind_{kind}"))
    for strength in STRENGTHS:
        found = [match for match in answer.matches if match.strength == strength]
        if found or strength == STRENGTHS[0]:
            yield ""
            yield from _section(found, strength, say)
    yield ""
    yield from unread_lines(answer, say)
    yield say("find_never")
    yield say(f"find_exit_{answer.exit_status}")


def _section(found: Sequence[Match], strength: str, say: Messages) -> Iterator[str]:
    by_object: dict[str, list[Match]] = {}
    for match in found:
        by_object.setdefault(match.object_id, []).append(match)
    yield say(f"find_{strength}", count=len(by_object))
    if not found:
        yield f"  {say('find_none')}"
    for matches in list(by_object.values())[:OBJECTS_SHOWN]:
        yield f"  {say.word('find_verdict', matches[0].verdict or 'excluded')}  {object_name(matches[0])}"
        yield from (f"      {line}" for line in dict.fromkeys(_place(match, say) for match in matches))
    if len(by_object) > OBJECTS_SHOWN:
        yield "  " + say("find_more", count=len(by_object) - OBJECTS_SHOWN)


def _place(match: Match, say: Messages) -> str:
    where = ", ".join(visible(part) for part in (match.place, match.column) if part) or match.entity_type
    what = say(f"find_kind_{match.found}")
    if match.form != "exact":
        what += f" ({say('find_form_' + match.form)})"
    if match.beside:
        what += f" {say('find_beside', what=', '.join(say(f'find_kind_{kind}') for kind in match.beside))}"
    return say("find_line" if match.column is None else "find_row", where=where, what=what, rows=_rows(match))


def _rows(match: Match) -> str:
    shown = ", ".join(str(row) for row in match.rows[:ROWS_SHOWN])
    return shown + (", ..." if len(match.rows) > ROWS_SHOWN or not match.rows_complete else "")


def object_name(match: Match) -> str:
    return visible(f"{match.root.rstrip('/')}/{match.path}" + (f"!{match.member}" if match.member else ""))


def print_verified(found: Verified, stream: IO[str], say: Messages) -> None:
    """What became of a case: what is left and what is not known first, then what is proved to be gone."""
    stream.write("\n".join(_verified(found, say)) + "\n")


def _verified(found: Verified, say: Messages) -> Iterator[str]:
    yield say("find_case_checked", case=found.case, opened=found.opened_at[:10], run=found.newest_run or "-")
    for state in STATES:
        places = [place for place in found.places if place.state == state]
        if places:
            yield ""
            yield say(f"find_case_{state}", count=len(places))
            yield from dict.fromkeys(f"  {_became(place, say)}" for place in places)
    if found.standing:
        yield ""
        yield say("find_case_standing")
        for name, count in found.standing.items():
            kind, _, form = name.rstrip(")").partition(" (")
            yield "  " + say("find_case_standing_line", count=count, what=say(f"find_kind_{kind}"), form=say(f"find_form_{form}"))
    if found.new:
        yield ""
        yield say("find_case_new", count=len(found.new))
        yield from dict.fromkeys(f"  {object_name(match)}: {_place(match, say)} ({match.strength})" for match in found.new)
    yield ""
    yield from unread_lines(found, say)
    yield say(f"find_case_exit_{found.exit_status}")


def _became(place: Place, say: Messages) -> str:
    match = place.match
    name = visible(f"{match['root'].rstrip('/')}/{match['path']}" + (f"!{match['member']}" if match["member"] else ""))
    where = ", ".join(visible(part) for part in (match["place"], match["column"]) if part) or match["entity_type"]
    shown = place.why and say.word("find_case_why", place.why)
    shown = say.word("reason", place.why) if place.why and shown == place.why else shown
    return f"{name}: {where}, {say('find_kind_' + match['found'])}" + "".join(f"; {part}" for part in (shown, place.run_id) if part)


def unread_lines(answer: Answer | Verified, say: Messages) -> Iterable[str]:
    """What could not be looked at."""
    unread = answer.unread
    if answer.newest_run is None:
        yield say("find_no_run")
    if unread.count:
        yield say("find_unread", count=unread.count)
        yield from (f"  {say.word('reason', reason)}: {count:,}" for reason, count in unread.reasons.items())
    if unread.excused:
        yield say("find_excused", count=unread.excused)
    if unread.excluded:
        yield say("find_excluded", count=unread.excluded)
    yield from (say("find_open_root", root=visible(root)) for root in answer.open_roots)
    yield from (visible(problem) for problem in answer.problems)
