"""What stands between this machine and a verdict: each step on the way, checked by itself.

The steps are those of a gate and use the same code, so that what works here works there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum

from testery_gate.api.time_limit import TookTooLong, within
from testery_gate.errors import ExitCode, GateError, NoAnswer


class State(Enum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a check found, in words, what to do about it, and the facts for programs."""

    found: str
    state: State = State.OK
    check: str = ""
    advice: str = ""
    details: Mapping[str, object] = field(default_factory=dict)
    exit_code: ExitCode = ExitCode.PASSED


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step on the way; it is skipped if a step that it needs has failed.

    ``needed`` says whether a gate needs it; without that, a failure is only a warning.
    """

    name: str
    work: Callable[[], Finding]
    needs: Sequence[str] = ()
    needed: bool = True
    timeout_advice: str = (
        "The network or the API is slow, or something on the way does not respond."
    )
    timeout_error: type[GateError] = NoAnswer
    """The error that a timeout counts as."""


def examine(checks: Sequence[Step], step_timeout: float) -> Iterator[Finding]:
    """Go through the checks, none for longer than ``step_timeout`` seconds."""
    failed: dict[str, str] = {}
    for check in checks:
        cause = next((failed[need] for need in check.needs if need in failed), None)
        if cause is not None:
            finding = Finding(state=State.SKIPPED, found=f"because {cause} failed")
            failed[check.name] = cause
        else:
            finding = _carried_out(check, step_timeout)
            if finding.state is State.FAILED:
                failed[check.name] = check.name
        yield replace(finding, check=check.name)


def _carried_out(check: Step, step_timeout: float) -> Finding:
    try:
        return within(step_timeout, lambda _: check.work())
    except TookTooLong:
        fault: GateError = check.timeout_error(
            f"not finished within {step_timeout:g} s", advice=check.timeout_advice
        )
    except GateError as error:
        # Without the client's advice to run this command.
        fault = error.__cause__ if isinstance(error.__cause__, NoAnswer) else error
    return Finding(
        state=State.FAILED if check.needed else State.WARNING,
        found=fault.message,
        advice=fault.advice,
        exit_code=fault.exit_code if check.needed else ExitCode.PASSED,
    )


def overall(findings: Sequence[Finding]) -> ExitCode:
    """Return the exit code, which is that of the first check that failed."""
    codes = (finding.exit_code for finding in findings if finding.state is State.FAILED)
    return next(codes, ExitCode.PASSED)
