"""Person search over stores: what belongs together, what holds now, what could not be looked at."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from scanner import api
from scanner.find.query import Subject
from scanner.find.search import COLUMNS, Answer, search
from scanner.findings.errors import StoreError
from scanner.redact import KeyFileError
from tests.unit.find.samples import KEY, key_file, publish

HANAKO = Subject(name="山田 花子", phone="03-0000-0001", email="hanako@example.jp", address="千代田区丸の内1-2-3")


def find(out: Path, **given: str) -> Answer:
    return search(out, Subject(**given), key_file(out.parent))


def told(answer: Answer) -> list[tuple[str, str, str, tuple[str, ...], tuple[int, ...]]]:
    return sorted((m.path, m.strength, m.found, m.beside, m.rows) for m in answer.matches)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def test_a_name_and_a_number_count_together_in_one_row_only(out: Path) -> None:
    publish(
        out,
        {
            "same.csv": [("PERSON", "山田花子", "name", [7, 9]), ("PHONE_NUMBER", "0300000001", "tel", [9])],
            "apart.csv": [("PERSON", "山田花子", "name", [7]), ("PHONE_NUMBER", "0300000001", "tel", [8])],
        },
    )
    assert told(find(out, name="山田花子", phone="03-0000-0001")) == [
        ("apart.csv", "medium", "phone", (), (8,)),
        ("apart.csv", "weak", "name", (), (7,)),
        ("same.csv", "strong", "name", ("phone",), (9,)),
        ("same.csv", "strong", "phone", ("name",), (9,)),
        ("same.csv", "weak", "name", (), (7,)),
    ]


@pytest.mark.parametrize(("line", "strength"), [(5, "strong"), (10, "strong"), (15, "strong"), (4, "weak"), (16, "weak")])
def test_in_a_text_a_few_lines_belong_together(out: Path, line: int, strength: str) -> None:
    publish(out, {"memo.txt": [("PERSON", "山田花子", None, [line]), ("PHONE_NUMBER", "0300000001", None, [10])]})
    assert {m.strength for m in find(out, name="山田花子", phone="0300000001").matches if m.found == "name"} == {strength}


def test_lines_of_a_text_are_no_rows_of_a_table(out: Path) -> None:
    publish(out, {"mixed": [("PERSON", "山田花子", None, [10]), ("PHONE_NUMBER", "0300000001", "tel", [10])]})
    assert [m.strength for m in find(out, name="山田花子", phone="0300000001").matches] == ["medium", "weak"]


def test_pages_are_kept_apart(out: Path) -> None:
    publish(out, {"a.pdf": [("PERSON", "山田花子", None, [3])]}, place="page 1")
    publish(out, {"a.pdf": [("PERSON", "山田花子", None, [3]), ("PHONE_NUMBER", "0300000001", None, [3])]}, place="page 2")
    assert {(m.place, m.strength) for m in find(out, name="山田花子", phone="0300000001").matches} == {("page 2", "strong")}


def test_what_identifies_alone(out: Path) -> None:
    publish(
        out,
        {
            "a": [("EMAIL_ADDRESS", "HANAKO@example.jp", "mail", [2])],
            "b": [("FAX_NUMBER", "+81 90 0000 1234", "fax", [2])],
            "c": [("ADDRESS", "東京都千代田区丸の内1丁目2番3号", "addr", [2])],
            "d": [("EMAIL_ADDRESS", "info@example.jp", "mail", [2])],
        },
    )
    assert [m.strength for m in find(out, email="hanako@example.jp").matches] == ["strong"]
    assert [(m.strength, m.entity_type) for m in find(out, phone="090-0000-1234").matches] == [("strong", "FAX_NUMBER")]
    assert [m.strength for m in find(out, address="千代田区丸の内1-2-3").matches] == ["medium"]
    assert [m.strength for m in find(out, email="info@example.jp").matches] == ["medium"]


def test_a_household_is_not_taken_for_the_person(out: Path) -> None:
    """Her husband's row: same landline, address, surname."""
    publish(
        out,
        {
            "a.csv": [
                ("PERSON", "山田太郎", "name", [5]), ("PHONE_NUMBER", "0300000001", "tel", [5]),
                ("ADDRESS", "千代田区丸の内1-2-3", "addr", [5]),
                ("PERSON", "山田", None, [5]),
            ]
        },
    )  # fmt: skip
    assert {m.strength for m in find(out, name="山田花子", phone="0300000001", address="千代田区丸の内1-2-3").matches} == {"medium"}
    assert {m.strength for m in find(out, name="山田", phone="0300000001", address="千代田区丸の内1-2-3").matches} == {"medium", "weak"}


