"""Does a person search find the person, in every writing form, and nobody else? On invented persons, with decoys that share what people share.

    python benchmarks/find.py [--persons 300] [--half checking] [--seed 1]

A findings store is written as a scan of tables and texts would have: each person stands in many objects, each time in another writing form
of name, phone and address, among namesakes with other numbers, members of the household (same surname, landline, address), neighbours, and
others of the same area code. Detection is left out: `accuracy.md` measures it. Romanisation and writing forms are those of
benchmarks/documents, not the program's own. The names of the half `checking` were not looked at while the search was written.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parent / "documents")]

from values_ja import half_width, hiragana, places, romaji  # noqa: E402

from scanner.find.query import NAME, STRONG, Subject, kanji_terms, terms  # noqa: E402
from scanner.find.search import Reader, joined  # noqa: E402
from scanner.findings import snapshot  # noqa: E402
from scanner.findings.schema import OBJECTS, VALUES  # noqa: E402
from scanner.findings.store import open_store  # noqa: E402
from scanner.redact import Fingerprinter, Key  # noqa: E402

ROOT = "/share"
TABLE_ROWS = 30
WANTED_RECALL, WANTED_PRECISION = 0.95, 0.99
LINES_EACH = 5  # of a person's block in a text


@dataclass(frozen=True)
class Person:
    """`number` tells persons apart, whatever else they share."""

    number: int
    surname: tuple[str, str]  # kanji, katakana
    given: tuple[str, str]
    landline: str
    mobile: str
    email: str
    address: tuple[str, str, str, str]  # prefecture, municipality, town, block


# --------------------------------------------------------------------------- writing forms

OLD = {"高": "髙", "崎": "﨑", "斎": "齋", "辺": "邉", "浜": "濱", "沢": "澤", "広": "廣", "桜": "櫻", "恵": "惠", "真": "眞"}
KUNREI = (
    ("sh", "sy"),
    ("syi", "si"),
    ("ch", "ty"),
    ("tyi", "ti"),
    ("tsu", "tu"),
    ("fu", "hu"),
    ("ja", "zya"),
    ("ju", "zyu"),
    ("jo", "zyo"),
    ("ji", "zi"),
)


def _roman(kana: str, how: str) -> str:
    if how == "written":  # long vowels written out: Satou, Yuuko
        return "".join(romaji(piece).lower() for piece in _between_long(kana)).capitalize()
    plain = romaji(kana)
    if how == "kunrei":
        text = plain.lower()
        for old, new in KUNREI:
            text = text.replace(old, new)
        return text.capitalize()
    return plain


def _between_long(kana: str) -> list[str]:
    """Cut before a lengthening ウ or オ, so that neither is taken for a long vowel and dropped."""
    pieces = [""]
    for char in kana:
        pieces.append(char) if char in "ウオ" and pieces[-1] else pieces.__setitem__(-1, pieces[-1] + char)
    return [piece for piece in pieces if piece]


def _oh(person: Person) -> str | None:
    """Ohno, Satoh: where the surname ends in, or begins with, a long o."""
    surname = romaji(person.surname[1])
    if person.surname[1].startswith("オオ"):
        surname = "Oh" + surname[1:]
    elif person.surname[1].endswith(("トウ", "ドウ", "ノウ")):
        surname += "h"
    else:
        return None
    return f"{romaji(person.given[1])} {surname}"


def _old(person: Person) -> str | None:
    text = person.surname[0] + " " + person.given[0]
    changed = "".join(OLD.get(char, char) for char in text)
    return None if changed == text else changed


def names(person: Person) -> dict[str, str]:
    (sk, sr), (gk, gr) = person.surname, person.given
    found = {
        "kanji with a blank": f"{sk} {gk}",
        "kanji, full-width blank, 様": f"{sk}　{gk} 様",
        "kanji without a blank": sk + gk,
        "kanji with 氏": f"{sk}{gk}氏",
        "old kanji": _old(person),
        "katakana": f"{sr} {gr}",
        "katakana without a blank": sr + gr,
        "half-width katakana": half_width(f"{sr} {gr}"),
        "hiragana": hiragana(f"{sr}　{gr}"),
        "Hepburn, given name first": f"{romaji(gr)} {romaji(sr)}",
        "Hepburn, SURNAME first": f"{romaji(sr).upper()} {romaji(gr)}",
        "Hepburn with a comma": f"{romaji(sr)}, {romaji(gr)}",
        "Mr/Ms": f"Ms. {romaji(gr)} {romaji(sr)}",
        "Kunrei": f"{_roman(gr, 'kunrei')} {_roman(sr, 'kunrei')}",
        "long vowels written": f"{_roman(sr, 'written')} {_roman(gr, 'written')}",
        "oh": _oh(person),
    }
    return {form: text for form, text in found.items() if text is not None}


WIDE = str.maketrans("0123456789-()", "０１２３４５６７８９－（）")


def phones(number: str) -> list[str]:
    first, middle, last = number.split("-")
    return [
        number, number.replace("-", ""), f"({first}) {middle}-{last}", number.replace("-", " "), number.translate(WIDE), f"+81-{number[1:]}",
        f"+81 {first[1:]} {middle} {last}", f"{first}ー{middle}ー{last}", f"010-81-{number[1:]}", f"{number} (内線 12)",
    ]  # fmt: skip


def addresses(address: tuple[str, str, str, str], chance: random.Random) -> list[str]:
    prefecture, city, town, block = address
    one, two, three = block.split("-")
    kanji = "〇一二三四五六七八九"
    return [
        f"{prefecture}{city}{town}{block}", f"{city}{town}{block}", f"〒100-{chance.randrange(10_000):04} {prefecture}{city}{town}{block}",
        f"{prefecture}{city}{town}{one}丁目{two}番{three}号", f"{prefecture}{city}{town}{block}".translate(WIDE),
        f"{prefecture} {city} {town} {one}丁目{two}-{three}", f"{prefecture}{city}{town}{kanji[int(one)]}丁目{two}番地{three}",
    ]  # fmt: skip


# --------------------------------------------------------------------------- persons and decoys


class World:
    def __init__(self, count: int, half: str, seed: int) -> None:
        self.chance = random.Random(seed)
        lists = tomllib.loads((Path(__file__).parent / "documents" / "values" / f"ja.{half}.toml").read_text(encoding="utf-8"))
        self._surnames, self._given = ([tuple(word.split("=")) for word in lists[name].split()] for name in ("surnames", "given"))
        self._places = places(half)
        self._next = 0
        self.asked = [self._someone() for _ in range(count)]
        self.crowd = [other for person in self.asked for other in self._decoys(person)]

    def _someone(self, **given: Any) -> Person:
        self._next += 1
        n, pick = self._next, self.chance.choice
        prefecture, city, towns = pick(self._places)
        fresh = {
            "surname": pick(self._surnames), "given": pick(self._given), "landline": f"03-{n // 10_000:04}-{n % 10_000:04}",
            "mobile": f"090-{n // 10_000:04}-{n % 10_000:04}", "email": f"user{n}@example.jp",
            "address": (prefecture, city, pick(towns), "-".join(str(self.chance.randint(1, 9)) for _ in range(3))),
        }  # fmt: skip
        return Person(n, **{**fresh, **given})

    def _decoys(self, person: Person) -> Iterator[Person]:
        """A namesake, one of the same reading where there is one, two of the household, a neighbour, and somebody of the same surname."""
        yield self._someone(surname=person.surname, given=person.given)
        same = [one for one in self._given if one[1] == person.given[1] and one != person.given]
        if same:
            yield self._someone(surname=person.surname, given=self.chance.choice(same))
        others = [one for one in self._given if one[1] != person.given[1]]
        for given in self.chance.sample(others, 2):
            yield self._someone(surname=person.surname, given=given, landline=person.landline, address=person.address)
        prefecture, city, town, block = person.address
        first, _, last = block.rpartition("-")
        yield self._someone(address=(prefecture, city, town, f"{first}-{int(last) + 1}"))
        yield self._someone(surname=person.surname)


# --------------------------------------------------------------------------- the store


@dataclass
class Written:
    """Where persons were put: (object, row or line) -> their numbers; and by person and writing form of the name, where."""

    owner: dict[tuple[str, int], int] = field(default_factory=dict)
    places: dict[int, list[tuple[str, str, int]]] = field(default_factory=lambda: defaultdict(list))  # form, object, row


def write(world: World, out: Path, prints: Fingerprinter) -> Written:
    """Every person asked for stands in each of their name's forms once in a table and once in a text, each decoy in three of theirs."""
    told, store = Written(), open_store(out, prints.key_id)
    entries = [(person, form, name) for person in world.asked for form, name in names(person).items()]
    crowd = [(person, form, name) for person in world.crowd for form, name in world.chance.sample(sorted(names(person).items()), 3)]
    run_id = store.new_run_id()
    with store.begin(run_id, [ROOT]) as writer:
        for kind in ("table", "text"):
            rows = [*entries, *crowd]
            world.chance.shuffle(rows)
            for number, block in enumerate(_batched(rows, TABLE_ROWS)):
                name = f"{kind}-{number}"
                writer.objects([_object(name)])
                writer.values(_values(run_id, name, block, kind == "table", told, world.chance, prints))
        writer.commit({"outcome": "complete", "roots": {"asked": [ROOT], "reached": [ROOT], "not_reached": []}})
    return told


