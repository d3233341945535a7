"""Verdicts on what can't be judged: no run, a fault of the API, no time left, a signal, a doubt."""

from __future__ import annotations

from dataclasses import replace

from testery_gate.errors import ApiError, ExitCode, Interrupted
from testery_gate.judging import advice as advice_on
from testery_gate.judging.verdict import Check, CheckState, Verdict
from testery_gate.model import TestRun


def no_verdict(
    exit_code: ExitCode, reason: str, *, case: str = "", advice: str = "", lacking: str = ""
) -> Verdict:
    """Return the verdict on a run that could not be judged; its only check is what was missing."""
    advice = advice or advice_on.ENDING[exit_code]
    check = Check(
        name=lacking or _PRECONDITIONS[exit_code],
        state=CheckState.INCONCLUSIVE,
        message=reason,
        case=case,
        advice=advice,
        expected_text="yes",
        actual_text=exit_code.outcome.replace("_", " "),
    )
    return Verdict(exit_code=exit_code, reason=reason, case=case, advice=advice, checks=(check,))


_PRECONDITIONS = {
    ExitCode.UNAUTHORIZED: "token accepted",
    ExitCode.UNAVAILABLE: "API answers",
    ExitCode.INCONCLUSIVE: "run is the newest",
    ExitCode.NOT_FOUND: "run exists",
    ExitCode.TIMED_OUT: "run finished",
    ExitCode.INTERRUPTED: "run finished",
    ExitCode.TERMINATED: "run finished",
}


def of_error(error: ApiError, case: str = "") -> Verdict:
    """Return the verdict where the API has no run to judge."""
    return no_verdict(error.exit_code, error.message, case=case, advice=error.advice)


def of_endless_input(seconds: float) -> Verdict:
    """Return the verdict where standard input, which names the runs, has no end."""
    return no_verdict(
        ExitCode.TIMED_OUT,
        f"standard input did not end within {seconds:.0f} s: it is not known which runs are meant",
        case="standard input did not end in time",
        advice="Is what writes into it stuck? Name the runs themselves, or raise --timeout.",
    )


def of_a_doubt(run: TestRun, other: TestRun) -> Verdict:
    """Return the verdict on a run where another may be the one that is meant."""
    return no_verdict(
        ExitCode.INCONCLUSIVE,
        f"which run is meant is unclear: run {other.id} may be newer than run {run.id},"
        " but has no readable time of creation",
        case="which run is meant is unclear",
        advice="Name the run by its id.",
    )


def of_another_run(run_id: int | None, why: str) -> Verdict:
    """Return the verdict on a run that is not the one that was started."""
    return no_verdict(
        ExitCode.INCONCLUSIVE,
        f"run {run_id} is not the run that was started: {why}",
        advice="Look in Testery which run was started.",
        lacking="run is the one that was started",
    )


def of_unfinished(
    run: TestRun | None,
    ended_by: ApiError | Interrupted | None,
    seconds: float,
    after_a_signal: str,
) -> Verdict:
    """Return the verdict on a run, as last seen, that had not finished after so many seconds.

    The wait was ended by an error, by a signal with its advice, or by the deadline.
    """
    match ended_by:
        case None:
            return no_verdict(
                ExitCode.TIMED_OUT,
                f"{_failed_already(run)}not finished within {seconds:.0f} s: {_standing(run)}",
                advice="The run goes on in Testery: wait again with a longer --timeout, or open"
                " it to see whether it is stuck.",
            )
        case Interrupted() as cause:
            reason = f"stopped by {cause} while {_standing(run)}"
            return no_verdict(cause.exit_code, reason, advice=after_a_signal)
        case error:
            return of_error(error)


def stopped(verdict: Verdict, cause: Interrupted) -> Verdict:
    """Return the verdict on a run that was judged, where a signal came before the reports."""
    reason = f"stopped by {cause} before the reports were complete"
    advice = advice_on.ENDING[cause.exit_code]
    return replace(verdict, exit_code=cause.exit_code, reason=reason, case="", advice=advice)


def _standing(run: TestRun | None) -> str:
    if run is None:
        return "the run was not seen yet"
    counted = "" if run.done is None else f", {run.done} of {run.total} tests done"
    settling = " but not complete" if run.status.is_final else ""
    return f"the run was {run.status_text or 'without a status'}{settling}{counted}"


def _failed_already(run: TestRun | None) -> str:
    """Return the beginning of a reason, which names failures first."""
    failed = (run and run.failed) or 0
    if failed <= 0:
        return ""
    return f"{failed} {'test' if failed == 1 else 'tests'} had failed already; "
