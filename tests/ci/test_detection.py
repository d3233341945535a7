"""Which CI system it is, and what is asked of all of them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping

import pytest

from testery_gate import ci
from testery_gate.ci import CHOICES, System, chosen, detect, run_program, wants_debug


@pytest.mark.parametrize(
    ("environment", "system"),
    [
        pytest.param({"GITHUB_ACTIONS": "true"}, System.GITHUB, id="GitHub"),
        pytest.param({"GITLAB_CI": "true"}, System.GITLAB, id="GitLab"),
        pytest.param({"TF_BUILD": "True"}, System.AZURE, id="Azure"),
        pytest.param({"TEAMCITY_VERSION": "2025.07"}, System.TEAMCITY, id="TeamCity"),
        pytest.param({"BUILDKITE": "true"}, System.BUILDKITE, id="Buildkite"),
        pytest.param({"JENKINS_URL": "https://ci.example/"}, System.JENKINS, id="Jenkins"),
        pytest.param({}, None, id="none"),
        pytest.param({"CI": "true", "CIRCLECI": "true"}, None, id="one that is not known"),
        pytest.param({"GITHUB_ACTIONS": "false"}, None, id="false"),
        pytest.param({"TF_BUILD": "", "JENKINS_URL": ""}, None, id="empty"),
        pytest.param(
            {"JENKINS_URL": "https://ci.example/", "GITHUB_ACTIONS": "true"},
            System.GITHUB,
            id="the one whose word is plain",
        ),
    ],
)
def test_a_system_is_known_by_its_variable(
    environment: Mapping[str, str], system: System | None
) -> None:
    assert detect(environment) is system
    assert chosen("auto", environment) is system
    assert chosen("none", environment) is None


def test_a_system_can_be_forced() -> None:
    assert [chosen(choice, {"GITHUB_ACTIONS": "true"}) for choice in CHOICES] == [
        System.GITHUB,
        None,
        *System,
    ]


def test_only_github_has_a_switch_for_debugging() -> None:
    assert wants_debug(System.GITHUB, {"RUNNER_DEBUG": "1"})
    assert not wants_debug(System.GITHUB, {"RUNNER_DEBUG": "0"})
    assert not wants_debug(System.GITLAB, {"RUNNER_DEBUG": "1"})
    assert not wants_debug(None, {"RUNNER_DEBUG": "1"})


@pytest.mark.parametrize("system", [None, *System])
def test_only_github_is_told_the_token(system: System | None) -> None:
    printed: list[str] = []
    for environment in ({}, {"GITLAB_CI": "true"}, {"GITHUB_ACTIONS": "false"}):
        ci.mask(system, "se%cret", printed.append, environment)
    assert not printed
    ci.mask(system, "se%cret", printed.append, {"GITHUB_ACTIONS": "true"})
    assert printed == (["::add-mask::se%25cret\n"] if system is System.GITHUB else [])


def test_a_program_gets_its_input_and_its_failure_is_raised() -> None:
    script = "import os, sys; sys.exit(sys.stdin.read() != os.environ['WORD'])"
    run_program([sys.executable, "-Xutf8", "-c", script], "é", environment={"WORD": "é"})
    with pytest.raises(subprocess.CalledProcessError):
        run_program([sys.executable, "-Xutf8", "-c", script], "e", environment={"WORD": "é"})
    with pytest.raises(FileNotFoundError):
        run_program(["there-is-no-such-program"], "", environment={})
