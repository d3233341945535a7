"""Parsing what the API answers: strictly, and with nothing harmful left in its texts."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import unicodedata
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testery_gate.model import (
    Attachments,
    MalformedAnswer,
    ResultStatus,
    RunStatus,
    TestResult,
    TestRun,
    parse_account_name,
    parse_attachments,
    parse_results,
    parse_run,
    parse_runs,
)
from testery_gate.text import clean_text, one_line
from tests.builders import make_answer, make_run, with_unknown

DOCUMENTED_EXAMPLE = """
{
"id": 55676,
"name": "...",
"testName": null,
"key": "ABCDABCD75349414053EB9961013126945472A93",
"startTime": "2020-05-04 23:16:33+0000",
"endTime": "2020-05-04 23:22:59+0000",
"createTime": "2020-05-04 23:15:10+0000",
"accountId": 123,
"projectId": 123,
"status": "PASS",
"copies": 1,
"passCount": 30,
"failCount": 0,
"ignoredCount": 0,
"codeCoverageName": null,
"codeCoverageVersion": null,
"codeCoveragePercentage": null,
"codeCoverageTotalStatements": null,
"codeCoverageCoveredStatements": null,
"totalTestingTime": 1036000,
"isSchedule": null,
"totalCount": 30,
"gitRef": "abcd4e87d8d928a21a393b0def6ab0c0a21d35a2",
"buildKey": "23",
"environment": "dev",
"statusInfo": null,
"includeTags": [],
"complete": true
}
"""


def test_the_documented_example_is_read_whole() -> None:
    assert parse_run(json.loads(DOCUMENTED_EXAMPLE)) == TestRun(
        id=55676,
        name="...",
        status=RunStatus.PASS,
        status_text="PASS",
        status_info=None,
        complete=True,
        total=30,
        passed=30,
        failed=0,
        ignored=0,
        coverage=None,
        testing_time=timedelta(minutes=17, seconds=16),
        create_time=datetime(2020, 5, 4, 23, 15, 10, tzinfo=UTC),
        start_time=datetime(2020, 5, 4, 23, 16, 33, tzinfo=UTC),
        end_time=datetime(2020, 5, 4, 23, 22, 59, tzinfo=UTC),
        project_id=123,
        environment="dev",
        git_ref="abcd4e87d8d928a21a393b0def6ab0c0a21d35a2",
        build_key="23",
        include_tags=(),
    )


def test_every_field_is_read_from_its_own_place() -> None:
    answer = make_answer(
        total=10,
        failed=2,
        ignored=3,
        passCount=1,
        projectId=4,
        name="a",
        environment="b",
        gitRef="c",
        buildKey="d",
        statusInfo="e",
        includeTags=["f", "g"],
        codeCoveragePercentage=81.5,
        totalTestingTime=5,
        complete=False,
        createTime="2020-01-01 00:00:00+0000",
        startTime="2020-01-02 00:00:00+0000",
        endTime="2020-01-03 00:00:00+0000",
    )

    assert parse_run(answer) == TestRun(
        id=55676,
        name="a",
        status=RunStatus.FAIL,
        status_text="FAIL",
        status_info="e",
        complete=False,
        total=10,
        passed=1,
        failed=2,
        ignored=3,
        coverage=Fraction(163, 2),
        testing_time=timedelta(milliseconds=5),
        create_time=datetime(2020, 1, 1, tzinfo=UTC),
        start_time=datetime(2020, 1, 2, tzinfo=UTC),
        end_time=datetime(2020, 1, 3, tzinfo=UTC),
        project_id=4,
        environment="b",
        git_ref="c",
        build_key="d",
        include_tags=("f", "g"),
    )


def test_the_builders_of_runs_and_answers_agree() -> None:
    assert parse_run(make_answer(failed=2, ignored=1, not_run=3)) == make_run(
        failed=2, ignored=1, not_run=3
    )


def test_a_run_needs_no_field_but_its_id() -> None:
    assert parse_run({"id": 7}) == TestRun(id=7)


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("SUBMITTED", RunStatus.SUBMITTED),
        ("QUEUED", RunStatus.QUEUED),
        ("RUNNING", RunStatus.RUNNING),
        ("PASS", RunStatus.PASS),
        ("FAIL", RunStatus.FAIL),
        ("CANCELED", RunStatus.CANCELED),
    ],
)
def test_a_known_status_is_recognised(text: str, status: RunStatus) -> None:
    run = parse_run(make_answer(status=text))

    assert (run.status, run.status_text) == (status, text)


@pytest.mark.parametrize("text", ["PAUSED", "pass", "PASSED", "UNKNOWN", ""])
def test_an_unknown_status_is_kept_as_text(text: str) -> None:
    run = parse_run(make_answer(status=text))

    assert run.status is RunStatus.UNKNOWN
    assert run.status_text == text


@pytest.mark.parametrize(
    ("status", "final"),
    [
        (RunStatus.SUBMITTED, False),
        (RunStatus.QUEUED, False),
        (RunStatus.RUNNING, False),
        (RunStatus.PASS, True),
        (RunStatus.FAIL, True),
        (RunStatus.CANCELED, True),
        (RunStatus.UNKNOWN, False),
    ],
)
def test_a_run_stays_in_pass_fail_and_canceled(status: RunStatus, final: bool) -> None:
    assert status.is_final is final


OPTIONAL_FIELDS = {
    "name": "name",
    "statusInfo": "status_info",
    "complete": "complete",
    "totalCount": "total",
    "passCount": "passed",
    "failCount": "failed",
    "ignoredCount": "ignored",
    "codeCoveragePercentage": "coverage",
    "totalTestingTime": "testing_time",
    "createTime": "create_time",
    "startTime": "start_time",
    "endTime": "end_time",
    "projectId": "project_id",
    "environment": "environment",
    "gitRef": "git_ref",
    "buildKey": "build_key",
}


def without(answer: dict[str, Any], field: str) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name != field}


def with_null(answer: dict[str, Any], field: str) -> dict[str, Any]:
    return answer | {field: None}


absent = pytest.mark.parametrize(
    "leave_out", [pytest.param(without, id="missing"), pytest.param(with_null, id="null")]
)


@absent
@pytest.mark.parametrize(("field", "attribute"), OPTIONAL_FIELDS.items())
def test_an_absent_field_is_unknown_and_harms_no_other(
    field: str, attribute: str, leave_out: Callable[[dict[str, Any], str], dict[str, Any]]
) -> None:
    answer = make_answer(statusInfo="fine", codeCoveragePercentage=80)
    whole, run = parse_run(answer), parse_run(leave_out(answer, field))

    assert getattr(whole, attribute) is not None
    assert getattr(run, attribute) is None
    assert [f.name for f in fields(run) if getattr(run, f.name) != getattr(whole, f.name)] == [
        attribute
    ]


@absent
def test_an_absent_status_is_unknown(
    leave_out: Callable[[dict[str, Any], str], dict[str, Any]],
) -> None:
    run = parse_run(leave_out(make_answer(), "status"))

    assert (run.status, run.status_text) == (RunStatus.UNKNOWN, "")


@absent
def test_absent_tags_are_none(
    leave_out: Callable[[dict[str, Any], str], dict[str, Any]],
) -> None:
    assert (
        parse_run(leave_out(make_answer(includeTags=["smoke"]), "includeTags")).include_tags == ()
    )


@absent
def test_a_run_without_an_id_is_malformed(
    leave_out: Callable[[dict[str, Any], str], dict[str, Any]],
) -> None:
    with pytest.raises(MalformedAnswer, match=r"^a test run has no id$"):
        parse_run(leave_out(make_answer(), "id"))


COUNT_FIELDS = ("id", "totalCount", "passCount", "failCount", "ignoredCount")
NUMBER_FIELDS = ("codeCoveragePercentage", "totalTestingTime")
KINDS: list[tuple[object, str]] = [
    (True, "true"),
    (False, "false"),
    (0, "a number"),
    (1, "a number"),
    (30.0, "a number"),
    ("30", "a string"),
    ("", "a string"),
    ([], "a list"),
    ([None], "a list"),
    ({}, "an object"),
]


def wrong_values(*fine: type) -> list[tuple[object, str]]:
    """Return the values that are of none of these types; a bool is no int."""
    return [(value, kind) for value, kind in KINDS if type(value) not in fine]


WRONG = [
    *(("status", v, k, "a string") for v, k in wrong_values(str)),
    *((f, v, k, "a whole number below 2**53") for f in COUNT_FIELDS for v, k in wrong_values(int)),
    *(("complete", v, k, "true or false") for v, k in wrong_values(bool)),
]


@pytest.mark.parametrize(
    ("field", "value", "got", "expected"),
    [pytest.param(*row, id=f"{row[0]}={json.dumps(row[1])}") for row in WRONG],
)
def test_evidence_of_the_wrong_type_makes_the_answer_malformed(
    field: str, value: object, got: str, expected: str
) -> None:
    with pytest.raises(MalformedAnswer) as caught:
        parse_run(make_answer() | {field: value})

    assert str(caught.value) == f"{field} of a test run is {got}, not {expected}"


ABOUT = [
    *(
        (field, attribute, value)
        for field, attribute in (
            *(("name", "name"), ("statusInfo", "status_info"), ("environment", "environment")),
            *(("gitRef", "git_ref"), ("buildKey", "build_key")),
        )
        for value, _ in wrong_values(str, int)
    ),
    *(
        (field, attribute, value)
        for field, attribute in (
            *(("createTime", "create_time"), ("startTime", "start_time"), ("endTime", "end_time")),
        )
        for value in (*(value for value, _ in wrong_values(str)), 20200504)
    ),
    *(("projectId", "project_id", value) for value, _ in wrong_values(int)),
    *(
        (field, attribute, value)
        for field, attribute in (
            ("codeCoveragePercentage", "coverage"),
            ("totalTestingTime", "testing_time"),
        )
        for value in (
            *(value for value, _ in wrong_values(int, float)),
            *(float("nan"), float("inf"), float("-inf"), 2**53, -(2**53), 10**4299),
        )
    ),
    *(("totalTestingTime", "testing_time", value) for value in (1e300, -1e300)),
    *(("includeTags", "include_tags", value) for value, _ in wrong_values(list)),
    *(("includeTags", "include_tags", value) for value in ([None], ["a", 1], [["a"]])),
]


@pytest.mark.parametrize(
    ("field", "attribute", "value"),
    [pytest.param(*row, id=f"{row[0]}={str(row[2])[:10]}") for row in ABOUT],
)
def test_what_is_no_evidence_is_unknown_where_it_has_the_wrong_type(
    field: str, attribute: str, value: object
) -> None:
    expected = parse_run({name: of for name, of in make_answer().items() if name != field})

    run = parse_run(make_answer() | {field: value})

    assert run == expected
    assert not getattr(run, attribute)


def test_a_number_where_a_text_is_due_is_its_digits() -> None:
    run = parse_run(make_answer(buildKey=23, gitRef=1234567, name=-1))

    assert (run.build_key, run.git_ref, run.name) == ("23", "1234567", "-1")


@pytest.mark.parametrize("field", COUNT_FIELDS)
@pytest.mark.parametrize("value", [2**53, -(2**53), 10**4299], ids=["high", "low", "absurd"])
def test_a_number_that_json_does_not_carry_exactly_is_malformed(field: str, value: int) -> None:
    with pytest.raises(MalformedAnswer, match=rf"^{field} of a test run is a number, not a whole"):
        parse_run(make_answer() | {field: value})


@pytest.mark.parametrize("value", [2**53 - 1, 1 - 2**53, -1, 0])
def test_any_other_count_is_taken_as_it_is(value: int) -> None:
    assert parse_run(make_answer(failCount=value)).failed == value


@pytest.mark.parametrize(
    ("value", "seconds"),
    [(0, 0), (1, 0.001), (0.5, 0.0005), (1036000, 1036), (-1000, -1)],
)
def test_times_are_given_in_milliseconds(value: float, seconds: float) -> None:
    run = parse_run(make_answer(totalTestingTime=value))

    assert run.testing_time == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("value", "percent"),
    [
        pytest.param(80, Fraction(80), id="whole"),
        pytest.param(99.96, Fraction(2499, 25), id="the decimal that was written"),
        pytest.param(0.1, Fraction(1, 10), id="not the float beside it"),
        pytest.param(1e-7, Fraction(1, 10**7), id="scientific"),
    ],
)
def test_coverage_is_exactly_what_was_written(value: float, percent: Fraction) -> None:
    assert parse_run(make_answer(codeCoveragePercentage=value)).coverage == percent


@pytest.mark.parametrize(
    ("text", "time"),
    [
        pytest.param(
            "2020-05-04 23:16:33+0000", datetime(2020, 5, 4, 23, 16, 33, tzinfo=UTC), id="observed"
        ),
        pytest.param(
            "2020-05-04T23:16:33Z", datetime(2020, 5, 4, 23, 16, 33, tzinfo=UTC), id="ISO 8601"
        ),
        pytest.param(
            "2020-05-04T23:16:33.25Z",
            datetime(2020, 5, 4, 23, 16, 33, 250000, tzinfo=UTC),
            id="with a fraction",
        ),
        pytest.param(
            "2020-05-05 01:16:33+02:00",
            datetime(2020, 5, 4, 23, 16, 33, tzinfo=UTC),
            id="of another time zone",
        ),
        pytest.param(
            "2020-05-04 23:16:33", datetime(2020, 5, 4, 23, 16, 33, tzinfo=UTC), id="without a zone"
        ),
        pytest.param("", None, id="empty"),
        pytest.param("yesterday", None, id="words"),
        pytest.param("1588634193000", None, id="milliseconds since 1970"),
        pytest.param("2020-13-01 00:00:00+0000", None, id="no such month"),
        pytest.param("0001-01-01T00:00:00Z", None, id="the first time that .NET knows"),
        pytest.param("1970-01-01T00:00:00Z", None, id="the first time that Unix knows"),
        pytest.param("9999-12-31T23:59:59Z", None, id="the last time that databases know"),
        pytest.param("0001-01-01 00:00:00+1400", None, id="before the first year in UTC"),
        pytest.param("9999-12-31 23:59:59-1400", None, id="after the last year in UTC"),
    ],
)
def test_a_time_is_utc_or_unknown(text: str, time: datetime | None) -> None:
    run = parse_run(make_answer(startTime=text))

    assert run.start_time == time
    assert run.start_time is None or run.start_time.tzinfo is UTC


def test_a_time_without_a_zone_is_utc_wherever_the_gate_runs() -> None:
    program = (
        "from testery_gate.model import parse_run;"
        "print(parse_run({'id': 1, 'startTime': '2020-05-04 23:16:33'}).start_time)"
    )
    shown = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "TZ": "JST-9"},
        capture_output=True,
        check=True,
        text=True,
    ).stdout

    assert shown == "2020-05-04 23:16:33+00:00\n"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (None, "null"),
        (True, "true"),
        (1, "a number"),
        (1.5, "a number"),
        ("<html>", "a string"),
        ([{"id": 1}], "a list"),
        (object(), "object"),
    ],
    ids=["null", "true", "int", "float", "string", "list", "something else"],
)
def test_what_is_no_object_is_no_run(answer: object, kind: str) -> None:
    with pytest.raises(MalformedAnswer) as caught:
        parse_run(answer)

    assert str(caught.value) == f"a test run was expected, not {kind}"


def test_texts_of_a_run_are_cleaned_and_put_on_one_line() -> None:
    run = parse_run(
        make_answer(
            name="\x1b[31mnightly\x1b[0m \n run",
            environment="de\x00v",
            gitRef=" main ",
            buildKey="2\u202e3",
            statusInfo="lost\r\nthe \x1b[1mrunner\x1b[0m",
            includeTags=["\x1b[1m@smoke", " a\tb "],
        )
    )

    assert run.name == "nightly run"
    assert (run.environment, run.git_ref, run.build_key) == ("dev", "main", "23")
    assert run.status_info == "lost\nthe runner"
    assert run.include_tags == ("@smoke", "a b")


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (" PASS ", "' PASS '"),
        ("PASS\n", r"'PASS\n'"),
        ("\x1b[32mPASS\x1b[0m", r"'\x1b[32mPASS\x1b[0m'"),
        ("PA\x07SS", r"'PA\x07SS'"),
        ("PASS\u200b", "PASS\u200b"),
        ("pass", "pass"),
        ("PASSED", "PASSED"),
        ("", ""),
    ],
)
def test_a_status_is_a_known_word_exactly(status: str, text: str) -> None:
    run = parse_run(make_answer(status=status))
    assert (run.status, run.status_text) == (RunStatus.UNKNOWN, text)
    (result,) = parse_results([{"id": 1, "status": status}])
    assert (result.status, result.status_text) == (ResultStatus.UNKNOWN, text)


def test_done_counts_every_test_that_has_a_result() -> None:
    assert make_run(total=30, failed=2, ignored=3, not_run=4).done == 26


@pytest.mark.parametrize("count", ["passed", "failed", "ignored"])
def test_done_is_unknown_where_a_count_is(count: str) -> None:
    assert with_unknown(make_run(), count).done is None


def test_a_list_of_runs_keeps_its_order() -> None:
    assert [run.id for run in parse_runs([{"id": 3}, {"id": 1}, {"id": 2}])] == [3, 1, 2]
    assert parse_runs([]) == ()


def test_one_malformed_run_spoils_the_list() -> None:
    with pytest.raises(MalformedAnswer, match=r"^a test run was expected, not null$"):
        parse_runs([make_answer(), None])


def test_what_is_no_list_is_no_list_of_runs() -> None:
    with pytest.raises(MalformedAnswer, match=r"^a list of test runs was expected, not an object$"):
        parse_runs({"testRuns": []})


RESULT: dict[str, Any] = {
    "id": 901,
    "status": "FAIL",
    "duration": 1250,
    "error": "\x1b[31mexpected 4\x1b[0m,\r\ngot 5",
    "stackTrace": "at add (calculator.js:3)\n\tat run",
    "projectTest": {
        "name": "adds\ntwo numbers",
        "file": "features/calculator.feature",
        "fileFilter": None,
    },
}


def test_a_result_is_read_whole() -> None:
    assert parse_results([RESULT]) == (
        TestResult(
            id="901",
            name="adds two numbers",
            file="features/calculator.feature",
            status=ResultStatus.FAIL,
            status_text="FAIL",
            duration=timedelta(seconds=1, milliseconds=250),
            error="expected 4,\ngot 5",
            stack_trace="at add (calculator.js:3)\n\tat run",
        ),
    )


@absent
@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("id", {"id": ""}),
        ("status", {"status": ResultStatus.UNKNOWN, "status_text": ""}),
        ("duration", {"duration": None}),
        ("error", {"error": None}),
        ("stackTrace", {"stack_trace": None}),
        ("projectTest", {"name": "test 901", "file": ""}),
    ],
)
def test_any_field_of_a_result_can_be_absent(
    field: str,
    changes: dict[str, object],
    leave_out: Callable[[dict[str, Any], str], dict[str, Any]],
) -> None:
    [whole] = parse_results([RESULT])

    assert parse_results([leave_out(RESULT, field)]) == (replace(whole, **changes),)  # type: ignore[arg-type]


def test_a_brief_result_says_which_test_it_was_and_what_came_of_it() -> None:
    [whole] = parse_results([RESULT])
    brief = replace(whole, duration=None, error=None, stack_trace=None)
    assert brief != whole
    assert parse_results([RESULT], brief=True) == (brief,)


@pytest.mark.parametrize(
    ("project_test", "name", "file"),
    [
        pytest.param({"name": None, "file": "a.py"}, "test 901", "a.py", id="no name"),
        pytest.param({"name": "\x1b[0m", "file": "a.py"}, "test 901", "a.py", id="an empty name"),
        pytest.param({"name": "adds"}, "adds", "", id="no file"),
        pytest.param({}, "test 901", "", id="neither"),
    ],
)
def test_a_test_has_a_name_whatever_is_absent(
    project_test: dict[str, object], name: str, file: str
) -> None:
    [result] = parse_results([RESULT | {"projectTest": project_test}])

    assert (result.name, result.file) == (name, file)


def test_a_test_of_which_nothing_is_known_is_unnamed() -> None:
    assert parse_results([{}]) == (
        TestResult(
            id="", name="unnamed test", file="", status=ResultStatus.UNKNOWN, status_text=""
        ),
    )


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("PASS", ResultStatus.PASS),
        ("FAIL", ResultStatus.FAIL),
        ("IGNORED", ResultStatus.IGNORED),
        ("NOT_RUN", ResultStatus.NOT_RUN),
        ("PENDING", ResultStatus.PENDING),
        ("RUNNING", ResultStatus.RUNNING),
    ],
)
def test_a_known_status_of_a_result_is_recognised(text: str, status: ResultStatus) -> None:
    [result] = parse_results([RESULT | {"status": text}])

    assert (result.status, result.status_text) == (status, text)


def test_an_unknown_status_of_a_result_is_kept_as_text() -> None:
    [result] = parse_results([RESULT | {"status": "FLAKY"}])

    assert (result.status, result.status_text) == (ResultStatus.UNKNOWN, "FLAKY")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"status": 1}, "status of a test result is a number, not a string"),
        ({"projectTest": "adds"}, "a project test was expected, not a string"),
        ({"projectTest": []}, "a project test was expected, not a list"),
        ({"projectTest": ""}, "a project test was expected, not a string"),
        ({"projectTest": False}, "a project test was expected, not false"),
    ],
    ids=str,
)
def test_a_result_of_the_wrong_shape_is_malformed(changes: dict[str, object], message: str) -> None:
    with pytest.raises(MalformedAnswer) as caught:
        parse_results([RESULT, RESULT | changes])

    assert str(caught.value) == message


def test_what_a_result_says_in_the_wrong_type_is_unknown() -> None:
    wrong = {"id": "901", "duration": "1250", "error": {}, "stackTrace": []}
    [result] = parse_results([RESULT | wrong | {"projectTest": {"name": [1], "file": True}}])

    assert (result.id, result.duration, result.error, result.stack_trace) == ("", None, None, None)
    assert (result.name, result.file) == ("unnamed test", "")


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({}, "a list of test results was expected, not an object"),
        (None, "a list of test results was expected, not null"),
        ([None], "a test result was expected, not null"),
        ([[]], "a test result was expected, not a list"),
    ],
)
def test_what_is_no_list_of_objects_is_no_list_of_results(answer: object, message: str) -> None:
    with pytest.raises(MalformedAnswer) as caught:
        parse_results(answer)

    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("answer", "name"),
    [
        ({"name": "acme"}, "acme"),
        ({"name": "Acme-2.test_x~"}, "Acme-2.test_x~"),
        ({"name": " acme\x1b[0m "}, "acme"),
        ({"name": "acme/../evil"}, None),
        ({"name": "acme?x"}, None),
        ({"name": "two words"}, None),
        ({"name": "\u00e4cme"}, None),
        ({"name": ""}, None),
        ({"name": None}, None),
        ({}, None),
    ],
)
def test_an_account_name_is_one_that_can_stand_in_an_address(
    answer: object, name: str | None
) -> None:
    assert parse_account_name(answer) == name


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ([], "an account was expected, not a list"),
        ({"name": 5}, "name of an account is a number, not a string"),
    ],
)
def test_an_unreadable_account_is_malformed(answer: object, message: str) -> None:
    with pytest.raises(MalformedAnswer) as caught:
        parse_account_name(answer)

    assert str(caught.value) == message


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def variations_of(answer: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Draw this object with up to three fields that hold anything."""
    changes = st.dictionaries(st.sampled_from(list(answer)), json_values, max_size=3)
    return changes.map(lambda changed: answer | changed)


