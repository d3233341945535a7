"""From click's values to how the API is asked: its address, and the token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from testery_gate.api.address import check_api_url
from testery_gate.api.connection import direct_route
from testery_gate.api.credentials import Token, describe_token_file, find_token
from testery_gate.api.time_limit import TookTooLong
from testery_gate.cli.given import Given, Values
from testery_gate.cli.process import Machine
from testery_gate.errors import UsageError

TOKEN_SECONDS = 60.0
"""How long the token may take to come on standard input."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionOptions:
    """How the API is asked."""

    api_url: str
    token: Token
    secrets: Sequence[str] = field(default=(), repr=False)
    """Secrets besides the token that must not be shown."""


def connection_options(values: Values, machine: Machine, given: Given) -> ConnectionOptions:
    """Return the address and the token; an error names the option or variable that is wrong."""
    address = api_url(values, given)
    with given.placed("token" if values["token"] else "token_file"):
        return ConnectionOptions(api_url=address, token=token_of(values, machine))


def api_url(values: Values, given: Given) -> str:
    """Return the address; raises :class:`UsageError` for none, or one to which no token may go."""
    with given.placed("api_url"):
        return direct_route(check_api_url(values["api_url"])).url


def _token_of_stdin(machine: Machine) -> str:
    try:
        return machine.read_stdin(TOKEN_SECONDS)
    except TookTooLong:
        raise UsageError(
            f"standard input did not end within {TOKEN_SECONDS:.0f} s, so there is no token",
            advice="Is what writes into it stuck? Set TESTERY_API_TOKEN, or name a file.",
        ) from None


def token_of(values: Values, machine: Machine) -> Token:
    """Return the token, which may have to be read from standard input."""
    return find_token(
        flag=values["token"],
        file=values["token_file"],
        profile=values["profile"],
        environment=machine.environment,
        home=machine.home,
        read_stdin=lambda: _token_of_stdin(machine),
    )


def token_source(values: Values, machine: Machine) -> str:
    """Return where the token would come from, without reading a token file.

    Raises :class:`UsageError` where there is none.
    """
    if values["token_file"] and not values["token"]:
        return describe_token_file(values["token_file"])
    return token_of({**values, "token_file": None}, machine).source
