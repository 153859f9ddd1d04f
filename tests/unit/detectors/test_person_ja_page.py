"""Japanese names by their place on a page: columns, readings, forms, conversations, full names; and what stands there but is nobody."""

from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies

from detectors import engine, person_ja_page
from detectors.person_ja import JapanesePersonRecognizer
from scanner.model import DetectSettings

RECOGNIZER = JapanesePersonRecognizer(DetectSettings())
ENGINES = tuple(engine.load(DetectSettings(entities=("PERSON",)), screened=screened) for screened in (True, False))


def found(text: str, least: float = 0.5) -> list[str]:
    return [text[r.start : r.end] for r in RECOGNIZER.analyze(text, ["PERSON"]) if r.score >= least]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("姓,名,セイ,メイ\n原,葵,ハラ,アオイ\n佐藤,陽翔,サトウ,ハルト", ["原", "葵", "ハラ", "アオイ", "佐藤", "陽翔", "サトウ", "ハルト"]),
        ("1,佐藤,花子,090-0000-0001\n2,鈴木,一郎,090-0000-0002", ["佐藤", "花子", "鈴木", "一郎"]),
        ("氏;名\n石川;陽子\n千葉;太郎", ["石川", "陽子", "千葉", "太郎"]),
        ('"佐藤","花子","東京"\n"鈴木","一郎","大阪"', ["佐藤", "花子", "鈴木", "一郎"]),
        ("氏名 早番 遅番\n佐藤 9:00 10:00\n森 9:30 11:00", ["佐藤", "森"]),
        ("9:00 (株)山本商店 佐藤花子様 水野\n9:30 林通商(株) 鈴木一郎様 桜井", ["佐藤花子", "水野", "鈴木一郎", "桜井"]),
        ("No,Name,氏名\n1,Aoi Hara,原 葵\n2,Hanako Sato,佐藤花子", ["Aoi Hara", "原 葵", "Hanako Sato", "佐藤花子"]),
        ("・佐藤花子(サトウハナコ) 経理課\n・東海林凛(ショウジリン) 総務課", ["佐藤花子", "サトウハナコ", "東海林凛", "ショウジリン"]),
    ],
)
def test_columns_of_tables_in_text(text: str, names: list[str]) -> None:
    assert found(text) == names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("楠隆 クスノキタカシ", ["楠隆", "クスノキタカシ"]),
        ("フリガナ\nサトウハナコ\n氏名\n佐藤花子", ["サトウハナコ", "佐藤花子"]),
        ("すずきいちろう\n鈴木一郎", ["すずきいちろう", "鈴木一郎"]),
        ("フリガナ:ﾊｾｶﾞﾜﾕｲ", ["ﾊｾｶﾞﾜﾕｲ"]),
        ("千葉 慎吾 / Shingo Chiba", ["千葉 慎吾", "Shingo Chiba"]),
    ],
)
def test_names_beside_their_readings(text: str, names: list[str]) -> None:
    assert found(text) == names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("報告者 総務部 野口", ["野口"]),
        ("担当医 井上", ["井上"]),
        ("相手方 辻湊、静岡県", ["辻湊"]),
        ("起案 製造課 坂本  承認 営業部 阿部", ["坂本", "阿部"]),
        ("総務部 野口 内線12", ["野口"]),
        ("貸主 東海林凛(以下「甲」)", ["東海林凛"]),
        ("酒井 080-0000-0001\n丸山 070-0000-0002", ["酒井", "丸山"]),
        ("・五十嵐(080-0000-0001)\n・茂木(090-0000-0002)", ["五十嵐", "茂木"]),
        ("13:51 水野: おはようございます\n15:57 遠藤: 了解です", ["水野", "遠藤"]),
        ("佐藤花子 10:22\n届きました\n森 10:30\n了解", ["佐藤花子", "森"]),
        ("早番:佐藤、森\n遅番:遠藤、原", ["佐藤", "森", "遠藤", "原"]),
        ("いつもお世話になっております。\n山本商店の山﨑です。", ["山﨑"]),
        ("詳しくは担当の高木までお願いします。", ["高木"]),
        ("昨日、丸山主査が横浜へ向かった。五十嵐参事も同行。", ["丸山", "五十嵐"]),
        ("FN:木村智也\nN:木村;智也;;;\nSOUND:ｷﾑﾗ ﾄﾓﾔ", ["木村智也", "木村", "智也", "ｷﾑﾗ ﾄﾓﾔ"]),
        ("佐藤花子\n〒100-0001 東京都千代田区1-1", ["佐藤花子"]),
        ("出席者:佐藤花子、南修\n・佐藤より、在庫の報告。\n・南から、提案。", ["佐藤花子", "南修", "佐藤", "南"]),
        ('From: "東海林 凛" <rin@example.co.jp>', ["東海林 凛"]),
    ],
)
def test_forms_conversations_and_sentences(text: str, names: list[str]) -> None:
    assert found(text) == names


