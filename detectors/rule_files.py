"""Rules from YAML files: what is right becomes a `Rule`, what is wrong one sentence with file, line and key."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from detectors import validators
from detectors.pattern import compile_foreign
from detectors.rule import Example, Rule, terms_pattern

SHIPPED: Final = Path(__file__).parent.parent / "rules"
MAX_FILE_BYTES: Final = 1_000_000
MAX_TERMS: Final = 500
NEAR_REACH: Final = 120
"""Characters between a claim and the person it stands by: less than the margin of a window (200), so that no window's border hides one."""
_ID: Final = re.compile(r"[a-z0-9][a-z0-9_-]*(\.[a-z0-9_-]+)+")
_ENTITY: Final = re.compile(r"[A-Z][A-Z0-9_]*")
_REQUIRED: Final = ("id", "description", "score", "match")


class RuleError(Exception):
    """A rule file is wrong; one sentence that names file, line and key. Never quotes more than keys and ids."""

    def __init__(self, file: str, line: int, message: str) -> None:
        super().__init__(f"{file}:{line}: {message}")
        self.file, self.line, self.message = file, line, message


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
            near=self._near(),
            within=self._within(),
            headers=self._words("headers"),
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
        if ("pattern" in self.values) == ("terms" in self.values):
            raise self.fail("pattern", "a rule has either `pattern` or `terms`")
        key = "pattern" if "pattern" in self.values else "terms"
        source = self._text(key) if key == "pattern" else self._terms()
        if trusted:  # a test compiles every shipped rule; each run need not
            return source
        try:
            compile_foreign(source)
        except Exception as error:  # `regex` raises its own error, re2 another, and OverflowError for absurd bounds
            raise self.fail(key, f"is no valid regular expression ({type(error).__name__})") from None
        return source

    def _terms(self) -> str:
        terms = self._words("terms")
        if not 0 < len(terms) <= MAX_TERMS:
            raise self.fail("terms", f"wants 1 to {MAX_TERMS:,} terms; a longer list is a dictionary of the policy")
        return terms_pattern(terms)

    def _near(self) -> str | None:
        near = self.values.get("near")
        if near not in (None, "person"):
            raise self.fail("near", "wants `person`, the one thing a rule can be near to")
        if near is None and self._words("headers"):
            raise self.fail("headers", "only a rule with `near: person` speaks for whole columns")
        return near

    def _within(self) -> int:
        value = self.values.get("within", NEAR_REACH)
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= NEAR_REACH:
            raise self.fail("within", f"wants a number of characters from 1 to {NEAR_REACH}")
        if "within" in self.values and "near" not in self.values:
            raise self.fail("within", "says how near; it wants `near: person`")
        return value if "near" in self.values else 0

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


_KEYS: Final = frozenset((
    "id", "entity", "subtracts", "description", "references", "pattern", "terms", "score", "context_score", "contrary_score", "validator",
    "context", "contrary", "before", "after", "near", "within", "headers", "match", "no_match", "known_misses",
))  # fmt: skip
