"""Files without personal data that look as if they had some: every one is a trap, and nothing in them may be reported."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

from .office import workbook
from .packing import zipped
from .people import my_number
from .share import Made
from .tables import delimited


def made() -> Iterator[Made]:
    yield _text("parts.csv", delimited(("品番", "品名", "在庫"), PARTS))
    yield _text("orders.csv", delimited(("注文番号", "数量", "金額"), _orders()))
    yield _text("order_numbers.txt", "\n".join(row[0] for row in _orders(7)) + "\n")
    yield _text("shipments.csv", delimited(("tracking no", "carrier", "weight"), _shipments()))
    yield _text("取引先一覧.csv", delimited(("取引先名", "所在地", "区分"), COMPANIES), "cp932")
    yield _text("市区町村.csv", delimited(("団体コード", "都道府県名", "市区町村名"), TOWNS), "euc_jp", "euc-jp")
    yield _text("施設一覧.tsv", delimited(("施設番号", "施設名", "都道府県", "定員"), FACILITIES, "\t"))
    yield _text("議事録.txt", MINUTES, "cp932")
    yield _text("工場だより.txt", NEWSLETTER)
    yield _text("site.css", CSS)
    yield _text("index.html", HTML)
    yield _text("calculator.py", SOURCE)
    yield _text("server.log", LOG)
    yield _text("CHANGELOG.md", CHANGELOG)
    yield _text("lorem.txt", LOREM)
    yield _text("calendar.txt", CALENDAR)
    yield _text("price_list.json", json.dumps(PRICES, ensure_ascii=False, indent=1))
    yield _text("settings.xml", SETTINGS)
    yield _text("schema.sql", SCHEMA)
    yield _text("販売実績.txt", SALES)
    yield _text("colours.csv", delimited(("code", "colour", "stock"), COLOURS))
    yield _text("駅別広告.csv", delimited(("駅名", "路線", "掲出数"), STATIONS), "cp932", "cp932")
    yield _text("図面一覧.txt", DRAWINGS)
    yield _text("README.md", README)
    yield _text("連絡先の案内.txt", GUIDE)
    sheets: dict[str, list[list[Any]]] = {
        "在庫": [["品番", "品名", "数量"], *([*row[:2], int(row[2])] for row in PARTS[:40])],
        "Notes": [["Checked in April"]],
    }
    yield Made("clean/inventory.xlsx", workbook(sheets), made_with=("openpyxl", "zlib"))
    data = zipped({"css/site.css": CSS.encode(), "README.txt": LOREM.encode()})
    yield Made("clean/theme.zip", data, made_with=("zlib",))
    yield Made("clean/empty.txt", b"")
    yield Made("clean/fonts/title.ttf", _font(), status="no_text", reason="binary")
    yield Made("clean/tools/helper.bin", b"\x7fELF\x02\x01\x01" + bytes(57) + bytes(range(256)) * 2, status="no_text", reason="binary")
    yield Made("clean/sounds/chime.wav", _sound(), status="no_text", reason="binary")


def _text(name: str, text: str, codec: str = "utf-8", encoding: str | None = None) -> Made:
    return Made(f"clean/{name}", text.lstrip("\n").encode(codec), encoding=encoding)


def _font() -> bytes:
    return b"\x00\x01\x00\x00\x00\x01\x00\x10\x00\x00\x00\x00" + b"cmap" + bytes(12) + bytes(64)


def _sound() -> bytes:
    samples = bytes(128 + (at * 7 % 64) for at in range(800))
    head = b"WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x40\x1f\0\0\x01\0\x08\0data" + len(samples).to_bytes(4, "little")
    return b"RIFF" + (len(head) + len(samples)).to_bytes(4, "little") + head + samples


# Shaped like phones of Tokyo and Osaka, in a column that says what they are.
PARTS = [
    [
        f"{'03' if at % 2 else '06'}-{1000 + at * 37 % 9000:04}-{2000 + at * 53 % 8000:04}",
        ("六角ボルト", "平座金", "Oリング", "軸受")[at % 4],
        str(at * 7 % 500),
    ]
    for at in range(1, 201)
]


def _orders(seed: int = 1) -> list[list[str]]:
    """1,000 order numbers of 12 digits; every tenth passes My Number's check digit."""
    draw = random.Random(seed)
    rows = []
    for at in range(1000):
        first = f"20{draw.randrange(10**9):09}"
        right = my_number(first)
        number = right if at % 10 == 0 else first + str((int(right[-1]) + draw.randrange(1, 10)) % 10)
        rows.append([number, str(draw.randrange(1, 50)), str(draw.randrange(100, 90_000))])
    return rows


