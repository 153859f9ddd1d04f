"""Reads plain text, logs and source code as it stands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from scanner.extract import sniff
from scanner.extract.charset import TextStream
from scanner.model import Blob, Budget, Decoded, Item, Text

MAX_ASIDE = 1 << 22  # characters kept aside before a table is interrupted for them
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


@dataclass(slots=True)
class Aside:
    """Text met while a table is read, to be told after it. `size` says how much has gathered, for those who bound it."""

    texts: list[tuple[int, str, bool]] = field(default_factory=list)
    size: int = 0

    def add(self, line: int, text: str, continues: bool = False) -> None:
        """`text` stands from physical line `line` on; `continues` the one added before."""
        self.texts.append((line, text, continues))
        self.size += len(text) + 64

    def items(self) -> Iterator[Text]:
        """What has gathered, neighbouring lines together; nothing is left."""
        texts, self.texts, self.size = self.texts, [], 0
        run: list[str] = []
        start = after = size = 0
        joined = False
        for line, text, continues in texts:
            if run and (line != after or size > PIECE):
                yield from pieces(("".join(run),), None, start, joined)
                run, size = [], 0
            if not run:
                start, joined = line, continues
            run.append(text)
            size += len(text)
            after = line + text.count("\n")
        if run:
            yield from pieces(("".join(run),), None, start, joined)


class Window:
    """A window over a stream of text: `text[at:]` is ahead, `line` is the physical line of `at`."""

    def __init__(self, chunks: Iterator[str]) -> None:
        self._chunks = chunks
        self.text = ""
        self.at = 0
        self.line = 1
        self.ended = False

    def ensure(self, count: int) -> None:
        """At least `count` characters ahead, fewer only at the end of the text."""
        while not self.ended and len(self.text) - self.at < count:
            chunk = next(self._chunks, None)
            if chunk is None:
                self.ended = True
                return
            self.text = self.text[self.at :] + chunk
            self.at = 0

    def take(self, end: int) -> str:
        """The text up to `end`, which is behind us then."""
        taken = self.text[self.at : end]
        self.line += taken.count("\n")
        self.at = end
        return taken


class PlainText:
    """One stream of text."""

    media_types = frozenset({sniff.PLAIN})

    def extract(self, blob: Blob, media_type: str, budget: Budget) -> Iterator[Item]:
        with blob.open() as raw:
            stream = TextStream(raw, blob.declared_charset)
            yield from pieces(stream.chunks())
            yield Decoded(stream.encoding, stream.undecoded)


EXTRACTORS = (PlainText(),)
