"""What the Testery API speaks of: runs and test results, parsed strictly from its JSON.

The documented fields are in the Testery API documentation; the result fields are observed, not
promised. A missing or null field is ``None``; a field of the wrong type makes the whole answer
unbelievable (:class:`MalformedAnswer`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import Enum
from fractions import Fraction
from sys import intern
from typing import TypeVar

_E = TypeVar("_E", bound=Enum)


_LARGEST = 2**53 - 1
"""The largest number that every reader of JSON takes exactly (RFC 8259, section 6)."""


class MalformedAnswer(ValueError):
    """The API's JSON is not what the documentation says; the message names the field."""


class RunStatus(Enum):
    """The statuses of a run that are known; the API may use others."""

    SUBMITTED = "SUBMITTED"
    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    PASS = "PASS"  # noqa: S105  (a status, not a password)
    FAIL = "FAIL"
    CANCELED = "CANCELED"
    UNKNOWN = ""

    @property
    def is_final(self) -> bool:
        """Whether a run does not leave this status again."""
        return self in {RunStatus.PASS, RunStatus.FAIL, RunStatus.CANCELED}


class ResultStatus(Enum):
    """The statuses of one test in a run that have been seen."""

    PASS = "PASS"  # noqa: S105  (a status, not a password)
    FAIL = "FAIL"
    IGNORED = "IGNORED"
    NOT_RUN = "NOT_RUN"
    PENDING = "PENDING"
    RUNNING = "RUNNING"
    UNKNOWN = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TestRun:
    """One run as the API showed it at one moment; counts are in tests, ``None`` is unknown."""

    id: int
    name: str | None = None
    status: RunStatus = RunStatus.UNKNOWN
    status_text: str = ""
    status_info: str | None = None
    complete: bool | None = None
    total: int | None = None
    passed: int | None = None
    failed: int | None = None
    ignored: int | None = None
    coverage: Fraction | None = None
    """Code coverage in percent."""
    testing_time: timedelta | None = None
    """The sum over all tests; with parallel runners it exceeds the run's duration."""
    create_time: datetime | None = None
    start_time: datetime | None = None
    end_time: datetime | None = None
    project_id: int | None = None
    environment: str | None = None
    git_ref: str | None = None
    build_key: str | None = None
    include_tags: tuple[str, ...] = ()

    @property
    def done(self) -> int | None:
        """How many tests have a result, or ``None`` when a count is unknown."""
        if self.passed is None or self.failed is None or self.ignored is None:
            return None
        return self.passed + self.failed + self.ignored


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What one look saw of a run; ``at`` is in seconds since the wait began."""

    at: float
    status: RunStatus
    total: int | None
    passed: int | None
    failed: int | None
    ignored: int | None

    @classmethod
    def of(cls, run: TestRun, at: float) -> Observation:
        """Keep of a run what moves."""
        return cls(
            at=at,
            status=run.status,
            total=run.total,
            passed=run.passed,
            failed=run.failed,
            ignored=run.ignored,
        )

    def same_as(self, other: Observation) -> bool:
        """Whether nothing moved between the two."""
        return replace(self, at=other.at) == other


@dataclass(frozen=True, slots=True, kw_only=True)
class TestResult:
    """One test of a run."""

    id: str
    name: str
    file: str
    status: ResultStatus
    status_text: str
    duration: timedelta | None = None
    error: str | None = None
    stack_trace: str | None = None


def parse_run(data: object) -> TestRun:
    """Build a run from a decoded JSON value; raises :class:`MalformedAnswer`."""
    fields = _Fields(data, "a test run")
    status_text = fields.line("status") or ""
    return TestRun(
        id=fields.required_integer("id"),
        name=fields.line("name"),
        status=_member(RunStatus, status_text, RunStatus.UNKNOWN),
        status_text=status_text,
        status_info=fields.text("statusInfo"),
        complete=fields.boolean("complete"),
        total=fields.integer("totalCount"),
        passed=fields.integer("passCount"),
        failed=fields.integer("failCount"),
        ignored=fields.integer("ignoredCount"),
        coverage=fields.number("codeCoveragePercentage"),
        testing_time=fields.milliseconds("totalTestingTime"),
        create_time=fields.time("createTime"),
        start_time=fields.time("startTime"),
        end_time=fields.time("endTime"),
        project_id=fields.integer("projectId"),
        environment=fields.line("environment"),
        git_ref=fields.line("gitRef"),
        build_key=fields.line("buildKey"),
        include_tags=fields.lines("includeTags"),
    )


def parse_runs(data: object) -> Sequence[TestRun]:
    """Build the runs of a list answer; raises :class:`MalformedAnswer`."""
    return tuple(parse_run(item) for item in _items(data, "a list of test runs"))


def parse_results(data: object) -> Sequence[TestResult]:
    """Build the test results of a run; raises :class:`MalformedAnswer`."""
    return tuple(_parse_result(item) for item in _items(data, "a list of test results"))


def parse_account_name(data: object) -> str | None:
    """Return the account's name as it stands in web addresses; raises :class:`MalformedAnswer`."""
    name = _Fields(data, "an account").line("name")
    return name if name and re.fullmatch(r"[\w.~-]+", name, re.ASCII) else None


