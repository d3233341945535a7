"""What JUnit XML says of verdicts, so that every reader reads it the same way."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from testery_gate.cli.wait import wait
from testery_gate.errors import ExitCode
from testery_gate.evidence.baseline import Baseline
from testery_gate.evidence.classes import Evidence
from testery_gate.evidence.failures import evidence_of
from testery_gate.evidence.flakiness import History
from testery_gate.evidence.outcomes import EarlierRun, TestId, TestOutcome
from testery_gate.judging.judged import Judged
from testery_gate.judging.verdict import CheckState
from testery_gate.model import TestResult
from testery_gate.reports import FORMATS, junit, with_options
from testery_gate.reports.junit import Scope, Tolerated
from testery_gate.simulator import load_scenario
from tests.acceptance import command
from tests.builders import judge, make_policy, make_result, make_run, not_judged, with_verdict
from tests.canary import FINISHED, Simulator
from tests.reports.examples import EXAMPLES, LARGE, any_runs_judged

SCHEMA = etree.XMLSchema(file=str(Path(__file__).parents[1] / "data" / "junit-10.xsd"))
TIME = re.compile(r"\d+\.\d{3}", re.ASCII)


def parsed(
    *runs: Judged, scope: Scope = Scope.ALL, tolerated: Tolerated = Tolerated.FAILURE
) -> etree._Element:
    text = junit.render(runs, scope=scope, tolerated=tolerated)
    return etree.fromstring(text.encode())


def suites(*results: TestResult) -> list[etree._Element]:
    """The suites of a run's tests, after that of its checks."""
    return list(parsed(judge(make_policy(), make_run(), results)))[1:]


def only_case(result: TestResult) -> etree._Element:
    (suite,) = suites(result)
    (case,) = suite
    return case


def outcome_of(case: etree._Element) -> etree._Element:
    """Return the only element of a case, which shows its outcome."""
    (element,) = case
    return element


def attributes(elements: Sequence[etree._Element], *names: str) -> list[tuple[str | None, ...]]:
    return [tuple(element.get(name) for name in names) for element in elements]


def properties(judged: Judged) -> dict[str | None, str | None]:
    found = parsed(judged).iterfind("testsuite/properties/property")
    return {element.get("name"): element.get("value") for element in found}


@given(any_runs_judged, st.sampled_from(Scope), st.sampled_from(Tolerated))
def test_any_text_gives_valid_reports_with_true_counts(
    runs: list[Judged], scope: Scope, tolerated: Tolerated
) -> None:
    root = parsed(*runs, scope=scope, tolerated=tolerated)
    SCHEMA.assertValid(root)
    assert_true_counts(root)
    assert_unique(root)
    for case in root.iter("testcase"):
        assert_readable(case)
    checks = [len(judged.verdict.checks) for judged in runs]
    tests = [len(judged.results or ()) for judged in runs]
    expected = {
        Scope.ALL: sum(checks) + sum(tests),
        Scope.GATE: sum(checks),
        Scope.TESTS: sum(test or check for check, test in zip(checks, tests, strict=True)),
    }
    assert root.get("tests") == str(expected[scope])
    assert root.get("tests") != "0"


def assert_true_counts(root: etree._Element) -> None:
    for element in (root, *root):
        cases = list(element.iter("testcase"))
        assert element.get("tests") == str(len(cases))
        assert element.get("time") == total_time(cases)
        counted = {"failures": "failure", "errors": "error", "skipped": "skipped"}
        for attribute, tag in counted.items():
            if element is not root or attribute != "skipped":
                assert element.get(attribute) == str(sum(1 for _ in element.iter(tag)))


def total_time(cases: Sequence[etree._Element]) -> str:
    milliseconds = sum(int(case.attrib["time"].replace(".", "")) for case in cases)
    return f"{milliseconds // 1000}.{milliseconds % 1000:03d}"


def assert_unique(root: etree._Element) -> None:
    assert {suite.tag for suite in root} == {"testsuite"}
    assert not root.findall("testsuite//testsuite")
    names = [
        (suite.get("name"), case.get("classname"), case.get("name"))
        for suite in root
        for case in suite.iterfind("testcase")
    ]
    assert len(set(names)) == len(names)
    assert all(part for name in names for part in name)


