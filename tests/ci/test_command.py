"""The installed command as it runs in each system, against the real stand-in API."""

from __future__ import annotations

import json
import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from testery_gate.errors import ExitCode
from testery_gate.simulator import load_scenario
from tests.acceptance import command
from tests.canary import CANARY, FINISHED, Simulator
from tests.ci.readers import READERS, azure, github, gitlab, gitlab_dotenv, teamcity
from tests.ci.reporting import github_variables, outputs

SPEED = 50.0
SYSTEMS = {
    "github": {"GITHUB_ACTIONS": "true"},
    "gitlab": {"GITLAB_CI": "true"},
    "azure": {"TF_BUILD": "True"},
    "teamcity": {"TEAMCITY_VERSION": "2025.07"},
    "buildkite": {"BUILDKITE": "true"},
    "jenkins": {"JENKINS_URL": "https://ci.example/"},
    "none": {},
}


@pytest.fixture(scope="module")
def hostile() -> Iterator[str]:
    """The address of an API whose every text attacks whoever prints it."""
    with Simulator(load_scenario("hostile"), speed=FINISHED) as api:
        yield api.url


def log(*arguments: str, api_url: str, folder: Path, **variables: str) -> str:
    """Return what both streams wrote, in the order in which they did, carriage returns too."""
    done = command.run_as_in_a_log(
        *("wait", "55676", "--verbose", *arguments),
        cwd=folder,
        api_url=api_url,
        AGENT_TEMPDIRECTORY=str(folder),
        **variables,
    )
    assert done.code == ExitCode.FAILED, done.stdout
    return done.stdout


@pytest.mark.parametrize("system", SYSTEMS)
def test_no_foreign_command_is_obeyed(hostile: str, tmp_path: Path, system: str) -> None:
    variables = SYSTEMS[system] | github_variables(tmp_path)
    text = log(api_url=hostile, folder=tmp_path, **variables)
    assert "owned" in text
    obeyed = {name: [found.name for found in read(text)] for name, read in READERS.items()}
    meant = {
        "github": ["add-mask", *["error"] * 10],
        "azure": [*["task.logissue"] * 10, "task.uploadsummary", "task.complete"],
        "teamcity": ["buildProblem", "buildStatus"],
        "gitlab": ["start", "end"],
    }
    assert obeyed == {name: meant[name] if name == system else [] for name in READERS}
    for name, read in READERS.items():
        assert not [found for found in read(text) if found.data.startswith("owned")], name


@pytest.mark.quick(3)
@pytest.mark.parametrize("report", ["junit", "json", "dotenv", "markdown"])
@pytest.mark.parametrize("system", ["github", "azure"])
def test_a_report_on_standard_output_holds_no_command(
    hostile: str, tmp_path: Path, system: str, report: str
) -> None:
    done = command.run(
        *("wait", "55676", f"--report={report}=-"),
        cwd=tmp_path,
        api_url=hostile,
        **SYSTEMS[system],
        **github_variables(tmp_path),
        AGENT_TEMPDIRECTORY=str(tmp_path),
    )
    for name, read in READERS.items():
        assert not read(done.stdout), name
    # What is meant for the system goes where the summary goes.
    assert READERS[system](done.stderr)
    if report == "json":
        assert json.loads(done.stdout)["outcome"] == "failed"


def test_a_report_in_a_file_is_not_altered(hostile: str, tmp_path: Path) -> None:
    log("--report=junit=x.xml", api_url=hostile, folder=tmp_path)
    assert "##vso[task.complete result=Succeeded;]done" in (tmp_path / "x.xml").read_text()


def test_json_means_the_same_on_standard_output_and_in_a_file(hostile: str, tmp_path: Path) -> None:
    done = command.run(
        *("wait", "55676", "--output=json", "--report=json=x.json"), cwd=tmp_path, api_url=hostile
    )
    printed, kept = json.loads(done.stdout), json.loads((tmp_path / "x.json").read_text())
    # But for addresses that may be signed.
    assert [(run.pop("attachments") == []) for run in printed["runs"]] == [True]
    assert [(run.pop("attachments") == []) for run in kept["runs"]] == [False]
    assert printed == kept
    assert "##vso[task.setvariable variable=owned]1" in json.dumps(printed)


