"""The parts of the README and its pages that follow from the code, as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from testery_gate.cli.option_types import Setting
from testery_gate.cli.options import STARTING
from testery_gate.cli.run import run
from testery_gate.cli.wait import wait
from testery_gate.errors import ExitCode
from testery_gate.judging.criteria import Metric, Unit


def exit_codes() -> str:
    """The table of exit codes."""
    rows = [
        f"| {int(code)} | {code.outcome.replace('_', ' ')} | {code.meaning} |" for code in ExitCode
    ]
    return "\n".join(["| code | outcome | when |", "| --- | --- | --- |", *rows])


def metrics() -> str:
    """The metrics by unit."""
    units = {
        Unit.TESTS: "tests, such as `5`",
        Unit.PERCENT: "percent, such as `95%`",
        Unit.TIME: "a duration, such as `90s`, `10m`, `1h30m`, `500ms`",
    }
    rows = [
        f"| {', '.join(f'`{m.value}`' for m in Metric if m.unit is unit)} | {text} |"
        for unit, text in units.items()
    ]
    return "\n".join(["| metrics | value |", "| --- | --- |", *rows])


def run_only() -> Sequence[click.Parameter]:
    """The options of ``run`` that ``wait`` does not have."""
    known = {parameter.name for parameter in wait.params}
    return [parameter for parameter in run.params if parameter.name not in known]


def settings() -> str:
    """The options of ``wait``, by section, and those that only ``run`` has."""
    lines = ["| option | what it does |", "| --- | --- |"]
    section = ""
    with click.Context(wait, info_name="wait") as context:
        for parameter in (*wait.params, *run_only()):
            if isinstance(parameter, Setting):
                record = parameter.get_help_record(context)
                if record is None:
                    continue
                if parameter.section != section:
                    section = parameter.section
                    only = ", by `run`" * (section == STARTING)
                    lines.append(f"| **{section}**{only} | |")
                name, text = (part.replace("|", "\\|") for part in record)
                lines.append(f"| `{name}` | {' '.join(text.split())} |")
    return "\n".join(lines)


ROOT = Path(__file__).parents[1]
PARTS = {
    ROOT / "README.md": ("exit codes", exit_codes),
    ROOT / "docs" / "criteria.md": ("metrics", metrics),
    ROOT / "docs" / "settings.md": ("settings", settings),
}
"""The page of each part, and the name that its markers have."""


def brought_in_step(page: Path) -> str:
    """Return the page with its generated part as it should be."""
    name, part = PARTS[page]
    begin, end = f"<!-- begin {name} -->\n", f"<!-- end {name} -->"
    before, rest = page.read_text(encoding="utf-8").split(begin)
    return before + begin + part() + "\n" + end + rest.split(end, 1)[1]
