"""The settings in effect, as text: each value, and whether a flag, variable or file set it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

import click

from testery_gate.cli.config_file import ConfigFile
from testery_gate.cli.options import Setting
from testery_gate.judging.criteria import Criterion, Unit, format_value
from testery_gate.judging.verdict import Policy, default_checks

_Row = tuple[str, str, str]
_UNSET = "-"


def render(ctx: click.Context, file: ConfigFile | None, policy: Policy, token: str) -> str:
    """Return the whole explanation; ``token`` says where the token comes from."""
    settings = [parameter for parameter in ctx.command.params if isinstance(parameter, Setting)]
    shown = [setting for setting in settings if setting.option_name not in {"token", "debug"}]
    tables = (
        ("Setting", [row for setting in shown for row in _rows(setting, ctx, file)]),
        ("What must hold", list(_criteria(shown, ctx, file, policy))),
        ("Elsewhere", [("token", "(never shown)", token)]),
    )
    return "\n".join(_table(heading, rows) for heading, rows in tables)


def _rows(setting: Setting, ctx: click.Context, file: ConfigFile | None) -> Iterator[_Row]:
    value = ctx.params.get(setting.name or "")
    values = value if isinstance(value, tuple) else (value,)
    for item in values or (None,):
        shown = setting.default if item is None and isinstance(setting.default, str) else item
        yield setting.option_name, _text(shown), setting.source(ctx, file)


def _criteria(
    settings: Sequence[Setting], ctx: click.Context, file: ConfigFile | None, policy: Policy
) -> Iterator[_Row]:
    for name in default_checks(policy):
        yield name, "decides", "built in"
    for setting in settings:
        value = ctx.params.get(setting.name or "")
        for item in value if isinstance(value, tuple) else (value,):
            if isinstance(item, Criterion) or setting.option_name == "expect":
                decides = "only reported" if setting.option_name == "warn" else "decides"
                yield str(item), decides, setting.source(ctx, file)


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
