"""Settings of one run as frozen objects: file, environment and flags meet here, and the library never sees a flag."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from scanner.model import DetectSettings, Dictionary, Limits


def available_cores() -> int:
    """Cores this process may use (affinity counts, not the machine's number)."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)


@dataclass(frozen=True, slots=True)
class KnownContacts:
    """Our own contact data, reported as `info`: names from files, phone numbers and e-mail patterns of the policy."""

    people_files: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()  # globs, `*@ourcompany.example`

    def __bool__(self) -> bool:
        return bool(self.people_files or self.phones or self.emails)


@dataclass(frozen=True, slots=True)
class StoreTracing:
    """How the copies of one approved store are traced, where that differs from `CopySettings`. None: as there."""

    trace: bool = True
    keys: tuple[str, ...] = ()  # columns of the store to fingerprint, by name; none named: all that identify
    leave_out: tuple[str, ...] = ()  # columns of the store never to fingerprint
    records: int | None = None
    weak_records: int | None = None


STRONG_KINDS = ("EMAIL_ADDRESS", "PHONE_NUMBER", "JP_BANK_ACCOUNT", "IBAN_CODE", "US_SSN")
"""Kinds of which one value alone identifies a record (a phone number also as a fax number does not)."""


@dataclass(frozen=True, slots=True)
class CopySettings:
    """What counts as a copy of an approved store: the policy's `copies:`."""

    index: Path | None = None  # folder of the index; None: in the account's own data folder
    strong: tuple[str, ...] = STRONG_KINDS
    columns: int = 2  # values of different kinds of one row that must agree where none is strong
    records: int = 1  # distinct records that make a copy, where a strong value agrees
    weak_records: int = 2  # the same where none does
    within_lines: int = 10  # how far apart the values of one record may stand in a text
    require: tuple[str, ...] = ()  # kinds that must be among the values that agree
    never: tuple[tuple[str, ...], ...] = ()  # combinations of kinds that do not make a match by themselves
    texts: bool = True  # look for excerpts of documents
    text_chars: int = 300  # normalised characters of the shortest excerpt told
    stores: Mapping[str, StoreTracing] = field(default_factory=dict)  # by name of the store

    def of(self, store: str) -> StoreTracing:
        return self.stores.get(store, StoreTracing())


@dataclass(frozen=True, slots=True)
class Excerpts:
    """The stores in whose documents excerpts are looked for."""

    index: Path  # folder of the index
    stores: tuple[str, ...]
    chars: int  # normalised characters of the shortest excerpt told


@dataclass(frozen=True, slots=True)
class PipelineConfig:
    """All that a worker needs to turn one file into facts. `secret` is the installation's key; it is never shown."""

    run_id: str
    limits: Limits
    detect: DetectSettings
    known: KnownContacts
    staging: Path  # private folder on the store's file system, for value files too large for a message
    secret: bytes = field(repr=False, default=b"")
    keep_texts: bool = False  # fingerprints of running text go among the values: for the index of the stores
    excerpts: Excerpts | None = None  # what running text is compared with

    def to_json(self) -> dict[str, Any]:
        """Plain data for the worker's pipe; the secret in hexadecimal, so it goes through no argument, file or environment."""
        return {
            "run_id": self.run_id,
            "limits": asdict(self.limits),
            "detect": asdict(self.detect),
            "known": asdict(self.known),
            "staging": os.fspath(self.staging),
            "keep_texts": self.keep_texts,
            "excerpts": None
            if self.excerpts is None
            else [os.fspath(self.excerpts.index), list(self.excerpts.stores), self.excerpts.chars],
            "secret": self.secret.hex(),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> PipelineConfig:
        detect: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in data["detect"].items()}
        detect["dictionaries"] = tuple(Dictionary(item["entity"], tuple(item["words"]), item["score"]) for item in detect["dictionaries"])
        known: dict[str, Any] = {key: tuple(value) for key, value in data["known"].items()}
        return cls(
            run_id=data["run_id"],
            limits=Limits(**data["limits"]),
            detect=DetectSettings(**detect),
            known=KnownContacts(**known),
            staging=Path(data["staging"]),
            keep_texts=bool(data["keep_texts"]),
            excerpts=None
            if data["excerpts"] is None
            else Excerpts(Path(data["excerpts"][0]), tuple(data["excerpts"][1]), data["excerpts"][2]),
            secret=bytes.fromhex(data["secret"]),
        )


@dataclass(frozen=True, slots=True)
class Settings:
    """How a run is carried out, apart from what the policy says."""

    jobs: int = field(default_factory=available_cores)
    key_file: Path | None = None
    limits: Mapping[str, float] = field(default_factory=dict)  # overrides the policy's
    lang: str | None = None
    nice: int | None = None  # added to the workers' niceness
    full: bool = False  # read everything, whatever earlier runs know
    recheck: float = 0.01  # share of the unchanged files whose content is compared all the same, 0 to 1
    checkpoint_seconds: float = 30.0  # between two points at which a run that dies can be taken up again
    checkpoint_objects: int = 2_000
    max_seconds: float | None = None  # of the whole run; then it is stopped, and the next goes on
    max_mb_per_second: float | None = None  # read from the share by all workers together, in millions of bytes
    window: str | None = None  # hours of the day in which to work, as in 22:00-06:00, local time
    log_format: str = "text"  # "json": events as JSON lines on standard error
    metrics: Path | None = None  # Prometheus text file, replaced when the run ends
    notify_command: str | None = None  # called when the run ends, the summary as JSON on its standard input
    webhook: str | None = None  # address that the summary is posted to