results = st.builds(
    lambda result, project: result | {"projectTest": project},
    variations_of(RESULT),
    variations_of(RESULT["projectTest"]) | json_values,
)


@pytest.mark.parametrize(
    ("parse", "answers"),
    [
        pytest.param(parse_run, variations_of(make_answer()), id="run"),
        pytest.param(parse_runs, st.lists(variations_of(make_answer()), max_size=2), id="runs"),
        pytest.param(parse_results, st.lists(results, max_size=2), id="results"),
        pytest.param(parse_account_name, variations_of({"name": "acme"}), id="account"),
    ],
)
@given(data=st.data())
def test_no_answer_raises_anything_but_malformed_answer(
    data: st.DataObject, parse: Callable[[object], object], answers: st.SearchStrategy[object]
) -> None:
    answer = data.draw(answers | json_values)

    with contextlib.suppress(MalformedAnswer):
        parse(answer)


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        pytest.param("", "", id="empty"),
        pytest.param("a\tb\nc ~", "a\tb\nc ~", id="printable ASCII, tab and newline"),
        pytest.param(
            "\u00fc \u4e2d \U0001f600 \u200b", "\u00fc \u4e2d \U0001f600 \u200b", id="text"
        ),
        pytest.param("a\r\nb\r\n", "a\nb\n", id="line ends of Windows"),
        pytest.param("a\rb", "ab", id="a carriage return alone"),
        pytest.param("\x1b[1;31mred\x1b[0m", "red", id="colour"),
        pytest.param("\x1b[38:2::255:0:0mred\x1b[m", "red", id="colour with colons"),
        pytest.param("\x1b[2K\x1b[1Ga\x1b[?25l", "a", id="cursor"),
        pytest.param("\x1b[!pa\x1b[ qb", "ab", id="CSI with an intermediate"),
        pytest.param("\x9b31mred", "red", id="CSI in one character"),
        pytest.param("\x1b]0;title\x07text", "text", id="title ended by BEL"),
        pytest.param("\x1b]0;title\x1b\\text", "text", id="title ended by ST"),
        pytest.param(
            "\x1b]8;;https://example.org\x1b\\link\x1b]8;;\x1b\\", "link", id="link (OSC 8)"
        ),
        pytest.param("a\x1bP1;2|q\npayload\x1b\\b", "ab", id="DCS over lines"),
        pytest.param("a\x1bXb\x1b\\c\x1b^d\x1b\\e\x1b_f\x1b\\g", "aceg", id="SOS, PM and APC"),
        pytest.param("\x1b]0;title\nevidence", "0;title\nevidence", id="a title without an end"),
        pytest.param("\x1b]0;t\x1b[31mevidence", "0;tevidence", id="a title cut off by a colour"),
        pytest.param("\x1b(Ba\x1b=b\x1b7c", "abc", id="two-character escapes"),
        pytest.param("\x1b[31\u00e9", "31\u00e9", id="a colour that is cut off"),
        pytest.param("a\x1b", "a", id="an escape at the end"),
        pytest.param("\x1b\x1b[31ma", "a", id="an escape before an escape"),
        pytest.param("\r\x1b[0m\na", "\na", id="an escape inside a line end"),
        pytest.param("a\x00\x07\x08\x0b\x0c\x1f\x7f\x80\x85\x9fb", "ab", id="controls"),
        pytest.param(
            "don\u00e2\x80\x99t say \u00e2\x80\x98no\u00e2\x80\x99 \u00e2\x80\x9dto me",
            "don\u00e2t say \u00e2no\u00e2 \u00e2to me",
            id="quotes in a wrong encoding take no text with them",
        ),
        pytest.param("a\u202eb\u2066c\u2069d\u202a", "abcd", id="bidirectional overrides"),
        pytest.param("a\ud800b\udfffc\udcffd", "abcd", id="lone surrogates"),
        pytest.param("a\ufffeb\uffffc\ufffd", "abc\ufffd", id="what XML forbids"),
    ],
)
def test_remote_text_keeps_its_words_and_loses_what_is_harmful(text: str, cleaned: str) -> None:
    assert clean_text(text) == cleaned


