"""The configuration file: where it is looked for, and what it may set.

Flags and environment variables are read by click; their precedence over the file, and the file's
over the defaults, is click's own (flag, variable, file, default).
"""

from __future__ import annotations

import difflib
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from testery_gate.errors import UsageError
from testery_gate.reports import split_report

if TYPE_CHECKING:
    from testery_gate.toml import Toml

ENVIRONMENT_PREFIX = "TESTERY_GATE_"
PROJECT_FILE = "testery-gate.toml"
SHARED_FILE = "pyproject.toml"
LARGEST_FILE = {PROJECT_FILE: 64 * 1024, SHARED_FILE: 256 * 1024}
"""Bytes of a configuration file; more is not read."""

_STEERING = {
    "api-url": "decides who gets the token",
    "token-file": "decides whose token is used",
    "profile": "decides whose token is used",
    "ci": "decides which commands the CI system gets",
    "comment": "decides what is said with the code host's token",
    "comment-key": "decides which comment is replaced",
    "commit-status": "decides what is said with the code host's token",
    "status-context": "decides which status is set",
    "code-host": "decides who gets the code host's token",
    "code-host-token-file": "decides whose token is used",
    **dict.fromkeys(
        (
            *("project", "branch", "test-suite", "include-tags", "exclude-tags", "variable"),
            "no-vcs-status",
        ),
        "decides what is started in Testery",
    ),
    **dict.fromkeys(
        ("cancel-on-interrupt", "cancel-when-decided"), "decides what is canceled in Testery"
    ),
}
_WITHOUT_FILE = "Fix it, name another with --config, or ignore it with --no-config."


