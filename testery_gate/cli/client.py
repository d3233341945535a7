"""From options to the client that asks the API."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from testery_gate.api.client import ONLY_LOOK_SECONDS, Limits, TesteryClient
from testery_gate.api.connection import find_route
from testery_gate.api.transport import Transport
from testery_gate.cli.connection import ConnectionOptions
from testery_gate.cli.output import show
from testery_gate.model import TestResult
from testery_gate.waiting.deadline import Deadline


def connect(
    connection: ConnectionOptions,
    limits: Limits,
    *,
    sleep: Callable[[float], None],
    say: Callable[[str], None],
) -> TesteryClient:
    """Return the client; raises :class:`UsageError` for a wrong proxy or certificate."""
    return TesteryClient(_transport(connection), limits, sleep=sleep, say=say)


def _transport(connection: ConnectionOptions) -> Transport:
    route = find_route(connection.api_url)
    return Transport(route, connection.token.value, secrets=connection.secrets)


def connect_behind(
    connection: ConnectionOptions, limits: Limits, *, brief: bool = True
) -> Callable[[], Callable[[int], Sequence[TestResult]]]:
    """Return what makes a client for each thread that reads test results in the background.

    They print nothing, try once, and parse one answer at a time, so that the wait goes on
    meanwhile. ``brief`` results have each test's identity and status only.
    """
    turn = threading.Lock()
    once = replace(limits, outage_tolerance=0.0)

    def connect_one() -> Callable[[int], Sequence[TestResult]]:
        client = TesteryClient(_transport(connection), once, sleep=time.sleep, turn=turn)
        return partial(client.results, brief=brief)

    return connect_one


def limits_now(outage_tolerance: float, *, seconds: float = 0.0) -> Limits:
    """Return the time limits of a command that shows the present state.

    Its requests may take as long as one outage, or so many ``seconds`` together if that is longer.
    """
    return Limits(
        deadline=Deadline.after(max(outage_tolerance, seconds)),
        outage_tolerance=outage_tolerance,
        grace=ONLY_LOOK_SECONDS,
    )


def connect_now(
    connection: ConnectionOptions, outage_tolerance: float, *, seconds: float = 0.0
) -> TesteryClient:
    """Return the client of such a command."""
    return connect(
        connection,
        limits_now(outage_tolerance, seconds=seconds),
        sleep=time.sleep,
        say=lambda line: show(f"testery-gate: {line}\n", sys.stderr),
    )
