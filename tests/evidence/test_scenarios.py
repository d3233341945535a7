"""The simulator's scenarios of single tests show what their descriptions promise."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from testery_gate.evidence.baseline import Baseline, candidates
from testery_gate.evidence.classes import FailureClass
from testery_gate.evidence.failures import evidence_of
from testery_gate.evidence.flakiness import History
from testery_gate.evidence.outcomes import EarlierRun, outcomes_of
from testery_gate.model import TestResult, TestRun, parse_results, parse_run
from testery_gate.runs.listing import newest_first
from testery_gate.simulator import Scenario, load_scenario
from testery_gate.simulator.api import Now
from testery_gate.simulator.script import results

NEW, FLAKY, KNOWN = FailureClass.NEW, FailureClass.FLAKY, FailureClass.KNOWN


def shown(scenario: Scenario) -> list[tuple[TestRun, list[TestResult]]]:
    """The runs of a scenario and their tests, a minute after it began."""
    now = Now(started=datetime(2026, 1, 1, tzinfo=UTC), elapsed=60.0)
    return [
        (parse_run(now.show(run)), list(parse_results(results(run, now.age(run)))))
        for run in scenario.runs
    ]


@pytest.mark.parametrize(
    ("name", "classes", "differing"),
    [
        pytest.param(
            "regression",
            {"signs in": NEW, "applies a voucher": KNOWN, "sends a receipt": KNOWN},
            (0, 0, 0),
            id="regression",
        ),
        pytest.param(
            "flaky-suite",
            {"suggests a word": FLAKY, "uploads a video": FLAKY},
            (0, 0, 0),
            id="flaky-suite",
        ),
        pytest.param(
            "quarantined",
            {"pays by card": NEW, "pays by invoice": NEW},
            (0, 0, 0),
            id="quarantined",
        ),
        pytest.param("shrunk-suite", {}, (1, 4, 1), id="shrunk-suite"),
        pytest.param("no-history", {"signs in": NEW}, None, id="no-history"),
        pytest.param(
            "demo",
            {"applies a voucher": NEW, "suggests a word": FLAKY, "tracks a parcel": KNOWN},
            (0, 0, 0),
            id="demo",
        ),
    ],
)
def test_failures_are_of_the_classes_that_a_scenario_is_about(
    name: str, classes: dict[str, FailureClass], differing: tuple[int, int, int] | None
) -> None:
    (run, tests), *others = shown(load_scenario(name))
    alike = [
        other
        for other, _ in others
        if (other.project_id, other.environment) == (run.project_id, run.environment)
    ]
    outcomes = {other.id: outcomes_of(found) for other, found in others}
    earlier = [
        EarlierRun(run=other, outcomes=outcomes[other.id])
        for other in candidates(run, newest_first(alike), None)
    ]
    evidence = evidence_of(
        run,
        tests,
        baseline=Baseline(earlier=earlier[0]) if earlier else Baseline(why_none="none"),
        history=History.of(earlier[::-1]),
        trust_status=False,
        notes=(),
    )
    found = {failure.result.name: failure.failure_class for failure in evidence.failures}
    assert found == classes
    changed = (evidence.fixed, evidence.missing, evidence.added)
    counts = None if None in changed else tuple(len(tests or ()) for tests in changed)
    assert counts == differing
