"""The parts of the README that follow from the code, as Markdown."""

from __future__ import annotations

import click

from testery_gate.cli.option_types import Setting
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


def settings() -> str:
    """The options of ``wait``, by section."""
    lines = ["| option | what it does |", "| --- | --- |"]
    section = ""
    with click.Context(wait, info_name="wait") as context:
        for parameter in wait.params:
            if isinstance(parameter, Setting):
                record = parameter.get_help_record(context)
                if record is None:
                    continue
                if parameter.section != section:
                    section = parameter.section
                    lines.append(f"| **{section}** | |")
                name, text = (part.replace("|", "\\|") for part in record)
                lines.append(f"| `{name}` | {' '.join(text.split())} |")
    return "\n".join(lines)


PARTS = {"exit codes": exit_codes, "metrics": metrics, "settings": settings}


def brought_in_step(readme: str) -> str:
    """Return the README with its generated parts as they should be."""
    for name, part in PARTS.items():
        begin, end = f"<!-- begin {name} -->\n", f"<!-- end {name} -->"
        before, rest = readme.split(begin)
        readme = before + begin + part() + "\n" + end + rest.split(end, 1)[1]
    return readme
