"""The outermost layer of the command: every expected fault becomes one sentence on standard error and an exit status."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence

import click

import scanner
from scanner.cli._folder import FolderGroup
from scanner.render.messages import Messages, choose_language

USAGE, FAILED, INTERRUPTED = 2, 3, 130
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})

HELP = """Find personal data in file shares, and say which of it lies outside the approved stores.

\b
First steps:
  strayscan init SHARE --policy policy.yaml      draft a policy, then edit it
  strayscan policy check policy.yaml             is it right?
  strayscan scan SHARE --policy policy.yaml --out findings

\b
Exit status: 0 nothing stray and everything read; 1 stray data found and
everything read; 2 wrong usage, policy or rules; 3 something was not read or
the run is not complete; 130 interrupted.
"""

strayscan = FolderGroup("scanner.cli", help=HELP, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
click.version_option(scanner.__version__, prog_name="strayscan", message="%(prog)s %(version)s")(strayscan)


def run(args: Sequence[str]) -> int:
    """Runs the command line and returns its exit status."""
    _open_streams()
    try:
        result = strayscan.main(list(args), prog_name="strayscan", standalone_mode=False)
        sys.stdout.flush()
        return result if isinstance(result, int) else 0
    except click.exceptions.NoArgsIsHelpError as shown:
        click.echo(shown.format_message(), err=True)
        return USAGE
    except click.ClickException as fault:
        return _complain(_usage_sentence(fault), USAGE)
    except (KeyboardInterrupt, click.Abort):
        return _complain(Messages(choose_language(None))("interrupted"), INTERRUPTED)
    except BrokenPipeError:
        _silence_output()
        return FAILED
    except OSError as fault:
        if fault.errno not in _FULL or fault.filename is not None:  # one with a name is no stream's, and not expected
            raise
        _silence_output()
        return _complain(
            f"cannot write to standard output: {os.strerror(fault.errno)}; what a scan found is in its store all the same", FAILED
        )
    except Exception as fault:
        status = _status_of(fault)
        if status is None:
            raise
        return _complain(str(fault), status)


def _open_streams() -> None:
    """Python has no stream where the caller closed it (``>&-``); what goes there is lost, and that is the caller's wish."""
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  # for the life of the process
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115


def _silence_output() -> None:
    """Else Python complains once more at exit, of what it could not write."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _status_of(fault: Exception) -> int | None:
    """The status of a fault whose message is meant for the user; None for a fault of ours. Imported here, where time no longer matters."""
    from detectors.rule_files import RuleError
    from scanner.find.query import QueryError
    from scanner.findings.errors import StoreError
    from scanner.outbound.desk import DeskError, NotNow
    from scanner.outbound.gate import GateError
    from scanner.policy import PolicyError
    from scanner.redact.key import KeyFileError
    from scanner.render.report.writing import ReportError
    from scanner.render.sheets import SheetError
    from scanner.run.reveal import RevealError
    from scanner.run.scan import RunFailed
    from scanner.run.supervisor import WorkersFailed
    from scanner.sources.filesystem import RootError

    if isinstance(fault, RunFailed | WorkersFailed | NotNow):
        return FAILED
    expected = (
        RuleError
        | StoreError
        | PolicyError
        | KeyFileError
        | RootError
        | GateError
        | DeskError
        | SheetError
        | QueryError
        | RevealError
        | ReportError
    )
    return USAGE if isinstance(fault, expected) else None


def _usage_sentence(fault: click.ClickException) -> str:
    message = " ".join(fault.format_message().split())
    context = getattr(fault, "ctx", None)
    return message if context is None else f"{message} (see {context.command_path} --help)"


def _complain(message: str, status: int) -> int:
    from scanner.render.visible import visible

    click.echo(Messages("en")("error", message=visible(message)), err=True)
    return status
