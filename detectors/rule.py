"""The rule: one kind of data as a YAML entry with its pattern, validator, context words and its own examples."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from detectors import validators
from detectors.fold import fold
from detectors.pattern import Matcher, compile_foreign, compile_trusted

SHIPPED: Final = Path(__file__).parent.parent / "rules"
MAX_FILE_BYTES: Final = 1_000_000
_ID: Final = re.compile(r"[a-z0-9][a-z0-9_-]*(\.[a-z0-9_-]+)+")
_ENTITY: Final = re.compile(r"[A-Z][A-Z0-9_]*")
_REQUIRED: Final = ("id", "description", "pattern", "score", "match")


class RuleError(Exception):
    """A rule file is wrong; one sentence that names file, line and key. Never quotes more than keys and ids."""

    def __init__(self, file: str, line: int, message: str) -> None:
        super().__init__(f"{file}:{line}: {message}")
        self.file, self.line, self.message = file, line, message


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
    contrary one. A rule with `subtracts` claims nothing; it takes overlapping claims of those entity types away ("*": of all)."""

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

    @property
    def digest(self) -> str:
        """Of what decides the outcome, examples and place left out."""
        parts = (self.id, self.entity, self.subtracts, self.pattern, self.score, self.context_score, self.contrary_score, self.validator)
        return hashlib.blake2b(repr((*parts, self.context, self.contrary, self.before, self.after)).encode(), digest_size=16).hexdigest()


class CompiledRule:
    """A rule ready to run on folded text."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self._matcher: Matcher = compile_trusted(rule.pattern) if rule.trusted else compile_foreign(rule.pattern)
        self._valid: Callable[[str], bool] | None = getattr(validators, rule.validator) if rule.validator else None
        self.narrow = self._matcher.narrow  # finds nothing far from where its sign ends
        self._context = words_pattern(rule.context)
        self._contrary = words_pattern(rule.contrary)

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


def _word(word: str) -> str:
    body = re.escape(word).replace(r"\ ", r"[ _-]?")
    left = "(?<![a-z])" if word[0].isascii() and word[0].isalpha() else ""
    right = "(?![a-z])" if word[-1].isascii() and word[-1].isalpha() else ""
    return left + body + right


# --------------------------------------------------------------------------- loading


def load_shipped(packs: Sequence[str] | None = None) -> tuple[Rule, ...]:
    """The rules in the `rules` package, sorted by id; only those of the packs (its folders) named."""
    chosen = None if packs is None else set(packs)
    files = sorted(SHIPPED.glob("*/*.yaml"))
    return _unique(rule for file in files if chosen is None or file.parent.name in chosen for rule in load_file(file, trusted=True))


def load_folder(path: Path) -> tuple[Rule, ...]:
    """A user's rules: a file, or a folder with everything `.yaml` or `.yml` below it. Raises RuleError."""
    if path.is_file():
        return _unique(load_file(path, trusted=False))
    if not path.is_dir():
        raise RuleError(str(path), 1, "no such file or folder of rules")
    files = sorted(file for file in path.rglob("*") if file.suffix in (".yaml", ".yml") and file.is_file())
    if not files:
        raise RuleError(str(path), 1, "this folder holds no .yaml file")
    return _unique(rule for file in files for rule in load_file(file, trusted=False))


def packs() -> tuple[str, ...]:
    """The names of the shipped packs."""
    return tuple(sorted({file.parent.name for file in SHIPPED.glob("*/*.yaml")}))


def join_rules(*groups: Sequence[Rule]) -> tuple[Rule, ...]:
    """Rules of several places as one list; a second rule of the same id is an error."""
    return _unique(rule for group in groups for rule in group)


