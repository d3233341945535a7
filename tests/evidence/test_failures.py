from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testery_gate.evidence.baseline import Baseline
from testery_gate.evidence.classes import Evidence, FailureClass
from testery_gate.evidence.failures import evidence_of
from testery_gate.evidence.flakiness import History
from testery_gate.evidence.outcomes import EarlierRun, Outcomes, TestId, TestOutcome
from testery_gate.model import TestResult
from tests.builders import make_result, make_run, with_unknown

FILE = "features/calculator.feature"
LETTERS = {outcome.value: outcome for outcome in TestOutcome}


@dataclass(frozen=True)
class Tolerated:
    names: frozenset[str]

    def why_tolerated(self, test: TestId, /) -> str:
        return "in quarantine" if test.name in self.names else ""

    def notes(self, outcomes: Outcomes, /) -> tuple[str, ...]:
        return (f"{len(outcomes)} tests",)

    def note_of_unmatched(self, tests: Iterable[TestId], runs: int, /) -> str:
        return f"{len(list(tests))} tests in {runs} runs"


def earlier(run_id: int, outcomes: Mapping[str, str]) -> EarlierRun:
    found = {TestId(FILE, name): LETTERS[letter] for name, letter in outcomes.items()}
    run = make_run(id=run_id, git_ref=f"{run_id}abcdef1", build_key=None)
    run = with_unknown(run, "end_time", "create_time")
    return EarlierRun(run=run, outcomes=found)


def classed(
    results: Sequence[TestResult],
    before: Mapping[str, str] | None = None,
    history: Sequence[Mapping[str, str]] = (),
    quarantined: Sequence[str] = (),
    *,
    cut_off: str = "",
    before_cut_off: str = "",
) -> Evidence:
    return evidence_of(
        make_run(failed=1),
        results,
        baseline=Baseline(why_none="there is none")
        if before is None
        else Baseline(earlier=earlier(7, before), cut_off=before_cut_off),
        cut_off=cut_off,
        history=History.of([earlier(number, one) for number, one in enumerate(history, 1)]),
        quarantine=Tolerated(frozenset(quarantined)) if quarantined else None,
    )


@pytest.mark.parametrize(
    ("given_", "found", "why"),
    [
        pytest.param(
            {"before": {"a": "P"}}, "new", "it passed in run 7 (7abcdef1)", id="it passed before"
        ),
        pytest.param(
            {"before": {"a": "F"}}, "known", "it failed in run 7 (7abcdef1) too", id="known"
        ),
        pytest.param(
            {"before": {"a": "B"}},
            "known",
            "it failed in run 7 (7abcdef1) too",
            id="it failed and passed before",
        ),
        pytest.param(
            {"before": {"a": "O"}}, "new", "it was not executed in run 7 (7abcdef1)", id="ignored"
        ),
        pytest.param(
            {"before": {"b": "F"}}, "new", "run 7 (7abcdef1) does not have it", id="it was added"
        ),
        pytest.param(
            {}, "new", "there is nothing to compare with: there is none", id="no baseline"
        ),
        pytest.param(
            {"before": {"a": "P"}, "history": [{"a": "P"}, {"a": "F"}, {"a": "P"}]},
            "flaky",
            "its outcome changed 2 times in the last 3 runs",
            id="flaky",
        ),
        pytest.param(
            {"before": {"a": "F"}, "history": [{"a": "P"}, {"a": "F"}, {"a": "P"}]},
            "known",
            "it failed in run 7 (7abcdef1) too",
            id="known before flaky",
        ),
        pytest.param(
            {"before": {"a": "F"}, "quarantined": ["a"]},
            "quarantined",
            "in quarantine",
            id="quarantined before known",
        ),
    ],
)
def test_a_failure_is_of_the_first_class_that_fits(
    given_: dict[str, object], found: str, why: str
) -> None:
    (failure,) = classed([make_result("a", "FAIL")], **given_).failures  # type: ignore[arg-type]
    assert (failure.failure_class.value, failure.why) == (found, why)


def test_a_test_that_passed_on_a_retry_is_flaky() -> None:
    evidence = classed([make_result("a", "FAIL"), make_result("a", "PASS")], {"a": "P"})
    (failure,) = evidence.failures
    assert (failure.failure_class, failure.why) == (FailureClass.FLAKY, "it passed in this run too")


