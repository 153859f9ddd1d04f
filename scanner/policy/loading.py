"""From a policy file and its includes to a `Policy`; the first fault found ends it with a `PolicyError`."""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import json
import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from scanner.config import KnownContacts
from scanner.model import DetectSettings, Dictionary, Limits, Reason, path_text
from scanner.policy import copies, document
from scanner.policy.copies import copy_settings
from scanner.policy.document import PolicyError, Value, did_you_mean, shown
from scanner.policy.drill import STORE, STORE_FOLDER, Drill
from scanner.policy.entities import known_entities, looks_sensitive
from scanner.policy.globs import Glob, GlobError, compile_glob
from scanner.policy.keep import keep_policy
from scanner.policy.outbound import outbound_policy
from scanner.policy.policy import Combination, Department, Example, Excuse, Policy, Store
from scanner.policy.reveal import reveal_policy
from scanner.policy.severity import severity_rule

VERSION = 1
STORE_KEYS = ("name", "paths", "owner", "purpose", "allow", "retention_days", "approved_by", "review_by")
BOUND_KEYS = ("stores", "exclude", "excuse", "examples")  # what an included file may hold, beside `version` and `department`
POLICY_KEYS = (
    *("version", "stores", "departments", "include", "exclude", "excuse", "known", "report_from", "severity"),
    *("limits", "detect", "copies", "outbound", "reveal", "examples", "drill", "keep"),
)

_DETECT_KEYS = (
    *("entities", "packs", "thresholds", "rules", "allow", "spacy_models", "disable_rules"),
    *("dictionaries", "combinations"),
)
_ENTITY_NAME = re.compile(r"[A-Z][A-Z0-9_]{1,60}")
_SHORTEST_WORD = 2
_DICTIONARY_SCORE = 0.95  # above what is guessed: the words are the user's own

T = TypeVar("T")


def load(path: Path | None) -> Policy:
    """The policy of a file. None: every finding is stray, nothing is approved, excluded or excused. Raises `PolicyError`."""
    if path is None:
        return _with_digest(Policy())
    return _with_digest(_Reader(path).policy())


@dataclass(frozen=True, slots=True)
class _Parts:
    """What the policy file and its includes add up to."""

    stores: list[Store] = field(default_factory=list)
    exclude: list[Glob] = field(default_factory=list)
    excuses: list[Excuse] = field(default_factory=list)
    examples: list[Example] = field(default_factory=list)


