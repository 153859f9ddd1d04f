"""A pipeline whose files say in their own text how it shall misbehave: one command a line, members as ``member NAME COMMAND``."""

from __future__ import annotations

import ctypes
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from scanner.config import PipelineConfig
from scanner.model import Begun, Blob, Budget, Event, Finished, ObjectFacts, Progress, Reason, Snapshot, Status


def facts(member: tuple[str, ...] = (), *, rows: int = 0, size: int | None = None) -> ObjectFacts:
    return ObjectFacts(member, "text/plain", "utf-8", 0, size, 0, rows, None, Status.SCANNED, None, 0, 0)


class MockPipeline:
    def __init__(self, config: PipelineConfig) -> None:
        self.config = config

    def scan_file(
        self, blob: Blob, budget: Budget, *, skip: frozenset[tuple[str, ...]] = frozenset(), careful: bool = False
    ) -> Iterator[Event]:
        yield Begun(())
        with blob.open() as stream:
            lines = stream.read().decode().splitlines()
        gaps = False
        for number, line in enumerate(lines, 1):
            word, _, rest = line.partition(" ")
            if word == "member":
                name, _, command = rest.partition(" ")
                member = tuple(name.split("!"))
                if member in skip:
                    gaps = True
                    continue
                yield Begun(member)
                yield from self.obey(command, budget, blob, member, careful)
                yield Finished(facts(member))
            elif word == "open":
                yield Begun(tuple(rest.split("!")))
            elif word == "close":
                yield Finished(facts(tuple(rest.split("!"))))
            else:
                yield from self.obey(line, budget, blob, (), careful)
            if careful:
                yield Snapshot(facts(rows=number, size=blob.size))
        last = facts(rows=len(lines), size=blob.size)
        yield Finished(replace(last, status=Status.PARTIAL, reason=Reason.MEMBER_UNREAD) if gaps else last)

    def obey(self, command: str, budget: Budget, blob: Blob, member: tuple[str, ...], careful: bool) -> Iterator[Event]:
        word, _, rest = command.partition(" ")
        if word == "sleep":
            time.sleep(float(rest))
        elif word == "progress" or (word == "progress-first-time" and not careful):  # slow, but it moves
            for step in range(int(rest)):
                time.sleep(0.2)
                yield Progress(step)
        elif word == "hang":
            while True:
                time.sleep(60)
        elif word == "segfault":
            ctypes.string_at(0)
        elif word == "abort":
            os.abort()
        elif word == "exit":
            os._exit(int(rest or 0))
        elif word == "raise":
            raise RuntimeError("secret " + rest)
        elif word == "eat":
            hoard = []
            while True:
                hoard.append(bytearray(b"x" * 2**22))
        elif word == "eat-in-child":
            if os.fork() == 0:
                hoard = bytearray(b"x" * int(rest))
                time.sleep(60 + len(hoard) * 0)
                os._exit(0)
            time.sleep(60)
        elif word == "crash-first-time":
            if not careful:
                os.abort()
        elif word == "spam":
            os.write(1, b"spam-marker\n" * 100)
            os.write(2, b"spam-marker\n" * 100)
            print("spam-marker", file=sys.stderr, flush=True)
        elif word == "garbage":
            self.write_all(b"\xde\xad" * 1000)
            time.sleep(60)
        elif word == "flood":  # a frame that claims to be enormous
            self.write_all(b"SSF1\xff\xff\xff\xff\xff\xff\xff\xff")
            time.sleep(60)
        elif word == "fork":
            if os.fork() == 0:
                if "daemon" in rest:
                    os.setsid()
                    if os.fork():
                        os._exit(0)
                Path(rest.split()[0]).write_text(str(os.getpid()))
                time.sleep(60)
                os._exit(0)
            while not Path(rest.split()[0]).exists():
                time.sleep(0.01)
        elif word == "litter":
            (budget.temp_dir / "left").write_text("x")
            (budget.temp_dir / "folder").mkdir()
        elif word == "look":
            Path(rest).write_text(f"{budget.temp_dir}\n" + "\n".join(map(str, budget.temp_dir.iterdir())))
        elif word == "pid":
            with Path(rest).open("a") as out:
                out.write(f"{os.getpid()}\n")
        elif word == "append":
            with Path(rest).open("a") as out:
                out.write("more")
        elif word == "say":
            out_name, _, text = rest.partition(" ")
            with Path(out_name).open("a") as out:
                out.write(text + "\n")
        elif word == "alive":
            asked, _, answer = rest.partition(" ")
            Path(answer).write_text(str(Path(f"/proc/{Path(asked).read_text()}").exists()))
        elif word == "env":
            Path(rest).write_text(
                "\n".join(f"{key}={value}" for key, value in os.environ.items()) + "\n" + Path("/proc/self/cmdline").read_text()
            )
        elif word == "snapshot":
            yield Snapshot(facts(member, rows=int(rest)))
        elif word == "sibling":
            assert blob.sibling is not None
            found = blob.sibling("-wal")
            if found is None:
                raise RuntimeError("no sibling")
            assert found.read() == b"log"

    @staticmethod
    def write_all(data: bytes) -> None:
        """Write to every socket there is, as a wild pointer might."""
        for name in os.listdir("/proc/self/fd"):
            try:
                if "socket" in str(Path(f"/proc/self/fd/{name}").readlink()):
                    os.write(int(name), data)
            except OSError:
                continue


class Slow:
    def __init__(self, config: PipelineConfig) -> None:
        time.sleep(60)


class Broken:
    def __init__(self, config: PipelineConfig) -> None:
        raise ValueError("cannot be built")
