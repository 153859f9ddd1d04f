"""Headers are read by token: each kind in Japanese, English and coded names, and the words that only look like them."""

from __future__ import annotations

import pytest

from detectors.header import UNKNOWN, meaning


@pytest.mark.parametrize(
    ("headers", "entity", "part"),
    [
        ("氏名 お名前 担当者名 患者氏名 顧客名 お客様名 氏名(漢字) shimei "
            "customer_name contactName cust_nm 取引先担当者名 full_name 議員氏名", "PERSON", "full"),
        ("姓 苗字 sei surname last_name LastName familyName", "PERSON", "surname"),
        ("mei given_name firstName FIRST_NAME fname", "PERSON", "given"),
        ("フリガナ ﾌﾘｶﾞﾅ ふりがな 氏名カナ 氏名（フリガナ） 読み方 furigana", "PERSON", "full_kana"),
        ("姓カナ セイ sei_kana 姓(カナ)", "PERSON", "surname_kana"),
        ("メイ mei_kana", "PERSON", "given_kana"),
        ("名前 name NAME 名 nm", "PERSON", "name"),
        ("電話番号 電話番号１ TEL tel1 tel_no 携帯 keitai 携帯電話番号 自宅電話 "
            "施設電話番号 phone_number mobileNo Telephone 電話/FAX 緊急連絡先電話番号", "PHONE_NUMBER", ""),
        ("FAX fax_no FAX番号 ファックス ＦＡＸ 電話番号(FAX)", "FAX_NUMBER", ""),
        ("メールアドレス e-mail E-Mail２ mail_addr ml email メール EmailAddress customerEmail", "EMAIL_ADDRESS", ""),
        ("住所 住所１ addr1 jusho 送付先住所 会社住所 所在地 所在地_連結表記 address StreetAddress 住所（位置情報）", "ADDRESS", "full"),
        ("都道府県 pref todofuken 所在地_都道府県 state", "ADDRESS", "prefecture"),
        ("市区町村 市区町村名 city", "ADDRESS", "city"),
        ("番地 所在地_番地以下 banchi", "ADDRESS", "street"),
        ("建物名 方書 建物名等(方書) building", "ADDRESS", "building"),
        ("郵便番号 zip zip_cd ZipCode postal_code yubin 〒", "JP_POSTAL_CODE", ""),
        ("生年月日 birth_dt birthday seinengappi dob date_of_birth 生年月日(西暦)", "DATE_OF_BIRTH", ""),
        ("マイナンバー 個人番号 my_number kojinbango", "JP_MY_NUMBER", ""),
        ("カード番号 card_no creditCard", "CREDIT_CARD", ""),
        ("運転免許証番号", "JP_DRIVER_LICENSE", ""),
        ("パスポート番号 passport_no", "JP_PASSPORT", ""),
        ("基礎年金番号", "JP_PENSION_NUMBER", ""),
        ("在留カード番号", "JP_RESIDENCE_CARD", ""),
        ("口座番号", "JP_BANK_ACCOUNT", ""),
    ],
)  # fmt: skip
def test_what_headers_mean(headers: str, entity: str, part: str) -> None:
    for header in headers.split():
        found = meaning(header)
        assert (header, found.entity_type, found.part) == (header, entity, part)
        assert found.confidence >= 0.5


@pytest.mark.parametrize(
    "header",
    [
        "acid", "cid", "hotel", "motel", "filenamed", "thumbnail", "surnamed", "SSID", "placid", "gmailify", "手机", "名簿",
        "col3",
    ],
)  # fmt: skip
def test_words_that_hold_another_word_mean_nothing(header: str) -> None:
    assert meaning(header) == UNKNOWN


@pytest.mark.parametrize(
    "header",
    [
        "会社名", "商品名", "店名", "施設名", "product_name", "filename", "username", "事業者名カナ", "名称", "名称_カナ",
        "得意先名", "団体名", "shohin_mei", "company", "Title", "domain_name", "学校名", "部署名",
    ],
)  # fmt: skip
def test_other_names_bar_persons(header: str) -> None:
    assert meaning(header).entity_type is None
    assert meaning(header).bars("PERSON")


@pytest.mark.parametrize(
    "header",
    [
        "品番", "order_no", "注文番号", "顧客番号", "Customer_ID", "email_flag", "メール配信可否", "電話番号種別", "phone_type",
        "ip_address", "mac_address", "氏名コード", "町字ID", "登録日", "金額", "緯度", "url", "内線番号",
    ],
)  # fmt: skip
def test_codes_bar_everything_but_an_email(header: str) -> None:
    found = meaning(header)
    assert found.entity_type is None
    assert all(found.bars(entity) for entity in ("PERSON", "PHONE_NUMBER", "ADDRESS", "JP_MY_NUMBER"))
    assert not found.bars("EMAIL_ADDRESS")


@pytest.mark.parametrize(
    "header",
    [
        "備考", "備考欄", "メモ", "remarks", "memo", "特記事項", "Notes", "問合せ内容", "comment", "連絡先", "氏名・住所",
    ],
)  # fmt: skip
def test_free_text(header: str) -> None:
    assert meaning(header).is_free_text


def test_a_number_behind_the_word_is_kept() -> None:
    assert [meaning(header).index for header in ("住所１", "addr2", "tel03", "住所")] == [1, 2, 3, None]


@pytest.mark.parametrize("header", ["", "   ", "\ud800", "a" * 5_000, "山田太郎様にお送りする" * 20, "()", "☎", "12", "\x00"])
def test_odd_headers_mean_nothing(header: str) -> None:
    assert meaning(header).entity_type is None