fragments = st.sampled_from(
    [
        "\x1b",
        "\x1b[",
        "\x1b]",
        "\x1bP",
        "\x1b\\",
        "\x9b",
        "\x9d",
        "\x9c",
        "\x07",
        "\r\n",
        "\r",
        "31m",
    ]
)
any_text = st.lists(
    fragments | st.text(st.characters(exclude_categories=()), max_size=5), max_size=12
).map("".join)
# Section 2.2 of XML 1.0.
XML_TEXT = re.compile("[\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]*")


@given(any_text)
def test_cleaned_text_is_inert_and_clean_already(text: str) -> None:
    cleaned = clean_text(text)

    assert clean_text(cleaned) == cleaned
    assert XML_TEXT.fullmatch(cleaned)
    assert cleaned.encode().decode() == cleaned
    controls = {c for c in cleaned if unicodedata.category(c) in {"Cc", "Cs"}}
    assert controls <= {"\n", "\t"}
    assert not any(unicodedata.bidirectional(c) in OVERRIDES for c in cleaned)


OVERRIDES = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


@given(st.text(st.characters(categories=("L", "M", "N", "P", "S", "Z"), include_characters="\n\t")))
def test_text_without_controls_is_left_alone(text: str) -> None:
    assert clean_text(text) == text


