"""Failing tests put together by error, and what of an error is shown first."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from testery_gate.errors import ExitCode
from testery_gate.judging.judged import Judged
from testery_gate.model import TestResult
from testery_gate.reports.grouping import (
    LOOKED_AT,
    MOST_LINES,
    SHORT,
    excerpt,
    grouped,
    headline,
    seen_first,
    signature,
)
from testery_gate.reports.view import FailingTest
from tests.builders import judge, make_policy, make_result, make_run, not_judged
from tests.reports.examples import any_text

NODE = """\
AssertionError: expected 401 to equal 200
    at Proxy.<anonymous> (node_modules/chai/lib/assert.js:9:1)
    at Context.<anonymous> (cypress/e2e/login.cy.js:12:34)
    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)
    at callFn (node_modules/mocha/lib/runnable.js:366:21)
    at Runnable.run (node_modules/mocha/lib/runnable.js:354:5)
    at Runner.runTest (node_modules/mocha/lib/runner.js:666:10)
    at node_modules/mocha/lib/runner.js:789:12
    at next (node_modules/mocha/lib/runner.js:581:14)
    at node_modules/mocha/lib/runner.js:591:7
    at Hook.run (node_modules/mocha/lib/runner.js:463:3)"""
JAVA = """\
java.lang.AssertionError: expected [200] but found [401]
	at org.testng.Assert.fail(Assert.java:99)
	at org.testng.Assert.failNotEquals(Assert.java:1037)
	at org.testng.Assert.assertEquals(Assert.java:122)
	at com.acme.shop.LoginTest.signsIn(LoginTest.java:42)
	at java.base/jdk.internal.reflect.NativeMethodAccessorImpl.invoke0(Native Method)
	at java.base/java.lang.reflect.Method.invoke(Method.java:566)
	at org.testng.internal.TestInvoker.invokeMethod(TestInvoker.java:598)
	at org.testng.internal.TestInvoker.invokeTestMethod(TestInvoker.java:173)
	at org.testng.internal.MethodRunner.runInSequence(MethodRunner.java:46)
	at org.testng.TestRunner.privateRun(TestRunner.java:829)"""
PYTHON = """\
Traceback (most recent call last):
  File "/app/tests/test_login.py", line 7, in test_signs_in
    check(session)
  File "/app/tests/steps.py", line 12, in check
    requests.get(url).raise_for_status()
  File "/usr/lib/python3.12/site-packages/requests/models.py", line 1024, in raise_for_status
    raise HTTPError(http_error_msg, response=self)
requests.exceptions.HTTPError: 401 Client Error



"""
PYTEST = """\
    def test_signs_in(session):
        answer = session.get("/login")

        # The session is new.
        first = answer.json()
        assert first
        second = answer.status_code
>       assert second == 200
E       assert 401 == 200
E        +  where 401 = <Response [401]>.status_code

tests/test_login.py:12: AssertionError"""
PLAYWRIGHT = """\
Error: expect(received).toBe(expected)

Expected: 200
Received: 401

  11 |   const answer = await page.goto('/login');
> 12 |   expect(answer.status()).toBe(200);
     |                           ^
  13 | });

    at /app/tests/login.spec.ts:12:27
    at Test.run (/app/node_modules/playwright/lib/test.js:3:1)"""
RUBY = """\
expected: 200
     got: 401

