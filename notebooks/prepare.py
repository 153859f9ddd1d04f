"""A findings store for the worked examples: part of `sample_data/`, scanned three times into a temporary folder while files come and go."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from scanner import api

SAMPLE = Path(__file__).resolve().parents[1] / "sample_data"
STORE = "STRAYSCAN_NOTEBOOK_STORE"
"""Where a store that was prepared earlier lies, so that several notebooks share it."""
_FILES = ("営業", "総務", "analytics")
_MODIFIED = 1_735_689_600  # 2025-01-01, and a day more with each file

POLICY = """version: 1
stores:
  - {name: customer-master, paths: ["stores/**"], owner: Sales Planning Dept., allow: ["*"]}
departments:
  - {name: Sales, paths: ["share/営業/**"]}
  - {name: General Affairs, paths: ["share/総務/**"]}
"""


def store() -> Path:
    """The store; made on the first call, about a quarter of a minute, or taken from the environment."""
    given = os.environ.get(STORE)
    return Path(given) if given else make(Path(tempfile.mkdtemp(prefix="strayscan-notebook-")))


def make(folder: Path) -> Path:
    """Three runs: a share as it is; a list deleted and a copy made; the copy put right. The key lies beside the store, not in it."""
    share, out, policy = folder / "share", folder / "findings", folder / "policy.yaml"
    for name in _FILES:
        shutil.copytree(SAMPLE / "leaky" / name, share / name)
    shutil.copytree(SAMPLE / "stores", folder / "stores")
    shutil.copy(SAMPLE / "broken" / "encrypted.pdf", share / "総務" / "encrypted.pdf")
    policy.write_text(POLICY, encoding="utf-8")
    settings = {"policy": policy, "out": out, "key_file": _key(folder)}
    os.environ["XDG_DATA_HOME"] = str(folder / "data")
    _same_everywhere(share)
    api.scan(share, **settings)
    copy = share / "総務" / "copy of members.csv"
    (share / "営業" / "会員.tsv").unlink()
    shutil.copy(share / "営業" / "顧客一覧.csv", copy)
    _same_everywhere(share)
    api.scan(share, **settings)
    copy.write_text("deleted on request\n", encoding="utf-8")
    _same_everywhere(share)
    api.scan(share, **settings)
    return out


def _key(folder: Path) -> Path:
    path = folder / "key"
    path.write_text("a key for the worked examples, which nobody uses\n", encoding="utf-8")
    path.chmod(0o600)
    return path


def _same_everywhere(share: Path) -> None:
    """Times and permissions that do not depend on the machine."""
    for number, path in enumerate(sorted(share.rglob("*"))):
        path.chmod(0o755 if path.is_dir() else 0o640 if path.suffix == ".tsv" else 0o644)
        if path.is_file():
            os.utime(path, (_MODIFIED + 86_400 * number + path.stat().st_size,) * 2)
