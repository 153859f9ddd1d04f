"""The gate under load: bursts of files while it is restarted and killed, the time until a decision, hours of steady load.

    python benchmarks/watch.py bursts [FILES] [--ways flat,nested,rename,slow] [--restarts N] [--keep DIR]
    python benchmarks/watch.py latency [FILES] [--way closed|renamed|marker]
    python benchmarks/watch.py steady [MINUTES] [--rate 100]

Each starts the real command on a transfer folder in a temporary folder, with the whole set of rules. `bursts` drops FILES files in equal
shares in every way at the same time, stops and kills the watch in turn meanwhile, and accounts for every single file afterwards, by its
bytes, the log and the findings (tests/crash/bursts.py). `latency` drops one small file after another on an idle gate and takes the time
from its being closed (or renamed into place) to its decision. `steady` drops files at a rate and samples the watch's memory, descriptors
and queue. The machine's other work is part of every figure of time.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.crash.bursts import WAYS, account, drop_all, expected_files, wait_for

POLICY = "version: 1\noutbound: {ask: Information Security}\n"


class Watch:
    """The real command, with its folders below `home`."""

    def __init__(self, home: Path, *options: str) -> None:
        self.home, self.options = home, options
        self.outbox, self.release, self.hold, self.health = home / "out", home / "release", home / "hold", home / "health.json"
        for folder in (self.outbox, self.release):
            folder.mkdir(parents=True, exist_ok=True)
        (home / "policy.yaml").write_text(POLICY)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        words = ["watch", self.outbox, "--policy", self.home / "policy.yaml", "--release", self.release, "--hold", self.hold]
        more = ["--events", "json", "--health-file", self.health, *self.options]
        environ = os.environ | {"XDG_CONFIG_HOME": str(self.home / "config")}
        with (self.home / "events.jsonl").open("ab") as out, (self.home / "errors.txt").open("ab") as errors:
            command = [sys.executable, "-m", "scanner", *map(str, [*words, *more])]
            self.process = subprocess.Popen(command, stdout=out, stderr=errors, env=environ)

    def end(self, number: int) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(120)

    def told(self) -> dict[str, Any]:
        try:
            told: dict[str, Any] = json.loads(self.health.read_bytes())
        except (OSError, ValueError):
            return {}
        return told

    def ready(self) -> None:
        """A first file has gone through."""
        (self.outbox / "first.txt").write_text("hello\n")
        if not wait_for((self.release / "first.txt").exists, 120):
            raise SystemExit("the watch does not begin: see " + str(self.home / "errors.txt"))
        (self.release / "first.txt").unlink()

    @property
    def dead(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def left(self) -> int:
        """Files in the transfer folder, notes apart."""
        return sum(not name.endswith(".held.txt") for _, _, names in os.walk(self.outbox) for name in names)


def bursts(home: Path, asked: argparse.Namespace) -> int:
    ways = tuple(asked.ways.split(","))
    each = asked.number // len(ways)
    watch = Watch(home)
    watch.start()
    began = time.monotonic()
    wait = drop_all(watch.outbox, each, ways)
    dropping = threading.Thread(target=wait)
    dropping.start()
    ends = []
    for number in range(asked.restarts):
        time.sleep(random.uniform(8.0, 20.0))
        how = (signal.SIGTERM, signal.SIGKILL)[number % 2]
        ends.append(watch.end(how))
        watch.start()
    dropping.join()
    dropped = time.monotonic() - began
    limit = 60 + asked.number / 10
    done = wait_for(lambda: watch.dead or (watch.told().get("queue") == 0 and not watch.left()), limit, every=2.0) and not watch.dead
    seconds = time.monotonic() - began
    told = watch.told()
    end = watch.end(signal.SIGTERM)
    found = account(watch.outbox, watch.release, watch.hold, expected_files(each, ways))
    print(f"{found.files:,} files ({', '.join(ways)}) dropped in {dropped:,.1f} s, restarts {ends}, last end {end}, all decided: {done}")
    print(f"decided in {seconds:,.1f} s: {found.files / seconds:,.0f} files/s; released {found.released:,}, held {found.held:,}")
    names = ("found_by_reconciling", "overflows", "faults", "last_error")
    print("since the last start: " + ", ".join(f"{name} {told.get(name)}" for name in names))
    print(f"faults: {dict(found.faults) or 'none'} {found.examples or ''}")
    return bool(found.faults) or not done


def latency(home: Path, asked: argparse.Namespace) -> int:
    watch = Watch(home)
    watch.start()
    watch.ready()
    times: dict[str, float] = {}
    for number in range(asked.number):
        time.sleep(random.uniform(0.05, 0.3))
        name = f"l{number}.txt"
        aside = watch.home / "aside.txt"
        if asked.way == "renamed":
            aside.write_text(f"plan {number}\n")
            aside.rename(watch.outbox / name)
        else:
            (watch.outbox / name).write_text(f"plan {number}\n")
        times[name] = time.time()
        wait_for((watch.release / name).exists, 20.0, every=0.005)
    wait_for(lambda: watch.told().get("queue") == 0, 20.0)
    watch.end(signal.SIGTERM)
    decided = {entry["path"]: at for entry, at in _log(watch.hold) if "path" in entry}
    took = sorted(decided[name] - begun for name, begun in times.items())
    worst = took[-1]
    print(
        f"{asked.way}: {len(took)} files, median {statistics.median(took):.3f} s, 95 % {took[int(0.95 * len(took))]:.3f} s, most {worst:.3f} s"
    )
    return 0


def _log(hold: Path) -> list[tuple[dict[str, Any], float]]:
    import datetime

    from scanner.outbound.state import GateState

    state = GateState(hold / ".gate")
    found = [
        (dict(one.told), datetime.datetime.fromisoformat(one.at).timestamp()) for one in state.entries() if one.what in ("release", "hold")
    ]
    state.close()
    return found


def steady(home: Path, asked: argparse.Namespace) -> int:
    watch = Watch(home)
    watch.start()
    watch.ready()
    assert watch.process is not None
    samples: list[tuple[float, float, int, int, int]] = []
    began, dropped, next_sample = time.monotonic(), 0, 0.0
    while (now := time.monotonic() - began) < asked.number * 60:
        while dropped < now * asked.rate:
            folder = watch.outbox / f"{dropped // 1_000:06d}"
            folder.mkdir(exist_ok=True)
            personal = f" call 090-0000-{dropped % 10_000:04d}, hanako{dropped}@partner.example" if dropped % 100 == 0 else ""
            (folder / f"s{dropped}.txt").write_text(f"plan {dropped}{personal}\n")
            dropped += 1
        if now >= next_sample:
            next_sample += 30.0
            told = watch.told()
            samples.append((now, *_resources(watch.process.pid), told.get("queue", -1)))
            at, resident, descriptors, threads, queue = samples[-1]
            print(f"{at:7.0f} s  {resident:7.1f} MB  {descriptors:4d} descriptors  {threads:2d} threads  queue {queue}", flush=True)
        time.sleep(0.02)
    last = time.time() + 1.0  # what is told is up to a second old
    done = wait_for(lambda: (now := watch.told()).get("queue") == 0 and now["at"] > last and not watch.left(), 300, every=1.0)
    told = watch.told()
    watch.end(signal.SIGTERM)
    names = ("decided", "released", "held_since_start", "found_by_reconciling", "overflows", "faults")
    print(f"dropped {dropped:,}; queue empty at the end: {done}; " + ", ".join(f"{name} {told.get(name)}" for name in names))
    settled = [one for one in samples if one[0] >= 120] or samples
    print(
        f"memory {min(one[1] for one in settled):.1f} to {max(one[1] for one in settled):.1f} MB, "
        f"descriptors {min(one[2] for one in settled)} to {max(one[2] for one in settled)}, queue at most {max(one[4] for one in settled)} (after two minutes)"
    )
    return not done or told.get("decided") != dropped + 1  # the first file of all


def _resources(pid: int) -> tuple[float, int, int]:
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":" in line)
    return int(status["VmRSS"].split()[0]) / 1024, len(os.listdir(f"/proc/{pid}/fd")), int(status["Threads"])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("bursts", "latency", "steady"))
    parser.add_argument("number", type=int, nargs="?", help="files, or minutes")
    parser.add_argument("--ways", default=",".join(WAYS))
    parser.add_argument("--restarts", type=int, default=4)
    parser.add_argument("--way", choices=("closed", "renamed"), default="closed")
    parser.add_argument("--rate", type=float, default=100.0, help="files a second")
    parser.add_argument("--keep", type=Path, help="work here, and leave everything there")
    asked = parser.parse_args()
    asked.number = asked.number or {"bursts": 20_000, "latency": 200, "steady": 30}[asked.what]
    run = {"bursts": bursts, "latency": latency, "steady": steady}[asked.what]
    with tempfile.TemporaryDirectory(prefix="strayscan-watch-") as temporary:
        return int(run(asked.keep or Path(temporary), asked))


if __name__ == "__main__":
    raise SystemExit(main())