def assert_readable(case: etree._Element) -> None:
    assert TIME.fullmatch(case.attrib["time"])
    assert case.keys() == ["name", "classname", "time"]
    assert len(case) <= 1
    for element in case.iterfind("*"):
        text = element.text or ""
        if element.tag == "system-out":
            assert text.startswith("warning: ")
            continue
        message = element.attrib["message"]
        assert message.strip()
        assert text.startswith(message)
        assert re.fullmatch("[a-z_]+", element.attrib["type"])


@pytest.mark.parametrize("example", [*EXAMPLES, *LARGE])
def test_the_examples_are_valid(example: str) -> None:
    root = parsed(*{**EXAMPLES, **LARGE}[example])
    SCHEMA.assertValid(root)
    assert_true_counts(root)
    assert_unique(root)


def test_a_report_on_nothing_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="a report needs a run"):
        junit.render([])


def test_each_check_is_a_case_in_the_class_of_the_environment() -> None:
    judged = judge(make_policy("failed <= 3"), make_run(failed=3))
    (suite,) = parsed(judged)
    assert suite.get("name") == "testery-gate"
    assert attributes(suite.findall("testcase"), "classname", "name", "time") == [
        ("testery-gate.dev", "status", "0.000"),
        ("testery-gate.dev", "total >= 1", "0.000"),
        ("testery-gate.dev", "executed >= 1", "0.000"),
        ("testery-gate.dev", "counts", "0.000"),
        ("testery-gate.dev", "not_run == 0", "0.000"),
        ("testery-gate.dev", "failed <= 3", "0.000"),
    ]
    assert not suite.findall("testcase/*")


@pytest.mark.parametrize("environment", [None, ""])
def test_without_an_environment_the_class_is_the_gate_alone(environment: str | None) -> None:
    root = parsed(judge(make_policy(), make_run(environment=environment)))
    assert {case.get("classname") for case in root.iter("testcase")} == {"testery-gate"}


@pytest.mark.parametrize(
    ("state", "deciding", "tag", "kind"),
    [
        pytest.param(CheckState.BREACHED, True, "failure", "breached", id="breached"),
        pytest.param(CheckState.INCONCLUSIVE, True, "error", "inconclusive", id="inconclusive"),
        pytest.param(CheckState.OPEN, True, "skipped", "skipped", id="open"),
        pytest.param(CheckState.OPEN, False, "skipped", "skipped", id="open warning"),
        pytest.param(CheckState.BREACHED, False, "system-out", None, id="warning"),
        pytest.param(CheckState.INCONCLUSIVE, False, "system-out", None, id="inconclusive warning"),
    ],
)
def test_the_outcome_of_a_check_is_shown(
    state: CheckState, deciding: bool, tag: str, kind: str | None
) -> None:
    judged = judge(make_policy(), make_run(failed=1))
    check = replace(judged.verdict.checks[-1], state=state, deciding=deciding, advice="Look.")
    element = outcome_of(parsed(with_verdict(judged, checks=(check,))).iter("testcase").__next__())
    assert (element.tag, element.get("type")) == (tag, kind)
    facts = "1 of 30 tests failed\nexpected: <= 0\nfound: 1\nLook."
    assert element.text == (f"warning: {facts}" if tag == "system-out" else facts)
    assert tag == "system-out" or element.get("message") == "1 of 30 tests failed"


@pytest.mark.parametrize(
    "exit_code",
    [
        ExitCode.UNAUTHORIZED,
        ExitCode.UNAVAILABLE,
        ExitCode.NOT_FOUND,
        ExitCode.TIMED_OUT,
        ExitCode.INTERRUPTED,
        ExitCode.TERMINATED,
    ],
)
def test_a_run_that_could_not_be_judged_is_one_case_with_an_error(exit_code: ExitCode) -> None:
    root = parsed(not_judged(55676, exit_code, "this is why", advice="Do that."))
    assert attributes([root], "tests", "failures", "errors") == [("1", "0", "1")]
    (case,) = root.iter("testcase")
    error = outcome_of(case)
    assert (error.tag, error.get("type")) == ("error", exit_code.outcome)
    assert error.get("message") == "this is why"
    assert (error.text or "").startswith("this is why\n")
    assert (error.text or "").endswith("\nDo that.")


def test_a_verdict_without_a_check_is_no_success() -> None:
    root = parsed(with_verdict(ONLY_COUNTED, checks=()))
    assert attributes([root], "tests", "failures", "errors") == [("1", "0", "1")]


