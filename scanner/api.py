"""What scripts and notebooks import: scan a share, open its findings, find the spans of personal data in a text."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from scanner.config import Settings

if TYPE_CHECKING:
    import pandas as pd

    from detectors.engine import Engine
    from scanner.find.cases import Verified
    from scanner.find.query import Subject
    from scanner.find.search import Answer
    from scanner.findings.compact import Compacted
    from scanner.findings.decide import Triage
    from scanner.findings.overview import Overview
    from scanner.findings.read import Findings
    from scanner.obligations.assess import Assessment
    from scanner.obligations.binder.pieces import Checked
    from scanner.obligations.cleanup import Outcome
    from scanner.obligations.own_records import Purged
    from scanner.obligations.register import Register
    from scanner.outbound.desk import Desk
    from scanner.outbound.gate import Gate
    from scanner.policy.drill import Drill
    from scanner.render.binder.writing import Bound
    from scanner.render.export import Exported
    from scanner.render.report.writing import Written
    from scanner.run.drill import DrillResult
    from scanner.run.reveal import Revealed
    from scanner.run.rotate import Rotated
    from scanner.run.stores import Refreshed
    from scanner.run.summary import RunSummary
    from scanner.run.trace import Answer as Traced
    from scanner.run.verify import StoreCheck

PathText = str | PathLike[str]


def scan(
    roots: PathText | Sequence[PathText],
    policy: PathText | None = None,
    *,
    out: PathText,
    on_progress: Callable[[Any], None] | None = None,
    **settings: Any,
) -> RunSummary:
    """Scan the roots under a policy and append the run to the store at `out`: what `strayscan scan` does.

    `settings` are the fields of `scanner.config.Settings` (`jobs`, `key_file`, `limits`, ...). `on_progress` hears of the run about
    twice a second. Raises `PolicyError`, `RuleError`, `RootError`, `StoreError` (`RootBusy` among them), `KeyFileError` before anything
    is written; what cannot be read is no error but a row.
    """
    from scanner.run.stores import scan_with_stores

    paths = [roots] if isinstance(roots, (str, PathLike)) else list(roots)
    return scan_with_stores(
        [Path(root) for root in paths],
        None if policy is None else Path(policy),
        Path(out),
        Settings(**settings),
        on_progress=on_progress,
    )


def refresh_stores(policy: PathText, *, on_progress: Callable[[Any], None] | None = None, **settings: Any) -> Refreshed:
    """Bring the index of the policy's approved stores up to date: what `strayscan stores refresh` does.

    `settings` as for `scan`. Raises `PolicyError`, `RuleError`, `StoreError`, `KeyFileError`, `RunFailed`.
    """
    from scanner.policy import load
    from scanner.run.stores import refresh

    return refresh(load(Path(policy)), Path(policy), Settings(**settings), on_progress=on_progress)


def list_stores(policy: PathText, **settings: Any) -> Refreshed:
    """The approved stores of a policy and the state of their index, which is left as it is."""
    from scanner.policy import load
    from scanner.run.stores import listed

    return listed(load(Path(policy)), Settings(**settings))


def trace(file: PathText, policy: PathText, *, out: PathText | None = None, refresh: bool = True, **settings: Any) -> Traced:
    """Whose records a file holds, from which approved store, and where else they lie as far as the findings at `out` tell.

    `refresh`: bring the stores' index up to date first. Raises what `scan` raises.
    """
    from scanner.run.trace import trace as traced

    return traced(Path(file), Path(policy), None if out is None else Path(out), Settings(**settings), refresh=refresh)


def assess(
    out: PathText | None,
    *,
    paths: Sequence[PathText] = (),
    stores: Sequence[str] = (),
    releases: Sequence[str] = (),
    hold: PathText | None = None,
    learned: datetime.datetime | datetime.date | None = None,
    circumstances: Mapping[str, bool] | None = None,
    laws: Sequence[str] = (),
) -> Assessment:
    """What leaked, of how many persons, and which thresholds of the laws that meets; no legal advice.

    `paths` and `stores` are looked up in the findings at `out`, `releases` in the hold folder of the outbound gate that sent them.
    `circumstances`: of `scanner.obligations.thresholds.CIRCUMSTANCES` those that are known; `laws`: only these. Raises `StoreError`,
    `DeskError`.
    """
    from scanner.obligations.assess import Asked
    from scanner.obligations.assess import assess as assessed

    asked = Asked(tuple(map(Path, paths)), tuple(stores), tuple(releases), None if hold is None else Path(hold))
    return assessed(None if out is None else Path(out), asked, learned=learned, circumstances=circumstances, laws=laws)


def register(out: PathText, policy: PathText, *, hand: Mapping[str, Mapping[str, str]] | None = None, keep: bool = True) -> Register:
    """The register of personal information (個人情報管理台帳) as of the newest run in `out`, compared with the one before it.

    `hand`: what people wrote beside it, number of a row -> column -> text (`scanner.render.sheets.read_hand`). `keep`: remember it in
    the store, so that the next is compared with this one. Raises `PolicyError`, `StoreError`.
    """
    from scanner.obligations import register as registers
    from scanner.policy import load

    built = registers.build(load(Path(policy)), Path(out), datetime.date.today(), hand)
    if keep:
        registers.keep(Path(out), built)
    return built


def plant_drill(policy: PathText, *, remove: bool = False) -> tuple[str, int]:
    """Plant the drill in the folder that the policy names, or with `remove` take it away; the folder and how many files are planted.

    Raises `PolicyError`, `StoreError`.
    """
    from scanner.obligations import canaries

    drill = _drill_of(policy)
    if remove:
        canaries.remove(drill)
        return drill.text, 0
    return drill.text, canaries.plant(drill)


def check_drill(out: PathText, policy: PathText) -> DrillResult:
    """Which of the planted files the findings at `out` hold as they should. Raises `PolicyError`, `StoreError`."""
    from scanner.run.drill import check

    return check(Path(out), _drill_of(policy))


def _drill_of(policy: PathText) -> Drill:
    from scanner.policy import PolicyError, load

    drill = load(Path(policy)).drill
    if drill is None:
        raise PolicyError(str(policy), None, "drill", "the policy has no drill; give it the folder, `drill: {folder: ...}`")
    return drill


def draft_cleanup(out: PathText, *, below: Sequence[PathText] = ()) -> str:
    """A list of stray files as CSV, to be filled in for `clean_up`. Raises `StoreError`."""
    from scanner.obligations.cleanup import draft

    return draft(Path(out), [Path(path) for path in below])


def clean_up(
    out: PathText, policy: PathText, listed: PathText, *, reason: str = "", erase: bool = False, apply: bool = False
) -> tuple[list[Outcome], list[Outcome]]:
    """Carry out a clean-up list, or without `apply` say what would be done: (what an earlier one that died had left, the list's lines).

    Raises `PolicyError`, `StoreError`.
    """
    from scanner.obligations.cleanup import Cleanup, read_list
    from scanner.policy import load

    lines = read_list(Path(listed))
    with Cleanup(Path(out), load(Path(policy))) as cleanup:
        finished = cleanup.finish() if apply else []
        return finished, cleanup.carry_out(lines, reason, erase=erase, rehearse=not apply)


def cleanup_records(out: PathText) -> list[dict[str, Any]]:
    """What clean-ups moved and deleted, oldest first. Raises `StoreError`."""
    from scanner.obligations.cleanup import records

    return records(Path(out))


def audit(
    out: PathText,
    folder: PathText,
    *,
    first: datetime.date,
    last: datetime.date,
    policy: PathText | None = None,
    hold: PathText | None = None,
    zone: str | None = None,
    lang: str = "en",
    now: datetime.datetime | None = None,
) -> Bound:
    """Gather what the store at `out` recorded from `first` to `last` into a new `folder`: what `strayscan audit` does.

    `zone`: the time zone of the days, an IANA name; this machine's if not given. `hold`: the hold folder of the outbound gate. `now`: the
    moment it is made at, aware of its zone. Raises `StoreError` (`BinderError` among them), `PolicyError`; nothing is written then.
    """
    from scanner.obligations.binder import pieces
    from scanner.obligations.binder.collect import collect
    from scanner.obligations.binder.model import Period
    from scanner.policy import load
    from scanner.render.binder.writing import bind
    from scanner.render.messages import Messages

    moment = now or datetime.datetime.now(datetime.UTC)
    period = Period.of(first, last, zone, moment)
    pieces.check_free(Path(folder))
    found = collect(Path(out), period, None if policy is None else load(Path(policy)), _path(hold), moment)
    return bind(found, Path(folder), Messages(lang))


def verify_audit(folder: PathText) -> Checked:
    """The pieces of a binder against its manifest: what `strayscan audit --verify` says. Raises `StoreError`."""
    from scanner.obligations.binder.pieces import check

    return check(Path(folder))


def open_findings(out: PathText, *, today: datetime.date | None = None) -> Findings:
    """The findings store at `out`, for reading: see `scanner.findings.read.Findings`. `today`: the day that decides what is overdue and
    which decisions have run out; this machine's if not given."""
    from scanner.findings.read import open_findings as opened

    return opened(Path(out), today)


def open_triage(out: PathText, *, today: datetime.date | None = None) -> Triage:
    """Ignoring, accepting and assigning what the store at `out` holds, measures, a baseline: see `scanner.findings.decide.Triage`.

    Raises `StoreError`.
    """
    from scanner.findings.decide import Triage

    return Triage(Path(out), today=today)


def search(
    out: PathText, person: Subject, *, key_file: PathText | None = None, former: Sequence[PathText] = (), case: str | None = None
) -> Answer:
    """Where a person's data lies as far as the findings at `out` tell: what `strayscan find` does. The share is not read.

    `former`: files of keys that the store was under before (`rotate_key`), to look through what no scan has read since; not with a case,
    which is checked later without any key. `case`: keep it under this name, for `verify_case`. Raises `QueryError`, `StoreError` (another
    key and a case of that name among its causes), `KeyFileError`.
    """
    from scanner.find import cases
    from scanner.find.search import search as searched
    from scanner.findings.errors import StoreError

    if case is not None:
        if former:
            raise StoreError("a case is kept under the present key: scan with it first, and open the case then")
        cases.check_new(Path(out), case)
    answer = searched(Path(out), person, _path(key_file), list(map(Path, former)))
    if case is not None:
        cases.keep(Path(out), case, answer)
    return answer


def verify_case(out: PathText, case: str) -> Verified:
    """What became of a case kept by `search`: gone (and by which run that is shown), left, unread, not looked at since. Needs no key; the
    result is added to the case. Raises `StoreError`."""
    from scanner.find.cases import verify

    return verify(Path(out), case)


def find_person(
    out: PathText,
    name: str | None = None,
    phone: str | None = None,
    email: str | None = None,
    address: str | None = None,
    *,
    key_file: PathText | None = None,
) -> pd.DataFrame:
    """Where this person's data lies: one row per object, place, column and thing found, the strongest first.

    The columns are those of `scanner.find.search.Match`; `.attrs` says what could not be looked at (`whole`, `unread`, `open_roots`,
    `problems`). Raises what `search` raises.
    """
    from scanner.find.query import Subject

    return search(out, Subject(name, phone, email, address), key_file=key_file).frame()


def export(
    out: PathText,
    target: BinaryIO | PathText,
    fmt: str,
    *,
    mask_locators: bool = False,
    key_file: PathText | None = None,
    since: str | None = None,
    **choice: Any,
) -> Exported:
    """Hand the findings at `out` to other systems: what `strayscan export` does. `fmt`: ocsf, csv, jsonl, or ocsf-parquet into a folder.

    `target` is a binary stream or a path; `choice` are the fields of `scanner.findings.records.Choice`; `since` names a run, or a time
    in ISO 8601. Raises `StoreError`, `KeyFileError`, ValueError for a format that does not exist.
    """
    from scanner.findings.errors import StoreError
    from scanner.findings.records import Choice, moment
    from scanner.redact import load_key
    from scanner.render.export import export as exported

    with open_findings(out) as store:
        when = None if since is None else moment(store, since)
        key = load_key(_path(key_file)) if mask_locators else None
        keys = set(store.runs()["key_id"])
        if key is not None and keys and key.key_id not in keys:
            raise StoreError(
                f"{out} holds findings under key {', '.join(sorted(keys))}, and this key is {key.key_id}: give the former with --key-file"
            )
        to = Path(target) if isinstance(target, (str, PathLike)) else target
        return exported(store, to, fmt, Choice(since=when, **choice), key)


def reveal(out: PathText, finding: str, policy: PathText, *, reason: str, most: int = 3) -> Revealed:
    """A finding's values, read again from the source: what `strayscan reveal` shows. They are for a person's eyes: write them nowhere.

    Raises `RevealError` (not allowed by the policy among its causes; that is logged too), `PolicyError`, `StoreError`.
    """
    from scanner.run.reveal import reveal as revealed

    return revealed(Path(out), finding, Path(policy), reason, most)


def reveals_log(out: PathText) -> tuple[int, str, list[str]]:
    """(entries, hash of the last, what is wrong) of the log of values shown. Raises `StoreError`."""
    from scanner.run import audit
    from scanner.run.reveal import LOG

    return audit.check(Path(out), LOG)


def triage(
    out: PathText, *, department: str | None = None, to: str | None = None, most: int = 20, today: datetime.date | None = None
) -> Overview:
    """What of the store at `out` still asks for somebody: what `strayscan triage` says, with at most `most` items. Raises `StoreError`."""
    from scanner.findings.overview import overview

    return overview(Path(out), department=department, to=to, most=most, today=today)


def report(
    out: PathText,
    html: PathText,
    *,
    lang: str = "en",
    department: str | None = None,
    all_departments: bool = False,
    today: datetime.date | None = None,
) -> Written:
    """Write the findings at `out` as one self-contained page `html`: what `strayscan report` does.

    `department`: only what this one answers for. `all_departments`: `html` is a folder that gets a page for each and an index. `today`: the
    day from which ages and the coming Friday are counted. Raises `StoreError`, `ReportError`.
    """
    from scanner.render.messages import Messages
    from scanner.render.report.writing import write_page, write_pages

    day, say = today or datetime.date.today(), Messages(lang)
    if all_departments:
        return write_pages(Path(out), Path(html), say, day)
    return write_page(Path(out), Path(html), say, day, department)


def compact(out: PathText, *, older_than_days: float = 1.0) -> Compacted:
    """Merge the small files of runs that began more than so many days ago; readers of the store at `out` see the same at every moment.

    Raises `StoreError`.
    """
    from scanner.findings import current
    from scanner.findings.compact import compact as merged

    done = merged(Path(out).resolve(), datetime.timedelta(days=older_than_days))
    current.write(Path(out))
    return done


def verify(out: PathText) -> StoreCheck:
    """Is everything in the store at `out` what was written? Reads all of it: what `strayscan verify` does. Raises `StoreError`."""
    from scanner.run.verify import verify as verified

    return verified(Path(out).resolve())


def rotate_key(out: PathText, *, new_key_file: PathText, key_file: PathText | None = None) -> Rotated:
    """Put the store at `out` under the key in `new_key_file`, which is made if it is not there: what `strayscan key rotate` does.

    Raises `StoreError`, `KeyFileError`.
    """
    from scanner.run.rotate import rotate

    return rotate(Path(out).resolve(), _path(key_file), Path(new_key_file))


def purge(out: PathText, policy: PathText, *, apply: bool = False) -> Purged:
    """Remove from the store at `out` what the policy's `keep` lets go: rows of old runs that nothing needs, what is known of things long
    gone, closed cases, earlier registers, old log entries. What holds now reads the same afterwards.

    Without `apply` nothing is changed. Raises `PolicyError`, `StoreError`.
    """
    from scanner.findings import current
    from scanner.obligations.own_records import purge_records
    from scanner.policy import load

    done = purge_records(Path(out).resolve(), load(Path(policy)), apply=apply)
    if done.applied and not done.is_empty:
        current.write(Path(out).resolve())
    return done


def watch(
    outbox: PathText,
    policy: PathText,
    *,
    release: PathText | None = None,
    hold: PathText | None = None,
    out: PathText | None = None,
    tellers: Sequence[Callable[[Any], None]] = (),
    webhook: str | None = None,
    health: Any = None,
    scan: Mapping[str, Any] | None = None,
    **settings: Any,
) -> Gate:
    """A gate between a transfer folder and a release folder: what `strayscan watch` runs. Without `release` and `hold` it only alerts.

    `settings` are the fields of `scanner.outbound.gate.GateSettings` (`poll`, `settle`, `once`, ...), `scan` those of
    `scanner.config.Settings`. Each of `tellers` is called with every `scanner.outbound.tell.Event`. Call `run()`, which returns the exit
    status when the gate ends (`stop()` from a signal handler or another thread), then `close()`. Raises `GateError`, `PolicyError`,
    `RuleError`, `StoreError`, `KeyFileError`, ValueError for a webhook that is no address.
    """
    from scanner.outbound.gate import Gate, GateSettings

    folders = {"release": _path(release), "hold": _path(hold), "out": _path(out)}
    given = GateSettings(Path(outbox), Path(policy), **folders, scan=Settings(**(scan or {})), **settings)  # type: ignore[arg-type]
    return Gate(given, list(tellers), webhook=webhook, health=health)


def _path(given: PathText | None) -> Path | None:
    return None if given is None else Path(given)


def open_desk(hold: PathText, *, policy: PathText | None = None) -> Desk:
    """What an approver does with the files held in a hold folder: see `scanner.outbound.desk.Desk`. Raises `DeskError`, `PolicyError`."""
    from scanner.outbound.desk import Desk

    return Desk(Path(hold), policy=None if policy is None else Path(policy))


def find_spans(texts: Iterable[str], language: str | None = None) -> list[list[tuple[int, int, str]]]:
    """(start, end, entity type) of the personal data in each text, in order of start; offsets in characters.

    `language` ("ja", "en") is taken as a hint and changes nothing today: every text is read as if it could hold both.
    """
    del language
    engine = _default_engine()
    return [[(found.start, found.end, found.entity_type) for found in engine.find(text)] for text in texts]


@lru_cache(maxsize=1)
def _default_engine() -> Engine:
    from detectors.engine import load
    from scanner.model import DetectSettings

    return load(DetectSettings())