def _batched(items: list[Any], size: int) -> Iterator[list[Any]]:
    return (items[at : at + size] for at in range(0, len(items), size))


def _object(name: str) -> dict[str, Any]:
    plain = dict.fromkeys(column for column in OBJECTS.names if column != "run_id")
    return plain | {"object_id": name, "root": ROOT, "path": name, "status": "scanned", "verdict": "stray", "excused": False}


def _values(run_id: str, name: str, block: Any, table: bool, told: Written, chance: random.Random, prints: Fingerprinter) -> pa.RecordBatch:
    """A person's row; in a text a block of lines (name, address, phone, mobile, mail) with ten lines of something else behind it."""
    cells: dict[tuple[str, int, str | None], set[int]] = defaultdict(set)
    for at, (person, form, written) in enumerate(block):
        row = at + 2 if table else 1 + at * (LINES_EACH + 10)
        texts = [("PERSON", written), ("ADDRESS", chance.choice(addresses(person.address, chance)))]
        texts += [("PHONE_NUMBER", chance.choice(phones(person.landline))), ("PHONE_NUMBER", chance.choice(phones(person.mobile)))]
        texts += [("EMAIL_ADDRESS", chance.choice((str.lower, str.upper, str.title))(person.email))]
        for line, (entity, text) in enumerate(texts):
            here = row if table else row + line
            column = f"{entity}-{line}" if table else None
            cells[entity, prints.one(entity, text), column].add(here)
            told.owner[name, here] = person.number
        told.places[person.number].append((form, name, row))
    rows = [
        {"run_id": run_id, "object_id": name, "entity_type": entity, "fingerprint": tag, "place": None, "column": column,
         "rows": sorted(where), "count": len(where)}
        for (entity, tag, column), where in cells.items()
    ]  # fmt: skip
    return pa.RecordBatch.from_pylist(rows, VALUES)


