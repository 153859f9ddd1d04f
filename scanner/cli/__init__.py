"""The command line: one command per file of this folder, no scanning logic; everything is done by `scanner.api` and below."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(args: Sequence[str] | None = None) -> None:
    """Entry point of the command `strayscan`; ends the process with the status of docs/reference/exit-status.md."""
    from scanner.cli._door import run

    sys.exit(run(sys.argv[1:] if args is None else list(args)))
