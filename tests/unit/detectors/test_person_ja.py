"""Japanese names: found in every script, with exact spans, and not where the same words are places, companies or things."""

from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies

from detectors import person_ja
from detectors.names_data import katakana
from detectors.person_ja import JapanesePersonRecognizer
from scanner.model import DetectSettings

RECOGNIZER = JapanesePersonRecognizer(DetectSettings())


def found(text: str, least: float = 0.5) -> list[str]:
    return [text[r.start : r.end] for r in RECOGNIZER.analyze(text, ["PERSON"]) if r.score >= least]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("山田太郎", ["山田太郎"]),
        ("山田　太郎 様", ["山田　太郎"]),
        ("髙橋 花子", ["髙橋 花子"]),
        ("山﨑さん、齋藤先生、渡邉部長", ["山﨑", "齋藤", "渡邉"]),
        ("五十嵐健です", ["五十嵐健"]),
        ("佐藤花子に連絡した。", ["佐藤花子"]),
        ("斎藤　桜", ["斎藤　桜"]),
        ("山崎 はるか", ["山崎 はるか"]),
        ("千葉 雄大", ["千葉 雄大"]),
        ("石川 遼", ["石川 遼"]),
        ("佐藤心春様", ["佐藤心春"]),
        ("ヤマダ タロウ", ["ヤマダ タロウ"]),
        ("ﾔﾏﾀﾞ ﾀﾛｳ", ["ﾔﾏﾀﾞ ﾀﾛｳ"]),
        ("サトウハナコ", ["サトウハナコ"]),
        ("1,やまだ たろう,東京", ["やまだ たろう"]),
        ("メアリー・スミスさん", ["メアリー・スミス"]),
        ("Yamada Taro", ["Yamada Taro"]),
        ("YAMADA Hanako", ["YAMADA Hanako"]),
        ("Satō Yūko", ["Satō Yūko"]),
        ("Taroh Satoh", ["Taroh Satoh"]),
        ("Sinzi Tanaka", ["Sinzi Tanaka"]),
        ("田中さんと鈴木さん", ["田中", "鈴木"]),
        ("東 様", ["東"]),
        ("林さん", ["林"]),
        ("担当：林", ["林"]),
        ("担当者：営業部 鈴木", ["鈴木"]),
        ("氏名：小鳥遊 心春", ["小鳥遊 心春"]),
        ("氏名 山田太郎 電話 03-1234-5678", ["山田太郎"]),
        ("お名前（漢字）： 山田 太郎 様", ["山田 太郎"]),
        ("フリガナ：ヤマダ タロウ", ["ヤマダ タロウ"]),
        ("1,山田太郎,東京都,090-0000-0001", ["山田太郎"]),
    ],
)
def test_names_with_exact_spans(text: str, names: list[str]) -> None:
    assert found(text) == names


@pytest.mark.parametrize(
    "text",
    [
        "鈴木製作所", "株式会社本田", "㈱山田", "株式会社山田太郎商店", "小林製薬", "石川県金沢市", "千葉市", "長野駅", "中村橋",
        "山田太郎記念館", "森林公園", "林道", "林", "東", "森", "平成3年", "令和元年", "お客様", "皆様", "御社 神様 王様",
        "担当：未定", "担当：総務部", "氏名：なし", "氏名：株式会社鈴木", "静岡県焼津市本町2丁目16-32", "本田2丁目",
        "明治安田生命", "ファミリー・サポート・センター", "コーヒー・ゼリー", "Toyota Motor", "Tokyo Station",
        "Honda Suzuki Co., Ltd.", "Mine Same", "小学校 公園",
    ],
)  # fmt: skip
def test_places_companies_and_things_are_no_persons(text: str) -> None:
    assert found(text) == []


def test_the_score_tells_the_evidence() -> None:
    def score(text: str) -> float:
        return max(float(r.score) for r in RECOGNIZER.analyze(text, ["PERSON"]))

    assert score("担当：鈴木") > score("鈴木一郎") > score("鈴木さん") > 0.5 > score("鈴木")


