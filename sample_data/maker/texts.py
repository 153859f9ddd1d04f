"""Texts, logs and source code with personal data in them, in every encoding Japan and Britain use."""

from __future__ import annotations

import codecs
from collections.abc import Iterator

from .people import CLIENTS, INOUE, KIMURA, KOBAYASHI, MATSUMOTO, NAKAMURA, SAITO, SASAKI, SHIMIZU, TAKAHASHI, WATANABE, YAMAGUCHI
from .share import Made, Plant, marked

EMILY, DANIEL, OLIVIA, THOMAS, *_ = CLIENTS


def made() -> Iterator[Made]:
    yield _text("leaky/総務/緊急連絡網.txt", CALL_TREE, "utf-8-sig", "utf-8-sig", newline="\r\n")
    yield _text("leaky/営業/訪問メモ.txt", VISIT, "cp932", "cp932", newline="\r\n")
    yield _text("leaky/営業/旧顧客メモ.txt", OLD_CLIENTS, "euc_jp", "euc-jp")
    yield _text("leaky/営業/議事録_jis.txt", MINUTES, "iso2022_jp", "iso-2022-jp")
    yield _text("leaky/営業/修理受付.txt", REPAIR, "cp932", "cp932")
    yield _text("leaky/営業/utf16le.txt", ORDER, "utf-16-le", "utf-16-le", newline="\r\n", bom=codecs.BOM_UTF16_LE)
    yield _text("leaky/営業/utf16be.txt", COMPLAINT, "utf-16-be", "utf-16-be", newline="\r\n", bom=codecs.BOM_UTF16_BE)
    yield _text("leaky/london/visitors.txt", VISITORS, "cp1252", "windows-1252", newline="\r\n")
    yield _text("leaky/london/dinner.txt", DINNER, "latin-1", "latin-1")
    yield _text("leaky/london/handover.md", HANDOVER, "utf-8", "utf-8")
    yield _text("leaky/london/press-release.txt", PRESS, "utf-8", "utf-8", verdict="clean")
    yield _text("leaky/london/出張メモ.txt", TRAVEL, "utf-8", "utf-8")
    yield _text("leaky/logs/webapp.log", WEB_LOG, "utf-8", "utf-8")
    yield _text("leaky/src/seed_users.py", SEED, "utf-8", "utf-8")
    yield _text("leaky/人事/面接メモ.txt", INTERVIEW, "utf-8", "utf-8")
    yield _told_by_its_name()


def _text(path: str, text: str, codec: str, encoding: str, *, newline: str = "\n", bom: bytes = b"", verdict: str | None = None) -> Made:
    plain, plants = marked(text.lstrip("\n"))
    return Made(path, bom + plain.replace("\n", newline).encode(codec), plants, encoding=encoding, verdict=verdict)


def _told_by_its_name() -> Made:
    text = "受領済み。原本は人事の保管庫にある。\n"
    name = WATANABE.surname + WATANABE.given
    return Made(f"leaky/人事/履歴書_{name}.txt", text.encode(), (Plant("PERSON", (name,), "name"),), 1, encoding="utf-8")


CALL_TREE = f"""
夜間・休日の緊急連絡網(社外秘)
1. 工場長  [[PERSON:{SASAKI.name}]]  携帯 [[PHONE_NUMBER:{SASAKI.mobile}]]
2. 製造課長  [[PERSON:{TAKAHASHI.name}]]  携帯 [[PHONE_NUMBER:{TAKAHASHI.mobile}]]
3. 保全  [[PERSON:{KOBAYASHI.name}]]  自宅 [[PHONE_NUMBER:{KOBAYASHI.phone}]]
社外からの連絡は [[EMAIL_ADDRESS:{SASAKI.email}]] まで。
"""

# 髙 and 﨑 are IBM's extensions, ① and ㈱ NEC's: an old codec cannot read them.
VISIT = f"""
訪問メモ①
訪問先: ㈱見本精機
担当者: [[PERSON:髙橋 亮平]] 様
電話: [[PHONE_NUMBER:06-1234-5678]]
同席: [[PERSON:宮﨑 あかり]] 様
住所: 〒[[JP_POSTAL_CODE:{TAKAHASHI.postal}]] [[ADDRESS:{TAKAHASHI.address}]]
次回は㍻の見積書を持参する。
"""

OLD_CLIENTS = f"""
旧顧客管理システムからの書き出し
氏名: [[PERSON:{NAKAMURA.name}]]
フリガナ: [[PERSON:{NAKAMURA.kana}]]
住所: [[ADDRESS:{NAKAMURA.address}]]
生年月日: [[DATE_OF_BIRTH:昭和63年5月17日]]
電話: [[PHONE_NUMBER:{NAKAMURA.phone}]]
"""

MINUTES = f"""
営業会議 議事録
出席者: [[PERSON:{SAITO.name}]]、[[PERSON:{YAMAGUCHI.name}]]
決定事項: 見積は来週までに [[PERSON:{SAITO.name}]] が送る。
問い合わせ先: [[EMAIL_ADDRESS:{SAITO.email}]]
"""

