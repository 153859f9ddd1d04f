"""Japanese values: persons in all their written forms, organisations, addresses, phones, and what looks like them but is none."""

from __future__ import annotations

import gzip
import random
import re
import unicodedata
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from fill import Value

_WIDE: Final = str.maketrans("0123456789-()", "０１２３４５６７８９－（）")
_KANJI: Final = "〇一二三四五六七八九"
_AREAS: Final = ("3", "6", "45", "52", "11", "75", "78", "92", "422", "466", "776", "852", "4-29", "48", "22")
_TWO: Final = {
    "キャ": "kya", "キュ": "kyu", "キョ": "kyo", "シャ": "sha", "シュ": "shu", "ショ": "sho", "チャ": "cha", "チュ": "chu", "チョ": "cho",
    "ニャ": "nya", "ニュ": "nyu", "ニョ": "nyo", "ヒャ": "hya", "ヒュ": "hyu", "ヒョ": "hyo", "リャ": "rya", "リュ": "ryu", "リョ": "ryo",
    "ギョ": "gyo", "ジャ": "ja", "ジュ": "ju", "ジョ": "jo", "ビャ": "bya",
}  # fmt: skip
_ONE: Final = dict(
    zip(
        "アイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワヲンガギグゲゴザジズゼゾダヂヅデドバビブベボパピプペポヴ",
        "a i u e o ka ki ku ke ko sa shi su se so ta chi tsu te to na ni nu ne no ha hi fu he ho ma mi mu me mo ya yu yo ra ri ru re ro wa o n "
        "ga gi gu ge go za ji zu ze zo da ji zu de do ba bi bu be bo pa pi pu pe po vu".split(),
        strict=True,
    )
)
_HALF: Final = {unicodedata.normalize("NFKC", chr(code)): chr(code) for code in range(0xFF66, 0xFF9E)}


class Person(NamedTuple):
    number: int
    surname: str
    given: str
    surname_kana: str
    given_kana: str
    romaji: tuple[str, str]  # given, surname
    foreign: bool


@cache
def places(half: str) -> list[tuple[str, str, list[str]]]:
    """(prefecture, municipality, towns) of the shipped index; every second municipality belongs to a half."""
    packed = (Path(__file__).parents[2] / "detectors" / "data" / "address_ja.txt.gz").read_bytes()
    lines = [line.split("\t") for line in gzip.decompress(packed).decode().split("\n") if line]
    found = [(one, two, [town for town in three.split(",") if town and not re.search("[0-9]", town)]) for one, two, three in lines]
    return [item for item in found[half == "checking" :: 2] if item[2]]


def romaji(kana: str) -> str:
    """Hepburn without marks for long vowels, as on business cards: コウジ is Koji."""
    text = "".join(
        _TWO.get(piece, "") or _ONE.get(piece, piece)
        for piece in re.findall("[キシチニヒリギジビ][ャュョ]|ッ.|ー|.", kana.replace("ー", ""))
    )
    text = re.sub("ッ(.)", lambda match: _ONE[match[1]][0] + _ONE[match[1]], text)
    return re.sub("ou|oo", "o", text).replace("uu", "u").capitalize()


def half_width(kana: str) -> str:
    marks = {"\u3099": "ﾞ", "\u309a": "ﾟ"}
    return "".join(_HALF.get(char, marks.get(char, char)) for char in unicodedata.normalize("NFD", kana))


def hiragana(kana: str) -> str:
    return "".join(chr(ord(char) - 0x60) if "ァ" <= char <= "ヶ" else char for char in kana)


