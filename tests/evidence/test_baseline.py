from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from testery_gate.evidence.baseline import candidates, described, none_among, why_no_baseline
from tests.builders import make_run

RUN = make_run(id=9, git_ref="1234567", build_key="9")
OTHER: dict[str, Any] = {"id": 8, "git_ref": "abcdef1", "build_key": "8"}


@pytest.mark.parametrize(
    ("earlier", "why"),
    [
        pytest.param({}, "", id="passed"),
        pytest.param({"failed": 3}, "", id="failed"),
        pytest.param({"id": 9}, "run 9 is the run that is judged", id="itself"),
        pytest.param({"status": "CANCELED"}, "run 8 is CANCELED: it did not finish", id="canceled"),
        pytest.param(
            {"status": ""}, "run 8 is of no status: it did not finish", id="without a status"
        ),
        pytest.param({"complete": False}, "run 8 is PASS: it did not finish", id="not complete"),
        pytest.param(
            {"git_ref": "12345678"},
            "run 8 is of the same commit or build as run 9",
            id="of the same commit",
        ),
        pytest.param(
            {"build_key": "9"},
            "run 8 is of the same commit or build as run 9",
            id="of the same build",
        ),
        pytest.param({"total": 0}, "run 8 had no tests", id="without tests"),
    ],
)
def test_which_run_can_be_the_baseline(earlier: dict[str, Any], why: str) -> None:
    assert why_no_baseline(RUN, make_run(**OTHER | earlier)) == why


@pytest.mark.parametrize(
    ("others", "matches"),
    [
        pytest.param({"git_ref": "main"}, True, id="a branch as git ref"),
        pytest.param({"branch": "main"}, True, id="a branch beside the commit"),
        pytest.param({"branch": "fix", "git_ref": "abcdef1"}, False, id="another branch"),
        pytest.param({"git_ref": "maintenance"}, False, id="a longer name"),
        pytest.param({"git_ref": None}, False, id="unknown"),
    ],
)
def test_a_branch_narrows_the_choice(others: dict[str, Any], *, matches: bool) -> None:
    earlier = [make_run(**OTHER | others)]
    assert bool(candidates(RUN, earlier, "main")) is matches
    assert candidates(RUN, earlier, None) == earlier


def test_why_there_is_none_is_said_in_full() -> None:
    same = make_run(id=8, git_ref="1234567", build_key="9")
    assert none_among(RUN, [], None) == (
        "no earlier run of the same project, environment and name was found"
    )
    assert none_among(RUN, [same], "main") == (
        "no finished run of main was found that can be compared with, among 1 earlier of the same"
        " project, environment and name; 1 of the same commit or build as run 9"
    )


def test_a_run_is_described_by_what_is_known_of_it() -> None:
    end = datetime(2026, 11, 20, 10, tzinfo=UTC)
    assert described(make_run(id=8, branch="main", end_time=end)) == (
        "run 8 (main, 2026-11-20 10:00 UTC)"
    )
    bare = make_run(id=8, git_ref=None, end_time=None, create_time=None)
    assert described(bare) == "run 8"
