"""``testery-gate check``: what ``wait`` does, without the wait."""

from __future__ import annotations

from typing import Any

import click

from testery_gate.cli import arguments
from testery_gate.cli.option_types import ALL_CODES
from testery_gate.cli.options import ALL, NOW, given, settings
from testery_gate.cli.process import Process
from testery_gate.cli.wait import RUNS, GateCommand, run_gate
from testery_gate.errors import ExitCode

_WAITING = (
    *("--timeout", "--interval", "--fail-fast"),
    *("--cancel-on-interrupt", "--cancel-when-decided"),
)


@click.command(
    cls=GateCommand,
    params=[RUNS, *settings(*ALL, without=_WAITING, defaults=NOW)],
    examples=(
        "testery-gate check --git-ref auto --environment staging --max-age 24h",
        'testery-gate check --build-key "$TAG" --environment staging --no-config',
        "testery-gate check 55676 --max-failed 2%",
    ),
    codes=ALL_CODES,
)
@click.pass_context
def check(ctx: click.Context, /, **values: Any) -> ExitCode:
    """Judge runs as they are now, without waiting: the check before a deploy.

    Takes the runs and options of 'wait'. The exit code is 124 if a run has not finished, and 5 if
    it finished longer ago than --max-age. --appear-within is how long a run may take to appear
    and finish.
    """
    process: Process = ctx.obj
    options = arguments.check_options(values, process.machine, given(ctx))
    return run_gate(process, options)
