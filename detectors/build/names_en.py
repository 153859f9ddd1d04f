"""Builds detectors/data/names_en.txt.gz from the name lists of the 1990 US census (public domain).

    python -m detectors.build.names_en FOLDER

FOLDER holds dist.all.last, dist.female.first and dist.male.first; each line: NAME, share in per cent, cumulative share, rank.
"""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

HEAD = (
    "# Names by falling frequency, from dist.all.last, dist.female.first and dist.male.first of the US Census Bureau (1990),\n"
    "# public domain. Built by detectors/build/names_en.py.\n"
)


def read(path: Path) -> list[tuple[str, float]]:
    """(name in small letters, share in per cent) of one list, in its order."""
    rows = (line.split() for line in path.read_text(encoding="ascii").splitlines() if line.strip())
    return [(row[0].lower(), float(row[1])) for row in rows]


def merged(*lists: list[tuple[str, float]]) -> list[str]:
    """Names of several lists by falling share; the larger share counts where a name stands in two."""
    share: dict[str, float] = {}
    for name, part in (row for rows in lists for row in rows):
        share[name] = max(part, share.get(name, 0.0))
    return sorted(share, key=lambda name: (-share[name], name))


def build(folder: Path, target: Path) -> None:
    surnames = merged(read(folder / "dist.all.last"))
    given = merged(read(folder / "dist.female.first"), read(folder / "dist.male.first"))
    text = HEAD + "[surname]\n" + "\n".join(surnames) + "\n[given]\n" + "\n".join(given) + "\n"
    target.write_bytes(gzip.compress(text.encode("ascii"), 9, mtime=0))


if __name__ == "__main__":
    build(Path(sys.argv[1]), Path(__file__).parent.parent / "data" / "names_en.txt.gz")
