"""Runs the gate and the approver's desk, ends them by SIGKILL at every step that changes something, and says what is left.

    python -m tests.crash.gate_child FOLDER OTHER [FLOW...] [--all]

OTHER lies on another file system, for the flows "across" two. Without --all some flows die at every third or sixth step alone.

One JSON object a line for each life: the flow, the step at which it was ended, and what is wrong after the death and after the next start
(nothing, it is hoped). The scanner is replaced by one that finds a person wherever the word SECRET stands, since it is the moves that are
tested here. Every life is a fork of this process, which itself starts no thread: a fork of a process with threads may hang.
"""

from __future__ import annotations

import errno
import gc
import importlib
import json
import os
import shutil
import signal
import sqlite3
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as parquet
from blake3 import blake3

from scanner.config import Settings
from scanner.model import Finished, FoundFact, ObjectFacts, Status
from scanner.outbound import gate as gate_module
from scanner.outbound.desk import Desk, DeskError, Person
from scanner.outbound.disk import Disk
from scanner.outbound.gate import Gate, GateError, GateSettings
from scanner.outbound.records import provisions_csv
from scanner.policy import Policy, load
from scanner.run.digests import Digests
from scanner.run.job import Outcome, TaskDone

POLICY = "version: 1\noutbound: {settle_seconds: 0, ask: extension 1234, rejected: %s}\n"
FILES = {"sub/clean.txt": b"nothing in particular\n" * 50, "leak.txt": b"SECRET\n" * 50}
LATER = b"and more of it\n"
APPROVER = Person(4_321, "approver")
REFUSED = 3  # the status of a life that said that it could not do what it was to do
TOGETHER = 2  # lives at a time
MARK = "changed-once"


@dataclass(frozen=True)
class Flow:
    """What is done, and where the files are in the end. `order`: what the approver says once the gate has held the leak."""

    name: str
    order: str | None = None
    rejected: str = "return"
    changed: bool = False  # the sender writes to every file between its scan and its move
    release_elsewhere: bool = False  # on another file system than the hold folder
    outbox_elsewhere: bool = False
    deaths: int = 1
    refused: bool = False  # nobody dies; the disk refuses the step, or all from it on
    every: int = 1  # of so many steps one is a death, unless all are wanted

    @property
    def note(self) -> list[str]:
        ends = {
            None: ["leak.txt.held.txt"],
            "release": [],
            "reject": [f"leak.txt.{'removed' if self.rejected == 'destroy' else 'returned'}.txt"],
        }
        return ends[self.order]

    @property
    def leak(self) -> str | None:
        """The folder in which the leak is in the end."""
        return {None: "hold", "release": "release", "reject": None if self.rejected == "destroy" else "out"}[self.order]

    def wanted(self, decided: Counter[str]) -> Counter[tuple[bytes, str]]:
        """(content, folder) -> whole files of that content. `decided`: path -> how often."""
        wanted: Counter[tuple[bytes, str]] = Counter()
        for name, data in FILES.items():
            place = self.leak if name == "leak.txt" else "release"
            if not self.changed:
                wanted[(data, place or "nowhere")] += 1
            elif decided[name] == 2:  # as scanned; and scanned again as changed, when its name was taken already
                wanted.update([(data, place), (data + LATER, "hold")])
            else:  # it died before it had decided on the first
                wanted[(data + LATER, place)] += 1
        return Counter({key: count for key, count in wanted.items() if key[1] != "nowhere"})


FLOWS = {
    flow.name: flow
    for flow in (
        Flow("watch"),
        Flow("approve", "release"),
        Flow("return", "reject"),
        Flow("destroy", "reject", "destroy"),
        Flow("changed", changed=True, every=7),
        Flow("watch-across", release_elsewhere=True, outbox_elsewhere=True, every=3),
        Flow("approve-across", "release", release_elsewhere=True, outbox_elsewhere=True, every=2),
        Flow("return-across", "reject", release_elsewhere=True, outbox_elsewhere=True, every=3),
        Flow("watch-twice", deaths=2, every=5),
        Flow("approve-twice", "release", deaths=2, every=3),
        Flow("return-twice", "reject", deaths=2, every=3),
        Flow("destroy-twice", "reject", "destroy", deaths=2, every=3),
        Flow("watch-refused", refused=True, every=4),
        Flow("approve-refused", "release", refused=True, every=2),
        Flow("return-refused", "reject", refused=True, every=3),
        Flow("destroy-refused", "reject", "destroy", refused=True, every=3),
        Flow("watch-across-refused", release_elsewhere=True, outbox_elsewhere=True, refused=True, every=7),
    )
}


