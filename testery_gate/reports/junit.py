"""JUnit XML that all its readers read the same way, valid against Jenkins xunit's schema.

Suites are flat. Every case has a name, a class and a time, and at most one result element, whose
text starts with its message. No two cases have the same suite, class and name, because GitLab would
drop one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from enum import Enum
from typing import assert_never
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from junit_xml import TestCase, TestSuite

from testery_gate.errors import ExitCode
from testery_gate.evidence import own_junit
from testery_gate.evidence.classes import Evidence
from testery_gate.evidence.outcomes import TestId
from testery_gate.judging.criteria import (
    Metric,
    Unit,
    format_percentage,
    format_value,
    measure,
    measure_tests,
)
from testery_gate.judging.judged import Judged
from testery_gate.judging.verdict import Check, CheckState
from testery_gate.model import ResultStatus, TestResult, TestRun
from testery_gate.reports.cases import (
    TEXT_LIMIT,
    Element,
    Names,
    Outcome,
    line,
    message_and_text,
    milliseconds,
    outcome,
    text_limit,
)
from testery_gate.reports.view import NO_FILE, NO_NAME, TOLERATED


class Scope(Enum):
    """Which cases a report has."""

    ALL = "all"
    GATE = "gate"
    TESTS = "tests"


class Tolerated(Enum):
    """What a failed test becomes if its run passed the gate."""

    FAILURE = "failure"
    SKIPPED = "skipped"


def render(
    runs: Sequence[Judged],
    *,
    scope: Scope | str = Scope.ALL,
    tolerated: Tolerated | str = Tolerated.FAILURE,
) -> str:
    """Return the report on one run or more, to be written as UTF-8.

    For a run without tests the checks are cases in every scope, so that no report is empty.
    """
    if not runs:
        raise ValueError("a report needs a run")
    scope, tolerated = Scope(scope), Tolerated(tolerated)
    document = _Document()
    suite_names = Names()
    limit = text_limit(runs)
    for judged in runs:
        origin = f" (run {judged.run_id})" if len(runs) > 1 else ""
        results = () if scope is Scope.GATE else judged.results or ()
        if scope is not Scope.TESTS or not results:
            document.add(_gate_suite(judged, suite_names.unique(f"testery-gate{origin}")))
        # The properties of a run are in its first suite.
        facts = _properties(judged, own_junit.TESTS) if scope is Scope.TESTS else {}
        classes = {} if judged.evidence is None else _classes(judged.evidence)
        for in_file in _by_file(results):
            file = line(TestId.of(in_file[0]).file)
            name = suite_names.unique(f"{file or NO_FILE}{origin}")
            suite = _test_suite(judged, file, in_file, name, limit, tolerated, facts, classes)
            document.add(*suite)
            facts = {}
    return document.text()


class _Document:
    """Suites, each stored as text: as one tree they would take several times as much memory."""

    def __init__(self) -> None:
        self._root = ET.Element(
            "testsuites",
            name=own_junit.ROOT_NAME,
            tests="0",
            failures="0",
            errors="0",
            time="0.000",
        )
        self._texts: list[str] = []

    def add(self, suite: ET.Element, cases: Sequence[str] = ()) -> None:
        """Add a suite; ``cases`` are its content as texts, where it is not in it as elements."""
        _add_counts(self._root, suite)
        if cases:
            self._texts += ["\n  ", _opening(suite), *cases, f"\n  </{suite.tag}>"]
        else:
            self._texts += ["\n  ", _indented(suite, level=1)]

    def text(self) -> str:
        head = f'<?xml version="1.0" encoding="UTF-8"?>\n{_opening(self._root)}'
        return "".join([head, *self._texts, f"\n</{self._root.tag}>\n"])


def _add_counts(whole: ET.Element, part: ET.Element) -> None:
    for name in ("tests", "failures", "errors", "skipped", "time"):
        if name in whole.attrib:
            whole.set(name, str(Decimal(whole.attrib[name]) + Decimal(part.attrib[name])))


def _opening(element: ET.Element) -> str:
    return ET.tostring(element, encoding="unicode").removesuffix(" />") + ">"


def _indented(element: ET.Element, *, level: int) -> str:
    ET.indent(element, level=level)
    return ET.tostring(element, encoding="unicode")


def _gate_suite(judged: Judged, name: str) -> ET.Element:
    class_name = "testery-gate"
    if judged.run is not None and judged.run.environment:
        class_name = line(f"testery-gate.{judged.run.environment}")
    missing = Check(
        name="checks",
        state=CheckState.INCONCLUSIVE,
        message=judged.verdict.reason,
        expected_text="some",
        actual_text="none",
    )
    names = Names()
    cases = []
    # A suite is never empty, because readers could take that for success.
    for check in judged.verdict.checks or (missing,):
        case = TestCase(names.unique(line(check.name) or NO_NAME), class_name)
        _add_check_result(case, check, judged)
        cases.append(case)
    properties = _properties(judged, own_junit.CHECKS)
    suite = TestSuite(name, cases, timestamp=_timestamp(judged.run), properties=properties)
    return _element(suite, [0] * len(cases))


def _add_check_result(case: TestCase, check: Check, judged: Judged) -> None:
    facts = (
        check.message,
        f"expected: {check.expected_text}",
        f"found: {check.actual_text}",
        check.advice,
        judged.web_url,
    )
    body = "\n".join(fact for fact in facts if fact)
    message, text = message_and_text(body, check.state.value, TEXT_LIMIT)
    match check.state:
        case CheckState.HOLDS:
            pass
        case CheckState.OPEN:
            case.add_skipped_info(message, text)
        case CheckState.BREACHED | CheckState.INCONCLUSIVE if not check.deciding:
            case.stdout = f"warning: {text}"
        case CheckState.BREACHED:
            case.add_failure_info(message, text, check.state.value)
        case CheckState.INCONCLUSIVE:
            failed = judged.exit_code is ExitCode.FAILED
            kind = check.state.value if failed else judged.exit_code.outcome
            case.add_error_info(message, text, kind)
        case _:
            assert_never(check.state)


def _test_suite(
    judged: Judged,
    file: str,
    results: Sequence[TestResult],
    name: str,
    limit: int,
    tolerated: Tolerated,
    facts: Mapping[str, str],
    classes: Mapping[TestId, str],
) -> tuple[ET.Element, Sequence[str]]:
    """Return a suite and, separately, its cases as texts, in the order of the results.

    The first text has the classes of failing tests as properties of the suite, because the schema
    allows no properties in a case.

    Most tests pass, and their cases are written directly as text: as elements they would take
    several times as long as all else. The others become text one by one, to save memory.
    """
    class_name = _class_name(file)
    quoted_class_name = _quoted(class_name)
    tolerates = tolerated is Tolerated.SKIPPED and judged.exit_code is ExitCode.PASSED
    names = Names()
    timestamp = _timestamp(judged.run)
    whole = _element(TestSuite(name, timestamp=timestamp, file=file), [])
    cases: list[str] = []
    numbered: list[str] = []
    of_cases: dict[str, str] = {}
    total = 0
    for number, result in enumerate(results, start=1):
        own_name = line(TestId.of(result).name) or NO_NAME
        case_name = names.unique(own_name)
        if case_name != own_name:
            numbered.append(str(number))
        time = milliseconds(result.duration)
        total += time
        found = outcome(result, limit, tolerated=tolerates)
        if found is None:
            cases.append(_passed(_quoted(case_name), quoted_class_name, time))
            continue
        case = TestCase(case_name, class_name)
        _add_outcome(case, found)
        part = _element(TestSuite(name, [case]), [time])
        _add_counts(whole, part)
        cases.append(f"\n    {_indented(part[0], level=2)}")
        class_ = classes.get(TestId.of(result)) if classes else None
        if class_ is not None and result.status is ResultStatus.FAIL:
            of_cases[f"class: {case_name}"] = class_
    whole.set("tests", str(len(results)))
    whole.set("time", _seconds(total))
    if numbered:
        of_cases[own_junit.NUMBERED] = " ".join(numbered)
    return whole, [*_properties_text({**facts, **of_cases}), *cases]


def _properties_text(properties: Mapping[str, str]) -> Iterator[str]:
    if properties:
        whole = ET.Element("properties")
        for name, value in properties.items():
            ET.SubElement(whole, "property", name=name, value=value)
        yield f"\n    {_indented(whole, level=2)}"


def _classes(evidence: Evidence) -> Mapping[TestId, str]:
    tolerated = {TestId.of(result): TOLERATED for result in evidence.tolerated}
    return tolerated | {
        test: failure.failure_class.value for test, failure in evidence.by_test.items()
    }


def _passed(name: str, class_name: str, time: int) -> str:
    return f'\n    <testcase name="{name}" classname="{class_name}" time="{_seconds(time)}" />'


def _quoted(text: str) -> str:
    return escape(text).replace('"', "&quot;")


def _add_outcome(case: TestCase, special: Outcome) -> None:
    match special.element:
        case Element.FAILURE:
            case.add_failure_info(special.message, special.text, "failed")
        case Element.ERROR:
            case.add_error_info(special.message, special.text, "unknown")
        case Element.SKIPPED:
            case.add_skipped_info(special.message, special.text)
        case _:
            assert_never(special.element)


def _element(suite: TestSuite, times: Sequence[int]) -> ET.Element:
    """Return the suite as an element that is valid by the schema; times are in milliseconds.

    junit-xml alone writes ``disabled``, drops times of 0, and sums the others as floats.
    """
    element: ET.Element = suite.build_xml_doc()
    del element.attrib["disabled"]
    element.set("time", _seconds(sum(times)))
    for case, time in zip(element.iter("testcase"), times, strict=True):
        case.set("time", _seconds(time))
    return element


def _seconds(time: int) -> str:
    return f"{time // 1000}.{time % 1000:03d}"


def _timestamp(run: TestRun | None) -> str | None:
    """Return when the run started, in UTC without a zone, as readers expect it."""
    if run is None or run.start_time is None:
        return None
    return run.start_time.replace(tzinfo=None).isoformat(timespec="seconds")


def _properties(judged: Judged, content: str) -> Mapping[str, str]:
    facts: Mapping[str, object] = {
        own_junit.FORMAT: own_junit.FORMAT_VERSION,
        own_junit.CONTENT: content,
        "run-id": judged.run_id,
        "address": judged.web_url,
        "outcome": judged.exit_code.outcome,
        "exit-code": judged.exit_code.value,
        "reason": judged.verdict.reason,
        "advice": judged.verdict.advice,
        "notes": "; ".join(judged.all_notes),
        "decided-early": "true" if judged.verdict.decided_early else None,
        "open-tests": judged.verdict.open_tests,
        "baseline": judged.evidence and judged.evidence.baseline.description,
        **(_run_facts(judged.run, judged.evidence) if judged.run is not None else {}),
    }
    lines = {name: "" if fact is None else line(str(fact)) for name, fact in facts.items()}
    return {name: special for name, special in lines.items() if special}


def _run_facts(run: TestRun, evidence: Evidence | None) -> Mapping[str, object]:
    """Return what is known of a run, by the names that ``--expect`` and criteria use."""
    measured = {**measure(run), **measure_tests(evidence)}
    times = {"created": run.create_time, "started": run.start_time, "ended": run.end_time}
    return {
        "name": run.name,
        "status": run.status_text,
        "status-info": run.status_info,
        "complete": None if run.complete is None else str(run.complete).lower(),
        "project-id": run.project_id,
        "environment": run.environment,
        "git-ref": run.git_ref,
        "build-key": run.build_key,
        "branch": run.branch,
        "include-tags": ", ".join(run.include_tags),
        **{name: None if time is None else time.isoformat() for name, time in times.items()},
        **{
            metric.value: format_percentage(value)
            if metric.unit is Unit.PERCENT
            else format_value(value, metric.unit)
            for metric in Metric
            if (value := measured[metric]) is not None
        },
    }


def _by_file(results: Sequence[TestResult]) -> Iterable[Sequence[TestResult]]:
    files: dict[str, list[TestResult]] = {}
    for result in results:
        files.setdefault(result.file, []).append(result)
    return files.values()


def _class_name(file: str) -> str:
    """Return the file with dots for slashes and no extension: for Jenkins, a.b is b in a."""
    path, _, name = file.replace("\\", "/").strip("./").rpartition("/")
    stem = name.rpartition(".")[0] or name
    return f"{path}/{stem}".strip("/").replace("/", ".") or NO_FILE