def test_the_token_is_masked_before_anything_else(hostile: str, tmp_path: Path) -> None:
    first = log(api_url=hostile, folder=tmp_path, **SYSTEMS["github"]).splitlines()[0]
    assert [(c.name, c.data) for c in github(first)] == [("add-mask", CANARY)]


@pytest.mark.quick(3)
@pytest.mark.parametrize("chosen", ["github", "azure", "teamcity", "gitlab"])
@pytest.mark.parametrize("system", [name for name in SYSTEMS if name != "github"])
def test_a_wrong_choice_shows_no_token_and_lets_no_command_through(
    hostile: str, tmp_path: Path, system: str, chosen: str
) -> None:
    variables = SYSTEMS[system] | github_variables(tmp_path)
    text = log(f"--ci={chosen}", api_url=hostile, folder=tmp_path, **variables)
    assert CANARY not in text
    for name, read in READERS.items():
        assert name == chosen or not read(text), name


@pytest.mark.parametrize(
    ("arguments", "variables"),
    [
        pytest.param(["--ci=none"], {}, id="flag"),
        pytest.param([], {"TESTERY_GATE_CI": "none"}, id="variable"),
    ],
)
def test_none_turns_it_off(
    hostile: str, tmp_path: Path, arguments: list[str], variables: dict[str, str]
) -> None:
    files = github_variables(tmp_path)
    variables = SYSTEMS["github"] | files | variables
    text = log(*arguments, api_url=hostile, folder=tmp_path, **variables)
    assert not github(text)
    assert CANARY not in text
    assert [Path(path).read_text() for path in files.values()] == ["", ""]


# Scenario, arguments, exit code, what the reason must say.
ENDINGS = [
    ("documented", "wait 55676", ExitCode.PASSED, "30 of 30 tests passed"),
    ("failing", "wait 55676", ExitCode.FAILED, "3 of 30 tests failed"),
    ("canceled", "wait 55676", ExitCode.INCONCLUSIVE, "canceled"),
    ("stuck", "wait 55676 --timeout 0", ExitCode.TIMED_OUT, "not finished"),
    ("stuck", "check 55676", ExitCode.TIMED_OUT, "not finished"),
    ("unavailable", "wait 55676 --timeout 0", ExitCode.UNAVAILABLE, "HTTP 503"),
    ("documented", "wait 55676 --token wrong", ExitCode.UNAUTHORIZED, "HTTP 401"),
    ("documented", "wait 1 --appear-within 0", ExitCode.NOT_FOUND, "HTTP 404"),
    ("documented", "wait 55676 --report json=/dev/full", ExitCode.REPORT_LOST, "not be written"),
    ("documented", "wait 55676 --max-failed lots", ExitCode.USAGE, "number or a percentage"),
    ("documented", "wait 55676 --no-such-option", ExitCode.USAGE, "no-such-option"),
    ("documented", "wait 55676 --ci circle", ExitCode.USAGE, "circle"),
    ("documented", "wait 55676 --junit-xml /dev/null/x", ExitCode.USAGE, "/dev/null/x"),
    ("documented", "check", ExitCode.USAGE, "no run is named"),
]


@pytest.mark.quick(5)
@pytest.mark.parametrize(
    ("scenario", "arguments", "code", "reason"),
    [pytest.param(*row, id=f"{row[0]} {row[1]}") for row in ENDINGS],
)
def test_the_outputs_are_set_however_it_ends(
    tmp_path: Path, scenario: str, arguments: str, code: ExitCode, reason: str
) -> None:
    variables = SYSTEMS["github"] | github_variables(tmp_path)
    with Simulator(load_scenario(scenario), speed=FINISHED) as api:
        done = command.run(*arguments.split(), cwd=tmp_path, api_url=api.url, **variables)
    assert done.code == code, done.output
    values = outputs(tmp_path)
    assert (values["outcome"], values["exit-code"]) == (code.outcome, str(code.value))
    assert reason in values["reason"]
    annotated = [found.data for found in github(done.output) if found.name == "error"]
    assert bool(annotated) is (code is not ExitCode.PASSED)