def _parse_result(data: object) -> TestResult:
    fields = _Fields(data, "a test result")
    project_test = fields.data.get("projectTest")
    test = _Fields({} if project_test is None else project_test, "a project test")
    # A few statuses and files stand in thousands of results; each is held once.
    status_text = intern(fields.line("status") or "")
    number = fields.integer("id")
    return TestResult(
        id="" if number is None else str(number),
        name=test.line("name") or (f"test {number}" if number is not None else "unnamed test"),
        file=intern(test.line("file") or ""),
        status=_member(ResultStatus, status_text, ResultStatus.UNKNOWN),
        status_text=status_text,
        duration=fields.milliseconds("duration"),
        error=fields.text("error"),
        stack_trace=fields.text("stackTrace"),
    )


def _items(data: object, subject: str) -> Sequence[object]:
    if not isinstance(data, list):
        raise MalformedAnswer(f"{subject} was expected, not {_kind(data)}")
    return data


def _member(kind: type[_E], text: str, unknown: _E) -> _E:
    try:
        return kind(text)
    except ValueError:
        return unknown


class _Fields:
    """Reads one JSON object; every getter raises :class:`MalformedAnswer` on a wrong type."""

    def __init__(self, data: object, subject: str) -> None:
        if not isinstance(data, dict):
            raise MalformedAnswer(f"{subject} was expected, not {_kind(data)}")
        self.data: Mapping[str, object] = data
        self._subject = subject

    def text(self, name: str) -> str | None:
        value = self.data.get(name)
        if value is None or isinstance(value, str):
            return None if value is None else clean_text(value)
        raise self._wrong(name, "a string")

    def line(self, name: str) -> str | None:
        value = self.text(name)
        return None if value is None else one_line(value)

    def lines(self, name: str) -> tuple[str, ...]:
        value = self.data.get(name)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self._wrong(name, "a list of strings")
        return tuple(one_line(clean_text(item)) for item in value)

    def boolean(self, name: str) -> bool | None:
        value = self.data.get(name)
        if value is None or isinstance(value, bool):
            return value
        raise self._wrong(name, "true or false")

    def integer(self, name: str) -> int | None:
        value = self.data.get(name)
        if value is None:
            return None
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _LARGEST:
            return value
        raise self._wrong(name, "a whole number below 2**53")

    def required_integer(self, name: str) -> int:
        value = self.integer(name)
        if value is None:
            raise MalformedAnswer(f"{self._subject} has no {name}")
        return value

    def number(self, name: str) -> Fraction | None:
        value = self.data.get(name)
        if isinstance(value, float) and math.isfinite(value):
            # repr() is the shortest decimal that means this float: 99.96 becomes exactly 99.96.
            return Fraction(repr(value))
        if isinstance(value, float):
            raise self._wrong(name, "a finite number")
        whole = self.integer(name)
        return None if whole is None else Fraction(whole)

    def milliseconds(self, name: str) -> timedelta | None:
        value = self.number(name)
        try:
            return None if value is None else timedelta(milliseconds=float(value))
        except OverflowError:
            raise self._wrong(name, "a believable number of milliseconds") from None

    def time(self, name: str) -> datetime | None:
        """Return a time as UTC, or ``None`` for a text that is no time in a format we know."""
        value = self.text(name)
        if value is None:
            return None
        try:
            time = datetime.fromisoformat(value)
        except ValueError:
            return None
        try:
            return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
        except OverflowError:
            return None

    def _wrong(self, name: str, expected: str) -> MalformedAnswer:
        got = _kind(self.data.get(name))
        return MalformedAnswer(f"{name} of {self._subject} is {got}, not {expected}")


def _kind(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "a list"
        case dict():
            return "an object"
        case _:
            return type(value).__name__


_TERMINAL_SEQUENCES = re.compile(
    r"""
    \x1b\[ [0-?]* [ -/]* [@-~]                     # CSI: colours, cursor movements
    | \x1b[\]PX^_] [^\x07\x1b]* (?: \x07 | \x1b\\ ) # OSC, DCS, SOS, PM, APC: titles, links, ...
    | \x9b [0-?]* [ -/]* [@-~]                     # CSI in its one-character form
    | \x1b [ -/]* [0-~]?                           # any other escape, and one left unterminated
    """,
    re.VERBOSE,
)
_FORBIDDEN = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 and C1 controls but tab and newline
    "\u202a-\u202e\u2066-\u2069"  # bidirectional overrides: text that reads other than it is
    "\ud800-\udfff"  # lone surrogates: not encodable
    "\ufffe\uffff"  # not characters, and forbidden in XML 1.0 (section 2.2)
    "]"
)
_SUSPICIOUS = re.compile(r"[^\n\t -~]")


def clean_text(text: str) -> str:
    """Return remote text without terminal sequences and what no report format may hold.

    What is left is printable text, tabs and newlines; all of it is a legal XML 1.0 character.
    """
    if not _SUSPICIOUS.search(text):
        return text
    return _FORBIDDEN.sub("", _TERMINAL_SEQUENCES.sub("", text))


def one_line(text: str) -> str:
    """Return text with every run of white space made one blank."""
    return " ".join(text.split())
