"""A run: crawl, scan in isolated workers, judge, write, publish. The only place that knows all of them."""

from __future__ import annotations

import datetime
import getpass
import os
import socket
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, nullcontext, suppress
from dataclasses import dataclass, field, fields, replace
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scanner import __version__
from scanner.config import Excerpts, KnownContacts, PipelineConfig, Settings
from scanner.findings import current
from scanner.findings.errors import StateFailed, StoreError, storing
from scanner.findings.privacy import exposed_in
from scanner.findings.store import RunWriter, open_store
from scanner.judge import STRAY, UNREAD, FileJudge
from scanner.model import Entry, Finished, Limits, ObjectFacts, Progress, Reason, Status, path_text
from scanner.policy import Policy, load
from scanner.redact import Key, check_key_apart, load_key
from scanner.run.afterwards import check_command, check_url, post, run_command, write_metrics
from scanner.run.ahead import PIECES_AHEAD, ahead, in_pieces
from scanner.run.contents import MOST_OBJECTS as MOST_KEPT
from scanner.run.contents import Content, Contents, forget, kept, values_at, whole
from scanner.run.digests import Digests
from scanner.run.drill import check, remember
from scanner.run.first_seen import FirstSeen
from scanner.run.frames import Task, WorkerConfig
from scanner.run.hard_links import HardLinks
from scanner.run.interrupt import Interrupts
from scanner.run.journal import MOST_DEATHS, Checkpoints, Journal
from scanner.run.ledger import Ledger, Plan, deciding
from scanner.run.link import NurseryLink
from scanner.run.progress import OnProgress, RunProgress
from scanner.run.remembered import MOST_OBJECTS, Judged, findings_told
from scanner.run.runlog import RunLog
from scanner.run.state import Known
from scanner.run.summary import OverdueReview, RunSummary, StoreState, Tally
from scanner.run.supervisor import Outcome, Supervisor, TaskDone, WorkersFailed
from scanner.run.tracing import Traced, Tracing, copy_row
from scanner.run.unchanged import Look, Same, Sorted
from scanner.run.window import Deadline, Window, seconds_allowed
from scanner.sources.filesystem import crawl, resolve_roots

if TYPE_CHECKING:
    import pyarrow as pa

PROGRESS_SECONDS = 0.25


class RunFailed(Exception):
    """The run broke off after it had begun. The message is one sentence for the user; nothing of the run can be seen in the store."""


def run_scan(
    roots: Sequence[Path],
    policy_file: Path | None,
    out: Path,
    settings: Settings,
    *,
    on_progress: OnProgress | None = None,
    traced: Traced | None = None,
    keep: Callable[[Entry], bool] | None = None,
    keep_texts: bool = False,
) -> RunSummary:
    """Scan `roots` into the store at `out`. See `scanner.api.scan` for what it raises before anything is written.

    `traced`: the index to compare with, if any. `keep`: of what the crawl meets, only this is scanned and has a row.
    `keep_texts`: fingerprints of running text go among the values.
    """
    policy = load(policy_file)
    # Into a new store, everything will be read: workers' libraries are imported while rules are still being checked.
    with nullcontext() if out.exists() else closing(Supervisor.warmed()) as warm:
        return _run_scan(roots, policy, policy_file, out, settings, on_progress, traced or Traced(), keep, keep_texts, warm)


def _run_scan(
    roots: Sequence[Path],
    policy: Policy,
    policy_file: Path | None,
    out: Path,
    settings: Settings,
    on_progress: OnProgress | None,
    traced: Traced,
    keep: Callable[[Entry], bool] | None,
    keep_texts: bool,
    warm: NurseryLink | None,
) -> RunSummary:
    log = RunLog(sys.stderr if settings.log_format == "json" else None)
    digests, resolved, key, limits = checked(roots, policy, out, settings)
    decides = deciding(digests, policy, limits, keep_texts)
    store = open_store(out, key.key_id)
    names = tuple(path_text(os.fsencode(root)) for root in resolved)
    plan = Plan(names, decides, digests.engine, key.key_id, None if policy_file is None else str(policy_file.absolute()), settings.full)
    try:
        with closing(Ledger.open(store.out, plan, policy, settings)) as ledger, ledger.begin(store) as writer:
            begun = _begun(writer.run_id, ledger.started, store.out, names, policy, policy_file)
            log("run_started", run_id=begun.run_id, roots=list(names), taken_up=ledger.taken_up is not None)
            tracing = Tracing(traced, policy, writer.folder)
            tracing.begin(store.out, names)
            run = _Run(writer, ledger, policy, digests, resolved, begun, on_progress, log, tracing, keep)
            config = _worker_config(writer.run_id, policy, limits, settings, key, writer.staging, tracing.excerpts, keep_texts)
            summary = _carried_out(run, writer, config, settings, store.out, warm)
    except (StateFailed, _Broken) as error:
        log("run_failed", "error", kind=type(error.__cause__ or error).__name__)
        raise RunFailed(str(error)) from None
    summary = _with_drill(summary, policy, store.out)
    _log_end(summary, log)
    return _tell_others(summary, settings, log)


