"""Every setting there is: its flag, section, default and help.

The same settings can be made by environment variables and in a configuration file.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import click

from testery_gate.api.address import DEFAULT_API_URL
from testery_gate.ci import AUTO, CHOICES, System
from testery_gate.cli import options
from testery_gate.cli.config_file import ConfigFile, check_trusted, read_config
from testery_gate.cli.options import Setting
from testery_gate.errors import UsageError
from testery_gate.model import RunStatus
from testery_gate.waiting.signals import Interrupts

WHICH_RUNS = "Which runs"
CRITERIA = "Criteria"
WAITING = "Waiting"
REPORTS = "Reports"
CONNECTION = "Connection"
CONFIGURATION = "Configuration"
LISTING = "Listing"
CHECKING = "Checking"
ALL = (WHICH_RUNS, CRITERIA, WAITING, REPORTS, CONNECTION, CONFIGURATION)

_Command = Callable[..., Any]


@dataclass(slots=True)
class Process:
    """What outlives a command: whether to show tracebacks, which signal came, whom to tell."""

    interrupts: Interrupts
    debug: bool = False
    ci: System | None = None


def settings(
    *sections: str,
    without: Collection[str] = (),
    also: Collection[str] = (),
    defaults: Mapping[str, str] | None = None,
) -> Callable[[_Command], _Command]:
    """Return the decorator that gives a :class:`SectionedCommand` the options of these sections.

    They come in the order of the help, and are made when the command first needs them.
    ``without`` names options to leave out, ``also`` single ones of other sections, and
    ``defaults`` are the command's own.
    """

    def made() -> Sequence[Setting]:
        return [
            option.made(defaults or {})
            for option in _options()
            if option.name in also or (option.section in sections and option.name not in without)
        ]

    def decorate(command: _Command) -> _Command:
        command.settings = made  # type: ignore[attr-defined]
        return command

    return decorate


@dataclass(frozen=True, slots=True, kw_only=True)
class _Declared:
    section: str
    names: tuple[str, ...]
    attributes: Mapping[str, Any]

    @property
    def name(self) -> str:
        return self.names[0]

    def made(self, defaults: Mapping[str, str]) -> Setting:
        """Return the option as a command has it that has defaults of its own."""
        attributes = dict(self.attributes)
        if self.name in defaults:
            attributes["default"] = defaults[self.name]
        return Setting(self.names, section=self.section, **attributes)


def _options() -> Sequence[_Declared]:
    """Declare every setting there is."""

    def setting(section: str, *names: str, **attributes: Any) -> None:
        declared.append(_Declared(section=section, names=names, attributes=attributes))

    declared: list[_Declared] = []
    which = WHICH_RUNS
    setting(
        which,
        "--git-ref",
        metavar="REF",
        shell_complete=options.some("auto"),
        help="Runs of this commit or branch; a commit may be abbreviated to 7 digits. auto takes"
        " the commit that this pipeline is about.",
    )
    setting(which, "--build-key", metavar="KEY", help="Runs of this build.")
    setting(which, "--environment", metavar="NAME", help="Runs in this environment.")
    setting(which, "--project-id", metavar="ID", type=int, help="Runs of this project.")
    setting(which, "--name", metavar="NAME", help="Runs of this name; * is anything.")
    setting(
        which,
        "--include-tag",
        metavar="TAG",
        multiple=True,
        help="Runs that include this tag. Repeatable.",
    )
    setting(
        which,
        "--status",
        metavar="STATUS",
        shell_complete=options.some(*(status.value for status in RunStatus)),
        help="Runs of this status.",
    )
    setting(which, "--latest", is_flag=True, help="Any run: the newest there is.")
    setting(
        which,
        "--each",
        type=click.Choice(["project", "environment", "name"]),
        multiple=True,
        help="Of the runs that match, the newest of each, not of all. Repeatable.",
    )
    setting(which, "--all", "every", is_flag=True, help="All runs that match, not only the newest.")
    setting(which, "--deploy-id", metavar="ID", type=int, help="The runs of this deploy.")
    setting(
        which,
        "--appear-within",
        type=options.DURATION,
        default="2m",
        show_default=True,
        help="How long to wait for a run to appear.",
    )
    setting(
        which,
        "--lookback",
        type=options.LOOKBACK,
        default="7d,1000",
        show_default=True,
        metavar="SPAN,N",
        help="How far back to look: to runs of this age, and at most so many;"
        " either may be left out.",
    )
    setting(
        which,
        "--no-follow",
        is_flag=True,
        help="Stay with a run that was canceled, instead of following the newer one.",
    )
    setting(
        LISTING,
        "--limit",
        metavar="N",
        type=click.IntRange(min=1),
        default=20,
        show_default=True,
        help="How many runs to list at most.",
    )
    setting(
        CHECKING,
        "--step-timeout",
        type=options.DURATION,
        default="10s",
        show_default=True,
        help="How long a single step may take.",
    )
    criteria = CRITERIA
    setting(
        criteria,
        "--require",
        type=options.CRITERION,
        multiple=True,
        help="What must hold: METRIC OP VALUE, such as 'failed <= 5%'. Repeatable.",
    )
    setting(
        criteria,
        "--warn",
        type=options.CRITERION,
        multiple=True,
        help="The same, reported but never deciding. Repeatable.",
    )
    setting(criteria, "--max-failed", type=options.MAX_FAILED, help="failed <= N or P%.")
    setting(criteria, "--min-passed", type=options.MIN_PASSED, help="passed >= N or P%.")
    setting(criteria, "--min-pass-rate", type=options.MIN_PASS_RATE, help="pass_rate >= P%.")
    setting(criteria, "--max-ignored", type=options.MAX_IGNORED, help="ignored <= N or P%.")
    setting(criteria, "--min-total", type=options.MIN_TOTAL, help="total >= N.")
    setting(criteria, "--min-coverage", type=options.MIN_COVERAGE, help="coverage >= P%.")
    setting(criteria, "--max-duration", type=options.MAX_DURATION, help="duration <= DURATION.")
    setting(
        criteria,
        "--trust-status",
        is_flag=True,
        help="Accept failed tests in a run that Testery calls PASS (quarantined, or retried).",
    )
    setting(
        criteria,
        "--expect",
        type=options.EXPECTATION,
        multiple=True,
        help="The run must be about this build; FIELD is git-ref, build-key, environment,"
        " project-id or name. Repeatable.",
    )
    setting(
        criteria,
        "--max-age",
        type=options.SPAN,
        metavar="SPAN",
        help="The run must have finished within this time, such as 24h or 7d.",
    )
    waiting = WAITING
    setting(
        waiting,
        "--timeout",
        type=options.DURATION,
        default="60m",
        show_default=True,
        help="How long to wait for the runs to finish; 0 looks once.",
    )
    setting(
        waiting,
        "--interval",
        type=options.INTERVAL,
        default="auto",
        show_default=True,
        help="Seconds between two looks; auto adapts to the run.",
    )
    setting(
        waiting,
        "--outage-tolerance",
        type=options.DURATION,
        default="5m",
        show_default=True,
        help="How long the API may give no usable answer before the gate gives up.",
    )
    setting(
        waiting,
        "--fail-fast",
        is_flag=True,
        help="Stop as soon as a deciding criterion can no longer hold.",
    )
    report = REPORTS
    setting(
        report,
        "--junit-xml",
        metavar="PATH",
        shell_complete=options.any_file,
        help="Write JUnit XML; the same as --report.",
    )
    setting(
        report,
        "--report",
        metavar="FORMAT=PATH",
        multiple=True,
        shell_complete=options.assigned_files(_formats),
        help="Write a report: junit, json, dotenv, markdown, html or sonar; PATH - is standard"
        " output. Repeatable.",
    )
    setting(
        report,
        "--junit-scope",
        type=click.Choice(["all", "gate", "tests"]),
        default="all",
        show_default=True,
        help="What JUnit XML holds: the gate's checks, the run's tests, or all of them.",
    )
    setting(
        report,
        "--junit-tolerated",
        type=click.Choice(["failure", "skipped"]),
        default="failure",
        show_default=True,
        help="What JUnit XML calls a failed test in a run that passed; with failure Jenkins makes"
        " the build unstable.",
    )
    setting(
        report,
        "--markdown-limit",
        metavar="BYTES",
        type=click.IntRange(min=1000),
        default=1_000_000,
        show_default=True,
        help="The largest size of a markdown report; 65536 fits a comment.",
    )
    setting(
        report,
        "--html-limit",
        metavar="BYTES",
        type=click.IntRange(min=100_000),
        default=5_000_000,
        show_default=True,
        help="The largest size of an html report.",
    )
    setting(
        report,
        "--history",
        metavar="N",
        type=click.IntRange(0, 200),
        default=20,
        show_default=True,
        help="How many comparable runs an html report shows, this one among them; 0 is none.",
    )
    setting(
        report,
        "--no-test-results",
        is_flag=True,
        help="Leave the single tests out of the reports.",
    )
    setting(
        report,
        "--output",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        help="What to print on standard output at the end.",
    )
    setting(
        report,
        "--ci",
        type=click.Choice(CHOICES),
        default=AUTO,
        show_default=True,
        help="The CI system to show the verdict in, in its own way (docs/ci.md).",
    )
    setting(report, "--quiet", "-q", is_flag=True, help="Print problems and the verdict only.")
    setting(report, "--verbose", "-v", is_flag=True, help="Print a line for every look.")
    connection = CONNECTION
    setting(
        connection,
        "--api-url",
        metavar="URL",
        default=DEFAULT_API_URL,
        show_default=True,
        envvar="TESTERY_API_URL",
        help="The API's base address.",
    )
    setting(
        connection,
        "--token-file",
        metavar="FILE",
        shell_complete=options.any_file,
        help="File that holds the API token; - is standard input. Without it: TESTERY_API_TOKEN,"
        " TESTERY_TOKEN, then ~/.testery/credentials.",
    )
    setting(
        connection,
        "--profile",
        default="default",
        show_default=True,
        help="Section of ~/.testery/credentials.",
    )
    setting(
        connection,
        "--token",
        help="The API token itself. Other users of this machine can read it in the process list;"
        " prefer TESTERY_API_TOKEN or --token-file.",
    )
    setting(
        CONFIGURATION,
        "--config",
        type=click.Path(path_type=Path),
        is_eager=True,
        callback=read_configuration,
        help="Configuration file, instead of testery-gate.toml or pyproject.toml here.",
    )
    setting(
        CONFIGURATION,
        "--trust-config",
        is_flag=True,
        is_eager=True,
        help="Let the configuration file set api-url, token-file, profile and reports outside the"
        " working directory too.",
    )
    setting(
        CONFIGURATION,
        "--debug",
        is_flag=True,
        is_eager=True,
        callback=_set_debug,
        expose_value=False,
        help="Show a traceback for a defect in testery-gate.",
    )
    return declared


def _formats() -> Iterable[str]:
    from testery_gate.reports import FORMATS

    return FORMATS


CONFIG_KEY = "testery_gate.cli.config_file"


def read_configuration(ctx: click.Context, _: click.Parameter, value: Path | None) -> Path | None:
    """Make the file's settings the defaults; runs before the other options are read."""
    if ctx.resilient_parsing:  # nothing but what could be typed is asked for, by a shell
        return value
    known = {declared.name.removeprefix("--") for declared in _options()}
    file = read_config(value, Path(), known)
    ctx.meta[CONFIG_KEY] = file
    if file is not None:
        # click asks for a default only where neither a flag nor a variable decides.
        ctx.default_map = {
            parameter.name: partial(_default, ctx, file, parameter)
            for parameter in ctx.command.params
            if isinstance(parameter, Setting)
            and parameter.name
            and parameter.option_name in file.values
        }
    return value


def _default(ctx: click.Context, file: ConfigFile, parameter: Setting) -> object:
    if not ctx.params["trust_config"]:
        check_trusted(file, parameter.option_name)
    value = file.values[parameter.option_name]
    if parameter.multiple:
        return [str(item) for item in value] if isinstance(value, list) else [str(value)]
    if isinstance(value, list):
        raise UsageError(f"{file.path} gives {parameter.option_name} a list; it takes one value")
    if parameter.is_flag and not isinstance(value, bool | str):
        raise UsageError(f"{file.path} gives {parameter.option_name} a number; write true or false")
    if isinstance(value, bool) and not parameter.is_flag:
        truth = str(value).lower()
        raise UsageError(
            f"{file.path} sets {parameter.option_name} to {truth}; a value is due, not {truth}"
        )
    # As a flag would say it: a number is not cut to a whole one.
    return value if isinstance(value, bool) else str(value)


def _set_debug(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    process: Process = ctx.obj
    process.debug = process.debug or value
