"""What an approver does with held files: look, agree to a release, reject, and check that nothing of the gate's was tampered with.

Every order is written into the state, with its log entry, before a byte moves, and an order whose process died is carried out by the next
one that comes to the desk (or by the gate when it starts).
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from blake3 import blake3

from scanner.outbound import moves
from scanner.outbound.disk import Broken, Disk, Identity, NameTaken, Place, hash_of
from scanner.outbound.moves import Folders
from scanner.outbound.notes import REMOVED, RETURNED, note_text
from scanner.outbound.records import provision, write_provisions
from scanner.outbound.state import (
    DESK_LOCK,
    DESTROYING,
    FILE,
    HELD,
    HOLDING,
    RETURNING,
    SENDING,
    STAYING,
    Approval,
    Entry,
    GateState,
    Held,
    Queued,
    StateUnusable,
    broken_chain,
)
from scanner.outbound.state import RETURNED as RETURNED_FILE
from scanner.outbound.tell import shown
from scanner.person import Person, person_here
from scanner.policy import Policy, load

if TYPE_CHECKING:
    from scanner.find.query import Subject, Term

_STATE: Final = "the gate's state cannot be read or written ({error})"
SENT, WAITING, BACK, DESTROYED = "sent", "waiting", "returned", "destroyed"


class DeskError(Exception):
    """What was asked for cannot or may not be done. The message is one sentence for the user."""


class NotNow(DeskError):
    """The disk refuses what was asked for, at this moment."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of an order. `state`: sent, waiting (for `missing` more approvals), returned (at `path`), destroyed."""

    item: str
    state: str
    path: str
    missing: int = 0


@dataclass(frozen=True, slots=True)
class Check:
    """What `hold verify` says: faults as sentences, none if all is whole."""

    entries: int
    head: tuple[int, str]
    held: int
    faults: tuple[str, ...]


