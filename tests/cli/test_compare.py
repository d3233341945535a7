from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from testery_gate.cli.compare import Compared, as_json, look, parts
from testery_gate.cli.table import parts_as_markdown, parts_as_text
from testery_gate.errors import NotFound, Unauthorized, Unavailable
from testery_gate.evidence.baseline import doubts
from testery_gate.evidence.comparison import compare
from testery_gate.model import TestResult, TestRun
from testery_gate.runs.references import RunReference
from testery_gate.text import clean_text
from tests.builders import NOW, make_result, make_run, with_unknown
from tests.reports.examples import ATTACKS, any_results, any_run
from tests.reports.test_markdown import assert_inert, github, markup, without_html


@dataclass
class Runs:
    """An API that has any run, and some results or a fault."""

    answer: Sequence[TestResult] | Exception

    def run(self, run_id: int, /) -> TestRun:
        return make_run(id=run_id)

    def results(self, _: int, /) -> Sequence[TestResult]:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.mark.parametrize(
    "fault", [NotFound("not offered"), Unauthorized("not yours", token_rejected=False)]
)
def test_results_that_are_refused_leave_the_counts(fault: Exception) -> None:
    found = look(Runs(fault), RunReference(run_id=1), 2)
    assert (found.old.id, found.new.id, found.tests) == (1, 2, None)
    assert found.unknown == f"the test results of run 1 can't be read: {fault}"


@pytest.mark.parametrize("fault", [Unavailable("down"), Unauthorized("wrong token")])
def test_a_fault_of_the_api_is_one(fault: Exception) -> None:
    with pytest.raises(type(fault)):
        look(Runs(fault), RunReference(run_id=1), 2)


@pytest.mark.parametrize("width", [40, 80, 200])
def test_lines_keep_to_the_terminal(width: int) -> None:
    results = [make_result(f"pays with a card of kind {number}" * 9) for number in range(30)]
    found = look(Runs(results), RunReference(run_id=1), 2)
    text = parts_as_text(parts(found, 20, NOW), width=width, color=False, unicode=False)
    assert max(map(len, text.splitlines())) <= max(width, 80)
    assert text.isascii()


def test_what_is_unknown_has_not_moved() -> None:
    source = Runs([])
    source.run = lambda run_id: with_unknown(make_run(id=run_id), "total", "end_time")  # type: ignore[method-assign]
    text = parts_as_text(
        parts(look(source, RunReference(run_id=1), 2), 20, NOW),
        width=None,
        color=False,
        unicode=True,
    )
    lines = [line.split() for line in text.splitlines()]
    assert ["total", "-", "-", "-"] in lines
    assert ["duration", "-", "-", "-"] in lines


@given(any_run, any_results, any_run, any_results)
def test_whatever_the_runs_are_every_character_is_text(
    old: TestRun,
    before: Sequence[TestResult] | None,
    new: TestRun,
    now: Sequence[TestResult] | None,
) -> None:
    found = Compared(
        old=old, new=new, notes=doubts(old, new), tests=compare(before or (), now or ())
    )
    said = parts(found, 20, NOW)
    for text in (
        parts_as_text(said, width=80, color=False, unicode=True),
        parts_as_markdown(said),
    ):
        assert clean_text(text) == text
    assert parts_as_text(said, width=80, color=False, unicode=False).isascii()
    assert as_json(found).isascii()
    assert "##" not in as_json(found)
    json.loads(as_json(found))


def attacked(text: str) -> Compared:
    """Return two runs that have one text wherever there can be one."""
    old, new = (
        make_run(id=number, name=f"{number}{text}", environment=f"{text}{number}", git_ref=text)
        for number in (1, 2)
    )
    statuses = ["FAIL", "FAIL", "PASS", "FAIL", "FAIL"]
    before = [make_result(f"{text}{number}", "PASS", file=text) for number in range(4)]
    now = [
        make_result(f"{text}{number}", status, file=text, error=text)
        for number, status in enumerate(statuses)
    ]
    return Compared(
        old=old, new=new, notes=[*doubts(old, new), text], tests=compare(before, now), unknown=text
    )


@given(markup)
@example("".join(ATTACKS))
def test_markdown_has_no_markup_from_elsewhere(text: str) -> None:
    rendered = parts_as_markdown(parts(attacked(text), 20, NOW))
    assert_inert(github(rendered), [])
    assert_inert(without_html(rendered), [])


@given(st.sampled_from(ATTACKS))
def test_no_known_attack_gets_through(text: str) -> None:
    rendered = parts_as_markdown(parts(attacked(text), 20, NOW))
    assert_inert(github(rendered), [])
    assert_inert(without_html(rendered), [])