@given(any_text)
def test_one_line_has_words_between_single_blanks(text: str) -> None:
    line = one_line(clean_text(text))

    assert one_line(line) == line == clean_text(line)
    assert line == " ".join(clean_text(text).split())
    assert len(line.splitlines()) <= 1


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", ""),
        (" \n ", ""),
        ("  a \n\tb\u2028c\u00a0d ", "a b c d"),
    ],
)
def test_every_run_of_white_space_becomes_one_blank(text: str, line: str) -> None:
    assert one_line(text) == line


@pytest.mark.parametrize(
    ("start", "rest"),
    [("\x1b]", ""), ("\x1bP", ""), ("\x1b[", ""), ("\x1b[0", "0"), ("\x1b[ ", " "), ("\x9d", "")],
)
def test_sequences_without_an_end_are_cleaned_in_one_pass(start: str, rest: str) -> None:
    # Searching for the end of each would take minutes, not a moment.
    assert clean_text(start * 200_000) == rest * 200_000


FILE = "https://files.example.test/1.png?signature=a%2Fb&c=d"


@pytest.mark.parametrize(
    "item",
    [
        pytest.param(FILE, id="a text"),
        pytest.param({"url": FILE}, id="an object"),
        pytest.param({"name": "login", "fileUrl": FILE}, id="an object with another name for it"),
        pytest.param({"thumbnailUrl": f"{FILE}0", "URL": FILE}, id="the whole before its picture"),
        pytest.param(
            {"href": "files/1.png", "src": FILE}, id="the one of several that leads there"
        ),
    ],
)
def test_addresses_are_found_in_every_shape(item: object) -> None:
    found = parse_attachments("1", {"id": 1, "screenShots": [item, item], "videos": [item]})
    assert found == Attachments(screenshots=(FILE,), videos=(FILE,))


