"""Bursts of files into a transfer folder, dropped in every way there is, and the account of each one afterwards: by
tests/crash/test_bursts.py with hundreds of files, by benchmarks/watch.py with hundreds of thousands.

    python -m tests.crash.bursts HOME

is a watch of HOME/out for the former: until SIGTERM, with a scanner that finds a person wherever SECRET stands, since what arrives and what
moves is tested here.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from blake3 import blake3

from scanner.outbound.notes import is_note_name
from scanner.outbound.state import GateState, broken_chain

WAYS: Final = ("flat", "nested", "rename", "slow")
PERSONAL_EVERY: Final = 10
_SLOW_AT_ONCE: Final = 200


def content(way: str, number: int) -> bytes:
    """Text that no other file has; one in ten ends with a person's address."""
    personal = (
        f"\nSECRET: send to taro.yamada{number}@partner.example, 090-0000-{number % 10_000:04d}\n" if number % PERSONAL_EVERY == 0 else "\n"
    )
    return f"{way} {number}: production plan of the week, lots {number * 7} to {number * 7 + 3} are on time{personal}".encode()


def path_of(way: str, number: int) -> str:
    if way == "nested":
        return f"nested/{number // 200}/{number // 20 % 10}/deep/n{number}.txt"
    return f"{way}/{way[0]}{number}.txt"


def drop(outbox: Path, way: str, count: int) -> None:
    """Drop `count` files in one of the ways, as fast as it goes."""
    (outbox / way).mkdir(exist_ok=True)
    if way == "slow":
        _slowly(outbox, count)
        return
    aside = outbox.parent / "being-written"
    aside.mkdir(exist_ok=True)
    for number in range(count):
        target = outbox / path_of(way, number)
        if way == "nested" and number % 20 == 0:
            target.parent.mkdir(parents=True)
        if way == "rename":
            (aside / target.name).write_bytes(content(way, number))
            (aside / target.name).rename(target)
        else:
            target.write_bytes(content(way, number))


