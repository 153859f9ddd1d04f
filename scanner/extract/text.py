"""Reads plain text, logs and source code as it stands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from scanner.extract import sniff
from scanner.extract.charset import TextStream
from scanner.model import Blob, Budget, Decoded, Item, Text

PIECE = 1 << 18  # characters of a piece; cut at a line end where there is one


def pieces(chunks: Iterable[str], place: str | None = None, first_line: int = 1, continues: bool = False) -> Iterator[Text]:
    """A stream of text as `Text` items of at most about twice PIECE, each but the first continuing the one before.

    Lines are counted at ``\\n``. Memory is bounded however long a line is.
    """
    line = first_line
    pending = ""
    for chunk in chunks:
        pending += chunk
        while len(pending) >= PIECE:
            cut = pending.rfind("\n", PIECE // 2, PIECE) + 1 or PIECE
            yield Text(pending[:cut], place, line, continues)
            line += pending.count("\n", 0, cut)
            pending, continues = pending[cut:], True
    if pending:
        yield Text(pending, place, line, continues)


class PlainText:
    """One stream of text."""

    media_types = frozenset({sniff.PLAIN})

    def extract(self, blob: Blob, media_type: str, budget: Budget) -> Iterator[Item]:
        with blob.open() as raw:
            stream = TextStream(raw, blob.declared_charset)
            yield from pieces(stream.chunks())
            yield Decoded(stream.encoding, stream.undecoded)


EXTRACTORS = (PlainText(),)