@pytest.mark.parametrize(
    "text",
    [
        "拠点,売上,台数\n千葉,100,2\n石川,200,3\n長野,300,4",
        "千葉 045-000-0001\n長野 026-000-0002",
        "千葉 3個 9:00\n福島 4個 9:30\n石川 5個 9:40",
        "出荷元 長野\n納入先 千葉営業所\n品名 ボルト",
        "仕入先,所在地,担当\n(株)山本商店,横浜,未定\n林通商(株),福岡,未定",
        "・六角ボルト(A-1)\n・平座金(B-2)",
        "議事録\n営業会議\n在庫状況",
        "営業部 マネージャー",
        "皆様\n各位様",
        "(株)三田村工業を訪問。三田村工業(株)へ連絡。",
        "10:00 横浜: 晴れ\n10:00 千葉: 雨",
        "経由:千葉、長野",
    ],
)
def test_places_companies_and_things_on_a_page_are_nobody(text: str) -> None:
    assert found(text) == []


def test_a_surname_of_a_company_named_in_full_is_not_its_bearer() -> None:
    assert found("佐藤花子様\n株式会社佐藤へ連絡。佐藤商店も同じ。") == ["佐藤花子"]


LINES = strategies.sampled_from(
    ["姓,名", "佐藤,花子", "鈴木,一郎,1", "楠隆 クスノキタカシ", "9:00 林: はい", "13:51 水野: 了解", "報告者 総務部 野口", "",
     "Aoi Hara", "原 葵", "酒井 080-0000-0001", "お世話になっております。林です。", "a|b", "N:林;葵;;;", "Hi,", "佐藤主査が", "\ud800"]
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(strategies.lists(LINES, max_size=8).map("\n".join))
def test_pages_screened_and_unscreened_agree(text: str) -> None:
    screened, unscreened = (each.find(text) for each in ENGINES)
    assert screened == unscreened
    assert [each.take_problems() for each in ENGINES] == [[], []]


@settings(max_examples=60, deadline=None)
@given(strategies.lists(LINES, max_size=8).map("\n".join))
def test_claims_of_a_page_do_not_overlap(text: str) -> None:
    end = 0
    for claim in sorted(RECOGNIZER.page_claims(text)):
        assert end <= claim.start < claim.end <= len(text)
        end = claim.end


@settings(max_examples=200, deadline=None)
@given(
    strategies.lists(
        strategies.sampled_from([*"はのでとがもかよ、。 　\n3", "担当は", "部長の", "お世話になります", "です", "リーダー", "より"]),
        max_size=4,
    ),
    strategies.sampled_from(["佐藤", "東海林", "森"]),
    strategies.lists(strategies.sampled_from([*"はのでとがもかよ、。 　\n", "です", "と申します", "チーフ", "から、"]), max_size=3),
)
def test_a_surname_that_words_beside_it_speak_for_is_never_passed_over_unread(before: list[str], name: str, after: list[str]) -> None:
    start = len("".join(before))
    text = "".join([*before, name, *after])
    page = RECOGNIZER._page
    if page._spoken_of(text, start, start + len(name)):
        assert person_ja_page._may_be_spoken_of(text, start, start + len(name))


@pytest.mark.parametrize(
    ("before", "name", "after"),
    [
        ("部長の", "佐藤", "より"),
        ("担当は", "佐藤", "です"),
        ("会議。", "東海林", "が確認した"),
        ("会議。", "東海林", "から、"),
        ("会議。", "東海林", "は帰った"),
        ("会議。", "東海林", "も帰った"),
        ("お世話になっております。", "佐藤", "です"),
        ("お世話になっております。", "佐藤", "と申します"),
        ("会う", "佐藤", "チーフ"),
    ],
)
def test_each_way_to_speak_for_a_surname_is_seen_beside_it(before: str, name: str, after: str) -> None:
    text, start = before + name + after, len(before)
    assert RECOGNIZER._page._spoken_of(text, start, start + len(name))
    assert person_ja_page._may_be_spoken_of(text, start, start + len(name))