@pytest.mark.parametrize(
    "written", ["山田花子", "ヤマダ ハナコ", "ﾔﾏﾀﾞ ﾊﾅｺ", "やまだはなこ", "Hanako Yamada", "YAMADA Hanako", "山田　花子 様"]
)
@pytest.mark.parametrize("asked", ["山田 花子", "ヤマダハナコ", "Hanako Yamada"])
def test_any_form_finds_any_form_beside_a_number(out: Path, asked: str, written: str) -> None:
    publish(out, {"a.csv": [("PERSON", written, "name", [5]), ("PHONE_NUMBER", "+81-3-0000-0001", "tel", [5])]})
    assert ("a.csv", "strong", "name", ("phone",), (5,)) in told(find(out, name=asked, phone="０３（００００）０００１"))


def test_kanji_of_a_reading_count_only_beside_something(out: Path) -> None:
    publish(out, {"a.csv": [("PERSON", "山田花子", "name", [5]), ("PHONE_NUMBER", "0300000001", "tel", [6])]})
    assert told(find(out, name="ヤマダハナコ", phone="0300000001")) == [("a.csv", "medium", "phone", (), (6,))]


def test_the_verdict_is_the_findings_and_the_finding_is_named(out: Path) -> None:
    publish(out, {"crm.csv": [("EMAIL_ADDRESS", "h@example.jp", "mail", [2])]}, verdict={"crm.csv": "approved"})
    (match,) = find(out, email="h@example.jp").matches
    assert (match.verdict, match.finding_id, match.column) == ("approved", "crm.csv|EMAIL_ADDRESS|mail", "mail")


def test_what_is_gone_or_was_changed_is_not_found(out: Path) -> None:
    cells = [("EMAIL_ADDRESS", "h@example.jp", "mail", [2])]
    publish(out, {"a": cells, "b": cells, "c": cells})
    publish(out, {"a": cells, "b": [("EMAIL_ADDRESS", "other@example.jp", "mail", [2])]})
    answer = find(out, email="h@example.jp")
    assert ([m.path for m in answer.matches], answer.exit_status) == (["a"], 1)


def test_an_unchanged_object_still_holds_it(out: Path) -> None:
    first = publish(out, {"a": [("EMAIL_ADDRESS", "h@example.jp", "mail", [2])]})
    publish(out, {"a": []}, status={"a": "unchanged"}, verdict={"a": "stray"})
    (match,) = find(out, email="h@example.jp").matches
    assert match.run_id == first


def test_nothing_found_is_nothing_found_only_if_all_was_read(out: Path) -> None:
    publish(out, {"a": [], "b": []})
    assert find(out, email="h@example.jp").exit_status == 0
    publish(out, {"a": [], "b": []}, status={"b": "unreadable"})
    answer = find(out, email="h@example.jp")
    assert (answer.exit_status, answer.unread.count, answer.unread.reasons) == (3, 1, {"encrypted": 1})


def test_a_run_that_did_not_see_all_and_a_store_without_runs_are_said(out: Path) -> None:
    out.mkdir()
    assert find(out, email="h@example.jp").exit_status == 3
    publish(out, {"a": []}, outcome="stopped")
    answer = find(out, email="h@example.jp")
    assert (answer.open_roots, answer.exit_status) == (("/share",), 3)


