"""The demonstration of the gate goes through all its steps, in either language, and shows no value but what lies in the folders."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_watch_demo(tmp_path: Path) -> None:
    env = {**os.environ, "LC_ALL": "ja_JP.UTF-8", "PYTHONIOENCODING": "utf-8", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, str(ROOT / "sample_data" / "watch_demo.py"), str(tmp_path / "demo")],
        cwd=tmp_path, env=env, capture_output=True, encoding="utf-8", timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    for step in range(1, 12):
        assert f"\n{step}. " in done.stdout
    for line in ("sato/customers.csv として送信可", "sato/minutes.pdf として戻しました", "異常なし"):
        assert line in done.stdout
    assert "customer7@example.com" not in done.stdout
    released = {
        str(path.relative_to(tmp_path / "demo" / "release")) for path in (tmp_path / "demo" / "release").rglob("*") if path.is_file()
    }
    assert released == {"sato/agenda.txt", "sato/customers.csv", "sato/slides.txt"}
    assert not (tmp_path / "demo" / "out" / "sato" / "slides.txt.part").exists()
