"""A share of command files for the mock pipeline, and the run of a supervisor over it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scanner.config import KnownContacts, PipelineConfig
from scanner.model import DetectSettings, Finished, Limits, ObjectFacts
from scanner.run.supervisor import Supervisor, Task, TaskDone, WorkerConfig
from scanner.sources.filesystem import crawl

MOCK = "tests.unit.run.mock_pipeline:MockPipeline"


@dataclass
class Told:
    """What a run told, by file name."""

    facts: dict[str, list[ObjectFacts]] = field(default_factory=dict)
    ends: dict[str, TaskDone] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    progress: int = 0

    def own(self, name: str) -> ObjectFacts:
        """The facts of the file itself: told once, last."""
        assert [facts.member for facts in self.facts[name]].count(()) == 1
        return self.facts[name][-1]

    def members(self, name: str) -> dict[str, ObjectFacts]:
        found = {"!".join(facts.member): facts for facts in self.facts[name] if facts.member}
        assert len(found) == len(self.facts[name]) - 1, "a member was told twice"
        return found


def config(tmp_path: Path, *, factory: str = MOCK, limits: dict[str, Any] | None = None, **settings: Any) -> WorkerConfig:
    staging = tmp_path / "staging"
    temp = tmp_path / "temp"
    staging.mkdir(exist_ok=True)
    temp.mkdir(exist_ok=True)
    merged = {"seconds": 10.0, "resident_bytes": 300 * 2**20, **(limits or {})}
    pipeline = PipelineConfig("run", Limits(**merged), DetectSettings(), KnownContacts(), staging, b"key of the test")
    return WorkerConfig(pipeline, factory, **{"modules": (), "temp": temp, **settings})


def write_share(tmp_path: Path, files: dict[str, str]) -> Path:
    share = tmp_path / "share"
    share.mkdir(exist_ok=True)
    for name, text in files.items():
        (share / name).write_text(text)
    return share


def tasks(share: Path) -> list[Task]:
    return [Task.of(entry) for entry in crawl([share], lambda path, is_dir: False) if entry.status is None]


def run(tmp_path: Path, files: dict[str, str], jobs: int = 1, **settings: Any) -> Told:
    share = write_share(tmp_path, files)
    told = Told()
    with Supervisor(config(tmp_path, **settings), jobs) as supervisor:
        for task, event in supervisor.run(tasks(share)):
            name = task.location.path
            if isinstance(event, Finished):
                told.facts.setdefault(name, []).append(event.facts)
            elif isinstance(event, TaskDone):
                assert name not in told.ends
                told.ends[name] = event
                told.order.append(name)
            else:
                told.progress += 1
    assert set(told.ends) == set(files)
    assert list((tmp_path / "temp").iterdir()) == [], "temporary folders were left"
    return told
