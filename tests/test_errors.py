"""Exit codes, the exceptions that lead to them, and what several runs come to."""

from __future__ import annotations

import itertools
import signal

import pytest

from testery_gate.errors import (
    ApiError,
    ExitCode,
    GateError,
    Interrupted,
    NoAnswer,
    NotFound,
    ReportLost,
    Unauthorized,
    Unavailable,
    UsageError,
    combined,
)


def test_every_outcome_has_the_documented_exit_code() -> None:
    assert {(int(code), code.outcome) for code in ExitCode} == {
        (0, "passed"),
        (1, "failed"),
        (2, "usage"),
        (3, "unauthorized"),
        (4, "unavailable"),
        (5, "inconclusive"),
        (6, "not_found"),
        (7, "report_lost"),
        (70, "internal_error"),
        (124, "timed_out"),
        (130, "interrupted"),
        (143, "interrupted"),
    }


def test_every_exit_code_has_a_sentence_of_its_own() -> None:
    meanings = {code.meaning for code in ExitCode}

    assert len(meanings) == len(ExitCode)
    assert all(meanings)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        pytest.param(GateError, 70, id="a gate error that nobody refined is a defect"),
        pytest.param(UsageError, 2, id="usage"),
        pytest.param(Unauthorized, 3, id="unauthorized"),
        pytest.param(NotFound, 6, id="not found"),
        pytest.param(NoAnswer, 4, id="no answer"),
        pytest.param(Unavailable, 4, id="unavailable"),
        pytest.param(ReportLost, 7, id="report lost"),
    ],
)
def test_an_error_knows_its_exit_code_and_says_what_to_do(kind: type[GateError], code: int) -> None:
    error = kind("it went wrong", advice="try again")

    assert error.exit_code == code
    assert error.message == str(error) == "it went wrong"
    assert error.advice == "try again"
    assert kind("it went wrong").advice == ""


@pytest.mark.parametrize("kind", [Unauthorized, NotFound, NoAnswer, Unavailable])
def test_what_keeps_the_api_from_giving_a_run_is_an_api_error(kind: type[GateError]) -> None:
    assert issubclass(kind, ApiError)
    assert issubclass(kind, GateError)


@pytest.mark.parametrize("kind", [UsageError, ReportLost])
def test_what_is_not_the_apis_doing_is_no_api_error(kind: type[GateError]) -> None:
    assert not issubclass(kind, ApiError)
    assert issubclass(kind, GateError)


def test_a_refusal_is_the_tokens_fault_unless_said_otherwise() -> None:
    assert Unauthorized("401").token_rejected
    assert not Unauthorized("403", token_rejected=False).token_rejected


def test_a_failed_attempt_can_carry_the_servers_wish_to_be_left_alone() -> None:
    assert NoAnswer("busy").retry_after is None
    assert NoAnswer("busy", retry_after=2.5).retry_after == 2.5


@pytest.mark.parametrize(
    ("number", "code", "name"),
    [
        pytest.param(signal.SIGINT, 130, "SIGINT", id="SIGINT"),
        pytest.param(signal.SIGTERM, 143, "SIGTERM", id="SIGTERM"),
    ],
)
def test_an_interruption_is_no_exception_that_a_broad_handler_catches(
    number: int, code: int, name: str
) -> None:
    interrupted = Interrupted(number)

    assert interrupted.exit_code == code
    assert str(interrupted) == name
    assert not isinstance(interrupted, Exception)


def test_the_first_present_code_counts_for_several_runs() -> None:
    by_number = {int(code): code for code in ExitCode}
    order = [by_number[number] for number in (130, 143, 1, 3, 4, 6, 5, 124, 0)]
    subsets = itertools.chain.from_iterable(
        itertools.combinations(order, size) for size in range(1, len(order) + 1)
    )

    assert all(combined(set(codes)) is codes[0] for codes in subsets)


@pytest.mark.parametrize(
    "codes",
    [
        pytest.param(set(), id="no run at all"),
        *(
            pytest.param({ExitCode.PASSED, code}, id=f"{code.outcome} beside a passed run")
            for code in (ExitCode.USAGE, ExitCode.REPORT_LOST, ExitCode.INTERNAL)
        ),
    ],
)
def test_what_no_run_ends_with_is_never_passed_over(codes: set[ExitCode]) -> None:
    with pytest.raises(ValueError, match=r"empty|not in tuple"):
        combined(codes)
