"""``testery-gate flaky``: the tests that both passed and failed over the last runs."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import click

from testery_gate.api.client import TesteryClient
from testery_gate.cli.client import connect_behind, connect_now, limits_now
from testery_gate.cli.connection import ConnectionOptions, connection_options
from testery_gate.cli.option_types import ASKING_CODES, SectionedCommand
from testery_gate.cli.options import (
    CONFIGURATION,
    CONNECTION,
    LISTING,
    NOW,
    TABLES,
    WHICH_RUNS,
    given,
    settings,
)
from testery_gate.cli.output import abilities, hand_over, line_width
from testery_gate.cli.process import Process
from testery_gate.cli.table import (
    Part,
    Row,
    document,
    duration,
    parts_as_markdown,
    parts_as_text,
    plain,
    texts,
)
from testery_gate.cli.which_runs import query_of
from testery_gate.errors import ApiError, ExitCode
from testery_gate.evidence.baseline import is_finished, is_of
from testery_gate.evidence.durations import Durations
from testery_gate.evidence.flakiness import FlakyTest, History
from testery_gate.evidence.gathering import missing_from, read_history
from testery_gate.evidence.outcomes import TestOutcome
from testery_gate.evidence.read_ahead import Fetch, ReadAhead
from testery_gate.judging.criteria import format_percentage
from testery_gate.model import TestResult, TestRun
from testery_gate.reports import json_report, view
from testery_gate.runs.comparable import SECONDS, find_earlier
from testery_gate.runs.finding import find_runs
from testery_gate.text import shorten
from testery_gate.waiting.deadline import Deadline

READING_SECONDS = 600.0
"""How long all requests together may take; then the output says what is missing."""
WIDE = 160
"""Columns that a test takes with all that is known of it in one line."""
_LONGEST_NAME = 400
_OPTIONS = settings(
    *(WHICH_RUNS, LISTING, CONNECTION, CONFIGURATION),
    without=["--each", "--all", "--min-runs", "--appear-within", "--no-follow"],
    also=["--baseline-ref", "--history", "--outage-tolerance", "--output"],
    defaults={**NOW, "--history": "20"},
    types={**TABLES, "--history": click.IntRange(1, 200)},
    helps={
        "--baseline-ref": "Read only runs of this branch or commit, such as main.",
        "--history": "How many finished runs to read at most.",
        "--limit": "The most tests to list.",
        "--output": "How to print it.",
    },
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What was read, and the flaky ones among the tests."""

    newest: TestRun
    """The run that is described, whether it is in the history or not."""
    history: History
    flaky: Sequence[FlakyTest]
    """The worst first."""
    durations: Durations
    notes: Sequence[str]


@click.command(
    cls=SectionedCommand,
    params=_OPTIONS,
    examples=(
        "testery-gate flaky --environment staging",
        "testery-gate flaky --name Checkout --baseline-ref main --history 50",
        "testery-gate flaky --latest --output json",
    ),
    codes=ASKING_CODES
    | {
        ExitCode.PASSED: "the runs are read, whatever was found",
        ExitCode.NOT_FOUND: "no run is as described, or none can be read",
        ExitCode.REPORT_LOST: "the list could not be printed",
    },
    page="commands.md",
)
@click.pass_context
def flaky(ctx: click.Context, /, *, history: int, limit: int, output: str, **values: Any) -> None:
    """List the tests that both passed and failed over the last runs, the worst first.

    Reads the newest run that the options describe, and the finished runs of the same project,
    environment and name before it. A test is flaky if its outcome changed at least twice, or if it
    both passed and failed on the same commit.
    """
    process: Process = ctx.obj
    machine, stated = process.machine, given(ctx)
    stated.check_limits()
    git_ref = stated.filled("baseline_ref")
    query = query_of({**values, "each": (), "every": False}, machine, stated)
    connection = connection_options(values, machine, stated)
    tolerance = float(values["outage_tolerance"])
    until = Deadline.after(READING_SECONDS)
    client = connect_now(connection, tolerance, seconds=READING_SECONDS)
    newest, *_ = find_runs(query, client, machine.now)
    runs, unlisted = _history(newest, client, git_ref, history)
    found = _read(newest, runs, connection, tolerance, until)
    if unlisted:
        found = replace(found, notes=[*found.notes, unlisted])
    if output == "json":
        text = as_json(found, limit)
    elif output == "markdown":
        text = parts_as_markdown(parts(found, limit, wide=True))
    else:
        style, width = abilities(sys.stdout, machine.environment), line_width()
        wide = width is None or width >= WIDE
        shown = parts(found, limit, wide=wide, unicode=style["unicode"])
        text = parts_as_text(shown, width=width, **style)
    hand_over(text, "the list")


