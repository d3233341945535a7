"""``testery-gate run``: start a run, and then do what ``wait`` does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import click

from testery_gate.cli import notify
from testery_gate.cli.arguments import NAMED_APPEARING, GateOptions, gate_options, waiting_options
from testery_gate.cli.given import Given, Values
from testery_gate.cli.option_types import ALL_CODES, Setting
from testery_gate.cli.options import ALL, STARTING, WAITING, WHICH_RUNS, given, settings
from testery_gate.cli.process import Machine, Process
from testery_gate.cli.wait import GateCommand, run_gate
from testery_gate.cli.which_runs import AUTO, commit_under_test, filled
from testery_gate.errors import ExitCode, UsageError
from testery_gate.runs.start import Start, Variable

SHARED = {
    "--git-ref": "Run the tests of this commit. auto takes the commit that this pipeline is about.",
    "--build-key": "Key of your build, by which the run can be found later; without it the gate"
    " makes one up.",
    "--environment": "Key of the environment to run in.",
}
"""Options that describe runs in other commands; here their help is about the run to start."""


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

    Prints 'test_run_id: 55676' as soon as the run exists, and then waits for it as 'wait' does.
    Takes all options of 'wait' that don't describe runs.

    A run is never started twice. If the answer to the start is lost, the gate looks for the run in
    the list of runs. If it stays unknown whether one was started, the exit code is 4, and the
    message says what to look for before you start again.
    """
    process: Process = ctx.obj
    options = run_options(values, process.machine, given(ctx), notify.unguessable)
    return run_gate(process, options)


def run_options(
    values: Values, machine: Machine, given: Given, unguessable: Callable[[], str]
) -> GateOptions:
    """Return the options of ``run``, which starts what it then waits for."""
    waiting = waiting_options(values, given, NAMED_APPEARING)

    @cache
    def start() -> Start:
        return _start(values, machine, given, unguessable)

    options = gate_options(values, machine, given, waiting, start)
    # The values of secret variables are removed from all that the API returns.
    return replace(options, connection=replace(options.connection, secrets=start().secrets))


def _start(values: Values, machine: Machine, given: Given, unguessable: Callable[[], str]) -> Start:
    """Return what is to be started; without a build key of the user's it gets a unique one."""
    for name in ("project", "environment"):
        if values[name] is None:
            raise UsageError(
                f"--{name} is missing: a run is started of a project in an environment",
                advice=f"Name it by its key, as in --{name} KEY.",
            )
    named = {
        name: None if values[name] is None else filled(name, values[name])
        for name in ("project", "environment", "git_ref", "branch", "build_key", "test_suite")
    }
    git_ref = commit_under_test(machine) if named["git_ref"] == AUTO else named["git_ref"]
    return Start(
        project=str(named["project"]),
        environment=str(named["environment"]),
        build_key=named["build_key"] or f"testery-gate-{unguessable()}",
        own_key=named["build_key"] is None,
        git_ref=git_ref,
        branch=named["branch"],
        test_suite=named["test_suite"],
        include_tags=_tags(values["include_tags"]),
        exclude_tags=_tags(values["exclude_tags"]),
        variables=tuple(
            _variable(text, number, machine, given)
            for number, text in enumerate(values["variable"], 1)
        ),
        vcs_status=not values["no_vcs_status"],
    )


def _tags(lists: Sequence[str]) -> tuple[str, ...]:
    tags = [tag.strip() for text in lists for tag in text.split(",")]
    return tuple(dict.fromkeys(filter(None, tags)))


_SECURE = "secure:"
"""The prefix of a secret variable, in upper or lower case."""


def _variable(text: str, number: int, machine: Machine, given: Given) -> Variable:
    """Read a variable; an error does not quote it, because it may be a secret."""
    text = text.lstrip()
    secret = text[: len(_SECURE)].lower() == _SECURE
    key, equals, value = text[len(_SECURE) if secret else 0 :].partition("=")
    key = key.strip()
    if key and not equals and key in machine.environment:
        value = machine.environment[key]
    elif not key or not equals:
        raise UsageError(
            f"number {number} of {given.named('variable')} has no value, and no environment"
            " variable of its name is set",
            advice="Write KEY=VALUE, or KEY alone for one that is set here; and secure: before it"
            " for a secret.",
        )
    return Variable(key=key, value=value, secret=secret)
