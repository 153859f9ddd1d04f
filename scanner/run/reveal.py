"""A finding's value on the terminal: the source is read again with the caller's own rights, in a process of its own, and nothing is written
but the log, which says who saw which finding, when and why, and never what.

The log entry is on the disk before a value is shown. A member of a container may pass through the private temporary folder, as in a scan.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from scanner.config import KnownContacts, PipelineConfig
from scanner.findings.read import open_findings
from scanner.model import Blob, Finished, Location, Unreadable
from scanner.person import person_here
from scanner.pipeline import Pipeline
from scanner.pipeline.gathering import Claim, Gathering, Judged
from scanner.policy import load
from scanner.redact import Key, normalise
from scanner.run import audit
from scanner.run.link import environment
from scanner.sources.filesystem import OpenSpec, open_descriptor, open_sibling

LOG: Final = "reveals"
MOST: Final = 100  # values
_LONGEST: Final = 200  # characters of a reason
_SECONDS: Final = 600.0


class RevealError(Exception):
    """The value cannot or may not be shown. The message is one sentence and holds no value."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One value, and the rows and lines where it was met first."""

    value: str = field(repr=False)
    row: int | None
    line: int | None


@dataclass(frozen=True, slots=True)
class Revealed:
    """`changed`: the object is not what the scan read. `entry`: the number in the log. Not to be written anywhere."""

    values: tuple[Seen, ...] = field(repr=False)
    where: str
    place: str | None
    column: str | None
    entity_type: str
    changed: bool
    reason: str | None  # why it could not be read to the end
    entry: int


def reveal(out: Path, finding: str, policy_file: Path, reason: str, most: int = 3) -> Revealed:
    """The first `most` distinct values of a finding, given by its id or the beginning of it. Raises `RevealError`, `PolicyError`,
    `StoreError`; what is refused to an account is logged as well."""
    why = " ".join(reason.split())
    if not why:
        raise RevealError("a reason is needed")
    if len(why) > _LONGEST:
        raise RevealError(f"a reason has at most {_LONGEST} characters")
    policy = load(policy_file)
    person = person_here()
    found = _finding(out, finding)
    told = {name: found[name] for name in ("finding_id", "entity_type", "root", "path", "member", "place", "column")}
    entry = {"who": str(person), "why": why, "policy": policy.digest, **told}
    refusal = None
    if not policy.reveal.allows_account(person.name):
        refusal = "the policy does not let this account have values shown (reveal.accounts)"
    elif not policy.reveal.allows_kind(found["entity_type"]):
        refusal = f"the policy does not let {found['entity_type']} be shown (reveal.kinds)"
    if refusal is not None:
        audit.append(out, LOG, {**entry, "shown": 0, "refused": True})
        raise RevealError(refusal)
    known = KnownContacts()  # our own contact data is a value like another here
    config = PipelineConfig("reveal", policy.limits, policy.detect, known, Path(os.devnull), Key.random().secret)
    answer = _read_again(config, found, min(max(most, 1), MOST))
    values = tuple(Seen(*one) for one in answer["values"])
    if any(_within(seen.value, why, found["entity_type"]) for seen in values):
        raise RevealError("the reason holds the value itself: the log must not, so say it in other words")
    changed = answer["content_hash"] != found["content_hash"]
    outcome = {"shown": len(values), "refused": False, "changed": changed, "unread": answer["reason"]}
    number = audit.append(out, LOG, {**entry, **outcome})
    where = f"{found['root'].rstrip('/')}/{found['path']}" + (f"!{found['member']}" if found["member"] else "")
    return Revealed(values, where, found["place"], found["column"], found["entity_type"], changed, answer["reason"], number)


def _within(value: str, reason: str, entity_type: str) -> bool:
    plain = normalise(entity_type, value)
    return value in reason or (len(plain) > 3 and plain in normalise(entity_type, reason))


def _finding(out: Path, begins: str) -> dict[str, Any]:
    if not re.fullmatch("[0-9a-f]{6,64}", begins):
        raise RevealError("a finding is named by its finding_id, or at least six characters of its beginning")
    query = f"""SELECT f.finding_id, f.object_id, f.entity_type, f.rule_id, f.root, f.path, f.member, f.place, f."column", o.content_hash
        FROM standing_findings f JOIN objects o ON f.object_id = o.object_id WHERE starts_with(f.finding_id, '{begins}') LIMIT 2"""
    with open_findings(out) as findings:
        rows = [row for batch in findings.batches(query) for row in batch.to_pylist()]
    if len(rows) != 1:
        raise RevealError(f"{begins}: {'more than one finding has' if rows else 'no open finding has'} an id that begins so")
    return dict(rows[0])


