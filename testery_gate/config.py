"""Where settings come from: the configuration file, the token, the API's address.

Flags and environment variables are read by click; their precedence over the file, and the file's
over the defaults, is click's own (flag, variable, file, default).
"""

from __future__ import annotations

import configparser
import difflib
import ipaddress
import os
import re
import tomllib
import urllib.parse
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from testery_gate.errors import UsageError

DEFAULT_API_URL = "https://api.testery.io/api"
ENVIRONMENT_PREFIX = "TESTERY_GATE_"
PROJECT_FILE = "testery-gate.toml"
TOKEN_VARIABLES = ("TESTERY_API_TOKEN", "TESTERY_TOKEN")


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

    ``known`` are the option names that a file may set. Raises :class:`UsageError`.
    """
    if explicit is not None:
        whole = _read_toml(explicit)
        values = _section(explicit, whole) if explicit.name == "pyproject.toml" else whole
        if values is None:
            raise UsageError(f"{explicit} has no section [tool.testery-gate]")
        return _checked(explicit, values, known)
    own = folder / PROJECT_FILE
    if os.path.lexists(own):
        return _checked(own, _read_toml(own), known)
    shared = folder / "pyproject.toml"
    if os.path.lexists(shared):
        section = _section(shared, _read_toml(shared))
        if section is not None:
            return _checked(shared, section, known)
    return None


def _read_toml(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path} can't be read: {error.strerror}") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageError(f"{path} is no valid TOML: {error}") from None


def _section(path: Path, whole: Mapping[str, object]) -> dict[str, object] | None:
    """Return the section, or ``None`` where there is none; one that is no table is an error."""
    tools = whole.get("tool", {})
    section = tools.get("testery-gate") if isinstance(tools, dict) else tools
    if section is None or isinstance(section, dict):
        return section
    raise UsageError(f"[tool.testery-gate] of {path} is no table of settings")


def _checked(path: Path, values: Mapping[str, object], known: Collection[str]) -> ConfigFile:
    for key, value in values.items():
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(sorted(known))}"
            raise UsageError(f"{path} sets {key}, which is no setting; {hint}")
        items = value if isinstance(value, list) else [value]
        if not all(isinstance(item, str | int | float) for item in items):
            raise UsageError(
                f"{path} sets {key} to something that is no text, number, true, false or list"
            )
    return ConfigFile(path=path, values=values)


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
    for token in (
        Token(value=flag, source="--token") if flag else None,
        _token_from_file(file, read_stdin) if file else None,
        *(
            Token(value=environment[name], source=f"environment variable {name}")
            for name in TOKEN_VARIABLES
            if environment.get(name, "").strip()
        ),
        _token_from_profile(profile, home),
    ):
        if token is not None:
            return _usable(token)
    raise UsageError(
        "there is no API token",
        advice="Set TESTERY_API_TOKEN, or name a file with --token-file"
        " (Testery shows the token under Settings, Integrations, Show API Token).",
    )


def describe_token_file(name: str) -> str:
    """Name the source that ``--token-file`` stands for."""
    return "standard input" if name == "-" else f"file {name}"


def _token_from_file(name: str, read_stdin: Callable[[], str]) -> Token:
    source = describe_token_file(name)
    try:
        text = read_stdin() if name == "-" else Path(name).read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"the token can't be read from {source}: {error.strerror}") from None
    except ValueError:
        raise UsageError(f"the token in {source} is no text") from None
    if not text.strip():
        raise UsageError(f"there is no token in {source}: it is empty")
    return Token(value=text, source=source)


def _token_from_profile(profile: str, home: Path | None) -> Token | None:
    if home is None:
        return None
    path = home / ".testery" / "credentials"
    parser = configparser.ConfigParser(interpolation=None, default_section="")
    try:
        with path.open(encoding="utf-8") as stream:
            parser.read_file(stream)
    except OSError:
        return None
    except (configparser.Error, UnicodeDecodeError):
        # The parser's own message quotes the line, and with it the token.
        raise UsageError(f"{path} is no valid credentials file") from None
    value = parser.get(profile, "token", fallback="")
    source = f"profile {profile} in {path}"
    return Token(value=value, source=source) if value.strip() else None


def _usable(token: Token) -> Token:
    value = token.value.strip()
    if not re.fullmatch(r"[!-~]+", value):
        raise UsageError(f"the token from {token.source} has blanks or signs that no token has")
    return Token(value=value, source=token.source)


def check_api_url(text: str) -> str:
    """Return the API's base address; raises :class:`UsageError` where it isn't safe to use."""
    try:
        parts = urllib.parse.urlsplit(text)
        host = parts.hostname
        _ = parts.port
    except ValueError as error:
        raise UsageError(f"--api-url is no address: {error}") from None
    if "@" in parts.netloc:
        raise UsageError("--api-url must hold no user name or password")
    if parts.scheme not in {"http", "https"} or not host:
        raise UsageError(f"--api-url must look like {DEFAULT_API_URL}, not {text!r}")
    if parts.query or parts.fragment:
        raise UsageError("--api-url must end in a path, without ? or #")
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
