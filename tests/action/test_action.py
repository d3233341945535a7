"""The action, run as GitHub runs it, against the real stand-in API."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import threading
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from junitparser import JUnitXml
from markdown_it import MarkdownIt

from testery_gate.errors import ExitCode
from testery_gate.simulator import load_scenario
from tests.action.jobs import OUTPUTS, block, new_job, prepare, step, use
from tests.action.runner import ROOT, Done
from tests.canary import CANARY, FINISHED, Simulator
from tests.code_hosts.github_stand_in import GitHubStandIn
from tests.code_hosts.stand_in import COMMIT as HEAD
from tests.code_hosts.stand_in import serving

COMMIT = "abcd4e87d8d928a21a393b0def6ab0c0a21d35a2"
"""The commit that the simulator's runs are about."""

# Scenario, inputs, exit code, what the reason must say.
ENDINGS: list[tuple[str, Mapping[str, object], ExitCode, str]] = [
    ("passing", {}, ExitCode.PASSED, "28 of 30 tests passed"),
    ("failing", {}, ExitCode.FAILED, "3 of 30 tests failed"),
    ("canceled", {}, ExitCode.INCONCLUSIVE, "canceled"),
    ("stuck", {"timeout": "1s"}, ExitCode.TIMED_OUT, "not finished"),
    ("stuck", {"command": "check"}, ExitCode.TIMED_OUT, "not finished"),
    ("documented", {"command": "check"}, ExitCode.PASSED, "30 of 30"),
    ("documented", {"token": "wrong"}, ExitCode.UNAUTHORIZED, "HTTP 401"),
    ("documented", {"runs": 1, "appear-within": "0"}, ExitCode.NOT_FOUND, "HTTP 404"),
    ("documented", {"report": "json=/dev/full"}, ExitCode.REPORT_LOST, "not be written"),
    ("unavailable", {"outage-tolerance": "0"}, ExitCode.UNAVAILABLE, "503"),
    # Settings, and what the gate refuses.
    ("failing", {"max-failed": 3}, ExitCode.PASSED, "27 of 30"),
    ("documented", {"token": ""}, ExitCode.USAGE, "no API token"),
    ("documented", {"command": "demo"}, ExitCode.USAGE, "command"),
    (
        "failing",
        {"command": "run", "runs": "", "project": "demo", "environment": "qa"},
        ExitCode.FAILED,
        "3 of 30",
    ),
]
# The same of more inputs.
MORE_ENDINGS: list[tuple[str, Mapping[str, object], ExitCode, str]] = [
    # Settings.
    ("failing", {"require": "failed <= 3\n\n  total >= 31\n"}, ExitCode.FAILED, "total >= 31"),
    ("flaky", {"trust-status": True}, ExitCode.PASSED, "28 of 30"),
    ("flaky", {"trust-status": False}, ExitCode.FAILED, "2 of 30"),
    (
        "documented",
        {"runs": "\n55676\n1\n", "appear-within": "0"},
        ExitCode.NOT_FOUND,
        "test-runs/1 (HTTP 404)",
    ),
    ("passing", {"runs": "", "latest": True}, ExitCode.PASSED, "28 of 30"),
    # What the gate can't make out, it refuses.
    ("documented", {"runs": ""}, ExitCode.USAGE, "no run is named"),
    ("documented", {"max-failed": "lots"}, ExitCode.USAGE, "number or a percentage"),
    ("documented", {"runs": "--help"}, ExitCode.USAGE, "--help"),
    ("documented", {"runs": "55676 --max-failed=99"}, ExitCode.USAGE, "--max-failed"),
    ("documented", {"command": "run", "runs": ""}, ExitCode.USAGE, "--project is missing"),
    ("documented", {"command": "run"}, ExitCode.USAGE, "unexpected extra argument"),
    ("documented", {"command": "wait; true"}, ExitCode.USAGE, "command"),
    ("documented", {"fail": "no"}, ExitCode.USAGE, "fail"),
]


