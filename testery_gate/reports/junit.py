"""JUnit XML that its many readers all read the same way, valid against Jenkins xunit's schema.

Flat suites; every case has a name, a class and a time, and at most one result element, whose text
starts with its message. No two cases have the same suite, class and name: GitLab would drop one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import assert_never
from xml.etree import ElementTree as ET

from junit_xml import TestCase, TestSuite

from testery_gate.criteria import Unit, format_percentage, format_value, measure
from testery_gate.errors import ExitCode
from testery_gate.gate import Check, CheckState, Verdict
from testery_gate.model import ResultStatus, TestResult, TestRun, clean_text, one_line

LINE_LIMIT = 500
"""The most characters that a name, a message or a property has."""

TEXT_LIMIT = 50_000
"""The most characters that the text of one case has, if few cases have one."""

REPORT_LIMIT = 28_000_000
"""How many characters a report should have at most: GitLab refuses a file of 30 MB.

So the more cases have a text, the shorter each may be, down to 100 characters.
"""

_SHORTEST_TEXT = 100

_CASE_SIZE = 300  # what a case takes besides its message and text, about


def render(verdicts: Sequence[Verdict]) -> str:
    """Return the report on one verdict or more, to be written as UTF-8."""
    if not verdicts:
        raise ValueError("a report needs a verdict")
    document = _Document()
    suite_names = _Names()
    text_limit = _text_limit(verdicts)
    for verdict in verdicts:
        origin = f" (run {verdict.run_id})" if len(verdicts) > 1 else ""
        document.add(_gate_suite(verdict, suite_names.unique(f"testery-gate{origin}")))
        for file, results in _by_file(verdict.results or ()).items():
            name = suite_names.unique(f"{_line(file) or _NO_FILE}{origin}")
            document.add(_test_suite(verdict, file, results, name, text_limit))
    return document.text()


class _Document:
    """Suites as text as soon as they are made: as one tree they take several times as much."""

    def __init__(self) -> None:
        self._root = ET.Element(
            "testsuites", name="testery-gate", tests="0", failures="0", errors="0", time="0.000"
        )
        self._texts: list[str] = []

    def add(self, parts: Iterator[ET.Element]) -> None:
        """Add a suite; parts after the first have more of its cases."""
        suite = next(parts)
        more_cases = []
        for part in parts:
            _add_counts(suite, part)
            text = _indented(part)
            more_cases.append(text[text.index(">") + 1 : text.rindex("\n")])
        _add_counts(self._root, suite)
        text = _indented(suite)
        end = text.rindex("\n")
        self._texts += ["\n  ", text[:end], *more_cases, text[end:]]

    def text(self) -> str:
        """Return the whole document."""
        opening = ET.tostring(self._root, encoding="unicode").removesuffix(" />")
        head = f'<?xml version="1.0" encoding="UTF-8"?>\n{opening}>'
        return "".join([head, *self._texts, "\n</testsuites>\n"])


def _add_counts(whole: ET.Element, part: ET.Element) -> None:
    for name in ("tests", "failures", "errors", "skipped", "time"):
        if name in whole.attrib:
            whole.set(name, str(Decimal(whole.attrib[name]) + Decimal(part.attrib[name])))


def _indented(suite: ET.Element) -> str:
    ET.indent(suite, level=1)
    return ET.tostring(suite, encoding="unicode")


def _gate_suite(verdict: Verdict, name: str) -> Iterator[ET.Element]:
    class_name = "testery-gate"
    if verdict.run is not None and verdict.run.environment:
        class_name = _line(f"testery-gate.{verdict.run.environment}")
    missing = Check(
        name="checks",
        state=CheckState.INCONCLUSIVE,
        message=verdict.reason,
        expected_text="some",
        actual_text="none",
    )
    names = _Names()
    cases = []
    for check in verdict.checks or (missing,):  # no reader may take an empty suite for success
        case = TestCase(names.unique(_line(check.name) or _NO_NAME), class_name)
        _tell_check(case, check, verdict)
        cases.append(case)
    properties = _properties(verdict)
    suite = TestSuite(name, cases, timestamp=_timestamp(verdict.run), properties=properties)
    yield _element(suite, [0] * len(cases))


def _tell_check(case: TestCase, check: Check, verdict: Verdict) -> None:
    facts = (
        check.message,
        f"expected: {check.expected_text}",
        f"found: {check.actual_text}",
        verdict.advice,
        verdict.web_url,
    )
    body = "\n".join(fact for fact in facts if fact)
    message, text = _message_and_text(body, check.state.value, TEXT_LIMIT)
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
            failed = verdict.exit_code is ExitCode.FAILED
            kind = check.state.value if failed else verdict.exit_code.outcome
            case.add_error_info(message, text, kind)
        case _:
            assert_never(check.state)


def _test_suite(
    verdict: Verdict, file: str, results: Sequence[TestResult], name: str, text_limit: int
) -> Iterator[ET.Element]:
    file = _line(file)
    class_name = _class_name(file)
    names = _Names()
    for start in range(0, len(results), _BATCH):
        batch = results[start : start + _BATCH]
        cases = []
        for result in batch:
            case = TestCase(names.unique(_line(result.name) or _NO_NAME), class_name)
            _tell_result(case, result, text_limit)
            cases.append(case)
        suite = TestSuite(name, cases, timestamp=_timestamp(verdict.run), file=file)
        yield _element(suite, [_milliseconds(result.duration) for result in batch])


_BATCH = 100


def _tell_result(case: TestCase, result: TestResult, text_limit: int) -> None:
    match result.status:
        case ResultStatus.PASS:
            pass
        case ResultStatus.FAIL:
            otherwise = "Testery calls this test FAIL, and gives no error"
            told = _message_and_text(_error(result), otherwise, text_limit)
            case.add_failure_info(*told, "failed")
        case (
            ResultStatus.IGNORED
            | ResultStatus.NOT_RUN
            | ResultStatus.PENDING
            | ResultStatus.RUNNING
        ):
            reason = f"Testery calls this test {result.status.value}"
            told = _message_and_text(f"{reason}\n{_error(result)}", reason, text_limit)
            case.add_skipped_info(*told)
        case ResultStatus.UNKNOWN:
            # An error, as the gate itself treats a status that it does not know: as skipped the
            # test would read as harmless, as failed it would read as judged.
            reason = "the test has no status"
            if result.status_text:
                reason = f"the test's status, {result.status_text}, is none that the gate knows"
            told = _message_and_text(f"{reason}\n{_error(result)}", reason, text_limit)
            case.add_error_info(*told, "unknown")
        case _:
            assert_never(result.status)


def _error(result: TestResult) -> str:
    error, stack_trace = result.error or "", result.stack_trace or ""
    if stack_trace.startswith(error):
        return stack_trace
    return f"{error}\n\n{stack_trace}"


def _element(suite: TestSuite, milliseconds: Sequence[int]) -> ET.Element:
    """Build the suite, and mend what no reader needs or the schema forbids.

    junit-xml writes ``disabled``, drops times of 0, and sums the others as floats.
    """
    element: ET.Element = suite.build_xml_doc()
    del element.attrib["disabled"]
    element.set("time", _seconds(sum(milliseconds)))
    for case, time in zip(element.iter("testcase"), milliseconds, strict=True):
        case.set("time", _seconds(time))
    return element


def _seconds(milliseconds: int) -> str:
    return f"{milliseconds // 1000}.{milliseconds % 1000:03d}"


def _milliseconds(duration: timedelta | None) -> int:
    return 0 if duration is None else max(0, duration // _MILLISECOND)


_MILLISECOND = timedelta(milliseconds=1)


def _timestamp(run: TestRun | None) -> str | None:
    """Return when the run started, in UTC without saying so: that is how it is read."""
    if run is None or run.start_time is None:
        return None
    return run.start_time.replace(tzinfo=None).isoformat(timespec="seconds")


def _properties(verdict: Verdict) -> Mapping[str, str]:
    facts: Mapping[str, object] = {
        "run-id": verdict.run_id,
        "address": verdict.web_url,
        "outcome": verdict.exit_code.outcome,
        "exit-code": verdict.exit_code.value,
        "reason": verdict.reason,
        "advice": verdict.advice,
        "notes": "; ".join(verdict.notes),
        "decided-early": "true" if verdict.decided_early else None,
        "open-tests": verdict.open_tests,
        **(_run_facts(verdict.run) if verdict.run is not None else {}),
    }
    lines = {name: "" if fact is None else _line(str(fact)) for name, fact in facts.items()}
    return {name: line for name, line in lines.items() if line}


def _run_facts(run: TestRun) -> Mapping[str, object]:
    """Return what is known of a run, under the words that ``--expect`` and criteria use."""
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
        "include-tags": ", ".join(run.include_tags),
        **{name: None if time is None else time.isoformat() for name, time in times.items()},
        **{
            metric.value: format_percentage(value)
            if metric.unit is Unit.PERCENT
            else format_value(value, metric.unit)
            for metric, value in measure(run).items()
            if value is not None
        },
    }


def _by_file(results: Sequence[TestResult]) -> Mapping[str, Sequence[TestResult]]:
    files: dict[str, list[TestResult]] = {}
    for result in results:
        files.setdefault(result.file, []).append(result)
    return files


def _class_name(file: str) -> str:
    """Return the file with dots for slashes and no extension: Jenkins reads a.b as b in a."""
    path, _, name = file.replace("\\", "/").strip("./").rpartition("/")
    stem = name.rpartition(".")[0] or name
    return f"{path}/{stem}".strip("/").replace("/", ".") or _NO_FILE


_NO_NAME = "(no name)"
_NO_FILE = "(no file)"


class _Names:
    """Gives out each name once, and numbers the repeats."""

    def __init__(self) -> None:
        self._next_numbers: dict[str, int] = {}

    def unique(self, name: str) -> str:
        candidate = name
        number = self._next_numbers.get(name, 1)
        while candidate in self._next_numbers:
            number += 1
            candidate = f"{name} ({number})"
        self._next_numbers[name] = number
        self._next_numbers.setdefault(candidate, 1)
        return candidate


def _text_limit(verdicts: Sequence[Verdict]) -> int:
    """Return how long the text of one test's case may be, so that the report is not too large."""
    cases = texts = 0
    for verdict in verdicts:
        for result in verdict.results or ():
            cases += 1
            texts += result.status is not ResultStatus.PASS
    share = (REPORT_LIMIT - _CASE_SIZE * cases) // max(texts, 1)  # for message and text
    return min(TEXT_LIMIT, max(share - LINE_LIMIT, share // 2, _SHORTEST_TEXT))


def _message_and_text(body: str, otherwise: str, text_limit: int) -> tuple[str, str]:
    """Return the first line, and a text that starts with it: GitLab shows the text alone."""
    body = clean_text(body).strip()
    first_line = body.partition("\n")[0].rstrip() or otherwise
    message = _shortened(first_line, min(LINE_LIMIT, text_limit))
    text = body if body.startswith(message) else f"{message}\n{body}".rstrip()
    excess = len(text) - text_limit
    if excess > 0:
        text = f"{text[:text_limit]}\n[{excess} more characters are left out here]"
    return message, text


def _line(text: str) -> str:
    return _shortened(one_line(clean_text(text)), LINE_LIMIT)


def _shortened(line: str, limit: int) -> str:
    return line if len(line) <= limit else f"{line[: limit - 1]}…"
