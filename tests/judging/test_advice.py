"""Every ending but a pass says in a few words which case it is, and what to do next."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from testery_gate.errors import ExitCode, Interrupted
from testery_gate.evidence.baseline import Baseline
from testery_gate.evidence.classes import Evidence
from testery_gate.judging.judged import Judged
from testery_gate.judging.policy import Policy
from testery_gate.judging.unjudged import no_verdict, stopped
from testery_gate.judging.verdict import Verdict
from testery_gate.reports import FORMATS, summary, view
from testery_gate.reports.headline import headline
from tests.builders import NOW, evaluate, judge_early, make_policy, make_run, with_unknown
from tests.judging.test_single_tests import evidence

DEFAULT = Policy()
QUARANTINE = Policy(quarantine=True)
NO_BASELINE = Baseline(why_none="there is none")
EARLY = judge_early(DEFAULT, make_run(failed=2, not_run=20, status="RUNNING"), total_known=True)
assert EARLY is not None


def of(policy: Policy, found: Evidence | None = None, **run: object) -> Verdict:
    return evaluate(policy, make_run(**run), evidence=found)  # type: ignore[arg-type]


def unread(*criteria: str, run: str) -> Verdict:
    return evaluate(make_policy(*criteria), with_unknown(make_run(), run))


ENDINGS = {
    # 1
    "failed": (of(DEFAULT, failed=12), "12 of 30 tests failed", "--max-failed 12"),
    "failed, none new": (
        of(DEFAULT, evidence("known", "flaky"), failed=2),
        "no new failure, but 2 of 30 tests failed",
        "To accept them, as none is new: --only-new.",
    ),
    "failed, one new": (
        of(make_policy("new_failed <= 0"), evidence("new"), failed=1),
        "1 new failure",
        "new_failed <= 0",
    ),
    "failed, some new": (
        of(DEFAULT, evidence("new", "new", "known"), failed=3),
        "2 new failures and 1 other",
        "--max-failed 3",
    ),
    "failed, nothing to compare with": (
        of(make_policy("new_failed <= 0"), evidence("new", baseline=NO_BASELINE), failed=1),
        "1 of 30 tests failed",
        "change what is allowed: new_failed <= 0",
    ),
    "failed, called PASS": (
        of(DEFAULT, failed=1, status="PASS"),
        "1 of 30 tests failed",
        "--trust-status",
    ),
    "failed, own limit": (
        of(make_policy("failed <= 5%"), failed=12),
        "12 of 30 tests failed",
        "change what is allowed: fail_rate <= 5%",
    ),
    "failed, in no quarantine": (
        of(QUARANTINE, evidence("new", "quarantined"), failed=2),
        "1 failed outside the quarantine",
        "--quarantine",
    ),
    "failed early": (EARLY.verdict, "2 of 30 tests failed", "--max-failed 2"),
    "too few passed": (
        of(make_policy("passed >= 40")),
        "passed is 30",
        "change what is required: passed >= 40",
    ),
    "too slow": (
        of(make_policy("duration <= 1s")),
        "duration is 6m26s",
        "change what is required: duration <= 1s",
    ),
    # 5
    "canceled": (of(DEFAULT, status="CANCELED"), "the run was canceled", "start a new run"),
    "FAIL without a failed test": (
        of(DEFAULT, status="FAIL"),
        "the run is FAIL without a failed test",
        "Open the run",
    ),
    "contradictory": (
        of(DEFAULT, status="RUNNING"),
        "the run has finished, but its status is RUNNING",
        "contradicts itself",
    ),
    "unknown status": (
        of(DEFAULT, status="MENDING"),
        "the run's status is unknown to the gate",
        "a newer testery-gate",
    ),
    "no status": (of(DEFAULT, status=""), "the run has no status", "Open the run"),
    "no test": (of(DEFAULT, total=0), "no test ran", "how it selects tests"),
    "all ignored": (
        of(DEFAULT, ignored=30),
        "no test was executed",
        "If that is meant: --require 'executed >= 0'",
    ),
    "some never ran": (
        of(DEFAULT, not_run=12),
        "12 of 30 tests never ran",
        "If they are not needed: --require 'not_run <= 12'",
    ),
    "no total": (unread(run="total"), "total is unknown", "counts that are missing or wrong"),
    "no failed": (unread(run="failed"), "executed is unknown", "counts that are missing or wrong"),
    "wrong counts": (
        unread("executed >= 1", "failed <= 0", "not_run <= 0", run="ignored"),
        "the counts are inconsistent",
        "counts that are missing or wrong",
    ),
    "unknown metric": (
        of(make_policy("coverage >= 80%")),
        "coverage is unknown",
        "--warn 'coverage >= 80%'",
    ),
    "tests not read": (
        of(make_policy("new_failed <= 0"), Evidence(unknown="HTTP 404")),
        "new_failed is unknown",
        "leave out new_failed <= 0",
    ),
    "criterion without a baseline": (
        of(make_policy("missing <= 0"), replace(evidence(baseline=NO_BASELINE), missing=None)),
        "missing is unknown",
        "--baseline",
    ),
    "baseline required": (
        of(Policy(needs_baseline=True), evidence(baseline=NO_BASELINE)),
        "there is nothing to compare with",
        "--no-baseline new",
    ),
    "quarantine without tests": (
        of(QUARANTINE, failed=1),
        "which tests failed is unknown",
        "without --quarantine",
    ),
    "another build": (
        of(make_policy(expect=[("git-ref", "1234567")])),
        "the run is about another git-ref",
        "--expect git-ref=1234567",
    ),
    "too old": (of(Policy(max_age=timedelta(seconds=1))), "the run is too old", "--max-age"),
    "in the future": (
        of(Policy(max_age=timedelta(hours=1)), end_time=NOW + timedelta(hours=1)),
        "the API's clock or this machine's is wrong",
        "clock",
    ),
    # others
    **{
        code.name: (no_verdict(code, "so it is"), "", "")
        for code in (
            *(ExitCode.UNAUTHORIZED, ExitCode.UNAVAILABLE, ExitCode.INCONCLUSIVE),
            *(ExitCode.NOT_FOUND, ExitCode.TIMED_OUT, ExitCode.INTERRUPTED, ExitCode.TERMINATED),
        )
    },
    "stopped": (stopped(of(DEFAULT, status="CANCELED"), Interrupted(2)), "", "Start the gate"),
}


@pytest.mark.parametrize(("verdict", "case", "advice"), ENDINGS.values(), ids=ENDINGS)
def test_an_ending_names_its_case_and_what_to_do(verdict: Verdict, case: str, advice: str) -> None:
    assert verdict.exit_code is not ExitCode.PASSED
    assert verdict.case == case
    assert advice in verdict.advice
    assert verdict.advice.endswith(".")
    judged = Judged(run_id=1, run=make_run(), verdict=verdict)
    # A breached criterion is told in numbers.
    assert case in headline([judged]).explanation or verdict.exit_code is ExitCode.FAILED
    for runs in ([judged], [judged, judged]):
        for brief in (True, False):
            told = summary.render(runs, width=900, color=False, unicode=False, brief=brief)
            assert f"  next: {verdict.advice}\n" in told


@pytest.mark.parametrize("format_", ["html", "json", "junit", "markdown"])
def test_reports_on_a_failure_say_what_to_do(format_: str) -> None:
    verdict, *_ = ENDINGS["canceled"]
    told = FORMATS[format_]([Judged(run_id=1, run=make_run(), verdict=verdict)])
    assert "Open the run to see why it was canceled." in told


def test_a_pass_needs_no_advice() -> None:
    verdict = of(DEFAULT)
    assert (verdict.exit_code, verdict.case, verdict.advice) == (ExitCode.PASSED, "", "")


@pytest.mark.parametrize("code", [ExitCode.REPORT_LOST, ExitCode.INTERRUPTED, ExitCode.TERMINATED])
@pytest.mark.parametrize("number", [1, 2])
def test_an_ending_of_the_process_alone_has_advice_too(code: ExitCode, number: int) -> None:
    runs = [Judged(run_id=1, run=make_run(), verdict=of(DEFAULT))] * number
    assert view.advice(code, runs) in summary.render(
        runs, width=900, color=False, unicode=True, exit_code=code
    )
    assert view.advice(code, runs).endswith(".")
