"""A person's request kept: what lay where when it came in, and after a later scan what is gone, what is left, what is not known.

    DIR/cases/<case>.json    mode 0600, replaced whole

A case holds keyed fingerprints of the writing forms that were looked for and no value, so that it can be checked again without the query
and without the key. What is not found any more counts as gone only where a run proves it: one that read the object to its end, or a
complete one over its root that no longer lists it. Whatever was not looked at since, is excluded or could not be read is said to be so.
"""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from scanner.find.names import KANJI
from scanner.find.query import NAME, Term
from scanner.find.search import Answer, Match, Reader, Unread, joined, open_roots, told
from scanner.findings import snapshot
from scanner.findings.errors import StoreError, storing
from scanner.findings.publish import atomic_bytes
from scanner.findings.snapshot import Snapshot
from scanner.findings.store import check_key, former_keys
from scanner.person import person_here

FOLDER: Final = "cases"
VERSION: Final = 1
_NAME: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,63}")

GONE_VALUE, GONE_OBJECT, LEFT, UNREAD, NOT_LOOKED = "gone_value", "gone_object", "left", "unread", "not_looked"
"""The object was read to its end and no longer holds the value; a complete run, or its container, no longer has the object; the value
was seen again; the object could not be read again; nobody has looked since, or the policy leaves it out."""
STATES: Final = (LEFT, UNREAD, NOT_LOOKED, GONE_VALUE, GONE_OBJECT)
_FULL: Final = ("scanned", "no_text")
_SEEN: Final = (*_FULL, "unchanged")
_KEY: Final = ("object_id", "place", "column", "entity_type", "fingerprint")


@dataclass(frozen=True, slots=True)
class Place:
    """What became of one place of a case. `run_id`: the run that shows it; `why`: a reason word where nothing is shown."""

    match: Mapping[str, Any]
    state: str
    run_id: str | None
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Verified:
    """A case checked again. `new`: places found now that the case did not have."""

    case: str
    opened_at: str
    newest_run: str | None
    places: tuple[Place, ...]
    new: tuple[Match, ...]
    unread: Unread
    open_roots: tuple[str, ...]
    problems: tuple[str, ...]

    @property
    def counts(self) -> dict[str, int]:
        return {state: sum(place.state == state for place in self.places) for state in STATES} | {"new": len(self.new)}

    @property
    def standing(self) -> dict[str, int]:
        """Old values that still stand, by what they are and how their spelling was come by -> places."""
        found: dict[str, int] = {}
        for place in self.places:
            if place.state == LEFT:
                name = f"{place.match['found']} ({place.match['form']})"
                found[name] = found.get(name, 0) + 1
        return found

    @property
    def exit_status(self) -> int:
        """0 all is gone, 1 something is left or new, 3 of something nothing is known."""
        counts = self.counts
        if counts[UNREAD] or counts[NOT_LOOKED] or self.problems:
            return 3
        return 1 if counts[LEFT] or counts["new"] else 0

    def to_json(self) -> dict[str, Any]:
        return {
            "case": self.case,
            "opened_at": self.opened_at,
            "newest_run": self.newest_run,
            "counts": self.counts,
            "standing": self.standing,
            "places": [
                {**_without_print(place.match), "state": place.state, "shown_by": place.run_id, "why": place.why} for place in self.places
            ],
            "new": [told(match) for match in self.new],
            "unread": self.unread.count,
            "open_roots": list(self.open_roots),
            "problems": list(self.problems),
            "exit_status": self.exit_status,
        }


def keep(out: Path, case: str, answer: Answer) -> Path:
    """Write a new case; its path. Raises `StoreError` if the name is none, is taken, or the folder cannot be written."""
    path = check_new(out, case)
    matches = [{**told(match), "fingerprint": f"{match.fingerprint:016x}"} for match in answer.matches]
    data = {
        "version": VERSION,
        "case": case,
        "opened_at": _now(),
        "opened_by": str(person_here()),
        "key_id": answer.key_id,
        "newest_run": answer.newest_run,
        "whole_name": answer.whole_name,
        "terms": [{"found": t.kind, "fingerprint": f"{t.fingerprint:016x}", "form": t.form, "alone": t.alone} for t in answer.terms],
        **{name: value for name, value in answer.to_json().items() if name not in ("matches", "key_id", "newest_run")},
        "matches": matches,
        "checks": [],
    }
    _write(path, data)
    return path


def check_new(out: Path, case: str) -> Path:
    """Where a new case goes. Raises `StoreError` if its name is none, or is taken."""
    path = case_path(out, case)
    if path.exists():
        raise StoreError(f"there is a case {case} already: check it with --verify, or give another name")
    return path