def test_a_check_that_is_asked_for_twice_is_numbered() -> None:
    judged = judge(make_policy("failed <= 3", "failed <= 3", warn=["failed <= 3"]), make_run())
    names = [case.get("name") for case in parsed(judged).iter("testcase")]
    assert names[-3:] == ["failed <= 3", "failed <= 3 (2)", "failed <= 3 (3)"]


def test_what_is_known_of_the_run_is_in_properties() -> None:
    run = make_run(
        total=3,
        failed=1,
        status_info="a\nb",
        include_tags=("one", "two"),
        coverage=None,
        complete=False,
    )
    judged = replace(
        with_verdict(judge(make_policy(), run), advice="Look.", decided_early=True, open_tests=0),
        web_url="https://testery.app/acme/test-runs/55676",
        notes=("first", "second"),
    )
    assert properties(judged) == {
        "report-format": "1",
        "report-content": "checks",
        "run-id": "55676",
        "address": "https://testery.app/acme/test-runs/55676",
        "outcome": "failed",
        "exit-code": "1",
        "reason": "1 of 3 tests failed",
        "advice": "Look.",
        "notes": "first; second",
        "decided-early": "true",
        "open-tests": "0",
        "name": "nightly",
        "status": "FAIL",
        "status-info": "a b",
        "complete": "false",
        "project-id": "123",
        "environment": "dev",
        "git-ref": "abcd4e87d8d928a21a393b0def6ab0c0a21d35a2",
        "build-key": "23",
        "include-tags": "one, two",
        "created": "2020-05-04T23:15:10+00:00",
        "started": "2020-05-04T23:16:33+00:00",
        "ended": "2020-05-04T23:22:59+00:00",
        "total": "3",
        "passed": "2",
        "failed": "1",
        "ignored": "0",
        "executed": "3",
        "not_run": "0",
        "pass_rate": "66.67%",
        "fail_rate": "33.33%",
        "ignored_rate": "0%",
        "duration": "6m26s",
        "queue_time": "1m23s",
        "testing_time": "17m16s",
    }


def test_what_is_unknown_is_no_property() -> None:
    judged = not_judged(55676, ExitCode.NOT_FOUND, "there is no such run")
    assert set(properties(judged)) == {
        "report-format",
        "report-content",
        "run-id",
        "outcome",
        "exit-code",
        "reason",
        "advice",
    }


def test_suites_say_when_the_run_started() -> None:
    judged = judge(make_policy(), make_run(), [make_result()])
    assert {suite.get("timestamp") for suite in parsed(judged)} == {"2020-05-04T23:16:33"}
    unknown = replace(judged, run=make_run(start_time=None))
    assert {suite.get("timestamp") for suite in parsed(unknown)} == {None}


def of_classes(*names: str, baseline: dict[str, TestOutcome], **about: Any) -> Judged:
    """A run in which these tests failed, held against an earlier one."""
    results = [*(make_result(name, "FAIL", error="boom") for name in names), make_result("passes")]
    run = make_run(failed=len(names), **about)
    file = results[0].file
    before = {TestId(file, name): outcome for name, outcome in baseline.items()}
    evidence = evidence_of(
        run,
        results,
        baseline=Baseline(
            earlier=EarlierRun(run=make_run(id=7, git_ref="90cf2aa"), outcomes=before)
        ),
        history=History(),
    )
    return judge(make_policy("new_failed <= 0"), run, results, evidence)


def classes(root: etree._Element) -> list[dict[str, str]]:
    """What the suites of tests say of the classes of their cases."""
    return [
        {
            element.attrib["name"]: element.attrib["value"]
            for element in suite.iter("property")
            if element.attrib["name"].startswith("class: ")
        }
        for suite in root[1:]
    ]


PASSED, FAILED = TestOutcome.PASSED, TestOutcome.FAILED


def test_the_class_of_a_failure_is_a_property_of_its_suite_and_the_name_stays() -> None:
    names = ("a", "a", '"<b>"')
    root = parsed(of_classes(*names, baseline={"a": FAILED, '"<b>"': PASSED}))
    SCHEMA.assertValid(root)
    assert classes(root) == [
        {"class: a": "known", "class: a (2)": "known", 'class: "<b>"': "new"},
    ]
    cases = [(case.get("name"), [element.tag for element in case]) for case in root[1][1:]]
    assert cases == [
        ("a", ["failure"]),
        ("a (2)", ["failure"]),
        ('"<b>"', ["failure"]),
        ("passes", []),
    ]
    assert root[1][0].tag == "properties"