def _read_again(config: PipelineConfig, found: Mapping[str, Any], most: int) -> dict[str, Any]:
    """A child reads the file: it may be hostile. Its answer comes through a pipe."""
    root, path = _raw(found["root"]), _raw(found["path"])
    try:
        state = os.lstat(os.path.join(root, path))
    except OSError as error:
        raise RevealError(f"the source cannot be read ({(error.strerror or 'input/output error').lower()})") from None
    spec = OpenSpec(root, path, state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns)
    claim = {name: found[name] for name in ("entity_type", "rule_id", "place", "column")}
    order = {"config": config.to_json(), "spec": spec.to_json(), "claim": claim, "most": most}
    order |= {"root": found["root"], "path": found["path"], "member": found["member"]}
    command = [sys.executable, "-m", "scanner.run.reveal"]
    try:
        done = subprocess.run(
            command, input=json.dumps(order).encode(), capture_output=True, timeout=_SECONDS, check=False, cwd="/", env=environment()
        )
        answer: dict[str, Any] = json.loads(done.stdout)
    except (subprocess.TimeoutExpired, ValueError):
        raise RevealError("the source could not be read again: its reader failed") from None
    if "unreadable" in answer:
        raise RevealError(f"the source cannot be read ({answer['unreadable']})")
    return answer


def _raw(text: str) -> bytes:
    """The bytes of a path as the findings escape it (`scanner.model.path_text`)."""
    return re.sub(rb"\\(\\|x[0-9a-f]{2})", lambda m: b"\\" if m[1] == b"\\" else bytes([int(m[1][1:], 16)]), text.encode())


# --------------------------------------------------------------------------- in the child


@dataclass(slots=True)
class _Wanted:
    """What the child looks for, and what it met."""

    claim: Mapping[str, Any]
    most: int
    values: dict[str, tuple[int | None, int | None]] = field(default_factory=dict)

    def fits(self, claim: Claim) -> bool:
        plain = asdict(claim)
        return all(plain[name] == wanted for name, wanted in self.claim.items())


class _Watched(Gathering):
    """A gathering that lets the values of one claim be seen."""

    wanted: _Wanted

    def add(
        self,
        slot: int,
        values: Any,
        score: float,
        rows: npt.NDArray[np.int64] | None,
        lines: npt.NDArray[np.int64] | None,
        records: npt.NDArray[np.int64],
        *,
        where: npt.NDArray[np.int64] | None = None,
        judged: Judged | None = None,
    ) -> None:
        if self.wanted.fits(self.claim_of(slot)):
            for at, value in enumerate(values.to_pylist()):
                if len(self.wanted.values) >= self.wanted.most:
                    break
                row, line = (None if one is None else int(one[at]) for one in (rows, lines))
                self.wanted.values.setdefault(value, (row, line))
        Gathering.add(self, slot, values, score, rows, lines, records, where=where, judged=judged)

    def drop(self, slot: int) -> None:
        if self.wanted.fits(self.claim_of(slot)):
            self.wanted.values.clear()
        Gathering.drop(self, slot)


class _Revealing(Pipeline):
    def __init__(self, config: PipelineConfig, member: str | None, wanted: _Wanted) -> None:
        super().__init__(config)
        self._member = member
        self._wanted = wanted

    def gathering(self, location: Location, temp_dir: Path, alive: Callable[[], None]) -> Gathering:
        if location.member_text != self._member:
            return super().gathering(location, temp_dir, alive)
        watched = _Watched(self.fingerprints, self.known, temp_dir, alive)
        watched.wanted = self._wanted
        return watched


def main() -> None:
    """The child: an order on standard input, the values on standard output."""
    from scanner.run.resources import confine

    order = json.load(sys.stdin)
    os.umask(0o077)
    config = PipelineConfig.from_json(order["config"])
    confine(config.limits, None)
    with tempfile.TemporaryDirectory(prefix="strayscan-reveal-") as folder:
        try:
            answer = _carry_out(order, config, Path(folder))
        except Unreadable as fault:
            answer = {"unreadable": fault.reason.value}
    json.dump(answer, sys.stdout)


def _carry_out(order: Mapping[str, Any], config: PipelineConfig, folder: Path) -> dict[str, Any]:
    from scanner.extract.budget import FileBudget

    spec, member = OpenSpec.from_json(order["spec"]), order["member"]
    os.close(open_descriptor(spec))
    staging = folder / "staging"
    staging.mkdir()
    temp = folder / "temp"
    temp.mkdir()
    wanted = _Wanted(order["claim"], int(order["most"]))
    config = PipelineConfig(config.run_id, config.limits, config.detect, config.known, staging, config.secret)
    blob = Blob(
        Location(order["root"], order["path"]),
        order["spec"]["size"],
        lambda: os.fdopen(open_descriptor(spec), "rb"),
        sibling=lambda suffix: open_sibling(spec, suffix),
    )
    digest = reason = None
    for facts in _finished(_Revealing(config, member, wanted).scan_file(blob, FileBudget(config.limits, temp))):
        if Location("", "", facts.member).member_text == member:
            digest, reason = facts.content_hash, facts.reason
    values = [[value, *places] for value, places in wanted.values.items()]
    return {"values": values, "content_hash": digest, "reason": None if reason is None else reason.value}


def _finished(events: Iterator[Any]) -> Iterator[Any]:
    return (event.facts for event in events if isinstance(event, Finished))


if __name__ == "__main__":
    main()
