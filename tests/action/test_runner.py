"""The stand-in for GitHub's runner does what GitHub documents."""

from __future__ import annotations

import os
import select
from pathlib import Path

import pytest

from tests.action.expressions import ExpressionError, condition, evaluate, template
from tests.action.runner import SUMMARY_LIMIT, Job

CONTEXTS = {
    "inputs": {"a": "x", "empty": "", "with-dash": "y"},
    "success": lambda: False,
    "always": lambda: True,
}


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("inputs.with-dash", "y"),
        ("inputs.empty || 'other'", "other"),
        ("inputs.a && inputs.empty || 'it''s'", "it's"),
        ("inputs.a == 'X'", True),
        ("inputs.a != 'x'", False),
        ("!(inputs.a == 'z') && !inputs.empty", True),
        ("true", True),
    ],
)
def test_expressions_have_values(expression: str, value: object) -> None:
    assert evaluate(expression, CONTEXTS) == value


@pytest.mark.parametrize("expression", ["inputs.b", "nothing", "inputs.a 'x'", "#", "", "always"])
def test_what_is_no_expression_is_refused(expression: str) -> None:
    with pytest.raises(ExpressionError):
        evaluate(expression, CONTEXTS)


def test_a_condition_holds_only_after_success_unless_it_says_otherwise() -> None:
    assert not condition("inputs.a == 'x'", CONTEXTS)
    assert condition("${{ always() && inputs.a == 'x' }}", CONTEXTS)


def test_a_text_is_filled_in() -> None:
    assert template("<${{ inputs.a }}${{inputs.empty}}${{ true }}>", CONTEXTS) == "<xtrue>"


def new_job(folder: Path) -> Job:
    return Job(folder=folder, machine={"PATH": "/usr/bin:/bin"}, actions=lambda _: None)


def test_steps_hand_on_what_they_write_into_files(tmp_path: Path) -> None:
    with new_job(tmp_path) as job:
        first, second, third, last = job.run(
            [
                {
                    "id": "first",
                    "run": 'printf "a<<E\\n1\\n2\\nE\\nb=3\\n" >>"$GITHUB_OUTPUT"\n'
                    'echo "C=4" >>"$GITHUB_ENV"; echo /five >>"$GITHUB_PATH"',
                },
                {
                    "env": {"A": "${{ steps.first.outputs.a }}"},
                    "run": 'echo "$A $C ${PATH%%:*}"; echo "::add-mask::4"; echo 4; false | true',
                },
                {"shell": "bash", "run": 'echo sum >>"$GITHUB_STEP_SUMMARY"; false | true'},
                {"run": "echo never"},
            ]
        )
    assert first.outputs == {"a": "1\n2", "b": "3"}
    assert second.log.startswith("1\n2 4 /five\n")
    assert second.shown.endswith("::add-mask::***\n***\n")
    assert second.outcome == "success"
    assert (third.code, third.outcome, third.summary) == (1, "failure", "sum\n")
    assert last.outcome == "skipped"


def test_a_failure_can_be_let_pass(tmp_path: Path) -> None:
    with new_job(tmp_path) as job:
        first, second = job.run(
            [{"id": "first", "run": "exit 3", "continue-on-error": True}, {"run": "true"}]
        )
    assert (first.outcome, first.conclusion, second.outcome) == ("failure", "success", "success")


def test_too_large_a_summary_and_too_many_annotations_are_dropped(tmp_path: Path) -> None:
    with new_job(tmp_path) as job:
        large, many = job.run(
            [
                {"run": f'head -c {SUMMARY_LIMIT + 1} /dev/zero >>"$GITHUB_STEP_SUMMARY"'},
                {"run": "for i in 1 2 3 4 5 6 7 8 9 10 11; do echo ::error::$i; done"},
            ]
        )
    assert large.summary == ""
    assert [command.data for command in many.annotations] == [str(i) for i in range(1, 11)]


def test_what_a_job_leaves_running_ends_with_it(tmp_path: Path) -> None:
    # A pipe is at its end once nobody holds it open for writing.
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    try:
        with new_job(tmp_path) as job:
            job.run([{"run": "exec 3>../pipe; sleep 600 &"}])
            assert select.select([reader], [], [], 0)[0] == []
        assert select.select([reader], [], [], 30)[0] == [reader]
    finally:
        os.close(reader)
