"""Writing forms of names: what a query finds of what people write, and that no form of another person slips in."""

from __future__ import annotations

import pytest

from scanner.find.names import Names
from scanner.find.romaji import readings, spellings
from scanner.redact import normalise

NAMES = Names()


@pytest.mark.parametrize(
    ("query", "written"),
    [
        (
            "山田 花子",
            ["山田花子", "山田　花子様", "ヤマダ ハナコ", "ﾔﾏﾀﾞﾊﾅｺ", "やまだ はなこ", "Hanako Yamada", "YAMADA, Hanako", "YamadaHanako"],
        ),
        ("山田花子", ["ヤマダハナコ", "Ms. Hanako Yamada"]),
        ("大野裕子", ["オオノ ユウコ", "オオノヒロコ", "Yūko Ōno", "Ohno Yuko", "Yuuko Oono", "ONO HIROKO"]),
        ("大野裕子様", ["大野 裕子", "Ono Yuko"]),
        ("髙橋健", ["高橋 健", "高橋健氏", "タカハシ ケン", "Takeshi Takahashi", "Takahasi Takesi"]),
        ("齋藤 純一", ["斎藤純一", "斉藤純一", "Junichi Saito", "Jun'ichi Saitoh", "Zyuniti Saito"]),
        ("中島 さくら", ["ナカシマ サクラ", "Sakura Nakajima"]),
        ("ヤマダ ハナコ", ["Hanako Yamada", "山田 花子のかな".replace("のかな", "") and "やまだはなこ"]),
        ("Shoko Ito", ["イトウ ショウコ", "Shouko Itoh", "Syoko Ito"]),
        ("John Smith", ["Smith, John", "Mr John Smith", "John Q. Smith"]),
        ("John Quincy Smith", ["John Smith", "John Q Smith"]),
        ("田中", ["タナカ", "Tanaka"]),
    ],
)
def test_a_query_has_the_form_that_people_write(query: str, written: list[str]) -> None:
    forms = NAMES.forms(query)
    missing = [one for one in written if normalise("PERSON", one) not in forms]
    assert not missing


@pytest.mark.parametrize(
    ("query", "others"),
    [
        ("山田 花子", ["山田 華子", "山本 花子", "ヤマダ ハナエ", "Hana Yamada", "山田", "花子", "Taro Yamada"]),
        ("斎藤 純一", ["佐藤 純一", "Junji Saito"]),
        ("John Smith", ["Jon Smith", "John Smithson", "Jane Smith"]),
    ],
)
def test_a_query_has_no_form_of_others(query: str, others: list[str]) -> None:
    forms = NAMES.forms(query)
    assert not [one for one in others if normalise("PERSON", one) in forms]


def test_the_given_form_comes_first_and_is_exact() -> None:
    assert next(iter(NAMES.forms("髙橋 健").items())) == ("高橋健", "exact")


@pytest.mark.parametrize(("query", "written"), [("ヤマダ ハナコ", "山田 花子"), ("Hanako Yamada", "山田 花子"), ("Yuko Ono", "大野 裕子")])
def test_kana_and_latin_letters_lead_to_kanji(query: str, written: str) -> None:
    assert normalise("PERSON", written) in NAMES.kanji(query)
    assert normalise("PERSON", "山本 太郎") not in NAMES.kanji(query)


def test_kanji_lead_to_no_other_kanji() -> None:
    assert NAMES.kanji("山田 花子") == {}


@pytest.mark.parametrize(
    ("name", "whole"),
    [("山田 花子", True), ("山田花子", True), ("ヤマダハナコ", True), ("田中", False), ("長谷川", False), ("Tanaka", False)],
)
def test_a_surname_alone_is_known_as_such(name: str, whole: bool) -> None:
    assert NAMES.is_whole(name) is whole


@pytest.mark.parametrize(
    ("reading", "common"),
    [
        ("オオノ", {"ono", "ohno", "oono"}),
        ("ショウコ", {"shoko", "shouko", "syoko", "shohko"}),
        ("ジュンイチ", {"junichi", "jun'ichi", "zyuniti"}),
        ("ナンバ", {"nanba", "namba"}),
        ("ハットリ", {"hattori"}),
        ("ハッチョウ", {"hatcho", "hattyo"}),
        ("ツヅキ", {"tsuzuki", "tuzuki", "tuduki"}),
        ("イイダ", {"iida"}),
    ],
)
def test_spellings_of_readings(reading: str, common: set[str]) -> None:
    found = spellings(reading)
    assert common <= set(found)
    assert all(reading in readings(word) for word in common), "and back again"


def test_what_is_no_reading_has_no_spelling() -> None:
    assert spellings("山田") == spellings("abc") == spellings("ッ") == []
