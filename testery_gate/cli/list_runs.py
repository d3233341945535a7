"""``testery-gate list``: recent runs as a table for people, or as JSON."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Sequence
from datetime import datetime
from io import StringIO
from typing import Any

import click

from testery_gate.api import client as api
from testery_gate.cli import arguments
from testery_gate.cli.client import connect
from testery_gate.cli.option_types import SectionedCommand
from testery_gate.cli.options import (
    CONFIGURATION,
    CONNECTION,
    LISTING,
    NOW,
    WHICH_RUNS,
    given,
    settings,
)
from testery_gate.cli.output import abilities, hand_over, line_width, show
from testery_gate.cli.process import Process
from testery_gate.judging.criteria import Metric, Unit, format_value, measure
from testery_gate.model import RunStatus, TestRun
from testery_gate.reports.json_report import render_runs
from testery_gate.runs.finding import find_runs
from testery_gate.waiting.deadline import Deadline

LONGEST = 1000
"""Characters of a name, so that one very long name does not make all lines as long."""
NARROWEST = 80
"""Columns; in a narrower terminal the lines wrap."""
_ANY_WIDTH = 100_000
_COLORS = {RunStatus.PASS: "green", RunStatus.FAIL: "red", RunStatus.CANCELED: "yellow"}
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}", re.IGNORECASE)


_OPTIONS = settings(
    *(WHICH_RUNS, LISTING, CONNECTION, CONFIGURATION),
    without=["--min-runs", "--appear-within", "--no-follow"],
    also=["--outage-tolerance", "--output"],
    defaults=NOW,
)


@click.command("list", cls=SectionedCommand, params=_OPTIONS)
@click.pass_context
def list_runs(ctx: click.Context, /, **values: Any) -> None:
    """List recent runs, the newest first.

    All runs that the options describe are listed, up to --limit; with --each the newest of each
    group, with --latest the newest of all.
    """
    process: Process = ctx.obj
    machine = process.machine
    options = arguments.list_options(values, machine, given(ctx))
    limits = api.Limits(
        deadline=Deadline.after(options.outage_tolerance),
        outage_tolerance=options.outage_tolerance,
        grace=api.ONLY_LOOK_SECONDS,
    )
    client = connect(
        options.connection,
        limits,
        sleep=time.sleep,
        say=lambda line: show(f"testery-gate: {line}\n", sys.stderr),
    )
    runs = find_runs(
        options.query,
        client,
        appear_by=Deadline.after(0),
        sleep=time.sleep,
        say=lambda _: None,
        now=machine.now,
    )
    if options.as_json:
        text = render_runs(runs)
    else:
        text = render(
            runs,
            now=machine.now(),
            width=line_width(),
            **abilities(sys.stdout, machine.environment),
        )
    hand_over(text, "the list")


def render(
    runs: Sequence[TestRun], *, now: datetime, width: int | None, color: bool, unicode: bool
) -> str:
    """Return a line for each run below the headings; what is unknown or empty is ``-``.

    Names are cut where lines would be wider than a terminal's ``width``; ``None`` is no terminal.
    Without ``unicode`` the text is ASCII.
    """
    # Imported here, because it takes longer than all the rest.
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    def cell(text: str | None, style: str = "") -> Text:
        shown = (text or "-")[:LONGEST]
        shown = shown if unicode else shown.encode("ascii", "replace").decode()
        # In a column that may fold, a text that may not is cut, and only where it must be.
        return Text(shown, style, no_wrap=True, overflow="ellipsis" if unicode else "crop")

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for heading in ("id", "status", "name", "environment", "git ref", "passed", "duration", "age"):
        table.add_column(cell(heading), no_wrap=heading not in {"name", "environment", "git ref"})
    for run in runs:
        table.add_row(
            cell(str(run.id)),
            cell(run.status_text, _COLORS.get(run.status, "")),
            cell(run.name),
            cell(run.environment),
            cell(_abbreviated(run.git_ref)),
            cell(_counts(run)),
            cell(_duration(run)),
            cell(_age(run, now)),
        )
    paper = Console(
        file=StringIO(),
        width=_ANY_WIDTH if width is None else max(width, NARROWEST),
        color_system="standard" if color else None,
        force_terminal=color,
        _environ={},
    )
    with paper.capture() as captured:
        paper.print(table)
    return "".join(f"{line.rstrip()}\n" for line in captured.get().splitlines())


def _abbreviated(git_ref: str | None) -> str | None:
    return git_ref[:7] if git_ref and _COMMIT.fullmatch(git_ref) else git_ref


def _counts(run: TestRun) -> str:
    passed, total = ("?" if count is None else str(count) for count in (run.passed, run.total))
    others = {"failed": run.failed, "ignored": run.ignored}
    parts = [f"{count} {name}" for name, count in others.items() if count]
    return ", ".join([f"{passed}/{total}", *parts])


def _duration(run: TestRun) -> str | None:
    seconds = measure(run)[Metric.DURATION]
    return None if seconds is None else format_value(seconds, Unit.TIME)


def _age(run: TestRun, now: datetime) -> str | None:
    """Return how long ago the run was created, in one unit."""
    if run.create_time is None:
        return None
    age = max(0, int((now - run.create_time).total_seconds()))
    for unit, seconds in (("d", 86_400), ("h", 3600), ("m", 60)):
        if age >= seconds:
            return f"{age // seconds}{unit}"
    return f"{age}s"
