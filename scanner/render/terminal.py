"""The summary of a run for a person at a terminal: what is stray, what is unread, where the findings lie, what to do next."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterable
from typing import IO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from scanner.render.messages import Messages
from scanner.render.visible import file_size, short, visible
from scanner.run.drill import DrillResult
from scanner.run.summary import FoundCopy, RunSummary, StoreState, StrayObject, UnreadGroup

PIPE_WIDTH = 120
KINDS_SHOWN = 4
COPIES_SHOWN = 6
SEVERITY_STYLES = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "cyan", "info": "dim"}


def console_for(stream: IO[str]) -> Console:
    """A console that is plain where the stream is no terminal (or NO_COLOR asks for it), and never reads markup in names."""
    terminal = stream.isatty()
    return Console(
        file=stream,
        width=None if terminal else PIPE_WIDTH,
        force_terminal=terminal,
        no_color=not terminal or bool(os.environ.get("NO_COLOR")),
        color_system="auto" if terminal else None,
        markup=False,
        emoji=False,
        highlight=False,
        legacy_windows=False,
    )


def print_summary(summary: RunSummary, stream: IO[str], lang: str) -> None:
    """Prints all of it. Names are shown with their control characters written out; no value is in a summary."""
    printer = _Printer(summary, console_for(stream), Messages(lang))
    printer.head()
    printer.stray()
    printer.copies()
    printer.unread()
    printer.stores()
    printer.drill()
    printer.end()


def drill_lines(drill: DrillResult, say: Messages) -> list[str]:
    """What became of a drill, and of each planted file that was missed."""
    lines = [say("drill_found", found=drill.found, planted=drill.planted)]
    for one in drill.missed:
        kinds = ", ".join(say.word("entity", kind) for kind in one.kinds)
        lines.append("  " + say(f"drill_{one.what}", path=visible(one.path), kinds=kinds))
    return lines


class _Printer:
    def __init__(self, summary: RunSummary, console: Console, say: Messages) -> None:
        self.summary, self.console, self.say = summary, console, say

    def line(self, text: str = "", style: str = "", indent: int = 0) -> None:
        self.console.print(Text(" " * indent + text, style=style), soft_wrap=True)

    def title(self, key: str) -> None:
        self.line()
        self.line(self.say(key), style="bold")

    def object_name(self, root: str, path: str, member: str | None) -> str:
        """Path and member as one name, ``backup.zip!list.csv``; with the root where there are several."""
        shown = path if len(self.summary.roots_asked) < 2 else f"{root.rstrip('/')}/{path}"
        return short(visible(shown if member is None else f"{shown}!{member}"))

    # ----------------------------------------------------------------- parts

    def head(self) -> None:
        summary, say = self.summary, self.say
        size, duration = file_size(summary.bytes_read), lasted(summary.seconds, say)
        self.line(say("head_objects", objects=summary.objects, size=size, duration=duration))
        counts = [f"{say.word('status', name)} {count:,}" for name, count in sorted(summary.by_status.items(), key=lambda item: -item[1])]
        if counts:
            self.line(", ".join(counts), indent=2)
        for root in summary.roots_not_reached:
            self.line(say("missing_root", root=visible(root)), style="red", indent=2)

    def stray(self) -> None:
        summary, say = self.summary, self.say
        self.line()
        if not summary.stray:
            self.line(say("stray_none"), style="green" if summary.exit_status == 0 else "")
            return
        self.line(say("stray_objects", count=summary.stray, persons=summary.persons_stray), style="bold red")
        levels = [f"{say.word('severity', level)} {count:,}" for level, count in summary.by_severity.items()]
        self.line(", ".join(levels), indent=2)
        self.title("section_worst")
        self.console.print(self._worst_table(summary.worst))
        rest = summary.stray_with_findings - len(summary.worst)
        if rest > 0:
            self.line(say("stray_more", count=rest), indent=2)

    def _worst_table(self, worst: Iterable[StrayObject]) -> Table:
        say = self.say
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", show_edge=False)
        for key, justify in (("severity", "left"), ("persons", "right"), ("exposure", "left"), ("department", "left"), ("kinds", "left")):
            table.add_column(say(f"col_{key}"), justify=justify, no_wrap=key != "kinds", overflow="fold")  # type: ignore[arg-type]
        table.add_column(say("col_object"), overflow="fold", ratio=1, min_width=30)
        for found in worst:
            kinds = ", ".join(found.entity_types[:KINDS_SHOWN]) + (", ..." if len(found.entity_types) > KINDS_SHOWN else "")
            table.add_row(
                Text(say.word("severity", found.severity), style=SEVERITY_STYLES.get(found.severity, "")),
                Text(f"{found.persons:,}"),
                Text(say.word("exposure", found.exposure)),
                Text(visible(found.department or "-")),
                Text(kinds),
                Text(self.object_name(found.root, found.path, found.member)),
            )
        return table

    def unread(self) -> None:
        summary, say = self.summary, self.say
        if not summary.unread:
            self.line()
            self.line(say("unread_none"))
            return
        self.title("section_unread")
        excused = sum(group.excused for group in summary.unread)
        told = [say("unread_count", count=summary.unread_unexcused + excused)]
        told += [say("unread_excused", count=excused)] if excused else []
        self.line(", ".join(told), style="yellow" if summary.unread_unexcused else "", indent=2)
        for group in summary.unread:
            self._unread_group(group)

    def _unread_group(self, group: UnreadGroup) -> None:
        say = self.say
        what = say("unread_line", count=group.count, what=say.word("reason", group.reason), reason=group.reason)
        self.line(what + (f", {say('unread_excused', count=group.excused)}" if group.excused else ""), indent=2)
        for root, path, member in group.examples:
            self.line(self.object_name(root, path, member), style="dim", indent=6)

    def stores(self) -> None:
        summary, say = self.summary, self.say
        lines = [(self._store_problem(store), "yellow") for store in summary.stores if store.counts_as_unread]
        for key, traced in (("stores_traced", True), ("stores_not_traced", False)):
            names = [visible(store.name) for store in summary.stores if store.traced is traced and not store.counts_as_unread]
            lines += [(say(key, names=", ".join(names)), "")] if names else []
        lines += [(say("note_overdue", store=visible(late.store), date=late.review_by.isoformat()), "yellow") for late in summary.overdue]
        lines += [(visible(note), "") for note in summary.notes]
        if lines:
            self.title("section_stores")
        for text, style in lines:
            self.line(text, style=style, indent=2)

    def drill(self) -> None:
        drill, say = self.summary.drill, self.say
        if drill is None:
            return
        self.title("section_drill")
        for line in drill_lines(drill, say):
            self.line(line, style="red" if drill.missed else "green", indent=2)

    def _store_problem(self, store: StoreState) -> str:
        if store.missing:
            return self.say("store_missing", name=visible(store.name))
        return self.say(f"store_why_{store.reason}", name=visible(store.name), why=visible(store.why or ""))

    def copies(self) -> None:
        summary, say = self.summary, self.say
        if not summary.copies:
            return
        self.title("section_copies")
        owners = {store.name: store.owner for store in summary.stores}
        for store, count in summary.copies.items():
            owner = owners.get(store) or say("no_owner")
            self.line(say("copies_of", store=visible(store), owner=visible(owner), count=count), indent=2)
            mine = [found for found in summary.worst_copies if found.store == store][:COPIES_SHOWN]
            for found in mine:
                self.line(self._copy(found), indent=4)
            if count > len(mine):
                self.line(say("copies_more", count=count - len(mine)), indent=4)

    def _copy(self, found: FoundCopy) -> str:
        return self.say(
            f"copies_{found.evidence}",
            object=self.object_name(found.root, found.path, found.member),
            source=short(visible(found.source_path or "")),
            matched=found.matched_records,
            records=found.store_records,
            columns=visible(", ".join(found.columns)),
            exposure=self.say.word("exposure", found.exposure),
        )

    def end(self) -> None:
        summary, say = self.summary, self.say
        self.line()
        self.line(say(f"head_outcome_{summary.outcome}", run_id=summary.run_id))
        self.line(say("store_where", out=visible(summary.out)))
        self.line(say(f"exit_{summary.exit_status}"), style="bold")
        self.line()
        self.line(say("next_sql", command=duckdb_command(summary)))
        if summary.worst and summary.policy is not None:
            first = summary.worst[0]
            path = shlex.quote(visible(f"{first.root}/{first.path}"))
            self.line(say("next_explain", path=path, policy=shlex.quote(visible(summary.policy))))


def duckdb_command(summary: RunSummary) -> str:
    """A line to type that shows the stray findings of this run."""
    parquet = json.dumps(visible(f"{summary.out}/findings/run={summary.run_id}/*.parquet"), ensure_ascii=False)
    script = f'import duckdb; print(duckdb.read_parquet({parquet}).filter("verdict = $$stray$$"))'
    return f"python -c {shlex.quote(script)}"


def lasted(seconds: float, say: Messages) -> str:
    """A duration in the two units that matter."""
    whole = round(seconds)
    if whole < 60:
        return say("duration_seconds", seconds=f"{seconds:.1f}" if seconds < 10 else whole)
    if whole < 3600:
        return say("duration_minutes", minutes=whole // 60, seconds=whole % 60)
    return say("duration_hours", hours=whole // 3600, minutes=whole % 3600 // 60)
