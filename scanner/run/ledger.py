"""What a run knows of the runs before it, and what it leaves for the next: the state file as the run sees it."""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import scanner
from scanner.config import Settings
from scanner.findings import runs
from scanner.findings.errors import NotWhole
from scanner.findings.runs import Part
from scanner.findings.store import STAGING, RunWriter, Store
from scanner.model import Entry, Limits, ObjectFacts, stable_id
from scanner.policy import Policy
from scanner.run import rebuild
from scanner.run.contents import NAMED_AFTER, OFFERED, Content, shape_of, suffix_of
from scanner.run.digests import Digests
from scanner.run.journal import Where, left_in_hand
from scanner.run.remembered import AT, Judged, facts_in, record
from scanner.run.resume import TakenUp, parts_of, short, take_up
from scanner.run.state import Decides, State, whole_runs
from scanner.run.unchanged import Digests as KnownDigests
from scanner.run.unchanged import Repeated, Same, Sorted, Sorter, repeat


def deciding(digests: Digests, policy: Policy, limits: Limits, keep_texts: bool = False) -> Decides:
    """Hashes of what decides how files are read, and of what decides how the facts read from them are judged.

    A policy that changes its stores, departments, excuses or thresholds is only of the second kind.
    """
    known = [hashlib.sha256(Path(name).read_bytes()).hexdigest() for name in policy.known.people_files]
    reads = json.dumps([sorted(known), sorted(policy.known.phones), sorted(policy.known.emails), asdict(limits), keep_texts])
    reading = stable_id(scanner.__version__, digests.detectors, digests.common, reads)
    return Decides(reading, stable_id(scanner.__version__, policy.digest, _judges()), digests.by_type)


def _judges() -> str:
    hasher = hashlib.blake2b(digest_size=16)
    home = Path(scanner.__file__).parent
    for file in (home / "judge.py", *sorted((home / "policy").glob("*.py"))):
        hasher.update(file.name.encode() + b"\0" + file.read_bytes())
    return hasher.hexdigest()


@dataclass(frozen=True, slots=True)
class Plan:
    """What two runs must have in common for one to go on where the other died."""

    roots: tuple[str, ...]
    decides: Decides
    engine: str  # of all that decides, every reader included
    key_id: str
    policy: str | None
    full: bool

    def continues(self, told: Mapping[str, Any]) -> bool:
        """Can this run go on with one of that checkpoint? One that was to read everything may be ended by one that need not."""
        plain = asdict(self)
        same = all(told.get(name) == plain[name] for name in ("decides", "engine", "key_id", "policy"))
        return same and told.get("roots") == list(self.roots) and bool(told.get("full") or not self.full)