# --------------------------------------------------------------------------- the questions


@dataclass
class Score:
    found: int = 0
    wanted: int = 0
    right: int = 0
    shown: int = 0

    @property
    def recall(self) -> float:
        return self.found / self.wanted if self.wanted else 1.0

    @property
    def precision(self) -> float:
        return self.right / self.shown if self.shown else 1.0


QUERIES = ("name + landline", "name + address", "name + mobile", "name + e-mail", "name alone, every match")
ASKED_IN = ("kanji", "katakana", "Hepburn")


def subject(person: Person, query: str, asked_in: str) -> Subject:
    (sk, sr), (gk, gr) = person.surname, person.given
    name = {"kanji": f"{sk} {gk}", "katakana": f"{sr} {gr}", "Hepburn": f"{romaji(gr)} {romaji(sr)}"}[asked_in]
    more = {
        "name + landline": {"phone": person.landline}, "name + address": {"address": "".join(person.address)},
        "name + mobile": {"phone": person.mobile}, "name + e-mail": {"email": person.email},
    }  # fmt: skip
    return Subject(name, **more.get(query, {}))


def measure(count: int, half: str = "checking", seed: int = 1) -> tuple[dict[tuple[str, str], Score], dict[tuple[str, str], Score]]:
    """Scores by (query, asked in), and by (form met, asked in) for the queries with a second identifier."""
    prints = Fingerprinter(Key.from_secret(bytes(range(32))))
    world = World(count, half, seed)
    by_query: dict[tuple[str, str], Score] = defaultdict(Score)
    by_form: dict[tuple[str, str], Score] = defaultdict(Score)
    with tempfile.TemporaryDirectory() as folder:
        told = write(world, Path(folder) / "out", prints)
        held = snapshot.take(Path(folder) / "out")
        with Reader(held, {name for name, _ in told.owner}) as reader:
            for number, person in enumerate(world.asked):
                for asked_in in ASKED_IN:
                    query = QUERIES[number % len(QUERIES)]
                    met = _places_found(reader, subject(person, query, asked_in), prints, strong=query != QUERIES[-1])
                    score = by_query[query, asked_in]
                    score.shown += len(met)
                    score.right += sum(told.owner[place] == person.number for place in met)
                    for form, name, row in told.places[person.number]:
                        found = (name, row) in met  # the name itself, in the row of its table or the first line of its block
                        for one in (score, *([by_form[form, asked_in]] if query != QUERIES[-1] else [])):
                            one.wanted += 1
                            one.found += found
    return dict(by_query), dict(by_form)


