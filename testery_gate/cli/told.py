"""Which reports a command line is about, as far as that can be told where it is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import click

from testery_gate.cli.config_file import ENVIRONMENT_PREFIX, ConfigFile
from testery_gate.cli.option_types import CONFIG_KEY
from testery_gate.reports import Report, split_report

_JUNIT, _REPORT = "junit-xml", "report"


def told_reports(
    arguments: Sequence[str], ctx: click.Context, environment: Mapping[str, str]
) -> Sequence[Report]:
    """Return the reports that flags name, else variables, else the file, known formats or not."""
    file: ConfigFile | None = ctx.meta.get(CONFIG_KEY)
    found: list[Report] = []
    for name in (_JUNIT, _REPORT):
        variable = environment.get(f"{ENVIRONMENT_PREFIX}{name.upper().replace('-', '_')}", "")
        lines = [line.strip() for line in variable.splitlines() if line.strip()]
        said = list(_flags(f"--{name}", arguments)) or lines
        careful = not said and not ctx.params.get("trust_config")
        if not said and file is not None:
            value = file.values.get(name, [])
            said = [str(item) for item in (value if isinstance(value, list) else [value])]
        found += (_report(name, text, careful=careful) for text in said)
    return [report for report in found if report.path not in {"", "-"}]


def _report(name: str, text: str, *, careful: bool) -> Report:
    format_, path = ("junit", text) if name == _JUNIT else split_report(text)
    return Report(format=format_.strip(), path=path.strip("\r\n"), careful=careful)


def _flags(flag: str, arguments: Sequence[str]) -> Iterator[str]:
    """Return the values of a flag, whatever else is wrong with the command line."""
    for number, argument in enumerate(arguments):
        if argument == "--":
            return
        if argument == flag:
            yield from arguments[number + 1 : number + 2]
        elif argument.startswith(f"{flag}="):
            yield argument.removeprefix(f"{flag}=")
