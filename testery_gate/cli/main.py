"""The command line: options become objects, objects become an exit code."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from fractions import Fraction
from functools import partial
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, TypedDict

import click

from testery_gate import ci
from testery_gate.api.address import check_api_url
from testery_gate.api.credentials import without_token
from testery_gate.ci.inert import OutputLost, guarded, unguarded
from testery_gate.cli import arguments, front_page
from testery_gate.cli.options import SectionedCommand, Setting, any_file, suggestions
from testery_gate.cli.settings import (
    ALL,
    CHECKING,
    CONFIG_KEY,
    CONFIGURATION,
    CONNECTION,
    LISTING,
    WHICH_RUNS,
    Process,
    settings,
)
from testery_gate.errors import ExitCode, GateError, Interrupted, ReportLost, UsageError
from testery_gate.text import clean_text
from testery_gate.waiting.signals import Interrupts

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from testery_gate.api.client import Limits, TesteryClient
    from testery_gate.reports.ending import Ending

# Modules that take longer to import than --help takes as a whole (requests, tenacity, the report
# formats, the simulator) are imported by the functions that need them.


class Root(click.Group):
    """The command group; its help is the front page."""

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the front page."""
        formatter.write(front_page.render(shutil.get_terminal_size().columns))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem[str]]:
        """Suggest commands, with what the front page says of them."""
        items = super().shell_complete(ctx, incomplete)
        for item in items:
            item.help = front_page.COMMANDS.get(item.value, item.help)
        return items


@click.group(
    cls=Root,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "max_content_width": front_page.WIDEST,
    },
)
@click.version_option(front_page.VERSION, message="%(version)s")
def cli() -> None:
    """See the front page."""


class Gate(SectionedCommand):
    """A command that passes or not; the CI system is told, even of a wrong option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Find out which CI system it is as well."""
        process: Process = ctx.obj
        try:
            return super().parse_args(ctx, args)
        finally:
            process.ci = ci.chosen(ctx.params.get("ci") or ci.AUTO, os.environ)
            process.debug = process.debug or ci.wants_debug(process.ci, os.environ)


_runs = click.argument("runs", metavar="[RUN...]", nargs=-1)


@cli.command(cls=Gate)
@_runs
@settings(*ALL)
@click.pass_obj
def wait(process: Process, /, runs: tuple[str, ...], **values: Any) -> ExitCode:
    """Wait for runs to finish, judge them, and exit with the verdict.

    RUN is a run's id, such as 55676, or its address, such as
    https://testery.app/acme/test-runs/55676; - reads ids, addresses or what 'testery
    create-test-run' prints from standard input. Several runs are waited for together.

    Instead of naming runs, describe them: --git-ref, --environment and the like are combined, and
    the newest run that meets them all is taken.

    Every option can also be set by an environment variable, TESTERY_GATE_ and its name in
    capitals (TESTERY_GATE_MAX_FAILED), one value a line where it may be repeated, or in
    testery-gate.toml, or in pyproject.toml under [tool.testery-gate].
    """
    return _run_gate(process, runs, **values)


_NOW = {"--appear-within": "0", "--outage-tolerance": "30s"}


@cli.command(cls=Gate)
@_runs
@settings(*ALL, without=("--timeout", "--interval", "--fail-fast", "--no-follow"), defaults=_NOW)
@click.pass_obj
def check(process: Process, /, runs: tuple[str, ...], **values: Any) -> ExitCode:
    """Judge what is there now, without waiting: the check before a deploy.

    Takes the runs and options of 'wait'. A run that has not finished ends with exit code 124, and
    with --max-age one that finished too long ago with 5. --appear-within is how long a run may
    take to be there and finished.
    """
    return _run_gate(
        process,
        runs,
        **values,
        timeout=values["appear_within"],
        interval=None,
        fail_fast=False,
        no_follow=False,
        patience=values["outage_tolerance"],
    )


