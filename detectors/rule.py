"""The rule: one kind of data as a YAML entry with its pattern, validator, context words and its own examples."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from detectors import validators
from detectors.fold import fold
from detectors.pattern import Matcher, compile_foreign, compile_trusted


@dataclass(frozen=True, slots=True)
class Example:
    """A text and what the rule must make of it. `value`: the exact find, None for "nothing". `column`: header words, for a cell."""

    text: str
    value: str | None
    why: str = ""
    column: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of data. `score` is what a match is worth by itself, `context_score` with a context word near it, `contrary_score` with a
    contrary one. A rule with `subtracts` claims nothing; it takes overlapping claims of those entity types away ("*": of all).

    `near`: "person" for what counts only beside a person's data: `within` so many characters of it in running text, in the same row of a
    table (`detectors.near` settles it). `headers`: under one of these words, every filled cell of a column is a match."""

    id: str
    entity: str | None
    subtracts: tuple[str, ...]
    description: str
    references: tuple[str, ...]
    pattern: str
    score: float
    context_score: float
    contrary_score: float
    validator: str | None
    context: tuple[str, ...]
    contrary: tuple[str, ...]
    before: int
    after: int
    match: tuple[Example, ...]
    no_match: tuple[Example, ...]
    known_misses: tuple[Example, ...]
    pack: str
    file: str
    line: int
    trusted: bool
    near: str | None = None
    within: int = 0
    headers: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """Of what decides the outcome, examples and place left out."""
        scores = (self.score, self.context_score, self.contrary_score)
        words = (self.context, self.contrary, self.before, self.after, self.near, self.within, self.headers)
        parts = (self.id, self.entity, self.subtracts, self.pattern, *scores, self.validator, *words)
        return hashlib.blake2b(repr(parts).encode(), digest_size=16).hexdigest()


class CompiledRule:
    """A rule ready to run on folded text."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self._matcher: Matcher = compile_trusted(rule.pattern) if rule.trusted else compile_foreign(rule.pattern)
        self._valid: Callable[[str], bool] | None = getattr(validators, rule.validator) if rule.validator else None
        self.narrow = self._matcher.narrow  # finds nothing far from where its sign ends

    @cached_property
    def _context(self) -> re.Pattern[str] | None:
        return words_pattern(self.rule.context)

    @cached_property
    def _contrary(self) -> re.Pattern[str] | None:
        return words_pattern(self.rule.contrary)

    def finds(
        self, folded: str, header: Sequence[str] | None = None, ends: Sequence[int] | None = None, least: float = 0.0
    ) -> Iterator[tuple[int, int, float]]:
        """(start, end, score) of every valid match with a score of `least` or more, in order. `header`: the words above a cell, which count
        as context. `ends`: where matches can end, if that is known. May raise TimeoutError."""
        above = _header_text(header) if header else ""
        for start, end in self._matcher.spans(folded) if ends is None else self._matcher.spans_ending(folded, ends):
            score = self._score(folded, start, end, above)
            if start < end and score >= least and (self._valid is None or self._valid(folded[start:end])):
                yield start, end, score

    def header_speaks_for(self, header: Sequence[str]) -> bool:
        """Whether the words above a column are context words of this rule."""
        return self._context is not None and self._context.search(_header_text(header)) is not None

    def _score(self, folded: str, start: int, end: int, above: str) -> float:
        rule = self.rule
        if self._context is None and self._contrary is None:
            return rule.score
        before = _ROW_ABOVE.sub("", folded[max(0, start - rule.before) : start]).lower()
        after = folded[end : end + rule.after].partition("\n")[0].lower() if rule.after else ""  # the next line speaks of its own number
        near = f"{above}\n{before}\n{after}"
        if self._contrary is not None and self._contrary.search(near):
            return rule.contrary_score
        if self._context is not None and self._context.search(near):
            return rule.context_score
        return rule.score


_ROW_ABOVE: Final = re.compile(r"[\s\S]*(?:,(?! )|[\t|])[^\n]*\n")
"""A row of fields that ends before this line: its words stand above columns, and say nothing of what opens the next row."""


def _header_text(header: Sequence[str]) -> str:
    """Header words as context is looked for in: folded, camel case parted (`TelephoneNumber`), small letters."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", fold(" ".join(header))).lower()


def words_pattern(words: Iterable[str]) -> re.Pattern[str] | None:
    """Any of the words in folded lower-case text: ASCII words as whole tokens (``cid`` is not in ``acid``), others anywhere."""
    parts = [_word(fold(word).lower()) for word in words]
    return re.compile("|".join(sorted(parts, key=len, reverse=True))) if parts else None


def terms_pattern(terms: Iterable[str]) -> str:
    """A rule's pattern for any of the terms, the longest first, in any case: words in Latin letters or katakana as whole words (ガン is
    not in ガンダム), others anywhere, since neither kanji nor hiragana show where a word begins."""
    parts = (_term(fold(term)) for term in sorted(set(terms), key=lambda term: (-len(term), term)))
    return f"(?i)(?P<value>{'|'.join(parts)})"


def _term(term: str) -> str:
    body = re.escape(term).replace(r"\ ", "[ _-]?")
    left = next((f"(?<![{letters}])" for letters in _WHOLE if re.match(f"[{letters}]", term)), "")
    right = next((f"(?![{letters}])" for letters in _WHOLE if re.search(f"[{letters}]$", term)), "")
    return left + body + right


_WHOLE: Final = ("A-Za-z", "\u30a1-\u30fa\u30fc")


def _word(word: str) -> str:
    body = re.escape(word).replace(r"\ ", r"[ _-]?")
    left = "(?<![a-z])" if word[0].isascii() and word[0].isalpha() else ""
    right = "(?![a-z])" if word[-1].isascii() and word[-1].isalpha() else ""
    return left + body + right
