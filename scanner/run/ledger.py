"""What a run knows of the runs before it, and what it leaves for the next: the state file as the run sees it."""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import scanner
from scanner.config import Settings
from scanner.findings import runs
from scanner.model import Entry, Limits, ObjectFacts, stable_id
from scanner.policy import Policy
from scanner.run import rebuild
from scanner.run.digests import Digests
from scanner.run.remembered import Judged, facts_in, record
from scanner.run.state import Known, State, whole_runs
from scanner.run.unchanged import Digests as KnownDigests
from scanner.run.unchanged import Repeated, Same, Sorted, Sorter, repeat


def deciding(digests: Digests, policy: Policy, limits: Limits) -> tuple[str, str]:
    """Hashes of what decides how a file is read, and of what decides how the facts read from it are judged.

    A policy that changes its stores, departments, excuses or thresholds is only of the second kind.
    """
    known = [hashlib.sha256(Path(name).read_bytes()).hexdigest() for name in policy.known.people_files]
    reads = json.dumps([sorted(known), sorted(policy.known.phones), sorted(policy.known.emails), asdict(limits)])
    reading = stable_id(scanner.__version__, digests.detectors, digests.readers, reads)
    return reading, stable_id(scanner.__version__, policy.digest, _judges())


def _judges() -> str:
    hasher = hashlib.blake2b(digest_size=16)
    home = Path(scanner.__file__).parent
    for file in (home / "judge.py", *sorted((home / "policy").glob("*.py"))):
        hasher.update(file.name.encode() + b"\0" + file.read_bytes())
    return hasher.hexdigest()


class Ledger:
    """The state of the store, for one run. To be closed."""

    def __init__(self, state: State, run_id: str, digests: tuple[str, str], engine_digest: str, policy: Policy, settings: Settings) -> None:
        self._state = state
        self._run_id = run_id
        self._digests = digests
        self._engine_digest = engine_digest
        self._policy = policy
        known = KnownDigests.of(state, *digests)
        self._sorter = Sorter(state, known, full=settings.full, share=settings.recheck, seed=run_id)
        self.notes: list[str] = [] if state.problem is None else [state.problem]
        self.silently_changed = 0
        """Files whose content had changed behind times that had not."""

    @classmethod
    def open(cls, out: Path, run_id: str, digests: tuple[str, str], engine_digest: str, policy: Policy, settings: Settings) -> Ledger:
        """Raises `StoreError`."""
        state = State.open(out)
        try:
            if state.fresh and runs.committed(out):
                rebuild.fill(state, out, policy)
            state.trust(whole_runs(out))
            return cls(state, run_id, digests, engine_digest, policy, settings)
        except BaseException:
            state.close()
            raise

    def knows(self, roots: Sequence[str]) -> bool:
        """Was anything below these roots read before?"""
        return self._state.holds(roots)

    def sort(self, entries: Sequence[Entry], now: datetime.datetime) -> Sorted:
        return self._sorter.sort(entries, now.timestamp())

    def repeat(self, same: Sequence[Same], now: datetime.datetime) -> Repeated:
        return repeat(same, self._run_id, self._engine_digest, now)

    def facts(self, known: Known) -> list[ObjectFacts] | None:
        """The facts of a file that was read before; None if they are not known after all."""
        text = self._state.facts(known.id)
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
            self._state.remember(found)

    def told(self) -> dict[str, str]:
        """What the run's manifest has to say for the state to be made again from it."""
        return {"reading": self._digests[0], "judging": self._digests[1]}

    @property
    def waiting(self) -> int:
        return self._state.waiting

    def save(self, told: Mapping[str, Any] | None) -> None:
        """Make everything remembered so far outlast a crash, with the run's checkpoint (None: the run has none any more)."""
        self._state.save(self._run_id, self._digests, told)

    def finish(self, complete_over: Sequence[str]) -> None:
        """The run has been published; what was not met below `complete_over` is gone."""
        self._state.drop_pending(self._run_id)
        self._state.forget_unmet(complete_over)

    def all_notes(self) -> tuple[str, ...]:
        """What a person should know of it, as sentences."""
        notes = list(self.notes)
        if self._state.damaged:
            notes.append(f"{self._state.damaged} entries of the state file were damaged; those files were read again")
        if self.silently_changed:
            notes.append(f"{self.silently_changed} files had other content behind unchanged times; see --recheck")
        return tuple(notes)

    def close(self) -> None:
        self._state.close()
