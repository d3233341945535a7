"""The benchmarks on a small scale: their figures depend on the machine, that they work does not."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from benchmarks import document, finished_run, lateness, many_results, many_runs, single_tests
from benchmarks.__main__ import BENCHMARKS
from benchmarks.contenders import ROOT, Programs
from benchmarks.document import Bound, Table
from benchmarks.processes import environment, run, side_by_side
from benchmarks.stand_in import Asked
from benchmarks.synthetic import Shape, SyntheticRun, batches, no_counts, steady, synthetic_runs
from testery_gate.model import RunStatus
from testery_gate.waiting import interval
from tests.acceptance.command import COMMAND

HERE = Programs(python=sys.executable, gate=COMMAND, vendor=None)

RUN = SyntheticRun(
    started=30,
    totals=((40.0, 3),),
    done=(50.0, 60.0, 100.0),
    ended=107.0,
    status=RunStatus.FAIL,
)


@pytest.mark.parametrize("shape", [case.shape for case in lateness.CASES])
def test_a_synthetic_run_goes_from_the_queue_to_its_end(shape: Shape) -> None:
    for made in synthetic_runs(shape, 200, seed=1):
        assert 0 <= made.started <= made.ended
        assert list(made.done) == sorted(made.done)
        assert len(made.done) <= made.totals[-1][1]
        assert [since for since, _ in made.totals] == sorted(since for since, _ in made.totals)
        assert made.at(made.ended - 1e-6).complete is False
        assert made.at(made.ended).complete is True
        assert made.at(made.ended).status.is_final


def test_synthetic_runs_are_the_same_for_the_same_seed() -> None:
    first, again, other = (list(synthetic_runs(steady, 5, seed)) for seed in (1, 1, 2))
    assert first == again != other


def test_steady_runs_are_as_the_page_says() -> None:
    made = list(synthetic_runs(steady, 500, seed=1))
    at_work = [one.ended - one.started for one in made]
    assert 20 <= min(at_work) < 30
    assert 3000 < max(at_work) <= 3600
    queued = sum(one.started > 2 for one in made)
    assert 200 < queued < 300


def test_lateness_is_what_passes_between_the_end_and_the_look_that_sees_it() -> None:
    found = lateness.measure([RUN, RUN], interval.fixed(20))
    # The sixth look begins at 100 s, the seventh at 120 s, and each takes a tenth of a second.
    assert found.requests == 2 * 7
    assert [found.median, found.percentile_95, found.worst] == pytest.approx([120.1 - 107] * 3)


def test_a_run_that_is_over_at_the_first_look_is_not_looked_at_again() -> None:
    over = SyntheticRun(started=0, ended=0.0, status=RunStatus.CANCELED)
    assert lateness.measure([over, over], interval.adaptive).requests == 2


@pytest.mark.slow
def test_the_poll_interval_keeps_its_bounds_on_a_few_runs() -> None:
    for case in lateness.CASES:
        found = lateness.measure(synthetic_runs(case.shape, 40, seed=7), interval.adaptive)
        assert found.median <= 1.3 * case.median, case
        assert found.worst <= lateness.LATEST, case


def test_the_latest_is_never_above_a_fixed_interval_whatever_the_run_does() -> None:
    """The worst run ends just after a look, and shows nothing before."""
    ends = [
        SyntheticRun(started=started, ended=ended / 7)
        for started in (0, 200)
        for ended in range(1400, 14000, 97)
    ]
    assert 14 < lateness.measure(ends, interval.adaptive).worst <= lateness.LATEST


def test_what_is_unknown_to_the_api_is_unknown_to_the_gate() -> None:
    (run,) = synthetic_runs(no_counts, 1, seed=1)
    assert run.at(run.ended - 1).done is None
    assert run.at(run.ended).done == run.totals[-1][1]


def test_batches_show_only_what_is_done() -> None:
    steadily, batched = (next(synthetic_runs(shape, 1, seed=1)) for shape in (steady, batches))
    assert batched.ended == steadily.ended
    assert len(set(batched.done)) < len(set(steadily.done))
    assert all(done <= told for done, told in zip(steadily.done, batched.done, strict=True))


def test_what_can_not_be_told_from_a_bound_is_no_bound_kept() -> None:
    assert Bound(what="x", found=1.0, most=1.0).is_kept
    assert not Bound(what="x", found=1.01, most=1.0).is_kept
    assert not Bound(what="x", found=float("nan"), most=1.0).is_kept


def test_a_table_shows_whether_its_bounds_are_kept() -> None:
    table = Table(
        name="t",
        head=("process", "s"),
        rows=[("a", "1"), ("b", "2")],
        bounds=[Bound(what="s of b", found=2, most=1.5)],
    )
    assert str(table).splitlines() == [
        "| process | s |",
        "| --- | ---: |",
        "| a | 1 |",
        "| b | 2 |",
        "",
        "- s of b: 2.00, at most 1.50: **missed**",
    ]


def test_a_table_goes_between_its_own_markers() -> None:
    page = "x\n<!-- begin a -->\nold\n<!-- end a -->\ny\n<!-- begin a b -->\n<!-- end a b -->\n"
    assert document.replaced(page, "a", "new") == page.replace("old", "new")
    filled = document.replaced(page, "a b", "new")
    assert filled == page.replace("<!-- end a b -->", "new\n<!-- end a b -->")
    with pytest.raises(ValueError, match="unpack"):
        document.replaced(page, "b", "new")


@pytest.mark.slow
def test_a_process_costs_time_and_memory(tmp_path: Path) -> None:
    work = [sys.executable, "-c", "data = bytearray(40_000_000); sum(range(1_000_000))"]
    nothing = [sys.executable, "-c", "pass"]
    env = environment("http://127.0.0.1:1/api")
    costs = side_by_side(
        {
            "work": lambda: run(work, cwd=tmp_path, env=env),
            "nothing": lambda: run(nothing, cwd=tmp_path, env=env),
        },
        repeats=1,
    )
    assert costs["work"].memory > costs["nothing"].memory + 35
    assert costs["work"].cpu > 0
    assert costs["nothing"].wall > 0


def test_a_process_that_fails_is_no_measurement(tmp_path: Path) -> None:
    broken = [sys.executable, "-c", "import sys; print('why'); sys.exit(3)"]
    with pytest.raises(SystemExit, match=r"ended with 3:\nwhy"):
        run(broken, cwd=tmp_path, env={})


@pytest.mark.slow
def test_finished_runs_are_compared() -> None:
    on_a_run, on_none = finished_run.tables(HERE, repeats=1)
    assert len(on_a_run.rows) == 4
    assert all(bound.found > 0 for bound in (*on_a_run.bounds, *on_none.bounds))


@pytest.mark.slow
def test_many_results_are_compared_and_all_there() -> None:
    junit, everything = many_results.tables(HERE, results=300, repeats=1)
    assert [bound.found > 0 for bound in junit.bounds] == [True, True]
    assert [row[0] for row in everything.rows] == ["junit", "html", "markdown"]


@pytest.mark.slow
def test_many_runs_are_compared() -> None:
    (table,) = many_runs.tables(HERE, sizes=(1, 10), repeats=1)
    assert [row[0] for row in table.rows] == ["1", "10"]
    assert [bound.found >= 1 for bound in table.bounds[:-1]] == [True, True]


@pytest.mark.slow
def test_single_tests_are_held_against_earlier_runs() -> None:
    history, baseline = single_tests.tables(HERE, earlier=3, tests=100, many_tests=200, repeats=1)
    assert [row[0] for row in history.rows] == ["without", "a cold cache", "a warm cache"]
    cold, warm = (bound.found for bound in history.bounds[:-3:-1])
    assert 4 <= cold <= 5
    assert 1 <= warm <= 2
    assert [row[0] for row in baseline.rows] == ["without", "a baseline"]


def test_requests_are_told_apart_by_look() -> None:
    asked = [
        *(Asked(0.0, "list"), Asked(0.1, "one")),
        *(Asked(0.2, "list"), Asked(1.3, "one"), Asked(1.4, "other")),
    ]
    assert many_runs.requests_a_look(asked) == [2, 1, 2]


def test_poll_intervals_are_compared_on_all_shapes() -> None:
    table = lateness.compare(lateness.CASES, 3, seed=1)
    assert len(table.rows) == len(lateness.CASES) >= 8
    # Two for each shape, how many requests where others are known, and two for all together.
    assert len(table.bounds) == 2 * len(lateness.CASES) + 1 + 2


def test_the_shapes_that_were_tuned_on_are_measured_with_other_runs() -> None:
    assert lateness.SEED != lateness.TUNING_SEED
    assert {case.tuned for case in lateness.CASES} == {True, False}


@pytest.mark.slow
def test_real_processes_wait_for_what_is_simulated() -> None:
    short = SyntheticRun(
        started=0.5, totals=((1.0, 2),), done=(1.5, 2.0), ended=3.0, status=RunStatus.FAIL
    )
    late, requests = lateness.wait_for_real(HERE, [short, short])
    assert len(late) == 2
    assert all(seconds > 0 for seconds in late)
    assert requests >= 4


def test_the_page_has_a_place_for_every_table_and_every_benchmark_a_line() -> None:
    page = document.PAGE.read_text(encoding="utf-8")
    places = set(re.findall(r"<!-- begin (.*) -->", page))
    assert places == {
        *("machine", "finished run", "no run", "lateness"),
        *("lateness, real processes", "many results", "all reports", "many runs"),
        *("single tests", "baseline of many tests"),
    }
    listed = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
    assert all(f"| `{name}` |" in listed for name in BENCHMARKS)