def _shipments() -> list[list[str]]:
    draw = random.Random(2)
    return [[f"{draw.randrange(10**11, 10**12)}", ("sea", "air", "road")[at % 3], f"{draw.randrange(10, 900) / 10}"] for at in range(300)]


# Companies and places whose names are surnames too.
COMPANIES = [
    ["株式会社鈴木製作所", "石川県", "仕入先"], ["山田電機株式会社", "千葉県", "得意先"], ["(株)中村鉄工", "長野県", "仕入先"],
    ["田中商事株式会社", "福島県", "得意先"], ["高橋運輸有限会社", "宮崎県", "物流"], ["渡辺印刷株式会社", "山口県", "仕入先"],
    ["佐藤工業株式会社", "香川県", "得意先"], ["株式会社小林金型", "石川県", "仕入先"], ["合同会社松本設計", "長野県", "外注"],
    ["Washington Tool Co., Ltd.", "東京都", "得意先"], ["Jordan & Lee Bearings Inc.", "大阪府", "仕入先"],
]  # fmt: skip
TOWNS = [
    ["131016", "東京都", "千代田区"], ["131024", "東京都", "中央区"], ["172014", "石川県", "金沢市"], ["172022", "石川県", "七尾市"],
    ["122033", "千葉県", "市川市"], ["122041", "千葉県", "船橋市"], ["202011", "長野県", "長野市"], ["202029", "長野県", "松本市"],
    ["352012", "山口県", "下関市"], ["352039", "山口県", "山口市"], ["462012", "鹿児島県", "鹿児島市"], ["072010", "福島県", "福島市"],
    ["452017", "宮崎県", "宮崎市"], ["372013", "香川県", "高松市"], ["401005", "福岡県", "北九州市"], ["231002", "愛知県", "名古屋市"],
]  # fmt: skip
FACILITIES = [
    ["F001", "千葉工場", "千葉県", "240"], ["F002", "長野支店", "長野県", "18"], ["F003", "石川営業所", "石川県", "9"], ["F004", "福島研修センター", "福島県", "60"],
    ["F005", "宮崎倉庫", "宮崎県", "12"], ["F006", "松本物流センター", "長野県", "35"], ["F007", "山口出張所", "山口県", "4"], ["F008", "本社", "東京都", "120"],
]  # fmt: skip

MINUTES = """
生産会議 議事録
日時 2026年4月1日 10:00~11:30
場所 千葉工場 第2会議室
議題1 石川県の新ラインは5月に稼働する。
議題2 長野支店の在庫を松本物流センターへ移す。
議題3 鈴木製作所との取引条件を見直す。前回は2025/12/10に改定した。
議題4 品番 03-1234-5678 の在庫が少ない。注文番号 123456789018 は出荷済み。
以上
"""

NEWSLETTER = """
工場だより 春号

千葉工場では桜が満開になりました。今年の安全目標は「無災害三百六十五日」です。
四月からは新しい設備が動き出します。高い山、広い原、清い水のある長野でも、新しい倉庫の建設が進んでいます。
食堂のメニューも変わりました。月曜日は豚汁、火曜日はカレー、水曜日は焼き魚です。
次号は七月に発行します。
"""

CSS = """
.logo { background: url("icon@2x.png"); }
@media (min-resolution: 2dppx) { .hero { background: url("hero@3x.jpg"); } }
@font-face { font-family: "Jordan"; src: url(title.ttf); }
.v-2-10-3 { margin: 03px 12px 34px 56px; }
"""

HTML = """
<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Pumps and valves</title>
<link rel="stylesheet" href="site.css"><script src="https://cdn.example.com/lib@4.17.21/lib.min.js"></script></head>
<body><img src="icon@2x.png" srcset="icon@3x.png 3x" alt="logo">
<p>Our April catalogue is out. Visit us in Washington Street, or at the fair in Jordan.</p>
<p>Version 10.4.1.2210, built 2026-04-01. Freephone 0120-000-000.</p></body></html>
"""

SOURCE = '''
"""Adds up."""

import functools

import pytest


@functools.lru_cache(maxsize=4096)
def total(first: int, second: int = 1234567890) -> int:
    return first + second


@pytest.fixture
def numbers():
    return [1, 2, 3]


@pytest.mark.parametrize("given", ["a@b", "user@host", "git@localhost:repo"])
def test_total(given):
    assert total(2026, 401) == 2427
'''

