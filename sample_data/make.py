"""Makes the sample share again: `python sample_data/make.py [FOLDER]` writes its files and expected.jsonl, the same bytes every time.

The files are committed, so that a look at them needs nothing installed. `made_with.json` says which libraries' versions they
were made with: another version may pack the same content into other bytes.
"""

from __future__ import annotations

import importlib.metadata
import json
import shutil
import sqlite3
import sys
import zlib
from pathlib import Path

from maker import all_files
from maker.share import expected_lines

FOLDERS = ("stores", "leaky", "clean", "broken")


def versions(names: set[str]) -> dict[str, str]:
    """The version in use of every library named."""
    built_in = {"zlib": zlib.ZLIB_RUNTIME_VERSION, "sqlite": sqlite3.sqlite_version}
    return {name: built_in.get(name) or importlib.metadata.version(name) for name in sorted(names)}


def main(folder: Path) -> None:
    made = all_files()
    for name in FOLDERS:
        shutil.rmtree(folder / name, ignore_errors=True)
    for item in made:
        path = folder / item.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(item.data)
    lines = [json.dumps(line, ensure_ascii=False) for line in expected_lines(made)]
    (folder / "expected.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    libraries = versions({name for item in made for name in item.made_with})
    by_file = {item.path: list(item.made_with) for item in made if item.made_with}
    (folder / "made_with.json").write_text(
        json.dumps({"versions": libraries, "files": by_file}, ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
    )
    print(f"{len(made)} files, {sum(len(item.data) for item in made):,} bytes in {folder}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
