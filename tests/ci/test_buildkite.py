"""What Buildkite's agent is run with."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

import pytest
from hypothesis import given

from testery_gate.ci import System
from testery_gate.errors import ExitCode
from testery_gate.reports import markdown
from testery_gate.reports.ending import Ending, overall
from tests.builders import judge, make_policy, make_run
from tests.ci.reporting import ENDINGS, any_ending, report


@pytest.mark.parametrize(
    ("ending", "style"),
    [
        pytest.param(overall([judge(make_policy(), make_run())]), "success", id="passed"),
        pytest.param(ENDINGS["passed"], "warning", id="passed with a warning"),
        pytest.param(ENDINGS["failed"], "error", id="failed"),
        pytest.param(ENDINGS["inconclusive"], "error", id="inconclusive"),
        pytest.param(ENDINGS["timed-out"], "warning", id="timed out"),
        pytest.param(ENDINGS["unreachable"], "warning", id="unreachable"),
        pytest.param(ENDINGS["report-lost"], "error", id="report lost"),
    ],
)
def test_the_build_is_annotated(ending: Ending, style: str) -> None:
    reported = report(System.BUILDKITE, ending)
    ((arguments, text),) = reported.ran
    assert arguments == [
        *("buildkite-agent", "annotate", "--style", style, "--context", "testery-gate")
    ]
    assert text == markdown.render(ending.runs)
    assert reported.output == ""


def test_another_step_has_another_annotation() -> None:
    ((arguments, _),) = report(
        System.BUILDKITE, ENDINGS["passed"], {"BUILDKITE_STEP_ID": "0192-ab"}
    ).ran
    assert arguments[-1] == "testery-gate-0192-ab"


def test_without_a_verdict_there_is_nothing_to_annotate() -> None:
    assert report(System.BUILDKITE, ENDINGS["usage"]).ran == []
    assert ENDINGS["usage"].exit_code is ExitCode.USAGE


@given(any_ending)
def test_an_annotation_is_never_larger_than_buildkite_takes(ending: Ending) -> None:
    for _, text in report(System.BUILDKITE, ending).ran:
        assert len(text.encode()) <= 1024 * 1024


@pytest.mark.parametrize(
    ("error", "warnings"),
    [
        pytest.param(FileNotFoundError("buildkite-agent"), [], id="no agent on PATH"),
        pytest.param(
            PermissionError(13, "Permission denied"),
            ["can't annotate the build: [Errno 13] Permission denied"],
            id="an agent that may not be run",
        ),
        pytest.param(
            subprocess.TimeoutExpired("buildkite-agent", 30),
            ["can't annotate the build: Command 'buildkite-agent' timed out after 30 seconds"],
            id="an agent that hangs",
        ),
    ],
)
def test_an_agent_that_fails_is_warned_of(error: Exception, warnings: list[str]) -> None:
    def run(_arguments: Sequence[str], _text: str) -> None:
        raise error

    assert report(System.BUILDKITE, ENDINGS["passed"], run=run).warnings == warnings