class DyingDisk(Disk):
    """Ends the process at the step of that number, and has written down which it was. Counts before every change, and after every commit:
    other changes have nothing between them and the next that a death could show. What was not synced outlasts a process."""

    def __init__(self, last: int, told: Path) -> None:
        self._last, self._told, self.count = last, told, 0
        self.met: set[str] = set()

    def step(self, what: str) -> None:
        if what == "before fsync" or (what.startswith("after") and what != "after commit"):
            return
        self.count += 1
        self.met.add(what)
        if self.count == self._last:
            self._told.write_text(what)
            os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(60)  # another thread may be the one that the signal meets first


class RefusingDisk(Disk):
    """Refuses the step of that number, for a reason that goes round with the numbers; every second round all that follow too."""

    def __init__(self, number: int) -> None:
        self._number, self.count, self.met = number, 0, set[str]()
        self._error = (errno.ENOSPC, errno.EACCES, errno.EIO, errno.EROFS)[number % 4]
        self._on = number // 4 % 2 == 1

    def step(self, what: str) -> None:
        if what.startswith("after"):
            return
        self.count += 1
        self.met.add(what)
        if self.count == self._number or (self._on and self.count > self._number > 0):
            if what == "before commit":
                raise sqlite3.OperationalError("database or disk is full")
            raise OSError(self._error, os.strerror(self._error))