def test_other_entities_are_not_answered_and_results_carry_their_rule() -> None:
    assert RECOGNIZER.analyze("山田太郎", ["PHONE_NUMBER"]) == []
    metadata = RECOGNIZER.analyze("山田太郎", ["PERSON"])[0].recognition_metadata
    assert metadata is not None and metadata["rule_id"] == "person.ja"


def test_offsets_hold_over_lines_and_odd_characters() -> None:
    text = "一行目\r\n𠮷\ud800 山田太郎\u2028氏名：佐藤 花子\n"
    assert found(text) == ["山田太郎", "佐藤 花子"]


@settings(max_examples=60, deadline=None)
@given(strategies.text(alphabet=strategies.sampled_from("山田太郎様 　ヤマダﾔﾏさん株式会社：氏名TaroYamada,.・\n\ud800(（"), max_size=60))
def test_any_text_gives_spans_inside_it_that_do_not_overlap(text: str) -> None:
    end = 0
    for line_found in sorted((r.start, r.end, r.score) for r in RECOGNIZER.analyze(text, ["PERSON"])):
        assert end <= line_found[0] < line_found[1] <= len(text)
        assert 0 < line_found[2] <= 1
        end = line_found[1]


def test_a_model_that_is_not_installed_is_said_at_load() -> None:
    with pytest.raises(ValueError, match=r"'ja_no_such_model' .for 'ja'. is not installed"):
        JapanesePersonRecognizer(DetectSettings(spacy_models={"ja": "ja_no_such_model"}))


def test_a_word_behind_a_rare_surname_is_no_given_name() -> None:
    assert found("03-0000-0001,平座金,7") == []
    assert found("1,田中学,7") == ["田中学"]


def test_offsets_hold_in_rows_whose_ends_are_ascii() -> None:
    assert found("C0001,a b,山田 太郎,aa@example.co.jp,12") == ["山田 太郎"]
    assert found("C0001,山田 太郎") == ["山田 太郎"]
    assert found("山田 太郎\tx") == ["山田 太郎"]


def test_a_very_long_run_of_names_is_read_like_any_line() -> None:
    assert len(found("山田太郎様、" * 600)) == 600


def test_words_of_office_end_as_the_short_way_says() -> None:
    words = [
        *person_ja._HONORIFIC.split("|"),
        *person_ja._TITLES.split("|"),
        "外務大臣",
        "担当相",
        "外相",
        "長官",
        "総長",
        "司令",
        "司令官",
    ]
    words += ["大将", "中佐", "監督", "議員", "知事", "市長", "委員長", "教授", "選手", "記者"]
    for word in words:
        assert person_ja._AFTER_PERSON.fullmatch(word) or person_ja._OFFICE_NEXT.fullmatch(word)
        assert word[-1] in person_ja._OFFICE_LAST


def test_no_reading_begins_with_kanji() -> None:
    names = RECOGNIZER.names
    assert not any(person_ja._PLAIN_KANJI.match(reading) for reading in names.surname_readings | names.given_readings)
    every = "".join(map(chr, range(0x4E00, 0xA000)))
    assert katakana(every) == every


def test_lines_met_before_are_judged_as_at_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(person_ja, "_LINES_KEPT", 3)
    lines = [
        "昨日、山田太郎が来た。",
        "担当は佐藤様です。",
        "会議を行った。",
        "鈴木一郎、大阪支店",
        "昨日、山田太郎が来た。",
        "会議を行った。",
    ]
    fresh = []
    for line in lines:
        RECOGNIZER._read_lines.clear()
        RECOGNIZER._read.clear()
        fresh.append(RECOGNIZER.claims(line))
    assert [len(claims) for claims in fresh] == [1, 1, 0, 1, 1, 0]
    for _ in range(2):
        assert [RECOGNIZER.claims(line) for line in lines] == fresh
        assert [list(claims) for claims in RECOGNIZER._remembered([*lines, *lines])] == [*fresh, *fresh]
