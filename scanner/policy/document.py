"""Reading a YAML file so that every complaint names file, line and key, and no complaint quotes a value."""

from __future__ import annotations

import datetime
import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import yaml

MAX_BYTES = 16 * 2**20

_KINDS = {
    "tag:yaml.org,2002:str": "text",
    "tag:yaml.org,2002:int": "a number",
    "tag:yaml.org,2002:float": "a number",
    "tag:yaml.org,2002:bool": "yes/no",
    "tag:yaml.org,2002:null": "nothing",
    "tag:yaml.org,2002:timestamp": "a date",
    "tag:yaml.org,2002:map": "a block of keys",
    "tag:yaml.org,2002:seq": "a list",
}


class PolicyError(Exception):
    """A policy that cannot be used. `str()` is one sentence with file, line and key; it quotes no value of the file."""

    def __init__(self, file: str, line: int | None, key: str, message: str) -> None:
        self.file, self.line, self.key, self.message = file, line, key, message
        place = file if line is None else f"{file}:{line}"
        super().__init__(": ".join(part for part in (place, key, message) if part))


def shown(text: str, limit: int = 60) -> str:
    """A key, glob or entity type for a message: on one line, printable, cut short."""
    clean = "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in text)
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``; did you mean "allow"?`` if a known word is near, else nothing."""
    near = difflib.get_close_matches(word, sorted(known), n=1, cutoff=0.6)
    return f'; did you mean "{near[0]}"?' if near else ""


@dataclass(frozen=True, slots=True)
class Value:
    """One YAML value with where it stands. The reading methods give plain data or raise `PolicyError`."""

    node: yaml.Node
    file: str
    key: str = ""

    @property
    def line(self) -> int:
        return self.node.start_mark.line + 1

    @property
    def is_null(self) -> bool:
        return self.node.tag == "tag:yaml.org,2002:null"

    def fail(self, message: str) -> NoReturn:
        raise PolicyError(self.file, self.line, self.key, message)

    def _expect(self, what: str) -> NoReturn:
        found = _KINDS.get(self.node.tag, "something else")
        hint = ""
        if what == "text" and isinstance(self.node, yaml.ScalarNode) and not self.is_null:
            hint = f" (YAML reads this word as {found}: put it in quotes)"
        self.fail(f"expected {what}, found {found}{hint}")

    def fields(self, known: Iterable[str] | None = None) -> dict[str, Value]:
        """The keys of a block; an unknown one is an error. `known` None: any key is taken."""
        if not isinstance(self.node, yaml.MappingNode):
            self._expect("a block of keys")
        known = None if known is None else sorted(known)
        found: dict[str, Value] = {}
        for key_node, value_node in self.node.value:
            name = self._key_name(key_node)
            path = f"{self.key}.{shown(name)}" if self.key else shown(name)
            here = Value(key_node, self.file, path)
            if name in found:
                here.fail("this key stands twice")
            if known is not None and name not in known:
                here.fail("unknown key" + did_you_mean(name, known))
            found[name] = Value(value_node, self.file, path)
        return found

    def _key_name(self, node: yaml.Node) -> str:
        if isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:str":
            return str(node.value)
        if isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:merge":
            Value(node, self.file, self.key).fail("merge keys (<<) are not read; write the keys out")
        Value(node, self.file, self.key).fail("a key that is not text (put it in quotes)")

    def items(self) -> list[Value]:
        if not isinstance(self.node, yaml.SequenceNode):
            self._expect("a list")
        return [Value(child, self.file, f"{self.key}[{index}]") for index, child in enumerate(self.node.value)]

    def text(self) -> str:
        """Text that is not blank."""
        if not isinstance(self.node, yaml.ScalarNode) or self.node.tag != "tag:yaml.org,2002:str":
            self._expect("text")
        if not self.node.value.strip():
            self.fail("must not be empty")
        return str(self.node.value)

    def texts(self, *, single: bool = False) -> tuple[str, ...]:
        """A list of texts; with `single`, one text alone will do."""
        return tuple(item.text() for item in self.text_items(single=single))

    def text_items(self, *, single: bool = False) -> list[Value]:
        items = [self] if single and isinstance(self.node, yaml.ScalarNode) else self.items()
        for item in items:
            item.text()
        return items

    def whole(self, least: int = 0) -> int:
        value = self._scalar("tag:yaml.org,2002:int", "a whole number")
        if value < least:
            self.fail(f"must be {least} or more")
        return int(value)

    def number(self, least: float = 0.0) -> float:
        if self.node.tag not in {"tag:yaml.org,2002:int", "tag:yaml.org,2002:float"}:
            self._expect("a number")
        value = float(self._construct())
        if not least <= value < float("inf"):
            self.fail(f"must be {least:g} or more, and finite")
        return value

    def truth(self) -> bool:
        """Yes or no."""
        return bool(self._scalar("tag:yaml.org,2002:bool", "yes/no"))

    def date(self) -> datetime.date:
        if self.node.tag != "tag:yaml.org,2002:timestamp":
            self._expect("a date such as 2027-03-31")
        value = self._construct()
        return value.date() if isinstance(value, datetime.datetime) else value

    def _scalar(self, tag: str, what: str) -> Any:
        if self.node.tag != tag:
            self._expect(what)
        return self._construct()

    def _construct(self) -> Any:
        try:
            return yaml.SafeLoader("").construct_object(self.node, deep=True)
        except (ValueError, OverflowError, yaml.YAMLError):
            self.fail("not a date that exists" if self.node.tag.endswith("timestamp") else "not a value that can be read")


def read(path: Path, name: str | None = None) -> Value:
    """The one document of a YAML file, not yet looked at. `name`: the file as messages show it."""
    shown_as = name if name is not None else str(path)
    text = _file_text(path, shown_as)
    loader: Any = None
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
    except RecursionError:
        raise PolicyError(shown_as, None, "", "nested too deeply") from None
    except yaml.YAMLError as error:
        raise _syntax_error(error, shown_as) from None
    finally:
        if loader is not None:
            loader.dispose()
    if node is None:
        raise PolicyError(shown_as, None, "", "the file is empty; a policy begins with `version: 1`")
    return Value(node, shown_as)


def _file_text(path: Path, name: str) -> str:
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise PolicyError(name, None, "", f"cannot be read ({(error.strerror or 'input/output error').lower()})") from None
    if len(data) > MAX_BYTES:
        raise PolicyError(name, None, "", "larger than 16 MB: not a policy")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise PolicyError(name, line, "", "not UTF-8; save the file as UTF-8") from None


def _syntax_error(error: yaml.YAMLError, name: str) -> PolicyError:
    """What PyYAML complains about, without the snippet and the quoted words it adds: they may be values."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or "the file is not YAML"
    context = getattr(error, "context", None)
    words = ", ".join(part for part in (context, problem) if part)
    if "another document" in words:
        words = "more than one YAML document (---) in the file"
    words = re.sub(r"""(['"`]).*?\1""", lambda found: found[0] if len(found[0]) <= 5 else "…", words, flags=re.DOTALL)
    return PolicyError(name, None if mark is None else mark.line + 1, "", f"not valid YAML: {shown(words, 200)}")
