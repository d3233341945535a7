"""Where the API token comes from: an option, a file, a variable, or a profile."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from testery_gate.api.time_limit import TookTooLong, within
from testery_gate.errors import UsageError

FILE_SECONDS = 60.0
"""How long a file may take to give the token: it may be a pipe."""
TOKEN_VARIABLES = ("TESTERY_API_TOKEN", "TESTERY_TOKEN")
CODE_HOST_VARIABLE = "TESTERY_GATE_CODE_HOST_TOKEN"
_SHORTEST_TOKEN = 8
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


def redacted(text: str, environment: Mapping[str, str]) -> str:
    """Return a text of our own without the tokens of the environment.

    A token that somebody put into another option would be quoted in the message about it. Values
    that are shorter than any real token are left, because other texts hold them too.
    """
    values = [environment.get(name, "").strip() for name in (*TOKEN_VARIABLES, CODE_HOST_VARIABLE)]
    tokens = [value for value in values if len(value) >= _SHORTEST_TOKEN]
    if not tokens:
        return text
    from testery_gate.redaction import Redaction  # of use only where something is wrong

    return Redaction(*tokens)(text)


def find_token(
    *,
    flag: str | None,
    file: str | None,
    profile: str,
    environment: Mapping[str, str],
    home: Path | None,
    read_stdin: Callable[[], str],
    file_seconds: float = FILE_SECONDS,
) -> Token:
    """Take the token from the first source that has one; raises :class:`UsageError`."""
    if flag:
        return _usable(flag, "--token")
    if file:
        read = read_stdin if file == "-" else lambda: _content(file, file_seconds)
        return _token_from_file(file, read)
    for name in TOKEN_VARIABLES:
        if environment.get(name, "").strip():
            return _usable(environment[name], f"environment variable {name}")
    token = _token_from_profile(profile, home)
    if token is None:
        raise UsageError("there is no API token", advice=_HOW_TO_NAME_ONE)
    return token


def find_code_host_token(
    file: str | None, environment: Mapping[str, str], file_seconds: float = FILE_SECONDS
) -> Token:
    """Take the token for the system that hosts the code from a file, or else from its variable.

    Raises :class:`UsageError`.
    """
    value, source = environment.get(CODE_HOST_VARIABLE, ""), f"variable {CODE_HOST_VARIABLE}"
    if file:
        source = describe_token_file(file)
        try:
            value = _content(file, file_seconds)
        except TookTooLong:
            raise UsageError(f"{source} did not end in time, so there is no token") from None
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


def _token_from_file(name: str, read: Callable[[], str]) -> Token:
    source = describe_token_file(name)
    try:
        text = read()
    except TookTooLong:
        raise UsageError(
            f"{source} did not end in time, so there is no token",
            advice="Is what writes into it stuck? Set TESTERY_API_TOKEN, or name another file.",
        ) from None
    except OSError as error:
        raise UsageError(
            f"the token can't be read from {source}: {error.strerror}", advice=_HOW_TO_NAME_ONE
        ) from None
    except ValueError:
        raise UsageError(f"the token in {source} is not text", advice=_HOW_TO_NAME_ONE) from None
    if not text.strip():
        raise UsageError(f"there is no token in {source}: it is empty", advice=_HOW_TO_NAME_ONE)
    return _usable(text, source)


def _content(name: str, seconds: float) -> str:
    """Read a file, or a pipe; raises :class:`TookTooLong`, ``OSError`` and ``ValueError``."""
    return within(seconds, lambda _: Path(name).read_text(encoding="utf-8"))


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
