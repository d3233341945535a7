"""``testery-gate run``: start a run, and then do what ``wait`` does."""

from __future__ import annotations

from typing import Any

import click

from testery_gate.cli import arguments, notify
from testery_gate.cli.option_types import ALL_CODES, Setting
from testery_gate.cli.options import ALL, STARTING, WAITING, WHICH_RUNS, given, settings
from testery_gate.cli.process import Process
from testery_gate.cli.wait import GateCommand, run_gate
from testery_gate.errors import ExitCode

SHARED = {
    "--git-ref": "Run the tests of this commit. auto takes the commit that this pipeline is about.",
    "--build-key": "Key of your build, by which the run can be found later; without it the gate"
    " makes one up.",
    "--environment": "Key of the environment to run in.",
}
"""Options that describe runs elsewhere, and what they say of one that is started."""


def _parameters() -> list[click.Parameter]:
    found = settings(
        *(STARTING, *(section for section in ALL if section != WHICH_RUNS)),
        also=(*SHARED, "--no-follow"),
        helps=SHARED,
    )
    for setting in found:
        if isinstance(setting, Setting) and setting.section == WHICH_RUNS:
            setting.section = STARTING if f"--{setting.option_name}" in SHARED else WAITING
    return found


@click.command(
    cls=GateCommand,
    params=_parameters(),
    examples=(
        "testery-gate run --project shop --environment staging --git-ref auto",
        "testery-gate run --project shop --environment staging --test-suite Smoke --max-failed 2%",
        "testery-gate run --project shop --environment staging --fail-fast --cancel-when-decided",
    ),
    codes=ALL_CODES,
    page="run.md",
)
@click.pass_context
def run(ctx: click.Context, /, **values: Any) -> ExitCode:
    """Start a run, wait for it to finish, judge it, and exit with the verdict.

    Prints 'test_run_id: 55676' as soon as the run is there, and then does what 'wait' does with
    it; all options of 'wait' that are not about which run is meant are options here.

    A run is never started twice. Where the answer to the start is lost, the list of runs is read
    for the run; if that does not tell, the exit code is 4, and the message says what to look for
    before you start again.
    """
    process: Process = ctx.obj
    options = arguments.run_options(values, process.machine, given(ctx), notify.unguessable)
    return run_gate(process, options)