class _Reader:
    """Reads one policy file; relative paths in it and in its includes start at its folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        real = os.path.realpath(path)
        self.folder = Path(os.path.dirname(real))
        self.base = path_text(os.fsencode(os.path.dirname(real)))
        self.entities: frozenset[str] = frozenset()

    def policy(self) -> Policy:
        top = document.read(self.path)
        fields = top.fields(POLICY_KEYS)
        _check_version(top, fields)
        detect = self._detect(fields.get("detect"))
        self.entities = known_entities(detect.rules) | {dictionary.entity for dictionary in detect.dictionaries}
        self._check_detect_entities(fields.get("detect"))
        departments = self._departments(fields.get("departments"))
        parts = _Parts()
        self._bound_keys(fields, parts, None)
        included = self._includes(fields.get("include"), departments, parts)
        for example in parts.examples:
            self._check_example(example, parts.stores, departments)
        drill = self._drill(fields.get("drill"), parts)
        return Policy(
            file=self.path,
            stores=tuple(parts.stores),
            departments=departments,
            exclude=tuple(parts.exclude),
            excuses=tuple(parts.excuses),
            known=self._known(fields.get("known")),
            report_from_persons=_report_from(fields.get("report_from")),
            severity=severity_rule(fields.get("severity")),
            limits=_limits(fields.get("limits")),
            detect=detect,
            combinations=self._combinations(fields.get("detect")),
            copies=copy_settings(fields.get("copies"), self.folder, [store.name for store in parts.stores], self._entity),
            outbound=outbound_policy(fields.get("outbound"), self._entity, [store.name for store in parts.stores]),
            reveal=reveal_policy(fields.get("reveal"), self._entity),
            examples=tuple(parts.examples),
            drill=drill,
            keep=keep_policy(fields.get("keep")),
            files=(self.path, *included),
        )

    # ----------------------------------------------------------------- stores, exclude, excuse, examples

    def _bound_keys(self, fields: Mapping[str, Value], parts: _Parts, bound: Department | None) -> None:
        """Reads what both the policy and an included file may hold; `bound`: all paths must lie in this department's."""
        for value in _items(fields.get("stores")):
            self._add_store(value, parts, bound)
        for value in _text_items(fields.get("exclude")):
            parts.exclude.append(self._glob(value, bound))
        for value in _items(fields.get("excuse")):
            parts.excuses.append(self._excuse(value, bound))
        for value in _items(fields.get("examples")):
            parts.examples.append(self._example(value, bound))

    def _add_store(self, value: Value, parts: _Parts, bound: Department | None) -> None:
        fields = value.fields(STORE_KEYS)
        name = _required(value, fields, "name").text()
        twin = next((store for store in parts.stores if store.name == name), None)
        if twin is not None:
            where = f"line {twin.line}" if twin.file == value.file else f"{twin.file}:{twin.line}"
            fields["name"].fail(f"two stores of one name; the other is at {where}")
        allow = _required(value, fields, "allow")
        retention = fields.get("retention_days")
        review = fields.get("review_by")
        parts.stores.append(
            Store(
                name=name,
                paths=self._globs(_required(value, fields, "paths"), bound),
                allow=frozenset(self._entity(item, star=True) for item in allow.text_items()),
                owner=_optional_text(fields, "owner"),
                purpose=_optional_text(fields, "purpose"),
                retention_days=None if retention is None else retention.whole(1),
                approved_by=_optional_text(fields, "approved_by"),
                review_by=None if review is None else review.date(),
                file=value.file,
                line=value.line,
            )
        )

    def _excuse(self, value: Value, bound: Department | None) -> Excuse:
        fields = value.fields(("reason", "paths", "why", "until"))
        reasons = frozenset(_reason(item) for item in _required(value, fields, "reason").text_items(single=True))
        until = fields.get("until")
        return Excuse(
            reasons=reasons,
            paths=self._globs(_required(value, fields, "paths"), bound),
            why=_required(value, fields, "why").text(),
            until=None if until is None else until.date(),
        )

    def _example(self, value: Value, bound: Department | None) -> Example:
        fields = value.fields(("path", "store", "department"))
        path = _required(value, fields, "path")
        glob = self._glob(path, bound)
        if glob.literal != _unquoted(glob.absolute):
            path.fail("an example is one path, without wildcards")
        checks = frozenset(fields) - {"path"}
        if not checks:
            value.fail("an example says which `store` or `department` the path belongs to (null for none)")
        wanted = {name: None if fields[name].is_null else fields[name].text() for name in checks}
        return Example(glob.literal, path.text(), checks, wanted.get("store"), wanted.get("department"), value.file, value.line)

    def _check_example(self, example: Example, stores: Iterable[Store], departments: Iterable[Department]) -> None:
        for what, wanted, known in (
            ("store", example.store, [store.name for store in stores]),
            ("department", example.department, [department.name for department in departments]),
        ):
            if wanted is not None and wanted not in known:
                message = f'no {what} is named "{shown(wanted)}"' + did_you_mean(wanted, known)
                raise PolicyError(example.file, example.line, f"examples.{what}", message)

    # ----------------------------------------------------------------- departments and includes

    def _departments(self, value: Value | None) -> tuple[Department, ...]:
        found: dict[str, Department] = {}
        for item in _items(value):
            fields = item.fields(("name", "paths", "manager", "contact"))
            name = _required(item, fields, "name").text()
            if name in found:
                fields["name"].fail("two departments of one name")
            paths = self._globs(_required(item, fields, "paths"), None)
            found[name] = Department(name, paths, _optional_text(fields, "manager"), _optional_text(fields, "contact"))
        return tuple(found.values())

    def _includes(self, value: Value | None, departments: tuple[Department, ...], parts: _Parts) -> list[Path]:
        files: dict[Path, None] = {}
        for item in _text_items(value):
            glob = self._glob(item, None)
            matching = self._files_of(glob)
            if not matching and glob.literal == _unquoted(glob.absolute):
                item.fail("the file does not exist")
            files.update(dict.fromkeys(path for path in matching if os.path.realpath(path) != os.path.realpath(self.path)))
        for path in files:
            self._include(path, departments, parts)
        return list(files)

    def _files_of(self, glob: Glob) -> list[Path]:
        """Files that an include glob names, sorted; links are not followed into folders."""
        found: list[Path] = []
        deepest = None if "**" in glob.absolute else glob.absolute.count("/") - 1
        for folder, folders, names in os.walk(glob.folder or "/"):
            if deepest is not None and folder.count("/") >= deepest:
                folders.clear()
            paths = [os.path.join(folder, name) for name in names]
            found += [Path(path) for path in paths if glob.matches(path_text(os.fsencode(path)))]
        return sorted(found)

    def _include(self, path: Path, departments: tuple[Department, ...], parts: _Parts) -> None:
        name = os.path.relpath(path, self.folder)
        top = document.read(path, str(self.path.parent / name))
        fields = top.fields(("version", "department", *BOUND_KEYS))
        if "version" in fields:
            _check_version(top, fields)
        wanted = _required(top, fields, "department")
        bound = next((department for department in departments if department.name == wanted.text()), None)
        if bound is None:
            names = [department.name for department in departments]
            wanted.fail(f'the policy has no department "{shown(wanted.text())}"' + did_you_mean(wanted.text(), names))
        self._bound_keys(fields, parts, bound)

    # ----------------------------------------------------------------- globs, entity types, the rest

    def _globs(self, value: Value, bound: Department | None) -> tuple[Glob, ...]:
        items = value.text_items()
        if not items:
            value.fail("at least one path is needed")
        return tuple(self._glob(item, bound) for item in items)

    def _glob(self, value: Value, bound: Department | None) -> Glob:
        try:
            glob = compile_glob(value.text(), self.base)
        except GlobError as error:
            value.fail(f"invalid glob: {error}")
        if bound is not None and not any(glob.within(outer) for outer in bound.paths):
            value.fail(f'lies outside the paths of the department "{shown(bound.name)}", which this file is bound to')
        return glob

    def _entity(self, value: Value, *, star: bool = False) -> str:
        entity = value.text()
        if (star and entity == "*") or entity in self.entities or looks_sensitive(entity):
            return entity
        value.fail(f'unknown entity type "{shown(entity)}"' + did_you_mean(entity.upper(), self.entities))

    def _check_detect_entities(self, value: Value | None) -> None:
        fields = {} if value is None or value.is_null else value.fields()
        for item in _text_items(fields.get("entities")):
            self._entity(item)
        for name, item in _block(fields.get("thresholds")).items():
            if name != "default" and name not in self.entities and not looks_sensitive(name):
                item.fail("unknown entity type" + did_you_mean(name.upper(), self.entities))

    def _detect(self, value: Value | None) -> DetectSettings:
        if value is None or value.is_null:
            return DetectSettings()
        fields = value.fields(_DETECT_KEYS)
        return DetectSettings(
            entities=_optional(fields, "entities", Value.texts),
            packs=_optional(fields, "packs", Value.texts),
            thresholds={name: _score(item) for name, item in _block(fields.get("thresholds")).items()},
            rules=tuple(str(self._existing(item, "rule folder or file")) for item in _text_items(fields.get("rules"))),
            allow=tuple(item.text() for item in _text_items(fields.get("allow"))),
            spacy_models={name: item.text() for name, item in _block(fields.get("spacy_models")).items()},
            disabled_rules=tuple(item.text() for item in _text_items(fields.get("disable_rules"))),
            dictionaries=tuple(map(self._dictionary, _items(fields.get("dictionaries")))),
        )

    def _dictionary(self, value: Value) -> Dictionary:
        """Words of a user's own, in the policy or one a line in a file."""
        fields = value.fields(("entity", "words", "file", "score"))
        entity = _required(value, fields, "entity")
        if not _ENTITY_NAME.fullmatch(entity.text()):
            entity.fail("an entity type is written in capitals, digits and underscores")
        words = [item.text() for item in _text_items(fields.get("words"))]
        if "file" in fields:
            path = self._existing(fields["file"], "file")
            try:
                words += path.read_text(encoding="utf-8-sig").splitlines()
            except UnicodeDecodeError:
                fields["file"].fail("this file is not UTF-8")
        words = [word for word in (word.strip() for word in words) if word]
        if not words:
            value.fail("names no words")
        if any(len(word) < _SHORTEST_WORD for word in words):
            value.fail(f"a word of a dictionary has {_SHORTEST_WORD} characters or more")
        return Dictionary(entity.text(), tuple(words), _score(fields["score"]) if "score" in fields else _DICTIONARY_SCORE)

    def _combinations(self, value: Value | None) -> tuple[Combination, ...]:
        fields = {} if value is None or value.is_null else value.fields(_DETECT_KEYS)
        return tuple(map(self._combination, _items(fields.get("combinations"))))

    def _combination(self, value: Value) -> Combination:
        fields = value.fields(("persons", "all", "any"))
        persons = fields["persons"].whole() if "persons" in fields else 0
        kinds = [frozenset(self._entity(item) for item in _text_items(fields.get(name))) for name in ("all", "any")]
        if not persons and not any(kinds):
            value.fail("asks for nothing: `persons`, `all` or `any` is missing")
        return Combination(persons, *kinds)

    def _known(self, value: Value | None) -> KnownContacts:
        if value is None or value.is_null:
            return KnownContacts()
        fields = value.fields(("people", "phones", "emails"))
        files = [self._existing(item, "file") for item in _text_items(fields.get("people"))]
        return KnownContacts(
            people_files=tuple(map(str, files)),
            phones=tuple(item.text() for item in _text_items(fields.get("phones"))),
            emails=tuple(item.text() for item in _text_items(fields.get("emails"))),
        )

    def _drill(self, value: Value | None, parts: _Parts) -> Drill | None:
        """The folder of the drill; while it is planted, its store is one of the policy's."""
        if value is None or value.is_null:
            return None
        folder = Path(os.path.realpath(self.folder / _required(value, value.fields(("folder",)), "folder").text()))
        drill = Drill(folder, path_text(os.fsencode(folder)))
        if any(store.name == STORE for store in parts.stores):
            value.fail(f'"{STORE}" is the name of the drill\'s own store; give yours another')
        if drill.is_planted:
            quoted = "".join(f"\\{char}" if char in "*?[]{}" else char for char in drill.text)
            glob = compile_glob(f"{quoted}/{STORE_FOLDER}/**", self.base)
            parts.stores.append(Store(STORE, (glob,), frozenset({"*"}), file=value.file, line=value.line))
        return drill

    def _existing(self, value: Value, what: str) -> Path:
        """A path of the policy, absolute; it is there and can be read."""
        path = self.folder / value.text()
        if not path.exists() or (what == "file" and not path.is_file()):
            value.fail(f"this {what} does not exist")
        if not os.access(path, os.R_OK):
            value.fail(f"this {what} cannot be read")
        return path