@cli.command("list", cls=SectionedCommand)
@settings(
    *(WHICH_RUNS, LISTING, CONNECTION, CONFIGURATION),
    without=("--appear-within", "--no-follow"),
    also=("--outage-tolerance", "--output"),
    defaults=_NOW,
)
def list_runs(*, api_url: str, outage_tolerance: Fraction, output: str, **values: Any) -> None:
    """List recent runs, the newest first.

    All runs that the options describe are listed, up to --limit; with --each the newest of each
    group, with --latest the newest of all.
    """
    from testery_gate.api import client as api
    from testery_gate.runs import finding
    from testery_gate.waiting.deadline import Deadline, utc_now

    query = arguments.listed(**values)
    base_url = check_api_url(api_url)
    limits = api.Limits(
        deadline=Deadline.after(float(outage_tolerance)),
        outage_tolerance=float(outage_tolerance),
        grace=api.ONLY_LOOK_SECONDS,
    )
    client = _client(
        base_url,
        arguments.token(**values).value,
        limits,
        say=lambda line: _print(f"testery-gate: {line}\n", sys.stderr),
    )
    runs = finding.find_runs(
        query, client, appear_by=Deadline.after(0), sleep=time.sleep, say=lambda _: None
    )
    if output == "json":
        from testery_gate.reports.json_report import render_runs

        text = render_runs(runs)
    else:
        from testery_gate.cli import run_table

        text = run_table.render(
            runs, now=utc_now(), width=_terminal_width(), **_abilities(sys.stdout)
        )
    _hand_over(text, "the list")


@cli.command(cls=SectionedCommand)
@settings(CHECKING, CONNECTION, CONFIGURATION, also=("--output",))
def doctor(*, api_url: str, step_timeout: Fraction, output: str, **values: Any) -> ExitCode:
    """Check each step on the way to the API, and say what to do where one fails.

    Resolves, connects, checks certificates, clocks, the token and the endpoints, one line each.
    Exits with 0 where nothing but warnings came up, with 2 for a wrong setting or no token, with 3
    for a token that is refused, and with 4 for an API that can't be reached.
    """
    from testery_gate.doctor import examine, overall, rendering
    from testery_gate.doctor.checks import Patient, checks_of

    patient = Patient(
        api_url=api_url,
        source=_set_by("api_url"),
        find_token=lambda: arguments.token(**values),
        timeout=float(step_timeout),
    )
    style = rendering.Style(width=_terminal_width(), **_abilities(sys.stdout))
    findings = []
    for finding in examine(checks_of(patient), patient.timeout):
        findings.append(finding)
        if output == "text":
            _print(rendering.line(finding, style), sys.stdout)
    text = rendering.conclusion(findings) if output == "text" else rendering.render_json(findings)
    code = overall(findings)
    try:
        _hand_over(text, "the findings")
    except ReportLost:
        if code is ExitCode.PASSED:
            raise
    return code


def _run_gate(
    process: Process,
    runs: Sequence[str],
    *,
    api_url: str,
    timeout: Fraction,
    interval: Fraction | None,
    outage_tolerance: Fraction,
    appear_within: Fraction,
    no_follow: bool,
    fail_fast: bool,
    no_test_results: bool,
    history: int,
    quiet: bool,
    verbose: bool,
    patience: Fraction = Fraction(0),
    **values: Any,
) -> ExitCode:
    """Find, wait for and judge the runs; ``patience`` is for an API that fails at the deadline."""
    from testery_gate import gate, progress
    from testery_gate.api import client as api
    from testery_gate.reports import summary, with_options
    from testery_gate.reports.ending import overall
    from testery_gate.reports.files import check_writable, publish
    from testery_gate.waiting import interval as pace
    from testery_gate.waiting.deadline import Deadline

    target = arguments.target(runs, _source_of, **values)
    policy = arguments.policy(**values)
    reports = arguments.reports(**values)
    base_url = check_api_url(api_url)
    secret = arguments.token(**values).value
    ci.mask(process.ci, secret, _commands(sys.stderr))
    for report in reports:
        if report.path != "-":
            check_writable(report.path)

    deadline = Deadline.after(float(timeout))
    limits = api.Limits(
        deadline=Deadline.after(float(timeout + patience)),
        outage_tolerance=float(outage_tolerance),
        grace=api.LAST_LOOK_SECONDS if timeout else api.ONLY_LOOK_SECONDS,
    )
    live = progress.moves_cursor(sys.stderr, os.environ)
    verbose = verbose or ci.wants_debug(process.ci, os.environ)
    with (
        ci.section(
            None if quiet else process.ci,
            "Waiting for Testery",
            _commands(sys.stderr),
            clock=time.time,
            random=_random,
        ),
        progress.display(sys.stderr, live=live, quiet=quiet, verbose=verbose) as display,
    ):
        sleep = process.interrupts.sleep
        client = _client(base_url, secret, limits, sleep=sleep, say=display.say)
        effects = gate.Effects(sleep=sleep, update=display.update, say=display.say)
        waiting = gate.Waiting(
            deadline=deadline,
            poll_interval=pace.adaptive if interval is None else pace.fixed(float(interval)),
            appear_by=Deadline.after(min(float(appear_within), float(timeout))),
            follow=not no_follow,
            fail_fast=fail_fast,
            with_results=not no_test_results,
            comparable=history if any(report.format == "html" for report in reports) else 0,
        )
        judged = gate.Gate(policy, client, effects, waiting).judge(target)
        process.interrupts.hold()
    formats = with_options(
        markdown_limit=values["markdown_limit"],
        html_limit=values["html_limit"],
        junit_scope=values["junit_scope"],
        junit_tolerated=values["junit_tolerated"],
    )
    code = publish(judged, reports, sys.stdout, _complain, formats)
    taken = any(report.path == "-" for report in reports)
    stream = sys.stderr if taken else sys.stdout
    # A signal that came while nothing could be stopped any more is the process's end all the same.
    received = process.interrupts.received
    code = code if received is None else received.exit_code
    paths = {report.format: report.path for report in reversed(reports) if report.path != "-"}
    _tell(process, overall(judged, code, paths), stream)
    text = summary.render(
        judged,
        width=shutil.get_terminal_size().columns,
        brief=quiet,
        exit_code=code,
        **_abilities(stream),
    )
    _print(text, stream)
    return code


