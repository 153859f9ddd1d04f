"""Persons over several objects, each once."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.findings.schema import VALUES
from scanner.obligations.union import Union, by_object, union

Record = tuple[int, ...]  # one value a column; 0: none
COLUMNS = ("PERSON", "EMAIL_ADDRESS", "PHONE_NUMBER", "ADDRESS", "DATE_OF_BIRTH")


def values(object_id: str, records: list[Record], *, text: bool = False) -> pa.Table:
    """The rows of `values` of a table, or with `text` of lines far apart."""
    rows: dict[tuple[str, int], list[int]] = {}
    for number, record in enumerate(records):
        for kind, value in zip(COLUMNS, record, strict=False):
            if value:
                rows.setdefault((kind, hash((kind, value)) % 2**64), []).append(10 * number + 1 if text else number + 2)
    told = [
        {"run_id": "r", "object_id": object_id, "entity_type": kind, "fingerprint": tag, "place": None, "rows": where, "count": len(where)}
        | {"column": None if text else kind}
        for (kind, tag), where in sorted(rows.items(), key=lambda item: item[0][1])
    ]
    return pa.Table.from_pylist(told, schema=VALUES)


def counted(folder: Path, *objects: tuple[list[Record], int], text: bool = False) -> Union:
    tables = [values(f"o{number}", records, text=text) for number, (records, _) in enumerate(objects)]
    return union(tables, {f"o{number}": persons for number, (_, persons) in enumerate(objects)}, folder)


def test_equal_mails_are_one_person(tmp_path: Path) -> None:
    assert counted(tmp_path, ([(1, 11), (2, 12)], 2), ([(0, 12), (0, 13)], 2)) == Union(3, 3)


def test_a_name_with_a_phone_in_both_is_one_person(tmp_path: Path) -> None:
    assert counted(tmp_path, ([(1, 0, 31)], 1), ([(1, 0, 31, 41)], 1)) == Union(1, 1)


def test_namesakes_with_different_data_are_two_and_may_be_one(tmp_path: Path) -> None:
    assert counted(tmp_path, ([(1, 11)], 1), ([(1, 0, 31)], 1)) == Union(2, 1)


def test_a_shared_phone_does_not_merge_names(tmp_path: Path) -> None:
    assert counted(tmp_path, ([(1, 0, 31)], 1), ([(2, 0, 31)], 1)) == Union(2, 2)


def test_lines_of_text_are_records_too(tmp_path: Path) -> None:
    assert counted(tmp_path, ([(1, 11), (2, 12)], 2), ([(1, 11), (3, 13)], 2), text=True) == Union(3, 3)


def test_nothing_is_nobody(tmp_path: Path) -> None:
    assert union([], {}, tmp_path) == Union(0, 0)
    assert union([], {"a": 4}, tmp_path) == Union(4, 4)  # persons whose values were not kept: as the scan counted them


def test_objects_come_whole_from_tables_in_pieces() -> None:
    both = pa.concat_tables([values("a", [(1,), (2,), (3,)]), values("b", [(1,)])])
    pieces = [both.slice(start, 1) for start in range(both.num_rows)]
    for tables in (pieces, [both]):
        assert [(one["object_id"][0].as_py(), one.num_rows) for one in by_object(tables)] == [("a", 3), ("b", 1)]


PEOPLE = st.lists(st.integers(1, 30), min_size=1, max_size=20, unique=True)


@settings(max_examples=40, deadline=None)
@given(st.lists(PEOPLE, min_size=1, max_size=5))
def test_people_with_mails_are_counted_exactly(folders: list[list[int]]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        objects = [([(person, 100 + person) for person in some], len(some)) for some in folders]
        assert counted(Path(folder), *objects).count == len({person for some in folders for person in some})