# --------------------------------------------------------------------------- single values


def _check_version(top: Value, fields: Mapping[str, Value]) -> None:
    version = _required(top, fields, "version")
    if version.whole() != VERSION:
        version.fail(f"this program reads policy version {VERSION}")


def _required(value: Value, fields: Mapping[str, Value], name: str) -> Value:
    if name not in fields or fields[name].is_null:
        value.fail(f"`{name}` is missing")
    return fields[name]


def _optional(fields: Mapping[str, Value], name: str, read: Callable[[Value], T]) -> T | None:
    value = fields.get(name)
    return None if value is None or value.is_null else read(value)


def _optional_text(fields: Mapping[str, Value], name: str) -> str | None:
    return _optional(fields, name, Value.text)


def _items(value: Value | None) -> list[Value]:
    return [] if value is None or value.is_null else value.items()


def _text_items(value: Value | None) -> list[Value]:
    return [] if value is None or value.is_null else value.text_items()


def _block(value: Value | None) -> dict[str, Value]:
    return {} if value is None or value.is_null else value.fields()


def _score(value: Value) -> float:
    score = value.number()
    if score > 1:
        value.fail("a score lies between 0 and 1")
    return score


def _reason(value: Value) -> str:
    word = value.text()
    known = [reason.value for reason in Reason]
    if word not in known:
        value.fail(f'unknown reason "{shown(word)}"' + did_you_mean(word, known))
    return word


