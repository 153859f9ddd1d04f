"""The process that workers are forked from: it loads rules and dictionaries once, reads no file of the share itself, and
watches over its workers' memory and their descendants.

Run as ``python -m scanner.run.nursery FD``. Being single-threaded when it forks, and the subreaper of all that its workers leave
behind, it can do what a pool cannot. When the supervisor is gone (kill -9 too) its connection ends, and everything ends with it.
"""

from __future__ import annotations

import gc
import importlib
import os
import select
import shutil
import signal
import socket
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from scanner.run.frames import Decoder, Frame, WorkerConfig, encode
from scanner.run.resources import adopt_orphans, children, confine, die_with_parent, family, kill_family, resident_bytes
from scanner.run.worker import ScansFiles, serve, where

_LOOK_EVERY = 0.2  # seconds between looks at memory


def main() -> None:
    """Serve the supervisor at the other end of the descriptor given as the only argument."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the supervisor's to handle
    os.umask(0o077)
    adopt_orphans()
    Nursery(socket.socket(fileno=int(sys.argv[1]))).run()


@dataclass(slots=True)
class _Ward:
    """A worker that lives."""

    number: int
    peak: int = 0
    over: bool = False  # killed for the memory it took


class Nursery:
    """Forks workers on request and reports how each one ended."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._decoder = Decoder()
        self._descriptors: list[int] = []
        self._wards: dict[int, _Ward] = {}
        self._pipeline: ScansFiles | None = None
        self._config: WorkerConfig | None = None
        self._base: Path | None = None
        self._waking, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._wake_end = wake
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def run(self) -> None:
        poll = select.poll()
        poll.register(self._control, select.POLLIN)
        poll.register(self._waking, select.POLLIN)
        listening = True
        while listening:
            ready = {descriptor for descriptor, _ in poll.poll(_LOOK_EVERY * 1000 if self._wards else None)}
            if self._waking in ready:
                with suppress(BlockingIOError):
                    os.read(self._waking, 4096)
            if self._control.fileno() in ready:
                listening = self._listen()
            self._police()
            self._reap()
        self._end()

    def _listen(self) -> bool:
        """Take what the supervisor sent; False when it is gone."""
        try:
            chunk, descriptors, _, _ = socket.recv_fds(self._control, 65_536, 16)
        except ConnectionError:
            return False
        self._descriptors += descriptors
        for frame in self._decoder.feed(chunk):
            if frame.kind == "config":
                self._build(frame.body)
            elif frame.kind == "warm":
                for module in frame.body["modules"]:
                    with suppress(Exception):  # what cannot be imported is told when it is wanted
                        importlib.import_module(module)
            elif frame.kind == "fork":
                self._fork(int(frame.body["number"]), Path(frame.body["temp"]))
            elif frame.kind == "kill":
                self._kill(int(frame.body["number"]))
        return bool(chunk)

    def _tell(self, kind: str, **body: Any) -> None:
        with suppress(ConnectionError):
            self._control.sendall(encode(Frame(kind, body)))

    # ------------------------------------------------------------------ making workers

    def _build(self, body: Mapping[str, Any]) -> None:
        self._base = Path(body["base"])
        self._config = WorkerConfig.from_json(body["worker"])
        try:
            if self._config.preload:
                for module in self._config.modules:
                    importlib.import_module(module)
                self._pipeline = build(self._config)
        except Exception as error:  # said to the user as a fault of the run; nothing of the share has been read yet
            self._tell("failed", where=where(error))
            return
        gc.collect()
        gc.freeze()  # keeps the collector from touching, and so copying, pages shared with the workers
        self._tell("ready", threads=len(os.listdir("/proc/self/task")))

    def _fork(self, number: int, temp_dir: Path) -> None:
        channel = self._descriptors.pop(0)
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                self._become_worker(parent, channel, temp_dir)
                code = 0
            finally:
                os._exit(code)
        os.close(channel)
        self._wards[pid] = _Ward(number)

    def _become_worker(self, parent: int, channel: int, temp_dir: Path) -> None:
        assert self._config is not None
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        die_with_parent(parent)
        self._control.close()
        os.close(self._waking)
        os.close(self._wake_end)
        confine(self._config.pipeline.limits, self._config.nice)
        serve(socket.socket(fileno=channel), self._pipeline or build(self._config), self._config, temp_dir)

    # ------------------------------------------------------------------ watching over them

    def _police(self) -> None:
        """Kill workers that take, with all their descendants, more memory than allowed, and orphans of any worker."""
        if self._config is None:
            return
        limit = self._config.pipeline.limits.resident_bytes
        for pid, ward in self._wards.items():
            resident = sum(map(resident_bytes, family(pid)))
            ward.peak = max(ward.peak, resident)
            if resident > limit and not ward.over:
                ward.over = True
                kill_family(pid)
        for pid in children(os.getpid()):
            if pid not in self._wards:
                kill_family(pid)

    def _kill(self, number: int) -> None:
        for pid, ward in self._wards.items():
            if ward.number == number:
                kill_family(pid)

    def _reap(self) -> None:
        """Report workers that have ended. Their group is killed while their number is still theirs."""
        while True:
            try:
                ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if ended is None:
                return
            ward = self._wards.get(ended.si_pid)
            if ward is not None:
                kill_family(ended.si_pid)
            os.waitpid(ended.si_pid, 0)
            if ward is not None:
                del self._wards[ended.si_pid]
                by_signal = ended.si_code != os.CLD_EXITED
                self._tell("exit", number=ward.number, signal=ended.si_status if by_signal else 0, memory=ward.over, peak=ward.peak)

    def _end(self) -> None:
        for pid in list(self._wards):
            kill_family(pid)
        with suppress(ChildProcessError):
            while True:
                for pid in children(os.getpid()):
                    kill_family(pid)
                os.waitpid(-1, 0)
        if self._base is not None:
            shutil.rmtree(self._base, ignore_errors=True)


def build(config: WorkerConfig) -> ScansFiles:
    """What the factory named ``module:attribute`` makes of the pipeline's configuration."""
    module, _, name = config.factory.partition(":")
    return cast(ScansFiles, getattr(importlib.import_module(module), name)(config.pipeline))


if __name__ == "__main__":
    main()
