"""The policy in use: which store and department a path belongs to, what is left out, and what may stay unread."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from scanner.config import CopySettings, KnownContacts
from scanner.model import DetectSettings, Limits
from scanner.policy.drill import Drill
from scanner.policy.entities import IMPLIED
from scanner.policy.globs import ANY_NAME, Glob, GlobIndex
from scanner.policy.keep import KeepPolicy
from scanner.policy.outbound import OutboundPolicy
from scanner.policy.reveal import RevealPolicy
from scanner.policy.severity import SeverityRule


@dataclass(frozen=True, slots=True)
class Combination:
    """What has to come together in one object: so many persons at least, every kind of `all_of`, some kind of `any_of` if it has any."""

    persons: int = 0
    all_of: frozenset[str] = frozenset()
    any_of: frozenset[str] = frozenset()

    def met(self, persons: int, kinds: frozenset[str]) -> bool:
        """Whether an object with so many persons and these kinds of data meets it."""
        return persons >= self.persons and self.all_of <= kinds and (not self.any_of or bool(self.any_of & kinds))


@dataclass(frozen=True, slots=True)
class Store:
    """An approved store: a place where given kinds of personal data may live. `line` is where its file names it."""

    name: str
    paths: tuple[Glob, ...]
    allow: frozenset[str]  # entity types as written, or "*"
    owner: str | None = None
    purpose: str | None = None
    retention_days: int | None = None
    approved_by: str | None = None
    review_by: datetime.date | None = None
    file: str = ""
    line: int = 0

    def allows(self, entity_type: str) -> bool:
        """Is this kind allowed here, counting what another kind brings with it?"""
        if "*" in self.allow or entity_type in self.allow:
            return True
        return any(entity_type == implied and kind in self.allow for kind, implied in IMPLIED.items())


@dataclass(frozen=True, slots=True)
class Department:
    """Who answers for a part of the share."""

    name: str
    paths: tuple[Glob, ...]
    manager: str | None = None
    contact: str | None = None


@dataclass(frozen=True, slots=True)
class Excuse:
    """Unread objects that need not end in status 3: of these reasons, at these paths, because of `why`, `until` included."""

    reasons: frozenset[str]
    paths: tuple[Glob, ...]
    why: str
    until: datetime.date | None = None

    def holds(self, reason: str, today: datetime.date) -> bool:
        return reason in self.reasons and (self.until is None or today <= self.until)


@dataclass(frozen=True, slots=True)
class Example:
    """A path and what the policy must say of it; `checks` names which of `store` and `department` were given."""

    path: str  # absolute, as the `path` column escapes it
    source: str  # as written
    checks: frozenset[str]
    store: str | None
    department: str | None
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class ExampleFailure:
    """An example that does not hold: what was expected of it and what the policy says."""

    example: Example
    what: str  # "store" or "department"
    expected: str | None
    found: str | None


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a path belongs. `glob` is the store's pattern that decided; `also` the other stores that would take it, next best first."""

    store: Store | None = None
    department: Department | None = None
    glob: Glob | None = None
    also: tuple[str, ...] = ()

    @property
    def store_name(self) -> str | None:
        return None if self.store is None else self.store.name

    @property
    def department_name(self) -> str | None:
        return None if self.department is None else self.department.name

    @property
    def stores(self) -> tuple[str, ...]:
        """Every store whose paths match, the deciding one first."""
        return () if self.store is None else (self.store.name, *self.also)

    def allows(self, entity_type: str) -> bool:
        return self.store is not None and self.store.allows(entity_type)


