"""What a made file is, and how the values planted in it are written down."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

_MARK = re.compile(r"\[\[([A-Z_]+):(.*?)\]\]", re.DOTALL)


@dataclass(frozen=True)
class Plant:
    """Values of one entity type at one place; `column` and one value per cell where they stand in a table."""

    entity_type: str
    values: tuple[str, ...]
    place: str | None = None
    column: str | None = None
    member: str | None = None


@dataclass(frozen=True)
class Made:
    """A file of the share. `status` and `reason`: what a scan must say of how far it was read. `persons`: how many people
    it is about, where that is beyond doubt. `verdict`: where it is not its folder's. `made_with`: libraries whose version decides the bytes."""

    path: str
    data: bytes
    plants: tuple[Plant, ...] = ()
    persons: int | None = None
    status: str = "scanned"
    reason: str | None = None
    encoding: str | None = None
    made_with: tuple[str, ...] = ()
    verdict: str | None = None

    @property
    def expected_verdict(self) -> str:
        """`verdict`, or what the folder says."""
        usual = {"stores": "approved", "leaky": "stray", "clean": "clean", "broken": "unread"}
        return self.verdict or usual[self.path.split("/", 1)[0]]


def marked(text: str, place: str | None = None, member: str | None = None) -> tuple[str, tuple[Plant, ...]]:
    """Text without its marks, and what they marked: ``Call [[PERSON:Ann Bexley]]`` plants a name."""
    values: dict[str, list[str]] = {}
    for entity_type, value in _MARK.findall(text):
        values.setdefault(entity_type, []).append(value)
    plants = tuple(Plant(kind, tuple(found), place, None, member) for kind, found in values.items())
    return _MARK.sub(r"\2", text), plants


def columns(
    header: Sequence[str], rows: Sequence[Sequence[str]], kinds: Mapping[str, str], place: str | None = None, member: str | None = None
) -> tuple[Plant, ...]:
    """One plant for every column that `kinds` names (column name -> entity type); blank cells are none."""
    found = []
    for at, name in enumerate(header):
        values = tuple(row[at] for row in rows if row[at])
        if name in kinds and values:
            found.append(Plant(kinds[name], values, place, name, member))
    return tuple(found)


def expected_lines(made: Sequence[Made]) -> Iterator[dict[str, object]]:
    """The records of expected.jsonl: one for every file, and one for every place of it where values are planted."""
    for item in made:
        facts = {
            "verdict": item.expected_verdict,
            "status": item.status,
            "reason": item.reason,
            "encoding": item.encoding,
            "persons": item.persons,
        }
        yield {"file": item.path, **{name: value for name, value in facts.items() if value is not None}}
        for plant in item.plants:
            where = {"member": plant.member, "place": plant.place, "column": plant.column}
            yield {
                "file": item.path,
                **{name: value for name, value in where.items() if value is not None},
                "entity_type": plant.entity_type,
                "values": list(plant.values),
            }
