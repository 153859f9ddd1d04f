"""The assessment of a leak: on a terminal, and as the draft of the facts that a report needs."""

from __future__ import annotations

import datetime
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Final

from scanner.findings.errors import storing
from scanner.findings.publish import atomic_bytes
from scanner.obligations.assess import Assessment, Object
from scanner.obligations.thresholds import NOT_MET, OPEN, Deadline, Judgement, Range
from scanner.render.messages import Messages
from scanner.render.visible import visible

OBJECTS_SHOWN: Final = 20


def print_assessment(found: Assessment, stream: IO[str], say: Messages) -> None:
    """Names of files are shown with their control characters written out; no value is in an assessment."""
    stream.write("\n".join(_lines(found, say)) + "\n")


def _lines(found: Assessment, say: Messages) -> Iterator[str]:
    yield say("assess_what") + (f"  ({say('assess_as_of', date=found.as_of.date().isoformat())})" if found.as_of else "")
    yield from (f"  {line}" for line in _facts(found, say))
    yield ""
    yield say("assess_thresholds")
    yield from (f"  {line}" for line in _judgements(found.judgements, say))
    yield ""
    yield say("assess_no_advice")
    yield say(f"assess_exit_{found.exit_status}")


def _facts(found: Assessment, say: Messages) -> Iterator[str]:
    yield say("assess_objects", count=len(found.objects), persons=found.persons)
    yield from _range_line(found, say)
    yield ", ".join(_distinct(kind.entity_type, kind.distinct, say) for kind in found.kinds) or say("assess_none")
    stores = sorted({one.store for one in found.objects if one.store})
    if stores:
        yield say("assess_stores", stores=visible(", ".join(stores)))
    for exposure, count in Counter(one.exposure for one in found.objects if one.persons).most_common():
        yield f"{say('trace_open', exposure=say.word('exposure', exposure))}: {count:,}"
    if found.first_seen:
        yield say("assess_since", date=found.first_seen.date().isoformat())
    for record in found.sent_to:
        told = {"recipient": record.get("recipient") or "-", "date": str(record.get("provided_at"))[:10], "path": str(record.get("path"))}
        yield say("assess_sent", **{name: visible(text) for name, text in told.items()})
    yield from _unread(found, say)


def _range_line(found: Assessment, say: Messages) -> Iterator[str]:
    known = found.persons_range
    if known.most is None:
        yield say("assess_persons_least", least=known.least)
    elif known.least != known.most:
        yield say("assess_persons_range", least=known.least, most=known.most)


def _unread(found: Assessment, say: Messages) -> Iterator[str]:
    odd = [one for one in found.objects if one.unread or one.gone]
    for one in odd[:OBJECTS_SHOWN]:
        if one.unread:
            yield say("assess_unread", object=_name(one), what=say.word("reason", one.unread))
        if one.gone:
            yield say("assess_gone", object=_name(one))
    if len(odd) > OBJECTS_SHOWN:
        yield say("copies_more", count=len(odd) - OBJECTS_SHOWN)
    for what in found.not_found:
        yield say("assess_not_found", what=visible(what))
    for problem in found.problems:
        yield visible(problem)


def _judgements(judged: Sequence[Judgement], say: Messages) -> Iterator[str]:
    law = None
    for one in judged:
        if one.law != law:
            law = one.law
            yield say("assess_law", name=one.law_name[say.lang], to=one.to[say.lang])
        yield f"  {say(f'assess_{one.outcome}', name=one.name[say.lang])}"
        yield from (f"                  {line}" for line in _details(one, say))


def _details(one: Judgement, say: Messages) -> Iterator[str]:
    yield from (_why(word, about, one.outcome, say) for word, about in one.why)
    yield from (_deadline(deadline, say) for deadline in one.deadlines)
    if one.exempt is not None:
        yield say("assess_exempt", why=one.exempt[say.lang])
    if one.outcome != NOT_MET:
        yield ", ".join(one.sources)


def _why(word: str, about: Sequence[str], outcome: str, say: Messages) -> str:
    if word == "known" and outcome == NOT_MET:
        word = "known_not"
    told: dict[str, Any] = {}
    if word in ("asked", "known", "known_not"):
        told = {"what": say(f"assess_circumstance_{about[0]}")}
    elif word == "persons":
        told = {"limit": int(about[0]), "bounds": _bounds(about[1:], say)}
    elif word == "distinct":
        told = {"kind": say.word("entity", about[0]), "limit": int(about[1]), "bounds": _bounds(about[2:], say)}
    elif word == "kinds":
        told = {"kinds": ", ".join(say.word("entity", kind) for kind in about)}
    line = say(f"assess_why_{word}", **told)
    if word == "asked" and outcome == OPEN:
        line = say("assess_asked", what=told["what"], option=about[0].replace("_", "-"))
    return line


def _bounds(about: Sequence[str], say: Messages) -> str:
    least, most = int(about[0]), about[1]
    if not most:
        return say("bounds_least", least=least)
    return f"{least:,}" if least == int(most) else say("bounds", least=least, most=int(most))


def _distinct(kind: str, known: Range, say: Messages) -> str:
    kind = say.word("entity", kind)
    if known.most is None:
        return say("assess_distinct_least", kind=kind, least=known.least)
    if known.least == known.most:
        return say("assess_distinct", kind=kind, count=known.least)
    return say("assess_distinct_range", kind=kind, least=known.least, most=known.most)