REPAIR = f"""
修理受付票
お客様名 [[PERSON:{MATSUMOTO.half_kana}]] 様
お電話 [[PHONE_NUMBER:{MATSUMOTO.mobile}]]
品名 小型ポンプ 品番 PX-4410
"""

ORDER = f"""
ご注文の確認
お名前: [[PERSON:{INOUE.name}]] 様
お届け先: 〒[[JP_POSTAL_CODE:{INOUE.postal}]] [[ADDRESS:{INOUE.address}]]
メール: [[EMAIL_ADDRESS:{INOUE.email}]]
"""

COMPLAINT = f"""
苦情受付票
申出人: [[PERSON:{KIMURA.name}]]
連絡先: [[PHONE_NUMBER:{KIMURA.mobile}]]
カード番号: [[CREDIT_CARD:4111 1111 1111 1111]]
内容: 二重に請求された。
"""

VISITORS = f"""
Visitors’ book – London office
Name: [[PERSON:Zoë Marchmont]]
Phone: [[PHONE_NUMBER:+44 20 7946 0121]]
Met by: [[PERSON:{EMILY.name}]] — “sales”
Email: [[EMAIL_ADDRESS:{EMILY.email}]]
"""

DINNER = f"""
Dinner, private room, caf\xe9 on the corner
Dear Mr. [[PERSON:{DANIEL.name}]],
please ring me on [[PHONE_NUMBER:{DANIEL.phone}]] about the m\xfcsli.
Kind regards,
[[PERSON:{OLIVIA.name}]]
"""

HANDOVER = f"""
# Handover

Our client [[PERSON:{THOMAS.name}]] moved to [[ADDRESS:{THOMAS.address}]].

- date of birth: [[DATE_OF_BIRTH:{THOMAS.born}]]
- e-mail: [[[PERSON:{THOMAS.name}]]](mailto:[[EMAIL_ADDRESS:{THOMAS.email}]])
"""

# Our own switchboard and mailbox: known by the policy, told as `info` and never stray.
PRESS = """
New pump series on show in London
Press office: [[EMAIL_ADDRESS:press@strayscan-sample.example]], switchboard [[PHONE_NUMBER:+44 20 7946 0100]]
"""

TRAVEL = f"""
London office: visitors from headquarters
- [[PERSON:{TAKAHASHI.romaji}]] ([[PERSON:{TAKAHASHI.surname}]]課長, mobile [[PHONE_NUMBER:+81 80-0000-0102]])
- Mr. [[PERSON:{NAKAMURA.romaji}]], passport no. [[JP_PASSPORT:TR7654321]]
緊急時は [[PERSON:{SAITO.name}]] さん(携帯 [[PHONE_NUMBER:０９０-００００-０１０７]])へ。
"""

WEB_LOG = f"""
2026-04-01T09:12:44Z INFO  login ok user=[[EMAIL_ADDRESS:{SASAKI.email}]] ip=192.0.2.14
2026-04-01T09:12:59Z WARN  sms failed to=[[PHONE_NUMBER:+81-90-0000-0102]] code=21610
2026-04-01T09:13:07Z ERROR checkout declined card=[[CREDIT_CARD:5555555555554444]] order=2026040100017
2026-04-01T09:13:08Z INFO  GET /assets/icon@2x.png 200 18ms
"""

SEED = f'''
"""Fills the test database (with what should have been invented data)."""

import pytest

USERS = [
    {{"name": "[[PERSON:{WATANABE.name}]]", "mail": "[[EMAIL_ADDRESS:{WATANABE.email}]]", "tel": "[[PHONE_NUMBER:{WATANABE.mobile}]]"}},
    {{"name": "[[PERSON:{OLIVIA.name}]]", "mail": "[[EMAIL_ADDRESS:{OLIVIA.email}]]", "tel": "[[PHONE_NUMBER:{OLIVIA.phone}]]"}},
]


@pytest.fixture
def users():
    return list(USERS)
'''

INTERVIEW = f"""
面接メモ(人事限り)
応募者 [[PERSON:{SHIMIZU.name}]]([[PERSON:しみず けいこ]])
生年月日 [[DATE_OF_BIRTH:{SHIMIZU.born}]]
マイナンバー [[JP_MY_NUMBER:1234 5678 9018]]
運転免許証番号 [[JP_DRIVER_LICENSE:301234567810]]
基礎年金番号 [[JP_PENSION_NUMBER:1234-567890]]
旅券番号 [[JP_PASSPORT:TR1234567]]
健康保険 記号 [[JP_HEALTH_INSURANCE:1234 番号 567]]
在留カード番号 [[JP_RESIDENCE_CARD:AB12345678CD]](配偶者)
振込先 見本銀行 本店 普通 [[JP_BANK_ACCOUNT:1234567]]
"""
