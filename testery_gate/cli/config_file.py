"""The configuration file: where it is looked for, and what it may set.

Flags and environment variables are read by click; their precedence over the file, and the file's
over the defaults, is click's own (flag, variable, file, default).
"""

from __future__ import annotations

import difflib
import os
import stat
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from testery_gate.errors import UsageError

ENVIRONMENT_PREFIX = "TESTERY_GATE_"
PROJECT_FILE = "testery-gate.toml"
LARGEST_FILE = 1024 * 1024
"""Bytes of a configuration file; more is not read."""

_NOT_IN_FILES = ("config", "debug", "no-config", "token", "trust-config")
_STEERING = {
    "api-url": "decides who gets the token",
    "token-file": "decides whose token is used",
    "profile": "decides whose token is used",
}
"""What a file may set only where it is trusted, and why."""
_WRITING = ("junit-xml", "report")
"""What names a file to be written."""

_WITHOUT_FILE = "Mend it, name another with --config, or do without: --no-config."


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigFile:
    """The settings of one file, keyed by option name (``max-failed``)."""

    path: Path
    values: Mapping[str, object]


def read_config(explicit: Path | None, folder: Path, known: Collection[str]) -> ConfigFile | None:
    """Read ``explicit``, else ``testery-gate.toml`` or ``pyproject.toml`` in ``folder``.

    ``known`` are the option names there are. Raises :class:`UsageError`.
    """
    if explicit is not None:
        whole = _read_toml(explicit)
        values = _section(explicit, whole) if explicit.name == "pyproject.toml" else whole
        if values is None:
            raise UsageError(
                f"{explicit} has no section [tool.testery-gate]",
                advice="Add it, or name another file with --config.",
            )
        return _checked(explicit, values, known)
    own = folder / PROJECT_FILE
    if os.path.lexists(own):
        return _checked(own, _read_toml(own, found=True), known)
    shared = folder / "pyproject.toml"
    if os.path.lexists(shared):
        section = _section(shared, _read_toml(shared, found=True))
        if section is not None:
            return _checked(shared, section, known)
    return None


def _read_toml(path: Path, *, found: bool = False) -> dict[str, object]:
    """Read a file; one that was ``found``, not named, has to be a regular one."""
    try:
        # A pipe that somebody put in the project would be waited for without end.
        if found and not stat.S_ISREG(path.stat().st_mode):
            raise UsageError(f"{path} can't be read: it is no regular file", advice=_WITHOUT_FILE)
        with path.open("rb") as stream:
            content = stream.read(LARGEST_FILE + 1)
        if len(content) > LARGEST_FILE:
            raise UsageError(
                f"{path} is no configuration file: it is larger than 1 MiB", advice=_WITHOUT_FILE
            )
        return tomllib.loads(content.decode())
    except OSError as error:
        raise UsageError(f"{path} can't be read: {error.strerror}", advice=_WITHOUT_FILE) from None
    except (ValueError, RecursionError) as error:  # also for a number of 5,000 digits
        raise UsageError(f"{path} is no valid TOML: {error}", advice=_WITHOUT_FILE) from None


def _section(path: Path, whole: Mapping[str, object]) -> dict[str, object] | None:
    """Return the section, or ``None`` where there is none; one that is no table is an error."""
    tools = whole.get("tool", {})
    section = tools.get("testery-gate") if isinstance(tools, dict) else tools
    if section is None or isinstance(section, dict):
        return section
    raise UsageError(
        f"[tool.testery-gate] of {path} is no table of settings",
        advice="Write a line NAME = VALUE for each setting below it.",
    )


def _checked(path: Path, values: Mapping[str, object], known: Collection[str]) -> ConfigFile:
    allowed = sorted(set(known).difference(_NOT_IN_FILES))
    for key, value in values.items():
        if key in _NOT_IN_FILES:
            raise UsageError(f"{path} sets {key}, which no file can; use a flag or a variable")
        if key not in allowed:
            near = difflib.get_close_matches(key, allowed, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(allowed)}"
            raise UsageError(f"{path} sets {key!r}, which is no setting; {hint}")
        items = value if isinstance(value, list) else [value]
        if not all(isinstance(item, str | int | float) for item in items):
            raise UsageError(
                f"{path} sets {key} to something that is no text, number, true, false or list"
            )
        if any(isinstance(item, int) and abs(item) >= 2**63 for item in items):
            raise UsageError(
                f"{path} sets {key} to a number that is too large",
                advice="'testery-gate wait --help' says what each setting takes.",
            )
    return ConfigFile(path=path, values=values)


def check_trusted(file: ConfigFile, name: str) -> None:
    """Refuse what a pull request must not decide; raises :class:`UsageError`.

    Whoever proposes a change can change the file too, and it is read where a token is set.
    """
    if name in _STEERING:
        raise UsageError(
            f"{file.path} sets {name}, which {_STEERING[name]}; a file may not",
            advice=f"Use --{name} or {ENVIRONMENT_PREFIX}{name.upper().replace('-', '_')}"
            " instead, or trust the file with --trust-config.",
        )
    if name in _WRITING:
        value = file.values[name]
        for item in value if isinstance(value, list) else [value]:
            path = str(item).partition("=")[2] if name == "report" else str(item)
            if path not in {"", "-"} and not _is_inside(path):
                raise UsageError(
                    f"{file.path} sets {name} to {str(item)!r}, which is not inside the working"
                    " directory",
                    advice=f"Use --{name} instead, or trust the file with --trust-config.",
                )


def _is_inside(path: str) -> bool:
    """Whether a path leads to somewhere in the working directory, whatever links it takes."""
    try:
        return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(os.curdir))
    except (OSError, ValueError):  # the directory is gone, or the path has a zero character
        return False
