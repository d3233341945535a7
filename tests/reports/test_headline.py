"""The verdict in one line, for each way a run can end."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from testery_gate.errors import ExitCode
from testery_gate.judging.judged import Judged
from testery_gate.reports.headline import VERDICTS, further_reason, headline
from tests.builders import (
    judge,
    judge_early,
    make_policy,
    make_run,
    not_judged,
    with_unknown,
    with_verdict,
)
from tests.reports.examples import EXAMPLES, any_runs_judged


def judged(required: str = "failed <= 0", **run: object) -> Judged:
    return judge(make_policy(required), make_run(**run))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("run", "line"),
    [
        pytest.param(judged(), "PASSED: 30 of 30 passed", id="all passed"),
        pytest.param(
            judged("failed <= 3", failed=2, ignored=1),
            "PASSED: 27 of 30 passed, 2 failed, 1 ignored",
            id="passed with failures",
        ),
        pytest.param(judged(failed=2), "FAILED: 2 of 30 failed", id="none allowed"),
        pytest.param(
            judged("failed <= 3%", total=300, failed=28),
            "FAILED: 28 of 300 failed, 3% allowed",
            id="a share allowed",
        ),
        pytest.param(
            judged("failed <= 3%", failed=2, ignored=10),
            "FAILED: 2 of 20 executed failed, 3% allowed",
            id="a share of the executed",
        ),
        pytest.param(
            judged("failed < 2", failed=2),
            "FAILED: 2 of 30 failed, less than 2 allowed",
            id="less allowed",
        ),
        pytest.param(
            judged("passed > 29", failed=2),
            "FAILED: 28 of 30 passed, more than 29 required",
            id="more required",
        ),
        pytest.param(
            judged("failed != 2", failed=2),
            "FAILED: 2 of 30 failed, required is != 2",
            id="another comparison",
        ),
        pytest.param(
            judged("passed >= 29", failed=2),
            "FAILED: 28 of 30 passed, 29 required",
            id="a number required",
        ),
        pytest.param(
            judged("pass_rate >= 95%", failed=2),
            "FAILED: 28 of 30 passed, 95% required",
            id="a rate required",
        ),
        pytest.param(
            judge(make_policy("failed <= 0", "passed >= 29"), make_run(failed=2)),
            "FAILED: 2 of 30 failed (and 1 more check)",
            id="several breaches",
        ),
        pytest.param(
            judged("duration <= 1m"),
            "FAILED: duration is 6m26s, 1m allowed",
            id="no count",
        ),
        pytest.param(
            EXAMPLES["evidence"][0],
            "FAILED: 1 new failure, 1 flaky, 2 known, 1 quarantined",
            id="new failures",
        ),
        pytest.param(EXAMPLES["no-baseline"][0], "FAILED: 2 new failures", id="all new"),
        pytest.param(
            judge_early(
                make_policy("failed <= 2"),
                make_run(failed=3, not_run=20, status="RUNNING", complete=False),
                total_known=True,
            ),
            "FAILED: 3 of 30 failed so far, 2 allowed",
            id="decided early",
        ),
        pytest.param(
            judged(status="CANCELED", status_info="by ann"),
            "NO VERDICT: the run was canceled",
            id="canceled",
        ),
        pytest.param(judged(total=0), "NO VERDICT: no test ran", id="empty"),
        pytest.param(
            EXAMPLES["unreachable"][0],
            "NO VERDICT: the network, the API or its address is at fault, not the tests",
            id="unavailable",
        ),
        pytest.param(
            EXAMPLES["timed-out"][0],
            "NO VERDICT: the run did not finish in time",
            id="timed out",
        ),
    ],
)
def test_the_line_says_what_came_of_it_and_why(run: Judged, line: str) -> None:
    assert headline([run]).short == line


def test_counts_by_class_stand_behind_those_of_failed_tests() -> None:
    (run,) = EXAMPLES["evidence"]
    assert run.run is not None
    held = judge(make_policy("failed <= 3%"), run.run, run.results, run.evidence)
    assert headline([held]).explanation == (
        "5 of 29 executed failed (1 new, 1 flaky, 2 known, 1 quarantined), 3% allowed"
    )


@pytest.mark.parametrize(
    ("run", "about"),
    [
        pytest.param(judged(), ["nightly", "dev", "abcd4e8"], id="all"),
        pytest.param(judged(git_ref="release-2"), ["nightly", "dev", "release-2"], id="a branch"),
        pytest.param(
            judge(make_policy(), with_unknown(make_run(), "name", "git_ref")),
            ["run 55676", "dev"],
            id="no name",
        ),
        pytest.param(not_judged(7, ExitCode.NOT_FOUND, "no run 7"), ["run 7"], id="no run"),
        pytest.param(not_judged(None, ExitCode.NOT_FOUND, "no run of x"), [], id="no id either"),
    ],
)
def test_the_line_names_the_run(run: Judged, about: list[str]) -> None:
    assert headline([run]).about == about
    assert str(headline([run])).endswith(" · ".join(["", *about]))


@pytest.mark.parametrize(
    ("runs", "code", "line"),
    [
        pytest.param(
            [judged(id=1), judged(id=2, failed=1), judged(id=3, failed=2)],
            None,
            "FAILED: of 3 runs 2 failed, 1 passed · run 2: 1 of 30 failed",
            id="the first to blame",
        ),
        pytest.param([judged()] * 2, None, "PASSED: of 2 runs 2 passed", id="nobody to blame"),
        pytest.param(
            [judged()] * 2,
            ExitCode.REPORT_LOST,
            "PASSED: a report could not be written; of 2 runs 2 passed",
            id="none of the runs",
        ),
        pytest.param(
            [judged(failed=1)],
            ExitCode.INTERRUPTED,
            "NO VERDICT: the gate was stopped · nightly · dev · abcd4e8",
            id="not the run",
        ),
    ],
)
def test_the_line_of_the_whole_process(
    runs: list[Judged], code: ExitCode | None, line: str
) -> None:
    assert str(headline(runs, code)) == line


@pytest.mark.parametrize(
    ("run", "left"),
    [
        pytest.param(judged(failed=2), "", id="all is said in numbers"),
        pytest.param(judged(status="CANCELED"), "", id="all is said in words"),
        pytest.param(
            judged(status="CANCELED", status_info="by ann"),
            "the run was canceled: by ann",
            id="the case alone is said",
        ),
    ],
)
def test_what_the_line_has_no_room_for_is_left(run: Judged, left: str) -> None:
    assert further_reason(run) == left


def test_a_configuration_file_is_left_to_say() -> None:
    run = judged()
    first, *others = run.verdict.checks
    asked = with_verdict(run, checks=(replace(first, origin="gate.toml"), *others))
    assert further_reason(asked) == run.verdict.reason


@given(any_runs_judged)
def test_any_line_is_one_line_and_starts_with_the_verdict(runs: list[Judged]) -> None:
    for run in runs:
        line = str(headline([run]))
        assert "\n" not in line
        assert line.startswith(tuple(f"{verdict}: " for verdict in VERDICTS))
