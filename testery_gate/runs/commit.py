"""The commit that a pipeline is about: what ``--git-ref auto`` stands for.

:mod:`.commit_rules` has the rules of each CI system. Without a rule it is a usage error: with a
guess, the gate could pass because of another commit's run.
"""

from __future__ import annotations

import json
import re
import reprlib
from collections.abc import Callable, Mapping
from typing import assert_never

from testery_gate.errors import UsageError
from testery_gate.runs.commit_rules import (
    SYSTEMS,
    Checkout,
    InEvent,
    Rule,
    System,
    Unknown,
)

EVENT_LIMIT = 25 * 1024 * 1024
"""The most bytes that an event may have (GitHub, "Webhook events and payloads", payload cap)."""

# All zeros is what git and GitHub write for "no commit".
_COMMIT = re.compile(r"(?!0+$)[0-9a-fA-F]{7,64}")


def current_commit(
    environment: Mapping[str, str],
    read_start: Callable[[str, int], bytes],
    head_of_checkout: Callable[[], str],
) -> str:
    """Return the commit under test: in a pull request its head, not the merge made for the build.

    ``read_start`` reads so many bytes of a file at most, ``head_of_checkout`` asks git; both may
    raise ``OSError``. Raises :class:`UsageError` if there is no commit, or it is unknown.
    """
    system = next((one for one in SYSTEMS if _fits(environment, one.sign)), None)
    if system is not None:
        return _commit_of_system(system, environment, read_start, head_of_checkout)
    if environment.get("CI", "").lower() not in {"", "0", "false"}:
        # An unknown system may have checked out a merge, or another branch.
        raise UsageError(
            "--git-ref auto finds no commit: CI is set, but not by a CI system that it knows",
            advice='Name the commit itself, for example --git-ref "$(git rev-parse HEAD)"'
            " if that is not a merge.",
        )
    return _asked_of_git(head_of_checkout, "no CI variable is set, and git says")


def _commit_of_system(
    system: System,
    environment: Mapping[str, str],
    read_start: Callable[[str, int], bytes],
    head_of_checkout: Callable[[], str],
) -> str:
    rule = next(
        (one for one in system.rules if all(_fits(environment, pair) for pair in one.where)), None
    )
    if rule is None:
        event_name = reprlib.repr(environment.get(system.event, ""))
        raise _unknown(system, f"{system.event} is {event_name}", system.otherwise)
    advice = _advice(system, rule)
    event: object = None
    if rule.only_if is not None or isinstance(rule.take, InEvent):
        event = _event(environment.get("GITHUB_EVENT_PATH", ""), advice, read_start)
    if rule.only_if is not None:
        path, values = rule.only_if
        value = _in_event(event, path, advice)
        if value not in values:
            build = f"{rule.when}, {path} is {reprlib.repr(value)}"
            raise _unknown(system, build, system.otherwise)
    match rule.take:
        case str(name):
            if not environment.get(name):
                raise UsageError(
                    f"--git-ref auto finds no commit: {system.name} did not set {name}",
                    advice=advice,
                )
            return _checked(environment[name], name, advice)
        case InEvent(path):
            return _checked(_in_event(event, path, advice), f"the event's {path}", advice)
        case Checkout():
            return _asked_of_git(head_of_checkout, "git says")
        case Unknown():
            raise _unknown(system, rule.when, rule.take)
        case _:
            assert_never(rule.take)


def _fits(environment: Mapping[str, str], condition: tuple[str, str]) -> bool:
    variable, pattern = condition
    return re.fullmatch(pattern, environment.get(variable, "")) is not None


def _unknown(system: System, build: str, unknown: Unknown) -> UsageError:
    return UsageError(
        f"--git-ref auto does not know the commit: {system.name} does not say it for this build"
        f" ({build})",
        advice=_instead(unknown),
    )


def _instead(unknown: Unknown) -> str:
    remark = f", {unknown.remark}" if unknown.remark else ""
    return f"Pass it: {unknown.instead}{remark}"


def _advice(system: System, rule: Rule) -> str:
    if isinstance(rule.take, InEvent):
        return f"Pass it, for example --git-ref ${{{{ github.event.{rule.take.path} }}}}"
    return _instead(system.otherwise)


def _event(path: str, advice: str, read_start: Callable[[str, int], bytes]) -> object:
    """Return the event from its file; raises :class:`UsageError` where it can't be read."""
    try:
        text = read_start(path, EVENT_LIMIT + 1)
        if len(text) > EVENT_LIMIT:
            raise ValueError(f"it has more than {EVENT_LIMIT} bytes")  # noqa: TRY301  (said below)
        return json.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(
            f"--git-ref auto can't read the commit of the event from {path!r}"
            f" (GITHUB_EVENT_PATH): {getattr(error, 'strerror', None) or error}",
            advice=advice,
        ) from None


def _in_event(event: object, path: str, advice: str) -> object:
    for key in path.split("."):
        if not (isinstance(event, dict) and key in event):
            raise UsageError(
                f"--git-ref auto can't read the commit of the event: it has no {path}",
                advice=advice,
            )
        event = event[key]
    return event


def _asked_of_git(head_of_checkout: Callable[[], str], before: str) -> str:
    advice = "Name the commit itself with --git-ref."
    try:
        head = head_of_checkout().strip()
    except OSError as error:
        raise UsageError(
            f"--git-ref auto finds no commit: {before}: {error}", advice=advice
        ) from None
    return _checked(head, "git's HEAD", advice)


def _checked(value: object, name: str, advice: str) -> str:
    if isinstance(value, str) and _COMMIT.fullmatch(value):
        return value
    raise UsageError(
        f"--git-ref auto finds no commit: {name} is {reprlib.repr(value)}, not 7 to 64 hexadecimal"
        " digits of a commit",
        advice=advice,
    )