class _Abilities(TypedDict):
    color: bool
    unicode: bool


def _abilities(stream: TextIO) -> _Abilities:
    """Tell what a stream can show."""
    from testery_gate.progress import speaks_unicode

    return {
        "color": stream.isatty() and not os.environ.get("NO_COLOR"),
        "unicode": speaks_unicode(stream, os.environ),
    }


def _terminal_width() -> int | None:
    """Return how wide lines may be on standard output; ``None`` where they may have any width."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def _client(
    base_url: str,
    secret: str,
    limits: Limits,
    *,
    sleep: Callable[[float], None] = time.sleep,
    say: Callable[[str], None],
) -> TesteryClient:
    from testery_gate.api import client as api
    from testery_gate.api.connection import find_route
    from testery_gate.api.transport import Transport

    return api.TesteryClient(
        Transport(find_route(base_url), secret),
        limits,
        sleep=sleep,
        on_retry=lambda retry: say(str(retry)),
    )


def _source_of(name: str) -> str:
    """Name an option of the command that runs, and what set it."""
    option, source = f"--{_setting_here(name).option_name}", _set_by(name)
    return option if source == f"flag {option}" else f"{option} ({source})"


def _set_by(name: str) -> str:
    ctx = click.get_current_context()
    return _setting_here(name).source(ctx, ctx.meta[CONFIG_KEY])


def _setting_here(name: str) -> Setting:
    params = click.get_current_context().command.params
    (found,) = (param for param in params if isinstance(param, Setting) and param.name == name)
    return found


def _hand_over(text: str, what: str) -> None:
    """Print what was asked for; raises :class:`ReportLost`."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except (OSError, ValueError) as error:
        raise ReportLost(f"standard output can't take {what}: {error}") from None


def _print(text: str, stream: TextIO) -> None:
    """Print what a person may read; a reader who went away changes no exit code."""
    try:
        stream.write(text)
        stream.flush()
    except (OSError, ValueError):
        return


def _commands(stream: TextIO) -> Callable[[str], None]:
    """Return what prints lines that a CI system is meant to obey."""
    return lambda text: _print(text, unguarded(stream))


def _random() -> str:
    import secrets

    return secrets.token_hex(8)


def _tell(process: Process, ending: Ending, stream: TextIO) -> None:
    """Tell the CI system how the gate ended, which changes nothing about that."""

    def warn(message: str) -> None:
        _print(f"testery-gate: warning: {message}\n", sys.stderr)

    effects = ci.Effects(
        environment=os.environ,
        command=_commands(stream),
        warn=warn,
        random=_random,
        run=partial(ci.run_program, environment=without_token(os.environ)),
    )
    process.interrupts.hold()
    try:
        ci.tell(process.ci, ending, effects)
    except Exception as error:  # noqa: BLE001  (a defect here must not change the exit code)
        if process.debug:
            _print(traceback.format_exc(), sys.stderr)
        warn(f"the CI system could not be told: {type(error).__name__}: {error}")