def verify(out: Path, case: str) -> Verified:
    """Look for a case's fingerprints again, add the result to the case. Needs no key. Raises `StoreError`."""
    path = case_path(out, case)
    data = _read(path, case)
    held = snapshot.take(out.resolve())
    if str(data["key_id"]) in former_keys(held.out):
        raise StoreError(f"the case {case} is from before the key was rotated, and can no longer be checked: open it anew with --case")
    check_key(held.out, str(data["key_id"]))
    with Reader(held, [match["object_id"] for match in data["matches"]]) as reader:
        now = list(joined(_hits(reader, data), bool(data["whole_name"])))
        places = list(_places(reader, held, data, now))
        before = {_key(match) for match in data["matches"]}
        found = Verified(
            case=case,
            opened_at=str(data["opened_at"]),
            newest_run=held.manifests[-1].run_id if held.manifests else None,
            places=tuple(places),
            new=tuple(match for match in now if _key_of(match) not in before),
            unread=reader.unread(),
            open_roots=tuple(open_roots(held)),
            problems=tuple(reader.problems),
        )
    check = {name: value for name, value in found.to_json().items() if name not in ("case", "opened_at")}
    _write(path, {**data, "checks": [*data["checks"], {"checked_at": _now(), "checked_by": str(person_here()), **check}]})
    return found


def closed_before(out: Path, limit: datetime.datetime) -> tuple[list[Path], int]:
    """Cases of which the last check, made before that, found everything gone; and how many older ones no check found so. Raises
    `StoreError`."""
    closed, waiting = [], 0
    for path, data in _every(out):
        check = data["checks"][-1] if data["checks"] else {}
        if check.get("exit_status") == 0 and _moment(check.get("checked_at")) < limit:
            closed.append(path)
        elif check.get("exit_status") != 0 and _moment(data["opened_at"]) < limit:
            waiting += 1
    return closed, waiting


def count(out: Path) -> int:
    """How many cases there are."""
    return sum(not path.name.startswith(".") for path in (out / FOLDER).glob("*.json"))


def objects_asked(out: Path, but: Sequence[Path] = ()) -> list[str]:
    """Ids of the objects that cases, `but` some, will be asked about again. Raises `StoreError`."""
    return sorted({str(match["object_id"]) for path, data in _every(out) if path not in but for match in data["matches"]})