class InstantScanner:
    """Stands for the supervisor and its workers."""

    after_scan: Callable[[Any], None] = staticmethod(lambda _: None)

    def __init__(self, config: Any, jobs: int) -> None:
        self._stopping = False

    def __enter__(self) -> InstantScanner:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to end."""

    def load(self) -> bool:
        return not self._stopping

    def stop(self) -> None:
        self._stopping = True

    def wake(self) -> None:
        """It never sleeps for long."""

    def run(self, tasks: Iterable[Any], on_round: Any) -> Iterator[tuple[Any, Any]]:
        for task in tasks:
            on_round()
            if task is None:
                time.sleep(0.0005)
            else:
                facts = facts_of(task.spec)
                self.after_scan(task.cookie)
                yield task, Finished(facts)
                yield task, TaskDone(Outcome.DONE)
            if self._stopping:
                return


def facts_of(spec: Any) -> ObjectFacts:
    data = Path(os.fsdecode(spec.root), os.fsdecode(spec.path)).read_bytes()
    count = data.count(b"SECRET")
    found = FoundFact("PERSON", "test.person", "test", 1.0, None, None, count, 1, None, 1, ("○○○○",))
    digest = blake3(data).hexdigest()
    return ObjectFacts(
        (), "text/plain", "utf-8", 0, len(data), len(data), 0, digest, Status.SCANNED, None, int(count > 0), 1, (found,) if count else ()
    )


# --------------------------------------------------------------------------- one life


class Home:
    """The folders of one life: `base`, and `other` on another file system."""

    def __init__(self, base: Path, other: Path, flow: Flow) -> None:
        self.base, self.flow, self.told = base, flow, base / "step"
        self.places = {
            "out": (other if flow.outbox_elsewhere else base) / "out",
            "release": (other if flow.release_elsewhere else base) / "release",
            "hold": base / "hold",
        }
        self._all = (base, other)
        self._kept = tuple(folder.with_name(folder.name + ".kept") for folder in self._all)

    def prepare(self) -> None:
        """As before the first death: files dropped, and where an approver is to decide, held already. Once made it is copied."""
        if all(kept.exists() for kept in self._kept):
            self.clear()
            for folder, kept in zip(self._all, self._kept, strict=True):
                shutil.copytree(kept, folder)
            return
        self._make()
        if self.flow.order is not None and in_child(self.watch):
            raise RuntimeError("the gate failed without being killed")
        for folder, kept in zip(self._all, self._kept, strict=True):
            shutil.copytree(folder, kept)

    def _make(self) -> None:
        self.clear()
        for folder in self._all:
            folder.mkdir(parents=True)
        for place in self.places.values():
            place.mkdir()
        (self.base / "policy.yaml").write_text(POLICY % self.flow.rejected)
        for name, data in FILES.items():
            file = self.places["out"] / name
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(data)

    def clear(self) -> None:
        for folder in self._all:
            shutil.rmtree(folder, ignore_errors=True)

    # ------------------------------------------------------------------ what a process does

    def watch(self, disk: Disk | None = None) -> None:
        """One watch of what lies there."""
        gate_module.Supervisor = InstantScanner  # type: ignore[misc, assignment]
        gate_module.MOVERS = 1  # type: ignore[misc]  # so that steps come in one order
        if self.flow.changed:
            InstantScanner.after_scan = staticmethod(self._change)
        settings = GateSettings(
            *(self.places["out"], self.base / "policy.yaml", self.places["release"], self.places["hold"]),
            once=True,
            poll=0.1,
            settle=0.0,
            scan=Settings(jobs=1),
        )
        told: list[str] = []
        gate = Gate(settings, [lambda event: told.append(event.what)], disk=disk)
        try:
            if gate.run() or "fault" in told:
                raise GateError("something could not be done")
        finally:
            gate.close()

    def _change(self, scan: Any) -> None:
        """The sender writes to the file after its scan: once to each."""
        path = Path(os.fsdecode(scan.one.path))
        if str(path) in FILES:
            source = self.places["out"] / path
            if source.read_bytes() == FILES[str(path)]:
                with source.open("ab") as file:
                    file.write(LATER)

    def order(self, disk: Disk | None = None) -> None:
        """What the approver says of all that is held."""
        with Desk(self.places["hold"], disk=disk, person=APPROVER) as desk:
            for one in desk.held():
                if one.state == "held":
                    desk.release(one.item, "it may leave") if self.flow.order == "release" else desk.reject(one.item, "it may not leave")
            desk.finish_orders()

    # ------------------------------------------------------------------ what must hold

    def copies(self) -> Counter[tuple[bytes, str]]:
        """(content, folder) -> whole files: of the transfer and the release folder, and held ones."""
        found: Counter[tuple[bytes, str]] = Counter()
        for place, folder in self.places.items():
            for path in folder.rglob("*"):
                if place == "release" and path.name.startswith(".strayscan-"):
                    continue  # the gate's own, for a moment
                if path.is_file() and not path.is_symlink() and (place != "hold" or path.name == "content"):
                    found[(path.read_bytes(), place)] += 1
        return found

    def faults_after_death(self) -> list[str]:
        """At least one whole copy of everything that was not to be destroyed, and nothing released but what may leave."""
        copies = self.copies()
        kept = [name for name in FILES if name != "leak.txt" or self.flow.leak is not None]
        faults = [f"{name} is lost" for name in kept if not any(data.startswith(FILES[name]) for data, _ in copies)]
        secret = self.flow.order != "release" and any(place == "release" and b"SECRET" in data for data, place in copies)
        return faults + ["something was released that must not be"] * secret

    def faults_in_the_end(self) -> list[str]:
        """Every file in its one place, decided once, told once, log whole."""
        faults, decided = self._entry_faults()
        copies, wanted = self.copies(), self.flow.wanted(decided)
        whole = {data: name for name, data in FILES.items()} | {data + LATER: f"{name} as changed" for name, data in FILES.items()}
        copies = Counter({key: count for key, count in copies.items() if key[0] in whole})
        faults += [f"{whole[data]} in {place}: {count}" for (data, place), count in (copies - wanted).items()]
        faults += [f"{whole[data]} not in {place}" for data, place in wanted - copies]
        left = [path.name for where in ("out", "release") for path in self.places[where].rglob(".strayscan-*")]
        hold = self.places["hold"]
        left += [path.name for path in (*(hold / ".gate" / "staging").iterdir(), *(hold / ".gate" / "values").iterdir())]
        faults += [f"left behind: {name}" for name in left]
        notes = sorted(path.name for path in self.places["out"].rglob("*.txt") if path.read_bytes().startswith(b"\xef\xbb\xbf"))
        if not self.flow.changed and notes != self.flow.note:
            faults.append(f"notes: {notes}")
        return faults + self._row_faults(decided)

    def _entry_faults(self) -> tuple[list[str], Counter[str]]:
        faults, times = [], Counter[str]()
        with Desk(self.places["hold"], person=APPROVER) as desk:
            faults += desk.verify().faults
            entries = [entry for entry in desk.state.entries() if entry.item]
            for name in FILES:
                mine = [entry for entry in entries if entry.told.get("path") == name]
                times[name] = len({entry.item for entry in mine if entry.what in ("release", "hold")})
                done = Counter(entry.item for entry in mine if entry.what in ("released", "held"))
                if times[name] not in ((1, 2) if self.flow.changed else (1,)) or sorted(done.values()) != [1] * times[name]:
                    faults.append(f"{name} was decided {times[name]} times and moved {dict(done)}")
            decisions = Counter((entry.item, entry.what) for entry in entries if entry.what in ("release", "hold"))
            faults += [f"{item} was decided twice" for (item, _), count in decisions.items() if count > 1]
            ends = {"release": "sent", "reject": "destroyed" if self.flow.rejected == "destroy" else "returned"}
            if self.flow.order and (count := sum(entry.what == ends[self.flow.order] for entry in entries)) != 1:
                faults.append(f"the end of leak.txt is told {count} times")
            records = desk.state.provisions()
            if len(records) != (self.flow.order == "release"):
                faults.append(f"provisions: {len(records)}")
            written = self.places["hold"] / "provisions.csv"
            if records and (not written.exists() or written.read_text("utf-8-sig") != provisions_csv(records).replace("\r\n", "\n")):
                faults.append("provisions.csv is not what the state says")
        return faults, times

    def _row_faults(self, decided: Counter[str]) -> list[str]:
        findings = self.places["hold"] / "findings"
        rows: Counter[str] = Counter()
        for manifest in (findings / "runs").glob("*.json"):
            for file in (findings / "objects" / f"run={manifest.stem}").glob("*.parquet"):
                rows.update(parquet.ParquetFile(file).read(["path"], use_threads=False).column("path").to_pylist())
        return [] if rows == decided else [f"rows of the findings store: {dict(rows)}"]


# --------------------------------------------------------------------------- the runs


def start_child(call: Callable[[], Any]) -> int:
    """Run it in a process of its own; its number."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            call()
            status = 0
        except (GateError, DeskError):
            status = REFUSED
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    return child


