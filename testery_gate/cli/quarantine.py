"""``testery-gate quarantine``: what a quarantine file tolerates today."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import click

from testery_gate.cli.client import connect_now
from testery_gate.cli.connection import connection_options
from testery_gate.cli.given import DESCRIBING, Given, Values, is_given
from testery_gate.cli.list_runs import all_described
from testery_gate.cli.option_types import ASKING_CODES, SectionedCommand, any_file
from testery_gate.cli.options import (
    CONFIGURATION,
    CONNECTION,
    NOW,
    TABLES,
    WHICH_RUNS,
    given,
    settings,
)
from testery_gate.cli.output import hand_over
from testery_gate.cli.process import Machine, Process
from testery_gate.cli.quarantine_file import read_quarantine
from testery_gate.cli.table import Cell, Part, Row, document, plain, rendered, texts
from testery_gate.errors import ExitCode, NotFound
from testery_gate.evidence.outcomes import Outcomes, outcomes_of, why_unusable
from testery_gate.evidence.quarantine import SOON, Entry, Quarantine, State
from testery_gate.model import RunStatus, TestRun
from testery_gate.reports.view import counted
from testery_gate.runs.finding import find_runs

NEWEST = 20
"""How many runs that are described are looked at for one that has finished."""
_COLORS = {State.VALID: "green", State.EXPIRING: "yellow", State.EXPIRED: "red"}
_COLUMNS = (
    *plain("line", "state", "until"),
    *texts("owner", "test", "file"),
    *plain("in the run"),
    *texts("reason"),
)
_OPTIONS = [
    click.Argument(["file"], metavar="FILE", shell_complete=any_file),
    *settings(
        *(WHICH_RUNS, CONNECTION, CONFIGURATION),
        without=["--each", "--all", "--min-runs", "--appear-within", "--no-follow"],
        also=["--quarantine-ref", "--quarantine-days", "--outage-tolerance", "--output"],
        defaults=NOW,
        types=TABLES,
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """The run that the entries were held against, or why there is none."""

    run: TestRun | None = None
    outcomes: Outcomes | None = None
    why_not: str = ""


@click.command(
    cls=SectionedCommand,
    params=_OPTIONS,
    examples=(
        "testery-gate quarantine quarantine.toml",
        "testery-gate quarantine quarantine.toml --latest --environment staging",
        "testery-gate quarantine quarantine.toml --output markdown",
    ),
    codes=ASKING_CODES
    | {
        ExitCode.PASSED: "every entry is valid as it is written, expired or not",
        ExitCode.USAGE: "an entry or an option is wrong",
        ExitCode.NOT_FOUND: "there is no such deploy",
        ExitCode.REPORT_LOST: "the entries could not be printed",
    },
    page="evidence.md",
)
@click.pass_context
def quarantine(
    ctx: click.Context,
    /,
    *,
    file: str,
    quarantine_days: int,
    output: str,
    **values: Any,
) -> None:
    """Check a quarantine file, and show what it tolerates today.

    The entries that end first come first. If options describe runs (--latest, --environment
    NAME, ...), the entries are compared with the newest finished one, which needs the token.
    """
    process: Process = ctx.obj
    machine, stated = process.machine, given(ctx)
    stated.check_limits()
    ref = stated.filled("quarantine_ref")
    tolerated = read_quarantine(file, ref, quarantine_days, machine)
    held = Held(why_not="no run is described, such as by --latest or --environment NAME")
    if any(is_given(values.get(option)) for option in DESCRIBING):
        held = _held_against(values, machine, stated)
    if output == "json":
        text = _json(tolerated, held)
    else:
        text = rendered(_parts(tolerated, held), output, machine.environment)
    hand_over(text, "the quarantine")


def _held_against(values: Values, machine: Machine, given: Given) -> Held:
    newest = {**values, "each": (), "every": False, "latest": False, "limit": NEWEST}
    query = all_described(newest, machine, given)
    connection = connection_options(values, machine, given)
    client = connect_now(connection, float(values["outage_tolerance"]))
    runs = find_runs(query, client, machine.now)
    ended = {RunStatus.PASS, RunStatus.FAIL}
    run = next((run for run in runs if run.complete and run.status in ended), None)
    if run is None:
        return Held(why_not=f"none of the newest {len(runs)} that are described has finished")
    try:
        results = client.results(run.id)
    except NotFound as error:
        return Held(why_not=f"run {run.id} has no test results: {error.message}")
    unusable = why_unusable(run, results)
    return Held(why_not=unusable) if unusable else Held(run=run, outcomes=outcomes_of(results))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """An entry, and how many tests of the run it names; ``None`` without a run."""

    entry: Entry
    state: State
    tests: int | None
    failed: int | None


def _lines(quarantine: Quarantine, outcomes: Outcomes | None) -> Sequence[_Line]:
    """Return the entries, those that end first before the others."""
    tests: Counter[Entry] = Counter()
    failed: Counter[Entry] = Counter()
    for test, outcome in (outcomes or {}).items():
        named = list(quarantine.naming(test))
        tests.update(named)
        failed.update(named if outcome.has_failed else ())
    return [
        _Line(
            entry=entry,
            state=entry.state(quarantine.today),
            tests=None if outcomes is None else tests[entry],
            failed=None if outcomes is None else failed[entry],
        )
        for entry in sorted(quarantine.entries, key=lambda entry: entry.expires)
    ]


def _parts(quarantine: Quarantine, held: Held) -> Sequence[Part]:
    lines = _lines(quarantine, held.outcomes)
    summary = Part(lines=_summary(quarantine, held, lines))
    return [summary, *([Part(columns=_COLUMNS, rows=_rows(lines))] if lines else [])]


def _json(quarantine: Quarantine, held: Held) -> str:
    report = {
        "source": quarantine.source,
        "today": quarantine.today.isoformat(),
        "runId": None if held.run is None else held.run.id,
        "whyNoRun": held.why_not or None,
        "entries": [
            {
                "line": line.entry.line,
                "state": line.state.value,
                "file": line.entry.file,
                "name": line.entry.name,
                "reason": line.entry.reason,
                "owner": line.entry.owner,
                "expires": line.entry.expires.isoformat(),
                "issue": line.entry.issue or None,
                "tests": line.tests,
                "failed": line.failed,
            }
            for line in _lines(quarantine, held.outcomes)
        ],
    }
    return document("1.0", report)


def _summary(quarantine: Quarantine, held: Held, lines: Sequence[_Line]) -> Sequence[str]:
    states = Counter(line.state for line in lines)
    number = "1 entry" if len(lines) == 1 else f"{len(lines)} entries"
    counts = (
        f"{quarantine.source} on {quarantine.today}: {number},"
        f" {states[State.VALID]} valid, {states[State.EXPIRING]} expiring within {SOON} days,"
        f" {states[State.EXPIRED]} expired"
    )
    if held.run is None:
        return (counts, f"Not held against a run: {held.why_not}")
    about = ", ".join(filter(None, (held.run.name, held.run.environment, held.run.status_text)))
    unmatched = sum(line.tests == 0 for line in lines)
    names = "1 entry names" if unmatched == 1 else f"{unmatched} entries name"
    return (counts, f"Held against run {held.run.id} ({about}): {names} none of its tests")


def _rows(lines: Sequence[_Line]) -> Sequence[Row]:
    return [
        (
            str(line.entry.line),
            Cell(text=line.state.value, color=_COLORS[line.state]),
            line.entry.expires.isoformat(),
            line.entry.owner,
            line.entry.name,
            line.entry.file,
            _in_the_run(line),
            line.entry.reason,
        )
        for line in lines
    ]


def _in_the_run(line: _Line) -> Cell | None:
    if line.tests is None:
        return None
    if not line.tests:
        return Cell(text="no test", color="yellow")
    return Cell(text=f"{counted(line.tests, 'test')}, {line.failed} failed")
