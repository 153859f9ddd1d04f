"""What decided a run's outcome, as hashes: rules and dictionaries, readers, policy, and all of them in one.

Readers have a hash each, by media type: the source of a reader's module and of those modules of `scanner.extract` that it imports, and the
versions of the libraries that any of them uses. What every file goes through (sniffing, budget, pipeline, counting) is a hash of its own.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import scanner
from scanner.model import stable_id
from scanner.policy import Policy

LIBRARIES = {
    **{name: name for name in ("pyarrow", "lxml", "pypdfium2", "olefile")},
    "python_calamine": "python-calamine",
    "charset_normalizer": "charset-normalizer",
}
"""Modules of libraries that decide what is read -> the distribution that has a version."""

PACKAGES = ("pipeline", "redact", "tally")
COMMON = ("__init__", "sniff", "registry", "budget")
"""Modules of `scanner.extract` that every file goes through."""

_OURS = re.compile(r"(?m)^[ \t]*(?:from scanner\.extract(?:\.(\w+))? import (\([^)]*\)|[^\n#]*)|import scanner\.extract\.(\w+))")
_THEIRS = re.compile(r"(?m)^[ \t]*(?:from|import) (\w+)")


@dataclass(frozen=True, slots=True)
class Digests:
    """Hexadecimal hashes; equal ones decide alike."""

    detectors: str
    readers: str
    policy: str
    packs: Mapping[str, str] = field(default_factory=dict)  # pack of rules -> its version and a hash of its rules in use
    common: str = ""  # what all readers go through; part of `readers`
    by_type: Mapping[str, str] = field(default_factory=dict)  # media type -> its reader; all of them are part of `readers`

    @classmethod
    def of(cls, policy: Policy) -> Digests:
        """Raises RuleError if a rule that the policy names is broken."""
        from detectors.engine import digest, pack_versions

        common, by_type = _readers()
        readers = stable_id(common, *(f"{media_type} {one}" for media_type, one in sorted(by_type.items())))
        return cls(digest(policy.detect), readers, policy.digest, pack_versions(policy.detect), common, by_type)

    @property
    def engine(self) -> str:
        """objects.engine_digest: of everything that decided the outcome."""
        return stable_id(scanner.__version__, self.detectors, self.readers, self.policy)

    def told(self) -> dict[str, str]:
        return {"engine": self.engine, "detectors": self.detectors, "readers": self.readers, "policy": self.policy}


def _readers() -> tuple[str, dict[str, str]]:
    """(what all share, media type -> its reader)."""
    from scanner.extract import registry

    home = Path(scanner.__file__).parent
    sources = {path.stem: path.read_text(encoding="utf-8") for path in (home / "extract").glob("*.py")}
    shared = {f"{package}/{path.name}": path.read_text(encoding="utf-8") for package in PACKAGES for path in (home / package).glob("*.py")}
    imports = {name: imported(text, sources) for name, text in sources.items()}
    common = closure(imports, {*COMMON, *(name for text in shared.values() for name in imported(text, sources))})
    shared |= {name: sources[name] for name in common}
    by_module: dict[str, str] = {}
    by_type: dict[str, str] = {}
    for extractor in registry.all_extractors():
        module = type(extractor).__module__.rpartition(".")[2]
        if module not in by_module:
            by_module[module] = _hash({name: sources[name] for name in closure(imports, {module}) - common})
        by_type |= dict.fromkeys(extractor.media_types, by_module[module])
    return _hash(shared), by_type


def imported(text: str, sources: Iterable[str]) -> set[str]:
    """Modules of `scanner.extract` that a source imports, anywhere in it."""
    known = set(sources)
    return {
        name
        for found in _OURS.finditer(text)
        for name in ({found[1], found[3]} if found[1] or found[3] else set(re.findall(r"\w+", found[2])))
    } & known


def closure(imports: Mapping[str, set[str]], modules: Iterable[str]) -> set[str]:
    """The modules with all those that they import, directly or not. `imports`: what each imports itself."""
    found, left = set(), set(modules)
    while left:
        name = left.pop()
        found.add(name)
        left |= imports[name] - found
    return found


def _hash(sources: Mapping[str, str]) -> str:
    """Of the sources, and of the libraries that they import."""
    from detectors.engine import library_version

    hasher = hashlib.blake2b(digest_size=8)
    libraries = {found[1] for text in sources.values() for found in _THEIRS.finditer(text)} & LIBRARIES.keys()
    for name, text in sorted(sources.items()):
        hasher.update(f"{name}\0{text}\0".encode())
    for library in sorted(libraries):
        hasher.update(f"{library} {library_version(LIBRARIES[library])}\0".encode())
    return hasher.hexdigest()