class InFile(Enum):
    """What a setting does; that decides whether a file may set it.

    The author of a proposed change can also change the file, which is read by a gate with a token.
    """

    HARMLESS = "harmless"
    """How long to wait, what to show: a file may set it."""
    SELECTS = "selects"
    """Which runs are meant: a file may say so where no flag or variable does."""
    CRITERION = "criterion"
    """What must hold: a file may add to what flags and variables require."""
    LOOSENS = "loosens"
    """What need not hold: a file may set it where flags and variables require nothing."""
    WRITES = "writes"
    """Which file is written: a file may name new ones in the working directory, and reports."""
    JUDGES = "judges"
    """Whose failures count: only a file that is trusted may say so, and it is a criterion too."""
    TRUSTED = "trusted"
    """What only a file that is trusted may set."""
    NEVER = "never"
    """What no file may set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigFile:
    """The settings of one file, keyed by option name (``max-failed``)."""

    path: Path
    values: Mapping[str, object]
    lines: Mapping[str, int]
    """The line of each setting, where it is known."""

    def place(self, name: str) -> str:
        """Return where a setting is."""
        line = self.lines.get(name)
        return f"{self.path}" if line is None else f"{self.path}, line {line}"


def read_config(
    explicit: Path | None, folder: Path, known: Mapping[str, InFile]
) -> ConfigFile | None:
    """Read ``explicit``, else ``testery-gate.toml`` or ``pyproject.toml`` in ``folder``.

    ``known`` are the settings there are. Raises :class:`UsageError`.
    """
    places = (folder / PROJECT_FILE, folder / SHARED_FILE) if explicit is None else (explicit,)
    for path in places:
        if explicit is None and not os.path.lexists(path):
            continue
        found = _read_toml(path, regular=explicit is None)
        section = _SECTION if path.name == SHARED_FILE else ""
        values = _section(path, found.values) if section else found.values
        if values is not None:
            return _checked(path, values, found.lines(section), known)
    if explicit is not None:
        raise UsageError(
            f"{explicit} has no section [{_SECTION}]",
            advice="Add it, or name another file with --config.",
        )
    return None


_SECTION = "tool.testery-gate"


def _read_toml(path: Path, *, regular: bool = False) -> Toml:
    """Read a file; with ``regular``, refuse pipes and the like. Raises :class:`UsageError`."""
    most = LARGEST_FILE[SHARED_FILE if path.name == SHARED_FILE else PROJECT_FILE]
    try:
        # The gate would wait for ever for a pipe that somebody put into the project.
        if regular and not stat.S_ISREG(path.stat().st_mode):
            raise UsageError(
                f"{path} can't be read: it is not a regular file", advice=_WITHOUT_FILE
            )
        with path.open("rb") as stream:
            content = stream.read(most + 1)
    except OSError as error:
        raise UsageError(f"{path} can't be read: {error.strerror}", advice=_WITHOUT_FILE) from None
    if len(content) > most:
        raise UsageError(
            f"{path} is not a configuration file: it is larger than {most // 1024} KiB",
            advice=_WITHOUT_FILE,
        )
    from testery_gate.toml import parse_toml  # most projects have no such file

    return parse_toml(content, str(path), advice=_WITHOUT_FILE)


def _section(path: Path, whole: Mapping[str, object]) -> dict[str, object] | None:
    """Return the section, or ``None`` where there is none; one that is no table is an error."""
    tools = whole.get("tool", {})
    section = tools.get("testery-gate") if isinstance(tools, dict) else tools
    if section is None or isinstance(section, dict):
        return section
    raise UsageError(
        f"[{_SECTION}] of {path} is not a table of settings",
        advice="Write a line NAME = VALUE for each setting below it.",
    )


def _checked(
    path: Path,
    values: Mapping[str, object],
    lines: Mapping[str, int],
    known: Mapping[str, InFile],
) -> ConfigFile:
    file = ConfigFile(
        path=path,
        values={key: value for key, value in _stripped(values).items() if value not in ("", [])},
        lines=lines,
    )
    allowed = sorted(name for name, use in known.items() if use is not InFile.NEVER)
    for key, value in values.items():
        place = file.place(key)
        if known.get(key) is InFile.NEVER:
            raise UsageError(
                f"{place} sets {key}, which a file can't set; use a flag or a variable"
            )
        if key not in known:
            near = difflib.get_close_matches(key, allowed, n=1)
            hint = f"did you mean {near[0]}?" if near else f"the settings are {', '.join(allowed)}"
            raise UsageError(f"{place} sets {key!r}, which is not a setting; {hint}")
        items = value if isinstance(value, list) else [value]
        if not all(isinstance(item, str | int | float) for item in items):
            raise UsageError(
                f"{place} sets {key} to something that is not a text, number, true, false or list"
            )
        if any(isinstance(item, int) and abs(item) >= 2**63 for item in items):
            raise UsageError(
                f"{place} sets {key} to a number that is too large",
                advice="'testery-gate wait --help' says what each setting takes.",
            )
    return file


def _stripped(values: Mapping[str, object]) -> Mapping[str, object]:
    """Return texts without blanks at both ends, and lists without blank texts."""
    return {
        key: [item for item in map(_strip, value) if item != ""]
        if isinstance(value, list)
        else _strip(value)
        for key, value in values.items()
    }


def _strip(value: object) -> object:
    return value.strip() if isinstance(value, str) else value


def check_trusted(file: ConfigFile, name: str, use: InFile) -> None:
    """Refuse what only a file that is trusted may set; raises :class:`UsageError`."""
    if use in {InFile.TRUSTED, InFile.JUDGES}:
        judges = use is InFile.JUDGES
        default = "decides whose failures count" if judges else "is not for a change to decide"
        why = _STEERING.get(name, default)
        raise UsageError(
            f"{file.place(name)} sets {name}, which {why}; a file must not set it",
            advice=f"Use --{name} or {ENVIRONMENT_PREFIX}{name.upper().replace('-', '_')}"
            " instead, or trust the file with --trust-config.",
        )
    if use is InFile.WRITES:
        value = file.values[name]
        for item in value if isinstance(value, list) else [value]:
            path = split_report(str(item))[1] if name == "report" else str(item)
            if path not in {"", "-"} and not _is_inside(path):
                raise UsageError(
                    f"{file.place(name)} sets {name} to {str(item)!r}, which is not inside the"
                    " working directory",
                    advice=f"Use --{name} instead, or trust the file with --trust-config.",
                )


def _is_inside(path: str) -> bool:
    """Whether a path leads to somewhere in the working directory, whatever links it takes."""
    try:
        return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(os.curdir))
    except (OSError, ValueError):  # the directory is gone, or the path has a zero character
        return False
