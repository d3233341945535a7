from __future__ import annotations

import json
from datetime import timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from testery_gate.cli.flaky import Found, as_json, parts
from testery_gate.cli.table import parts_as_markdown, parts_as_text
from testery_gate.evidence.durations import Durations
from testery_gate.evidence.flakiness import History
from testery_gate.evidence.outcomes import EarlierRun, TestId, TestOutcome
from testery_gate.model import TestRun
from testery_gate.text import clean_text
from tests.builders import make_result, make_run, with_unknown
from tests.reports.examples import ATTACKS, any_run, any_text
from tests.reports.test_markdown import assert_inert, github, markup, without_html

FILE = "features/calculator.feature"


def found(*strips: str, file: str = FILE, timed: bool = True) -> Found:
    """Return what was found of tests that ended so, and are named after that."""
    runs = [
        EarlierRun(
            run=make_run(id=number, build_key=str(number), git_ref="main"),
            outcomes={TestId(file, strip): TestOutcome(strip[number - 1]) for strip in strips},
        )
        for number in range(1, len(strips[0]) + 1)
    ]
    history = History.of(runs)
    results = [make_result(strip, file=file) for strip in strips if timed]
    return Found(
        newest=runs[-1].run,
        history=history,
        flaky=history.flaky_tests(),
        durations=Durations.of(results),
        notes=[],
    )


def text_of(given: Found, *, wide: bool, width: int | None, unicode: bool = True) -> list[str]:
    said = parts(given, 20, wide=wide, unicode=unicode)
    return parts_as_text(said, width=width, color=False, unicode=unicode).splitlines()


def test_on_a_terminal_a_test_takes_several_lines() -> None:
    assert text_of(found("PFP", "FBF", "PFF"), wide=False, width=80) == [
        "Flaky tests: 2 of 3 tests in 3 runs",
        "Runs of nightly in dev: run 1 (2020-05-04 23:15 UTC) to run 3 (2020-05-04 23:15",
        "UTC).",
        "1 other test failed without being flaky.",
        "Outcomes, the oldest first: ✓ passed, ✗ failed, ± both.",
        "",
        "outcomes            changes  failed  mean   test",
        "✗±✗                 2        100%    1.25s  FBF",
        "first 1 2020-05-04           3 of 3         features/calculator.feature",
        "last  3 2020-05-04                          both on one commit",
        "✓✗✓                 2        33.33%  1.25s  PFP",
        "first 2 2020-05-04           1 of 3         features/calculator.feature",
        "last  2 2020-05-04",
    ]


@pytest.mark.parametrize("width", [40, 80, 159])
def test_lines_keep_to_the_terminal(width: int) -> None:
    lines = text_of(found("PFP" * 9, "FBF" * 9, file="x" * 300), wide=False, width=width)
    assert max(map(len, lines)) <= max(width, 80)


def test_a_strip_ends_with_the_last_runs() -> None:
    lines = text_of(found("F" + "PF" * 12), wide=True, width=None)
    assert "Outcomes of the last 20 runs, the oldest first: ✓ passed, ✗ failed." in lines
    assert lines[-1].split()[0] == "✓✗" * 10


def test_without_unicode_all_is_ascii() -> None:
    lines = text_of(found("PFBPO"), wide=False, width=80, unicode=False)
    assert "Outcomes, the oldest first: P passed, F failed, B both, - not executed." in lines
    assert lines[-3].split()[0] == "PFBP-"
    assert "\n".join(lines).isascii()


def test_what_is_unknown_is_left_out() -> None:
    given = found("PFP", file="", timed=False)
    lines = text_of(given, wide=False, width=80)
    assert lines[-2].endswith("(no file)")
    assert lines[-3].split() == ["✓✗✓", "2", "33.33%", "-", "PFP"]
    steady = found("PPF")
    assert text_of(steady, wide=True, width=None)[-1] == "1 test failed without being flaky."


def test_a_run_without_a_time_is_shown_by_its_id() -> None:
    run = with_unknown(make_run(id=7), "create_time", "name", "environment")
    history = History.of([EarlierRun(run=run, outcomes={TestId("a", "b"): TestOutcome.BOTH})])
    given = Found(
        newest=run,
        history=history,
        flaky=history.flaky_tests(),
        durations=Durations.of([make_result("b", file="a", duration=timedelta(0))]),
        notes=["so it is"],
    )
    assert text_of(given, wide=True, width=None) == [
        "Flaky tests: 1 of 1 test in 1 run",
        "Runs of no name in no environment: run 7.",
        "Note: so it is.",
        "Outcomes, the oldest first: ± both.",
        "",
        "outcomes  changes  failed         first failed  last failed  mean time  one commit  test"
        "  file",
        "±         0        100% (1 of 1)  7             7            0s         both        b   "
        "  a",
    ]


@given(
    st.lists(any_run, min_size=1, max_size=4, unique_by=lambda run: run.id),
    st.lists(st.tuples(any_text, any_text), max_size=3),
    st.data(),
)
def test_whatever_the_runs_are_every_character_is_text(
    runs: list[TestRun], tests: list[tuple[str, str]], data: st.DataObject
) -> None:
    history = History.of(
        [
            EarlierRun(
                run=run,
                outcomes={
                    TestId(*test): data.draw(st.sampled_from(TestOutcome))
                    for test in tests
                    if data.draw(st.booleans())
                },
            )
            for run in runs
        ]
    )
    given = Found(
        newest=runs[-1],
        history=history,
        flaky=history.flaky_tests(),
        durations=Durations(),
        notes=[],
    )
    for wide in (True, False):
        text = "\n".join(text_of(given, wide=wide, width=80))
        assert clean_text(text) == text
    rendered = as_json(given, 20)
    assert rendered.isascii()
    assert "##" not in rendered
    assert len(json.loads(rendered)["tests"]) == len(given.flaky)


@given(markup)
@example("".join(ATTACKS))
def test_markdown_has_no_markup_from_elsewhere(text: str) -> None:
    run = make_run(name=text, environment=text)
    history = History.of([EarlierRun(run=run, outcomes={TestId(text, text): TestOutcome.BOTH})])
    given = Found(
        newest=run,
        history=history,
        flaky=history.flaky_tests(),
        durations=Durations(),
        notes=[text],
    )
    rendered = parts_as_markdown(parts(given, 20, wide=True))
    assert_inert(github(rendered), [])
    assert_inert(without_html(rendered), [])
