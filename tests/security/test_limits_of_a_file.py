"""What a configuration file may say beside flags and variables, by each combination of them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from junitparser import JUnitXml

from testery_gate.cli.config_file import InFile
from testery_gate.cli.options import SETTINGS
from testery_gate.errors import ExitCode
from testery_gate.simulator import load_scenario
from tests.acceptance import command
from tests.canary import FINISHED, Simulator
from tests.ci.reporting import github_variables, outputs


def write(folder: Path, settings: str) -> None:
    (folder / "testery-gate.toml").write_text(settings + "\n")


def test_what_a_file_may_do_with_each_setting_is_a_decision() -> None:
    """A new setting is for trusted files only, unless its entry here says that it may be more."""
    found: dict[InFile, set[str]] = {use: set() for use in InFile}
    for setting in SETTINGS:
        found[setting.in_file].add(setting.option_name)
    assert found == {
        InFile.HARMLESS: {
            *("appear-within", "timeout", "interval", "outage-tolerance", "fail-fast"),
            *("junit-scope", "junit-tolerated", "markdown-limit", "html-limit"),
            *("no-test-results", "failures", "output", "quiet", "verbose", "limit", "step-timeout"),
        },
        InFile.SELECTS: {
            *("git-ref", "build-key", "environment", "project-id", "name", "include-tag"),
            *("status", "latest", "each", "all", "deploy-id", "lookback", "no-follow"),
        },
        InFile.CRITERION: {
            *("require", "warn", "max-failed", "min-passed", "min-pass-rate", "max-ignored"),
            *("min-total", "min-coverage", "max-duration", "expect", "max-age", "min-runs"),
        },
        InFile.LOOSENS: {"trust-status", "only-new", "history"},
        InFile.WRITES: {"junit-xml", "report"},
        InFile.JUDGES: {
            *("baseline", "baseline-ref", "no-baseline"),
            *("quarantine", "quarantine-ref", "quarantine-days"),
        },
        InFile.TRUSTED: {
            *("api-url", "token-file", "profile", "ci", "cache"),
            *("comment", "comment-key", "commit-status", "status-context"),
            *("code-host", "code-host-token-file"),
            # What is started, and canceled, in an account that others use as well.
            *("project", "branch", "test-suite", "include-tags", "exclude-tags", "variable"),
            *("no-vcs-status", "cancel-on-interrupt", "cancel-when-decided"),
        },
        InFile.NEVER: {"config", "no-config", "trust-config", "debug", "token"},
    }


ALLOWED = [
    pytest.param("max-failed = '100%'", "55676", {}, id="criteria for a run that is named"),
    pytest.param("trust-status = true", "55676", {}, id="a trusted status for one"),
    pytest.param("git-ref = 'main'\nmax-failed = 3", "", {}, id="all of it"),
    pytest.param("git-ref = 'main'\nname = 'x'", "--max-failed=0", {}, id="runs for criteria"),
    pytest.param("min-total = 9", "--latest", {}, id="more criteria for runs"),
    pytest.param("min-total = 9", "1 --max-failed=0", {}, id="more criteria"),
    pytest.param("min-pass-rate = 99", "1 --max-failed=1", {}, id="more on failures"),
    pytest.param("max-failed = 9", "1 --max-failed=0", {}, id="the same, which does not count"),
    pytest.param("warn = 'failed <= 9'", "--latest", {}, id="a warning"),
    pytest.param("max-age = '1h'\nexpect = 'name=x'", "--latest", {}, id="expectations"),
    pytest.param("timeout = '1h'\nfail-fast = true", "--latest --max-failed=0", {}, id="waiting"),
    pytest.param("name = ''\nlatest = false\nstatus = ' '", "--git-ref=main", {}, id="nothing"),
    pytest.param("max-failed = 9", "--latest --trust-config", {}, id="a trusted file"),
    pytest.param("name = 'x'", "--latest", {"TESTERY_GATE_TRUST_CONFIG": "1"}, id="trusted too"),
    pytest.param("name = 'x'", "", {"TESTERY_GATE_LATEST": "false"}, id="a variable of no"),
]
REFUSED = [
    *(
        pytest.param(line, "--git-ref=main", {}, id=f"{line} beside a description")
        for line in (
            *("name = 'x'", "status = 'PASS'", "environment = 'x'", "build-key = '1'"),
            *("project-id = 1", "include-tag = 'x'", "latest = true", "each = 'name'"),
            *("all = true", "deploy-id = 1", "lookback = '1h'", "no-follow = true"),
            *("max-failed = '100%'", "min-passed = 0", "min-pass-rate = 1", "trust-status = true"),
            *("require = 'failed <= 9'", "require = 'not_run >= 0'", "require = 'executed >= 0'"),
            "require = ['total >= 1', 'fail_rate <= 99%']",
        )
    ),
    pytest.param("max-failed = 9", "1 --min-total=1", {}, id="max-failed beside a criterion"),
    pytest.param("max-failed = 9", "1 --warn=failed<=0", {}, id="beside a warning"),
    pytest.param("max-failed = 9", "1 --max-age=1h", {}, id="beside an age"),
    pytest.param("trust-status = true", "1 --max-failed=0", {}, id="trust beside a criterion"),
    pytest.param("max-failed = 9", "1", {"TESTERY_GATE_MIN_TOTAL": "1"}, id="beside a variable"),
    pytest.param("status = 'PASS'", "", {"TESTERY_GATE_GIT_REF": "x"}, id="status and a variable"),
]


@pytest.mark.quick(5)
@pytest.mark.parametrize(("settings", "arguments", "variables"), ALLOWED)
def test_what_takes_nothing_away_is_taken(
    tmp_path: Path, settings: str, arguments: str, variables: Mapping[str, str]
) -> None:
    write(tmp_path, settings)
    done = command.run("explain", *arguments.split(), cwd=tmp_path, **variables)
    assert done.code == ExitCode.PASSED, done.output


@pytest.mark.quick(5)
@pytest.mark.parametrize(("settings", "arguments", "variables"), REFUSED)
def test_what_takes_away_is_refused_with_both_named(
    tmp_path: Path, settings: str, arguments: str, variables: Mapping[str, str]
) -> None:
    write(tmp_path, settings)
    done = command.run("explain", *arguments.split(), cwd=tmp_path, **variables)
    assert done.code == ExitCode.USAGE, done.output
    said = " ".join(done.stderr.split())
    assert f"testery-gate.toml, line 1 sets {settings.split()[0]}, which" in said
    beside = said.partition(" beside ")[2]
    assert any(name in beside for name in ("--git-ref", "--min-total", "--warn", "--max-")), said
    assert "--no-config" in said


@pytest.mark.parametrize("line", ["wait --latest", "check --latest", "list --latest"])
def test_every_command_holds_to_it(tmp_path: Path, line: str) -> None:
    write(tmp_path, "status = 'PASS'")
    done = command.run(*line.split(), cwd=tmp_path, api_url="http://127.0.0.1:1/api")
    assert done.code == ExitCode.USAGE
    assert "sets status, which says which run is meant, beside --latest" in done.stderr


def test_what_a_file_asked_for_is_named_wherever_checks_are_shown(tmp_path: Path) -> None:
    write(tmp_path, "max-failed = '100%'\nwarn = 'total >= 99'\nname = '*'\nmax-age = '9999d'")
    variables = {"GITHUB_ACTIONS": "true"} | github_variables(tmp_path)
    names = {"json": "a.json", "junit": "a.xml", "markdown": "a.md", "html": "a.html"}
    reports = [f"--report={name}={path}" for name, path in names.items()]
    with Simulator(load_scenario("failing"), speed=FINISHED) as api:
        done = command.run(
            *("wait", *reports, "--report=dotenv=a.env"),
            cwd=tmp_path,
            api_url=api.url,
            **variables,
        )
    assert done.code == ExitCode.PASSED, done.output
    told = "fail_rate <= 100% (from testery-gate.toml)"
    report = json.loads((tmp_path / "a.json").read_text())["runs"][0]
    checks = {check["name"]: check["origin"] for check in report["checks"]}
    assert checks[told] == "testery-gate.toml"
    assert checks["age (from testery-gate.toml)"] == "testery-gate.toml"
    assert checks["total >= 99 (from testery-gate.toml)"] == "testery-gate.toml"
    assert checks["total >= 1"] is None
    assert "testery-gate.toml says which run is meant: name" in report["notes"]
    cases = [case.name for suite in JUnitXml.fromfile(str(tmp_path / "a.xml")) for case in suite]
    assert told in cases
    for path in (tmp_path / "a.md", tmp_path / "a.html", Path(variables["GITHUB_STEP_SUMMARY"])):
        text = re.sub("<wbr ?/?>|[`\u200b]", "", path.read_text())
        assert "(from testery-gate.toml)" in text, path
    assert "(by what testery-gate.toml asks for)" in outputs(tmp_path)["reason"]
    assert "testery-gate.toml" in (tmp_path / "a.env").read_text()
    assert "(by what testery-gate.toml asks for)" in done.stdout
    annotated = [line for line in done.output.splitlines() if line.startswith("::warning")]
    assert any("(from testery-gate.toml)" in line for line in annotated)


@pytest.mark.parametrize(
    ("scenario", "settings", "told"),
    [
        pytest.param("flaky", "trust-status = true", "trusted status (from", id="a status"),
        pytest.param("documented", "expect = 'name=x'", "(from testery-gate.toml)", id="a build"),
    ],
)
def test_what_stands_in_for_a_check_is_shown(
    tmp_path: Path, scenario: str, settings: str, told: str
) -> None:
    write(tmp_path, settings)
    with Simulator(load_scenario(scenario), speed=FINISHED) as api:
        done = command.run("wait", "55676", "--output=json", cwd=tmp_path, api_url=api.url)
    names = [check["name"] for check in json.loads(done.stdout)["runs"][0]["checks"]]
    assert any(told in name for name in names), names


def test_a_run_decided_early_names_the_file_too(tmp_path: Path) -> None:
    write(tmp_path, "max-failed = 0\nfail-fast = true")
    with Simulator(load_scenario("failing"), speed=FINISHED) as api:
        done = command.run("wait", "55676", cwd=tmp_path, api_url=api.url)
    assert done.code == ExitCode.FAILED, done.output
    assert "(from testery-gate.toml)" in done.stdout


@pytest.mark.parametrize("value", ["github", "none", "azure"])
def test_a_file_can_not_say_which_ci_system_it_is(tmp_path: Path, value: str) -> None:
    write(tmp_path, f'ci = "{value}"')
    done = command.run("wait", "55676", cwd=tmp_path, GITLAB_CI="true")
    assert done.code == ExitCode.USAGE
    assert (
        "sets ci, which decides which commands the CI system gets; a file must not set it"
        in done.stderr
    )