(compared using ==)
/usr/lib/ruby/gems/3.2.0/gems/rspec-support-3.13.1/lib/rspec/support.rb:110:in `block'
/usr/lib/ruby/gems/3.2.0/gems/rspec-support-3.13.1/lib/rspec/support.rb:118:in `notify'
./features/steps/login.rb:9:in `/^I am signed in$/'
features/login.feature:12:in `I am signed in'
x
x
x"""


@pytest.mark.parametrize(
    ("error", "first", "frame"),
    [
        pytest.param(
            NODE,
            "AssertionError: expected 401 to equal 200",
            "    at Context.<anonymous> (cypress/e2e/login.cy.js:12:34)",
            id="Node",
        ),
        pytest.param(
            JAVA,
            "java.lang.AssertionError: expected [200] but found [401]",
            "\tat com.acme.shop.LoginTest.signsIn(LoginTest.java:42)",
            id="Java",
        ),
        pytest.param(
            PYTHON,
            "requests.exceptions.HTTPError: 401 Client Error",
            '  File "/app/tests/steps.py", line 12, in check\n'
            "    requests.get(url).raise_for_status()",
            id="Python",
        ),
        pytest.param(
            PYTEST,
            "assert 401 == 200",
            "tests/test_login.py:12: AssertionError",
            id="pytest",
        ),
        pytest.param(
            PLAYWRIGHT,
            "Error: expect(received).toBe(expected)",
            "    at /app/tests/login.spec.ts:12:27",
            id="Playwright",
        ),
        pytest.param(
            RUBY, "expected: 200", "./features/steps/login.rb:9:in `/^I am signed in$/'", id="Ruby"
        ),
    ],
)
def test_the_assertion_and_the_first_own_frame_are_shown(
    error: str, first: str, frame: str
) -> None:
    lines = error.split("\n")
    assert headline(lines) == first
    shown = excerpt(lines)
    assert shown[0] == first
    assert "\n".join(shown).endswith(frame)
    assert not any("node_modules" in line or "org.testng" in line for line in shown)


def test_without_a_frame_of_the_tests_the_innermost_is_shown() -> None:
    lines = ["Error: x", *(f"    at run (node_modules/mocha/{n}.js:1:1)" for n in range(20))]
    assert excerpt(lines) == lines[:2]


def test_a_message_without_frames_is_cut() -> None:
    lines = [f"line {number}" for number in range(100)]
    assert excerpt(lines) == lines[:MOST_LINES]
    assert excerpt(lines[:SHORT]) == lines[:SHORT]


@given(st.lists(any_text.map(lambda text: text.replace("\n", " "))))
def test_what_is_shown_of_any_error_is_in_it_and_short(lines: list[str]) -> None:
    shown = excerpt(lines)
    assert len(shown) <= MOST_LINES
    assert all(any(line in whole for whole in lines) for line in shown)


variable = st.one_of(
    st.integers().map(str),
    st.floats(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9).map(
        lambda number: f"{number:.3f}"
    ),
    st.uuids().map(str),
    st.datetimes().map(lambda time: f"{time.isoformat()}Z"),
    st.dates().map(str),
    st.times().map(str),
    st.ip_addresses(v=4).map(lambda address: f"{address}:8080"),
    st.ip_addresses(v=6).map(lambda address: f"{address.exploded}:8080"),
    st.integers(0, 2**64).map(hex),
    st.uuids().map(lambda uuid: f"https://{uuid}.test/a/b?c=d#e"),
    st.integers(0).map(lambda number: f"user-{number}@shop.test"),
)


# As Python writes such an address since 3.13.
@example([("found", "0", "0000:0000:0000:0000:0000:ffff:0.0.0.0:8080")])
@given(st.lists(st.tuples(st.sampled_from(["found", "of", "at", "="]), variable, variable)))
def test_numbers_ids_times_and_addresses_make_no_difference(
    parts: list[tuple[str, str, str]],
) -> None:
    one = " ".join(f"{word} {first}" for word, first, _ in parts)
    other = " ".join(f"{word} {second}" for word, _, second in parts)
    # Only so much of a long message counts, which may end in the middle of a value.
    if max(len(one), len(other)) < 1_000:
        assert signature([one]) == signature([other])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("connect ECONNREFUSED ::1:3000", "connect ECONNREFUSED 127.0.0.1:80", id="IP"),
        pytest.param("no order abc1234", f"no order {UUID(int=9)}", id="ids"),
        pytest.param("took 5000ms", "took 12ms", id="durations"),
        pytest.param(NODE, NODE.replace("login.cy.js:12", "basket.cy.js:9"), id="frames"),
        pytest.param(PLAYWRIGHT, PLAYWRIGHT.replace("'/login'", "'/basket'"), id="source code"),
        pytest.param("a   b", "a b", id="blanks"),
    ],
)
def test_these_are_the_same_error(one: str, other: str) -> None:
    assert signature(one.split("\n")) == signature(other.split("\n"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("no element #basket", "no element #invoice", id="names"),
        pytest.param("expected true", "expected false", id="values"),
        pytest.param("Error: x\n\nExpected: a", "Error: x\n\nExpected: b", id="further lines"),
        pytest.param("AssertionError: x", "TypeError: x", id="kinds"),
        pytest.param("x", "", id="none"),
        pytest.param("shop.test:443: refused", "shop.test:443: no route", id="like a frame"),
    ],
)
def test_these_are_different_errors(one: str, other: str) -> None:
    assert signature(one.split("\n")) != signature(other.split("\n"))


def failing(error: str, number: int) -> FailingTest:
    return FailingTest(result=make_result(f"test {number}", "FAIL", error=error))


def test_failing_tests_are_grouped_in_their_order() -> None:
    errors = ["expected 1", "timed out after 5 s", "expected 2", "", "timed out after 7 s"]
    tests = [failing(error, number) for number, error in enumerate(errors)]
    assert grouped(tests) == [
        [tests[0], tests[2]],
        [tests[1], tests[4]],
        [tests[3]],
    ]


any_result = st.builds(
    TestResult,
    id=st.uuids().map(str),
    name=st.just("x"),
    file=st.just("x"),
    status=st.just(make_result("x", "FAIL").status),
    status_text=st.just("FAIL"),
    error=st.none() | any_text | st.sampled_from(["expected 1", "expected 2", NODE, PYTHON]),
    stack_trace=st.none() | any_text | st.sampled_from([JAVA, PYTEST]),
)


@given(st.lists(st.builds(FailingTest, result=any_result), max_size=8))
def test_each_failing_test_is_in_one_group_and_none_moves(tests: list[FailingTest]) -> None:
    groups = grouped(tests)
    place = {test.result.id: number for number, test in enumerate(tests)}
    places = [[place[test.result.id] for test in group] for group in groups]
    assert sorted(number for group in places for number in group) == list(range(len(tests)))
    assert all(group == sorted(group) for group in places)
    assert [group[0] for group in places] == sorted(group[0] for group in places)


def test_the_first_test_of_each_error_comes_first_and_failed_runs_before_others() -> None:
    def run(id_: int, *errors: str) -> Judged:
        results = [
            make_result(f"test {place}", "FAIL", error=error, id=f"{id_}{place}")
            for place, error in enumerate(errors)
        ]
        unnamed = make_result("no id", "FAIL", id="")
        policy = make_policy(f"failed <= {0 if id_ == 2 else 9}")
        failed = make_run(id=id_, failed=len(errors) + 1)
        return judge(policy, failed, [*results, unnamed])

    missing = not_judged(None, ExitCode.NOT_FOUND, "there is no such run")
    runs = [run(1, "a", "a", "b"), missing, run(2, "c 1", "c 2", "d")]
    assert [result_id for _, result_id in seen_first(runs)] == ["20", "22", "10", "12", "21", "11"]


def test_of_very_many_failing_tests_the_last_ones_are_not_looked_at() -> None:
    def run(id_: int) -> Judged:
        errors = [*["the same"] * LOOKED_AT, "another"]
        results = [
            make_result("x", "FAIL", error=error, id=str(place))
            for place, error in enumerate(errors)
        ]
        return judge(make_policy(), make_run(id=id_, total=2000, failed=len(errors)), results)

    assert seen_first([run(1)]) == [(1, str(place)) for place in range(LOOKED_AT)]
    assert len(seen_first([run(1), run(2)])) == LOOKED_AT