def _unique(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    known: dict[str, Rule] = {}
    for rule in rules:
        if rule.id in known:
            first = known[rule.id]
            raise RuleError(rule.file, rule.line, f"id: `{rule.id}` is taken by {first.file}:{first.line}")
        known[rule.id] = rule
    return tuple(known[name] for name in sorted(known))


def load_file(path: Path, trusted: bool) -> tuple[Rule, ...]:
    """The rules of one YAML file: a list of entries. Raises RuleError with the line of what is wrong."""
    name = str(path)
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise RuleError(name, 1, f"a rule file may have {MAX_FILE_BYTES:,} bytes at most")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise RuleError(name, 1, f"cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise RuleError(name, 1, "is not UTF-8") from None
    return parse(text, name, pack=path.parent.name if trusted else "user", trusted=trusted)


def parse(text: str, name: str, pack: str = "user", trusted: bool = False) -> tuple[Rule, ...]:
    """The rules of a YAML text."""
    root = _compose(text, name, _SHIPPED_LOADER if trusted else yaml.SafeLoader)
    if root is None:
        return ()
    if not isinstance(root, yaml.SequenceNode):
        raise RuleError(name, _line(root), "a rule file is a list of rules, each beginning with `- id: ...`")
    return tuple(_Entry(node, name).rule(pack, trusted) for node in root.value)


_SHIPPED_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml is ten times as fast; it runs out of stack on a hostile file, so it reads our own rules alone."""


def _compose(text: str, name: str, loader: Any) -> Any:
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=loader)):
            raise RuleError(name, 1, "YAML aliases (`*name`) are not allowed here")
        return yaml.compose(text, Loader=loader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise RuleError(name, line, f"not valid YAML ({error.problem})") from None
    except yaml.YAMLError:
        raise RuleError(name, 1, "not valid YAML") from None
    except RecursionError:
        raise RuleError(name, 1, "nested too deeply") from None


def _line(node: Any) -> int:
    return int(node.start_mark.line) + 1


class _Entry:
    """One YAML mapping on its way to a Rule; knows the line of every key."""

    def __init__(self, node: Any, file: str) -> None:
        self.file, self.line = file, _line(node)
        if not isinstance(node, yaml.MappingNode):
            raise RuleError(file, self.line, "a rule is a mapping of keys")
        self.lines: dict[str, int] = {}
        self.values: dict[str, Any] = {}
        constructor = yaml.SafeLoader("")
        for key, value in node.value:
            word = str(key.value)
            if word in self.lines:
                raise RuleError(file, _line(key), f"{word}: this key stands twice")
            self.lines[word] = _line(key)
            try:
                self.values[word] = constructor.construct_object(value, deep=True)
            except (yaml.YAMLError, ValueError, RecursionError):
                raise RuleError(file, _line(value), f"{word}: cannot be read as a value") from None
        unknown = sorted(set(self.values) - _KEYS)
        if unknown:
            raise RuleError(file, self.lines[unknown[0]], f"{unknown[0]}: unknown key; known are {', '.join(sorted(_KEYS))}")

    def fail(self, key: str, message: str) -> RuleError:
        return RuleError(self.file, self.lines.get(key, self.line), f"{key}: {message}")

    def rule(self, pack: str, trusted: bool) -> Rule:
        for key in _REQUIRED:
            if key not in self.values:
                raise self.fail(key, "is missing")
        entity, subtracts = self._claim()
        score = self._number("score", None)
        contrary = self._words("contrary")
        return Rule(
            id=self._id(),
            entity=entity,
            subtracts=subtracts,
            description=self._text("description"),
            references=self._words("references"),
            pattern=self._pattern(trusted),
            score=score,
            context_score=self._number("context_score", score),
            contrary_score=self._number("contrary_score", 0.0),
            validator=self._validator(),
            context=self._words("context"),
            contrary=contrary,
            before=self._reach("before", 40),
            after=self._reach("after", 0),
            match=self._examples("match", wants_value=True),
            no_match=self._examples("no_match", wants_value=False),
            known_misses=self._examples("known_misses", wants_value=True),
            pack=pack,
            file=self.file,
            line=self.line,
            trusted=trusted,
        )

    def _id(self) -> str:
        name = self._text("id")
        if not _ID.fullmatch(name):
            raise self.fail("id", "wants lower-case words joined by dots, such as `jp.my_number`")
        return name

    def _claim(self) -> tuple[str | None, tuple[str, ...]]:
        if ("entity" in self.values) == ("subtracts" in self.values):
            raise self.fail("entity", "a rule has either `entity` or `subtracts`")
        if "subtracts" in self.values:
            return None, self._words("subtracts")
        entity = self._text("entity")
        if not _ENTITY.fullmatch(entity):
            raise self.fail("entity", "wants capitals joined by `_`, such as `PHONE_NUMBER`")
        return entity, ()

    def _text(self, key: str) -> str:
        value = self.values[key]
        if not isinstance(value, str) or not value.strip():
            raise self.fail(key, "wants a text")
        return value.strip()

    def _words(self, key: str) -> tuple[str, ...]:
        value = self.values.get(key) or []
        if not isinstance(value, list) or not all(isinstance(word, str) and word.strip() for word in value):
            raise self.fail(key, "wants a list of texts")
        return tuple(value)

    def _number(self, key: str, default: float | None) -> float:
        value = self.values.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            raise self.fail(key, "wants a number from 0 to 1")
        return float(value)

    def _reach(self, key: str, default: int) -> int:
        value = self.values.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 100:
            raise self.fail(key, "wants a number of characters from 0 to 100")
        return value

    def _pattern(self, trusted: bool) -> str:
        source = self._text("pattern")
        try:
            compile_trusted(source) if trusted else compile_foreign(source)
        except Exception as error:  # `regex` raises its own error, re2 another, and OverflowError for absurd bounds
            raise self.fail("pattern", f"is no valid regular expression ({type(error).__name__})") from None
        return source

    def _validator(self) -> str | None:
        name = self.values.get("validator")
        if name is None:
            return None
        if name not in validators.names():
            raise self.fail("validator", f"unknown; known are {', '.join(validators.names())}")
        return str(name)

    def _examples(self, key: str, wants_value: bool) -> tuple[Example, ...]:
        value = self.values.get(key) or []
        if not isinstance(value, list):
            raise self.fail(key, "wants a list of examples")
        if key == "match" and not value:
            raise self.fail(key, "wants at least one example")
        return tuple(self._example(key, item, wants_value) for item in value)

    def _example(self, key: str, item: Any, wants_value: bool) -> Example:
        wanted = "value" if wants_value else "why"
        if not isinstance(item, dict) or not {"text", wanted} <= set(item) <= {"text", "value", "why", "column"}:
            raise self.fail(key, f"each example is {{text: ..., {wanted}: ...}}, and `column: ...` if it is a cell")
        if not all(isinstance(part, str) for part in item.values()):
            raise self.fail(key, "the parts of an example are texts; put numbers in quotes")
        if wants_value and item["value"] not in item["text"]:
            raise self.fail(key, "the value of an example must stand in its text")
        column = item.get("column")
        return Example(item["text"], item["value"] if wants_value else None, item.get("why", ""), (column,) if column else None)


_KEYS: Final = frozenset(
    (
        "id",
        "entity",
        "subtracts",
        "description",
        "references",
        "pattern",
        "score",
        "context_score",
        "contrary_score",
        "validator",
        "context",
    )
) | frozenset(("contrary", "before", "after", "match", "no_match", "known_misses"))


# --------------------------------------------------------------------------- examples


@dataclass(frozen=True, slots=True)
class ExampleResult:
    """Whether one example holds. `kind`: match, no_match or known_miss (a known miss that is found has to move to `match`: not ok)."""

    rule_id: str
    kind: str
    number: int  # 1-based, within its kind
    ok: bool
    message: str  # says what is wrong without repeating the text
    file: str
    line: int

    @property
    def name(self) -> str:
        return f"{self.rule_id}-{self.kind}-{self.number}"


def check(rules: Sequence[Rule], thresholds: Mapping[str, float] | None = None) -> list[ExampleResult]:
    """Run every rule's own examples against that rule alone; what scores below the threshold of its entity does not count as found."""
    least = {"default": 0.5, **(thresholds or {})}
    return [result for rule in rules for result in _check(rule, least.get(rule.entity or "", least["default"]))]


def _check(rule: Rule, threshold: float) -> Iterator[ExampleResult]:
    compiled = CompiledRule(rule)
    # a rule whose matches never reach the threshold by design (told apart, not reported) is held to its own score
    reach = max(rule.score, rule.context_score)
    least = min(threshold, reach) if reach > 0 else threshold
    for kind, examples in (("match", rule.match), ("no_match", rule.no_match), ("known_miss", rule.known_misses)):
        for number, example in enumerate(examples, 1):
            found = _found(compiled, example, least)
            ok, message = _verdict(kind, example, found)
            yield ExampleResult(rule.id, kind, number, ok, message, rule.file, rule.line)


def _found(compiled: CompiledRule, example: Example, least: float) -> list[str] | None:
    try:
        return [example.text[start:end] for start, end, score in compiled.finds(fold(example.text), example.column) if score >= least]
    except TimeoutError:
        return None


def _verdict(kind: str, example: Example, found: list[str] | None) -> tuple[bool, str]:
    if found is None:
        return False, "the pattern took too long"
    if kind == "match":
        ok = found == [example.value]
        return ok, "" if ok else ("nothing was found" if not found else "something else or more than the value was found")
    if kind == "no_match":
        return not found, "" if not found else f"was found, although: {example.why}"
    missed = example.value not in found
    return missed, "" if missed else "is found now: move it to `match`"