def in_child(call: Callable[[], Any]) -> int:
    """The same, waited for; its status, negative for a signal."""
    return os.waitstatus_to_exitcode(os.waitpid(start_child(call), 0)[1])


def steps_of(home: Home) -> tuple[int, list[str]]:
    """How many steps a life without a death has, and of which kinds."""
    home.prepare()
    told = home.base.with_suffix(".count")
    disk = RefusingDisk(-1) if home.flow.refused else DyingDisk(-1, told)

    def live() -> None:
        (home.watch if home.flow.order is None else home.order)(disk)
        told.write_text(json.dumps([disk.count, sorted(disk.met)]))

    if in_child(live):
        raise RuntimeError("it failed without being killed")
    count, met = json.loads(told.read_text())
    return count, met


def refusal(home: Home, number: int) -> list[str]:
    """One life in which the disk refuses the step of that number."""
    disk = RefusingDisk(number)
    said = in_child((lambda: home.watch(disk)) if home.flow.order is None else (lambda: home.order(disk)))
    faults = home.faults_after_death()
    if said == 0 and (undone := home.faults_in_the_end()):  # what is not done must be said
        faults.append(f"the disk refused it, and nothing was said of that: {undone}")
    if said not in (0, REFUSED):
        faults.append(f"ended with {said}")
    return faults