@pytest.mark.parametrize(
    ("number", "code"),
    [
        pytest.param(signal.SIGINT, ExitCode.INTERRUPTED, id="SIGINT"),
        pytest.param(signal.SIGTERM, ExitCode.TERMINATED, id="SIGTERM"),
    ],
)
def test_the_outputs_are_set_after_a_signal(
    tmp_path: Path, number: signal.Signals, code: ExitCode
) -> None:
    with Simulator(load_scenario("stuck"), speed=SPEED) as api:
        variables = SYSTEMS["github"] | github_variables(tmp_path)
        process = command.start(
            ["wait", "55676", "--junit-xml=t.xml"],
            cwd=tmp_path,
            env=command.environment(api.url, **variables),
        )
        assert process.stderr is not None
        while not process.stderr.readline().startswith("["):
            assert process.poll() is None
        process.send_signal(number)
        assert command.finish(process).code == code
    values = outputs(tmp_path)
    assert (values["outcome"], values["exit-code"]) == ("interrupted", str(code.value))
    assert number.name in values["reason"]
    assert values["junit-path"] == "t.xml"


def test_a_defect_is_told_too_and_shown_when_the_runner_debugs(tmp_path: Path) -> None:
    # A defect has to be made: this hook breaks a module of the gate in the child process.
    (tmp_path / "sitecustomize.py").write_text(
        "import testery_gate.runs.references as s\n"
        "def broken(text): raise RuntimeError('on purpose')\n"
        "s.parse_reference = broken\n"
    )
    variables = SYSTEMS["github"] | github_variables(tmp_path) | {"PYTHONPATH": str(tmp_path)}
    for debug in ("0", "1"):
        done = command.run("wait", "1", cwd=tmp_path, RUNNER_DEBUG=debug, **variables)
        assert done.code == ExitCode.INTERNAL
        assert outputs(tmp_path)["outcome"] == "internal_error"
        assert "on purpose" in outputs(tmp_path)["reason"]
        assert ("Traceback" in done.stderr) is (debug == "1")


@pytest.mark.slow
def test_the_runners_debugging_gives_every_look_a_line(tmp_path: Path) -> None:
    lines = {}
    for debug in ("0", "1"):
        variables = SYSTEMS["github"] | github_variables(tmp_path) | {"RUNNER_DEBUG": debug}
        with Simulator(load_scenario("stuck"), speed=FINISHED) as api:
            arguments = ("wait", "55676", "--interval=1s", "--timeout=2s")
            done = command.run(*arguments, cwd=tmp_path, api_url=api.url, **variables)
        assert done.code == ExitCode.TIMED_OUT
        lines[debug] = [line for line in done.stderr.splitlines() if "12/30 done" in line]
    assert len(lines["0"]) == 1
    assert len(lines["1"]) > 1


@pytest.mark.parametrize("path", ["/dev/full", "/dev/null/output", "."])
def test_outputs_that_can_not_be_written_change_no_exit_code(tmp_path: Path, path: str) -> None:
    with Simulator(load_scenario("documented"), speed=FINISHED) as api:
        done = command.run(
            *("wait", "55676"),
            cwd=tmp_path,
            api_url=api.url,
            **SYSTEMS["github"],
            GITHUB_OUTPUT=path,
            GITHUB_STEP_SUMMARY=path,
        )
    assert done.code == ExitCode.PASSED
    for variable in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"):
        assert f"testery-gate: warning: can't write to {variable} ({path})" in done.stderr


def test_a_defect_in_reporting_changes_no_exit_code(tmp_path: Path) -> None:
    # A defect has to be made: this hook breaks a module of the gate in the child process.
    (tmp_path / "sitecustomize.py").write_text(
        "import testery_gate.ci.github as g\n"
        "def broken(ending, effects): raise RuntimeError('on purpose')\n"
        "g.report = broken\n"
    )
    variables = SYSTEMS["github"] | github_variables(tmp_path) | {"PYTHONPATH": str(tmp_path)}
    with Simulator(load_scenario("documented"), speed=FINISHED) as api:
        for arguments, code in ((["55676"], ExitCode.PASSED), ([], ExitCode.USAGE)):
            for debug in ("0", "1"):
                done = command.run(
                    *("wait", *arguments),
                    cwd=tmp_path,
                    api_url=api.url,
                    RUNNER_DEBUG=debug,
                    **variables,
                )
                assert done.code == code
                assert "warning: could not report to the CI system: RuntimeError" in done.stderr
                assert ("Traceback" in done.stderr) is (debug == "1")


