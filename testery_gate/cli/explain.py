"""``testery-gate explain``: each setting in effect, and whether a flag, variable or file set it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import click

from testery_gate.cli import arguments
from testery_gate.cli.arguments import ExplainOptions
from testery_gate.cli.option_types import SectionedCommand, Setting
from testery_gate.cli.options import ALL, given, settings
from testery_gate.cli.process import Process
from testery_gate.cli.wait import RUNS
from testery_gate.judging.criteria import Criterion, Unit, format_value
from testery_gate.judging.verdict import Policy, default_checks
from testery_gate.text import clean_text

_Row = tuple[str, str, str]
_UNSET = "-"


@click.command(cls=SectionedCommand, params=[RUNS, *settings(*ALL)])
@click.pass_context
def explain(ctx: click.Context, /, **values: Any) -> None:
    """Show the settings in effect and where each comes from; sends no request.

    Takes the runs and options of 'wait'. The token is never shown, only where it would come from.
    """
    process: Process = ctx.obj
    options = arguments.explain_options(values, process.machine, given(ctx))
    if options.runs:
        click.echo(f"Runs: {', '.join(options.runs)}\n")
    click.echo(clean_text(_explained(ctx, options)), nl=False)


def _explained(ctx: click.Context, options: ExplainOptions) -> str:
    own = [parameter for parameter in ctx.command.params if isinstance(parameter, Setting)]
    shown = [setting for setting in own if setting.option_name not in {"token", "debug"}]
    tables = (
        ("Setting", [row for setting in shown for row in _rows(setting, ctx)]),
        ("What must hold", list(_criteria(shown, ctx, options.policy))),
        ("Elsewhere", [("token", "(never shown)", options.token_source)]),
    )
    return "\n".join(_table(heading, rows) for heading, rows in tables)


def _rows(setting: Setting, ctx: click.Context) -> Iterator[_Row]:
    for item in _values(setting, ctx) or (None,):
        shown = setting.default if item is None and isinstance(setting.default, str) else item
        yield setting.option_name, _text(shown), _source(ctx, setting)


def _criteria(shown: Sequence[Setting], ctx: click.Context, policy: Policy) -> Iterator[_Row]:
    for name in default_checks(policy):
        yield name, "decides", "built in"
    for setting in shown:
        for item in _values(setting, ctx):
            if isinstance(item, Criterion) or setting.option_name == "expect":
                decides = "only reported" if setting.option_name == "warn" else "decides"
                yield str(item), decides, _source(ctx, setting)


def _source(ctx: click.Context, setting: Setting) -> str:
    return str(given(ctx).sources[setting.name or ""])


def _values(setting: Setting, ctx: click.Context) -> Sequence[object]:
    value = ctx.params.get(setting.name or "")
    return value if isinstance(value, tuple) else (value,)


def _text(value: object) -> str:
    match value:
        case None | False:
            return _UNSET
        case True:
            return "yes"
        case Fraction():
            return format_value(value, Unit.TIME)
        case _:
            return str(value)


def _table(heading: str, rows: Sequence[_Row]) -> str:
    whole = [(heading, "", "From"), *rows]
    widths = [max(len(row[column]) for row in whole) for column in (0, 1)]
    return "".join(
        f"{name:<{widths[0]}}  {value:<{widths[1]}}  {source}".rstrip() + "\n"
        for name, value, source in whole
    )