def test_what_the_tests_were_held_against_is_in_the_properties_of_the_gate() -> None:
    judged = of_classes("a", "b", baseline={"a": FAILED, "gone": PASSED}, branch="main")
    values = properties(judged)
    names = ("branch", "baseline", "new_failed", "known_failed", "fixed", "missing", "added")
    assert [values[name] for name in names] == [
        *("main", "run 7 (90cf2aa, 2020-05-04 23:22 UTC)", "1", "1", "0", "1", "2"),
    ]


def test_known_failures_are_failures_unless_the_gate_tolerates_them() -> None:
    judged = of_classes("a", baseline={"a": FAILED})
    assert judged.exit_code is ExitCode.PASSED
    for tolerated, tag in ((Tolerated.FAILURE, "failure"), (Tolerated.SKIPPED, "skipped")):
        root = parsed(judged, tolerated=tolerated)
        assert outcome_of(root[1][1]).tag == tag
        assert classes(root) == [{"class: a": "known"}]
    failed = of_classes("a", "b", baseline={"a": FAILED})
    assert failed.exit_code is ExitCode.FAILED
    tags = [outcome_of(case).tag for case in parsed(failed, tolerated=Tolerated.SKIPPED)[1][1:3]]
    assert tags == ["failure", "failure"]


def test_what_testery_tolerates_is_called_so() -> None:
    run, results = make_run(failed=1, status="PASS"), [make_result("a", "FAIL")]
    evidence = evidence_of(
        run,
        results,
        baseline=Baseline(why_none="there is none"),
        history=History(),
        trust_status=True,
    )
    root = parsed(judge(make_policy(trust_status=True), run, results, evidence))
    assert classes(root) == [{"class: a": "tolerated"}]


def test_where_the_tests_say_nothing_there_are_no_classes() -> None:
    run, results = make_run(failed=2), [make_result("a", "FAIL")]
    evidence = Evidence(unknown="they can't be read", results=results)
    assert classes(parsed(judge(make_policy(), run, results, evidence))) == [{}]


def test_tests_are_cases_in_the_suite_of_their_file() -> None:
    found = suites(
        make_result("a", file="one.feature"),
        make_result("b", file="two.feature"),
        make_result("c", file="one.feature"),
        make_result("d", file=""),
    )
    assert [
        (suite.get("name"), suite.get("file"), [case.get("name") for case in suite])
        for suite in found
    ] == [
        ("one.feature", "one.feature", ["a", "c"]),
        ("two.feature", "two.feature", ["b"]),
        ("(no file)", None, ["d"]),
    ]


def test_a_large_suite_is_as_whole_as_a_small_one() -> None:
    statuses = ["PASS", "FAIL", "IGNORED", ""] * 63
    results = [make_result("signs in", status) for status in statuses]
    root = parsed(judge(make_policy(), make_run(), results))
    SCHEMA.assertValid(root)
    assert_true_counts(root)
    assert_unique(root)
    suite = root[1]
    assert [case.get("name") for case in suite.iterfind("testcase")] == [
        "signs in",
        *(f"signs in ({number})" for number in range(2, 253)),
    ]
    assert attributes([suite], "tests", "failures", "errors", "skipped", "time") == [
        ("252", "63", "63", "63", "315.000")
    ]


@pytest.mark.parametrize("results", [None, ()])
def test_without_tests_there_are_no_suites_of_tests(results: Sequence[TestResult] | None) -> None:
    assert len(parsed(judge(make_policy(), make_run(), results))) == 1


@pytest.mark.parametrize(
    ("file", "class_name"),
    [
        pytest.param("cypress/e2e/login.cy.js", "cypress.e2e.login.cy", id="path"),
        pytest.param("login.feature", "login", id="name"),
        pytest.param("tests/login", "tests.login", id="no extension"),
        pytest.param("./tests\\v1.2\\Login.cs", "tests.v1.2.Login", id="backslashes"),
        pytest.param("../a.js", "a", id="above"),
        pytest.param("", "(no file)", id="nothing"),
        pytest.param("/./", "(no file)", id="nothing but signs"),
    ],
)
def test_the_class_of_a_test_is_its_file_with_dots(file: str, class_name: str) -> None:
    assert only_case(make_result(file=file)).get("classname") == class_name


