"""Second scan of a share in which nothing changed: files a second, and how many bytes were read.

    python benchmarks/incremental.py [FILES] [--quick] [--keep DIR]

Makes FILES small text files (one in ten with personal data) in a temporary folder, scans them once, waits until their times are no
longer fresh, and scans again: without a check (`recheck 0`) and with the default share. The rate is that of the whole run, from the
call to its return, loading of the rules included; the first scan's is told beside it. `--quick`: readers and detectors that do next to
nothing, so that the first scan of many files does not take long; a second scan reads nothing and is the same with either.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from scanner import api


def make(folder: Path, files: int) -> None:
    for number in range(files):
        place = folder / f"{number // 250:05d}"
        if number % 250 == 0:
            place.mkdir(parents=True)
        personal = "担当: 山田太郎 電話 090-0000-1234\n" if number % 10 == 0 else ""
        (place / f"議事録{number}.txt").write_text(
            f"第{number}回 生産計画\n本日の会議では生産計画を確認した。\n{personal}", encoding="utf-8"
        )


def be_quick() -> None:
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    from scanner.run.digests import Digests
    from tests.unit.run.quick_run import quick

    real = Digests.of
    quick(None)
    Digests.of = real  # type: ignore[method-assign]  # rules are loaded as ever


def timed(share: Path, out: Path, **settings: Any) -> tuple[float, int]:
    began = time.perf_counter()
    summary = api.scan(share, out=out, **settings)
    return time.perf_counter() - began, summary.bytes_read


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", type=int, nargs="?", default=20_000)
    parser.add_argument("--quick", action="store_true", help="prepare the store with mock readers")
    parser.add_argument("--keep", type=Path, help="work here, and use a share and store that a former call left")
    asked = parser.parse_args()
    if asked.quick:
        be_quick()
    with tempfile.TemporaryDirectory() as temporary:
        home = asked.keep or Path(temporary)
        share, out = home / "share", home / "findings"
        policy = home / "policy.yaml"
        if not share.exists():
            home.mkdir(exist_ok=True)
            policy.write_text("version: 1\ndetect: {entities: [PERSON, PHONE_NUMBER]}\n")
            make(share, asked.files)
            time.sleep(2.5)
            seconds, read = timed(share, out, policy=policy)
            print(f"first scan        {asked.files / seconds:>9,.0f} files/s   {read:>12,} bytes read")
        for name, recheck in (("second, no check", 0.0), ("second, 1 %", 0.01)):
            runs = [timed(share, out, policy=policy, recheck=recheck) for _ in range(3)]
            rates = sorted(asked.files / seconds for seconds, _ in runs)
            print(
                f"{name:<17} {statistics.median(rates):>9,.0f} files/s   {runs[0][1]:>12,} bytes read   ({rates[0]:,.0f} to {rates[-1]:,.0f})"
            )


if __name__ == "__main__":
    main()
