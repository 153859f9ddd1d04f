"""A program for tests/crash/test_resume.py and benchmarks/resume.py: a quick run that makes a checkpoint every tenth of a second.

python -m tests.crash.resumed SHARE OUT [SECONDS_BETWEEN_CHECKPOINTS]
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.unit.run.quick_run import quick, run


def main() -> None:
    share, out, *rest = sys.argv[1:]
    quick(None, in_process=False)
    run(Path(share), Path(out), checkpoint_seconds=float(rest[0]) if rest else 0.1)


if __name__ == "__main__":
    main()