def life(home: Home, number: int, steps: int) -> dict[str, Any]:
    """One life that ends at the step of that number, and what is found after the next."""
    flow, faults, died_at = home.flow, [], []
    home.prepare()
    first = home.watch if flow.order is None else home.order
    if flow.refused:
        faults += refusal(home, number)
    for death in range(0 if flow.refused else flow.deaths):
        # The second death comes while the first one is being mended, somewhere else each time; the gate and the desk mend by turns.
        mend = first if death == 0 or flow.order is None or number % 4 < 2 else home.watch
        last = number if death == 0 else 1 + number * 7 % max(steps // 2, 1)
        home.told.unlink(missing_ok=True)
        status = in_child(lambda mend=mend, last=last: mend(DyingDisk(last, home.told)))  # type: ignore[misc]
        if status not in (0, -signal.SIGKILL):
            faults.append(f"ended with {status}")
        died_at.append(home.told.read_text() if status == -signal.SIGKILL else "")
        faults += home.faults_after_death()
    mends = [home.watch] if flow.order is None else [home.watch, home.order] if number % 2 else [home.order, home.watch]
    faults += [f"a later start ended with {status}" for mend in mends if (status := in_child(mend))]
    faults += home.faults_in_the_end()
    return {"flow": flow.name, "number": number, "step": died_at, "faults": faults}


def lives(flow: Flow, base: Path, other: Path, every: int) -> None:
    """A death at every step, some lives at a time; a JSON line for each."""
    home = Home(base / flow.name, other / flow.name, flow)
    steps, met = steps_of(home)
    home.clear()
    print(json.dumps({"flow": flow.name, "steps": steps, "met": met}), flush=True)
    workers = []
    for turn in range(TOGETHER):
        home = Home(base / f"{flow.name}-{turn}", other / f"{flow.name}-{turn}", flow)

        def some(home: Home = home, turn: int = turn) -> None:
            home.prepare()
            for number in range(1 + turn * every, steps + 1, TOGETHER * every):
                if in_child(lambda number=number: tell(life(home, number, steps))):  # type: ignore[misc]
                    raise RuntimeError(f"{flow.name} {number} could not be told")

        workers.append(start_child(some))
    if sum([os.waitpid(child, 0)[1] for child in workers]):
        raise RuntimeError("a life could not be told")


def tell(told: dict[str, Any]) -> None:
    os.write(1, json.dumps(told).encode() + b"\n")


class KnownDigests:
    """The rules' digests, which every life would compute anew."""

    known: Digests

    @classmethod
    def of(cls, policy: Policy) -> Digests:
        return replace(cls.known, policy=policy.digest)


def warm(base: Path, other: Path) -> None:
    """Import here, once, what a life imports."""
    home = Home(base / "warm", other / "warm", Flow("warm", "release"))
    home._make()
    KnownDigests.known = Digests.of(load(home.base / "policy.yaml"))
    gate_module.Digests = KnownDigests  # type: ignore[misc, assignment]
    names = home.base / "modules"

    def once() -> None:
        home.watch()
        home.order()
        home.faults_in_the_end()
        names.write_text("\n".join(sys.modules))

    if in_child(once):
        raise RuntimeError("the gate failed without being killed")
    for name in names.read_text().splitlines():
        if name.partition(".")[0] not in ("__main__", "tests"):
            importlib.import_module(name)
    home.clear()
    gc.freeze()


if __name__ == "__main__":
    where, elsewhere = Path(sys.argv[1]), Path(sys.argv[2])
    warm(where, elsewhere)
    for wanted in [word for word in sys.argv[3:] if word != "--all"] or list(FLOWS):
        lives(FLOWS[wanted], where, elsewhere, 1 if "--all" in sys.argv else FLOWS[wanted].every)