def test_another_key_is_refused_and_both_are_named(out: Path) -> None:
    publish(out, {"a": []})
    with pytest.raises(StoreError, match=f"{KEY.key_id}.* [0-9a-f]{{16}}") as fault:
        search(out, HANAKO, key_file(out.parent, "another key, just as long as the first one was"))
    assert "--key-file" in str(fault.value)


def test_no_key_is_made(out: Path, tmp_path: Path) -> None:
    publish(out, {"a": []})
    with pytest.raises(KeyFileError, match="no key file"):
        search(out, HANAKO)
    with pytest.raises(KeyFileError, match="no key file"):
        search(out, HANAKO, tmp_path / "none")


def test_a_damaged_file_is_named_and_the_rest_answers(out: Path) -> None:
    publish(out, {"a": [("EMAIL_ADDRESS", "h@example.jp", "mail", [2])]})
    publish(out, {"a": [("EMAIL_ADDRESS", "h@example.jp", "mail", [2])], "b": [("EMAIL_ADDRESS", "h@example.jp", "mail", [2])]})
    newest = max((out / "values").glob("run=*/*.parquet"))
    data = bytearray(newest.read_bytes())
    data[8:200] = bytes(192)
    newest.write_bytes(data)
    answer = find(out, email="h@example.jp")
    assert any("damaged" in problem for problem in answer.problems)
    assert answer.exit_status == 3


def test_files_merged_meanwhile_are_found_under_their_new_names(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from scanner.find import search as module

    for n in range(3):
        publish(out, {f"f{k}": [("EMAIL_ADDRESS", "h@example.jp", "mail", [2 + n])] for k in range(3)})
    asked = module.terms

    def merge_first(*given: object) -> object:
        api.compact(out, older_than_days=0)
        return asked(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "terms", merge_first)
    answer = find(out, email="h@example.jp")
    assert (len(answer.matches), answer.problems, {m.rows for m in answer.matches}) == (3, (), {(4,)})


def test_values_that_stand_everywhere_say_that_their_rows_are_the_first_ones(out: Path) -> None:
    cells = [("EMAIL_ADDRESS", "h@example.jp", "mail", range(2, 5_000))]
    publish(out, {"a": cells}, count=9_000)
    publish(out, {"a": cells, "b": cells})
    assert [(m.path, m.rows_complete) for m in find(out, email="h@example.jp").matches] == [("a", True), ("b", True)]
    publish(out, {"a": cells}, count=9_000)
    (match,) = find(out, email="h@example.jp").matches
    assert (match.rows_complete, match.count) == (False, 9_000)


def test_the_frame_of_the_api(out: Path) -> None:
    publish(
        out,
        {"a.csv": [("PERSON", "山田花子", "name", [7]), ("PHONE_NUMBER", "0300000001", "tel", [7])], "b": []},
        status={"b": "unreadable"},
    )
    frame = api.find_person(out, name="山田花子", phone="0300000001", key_file=key_file(out.parent))
    assert list(frame.columns) == list(COLUMNS)
    assert frame["strength"].tolist() == ["strong", "strong"]
    assert (frame.attrs["unread"], frame.attrs["whole"]) == (1, False)
    empty = api.find_person(out, email="nobody@example.jp", key_file=key_file(out.parent))
    assert isinstance(empty, pd.DataFrame) and list(empty.columns) == list(COLUMNS) and empty.empty


def test_no_value_is_in_the_answer(out: Path) -> None:
    publish(out, {"a.csv": [("PERSON", "山田花子", "name", [7]), ("PHONE_NUMBER", "0300000001", "tel", [7])]})
    answer = search(out, HANAKO, key_file(out.parent))
    text = repr(answer) + json.dumps(answer.to_json(), ensure_ascii=False) + repr(answer.frame())
    assert not [value for value in ("山田", "花子", "0300000001", "0000-0001", "hanako", "丸の内", "丸ノ内") if value in text]
    assert not [str(match.fingerprint) for match in answer.matches if str(match.fingerprint) in text]
