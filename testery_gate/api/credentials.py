"""Where the API token comes from: an option, a file, a variable, or a profile."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from testery_gate.errors import UsageError

TOKEN_VARIABLES = ("TESTERY_API_TOKEN", "TESTERY_TOKEN")
CODE_HOST_VARIABLE = "TESTERY_GATE_CODE_HOST_TOKEN"
_HOW_TO_NAME_ONE = (
    "Set TESTERY_API_TOKEN, or name a file with --token-file"
    " (Testery shows the token under Settings, Integrations, Show API Token)."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """The API token; its source may be printed, its value never."""

    value: str = field(repr=False)
    source: str


def without_token(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without the tokens, for a program that does not need them.

    The variables for a run are removed too, because some are secret.
    """
    tokens = {*TOKEN_VARIABLES, CODE_HOST_VARIABLE, "TESTERY_GATE_TOKEN", "TESTERY_GATE_VARIABLE"}
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
        return _usable(flag, "--token")
    if file:
        return _token_from_file(file, read_stdin)
    for name in TOKEN_VARIABLES:
        if environment.get(name, "").strip():
            return _usable(environment[name], f"environment variable {name}")
    token = _token_from_profile(profile, home)
    if token is None:
        raise UsageError("there is no API token", advice=_HOW_TO_NAME_ONE)
    return token


def find_code_host_token(file: str | None, environment: Mapping[str, str]) -> Token:
    """Take the token for the system that hosts the code from a file, or else from its variable.

    Raises :class:`UsageError`.
    """
    value, source = environment.get(CODE_HOST_VARIABLE, ""), f"variable {CODE_HOST_VARIABLE}"
    if file:
        source = describe_token_file(file)
        try:
            value = Path(file).read_text(encoding="utf-8")
        except (OSError, ValueError):
            raise UsageError(f"the token can't be read from {source}") from None
    if not value.strip():
        raise UsageError(
            f"there is no token for the code host: set {CODE_HOST_VARIABLE}, or name a file with"
            " --code-host-token-file"
        )
    return _usable(value, source)


def describe_token_file(name: str) -> str:
    """Return the name of the source that ``--token-file`` stands for."""
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
        raise UsageError(f"the token in {source} is not text", advice=_HOW_TO_NAME_ONE) from None
    if not text.strip():
        raise UsageError(f"there is no token in {source}: it is empty", advice=_HOW_TO_NAME_ONE)
    return _usable(text, source)


def _token_from_profile(profile: str, home: Path | None) -> Token | None:
    if home is None:
        return None
    import configparser  # most tokens come from elsewhere

    path = home / ".testery" / "credentials"
    parser = configparser.ConfigParser(interpolation=None, default_section="")
    try:
        with path.open(encoding="utf-8") as stream:
            parser.read_file(stream)
    except OSError:
        return None
    except (configparser.Error, UnicodeDecodeError):
        # The parser's own message quotes the line, which may hold the token.
        raise UsageError(
            f"{path} is not a valid credentials file", advice=_HOW_TO_NAME_ONE
        ) from None
    value = parser.get(profile, "token", fallback="")
    return _usable(value, f"profile {profile} in {path}") if value.strip() else None


def _usable(text: str, source: str) -> Token:
    value = text.strip()
    if not re.fullmatch(r"[!-~]+", value):
        raise UsageError(
            f"the token from {source} contains spaces or other invalid characters",
            advice="Copy it again (Testery: Settings, Integrations, Show API Token).",
        )
    return Token(value=value, source=source)
