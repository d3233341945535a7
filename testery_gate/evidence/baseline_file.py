"""A baseline from a report that the gate wrote about an earlier run: its JSON, or its JUnit XML."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NoReturn
from xml.parsers import expat

from testery_gate.errors import ExitCode, UsageError
from testery_gate.evidence import own_junit
from testery_gate.evidence.baseline import Baseline, why_no_baseline
from testery_gate.evidence.outcomes import EarlierRun, outcomes_of, why_cut_off, why_unusable
from testery_gate.model import (
    MOST_RESULTS,
    MalformedAnswer,
    ResultStatus,
    TestResult,
    TestRun,
    decode_json,
    parse_run,
)
from testery_gate.text import clean_line, shorten

MOST_BYTES = 64 * 1024 * 1024
MOST_VALUES = 4_000_000
"""JSON values, each of which takes up to 200 bytes to read: about 400,000 tests."""

_JSON_VERSION = "1"
"""The first number of the JSON report's version that is understood; the second may be any."""

_ADVICE = (
    "Pass the JSON or JUnit report that the gate wrote about an earlier run"
    " (--report json=PATH, --junit-xml PATH)."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedRun:
    """A run as a report shows it."""

    run: TestRun | None
    """The facts that the report has; ``None`` if the API never showed the run."""
    outcome: str
    """How the gate ended for it."""
    decided_early: bool
    results: Sequence[TestResult] | None
    """Its tests by file, name and status alone; ``None`` if the report has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileBaseline:
    """What a report offers as a baseline."""

    source: str
    runs: Sequence[ReportedRun]

    def for_run(self, run: TestRun) -> Baseline:
        """Return what this run is compared with, or why there is nothing."""
        meant = self.meant(run)
        if isinstance(meant, str):
            return Baseline(source=self.source, why_none=meant)
        earlier, reported = meant
        why = why_no_baseline(_as_reported(run), _as_reported(earlier)) or why_no_tests(
            earlier, reported
        )
        if why:
            return Baseline(source=self.source, why_none=self.unusable(why))
        results = reported.results or ()
        return Baseline(
            earlier=EarlierRun(run=earlier, outcomes=outcomes_of(results)),
            source=self.source,
            cut_off=why_cut_off(earlier, results),
        )

    def meant(self, run: TestRun) -> tuple[TestRun, ReportedRun] | str:
        """Return the run of the report that a run is compared with, or why there is none.

        If the report has only one run, it is that one, whatever its name. Of several it is the one
        of the same project, environment and name.
        """
        reported = self.runs
        if len(reported) > 1:
            reported = [one for one in reported if one.run and _kind(one.run) == _kind(run)]
        if len(reported) != 1:
            found = len(reported) or "none"
            return self.unusable(
                f"it has {len(self.runs)} runs, {found} of them of the same project, environment"
                " and name"
            )
        (meant,) = reported
        if meant.run is None:
            return self.unusable(f"it shows no run: the gate ended with {_words(meant.outcome)}")
        return meant.run, meant

    def unusable(self, why: str) -> str:
        """Return a sentence that says why the report can't be used."""
        return f"{self.source} can't be used: {why}"


def why_no_tests(run: TestRun, reported: ReportedRun) -> str:
    """Return why the report on a finished run has too few facts; empty if it has enough."""
    if reported.decided_early:
        return f"run {run.id} was judged before its end"
    if reported.outcome not in _JUDGED:
        return f"the gate ended with {_words(reported.outcome)} for run {run.id}"
    if reported.results is None:
        return (
            f"it has no single tests of run {run.id}, as it was written without them"
            " (--no-test-results, --junit-scope gate) or Testery did not offer them"
        )
    return why_unusable(run, reported.results) or (
        "" if reported.results else f"run {run.id} had no tests"
    )


_JUDGED = {code.outcome for code in (ExitCode.PASSED, ExitCode.FAILED, ExitCode.INCONCLUSIVE)}


def _kind(run: TestRun) -> tuple[int | None, str, str]:
    run = _as_reported(run)
    return run.project_id, run.environment or "", run.name or ""


def _as_reported(run: TestRun) -> TestRun:
    """Return the run with texts shortened as in a JUnit report."""
    return replace(
        run,
        name=_shown(run.name),
        environment=_shown(run.environment),
        git_ref=_shown(run.git_ref),
        build_key=_shown(run.build_key),
    )


def _shown(text: str | None) -> str | None:
    return text and shorten(text, own_junit.LONGEST_VALUE)


def _words(outcome: str) -> str:
    return clean_line(outcome).replace("_", " ")


def read_baseline_file(content: bytes, source: str) -> FileBaseline:
    """Return what the report has; ``source`` is the file's name.

    Raises :class:`UsageError` for a file that is not a report of the gate, or is damaged.
    """
    if len(content) > MOST_BYTES:
        raise _refused(source, f"is larger than {MOST_BYTES // 1024 // 1024} MiB")
    try:
        runs = _runs_of(content)
    except _ForeignError as error:
        raise _refused(source, str(error) or "is no report of testery-gate") from None
    except MalformedAnswer as error:
        raise _refused(source, f"is a damaged report: {clean_line(str(error))}") from None
    return FileBaseline(source=source, runs=runs)


def _runs_of(content: bytes) -> Sequence[ReportedRun]:
    match content.lstrip(_BEFORE_TEXT)[:1]:
        case b"{":
            return _runs_of_json(content)
        case b"<":
            return _JUnit().runs_of(content)
        case _:
            raise _ForeignError


_BEFORE_TEXT = b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n"
"""Bytes before the first character: blanks, and marks of UTF-8 and UTF-16."""


class _ForeignError(Exception):
    """It is no report of the gate, or one that is not understood, as the message says."""


def _refused(source: str, why: str) -> UsageError:
    return UsageError(f"the baseline {source} {why}", advice=_ADVICE)


def _malformed(what: str) -> NoReturn:
    raise MalformedAnswer(what)


# JSON


def _runs_of_json(content: bytes) -> Sequence[ReportedRun]:
    try:
        report = _object(decode_json(content, MOST_VALUES), "the report")
    except MalformedAnswer:
        raise
    except (ValueError, RecursionError):
        raise MalformedAnswer("it is not JSON to its end") from None
    tool, version = report.get("tool"), report.get("schemaVersion")
    if not isinstance(tool, dict) or tool.get("name") != own_junit.ROOT_NAME:
        raise _ForeignError
    if not isinstance(version, str):
        _malformed("it has no schemaVersion")
    if version.partition(".")[0] != _JSON_VERSION:
        raise _ForeignError(
            f"has the schema version {shorten(clean_line(version), 20)};"
            f" this testery-gate reads {_JSON_VERSION}.x"
        )
    runs = [_run_of_json(_object(run, "a run")) for run in _list(report.get("runs"), "runs")]
    return runs or _malformed("it has no run")


def _run_of_json(reported: Mapping[str, object]) -> ReportedRun:
    outcome, early, listed = (reported.get(name) for name in ("outcome", "decidedEarly", "tests"))
    if not isinstance(outcome, str) or not isinstance(early, bool):
        _malformed("a run has no outcome")
    run = None
    if reported.get("run") is not None:
        metrics = _object(reported.get("metrics"), "metrics")
        counts = {
            f"{name}Count": metrics.get(metric)
            for name, metric in (
                ("total", "total"),
                ("pass", "passed"),
                ("fail", "failed"),
                ("ignored", "ignored"),
            )
        }
        facts = _object(reported["run"], "run")
        run = parse_run({**facts, **counts, "id": reported.get("id")}, selects=True)
    tests = None
    if listed is not None:
        _check_number(len(_list(listed, "tests")))
        tests = [_test_of_json(test) for test in _list(listed, "tests")]
    return ReportedRun(
        run=run,
        outcome=outcome,
        decided_early=early,
        results=tests,
    )


def _test_of_json(test: object) -> TestResult:
    fields = _object(test, "a test")
    name, file, status = (fields.get(key) for key in ("name", "file", "status"))
    if not isinstance(name, str) or not isinstance(file, str | None):
        _malformed("a test has no name")
    known = _STATUSES.get(status) if isinstance(status, str) else None
    return _test(file or "", name, known or ResultStatus.UNKNOWN)


_STATUSES = {status.value: status for status in ResultStatus}


def _object(value: object, what: str) -> Mapping[str, object]:
    return value if isinstance(value, dict) else _malformed(f"{what} is no object")


def _list(value: object, what: str) -> Sequence[object]:
    return value if isinstance(value, list) else _malformed(f"{what} is no list")


def _check_number(tests: int) -> None:
    if tests > MOST_RESULTS:
        raise _ForeignError(f"has more than {MOST_RESULTS} tests")


def _test(file: str, name: str, status: ResultStatus) -> TestResult:
    """Return a test with the facts that are used; others would only take memory."""
    return TestResult(
        id="",
        name=clean_line(name),
        file=clean_line(file),
        status=status,
        status_text=status.value,
    )


# JUnit


_Attributes = Mapping[str, str]


class _JUnit:
    """Reads the report element by element; unknown elements are ignored.

    A document type is refused, and with it every entity that a file could define.
    """

    def __init__(self) -> None:
        self._place: list[str] = []
        self._file = ""
        self._properties: dict[str, str] = {}
        self._cases: list[tuple[str, ResultStatus]] = []
        """Of the present suite, like the two above."""
        self._runs: list[tuple[Mapping[str, str], list[TestResult]]] = []
        """What is known of each run, and its tests."""
        self._number = 0
        """Of all cases so far."""

    def runs_of(self, content: bytes) -> Sequence[ReportedRun]:
        """Return the runs of a report; raises an error for one that is damaged or no report."""
        # The gate writes UTF-8; naming it here keeps a file from naming something else.
        parser = expat.ParserCreate("UTF-8")
        parser.StartDoctypeDeclHandler = _refuse_document_type
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        try:
            parser.Parse(content, True)
        except expat.ExpatError as error:
            raise MalformedAnswer(f"it is not XML to its end ({error})") from None
        return [
            ReportedRun(
                run=_run_of_properties(facts) if "status" in facts else None,
                outcome=facts.get("outcome", ""),
                decided_early="decided-early" in facts,
                # An empty suite is never written, so without tests there is no trace of them.
                results=tests or None,
            )
            for facts, tests in self._runs
        ] or _malformed("it has no run")

    def _start(self, tag: str, attributes: _Attributes) -> None:
        self._place.append(tag)
        match self._place:
            case ["testsuites"]:
                if attributes.get("name") != own_junit.ROOT_NAME:
                    raise _ForeignError
            case ["testsuites", "testsuite"]:
                self._file, self._properties, self._cases = attributes.get("file", ""), {}, []
            case ["testsuites", "testsuite", "properties", "property"]:
                name = attributes.get("name", "")
                if name in self._properties:
                    _malformed(f"the property {shorten(name, 40)} occurs more than once")
                self._properties[name] = attributes.get("value", "")
            case ["testsuites", "testsuite", "testcase"]:
                self._cases.append((attributes.get("name", ""), ResultStatus.PASS))
                self._number += 1
                _check_number(self._number)
            case ["testsuites", "testsuite", "testcase", element]:
                self._case_is(element, attributes.get("message", ""))
            case ["testsuites", "testsuite", "properties"]:
                pass
            case _:
                raise _ForeignError

    def _case_is(self, element: str, message: str) -> None:
        name, status = self._cases[-1]
        match element:
            case "failure":
                found = ResultStatus.FAIL
            case "error":
                found = ResultStatus.UNKNOWN
            case "skipped" if message.startswith(own_junit.TOLERATED):
                found = ResultStatus.FAIL
            case "skipped":
                found = ResultStatus.IGNORED
            case _:
                return
        if status is not ResultStatus.PASS:
            _malformed("a case has two results")
        self._cases[-1] = (name, found)

    def _end(self, tag: str) -> None:
        self._place.pop()
        if tag != "testsuite":
            return
        properties = self._properties
        version = properties.get(own_junit.FORMAT)
        if version is not None:
            if version != own_junit.FORMAT_VERSION:
                raise _ForeignError(
                    f"has the report format {shorten(version, 20)}; this testery-gate reads"
                    f" {own_junit.FORMAT_VERSION}"
                )
            self._runs.append((properties, []))
        elif not self._runs:
            raise _ForeignError
        if version is None or properties.get(own_junit.CONTENT) == own_junit.TESTS:
            self._add_tests(self._runs[-1][1])

    def _add_tests(self, tests: list[TestResult]) -> None:
        numbered = set(self._properties.get(own_junit.NUMBERED, "").split())
        for number, (name, status) in enumerate(self._cases, start=1):
            own_name = re.sub(r" \(\d+\)\Z", "", name) if str(number) in numbered else name
            tests.append(_test(self._file, own_name, status))


def _refuse_document_type(*_: object) -> NoReturn:
    raise _ForeignError("has a document type, which no report of testery-gate has")


def _run_of_properties(properties: Mapping[str, str]) -> TestRun:
    """Return the run; all that is in a property is a text."""
    numbers = {
        "id": "run-id",
        "projectId": "project-id",
        "totalCount": "total",
        "passCount": "passed",
        "failCount": "failed",
        "ignoredCount": "ignored",
    }
    texts = {
        "name": "name",
        "status": "status",
        "environment": "environment",
        "gitRef": "git-ref",
        "buildKey": "build-key",
        "branch": "branch",
        "createTime": "created",
        "startTime": "started",
        "endTime": "ended",
    }
    facts: dict[str, object] = {name: properties.get(label) for name, label in texts.items()}
    for name, label in numbers.items():
        text = properties.get(label)
        facts[name] = text if text is None or not re.fullmatch(_NUMBER, text) else int(text)
    facts["complete"] = {"true": True, "false": False}.get(properties.get("complete", ""))
    return parse_run(facts, selects=True)


_NUMBER = r"-?[0-9]{1,18}"
