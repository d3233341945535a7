"""What the JSON report says of verdicts, held against its published schema."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from jsonschema import Draft202012Validator

from testery_gate import __version__
from testery_gate.errors import ExitCode
from testery_gate.evidence.baseline import Baseline
from testery_gate.evidence.classes import Evidence
from testery_gate.evidence.failures import evidence_of
from testery_gate.evidence.flakiness import History
from testery_gate.evidence.outcomes import EarlierRun, TestId, TestOutcome
from testery_gate.judging.criteria import OF_TESTS, Criterion, Metric, Operator
from testery_gate.judging.judged import Judged
from testery_gate.model import ResultStatus, TestResult
from testery_gate.reports import json_report
from testery_gate.text import clean_text
from tests.builders import (
    judge,
    judge_early,
    make_policy,
    make_result,
    make_run,
    not_judged,
    with_unknown,
    with_verdict,
)
from tests.reports.examples import EXAMPLES, Tolerated, any_finished, any_runs_judged

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "json-report.md").read_text(encoding="utf-8")
SCHEMA = json.loads((DOCS / "json-report.schema.json").read_text(encoding="utf-8"))


def closed(schema: Any) -> Any:
    """Return a schema that allows no more than it names, which later versions of it may."""
    match schema:
        case {"properties": properties}:
            inner = {name: closed(value) for name, value in schema.items()}
            return inner | {"properties": closed(properties), "additionalProperties": False}
        case dict():
            return {name: closed(value) for name, value in schema.items()}
        case _:
            return schema


VALIDATOR = Draft202012Validator(closed(SCHEMA))


def report(*runs: Judged) -> Any:
    return json.loads(json_report.render(runs))


def only_run(judged: Judged) -> Any:
    (run,) = report(judged)["runs"]
    return run


def texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list():
            for item in value:
                yield from texts(item)
        case dict():
            for item in value.values():
                yield from texts(item)
        case _:
            pass


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$id"].startswith("urn:")


def test_every_field_is_there_in_every_report() -> None:
    for schema in (SCHEMA, *SCHEMA["$defs"].values()):
        assert schema.get("required", []) == list(schema.get("properties", {}))


@given(any_runs_judged)
def test_any_judged_is_valid_and_readable(runs: list[Judged]) -> None:
    text = json_report.render(runs)
    assert text.isascii()
    read = json.loads(text)
    VALIDATOR.validate(read)
    assert [run["id"] for run in read["runs"]] == [judged.run_id for judged in runs]
    for found in texts(read):
        assert clean_text(found) == found


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_are_valid(example: str) -> None:
    VALIDATOR.validate(report(*EXAMPLES[example]))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"schemaVersion": "2.0"}, id="other version"),
        pytest.param({"exitCode": 2}, id="a code without a report"),
        pytest.param({"outcome": "green"}, id="unknown outcome"),
        pytest.param({"runs": []}, id="no run"),
        pytest.param({"more": 1}, id="more than is documented"),
    ],
)
def test_the_schema_refuses_what_is_no_report(change: dict[str, object]) -> None:
    assert not VALIDATOR.is_valid(report(*EXAMPLES["passed"]) | change)


def test_the_schema_allows_fields_that_a_later_version_adds() -> None:
    later = report(*EXAMPLES["passed"]) | {"schemaVersion": "1.4", "more": 1}
    Draft202012Validator(SCHEMA).validate(later)


def test_the_report_says_what_wrote_it_and_what_all_runs_come_to() -> None:
    passed = judge(make_policy(), make_run(id=1))
    missing = not_judged(2, ExitCode.NOT_FOUND, "there is no such run")
    read = report(passed, missing)
    assert read.keys() == {"schemaVersion", "tool", "outcome", "exitCode", "runs"}
    assert read["schemaVersion"] == "1.3"
    assert read["tool"] == {"name": "testery-gate", "version": __version__}
    assert (read["outcome"], read["exitCode"]) == ("not_found", 6)
    assert [(run["id"], run["outcome"], run["exitCode"]) for run in read["runs"]] == [
        (1, "passed", 0),
        (2, "not_found", 6),
    ]


def test_a_run_that_was_not_seen_has_no_facts() -> None:
    judged = not_judged(1, ExitCode.NOT_FOUND, "there is no such run", advice="Look.")
    run = only_run(judged)
    assert run.pop("checks")
    assert run == {
        "id": 1,
        "webUrl": None,
        "outcome": "not_found",
        "exitCode": 6,
        "reason": "there is no such run",
        "advice": "Look.",
        "notes": [],
        "decidedEarly": False,
        "openTests": None,
        "run": None,
        "metrics": None,
        "tests": None,
        "evidence": None,
        "attachments": [],
    }


def test_where_no_run_was_found_there_is_no_id() -> None:
    read = report(not_judged(None, ExitCode.NOT_FOUND, "no run matches"))
    VALIDATOR.validate(read)
    assert read["runs"][0]["id"] is None


def test_runs_that_are_listed_have_the_facts_of_a_report() -> None:
    runs = [make_run(id=2, name="says ##[error]"), with_unknown(make_run(id=1), "create_time")]
    text = json_report.render_runs(runs)
    assert "##" not in text
    assert json.loads(text) == [
        {name: only_run(judge(make_policy(), run))[name] for name in ("id", "run", "metrics")}
        for run in runs
    ]


def test_a_verdict_that_was_decided_early_says_how_many_tests_were_open() -> None:
    judged = judge_early(
        make_policy(), make_run(failed=1, not_run=10, status="RUNNING"), total_known=True
    )
    assert judged is not None
    run = only_run(judged)
    assert (run["decidedEarly"], run["openTests"]) == (True, 10)
    assert run["notes"] == ["decided early, with 10 of 30 tests still open"]


def test_the_facts_of_a_run_are_told_as_the_api_tells_them() -> None:
    run = make_run(
        status_info="a\n\x1b[31mb",
        complete=None,
        include_tags=("one", "two"),
        branch="main",
        start_time=datetime(2020, 5, 4, 23, 16, 33, 1500, tzinfo=UTC),
        end_time=None,
        name="",
    )
    assert only_run(judge(make_policy(), run))["run"] == {
        "name": None,
        "status": "PASS",
        "statusInfo": "a\nb",
        "complete": None,
        "projectId": 123,
        "environment": "dev",
        "gitRef": "abcd4e87d8d928a21a393b0def6ab0c0a21d35a2",
        "buildKey": "23",
        "branch": "main",
        "includeTags": ["one", "two"],
        "createTime": "2020-05-04T23:15:10Z",
        "startTime": "2020-05-04T23:16:33.001500Z",
        "endTime": None,
    }


def test_all_metrics_are_told_in_tests_percent_and_seconds() -> None:
    run = make_run(total=8, failed=3, ignored=1, not_run=1, coverage=Fraction("80.5"))
    metrics = only_run(judge(make_policy(), run))["metrics"]
    assert list(metrics) == [metric.value for metric in Metric]
    of_tests = {metrics.pop(metric.value) for metric in OF_TESTS}
    assert of_tests == {None}
    assert metrics == {
        "total": 8,
        "passed": 3,
        "failed": 3,
        "ignored": 1,
        "executed": 6,
        "not_run": 1,
        "pass_rate": 50,
        "fail_rate": 50,
        "ignored_rate": 12.5,
        "coverage": 80.5,
        "duration": 386,
        "queue_time": 83,
        "testing_time": 1036,
    }


def test_unknown_metrics_are_null() -> None:
    run = make_run(passed=None, coverage=None, end_time=None)
    metrics = only_run(judge(make_policy(), run))["metrics"]
    unknown = {name for name, value in metrics.items() if value is None}
    assert unknown - {metric.value for metric in OF_TESTS} == {
        "passed",
        "executed",
        "not_run",
        "pass_rate",
        "fail_rate",
        "coverage",
        "duration",
    }


def test_a_rate_is_100_only_if_it_is_so_exactly() -> None:
    run = make_run(total=10**18, failed=1)
    metrics = only_run(judge(make_policy(), run))["metrics"]
    assert metrics["pass_rate"] == math.nextafter(100, 0)


@pytest.mark.parametrize(
    ("criterion", "expected"),
    [
        pytest.param(
            "failed <= 3",
            {"metric": "failed", "operator": "<=", "expected": 3, "actual": 5, "unit": "tests"},
            id="tests",
        ),
        pytest.param(
            "pass_rate >= 99.5%",
            {
                "metric": "pass_rate",
                "operator": ">=",
                "expected": 99.5,
                "actual": 50,
                "unit": "percent",
            },
            id="percent",
        ),
        pytest.param(
            "duration < 1m0.5s",
            {
                "metric": "duration",
                "operator": "<",
                "expected": 60.5,
                "actual": 386,
                "unit": "seconds",
            },
            id="seconds",
        ),
        pytest.param(
            "coverage == 100%",
            {
                "metric": "coverage",
                "operator": "==",
                "expected": 100,
                "actual": None,
                "unit": "percent",
            },
            id="unknown",
        ),
    ],
)
def test_a_criterion_is_told_in_numbers(criterion: str, expected: dict[str, object]) -> None:
    judged = judge(make_policy(criterion), make_run(total=10, failed=5))
    check = only_run(judged)["checks"][-1]
    assert check["name"] == criterion
    assert {name: check[name] for name in expected} == expected


def test_a_check_without_a_criterion_is_told_in_words() -> None:
    judged = judge(make_policy(expect=[("build-key", "24")]), make_run())
    assert only_run(judged)["checks"][-1] == {
        "name": "build-key is 24",
        "state": "inconclusive",
        "deciding": True,
        "message": "build-key is 23, expected is 24: the run is about something else",
        "metric": None,
        "operator": None,
        "expected": None,
        "actual": None,
        "unit": None,
        "expectedText": "24",
        "actualText": "23",
        "origin": None,
    }


def test_a_warning_does_not_decide() -> None:
    judged = judge(make_policy(warn=["total > 30"]), make_run())
    check = only_run(judged)["checks"][-1]
    assert (check["state"], check["deciding"]) == ("breached", False)


@given(any_finished())
def test_programs_that_compare_the_numbers_find_what_the_gate_found(judged: Judged) -> None:
    for check in only_run(judged)["checks"]:
        if check["actual"] is not None and check["state"] in {"holds", "breached"}:
            actual, expected = Fraction(check["actual"]), Fraction(check["expected"])
            metric, operator = Metric(check["metric"]), Operator(check["operator"])
            criterion = Criterion(metric=metric, operator=operator, threshold=expected)
            assert criterion.holds(actual) == (check["state"] == "holds")


@pytest.mark.parametrize(
    ("criterion", "total", "failed", "actual"),
    [
        pytest.param("pass_rate >= 100%", 10**18, 1, math.nextafter(100, 0), id="just below"),
        pytest.param(
            "fail_rate <= 50%", 10**18, 5 * 10**17 + 1, math.nextafter(50, 100), id="just above"
        ),
        pytest.param("pass_rate >= 50%", 10**18, 5 * 10**17, 50, id="equal"),
    ],
)
def test_a_breach_never_reads_as_equality(
    criterion: str, total: int, failed: int, actual: float
) -> None:
    judged = judge(make_policy(criterion), make_run(total=total, failed=failed))
    assert only_run(judged)["checks"][-1]["actual"] == actual


def test_every_test_is_listed() -> None:
    results = [
        make_result("signs in", "FAIL", error="boom", stack_trace="at x", duration=None),
        make_result("", "", id="", file="", duration=timedelta(seconds=-1)),
        make_result("signs in", "", status_text="FLAKY"),
    ]
    assert only_run(judge(make_policy(), make_run(), results))["tests"] == [
        {
            "id": "1",
            "name": "signs in",
            "file": "features/calculator.feature",
            "status": "FAIL",
            "duration": None,
            "error": "boom",
            "stackTrace": "at x",
            "class": None,
            "why": None,
            "strip": None,
            "since": None,
        },
        {
            "id": None,
            "name": "",
            "file": None,
            "status": None,
            "duration": None,
            "error": None,
            "stackTrace": None,
            "class": None,
            "why": None,
            "strip": None,
            "since": None,
        },
        {
            "id": "1",
            "name": "signs in",
            "file": "features/calculator.feature",
            "status": "FLAKY",
            "duration": 1.25,
            "error": None,
            "stackTrace": None,
            "class": None,
            "why": None,
            "strip": None,
            "since": None,
        },
    ]


def test_tests_that_are_not_offered_are_not_the_same_as_none() -> None:
    judged = judge(make_policy(), make_run())
    assert only_run(judged)["tests"] is None
    assert only_run(replace(judged, results=()))["tests"] == []


FILE = "features/calculator.feature"
LETTERS = {outcome.value: outcome for outcome in TestOutcome}


def earlier(run_id: int, outcomes: dict[str, str], **about: Any) -> EarlierRun:
    run = make_run(id=run_id, git_ref=f"{run_id}abcdef", build_key=None, **about)
    return EarlierRun(
        run=run, outcomes={TestId(FILE, name): LETTERS[one] for name, one in outcomes.items()}
    )


def held_against(
    results: list[TestResult],
    before: dict[str, str] | None,
    *history: dict[str, str],
    quarantined: Sequence[str] = (),
    **about: Any,
) -> Judged:
    baseline = (
        Baseline(why_none="there is none")
        if before is None
        else Baseline(earlier=earlier(55670, before, branch="main"), **about)
    )
    run = make_run(failed=sum(result.status is ResultStatus.FAIL for result in results))
    evidence = evidence_of(
        run,
        results,
        baseline=baseline,
        history=History.of([earlier(number, one) for number, one in enumerate(history, 55671)]),
        quarantine=Tolerated(*quarantined),
    )
    return judge(make_policy(), run, results, evidence=evidence)


def test_each_failing_test_has_its_class_strip_and_beginning_in_the_order_of_the_api() -> None:
    names = ("known", "flaky", "new", "quarantined", "passes")
    statuses = ("FAIL", "FAIL", "FAIL", "FAIL", "PASS")
    results = [make_result(name, status) for name, status in zip(names, statuses, strict=True)]
    results.append(make_result("flaky", "PASS"))
    before = {"known": "F", "new": "P", "flaky": "P"}
    past = [{"new": "P", "known": "F"}, {"known": "B"}, {"new": "O", "known": "F"}]
    judged = held_against(results, before, *past, quarantined=["quarantined"])
    read = report(judged)
    VALIDATOR.validate(read)
    tests = read["runs"][0]["tests"]
    assert [(test["name"], test["class"]) for test in tests] == [
        ("known", "known"),
        ("flaky", "flaky"),
        ("new", "new"),
        ("quarantined", "quarantined"),
        ("passes", None),
        ("flaky", None),
    ]
    assert [test["strip"] for test in tests] == [
        ["failed", "both", "failed", "failed"],
        [None, None, None, "both"],
        ["passed", None, "other", "failed"],
        [None, None, None, "failed"],
        None,
        None,
    ]
    assert tests[0]["since"] == {
        "runId": 55673,
        "time": "2020-05-04T23:15:10Z",
        "gitRef": "55673abcdef",
        "atLeast": False,
    }
    assert tests[0]["why"] == "it failed in run 55670 (main, 2020-05-04 23:22 UTC) too"
    assert tests[1]["why"] == "it passed in this run too"
    assert (tests[4]["why"], tests[4]["since"]) == (None, None)


def test_what_a_run_was_held_against_is_reported() -> None:
    results = [make_result("a", "FAIL"), make_result("b"), make_result("c")]
    before = {"b": "F", "gone": "P", "went": "F"}
    judged = held_against(results, before, {"a": "P"}, {"a": "F"}, source="main.json")
    run = only_run(judged)
    assert run["evidence"] == {
        "unknown": None,
        "counts": {"new": 1, "flaky": 0, "known": 0, "quarantined": 0, "tolerated": 0},
        "baseline": {
            "runId": 55670,
            "gitRef": "55670abcdef",
            "branch": "main",
            "source": "main.json",
            "description": "run 55670 (main, 2020-05-04 23:22 UTC) in main.json",
        },
        "whyNoBaseline": None,
        "fixed": {"total": 1, "tests": [{"file": FILE, "name": "b"}]},
        "missing": {
            "total": 2,
            "tests": [{"file": FILE, "name": "gone"}, {"file": FILE, "name": "went"}],
        },
        "added": {
            "total": 2,
            "tests": [{"file": FILE, "name": "a"}, {"file": FILE, "name": "c"}],
        },
        "history": [55671, 55672],
    }
    of_tests = {metric.value: run["metrics"][metric.value] for metric in OF_TESTS}
    assert of_tests == {
        "new_failed": 1,
        "known_failed": 0,
        "flaky_failed": 0,
        "quarantined_failed": 0,
        "fixed": 1,
        "missing": 2,
        "added": 2,
    }


def test_without_a_baseline_it_is_told_why() -> None:
    run = only_run(held_against([make_result("a", "FAIL")], None))
    evidence = run["evidence"]
    assert (evidence["baseline"], evidence["whyNoBaseline"]) == (None, "there is none")
    assert (evidence["fixed"], evidence["missing"], evidence["added"]) == (None, None, None)
    assert (run["metrics"]["new_failed"], run["metrics"]["missing"]) == (1, None)
    assert (run["tests"][0]["class"], run["tests"][0]["strip"]) == ("new", None)


def test_where_the_tests_say_nothing_all_is_unknown() -> None:
    results = [make_result("a", "FAIL")]
    evidence = Evidence(unknown="they can't be read", results=results)
    run = only_run(judge(make_policy(), make_run(failed=2), results, evidence=evidence))
    assert (run["evidence"]["unknown"], run["evidence"]["counts"]) == ("they can't be read", None)
    assert {run["metrics"][metric.value] for metric in OF_TESTS} == {None}
    assert run["tests"][0]["class"] is None


def test_what_testery_tolerates_is_in_no_other_class() -> None:
    results = [make_result("a", "FAIL"), make_result("b")]
    run = make_run(failed=1, status="PASS")
    evidence = evidence_of(
        run,
        results,
        baseline=Baseline(why_none="there is none"),
        history=History(),
        trust_status=True,
    )
    read = only_run(judge(make_policy(trust_status=True), run, results, evidence=evidence))
    assert [test["class"] for test in read["tests"]] == ["tolerated", None]
    assert read["evidence"]["counts"]["tolerated"] == 1


def test_of_a_large_suite_that_was_renamed_not_every_test_is_named() -> None:
    results = [make_result(f"new name {number}") for number in range(1_500)]
    before = {f"old name {number}": "P" for number in range(1_001)}
    read = report(held_against(results, before))
    VALIDATOR.validate(read)
    evidence = read["runs"][0]["evidence"]
    assert [(evidence[name]["total"], len(evidence[name]["tests"])) for name in DIFFERING] == [
        (0, 0),
        (1_001, 1_000),
        (1_500, 1_000),
    ]
    assert evidence["missing"]["tests"][-1] == {"file": FILE, "name": "old name 999"}


DIFFERING = ("fixed", "missing", "added")


def block(language: str) -> str:
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert isinstance(found, str)
    return found


def documented() -> str:
    """Render the report that the page shows."""
    run = make_run(failed=1, testing_time=None, branch="main")
    result = make_result(
        "rejects a wrong password",
        "FAIL",
        file="cypress/e2e/login.cy.js",
        error="AssertionError: expected 200 to equal 401",
        id="7001",
    )
    test, fixed = TestId.of(result), TestId("shop/pay.feature", "pays by card")
    passed, failed = TestOutcome.PASSED, TestOutcome.FAILED
    before = [
        EarlierRun(
            run=make_run(id=run_id, git_ref=ref, branch="main", build_key=None),
            outcomes={test: passed, fixed: failed},
        )
        for run_id, ref in ((55668, "77b1e0c"), (55670, "90cf2aa"))
    ]
    evidence = evidence_of(
        run,
        [result, make_result(fixed.name, file=fixed.file)],
        baseline=Baseline(earlier=before[-1]),
        history=History.of(before),
    )
    judged = judge(make_policy("new_failed <= 0"), run, [result], evidence=evidence)
    page = "https://testery.app/acme/test-runs/55676"
    checks = (judged.verdict.checks[0], judged.verdict.checks[-1])
    return json_report.render([with_verdict(replace(judged, web_url=page), checks=checks)])


def test_the_page_shows_a_report_as_it_is() -> None:
    assert re.sub(r'("version": )".*"', rf'\1"{__version__}"', block("json")) == documented()


def test_the_program_on_the_page_lists_the_failing_tests(tmp_path: Path) -> None:
    (tmp_path / "testery.json").write_text(documented())
    command = [sys.executable, "-c", block("python")]
    listed = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True, text=True)
    assert listed.stdout == (
        "55676: rejects a wrong password: AssertionError: expected 200 to equal 401\n"
    )


def test_the_page_names_every_field() -> None:
    definitions = [SCHEMA, *SCHEMA["$defs"].values()]
    fields = {name for schema in definitions for name in schema.get("properties", ())}
    named = set(re.findall(r"`(\w+)`", PAGE))
    assert fields - named == set()
