"""Plain text keeps its lines and its memory, however long it or one line of it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.extract import sniff, text
from scanner.extract.budget import FileBudget
from scanner.model import Blob
from tests.unit.extract.reading import read

Make = Callable[..., Blob]


def test_pieces_end_at_lines_and_know_where_they_stand(blob: Make, budget: FileBudget) -> None:
    lines = [f"{number} 山田太郎\r\n" for number in range(1, 60_001)]
    reading = read(blob("".join(lines).encode("cp932")), sniff.PLAIN, budget)
    assert reading.all_text == "".join(lines)
    assert reading.encoding == "cp932"
    assert len(reading.pieces) > 2
    assert [piece.continues for piece in reading.pieces] == [False] + [True] * (len(reading.pieces) - 1)
    for piece in reading.pieces:
        assert len(piece.text) <= text.PIECE
        assert piece.text.startswith(f"{piece.first_line} ")


def test_a_line_without_an_end_comes_in_bounded_pieces() -> None:
    longest = 0

    def endless() -> Iterator[str]:
        for _ in range(400):
            yield "x" * 100_000

    total = 0
    for piece in text.pieces(endless()):
        longest = max(longest, len(piece.text))
        total += len(piece.text)
        assert piece.first_line == 1
    assert total == 40_000_000
    assert longest == text.PIECE


@given(chunks=st.lists(st.text(alphabet="ab\n", max_size=20), max_size=20))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_nothing_is_lost_between_pieces(chunks: list[str]) -> None:
    whole = "".join(chunks) * 3000
    found = list(text.pieces(whole[at : at + 70_001] for at in range(0, len(whole), 70_001)))
    assert "".join(piece.text for piece in found) == whole
    position = 0
    for piece in found:
        assert piece.first_line == 1 + whole.count("\n", 0, position)
        position += len(piece.text)


def test_what_is_kept_aside_keeps_its_lines() -> None:
    aside = text.Aside()
    aside.add(3, "a\n")
    aside.add(4, "b\n")
    aside.add(9, "c")
    assert [(piece.first_line, piece.text) for piece in aside.items()] == [(3, "a\nb\n"), (9, "c")]
    assert aside.size == 0
    assert not list(aside.items())
