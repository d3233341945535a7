"""Which runs are judged, each option and each failure through the installed command."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections import Counter
from collections.abc import Callable, Sequence
from math import ceil
from pathlib import Path
from typing import Any

import pytest
from junitparser import JUnitXml

from testery_gate.errors import ExitCode
from testery_gate.runs.commit import EVENT_LIMIT
from testery_gate.simulator import Exchange, Scenario, load_scenario
from tests.acceptance import command
from tests.acceptance.command import Finished
from tests.canary import Simulator

COMMIT = "abcd4e87d8d928a21a393b0def6ab0c0a21d35a2"
SPEED = 10.0

SUITES = """
[[run]]
id = 1
name = "Checkout"
environment = "staging"
age = "3h"
{done}
[[run]]
id = 2
name = "Search"
environment = "staging"
age = "2h"
{failed}
[[run]]
id = 3
name = "Search"
environment = "staging"
age = "1h"
{done}
[[run]]
id = 4
name = "Checkout: smoke"
environment = "production"
include-tags = ["smoke", "quick"]
build-key = "24"
age = "30m"
{failed}
[[run]]
id = 5
name = "Checkout"
environment = "qa"
git-ref = "release"
project-id = 9
deploy-id = 77
age = "20m"
{done}
[[run]]
id = 6
name = "Login"
environment = "qa"
git-ref = "1234567890123456789012345678901234567890"
deploy-id = 77
age = "200h"
{done}
"""
DONE = "[[run.phase]]\nstatus = 'PASS'\ntotal = 30\npassed = 30"
FAILED = "[[run.phase]]\nstatus = 'FAIL'\ntotal = 30\npassed = 28\nfailed = 2"


def written(folder: Path, text: str) -> Scenario:
    """Load a scenario of this text."""
    path = folder / "scenario.toml"
    path.write_text(text)
    return load_scenario(str(path))


@pytest.fixture
def suites(tmp_path: Path) -> Scenario:
    return written(tmp_path, SUITES.format(done=DONE, failed=FAILED))


def runs_of(done: Finished) -> list[int | None]:
    """Return the ids of the runs that were judged."""
    return [run["id"] for run in json.loads(done.stdout)["runs"]]


def said(done: Finished) -> str:
    return " ".join(done.output.split())


PASSED, INCONCLUSIVE, NOT_FOUND = ExitCode.PASSED, ExitCode.INCONCLUSIVE, ExitCode.NOT_FOUND


@pytest.mark.quick(5)
@pytest.mark.parametrize(
    ("arguments", "runs", "code"),
    [
        pytest.param(arguments, runs, code, id=arguments)
        for arguments, runs, code in [
            ("--latest", [5], PASSED),
            (f"--git-ref {COMMIT}", [4], ExitCode.FAILED),
            ("--git-ref abcd4e8", [4], ExitCode.FAILED),
            ("--git-ref release", [5], PASSED),
            ("--build-key 24", [4], ExitCode.FAILED),
            ("--environment staging", [3], PASSED),
            ("--project-id 9", [5], PASSED),
            ("--name Search", [3], PASSED),
            ("--name Check*", [5], PASSED),
            ("--name Check*smoke", [4], ExitCode.FAILED),
            ("--include-tag smoke --include-tag quick", [4], ExitCode.FAILED),
            ("--status fail", [4], ExitCode.FAILED),
            ("--status FAIL --environment staging", [2], ExitCode.FAILED),
            ("--git-ref abcd4e8 --environment staging --name Checkout", [1], PASSED),
            ("--git-ref abcd4e8 --environment staging --all", [3, 2, 1], ExitCode.FAILED),
            ("--git-ref abcd4e8 --environment staging --each name", [3, 1], PASSED),
            ("--git-ref abcd4e8 --each environment", [4, 3], ExitCode.FAILED),
            ("--each project", [5, 4], ExitCode.FAILED),
            ("--each project --each environment --each name", [5, 4, 3, 1], ExitCode.FAILED),
            ("--deploy-id 77", [5, 6], PASSED),
            ("--deploy-id 77 --name Login", [6], PASSED),
            ("--environment qa --all", [5], PASSED),
            ("--environment qa --all --lookback 10d", [5, 6], PASSED),
            ("--environment qa --all --lookback 1000", [5, 6], PASSED),
            ("--environment staging --all --lookback 90m", [3], PASSED),
            ("--environment staging --all --lookback 7d,4", [3, 2], ExitCode.FAILED),
            ("--environment staging --max-age 2h", [3], PASSED),
            ("--environment staging --max-age 30m", [3], INCONCLUSIVE),
        ]
    ],
)
def test_the_runs_that_are_described_are_judged(
    suites: Scenario, tmp_path: Path, arguments: str, runs: list[int], code: ExitCode
) -> None:
    with Simulator(suites) as api:
        done = command.run(
            "check", *arguments.split(), "--output=json", cwd=tmp_path, api_url=api.url
        )
    assert (done.code, runs_of(done)) == (code, runs), done.output


@pytest.mark.quick(2)
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(
            "--git-ref abcd4e8 --environment qa",
            "no run with git-ref abcd4e8, environment qa was found: 6 runs were searched, back to",
            id="what was searched",
        ),
        pytest.param(
            "--git-ref abcd4e8 --environment qa",
            "run 4 has git-ref abcd4e8, but its environment is production",
            id="the nearest miss",
        ),
        pytest.param(
            "--name Login",
            "run 6 has name Login, but it is outside --lookback",
            id="too old",
        ),
        pytest.param("--name Check", "6 runs were searched, back to", id="nothing near"),
        pytest.param("--deploy-id 78", "the API offers no list of a deploy's runs", id="deploy"),
    ],
)
def test_no_match_ends_with_6_and_says_what_was_searched(
    suites: Scenario, tmp_path: Path, arguments: str, message: str
) -> None:
    with Simulator(suites) as api:
        done = command.run(
            "check",
            *arguments.split(),
            *("--junit-xml=t.xml", "--report=json=t.json"),
            cwd=tmp_path,
            api_url=api.url,
        )
    assert done.code == NOT_FOUND, done.output
    assert message in said(done)
    assert "None" not in done.output
    assert json.loads((tmp_path / "t.json").read_text())["runs"][0]["id"] is None
    (gate,) = JUnitXml.fromfile(str(tmp_path / "t.xml"))
    assert (gate.tests, gate.errors) == (1, 1)
    assert 'name="run-id"' not in (tmp_path / "t.xml").read_text()


@pytest.mark.quick(3)
@pytest.mark.parametrize(
    ("arguments", "variables", "message"),
    [
        pytest.param("", {}, "no run is named or described", id="nothing"),
        pytest.param("5 --latest", {}, "named and described, by --latest", id="both"),
        pytest.param(
            "5",
            {"TESTERY_GATE_ENVIRONMENT": "staging"},
            "by --environment (from variable TESTERY_GATE_ENVIRONMENT)",
            id="described by a variable",
        ),
        pytest.param("--latest --each name --all", {}, "choose one", id="each and all"),
        pytest.param("--git-ref=", {}, "--git-ref is empty", id="an empty value"),
        pytest.param("--each suite", {}, "'suite'", id="an unknown group"),
        pytest.param("--project-id x", {}, "'x' is not a valid integer", id="no number"),
        pytest.param("--lookback 7d,0", {}, "number of runs", id="no runs"),
        pytest.param("--lookback soon", {}, "soon", id="no time"),
        pytest.param("--appear-within 5", {}, "90s, 10m", id="no unit"),
        pytest.param("--max-age x", {}, "'x'", id="no age"),
        pytest.param("5x", {}, "is not a run", id="no id"),
        pytest.param("- --token-file -", {}, "standard input can't hold both", id="two inputs"),
        pytest.param("- -", {}, "there is no run on standard input", id="empty input"),
    ],
)
def test_a_mistake_ends_with_2_before_anything_is_asked(
    tmp_path: Path, arguments: str, variables: dict[str, str], message: str
) -> None:
    asked: list[Exchange] = []
    with Simulator(load_scenario("documented"), on_exchange=asked.append) as api:
        done = command.run("wait", *arguments.split(), cwd=tmp_path, api_url=api.url, **variables)
    assert done.code == ExitCode.USAGE, done.output
    assert message in said(done)
    assert asked == []


def test_a_file_that_describes_runs_is_named_when_one_is_named_too(tmp_path: Path) -> None:
    (tmp_path / "testery-gate.toml").write_text('environment = "staging"\nname = "x"\n')
    done = command.run("check", "5", cwd=tmp_path)
    assert done.code == ExitCode.USAGE
    assert "--environment (from testery-gate.toml, line 1)," in done.stderr
    assert "--name (from testery-gate.toml, line 2);" in done.stderr


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("55676\n", id="an id"),
        pytest.param("https://testery.app/acme/test-runs/55676\r\n\n55676", id="an address"),
        pytest.param("{'project': 'demo'}\ntest_run_id: 55676\n", id="the Testery client's"),
    ],
)
def test_runs_are_read_from_standard_input(tmp_path: Path, text: str) -> None:
    with Simulator(load_scenario("documented")) as api:
        done = command.run("wait", "-", "--output=json", cwd=tmp_path, api_url=api.url, stdin=text)
    assert (done.code, runs_of(done)) == (PASSED, [55676]), done.output


def test_a_slip_on_standard_input_is_not_passed_over(tmp_path: Path) -> None:
    done = command.run("wait", "-", cwd=tmp_path, stdin="55676\n5567 7\n")
    assert done.code == ExitCode.USAGE
    assert "line 2 of standard input" in done.stderr


def test_a_run_that_does_not_exist_yet_is_waited_for(tmp_path: Path) -> None:
    with Simulator(load_scenario("late"), speed=SPEED) as api:
        done = command.run("wait", "--git-ref=abcd4e8", cwd=tmp_path, api_url=api.url)
    assert done.code == PASSED, done.output
    assert "There is no run with git-ref abcd4e8 yet; waiting for one to appear" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        pytest.param("wait --appear-within 1s", NOT_FOUND, id="wait, not for long enough"),
        pytest.param("wait --appear-within 0", NOT_FOUND, id="wait, not at all"),
        pytest.param("wait --timeout 1s", NOT_FOUND, id="wait, the timeout is over"),
        pytest.param("check", NOT_FOUND, id="check"),
        pytest.param("check --appear-within 20s", PASSED, id="check, for long enough"),
    ],
)
def test_how_long_a_run_may_take_to_appear(tmp_path: Path, arguments: str, code: ExitCode) -> None:
    scenario = written(tmp_path, 'based-on = "late"')
    with Simulator(scenario, speed=2) as api:
        done = command.run(
            *arguments.split(), "--environment=staging", cwd=tmp_path, api_url=api.url
        )
    assert done.code == code, done.output


def test_a_signal_while_a_run_has_not_appeared_leaves_a_report(tmp_path: Path) -> None:
    with Simulator(load_scenario("late"), speed=0.001) as api:
        process = command.start(
            ["wait", "--latest", "--report=json=t.json"],
            cwd=tmp_path,
            env=command.environment(api.url),
        )
        assert process.stderr is not None
        assert "waiting for one to appear" in process.stderr.readline()
        process.terminate()
        done = command.finish(process)
    assert done.code == ExitCode.TERMINATED, done.output
    assert "stopped by SIGTERM while there was no run" in (tmp_path / "t.json").read_text()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "runs", "code"),
    [
        pytest.param("", [55677], PASSED, id="followed"),
        pytest.param("--each environment", [55677], PASSED, id="of a group"),
        pytest.param("--no-follow", [55676], INCONCLUSIVE, id="stayed with"),
        pytest.param("--all", [55677, 55676], INCONCLUSIVE, id="all are meant as they are"),
        pytest.param("--status queued", [55677], PASSED, id="whatever its status"),
    ],
)
def test_a_run_that_is_superseded(
    tmp_path: Path, arguments: str, runs: list[int], code: ExitCode
) -> None:
    with Simulator(load_scenario("superseded"), speed=SPEED) as api:
        done = command.run(
            "wait",
            "--environment=staging",
            "--output=json",
            *arguments.split(),
            cwd=tmp_path,
            api_url=api.url,
        )
    assert (done.code, runs_of(done)) == (code, runs), done.output
    story = "run 55676 was canceled, and newer run 55677 followed"
    assert (story in done.stderr) is (code == PASSED)
    run = json.loads(done.stdout)["runs"][0]
    assert (story in run["notes"]) is (code == PASSED)


def test_a_run_that_is_named_is_left_for_a_newer_one_of_its_build(tmp_path: Path) -> None:
    with Simulator(load_scenario("superseded"), speed=SPEED) as api:
        done = command.run("wait", "55676", "--output=json", cwd=tmp_path, api_url=api.url)
    assert (done.code, runs_of(done)) == (PASSED, [55677])


LISTED = {
    "ignores the page": "ignore-page = true",
    "ignores the limit": "ignore-limit = true\nmax-page-size = 3",
    "gives short pages": "max-page-size = 2",
    "gives one at a time": "max-page-size = 1",
    "is oldest first": "order = 'oldest-first'",
    "is oldest first in short pages": "order = 'oldest-first'\nmax-page-size = 2",
}


@pytest.mark.quick(2)
@pytest.mark.parametrize("listed", LISTED)
def test_however_the_list_is_given_the_same_runs_are_meant(tmp_path: Path, listed: str) -> None:
    text = SUITES.format(done=DONE, failed=FAILED)
    asked: list[Exchange] = []
    with Simulator(
        written(tmp_path, f"{text}\n[list]\n{LISTED[listed]}"), on_exchange=asked.append
    ) as api:
        done = command.run(
            *("check", "--each=name", "--output=json", "--no-test-results"),
            cwd=tmp_path,
            api_url=api.url,
        )
    assert runs_of(done) == [5, 4, 3], done.output
    # Twice over, because it is asked again.
    assert len(asked) < 35


@pytest.mark.slow  # asks for 120 pages
def test_pages_that_shift_while_they_are_read_hide_no_run(tmp_path: Path) -> None:
    # The list gives 5 at a time; ours is the 301st from the end, and more arrive with each page.
    scenario = written(tmp_path, 'based-on = "busy"\n[list]\nmax-page-size = 5')
    with Simulator(scenario) as api:
        done = command.run(
            *("list", "--environment=staging", "--output=json", "--lookback=7d"),
            cwd=tmp_path,
            api_url=api.url,
        )
        others = command.run(
            *("list", "--build-key=22", "--output=json", "--lookback=7d", "--limit=1000"),
            cwd=tmp_path,
            api_url=api.url,
        )
    assert [run["id"] for run in json.loads(done.stdout)] == [55676]
    ids = [run["id"] for run in json.loads(others.stdout)]
    assert ids == list(range(55675, 55375, -1))


def fault(on: str, what: str) -> str:
    return f"\n[[fault]]\non = '{on}'\ntimes = 'for-ever'\n{what}\n"


@pytest.mark.slow
@pytest.mark.parametrize("arguments", ["wait --latest", "check --latest", "list"])
@pytest.mark.parametrize(
    ("what", "code", "message"),
    [
        pytest.param("kind = 'answer'\ncode = 401", ExitCode.UNAUTHORIZED, "HTTP 401", id="401"),
        pytest.param("kind = 'answer'\ncode = 403", ExitCode.UNAUTHORIZED, "HTTP 403", id="403"),
        pytest.param("kind = 'answer'\ncode = 404", NOT_FOUND, "HTTP 404", id="404"),
        pytest.param("kind = 'answer'\ncode = 503", ExitCode.UNAVAILABLE, "HTTP 503", id="503"),
        pytest.param("kind = 'html'", ExitCode.UNAVAILABLE, "not JSON", id="HTML"),
        pytest.param("kind = 'null'", ExitCode.UNAVAILABLE, "was expected, not null", id="null"),
    ],
)
def test_a_list_that_is_not_given(
    tmp_path: Path, arguments: str, what: str, code: ExitCode, message: str
) -> None:
    scenario = written(tmp_path, 'based-on = "documented"' + fault("list", what))
    with Simulator(scenario) as api:
        done = command.run(
            *arguments.split(), "--outage-tolerance=500ms", cwd=tmp_path, api_url=api.url
        )
    assert done.code == code, done.output
    assert message in said(done)


@pytest.mark.parametrize("arguments", ["check --environment staging", "list"])
def test_one_fault_does_not_end_a_look_at_what_is_there(tmp_path: Path, arguments: str) -> None:
    faults = "[[fault]]\nkind = 'reset'\n[[fault]]\nkind = 'answer'\ncode = 502\non = 'run'\n"
    with Simulator(written(tmp_path, f'based-on = "suites"\n{faults}')) as api:
        done = command.run(*arguments.split(), cwd=tmp_path, api_url=api.url)
    assert done.code == PASSED, done.output
    assert "next try" in done.stderr


def test_a_deploys_runs_that_are_forbidden_are_not_offered(tmp_path: Path) -> None:
    forbidden = fault("by-deploy", "kind = 'answer'\ncode = 403")
    scenario = written(tmp_path, 'based-on = "documented"' + forbidden)
    with Simulator(scenario) as api:
        done = command.run("check", "--deploy-id=77", cwd=tmp_path, api_url=api.url)
    assert done.code == NOT_FOUND
    assert "the API offers no list of a deploy's runs" in said(done)
    assert "--git-ref" in done.output


# Which commit a pipeline is about.


@pytest.mark.quick(3)
@pytest.mark.parametrize(
    "variables",
    [
        pytest.param({"GITLAB_CI": "true", "CI_COMMIT_SHA": COMMIT}, id="GitLab"),
        pytest.param({"JENKINS_URL": "https://ci", "GIT_COMMIT": COMMIT}, id="Jenkins"),
        pytest.param(
            {
                "TF_BUILD": "True",
                "BUILD_REASON": "PullRequest",
                "BUILD_SOURCEVERSION": "1" * 40,
                "SYSTEM_PULLREQUEST_SOURCECOMMITID": COMMIT,
            },
            id="Azure",
        ),
    ],
)
def test_auto_is_the_commit_that_the_system_says(
    suites: Scenario, tmp_path: Path, variables: dict[str, str]
) -> None:
    assert judged_commit(suites, tmp_path, **variables) == COMMIT


def judged_commit(scenario: Scenario, folder: Path, *arguments: str, **variables: str) -> str:
    """Return the commit that auto stands for, as the message names it."""
    with Simulator(scenario) as api:
        done = command.run(
            *("check", "--git-ref=auto", "--environment=nowhere", "--ci=none", *arguments),
            cwd=folder,
            api_url=api.url,
            **variables,
        )
    assert done.code == NOT_FOUND, done.output
    found = re.search(r"no run with git-ref (\S+),", said(done))
    assert found is not None
    return found[1]


def in_github(folder: Path, name: str, event: object) -> dict[str, str]:
    """The variables of a workflow that this event started, where the merge is checked out."""
    file = folder / "event.json"
    file.write_text(json.dumps(event))
    return {
        "CI": "true",
        "GITHUB_ACTIONS": "true",
        "GITHUB_EVENT_NAME": name,
        "GITHUB_EVENT_PATH": str(file),
        "GITHUB_HEAD_REF": "fix",
        "GITHUB_REF": "refs/pull/42/merge",
        "GITHUB_SHA": "1" * 40,
    }


PULL_REQUEST = {"pull_request": {"head": {"sha": COMMIT, "repo": {"fork": True}}}}


def test_in_a_pull_request_auto_is_its_head(suites: Scenario, tmp_path: Path) -> None:
    variables = in_github(tmp_path, "pull_request", PULL_REQUEST)
    assert judged_commit(suites, tmp_path, **variables) == COMMIT


@pytest.mark.parametrize(("commit", "code"), [(COMMIT, PASSED), ("1" * 40, INCONCLUSIVE)])
def test_in_a_pull_request_a_run_is_expected_to_be_about_its_head(
    tmp_path: Path, commit: str, code: ExitCode
) -> None:
    scenario = written(tmp_path, f"[[run]]\nid = 5\ngit-ref = '{commit}'\n{DONE}")
    with Simulator(scenario) as api:
        done = command.run(
            *("check", "5", "--expect=git-ref=auto", "--ci=none"),
            cwd=tmp_path,
            api_url=api.url,
            **in_github(tmp_path, "pull_request_target", PULL_REQUEST),
        )
    assert done.code == code, done.output


@pytest.mark.parametrize("option", ["--git-ref=auto", "--expect=git-ref=auto"])
@pytest.mark.parametrize(
    ("name", "message", "advice"),
    [
        pytest.param("issue_comment", "`issue_comment`", "gh pr view", id="without the commit"),
        pytest.param("a_new_one", "is 'a_new_one'", "--git-ref COMMIT", id="unknown"),
        pytest.param("workflow_call", "is 'workflow_call'", "--git-ref COMMIT", id="no event"),
        pytest.param("push", "it has no deleted", "--git-ref COMMIT", id="another's payload"),
    ],
)
def test_an_event_that_says_no_commit_is_a_usage_error(
    tmp_path: Path, option: str, name: str, message: str, advice: str
) -> None:
    variables = in_github(tmp_path, name, PULL_REQUEST)
    run = ["5"] if option.startswith("--expect") else []
    done = command.run("check", option, "--ci=none", *run, cwd=tmp_path, **variables)
    assert done.code == ExitCode.USAGE, done.output
    assert message in said(done)
    assert advice in said(done)


def no_file(_: Path) -> None:
    pass


def a_folder(path: Path) -> None:
    path.mkdir()


def a_pipe(path: Path) -> None:
    os.mkfifo(path)


def a_large_file(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(EVENT_LIMIT + 1)


@pytest.mark.parametrize("make", [no_file, a_folder, a_pipe, a_large_file])
def test_an_event_that_can_not_be_read_is_a_usage_error(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    variables = in_github(tmp_path, "pull_request", PULL_REQUEST)
    event = tmp_path / "other"
    make(event)
    done = command.run(
        *("check", "--git-ref=auto", "--ci=none"),
        cwd=tmp_path,
        **(variables | {"GITHUB_EVENT_PATH": str(event)}),
    )
    assert done.code == ExitCode.USAGE, done.output
    assert "can't read the commit of the event" in said(done)


def test_what_an_unknown_ci_system_has_checked_out_is_a_usage_error(tmp_path: Path) -> None:
    path = stand_in_for_git(tmp_path, f"echo {COMMIT}")
    done = command.run("check", "--git-ref=auto", cwd=tmp_path, CI="true", PATH=path)
    assert done.code == ExitCode.USAGE, done.output
    assert "CI is set, but not by a CI system that it knows" in said(done)


def stand_in_for_git(folder: Path, script: str) -> str:
    """Return a PATH on which this script is git."""
    git = folder / "bin" / "git"
    git.parent.mkdir()
    git.write_text(f"#!/bin/sh\n{script}\n")
    git.chmod(0o755)
    return f"{git.parent}:/usr/bin:/bin"


@pytest.mark.parametrize(
    "variables",
    [
        pytest.param({}, id="no CI system"),
        pytest.param({"BUILDKITE": "true", "BUILDKITE_COMMIT": "HEAD"}, id="Buildkite"),
    ],
)
def test_elsewhere_auto_is_the_head_of_the_checkout(
    suites: Scenario, tmp_path: Path, variables: dict[str, str]
) -> None:
    said = f'case "$*" in *"rev-parse HEAD") echo {COMMIT};; *) exit 1;; esac'
    path = stand_in_for_git(tmp_path, said)
    assert judged_commit(suites, tmp_path, PATH=path, **variables) == COMMIT


@pytest.mark.parametrize(
    ("script", "message"),
    [
        pytest.param("echo fatal: not a git repository >&2; exit 128", "not a git", id="no commit"),
        pytest.param("exit 3", "exit status 3", id="no word"),
    ],
)
def test_without_a_commit_auto_is_a_usage_error(tmp_path: Path, script: str, message: str) -> None:
    path = stand_in_for_git(tmp_path, script)
    done = command.run("check", "--git-ref=auto", cwd=tmp_path, PATH=path)
    assert done.code == ExitCode.USAGE, done.output
    assert message in done.stderr


def test_without_git_auto_is_a_usage_error(tmp_path: Path) -> None:
    done = command.run("check", "--expect=git-ref=auto", "5", cwd=tmp_path, PATH=str(tmp_path))
    assert done.code == ExitCode.USAGE, done.output
    assert "--git-ref auto finds no commit" in done.stderr


@pytest.mark.acceptance
def test_auto_asks_the_real_git(suites: Scenario, tmp_path: Path) -> None:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.test")
    for arguments in (("init", "-q"), (*identity, "commit", "-q", "--allow-empty", "-m", "one")):
        subprocess.run(["git", *arguments], cwd=tmp_path, check=True)  # noqa: S607
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"],  # noqa: S607
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    )
    assert judged_commit(suites, tmp_path) == head.stdout.strip()


# Many runs.

MANY = """
[[run]]
id = 1
repeat = 80
apart = "100ms"
age = "8s"
{passing}
[[run]]
id = 101
repeat = 60
apart = "100ms"
age = "6s"
{failing}
[[run]]
id = 201
repeat = 59
apart = "100ms"
age = "6s"
{canceled}
[[run]]
id = 301
age = "1s"
[[run.phase]]
status = "RUNNING"
total = 30
passed = 12
"""


def phases(final: str, **counts: int) -> str:
    """Return a run that takes ten seconds and ends so."""
    known = "\n".join(f"{name} = {count}" for name, count in counts.items())
    running = f"[[run.phase]]\nstatus = 'RUNNING'\nlasts = '10s'\n{known}"
    return f"{running}\n[[run.phase]]\nstatus = '{final}'\n"


ENDINGS = {
    "passing": phases("PASS", total=30, passed=30),
    "failing": phases("FAIL", total=30, passed=29, failed=1),
    "canceled": phases("CANCELED", total=30, passed=10),
}
EXPECTED: dict[int, ExitCode] = {
    **dict.fromkeys(range(1, 81), PASSED),
    **dict.fromkeys(range(101, 161), ExitCode.FAILED),
    **dict.fromkeys(range(201, 260), INCONCLUSIVE),
    301: ExitCode.TIMED_OUT,
}


def wait_for_many(
    folder: Path, more: str = "", *arguments: str
) -> tuple[Finished, Sequence[Exchange]]:
    asked: list[Exchange] = []
    scenario = written(folder, MANY.format(**ENDINGS) + more)
    with Simulator(scenario, speed=4, on_exchange=asked.append) as api:
        done = command.run(
            *("wait", *map(str, EXPECTED), "--timeout=8s", "--interval=1s"),
            *("--report=json=t.json", "--junit-xml=t.xml", *arguments),
            cwd=folder,
            api_url=api.url,
        )
    return done, asked


def exit_codes(folder: Path) -> dict[int, int]:
    report: Any = json.loads((folder / "t.json").read_text())
    return {run["id"]: run["exitCode"] for run in report["runs"]}


@pytest.mark.slow
def test_two_hundred_runs_get_a_verdict_each_with_few_requests(tmp_path: Path) -> None:
    done, asked = wait_for_many(tmp_path)
    assert done.code == ExitCode.FAILED, done.output
    assert exit_codes(tmp_path) == EXPECTED
    suites = {suite.name for suite in JUnitXml.fromfile(str(tmp_path / "t.xml"))}
    assert {f"testery-gate (run {run_id})" for run_id in EXPECTED} <= suites
    # What needs attention comes first in the table for people.
    ranks = [line.split()[2] for line in done.stdout.splitlines() if re.match(r"  . \d+ ", line)]
    assert Counter(ranks) == {"failed": 50}
    looks = Counter(exchange.target for exchange in asked)
    cycles = looks["/api/test-runs?page=0&limit=100"]
    assert cycles >= 3
    pages = sum(count for target, count in looks.items() if "?page=" in target)
    singles = sum(count for target, count in looks.items() if re.search(r"runs/\d+$", target))
    last_of_all = 10  # looks at the one run that does not end
    assert pages <= cycles * ceil(len(EXPECTED) / 100)
    assert singles <= cycles + last_of_all


@pytest.mark.slow
@pytest.mark.parametrize(
    "what",
    [
        pytest.param("kind = 'answer'\ncode = 404", id="not offered"),
        pytest.param("kind = 'garbage'", id="unreadable"),
        pytest.param("kind = 'alter'\nwithout = ['complete']", id="less than documented"),
    ],
)
def test_without_a_list_each_run_is_asked_for_by_itself(tmp_path: Path, what: str) -> None:
    done, _ = wait_for_many(
        tmp_path, fault("list", what), "--no-test-results", "--outage-tolerance=300ms"
    )
    assert done.code == ExitCode.FAILED, done.output
    assert exit_codes(tmp_path) == EXPECTED


# Looking.


def listed(api_url: str, folder: Path, *arguments: str) -> Finished:
    return command.run("list", *arguments, cwd=folder, api_url=api_url)


def test_runs_are_listed_in_a_table(suites: Scenario, tmp_path: Path) -> None:
    with Simulator(suites) as api:
        done = listed(api.url, tmp_path, "--environment=staging")
    assert done.code == PASSED, done.output
    assert [re.split(r" {2,}", line) for line in done.stdout.splitlines()] == [
        ["id", "status", "name", "environment", "git ref", "passed", "duration", "age"],
        ["3", "PASS", "Search", "staging", "abcd4e8", "30/30", "0s", "1h"],
        ["2", "FAIL", "Search", "staging", "abcd4e8", "28/30, 2 failed", "0s", "2h"],
        ["1", "PASS", "Checkout", "staging", "abcd4e8", "30/30", "0s", "3h"],
    ]


@pytest.mark.quick(3)
@pytest.mark.parametrize(
    ("arguments", "ids"),
    [
        pytest.param("", [5, 4, 3, 2, 1], id="all that are recent"),
        pytest.param("--limit 2", [5, 4], id="so many"),
        pytest.param("--all --status FAIL", [4, 2], id="all that are described"),
        pytest.param("--latest", [5], id="the latest"),
        pytest.param("--latest --environment staging", [3], id="the latest that is described"),
        pytest.param("--each environment", [5, 4, 3], id="of each group the newest"),
        pytest.param("--each environment --limit 1", [5], id="of so many groups"),
        pytest.param("--deploy-id 77", [5, 6], id="of a deploy"),
        pytest.param("--lookback 100d", [5, 4, 3, 2, 1, 6], id="further back"),
        pytest.param("--lookback 3", [5, 4, 3], id="less far back"),
    ],
)
def test_which_runs_are_listed(
    suites: Scenario, tmp_path: Path, arguments: str, ids: list[int]
) -> None:
    with Simulator(suites) as api:
        done = listed(api.url, tmp_path, *arguments.split(), "--output=json")
    assert done.code == PASSED, done.output
    assert [run["id"] for run in json.loads(done.stdout)] == ids


def test_a_listed_run_has_the_facts_of_the_report(tmp_path: Path) -> None:
    with Simulator(load_scenario("documented")) as api:
        (run,) = json.loads(listed(api.url, tmp_path, "--output=json", "--lookback=100").stdout)
        report = command.run("check", "55676", "--output=json", cwd=tmp_path, api_url=api.url)
    (reported,) = json.loads(report.stdout)["runs"]
    assert run == {name: reported[name] for name in ("id", "run", "metrics")}


@pytest.mark.parametrize("output", ["text", "json"])
def test_nothing_to_list_ends_with_6(suites: Scenario, tmp_path: Path, output: str) -> None:
    with Simulator(suites) as api:
        done = listed(api.url, tmp_path, "--name=Nothing", f"--output={output}")
    assert (done.code, done.stdout) == (NOT_FOUND, "")
    assert "no run with name Nothing was found: 6 runs were searched" in done.stderr


def test_a_list_that_can_not_be_printed_is_lost(suites: Scenario, tmp_path: Path) -> None:
    with Simulator(suites) as api, open("/dev/full", "w") as full:
        done = subprocess.run(
            [command.COMMAND, "list"],
            cwd=tmp_path,
            env=command.environment(api.url),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=command.LONGEST,
            check=False,
        )
    assert done.returncode == ExitCode.REPORT_LOST
    assert "can't write the list" in done.stderr


def test_what_is_listed_is_inert(tmp_path: Path) -> None:
    with Simulator(load_scenario("hostile")) as api:
        done = listed(api.url, tmp_path)
    assert done.code == PASSED, done.output
    assert "\x1b" not in done.stdout
    assert len(done.stdout.splitlines()) == 2
    assert not re.search(r"##\[|##vso\[|##teamcity\[", done.stdout)


@pytest.mark.parametrize("option", ["--limit=0", "--no-follow", "--appear-within=1m", "5"])
def test_what_a_list_does_not_take_ends_with_2(tmp_path: Path, option: str) -> None:
    assert command.run("list", option, cwd=tmp_path).code == ExitCode.USAGE


README = Path(__file__).parents[2] / "README.md"


@pytest.mark.parametrize(
    ("commit", "age", "code"),
    [
        pytest.param(COMMIT, "23h", PASSED, id="passed within a day"),
        pytest.param(COMMIT, "25h", INCONCLUSIVE, id="passed before that"),
        pytest.param("1" * 40, "23h", NOT_FOUND, id="another commit did"),
    ],
)
def test_the_command_before_a_deploy_answers_the_question(
    tmp_path: Path, commit: str, age: str, code: ExitCode
) -> None:
    section = README.read_text(encoding="utf-8").partition("## Before you deploy")[2]
    found = re.search(r"^testery-gate (check .*)$", section, re.MULTILINE)
    assert found is not None
    scenario = f"[[run]]\nenvironment = 'staging'\nage = '{age}'\n{DONE}"
    with Simulator(written(tmp_path, scenario)) as api:
        done = command.run(
            *found[1].split(), cwd=tmp_path, api_url=api.url, GITLAB_CI="true", CI_COMMIT_SHA=commit
        )
    assert done.code == code, done.output