LOG = "\n".join(
    f"2026-04-01 09:{at // 60:02}:{at % 60:02},{at * 37 % 1000:03} INFO  worker-{at % 4} 192.0.2.{at % 250 + 1} request {at * 7919 + 10**9} done in {at * 13 % 90} ms"
    for at in range(240)
)

CHANGELOG = """
# Changelog

## 2.10.3 (2026-04-01)
- Bump `left-pad@1.3.0` and `@types/node@20.11.5`.
- Support for UTF-8, ISO 8601 dates, RFC 5322 and 10.0.0.1/24.

## 2.10.2 (2025-12-24)
- Fixed: port 8080 was taken; see issue 1234, commit 3f2a9c1d0b7e.
- Checksums: 4111111111111112, 0x7f3a2b1c, 978-4-00-000000-2.
"""

LOREM = """
Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt ut labore et dolore magna aliqua. Ut enim ad
minim veniam, quis nostrud exercitation ullamco laboris nisi ut aliquip ex ea commodo consequat. Duis aute irure dolor in reprehenderit.
"""

CALENDAR = """
April, May and June are the busy months.
The plant in Georgia closes in August; the office in Jordan opens on 3 September 2026.
Meet at Washington Street, then take the Victoria line to Oxford Circus.
Grace period: thirty days. Mark all boxes. Will the Rose Garden be open? Bill of materials attached.
Paris, Sydney, Florence and Chelsea are on the tour. Total: 1,234,567 EUR (up 12.5 %).
"""

PRICES = [
    {"商品": "小型ポンプ PX-4410", "型番": "PX-4410-03", "価格": 128_000, "JAN": "4901234567894"},
    {"商品": "手動バルブ ひかり", "型番": "VH-0120-11", "価格": 9_800, "JAN": "4912345678904"},
    {"商品": "みどり(清掃キット)", "型番": "CK-0570-02", "価格": 3_200, "JAN": "4900000000009"},
]

SETTINGS = """
<?xml version="1.0" encoding="UTF-8"?>
<settings version="4.2.1">
  <server host="files.internal" port="10445" address="10.20.30.40"/>
  <retry count="5" wait="00:00:30"/>
  <build>2026040112345</build>
  <uuid>123e4567-e89b-12d3-a456-426614174000</uuid>
</settings>
"""

SCHEMA = """
CREATE TABLE parts (id INT, part_no VARCHAR(20), name VARCHAR(50), price INT);
INSERT INTO parts (id, part_no, name, price) VALUES (1, '03-1234-5678', '六角ボルト', 12), (2, '06-2345-6789', '平座金', 3);
INSERT INTO parts (id, part_no, name, price) VALUES (3, '045-345-6789', 'Oリング', 8), (4, '052-456-7890', '軸受', 410);
"""

# Colours are given names too, stations surnames, and drawing numbers look like phones of Tokyo.
COLOURS = [
    [f"C{at:03}", name, str(at * 13 % 70)]
    for at, name in enumerate(
        ("Rose", "Violet", "Sienna", "Olive", "Amber", "Scarlett", "Hazel", "Ruby", "Jade", "Ivory", "Ash", "Heather"), 1
    )
]
STATIONS = [
    [name, line, str(at * 7 % 40)]
    for at, (name, line) in enumerate(
        [
            ("中野", "中央線"),
            ("大宮", "埼京線"),
            ("川口", "京浜東北線"),
            ("目黒", "山手線"),
            ("品川", "山手線"),
            ("横山", "長野線"),
            ("福島", "環状線"),
            ("石川町", "根岸線"),
        ]
    )
]

DRAWINGS = """
図面番号           名称              版
03-2211-4455-A     ポンプ外形図      3
03-2211-4456-B     ポンプ断面図      1
06-6611-0099-C     配管系統図        7
"""

README = """
# Firmware of the PX series

    git clone git@git.example.com:pumps/firmware.git
    scp build/px.bin deploy@192.0.2.10:/srv/firmware/
    docker pull registry.example.com/pumps/px@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08

Run `make`, then `make flash PORT=/dev/ttyUSB0`. Needs Python 3.11 and 2 GB of memory.
"""

GUIDE = """
お問い合わせについて
電話番号とメールアドレスは社内ポータルをご覧ください。担当者名は公開していません。
フリーダイヤル 0120-000-000(平日 9:00~17:00)、ナビダイヤル 0570-000-000
法人番号 8700110005901 適格請求書発行事業者 登録番号 T8700110005901
"""

SALES = """
販売実績(月次)
         4月      5月      6月
関東   1,204    1,318    1,290
中部     842      867      901
九州     415      398      422
前年比 104.2%   101.7%    99.8%
"""