@pytest.mark.parametrize(
    "item",
    [
        *("http://files.example.test/1", "javascript:alert(1)", "//files.example.test/1", "1.png"),
        *("https://", "https:///1", "https://user:word@files.example.test/", "https://a.test/ b"),
        *(
            'https://a.test/"><script>',
            "https://a.test/\n",
            " https://a.test/",
            "https://\u0430.test/",
        ),
        *(f"https://a.test/{'a' * 4000}", "https://a.test/canary", "", 7, None, True, [FILE]),
        *({}, {"url": 7}, {"url": {"url": FILE}}, {"name": FILE}, {"url": "http://a.test/"}),
    ],
)
def test_only_plain_addresses_are_taken(item: object) -> None:
    data = {"screenShots": [item], "videos": {"url": item}, "processOutput": [item]}
    assert parse_attachments("1", data, lambda text: text.replace("canary", "***")) is None


def test_there_is_an_end_to_addresses() -> None:
    found = parse_attachments("1", {"videos": [f"{FILE}&{number}" for number in range(11)]})
    assert found is not None
    assert len(found.videos) == 10


@pytest.mark.parametrize(
    ("output", "shown"),
    [
        ("\x1b[31mone\x1b[0m\ntwo\n", "one\ntwo"),
        (
            "".join(f"{n}\n" for n in range(120)),
            "\n".join(["[earlier lines are left out here]", *map(str, range(20, 120))]),
        ),
        (f"{'a' * 20_000}b", f"[earlier lines are left out here]\n{'a' * 9_999}b"),
        (
            f"https://a.test/1\n{'a' * 200_000}",
            f"[earlier lines are left out here]\n{'a' * 10_000}",
        ),
    ],
)
def test_the_end_of_the_console_output_is_kept(output: str, shown: str) -> None:
    assert parse_attachments("1", {"processOutput": output}) == Attachments(output=shown)


@pytest.mark.parametrize("output", [FILE, {"url": FILE}])
def test_console_output_can_be_elsewhere(output: object) -> None:
    found = parse_attachments("1", {"id": None, "processOutput": output})
    assert found == Attachments(output_url=FILE)


@pytest.mark.parametrize("output", ["", " \n", "\x1b[0m", None, 7, ["a"], {"text": "a"}])
def test_what_is_no_console_output_is_none(output: object) -> None:
    assert parse_attachments("1", {"processOutput": output}) is None


@pytest.mark.parametrize("data", [{"id": 2}, [], None, "1"])
def test_what_is_not_about_the_test_is_malformed(data: object) -> None:
    with pytest.raises(MalformedAnswer):
        parse_attachments("1", data)
