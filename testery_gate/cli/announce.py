"""From click's values to what is shown on a code host: a comment and a commit status.

Imported only where a comment or a status is asked for; most gates do without.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from testery_gate import ci, code_hosts
from testery_gate.api.credentials import Token, find_code_host_token
from testery_gate.cli import notify
from testery_gate.cli.given import Given, Values
from testery_gate.cli.output import show
from testery_gate.cli.process import Machine, Process
from testery_gate.cli.which_runs import commit_under_test
from testery_gate.code_hosts.adapters import ADAPTERS
from testery_gate.code_hosts.announcer import SECONDS, Announcer
from testery_gate.code_hosts.host import CodeHost, Surroundings
from testery_gate.code_hosts.http import HostError, Http
from testery_gate.errors import UsageError
from testery_gate.model import same_git_ref
from testery_gate.reports.ending import Ending
from testery_gate.text import clean_text, one_line

SECONDS_AFTER_A_SIGNAL = 4.0
"""Short, because a CI system that stops a gate waits a few seconds and then kills it."""
_NOTHING_SAID = "nothing is said on the code host: a defect in testery-gate"
EVENT_LIMIT = 25 * 1024 * 1024
"""Bytes of an event, as for ``--git-ref auto``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeHostOptions:
    """What is shown on the code host, and with which token."""

    system: code_hosts.System | None
    """``None`` where it is not known."""
    wishes: code_hosts.Wishes
    token: Token | None
    why_no_token: str = ""
    commit: Callable[[], str | None]
    """Returns the commit under test, ``None`` where it is not known."""


def code_host_options(values: Values, machine: Machine, given: Given) -> CodeHostOptions:
    """Return what is shown on the code host, and with which token."""
    wishes = code_hosts.Wishes(
        comment=code_hosts.Mode(values["comment"]),
        key=one_line(clean_text(values["comment_key"] or "")),
        status=values["commit_status"],
        context=one_line(clean_text(values["status_context"] or "")),
    )
    token, why_no_token = None, ""
    try:
        token = find_code_host_token(values["code_host_token_file"], machine.environment)
    except UsageError as error:
        # A change from a fork gets no secrets; that must not make its gate fail.
        why_no_token = error.message
    # The configuration file comes with one change; it must not set another commit's status.
    trusted = values["trust_config"] or not given.origin("git_ref")
    git_ref = values["git_ref"] if trusted else None
    return CodeHostOptions(
        system=code_hosts.chosen(values["code_host"], machine.environment),
        wishes=wishes,
        token=token,
        why_no_token=why_no_token,
        commit=lambda: _commit(git_ref, machine),
    )


def _commit(git_ref: str | None, machine: Machine) -> str | None:
    if git_ref and re.fullmatch("[0-9a-f]{40}|[0-9a-f]{64}", git_ref, re.IGNORECASE):
        return git_ref.lower()
    try:
        commit = commit_under_test(machine)
    except UsageError:
        return None
    # An abbreviated commit can be completed only if it is the pipeline's.
    if git_ref and re.fullmatch("[0-9a-f]{7,}", git_ref, re.IGNORECASE):
        return commit if same_git_ref(git_ref, commit) else None
    return commit


def announce(process: Process, options: CodeHostOptions) -> None:
    """Show that the gate waits; when the process ends, it shows how the gate ended."""
    with notify.harmless(process, _NOTHING_SAID):
        if options.token is not None:
            environment = process.machine.environment
            ci.mask(process.ci, options.token.value, notify.commands(sys.stderr), environment)
        announcer = Announcer(
            lambda: _connect(process, options), options.wishes, debug=process.debug
        )
        process.announce = partial(_finish, process, announcer)
        announcer.begin()


def _finish(process: Process, announcer: Announcer, ending: Ending) -> None:
    with notify.harmless(process, _NOTHING_SAID):
        interrupts = process.interrupts
        received = interrupts.received
        lines = announcer.finish(
            ending,
            seconds=SECONDS if received is None else SECONDS_AFTER_A_SIGNAL,
            # The signal is how the gate ends now, and that is shown next.
            overtaken=lambda: interrupts.received is not received,
        )
        for line in lines:
            show(f"testery-gate: {clean_text(line)}\n", sys.stderr)


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
    """Return GitHub's event; ``None`` where there is none that can be read."""
    path = process.machine.environment.get("GITHUB_EVENT_PATH", "")
    try:
        text = process.machine.read_start(path, EVENT_LIMIT)
        event: object = json.loads(text)
    except (OSError, ValueError, RecursionError):
        return None
    return event
