"""The answer of `strayscan trace` on one page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

from scanner.render.messages import Messages
from scanner.render.visible import visible
from scanner.run.trace import Answer, CopyFrom, Place

PLACES_SHOWN = 20


def print_answer(answer: Answer, stream: IO[str], say: Messages) -> None:
    """Names of files and columns are shown with their control characters written out; no value is in an answer."""
    stream.write("\n".join(_lines(answer, say)) + "\n")


def _lines(answer: Answer, say: Messages) -> Iterator[str]:
    yield say("trace_file", file=visible(answer.file))
    if answer.kinds:
        yield "  " + say("trace_persons", count=answer.persons)
        yield "  " + ", ".join(f"{kind.entity_type} {kind.distinct:,}" for kind in answer.kinds)
    else:
        yield "  " + say("trace_nothing")
    for reason in answer.unread:
        yield "  " + say("trace_unread", what=say.word("reason", reason))
    yield ""
    yield say("trace_whose")
    yield from (f"  {line}" for copy in answer.copies for line in _copy(copy, say))
    if not answer.copies:
        yield "  " + say("trace_no_store")
    for store in answer.stores:
        if store.counts_as_unread:
            yield "  " + say("trace_not_traced", name=visible(store.name), why=visible(store.why or ""))
    yield ""
    yield say("trace_where")
    shown = answer.elsewhere[:PLACES_SHOWN]
    yield from (f"  {_place(place, say)}" for place in shown)
    if len(answer.elsewhere) > len(shown):
        yield "  " + say("copies_more", count=len(answer.elsewhere) - len(shown))
    if not answer.elsewhere:
        yield "  " + say("trace_nowhere")
    for problem in answer.problems:
        yield "  " + visible(problem)
    if answer.first is not None:
        yield "  " + say(f"trace_first_{answer.first_why}", object=_name(answer.first))
    yield ""
    yield say(f"trace_exit_{answer.exit_status}")


def _copy(found: CopyFrom, say: Messages) -> list[str]:
    copy = found.copy
    line = say(
        f"trace_of_{copy.evidence}",
        store=visible(copy.store),
        matched=copy.matched_records,
        records=copy.store_records,
        source=visible(copy.source_path or ""),
    )
    about = [say("stores_owner", owner=visible(found.owner))] if found.owner else []
    about += [say("store_purpose", purpose=visible(found.purpose))] if found.purpose else []
    about += [say("stores_columns", columns=visible(", ".join(copy.columns)))] if copy.columns else []
    name = f"  ({visible(copy.member)})" if copy.member else ""
    return [line + name, *("  " + text for text in about)]


def _place(place: Place, say: Messages) -> str:
    what = say("trace_same") if place.same_bytes else say("trace_records", count=place.matched_records)
    facts = [what, say("trace_open", exposure=say.word("exposure", place.exposure or "unknown"))]
    facts += [say("trace_store", store=visible(place.store))] if place.store else []
    facts += [say("trace_owner", owner=visible(place.owner))] if place.owner else []
    facts += [say("trace_since", date=place.first_seen.date().isoformat())] if place.first_seen else []
    return f"{_name(place)}: {', '.join(facts)}"


def _name(place: Place) -> str:
    return visible(f"{place.root.rstrip('/')}/{place.path}" + (f"!{place.member}" if place.member else ""))
