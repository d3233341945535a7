"""Deciding early: held against every way in which a run can still go on."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testery_gate.judging.criteria import (
    OF_TESTS,
    Criterion,
    Metric,
    Operator,
    Unit,
    measure,
    parse_criterion,
)
from testery_gate.judging.early import can_still_hold
from testery_gate.judging.policy import Policy
from testery_gate.judging.verdict import decide_early
from testery_gate.model import RunStatus, TestRun
from tests.builders import evaluate, make_policy, make_run, with_unknown

Counts = tuple[int, int, int]


def shares(most: int) -> Iterator[Counts]:
    """Return every way to share out at most that many tests to passed, failed and ignored."""
    for passed, failed, ignored in itertools.product(range(most + 1), repeat=3):
        if passed + failed + ignored <= most:
            yield passed, failed, ignored


def run_of(counts: Counts, total: int, status: str = "RUNNING") -> TestRun:
    passed, failed, ignored = counts
    run = TestRun(id=1, status=RunStatus(status), status_text=status, total=total)
    return replace(run, passed=passed, failed=failed, ignored=ignored)


def follows(later: Counts, earlier: tuple[int | None, ...]) -> bool:
    """Whether counts that only grow can come from the one to the other."""
    return all(
        after >= before for after, before in zip(later, earlier, strict=True) if before is not None
    )


COUNTS = [metric for metric in Metric if metric.unit is Unit.TESTS and metric not in OF_TESTS]
RATES = [Metric.PASS_RATE, Metric.FAIL_RATE, Metric.IGNORED_RATE]
MOST = 4


def thresholds(metric: Metric) -> Sequence[Fraction]:
    """Return thresholds at, between and beyond the values that so few tests can come to."""
    values = range(MOST + 2) if metric in COUNTS else (0, 1, 20, 25, 40, 50, 75, 99, 100)
    return [Fraction(value) for value in values]


@pytest.mark.parametrize("metric", [*COUNTS, *RATES])
def test_with_a_known_total_nothing_is_given_up_that_can_hold_and_nothing_awaited_in_vain(
    metric: Metric,
) -> None:
    for total in range(1, MOST + 1):
        ends = [(counts, measure(run_of(counts, total))[metric]) for counts in shares(total)]
        for counts, operator in itertools.product(shares(total), Operator):
            values = {value for later, value in ends if follows(later, counts)}
            run = run_of(counts, total)
            for threshold in thresholds(metric):
                criterion = Criterion(metric=metric, operator=operator, threshold=threshold)
                possible = any(v is not None and criterion.holds(v) for v in values)
                judged = can_still_hold(criterion, run, total_known=True)

                assert judged or not possible, (criterion, counts, total)
                # A rate that nothing is known of yet is never given up, nor is one that must equal
                # a value between those that it can come to.
                if metric in COUNTS or (counts[:2] != (0, 0) and operator is not Operator.EQUAL):
                    assert judged == possible, (criterion, counts, total)


@pytest.mark.parametrize("metric", [*COUNTS, *RATES])
def test_while_the_total_may_grow_nothing_is_given_up_that_can_hold(metric: Metric) -> None:
    ends = [
        (counts, measure(run_of(counts, total))[metric])
        for total in range(1, MOST + 4)
        for counts in shares(total)
    ]
    for counts, operator in itertools.product(shares(MOST), Operator):
        values = {value for later, value in ends if follows(later, counts)}
        for threshold in thresholds(metric):
            criterion = Criterion(metric=metric, operator=operator, threshold=threshold)
            if not can_still_hold(criterion, run_of(counts, MOST), total_known=False):
                assert not any(v is not None and criterion.holds(v) for v in values)


@pytest.mark.parametrize(
    ("text", "counts", "possible"),
    [
        ("failed <= 2", (0, 2, 0), True),
        ("failed <= 2", (0, 3, 0), False),
        ("failed < 2", (0, 2, 0), False),
        ("failed == 2", (0, 2, 0), True),
        ("failed == 2", (0, 3, 0), False),
        ("passed >= 1000", (0, 3, 0), True),
        ("passed > 1000", (0, 3, 0), True),
        ("ignored <= 1", (0, 0, 2), False),
        ("executed <= 3", (2, 2, 0), False),
        ("executed <= 4", (2, 2, 0), True),
        ("total >= 1000", (2, 2, 0), True),
        ("total <= 3", (2, 2, 0), True),
        ("not_run <= 0", (0, 0, 0), True),
        ("pass_rate >= 100%", (9, 1, 0), False),
        ("pass_rate >= 99.999999%", (9, 1, 0), True),
        ("pass_rate >= 100%", (9, 0, 9), True),
        ("pass_rate == 100%", (9, 1, 0), False),
        ("pass_rate <= 0%", (1, 9, 0), False),
        ("pass_rate <= 0.000001%", (1, 9, 0), True),
        ("pass_rate <= 0%", (0, 9, 0), True),
        ("fail_rate <= 0%", (9, 1, 0), False),
        ("fail_rate == 0%", (9, 1, 0), False),
        ("fail_rate <= 0.000001%", (9, 1, 0), True),
        ("fail_rate <= 0%", (9, 0, 9), True),
        ("fail_rate >= 100%", (0, 9, 9), True),
        ("ignored_rate <= 0%", (9, 0, 1), False),
        ("ignored_rate <= 0%", (9, 1, 0), True),
        ("ignored_rate >= 100%", (0, 0, 1), True),
        ("ignored_rate >= 100%", (0, 1, 1), False),
        ("fail_rate != 0%", (9, 0, 0), True),
        ("fail_rate <= 0%", (0, 0, 0), True),
        ("ignored_rate <= 0%", (0, 0, 0), True),
    ],
)
def test_while_the_total_may_grow_only_what_is_lost_for_good_is_given_up(
    text: str, counts: Counts, possible: bool
) -> None:
    run = run_of(counts, 30)

    assert can_still_hold(parse_criterion(text), run, total_known=False) is possible


@pytest.mark.parametrize(
    "text", ["coverage >= 80%", "duration <= 0s", "queue_time <= 0s", "testing_time <= 0s"]
)
def test_what_tests_do_not_settle_is_never_given_up(text: str) -> None:
    run = make_run(failed=2, coverage=Fraction(10))

    assert can_still_hold(parse_criterion(text), run, total_known=True)


@pytest.mark.parametrize("unknown", ["passed", "failed", "ignored"])
def test_one_count_is_enough_to_see_that_it_is_too_high(unknown: str) -> None:
    run = with_unknown(make_run(passed=3, failed=3, ignored=3), unknown)
    for metric in ("passed", "failed", "ignored"):
        held = can_still_hold(parse_criterion(f"{metric} <= 2"), run, total_known=True)
        assert held is (metric == unknown)
    for text in ("executed <= 0", "pass_rate >= 100%", "fail_rate <= 0%", "passed >= 31"):
        assert can_still_hold(parse_criterion(text), run, total_known=True)


def test_counts_that_exceed_the_total_give_nothing_up() -> None:
    run = replace(make_run(), total=29)

    assert can_still_hold(parse_criterion("passed <= 0"), run, total_known=True)
    assert not can_still_hold(parse_criterion("passed <= 0"), run, total_known=False)


POLICIES = [
    make_policy(*required, trust_status=trust_status)
    for required in (
        *((), ("failed <= 1",), ("failed < 1",), ("failed <= 2", "passed >= 2"), ("failed == 1",)),
        *(("failed != 1",), ("failed >= 2",), ("passed >= 3",), ("passed > 1", "ignored <= 1")),
        *(("passed <= 1",), ("passed == 2",), ("fail_rate <= 50%",), ("fail_rate <= 0%",)),
        *(("pass_rate >= 50%",), ("pass_rate >= 100%",), ("pass_rate > 0%", "ignored <= 25%")),
        *(("pass_rate == 50%",), ("pass_rate != 100%",), ("ignored <= 0",), ("ignored <= 25%",)),
        *(("ignored_rate >= 50%", "failed <= 1"), ("executed >= 3",), ("executed < 3",)),
        *(("not_run <= 1",), ("not_run == 1", "failed <= 1"), ("not_run >= 2",), ("total >= 3",)),
        *(("total == 2",), ("total != 4", "passed >= 1"), ("coverage >= 80%",)),
    )
    for trust_status in (False, True)
]


def passing_ends(policy: Policy, total: int) -> list[Counts]:
    """Return the counts with which a run of that many tests passes, whatever its status."""
    return [
        counts
        for counts in shares(total)
        if any(
            evaluate(policy, run_of(counts, total, status)).exit_code == 0
            for status in ("PASS", "FAIL")
        )
    ]


@pytest.mark.parametrize(
    "policy",
    POLICIES,
    ids=lambda p: " ".join(map(str, p.required)) + ("T" if p.trust_status else ""),
)
def test_no_run_that_is_judged_early_would_have_passed(policy: Policy) -> None:
    ends = {total: passing_ends(policy, total) for total in range(MOST + 2)}
    for counts in itertools.product((None, *range(MOST + 1)), repeat=3):
        if sum(count or 0 for count in counts) > MOST:
            continue
        passed, failed, ignored = counts
        run = replace(run_of((0, 0, 0), 0), passed=passed, failed=failed, ignored=ignored)
        for total in range(1, MOST + 1):
            if decide_early(policy, replace(run, total=total), total_known=True):
                assert not any(follows(end, counts) for end in ends[total])
        for shown in (None, 0, 1, MOST):
            if decide_early(policy, replace(run, total=shown), total_known=False):
                assert not any(follows(end, counts) for end in itertools.chain(*ends.values()))


@pytest.mark.parametrize("total_known", [False, True])
@pytest.mark.parametrize("others", ["known", "unknown"])
def test_a_bound_on_failures_is_lost_with_the_first_failure_beyond_it(
    total_known: bool, others: str
) -> None:
    for failed, allowed in itertools.product(range(6), repeat=2):
        run = make_run(total=30, failed=failed, not_run=10, status="RUNNING")
        if others == "unknown":
            run = with_unknown(run, "passed", "ignored")
        verdict = decide_early(make_policy(f"failed <= {allowed}"), run, total_known=total_known)

        assert (verdict is not None) == (failed > allowed)


@pytest.mark.parametrize("total_known", [False, True])
def test_by_default_the_first_failure_decides(total_known: bool) -> None:
    for failed in range(3):
        run = make_run(failed=failed, not_run=10, status="RUNNING")
        verdict = decide_early(make_policy(), run, total_known=total_known)

        assert (verdict is not None) == (failed > 0)


few = st.integers(0, 200)
shares_of_many = st.tuples(few, few, few)


@st.composite
def histories(draw: st.DrawFn) -> tuple[TestRun, TestRun]:
    """Draw a run on its way, and one that it can become."""
    passed, failed, ignored = draw(shares_of_many)
    more_passed, more_failed, more_ignored = draw(shares_of_many)
    after = (passed + more_passed, failed + more_failed, ignored + more_ignored)
    total = max(1, sum(after) + draw(st.integers(0, 3)))
    status = draw(st.sampled_from(["PASS", "FAIL"]))
    return run_of((passed, failed, ignored), total), run_of(after, total, status)


@st.composite
def criteria(draw: st.DrawFn) -> str:
    metric = draw(st.sampled_from([*COUNTS, *RATES])).value
    symbol = draw(st.sampled_from(Operator)).value
    share = metric.endswith("rate")
    value = draw(st.integers(0, 100)) if share else draw(st.integers(0, 800))
    return f"{metric} {symbol} {value}{'%' if share else ''}"


@given(histories(), st.lists(criteria(), max_size=3), st.booleans(), st.booleans())
def test_what_is_judged_early_never_passes_later(
    history: tuple[TestRun, TestRun], required: list[str], trust_status: bool, total_known: bool
) -> None:
    earlier, later = history
    policy = make_policy(*required, trust_status=trust_status)

    if decide_early(policy, earlier, total_known=total_known):
        assert evaluate(policy, later).exit_code == 1