def _read(
    newest: TestRun,
    runs: Sequence[TestRun],
    connection: ConnectionOptions,
    tolerance: float,
    until: Deadline,
) -> Found:
    """Read the history; raises the first fault if nothing was read."""
    limits = limits_now(tolerance, seconds=READING_SECONDS)
    connect = connect_behind(connection, limits, brief=False)
    seen = _Seen()
    # A cache file has no durations.
    tests = ReadAhead(lambda: seen.through(connect()), cache=None)
    tests.read_ahead(runs)
    history, unread = read_history(runs, tests, until)
    if seen.fault and not history.runs:
        raise seen.fault
    status = newest.status_text or "of no status"
    left_out = "" if is_finished(newest) else f"run {newest.id} is {status}: it is not read"
    return Found(
        newest=newest,
        history=history,
        flaky=history.flaky_tests(),
        durations=seen.durations,
        notes=[*filter(None, (left_out, missing_from(runs, unread)))],
    )


def _history(
    newest: TestRun, client: TesteryClient, git_ref: str | None, most: int
) -> tuple[Sequence[TestRun], str]:
    """Return which runs to read, the newest first, and what is missing of the list of them."""

    def chosen(earlier: Sequence[TestRun]) -> Sequence[TestRun]:
        runs = [run for run in (newest, *earlier) if is_finished(run) and is_of(run, git_ref)]
        return runs[:most]

    found, fault = find_earlier(
        [newest],
        client,
        lambda _, earlier: len(chosen(earlier)) >= most,
        until=Deadline.after(SECONDS),
    )
    if fault and not found:
        raise fault
    runs = chosen(found.get(newest.id, ()))
    lacking = f"older runs are missing: {fault.message}" if fault and len(runs) < most else ""
    return runs, lacking


class _Seen:
    """Facts from test results that outcomes lack; the results themselves are not kept."""

    def __init__(self) -> None:
        self.durations = Durations()
        self.fault: ApiError | None = None
        """The first one."""

    def through(self, ask: Fetch) -> Fetch:
        """Return a function that asks in the same way, and notes what comes back."""

        def seen(run_id: int) -> Sequence[TestResult]:
            try:
                results = ask(run_id)
            except ApiError as error:
                self.fault = self.fault or error
                raise
            self.durations.add(results)
            return results

        return seen


def as_json(found: Found, limit: int) -> str:
    """Return the tests as JSON, as ``docs/commands.md`` describes it."""
    report = {
        "runs": [json_report.listed(earlier.run) for earlier in found.history.runs],
        "notes": list(found.notes),
        "testCount": _test_count(found.history),
        "failedCount": len(found.history.failed),
        "flakyCount": len(found.flaky),
        "tests": [_test(test, found.durations) for test in found.flaky[:limit]],
    }
    return document("1.0", report)


def _test(flaky: FlakyTest, durations: Durations) -> Mapping[str, object]:
    mean = durations.mean(flaky.test)
    return {
        **json_report.test_id(flaky.test),
        "strip": [None if outcome is None else outcome.word for outcome in flaky.strip],
        "changes": flaky.changes,
        "failed": flaky.failed,
        "executed": flaky.executed,
        "failRate": float(flaky.rate),
        "onOneCommit": flaky.on_one_commit or None,
        "firstFailed": json_report.seen_in(flaky.first_failed),
        "lastFailed": json_report.seen_in(flaky.last_failed),
        "meanDuration": None if mean is None else mean.total_seconds(),
    }


def _test_count(history: History) -> int:
    return len({test for earlier in history.runs for test in earlier.outcomes})


