"""The command line: the group of commands, and the one place where errors become exit codes."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from importlib import import_module

import click

from testery_gate import __version__
from testery_gate.api.credentials import redacted
from testery_gate.ci.inert import OutputLost, guarded
from testery_gate.cli import completion
from testery_gate.cli.notify import report_without_verdict
from testery_gate.cli.option_types import ALL_CODES, Command
from testery_gate.cli.output import OUTPUT_LOST, complain, hand_over, show
from testery_gate.cli.process import Process
from testery_gate.errors import ExitCode, GateError, Interrupted, UsageError
from testery_gate.reports.ending import Ending
from testery_gate.waiting.signals import Interrupts

COMMANDS = {
    "check": "Judge runs as they are now, without waiting: the check before a deploy.",
    "compare": "Compare two runs: new failures, and fixed, missing, added and slower tests.",
    "completion": "Print the script that completes this command in a shell (docs/terminal.md).",
    "demo": "Watch the gate wait for a simulated run of about ten seconds; needs no token.",
    "doctor": "Check each step on the way to the API, and say what to do if one fails.",
    "explain": "Show the settings in effect and where each comes from; sends no request.",
    "flaky": "List the tests that both passed and failed over the last runs, the worst first.",
    "init": "Write the pipeline file and the settings for a project, and check the way to the API.",
    "list": "List recent runs, the newest first.",
    "quarantine": "Check a quarantine file, and show what it tolerates today.",
    "run": "Start a run, wait for it to finish, judge it, and exit with the verdict.",
    "simulate": "Serve a simulated Testery API on this machine, to try out a pipeline's settings.",
    "wait": "Wait for runs to finish, judge them, and exit with the verdict.",
}
"""What each command does: the first sentence of its help. The command is a function of this name in
a module of this name, but ``list``, which is ``list_runs``."""


class Root(Command, click.Group):
    """The command group, which imports a command when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, or ``None`` if there is none of this name."""
        if cmd_name not in COMMANDS:
            return None
        name = "list_runs" if cmd_name == "list" else cmd_name
        command: click.Command = getattr(import_module(f"testery_gate.cli.{name}"), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what each command does."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=Root,
    examples=(
        "testery-gate demo",
        "testery-gate init",
        "testery-gate wait 55676 --max-failed 2%",
    ),
    codes=ALL_CODES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, message="testery-gate %(version)s")
def cli() -> None:
    """The gate between a Testery test run and a deploy.

    Waits for a test run in Testery's cloud, checks its counts against your criteria, writes a JUnit
    report, and exits with a code that a pipeline can act on: 0 only when the evidence is there and
    meets the criteria, 1 only when tests really fell short.
    """


def run(argv: Sequence[str] | None, interrupts: Interrupts) -> int:
    """Run the command line and return the exit code; the one place where errors become codes.

    click alone would turn both Ctrl-C and a defect into exit code 1, which means failed tests.
    """
    process = Process(interrupts=interrupts)
    with redirect_stdout(guarded(sys.stdout)), redirect_stderr(guarded(sys.stderr)):
        code = _run(argv, process)
        interrupts.hold()
        # Announce an end that was not announced before, or that is another one by now. Twice,
        # because a signal may come meanwhile.
        for _ in range(2):
            code = code if interrupts.received is None else interrupts.received.exit_code
            process.announce(Ending(exit_code=code, reason=code.meaning))
    return int(code if interrupts.received is None else interrupts.received.exit_code)


def _like_ours(error: click.ClickException) -> UsageError:
    """Return an error of click's in the form of our own errors."""
    message = error.format_message()
    ctx = error.ctx if isinstance(error, click.UsageError) else None
    path = "testery-gate" if ctx is None else ctx.command_path
    return UsageError(
        message[:1].lower() + message[1:], advice=f"'{path} --help' shows what there is."
    )


_CORRECT_IT = "Correct this and start again; 'testery-gate COMMAND --help' shows what there is."
_REPORT_IT = "This is a defect in testery-gate; report it with the traceback that --debug shows."


def _run(argv: Sequence[str] | None, process: Process) -> ExitCode:
    # Each branch below must finish what it does: a signal is only remembered.
    hold, environment = process.interrupts.hold, process.machine.environment
    try:
        asked = completion.VARIABLE in environment
        if asked and not (sys.argv[1:] if argv is None else argv):
            suggestions = completion.answer(cli, process, environment)
            hand_over(suggestions, "the suggestions")
            return ExitCode.PASSED
        # Without click's own completion: a variable could switch it on, and it exits 0.
        code: ExitCode | int | None = cli.main(
            argv,
            prog_name="testery-gate",
            complete_var="",
            standalone_mode=False,
            obj=process,
        )
        return {int(one): one for one in ExitCode}.get(int(code or 0), ExitCode.INTERNAL)
    except Interrupted as error:
        hold()
        complain(GateError(f"stopped by {error}", advice="Start it again."))
        return report_without_verdict(process, error.exit_code, f"stopped by {error}")
    except SystemExit:
        # click itself would exit 1 when nobody reads what it prints.
        return ExitCode.REPORT_LOST
    except OutputLost as error:
        complain(GateError(f"the output can't be written: {error.strerror}", advice=OUTPUT_LOST))
        return ExitCode.REPORT_LOST
    except click.ClickException as error:
        hold()
        ours = _like_ours(error)
        ours.message = redacted(ours.message, environment)
        complain(ours)
        return report_without_verdict(process, ExitCode.USAGE, ours.message)
    except GateError as error:
        hold()
        if isinstance(error, UsageError):
            error.advice = error.advice or _CORRECT_IT
        error.message = redacted(error.message, environment)
        error.advice = redacted(error.advice, environment)
        complain(error)
        return report_without_verdict(process, error.exit_code, error.message, error.advice)
    except Exception as error:  # noqa: BLE001  (a defect must not exit 1: that means failed tests)
        hold()
        if process.debug:
            show(traceback.format_exc(), sys.stderr)
        reason = redacted(f"internal error: {type(error).__name__}: {error}", environment)
        complain(GateError(reason, advice=_REPORT_IT))
        return report_without_verdict(process, ExitCode.INTERNAL, reason, _REPORT_IT)
