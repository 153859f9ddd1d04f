"""Japanese addresses in all written forms, exact spans, and what is no address."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.address_ja import AddressJaRecognizer

READER = AddressJaRecognizer()


def found(text: str) -> list[str]:
    return [text[item.start : item.end] for item in READER.analyze(text, ["ADDRESS"]) if item.score >= 0.5]


@pytest.mark.parametrize(
    "address",
    [
        "東京都千代田区丸の内1-2-3",
        "東京都千代田区丸の内１丁目２番３号",
        "東京都千代田区丸の内一丁目二番三号",
        "東京都千代田区丸の内１ー２ー３",
        "東京都 千代田区 丸の内1丁目2-3",
        "千代田区丸の内1-2-3",
        "神南一丁目2番3号",
        "港区芝公園4−2−8",
        "神奈川県横浜市保土ヶ谷区川島町585-5",
        "神奈川県横浜市保土ケ谷区川島町585-5",
        "北海道札幌市中央区北1条西2丁目",
        "北海道空知郡南幌町栄町3丁目2番1号",
        "北海道南幌町栄町3丁目2番1号",
        "岩手県盛岡市繋第10地割123",
        "長野県長野市大字南長野字幅下692-2",
        "京都府京都市中京区寺町通御池上る上本能寺前町488番地",
        "静岡県焼津市越後島206番地の1",
        "大阪府堺市堺区熊野町東3丁1-9",
        "石川県金沢市鞍月1丁目1番地",
        "静岡県下小田1-5",
        "京都府京都市 下京区上之町999",
        "岩手花巻市１２丁目７０４",
        "下江留字中1402-1",
        "鰯ｹ島136-26",
        "西小川3の1の5",
        "東京都千代田区丸の内1-2-3 見本ビル5F",
        "東京都千代田区丸の内1-2-3コーポ見本101",
        "愛知県名古屋市中区三の丸3-1-2　サンプルハイツ203号室",
    ],
)
def test_exact_spans_alone_and_in_a_sentence(address: str) -> None:
    assert found(address) == [address]
    assert found(f"住所は「{address}」です。") == [address]
    assert found(f"山田,{address},090-0000-1234") == [address]


@pytest.mark.parametrize(
    "text",
    [
        "東京都に行く", "石川さんは千葉へ行った", "東京都渋谷区では3人が増えた", "横浜市の人口は377万人", "2024年10月1日 中央区2回目",
        "大阪市で3件",
        "町田1回戦", "令和3年度 長野市", "平成28年4月1日、熊本市", "中央区役所", "第3条第2項", "本町駅 3番出口"[:3],
    ],
)  # fmt: skip
def test_no_address(text: str) -> None:
    assert found(text) == []


def test_a_phone_after_an_address_is_not_part_of_it() -> None:
    assert found("千葉県千葉市中央区千葉港1-1 TEL 043-000-1234") == ["千葉県千葉市中央区千葉港1-1"]


@pytest.mark.parametrize(
    ("building", "rest"),
    [
        ("パークタワー柏", ""), ("メゾン・ド・梅", ",090"), (" コーポ朝日", "へ発送"),
        (" レジデンス北", "付近の交差点"), ("パークタワー柏402", "\n"),
        (" タワー柏3F", "\nTel"), ("ハイツ緑", "様"),
        ("", " ガーデン商会の山田"), ("", " ヤマダタロウ"), ("", " グリーン産業株式会社 御中"),
    ],
)  # fmt: skip
def test_the_name_of_a_building_may_go_on_behind_its_word(building: str, rest: str) -> None:
    assert found(f"広島県広島市東区中山北町3-2-2{building}{rest}") == [f"広島県広島市東区中山北町3-2-2{building}"]


def test_addresses_of_a_list_are_read_one_by_one() -> None:
    assert found("渋谷区神南1-2、東京都渋谷区神南3-4、渋谷区神南、東京都港区芝5-6") == [
        "渋谷区神南1-2",
        "東京都渋谷区神南3-4",
        "東京都港区芝5-6",
    ]


def test_a_place_without_a_number_stands_only_where_no_address_covers_it() -> None:
    text = "東京都渋谷区神南1-2-3です。渋谷区神南です。" * 3
    spans = [text[item.start : item.end] for item in READER.analyze(text, ["ADDRESS"])]
    assert spans == ["東京都渋谷区神南1-2-3", "渋谷区神南"] * 3


def test_the_score_tells_how_deep_it_matched() -> None:
    def best(text: str) -> float:
        return max((item.score for item in READER.analyze(text, ["ADDRESS"])), default=0.0)

    assert best("東京都千代田区丸の内1-2-3") > best("丸の内1-2-3") > best("東京都千代田区丸の内") > best("千代田区") > 0


def test_a_header_that_says_address_makes_a_town_enough() -> None:
    (item,) = READER.analyze_cell("東京都千代田区丸の内", ("住所",))
    assert item.score >= 0.5
    assert all(item.score < 0.5 for item in READER.analyze_cell("東京都千代田区丸の内", ("備考",)))


@settings(max_examples=150, deadline=None)
@given(st.text("東京都千代田区丸の内市町村字一二三123０－-ー の号番地丁目県郡上る条ヶ,\n", max_size=60))
def test_any_text_gives_spans_inside_it_in_order(text: str) -> None:
    spans = sorted((item.start, item.end) for item in READER.analyze(text, ["ADDRESS"]))
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert all(a[1] <= b[0] for a, b in pairwise(spans))
