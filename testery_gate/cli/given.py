"""Which values come from where, and what a configuration file may set beside flags and variables.

The file comes with the change under test. Where flags and variables say which run is meant or what
must hold, the file may require more, but it may not remove anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from testery_gate.cli.config_file import InFile
from testery_gate.cli.option_types import Kind, Setting, Source
from testery_gate.errors import UsageError
from testery_gate.judging.criteria import Criterion
from testery_gate.judging.policy import Policy

Values = Mapping[str, Any]
"""Click's values, by the names of their parameters."""
DESCRIBING = (
    *("git_ref", "build_key", "environment", "project_id", "name", "include_tag", "status"),
    *("latest", "each", "every", "deploy_id"),
)
"""The parameters that say which runs are meant."""
STARTING = ("project", "branch", "test_suite", "include_tags", "exclude_tags", "variable")
"""Those that say what is started, which describes a run as well."""
_ASKING = (InFile.CRITERION, InFile.LOOSENS, InFile.JUDGES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """The values of a command's settings, by the names of their parameters, and what set them."""

    values: Values
    settings: Mapping[str, Setting]
    sources: Mapping[str, Source]
    notes: Sequence[str] = ()
    """What every report shows of how the gate is set up."""

    def named(self, name: str) -> str:
        """Return an option's name, and what set it if that is not its flag."""
        return f"--{self.settings[name].option_name}{self.place(name)}"

    def origin(self, name: str) -> str:
        """Return the configuration file that sets an option, or nothing."""
        source = self.sources[name]
        return source.name if source.kind is Kind.FILE else ""

    def place(self, name: str) -> str:
        """Return where a value comes from, as the end of a message; nothing for a flag."""
        place = self.sources[name].place
        return place and f" (from {place})"

    def filled(self, name: str) -> Any:
        """Return a value; raises :class:`UsageError` for an empty text."""
        value = self.values[name]
        if value is not None and not value.strip():
            raise UsageError(
                f"{self.named(name)} is empty",
                advice="Check that its variable is set, or leave the option out.",
            )
        return value

    @contextmanager
    def placed(self, name: str) -> Iterator[None]:
        """Add to an error in a value where the value came from, if not from a flag."""
        try:
            yield
        except UsageError as error:
            message = f"{error.message}{self.place(name)}"
            raise UsageError(message, advice=error.advice) from None

    def check_limits(self) -> None:
        """Raise :class:`UsageError` for settings of a file that flags and variables rule out."""
        if self.values["trust_config"]:
            return
        given = self._by(Kind.FLAG, Kind.VARIABLE)
        describing = [name for name in given if name in (*DESCRIBING, *STARTING)]
        asking = [name for name in given if self.settings[name].in_file in _ASKING]
        for name in self._by(Kind.FILE):
            match self.settings[name].in_file:
                case InFile.SELECTS if describing:
                    self._refuse(name, "says which run is meant", describing)
                case InFile.LOOSENS if describing or asking:
                    self._refuse(name, "takes from what must hold", (*describing, *asking))
                case InFile.CRITERION if describing or asking:
                    replaced = self._replaced(name, asking)
                    if replaced:
                        what = f"stands in for the default {replaced[0]}"
                        self._refuse(name, what, (*describing, *asking))
                case _:
                    pass

    def selection_note(self) -> Sequence[str]:
        """Return a note where a file says which run is meant."""
        names = [n for n in self._by(Kind.FILE) if self.settings[n].in_file is InFile.SELECTS]
        options = ", ".join(self.settings[name].option_name for name in names)
        return [f"{self.origin(names[0])} says which run is meant: {options}"] if names else []

    def _by(self, *kinds: Kind) -> Sequence[str]:
        """Return the names of settings that one of these kinds of places sets to a value."""
        return [
            name
            for name, source in self.sources.items()
            if source.kind in kinds and is_given(self.values.get(name))
        ]

    def _replaced(self, name: str, asking: Sequence[str]) -> Sequence[Criterion]:
        """Return the defaults that only this setting's criteria replace."""
        already = Policy(required=self._required(asking)).replaced
        own = Policy(required=self._required([name])).replaced
        return [default for default in own if default not in already]

    def _required(self, names: Sequence[str]) -> tuple[Criterion, ...]:
        found: list[Criterion] = []
        for name in names:
            value = self.values[name]
            items = value if isinstance(value, tuple) else (value,)
            if name != "warn":  # which decides nothing
                found += [item for item in items if isinstance(item, Criterion)]
        return tuple(found)

    def _refuse(self, name: str, what: str, others: Sequence[str]) -> None:
        option = self.settings[name].option_name
        place = self.sources[name].place
        raise UsageError(
            f"{place} sets {option}, which {what}, beside {', '.join(map(self.named, others))}",
            advice=f"A file may add to what flags and variables ask for. Use --{option} instead, or"
            " trust the file with --trust-config, or do without it: --no-config.",
        )


def is_given(value: object) -> bool:
    """Whether a value is set: not absent, false or empty."""
    return value is not None and value is not False and value != ()
