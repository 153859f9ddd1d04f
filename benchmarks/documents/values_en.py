"""English values: persons, organisations, American and British addresses and phones, and what looks like them but is none."""

from __future__ import annotations

import random
import re
from typing import NamedTuple

from fill import Value


class Person(NamedTuple):
    number: int
    given: str
    surname: str
    middle: str


class Source:
    """Values of one document; phones are written in one style throughout it. American ones end in 555-01xx, British ones are of the
    ranges that Ofcom keeps for drama: nobody's."""

    def __init__(self, lists: dict[str, str], half: str, chance: random.Random) -> None:
        del half
        self.lists, self.chance = lists, chance
        self.phones = chance.choices(
            ["({}) {}-{}", "{}-{}-{}", "{}.{}.{}", "+1 {} {} {}", "+1-{}-{}-{}", "{} {} {}"], [35, 35, 8, 10, 7, 5]
        )[0]
        self.kept: dict[tuple[str, str], Value] = {}
        self.persons: dict[str, Person] = {}
        self.met = 0

    def forget_row(self) -> None:
        for who in ("p", "q", "o"):
            self.persons.pop(who, None)
            self.kept = {key: value for key, value in self.kept.items() if key[0] != who}

    def value(self, who: str, what: str) -> Value:
        if not what:
            return Value(getattr(self, f"_{who}")())
        if (who, what) not in self.kept and what == "name":
            self.kept[who, what] = Value(self._pick("forms").format(self._pick("organisations")), "ORGANIZATION")
        if (who, what) not in self.kept:
            person = self._person(who) if who[0] in "pq" else None
            value = getattr(self, f"_{what}")(person)
            self.kept[who, what] = value._replace(person=person.number) if person and value.label else value
        return self.kept[who, what]

    def _pick(self, name: str) -> str:
        return self.chance.choice(self.lists[name].split("|"))

    def _digits(self, count: int) -> str:
        return "".join(str(self.chance.randint(0, 9)) for _ in range(count))

    def _person(self, who: str) -> Person:
        if who not in self.persons:
            self.met += 1
            surnames = re.findall(r"(?:(?:Van|De)(?: der)? )?\S+", self.lists["surnames"])
            middle = f"{self.chance.choice('ABCDEFGHJKLMRSTW')}. " if self.chance.random() < 0.1 else ""
            self.persons[who] = Person(self.met, self.chance.choice(self.lists["given"].split()), self.chance.choice(surnames), middle)
        return self.persons[who]

    # ---- persons

    def _full(self, person: Person) -> Value:
        return Value(f"{person.given} {person.middle}{person.surname}", "PERSON")

    def _rev(self, person: Person) -> Value:
        return Value(f"{person.surname}, {person.given}", "PERSON")

    def _sur(self, person: Person) -> Value:
        return Value(person.surname, "PERSON")

    def _given(self, person: Person) -> Value:
        return Value(person.given, "PERSON")

    def _mail(self, person: Person | None) -> Value:
        domain = self._pick_word("domains")
        if person is None:
            return Value(f"info@{domain}", "EMAIL_ADDRESS")
        first, last = (re.sub("[^a-z]", "", part.lower()) for part in (person.given, person.surname))
        return Value(
            f"{self.chance.choice([f'{first}.{last}', f'{first[0]}{last}', f'{last}.{first}', f'{first}{self._digits(2)}'])}@{domain}",
            "EMAIL_ADDRESS",
        )

    def _pick_word(self, name: str) -> str:
        return self.chance.choice(self.lists[name].split())

    # ---- phones

    def _number(self) -> str:
        return self.phones.format(self._pick_word("area_codes"), "555", "01" + self._digits(2))

    def _tel(self, person: Person | None) -> Value:
        extension = f" ext. {self._digits(3)}" if person is None and self.chance.random() < 0.08 else ""
        return Value(self._number() + extension, "PHONE_NUMBER")

    def _fax(self, person: Person | None) -> Value:
        del person
        return Value(self._number(), "FAX_NUMBER")

    def _uktel(self, person: Person | None) -> Value:
        del person
        end = self._digits(3)
        return Value(
            self.chance.choice([f"020 7946 0{end}", f"07700 900{end}", f"+44 20 7946 0{end}", f"+44 7700 900{end}", f"0113 496 0{end}"]),
            "PHONE_NUMBER",
        )

    # ---- addresses

    def _parts(self) -> tuple[str, str]:
        city, state, code = self._pick("towns").split(",")
        street = f"{self.chance.randint(1, 9899)} {self._pick('streets')} {self._pick('kinds')}"
        unit = self.chance.choices(
            ["", f", Apt {self.chance.randint(1, 40)}", f", Suite {self.chance.randint(100, 990)}", f" #{self.chance.randint(1, 90)}"],
            [60, 18, 14, 8],
        )[0]
        return street + unit, f"{city}, {state} {code}{self._digits(5 - len(code))}"

    def _addr(self, person: Person | None) -> Value:
        del person
        return Value(", ".join(self._parts()), "ADDRESS")

    def _addrlines(self, person: Person | None) -> Value:
        del person
        return Value("\n".join(self._parts()), "ADDRESS")

    def _ukaddr(self, person: Person | None) -> Value:
        del person
        town, area = self._pick("uk_towns").split(",")
        code = f"{area} {self.chance.randint(1, 9)}{''.join(self.chance.choices('ABDEFGHJLNPQRSTUWXYZ', k=2))}"
        return Value(f"{self.chance.randint(1, 240)} {self._pick('uk_streets')}, {town} {code}", "ADDRESS")

    # ---- decoys

    def _dept(self) -> str:
        return self._pick("departments")

    def _title(self) -> str:
        return self._pick("titles")

    def _product(self) -> str:
        return self._pick("products")

    def _place(self) -> str:
        return self._pick("places")

    def _hospital(self) -> str:
        return self._pick("hospitals")

    def _code(self) -> str:
        return f"{''.join(self.chance.choices('ABCDEFGHKMPRSTX', k=2))}-{self._digits(4)}-{self._digits(2)}"

    def _order(self) -> str:
        return self.chance.choice(
            [self._digits(8), f"PO-{self._digits(6)}", f"{self._digits(4)}-{self._digits(4)}-{self._digits(4)}", self._digits(12)]
        )

    def _date(self) -> str:
        year, month, day = self.chance.randint(1950, 2026), self.chance.randint(1, 12), self.chance.randint(1, 28)
        named = "January February March April May June July August September October November December".split()[month - 1]
        return self.chance.choice(
            [f"{named} {day}, {year}", f"{month:02}/{day:02}/{year}", f"{year}-{month:02}-{day:02}", f"{day} {named} {year}"]
        )

    def _time(self) -> str:
        return f"{self.chance.randint(8, 18)}:{self.chance.randint(0, 59):02}"

    def _yen(self) -> str:
        return f"{self.chance.randint(1, 9)},{self._digits(3)}.{self._digits(2)}"

    def _n(self) -> str:
        return str(self.chance.randint(1, 98))