def _tell_without_verdict(process: Process, code: ExitCode, reason: str, advice: str = "") -> int:
    """Tell the CI system what kept the gate from a verdict, and return the exit code."""
    if process.ci is not None:
        from testery_gate.reports.ending import Ending

        ending = Ending(exit_code=code, reason=reason, advice=advice)
        _tell(process, ending, sys.stderr)
    return int(code)


def _complain(error: GateError) -> None:
    lines = [f"testery-gate: {error.message}", *([error.advice] if error.advice else [])]
    # A message may quote a file that anybody could change.
    _print(clean_text("\n".join(lines) + "\n"), sys.stderr)


@cli.command(cls=SectionedCommand)
@_runs
@settings(*ALL)
@click.pass_context
def explain(ctx: click.Context, /, runs: tuple[str, ...], **values: Any) -> None:
    """Show the settings in effect and where each comes from; contacts nothing.

    Takes the runs and options of 'wait'. The token is never shown, only where it would come from.
    """
    from testery_gate.cli.explain import render

    policy = arguments.policy(**values)
    arguments.reports(**values)
    check_api_url(values["api_url"])
    if runs:
        click.echo(f"Runs: {', '.join(runs)}\n")
    source = arguments.token_source(**values)
    click.echo(clean_text(render(ctx, ctx.meta[CONFIG_KEY], policy, source)), nl=False)


@cli.command()
@click.argument("shell", type=click.Choice(["bash", "fish", "zsh"]))
def completion(shell: str) -> None:
    """Print the script that completes this command in a shell (docs/terminal.md).

    \b
    bash: testery-gate completion bash \\
            >~/.local/share/bash-completion/completions/testery-gate
    fish: testery-gate completion fish >~/.config/fish/completions/testery-gate.fish
    zsh:  testery-gate completion zsh >~/.zfunc/_testery-gate
    """
    from testery_gate.cli.completion import SCRIPTS

    _hand_over(SCRIPTS[shell], "the script")


_COMPLETE = "_TESTERY_GATE_COMPLETE"
"""The variable by which a completion script asks."""


def _suggest_scenarios(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem[str]]:
    from testery_gate import simulator

    return [
        *suggestions(simulator.scenarios(), incomplete),
        *any_file(ctx, param, incomplete),
    ]


@cli.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8099,
    show_default=True,
    help="Port on 127.0.0.1; 0 takes a free one.",
)
@click.option(
    "--scenario",
    default="documented",
    show_default=True,
    metavar="NAME|FILE",
    shell_complete=_suggest_scenarios,
    help="What to play; --list names the built-in ones.",
)
@click.option(
    "--speed",
    type=click.FloatRange(min=0, min_open=True, max=1_000_000),
    default=1.0,
    show_default=True,
    help="How many times as fast as in real time.",
)
@click.option(
    "--token",
    default="simulator-token",
    show_default=True,
    help="The token to accept; any other is refused as the API does.",
)
@click.option("--list", "listing", is_flag=True, help="List the built-in scenarios and exit.")
@click.option("--quiet", "-q", is_flag=True, help="Don't print a line for every request.")
def simulate(
    port: int, scenario: str, speed: float, token: str, *, listing: bool, quiet: bool
) -> None:
    """Serve a stand-in Testery API on this machine, to rehearse a pipeline's settings.

    Plays a scenario, a built-in one or a file of your own (docs/simulator.md).
    """
    from testery_gate import simulator

    if listing:
        for name, description in simulator.scenarios().items():
            click.echo(f"{name:<20} {description}")
        return
    try:
        played = simulator.load_scenario(scenario)
        api = simulator.Simulator(
            played,
            token=token,
            port=port,
            speed=speed,
            on_exchange=lambda exchange: None if quiet else _print(f"{exchange}\n", sys.stderr),
        )
    except simulator.ScenarioError as error:
        raise UsageError(str(error)) from None
    except OSError as error:
        raise UsageError(
            f"port {port} can't be had: {error.strerror}", advice="Name another with --port."
        ) from None
    with api:
        click.echo(f"Playing {scenario!r} at {api.url} until Ctrl-C. In another terminal:")
        click.echo(f"  export TESTERY_API_URL={api.url} TESTERY_API_TOKEN={token}")
        click.echo(f"  testery-gate wait {played.runs[0].id if played.runs else 'RUN'}")
        sys.stdout.flush()
        api.serve_forever()