@pytest.mark.parametrize(
    ("duration", "time"),
    [
        pytest.param(timedelta(milliseconds=1), "0.001", id="a millisecond"),
        pytest.param(timedelta(microseconds=100), "0.000", id="less than can be said"),
        pytest.param(timedelta(0), "0.000", id="zero"),
        pytest.param(timedelta(days=2), "172800.000", id="days"),
        pytest.param(timedelta(seconds=-1), "0.000", id="negative"),
        pytest.param(None, "0.000", id="unknown"),
    ],
)
def test_times_are_plain_seconds_with_three_decimals(duration: timedelta | None, time: str) -> None:
    assert only_case(make_result(duration=duration)).get("time") == time


def test_times_add_up_exactly() -> None:
    results = [
        make_result(str(number), duration=timedelta(milliseconds=100)) for number in (1, 2, 3)
    ]
    (suite,) = suites(*results)
    assert suite.get("time") == "0.300"


def test_equal_names_in_a_file_are_numbered_past_names_that_look_so() -> None:
    names = ["a", "a (2)", "a", "a", "a (2)", ""]
    (suite,) = suites(*(make_result(name) for name in names))
    assert [case.get("name") for case in suite.iterfind("testcase")] == [
        "a",
        "a (2)",
        "a (3)",
        "a (4)",
        "a (2) (2)",
        "(no name)",
    ]
    assert attributes(suite.findall("properties/property"), "name", "value") == [
        ("numbered-cases", "3 4 5")
    ]


def test_where_there_are_tests_alone_their_first_suite_says_what_is_known_of_the_run() -> None:
    results = [make_result(file="one.feature"), make_result(file="two.feature")]
    judged = judge(make_policy(), make_run(), results)
    first, second = parsed(judged, scope=Scope.TESTS)
    found = {fact.get("name"): fact.get("value") for fact in first.iter("property")}
    assert found == {**properties(judged), "report-content": "tests"}
    assert not second.findall("properties")


def test_a_file_named_like_the_gate_has_a_suite_of_its_own() -> None:
    (suite,) = suites(make_result(file="testery-gate"))
    assert suite.get("name") == "testery-gate (2)"


def test_of_several_runs_each_suite_names_its_own() -> None:
    one = judge(make_policy(), make_run(id=1), [make_result()])
    two = judge(make_policy(), make_run(id=2), [make_result()])
    assert [suite.get("name") for suite in parsed(one, two)] == [
        "testery-gate (run 1)",
        "features/calculator.feature (run 1)",
        "testery-gate (run 2)",
        "features/calculator.feature (run 2)",
    ]


@pytest.mark.parametrize(
    ("result", "tag", "kind", "text"),
    [
        pytest.param(
            make_result(status="FAIL", error="boom\nmore", stack_trace="at x"),
            "failure",
            "failed",
            "boom\nmore\n\nat x",
            id="failed",
        ),
        pytest.param(
            make_result(status="FAIL", error="boom", stack_trace="boom\nat x"),
            "failure",
            "failed",
            "boom\nat x",
            id="failed, with a stack trace that repeats the error",
        ),
        pytest.param(
            make_result(status="FAIL", stack_trace="\n at x\n"),
            "failure",
            "failed",
            "at x",
            id="failed, with a stack trace alone",
        ),
        pytest.param(
            make_result(status="FAIL", error="\x1b[31m \n"),
            "failure",
            "failed",
            "Testery calls this test FAIL, and gives no error",
            id="failed without an error",
        ),
        pytest.param(
            make_result(status="IGNORED"),
            "skipped",
            "skipped",
            "Testery calls this test IGNORED",
            id="ignored",
        ),
        pytest.param(
            make_result(status="NOT_RUN", error="no runner"),
            "skipped",
            "skipped",
            "Testery calls this test NOT_RUN\nno runner",
            id="not run",
        ),
        pytest.param(
            make_result(status="PENDING"),
            "skipped",
            "skipped",
            "Testery calls this test PENDING",
            id="pending",
        ),
        pytest.param(
            make_result(status="RUNNING"),
            "skipped",
            "skipped",
            "Testery calls this test RUNNING",
            id="running",
        ),
        pytest.param(
            make_result(status="", status_text="FLAKY", error="boom"),
            "error",
            "unknown",
            "the test's status, FLAKY, is unknown to the gate\nboom",
            id="unknown status",
        ),
        pytest.param(
            make_result(status=""), "error", "unknown", "the test has no status", id="no status"
        ),
    ],
)
def test_the_outcome_of_a_test_is_shown(result: TestResult, tag: str, kind: str, text: str) -> None:
    element = outcome_of(only_case(result))
    assert (element.tag, element.get("type"), element.text) == (tag, kind, text)
    assert element.get("message") == text.partition("\n")[0]


