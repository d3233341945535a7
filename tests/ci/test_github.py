"""What GitHub's runner makes of it."""

from __future__ import annotations

from itertools import chain, repeat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testery_gate.ci import System
from testery_gate.ci.github import SUMMARY_LIMIT, mask, outputs
from testery_gate.ci.issues import errors, warnings
from testery_gate.judging import criteria
from testery_gate.reports import markdown
from testery_gate.reports.ending import Ending, facts
from tests.ci import reporting
from tests.ci.readers import github, github_file
from tests.ci.reporting import ENDINGS, any_ending, report
from tests.reports.examples import any_text

NAMES = [
    *("outcome", "exit-code", "passed", "failed", "ignored", "total", "pass-rate"),
    *("new-failed", "known-failed", "flaky-failed", "quarantined-failed"),
    *("fixed", "missing", "added"),
    *("run-id", "run-url", "reason", "junit-path", "json-path"),
]
OF_TESTS = {metric.value for metric in criteria.OF_TESTS}
any_lines = st.lists(any_text | st.sampled_from(["\n", "\r\n", "%0A", "%25", "::"])).map("".join)


@given(any_lines)
def test_a_secret_is_masked_as_it_is(secret: str) -> None:
    (command,) = github(mask(secret).removesuffix("\n"))
    assert (command.name, command.properties, command.data) == ("add-mask", (), secret)


@given(any_ending)
def test_annotations_arrive_as_they_were_meant(ending: Ending) -> None:
    issues = (*errors(ending), *warnings(ending))
    commands = github(report(System.GITHUB, ending).output)
    assert [(command.name, command.data) for command in commands] == [
        (issue.severity.value, issue.message) for issue in issues
    ]
    for command, issue in zip(commands, issues, strict=True):
        properties = {"file": issue.file, "title": issue.title}
        # The runner drops equals signs at the start of a value.
        meant = {name: value.lstrip("=") for name, value in properties.items()}
        assert dict(command.properties) == {name: value for name, value in meant.items() if value}


@given(any_ending)
def test_a_message_stays_below_what_github_cuts(ending: Ending) -> None:
    for command in github(report(System.GITHUB, ending).output):
        assert len(command.data) < 4096


@given(st.dictionaries(st.from_regex(r"[a-z-]+", fullmatch=True), any_lines))
def test_outputs_arrive_as_they_were_meant(values: dict[str, str]) -> None:
    assert github_file(outputs(values, lambda: "c0ffee")) == values


def test_a_delimiter_that_occurs_in_a_value_is_not_taken() -> None:
    words = chain(repeat("guessed", 2), ["other"])
    text = outputs({"reason": "x\ntesterY\ntestery_gate_guessed\noutcome=passed"}, words.__next__)
    assert "testery_gate_other" in text
    assert github_file(text) == {"reason": "x\ntesterY\ntestery_gate_guessed\noutcome=passed"}


@pytest.mark.parametrize("name", ENDINGS)
def test_every_ending_sets_every_output(tmp_path: Path, name: str) -> None:
    ending = ENDINGS[name]
    reported = report(System.GITHUB, ending, reporting.github_variables(tmp_path))
    values = reporting.outputs(tmp_path)
    asked_for = any(judged.evidence is not None for judged in ending.runs)
    assert list(values) == [
        name for name in NAMES if asked_for or name.replace("-", "_") not in OF_TESTS
    ]
    assert values["outcome"] == ending.exit_code.outcome
    assert values["exit-code"] == str(ending.exit_code.value)
    assert values.items() >= facts(ending).items()
    assert values["reason"]
    assert reported.warnings == []
    summary = (tmp_path / "summary").read_text(encoding="utf-8")
    assert summary == (markdown.render(ending.runs) if ending.runs else "")


def test_the_outputs_say_where_the_reports_are(tmp_path: Path) -> None:
    report(System.GITHUB, ENDINGS["report-lost"], reporting.github_variables(tmp_path))
    values = reporting.outputs(tmp_path)
    assert (values["junit-path"], values["json-path"]) == ("out/TEST-testery.xml", "")


@pytest.mark.parametrize(
    ("before", "kept"),
    [
        pytest.param("a=b\n", "a=b\n", id="a whole line"),
        pytest.param("a=b", "a=b\n", id="a line without an end"),
    ],
)
def test_what_was_written_before_is_kept(tmp_path: Path, before: str, kept: str) -> None:
    variables = reporting.github_variables(tmp_path)
    for path in variables.values():
        Path(path).write_text(before)
    report(System.GITHUB, ENDINGS["passed"], variables)
    assert reporting.outputs(tmp_path).items() >= {"a": "b", "outcome": "passed"}.items()
    # An empty line keeps the two apart, whatever the first ends with.
    assert (tmp_path / "summary").read_text(encoding="utf-8").startswith(f"{kept}\n")


@pytest.mark.parametrize(
    ("room", "warnings"),
    [
        pytest.param(1_500, [], id="room for some of it"),
        pytest.param(20, ["GITHUB_STEP_SUMMARY is full, so nothing was added to it"], id="no room"),
        pytest.param(
            -20, ["GITHUB_STEP_SUMMARY is full, so nothing was added to it"], id="less than none"
        ),
    ],
)
def test_a_summary_is_never_larger_than_github_takes(
    tmp_path: Path, room: int, warnings: list[str]
) -> None:
    variables = reporting.github_variables(tmp_path)
    summary = tmp_path / "summary"
    before = SUMMARY_LIMIT - room
    summary.write_text("x" * (before - 1) + "\n")
    ending = ENDINGS["many-runs"]
    assert len(markdown.render(ending.runs).encode()) > room
    reported = report(System.GITHUB, ending, variables)
    assert reported.warnings == warnings
    if warnings:
        assert summary.stat().st_size == before
    else:
        assert before + 100 < summary.stat().st_size <= SUMMARY_LIMIT
    assert reporting.outputs(tmp_path)["outcome"] == "failed"


def test_what_can_not_be_written_is_warned_of() -> None:
    reported = report(
        System.GITHUB,
        ENDINGS["passed"],
        {"GITHUB_OUTPUT": "/dev/null/output", "GITHUB_STEP_SUMMARY": ""},
    )
    assert reported.warnings == [
        "can't write to GITHUB_OUTPUT (/dev/null/output): Not a directory",
        "GITHUB_STEP_SUMMARY is not set, so nothing was written for GitHub",
    ]


def test_a_path_that_is_no_text_is_still_written(tmp_path: Path) -> None:
    variables = reporting.github_variables(tmp_path)
    ending = Ending(
        exit_code=ENDINGS["usage"].exit_code, reason="x", paths={"junit": "a\udcff.xml"}
    )
    report(System.GITHUB, ending, variables)
    assert reporting.outputs(tmp_path)["junit-path"] == "a?.xml"
