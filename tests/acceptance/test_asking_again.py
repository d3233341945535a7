"""A selection is asked again: each case through the installed command."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from testery_gate.errors import ExitCode
from testery_gate.simulator import Exchange, Scenario, load_scenario
from tests.acceptance import command
from tests.acceptance.command import Finished
from tests.acceptance.faults import document, selections
from tests.canary import Simulator

PASSED, FAILED, INCONCLUSIVE = ExitCode.PASSED, ExitCode.FAILED, ExitCode.INCONCLUSIVE
UNAVAILABLE, NOT_FOUND = ExitCode.UNAVAILABLE, ExitCode.NOT_FOUND


def written(folder: Path, text: str) -> Scenario:
    """Load a scenario of this text."""
    path = folder / "scenario.toml"
    path.write_text(text)
    return load_scenario(str(path))


def run(
    run_id: int,
    status: str,
    *,
    lasts: float = 0,
    failed: int = 0,
    appears: float = 0,
    more: str = "",
) -> str:
    """Return a run of 30 tests on staging that is at work so long, and then has this status."""
    return f"""
[[run]]
id = {run_id}
environment = "staging"
appears-after = {appears}
{more}
[[run.phase]]
status = "RUNNING"
total = 30
passed = {30 - failed}
failed = {failed}
lasts = {lasts}
[[run.phase]]
status = "{status}"
"""


def old(run_id: int, status: str, age: str, *, failed: int = 0, more: str = "") -> str:
    """Return a run on staging that finished long ago."""
    return f"""
[[run]]
id = {run_id}
environment = "staging"
age = "{age}"
{more}
[[run.phase]]
status = "{status}"
total = 30
passed = {30 - failed}
failed = {failed}
"""


def gate(
    scenario: Scenario, folder: Path, arguments: str, *, speed: float = 10
) -> tuple[Finished, Sequence[Exchange]]:
    """Run the command against the scenario; it prints its report as JSON."""
    asked: list[Exchange] = []
    with Simulator(scenario, speed=speed, on_exchange=asked.append) as api:
        done = command.run(
            *arguments.split(), "--output=json", "--no-test-results", cwd=folder, api_url=api.url
        )
    return done, asked


def codes(done: Finished) -> dict[int | None, int]:
    """Return the exit code of each run in the report."""
    return {one["id"]: one["exitCode"] for one in json.loads(done.stdout)["runs"]}


OTHERS = old(100, "PASS", "9h", more="repeat = 40").replace("staging", "qa")
"""Enough other runs that the newest one is found with one request."""

LATE = run(1, "PASS", lasts=5) + run(
    2, "FAIL", lasts=8, failed=2, appears=2, more="name = 'Search'\ndeploy-id = 77"
)
DEPLOYED = LATE.replace("id = 1\n", "id = 1\ndeploy-id = 77\n")


@pytest.mark.parametrize(
    "arguments",
    ["--git-ref=abcd4e8 --each=name", "--environment=staging --all", "--deploy-id=77"],
)
def test_a_suite_that_appears_while_others_run_is_judged_too(
    tmp_path: Path, arguments: str
) -> None:
    done, _ = gate(written(tmp_path, DEPLOYED), tmp_path, f"wait {arguments}")
    assert done.code == FAILED, done.output
    assert codes(done) == {1: PASSED, 2: FAILED}
    assert "run 2 appeared and is judged too" in done.stderr


def test_the_built_in_scenario_of_a_late_suite_fails(tmp_path: Path) -> None:
    done, _ = gate(load_scenario("late-suites"), tmp_path, "wait --git-ref=abcd4e8 --each=name")
    assert codes(done) == {55676: PASSED, 55677: FAILED}


def test_a_newer_run_is_judged_instead(tmp_path: Path) -> None:
    newer = run(2, "FAIL", lasts=4, failed=1, appears=2)
    scenario = written(tmp_path, run(1, "PASS", lasts=5) + newer)
    done, _ = gate(scenario, tmp_path, "wait --environment=staging")
    assert done.code == FAILED, done.output
    assert codes(done) == {2: FAILED}
    assert "run 1 was meant at first, and is not any more: run 2 is newer" in done.stderr


@pytest.mark.slow
def test_without_following_the_first_answer_stands(tmp_path: Path) -> None:
    newer = run(2, "FAIL", lasts=4, failed=1, appears=2)
    scenario = written(tmp_path, run(1, "PASS", lasts=5) + newer)
    done, asked = gate(scenario, tmp_path, "wait --environment=staging --no-follow")
    assert codes(done) == {1: PASSED}
    # Once for the run that is meant, and once for how long such runs take.
    assert len([one for one in asked if "page=0" in one.target]) == 2


@pytest.mark.parametrize("command_", ["wait", "check"])
def test_the_verdict_takes_one_more_listing(tmp_path: Path, command_: str) -> None:
    scenario = written(tmp_path, old(1, "PASS", "1h") + OTHERS)
    done, asked = gate(scenario, tmp_path, f"{command_} --environment=staging")
    assert codes(done) == {1: PASSED}
    assert [one.target.removeprefix("/api/") for one in asked] == [
        "test-runs?page=0&limit=100",
        "test-runs/1",
        "test-runs?page=0&limit=100",
        "account",
    ]


def test_a_check_too_judges_by_what_there_is_at_the_end(tmp_path: Path) -> None:
    appearing = old(2, "FAIL", "1m", failed=1, more="listed-from = 3")
    scenario = written(tmp_path, old(1, "PASS", "1h") + appearing)
    done, _ = gate(scenario, tmp_path, "check --environment=staging")
    assert done.code == FAILED, done.output
    assert codes(done) == {2: FAILED}


@pytest.mark.slow
def test_a_run_that_changes_after_it_had_finished_is_looked_at_again(tmp_path: Path) -> None:
    changing = """
