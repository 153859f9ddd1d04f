"""The people of the share: all invented, with published or unassigned numbers."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

CARDS = ("4111111111111111", "5555555555554444", "4012888888881881", "378282246310005", "3530111333300000", "5105105105105100")
"""Test numbers that card networks publish."""


@dataclass(frozen=True)
class Person:
    """A person of Japan. `address` has no postal code; `born` is ISO 8601."""

    surname: str
    given: str
    surname_kana: str
    given_kana: str
    romaji: str  # "Misaki Takahashi"
    phone: str
    mobile: str
    email: str
    postal: str
    address: str
    born: str

    @property
    def name(self) -> str:
        return f"{self.surname} {self.given}"

    @property
    def kana(self) -> str:
        return f"{self.surname_kana} {self.given_kana}"

    @property
    def half_kana(self) -> str:
        return half_width(self.kana)


@dataclass(frozen=True)
class Client:
    """A person of the English-speaking office's list."""

    given: str
    surname: str
    phone: str
    email: str
    address: str
    born: str  # as the British write it

    @property
    def name(self) -> str:
        return f"{self.given} {self.surname}"


def half_width(kana: str) -> str:
    """Katakana as old hosts print it, its voicing marks as characters of their own."""
    return "".join(_HALF.get(char, char) for char in unicodedata.normalize("NFD", kana))


_HALF = {unicodedata.normalize("NFKC", chr(code)): chr(code) for code in range(0xFF66, 0xFF9E)} | {"\u3099": "ﾞ", "\u309a": "ﾟ"}


def my_number(first_eleven: str) -> str:
    """Twelve digits with the check digit of the ordinance (Act 27 of 2013, ordinance 85 of 2014, article 5)."""
    weights = (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)
    rest = sum(int(digit) * weight for digit, weight in zip(first_eleven, weights, strict=True)) % 11
    return first_eleven + ("0" if rest <= 1 else str(11 - rest))


def passes_my_number(digits: str) -> bool:
    return my_number(digits[:11]) == digits


_ROWS = """
佐々木 健太 ササキ ケンタ Kenta-Sasaki 03-1234-5601 090-0000-0101 kenta.sasaki@example.com 105-0011 東京都港区芝公園4-9-12 1979-03-14
高橋 美咲 タカハシ ミサキ Misaki-Takahashi 06-1234-5602 080-0000-0102 misaki.takahashi@example.com 530-0001 大阪府大阪市北区梅田1-99-3 1985-11-02
小林 由美 コバヤシ ユミ Yumi-Kobayashi 052-123-5603 090-0000-0103 y.kobayashi@example.co.jp 460-0008 愛知県名古屋市中区栄3-98-7 1991-07-23
渡辺 真理 ワタナベ マリ Mari-Watanabe 045-123-5604 070-0000-0104 watanabe-m@example.jp 220-0012 神奈川県横浜市西区みなとみらい2-97-5 1968-01-30
伊藤 大輔 イトウ ダイスケ Daisuke-Ito 075-123-5605 090-0000-0105 ito.daisuke@example.net 604-8001 京都府京都市中京区上本能寺前町488 1974-09-09
中村 直樹 ナカムラ ナオキ Naoki-Nakamura 092-123-5606 080-0000-0106 nakamura_n@example.org 810-0001 福岡県福岡市中央区天神1-96-8 1988-05-17
斎藤 千夏 サイトウ チナツ Chinatsu-Saito 022-123-5607 090-0000-0107 chinatsu.saito@example.com 980-0811 宮城県仙台市青葉区一番町3-95-1 1995-12-25
山口 亜希子 ヤマグチ アキコ Akiko-Yamaguchi 011-123-5608 080-0000-0108 yamaguchi.akiko@example.co.jp 060-0042 北海道札幌市中央区大通西4-94-2 1962-06-06
松本 翔太 マツモト ショウタ Shota-Matsumoto 082-123-5609 090-0000-0109 shota@example.jp 730-0011 広島県広島市中区基町10-93 1999-08-21
井上 さくら イノウエ サクラ Sakura-Inoue 078-123-5610 070-0000-0110 sakura-inoue@example.net 650-0001 兵庫県神戸市中央区加納町6-92-4 1983-04-04
木村 隆 キムラ タカシ Takashi-Kimura 048-123-5611 090-0000-0111 kimura.t@example.org 330-0063 埼玉県さいたま市浦和区高砂3-91-6 1957-10-11
清水 恵子 シミズ ケイコ Keiko-Shimizu 043-123-5612 080-0000-0112 keiko.shimizu@example.com 260-0013 千葉県千葉市中央区中央2-90-1 1970-02-28
"""


def _person(line: str) -> Person:
    surname, given, surname_kana, given_kana, romaji, *rest = line.split()
    return Person(surname, given, surname_kana, given_kana, romaji.replace("-", " "), *rest)


PEOPLE = tuple(map(_person, _ROWS.strip().splitlines()))
SASAKI, TAKAHASHI, KOBAYASHI, WATANABE, ITO, NAKAMURA, SAITO, YAMAGUCHI, MATSUMOTO, INOUE, KIMURA, SHIMIZU = PEOPLE

CLIENTS = (
    Client("Emily", "Hartley", "+44 20 7946 0111", "emily.hartley@example.com", "14 Maple Avenue, Reading RG1 4AB", "12/05/1984"),
    Client("Daniel", "Whitfield", "+44 20 7946 0112", "d.whitfield@example.org", "7 Station Road, Cambridge CB1 2JW", "30/09/1971"),
    Client("Olivia", "Bexley", "+44 161 496 0113", "olivia.bexley@example.net", "221 Chester Street, Manchester M1 5WG", "03/01/1990"),
    Client("Thomas", "Ashdown", "+44 113 496 0114", "tom.ashdown@example.com", "9 Victoria Square, Leeds LS1 6AB", "21/11/1966"),
    Client("Charlotte", "Pemberton", "+1 212-555-0115", "charlotte.p@example.org", "350 Harbor Street, Boston, MA 02110", "08/07/1988"),
    Client("Michael", "Langford", "+1 415-555-0116", "m.langford@example.net", "1200 Market Street, San Francisco, CA 94102", "17/02/1979"),
    Client("Sophie", "Underwood", "+44 20 7946 0117", "sophie.underwood@example.com", "5 Mill Lane, Oxford OX1 1NY", "25/12/1993"),
    Client("George", "Fairbanks", "+44 117 496 0118", "g.fairbanks@example.co.uk", "66 Park Street, Bristol BS1 5JN", "14/03/1959"),
)
