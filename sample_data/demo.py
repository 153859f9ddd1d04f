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

Next, type one of these:

  What was found where, as a pandas frame:
    {python} -c "from scanner.api import open_findings; print(open_findings('{out}').findings()[['path', 'column', 'entity_type', 'count', 'verdict']])"

  The same Parquet with DuckDB, without this program:
    {python} -c "import duckdb; print(duckdb.sql(\\"select entity_type, verdict, sum(count) as hits from '{out}/findings/*/*.parquet' group by all order by hits desc\\"))"

  Why is this file stray, though its folder looks like an approved one?
    {strayscan} policy explain {trap} --policy {policy}

  Draft a policy for a share of your own:
    {strayscan} init YOUR_SHARE --policy policy.yaml
"""
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
    print(OUTCOME.format(out=shown(out), **{name: shlex.quote(shown(path)) for name, path in typed.items()}))
    return 0


def shown(path: Path) -> str:
    """As short as it can be typed from here."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("demo-out")))
