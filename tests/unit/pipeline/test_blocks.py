"""Who belongs together in running text: names, readings, and what stands beside them."""

from __future__ import annotations

import pytest

from scanner.model import Detection
from scanner.pipeline.blocks import Blocks

KINDS = {"N": "PERSON", "P": "PHONE_NUMBER", "E": "EMAIL_ADDRESS", "A": "ADDRESS", "X": "JP_POSTAL_CODE"}


def records(text: str) -> list[int]:
    """The block of each find; a find is written as [kind:value]."""
    blocks, out, last, at = Blocks(0), [], -1, 0
    while (start := text.find("[", at)) >= 0:
        end = text.index("]", start)
        kind, _, value = text[start + 1 : end].partition(":")
        between = text[last:start] if last >= 0 else None
        found = Detection(KINDS[kind], start, end, 0.9, "rule", "rule")
        out.append(blocks.record(found, start, value, text.count("\n", 0, start), between))
        last = at = end + 1
    return out


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[N:山田太郎] [P:1] [E:2] [A:3]", [0, 0, 0, 0]),
        ("[N:山田太郎]([N:ヤマダタロウ]) [P:1]", [0, 0, 0]),  # a name and its reading
        ("[N:山田太郎]\n[P:1]\n[N:佐藤花子]\n[P:2]", [0, 0, 1, 1]),
        ("[E:a]\n[E:b]\n[E:c]", [0, 1, 2]),  # a list of addresses is many people
        ("[E:a] [E:b]", [0, 1]),
        ("[P:1] [P:2]", [0, 0]),  # landline and mobile on one line
        ("[P:1]\n[P:2]", [0, 1]),
        ("[N:山田太郎]\n[P:1]\n[P:2] [E:3]", [0, 0, 0, 0]),  # a card: home and mobile on lines of their own
        ("[N:山田太郎] [P:1]\n[P:2]", [0, 0, 1]),  # a list: the next line is another's, though no name was found on it
        ("[N:John Carter] [P:1]\n\n[P:2]", [0, 0, 1]),  # a blank line ends a block
        ("[X:1] [A:2]\n[N:山田太郎]", [0, 0, 0]),  # an envelope: address first
    ],
)
def test_blocks(text: str, expected: list[int]) -> None:
    assert records(text) == expected


def test_the_next_stream_begins_with_a_fresh_block() -> None:
    blocks = Blocks(5)
    assert blocks.finish() == 5
    blocks.record(Detection("PERSON", 0, 2, 0.9, "r", "r"), 0, "山田", 1, None)
    assert blocks.finish() == 6