@dataclass(frozen=True)
class Policy:
    """What one policy file and its includes say. Without a file: nothing is approved, excluded or excused.

    Paths given to its methods are absolute: root, ``/`` and path as the `path` column escapes them; a member's is its file's.
    """

    file: Path | None = None
    stores: tuple[Store, ...] = ()
    departments: tuple[Department, ...] = ()
    exclude: tuple[Glob, ...] = ()
    excuses: tuple[Excuse, ...] = ()
    known: KnownContacts = field(default_factory=KnownContacts)
    report_from_persons: int | None = None
    combinations: tuple[Combination, ...] = ()  # none: whatever is found counts
    severity: SeverityRule = field(default_factory=SeverityRule)
    limits: Limits = field(default_factory=Limits)
    detect: DetectSettings = field(default_factory=DetectSettings)
    copies: CopySettings = field(default_factory=CopySettings)
    outbound: OutboundPolicy = field(default_factory=OutboundPolicy)
    reveal: RevealPolicy = field(default_factory=RevealPolicy)
    examples: tuple[Example, ...] = ()
    drill: Drill | None = None
    keep: KeepPolicy = field(default_factory=KeepPolicy)
    files: tuple[Path, ...] = ()  # the policy file and its includes
    digest: str = ""  # of everything that decides a row: equal digests judge alike

    def place(self, path: str) -> Placement:
        """Store and department of a path: the longest literal prefix wins, then the first listed. A folder's path ends in ``/``."""
        if path.endswith("/"):
            path += ANY_NAME
        stores = list(self._store_index.matches(path))
        department = next((owner for _, owner in self._department_index.matches(path)), None)
        if not stores:
            return Placement(department=department)
        glob, store = stores[0]
        also = tuple(dict.fromkeys(other.name for _, other in stores[1:] if other is not store))
        return Placement(store, department, glob, also)

    def excluded(self, path: str, is_dir: bool = False) -> bool:
        """Is it left out? A folder is if a glob covers it or everything below it; it is then not entered."""
        return self.excluded_by(path, is_dir) is not None

    def excluded_by(self, path: str, is_dir: bool = False) -> Glob | None:
        """The glob that leaves the path out."""
        if is_dir:
            path = path.rstrip("/") or "/"
            below = next((glob for glob, _ in self._exclude_index.folder_matches(path)), None)
            if below is not None:
                return below
        return next((glob for glob, _ in self._exclude_index.matches(path)), None)

    def excuse_for(self, path: str, reason: str, today: datetime.date) -> str | None:
        """Why this unread path is acceptable, or None if it is not."""
        return next((excuse.why for excuse in self.excuses_at(path) if excuse.holds(reason, today)), None)

    def excuses_at(self, path: str) -> tuple[Excuse, ...]:
        """Every excuse whose globs cover the path, run out or not."""
        if path.endswith("/"):
            path += ANY_NAME
        return tuple(dict.fromkeys(excuse for _, excuse in self._excuse_index.matches(path)))

    def overdue_reviews(self, today: datetime.date) -> tuple[Store, ...]:
        """Stores whose `review_by` has passed."""
        return tuple(store for store in self.stores if store.review_by is not None and store.review_by < today)

    def expired_excuses(self, today: datetime.date) -> tuple[Excuse, ...]:
        """Excuses that no longer hold."""
        return tuple(excuse for excuse in self.excuses if excuse.until is not None and excuse.until < today)

    def stores_matching_nothing(self, matched: Iterable[str], roots: Sequence[str]) -> tuple[Store, ...]:
        """Stores that no path of a run belonged to, given the names that `Placement.stores` told and the roots reached.

        A store that may lie outside the roots counts only if its folder is not there at all.
        """
        seen = set(matched)
        return tuple(store for store in self.stores if store.name not in seen and not _lies_elsewhere(store, roots))

    def failing_examples(self) -> tuple[ExampleFailure, ...]:
        """The policy's own examples that do not hold."""
        failures = []
        for example in self.examples:
            placement = self.place(example.path)
            said = {"store": placement.store_name, "department": placement.department_name}
            wanted = {"store": example.store, "department": example.department}
            failures += [
                ExampleFailure(example, what, wanted[what], said[what]) for what in sorted(example.checks) if wanted[what] != said[what]
            ]
        return tuple(failures)

    @cached_property
    def _store_index(self) -> GlobIndex[Store]:
        return GlobIndex((glob, store) for store in self.stores for glob in store.paths)

    @cached_property
    def _department_index(self) -> GlobIndex[Department]:
        return GlobIndex((glob, department) for department in self.departments for glob in department.paths)

    @cached_property
    def _exclude_index(self) -> GlobIndex[None]:
        return GlobIndex((glob, None) for glob in self.exclude)

    @cached_property
    def _excuse_index(self) -> GlobIndex[Excuse]:
        return GlobIndex((glob, excuse) for excuse in self.excuses for glob in excuse.paths)


def _lies_elsewhere(store: Store, roots: Sequence[str]) -> bool:
    """May part of the store lie outside every root? Then a run over these roots cannot tell that it is empty."""
    return any(not _inside(glob.folder, roots) and _exists(glob.folder) for glob in store.paths)


def _inside(folder: str, roots: Sequence[str]) -> bool:
    return any((folder.rstrip("/") + "/").startswith(root.rstrip("/") + "/") for root in roots)


def _exists(folder: str) -> bool:
    try:
        return Path(folder or "/").exists()
    except (OSError, ValueError):
        return False