def parts(found: Found, limit: int, *, wide: bool, unicode: bool = True) -> Sequence[Part]:
    """Return parts of a text for people; each test takes one row only if there is ``wide`` room."""
    history, flaky = found.history, found.flaky
    tests, runs = (
        view.counted(_test_count(history), "test"),
        view.counted(len(history.runs), "run"),
    )
    lines = [*_which_runs(found), *(f"Note: {note}." for note in found.notes)]
    steady = len(history.failed) - len(flaky)
    if steady:
        also = "other test" if flaky else "test"
        lines.append(f"{view.counted(steady, also)} failed without being flaky.")
    shown = flaky[:limit]
    if shown:
        signs = view.legend([_shown(test) for test in shown], unicode=unicode)
        cut = f" of the last {view.LONGEST_STRIP} runs" * (len(history.runs) > view.LONGEST_STRIP)
        lines.append(f"Outcomes{cut}, the oldest first: {signs}.")
    row = _wide if wide else _narrow
    return [
        Part(heading=f"Flaky tests: {len(flaky)} of {tests} in {runs}", lines=lines),
        *(
            [
                Part(
                    columns=_WIDE if wide else _NARROW,
                    rows=[row(test, found.durations, unicode) for test in shown],
                    left_out=len(flaky) - len(shown),
                )
            ]
            if shown
            else []
        ),
    ]


def _which_runs(found: Found) -> Sequence[str]:
    runs, newest = [earlier.run for earlier in found.history.runs], found.newest
    about = f"Runs of {newest.name or 'no name'} in {newest.environment or 'no environment'}"
    if not runs:
        return [f"{about}: none could be read that has finished."]
    ends = runs if len(runs) == 1 else (runs[0], runs[-1])
    return [f"{about}: {' to '.join(map(_described, ends))}."]


def _described(run: TestRun) -> str:
    time = f" ({run.create_time:%Y-%m-%d %H:%M} UTC)" if run.create_time else ""
    return f"run {run.id}{time}"


def _shown(flaky: FlakyTest) -> Sequence[TestOutcome | None]:
    return flaky.strip[-view.LONGEST_STRIP :]


_WIDE = (
    *plain("outcomes", "changes", "failed", "first failed", "last failed"),
    *plain("mean time", "one commit"),
    *texts("test", "file"),
)
_NARROW = (*plain("outcomes", "changes", "failed", "mean"), *texts("test"))


def _wide(flaky: FlakyTest, durations: Durations, unicode: bool) -> Row:
    return (
        view.strip(_shown(flaky), unicode=unicode),
        str(flaky.changes),
        f"{format_percentage(flaky.rate)} ({_failed(flaky)})",
        _seen(flaky.first_failed),
        _seen(flaky.last_failed),
        _mean(flaky, durations),
        "both" if flaky.on_one_commit else None,
        flaky.test.name,
        flaky.test.file,
    )


def _narrow(flaky: FlakyTest, durations: Durations, unicode: bool) -> Row:
    """Return a row of up to three lines."""
    strip = view.strip(_shown(flaky), unicode=unicode)
    first, last = _seen(flaky.first_failed), _seen(flaky.last_failed)
    name = shorten(flaky.test.name, _LONGEST_NAME)
    file = shorten(flaky.test.file, _LONGEST_NAME) or view.NO_FILE
    on_one_commit = ["both on one commit"] if flaky.on_one_commit else []
    return (
        f"{strip}\nfirst {first}\nlast  {last}",
        str(flaky.changes),
        f"{format_percentage(flaky.rate)}\n{_failed(flaky)}",
        _mean(flaky, durations),
        "\n".join([name, file, *on_one_commit]),
    )


def _failed(flaky: FlakyTest) -> str:
    return f"{flaky.failed} of {flaky.executed}"


def _seen(run: TestRun) -> str:
    return f"{run.id} {run.create_time:%Y-%m-%d}" if run.create_time else str(run.id)


def _mean(flaky: FlakyTest, durations: Durations) -> str | None:
    mean = durations.mean(flaky.test)
    return None if mean is None else duration(mean)
