"""Recent runs as a table for people, from which a script can still take its words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from io import StringIO

from testery_gate.judging.criteria import Metric, Unit, format_value, measure
from testery_gate.model import RunStatus, TestRun

LONGEST = 1000
"""Characters of a name, so that one that is absurd does not make all lines as long."""
NARROWEST = 80
"""Columns; in a narrower terminal the lines fold as they may."""
_ANY_WIDTH = 100_000
_COLORS = {RunStatus.PASS: "green", RunStatus.FAIL: "red", RunStatus.CANCELED: "yellow"}
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}", re.IGNORECASE)


def render(
    runs: Sequence[TestRun], *, now: datetime, width: int | None, color: bool, unicode: bool
) -> str:
    """Return a line for each run below the headings; what is unknown or empty is ``-``.

    Names are cut where lines would be wider than a terminal's ``width``; ``None`` is no terminal.
    Without ``unicode`` the text is ASCII.
    """
    # Imported here, because it takes longer than all the rest.
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    def cell(text: str | None, style: str = "") -> Text:
        shown = (text or "-")[:LONGEST]
        shown = shown if unicode else shown.encode("ascii", "replace").decode()
        # In a column that may fold, a text that may not is cut, and only where it must be.
        return Text(shown, style, no_wrap=True, overflow="ellipsis" if unicode else "crop")

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for heading in ("id", "status", "name", "environment", "git ref", "passed", "duration", "age"):
        table.add_column(cell(heading), no_wrap=heading not in {"name", "environment", "git ref"})
    for run in runs:
        table.add_row(
            cell(str(run.id)),
            cell(run.status_text, _COLORS.get(run.status, "")),
            cell(run.name),
            cell(run.environment),
            cell(_abbreviated(run.git_ref)),
            cell(_counts(run)),
            cell(_duration(run)),
            cell(_age(run, now)),
        )
    paper = Console(
        file=StringIO(),
        width=_ANY_WIDTH if width is None else max(width, NARROWEST),
        color_system="standard" if color else None,
        force_terminal=color,
        _environ={},
    )
    with paper.capture() as captured:
        paper.print(table)
    return "".join(f"{line.rstrip()}\n" for line in captured.get().splitlines())


def _abbreviated(git_ref: str | None) -> str | None:
    return git_ref[:7] if git_ref and _COMMIT.fullmatch(git_ref) else git_ref


def _counts(run: TestRun) -> str:
    passed, total = ("?" if count is None else str(count) for count in (run.passed, run.total))
    others = {"failed": run.failed, "ignored": run.ignored}
    told = [f"{count} {name}" for name, count in others.items() if count]
    return ", ".join([f"{passed}/{total}", *told])


def _duration(run: TestRun) -> str | None:
    seconds = measure(run)[Metric.DURATION]
    return None if seconds is None else format_value(seconds, Unit.TIME)


def _age(run: TestRun, now: datetime) -> str | None:
    """Tell how long ago the run was created, in one unit."""
    if run.create_time is None:
        return None
    age = max(0, int((now - run.create_time).total_seconds()))
    for unit, seconds in (("d", 86_400), ("h", 3600), ("m", 60)):
        if age >= seconds:
            return f"{age // seconds}{unit}"
    return f"{age}s"
