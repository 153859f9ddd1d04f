"""What decided a run's outcome, as hashes: rules and dictionaries, readers, policy, and all of them in one."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import scanner
from scanner.model import stable_id
from scanner.policy import Policy

READERS = ("pyarrow", "lxml", "pypdfium2", "python-calamine", "olefile", "charset-normalizer")
PACKAGES = ("extract", "pipeline", "redact", "tally")


@dataclass(frozen=True, slots=True)
class Digests:
    """Hexadecimal hashes; equal ones decide alike."""

    detectors: str
    readers: str
    policy: str
    packs: Mapping[str, str] = field(default_factory=dict)  # pack of rules -> its version and a hash of its rules in use

    @classmethod
    def of(cls, policy: Policy) -> Digests:
        """Raises RuleError if a rule that the policy names is broken."""
        from detectors.engine import digest, pack_versions

        return cls(digest(policy.detect), _readers(), policy.digest, pack_versions(policy.detect))

    @property
    def engine(self) -> str:
        """objects.engine_digest: of everything that decided the outcome."""
        return stable_id(scanner.__version__, self.detectors, self.readers, self.policy)

    def told(self) -> dict[str, str]:
        return {"engine": self.engine, "detectors": self.detectors, "readers": self.readers, "policy": self.policy}


def _readers() -> str:
    from detectors.engine import library_version

    hasher = hashlib.blake2b(digest_size=16)
    home = Path(scanner.__file__).parent
    for package in PACKAGES:
        for file in sorted((home / package).glob("*.py")):
            hasher.update(file.name.encode() + b"\0" + file.read_bytes())
    for library in READERS:
        hasher.update(f"{library} {library_version(library)}\0".encode())
    return hasher.hexdigest()
