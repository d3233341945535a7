"""What TeamCity makes of it."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given

from testery_gate.ci import System
from testery_gate.ci.issues import RETRYABLE, gate_errors, warnings
from testery_gate.errors import ExitCode
from testery_gate.reports.ending import Ending, facts, overall
from tests.builders import judge, make_policy, make_run
from tests.ci.readers import Command, teamcity
from tests.ci.reporting import ENDINGS, any_ending, report


def messages(ending: Ending, name: str) -> list[Command]:
    found = teamcity(report(System.TEAMCITY, ending).output)
    return [message for message in found if message.name == name]


@given(any_ending)
def test_messages_arrive_as_they_were_meant(ending: Ending) -> None:
    problems = list(map(str, gate_errors(ending)))
    warned = list(map(str, warnings(ending)))
    if ending.exit_code in RETRYABLE:
        problems, warned = [], problems + warned
    assert [found["description"] for found in messages(ending, "buildProblem")] == problems
    found_warnings = messages(ending, "message")
    assert [found["text"] for found in found_warnings] == warned
    assert {found["status"] for found in found_warnings} <= {"WARNING"}
    (status,) = messages(ending, "buildStatus")
    assert status.properties == (
        ("text", f"{{build.status.text}}; Testery: {facts(ending)['reason']}"),
    )


@given(any_ending)
def test_nothing_stands_between_the_messages(ending: Ending) -> None:
    lines = report(System.TEAMCITY, ending).output.split("\n")
    assert lines.pop() == ""
    assert len(teamcity("\n".join(lines))) == len(lines)


@given(any_ending)
def test_an_identity_is_a_short_java_identifier(ending: Ending) -> None:
    for problem in messages(ending, "buildProblem"):
        assert re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,59}", problem["identity"])


def identities(*run_ids: int) -> list[str]:
    failed = [judge(make_policy(), make_run(failed=1, id=run_id)) for run_id in run_ids]
    return [problem["identity"] for problem in messages(overall(failed), "buildProblem")]


def test_problems_are_told_apart_and_known_again_in_the_next_build() -> None:
    one, other = identities(1, 2)
    assert one != other
    assert identities(3, 4) == [one, other]
    assert identities(5) == [one]


@pytest.mark.parametrize("code", sorted(RETRYABLE))
def test_what_may_be_tried_again_is_no_problem_for_good(code: ExitCode) -> None:
    ending = replace(ENDINGS["usage"], exit_code=code)
    assert not messages(ending, "buildProblem")
    assert messages(ending, "message")[0]["status"] == "WARNING"