def _report_from(value: Value | None) -> int | None:
    if value is None or value.is_null:
        return None
    fields = value.fields(("persons",))
    return _optional(fields, "persons", Value.whole)


def _limits(value: Value | None) -> Limits:
    defaults = Limits()
    known = {item.name: type(getattr(defaults, item.name)) for item in dataclasses.fields(Limits)}
    if value is None or value.is_null:
        return defaults
    given = {name: item.whole(1) if known[name] is int else item.number() for name, item in value.fields(known).items()}
    return dataclasses.replace(defaults, **given)  # type: ignore[arg-type]


def _unquoted(glob: str) -> str:
    """The glob without the backslashes that take a character as it is: equal to its literal text if it has no wildcard."""
    text, index = [], 0
    while index < len(glob):
        if glob[index] == "\\" and glob[index + 1 : index + 2] not in {"\\", "x"}:
            index += 1
        elif glob[index : index + 2] == "\\\\":
            text.append("\\")
            index += 1
        text.append(glob[index : index + 1])
        index += 1
    return "".join(text)


# --------------------------------------------------------------------------- digest


def _with_digest(policy: Policy) -> Policy:
    """Everything that decides a row, in an order of its own; the content of the staff lists counts, their place does not."""
    decides = {
        "stores": [[s.name, [g.absolute for g in s.paths], sorted(s.allow), s.retention_days] for s in policy.stores],
        "departments": [[d.name, [g.absolute for g in d.paths]] for d in policy.departments],
        "exclude": sorted(glob.absolute for glob in policy.exclude),
        "excuse": sorted([sorted(e.reasons), sorted(g.absolute for g in e.paths), _iso(e.until)] for e in policy.excuses),
        "known": [
            sorted(hashlib.sha256(Path(name).read_bytes()).hexdigest() for name in policy.known.people_files),
            sorted(policy.known.phones),
            sorted(policy.known.emails),
        ],
        "report_from": policy.report_from_persons,
        "combinations": [[item.persons, sorted(item.all_of), sorted(item.any_of)] for item in policy.combinations],
        "severity": dataclasses.asdict(policy.severity),
        "limits": dataclasses.asdict(policy.limits),
        "detect": dataclasses.asdict(policy.detect),
        "copies": copies.told(policy.copies),
        "drill": None if policy.drill is None else policy.drill.text,
    }
    text = json.dumps(decides, sort_keys=True, ensure_ascii=True)
    return dataclasses.replace(policy, digest=hashlib.sha256(text.encode()).hexdigest())


def _iso(date: datetime.date | None) -> str:
    return "" if date is None else date.isoformat()
