"""Where settings come from: the configuration file, the token, the API's address.

Flags and environment variables are read by click; their precedence over the file, and the file's
over the defaults, is click's own (flag, variable, file, default).
"""

from __future__ import annotations

import ipaddress
import os
import re
import stat
import urllib.parse
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from testery_gate.errors import UsageError

DEFAULT_API_URL = "https://api.testery.io/api"
ENVIRONMENT_PREFIX = "TESTERY_GATE_"
PROJECT_FILE = "testery-gate.toml"
TOKEN_VARIABLES = ("TESTERY_API_TOKEN", "TESTERY_TOKEN")
LARGEST_FILE = 1024 * 1024
"""Bytes of a configuration file; more is not read."""

_NOT_IN_FILES = ("config", "debug", "token", "trust-config")
_STEERING = {
    "api-url": "decides who gets the token",
    "token-file": "decides whose token is used",
    "profile": "decides whose token is used",
}
"""What a file may set only where it is trusted, and why."""
_WRITING = ("junit-xml", "report")
"""What names a file to be written."""

_WITHOUT_FILE = "Mend it, name another with --config, or do without: --config /dev/null."
_HOW_TO_NAME_ONE = (
    "Set TESTERY_API_TOKEN, or name a file with --token-file"
    " (Testery shows the token under Settings, Integrations, Show API Token)."
)
_LIKE_THIS = f"It must look like {DEFAULT_API_URL}, which is what it is by default."


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """The API token; its source may be printed, its value never."""

    value: str = field(repr=False)
    source: str


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
    import tomllib

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
            import difflib

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


def without_token(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for a program that has no business with the token."""
    tokens = {*TOKEN_VARIABLES, f"{ENVIRONMENT_PREFIX}TOKEN"}
    return {name: value for name, value in environment.items() if name not in tokens}


def find_token(
    *,
    flag: str | None,
    file: str | None,
    profile: str,
    environment: Mapping[str, str],
    home: Path | None,
    read_stdin: Callable[[], str],
) -> Token:
    """Take the token from the first source that has one; raises :class:`UsageError`."""
    if flag:
        return _usable(Token(value=flag, source="--token"))
    if file:
        return _usable(_token_from_file(file, read_stdin))
    for name in TOKEN_VARIABLES:
        if environment.get(name, "").strip():
            found = Token(value=environment[name], source=f"environment variable {name}")
            return _usable(found)
    token = _token_from_profile(profile, home)
    if token is None:
        raise UsageError(
            "there is no API token",
            advice=_HOW_TO_NAME_ONE,
        )
    return _usable(token)


def describe_token_file(name: str) -> str:
    """Name the source that ``--token-file`` stands for."""
    return "standard input" if name == "-" else f"file {name}"


def _token_from_file(name: str, read_stdin: Callable[[], str]) -> Token:
    source = describe_token_file(name)
    try:
        text = read_stdin() if name == "-" else Path(name).read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"the token can't be read from {source}: {error.strerror}", advice=_HOW_TO_NAME_ONE
        ) from None
    except ValueError:
        raise UsageError(f"the token in {source} is no text", advice=_HOW_TO_NAME_ONE) from None
    if not text.strip():
        raise UsageError(f"there is no token in {source}: it is empty", advice=_HOW_TO_NAME_ONE)
    return Token(value=text, source=source)


def _token_from_profile(profile: str, home: Path | None) -> Token | None:
    if home is None:
        return None
    import configparser

    path = home / ".testery" / "credentials"
    parser = configparser.ConfigParser(interpolation=None, default_section="")
    try:
        with path.open(encoding="utf-8") as stream:
            parser.read_file(stream)
    except OSError:
        return None
    except (configparser.Error, UnicodeDecodeError):
        # The parser's own message quotes the line, and with it the token.
        raise UsageError(f"{path} is no valid credentials file", advice=_HOW_TO_NAME_ONE) from None
    value = parser.get(profile, "token", fallback="")
    source = f"profile {profile} in {path}"
    return Token(value=value, source=source) if value.strip() else None


def _usable(token: Token) -> Token:
    value = token.value.strip()
    if not re.fullmatch(r"[!-~]+", value):
        raise UsageError(
            f"the token from {token.source} has blanks or signs that no token has",
            advice="Copy it again (Testery: Settings, Integrations, Show API Token).",
        )
    return Token(value=value, source=token.source)


def check_api_url(text: str) -> str:
    """Return the API's base address; raises :class:`UsageError` where it isn't safe to use."""
    try:
        parts = urllib.parse.urlsplit(text)
        host = parts.hostname
        _ = parts.port
    except ValueError as error:
        raise UsageError(f"--api-url is no address: {error}", advice=_LIKE_THIS) from None
    if "@" in parts.netloc:
        raise UsageError("--api-url must hold no user name or password", advice=_LIKE_THIS)
    if parts.scheme not in {"http", "https"} or not host:
        raise UsageError(f"--api-url must look like {DEFAULT_API_URL}, not {text!r}")
    if parts.query or parts.fragment:
        raise UsageError("--api-url must end in a path, without ? or #", advice=_LIKE_THIS)
    if parts.scheme == "http" and not _is_loopback(host):
        raise UsageError(
            f"--api-url is plain http to {host}, which would show the token to the network",
            advice="Use https; plain http is for addresses of this machine only.",
        )
    return text.rstrip("/")


def _is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