def test_a_test_that_passed_says_nothing() -> None:
    assert len(only_case(make_result(error="the first try failed"))) == 0


def test_a_long_first_line_is_shortened_in_the_message_and_whole_in_the_text() -> None:
    error = outcome_of(only_case(make_result(status="FAIL", error="x" * 501)))
    assert error.get("message") == "x" * 499 + "…"
    assert error.text == "x" * 499 + "…\n" + "x" * 501


def test_a_long_text_is_cut_and_says_so() -> None:
    error = outcome_of(
        only_case(make_result(status="FAIL", error="boom", stack_trace="x" * 60_000))
    )
    assert error.text == f"boom\n\n{'x' * 49_994}\n[10006 more characters are left out here]"


@pytest.mark.slow  # renders 60 MB
@pytest.mark.parametrize(
    ("tests", "length"),
    [
        pytest.param(3_000, 60_000, id="long texts"),
        pytest.param(40_000, 1_000, id="many texts"),
    ],
)
def test_gitlab_takes_the_report_however_much_failed(tests: int, length: int) -> None:
    failing = make_result("fails as it did before", "FAIL", error="boom " * (length // 5))
    results = [failing] * tests
    for evidence in (None, unexplained(results)):
        text = junit.render([judge(make_policy(), make_run(), results, evidence)])
        assert 20_000_000 < len(text.encode()) < 30_000_000
        assert f'tests="{tests + 6}"' in text


def unexplained(results: Sequence[TestResult]) -> Evidence:
    """Evidence by which all failures are new."""
    none = Baseline(why_none="there is none")
    return evidence_of(make_run(failed=1), results, baseline=none, history=History())


TESTED = judge(make_policy(), make_run(id=1), [make_result()])
ONLY_COUNTED = judge(make_policy(), make_run(id=2))
NOT_JUDGED = not_judged(3, ExitCode.TIMED_OUT, "not finished within 3600 s")


@pytest.mark.parametrize(
    ("scope", "names"),
    [
        pytest.param(
            Scope.ALL,
            [
                "testery-gate (run 1)",
                "features/calculator.feature (run 1)",
                "testery-gate (run 2)",
                "testery-gate (run 3)",
            ],
            id="all",
        ),
        pytest.param(
            Scope.GATE,
            ["testery-gate (run 1)", "testery-gate (run 2)", "testery-gate (run 3)"],
            id="gate",
        ),
        pytest.param(
            Scope.TESTS,
            ["features/calculator.feature (run 1)", "testery-gate (run 2)", "testery-gate (run 3)"],
            id="tests",
        ),
    ],
)
def test_the_scope_leaves_no_run_out(scope: Scope, names: list[str]) -> None:
    root = parsed(TESTED, ONLY_COUNTED, NOT_JUDGED, scope=scope)
    assert [suite.get("name") for suite in root] == names


@pytest.mark.parametrize("results", [None, ()])
@pytest.mark.parametrize("scope", Scope)
def test_no_scope_makes_an_empty_report(scope: Scope, results: Sequence[TestResult] | None) -> None:
    assert parsed(replace(ONLY_COUNTED, results=results), scope=scope).get("tests") == "6"


def tolerated(result: TestResult, *required: str, trust_status: bool = False) -> etree._Element:
    """Return the outcome of a test when tolerated failures are to be skipped."""
    policy = make_policy(*required, trust_status=trust_status)
    run = make_run(failed=1, status="PASS" if trust_status else "FAIL")
    judged = judge(policy, run, [result])
    root = parsed(judged, scope=Scope.TESTS, tolerated=Tolerated.SKIPPED)
    SCHEMA.assertValid(root)
    assert_true_counts(root)
    (case,) = root.iter("testcase")
    assert_readable(case)
    return outcome_of(case)


@pytest.mark.parametrize(
    ("error", "stack_trace", "text"),
    [
        pytest.param("boom\nmore", "at x", "tolerated: boom\nmore\n\nat x", id="error"),
        pytest.param(None, "\n at x\n", "tolerated: at x", id="stack trace alone"),
        pytest.param(
            "\x1b[0m \n",
            None,
            "tolerated: Testery calls this test FAIL, and gives no error",
            id="no error",
        ),
    ],
)
@pytest.mark.parametrize(
    ("required", "trust_status"),
    [
        pytest.param(["failed <= 1"], False, id="within a criterion"),
        pytest.param([], True, id="in a run that Testery calls PASS"),
    ],
)
def test_a_failure_that_the_gate_tolerates_can_be_skipped(
    required: list[str], trust_status: bool, error: str | None, stack_trace: str | None, text: str
) -> None:
    failed = make_result(status="FAIL", error=error, stack_trace=stack_trace)
    element = tolerated(failed, *required, trust_status=trust_status)
    assert (element.tag, element.get("type"), element.text) == ("skipped", "skipped", text)
    assert element.get("message") == text.partition("\n")[0]


def test_where_the_gate_did_not_pass_no_failure_is_skipped() -> None:
    failed = make_result(status="FAIL", error="boom")
    assert tolerated(failed, "failed <= 0").tag == "failure"
    assert tolerated(failed, "failed <= 1", "coverage >= 1%").tag == "failure"


def test_a_status_that_the_gate_does_not_know_is_never_tolerated() -> None:
    assert tolerated(make_result(status="", error="boom"), "failed <= 1").tag == "error"


def test_each_run_tolerates_for_itself() -> None:
    results = [make_result(status="FAIL", error="boom")]
    runs = [
        judge(make_policy(f"failed <= {limit}"), make_run(id=limit, failed=2), results)
        for limit in (1, 2)
    ]
    root = parsed(*runs, scope=Scope.TESTS, tolerated=Tolerated.SKIPPED)
    assert [outcome_of(case).tag for case in root.iter("testcase")] == ["failure", "skipped"]


def test_the_format_keeps_its_defaults_without_options() -> None:
    runs = [judge(make_policy("failed <= 1"), make_run(failed=1), [make_result("a", "FAIL")])]
    for scope in Scope:
        for called in Tolerated:
            formats = with_options(
                markdown_limit=1_000,
                html_limit=100_000,
                junit_scope=scope.value,
                junit_tolerated=called.value,
            )
            rendered = junit.render(runs, scope=scope, tolerated=called)
            assert formats["junit"](runs) == rendered
    assert FORMATS["junit"](runs) == junit.render(runs)


def test_the_command_offers_what_the_format_knows() -> None:
    kinds = {parameter.name: parameter.type for parameter in wait.params}
    for name, known in {"junit_scope": Scope, "junit_tolerated": Tolerated}.items():
        kind = kinds[name]
        assert isinstance(kind, click.Choice)
        assert list(kind.choices) == [member.value for member in known]


@pytest.mark.quick(1)
@pytest.mark.parametrize(
    ("options", "counts"),
    [
        pytest.param([], ("36", "3", "0"), id="as it is"),
        pytest.param(["--junit-scope=gate"], ("6", "0", "0"), id="checks"),
        pytest.param(["--junit-scope=tests"], ("30", "3", "0"), id="tests"),
        pytest.param(["--junit-tolerated=skipped"], ("36", "0", "3"), id="tolerated"),
        pytest.param(
            ["--junit-tolerated=skipped", "--max-failed=2"], ("36", "4", "0"), id="not tolerated"
        ),
    ],
)
def test_the_command_writes_what_was_asked_for(
    tmp_path: Path, options: list[str], counts: tuple[str, str, str]
) -> None:
    with Simulator(load_scenario("failing"), speed=FINISHED) as api:
        limit = [] if "--max-failed=2" in options else ["--max-failed=3"]
        command.run(
            *("wait", "55676", "--junit-xml=TEST.xml", *limit, *options),
            cwd=tmp_path,
            api_url=api.url,
        )
    root = etree.parse(tmp_path / "TEST.xml").getroot()
    skipped = str(len(list(root.iter("skipped"))))
    assert (root.get("tests"), root.get("failures"), skipped) == counts