class Ledger:
    """The state of the store, for one run: `open`, then `begin`. To be closed."""

    def __init__(self, state: State, plan: Plan, policy: Policy, settings: Settings) -> None:
        self.state = state
        self._plan = plan
        self._policy = policy
        self._settings = settings
        self._run_id = ""
        self._sorter: Sorter | None = None
        self._done: frozenset[int] = frozenset()
        self.started = datetime.datetime.now(datetime.UTC)
        self.taken_up: TakenUp | None = None
        """What is in the run already, if it goes on with one that died."""
        self.in_hand: Mapping[Where, int] = {}
        """What that one had in hand, and how often."""
        self.notes: list[str] = [] if state.problem is None else [state.problem]
        self.silently_changed = 0
        """Files whose content had changed behind times that had not."""

    @classmethod
    def open(cls, out: Path, plan: Plan, policy: Policy, settings: Settings) -> Ledger:
        """Raises `StoreError`."""
        state = State.open(out)
        try:
            if state.fresh and runs.committed(out):
                rebuild.fill(state, out, policy)
            state.trust(whole_runs(out, plan.key_id))
            return cls(state, plan, policy, settings)
        except BaseException:
            state.close()
            raise

    def begin(self, store: Store) -> RunWriter:
        """The writer of this run: of a dead one that it goes on with, or a new one. Raises `RootBusy`, `StoreError`."""
        happened = set(runs.committed(store.out))
        for run_id, told in self.state.pending():
            if run_id in happened:
                self.state.drop_pending(run_id)
            elif self._plan.continues(told):
                with suppress(NotWhole, ValueError):
                    return self._go_on(store, run_id, told)
                self.state.drop_pending(run_id)
        writer = store.begin(store.new_run_id(), self._plan.roots)
        for run_id, _ in self.state.pending():  # what nobody will take up was removed just now
            if not (store.out / STAGING / run_id).exists():
                self.state.drop_pending(run_id)
        self._ready(writer)
        self.save([])
        return writer

    def _go_on(self, store: Store, run_id: str, told: Mapping[str, Any]) -> RunWriter:
        """Raises NotWhole and ValueError if it cannot be."""
        parts = parts_of(told)
        self.started = datetime.datetime.fromisoformat(told["started"])
        writer = store.begin(run_id, self._plan.roots, adopt=parts)
        try:
            self.in_hand = left_in_hand(writer.folder)
            self._ready(writer)
            self.taken_up = take_up(writer, self.state, parts, lambda: self.save(writer.checkpoint()))
        except BaseException:
            writer.suspend()
            raise
        self._done = self.taken_up.done
        return writer

    def _ready(self, writer: RunWriter) -> None:
        self._run_id = writer.run_id
        known = KnownDigests.of(self.state, self._plan.decides)
        settings = self._settings
        own = self.state.run_number(writer.run_id)
        self._sorter = Sorter(self.state, known, full=settings.full, share=settings.recheck, seed=writer.run_id, own=own)

    def done(self, entry: Entry) -> bool:
        """Is everything in the file in the run already, from before it died?"""
        return bool(self._done) and short(entry.location.object_id) in self._done

    def knows(self, roots: Sequence[str]) -> bool:
        """Was anything below these roots read before?"""
        return self.state.holds(roots)

    def sort(self, entries: Sequence[Entry], now: datetime.datetime) -> Sorted:
        assert self._sorter is not None, "begin() comes first"
        return self._sorter.sort(entries, now.timestamp())

    def repeat(self, same: Sequence[Same], now: datetime.datetime) -> Repeated:
        return repeat(same, self._run_id, self._plan.engine, now)

    def alike(self, entry: Entry) -> list[Content]:
        """Contents of the file's size that hold nothing, from this run or one before. Of what holds something the values would have to
        be taken from the tables of its run, so that the first file of such a content is read in each run."""
        shape = shape_of(entry)
        if shape is None or self._sorter is None:
            return []
        found = []
        for path, known in self.state.alike(shape[0], OFFERED):
            if self._sorter.may_repeat(known) and known.kept is not None and known.hash is not None:
                media_type = json.loads(known.kept)[-1][AT["media_type"]]
                name = path.rsplit("/", 1)[-1]
                if shape[1] == suffix_of(name):
                    found.append(Content(known.hash, name, media_type not in NAMED_AFTER, [], known.id))
        return found

    def facts(self, known: int) -> list[ObjectFacts] | None:
        """The facts of a file that was read before, by its id; None if they are not known after all."""
        text = self.state.facts(known)
        try:
            return None if text is None else facts_in(text)
        except ValueError:
            return None

    def remember(
        self, entry: Entry, judged: Sequence[Judged], stores: Sequence[str], now: datetime.datetime, read_run: int | None = None
    ) -> None:
        """`judged`: the file's objects, its own last; `read_run`: the state's id of the run that read it, None for this one."""
        found = record(entry, judged, self._policy, stores, now, read_run)
        if found is not None:
            self.state.remember(found)

    def told(self) -> dict[str, Any]:
        """What the run's manifest has to say for the state to be made again from it."""
        decides = self._plan.decides
        return {"reading": decides.reading, "judging": decides.judging, "by_type": dict(decides.readers)}

    def save(self, parts: Sequence[Part]) -> None:
        """A checkpoint: make everything remembered so far outlast a crash, with the names of the run's finished parts."""
        told = {**asdict(self._plan), "started": self.started.isoformat(), "parts": [asdict(part) for part in parts]}
        self.state.save(self._run_id, self._plan.decides, told)

    def finish(self, complete_over: Sequence[str]) -> None:
        """The run has been published; what was not met below `complete_over` is gone."""
        self.state.drop_pending(self._run_id)
        self.state.forget_unmet(complete_over)

    def all_notes(self) -> tuple[str, ...]:
        """What a person should know of it, as sentences."""
        notes = list(self.notes)
        if self.state.damaged:
            notes.append(f"{self.state.damaged} entries of the state file were damaged; those files were read again")
        if self.silently_changed:
            notes.append(f"{self.silently_changed} files had other content behind unchanged times; see --recheck")
        return tuple(notes)

    def close(self) -> None:
        self.state.close()
