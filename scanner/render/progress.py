"""A progress bar with rate and time left on standard error; nothing at all where that is no terminal."""

from __future__ import annotations

from types import TracebackType
from typing import IO

from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.text import Text

from scanner.render.messages import Messages
from scanner.render.terminal import console_for
from scanner.render.visible import file_size
from scanner.run.progress import RunProgress


class _Rate(TextColumn):
    """Bytes a second, by rich's own moving average."""

    def __init__(self, say: Messages) -> None:
        super().__init__("")
        self._say = say

    def render(self, task: object) -> Text:
        speed = getattr(task, "speed", None)
        return Text(self._say("bytes_rate", size=file_size(int(speed)))) if speed else Text("")


class ProgressBar:
    """Shows `RunProgress` while it is open. By bytes, since files differ; the total grows until the crawl has seen all."""

    def __init__(self, stream: IO[str], lang: str) -> None:
        self._say = Messages(lang)
        self._progress: Progress | None = None
        self._task: TaskID | None = None
        if stream.isatty():
            columns = (
                SpinnerColumn(),
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                _Rate(self._say),
                TimeRemainingColumn(),
            )
            self._progress = Progress(*columns, console=console_for(stream), transient=True)

    def __enter__(self) -> ProgressBar:
        if self._progress is not None:
            self._progress.start()
            self._task = self._progress.add_task("", total=None)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._progress is not None:
            self._progress.stop()

    def __call__(self, now: RunProgress) -> None:
        if self._progress is None or self._task is None:
            return
        key = "progress_crawling" if now.crawling else "progress_scanning"
        words = self._say(key, done=now.done_files, met=now.met_files)
        if now.stray or now.unread:
            words += ", " + self._say("progress_found", stray=now.stray, unread=now.unread)
        total = None if now.crawling else max(now.met_bytes, now.done_bytes)
        self._progress.update(self._task, description=words, completed=now.done_bytes, total=total)
