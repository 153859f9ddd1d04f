"""The supervisor's end of the connection to the nursery: starts it, asks it for workers and for their death."""

from __future__ import annotations

import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from scanner.run.frames import Decoder, Frame, WorkerConfig, encode

_START_SECONDS = 300.0
_LOOK_EVERY = 0.2


class WorkersFailed(Exception):
    """Workers cannot be started: a fault of the run, not of a file. The message names the place, never data."""


NURSERY = "scanner.run.nursery"
_WARMING = ("numpy", "pyarrow", "pandas", "presidio_analyzer", "scanner.pipeline", "detectors.engine")  # what takes a second to import


class NurseryLink:
    """A running nursery. Closing the link ends it and all its workers."""

    def __init__(self, main: str = NURSERY, *, warm: bool = False) -> None:
        """`warm`: it imports libraries at once, while what `configure` tells is still being found out."""
        self.control, theirs = socket.socketpair()
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", main, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,  # whatever a native library prints may hold data
                stderr=subprocess.DEVNULL,
                cwd="/",
                env=environment(),
                start_new_session=True,
            )
        finally:
            theirs.close()
        self._decoder = Decoder()
        self._threads: int | None = None
        if warm:
            self._send(Frame("warm", {"modules": list(_WARMING)}))

    def configure(self, config: WorkerConfig, base: Path) -> None:
        """Say what workers are made of: it loads rules and dictionaries."""
        self._send(Frame("config", {"worker": config.to_json(), "base": os.fspath(base)}))

    def wait_ready(self, stopping: Callable[[], bool]) -> int | None:
        """Wait until rules and dictionaries are loaded; the number of threads there are then, None if `stopping` came true first.

        Raises WorkersFailed.
        """
        until = time.monotonic() + _START_SECONDS
        poll = select.poll()  # unlike select.select, good for any descriptor number
        poll.register(self.control, select.POLLIN)
        while self._threads is None:
            if stopping():
                return None
            poll.poll(_LOOK_EVERY * 1000)
            if self.read() is None or time.monotonic() > until:
                raise WorkersFailed("workers could not start: the process ended or does not answer")
        return self._threads

    def read(self) -> list[Frame] | None:
        """Frames that have come; None when the nursery is gone. Raises WorkersFailed."""
        try:
            chunk = self.control.recv(65_536, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return []
        except OSError:
            return None
        frames = list(self._decoder.feed(chunk))
        self._take(frames)
        return frames if chunk else None

    def _take(self, frames: list[Frame]) -> None:
        for frame in frames:
            if frame.kind == "ready":
                self._threads = int(frame.body["threads"])
            elif frame.kind == "failed":
                raise WorkersFailed(f"workers could not start: {frame.body['where']}")

    def fork(self, number: int, temp_dir: Path, channel: socket.socket) -> None:
        """Ask for a worker that talks through `channel`."""
        frame = encode(Frame("fork", {"number": number, "temp": os.fspath(temp_dir)}))
        with suppress(OSError):
            socket.send_fds(self.control, [frame], [channel.fileno()])

    def kill(self, number: int) -> None:
        """Ask for the death of a worker and all its descendants; an `exit` frame follows."""
        self._send(Frame("kill", {"number": number}))

    def _send(self, frame: Frame) -> None:
        with suppress(OSError):  # a nursery that is gone is noticed where its connection is read
            self.control.sendall(encode(frame))

    def close(self) -> None:
        """Hang up; the nursery kills what it has and ends. While it still loads it has no workers and is not waited for."""
        self.control.close()
        if self._threads is None:
            self._process.kill()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def environment() -> dict[str, str]:
    """The nursery's environment: our import path, no key, and no threads that libraries would start when they are loaded."""
    path = os.pathsep.join(os.path.abspath(entry or ".") for entry in sys.path)
    quiet = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "JE_ARROW_MALLOC_CONF": "background_thread:false"}
    kept = {name: value for name, value in os.environ.items() if name != "STRAYSCAN_KEY"}
    return {**kept, **quiet, "PYTHONPATH": path, "PYTHONSAFEPATH": "1"}