def test_each_result_counts_and_new_ones_come_first() -> None:
    results = [make_result(name, "FAIL") for name in ("quarantined", "known", "new", "known", "z")]
    evidence = classed(results, {"known": "F", "new": "P"}, quarantined=["quarantined"])
    assert [failure.result.name for failure in evidence.failures] == [
        *("new", "z", "known", "known", "quarantined"),
    ]
    assert {one.value: count for one, count in evidence.counts.items()} == {
        "new": 2,
        "flaky": 0,
        "known": 2,
        "quarantined": 1,
    }


def test_what_else_differs_from_the_baseline() -> None:
    results = [
        make_result("a"),
        make_result("b", "FAIL"),
        make_result("c"),
        make_result("c", "FAIL"),
    ]
    evidence = classed(results, {"a": "F", "b": "F", "c": "F", "gone": "P"})
    assert evidence.fixed == [TestId(FILE, "a")]
    assert evidence.missing == [TestId(FILE, "gone")]
    assert evidence.added == []
    assert classed(results, {"a": "P"}).added == [TestId(FILE, "b"), TestId(FILE, "c")]


@pytest.mark.parametrize(
    ("cut_off", "before", "why"),
    [
        pytest.param("", "", "", id="whole"),
        pytest.param("run 8 is cut off", "", "run 8 is cut off", id="this run"),
        pytest.param("", "run 7 is cut off", "run 7 is cut off", id="the baseline"),
    ],
)
def test_where_tests_are_cut_off_that_is_unknown(cut_off: str, before: str, why: str) -> None:
    results = [make_result("a"), make_result("b", "FAIL")]
    outcomes = {"a": "F", "b": "F", "gone": "P"}
    evidence = classed(results, outcomes, cut_off=cut_off, before_cut_off=before)
    differing = (evidence.fixed, evidence.missing, evidence.added)
    assert (None in differing) is bool(why)
    assert evidence.counts[FailureClass.KNOWN] == 1
    assert evidence.cut_off == why
    assert evidence.notes == (
        (f"it is unknown which tests are fixed, missing or added: {why}",) if why else ()
    )


def test_without_a_baseline_that_is_unknown() -> None:
    evidence = classed([make_result("a")])
    assert (evidence.fixed, evidence.missing, evidence.added) == (None, None, None)


def test_a_strip_ends_with_this_run() -> None:
    (failure,) = classed(
        [make_result("a", "FAIL")], {"a": "P"}, [{"a": "P"}, {}, {"a": "F"}]
    ).failures
    assert [outcome and outcome.value for outcome in failure.strip] == ["P", None, "F", "F"]
    assert failure.since is not None
    assert failure.since.run.id == 3


def test_what_testery_tolerates_is_in_no_class_where_its_status_is_trusted() -> None:
    results = [make_result("a", "FAIL"), make_result("b")]
    for trust_status, failures, tolerated in ((True, 0, 1), (False, 1, 0)):
        evidence = evidence_of(
            make_run(),
            results,
            baseline=Baseline(why_none="none"),
            history=History(),
            trust_status=trust_status,
        )
        assert (len(evidence.failures), len(evidence.tolerated)) == (failures, tolerated)


NAMES = st.sampled_from("abcdef")
OUTCOMES = st.dictionaries(NAMES, st.sampled_from("PFBO"))


@given(
    st.lists(st.tuples(NAMES, st.sampled_from(["PASS", "FAIL", "IGNORED"])), max_size=12),
    st.none() | OUTCOMES,
    st.lists(OUTCOMES, max_size=5),
    st.lists(NAMES, max_size=2),
)
def test_every_failure_has_one_class_and_none_is_excused_without_evidence(
    results: list[tuple[str, str]],
    before: dict[str, str] | None,
    history: list[dict[str, str]],
    quarantined: list[str],
) -> None:
    made = [make_result(name, status) for name, status in results]
    evidence = classed(made, before, history, quarantined)
    failed = [name for name, status in results if status == "FAIL"]
    assert sorted(failure.result.name for failure in evidence.failures) == sorted(failed)
    assert sum(evidence.counts.values()) == len(failed)
    for failure in evidence.failures:
        name = failure.result.name
        match failure.failure_class:
            case FailureClass.QUARANTINED:
                assert name in quarantined
            case FailureClass.KNOWN:
                assert before is not None
                assert before[name] in "FB"
            case FailureClass.FLAKY:
                ended = {one.get(name) for one in history} | {
                    "P" for other, status in results if (other, status) == (name, "PASS")
                }
                assert ended & {"P", "B"}
            case FailureClass.NEW:
                assert name not in quarantined
                assert before is None or before.get(name) not in {"F", "B"}