class Source:
    """Values of one document; numbers, blanks and phones are written in one style throughout it."""

    def __init__(self, lists: dict[str, str], half: str, chance: random.Random) -> None:
        self.lists, self.half, self.chance = lists, half, chance
        self.blank = chance.choices(["", " ", "　"], [5, 3, 2])[0]
        self.phones = chance.choices(["hyphen", "brackets", "wide", "minus", "bare", "international"], [70, 10, 8, 4, 4, 4])[0]
        self.blocks = chance.choices(["hyphen", "words", "wide", "kanji", "mixed"], [45, 25, 15, 5, 10])[0]
        self.kept: dict[tuple[str, str], Value] = {}
        self.persons: dict[str, Person] = {}
        self.met = 0

    def forget_row(self) -> None:
        for who in ("p", "q", "o"):
            self.persons.pop(who, None)
            self.kept = {key: value for key, value in self.kept.items() if key[0] != who}

    def value(self, who: str, what: str) -> Value:
        if who == "addr0":
            return Value(self._address(), "ADDRESS")
        if not what:
            return Value(self._digits(int(who[1])) if re.fullmatch("n[0-9]", who) else getattr(self, f"_{who}")())
        if (who, what) not in self.kept and what == "name":
            self.kept[who, what] = Value(self._organisation(), "ORGANIZATION")
        if (who, what) not in self.kept:
            person = self._person(who) if who[0] in "pq" else None
            value = getattr(self, f"_{what}")(person)
            self.kept[who, what] = value._replace(person=person.number) if person and value.label else value
        return self.kept[who, what]

    def _pick(self, name: str) -> str:
        return self.chance.choice(self.lists[name].split())

    def _person(self, who: str) -> Person:
        if who not in self.persons:
            self.met += 1
            self.persons[who] = self._foreigner() if self.chance.random() < 0.03 else self._native()
        return self.persons[who]

    def _native(self) -> Person:
        surname, surname_kana = self._pick("surnames").split("=")
        given, given_kana = self._pick("given").split("=")
        return Person(self.met, surname, given, surname_kana, given_kana, (romaji(given_kana), romaji(surname_kana)), False)

    def _foreigner(self) -> Person:
        written, latin = self.chance.choice(self.lists["foreign"].split("|")).split("=")
        if " " in written:
            surname, given = written.split()
            last, first = latin.split()
            return Person(self.met, surname, given, last, first, (first, last), False)
        given, _, surname = written.rpartition("・")
        first, _, last = latin.rpartition(" ")
        return Person(self.met, surname, given, surname, given, (first, last), True)

    # ---- persons

    def _both(self, surname: str, given: str, person: Person) -> Value:
        return Value(f"{given}・{surname}" if person.foreign else surname + self.blank + given, "PERSON")

    def _full(self, person: Person) -> Value:
        return self._both(person.surname, person.given, person)

    def _kana(self, person: Person) -> Value:
        return self._both(person.surname_kana, person.given_kana, person)

    def _hkana(self, person: Person) -> Value:
        return Value(half_width(self._kana(person).text).replace("　", " "), "PERSON")

    def _hira(self, person: Person) -> Value:
        return Value(hiragana(self._kana(person).text), "PERSON")

    def _sur(self, person: Person) -> Value:
        return Value(person.surname, "PERSON")

    def _given(self, person: Person) -> Value:
        return Value(person.given, "PERSON")

    def _surkana(self, person: Person) -> Value:
        return Value(person.surname_kana, "PERSON")

    def _givenkana(self, person: Person) -> Value:
        return Value(person.given_kana, "PERSON")

    def _romaji(self, person: Person) -> Value:
        return Value(" ".join(person.romaji), "PERSON")

    def _romajirev(self, person: Person) -> Value:
        first, last = person.romaji
        return Value(
            self.chance.choice([f"{last} {first}", f"{last.upper()} {first}", f"{last}, {first}", f"{last.upper()}, {first}"]), "PERSON"
        )

    def _mail(self, person: Person | None) -> Value:
        domain = self._pick("domains")
        if person is None:
            return Value(f"info@{domain}", "EMAIL_ADDRESS")
        first, last = (re.sub("[^a-z]", "", part.lower()) for part in person.romaji)
        forms = [
            f"{first}.{last}",
            f"{last}.{first}",
            f"{first[0]}-{last}",
            f"{last}_{first}",
            f"{first}{self.chance.randint(1, 99)}",
            f"{last}{first[0]}",
        ]
        return Value(f"{self.chance.choice(forms)}@{domain}", "EMAIL_ADDRESS")

    # ---- phones

    def _digits(self, count: int) -> str:
        return "".join(str(self.chance.randint(0, 9)) for _ in range(count))

    def _groups(self, groups: tuple[str, str, str], is_mobile: bool) -> str:
        one, two, three = groups
        if self.phones == "brackets" and not is_mobile:
            return f"{one}({two}){three}"
        if self.phones == "international":
            return f"+81-{one[1:]}-{two}-{three}"
        if self.phones == "bare" and is_mobile:
            return one + two + three
        written = "-".join(groups)
        return written.translate(_WIDE) if self.phones == "wide" else written.replace("-", "−") if self.phones == "minus" else written

    def _landline(self) -> str:
        area = self.chance.choice(_AREAS)
        first = str(self.chance.randint(2, 9))
        if area == "4-29":
            return self._groups(("04", "29" + self._digits(2), self._digits(4)), False)
        return self._groups(("0" + area, first + self._digits(4 - len(area)), self._digits(4)), False)

    def _mobile(self, person: Person | None) -> Value:
        del person
        start = self.chance.choice(["090", "080", "070"])
        return Value(self._groups((start, str(self.chance.randint(1, 9)) + self._digits(3), self._digits(4)), True), "PHONE_NUMBER")

    def _tel(self, person: Person | None) -> Value:
        is_mobile = person is not None and self.chance.random() < 0.4
        return self._mobile(person) if is_mobile else Value(self._landline(), "PHONE_NUMBER")

    def _fax(self, person: Person | None) -> Value:
        del person
        return Value(self._landline(), "FAX_NUMBER")

    def _free(self, person: Person | None) -> Value:
        del person
        return Value(f"0120-{self._digits(3)}-{self._digits(3)}", "PHONE_NUMBER_WEAK")

    # ---- addresses

    def _addr(self, person: Person | None) -> Value:
        del person
        return Value(self._address(), "ADDRESS")

    def _zipbare(self, person: Person | None) -> Value:
        del person
        return Value(f"{self.chance.randint(1, 9)}{self._digits(2)}-{self._digits(4)}", "JP_POSTAL_CODE")

    def _zip(self, person: Person | None) -> Value:
        return self._zipbare(person)._replace(text="〒" + self._zipbare(person).text)

    def _address(self) -> str:
        prefecture, city, towns = self.chance.choice(places(self.half))
        text = (prefecture if self.chance.random() < 0.8 else "") + city + self.chance.choice(towns) + self._block()
        if self.chance.random() < 0.35:
            text += self.chance.choice(["", " ", "　"]) + self._pick("buildings") + self._room()
        return text

    def _block(self) -> str:
        one, two, three = self.chance.randint(1, 9), self.chance.randint(1, 30), self.chance.randint(1, 25)
        forms = {
            "hyphen": [f"{one}-{two}-{three}", f"{two}-{three}", f"{two * 37}-{one}", f"{two * 37}番地{one}"],
            "words": [f"{one}丁目{two}番{three}号", f"{one}丁目{two}番地", f"{two * 37}番地", f"{one}丁目{two}番地の{three}"],
            "mixed": [
                f"{one}丁目{two}-{three}",
                f"{_KANJI[one]}丁目{two}番{three}号",
                f"{two}番{three}号",
                f"{_KANJI[one]}丁目{two}-{three}",
            ],
        }
        if self.blocks == "wide":
            return self.chance.choice([*forms["hyphen"], *forms["words"]]).translate(_WIDE)
        if self.blocks == "kanji":
            return f"{_KANJI[one]}丁目{_KANJI[two % 9 + 1]}番{_KANJI[three % 9 + 1]}号"
        return self.chance.choice(forms[self.blocks])

    def _room(self) -> str:
        floor = self.chance.randint(1, 9)
        forms = [f"{floor}0{self.chance.randint(1, 9)}号室", f"{floor}0{self.chance.randint(1, 9)}", f"{floor}F", f"{floor}階", ""]
        room = self.chance.choice(forms)
        return room.translate(_WIDE) if self.blocks == "wide" else room

    # ---- organisations and decoys

    def _organisation(self) -> str:
        return self.chance.choice(self.lists["forms"].split()).format(self._pick("organisations"))

    def _dept(self) -> str:
        return self._pick("departments")

    def _title(self) -> str:
        return self._pick("titles")

    def _product(self) -> str:
        return self._pick("products")

    def _place(self) -> str:
        return self._pick("places")

    def _station(self) -> str:
        return self._pick("stations")

    def _hospital(self) -> str:
        return self._pick("hospitals")

    def _code(self) -> str:
        letters = "".join(self.chance.choices("ABCDEFGHKMPRSTX", k=2))
        forms = [
            f"{letters}-{self._digits(4)}",
            f"{letters}{self._digits(5)}-{self._digits(2)}",
            f"{self._digits(3)}-{self._digits(5)}-{letters}",
        ]
        return self.chance.choice(forms)

    def _order(self) -> str:
        return self.chance.choice(
            [self._digits(10), f"{self._digits(4)}-{self._digits(4)}-{self._digits(4)}", f"R{self._digits(7)}", self._digits(12)]
        )

    def _date(self) -> str:
        year, month, day = self.chance.randint(1950, 2026), self.chance.randint(1, 12), self.chance.randint(1, 28)
        return self.chance.choice(
            [
                f"{year}年{month}月{day}日",
                f"{year}/{month:02}/{day:02}",
                f"{year}-{month:02}-{day:02}",
                f"令和{year % 8 + 1}年{month}月{day}日",
            ]
        )

    def _time(self) -> str:
        return f"{self.chance.randint(8, 18)}:{self.chance.randint(0, 59):02}"

    def _yen(self) -> str:
        return f"{self.chance.randint(1, 999)},{self._digits(3)}"

    def _n(self) -> str:
        return str(self.chance.randint(1, 98))
