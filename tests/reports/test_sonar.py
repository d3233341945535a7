"""What SonarQube's scanner reads of the tests."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from lxml import etree

from testery_gate.errors import ExitCode
from testery_gate.judging.judged import Judged
from testery_gate.model import TestResult
from testery_gate.reports import sonar
from testery_gate.simulator import load_scenario
from tests.acceptance import command
from tests.builders import judge, make_policy, make_result, make_run
from tests.canary import FINISHED, Simulator
from tests.reports.examples import EXAMPLES, LARGE, any_runs_judged

SCHEMA = etree.XMLSchema(
    file=str(Path(__file__).parents[1] / "data" / "sonar-generic-execution.xsd")
)


def parsed(*runs: Judged) -> etree._Element:
    root = etree.fromstring(sonar.render(runs).encode())
    SCHEMA.assertValid(root)
    return root


def of(*results: TestResult) -> etree._Element:
    return parsed(judge(make_policy(), make_run(), results))


def only_case(result: TestResult) -> etree._Element:
    ((case,),) = of(result)
    return case


def cases(root: etree._Element) -> dict[str, list[str]]:
    """The names of the cases in each file."""
    return {file.attrib["path"]: [case.attrib["name"] for case in file] for file in root}


def assert_complete(root: etree._Element, runs: list[Judged]) -> None:
    """Every test is there once, under a name of its own, with at most one result."""
    assert len(cases(root)) == len(root), "a file is there twice"
    for path, names in cases(root).items():
        assert path.strip()
        assert all(name.strip() for name in names)
        assert len(set(names)) == len(names) > 0
    listed = list(root.iter("testCase"))
    assert len(listed) == sum(len(judged.results or ()) for judged in runs)
    for case in listed:
        assert re.fullmatch(r"\d+", case.attrib["duration"], re.ASCII)
        for element in case:
            message = element.attrib["message"]
            assert message.strip()
            assert (element.text or "").startswith(message)


@given(any_runs_judged)
def test_any_text_gives_valid_reports_with_every_test(runs: list[Judged]) -> None:
    assert_complete(parsed(*runs), runs)


@pytest.mark.parametrize("example", [*EXAMPLES, *LARGE])
def test_the_examples_are_valid(example: str) -> None:
    runs = list({**EXAMPLES, **LARGE}[example])
    assert_complete(parsed(*runs), runs)


@pytest.mark.parametrize(
    "report",
    [
        pytest.param("<testExecutions/>", id="no version"),
        pytest.param("<testExecutions version='2'/>", id="another version"),
        pytest.param("<testExecutions version='1'><file/></testExecutions>", id="no path"),
        pytest.param("<testCase name='a'/>", id="no duration"),
        pytest.param("<testCase duration='1'/>", id="no name"),
        pytest.param("<testCase name='a' duration='-1'/>", id="negative duration"),
        pytest.param("<testCase name='a' duration='1.5'/>", id="fractions of a millisecond"),
        pytest.param("<testCase name='a' duration='1'><failure/></testCase>", id="no message"),
        pytest.param(
            "<testCase name='a' duration='1'><skipped message='b'/><error message='c'/></testCase>",
            id="two results",
        ),
        pytest.param("<testCase name='a' duration='1'><pass message='b'/></testCase>", id="other"),
    ],
)
def test_the_schema_refuses_what_the_documentation_does(report: str) -> None:
    if report.startswith("<testCase"):
        report = f"<testExecutions version='1'><file path='f'>{report}</file></testExecutions>"
    assert not SCHEMA.validate(etree.fromstring(report))


def test_tests_are_cases_in_their_files() -> None:
    root = of(
        make_result("a", file="one.feature"),
        make_result("b", file="two & 'more' \"yet\".feature"),
        make_result("c", file="one.feature"),
    )
    assert cases(root) == {
        "one.feature": ["a", "c"],
        "two & 'more' \"yet\".feature": ["b"],
    }


def test_tests_without_a_file_are_under_a_path_that_no_analysis_has() -> None:
    assert cases(of(make_result("a", file=""))) == {"(no file)": ["a"]}


def test_a_path_is_as_long_as_it_can_lead_to_a_file() -> None:
    long, too_long = f"{'a/' * 2_000}b.js", "x" * 600_000
    assert list(cases(of(make_result(file=long), make_result(file=too_long)))) == [
        long,
        "x" * 4_095 + "…",
    ]


def test_equal_names_in_a_file_are_numbered() -> None:
    root = of(make_result("a"), make_result("a"), make_result("a", file="b"), make_result(""))
    assert cases(root) == {
        "features/calculator.feature": ["a", "a (2)", "(no name)"],
        "b": ["a"],
    }


def test_of_several_runs_a_file_is_there_once_and_each_test_names_its_run() -> None:
    one = judge(make_policy(), make_run(id=1), [make_result("a"), make_result("a")])
    two = judge(make_policy(), make_run(id=2), [make_result("a"), make_result("b", file="f")])
    none = judge(make_policy(), make_run(id=3))
    assert cases(parsed(one, none, two)) == {
        "features/calculator.feature": ["a (run 1)", "a (run 1) (2)", "a (run 2)"],
        "f": ["b (run 2)"],
    }


@pytest.mark.parametrize("example", ["timed-out", "unreachable", "decided-early"])
def test_where_no_tests_are_known_there_is_no_file(example: str) -> None:
    assert len(parsed(*EXAMPLES[example])) == 0


@pytest.mark.parametrize(
    ("duration", "shown"),
    [
        pytest.param(timedelta(milliseconds=1250), "1250", id="milliseconds"),
        pytest.param(timedelta(microseconds=1999), "1", id="begun milliseconds"),
        pytest.param(timedelta(days=999_999_999), "86399999913600000", id="the longest"),
        pytest.param(timedelta(0), "0", id="zero"),
        pytest.param(timedelta(seconds=-1), "0", id="negative"),
        pytest.param(None, "0", id="unknown"),
    ],
)
def test_durations_are_whole_milliseconds(duration: timedelta | None, shown: str) -> None:
    assert only_case(make_result(duration=duration)).get("duration") == shown


@pytest.mark.parametrize(
    ("status", "element", "message", "text"),
    [
        pytest.param("FAIL", "failure", "boom", "boom\nat x", id="failed"),
        pytest.param(
            "IGNORED",
            "skipped",
            "Testery calls this test IGNORED",
            "Testery calls this test IGNORED\nboom\nat x",
            id="ignored",
        ),
        pytest.param(
            "NOT_RUN",
            "skipped",
            "Testery calls this test NOT_RUN",
            "Testery calls this test NOT_RUN\nboom\nat x",
            id="not run",
        ),
        pytest.param(
            "",
            "error",
            "the test has no status",
            "the test has no status\nboom\nat x",
            id="unknown",
        ),
    ],
)
def test_the_outcome_of_a_test_is_shown(status: str, element: str, message: str, text: str) -> None:
    (outcome,) = only_case(make_result(status=status, error="boom", stack_trace="boom\nat x"))
    assert (outcome.tag, outcome.get("message"), outcome.text) == (element, message, text)


def test_a_test_that_passed_says_nothing() -> None:
    assert len(only_case(make_result(error="the first try failed"))) == 0


def test_the_command_writes_it(tmp_path: Path) -> None:
    with Simulator(load_scenario("failing"), speed=FINISHED) as api:
        done = command.run("wait", "55676", "--report=sonar=x.xml", cwd=tmp_path, api_url=api.url)
    assert done.code == ExitCode.FAILED, done.output
    root = etree.parse(tmp_path / "x.xml").getroot()
    SCHEMA.assertValid(root)
    assert len(root) == 3
    assert len(list(root.iter("testCase"))) == 30
    assert len(list(root.iter("failure"))) == 3
