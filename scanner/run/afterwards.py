"""What is told to others when a run has ended: Prometheus metrics in a file, a command, a webhook. Their faults never change the run."""

from __future__ import annotations

import datetime
import json
import os
import shlex
import shutil
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from scanner.findings import runs
from scanner.findings.publish import atomic_bytes
from scanner.run.summary import RunSummary

COMMAND_SECONDS = 60.0
WEBHOOK_SECONDS = 10.0
WEBHOOK_TRIES = 3


def check_command(command: str) -> list[str]:
    """The command's words. Raises ValueError, with a sentence for the user, if there is no such program."""
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise ValueError(f"the command cannot be taken apart: {error}") from None
    if not words or shutil.which(words[0]) is None:
        raise ValueError(f"there is no program {words[0]}" if words else "the command is empty")
    return words


def check_url(url: str) -> str:
    """Raises ValueError, with a sentence for the user, if it is no web address."""
    try:
        parts = urllib.parse.urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        good = False
    if not good or any(ord(letter) <= 32 for letter in url):
        raise ValueError("a webhook is an http or https address")
    return url


def run_command(command: str, summary: Mapping[str, Any]) -> None:
    """Call the command with the summary as JSON on its standard input. Raises RuntimeError."""
    environ = {name: value for name, value in os.environ.items() if name != "STRAYSCAN_KEY"}
    body = json.dumps(summary).encode()
    try:
        done = subprocess.run(
            check_command(command), input=body, stdout=subprocess.DEVNULL, env=environ, timeout=COMMAND_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"took longer than {COMMAND_SECONDS:.0f} seconds") from None
    except (OSError, ValueError) as error:
        raise RuntimeError(type(error).__name__) from None
    if done.returncode:
        raise RuntimeError(f"ended with status {done.returncode}")


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """The summary goes to the address that was given, and to no other."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def open_request(request: urllib.request.Request) -> int:
    opener = urllib.request.build_opener(_NoRedirect)
    with opener.open(request, timeout=WEBHOOK_SECONDS) as answer:
        return int(answer.status)


def post(
    url: str,
    summary: Mapping[str, Any],
    send: Callable[[urllib.request.Request], int] = open_request,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """POST the summary as JSON; a fault of the network or the server is tried again, twice. Raises RuntimeError."""
    body = json.dumps(summary).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json", "User-Agent": "strayscan"}, method="POST")  # noqa: S310  # check_url
    fault = ""
    for attempt in range(WEBHOOK_TRIES):
        if attempt:
            sleep(2.0**attempt)
        try:
            send(request)
            return
        except urllib.error.HTTPError as error:
            fault = f"answered {error.code}"
            error.close()
            if error.code < 500 and error.code != 429:
                break
        except (OSError, ValueError) as error:  # URLError and time-outs are OSErrors
            fault = type(error).__name__
    raise RuntimeError(fault)


# --------------------------------------------------------------------------- metrics


def metrics(summary: RunSummary, last_complete: datetime.datetime | None) -> str:
    """The run in Prometheus' text format (version 0.0.4), for node_exporter's textfile collector."""
    ended = summary.ended or datetime.datetime.now(datetime.UTC)
    lines = [
        *_gauge("objects", "Objects of the last run by status.", _by("status", summary.by_status)),
        *_gauge("objects_by_verdict", "Objects of the last run by verdict.", _by("verdict", summary.by_verdict)),
        *_gauge("objects_by_severity", "Objects of the last run by severity.", _by("severity", summary.by_severity)),
        *_gauge("unread_unexcused", "Objects not fully read that the policy does not excuse.", {"": summary.unread_unexcused}),
        *_gauge("findings", "Findings written by the last run or standing in what it met unchanged.", {"": summary.findings}),
        *_gauge("bytes_read", "Bytes that the last run read.", {"": summary.bytes_read}),
        *_gauge("run_seconds", "Duration of the last run.", {"": summary.seconds}),
        *_gauge("run_exit_status", "Exit status of the last run.", {"": summary.exit_status}),
        *_gauge("run_end_timestamp_seconds", "When the last run ended.", {"": ended.timestamp()}),
    ]
    if summary.drill is not None:
        lines += _gauge("drill_planted", "Invented files planted to see whether the scan still finds them.", {"": summary.drill.planted})
        lines += _gauge("drill_found", "Of these, found, traced and judged as they should be.", {"": summary.drill.found})
    if last_complete is not None:
        age = max((ended - last_complete).total_seconds(), 0.0)
        lines += _gauge("last_complete_run_timestamp_seconds", "When the last complete run ended.", {"": last_complete.timestamp()})
        lines += _gauge("last_complete_run_age_seconds", "Age of the last complete run when this file was written.", {"": age})
    return "\n".join(lines) + "\n"


def write_metrics(path: Path, summary: RunSummary) -> None:
    """Replace the file at one moment. Raises RuntimeError."""
    try:
        atomic_bytes(path.absolute(), metrics(summary, last_complete(Path(summary.out), summary)).encode())
    except OSError as error:
        raise RuntimeError(error.strerror or "cannot be written") from None


def last_complete(out: Path, summary: RunSummary) -> datetime.datetime | None:
    """When the newest complete run over the same roots ended."""
    for run_id in reversed(runs.committed(out)):
        try:
            manifest = runs.read(runs.manifest_path(out, run_id))
            if manifest.outcome == "complete" and set(summary.roots_asked) <= set(manifest.reached):
                return datetime.datetime.fromisoformat(str(manifest.told["end"]))
        except (OSError, ValueError, KeyError):
            continue
    return None


def _by(label: str, counts: Mapping[str, int]) -> dict[str, float]:
    return {f'{{{label}="{name}"}}': count for name, count in sorted(counts.items())}


def _gauge(name: str, what: str, values: Mapping[str, float]) -> Iterator[str]:
    yield f"# HELP strayscan_{name} {what}"
    yield f"# TYPE strayscan_{name} gauge"
    for labels, value in values.items():
        yield f"strayscan_{name}{labels} {value:.15g}"