[[run]]
id = 1
environment = "staging"
[[run.phase]]
status = "PASS"
total = 30
passed = 30
lasts = 5
[[run.phase]]
status = "FAIL"
passed = 29
failed = 1
"""
    slow = run(2, "PASS", lasts=10, more="name = 'Search'")
    scenario = written(tmp_path, changing + slow)
    done, _ = gate(scenario, tmp_path, "wait --environment=staging --each=name")
    assert codes(done) == {1: FAILED, 2: PASSED}, done.output


LIST_FAILS = """
[[fault]]
on = "list"
kind = "answer"
code = 503
from = 2
times = "for-ever"
"""


@pytest.mark.parametrize(
    ("failed", "code"),
    [pytest.param(0, UNAVAILABLE, id="passed"), pytest.param(1, FAILED, id="failed")],
)
def test_a_selection_that_can_not_be_asked_again_gives_no_verdict_but_a_known_failure(
    tmp_path: Path, failed: int, code: ExitCode
) -> None:
    first = old(1, "FAIL" if failed else "PASS", "1h", failed=failed)
    scenario = written(tmp_path, first + OTHERS + LIST_FAILS)
    done, _ = gate(scenario, tmp_path, "check --environment=staging --outage-tolerance=300ms")
    assert done.code == code, done.output
    assert codes(done) == {1: code}
    assert "it is unknown whether other runs are meant by now" in done.stdout


# Which run is the newest.


@pytest.mark.parametrize(
    "time", ["null", '"soon"', '"0001-01-01T00:00:00Z"', '"9999-12-31T23:59:59Z"']
)
def test_a_run_without_a_readable_time_may_be_the_newest(tmp_path: Path, time: str) -> None:
    untimed = old(2, "FAIL", "30m", failed=1, more=f"fields = '{{\"createTime\": {time}}}'")
    scenario = written(tmp_path, old(1, "PASS", "1h") + untimed)
    done, _ = gate(scenario, tmp_path, "check --environment=staging")
    assert done.code == INCONCLUSIVE, done.output
    assert "run 2 may be newer than run 1" in done.stdout


def test_the_built_in_scenario_of_unreadable_times_is_inconclusive(tmp_path: Path) -> None:
    done, _ = gate(load_scenario("unreadable-times"), tmp_path, "check --environment=staging")
    assert codes(done) == {55676: INCONCLUSIVE}


@pytest.mark.slow
def test_a_time_of_the_first_year_is_no_defect_while_a_run_is_waited_for(tmp_path: Path) -> None:
    first = old(1, "PASS", "1h", more='fields = \'{"createTime": "0001-01-01T00:00:00Z"}\'')
    scenario = written(tmp_path, first)
    done, _ = gate(scenario, tmp_path, "wait --environment=qa --appear-within=3s")
    assert done.code == NOT_FOUND, done.output


# A list that moves.


def test_the_newest_run_is_found_on_a_page_that_it_moved_to(tmp_path: Path) -> None:
    done, _ = gate(load_scenario("moving-list"), tmp_path, "check --environment=staging")
    assert done.code == FAILED, done.output
    assert codes(done) == {55676: FAILED}


@pytest.mark.slow
def test_a_run_that_is_deleted_is_not_there(tmp_path: Path) -> None:
    done, _ = gate(load_scenario("vanishing"), tmp_path, "wait --environment=staging")
    assert done.code == NOT_FOUND, done.output


# Canceled runs.


CANCELED = run(1, "CANCELED", lasts=2)
OF_ANOTHER_PROJECT = run(2, "PASS", lasts=2, appears=3, more="project-id = 9")


@pytest.mark.slow
def test_a_run_of_another_project_does_not_take_the_place_of_a_canceled_one(
    tmp_path: Path,
) -> None:
    first = run(3, "PASS", lasts=5, more="name = 'Search'")
    scenario = written(tmp_path, CANCELED + first + OF_ANOTHER_PROJECT)
    done, _ = gate(scenario, tmp_path, "wait --git-ref=abcd4e8 --each=name")
    assert done.code == INCONCLUSIVE, done.output
    assert codes(done)[1] == INCONCLUSIVE


@pytest.mark.parametrize("command_", ["wait", "check"])
def test_a_canceled_run_that_was_asked_for_is_not_answered_by_another(
    tmp_path: Path, command_: str
) -> None:
    scenario = written(tmp_path, old(1, "CANCELED", "1h") + old(2, "PASS", "30m"))
    done, _ = gate(scenario, tmp_path, f"{command_} --status=canceled")
    assert done.code == INCONCLUSIVE, done.output
    assert codes(done) == {1: INCONCLUSIVE}


@pytest.mark.parametrize(
    ("arguments", "judged"),
    [
        pytest.param("wait 1", {2: PASSED}, id="followed"),
        pytest.param("wait 1 --no-follow", {1: INCONCLUSIVE}, id="not followed"),
        pytest.param("check 1", {2: PASSED}, id="followed by a check"),
        pytest.param("wait 1 2", {2: PASSED}, id="to another that is named"),
    ],
)
def test_a_canceled_run_that_is_named_is_followed_to_a_newer_one_of_its_kind(
    tmp_path: Path, arguments: str, judged: dict[int, ExitCode]
) -> None:
    scenario = written(tmp_path, old(1, "CANCELED", "1h") + old(2, "PASS", "30m"))
    done, _ = gate(scenario, tmp_path, arguments)
    assert codes(done) == judged, done.output


# What was cut off.


def test_what_the_lookback_cuts_off_is_noted(tmp_path: Path) -> None:
    scenario = written(tmp_path, old(2, "PASS", "1h") + old(1, "FAIL", "200h", failed=1))
    done, _ = gate(scenario, tmp_path, "check --environment=staging --all")
    assert codes(done) == {2: PASSED}
    assert "runs from before are left out, such as run 1, which fits too" in done.stdout


# Runs that are not there yet.


@pytest.mark.slow
def test_a_named_run_may_still_appear(tmp_path: Path) -> None:
    scenario = written(tmp_path, run(1, "PASS", lasts=1, appears=15) + old(2, "PASS", "1h"))
    done, _ = gate(scenario, tmp_path, "wait 1 2 --appear-within=10s")
    assert codes(done) == {1: PASSED, 2: PASSED}, done.output
    assert "There is no run 1 yet; waiting up to" in done.stderr


def test_a_check_does_not_wait_for_a_named_run_to_appear(tmp_path: Path) -> None:
    done, asked = gate(written(tmp_path, old(2, "PASS", "1h")), tmp_path, "check 1")
    assert done.code == NOT_FOUND, done.output
    assert "waiting up to" not in done.stderr
    assert len(asked) == 1


@pytest.mark.slow
@pytest.mark.parametrize("command_", ["wait", "check"])
def test_the_first_suite_does_not_speak_for_all(tmp_path: Path, command_: str) -> None:
    late = run(2, "FAIL", failed=1, appears=20, more="name = 'Search'")
    scenario = written(tmp_path, old(1, "PASS", "1h") + late)
    done, _ = gate(
        scenario,
        tmp_path,
        f"{command_} --git-ref=abcd4e8 --each=name --min-runs=2 --appear-within=20s",
    )
    assert codes(done) == {1: PASSED, 2: FAILED}, done.output
    assert "There is 1 of 2 runs so far" in done.stderr


@pytest.mark.parametrize(
    ("status", "failed", "code"),
    [
        pytest.param("PASS", 0, NOT_FOUND, id="passed"),
        pytest.param("FAIL", 1, FAILED, id="a failure that is known shows"),
        pytest.param("RUNNING", 0, NOT_FOUND, id="still running"),
    ],
)
def test_fewer_runs_than_there_must_be_are_not_found(
    tmp_path: Path, status: str, failed: int, code: ExitCode
) -> None:
    scenario = written(tmp_path, old(1, status, "1h", failed=failed))
    done, _ = gate(
        scenario, tmp_path, "wait --git-ref=abcd4e8 --each=name --min-runs=3 --appear-within=1s"
    )
    assert done.code == code, done.output
    assert codes(done) == {1: code}
    assert "1 of at least 3 runs were found" in done.stdout


@pytest.mark.parametrize("arguments", ["--latest", "--environment=staging", "5"])
def test_more_runs_than_can_be_meant_are_a_usage_error(tmp_path: Path, arguments: str) -> None:
    done = command.run("wait", arguments, "--min-runs=2", cwd=tmp_path)
    assert done.code == ExitCode.USAGE, done.output


def test_a_check_can_stay_with_the_first_answer(tmp_path: Path) -> None:
    scenario = written(tmp_path, old(1, "CANCELED", "1h") + old(2, "PASS", "30m"))
    done, _ = gate(scenario, tmp_path, "check 1 --no-follow")
    assert codes(done) == {1: INCONCLUSIVE}, done.output


# The page on faults.


@pytest.mark.slow
@pytest.mark.parametrize("row", [pytest.param(row, id=row.happens) for row in selections.ROWS])
def test_what_moves_while_a_selection_is_asked_hides_nothing(row: selections.Row) -> None:
    assert row.observe() is row.wanted


def test_the_page_on_faults_says_what_is_tested() -> None:
    expected = selections.table([row.wanted for row in selections.ROWS])
    assert document.read("selections") == expected
