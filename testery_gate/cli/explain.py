"""``testery-gate explain``: each setting in effect, and whether a flag, variable or file set it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import click

from testery_gate.api.credentials import redacted
from testery_gate.cli.arguments import explained_policy
from testery_gate.cli.connection import token_source
from testery_gate.cli.option_types import (
    OWN_CODES,
    Kind,
    SectionedCommand,
    Setting,
    Source,
)
from testery_gate.cli.options import ALL, given, settings
from testery_gate.cli.output import hand_over
from testery_gate.cli.process import Process
from testery_gate.cli.table import document
from testery_gate.cli.wait import RUNS
from testery_gate.errors import ExitCode, UsageError
from testery_gate.judging.criteria import Criterion, Unit, format_value
from testery_gate.judging.policy import Policy, default_checks
from testery_gate.text import clean_text

_UNSET = "-"
_DEFAULTS = click.Option(
    ["--defaults"], is_flag=True, help="Show the settings that have their defaults, too."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Explained:
    """A setting, its values, and what set them."""

    setting: Setting
    values: Sequence[object]
    source: Source

    @property
    def name(self) -> str:
        return self.setting.option_name

    @property
    def is_set(self) -> bool:
        return self.source.kind is not Kind.DEFAULT


@dataclass(frozen=True, slots=True, kw_only=True)
class _Check:
    """What must hold, and what asks for it; ``None`` is the gate itself."""

    text: str
    decides: bool
    source: Source | None


@click.command(
    cls=SectionedCommand,
    params=[RUNS, *settings(*ALL), _DEFAULTS],
    examples=(
        "testery-gate explain",
        "testery-gate explain 55676 --max-failed 2% --defaults",
        "testery-gate explain --output json",
    ),
    codes=OWN_CODES
    | {
        ExitCode.PASSED: "a gate takes these settings",
        ExitCode.REPORT_LOST: "the settings could not be printed",
    },
    page="configuration.md",
)
@click.pass_context
def explain(ctx: click.Context, /, *, defaults: bool, **values: Any) -> None:
    """Show the settings in effect and where each comes from; sends no request.

    Takes the runs and options of 'wait'. The token is never shown, only where it would come from.
    --output json is for programs (docs/configuration.md).
    """
    process: Process = ctx.obj
    policy = explained_policy(values, process.machine, given(ctx))
    try:
        token = token_source(values, process.machine)
    except UsageError as error:
        token = f"nowhere: {error.message}"
    explained = list(_settings(ctx))
    checks = list(_checks(explained, policy))
    if values["output"] == "json":
        text = _json(values["runs"], explained, checks, token)
    else:
        text = clean_text(_text(values["runs"], explained, checks, token, defaults=defaults))
    hand_over(redacted(text, process.machine.environment), "the settings")


def _settings(ctx: click.Context) -> Iterator[_Explained]:
    sources = given(ctx).sources
    for setting in ctx.command.params:
        if isinstance(setting, Setting) and setting.option_name not in {"token", "debug"}:
            name = setting.name or ""
            value = ctx.params.get(name)
            if value is None and isinstance(setting.default, str):
                value = setting.default  # such as auto, which the gate reads as None
            several = value if isinstance(value, tuple) else (value,)
            yield _Explained(setting=setting, values=several, source=sources[name])


def _checks(explained: Sequence[_Explained], policy: Policy) -> Iterator[_Check]:
    for text in default_checks(policy):
        yield _Check(text=text, decides=True, source=None)
    for one in explained:
        for value in one.values:
            if isinstance(value, Criterion) or one.name == "expect":
                yield _Check(text=str(value), decides=one.name != "warn", source=one.source)


def _text(
    runs: Sequence[str],
    explained: Sequence[_Explained],
    checks: Sequence[_Check],
    token: str,
    *,
    defaults: bool,
) -> str:
    """Return what is set, before what is not."""
    ordered = sorted(explained, key=lambda one: not one.is_set)
    shown = [one for one in ordered if defaults or one.is_set]
    rows = [
        (one.name, _shown(value), str(one.source))
        for one in shown
        for value in one.values or [None]
    ]
    hidden = len(explained) - len(shown)
    rest = f"{hidden} settings have their defaults; --defaults shows them.\n" if hidden else ""
    held = [
        (
            check.text,
            "decides" if check.decides else "only reported",
            "built in" if check.source is None else str(check.source),
        )
        for check in checks
    ]
    parts = [
        *([f"Runs: {', '.join(runs)}\n"] if runs else []),
        (_table("Setting", rows) if rows else "") + rest,
        _table("What must hold", held),
        _table("Elsewhere", [("token", "(never shown)", token)]),
    ]
    return "\n".join(parts)


def _shown(value: object) -> str:
    match value:
        case None | False:
            return _UNSET
        case True:
            return "yes"
        case Fraction():
            return format_value(value, Unit.TIME)
        case _:
            return str(value)


def _table(heading: str, rows: Sequence[tuple[str, str, str]]) -> str:
    whole = [(heading, "", "From"), *rows]
    widths = [max(len(row[column]) for row in whole) for column in (0, 1)]
    return "".join(
        f"{name:<{widths[0]}}  {value:<{widths[1]}}  {source}".rstrip() + "\n"
        for name, value, source in whole
    )


def _json(
    runs: Sequence[str], explained: Sequence[_Explained], checks: Sequence[_Check], token: str
) -> str:
    report = {
        "runs": list(runs),
        "settings": [
            {"setting": one.name, "value": _value(one), "source": _source(one.source)}
            for one in explained
        ],
        "checks": [
            {"check": check.text, "decides": check.decides, "source": _source(check.source)}
            for check in checks
        ],
        "token": token,
    }
    return document("1.0", report)


def _value(one: _Explained) -> object:
    """Return what JSON has for it: a list where the option may be repeated."""
    values = [
        value if value is None or isinstance(value, bool | int) else _shown(value)
        for value in one.values
    ]
    return values if one.setting.multiple else values[0]


def _source(source: Source | None) -> dict[str, str | None]:
    if source is None:
        return {"kind": "built-in", "name": None, "place": None}
    return {
        "kind": source.kind.value,
        "name": source.name or None,
        "place": source.place or source.name or None,
    }
