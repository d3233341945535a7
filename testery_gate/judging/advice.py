"""What to do about a run that did not pass: the advice of each check, and of each ending."""

from __future__ import annotations

from testery_gate.errors import ExitCode
from testery_gate.judging.criteria import OF_TESTS, Criterion
from testery_gate.judging.policy import NO_FAILURES, Expectation, named_origin
from testery_gate.model import RunStatus, TestRun

_AFTER_A_SIGNAL = "Start the gate again: the run itself goes on without it."
ENDING = {
    ExitCode.UNAUTHORIZED: "Check the token; 'testery-gate doctor' tries it.",
    ExitCode.UNAVAILABLE: "Look for the fault with 'testery-gate doctor', then try again.",
    ExitCode.INCONCLUSIVE: "Name the run by its id.",
    ExitCode.NOT_FOUND: "Check the run's id; 'testery-gate list' shows which runs there are.",
    ExitCode.TIMED_OUT: "Raise --timeout, or open the run to see whether it is stuck.",
    ExitCode.INTERRUPTED: _AFTER_A_SIGNAL,
    ExitCode.TERMINATED: _AFTER_A_SIGNAL,
}
"""What to do about each exit code, where no better advice is known."""

_AGAIN = "Then start a new run in Testery and judge that one; no option accepts this one."
FAIL_BY_SOMETHING_ELSE = (
    f"Open the run: something beside the tests went wrong, like its setup. {_AGAIN}"
)
CANCELED = f"Open the run to see why it was canceled. {_AGAIN}"
CONTRADICTION = f"Open the run: Testery contradicts itself. {_AGAIN}"
UNKNOWN_STATUS = "Open the run; a newer testery-gate may know this status. No option accepts it."
NO_STATUS = f"Open the run to see how it ended. {_AGAIN}"
INCOMPLETE = f"Open the run: the API reports counts that are missing or wrong. {_AGAIN}"
NO_TESTS = (
    "Open the run and check how it selects tests, such as by tags. No option accepts an empty run."
)
NONE_EXECUTED = (
    "Open the run to see why no test was executed. If that is meant: --require 'executed >= 0'."
)
FAILURES_UNKNOWN = "Try again later; without --quarantine the counts alone decide."
NOTHING_TO_COMPARE_WITH = (
    "Name a run to compare with, by --baseline. --no-baseline new would do without: then every"
    " failure is new."
)
TOO_OLD = "Start the run again, or allow more time since its end with --max-age."
WRONG_CLOCK = "Set this machine's clock; 'testery-gate doctor' compares the two."

_FIX = "Open the failing tests and fix what they show"
OUTSIDE_QUARANTINE = f"{_FIX}. The file of --quarantine can tolerate them for a time."


def not_run(tests: object) -> str:
    """Return what to do where so many tests never ran."""
    return (
        "Open the run to see why they did not run, and start a new one in Testery. If they are"
        f" not needed: --require 'not_run <= {tests}'."
    )


def failures(criterion: Criterion, run: TestRun, new: int | None) -> str:
    """Return what to do where more tests failed than is allowed; ``new`` is unknown if ``None``."""
    if criterion is not NO_FAILURES:
        return f"{_FIX}, or change what is allowed: {_named(criterion)}."
    if run.status is RunStatus.PASS:
        return f"{_FIX}, or accept Testery's own judgement with --trust-status."
    if new == 0:
        return f"{_FIX}. To accept them, as none is new: --only-new."
    return (
        f"{_FIX}. --only-new would let pass what failed before too, --max-failed"
        f" {run.failed} so many of any kind."
    )


def breach(criterion: Criterion) -> str:
    """Return what to do where a criterion that is not about failures is breached."""
    return f"Open the run to see why, or change what is required: {_named(criterion)}."


def unknown(criterion: Criterion, *, unread: bool) -> str:
    """Return what to do where a criterion of the user's can't be judged.

    ``unread`` says that the single tests are unknown, not only the run they are compared with.
    """
    if criterion.metric not in OF_TESTS:
        return (
            f"To judge without it, leave out {_named(criterion)}, or only warn of it:"
            f" --warn '{criterion}'."
        )
    if unread:
        return f"Try again later; to judge by the counts alone, leave out {_named(criterion)}."
    return f"Name a run to compare with, by --baseline, or leave out {_named(criterion)}."


def another_build(expectation: Expectation) -> str:
    """Return what to do where the run is about something else than was expected."""
    wanted = f"{expectation.field.value}={expectation.value}"
    return f"Name the run of this build, or change --expect {wanted}."


def _named(criterion: Criterion) -> str:
    return f"{criterion}{named_origin(criterion.origin)}"