def test_several_runs_are_reported_as_one(tmp_path: Path) -> None:
    variables = SYSTEMS["github"] | github_variables(tmp_path)
    with Simulator(load_scenario("documented"), speed=FINISHED) as api:
        runs = ("55676", "1", "--appear-within=0")
        done = command.run("wait", *runs, cwd=tmp_path, api_url=api.url, **variables)
    assert done.code == ExitCode.NOT_FOUND
    values = outputs(tmp_path)
    assert (values["outcome"], values["run-id"], values["total"]) == ("not_found", "55676,1", "")
    assert values["reason"].startswith("run 1: ")


def test_gitlab_has_the_wait_in_a_section_and_takes_the_dotenv_report(
    hostile: str, tmp_path: Path
) -> None:
    report = "--report=dotenv=out/gate.env"
    text = log(report, api_url=hostile, folder=tmp_path, **SYSTEMS["gitlab"])
    start, end = gitlab(text)
    assert (start.name, end.name) == ("start", "end")
    assert start["name"] == end["name"]
    assert text.startswith("\x1b[0Ksection_start:")
    # The verdict stands outside, where it is seen when the section is closed.
    assert "FAILED" not in text.partition("section_end:")[0]
    values = gitlab_dotenv((tmp_path / "out" / "gate.env").read_bytes())
    assert (values["TESTERY_GATE_OUTCOME"], values["TESTERY_GATE_FAILED"]) == ("failed", "20")


def test_a_quiet_gate_opens_no_section(hostile: str, tmp_path: Path) -> None:
    text = log("--quiet", api_url=hostile, folder=tmp_path, **SYSTEMS["gitlab"])
    assert "section_" not in text


def test_buildkites_agent_is_run_if_it_is_there(tmp_path: Path) -> None:
    agent = tmp_path / "bin" / "buildkite-agent"
    agent.parent.mkdir()
    agent.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/arguments\ncat > {tmp_path}/body\n')
    agent.chmod(agent.stat().st_mode | stat.S_IXUSR)
    path = command.environment(None)["PATH"]
    with Simulator(load_scenario("failing"), speed=FINISHED) as api:
        for variables in ({"PATH": f"{agent.parent}:{path}"}, {}):
            done = command.run(
                "wait", "55676", cwd=tmp_path, api_url=api.url, **SYSTEMS["buildkite"], **variables
            )
            assert done.code == ExitCode.FAILED
            assert "warning" not in done.stderr
    assert (tmp_path / "arguments").read_text() == (
        "annotate --style error --context testery-gate\n"
    )
    assert "3 of 30 failed" in (tmp_path / "body").read_text(encoding="utf-8")


def test_azure_and_teamcity_get_the_verdict(tmp_path: Path) -> None:
    with Simulator(load_scenario("documented"), speed=FINISHED) as api:
        logs = {
            system: command.run(
                *("wait", "55676"),
                cwd=tmp_path,
                api_url=api.url,
                AGENT_TEMPDIRECTORY=str(tmp_path),
                **SYSTEMS[system],
            ).stdout
            for system in ("azure", "teamcity")
        }
    summary, complete = azure(logs["azure"])
    assert Path(summary.data).read_text(encoding="utf-8")
    assert (complete["result"], complete.data) == ("Succeeded", "30 of 30 tests passed, 0 failed")
    (status,) = teamcity(logs["teamcity"])
    assert status["text"] == "{build.status.text}; Testery: 30 of 30 tests passed, 0 failed"


def test_only_a_gate_is_reported(tmp_path: Path) -> None:
    files = github_variables(tmp_path)
    for arguments in (["explain", "--max-failed=lots"], ["simulate", "--no-such-option"], ["wat"]):
        done = command.run(*arguments, cwd=tmp_path, **SYSTEMS["github"], **files)
        assert done.code == ExitCode.USAGE
        assert not github(done.output)
    assert [Path(path).read_text() for path in files.values()] == ["", ""]
