"""From options to what says on a code host how the gate stands."""

from __future__ import annotations

import json
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from testery_gate import ci
from testery_gate.cli import notify
from testery_gate.cli.arguments import CodeHostOptions
from testery_gate.cli.output import show
from testery_gate.cli.process import Process
from testery_gate.code_hosts.adapters import ADAPTERS
from testery_gate.code_hosts.announcer import SECONDS, Announcer
from testery_gate.code_hosts.host import CodeHost, Surroundings
from testery_gate.code_hosts.http import HostError, Http
from testery_gate.reports.ending import Ending
from testery_gate.text import clean_text

SECONDS_AFTER_A_SIGNAL = 4.0
"""Whoever stops a gate waits a few seconds for it to end, and then kills it."""
EVENT_LIMIT = 25 * 1024 * 1024
"""Bytes of an event, as for ``--git-ref auto``."""


def announce(process: Process, options: CodeHostOptions) -> None:
    """Say that the gate waits, and have the process say how it ends."""
    with _harmless(process):
        if options.token is not None:
            environment = process.machine.environment
            ci.mask(process.ci, options.token.value, notify.commands(sys.stderr), environment)
        announcer = Announcer(
            lambda: _connect(process, options), options.wishes, debug=process.debug
        )
        process.announce = partial(_finish, process, announcer)
        announcer.begin()


def _finish(process: Process, announcer: Announcer, ending: Ending) -> None:
    with _harmless(process):
        interrupts = process.interrupts
        received = interrupts.received
        said = announcer.finish(
            ending,
            seconds=SECONDS if received is None else SECONDS_AFTER_A_SIGNAL,
            # That is the ending then, and is said next.
            overtaken=lambda: interrupts.received is not received,
        )
        for line in said:
            show(f"testery-gate: {clean_text(line)}\n", sys.stderr)


@contextmanager
def _harmless(process: Process) -> Iterator[None]:
    """Let no defect change how the gate ends."""
    try:
        yield
    except Exception as error:  # noqa: BLE001  (that is what it is for)
        if process.debug:
            show(traceback.format_exc(), sys.stderr)
        told = f"a defect in testery-gate: {type(error).__name__}: {error}"
        show(f"testery-gate: nothing is said on the code host: {told}\n", sys.stderr)


def _connect(process: Process, options: CodeHostOptions) -> CodeHost:
    if options.system is None:
        raise HostError("the system that hosts the code is not known; name it with --code-host")
    if options.token is None:
        raise HostError(options.why_no_token)
    environment = process.machine.environment
    adapter = ADAPTERS[options.system]
    place = adapter.find_place(
        Surroundings(
            environment=environment, read_event=lambda: _event(process), commit=options.commit
        )
    )
    http = Http(
        place.api_url,
        options.token.value,
        auth=adapter.auth(options.token.value),
        sleep=time.sleep,
        now=time.time,
    )
    return adapter(place, http)


def _event(process: Process) -> object:
    """Return what GitHub says of its event; ``None`` where it says nothing that can be read."""
    path = process.machine.environment.get("GITHUB_EVENT_PATH", "")
    try:
        text = process.machine.read_start(path, EVENT_LIMIT)
        event: object = json.loads(text)
    except (OSError, ValueError, RecursionError):
        return None
    return event
