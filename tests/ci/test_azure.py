"""What Azure's agent makes of it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given

from testery_gate.ci import System
from testery_gate.ci.issues import errors, warnings
from testery_gate.errors import ExitCode
from testery_gate.reports import markdown
from testery_gate.reports.ending import Ending, facts, overall
from tests.builders import judge, make_policy, make_run
from tests.ci.readers import azure
from tests.ci.reporting import ENDINGS, any_ending, report


@given(any_ending)
def test_issues_arrive_as_they_were_meant(ending: Ending) -> None:
    issues = (*errors(ending), *warnings(ending))
    with TemporaryDirectory() as folder:
        commands = azure(report(System.AZURE, ending, {"AGENT_TEMPDIRECTORY": folder}).output)
    assert [
        (command["type"], command.data) for command in commands if command.name == "task.logissue"
    ] == [(issue.severity.value, str(issue)) for issue in issues]
    for command in commands:
        if command.name == "task.complete":
            assert command.data == facts(ending)["reason"]


@pytest.mark.parametrize(
    ("code", "result"),
    [
        pytest.param(ExitCode.FAILED, ["Failed"], id="failed"),
        pytest.param(ExitCode.USAGE, ["Failed"], id="usage"),
        pytest.param(ExitCode.UNAUTHORIZED, ["Failed"], id="unauthorized"),
        pytest.param(ExitCode.INCONCLUSIVE, ["Failed"], id="inconclusive"),
        pytest.param(ExitCode.REPORT_LOST, ["Failed"], id="report lost"),
        # The agent keeps the worst result that it gets, so a later try could not pass.
        pytest.param(ExitCode.UNAVAILABLE, [], id="unavailable: the exit code says it"),
        pytest.param(ExitCode.TIMED_OUT, [], id="timed out: the exit code says it"),
        pytest.param(ExitCode.TERMINATED, [], id="stopped: the exit code says it"),
    ],
)
def test_the_result_is_told_where_it_is_final(code: ExitCode, result: list[str]) -> None:
    assert results(Ending(exit_code=code, reason="why")) == result


@pytest.mark.parametrize(
    ("warn", "result"),
    [
        pytest.param([], "Succeeded", id="nothing wrong"),
        pytest.param(["ignored == 0"], "Succeeded", id="a warning that holds"),
        pytest.param(["total >= 99"], "SucceededWithIssues", id="a warning"),
    ],
)
def test_a_gate_that_passed_says_whether_it_warned(
    tmp_path: Path, warn: list[str], result: str
) -> None:
    ending = overall([judge(make_policy(warn=warn), make_run())])
    assert results(ending, {"AGENT_TEMPDIRECTORY": str(tmp_path)}) == [result]


def results(ending: Ending, environment: Mapping[str, str] | None = None) -> list[str]:
    commands = azure(report(System.AZURE, ending, environment).output)
    return [command["result"] for command in commands if command.name == "task.complete"]


def test_the_summary_is_a_file_that_the_agent_can_find(tmp_path: Path) -> None:
    folder = tmp_path / "50% ;]"
    folder.mkdir()
    reported = report(
        System.AZURE, ENDINGS["failed"], {"AGENT_TEMPDIRECTORY": os.path.relpath(folder)}
    )
    (path,) = (Path(c.data) for c in azure(reported.output) if c.name == "task.uploadsummary")
    assert path.is_absolute()
    assert path.samefile(folder / "testery-gate-c0ffee.md")
    assert path.read_text(encoding="utf-8") == markdown.render(ENDINGS["failed"].runs)


def test_without_the_agents_folder_the_systems_is_taken() -> None:
    reported = report(System.AZURE, ENDINGS["passed"])
    (path,) = (Path(c.data) for c in azure(reported.output) if c.name == "task.uploadsummary")
    assert path.exists()
    path.unlink()


def test_a_summary_that_can_not_be_written_is_warned_of() -> None:
    reported = report(System.AZURE, ENDINGS["passed"], {"AGENT_TEMPDIRECTORY": "/dev/null"})
    assert reported.warnings == [
        "can't write the summary for Azure to /dev/null/testery-gate-c0ffee.md: Not a directory"
    ]
    assert [command.name for command in azure(reported.output)][-1] == "task.complete"


def test_without_a_verdict_there_is_no_summary() -> None:
    reported = report(System.AZURE, ENDINGS["usage"], {"AGENT_TEMPDIRECTORY": "/dev/null"})
    assert [command.name for command in azure(reported.output)] == [
        "task.logissue",
        "task.complete",
    ]
    assert reported.warnings == []
