"""Every setting there is: its flag, section, default and help.

The same settings can be made by environment variables and in a configuration file.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping
from copy import copy
from functools import partial
from pathlib import Path
from typing import Any

import click

from testery_gate import code_hosts
from testery_gate.api.address import DEFAULT_API_URL
from testery_gate.api.credentials import CODE_HOST_VARIABLE
from testery_gate.ci import AUTO, CHOICES
from testery_gate.cli import option_types, variables
from testery_gate.cli.config_file import (
    ENVIRONMENT_PREFIX,
    ConfigFile,
    InFile,
    check_trusted,
    read_config,
)
from testery_gate.cli.given import Given
from testery_gate.cli.option_types import CONFIG_KEY, Setting
from testery_gate.cli.output import show
from testery_gate.cli.process import Process
from testery_gate.errors import UsageError
from testery_gate.judging.criteria import (
    Criterion,
    Metric,
    Operator,
    Unit,
    build_criterion,
    with_percent_sign,
)
from testery_gate.model import RunStatus
from testery_gate.reports import FORMATS

STARTING = "What is started"
WHICH_RUNS = "Which runs"
CRITERIA = "Criteria"
SINGLE_TESTS = "Single tests"
WAITING = "Waiting"
REPORTS = "Reports"
PULL_REQUESTS = "Pull requests and commits"
CONNECTION = "Connection"
CONFIGURATION = "Configuration"
LISTING = "Listing"
CHECKING = "Checking"
NOW = {"--appear-within": "0", "--outage-tolerance": "30s"}
"""The defaults of a command that shows the present state."""
TABLES = {"--output": click.Choice(["text", "json", "markdown"])}
"""The types of a command that prints a table."""
ALL = (
    *(WHICH_RUNS, CRITERIA, SINGLE_TESTS, WAITING, REPORTS, PULL_REQUESTS, CONNECTION),
    CONFIGURATION,
)


def settings(
    *sections: str,
    without: Collection[str] = (),
    also: Collection[str] = (),
    defaults: Mapping[str, str] | None = None,
    types: Mapping[str, click.ParamType] | None = None,  # type: ignore[type-arg]  # only from click 8.4 on
    helps: Mapping[str, str] | None = None,
) -> list[click.Parameter]:
    """Return a command's options in the order of the help: those of these sections.

    ``without`` names options to leave out, ``also`` single ones of other sections; ``defaults``,
    ``types`` and ``helps`` are the command's own.
    """
    found: list[click.Parameter] = []
    for setting in SETTINGS:
        flag = f"--{setting.option_name}"
        if flag in also or (setting.section in sections and flag not in without):
            own = copy(setting)
            own.default = (defaults or {}).get(flag, setting.default)
            own.type = (types or {}).get(flag, setting.type)
            own.help = (helps or {}).get(flag, setting.help)
            found.append(own)
    return found


def _short(flag: str, metric: Metric, operator: Operator, takes: str) -> Setting:
    """Return an option that stands for a criterion, and takes its value alone.

    ``takes`` is what the help calls the value; a percentage needs no sign.
    """

    def parse(text: str) -> Criterion:
        value = with_percent_sign(text) if metric.unit is Unit.PERCENT else text
        return build_criterion(metric, operator, value)

    values = "P%" if takes == "P" else takes.replace("|", " or ")
    return Setting(
        CRITERIA,
        flag,
        in_file=InFile.CRITERION,
        type=option_types.Parsed(takes, parse),
        help=f"{metric.value} {operator.value} {values}.",
    )


SHORT_CRITERIA = (
    _short("--max-failed", Metric.FAILED, Operator.AT_MOST, "N|P%"),
    _short("--min-passed", Metric.PASSED, Operator.AT_LEAST, "N|P%"),
    _short("--min-pass-rate", Metric.PASS_RATE, Operator.AT_LEAST, "P"),
    _short("--max-ignored", Metric.IGNORED, Operator.AT_MOST, "N|P%"),
    _short("--min-total", Metric.TOTAL, Operator.AT_LEAST, "N"),
    _short("--min-coverage", Metric.COVERAGE, Operator.AT_LEAST, "P"),
    _short("--max-duration", Metric.DURATION, Operator.AT_MOST, "DURATION"),
)
"""The one place to add one: the option, its help, the policy and 'explain' follow from it."""


NOTES_KEY = "testery_gate.cli.notes"


def read_configuration(ctx: click.Context, option: click.Parameter, value: Any) -> Any:
    """Make the file's settings the defaults; runs before the other options are read."""
    so_far = {**ctx.params, option.name: value}
    # It needs both options, which click reads in the order of the command line.
    if {"config", "no_config"} <= so_far.keys() and not ctx.resilient_parsing:
        _check_variables(ctx)
        _read_file(ctx, so_far["config"], no_config=so_far["no_config"])
    return value