def _deadline(one: Deadline, say: Messages) -> str:
    name = one.name[say.lang]
    if one.due is not None:
        moment = one.due.isoformat(" ", "minutes") if isinstance(one.due, datetime.datetime) else one.due.isoformat()
        line = say("assess_by", name=name, date=moment)
    elif one.days is not None:
        line = say("assess_by_days", name=name, count=one.days)
    elif one.hours is not None:
        line = say("assess_by_hours", name=name, count=one.hours)
    else:
        return say("assess_by_note", name=name, note=(one.note or one.name)[say.lang])
    return f"{line} ({one.note[say.lang]})" if one.note else line


def _name(one: Object) -> str:
    return visible(f"{one.root.rstrip('/')}/{one.path}" + (f"!{one.member}" if one.member else ""))


# --------------------------------------------------------------------------- the draft

_DRAFT: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "title": "Draft of the facts for a breach report",
        "intro": "Made by Strayscan from findings. It is no legal advice; what stands in brackets is for people to fill in.",
        "outline": "1. Outline",
        "items": "2. Items of personal data",
        "persons": "3. Number of persons",
        "cause": "4. Cause",
        "damage": "5. Secondary damage, or the risk of it",
        "response": "6. What was done for the persons",
        "publication": "7. Publication",
        "prevention": "8. Measures against a repetition",
        "other": "9. Other",
        "fill": "[to be filled in]",
        "learned": "Became known on",
        "rules": "Thresholds",
        "objects": "Objects",
        "more": "... and {count} more, in assessment.json",
    },
    "ja": {
        "title": "漏えい等報告のための事実の下書き",
        "intro": "Strayscan の結果から作成したものです。法的助言ではありません。［　］の部分は担当者が記入してください。",
        "outline": "1. 概要",
        "items": "2. 漏えい等が発生し、または発生したおそれがある個人データの項目",
        "persons": "3. 本人の数",
        "cause": "4. 原因",
        "damage": "5. 二次被害またはそのおそれの有無およびその内容",
        "response": "6. 本人への対応の実施状況",
        "publication": "7. 公表の実施状況",
        "prevention": "8. 再発防止のための措置",
        "other": "9. その他参考となる事項",
        "fill": "［記入］",
        "learned": "知った日",
        "rules": "報告・通知の基準",
        "objects": "対象",
        "more": "... ほか {count}件は assessment.json を参照",
    },
}
"""The items of a report are those of the APPI Enforcement Rules, Article 8 (1), which cover GDPR Article 33 (3) too."""


def draft(found: Assessment, say: Messages) -> str:
    """The facts of a report as Markdown, in the order that the form of Japan's commission has them."""
    text = _DRAFT[say.lang]
    fill, lines = text["fill"], [f"# {text['title']}", "", text["intro"], ""]
    learned = found.learned.isoformat() if found.learned else fill
    facts = [_plain(line) for line in _facts(found, say)]
    lines += [f"## {text['outline']}", "", f"- {text['learned']}: {learned}", *(f"- {line}" for line in facts), f"- {fill}", ""]
    lines += [f"## {text['items']}", "", *(f"- {_distinct(kind.entity_type, kind.distinct, say)}" for kind in found.kinds), ""]
    persons = [_plain(say("assess_objects", count=len(found.objects), persons=found.persons)), *_range_line(found, say)]
    lines += [f"## {text['persons']}", "", *(f"- {line}" for line in persons), ""]
    for name in ("cause", "damage", "response", "publication", "prevention"):
        lines += [f"## {text[name]}", "", fill, ""]
    lines += [f"## {text['other']}", "", f"### {text['rules']}", ""]
    for one in found.judgements:
        lines += [f"- {say(f'assess_{one.outcome}', name='').strip()}: {one.name[say.lang]} ({one.law})"]
        lines += [f"  - {_plain(detail)}" for detail in _details(one, say)]
    lines += ["", f"### {text['objects']}", ""]
    lines += [f"- `{_name(one).replace('`', chr(0x2019))}`: {one.persons:,}" for one in found.objects[:OBJECTS_SHOWN]]
    if len(found.objects) > OBJECTS_SHOWN:
        lines.append(f"- {text['more'].format(count=len(found.objects) - OBJECTS_SHOWN)}")
    return "\n".join([*lines, "", say("assess_no_advice"), ""])


def write_drafts(found: Assessment, folder: Path, languages: Sequence[Messages]) -> list[Path]:
    """`report-<language>.md` and `assessment.json` in a folder that only this account reads. Raises StoreError."""
    texts = {f"report-{say.lang}.md": draft(found, say) for say in languages}
    texts["assessment.json"] = json.dumps(found.to_json(), ensure_ascii=False, indent=1) + "\n"
    with storing(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, text in texts.items():
            atomic_bytes(folder / name, text.encode("utf-8", "backslashreplace"), 0o600)
    return [folder / name for name in texts]


def _plain(line: str) -> str:
    """A line that Markdown and HTML take as text: names of files may hold anything."""
    for char in "\\`*_[]<>|":
        line = line.replace(char, "\\" + char)
    return line