def _every(out: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    for path in sorted((out / FOLDER).glob("*.json")):
        if not path.name.startswith("."):
            yield path, _read(path, path.stem)


def _moment(told: object) -> datetime.datetime:
    try:
        return datetime.datetime.fromisoformat(str(told)).astimezone(datetime.UTC)
    except ValueError:
        return datetime.datetime.max.replace(tzinfo=datetime.UTC)  # what says no time is not old


def case_path(out: Path, case: str) -> Path:
    if not _NAME.fullmatch(case):
        raise StoreError(
            "a case's name is letters, digits, points and hyphens, at most 64: the number of the request, not the person's name"
        )
    if not out.is_dir():
        raise StoreError(f"there are no findings in {out}: it is not a folder")
    return out / FOLDER / f"{case}.json"


# --------------------------------------------------------------------------- what became of it


def _hits(reader: Reader, data: Mapping[str, Any]) -> Iterable[Any]:
    terms = [Term(t["found"], int(t["fingerprint"], 16), t["form"], t["alone"]) for t in data["terms"]]
    hits = reader.hits([term for term in terms if term.form != KANJI])
    spelled = [term for term in terms if term.form == KANJI]
    others = {hit.object_id for hit in hits if hit.term.kind != NAME}
    return [*hits, *(reader.hits(spelled, sorted(others)) if spelled and others else ())]


def _places(reader: Reader, held: Snapshot, data: Mapping[str, Any], now: Sequence[Match]) -> Iterator[Place]:
    """Each place of the case once, however its rows were told apart by what stands beside them."""
    still = {_key_of(match): match for match in now}
    objects = _Objects(reader, held, [match["object_id"] for match in data["matches"]])
    since = str(data["newest_run"] or "")
    for match in {_key(match): match for match in data["matches"]}.values():
        yield _became(match, still.get(_key(match)), objects, since)


def _became(match: Mapping[str, Any], still: Match | None, objects: _Objects, since: str) -> Place:
    state = objects.newest.get(match["object_id"])
    if state is None:
        return objects.gone(match, since)
    run_id, status, reason = state
    if run_id <= since:
        return Place(match, NOT_LOOKED, None, "no_run_since")
    if status == "excluded":
        return Place(match, NOT_LOOKED, run_id, "excluded")
    if still is not None and (status in _SEEN or still.run_id == run_id):
        return Place(match, LEFT, run_id)
    if status not in _SEEN:
        return Place(match, UNREAD, run_id, reason or status)
    if status == "unchanged" or objects.damaged:
        return Place(match, NOT_LOOKED, run_id, "store_damaged")
    return Place(match, GONE_VALUE, run_id)


_STATES: Final = """
SELECT o.object_id, o.run_id, o.status, o.reason FROM objects o SEMI JOIN asked a ON o.object_id = a.object_id
"""
_FILES: Final = """
SELECT o.root, o.path, max(o.run_id) AS run_id, arg_max(o.status, o.run_id) AS status, arg_max(o.reason, o.run_id) AS reason
FROM all_objects o SEMI JOIN (SELECT root, path FROM all_objects SEMI JOIN asked USING (object_id)) a
    ON o.root = a.root AND o.path = a.path WHERE o.member IS NULL GROUP BY ALL
"""
_LEFT_OUT: Final = """
SELECT run_id, rtrim(root, '/') || '/' || path AS place FROM all_objects WHERE status = 'excluded' AND path LIKE '%/'
"""


class _Objects:
    """What the store knows of the objects of a case."""

    def __init__(self, reader: Reader, held: Snapshot, asked: Iterable[str]) -> None:
        import pyarrow as pa

        ids = pa.table({"object_id": pa.array(sorted(set(asked)), pa.string())})
        self.newest = {r["object_id"]: (r["run_id"], r["status"], r["reason"]) for r in reader.rows(_STATES, asked=ids)}
        self._files = {(r["root"], r["path"]): (r["run_id"], r["status"], r["reason"]) for r in reader.rows(_FILES, asked=ids)}
        self._left_out = [(r["run_id"], r["place"]) for r in reader.rows(_LEFT_OUT)]
        self._complete = [(root.rstrip("/") + "/", m.run_id) for m in held.manifests if m.outcome == "complete" for root in m.reached]
        self.damaged = bool(reader.problems)

    def gone(self, match: Mapping[str, Any], since: str) -> Place:
        """Of an object that the store says is not there any more: which run shows it, if one does."""
        place = f"{match['root'].rstrip('/')}/{match['path']}"
        file = self._files.get((match["root"], match["path"]))
        shown = max((run for prefix, run in self._complete if place.startswith(prefix)), default=None)
        if match["member"] is not None and file is not None and (shown is None or file[0] >= shown):  # its container was met
            run_id, status, reason = file
            if status in _FULL:
                return Place(match, GONE_OBJECT, run_id) if run_id > since else Place(match, NOT_LOOKED, None, "no_run_since")
            return Place(match, *((NOT_LOOKED, run_id, "excluded") if status == "excluded" else (UNREAD, run_id, reason or status)))
        if shown is None or shown <= since:
            return Place(match, NOT_LOOKED, None, "no_run_since")
        if any(run == shown and place.startswith(folder) for run, folder in self._left_out):
            return Place(match, NOT_LOOKED, shown, "excluded")
        return Place(match, GONE_OBJECT, shown)


def _key(match: Mapping[str, Any]) -> tuple[Any, ...]:
    return (*(match[name] for name in _KEY[:-1]), int(match["fingerprint"], 16))


def _key_of(match: Match) -> tuple[Any, ...]:
    return tuple(getattr(match, name) for name in _KEY)


def _without_print(match: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in match.items() if name != "fingerprint"}


# --------------------------------------------------------------------------- the file


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def _write(path: Path, data: Mapping[str, Any]) -> None:
    with storing(path.parent.parent):
        path.parent.mkdir(mode=0o700, exist_ok=True)
        atomic_bytes(path, json.dumps(data, ensure_ascii=False, indent=1).encode("utf-8", "backslashreplace") + b"\n", mode=0o600)


def _read(path: Path, case: str) -> dict[str, Any]:
    try:
        data: dict[str, Any] = json.loads(path.read_bytes())
        if data["version"] > VERSION:
            raise StoreError(f"the case {case} was written by a newer version: update the program")
        for match in data["matches"]:
            _key(match)
        if not (isinstance(data["terms"], list) and isinstance(data["checks"], list) and data["key_id"] and data["opened_at"]):
            raise ValueError
    except FileNotFoundError:
        raise StoreError(f"there is no case {case} in {path.parent.parent}") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise StoreError(f"the case {case} cannot be read: {path} is damaged") from None
    return data
