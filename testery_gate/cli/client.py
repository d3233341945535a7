"""From options to the client that asks the API."""

from __future__ import annotations

from collections.abc import Callable

from testery_gate.api.client import Limits, TesteryClient
from testery_gate.api.connection import find_route
from testery_gate.api.transport import Transport
from testery_gate.cli.arguments import ConnectionOptions


def connect(
    connection: ConnectionOptions,
    limits: Limits,
    *,
    sleep: Callable[[float], None],
    say: Callable[[str], None],
) -> TesteryClient:
    """Return the client; raises :class:`UsageError` for a wrong proxy or certificate."""
    return TesteryClient(
        Transport(find_route(connection.api_url), connection.token.value),
        limits,
        sleep=sleep,
        on_retry=lambda retry: say(str(retry)),
    )
