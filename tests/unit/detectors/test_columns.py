"""Tables are judged by header and values together, over every row."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

from detectors.cells import Cells
from detectors.columns import TableScan
from detectors.names_data import EnglishNames, JapaneseNames
from scanner.model import Batch, Detection, DetectSettings, Slot

MAIL = re.compile(r"[a-z.]+@[a-z.]+\.[a-z]+", re.ASCII)
PHONE = re.compile(r"(?<!\d)0\d{1,3}-\d{2,4}-\d{4}(?![\dA-Z])", re.ASCII)


LEXICA = (SimpleNamespace(names=JapaneseNames()), SimpleNamespace(names=EnglishNames()))


class FakeEngine:
    """Finds e-mails, phones and 様-names in cells, and counts how often it is asked."""

    recognizers = LEXICA

    def __init__(self, **settings: object) -> None:
        self.settings = DetectSettings(**settings)  # type: ignore[arg-type]
        self.asked: list[str] = []

    def find_cell(
        self, value: str, entity_types: frozenset[str] | None = None, context: Sequence[str] = (), *, settled: bool = True
    ) -> list[Detection]:
        self.asked.append(value)
        found = [Detection("EMAIL_ADDRESS", *m.span(), 0.9, "intl.email", "rule") for m in MAIL.finditer(value)]
        found += [Detection("PHONE_NUMBER", *m.span(), 0.75, "jp.phone", "rule") for m in PHONE.finditer(value)]
        found += [Detection("PERSON", *m.span(1), 0.85, "person.ja", "person_ja") for m in re.finditer("(山田太郎|佐藤花子)", value)]
        return found

    def wants(self, entity_type: str) -> bool:
        return self.settings.entities is None or entity_type in self.settings.entities

    def threshold(self, entity_type: str) -> float:
        return self.settings.thresholds.get(entity_type, 0.5)


Found = dict[tuple[tuple[int, ...], str], list[tuple[int, str]]]


def batch(rows: Sequence[Sequence[str | None]]) -> Batch:
    columns = [pa.array([row[i] for row in rows], pa.string()) for i in range(len(rows[0]))]
    names = [str(i) for i in range(len(columns))]
    return Batch(pa.RecordBatch.from_arrays(columns, names=names), np.arange(2, len(rows) + 2, dtype=np.int64))


def scan(
    header: Sequence[str] | None, rows: Sequence[Sequence[str | None]], engine: FakeEngine | None = None, size: int = 10_000
) -> tuple[Mapping[Slot, float], Found]:
    table = TableScan(engine or FakeEngine(), header, None)
    found: Found = {}
    fed = []
    for start in range(0, len(rows), size):
        fed += [(start, hits) for hits in table.feed(batch(rows[start : start + size]))]
    stand = table.close()
    for start, hits in fed:
        assert hits.positions.dtype == np.int64
        assert (np.diff(hits.positions) >= 0).all()
        if hits.slot in stand:
            key = (hits.slot.columns, hits.slot.entity_type)
            found.setdefault(key, []).extend((start + p, v) for p, v in zip(hits.positions.tolist(), hits.values.to_pylist(), strict=True))
    return stand, found


def column(header: str | None, values: Sequence[str | None]) -> Found:
    return scan(None if header is None else (header,), [[value] for value in values])[1]


NAMES = ["山田 太郎", "佐藤 花子", "鈴木 一郎", "高橋 美咲", "田中 健太", "髙橋 陽子"]
KANA = ["ヤマダ タロウ", "サトウ ハナコ", "ｽｽﾞｷ ｲﾁﾛｳ", "タカハシ ミサキ", "タナカ ケンタ", "タカハシ ヨウコ"]
ADDRESSES = [f"東京都千代田区丸の内1-{n}-1" for n in range(1, 7)]
PHONES = [f"090-0000-{n:04}" for n in range(6)]
MAILS = [f"user{n}@example.co.jp" for n in range(6)]


def test_a_plain_customer_list_is_found_column_by_column_without_a_look_at_single_cells() -> None:
    engine = FakeEngine()
    rows = list(zip(["C-1", "C-2", "C-3", "C-4", "C-5", "C-6"], NAMES, KANA, ADDRESSES, PHONES, MAILS, strict=True))
    stand, found = scan(("顧客番号", "氏名", "フリガナ", "住所", "電話番号", "メールアドレス"), rows, engine)
    assert set(found) == {
        ((1,), "PERSON"), ((2,), "PERSON"), ((3,), "ADDRESS"), ((4,), "PHONE_NUMBER"), ((5,), "EMAIL_ADDRESS"),
    }  # fmt: skip
    assert all(len(values) == 6 for values in found.values())
    assert found[(1,), "PERSON"] == list(enumerate(NAMES))
    assert {slot.rule_id for slot in stand} == {"column.person", "column.person.kana", "column.address", "column.phone", "column.email"}
    assert engine.asked == []


def test_the_same_list_without_a_header_is_found_by_its_values() -> None:
    rows = list(zip(NAMES, ADDRESSES, PHONES, MAILS, strict=True))
    assert set(scan(None, rows)[1]) == {((0,), "PERSON"), ((1,), "ADDRESS"), ((2,), "PHONE_NUMBER"), ((3,), "EMAIL_ADDRESS")}


def test_an_english_list() -> None:
    rows = [("Mary", "Smith", "12 Main Street", "(202) 555-0143"), ("John", "Brown", "9 Oak Ave", "(202) 555-0144")] * 3
    _, found = scan(("first_name", "last_name", "street_address", "phone"), rows)
    assert found[(0, 1), "PERSON"][:2] == [(0, "Mary Smith"), (1, "John Brown")]
    assert set(found) == {((0, 1), "PERSON"), ((2,), "ADDRESS"), ((3,), "PHONE_NUMBER")}


def test_surname_and_given_name_are_one_person_and_their_kana_another_slot() -> None:
    rows = [("山田", "太郎", "ヤマダ", "タロウ"), ("佐藤", "花子", "サトウ", "ハナコ"), ("林", "", "ハヤシ", None)]
    stand, found = scan(("姓", "名", "セイ", "メイ"), rows)
    assert found[(0, 1), "PERSON"] == [(0, "山田 太郎"), (1, "佐藤 花子"), (2, "林")]
    assert found[(2, 3), "PERSON"] == [(0, "ヤマダ タロウ"), (1, "サトウ ハナコ"), (2, "ハヤシ")]
    assert {slot.rule_id for slot in stand} == {"column.person", "column.person.kana"}


def test_given_name_before_surname_and_honorifics_are_put_right() -> None:
    assert scan(("shimei",), [["山田 太郎 様"], ["佐藤花子さん"], ["鈴木一郎"]])[1][(0,), "PERSON"] == [
        (0, "山田 太郎"),
        (1, "佐藤花子"),
        (2, "鈴木一郎"),
    ]


@pytest.mark.parametrize(
    "header",
    [
        ("都道府県", "市区町村", "番地", "建物名"),
        ("pref", "city", "banchi", "tatemono"),
        ("住所_都道府県", "住所_市区町村", "住所_番地以下", "方書"),
    ],
)
def test_an_address_over_several_columns_is_one_address(header: tuple[str, ...]) -> None:
    rows = [("東京都", "千代田区", "丸の内1-1-1", ""), ("大阪府", "大阪市北区", "梅田2-2", "例ビル3F"), ("京都府", "京都市", "", "")]
    _, found = scan(header, rows)
    assert found == {((0, 1, 2, 3), "ADDRESS"): [(0, "東京都 千代田区 丸の内1-1-1"), (1, "大阪府 大阪市北区 梅田2-2 例ビル3F")]}


def test_first_and_second_line_of_an_address_are_one_address() -> None:
    _, found = scan(("住所１", "住所２"), [("東京都千代田区丸の内1-1", "例ビル"), ("大阪市北区梅田2-2", "")])
    assert found == {((0, 1), "ADDRESS"): [(0, "東京都千代田区丸の内1-1 例ビル"), (1, "大阪市北区梅田2-2")]}


def test_municipalities_alone_are_no_addresses() -> None:
    assert column("市区町村", ["千代田区", "大阪市", "京都市", "札幌市"]) == {}
    assert scan(("都道府県", "市区町村"), [("東京都", "千代田区"), ("大阪府", "大阪市"), ("京都府", "京都市")])[1] == {}
    assert column(None, ["東京都", "大阪府", "京都府", "北海道"]) == {}
    assert column("所在地", ["石川県", "東京都", "横浜市西区", "千葉県佐倉市", "千葉県佐倉市城内町117"]) == {
        ((0,), "ADDRESS"): [(4, "千葉県佐倉市城内町117")],
    }


def test_one_rare_email_in_a_column_of_remarks_is_found_in_the_last_batch() -> None:
    rows = [["特になし"]] * 30_000 + [["連絡は taro@example.com へ"]] + [["了解"]] * 10
    engine = FakeEngine()
    _, found = scan(("備考",), rows, engine)
    assert found == {((0,), "EMAIL_ADDRESS"): [(30_000, "taro@example.com")]}
    assert len(engine.asked) <= 3  # each distinct value once, however many rows and batches


def test_several_values_in_one_cell_and_repeated_cells() -> None:
    _, found = scan(("remarks",), [["a@example.com b@example.com"], ["none"], ["a@example.com b@example.com"]])
    assert found == {((0,), "EMAIL_ADDRESS"): [(0, "a@example.com"), (0, "b@example.com"), (2, "a@example.com"), (2, "b@example.com")]}


@pytest.mark.parametrize("header", ["注文番号", "order_no", "col_a", None])
def test_order_numbers_of_which_a_tenth_pass_the_check_digit_are_nothing(header: str | None) -> None:
    random.seed(1)
    assert column(header, [f"{random.randrange(10**11, 10**12)}" for _ in range(2_000)]) == {}


def my_number(body: int) -> str:
    digits = [int(c) for c in f"{body:011}"]
    rest = sum(d * w for d, w in zip(digits, (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2), strict=True)) % 11
    return f"{body:011}{0 if rest <= 1 else 11 - rest}"


def test_my_numbers_need_a_header_or_a_column_in_which_all_pass() -> None:
    good = [my_number(12_345_678_901 + 7919 * n) for n in range(40)]
    assert len(column("個人番号", good)[(0,), "JP_MY_NUMBER"]) == 40
    assert len(column(None, good)[(0,), "JP_MY_NUMBER"]) == 40
    assert column("注文番号", good) == {}
    assert column(None, good[:5]) == {}


def test_cards_need_a_header_or_a_column_in_which_all_pass_luhn() -> None:
    assert column("カード番号", ["4111-1111-1111-1111", "5555 5555 5555 4444"])[(0,), "CREDIT_CARD"][0] == (0, "4111-1111-1111-1111")
    random.seed(2)
    assert column("card_no", [f"4{random.randrange(10**15):015}" for _ in range(500)]) == {}
    assert column(None, [f"4{random.randrange(10**15):015}" for _ in range(500)]) == {}


@pytest.mark.parametrize(
    ("header", "values"),
    [
        ("品番", ["03-1234-5678", "03-1234-5679", "03-1234-5680", "03-1234-5681"]),
        ("part_no", ["03-1234-5678A", "03-1234-5679A", "03-1234-5680B"]),
        (None, ["03-1234-5678A", "03-1234-5679A", "03-1234-5680B"]),
        ("金額", ["1,000", "0312345678", "2500", "100000"]),
        (None, ["1,000", "12,345", "2500", "100000", "-3", "4.5%"]),
        (None, ["2024-01-02", "2024-02-03", "2024-03-04"]),
        ("登録日", ["1990-01-02", "1991-02-03", "1992-03-04"]),
        ("id", [f"{n:010}" for n in range(50)]),
        (None, [f"{n:010}" for n in range(50)]),
        ("会社名", ["鈴木", "本田", "山田商店", "佐藤花子", "株式会社山田太郎"]),
        ("company_name", ["John Smith", "Mary Brown", "James Wilson"]),
        ("場所", ["石川", "千葉", "長野", "福島"]),
        (None, ["石川", "千葉", "長野", "福島", "三沢"]),
        ("施設名", ["山田小学校", "佐藤記念公園", "山田太郎記念館"]),
        (None, ["中央小学校", "森林公園", "青葉図書館", "本町会館"]),
        ("name", ["りんごジュース", "消しゴム", "ノート", "コピー用紙"]),
        ("名前", ["会議室A", "倉庫", "プリンター", "受付"]),
        ("file_name", ["icon@2x.png", "logo@3x.jpg", "a.txt"]),
        ("氏名コード", ["A001", "A002", "A003"]),
        ("hotel", ["0312345678X", "Grand", "Park"]),
        ("email_flag", ["1", "0", "1"]),
        ("内線番号", ["1234", "2345", "3456"]),
        ("緯度", ["34.867212", "34.876026", "34.881"]),
    ],
)
def test_traps_hold_nothing(header: str | None, values: list[str]) -> None:
    assert column(header, values) == {}


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("電話番号", "03-1234-5678"), ("TEL1", "０３－１２３４－５６７８"), ("keitai", "09000001234"), ("電話", "(03)1234-5678"),
        ("phone", "+81 3 1234 5678"), ("mobile", "+44 7700 900123"), ("tel_no", "03ー1234ー5678"), ("連絡先", "090-0000-1234"),
    ],
)  # fmt: skip
def test_phones_under_their_headers(header: str, value: str) -> None:
    assert column(header, [value, "なし", ""]) == {((0,), "PHONE_NUMBER"): [(0, value)]}


def test_fax_by_its_header_and_birth_dates_only_with_one() -> None:
    assert column("FAX番号", ["03-1234-5678"]) == {((0,), "FAX_NUMBER"): [(0, "03-1234-5678")]}
    for value in ("1990-01-02", "平成2年1月2日", "S60.1.2", "19900102", "8/24/1970"):
        assert column("生年月日", [value]) == {((0,), "DATE_OF_BIRTH"): [(0, value)]}
        assert column("納品日", [value]) == {}


def test_ambiguous_headers_need_names_the_dictionaries_know() -> None:
    for header in ("name", "名前", "担当"):
        assert len(column(header, NAMES)[(0,), "PERSON"]) == 6
    assert len(column("name", ["John Smith", "Mary Brown", "James Wilson"])[(0,), "PERSON"]) == 3


def test_surnames_alone_are_enough_where_the_header_names_a_person() -> None:
    assert len(column("担当", ["鈴木", "佐藤", "高橋"])[(0,), "PERSON"]) == 3
    assert column("名前", ["石川", "千葉", "長野"]) == {}


def test_names_are_counted_over_all_rows_though_only_some_are_looked_up() -> None:
    """The dictionaries are asked about 256 names a batch, spread over it: whether the column holds names, not which cells do."""
    unknown = [f"{chr(0x5F41 + n)}{chr(0x5F41 + n // 40)}" for n in range(1_500)]
    known = [f"{surname} {given}" for surname in ("佐藤", "鈴木", "高橋") for given in ("太郎", "花子", "美咲")]
    values = unknown + [known[n % 9] + chr(0x4E00 + n) for n in range(1_500)]
    assert len(column("氏名", values)[(0,), "PERSON"]) == len(values)
    assert scan(("氏名",), [[value] for value in values], size=100)[1] == scan(("氏名",), [[value] for value in values])[1]


def test_a_form_has_its_labels_in_cells() -> None:
    rows = [("氏名", "山田太郎"), ("生年月日", "1990-01-02"), ("電話番号", "0312345678"), ("登録日", "2020-01-01")]
    _, found = scan(None, rows)
    assert found == {
        ((1,), "PERSON"): [(0, "山田太郎")], ((1,), "DATE_OF_BIRTH"): [(1, "1990-01-02")], ((1,), "PHONE_NUMBER"): [(2, "0312345678")],
    }  # fmt: skip


def test_a_phone_among_other_things_is_found_cell_by_cell() -> None:
    assert column(None, ["営業部", "03-1234-5678", "備品", "2024年度", "5F"]) == {((0,), "PHONE_NUMBER"): [(1, "03-1234-5678")]}


def test_how_rows_fall_into_batches_does_not_matter() -> None:
    rows = [[NAMES[n % 6], MAILS[n % 6], f"備考 {n}"] for n in range(90)]
    assert scan(("氏名", "mail", "備考"), rows)[1] == scan(("氏名", "mail", "備考"), rows, size=30)[1]


def test_settings_choose_entities_thresholds_and_allowed_values() -> None:
    rows = list(zip(NAMES, MAILS, strict=True))
    assert set(scan(("氏名", "mail"), rows, FakeEngine(entities=("PERSON",)))[1]) == {((0,), "PERSON")}
    assert set(scan(("氏名", "mail"), rows, FakeEngine(thresholds={"PERSON": 0.99}))[1]) == {((1,), "EMAIL_ADDRESS")}
    allowed = scan(("mail",), [[mail] for mail in MAILS], FakeEngine(allow=("USER1@example.co.jp",)))[1]
    assert [value for _, value in allowed[(0,), "EMAIL_ADDRESS"]] == [mail for mail in MAILS if mail != "user1@example.co.jp"]


def test_empty_columns_and_tables() -> None:
    assert scan(("氏名",), [[None], [""], [" "]])[1] == {}
    assert TableScan(FakeEngine(), ("氏名",), None).close() == {}
    assert scan(("姓", "名", "住所1", "住所2"), [["", None, "", None]] * 3)[1] == {}
    assert scan((), [[None], ["taro@example.com"]])[1] == {((0,), "EMAIL_ADDRESS"): [(1, "taro@example.com")]}


def test_few_values_and_many_are_judged_alike() -> None:
    """Few go through RE2 itself, many through Arrow's kernels."""
    values = [
        *NAMES,
        *KANA,
        *ADDRESSES,
        *PHONES,
        *MAILS,
        "icon@2x.png",
        "1990-01-02",
        "なし",
        "4111 1111 1111 1111",
        "123456789018",
        "12 Main Street",
        "A-1",
        "株式会社鈴木",
    ]
    few = Cells.of(pa.array(values))
    many = Cells.of(pa.array([*values, *(f"x{n}" for n in range(1_000))]))
    for judge in (
        "email",
        "phone_headed",
        "phone_written",
        "date",
        "number",
        "nothing",
        "address_shaped",
        "address_headed",
        "name_shaped",
        "kana",
    ):
        assert getattr(few, judge)().tolist() == getattr(many, judge)()[: len(values)].tolist(), judge
    assert [mask.tolist() for mask in few.card()] == [mask[: len(values)].tolist() for mask in many.card()]