@cli.command()
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    help="Where to leave the reports; by default a new temporary folder.",
)
@click.pass_context
def demo(ctx: click.Context, /, folder: Path | None) -> ExitCode:
    """Watch the gate wait for a simulated run of about ten seconds; needs no token."""
    from testery_gate import simulator

    try:
        folder = folder or Path(tempfile.mkdtemp(prefix="testery-gate-demo-"))
    except OSError as error:
        raise UsageError(
            f"there is no place for the reports: {error.strerror}", advice="Name one with --folder."
        ) from None
    played = simulator.load_scenario("passing")
    with simulator.Simulator(played) as api:
        arguments = [
            str(played.runs[0].id),
            f"--api-url={api.url}",
            f"--token={simulator.DEFAULT_TOKEN}",
            f"--junit-xml={folder / 'TEST-testery.xml'}",
            f"--report=json={folder / 'testery.json'}",
            "--ci=none",
        ]
        click.echo(f"$ testery-gate wait {' '.join(arguments)}", err=True)
        with wait.make_context("wait", arguments, parent=ctx) as sub:
            code: ExitCode = wait.invoke(sub)
    click.echo(f"The reports are in {folder}", err=True)
    return code


def run(argv: Sequence[str] | None, interrupts: Interrupts) -> int:
    """Run the command line and return the exit code; the one place where errors become codes.

    click alone would turn both Ctrl-C and a defect into exit code 1, which means failed tests.
    """
    with redirect_stdout(guarded(sys.stdout)), redirect_stderr(guarded(sys.stderr)):
        code = _run(argv, Process(interrupts=interrupts))
    return code if interrupts.received is None else int(interrupts.received.exit_code)


def _complete(process: Process) -> int:
    from testery_gate.cli.completion import answer

    _hand_over(answer(cli, process, os.environ), "the suggestions")
    return int(ExitCode.PASSED)


def _run(argv: Sequence[str] | None, process: Process) -> int:
    # In each branch below what is left to do must be done whole: a signal is only remembered.
    hold = process.interrupts.hold
    try:
        if _COMPLETE in os.environ and not (sys.argv[1:] if argv is None else argv):
            return _complete(process)
        # Without click's own completion, which would take a variable for a reason to pass.
        code = cli.main(
            argv,
            prog_name="testery-gate",
            complete_var="",
            standalone_mode=False,
            obj=process,
        )
        return int(code or 0)
    except Interrupted as error:
        hold()
        _print(f"testery-gate: stopped by {error}\n", sys.stderr)
        return _tell_without_verdict(process, error.exit_code, f"stopped by {error}")
    except SystemExit:
        # click's own way out, with 1, when nobody reads what it prints.
        return int(ExitCode.REPORT_LOST)
    except OutputLost as error:
        _print(f"testery-gate: the output can't be written: {error.strerror}\n", sys.stderr)
        return int(ExitCode.REPORT_LOST)
    except click.ClickException as error:
        hold()
        shown = StringIO()
        error.show(shown)
        _print(clean_text(shown.getvalue()), sys.stderr)
        return _tell_without_verdict(process, ExitCode.USAGE, error.format_message())
    except GateError as error:
        hold()
        _complain(error)
        return _tell_without_verdict(process, error.exit_code, error.message, error.advice)
    except Exception as error:  # noqa: BLE001  (a defect must not exit 1: that means failed tests)
        hold()
        if process.debug:
            _print(traceback.format_exc(), sys.stderr)
        _print(
            f"testery-gate: internal error: {type(error).__name__}: {error}\n"
            "This is a defect in testery-gate; please report it with the traceback"
            " that --debug shows.\n",
            sys.stderr,
        )
        reason = f"internal error: {type(error).__name__}: {error}"
        return _tell_without_verdict(process, ExitCode.INTERNAL, reason)
