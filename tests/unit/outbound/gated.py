"""A gate with its folders in one process, its scanner replaced by one that finds a person wherever the word SECRET stands."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from scanner.config import Settings
from scanner.model import Finished, ObjectFacts, Reason, Status
from scanner.outbound import gate as gate_module
from scanner.outbound.desk import Desk, Person
from scanner.outbound.disk import Disk
from scanner.outbound.gate import Gate, GateSettings
from scanner.outbound.state import Held
from scanner.outbound.tell import Event
from scanner.policy import Policy
from scanner.run.digests import Digests
from tests.crash.gate_child import InstantScanner

LEAK = b"SECRET\n" * 3
CLEAN = b"nothing in particular\n"
SATO, TANAKA = Person(4_321, "sato"), Person(4_322, "tanaka")
SENDER = Person(os.geteuid(), "sender")


@lru_cache(maxsize=1)
def _digests() -> Digests:
    return Digests.of(Policy())


class QuickDigests:
    """The rules' digests, computed once for all tests."""

    @classmethod
    def of(cls, policy: Policy) -> Digests:
        return replace(_digests(), policy=policy.digest)


class Scanner(InstantScanner):
    """Cannot read what begins with the name of a reason."""

    def run(self, tasks: Any, on_round: Any) -> Any:
        for task, event in super().run(tasks, on_round):
            if isinstance(event, Finished):
                data = Path(os.fsdecode(task.spec.root), os.fsdecode(task.spec.path)).read_bytes()
                word = data.partition(b" ")[0].decode("utf-8", "replace")
                if word in {reason.value for reason in Reason}:
                    facts = ObjectFacts.nothing_read((), Reason(word), len(data), status=Status.UNREADABLE)
                    event = Finished(replace(facts, media_type="application/zip"))
            yield task, event


class Gated:
    """Folders below `home`: out, release, hold."""

    def __init__(self, home: Path, policy: str = "") -> None:
        self.home, self.out, self.release, self.hold = home, home / "out", home / "release", home / "hold"
        for folder in (self.out, self.release, self.hold):
            folder.mkdir()
        self.events: list[Event] = []
        self.policy = home / "policy.yaml"
        self.say(policy)

    def say(self, policy: str) -> None:
        self.policy.write_text(f"version: 1\noutbound: {{settle_seconds: 0, {policy}}}\n", encoding="utf-8")

    def drop(self, name: str = "leak.txt", data: bytes = LEAK) -> Path:
        file = self.out / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        return file

    def gate(self, disk: Disk | None = None, **settings: Any) -> Gate:
        plain: dict[str, Any] = {"once": True, "poll": 0.1, "settle": 0.0, "scan": Settings(jobs=1), **settings}
        return Gate(GateSettings(self.out, self.policy, self.release, self.hold, **plain), [self.events.append], disk=disk)

    def watch(self, disk: Disk | None = None, **settings: Any) -> int:
        """Decide what lies there; the exit status."""
        gate = self.gate(disk, **settings)
        try:
            return gate.run()
        finally:
            gate.close()

    def desk(self, person: Person = SATO, disk: Disk | None = None) -> Desk:
        return Desk(self.hold, person=person, disk=disk)

    def held(self) -> list[Held]:
        with self.desk() as desk:
            return desk.held()

    def hold_one(self, name: str = "leak.txt", data: bytes = LEAK) -> str:
        """Drop a file that will be held; its item."""
        self.drop(name, data)
        self.watch()
        (one,) = [one for one in self.held() if one.path == os.fsencode(name)]
        return one.item

    def log(self) -> list[tuple[str, dict[str, Any]]]:
        with self.desk() as desk:
            return [(entry.what, dict(entry.told)) for entry in desk.state.entries()]

    def files(self, *folders: str) -> dict[str, bytes]:
        """Path -> bytes of what lies in some of the folders, notes apart."""
        found = {}
        for folder in folders or ("out", "release"):
            for path in sorted((self.home / folder).rglob("*")):
                if path.is_file() and not path.name.endswith((".held.txt", ".returned.txt", ".removed.txt")):
                    found[str(path.relative_to(self.home))] = path.read_bytes()
        return found

    def notes(self) -> list[str]:
        return sorted(path.name for path in self.out.rglob("*.txt") if path.read_bytes().startswith(b"\xef\xbb\xbf"))


def install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate_module, "Supervisor", Scanner)
    monkeypatch.setattr(gate_module, "Digests", QuickDigests)
