"""The command line: the group of commands, and the one place where errors become exit codes."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO

import click

from testery_gate import __version__
from testery_gate.ci.inert import OutputLost, guarded
from testery_gate.cli import completion
from testery_gate.cli.check import check
from testery_gate.cli.demo import demo
from testery_gate.cli.doctor import doctor
from testery_gate.cli.explain import explain
from testery_gate.cli.list_runs import list_runs
from testery_gate.cli.notify import tell_without_verdict
from testery_gate.cli.option_types import write_exit_codes
from testery_gate.cli.output import complain, hand_over, show
from testery_gate.cli.process import Process
from testery_gate.cli.simulate import simulate
from testery_gate.cli.wait import wait
from testery_gate.errors import ExitCode, GateError, Interrupted
from testery_gate.text import clean_text
from testery_gate.waiting.signals import Interrupts


class Root(click.Group):
    """The command group, whose help lists the exit codes too."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the exit codes."""
        write_exit_codes(formatter)


@click.group(
    cls=Root,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, message="testery-gate %(version)s")
def cli() -> None:
    """The gate between a Testery test run and a deploy.

    Waits for a test run in Testery's cloud, checks its counts against your criteria, writes a JUnit
    report, and exits with a code that a pipeline can act on: 0 only when the evidence is there and
    meets the criteria, 1 only when tests really fell short.

    Start with 'testery-gate demo', then 'testery-gate wait RUN'.
    """


for command in (check, completion.completion, demo, doctor, explain, list_runs, simulate, wait):
    cli.add_command(command)


def run(argv: Sequence[str] | None, interrupts: Interrupts) -> int:
    """Run the command line and return the exit code; the one place where errors become codes.

    click alone would turn both Ctrl-C and a defect into exit code 1, which means failed tests.
    """
    with redirect_stdout(guarded(sys.stdout)), redirect_stderr(guarded(sys.stderr)):
        code = _run(argv, Process(interrupts=interrupts))
    return code if interrupts.received is None else int(interrupts.received.exit_code)


def _complete(process: Process) -> int:
    suggestions = completion.answer(cli, process, process.machine.environment)
    hand_over(suggestions, "the suggestions")
    return int(ExitCode.PASSED)


def _run(argv: Sequence[str] | None, process: Process) -> int:
    # In each branch below what is left to do must be done whole: a signal is only remembered.
    hold = process.interrupts.hold
    try:
        asked = completion.VARIABLE in process.machine.environment
        if asked and not (sys.argv[1:] if argv is None else argv):
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
        show(f"testery-gate: stopped by {error}\n", sys.stderr)
        return tell_without_verdict(process, error.exit_code, f"stopped by {error}")
    except SystemExit:
        # click's own way out, with 1, when nobody reads what it prints.
        return int(ExitCode.REPORT_LOST)
    except OutputLost as error:
        show(f"testery-gate: the output can't be written: {error.strerror}\n", sys.stderr)
        return int(ExitCode.REPORT_LOST)
    except click.ClickException as error:
        hold()
        shown = StringIO()
        error.show(shown)
        show(clean_text(shown.getvalue()), sys.stderr)
        return tell_without_verdict(process, ExitCode.USAGE, error.format_message())
    except GateError as error:
        hold()
        complain(error)
        return tell_without_verdict(process, error.exit_code, error.message, error.advice)
    except Exception as error:  # noqa: BLE001  (a defect must not exit 1: that means failed tests)
        hold()
        if process.debug:
            show(traceback.format_exc(), sys.stderr)
        show(
            f"testery-gate: internal error: {type(error).__name__}: {error}\n"
            "This is a defect in testery-gate; please report it with the traceback"
            " that --debug shows.\n",
            sys.stderr,
        )
        reason = f"internal error: {type(error).__name__}: {error}"
        return tell_without_verdict(process, ExitCode.INTERNAL, reason)
