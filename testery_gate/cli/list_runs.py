"""``testery-gate list``: recent runs as a table for people, or as JSON."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import click

from testery_gate.cli.client import connect_now
from testery_gate.cli.connection import connection_options
from testery_gate.cli.given import Given, Values
from testery_gate.cli.option_types import ASKING_CODES, SectionedCommand
from testery_gate.cli.options import (
    CONFIGURATION,
    CONNECTION,
    LISTING,
    NOW,
    WHICH_RUNS,
    given,
    settings,
)
from testery_gate.cli.output import hand_over
from testery_gate.cli.process import Machine, Process
from testery_gate.cli.table import Cell, Part, Row, plain, rendered, texts
from testery_gate.cli.which_runs import query_of
from testery_gate.errors import ExitCode
from testery_gate.judging.criteria import Metric, Unit, format_value, measure
from testery_gate.model import RunStatus, TestRun
from testery_gate.reports.json_report import render_runs
from testery_gate.runs.finding import find_runs
from testery_gate.runs.selection import Query

COLUMNS = (
    *plain("id", "status"),
    *texts("name", "environment", "git ref"),
    *plain("passed", "duration", "age"),
)
_COLORS = {RunStatus.PASS: "green", RunStatus.FAIL: "red", RunStatus.CANCELED: "yellow"}
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}", re.IGNORECASE)


_OPTIONS = settings(
    *(WHICH_RUNS, LISTING, CONNECTION, CONFIGURATION),
    without=["--min-runs", "--appear-within", "--no-follow"],
    also=["--outage-tolerance", "--output"],
    defaults=NOW,
)


@click.command(
    "list",
    cls=SectionedCommand,
    params=_OPTIONS,
    examples=(
        "testery-gate list --environment staging",
        "testery-gate list --git-ref auto --output json",
        "testery-gate list --status FAIL --lookback 30d,5000 --limit 50",
    ),
    codes=ASKING_CODES
    | {
        ExitCode.PASSED: "the runs are listed, if there are any",
        ExitCode.NOT_FOUND: "there is no such deploy",
        ExitCode.REPORT_LOST: "the list could not be printed",
    },
    page="json-report.md",
)
@click.pass_context
def list_runs(ctx: click.Context, /, *, output: str, **values: Any) -> None:
    """List recent runs, the newest first.

    All runs that the options describe are listed, up to --limit; with --each the newest of each
    group, with --latest the newest of all.
    """
    process: Process = ctx.obj
    machine, stated = process.machine, given(ctx)
    stated.check_limits()
    query = all_described(values, machine, stated)
    connection = connection_options(values, machine, stated)
    client = connect_now(connection, float(values["outage_tolerance"]))
    runs = find_runs(query, client, machine.now)
    if output == "json":
        text = render_runs(runs)
    else:
        table = Part(columns=COLUMNS, rows=rows(runs, machine.now()))
        text = rendered([table], output, machine.environment)
    hand_over(text, "the list")


def all_described(values: Values, machine: Machine, given: Given) -> Query:
    """Return what finds all runs that are described up to the limit, or the latest of them."""
    query = query_of(values, machine, given)
    every = not values["each"] and not values["latest"]
    return replace(query, selection=replace(query.selection, every=every, most=values["limit"]))


def rows(runs: Sequence[TestRun], now: datetime) -> Sequence[Row]:
    """Return what the table shows of each run."""
    return [
        (
            str(run.id),
            Cell(text=run.status_text, color=_COLORS.get(run.status, "")),
            run.name,
            run.environment,
            _abbreviated(run.git_ref),
            _counts(run),
            _duration(run),
            _age(run, now),
        )
        for run in runs
    ]


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
