"""Another key for a store, without losing what it knows: runs under the former one stay, and the next scan reads everything under the new.

Fingerprints cannot be made anew without the values, which nobody kept. So a store has generations: each run's manifest says under which key
it is, the store's marker which key is in force and which were before. ``DIR/audit/keys.jsonl`` has an entry before and one after.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from scanner.find import cases
from scanner.findings import store
from scanner.findings.errors import StoreError
from scanner.findings.read import open_findings
from scanner.person import person_here
from scanner.redact import check_key_apart, load_key
from scanner.redact.key import make_key
from scanner.run import audit

LOG: Final = "keys"


@dataclass(frozen=True, slots=True)
class Rotated:
    """What is under the former key and stays so. `roots`: to be scanned before anything can be looked up in them again; `ignores`: findings
    put aside for the values that they had; `made`: the new key was made just now."""

    old: str
    new: str
    made: bool
    roots: tuple[str, ...]
    runs: int
    values: int
    ignores: int
    cases: int

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "roots": list(self.roots)}


_IGNORES: Final = """SELECT count(*) AS n FROM latest_decisions
    WHERE part = 'aside' AND action <> 'reopen' AND finding_id IS NOT NULL AND fingerprints IS NOT NULL"""


def rotate(out: Path, old_file: Path | None, new_file: Path) -> Rotated:
    """Put the store at `out` under the key in `new_file`, which is made if it is not there. `old_file` as for a scan.

    Raises `StoreError` (another key, a scan in progress, a store of the outbound gate), `KeyFileError`. A rotation that died is brought to
    its end by another with the same keys.
    """
    old = load_key(old_file)
    store.check_version(out)
    check_key_apart(new_file, out)
    made = not new_file.exists()
    new = make_key(new_file) if made else load_key(new_file)
    died = _died_between(out, old.key_id, new.key_id)
    if not died:
        store.check_key(out, old.key_id)
        store.check_new_key(out, old.key_id, new.key_id)
    with open_findings(out) as found:
        mine = [m for m in found.manifests if m.key_id == old.key_id]
        if any(m.told.get("kind") == "watch" for m in found.manifests):
            raise StoreError(f"{out} is an outbound gate's, whose key cannot be rotated: start the watch with another --out and key")
        values = sum({part.path: part.rows for m in mine for part in m.parts if part.table == "values"}.values())
        ignores = int(found.working_rows(_IGNORES)[0][0])
    roots = tuple(sorted({root for m in mine for root in m.reached}))
    done = Rotated(old.key_id, new.key_id, made, roots, len(mine), values, ignores, cases.count(out))
    who = {"who": str(person_here()), "old": old.key_id, "new": new.key_id}
    if not died:
        audit.append(out, LOG, {"what": "begun", **who})
        try:
            store.rotate(out, old.key_id, new.key_id)
        except StoreError:
            audit.append(out, LOG, {"what": "refused", **who})
            raise
    audit.append(out, LOG, {"what": "rotated", **who, **{name: getattr(done, name) for name in ("runs", "values", "ignores", "cases")}})
    return done


def _died_between(out: Path, old: str, new: str) -> bool:
    """Was this rotation carried out and not entered?"""
    entries = audit.read(out, LOG).entries
    begun = bool(entries) and entries[-1].get("what") == "begun" and (entries[-1].get("old"), entries[-1].get("new")) == (old, new)
    return begun and old in store.former_keys(out)[-1:]
