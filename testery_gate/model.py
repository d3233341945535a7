"""The objects of the Testery API: runs and test results, parsed strictly from its JSON.

The documented fields are in the Testery API documentation; the result fields are observed, not
promised. A missing or null field is ``None``. A field of the wrong type makes the whole answer
malformed (:class:`MalformedAnswer`) if it is evidence: the id, the status, whether the run is
complete, and the counts. Any other field of the wrong type counts as missing.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import Enum
from fractions import Fraction
from functools import cache
from itertools import islice
from typing import TypeVar

from testery_gate.text import Clean, clean_text, last_lines, one_line

_S = TypeVar("_S", bound=Enum)
MOST_RESULTS = 250_000
MOST_RUNS = 10_000
"""The most items in one answer; each takes longer to read than its size suggests."""
MOST_ADDRESSES = 10
"""The most screenshots or videos of one test."""
LONGEST_ADDRESS = 4_000
MOST_OUTPUT_LINES = 100
MOST_OUTPUT = 10_000
"""How many of the last lines and characters of a test's console output are kept."""
MOST_OUTPUT_READ = 100_000
"""How many characters of it are looked at."""

_SHOWN_NAME = 40

UNNAMED_TEST = "unnamed test"
"""The name shown for a test that has none in the API's answer."""

_LARGEST = 2**53 - 1
"""The largest number that every reader of JSON takes exactly (RFC 8259, section 6)."""

_MILLISECOND = timedelta(milliseconds=1)

_YEARS = range(2000, 3000)
"""When runs can have been created, and ended."""


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
    branch: str | None = None
    """Seen in answers, not promised."""
    include_tags: tuple[str, ...] = ()

    @property
    def done(self) -> int | None:
        """How many tests have a result, or ``None`` when a count is unknown."""
        return _sum(self.passed, self.failed, self.ignored)