def _slowly(outbox: Path, count: int) -> None:
    """Many at once: the first half, a pause while others are begun, the rest."""
    for first in range(0, count, _SLOW_AT_ONCE):
        numbers = range(first, min(first + _SLOW_AT_ONCE, count))
        open_files = [(outbox / path_of("slow", number)).open("wb", buffering=0) for number in numbers]
        for number, file in zip(numbers, open_files, strict=True):
            text = content("slow", number)
            file.write(text[: len(text) // 2])
        time.sleep(0.2)
        for number, file in zip(numbers, open_files, strict=True):
            text = content("slow", number)
            file.write(text[len(text) // 2 :])
            file.close()


def drop_all(outbox: Path, count: int, ways: tuple[str, ...] = WAYS) -> Callable[[], None]:
    """`count` files in each of the ways, all at the same time, from threads; call what comes back to wait for their end."""
    pool = ThreadPoolExecutor(len(ways), "drop")
    futures = [pool.submit(drop, outbox, way, count) for way in ways]

    def wait() -> None:
        pool.shutdown()
        for future in futures:
            future.result()

    return wait


@dataclass
class Account:
    """What became of the files. Whatever is not 0 in `faults` breaks the promise."""

    files: int = 0
    released: int = 0
    held: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)

    def fault(self, what: str, path: str) -> None:
        self.faults[what] += 1
        self.examples.setdefault(what, path)


def account(outbox: Path, release: Path, hold: Path, expected: dict[str, str]) -> Account:
    """Look for every file (path -> BLAKE3) in all three folders, in the log and among the findings."""
    found = Account(len(expected))
    state = GateState(hold / ".gate")
    try:
        entries = list(state.entries())
        held = {os.fsdecode(one.path): one for one in state.held()}
        for sentence in broken_chain(entries, {}):
            found.fault("log not whole", sentence)
    finally:
        state.close()
    decisions: dict[str, list[tuple[str, str]]] = {}
    endings: Counter[tuple[str, str]] = Counter()
    for entry in entries:
        if entry.what in ("release", "hold"):
            decisions.setdefault(entry.told["path"], []).append((entry.what, entry.told["digest"]))
        elif entry.what in ("released", "held"):
            endings[(entry.told["path"], entry.what)] += 1
    scanned = _scanned(hold / "findings")
    for path, digest in expected.items():
        out = release / path
        wanted = "hold" if held.get(path) else "release"
        if decisions.get(path) != [(wanted, digest)]:
            found.fault("not decided exactly once, as it is", path)
        if endings[(path, "held" if wanted == "hold" else "released")] != 1 or endings[(path, "released" if wanted == "hold" else "held")]:
            found.fault("not moved exactly once, as it was decided", path)
        if scanned[(path, digest)] != 1:
            found.fault("not scanned exactly once, by the findings", path)
        there = [
            place
            for place, is_there in (("outbox", (outbox / path).exists()), ("release", out.exists()), ("hold", path in held))
            if is_there
        ]
        if len(there) != 1:
            found.fault("in no place or in several", f"{path}: {there}")
        elif there == ["release"]:
            found.released += 1
            if blake3(out.read_bytes()).hexdigest() != digest:
                found.fault("released with other bytes", path)
        elif there == ["hold"]:
            found.held += 1
            if blake3((hold / "held" / held[path].item / "content").read_bytes()).hexdigest() != digest:
                found.fault("held with other bytes", path)
        else:
            found.fault("still in the transfer folder", path)
    for file in _files(release):
        if file not in expected:
            found.fault("released, and nobody dropped it", file)
    for file in _files(outbox):
        if file not in expected and not is_note_name(file.encode()):
            found.fault("of unknown origin in the transfer folder", file)
    return found


def _scanned(out: Path) -> Counter[tuple[str, str]]:
    """(path, BLAKE3) of every object in runs that happened, all runs together."""
    from pyarrow import parquet

    met: Counter[tuple[str, str]] = Counter()
    for manifest in (out / "runs").glob("*.json"):
        for file in (out / "objects" / f"run={json.loads(manifest.read_text())['run_id']}").glob("*.parquet"):
            table = parquet.ParquetFile(file).read(["path", "content_hash", "status"])
            for row in table.to_pylist():
                if row["status"] == "scanned":
                    met[(row["path"], row["content_hash"])] += 1
    return met


def _files(folder: Path) -> Iterator[str]:
    for root, _, names in os.walk(folder):
        for name in names:
            yield os.path.relpath(os.path.join(root, name), folder)


def expected_files(count: int, ways: tuple[str, ...] = WAYS) -> dict[str, str]:
    return {path_of(way, number): blake3(content(way, number)).hexdigest() for way in ways for number in range(count)}


def wait_for(said: Callable[[], bool], seconds: float, every: float = 0.1) -> bool:
    """Wait until something holds; False if it did not within the time."""
    end = time.monotonic() + seconds
    pause = threading.Event()
    while not said():
        if time.monotonic() > end:
            return False
        pause.wait(every)
    return True


def main() -> None:
    import signal
    import sys

    from scanner.config import Settings
    from scanner.outbound import gate as gate_module
    from scanner.outbound.gate import Gate, GateSettings
    from scanner.outbound.service import Health
    from tests.crash.gate_child import InstantScanner

    gate_module.Supervisor = InstantScanner  # type: ignore[misc, assignment]
    home = Path(sys.argv[1])
    settings = GateSettings(home / "out", home / "policy.yaml", home / "release", home / "hold", reconcile=2.0, scan=Settings(jobs=1))
    gate = Gate(settings, [], health=Health(home / "health.json"))
    signal.signal(signal.SIGTERM, lambda *_: gate.stop())
    try:
        gate.run()
    finally:
        gate.close()


if __name__ == "__main__":
    main()