def _check_variables(ctx: click.Context) -> None:
    process: Process = ctx.obj
    known = {name for setting in SETTINGS for name in setting.variables}
    known.add(CODE_HOST_VARIABLE)
    note = variables.check(process.machine.environment, known)
    if note:
        show(f"testery-gate: warning: {note}\n", sys.stderr)
        ctx.meta[NOTES_KEY] = (note,)


def _read_file(ctx: click.Context, path: Path | None, *, no_config: bool) -> None:
    ctx.meta[CONFIG_KEY] = None
    if no_config and path is not None:
        raise UsageError(
            f"--no-config reads no configuration file, and --config names {path}",
            advice=f"Leave one of them out; {ENVIRONMENT_PREFIX}NO_CONFIG and"
            f" {ENVIRONMENT_PREFIX}CONFIG count as well.",
        )
    if no_config:
        return
    known = {setting.option_name: setting.in_file for setting in SETTINGS}
    file = ctx.meta[CONFIG_KEY] = read_config(path, Path(), known)
    if file is not None:
        # click asks for a default only where neither a flag nor a variable decides.
        ctx.default_map = {
            parameter.name: partial(_default, ctx, file, parameter)
            for parameter in ctx.command.params
            if isinstance(parameter, Setting)
            and parameter.name
            and parameter.option_name in file.values
        }


def _default(ctx: click.Context, file: ConfigFile, parameter: Setting) -> object:
    if not ctx.params["trust_config"]:
        check_trusted(file, parameter.option_name, parameter.in_file)
    value, place = file.values[parameter.option_name], file.place(parameter.option_name)
    if parameter.multiple:
        return [str(item) for item in value] if isinstance(value, list) else [str(value)]
    if isinstance(value, list):
        raise UsageError(f"{place} gives {parameter.option_name} a list; it takes one value")
    if parameter.is_flag and not isinstance(value, bool | str):
        raise UsageError(f"{place} gives {parameter.option_name} a number; write true or false")
    if isinstance(value, bool) and not parameter.is_flag:
        truth = str(value).lower()
        raise UsageError(
            f"{place} sets {parameter.option_name} to {truth}; it needs a value, not {truth}"
        )
    # As a text, like a flag's value: click would cut a number to a whole one.
    return value if isinstance(value, bool) else str(value)