def check_ending(done: Done, code: ExitCode, reason: str) -> None:
    """Check all that the step tells of its ending, but for its exit code."""
    assert set(done.outputs) == set(OUTPUTS)
    assert done.outputs["outcome"] == code.outcome, done.log
    assert done.outputs["exit-code"] == str(code.value)
    assert reason in done.outputs["reason"]
    errors = [command for command in done.annotations if command.name == "error"]
    assert bool(errors) == (code is not ExitCode.PASSED), done.log
    assert not errors or any(reason in e.data for e in errors) or code is ExitCode.FAILED
    assert CANARY not in done.shown


@pytest.mark.parametrize(
    ("scenario", "inputs", "code", "reason"),
    [
        *(pytest.param(*row, id=f"{row[0]} {json.dumps(row[1])}") for row in ENDINGS),
        *(
            pytest.param(*row, id=f"{row[0]} {json.dumps(row[1])}", marks=pytest.mark.slow)
            for row in MORE_ENDINGS
        ),
    ],
)
def test_every_ending_is_told(
    tmp_path: Path, scenario: str, inputs: Mapping[str, object], code: ExitCode, reason: str
) -> None:
    with Simulator(load_scenario(scenario), speed=FINISHED) as api:
        done = use(tmp_path, api.url, inputs)
    assert done.code == code, done.log
    assert done.outcome == ("success" if code is ExitCode.PASSED else "failure")
    check_ending(done, code, reason)


@pytest.mark.quick(1)
@pytest.mark.parametrize(
    ("scenario", "inputs", "code", "reason"),
    [
        pytest.param("failing", {}, ExitCode.FAILED, "3 of 30", id="failed"),
        pytest.param("stuck", {"timeout": 0}, ExitCode.TIMED_OUT, "not finished", id="timed out"),
        pytest.param("stuck", {"token": ""}, ExitCode.USAGE, "no API token", id="no token"),
        pytest.param("stuck", {"command": "demo"}, ExitCode.USAGE, "command", id="no such command"),
    ],
)
def test_the_step_can_be_kept_green(
    tmp_path: Path, scenario: str, inputs: Mapping[str, object], code: ExitCode, reason: str
) -> None:
    with Simulator(load_scenario(scenario), speed=FINISHED) as api:
        done = use(tmp_path, api.url, {"fail": False, **inputs})
    assert (done.code, done.outcome) == (0, "success"), done.log
    check_ending(done, code, reason)


@pytest.mark.parametrize(
    ("inputs", "env", "code"),
    [
        pytest.param({}, {}, ExitCode.FAILED, id="not named"),
        pytest.param({"config": "testery-gate.toml"}, {}, ExitCode.PASSED, id="named"),
        pytest.param(
            {}, {"TESTERY_GATE_CONFIG": "testery-gate.toml"}, ExitCode.PASSED, id="named in env"
        ),
    ],
)
def test_a_configuration_file_counts_where_it_is_named(
    tmp_path: Path, inputs: Mapping[str, object], env: Mapping[str, str], code: ExitCode
) -> None:
    with Simulator(load_scenario("failing"), speed=FINISHED) as api, new_job(tmp_path) as job:
        prepare(job)
        (job.workspace / "testery-gate.toml").write_text('max-failed = "100%"\n')
        job.env |= {"TESTERY_API_URL": api.url, **env}
        (done,) = job.run([step(inputs)])
    assert done.code == code, done.log


OF_TESTS = (
    *("new-failed", "known-failed", "flaky-failed", "quarantined-failed"),
    *("fixed", "missing", "added"),
)


@pytest.mark.slow
def test_failed_tests_are_counted_by_class_where_that_is_asked_for(tmp_path: Path) -> None:
    with Simulator(load_scenario("failing"), speed=FINISHED) as api:
        done = use(tmp_path, api.url, {"only-new": True})
    # There is no earlier run in this scenario, so what failed before is unknown.
    assert [done.outputs[name] for name in OF_TESTS] == ["3", "", "0", "0", "", "", ""]


