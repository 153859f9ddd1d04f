"""Gathers a binder from a findings store and, where they are given, a policy and the hold folder of the outbound gate."""

from __future__ import annotations

import datetime
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scanner.findings.errors import storing
from scanner.findings.runs import manifest_path
from scanner.model import path_text
from scanner.obligations.binder import people, records, runs
from scanner.obligations.binder.model import Binder, BinderError, Gap, Period
from scanner.obligations.binder.runs import Source
from scanner.obligations.binder.schema import SECTIONS
from scanner.person import person_here

if TYPE_CHECKING:
    from scanner.policy import Policy


def collect(out: Path, period: Period, policy: Policy | None, hold: Path | None, now: datetime.datetime) -> Binder:
    """Reads the whole store, every file against its hash. Raises StoreError (BinderError among them)."""
    from scanner.findings.read import open_findings
    from scanner.findings.store import check_version

    if not (out / "runs").is_dir():
        raise BinderError(f"there are no findings in {out}")
    check_version(out)
    with open_findings(out, period.local(now).date()) as found:
        problems = found.verify()
        source = Source(found, period, policy, _hashes(out))
        unread = runs.unread(source)
        sections = [runs.roots(source), runs.runs(source), runs.coverage(source), unread, runs.excuses(source, unread.rows.to_pylist())]
        sections += [runs.rules(source), runs.stores(source), people.decisions(source), people.measures(source), people.requests(source)]
    sections += [records.register(out, period), records.cleanup(out, period)]
    gate, provisions, chain = records.outbound(hold, period)
    drills, reveals, others, chains = records.logs(out, period)
    sections += [gate, provisions, drills, reveals, others, records.chains([*([chain] if chain else []), *chains])]
    ordered = sorted(sections, key=lambda section: list(SECTIONS).index(section.name))
    gaps = [Gap("problem", {"fault": fault}) for fault in problems] + [gap for section in ordered for gap in section.gaps]
    used = {run.run_id: source.hashes.get(run.run_id, "") for run in source.runs}
    keys = sorted({run.key_id for run in source.runs or source.every})
    told = None if policy is None else _policy_told(policy)
    return Binder(
        out=_name(out),
        hold=None if hold is None else _name(hold),
        period=period,
        made_at=now,
        made_by=str(person_here()),
        policy=told,
        key_ids=tuple(keys),
        runs=used,
        sections=tuple(ordered),
        gaps=tuple(gaps),
    )


def _name(path: Path) -> str:
    return path_text(os.fsencode(path.resolve()))


def _hashes(out: Path) -> Mapping[str, str]:
    from blake3 import blake3

    from scanner.findings.runs import committed

    with storing(out):
        return {run_id: blake3(manifest_path(out, run_id).read_bytes()).hexdigest() for run_id in committed(out)}


def _policy_told(policy: Policy) -> dict[str, Any]:
    from blake3 import blake3

    files = [{"path": _name(file), "blake3": blake3(file.read_bytes()).hexdigest()} for file in policy.files]
    return {"digest": policy.digest, "files": files}
