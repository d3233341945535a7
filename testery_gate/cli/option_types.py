"""The types of options, whose values come from flags, variables or files."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeAlias

import click
from click.core import ParameterSource
from click.shell_completion import CompletionItem

from testery_gate.cli.config_file import ENVIRONMENT_PREFIX, ConfigFile, InFile
from testery_gate.errors import ExitCode
from testery_gate.evidence.baseline import Previous
from testery_gate.judging.criteria import (
    CriterionError,
    Metric,
    Unit,
    format_value,
    parse_criterion,
    parse_duration,
)
from testery_gate.judging.policy import EXPECTABLE, Expectation
from testery_gate.runs.references import parse_reference
from testery_gate.text import clean_line

Completer: TypeAlias = "Callable[[click.Context, click.Parameter, str], list[CompletionItem[str]]]"


class Kind(Enum):
    """The kinds of places that settings come from."""

    FLAG = "flag"
    VARIABLE = "variable"
    FILE = "file"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where the value of a setting comes from."""

    kind: Kind
    name: str = ""
    place: str = ""
    """The name, and of a file the line as well."""

    def __str__(self) -> str:
        return f"{self.kind.value} {self.name}".rstrip()


CONFIG_KEY = "testery_gate.cli.config_file"
"""Where click's context keeps the :class:`ConfigFile`, or ``None``."""


class Setting(click.Option):
    """An option with a help section, an environment variable, and one value a line in it."""

    def __init__(
        self,
        section: str,
        *names: str,
        in_file: InFile = InFile.TRUSTED,
        blank_counts: bool = False,
        **attributes: Any,
    ) -> None:
        super().__init__(names, show_default=True, **attributes)
        self.section = section
        self.in_file = in_file
        self.blank_counts = blank_counts
        """Whether a blank variable sets an empty value; without a value more runs would pass."""
        own = ENVIRONMENT_PREFIX + self.option_name.upper().replace("-", "_")
        others = attributes.get("envvar") or ()
        self.variables: Sequence[str] = [own, *([others] if isinstance(others, str) else others)]
        """The environment variables that can set it; the first that is set counts."""
        self.envvar = self.variables

    @property
    def option_name(self) -> str:
        """The name without dashes, as it stands in a configuration file."""
        return max(self.opts, key=len).removeprefix("--")

    def resolve_envvar_value(self, _: click.Context) -> str | None:
        """Return the first variable that is not blank, without blanks at its ends."""
        given = [os.environ[name].strip() for name in self.variables if name in os.environ]
        return next(filter(None, given), "" if given and self.blank_counts else None)

    def process_value(self, ctx: click.Context, value: Any) -> Any:
        """Add to an error in a value where the value came from, if not from a flag."""
        try:
            return super().process_value(ctx, value)
        except click.BadParameter as error:
            source = self.source(ctx, os.environ)
            if source.kind in {Kind.VARIABLE, Kind.FILE}:
                error.param_hint = f"'--{self.option_name}' (from {source.place})"
            raise

    def value_from_envvar(self, ctx: click.Context) -> Any:
        """Split the values of a repeatable option at line ends: criteria and paths hold blanks."""
        value = self.resolve_envvar_value(ctx)
        if value is None or not self.multiple:
            return super().value_from_envvar(ctx)
        return [line.strip() for line in value.splitlines() if line.strip()]

    def source(self, ctx: click.Context, environment: Mapping[str, str]) -> Source:
        """Return what set this option: a flag, a variable, the file, or nothing."""
        file: ConfigFile | None = ctx.meta.get(CONFIG_KEY)
        match ctx.get_parameter_source(self.name or ""):
            case ParameterSource.COMMANDLINE:
                return Source(kind=Kind.FLAG, name=f"--{self.option_name}")
            case ParameterSource.ENVIRONMENT:
                given = (name for name in self.variables if environment.get(name, "").strip())
                variable = next(given, self.variables[0])
                return Source(kind=Kind.VARIABLE, name=variable, place=f"variable {variable}")
            case ParameterSource.DEFAULT_MAP if file is not None:
                place = file.place(self.option_name)
                return Source(kind=Kind.FILE, name=str(file.path), place=place)
            case _:
                return Source(kind=Kind.DEFAULT)


HOME = "https://github.com/testery-gate/testery-gate"
"""Where the documents are."""
ALL_CODES: dict[ExitCode, str] = dict.fromkeys(ExitCode, "")
"""The exit codes of a gate; where a command gives one another meaning, that meaning."""
OWN_CODES: dict[ExitCode, str] = dict.fromkeys(
    (ExitCode.USAGE, ExitCode.INTERNAL, ExitCode.INTERRUPTED, ExitCode.TERMINATED), ""
)
"""Those that any command may end with."""
ASKING_CODES: dict[ExitCode, str] = OWN_CODES | dict.fromkeys(
    (ExitCode.UNAUTHORIZED, ExitCode.UNAVAILABLE), ""
)
"""Those of a command that asks the API."""


class Command(click.Command):
    """A command whose help begins with examples, and ends with exit codes and an address."""

    def __init__(
        self,
        *arguments: Any,
        examples: Sequence[str] = (),
        codes: Mapping[ExitCode, str] | None = None,
        page: str = "",
        **attributes: Any,
    ) -> None:
        super().__init__(*arguments, **attributes)
        self.examples = examples
        self.codes = codes or {}
        self.address = f"{HOME}/blob/main/docs/{page}" if page else HOME

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples before the text, without folding lines, so that they can be copied."""
        with formatter.section("Examples"):
            formatter.write("".join(f"  {example}\n" for example in self.examples))
        super().format_help_text(ctx, formatter)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the exit codes that the command may end with, and where the documents are."""
        if self.codes:
            with formatter.section("Exit codes"):
                formatter.write_dl(self.exit_codes())
        with formatter.section("Documents"):
            formatter.write(f"  {self.address}\n")

    def get_short_help_str(self, limit: int = 0) -> str:
        """Return the whole first line of the text, whatever the limit: a list folds it."""
        return (self.help or "").partition("\n")[0]

    def exit_codes(self) -> list[tuple[str, str]]:
        """Return each code with what it means."""
        return [
            (str(int(code)), f"{code.outcome.replace('_', ' ')}: {meaning or code.meaning}")
            for code, meaning in sorted(self.codes.items())
        ]