def _set_debug(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    process: Process = ctx.obj
    process.debug = process.debug or value


def given(ctx: click.Context) -> Given:
    """Return the values of the command that runs, and where they come from."""
    process: Process = ctx.obj
    environment = process.machine.environment
    own = {
        setting.name or "": setting
        for setting in ctx.command.params
        if isinstance(setting, Setting) and setting.expose_value
    }
    return Given(
        values=ctx.params,
        settings=own,
        sources={name: setting.source(ctx, environment) for name, setting in own.items()},
        notes=ctx.meta.get(NOTES_KEY, ()),
    )


_start = partial(Setting, STARTING, in_file=InFile.TRUSTED)
_which = partial(Setting, WHICH_RUNS, in_file=InFile.SELECTS)
_criteria = partial(Setting, CRITERIA, in_file=InFile.CRITERION)
_tests = partial(Setting, SINGLE_TESTS, in_file=InFile.JUDGES)
_waiting = partial(Setting, WAITING, in_file=InFile.HARMLESS)
_report = partial(Setting, REPORTS, in_file=InFile.HARMLESS)
_pull_requests = partial(Setting, PULL_REQUESTS)
_connection = partial(Setting, CONNECTION)
_configuration = partial(Setting, CONFIGURATION, in_file=InFile.NEVER)
SETTINGS = (
    _start("--project", metavar="KEY", help="Key of the project to start a run of."),
    _which(
        "--git-ref",
        metavar="REF",
        shell_complete=option_types.some("auto"),
        help="Runs of this commit or branch; a commit may be abbreviated to 7 digits. auto takes"
        " the commit that this pipeline is about.",
    ),
    _which("--build-key", metavar="KEY", help="Runs of this build."),
    _which("--environment", metavar="NAME", help="Runs in this environment."),
    _which("--project-id", metavar="ID", type=int, help="Runs of this project."),
    _which("--name", metavar="NAME", help="Runs of this name; * matches any text."),
    _which(
        "--include-tag",
        metavar="TAG",
        multiple=True,
        help="Runs that include this tag. Repeatable.",
    ),
    _which(
        "--status",
        metavar="STATUS",
        shell_complete=option_types.some(*(status.value for status in RunStatus)),
        help="Runs of this status.",
    ),
    _start("--branch", metavar="NAME", help="Run the tests of the newest commit of this branch."),
    _start("--test-suite", metavar="NAME", help="Run the tests of this test suite."),
    _start(
        "--include-tags",
        metavar="TAGS",
        multiple=True,
        help="Run the tests with these tags, with commas between them. Repeatable.",
    ),
    _start(
        "--exclude-tags",
        metavar="TAGS",
        multiple=True,
        help="Leave out the tests with these tags, with commas between them. Repeatable.",
    ),
    _start(
        "--variable",
        metavar="[secure:]KEY[=VALUE]",
        multiple=True,
        help="Variable for the tests; without =VALUE it is taken from this environment. If it"
        " begins with secure: Testery encrypts it and the gate does not show it. Other users of"
        " this machine can read the command line. Repeatable.",
    ),
    _start(
        "--no-vcs-status",
        is_flag=True,
        help="Testery sets no commit status of its own for the run.",
    ),
    _which("--latest", is_flag=True, help="The newest of all runs."),
    _which(
        "--each",
        type=click.Choice(["project", "environment", "name"]),
        multiple=True,
        help="The newest matching run of each project, environment or name, not only the newest of"
        " all. Repeatable.",
    ),
    _which("--all", "every", is_flag=True, help="All matching runs, not only the newest."),
    _which("--deploy-id", metavar="ID", type=int, help="The runs of this deploy."),
    _which(
        "--min-runs",
        in_file=InFile.CRITERION,
        metavar="N",
        type=click.IntRange(min=1),
        default=1,
        help="The fewest runs that must be there, with --each, --all or --deploy-id.",
    ),
    _which(
        "--appear-within",
        in_file=InFile.HARMLESS,
        type=option_types.APPEARANCE,
        default="auto",
        help="How long runs may take to appear; auto is 2m, or 10s for a run named by id.",
    ),
    _which(
        "--lookback",
        type=option_types.LOOKBACK,
        default="7d,1000",
        metavar="SPAN,N",
        help="How far back to search: the greatest age and number of runs; either may be left out.",
    ),
    _which(
        "--no-follow",
        is_flag=True,
        help="Keep the runs that were found first, even if newer ones appear or one is canceled.",
    ),
    Setting(
        LISTING,
        "--limit",
        in_file=InFile.HARMLESS,
        metavar="N",
        type=click.IntRange(min=1),
        default=20,
        help="The most runs to list.",
    ),
    Setting(
        CHECKING,
        "--step-timeout",
        in_file=InFile.HARMLESS,
        type=option_types.DURATION,
        default="10s",
        help="How long a single step may take.",
    ),
    _criteria(
        "--require",
        type=option_types.CRITERION,
        multiple=True,
        help="What must hold: METRIC OP VALUE, such as 'failed <= 5%'. Repeatable.",
    ),
    _criteria(
        "--warn",
        type=option_types.CRITERION,
        multiple=True,
        help="Like --require, but only warns. Repeatable.",
    ),
    *SHORT_CRITERIA,
    _criteria(
        "--trust-status",
        in_file=InFile.LOOSENS,
        is_flag=True,
        help="Accept failed tests in a run that Testery calls PASS (quarantined, or retried).",
    ),
    _criteria(
        "--expect",
        type=option_types.EXPECTATION,
        multiple=True,
        help="The run must be about this build; FIELD is git-ref, build-key, environment,"
        " project-id or name. Repeatable.",
    ),
    _criteria(
        "--max-age",
        type=option_types.SPAN,
        metavar="SPAN",
        help="The run must have finished within this time, such as 24h or 7d.",
    ),
    _criteria(
        "--only-new",
        in_file=InFile.LOOSENS,
        is_flag=True,
        help="Only new failures count; the same as --require 'new_failed <= 0'.",
    ),
    _tests(
        "--baseline",
        metavar="previous|RUN|FILE",
        type=option_types.BASELINE,
        shell_complete=option_types.baselines,
        help="The run whose failures are known: the previous run of the same project, environment"
        " and name, a run's id or address, or a JSON or JUnit report that the gate wrote. previous"
        " is the default if a criterion or an option needs one.",
    ),
    _tests(
        "--baseline-ref",
        blank_counts=True,
        metavar="REF",
        help="Only runs of this branch or commit, such as main, make a failure known or flaky.",
    ),
    _tests(
        "--no-baseline",
        type=click.Choice(["new", "inconclusive"]),
        default="new",
        help="If there is no run to compare with: every failure is new, or the gate ends with 5.",
    ),
    _tests(
        "--history",
        in_file=InFile.LOOSENS,
        metavar="N",
        type=click.IntRange(0, 200),
        help="How many earlier runs of the same kind to read for flaky tests. An html report shows"
        " that many of them, or 20 if this is not set; 0 is none.",
    ),
    _tests(
        "--quarantine",
        metavar="FILE",
        shell_complete=option_types.any_file,
        help="File of tests that may fail for some time, each with a reason, an owner and a last"
        " day.",
    ),
    _tests(
        "--quarantine-ref",
        blank_counts=True,
        metavar="REF",
        help="Read that file as it is at this commit or branch, where the change under test can't"
        " change it.",
    ),
    _tests(
        "--quarantine-days",
        metavar="N",
        type=click.IntRange(1, 3650),
        default=90,
        help="The most days ahead that an entry of that file may end.",
    ),
    _tests(
        "--cache",
        in_file=InFile.TRUSTED,
        metavar="FILE|none",
        shell_complete=option_types.any_file,
        help="The SQLite file that keeps the tests of earlier runs between invocations; without it,"
        " testery-gate/results.sqlite in your cache folder.",
    ),
    _waiting(
        "--timeout",
        type=option_types.DURATION,
        default="60m",
        help="How long to wait for the runs to finish; 0 polls once.",
    ),
    _waiting(
        "--interval",
        type=option_types.INTERVAL,
        default="auto",
        help="The time between two polls; auto adapts to the run.",
    ),
    _waiting(
        "--outage-tolerance",
        type=option_types.DURATION,
        default="5m",
        help="How long the gate goes on without a usable answer from the API.",
    ),
    _waiting(
        "--fail-fast",
        is_flag=True,
        help="Stop as soon as a deciding criterion can no longer hold.",
    ),
    _waiting(
        "--cancel-on-interrupt",
        in_file=InFile.TRUSTED,
        is_flag=True,
        help="If a signal stops the gate, cancel the runs in Testery that have not finished.",
    ),
    _waiting(
        "--cancel-when-decided",
        in_file=InFile.TRUSTED,
        is_flag=True,
        help="With --fail-fast: cancel a run in Testery that can't pass any more.",
    ),
    _report(
        "--junit-xml",
        in_file=InFile.WRITES,
        metavar="PATH",
        shell_complete=option_types.any_file,
        help="Write JUnit XML; the same as --report.",
    ),
    _report(
        "--report",
        in_file=InFile.WRITES,
        metavar="[FORMAT=]PATH",
        multiple=True,
        shell_complete=option_types.assigned_files(FORMATS),
        help="Write a report: junit, json, dotenv, markdown, html or sonar; PATH - is standard"
        " output. A path that ends with .xml (junit), .json, .env, .md or .html needs no FORMAT."
        " Repeatable.",
    ),
    _report(
        "--junit-scope",
        type=click.Choice(["all", "gate", "tests"]),
        default="all",
        help="What JUnit XML contains: the gate's checks, the run's tests, or all of them.",
    ),
    _report(
        "--junit-tolerated",
        type=click.Choice(["failure", "skipped"]),
        default="failure",
        help="What JUnit XML calls a failed test in a run that passed; with failure, Jenkins makes"
        " the build unstable.",
    ),
    _report(
        "--markdown-limit",
        metavar="BYTES",
        type=click.IntRange(min=1000),
        default=1_000_000,
        help="The largest size of a markdown report; 65536 fits a GitHub comment.",
    ),
    _report(
        "--html-limit",
        metavar="BYTES",
        type=click.IntRange(min=100_000),
        default=5_000_000,
        help="The largest size of an html report.",
    ),
    _report(
        "--no-test-results",
        is_flag=True,
        help="Leave individual tests out of the reports.",
    ),
    _report(
        "--output",
        type=click.Choice(["text", "json"]),
        default="text",
        help="What to print on standard output at the end.",
    ),
    _report(
        "--ci",
        in_file=InFile.TRUSTED,
        type=click.Choice(CHOICES),
        default=AUTO,
        help="The CI system that shows the verdict, in its own way (docs/ci.md).",
    ),
    _report(
        "--failures",
        metavar="N",
        type=click.IntRange(1, 1000),
        default=10,
        help="How many failing tests of a run are listed at the end of the log.",
    ),
    _report("--quiet", "-q", is_flag=True, help="Print problems and the verdict only."),
    _report("--verbose", "-v", is_flag=True, help="Print a line for every poll."),
    _pull_requests(
        "--comment",
        type=click.Choice([mode.value for mode in code_hosts.Mode]),
        default=code_hosts.Mode.NEVER.value,
        help="When to write one comment on the pull request and update it: failed writes it for any"
        " verdict but passed, changed updates it only if the outcome is another.",
    ),
    _pull_requests(
        "--comment-key",
        metavar="TEXT",
        help="The key that tells the comments of several gates apart; without it, the names of"
        " pipeline and job.",
    ),
    _pull_requests(
        "--commit-status",
        is_flag=True,
        help="Set a status of the commit: pending during the wait, then the outcome.",
    ),
    _pull_requests(
        "--status-context",
        metavar="TEXT",
        help="The name of that status; without it, testery-gate with the names of pipeline and"
        " job.",
    ),
    _pull_requests(
        "--code-host",
        type=click.Choice(code_hosts.CHOICES),
        default=code_hosts.AUTO,
        help="The system that hosts the code; auto takes that of the CI system"
        " (docs/pull-requests.md).",
    ),
    _pull_requests(
        "--code-host-token-file",
        metavar="FILE",
        shell_complete=option_types.any_file,
        help=f"File that holds the token for it. Without it: {CODE_HOST_VARIABLE}.",
    ),
    _connection(
        "--api-url",
        metavar="URL",
        default=DEFAULT_API_URL,
        envvar="TESTERY_API_URL",
        help="The API's base address.",
    ),
    _connection(
        "--token-file",
        metavar="FILE",
        shell_complete=option_types.any_file,
        help="File that holds the API token; - is standard input. Without it: TESTERY_API_TOKEN,"
        " TESTERY_TOKEN, then ~/.testery/credentials.",
    ),
    _connection(
        "--profile",
        default="default",
        help="Section of ~/.testery/credentials.",
    ),
    _connection(
        "--token",
        in_file=InFile.NEVER,
        help="The API token itself. Other users of this machine can read it in the process list;"
        " prefer TESTERY_API_TOKEN or --token-file.",
    ),
    _configuration(
        "--config",
        type=click.Path(path_type=Path),
        is_eager=True,
        callback=read_configuration,
        help="Configuration file, instead of testery-gate.toml or pyproject.toml here.",
    ),
    _configuration(
        "--no-config",
        is_flag=True,
        is_eager=True,
        callback=read_configuration,
        help="Read no configuration file; only flags and variables count.",
    ),
    _configuration(
        "--trust-config",
        is_flag=True,
        is_eager=True,
        help="Let the configuration file set nearly everything; only if the change under test can't"
        " change the file.",
    ),
    _configuration(
        "--debug",
        is_flag=True,
        is_eager=True,
        callback=_set_debug,
        expose_value=False,
        help="Show a traceback for a defect in testery-gate.",
    ),
)
"""Those of all commands."""
