"""`strayscan watch`: gate an outbound transfer folder, or only alert."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Any

import click

from scanner.cli._options import file_type, lang_option
from scanner.render.messages import Messages


def _syslog(_: click.Context, __: click.Parameter, given: str | None) -> Any:
    if given is None:
        return None
    from scanner.outbound.tell import Syslog

    try:
        return Syslog(given)
    except ValueError as fault:
        raise click.BadParameter(str(fault)) from None


def _url(_: click.Context, __: click.Parameter, given: str | None) -> str | None:
    if given is not None:
        from scanner.run.afterwards import check_url

        try:
            check_url(given)
        except ValueError as fault:
            raise click.BadParameter(str(fault)) from None
    return given


@click.command("watch")
@click.argument("outbox", metavar="OUTBOX", type=file_type())
@click.option("--policy", type=file_type(), metavar="FILE", required=True, help="The policy; its `outbound` says what may leave.")
@click.option("--release", type=file_type(), metavar="DIR", help="Where files go that may leave.")
@click.option("--hold", type=file_type(), metavar="DIR", help="Where files wait for an approver; private, the service's own.")
@click.option("--out", type=file_type(), metavar="DIR", help="The findings store; by default `findings` in the hold folder.")
@click.option("--alert-only", is_flag=True, help="Scan and tell, and move nothing; needs --out.")
@click.option("--once", is_flag=True, help="Decide what lies there and end; status 3 if something had to stay.")
@click.option(
    "--poll", type=click.FloatRange(0.1), metavar="N", help="Walk every N seconds and trust no events; chosen by itself on network mounts."
)
@click.option(
    "--reconcile",
    type=click.FloatRange(1),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="Walk every N seconds besides events; 60 by default.",
)
@click.option("--settle", type=click.FloatRange(0), metavar="N", help="Unchanged for N seconds is complete, instead of the policy's.")
@click.option("--jobs", type=click.IntRange(1), metavar="N", help="Worker processes; by default as many as there are cores.")
@click.option("--key-file", type=file_type(), metavar="FILE", help="The key of the fingerprints, instead of your own configuration's.")
@click.option("--events", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Events on standard output.")
@click.option("--syslog", callback=_syslog, metavar="ADDRESS", help="Events to udp://HOST:PORT, tcp://HOST:PORT or /dev/log (RFC 5424).")
@click.option("--webhook", callback=_url, metavar="URL", help="Post every event here; kept until it is taken.")
@click.option("--health-file", type=file_type(), metavar="FILE", help="Write the gate's state in numbers here, every second.")
@click.option("--health-port", type=click.IntRange(0, 65_535), metavar="PORT", help="Serve /health and /metrics on 127.0.0.1.")
@lang_option
def command(
    outbox: Path,
    policy: Path,
    alert_only: bool,
    events: str,
    syslog: Any,
    health_file: Path | None,
    health_port: int | None,
    jobs: int | None,
    key_file: Path | None,
    say: Messages,
    **settings: Any,
) -> int:
    """Stand between a transfer folder and a release folder.

    Every file dropped into OUTBOX is copied to a private place, scanned there, and released under the same path if the policy lets it
    leave; else it is held, with a note in its place, until approvers decide (`strayscan hold`). What cannot be fully read is held.
    Nothing is overwritten, no link is followed. SIGTERM ends it cleanly, SIGHUP has the policy read again.

    \b
    Examples:
      strayscan watch /srv/outbox --policy policy.yaml --release /srv/release --hold /srv/hold
      strayscan watch /srv/outbox --policy policy.yaml --alert-only --out findings
    """
    from scanner import api
    from scanner.outbound.service import Health
    from scanner.outbound.tell import JsonLines
    from scanner.render.outbound import EventLines

    if alert_only and (settings["release"] or settings["hold"]):
        raise click.UsageError("--alert-only moves nothing: leave --release and --hold out")
    if not alert_only and not (settings["release"] and settings["hold"]):
        raise click.UsageError("a gate needs --release and --hold (or --alert-only)")
    tellers = [JsonLines(sys.stdout) if events == "json" else EventLines(sys.stdout, say), *([syslog] if syslog else [])]
    scan = {name: value for name, value in (("jobs", jobs), ("key_file", key_file), ("lang", say.lang)) if value is not None}
    try:
        health = Health(health_file, health_port)
    except OSError:
        raise click.UsageError(f"port {health_port} is taken") from None
    gate = api.watch(outbox, policy, tellers=tellers, health=health, scan=scan, **settings)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: gate.stop())
    signal.signal(signal.SIGHUP, lambda *_: gate.reload())
    try:
        return gate.run()
    finally:
        gate.close()
