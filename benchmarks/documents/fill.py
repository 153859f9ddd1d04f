"""Templates filled with values: text, and where each value came to stand.

A template names values in braces, `{p1.full}` the full name of the first person; `[[one|two]]` is a choice; a line that begins with
`*4-9 ` comes four to nine times, each time with a new person `p`, a new person `q` and a new organisation `o`.
"""

from __future__ import annotations

import random
import re
import tomllib
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

_HOLE: Final = re.compile(r"\{([a-z]+[0-9]?)(?:\.([a-z]+))?\}")
_CHOICE: Final = re.compile(r"\[\[(.*?)\]\]", re.S)
_REPEAT: Final = re.compile(r"\*([0-9]+)-([0-9]+) (.*)", re.S)


class Value(NamedTuple):
    """What stands in a hole; without a label it is no gold. `person` numbers the persons of a document."""

    text: str
    label: str = ""
    person: int | None = None


class Source(Protocol):
    """Values of one document: the same hole gives the same value within it, but for `fresh` ones."""

    def value(self, who: str, what: str) -> Value: ...

    def forget_row(self) -> None: ...


def read_values(path: Path) -> dict[str, str]:
    return {key: str(value).strip() for key, value in tomllib.loads(path.read_text(encoding="utf-8")).items()}


def read_templates(path: Path) -> list[tuple[str, str]]:
    blocks = re.split(r"^=== (\w+)\n", path.read_text(encoding="utf-8"), flags=re.M)
    return [(name, body.rstrip("\n")) for name, body in zip(blocks[1::2], blocks[2::2], strict=True)]


def fill(body: str, source: Source, chance: random.Random) -> tuple[str, list[dict[str, Any]]]:
    """The text of a template, and its gold spans in order."""
    text: list[str] = []
    spans: list[dict[str, Any]] = []
    length = 0
    for line in _lines(body, source, chance):
        at = 0
        for hole in [*_HOLE.finditer(line), None]:
            between = line[at : hole.start() if hole else None]
            text.append(between)
            length += len(between)
            if hole is None:
                break
            value = source.value(hole[1], hole[2] or "")
            if value.label:
                span: dict[str, Any] = {"start": length, "end": length + len(value.text), "label": value.label, "surface": value.text}
                spans.append(span if value.person is None else {**span, "person": value.person})
            text.append(value.text)
            length += len(value.text)
            at = hole.end()
    return "".join(text), spans


def _lines(body: str, source: Source, chance: random.Random) -> list[str] | Any:
    """Lines with their ends; repeated ones as often as it falls, each with new values."""
    body = _CHOICE.sub(lambda match: chance.choice(match[1].split("|")), body)
    lines = body.split("\n")
    for number, line in enumerate(lines):
        end = "\n" if number < len(lines) - 1 else ""
        repeat = _REPEAT.fullmatch(line)
        if repeat is None:
            yield line + end
            continue
        times = chance.randint(int(repeat[1]), int(repeat[2]))
        for turn in range(times):
            source.forget_row()
            yield repeat[3] + (end if turn == times - 1 else "\n")
