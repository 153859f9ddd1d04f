"""Whole runs in a moment: the real crawl, worker code, store and state around a pipeline that loads nothing, in one process."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from scanner.model import Event, Finished, Progress
from scanner.run import remembered, scan, worker
from scanner.run.digests import Digests
from scanner.run.frames import Decoder, Frame, Order, Task, WorkerConfig, encode, event_of
from scanner.run.nursery import build
from scanner.run.summary import RunSummary
from scanner.run.supervisor import Outcome, TaskDone


class InProcess:
    """Stands in for the supervisor: carries out each task at once, here."""

    def __init__(self, config: WorkerConfig, jobs: int, *, eager: bool = True, warm: BytesIO | None = None) -> None:
        self._config = config
        self._stopping = False

    @staticmethod
    def warmed() -> BytesIO:
        """Anything that can be closed."""
        return BytesIO()

    def __enter__(self) -> InProcess:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def stop(self) -> None:
        self._stopping = True

    def run(self, tasks: Iterable[Task], *, on_begin: Callable[[Task], None]) -> Iterator[tuple[Task, Event | TaskDone]]:
        pipeline = build(self._config)
        with tempfile.TemporaryDirectory() as temporary:
            for task in tasks:
                on_begin(task)
                heard = _Heard(self._config.pipeline.staging)
                order = Order(task.location, task.spec, frozenset(), task.careful, task.known_hash, task.alike)
                worker._carry_out(order, heard, pipeline, self._config.pipeline.limits, Path(temporary))  # type: ignore[arg-type]
                for event in heard.events:
                    yield task, event
                yield task, TaskDone(Outcome.DONE)
                if self._stopping:
                    return


class _Heard:
    def __init__(self, staging: Path) -> None:
        self._staging = staging
        self.events: list[Event] = []

    def send(self, frame: Frame, *, now: bool = True) -> None:
        (frame,) = Decoder().feed(encode(frame))
        event = event_of(frame, self._staging)
        if isinstance(event, (Finished, Progress)):
            self.events.append(event)


FACTORY = "tests.unit.run.quick_pipeline:QuickPipeline"


def quick(
    monkeypatch: pytest.MonkeyPatch | None,
    *,
    detectors: str = "d",
    readers: str = "r",
    by_type: Mapping[str, str] | None = None,
    fresh_counts: bool = False,
    in_process: bool = True,
) -> None:
    """From now on runs of this process use the quick pipeline, under these digests; unless `fresh_counts`, new files pass for old ones.
    `readers`: of what all readers share; `by_type`: of the reader of a media type.
    """
    real = WorkerConfig

    def config(pipeline: Any, **settings: Any) -> WorkerConfig:
        return real(pipeline, factory=FACTORY, modules=(), **settings)

    def digests(policy: Any) -> Digests:
        return Digests(detectors, f"{readers} {by_type}", policy.digest, common=readers, by_type=by_type or {})

    patch = setattr if monkeypatch is None else monkeypatch.setattr
    patch(scan, "WorkerConfig", config)
    if in_process:
        patch(scan, "Supervisor", InProcess)
    patch(Digests, "of", staticmethod(digests))
    if not fresh_counts:
        patch(remembered, "FRESH", -(10**15))


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def run(share: Path, out: Path, policy: Path | None = None, **settings: Any) -> RunSummary:
    from scanner import api

    return api.scan(share, policy, out=out, jobs=settings.pop("jobs", 2), **{"recheck": 0.0, **settings})
