"""What could not be judged: its verdict says what was missing, and is never a failed test."""

from __future__ import annotations

import pytest

from testery_gate.errors import ExitCode, Interrupted, Unavailable
from testery_gate.judging.unjudged import no_verdict, of_unfinished
from testery_gate.judging.verdict import Check, CheckState, Verdict
from tests.builders import make_run


@pytest.mark.parametrize(
    ("code", "name", "actual"),
    [
        (ExitCode.UNAUTHORIZED, "token accepted", "unauthorized"),
        (ExitCode.UNAVAILABLE, "API answers", "unavailable"),
        (ExitCode.NOT_FOUND, "run exists", "not found"),
        (ExitCode.TIMED_OUT, "run finished", "timed out"),
        (ExitCode.INTERRUPTED, "run finished", "interrupted"),
        (ExitCode.TERMINATED, "run finished", "interrupted"),
    ],
)
def test_a_run_that_could_not_be_judged_has_one_check_that_says_why(
    code: ExitCode, name: str, actual: str
) -> None:
    verdict = no_verdict(code, "it is so", advice="do this")

    assert verdict == Verdict(
        exit_code=code,
        reason="it is so",
        advice="do this",
        checks=(
            Check(
                name=name,
                state=CheckState.INCONCLUSIVE,
                message="it is so",
                advice="do this",
                expected_text="yes",
                actual_text=actual,
            ),
        ),
    )
    assert no_verdict(code, "it is so").advice.endswith(".")


@pytest.mark.parametrize("code", [ExitCode.PASSED, ExitCode.FAILED])
def test_only_checks_of_a_run_can_pass_or_fail_it(code: ExitCode) -> None:
    with pytest.raises(KeyError):
        no_verdict(code, "it is so")


@pytest.mark.parametrize(
    ("ended_by", "code", "reason"),
    [
        pytest.param(
            None,
            ExitCode.TIMED_OUT,
            "3 tests had failed already; not finished within 60 s: the run was RUNNING, 13 of 30"
            " tests done",
            id="no time left",
        ),
        pytest.param(
            Interrupted(15),
            ExitCode.TERMINATED,
            "stopped by SIGTERM while the run was RUNNING, 13 of 30 tests done",
            id="a signal",
        ),
        pytest.param(
            Unavailable("no answer"), ExitCode.UNAVAILABLE, "no answer", id="a fault of the API"
        ),
    ],
)
def test_a_run_that_had_not_finished_is_no_failed_test(
    ended_by: Unavailable | Interrupted | None, code: ExitCode, reason: str
) -> None:
    run = make_run(status="RUNNING", passed=10, failed=3, total=30, complete=False)
    verdict = of_unfinished(run, ended_by, 60, "start it again")
    assert (verdict.exit_code, verdict.reason) == (code, reason)
    assert (verdict.advice == "start it again") is isinstance(ended_by, Interrupted)
