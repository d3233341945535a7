from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from testery_gate.evidence.commits import same_commit
from testery_gate.evidence.flakiness import History
from testery_gate.evidence.outcomes import EarlierRun, TestId, TestOutcome
from tests.builders import make_run

TEST = TestId("features/a.feature", "pays")
COMMITS = ["1111111aaaa", "2222222bbbb", "3333333cccc", "4444444dddd", "5555555eeee"]


def history(outcomes: str, git_refs: Sequence[str] = COMMITS) -> History:
    """Return runs in which a test ended so, the oldest first; a dot stands for a run without it."""
    runs = []
    for number, (letter, git_ref) in enumerate(zip(outcomes, git_refs, strict=False), 1):
        found = {} if letter == "." else {TEST: TestOutcome(letter)}
        run = make_run(id=number, git_ref=git_ref, build_key=None)
        runs.append(EarlierRun(run=run, outcomes=found))
    return History.of(runs)


@pytest.mark.parametrize(
    ("outcomes", "why"),
    [
        pytest.param("", "", id="no history"),
        pytest.param("PPPPP", "", id="always passed"),
        pytest.param("FFFFF", "", id="always failed"),
        pytest.param("PPPFF", "", id="broken once"),
        pytest.param("FFPPP", "", id="mended once"),
        pytest.param("PFP", "its outcome changed 2 times in the last 3 runs", id="there and back"),
        pytest.param("PFPFP", "its outcome changed 4 times in the last 5 runs", id="on and off"),
        pytest.param("P.O.P", "", id="what did not run is no change"),
        pytest.param("PO.FP", "its outcome changed 2 times in the last 5 runs", id="with gaps"),
        pytest.param("PPB", "it both failed and passed in run 3", id="both in one run"),
    ],
)
def test_a_test_is_flaky_whose_outcome_changes_back(outcomes: str, why: str) -> None:
    assert history(outcomes).inconsistency(TEST) == why


def test_a_test_is_flaky_that_ends_both_ways_on_one_commit() -> None:
    found = history("PF", ["abcdef1", "ABCDEF1234567"]).inconsistency(TEST)
    assert found == "on the same commit it failed in run 2 and passed in run 1"


@pytest.mark.parametrize(
    ("git_refs", "flaky"),
    [
        pytest.param(["abcdef1", "abcdef2"], False, id="commits that differ"),
        pytest.param(["main", "main"], True, id="branches"),
    ],
)
def test_a_build_key_that_is_used_again_makes_no_test_flaky(
    git_refs: Sequence[str], *, flaky: bool
) -> None:
    runs = [
        EarlierRun(run=make_run(id=number, git_ref=ref, build_key="7"), outcomes={TEST: outcome})
        for number, (ref, outcome) in enumerate(
            zip(git_refs, [TestOutcome.FAILED, TestOutcome.PASSED], strict=True)
        )
    ]
    assert bool(History.of(runs).inconsistency(TEST)) is flaky


def test_two_runs_of_a_branch_are_not_of_one_commit() -> None:
    assert not history("PF", ["main", "main"]).inconsistency(TEST)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        pytest.param({"git_ref": "abcdef1"}, {"git_ref": "abcdef1234"}, True, id="abbreviated"),
        pytest.param({"git_ref": "abcdef1"}, {"git_ref": "abcdef2"}, False, id="other commits"),
        pytest.param({"git_ref": "main"}, {"git_ref": "main"}, False, id="a branch"),
        pytest.param({"git_ref": None}, {"git_ref": None}, False, id="unknown"),
        pytest.param({"build_key": "7"}, {"build_key": "7"}, True, id="a build"),
        pytest.param({"build_key": ""}, {"build_key": ""}, False, id="no build"),
        pytest.param(
            {"build_key": "7", "git_ref": "main"},
            {"build_key": "8", "git_ref": "main"},
            False,
            id="builds of a branch",
        ),
    ],
)
def test_what_is_the_same_commit(
    one: dict[str, str | None], other: dict[str, str | None], *, same: bool
) -> None:
    unknown: dict[str, Any] = {"git_ref": None, "build_key": None}
    assert same_commit(make_run(**unknown | one), make_run(**unknown | other)) is same


@pytest.mark.parametrize(
    ("outcomes", "since", "at_least"),
    [
        pytest.param("PPP", 9, False, id="since this run"),
        pytest.param("PFF", 2, False, id="since the second"),
        pytest.param("FFF", 1, True, id="for longer than is known"),
        pytest.param("PF.O", 2, False, id="with gaps"),
        pytest.param("FBF", 3, False, id="a pass on a retry is a pass"),
        pytest.param("...", 9, False, id="it is new"),
    ],
)
def test_since_when_a_test_fails(outcomes: str, since: int, *, at_least: bool) -> None:
    found = history(outcomes).failing_since(TEST, make_run(id=9))
    assert found is not None
    assert (found.run.id, found.at_least) == (since, at_least)


def test_without_a_history_it_is_not_known_since_when() -> None:
    assert history("").failing_since(TEST, make_run()) is None


def test_the_strip_has_a_place_for_each_run() -> None:
    assert history("PF.").strip(TEST) == (TestOutcome.PASSED, TestOutcome.FAILED, None)


def flaky(*strips: str) -> Sequence[tuple[str, int, int, int]]:
    """Return the flaky ones of tests that ended so: name, changes, failed and executed."""
    runs = [
        EarlierRun(
            run=make_run(id=number, git_ref=COMMITS[number - 1], build_key=None),
            outcomes={
                TestId("a.feature", strip): TestOutcome(strip[number - 1])
                for strip in strips
                if strip[number - 1] != "."
            },
        )
        for number in range(1, 6)
    ]
    return [
        (one.test.name, one.changes, one.failed, one.executed)
        for one in History.of(runs).flaky_tests()
    ]


def test_the_tests_that_changed_most_come_first() -> None:
    assert flaky("PPPPP", "PFPPP", "FPFPF", "PPPFF", "FFFFF", "FFPFF", "PBP.P", "OF.OO") == [
        ("FPFPF", 4, 3, 5),
        ("PBP.P", 2, 1, 4),
        ("FFPFF", 2, 4, 5),
        ("PFPPP", 2, 1, 5),
    ]


def test_a_test_that_ends_both_ways_on_one_commit_is_marked() -> None:
    found = history("PF", ["abcdef1", "ABCDEF1234567"])
    (one,) = found.flaky_tests()
    assert one.on_one_commit == "on the same commit it failed in run 2 and passed in run 1"
    assert (one.changes, one.strip) == (1, (TestOutcome.PASSED, TestOutcome.FAILED))
    (other,) = history("PFP").flaky_tests()
    assert not other.on_one_commit


def test_a_flaky_test_was_seen_failing_first_and_last() -> None:
    (one,) = history("PFPF.").flaky_tests()
    assert (one.first_failed.id, one.last_failed.id) == (2, 4)
    assert one.rate == 50


def test_of_no_runs_nothing_is_flaky() -> None:
    assert history("").flaky_tests() == []