class Desk:
    """The desk over a hold folder. Use as a context manager."""

    def __init__(self, hold: Path, *, policy: Path | None = None, disk: Disk | None = None, person: Person | None = None) -> None:
        """`policy`: instead of the one that the gate was started with. Raises DeskError, PolicyError."""
        self.hold = hold.absolute()
        self._disk = disk or Disk()
        self.person = person or person_here()
        try:
            there = (self.hold / ".gate" / FILE).is_file()
        except OSError as error:
            raise DeskError(f"{hold}: the hold folder cannot be entered: {error.strerror}") from None
        if not there:
            raise DeskError(f"{hold}: no watch has held files here")
        try:
            self.state = GateState(self.hold / ".gate", self._disk)
        except StateUnusable as error:
            raise DeskError(str(error)) from None
        try:
            outbox, release = self.state.meta("outbox"), self.state.meta("release")
            self.out = Path(self.state.meta("out") or self.hold / "findings")
            self._policy: Policy = load(policy or Path(self.state.meta("policy") or ""))
        except BaseException:
            self.state.close()
            raise
        self.folders = Folders(os.fsencode(outbox or ""), os.fsencode(release) if release else None, os.fsencode(self.hold))

    def __enter__(self) -> Desk:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self.state.close()
        if isinstance(error, sqlite3.Error):
            raise NotNow(_STATE.format(error=error)) from None

    # ------------------------------------------------------------------ looking

    def held(self) -> list[Held]:
        return self.state.held()

    def approvals(self, item: str) -> list[Approval]:
        return self.state.approvals(item, time.time())

    def needed(self, one: Held) -> int:
        """People who must agree. Where nobody can tell who sent a file, two: one of them is not the sender."""
        return max(int(one.decision.get("approvals") or 1), 1 if one.sent.sender else 2)

    def _receipt_places(self, item: str) -> tuple[Path, Path]:
        """Where the receipt of a file is that is held, and of one that was."""
        return self.hold / "held" / item / "receipt.json", self.hold / "receipts" / f"{item}.json"

    def find(self, item: str) -> Held:
        """By the item's name or the beginning of it. Raises DeskError."""
        matching = [one for one in self.state.held() if one.item.startswith(item)]
        if len(matching) != 1:
            raise DeskError(f"{item}: {'more than one held file has' if matching else 'no held file has'} a number that begins so")
        return matching[0]

    # ------------------------------------------------------------------ deciding

    def release(self, item: str, reason: str, expires: float | None = None) -> Answer:
        """Agree to the release of a held file; it goes as soon as enough people have. `expires`: seconds since the epoch, from which on
        this agreement counts no more: it matters where others have to agree too, and an order once complete is carried out whenever the
        disk allows. Raises DeskError."""
        with self._alone():
            one = self._decidable(item)
            if one.sent.sender in self.person.marks:
                self._refused(one, "release", "own file")
                raise DeskError("nobody may release a file of their own: another approver has to")
            if self.folders.release is None:
                raise DeskError("the gate has no release folder")
            now = time.time()
            if expires is not None and expires <= now:
                raise DeskError("the time at which the approval expires has passed")
            approval = Approval(str(self.person), now, _one_line(reason), expires)
            with self.state.transaction():
                self.state.approve(one.item, approval)
                self.state.log(
                    "approve",
                    one.item,
                    approval.who,
                    reason=approval.reason,
                    expires=expires,
                    digest=one.digest,
                    policy=self._policy.digest,
                )
                agreed = self.approvals(one.item)
                lacking = self.needed(one) - len(agreed)
                if lacking <= 0:
                    one.state, one.fault = SENDING, None
                    one.order = {"by": [{"who": each.who, "reason": each.reason} for each in agreed]}
                    self.state.put_held(one)
            if lacking > 0:
                return Answer(one.item, WAITING, shown(one.path), lacking)
            return self._carry_out(one)

    def reject(self, item: str, reason: str) -> Answer:
        """Refuse a held file: it goes back to its sender or is destroyed, as the policy says. Raises DeskError."""
        with self._alone():
            one = self._decidable(item)
            destroyed = self._policy.outbound.rejected == "destroy"
            with self.state.transaction():
                one.state = DESTROYING if destroyed else RETURNING
                one.order = {"by": [{"who": str(self.person), "reason": _one_line(reason)}]}
                self.state.put_held(one)
                self.state.log(
                    "reject", one.item, str(self.person), reason=_one_line(reason), destroy=destroyed, policy=self._policy.digest
                )
            return self._carry_out(one)

    def finish_orders(self) -> int:
        """Carry out what a process that died was ordered to; how many. Does nothing while somebody is at the desk. Raises NotNow."""
        try:
            with self._locked(fcntl.LOCK_EX | fcntl.LOCK_NB):
                return self._finish()
        except BlockingIOError:
            return 0

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One order at a time; what a dead process left is done first."""
        with self._locked(fcntl.LOCK_EX):
            self._finish()
            yield

    @contextmanager
    def _locked(self, how: int) -> Iterator[None]:
        """Raises BlockingIOError where it would have to wait and may not, NotNow where the state cannot be read or written."""
        handle = os.open(self.hold / ".gate" / DESK_LOCK, os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.flock(handle, how)
            yield
        except sqlite3.Error as error:
            raise NotNow(_STATE.format(error=error)) from None
        finally:
            os.close(handle)

    def _finish(self) -> int:
        done = 0
        for one in self.state.held(SENDING, RETURNING, DESTROYING):
            with suppress(DeskError):
                self._carry_out(one)
                done += 1
        return done

    def _decidable(self, item: str) -> Held:
        one = self.find(item)
        if one.state != HELD:
            raise DeskError(f"{one.item}: another order for it is being carried out ({one.state})")
        wanted = self._policy.outbound.approvers
        if wanted and self.person.name not in wanted:
            self._refused(one, "decide", "no approver")
            raise DeskError(f"{self.person.name} is none of the approvers that the policy names")
        return one

    def _refused(self, one: Held, what: str, why: str) -> None:
        with self.state.transaction():
            self.state.log("refused", one.item, str(self.person), order=what, why=why)

    # ------------------------------------------------------------------ carrying out

    def _carry_out(self, one: Held) -> Answer:
        """Raises DeskError. An order that the disk refuses stands, and is carried out later: half of it may be done."""
        steps = {SENDING: self._send, RETURNING: self._give_back, DESTROYING: self._destroy}
        try:
            return steps[one.state](one)
        except (NameTaken, Broken) as error:
            why = "name_taken" if isinstance(error, NameTaken) else "changed"
            one.state, one.fault = HELD, why
            with self.state.transaction():
                self.state.put_held(one)
                self.state.log("stays_held", one.item, None, why=why)
            raise DeskError(_SENTENCES[why].format(path=shown(one.path))) from None
        except OSError as error:
            word = error.strerror or "input/output error"
            if one.fault != word:
                one.fault = word
                with self.state.transaction():
                    self.state.put_held(one)
                    self.state.log("order_waits", one.item, None, why=word)
            raise NotNow(_SENTENCES["disk"].format(path=shown(one.path), error=word)) from None

    def _send(self, one: Held) -> Answer:
        by = _by(one)
        moves.send_held(self._disk, self.folders, one.path, one.sent, one.digest, one.item)
        self._without_notes(one)
        record = provision(one.item, one.path, one.sent, one.digest, one.decision, by, held=True)
        with self.state.transaction():
            if record is not None:
                self.state.put_provision(one.item, record)
            self.state.drop_held(one.item)
            self.state.log("sent", one.item, None, path=shown(one.path), digest=one.digest, by=[each["who"] for each in by])
        with suppress(OSError):  # the gate writes them anew when it starts, and the commands read the state
            write_provisions(self.hold, self.state.provisions())
        return Answer(one.item, SENT, shown(one.path))

    def _give_back(self, one: Held) -> Answer:
        name = f"{one.item}-back"

        def known(path: bytes, identity: Identity) -> None:
            with self.state.transaction():
                other = self.state.queued_at(path)
                if other is not None and other.item != name and other.state not in STAYING:
                    raise NameTaken
                self.state.put(Queued(name, path, RETURNED_FILE, identity, time.time(), "desk"))

        path = moves.give_back(self._disk, self.folders, one.path, one.sent, one.digest, one.item, known)
        if (back := self.state.queued_item(name)) is not None:  # it may have come back under another name before we died
            path = back.path
        self._leave_note(one, path, RETURNED)
        self._without_notes(one)
        with self.state.transaction():
            self.state.drop_held(one.item)
            self.state.log("returned", one.item, None, path=shown(path), digest=one.digest, by=[each["who"] for each in _by(one)])
        return Answer(one.item, BACK, shown(path))

    def _destroy(self, one: Held) -> Answer:
        moves.destroy(self._disk, self.folders, one.item)
        self._leave_note(one, one.path, REMOVED)
        self._without_notes(one)
        told = {"kinds": one.decision.get("kinds"), "persons": one.decision.get("persons"), "size": one.sent.size}
        with self.state.transaction():
            self.state.drop_held(one.item)
            self.state.log("destroyed", one.item, None, path=shown(one.path), digest=one.digest, by=list(_by(one)), **told)
        return Answer(one.item, DESTROYED, shown(one.path))

    def _leave_note(self, one: Held, path: bytes, suffix: str) -> None:
        ask = self._policy.outbound.ask
        note = moves.leave_note(self._disk, Place(self.folders.outbox, path), suffix, one.item, ask)
        if note is not None:
            with self.state.transaction():
                self.state.put_note(note, f"{one.item}-end", blake3(note_text(suffix, one.item, ask)).hexdigest())

    def _without_notes(self, one: Held) -> None:
        for path in self.state.notes(one.item):
            digest = self.state.note_digest(path)
            moves.remove_note(self._disk, self.folders.outbox, path, digest or "")
            with self.state.transaction():
                self.state.drop_note(path)

    # ------------------------------------------------------------------ checking

    def verify(self, heads: Mapping[int, str] | None = None) -> Check:
        """Is the log whole, and does every held file lie there as it was scanned? `heads`: entries told outside, number -> hash.

        The log is the measure: what the state says of held files, agreements and receipts has to agree with it.
        """
        with self._locked(fcntl.LOCK_EX):  # nothing leaves the hold folder meanwhile
            lying: set[str] = set()
            with suppress(FileNotFoundError):
                lying.update(path.name for path in (self.hold / "held").iterdir())
            with self.state.snapshot():
                return self._check(lying, heads or {})

    def _check(self, lying: set[str], heads: Mapping[int, str]) -> Check:
        entries = list(self.state.entries())
        faults = broken_chain(entries, heads)
        logged: dict[str, Entry] = {}
        ended: set[str] = set()
        agreed: set[tuple[str, str]] = set()
        for entry in entries:
            if entry.item and entry.what == "held":
                logged[entry.item] = entry
            elif entry.item and entry.what in ("sent", "returned", "destroyed"):
                ended.add(entry.item)
            elif entry.item and entry.what == "approve":
                agreed.add((entry.item, entry.who or ""))
        held = {one.item: one for one in self.state.held()}
        still = logged.keys() - ended
        faults += [f"{item} was held and is not among the held files" for item in sorted(still - held.keys())]
        faults += [f"{item} is held, and the log does not say so" for item in sorted(held.keys() - still)]
        faults += [
            f"{who} agreed to the release of {item}, and the log does not say so"
            for item, who in self.state.approved()
            if (item, who) not in agreed
        ]
        for item, one in held.items():
            told = logged[item].told if item in logged else {}
            if item in logged and (one.digest, shown(one.path), one.sent.sender) != (
                told.get("digest"),
                told.get("path"),
                told.get("sender"),
            ):
                faults.append(f"what is known of {item} is not what the log says")
            if one.state == HELD:
                faults += self._content_faults(one)
        for item, entry in sorted(logged.items()):
            if item not in held or held[item].state == HELD:
                faults += self._receipt_faults(item, entry.told.get("receipt"))
        moving = {one.item for one in self.state.queue(HOLDING)}
        faults += [f"{name} lies in the hold folder, and nothing is known of it" for name in sorted(lying - held.keys() - moving)]
        return Check(len(entries), self.state.head(), len(held), tuple(faults))

    def _receipt_faults(self, item: str, digest: str | None) -> list[str]:
        for place in self._receipt_places(item):
            with suppress(FileNotFoundError):
                return [] if blake3(place.read_bytes()).hexdigest() == digest else [f"the receipt of {item} was changed"]
        return [f"the receipt of {item} is missing"]

    def _content_faults(self, one: Held) -> list[str]:
        folder = self.hold / "held" / one.item
        try:
            handle = os.open(folder / "content", os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            return [f"the content of {one.item} is missing"]
        try:
            return [] if hash_of(handle) == one.digest else [f"the content of {one.item} is not what was scanned"]
        finally:
            os.close(handle)

    # ------------------------------------------------------------------ provisions

    def provisions(self, recipient: str | None = None, person: Subject | None = None, key_file: Path | None = None) -> list[dict[str, Any]]:
        """Draft records of provisions to third parties, oldest first: to a recipient (part of the name), of a person, all of whose given
        data must stand in one file, in whatever writing form. Raises QueryError, StoreError, KeyFileError."""
        found = [one for one in self.state.provisions() if recipient is None or recipient.casefold() in (one["recipient"] or "").casefold()]
        if person is None:
            return found
        from scanner.find.query import terms
        from scanner.find.search import existing_key
        from scanner.redact import Fingerprinter

        asked = terms(person, Fingerprinter(existing_key(key_file)))
        return [one for one in found if self._holds(one, asked)]

    def _holds(self, record: Mapping[str, Any], asked: Sequence[Term]) -> bool:
        """Does the file of this record hold a form of each thing asked for?"""
        from scanner.findings.read import open_findings

        run_id = self.state.published(str(record["provision_id"]))
        if run_id is None:
            return False
        path = str(record["path"]).replace("'", "''")
        query = f"""SELECT DISTINCT v.fingerprint FROM all_values v SEMI JOIN (SELECT object_id, run_id FROM all_objects
            WHERE path = '{path}') o ON v.object_id = o.object_id AND v.run_id = o.run_id
            WHERE v.run_id = '{run_id}' AND v.fingerprint IN ({", ".join(str(term.fingerprint) for term in asked)})"""
        with open_findings(self.out) as findings:
            met = {row["fingerprint"] for batch in findings.batches(query) for row in batch.to_pylist()}
        return all(any(term.fingerprint in met for term in asked if term.kind == kind) for kind in {term.kind for term in asked})


_SENTENCES: Final = {
    "name_taken": "{path}: another file of this name lies where it would go; it stays held",
    "changed": "{path}: the held file is not what was scanned; it stays held",
    "disk": "{path}: the order is written down and cannot be carried out now ({error}); it will be when the disk allows",
}


def _by(one: Held) -> tuple[Mapping[str, str], ...]:
    return tuple((one.order or {}).get("by", ()))


def _one_line(reason: str) -> str:
    """Raises DeskError for a reason that says nothing."""
    text = " ".join(reason.split())
    if not text:
        raise DeskError("a reason is needed")
    return text
