"""``testery-gate compare``: what changed from one run to another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

import click

from testery_gate.cli.client import connect_now
from testery_gate.cli.connection import connection_options
from testery_gate.cli.list_runs import COLUMNS as RUN_COLUMNS
from testery_gate.cli.list_runs import rows as run_rows
from testery_gate.cli.option_types import ASKING_CODES, SectionedCommand, any_file
from testery_gate.cli.options import CONFIGURATION, CONNECTION, NOW, TABLES, given, settings
from testery_gate.cli.output import hand_over
from testery_gate.cli.process import Machine, Process
from testery_gate.cli.single_tests import baseline_file
from testery_gate.cli.table import Column, Part, Row, document, duration, plain, rendered, texts
from testery_gate.cli.which_runs import references_in
from testery_gate.errors import ExitCode, NotFound, Unauthorized, UsageError
from testery_gate.evidence.baseline import doubts
from testery_gate.evidence.baseline_file import FileBaseline, why_no_tests
from testery_gate.evidence.comparison import Comparison, NewFailure
from testery_gate.evidence.comparison import compare as compared
from testery_gate.evidence.gathering import Unread
from testery_gate.evidence.outcomes import TestId, TestOutcome, why_unusable
from testery_gate.judging.criteria import (
    Metric,
    Unit,
    format_percentage,
    format_value,
    measure,
)
from testery_gate.model import TestResult, TestRun
from testery_gate.reports import json_report
from testery_gate.reports.view import first_error_line
from testery_gate.runs.references import RunReference

SECONDS = 180.0
"""How long the requests may take together: the tests of a run can be many."""
MOST_SLOWER = 10
"""So many tests that became slower are shown."""
_MOVED = (
    *(Metric.TOTAL, Metric.PASSED, Metric.FAILED, Metric.IGNORED, Metric.NOT_RUN),
    *(Metric.PASS_RATE, Metric.DURATION, Metric.TESTING_TIME),
)
_TEST = texts("test", "file")
_OPTIONS = [
    click.Argument(["old"], metavar="OLD", shell_complete=any_file),
    click.Argument(["new"], metavar="NEW"),
    *settings(
        *(CONNECTION, CONFIGURATION),
        also=["--limit", "--outage-tolerance", "--output"],
        defaults=NOW,
        types=TABLES,
        helps={
            "--limit": "The most tests of each kind in text and Markdown; JSON has all.",
            "--output": "How to print it.",
        },
    ),
]


class Source(Protocol):
    """What is used of the API."""

    def run(self, run_id: int, /) -> TestRun:
        """Return one run."""

    def results(self, run_id: int, /) -> Sequence[TestResult]:
        """Return the tests of a run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Two runs, and how their tests differ."""

    old: TestRun
    new: TestRun
    notes: Sequence[str]
    """Why the two runs are hard to compare."""
    tests: Comparison | None
    unknown: str = ""
    """Why the tests can't be compared."""


@click.command(
    cls=SectionedCommand,
    params=_OPTIONS,
    examples=(
        "testery-gate compare 55674 55675",
        "testery-gate compare out/testery.json 55675",
        "testery-gate compare 55674 55675 --output markdown",
    ),
    codes=ASKING_CODES
    | {
        ExitCode.PASSED: "the runs are compared, whatever has changed",
        ExitCode.NOT_FOUND: "there is no such run",
        ExitCode.REPORT_LOST: "the comparison could not be printed",
    },
    page="commands.md",
)
@click.pass_context
def compare(
    ctx: click.Context, /, *, old: str, new: str, limit: int, output: str, **values: Any
) -> None:
    """Compare two runs: new failures, and fixed, missing, added and slower tests.

    OLD and NEW are ids of runs, such as 55676, or their addresses, such as
    https://testery.app/acme/test-runs/55676. OLD can also be a JSON or JUnit report that the gate
    wrote.
    """
    process: Process = ctx.obj
    machine = process.machine
    (later,) = references_in(new)
    earlier = _earlier(old, machine)
    connection = connection_options(values, machine, given(ctx))
    client = connect_now(connection, float(values["outage_tolerance"]), seconds=SECONDS)
    found = look(client, earlier, later.run_id)
    if output == "json":
        text = as_json(found)
    else:
        text = rendered(parts(found, limit, machine.now()), output, machine.environment)
    hand_over(text, "the comparison")


def _earlier(text: str, machine: Machine) -> RunReference | FileBaseline:
    if text.isdecimal() or "://" in text:
        (earlier,) = references_in(text)
        return earlier
    advice = "Give a run's id or address, or the path of a report."
    return baseline_file(Path(text), machine, advice)


def look(source: Source, old: RunReference | FileBaseline, new_id: int) -> Compared:
    """Ask for the runs and their tests.

    Raises what the source raises, and :class:`UsageError` for a report without the run.
    """
    if isinstance(old, FileBaseline):
        new = source.run(new_id)
        meant = old.meant(new)
        if isinstance(meant, str):
            raise UsageError(meant, advice="Give a report on one run, or the run's id or address.")
        earlier, reported = meant
        why = why_no_tests(earlier, reported)
        before: Sequence[TestResult] | Unread = reported.results or ()
        before = Unread(why=old.unusable(why)) if why else before
        notes = [f"run {earlier.id} is read from {old.source}, which has no times of its tests"]
    else:
        earlier, new = source.run(old.run_id), source.run(new_id)
        before, notes = _read(source, earlier), []
    now = before if isinstance(before, Unread) else _read(source, new)
    tests = None
    if not isinstance(before, Unread) and not isinstance(now, Unread):
        tests = compared(before, now)
    return Compared(
        old=earlier,
        new=new,
        notes=[*notes, *doubts(earlier, new)],
        tests=tests,
        unknown=next((one.why for one in (before, now) if isinstance(one, Unread)), ""),
    )


