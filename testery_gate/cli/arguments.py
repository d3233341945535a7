"""From click's values to typed options: a frozen dataclass for each concern of a gate.

Every function here raises :class:`UsageError`; what it needs of the machine is passed to it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain
from typing import TYPE_CHECKING, Any

from testery_gate import code_hosts
from testery_gate.cli.connection import ConnectionOptions, api_url, connection_options
from testery_gate.cli.given import Given, Values
from testery_gate.cli.options import SHORT_CRITERIA
from testery_gate.cli.process import Machine
from testery_gate.cli.which_runs import AUTO, commit_under_test, target, time_of
from testery_gate.errors import UsageError
from testery_gate.judging.policy import NO_NEW_FAILURES, Expectation, Policy
from testery_gate.model import Field
from testery_gate.reports import Renderer, Report, parse_report, with_options
from testery_gate.waiting import interval
from testery_gate.waiting.polling import PollInterval

if TYPE_CHECKING:
    from testery_gate.cli.announce import CodeHostOptions
    from testery_gate.cli.single_tests import EvidenceOptions
    from testery_gate.gate import Target

_APPEARING, NAMED_APPEARING = Fraction(120), Fraction(10)
"""Seconds that a run may take to appear by default. A run whose id is known exists already; only
the copy of the data that the API reads may lag behind."""
_SHOWN_RUNS = 20
"""Comparable runs in an html report, unless the user says how many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitOptions:
    """How long to wait for what; times in seconds."""

    timeout: float
    appear_within: float
    outage_tolerance: float
    patience: float = 0.0
    """Seconds past the timeout in which an API without usable answers may still be asked again."""
    poll_interval: PollInterval = interval.adaptive
    fail_fast: bool = False
    follow: bool = True
    """Whether the gate asks again which runs are meant, and newer ones replace canceled ones."""
    cancel_on_interrupt: bool = False
    cancel_when_decided: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportOptions:
    """The reports at the end, and what they show."""

    wanted: Sequence[Report]
    formats: Mapping[str, Renderer]
    with_results: bool
    with_attachments: bool
    """Whether a report shows screenshots and the like, which only a file may."""
    shown_runs: int
    """How many comparable runs are shown, the one that is judged among them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateOptions:
    """The options of ``wait``, ``check`` and ``run``."""

    target: Target
    policy: Policy
    reports: ReportOptions
    connection: ConnectionOptions
    waiting: WaitOptions
    quiet: bool
    verbose: bool
    failures: int
    """How many failing tests of a run are shown at the end."""
    evidence: EvidenceOptions | None = None
    """What the single tests are compared with, where that was asked for."""
    code_host: CodeHostOptions | None = None
    """What is shown on the code host, where that was asked for."""
    notes: Sequence[str] = ()
    """What every report shows of how the gate is set up."""


def wait_options(values: Values, machine: Machine, given: Given) -> GateOptions:
    """Return the options of ``wait``."""
    waiting = waiting_options(values, given, _appear_within(values))
    return gate_options(values, machine, given, waiting, lambda: target(values, machine, given))


def waiting_options(values: Values, given: Given, appear_within: Fraction) -> WaitOptions:
    """Return how long a command that waits may wait, and for what."""
    if values["cancel_when_decided"] and not values["fail_fast"]:
        raise UsageError(
            f"{given.named('cancel_when_decided')} needs --fail-fast: without it no run is decided"
            " before it has finished",
            advice="Add --fail-fast, or leave the other one out.",
        )
    return WaitOptions(
        timeout=float(values["timeout"]),
        appear_within=float(min(appear_within, values["timeout"])),
        outage_tolerance=float(values["outage_tolerance"]),
        poll_interval=(
            interval.adaptive
            if values["interval"] is None
            else interval.fixed(float(values["interval"]))
        ),
        fail_fast=values["fail_fast"],
        follow=not values["no_follow"],
        cancel_on_interrupt=values["cancel_on_interrupt"],
        cancel_when_decided=values["cancel_when_decided"],
    )


def check_options(values: Values, machine: Machine, given: Given) -> GateOptions:
    """Return the options of ``check``, which waits only for a run to be there."""
    appear_within = float(_appear_within(values))
    waiting = WaitOptions(
        timeout=appear_within,
        appear_within=appear_within,
        outage_tolerance=float(values["outage_tolerance"]),
        patience=float(values["outage_tolerance"]),
        follow=not values["no_follow"],
    )
    return gate_options(values, machine, given, waiting, lambda: target(values, machine, given))


def _appear_within(values: Values) -> Fraction:
    wanted: Fraction | None = values["appear_within"]
    default = NAMED_APPEARING if values["runs"] else _APPEARING
    return default if wanted is None else wanted


def explained_policy(values: Values, machine: Machine, given: Given) -> Policy:
    """Return the policy for ``explain``, after the checks that a gate would make."""
    given.check_limits()
    policy = _policy(values, machine, given)
    api_url(values, given)
    _evidence(values, machine, given, policy)
    _wanted_reports(values, given)
    return policy


def gate_options(
    values: Values,
    machine: Machine,
    given: Given,
    waiting: WaitOptions,
    target: Callable[[], Target],
) -> GateOptions:
    """Return all that a gate needs; ``target`` returns which runs are meant."""
    given.check_limits()
    policy = _policy(values, machine, given)
    meant = target()
    connection = connection_options(values, machine, given)
    return GateOptions(
        target=meant,
        policy=policy,
        evidence=_evidence(values, machine, given, policy),
        reports=_reports(values, given),
        connection=connection,
        waiting=waiting,
        code_host=_code_host(values, machine, given),
        notes=(*given.notes, *given.selection_note()),
        quiet=values["quiet"],
        verbose=values["verbose"],
        failures=values["failures"],
    )


def _evidence(
    values: Values, machine: Machine, given: Given, policy: Policy
) -> EvidenceOptions | None:
    """Return what the single tests are compared with; ``None`` where no option needs them."""
    options = ("baseline", "baseline_ref", "quarantine", "quarantine_ref")
    asked_for = any(values[option] is not None for option in options) or values["history"]
    if not (asked_for or policy.needs_baseline or policy.judges_tests):
        return None
    # Imported here: files, threads and a database, which most gates don't need.
    from testery_gate.cli.single_tests import evidence_options

    return evidence_options(values, machine, given)


def _code_host(values: Values, machine: Machine, given: Given) -> CodeHostOptions | None:
    """Return what is shown on the code host; ``None`` where nothing is asked for."""
    nothing = values["comment"] == code_hosts.Mode.NEVER.value and not values["commit_status"]
    if nothing or values["code_host"] == code_hosts.NONE:
        return None
    # Imported here: the systems and their APIs, which most gates don't need.
    from testery_gate.cli.announce import code_host_options

    return code_host_options(values, machine, given)


def _policy(values: Values, machine: Machine, given: Given) -> Policy:
    def asked_for(name: str) -> tuple[Any, ...]:
        value = values[name]
        items = value if isinstance(value, tuple) else (value,)
        return tuple(replace(item, origin=given.origin(name)) for item in items if item is not None)

    short = [asked_for(criterion.name or "") for criterion in SHORT_CRITERIA]
    only_new = (
        [replace(NO_NEW_FAILURES, origin=given.origin("only_new"))] if values["only_new"] else []
    )
    max_age: Fraction | None = values["max_age"]
    return Policy(
        required=(*asked_for("require"), *only_new, *chain.from_iterable(short)),
        warned=asked_for("warn"),
        expected=tuple(_resolved(expectation, machine) for expectation in asked_for("expect")),
        trust_status=values["trust_status"],
        max_age=None if max_age is None else time_of(max_age),
        quarantine=values["quarantine"] is not None,
        needs_baseline=values["no_baseline"] == "inconclusive",
        trust_origin=given.origin("trust_status"),
        age_origin=given.origin("max_age"),
    )


def _resolved(expectation: Expectation, machine: Machine) -> Expectation:
    if expectation.field is Field.GIT_REF and expectation.value == AUTO:
        return replace(expectation, value=commit_under_test(machine))
    return expectation


def _reports(values: Values, given: Given) -> ReportOptions:
    wanted = _wanted_reports(values, given)
    shown_runs = _SHOWN_RUNS if values["history"] is None else values["history"]
    return ReportOptions(
        wanted=wanted,
        formats=with_options(
            markdown_limit=values["markdown_limit"],
            html_limit=values["html_limit"],
            junit_scope=values["junit_scope"],
            junit_tolerated=values["junit_tolerated"],
        ),
        with_results=not values["no_test_results"],
        with_attachments=not values["no_test_results"]
        and any(report.format in {"html", "json"} and report.path != "-" for report in wanted),
        shown_runs=shown_runs if any(report.format == "html" for report in wanted) else 0,
    )


def _wanted_reports(values: Values, given: Given) -> Sequence[Report]:
    junit_xml: str | None = values["junit_xml"]
    asked_for = [("junit_xml", f"junit={junit_xml}")] if junit_xml is not None else []
    asked_for += [("report", text) for text in values["report"]]
    if values["output"] == "json":
        asked_for.append(("output", "json=-"))
    wanted = []
    for name, text in asked_for:
        with given.placed(name):
            # A report that an untrusted file asks for may only be written where it does no harm.
            careful = bool(given.origin(name)) and not values["trust_config"]
            wanted.append(replace(parse_report(text), careful=careful))
    try:
        places = [_place(item.path) for item in wanted]
    except OSError as error:
        raise UsageError(
            f"the working directory no longer exists: {error.strerror}",
            advice="Change to one that exists, or give the reports absolute paths.",
        ) from None
    for item, place in zip(wanted, places, strict=True):
        if places.count(place) > 1 and place != os.devnull:
            where = "standard output" if place == "-" else item.path
            raise UsageError(
                f"two reports would be written to {where}", advice="Give each report its own path."
            )
    return wanted


def _place(path: str) -> str:
    """Return where a report goes in the end; standard output is ``-`` by any of its names."""
    if path in {"-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"}:
        return "-"
    return os.path.realpath(path)