class Field(Enum):
    """What a run can be described by."""

    GIT_REF = "git-ref"
    BUILD_KEY = "build-key"
    ENVIRONMENT = "environment"
    PROJECT_ID = "project-id"
    NAME = "name"
    INCLUDE_TAG = "include-tag"
    STATUS = "status"

    def of(self, run: TestRun) -> Sequence[str]:
        """Return what the run has there; only tags can be several."""
        if self is Field.INCLUDE_TAG:
            return run.include_tags
        value = {
            Field.GIT_REF: run.git_ref,
            Field.BUILD_KEY: run.build_key,
            Field.ENVIRONMENT: run.environment,
            Field.PROJECT_ID: run.project_id,
            Field.NAME: run.name,
            Field.STATUS: run.status_text,
        }[self]
        return () if value is None else (str(value),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A project, an environment or a test suite, as far as the API says."""

    id: int | None = None
    key: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What one poll saw of a run; ``at`` is in seconds since the wait began."""

    at: float
    status: RunStatus
    total: int | None
    passed: int | None
    failed: int | None
    ignored: int | None

    @property
    def done(self) -> int | None:
        """How many tests had a result, or ``None`` when a count was unknown."""
        return _sum(self.passed, self.failed, self.ignored)

    @classmethod
    def of(cls, run: TestRun, at: float) -> Observation:
        """Keep the parts of a run that change."""
        return cls(
            at=at,
            status=run.status,
            total=run.total,
            passed=run.passed,
            failed=run.failed,
            ignored=run.ignored,
        )

    def same_as(self, other: Observation) -> bool:
        """Whether nothing changed between the two."""
        return replace(self, at=other.at) == other


def _sum(passed: int | None, failed: int | None, ignored: int | None) -> int | None:
    if passed is None or failed is None or ignored is None:
        return None
    return passed + failed + ignored


_ABBREVIATED = r"[0-9A-Fa-f]{7,64}"


def same_git_ref(one: str, other: str) -> bool:
    """Whether two git refs mean the same: equal, or commits of which one abbreviates the other.

    Only hexadecimal names abbreviate, from 7 digits on: the branch ``release`` is not
    ``release-2``.
    """
    return one == other or same_commit_ref(one, other) is True


def same_commit_ref(one: str | None, other: str | None) -> bool | None:
    """Whether two git refs mean the same commit; ``None`` where they don't show it.

    A git ref can also be the name of a branch; then the commit is unknown.
    """
    if not (one and other and all(re.fullmatch(_ABBREVIATED, ref) for ref in (one, other))):
        return None
    one, other = one.lower(), other.lower()
    return one.startswith(other) or other.startswith(one)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachments:
    """What a test left besides its error: screenshots, videos, console output.

    An address may be signed, so that everybody who has it gets access. So addresses are written to
    files only, never to a log.
    """

    screenshots: tuple[str, ...] = ()
    videos: tuple[str, ...] = ()
    output_url: str | None = None
    output: str = ""
    """The last lines of its console output."""


def decode_json(body: bytes, most_values: int) -> object:
    """Return the value of a JSON text of at most so many values, strictly.

    Raises :class:`MalformedAnswer` for what parsers read differently, and for too many values;
    ``ValueError`` or ``RecursionError`` for what is no JSON.
    """
    # An upper bound: each value follows a bracket or a comma, or is the whole. UTF-16 and UTF-32
    # have these bytes too.
    if 1 + body.count(b",") + body.count(b"[") + body.count(b"{") > most_values:
        raise MalformedAnswer(f"it holds more than {most_values} values")
    return json.loads(body, parse_constant=_no_constant, object_pairs_hook=_without_duplicates)


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _without_duplicates(pairs: list[tuple[str, object]]) -> Mapping[str, object]:
    """Refuse an object with a duplicate name: parsers differ in the value they use (RFC 8259)."""
    found = dict(pairs)
    if len(found) < len(pairs):
        left = dict.fromkeys(found)
        name = next(name for name, _ in pairs if left.pop(name, name) is not None)
        raise MalformedAnswer(f"{name[:_SHOWN_NAME]} occurs more than once")
    return found


def parse_run(data: object, clean: Clean = clean_text, *, selects: bool = False) -> TestRun:
    """Build a run from a decoded JSON value; raises :class:`MalformedAnswer`.

    A field that only describes the run is unknown if it has a wrong type. If the field ``selects``
    runs, a wrong type is an error, because it would hide the run from the selection.
    """
    fields = _Fields(data, "a test run", clean)
    about = _Fields(data, "a test run", clean, strict=False)
    chosen_by = _Fields(data, "a test run", clean, strict=selects)
    status, status_text = fields.status(_RUN_STATUSES, RunStatus.UNKNOWN)
    return TestRun(
        id=fields.required_integer("id"),
        name=chosen_by.label("name"),
        status=status,
        status_text=status_text,
        status_info=about.text("statusInfo"),
        complete=fields.boolean("complete"),
        total=fields.integer("totalCount"),
        passed=fields.integer("passCount"),
        failed=fields.integer("failCount"),
        ignored=fields.integer("ignoredCount"),
        coverage=about.number("codeCoveragePercentage"),
        testing_time=about.milliseconds("totalTestingTime"),
        create_time=chosen_by.time("createTime"),
        start_time=about.time("startTime"),
        end_time=about.time("endTime"),
        project_id=chosen_by.integer("projectId"),
        environment=chosen_by.label("environment"),
        git_ref=chosen_by.label("gitRef"),
        build_key=chosen_by.label("buildKey"),
        branch=about.label("branch"),
        include_tags=chosen_by.lines("includeTags"),
    )


def parse_runs(
    data: object, clean: Clean = clean_text, *, selects: bool = False
) -> Sequence[TestRun]:
    """Build the runs of a list answer; raises :class:`MalformedAnswer`."""
    items = _items(data, "a list of test runs", MOST_RUNS)
    return tuple(parse_run(item, clean, selects=selects) for item in items)


def parse_results(
    data: object, clean: Clean = clean_text, *, brief: bool = False
) -> Sequence[TestResult]:
    """Build the test results of a run; raises :class:`MalformedAnswer`.

    ``brief`` results have the test's identity and status only.
    """
    # Thousands of results share a few statuses and files; each text is kept once.
    repeated = cache(lambda text: one_line(clean(text)))
    items = _items(data, "a list of test results", MOST_RESULTS)
    return tuple(_parse_result(item, clean, repeated, brief=brief) for item in items)


def parse_attachments(
    result_id: str, data: object, clean: Clean = clean_text
) -> Attachments | None:
    """Return what one test result offers, ``None`` for nothing; raises :class:`MalformedAnswer`.

    The API promises no shape: a text or an object with an address is taken, anything else is not.
    """
    fields = _Fields(data, "a test result", clean, strict=False)
    number = fields.integer("id")
    if number is not None and str(number) != result_id:
        raise MalformedAnswer(f"result {number} was returned instead of result {result_id}")
    output = fields.data.get("processOutput")
    address = next(iter(_addresses([output], clean)), None)
    text = output if isinstance(output, str) and address is None else ""
    cleaned = clean(text[-MOST_OUTPUT_READ:])
    found = Attachments(
        screenshots=_addresses(fields.data.get("screenShots"), clean),
        videos=_addresses(fields.data.get("videos"), clean),
        output_url=address,
        output=last_lines(cleaned, MOST_OUTPUT_LINES, MOST_OUTPUT) if cleaned.strip() else "",
    )
    return None if found == Attachments() else found


def _addresses(items: object, clean: Clean) -> tuple[str, ...]:
    """Return the addresses in a list, each once; addresses that hold the token are left out."""
    found = dict.fromkeys(map(_address, items if isinstance(items, list) else []))
    kept = (address for address in found if address and clean(address) == address)
    return tuple(islice(kept, MOST_ADDRESSES))


def _address(item: object) -> str | None:
    """Return the address that an item is, or that stands in a field of it, if there is one."""
    values = [item]
    if isinstance(item, dict):
        named = [name for name in item if name.lower().endswith(("url", "href", "src", "link"))]
        # "url" itself before what is only about it, such as a "thumbnailUrl".
        values = [item[name] for name in sorted(named, key=lambda name: name.lower() != "url")]
    texts = (value for value in values if isinstance(value, str))
    return next((text for text in texts if _is_address(text)), None)


def _is_address(text: str) -> bool:
    return len(text) <= LONGEST_ADDRESS and re.fullmatch(_ADDRESS, text) is not None


_ADDRESS = (
    r"https://[A-Za-z0-9][A-Za-z0-9.-]{0,252}(?::[0-9]{1,5})?"
    r"(?:[/?#][A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]*)?"
)
"""An address on the web that is encrypted, with the characters of RFC 3986 and without a user."""


def parse_account_name(data: object, clean: Clean = clean_text) -> str | None:
    """Return the account's name as it stands in web addresses; raises :class:`MalformedAnswer`."""
    name = _Fields(data, "an account", clean).line("name")
    return name if name and re.fullmatch(r"[\w.~-]+", name, re.ASCII) else None


def parse_entries(data: object, clean: Clean = clean_text) -> Sequence[Entry]:
    """Build a list of projects, environments or test suites; raises :class:`MalformedAnswer`."""
    entries = [
        _Fields(item, "an entry", clean, strict=False) for item in _items(data, "a list", MOST_RUNS)
    ]
    return tuple(
        Entry(id=entry.integer("id"), key=entry.line("key"), name=entry.line("name"))
        for entry in entries
    )


def _parse_result(data: object, clean: Clean, repeated: Clean, *, brief: bool) -> TestResult:
    about = _Fields(data, "a test result", clean, strict=False)
    project_test = about.data.get("projectTest")
    test = _object({} if project_test is None else project_test, "a project test")
    name, file = test.get("name"), test.get("file")
    status, status_text = about.status(_RESULT_STATUSES, ResultStatus.UNKNOWN, repeated)
    number = about.integer("id")
    return TestResult(
        id="" if number is None else str(number),
        name=(one_line(clean(name)) if isinstance(name, str) else "")
        or (UNNAMED_TEST if number is None else f"test {number}"),
        file=repeated(file) if isinstance(file, str) else "",
        status=status,
        status_text=status_text,
        duration=None if brief else about.milliseconds("duration"),
        error=None if brief else about.text("error"),
        stack_trace=None if brief else about.text("stackTrace"),
    )


def _object(data: object, subject: str) -> Mapping[str, object]:
    if not isinstance(data, dict):
        raise MalformedAnswer(f"{subject} was expected, not {_kind(data)}")
    return data


def _items(data: object, subject: str, most: int) -> Sequence[object]:
    if not isinstance(data, list):
        raise MalformedAnswer(f"{subject} was expected, not {_kind(data)}")
    if len(data) > most:
        raise MalformedAnswer(f"{subject} has {len(data)} items; the maximum is {most}")
    return data


_RUN_STATUSES = {status.value: status for status in RunStatus if status.value}
_RESULT_STATUSES = {status.value: status for status in ResultStatus if status.value}


class _Fields:
    """Reads one JSON object.

    A wrong type is a :class:`MalformedAnswer` if this is ``strict``; else it counts as missing.
    """

    __slots__ = ("_clean", "_strict", "_subject", "data")

    def __init__(self, data: object, subject: str, clean: Clean, *, strict: bool = True) -> None:
        self.data = _object(data, subject)
        self._subject = subject
        self._clean = clean
        self._strict = strict

    def text(self, name: str, clean: Clean | None = None) -> str | None:
        value = self.data.get(name)
        if value is None:
            return None
        if isinstance(value, str):
            return (clean or self._clean)(value)
        self._expect(name, "a string")
        return None

    def status(
        self, known: Mapping[str, _S], unknown: _S, clean: Clean | None = None
    ) -> tuple[_S, str]:
        """Return the status, which must be exactly one of the known words, and its text.

        The text of a word that only looks like a known one shows the difference. A status is
        evidence: one of a wrong type is malformed, whether this is strict or not.
        """
        value = self.data.get("status")
        if not isinstance(value, str):
            self._expect("status", "a string", strict=True)
            return unknown, ""
        if value in known:
            return known[value], value
        text = one_line((clean or self._clean)(value))
        return unknown, ascii(value) if text in known else text

    def line(self, name: str) -> str | None:
        value = self.text(name)
        return None if value is None else one_line(value)

    def label(self, name: str) -> str | None:
        """Return a line; some clients send a build's key as a number."""
        value = self.data.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            number = self.integer(name)
            return None if number is None else str(number)
        return self.line(name)

    def lines(self, name: str) -> tuple[str, ...]:
        value = self.data.get(name)
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return tuple(one_line(self._clean(item)) for item in value)
        self._expect(name, "a list of strings")
        return ()

    def boolean(self, name: str) -> bool | None:
        value = self.data.get(name)
        if isinstance(value, bool):
            return value
        self._expect(name, "true or false")
        return None

    def integer(self, name: str) -> int | None:
        value = self.data.get(name)
        if value is None:
            return None
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _LARGEST:
            return value
        self._expect(name, "a whole number below 2**53")
        return None

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
        whole = self.integer(name)
        return None if whole is None else Fraction(whole)

    def milliseconds(self, name: str) -> timedelta | None:
        value = self.data.get(name)
        if not isinstance(value, float) or not math.isfinite(value):
            value = self.integer(name)
            if value is None:
                return None
        try:
            return value * _MILLISECOND
        except OverflowError:  # no clock holds it
            return None

    def time(self, name: str) -> datetime | None:
        """Return a time as UTC, or ``None`` for a text in no known format.

        Years far in the past or future give ``None`` too: some systems write the first or the last
        possible year where they have no time.
        """
        value = self.data.get(name)
        if not isinstance(value, str):
            self._expect(name, "a string")
            return None
        try:
            time = datetime.fromisoformat(clean_text(value))
        except ValueError:
            return None
        if time.year not in _YEARS:
            return None
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)

    def _expect(self, name: str, expected: str, *, strict: bool = False) -> None:
        value = self.data.get(name)
        if (strict or self._strict) and value is not None:
            raise MalformedAnswer(f"{name} of {self._subject} is {_kind(value)}, not {expected}")


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return _KINDS.get(type(value), type(value).__name__)


_KINDS: Mapping[type, str] = {
    type(None): "null",
    int: "a number",
    float: "a number",
    str: "a string",
    list: "a list",
    dict: "an object",
}
