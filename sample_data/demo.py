"""What `make demo` runs: a first scan, of the sample share under its policy, and what to look at next.

`python sample_data/demo.py [OUT]`; ends with 0 if the scan ended as it should, else with 1.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
EXPECTED_STATUS = 3  # broken/ holds files that nobody can read

INTRODUCTION = """\
The share of a small invented company lies in {sample}:
  stores/  the approved stores of its policy, and hr-old/, which is not one
  leaky/   personal data where it should not be, in every format and encoding
  clean/   files that only look as if they held some
  broken/  files that cannot be read, and bombs

"""
OUTCOME = """
That was a whole scan. It ended with status 3, and that is right: broken/ cannot be read, so nobody can say that the list
above is all there is. Without broken/ the status would be 1: stray data found, everything read.

{copies}
The same for a manager with five minutes, to be opened in a browser: {page}

Next, type one of these:

  What was found where, as a pandas frame:
    {python} -c "from scanner.api import open_findings; print(open_findings('{out}').findings()[['path', 'column', 'entity_type', 'count', 'verdict']])"

  The same Parquet with DuckDB, without this program:
    {python} -c "import duckdb; print(duckdb.sql(\\"select entity_type, verdict, sum(count) as hits from '{out}/findings/*/*.parquet' group by all order by hits desc\\"))"

  A file came back from outside: whose records are they, and where else do they lie?
    {strayscan} trace {returned} --policy {policy} --out {out}

  Why is this file stray, though its folder looks like an approved one?
    {strayscan} policy explain {trap} --policy {policy}

  Draft a policy for a share of your own:
    {strayscan} init YOUR_SHARE --policy policy.yaml
"""
COPIES = """
Three copies of approved stores, out of the list above:
"""
COPY = """
  {path}
    holds {matched} of the {records} records of the store {store} (owner: {owner}): {columns}.
    It is {open_to}, and was first seen {since:%Y-%m-%d}. {story}
"""
STORIES = {
    "leaky/営業/得意先.xls": "Somebody took part of the master into a spreadsheet, with fewer columns in another order.",
    "leaky/mail/名簿の件.eml": "It left by mail: as a table attached to it.",
    "stores/hr-old/社員台帳_控え.csv": "It looks like a store, and is a forgotten spare copy beside one.",
}
EXPOSURES = {"everyone": "readable by everyone", "group": "readable by a group", "private": "readable by its owner alone"}
UNEXPECTED = """
The scan ended with status {status}; this share should end with 3. What it said above tells why.
"""


def main(out: Path) -> int:
    strayscan = Path(sys.executable).parent / "strayscan"
    command = [shown(strayscan), "scan", shown(HERE), "--policy", shown(HERE / "policy.yaml"), "--out", shown(out)]
    print(INTRODUCTION.format(sample=shown(HERE)) + f"$ {shlex.join(command)}\n", flush=True)
    status = subprocess.run(command, check=False).returncode
    if status != EXPECTED_STATUS:
        print(UNEXPECTED.format(status=status))
        return 1
    trap = HERE / "stores" / "hr-old" / "社員台帳_控え.csv"
    typed = {"python": Path(sys.executable), "strayscan": strayscan, "policy": HERE / "policy.yaml", "trap": trap}
    typed["returned"] = HERE / "leaky" / "営業" / "得意先.xls"
    typed["page"] = out / "report.html"
    subprocess.run([strayscan, "report", out, "--html", typed["page"]], check=True, stderr=subprocess.DEVNULL)
    print(OUTCOME.format(out=shown(out), copies=copies(out), **{name: shlex.quote(shown(path)) for name, path in typed.items()}))
    return 0


def copies(out: Path) -> str:
    """The story of three copies, from the findings."""
    from scanner.api import list_stores, open_findings

    owners = {store.state.name: store.state.owner for store in list_stores(HERE / "policy.yaml").stores}
    findings = open_findings(out)
    rows = findings.sql(
        """SELECT c.*, o.exposure, (SELECT min(first_seen) FROM findings f WHERE f.object_id = c.object_id) AS since
        FROM copies c JOIN objects o USING (object_id) ORDER BY matched_records DESC, score DESC""",
        arrow=True,
    ).to_pylist()
    told = [COPIES]
    for path, story in STORIES.items():
        row = next(row for row in rows if row["path"] == path)
        facts = {"matched": row["matched_records"], "records": row["store_records"], "store": row["store"], "owner": owners[row["store"]]}
        where = f"{path} ({row['member']})" if row["member"] else path
        open_to = EXPOSURES.get(row["exposure"], "readable by nobody knows whom")
        told.append(COPY.format(path=where, columns=", ".join(row["columns"]), open_to=open_to, since=row["since"], story=story, **facts))
    return "".join(told)


def shown(path: Path) -> str:
    """As short as it can be typed from here."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("demo-out")))