def checked(roots: Sequence[Path], policy: Policy, out: Path, settings: Settings) -> tuple[Digests, list[Path], Key, Limits]:
    """What a run needs, once it is sure that it can begin: digests, roots, key, limits. Raises what `scanner.api.scan` tells."""
    _check(settings)
    digests = Digests.of(policy)  # loads the rules, so that a broken one is told now
    resolved = resolve_roots(roots)
    key = load_key(settings.key_file)
    if key.path is not None:
        check_key_apart(key.path, out)
    return digests, resolved, key, with_overrides(policy.limits, settings.limits)


def _with_drill(summary: RunSummary, policy: Policy, out: Path) -> RunSummary:
    """What was planted and lies under a root of this run is looked up, once the run stands in the store."""
    drill = policy.drill
    if drill is None or summary.outcome == "interrupted":
        return summary
    if not any(f"{drill.text}/".startswith(root.rstrip("/") + "/") for root in summary.roots_reached):
        return summary
    try:
        result = check(out, drill)
        remember(out, summary.run_id, result)
        return replace(summary, drill=result)
    except StoreError as fault:
        return replace(summary, notes=(*summary.notes, f"drill: {fault}"))


class _Broken(Exception):
    """A run that had begun cannot go on."""


def _carried_out(run: _Run, writer: RunWriter, config: WorkerConfig, settings: Settings, out: Path, warm: NurseryLink | None) -> RunSummary:
    """Whatever ends the run before its time, what is on disk of it is left for the next to go on with."""
    try:
        return run.carry_out(config, settings, out, warm)
    except (StoreError, WorkersFailed) as error:
        writer.suspend()
        raise _Broken(str(error)) from error
    except BaseException:
        writer.suspend()
        raise


def _log_end(summary: RunSummary, log: RunLog) -> None:
    log(
        "run_ended",
        run_id=summary.run_id,
        outcome=summary.outcome,
        exit_status=summary.exit_status,
        seconds=summary.seconds,
        objects=summary.by_status,
        verdicts=summary.by_verdict,
        drill_planted=None if summary.drill is None else summary.drill.planted,
        drill_found=None if summary.drill is None else summary.drill.found,
        findings=summary.findings,
        bytes_read=summary.bytes_read,
    )


def _begun(
    run_id: str, started: datetime.datetime, out: Path, roots: Sequence[str], policy: Policy, policy_file: Path | None
) -> RunSummary:
    now = datetime.datetime.now(datetime.UTC)
    return RunSummary(
        run_id=run_id,
        out=str(out),
        roots_asked=tuple(roots),
        started=started,
        roots_reached=tuple(roots),
        overdue=tuple(OverdueReview(s.name, s.review_by) for s in policy.overdue_reviews(now.date()) if s.review_by),
        policy=None if policy_file is None else str(policy_file),
        notes=(*_notes(policy, now.date()), *map(str, exposed_in(out))),
    )


def _notes(policy: Policy, today: datetime.date) -> tuple[str, ...]:
    expired = policy.expired_excuses(today)
    return tuple(f"the excuse for {', '.join(sorted(excuse.reasons))} has expired on {excuse.until}: {excuse.why}" for excuse in expired)