def _read(source: Source, run: TestRun) -> Sequence[TestResult] | Unread:
    try:
        results = source.results(run.id)
    except (NotFound, Unauthorized) as error:
        if isinstance(error, Unauthorized) and error.token_rejected:
            raise
        # The API does not promise test results; the counts can be compared without them.
        return Unread(why=f"the test results of run {run.id} can't be read: {error.message}")
    why = why_unusable(run, results)
    return Unread(why=why) if why else results


def as_json(found: Compared) -> str:
    """Return the comparison as JSON, as ``docs/commands.md`` describes it."""
    report = {
        "old": json_report.listed(found.old),
        "new": json_report.listed(found.new),
        "moved": json_report.moved(found.old, found.new),
        "notes": list(found.notes),
        "unknown": found.unknown or None,
        "tests": None if found.tests is None else _tests_as_json(found.tests),
    }
    return document("1.0", report)


def _tests_as_json(tests: Comparison) -> Mapping[str, object]:
    def ids(found: Iterable[TestId]) -> Sequence[Mapping[str, object]]:
        return [json_report.test_id(test) for test in found]

    return {
        "newFailures": [
            {
                **json_report.test_id(failure.test),
                "before": None if failure.before is None else failure.before.word,
                "now": failure.now.word,
                "error": first_error_line(failure.result) or None,
            }
            for failure in tests.new_failures
        ],
        "stillFailing": ids(tests.still_failing),
        "fixed": ids(tests.fixed),
        "notExecuted": ids(tests.not_executed),
        "missing": ids(tests.missing),
        "added": ids(tests.added),
        "slower": [
            {
                **json_report.test_id(slower.test),
                "before": slower.before.total_seconds(),
                "now": slower.now.total_seconds(),
            }
            for slower in tests.slower
        ],
    }


def parts(found: Compared, limit: int, now: datetime) -> Sequence[Part]:
    """Return the comparison as parts of a text for people."""
    old, new = found.old, found.new
    notes = [f"Note: {note}." for note in found.notes]
    return [
        Part(
            heading=f"Run {new.id} compared with run {old.id}",
            lines=notes,
            columns=RUN_COLUMNS,
            rows=run_rows([old, new], now),
        ),
        Part(
            columns=plain("counts", str(old.id), str(new.id), "moved"),
            rows=list(_numbers(old, new)),
        ),
        *(
            [Part(lines=[f"The single tests can't be compared: {found.unknown}."])]
            if found.tests is None
            else _of_tests(found.tests, limit)
        ),
    ]


def _numbers(old: TestRun, new: TestRun) -> Iterable[Row]:
    before, now = measure(old), measure(new)
    for metric in _MOVED:
        yield (
            metric.value,
            _value(before[metric], metric.unit),
            _value(now[metric], metric.unit),
            _difference(before[metric], now[metric], metric.unit),
        )


def _value(value: Fraction | None, unit: Unit) -> str | None:
    if value is None:
        return None
    return format_percentage(value) if unit is Unit.PERCENT else format_value(value, unit)


def _difference(before: Fraction | None, now: Fraction | None, unit: Unit) -> str | None:
    if before is None or now is None:
        return None
    size = abs(now - before)
    sign = "+" if now > before else "-" if now < before else ""
    if unit is Unit.PERCENT:
        # A difference of two percentages, and not a change in percent.
        return f"{sign}{format_value(round(size, 2), unit).removesuffix('%')} points"
    return f"{sign}{format_value(size, unit)}"


def _of_tests(tests: Comparison, limit: int) -> Iterable[Part]:
    broken = [(*_named(failure.test), _error(failure)) for failure in tests.new_failures]
    slower = [
        (
            *_named(one.test),
            duration(one.before),
            duration(one.now),
            f"+{duration(one.now - one.before)}",
        )
        for one in tests.slower
    ]
    found: Mapping[str, tuple[Sequence[Row], Sequence[Column]]] = {
        "new failures": (broken, texts("error")),
        "still failing": (list(map(_named, tests.still_failing)), ()),
        "fixed": (list(map(_named, tests.fixed)), ()),
        "no longer executed": (list(map(_named, tests.not_executed)), ()),
        "missing": (list(map(_named, tests.missing)), ()),
        "added": (list(map(_named, tests.added)), ()),
        "slower": (slower, plain("before", "now", "moved")),
    }
    counts = ", ".join(f"{what} {len(rows)}" for what, (rows, _) in found.items())
    yield Part(lines=[f"Tests: {counts}."])
    for what, (rows, columns) in found.items():
        if rows:
            most = min(limit, MOST_SLOWER) if rows is slower else limit
            yield Part(
                heading=f"{what.capitalize()}: {len(rows)}",
                columns=[*_TEST, *columns],
                rows=rows[:most],
                left_out=max(0, len(rows) - most),
            )


def _error(failure: NewFailure) -> str:
    retried = "passed too" if failure.now is TestOutcome.BOTH else ""
    return "; ".join(filter(None, (retried, first_error_line(failure.result))))


def _named(test: TestId) -> tuple[str, str]:
    return test.name, test.file
