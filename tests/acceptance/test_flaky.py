"""Flaky tests found through the installed command and a real server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from testery_gate.errors import ExitCode
from testery_gate.simulator import load_scenario
from tests.acceptance import command
from tests.acceptance.test_compare import DOCS, serve
from tests.canary import FINISHED, Simulator

TESTS = '[tests]\n"a.feature" = ["pays", "signs in"]\n'


@pytest.fixture
def url() -> Iterator[str]:
    """Runs 55671 to 55676 of one kind; the newest ends milliseconds after the first request."""
    with Simulator(load_scenario("flaky-suite"), speed=FINISHED) as simulator:
        yield simulator.url


def test_flaky_tests_are_data_for_programs(url: str, tmp_path: Path) -> None:
    command.run("wait", "55676", "--quiet", cwd=tmp_path, api_url=url)
    done = command.run("flaky", "--output=json", cwd=tmp_path, api_url=url)
    assert (done.code, done.stderr) == (ExitCode.PASSED, "")
    found = json.loads(done.stdout)
    assert [run["id"] for run in found["runs"]] == [55671, 55672, 55673, 55674, 55675, 55676]
    assert (found["testCount"], found["failedCount"], found["flakyCount"]) == (8, 2, 2)
    suggests, uploads = found["tests"]
    assert suggests["meanDuration"] > 0
    del suggests["meanDuration"]
    assert suggests["firstFailed"].pop("time") < suggests["lastFailed"].pop("time")
    assert suggests == {
        "file": "features/search.feature",
        "name": "suggests a word",
        "strip": ["passed", "failed", "passed", "failed", "passed", "failed"],
        "changes": 5,
        "failed": 3,
        "executed": 6,
        "failRate": 50,
        "onOneCommit": "on the same commit it failed in run 55674 and passed in run 55673",
        "firstFailed": {"runId": 55672, "gitRef": "3" * 40},
        "lastFailed": {"runId": 55676, "gitRef": "abcd4e87d8d928a21a393b0def6ab0c0a21d35a2"},
    }
    assert uploads["strip"] == ["passed", "failed", "passed", "both", "passed", "both"]
    page = (DOCS / "commands.md").read_text(encoding="utf-8")
    keys = {key for part in (found, uploads, uploads["lastFailed"]) for key in part}
    assert [key for key in sorted(keys) if f"`{key}`" not in page] == []


def test_flaky_tests_are_printed_for_people(url: str, tmp_path: Path) -> None:
    command.run("wait", "55676", "--quiet", cwd=tmp_path, api_url=url)
    done = command.run("flaky", "--name=Check*", "--limit=1", cwd=tmp_path, api_url=url)
    assert (done.code, done.stderr) == (ExitCode.PASSED, "")
    heading, _, signs, empty, columns, line, more = done.stdout.splitlines()
    assert heading == "Flaky tests: 2 of 8 tests in 6 runs"
    assert signs == "Outcomes, the oldest first: ✓ passed, ✗ failed."
    assert not empty
    assert columns.split("  ")[0] == "outcomes"
    assert line.startswith("✓✗✓✗✓✗    5        50% (3 of 6)  55672 20")
    assert line.split("  ")[-2:] == ["suggests a word", "features/search.feature"]
    assert more == "and 1 more"


def test_flaky_tests_are_printed_for_pages(url: str, tmp_path: Path) -> None:
    command.run("wait", "55676", "--quiet", cwd=tmp_path, api_url=url)
    done = command.run("flaky", "--output=markdown", cwd=tmp_path, api_url=url)
    assert (done.code, done.stderr) == (ExitCode.PASSED, "")
    assert done.stdout.startswith("## Flaky tests: 2 of 8 tests in 6 runs\n\nRuns of Checkout in")
    assert "| `✓✗✓✗✓✗` | 5 | 50% (3 of 6) |" in done.stdout


def test_no_more_runs_are_read_than_asked_for(tmp_path: Path) -> None:
    asked: list[str] = []
    scenario = load_scenario("flaky-suite")
    with Simulator(
        scenario, speed=FINISHED, on_exchange=lambda exchange: asked.append(str(exchange))
    ) as api:
        command.run("wait", "55676", "--quiet", "--no-test-results", cwd=tmp_path, api_url=api.url)
        del asked[:]
        done = command.run("flaky", "--history=3", "--output=json", cwd=tmp_path, api_url=api.url)
    assert [run["id"] for run in json.loads(done.stdout)["runs"]] == [55674, 55675, 55676]
    assert sum("/results" in one for one in asked) == 3


def test_runs_of_another_branch_can_be_left_out(tmp_path: Path) -> None:
    runs = [
        ("main", 'failing = ["pays"]'),
        ("feature", ""),
        ("main", ""),
        ("feature", 'failing = ["pays"]'),
        ("main", 'failing = ["pays"]'),
    ]
    scenario = TESTS + "\n".join(
        f'[[run]]\nid = {10 - number}\nage = "{number + 1}h"\ngit-ref = "{ref}"\n'
        f'build-key = "{number}"\n{failing}'
        for number, (ref, failing) in enumerate(runs)
    )
    with serve(tmp_path, scenario) as api:
        done = command.run(
            "flaky", "--output=json", "--baseline-ref=main", cwd=tmp_path, api_url=api.url
        )
    found = json.loads(done.stdout)
    assert [run["id"] for run in found["runs"]] == [6, 8, 10]
    assert found["tests"][0]["strip"] == ["failed", "passed", "failed"]
    assert found["tests"][0]["onOneCommit"] is None


def test_a_run_that_goes_on_is_not_read(tmp_path: Path) -> None:
    running = '[[run]]\nid = 11\n[[run.phase]]\nstatus = "RUNNING"\ntotal = 2\n'
    with serve(tmp_path, f"{TESTS}{running}") as api:
        done = command.run("flaky", cwd=tmp_path, api_url=api.url)
    assert done.code == ExitCode.PASSED
    assert done.stdout.splitlines()[0] == "Flaky tests: 0 of 0 tests in 0 runs"
    assert "none could be read that has finished" in done.stdout
    assert "Note: run 11 is RUNNING: it is not read." in done.stdout


def test_a_run_that_can_not_be_read_is_said(tmp_path: Path) -> None:
    runs = "\n".join(
        f'[[run]]\nid = {10 - number}\nage = "{number + 1}h"\n{more}'
        for number, more in enumerate(
            ['failing = ["pays"]', "fields = '{\"failCount\": 9}'", "", 'failing = ["signs in"]']
        )
    )
    with serve(tmp_path, f"{TESTS}{runs}") as api:
        done = command.run("flaky", cwd=tmp_path, api_url=api.url)
    assert done.code == ExitCode.PASSED
    assert "1 of 4 earlier runs are missing from the history: the test results" in done.stdout
    assert "in 3 runs" in done.stdout


def test_where_the_list_is_not_read_again_nothing_is_read(tmp_path: Path) -> None:
    """It is read once for the newest run, in two requests, and once for those before it."""
    run = '[[run]]\nid = 9\nage = "1h"\n'
    fault = '[[fault]]\nkind = "answer"\non = "list"\nfrom = 3\ntimes = "for-ever"\n'
    with serve(tmp_path, f"{TESTS}{run}{fault}") as api:
        done = command.run("flaky", "--outage-tolerance=0", cwd=tmp_path, api_url=api.url)
    assert (done.code, done.stdout) == (ExitCode.UNAVAILABLE, "")
    assert "HTTP 500" in done.stderr


def test_where_the_list_ends_in_a_fault_that_is_said(tmp_path: Path) -> None:
    runs = (
        '[[run]]\nid = 1000\nage = "1h"\nfailing = ["pays"]\n'
        '[[run]]\nid = 1\nrepeat = 150\nage = "9h"\nenvironment = "qa"\n'
    )
    fault = '[[fault]]\nkind = "answer"\non = "list"\nfrom = 4\ntimes = "for-ever"\n'
    with serve(tmp_path, f"{TESTS}{runs}{fault}") as api:
        done = command.run("flaky", "--outage-tolerance=0", cwd=tmp_path, api_url=api.url)
    assert done.code == ExitCode.PASSED, done.output
    assert "Note: older runs are missing: HTTP 500" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        pytest.param((), ExitCode.NOT_FOUND, "results (HTTP 404)", id="no results"),
        pytest.param(("--name=x",), ExitCode.NOT_FOUND, "no run with name x", id="no run"),
        pytest.param(("--history=0",), ExitCode.USAGE, "1<=x<=200", id="no history"),
        pytest.param(("--history=201",), ExitCode.USAGE, "1<=x<=200", id="too long a history"),
        pytest.param(("--each=name",), ExitCode.USAGE, "no such option", id="several kinds"),
        pytest.param(("--token=wrong-token",), ExitCode.UNAUTHORIZED, "401", id="token"),
        pytest.param(
            ("--api-url=http://127.0.0.1:9/api", "--outage-tolerance=0"),
            ExitCode.UNAVAILABLE, "refused", id="no API",
        ),
    ],
)  # fmt: skip
def test_what_can_not_be_asked_has_its_exit_code(
    arguments: tuple[str, ...], code: ExitCode, said: str, tmp_path: Path
) -> None:
    with Simulator(load_scenario("no-results-endpoint"), speed=FINISHED) as api:
        command.run("wait", "55676", "--quiet", cwd=tmp_path, api_url=api.url)
        done = command.run("flaky", *arguments, cwd=tmp_path, api_url=api.url)
    assert (done.code, done.stdout) == (code, ""), done.output
    assert said in " ".join(done.stderr.split())