def _worker_config(
    run_id: str,
    policy: Policy,
    limits: Limits,
    settings: Settings,
    key: Key,
    staging: Path,
    excerpts: Excerpts | None,
    keep_texts: bool,
) -> WorkerConfig:
    known = KnownContacts(tuple(map(str, policy.known.people_files)), policy.known.phones, policy.known.emails)
    pipeline = PipelineConfig(run_id, limits, policy.detect, known, staging, key.secret, keep_texts, excerpts)
    rate = None if settings.max_mb_per_second is None else settings.max_mb_per_second * 1_000_000 / settings.jobs
    return WorkerConfig(pipeline, nice=settings.nice, bytes_per_second=rate)


def _end_of(settings: Settings) -> float | None:
    """Seconds that the run may take. Raises ValueError for a setting that makes no sense."""
    window = None if settings.window is None else Window.parse(settings.window)
    return seconds_allowed(window, settings.max_seconds, _now())


def _check(settings: Settings) -> None:
    """Raises ValueError for a setting that would only be found wrong when the run is over."""
    _end_of(settings)
    if settings.log_format not in ("text", "json"):
        raise ValueError("log_format is text or json")
    if settings.notify_command is not None:
        check_command(settings.notify_command)
    if settings.webhook is not None:
        check_url(settings.webhook)


def _tell_others(summary: RunSummary, settings: Settings, log: RunLog) -> RunSummary:
    """Metrics, command and webhook; what fails is said in the notes and changes nothing else."""
    plain = summary.to_json()
    calls: list[tuple[str, Callable[[], None]]] = []
    if settings.metrics is not None:
        calls.append(("metrics", partial(write_metrics, settings.metrics, summary)))
    if settings.notify_command is not None:
        calls.append(("notify_command", partial(run_command, settings.notify_command, plain)))
    if settings.webhook is not None:
        calls.append(("webhook", partial(post, settings.webhook, plain)))
    notes = []
    for name, call in calls:
        try:
            call()
        except RuntimeError as fault:
            log("told_nobody", "warning", to=name, why=str(fault))
            notes.append(f"{name.replace('_', ' ')}: {fault}")
    return replace(summary, notes=(*summary.notes, *notes))


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def with_overrides(limits: Limits, overrides: Mapping[str, float]) -> Limits:
    """The limits with some changed by name. Raises ValueError for a name that is none."""
    kinds = {item.name: type(getattr(limits, item.name)) for item in fields(Limits)}
    unknown = sorted(set(overrides) - set(kinds))
    if unknown:
        raise ValueError(f"no limit is named {unknown[0]}; there are {', '.join(sorted(kinds))}")
    return replace(limits, **{name: kinds[name](value) for name, value in overrides.items()})


def _where(entry: Entry) -> tuple[str, str]:
    return entry.location.root, entry.location.path


@dataclass
class _File:
    """A file on its way: who judges it, what is known of it from before, and what has finished of it."""

    entry: Entry
    judge: FileJudge
    taken_up: datetime.datetime
    look: Look = Look.READ
    known: Known | None = None
    facts: list[ObjectFacts] = field(default_factory=list)  # known from before, for when its content turns out to be as it was
    judged: list[Judged] = field(default_factory=list)  # its objects, the last few where they are very many
    many: bool = False
    offered: Mapping[str, Content] = field(default_factory=dict)  # what it may turn out to hold
    events: list[Finished] | None = field(default_factory=list)  # what was read, for other files of its content; None: too much