def _places_found(reader: Reader, asked: Subject, prints: Fingerprinter, *, strong: bool) -> set[tuple[str, int]]:
    """(object, row) of the matches, of the strong ones where there is a second identifier: as `scanner.find.search.search` goes."""
    hits = reader.hits(terms(asked, prints))
    if len(asked.given) > 1 and (spelled := kanji_terms(asked, prints)):
        hits += reader.hits(spelled, sorted({hit.object_id for hit in hits if hit.term.kind != NAME}))
    matches = joined(hits, whole_name=True)
    return {(match.path, row) for match in matches if match.strength == STRONG or not strong for row in match.rows}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--persons", type=int, default=300)
    parser.add_argument("--half", default="checking", choices=["checking", "development"])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--check", action="store_true", help="status 1 if what is found beside a second identifier is below what is wanted")
    args = parser.parse_args()
    by_query, by_form = measure(args.persons, args.half, args.seed)
    print("| query | asked in | rows of the person found | precision |\n|---|---|---|---|")
    for (query, asked_in), score in sorted(by_query.items(), key=lambda item: (QUERIES.index(item[0][0]), ASKED_IN.index(item[0][1]))):
        print(
            f"| {query} | {asked_in} | {score.found:,} of {score.wanted:,} = {score.recall:.3f} | {score.right:,} of {score.shown:,} = {score.precision:.3f} |"
        )
    beside = [score for (query, _), score in by_query.items() if query != QUERIES[-1]]
    recall = sum(one.found for one in beside) / sum(one.wanted for one in beside)
    precision = sum(one.right for one in beside) / sum(one.shown for one in beside)
    print(f"\nWith a second identifier: recall {recall:.4f}, precision {precision:.4f}")
    print(f"\n| written as | {' | '.join('asked in ' + one for one in ASKED_IN)} |\n|---|{'---|' * len(ASKED_IN)}")
    for form in dict.fromkeys(form for form, _ in by_form):
        print(f"| {form} | " + " | ".join(f"{by_form[form, asked_in].recall:.3f}" for asked_in in ASKED_IN) + " |")
    if args.check and (recall < WANTED_RECALL or precision < WANTED_PRECISION):
        sys.exit(1)


if __name__ == "__main__":
    main()