class SectionedCommand(Command):
    """A command whose help groups its settings by section."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write one list of options a section, in the order of declaration."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for option in self.get_params(ctx):
            record = option.get_help_record(ctx) if isinstance(option, click.Option) else None
            if record is not None:
                section = option.section if isinstance(option, Setting) else "Other"
                sections.setdefault(section, []).append(record)
        for section, records in sections.items():
            with formatter.section(section):
                formatter.write_dl(records)


class Parsed(click.ParamType):  # type: ignore[type-arg]  # generic only from click 8.4 on
    """A value that one of our own parsers reads; its ValueError is the message."""

    def __init__(
        self, name: str, parse: Callable[[str], object], *, beginnings: Iterable[str] = ()
    ) -> None:
        self.name = name
        self._parse = parse
        self._beginnings = beginnings

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> object:
        """Parse what came from a flag, a variable or a file."""
        try:
            return self._parse(str(value).strip())
        except ValueError as error:
            self.fail(str(error), param, ctx)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem[str]]:
        """Suggest how a value begins."""
        return suggestions(self._beginnings, incomplete, kind="open")


def suggestions(
    texts: Iterable[str], incomplete: str, *, kind: str = "plain"
) -> list[CompletionItem[str]]:
    """Return those of the texts that begin with the given one, as suggestions for a shell."""
    return [CompletionItem(text, type=kind) for text in texts if text.startswith(incomplete)]


def some(*texts: str) -> Completer:
    """Return a function that suggests some of the values that an option takes."""
    return lambda _ctx, _param, incomplete: suggestions(texts, incomplete)


def any_file(_: click.Context, __: click.Parameter, ___: str) -> list[CompletionItem[str]]:
    """Suggest files."""
    return suggestions([""], "", kind="file")


def assigned_files(names: Collection[str]) -> Completer:
    """Return a function that suggests ``NAME=``, and files after that."""

    def suggest(
        _: click.Context, __: click.Parameter, incomplete: str
    ) -> list[CompletionItem[str]]:
        name, equals, _path = incomplete.partition("=")
        if equals and name in names:
            return [CompletionItem(incomplete, type="file", after=f"{name}=")]
        return suggestions((f"{name}=" for name in names), incomplete, kind="open")

    return suggest


def _expectation(text: str) -> Expectation:
    name, equals, value = text.partition("=")
    value = clean_line(value)  # as the run's own values are
    fields = {field.value: field for field in EXPECTABLE}
    if not equals or not value or name not in fields:
        raise ValueError(
            f"{text!r} is not an expectation; write FIELD=VALUE with {', '.join(fields)}"
        )
    return Expectation(field=fields[name], value=value)


def _appearance(text: str) -> Fraction | None:
    return None if text == "auto" else parse_duration(text)


def _interval(text: str) -> Fraction | None:
    if text == "auto":
        return None
    seconds = parse_duration(text)
    if seconds < 1:
        raise CriterionError(f"an interval of {text} is too short; the minimum is 1s")
    return seconds


def _span(text: str) -> Fraction:
    """Read a duration, or a number of days (``7d``), as seconds."""
    days = re.fullmatch(r"(\d{1,6})d", text, re.ASCII)
    return Fraction(86400 * int(days[1])) if days else parse_duration(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class LookbackSpan:
    """How far back to look; ``None`` is no limit by age."""

    seconds: Fraction | None
    runs: int

    def __str__(self) -> str:
        age = "" if self.seconds is None else f"{format_value(self.seconds, Unit.TIME)},"
        return f"{age}{self.runs}"


def _lookback(text: str) -> LookbackSpan:
    span, comma, number = text.partition(",")
    if not comma and span.isdecimal():
        span, number = "", span
    if number and not (number.isdecimal() and 0 < int(number) <= _MOST_RUNS):
        raise ValueError(f"{number!r} is not a number of runs from 1 to {_MOST_RUNS}")
    return LookbackSpan(
        seconds=_span(span) if span else None, runs=int(number) if number else _MOST_RUNS
    )


_MOST_RUNS = 100_000


def _baseline(text: str) -> Previous | int | Path:
    if text == "previous":
        return Previous()
    if text.isdecimal() or "://" in text:
        return parse_reference(text).run_id
    return Path(text)


def baselines(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """Suggest the previous run, or files."""
    words = suggestions(["previous"], incomplete) if incomplete else []
    return words or suggestions([""], "", kind="file")


CRITERION = Parsed("EXPR", parse_criterion, beginnings=[metric.value for metric in Metric])
EXPECTATION = Parsed(
    "FIELD=VALUE", _expectation, beginnings=[f"{field.value}=" for field in EXPECTABLE]
)
DURATION = Parsed("DURATION", parse_duration)
SPAN = Parsed("SPAN", _span)
LOOKBACK = Parsed("SPAN,N", _lookback)
INTERVAL = Parsed("DURATION", _interval)
APPEARANCE = Parsed("DURATION", _appearance)
BASELINE = Parsed("previous|RUN|FILE", _baseline)
