"""The reports that a command line asks for, also where something else in it is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import click

from testery_gate.cli.config_file import ENVIRONMENT_PREFIX, ConfigFile
from testery_gate.cli.option_types import CONFIG_KEY
from testery_gate.reports import Report, split_report

_JUNIT, _REPORT = "junit-xml", "report"


def requested_reports(
    arguments: Sequence[str], ctx: click.Context, environment: Mapping[str, str]
) -> Sequence[Report]:
    """Return the reports that flags name, else those of variables, else those of the file.

    Reports to standard output are left out. Formats are not checked.
    """
    file: ConfigFile | None = ctx.meta.get(CONFIG_KEY)
    found: list[Report] = []
    for name in (_JUNIT, _REPORT):
        variable = environment.get(f"{ENVIRONMENT_PREFIX}{name.upper().replace('-', '_')}", "")
        lines = [line.strip() for line in variable.splitlines() if line.strip()]
        requested = list(_flags(f"--{name}", arguments)) or lines
        careful = not requested and not ctx.params.get("trust_config")
        if not requested and file is not None:
            value = file.values.get(name, [])
            requested = [str(item) for item in (value if isinstance(value, list) else [value])]
        found += (_report(name, text, careful=careful) for text in requested)
    return [report for report in found if report.path not in {"", "-"}]


def _report(name: str, text: str, *, careful: bool) -> Report:
    format_, path = ("junit", text) if name == _JUNIT else split_report(text)
    return Report(format=format_.strip(), path=path.strip("\r\n"), careful=careful)


def _flags(flag: str, arguments: Sequence[str]) -> Iterator[str]:
    """Yield the values of a flag; other arguments may be wrong."""
    for number, argument in enumerate(arguments):
        if argument == "--":
            return
        if argument == flag:
            yield from arguments[number + 1 : number + 2]
        elif argument.startswith(f"{flag}="):
            yield argument.removeprefix(f"{flag}=")
