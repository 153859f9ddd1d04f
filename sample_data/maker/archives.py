"""Archives: the same leaks through zip, tar, gzip, bzip2 and xz, nested too."""

from __future__ import annotations

import bz2
import lzma
from collections.abc import Iterator

from .packing import gzipped, tarred, zipped, zipped_cp932
from .people import PEOPLE
from .share import Made, columns, marked
from .tables import HEADER, KINDS, delimited, person_rows

ROWS = person_rows(PEOPLE[:8])
TABLE = delimited(HEADER, ROWS).encode()
MEMO = f"担当: [[PERSON:{PEOPLE[3].name}]] 電話 [[PHONE_NUMBER:{PEOPLE[3].mobile}]]\n"


def made() -> Iterator[Made]:
    memo, _ = marked(MEMO)
    names = ("顧客/名簿.csv", "顧客/メモ.txt")
    data = zipped_cp932({names[0]: TABLE, names[1]: memo.encode("cp932")})
    plants = columns(HEADER, ROWS, KINDS, member=names[0]) + marked(MEMO, member=names[1])[1]
    yield Made("leaky/backup/顧客.zip", data, plants, made_with=("zlib",))

    # A zip that calls itself a workbook is still a zip.
    yield Made(
        "leaky/backup/export.xlsx", zipped({"list.csv": TABLE}), columns(HEADER, ROWS, KINDS, member="list.csv"), made_with=("zlib",)
    )

    inside = tarred({"export/list.csv": TABLE, "export/readme.txt": b"weekly export\n"})
    plants = columns(HEADER, ROWS, KINDS, member="weekly.tar!export/list.csv")
    yield Made("leaky/backup/weekly.tar.gz", gzipped(inside), plants, made_with=("zlib",))

    yield Made("leaky/backup/list.csv.bz2", bz2.compress(TABLE, 9), columns(HEADER, ROWS, KINDS, member="list.csv"))
    packed = lzma.compress(TABLE, preset=6)
    yield Made("leaky/backup/list.csv.xz", packed, columns(HEADER, ROWS, KINDS, member="list.csv"))

    inner = zipped({"list.csv": TABLE, "memo.txt": memo.encode()})
    outer = zipped({"2026/april.zip": inner, "2026/april.tar": tarred({"list.csv": TABLE})})
    plants = columns(HEADER, ROWS, KINDS, member="2026/april.zip!list.csv") + columns(HEADER, ROWS, KINDS, member="2026/april.tar!list.csv")
    yield Made("leaky/backup/nested.zip", outer, plants + marked(MEMO, member="2026/april.zip!memo.txt")[1], made_with=("zlib",))
