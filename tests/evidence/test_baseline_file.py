"""A report that was kept is a baseline: what it says of single tests comes back unchanged."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from testery_gate.errors import ExitCode, UsageError
from testery_gate.evidence import baseline_file
from testery_gate.evidence.baseline import Baseline
from testery_gate.evidence.baseline_file import FileBaseline, read_baseline_file
from testery_gate.evidence.outcomes import (
    LONGEST_PART,
    EarlierRun,
    TestId,
    TestOutcome,
    outcomes_of,
)
from testery_gate.judging.judged import Judged
from testery_gate.model import ResultStatus, TestResult, TestRun, parse_results, parse_run
from testery_gate.redaction import Redaction
from testery_gate.reports import json_report, junit
from testery_gate.reports.junit import Scope, Tolerated
from testery_gate.text import clean_line
from tests.builders import (
    judge,
    make_answer,
    make_policy,
    make_result,
    make_run,
    not_judged,
    with_verdict,
)
from tests.canary import CANARY
from tests.reports.examples import EXAMPLES, HOSTILE, any_text

JUDGED = make_run(id=60_000, git_ref="f" * 40, build_key="24")
"""The run that is compared with what the report says."""

Write = Callable[[Sequence[Judged]], str]
WRITERS: dict[str, Write] = {
    "json": json_report.render,
    "junit": junit.render,
    "junit-tests": partial(junit.render, scope=Scope.TESTS),
    "junit-skipped": partial(junit.render, tolerated=Tolerated.SKIPPED),
}
formats = pytest.mark.parametrize(
    "write", [pytest.param(WRITERS[name], id=name) for name in WRITERS]
)


def read(content: str | bytes) -> FileBaseline:
    content = content.encode() if isinstance(content, str) else content
    return read_baseline_file(content, "kept.report")


def why_none(write: Write, *runs: Judged, judged: TestRun = JUDGED) -> str:
    found = read(write(runs)).for_run(judged)
    assert found.earlier is None
    return found.why_none.removeprefix("kept.report can't be used: ")


def used(found: Baseline) -> EarlierRun:
    assert found.source == "kept.report"
    assert found.earlier is not None, found.why_none
    return found.earlier


def usable(write: Write, *runs: Judged, judged: TestRun = JUDGED) -> EarlierRun:
    return used(read(write(runs)).for_run(judged))


def judged_with(*results: TestResult, **fields: Any) -> Judged:
    """Return a run of which so many failed as the results say."""
    failed = sum(result.status is ResultStatus.FAIL for result in results)
    run = make_run(total=len(results), failed=failed, **fields)
    return judge(make_policy("failed <= 100"), run, results)


# The tests come back as they are

_LONG = "x" * 600
_PARTS = (
    st.none()
    | any_text
    | st.sampled_from(
        [
            "a",
            "a (2)",
            "a (2) (2)",
            "(no name)",
            "(no file)",
            "testery-gate",
            "tolerated: a",
            f"{_LONG}1",
            f"{_LONG}2",
            f"{'x ' * 300}y",
            f"a {CANARY} b",
            "##vso[x]",
            HOSTILE,
            17,
        ]
    )
)
_STATUSES = st.sampled_from([*(status.value for status in ResultStatus), "WEIRD", " FAIL", None])
_ANSWERS = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.integers(1, 3),
            "status": _STATUSES,
            "error": st.none() | any_text | st.just(f"\n{HOSTILE}"),
            "projectTest": st.fixed_dictionaries({"name": _PARTS, "file": _PARTS}),
        }
    ),
    min_size=1,
    max_size=8,
)


@given(_ANSWERS, st.sampled_from(sorted(WRITERS)))
def test_what_the_api_says_of_tests_is_what_the_report_says(
    answer: list[dict[str, Any]], name: str
) -> None:
    results = parse_results(answer, Redaction(CANARY))
    earlier = usable(WRITERS[name], judged_with(*results))
    assert earlier.outcomes == outcomes_of(results)
    assert all(len(part) <= LONGEST_PART for test in earlier.outcomes for part in test)


@given(st.lists(_ANSWERS, min_size=2, max_size=3), st.sampled_from(sorted(WRITERS)))
def test_of_several_runs_each_keeps_its_own_tests(
    answers: list[list[dict[str, Any]]], name: str
) -> None:
    runs = [
        judged_with(*parse_results(answer), id=number, environment=f"env {number}")
        for number, answer in enumerate(answers, start=1)
    ]
    baseline = read(WRITERS[name](runs))
    for judged in runs:
        assert judged.run is not None
        earlier = used(baseline.for_run(replace(JUDGED, environment=judged.run.environment)))
        assert earlier.run.id == judged.run_id
        assert earlier.outcomes == outcomes_of(judged.results or ())


@given(any_text | st.just(f" {HOSTILE}\u00a0"))
def test_texts_of_the_api_are_in_the_form_in_which_tests_are_compared(text: str) -> None:
    (result,) = parse_results([{"projectTest": {"name": text, "file": text}}])
    assert clean_line(result.name) == result.name
    assert clean_line(result.file) == result.file


def test_long_names_stay_apart_by_what_they_say_and_not_by_their_order() -> None:
    first, second = make_result(f"{_LONG}1"), make_result(f"{_LONG}2", "FAIL")
    assert TestId.of(first) != TestId.of(second)
    assert TestId.of(make_result("x" * LONGEST_PART)).name == "x" * LONGEST_PART
    for write in WRITERS.values():
        forwards = usable(write, judged_with(first, second)).outcomes
        assert forwards == usable(write, judged_with(second, first)).outcomes
        assert forwards[TestId.of(second)] is TestOutcome.FAILED


@formats
def test_a_test_that_failed_and_passed_has_both(write: Write) -> None:
    results = (make_result("a", "FAIL"), make_result("a"), make_result("a (2)"))
    outcomes = usable(write, judged_with(*results)).outcomes
    named = {test.name: outcome for test, outcome in outcomes.items()}
    assert named == {"a": TestOutcome.BOTH, "a (2)": TestOutcome.PASSED}


def test_a_report_in_utf_16_as_a_shell_may_write_it_is_read() -> None:
    text = json_report.render([judged_with(make_result())])
    for encoding in ("utf-16", "utf-8-sig"):
        assert used(read(text.encode(encoding)).for_run(JUDGED)).outcomes


# So does what is known of the run


@formats
def test_the_facts_of_the_run_come_back(write: Write) -> None:
    run = parse_run(make_answer(total=3, failed=1, ignored=1, branch="main"))
    results = [make_result("a", "FAIL"), make_result("b"), make_result("c", "IGNORED")]
    kept = usable(write, judge(make_policy(warn=["total > 3"]), run, results)).run
    assert replace(kept, testing_time=None) == replace(run, testing_time=None)


@formats
def test_a_report_that_was_held_against_a_baseline_is_one_itself(write: Write) -> None:
    (judged,) = EXAMPLES["evidence"]
    assert judged.results is not None
    kept = usable(write, judged)
    assert (kept.run.id, kept.run.branch) == (55676, "main")
    assert kept.outcomes == outcomes_of(judged.results)


@formats
def test_a_run_of_which_little_is_known_is_taken(write: Write) -> None:
    bare = {"id": 7, "status": "FAIL", "complete": True, "failCount": 1}
    judged = judge(make_policy(), parse_run(bare), [make_result(status="FAIL")])
    assert usable(write, judged).run == parse_run(bare)


@formats
@pytest.mark.parametrize("text", ["5" * 30, "\u0661", "a" * 600])
def test_texts_of_the_run_may_be_anything(write: Write, text: str) -> None:
    kept = usable(write, judged_with(make_result(), build_key=text, name=text)).run
    assert (kept.build_key or "")[:499] == text[:499]


# Which run is meant


@formats
def test_the_only_run_is_meant_whatever_it_is_called(write: Write) -> None:
    judged = judged_with(make_result(), name="other", environment="else", project_id=None)
    assert usable(write, judged).run.id == 55676


@formats
def test_of_several_runs_the_one_alike_is_meant(write: Write) -> None:
    name = f"{_LONG}\x1b[0m"
    runs = [
        judged_with(make_result(), id=1, name=name),
        judged_with(make_result(), id=2, name=name, environment="staging"),
        judged_with(make_result(), id=3, name=name, project_id=7),
        judged_with(make_result(), id=4, name=None),
        not_judged(5, ExitCode.NOT_FOUND, "there is no run 5"),
    ]
    like = replace(JUDGED, name=name)
    judged = (like, replace(like, environment="staging"), replace(like, project_id=7))
    assert [usable(write, *runs, judged=run).run.id for run in judged] == [1, 2, 3]
    assert usable(write, *runs, judged=replace(JUDGED, name="")).run.id == 4
    assert why_none(write, *runs, judged=replace(JUDGED, name="nightly")) == (
        "it has 5 runs, none of them of the same project, environment and name"
    )


@formats
def test_of_several_runs_alike_none_is_meant(write: Write) -> None:
    runs = [judged_with(make_result(), id=number) for number in (1, 2)]
    assert why_none(write, *runs) == (
        "it has 2 runs, 2 of them of the same project, environment and name"
    )


# Why a run can't be used

_ONE = (make_result("a", "FAIL"),)


UNUSABLE = {
    "canceled": (
        judge(make_policy(), make_run(status="CANCELED", failed=1), _ONE),
        "run 55676 is CANCELED: it did not finish",
    ),
    "timed out": (
        replace(
            not_judged(55676, ExitCode.TIMED_OUT, "late", run=make_run(status="RUNNING")),
            results=_ONE,
        ),
        "run 55676 is RUNNING: it did not finish",
    ),
    "not complete": (
        replace(
            not_judged(55676, ExitCode.TIMED_OUT, "late", run=make_run(complete=False)),
            results=_ONE,
        ),
        "run 55676 is PASS: it did not finish",
    ),
    "never said to be complete": (
        replace(
            not_judged(55676, ExitCode.TIMED_OUT, "late", run=make_run(complete=None)),
            results=_ONE,
        ),
        "the gate ended with timed out for run 55676",
    ),
    "unknown status": (
        judge(make_policy(), make_run(status="BLUE"), _ONE),
        "run 55676 is BLUE: it did not finish",
    ),
    "never seen": (
        not_judged(55676, ExitCode.UNAUTHORIZED, "no"),
        "it shows no run: the gate ended with unauthorized",
    ),
    "not found": (
        not_judged(None, ExitCode.NOT_FOUND, "none matches"),
        "it shows no run: the gate ended with not found",
    ),
    "decided early": (
        with_verdict(judge(make_policy(), make_run(failed=1), _ONE), decided_early=True),
        "run 55676 was judged before its end",
    ),
    "no results": (
        judge(make_policy(), make_run()),
        "it has no single tests of run 55676, as it was written without them"
        " (--no-test-results, --junit-scope gate) or Testery did not offer them",
    ),
    "fewer failures than counted": (
        judge(make_policy(), make_run(failed=2), _ONE),
        "the test results of run 55676 show 1 of its 2 failed tests",
    ),
    "failures not counted": (
        judge(make_policy(), replace(make_run(), failed=None), _ONE),
        "run 55676 does not say how many of its tests failed",
    ),
    "itself": (
        judge(make_policy(), replace(JUDGED, failed=1), _ONE),
        "run 60000 is the run that is judged",
    ),
    "the same build": (
        judge(make_policy(), make_run(failed=1, build_key="24"), _ONE),
        "run 55676 is of the same commit or build as run 60000",
    ),
    "no tests counted": (
        judge(make_policy(), make_run(total=0), ()),
        "run 55676 had no tests",
    ),
}


@formats
@pytest.mark.parametrize(
    ("judged", "why"), [pytest.param(*case, id=name) for name, case in UNUSABLE.items()]
)
def test_a_report_that_says_too_little_is_no_baseline(
    write: Write, judged: Judged, why: str
) -> None:
    assert why_none(write, judged) == why


@formats
@pytest.mark.parametrize("same", ["git_ref", "build_key"])
def test_a_long_ref_is_still_the_same(write: Write, same: str) -> None:
    fields: dict[str, Any] = {same: {"git_ref": "f" * 40, "build_key": _LONG}[same]}
    now = replace(make_run(id=60_000, git_ref="main", build_key="24"), **fields)
    why = why_none(write, judged_with(make_result(), **fields), judged=now)
    assert why == "run 55676 is of the same commit or build as run 60000"


def test_no_status_at_all_is_no_end() -> None:
    judged = judge(make_policy(), make_run(status=""), _ONE)
    assert why_none(json_report.render, judged) == ("run 55676 is of no status: it did not finish")


def test_a_run_of_which_no_tests_are_shown_is_no_baseline() -> None:
    assert why_none(json_report.render, judge(make_policy(), make_run(), ())) == (
        "run 55676 had no tests"
    )


def test_a_report_on_the_gate_alone_has_no_tests() -> None:
    write = partial(junit.render, scope=Scope.GATE)
    assert why_none(write, judged_with(*_ONE)).startswith("it has no single tests of run 55676")


@formats
def test_why_there_is_no_baseline_names_the_file(write: Write) -> None:
    found = read(write([judge(make_policy(), make_run())])).for_run(JUDGED)
    assert found.why_none.startswith("kept.report can't be used: it has no single tests")
    assert found.description == ""
    found = read(write([judged_with(make_result())])).for_run(JUDGED)
    assert found.description == (
        "run 55676 (abcd4e87d8d928a21a393b0def6ab0c0a21d35a2, 2020-05-04 23:22 UTC) in kept.report"
    )


@formats
@pytest.mark.parametrize(
    ("total", "why"),
    [
        pytest.param(1, "", id="all"),
        pytest.param(2, "the test results of run 55676 show 1 of its 2 tests", id="fewer"),
    ],
)
def test_a_report_says_whether_tests_are_cut_off(write: Write, total: int, why: str) -> None:
    judged = judge(make_policy("failed <= 1"), make_run(total=total, failed=1), _ONE)
    found = read(write([judged])).for_run(JUDGED)
    assert used(found).outcomes
    assert found.cut_off == why


@formats
def test_what_led_to_inconclusive_may_have_nothing_to_do_with_the_tests(write: Write) -> None:
    policy = make_policy("failed <= 1", expect=[("build-key", "24")])
    judged = judge(policy, make_run(total=1, failed=1), _ONE)
    assert judged.exit_code is ExitCode.INCONCLUSIVE
    assert usable(write, judged).outcomes


# What is no report

JSON = json_report.render([judged_with(make_result("a", "FAIL"), make_result("b"))])
JUNIT = junit.render([judged_with(make_result("a", "FAIL"), make_result("a"))])


def changed(**fields: object) -> str:
    return json.dumps({**json.loads(JSON), **fields})


def changed_run(**fields: object) -> str:
    (run,) = json.loads(JSON)["runs"]
    return changed(runs=[{**run, **fields}])


def bomb(levels: int = 30) -> str:
    entities = "".join(f'<!ENTITY e{n} "&e{n - 1};&e{n - 1};">' for n in range(1, levels))
    return (
        f'<?xml version="1.0"?><!DOCTYPE testsuites [<!ENTITY e0 "x">{entities}]>'
        f'<testsuites name="testery-gate">&e{levels - 1};</testsuites>'
    )


FOREIGN = "is no report of testery-gate"
DAMAGED = "is a damaged report: "
DOCUMENT_TYPE = "has a document type, which no report of testery-gate has"
REFUSED = {
    "empty": ("", FOREIGN),
    "blanks": (" \n", FOREIGN),
    "text": ("passed", FOREIGN),
    "other JSON": ("{}", FOREIGN),
    "list of runs": (json_report.render_runs([make_run()]), FOREIGN),
    "other tool": (changed(tool={"name": "pytest"}), FOREIGN),
    "tool no object": (changed(tool="testery-gate"), FOREIGN),
    "next version": (
        changed(schemaVersion="2.0"),
        "has the schema version 2.0; this testery-gate reads 1.x",
    ),
    "another version": (
        changed(schemaVersion="11.0"),
        "has the schema version 11.0; this testery-gate reads 1.x",
    ),
    "no version": (changed(schemaVersion=None), f"{DAMAGED}it has no schemaVersion"),
    "cut off": (JSON[:-20], f"{DAMAGED}it is not JSON to its end"),
    "NaN": (JSON.replace("55676", "NaN", 1), f"{DAMAGED}it is not JSON to its end"),
    "deep": ('{"a":' + "[" * 100_000, f"{DAMAGED}it is not JSON to its end"),
    "no UTF-8": (b'{"a": "\xff"}', f"{DAMAGED}it is not JSON to its end"),
    "twice": (
        JSON.replace('"name": "a"', '"name": "b", "name": "a"'),
        f"{DAMAGED}name occurs more than once",
    ),
    "no runs": (changed(runs=[]), f"{DAMAGED}it has no run"),
    "runs no list": (changed(runs={}), f"{DAMAGED}runs is no list"),
    "run no object": (changed(runs=[1]), f"{DAMAGED}a run is no object"),
    "no outcome": (changed_run(outcome=None), f"{DAMAGED}a run has no outcome"),
    "early no flag": (changed_run(decidedEarly="no"), f"{DAMAGED}a run has no outcome"),
    "facts no object": (changed_run(run=[]), f"{DAMAGED}run is no object"),
    "no metrics": (changed_run(metrics=None), f"{DAMAGED}metrics is no object"),
    "no id": (changed_run(id=None), f"{DAMAGED}a test run has no id"),
    "count no number": (
        changed_run(metrics={"failed": "1"}),
        f"{DAMAGED}failCount of a test run is a string, not a whole number below 2**53",
    ),
    "tests no list": (changed_run(tests="a"), f"{DAMAGED}tests is no list"),
    "test no object": (changed_run(tests=["a"]), f"{DAMAGED}a test is no object"),
    "test without name": (changed_run(tests=[{}]), f"{DAMAGED}a test has no name"),
    "file no text": (changed_run(tests=[{"name": "a", "file": 1}]), f"{DAMAGED}a test has no name"),
    "other XML": ("<html/>", FOREIGN),
    "JUnit of others": ("<testsuites name='jest'><testsuite/></testsuites>", FOREIGN),
    "one suite of others": ("<testsuite name='testery-gate'/>", FOREIGN),
    "named like ours": ("<testsuites name='testery-gate'><testsuite/></testsuites>", FOREIGN),
    "no suite": ("<testsuites name='testery-gate'/>", f"{DAMAGED}it has no run"),
    "nested": (JUNIT.replace("<testcase ", "<testsuite/><testcase ", 1), FOREIGN),
    "deep XML": (JUNIT.replace("<testcase ", "<a>" * 100_000 + "<testcase ", 1), FOREIGN),
    "other format": (
        JUNIT.replace('name="report-format" value="1"', 'name="report-format" value="2"'),
        "has the report format 2; this testery-gate reads 1",
    ),
    "property twice": (
        JUNIT.replace("<property ", '<property name="outcome" value="passed"/><property ', 1),
        f"{DAMAGED}the property outcome occurs more than once",
    ),
    "two results": (
        JUNIT.replace("<failure ", "<skipped/><failure ", 1),
        f"{DAMAGED}a case has two results",
    ),
    "run without number": (
        JUNIT.replace('name="run-id" value="55676"', 'name="run-id" value="x"'),
        f"{DAMAGED}id of a test run is a string, not a whole number below 2**53",
    ),
    "entity bomb": (bomb(), DOCUMENT_TYPE),
    "external entity": (
        "<!DOCTYPE testsuites [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>"
        "<testsuites name='testery-gate'>&e;</testsuites>",
        DOCUMENT_TYPE,
    ),
    "page": ("<!DOCTYPE html><html></html>", DOCUMENT_TYPE),
}


@pytest.mark.parametrize(
    ("content", "why"), [pytest.param(*case, id=name) for name, case in REFUSED.items()]
)
def test_what_is_no_report_is_refused_with_what_to_pass(content: str | bytes, why: str) -> None:
    with pytest.raises(UsageError) as refused:
        read(content)
    assert refused.value.message == f"the baseline kept.report {why}"
    assert "--report json=PATH" in refused.value.advice


@pytest.mark.parametrize("text", [JSON, JUNIT], ids=["json", "junit"])
def test_a_report_that_was_cut_off_anywhere_is_refused(text: str) -> None:
    whole = text.rstrip()
    for length in range(len(whole)):
        with pytest.raises(UsageError):
            read(whole[:length])
    assert read(whole).runs


def test_entities_of_the_file_and_of_nobody_are_refused() -> None:
    with pytest.raises(UsageError, match="damaged report: it is not XML to its end"):
        read(JUNIT.replace("55676", "&e;", 1))


@example(b"<testsuites name='testery-gate'><testsuite><properties><property name='report-format'")
@given(
    st.binary()
    | st.binary().map(lambda rest: b"<" + rest)
    | st.binary().map(JSON.encode()[:300].__add__)
)
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    with pytest.raises(UsageError):
        read(content)


def test_what_is_too_large_is_refused() -> None:
    large = b" " * (baseline_file.MOST_BYTES + 1)
    with pytest.raises(UsageError, match=r"the baseline kept\.report is larger than 64 MiB"):
        read(large)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(changed_run(tests=[{"name": "a", "file": None}] * 250_001), id="json"),
        pytest.param(
            JUNIT.replace("<testcase ", '<testcase name="a"/>' * 250_001 + "<testcase ", 1),
            id="junit",
        ),
    ],
)
def test_too_many_tests_are_refused(content: str) -> None:
    with pytest.raises(UsageError, match="has more than 250000 tests"):
        read(content)


def test_too_many_values_are_refused() -> None:
    with pytest.raises(UsageError, match="holds more than 4000000 values"):
        read(b'{"a": [' + b"0," * 4_000_000)


def test_fields_of_a_later_version_are_passed_over() -> None:
    later = json.loads(changed(schemaVersion="1.99", more=1))
    later["runs"][0]["more"] = later["runs"][0]["tests"][0]["more"] = {"any": "thing"}
    assert used(read(json.dumps(later)).for_run(JUDGED)).outcomes


def test_a_time_comes_back_to_the_microsecond() -> None:
    end = datetime(2020, 5, 4, 23, 22, 59, 1500, tzinfo=UTC)
    for write in WRITERS.values():
        assert usable(write, judged_with(make_result(), end_time=end)).run.end_time == end
