"""What moves while a selection is asked: ``python -m tests.acceptance.faults.selections``.

Every row is a process of the installed command against a built-in scenario. The table is written
into ``docs/faults.md``.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from testery_gate.errors import ExitCode
from testery_gate.simulator import load_scenario
from tests.acceptance import command
from tests.acceptance.faults import document
from tests.canary import Simulator

LIST_FAILS = """
[[fault]]
on = "list"
kind = "answer"
code = 503
from = 3
times = "for-ever"
"""
"""The first answer takes two requests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A scenario, and how its runs are asked for."""

    happens: str
    scenario: str
    arguments: str
    wanted: ExitCode
    more: str = ""
    """What the scenario has besides."""

    def observe(self) -> ExitCode:
        """Return how the command ends."""
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "s.toml").write_text(f'based-on = "{self.scenario}"\n{self.more}')
            with Simulator(load_scenario(str(folder / "s.toml")), speed=5) as api:
                done = command.run(*self.arguments.split(), cwd=folder, api_url=api.url)
        return next(code for code in ExitCode if code == done.code)


ROWS = (
    Row(
        happens="a suite appears while another one runs, and fails",
        scenario="late-suites",
        arguments="wait --git-ref abcd4e8 --each name",
        wanted=ExitCode.FAILED,
    ),
    Row(
        happens="the same, and a third suite never appears",
        scenario="late-suites",
        arguments="wait --git-ref abcd4e8 --each name --min-runs 3 --appear-within 3s",
        wanted=ExitCode.FAILED,
    ),
    Row(
        happens="a newer run appears, and fails",
        scenario="late-suites",
        arguments="wait --environment staging",
        wanted=ExitCode.FAILED,
    ),
    Row(
        happens="the same, and only the first answer counts",
        scenario="late-suites",
        arguments="wait --environment staging --no-follow",
        wanted=ExitCode.PASSED,
    ),
    Row(
        happens="the list can't be read before the verdict",
        scenario="documented",
        arguments="check --latest --lookback 1000 --outage-tolerance 1s",
        wanted=ExitCode.UNAVAILABLE,
        more=LIST_FAILS,
    ),
    Row(
        happens="the newest run moves to a page that was read already",
        scenario="moving-list",
        arguments="check --environment staging",
        wanted=ExitCode.FAILED,
    ),
    Row(
        happens="the run is deleted",
        scenario="vanishing",
        arguments="wait --environment staging",
        wanted=ExitCode.NOT_FOUND,
    ),
    Row(
        happens="the newest run by its id has no readable time",
        scenario="unreadable-times",
        arguments="check --environment staging",
        wanted=ExitCode.INCONCLUSIVE,
    ),
    Row(
        happens="the run is canceled, and a newer one of its kind passes",
        scenario="superseded",
        arguments="wait 55676",
        wanted=ExitCode.PASSED,
    ),
    Row(
        happens="a canceled run is asked for, and a newer one passes",
        scenario="superseded",
        arguments="wait --status canceled --appear-within 10s",
        wanted=ExitCode.INCONCLUSIVE,
    ),
    Row(
        happens="a named run appears after five seconds",
        scenario="late",
        arguments="wait 55676",
        wanted=ExitCode.PASSED,
    ),
)


def table(codes: Sequence[ExitCode]) -> str:
    """Return the table of outcomes, as Markdown."""
    lines = ["| what happens | asked | verdict |", "| --- | --- | --- |"]
    for row, code in zip(ROWS, codes, strict=True):
        outcome = code.outcome.replace("_", " ")
        lines.append(f"| {row.happens} | `{row.arguments}` | {outcome} |")
    return "\n".join(lines)


def main() -> None:
    """Observe every row, and keep what was found."""
    with ThreadPoolExecutor(len(ROWS)) as pool:
        codes = list(pool.map(Row.observe, ROWS))
    document.write("selections", table(codes))


if __name__ == "__main__":
    main()
