from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from rich.cells import cell_len

from testery_gate.cli.list_runs import COLUMNS, rows
from testery_gate.cli.table import LONGEST, as_text
from testery_gate.model import TestRun, parse_run
from tests.builders import make_answer, with_unknown
from tests.runlist import NOW, run_of


def table(runs: Sequence[TestRun], **options: Any) -> list[str]:
    paper: dict[str, Any] = {"width": None, "color": False, "unicode": True}
    return as_text(COLUMNS, rows(runs, NOW), **(paper | options)).splitlines()


RUNS = [
    with_unknown(
        run_of(
            100200,
            12,
            status="RUNNING",
            failed=3,
            ignored=2,
            not_run=20,
            name="Nightly: checkout, all browsers and all devices",
            environment="staging",
            git_ref="feature/abcdef0123456789",
        ),
        "end_time",
    ),
    run_of(7, 60 * 49, failed=1),
    with_unknown(
        run_of(6, status="", name="", environment=""),
        *("create_time", "start_time", "passed", "total", "git_ref"),
    ),
]


def test_a_pipe_gets_whole_cells_in_columns() -> None:
    assert table(RUNS) == [
        "id      status   name                                             environment"
        "  git ref                   passed                     duration  age",
        "100200  RUNNING  Nightly: checkout, all browsers and all devices  staging    "
        "  feature/abcdef0123456789  5/30, 3 failed, 2 ignored  -         12m",
        "7       FAIL     nightly                                          dev        "
        "  abcd4e8                   29/30, 1 failed            6m26s     2d",
        "6       -        -                                                -          "
        "  -                         ?/?                        -         -",
    ]


@pytest.mark.parametrize("width", [120, 100, 80])
def test_on_a_terminal_names_are_cut_to_its_width(width: int) -> None:
    lines = table(RUNS, width=width)
    assert len(lines) == len(RUNS) + 1
    assert max(map(cell_len, lines)) <= width
    assert lines[1].startswith("100200  RUNNING  Nig")
    assert "…" in lines[1]
    assert "5/30, 3 failed, 2 ignored" in lines[1]


def test_a_narrower_terminal_folds_the_lines_itself() -> None:
    assert table(RUNS, width=40) == table(RUNS, width=80)


def test_without_unicode_all_is_ascii() -> None:
    (_, line, *_) = table([run_of(1, name="Prüfung 名前 " * 9)], width=80, unicode=False)
    assert line.isascii()
    assert "Pr?fung ??" in line


def test_colours_only_say_the_status_once_more() -> None:
    plain, coloured = table(RUNS), table(RUNS, color=True)
    assert "\x1b[31mFAIL" in coloured[2]
    assert plain == [
        line.replace("\x1b[0m", "").replace("\x1b[1m", "").replace("\x1b[31m", "")
        for line in coloured
    ]


def test_text_from_elsewhere_stays_text() -> None:
    answer = make_answer(
        name="[bold]x[/bold] :smile: \x1b[31m::error::\x07\nnext", environment="[/]"
    )
    (_, line) = table([parse_run(answer)], color=True)
    assert "[bold]x[/bold] :smile: ::error:: next" in line
    assert "[/]" in line
    assert "\x1b[31m" not in line


def test_wide_characters_keep_the_columns() -> None:
    lines = table([run_of(1, name="名前"), run_of(2, name="name")])
    where = [cell_len(line[: line.index("dev")]) for line in lines[1:]]
    assert where[0] == where[1]


def test_an_absurd_name_does_not_widen_all_lines_as_much() -> None:
    lines = table([run_of(1, name="x" * 1_000_000), run_of(2)])
    assert "x" * LONGEST in lines[1]
    assert max(map(len, lines)) < 2 * LONGEST


@pytest.mark.parametrize(
    ("age", "shown"),
    [
        (timedelta(seconds=-5), "0s"),
        (timedelta(seconds=59), "59s"),
        (timedelta(seconds=60), "1m"),
        (timedelta(minutes=59, seconds=59), "59m"),
        (timedelta(hours=23), "23h"),
        (timedelta(days=400), "400d"),
    ],
)
def test_the_age_is_told_in_one_unit(age: timedelta, shown: str) -> None:
    (_, line) = table([run_of(1, age / timedelta(minutes=1))])
    assert line.split()[-1] == shown


def test_without_runs_there_are_the_headings() -> None:
    assert [line.split()[0] for line in table([])] == ["id"]