@pytest.mark.slow
def test_counts_runs_and_reports_are_told(tmp_path: Path) -> None:
    with Simulator(load_scenario("failing"), speed=FINISHED) as api:
        done = use(
            tmp_path, api.url, {"junit-xml": "out/TEST-testery.xml", "report": "json=g.json\n"}
        )
    told = dict(done.outputs)
    assert re.search(r"/test-runs/55676$", told.pop("run-url"))
    assert "3 of 30" in told.pop("reason")
    assert told == {
        "outcome": "failed",
        "exit-code": "1",
        "passed": "27",
        "failed": "3",
        "ignored": "0",
        "total": "30",
        "pass-rate": "90",
        **dict.fromkeys(OF_TESTS, ""),
        "run-id": "55676",
        "junit-path": "out/TEST-testery.xml",
        "json-path": "g.json",
    }
    workspace = tmp_path / "work space"
    assert JUnitXml.fromfile(str(workspace / told["junit-path"])).failures
    assert json.loads((workspace / told["json-path"]).read_text())["outcome"] == "failed"
    assert sorted(path.name for path in workspace.iterdir()) == ["g.json", "out"]


@pytest.mark.parametrize(
    ("number", "code"),
    [
        pytest.param(signal.SIGINT, ExitCode.INTERRUPTED, id="SIGINT"),
        pytest.param(signal.SIGTERM, ExitCode.TERMINATED, id="SIGTERM"),
    ],
)
def test_a_job_that_is_canceled_leaves_outputs_and_a_report(
    tmp_path: Path, number: signal.Signals, code: ExitCode
) -> None:
    def cancel() -> None:
        # The first script prepares the gate, the second waits; the runner signals its process only.
        for _ in range(600):
            if len(job.scripts) == 2 and "RUNNING" in job.log(2).read_text(encoding="utf-8"):
                os.kill(job.scripts[1], number)
                return
            time.sleep(0.1)

    with Simulator(load_scenario("stuck"), speed=FINISHED) as api, new_job(tmp_path) as job:
        prepare(job)
        job.env["TESTERY_API_URL"] = api.url
        canceling = threading.Thread(target=cancel)
        canceling.start()
        (done,) = job.run([step({"junit-xml": "t.xml", "verbose": True, "timeout": "1m"})])
        canceling.join()
        cases = JUnitXml.fromfile(str(job.workspace / "t.xml"))
    check_ending(done, code, f"stopped by {number.name}")
    assert done.code == code
    assert cases.errors


@pytest.mark.slow
def test_hostile_text_stays_text(tmp_path: Path) -> None:
    criteria = "ignored == 0\nfailed <= $(touch owned)"
    runs = "$(touch owned)\n::error::owned `touch owned`"
    with Simulator(load_scenario("hostile"), speed=FINISHED) as api:
        judged = use(tmp_path / "1", api.url, {"verbose": True})
        criteria_refused = use(tmp_path / "2", api.url, {"warn": criteria})
        runs_refused = use(tmp_path / "3", api.url, {"runs": runs})
    # A multi-line value reaches the gate whole, and no shell.
    check_ending(judged, ExitCode.FAILED, "20 of 45")
    check_ending(criteria_refused, ExitCode.USAGE, "failed <= $(touch owned)")
    check_ending(runs_refused, ExitCode.USAGE, "$(touch")
    for one in (judged, criteria_refused, runs_refused):
        assert not [c for c in one.commands if c.data.startswith("owned")]
        assert all("\n" not in value for value in one.outputs.values())
    assert [c.name for c in judged.commands] == ["add-mask", *["error"] * 10]
    shown = MarkdownIt("commonmark").enable("table").render(judged.summary)
    assert "&lt;script" in shown
    assert "<script" not in shown
    assert not list(tmp_path.rglob("owned"))


@pytest.mark.slow
def test_the_workflows_env_holds_where_an_input_is_empty(tmp_path: Path) -> None:
    variables = {"TESTERY_API_TOKEN": CANARY, "TESTERY_GATE_MAX_FAILED": "3"}
    with Simulator(load_scenario("failing"), speed=FINISHED) as api:
        let_pass = use(tmp_path / "1", api.url, {"token": ""}, variables)
        stricter = use(tmp_path / "2", api.url, {"max-failed": 2}, variables)
    check_ending(let_pass, ExitCode.PASSED, "27 of 30")
    check_ending(stricter, ExitCode.FAILED, "failed <= 2")


