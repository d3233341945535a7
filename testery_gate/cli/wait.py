"""``testery-gate wait``, and what it shares with ``check``."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TextIO

import click

# First, though only modules below use it: five imports deeper CPython would reach the end of a
# piece of its stack, and allocate and free the next piece with every other call.
import requests  # noqa: F401

from testery_gate import ci, gate
from testery_gate.api import client as api
from testery_gate.cli import arguments, notify
from testery_gate.cli.arguments import GateOptions
from testery_gate.cli.client import connect, connect_behind
from testery_gate.cli.option_types import ALL_CODES, SectionedCommand
from testery_gate.cli.options import ALL, given, settings
from testery_gate.cli.output import abilities, complain, line_width, show
from testery_gate.cli.process import Process
from testery_gate.cli.requested_reports import requested_reports
from testery_gate.errors import ExitCode
from testery_gate.judging.judged import Judged
from testery_gate.progress.display import display
from testery_gate.progress.failing import naming
from testery_gate.progress.stream import moves_cursor
from testery_gate.reports import summary
from testery_gate.reports.ending import overall
from testery_gate.reports.files import check_writable, publish
from testery_gate.reports.grouping import seen_first
from testery_gate.waiting.deadline import Deadline

if TYPE_CHECKING:
    from testery_gate.evidence.gathering import Gathering


class GateCommand(SectionedCommand):
    """A command that passes or not; the CI system gets the result, also for a wrong option.

    After a wrong option, reports of an earlier invocation are removed too.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments; also find the CI system and the requested reports."""
        process: Process = ctx.obj
        environment = process.machine.environment
        args_given = tuple(args)  # click removes what it has read
        try:
            return super().parse_args(ctx, args)
        finally:
            process.reports = requested_reports(args_given, ctx, environment)
            process.ci = ci.chosen(ctx.params.get("ci") or ci.AUTO, environment)
            process.debug = process.debug or ci.wants_debug(process.ci, environment)


RUNS = click.Argument(["runs"], metavar="[RUN...]", nargs=-1)


@click.command(
    cls=GateCommand,
    params=[RUNS, *settings(*ALL)],
    examples=(
        "testery-gate wait 55676 --junit-xml out/TEST-testery.xml",
        "testery-gate wait --git-ref auto --environment staging --max-failed 2%",
        "testery create-test-run ... | testery-gate wait -",
    ),
    codes=ALL_CODES,
)
@click.pass_context
def wait(ctx: click.Context, /, **values: Any) -> ExitCode:
    """Wait for runs to finish, judge them, and exit with the verdict.

    RUN is a run's id, such as 55676, or its address, such as
    https://testery.app/acme/test-runs/55676; - reads ids, addresses or what 'testery
    create-test-run' prints from standard input. Several runs are waited for together.

    Instead of naming runs, describe them: --git-ref, --environment and the like are combined, and
    the gate takes the newest run that matches them all.

    Every option can also be set by an environment variable: TESTERY_GATE_ and its name in capitals
    (TESTERY_GATE_MAX_FAILED), with one value a line if it may be repeated. Or set it in
    testery-gate.toml, or in pyproject.toml under [tool.testery-gate].
    """
    process: Process = ctx.obj
    options = arguments.wait_options(values, process.machine, given(ctx))
    return run_gate(process, options)


def run_gate(process: Process, options: GateOptions) -> ExitCode:
    """Find, wait for and judge the runs, and report how it ended."""
    for secret in (options.connection.token.value, *options.connection.secrets):
        ci.mask(process.ci, secret, notify.commands(sys.stderr), process.machine.environment)
    for report in options.reports.wanted:
        if report.path != "-":
            check_writable(report)
    if options.code_host is not None:
        from testery_gate.cli.announce import announce

        announce(process, options.code_host)
    runs = [
        replace(judged, notes=(*judged.notes, *options.notes))
        for judged in _judge(process, options)
    ]
    return _conclude(process, options, runs)


def _judge(process: Process, options: GateOptions) -> Sequence[Judged]:
    environment = process.machine.environment
    quiet = options.quiet
    verbose = options.verbose or ci.wants_debug(process.ci, environment)
    live = moves_cursor(sys.stderr, environment)
    sleep = process.interrupts.sleep
    wanted = options.waiting
    limits = api.Limits(
        deadline=Deadline.after(wanted.timeout + wanted.patience, since=process.started),
        outage_tolerance=wanted.outage_tolerance,
        grace=api.LAST_LOOK_SECONDS if wanted.timeout else api.ONLY_LOOK_SECONDS,
    )
    waiting = gate.Waiting(
        deadline=Deadline.after(wanted.timeout, since=process.started),
        appear_by=Deadline.after(wanted.appear_within, since=process.started),
        poll_interval=wanted.poll_interval,
        follow=wanted.follow,
        fail_fast=wanted.fail_fast,
        cancel_on_interrupt=wanted.cancel_on_interrupt,
        cancel_when_decided=wanted.cancel_when_decided,
        with_results=options.reports.with_results,
        with_attachments=seen_first if options.reports.with_attachments else None,
        comparable=options.reports.shown_runs,
    )
    names = connect_behind(options.connection, limits)
    with (
        ci.section(
            None if quiet else process.ci,
            "Waiting for Testery",
            notify.commands(sys.stderr),
            clock=time.time,
            random=notify.unguessable,
        ),
        display(
            sys.stderr,
            live=live,
            quiet=quiet,
            verbose=verbose,
            trusted=options.policy.trust_status,
        ) as shown,
        naming(shown, names if options.reports.with_results and not quiet else None) as update,
    ):
        client = connect(options.connection, limits, sleep=sleep, say=shown.say)

        def started(run_id: int) -> None:
            line, stream = f"test_run_id: {run_id}", _beside_reports(options)
            if live and not (quiet or verbose) and stream.isatty():
                shown.say(line)  # above what is drawn there
            else:
                show(f"{line}\n", stream)

        effects = gate.Effects(
            sleep=sleep,
            update=update,
            say=shown.say,
            now=process.machine.now,
            started=started,
        )
        gathering = _gathering(options, effects)

        def aside(seconds: float) -> api.TesteryClient:
            limits = api.Limits(deadline=Deadline.after(seconds), outage_tolerance=seconds)
            return connect(options.connection, limits, sleep=time.sleep, say=shown.say)

        walk = gate.Gate(options.policy, client, effects, waiting, gathering, aside=aside)
        first, *others = walk.judge(options.target)
        process.interrupts.hold()
    notes = gathering.tests.notes if gathering else ()
    return [replace(first, notes=(*first.notes, *notes)), *others]


def _gathering(options: GateOptions, effects: gate.Effects) -> Gathering | None:
    if options.evidence is None:
        return None
    from testery_gate.cli.single_tests import gathering

    return gathering(options, options.evidence, effects)


def _beside_reports(options: GateOptions) -> TextIO:
    """Return standard output, or standard error where a report is written to standard output."""
    taken = any(report.path == "-" for report in options.reports.wanted)
    return sys.stderr if taken else sys.stdout


def _conclude(process: Process, options: GateOptions, runs: Sequence[Judged]) -> ExitCode:
    """Write the reports, show the result to CI system and user, and return the exit code."""
    reports = options.reports.wanted
    code = publish(runs, reports, sys.stdout, complain, options.reports.formats)
    stream = _beside_reports(options)
    # A signal that came too late to stop anything still decides the exit code.
    received = process.interrupts.received
    code = code if received is None else received.exit_code
    paths = {report.format: report.path for report in reversed(reports) if report.path != "-"}
    ending = overall(runs, code, paths)
    notify.report(process, ending, stream)
    text = summary.render(
        runs,
        width=line_width(stream, process.machine.environment),
        brief=options.quiet,
        failures=options.failures,
        exit_code=code,
        **abilities(stream, process.machine.environment),
    )
    show(text, stream)
    process.announce(ending)
    return code
