"""Verdicts that rest on the single tests of a run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from testery_gate.errors import ExitCode
from testery_gate.evidence.baseline import Baseline
from testery_gate.evidence.classes import Evidence, Failure, FailureClass
from testery_gate.evidence.outcomes import EarlierRun, TestId
from testery_gate.judging.policy import Policy, default_checks
from testery_gate.judging.verdict import Verdict, evaluate
from testery_gate.model import TestRun
from tests.builders import NOW, make_policy, make_result, make_run

BASELINE = Baseline(earlier=EarlierRun(run=make_run(id=7), outcomes={}))


def evidence(*classes: str, baseline: Baseline = BASELINE) -> Evidence:
    """Return evidence with a failing test of each of these classes."""
    return Evidence(
        failures=[
            Failure(
                result=make_result(f"test {number}", "FAIL"),
                failure_class=FailureClass(name),
                why="",
            )
            for number, name in enumerate(classes)
        ],
        baseline=baseline,
        fixed=[TestId("a", "b")],
        missing=[],
        added=[],
    )


def judged(policy: Policy, run: TestRun, found: Evidence | None) -> Verdict:
    return evaluate(policy, run, NOW, found)


@pytest.mark.parametrize("metric", ["new_failed", "known_failed", "flaky_failed"])
def test_a_criterion_on_a_class_replaces_the_default_on_failures(metric: str) -> None:
    verdict = judged(make_policy(f"{metric} <= 1"), make_run(failed=3), evidence("new", "known"))
    assert verdict.exit_code is ExitCode.PASSED
    assert "failed <= 0" not in [check.name for check in verdict.checks]


def test_a_breach_counts_the_failures_of_all_classes() -> None:
    found = evidence("new", "new", "flaky", "known")
    verdict = judged(make_policy("new_failed <= 1"), make_run(failed=4), found)
    assert (verdict.exit_code, verdict.reason) == (
        ExitCode.FAILED,
        "new_failed is 2, required is new_failed <= 1 (failed: 2 new, 1 flaky, 1 known)",
    )
    verdict = judged(make_policy("new_failed >= 1"), make_run(), evidence())
    assert verdict.reason == "new_failed is 0, required is new_failed >= 1 (no test failed)"


@pytest.mark.parametrize(
    ("found", "why"),
    [
        pytest.param(None, "the single tests were not read", id="not read"),
        pytest.param(Evidence(unknown="HTTP 404"), "HTTP 404", id="not offered"),
    ],
)
def test_what_is_unknown_is_inconclusive(found: Evidence | None, why: str) -> None:
    verdict = judged(make_policy("new_failed <= 0"), make_run(failed=1), found)
    assert (verdict.exit_code, verdict.reason) == (
        ExitCode.INCONCLUSIVE,
        f"new_failed <= 0 can't be judged: new_failed is unknown ({why})",
    )


NO_BASELINE = Baseline(why_none="HTTP 404")


@pytest.mark.parametrize(
    ("found", "passing"),
    [
        pytest.param(
            evidence("new", baseline=NO_BASELINE),
            "flaky",
            id="what is new may be known",
        ),
        pytest.param(
            evidence("flaky", baseline=NO_BASELINE),
            "new",
            id="what is flaky may be known",
        ),
        pytest.param(
            replace(evidence("new", baseline=NO_BASELINE), history_lacks="HTTP 404"),
            "",
            id="what is new may be known or flaky",
        ),
        pytest.param(
            replace(evidence("new"), history_lacks="HTTP 500"),
            "known",
            id="what is new may be flaky",
        ),
        pytest.param(
            replace(evidence("known"), history_lacks="HTTP 500"),
            "new flaky",
            id="what is known is not flaky",
        ),
        pytest.param(
            replace(evidence("quarantined", baseline=NO_BASELINE), history_lacks="HTTP 404"),
            "new known flaky",
            id="what is in quarantine is nothing else",
        ),
        pytest.param(
            replace(evidence("new", baseline=Baseline(by_fault=True)), history_lacks="HTTP 500"),
            "",
            id="a fault may hide a baseline",
        ),
    ],
)
def test_a_class_that_evidence_is_missing_for_is_never_empty(found: Evidence, passing: str) -> None:
    codes = {
        name: judged(make_policy(f"{name}_failed <= 0"), make_run(failed=1), found).exit_code
        for name in ("new", "known", "flaky")
    }
    assert " ".join(name for name, code in codes.items() if code is ExitCode.PASSED) == passing


def test_a_part_of_the_history_that_is_missing_is_why() -> None:
    found = replace(evidence("new"), history_lacks="HTTP 500")
    verdict = judged(make_policy("flaky_failed <= 0"), make_run(failed=1), found)
    assert (verdict.reason, verdict.advice) == (
        "flaky_failed <= 0 can't be judged: flaky_failed is unknown (a part of the history is"
        " missing: HTTP 500)",
        "Try again later; to judge by the counts alone, leave out flaky_failed <= 0.",
    )


def test_a_warning_on_a_class_decides_nothing() -> None:
    policy = make_policy("failed <= 1", warn=["new_failed <= 0"])
    assert policy.judges_tests
    verdict = judged(policy, make_run(failed=1), evidence("new"))
    assert verdict.exit_code is ExitCode.PASSED


QUARANTINE = Policy(quarantine=True)


@pytest.mark.parametrize(
    ("run", "found", "code", "message"),
    [
        pytest.param(make_run(), evidence(), "passed", "no test failed", id="nothing failed"),
        pytest.param(make_run(), None, "passed", "no test failed", id="nothing to ask about"),
        pytest.param(
            make_run(failed=2),
            evidence("quarantined", "quarantined"),
            "passed",
            "all failed tests are tolerated: 2 in quarantine",
            id="all in quarantine",
        ),
        pytest.param(
            make_run(failed=2),
            evidence("known", "quarantined"),
            "failed",
            "1 failed outside the quarantine, 1 in quarantine",
            id="one outside",
        ),
        pytest.param(
            make_run(),
            evidence("flaky"),
            "failed",
            "1 failed outside the quarantine, 0 in quarantine, though Testery calls the run PASS:"
            " they are quarantined or passed on a retry (--trust-status accepts that)",
            id="passed on a retry",
        ),
        pytest.param(
            make_run(failed=2),
            None,
            "inconclusive",
            "2 tests failed, and which ones is unknown: the single tests were not read",
            id="not read",
        ),
        pytest.param(
            make_run(failed=2),
            Evidence(unknown="HTTP 404"),
            "inconclusive",
            "2 tests failed, and which ones is unknown: HTTP 404",
            id="not offered",
        ),
    ],
)
def test_with_a_quarantine_no_test_outside_of_it_may_fail(
    run: TestRun, found: Evidence | None, code: str, message: str
) -> None:
    verdict = judged(QUARANTINE, run, found)
    (check,) = [check for check in verdict.checks if "quarantine" in check.name]
    assert (verdict.exit_code.outcome, check.message) == (code, message)


def test_a_quarantine_decides_nothing_early_and_leaves_a_trusted_status_alone() -> None:
    assert "no failed test outside the quarantine" in default_checks(QUARANTINE)
    trusting = replace(QUARANTINE, trust_status=True)
    assert "no failed test outside the quarantine, unless the status is PASS" in default_checks(
        trusting
    )
    assert judged(trusting, make_run(), evidence("new")).exit_code is ExitCode.PASSED


@pytest.mark.parametrize(
    ("found", "code", "message"),
    [
        pytest.param(
            evidence(),
            "passed",
            "compared with run 7 (abcd4e87d8d928a21a393b0def6ab0c0a21d35a2, 2020-05-04 23:22 UTC)",
            id="a baseline",
        ),
        pytest.param(
            evidence(baseline=Baseline(why_none="it is the first")),
            "inconclusive",
            "there is nothing to compare with: it is the first",
            id="none",
        ),
        pytest.param(
            Evidence(unknown="HTTP 404"),
            "inconclusive",
            "there is nothing to compare with: HTTP 404",
            id="no results",
        ),
        pytest.param(
            None,
            "inconclusive",
            "there is nothing to compare with: the single tests were not read",
            id="not read",
        ),
    ],
)
def test_a_baseline_can_be_required(found: Evidence | None, code: str, message: str) -> None:
    policy = replace(make_policy("failed <= 0"), needs_baseline=True)
    verdict = judged(policy, make_run(), found)
    (check,) = [check for check in verdict.checks if "compare" in check.name]
    assert (verdict.exit_code.outcome, check.message) == (code, message)
    assert "there is a run to compare with" in default_checks(policy)


def test_where_a_baseline_is_required_nothing_is_new_without_one() -> None:
    policy = replace(make_policy("new_failed <= 0"), needs_baseline=True)
    first = evidence("new", baseline=Baseline(why_none="it is the first"))
    verdict = judged(policy, make_run(failed=1), first)
    assert (verdict.exit_code, verdict.reason) == (
        ExitCode.INCONCLUSIVE,
        "new_failed <= 0 can't be judged: new_failed is unknown (there is nothing to compare with:"
        " it is the first) (and 1 more check)",
    )
    assert judged(policy, make_run(failed=1), evidence("new")).exit_code is ExitCode.FAILED
    both = replace(policy, required=(*policy.required, *make_policy("failed <= 0").required))
    assert judged(both, make_run(failed=1), first).exit_code is ExitCode.FAILED