@pytest.mark.slow
def test_the_token_given_wins_over_every_other(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("of-a-file")
    others = {
        "TESTERY_API_TOKEN": "of-the-env",
        "TESTERY_GATE_TOKEN": "of-the-env",
        "TESTERY_GATE_TOKEN_FILE": str(tmp_path / "token"),
    }
    with Simulator(load_scenario("documented")) as api:
        done = use(tmp_path, api.url, {}, others)
    check_ending(done, ExitCode.PASSED, "30 of 30")


@pytest.mark.slow
@pytest.mark.parametrize(
    "token", [{}, {"github-token": "${{ secrets.TOKEN }}"}, {"github-token": ""}]
)
def test_the_verdict_is_said_on_the_pull_request(tmp_path: Path, token: Mapping[str, str]) -> None:
    stand_in = GitHubStandIn()
    stand_in.is_app = True
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": 7, "head": {"sha": HEAD}}}))
    with serving(stand_in), Simulator(load_scenario("documented")) as api:
        variables = stand_in.environment() | {"GITHUB_EVENT_PATH": str(event)}
        with new_job(tmp_path / "job", **variables) as job:
            job.token = CANARY
            prepare(job)
            job.env["TESTERY_API_URL"] = api.url
            (done,) = job.run([step({"comment": "always", "commit-status": True, **token})])
    check_ending(done, ExitCode.PASSED, "30 of 30")
    said = [check["conclusion"] for check in stand_in.checks], len(stand_in.shown())
    assert said == ((["success"], 1) if token.get("github-token") != "" else ([], 0))


def test_nothing_of_the_callers_reaches_the_gate_or_is_touched(tmp_path: Path) -> None:
    # Modules of the caller that would take the place of the gate's.
    planted = tmp_path / "planted"
    planted.mkdir()
    for name in ("click.py", "requests.py", "sitecustomize.py", "testery_gate.py"):
        (planted / name).write_text("raise SystemExit('the module of the caller')\n")
    before = {path: path.stat().st_mtime_ns for path in ROOT.glob("action/**/*")}
    with Simulator(load_scenario("documented")) as api, new_job(tmp_path) as job:
        prepare(job)
        shutil.copytree(planted, job.workspace, dirs_exist_ok=True)
        job.env |= {
            "TESTERY_API_URL": api.url,
            "PYTHONPATH": str(planted),
            "PYTHONSTARTUP": str(planted / "click.py"),
            "TESTERY_GATE_CI": "none",
            "GATE_PYTHON": "false",
        }
        (done,) = job.run([step({})])
        left = sorted(path.name for path in job.workspace.iterdir())
        given, paths = job.given, job.paths
    check_ending(done, ExitCode.PASSED, "30 of 30")
    assert left == sorted(path.name for path in planted.iterdir())
    assert (given, paths) == ({}, [])
    assert {path: path.stat().st_mtime_ns for path in ROOT.glob("action/**/*")} == before


def path_without_python(folder: Path, *pythons: str) -> str:
    """A PATH with a shell and the named commands, which are Pythons that are too old."""
    folder.mkdir()
    for name in ("bash", "cat", "cp"):
        found = shutil.which(name)
        assert found
        (folder / name).symlink_to(found)
    for name in pythons:
        (folder / name).write_text("#!/bin/bash\nexit 1\n")
        (folder / name).chmod(0o755)
    return str(folder)


@pytest.mark.parametrize("pythons", [(), ("python3", "python")], ids=["none", "too old"])
@pytest.mark.parametrize("fail", [True, False])
def test_without_a_python_that_will_do_it_says_what_to_do(
    tmp_path: Path, pythons: tuple[str, ...], fail: bool
) -> None:
    path = path_without_python(tmp_path / "bin", *pythons)
    with new_job(tmp_path, PATH=path) as job:
        (done,) = job.run([step({"fail": fail})])
    check_ending(done, ExitCode.USAGE, "3.11")
    assert "setup-python" in done.outputs["reason"]
    assert done.code == (ExitCode.USAGE if fail else 0)


def test_a_python_without_venv_ends_it(tmp_path: Path) -> None:
    path = path_without_python(tmp_path / "bin")
    python = tmp_path / "bin" / "python"
    python.write_text('#!/bin/bash\n[[ "$*" != *venv* ]]\n')
    python.chmod(0o755)
    with new_job(tmp_path, PATH=path) as job:
        (done,) = job.run([step({})])
    check_ending(done, ExitCode.USAGE, "virtual environments")
    assert done.code == ExitCode.USAGE


def test_a_failure_that_nobody_thought_of_is_not_taken_for_failed_tests(tmp_path: Path) -> None:
    path = path_without_python(tmp_path / "bin")
    (tmp_path / "bin" / "cp").unlink()
    with new_job(tmp_path, PATH=path) as job:
        prepare(job)
        (job.temporary / "testery-gate" / "installed.txt").unlink()
        for python in (tmp_path / "bin" / "python3", job.temporary / "testery-gate/bin/python"):
            python.write_text("#!/bin/bash\n")
            python.chmod(0o755)
        (done,) = job.run([step({})])
    check_ending(done, ExitCode.INTERNAL, "could not be prepared")
    assert done.code == ExitCode.INTERNAL


# Scenario, what the workflow's env or secret says beside, exit code, counts.
BLOCK_ENDINGS = [
    pytest.param("passing", {}, ExitCode.PASSED, ("28", "0", "2", "30"), id="passing"),
    pytest.param("failing", {}, ExitCode.FAILED, ("27", "3", "0", "30"), id="failing"),
    pytest.param("canceled", {}, ExitCode.INCONCLUSIVE, ("10", "0", "0", "30"), id="canceled"),
    pytest.param(
        "stuck",
        {"TESTERY_GATE_TIMEOUT": "2s"},
        ExitCode.TIMED_OUT,
        ("12", "0", "0", "30"),
        id="timed out",
    ),
    pytest.param(
        "passing", {"secret": "wrong"}, ExitCode.UNAUTHORIZED, ("",) * 4, id="unauthorized"
    ),
]


@pytest.mark.quick(1)
@pytest.mark.parametrize(("scenario", "given", "code", "counts"), BLOCK_ENDINGS)
def test_the_block_in_the_readme_works_as_it_stands(
    tmp_path: Path,
    scenario: str,
    given: dict[str, str],
    code: ExitCode,
    counts: tuple[str, ...],
) -> None:
    env = dict(given)
    secret = env.pop("secret", CANARY)
    with Simulator(load_scenario(scenario), speed=FINISHED) as api, new_job(tmp_path) as job:
        prepare(job)
        job.secrets = {"TESTERY_API_TOKEN": secret}
        job.env |= {"TESTERY_API_URL": api.url} | env
        job.env |= {"GITHUB_EVENT_NAME": "workflow_dispatch", "GITHUB_SHA": COMMIT}
        steps = block(ROOT / "README.md", "## GitHub Actions")
        done, deploy = job.run([*steps, {"run": "echo deployed"}])
        report = job.workspace / "TEST-testery.xml"
        cases = JUnitXml.fromfile(str(report))
    check_ending(done, code, "")
    assert done.code == code
    assert deploy.outcome == ("success" if code is ExitCode.PASSED else "skipped")
    told = done.outputs
    assert tuple(told[name] for name in ("passed", "failed", "ignored", "total")) == counts
    assert told["junit-path"] == "TEST-testery.xml"
    assert secret not in done.shown
    assert (cases.failures + cases.errors > 0) == (code is not ExitCode.PASSED)
    # Where the reason is numbers, the headline has them in fewer words.
    reason = told["reason"].rstrip(".")
    numbers = re.match(r"\d+ of \d+ ", reason)
    said = numbers[0] if numbers else reason
    assert said in re.sub(r"[\\`]", "", done.summary), done.summary
    errors = [c for c in done.commands if c.name == "error"]
    assert len(errors) <= 10
