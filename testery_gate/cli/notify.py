"""Messages to the CI system; none of them changes how the gate ends."""

from __future__ import annotations

import secrets
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TextIO

from testery_gate import ci
from testery_gate.api.credentials import without_token
from testery_gate.ci import Surroundings
from testery_gate.ci.inert import commands_alone, unguarded
from testery_gate.cli.output import show
from testery_gate.cli.process import Process
from testery_gate.errors import ExitCode
from testery_gate.reports.ending import Ending
from testery_gate.reports.files import withdraw


def commands(stream: TextIO) -> Callable[[str], None]:
    """Return a function that prints commands to a CI system."""
    return lambda text: show(commands_alone(text), unguarded(stream))


def unguessable() -> str:
    """Return a word that nobody can guess."""
    return secrets.token_hex(8)


@contextmanager
def harmless(process: Process, what: str) -> Iterator[None]:
    """Print a defect instead of raising it, so that it does not change how the gate ends."""
    try:
        yield
    except Exception as error:  # noqa: BLE001  (that is what it is for)
        if process.debug:
            show(traceback.format_exc(), sys.stderr)
        show(f"testery-gate: {what}: {type(error).__name__}: {error}\n", sys.stderr)


def report(process: Process, ending: Ending, stream: TextIO) -> None:
    """Report to the CI system how the gate ended."""

    def warn(message: str) -> None:
        show(f"testery-gate: warning: {message}\n", sys.stderr)

    environment = process.machine.environment
    surroundings = Surroundings(
        environment=environment,
        command=commands(stream),
        warn=warn,
        random=unguessable,
        run=partial(ci.run_program, environment=without_token(environment)),
    )
    process.interrupts.hold()
    with harmless(process, "warning: could not report to the CI system"):
        ci.report(process.ci, ending, surroundings)


def report_without_verdict(
    process: Process, code: ExitCode, reason: str, advice: str = ""
) -> ExitCode:
    """Report to the CI system why there is no verdict, and return the exit code.

    No report file is written then. Those of an earlier invocation are removed, so that nobody
    takes them for this one's.
    """
    withdraw(process.reports)
    ending = Ending(exit_code=code, reason=reason, advice=advice)
    if process.ci is not None:
        report(process, ending, sys.stderr)
    process.announce(ending)
    return code