class _Run:
    """One run's state in the parent process."""

    def __init__(
        self,
        writer: RunWriter,
        ledger: Ledger,
        policy: Policy,
        digests: Digests,
        roots: list[Path],
        begun: RunSummary,
        on_progress: OnProgress | None,
        log: RunLog,
        tracing: Tracing,
        keep: Callable[[Entry], bool] | None = None,
    ) -> None:
        self._log = log
        self._tracing = tracing
        self._keep = keep
        self._writer = writer
        self._ledger = ledger
        self._policy = policy
        self._digests = digests
        self._roots = roots
        self._begun = begun
        self._on_progress = on_progress
        self._tally = Tally()
        self._first_seen = FirstSeen.of(Path(begun.out), begun.run_id)
        self._links = HardLinks()
        self._contents = Contents()
        self._taken_over = 0
        self._facts_suffice = True
        self._stores_met: set[str] = set()
        self._met = self._written = 0
        self._folders_unread = 0
        self._progress = RunProgress()
        self._told_at = 0.0
        self._in_hand: dict[int, int] = {}
        self._stopped: Callable[[], str | None] = lambda: None

    def carry_out(self, config: WorkerConfig, settings: Settings, out: Path, warm: NurseryLink | None) -> RunSummary:
        self._take_up()
        # Running text that is compared, or kept among the values, may be in a file in which nothing personal is found.
        self._facts_suffice = config.pipeline.excerpts is None and not config.pipeline.keep_texts
        self._checkpoints = Checkpoints(settings.checkpoint_seconds, settings.checkpoint_objects)
        eager = not self._ledger.knows(self._begun.roots_asked)
        with (
            closing(Journal(self._writer.folder, self._ledger.in_hand)) as self._journal,
            Supervisor(config, settings.jobs, eager=eager, warm=warm) as supervisor,
            Interrupts(supervisor.stop) as interrupts,
            Deadline(_end_of(settings), supervisor.stop) as deadline,
        ):
            self._stopped = lambda: interrupts.word or ("stopped" if deadline.passed else None)
            pieces = ahead(in_pieces(crawl(self._roots, self._excluded(out))), PIECES_AHEAD)
            for task, event in supervisor.run(self._tasks(pieces), on_begin=lambda task: self._journal.begin(task.location)):
                self._take(task.cookie, event)
            pieces.close()
            stopped = self._stopped()
        return self._publish(stopped)

    def _take_up(self) -> None:
        """Count what is in the run already, if it goes on with one that died."""
        if self._ledger.taken_up is None:
            return
        for row, findings in self._ledger.taken_up.rows():
            self._met += 1
            self._written += 1
            self._tally.add(row, findings)
            self._count_verdict(row["verdict"])
            if row["member"] is None:
                self._stores_met.update(self._policy.place(f"{row['root'].rstrip('/')}/{row['path']}").stores)
        self._tracing.take_up(self._writer.adopted("copies"))
        self._ledger.notes.append(f"the run had died and was taken up again, with {self._written} objects done")

    def _checkpoint(self) -> None:
        if self._checkpoints.due(self._written):
            self._ledger.save(self._writer.checkpoint())
            self._journal.renew()
            self._checkpoints.made(self._written)
            self._log("checkpoint", objects=self._written)

    def _excluded(self, out: Path) -> Callable[[str, bool], bool]:
        """The policy's excludes, and the store itself where it lies inside a root."""
        index = self._tracing.folder
        own = {path_text(os.fsencode(folder)) for folder in (out, index) if folder is not None}

        def excluded(path: str, is_dir: bool) -> bool:
            return path.rstrip("/") in own or self._policy.excluded(path, is_dir)

        return excluded

    # ------------------------------------------------------------------ what the crawl meets

    def _tasks(self, pieces: Iterable[list[Entry]]) -> Iterator[Task]:
        for entry, look, known in self._contents.in_turn(self._sorted(pieces), itemgetter(0)):
            if self._stopped() is not None:
                return
            for task in self._work(entry, look, known):
                self._contents.begin(entry)
                yield task

    def _sorted(self, pieces: Iterable[list[Entry]]) -> Iterator[tuple[Entry, Look, Known | None]]:
        """What is to be done with which file; what needs nothing done gets its rows on the way."""
        for piece in pieces:
            if self._stopped() is not None:
                return
            files = []
            for entry in piece if self._keep is None else filter(self._keep, piece):
                if entry.status is None:
                    files.append(entry)
                else:
                    self._write_entry(entry)
            self._count_met(files)
            files = self._not_done(files)
            found = self._without_stale(self._ledger.sort(files, _now()))
            self._repeat_same(found.same)
            self._checkpoint()
            yield from found.work
        self._progress = replace(self._progress, crawling=False)

    def _without_stale(self, found: Sorted) -> Sorted:
        """Files whose copies are no longer what they were are read again, unchanged or not."""
        stale = self._tracing.stale
        if not stale:
            return found
        again = [same for same in found.same if _where(same.entry) in stale]
        work = [(e, Look.READ, None) if _where(e) in stale else (e, look, known) for e, look, known in found.work]
        work += [(same.entry, Look.READ, None) for same in again]
        return Sorted([same for same in found.same if _where(same.entry) not in stale], work)

    def _not_done(self, files: list[Entry]) -> list[Entry]:
        left = [entry for entry in files if not self._ledger.done(entry)]
        if len(left) < len(files):
            now = self._progress
            size = sum(entry.size or 0 for entry in files) - sum(entry.size or 0 for entry in left)
            self._progress = replace(now, done_files=now.done_files + len(files) - len(left), done_bytes=now.done_bytes + size)
        return left

    def _work(self, entry: Entry, look: Look, known: Known | None) -> Iterator[Task]:
        self._met += 1
        file = _File(entry, self._judge(entry), _now(), look, known)
        if known is not None and look in (Look.HASH, Look.JUDGE):
            facts = self._ledger.facts(known.id)
            if facts is None:
                file.look = Look.READ
            file.facts = facts or []
        attempts = self._journal.attempts(entry.location)
        if attempts >= MOST_DEATHS:
            self._finished(file, Finished(ObjectFacts.nothing_read((), Reason.PARSER_CRASH, entry.size, 0)), None)
            self._journal.end(entry.location)
            self._done(file)
        elif file.look is Look.JUDGE:
            self._judge_again(file)
            self._done(file)
        elif file.look is not Look.READ and known is not None:
            yield self._task(file, known.hash, attempts)
        elif not self._links.take(entry, file):
            yield self._task(file, None, attempts)
        elif (shared := self._links.outcome(entry)) is not None:
            self._repeat(file, shared)

    def _task(self, file: _File, known_hash: str | None, attempts: int) -> Task:
        entry = file.entry
        file.offered = self._contents.offer(entry, self._ledger.alike if self._facts_suffice else None)
        alike = {one.hash: one.name != entry.location.name for one in file.offered.values()}
        return Task.of(entry, file, known_hash=known_hash, careful=attempts > 0, alike=alike)

    def _judge(self, entry: Entry) -> FileJudge:
        judge = FileJudge(self._policy, entry, self._begun.run_id, self._digests.engine, _now(), first_seen=self._first_seen)
        self._stores_met.update(judge.placement.stores)
        return judge

    def _write_entry(self, entry: Entry) -> None:
        self._met += 1
        if entry.is_dir and entry.status is Status.UNREADABLE:
            self._folders_unread += 1
        self._write(self._judge(entry).entry_row(), [])

    def _count_met(self, files: Sequence[Entry]) -> None:
        now = self._progress
        size = sum(entry.size or 0 for entry in files)
        self._progress = replace(now, met_files=now.met_files + len(files), met_bytes=now.met_bytes + size)

    # ------------------------------------------------------------------ what is unchanged

    def _repeat_same(self, same: Sequence[Same]) -> None:
        """Rows of files whose content and verdict are as they were."""
        if not same:
            return
        rows = self._ledger.repeat(same, _now())
        self._writer.objects_batch(rows.batch)
        self._tally.add_plain(rows.plain, Status.UNCHANGED.value)
        for row, told in rows.told:
            self._tally.add(row, findings_told(told))
            self._count_verdict(row["verdict"])
        self._stores_met |= rows.stores
        for one in same:
            self._tracing.repeat(one.entry)
        self._written += rows.batch.num_rows
        self._met += rows.batch.num_rows
        now = self._progress
        size = sum(one.entry.size or 0 for one in same)
        self._progress = replace(now, done_files=now.done_files + len(same), done_bytes=now.done_bytes + size)
        self._tell()

    def _judge_again(self, file: _File) -> None:
        """The facts known of a file, judged as the policy and the calendar are now."""
        self._tracing.repeat(file.entry)
        for facts in file.facts:
            self._met += bool(facts.member)
            object_id = replace(file.entry.location, member=facts.member).object_id
            row, findings = file.judge.object(facts, copy_of_store=bool(self._tracing.former(file.entry, object_id)))
            self._write({**row, "status": Status.UNCHANGED.value, "bytes_read": 0, "duration_ms": 0}, findings)
            file.judged.append((facts, row, findings))

    def _still_the_same(self, file: _File) -> None:
        """Its bytes were compared, and are what they were."""
        if file.look is Look.CHECK and file.known is not None:
            self._met -= 1
            self._repeat_same([Same(file.entry, file.known)])
        else:
            self._judge_again(file)
            self._done(file)

    # ------------------------------------------------------------------ what the workers say

    def _take(self, file: _File, event: Finished | Progress | TaskDone) -> None:
        match event:
            case Finished() if event.facts.status is Status.UNCHANGED:
                if file.look is not Look.READ and file.known is not None and event.facts.content_hash == file.known.hash:
                    self._still_the_same(file)
                else:
                    self._take_over(file, event.facts)
            case Finished():
                self._met += bool(event.facts.member)
                if file.look is Look.READ:
                    self._links.add(file.entry, event)
                self._keep_content(file, event)
                self._finished(file, event, event.values)
            case Progress():
                self._in_hand[id(file)] = event.bytes_read
            case TaskDone():
                self._task_done(file, event)
                self._checkpoint()
        self._tell()

    def _task_done(self, file: _File, event: TaskDone) -> None:
        self._in_hand.pop(id(file), None)
        self._journal.end(file.entry.location)
        self._contents.end(file.entry)
        self._contents.give_back(file.offered.values())
        if file.events and event.outcome is Outcome.DONE:
            self._contents.add(file.entry, file.events)
        if event.outcome is Outcome.STOPPED:
            self._met -= 1
            return
        self._ledger.silently_changed += file.look is Look.CHECK and any(facts.content_hash for facts, _, _ in file.judged[-1:])
        if file.look is Look.READ or file.judged:
            self._done(file)
        if file.look is Look.READ:
            for waiting, shared in self._links.done(file.entry):
                self._repeat(waiting, shared)

    def _finished(self, file: _File, event: Finished, values: pa.RecordBatch | Path | None) -> None:
        with storing(Path(self._begun.out)):
            copies = self._tracing.of(file.judge.placement.store, event.facts, values, stray=file.judge.is_stray(event.facts))
        row, findings = file.judge.object(event.facts, copy_of_store=bool(copies))
        self._write(row, findings)
        if copies:
            self._writer.copies([copy_row(row, fact) for fact in copies])
        for fact in copies:
            self._tracing.tally.add(row["root"], row["path"], row["member"], row["exposure"], fact)
        file.judged.append((event.facts, row, findings))
        if len(file.judged) > MOST_OBJECTS:
            file.judged.clear()
            file.many = True
        if isinstance(values, Path):
            self._writer.values_file(values)
        elif values is not None:
            self._writer.values(values)

    def _repeat(self, file: _File, shared: Sequence[Finished]) -> None:
        """A further name of a file that was read already: the same facts, judged at their own place."""
        for event in shared:
            self._met += bool(event.facts.member)
            self._finished(file, event, values_at(file.entry, event))
        self._done(file)

    def _keep_content(self, file: _File, event: Finished) -> None:
        if file.events is not None and len(file.events) < MOST_KEPT and whole([event.facts]) and file.entry.size:
            file.events.append(kept(event))
        else:
            forget(file.events or ())
            file.events = None

    def _take_over(self, file: _File, hashed: ObjectFacts) -> None:
        """Its bytes are those of another file: the same facts, judged at their own place."""
        content = file.offered[hashed.content_hash or ""]
        self._taken_over += 1
        for event in self._events_of(content, hashed):
            self._met += bool(event.facts.member)
            values = values_at(file.entry, event)
            if file.look is Look.READ:
                self._links.add(file.entry, Finished(event.facts, values))
            self._finished(file, event, values)
        self._contents.used(file.entry, content)
        file.events = None

    def _events_of(self, content: Content, hashed: ObjectFacts) -> Iterator[Finished]:
        facts: Sequence[ObjectFacts] = [event.facts for event in content.events]
        if content.known is not None:
            facts = self._ledger.facts(content.known) or [ObjectFacts.nothing_read((), Reason.IO_ERROR, hashed.size_bytes, 0)]
        for number, one in enumerate(facts):
            spent = 0 if one.member else hashed.duration_ms
            yield Finished(replace(one, duration_ms=spent), None if content.known is not None else content.events[number].values)

    def _done(self, file: _File) -> None:
        """Everything in the file has its row."""
        now = self._progress
        self._progress = replace(now, done_files=now.done_files + 1, done_bytes=now.done_bytes + (file.entry.size or 0))
        read_run = (
            file.known.read_run if file.known is not None and file.facts and file.judged and file.judged[0][0] is file.facts[0] else None
        )
        if not file.many:
            self._ledger.remember(file.entry, file.judged, file.judge.placement.stores, file.taken_up, read_run)
        file.judged.clear()

    def _write(self, row: Mapping[str, Any], findings: Sequence[Mapping[str, Any]]) -> None:
        self._writer.objects([row])
        if findings:
            self._writer.findings(findings)
        self._tally.add(row, findings)
        self._written += 1
        self._count_verdict(row["verdict"])

    def _count_verdict(self, verdict: str | None) -> None:
        if verdict in (STRAY, UNREAD):
            name = "stray" if verdict == STRAY else "unread"
            self._progress = replace(self._progress, **{name: getattr(self._progress, name) + 1})

    def _tell(self) -> None:
        self._log.progress(self._progress)
        if self._on_progress is not None and time.monotonic() - self._told_at >= PROGRESS_SECONDS:
            self._told_at = time.monotonic()
            self._on_progress(replace(self._progress, done_bytes=self._progress.done_bytes + sum(self._in_hand.values())))

    # ------------------------------------------------------------------ the end

    def _publish(self, stopped: str | None) -> RunSummary:
        if self._met != self._written:
            raise RunFailed(f"{self._met} objects were met and {self._written} have a row: a fault of this program, please report it")
        summary = replace(
            self._begun, ended=datetime.datetime.now(datetime.UTC), outcome=self._outcome(stopped), stores=self._stores(stopped)
        )
        copies = self._tracing.tally
        summary = replace(summary, copies=dict(copies.objects.most_common()), worst_copies=copies.worst)
        summary = replace(self._tally.summary(summary), notes=(*summary.notes, *self._ledger.all_notes(), *self._tracing.notes))
        self._writer.gather()
        self._ledger.save(self._writer.checkpoint())
        self._writer.sweep()
        self._writer.commit(self._manifest(summary))
        self._ledger.finish(summary.roots_reached if summary.outcome == "complete" else ())
        current.write(Path(self._begun.out))
        return summary

    def _outcome(self, stopped: str | None) -> str:
        if stopped is not None:
            return stopped
        return "incomplete" if self._folders_unread or self._begun.roots_not_reached else "complete"

    def _stores(self, stopped: str | None) -> tuple[StoreState, ...]:
        """What the index says of each store; one that it cannot speak of may turn out to be missing."""
        known = {state.name: state for state in self._tracing.states}
        missing: set[str] = set()
        if stopped is None:  # else what was not reached yet is not missing
            missing = {store.name for store in self._policy.stores_matching_nothing(self._stores_met, self._begun.roots_reached)}
        states = []
        for store in self._policy.stores:
            state = known.get(store.name) or StoreState(
                store.name, why="copies are not traced in this run", reason="policy", owner=store.owner
            )
            if store.name in missing and state.reason in (None, "policy"):
                state = replace(state, traced=False, why="its paths match nothing", reason="missing")
            states.append(state)
        return tuple(states)

    def _manifest(self, summary: RunSummary) -> dict[str, Any]:
        account = ""
        with suppress(KeyError, OSError):
            account = getpass.getuser()
        return {
            "program": f"strayscan {__version__}",
            "digests": {**self._digests.told(), **self._ledger.told()},
            "packs": dict(self._digests.packs),
            "policy": summary.policy,
            "host": socket.gethostname(),
            "account": account,
            "roots": {
                "asked": list(summary.roots_asked),
                "reached": list(summary.roots_reached),
                "not_reached": list(summary.roots_not_reached),
            },
            "start": summary.started.isoformat(),
            "end": None if summary.ended is None else summary.ended.isoformat(),
            "outcome": "stopped" if summary.outcome == "interrupted" else summary.outcome,
            "interrupted": summary.outcome == "interrupted",
            "objects_met": self._met,
            "files_taken_over": self._taken_over,
            "counts": self._tally.counts,
            "persons": summary.persons,
            "bytes_read": summary.bytes_read,
            "stores": [
                {"name": s.name, "owner": s.owner, "traced": s.traced, "why": s.why, "reason": s.reason, "records": s.records}
                for s in summary.stores
            ],
            "overdue": [{"store": late.store, "review_by": late.review_by.isoformat()} for late in summary.overdue],
            "departments": [{"name": d.name, "manager": d.manager, "contact": d.contact} for d in self._policy.departments],
            "copies_index": self._tracing.digest,
            "copies_texts": self._tracing.texts_digest,
            "copies": dict(summary.copies),
        }
