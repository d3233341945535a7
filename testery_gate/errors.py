"""How a gate ends: the exit codes, and the exceptions that lead to them.

.. code-block:: text

    GateError
    ├── UsageError                 2
    ├── ApiError
    │   ├── Unauthorized           3
    │   ├── NotFound               6
    │   ├── Refused                2
    │   ├── NoAnswer               (retried; never reaches an exit code by itself)
    │   ├── Lost                   4
    │   └── Unavailable            4
    └── ReportLost                 7
    Interrupted                    130, 143 (a BaseException: nothing may swallow it)
"""

from __future__ import annotations

import signal
from enum import IntEnum


class ExitCode(IntEnum):
    """The process's exit codes, one for each way a gate can end."""

    outcome: str
    meaning: str

    def __new__(cls, code: int, outcome: str, meaning: str) -> ExitCode:
        """Attach the machine-readable outcome and the sentence for people."""
        member = int.__new__(cls, code)
        member._value_ = code
        member.outcome = outcome
        member.meaning = meaning
        return member

    PASSED = 0, "passed", "every deciding check holds"
    FAILED = 1, "failed", "a deciding criterion is breached by known numbers, nothing else"
    USAGE = 2, "usage", "bad option, criterion, configuration file or report path"
    UNAUTHORIZED = 3, "unauthorized", "the API refused the token (401 or 403)"
    UNAVAILABLE = 4, "unavailable", "no usable answer from the API for too long"
    INCONCLUSIVE = 5, "inconclusive", "finished, but the evidence supports no verdict"
    NOT_FOUND = 6, "not_found", "no such run, or no run matches the selection"
    REPORT_LOST = 7, "report_lost", "the verdict was passed, but a report could not be written"
    INTERNAL = 70, "internal_error", "a defect in testery-gate; --debug shows a traceback"
    TIMED_OUT = 124, "timed_out", "not finished at the deadline"
    INTERRUPTED = 130, "interrupted", "stopped by SIGINT (Ctrl-C)"
    TERMINATED = 143, "interrupted", "stopped by SIGTERM"


class GateError(Exception):
    """An error that keeps the gate from a verdict; ``advice`` says what to do next."""

    exit_code = ExitCode.INTERNAL

    def __init__(self, message: str, *, advice: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice


class UsageError(GateError):
    """The gate is set up wrong: an option, a criterion, a file, a token that is missing."""

    exit_code = ExitCode.USAGE


class ApiError(GateError):
    """The API gave no run."""


class Unauthorized(ApiError):
    """The API answered 401 or 403.

    ``token_rejected`` distinguishes an invalid token (401) from one without access to this run
    (403).
    """

    exit_code = ExitCode.UNAUTHORIZED

    def __init__(self, message: str, *, advice: str = "", token_rejected: bool = True) -> None:
        super().__init__(message, advice=advice)
        self.token_rejected = token_rejected


class NotFound(ApiError):
    """There is no such run: the API answered 404, or no run is as described."""

    exit_code = ExitCode.NOT_FOUND


class Refused(ApiError):
    """The API refused to carry out a request, because something in the request is wrong."""

    exit_code = ExitCode.USAGE


class NoAnswer(ApiError):
    """One attempt brought no usable answer; the next one may.

    ``retry_after`` is how many seconds the server asked to wait, if it did; ``lasting`` says that
    somebody probably has to fix something; ``not_done`` says that the API has surely not carried
    out the request.
    """

    exit_code = ExitCode.UNAVAILABLE

    def __init__(
        self,
        message: str,
        *,
        advice: str = "",
        retry_after: float | None = None,
        lasting: bool = False,
        not_done: bool = False,
    ) -> None:
        super().__init__(message, advice=advice)
        self.retry_after = retry_after
        self.lasting = lasting
        self.not_done = not_done


class Lost(ApiError):
    """There was no usable answer, and the API may have carried out the request."""

    exit_code = ExitCode.UNAVAILABLE


class Unavailable(ApiError):
    """There was no usable answer for longer than the outage tolerance, or until the deadline."""

    exit_code = ExitCode.UNAVAILABLE


class ReportLost(GateError):
    """A report could not be written at the end."""

    exit_code = ExitCode.REPORT_LOST


class Interrupted(BaseException):
    """SIGINT or SIGTERM arrived; not an ``Exception``, so that no broad handler swallows it."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(signal.Signals(signal_number).name)
        self.exit_code = (
            ExitCode.TERMINATED if signal_number == signal.SIGTERM else ExitCode.INTERRUPTED
        )


def combined(codes: set[ExitCode]) -> ExitCode:
    """Return the exit code for several runs: the most important one.

    An interruption comes first, because the caller asked for it and its runs are unfinished.
    Raises ``ValueError`` where there is no code, or one that no run ends with.
    """
    return min(codes, key=_WORST_FIRST.index)


_WORST_FIRST = (
    ExitCode.INTERRUPTED,
    ExitCode.TERMINATED,
    ExitCode.FAILED,
    ExitCode.UNAUTHORIZED,
    ExitCode.UNAVAILABLE,
    ExitCode.NOT_FOUND,
    ExitCode.INCONCLUSIVE,
    ExitCode.TIMED_OUT,
    ExitCode.PASSED,
)
